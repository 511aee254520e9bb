/* SPDX-License-Identifier: Apache-2.0
 *
 * c_weights.h - convolutions and dense layers as float and fixed-point writers see them.
 */
#ifndef FVI_C_WEIGHTS_H
#define FVI_C_WEIGHTS_H

#include "interchange/c/c_internal.h"
#include "layer/window.h"

typedef struct fvi_c_geometry {
    fvi_window window; /* resolved */
    int32_t groups, inputs /* of a group */, filters;
} fvi_c_geometry;

/* Weights [filters][each]. */
typedef struct fvi_c_weights {
    int64_t filters, each;
    const float *values;
    bool transposed; /* to be stored [each][filters] */
} fvi_c_weights;

fvi_c_geometry fvi_c_conv2d_geometry(fv_context *context, const fvi_node *node);
fvi_c_geometry fvi_c_conv2d_transpose_geometry(const fvi_node *node);
fvi_window fvi_c_pool_geometry(fv_context *context, const fvi_node *node);
fvi_window fvi_c_subsample_geometry(const fvi_node *node);
/* [channels] what the sum of a window is multiplied with. */
fv_status fvi_c_subsample_factors(fvi_c_program *program, const fvi_c_step *step, const float **factors);
/* [2][channels] a and b of an inference batch normalisation: y = a*x + b. */
fv_status fvi_c_affine(fvi_c_program *program, const fvi_c_step *step, const float **factors);
/* @code: -1 and 1 of the units of LeNet-5. */
fv_status fvi_c_add_codes(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words);
/* Words @sum_type and @mean, that of `sum` over so many cells. */
void fvi_c_set_mean(fvi_c_program *program, fvi_c_words *words, const char *cells);
/* Weights [filters][inputs][rows][columns]: with zeros where a connection table has no kernel; of a transposed convolution turned. */
fv_status fvi_c_conv2d_weights(fvi_c_program *program, const fvi_c_step *step, const float **weights);
fv_status fvi_c_transpose_weights(fvi_c_program *program, const fvi_c_step *step, const fvi_c_geometry *geometry,
                                  const float **weights);
/* int8 weights [filters][each] and a scale for each filter: weight = scale * int8, the largest of a filter being 127. */
fv_status fvi_c_quantize(fvi_c_program *program, const fvi_c_weights *table, int8_t **quantized, float **scales);
/* Replaces the weights of a convolution, transposed convolution or dense layer by what int8 makes of them. */
fv_status fvi_c_round_weights(fvi_c_program *program, const fvi_node *node);

/* Whether windows along an axis (0 rows, 1 columns) hang over the edge of the image. */
bool fvi_c_hangs_over(const fvi_window *window, int axis);
/* Words: @kernel_rows, @stride_rows, @dilation_rows, @top, @checks_rows (windows hang over), and so on for columns (@left). */
void fvi_c_set_window(fvi_c_words *words, const fvi_window *window);

#endif
