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
} fv_batch;

#ifdef __cplusplus
}
#endif

#endif
