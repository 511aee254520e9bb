/* SPDX-License-Identifier: Apache-2.0
 *
 * binary.h - what add, subtract, multiply and divide share: y = a op b, where b has a's shape or size 1 along some axes and is
 * repeated there, and the gradients of both.
 */
#ifndef FVI_BINARY_H
#define FVI_BINARY_H

#include "layer/layer.h"

typedef enum fvi_binary { FVI_BINARY_ADD, FVI_BINARY_SUBTRACT, FVI_BINARY_MULTIPLY, FVI_BINARY_DIVIDE } fvi_binary;

/* y = a op b; y may be a's memory. */
void fvi_binary_forward(const fvi_call *call, fvi_binary op, const fvi_view *a, const fvi_view *b, const fvi_view *y);
/* Scratch for db. */
fv_status fvi_binary_setup(const fvi_setup *node, fv_image_shape b, size_t *bytes);
/* da = dy * d(a op b)/da, and db likewise, summed over the axes where b is repeated. dy, da and the scratch are the call's; a, for a sum or a
 * difference, and b, for a sum, may be NULL. */
void fvi_binary_backward_a(const fvi_call *call, fvi_binary op, const fvi_view *b, const fvi_view *da);
void fvi_binary_backward_b(const fvi_call *call, fvi_binary op, const fvi_view *a, const fvi_view *b,
                           const fvi_view *db);

#endif
