/* SPDX-License-Identifier: Apache-2.0
 *
 * multiply.c - a value times a gate: of the same shape, or one number for each channel, as in squeeze-and-excitation (Hu et al.
 * 2018, arXiv:1709.01507). The gradient of such a number is a sum over the image, taken row by row and then over
 * the rows, so that rounding errors grow with rows + columns and not with their product.
 */
#include <string.h>

#include "base/checked.h"
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/split.h"

static fv_status infer(fvi_infer *node)
{
    const fv_image_shape x = node->in[0], gate = node->in[1];
    const bool same = x.c == gate.c && x.h == gate.h && x.w == gate.w;
    if (!same && !(x.c == gate.c && gate.h == 1 && gate.w == 1))
        return fvi_fail(
            node->context, FV_ERR_SHAPE,
            "multiply '%s': the gate has shape %dx%dx%d, but for an input of %dx%dx%d it must have the same "
            "or %dx1x1",
            node->name, gate.c, gate.h, gate.w, x.c, x.h, x.w, x.c);
    node->out = x;
    return FV_OK;
}

static bool gates_channels(const fv_image_shape *in)
{
    return in[1].h * in[1].w == 1 && (in[0].h != 1 || in[0].w != 1);
}

static fv_status setup(fvi_setup *node)
{
    size_t values = 0;
    if (!node->backward || !gates_channels(node->in))
        return FV_OK;
    if (!fvi_size_multiply((size_t)node->batch, (size_t)node->in[0].c, &values) ||
        !fvi_size_multiply(values, fv_dtype_size(node->dtype), &node->scratch_bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "multiply '%s': batch %d of %d channels overflows", node->name,
                        node->batch, node->in[0].c);
    return FV_OK;
}

/* y = a * b for views of one shape. */
static void multiply_run(const void *argument, size_t count, void *const *at)
{
    const fvi_kernels *kernels = argument;
    kernels->multiply(count, at[0], at[1], at[2]);
}

static void multiply_views(const fvi_call *call, const fvi_view *a, const fvi_view *b, const fvi_view *y)
{
    const fvi_view *const views[] = { a, b, y };
    fvi_split_runs(call->context, call->dtype, views, 3, multiply_run, call->kernels);
}

/* One gate a channel: y = x * gate, row by row. */
typedef struct gate_pass {
    const fvi_call *call;
    const fvi_view *x, *gate, *y;
} gate_pass;

static void gate_rows(const void *argument, size_t first, size_t count)
{
    const gate_pass *pass = argument;
    const fvi_call *call = pass->call;
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)pass->x->h), h = (int32_t)(row % (size_t)pass->x->h);
        const void *gate = fvi_view_at(pass->gate, call->dtype, n, 0, 0);
        for (int32_t w = 0; w < pass->x->w; w++)
            call->kernels->multiply((size_t)pass->x->c, fvi_view_at(pass->x, call->dtype, n, h, w), gate,
                                    fvi_view_at(pass->y, call->dtype, n, h, w));
    }
}

static void gate_image(const fvi_call *call, const fvi_view *x, const fvi_view *y)
{
    const gate_pass pass = { .call = call, .x = x, .gate = &call->x[1], .y = y };
    fvi_split_items(call->context, (size_t)call->n * (size_t)x->h, (size_t)x->w * (size_t)x->c, gate_rows, &pass);
}

/* dgate = sum of x * dy over one image's pixels. */
static void gate_gradients(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *x = &call->x[0];
    const size_t c = (size_t)x->c, bytes = c * fv_dtype_size(call->dtype);
    for (size_t image = first; image < first + count; image++) {
        const int32_t n = (int32_t)image;
        char *row = (char *)call->scratch + image * bytes;
        void *sum = fvi_view_at(&call->dx[1], call->dtype, n, 0, 0);
        memset(sum, 0, bytes);
        for (int32_t h = 0; h < x->h; h++) {
            memset(row, 0, bytes);
            for (int32_t w = 0; w < x->w; w++)
                call->kernels->multiply_add(c, fvi_view_at(x, call->dtype, n, h, w),
                                            fvi_view_at(&call->dy, call->dtype, n, h, w), row);
            call->kernels->add(c, sum, row, sum);
        }
    }
}

static bool one_gate_a_channel(const fvi_call *call)
{
    const fv_image_shape in[2] = { { call->y.c, call->y.h, call->y.w }, { call->y.c, call->x[1].h, call->x[1].w } };
    return gates_channels(in);
}

static fv_status forward(fvi_call *call)
{
    if (one_gate_a_channel(call))
        gate_image(call, &call->x[0], &call->y);
    else
        multiply_views(call, &call->x[0], &call->x[1], &call->y);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    const fvi_view *dx = call->dx;
    const bool channels = one_gate_a_channel(call);
    if (dx[0].data && channels)
        gate_image(call, &call->dy, &dx[0]);
    else if (dx[0].data)
        multiply_views(call, &call->dy, &call->x[1], &dx[0]);
    if (dx[1].data && channels)
        fvi_split_items(call->context, (size_t)call->n, (size_t)call->y.h * (size_t)call->y.w * (size_t)call->y.c,
                        gate_gradients, call);
    else if (dx[1].data)
        multiply_views(call, &call->dy, &call->x[0], &dx[1]);
    return FV_OK;
}

const fvi_layer fvi_layer_multiply = {
    .name = "multiply",
    .onnx_op = "Mul",
    .formula = "y = x * gate; a gate of c x 1 x 1 multiplies every pixel",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 2,
    .max_inputs = 2,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
