/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce.h - sums over some axes of an image, and values repeated along them: what a value that is smaller than its partner along
 * some axes (broadcasting), means and repetition have in common.
 */
#ifndef FVI_REDUCE_H
#define FVI_REDUCE_H

#include "layer/layer.h"

/* Whether `part` has in each of c, h, w the size of `whole`, or 1. */
bool fvi_reduces(fv_image_shape whole, fv_image_shape part);
/* Scratch that fvi_reduce() takes for `batch` images. FV_ERR_SHAPE where that overflows. */
fv_status fvi_reduce_setup(const fvi_setup *node, fv_image_shape whole, fv_image_shape part, size_t *bytes);
/* part[c,h,w] = factor * the sum of a * b (b NULL: of a) over all elements of an image that lie at c, h, w, where axes that have size 1 in part
 * are summed over. a and b have one shape, part one that fvi_reduces() to. Pixels of a row are added up first, then rows, then, in
 * double, channels: roundings grow with the sum of these counts. Uses the scratch from `scratch` on. */
void fvi_reduce(const fvi_call *call, const fvi_view *a, const fvi_view *b, double factor, const fvi_view *part,
                void *scratch);
/* whole = factor * part, repeated along the axes where part has size 1. */
void fvi_repeat(const fvi_call *call, const fvi_view *part, double factor, const fvi_view *whole);

#endif
