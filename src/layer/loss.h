/* SPDX-License-Identifier: Apache-2.0
 *
 * loss.h - what the losses share: weights of samples, and a sum that does not depend on threads.
 */
#ifndef FVI_LOSS_H
#define FVI_LOSS_H

#include "fovea/graph.h"
#include "layer/layers.h"

/* The option `weight`, 1 by default. */
double fvi_loss_weight(const fvi_call *call);
/* Weight of one sample, the option not included. */
double fvi_sample_weight(const fvi_call *call, size_t sample);
/* FV_ERR_ARGUMENT naming the sample when a weight is negative or not finite. */
fv_status fvi_loss_check_weights(fvi_call *call, const char *type);
/* losses[n], unweighted: weights them, writes y where it is wanted, and adds them up from the first to the last into
 * call->loss. */
void fvi_loss_finish(fvi_call *call, double *losses);
/* Bytes of losses[batch], rounded up to 64. Fails when batch * size of a double overflows. */
fv_status fvi_loss_scratch(fvi_setup *node, const char *type, size_t *bytes);

#endif
