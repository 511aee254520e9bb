/* SPDX-License-Identifier: Apache-2.0
 *
 * run_report.c - the report of a run: the model of the last epoch, and that of the best beside it, measured by the evaluator that the run has. The best
 * epoch's values lie in the run's parameters for that time, so that no second session is needed.
 */
#include <inttypes.h>
#include <string.h>

#include "fovea/model.h"
#include "train/report/report_internal.h"
#include "train/trainer_internal.h"

/* What one report is made of and from. */
typedef struct run_report {
    fv_trainer *trainer;
    const fv_run_report_options *options;
    fvi_evaluator *evaluator; /* own: of the training images */
    const fv_dataset *data;
    const fv_epoch_record *last_record, *best_record; /* NULL: no epoch is finished */
    fv_report *last, *best;                           /* best: NULL where it is the last, or not there */
} run_report;

static fv_status measure(run_report *run, fv_report **out)
{
    fv_trainer *trainer = run->trainer;
    fv_evaluation evaluation;
    fvi_evaluator *evaluator = run->evaluator != NULL ? run->evaluator : trainer->evaluator;
    FV_TRY(fvi_evaluator_details(evaluator, trainer->context, &evaluation));
    const fv_status status = fv_report_create(out, trainer->context, run->data, &evaluation, &run->options->report);
    fv_evaluation_release(trainer->context, &evaluation);
    return status;
}

/* Values change places, so that one set more is all that is needed. */
static fv_status measure_best(run_report *run)
{
    fv_trainer *trainer = run->trainer;
    fv_model *model = NULL;
    FV_TRY(fv_model_read(&model, trainer->context, run->options->best));
    fv_params *best = fv_model_params(model);
    fv_status status = FV_OK;
    if (fv_params_dtype(best) != fv_params_dtype(trainer->params) ||
        fv_params_count(best) != fv_params_count(trainer->params) ||
        fv_params_block_elements(best) != fv_params_block_elements(trainer->params)) {
        status = fvi_fail(trainer->context, FV_ERR_SHAPE, "'%s' is not of this run's network", run->options->best);
    } else {
        fvi_params_exchange(trainer->params, best);
        status = measure(run, &run->best);
        fvi_params_exchange(trainer->params, best);
        fv_session_params_changed(trainer->session);
    }
    fv_model_destroy(model);
    return status;
}

static fv_status measure_all(run_report *run)
{
    fv_trainer *trainer = run->trainer;
    const fv_train_options *options = &trainer->options;
    run->data = trainer->test != NULL ? trainer->test : trainer->train;
    if (trainer->epoch > 0) {
        run->last_record = &trainer->records[trainer->epoch - 1];
        run->best_record = fv_trainer_best(trainer);
    }
    if (trainer->test == NULL)
        FV_TRY(fvi_evaluator_create(&run->evaluator, trainer->params, trainer->train, &options->preprocess,
                                    (options->batch + options->blocks - 1) / options->blocks, options->dtype,
                                    options->skip_bad));
    FV_TRY(measure(run, &run->last));
    if (run->options->best == NULL || run->best_record == run->last_record)
        return FV_OK;
    return measure_best(run);
}

/* What was measured. */
static const char *split_of(const run_report *run)
{
    if (run->trainer->test == NULL)
        return "training";
    return run->options->split != NULL ? run->options->split : "test";
}

static void append_records(fvi_text_buffer *to, const run_report *run, bool both)
{
    const fv_epoch_record *records[2] = { run->last_record, run->best_record };
    const int count = both ? 2 : 1;
    char text[FVI_FIXED_TEXT];
    fvi_text_format(to, "%-26s %15s%s%s\n%-26s", "", "last", both ? "            best" : "",
                    !both && run->best_record == run->last_record ? ", which is the best" : "", "epoch");
    for (int i = 0; i < count; i++)
        fvi_text_format(to, " %15d", records[i]->epoch);
    fvi_text_format(to, "\n%-26s", "training loss");
    for (int i = 0; i < count; i++)
        fvi_text_format(to, " %15s", fvi_fixed(records[i]->train_loss, 4, text));
    fvi_text_append(to, "\n");
    if (run->last->classes == 0)
        return;
    fvi_text_format(to, "%-26s", "training accuracy");
    for (int i = 0; i < count; i++)
        fvi_text_format(to, " %14s%%", fvi_fixed(100 * records[i]->train_accuracy, 2, text));
    fvi_text_append(to, "\n");
}

/* That of the run's model. */
static const fv_report *told_in_full(const run_report *run)
{
    return run->options->model_is_best && run->best != NULL ? run->best : run->last;
}

static fv_status make_text(const run_report *run, char **text)
{
    const fv_trainer *trainer = run->trainer;
    fvi_text_buffer to = { .context = trainer->context };
    const bool both = run->best_record != NULL && run->best_record != run->last_record;
    const fvi_report_column columns[2] = { { NULL, run->last }, { NULL, run->best } };
    fvi_text_format(
        &to, "%.200s on %.200s after %d of %d epochs, weights %s\nmeasured on %" PRId64 " %s samples",
        fv_graph_name(trainer->graph), fv_dataset_name(trainer->train), trainer->epoch, trainer->options.epochs,
        run->last_record != NULL ? run->last_record->weights_hash : "as they began", run->last->samples, split_of(run));
    if (run->last->skipped > 0)
        fvi_text_format(&to, "; %" PRId64 " more could not be read", run->last->skipped);
    if (both && trainer->test != NULL)
        fvi_text_append(&to, ", on which the best epoch was chosen");
    fvi_text_append(&to, "\n\n");
    if (run->last_record != NULL)
        append_records(&to, run, both);
    fvi_report_print_figures(&to, columns, both ? 2 : 1);
    if (both)
        fvi_text_format(&to, "\nbelow: the model of the %s epoch, which model.safetensors holds\n",
                        told_in_full(run) == run->best ? "best" : "last");
    fvi_report_print_details(&to, told_in_full(run));
    return fvi_text_finish(&to, text);
}

static json_t *record_object(const fv_epoch_record *record)
{
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:s}", "epoch", (int)record->epoch, "train_loss",
                     fvi_report_number(record->train_loss), "train_accuracy", fvi_report_number(record->train_accuracy),
                     "test_loss", fvi_report_number(record->test_loss), "test_accuracy",
                     fvi_report_number(record->test_accuracy), "weights_hash", record->weights_hash);
}

/* An epoch: its record, and what was measured. NULL when memory is short. */
static json_t *epoch_object(const fv_epoch_record *record, const fv_report *report)
{
    json_t *object = json_object();
    bool good = object != NULL;
    if (good && record != NULL)
        good = json_object_set_new(object, "record", record_object(record)) == 0;
    if (good && report != NULL)
        good = json_object_set_new(object, "report", fvi_report_object(report)) == 0;
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static fv_status make_json(const run_report *run, char **text)
{
    const fv_trainer *trainer = run->trainer;
    const bool same = run->best_record == run->last_record;
    json_t *object =
        json_pack("{s:o, s:o, s:i, s:i, s:s, s:s, s:o}", "network", fvi_report_string(fv_graph_name(trainer->graph)),
                  "data", fvi_report_string(fv_dataset_name(trainer->train)), "epochs", (int)trainer->epoch,
                  "epochs_planned", (int)trainer->options.epochs, "measured_on", split_of(run), "model",
                  told_in_full(run) == run->best ? "best" : "last", "last", epoch_object(run->last_record, run->last));
    if (object != NULL && run->best_record != NULL &&
        json_object_set_new(object, "best", epoch_object(run->best_record, same ? run->last : run->best)) != 0) {
        json_decref(object);
        object = NULL;
    }
    return fvi_report_dump(trainer->context, object, text);
}

static fv_status write_all(const run_report *run)
{
    const char *folder = run->options->folder;
    char *text = NULL;
    FV_TRY(make_text(run, &text));
    FV_TRY(fvi_report_file(run->trainer->context, folder, "report.txt", text));
    FV_TRY(fvi_report_write_confusion(told_in_full(run), folder));
    FV_TRY(make_json(run, &text));
    return fvi_report_file(run->trainer->context, folder, "report.json", text); /* last: where it is, all are */
}

fv_status fv_trainer_report(fv_trainer *trainer, const fv_run_report_options *options)
{
    run_report run = { .trainer = trainer, .options = options };
    if (options->folder == NULL || options->folder[0] == '\0')
        return fvi_fail_in(&trainer->message, FV_ERR_ARGUMENT, "report: a folder is needed");
    fv_status status = measure_all(&run);
    if (status == FV_OK)
        status = write_all(&run);
    fv_report_destroy(run.best);
    fv_report_destroy(run.last);
    fvi_evaluator_destroy(run.evaluator);
    return status == FV_OK
               ? FV_OK
               : fvi_fail_in(&trainer->message, status, "the run's report: %s", fv_context_message(trainer->context));
}
