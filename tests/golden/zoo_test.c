/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo_test.c - networks of the zoo against torchvision's in float64 (tools/golden_zoo.py made the values): scores in
 * evaluation, every gradient of one training step without dropout, and the statistics that the step leaves.
 * A tensor's error is counted as in golden_test.c.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/fovea.h"
#include "graph/graph_internal.h"
#include "support/test.h"
#include "support/values.h"

enum { BATCH = 4, CLASSES = 10, SAMPLES = 2, FACTS = 3 + SAMPLES, LINE = 4096 };

typedef struct golden {
    const char *network;
    fv_context *context;
    fv_graph *graph;
    fv_params *params;
    double *images;
    int32_t classes[BATCH];
    FILE *file;
    double bar, worst;
} golden;

/* FNV-1a, 32 bits. */
static uint32_t stream_of(const char *name)
{
    uint32_t state = 0x811C9DC5u;
    for (; *name != '\0'; name++)
        state = (state ^ (uint8_t)*name) * 0x01000193u;
    return state;
}

/* In [-0.5, 0.5), a multiple of 2^-16. */
static double hashed(uint32_t index, uint32_t stream)
{
    return (test_hash(index, stream) >> 16) / 65536.0 - 0.5;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static double get(const fv_params *params, const void *values, size_t index)
{
    return fv_params_dtype(params) == FV_F32 ? (double)((const float *)values)[index] : ((const double *)values)[index];
}

/* As fill() and set_values() of tools/golden_zoo.py. */
static void set_params(fv_params *params)
{
    for (int32_t p = 0; p < fv_params_count(params); p++) {
        const fv_param_info info = fv_params_info(params, p);
        const fv_node_info node = fv_graph_node(fv_params_graph(params), info.node);
        const bool variance = ends_with(info.name, ".running_var");
        const bool around_one = variance || (strcmp(node.type, "batch_norm") == 0 && ends_with(info.name, ".weight"));
        const uint32_t stream = stream_of(info.name);
        double scale = variance ? 0.5 : 0.25;
        if (info.shape.rank > 1)
            scale = exp2(floor(log2(2 * sqrt(6 / ((double)info.elements / (double)info.shape.size[0])))));
        void *values = fv_params_values(params, p);
        for (uint32_t i = 0; i < (uint32_t)info.elements; i++) {
            const double value = (around_one ? 1 : 0) + scale * hashed(i, stream);
            if (fv_params_dtype(params) == FV_F32)
                ((float *)values)[i] = (float)value;
            else
                ((double *)values)[i] = value;
        }
    }
}

/* The same network with no dropout. */
static fv_graph *without_dropout(fv_context *context, const fv_graph *from)
{
    int32_t count;
    const fvi_node *nodes = fvi_graph_nodes(from, &count);
    fv_graph *graph = NULL;
    assert_int_equal(fv_graph_create(&graph, context, fv_graph_name(from)), FV_OK);
    for (int32_t i = 0; i < count; i++) {
        fv_value out;
        fv_dropout_options kept;
        const void *options = nodes[i].options;
        if (strcmp(nodes[i].layer->name, "dropout") == 0) {
            kept = *(const fv_dropout_options *)options;
            kept.drop = 0;
            options = &kept;
        }
        assert_int_equal(
            fv_graph_add(graph, nodes[i].layer->name, nodes[i].inputs, nodes[i].input_count, options, &out), FV_OK);
    }
    assert_int_equal(fv_graph_finish(graph, fv_graph_output(from)), FV_OK);
    return graph;
}

/* The next line, which must be called name, as numbers; returns their count. */
static size_t next_line(golden *g, const char *name, double *numbers, size_t room)
{
    char line[LINE];
    assert_non_null(fgets(line, sizeof line, g->file));
    const size_t length = strlen(name);
    if (strncmp(line, name, length) != 0 || line[length] != ' ')
        fail_msg("%s: the file has '%.60s' where '%s' is expected", g->network, line, name);
    size_t count = 0;
    for (char *at = line + length, *end; count < room; at = end, count++) {
        numbers[count] = strtod(at, &end);
        if (end == at)
            break;
    }
    return count;
}

static void check_near(golden *g, const char *name, double got, double want, double scale)
{
    const double error = fabs(got - want) / scale;
    g->worst = error > g->worst || isnan(error) ? error : g->worst;
    if (!(error <= g->bar))
        fail_msg("%s, %s: %.17g, PyTorch has %.17g: error %.3g of the tensor's size, allowed %.3g", g->network, name,
                 got, want, error, g->bar);
}

/* The line "<what> <name>" against a parameter or its gradient, when values holds one of this name. */
static void check_tensor(golden *g, fv_params *params, const char *name, const double facts[FACTS], size_t count)
{
    /* A gradient that is zero by invariance (a shift in front of batch normalisation) is rounding in PyTorch too. */
    const bool nothing = facts[2] < 1e-10;
    const double norm = nothing ? 1 : facts[1], largest = nothing ? 1 : facts[2];
    const int32_t index = fv_params_find(params, name);
    if (index < 0)
        fail_msg("%s has no parameter '%s'", g->network, name);
    const void *values = fv_params_values(params, index);
    const size_t elements = (size_t)fv_params_info(params, index).elements;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < elements; i++) {
        sum += get(params, values, i);
        squares += get(params, values, i) * get(params, values, i);
    }
    check_near(g, name, sum, facts[0], norm * sqrt((double)elements)); /* |sum| <= norm * sqrt(elements) */
    check_near(g, name, sqrt(squares), facts[1], norm);
    assert_int_equal(count, elements < SAMPLES ? elements : SAMPLES);
    for (size_t i = 0; i < count; i++)
        check_near(g, name, get(params, values, i * elements / count), facts[3 + i], largest);
}

/* The rest of the file's lines of this kind. */
static int32_t check_tensors(golden *g, fv_params *params, const char *what)
{
    char line[LINE], name[256];
    int32_t tensors = 0;
    for (long start = ftell(g->file); fgets(line, sizeof line, g->file) != NULL; start = ftell(g->file), tensors++) {
        double facts[FACTS] = { 0 };
        const size_t length = strlen(what);
        if (strncmp(line, what, length) != 0 || line[length] != ' ') {
            fseek(g->file, start, SEEK_SET);
            break;
        }
        const char *at = line + length + 1;
        const size_t name_length = strcspn(at, " ");
        snprintf(name, sizeof name, "%.*s", (int)name_length, at);
        size_t count = 0;
        char *end;
        for (at += name_length; count < FACTS; at = end, count++) {
            facts[count] = strtod(at, &end);
            if (end == at)
                break;
        }
        assert_true(count >= 4);
        check_tensor(g, params, name, facts, count - 3);
    }
    return tensors;
}

static fv_batch the_batch(const golden *g)
{
    return (fv_batch){ .n = BATCH, .images = g->images, .dtype = FV_F64, .order = FV_NCHW, .classes = g->classes };
}

static void check_scores(golden *g, fv_dtype dtype)
{
    double want[BATCH * CLASSES], got[BATCH * CLASSES], largest = 0;
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    const fv_plan_options options = { .batch = BATCH, .mode = FV_PREDICT, .dtype = dtype };
    const fv_batch batch = the_batch(g);
    assert_int_equal(fv_plan_create(&plan, g->graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&session, plan, g->params), FV_OK);
    assert_int_equal(fv_session_forward(session, &batch, NULL), FV_OK);
    assert_int_equal(fv_session_read(session, fv_graph_output(g->graph), got, BATCH * CLASSES), FV_OK);
    assert_int_equal(next_line(g, "scores", want, BATCH * CLASSES), BATCH * CLASSES);
    for (size_t i = 0; i < BATCH * CLASSES; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < BATCH * CLASSES; i++)
        check_near(g, "scores", dtype == FV_F32 ? (double)((float *)(void *)got)[i] : got[i], want[i], largest);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
}

static void check_step(golden *g, fv_dtype dtype)
{
    double loss = 0;
    int32_t trained = 0, count = fv_params_count(g->params);
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    fv_optimizer *optimizer = NULL;
    fv_step_result result;
    const fv_plan_options options = { .batch = BATCH, .dtype = dtype };
    const fv_batch batch = the_batch(g);
    assert_int_equal(fv_plan_create(&plan, g->graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&session, plan, g->params), FV_OK);
    assert_int_equal(fv_optimizer_create(&optimizer, g->params, NULL), FV_OK);
    if (fv_session_step(session, &batch, &result) != FV_OK)
        fail_msg("%s: %s", g->network, fv_session_message(session));
    assert_int_equal(next_line(g, "loss", &loss, 1), 1);
    check_near(g, "loss", result.loss / result.weight, loss, loss);
    for (int32_t p = 0; p < count; p++)
        trained += fv_params_info(g->params, p).trained;
    assert_int_equal(check_tensors(g, fv_session_gradients(session), "gradient"), trained);
    assert_int_equal(fv_optimizer_update(optimizer, fv_session_gradients(session), 0), FV_OK);
    assert_int_equal(check_tensors(g, g->params, "statistic"), count - trained);
    fv_optimizer_destroy(optimizer);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
}

/* The taps along a side of a convolution that minimal filtering may do: a 3x3 or 5x5 kernel of stride 1; else 0. */
static int winograd_taps(const fvi_node *node)
{
    if (strcmp(node->layer->name, "conv2d") != 0)
        return 0;
    const fv_conv2d_options *options = node->options;
    const bool may = (options->kernel[0] == 3 || options->kernel[0] == 5) && options->kernel[1] == options->kernel[0] &&
                     options->stride[0] <= 1 && options->stride[1] <= 1 && options->dilation[0] <= 1 &&
                     options->dilation[1] <= 1;
    return may ? options->kernel[0] : 0;
}

/* Minimal filtering F(4x4, 3x3) multiplies the roundings of its sums over channels (tiles in backward by weights) by at most
 * this (docs/numerics.md#winograd), and has some more; the second three belong to F(4x4, 5x5). */
enum { AMPLIFIED = 63, AMPLIFIED_WEIGHTS = 51, MORE_ROUNDINGS = 19 };
enum { AMPLIFIED_5 = 302, AMPLIFIED_WEIGHTS_5 = 374, MORE_ROUNDINGS_5 = 25 };

/* As golden_test.c: one eps for each term of every sum on the way, forward, by data and by weights, and of the sums over a
 * batch's positions in batch normalisation. Forward counts twice: backward reads its values (normalised ones, signs, the
 * places of maxima) and has their errors again. */
static double float_bar(const fv_graph *graph)
{
    double terms = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &(int32_t){ 0 });
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        const double positions = (double)node.output.h * node.output.w;
        const double products = (double)node.multiply_adds / (positions * node.output.c);
        const int taps = winograd_taps(&nodes[i]);
        if (taps == 5)
            terms += 3 * AMPLIFIED_5 * (products / 25 + MORE_ROUNDINGS_5) +
                     AMPLIFIED_WEIGHTS_5 * (BATCH * positions / 16 + MORE_ROUNDINGS_5);
        else if (taps == 3)
            terms += 3 * AMPLIFIED * (products / 9 + MORE_ROUNDINGS) +
                     AMPLIFIED_WEIGHTS * (BATCH * positions / 16 + MORE_ROUNDINGS);
        else if (node.multiply_adds > 0)
            terms += 3 * products + BATCH * positions;
        else if (strcmp(node.type, "batch_norm") == 0)
            terms += 4 * BATCH * positions;
    }
    return terms * 1.1920928955078125e-7 / 2;
}

static void run(const char *network, bool auxiliary, fv_dtype dtype)
{
    golden g = { .network = network };
    char path[512];
    double size = 0;
    snprintf(path, sizeof path, "%s/golden/zoo/%s%s.txt", FVI_TEST_SOURCE, network, auxiliary ? "-auxiliary" : "");
    g.file = fopen(path, "r");
    assert_non_null(g.file);
    assert_int_equal(next_line(&g, "input", &size, 1), 1);
    const fv_zoo_options options = { .classes = CLASSES,
                                     .input = { 3, (int32_t)size, (int32_t)size },
                                     .no_auxiliary = !auxiliary };
    fv_graph *graph = NULL;
    assert_int_equal(fv_context_create(&g.context, NULL), FV_OK);
    assert_int_equal(fv_zoo_build_with(&graph, g.context, network, &options), FV_OK);
    g.graph = without_dropout(g.context, graph);
    g.bar = dtype == FV_F64 ? 1e-8 : float_bar(g.graph);
    assert_int_equal(fv_params_create(&g.params, g.graph, dtype), FV_OK);
    set_params(g.params);
    const size_t elements = (size_t)BATCH * 3 * (size_t)(size * size);
    const uint32_t images = stream_of("images"), classes = stream_of("classes");
    g.images = test_doubles(elements);
    for (uint32_t i = 0; i < elements; i++)
        g.images[i] = 2 * hashed(i, images);
    for (uint32_t i = 0; i < BATCH; i++)
        g.classes[i] = (int32_t)(test_hash(i, classes) % CLASSES);
    check_scores(&g, dtype);
    check_step(&g, dtype);
    assert_int_equal(fgetc(g.file), EOF);
    print_message("%s%s %s: worst error %.2g, allowed %.2g\n", network, auxiliary ? " with auxiliary classifiers" : "",
                  fv_dtype_name(dtype), g.worst, g.bar);
    fclose(g.file);
    free(g.images);
    fv_params_destroy(g.params);
    fv_graph_destroy(g.graph);
    fv_graph_destroy(graph);
    fv_context_destroy(g.context);
}

#define NETWORK(test, name, auxiliary)                                                                                 \
    FV_TEST(golden_zoo, test)                                                                                          \
    {                                                                                                                  \
        run(name, auxiliary, FV_F64);                                                                                  \
        run(name, auxiliary, FV_F32);                                                                                  \
    }

NETWORK(alexnet, "alexnet", false)
NETWORK(vgg_d, "vgg-d", false)
NETWORK(googlenet_bn, "googlenet-bn", false)
NETWORK(googlenet_bn_auxiliary, "googlenet-bn", true)
NETWORK(inception_v3, "inception-v3", false)
NETWORK(resnet_18, "resnet-18", false)
NETWORK(densenet_121, "densenet-121", false)
NETWORK(mobilenet_v2, "mobilenet-v2", false)

FV_TESTS(golden_zoo, alexnet, vgg_d, googlenet_bn, googlenet_bn_auxiliary, inception_v3, resnet_18, densenet_121,
         mobilenet_v2)
