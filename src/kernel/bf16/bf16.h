/* SPDX-License-Identifier: Apache-2.0
 *
 * bf16.h - mixed precision's own kernels: between bfloat16 in memory and float32 in arithmetic. One table for each instruction
 * set; all give the same bits (base/bf16.h says which).
 */
#ifndef FVI_KERNEL_BF16_H
#define FVI_KERNEL_BF16_H

#include "base/bf16.h"
#include "kernel/kernels.h"

/* to[i] = from[i], rounded. The two must not overlap. */
typedef void fvi_bf16_narrow_fn(size_t count, const float *from, uint16_t *to);
/* to[i] = from[i], exactly (a subnormal comes from no narrowing, and stays). Likewise. */
typedef void fvi_bf16_widen_fn(size_t count, const uint16_t *from, float *to);

/* y[i] = a[i] + b[i], rounded. y may be a or b. */
typedef void fvi_bf16_add_fn(size_t count, const uint16_t *a, const uint16_t *b, uint16_t *y);

typedef struct fvi_bf16_kernels {
    const char *name;
    fvi_bf16_narrow_fn *narrow;
    fvi_bf16_widen_fn *widen;
    fvi_bf16_add_fn *add;
} fvi_bf16_kernels;

/* The table for an instruction set. Never NULL. */
const fvi_bf16_kernels *fvi_bf16_kernels_for(fvi_isa isa);
/* NULL where plans may compute in bf16: the context's instruction set has the instructions, or it emulates them; else why
 * not. A static string. */
const char *fvi_bf16_refused(const fv_context *context);

#endif
