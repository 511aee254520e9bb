/* SPDX-License-Identifier: Apache-2.0
 *
 * prelu.c - ReLU whose slope below 0 is learned, for each channel or one for all (He et al. 2015, arXiv:1502.01852, section 2):
 *
 *   y = x where x > 0, a[c]*x elsewhere
 *   dx = dy where x > 0, a[c]*dy elsewhere          da[c] = sum over n, h, w of dy*x where x <= 0
 *
 * As in the paper the slopes start at 0.25 and do not decay, which would pull them towards ReLU. They may become negative, so
 * the sign of y does not tell that of x: backward reads x. Sums: a row in the plan's type, rows and images in double, in order.
 */
#include "base/checked.h"
#include "kernel/channel/channel.h"
#include "layer/activation.h"
#include "layer/split.h"

static const fvi_attribute attributes[] = {
    { .name = "shared",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_prelu_options, shared),
      .count = 1,
      .fallback = "false",
      .help = "one slope for all channels; else one for each" },
    { .name = "weight_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_prelu_options, weight_init),
      .count = 1,
      .fallback = "constant 0.25",
      .help = "how slopes start" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const fv_prelu_options *options = node->options;
    const fv_initializer start = { .kind = FV_INIT_CONSTANT, .value = 0.25 };
    node->out = node->in[0];
    node->param_count = 1;
    node->param[0] = (fvi_declared_param){
        .suffix = "weight",
        .shape = { .rank = 1, .size = { options->shared ? 1 : node->in[0].c } },
        .fan_in = 1,
        .fan_out = 1,
        .initializer = options->weight_init.kind == FV_INIT_DEFAULT ? start : options->weight_init,
        .trained = true,
    };
    return FV_OK;
}

/* Scratch: da of each image [n][c] in double, the sums of each image's current row [n][c], slopes [c]. */
typedef struct prelu_scratch {
    double *images;
    char *rows, *slopes;
    size_t row_bytes; /* of c elements */
} prelu_scratch;

static fv_status setup(fvi_setup *node)
{
    const size_t row = (size_t)node->in[0].c * fv_dtype_size(node->dtype);
    const size_t image = (size_t)node->in[0].c * sizeof(double) + row;
    size_t bytes = 0;
    if (!fvi_size_multiply((size_t)node->batch, image, &bytes) || !fvi_size_add(bytes, row, &bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "prelu '%s': sums of %d channels for batch %d overflow",
                        node->name, node->in[0].c, node->batch);
    node->scratch_bytes = node->backward ? bytes : row;
    return FV_OK;
}

static prelu_scratch scratch_of(const fvi_call *call, bool backward_pass)
{
    const size_t n = backward_pass ? (size_t)call->n : 0, c = (size_t)call->x[0].c;
    prelu_scratch scratch = { .images = call->scratch, .row_bytes = c * fv_dtype_size(call->dtype) };
    scratch.rows = (char *)(scratch.images + n * c);
    scratch.slopes = scratch.rows + n * scratch.row_bytes;
    return scratch;
}

/* The slopes of all channels; a shared one is written out. */
static const void *slopes_of(const fvi_call *call, const prelu_scratch *scratch)
{
    if (!((const fv_prelu_options *)call->options)->shared)
        return call->param[0];
    for (int32_t c = 0; c < call->x[0].c; c++) {
        if (call->dtype == FV_F64)
            ((double *)(void *)scratch->slopes)[c] = *(const double *)call->param[0];
        else
            ((float *)(void *)scratch->slopes)[c] = *(const float *)call->param[0];
    }
    return scratch->slopes;
}

typedef struct prelu_pass {
    const fvi_call *call;
    const void *slopes;
    prelu_scratch scratch;
    fvi_prelu_run run; /* one image row */
} prelu_pass;

static prelu_pass make_pass(const fvi_call *call, bool backward_pass)
{
    const fvi_view *x = &call->x[0];
    prelu_pass pass = { .call = call, .scratch = scratch_of(call, backward_pass) };
    pass.slopes = slopes_of(call, &pass.scratch);
    pass.run = (fvi_prelu_run){ .pixels = (size_t)x->w,
                                .channels = (size_t)x->c,
                                .x = x->pixel_stride,
                                .y = backward_pass ? call->dy.pixel_stride : call->y.pixel_stride,
                                .dx = backward_pass ? call->dx[0].pixel_stride : 0 };
    return pass;
}

static void forward_rows(const void *argument, size_t first, size_t count)
{
    const prelu_pass *pass = argument;
    const fvi_call *call = pass->call;
    const fvi_view *x = &call->x[0];
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)x->h), h = (int32_t)(row % (size_t)x->h);
        call->kernels->prelu(&pass->run, pass->slopes, fvi_view_at(x, call->dtype, n, h, 0),
                             fvi_view_at(&call->y, call->dtype, n, h, 0));
    }
}

static fv_status forward(fvi_call *call)
{
    const fvi_view *x = &call->x[0];
    const prelu_pass pass = make_pass(call, false);
    fvi_split_items(call->context, (size_t)call->n * (size_t)x->h, (size_t)x->w * (size_t)x->c, forward_rows, &pass);
    return FV_OK;
}

static void backward_image(const prelu_pass *pass, size_t image)
{
    const fvi_call *call = pass->call;
    const fvi_view *x = &call->x[0];
    const size_t channels = (size_t)x->c;
    double *sums = pass->scratch.images + image * channels;
    void *row = pass->scratch.rows + image * pass->scratch.row_bytes;
    for (size_t c = 0; c < channels; c++)
        sums[c] = 0;
    for (int32_t h = 0; h < x->h; h++) {
        const int32_t n = (int32_t)image;
        void *dx = call->dx[0].data ? fvi_view_at(&call->dx[0], call->dtype, n, h, 0) : NULL;
        call->kernels->prelu_backward(&pass->run, pass->slopes, fvi_view_at(x, call->dtype, n, h, 0),
                                      fvi_view_at(&call->dy, call->dtype, n, h, 0), dx, row);
        for (size_t c = 0; c < channels; c++)
            sums[c] += call->dtype == FV_F64 ? ((const double *)row)[c] : (double)((const float *)row)[c];
    }
}

static void backward_images(const void *argument, size_t first, size_t count)
{
    for (size_t image = first; image < first + count; image++)
        backward_image(argument, image);
}

/* The first element of each image's sums becomes their total. */
static void join_channels(double *images, size_t n, size_t channels)
{
    for (size_t image = 0; image < n; image++) {
        double sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += images[image * channels + c];
        images[image] = sum; /* never beyond what was read */
    }
}

static fv_status backward(fvi_call *call)
{
    const fvi_view *x = &call->x[0];
    const bool shared = ((const fv_prelu_options *)call->options)->shared;
    const prelu_pass pass = make_pass(call, true);
    fvi_split_items(call->context, (size_t)call->n, (size_t)x->h * (size_t)x->w * (size_t)x->c, backward_images, &pass);
    if (shared)
        join_channels(pass.scratch.images, (size_t)call->n, (size_t)x->c);
    fvi_channel_total(call->dtype, call->n, shared ? 1 : x->c, pass.scratch.images, call->dparam[0]);
    return FV_OK;
}

const fvi_layer fvi_layer_prelu = {
    .name = "prelu",
    .onnx_op = "PRelu",
    .formula = "y = x where x > 0, weight[c]*x elsewhere",
    .options_size = sizeof(fv_prelu_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
