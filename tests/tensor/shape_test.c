/* SPDX-License-Identifier: Apache-2.0
 *
 * shape_test.c - element types and the number of elements.
 */
#include <string.h>

#include "fovea/tensor.h"
#include "support/test.h"

FV_TEST(shape, dtypes)
{
    static const struct {
        fv_dtype dtype;
        size_t size;
        const char *name;
    } all[] = { { FV_F32, 4, "f32" }, { FV_F64, 8, "f64" }, { FV_BF16, 2, "bf16" },
                { FV_I32, 4, "i32" }, { FV_I8, 1, "i8" },   { FV_U8, 1, "u8" } };
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(fv_dtype_size(all[i].dtype), all[i].size);
        assert_string_equal(fv_dtype_name(all[i].dtype), all[i].name);
    }
}

FV_TEST(shape, elements)
{
    assert_int_equal(fv_shape_elements(&(fv_shape){ 4, { 2, 3, 5, 7 } }), 210);
    assert_int_equal(fv_shape_elements(&(fv_shape){ 1, { 9 } }), 9);
    assert_int_equal(fv_shape_elements(&(fv_shape){ 2, { 9, 0 } }), -1);
    assert_int_equal(fv_shape_elements(&(fv_shape){ 2, { -3, -3 } }), -1);
    assert_int_equal(fv_shape_elements(&(fv_shape){ 0, { 1 } }), -1);
    assert_int_equal(fv_shape_elements(&(fv_shape){ 7, { 1, 1, 1, 1, 1, 1 } }), -1);
    assert_int_equal(fv_shape_elements(&(fv_shape){ 3, { INT32_MAX, INT32_MAX, INT32_MAX } }), -1);
    assert_true(fv_shape_elements(&(fv_shape){ 2, { INT32_MAX, INT32_MAX } }) == (int64_t)INT32_MAX * INT32_MAX);
}

FV_TESTS(shape, dtypes, elements)
