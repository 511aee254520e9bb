/* SPDX-License-Identifier: Apache-2.0
 *
 * shape.c - element types and shapes.
 */
#include "fovea/tensor.h"

static const struct {
    size_t size;
    const char *name;
} dtypes[] = {
    [FV_F32] = { 4, "f32" }, [FV_F64] = { 8, "f64" }, [FV_BF16] = { 2, "bf16" },
    [FV_I32] = { 4, "i32" }, [FV_I8] = { 1, "i8" },   [FV_U8] = { 1, "u8" },
};

size_t fv_dtype_size(fv_dtype dtype)
{
    return dtypes[dtype].size;
}

const char *fv_dtype_name(fv_dtype dtype)
{
    return dtypes[dtype].name;
}

int64_t fv_shape_elements(const fv_shape *shape)
{
    int64_t elements = 1;
    if (shape->rank < 1 || shape->rank > 6)
        return -1;
    for (int32_t axis = 0; axis < shape->rank; axis++)
        if (shape->size[axis] < 1 || __builtin_mul_overflow(elements, shape->size[axis], &elements))
            return -1;
    return elements;
}
