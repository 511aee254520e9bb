/* SPDX-License-Identifier: Apache-2.0
 *
 * c_source.h - a trained network as C source that needs nothing of fovea: C99, <math.h> at the most, no allocation, weights
 * as constants, memory of a known size. What the files contain and how they are used: docs/c-source.md.
 */
#ifndef FOVEA_C_SOURCE_H
#define FOVEA_C_SOURCE_H

#include "fovea/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_c_arithmetic {
    FV_C_FLOAT = 0, /* float weights and values */
    FV_C_INT8_WEIGHTS, /* weights of convolutions and dense layers as int8 with a scale for each filter; values are floats */
    FV_C_FIXED_POINT /* integers only: int8 weights, int16 values with a power of two as scale for each value of the graph */
} fv_c_arithmetic;

typedef struct fv_c_source_options {
    const char *name; /* what every public name of the source begins with; NULL: the path's last part */
    fv_c_arithmetic arithmetic;
    bool blob;         /* weights in <path>.bin instead of the source; the program hands them to <name>_init() */
    bool no_self_test; /* leave <name>_self_test() out */
    /* Fixed point: images that tell how large each value becomes, usually the training set; borrowed. Required there, else not
     * read. */
    const fv_dataset *calibration;
    int32_t calibration_images; /* the first so many of them; 0 means 512, or all if there are fewer */
} fv_c_source_options;

typedef struct fv_c_source_report {
    char name[64];         /* as used */
    size_t arena_bytes;    /* of the one static array, which holds the values between the layers */
    size_t least_bytes;    /* what any placing needs at the least: the most that is alive in one step */
    size_t constant_bytes; /* weights and tables */
    size_t source_bytes;   /* of <path>.c */
    int64_t multiply_adds; /* one image */
    int32_t steps;         /* functions that an image passes */
} fv_c_source_report;

/* Writes <path>.c and <path>.h, and with options->blob <path>.bin, each replaced only when it is complete. The network is written in
 * its inference form (inference_form.h): no losses, batch normalisation folded where it can be. options may be NULL (defaults); report may be
 * NULL. model is read only. Errors: FV_ERR_UNSUPPORTED names the layer that has no form in this arithmetic; FV_ERR_ARGUMENT a name that is no C
 * identifier, or calibration that is missing; FV_ERR_NUMERIC a weight that is not finite; FV_ERR_IO, FV_ERR_MEMORY. */
FV_API fv_status fv_c_source_write(fv_context *context, fv_model *model, const char *path,
                                   const fv_c_source_options *options, fv_c_source_report *report);

#ifdef __cplusplus
}
#endif

#endif
