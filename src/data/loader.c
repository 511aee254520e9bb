/* SPDX-License-Identifier: Apache-2.0
 *
 * loader.c - batches of a data set. All memory is taken at creation. The order of an epoch is a Fisher-Yates shuffle (Durstenfeld 1964)
 * drawn from (seed, epoch); a sample's augmentation from (seed, epoch, index in the data set): neither depends on threads, on the
 * batch size or on where an epoch was resumed.
 */
#include <string.h>

#include "base/checked.h"
#include "data/preprocess.h"

enum { SAMPLES_PER_TASK = 8, MOST_SHIFT = 65535 };

struct fv_loader {
    fv_context *context;
    const fv_dataset *dataset;
    fv_loader_options options;
    fv_image_shape source;
    int64_t count, position, epoch;
    int32_t n;         /* samples of the last batch */
    int32_t *order;    /* [count] */
    int32_t *classes;  /* [batch] */
    uint64_t *samples; /* [batch]: indices in the data set */
    float *images;     /* [batch][h][w][c] */
    size_t image_elements;
    fvi_pixel_table table;
    fvi_message message;
};

static fv_status check_options(fv_context *context, const fv_dataset *dataset, const fv_loader_options *options)
{
    fvi_message message;
    if (options->batch < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "loader: batch is %d, must be at least 1", options->batch);
    if (options->augment.shift < 0 || options->augment.shift > MOST_SHIFT)
        return fvi_fail(context, FV_ERR_ARGUMENT, "loader: shift is %d, must be 0 to %d pixels", options->augment.shift,
                        MOST_SHIFT);
    const fv_status status = fvi_preprocess_check(&message, &options->preprocess, fv_dataset_shape(dataset));
    if (status != FV_OK)
        return fvi_fail(context, status, "loader of '%s': %s", fv_dataset_name(dataset), message.text);
    return FV_OK;
}

static fv_status allocate(fv_loader *loader)
{
    const fv_image_shape input = loader->options.preprocess.input;
    size_t elements = 0;
    loader->image_elements = (size_t)input.h * (size_t)input.w * (size_t)input.c;
    if (!fvi_size_multiply((size_t)loader->options.batch, loader->image_elements, &elements) ||
        !fvi_size_multiply(elements, sizeof(float), &elements))
        return fvi_fail(loader->context, FV_ERR_SHAPE, "loader: a batch of %d images of %dx%dx%d overflows",
                        loader->options.batch, input.c, input.h, input.w);
    loader->images = fvi_allocate(loader->context, elements);
    loader->classes = fvi_allocate(loader->context, (size_t)loader->options.batch * sizeof *loader->classes);
    loader->samples = fvi_allocate(loader->context, (size_t)loader->options.batch * sizeof *loader->samples);
    loader->order = fvi_allocate(loader->context, (size_t)loader->count * sizeof *loader->order);
    if (loader->images == NULL || loader->classes == NULL || loader->samples == NULL || loader->order == NULL)
        return fvi_out_of_memory(loader->context, "a loader", elements);
    return FV_OK;
}

fv_status fv_loader_create(fv_loader **out, fv_context *context, const fv_dataset *dataset,
                           const fv_loader_options *options)
{
    *out = NULL;
    FV_TRY(check_options(context, dataset, options));
    fv_loader *loader = fvi_allocate_zeroed(context, 1, sizeof *loader);
    if (loader == NULL)
        return fvi_out_of_memory(context, "a loader", sizeof *loader);
    loader->context = context;
    loader->dataset = dataset;
    loader->options = *options;
    loader->source = fv_dataset_shape(dataset);
    loader->count = fv_dataset_count(dataset);
    const fv_status status = allocate(loader);
    if (status != FV_OK) {
        fv_loader_destroy(loader);
        return status;
    }
    fvi_pixel_table_fill(&loader->table, &options->preprocess);
    fv_loader_start(loader, 0, 0);
    *out = loader;
    return FV_OK;
}

void fv_loader_destroy(fv_loader *loader)
{
    if (loader == NULL)
        return;
    fvi_release(loader->context, loader->images);
    fvi_release(loader->context, loader->classes);
    fvi_release(loader->context, loader->samples);
    fvi_release(loader->context, loader->order);
    fvi_release(loader->context, loader);
}

static void shuffle(int32_t *order, int64_t count, fvi_random random)
{
    for (int64_t i = count - 1; i > 0; i--) {
        const uint32_t other = fvi_random_below(&random, (uint32_t)i + 1);
        const int32_t swapped = order[i];
        order[i] = order[other];
        order[other] = swapped;
    }
}

void fv_loader_start(fv_loader *loader, int64_t epoch, int64_t position)
{
    loader->epoch = epoch;
    loader->position = position < 0 ? 0 : position > loader->count ? loader->count : position;
    loader->n = 0;
    for (int64_t i = 0; i < loader->count; i++)
        loader->order[i] = (int32_t)i;
    if (loader->options.shuffle)
        shuffle(loader->order, loader->count,
                fvi_random_start(loader->options.seed, FVI_PURPOSE_SHUFFLE, (uint64_t)epoch));
}

static fvi_placement place_sample(const fv_loader *loader, int32_t index)
{
    const fv_augment *augment = &loader->options.augment;
    const fv_image_shape input = loader->options.preprocess.input;
    fvi_placement placement = fvi_placement_centred(loader->source, input);
    const fvi_random random =
        fvi_random_start(loader->options.seed, FVI_PURPOSE_AUGMENT, (uint64_t)loader->epoch << 32 | (uint32_t)index);
    if (augment->random_crop)
        fvi_augment_random_crop(&placement, loader->source, input, random);
    if (augment->shift > 0)
        fvi_augment_shift(&placement, augment->shift, random);
    if (augment->flip)
        fvi_augment_flip(&placement, random);
    return placement;
}

static void load_samples(void *argument, size_t task, int32_t worker)
{
    fv_loader *loader = argument;
    const int32_t first = (int32_t)task * SAMPLES_PER_TASK;
    const int32_t end = loader->n - first < SAMPLES_PER_TASK ? loader->n : first + SAMPLES_PER_TASK;
    (void)worker;
    for (int32_t i = first; i < end; i++) {
        const int32_t index = loader->order[loader->position + i];
        loader->classes[i] = fv_dataset_label(loader->dataset, index);
        loader->samples[i] = (uint64_t)index;
        fvi_preprocess_place(&loader->table, fv_dataset_image(loader->dataset, index), loader->source,
                             loader->options.preprocess.input, place_sample(loader, index),
                             loader->images + (size_t)i * loader->image_elements);
    }
}

fv_status fv_loader_next(fv_loader *loader, fv_batch *batch)
{
    loader->position += loader->n;
    const int64_t left = loader->count - loader->position;
    loader->n = left < loader->options.batch ? (int32_t)left : loader->options.batch;
    *batch = (fv_batch){ .n = loader->n,
                         .images = loader->images,
                         .dtype = FV_F32,
                         .order = FV_NHWC,
                         .classes = loader->classes,
                         .epoch = (uint64_t)loader->epoch,
                         .samples = loader->samples };
    if (loader->n > 0)
        fvi_parallel(loader->context, ((size_t)loader->n + SAMPLES_PER_TASK - 1) / SAMPLES_PER_TASK, load_samples,
                     loader);
    return FV_OK;
}

int64_t fv_loader_position(const fv_loader *loader)
{
    return loader->position + loader->n;
}

int64_t fv_loader_index(const fv_loader *loader, int32_t i)
{
    return i >= 0 && i < loader->n ? loader->order[loader->position + i] : -1;
}

const char *fv_loader_message(const fv_loader *loader)
{
    return loader->message.text;
}
