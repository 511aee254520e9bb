/* SPDX-License-Identifier: Apache-2.0
 *
 * preprocess_json.h - preprocessing as JSON, for the metadata of model files.
 */
#ifndef FVI_PREPROCESS_JSON_H
#define FVI_PREPROCESS_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "fovea/loader.h"

/* A new object: {"input": [c,h,w], "mean", "deviation": a number per channel, "transforms": the list's text, "classes", "class_names"}; NULL when
 * memory is short or a name is not UTF-8. */
json_t *fvi_preprocess_write(const fv_preprocess *preprocess);
/* Texts go to arena. *transforms (NULL: none), also on failure, is the caller's: fv_augmentation_destroy(); what it has learned comes from
 * tensors (learned.h). source: what to name in messages. */
fv_status fvi_preprocess_read(fv_preprocess *preprocess, fv_augmentation **transforms, fv_context *context,
                              fvi_arena *arena, const char *source, const char *text);

#endif
