/* SPDX-License-Identifier: Apache-2.0
 *
 * blur.c - defocus, glass, motion and zoom blur.
 */
#include <math.h>
#include <string.h>

#include "base/math.h"
#include "data/corrupt/corrupt.h"

enum { PARTS = 4, MOST_RADIUS = 512 };

/* How much of pixel (y, x) lies in a disc of this radius about (0, 0), by PARTS * PARTS points. */
static float covered(int32_t y, int32_t x, double radius)
{
    int inside = 0;
    for (int i = 0; i < PARTS; i++)
        for (int j = 0; j < PARTS; j++) {
            const double dy = y + (i + 0.5) / PARTS - 0.5, dx = x + (j + 0.5) / PARTS - 0.5;
            inside += dy * dy + dx * dx <= radius * radius;
        }
    return (float)inside / (PARTS * PARTS);
}

/* to += weight * the image moved by (dy, dx), edges repeated. */
static void add_moved(const fvi_picture *image, int32_t dy, int32_t dx, float weight, float *to)
{
    const size_t channels = (size_t)image->c;
    for (int32_t y = 0; y < image->h; y++) {
        const size_t row = (size_t)fvi_fill_index((int64_t)y + dy, image->h, FVI_FILL_EDGE) * (size_t)image->w;
        for (int32_t x = 0; x < image->w; x++, to += channels) {
            const size_t column = (size_t)fvi_fill_index((int64_t)x + dx, image->w, FVI_FILL_EDGE);
            const float *from = image->pixels + (row + column) * channels;
            for (size_t c = 0; c < channels; c++)
                to[c] += weight * from[c];
        }
    }
}

static fv_status begin(fvi_transform_call *call, fvi_picture **out)
{
    const fvi_picture *in = &call->room->image;
    FV_TRY(fvi_transform_begin(call, (fv_image_shape){ in->c, in->h, in->w }, out));
    memset((*out)->pixels, 0, (size_t)in->h * (size_t)in->w * (size_t)in->c * sizeof(float));
    return FV_OK;
}

fv_status fvi_corrupt_defocus_blur(fvi_transform_call *call, int32_t level)
{
    static const double radii[2][5] = { { 3, 4, 6, 8, 10 }, { 0.8, 1.0, 1.25, 1.6, 2.0 } };
    const fvi_picture *in = &call->room->image;
    const double wanted = radii[fvi_corrupt_small(in)][level] * fvi_corrupt_unit(in);
    const double radius = wanted > MOST_RADIUS ? MOST_RADIUS : wanted;
    const int32_t reach = (int32_t)ceil(radius);
    float total = 0;
    fvi_picture *out = NULL;
    FV_TRY(begin(call, &out));
    for (int32_t y = -reach; y <= reach; y++)
        for (int32_t x = -reach; x <= reach; x++)
            total += covered(y, x, radius);
    for (int32_t y = -reach; y <= reach; y++)
        for (int32_t x = -reach; x <= reach; x++) {
            const float weight = covered(y, x, radius) / total;
            if (weight > 0)
                add_moved(in, y, x, weight, out->pixels);
        }
    fvi_transform_done(call);
    return FV_OK;
}

static void exchange(fvi_picture *image, size_t a, size_t b)
{
    for (size_t c = 0; c < (size_t)image->c; c++) {
        const float kept = image->pixels[a * (size_t)image->c + c];
        image->pixels[a * (size_t)image->c + c] = image->pixels[b * (size_t)image->c + c];
        image->pixels[b * (size_t)image->c + c] = kept;
    }
}

fv_status fvi_corrupt_glass_blur(fvi_transform_call *call, int32_t level)
{
    static const double sigma[2][5] = { { 0.7, 0.9, 1, 1.1, 1.5 }, { 0.3, 0.4, 0.5, 0.5, 0.6 } };
    static const double delta[2][5] = { { 1, 2, 2, 3, 4 }, { 1, 1, 1, 1, 1 } };
    static const double part[2][5] = { { 1, 1, 1, 1, 1 }, { 0.2, 0.4, 0.6, 0.8, 1 } };
    static const int32_t times[2][5] = { { 2, 1, 3, 2, 2 }, { 1, 1, 1, 1, 2 } };
    const int small = fvi_corrupt_small(&call->room->image);
    const double own = fvi_corrupt_unit(&call->room->image);
    const double unit = own < 0.75 ? 0.75 : own; /* below it all severities would exchange the nearest pixels */
    const double scaled = floor(delta[small][level] * unit + 0.5);
    const int32_t most = scaled < 1 ? 1 : (int32_t)scaled;
    FV_TRY(fvi_blur_gaussian(call, sigma[small][level] * unit, FVI_FILL_EDGE));
    fvi_picture *image = &call->room->image;
    for (int32_t round = 0; round < times[small][level]; round++)
        for (int32_t y = image->h - 1 - most; y >= most; y--)
            for (int32_t x = image->w - 1 - most; x >= most; x--) {
                const uint32_t places = 2 * (uint32_t)most + 1;
                const int32_t row = y + (int32_t)fvi_random_below(&call->random, places) - most;
                const int32_t column = x + (int32_t)fvi_random_below(&call->random, places) - most;
                if (fvi_random_uniform(&call->random) < part[small][level])
                    exchange(image, (size_t)y * (size_t)image->w + (size_t)x,
                             (size_t)row * (size_t)image->w + (size_t)column);
            }
    return fvi_blur_gaussian(call, sigma[small][level] * unit, FVI_FILL_EDGE);
}

fv_status fvi_blur_motion(fvi_transform_call *call, double radius, double sigma, double turns)
{
    enum { TAPS = 31 };
    const fvi_picture *in = &call->room->image;
    const double down = -fvi_sin_turns(turns - floor(turns)), right = fvi_cos_turns(turns - floor(turns));
    double weights[TAPS], sum = 0;
    fvi_picture *out = NULL;
    for (int k = 0; k < TAPS; k++) {
        const double length = 2 * radius * k / (TAPS - 1);
        weights[k] = fvi_exp(-length * length / (2 * sigma * sigma));
        sum += weights[k];
    }
    FV_TRY(begin(call, &out));
    float *to = out->pixels, value[FVI_TRANSFORM_CHANNELS];
    for (int32_t y = 0; y < in->h; y++)
        for (int32_t x = 0; x < in->w; x++, to += in->c)
            for (int k = 0; k < TAPS; k++) {
                const double length = 2 * radius * k / (TAPS - 1);
                fvi_sample_bilinear(in, y + down * length, x + right * length, FVI_FILL_EDGE, value);
                for (int32_t c = 0; c < in->c; c++)
                    to[c] += (float)(weights[k] / sum) * value[c];
            }
    fvi_transform_done(call);
    return FV_OK;
}

fv_status fvi_corrupt_motion_blur(fvi_transform_call *call, int32_t level)
{
    static const double radius[2][5] = { { 10, 15, 15, 15, 20 }, { 3, 3, 3, 4, 4.5 } };
    static const double sigma[2][5] = { { 3, 5, 8, 12, 15 }, { 1, 1.5, 2, 2, 2.5 } };
    const int small = fvi_corrupt_small(&call->room->image);
    const double unit = fvi_corrupt_unit(&call->room->image);
    const double turns = fvi_transform_between(call, -0.125, 0.125);
    return fvi_blur_motion(call, radius[small][level] * unit, sigma[small][level] * unit, turns);
}

fv_status fvi_corrupt_zoom_blur(fvi_transform_call *call, int32_t level)
{
    static const double most[2][5] = { { 0.10, 0.15, 0.20, 0.25, 0.30 }, { 0.06, 0.11, 0.16, 0.21, 0.26 } };
    enum { STEPS = 11 };
    const fvi_picture *in = &call->room->image;
    const double middle_y = (in->h - 1) / 2.0, middle_x = (in->w - 1) / 2.0;
    float value[FVI_TRANSFORM_CHANNELS];
    fvi_picture *out = NULL;
    FV_TRY(begin(call, &out));
    for (int step = 0; step < STEPS; step++) {
        const double zoom = 1 + most[fvi_corrupt_small(in)][level] * step / (STEPS - 1);
        float *to = out->pixels;
        for (int32_t y = 0; y < in->h; y++)
            for (int32_t x = 0; x < in->w; x++, to += in->c) {
                fvi_sample_bilinear(in, middle_y + (y - middle_y) / zoom, middle_x + (x - middle_x) / zoom,
                                    FVI_FILL_EDGE, value);
                for (int32_t c = 0; c < in->c; c++)
                    to[c] += value[c] * (1.0f / STEPS);
            }
    }
    fvi_transform_done(call);
    return FV_OK;
}
