/* SPDX-License-Identifier: Apache-2.0
 *
 * kernels.c - which table of kernels a plan uses.
 */
#include "kernel/kernels.h"

extern const fvi_kernels fvi_kernels_reference_f32, fvi_kernels_reference_f64;

const fvi_kernels *fvi_kernels_for(fv_dtype dtype, fvi_isa isa, bool reference)
{
    (void)isa, (void)reference;
    return dtype == FV_F64 ? &fvi_kernels_reference_f64 : &fvi_kernels_reference_f32;
}
