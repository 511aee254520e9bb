/* SPDX-License-Identifier: Apache-2.0
 *
 * rate_test.c - the learning rate range test: steps on a copy of the parameters with rising rates, and what their losses say.
 */
#include "fovea/rate_test.h"

#include <math.h>

#include "train/train_internal.h"

enum { LEAST_STEPS = 10, MOST_STEPS = 100000 };

typedef struct rate_run {
    fv_context *context;
    const fv_graph *graph;
    const fv_dataset *train;
    fv_train_options options; /* filled */
    fv_rate_test_options test;
    fv_params *params, *gradients;
    fvi_run_transforms transforms;
    fv_loader *loader;
    fv_plan *plan;
    fv_session *session;
    fv_blocks *blocks;
    fv_optimizer *optimizer;
    int64_t epoch;
    double mean, mean_weight, best; /* of the losses so far, the later the more */
} rate_run;

static fv_status check_options(fv_context *context, fv_rate_test_options *o)
{
    o->low = o->low != 0 ? o->low : 1e-6;
    o->high = o->high != 0 ? o->high : 10;
    o->steps = o->steps != 0 ? o->steps : 100;
    o->give_up = o->give_up != 0 ? o->give_up : 4;
    if (!(o->low > 0 && o->low < o->high && o->high <= 1e6))
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "rate test: from %g to %g; rates must rise from above 0 to at most 1e6", o->low, o->high);
    if (o->steps < LEAST_STEPS || o->steps > MOST_STEPS)
        return fvi_fail(context, FV_ERR_ARGUMENT, "rate test: %d steps; there must be %d to %d", o->steps, LEAST_STEPS,
                        MOST_STEPS);
    if (!(o->give_up > 1))
        return fvi_fail(context, FV_ERR_ARGUMENT, "rate test: it cannot give up at %g times the lowest loss",
                        o->give_up);
    return FV_OK;
}

static fv_status open_run(rate_run *r, const fv_params *params)
{
    fv_train_options *options = &r->options;
    options->batch = options->batch > 0 ? options->batch : 64;
    options->blocks = options->blocks > 0 ? options->blocks : 1;
    options->optimizer.average = FV_AVERAGE_NONE;
    const fv_plan_options plan = { .batch = (options->batch + options->blocks - 1) / options->blocks,
                                   .mode = FV_TRAIN,
                                   .dtype = options->dtype,
                                   .no_repeat = options->no_repeat,
                                   .memory_limit = options->memory_limit,
                                   .keep_packed = options->blocks > 1 };
    FV_TRY(fvi_check_run(r->graph, r->train, options));
    if (!fvi_graph_has_loss(r->graph))
        return fvi_fail(r->context, FV_ERR_ARGUMENT, "network '%s' has no loss, so it cannot be trained",
                        fv_graph_name(r->graph));
    FV_TRY(fv_params_create(&r->params, r->graph, FV_F32));
    FV_TRY(fv_params_copy(r->params, params));
    FV_TRY(fvi_run_loader(&r->loader, &r->transforms, r->context, options, r->train));
    FV_TRY(fv_plan_create(&r->plan, r->graph, &plan));
    FV_TRY(fv_session_create(&r->session, r->plan, r->params));
    fv_session_set_seed(r->session, options->seed);
    FV_TRY(fv_optimizer_create(&r->optimizer, r->params, &options->optimizer));
    if (options->blocks > 1) {
        FV_TRY(fv_blocks_create(&r->blocks, r->session, options->blocks));
        FV_TRY(fv_params_create(&r->gradients, r->graph, FV_F32));
    }
    fv_loader_start(r->loader, 0, 0);
    return FV_OK;
}

static void close_run(rate_run *r)
{
    fv_optimizer_destroy(r->optimizer);
    fv_params_destroy(r->gradients);
    fv_blocks_destroy(r->blocks);
    fv_session_destroy(r->session);
    fv_plan_destroy(r->plan);
    fv_loader_destroy(r->loader);
    fvi_run_transforms_close(&r->transforms);
    fv_params_destroy(r->params);
}

/* The next whole batch, of the next epoch where this one is over: a short one would be another measure, and too few for batch norm. */
static fv_status next_batch(rate_run *r, fv_batch *batch)
{
    const bool small = fv_dataset_count(r->train) < r->options.batch;
    for (int32_t tries = 0; tries < 3; tries++) {
        const fv_status status = fv_loader_next(r->loader, batch);
        if (status != FV_OK)
            return fvi_fail(r->context, status, "%s", fv_loader_message(r->loader));
        if (batch->n == r->options.batch || (small && batch->n > 0))
            return FV_OK;
        fv_loader_start(r->loader, ++r->epoch, 0);
    }
    return fvi_fail(r->context, FV_ERR_ARGUMENT, "rate test: '%s' gives no whole batch of %d",
                    fv_dataset_name(r->train), r->options.batch);
}

/* *finite false: the loss or a gradient is not. */
static fv_status take_step(rate_run *r, double rate, double *loss, bool *finite)
{
    fv_batch batch;
    fv_step_result result = { 0 };
    const fv_params *gradients = r->gradients;
    fv_status status;
    FV_TRY(next_batch(r, &batch));
    if (r->blocks != NULL) {
        status = fv_blocks_gradients(r->blocks, &batch, 0, r->options.blocks, fvi_weight_of_batch(&batch), r->gradients,
                                     &result);
    } else {
        status = fv_session_step(r->session, &batch, &result);
        gradients = fv_session_gradients(r->session);
    }
    *finite = status != FV_ERR_NUMERIC;
    if (status == FV_ERR_NUMERIC)
        return FV_OK;
    if (status != FV_OK)
        return fvi_fail(r->context, status, "%s", fv_session_message(r->session));
    *loss = result.weight > 0 ? result.loss / result.weight : 0;
    status = fv_optimizer_update(r->optimizer, gradients, rate);
    *finite = status != FV_ERR_NUMERIC;
    fv_session_params_changed(r->session);
    return status == FV_ERR_NUMERIC ? FV_OK : status;
}

/* Whether the loss has risen too far above the lowest, both as means of the losses before them. */
static bool has_risen(rate_run *r, double loss, int32_t step)
{
    const double keep = 0.9;
    r->mean = keep * r->mean + (1 - keep) * loss;
    r->mean_weight = keep * r->mean_weight + (1 - keep);
    const double now = r->mean / r->mean_weight;
    r->best = step == 0 || now < r->best ? now : r->best;
    return step >= LEAST_STEPS && now > r->test.give_up * r->best;
}

static fv_status run_steps(rate_run *r, fv_rate_test *out)
{
    const double span = log(r->test.high / r->test.low);
    for (int32_t i = 0; i < r->test.steps && !out->diverged; i++) {
        fv_rate_point *point = &out->points[i];
        bool finite = true;
        point->rate = r->test.low * exp(span * i / (r->test.steps - 1));
        FV_TRY(take_step(r, point->rate, &point->loss, &finite));
        out->diverged = !finite || has_risen(r, point->loss, i);
        out->count += finite;
    }
    if (out->count < LEAST_STEPS)
        return fvi_fail(r->context, FV_ERR_NUMERIC,
                        "rate test: the loss is not finite after %d steps, at a rate of %g: begin lower", out->count,
                        out->points[out->count].rate);
    return FV_OK;
}

/* The mean of the losses up to `window` points away on both sides, fewer at the ends. */
static double mean_around(const fv_rate_test *out, int32_t at, int32_t window)
{
    const int32_t room = at < out->count - 1 - at ? at : out->count - 1 - at, reach = window < room ? window : room;
    double sum = 0;
    for (int32_t i = at - reach; i <= at + reach; i++)
        sum += out->points[i].loss;
    return sum / (2 * reach + 1);
}

static void look(const rate_run *r, fv_rate_test *out)
{
    const int32_t window = r->test.steps / 20 > 1 ? r->test.steps / 20 : 1;
    double steepest = 0;
    out->steepest = -1;
    for (int32_t i = 0; i < out->count; i++) {
        out->points[i].smoothed = mean_around(out, i, window);
        if (out->points[i].smoothed < out->points[out->lowest].smoothed)
            out->lowest = i;
    }
    for (int32_t i = window; i + window < out->count; i++) {
        const double slope = out->points[i + window].smoothed - out->points[i - window].smoothed;
        if (slope < steepest) {
            steepest = slope;
            out->steepest = i;
        }
    }
    out->rate = out->steepest >= 0 && out->lowest > 0 ? out->points[out->lowest].rate / 10 : 0;
}

fv_status fv_rate_test_run(fv_rate_test *out, const fv_params *params, const fv_dataset *train,
                           const fv_train_options *options, const fv_rate_test_options *test)
{
    const fv_graph *graph = fv_params_graph(params);
    rate_run r = { .context = fv_graph_context(graph), .graph = graph, .train = train, .options = *options };
    *out = (fv_rate_test){ .steepest = -1 };
    r.test = test != NULL ? *test : (fv_rate_test_options){ 0 };
    FV_TRY(check_options(r.context, &r.test));
    out->points = fvi_allocate_zeroed(r.context, (size_t)r.test.steps + 1, sizeof *out->points);
    if (out->points == NULL)
        return fvi_out_of_memory(r.context, "a rate test", (size_t)r.test.steps * sizeof *out->points);
    fv_status status = open_run(&r, params);
    if (status == FV_OK)
        status = run_steps(&r, out);
    if (status == FV_OK)
        look(&r, out);
    else
        fv_rate_test_release(r.context, out);
    close_run(&r);
    return status;
}

void fv_rate_test_release(fv_context *context, fv_rate_test *test)
{
    fvi_release(context, test->points);
    *test = (fv_rate_test){ .steepest = -1 };
}
