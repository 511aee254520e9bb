/* SPDX-License-Identifier: Apache-2.0
 *
 * whiten.c - values made uncorrelated and equally strong over the data: PCA gives the components themselves, the strongest first, in the
 * place of pixels; ZCA turns them back, so that images still look like images.
 */
#include <math.h>
#include <string.h>

#include "data/augment/fit.h"

typedef struct whiten_options {
    double p;
    int32_t kind, samples;
    double epsilon;
} whiten_options;

enum { ZCA, PCA, MOST_VALUES = 4096 };
static const char *const words[] = { "zca", "pca", NULL };

static const fvi_transform_option options[] = {
    { .name = "kind",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(whiten_options, kind),
      .fallback = "zca",
      .words = words,
      .help = "turned back to pixels, or the components themselves" },
    { .name = "epsilon",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(whiten_options, epsilon),
      .count = 1,
      .low = 1e-9,
      .high = 1e6,
      .fallback = "0.01",
      .help = "added to the variance along each component" },
    { .name = "samples",
      .type = FVI_OPTION_INT,
      .offset = offsetof(whiten_options, samples),
      .count = 1,
      .low = 2,
      .high = 1e9,
      .fallback = "5000",
      .help = "at most so many training images to learn from" },
    { 0 },
};

/* y = map (x - mean) */
typedef struct whitening {
    int32_t n;
    float *mean; /* [n] */
    float *map;  /* [n][n] */
} whitening;

static bool whiten_needs_fit(const void *given)
{
    (void)given;
    return true;
}

static void fill_pca(const fvi_covariance *sums, double epsilon, float *map)
{
    const size_t n = (size_t)sums->n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            map[i * n + j] =
                (float)(sums->vectors[i * n + j] / sqrt((sums->values[i] > 0 ? sums->values[i] : 0) + epsilon));
}

/* map = sum over k of v[k] v[k]' / sqrt(value[k] + epsilon), in double in sums->matrix, which is free now. */
static void fill_zca(const fvi_covariance *sums, double epsilon, float *map)
{
    const size_t n = (size_t)sums->n;
    memset(sums->matrix, 0, n * n * sizeof *sums->matrix);
    for (size_t k = 0; k < n; k++) {
        const double *v = sums->vectors + k * n;
        const double factor = 1.0 / sqrt((sums->values[k] > 0 ? sums->values[k] : 0) + epsilon);
        for (size_t i = 0; i < n; i++) {
            const double own = factor * v[i];
            double *row = sums->matrix + i * n;
            for (size_t j = 0; j < n; j++)
                row[j] += own * v[j];
        }
    }
    for (size_t i = 0; i < n * n; i++)
        map[i] = (float)sums->matrix[i];
}

static fv_status allocate(fv_context *context, int32_t values, void **fitted)
{
    const size_t n = (size_t)values, bytes = sizeof(whitening) + (n * n + n) * sizeof(float);
    whitening *made = fvi_allocate(context, bytes);
    *fitted = NULL;
    if (made == NULL)
        return fvi_out_of_memory(context, "a whitening", bytes);
    *made = (whitening){ .n = values, .mean = (float *)(void *)(made + 1) };
    made->map = made->mean + n;
    *fitted = made;
    return FV_OK;
}

static fv_status whiten_empty(fv_context *context, const fvi_learned *stored, int32_t count, void **fitted)
{
    const fvi_learned *mean = &stored[0], *map = &stored[1];
    *fitted = NULL;
    if (count == 2 && strcmp(mean->name, "mean") != 0) {
        mean = &stored[1];
        map = &stored[0];
    }
    const int64_t n = count == 2 ? mean->shape.size[0] : 0;
    if (n < 1 || n > MOST_VALUES || strcmp(mean->name, "mean") != 0 || strcmp(map->name, "map") != 0 ||
        mean->shape.rank != 1 || map->shape.rank != 2 || map->shape.size[0] != n || map->shape.size[1] != n)
        return fvi_fail(context, FV_ERR_FORMAT,
                        "whiten: its tensors must be mean [n] and map [n, n], n at most %d values of an image",
                        MOST_VALUES);
    return allocate(context, (int32_t)n, fitted);
}

static int32_t whiten_learned(const void *fitted, fvi_learned list[FVI_LEARNED_MOST])
{
    const whitening *by = fitted;
    list[0] = (fvi_learned){ .name = "mean", .shape = { 1, { by->n } }, .values = by->mean };
    list[1] = (fvi_learned){ .name = "map", .shape = { 2, { by->n, by->n } }, .values = by->map };
    return 2;
}

static fv_status whiten_fit(fvi_fit_source *source, const void *given, void **fitted)
{
    const whiten_options *wanted = given;
    fv_context *context = source->augmentation->context;
    fvi_covariance sums;
    FV_TRY(fvi_covariance_fit(&sums, source, false, wanted->samples, MOST_VALUES));
    const fv_status status = allocate(context, sums.n, fitted);
    if (status == FV_OK) {
        whitening *made = *fitted;
        for (int32_t i = 0; i < sums.n; i++)
            made->mean[i] = (float)sums.mean[i];
        (wanted->kind == PCA ? fill_pca : fill_zca)(&sums, wanted->epsilon, made->map);
    }
    fvi_covariance_release(&sums, context);
    return status;
}

/* The sum of a[i] * b[i] in double, as eight sums side by side, so that no sum waits for the one before it. */
static float dot(const float *a, const float *b, size_t n)
{
    double part[8] = { 0 };
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            part[k] += (double)a[i + k] * (double)b[i + k];
    for (size_t k = 0; i + k < n; k++)
        part[k] += (double)a[i + k] * (double)b[i + k];
    return (float)(((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7])));
}

static fv_status whiten_apply(fvi_transform_call *call)
{
    const whitening *by = call->fitted;
    fvi_picture *image = &call->room->image, *out = NULL;
    const size_t n = (size_t)image->h * (size_t)image->w * (size_t)image->c;
    if (n != (size_t)by->n)
        return fvi_fail(call->context, FV_ERR_SHAPE, "an image of %dx%dx%d, but those it learned from had %d values",
                        image->c, image->h, image->w, by->n);
    FV_TRY(fvi_transform_begin(call, (fv_image_shape){ image->c, image->h, image->w }, &out));
    for (size_t i = 0; i < n; i++)
        image->pixels[i] -= by->mean[i];
    for (size_t i = 0; i < n; i++)
        out->pixels[i] = dot(by->map + i * n, image->pixels, n);
    fvi_transform_done(call);
    return FV_OK;
}

const fvi_transform fvi_transform_whiten = {
    .name = "whiten",
    .formula = "y = W (x - m), W = D V (pca) or V' D V (zca), D = 1/sqrt(variances + epsilon), V the principal "
               "components of the training images",
    .source = "Krizhevsky 2009, appendix A; Bell & Sejnowski 1997",
    .options_size = sizeof(whiten_options),
    .options = options,
    .fixed = true,
    .leaves_unit = true,
    .apply = whiten_apply,
    .needs_fit = whiten_needs_fit,
    .fit = whiten_fit,
    .empty = whiten_empty,
    .learned = whiten_learned,
};
