/* SPDX-License-Identifier: Apache-2.0
 *
 * max_norm_test.c - after an update no unit's incoming weights are longer than max_norm, shorter ones are as they were, and
 * threads change nothing.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"

enum { FILTERS = 6, UNITS = 700 };

static const double conv_limit = 0.9, dense_limit = 1.25;

typedef struct fixture {
    test_allocator allocator;
    fv_context *context;
    fv_graph *graph;
    fv_params *params, *before, *gradients;
    fv_optimizer *optimizer;
} fixture;

static fixture *start(int32_t threads, fv_dtype dtype)
{
    fixture *f = calloc(1, sizeof *f);
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    const fv_conv2d_options conv = { .filters = FILTERS, .kernel = { 3, 3 }, .max_norm = conv_limit };
    const fv_dense_options dense = { .units = UNITS, .max_norm = dense_limit }, free = { .units = 3 };
    f->context = test_context(&f->allocator, threads);
    assert_int_equal(fv_graph_create(&f->graph, f->context, "limits"), FV_OK);
    assert_int_equal(fv_graph_add_input(f->graph, &(fv_input_options){ .shape = { 1, 8, 8 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(f->graph, x, &conv, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(f->graph, x, &dense, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(f->graph, x, &free, &x), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(f->graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(f->graph, x), FV_OK);
    assert_int_equal(fv_params_create(&f->params, f->graph, dtype), FV_OK);
    assert_int_equal(fv_params_create(&f->before, f->graph, dtype), FV_OK);
    assert_int_equal(fv_params_create(&f->gradients, f->graph, dtype), FV_OK);
    fv_params_initialize(f->params, 3);
    assert_int_equal(fv_params_copy(f->before, f->params), FV_OK);
    assert_int_equal(fv_optimizer_create(&f->optimizer, f->params, NULL), FV_OK);
    return f;
}

static void end(fixture *f)
{
    fv_optimizer_destroy(f->optimizer);
    fv_params_destroy(f->params);
    fv_params_destroy(f->before);
    fv_params_destroy(f->gradients);
    fv_graph_destroy(f->graph);
    fv_context_destroy(f->context);
    assert_int_equal(f->allocator.live, 0);
    free(f);
}

static double get(fv_params *params, int32_t index, int64_t element)
{
    const void *values = fv_params_values(params, index);
    return fv_params_dtype(params) == FV_F64 ? ((const double *)values)[element]
                                             : (double)((const float *)values)[element];
}

/* Gradients are zero, so an update only limits norms. A sum of `length` squares and the scaling err by (length + 3) eps. */
static void check_rows(fixture *f, int32_t index, double eps)
{
    const fv_param_info info = fv_params_info(f->params, index);
    const int64_t rows = info.shape.size[0], length = info.elements / rows;
    int limited = 0, kept = 0;
    for (int64_t row = 0; row < rows; row++) {
        double squares = 0;
        for (int64_t i = row * length; i < (row + 1) * length; i++)
            squares += pow(get(f->before, index, i), 2);
        const double factor = info.max_norm > 0 && sqrt(squares) > info.max_norm ? info.max_norm / sqrt(squares) : 1;
        limited += factor < 1;
        kept += factor == 1;
        for (int64_t i = row * length; i < (row + 1) * length; i++) {
            const double expected = factor * get(f->before, index, i);
            assert_true(fabs(get(f->params, index, i) - expected) <=
                        (factor == 1 ? 0 : (double)(length + 3) * eps * fabs(expected)));
        }
    }
    if (info.max_norm > 0)
        assert_true(limited > 0 && kept > 0);
    else
        assert_true(limited == 0);
}

static void check_update(fv_dtype dtype, double eps)
{
    fixture *f = start(2, dtype);
    assert_int_equal(fv_optimizer_update(f->optimizer, f->gradients, 0.1), FV_OK);
    for (int32_t i = 0; i < fv_params_count(f->params); i++)
        check_rows(f, i, eps);
    assert_true(fv_params_info(f->params, 0).max_norm == conv_limit && fv_params_info(f->params, 1).max_norm == 0);
    end(f);
}

FV_TEST(max_norm, long_rows_are_scaled_down_and_short_ones_stay)
{
    check_update(FV_F64, DBL_EPSILON);
    check_update(FV_F32, FLT_EPSILON);
}

FV_TEST(max_norm, threads_do_not_change_a_bit)
{
    char expected[17], hash[17];
    for (int32_t threads = 1; threads <= test_threads(4); threads++) {
        fixture *f = start(threads, FV_F32);
        assert_int_equal(fv_optimizer_update(f->optimizer, f->gradients, 0.1), FV_OK);
        fv_params_hash(f->params, threads == 1 ? expected : hash);
        if (threads > 1)
            assert_string_equal(hash, expected);
        end(f);
    }
}

FV_TEST(max_norm, a_negative_norm_is_refused)
{
    fixture *f = start(1, FV_F32);
    fv_graph *graph = NULL;
    fv_value x = FV_NO_VALUE;
    const fv_dense_options bad = { .name = "d", .units = 2, .max_norm = -1 };
    assert_int_equal(fv_graph_create(&graph, f->context, "bad"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 1, 1, 1 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &bad, &x), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(f->context), "max_norm -1"));
    fv_graph_destroy(graph);
    end(f);
}

FV_TESTS(max_norm, long_rows_are_scaled_down_and_short_ones_stay, threads_do_not_change_a_bit,
         a_negative_norm_is_refused)
