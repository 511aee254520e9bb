/* SPDX-License-Identifier: Apache-2.0
 *
 * elastic.c - a random field of displacements, smoothed.
 * Uniform numbers of -1 to 1 for each pixel and direction, convolved with a Gaussian of `sigma` pixels and multiplied by `alpha`.
 * The field is drawn beyond the image by the kernel's radius, so that it is as strong at the border as in the middle: the mean square
 * of a displacement is alpha^2/3 * (sum of squares of the kernel)^2, about alpha^2 / (12 pi sigma^2).
 */
#include <string.h>

#include "data/augment/transform.h"

typedef struct elastic_options {
    double p, alpha, sigma;
    int32_t fill;
} elastic_options;

static const fvi_transform_option options[] = {
    { .name = "alpha",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(elastic_options, alpha),
      .count = 1,
      .high = 10000,
      .fallback = "34",
      .help = "strength, in pixels before smoothing" },
    { .name = "sigma",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(elastic_options, sigma),
      .count = 1,
      .low = 0.01,
      .high = 300,
      .fallback = "4",
      .help = "deviation of the smoothing, in pixels" },
    { .name = "fill",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(elastic_options, fill),
      .fallback = "zero",
      .words = fvi_fill_words,
      .help = "what is read outside the image" },
    { 0 },
};

enum { DRAWS = 256 };

/* out [count]: uniform in [-1, 1), one draw of 32 bits each. */
static void draw_field(fvi_random *random, size_t count, float *out)
{
    uint32_t draws[DRAWS];
    for (size_t first = 0; first < count; first += DRAWS) {
        const size_t some = count - first < DRAWS ? count - first : DRAWS;
        fvi_random_draws(random, random->position, some, draws);
        random->position += some;
        for (size_t i = 0; i < some; i++)
            out[first + i] = (float)(draws[i] >> 8) * 0x1p-23f - 1.0f;
    }
}

/* One displacement for each pixel: drawn [h + 2r][w + 2r], smoothed down and across to field [h][w]. middle [h][w + 2r]. */
static void smooth_field(const float *weights, int32_t radius, int32_t h, int32_t w, const float *drawn, float *middle,
                         float *field)
{
    const size_t wide = (size_t)w + 2 * (size_t)radius;
    memset(middle, 0, (size_t)h * wide * sizeof *middle);
    memset(field, 0, (size_t)h * (size_t)w * sizeof *field);
    for (int32_t y = 0; y < h; y++)
        for (int32_t k = 0; k <= 2 * radius; k++) {
            const float weight = weights[k < radius ? radius - k : k - radius];
            const float *from = drawn + (size_t)(y + k) * wide;
            for (size_t x = 0; x < wide; x++)
                middle[(size_t)y * wide + x] += weight * from[x];
        }
    for (int32_t y = 0; y < h; y++)
        for (int32_t k = 0; k <= 2 * radius; k++) {
            const float weight = weights[k < radius ? radius - k : k - radius];
            const float *from = middle + (size_t)y * wide + (size_t)k;
            for (int32_t x = 0; x < w; x++)
                field[(size_t)y * (size_t)w + (size_t)x] += weight * from[x];
        }
}

fv_status fvi_elastic_field(fvi_transform_call *call, double sigma, int32_t h, int32_t w, const float **down,
                            const float **across)
{
    float weights[FVI_GAUSSIAN_RADIUS + 1], *memory = NULL;
    const int32_t radius = fvi_gaussian_kernel(sigma, weights);
    const size_t wide = (size_t)w + 2 * (size_t)radius, drawn = ((size_t)h + 2 * (size_t)radius) * wide;
    const size_t field = (size_t)h * (size_t)w;
    FV_TRY(fvi_transform_scratch(call, drawn + (size_t)h * wide + 2 * field, &memory));
    for (size_t direction = 0; direction < 2; direction++) {
        draw_field(&call->random, drawn, memory + 2 * field);
        smooth_field(weights, radius, h, w, memory + 2 * field, memory + 2 * field + drawn, memory + direction * field);
    }
    *down = memory;
    *across = memory + field;
    return FV_OK;
}

fv_status fvi_elastic_warp(fvi_transform_call *call, double alpha, double sigma, fvi_fill fill)
{
    const fvi_picture *in = &call->room->image;
    const float *down = NULL, *across = NULL;
    fvi_picture *out = NULL;
    FV_TRY(fvi_elastic_field(call, sigma, in->h, in->w, &down, &across));
    FV_TRY(fvi_transform_begin(call, (fv_image_shape){ in->c, in->h, in->w }, &out));
    float *to = out->pixels;
    for (int32_t y = 0; y < in->h; y++)
        for (int32_t x = 0; x < in->w; x++, to += in->c)
            fvi_sample_bilinear(in, y + alpha * (double)*down++, x + alpha * (double)*across++, fill, to);
    fvi_transform_done(call);
    return FV_OK;
}

static fv_status elastic_apply(fvi_transform_call *call)
{
    const elastic_options *given = call->options;
    return fvi_elastic_warp(call, given->alpha, given->sigma, (fvi_fill)given->fill);
}

const fvi_transform fvi_transform_elastic = {
    .name = "elastic",
    .formula =
        "y(i, j) = x(i + alpha * (G * u)[i,j], j + alpha * (G * v)[i,j]), u and v uniform in -1 ... 1, G Gaussian",
    .source = "Simard, Steinkraus & Platt 2003, section 2",
    .options_size = sizeof(elastic_options),
    .options = options,
    .p = "1",
    .apply = elastic_apply,
};
