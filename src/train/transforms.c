/* SPDX-License-Identifier: Apache-2.0
 *
 * transforms.c - the list of transforms of a run: the three short forms of fv_augment, then what the options list.
 */
#include "base/text_buffer.h"
#include "train/train_internal.h"

static fv_status list_text(fv_context *context, const fv_train_options *options, char **text)
{
    fvi_text_buffer buffer = { .context = context };
    if (options->augment.random_crop)
        fvi_text_append(&buffer, "random_crop ");
    if (options->augment.shift > 0)
        fvi_text_format(&buffer, "shift(%d) ", options->augment.shift);
    if (options->augment.flip)
        fvi_text_append(&buffer, "horizontal_flip ");
    fvi_text_append(&buffer, options->transforms);
    return fvi_text_finish(&buffer, text);
}

fv_status fvi_run_transforms(fv_augmentation **out, fv_context *context, const fv_train_options *options,
                             const fv_dataset *train)
{
    const fv_augment_key key = { .seed = options->seed,
                                 .rows = options->preprocess.input.h,
                                 .columns = options->preprocess.input.w };
    char *text = NULL;
    *out = NULL;
    if (options->transforms == NULL || options->transforms[0] == '\0')
        return FV_OK;
    FV_TRY(list_text(context, options, &text));
    fv_status status = fv_augmentation_create(out, context, text);
    fvi_release(context, text);
    if (status == FV_OK)
        status = fv_augmentation_fit(*out, train, &key);
    if (status == FV_OK) {
        fv_augmentation_warn(*out, train);
        return FV_OK;
    }
    fv_augmentation_destroy(*out);
    *out = NULL;
    return status;
}
