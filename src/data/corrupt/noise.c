/* SPDX-License-Identifier: Apache-2.0
 *
 * noise.c - Gaussian, shot and impulse noise.
 */
#include "base/math.h"
#include "data/corrupt/corrupt.h"

static size_t values_of(const fvi_picture *image)
{
    return (size_t)image->h * (size_t)image->w * (size_t)image->c;
}

fv_status fvi_corrupt_gaussian_noise(fvi_transform_call *call, int32_t level)
{
    static const double deviation[2][5] = { { 0.08, 0.12, 0.18, 0.26, 0.38 }, { 0.04, 0.06, 0.08, 0.09, 0.10 } };
    fvi_add_gaussian(&call->room->image, &call->random, deviation[fvi_corrupt_small(&call->room->image)][level]);
    return FV_OK;
}

/* Poisson(mean), mean at most 500: the distribution function is walked up to one uniform number. */
static int32_t draw_poisson(fvi_random *random, double mean)
{
    enum { MOST = 2000 };
    const double u = fvi_random_uniform(random);
    double part = fvi_exp(-mean), sum = part;
    int32_t k = 0;
    while (u >= sum && k < MOST) {
        part *= mean / ++k;
        sum += part;
    }
    return k;
}

/* Photons counted: `photons` of them are white. */
fv_status fvi_corrupt_shot_noise(fvi_transform_call *call, int32_t level)
{
    static const double table[2][5] = { { 60, 25, 12, 5, 3 }, { 500, 250, 100, 75, 50 } };
    fvi_picture *image = &call->room->image;
    const double photons = table[fvi_corrupt_small(image)][level];
    for (size_t i = 0; i < values_of(image); i++)
        image->pixels[i] = fvi_clip((float)(draw_poisson(&call->random, (double)image->pixels[i] * photons) / photons));
    return FV_OK;
}

fv_status fvi_corrupt_impulse_noise(fvi_transform_call *call, int32_t level)
{
    static const double table[2][5] = { { 0.03, 0.06, 0.09, 0.17, 0.27 }, { 0.01, 0.02, 0.03, 0.05, 0.07 } };
    fvi_picture *image = &call->room->image;
    const double part = table[fvi_corrupt_small(image)][level];
    for (size_t i = 0; i < values_of(image); i++) {
        const double u = fvi_random_uniform(&call->random);
        if (u < part)
            image->pixels[i] = u < part / 2 ? 0.0f : 1.0f;
    }
    return FV_OK;
}
