/* SPDX-License-Identifier: Apache-2.0
 *
 * fixed.c - which transforms do the same to every image, and lists made of lists: what a model keeps of a run's, and what a run adds to a
 * model's.
 */
#include <string.h>

#include "base/text_buffer.h"
#include "data/augment/transform.h"

static bool is_fixed(const fvi_augment_place *place)
{
    return place->transform->fixed && (place->transform->p == NULL || *(const double *)place->options >= 1.0);
}

static int32_t count_of(const fv_augmentation *augmentation)
{
    return augmentation != NULL ? augmentation->count : 0;
}

bool fvi_augmentation_resizes(const fv_augmentation *augmentation)
{
    for (int32_t i = 0; i < count_of(augmentation); i++)
        if (augmentation->place[i].transform->resizes)
            return true;
    return false;
}

bool fvi_augmentation_leaves_unit(const fv_augmentation *augmentation)
{
    for (int32_t i = 0; i < count_of(augmentation); i++)
        if (augmentation->place[i].transform->leaves_unit)
            return true;
    return false;
}

bool fvi_augmentation_has_fixed(const fv_augmentation *augmentation)
{
    for (int32_t i = 0; i < count_of(augmentation); i++)
        if (is_fixed(&augmentation->place[i]))
            return true;
    return false;
}

const fvi_transform *fvi_augmentation_random(const fv_augmentation *augmentation)
{
    for (int32_t i = 0; i < count_of(augmentation); i++)
        if (!is_fixed(&augmentation->place[i]))
            return augmentation->place[i].transform;
    return NULL;
}

static void append_place(fvi_text_buffer *text, const fv_augmentation *augmentation, int32_t i)
{
    const fvi_augment_place *place = &augmentation->place[i];
    const char *from = augmentation->text + place->text_at;
    for (size_t at = 0; at < place->text_size; at += 512)
        fvi_text_format(text, "%.*s", (int)(place->text_size - at < 512 ? place->text_size - at : 512), from + at);
    fvi_text_append(text, " ");
}

/* The crop at the centre that a random one becomes. */
static void append_centre_crop(fvi_text_buffer *text, const fvi_augment_place *place)
{
    for (const fvi_transform_option *option = place->transform->options; option->name != NULL; option++)
        if (strcmp(option->name, "size") == 0) {
            const int32_t *size = (const int32_t *)(const void *)((const char *)place->options + option->offset);
            fvi_text_format(text, "centre_crop(size=[%d,%d]) ", size[0], size[1]);
        }
}

/* The k-th transform of `to` that learns has learned what the k-th of `from` has, of those that are fixed. */
static void borrow_learned(fv_augmentation *to, const fv_augmentation *from)
{
    int32_t other = 0;
    for (int32_t i = 0; i < to->count; i++) {
        if (!is_fixed(&to->place[i]) || !fvi_augmentation_needs_fit_at(to, i))
            continue;
        while (other < from->count && !(is_fixed(&from->place[other]) && fvi_augmentation_needs_fit_at(from, other)))
            other++;
        if (other == from->count)
            return;
        to->place[i].fitted = from->place[other++].fitted;
        to->place[i].borrows = to->place[i].fitted != NULL;
    }
}

static fv_status make_list(fv_augmentation **out, fvi_text_buffer *text, const fv_augmentation *from)
{
    char *bytes = NULL;
    *out = NULL;
    FV_TRY(fvi_text_finish(text, &bytes));
    const fv_status status = fv_augmentation_create(out, from->context, bytes);
    fvi_release(from->context, bytes);
    if (status == FV_OK)
        borrow_learned(*out, from);
    return status;
}

fv_status fv_augmentation_fixed(fv_augmentation **out, const fv_augmentation *augmentation)
{
    fvi_text_buffer text = { .context = augmentation->context };
    int32_t last = -1;
    fvi_text_append(&text, "");
    for (int32_t i = 0; i < augmentation->count; i++)
        last = is_fixed(&augmentation->place[i]) ? i : last;
    for (int32_t i = 0; i <= last; i++) {
        if (is_fixed(&augmentation->place[i]))
            append_place(&text, augmentation, i);
        else if (augmentation->place[i].transform->crops)
            append_centre_crop(&text, &augmentation->place[i]);
    }
    return make_list(out, &text, augmentation);
}

fv_status fvi_augmentation_join(fv_augmentation **out, const fv_augmentation *kept, const fv_augmentation *run)
{
    fvi_text_buffer text = { .context = kept->context };
    int32_t i = 0;
    for (; i < kept->count && !kept->place[i].transform->leaves_unit; i++)
        append_place(&text, kept, i);
    for (int32_t j = 0; j < run->count; j++)
        if (run->place[j].transform->mix == NULL)
            append_place(&text, run, j);
    for (; i < kept->count; i++)
        append_place(&text, kept, i);
    for (int32_t j = 0; j < run->count; j++)
        if (run->place[j].transform->mix != NULL)
            append_place(&text, run, j);
    return make_list(out, &text, kept);
}
