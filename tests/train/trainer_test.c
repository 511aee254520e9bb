/* SPDX-License-Identifier: Apache-2.0
 *
 * trainer_test.c - the loop learns, gives the same bits for any number of threads, stops when asked, and refuses what does not fit.
 */
#include <math.h>
#include <string.h>

#include "train/small_run.h"

typedef struct outcome {
    fv_epoch_record last;
    char hash[17];
} outcome;

/* Trains on 203 images (a short last batch) for `epochs`. */
static outcome train_by(const fv_optimizer_options *optimizer, double rate, int32_t threads, int32_t blocks,
                        int32_t epochs, bool augmented)
{
    outcome result = { 0 };
    fv_context *context = small_context(threads);
    fv_graph *graph = small_graph(context, true);
    fv_params *params = small_params(graph, FV_F32);
    fv_dataset *data = small_dataset(context, 203, 1, SMALL_CLASSES, 1),
               *test = small_dataset(context, 57, 1, SMALL_CLASSES, 2);
    fv_train_options options = { .epochs = epochs,
                                 .batch = 20,
                                 .blocks = blocks,
                                 .schedule = { .rate = rate },
                                 .optimizer = *optimizer,
                                 .seed = 9,
                                 .preprocess = fv_preprocess_fit(graph, data) };
    options.augment = (fv_augment){ .shift = augmented ? 1 : 0 };
    fv_trainer *trainer = NULL;
    assert_int_equal(fv_trainer_create(&trainer, graph, params, data, test, &options), FV_OK);
    for (int32_t epoch = 1; !fv_trainer_done(trainer); epoch++) {
        assert_int_equal(fv_trainer_epoch(trainer, &result.last), FV_OK);
        assert_int_equal(result.last.epoch, epoch);
    }
    assert_int_equal(fv_trainer_epoch(trainer, NULL), FV_ERR_STATE);
    fv_params_hash(params, result.hash);
    fv_trainer_destroy(trainer);
    fv_dataset_destroy(test);
    fv_dataset_destroy(data);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return result;
}

static const fv_optimizer_options sgd = { .momentum = 0.9, .weight_decay = 1e-4 };

static outcome train(int32_t threads, int32_t blocks, int32_t epochs, bool augmented)
{
    return train_by(&sgd, 0.1, threads, blocks, epochs, augmented);
}

FV_TEST(trainer, learns_what_can_be_learned)
{
    const outcome result = train(2, 1, 4, false);
    assert_true(result.last.test_accuracy == 1); /* the corners are far apart */
    assert_true(result.last.test_loss < 0.05 && result.last.train_loss < 0.1);
    assert_true(result.last.images_per_second > 0 && result.last.seconds > 0);
    assert_string_equal(result.last.weights_hash, result.hash);
    assert_int_equal(strlen(result.hash), 16);
}

FV_TEST(trainer, weights_do_not_depend_on_threads)
{
    static const int32_t blocks[] = { 1, 4 };
    for (size_t i = 0; i < 2; i++) {
        const outcome one = train(1, blocks[i], 1, true);
        for (int32_t threads = 2; threads <= 4; threads++) {
            const outcome many = train(threads, blocks[i], 1, true);
            assert_string_equal(many.hash, one.hash);
            assert_memory_equal(&many.last.train_loss, &one.last.train_loss, sizeof one.last.train_loss);
            assert_memory_equal(&many.last.test_loss, &one.last.test_loss, sizeof one.last.test_loss);
        }
    }
}

/* A mean that never begins is the weights; one of equal parts is another network, measured as it is saved. */
FV_TEST(trainer, ends_with_the_average)
{
    fv_optimizer_options late = sgd, equal = sgd;
    late.average = FV_AVERAGE_EXPONENTIAL;
    late.average_start = 1000000;
    equal.average = FV_AVERAGE_EQUAL;
    equal.average_start = 11; /* the steps of an epoch */
    const outcome plain = train(1, 1, 2, false), same = train_by(&late, 0.1, 1, 1, 2, false),
                  mean = train_by(&equal, 0.1, 2, 1, 2, false), again = train_by(&equal, 0.1, 1, 1, 2, false);
    assert_string_equal(same.hash, plain.hash);
    assert_string_not_equal(mean.hash, plain.hash);
    assert_string_equal(mean.hash, again.hash);
    assert_string_equal(mean.last.weights_hash, mean.hash);
    assert_true(mean.last.test_loss != plain.last.test_loss && mean.last.test_accuracy == 1);
    assert_true(plain.last.gradient_norm > 0 && plain.last.largest_gradient_norm > plain.last.gradient_norm);
}

/* Every optimizer learns it, and clipping by norm, which needs all gradients at once, leaves the trainer's order as it is. */
FV_TEST(trainer, learns_by_every_optimizer)
{
    static const double rates[] = { 0.1, 0.05, 10, 0.01, 0.01, 0.01, 10, 0.05, 0.05 };
    for (fv_optimizer_kind kind = FV_OPTIMIZER_SGD; fv_optimizer_kind_name(kind) != NULL; kind++) {
        const fv_optimizer_options options = { .kind = kind, .clip_norm = kind % 2 == 0 ? 5 : 0 };
        const outcome result = train_by(&options, rates[kind], 2, 1, 3, false);
        if (!(result.last.train_loss < 1.2))
            fail_msg("%s: loss %g", fv_optimizer_kind_name(kind), result.last.train_loss);
    }
}

/* Every batch and every gradient of a run with another seed or block count differs in its bits: the hash sees it. */
FV_TEST(trainer, hash_tells_runs_apart)
{
    const outcome plain = train(1, 1, 1, false), augmented = train(1, 1, 1, true), again = train(1, 1, 1, false);
    assert_string_not_equal(plain.hash, augmented.hash);
    assert_string_equal(plain.hash, again.hash);
}

/* What a test of one trainer needs. */
typedef struct fixture {
    fv_context *context;
    fv_graph *graph;
    fv_params *params;
    fv_dataset *data;
    fv_train_options options;
    fv_trainer *trainer;
    int64_t steps, stop_after;
} fixture;

static void open_fixture(fixture *f, bool with_loss)
{
    memset(f, 0, sizeof *f);
    f->context = small_context(2);
    f->graph = small_graph(f->context, with_loss);
    f->params = small_params(f->graph, FV_F32);
    f->data = small_dataset(f->context, 100, 1, SMALL_CLASSES, 1);
    f->options = (fv_train_options){
        .epochs = 3, .batch = 10, .schedule = { .rate = 0.01 }, .preprocess = fv_preprocess_fit(f->graph, f->data)
    };
}

static void close_fixture(fixture *f)
{
    fv_trainer_destroy(f->trainer);
    fv_dataset_destroy(f->data);
    fv_params_destroy(f->params);
    fv_graph_destroy(f->graph);
    fv_context_destroy(f->context);
}

static void count_and_stop(void *user, const fv_train_progress *progress)
{
    fixture *f = user;
    f->steps++;
    assert_int_equal(progress->done, 10 * f->steps);
    assert_int_equal(progress->total, 100);
    assert_true(progress->seconds_left >= 0 && progress->images_per_second >= 0 && isfinite(progress->loss));
    if (f->steps == f->stop_after)
        fv_trainer_stop(f->trainer);
}

FV_TEST(trainer, stop_finishes_the_step)
{
    fixture f;
    fv_epoch_record record;
    char hash[17];
    open_fixture(&f, true);
    assert_int_equal(fv_trainer_create(&f.trainer, f.graph, f.params, f.data, NULL, &f.options), FV_OK);
    fv_trainer_on_progress(f.trainer, count_and_stop, &f);
    f.stop_after = 4;
    assert_int_equal(fv_trainer_epoch(f.trainer, &record), FV_ERR_INTERRUPTED);
    assert_int_equal(f.steps, 4);
    assert_non_null(strstr(fv_trainer_message(f.trainer), "40 of 100"));
    fv_params_hash(f.params, hash);
    assert_string_equal(hash, record.weights_hash); /* the weights are those after the fourth step, whole */
    close_fixture(&f);
}

FV_TEST(trainer, a_step_that_is_not_finite_changes_nothing)
{
    fixture f;
    char before[17], after[17];
    open_fixture(&f, true);
    ((float *)fv_params_data(f.params))[0] = INFINITY;
    fv_params_hash(f.params, before);
    assert_int_equal(fv_trainer_create(&f.trainer, f.graph, f.params, f.data, NULL, &f.options), FV_OK);
    assert_int_equal(fv_trainer_epoch(f.trainer, NULL), FV_ERR_NUMERIC);
    fv_params_hash(f.params, after);
    assert_string_equal(before, after);
    assert_non_null(strstr(fv_trainer_message(f.trainer), "epoch 1, step 1"));
    close_fixture(&f);
}

static void expect_refusal(fixture *f, const fv_dataset *data, fv_status status, const char *part)
{
    f->trainer = (fv_trainer *)f;
    assert_int_equal(fv_trainer_create(&f->trainer, f->graph, f->params, data, NULL, &f->options), status);
    assert_null(f->trainer);
    assert_non_null(strstr(fv_context_message(f->context), part));
}

FV_TEST(trainer, data_that_do_not_fit_are_refused)
{
    fixture f;
    open_fixture(&f, true);
    fv_dataset *colour = small_dataset(f.context, 8, 3, SMALL_CLASSES, 1), *five = small_dataset(f.context, 8, 1, 5, 1);
    expect_refusal(&f, colour, FV_ERR_SHAPE, "channel");
    expect_refusal(&f, five, FV_ERR_SHAPE, "classes");
    f.options.preprocess.input.h = 9;
    expect_refusal(&f, f.data, FV_ERR_SHAPE, "1x9x8");
    fv_dataset_destroy(five);
    fv_dataset_destroy(colour);
    close_fixture(&f);
}

FV_TEST(trainer, options_out_of_range_are_refused)
{
    fixture f;
    open_fixture(&f, true);
    const fv_train_options good = f.options;
    f.options.epochs = -1;
    expect_refusal(&f, f.data, FV_ERR_ARGUMENT, "epochs");
    f.options = good;
    f.options.batch = -5;
    expect_refusal(&f, f.data, FV_ERR_ARGUMENT, "-5");
    f.options = good;
    f.options.blocks = 11;
    expect_refusal(&f, f.data, FV_ERR_ARGUMENT, "11 blocks");
    f.options = good;
    f.options.schedule.warmup = 3.5;
    expect_refusal(&f, f.data, FV_ERR_ARGUMENT, "warmup is 3.5");
    f.options = good;
    f.options.schedule.rate = (double)NAN;
    expect_refusal(&f, f.data, FV_ERR_ARGUMENT, "rate");
    close_fixture(&f);
}

FV_TEST(trainer, a_network_without_loss_is_refused)
{
    fixture f;
    open_fixture(&f, false);
    expect_refusal(&f, f.data, FV_ERR_ARGUMENT, "loss");
    close_fixture(&f);
}

/* image -> dense 6 -> batch_norm -> dense -> loss: one image has no variance. */
static fv_graph *vector_norm_graph(fv_context *context, int32_t ghost)
{
    fv_graph *graph = NULL;
    fv_value x, loss;
    const fv_input_options input = { .shape = { 1, SMALL_SIZE, SMALL_SIZE } };
    const fv_dense_options hidden = { .units = 6 }, scores = { .units = SMALL_CLASSES };
    const fv_batch_norm_options norm = { .name = "norm", .ghost = ghost };
    assert_int_equal(fv_graph_create(&graph, context, "vectors"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &input, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &hidden, &x), FV_OK);
    assert_int_equal(fv_graph_add_batch_norm(graph, x, &norm, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &scores, &x), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    return graph;
}

static void note_total(void *user, const fv_train_progress *progress)
{
    *(int64_t *)user = progress->total;
}

/* What an epoch of `images` leaves out, which it then trains; -1 when it is refused, naming the layer. */
static int64_t left_out(int64_t images, int32_t batch, int32_t blocks, int32_t ghost)
{
    fv_context *context = small_context(1);
    fv_graph *graph = vector_norm_graph(context, ghost);
    fv_params *params = small_params(graph, FV_F32);
    fv_dataset *data = small_dataset(context, images, 1, SMALL_CLASSES, 1);
    const fv_train_options options = {
        .epochs = 2, .batch = batch, .blocks = blocks, .preprocess = fv_preprocess_fit(graph, data)
    };
    fv_trainer *trainer = NULL;
    int64_t result = -1, total = 0;
    if (fv_trainer_create(&trainer, graph, params, data, NULL, &options) != FV_OK) {
        assert_non_null(strstr(fv_context_message(context), "batch_norm 'norm' cannot train on 1 image at a time"));
    } else {
        fv_trainer_on_progress(trainer, note_total, &total);
        for (int epoch = 0; epoch < 2; epoch++)
            if (fv_trainer_epoch(trainer, NULL) != FV_OK)
                fail_msg("%s", fv_trainer_message(trainer));
        result = fv_trainer_left_out(trainer);
        assert_int_equal(total + result, images);
    }
    fv_trainer_destroy(trainer);
    fv_dataset_destroy(data);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return result;
}

FV_TEST(trainer, a_last_batch_without_variance_is_left_out)
{
    assert_int_equal(left_out(33, 16, 1, 0), 1);
    assert_int_equal(left_out(34, 16, 1, 0), 0);
    assert_int_equal(left_out(32, 16, 1, 0), 0);
    assert_int_equal(left_out(39, 16, 4, 0), 7); /* 7 images in 4 blocks: one block has but one */
    assert_int_equal(left_out(40, 16, 4, 0), 0);
    assert_int_equal(left_out(33, 16, 1, 5), 1);
}

FV_TEST(trainer, batches_without_variance_are_refused_before_training)
{
    assert_int_equal(left_out(33, 1, 1, 0), -1);
    assert_int_equal(left_out(33, 7, 4, 0), -1);
    assert_int_equal(left_out(1, 16, 1, 0), -1);
    assert_int_equal(left_out(33, 16, 1, 1), -1); /* ghost batches of one */
}

FV_TESTS(trainer, learns_what_can_be_learned, weights_do_not_depend_on_threads, ends_with_the_average,
         learns_by_every_optimizer, hash_tells_runs_apart, stop_finishes_the_step,
         a_step_that_is_not_finite_changes_nothing, data_that_do_not_fit_are_refused, options_out_of_range_are_refused,
         a_network_without_loss_is_refused, a_last_batch_without_variance_is_left_out,
         batches_without_variance_are_refused_before_training)
