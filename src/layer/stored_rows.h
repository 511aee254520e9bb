/* SPDX-License-Identifier: Apache-2.0
 *
 * stored_rows.h - for layers that take bf16 themselves (fvi_setup.takes_bf16) and compute in float32 row by row: some rows of a
 * tensor in a float32 buffer, and a view that finds them there under their own numbers.
 */
#ifndef FVI_STORED_ROWS_H
#define FVI_STORED_ROWS_H

#include "kernel/bf16/bf16.h"
#include "tensor/view.h"

/* Rows are counted through all images: image r / h, row r % h. */
typedef struct fvi_stored_rows {
    const fvi_view *stored; /* is_bf16 */
    size_t first, count;
    float *buffer; /* [count * w * c] */
} fvi_stored_rows;

/* A float32 view of the whole tensor's shape, of which only these rows may be looked at. */
fvi_view fvi_stored_rows_view(const fvi_stored_rows *rows);
void fvi_stored_rows_widen(const fvi_stored_rows *rows, const fvi_bf16_kernels *kernels);
void fvi_stored_rows_narrow(const fvi_stored_rows *rows, const fvi_bf16_kernels *kernels);

#endif
