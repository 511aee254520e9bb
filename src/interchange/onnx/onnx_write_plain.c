/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_plain.c - activations and softmax as operators of ONNX. Where a version has no operator for one, its formula is composed of
 * others.
 */
#include "interchange/onnx/onnx_write.h"

#ifdef FVI_HAVE_ONNX

#include <math.h>

/* An operator with one input and no attributes. */
static void write_plain(fvi_onnx_out *out, const char *op_type)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    fvi_onnx_unary(out, op_type, NULL, form, fvi_onnx_take(out, 0, form));
}

/* The same with one number. */
static void write_with_number(fvi_onnx_out *out, const char *op_type, const char *attribute, double value)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const char *x = fvi_onnx_take(out, 0, form);
    fvi_onnx_op *op = fvi_onnx_last(out, op_type, form);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_float(out, op, attribute, value);
}

/* One of several operators of a formula: part NULL is the last. */
static const char *times(fvi_onnx_out *out, const char *part, const char *a, const char *b)
{
    return fvi_onnx_binary(out, "Mul", part, fvi_onnx_common_form(out), a, b);
}

void fvi_onnx_relu(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    write_plain(out, "Relu");
}

void fvi_onnx_sigmoid(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    write_plain(out, "Sigmoid");
}

void fvi_onnx_tanh(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    write_plain(out, "Tanh");
}

/* A limit that is no number of float32 is none. */
static void write_clip(fvi_onnx_out *out, double low, double high)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const bool has_low = isfinite((float)low), has_high = isfinite((float)high);
    const char *x = fvi_onnx_take(out, 0, form);
    fvi_onnx_op *op = fvi_onnx_last(out, "Clip", form);
    fvi_onnx_input(out, op, x);
    if (out->opset >= 11) {
        if (has_low || has_high)
            fvi_onnx_input(out, op, has_low ? fvi_onnx_scalar(out, "min", low) : "");
        if (has_high)
            fvi_onnx_input(out, op, fvi_onnx_scalar(out, "max", high));
        return;
    }
    if (has_low)
        fvi_onnx_set_float(out, op, "min", low);
    if (has_high)
        fvi_onnx_set_float(out, op, "max", high);
}

void fvi_onnx_relu6(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    write_clip(out, 0, 6);
}

void fvi_onnx_clip(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_clip_options *options = node->options;
    write_clip(out, options->low, options->high);
}

void fvi_onnx_exp(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    write_plain(out, "Exp");
}

void fvi_onnx_log(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    write_plain(out, "Log");
}

void fvi_onnx_absolute(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    write_plain(out, "Abs");
}

void fvi_onnx_selu(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    write_plain(out, "Selu");
}

void fvi_onnx_power(fvi_onnx_out *out, const fvi_node *node)
{
    const double exponent = ((const fv_power_options *)node->options)->exponent;
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    if (exponent == 0.5)
        write_plain(out, "Sqrt");
    else if (exponent == -1)
        write_plain(out, "Reciprocal");
    else
        fvi_onnx_binary(out, "Pow", NULL, form, fvi_onnx_take(out, 0, form),
                        fvi_onnx_scalar(out, "exponent", exponent));
}

void fvi_onnx_linear(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_linear_options *options = node->options;
    const double scale = options->scale == 0 ? 1 : options->scale, shift = options->shift;
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const char *x = fvi_onnx_take(out, 0, form);
    if (scale == 1 && shift == 0) {
        fvi_onnx_same(out);
        return;
    }
    if (scale != 1)
        x = times(out, shift == 0 ? NULL : "scaled", x, fvi_onnx_scalar(out, "scale", scale));
    if (shift != 0)
        fvi_onnx_binary(out, "Add", NULL, form, x, fvi_onnx_scalar(out, "shift", shift));
}

void fvi_onnx_leaky_relu(fvi_onnx_out *out, const fvi_node *node)
{
    const double slope = ((const fv_leaky_relu_options *)node->options)->slope;
    write_with_number(out, "LeakyRelu", "alpha", slope == 0 ? 0.01 : slope);
}

void fvi_onnx_elu(fvi_onnx_out *out, const fvi_node *node)
{
    const double alpha = ((const fv_elu_options *)node->options)->alpha;
    write_with_number(out, "Elu", "alpha", alpha == 0 ? 1 : alpha);
}

void fvi_onnx_prelu(fvi_onnx_out *out, const fvi_node *node)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const bool shared = ((const fv_prelu_options *)node->options)->shared;
    const int64_t shape[] = { shared ? 1 : node->out.c, 1, 1 }; /* a slope for each channel, along rows and columns */
    const char *x = fvi_onnx_take(out, 0, form);
    fvi_onnx_binary(out, "PRelu", NULL, form, x,
                    fvi_onnx_param_as(out, "weight", form == FVI_ONNX_IMAGE ? 3 : 1, shape));
}

/* x/2 * (1 + erf(x / sqrt(2))), or with tanh_form x/2 * (1 + tanh(sqrt(2/pi)*(x + 0.044715 x^3))). */
static void compose_gelu(fvi_onnx_out *out, bool tanh_form)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const char *x = fvi_onnx_take(out, 0, form), *inner = NULL;
    if (tanh_form) {
        const char *square = times(out, "square", x, x), *cube = times(out, "cube", square, x);
        const char *small = times(out, "small", cube, fvi_onnx_scalar(out, "cubic", 0.044715));
        inner = times(out, "scaled", fvi_onnx_binary(out, "Add", "polynomial", form, x, small),
                      fvi_onnx_scalar(out, "scale", sqrt(2 / acos(-1))));
    } else {
        inner = times(out, "scaled", x, fvi_onnx_scalar(out, "scale", sqrt(0.5)));
    }
    const char *odd = fvi_onnx_unary(out, tanh_form ? "Tanh" : "Erf", "odd", form, inner);
    const char *gate = fvi_onnx_binary(out, "Add", "gate", form, odd, fvi_onnx_scalar(out, "one", 1));
    const char *half = times(out, "half", x, fvi_onnx_scalar(out, "one_half", 0.5));
    times(out, NULL, half, gate);
}

void fvi_onnx_gelu(fvi_onnx_out *out, const fvi_node *node)
{
    enum { ERF_SINCE = 9, GELU_SINCE = 20 };
    const bool tanh_form = ((const fv_gelu_options *)node->options)->tanh_form;
    if (out->opset < ERF_SINCE && !tanh_form)
        fvi_onnx_fail(out, FV_ERR_UNSUPPORTED, "opset %d of ONNX has no operator Erf; ask for opset %d or newer",
                      out->opset, ERF_SINCE);
    if (out->opset < GELU_SINCE) {
        compose_gelu(out, tanh_form);
        return;
    }
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const char *x = fvi_onnx_take(out, 0, form);
    fvi_onnx_op *op = fvi_onnx_last(out, "Gelu", form);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_text(out, op, "approximate", tanh_form ? "tanh" : "none");
}

void fvi_onnx_silu(fvi_onnx_out *out, const fvi_node *node)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const char *x = fvi_onnx_take(out, 0, form);
    (void)node;
    times(out, NULL, x, fvi_onnx_unary(out, "Sigmoid", "sigmoid", form, x));
}

/* min(max(alpha*x + beta, 0), 1). */
static fvi_onnx_op *add_hard_sigmoid(fvi_onnx_out *out, const char *part, fvi_onnx_form form, const char *x,
                                     double alpha, double beta)
{
    fvi_onnx_op *op = part == NULL ? fvi_onnx_last(out, "HardSigmoid", form) : fvi_onnx_part(out, "HardSigmoid", part);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_float(out, op, "alpha", alpha);
    fvi_onnx_set_float(out, op, "beta", beta);
    return op;
}

void fvi_onnx_hard_sigmoid(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_hard_sigmoid_options *options = node->options;
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    add_hard_sigmoid(out, NULL, form, fvi_onnx_take(out, 0, form), options->alpha == 0 ? 1.0 / 6 : options->alpha,
                     options->beta == 0 ? 0.5 : options->beta);
}

void fvi_onnx_hard_swish(fvi_onnx_out *out, const fvi_node *node)
{
    enum { SINCE = 14 };
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const char *x = fvi_onnx_take(out, 0, form);
    (void)node;
    if (out->opset >= SINCE)
        fvi_onnx_unary(out, "HardSwish", NULL, form, x);
    else
        times(out, NULL, x, fvi_onnx_output(add_hard_sigmoid(out, "gate", form, x, 1.0 / 6, 0.5)));
}

void fvi_onnx_softplus(fvi_onnx_out *out, const fvi_node *node)
{
    const double given = ((const fv_softplus_options *)node->options)->beta, beta = given == 0 ? 1 : given;
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    if (beta == 1) {
        write_plain(out, "Softplus");
        return;
    }
    const char *by = fvi_onnx_scalar(out, "beta", beta);
    const char *x = times(out, "scaled", fvi_onnx_take(out, 0, form), by);
    fvi_onnx_binary(out, "Div", NULL, form, fvi_onnx_unary(out, "Softplus", "softplus", form, x), by);
}

void fvi_onnx_scaled_tanh(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_scaled_tanh_options *options = node->options;
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const char *slope = fvi_onnx_scalar(out, "slope", options->slope == 0 ? 2.0 / 3 : options->slope);
    const char *amplitude = fvi_onnx_scalar(out, "amplitude", options->amplitude == 0 ? 1.7159 : options->amplitude);
    const char *x = times(out, "scaled", fvi_onnx_take(out, 0, form), slope);
    times(out, NULL, fvi_onnx_unary(out, "Tanh", "tanh", form, x), amplitude);
}

const char *fvi_onnx_softmax_of(fvi_onnx_out *out, const char *op_type, const char *part, fvi_onnx_form form,
                                const char *x, fv_image_shape shape)
{
    enum { ONE_AXIS_SINCE = 13 }; /* before it all axes from the given one on are one */
    static const int64_t channels_last[] = { 0, 2, 3, 1 }, channels_first[] = { 0, 3, 1, 2 };
    const bool transposed = out->opset < ONE_AXIS_SINCE && form == FVI_ONNX_IMAGE && (shape.h > 1 || shape.w > 1);
    if (transposed)
        x = fvi_onnx_transpose(out, "channels_last", form, x, channels_last);
    fvi_onnx_op *op = transposed     ? fvi_onnx_part(out, op_type, "softmax")
                      : part == NULL ? fvi_onnx_last(out, op_type, form)
                                     : fvi_onnx_part(out, op_type, part);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_int(out, op, "axis", transposed ? 3 : 1);
    return transposed ? fvi_onnx_transpose(out, part, form, fvi_onnx_output(op), channels_first) : fvi_onnx_output(op);
}

void fvi_onnx_softmax(fvi_onnx_out *out, const fvi_node *node)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    fvi_onnx_softmax_of(out, "Softmax", NULL, form, fvi_onnx_take(out, 0, form), node->out);
}

void fvi_onnx_log_softmax(fvi_onnx_out *out, const fvi_node *node)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    fvi_onnx_softmax_of(out, "LogSoftmax", NULL, form, fvi_onnx_take(out, 0, form), node->out);
}

#endif
