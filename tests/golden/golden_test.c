/* SPDX-License-Identifier: Apache-2.0
 *
 * golden_test.c - two training steps of each named network against PyTorch in float64 (tools/golden.py made the
 * values). A tensor's error is max|a-b| / max|b| over the committed elements; sums and norms are compared on the scale
 * of the norm.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/fovea.h"
#include "support/test.h"
#include "support/values.h"

enum { BATCH = 4, CLASSES = 10, SAMPLES = 24, LINE = 4096 };

/* As in tools/golden.py. */
static const double rate = 0.05, momentum = 0.9, decay = 0.01;

typedef struct golden {
    fv_context *context;
    fv_graph *graph;
    fv_params *params;
    fv_plan *plan;
    fv_session *session;
    fv_optimizer *optimizer;
    double *images;
    int32_t classes[BATCH];
    FILE *file;
    double bar;   /* on a tensor's error */
    double worst; /* seen */
} golden;

static double get(const fv_params *params, const void *values, size_t index)
{
    return fv_params_dtype(params) == FV_F32 ? (double)((const float *)values)[index] : ((const double *)values)[index];
}

static void set_params(fv_params *params)
{
    for (int32_t p = 0; p < fv_params_count(params); p++) {
        const fv_param_info info = fv_params_info(params, p);
        const int64_t fan_in = info.shape.rank > 1 ? info.elements / info.shape.size[0] : 64;
        const double scale = exp2(floor(log2(2 * sqrt(6 / (double)fan_in))));
        void *values = fv_params_values(params, p);
        for (uint32_t i = 0; i < (uint32_t)info.elements; i++) {
            if (fv_params_dtype(params) == FV_F32)
                ((float *)values)[i] = (float)(scale * test_hashed(i, (uint32_t)p));
            else
                ((double *)values)[i] = scale * test_hashed(i, (uint32_t)p);
        }
    }
}

/* The next line of the file, which must be called name, as numbers; returns their count. */
static size_t next_line(golden *g, const char *name, double *numbers, size_t room)
{
    char line[LINE];
    assert_non_null(fgets(line, sizeof line, g->file));
    char *at = strchr(line, ' ');
    assert_non_null(at);
    *at++ = '\0';
    assert_string_equal(line, name);
    size_t count = 0;
    for (char *end = at; count < room; at = end, count++) {
        numbers[count] = strtod(at, &end);
        if (end == at)
            break;
    }
    return count;
}

static void check_near(golden *g, const char *name, double got, double want, double scale)
{
    const double error = fabs(got - want) / scale;
    if (!(error <= g->bar))
        print_error("%s: %.17g, PyTorch has %.17g: error %.3g of the tensor's size, allowed %.3g\n", name, got, want,
                    error, g->bar);
    assert_true(error <= g->bar);
    g->worst = fmax(g->worst, error);
}

static void check_tensor(golden *g, const char *what, int32_t step, int32_t index, fv_params *params)
{
    char name[64];
    double facts[3], samples[SAMPLES];
    const void *values = fv_params_values(params, index);
    const size_t elements = (size_t)fv_params_info(params, index).elements;
    snprintf(name, sizeof name, "%s%d.%d", what, step, index);
    assert_int_equal(next_line(g, name, facts, 3), 3);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < elements; i++) {
        sum += get(params, values, i);
        squares += get(params, values, i) * get(params, values, i);
    }
    check_near(g, name, sum, facts[0], facts[1] * sqrt((double)elements)); /* |sum| <= norm * sqrt(elements) */
    check_near(g, name, sqrt(squares), facts[1], facts[1]);
    snprintf(name, sizeof name, "%s_sample%d.%d", what, step, index);
    const size_t count = next_line(g, name, samples, SAMPLES);
    assert_int_equal(count, elements < SAMPLES ? elements : SAMPLES);
    for (size_t i = 0; i < count; i++)
        check_near(g, name, get(params, values, i * elements / count), samples[i], facts[2]);
}

static void check_step(golden *g, int32_t step)
{
    char name[64];
    double loss = 0, logits[BATCH * CLASSES], got[BATCH * CLASSES];
    const fv_batch batch = {
        .n = BATCH, .images = g->images, .dtype = FV_F64, .order = FV_NCHW, .classes = g->classes
    };
    fv_step_result result;
    assert_int_equal(fv_session_step(g->session, &batch, &result), FV_OK);
    snprintf(name, sizeof name, "loss%d", step);
    assert_int_equal(next_line(g, name, &loss, 1), 1);
    check_near(g, name, result.loss / result.weight, loss, loss);
    snprintf(name, sizeof name, "logits%d", step);
    assert_int_equal(next_line(g, name, logits, BATCH * CLASSES), BATCH * CLASSES);
    assert_int_equal(fv_session_read(g->session, fv_graph_output(g->graph), got, BATCH * CLASSES), FV_OK);
    double largest = 0;
    for (size_t i = 0; i < BATCH * CLASSES; i++)
        largest = fmax(largest, fabs(logits[i]));
    for (size_t i = 0; i < BATCH * CLASSES; i++)
        check_near(g, name, fv_params_dtype(g->params) == FV_F32 ? (double)((float *)(void *)got)[i] : got[i],
                   logits[i], largest);
    for (int32_t p = 0; p < fv_params_count(g->params); p++)
        check_tensor(g, "gradient", step, p, fv_session_gradients(g->session));
    assert_int_equal(fv_optimizer_update(g->optimizer, fv_session_gradients(g->session), rate), FV_OK);
    fv_session_params_changed(g->session);
    for (int32_t p = 0; p < fv_params_count(g->params); p++)
        check_tensor(g, "weights", step, p, g->params);
}

/* Forward and backward of one float32 network lose at most about one eps per term of every sum on the way: the terms of
 * all reductions, forward, by data and by weights, are added up. */
static double float_bar(const fv_graph *graph)
{
    double terms = 0;
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        const double outputs = (double)node.output.c * node.output.h * node.output.w;
        if (node.multiply_adds == 0)
            continue;
        const double inputs = (double)node.multiply_adds / outputs; /* of one output */
        terms += 2 * inputs + BATCH * (double)node.output.h * node.output.w;
    }
    return terms * 1.1920928955078125e-7 / 2;
}

static void run(const char *network, fv_dtype dtype, bool reference)
{
    golden g = { 0 };
    char path[512];
    snprintf(path, sizeof path, "%s/golden/%s.txt", FVI_TEST_SOURCE, network);
    g.file = fopen(path, "r");
    assert_non_null(g.file);
    assert_int_equal(fv_context_create(&g.context, NULL), FV_OK);
    assert_int_equal(fv_zoo_build(&g.graph, g.context, network), FV_OK);
    g.bar = dtype == FV_F64 ? 1e-10 : float_bar(g.graph);
    const fv_plan_options options = { .batch = BATCH, .dtype = dtype, .reference = reference };
    assert_int_equal(fv_params_create(&g.params, g.graph, dtype), FV_OK);
    assert_int_equal(fv_plan_create(&g.plan, g.graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&g.session, g.plan, g.params), FV_OK);
    const fv_optimizer_options sgd = { .momentum = momentum, .weight_decay = decay };
    assert_int_equal(fv_optimizer_create(&g.optimizer, g.params, &sgd), FV_OK);
    set_params(g.params);
    const fv_image_shape shape = fv_graph_node(g.graph, fv_graph_input(g.graph)).output;
    const size_t elements = (size_t)BATCH * (size_t)(shape.c * shape.h * shape.w);
    g.images = malloc(elements * sizeof *g.images);
    assert_non_null(g.images);
    for (uint32_t i = 0; i < elements; i++)
        g.images[i] = 2 * test_hashed(i, 1000);
    for (uint32_t i = 0; i < BATCH; i++)
        g.classes[i] = (int32_t)(test_hash(i, 2000) % CLASSES);
    for (int32_t step = 0; step < 2; step++)
        check_step(&g, step);
    assert_int_equal(fgetc(g.file), EOF);
    print_message("%s %s%s: worst error %.2g, allowed %.2g\n", network, fv_dtype_name(dtype),
                  reference ? " reference" : "", g.worst, g.bar);
    fclose(g.file);
    free(g.images);
    fv_optimizer_destroy(g.optimizer);
    fv_session_destroy(g.session);
    fv_plan_destroy(g.plan);
    fv_params_destroy(g.params);
    fv_graph_destroy(g.graph);
    fv_context_destroy(g.context);
}

static void run_all(const char *network)
{
    run(network, FV_F64, false);
    run(network, FV_F32, true);
    run(network, FV_F32, false);
}

FV_TEST(golden, lenet5)
{
    run_all("lenet5");
}

FV_TEST(golden, convnetjs_mnist)
{
    run_all("convnetjs-mnist");
}

FV_TEST(golden, convnetjs_cifar10)
{
    run_all("convnetjs-cifar10");
}

FV_TESTS(golden, lenet5, convnetjs_mnist, convnetjs_cifar10)
