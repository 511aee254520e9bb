/* SPDX-License-Identifier: Apache-2.0
 *
 * part.h - a smaller image that lies somewhere in a larger one: what pad, crop and slice move.
 */
#ifndef FVI_PART_H
#define FVI_PART_H

#include "layer/layer.h"

/* whole = part from row, column and channel `at` on, and value around it. Where the planner put part right there, only the
 * surroundings are written. */
void fvi_part_put(const fvi_call *call, const fvi_view *part, const fvi_view *whole, fv_image_shape at, double value);
/* part = the rows, columns and channels of whole from `at` on. */
void fvi_part_get(const fvi_call *call, const fvi_view *whole, const fvi_view *part, fv_image_shape at);

#endif
