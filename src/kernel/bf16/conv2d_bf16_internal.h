/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_bf16_internal.h - what forward, backward by data and backward by weights share: reading and writing pixels.
 */
#ifndef FVI_KERNEL_CONV2D_BF16_INTERNAL_H
#define FVI_KERNEL_CONV2D_BF16_INTERNAL_H

#include "base/checked.h"
#include "kernel/bf16/conv2d_bf16.h"

enum { FVI_BF16_FEWEST_TASKS = 16 };

/* What each output pixel reads of a tensor: taps[0] x taps[1] cells, at row i*step[0] + r*apart[0] - before[0], likewise columns.
 * Output pixels are counted row by row through all images: rows x columns of them in each. */
typedef struct fvi_bf16_window {
    const fvi_view *view;
    int32_t taps[2], step[2], apart[2], before[2], rows, columns;
} fvi_bf16_window;

/* The cells of tap (r, s) for pixel q: an address in the view, or NULL outside the image. */
const void *fvi_bf16_cell(const fvi_bf16_window *window, size_t q, int32_t r, int32_t s);
/* count channels from a cell (NULL: zeros) as bf16. */
void fvi_bf16_read(const fvi_bf16_kernels *convert, bool is_bf16, const void *cell, size_t count, uint16_t *to);

static inline size_t fvi_bf16_up(size_t value, size_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static inline const void *fvi_bf16_at(const void *data, bool is_bf16, size_t element)
{
    return (const char *)data + element * (is_bf16 ? sizeof(uint16_t) : sizeof(float));
}

fvi_bf16_window fvi_bf16_forward_window(const fvi_conv2d_bf16 *plan, const fvi_view *x);
/* Bytes of scratch of backward by weights, once the rest of the plan is filled in; sets parts. */
size_t fvi_conv2d_bf16_weights_bytes(fvi_conv2d_bf16 *plan);

#endif
