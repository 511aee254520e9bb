/* SPDX-License-Identifier: Apache-2.0
 *
 * lsuv_test.c - layer-sequential unit-variance initial values: every convolution and dense layer gives a variance of 1 for the batch.
 */
#include <math.h>
#include <string.h>

#include "exec/look.h"
#include "train/small_run.h"

enum { N = 32, MOST_NODES = 32 };

/* Six layers behind each other, with ReLU, pooling, batch norm and a shortcut between them, and a bias that is not 0. */
static fv_graph *deep_graph(fv_context *context)
{
    const fv_initializer tenth = { .kind = FV_INIT_CONSTANT, .value = 0.1 };
    const fv_conv2d_options conv = { .filters = 12, .kernel = { 3, 3 }, .padding = FV_PAD_SAME, .bias_init = tenth };
    fv_graph *graph = NULL;
    fv_value x, shortcut, scores, loss;
    assert_int_equal(fv_graph_create(&graph, context, "deep"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 1, SMALL_SIZE, SMALL_SIZE } }, &x),
                     FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, x, &conv, &x), FV_OK);
    assert_int_equal(fv_graph_add_relu(graph, x, &x), FV_OK);
    shortcut = x;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fv_graph_add_conv2d(graph, x, &conv, &x), FV_OK);
        assert_int_equal(fv_graph_add_batch_norm(graph, x, NULL, &x), FV_OK);
        assert_int_equal(fv_graph_add_relu(graph, x, &x), FV_OK);
    }
    const fv_value both[] = { x, shortcut };
    assert_int_equal(fv_graph_add_add(graph, both, 2, &x), FV_OK);
    assert_int_equal(fv_graph_add_max_pool2d(graph, x, &(fv_pool2d_options){ .kernel = { 2, 2 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .units = 300 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_tanh(graph, x, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .units = SMALL_CLASSES }, &scores), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, scores, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
    return graph;
}

static void draw_images(float *images)
{
    fvi_random random = fvi_random_start(1, FVI_PURPOSE_TEST, 0);
    for (int i = 0; i < N * SMALL_SIZE * SMALL_SIZE; i++)
        images[i] = (float)(3 * fvi_random_gaussian(&random) + 1);
}

typedef struct seen {
    fv_session *session;
    const fv_graph *graph;
    int32_t n;
    double *variance; /* [nodes] */
} seen;

static bool note_variance(void *user, fv_value node)
{
    const seen *s = user;
    const fv_image_shape shape = fv_graph_node(s->graph, node).output;
    const size_t count = (size_t)s->n * (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    float *values = malloc((count + 1) * sizeof *values);
    double sum = 0, squares = 0;
    if (fv_session_read(s->session, node, values, count) == FV_OK) {
        for (size_t i = 0; i < count; i++)
            sum += (double)values[i];
        for (size_t i = 0; i < count; i++)
            squares += ((double)values[i] - sum / (double)count) * ((double)values[i] - sum / (double)count);
        s->variance[node] = squares / (double)count;
    }
    free(values);
    return false;
}

/* Of each node's output, by another plan, whose kernels are others. */
static void find_variances(const fv_graph *graph, fv_params *params, const fv_batch *batch, double *variance)
{
    const fv_plan_options options = { .batch = batch->n, .mode = FV_EVALUATE, .reference = true };
    assert_true(fv_graph_node_count(graph) <= MOST_NODES);
    seen s = { .graph = graph, .n = batch->n, .variance = variance };
    fv_plan *plan = NULL;
    const int32_t classes[N] = { 0 };
    fv_batch labelled = *batch;
    labelled.classes = classes;
    assert_int_equal(fv_plan_create(&plan, graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&s.session, plan, params), FV_OK);
    assert_int_equal(fvi_session_forward_looked_at(s.session, &labelled, note_variance, &s), FV_OK);
    fv_session_destroy(s.session);
    fv_plan_destroy(plan);
}

static bool has_weights(const fv_graph *graph, fv_value node)
{
    const char *type = fv_graph_node(graph, node).type;
    return strcmp(type, "conv2d") == 0 || strcmp(type, "dense") == 0;
}

/* Another order of sums in a layer of up to 588 terms changes a value by less than 588 * 2^-24 of their size: far below the tolerance, which is widened
 * by 1e-3 for it. */
FV_TEST(lsuv, gives_a_variance_of_one)
{
    static float images[N * SMALL_SIZE * SMALL_SIZE];
    static const double tolerances[] = { 0, 0.1, 0.001 };
    char hash[3][17] = { "" };
    draw_images(images);
    const fv_batch batch = { .n = N, .images = images };
    for (int32_t threads = 1; threads <= test_threads(3); threads++) {
        fv_context *context = small_context(threads);
        fv_graph *graph = deep_graph(context);
        fv_params *params = small_params(graph, FV_F32);
        for (size_t t = 0; t < 3; t++) {
            char now[17];
            const fv_lsuv_options options = { .seed = 4, .tolerance = tolerances[t] };
            if (fv_params_lsuv(params, &batch, &options) != FV_OK)
                fail_msg("%s", fv_context_message(context));
            const double tolerance = (tolerances[t] > 0 ? tolerances[t] : 0.01) + 1e-3;
            double variance[MOST_NODES] = { 0 };
            find_variances(graph, params, &batch, variance);
            for (fv_value node = 0; node < fv_graph_node_count(graph); node++)
                if (has_weights(graph, node) && !(fabs(variance[node] - 1) <= tolerance))
                    fail_msg("%s: a variance of %g", fv_graph_node(graph, node).name, variance[node]);
            fv_params_hash(params, now);
            if (threads == 1)
                memcpy(hash[t], now, sizeof now);
            assert_string_equal(hash[t], now);
        }
        fv_params_destroy(params);
        fv_graph_destroy(graph);
        fv_context_destroy(context);
    }
}

/* He's values do not: the test can fail. And rows stay at right angles, of one length. */
FV_TEST(lsuv, only_scales_orthogonal_weights)
{
    static float images[N * SMALL_SIZE * SMALL_SIZE];
    draw_images(images);
    const fv_batch batch = { .n = N, .images = images };
    fv_context *context = small_context(1);
    fv_graph *graph = deep_graph(context);
    fv_params *params = small_params(graph, FV_F32);
    double worst = 0;
    double variance[MOST_NODES] = { 0 };
    find_variances(graph, params, &batch, variance);
    for (fv_value node = 0; node < fv_graph_node_count(graph); node++)
        if (has_weights(graph, node))
            worst = fmax(worst, fabs(variance[node] - 1));
    assert_true(worst > 0.5);
    assert_int_equal(fv_params_lsuv(params, &batch, NULL), FV_OK);
    const int32_t last = fv_params_count(params) - 2; /* the last dense layer: 4 rows of 300 */
    const fv_param_info info = fv_params_info(params, last);
    assert_int_equal(info.elements, 4 * 300);
    const float *w = fv_params_values(params, last);
    double product[4][4] = { { 0 } };
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            for (int i = 0; i < 300; i++)
                product[a][b] += (double)w[a * 300 + i] * (double)w[b * 300 + i];
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++) /* 300 products of floats, each rounded twice */
            assert_true(fabs(product[a][b] / product[0][0] - (a == b)) < 300 * 0x1p-22);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

static void count_warnings(void *user, fv_log_level level, const char *message)
{
    (void)message;
    *(int *)user += level == FV_LOG_WARNING;
}

/* Black images: every layer before the bias gives one value, which no factor changes. */
FV_TEST(lsuv, warns_of_layers_without_variance)
{
    static const float images[N * SMALL_SIZE * SMALL_SIZE];
    int warnings = 0;
    const fv_context_options options = { .threads = 1, .log = count_warnings, .log_user = &warnings };
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    fv_graph *graph = small_graph(context, true);
    fv_params *params = small_params(graph, FV_F32);
    const fv_batch batch = { .n = N, .images = images };
    assert_int_equal(fv_params_lsuv(params, &batch, NULL), FV_OK);
    assert_int_equal(warnings, 2);
    const fv_batch empty = { .n = 0, .images = images };
    assert_int_equal(fv_params_lsuv(params, &empty, NULL), FV_ERR_ARGUMENT);
    assert_int_equal(fv_params_lsuv(params, &batch, &(fv_lsuv_options){ .tolerance = -1 }), FV_ERR_ARGUMENT);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(lsuv, gives_a_variance_of_one, only_scales_orthogonal_weights, warns_of_layers_without_variance)
