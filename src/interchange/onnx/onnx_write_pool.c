/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_pool.c - poolings, and the resampling of images, as operators of ONNX.
 *
 * ceil_mode is never written: runtimes differ in what its last window sees, and versions before 10 lack it. Padding at the bottom and
 * right as far as that window reaches says the same, since padding never wins a maximum and is not counted in a mean.
 */
#include "interchange/onnx/onnx_write.h"

#ifdef FVI_HAVE_ONNX

#include <math.h>
#include <string.h>

#include "layer/window.h"

/* What a window reaches over the padded image with `ceil`: zeros without it. Along rows and columns. */
typedef struct overhang {
    int32_t size[2];
} overhang;

static fvi_window resolve(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_pool2d_options *options = node->options;
    fvi_window window = { .dilation = { 1, 1 },
                          .padding = options->padding,
                          .ceil = options->ceil,
                          .pooling = true,
                          .in = { node->in[0].h, node->in[0].w } };
    for (int i = 0; i < 2; i++) {
        window.kernel[i] = options->kernel[i];
        window.stride[i] = options->stride[i] == 0 ? options->kernel[i] : options->stride[i];
    }
    memcpy(window.pad, options->pad, sizeof window.pad);
    if (out->status == FV_OK)
        out->status = fvi_window_resolve(out->context, node->layer->name, node->name, &window);
    return window;
}

static overhang overhang_of(const fvi_window *window)
{
    overhang over = { { 0, 0 } };
    for (int i = 0; i < 2; i++) {
        const int32_t end = (window->out[i] - 1) * window->stride[i] + window->kernel[i];
        const int32_t padded = window->in[i] + window->pad[i] + window->pad[i + 2];
        over.size[i] = end > padded ? end - padded : 0;
    }
    return over;
}

static void set_window(fvi_onnx_out *out, fvi_onnx_op *op, const fvi_window *window)
{
    const int64_t kernel[] = { window->kernel[0], window->kernel[1] };
    const int64_t stride[] = { window->stride[0], window->stride[1] };
    const int64_t pad[] = { window->pad[0], window->pad[1], window->pad[2], window->pad[3] };
    fvi_onnx_set_ints(out, op, "kernel_shape", 2, kernel);
    fvi_onnx_set_ints(out, op, "strides", 2, stride);
    fvi_onnx_set_ints(out, op, "pads", 4, pad);
}

void fvi_onnx_max_pool(fvi_onnx_out *out, const fvi_node *node)
{
    fvi_window window = resolve(out, node);
    const overhang over = overhang_of(&window);
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    fvi_onnx_op *op = fvi_onnx_last(out, "MaxPool", FVI_ONNX_IMAGE);
    fvi_onnx_input(out, op, x);
    for (int i = 0; i < 2; i++)
        window.pad[i + 2] += over.size[i];
    set_window(out, op, &window);
}

void fvi_onnx_average_pool(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_pool2d_options *options = node->options;
    fvi_window window = resolve(out, node);
    const overhang over = overhang_of(&window);
    const bool hangs_over = over.size[0] > 0 || over.size[1] > 0;
    bool counts = options->count_padding;
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    if (counts &&
        hangs_over) { /* padding counts, what lies behind it does not: the padding becomes a part of the image */
        const fvi_onnx_edges edges = { .pad = { window.pad[0], window.pad[1], window.pad[2], window.pad[3] },
                                       .mode = "constant" };
        x = fvi_onnx_pad_of(out, "padded", x, &edges);
        memset(window.pad, 0, sizeof window.pad);
        counts = false;
    }
    fvi_onnx_op *op = fvi_onnx_last(out, "AveragePool", FVI_ONNX_IMAGE);
    fvi_onnx_input(out, op, x);
    for (int i = 0; i < 2; i++)
        window.pad[i + 2] += over.size[i];
    set_window(out, op, &window);
    if (counts)
        fvi_onnx_set_int(out, op, "count_include_pad", 1);
}

void fvi_onnx_global_average_pool(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    fvi_onnx_unary(out, "GlobalAveragePool", NULL, FVI_ONNX_IMAGE, fvi_onnx_take(out, 0, FVI_ONNX_IMAGE));
}

void fvi_onnx_global_max_pool(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    fvi_onnx_unary(out, "GlobalMaxPool", NULL, FVI_ONNX_IMAGE, fvi_onnx_take(out, 0, FVI_ONNX_IMAGE));
}

/* The largest or the mean of `size` neighbouring channels: channels become the rows of an image of one channel, whose columns are the pixels. */
static void pool_channels(fvi_onnx_out *out, const fvi_node *node, const char *op_type, int32_t size, int32_t stride,
                          int32_t pad)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const int64_t pixels = (int64_t)node->in[0].h * node->in[0].w;
    const int64_t rows[] = { 1, node->in[0].c, pixels }, back[] = { node->out.c, node->out.h, node->out.w };
    const fvi_window window = { .kernel = { size, 1 }, .stride = { stride, 1 }, .pad = { pad, 0, pad, 0 } };
    const char *x = fvi_onnx_reshape(out, "rows", form, fvi_onnx_take(out, 0, form), 3, rows);
    fvi_onnx_op *op = fvi_onnx_part(out, op_type, "pool");
    fvi_onnx_input(out, op, x);
    set_window(out, op, &window);
    fvi_onnx_reshape(out, NULL, form, fvi_onnx_output(op), form == FVI_ONNX_VECTOR ? 1 : 3, back);
}

static void write_channel_pool(fvi_onnx_out *out, const fvi_node *node, const char *op_type)
{
    const fv_channel_pool_options *options = node->options;
    pool_channels(out, node, op_type, options->size, options->stride == 0 ? options->size : options->stride,
                  options->pad);
}

void fvi_onnx_channel_max_pool(fvi_onnx_out *out, const fvi_node *node)
{
    write_channel_pool(out, node, "MaxPool");
}

void fvi_onnx_channel_average_pool(fvi_onnx_out *out, const fvi_node *node)
{
    write_channel_pool(out, node, "AveragePool");
}

void fvi_onnx_maxout(fvi_onnx_out *out, const fvi_node *node)
{
    const int32_t given = ((const fv_maxout_options *)node->options)->pieces, pieces = given == 0 ? 2 : given;
    pool_channels(out, node, "MaxPool", pieces, pieces, 0);
}

/* A linear map along each axis: y = left x right, with left [rows out, rows in] and right [columns in, columns out]. */
typedef double weight_fn(const void *options, int axis, int32_t outputs, int32_t inputs, int32_t output, int32_t input);

static const char *make_matrix(fvi_onnx_out *out, const char *part, int32_t outputs, int32_t inputs, bool right,
                               weight_fn *weight)
{
    const void *options = out->node->options;
    const int64_t shape[] = { right ? inputs : outputs, right ? outputs : inputs };
    float *values = fvi_onnx_memory(out, (size_t)outputs * (size_t)inputs, sizeof *values);
    for (int32_t o = 0; values != NULL && o < outputs; o++)
        for (int32_t i = 0; i < inputs; i++)
            values[right ? (size_t)i * (size_t)outputs + (size_t)o : (size_t)o * (size_t)inputs + (size_t)i] =
                (float)weight(options, right, outputs, inputs, o, i);
    return values != NULL ? fvi_onnx_floats(out, part, 2, shape, values) : "";
}

static void write_separable(fvi_onnx_out *out, const fvi_node *node, weight_fn *weight)
{
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    const char *right = make_matrix(out, "columns_weight", node->out.w, node->in[0].w, true, weight);
    const char *left = make_matrix(out, "rows_weight", node->out.h, node->in[0].h, false, weight);
    const char *columns = fvi_onnx_binary(out, "MatMul", "columns", FVI_ONNX_IMAGE, x, right);
    fvi_onnx_binary(out, "MatMul", NULL, FVI_ONNX_IMAGE, left, columns);
}

/* The windows of adaptive_average_pool: from floor(o * in / out) to before ceil((o + 1) * in / out). */
static double adaptive_weight(const void *options, int axis, int32_t outputs, int32_t inputs, int32_t output,
                              int32_t input)
{
    (void)options;
    (void)axis;
    const int64_t first = (int64_t)output * inputs / outputs;
    const int64_t end = ((int64_t)(output + 1) * inputs + outputs - 1) / outputs;
    return input >= first && input < end ? 1.0 / (double)(end - first) : 0;
}

void fvi_onnx_adaptive_average_pool(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_image_shape from = node->in[0], to = node->out;
    if (from.h % to.h != 0 || from.w % to.w != 0) {
        write_separable(out, node, adaptive_weight);
        return;
    }
    const fvi_window window = { .kernel = { from.h / to.h, from.w / to.w },
                                .stride = { from.h / to.h, from.w / to.w } };
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    const bool whole = to.h == 1 && to.w == 1;
    fvi_onnx_op *op = fvi_onnx_last(out, whole ? "GlobalAveragePool" : "AveragePool", FVI_ONNX_IMAGE);
    fvi_onnx_input(out, op, x);
    if (!whole)
        set_window(out, op, &window);
}

/* Bilinear, pixels as areas: as src/layer/upsample.c. */
static double bilinear_weight(const void *options, int axis, int32_t outputs, int32_t inputs, int32_t output,
                              int32_t input)
{
    (void)options;
    (void)axis;
    const double centre = (output + 0.5) * inputs / outputs - 0.5;
    const double inside = centre < 0 ? 0 : centre > inputs - 1 ? inputs - 1 : centre, apart = fabs(inside - input);
    return apart < 1 ? 1 - apart : 0;
}

void fvi_onnx_upsample(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_upsample_options *options = node->options;
    const int64_t shape[] = { FVI_ONNX_RANK }, none[] = { 0 };
    const float given[FVI_ONNX_RANK] = { 1, 1, (float)options->factor[0], (float)options->factor[1] };
    float *factors = fvi_onnx_memory(out, FVI_ONNX_RANK, sizeof *factors);
    /* Before opset 11 there is no bilinear resampling with pixels as areas. */
    if (options->bilinear && out->opset < 11) {
        write_separable(out, node, bilinear_weight);
        return;
    }
    if (factors == NULL)
        return;
    memcpy(factors, given, sizeof given);
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    fvi_onnx_op *op = fvi_onnx_last(out, out->opset < 10 ? "Upsample" : "Resize", FVI_ONNX_IMAGE);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_text(out, op, "mode", options->bilinear ? "linear" : "nearest");
    if (out->opset < 9) {
        fvi_onnx_set_floats(out, op, "scales", FVI_ONNX_RANK, factors);
        return;
    }
    if (out->opset >=
        11) { /* the region of interest, which only another mode reads; an optional input since opset 13 */
        fvi_onnx_input(out, op, out->opset >= 13 ? "" : fvi_onnx_floats(out, "region", 1, none, factors));
        fvi_onnx_set_text(out, op, "coordinate_transformation_mode", options->bilinear ? "half_pixel" : "asymmetric");
        if (!options->bilinear)
            fvi_onnx_set_text(out, op, "nearest_mode", "floor");
    }
    fvi_onnx_input(out, op, fvi_onnx_floats(out, "factors", 1, shape, factors));
}

/* Where output i of an axis looks: as src/layer/resize.c. */
static double resize_place(const fv_resize_options *options, double factor, int32_t outputs, int32_t inputs, int32_t i)
{
    switch (options->coordinates) {
    case FV_RESIZE_ALIGN_CORNERS:
        return outputs == 1 ? 0 : (double)i * (inputs - 1) / (outputs - 1);
    case FV_RESIZE_ASYMMETRIC:
        return i / factor;
    case FV_RESIZE_PYTORCH_HALF_PIXEL:
        return outputs == 1 ? 0 : (i + 0.5) / factor - 0.5;
    case FV_RESIZE_HALF_PIXEL:
        break;
    }
    return (i + 0.5) / factor - 0.5;
}

static double resize_factor(const fv_resize_options *options, int axis, int32_t outputs, int32_t inputs)
{
    return options->factor.count > 0 ? options->factor.values[axis] : (double)outputs / inputs;
}

static double resize_weight(const void *given, int axis, int32_t outputs, int32_t inputs, int32_t output, int32_t input)
{
    const fv_resize_options *options = given;
    const double place = resize_place(options, resize_factor(options, axis, outputs, inputs), outputs, inputs, output);
    const double nearest = options->nearest == FV_RESIZE_FLOOR ? floor(place) : ceil(place - 0.5);
    const double at = options->bilinear ? place : nearest;
    const double apart = fabs(fmin(fmax(at, 0), inputs - 1) - input);
    return apart < 1 ? 1 - apart : 0;
}

/* Factors that float32 holds, as the operator has them. */
static bool has_plain_factors(const fvi_node *node)
{
    const double rows = resize_factor(node->options, 0, node->out.h, node->in[0].h);
    const double columns = resize_factor(node->options, 1, node->out.w, node->in[0].w);
    return (double)(float)rows == rows && (double)(float)columns == columns;
}

/* Resize by factors where these are exact; a size alone can be given since opset 18, and before opset 11 the operator knew one kind of
 * coordinates only: else the same as a linear map. */
void fvi_onnx_resize(fvi_onnx_out *out, const fvi_node *node)
{
    enum { COORDINATES_SINCE = 11, AXES_SINCE = 18 };
    static const char *const coordinates[] = { "half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel" };
    const fv_resize_options *options = node->options;
    const int64_t two[] = { 2 }, four[] = { FVI_ONNX_RANK }, none[] = { 0 }, axes[] = { 2, 3 };
    const int64_t size[] = { node->out.h, node->out.w };
    const bool sized = options->factor.count == 0 && out->opset >= AXES_SINCE, by_axes = out->opset >= AXES_SINCE;
    if (out->opset < COORDINATES_SINCE || (!sized && !has_plain_factors(node))) {
        write_separable(out, node, resize_weight);
        return;
    }
    float *factors = fvi_onnx_memory(out, FVI_ONNX_RANK, sizeof *factors);
    if (factors == NULL)
        return;
    factors[0] = factors[1] = 1;
    factors[2] = (float)resize_factor(options, 0, node->out.h, node->in[0].h);
    factors[3] = (float)resize_factor(options, 1, node->out.w, node->in[0].w);
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    fvi_onnx_op *op = fvi_onnx_last(out, "Resize", FVI_ONNX_IMAGE);
    fvi_onnx_input(out, op, x);
    fvi_onnx_input(out, op, out->opset >= 13 ? "" : fvi_onnx_floats(out, "region", 1, none, factors));
    fvi_onnx_input(out, op,
                   sized     ? ""
                   : by_axes ? fvi_onnx_floats(out, "factors", 1, two, factors + 2)
                             : fvi_onnx_floats(out, "factors", 1, four, factors));
    fvi_onnx_input(out, op, sized ? fvi_onnx_ints(out, "size", 2, size) : NULL);
    if (by_axes)
        fvi_onnx_set_ints(out, op, "axes", 2, axes);
    fvi_onnx_set_text(out, op, "mode", options->bilinear ? "linear" : "nearest");
    fvi_onnx_set_text(out, op, "coordinate_transformation_mode", coordinates[options->coordinates]);
    if (!options->bilinear)
        fvi_onnx_set_text(out, op, "nearest_mode",
                          options->nearest == FV_RESIZE_FLOOR ? "floor" : "round_prefer_floor");
}

void fvi_onnx_reduce_mean(fvi_onnx_out *out, const fvi_node *node)
{
    static const struct {
        int32_t count;
        int64_t axes[3];
    } over[] = { { 2, { 2, 3 } }, { 1, { 1 } }, { 3, { 1, 2, 3 } }, { 1, { 2 } }, { 1, { 3 } } };
    const fv_reduce_over kind = ((const fv_reduce_mean_options *)node->options)->over;
    fvi_onnx_mean(out, NULL, FVI_ONNX_IMAGE, fvi_onnx_take(out, 0, FVI_ONNX_IMAGE), over[kind].count, over[kind].axes);
}

#endif
