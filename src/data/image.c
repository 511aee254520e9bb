/* SPDX-License-Identifier: Apache-2.0
 *
 * image.c - reads an image file whole and hands it to the decoder that its first bytes name.
 */
#include "data/image_internal.h"

#include <string.h>

#include "base/file.h"

static const unsigned char png_signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n' };

static fv_status decode(fv_context *context, const char *path, const unsigned char *bytes, size_t size,
                        uint8_t **pixels, fv_image_shape *shape)
{
    if (size >= sizeof png_signature && memcmp(bytes, png_signature, sizeof png_signature) == 0)
        return fvi_png_decode(context, path, bytes, size, pixels, shape);
    if (size >= 2 && bytes[0] == 'P' && strchr("2356", bytes[1]) != NULL)
        return fvi_pnm_decode(context, path, bytes, size, pixels, shape);
    if (size == 0)
        return fvi_fail(context, FV_ERR_FORMAT, "image '%s' is empty", path);
    if (size >= 3 && memcmp(bytes, "\xFF\xD8\xFF", 3) == 0)
        return fvi_fail(context, FV_ERR_UNSUPPORTED, "image '%s' is JPEG, which is not read yet; convert it to PNG",
                        path);
    return fvi_fail(context, FV_ERR_FORMAT,
                    "image '%s' begins with bytes %02x %02x: neither PNG (89 50) nor PGM or PPM (P2, P3, P5, P6)", path,
                    bytes[0], size > 1 ? bytes[1] : 0);
}

fv_status fv_image_read(fv_context *context, const char *path, uint8_t **pixels, fv_image_shape *shape)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    *pixels = NULL;
    *shape = (fv_image_shape){ 0 };
    FV_TRY(fvi_file_read(context, path, FVI_IMAGE_MOST_FILE, &bytes, &size));
    const fv_status status = decode(context, path, bytes, size, pixels, shape);
    fvi_release(context, bytes);
    return status;
}

void fv_image_release(fv_context *context, uint8_t *pixels)
{
    fvi_release(context, pixels);
}
