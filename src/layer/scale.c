/* SPDX-License-Identifier: Apache-2.0
 *
 * scale.c - numbers that are learned: one factor and one summand for each channel, or for each element of an image. For each channel
 * it is an inference batch normalisation's map, and what leads in inference folds it into its weights as such (affine).
 *
 *   y = x * weight + bias    dx = dy * weight    dweight = sum over n (and pixels) of dy * x    dbias = sum of dy
 *
 * Packed: for each pixel (element) or once (channel) [2][c]: factors, then summands; backward has zeros for summands.
 */
#include <string.h>

#include "base/checked.h"
#include "fovea/graph.h"
#include "layer/element.h"
#include "layer/layers.h"
#include "layer/reduce.h"
#include "layer/split.h"

static const char *const pers[] = { "channel", "element", NULL };

static const fvi_attribute attributes[] = {
    { .name = "per",
      .type = FVI_ATTRIBUTE_ENUM,
      .offset = offsetof(fv_scale_options, per),
      .count = 1,
      .fallback = "channel",
      .words = pers,
      .help = "a number for each channel, or for each element of an image" },
    { .name = "no_scale",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_scale_options, no_scale),
      .count = 1,
      .fallback = "false",
      .help = "weight is 1, and not a parameter" },
    { .name = "no_shift",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_scale_options, no_shift),
      .count = 1,
      .fallback = "false",
      .help = "bias is 0, and not a parameter" },
    { .name = "scale_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_scale_options, scale_init),
      .count = 1,
      .fallback = "constant 1",
      .help = "how weights start" },
    { .name = "shift_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_scale_options, shift_init),
      .count = 1,
      .fallback = "constant 0",
      .help = "how biases start" },
    { 0 },
};

static bool per_element(const void *options)
{
    return ((const fv_scale_options *)options)->per == FV_PER_ELEMENT;
}

static fvi_declared_param declare(const fvi_infer *node, const char *suffix, const fv_initializer *given,
                                  double otherwise)
{
    const fv_image_shape in = node->in[0];
    const fv_shape channels = { .rank = 1, .size = { in.c } }, elements = { .rank = 3, .size = { in.c, in.h, in.w } };
    return (fvi_declared_param){
        .suffix = suffix,
        .shape = per_element(node->options) ? elements : channels,
        .fan_in = 1,
        .fan_out = 1,
        .initializer =
            given->kind != FV_INIT_DEFAULT ? *given : (fv_initializer){ .kind = FV_INIT_CONSTANT, .value = otherwise },
        .trained = true,
    };
}

static fv_status infer(fvi_infer *node)
{
    const fv_scale_options *options = node->options;
    if (options->no_scale && options->no_shift)
        return fvi_fail(node->context, FV_ERR_ARGUMENT,
                        "scale '%s': with no_scale and no_shift nothing is left; leave the layer out, or take identity",
                        node->name);
    node->out = node->in[0];
    node->param_count = 0;
    if (!options->no_scale)
        node->param[node->param_count++] = declare(node, "weight", &options->scale_init, 1);
    if (!options->no_shift)
        node->param[node->param_count++] = declare(node, "bias", &options->shift_init, 0);
    return FV_OK;
}

/* Scratch of backward: for each channel sums of images [n][c] behind what fvi_reduce() takes; for each element one parameter's
 * gradient in the order of an image's memory. */
static fv_status setup(fvi_setup *node)
{
    const fv_image_shape in = node->in[0];
    const size_t image = (size_t)in.c * (size_t)in.h * (size_t)in.w * fv_dtype_size(node->dtype);
    const bool element = per_element(node->options);
    size_t sums = 0;
    node->packed_bytes = 2 * (element ? image : (size_t)in.c * fv_dtype_size(node->dtype));
    node->packed_backward_bytes = node->backward ? node->packed_bytes : 0;
    if (!node->backward)
        return FV_OK;
    if (element) {
        node->scratch_bytes = image;
        return FV_OK;
    }
    FV_TRY(fvi_reduce_setup(node, in, (fv_image_shape){ in.c, 1, 1 }, &sums));
    if (!fvi_size_add(sums, sums / 2, &node->scratch_bytes)) /* sums is twice [n][c] */
        return fvi_fail(node->context, FV_ERR_SHAPE, "scale '%s': sums of %d channels for batch %d overflow",
                        node->name, in.c, node->batch);
    return FV_OK;
}

static void fill(fv_dtype dtype, void *values, size_t count, double value)
{
    for (size_t i = 0; i < count; i++)
        fvi_element_set(dtype, values, i, value);
}

/* Factors and summands one behind the other; NULL: 1 and 0. */
static void put_pair(fv_dtype dtype, size_t channels, const void *scale, const void *shift, void *ab)
{
    const size_t bytes = channels * fv_dtype_size(dtype);
    void *b = (char *)ab + bytes;
    if (scale != NULL)
        memcpy(ab, scale, bytes);
    else
        fill(dtype, ab, channels, 1);
    if (shift != NULL)
        memcpy(b, shift, bytes);
    else
        fill(dtype, b, channels, 0);
}

/* Values [c,h,w] to every other vector of [h,w][2][c]. */
static void put_elements(const fvi_call *call, const void *values, double otherwise, size_t which)
{
    const fvi_view *x = &call->x[0];
    fvi_view place = fvi_view_dense(call->packed, 1, x->h, x->w, x->c);
    place.pixel_stride *= 2;
    place.row_stride *= 2;
    place.image_stride *= 2;
    place.data = (char *)call->packed + which * (size_t)x->c * fv_dtype_size(call->dtype);
    if (values != NULL) {
        fvi_view_from_nchw(&place, call->dtype, values);
        return;
    }
    for (int32_t h = 0; h < x->h; h++)
        for (int32_t w = 0; w < x->w; w++)
            fill(call->dtype, fvi_view_at(&place, call->dtype, 0, h, w), (size_t)x->c, otherwise);
}

static const void *scale_of(const fv_scale_options *options, void *const *param)
{
    return options->no_scale ? NULL : param[0];
}

static const void *shift_of(const fv_scale_options *options, void *const *param)
{
    return options->no_shift ? NULL : param[options->no_scale ? 0 : 1];
}

static void affine(const void *options, fv_dtype dtype, size_t channels, void *const *param, void *ab)
{
    put_pair(dtype, channels, scale_of(options, param), shift_of(options, param), ab);
}

static bool is_affine(const void *options)
{
    return !per_element(options);
}

static void pack_with(const fvi_call *call, const void *shift)
{
    const void *scale = scale_of(call->options, call->param);
    if (!per_element(call->options)) {
        put_pair(call->dtype, (size_t)call->x[0].c, scale, shift, call->packed);
        return;
    }
    put_elements(call, scale, 1, 0);
    put_elements(call, shift, 0, 1);
}

static void pack(const fvi_call *call)
{
    pack_with(call, shift_of(call->options, call->param));
}

static void pack_backward(const fvi_call *call)
{
    pack_with(call, NULL);
}

typedef struct scale_pass {
    const fvi_call *call;
    const fvi_view *from, *to;
    bool element;
} scale_pass;

static void scale_rows(const void *argument, size_t first, size_t count)
{
    const scale_pass *pass = argument;
    const fvi_call *call = pass->call;
    const fvi_view *from = pass->from, *to = pass->to;
    const size_t pixel = 2 * (size_t)from->c * fv_dtype_size(call->dtype);
    const fvi_pixels run = { .count = pass->element ? 1 : (size_t)from->w,
                             .channels = (size_t)from->c,
                             .x = from->pixel_stride,
                             .y = to->pixel_stride };
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)from->h), h = (int32_t)(row % (size_t)from->h);
        const char *ab = call->packed;
        ab += pass->element ? (size_t)h * (size_t)from->w * pixel : 0;
        for (int32_t w = 0; w < (pass->element ? from->w : 1); w++)
            call->kernels->channel_scale(&run, fvi_view_at(from, call->dtype, n, h, w), ab + (size_t)w * pixel,
                                         fvi_view_at(to, call->dtype, n, h, w));
    }
}

static void scale(const fvi_call *call, const fvi_view *from, const fvi_view *to)
{
    const scale_pass pass = { .call = call, .from = from, .to = to, .element = per_element(call->options) };
    fvi_split_items(call->context, (size_t)call->n * (size_t)from->h, (size_t)from->w * (size_t)from->c, scale_rows,
                    &pass);
}

static fv_status forward(fvi_call *call)
{
    scale(call, &call->x[0], &call->y);
    return FV_OK;
}

/* The sum over images of dy, or of dy * x, for the elements of rows. */
typedef struct element_pass {
    const fvi_call *call;
    bool products;
    fvi_view sums;
} element_pass;

static void element_rows(const void *argument, size_t first, size_t count)
{
    const element_pass *pass = argument;
    const fvi_call *call = pass->call;
    const fvi_view *x = &call->x[0];
    const size_t channels = (size_t)x->c;
    for (size_t pixel = first * (size_t)x->w; pixel < (first + count) * (size_t)x->w; pixel++) {
        const int32_t h = (int32_t)(pixel / (size_t)x->w), w = (int32_t)(pixel % (size_t)x->w);
        void *sum = fvi_view_at(&pass->sums, call->dtype, 0, h, w);
        memset(sum, 0, channels * fv_dtype_size(call->dtype));
        for (int32_t n = 0; n < call->n; n++) {
            const void *dy = fvi_view_at(&call->dy, call->dtype, n, h, w);
            if (pass->products)
                call->kernels->multiply_add(channels, dy, fvi_view_at(x, call->dtype, n, h, w), sum);
            else
                call->kernels->add(channels, sum, dy, sum);
        }
    }
}

static void element_gradient(const fvi_call *call, bool products, void *gradient)
{
    const fvi_view *x = &call->x[0];
    const element_pass pass = { .call = call,
                                .products = products,
                                .sums = fvi_view_dense(call->scratch, 1, x->h, x->w, x->c) };
    fvi_split_items(call->context, (size_t)x->h, (size_t)call->n * (size_t)x->w * (size_t)x->c, element_rows, &pass);
    fvi_view_to_nchw(&pass.sums, call->dtype, gradient);
}

/* Sums of each image, then in double and in the order of the images. */
static void channel_gradient(const fvi_call *call, bool products, void *gradient)
{
    const fvi_view *x = &call->x[0];
    const size_t channels = (size_t)x->c;
    const fvi_view sums = fvi_view_dense(call->scratch, call->n, 1, 1, x->c);
    void *free_scratch = (char *)call->scratch + (size_t)call->n * channels * fv_dtype_size(call->dtype);
    fvi_reduce(call, &call->dy, products ? x : NULL, 1, &sums, free_scratch);
    for (size_t c = 0; c < channels; c++) {
        double total = 0;
        for (size_t i = c; i < (size_t)call->n * channels; i += channels)
            total += fvi_element_get(call->dtype, sums.data, i);
        fvi_element_set(call->dtype, gradient, c, total);
    }
}

static fv_status backward(fvi_call *call)
{
    const fv_scale_options *options = call->options;
    const bool element = per_element(options);
    if (!options->no_scale)
        (element ? element_gradient : channel_gradient)(call, true, call->dparam[0]);
    if (!options->no_shift)
        (element ? element_gradient : channel_gradient)(call, false, call->dparam[options->no_scale ? 0 : 1]);
    if (call->dx[0].data)
        scale(call, &call->dy, &call->dx[0]);
    return FV_OK;
}

const fvi_layer fvi_layer_scale = {
    .name = "scale",
    .formula = "y[c,i,j] = x[c,i,j] * weight[c] + bias[c], or with a weight and a bias for each c, i, j",
    .options_size = sizeof(fv_scale_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .dx_over_dy = true,
    .is_affine = is_affine,
    .affine = affine,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .pack = pack,
    .pack_backward = FVI_TRAINS(pack_backward),
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
