/* SPDX-License-Identifier: Apache-2.0
 *
 * resample.c - separable resampling in fixed point: 22 bits behind the point, so that 8 bits of pixel and a sum of weights of 1
 * fit into 31. The filter and its rounding follow Pillow's (libImaging/Resample.c), the customary one for ImageNet's networks.
 */
#include "data/image/resample.h"

#include <string.h>

#include "base/checked.h"

enum { PRECISION = 22 };

void fvi_resampler_release(fv_context *context, fvi_resampler *resampler)
{
    fvi_release(context, resampler->rows.memory);
    fvi_release(context, resampler->columns.memory);
    fvi_release(context, resampler->middle);
    fvi_release(context, resampler->result);
    *resampler = (fvi_resampler){ .middle = NULL };
}

static fv_status reserve(fv_context *context, void *memory, size_t *capacity, size_t bytes)
{
    void **at = memory;
    if (bytes <= *capacity)
        return FV_OK;
    fvi_release(context, *at);
    *capacity = 0;
    *at = fvi_allocate(context, bytes);
    if (*at == NULL)
        return fvi_out_of_memory(context, "a resized image", bytes);
    *capacity = bytes;
    return FV_OK;
}

static double triangle(double x)
{
    x = x < 0 ? -x : x;
    return x < 1 ? 1 - x : 0;
}

/* Weights of output o, whose centre lies at (o + 1/2) * scale of the input. Those behind the last one are 0. */
static void fill_weights(const fvi_axis *axis, int32_t o, double scale, double support, int32_t *first,
                         int32_t *weights)
{
    const double centre = (o + 0.5) * scale, width = scale > 1 ? scale : 1;
    int32_t from = (int32_t)(centre - support + 0.5), end = (int32_t)(centre + support + 0.5);
    double sum = 0;
    from = centre - support + 0.5 < 0 ? 0 : from;
    end = end > axis->in ? axis->in : end;
    for (int32_t i = from; i < end; i++)
        sum += triangle((i - centre + 0.5) / width);
    for (int32_t t = 0; t < axis->taps; t++) {
        const double weight = from + t < end ? triangle((from + t - centre + 0.5) / width) / sum : 0;
        weights[t] = (int32_t)(weight * (1 << PRECISION) + 0.5);
    }
    /* The window of `taps` must lie inside; what slides in has weight 0. */
    const int32_t over = from + axis->taps - axis->in;
    if (over > 0) {
        memmove(weights + over, weights, (size_t)(axis->taps - over) * sizeof *weights);
        memset(weights, 0, (size_t)over * sizeof *weights);
        from -= over;
    }
    *first = from;
}

static fv_status prepare_axis(fv_context *context, fvi_axis *axis, int32_t in, int32_t out)
{
    if (axis->in == in && axis->out == out && axis->memory != NULL)
        return FV_OK;
    const double scale = (double)in / out, support = scale > 1 ? scale : 1;
    const double widest = 2 * support + 2;
    const int32_t taps = widest < in ? (int32_t)widest : in;
    size_t bytes = 0;
    if (!fvi_size_multiply((size_t)out * ((size_t)taps + 1), sizeof *axis->memory, &bytes))
        return fvi_out_of_memory(context, "a resized image", SIZE_MAX);
    axis->in = axis->out = 0;
    FV_TRY(reserve(context, &axis->memory, &axis->capacity, bytes));
    axis->in = in;
    axis->out = out;
    axis->taps = taps;
    for (int32_t o = 0; o < out; o++)
        fill_weights(axis, o, scale, support, axis->memory + o, axis->memory + out + (size_t)o * (size_t)taps);
    return FV_OK;
}

static uint8_t rounded(int32_t sum)
{
    const int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One row of w pixels from a row of the source; `next` bytes from pixel to pixel, `plane` from channel to channel. */
static void resample_row(const fvi_axis *axis, const uint8_t *row, size_t next, size_t plane, int32_t channels,
                         uint8_t *out)
{
    const int32_t *weights = axis->memory + axis->out;
    for (int32_t x = 0; x < axis->out; x++, weights += axis->taps, out += channels) {
        const uint8_t *from = row + (size_t)axis->memory[x] * next;
        for (int32_t c = 0; c < channels; c++) {
            int32_t sum = 1 << (PRECISION - 1);
            const uint8_t *in = from + (size_t)c * plane;
            for (int32_t t = 0; t < axis->taps; t++, in += next)
                sum += weights[t] * *in;
            out[c] = rounded(sum);
        }
    }
}

static void resample_column(const fvi_axis *axis, int32_t y, const uint8_t *rows, size_t row_bytes, uint8_t *out)
{
    const int32_t *weights = axis->memory + axis->out + (size_t)y * (size_t)axis->taps;
    const uint8_t *from = rows + (size_t)axis->memory[y] * row_bytes;
    for (size_t x = 0; x < row_bytes; x++) {
        int32_t sum = 1 << (PRECISION - 1);
        for (int32_t t = 0; t < axis->taps; t++)
            sum += weights[t] * from[(size_t)t * row_bytes + x];
        out[x] = rounded(sum);
    }
}

fv_status fvi_resample(fv_context *context, fvi_resampler *resampler, const uint8_t *pixels, fv_order order,
                       fv_image_shape shape, int32_t h, int32_t w)
{
    const size_t channels = (size_t)shape.c, plane = (size_t)shape.h * (size_t)shape.w;
    const size_t row_bytes = (size_t)w * channels, next = order == FV_NHWC ? channels : 1;
    FV_TRY(prepare_axis(context, &resampler->columns, shape.w, w));
    FV_TRY(prepare_axis(context, &resampler->rows, shape.h, h));
    FV_TRY(reserve(context, &resampler->middle, &resampler->middle_bytes, row_bytes * (size_t)shape.h));
    FV_TRY(reserve(context, &resampler->result, &resampler->result_bytes, row_bytes * (size_t)h));
    for (int32_t y = 0; y < shape.h; y++)
        resample_row(&resampler->columns, pixels + (size_t)y * (size_t)shape.w * next, next,
                     order == FV_NHWC ? 1 : plane, shape.c, resampler->middle + (size_t)y * row_bytes);
    for (int32_t y = 0; y < h; y++)
        resample_column(&resampler->rows, y, resampler->middle, row_bytes, resampler->result + (size_t)y * row_bytes);
    return FV_OK;
}

void fvi_resize_sides(fv_image_shape shape, int32_t shorter, int32_t *h, int32_t *w)
{
    const bool tall = shape.h > shape.w;
    const int64_t small = tall ? shape.w : shape.h, large = tall ? shape.h : shape.w;
    const int64_t longer = (int64_t)shorter * large / small;
    const int32_t fits = longer > INT32_MAX ? INT32_MAX : (int32_t)longer;
    *h = tall ? fits : shorter;
    *w = tall ? shorter : fits;
}
