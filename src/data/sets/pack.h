/* SPDX-License-Identifier: Apache-2.0
 *
 * pack.h - the header of a pack, as numbers and as the 512 bytes of the file (docs/formats.md#packs). Everything is little-endian.
 */
#ifndef FVI_PACK_H
#define FVI_PACK_H

#include "data/dataset_internal.h"
#include "fovea/loader.h"

enum {
    FVI_PACK_HEADER = 512,
    FVI_PACK_VERSION = 1,
    FVI_PACK_ENTRY = 24, /* bytes of the index for a sample */
    FVI_PACK_ALIGNMENT = 64,
    FVI_PACK_SPLITS = 3
};

typedef enum fvi_pack_kind {
    FVI_PACK_ALIKE = 1, /* images of one shape */
    FVI_PACK_MIXED,     /* images, each of its own shape: there is an index */
    FVI_PACK_NUMBERS
} fvi_pack_kind;

/* Where the parts of a split lie: bytes from the beginning of the file. */
typedef struct fvi_pack_split {
    uint64_t samples, index, targets, data, data_bytes;
    double mean[FV_MAX_CHANNELS], deviation[FV_MAX_CHANNELS];
} fvi_pack_split;

typedef struct fvi_pack_header {
    uint32_t kind, classes, target_count;
    fv_image_shape shape; /* zeros where kind is mixed */
    uint64_t file_bytes, names, names_bytes;
    uint64_t checksum; /* XXH64 of all behind the header */
    fvi_pack_split split[FVI_PACK_SPLITS];
} fvi_pack_header;

/* What a pack is called that is opened by its folder. */
#define FVI_PACK_NAME "data.pack"
extern const char fvi_pack_magic[8];

void fvi_pack_encode(const fvi_pack_header *header, unsigned char bytes[FVI_PACK_HEADER]);
/* False: the checksum of the header is another. The magic and the version are not looked at. */
bool fvi_pack_decode(const unsigned char bytes[FVI_PACK_HEADER], fvi_pack_header *header);
void fvi_pack_put(unsigned char *bytes, uint64_t value, int count);
uint64_t fvi_pack_take(const unsigned char *bytes, int count);

/* pack.c. A pack at path; the test split is the validation split where there is only that. */
fv_status fvi_pack_open(fv_dataset **out, fv_context *context, const char *where, const char *path, fv_split split);

#endif
