/* SPDX-License-Identifier: Apache-2.0
 *
 * activation.h - what the element-wise activations share. Their formulas are in kernel/eltwise/activation.h. A layer's file has its
 * attributes, a function that says which formula it is, and the descriptor.
 */
#ifndef FVI_ACTIVATION_H
#define FVI_ACTIVATION_H

#include "fovea/graph.h"
#include "layer/layers.h"

/* Output shape = input shape. */
fv_status fvi_infer_same(fvi_infer *node);
/* Keeps the descriptor's formula for the passes below. */
fv_status fvi_activation_setup(fvi_setup *node);
fv_status fvi_activation_forward(fvi_call *call);
/* For descriptors with FVI_READS_OUTPUT and in_place; up to FVI_SCALED_TANH. */
fv_status fvi_activation_backward_by_output(fvi_call *call);
/* For descriptors with FVI_READS_INPUT; from FVI_GELU on. */
fv_status fvi_activation_backward_by_input(fvi_call *call);

#endif
