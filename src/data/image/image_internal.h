/* SPDX-License-Identifier: Apache-2.0
 *
 * image_internal.h - one decoder per file, over bytes in memory; image.c tells formats apart.
 */
#ifndef FVI_IMAGE_INTERNAL_H
#define FVI_IMAGE_INTERNAL_H

#include "base/base.h"
#include "data/dataset_internal.h"
#include "fovea/image.h"

/* Limits on what is decoded: 16,384 pixels a side, 64 Mi pixels, files of 256 MiB. */
enum { FVI_IMAGE_MOST_SIDE = 16384, FVI_IMAGE_MOST_PIXELS = 1 << 26, FVI_IMAGE_MOST_FILE = 1 << 28 };

/* Decode `size` bytes; *pixels [c][h][w] from the context's allocator. path is for messages. */
fv_status fvi_png_decode(fv_context *context, const char *path, const unsigned char *bytes, size_t size,
                         uint8_t **pixels, fv_image_shape *shape);
/* The way back, as fv_image_write_png(), into memory: *bytes is the caller's, released by fvi_release(). */
fv_status fvi_png_encode(fv_context *context, const char *path, const uint8_t *pixels, fv_image_shape shape,
                         unsigned char **bytes, size_t *size);
fv_status fvi_pnm_decode(fv_context *context, const char *path, const unsigned char *bytes, size_t size,
                         uint8_t **pixels, fv_image_shape *shape);
/* Into scratch, [h][w][c]; scaled down by 2, 4 or 8 as far as its shorter side keeps `shorter` pixels (0: not), or what scratch->wish wants:
 * then scratch->part says what the pixels are. */
fv_status fvi_jpeg_decode(fvi_scratch *scratch, const char *path, const unsigned char *bytes, size_t size,
                          int32_t shorter, fv_sample *sample);

/* Any format, told by the first bytes, into scratch: fv_reader_read(). */
fv_status fvi_image_decode(fvi_scratch *scratch, const char *path, const unsigned char *bytes, size_t size,
                           int32_t shorter, fv_sample *sample);
/* The same from a file. */
fv_status fvi_image_load(fvi_scratch *scratch, const char *path, int32_t shorter, fv_sample *sample);

/* Room for so many bytes at scratch->pixels; what was there is lost. path is for the message. */
fv_status fvi_scratch_reserve(fvi_scratch *scratch, const char *path, size_t bytes);

#endif
