/* SPDX-License-Identifier: Apache-2.0
 *
 * batch.h - what a step reads: images and targets, borrowed from whoever made them.
 */
#ifndef FOVEA_BATCH_H
#define FOVEA_BATCH_H

#include "fovea/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_order { FV_NCHW = 0, FV_NHWC } fv_order;

/* n samples. images: n * c*h*w floats (or doubles: dtype) in `order`. At most one kind of target is set; none is legal where
 * no loss is asked for. Everything is borrowed for the time of the call. */
typedef struct fv_batch {
    int32_t n;
    const void *images;
    fv_dtype dtype; /* FV_F32 or FV_F64 */
    fv_order order;
    const int32_t *classes; /* [n], each in [0, classes of the output) */
    const float *values;    /* [n * c*h*w of the loss's input], order c, h, w: Euclidean targets or soft labels */
    const float *weights;   /* [n] sample weights or NULL (ones) */
    /* What random masks (dropout) are drawn from, beside the session's seed and the layer's name. Zeros are legal: then every
     * call draws the same masks, as a gradient check wants; a training loop of your own counts `epoch` up. */
    uint64_t epoch;          /* or any other counter; below 2^32 */
    const uint64_t *samples; /* [n] each sample's number, below 2^32; NULL: first_sample, first_sample + 1, ... */
    uint64_t first_sample;
    double share; /* these samples' part of the batch whose gradients are summed (n / its n); 0 means 1, all of it */
} fv_batch;

#ifdef __cplusplus
}
#endif

#endif
