/* SPDX-License-Identifier: Apache-2.0
 *
 * image_pnm.c - PGM and PPM, plain (P2, P3) and raw (P5, P6), with 1 to 65535 as the largest value. Format: the netpbm manual
 * pages pgm(5) and ppm(5). One image; bytes behind it are refused, since they mean that the header is wrong.
 */
#include <string.h>

#include "data/image/image_internal.h"

enum { LARGEST = 65535 };

typedef struct pnm_reader {
    fv_context *context;
    const char *path;
    const unsigned char *bytes;
    size_t size, at;
} pnm_reader;

static bool is_space(unsigned char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static void skip_space(pnm_reader *reader, bool comments)
{
    while (reader->at < reader->size) {
        const unsigned char byte = reader->bytes[reader->at];
        if (comments && byte == '#') {
            while (reader->at < reader->size && reader->bytes[reader->at] != '\n')
                reader->at++;
        } else if (is_space(byte)) {
            reader->at++;
        } else {
            return;
        }
    }
}

/* A decimal number in [low, high]. */
static fv_status read_number(pnm_reader *reader, const char *what, bool comments, uint32_t low, uint32_t high,
                             uint32_t *number)
{
    uint32_t value = 0;
    skip_space(reader, comments);
    const size_t start = reader->at;
    while (reader->at < reader->size && reader->bytes[reader->at] >= '0' && reader->bytes[reader->at] <= '9' &&
           value <= LARGEST)
        value = value * 10 + (uint32_t)(reader->bytes[reader->at++] - '0');
    if (reader->at == start)
        return fvi_fail(reader->context, FV_ERR_FORMAT, "image '%s': %s where %s should be, at offset %zu",
                        reader->path, start < reader->size ? "no number" : "the file ends", what, start);
    if (value < low || value > high)
        return fvi_fail(reader->context, FV_ERR_FORMAT, "image '%s': %s is %u at offset %zu, expected %u to %u",
                        reader->path, what, value, start, low, high);
    *number = value;
    return FV_OK;
}

typedef struct pnm_header {
    uint32_t channels, width, height, largest;
    bool plain;
} pnm_header;

static fv_status read_header(pnm_reader *reader, pnm_header *header)
{
    const unsigned char kind = reader->bytes[1];
    reader->at = 2;
    header->plain = kind < '5';
    header->channels = kind == '3' || kind == '6' ? 3 : 1;
    FV_TRY(read_number(reader, "the width", true, 1, FVI_IMAGE_MOST_SIDE, &header->width));
    FV_TRY(read_number(reader, "the height", true, 1, FVI_IMAGE_MOST_SIDE, &header->height));
    FV_TRY(read_number(reader, "the largest value", true, 1, LARGEST, &header->largest));
    if ((size_t)header->width * header->height > FVI_IMAGE_MOST_PIXELS)
        return fvi_fail(reader->context, FV_ERR_FORMAT, "image '%s': %ux%u pixels are more than %d", reader->path,
                        header->width, header->height, FVI_IMAGE_MOST_PIXELS);
    if (reader->at >= reader->size || !is_space(reader->bytes[reader->at]))
        return fvi_fail(reader->context, FV_ERR_FORMAT, "image '%s': no white space behind the header, at offset %zu",
                        reader->path, reader->at);
    reader->at++;
    return FV_OK;
}

/* The samples must be there before memory is taken for them: raw ones exactly, plain ones at least 2 characters each (the last 1). */
static fv_status check_size(const pnm_reader *reader, const pnm_header *header, size_t samples)
{
    const size_t left = reader->size - reader->at;
    const size_t width = header->plain ? 2 : header->largest > 255 ? 2 : 1;
    const size_t needed = samples * width - (header->plain ? 1 : 0);
    if (left < needed)
        return fvi_fail(reader->context, FV_ERR_FORMAT,
                        "image '%s' is truncated: %ux%u pixels need %zu bytes behind offset %zu, there are %zu",
                        reader->path, header->width, header->height, needed, reader->at, left);
    if (!header->plain && left > needed)
        return fvi_fail(reader->context, FV_ERR_FORMAT, "image '%s' is oversized: %zu bytes behind its last pixel",
                        reader->path, left - needed);
    return FV_OK;
}

static fv_status read_sample(pnm_reader *reader, const pnm_header *header, uint32_t *value)
{
    if (header->plain)
        return read_number(reader, "a pixel", false, 0, header->largest, value);
    const size_t start = reader->at;
    *value = reader->bytes[reader->at++];
    if (header->largest > 255)
        *value = *value << 8 | reader->bytes[reader->at++];
    if (*value > header->largest)
        return fvi_fail(reader->context, FV_ERR_FORMAT, "image '%s': a pixel is %u at offset %zu, expected 0 to %u",
                        reader->path, *value, start, header->largest);
    return FV_OK;
}

static fv_status read_pixels(pnm_reader *reader, const pnm_header *header, uint8_t *pixels)
{
    const size_t plane = (size_t)header->width * header->height;
    for (size_t p = 0; p < plane; p++)
        for (size_t c = 0; c < header->channels; c++) {
            uint32_t value = 0;
            FV_TRY(read_sample(reader, header, &value));
            pixels[c * plane + p] = (uint8_t)((value * 255 + header->largest / 2) / header->largest);
        }
    skip_space(reader, false);
    if (header->plain && reader->at < reader->size)
        return fvi_fail(reader->context, FV_ERR_FORMAT,
                        "image '%s' is oversized: more behind its last pixel, at offset %zu", reader->path, reader->at);
    return FV_OK;
}

fv_status fvi_pnm_decode(fv_context *context, const char *path, const unsigned char *bytes, size_t size,
                         uint8_t **pixels, fv_image_shape *shape)
{
    pnm_reader reader = { .context = context, .path = path, .bytes = bytes, .size = size };
    pnm_header header = { 0 };
    FV_TRY(read_header(&reader, &header));
    const size_t samples = (size_t)header.width * header.height * header.channels;
    FV_TRY(check_size(&reader, &header, samples));
    uint8_t *memory = fvi_allocate(context, samples);
    if (memory == NULL)
        return fvi_out_of_memory(context, path, samples);
    const fv_status status = read_pixels(&reader, &header, memory);
    if (status != FV_OK) {
        fvi_release(context, memory);
        return status;
    }
    *pixels = memory;
    *shape = (fv_image_shape){ (int32_t)header.channels, (int32_t)header.height, (int32_t)header.width };
    return FV_OK;
}
