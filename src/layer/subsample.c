/* SPDX-License-Identifier: Apache-2.0
 *
 * subsample.c - the trained subsampling of LeNet-5 (LeCun et al. 1998, section II.B, layers S2 and S4): the cells of a window
 * are added up, multiplied by a coefficient and added to a bias, both trained, one pair for each channel. The squashing that
 * follows there is a layer of its own (scaled_tanh).
 * Forward keeps the windows' sums, so that backward reads neither input nor output.
 */
#include "base/checked.h"
#include "fovea/graph.h"
#include "kernel/channel/channel.h"
#include "layer/layers.h"
#include "layer/split.h"
#include "layer/window.h"

static const char type[] = "subsample";

static const fvi_attribute attributes[] = {
    { .name = "kernel",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_subsample_options, kernel),
      .count = 2,
      .low = 1,
      .high = 65535,
      .fallback = "2",
      .help = "rows and columns of the window; one number for both" },
    { .name = "stride",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_subsample_options, stride),
      .count = 2,
      .low = 1,
      .high = 65535,
      .fallback = "the kernel's size",
      .help = "pixels from one window to the next, down and across" },
    { .name = "average",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_subsample_options, average),
      .count = 1,
      .fallback = "false",
      .help = "the coefficient multiplies the mean of the cells, not their sum" },
    { .name = "weight_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_subsample_options, weight_init),
      .count = 1,
      .fallback = "the average",
      .help = "how coefficients start: unless given so that y is the mean of the cells" },
    { .name = "bias_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_subsample_options, bias_init),
      .count = 1,
      .fallback = "constant 0",
      .help = "how biases start" },
    { 0 },
};

static fv_status resolve(fvi_infer *node, fvi_window *window)
{
    const fv_subsample_options *options = node->options;
    *window = (fvi_window){ .dilation = { 1, 1 }, .in = { node->in[0].h, node->in[0].w } };
    for (int axis = 0; axis < 2; axis++) {
        window->kernel[axis] = options->kernel[axis] == 0 ? 2 : options->kernel[axis];
        window->stride[axis] = options->stride[axis] == 0 ? window->kernel[axis] : options->stride[axis];
    }
    return fvi_window_resolve(node->context, type, node->name, window);
}

static fvi_declared_param parameter(const char *suffix, int32_t channels, int64_t cells, fv_initializer initializer)
{
    return (fvi_declared_param){ .suffix = suffix,
                                 .shape = { .rank = 1, .size = { channels } },
                                 .fan_in = cells,
                                 .fan_out = 1,
                                 .initializer = initializer,
                                 .trained = true };
}

static fv_status infer(fvi_infer *node)
{
    const fv_subsample_options *options = node->options;
    fvi_window window;
    FV_TRY(resolve(node, &window));
    const int64_t cells = (int64_t)window.kernel[0] * window.kernel[1];
    const int32_t channels = node->in[0].c;
    const fv_initializer mean = { .kind = FV_INIT_CONSTANT, .value = options->average ? 1.0 : 1.0 / (double)cells };
    const fv_initializer zero = { .kind = FV_INIT_CONSTANT };
    node->out = (fv_image_shape){ channels, window.out[0], window.out[1] };
    node->reach = fvi_window_reach(&window);
    node->multiply_adds = (int64_t)channels * window.out[0] * window.out[1];
    node->param[0] = parameter("weight", channels, cells,
                               options->weight_init.kind == FV_INIT_DEFAULT ? mean : options->weight_init);
    node->param[0].decayed = true;
    node->param[1] =
        parameter("bias", channels, cells, options->bias_init.kind == FV_INIT_DEFAULT ? zero : options->bias_init);
    node->param_count = 2;
    return FV_OK;
}

/* Saved: the windows' sums [n][oh][ow][c]. Scratch: dweight and dbias of each image, [2][n][c] doubles. */
static fv_status setup(fvi_setup *node)
{
    const fv_subsample_options *options = node->options;
    fvi_infer question = { .context = node->context, .name = node->name, .options = options, .in = node->in };
    fvi_window window;
    FV_TRY(resolve(&question, &window));
    fvi_subsample_shape *shape = fvi_arena_allocate(node->arena, sizeof *shape);
    if (!shape)
        return fvi_out_of_memory(node->context, "a subsampling's geometry", sizeof *shape);
    *shape =
        (fvi_subsample_shape){ .kernel = { window.kernel[0], window.kernel[1] },
                               .stride = { window.stride[0], window.stride[1] },
                               .factor = options->average ? 1.0 / ((double)window.kernel[0] * window.kernel[1]) : 1.0 };
    node->prepared = shape;
    if (!node->backward)
        return FV_OK;
    const size_t outputs = (size_t)node->out.c * (size_t)node->out.h * (size_t)node->out.w, n = (size_t)node->batch;
    if (!fvi_size_multiply(outputs * fv_dtype_size(node->dtype), n, &node->saved_bytes) ||
        !fvi_size_multiply((size_t)node->out.c * 2 * sizeof(double), n, &node->scratch_bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': batch %d of %zu outputs overflows", type, node->name,
                        node->batch, outputs);
    return FV_OK;
}

static void *sums_of(const fvi_call *call, const fvi_view *y, size_t image)
{
    const size_t outputs = (size_t)y->c * (size_t)y->h * (size_t)y->w;
    return call->saved ? (char *)call->saved + image * outputs * fv_dtype_size(call->dtype) : NULL;
}

static void forward_images(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    for (size_t i = first; i < first + count; i++)
        fvi_subsample_forward(call->dtype, call->prepared, &call->x[0], (int32_t)i, call->param[0], call->param[1],
                              &call->y, sums_of(call, &call->y, i));
}

static size_t image_elements(const fvi_view *view)
{
    return (size_t)view->h * (size_t)view->w * (size_t)view->c;
}

static fv_status forward(fvi_call *call)
{
    fvi_split_items(call->context, (size_t)call->n, image_elements(&call->x[0]), forward_images, call);
    return FV_OK;
}

static void weights_images(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const size_t channels = (size_t)call->dy.c;
    double *dweight = call->scratch, *dbias = dweight + (size_t)call->n * channels;
    for (size_t i = first; i < first + count; i++)
        fvi_subsample_backward_weights(call->dtype, &call->dy, (int32_t)i, sums_of(call, &call->dy, i),
                                       dweight + i * channels, dbias + i * channels);
}

static fv_status backward_weights(fvi_call *call)
{
    const double *parts = call->scratch;
    fvi_split_items(call->context, (size_t)call->n, image_elements(&call->dy), weights_images, call);
    fvi_channel_total(call->dtype, call->n, call->dy.c, parts, call->dparam[0]);
    fvi_channel_total(call->dtype, call->n, call->dy.c, parts + (size_t)call->n * (size_t)call->dy.c, call->dparam[1]);
    return FV_OK;
}

static void data_images(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    for (size_t i = first; i < first + count; i++)
        fvi_subsample_backward_data(call->dtype, call->prepared, &call->dy, (int32_t)i, call->param[0], &call->dx[0]);
}

static fv_status backward_data(fvi_call *call)
{
    if (call->dx[0].data)
        fvi_split_items(call->context, (size_t)call->n, image_elements(&call->dx[0]), data_images, call);
    return FV_OK;
}

const fvi_layer fvi_layer_subsample = {
    .name = "subsample",
    .formula = "y[c,i,j] = weight[c] * (sum of the window's cells, or their mean) + bias[c]",
    .options_size = sizeof(fv_subsample_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_SAVED,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward_weights = FVI_TRAINS(backward_weights),
    .backward_data = FVI_TRAINS(backward_data),
};
