/* SPDX-License-Identifier: Apache-2.0
 *
 * not_finite.c - a step whose loss or gradients hold a NaN or an infinity: saying where it began, keeping the batch and the state for
 * whoever looks into it, and stopping, skipping or going back, as the options say. The session has run forward again to name the
 * layer (run.c), the optimizer names the parameter; here gradients that are all still there are searched from the loss down,
 * because a NaN spreads from where it began to all layers below.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "interchange/model_format.h"
#include "train/trainer_internal.h"

enum { MOST_SKIPPED = 20, MOST_ROLLED_BACK = 10 };

static int64_t first_bad(const float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return i;
    return -1;
}

/* Adds the last parameter, in the order of the layers, whose gradient is not finite. */
static void name_origin(fv_trainer *trainer)
{
    fv_params *gradients = trainer->gradients != NULL ? trainer->gradients : fv_session_gradients(trainer->session);
    fvi_message *message = &trainer->message;
    const size_t used = strlen(message->text);
    for (int32_t i = gradients != NULL ? fv_params_count(gradients) - 1 : -1; i >= 0; i--) {
        const fv_param_info info = fv_params_info(gradients, i);
        const int64_t bad = first_bad(fv_params_values(gradients, i), info.elements);
        if (bad < 0)
            continue;
        snprintf(message->text + used, sizeof message->text - used, "; nearest to the loss: '%s', element %lld of %lld",
                 info.name, (long long)bad, (long long)info.elements);
        return;
    }
}

static char *describe(const fv_trainer *trainer, const fv_batch *batch)
{
    json_t *crash =
        json_pack("{s:s, s:i, s:I, s:i, s:b, s:f}", "message", trainer->message.text, "epoch", (int)trainer->epoch + 1,
                  "step", (json_int_t)fvi_trainer_steps(trainer), "images", (int)batch->n,
                  "weights_are_before_the_step", (int)!fvi_hands_over(&trainer->options), "rate", trainer->rate);
    char *text = crash != NULL ? json_dumps(crash, JSON_COMPACT) : NULL;
    json_decref(crash);
    return text;
}

/* The state beside the batch: checkpoint and batch in one file. That it cannot be written must not hide what happened. */
static void write_bundle(fv_trainer *trainer, const fv_batch *batch)
{
    fv_context *context = trainer->context;
    const fv_image_shape input = trainer->options.preprocess.input;
    const fvi_tensor_source tensors[] = {
        { "batch:images", "F32", { 4, { batch->n, input.h, input.w, input.c } }, batch->images },
        { "batch:classes", "I32", { 1, { batch->n } }, batch->classes },
        { "batch:samples", "U64", { 1, { batch->n } }, batch->samples },
    };
    const fvi_message said = trainer->message;
    fvi_message *message = &trainer->message;
    char *path = fvi_checkpoint_path(context, trainer->checkpoints.folder, "crash-", fvi_trainer_steps(trainer)),
         *text = describe(trainer, batch);
    const fvi_state_extras extras = { FVI_MODEL_CRASH, text, tensors, 3 };
    fv_status status = FV_ERR_MEMORY;
    if (path != NULL && text != NULL)
        status = fvi_trainer_write(trainer, path, trainer->checkpoints.extra, &extras);
    if (status == FV_OK)
        fvi_fail_in(message, FV_OK, "%.700s; the batch and the state are in '%.200s'", said.text, path);
    else
        fvi_log_message(context, FV_LOG_WARNING, "no crash bundle: %s", fv_context_message(context));
    free(text);
    fvi_release(context, path);
}

static fv_status skip_batch(fv_trainer *trainer)
{
    trainer->skipped_in_row++;
    trainer->sums.skipped++;
    if (trainer->skipped_in_row > MOST_SKIPPED) {
        const fvi_message said = trainer->message;
        return fvi_fail_in(&trainer->message, FV_ERR_NUMERIC, "%.900s; %d batches in a row were like that", said.text,
                           MOST_SKIPPED);
    }
    trainer->sums.position = fv_loader_position(trainer->loader);
    fvi_log_message(trainer->context, FV_LOG_WARNING, "%s; the batch is left out", trainer->message.text);
    fv_session_params_changed(trainer->session);
    return FV_OK;
}

/* The last checkpoint; but where it led to the same again, its weights may have been spoilt already: then the one before, if there is
 * one. */
static fv_status find_way_back(fv_trainer *trainer, char **path)
{
    const char *folder = trainer->checkpoints.folder;
    if (trainer->rolled_back > 0 && trainer->rolled_to == trainer->checkpoints.saved_steps &&
        fvi_checkpoint_before(trainer->context, folder, trainer->rolled_to, path) == FV_OK)
        return FV_OK;
    return fv_checkpoint_latest(trainer->context, folder, path);
}

static fv_status roll_back(fv_trainer *trainer)
{
    const fvi_message said = trainer->message;
    const double scale = 0.5 * trainer->rate_scale;
    const int32_t times = trainer->rolled_back + 1;
    char *path = NULL;
    if (times > MOST_ROLLED_BACK)
        return fvi_fail_in(&trainer->message, FV_ERR_NUMERIC, "%.900s; after going back %d times", said.text,
                           MOST_ROLLED_BACK);
    fv_status status = find_way_back(trainer, &path);
    if (status == FV_OK)
        status = fv_trainer_restore(trainer, path);
    fv_text_release(trainer->context, path);
    if (status != FV_OK)
        return fvi_fail_in(&trainer->message, FV_ERR_NUMERIC, "%.500s; and there is no going back: %.300s", said.text,
                           fv_context_message(trainer->context));
    fvi_checkpoints_forget(trainer);
    trainer->rolled_to = trainer->checkpoints.saved_steps = fvi_trainer_steps(trainer);
    trainer->rate_scale = scale;
    trainer->rolled_back = times;
    fvi_trainer_events_go_back(trainer);
    fvi_log_message(trainer->context, FV_LOG_WARNING,
                    "%s; going back to epoch %d, image %lld, with %g times the learning rate", said.text,
                    (int)trainer->epoch + 1, (long long)trainer->sums.position, scale);
    /* What is killed now goes on with this rate too, and knows that it has been here. */
    return fvi_checkpoint_write(trainer, false);
}

fv_status fvi_not_finite(fv_trainer *trainer, const fv_batch *batch)
{
    name_origin(trainer);
    if (trainer->checkpoints.folder != NULL && trainer->skipped_in_row == 0)
        write_bundle(trainer, batch);
    if (trainer->options.on_nan == FV_NAN_SKIP)
        return skip_batch(trainer);
    if (trainer->options.on_nan == FV_NAN_ROLL_BACK && trainer->checkpoints.folder != NULL)
        return roll_back(trainer);
    return FV_ERR_NUMERIC;
}
