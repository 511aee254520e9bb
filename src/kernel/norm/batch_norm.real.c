/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm.real.c - see batch_norm.h. Per channel, so neither vectors nor speed matter much here.
 */
#include "kernel/norm/batch_norm.h"

#include <math.h>

#include "base/real.h"

enum { SUMS = 3 }; /* shift, sum, squares */

void FVI_REAL_NAME(fvi_norm_center)(size_t channels, size_t pixels, void *sums)
{
    fvi_real *shift = sums, *sum = shift + channels;
    for (size_t c = 0; c < channels; c++) {
        shift[c] = sum[c] / (fvi_real)pixels;
        sum[c] = 0;
    }
}

/* The moments of one channel over the chunks of one group. */
typedef struct moments {
    double mean, squares; /* squares: sum of (x - mean)^2 */
} moments;

static moments merge_chunks(const fvi_norm_shape *shape, size_t group, size_t channel, const fvi_real *sums)
{
    const size_t channels = shape->channels;
    const fvi_real *at = sums + group * shape->chunks * SUMS * channels + channel;
    double total = 0, squares = 0;
    size_t first = 0;
    for (size_t k = 0; k < shape->chunks; k++) {
        const double count = (double)(fvi_norm_chunk(shape, group, k, &first) * shape->columns);
        const fvi_real *chunk = at + k * SUMS * channels;
        if (count > 0)
            total += count * (double)chunk[0] + (double)chunk[channels];
    }
    const double mean = total / (double)fvi_norm_pixels(shape, group);
    for (size_t k = 0; k < shape->chunks; k++) {
        const double count = (double)(fvi_norm_chunk(shape, group, k, &first) * shape->columns);
        const fvi_real *chunk = at + k * SUMS * channels;
        if (!(count > 0))
            continue;
        const double sum = (double)chunk[channels], correction = sum / count;
        const double away = (double)chunk[0] + correction - mean;
        squares += ((double)chunk[2 * channels] - sum * correction) + count * away * away;
    }
    return (moments){ .mean = mean, .squares = squares < 0 ? 0 : squares }; /* a NaN stays */
}

/* Channel c of group g: where its numbers go. */
static void save_mean(const fvi_norm_saved *saved, size_t channels, size_t group, size_t channel, double mean,
                      double rstd)
{
    fvi_real *high = (fvi_real *)saved->mean + 2 * group * channels + channel;
    high[0] = (fvi_real)mean;
    high[channels] = (fvi_real)(mean - (double)high[0]);
    ((fvi_real *)saved->rstd)[group * channels + channel] = (fvi_real)rstd;
}

/* From the rounded deviation, so that what is saved gives them again. */
static void set_factors(size_t channels, size_t group, size_t channel, const fvi_real *gamma, const fvi_real *beta,
                        const fvi_norm_saved *saved, void *ab)
{
    fvi_real *a = (fvi_real *)ab + 2 * group * channels + channel;
    const double rstd = (double)((const fvi_real *)saved->rstd)[group * channels + channel];
    a[0] = (fvi_real)((gamma != NULL ? (double)gamma[channel] : 1) * rstd);
    a[channels] = beta != NULL ? beta[channel] : 0;
}

void FVI_REAL_NAME(fvi_norm_factors)(const fvi_norm_shape *shape, const void *scale, const void *shift,
                                     const fvi_norm_saved *saved, void *ab)
{
    for (size_t g = 0; g < shape->groups; g++)
        for (size_t c = 0; c < shape->channels; c++)
            set_factors(shape->channels, g, c, scale, shift, saved, ab);
}

void FVI_REAL_NAME(fvi_norm_statistics)(const fvi_norm_shape *shape, size_t first, size_t last, double epsilon,
                                        const void *sums, const void *scale, const void *shift,
                                        const fvi_norm_saved *saved, void *ab)
{
    const size_t channels = shape->channels;
    const fvi_real *gamma = scale, *beta = shift;
    const double all = (double)(shape->images * shape->rows * shape->columns);
    for (size_t c = first; c < last; c++) {
        double observed[2] = { 0 };
        for (size_t g = 0; g < shape->groups; g++) {
            const double count = (double)fvi_norm_pixels(shape, g);
            const moments m = merge_chunks(shape, g, c, sums);
            save_mean(saved, channels, g, c, m.mean, 1 / sqrt(m.squares / count + epsilon));
            set_factors(channels, g, c, gamma, beta, saved, ab);
            observed[0] += count / all * m.mean;
            observed[1] += count / all * (m.squares / (count - 1));
        }
        saved->observed[c] = observed[0];
        saved->observed[channels + c] = observed[1];
    }
}

void FVI_REAL_NAME(fvi_norm_running)(size_t channels, double epsilon, const void *mean, const void *variance,
                                     const fvi_norm_saved *saved)
{
    const fvi_real *means = mean, *variances = variance;
    for (size_t c = 0; c < channels; c++) {
        save_mean(saved, channels, 0, c, (double)means[c], 1 / sqrt((double)variances[c] + epsilon));
        saved->observed[c] = (double)means[c];
        saved->observed[channels + c] = (double)variances[c];
    }
}

void FVI_REAL_NAME(fvi_norm_fold)(size_t channels, double epsilon, const void *mean, const void *variance,
                                  const void *scale, const void *shift, void *ab)
{
    const fvi_real *means = mean, *variances = variance, *gamma = scale, *beta = shift;
    fvi_real *a = ab, *b = a + channels;
    for (size_t c = 0; c < channels; c++) {
        const double factor = (gamma != NULL ? (double)gamma[c] : 1) / sqrt((double)variances[c] + epsilon);
        a[c] = (fvi_real)factor;
        b[c] = (fvi_real)((beta != NULL ? (double)beta[c] : 0) - (double)means[c] * factor);
    }
}

/* Sums over the chunks of one group. */
static double sum_chunks(const fvi_norm_shape *shape, size_t group, const fvi_real *sums)
{
    double total = 0;
    size_t first = 0;
    for (size_t k = 0; k < shape->chunks; k++)
        if (fvi_norm_chunk(shape, group, k, &first) > 0)
            total += (double)sums[(group * shape->chunks + k) * 2 * shape->channels];
    return total;
}

void FVI_REAL_NAME(fvi_norm_backward)(const fvi_norm_shape *shape, size_t first, size_t last, bool constant,
                                      const void *sums, const void *scale, const fvi_norm_saved *saved, void *abk,
                                      void *dscale, void *dshift)
{
    const size_t channels = shape->channels;
    const fvi_real *gamma = scale, *rstds = saved->rstd;
    for (size_t c = first; c < last; c++) {
        double scale_gradient = 0, shift_gradient = 0;
        for (size_t g = 0; g < shape->groups; g++) {
            const double count = (double)fvi_norm_pixels(shape, g), rstd = (double)rstds[g * channels + c];
            const double sum = sum_chunks(shape, g, (const fvi_real *)sums + c);
            const double products = sum_chunks(shape, g, (const fvi_real *)sums + channels + c);
            const double a = (gamma != NULL ? (double)gamma[c] : 1) * rstd;
            fvi_real *out = (fvi_real *)abk + 3 * g * channels + c;
            out[0] = (fvi_real)a;
            out[channels] = constant ? 0 : (fvi_real)(-a * sum / count);
            out[2 * channels] = constant ? 0 : (fvi_real)(-a * rstd * rstd * products / count);
            scale_gradient += products * rstd;
            shift_gradient += sum;
        }
        if (dscale != NULL)
            ((fvi_real *)dscale)[c] = (fvi_real)scale_gradient;
        if (dshift != NULL)
            ((fvi_real *)dshift)[c] = (fvi_real)shift_gradient;
    }
}
