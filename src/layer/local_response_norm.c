/* SPDX-License-Identifier: Apache-2.0
 *
 * local_response_norm.c - Krizhevsky, Sutskever & Hinton 2012, section 3.3, across channels; within a channel as Caffe has it.
 * Across channels backward recomputes the sums; within a channel forward keeps them, because every sum is in many windows.
 */
#include "base/checked.h"
#include "fovea/graph.h"
#include "layer/activation.h"
#include "layer/layers.h"
#include "layer/split.h"

static const fvi_attribute attributes[] = {
    { .name = "size",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_local_response_norm_options, size),
      .count = 1,
      .low = 1,
      .high = 2 * FVI_LOCAL_HALF + 1,
      .fallback = "5",
      .help = "channels of a window, or rows and columns within a channel; odd" },
    { .name = "alpha",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_local_response_norm_options, alpha),
      .count = 1,
      .low = 1e-9,
      .high = 1e6,
      .fallback = "1e-4",
      .help = "factor of the mean square" },
    { .name = "beta",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_local_response_norm_options, beta),
      .count = 1,
      .low = 1e-3,
      .high = 10,
      .fallback = "0.75",
      .help = "the power" },
    { .name = "k",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_local_response_norm_options, k),
      .count = 1,
      .low = 1e-3,
      .high = 1e6,
      .fallback = "1",
      .help = "added to the mean square" },
    { .name = "within_channel",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_local_response_norm_options, within_channel),
      .count = 1,
      .fallback = "false",
      .help = "windows of size x size pixels of one channel instead of size channels of one pixel" },
    { .name = "alpha_per_element",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_local_response_norm_options, alpha_per_element),
      .count = 1,
      .fallback = "false",
      .help = "alpha times the sum of squares (the paper), not their mean over the whole window (Caffe, PyTorch)" },
    { 0 },
};

static int32_t size_of(const fv_local_response_norm_options *options)
{
    return options->size == 0 ? 5 : options->size;
}

static fvi_local_norm norm_of(const fv_local_response_norm_options *options)
{
    const double size = size_of(options), cells = options->within_channel ? size * size : size;
    const double alpha = options->alpha == 0 ? 1e-4 : options->alpha;
    return (fvi_local_norm){
        .half = (size_t)(size_of(options) / 2),
        .alpha = options->alpha_per_element ? alpha : alpha / cells,
        .beta = options->beta == 0 ? 0.75 : options->beta,
        .k = options->k == 0 ? 1 : options->k,
    };
}

static fv_status infer(fvi_infer *node)
{
    const int32_t size = size_of(node->options);
    if (size % 2 == 0)
        return fvi_fail(node->context, FV_ERR_ARGUMENT,
                        "local_response_norm '%s': size %d is even, so a window has no middle; take %d or %d",
                        node->name, size, size - 1, size + 1);
    return fvi_infer_same(node);
}

static fv_status setup(fvi_setup *node)
{
    const fv_local_response_norm_options *options = node->options;
    const fv_image_shape in = node->in[0];
    const size_t image = (size_t)in.c * (size_t)in.h * (size_t)in.w * fv_dtype_size(node->dtype);
    if (!options->within_channel || !node->backward)
        return FV_OK;
    if (!fvi_size_multiply(image, (size_t)node->batch, &node->saved_bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "local_response_norm '%s': batch %d of %dx%dx%d overflows",
                        node->name, node->batch, in.c, in.h, in.w);
    node->scratch_bytes = node->saved_bytes;
    return FV_OK;
}

/* One pass; rows of images are the items. sums and terms: dense [n][h][w][c]. */
typedef struct local_pass {
    const fvi_call *call;
    fvi_local_norm norm;
    fvi_view sums, terms;
} local_pass;

static local_pass make_pass(const fvi_call *call)
{
    const fvi_view *x = &call->x[0];
    return (local_pass){
        .call = call,
        .norm = norm_of(call->options),
        .sums = fvi_view_dense(call->saved, x->n, x->h, x->w, x->c),
        .terms = fvi_view_dense(call->scratch, x->n, x->h, x->w, x->c),
    };
}

/* A pixel: image, row, column. */
typedef struct pixel {
    int32_t n, h, w;
} pixel;

static void *at(const local_pass *pass, const fvi_view *view, pixel p)
{
    return view->data == NULL ? NULL : fvi_view_at(view, pass->call->dtype, p.n, p.h, p.w);
}

/* The window around a pixel, cut at the image's edges; *cells is its first cell in view. */
static fvi_local_window window_at(const local_pass *pass, const fvi_view *view, pixel p, const void **cells)
{
    const int32_t half = (int32_t)pass->norm.half;
    const int32_t top = p.h < half ? 0 : p.h - half, left = p.w < half ? 0 : p.w - half;
    const int32_t bottom = view->h - p.h <= half ? view->h : p.h + half + 1;
    const int32_t right = view->w - p.w <= half ? view->w : p.w + half + 1;
    *cells = at(pass, view, (pixel){ p.n, top, left });
    return (fvi_local_window){ .rows = (size_t)(bottom - top),
                               .columns = (size_t)(right - left),
                               .channels = (size_t)view->c,
                               .row = view->row_stride,
                               .pixel = view->pixel_stride };
}

static void forward_across(const local_pass *pass, pixel p)
{
    const fvi_call *call = pass->call;
    call->kernels->local_across(&pass->norm, (size_t)call->y.c, at(pass, &call->x[0], p), at(pass, &call->y, p));
}

static void backward_across(const local_pass *pass, pixel p)
{
    const fvi_call *call = pass->call;
    call->kernels->local_across_backward(&pass->norm, (size_t)call->dy.c, at(pass, &call->x[0], p),
                                         at(pass, &call->dy, p), at(pass, &call->dx[0], p));
}

static void forward_within(const local_pass *pass, pixel p)
{
    const fvi_call *call = pass->call;
    const void *cells = NULL;
    const fvi_local_window window = window_at(pass, &call->x[0], p, &cells);
    call->kernels->local_within(&pass->norm, &window, cells, at(pass, &call->x[0], p), at(pass, &call->y, p),
                                at(pass, &pass->sums, p));
}

static void terms_within(const local_pass *pass, pixel p)
{
    const fvi_call *call = pass->call;
    call->kernels->local_terms(&pass->norm, (size_t)call->dy.c, at(pass, &call->x[0], p), at(pass, &call->dy, p),
                               at(pass, &pass->sums, p), at(pass, &pass->terms, p));
}

static void backward_within(const local_pass *pass, pixel p)
{
    const fvi_call *call = pass->call;
    const void *cells = NULL;
    const fvi_local_window window = window_at(pass, &pass->terms, p, &cells);
    call->kernels->local_within_backward(&pass->norm, &window, cells, at(pass, &call->x[0], p), at(pass, &call->dy, p),
                                         at(pass, &pass->sums, p), at(pass, &call->dx[0], p));
}

typedef struct pixels_job {
    const local_pass *pass;
    void (*work)(const local_pass *pass, pixel p);
} pixels_job;

static void run_rows(const void *argument, size_t first, size_t count)
{
    const pixels_job *job = argument;
    const fvi_view *x = &job->pass->call->x[0];
    for (size_t row = first; row < first + count; row++)
        for (int32_t w = 0; w < x->w; w++)
            job->work(job->pass, (pixel){ (int32_t)(row / (size_t)x->h), (int32_t)(row % (size_t)x->h), w });
}

static void each_pixel(const local_pass *pass, void (*work)(const local_pass *pass, pixel p))
{
    const fvi_view *x = &pass->call->x[0];
    const pixels_job job = { .pass = pass, .work = work };
    fvi_split_items(pass->call->context, (size_t)x->n * (size_t)x->h, (size_t)x->w * (size_t)x->c, run_rows, &job);
}

static bool within(const fvi_call *call)
{
    return ((const fv_local_response_norm_options *)call->options)->within_channel;
}

static fv_status forward(fvi_call *call)
{
    const local_pass pass = make_pass(call);
    each_pixel(&pass, within(call) ? forward_within : forward_across);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    const local_pass pass = make_pass(call);
    if (!call->dx[0].data)
        return FV_OK;
    if (!within(call)) {
        each_pixel(&pass, backward_across);
        return FV_OK;
    }
    each_pixel(&pass, terms_within);
    each_pixel(&pass, backward_within);
    return FV_OK;
}

const fvi_layer fvi_layer_local_response_norm = {
    .name = "local_response_norm",
    .onnx_op = "LRN",
    .formula = "y = x / (k + alpha/cells * sum of x^2 over the window)^beta",
    .options_size = sizeof(fv_local_response_norm_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_INPUT | FVI_READS_SAVED,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
