/* SPDX-License-Identifier: Apache-2.0
 *
 * inference_form_test.c - the graph that exporters write computes what the network computes in inference, and holds only what it should.
 */
#include "fovea/inference_form.h"

#include <float.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"

enum { IMAGES = 3, CLASSES = 4 };

static test_allocator allocator;
static fv_context *context;

static int open_context(void **state)
{
    (void)state;
    context = test_context(&allocator, 2);
    return 0;
}

static int close_context(void **state)
{
    (void)state;
    fv_context_destroy(context);
    assert_int_equal(allocator.in_use, 0);
    return 0;
}

static fv_value one(fv_graph *graph, const char *type, fv_value x, const void *options)
{
    return test_add(graph, type, &x, 1, options);
}

/* What folds: convolutions with and without bias, with groups, transposed ones with groups, dense layers. What does not: a
 * normalisation of the image, of a value with two readers, one behind another. An auxiliary classifier, dropout of both kinds, identity. */
static fv_graph *make_graph(void)
{
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 3, 7, 6 }, &image);
    const fv_conv2d_options
        plain = { .name = "plain", .filters = 6, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 }, .no_bias = true },
        grouped = { .name = "grouped", .filters = 4, .kernel = { 3, 2 }, .groups = 2 },
        read_twice = { .name = "read_twice", .filters = 4 },
        table = { .name = "table", .filters = 2, .connections = { (const int32_t[]){ 1, 0, 1, 1, 0, 1, 1, 0 }, 8 } };
    const fv_conv2d_transpose_options transposed = {
        .name = "transposed", .filters = 4, .kernel = { 3, 2 }, .stride = { 2, 1 }, .groups = 2, .no_bias = true
    };
    fv_value x = one(graph, "batch_norm", image, &(fv_batch_norm_options){ .name = "of_image" });
    x = one(graph, "batch_norm", one(graph, "conv2d", x, &plain), &(fv_batch_norm_options){ .name = "norm_plain" });
    x = one(graph, "relu", x, NULL);
    one(graph, "softmax_cross_entropy",
        one(graph, "dense", x, &(fv_dense_options){ .name = "auxiliary", .units = CLASSES }), NULL);
    x = one(graph, "conv2d", x, &grouped);
    x = one(graph, "batch_norm", x,
            &(fv_batch_norm_options){ .name = "norm_grouped", .no_scale = true, .epsilon = 1e-3 });
    x = one(graph, "batch_norm", x, &(fv_batch_norm_options){ .name = "second" });
    x = one(graph, "identity", one(graph, "dropout", x, &(fv_dropout_options){ .name = "inverted", .drop = 0.5 }),
            NULL);
    x = one(graph, "conv2d_transpose", x, &transposed);
    x = one(graph, "batch_norm", x, &(fv_batch_norm_options){ .name = "norm_transposed", .no_shift = true });
    const fv_value c = one(graph, "conv2d", x, &read_twice);
    const fv_value n = one(graph, "batch_norm", c, &(fv_batch_norm_options){ .name = "norm_read_twice" });
    x = test_add(graph, "add", (fv_value[]){ c, n }, 2, NULL);
    x = one(graph, "batch_norm", one(graph, "conv2d", x, &table), &(fv_batch_norm_options){ .name = "norm_table" });
    x = one(graph, "dropout", x, &(fv_dropout_options){ .name = "classic", .drop = 0.25, .classic = true });
    x = one(graph, "dense", x, &(fv_dense_options){ .name = "scores", .units = CLASSES });
    x = one(graph, "batch_norm", x, &(fv_batch_norm_options){ .name = "norm_scores" });
    one(graph, "softmax_cross_entropy", x, NULL);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    return graph;
}

/* Makes the statistics of normalisations something else than 0 and 1; variances stay positive. */
static void move_statistics(fv_params *params)
{
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        const fv_param_info info = fv_params_info(params, i);
        double *values = fv_params_values(params, i);
        for (int64_t e = 0; !info.trained && e < info.elements; e++)
            values[e] += 0.25 + 0.125 * (double)(e % 3);
    }
}

static void predict(const fv_graph *graph, fv_params *params, const fv_batch *batch, double *scores)
{
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    fv_step_result result;
    const fv_plan_options options = { .batch = IMAGES, .mode = FV_PREDICT, .dtype = FV_F64 };
    assert_int_equal(fv_plan_create(&plan, graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&session, plan, params), FV_OK);
    assert_int_equal(fv_session_forward(session, batch, &result), FV_OK);
    assert_int_equal(fv_session_read(session, fv_graph_output(graph), scores, (size_t)IMAGES * CLASSES), FV_OK);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
}

static bool has_node(const fv_graph *graph, const char *name)
{
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++)
        if (strcmp(fv_graph_node(graph, i).name, name) == 0)
            return true;
    return false;
}

static void check(const fv_inference_form_options *options, const char *const *there, const char *const *gone)
{
    fv_graph *graph = make_graph(), *form = NULL;
    fv_params *form_params = NULL;
    test_run run = test_start(graph, &(fv_plan_options){ .batch = IMAGES, .mode = FV_PREDICT, .dtype = FV_F64 });
    fv_batch batch = test_batch(graph, IMAGES, 7);
    double expected[IMAGES * CLASSES], got[IMAGES * CLASSES];
    move_statistics(run.params);
    predict(graph, run.params, &batch, expected);
    assert_int_equal(fv_inference_form(&form, &form_params, run.params, options), FV_OK);
    predict(form, form_params, &batch, got);
    /* A sum of at most 200 terms in each of seven layers, rounded otherwise. */
    assert_true(test_tensor_error(got, FV_F64, expected, FV_F64, IMAGES * CLASSES) < 7 * 200 * DBL_EPSILON);
    for (int i = 0; there[i] != NULL; i++)
        if (!has_node(form, there[i]))
            fail_msg("'%s' is not in the inference form", there[i]);
    for (int i = 0; gone[i] != NULL; i++)
        if (has_node(form, gone[i]))
            fail_msg("'%s' is in the inference form", gone[i]);
    for (int32_t i = 0; i < fv_graph_node_count(form); i++)
        assert_false(fv_graph_node(form, i).loss || fv_graph_node(form, i).auxiliary);
    test_batch_release(&batch);
    test_end(&run);
    fv_params_destroy(form_params);
    fv_graph_destroy(form);
    fv_graph_destroy(graph);
}

static void normalisation_is_folded(void **state)
{
    (void)state;
    check(NULL,
          (const char *const[]){ "of_image", "second", "norm_read_twice", "norm_table", "classic", "plain", "scores",
                                 NULL },
          (const char *const[]){ "norm_plain", "norm_grouped", "norm_transposed", "norm_scores", "inverted",
                                 "auxiliary", "identity1", NULL });
}

static void normalisation_can_stay(void **state)
{
    (void)state;
    check(&(fv_inference_form_options){ .keep_batch_norm = true },
          (const char *const[]){ "norm_plain", "norm_grouped", "norm_transposed", "norm_scores", NULL },
          (const char *const[]){ "inverted", "auxiliary", NULL });
}

/* A graph of an input that is its output has nothing to leave out. */
static void nothing_to_do(void **state)
{
    (void)state;
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 1, 2, 2 }, &image), *form = NULL;
    fv_params *params = NULL, *form_params = NULL;
    assert_int_equal(fv_graph_finish(graph, image), FV_OK);
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    assert_int_equal(fv_inference_form(&form, &form_params, params, NULL), FV_OK);
    assert_int_equal(fv_graph_node_count(form), 1);
    fv_params_destroy(form_params);
    fv_graph_destroy(form);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

/* Each allocation fails once: FV_ERR_MEMORY, and nothing is lost. */
static void memory_runs_out(void **state)
{
    (void)state;
    fv_graph *graph = make_graph(), *form = NULL;
    fv_params *params = NULL, *form_params = NULL;
    fv_status status = FV_ERR_MEMORY;
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    const size_t before = allocator.in_use;
    long long fail = 0;
    for (; status == FV_ERR_MEMORY && fail < 1000; fail++) {
        test_allocator_fail_after(&allocator, fail);
        status = fv_inference_form(&form, &form_params, params, NULL);
        test_allocator_succeed(&allocator);
        if (status == FV_ERR_MEMORY)
            assert_int_equal(allocator.in_use, before);
    }
    assert_int_equal(status, FV_OK);
    assert_true(fail > 5);
    fv_params_destroy(form_params);
    fv_graph_destroy(form);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(normalisation_is_folded, open_context, close_context),
        cmocka_unit_test_setup_teardown(normalisation_can_stay, open_context, close_context),
        cmocka_unit_test_setup_teardown(nothing_to_do, open_context, close_context),
        cmocka_unit_test_setup_teardown(memory_runs_out, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
