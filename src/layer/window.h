/* SPDX-License-Identifier: Apache-2.0
 *
 * window.h - where the windows of a convolution or pooling lie: padding modes resolved, output size computed.
 */
#ifndef FVI_WINDOW_H
#define FVI_WINDOW_H

#include "fovea/graph.h"
#include "layer/layer.h"

/* Along each axis (0 rows, 1 columns): out = floor((in + pad before + pad after - dilation*(kernel-1) - 1) / stride) + 1. */
typedef struct fvi_window {
    int32_t kernel[2], stride[2], dilation[2]; /* each at least 1 */
    fv_padding padding;
    bool ceil;      /* round up instead, but every window starts inside the image or before it */
    bool pooling;   /* every padding is smaller than the kernel, so that no window is empty */
    int32_t pad[4]; /* in: for FV_PAD_EXPLICIT; out: resolved. Top, left, bottom, right */
    int32_t in[2];
    int32_t out[2]; /* answer */
} fvi_window;

/* The names of the modes, in the order of fv_padding; NULL-terminated. */
extern const char *const fvi_padding_words[];

/* Fills pad and out, or fails with FV_ERR_SHAPE or FV_ERR_ARGUMENT and a message in the context that names the layer. */
fv_status fvi_window_resolve(fv_context *context, const char *type, const char *name, fvi_window *window);

/* What the windows see, once resolved. */
fvi_reach fvi_window_reach(const fvi_window *window);

#endif
