/* SPDX-License-Identifier: Apache-2.0
 *
 * trainer_events.c - a trainer's event file: figures after some steps and each epoch, histograms, pictures. What is told of a step depends on
 * that step alone (no means since the last time), and is written before a checkpoint of it, so that a run that goes on from any
 * checkpoint tells what the run that never stopped would have told; only times differ.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "graph/params_internal.h"
#include "interchange/event_file.h"
#include "train/trainer_internal.h"

/* With what the record of an epoch begins. */
static const char first_of_epoch[] = "loss/train";

enum { EVERY = 10, TAG = 320, SHEET_SIDE = 1024, MOST_COLUMNS = 8, MOST_FILTERS = 256, FILTER_SIDE = 24 };

struct fvi_trainer_events {
    fv_events *file;
    char *folder;
    int64_t every;
    fvi_histogram *gradients; /* [parameters], of the epoch's last step; NULL: no distributions */
    bool watches;             /* the running step is the epoch's last */
    int64_t position;         /* since when */
    double seconds;           /* images per second are counted */
};

void fvi_trainer_events_close(fv_trainer *trainer)
{
    fvi_trainer_events *events = trainer->events;
    if (events == NULL)
        return;
    fv_events_close(events->file);
    fvi_release(trainer->context, events->gradients);
    fvi_release(trainer->context, events->folder);
    fvi_release(trainer->context, events);
    trainer->events = NULL;
}

/* From the trainer's place; where all steps of an epoch are done and it is not closed, what was told of the epoch goes. */
static fv_status open_here(fvi_trainer_events *events, const fv_trainer *trainer)
{
    const bool unclosed = trainer->sums.position >= trainer->samples;
    return fvi_events_open(&events->file, trainer->context, events->folder, fvi_trainer_steps(trainer),
                           unclosed ? first_of_epoch : NULL);
}

/* Training goes on without them. */
static void give_up(fv_trainer *trainer)
{
    fvi_log_message(trainer->context, FV_LOG_WARNING, "%s; the run goes on without event files",
                    fv_context_message(trainer->context));
    fvi_trainer_events_close(trainer);
}

static fv_status events_fill(fvi_trainer_events *events, const fv_trainer *trainer, const fv_events_options *options)
{
    const size_t params = (size_t)fv_params_count(trainer->params);
    events->every = options->every_steps > 0 ? options->every_steps : EVERY;
    events->folder = fvi_duplicate_text(trainer->context, options->folder);
    if (!options->no_distributions)
        events->gradients = fvi_allocate_zeroed(trainer->context, params, sizeof *events->gradients);
    if (events->folder == NULL || (!options->no_distributions && events->gradients == NULL))
        return fvi_out_of_memory(trainer->context, "histograms", params * sizeof *events->gradients);
    return open_here(events, trainer);
}

fv_status fv_trainer_keep_events(fv_trainer *trainer, const fv_events_options *options)
{
    fv_context *context = trainer->context;
    if (options->folder == NULL || options->folder[0] == '\0' || options->every_steps < 0)
        return fvi_fail_in(&trainer->message, FV_ERR_ARGUMENT,
                           "event files: a folder is needed, and every_steps of at least 0");
    fvi_trainer_events_close(trainer);
    fv_status status = FV_ERR_MEMORY;
    trainer->events = fvi_allocate_zeroed(context, 1, sizeof *trainer->events);
    if (trainer->events == NULL)
        fvi_out_of_memory(context, "event files", sizeof *trainer->events);
    else
        status = events_fill(trainer->events, trainer, options);
    if (status == FV_OK)
        return FV_OK;
    fvi_trainer_events_close(trainer);
    return fvi_fail_in(&trainer->message, status, "%s", fv_context_message(context));
}

void fvi_trainer_events_go_back(fv_trainer *trainer)
{
    fvi_trainer_events *events = trainer->events;
    if (events == NULL)
        return;
    fv_events_close(events->file);
    events->seconds = 0;
    if (open_here(events, trainer) != FV_OK)
        give_up(trainer);
}

static uint8_t byte_of(double value)
{
    return !(value > 0) ? 0 : value >= 1 ? 255 : (uint8_t)(value * 255 + 0.5);
}

/* A grid of pictures with a border of one pixel. */
typedef struct sheet {
    uint8_t *pixels; /* [c][h][w], of the context; NULL: memory is short */
    fv_image_shape shape;
    int32_t columns, cell_h, cell_w;
} sheet;

static sheet make_sheet(fv_context *context, int32_t c, int32_t h, int32_t w, int32_t count, int32_t columns)
{
    sheet on = { .columns = columns, .cell_h = h + 1, .cell_w = w + 1 };
    on.shape = (fv_image_shape){ c, (count + columns - 1) / columns * on.cell_h + 1, columns * on.cell_w + 1 };
    on.pixels = fvi_allocate_zeroed(context, (size_t)c, (size_t)on.shape.h * (size_t)on.shape.w);
    return on;
}

static uint8_t *pixel_of(const sheet *on, int32_t index, int32_t c, int32_t y, int32_t x)
{
    const int32_t row = index / on->columns * on->cell_h + 1 + y, column = index % on->columns * on->cell_w + 1 + x;
    return &on->pixels[((size_t)c * (size_t)on->shape.h + (size_t)row) * (size_t)on->shape.w + (size_t)column];
}

/* Images are a help, not the run: what cannot be drawn (no libpng, no memory) is left out. */
static void put_sheet(fv_trainer *trainer, const char *tag, int64_t step, sheet *on)
{
    if (on->pixels != NULL)
        (void)fv_events_image(trainer->events->file, tag, step, on->pixels, on->shape);
    fvi_release(trainer->context, on->pixels);
}

/* The first images of a batch as the network sees them, their normalisation undone. */
static void draw_batch(fv_trainer *trainer, const fv_batch *batch)
{
    const fv_preprocess *prepare = &trainer->options.preprocess;
    const fv_image_shape input = prepare->input;
    const int32_t c = input.c >= 3 ? 3 : 1;
    const int32_t fit = SHEET_SIDE / (input.w > input.h ? input.w + 1 : input.h + 1);
    const int32_t side = fit < 1 ? 1 : fit > MOST_COLUMNS ? MOST_COLUMNS : fit;
    const int32_t count = batch->n < side * side ? batch->n : side * side;
    const float *images = batch->images;
    if (fv_dataset_target_count(trainer->train) > 0 && input.h * input.w == 1)
        return; /* numbers */
    sheet on = make_sheet(trainer->context, c, input.h, input.w, count, side < count ? side : count);
    for (int32_t i = 0; i < count && on.pixels != NULL; i++)
        for (int32_t at = 0; at < input.h * input.w; at++)
            for (int32_t k = 0; k < c; k++) {
                const double value = (double)
                    images[((size_t)i * (size_t)(input.h * input.w) + (size_t)at) * (size_t)input.c + (size_t)k];
                const double deviation = prepare->deviation[k] > 0 ? prepare->deviation[k] : 1;
                *pixel_of(&on, i, k, at / input.w, at % input.w) = byte_of(value * deviation + prepare->mean[k]);
            }
    put_sheet(trainer, "images/first_batch", fvi_trainer_steps(trainer) + 1, &on);
}

/* The filters of the first convolution, grey where they are 0, each parameter's largest magnitude black or white. */
static void draw_filters(fv_trainer *trainer, int64_t step)
{
    int32_t found = 0;
    fv_param_info info = fv_params_info(trainer->params, 0);
    while (found < fv_params_count(trainer->params) && info.shape.rank != 4)
        info = fv_params_info(trainer->params, ++found);
    if (info.shape.rank != 4 || (info.shape.size[1] != 1 && info.shape.size[1] != 3) || info.shape.size[3] < 2)
        return;
    const float *values = fv_params_values(trainer->params, found);
    const int32_t c = (int32_t)info.shape.size[1], h = (int32_t)info.shape.size[2], w = (int32_t)info.shape.size[3];
    const int32_t count = info.shape.size[0] < MOST_FILTERS ? (int32_t)info.shape.size[0] : MOST_FILTERS;
    const int32_t scale = FILTER_SIDE > w ? FILTER_SIDE / w : 1;
    double most = 0;
    int32_t columns = 1;
    for (int64_t i = 0; i < info.elements; i++)
        most = (double)values[i] > most ? (double)values[i] : -(double)values[i] > most ? -(double)values[i] : most;
    while (columns * columns < count)
        columns++;
    sheet on = make_sheet(trainer->context, c, h * scale, w * scale, count, columns);
    for (int32_t i = 0; i < count && on.pixels != NULL; i++)
        for (int32_t k = 0; k < c; k++)
            for (int32_t y = 0; y < h * scale; y++)
                for (int32_t x = 0; x < w * scale; x++) {
                    const int32_t at = ((i * c + k) * h + y / scale) * w + x / scale;
                    *pixel_of(&on, i, k, y, x) = byte_of(most > 0 ? 0.5 + 0.5 * (double)values[at] / most : 0.5);
                }
    put_sheet(trainer, "images/first_filters", step, &on);
}

void fvi_trainer_events_begin(fv_trainer *trainer, const fv_batch *batch)
{
    fvi_trainer_events *events = trainer->events;
    if (events == NULL)
        return;
    if (events->seconds == 0) {
        events->seconds = fvi_seconds();
        events->position = trainer->epoch * trainer->samples + trainer->sums.position;
    }
    if (events->gradients == NULL)
        return;
    events->watches = fv_loader_position(trainer->loader) >= trainer->samples;
    if (events->watches)
        memset(events->gradients, 0, (size_t)fv_params_count(trainer->params) * sizeof *events->gradients);
    if (trainer->epoch == 0 && trainer->sums.position == 0)
        draw_batch(trainer, batch);
}

void fvi_trainer_events_gradients(fv_trainer *trainer, const fv_gradient *gradients, int32_t count)
{
    fvi_trainer_events *events = trainer->events;
    for (int32_t i = 0; events != NULL && events->watches && i < count; i++) {
        const fv_param_info info = fv_params_info(trainer->params, gradients[i].parameter);
        if (info.trained)
            fvi_histogram_add(&events->gradients[gradients[i].parameter], gradients[i].values,
                              gradients[i].count > 0 ? gradients[i].count : info.elements);
    }
}

void fvi_trainer_events_all_gradients(fv_trainer *trainer, const fv_params *gradients)
{
    const float *values = fvi_params_read(gradients);
    for (int32_t i = 0; i < fv_params_count(trainer->params); i++) {
        const fv_gradient one = { .parameter = i, .values = values + fv_params_info(gradients, i).offset };
        fvi_trainer_events_gradients(trainer, &one, 1);
    }
}

typedef struct figure {
    const char *tag;
    double value;
} figure;

static fv_status put_figures(fv_events *file, int64_t step, const figure *figures, size_t count)
{
    for (size_t i = 0; i < count; i++)
        FV_TRY(fv_events_scalar(file, figures[i].tag, step, figures[i].value));
    return FV_OK;
}

static fv_status put_step(fv_trainer *trainer, int64_t step, const fv_step_result *result, int64_t images)
{
    fvi_trainer_events *events = trainer->events;
    const double now = fvi_seconds(), seconds = now - events->seconds;
    const int64_t position = trainer->epoch * trainer->samples + trainer->sums.position;
    const figure figures[] = {
        { "loss/step", result->weight > 0 ? result->loss / result->weight : 0 },
        { "accuracy/step", images > 0 ? (double)result->correct / (double)images : 0 },
        { "optimizer/learning_rate", trainer->rate },
        { "optimizer/gradient_norm", fv_optimizer_gradient_norm(trainer->optimizer) },
        { "speed/images_per_second", seconds > 0 ? (double)(position - events->position) / seconds : 0 },
    };
    events->seconds = now;
    events->position = position;
    return put_figures(events->file, step, figures, sizeof figures / sizeof figures[0]);
}

/* In the step, not at the end of the epoch: a checkpoint may lie between. */
static fv_status put_gradients(const fv_trainer *trainer, int64_t step)
{
    char tag[TAG];
    for (int32_t i = 0; i < fv_params_count(trainer->params); i++) {
        snprintf(tag, sizeof tag, "gradients/%s", fv_params_info(trainer->params, i).name);
        FV_TRY(fvi_events_histogram(trainer->events->file, tag, step, &trainer->events->gradients[i]));
    }
    return FV_OK;
}

void fvi_trainer_events_step(fv_trainer *trainer, const fv_step_result *result, int64_t images)
{
    fvi_trainer_events *events = trainer->events;
    const int64_t step = fvi_trainer_steps(trainer);
    fv_status status = FV_OK;
    if (events == NULL)
        return;
    if (step % events->every == 0)
        status = put_step(trainer, step, result, images);
    if (status == FV_OK && events->watches)
        status = put_gradients(trainer, step);
    events->watches = false;
    if (status == FV_OK)
        status = fv_events_flush(events->file);
    if (status != FV_OK)
        give_up(trainer);
}

static fv_status put_values(const fv_trainer *trainer, int64_t step)
{
    char tag[TAG];
    for (int32_t i = 0; i < fv_params_count(trainer->params); i++) {
        const fv_param_info info = fv_params_info(trainer->params, i);
        snprintf(tag, sizeof tag, "values/%s", info.name);
        FV_TRY(
            fv_events_histogram(trainer->events->file, tag, step, fv_params_values(trainer->params, i), info.elements));
    }
    return FV_OK;
}

static fv_status put_epoch(fv_trainer *trainer, const fv_epoch_record *record)
{
    const int64_t step = fvi_trainer_steps(trainer);
    fv_events *file = trainer->events->file;
    const figure figures[] = {
        { first_of_epoch, record->train_loss },
        { "accuracy/train", record->train_accuracy },
        { "optimizer/gradient_norm_mean", record->gradient_norm },
        { "optimizer/gradient_norm_largest", record->largest_gradient_norm },
        { "speed/epoch_images_per_second", record->images_per_second },
        { "skipped/batches", record->skipped },
        { "skipped/images", (double)record->skipped_images },
        { "loss/test", record->test_loss },
        { "accuracy/test", record->test_accuracy },
    };
    const size_t count = sizeof figures / sizeof figures[0];
    FV_TRY(fv_events_flush(file)); /* so that the record begins with the epoch */
    FV_TRY(put_figures(file, step, figures, trainer->evaluator != NULL ? count : count - 2));
    if (trainer->events->gradients != NULL) {
        FV_TRY(put_values(trainer, step));
        draw_filters(trainer, step);
    }
    return fv_events_flush(file);
}

void fvi_trainer_events_epoch(fv_trainer *trainer, const fv_epoch_record *record)
{
    if (trainer->events != NULL && put_epoch(trainer, record) != FV_OK)
        give_up(trainer);
}
