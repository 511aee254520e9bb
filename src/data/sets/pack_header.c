/* SPDX-License-Identifier: Apache-2.0
 *
 * pack_header.c - the header of a pack to bytes and back.
 */
#include <string.h>

#include "base/xxh64.h"
#include "data/sets/pack.h"

enum { VERSION_AT = 8, NUMBERS_AT = 12, SPLITS_AT = 72, SPLIT_BYTES = 104, SUM_AT = FVI_PACK_HEADER - 8 };

/* Bytes of a text that a transfer in text mode changes. */
const char fvi_pack_magic[8] = { 'F', 'V', 'P', 'A', 'C', 'K', '\r', '\n' };

void fvi_pack_put(unsigned char *bytes, uint64_t value, int count)
{
    for (int i = 0; i < count; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

uint64_t fvi_pack_take(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    for (int i = count - 1; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

static void put_real(unsigned char *bytes, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    fvi_pack_put(bytes, bits, 8);
}

static double take_real(const unsigned char *bytes)
{
    const uint64_t bits = fvi_pack_take(bytes, 8);
    double value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t header_sum(const unsigned char *bytes)
{
    fvi_xxh64 sum = fvi_xxh64_start(0);
    fvi_xxh64_update(&sum, bytes, SUM_AT);
    return fvi_xxh64_finish(&sum);
}

void fvi_pack_encode(const fvi_pack_header *header, unsigned char bytes[FVI_PACK_HEADER])
{
    const uint32_t small[] = { header->kind,
                               header->classes,
                               header->target_count,
                               (uint32_t)header->shape.c,
                               (uint32_t)header->shape.h,
                               (uint32_t)header->shape.w };
    const uint64_t large[] = { header->file_bytes, header->names, header->names_bytes, header->checksum };
    memset(bytes, 0, FVI_PACK_HEADER);
    memcpy(bytes, fvi_pack_magic, sizeof fvi_pack_magic);
    fvi_pack_put(bytes + VERSION_AT, FVI_PACK_VERSION, 4);
    for (int i = 0; i < 6; i++)
        fvi_pack_put(bytes + NUMBERS_AT + 4 * i, small[i], 4);
    for (int i = 0; i < 4; i++)
        fvi_pack_put(bytes + 40 + 8 * i, large[i], 8);
    for (int s = 0; s < FVI_PACK_SPLITS; s++) {
        const fvi_pack_split *split = &header->split[s];
        unsigned char *at = bytes + SPLITS_AT + s * SPLIT_BYTES;
        const uint64_t places[] = { split->samples, split->index, split->targets, split->data, split->data_bytes };
        for (int i = 0; i < 5; i++)
            fvi_pack_put(at + 8 * i, places[i], 8);
        for (int c = 0; c < FV_MAX_CHANNELS; c++) {
            put_real(at + 40 + 8 * c, split->mean[c]);
            put_real(at + 72 + 8 * c, split->deviation[c]);
        }
    }
    fvi_pack_put(bytes + SUM_AT, header_sum(bytes), 8);
}

bool fvi_pack_decode(const unsigned char bytes[FVI_PACK_HEADER], fvi_pack_header *header)
{
    uint32_t small[6];
    for (int i = 0; i < 6; i++)
        small[i] = (uint32_t)fvi_pack_take(bytes + NUMBERS_AT + 4 * i, 4);
    *header = (fvi_pack_header){ .kind = small[0], .classes = small[1], .target_count = small[2] };
    header->shape = (fv_image_shape){ (int32_t)small[3], (int32_t)small[4], (int32_t)small[5] };
    header->file_bytes = fvi_pack_take(bytes + 40, 8);
    header->names = fvi_pack_take(bytes + 48, 8);
    header->names_bytes = fvi_pack_take(bytes + 56, 8);
    header->checksum = fvi_pack_take(bytes + 64, 8);
    for (int s = 0; s < FVI_PACK_SPLITS; s++) {
        fvi_pack_split *split = &header->split[s];
        const unsigned char *at = bytes + SPLITS_AT + s * SPLIT_BYTES;
        split->samples = fvi_pack_take(at, 8);
        split->index = fvi_pack_take(at + 8, 8);
        split->targets = fvi_pack_take(at + 16, 8);
        split->data = fvi_pack_take(at + 24, 8);
        split->data_bytes = fvi_pack_take(at + 32, 8);
        for (int c = 0; c < FV_MAX_CHANNELS; c++) {
            split->mean[c] = take_real(at + 40 + 8 * c);
            split->deviation[c] = take_real(at + 72 + 8 * c);
        }
    }
    return fvi_pack_take(bytes + SUM_AT, 8) == header_sum(bytes);
}
