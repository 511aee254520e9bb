/* SPDX-License-Identifier: Apache-2.0
 *
 * image_internal.h - one decoder per file, over bytes in memory; image.c tells formats apart.
 */
#ifndef FVI_IMAGE_INTERNAL_H
#define FVI_IMAGE_INTERNAL_H

#include "base/base.h"
#include "fovea/image.h"

/* Limits on what is decoded: 16,384 pixels a side, 64 Mi pixels, files of 256 MiB. */
enum { FVI_IMAGE_MOST_SIDE = 16384, FVI_IMAGE_MOST_PIXELS = 1 << 26, FVI_IMAGE_MOST_FILE = 1 << 28 };

/* Decode `size` bytes; *pixels [c][h][w] from the context's allocator. path is for messages. */
fv_status fvi_png_decode(fv_context *context, const char *path, const unsigned char *bytes, size_t size,
                         uint8_t **pixels, fv_image_shape *shape);
fv_status fvi_pnm_decode(fv_context *context, const char *path, const unsigned char *bytes, size_t size,
                         uint8_t **pixels, fv_image_shape *shape);

#endif
