/* SPDX-License-Identifier: Apache-2.0
 *
 * self_test.h - does a model still compute here what it computed where it was written? A file carries a seed and the output of its network
 * for the input that this seed gives; every format that a model is exported to carries the same two (docs/formats.md#self-test).
 */
#ifndef FOVEA_SELF_TEST_H
#define FOVEA_SELF_TEST_H

#include "fovea/model.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FV_SELF_TEST_MOST = 1 << 16 }; /* outputs; networks with more have no self-test */

/* A self-test. Zeros: none. */
typedef struct fv_self_test {
    uint64_t seed; /* below 2^53, so that any reader of JSON can hold it */
    int32_t count; /* values of the output; 0: none */
    float *output; /* [count], order c, h, w, finite; released by fv_self_test_release() */
    bool fast;     /* computed by the plan that inference runs; false: by reference kernels */
} fv_self_test;

/* The input of a seed, one image, order h, w, c as a batch of FV_NHWC has it: value i is (p[i] - mean[c]) / deviation[c] rounded to float32,
 * computed in double; p[i] = (draw[i] >> 8) / 2^24, so uniform in [0, 1); draw[i] is the i-th 32-bit draw of
 * Philox4x32-10 (Salmon et al. 2011) with key (seed mod 2^32, seed / 2^32) and counter (i / 4, 0, 0, 0). A deviation of 0 means 1.
 * `transforms` and `resize` of preprocess are not applied. image: [h*w*c] of preprocess->input. */
FV_API void fv_self_test_input(const fv_preprocess *preprocess, uint64_t seed, float *image);
/* Runs the network of params (float32) on that input: by reference kernels, or where they would take too long for one image (above 2^28
 * multiply-adds) by the plan that inference runs. *out is zeros on failure and where there can be no self-test: an output that is not finite or
 * has more than FV_SELF_TEST_MOST values. Takes the memory of an inference session for the time of the call. */
FV_API fv_status fv_self_test_make(fv_self_test *out, fv_params *params, const fv_preprocess *preprocess,
                                   uint64_t seed);
FV_API void fv_self_test_release(fv_context *context, fv_self_test *test); /* to zeros */
/* {"seed": S, "plan": "reference" or "fast", "output": [...]}, with 9 digits, which give back the float32. *text is released by
 * fv_text_release(). */
FV_API fv_status fv_self_test_to_json(const fv_self_test *test, fv_context *context, char **text);
/* The self-test that the model's file carries; *out is zeros where it carries none. */
FV_API fv_status fv_self_test_of_model(fv_self_test *out, fv_model *model);

typedef struct fv_self_test_result {
    int32_t outputs;   /* 0: there was no self-test */
    int32_t worst;     /* index of the output that differs most */
    float got, stored; /* its values */
    double difference; /* |got - stored| / the largest |stored| */
    double bound;      /* what rounding can make of it: docs/numerics.md#self-test */
    bool agrees;       /* difference <= bound */
} fv_self_test_result;

/* Runs the model's self-test by the plan that inference runs. FV_ERR_FORMAT: the one in the file is unreadable or does not fit the network. The
 * values of the model are changed meanwhile (to see what a small error in them does) and are as they were when the call returns. */
FV_API fv_status fv_self_test_run(fv_self_test_result *result, fv_model *model);

#ifdef __cplusplus
}
#endif

#endif
