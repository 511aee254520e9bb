/* SPDX-License-Identifier: Apache-2.0
 *
 * compare.h - where two models that should compute the same part: layer by layer and in what they answer.
 */
#ifndef FOVEA_COMPARE_H
#define FOVEA_COMPARE_H

#include "fovea/dataset.h"
#include "fovea/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Two layers that stand for one another. Texts are borrowed from the models. */
typedef struct fv_compared_layer {
    const char *a, *b, *type; /* names of the nodes; the type of b's */
    fv_image_shape shape;
    double
        difference; /* max |a - b| / max |b|, both over all values of all images; 0 where both are 0, NaN where a value is not a number */
    double mean;    /* mean |a - b| / mean |b| */
    double largest; /* max |b| */
    int64_t image;  /* of the set, that with the largest |a - b| */
} fv_compared_layer;

/* An image to which the models give different classes. */
typedef struct fv_compared_answer {
    int64_t image;                       /* of the set */
    int32_t a, b, label;                 /* label -1: unknown */
    double probability_a, probability_b; /* of their own answers */
} fv_compared_answer;

enum { FV_COMPARISON_ANSWERS = 20 }; /* are kept, the first ones */

typedef struct fv_comparison {
    int64_t images;
    int32_t layers;
    fv_compared_layer *layer;        /* in the order of b, the input first, the output last */
    int32_t only_a, only_b;          /* layers that have no partner */
    const char **alone_a, **alone_b; /* [only_a], [only_b]: their names */
    int32_t parts; /* index of the first layer whose difference is above options.tolerance or not a number; -1: none */
    double difference;                      /* of the outputs, as of a layer */
    double largest;                         /* max |a - b| of the outputs */
    int32_t classes;                        /* values of the output */
    int64_t same_class;                     /* images whose largest outputs are the same */
    int64_t labelled, correct_a, correct_b; /* images with a class; those of which the answer is that class */
    int32_t answers; /* in the list below; images - same_class where that is less than FV_COMPARISON_ANSWERS */
    fv_compared_answer *answer;
} fv_comparison;

typedef struct fv_compare_options {
    int64_t images;                /* the first so many of the set; 0 means 64, at most all */
    double tolerance;              /* 0 means 1e-4: above what rounding does to sums in float32 */
    bool reference_a, reference_b; /* by reference kernels */
} fv_compare_options;

/* Runs both models on images of dataset, each with its own preprocessing; dataset NULL: on the inputs of self-tests with the seeds 1, 2, ...
 * (fv_self_test_input()). A quantised model runs in 8 bits, unless by reference kernels. Each layer is computed by itself (fv_plan_options.no_fusion), so that its values can be looked at. Partners are layers
 * of one name and shape, then of one type and shape in order; a convolution or dense layer into which the other
 * model's batch normalisation was folded is compared with that. What only trains is left out. Takes memory for the values of a batch of one model,
 * 256 MiB or those of one image. *out: zeros on failure, else released by fv_comparison_release(), before the models.
 * FV_ERR_SHAPE: the outputs' shapes differ. options may be NULL. */
FV_API fv_status fv_compare(fv_comparison *out, fv_context *context, fv_model *a, fv_model *b,
                            const fv_dataset *dataset, const fv_compare_options *options);
FV_API void fv_comparison_release(fv_context *context, fv_comparison *comparison);

#ifdef __cplusplus
}
#endif

#endif
