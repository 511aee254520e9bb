/* SPDX-License-Identifier: Apache-2.0
 *
 * self_test.c - an input from a seed, the output of a network for it, and whether another run of the network gives the same.
 * How far rounding may part them is measured on the network at hand: see bound() and docs/numerics.md#self-test.
 */
#include "interchange/self_test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/base.h"
#include "base/random.h"
#include "fovea/session.h"
#include "graph/graph_internal.h"
#include "interchange/tree.h"

enum { DRAWS = 256, DIGITS = 9 };
/* Reference kernels take about a nanosecond for a multiply-add: a quarter of a second. */
static const int64_t most_by_reference = INT64_C(1) << 28;
static const uint64_t most_seed = (UINT64_C(1) << 53) - 1;

void fv_self_test_input(const fv_preprocess *preprocess, uint64_t seed, float *image)
{
    const fv_image_shape input = preprocess->input;
    const size_t count = (size_t)input.h * (size_t)input.w * (size_t)input.c;
    const fvi_random random = { .key = { (uint32_t)seed, (uint32_t)(seed >> 32) } };
    uint32_t draw[DRAWS];
    for (size_t i = 0; i < count; i++) {
        const size_t channel = i % (size_t)input.c;
        const double deviation = preprocess->deviation[channel] > 0 ? preprocess->deviation[channel] : 1;
        if (i % DRAWS == 0)
            fvi_random_draws(&random, i, count - i < DRAWS ? count - i : DRAWS, draw);
        image[i] = (float)(((draw[i % DRAWS] >> 8) * 0x1p-24 - preprocess->mean[channel]) / deviation);
    }
}

/* A plan for one image, its session and its input. */
typedef struct runner {
    fv_context *context;
    const fv_graph *graph;
    fv_plan *plan;
    fv_session *session;
    float *image;
    size_t outputs;
} runner;

static void runner_close(runner *r)
{
    fv_session_destroy(r->session);
    fv_plan_destroy(r->plan);
    fvi_release(r->context, r->image);
}

static size_t output_count(const fv_graph *graph)
{
    const fv_image_shape shape = fv_graph_node(graph, fv_graph_output(graph)).output;
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

static fv_status runner_open(runner *r, fv_params *params, const fv_preprocess *preprocess, uint64_t seed,
                             bool reference)
{
    const fv_plan_options options = { .batch = 1, .mode = FV_PREDICT, .reference = reference };
    const fv_image_shape in = preprocess->input;
    *r = (runner){ .context = fv_graph_context(fv_params_graph(params)), .graph = fv_params_graph(params) };
    r->outputs = output_count(r->graph);
    r->image = fvi_allocate_zeroed(r->context, (size_t)in.c * (size_t)in.h * (size_t)in.w, sizeof *r->image);
    if (r->image == NULL)
        return fvi_out_of_memory(r->context, "the input of a self-test", 0);
    fv_self_test_input(preprocess, seed, r->image);
    FV_TRY(fv_plan_create(&r->plan, r->graph, &options));
    return fv_session_create(&r->session, r->plan, params);
}

static fv_status runner_run(runner *r, float *output)
{
    const fv_batch batch = { .n = 1, .images = r->image, .order = FV_NHWC };
    fv_status status = fv_session_forward(r->session, &batch, NULL);
    if (status == FV_OK)
        status = fv_session_read(r->session, fv_graph_output(r->graph), output, r->outputs);
    return status == FV_OK ? FV_OK : fvi_fail(r->context, status, "self-test: %s", fv_session_message(r->session));
}

static bool all_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

fv_status fv_self_test_make(fv_self_test *out, fv_params *params, const fv_preprocess *preprocess, uint64_t seed)
{
    const fv_graph *graph = fv_params_graph(params);
    fv_context *context = fv_graph_context(graph);
    const size_t count = output_count(graph);
    const fv_image_shape takes = fv_graph_node(graph, fv_graph_input(graph)).output, given = preprocess->input;
    const bool fast = fv_graph_multiply_adds(graph) > most_by_reference;
    runner r;
    *out = (fv_self_test){ 0 };
    if (seed > most_seed)
        return fvi_fail(context, FV_ERR_ARGUMENT, "self-test: seed %llu is not below 2^53", (unsigned long long)seed);
    if (takes.c != given.c || takes.h != given.h || takes.w != given.w)
        return fvi_fail(context, FV_ERR_SHAPE, "self-test: '%s' takes %dx%dx%d, the preprocessing gives %dx%dx%d",
                        fv_graph_name(graph), takes.c, takes.h, takes.w, given.c, given.h, given.w);
    if (count > FV_SELF_TEST_MOST)
        return FV_OK;
    float *output = fvi_allocate_zeroed(context, count, sizeof *output);
    if (output == NULL)
        return fvi_out_of_memory(context, "the output of a self-test", count * sizeof *output);
    fv_status status = runner_open(&r, params, preprocess, seed, !fast);
    if (status == FV_OK)
        status = runner_run(&r, output);
    runner_close(&r);
    if (status == FV_OK && all_finite(output, count))
        *out = (fv_self_test){ .seed = seed, .count = (int32_t)count, .output = output, .fast = fast };
    else
        fvi_release(context, output);
    return status;
}

void fv_self_test_release(fv_context *context, fv_self_test *test)
{
    fvi_release(context, test->output);
    *test = (fv_self_test){ 0 };
}

fv_status fv_self_test_to_json(const fv_self_test *test, fv_context *context, char **text)
{
    json_t *list = json_array();
    json_t *object = json_pack("{s:I,s:s,s:o}", "seed", (json_int_t)test->seed, "plan",
                               test->fast ? "fast" : "reference", "output", list);
    bool good = object != NULL;
    for (int32_t i = 0; good && i < test->count; i++)
        good = json_array_append_new(list, json_real((double)test->output[i])) == 0;
    char *dumped = good ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS)) : NULL;
    *text = dumped != NULL ? fvi_duplicate_text(context, dumped) : NULL;
    free(dumped);
    json_decref(object);
    return *text != NULL ? FV_OK : fvi_out_of_memory(context, "the text of a self-test", 0);
}

char *fvi_self_test_text(fv_params *params, const fv_preprocess *preprocess)
{
    fv_context *context = fv_graph_context(fv_params_graph(params));
    fv_self_test test;
    char *text = NULL;
    fv_status status = fv_self_test_make(&test, params, preprocess, FVI_SELF_TEST_SEED);
    if (status == FV_OK && test.count > 0)
        status = fv_self_test_to_json(&test, context, &text);
    fv_self_test_release(context, &test);
    if (status != FV_OK)
        fvi_log_message(context, FV_LOG_WARNING, "the model is written without a self-test: %s",
                        fv_context_message(context));
    return text;
}

static fv_status read_output(const fvi_tree *tree, const fvi_item *list, fv_self_test *test)
{
    test->output = fvi_allocate_zeroed(tree->context, (size_t)list->count, sizeof *test->output);
    if (test->output == NULL)
        return fvi_out_of_memory(tree->context, "the output of a self-test", 0);
    test->count = list->count;
    for (const fvi_item *item = list->first; item != NULL; item = item->next) {
        double value = 0;
        FV_TRY(fvi_tree_real(tree, item, "output", &value));
        if (fabs(value) > FLT_MAX)
            return fvi_tree_fail(tree, item, FV_ERR_FORMAT, "%g is beyond float32", value);
        test->output[item->index] = (float)value;
    }
    return FV_OK;
}

static fv_status read_test(const fvi_tree *tree, size_t outputs, fv_self_test *test)
{
    const fvi_item *seed = fvi_tree_find(tree->root, "seed"), *list = fvi_tree_find(tree->root, "output"),
                   *plan = fvi_tree_find(tree->root, "plan");
    int64_t number = 0;
    FV_TRY(fvi_tree_expect(tree, tree->root, FVI_ITEM_MAP, FVI_SELF_TEST));
    if (seed == NULL || list == NULL)
        return fvi_tree_fail(tree, tree->root, FV_ERR_FORMAT, "'%s' is missing", seed == NULL ? "seed" : "output");
    FV_TRY(fvi_tree_integer(tree, seed, "seed", 0, (int64_t)most_seed, &number));
    test->seed = (uint64_t)number;
    test->fast = plan != NULL && plan->type == FVI_ITEM_TEXT && strcmp(plan->text, "fast") == 0;
    FV_TRY(fvi_tree_expect(tree, list, FVI_ITEM_LIST, "output"));
    if ((size_t)list->count != outputs)
        return fvi_tree_fail(tree, list, FV_ERR_FORMAT, "%d values, the network has %zu outputs", list->count, outputs);
    return read_output(tree, list, test);
}

fv_status fv_self_test_of_model(fv_self_test *out, fv_model *model)
{
    fvi_tree tree;
    const char *text = fvi_model_self_test(model);
    const fv_graph *graph = fv_model_graph(model);
    fv_context *context = fv_graph_context(graph);
    *out = (fv_self_test){ 0 };
    if (text[0] == '\0')
        return FV_OK;
    FV_TRY(fvi_tree_start(&tree, context, FVI_SELF_TEST));
    fv_status status = fvi_tree_read_json(&tree, text);
    if (status == FV_OK)
        status = read_test(&tree, output_count(graph), out);
    fvi_tree_release(&tree);
    if (status == FV_OK)
        return FV_OK;
    fv_self_test_release(context, out);
    return status == FV_ERR_MEMORY ? status : FV_ERR_FORMAT; /* of the file, whatever the reader of trees calls it */
}

/* Flips one bit of the mantissa of each value: a relative error between 2^(bit-24) and 2^(bit-23) with a sign that depends on the value. Twice
 * is not at all. */
static void flip(fv_params *params, int bit)
{
    const size_t count = fv_params_block_elements(params);
    float *values = fv_params_data(params);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        if ((bits >> 23 & 0xFF) != 0) /* zeros, which may stand for weights that are not there, stay */
            bits ^= UINT32_C(1) << bit;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

static double largest_difference(const float *a, const float *b, size_t count, int32_t *worst)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = fabs((double)a[i] - (double)b[i]);
        if (!(difference <= largest)) { /* NaN is the largest */
            largest = difference;
            *worst = (int32_t)i;
        }
    }
    return largest;
}

static double largest_of(const float *values, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)values[i]));
    return largest;
}

/* The most terms that a value of the network is summed from. */
static int64_t longest_sum(const fv_params *params)
{
    int64_t longest = 1;
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        const int64_t terms = fv_params_info(params, i).fan_in;
        longest = terms > longest ? terms : longest;
    }
    return longest;
}

/* What rounding can make of the outputs, in absolute terms. Each product w*x of a sum of n products reaches the output with a relative error
 * that behaves like sqrt(n) independent roundings of at most u (Higham & Mary 2019), MARGIN times that under Winograd. What a relative
 * error d in each weight does to the outputs is measured, for three values of d that rounding does not reach; the root mean square of the answers divided
 * by d is the network's condition for this input. Two plans round apart from each other: twice that. What has no weights rounds too, by
 * a few units for each layer. */
static fv_status bound(runner *r, fv_params *params, const float *output, float *shifted, double *out)
{
    enum { FIRST_BIT = 12, BITS = 3, MARGIN = 8, UNITS = 4 };
    const double u = FLT_EPSILON / 2;
    int32_t nodes = 0, worst = 0;
    double squares = 0;
    fvi_graph_nodes(r->graph, &nodes);
    for (int bit = FIRST_BIT; bit < FIRST_BIT + BITS; bit++) {
        flip(params, bit);
        fv_session_params_changed(r->session);
        const fv_status status = runner_run(r, shifted);
        flip(params, bit);
        FV_TRY(status);
        const double condition = largest_difference(output, shifted, r->outputs, &worst) / ldexp(1, bit - 24);
        squares += condition * condition;
    }
    *out = 2 * u *
           (MARGIN * sqrt((double)longest_sum(params)) * sqrt(squares / BITS) +
            UNITS * (double)nodes * largest_of(output, r->outputs));
    return FV_OK;
}

static fv_status run(fv_self_test_result *result, fv_model *model, const fv_self_test *test, float *got)
{
    fv_params *params = fv_model_params(model);
    const size_t count = (size_t)test->count;
    double rounding = 0;
    runner r;
    fv_status status = runner_open(&r, params, fv_model_preprocess(model), test->seed, false);
    if (status == FV_OK)
        status = runner_run(&r, got);
    if (status == FV_OK)
        status = bound(&r, params, got, got + count, &rounding);
    runner_close(&r);
    FV_TRY(status);
    const double scale = fmax(largest_of(test->output, count), (double)FLT_MIN);
    result->outputs = test->count;
    result->difference = largest_difference(got, test->output, count, &result->worst) / scale;
    result->bound = rounding / scale;
    result->agrees = result->difference <= result->bound;
    result->got = got[result->worst];
    result->stored = test->output[result->worst];
    return FV_OK;
}

fv_status fv_self_test_run(fv_self_test_result *result, fv_model *model)
{
    fv_context *context = fv_graph_context(fv_model_graph(model));
    fv_self_test test;
    *result = (fv_self_test_result){ 0 };
    FV_TRY(fv_self_test_of_model(&test, model));
    if (test.count == 0)
        return FV_OK;
    float *got = fvi_allocate_zeroed(context, (size_t)test.count, 2 * sizeof *got);
    const fv_status status =
        got != NULL ? run(result, model, &test, got) : fvi_out_of_memory(context, "the outputs of a self-test", 0);
    fvi_release(context, got);
    fv_self_test_release(context, &test);
    return status;
}
