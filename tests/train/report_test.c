/* SPDX-License-Identifier: Apache-2.0
 *
 * report_test.c - every figure of a report against its formula written out; the report as text, JSON, CSV and SVG; the report of a run.
 */
#include <jansson.h>
#include <locale.h>
#include <math.h>

#include "fovea/report.h"
#include "support/locale.h"
#include "train/stopped_run.h"

enum { COUNT = 10, CLASSES = 6 };

static const char *const names[CLASSES] = { "cat", "dog", "a, \"b\"", "x<y>&z", "a name that is long", "none" };
static const int32_t labels[COUNT] = { 0, 0, 0, 1, 1, 1, 2, 2, 3, 4 };
static int32_t predicted[COUNT] = { 0, 0, 1, 1, 1, 0, 2, 3, -1, 4 }; /* sample 8 could not be read */
static int32_t rank[COUNT] = { 0, 0, 1, 0, 0, 5, 0, 2, 0, 0 };
static float confidence[COUNT] = { 0.95f, 0.75f, 0.5f, 1, 0.625f, 0.875f, 0.25f, 0.875f, 0, 0 };
static float own[COUNT] = { 0.95f, 0.75f, 0.25f, 1, 0.625f, 0, 0.25f, 0.125f, 0, 0 };

/* Ten images of one pixel, nine of which were judged. */
typedef struct judged {
    test_allocator allocator;
    fv_context *context;
    fv_dataset *data;
    int64_t confusion[CLASSES * CLASSES];
    fv_evaluation evaluation;
} judged;

static void judge(judged *j)
{
    static const uint8_t pixels[COUNT] = { 0 };
    memset(j, 0, sizeof *j);
    test_allocator_reset(&j->allocator);
    const fv_context_options options = { .threads = 1, .allocator = test_allocator_callbacks(&j->allocator) };
    assert_int_equal(fv_context_create(&j->context, &options), FV_OK);
    assert_int_equal(fv_dataset_from_arrays(&j->data, j->context, pixels, labels, COUNT, (fv_image_shape){ 1, 1, 1 },
                                            CLASSES, names),
                     FV_OK);
    for (int i = 0; i < COUNT; i++)
        if (predicted[i] >= 0)
            j->confusion[labels[i] * CLASSES + predicted[i]]++;
    j->evaluation = (fv_evaluation){ .samples = COUNT - 1,
                                     .count = COUNT,
                                     .accuracy = 6.0 / 9,
                                     .loss = 0.5,
                                     .classes = CLASSES,
                                     .confusion = j->confusion,
                                     .predicted = predicted,
                                     .confidence = confidence,
                                     .rank = rank,
                                     .own = own };
}

static void judge_end(judged *j)
{
    fv_dataset_destroy(j->data);
    fv_context_destroy(j->context);
    assert_int_equal(j->allocator.live, 0);
}

static void expect_near(double value, double wanted)
{
    assert_true(fabs(value - wanted) <= 16 * 2.3e-16 * fabs(wanted)); /* some roundings of double */
}

FV_TEST(report, classes_are_their_formulas)
{
    /*                                     cat     dog     a,"b"  x<y  long  none */
    static const double precision[CLASSES] = { 2.0 / 3, 2.0 / 3, 1, 0, 1, 0 };
    static const double recall[CLASSES] = { 2.0 / 3, 2.0 / 3, 0.5, 0, 1, 0 };
    judged j;
    fv_report *report = NULL;
    judge(&j);
    assert_int_equal(fv_report_create(&report, j.context, j.data, &j.evaluation, NULL), FV_OK);
    assert_int_equal(report->samples, 9);
    assert_int_equal(report->skipped, 1);
    assert_int_equal(report->class_reports, CLASSES);
    double means[3] = { 0 };
    for (int k = 0; k < CLASSES; k++) {
        const fv_class_report *one = &report->class_report[k];
        const double sum = precision[k] + recall[k], f1 = sum > 0 ? 2 * precision[k] * recall[k] / sum : 0;
        assert_string_equal(one->name, names[k]);
        expect_near(one->precision, precision[k]);
        expect_near(one->recall, recall[k]);
        expect_near(one->f1, f1);
        means[0] += precision[k] / 5; /* "none" has no samples and was no answer; "x<y" was one, wrongly */
        means[1] += recall[k] / 5;
        means[2] += f1 / 5;
    }
    expect_near(report->precision, means[0]);
    expect_near(report->recall, means[1]);
    expect_near(report->f1, means[2]);
    expect_near(report->accuracy, 6.0 / 9);
    expect_near(report->top5, 8.0 / 9); /* all but the one of rank 5 */
    assert_memory_equal(report->confusion, j.confusion, sizeof j.confusion);
    fv_report_destroy(report);
    judge_end(&j);
}

/* Guo et al. 2017, equation 5, by going through the bins one after another. */
FV_TEST(report, calibration_error_is_its_formula)
{
    static const int32_t bins[] = { 1, 4, 15 };
    judged j;
    judge(&j);
    for (size_t b = 0; b < 3; b++) {
        fv_report *report = NULL;
        const fv_report_options options = { .bins = bins[b] };
        double error = 0;
        int64_t all = 0;
        assert_int_equal(fv_report_create(&report, j.context, j.data, &j.evaluation, &options), FV_OK);
        assert_int_equal(report->bins, bins[b]);
        for (int m = 0; m < bins[b]; m++) {
            const double low = (double)m / bins[b], high = (double)(m + 1) / bins[b];
            double right = 0, sure = 0, count = 0;
            for (int i = 0; i < COUNT; i++) {
                const double p = (double)confidence[i];
                if (predicted[i] < 0 || p > high || (p <= low && !(m == 0 && p == 0)))
                    continue;
                count++;
                right += predicted[i] == labels[i];
                sure += p;
            }
            assert_true(report->bin[m].samples == (int64_t)count);
            all += report->bin[m].samples;
            if (count > 0)
                error += count / 9 * fabs(right / count - sure / count);
        }
        assert_int_equal(all, 9);
        expect_near(report->calibration_error, error);
        fv_report_destroy(report);
    }
    judge_end(&j);
}

FV_TEST(report, mistakes_come_surest_first)
{
    judged j;
    fv_report *report = NULL;
    judge(&j);
    assert_int_equal(fv_report_create(&report, j.context, j.data, &j.evaluation, NULL), FV_OK);
    assert_int_equal(report->mistakes, 3);
    assert_int_equal(report->mistake[0].sample, 5); /* as sure as 7: the first of equals */
    assert_int_equal(report->mistake[1].sample, 7);
    assert_int_equal(report->mistake[2].sample, 2);
    assert_int_equal(report->mistake[1].label, 2);
    assert_int_equal(report->mistake[1].predicted, 3);
    assert_true(report->mistake[1].probability == 0.875 && report->mistake[1].own_probability == 0.125);
    assert_non_null(strstr(report->mistake[0].file, "5"));
    fv_report_destroy(report);
    assert_int_equal(fv_report_create(&report, j.context, j.data, &j.evaluation, &(fv_report_options){ .mistakes = 1 }),
                     FV_OK);
    assert_int_equal(report->mistakes, 1);
    fv_report_destroy(report);
    assert_int_equal(
        fv_report_create(&report, j.context, j.data, &j.evaluation, &(fv_report_options){ .mistakes = -1 }), FV_OK);
    assert_int_equal(report->mistakes, 0);
    fv_report_destroy(report);
    judge_end(&j);
}

static char *print(const fv_report *report, fv_report_format format)
{
    char *text = NULL;
    assert_int_equal(fv_report_print(report, format, &text), FV_OK);
    return text;
}

FV_TEST(report, is_written_four_ways)
{
    static const char csv[] = "true class,cat,dog,\"a, \"\"b\"\"\",x<y>&z,a name that is long,none\n"
                              "cat,2,1,0,0,0,0\n"
                              "dog,1,2,0,0,0,0\n"
                              "\"a, \"\"b\"\"\",0,0,1,1,0,0\n"
                              "x<y>&z,0,0,0,0,0,0\n"
                              "a name that is long,0,0,0,0,1,0\n"
                              "none,0,0,0,0,0,0\n";
    judged j;
    fv_report *report = NULL;
    judge(&j);
    assert_int_equal(fv_report_create(&report, j.context, j.data, &j.evaluation, NULL), FV_OK);
    char *text = print(report, FV_REPORT_CONFUSION_CSV);
    assert_string_equal(text, csv);
    fv_text_release(j.context, text);
    text = print(report, FV_REPORT_CONFUSION_SVG);
    assert_non_null(strstr(text, "x&lt;y&gt;&amp;z"));
    assert_non_null(strstr(text, "a name that is lon\xE2\x80\xA6"));
    assert_null(strstr(text, "x<y"));
    int cells = 0;
    for (const char *at = text; (at = strstr(at, "<rect x=")) != NULL; at++)
        cells++;
    assert_int_equal(cells, 7 + 1); /* those that are not 0, and the frame */
    fv_text_release(j.context, text);
    text = print(report, FV_REPORT_TEXT);
    assert_non_null(strstr(text, "\naccuracy (top-1)                    66.67%\n"));
    assert_non_null(strstr(text, "\ntop-5                               88.89%\n"));
    assert_non_null(
        strstr(text, "\ndog                              3         3         2     66.67%     66.67%     66.67%\n"));
    assert_non_null(strstr(text, "dog taken for cat, 87.5% (its own: 0.0%)"));
    fv_text_release(j.context, text);
    text = print(report, FV_REPORT_JSON);
    json_t *object = json_loads(text, 0, NULL);
    assert_true(json_real_value(json_object_get(object, "top5")) - 8.0 / 9 < 1e-11);
    assert_int_equal(json_array_size(json_object_get(object, "classes")), CLASSES);
    assert_int_equal(json_array_size(json_object_get(object, "confusion")), CLASSES);
    assert_int_equal(json_array_size(json_object_get(object, "calibration")), 15);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(json_object_get(object, "mistakes"), 0), "index")), 5);
    json_decref(object);
    fv_text_release(j.context, text);
    fv_report_destroy(report);
    judge_end(&j);
}

FV_TEST(report, is_the_same_in_every_locale)
{
    judged j;
    char *there[4], *here;
    fv_report *report = NULL;
    judge(&j);
    assert_int_equal(fv_report_create(&report, j.context, j.data, &j.evaluation, NULL), FV_OK);
    for (int format = FV_REPORT_TEXT; format <= FV_REPORT_CONFUSION_SVG; format++)
        there[format] = print(report, (fv_report_format)format);
    test_use_decimal_comma();
    for (int format = FV_REPORT_TEXT; format <= FV_REPORT_CONFUSION_SVG; format++) {
        here = print(report, (fv_report_format)format);
        assert_string_equal(here, there[format]);
        fv_text_release(j.context, here);
        fv_text_release(j.context, there[format]);
    }
    setlocale(LC_ALL, "C");
    fv_report_destroy(report);
    judge_end(&j);
}

/* Values to come close to, and outputs that answer yes or no. */
FV_TEST(report, values_and_answers_are_their_formulas)
{
    enum { N = 4 };
    static const double t[N] = { 1, 2, 3, 6 }, y[N] = { 1.5, 2, 2, 5 };
    fv_context *context = small_context(1);
    fv_dataset *data = NULL;
    fv_report *report = NULL;
    double error[N], squares = 0, spread = 0;
    fv_target_sums sums = { 0 };
    char *text = NULL;
    assert_int_equal(fv_dataset_open(&data, context, "polynomial:count=4", FV_SPLIT_TRAIN), FV_OK);
    for (int i = 0; i < N; i++) {
        error[i] = (y[i] - t[i]) * (y[i] - t[i]);
        squares += error[i];
        spread += (t[i] - 3) * (t[i] - 3);
        sums.errors += fabs(y[i] - t[i]);
        sums.squares += error[i];
        sums.values += t[i];
        sums.squares_of_values += t[i] * t[i];
    }
    fv_evaluation of = { .samples = N, .count = N, .loss = 1, .targets = 1, .target = &sums, .error = error };
    assert_int_equal(fv_report_create(&report, context, data, &of, NULL), FV_OK);
    assert_int_equal(report->targets, 1);
    expect_near(report->target[0].rmse, sqrt(squares / N));
    expect_near(report->target[0].mae, (0.5 + 1 + 1) / N);
    expect_near(report->target[0].r2, 1 - squares / spread);
    assert_int_equal(report->mistakes, N);
    assert_int_equal(report->mistake[0].sample, 2); /* off by 1, the first of equals */
    assert_int_equal(fv_report_print(report, FV_REPORT_CONFUSION_CSV, &text), FV_ERR_ARGUMENT);
    fv_report_destroy(report);
    sums =
        (fv_target_sums){ .yes = 3, .told = 2, .right = 1 }; /* of 4: 1 right yes, 2 missed, 1 wrong yes, 0 right no */
    of.answers = true;
    assert_int_equal(fv_report_create(&report, context, data, &of, NULL), FV_OK);
    expect_near(report->accuracy, 0.25);
    expect_near(report->class_report[0].precision, 0.5);
    expect_near(report->class_report[0].recall, 1.0 / 3);
    expect_near(report->class_report[0].f1, 0.4);
    fv_report_destroy(report);
    of.count = 3;
    assert_int_equal(fv_report_create(&report, context, data, &of, NULL), FV_ERR_ARGUMENT);
    fv_dataset_destroy(data);
    fv_context_destroy(context);
}

FV_TEST(report, short_memory_is_told)
{
    fv_status status = FV_ERR_MEMORY;
    for (long long k = 0; status != FV_OK; k++) {
        judged j;
        fv_report *report = NULL;
        char *text = NULL;
        judge(&j);
        test_allocator_fail_after(&j.allocator, k);
        status = fv_report_create(&report, j.context, j.data, &j.evaluation, NULL);
        for (int format = FV_REPORT_TEXT; status == FV_OK && format <= FV_REPORT_CONFUSION_SVG; format++) {
            status = fv_report_print(report, (fv_report_format)format, &text);
            fv_text_release(j.context, text);
            text = NULL;
        }
        assert_true(status == FV_OK || status == FV_ERR_MEMORY);
        fv_report_destroy(report);
        judge_end(&j);
    }
}

static json_t *read_report(const char *folder)
{
    size_t size = 0;
    unsigned char *bytes = test_file_read(folder, "report.json", &size);
    json_t *object = json_loadb((const char *)bytes, size, 0, NULL);
    assert_non_null(object);
    free(bytes);
    return object;
}

static double number(json_t *object, const char *epoch, const char *part, const char *key)
{
    const json_t *found = json_object_get(json_object_get(json_object_get(object, epoch), part), key);
    assert_true(json_is_number(found));
    return json_number_value(found);
}

/* The report of the last epoch, and of the best: figures agree with the records, and the run is as it was. */
FV_TEST(report, of_a_run_has_the_best_epoch_beside_the_last)
{
    run r;
    char folder[TEST_PATH], checkpoints[TEST_PATH], best[TEST_PATH], before[17], after[17];
    test_folder_make(folder);
    test_path(checkpoints, folder, "checkpoints");
    test_path(best, checkpoints, "best.safetensors");
    begin(&r, 1, 6);
    r.options.schedule.rate = 0.4; /* the last epochs are not the best */
    r.options.epochs = 6;
    r.options.metric = FV_METRIC_TEST_ACCURACY;
    make_trainer(&r);
    assert_int_equal(fv_trainer_keep_checkpoints(r.trainer, &(fv_checkpoint_options){ .folder = checkpoints }), FV_OK);
    assert_int_equal(go(&r), FV_OK);
    const fv_epoch_record *records = NULL, *top = fv_trainer_best(r.trainer);
    const int32_t count = fv_trainer_records(r.trainer, &records);
    assert_true(top->epoch < count);
    fv_params_hash(r.params, before);
    for (int model_is_best = 0; model_is_best < 2; model_is_best++) {
        const fv_run_report_options options = { .folder = folder, .best = best, .model_is_best = model_is_best == 1 };
        if (fv_trainer_report(r.trainer, &options) != FV_OK)
            fail_msg("%s", fv_trainer_message(r.trainer));
        json_t *object = read_report(folder);
        expect_near(number(object, "last", "report", "accuracy"), records[count - 1].test_accuracy);
        assert_true(fabs(number(object, "last", "report", "loss") - records[count - 1].test_loss) < 1e-11);
        expect_near(number(object, "best", "report", "accuracy"), top->test_accuracy);
        assert_true(fabs(number(object, "best", "report", "loss") - top->test_loss) < 1e-11 * (1 + top->test_loss));
        assert_int_equal((int)number(object, "best", "record", "epoch"), top->epoch);
        assert_int_equal(
            json_array_size(json_object_get(json_object_get(json_object_get(object, "last"), "report"), "classes")),
            SMALL_CLASSES);
        json_decref(object);
        assert_int_equal(test_file_count(folder), 5); /* and the folder of checkpoints */
    }
    fv_params_hash(r.params, after);
    assert_string_equal(before, after);
    assert_int_equal(fv_trainer_report(r.trainer, &(fv_run_report_options){ .folder = "no/such" }), FV_ERR_IO);
    assert_non_null(strstr(fv_trainer_message(r.trainer), "no/such"));
    end(&r);
    test_folder_remove(folder);
}

/* Values to come close to: the best epoch has the smallest test loss, and there is no confusion. */
FV_TEST(report, of_a_run_on_values)
{
    char folder[TEST_PATH];
    fv_context *context = small_context(1);
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_dataset *train = NULL, *test = NULL;
    fv_trainer *trainer = NULL;
    fv_value x, y, loss;
    const fv_epoch_record *records = NULL;
    test_folder_make(folder);
    assert_int_equal(fv_graph_create(&graph, context, "line"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 1, 1, 1 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .units = 1 }, &y), FV_OK);
    assert_int_equal(fv_graph_add_euclidean_loss(graph, y, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, y), FV_OK);
    assert_int_equal(fv_dataset_open(&train, context, "polynomial:count=64,degree=1", FV_SPLIT_TRAIN), FV_OK);
    assert_int_equal(fv_dataset_open(&test, context, "polynomial:count=16,degree=1", FV_SPLIT_TEST), FV_OK);
    params = small_params(graph, FV_F32);
    const fv_train_options options = {
        .epochs = 3, .batch = 16, .schedule = { .rate = 0.1 }, .preprocess = fv_preprocess_fit(graph, train)
    };
    assert_int_equal(fv_trainer_create(&trainer, graph, params, train, test, &options), FV_OK);
    while (!fv_trainer_done(trainer))
        assert_int_equal(fv_trainer_epoch(trainer, NULL), FV_OK);
    const int32_t count = fv_trainer_records(trainer, &records);
    for (int32_t i = 0; i < count; i++)
        assert_true(fv_trainer_best(trainer)->test_loss <= records[i].test_loss);
    assert_true(fv_trainer_best(trainer)->test_loss < records[0].test_loss);
    assert_int_equal(fv_trainer_report(trainer, &(fv_run_report_options){ .folder = folder, .split = "validation" }),
                     FV_OK);
    assert_int_equal(test_file_count(folder), 2);
    json_t *object = read_report(folder);
    assert_string_equal(json_string_value(json_object_get(object, "measured_on")), "validation");
    assert_true(fabs(number(object, "last", "report", "loss") - records[count - 1].test_loss) < 1e-11);
    json_decref(object);
    fv_trainer_destroy(trainer);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_dataset_destroy(test);
    fv_dataset_destroy(train);
    fv_context_destroy(context);
    test_folder_remove(folder);
}

FV_TESTS(report, classes_are_their_formulas, calibration_error_is_its_formula, mistakes_come_surest_first,
         is_written_four_ways, is_the_same_in_every_locale, values_and_answers_are_their_formulas, short_memory_is_told,
         of_a_run_has_the_best_epoch_beside_the_last, of_a_run_on_values)
