/* SPDX-License-Identifier: Apache-2.0
 * A layer type made outside the library, y = x / (scale + |x|), in a network that is found by names; its gradient is checked by
 * central differences: cc custom_layer.c $(pkg-config --cflags --libs fovea) -lm */
#include "fovea/fovea.h"
#include <math.h>
#include <stdio.h>

/* Plans compute in float; gradient checks in double. */
static double get(const fv_custom_tensor *t, fv_dtype dtype, ptrdiff_t at)
{
    return dtype == FV_F64 ? ((double *)t->data)[at] : (double)((float *)t->data)[at];
}

static void put(const fv_custom_tensor *t, fv_dtype dtype, ptrdiff_t at, double value)
{
    if (dtype == FV_F64)
        ((double *)t->data)[at] = value;
    else
        ((float *)t->data)[at] = (float)value;
}

static ptrdiff_t place(const fv_custom_tensor *t, int n, int h, int w, int c)
{
    return n * t->image_stride + h * t->row_stride + w * t->pixel_stride + c;
}

/* y[i] = x[i] / d with d = scale + |x[i]|, or dx[i] = dy[i] * scale / d^2. */
static void compute(const fv_custom_call *call, bool backward)
{
    const double scale = call->option[0];
    const fv_custom_tensor *x = &call->x[0], *to = backward ? &call->dx[0] : &call->y;
    for (int n = 0; n < x->n; n++)
        for (int h = 0; h < x->h; h++)
            for (int w = 0; w < x->w; w++)
                for (int c = 0; c < x->c; c++) {
                    const double v = get(x, call->dtype, place(x, n, h, w, c)), d = scale + fabs(v);
                    const double dy = backward ? get(&call->dy, call->dtype, place(&call->dy, n, h, w, c)) : 0;
                    put(to, call->dtype, place(to, n, h, w, c), backward ? dy * scale / (d * d) : v / d);
                }
}

static void forward(const fv_custom_call *call)
{
    compute(call, false);
}

static void backward_data(const fv_custom_call *call)
{
    compute(call, true);
}

int main(void)
{
    const fv_custom_layer softsign = { .name = "softsign",
                                       .option = { { .name = "scale", .fallback = 1, .low = 0.01, .high = 100 } },
                                       .ignores_output = true,
                                       .forward = forward,
                                       .backward_data = backward_data };
    const fv_custom_options half = { .name = "squash", .value = { 0.5 } };
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_value x, y, scores, loss;
    fv_gradient_check_result result;
    fv_status status = fv_context_create(&context, NULL);
    if (status == FV_OK && (status = fv_layer_register(context, &softsign)) == FV_OK &&
        (status = fv_graph_create(&graph, context, "small")) == FV_OK &&
        (status = fv_graph_add_input(graph, &(fv_input_options){ .shape = { 2, 5, 5 } }, &x)) == FV_OK &&
        (status = fv_graph_add(graph, "softsign", &x, 1, &half, &y)) == FV_OK &&
        (status = fv_graph_add_dense(graph, y, &(fv_dense_options){ .units = 3 }, &scores)) == FV_OK &&
        (status = fv_graph_add_softmax_cross_entropy(graph, scores, NULL, &loss)) == FV_OK &&
        (status = fv_graph_finish(graph, scores)) == FV_OK &&
        (status = fv_gradient_check(graph, NULL, &result)) == FV_OK)
        printf("gradients differ from differences by %.0e at most, in %s\n", result.worst, result.worst_name);
    if (status != FV_OK)
        fprintf(stderr, "%s: %s\n", fv_status_name(status), context ? fv_context_message(context) : "");
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return status != FV_OK || result.worst > 1e-6;
}
