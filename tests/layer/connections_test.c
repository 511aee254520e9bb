/* SPDX-License-Identifier: Apache-2.0
 *
 * connections_test.c - connection tables: LeNet-5's, their equality with a dense convolution whose other weights are zero,
 * and what is refused.
 */
#include "layer/connections.h"

#include <stdlib.h>
#include <string.h>

#include "support/layer_case.h"
#include "support/test.h"
#include "support/values.h"

static fv_context *make_context(void)
{
    fv_context *context = NULL;
    const fv_context_options options = { .threads = 1 };
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

/* LeCun et al. 1998, table I, row by row: input map 0 to 5, an X for each C3 map that reads it. */
static const char *const table_1[6] = {
    "X...XXX..XXXX.XX", "XX...XXX..XXXX.X", "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX", "..XXX..XXXX.XX.X", "...XXX..XXXX.XXX",
};

FV_TEST(connections, lenet5_is_the_table_of_the_paper)
{
    fv_context *context = make_context();
    fvi_arena *arena = NULL;
    const fvi_connections *connections = NULL;
    const fv_conv2d_options options = { .filters = 16, .kernel = { 5, 5 }, .table = FV_TABLE_LENET5 };
    int32_t count = 0;
    assert_int_equal(fvi_connections_check(context, "c3", &options, 6, &count), FV_OK);
    assert_int_equal(count, 60);
    assert_int_equal(fvi_arena_create(&arena, context, 64), FV_OK);
    assert_int_equal(fvi_connections_create(&connections, context, arena, &options, 6), FV_OK);
    assert_int_equal(connections->count, 60);
    int32_t next = 0;
    for (int32_t k = 0; k < 16; k++)
        for (int32_t c = 0; c < 6; c++) {
            const bool exists = next < 60 && connections->position[next] == k * 6 + c;
            assert_int_equal(exists, table_1[c][k] == 'X');
            next += exists;
        }
    assert_int_equal(next, 60);
    fvi_arena_destroy(arena);
    fv_context_destroy(context);
}

/* Forward and backward of a problem with given parameters; y, dx and dw in arrays of their own. */
typedef struct outcome {
    double *y, *dx, *dw;
    size_t y_count, dx_count, dw_count;
} outcome;

static outcome run(fv_context *context, const char *problem, fv_dtype dtype, const double *weight)
{
    const layer_case parsed = layer_case_parse(problem);
    layer_run *run = layer_run_create(&parsed, context, (layer_run_options){ .dtype = dtype });
    layer_param_set(run, 0, weight);
    assert_int_equal(layer_run_forward(run), FV_OK);
    outcome out = { .y_count = layer_view_count(&run->y.view),
                    .dx_count = layer_view_count(&run->dx[0].view),
                    .dw_count = layer_param_count(run, 0) };
    out.y = test_doubles(out.y_count);
    out.dx = test_doubles(out.dx_count);
    out.dw = test_doubles(out.dw_count);
    layer_view_get(run, &run->y.view, out.y);
    assert_int_equal(layer_run_backward(run), FV_OK);
    layer_view_get(run, &run->dx[0].view, out.dx);
    layer_param_get(run, 0, run->dparam[0], out.dw);
    layer_run_destroy(run);
    return out;
}

static void release(outcome *out)
{
    free(out->y);
    free(out->dx);
    free(out->dw);
}

FV_TEST(connections, a_table_is_a_dense_convolution_whose_other_weights_are_zero)
{
    fv_context *context = make_context();
    double kernels[60 * 9], dense[16 * 6 * 9] = { 0 };
    test_fill(kernels, 60 * 9, 3, -1, 1);
    for (size_t i = 0; i < 60 * 9; i++)
        kernels[i] = (double)(float)kernels[i];
    for (int32_t k = 0, next = 0; k < 16; k++)
        for (int32_t c = 0; c < 6; c++)
            if (table_1[c][k] == 'X')
                memcpy(dense + (k * 6 + c) * 9, kernels + 9 * (size_t)next++, 9 * sizeof *dense);
    for (int dtype = FV_F32; dtype <= FV_F64; dtype++) {
        outcome table = run(context, "conv2d n2c6h7w6k16r3p1l1", (fv_dtype)dtype, kernels);
        outcome full = run(context, "conv2d n2c6h7w6k16r3p1", (fv_dtype)dtype, dense);
        assert_int_equal(table.dw_count, 60 * 9);
        assert_memory_equal(table.y, full.y, full.y_count * sizeof *full.y);
        assert_memory_equal(table.dx, full.dx, full.dx_count * sizeof *full.dx);
        for (int32_t k = 0, next = 0; k < 16; k++)
            for (int32_t c = 0; c < 6; c++)
                if (table_1[c][k] == 'X')
                    assert_memory_equal(table.dw + 9 * (size_t)next++, full.dw + (k * 6 + c) * 9, 9 * sizeof *full.dw);
        release(&table);
        release(&full);
    }
    fv_context_destroy(context);
}

FV_TEST(connections, what_cannot_be_is_refused_with_a_reason)
{
    static const int32_t ones[6] = { 1, 1, 1, 1, 1, 1 }, empty_row[6] = { 1, 0, 1, 0, 0, 0 },
                         two[6] = { 1, 2, 1, 1, 1, 1 };
    static const struct {
        fv_conv2d_options options;
        const char *says;
    } cases[] = {
        { { .filters = 2, .connections = { ones, 5 } },
          "connections has 5 values; 2 filters on 3 input channels need 6" },
        { { .filters = 2, .connections = { empty_row, 6 } }, "filter 1 reads no channel" },
        { { .filters = 2, .connections = { two, 6 } }, "connections[1] is 2, not in 0 to 1" },
        { { .filters = 2, .table = FV_TABLE_LENET5, .connections = { ones, 6 } }, "both table and connections" },
        { { .filters = 3, .groups = 3, .connections = { ones, 6 } }, "groups are a table already" },
        { { .filters = 16, .table = FV_TABLE_LENET5 }, "6 input channels and 16 filters, not 3 and 16" },
    };
    fv_context *context = make_context();
    const fv_image_shape in = { 3, 4, 4 };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fvi_infer node = {
            .context = context, .name = "c3", .options = &cases[i].options, .in = &in, .input_count = 1
        };
        assert_int_not_equal(fvi_layer_infer(fvi_layer_find("conv2d"), &node), FV_OK);
        if (!strstr(fv_context_message(context), cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", fv_context_message(context), cases[i].says);
    }
    fv_context_destroy(context);
}

FV_TESTS(connections, lenet5_is_the_table_of_the_paper, a_table_is_a_dense_convolution_whose_other_weights_are_zero,
         what_cannot_be_is_refused_with_a_reason)
