/* SPDX-License-Identifier: Apache-2.0
 *
 * multiply.c - products, differences and quotients of two values: of one shape, or the second with size 1 along some axes and
 * repeated there, as the gates of squeeze-and-excitation (Hu et al. 2018, arXiv:1709.01507), one number for each channel. The gradient
 * of such a number is a sum over the image, taken row by row and then over the rows, so that rounding errors grow with
 * rows + columns and not with their product. add.c has sums.
 */
#include "base/checked.h"
#include "fovea/graph.h"
#include "layer/binary.h"
#include "layer/layers.h"
#include "layer/reduce.h"

static fv_status infer(fvi_infer *node)
{
    const fv_image_shape x = node->in[0], other = node->in[1];
    if (!fvi_reduces(x, other))
        return fvi_fail(
            node->context, FV_ERR_SHAPE,
            "%s '%s': input 2 has shape %dx%dx%d, but for an input 1 of %dx%dx%d each of its sizes must be the "
            "same or 1",
            node->layer->name, node->name, other.c, other.h, other.w, x.c, x.h, x.w);
    node->out = x;
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    return fvi_binary_setup(node, node->in[1], &node->scratch_bytes);
}

static fv_status forward(fvi_call *call, fvi_binary op)
{
    fvi_binary_forward(call, op, &call->x[0], &call->x[1], &call->y);
    return FV_OK;
}

static fv_status backward(fvi_call *call, fvi_binary op)
{
    if (call->dx[0].data)
        fvi_binary_backward_a(call, op, &call->x[1], &call->dx[0]);
    if (call->dx[1].data)
        fvi_binary_backward_b(call, op, &call->x[0], &call->x[1], &call->dx[1]);
    return FV_OK;
}

static fv_status multiply(fvi_call *call)
{
    return forward(call, FVI_BINARY_MULTIPLY);
}

static fv_status multiply_backward(fvi_call *call)
{
    return backward(call, FVI_BINARY_MULTIPLY);
}

static fv_status subtract(fvi_call *call)
{
    return forward(call, FVI_BINARY_SUBTRACT);
}

static fv_status subtract_backward(fvi_call *call)
{
    return backward(call, FVI_BINARY_SUBTRACT);
}

static fv_status divide(fvi_call *call)
{
    return forward(call, FVI_BINARY_DIVIDE);
}

static fv_status divide_backward(fvi_call *call)
{
    return backward(call, FVI_BINARY_DIVIDE);
}

const fvi_layer fvi_layer_multiply = {
    .name = "multiply",
    .onnx_op = "Mul",
    .formula = "y = x1 * x2, where x2 is repeated along axes that have size 1; c x 1 x 1 is a gate for each channel",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 2,
    .max_inputs = 2,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .forward = multiply,
    .backward = FVI_TRAINS(multiply_backward),
};

const fvi_layer fvi_layer_subtract = {
    .name = "subtract",
    .onnx_op = "Sub",
    .formula = "y = x1 - x2, where x2 is repeated along axes that have size 1",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .setup = setup,
    .forward = subtract,
    .backward = FVI_TRAINS(subtract_backward),
};

const fvi_layer fvi_layer_divide = {
    .name = "divide",
    .onnx_op = "Div",
    .formula = "y = x1 / x2, where x2 is repeated along axes that have size 1",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 2,
    .max_inputs = 2,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .forward = divide,
    .backward = FVI_TRAINS(divide_backward),
};
