/* SPDX-License-Identifier: Apache-2.0
 *
 * loader.c - batches of a data set. Of images in memory all memory is taken at creation. The order of an epoch is a Fisher-Yates shuffle (Durstenfeld 1964)
 * drawn from (seed, epoch); a sample's augmentation from (seed, epoch, index in the data set): neither depends on threads, on the
 * batch size or on where an epoch was resumed.
 */
#include <string.h>

#include "base/checked.h"
#include "data/augment/transform.h"
#include "data/dataset_internal.h"
#include "data/fetch.h"

enum { SAMPLES_PER_TASK = 8, MOST_SHIFT = 65535 };

struct fv_loader {
    fv_context *context;
    const fv_dataset *dataset;
    fv_loader_options options;
    fvi_recipe recipe;
    fvi_fetcher *fetchers; /* [threads of the context] unless recipe.direct */
    int64_t count, position, epoch;
    int32_t n;         /* samples of the last batch */
    int32_t *order;    /* [count] */
    int32_t *classes;  /* [batch] */
    uint64_t *samples; /* [batch]: indices in the data set */
    float *images;     /* [batch][h][w][c] */
    float *targets;    /* [batch][target_count], where targets are values */
    fv_status *failed; /* [batch] */
    float *labels;     /* [batch][classes], where images are mixed */
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
    const fv_image_shape input = options->preprocess.input, shape = fv_dataset_shape(dataset);
    if (fvi_dataset_numeric(dataset) && (input.c != shape.c || input.h != shape.h || input.w != shape.w))
        return fvi_fail(context, FV_ERR_SHAPE, "loader of '%s': samples are %dx%dx%d numbers, the input is %dx%dx%d",
                        fv_dataset_name(dataset), shape.c, shape.h, shape.w, input.c, input.h, input.w);
    return FV_OK;
}

static fv_status allocate(fv_loader *loader)
{
    const fv_image_shape input = loader->options.preprocess.input;
    const size_t targets = (size_t)fv_dataset_target_count(loader->dataset), batch = (size_t)loader->options.batch;
    size_t elements = 0;
    if (!fvi_size_multiply(batch, loader->recipe.elements, &elements) ||
        !fvi_size_multiply(elements, sizeof(float), &elements))
        return fvi_fail(loader->context, FV_ERR_SHAPE, "loader: a batch of %d images of %dx%dx%d overflows",
                        loader->options.batch, input.c, input.h, input.w);
    loader->images = fvi_allocate(loader->context, elements);
    loader->classes = fvi_allocate(loader->context, batch * sizeof *loader->classes);
    loader->samples = fvi_allocate(loader->context, batch * sizeof *loader->samples);
    loader->failed = fvi_allocate_zeroed(loader->context, batch, sizeof *loader->failed);
    if (targets > 0) {
        loader->targets = fvi_allocate(loader->context, batch * targets * sizeof *loader->targets);
        if (loader->targets == NULL)
            return fvi_out_of_memory(loader->context, "a loader", batch * targets * sizeof *loader->targets);
    }
    loader->order = fvi_allocate(loader->context, (size_t)loader->count * sizeof *loader->order);
    if (loader->images == NULL || loader->classes == NULL || loader->samples == NULL || loader->failed == NULL ||
        loader->order == NULL)
        return fvi_out_of_memory(loader->context, "a loader", elements);
    return FV_OK;
}

/* A fetcher for each thread of the context's pool, unless images only have to be placed. */
static fv_status open_fetchers(fv_loader *loader)
{
    const int32_t threads = fv_context_threads(loader->context);
    if (loader->recipe.direct)
        return FV_OK;
    loader->fetchers = fvi_allocate_zeroed(loader->context, (size_t)threads, sizeof *loader->fetchers);
    if (loader->fetchers == NULL)
        return fvi_out_of_memory(loader->context, "a loader", (size_t)threads * sizeof *loader->fetchers);
    for (int32_t i = 0; i < threads; i++)
        FV_TRY(fvi_fetcher_open(&loader->fetchers[i], loader->context, loader->dataset));
    return FV_OK;
}

static bool mixes(const fv_loader *loader)
{
    return loader->options.augmentation != NULL && fv_augmentation_mixes(loader->options.augmentation);
}

/* Labels of a batch that mixup and cutmix mix. */
static fv_status open_labels(fv_loader *loader)
{
    const int32_t classes = fv_dataset_classes(loader->dataset);
    size_t floats = 0, bytes = 0;
    if (!mixes(loader))
        return FV_OK;
    if (classes < 1)
        return fvi_fail(loader->context, FV_ERR_ARGUMENT,
                        "loader of '%s': mixup and cutmix mix labels, but these data have no classes",
                        fv_dataset_name(loader->dataset));
    if (fvi_size_multiply((size_t)loader->options.batch, (size_t)classes, &floats) &&
        fvi_size_multiply(floats, sizeof(float), &bytes))
        loader->labels = fvi_allocate(loader->context, bytes);
    return loader->labels != NULL ? FV_OK : fvi_out_of_memory(loader->context, "labels of a loader", bytes);
}

/* Mixes the images of the batch and gives it soft labels instead of classes. */
static fv_status mix_batch(fv_loader *loader, fv_batch *batch)
{
    const fv_preprocess *preprocess = &loader->options.preprocess;
    const size_t classes = (size_t)fv_dataset_classes(loader->dataset);
    memset(loader->labels, 0, (size_t)batch->n * classes * sizeof *loader->labels);
    for (size_t i = 0; i < (size_t)batch->n; i++)
        loader->labels[i * classes + (size_t)batch->classes[i]] = 1.0f;
    const fv_status status =
        fv_augmentation_mix(loader->options.augmentation, loader->options.seed, batch->epoch, batch->samples, batch->n,
                            preprocess->input, (float *)(uintptr_t)batch->images, (int32_t)classes, loader->labels);
    if (status != FV_OK)
        return fvi_fail_in(&loader->message, status, "%s", fv_context_message(loader->context));
    batch->classes = NULL;
    batch->values = loader->labels;
    return FV_OK;
}

static fv_status fill_loader(fv_loader *loader)
{
    FV_TRY(allocate(loader));
    FV_TRY(open_labels(loader));
    FV_TRY(open_fetchers(loader));
    fv_loader_start(loader, 0, 0);
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
    loader->count = fv_dataset_count(dataset);
    fvi_recipe_fill(&loader->recipe, dataset, options);
    const fv_status status = fill_loader(loader);
    if (status != FV_OK) {
        fv_loader_destroy(loader);
        return status;
    }
    *out = loader;
    return FV_OK;
}

void fv_loader_destroy(fv_loader *loader)
{
    if (loader == NULL)
        return;
    for (int32_t i = 0; loader->fetchers != NULL && i < fv_context_threads(loader->context); i++)
        fvi_fetcher_close(&loader->fetchers[i]);
    fvi_release(loader->context, loader->fetchers);
    fvi_release(loader->context, loader->images);
    fvi_release(loader->context, loader->targets);
    fvi_release(loader->context, loader->classes);
    fvi_release(loader->context, loader->samples);
    fvi_release(loader->context, loader->failed);
    fvi_release(loader->context, loader->order);
    fvi_release(loader->context, loader->labels);
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

static void load_samples(void *argument, size_t task, int32_t worker)
{
    fv_loader *loader = argument;
    const int32_t first = (int32_t)task * SAMPLES_PER_TASK;
    const int32_t end = loader->n - first < SAMPLES_PER_TASK ? loader->n : first + SAMPLES_PER_TASK;
    const size_t targets = (size_t)fv_dataset_target_count(loader->dataset);
    for (int32_t i = first; i < end; i++) {
        const int32_t index = loader->order[loader->position + i];
        float *image = loader->images + (size_t)i * loader->recipe.elements;
        loader->classes[i] = fv_dataset_label(loader->dataset, index);
        loader->samples[i] = (uint64_t)index;
        if (targets > 0)
            memcpy(loader->targets + (size_t)i * targets, fv_dataset_targets(loader->dataset, index),
                   targets * sizeof *loader->targets);
        if (loader->recipe.direct)
            fvi_fetch_direct(&loader->recipe, loader->epoch, index, image);
        else
            loader->failed[i] = fvi_fetch(&loader->fetchers[worker], &loader->recipe, loader->epoch, index, image);
    }
}

/* The message of the first sample that failed: fetched once more, since another may have failed in the same thread. */
static fv_status check_samples(fv_loader *loader)
{
    for (int32_t i = 0; i < loader->n; i++) {
        if (loader->failed[i] == FV_OK)
            continue;
        const fv_status status =
            fvi_fetch(&loader->fetchers[0], &loader->recipe, loader->epoch, loader->order[loader->position + i],
                      loader->images + (size_t)i * loader->recipe.elements);
        if (status != FV_OK)
            return fvi_fail_in(&loader->message, status, "%s", fvi_fetcher_message(&loader->fetchers[0]));
    }
    return FV_OK;
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
                         .classes = loader->targets == NULL ? loader->classes : NULL,
                         .values = loader->targets,
                         .epoch = (uint64_t)loader->epoch,
                         .samples = loader->samples };
    if (loader->n > 0)
        fvi_parallel(loader->context, ((size_t)loader->n + SAMPLES_PER_TASK - 1) / SAMPLES_PER_TASK, load_samples,
                     loader);
    if (!loader->recipe.direct)
        FV_TRY(check_samples(loader));
    return loader->n > 0 && mixes(loader) ? mix_batch(loader, batch) : FV_OK;
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
