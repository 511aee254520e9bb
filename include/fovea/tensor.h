/* SPDX-License-Identifier: Apache-2.0
 *
 * tensor.h - element types and shapes. In the API axes go by name: n images, c channels, h rows, w columns.
 */
#ifndef FOVEA_TENSOR_H
#define FOVEA_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_dtype { FV_F32 = 0, FV_F64, FV_BF16, FV_I32, FV_I8, FV_U8 } fv_dtype;

/* The shape of one sample: channels, rows, columns. A feature vector has h = w = 1. */
typedef struct fv_image_shape {
    int32_t c, h, w;
} fv_image_shape;

/* Any shape, outermost axis first. */
typedef struct fv_shape {
    int32_t rank; /* 1 to 6 */
    int64_t size[6];
} fv_shape;

FV_API size_t fv_dtype_size(fv_dtype dtype);      /* bytes of one element */
FV_API const char *fv_dtype_name(fv_dtype dtype); /* "f32", ... */
FV_API int64_t fv_shape_elements(
    const fv_shape *shape); /* product of the sizes; -1 if it overflows, a size is below 1 or rank is not 1 to 6 */

#ifdef __cplusplus
}
#endif

#endif
