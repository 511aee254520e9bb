/* SPDX-License-Identifier: Apache-2.0
 *
 * trainer.c - the training loop: loader, gradients of each batch, optimizer, and a measurement after each epoch.
 */
#include <string.h>

#include "base/clock.h"
#include "train/trainer_internal.h"

static fv_status check_options(fv_context *context, fv_train_options *options)
{
    options->epochs = options->epochs != 0 ? options->epochs : 10;
    options->batch = options->batch != 0 ? options->batch : 64;
    options->blocks = options->blocks != 0 ? options->blocks : 1;
    options->schedule.rate =
        options->schedule.rate != 0 ? options->schedule.rate : fv_optimizer_kind_rate(options->optimizer.kind);
    if (options->dtype != FV_F32 && options->dtype != FV_BF16)
        return fvi_fail(context, FV_ERR_ARGUMENT, "trainer: dtype is %s, but must be f32 or bf16",
                        fv_dtype_name(options->dtype));
    if (options->epochs < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "trainer: %d epochs is not at least 1", options->epochs);
    if (options->batch < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "trainer: batch %d is not at least 1", options->batch);
    if (options->blocks < 1 || options->blocks > options->batch)
        return fvi_fail(context, FV_ERR_ARGUMENT, "trainer: a batch of %d cannot be computed as %d blocks",
                        options->batch, options->blocks);
    if (options->patience < 0)
        return fvi_fail(context, FV_ERR_ARGUMENT, "trainer: a patience of %d epochs is below 0", options->patience);
    return fv_schedule_check(context, &options->schedule, options->epochs);
}

bool fvi_hands_over(const fv_train_options *options)
{
    return options->blocks <= 1 && !options->population_statistics && options->optimizer.average != FV_AVERAGE_EQUAL &&
           options->on_nan != FV_NAN_SKIP && !fv_optimizer_needs_all(&options->optimizer);
}

static fv_status update_some(void *user, const fv_gradient *gradients, int32_t count)
{
    fv_trainer *trainer = user;
    fvi_trainer_events_gradients(trainer, gradients, count);
    return fv_optimizer_update_some(trainer->optimizer, gradients, count, trainer->rate);
}

static fv_status trainer_fill(fv_trainer *trainer, const fv_dataset *train, const fv_dataset *test)
{
    const fv_train_options *options = &trainer->options;
    const fv_plan_options plan = { .batch = (options->batch + options->blocks - 1) / options->blocks,
                                   .mode = FV_TRAIN,
                                   .dtype = options->dtype,
                                   .no_repeat = options->no_repeat,
                                   .memory_limit = options->memory_limit,
                                   .hand_over = fvi_hands_over(options),
                                   .keep_packed = options->blocks > 1 };
    FV_TRY(fvi_run_loader(&trainer->loader, &trainer->transforms, trainer->context, options, train));
    trainer->options.preprocess = trainer->transforms.preprocess;
    FV_TRY(fv_plan_create(&trainer->plan, trainer->graph, &plan));
    FV_TRY(fv_session_create(&trainer->session, trainer->plan, trainer->params));
    fv_session_set_seed(trainer->session, options->seed);
    fv_session_on_gradients(trainer->session, update_some, trainer);
    FV_TRY(fv_optimizer_create(&trainer->optimizer, trainer->params, &options->optimizer));
    if (fv_optimizer_average(trainer->optimizer) != NULL)
        FV_TRY(fv_params_create(&trainer->weights, trainer->graph, fv_params_dtype(trainer->params)));
    if (options->blocks > 1) {
        FV_TRY(fv_blocks_create(&trainer->blocks, trainer->session, options->blocks));
        FV_TRY(fv_params_create(&trainer->gradients, trainer->graph, fv_params_dtype(trainer->params)));
    }
    if (options->population_statistics)
        FV_TRY(fvi_population_create(&trainer->population, trainer->params, train, &options->preprocess, plan.batch,
                                     options->skip_bad));
    if (test != NULL)
        FV_TRY(fvi_evaluator_create(&trainer->evaluator, trainer->params, test, &options->preprocess, plan.batch,
                                    options->dtype, options->skip_bad));
    return FV_OK;
}

fv_status fv_trainer_create(fv_trainer **out, const fv_graph *graph, fv_params *params, const fv_dataset *train,
                            const fv_dataset *test, const fv_train_options *options)
{
    fv_context *context = fv_graph_context(graph);
    fv_train_options filled = *options;
    *out = NULL;
    FV_TRY(check_options(context, &filled));
    FV_TRY(fvi_check_run(graph, train, &filled));
    if (!fvi_graph_has_loss(graph))
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "network '%s' has no loss, so it cannot be trained; add softmax_cross_entropy",
                        fv_graph_name(graph));
    if (fv_dataset_count(train) < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "data set '%s' is empty", fv_dataset_name(train));
    int64_t images = 0;
    FV_TRY(fvi_images_of_epoch(graph, filled.batch, filled.blocks, fv_dataset_count(train), &images));
    fv_trainer *trainer = fvi_allocate_zeroed(context, 1, sizeof *trainer);
    if (trainer == NULL)
        return fvi_out_of_memory(context, "trainer", sizeof *trainer);
    trainer->context = context;
    trainer->graph = graph;
    trainer->train = train;
    trainer->test = test;
    trainer->params = params;
    trainer->options = filled;
    trainer->options.population_statistics =
        filled.population_statistics || filled.optimizer.average == FV_AVERAGE_EQUAL;
    trainer->samples = images;
    trainer->steps_per_epoch = (trainer->samples + filled.batch - 1) / filled.batch;
    trainer->best = -1;
    trainer->rate_scale = 1;
    atomic_init(&trainer->stop, 0);
    atomic_init(&trainer->save_soon, 0);
    fv_status status = trainer_fill(trainer, train, test);
    if (status == FV_OK)
        status = fvi_trainer_describe(trainer);
    if (status != FV_OK) {
        fv_trainer_destroy(trainer);
        return status;
    }
    *out = trainer;
    return FV_OK;
}

void fv_trainer_destroy(fv_trainer *trainer)
{
    if (trainer == NULL)
        return;
    fvi_trainer_events_close(trainer);
    fvi_evaluator_destroy(trainer->evaluator);
    fvi_population_destroy(trainer->population);
    fv_optimizer_destroy(trainer->optimizer);
    fv_params_destroy(trainer->gradients);
    fv_params_destroy(trainer->weights);
    fv_blocks_destroy(trainer->blocks);
    fv_session_destroy(trainer->session);
    fv_plan_destroy(trainer->plan);
    fv_loader_destroy(trainer->loader);
    fvi_checkpoints_release(trainer->context, &trainer->checkpoints);
    json_decref(trainer->described);
    fvi_release(trainer->context, trainer->records);
    fvi_run_transforms_close(&trainer->transforms);
    fvi_release(trainer->context, trainer);
}

const char *fv_trainer_message(const fv_trainer *trainer)
{
    return trainer->message.text;
}

const char *fv_trainer_transforms(const fv_trainer *trainer)
{
    const fv_augmentation *list =
        trainer->transforms.training != NULL ? trainer->transforms.training : trainer->options.preprocess.transforms;
    return list != NULL ? fv_augmentation_text(list) : NULL;
}

const fv_preprocess *fv_trainer_preprocess(const fv_trainer *trainer)
{
    return &trainer->options.preprocess;
}

int64_t fv_trainer_left_out(const fv_trainer *trainer)
{
    return fv_dataset_count(trainer->train) - trainer->samples;
}

void fv_trainer_on_progress(fv_trainer *trainer, void (*progress)(void *user, const fv_train_progress *progress),
                            void *user)
{
    trainer->progress = progress;
    trainer->progress_user = user;
}

static bool out_of_patience(const fv_trainer *trainer)
{
    return trainer->options.patience > 0 && trainer->best >= 0 &&
           trainer->epoch - (trainer->best + 1) >= trainer->options.patience;
}

bool fv_trainer_done(const fv_trainer *trainer)
{
    return trainer->epoch >= trainer->options.epochs || out_of_patience(trainer);
}

int32_t fv_trainer_records(const fv_trainer *trainer, const fv_epoch_record **records)
{
    *records = trainer->records;
    return trainer->epoch;
}

const fv_epoch_record *fv_trainer_best(const fv_trainer *trainer)
{
    return trainer->best >= 0 ? &trainer->records[trainer->best] : NULL;
}

/* How good an epoch was: more is better. */
static double merit(const fv_trainer *trainer, const fv_epoch_record *record)
{
    switch (trainer->options.metric) {
    case FV_METRIC_TEST_ACCURACY:
        return record->test_accuracy;
    case FV_METRIC_TEST_LOSS:
        return -record->test_loss;
    case FV_METRIC_TRAIN_LOSS:
        return -record->train_loss;
    case FV_METRIC_DEFAULT:
        break;
    }
    if (trainer->test == NULL)
        return -record->train_loss;
    return fv_dataset_target_count(trainer->test) > 0 ? -record->test_loss : record->test_accuracy;
}

fv_status fvi_trainer_reserve(fv_trainer *trainer, int32_t count)
{
    void *records = trainer->records;
    FV_TRY(fvi_grow(trainer->context, &records, &trainer->record_capacity, (size_t)trainer->epoch, (size_t)count,
                    sizeof *trainer->records));
    trainer->records = records;
    return FV_OK;
}

fv_status fvi_trainer_add_record(fv_trainer *trainer, const fv_epoch_record *record)
{
    FV_TRY(fvi_trainer_reserve(trainer, trainer->epoch + 1));
    trainer->records[trainer->epoch] = *record;
    if (trainer->best < 0 || merit(trainer, record) > merit(trainer, &trainer->records[trainer->best]))
        trainer->best = trainer->epoch;
    trainer->epoch++;
    return FV_OK;
}

int64_t fvi_trainer_steps(const fv_trainer *trainer)
{
    const int64_t batch = trainer->options.batch;
    return trainer->epoch * trainer->steps_per_epoch + (trainer->sums.position + batch - 1) / batch;
}

double fvi_trainer_epoch_seconds(const fv_trainer *trainer)
{
    return trainer->sums.seconds + (trainer->running ? fvi_seconds() - trainer->started : 0);
}

void fv_trainer_stop(fv_trainer *trainer)
{
    atomic_store(&trainer->stop, 1);
}

/* The learning rate of a step. */
static double rate_of(const fv_trainer *trainer, int64_t step)
{
    const fv_schedule_options *schedule = &trainer->options.schedule;
    return fv_schedule_rate(schedule, trainer->options.epochs, trainer->steps_per_epoch, step) *
           fv_plateau_factor(&trainer->plateau, schedule) * trainer->rate_scale;
}

/* Gradients and update of one batch: update in the backward pass, where gradients stay NULL, or behind it. */
static fv_status train_batch(fv_trainer *trainer, const fv_batch *batch, int64_t step, fv_step_result *result)
{
    const fv_params *gradients = trainer->gradients;
    fv_status status;
    trainer->rate = rate_of(trainer, step);
    if (trainer->blocks != NULL) {
        status = fv_blocks_gradients(trainer->blocks, batch, 0, trainer->options.blocks, fvi_weight_of_batch(batch),
                                     trainer->gradients, result);
    } else {
        status = fv_session_step(trainer->session, batch, result);
        gradients = fv_session_gradients(trainer->session);
    }
    if (status != FV_OK)
        return fvi_fail_in(&trainer->message, status, "epoch %d, step %lld: %s", trainer->epoch + 1,
                           (long long)(step % trainer->steps_per_epoch + 1), fv_session_message(trainer->session));
    if (gradients != NULL) {
        fvi_trainer_events_all_gradients(trainer, gradients);
        status = fv_optimizer_update(trainer->optimizer, gradients, trainer->rate);
    }
    if (status != FV_OK)
        return fvi_fail_in(&trainer->message, status, "epoch %d, step %lld: %s", trainer->epoch + 1,
                           (long long)(step % trainer->steps_per_epoch + 1), fv_context_message(trainer->context));
    fv_session_params_changed(trainer->session);
    return FV_OK;
}

static void tell_progress(const fv_trainer *trainer)
{
    const fvi_epoch_sums *sums = &trainer->sums;
    const double now = fvi_trainer_epoch_seconds(trainer);
    const double all = (double)trainer->samples * trainer->options.epochs;
    const double done = (double)trainer->samples * trainer->epoch + (double)sums->position;
    if (trainer->progress == NULL)
        return;
    const fv_train_progress progress = {
        .epoch = trainer->epoch + 1,
        .epochs = trainer->options.epochs,
        .done = sums->position,
        .total = trainer->samples,
        .loss = sums->weight > 0 ? sums->loss / sums->weight : 0,
        .accuracy = sums->counted > 0 ? (double)sums->correct / (double)sums->counted : 0,
        .gradient_norm = fv_optimizer_gradient_norm(trainer->optimizer),
        .images_per_second = now > 0 ? (double)sums->position / now : 0,
        .seconds_left = done > 0 ? (trainer->seconds_before + now) / done * (all - done) : 0,
    };
    trainer->progress(trainer->progress_user, &progress);
}

static fv_status step_of(fv_trainer *trainer)
{
    fvi_epoch_sums *sums = &trainer->sums;
    fv_batch batch;
    fv_step_result result = { 0 };
    fv_status status = fv_loader_next(trainer->loader, &batch);
    if (status != FV_OK)
        return fvi_fail_in(&trainer->message, status, "epoch %d: %s", trainer->epoch + 1,
                           fv_loader_message(trainer->loader));
    sums->skipped_images += fv_loader_position(trainer->loader) - sums->position - batch.n;
    if (batch.n == 0) { /* whatever was left could not be read, and was left out */
        sums->position = fv_loader_position(trainer->loader);
        return FV_OK;
    }
    fvi_trainer_events_begin(trainer, &batch);
    status = train_batch(trainer, &batch, fvi_trainer_steps(trainer), &result);
    if (status == FV_ERR_NUMERIC) {
        FV_TRY(fvi_not_finite(trainer, &batch));
        fv_loader_start(trainer->loader, trainer->epoch, trainer->sums.position);
    } else {
        FV_TRY(status);
        sums->loss += result.loss;
        sums->weight += result.weight;
        sums->correct += result.correct;
        const double norm = fv_optimizer_gradient_norm(trainer->optimizer);
        sums->steps++;
        sums->norms += norm;
        sums->largest_norm = norm > sums->largest_norm ? norm : sums->largest_norm;
        sums->counted += batch.n;
        sums->position = fv_loader_position(trainer->loader); /* not + n: samples may have been left out */
        trainer->skipped_in_row = 0;
        fvi_trainer_events_step(trainer, &result, batch.n);
    }
    tell_progress(trainer);
    return FV_OK;
}

/* The batches of the running epoch that are left, or those until a stop is asked for. */
static fv_status train_batches(fv_trainer *trainer)
{
    fv_loader_start(trainer->loader, trainer->epoch, trainer->sums.position);
    for (;;) {
        if (atomic_load(&trainer->stop) != 0)
            return fvi_fail_in(&trainer->message, FV_ERR_INTERRUPTED,
                               "stopped on request in epoch %d after %lld of %lld images", trainer->epoch + 1,
                               (long long)trainer->sums.position, (long long)trainer->samples);
        FV_TRY(fvi_checkpoint_if_due(trainer));
        if (trainer->sums.position >= trainer->samples)
            return FV_OK;
        FV_TRY(step_of(trainer));
    }
}

void fvi_params_exchange(fv_params *a, fv_params *b)
{
    float *x = fv_params_data(a), *y = fv_params_data(b);
    for (size_t i = 0; i < fv_params_block_elements(a); i++) {
        const float kept = x[i];
        x[i] = y[i];
        y[i] = kept;
    }
}

/* The average takes the weights' place, which are kept. */
static fv_status enter_average(fv_trainer *trainer)
{
    FV_TRY(fv_params_copy(trainer->weights, fv_optimizer_average(trainer->optimizer)));
    fvi_params_exchange(trainer->params, trainer->weights);
    trainer->averaged = true;
    fv_session_params_changed(trainer->session);
    return FV_OK;
}

/* Training goes on from the weights. */
static void leave_average(fv_trainer *trainer)
{
    if (trainer->averaged)
        fvi_params_exchange(trainer->params, trainer->weights);
    trainer->averaged = false;
}

/* Before an epoch is measured: at the end of the run the average becomes the result, and where patience may end it any epoch's may.
 * Statistics are then taken again, if asked for. */
static fv_status finish_statistics(fv_trainer *trainer)
{
    const bool last = trainer->epoch + 1 >= trainer->options.epochs;
    const bool begun =
        trainer->weights != NULL && fv_optimizer_steps(trainer->optimizer) > trainer->options.optimizer.average_start;
    const bool averages = trainer->weights != NULL && (last || (begun && trainer->options.patience > 0));
    if (averages)
        FV_TRY(enter_average(trainer));
    if (trainer->population == NULL || (!last && !averages))
        return FV_OK;
    const fv_status status = fvi_population_run(trainer->population, trainer->session);
    if (status != FV_OK)
        return fvi_fail_in(&trainer->message, status, "%s", fv_context_message(trainer->context));
    return FV_OK;
}

static fv_status measure_epoch(fv_trainer *trainer, fv_epoch_record *record)
{
    fvi_measure measure = { 0 };
    if (trainer->evaluator == NULL)
        return FV_OK;
    const fv_status status = fvi_evaluator_run(trainer->evaluator, &measure, NULL, &trainer->stop);
    if (status != FV_OK)
        return fvi_fail_in(&trainer->message, status, "measuring after epoch %d: %s", record->epoch,
                           fv_context_message(trainer->context));
    record->test_loss = measure.loss;
    record->test_accuracy = measure.accuracy;
    return FV_OK;
}

/* What is known of the running epoch so far. */
static fv_epoch_record make_record(const fv_trainer *trainer)
{
    const fvi_epoch_sums *sums = &trainer->sums;
    const double seconds = fvi_trainer_epoch_seconds(trainer);
    fv_epoch_record record = {
        .epoch = trainer->epoch + 1,
        .train_loss = sums->weight > 0 ? sums->loss / sums->weight : 0,
        .train_accuracy = sums->counted > 0 ? (double)sums->correct / (double)sums->counted : 0,
        .seconds = seconds,
        .images_per_second = seconds > 0 ? (double)sums->position / seconds : 0,
        .skipped = sums->skipped,
        .gradient_norm = sums->steps > 0 ? sums->norms / sums->steps : 0,
        .largest_gradient_norm = sums->largest_norm,
        .rate = rate_of(trainer, (trainer->epoch + 1) * trainer->steps_per_epoch - 1),
        .skipped_images = sums->skipped_images,
    };
    fv_params_hash(trainer->params, record.weights_hash);
    return record;
}

/* The epoch is over: its record joins the others, and the next one has not begun. */
static fv_status close_epoch(fv_trainer *trainer, const fv_epoch_record *record)
{
    fvi_trainer_events_epoch(trainer, record);
    FV_TRY(fvi_trainer_add_record(trainer, record));
    fv_plateau_observe(&trainer->plateau, &trainer->options.schedule,
                       trainer->evaluator != NULL ? record->test_loss : record->train_loss);
    trainer->seconds_before += record->seconds;
    trainer->sums = (fvi_epoch_sums){ 0 };
    return fvi_checkpoint_write(trainer, true);
}

static fv_status run_epoch(fv_trainer *trainer, fv_epoch_record *record)
{
    trainer->started = fvi_seconds();
    trainer->running = true;
    leave_average(trainer);
    fv_session_params_changed(trainer->session); /* the caller may have written params between epochs */
    fv_status status = train_batches(trainer);
    if (status == FV_OK)
        status = finish_statistics(trainer);
    *record = make_record(trainer);
    if (status == FV_OK)
        status = measure_epoch(trainer, record);
    record->seconds = fvi_trainer_epoch_seconds(trainer);
    trainer->running = false;
    if (status == FV_OK)
        return close_epoch(trainer, record);
    trainer->sums.seconds = record->seconds;
    if (status == FV_ERR_INTERRUPTED) {
        const fvi_message said = trainer->message;
        atomic_store(&trainer->stop, 0);
        FV_TRY(fvi_checkpoint_write(trainer, false));
        trainer->message = said;
    }
    return status;
}

static fv_status refuse_more(fv_trainer *trainer)
{
    if (out_of_patience(trainer) && trainer->epoch < trainer->options.epochs)
        return fvi_fail_in(&trainer->message, FV_ERR_STATE,
                           "stopped early: none of the last %d epochs was better than epoch %d",
                           trainer->options.patience, trainer->best + 1);
    return fvi_fail_in(&trainer->message, FV_ERR_STATE, "all %d epochs are trained", trainer->options.epochs);
}

/* The message is kept by the context too, for programs that have one place to look. */
fv_status fv_trainer_epoch(fv_trainer *trainer, fv_epoch_record *record)
{
    fv_epoch_record unused;
    record = record != NULL ? record : &unused;
    memset(record, 0, sizeof *record);
    const fv_status status = fv_trainer_done(trainer) ? refuse_more(trainer) : run_epoch(trainer, record);
    return status == FV_OK ? FV_OK : fvi_fail(trainer->context, status, "%s", trainer->message.text);
}
