/* SPDX-License-Identifier: Apache-2.0
 *
 * weather.c - snow, frost, fog and brightness. Clouds and crystals are fractal noise (Perlin 1985, "An image synthesizer"), where the paper has
 * photographs of frost.
 */
#include <math.h>
#include <string.h>

#include "base/math.h"
#include "data/corrupt/corrupt.h"

/* A number of 0 to 1 at a point of a lattice, by its own draw. */
static double at_point(const fvi_random *random, uint64_t octave, uint32_t row, uint32_t column)
{
    uint32_t draw = 0;
    fvi_random_draws(random, random->position + (octave << 32 | (uint64_t)row << 16 | column), 1, &draw);
    return draw * 0x1p-32;
}

static double smooth(double t)
{
    return t * t * (3 - 2 * t);
}

static double octave_at(const fvi_random *random, uint64_t octave, double y, double x)
{
    const double top = floor(y), left = floor(x), down = smooth(y - top), right = smooth(x - left);
    const uint32_t row = (uint32_t)top & 0x7fff, column = (uint32_t)left & 0x7fff;
    const double above =
        (1 - right) * at_point(random, octave, row, column) + right * at_point(random, octave, row, column + 1);
    const double below =
        (1 - right) * at_point(random, octave, row + 1, column) + right * at_point(random, octave, row + 1, column + 1);
    return (1 - down) * above + down * below;
}

void fvi_fractal(fvi_random *random, double decay, int32_t h, int32_t w, float *values)
{
    const double side = h > w ? h : w;
    float least = 0, most = 0;
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++) {
            double sum = 0, strength = 1, cells = 2;
            for (uint64_t octave = 0; 2 * cells <= side && octave < 14; octave++, cells *= 2, strength /= decay)
                sum += strength * octave_at(random, octave, y * cells / side, x * cells / side);
            const float value = (float)sum;
            values[(size_t)y * (size_t)w + (size_t)x] = value;
            least = (y == 0 && x == 0) || value < least ? value : least;
            most = (y == 0 && x == 0) || value > most ? value : most;
        }
    random->position += UINT64_C(1) << 40;
    for (size_t i = 0; i < (size_t)h * (size_t)w; i++)
        values[i] = most > least ? (values[i] - least) / (most - least) : 0.5f;
}

fv_status fvi_corrupt_fog(fvi_transform_call *call, int32_t level)
{
    static const double table[2][5] = { { 0.8, 1.1, 1.5, 1.9, 2.4 }, { 0.2, 0.5, 0.75, 1, 1.5 } };
    static const double decay[2][5] = { { 2, 2, 1.8, 1.7, 1.6 }, { 3, 3, 2.5, 2, 1.75 } };
    fvi_picture *image = &call->room->image;
    const size_t plane = (size_t)image->h * (size_t)image->w, channels = (size_t)image->c;
    float *cloud = NULL, most = 0;
    FV_TRY(fvi_transform_scratch(call, plane, &cloud));
    fvi_fractal(&call->random, decay[fvi_corrupt_small(image)][level], image->h, image->w, cloud);
    for (size_t i = 0; i < plane * channels; i++)
        most = image->pixels[i] > most ? image->pixels[i] : most;
    const float thick = (float)table[fvi_corrupt_small(image)][level],
                shrunk = most > 0 ? most / (most + thick) : 1 / (1 + thick);
    for (size_t i = 0; i < plane * channels; i++)
        image->pixels[i] = fvi_clip((image->pixels[i] + thick * (0.4f + 0.6f * cloud[i / channels])) * shrunk);
    return FV_OK;
}

/* Crystals: ridges of fractal noise, in a hint of blue, denser towards the border of the lens. */
fv_status fvi_corrupt_frost(fvi_transform_call *call, int32_t level)
{
    static const float image_part[2][5] = { { 1.0f, 0.9f, 0.8f, 0.75f, 0.7f }, { 1.0f, 1.0f, 0.9f, 0.85f, 0.75f } };
    static const float frost_part[2][5] = { { 0.4f, 0.6f, 0.7f, 0.8f, 0.9f }, { 0.3f, 0.4f, 0.5f, 0.6f, 0.7f } };
    static const float tint[] = { 0.85f, 0.93f, 1.0f };
    fvi_picture *image = &call->room->image;
    const int small = fvi_corrupt_small(image);
    const size_t plane = (size_t)image->h * (size_t)image->w;
    float *ridge = NULL;
    FV_TRY(fvi_transform_scratch(call, 2 * plane, &ridge));
    float *cover = ridge + plane;
    fvi_fractal(&call->random, 1.6, image->h, image->w, ridge);
    fvi_fractal(&call->random, 2.0, image->h, image->w, cover);
    for (int32_t y = 0; y < image->h; y++)
        for (int32_t x = 0; x < image->w; x++) {
            const size_t i = (size_t)y * (size_t)image->w + (size_t)x;
            const double dy = 2.0 * (y + 0.5) / image->h - 1, dx = 2.0 * (x + 0.5) / image->w - 1;
            const float rim = (float)(dy * dy + dx * dx) * 0.5f;
            const float edge = 1.0f - fabsf(2.0f * ridge[i] - 1.0f);
            const float ice =
                fvi_clip(edge * edge * edge * (0.35f + 0.4f * cover[i] + 0.6f * rim) + 0.35f * cover[i] * rim);
            for (int32_t c = 0; c < image->c; c++) {
                float *value = &image->pixels[i * (size_t)image->c + (size_t)c];
                *value = fvi_clip(image_part[small][level] * *value +
                                  frost_part[small][level] * ice * (image->c == 3 ? tint[c] : 1.0f));
            }
        }
    return FV_OK;
}

/* Flakes: normal noise, enlarged, cut below a threshold. out [h][w]. */
static void draw_flakes(fvi_random *random, double mean, double deviation, double threshold, double size, int32_t h,
                        int32_t w, float *drawn, float *out)
{
    const fvi_picture noise = { .pixels = drawn, .h = h, .w = w, .c = 1 };
    fvi_fill_gaussian(random, (size_t)h * (size_t)w, drawn);
    for (size_t i = 0; i < (size_t)h * (size_t)w; i++)
        drawn[i] = (float)(mean + deviation * (double)drawn[i]);
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++) {
            float *value = &out[(size_t)y * (size_t)w + (size_t)x];
            fvi_sample_bilinear(&noise, y / size, x / size, FVI_FILL_EDGE, value);
            *value = (double)*value < threshold ? 0.0f : fvi_clip(*value);
        }
}

/* The flakes blurred along their fall, in scratch from `flakes` on; the picture is untouched. */
static fv_status blur_flakes(fvi_transform_call *call, double radius, double sigma, double turns, float *flakes)
{
    const fvi_picture *image = &call->room->image;
    const size_t plane = (size_t)image->h * (size_t)image->w;
    fvi_augment_room other = { .scratch = NULL };
    fvi_transform_call inner = *call;
    inner.room = &other;
    fv_status status = fvi_picture_reserve(call->context, &other.image, image->h, image->w, 1);
    if (status == FV_OK) {
        memcpy(other.image.pixels, flakes, plane * sizeof *flakes);
        status = fvi_blur_motion(&inner, radius, sigma, turns);
    }
    if (status == FV_OK)
        memcpy(flakes, other.image.pixels, plane * sizeof *flakes);
    fvi_augment_room_release(&other, call->context);
    return status;
}

fv_status fvi_corrupt_snow(fvi_transform_call *call, int32_t level)
{
    static const struct flakes {
        double mean, deviation, size, threshold, radius, sigma, kept;
    } table[2][5] = {
        { { 0.1, 0.3, 3, 0.5, 10, 4, 0.8 },
          { 0.2, 0.3, 2, 0.5, 12, 4, 0.7 },
          { 0.55, 0.3, 4, 0.9, 12, 8, 0.7 },
          { 0.55, 0.3, 4.5, 0.85, 12, 8, 0.65 },
          { 0.55, 0.3, 2.5, 0.85, 12, 12, 0.55 } },
        { { 0.1, 0.2, 1, 0.5, 4, 1.5, 0.95 },
          { 0.1, 0.25, 1, 0.5, 5, 2, 0.9 },
          { 0.15, 0.3, 1.75, 0.55, 5, 2, 0.9 },
          { 0.25, 0.3, 2.25, 0.6, 6, 3, 0.85 },
          { 0.3, 0.3, 1.25, 0.65, 7, 6, 0.8 } },
    };
    fvi_picture *image = &call->room->image;
    const size_t plane = (size_t)image->h * (size_t)image->w, channels = (size_t)image->c;
    const struct flakes *snow = &table[fvi_corrupt_small(image)][level];
    const double unit = fvi_corrupt_unit(image), size = snow->size * unit < 1 ? 1 : snow->size * unit;
    const double turns = fvi_transform_between(call, -0.375, -0.125);
    float *flakes = NULL;
    FV_TRY(fvi_transform_scratch(call, 2 * plane, &flakes));
    draw_flakes(&call->random, snow->mean, snow->deviation, snow->threshold, size, image->h, image->w, flakes + plane,
                flakes);
    FV_TRY(blur_flakes(call, snow->radius * unit, snow->sigma * unit, turns, flakes));
    const float kept = (float)snow->kept;
    for (size_t i = 0; i < plane; i++) {
        float *pixel = image->pixels + i * channels;
        const float pale = (channels == 3 ? fvi_luma_of(pixel) : pixel[0]) * 1.5f + 0.5f;
        for (size_t c = 0; c < channels; c++) {
            const float lighter = pixel[c] > pale ? pixel[c] : pale;
            const float dull = kept * pixel[c] + (1 - kept) * fvi_clip(lighter);
            pixel[c] = fvi_clip(dull + flakes[i] + flakes[plane - 1 - i]);
        }
    }
    return FV_OK;
}

fv_status fvi_corrupt_brightness(fvi_transform_call *call, int32_t level)
{
    static const float table[2][5] = { { 0.1f, 0.2f, 0.3f, 0.4f, 0.5f }, { 0.05f, 0.1f, 0.15f, 0.2f, 0.3f } };
    fvi_picture *image = &call->room->image;
    const float added = table[fvi_corrupt_small(image)][level];
    const size_t plane = (size_t)image->h * (size_t)image->w;
    for (size_t i = 0; i < plane; i++) {
        float *pixel = image->pixels + i * (size_t)image->c, hsv[3];
        if (image->c == 1) {
            pixel[0] = fvi_clip(pixel[0] + added);
            continue;
        }
        fvi_rgb_to_hsv(pixel, hsv);
        hsv[2] = fvi_clip(hsv[2] + added);
        fvi_hsv_to_rgb(hsv, pixel);
    }
    return FV_OK;
}
