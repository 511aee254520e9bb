/* SPDX-License-Identifier: Apache-2.0
 *
 * mix.c - transforms of a whole batch: each image and its label are mixed with another's. Partners: a shuffle of the batch (Durstenfeld 1964)
 * drawn from (seed, epoch, the first image's sample); an image may be its own partner.
 */
#include <string.h>

#include "base/checked.h"
#include "data/augment/transform.h"

bool fv_augmentation_mixes(const fv_augmentation *augmentation)
{
    for (int32_t i = 0; i < augmentation->count; i++)
        if (augmentation->place[i].transform->mix != NULL)
            return true;
    return false;
}

/* One batch while it is mixed: what it was, and who is whose partner. */
typedef struct batch {
    int32_t n, classes;
    size_t elements;
    fv_image_shape shape;
    float *images, *labels;
    float *images_before, *labels_before;
    int32_t *partner;
} batch;

static void draw_partners(batch *b, fvi_random random)
{
    for (int32_t i = 0; i < b->n; i++)
        b->partner[i] = i;
    for (int32_t i = b->n - 1; i > 0; i--) {
        const uint32_t other = fvi_random_below(&random, (uint32_t)i + 1);
        const int32_t exchanged = b->partner[i];
        b->partner[i] = b->partner[other];
        b->partner[other] = exchanged;
    }
}

static fvi_random stream_of(uint64_t seed, uint64_t epoch, uint64_t sample, int32_t place, uint64_t position)
{
    fvi_random random = fvi_random_start(seed, FVI_PURPOSE_AUGMENT, epoch << 32 | (uint32_t)sample);
    random.position = ((uint64_t)place + 1) << 48 | position;
    return random;
}

/* Positions of a place's draws: whether (of an image), partners (of the batch), how much (of an image). */
enum { DRAWS_WHETHER = 0, DRAWS_HOW_MUCH = 8 };
#define DRAWS_PARTNERS (UINT64_C(1) << 40)

static void mix_labels(const batch *b, int32_t i, double kept)
{
    const size_t classes = (size_t)b->classes;
    const float *own = b->labels_before + (size_t)i * classes;
    const float *other = b->labels_before + (size_t)b->partner[i] * classes;
    for (size_t c = 0; c < classes; c++)
        b->labels[(size_t)i * classes + c] = (float)(kept * own[c] + (1.0 - kept) * other[c]);
}

static void mix_place(const fv_augmentation *augmentation, int32_t place, uint64_t seed, uint64_t epoch,
                      const uint64_t *samples, batch *b)
{
    const fvi_augment_place *at = &augmentation->place[place];
    memcpy(b->images_before, b->images, (size_t)b->n * b->elements * sizeof(float));
    memcpy(b->labels_before, b->labels, (size_t)b->n * (size_t)b->classes * sizeof(float));
    draw_partners(b, stream_of(seed, epoch, samples[0], place, DRAWS_PARTNERS));
    for (int32_t i = 0; i < b->n; i++) {
        fvi_random whether = stream_of(seed, epoch, samples[i], place, DRAWS_WHETHER);
        if (fvi_random_uniform(&whether) >= *(const double *)at->options)
            continue;
        fvi_mix_call call = { .options = at->options,
                              .random = stream_of(seed, epoch, samples[i], place, DRAWS_HOW_MUCH),
                              .shape = b->shape,
                              .image = b->images + (size_t)i * b->elements,
                              .partner = b->images_before + (size_t)b->partner[i] * b->elements };
        at->transform->mix(&call);
        mix_labels(b, i, call.kept);
    }
}

fv_status fv_augmentation_mix(const fv_augmentation *augmentation, uint64_t seed, uint64_t epoch,
                              const uint64_t *samples, int32_t n, fv_image_shape shape, float *images, int32_t classes,
                              float *labels)
{
    batch b = { .n = n,
                .classes = classes,
                .elements = (size_t)shape.h * (size_t)shape.w * (size_t)shape.c,
                .shape = shape,
                .images = images,
                .labels = labels };
    size_t floats = 0, bytes = 0;
    if (n < 1 || !fv_augmentation_mixes(augmentation))
        return FV_OK;
    if (!fvi_size_multiply((size_t)n, b.elements + (size_t)classes, &floats) ||
        !fvi_size_multiply(floats, sizeof(float), &bytes))
        return fvi_fail(augmentation->context, FV_ERR_SHAPE, "augmentation: a batch of %d images overflows", n);
    b.images_before = fvi_allocate(augmentation->context, bytes);
    b.partner = fvi_allocate(augmentation->context, (size_t)n * sizeof *b.partner);
    fv_status status = FV_OK;
    if (b.images_before == NULL || b.partner == NULL)
        status = fvi_out_of_memory(augmentation->context, "a batch to mix", bytes);
    else
        b.labels_before = b.images_before + (size_t)n * b.elements;
    for (int32_t i = 0; status == FV_OK && i < augmentation->count; i++)
        if (augmentation->place[i].transform->mix != NULL)
            mix_place(augmentation, i, seed, epoch, samples, &b);
    fvi_release(augmentation->context, b.images_before);
    fvi_release(augmentation->context, b.partner);
    return status;
}
