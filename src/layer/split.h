/* SPDX-License-Identifier: Apache-2.0
 *
 * split.h - how a layer's passes are cut into tasks: by sizes alone, never by the number of threads, so that results
 * cannot depend on it.
 */
#ifndef FVI_SPLIT_H
#define FVI_SPLIT_H

#include "base/base.h"
#include "tensor/view.h"

/* Views that one pass may walk together, and elements of a task: 64 KiB of float32, which two threads keep in L2 while a
 * task still takes longer than handing it out. */
enum { FVI_SPLIT_VIEWS = 4, FVI_SPLIT_ELEMENTS = 16384 };

/* One run of `count` elements that lie side by side in each view; at[i] is where the run starts in view i. */
typedef void fvi_run_fn(const void *argument, size_t count, void *const *at);
/* Walks all elements of view_count <= FVI_SPLIT_VIEWS views of one shape (n, h, w, c), in runs as long as their strides
 * allow, in parallel. Each element is in exactly one run. */
void fvi_split_runs(fv_context *context, fv_dtype dtype, const fvi_view *const *views, int32_t view_count,
                    fvi_run_fn *run, const void *argument);

/* Items [first, first + count). */
typedef void fvi_items_fn(const void *argument, size_t first, size_t count);
/* Cuts `items` items of about `elements` elements each into tasks of FVI_SPLIT_ELEMENTS elements or at least one item. */
void fvi_split_items(fv_context *context, size_t items, size_t elements, fvi_items_fn *work, const void *argument);

/* y = x, element by element, for views of one shape. Nothing happens when they are the same memory. */
void fvi_split_copy(fv_context *context, fv_dtype dtype, const fvi_view *x, const fvi_view *y);
/* Every element of a view = value. */
void fvi_split_fill(fv_context *context, fv_dtype dtype, const fvi_view *y, double value);

#endif
