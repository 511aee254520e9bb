/* SPDX-License-Identifier: Apache-2.0
 *
 * dropout.c - random zeros while training: Srivastava et al. 2014 (JMLR 15), section 4; whole channels: Tompson et al. 2015
 * (arXiv:1411.4280), section 3.2. The mask of a sample depends on the seed, the epoch, the sample and the layer's name (fvi_call_random());
 * backward draws it again, so nothing is kept.
 */
#include "fovea/graph.h"
#include "layer/activation.h"
#include "layer/layers.h"
#include "layer/split.h"

static const fvi_attribute attributes[] = {
    { .name = "drop",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_dropout_options, drop),
      .count = 1,
      .low = 0,
      .high = 0.999,
      .required = true,
      .help = "probability of dropping a value; 0 drops nothing" },
    { .name = "classic",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_dropout_options, classic),
      .count = 1,
      .fallback = "false",
      .help = "multiply by 1 - drop at inference, instead of by 1 / (1 - drop) while training" },
    { .name = "channels",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_dropout_options, channels),
      .count = 1,
      .fallback = "false",
      .help = "drop whole channels of an image" },
    { 0 },
};

/* One pass over rows of images; x and y are views of one shape, possibly the same memory. */
typedef struct drop_pass {
    const fvi_call *call;
    const fvi_view *x, *y;
    bool channels;
    uint32_t drop; /* draws below it drop */
    double scale;
} drop_pass;

static void drop_row(const drop_pass *pass, size_t image, size_t row)
{
    const fvi_call *call = pass->call;
    const fvi_view *x = pass->x, *y = pass->y;
    const size_t columns = (size_t)x->w, channels = (size_t)x->c;
    const fvi_random random = fvi_call_random(call, (int32_t)image);
    const char *in = fvi_view_at(x, call->dtype, (int32_t)image, (int32_t)row, 0);
    char *out = fvi_view_at(y, call->dtype, (int32_t)image, (int32_t)row, 0);
    const size_t size = fv_dtype_size(call->dtype);
    if (pass->channels) {
        call->kernels->dropout_channels(columns, channels, &random, pass->drop, pass->scale, x->pixel_stride, in,
                                        y->pixel_stride, out);
        return;
    }
    const uint64_t first = (uint64_t)row * columns * channels;
    const bool dense = x->pixel_stride == x->c && y->pixel_stride == y->c;
    const size_t runs = dense ? 1 : columns, run = dense ? columns * channels : channels;
    for (size_t i = 0; i < runs; i++)
        call->kernels->dropout(run, &random, first + i * run, pass->drop, pass->scale,
                               in + (ptrdiff_t)i * x->pixel_stride * (ptrdiff_t)size,
                               out + (ptrdiff_t)i * y->pixel_stride * (ptrdiff_t)size);
}

static void drop_rows(const void *argument, size_t first, size_t count)
{
    const drop_pass *pass = argument;
    const size_t rows = (size_t)pass->x->h;
    for (size_t i = first; i < first + count; i++)
        drop_row(pass, i / rows, i % rows);
}

static void scale_run(const void *argument, size_t count, void *const *at)
{
    const drop_pass *pass = argument;
    if (pass->call->dtype == FV_F64) {
        const double *x = at[0];
        double *y = at[1];
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] * pass->scale;
    } else {
        const float *x = at[0], scale = (float)pass->scale;
        float *y = at[1];
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] * scale;
    }
}

/* y from x forward, dx from dy backward: the layer is linear, each value for itself. */
static void run_pass(const fvi_call *call, const fvi_view *x, const fvi_view *y)
{
    const fv_dropout_options *options = call->options;
    const fvi_view *const views[] = { x, y };
    drop_pass pass = { .call = call, .x = x, .y = y, .channels = options->channels };
    if (options->drop == 0 || (!call->training && !options->classic)) {
        fvi_split_copy(call->context, call->dtype, x, y);
    } else if (!call->training) {
        pass.scale = 1 - options->drop;
        fvi_split_runs(call->context, call->dtype, views, 2, scale_run, &pass);
    } else {
        pass.drop = (uint32_t)(options->drop * 0x1p32); /* at most 0.999 * 2^32 */
        pass.scale = options->classic ? 1 : 1 / (1 - options->drop);
        fvi_split_items(call->context, (size_t)call->n * (size_t)x->h, (size_t)x->w * (size_t)x->c, drop_rows, &pass);
    }
}

static fv_status forward(fvi_call *call)
{
    run_pass(call, &call->x[0], &call->y);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        run_pass(call, &call->dy, &call->dx[0]);
    return FV_OK;
}

const fvi_layer fvi_layer_dropout = {
    .name = "dropout",
    .onnx_op = "Dropout",
    .formula = "y = x / (1 - drop) where a random draw keeps it, else 0; y = x at inference",
    .options_size = sizeof(fv_dropout_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .infer = fvi_infer_same,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
