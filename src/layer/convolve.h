/* SPDX-License-Identifier: Apache-2.0
 *
 * convolve.h - running a convolution as a layer; shared by conv2d and dense.
 */
#ifndef FVI_CONVOLVE_H
#define FVI_CONVOLVE_H

#include "kernel/conv/conv2d.h"
#include "layer/connections.h"

/* Fills plan for shape: by the context's tuner where it has one and knows, else by the cost model. passes: those the plan
 * will run, bits (1 << fvi_pass). timed: what was measured, in the plan's arena, or NULL. */
fv_status fvi_convolve_choose(fvi_setup *node, const fvi_conv2d_shape *shape, uint32_t passes, fvi_conv2d_plan *plan,
                              const char *timed[FVI_PASSES]);
/* Chooses algorithms for the passes that the plan needs and answers every question of setup. shape is inferred already.
 * Parameter 0 is the weight (OIHW), parameter 1, unless no_bias, the bias.
 * connections: NULL, or from the plan's arena: parameter 0 holds only the kernels that exist. */
fv_status fvi_convolve_setup(fvi_setup *node, const fvi_conv2d_shape *shape, const fvi_connections *connections,
                             bool no_bias);
/* The float32 plan of what fvi_convolve_setup() prepared; NULL where forward is not that convolution alone (bf16, a connection table). */
const fvi_conv2d_plan *fvi_convolve_plan(const void *prepared);
/* The bias that forward adds, a folded normalisation's included; or NULL. */
const void *fvi_convolve_bias(const fvi_call *call);
/* fvi_layer.chains and forward_chain: convolve_chain.c. */
bool fvi_convolve_chains(const fvi_setup *const node[3], void **prepared, size_t *scratch_bytes, const char **reason);
fv_status fvi_convolve_forward_chain(const void *prepared, fvi_call *calls);
void fvi_convolve_pack(const fvi_call *call);
void fvi_convolve_pack_backward(const fvi_call *call);
fv_status fvi_convolve_forward(fvi_call *call);
fv_status fvi_convolve_backward_weights(fvi_call *call);
fv_status fvi_convolve_backward_data(fvi_call *call);
/* Declares weight and bias [filters]: He (2015) and zero unless the options say otherwise. */
void fvi_convolve_declare(fvi_infer *node, const fv_shape *weight, int32_t filters, int64_t fan_in, int64_t fan_out,
                          const fv_initializer *weight_init, const fv_initializer *bias_init, bool no_bias);

#endif
