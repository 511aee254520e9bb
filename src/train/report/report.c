/* SPDX-License-Identifier: Apache-2.0
 *
 * report.c - the figures of a report from the details of an evaluation.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/report/report_internal.h"

enum { BINS = 15, MISTAKES = 20, MOST_BINS = 1000, BLOCK = 1 << 14, NAME = 600 };

/* The class's name, or its number. NULL: memory is short. */
static const char *name_of(fvi_report *r, const fv_dataset *dataset, int32_t index)
{
    char number[16];
    const char *name = fv_dataset_class_name(dataset, index);
    snprintf(number, sizeof number, "%d", index);
    return fvi_arena_text(r->arena, name != NULL ? name : number);
}

static double quotient(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static fv_class_report class_report(const char *name, int64_t samples, int64_t predicted, int64_t correct)
{
    return (fv_class_report){ .name = name,
                              .samples = samples,
                              .predicted = predicted,
                              .correct = correct,
                              .precision = quotient((double)correct, (double)predicted),
                              .recall = quotient((double)correct, (double)samples),
                              .f1 = quotient(2 * (double)correct, (double)samples + (double)predicted) };
}

static fv_status no_memory(const fvi_report *r)
{
    return fvi_out_of_memory(r->context, "a report", 0);
}

static void take_means(fv_report *report)
{
    int32_t counted = 0;
    double precision = 0, recall = 0, f1 = 0;
    for (int32_t i = 0; i < report->class_reports; i++) {
        const fv_class_report *one = &report->class_report[i];
        counted += one->samples > 0 || one->predicted > 0;
        precision += one->precision; /* zeros where it is not counted */
        recall += one->recall;
        f1 += one->f1;
    }
    report->precision = quotient(precision, counted);
    report->recall = quotient(recall, counted);
    report->f1 = quotient(f1, counted);
}

static fv_status fill_classes(fvi_report *r, const fv_dataset *dataset, const fv_evaluation *of)
{
    fv_report *report = &r->told;
    const size_t classes = (size_t)of->classes, bytes = classes * classes * sizeof(int64_t);
    fv_class_report *reports = fvi_arena_allocate(r->arena, classes * sizeof *reports);
    int64_t *confusion = fvi_arena_allocate(r->arena, bytes);
    if (reports == NULL || confusion == NULL)
        return no_memory(r);
    memcpy(confusion, of->confusion, bytes);
    for (size_t k = 0; k < classes; k++) {
        int64_t samples = 0, predicted = 0;
        const char *name = name_of(r, dataset, (int32_t)k);
        if (name == NULL)
            return no_memory(r);
        for (size_t i = 0; i < classes; i++) {
            samples += confusion[k * classes + i];
            predicted += confusion[i * classes + k];
        }
        reports[k] = class_report(name, samples, predicted, confusion[k * classes + k]);
    }
    report->classes = report->class_reports = of->classes;
    report->class_report = reports;
    report->confusion = confusion;
    take_means(report);
    return FV_OK;
}

/* Bin m of M holds probabilities in (m/M, (m+1)/M]; the first 0 too. */
static int32_t bin_of(double probability, int32_t bins)
{
    int32_t bin = (int32_t)ceil(probability * bins) - 1;
    if (bin < 0)
        bin = 0;
    return bin < bins ? bin : bins - 1;
}

static fv_status fill_calibration(fvi_report *r, const fv_evaluation *of, int32_t bins)
{
    fv_report *report = &r->told;
    fv_calibration_bin *bin = fvi_arena_allocate(r->arena, (size_t)bins * sizeof *bin);
    int64_t in_five = 0;
    if (bin == NULL)
        return no_memory(r);
    for (int32_t m = 0; m < bins; m++)
        bin[m] = (fv_calibration_bin){ .low = (double)m / bins, .high = (double)(m + 1) / bins };
    for (int64_t i = 0; i < of->count; i++) {
        if (of->predicted[i] < 0)
            continue;
        fv_calibration_bin *into = &bin[bin_of((double)of->confidence[i], bins)];
        into->samples++;
        into->accuracy += of->rank[i] == 0;
        into->confidence += (double)of->confidence[i];
        in_five += of->rank[i] < 5;
    }
    for (int32_t m = 0; m < bins; m++) {
        bin[m].accuracy = quotient(bin[m].accuracy, (double)bin[m].samples);
        bin[m].confidence = quotient(bin[m].confidence, (double)bin[m].samples);
        report->calibration_error +=
            quotient((double)bin[m].samples, (double)of->samples) * fabs(bin[m].accuracy - bin[m].confidence);
    }
    report->top5 = of->classes > 5 ? quotient((double)in_five, (double)of->samples) : 0;
    report->bins = bins;
    report->bin = bin;
    return FV_OK;
}

/* A sample and how bad it is. */
typedef struct candidate {
    double badness;
    int64_t sample;
} candidate;

static int worst_first(const void *left, const void *right)
{
    const candidate *a = left, *b = right;
    if (a->badness != b->badness)
        return a->badness > b->badness ? -1 : 1;
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

/* Negative: none. */
static double badness_of(const fv_evaluation *of, int64_t sample)
{
    if (of->targets > 0)
        return of->error[sample];
    return of->predicted[sample] >= 0 && of->rank[sample] > 0 ? (double)of->confidence[sample] : -1;
}

static fv_status keep_mistakes(fvi_report *r, const fv_dataset *dataset, const fv_evaluation *of,
                               const candidate *found, int32_t count)
{
    char name[NAME];
    fv_mistake *mistakes = fvi_arena_allocate(r->arena, (size_t)count * sizeof *mistakes);
    if (mistakes == NULL)
        return no_memory(r);
    for (int32_t i = 0; i < count; i++) {
        const int64_t sample = found[i].sample;
        fv_dataset_sample_name(dataset, sample, name, sizeof name);
        mistakes[i] =
            (fv_mistake){ .sample = sample, .file = fvi_arena_text(r->arena, name), .label = -1, .predicted = -1 };
        if (mistakes[i].file == NULL)
            return no_memory(r);
        if (of->targets > 0) {
            mistakes[i].error = sqrt(of->error[sample]);
            continue;
        }
        mistakes[i].label = fv_dataset_label(dataset, sample);
        mistakes[i].predicted = of->predicted[sample];
        mistakes[i].probability = (double)of->confidence[sample];
        mistakes[i].own_probability = (double)of->own[sample];
    }
    r->told.mistakes = count;
    r->told.mistake = mistakes;
    return FV_OK;
}

static fv_status fill_mistakes(fvi_report *r, const fv_dataset *dataset, const fv_evaluation *of, int32_t most)
{
    size_t count = 0;
    candidate *found = fvi_allocate_zeroed(r->context, (size_t)of->count + 1, sizeof *found);
    if (found == NULL)
        return no_memory(r);
    for (int64_t i = 0; i < of->count; i++) {
        const double badness = badness_of(of, i);
        if (badness >= 0)
            found[count++] = (candidate){ badness, i };
    }
    qsort(found, count, sizeof *found, worst_first);
    const int32_t kept = count < (size_t)most ? (int32_t)count : most;
    const fv_status status = keep_mistakes(r, dataset, of, found, kept);
    fvi_release(r->context, found);
    return status;
}

static fv_target_report target_report(const char *name, const fv_target_sums *sums, double samples)
{
    const double spread = sums->squares_of_values - sums->values * quotient(sums->values, samples);
    return (fv_target_report){ .name = name,
                               .rmse = sqrt(quotient(sums->squares, samples)),
                               .mae = quotient(sums->errors, samples),
                               .r2 = spread > 0 ? 1 - sums->squares / spread : 0 };
}

static fv_status fill_values(fvi_report *r, const fv_dataset *dataset, const fv_evaluation *of)
{
    fv_report *report = &r->told;
    const size_t targets = (size_t)of->targets;
    double right = 0;
    fv_target_report *target = fvi_arena_allocate(r->arena, targets * sizeof *target);
    fv_class_report *answers = fvi_arena_allocate(r->arena, targets * sizeof *answers);
    if (target == NULL || answers == NULL)
        return no_memory(r);
    for (size_t k = 0; k < targets; k++) {
        const fv_target_sums *sums = &of->target[k];
        const char *name = name_of(r, dataset, (int32_t)k);
        if (name == NULL)
            return no_memory(r);
        target[k] = target_report(name, sums, (double)of->samples);
        answers[k] = class_report(name, sums->yes, sums->told, sums->right);
        right += (double)of->samples - (double)sums->yes - (double)sums->told + 2 * (double)sums->right;
    }
    if (!of->answers) {
        report->targets = of->targets;
        report->target = target;
        return FV_OK;
    }
    report->class_reports = of->targets;
    report->class_report = answers;
    report->accuracy = quotient(right, (double)of->samples * (double)targets);
    take_means(report);
    return FV_OK;
}

static fv_status report_fill(fvi_report *r, const fv_dataset *dataset, const fv_evaluation *of,
                             const fv_report_options *options)
{
    fv_report *report = &r->told;
    report->data = fvi_arena_text(r->arena, fv_dataset_name(dataset));
    report->samples = of->samples;
    report->skipped = of->count - of->samples;
    report->loss = of->loss;
    report->images_per_second = of->images_per_second;
    report->accuracy = of->accuracy;
    if (report->data == NULL)
        return no_memory(r);
    if (of->targets > 0) {
        report->accuracy = 0;
        FV_TRY(fill_values(r, dataset, of));
    } else {
        FV_TRY(fill_classes(r, dataset, of));
        FV_TRY(fill_calibration(r, of, options->bins > 0 ? options->bins : BINS));
    }
    const int32_t mistakes = options->mistakes == 0 ? MISTAKES : options->mistakes;
    return mistakes > 0 && !of->answers ? fill_mistakes(r, dataset, of, mistakes) : FV_OK;
}

fv_status fv_report_create(fv_report **out, fv_context *context, const fv_dataset *dataset,
                           const fv_evaluation *evaluation, const fv_report_options *options)
{
    const fv_report_options none = { 0 };
    *out = NULL;
    options = options != NULL ? options : &none;
    if (evaluation->count != fv_dataset_count(dataset) ||
        (evaluation->targets > 0) != (fv_dataset_target_count(dataset) > 0))
        return fvi_fail(context, FV_ERR_ARGUMENT, "report: the evaluation is of %lld samples, '%s' has %lld",
                        (long long)evaluation->count, fv_dataset_name(dataset), (long long)fv_dataset_count(dataset));
    if (options->bins < 0 || options->bins > MOST_BINS)
        return fvi_fail(context, FV_ERR_ARGUMENT, "report: %d bins are not from 0 to %d", options->bins, MOST_BINS);
    fvi_report *r = fvi_allocate_zeroed(context, 1, sizeof *r);
    if (r == NULL)
        return fvi_out_of_memory(context, "a report", sizeof *r);
    r->context = context;
    fv_status status = fvi_arena_create(&r->arena, context, BLOCK);
    if (status == FV_OK)
        status = report_fill(r, dataset, evaluation, options);
    if (status != FV_OK) {
        fv_report_destroy(&r->told);
        return status;
    }
    *out = &r->told;
    return FV_OK;
}

void fv_report_destroy(fv_report *report)
{
    fvi_report *r = (fvi_report *)report; /* its first member */
    if (r == NULL)
        return;
    fvi_arena_destroy(r->arena);
    fvi_release(r->context, r);
}
