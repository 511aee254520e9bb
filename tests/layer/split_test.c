/* SPDX-License-Identifier: Apache-2.0
 *
 * split_test.c - every element of a view is in exactly one run and every item in exactly one task, for dense, strided,
 * bordered and sliced views and for sizes around the length of a task.
 */
#include "layer/split.h"

#include <stdlib.h>

#include "support/test.h"

static void count_run(const void *argument, size_t count, void *const *at)
{
    (void)argument;
    float *first = at[0], *second = at[1];
    for (size_t i = 0; i < count; i++) {
        first[i] += 1;
        second[i] += 1;
    }
}

/* Counts visits of a view made inside a block with these extras. */
static fvi_view make_view(float **memory, size_t *elements, int32_t n, int32_t h, int32_t w, int32_t c, int32_t extra,
                          int32_t border)
{
    fvi_view view = {
        .n = n, .h = h, .w = w, .c = c, .pixel_stride = c + extra, .border = { border, border, border, border }
    };
    view.row_stride = view.pixel_stride * (w + 2 * border);
    view.image_stride = view.row_stride * (h + 2 * border);
    *elements = (size_t)view.image_stride * (size_t)n;
    *memory = calloc(*elements, sizeof **memory);
    assert_non_null(*memory);
    view.data = *memory + border * view.row_stride + border * view.pixel_stride;
    return view;
}

static void check_once(const fvi_view *view, const float *memory, size_t elements)
{
    double all = 0, inside = 0;
    for (size_t i = 0; i < elements; i++)
        all += (double)memory[i];
    for (int32_t n = 0; n < view->n; n++)
        for (int32_t h = 0; h < view->h; h++)
            for (int32_t w = 0; w < view->w; w++)
                for (int32_t c = 0; c < view->c; c++) {
                    const float visits = ((const float *)fvi_view_at(view, FV_F32, n, h, w))[c];
                    assert_true(visits == 1.0f);
                    inside += (double)visits;
                }
    assert_true(all == inside);
}

FV_TEST(split, every_element_is_in_one_run)
{
    static const int32_t shapes[][4] = { { 1, 1, 1, 1 },     { 3, 4, 5, 6 },   { 2, 1, 1, 20000 },
                                         { 1, 130, 127, 1 }, { 5, 28, 28, 6 }, { 1, 128, 128, 1 } };
    fv_context *context = NULL;
    const fv_context_options options = { .threads = 3 };
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int32_t kind = 0; kind < 4; kind++) {
            float *first = NULL, *second = NULL;
            size_t first_elements = 0, second_elements = 0;
            const int32_t *s = shapes[i];
            const fvi_view a = make_view(&first, &first_elements, s[0], s[1], s[2], s[3], 0, 0);
            const fvi_view b = make_view(&second, &second_elements, s[0], s[1], s[2], s[3], kind & 1, kind >> 1);
            const fvi_view *const views[] = { &a, &b };
            fvi_split_runs(context, FV_F32, views, 2, count_run, NULL);
            check_once(&a, first, first_elements);
            check_once(&b, second, second_elements);
            free(first);
            free(second);
        }
    fv_context_destroy(context);
}

static void count_items(const void *argument, size_t first, size_t count)
{
    int *const *visits = argument;
    assert_true(count > 0);
    for (size_t i = first; i < first + count; i++)
        (*visits)[i]++;
}

FV_TEST(split, every_item_is_in_one_task)
{
    static const size_t sizes[] = { 0, 1, 2, 63, 64, 65, 1000 };
    static const size_t elements[] = { 0, 1, 100, FVI_SPLIT_ELEMENTS, FVI_SPLIT_ELEMENTS + 1 };
    fv_context *context = NULL;
    const fv_context_options options = { .threads = 2 };
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t k = 0; k < sizeof elements / sizeof elements[0]; k++) {
            int *visits = calloc(sizes[i] + 1, sizeof *visits);
            assert_non_null(visits);
            fvi_split_items(context, sizes[i], elements[k], count_items, &visits);
            for (size_t item = 0; item < sizes[i]; item++)
                assert_int_equal(visits[item], 1);
            assert_int_equal(visits[sizes[i]], 0);
            free(visits);
        }
    fv_context_destroy(context);
}

FV_TESTS(split, every_element_is_in_one_run, every_item_is_in_one_task)
