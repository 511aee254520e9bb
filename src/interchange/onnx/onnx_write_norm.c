/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_norm.c - normalisations, and the scale behind them, as operators of ONNX.
 */
#include "interchange/onnx/onnx_write.h"

#ifdef FVI_HAVE_ONNX

void fvi_onnx_batch_norm(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_batch_norm_options *options = node->options;
    const int32_t channels = node->out.c;
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const char *x = fvi_onnx_take(out, 0, form);
    fvi_onnx_op *op = fvi_onnx_last(out, "BatchNormalization", form);
    fvi_onnx_input(out, op, x);
    fvi_onnx_input(out, op, fvi_onnx_param_or(out, "weight", channels, 1));
    fvi_onnx_input(out, op, fvi_onnx_param_or(out, "bias", channels, 0));
    fvi_onnx_input(out, op, fvi_onnx_param(out, "running_mean"));
    fvi_onnx_input(out, op, fvi_onnx_param(out, "running_var"));
    fvi_onnx_set_float(out, op, "epsilon", options->epsilon == 0 ? 1e-5 : options->epsilon);
    /* ONNX's momentum is what stays of the running values. */
    fvi_onnx_set_float(out, op, "momentum", 1 - (options->momentum == 0 ? 0.1 : options->momentum));
}

/* Windows of one channel: the mean of the squares over the whole window, zeros outside the image included. */
static void write_within_channel(fvi_onnx_out *out, int64_t size, double alpha, double beta, double k)
{
    const int64_t kernel[] = { size, size }, stride[] = { 1, 1 }, side = (size - 1) / 2;
    const int64_t pad[] = { side, side, side, side };
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    const char *square = fvi_onnx_binary(out, "Mul", "square", FVI_ONNX_IMAGE, x, x);
    fvi_onnx_op *mean = fvi_onnx_part(out, "AveragePool", "mean_square");
    fvi_onnx_input(out, mean, square);
    fvi_onnx_set_ints(out, mean, "kernel_shape", 2, kernel);
    fvi_onnx_set_ints(out, mean, "strides", 2, stride);
    fvi_onnx_set_ints(out, mean, "pads", 4, pad);
    fvi_onnx_set_int(out, mean, "count_include_pad", 1);
    const char *scaled = fvi_onnx_binary(out, "Mul", "scaled", FVI_ONNX_IMAGE, fvi_onnx_output(mean),
                                         fvi_onnx_scalar(out, "alpha", alpha));
    const char *shifted = fvi_onnx_binary(out, "Add", "shifted", FVI_ONNX_IMAGE, scaled, fvi_onnx_scalar(out, "k", k));
    const char *power =
        fvi_onnx_binary(out, "Pow", "power", FVI_ONNX_IMAGE, shifted, fvi_onnx_scalar(out, "beta", beta));
    fvi_onnx_binary(out, "Div", NULL, FVI_ONNX_IMAGE, x, power);
}

void fvi_onnx_local_response_norm(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_local_response_norm_options *options = node->options;
    const int64_t size = options->size == 0 ? 5 : options->size;
    const double beta = options->beta == 0 ? 0.75 : options->beta, k = options->k == 0 ? 1 : options->k;
    double alpha = options->alpha == 0 ? 1e-4 : options->alpha;
    /* ONNX's alpha is divided by the size, as Caffe's. */
    if (options->alpha_per_element)
        alpha *= (double)(options->within_channel ? size * size : size);
    if (options->within_channel) {
        write_within_channel(out, size, alpha, beta, k);
        return;
    }
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    fvi_onnx_op *op = fvi_onnx_last(out, "LRN", FVI_ONNX_IMAGE);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_int(out, op, "size", size);
    fvi_onnx_set_float(out, op, "alpha", alpha);
    fvi_onnx_set_float(out, op, "beta", beta);
    fvi_onnx_set_float(out, op, "bias", k);
}

/* x * weight + bias with a number for each channel, as the last operators of the layer; where it has neither, x comes from the last one
 * already. */
static void write_affine(fvi_onnx_out *out, fvi_onnx_form form, const char *x, int32_t rank, const int64_t *shape)
{
    const char *weight = fvi_onnx_param_as(out, "weight", rank, shape);
    const char *bias = fvi_onnx_param_as(out, "bias", rank, shape);
    if (weight != NULL)
        x = fvi_onnx_binary(out, "Mul", bias != NULL ? "scaled" : NULL, form, x, weight);
    if (bias != NULL)
        fvi_onnx_binary(out, "Add", NULL, form, x, bias);
}

static bool has_affine(const fvi_node *node)
{
    return node->param_count > 0;
}

void fvi_onnx_scale(fvi_onnx_out *out, const fvi_node *node)
{
    const bool whole = ((const fv_scale_options *)node->options)->per == FV_PER_ELEMENT;
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const int64_t shape[] = { node->out.c, whole ? node->out.h : 1, whole ? node->out.w : 1 };
    const char *x = fvi_onnx_take(out, 0, form);
    if (has_affine(node))
        write_affine(out, form, x, form == FVI_ONNX_IMAGE ? 3 : 1, shape);
    else
        fvi_onnx_same(out);
}

/* Each group is a channel of InstanceNormalization: all values of a group lie one behind the other. */
void fvi_onnx_group_norm(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_group_norm_options *options = node->options;
    const int32_t groups = options->groups;
    const int64_t each = (int64_t)node->out.c / groups * node->out.h * node->out.w;
    const int64_t rows[] = { groups, each }, back[] = { node->out.c, node->out.h, node->out.w };
    const int64_t shape[] = { node->out.c, 1, 1 };
    const bool instance = groups == node->out.c;
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    if (!instance)
        x = fvi_onnx_reshape(out, "groups", FVI_ONNX_IMAGE, x, 2, rows);
    fvi_onnx_op *op = instance ? fvi_onnx_last(out, "InstanceNormalization", FVI_ONNX_IMAGE)
                               : fvi_onnx_part(out, "InstanceNormalization", "normalised");
    fvi_onnx_input(out, op, x);
    fvi_onnx_input(out, op,
                   instance ? fvi_onnx_param_or(out, "weight", groups, 1) : fvi_onnx_filled(out, "ones", groups, 1));
    fvi_onnx_input(out, op,
                   instance ? fvi_onnx_param_or(out, "bias", groups, 0) : fvi_onnx_filled(out, "zeros", groups, 0));
    fvi_onnx_set_float(out, op, "epsilon", options->epsilon == 0 ? 1e-5 : options->epsilon);
    if (instance)
        return;
    x = fvi_onnx_reshape(out, has_affine(node) ? "image" : NULL, FVI_ONNX_IMAGE, fvi_onnx_output(op), 3, back);
    write_affine(out, FVI_ONNX_IMAGE, x, 3, shape);
}

/* The mean over the channels, which get size 1. */
static const char *channel_mean(fvi_onnx_out *out, const char *part, fvi_onnx_form form, const char *x)
{
    const int64_t axes[] = { 1 };
    return fvi_onnx_mean(out, part, form, x, 1, axes);
}

/* (x - m) / sqrt(v + epsilon) step by step. */
static void compose_layer_norm(fvi_onnx_out *out, const fvi_node *node, fvi_onnx_form form, double epsilon)
{
    const int64_t shape[] = { node->out.c, 1, 1 };
    const char *x = fvi_onnx_take(out, 0, form), *mean = channel_mean(out, "mean", form, x);
    const char *apart = fvi_onnx_binary(out, "Sub", "difference", form, x, mean);
    const char *square = fvi_onnx_binary(out, "Mul", "square", form, apart, apart);
    const char *variance = channel_mean(out, "variance", form, square);
    const char *shifted =
        fvi_onnx_binary(out, "Add", "shifted", form, variance, fvi_onnx_scalar(out, "epsilon", epsilon));
    const char *deviation = fvi_onnx_unary(out, "Sqrt", "deviation", form, shifted);
    const char *y = fvi_onnx_binary(out, "Div", has_affine(node) ? "normalised" : NULL, form, apart, deviation);
    write_affine(out, form, y, form == FVI_ONNX_IMAGE ? 3 : 1, shape);
}

/* LayerNormalization takes the last axes, so channels go there and come back. */
void fvi_onnx_layer_norm(fvi_onnx_out *out, const fvi_node *node)
{
    enum { SINCE = 17 };
    static const int64_t channels_last[] = { 0, 2, 3, 1 }, channels_first[] = { 0, 3, 1, 2 };
    const fv_layer_norm_options *options = node->options;
    const double epsilon = options->epsilon == 0 ? 1e-5 : options->epsilon;
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const bool image = form == FVI_ONNX_IMAGE;
    if (out->opset < SINCE) {
        compose_layer_norm(out, node, form, epsilon);
        return;
    }
    const char *x = fvi_onnx_take(out, 0, form);
    if (image)
        x = fvi_onnx_transpose(out, "channels_last", form, x, channels_last);
    fvi_onnx_op *op =
        image ? fvi_onnx_part(out, "LayerNormalization", "normalised") : fvi_onnx_last(out, "LayerNormalization", form);
    fvi_onnx_input(out, op, x);
    fvi_onnx_input(out, op, fvi_onnx_param_or(out, "weight", node->out.c, 1));
    fvi_onnx_input(out, op, fvi_onnx_param(out, "bias"));
    fvi_onnx_set_int(out, op, "axis", -1);
    fvi_onnx_set_float(out, op, "epsilon", epsilon);
    if (image)
        fvi_onnx_transpose(out, NULL, form, fvi_onnx_output(op), channels_first);
}

#endif
