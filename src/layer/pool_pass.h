/* SPDX-License-Identifier: Apache-2.0
 *
 * pool_pass.h - what all poolings share once their geometry is known: setup, and the passes cut into tasks.
 */
#ifndef FVI_POOL_PASS_H
#define FVI_POOL_PASS_H

#include "layer/layer.h"

/* What a pooling knows before it runs. */
typedef struct fvi_pool_plan {
    fvi_pool_shape shape; /* strides still unknown */
    bool
        channels; /* the windows lie along the channels: of the shape a "row" is a pixel, a "column" a channel, and each
                           * image row is an image of its own */
} fvi_pool_plan;

/* Refuses max pooling over windows whose cells no index can number. */
fv_status fvi_pool_check_taps(fvi_infer *node, int64_t rows, int64_t columns);
/* Keeps a copy of the plan in the plan's arena as node->prepared. A layer whose backward reads what is saved, max pooling, gets
 * memory for the winning cells. */
fv_status fvi_pool_setup(fvi_setup *node, const fvi_pool_plan *plan);

/* The passes of a layer whose prepared is an fvi_pool_plan. */
fv_status fvi_pool_max_forward(fvi_call *call);
fv_status fvi_pool_max_backward(fvi_call *call);
fv_status fvi_pool_average_forward(fvi_call *call);
fv_status fvi_pool_average_backward(fvi_call *call);

#endif
