/* SPDX-License-Identifier: Apache-2.0
 *
 * run_loader.c - the loader of a run's training images: transforms, the weights of classes, how samples are drawn.
 */
#include "train/train_internal.h"

/* *out NULL: text says that there are no weights. */
static fv_status read_weights(float **out, fv_context *context, const fv_dataset *train, const char *text)
{
    const int32_t classes = fv_dataset_classes(train);
    *out = NULL;
    if (fv_class_weights_none(text))
        return FV_OK;
    *out = fvi_allocate(context, ((size_t)classes + 1) * sizeof **out);
    if (*out == NULL)
        return fvi_out_of_memory(context, "class weights", (size_t)classes * sizeof **out);
    return fv_class_weights_read(context, train, text, *out);
}

/* The weight of each sample's class. */
static fv_status spread(float **out, fv_context *context, const fv_dataset *train, const float *classes)
{
    const int64_t count = fv_dataset_count(train);
    if (classes == NULL)
        return FV_OK;
    *out = fvi_allocate(context, ((size_t)count + 1) * sizeof **out);
    if (*out == NULL)
        return fvi_out_of_memory(context, "weights of samples", (size_t)count * sizeof **out);
    for (int64_t i = 0; i < count; i++)
        (*out)[i] = classes[fv_dataset_label(train, i)];
    return FV_OK;
}

fv_status fvi_run_loader(fv_loader **out, fvi_run_transforms *transforms, fv_context *context,
                         const fv_train_options *options, const fv_dataset *train)
{
    float *class_weights = NULL, *chances = NULL, *sample_weights = NULL;
    *out = NULL;
    FV_TRY(fvi_run_transforms_open(transforms, context, options));
    FV_TRY(fvi_run_transforms_fit(transforms, options, train));
    fv_status status = read_weights(&class_weights, context, train, options->class_weights);
    if (status == FV_OK)
        status = read_weights(&chances, context, train, options->sampling);
    if (status == FV_OK)
        status = spread(&sample_weights, context, train, chances);
    const fv_loader_options loader = { .batch = options->batch,
                                       .shuffle = true,
                                       .seed = options->seed,
                                       .preprocess = transforms->preprocess,
                                       .augment = options->augment,
                                       .augmentation = transforms->training,
                                       .class_weights = class_weights,
                                       .sample_weights = sample_weights,
                                       .workers = options->workers,
                                       .ahead = options->ahead,
                                       .skip_bad = options->skip_bad };
    if (status == FV_OK)
        status = fv_loader_create(out, context, train, &loader);
    fvi_release(context, class_weights);
    fvi_release(context, chances);
    fvi_release(context, sample_weights);
    return status;
}

double fvi_weight_of_batch(const fv_batch *batch)
{
    double sum = 0;
    if (batch->weights == NULL)
        return batch->n;
    for (int32_t i = 0; i < batch->n; i++)
        sum += (double)batch->weights[i];
    return sum;
}
