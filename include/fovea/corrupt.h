/* SPDX-License-Identifier: Apache-2.0
 *
 * corrupt.h - the fifteen common corruptions of Hendrycks & Dietterich 2019 (arXiv:1903.12261), in a rendering of our own: test images as bad
 * cameras, weather and files make them. What each does: docs/augmentation.md.
 */
#ifndef FOVEA_CORRUPT_H
#define FOVEA_CORRUPT_H

#include "fovea/augment.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FV_CORRUPTION_SEVERITIES = 5 };

/* "gaussian_noise", ... from 0 on, and what it does in one line; NULL past the last. */
FV_API const char *fv_corruption_name(int32_t kind);
FV_API const char *fv_corruption_text(int32_t kind);
/* out [h][w][c] is the image [h][w][c] of 0 to 1 corrupted, severity 1 to 5; c 1 or 3. Of the key the seed and the sample count. The same bits on any CPU.
 * FV_ERR_ARGUMENT, FV_ERR_SHAPE, FV_ERR_MEMORY, told by the context. */
FV_API fv_status fv_corruption_apply(fv_context *context, int32_t kind, int32_t severity, const fv_augment_key *key,
                                     const float *image, fv_image_shape shape, float *out);

#ifdef __cplusplus
}
#endif

#endif
