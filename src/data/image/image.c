/* SPDX-License-Identifier: Apache-2.0
 *
 * image.c - reads an image file whole and hands it to the decoder that its first bytes name.
 */
#include "data/image/image_internal.h"

#include <string.h>

#include "base/file.h"

static const unsigned char png_signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n' };

fv_status fvi_scratch_reserve(fvi_scratch *scratch, const char *path, size_t bytes)
{
    if (bytes <= scratch->pixel_bytes)
        return FV_OK;
    fvi_release(scratch->context, scratch->pixels);
    scratch->pixel_bytes = 0;
    scratch->pixels = fvi_allocate(scratch->context, bytes);
    if (scratch->pixels == NULL)
        return fvi_out_of_memory(scratch->context, path, bytes);
    scratch->pixel_bytes = bytes;
    return FV_OK;
}

typedef fv_status plane_decoder(fv_context *context, const char *path, const unsigned char *bytes, size_t size,
                                uint8_t **pixels, fv_image_shape *shape);

/* What a decoder of planes gives becomes the scratch's. */
static fv_status decode_planes(fvi_scratch *scratch, plane_decoder *decoder, const char *path,
                               const unsigned char *bytes, size_t size, fv_sample *sample)
{
    uint8_t *pixels = NULL;
    fv_image_shape shape;
    FV_TRY(decoder(scratch->context, path, bytes, size, &pixels, &shape));
    fvi_release(scratch->context, scratch->pixels);
    scratch->pixels = pixels;
    scratch->pixel_bytes = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    *sample = (fv_sample){ .shape = shape, .order = FV_NCHW, .pixels = pixels, .whole = shape };
    return FV_OK;
}

fv_status fvi_image_decode(fvi_scratch *scratch, const char *path, const unsigned char *bytes, size_t size,
                           int32_t shorter, fv_sample *sample)
{
    *sample = (fv_sample){ .pixels = NULL };
    if (size >= sizeof png_signature && memcmp(bytes, png_signature, sizeof png_signature) == 0)
        return decode_planes(scratch, fvi_png_decode, path, bytes, size, sample);
    if (size >= 2 && bytes[0] == 'P' && strchr("2356", bytes[1]) != NULL)
        return decode_planes(scratch, fvi_pnm_decode, path, bytes, size, sample);
    if (size == 0)
        return fvi_fail(scratch->context, FV_ERR_FORMAT, "image '%s' is empty", path);
    if (size >= 3 && memcmp(bytes, "\xFF\xD8\xFF", 3) == 0)
        return fvi_jpeg_decode(scratch, path, bytes, size, shorter, sample);
    return fvi_fail(
        scratch->context, FV_ERR_FORMAT,
        "image '%s' begins with bytes %02x %02x: neither PNG (89 50) nor JPEG (ff d8) nor PGM or PPM (P2, P3, P5, P6)",
        path, bytes[0], size > 1 ? bytes[1] : 0);
}

fv_status fvi_image_load(fvi_scratch *scratch, const char *path, int32_t shorter, fv_sample *sample)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    *sample = (fv_sample){ .pixels = NULL };
    FV_TRY(fvi_file_read(scratch->context, path, FVI_IMAGE_MOST_FILE, &bytes, &size));
    const fv_status status = fvi_image_decode(scratch, path, bytes, size, shorter, sample);
    fvi_release(scratch->context, bytes);
    return status;
}

/* As planes, in memory of its own. */
static fv_status copy_planes(fv_context *context, const char *path, const fv_sample *sample, uint8_t **pixels)
{
    const size_t plane = (size_t)sample->shape.h * (size_t)sample->shape.w, channels = (size_t)sample->shape.c;
    uint8_t *out = fvi_allocate(context, plane * channels);
    if (out == NULL)
        return fvi_out_of_memory(context, path, plane * channels);
    for (size_t c = 0; c < channels; c++)
        for (size_t p = 0; p < plane; p++)
            out[c * plane + p] = sample->pixels[p * channels + c];
    *pixels = out;
    return FV_OK;
}

fv_status fv_image_read(fv_context *context, const char *path, uint8_t **pixels, fv_image_shape *shape)
{
    fvi_scratch scratch = { .context = context };
    fv_sample sample;
    *pixels = NULL;
    *shape = (fv_image_shape){ 0 };
    fv_status status = fvi_image_load(&scratch, path, 0, &sample);
    if (status == FV_OK && sample.order == FV_NHWC) {
        status = copy_planes(context, path, &sample, pixels);
    } else if (status == FV_OK) {
        *pixels = scratch.pixels;
        scratch.pixels = NULL;
    }
    fvi_release(context, scratch.pixels);
    if (status == FV_OK)
        *shape = sample.shape;
    return status;
}

void fv_image_release(fv_context *context, uint8_t *pixels)
{
    fvi_release(context, pixels);
}
