/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_weights.c - layers with weights as operators of ONNX.
 * Convolution, transposed convolution and dense layers have their weights in ONNX's orientation already.
 */
#include "interchange/onnx/onnx_write.h"

#ifdef FVI_HAVE_ONNX

#include <string.h>

#include "layer/connections.h"
#include "layer/rbf_codes.h"
#include "layer/window.h"

static int64_t or_one(int32_t value)
{
    return value == 0 ? 1 : value;
}

static void set_geometry(fvi_onnx_out *out, fvi_onnx_op *op, const fvi_window *window, int64_t groups)
{
    const int64_t kernel[] = { window->kernel[0], window->kernel[1] };
    const int64_t stride[] = { window->stride[0], window->stride[1] };
    const int64_t dilation[] = { window->dilation[0], window->dilation[1] };
    const int64_t pad[] = { window->pad[0], window->pad[1], window->pad[2], window->pad[3] };
    fvi_onnx_set_ints(out, op, "kernel_shape", 2, kernel);
    fvi_onnx_set_ints(out, op, "strides", 2, stride);
    fvi_onnx_set_ints(out, op, "pads", 4, pad);
    fvi_onnx_set_ints(out, op, "dilations", 2, dilation);
    fvi_onnx_set_int(out, op, "group", groups);
}

/* The weights of a connection table with zeros where a kernel does not exist. */
static const char *spread_weights(fvi_onnx_out *out, const fvi_node *node, const fvi_window *window)
{
    const fv_conv2d_options *options = node->options;
    const fvi_connections *table = NULL;
    const int64_t shape[] = { options->filters, node->in[0].c, window->kernel[0], window->kernel[1] };
    if (out->status == FV_OK)
        out->status = fvi_connections_create(&table, out->context, out->arena, options, node->in[0].c);
    float *dense = out->status == FV_OK ? fvi_onnx_memory(out, fvi_connections_dense(table), sizeof *dense) : NULL;
    if (dense == NULL)
        return "";
    fvi_connections_spread(table, FV_F32, fvi_onnx_param_values(out, "weight"), dense);
    return fvi_onnx_floats(out, "weight", FVI_ONNX_RANK, shape, dense);
}

void fvi_onnx_conv2d(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_conv2d_options *options = node->options;
    fvi_window window = { .padding = options->padding, .in = { node->in[0].h, node->in[0].w } };
    for (int i = 0; i < 2; i++) {
        window.kernel[i] = (int32_t)or_one(options->kernel[i]);
        window.stride[i] = (int32_t)or_one(options->stride[i]);
        window.dilation[i] = (int32_t)or_one(options->dilation[i]);
    }
    memcpy(window.pad, options->pad, sizeof window.pad);
    if (out->status == FV_OK)
        out->status = fvi_window_resolve(out->context, "conv2d", node->name, &window);
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    const char *weight =
        fvi_connections_given(options) ? spread_weights(out, node, &window) : fvi_onnx_write_weight(out);
    const char *bias = fvi_onnx_write_bias(out);
    fvi_onnx_op *op = fvi_onnx_last(out, "Conv", FVI_ONNX_IMAGE);
    fvi_onnx_input(out, op, x);
    fvi_onnx_input(out, op, weight);
    fvi_onnx_input(out, op, bias);
    set_geometry(out, op, &window, or_one(options->groups));
}

void fvi_onnx_conv2d_transpose(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_conv2d_transpose_options *options = node->options;
    fvi_window window = { .padding = FV_PAD_EXPLICIT };
    for (int i = 0; i < 2; i++) {
        window.kernel[i] = (int32_t)or_one(options->kernel[i]);
        window.stride[i] = (int32_t)or_one(options->stride[i]);
        window.dilation[i] = (int32_t)or_one(options->dilation[i]);
    }
    memcpy(window.pad, options->pad, sizeof window.pad);
    const int64_t output_pad[] = { options->output_pad[0], options->output_pad[1] };
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    fvi_onnx_op *op = fvi_onnx_last(out, "ConvTranspose", FVI_ONNX_IMAGE);
    fvi_onnx_input(out, op, x);
    fvi_onnx_input(out, op, fvi_onnx_param(out, "weight"));
    fvi_onnx_input(out, op, fvi_onnx_param(out, "bias"));
    set_geometry(out, op, &window, or_one(options->groups));
    fvi_onnx_set_ints(out, op, "output_padding", 2, output_pad);
}

/* A convolution of each channel with a kernel whose cells are all its coefficient (of the mean: divided by the cells). */
void fvi_onnx_subsample(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_subsample_options *options = node->options;
    fvi_window window = { .dilation = { 1, 1 } };
    for (int i = 0; i < 2; i++) {
        window.kernel[i] = options->kernel[i] == 0 ? 2 : options->kernel[i];
        window.stride[i] = options->stride[i] == 0 ? window.kernel[i] : options->stride[i];
    }
    const size_t cells = (size_t)window.kernel[0] * (size_t)window.kernel[1], channels = (size_t)node->out.c;
    const int64_t shape[] = { node->out.c, 1, window.kernel[0], window.kernel[1] };
    const float *coefficient = fvi_onnx_param_values(out, "weight");
    float *weight = fvi_onnx_memory(out, channels * cells, sizeof *weight);
    for (size_t i = 0; weight != NULL && i < channels * cells; i++)
        weight[i] = options->average ? coefficient[i / cells] / (float)cells : coefficient[i / cells];
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    fvi_onnx_op *op = fvi_onnx_last(out, "Conv", FVI_ONNX_IMAGE);
    fvi_onnx_input(out, op, x);
    fvi_onnx_input(out, op, weight != NULL ? fvi_onnx_floats(out, "weight", FVI_ONNX_RANK, shape, weight) : NULL);
    fvi_onnx_input(out, op, fvi_onnx_param(out, "bias"));
    set_geometry(out, op, &window, node->out.c);
}

void fvi_onnx_dense(fvi_onnx_out *out, const fvi_node *node)
{
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_VECTOR), *weight = fvi_onnx_write_weight(out);
    /* Before opset 11 the bias is no optional input. */
    const char *bias = out->opset < 11 ? fvi_onnx_param_or(out, "bias", node->out.c, 0) : fvi_onnx_write_bias(out);
    fvi_onnx_op *op = fvi_onnx_last(out, "Gemm", FVI_ONNX_VECTOR);
    fvi_onnx_input(out, op, x);
    fvi_onnx_input(out, op, weight);
    fvi_onnx_input(out, op, bias);
    fvi_onnx_set_int(out, op, "transB", 1);
}

/* y[i] = -sum over j of (x[j] - code[i,j])^2: the codes are subtracted from a row that is repeated for each of them. */
void fvi_onnx_rbf(fvi_onnx_out *out, const fvi_node *node)
{
    const int64_t code_shape[] = { node->out.c, FVI_RBF_INPUTS }, row[] = { 1, FVI_RBF_INPUTS }, axes[] = { 2 };
    float *code = fvi_onnx_memory(out, (size_t)node->out.c * FVI_RBF_INPUTS, sizeof *code);
    for (int32_t i = 0; code != NULL && i < node->out.c; i++)
        for (int32_t j = 0; j < FVI_RBF_INPUTS; j++)
            code[i * FVI_RBF_INPUTS + j] =
                fvi_rbf_digits[i][j / FVI_RBF_COLUMNS][j % FVI_RBF_COLUMNS] == '#' ? 1.0f : -1.0f;
    if (code == NULL)
        return;
    const char *x = fvi_onnx_reshape(out, "row", FVI_ONNX_VECTOR, fvi_onnx_take(out, 0, FVI_ONNX_VECTOR), 2, row);
    const char *apart = fvi_onnx_binary(out, "Sub", "difference", FVI_ONNX_VECTOR, x,
                                        fvi_onnx_floats(out, "code", 2, code_shape, code));
    const char *square = fvi_onnx_binary(out, "Mul", "square", FVI_ONNX_VECTOR, apart, apart);
    fvi_onnx_op *sum = fvi_onnx_part(out, "ReduceSum", "penalty");
    fvi_onnx_input(out, sum, square);
    if (out->opset < 13)
        fvi_onnx_set_ints(out, sum, "axes", 1, axes);
    else
        fvi_onnx_input(out, sum, fvi_onnx_ints(out, "penalty_axes", 1, axes));
    fvi_onnx_set_int(out, sum, "keepdims", 0);
    fvi_onnx_unary(out, "Neg", NULL, FVI_ONNX_VECTOR, fvi_onnx_output(sum));
}

#endif
