/* SPDX-License-Identifier: Apache-2.0
 *
 * augmentation.c - a list of transforms, made, fitted and applied to one image; whole-pixel moves beside each other are composed
 * and read once, so that what one pushes over the edge another can bring back.
 *
 * Draws: one stream for each (seed, epoch, sample), in it a range of 2^48 draws for each place of the list. The first shift,
 * random_crop and horizontal_flip of a list draw from fixed places before all others: what they draw does not change with the list.
 */
#include <stdio.h>
#include <string.h>

#include "data/augment/fit.h"

enum { DRAWS_FOR_P = 8 }; /* before a place's own draws */

const char *const fvi_fill_words[] = { "zero", "reflect", "edge", NULL };

static bool is_move(const fvi_augment_place *place)
{
    return place->transform->move != NULL &&
           (place->transform->fill == NULL || place->transform->fill(place->options) == FVI_FILL_ZERO);
}

static void number_draws(fv_augmentation *augmentation)
{
    for (int32_t i = 0; i < augmentation->count; i++) {
        fvi_augment_place *place = &augmentation->place[i];
        bool first = place->transform->old;
        for (int32_t k = 0; k < i; k++)
            first = first && augmentation->place[k].transform != place->transform;
        place->first_draw = first ? (uint64_t)place->transform->first_draw : ((uint64_t)i + 1) << 48 | DRAWS_FOR_P;
    }
}

/* mixup and cutmix come last, and what works on 0 to 1 before what leaves it. */
static fv_status check_order(const fv_augmentation *augmentation)
{
    const char *mixed = NULL, *leaves = NULL;
    for (int32_t i = 0; i < augmentation->count; i++) {
        const fvi_transform *transform = augmentation->place[i].transform;
        if (mixed != NULL && transform->mix == NULL)
            return fvi_fail(augmentation->context, FV_ERR_ARGUMENT,
                            "augmentation: %s, number %d of the list, comes after %s, which mixes finished images: put "
                            "it before",
                            transform->name, i + 1, mixed);
        if (leaves != NULL && transform->needs_unit)
            return fvi_fail(augmentation->context, FV_ERR_ARGUMENT,
                            "augmentation: %s, number %d of the list, works on values of 0 to 1 and comes after %s, "
                            "which gives others: put it before",
                            transform->name, i + 1, leaves);
        mixed = transform->mix != NULL ? transform->name : mixed;
        leaves = transform->leaves_unit ? transform->name : leaves;
    }
    return FV_OK;
}

fv_status fv_augmentation_create(fv_augmentation **out, fv_context *context, const char *text)
{
    *out = NULL;
    fv_augmentation *augmentation = fvi_allocate_zeroed(context, 1, sizeof *augmentation);
    if (augmentation == NULL)
        return fvi_out_of_memory(context, "an augmentation", sizeof *augmentation);
    augmentation->context = context;
    fv_status status = fvi_augmentation_parse(augmentation, text);
    if (status == FV_OK)
        status = check_order(augmentation);
    if (status != FV_OK) {
        fv_augmentation_destroy(augmentation);
        return status;
    }
    number_draws(augmentation);
    *out = augmentation;
    return FV_OK;
}

void fv_augmentation_destroy(fv_augmentation *augmentation)
{
    if (augmentation == NULL)
        return;
    for (int32_t i = 0; i < augmentation->count; i++) {
        fvi_release(augmentation->context, augmentation->place[i].options);
        if (!augmentation->place[i].borrows)
            fvi_release(augmentation->context, augmentation->place[i].fitted);
    }
    fvi_release(augmentation->context, augmentation->text);
    fvi_release(augmentation->context, augmentation);
}

const char *fv_augmentation_text(const fv_augmentation *augmentation)
{
    return augmentation->text;
}

int32_t fv_augmentation_count(const fv_augmentation *augmentation)
{
    return augmentation->count;
}

bool fvi_augmentation_needs_fit_at(const fv_augmentation *augmentation, int32_t i)
{
    const fvi_augment_place *place = &augmentation->place[i];
    return place->transform->needs_fit != NULL && place->transform->needs_fit(place->options);
}

bool fv_augmentation_needs_fit(const fv_augmentation *augmentation)
{
    for (int32_t i = 0; i < augmentation->count; i++)
        if (fvi_augmentation_needs_fit_at(augmentation, i))
            return true;
    return false;
}

fv_status fv_augmentation_fit(fv_augmentation *augmentation, const fv_dataset *data, const fv_augment_key *key)
{
    return fvi_augmentation_fit(augmentation, data, key, NULL);
}

fv_status fvi_augmentation_fit(fv_augmentation *augmentation, const fv_dataset *data, const fv_augment_key *key,
                               const fv_preprocess *preprocess)
{
    for (int32_t i = 0; i < augmentation->count; i++) {
        fvi_augment_place *place = &augmentation->place[i];
        fvi_fit_source source;
        if (!fvi_augmentation_needs_fit_at(augmentation, i) || place->fitted != NULL)
            continue;
        FV_TRY(fvi_fit_open(&source, augmentation, i, data, key));
        source.preprocess = preprocess;
        const fv_status status = place->transform->fit(&source, place->options, &place->fitted);
        fvi_fit_close(&source);
        FV_TRY(status);
    }
    return FV_OK;
}

fv_status fv_augmentation_shape(const fv_augmentation *augmentation, fv_image_shape in, int32_t rows, int32_t columns,
                                fv_image_shape *out)
{
    const fv_augment_key key = { .rows = rows, .columns = columns };
    fvi_message message;
    *out = in;
    for (int32_t i = 0; i < augmentation->count; i++) {
        const fvi_transform *transform = augmentation->place[i].transform;
        if (transform->shape == NULL)
            continue;
        const fv_status status = transform->shape(&message, augmentation->place[i].options, &key, out);
        if (status != FV_OK)
            return fvi_fail(augmentation->context, status, "augmentation: %s, number %d of the list: %s",
                            transform->name, i + 1, message.text);
    }
    return FV_OK;
}

/* Running. */

static double probability(const fvi_augment_place *place)
{
    return place->transform->p != NULL ? *(const double *)place->options : 1.0;
}

static fvi_random stream_of(const fv_augment_key *key)
{
    return fvi_random_start(key->seed, FVI_PURPOSE_AUGMENT, key->epoch << 32 | (uint32_t)key->sample);
}

/* Whether place i is applied to this image. */
static bool happens(const fv_augmentation *augmentation, int32_t i, const fv_augment_key *key)
{
    const fvi_augment_place *place = &augmentation->place[i];
    const double p = probability(place);
    if (place->transform->draws_p || p >= 1.0)
        return true;
    fvi_random random = stream_of(key);
    random.position = ((uint64_t)i + 1) << 48;
    return fvi_random_uniform(&random) < p;
}

static fvi_transform_call call_of(const fv_augmentation *augmentation, int32_t i, const fv_augment_key *key,
                                  fvi_augment_room *room, fv_context *context)
{
    const fvi_augment_place *place = &augmentation->place[i];
    fvi_transform_call call = { .context = context,
                                .name = place->transform->name,
                                .options = place->options,
                                .fitted = place->fitted,
                                .key = key,
                                .random = stream_of(key),
                                .room = room };
    call.random.position = place->first_draw;
    return call;
}

/* The moves from place *i on, composed and read once; *i becomes the first place behind them. */
static fv_status run_moves(const fv_augmentation *augmentation, const fv_augment_key *key, int32_t places,
                           fvi_augment_room *room, fv_context *context, int32_t *i)
{
    fvi_move move = { .h = room->image.h, .w = room->image.w };
    fvi_transform_call call = call_of(augmentation, *i, key, room, context);
    for (; *i < places && is_move(&augmentation->place[*i]); ++*i)
        if (happens(augmentation, *i, key)) {
            call = call_of(augmentation, *i, key, room, context);
            augmentation->place[*i].transform->move(&call, &move);
        }
    return fvi_transform_move(&call, &move, FVI_FILL_ZERO);
}

static fv_status run_one(const fv_augmentation *augmentation, int32_t i, const fv_augment_key *key,
                         fvi_augment_room *room, fv_context *context)
{
    const fvi_augment_place *place = &augmentation->place[i];
    fvi_transform_call call = call_of(augmentation, i, key, room, context);
    if (!happens(augmentation, i, key))
        return FV_OK;
    if (fvi_augmentation_needs_fit_at(augmentation, i) && place->fitted == NULL)
        return fvi_fail(context, FV_ERR_STATE, "%s learns from data: fv_augmentation_fit() comes first",
                        place->transform->name);
    if (place->transform->move == NULL)
        return place->transform->apply(&call);
    fvi_move move = { .h = room->image.h, .w = room->image.w };
    place->transform->move(&call, &move);
    return fvi_transform_move(&call, &move, place->transform->fill(place->options));
}

fv_status fvi_augmentation_run(const fv_augmentation *augmentation, const fv_augment_key *key, int32_t places,
                               fvi_augment_room *room, fv_context *context)
{
    for (int32_t i = 0; i < places;) {
        fv_status status = FV_OK;
        const int32_t first = i;
        if (is_move(&augmentation->place[i]))
            status = run_moves(augmentation, key, places, room, context, &i);
        else if (augmentation->place[i].transform->mix == NULL)
            status = run_one(augmentation, i++, key, room, context);
        else
            i++;
        if (status != FV_OK) {
            char inner[512];
            snprintf(inner, sizeof inner, "%s", fv_context_message(context));
            return fvi_fail(context, status, "augmentation: %s, number %d of the list: %s",
                            augmentation->place[first].transform->name, first + 1, inner);
        }
    }
    return FV_OK;
}

bool fvi_augmentation_has_region(const fv_augmentation *augmentation)
{
    return augmentation != NULL && augmentation->count > 0 && augmentation->place[0].transform->region != NULL;
}

void fvi_augmentation_region(const fv_augmentation *augmentation, const fv_augment_key *key, fv_image_shape whole,
                             fvi_region *region)
{
    fvi_transform_call call = call_of(augmentation, 0, key, NULL, augmentation->context);
    augmentation->place[0].transform->region(&call, whole, region);
}

bool fvi_augmentation_only_moves(const fv_augmentation *augmentation)
{
    for (int32_t i = 0; i < augmentation->count; i++)
        if (!is_move(&augmentation->place[i]))
            return false;
    return true;
}

fvi_placement fvi_augmentation_place(const fv_augmentation *augmentation, const fv_augment_key *key,
                                     fv_image_shape source, fv_image_shape input)
{
    fvi_move move = { .h = source.h, .w = source.w };
    bool sized = false;
    for (int32_t i = 0; i < augmentation->count; i++)
        sized = sized || augmentation->place[i].transform->sets_size;
    if (!sized)
        fvi_move_centre(&move, input.h, input.w);
    for (int32_t i = 0; i < augmentation->count; i++)
        if (happens(augmentation, i, key)) {
            fvi_transform_call call = call_of(augmentation, i, key, NULL, augmentation->context);
            augmentation->place[i].transform->move(&call, &move);
        }
    fvi_move_centre(&move, input.h, input.w);
    return move.placement;
}

fv_status fv_augmentation_apply(const fv_augmentation *augmentation, const fv_augment_key *key, const float *image,
                                fv_image_shape shape, float **out, fv_image_shape *out_shape)
{
    fv_context *context = augmentation->context;
    fvi_augment_room room = { 0 };
    *out = NULL;
    *out_shape = (fv_image_shape){ 0 };
    if (shape.h < 1 || shape.w < 1 || shape.c < 1)
        return fvi_fail(context, FV_ERR_SHAPE, "augmentation: an image of %dx%dx%d (channels, rows, columns)", shape.c,
                        shape.h, shape.w);
    fv_status status = fvi_picture_reserve(context, &room.image, shape.h, shape.w, shape.c);
    if (status == FV_OK) {
        memcpy(room.image.pixels, image, (size_t)shape.h * (size_t)shape.w * (size_t)shape.c * sizeof(float));
        status = fvi_augmentation_run(augmentation, key, augmentation->count, &room, context);
    }
    if (status == FV_OK) {
        *out = room.image.pixels;
        *out_shape = (fv_image_shape){ room.image.c, room.image.h, room.image.w };
        room.image.pixels = NULL;
    }
    fvi_augment_room_release(&room, context);
    return status;
}

void fv_augmentation_release(const fv_augmentation *augmentation, float *pixels)
{
    fvi_release(augmentation->context, pixels);
}
