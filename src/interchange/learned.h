/* SPDX-License-Identifier: Apache-2.0
 *
 * learned.h - what the transforms of a model's preprocessing have learned, as tensors of its file: "preprocess:2:map" is the map of the
 * third transform of the list.
 */
#ifndef FVI_LEARNED_H
#define FVI_LEARNED_H

#include "data/augment/transform.h"
#include "interchange/safetensors.h"

enum { FVI_LEARNED_TENSORS = FVI_TRANSFORMS_MOST * FVI_LEARNED_MOST, FVI_LEARNED_NAME = 40 };

typedef struct fvi_learned_tensors {
    int32_t count;
    fvi_tensor_source source[FVI_LEARNED_TENSORS]; /* borrow from the list and from `name` */
    char name[FVI_LEARNED_TENSORS][FVI_LEARNED_NAME];
} fvi_learned_tensors;

/* list may be NULL. FV_ERR_STATE, naming the file, where a transform has not learned yet. */
fv_status fvi_learned_list(fvi_learned_tensors *out, fv_context *context, const char *path,
                           const fv_augmentation *list);
/* A list of its own that has learned what `from` has; *out is the caller's. FV_ERR_STATE where one of them has not learned yet. */
fv_status fvi_learned_copy(fv_augmentation **out, fv_context *context, const fv_augmentation *from);
/* Takes memory in list for the tensors of a file and marks them (fvi_stored_tensor.parameter). FV_ERR_FORMAT where they are not what
 * the list needs, before memory is taken. */
fv_status fvi_learned_match(const fvi_safetensors *file, fv_augmentation *list);
/* Where the values of a tensor so marked belong; NULL: it is another one. */
float *fvi_learned_values(const fv_augmentation *list, const fvi_stored_tensor *tensor);

#endif
