/* SPDX-License-Identifier: Apache-2.0
 *
 * image.h - image files to and from bytes. PNG, JPEG, PGM and PPM.
 */
#ifndef FOVEA_IMAGE_H
#define FOVEA_IMAGE_H

#include "fovea/context.h"
#include "fovea/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a PNG, JPEG, PGM or PPM file, told by its first bytes: 8 bits per channel, 1 (grey) or 3 (RGB) channels, alpha over white,
 * CMYK as RGB, upright by its Exif orientation, [c][h][w].
 * *pixels is owned by the caller, released by fv_image_release(). */
FV_API fv_status fv_image_read(fv_context *context, const char *path, uint8_t **pixels, fv_image_shape *shape);
FV_API void fv_image_release(fv_context *context, uint8_t *pixels);
/* Writes bytes [c][h][w], c 1 or 3, as PNG; to a temporary file, then renamed. */
FV_API fv_status fv_image_write_png(fv_context *context, const char *path, const uint8_t *pixels, fv_image_shape shape);

#ifdef __cplusplus
}
#endif

#endif
