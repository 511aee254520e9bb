/* SPDX-License-Identifier: Apache-2.0
 *
 * augment.h - random transforms of images, written as a list: "random_crop(padding=4) horizontal_flip". Every transform, its
 * formula, options and source: docs/augmentation.md.
 */
#ifndef FOVEA_AUGMENT_H
#define FOVEA_AUGMENT_H

#include "fovea/batch.h"
#include "fovea/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A list of transforms, in the order in which they are applied. Immutable once made (and fitted, where a transform learns from the
 * data): any number of threads may use it. */
typedef struct fv_augmentation fv_augmentation;

/* What the random numbers of one image derive from: the same key gives the same image, bit for bit, on any CPU. */
typedef struct fv_augment_key {
    uint64_t seed;
    uint64_t epoch, sample; /* each below 2^32 */
    int32_t rows, columns;  /* what a size of 0 in the list means: the network's input; 0: the image's own */
} fv_augment_key;

/* text: names of transforms with blanks, commas or new lines between; each may have options in brackets, by name (all but the
 * first may be left out): "random_crop(4, fill=reflect) colour_jitter(brightness=0.4) cutout(size=8)". An empty text is an empty list.
 * Owned by the caller, released by fv_augmentation_destroy(). FV_ERR_ARGUMENT: the context's message names the place in the text,
 * the transform, the option and its range, and what may have been meant. */
FV_API fv_status fv_augmentation_create(fv_augmentation **out, fv_context *context, const char *text);
FV_API void fv_augmentation_destroy(fv_augmentation *augmentation);
/* The list as text with every option: what fv_augmentation_create() makes the same list of. Borrowed. */
FV_API const char *fv_augmentation_text(const fv_augmentation *augmentation);
FV_API int32_t fv_augmentation_count(const fv_augmentation *augmentation);
/* Whether a transform of the list learns from the data (whitening, colours of the data): then fv_augmentation_fit() comes
 * before the first use. */
FV_API bool fv_augmentation_needs_fit(const fv_augmentation *augmentation);
/* Lets those transforms learn from data, once, each from images that have passed the transforms before it. key: as for the images later (its
 * sample does not count). Deterministic: the same data give the same bits. FV_ERR_SHAPE: images that differ in size, or are too large. */
FV_API fv_status fv_augmentation_fit(fv_augmentation *augmentation, const fv_dataset *data, const fv_augment_key *key);
/* Those transforms of a list that do the same to every image (docs/augmentation.md lists them), in their order: what images pass that are
 * not trained on, kept with a model as fv_preprocess.transforms. A random crop becomes a crop at the centre where one of them comes
 * behind it. *out, which may be an empty list, is the caller's; it borrows what augmentation has learned. */
FV_API fv_status fv_augmentation_fixed(fv_augmentation **out, const fv_augmentation *augmentation);
/* Tells what may go wrong with this list on these data, to the context's log as warnings: transforms after which an image may belong to another
 * class (a mirrored letter, a 6 turned by 180 degrees). Returns how many it told. */
FV_API int32_t fv_augmentation_warn(const fv_augmentation *augmentation, const fv_dataset *data);
/* The shape of an image of shape `in` after the list: FV_ERR_SHAPE when a transform cannot take it. rows, columns as in the key. */
FV_API fv_status fv_augmentation_shape(const fv_augmentation *augmentation, fv_image_shape in, int32_t rows,
                                       int32_t columns, fv_image_shape *out);
/* Applies the list, but for mixup and cutmix, to one image: image [h][w][c] of 0 to 1 (channels last), *out the same of *out_shape,
 * owned by the caller, released by fv_augmentation_release(). On failure *out is NULL; FV_ERR_SHAPE, FV_ERR_STATE (not fitted),
 * FV_ERR_MEMORY, told by the context. */
FV_API fv_status fv_augmentation_apply(const fv_augmentation *augmentation, const fv_augment_key *key,
                                       const float *image, fv_image_shape shape, float **out,
                                       fv_image_shape *out_shape);
FV_API void fv_augmentation_release(const fv_augmentation *augmentation, float *pixels);
/* Whether the list has mixup or cutmix, which need a batch. */
FV_API bool fv_augmentation_mixes(const fv_augmentation *augmentation);
/* Applies mixup and cutmix to a batch: images [n][h][w][c] and labels [n][classes] (1 at the class), both changed in place. Partners are drawn
 * from (seed, epoch, samples[0]), how much of each from (seed, epoch, its own sample). FV_ERR_MEMORY, told by the context. */
FV_API fv_status fv_augmentation_mix(const fv_augmentation *augmentation, uint64_t seed, uint64_t epoch,
                                     const uint64_t *samples, int32_t n, fv_image_shape shape, float *images,
                                     int32_t classes, float *labels);

/* All transforms there are, for help: name, options with ranges and defaults, one line each. NULL past the last. */
typedef struct fv_transform_option {
    const char *name, *fallback, *help;
    double low, high;         /* of numbers */
    const char *const *words; /* NULL-terminated, of words; else NULL */
    int32_t count;            /* how many numbers it takes at most */
} fv_transform_option;
FV_API const char *fv_transform_name(int32_t index);
FV_API const char *fv_transform_formula(int32_t index);
FV_API const char *fv_transform_source(int32_t index); /* who described it first; may be NULL */
FV_API bool fv_transform_option_get(int32_t index, int32_t option, fv_transform_option *out); /* false past the last */

#ifdef __cplusplus
}
#endif

#endif
