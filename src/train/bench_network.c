/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_network.c - images per second of a network in training (forward, backward, update) and in inference, and the time of
 * each pass of each layer. Images and classes are random: the arithmetic does not depend on them.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "fovea/bench.h"
#include "fovea/optimizer.h"
#include "fovea/session.h"
#include "kernel/peak.h"
#include "train/timing.h"
#include "train/train_internal.h"

enum { MOST_PROFILED_CALLS = 10 };

/* What training and running a network on one batch needs. */
typedef struct bench {
    fv_context *context;
    const fv_graph *graph;
    const fv_bench_options *options;
    double seconds;
    fv_params *params;
    float *images;
    int32_t *classes;
    fv_batch batch;
    fv_plan *plan;
    fv_session *session;
    fv_optimizer *optimizer; /* NULL: inference */
} bench;

double fv_peak_gflops(fv_context *context)
{
    return fvi_peak_gflops(context);
}

static fv_status make_batch(bench *b, int32_t n)
{
    const fv_image_shape input = fv_graph_node(b->graph, fv_graph_input(b->graph)).output;
    const size_t elements = (size_t)n * (size_t)input.c * (size_t)input.h * (size_t)input.w;
    fvi_random random = fvi_random_start(1, FVI_PURPOSE_TEST, 0);
    b->images = fvi_allocate(b->context, elements * sizeof *b->images);
    b->classes = fvi_allocate(b->context, (size_t)n * sizeof *b->classes);
    if (b->images == NULL || b->classes == NULL)
        return fvi_out_of_memory(b->context, "a batch of random images", elements * sizeof *b->images);
    for (size_t i = 0; i < elements; i++)
        b->images[i] = (float)(2 * fvi_random_uniform(&random) - 1);
    for (int32_t i = 0; i < n; i++)
        b->classes[i] = (int32_t)fvi_random_below(&random, (uint32_t)fvi_graph_classes(b->graph));
    b->batch = (fv_batch){ .n = n, .images = b->images, .dtype = FV_F32, .order = FV_NHWC, .classes = b->classes };
    return FV_OK;
}

/* rate 0: the weights stay as they are, so that random labels cannot drive them to infinity; the work is the same. */
static fv_status update_some(void *argument, const fv_gradient *gradients, int32_t count)
{
    const bench *b = argument;
    return fv_optimizer_update_some(b->optimizer, gradients, count, 0);
}

static fv_status train_once(void *argument)
{
    bench *b = argument;
    FV_TRY(fv_session_step(b->session, &b->batch, NULL));
    fv_session_params_changed(b->session);
    return FV_OK;
}

static fv_status predict_once(void *argument)
{
    bench *b = argument;
    return fv_session_forward(b->session, &b->batch, NULL);
}

/* Calls with every step timed, at least once, for about b->seconds. */
static fv_status profile(bench *b, fvi_timed_fn *call)
{
    const double start = fvi_seconds();
    for (int i = 0; i < MOST_PROFILED_CALLS && (i == 0 || fvi_seconds() - start < b->seconds); i++)
        FV_TRY(call(b));
    return FV_OK;
}

/* Appends the time of each step of the session's plan. */
static fv_status add_passes(bench *b, fvi_timed_fn *call, fv_bench_result *out, size_t *capacity)
{
    const int32_t steps = fv_plan_step_count(b->plan);
    const double n = b->batch.n;
    FV_TRY(fvi_grow(b->context, (void **)&out->passes, capacity, (size_t)out->pass_count,
                    (size_t)(out->pass_count + steps), sizeof *out->passes));
    fv_session_profile(b->session, true);
    FV_TRY(profile(b, call));
    for (int32_t i = 0; i < steps; i++) {
        int64_t calls = 0;
        const fv_step_info step = fv_plan_step(b->plan, i);
        const double seconds = fv_session_step_seconds(b->session, i, &calls);
        fv_bench_pass *pass = &out->passes[out->pass_count++];
        memset(pass, 0, sizeof *pass);
        snprintf(pass->layer, sizeof pass->layer, "%s", step.layer != NULL ? step.layer : "");
        snprintf(pass->pass, sizeof pass->pass, "%s", step.pass != NULL ? step.pass : "");
        snprintf(pass->algorithm, sizeof pass->algorithm, "%s", step.algorithm != NULL ? step.algorithm : "");
        pass->training = b->optimizer != NULL;
        pass->seconds = calls > 0 ? seconds / (double)calls : 0;
        pass->gflops = pass->seconds > 0 ? 2e-9 * n * (double)step.multiply_adds / pass->seconds : 0;
    }
    fv_session_profile(b->session, false);
    return FV_OK;
}

static void set_rate(bench *b, const fvi_timing *timing, fv_bench_rate *rate)
{
    rate->images_per_second = (double)b->batch.n / timing->median;
    rate->spread = fvi_timing_spread(timing);
    rate->runs = timing->runs;
    rate->memory_bytes = fv_plan_memory_bytes(b->plan).total + fv_params_block_elements(b->params) * sizeof(float);
    if (b->optimizer != NULL) /* velocity */
        rate->memory_bytes += fv_params_block_elements(b->params) * sizeof(float);
}

/* As often as options->again wants. */
static fv_status measure_rate(bench *b, fvi_timed_fn *call, fv_bench_rate *rate)
{
    const fv_bench_options *options = b->options;
    fvi_timing timing;
    if (options->again == NULL) {
        FV_TRY(fvi_time(call, b, b->seconds, &timing));
        set_rate(b, &timing, rate);
        return FV_OK;
    }
    FV_TRY(call(b)); /* the warm-up; a step may take seconds, so no more than that */
    do {
        FV_TRY(fvi_time_again(call, b, b->seconds, &timing));
        set_rate(b, &timing, rate);
    } while (options->again(options->user, rate));
    return FV_OK;
}

static fv_status measure(bench *b, fv_bench_rate *rate, fv_bench_result *out, size_t *capacity)
{
    fvi_timed_fn *call = b->optimizer != NULL ? train_once : predict_once;
    FV_TRY(measure_rate(b, call, rate));
    FV_TRY(add_passes(b, call, out, capacity));
    fvi_bench_watch_peak(b->context, out);
    return FV_OK;
}

static void close_session(bench *b)
{
    fv_optimizer_destroy(b->optimizer);
    fv_session_destroy(b->session);
    fv_plan_destroy(b->plan);
    b->optimizer = NULL;
    b->session = NULL;
    b->plan = NULL;
}

static fv_status measure_mode(bench *b, fv_mode mode, fv_bench_rate *rate, fv_bench_result *out, size_t *capacity)
{
    const fv_plan_options plan = {
        .batch = b->batch.n,
        .mode = mode,
        .dtype = b->options->dtype,
        .hand_over = true,
        .no_repeat = b->options->no_repeat,
        .no_fusion = b->options->no_fusion,
        .memory_limit = mode == FV_TRAIN ? b->options->memory_limit : 0,
    };
    const fv_optimizer_options sgd = { .momentum = 0.9, .weight_decay = 1e-4 };
    fv_status status = fv_plan_create(&b->plan, b->graph, &plan);
    if (status == FV_OK)
        status = fv_session_create(&b->session, b->plan, b->params);
    if (status == FV_OK && mode == FV_TRAIN)
        status = fv_optimizer_create(&b->optimizer, b->params, &sgd);
    if (status == FV_OK) {
        fv_session_on_gradients(b->session, update_some, b);
        status = measure(b, rate, out, capacity);
        if (status != FV_OK && fv_session_message(b->session)[0] != '\0')
            fvi_fail(b->context, status, "%s", fv_session_message(b->session));
    }
    close_session(b);
    return status;
}

static fv_status run_modes(bench *b, fv_bench_result *out)
{
    size_t capacity = 0;
    FV_TRY(make_batch(b, b->options->batch));
    FV_TRY(fv_params_create(&b->params, b->graph, FV_F32));
    fv_params_initialize(b->params, 1);
    if (fvi_graph_has_loss(b->graph) && !b->options->no_training)
        FV_TRY(measure_mode(b, FV_TRAIN, &out->train, out, &capacity));
    return b->options->no_inference ? FV_OK : measure_mode(b, FV_PREDICT, &out->inference, out, &capacity);
}

static fv_status check_options(const bench *b)
{
    const fv_bench_options *options = b->options;
    if (options->batch < 1)
        return fvi_fail(b->context, FV_ERR_ARGUMENT, "bench: batch %d is not at least 1", options->batch);
    if (options->no_inference && (options->no_training || !fvi_graph_has_loss(b->graph)))
        return fvi_fail(b->context, FV_ERR_ARGUMENT, "bench: %s, so without inference nothing is left to measure",
                        options->no_training ? "no training is wanted" : "the network has no loss to train by");
    return FV_OK;
}

fv_status fv_bench_network(const fv_graph *graph, const fv_bench_options *options, fv_bench_result *out)
{
    bench b = { .context = fv_graph_context(graph), .graph = graph, .options = options };
    b.seconds = options->seconds > 0 ? options->seconds : 1;
    memset(out, 0, sizeof *out);
    FV_TRY(check_options(&b));
    fvi_bench_watch_peak(b.context, out);
    const fv_status status = run_modes(&b, out);
    fv_params_destroy(b.params);
    fvi_release(b.context, b.images);
    fvi_release(b.context, b.classes);
    if (status != FV_OK)
        fv_bench_release(b.context, out);
    return status;
}

void fv_bench_release(fv_context *context, fv_bench_result *result)
{
    fvi_release(context, result->passes);
    memset(result, 0, sizeof *result);
}
