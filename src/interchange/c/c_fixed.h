/* SPDX-License-Identifier: Apache-2.0
 *
 * c_fixed.h - layers in fixed point: what stands for a number, and the functions that write them.
 *
 * A value of the graph is int16: q stands for q * 2^-exponent, the exponent such that twice the largest magnitude that calibration met still fits.
 * A weight is int8 with a scale for each filter. Sums are exact, in 32 bits where the filter's weights prove that it suffices, else in
 * 64. A sum becomes a value by a multiplier of 15 bits and a rounded shift for each filter; what does not fit int16 saturates. Functions
 * that are no chain of straight lines go by a table of 513 points with straight lines between.
 */
#ifndef FVI_C_FIXED_H
#define FVI_C_FIXED_H

#include "interchange/c/c_internal.h"

/* Fills program->exponents: runs the network on the images of options.calibration. */
fv_status fvi_c_calibrate(fvi_c_program *program);

/* number = multiplier * 2^-shift, the multiplier in 15 bits and a sign, shift 1 to 62. */
typedef struct fvi_c_scale {
    int16_t multiplier;
    int8_t shift;
} fvi_c_scale;
fvi_c_scale fvi_c_scale_of(double number);
/* Fits int16. */
int16_t fvi_c_to_int16(double number);
/* Of a result, and of an input. */
int32_t fvi_c_exponent_of(const fvi_c_program *program, const fvi_c_step *step);
int32_t fvi_c_input_exponent(const fvi_c_program *program, const fvi_c_step *step, int32_t input);
/* Adds the constants @factor and @shift: numbers[count] as scales. */
fv_status fvi_c_add_scales(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words, int64_t count,
                           const double *numbers);
/* Words @act and @end of the step's fused activation on an int16, as fvi_c_set_activation(); *exponent: what the int16 before it stands by. */
fv_status fvi_c_set_fixed_activation(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words,
                                     int32_t *exponent);

fvi_c_write_fn fvi_c_fixed_conv2d, fvi_c_fixed_conv2d_transpose, fvi_c_fixed_dense;
fvi_c_write_fn fvi_c_fixed_subsample, fvi_c_fixed_batch_norm, fvi_c_fixed_scale, fvi_c_fixed_prelu, fvi_c_fixed_rbf,
    fvi_c_fixed_softmax;
fvi_c_write_fn fvi_c_fixed_add, fvi_c_fixed_multiply, fvi_c_fixed_concat, fvi_c_fixed_pad, fvi_c_fixed_upsample;
fvi_c_write_fn fvi_c_fixed_activation, fvi_c_fixed_dropout;

#endif
