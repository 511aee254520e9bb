/* SPDX-License-Identifier: Apache-2.0
 *
 * move.h - elements from one order in memory to another: what permute, channel_shuffle and slices with a step do.
 */
#ifndef FVI_MOVE_H
#define FVI_MOVE_H

#include "layer/layer.h"

/* to[i*to_step[0] + j*to_step[1]] = from[i*from_step[0] + j*from_step[1]] for i below size[0] and j below size[1]; steps in elements, any sign. In
 * squares of 16 by 16, so that what is read and written across cache lines stays in the first cache. */
void fvi_move_plane(fv_dtype dtype, const size_t size[2], const void *from, const ptrdiff_t from_step[2], void *to,
                    const ptrdiff_t to_step[2]);

/* A walk through an image with one step in each direction; elements. */
typedef struct fvi_walk {
    void *data; /* of image 0 */
    ptrdiff_t image, row, column, channel;
} fvi_walk;

/* to = from, element by element, n images of c x h x w in parallel by rows. */
void fvi_move(const fvi_call *call, fv_image_shape size, const fvi_walk *from, const fvi_walk *to);
/* The elements of a view. */
fvi_walk fvi_walk_of(const fvi_view *view);

#endif
