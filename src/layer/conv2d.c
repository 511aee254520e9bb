/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d.c - two-dimensional convolution as networks mean it (cross-correlation), with stride, padding, dilation and groups.
 * Formulas of the three passes, and the algorithms: kernel/conv/conv2d.h.
 */
#include "fovea/graph.h"
#include "layer/connections.h"
#include "layer/convolve.h"
#include "layer/layers.h"
#include "layer/window.h"

static const fvi_attribute attributes[] = {
    { .name = "filters",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_options, filters),
      .count = 1,
      .low = 1,
      .high = 1 << 24,
      .required = true,
      .help = "output channels" },
    { .name = "kernel",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_options, kernel),
      .count = 2,
      .low = 1,
      .high = 65535,
      .fallback = "1",
      .help = "rows and columns of the kernel; one number for both" },
    { .name = "stride",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_options, stride),
      .count = 2,
      .low = 1,
      .high = 65535,
      .fallback = "1",
      .help = "pixels from one output to the next, down and across" },
    { .name = "padding",
      .type = FVI_ATTRIBUTE_ENUM,
      .offset = offsetof(fv_conv2d_options, padding),
      .count = 1,
      .fallback = "explicit",
      .words = fvi_padding_words,
      .help = "explicit (see pad), valid (none), same (output = input/stride, the odd pixel at the end), full (every "
              "overlap)" },
    { .name = "pad",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_options, pad),
      .count = 4,
      .low = 0,
      .high = 65535,
      .fallback = "0",
      .help = "zeros around the image: top, left, bottom, right; or rows, columns; or one number for all" },
    { .name = "dilation",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_options, dilation),
      .count = 2,
      .low = 1,
      .high = 65535,
      .fallback = "1",
      .help = "pixels from one kernel cell to the next; 1 is dense" },
    { .name = "groups",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_options, groups),
      .count = 1,
      .low = 1,
      .high = 1 << 24,
      .fallback = "1",
      .help = "channels are split into this many independent convolutions" },
    { .name = "no_bias",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_conv2d_options, no_bias),
      .count = 1,
      .fallback = "false",
      .help = "add no bias" },
    { .name = "table",
      .type = FVI_ATTRIBUTE_ENUM,
      .offset = offsetof(fv_conv2d_options, table),
      .count = 1,
      .fallback = "all",
      .words = fvi_connection_words,
      .help = "which channels each filter reads: all of its group's (or see connections), or LeNet-5's table" },
    { .name = "connections",
      .type = FVI_ATTRIBUTE_INTS,
      .offset = offsetof(fv_conv2d_options, connections),
      .count = 1,
      .low = 0,
      .high = 1,
      .fallback = "all",
      .help = "for each filter a row of 0 and 1, one for each input channel: which of them it reads" },
    { .name = "weight_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_conv2d_options, weight_init),
      .count = 1,
      .fallback = "he",
      .help = "how weights start" },
    { .name = "bias_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_conv2d_options, bias_init),
      .count = 1,
      .fallback = "constant 0",
      .help = "how biases start" },
    { .name = "max_norm",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_conv2d_options, max_norm),
      .count = 1,
      .low = 1e-6,
      .high = 1e6,
      .fallback = "none",
      .help = "after each update, the incoming weights of a filter are scaled down to this Euclidean norm" },
    { 0 },
};

static int32_t or_one(int32_t value)
{
    return value == 0 ? 1 : value;
}

/* Everything but n, oh and ow of the shape, padding resolved. */
static fv_status resolve(fv_context *context, const char *name, const fv_conv2d_options *options, fv_image_shape in,
                         fvi_conv2d_shape *shape)
{
    fvi_window window = {
        .kernel = { or_one(options->kernel[0]), or_one(options->kernel[1]) },
        .stride = { or_one(options->stride[0]), or_one(options->stride[1]) },
        .dilation = { or_one(options->dilation[0]), or_one(options->dilation[1]) },
        .padding = options->padding,
        .pad = { options->pad[0], options->pad[1], options->pad[2], options->pad[3] },
        .in = { in.h, in.w },
    };
    FV_TRY(fvi_window_resolve(context, "conv2d", name, &window));
    *shape = (fvi_conv2d_shape){
        .n = 1,
        .c = in.c,
        .h = in.h,
        .w = in.w,
        .k = options->filters,
        .r = window.kernel[0],
        .s = window.kernel[1],
        .stride = { window.stride[0], window.stride[1] },
        .pad = { window.pad[0], window.pad[1], window.pad[2], window.pad[3] },
        .dilation = { window.dilation[0], window.dilation[1] },
        .groups = or_one(options->groups),
        .oh = window.out[0],
        .ow = window.out[1],
    };
    return FV_OK;
}

static fv_status check_groups(fv_context *context, const char *name, const fvi_conv2d_shape *shape)
{
    if (shape->c % shape->groups != 0)
        return fvi_fail(context, FV_ERR_SHAPE, "conv2d '%s': %d input channels cannot be split into %d groups", name,
                        shape->c, shape->groups);
    if (shape->k % shape->groups != 0)
        return fvi_fail(context, FV_ERR_SHAPE, "conv2d '%s': %d filters cannot be split into %d groups", name, shape->k,
                        shape->groups);
    return FV_OK;
}

static fv_status check_kernel_library(fv_context *context, const char *name, fvi_conv2d_shape *shape)
{
    const char *wrong = fvi_conv2d_infer(shape);
    if (wrong)
        return fvi_fail(context, FV_ERR_SHAPE, "conv2d '%s': input %dx%dx%d, %d filters of %dx%d, batch %d: %s", name,
                        shape->c, shape->h, shape->w, shape->k, shape->r, shape->s, shape->n, wrong);
    return FV_OK;
}

/* Parameters with a connection table: a kernel for each connection. A fan is the mean over the channels that share it. */
static fv_status declare_connected(fvi_infer *node, const fvi_conv2d_shape *shape)
{
    const fv_conv2d_options *options = node->options;
    const int64_t area = (int64_t)shape->r * shape->s;
    int32_t count = 0;
    FV_TRY(fvi_connections_check(node->context, node->name, options, shape->c, &count));
    const fv_shape weight = { .rank = 3, .size = { count, shape->r, shape->s } };
    const int64_t fan_out = count * area / shape->c;
    node->multiply_adds = count * area * shape->oh * shape->ow;
    fvi_convolve_declare(node, &weight, shape->k, count * area / shape->k, fan_out > 0 ? fan_out : 1,
                         &options->weight_init, &options->bias_init, options->no_bias);
    return FV_OK;
}

static fv_status infer(fvi_infer *node)
{
    const fv_conv2d_options *options = node->options;
    fvi_conv2d_shape shape;
    FV_TRY(resolve(node->context, node->name, options, node->in[0], &shape));
    FV_TRY(check_groups(node->context, node->name, &shape));
    FV_TRY(check_kernel_library(node->context, node->name, &shape));
    const int64_t area = (int64_t)shape.r * shape.s;
    const fv_shape weight = { .rank = 4, .size = { shape.k, shape.c / shape.groups, shape.r, shape.s } };
    const int64_t weights = fv_shape_elements(&weight);
    if (weights < 0 || weights > INT32_MAX ||
        __builtin_mul_overflow(weights, (int64_t)shape.oh * shape.ow, &node->multiply_adds))
        return fvi_fail(node->context, FV_ERR_SHAPE, "conv2d '%s': %dx%dx%dx%d weights are too many", node->name,
                        shape.k, shape.c / shape.groups, shape.r, shape.s);
    node->out = (fv_image_shape){ shape.k, shape.oh, shape.ow };
    for (int axis = 0; axis < 2; axis++) {
        node->reach.size[axis] = (double)((axis == 0 ? shape.r : shape.s) - 1) * shape.dilation[axis] + 1;
        node->reach.step[axis] = shape.stride[axis];
        node->reach.first[axis] = -shape.pad[axis];
    }
    if (fvi_connections_given(options) && options->max_norm > 0)
        return fvi_fail(node->context, FV_ERR_UNSUPPORTED, "conv2d '%s': max_norm with connections is not there",
                        node->name);
    if (fvi_connections_given(options))
        return declare_connected(node, &shape);
    fvi_convolve_declare(node, &weight, shape.k, weight.size[1] * area, shape.k / shape.groups * area,
                         &options->weight_init, &options->bias_init, options->no_bias);
    node->param[0].max_norm = options->max_norm;
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    fvi_conv2d_shape shape;
    FV_TRY(resolve(node->context, node->name, node->options, node->in[0], &shape));
    shape.n = node->batch;
    FV_TRY(check_kernel_library(node->context, node->name, &shape));
    const fvi_connections *connections = NULL;
    if (fvi_connections_given(node->options))
        FV_TRY(fvi_connections_create(&connections, node->context, node->arena, node->options, shape.c));
    return fvi_convolve_setup(node, &shape, connections, ((const fv_conv2d_options *)node->options)->no_bias);
}

const fvi_layer fvi_layer_conv2d = {
    .name = "conv2d",
    .onnx_op = "Conv",
    .formula =
        "y[k,i,j] = bias[k] + sum of weight[k,c,r,s] * x[c, i*stride + r*dilation - pad, j*stride + s*dilation - pad]",
    .options_size = sizeof(fv_conv2d_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .fuses = FVI_FUSES_AFFINE | FVI_FUSES_SUM | FVI_FUSES_ACTIVATION,
    .fuses_training = FVI_FUSES_ACTIVATION,
    .takes_int8 = true,
    .adds_dx = true,
    .shows_y = true,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .pack = fvi_convolve_pack,
    .pack_backward = FVI_TRAINS(fvi_convolve_pack_backward),
    .forward = fvi_convolve_forward,
    .chains = fvi_convolve_chains,
    .forward_chain = fvi_convolve_forward_chain,
    .backward_weights = FVI_TRAINS(fvi_convolve_backward_weights),
    .backward_data = FVI_TRAINS(fvi_convolve_backward_data),
};
