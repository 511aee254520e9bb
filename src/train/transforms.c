/* SPDX-License-Identifier: Apache-2.0
 *
 * transforms.c - the transforms of a run: the three short forms of fv_augment, then what the options list, put into what a model brings.
 * Those that do the same to every image become part of the preprocessing: images that are measured or predicted pass them too.
 */
#include "data/augment/transform.h"

#include <string.h>

#include "base/text_buffer.h"
#include "train/train_internal.h"

/* The list of the options; *list NULL: they have none. Short forms alone are a list only where images pass one anyway. */
static fv_status options_list(fv_augmentation **list, fv_context *context, const fv_train_options *options)
{
    const bool listed = options->transforms != NULL && options->transforms[0] != '\0';
    fvi_text_buffer buffer = { .context = context };
    char *text = NULL;
    *list = NULL;
    if (!listed && options->preprocess.transforms == NULL)
        return FV_OK;
    fvi_text_append(&buffer, "");
    if (options->augment.random_crop)
        fvi_text_append(&buffer, "random_crop ");
    if (options->augment.shift > 0)
        fvi_text_format(&buffer, "shift(%d) ", options->augment.shift);
    if (options->augment.flip)
        fvi_text_append(&buffer, "horizontal_flip ");
    if (listed)
        fvi_text_append(&buffer, options->transforms);
    FV_TRY(fvi_text_finish(&buffer, &text));
    const fv_status status = fv_augmentation_create(list, context, text);
    fvi_release(context, text);
    if (status == FV_OK && (*list)->count == 0) {
        fv_augmentation_destroy(*list);
        *list = NULL;
    }
    return status;
}

/* A list that brings its own fixed transforms replaces that of the model, one of random ones goes into it. */
static fv_status join_lists(fv_augmentation **list, const fv_preprocess *preprocess)
{
    fv_augmentation *joined = NULL;
    if (*list == NULL || preprocess->transforms == NULL || fvi_augmentation_has_fixed(*list))
        return FV_OK;
    const fv_status status = fvi_augmentation_join(&joined, preprocess->transforms, *list);
    fv_augmentation_destroy(*list);
    *list = joined;
    return status;
}

static fv_status open_lists(fvi_run_transforms *run, fv_context *context, const fv_train_options *options)
{
    fv_preprocess *preprocess = &run->preprocess;
    FV_TRY(options_list(&run->training, context, options));
    FV_TRY(join_lists(&run->training, preprocess));
    if (run->training == NULL)
        return FV_OK;
    FV_TRY(fv_augmentation_fixed(&run->fixed, run->training));
    preprocess->transforms = run->fixed->count > 0 ? run->fixed : NULL;
    if (fvi_augmentation_resizes(run->fixed))
        preprocess->resize = 0;
    if (fvi_augmentation_leaves_unit(run->fixed))
        for (int32_t c = 0; c < FV_MAX_CHANNELS; c++) {
            preprocess->mean[c] = 0;
            preprocess->deviation[c] = 1;
        }
    return FV_OK;
}

fv_status fvi_run_transforms_open(fvi_run_transforms *run, fv_context *context, const fv_train_options *options)
{
    *run = (fvi_run_transforms){ .preprocess = options->preprocess };
    const fv_status status = open_lists(run, context, options);
    if (status != FV_OK)
        fvi_run_transforms_close(run);
    return status;
}

fv_status fvi_run_transforms_fit(fvi_run_transforms *run, const fv_train_options *options, const fv_dataset *train)
{
    const fv_augment_key key = { .seed = options->seed,
                                 .rows = options->preprocess.input.h,
                                 .columns = options->preprocess.input.w };
    if (run->training == NULL)
        return FV_OK;
    fv_augmentation_warn(run->training, train);
    if (!fv_augmentation_needs_fit(run->training))
        return FV_OK;
    FV_TRY(fvi_augmentation_fit(run->training, train, &key, &run->preprocess));
    fv_augmentation_destroy(run->fixed); /* made again, with what has been learned */
    run->fixed = NULL;
    run->preprocess.transforms = NULL;
    FV_TRY(fv_augmentation_fixed(&run->fixed, run->training));
    run->preprocess.transforms = run->fixed->count > 0 ? run->fixed : NULL;
    return FV_OK;
}

void fvi_run_transforms_close(fvi_run_transforms *run)
{
    fv_augmentation_destroy(run->fixed);
    fv_augmentation_destroy(run->training);
    *run = (fvi_run_transforms){ .training = NULL };
}

fv_status fvi_check_run(const fv_graph *graph, const fv_dataset *train, const fv_train_options *options)
{
    fvi_run_transforms run;
    FV_TRY(fvi_run_transforms_open(&run, fv_graph_context(graph), options));
    const fv_status status = fvi_check_data(graph, train, &run.preprocess);
    fvi_run_transforms_close(&run);
    return status;
}
