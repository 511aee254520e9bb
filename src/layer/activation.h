/* SPDX-License-Identifier: Apache-2.0
 *
 * activation.h - what the element-wise activations share. Their formulas are in kernel/kernels.h.
 */
#ifndef FVI_ACTIVATION_H
#define FVI_ACTIVATION_H

#include "fovea/graph.h"
#include "layer/layers.h"

/* Output shape = input shape. */
fv_status fvi_infer_same(fvi_infer *node);
/* y = f(x) and dx = dy * f'(x) from y, with the two numbers that kernels.h calls a and b. */
fv_status fvi_activation_forward(fvi_call *call, fvi_activation kind, double a, double b);
fv_status fvi_activation_backward(fvi_call *call, fvi_activation kind, double a, double b);

#endif
