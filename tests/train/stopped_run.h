/* SPDX-License-Identifier: Apache-2.0
 *
 * stopped_run.h - a run of three epochs of five steps with all that keeps values of its own or draws random numbers, which can be stopped
 * after any step: for the tests of checkpoints.
 */
#ifndef STOPPED_RUN_H
#define STOPPED_RUN_H

#include <string.h>

#include "support/allocator.h"
#include "support/files.h"
#include "train/small_run.h"

enum { IMAGES = 70, BATCH = 16, STEPS = 5, EPOCHS = 3 }; /* a short last batch */

/* conv, batch norm, ReLU, dropout, dense: all that keeps values of its own or draws random numbers. */
static inline fv_graph *random_graph(fv_context *context, int32_t units)
{
    fv_graph *graph = NULL;
    fv_value x, scores, loss;
    const fv_input_options input = { .shape = { 1, SMALL_SIZE, SMALL_SIZE } };
    const fv_conv2d_options conv = { .filters = 4, .kernel = { 3, 3 }, .padding = FV_PAD_SAME };
    assert_int_equal(fv_graph_create(&graph, context, "random"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &input, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, x, &conv, &x), FV_OK);
    assert_int_equal(fv_graph_add_batch_norm(graph, x, NULL, &x), FV_OK);
    assert_int_equal(fv_graph_add_relu(graph, x, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .units = units }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dropout(graph, x, &(fv_dropout_options){ .drop = 0.3 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .units = SMALL_CLASSES }, &scores), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, scores, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
    return graph;
}

typedef struct run {
    test_allocator allocator;
    fv_context *context;
    fv_graph *graph;
    fv_params *params;
    fv_dataset *data, *test;
    fv_train_options options;
    fv_trainer *trainer;
    int64_t steps, stop_after; /* of this trainer; 0: never */
    int warnings;
    char warning[1024]; /* the last one */
} run;

static inline void stop_in_time(void *user, const fv_train_progress *progress)
{
    run *r = user;
    (void)progress;
    r->steps++;
    if (r->stop_after > 0 && r->steps == r->stop_after)
        fv_trainer_stop(r->trainer);
}

static inline void count_warnings(void *user, fv_log_level level, const char *message)
{
    run *r = user;
    if (level != FV_LOG_WARNING)
        return;
    r->warnings++;
    snprintf(r->warning, sizeof r->warning, "%s", message);
}

static inline void begin(run *r, int32_t threads, int32_t units)
{
    memset(r, 0, sizeof *r);
    test_allocator_reset(&r->allocator);
    const fv_context_options options = {
        .threads = threads, .allocator = test_allocator_callbacks(&r->allocator), .log = count_warnings, .log_user = r
    };
    assert_int_equal(fv_context_create(&r->context, &options), FV_OK);
    r->graph = random_graph(r->context, units);
    r->params = small_params(r->graph, FV_F32);
    r->data = small_dataset(r->context, IMAGES, 1, SMALL_CLASSES, 1);
    r->test = small_dataset(r->context, 20, 1, SMALL_CLASSES, 2);
    r->options = (fv_train_options){ .epochs = EPOCHS,
                                     .batch = BATCH,
                                     .schedule = { .rate = 0.05, .warmup = 0.5 },
                                     .optimizer = { .momentum = 0.9, .weight_decay = 1e-3 },
                                     .seed = 5,
                                     .preprocess = fv_preprocess_fit(r->graph, r->data),
                                     .augment = { .shift = 1, .flip = true } };
}

static inline void make_trainer(run *r)
{
    if (fv_trainer_create(&r->trainer, r->graph, r->params, r->data, r->test, &r->options) != FV_OK)
        fail_msg("%s", fv_context_message(r->context));
    fv_trainer_on_progress(r->trainer, stop_in_time, r);
}

static inline void end(run *r)
{
    fv_trainer_destroy(r->trainer);
    fv_dataset_destroy(r->test);
    fv_dataset_destroy(r->data);
    fv_params_destroy(r->params);
    fv_graph_destroy(r->graph);
    fv_context_destroy(r->context);
    assert_int_equal(r->allocator.live, 0);
}

/* Until the end or a stop. */
static inline fv_status go(run *r)
{
    fv_status status = FV_OK;
    while (status == FV_OK && !fv_trainer_done(r->trainer))
        status = fv_trainer_epoch(r->trainer, NULL);
    return status;
}

#endif
