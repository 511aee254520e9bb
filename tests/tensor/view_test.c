/* SPDX-License-Identifier: Apache-2.0
 *
 * view_test.c - addresses, borders, slices of channels, and copies from and to n, c, h, w order.
 */
#include "tensor/view.h"

#include <stdbool.h>
#include <string.h>

#include "support/test.h"

enum { MOST = 4096 };

FV_TEST(view, dense_addresses)
{
    float data[2 * 3 * 4 * 5];
    const fvi_view view = fvi_view_dense(data, 2, 3, 4, 5);
    assert_ptr_equal(fvi_view_at(&view, FV_F32, 0, 0, 0), data);
    assert_ptr_equal(fvi_view_at(&view, FV_F32, 1, 2, 3), data + 1 * 60 + 2 * 20 + 3 * 5);
    assert_int_equal(fvi_view_contiguous_run(&view), 60);
    const fvi_view first = fvi_view_first(view, 1);
    assert_int_equal(first.n, 1);
    assert_ptr_equal(first.data, data);
}

/* n images of h x w x c inside a border, c channels from `offset` of `all` channels. */
static fvi_view bordered(void *block, size_t size, const int32_t border[4], int32_t offset, int32_t all)
{
    const int32_t h = 3, w = 2;
    fvi_view view = { .n = 2, .h = h, .w = w, .c = 3, .pixel_stride = all };
    view.row_stride = (ptrdiff_t)(w + border[1] + border[3]) * all;
    view.image_stride = (h + border[0] + border[2]) * view.row_stride;
    memcpy(view.border, border, sizeof view.border);
    view.data = (char *)block + (size_t)(border[0] * view.row_stride + border[1] * all + offset) * size;
    return view;
}

FV_TEST(view, elements_of_an_image_with_its_border)
{
    assert_int_equal(fvi_view_image_elements(3, 2, 5, (const int32_t[4]){ 0, 0, 0, 0 }), 30);
    assert_int_equal(fvi_view_image_elements(3, 2, 5, (const int32_t[4]){ 1, 2, 3, 4 }), 7 * 8 * 5);
}

FV_TEST(view, clearing_the_border_touches_nothing_else)
{
    const int32_t border[4] = { 1, 2, 0, 1 };
    for (int32_t all = 3; all <= 5; all += 2) { /* all channels, or a slice of five */
        float block[MOST];
        for (size_t i = 0; i < MOST; i++)
            block[i] = 1.0f;
        const int32_t offset = all == 3 ? 0 : 1;
        const fvi_view view = bordered(block, sizeof(float), border, offset, all);
        fvi_view_clear_border(&view, FV_F32, 1, 1);
        const int32_t rows = 4, columns = 5;
        for (int32_t n = 0; n < 2; n++)
            for (int32_t i = 0; i < rows; i++)
                for (int32_t j = 0; j < columns; j++)
                    for (int32_t c = 0; c < all; c++) {
                        const bool inside = i >= 1 && j >= 2 && j < 4;
                        const bool ours = c >= offset && c < offset + 3;
                        const float expected = n == 1 && !inside && ours ? 0.0f : 1.0f;
                        assert_true(block[((n * rows + i) * columns + j) * all + c] == expected);
                    }
        for (size_t i = (size_t)(2 * rows * columns * all); i < MOST; i++)
            assert_true(block[i] == 1.0f);
    }
}

FV_TEST(view, nchw_there_and_back)
{
    const int32_t border[4] = { 1, 1, 1, 1 };
    const fv_dtype dtypes[] = { FV_F32, FV_F64, FV_BF16, FV_U8, FV_I32, FV_I8 };
    for (size_t d = 0; d < 6; d++) {
        const size_t size = fv_dtype_size(dtypes[d]);
        static unsigned char block[MOST * 8], from[2 * 3 * 3 * 2 * 8], back[2 * 3 * 3 * 2 * 8];
        const size_t bytes = 2 * 3 * 3 * 2 * size;
        memset(block, 0, sizeof block);
        memset(back, 0, sizeof back);
        for (size_t i = 0; i < bytes; i++)
            from[i] = (unsigned char)(i * 7 + 1);
        const fvi_view view = bordered(block, size, border, 1, 5);
        fvi_view_from_nchw(&view, dtypes[d], from);
        for (int32_t n = 0; n < 2; n++)
            for (int32_t c = 0; c < 3; c++)
                for (int32_t h = 0; h < 3; h++)
                    for (int32_t w = 0; w < 2; w++) {
                        const unsigned char *element = fvi_view_at(&view, dtypes[d], n, h, w);
                        const size_t index = (size_t)(((n * 3 + c) * 3 + h) * 2 + w);
                        assert_memory_equal(element + (size_t)c * size, from + index * size, size);
                    }
        fvi_view_to_nchw(&view, dtypes[d], back);
        assert_memory_equal(back, from, bytes);
    }
}

FV_TEST(view, contiguous_runs)
{
    float data[64];
    fvi_view view = fvi_view_dense(data, 2, 1, 1, 8);
    view.pixel_stride = 100; /* of no meaning with one pixel */
    view.row_stride = 100;
    assert_int_equal(fvi_view_contiguous_run(&view), 8);
    view = fvi_view_dense(data, 1, 2, 2, 4);
    view.pixel_stride = 6; /* a slice */
    assert_int_equal(fvi_view_contiguous_run(&view), 0);
    view = fvi_view_dense(data, 1, 2, 2, 4);
    view.row_stride += 4;
    assert_int_equal(fvi_view_contiguous_run(&view), 0);
    view = fvi_view_dense(data, 1, 2, 2, 4);
    view.border[3] = 1;
    assert_int_equal(fvi_view_contiguous_run(&view), 0);
}

FV_TESTS(view, dense_addresses, elements_of_an_image_with_its_border, clearing_the_border_touches_nothing_else,
         nchw_there_and_back, contiguous_runs)
