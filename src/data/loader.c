/* SPDX-License-Identifier: Apache-2.0
 *
 * loader.c - batches of a data set. Of images in memory all memory is taken at creation. The order of an epoch is a Fisher-Yates shuffle (Durstenfeld 1964)
 * drawn from (seed, epoch), or as many draws with replacement; a sample's augmentation from (seed, epoch, index in the data set): neither depends on threads, on the
 * batch size or on where an epoch was resumed.
 */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "data/augment/transform.h"
#include "data/crew.h"
#include "data/dataset_internal.h"

enum { SAMPLES_PER_TASK = 8, MOST_SHIFT = 65535 };

struct fv_loader {
    fv_context *context;
    const fv_dataset *dataset;
    fvi_recipe recipe; /* with the options */
    int64_t count, position, epoch, skipped;
    int32_t taken;         /* samples of the last batch, with those left out */
    int32_t n;             /* without */
    int32_t *order;        /* [count]; the crew's where there is one */
    float *labels;         /* [batch][classes], where images are mixed */
    float *class_weights;  /* [classes], or NULL */
    float *weights;        /* [batch], where there are class weights */
    double *chances;       /* [count]: sums of the sample weights up to each sample; NULL: each comes once */
    fvi_slot *slot;        /* the last batch */
    fvi_slot mine;         /* without a crew */
    fvi_fetcher *fetchers; /* unless recipe.direct: [threads of the context], with a crew one, for second attempts */
    int32_t fetcher_count;
    fvi_crew *crew; /* NULL without workers */
    bool running;   /* the crew, since fv_loader_start() */
    bool broken;    /* a worker hangs */
    fvi_message message;
};

static fv_status check_options(fv_context *context, const fv_dataset *dataset, const fv_loader_options *options)
{
    fvi_message message;
    if (options->batch < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "loader: batch is %d, must be at least 1", options->batch);
    if (options->workers < 0)
        return fvi_fail(context, FV_ERR_ARGUMENT, "loader: workers is %d, must be 0 or more", options->workers);
    if (options->augment.shift < 0 || options->augment.shift > MOST_SHIFT)
        return fvi_fail(context, FV_ERR_ARGUMENT, "loader: shift is %d, must be 0 to %d pixels", options->augment.shift,
                        MOST_SHIFT);
    const fv_status status =
        fvi_preprocess_check(&message, &options->preprocess,
                             fvi_dataset_numeric(dataset) ? (fv_image_shape){ 0, 0, 0 } : fv_dataset_shape(dataset));
    if (status != FV_OK)
        return fvi_fail(context, status, "loader of '%s': %s", fv_dataset_name(dataset), message.text);
    const fv_augment *augment = &options->augment;
    if (options->augmentation == NULL && options->preprocess.transforms != NULL &&
        (augment->shift > 0 || augment->random_crop || augment->flip))
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "loader of '%s': shift, crop and flip beside preprocess.transforms: put all into a list",
                        fv_dataset_name(dataset));
    const fv_image_shape input = options->preprocess.input, shape = fv_dataset_shape(dataset);
    if (fvi_dataset_numeric(dataset) && (int64_t)input.c * input.h * input.w != shape.w)
        return fvi_fail(context, FV_ERR_SHAPE, "loader of '%s': samples are %d numbers, the input is %dx%dx%d",
                        fv_dataset_name(dataset), shape.w, input.c, input.h, input.w);
    return FV_OK;
}

/* A fetcher for each thread that fetches here, unless images only have to be placed. */
static fv_status open_fetchers(fv_loader *loader)
{
    const int32_t count = loader->crew != NULL ? 1 : fv_context_threads(loader->context);
    if (loader->recipe.direct)
        return FV_OK;
    loader->fetchers = fvi_allocate_zeroed(loader->context, (size_t)count, sizeof *loader->fetchers);
    if (loader->fetchers == NULL)
        return fvi_out_of_memory(loader->context, "a loader", (size_t)count * sizeof *loader->fetchers);
    loader->fetcher_count = count;
    for (int32_t i = 0; i < count; i++)
        FV_TRY(fvi_fetcher_open(&loader->fetchers[i], loader->context, loader->dataset));
    return FV_OK;
}

static bool mixes(const fv_loader *loader)
{
    return loader->recipe.options.augmentation != NULL && fv_augmentation_mixes(loader->recipe.options.augmentation);
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
    if (fvi_size_multiply((size_t)loader->recipe.options.batch, (size_t)classes, &floats) &&
        fvi_size_multiply(floats, sizeof(float), &bytes))
        loader->labels = fvi_allocate(loader->context, bytes);
    return loader->labels != NULL ? FV_OK : fvi_out_of_memory(loader->context, "labels of a loader", bytes);
}

static fv_status open_class_weights(fv_loader *loader)
{
    const fv_loader_options *options = &loader->recipe.options;
    const size_t classes = (size_t)fv_dataset_classes(loader->dataset), batch = (size_t)options->batch;
    if (options->class_weights == NULL)
        return FV_OK;
    if (classes < 1)
        return fvi_fail(loader->context, FV_ERR_ARGUMENT, "loader of '%s': there are class weights, but no classes",
                        fv_dataset_name(loader->dataset));
    loader->class_weights = fvi_allocate(loader->context, (classes + 1) * sizeof *loader->class_weights);
    loader->weights = fvi_allocate(loader->context, batch * sizeof *loader->weights);
    if (loader->class_weights == NULL || loader->weights == NULL)
        return fvi_out_of_memory(loader->context, "weights of a loader", (classes + batch) * sizeof *loader->weights);
    for (size_t i = 0; i < classes; i++) {
        if (!(options->class_weights[i] > 0 && isfinite(options->class_weights[i])))
            return fvi_fail(loader->context, FV_ERR_ARGUMENT, "loader: the weight of class %zu is %g, must be above 0",
                            i, (double)options->class_weights[i]);
        loader->class_weights[i] = options->class_weights[i];
    }
    return FV_OK;
}

static fv_status open_chances(fv_loader *loader)
{
    const float *weights = loader->recipe.options.sample_weights;
    double sum = 0;
    if (weights == NULL)
        return FV_OK;
    loader->chances = fvi_allocate(loader->context, ((size_t)loader->count + 1) * sizeof *loader->chances);
    if (loader->chances == NULL)
        return fvi_out_of_memory(loader->context, "weights of a loader",
                                 (size_t)loader->count * sizeof *loader->chances);
    for (int64_t i = 0; i < loader->count; i++) {
        if (!(weights[i] >= 0 && isfinite(weights[i])))
            return fvi_fail(loader->context, FV_ERR_ARGUMENT,
                            "loader: the weight of sample %lld is %g, must be at least 0", (long long)i,
                            (double)weights[i]);
        loader->chances[i] = sum += (double)weights[i];
    }
    return sum > 0 || loader->count == 0
               ? FV_OK
               : fvi_fail(loader->context, FV_ERR_ARGUMENT, "loader: the weights of all samples are 0");
}

/* Each sample of the batch has the weight of its class; a mixed one the mean, by its shares. */
static void weigh_batch(const fv_loader *loader, fv_batch *batch)
{
    const size_t classes = (size_t)fv_dataset_classes(loader->dataset);
    for (size_t i = 0; i < (size_t)batch->n; i++) {
        double weight = 0;
        if (batch->classes != NULL)
            weight = (double)loader->class_weights[batch->classes[i]];
        for (size_t k = 0; batch->classes == NULL && k < classes; k++)
            weight += (double)batch->values[i * classes + k] * (double)loader->class_weights[k];
        loader->weights[i] = (float)weight;
    }
    batch->weights = loader->weights;
}

/* Mixes the images of the batch and gives it soft labels instead of classes. */
static fv_status mix_batch(fv_loader *loader, fv_batch *batch)
{
    const fv_preprocess *preprocess = &loader->recipe.options.preprocess;
    const size_t classes = (size_t)fv_dataset_classes(loader->dataset);
    memset(loader->labels, 0, (size_t)batch->n * classes * sizeof *loader->labels);
    for (size_t i = 0; i < (size_t)batch->n; i++)
        loader->labels[i * classes + (size_t)batch->classes[i]] = 1.0f;
    const fv_status status = fv_augmentation_mix(loader->recipe.options.augmentation, loader->recipe.options.seed,
                                                 batch->epoch, batch->samples, batch->n, preprocess->input,
                                                 (float *)(uintptr_t)batch->images, (int32_t)classes, loader->labels);
    if (status != FV_OK)
        return fvi_fail_in(&loader->message, status, "%s", fv_context_message(loader->context));
    batch->classes = NULL;
    batch->values = loader->labels;
    return FV_OK;
}

static fv_status fill_loader(fv_loader *loader)
{
    const fv_loader_options *options = &loader->recipe.options;
    if (options->workers > 0) {
        FV_TRY(fvi_crew_create(&loader->crew, loader->context, &loader->recipe));
        loader->order = fvi_crew_order(loader->crew);
    } else {
        FV_TRY(fvi_slot_allocate(&loader->mine, loader->context, &loader->recipe));
        loader->slot = &loader->mine;
        loader->order = fvi_allocate(loader->context, (size_t)loader->count * sizeof *loader->order);
        if (loader->order == NULL)
            return fvi_out_of_memory(loader->context, "a loader", (size_t)loader->count * sizeof *loader->order);
    }
    if (options->sample_weights != NULL)
        loader->recipe.drawn = loader->order;
    FV_TRY(open_labels(loader));
    FV_TRY(open_class_weights(loader));
    FV_TRY(open_chances(loader));
    FV_TRY(open_fetchers(loader));
    loader->recipe.options.class_weights = loader->recipe.options.sample_weights = NULL; /* the caller's */
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
    for (int32_t i = 0; i < loader->fetcher_count; i++)
        fvi_fetcher_close(&loader->fetchers[i]);
    fvi_release(loader->context, loader->fetchers);
    fvi_release(loader->context, loader->labels);
    fvi_release(loader->context, loader->class_weights);
    fvi_release(loader->context, loader->weights);
    fvi_release(loader->context, loader->chances);
    if (loader->crew == NULL)
        fvi_release(loader->context, loader->order);
    fvi_crew_destroy(loader->crew);
    fvi_slot_release(&loader->mine, loader->context);
    fvi_release(loader->context, loader);
}

/* Each place takes the first sample whose sum is above a number drawn below the last sum. */
static void draw(const fv_loader *loader, fvi_random random)
{
    const double sum = loader->chances[loader->count - 1];
    for (int64_t i = 0; i < loader->count; i++) {
        const double wanted = fvi_random_uniform(&random) * sum;
        int64_t low = 0, high = loader->count - 1;
        while (low < high) {
            const int64_t middle = low + (high - low) / 2;
            if (loader->chances[middle] > wanted)
                high = middle;
            else
                low = middle + 1;
        }
        while (low > 0 && loader->chances[low - 1] == loader->chances[low]) /* the product was rounded up to the sum */
            low--;
        loader->order[i] = (int32_t)low;
    }
}

void fv_loader_start(fv_loader *loader, int64_t epoch, int64_t position)
{
    const fv_loader_options *options = &loader->recipe.options;
    loader->running = false;
    if (loader->crew != NULL && !loader->broken)
        loader->broken = !fvi_crew_stop_epoch(loader->crew, &loader->message);
    if (loader->broken) /* fv_loader_next() says so */
        return;
    loader->epoch = epoch;
    loader->position = position < 0 ? 0 : position > loader->count ? loader->count : position;
    loader->n = loader->taken = 0;
    if (loader->chances != NULL && loader->count > 0) {
        draw(loader, fvi_random_start(options->seed, FVI_PURPOSE_SAMPLING, (uint64_t)epoch));
        return;
    }
    for (int64_t i = 0; i < loader->count; i++)
        loader->order[i] = (int32_t)i;
    if (options->shuffle)
        fvi_random_shuffle(fvi_random_start(options->seed, FVI_PURPOSE_SHUFFLE, (uint64_t)epoch), loader->order,
                           loader->count);
}

/* The number (fvi_recipe.drawn) of the sample at a place of the epoch. */
static int64_t number_at(const fv_loader *loader, int64_t position)
{
    return loader->recipe.drawn != NULL ? position : loader->order[position];
}

static void load_samples(void *argument, size_t task, int32_t worker)
{
    fv_loader *loader = argument;
    const int32_t first = (int32_t)task * SAMPLES_PER_TASK;
    const int32_t end = loader->taken - first < SAMPLES_PER_TASK ? loader->taken : first + SAMPLES_PER_TASK;
    for (int32_t i = first; i < end; i++)
        fvi_slot_fill(loader->slot, &loader->recipe, loader->fetchers != NULL ? &loader->fetchers[worker] : NULL,
                      loader->epoch, number_at(loader, loader->position + i), i);
}

/* The samples of the batch at the position, into loader->slot. */
static fv_status get_samples(fv_loader *loader)
{
    if (loader->crew == NULL) {
        fvi_parallel(loader->context, ((size_t)loader->taken + SAMPLES_PER_TASK - 1) / SAMPLES_PER_TASK, load_samples,
                     loader);
        return FV_OK;
    }
    if (!loader->running)
        fvi_crew_start(loader->crew, loader->epoch, loader->position, loader->count);
    loader->running = true;
    const fv_status status =
        fvi_crew_take(loader->crew, loader->position, loader->taken, &loader->slot, &loader->message);
    loader->broken = status != FV_OK;
    return status;
}

/* Sample `from` of the slot becomes sample `to`. */
static void move_sample(fv_loader *loader, int32_t from, int32_t to)
{
    fvi_slot *slot = loader->slot;
    const size_t elements = loader->recipe.elements, targets = (size_t)fv_dataset_target_count(loader->dataset);
    if (from == to)
        return;
    memcpy(slot->images + (size_t)to * elements, slot->images + (size_t)from * elements, elements * sizeof(float));
    slot->classes[to] = slot->classes[from];
    slot->samples[to] = slot->samples[from];
    if (targets > 0)
        memcpy(slot->targets + (size_t)to * targets, slot->targets + (size_t)from * targets, targets * sizeof(float));
}

/* Samples that failed are fetched once more, here: a file may have been there too late, and only now is a message kept. Those that
 * fail again are left out, or end it. */
static fv_status keep_good(fv_loader *loader)
{
    fvi_slot *slot = loader->slot;
    loader->n = 0;
    for (int32_t i = 0; i < loader->taken; i++) {
        if (slot->failed[i] != FV_OK)
            fvi_slot_fill(slot, &loader->recipe, &loader->fetchers[0], loader->epoch,
                          number_at(loader, loader->position + i), i);
        if (slot->failed[i] == FV_OK) {
            move_sample(loader, i, loader->n++);
        } else if (loader->recipe.options.skip_bad) {
            loader->skipped++;
            fvi_log_message(loader->context, FV_LOG_WARNING, "left out: %s", fvi_fetcher_message(&loader->fetchers[0]));
        } else {
            return fvi_fail_in(&loader->message, slot->failed[i], "%s", fvi_fetcher_message(&loader->fetchers[0]));
        }
    }
    return FV_OK;
}

fv_status fv_loader_next(fv_loader *loader, fv_batch *batch)
{
    *batch = (fv_batch){ .n = 0 };
    if (loader->broken)
        return FV_ERR_IO; /* the message is still the worker's */
    do {
        loader->position += loader->taken;
        const int64_t left = loader->count - loader->position;
        loader->taken = left < loader->recipe.options.batch ? (int32_t)left : loader->recipe.options.batch;
        loader->n = loader->taken;
        if (loader->taken == 0)
            break;
        FV_TRY(get_samples(loader));
        if (!loader->recipe.direct)
            FV_TRY(keep_good(loader));
    } while (loader->n == 0);
    const fvi_slot *slot = loader->slot;
    if (slot == NULL) /* a crew's, before its first batch: there is none */
        return FV_OK;
    *batch = (fv_batch){ .n = loader->n,
                         .images = slot->images,
                         .dtype = FV_F32,
                         .order = FV_NHWC,
                         .classes = slot->targets == NULL ? slot->classes : NULL,
                         .values = slot->targets,
                         .epoch = (uint64_t)loader->epoch,
                         .samples = slot->samples };
    if (loader->n > 0 && mixes(loader))
        FV_TRY(mix_batch(loader, batch));
    if (loader->class_weights != NULL)
        weigh_batch(loader, batch);
    return FV_OK;
}

int64_t fv_loader_position(const fv_loader *loader)
{
    return loader->position + loader->taken;
}

int64_t fv_loader_skipped(const fv_loader *loader)
{
    return loader->skipped;
}

int64_t fv_loader_index(const fv_loader *loader, int32_t i)
{
    return i >= 0 && i < loader->n ? fvi_recipe_index(&loader->recipe, (int64_t)loader->slot->samples[i]) : -1;
}

const char *fv_loader_message(const fv_loader *loader)
{
    return loader->message.text;
}
