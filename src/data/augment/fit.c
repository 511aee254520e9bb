/* SPDX-License-Identifier: Apache-2.0
 *
 * fit.c - images for transforms that learn from data: as they come out of the transforms before them in the list.
 */
#include "data/augment/fit.h"

#include <math.h>
#include <string.h>

#include "data/augment/eigen.h"
#include "data/preprocess.h"

fv_status fvi_fit_open(fvi_fit_source *source, const fv_augmentation *augmentation, int32_t place,
                       const fv_dataset *data, const fv_augment_key *key)
{
    fv_context *context = augmentation->context;
    *source = (fvi_fit_source){ .augmentation = augmentation, .place = place, .data = data, .key = *key };
    return fv_reader_create(&source->reader, context, data);
}

void fvi_fit_close(fvi_fit_source *source)
{
    fvi_augment_room_release(&source->room, source->augmentation->context);
    fvi_resampler_release(source->augmentation->context, &source->resampler);
    fv_reader_destroy(source->reader);
}

fv_status fvi_fit_image(fvi_fit_source *source, int64_t index, const fvi_picture **image)
{
    fv_context *context = source->augmentation->context;
    const fv_preprocess *preprocess = source->preprocess;
    const bool keeps = preprocess == NULL || fvi_augmentation_resizes(source->augmentation);
    const int32_t shorter = keeps ? 0 : preprocess->resize;
    const bool scaled = preprocess != NULL && !preprocess->decode_whole;
    const fvi_wish *wish = NULL;
    fvi_list_wish of;
    fv_sample sample;
    source->key.sample = (uint64_t)index;
    source->room.part = (fvi_part){ .eighths = 0 };
    if (preprocess != NULL)
        wish = fvi_list_wish_fill(&of, preprocess, source->augmentation, &source->key);
    const fv_status status = wish != NULL
                                 ? fvi_reader_read_part(source->reader, index, wish, &sample, &source->room.part)
                                 : fv_reader_read(source->reader, index, scaled ? shorter : 0, &sample);
    source->room.whole = sample.whole;
    if (status != FV_OK)
        return fvi_fail(context, status, "%s", fv_reader_message(source->reader));
    if (sample.pixels == NULL)
        return fvi_fail(context, FV_ERR_UNSUPPORTED, "augmentation: '%s' holds numbers, not images",
                        fv_dataset_name(source->data));
    if (preprocess != NULL)
        FV_TRY(fvi_preprocess_check_sample(context, preprocess, source->data, index, &sample));
    if (shorter > 0)
        FV_TRY(fvi_resize_sample(context, &source->resampler, shorter, &sample));
    FV_TRY(fvi_picture_from_bytes(context, &source->room.image, sample.pixels, sample.order, sample.shape,
                                  preprocess != NULL ? preprocess->input.c : sample.shape.c));
    FV_TRY(fvi_augmentation_run(source->augmentation, &source->key, source->place, &source->room, context));
    *image = &source->room.image;
    return FV_OK;
}

/* One sample's values, or one pixel's colours, into the sums. */
static void add_to(fvi_covariance *sums, const float *x)
{
    const size_t n = (size_t)sums->n;
    for (size_t i = 0; i < n; i++) {
        const double value = (double)x[i];
        double *row = sums->matrix + i * n;
        sums->mean[i] += value;
        for (size_t j = 0; j <= i; j++)
            row[j] += value * (double)x[j];
    }
    sums->count++;
}

static void finish(fvi_covariance *sums)
{
    const size_t n = (size_t)sums->n;
    const double count = (double)sums->count;
    for (size_t i = 0; i < n; i++)
        sums->mean[i] /= count;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            const double value = sums->matrix[i * n + j] / count - sums->mean[i] * sums->mean[j];
            sums->matrix[i * n + j] = sums->matrix[j * n + i] = value;
        }
}

static fv_status begin(fvi_covariance *sums, fv_context *context, int32_t n)
{
    const size_t size = (size_t)n;
    sums->n = n;
    sums->matrix = fvi_allocate_zeroed(context, 2 * size * size + 2 * size, sizeof *sums->matrix);
    if (sums->matrix == NULL)
        return fvi_out_of_memory(context, "a covariance", (2 * size * size + 2 * size) * sizeof *sums->matrix);
    sums->vectors = sums->matrix + size * size;
    sums->mean = sums->vectors + size * size;
    sums->values = sums->mean + size;
    return FV_OK;
}

/* Adds image `index`; the first one says how many values there are. */
static fv_status add_image(fvi_covariance *sums, fvi_fit_source *source, int64_t index, bool by_pixel, int32_t most)
{
    fv_context *context = source->augmentation->context;
    const fvi_picture *image = NULL;
    FV_TRY(fvi_fit_image(source, index, &image));
    const size_t pixels = (size_t)image->h * (size_t)image->w, values = pixels * (size_t)image->c;
    const size_t n = by_pixel ? (size_t)image->c : values;
    if (n > (size_t)most)
        return fvi_fail(
            context, FV_ERR_SHAPE,
            "augmentation: images of %dx%dx%d are %zu values, more than the %d that can be whitened: resize "
            "them first",
            image->c, image->h, image->w, n, most);
    if (sums->matrix == NULL)
        FV_TRY(begin(sums, context, (int32_t)n));
    if ((size_t)sums->n != n)
        return fvi_fail(context, FV_ERR_SHAPE,
                        "augmentation: '%s' has images of %zu values and of %d: resize or crop them first",
                        fv_dataset_name(source->data), n, sums->n);
    for (size_t first = 0; first < values; first += n)
        add_to(sums, image->pixels + first);
    return FV_OK;
}

fv_status fvi_covariance_fit(fvi_covariance *sums, fvi_fit_source *source, bool by_pixel, int32_t samples, int32_t most)
{
    fv_context *context = source->augmentation->context;
    const int64_t count = fv_dataset_count(source->data), used = samples < count ? samples : count;
    *sums = (fvi_covariance){ .n = 0 };
    fv_status status =
        used > 0 ? FV_OK
                 : fvi_fail(context, FV_ERR_SHAPE, "augmentation: '%s' is empty", fv_dataset_name(source->data));
    for (int64_t i = 0; status == FV_OK && i < used; i++)
        status = add_image(sums, source, i * count / used, by_pixel, most);
    if (status == FV_OK) {
        finish(sums);
        status = fvi_eigen_symmetric(context, sums->n, sums->matrix, sums->values, sums->vectors);
    }
    if (status != FV_OK)
        fvi_covariance_release(sums, context);
    return status;
}

void fvi_covariance_release(fvi_covariance *sums, fv_context *context)
{
    fvi_release(context, sums->matrix);
    sums->matrix = NULL;
}
