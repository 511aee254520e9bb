/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_transpose.c - transposed convolution: the linear map of a convolution's backward pass by data. With C the convolution
 * that takes y's shape to x's (filters channels in, x's channels out):
 *
 *   forward            y  = backward by data of C for x, plus the bias       dx = C(dy), its forward pass
 *   backward weights   dw = backward by weights of C, with dy as its input and x as its output's gradient
 *
 * so every pass is one of fvi_conv2d's and each of its algorithms serves. The weight is C's in OIHW, which is what
 * PyTorch stores: [channels of x, filters/groups, rows, columns].
 */
#include <math.h>

#include "base/checked.h"
#include "fovea/graph.h"
#include "kernel/channel/channel.h"
#include "kernel/conv/conv2d.h"
#include "layer/convolve.h"
#include "layer/layers.h"
#include "layer/split.h"

static const char type[] = "conv2d_transpose";

static const fvi_attribute attributes[] = {
    { .name = "filters",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_transpose_options, filters),
      .count = 1,
      .low = 1,
      .high = 1 << 24,
      .required = true,
      .help = "output channels" },
    { .name = "kernel",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_transpose_options, kernel),
      .count = 2,
      .low = 1,
      .high = 65535,
      .fallback = "1",
      .help = "rows and columns of the kernel; one number for both" },
    { .name = "stride",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_transpose_options, stride),
      .count = 2,
      .low = 1,
      .high = 65535,
      .fallback = "1",
      .help = "output pixels from one input pixel's to the next's, down and across" },
    { .name = "pad",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_transpose_options, pad),
      .count = 4,
      .low = 0,
      .high = 65535,
      .fallback = "0",
      .help = "pixels cut off the output: top, left, bottom, right; or rows, columns; or one number for all" },
    { .name = "output_pad",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_transpose_options, output_pad),
      .count = 2,
      .low = 0,
      .high = 65535,
      .fallback = "0",
      .help = "pixels added at the bottom and right of the output, fewer than the stride" },
    { .name = "dilation",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_transpose_options, dilation),
      .count = 2,
      .low = 1,
      .high = 65535,
      .fallback = "1",
      .help = "pixels from one kernel cell to the next; 1 is dense" },
    { .name = "groups",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_conv2d_transpose_options, groups),
      .count = 1,
      .low = 1,
      .high = 1 << 24,
      .fallback = "1",
      .help = "channels are split into this many independent convolutions" },
    { .name = "no_bias",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_conv2d_transpose_options, no_bias),
      .count = 1,
      .fallback = "false",
      .help = "add no bias" },
    { .name = "weight_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_conv2d_transpose_options, weight_init),
      .count = 1,
      .fallback = "he",
      .help = "how weights start" },
    { .name = "bias_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_conv2d_transpose_options, bias_init),
      .count = 1,
      .fallback = "constant 0",
      .help = "how biases start" },
    { 0 },
};

static int32_t or_one(int32_t value)
{
    return value == 0 ? 1 : value;
}

/* Output size along an axis (0 rows, 1 columns) and the checks that belong to it. 64 bits: no product overflows. */
static fv_status output_size(fv_context *context, const char *name, const fv_conv2d_transpose_options *options,
                             fv_image_shape in, int axis, int32_t *size)
{
    const int64_t stride = or_one(options->stride[axis]), dilation = or_one(options->dilation[axis]);
    const int64_t extent = dilation * (or_one(options->kernel[axis]) - 1) + 1;
    const int64_t pads = (int64_t)options->pad[axis] + options->pad[axis + 2], more = options->output_pad[axis];
    const char *const what = axis == 0 ? "rows" : "columns";
    if (more >= stride)
        return fvi_fail(
            context, FV_ERR_ARGUMENT,
            "%s '%s': output_pad %d of the %s is not smaller than the stride %d; the pixels added would see "
            "no input",
            type, name, (int)more, what, (int)stride);
    const int64_t out = ((axis == 0 ? in.h : in.w) - 1) * stride + extent + more - pads;
    if (out < 1 || out > INT32_MAX)
        return fvi_fail(context, FV_ERR_SHAPE,
                        "%s '%s': input %dx%d, stride %d, kernel %d, pad %lld in all give %lld output %s; use less "
                        "padding or a larger kernel",
                        type, name, in.h, in.w, (int)stride, or_one(options->kernel[axis]), (long long)pads,
                        (long long)out, what);
    *size = (int32_t)out;
    return FV_OK;
}

/* The convolution C of the header, for n images. */
static fv_status resolve(fv_context *context, const char *name, const fv_conv2d_transpose_options *options,
                         fv_image_shape in, int32_t n, fvi_conv2d_shape *shape)
{
    *shape = (fvi_conv2d_shape){
        .n = n,
        .c = options->filters,
        .k = in.c,
        .r = or_one(options->kernel[0]),
        .s = or_one(options->kernel[1]),
        .stride = { or_one(options->stride[0]), or_one(options->stride[1]) },
        .pad = { options->pad[0], options->pad[1], options->pad[2], options->pad[3] },
        .dilation = { or_one(options->dilation[0]), or_one(options->dilation[1]) },
        .groups = or_one(options->groups),
    };
    if (in.c % shape->groups != 0)
        return fvi_fail(context, FV_ERR_SHAPE, "%s '%s': %d input channels cannot be split into %d groups", type, name,
                        in.c, shape->groups);
    if (options->filters % shape->groups != 0)
        return fvi_fail(context, FV_ERR_SHAPE, "%s '%s': %d filters cannot be split into %d groups", type, name,
                        options->filters, shape->groups);
    FV_TRY(output_size(context, name, options, in, 0, &shape->h));
    FV_TRY(output_size(context, name, options, in, 1, &shape->w));
    const char *wrong = fvi_conv2d_infer(shape);
    if (wrong)
        return fvi_fail(context, FV_ERR_SHAPE, "%s '%s': input %dx%dx%d, %d filters of %dx%d, batch %d: %s", type, name,
                        in.c, in.h, in.w, options->filters, shape->r, shape->s, n, wrong);
    return FV_OK;
}

static fvi_declared_param parameter(const char *suffix, fv_shape shape, int64_t fan_in, int64_t fan_out,
                                    fv_initializer given, fv_initializer otherwise)
{
    return (fvi_declared_param){ .suffix = suffix,
                                 .shape = shape,
                                 .fan_in = fan_in,
                                 .fan_out = fan_out,
                                 .initializer = given.kind == FV_INIT_DEFAULT ? otherwise : given,
                                 .trained = true };
}

static fv_status infer(fvi_infer *node)
{
    const fv_conv2d_transpose_options *options = node->options;
    const fv_initializer he = { .kind = FV_INIT_HE }, zero = { .kind = FV_INIT_CONSTANT };
    const fv_image_shape in = node->in[0];
    fvi_conv2d_shape shape;
    FV_TRY(resolve(node->context, node->name, options, in, 1, &shape));
    const fv_shape weight = { .rank = 4, .size = { shape.k, shape.c / shape.groups, shape.r, shape.s } };
    const fv_shape bias = { .rank = 1, .size = { shape.c } };
    const int64_t area = (int64_t)shape.r * shape.s, fan_in = shape.k / shape.groups * area,
                  fan_out = weight.size[1] * area;
    if (__builtin_mul_overflow(fv_shape_elements(&weight), (int64_t)in.h * in.w, &node->multiply_adds))
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': the multiplications of an image are too many to count",
                        type, node->name);
    node->out = (fv_image_shape){ shape.c, shape.h, shape.w };
    for (int axis = 0; axis < 2; axis++) {
        const double spread = (double)((axis == 0 ? shape.r : shape.s) - 1) * shape.dilation[axis];
        node->reach.size[axis] = 1 + floor(spread / shape.stride[axis]);
        node->reach.step[axis] = 1.0 / shape.stride[axis];
        node->reach.first[axis] = ceil((shape.pad[axis] - spread) / shape.stride[axis]);
    }
    node->param[0] = parameter("weight", weight, fan_in, fan_out, options->weight_init, he);
    node->param[0].decayed = true;
    node->param[1] = parameter("bias", bias, fan_in, fan_out, options->bias_init, zero);
    node->param_count = options->no_bias ? 1 : 2;
    return FV_OK;
}

typedef struct transpose_prepared {
    fvi_conv2d_plan plan;
    size_t bias_parts; /* offset in scratch, in bytes: the bias gradient of each image, in double */
    bool backward_data;
} transpose_prepared;

static void widen_border(int32_t border[4], const int32_t wanted[4])
{
    for (int side = 0; side < 4; side++)
        border[side] = wanted[side] > border[side] ? wanted[side] : border[side];
}

/* What a pass of C asks of the planner, told as the pass `as` of this layer. */
static fv_status add_pass(fvi_setup *node, const fvi_conv2d_plan *plan, fvi_pass pass, fvi_pass as)
{
    const size_t scratch = plan->pass[pass].scratch_bytes, length = fvi_conv2d_explain(plan, pass, NULL, 0);
    node->scratch_bytes = scratch > node->scratch_bytes ? scratch : node->scratch_bytes;
    node->algorithm[as] = plan->pass[pass].algorithm;
    widen_border(as == FVI_FORWARD ? node->input_border : node->gradient_border, plan->pass[pass].border);
    char *text = fvi_arena_allocate(node->arena, length + 1);
    if (!text)
        return fvi_out_of_memory(node->context, "reasons of refused algorithms", length + 1);
    fvi_conv2d_explain(plan, pass, text, length + 1);
    node->refused[as] = text;
    return FV_OK;
}

/* What is forward here is the convolution's backward pass by data, and the other way round. */
static fv_status choose(fvi_setup *node, const fvi_conv2d_shape *shape, fvi_conv2d_plan *plan, bool backward_data)
{
    const uint32_t weights = node->backward ? 1u << FVI_BACKWARD_WEIGHTS : 0;
    const uint32_t forward = backward_data ? 1u << FVI_FORWARD : 0;
    const char *timed[FVI_PASSES];
    FV_TRY(fvi_convolve_choose(node, shape, 1u << FVI_BACKWARD_DATA | weights | forward, plan, timed));
    node->timed[FVI_FORWARD] = timed[FVI_BACKWARD_DATA];
    node->timed[FVI_BACKWARD_DATA] = timed[FVI_FORWARD];
    node->timed[FVI_BACKWARD_WEIGHTS] = timed[FVI_BACKWARD_WEIGHTS];
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    fvi_conv2d_shape shape;
    FV_TRY(resolve(node->context, node->name, node->options, node->in[0], node->batch, &shape));
    transpose_prepared *prepared = fvi_arena_allocate(node->arena, sizeof *prepared);
    if (!prepared)
        return fvi_out_of_memory(node->context, "a convolution's plan", sizeof *prepared);
    prepared->backward_data = node->backward && node->wants_dx;
    FV_TRY(choose(node, &shape, &prepared->plan, prepared->backward_data));
    node->prepared = prepared;
    FV_TRY(add_pass(node, &prepared->plan, FVI_BACKWARD_DATA, FVI_FORWARD));
    node->packed_bytes = prepared->plan.pass[FVI_BACKWARD_DATA].packed_bytes;
    if (!node->backward)
        return FV_OK;
    FV_TRY(add_pass(node, &prepared->plan, FVI_BACKWARD_WEIGHTS, FVI_BACKWARD_WEIGHTS));
    if (prepared->backward_data) {
        FV_TRY(add_pass(node, &prepared->plan, FVI_FORWARD, FVI_BACKWARD_DATA));
        node->packed_backward_bytes = prepared->plan.pass[FVI_FORWARD].packed_bytes;
    }
    prepared->bias_parts = fvi_round_up(node->scratch_bytes, 64);
    node->scratch_bytes = prepared->bias_parts + (size_t)node->batch * (size_t)shape.c * sizeof(double);
    return FV_OK;
}

static void pack(const fvi_call *call)
{
    const transpose_prepared *prepared = call->prepared;
    fvi_conv2d_pack(&prepared->plan, call->context, FVI_BACKWARD_DATA, call->param[0], call->packed);
}

static void pack_backward(const fvi_call *call)
{
    const transpose_prepared *prepared = call->prepared;
    if (call->dx[0].data)
        fvi_conv2d_pack(&prepared->plan, call->context, FVI_FORWARD, call->param[0], call->packed);
}

static bool has_bias(const fvi_call *call)
{
    return !((const fv_conv2d_transpose_options *)call->options)->no_bias;
}

static size_t image_elements(const fvi_view *view)
{
    return (size_t)view->h * (size_t)view->w * (size_t)view->c;
}

static void bias_images(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    for (size_t i = first; i < first + count; i++)
        fvi_channel_add(call->dtype, &call->y, (int32_t)i, call->param[1]);
}

static fv_status forward(fvi_call *call)
{
    const transpose_prepared *prepared = call->prepared;
    fvi_conv2d_backward_data(&prepared->plan, call->context, &call->x[0], call->packed, NULL, &call->y, call->scratch);
    if (has_bias(call))
        fvi_split_items(call->context, (size_t)call->n, image_elements(&call->y), bias_images, call);
    return FV_OK;
}

static double *bias_parts(const fvi_call *call)
{
    const transpose_prepared *prepared = call->prepared;
    return (double *)(void *)((char *)call->scratch + prepared->bias_parts);
}

static void bias_gradient_images(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    for (size_t i = first; i < first + count; i++)
        fvi_channel_sum(call->dtype, &call->dy, (int32_t)i, bias_parts(call) + i * (size_t)call->dy.c);
}

static fv_status backward_weights(fvi_call *call)
{
    const transpose_prepared *prepared = call->prepared;
    fvi_conv2d_backward_weights(&prepared->plan, call->context, &call->dy, &call->x[0], call->dparam[0], NULL,
                                call->scratch);
    if (!has_bias(call))
        return FV_OK;
    fvi_split_items(call->context, (size_t)call->n, image_elements(&call->dy), bias_gradient_images, call);
    fvi_channel_total(call->dtype, call->n, call->dy.c, bias_parts(call), call->dparam[1]);
    return FV_OK;
}

static fv_status backward_data(fvi_call *call)
{
    const transpose_prepared *prepared = call->prepared;
    if (call->dx[0].data)
        fvi_conv2d_forward(&prepared->plan, call->context, &call->dy, call->packed, NULL, NULL, &call->dx[0],
                           call->scratch);
    return FV_OK;
}

const fvi_layer fvi_layer_conv2d_transpose = {
    .name = "conv2d_transpose",
    .onnx_op = "ConvTranspose",
    .formula =
        "y[k,i*stride + r*dilation - pad, j*stride + s*dilation - pad] += weight[c,k,r,s] * x[c,i,j] for all c, i, j, "
        "r, s, from bias[k]",
    .options_size = sizeof(fv_conv2d_transpose_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .pack = pack,
    .pack_backward = FVI_TRAINS(pack_backward),
    .forward = forward,
    .backward_weights = FVI_TRAINS(backward_weights),
    .backward_data = FVI_TRAINS(backward_data),
};
