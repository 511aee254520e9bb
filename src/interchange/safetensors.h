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

#endif
