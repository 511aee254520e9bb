/* SPDX-License-Identifier: Apache-2.0
 *
 * sample.c - reading images between their pixels: borders, bilinear sampling, affine maps, resampling with antialiasing, and
 * Gaussian blur. Pixel i covers [i, i+1), its centre lies at i + 0.5; coordinates here are those of centres, so that pixel i is at i.
 */
#include <math.h>
#include <string.h>

#include "base/math.h"
#include "data/augment/transform.h"

int32_t fvi_fill_index(int64_t i, int32_t n, fvi_fill fill)
{
    if (i >= 0 && i < n)
        return (int32_t)i;
    if (fill == FVI_FILL_ZERO)
        return -1;
    if (fill == FVI_FILL_EDGE || n == 1)
        return i < 0 ? 0 : n - 1;
    const int64_t period = 2 * ((int64_t)n - 1);
    int64_t within = i % period;
    within = within < 0 ? within + period : within;
    return (int32_t)(within < n ? within : period - within);
}

/* Adds weight times the pixel at (y, x), zero outside. */
static void add_pixel(const fvi_picture *image, int64_t y, int64_t x, fvi_fill fill, float weight, float *out)
{
    const int32_t row = fvi_fill_index(y, image->h, fill), column = fvi_fill_index(x, image->w, fill);
    if (row < 0 || column < 0 || weight == 0.0f)
        return;
    const float *pixel = image->pixels + ((size_t)row * (size_t)image->w + (size_t)column) * (size_t)image->c;
    for (int32_t c = 0; c < image->c; c++)
        out[c] += weight * pixel[c];
}

void fvi_sample_bilinear(const fvi_picture *image, double y, double x, fvi_fill fill, float *out)
{
    const double far = 1e9; /* beyond any image; keeps the conversion below defined */
    y = y > far ? far : y < -far ? -far : y;
    x = x > far ? far : x < -far ? -far : x;
    const double top = floor(y), left = floor(x);
    const float down = (float)(y - top), right = (float)(x - left);
    const int64_t row = (int64_t)top, column = (int64_t)left;
    for (int32_t c = 0; c < image->c; c++)
        out[c] = 0.0f;
    add_pixel(image, row, column, fill, (1.0f - down) * (1.0f - right), out);
    add_pixel(image, row, column + 1, fill, (1.0f - down) * right, out);
    add_pixel(image, row + 1, column, fill, down * (1.0f - right), out);
    add_pixel(image, row + 1, column + 1, fill, down * right, out);
}

fv_status fvi_warp_affine(fvi_transform_call *call, const double m[6], fvi_fill fill)
{
    const fvi_picture *in = &call->room->image;
    fvi_picture *out = NULL;
    FV_TRY(fvi_transform_begin(call, (fv_image_shape){ in->c, in->h, in->w }, &out));
    const double middle_y = (in->h - 1) / 2.0, middle_x = (in->w - 1) / 2.0;
    float *to = out->pixels;
    for (int32_t i = 0; i < in->h; i++)
        for (int32_t j = 0; j < in->w; j++, to += in->c) {
            const double y = i - middle_y, x = j - middle_x;
            fvi_sample_bilinear(in, m[0] * y + m[1] * x + m[2] + middle_y, m[3] * y + m[4] * x + m[5] + middle_x, fill,
                                to);
        }
    fvi_transform_done(call);
    return FV_OK;
}

/* Resampling along one axis: result i is the sum of weights[i][k] * value[first[i] + k], k < taps, weights 0 past the last. */
typedef struct axis {
    int32_t taps, reads; /* reads: those of them that there are */
    float *first;        /* [n], whole numbers */
    float *weights;
} axis;

static int32_t taps_of(double step)
{
    const double radius = step > 1.0 ? step : 1.0;
    return (int32_t)(2.0 * radius) + 3;
}

/* n results over `length` from `start` on, in an axis of `count` values. Memory: n * (taps + 1) floats. */
static axis axis_fill(float *memory, int32_t n, double start, double length, int32_t count)
{
    const double step = length / n, radius = step > 1.0 ? step : 1.0;
    const int32_t taps = taps_of(step);
    const axis made = { taps, taps < count ? taps : count, memory, memory + n };
    for (int32_t i = 0; i < n; i++) {
        const double centre = start + (i + 0.5) * step;
        double low = floor(centre - radius), sum = 0;
        const double most = (double)count - made.taps;
        low = low > most ? most : low;
        low = low < 0 ? 0 : low;
        float *weights = made.weights + (size_t)i * (size_t)made.taps;
        for (int pass = 0; pass < 2; pass++) /* the sum, then the weights */
            for (int32_t k = 0; k < made.taps; k++) {
                const double distance = fabs(low + k + 0.5 - centre) / radius;
                const double weight = distance < 1.0 && low + k < count ? 1.0 - distance : 0.0;
                if (pass == 0)
                    sum += weight;
                else
                    weights[k] = (float)(weight / sum);
            }
        made.first[i] = (float)low;
    }
    return made;
}

/* Down the columns: out [n][inner] from rows of in that are `next` apart. */
static void resample_down(const axis *along, int32_t n, const float *in, size_t next, size_t inner, float *restrict out)
{
    for (int32_t i = 0; i < n; i++, out += inner) {
        const float *weights = along->weights + (size_t)i * (size_t)along->taps;
        const float *row = in + (size_t)along->first[i] * next;
        memset(out, 0, inner * sizeof *out);
        for (int32_t k = 0; k < along->reads; k++, row += next) {
            const float weight = weights[k];
            for (size_t j = 0; weight != 0.0f && j < inner; j++)
                out[j] += weight * row[j];
        }
    }
}

/* Along one row: `channels` (1 to 4, a constant where this is inlined) of n pixels, `next` floats from pixel to pixel in both. */
static inline void resample_across(const axis *along, int32_t n, const float *in, size_t next, size_t channels,
                                   float *restrict out)
{
    for (int32_t i = 0; i < n; i++, out += next) {
        const float *weights = along->weights + (size_t)i * (size_t)along->taps;
        const float *pixel = in + (size_t)along->first[i] * next;
        float sum[4] = { 0 };
        for (int32_t k = 0; k < along->reads; k++, pixel += next)
            for (size_t c = 0; c < channels; c++)
                sum[c] += weights[k] * pixel[c];
        for (size_t c = 0; c < channels; c++)
            out[c] = sum[c];
    }
}

static void resample_row(const axis *along, int32_t n, const float *in, size_t channels, float *out)
{
    if (channels == 1)
        resample_across(along, n, in, 1, 1, out);
    else if (channels == 3)
        resample_across(along, n, in, 3, 3, out);
    else
        for (size_t c = 0; c < channels; c += 4)
            resample_across(along, n, in + c, channels, channels - c < 4 ? channels - c : 4, out + c);
}

static size_t axis_floats(int32_t n, double length)
{
    return (size_t)n * ((size_t)taps_of(length / n) + 1);
}

/* Down first: it goes along whole rows, and then fewer of them are left to be done pixel by pixel. */
fv_status fvi_resample_picture(fvi_transform_call *call, fvi_box box, int32_t rows, int32_t columns)
{
    const fvi_picture *in = &call->room->image;
    const size_t channels = (size_t)in->c, next = (size_t)in->w * channels;
    const size_t across = axis_floats(columns, box.w), down = axis_floats(rows, box.h);
    fvi_picture *out = NULL;
    float *memory = NULL;
    FV_TRY(fvi_transform_begin(call, (fv_image_shape){ in->c, rows, columns }, &out));
    FV_TRY(fvi_transform_scratch(call, (size_t)rows * next + across + down, &memory));
    axis x = axis_fill(memory, columns, box.x, box.w, in->w);
    const axis y = axis_fill(memory + across, rows, box.y, box.h, in->h);
    float *middle = memory + across + down;
    /* Only the columns that are read. */
    const float begin = x.first[0];
    const size_t width = (size_t)(x.first[columns - 1] - begin) + (size_t)x.reads;
    for (int32_t i = 0; i < columns; i++)
        x.first[i] -= begin;
    resample_down(&y, rows, in->pixels + (size_t)begin * channels, next, width * channels, middle);
    for (int32_t i = 0; i < rows; i++)
        resample_row(&x, columns, middle + (size_t)i * width * channels, channels,
                     out->pixels + (size_t)i * (size_t)columns * channels);
    fvi_transform_done(call);
    return FV_OK;
}

fv_image_shape fvi_whole_shape(const fvi_transform_call *call)
{
    const fvi_augment_room *room = call->room;
    return room->part.eighths > 0 ? room->whole : (fv_image_shape){ room->image.c, room->image.h, room->image.w };
}

fv_status fvi_resample_part(fvi_transform_call *call, fvi_box box, int32_t rows, int32_t columns)
{
    const fvi_part part = call->room->part;
    const double scale = part.eighths > 0 ? part.eighths / 8.0 : 1.0;
    call->room->part.eighths = 0;
    const fvi_box of = { box.y * scale - part.top, box.x * scale - part.left, box.h * scale, box.w * scale };
    return fvi_resample_picture(call, of, rows, columns);
}

int32_t fvi_gaussian_kernel(double deviation, float weights[FVI_GAUSSIAN_RADIUS + 1])
{
    const double wanted = ceil(3.0 * deviation);
    const int32_t radius = wanted > FVI_GAUSSIAN_RADIUS ? FVI_GAUSSIAN_RADIUS : (int32_t)wanted;
    double sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int32_t i = 0; i <= radius; i++) {
            const double weight = i == 0 ? 1.0 : fvi_exp(-(double)i * i / (2.0 * deviation * deviation));
            if (pass == 0)
                sum += i == 0 ? weight : 2.0 * weight;
            else
                weights[i] = (float)(weight / sum);
        }
    return radius;
}

fv_status fvi_blur_gaussian(fvi_transform_call *call, double deviation, fvi_fill fill)
{
    float weights[FVI_GAUSSIAN_RADIUS + 1];
    const fvi_picture *in = &call->room->image;
    const size_t channels = (size_t)in->c, row = (size_t)in->w * channels;
    const int32_t radius = fvi_gaussian_kernel(deviation, weights);
    fvi_picture *out = NULL;
    float *middle = NULL;
    if (radius == 0)
        return FV_OK;
    FV_TRY(fvi_transform_begin(call, (fv_image_shape){ in->c, in->h, in->w }, &out));
    FV_TRY(fvi_transform_scratch(call, (size_t)in->h * row, &middle));
    memset(middle, 0, (size_t)in->h * row * sizeof *middle);
    for (int32_t y = 0; y < in->h; y++)
        for (int32_t k = -radius; k <= radius; k++) {
            const int32_t from = fvi_fill_index((int64_t)y + k, in->h, fill);
            if (from < 0)
                continue;
            const float weight = weights[k < 0 ? -k : k], *source = in->pixels + (size_t)from * row;
            float *to = middle + (size_t)y * row;
            for (size_t j = 0; j < row; j++)
                to[j] += weight * source[j];
        }
    memset(out->pixels, 0, (size_t)in->h * row * sizeof *out->pixels);
    for (int32_t y = 0; y < in->h; y++)
        for (int32_t x = 0; x < in->w; x++) {
            float *to = out->pixels + (size_t)y * row + (size_t)x * channels;
            for (int32_t k = -radius; k <= radius; k++) {
                const int32_t from = fvi_fill_index((int64_t)x + k, in->w, fill);
                const float weight = weights[k < 0 ? -k : k];
                const float *source = middle + (size_t)y * row + (size_t)from * channels;
                for (size_t c = 0; from >= 0 && c < channels; c++)
                    to[c] += weight * source[c];
            }
        }
    fvi_transform_done(call);
    return FV_OK;
}
