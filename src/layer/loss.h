/* SPDX-License-Identifier: Apache-2.0
 *
 * loss.h - what the losses share: weights of samples, and a sum that does not depend on threads.
 */
#ifndef FVI_LOSS_H
#define FVI_LOSS_H

#include "fovea/graph.h"
#include "layer/layers.h"

/* Every options struct of a loss begins so. */
typedef struct fvi_loss_options {
    const char *name;
    double weight;
} fvi_loss_options;

/* The option `weight`, 1 by default. */
double fvi_loss_weight(const fvi_call *call);
/* Weight of one sample, the option not included. */
double fvi_sample_weight(const fvi_call *call, size_t sample);
/* FV_ERR_ARGUMENT naming the sample when a weight is negative or not finite. */
fv_status fvi_loss_check_weights(fvi_call *call, const char *type);
/* losses[n], unweighted: weights them, writes y where it is wanted, and adds them up from the first to the last into
 * call->loss. */
void fvi_loss_finish(fvi_call *call, double *losses);
/* FV_ERR_ARGUMENT naming what is wrong with the batch: no targets, both kinds, a class outside [0, classes of x[0]) or an
 * input that is an image where classes are given, weights as above. values: the loss takes values too, which `what` names
 * ("soft labels"); else what is not read. */
fv_status fvi_loss_check_classes(fvi_call *call, const char *type, bool values, const char *what);
/* The same for a loss that takes values alone. */
fv_status fvi_loss_check_values(fvi_call *call, const char *type);

/* One position of one sample; a vector has one. */
typedef struct fvi_loss_position {
    size_t sample;
    int32_t h, w;
} fvi_loss_position;

/* The target of a position: the sample's class, or the values of its channels. */
fvi_target fvi_loss_target(const fvi_call *call, const fvi_loss_position *at);

/* A loss as the sum of its positions. Forward: the loss at one, without weights; needs fvi_loss_scratch() in setup.
 * Backward: dx at one; factor is 1 / divisor with all weights. Both in parallel over samples. */
typedef double fvi_loss_value_fn(const fvi_call *call, const fvi_loss_position *at);
typedef void fvi_loss_gradient_fn(const fvi_call *call, const fvi_loss_position *at, double factor);
fv_status fvi_loss_forward(fvi_call *call, fvi_loss_value_fn *value);
fv_status fvi_loss_backward(fvi_call *call, fvi_loss_gradient_fn *gradient);
/* x[0] or dx[0] at a position. */
void *fvi_loss_at(const fvi_call *call, const fvi_view *view, const fvi_loss_position *at);

/* Setup of a loss whose backward needs p, a probability for each element of x: losses[n] in scratch, and p saved, or in
 * scratch too where no backward pass follows. */
fv_status fvi_loss_keep_probabilities(fvi_setup *node, const char *type);
void *fvi_loss_probabilities(const fvi_call *call, const fvi_loss_position *at);

/* y = 1x1x1; infer of a loss that takes any input. fvi_infer_scores: the input must be a vector of scores. */
fv_status fvi_infer_loss(fvi_infer *node);
fv_status fvi_infer_scores(fvi_infer *node, const char *type);

/* Bytes of losses[batch], rounded up to 64. Fails when batch * size of a double overflows. */
fv_status fvi_loss_scratch(fvi_setup *node, const char *type, size_t *bytes);

#endif
