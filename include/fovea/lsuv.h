/* SPDX-License-Identifier: Apache-2.0
 *
 * lsuv.h - initial values by what data make of them: layer-sequential unit-variance, Mishkin & Matas 2016 (arXiv:1511.06422).
 */
#ifndef FOVEA_LSUV_H
#define FOVEA_LSUV_H

#include "fovea/batch.h"
#include "fovea/params.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fv_lsuv_options {
    uint64_t seed;
    double tolerance; /* how far from 1 a variance may be; 0 means 0.01 (the paper: 0.1) */
    int32_t tries;    /* divisions of one layer's weights; 0 means 10 */
} fv_lsuv_options;

/* Weights of convolutions and dense layers become orthogonal (FV_INIT_ORTHOGONAL), then, layer by layer from the input on, are divided by the
 * standard deviation of what the layer gives for the batch (all its elements together, its bias included) until that variance is 1 within the
 * tolerance. One forward pass; each layer is run about twice. Batch norm takes its running statistics, dropout is off. Biases stay as they are, so
 * params should have been initialised; values are the same for any number of threads. params: float32. A layer that gives one value only keeps its
 * orthogonal weights, and the log says so. Errors: those of plan, session and batch; the graph's context tells. */
FV_API fv_status fv_params_lsuv(fv_params *params, const fv_batch *batch, const fv_lsuv_options *options);

#ifdef __cplusplus
}
#endif

#endif
