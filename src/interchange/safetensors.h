/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors.h - the container of model files: 8 bytes of header length (little-endian), a JSON header, the tensors' bytes.
 * Format: https://github.com/huggingface/safetensors, "Format". Here without knowledge of networks.
 */
#ifndef FVI_SAFETENSORS_H
#define FVI_SAFETENSORS_H

#include <jansson.h>

#include "base/base.h"
#include "fovea/tensor.h"

enum { FVI_SAFETENSORS_HEADER = 16 << 20, FVI_SAFETENSORS_TENSORS = 1 << 16 };

typedef struct fvi_stored_tensor {
    const char *name; /* borrowed from the header */
    const char *dtype;
    fv_shape shape;      /* rank 0 to 6 */
    uint64_t begin, end; /* bytes of the data section */
    int32_t parameter;   /* for the caller */
} fvi_stored_tensor;

/* A file whose header has been read and checked: every tensor lies inside the file, has the bytes that its dtype and shape need, and
 * together they cover the data section without gap or overlap. */
typedef struct fvi_safetensors {
    fv_context *context;
    const char *path; /* borrowed */
    int descriptor;
    json_t *header, *metadata;  /* metadata NULL: the file has none */
    fvi_stored_tensor *tensors; /* in the order of the file's bytes */
    int32_t count;
    uint64_t data_offset, data_bytes;
} fvi_safetensors;

/* FV_ERR_NOT_FOUND, FV_ERR_IO, FV_ERR_FORMAT, FV_ERR_MEMORY; then there is nothing to close. */
fv_status fvi_safetensors_open(fvi_safetensors *file, fv_context *context, const char *path);
void fvi_safetensors_close(fvi_safetensors *file);
/* A text of the metadata, or NULL. */
const char *fvi_safetensors_text(const fvi_safetensors *file, const char *key);
/* Reads `count` bytes from byte `offset` of the data section. */
fv_status fvi_safetensors_read(const fvi_safetensors *file, uint64_t offset, void *bytes, size_t count);
/* Compares the header with its own checksum; files of other writers have none and are taken as they are. */
fv_status fvi_safetensors_check_header(const fvi_safetensors *file);
/* The same, then reads all tensors and compares them with the checksum of the metadata: FV_ERR_FORMAT where it differs or is missing. */
fv_status fvi_safetensors_check(const fvi_safetensors *file);
/* Bytes of an element of a dtype ("F32"); 0: unknown. */
size_t fvi_safetensors_dtype_bytes(const char *dtype);
/* XXH64 of the header as compact JSON with its keys sorted, without the key "header_checksum" in its metadata. False: memory is short. */
bool fvi_safetensors_header_checksum(const json_t *header, uint64_t *value);

/* A tensor to be written: borrowed, row-major, in this machine's order of bytes. */
typedef struct fvi_tensor_source {
    const char *name;
    const char *dtype; /* as in the file: "F32" */
    fv_shape shape;    /* rank 0: a single value */
    const void *values;
} fvi_tensor_source;

/* Writes path whole (fvi_writer). metadata: an object of texts, borrowed, which gets "checksum" and "header_checksum". */
fv_status fvi_safetensors_write(fv_context *context, const char *path, json_t *metadata,
                                const fvi_tensor_source *sources, int32_t count);

/* `count` values of `size` bytes between this machine's order of bytes and the file's: swaps on a big-endian machine, else nothing. */
static inline void fvi_little_endian(void *values, size_t count, size_t size)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    unsigned char *bytes = values;
    for (size_t i = 0; i < count; i++, bytes += size)
        for (size_t j = 0; j < size / 2; j++) {
            const unsigned char kept = bytes[j];
            bytes[j] = bytes[size - 1 - j];
            bytes[size - 1 - j] = kept;
        }
#else
    (void)values;
    (void)count;
    (void)size;
#endif
}

#endif
