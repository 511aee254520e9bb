/* SPDX-License-Identifier: Apache-2.0
 *
 * quantize_compare.c - a network before and after quantisation, side by side: what it answers, how far each layer is off, and how
 * long it takes, in runs that alternate so that what else the machine does meets both.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "exec/look.h"
#include "train/quantize_internal.h"
#include "train/train_internal.h"

enum { BEFORE, AFTER, SIDES, USUAL_BATCH = 32, USUAL_IMAGES = 64, TIMED_MOST = 2000, TIMED_LEAST = 5 };
enum { KEPT_BYTES = 64 << 20 }; /* of a batch's values, for signal to noise */

typedef struct comparison {
    fv_context *context;
    fv_params *params[SIDES];
    const fv_dataset *dataset;
    const fv_preprocess *preprocess;
    fv_quantize_measuring options;
    fv_quantize_report *report;
    const fvi_node *nodes; /* of `after` */
} comparison;

/* One network, ready for batches. */
typedef struct side {
    fv_plan *plan;
    fv_session *session;
} side;

static const fv_dtype dtypes[SIDES] = { FV_F32, FV_I8 };

static void close_sides(side sides[SIDES])
{
    for (int i = 0; i < SIDES; i++) {
        fv_session_destroy(sides[i].session);
        fv_plan_destroy(sides[i].plan);
    }
}

static fv_status open_sides(const comparison *c, side sides[SIDES], int32_t batch, bool no_fusion)
{
    for (int i = 0; i < SIDES; i++) {
        const fv_plan_options options = {
            .batch = batch, .mode = FV_PREDICT, .dtype = dtypes[i], .no_fusion = no_fusion
        };
        FV_TRY(fv_plan_create(&sides[i].plan, fv_params_graph(c->params[i]), &options));
        FV_TRY(fv_session_create(&sides[i].session, sides[i].plan, c->params[i]));
    }
    return FV_OK;
}

static size_t node_elements(const fvi_node *node)
{
    return (size_t)node->out.c * (size_t)node->out.h * (size_t)node->out.w;
}

/* Both graphs have the same nodes; lists those that compute in 8 bits. */
static fv_status list_layers(comparison *c)
{
    int32_t counts[SIDES] = { 0 };
    const fvi_node *before = fvi_graph_nodes(fv_params_graph(c->params[BEFORE]), &counts[BEFORE]);
    fv_quantize_report *report = c->report;
    c->nodes = fvi_graph_nodes(fv_params_graph(c->params[AFTER]), &counts[AFTER]);
    bool same = counts[BEFORE] == counts[AFTER];
    for (int32_t i = 0; same && i < counts[AFTER]; i++)
        same =
            before[i].layer == c->nodes[i].layer && memcmp(&before[i].out, &c->nodes[i].out, sizeof before[i].out) == 0;
    if (!same)
        return fvi_fail(c->context, FV_ERR_ARGUMENT, "graphs '%s' and '%s' do not have the same nodes",
                        fv_graph_name(fv_params_graph(c->params[BEFORE])),
                        fv_graph_name(fv_params_graph(c->params[AFTER])));
    report->layer = fvi_allocate_zeroed(c->context, (size_t)counts[AFTER], sizeof *report->layer);
    if (report->layer == NULL)
        return fvi_out_of_memory(c->context, "a list of layers", (size_t)counts[AFTER] * sizeof *report->layer);
    for (int32_t i = 0; i < counts[AFTER]; i++) {
        const fv_quantized quantized = fv_graph_quantized(fv_params_graph(c->params[AFTER]), i);
        size_t bytes[SIDES] = { 0 };
        for (int32_t p = 0; p < c->nodes[i].param_count; p++) {
            const size_t values = (size_t)fv_shape_elements(&c->nodes[i].param[p].shape);
            const bool bytes_only = p == 0 && quantized.weight_scale != NULL;
            bytes[BEFORE] += 4 * values;
            bytes[AFTER] += bytes_only ? values + 4 * (size_t)quantized.outputs : 4 * values;
        }
        report->bytes[BEFORE] += bytes[BEFORE];
        report->bytes[AFTER] += bytes[AFTER];
        if (quantized.weight_scale != NULL)
            report->layer[report->layers++] =
                (fv_quantized_layer){ .node = i, .bytes = { bytes[BEFORE], bytes[AFTER] } };
    }
    return FV_OK;
}

static fv_status measure_accuracy(const comparison *c)
{
    for (int i = 0; i < SIDES; i++) {
        fvi_evaluator *evaluator = NULL;
        fvi_measure measure = { 0 };
        FV_TRY(fvi_evaluator_create(&evaluator, c->params[i], c->dataset, c->preprocess, c->options.batch, dtypes[i],
                                    false));
        const fv_status status = fvi_evaluator_run(evaluator, &measure, NULL, NULL);
        fvi_evaluator_destroy(evaluator);
        FV_TRY(status);
        c->report->samples = measure.samples;
        c->report->accuracy[i] = measure.accuracy;
        c->report->loss[i] = measure.loss;
    }
    return FV_OK;
}

/* Outputs of the layers for one batch: kept before, compared after. */
typedef struct noise {
    const comparison *c;
    fv_session *session;
    bool after;
    int32_t samples;
    float *kept; /* of all layers, in order, each for a whole batch */
    float *value;
    size_t *offset, capacity; /* in kept; [layers] */
    double *signal, *error;   /* [layers] sums of squares */
    fv_status status;
} noise;

static int32_t layer_of(const comparison *c, fv_value node)
{
    for (int32_t i = 0; i < c->report->layers; i++)
        if (c->report->layer[i].node == node)
            return i;
    return -1;
}

static bool look(void *user, fv_value node)
{
    noise *n = user;
    const int32_t layer = layer_of(n->c, node);
    if (layer < 0 || n->status != FV_OK)
        return false;
    float *kept = n->kept + n->offset[layer], *to = n->after ? n->value : kept;
    const size_t count = (size_t)n->samples * node_elements(&n->c->nodes[node]);
    n->status = fv_session_read(n->session, node, to, n->capacity);
    if (n->status != FV_OK)
        n->status = fvi_fail(n->c->context, n->status, "%s", fv_session_message(n->session));
    for (size_t i = 0; n->status == FV_OK && n->after && i < count; i++) {
        const double error = (double)kept[i] - (double)n->value[i];
        n->signal[layer] += (double)kept[i] * (double)kept[i];
        n->error[layer] += error * error;
    }
    return false;
}

static fv_status see_noise(noise *n, fv_loader *loader, side sides[SIDES])
{
    fv_batch batch;
    fv_loader_start(loader, 0, 0);
    for (int32_t left = n->c->options.images; left > 0; left -= batch.n) {
        if (fv_loader_next(loader, &batch) != FV_OK)
            return fvi_fail(n->c->context, FV_ERR_IO, "%s", fv_loader_message(loader));
        if (batch.n == 0)
            break;
        batch.classes = NULL;
        batch.values = NULL;
        for (int i = 0; i < SIDES; i++) {
            n->session = sides[i].session;
            n->after = i == AFTER;
            n->samples = batch.n;
            const fv_status status = fvi_session_forward_looked_at(n->session, &batch, look, n);
            if (status != FV_OK)
                return fvi_fail(n->c->context, status, "%s", fv_session_message(n->session));
            FV_TRY(n->status);
        }
    }
    return FV_OK;
}

static fv_status measure_noise_in(const comparison *c, noise *n, fv_loader **loader, side sides[SIDES])
{
    const fv_quantize_report *report = c->report;
    const size_t layers = (size_t)report->layers;
    size_t all = 0, largest = 0;
    n->offset = fvi_allocate_zeroed(c->context, layers + 1, sizeof *n->offset);
    n->signal = fvi_allocate_zeroed(c->context, layers + 1, sizeof *n->signal);
    n->error = fvi_allocate_zeroed(c->context, layers + 1, sizeof *n->error);
    if (n->offset == NULL || n->signal == NULL || n->error == NULL)
        return fvi_out_of_memory(c->context, "sums of layers", layers * sizeof *n->signal);
    for (size_t i = 0; i < layers; i++) {
        const size_t elements = node_elements(&c->nodes[report->layer[i].node]);
        all += elements;
        largest = elements > largest ? elements : largest;
    }
    const size_t fit = KEPT_BYTES / (sizeof *n->kept * (all > 0 ? all : 1));
    const int32_t batch = fit < 1 ? 1 : fit < (size_t)c->options.batch ? (int32_t)fit : c->options.batch;
    for (size_t i = 0, at = 0; i < layers; i++) {
        n->offset[i] = at;
        at += (size_t)batch * node_elements(&c->nodes[report->layer[i].node]);
    }
    n->capacity = (size_t)batch * largest;
    n->kept = fvi_allocate_zeroed(c->context, (size_t)batch * all + 1, sizeof *n->kept);
    n->value = fvi_allocate_zeroed(c->context, n->capacity + 1, sizeof *n->value);
    if (n->kept == NULL || n->value == NULL)
        return fvi_out_of_memory(c->context, "values of layers", (size_t)batch * all * sizeof *n->kept);
    const fv_loader_options options = { .batch = batch, .preprocess = *c->preprocess };
    FV_TRY(fv_loader_create(loader, c->context, c->dataset, &options));
    FV_TRY(open_sides(c, sides, batch, true));
    return see_noise(n, *loader, sides);
}

static fv_status measure_noise(const comparison *c)
{
    side sides[SIDES] = { { NULL, NULL }, { NULL, NULL } };
    noise n = { .c = c };
    fv_loader *loader = NULL;
    const fv_status status = measure_noise_in(c, &n, &loader, sides);
    for (int32_t i = 0; status == FV_OK && i < c->report->layers; i++)
        c->report->layer[i].signal = n.error[i] > 0 ? 10 * log10(n.signal[i] / n.error[i]) : INFINITY;
    close_sides(sides);
    fv_loader_destroy(loader);
    void *const all[] = { n.kept, n.value, n.offset, n.signal, n.error };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        fvi_release(c->context, all[i]);
    return status;
}

static int by_size(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Runs in turns, after two of each that do not count, until the time is over. */
static fv_status time_sides(const comparison *c, side sides[SIDES], const fv_batch *batch, double *seconds[SIDES])
{
    const double start = fvi_seconds();
    int32_t count = -2;
    for (; count < TIMED_LEAST || (fvi_seconds() - start < c->options.seconds && count < TIMED_MOST); count++)
        for (int i = 0; i < SIDES; i++) {
            const double before = fvi_seconds();
            const fv_status status = fv_session_forward(sides[i].session, batch, NULL);
            if (status != FV_OK)
                return fvi_fail(c->context, status, "%s", fv_session_message(sides[i].session));
            if (count >= 0)
                seconds[i][count] = fvi_seconds() - before;
        }
    for (int i = 0; i < SIDES; i++) {
        qsort(seconds[i], (size_t)count, sizeof *seconds[i], by_size);
        c->report->seconds[i] = seconds[i][count / 2] / batch->n;
    }
    c->report->batch = batch->n;
    return FV_OK;
}

static fv_status measure_speed(const comparison *c)
{
    side sides[SIDES] = { { NULL, NULL }, { NULL, NULL } };
    fv_loader *loader = NULL;
    fv_batch batch = { 0 };
    double *times = fvi_allocate_zeroed(c->context, 2 * TIMED_MOST, sizeof *times);
    double *seconds[SIDES] = { times, times != NULL ? times + TIMED_MOST : NULL };
    const fv_loader_options options = { .batch = c->options.batch, .preprocess = *c->preprocess };
    fv_status status = times != NULL ? FV_OK : fvi_out_of_memory(c->context, "times", 2 * TIMED_MOST * sizeof *times);
    if (status == FV_OK)
        status = fv_loader_create(&loader, c->context, c->dataset, &options);
    if (status == FV_OK)
        status = open_sides(c, sides, c->options.batch, false);
    if (status == FV_OK) {
        fv_loader_start(loader, 0, 0);
        status = fv_loader_next(loader, &batch);
        if (status != FV_OK)
            status = fvi_fail(c->context, status, "%s", fv_loader_message(loader));
    }
    batch.classes = NULL;
    batch.values = NULL;
    if (status == FV_OK && batch.n > 0)
        status = time_sides(c, sides, &batch, seconds);
    close_sides(sides);
    fv_loader_destroy(loader);
    fvi_release(c->context, times);
    return status;
}

static fv_status compare(comparison *c)
{
    FV_TRY(list_layers(c));
    FV_TRY(fvi_check_data(fv_params_graph(c->params[BEFORE]), c->dataset, c->preprocess));
    FV_TRY(measure_accuracy(c));
    FV_TRY(measure_noise(c));
    return c->options.seconds > 0 ? measure_speed(c) : FV_OK;
}

fv_status fv_quantize_compare(fv_quantize_report *report, fv_params *before, fv_params *after,
                              const fv_dataset *dataset, const fv_preprocess *preprocess,
                              const fv_quantize_measuring *options)
{
    comparison c = { .context = fv_graph_context(fv_params_graph(after)),
                     .params = { before, after },
                     .dataset = dataset,
                     .preprocess = preprocess,
                     .report = report };
    *report = (fv_quantize_report){ 0 };
    if (options != NULL)
        c.options = *options;
    c.options.batch = c.options.batch == 0 ? USUAL_BATCH : c.options.batch;
    c.options.images = c.options.images == 0 ? USUAL_IMAGES : c.options.images;
    c.options.seconds = c.options.seconds == 0 ? 2 : c.options.seconds;
    const fv_status status = compare(&c);
    if (status != FV_OK)
        fv_quantize_report_release(c.context, report);
    return status;
}

void fv_quantize_report_release(fv_context *context, fv_quantize_report *report)
{
    fvi_release(context, report->layer);
    *report = (fv_quantize_report){ 0 };
}
