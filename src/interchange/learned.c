/* SPDX-License-Identifier: Apache-2.0
 *
 * learned.c - tensors of transforms: their names, and which of a file's they are.
 */
#include "interchange/learned.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_MARK = -2 }; /* of fvi_stored_tensor.parameter; -1 is no mark */

fv_status fvi_learned_list(fvi_learned_tensors *out, fv_context *context, const char *path, const fv_augmentation *list)
{
    out->count = 0;
    for (int32_t i = 0; list != NULL && i < list->count; i++) {
        const fvi_augment_place *place = &list->place[i];
        fvi_learned learned[FVI_LEARNED_MOST];
        if (!fvi_augmentation_needs_fit_at(list, i))
            continue;
        if (place->fitted == NULL)
            return fvi_fail(context, FV_ERR_STATE,
                            "model '%s': %s of the preprocessing learns from data: fv_augmentation_fit() comes first",
                            path, place->transform->name);
        const int32_t count = place->transform->learned(place->fitted, learned);
        for (int32_t k = 0; k < count; k++, out->count++) {
            char *name = out->name[out->count];
            snprintf(name, FVI_LEARNED_NAME, "preprocess:%d:%s", i, learned[k].name);
            out->source[out->count] = (fvi_tensor_source){
                .name = name, .dtype = "F32", .shape = learned[k].shape, .values = learned[k].values
            };
        }
    }
    return FV_OK;
}

static fv_status copy_place(fvi_augment_place *to, fv_context *context, const fvi_augment_place *from)
{
    fvi_learned source[FVI_LEARNED_MOST], copy[FVI_LEARNED_MOST];
    if (from->fitted == NULL)
        return fvi_fail(context, FV_ERR_STATE,
                        "%s of the preprocessing learns from data: fv_augmentation_fit() comes first",
                        from->transform->name);
    const int32_t count = from->transform->learned(from->fitted, source);
    FV_TRY(to->transform->empty(context, source, count, &to->fitted));
    to->transform->learned(to->fitted, copy);
    for (int32_t k = 0; k < count; k++)
        memcpy(copy[k].values, source[k].values, (size_t)fv_shape_elements(&source[k].shape) * sizeof(float));
    return FV_OK;
}

fv_status fvi_learned_copy(fv_augmentation **out, fv_context *context, const fv_augmentation *from)
{
    FV_TRY(fv_augmentation_create(out, context, fv_augmentation_text(from)));
    fv_status status = FV_OK;
    for (int32_t i = 0; status == FV_OK && i < from->count; i++)
        if (fvi_augmentation_needs_fit_at(from, i))
            status = copy_place(&(*out)->place[i], context, &from->place[i]);
    if (status != FV_OK) {
        fv_augmentation_destroy(*out);
        *out = NULL;
    }
    return status;
}

/* The tensors of place i, and where in the file they are. FV_ERR_FORMAT where there are too many. */
static fv_status find_tensors(const fvi_safetensors *file, int32_t i, fvi_learned stored[FVI_LEARNED_MOST],
                              int32_t at[FVI_LEARNED_MOST], int32_t *count)
{
    char prefix[FVI_LEARNED_NAME];
    snprintf(prefix, sizeof prefix, "preprocess:%d:", i);
    const size_t length = strlen(prefix);
    *count = 0;
    for (int32_t t = 0; t < file->count; t++) {
        const fvi_stored_tensor *tensor = &file->tensors[t];
        if (strncmp(tensor->name, prefix, length) != 0)
            continue;
        if (*count == FVI_LEARNED_MOST || strcmp(tensor->dtype, "F32") != 0)
            return fvi_fail(file->context, FV_ERR_FORMAT, "'%s': tensor '%.100s' is not F32, or one too many",
                            file->path, tensor->name);
        stored[*count] = (fvi_learned){ .name = tensor->name + length, .shape = tensor->shape };
        at[(*count)++] = t;
    }
    return FV_OK;
}

fv_status fvi_learned_match(const fvi_safetensors *file, fv_augmentation *list)
{
    for (int32_t i = 0; list != NULL && i < list->count; i++) {
        fvi_augment_place *place = &list->place[i];
        fvi_learned stored[FVI_LEARNED_MOST] = { 0 };
        int32_t at[FVI_LEARNED_MOST] = { 0 }, count = 0;
        if (!fvi_augmentation_needs_fit_at(list, i))
            continue;
        FV_TRY(find_tensors(file, i, stored, at, &count));
        const fv_status status = place->transform->empty(list->context, stored, count, &place->fitted);
        if (status != FV_OK) {
            fvi_message said;
            snprintf(said.text, sizeof said.text, "%s", fv_context_message(list->context));
            return fvi_fail(file->context, status, "'%s': transform %d of its preprocessing: %s", file->path, i + 1,
                            said.text);
        }
        for (int32_t k = 0; k < count; k++)
            file->tensors[at[k]].parameter = FIRST_MARK - i;
    }
    return FV_OK;
}

float *fvi_learned_values(const fv_augmentation *list, const fvi_stored_tensor *tensor)
{
    fvi_learned learned[FVI_LEARNED_MOST];
    if (list == NULL || tensor->parameter > FIRST_MARK)
        return NULL;
    const fvi_augment_place *place = &list->place[FIRST_MARK - tensor->parameter];
    const char *name = strrchr(tensor->name, ':') + 1;
    const int32_t count = place->transform->learned(place->fitted, learned);
    for (int32_t k = 0; k < count; k++)
        if (strcmp(learned[k].name, name) == 0)
            return learned[k].values;
    return NULL;
}
