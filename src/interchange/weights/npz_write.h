/* SPDX-License-Identifier: Apache-2.0
 *
 * npz_write.h - arrays into NumPy's .npz: a zip file of .npy files.
 */
#ifndef FVI_NPZ_WRITE_H
#define FVI_NPZ_WRITE_H

#include "interchange/safetensors.h"

/* Writes path whole (fvi_writer), uncompressed, the same bytes for the same arrays. FV_ERR_UNSUPPORTED for an array, or all together, of 4 GiB and more, FV_ERR_ARGUMENT
 * for a dtype that NumPy has not (BF16). */
fv_status fvi_npz_write(fv_context *context, const char *path, const fvi_tensor_source *sources, int32_t count);
/* CRC-32 of zip files (ISO 3309, polynomial 0x04C11DB7, reflected 0xEDB88320) of count bytes; crc: that of those before them, 0 at first. "123456789" gives
 * 0xCBF43926. */
uint32_t fvi_crc32(uint32_t crc, const void *bytes, size_t count);

#endif
