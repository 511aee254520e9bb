/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_depthwise.h - what the two files of the algorithm for small groups share.
 */
#ifndef FVI_CONV2D_DEPTHWISE_H
#define FVI_CONV2D_DEPTHWISE_H

#include "kernel/conv/conv2d_direct.h"
#include "kernel/conv/depthwise.h"

/* The lane map for groups of `reduced` inputs and `outputs` outputs, or -1: the groups are too large for this algorithm. */
int fvi_conv2d_depthwise_map(int32_t lanes, int32_t reduced, int32_t outputs);

/* Parts of accept: scratch of backward by weights. */
void fvi_conv2d_depthwise_accept_weights(fvi_conv2d_plan *plan);

#endif
