/* SPDX-License-Identifier: Apache-2.0
 *
 * optimizer.h - updates values by gradients.
 */
#ifndef FOVEA_OPTIMIZER_H
#define FOVEA_OPTIMIZER_H

#include "fovea/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Stochastic gradient descent with momentum in PyTorch's form (Sutskever et al. 2013, section 2, with the rate outside
 * the velocity):  g = gradient + weight_decay * w (weights only, not biases);  v = momentum * v + g;  w = w - rate * v. */
typedef struct fv_sgd_options {
    double momentum;     /* in [0, 1) */
    double weight_decay; /* at least 0 */
} fv_sgd_options;

/* An update rule and its slots for one fv_params. */
typedef struct fv_optimizer fv_optimizer;

/* Owned by the caller, released by fv_optimizer_destroy(). Borrows params. */
FV_API fv_status fv_optimizer_create_sgd(fv_optimizer **out, fv_params *params, const fv_sgd_options *options);
FV_API void fv_optimizer_destroy(fv_optimizer *optimizer);
/* One step at learning rate `rate`. FV_ERR_NUMERIC, with params and slots untouched, when a gradient is NaN or infinite: the
 * context's message names the parameter. */
FV_API fv_status fv_optimizer_update(fv_optimizer *optimizer, const fv_params *gradients, double rate);
/* The same for the parameters of gradients[0 .. count) alone, each, or each row of it, at most once: what a session hands over
 * (fv_session_on_gradients()) is updated while it is still in cache. All parts of a step together give the bits of one
 * fv_optimizer_update(). FV_ERR_NUMERIC leaves these parameters untouched; those of earlier calls are updated already. */
FV_API fv_status fv_optimizer_update_some(fv_optimizer *optimizer, const fv_gradient *gradients, int32_t count,
                                          double rate);
/* The slots (velocity) in the layout of params, for checkpoints. Borrowed. */
FV_API fv_params *fv_optimizer_velocity(fv_optimizer *optimizer);

#ifdef __cplusplus
}
#endif

#endif
