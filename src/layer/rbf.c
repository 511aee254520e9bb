/* SPDX-License-Identifier: Apache-2.0
 *
 * rbf.c - the output units of LeNet-5 (LeCun et al. 1998, section II.B): Euclidean radial basis functions around fixed codes.
 *
 *   penalty[i] = sum over j of (x[j] - code[i][j])^2        y[i] = -penalty[i]        dx[j] = -2 * sum of dy[i] * (x[j] - code[i][j])
 *
 * The code of a class is its stylised picture on 7x12 pixels, +1 and -1 (rbf_codes.c), so similar classes have similar codes; they
 * are no parameters. The paper's y is the penalty; here y is its negative, a score as every other classifier gives it, so
 * that the largest wins, softmax(y) is the posterior of the Gaussians that the penalties stand for, and accuracy,
 * prediction and the losses need no exception. Sums are in double, from the first term to the last.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/rbf_codes.h"
#include "layer/split.h"

static const char type[] = "rbf";

static const fvi_attribute attributes[] = {
    { .name = "units",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_rbf_options, units),
      .count = 1,
      .low = 1,
      .high = FVI_RBF_CLASSES,
      .fallback = "10",
      .help = "classes: the digits 0 to units-1" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const fv_rbf_options *options = node->options;
    const fv_image_shape in = node->in[0];
    if (in.c != FVI_RBF_INPUTS || in.h != 1 || in.w != 1)
        return fvi_fail(
            node->context, FV_ERR_SHAPE,
            "%s '%s': codes have %dx%d = %d pixels, the input is %dx%dx%d; put a dense layer of %d units and a "
            "scaled_tanh before it",
            type, node->name, FVI_RBF_COLUMNS, FVI_RBF_ROWS, FVI_RBF_INPUTS, in.c, in.h, in.w, FVI_RBF_INPUTS);
    node->out = (fv_image_shape){ options->units == 0 ? FVI_RBF_CLASSES : options->units, 1, 1 };
    node->multiply_adds = (int64_t)node->out.c * FVI_RBF_INPUTS;
    node->reach.whole = true;
    return FV_OK;
}

static double code(int32_t unit, int32_t j)
{
    return fvi_rbf_digits[unit][j / FVI_RBF_COLUMNS][j % FVI_RBF_COLUMNS] == '#' ? 1.0 : -1.0;
}

static double get(fv_dtype dtype, const void *row, int32_t i)
{
    return dtype == FV_F64 ? ((const double *)row)[i] : (double)((const float *)row)[i];
}

static void put(fv_dtype dtype, void *row, int32_t i, double value)
{
    if (dtype == FV_F64)
        ((double *)row)[i] = value;
    else
        ((float *)row)[i] = (float)value;
}

static void forward_samples(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    for (size_t n = first; n < first + count; n++) {
        const void *x = fvi_view_at(&call->x[0], call->dtype, (int32_t)n, 0, 0);
        void *y = fvi_view_at(&call->y, call->dtype, (int32_t)n, 0, 0);
        for (int32_t i = 0; i < call->y.c; i++) {
            double penalty = 0;
            for (int32_t j = 0; j < FVI_RBF_INPUTS; j++) {
                const double difference = get(call->dtype, x, j) - code(i, j);
                penalty += difference * difference;
            }
            put(call->dtype, y, i, -penalty);
        }
    }
}

static fv_status forward(fvi_call *call)
{
    fvi_split_items(call->context, (size_t)call->n, (size_t)call->y.c * FVI_RBF_INPUTS, forward_samples, call);
    return FV_OK;
}

static void backward_samples(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    for (size_t n = first; n < first + count; n++) {
        const void *x = fvi_view_at(&call->x[0], call->dtype, (int32_t)n, 0, 0);
        const void *dy = fvi_view_at(&call->dy, call->dtype, (int32_t)n, 0, 0);
        void *dx = fvi_view_at(&call->dx[0], call->dtype, (int32_t)n, 0, 0);
        for (int32_t j = 0; j < FVI_RBF_INPUTS; j++) {
            double sum = 0;
            for (int32_t i = 0; i < call->dy.c; i++)
                sum += get(call->dtype, dy, i) * (get(call->dtype, x, j) - code(i, j));
            put(call->dtype, dx, j, -2 * sum);
        }
    }
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        fvi_split_items(call->context, (size_t)call->n, (size_t)call->dy.c * FVI_RBF_INPUTS, backward_samples, call);
    return FV_OK;
}

const fvi_layer fvi_layer_rbf = {
    .name = "rbf",
    .formula = "y[i] = -sum over j of (x[j] - code[i,j])^2, code: the digit i on 7x12 pixels of +1 and -1",
    .options_size = sizeof(fv_rbf_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
