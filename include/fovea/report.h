/* SPDX-License-Identifier: Apache-2.0
 *
 * report.h - how good a model is, class by class: what an evaluation says, and the report that a run ends with.
 */
#ifndef FOVEA_REPORT_H
#define FOVEA_REPORT_H

#include "fovea/trainer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One class; where each output answers yes or no, one of them. Of n samples of the class, p that were taken for it, and c that are both:
 *
 *   precision = c / p    recall = c / n    f1 = 2 * precision * recall / (precision + recall) = 2 * c / (n + p)
 *
 * Each is 0 where its divisor is. */
typedef struct fv_class_report {
    const char *name; /* the data set's name for it, or its number */
    int64_t samples, predicted, correct;
    double precision, recall, f1;
} fv_class_report;

/* Samples whose answer has a probability in (low, high]; means over them, 0 without samples. */
typedef struct fv_calibration_bin {
    double low, high;
    int64_t samples;
    double accuracy, confidence;
} fv_calibration_bin;

/* A wrong answer; of values to come close to: a sample that was missed by far. */
typedef struct fv_mistake {
    int64_t sample;           /* in the data set */
    const char *file;         /* fv_dataset_sample_name() */
    int32_t label, predicted; /* -1 where targets are values */
    double probability;       /* of the answer */
    double own_probability;   /* of the true class */
    double error;             /* of values: root of the mean over the targets of (y - t)^2 */
} fv_mistake;

/* One number to come close to, over n samples: rmse = sqrt(mean of (y - t)^2), mae = mean of |y - t|,
 * r2 = 1 - sum of (y - t)^2 / sum of (t - mean of t)^2, 0 where all t are the same. */
typedef struct fv_target_report {
    const char *name;
    double rmse, mae, r2;
} fv_target_report;

/* Immutable. Texts and arrays belong to it. */
typedef struct fv_report {
    const char *data;
    int64_t samples, skipped; /* judged; could not be read */
    double loss, images_per_second;
    int32_t classes; /* 0: targets are values */
    double
        accuracy; /* top-1: the most probable class is the true one. Of yes-or-no answers: share that is right of all outputs of all samples */
    double top5;  /* the true class is among the five most probable; 0 unless there are more than 5 */
    /* Means over the classes that have samples or were answered ("macro"). */
    double precision, recall, f1;
    /* Expected calibration error of the answer's probability (Guo et al. 2017, arXiv:1706.04599, equation 5):
     * sum over the bins of samples / all * |accuracy - confidence|; 0: of answers said to be 90% sure, 90% are right. */
    double calibration_error;
    int32_t bins;
    const fv_calibration_bin *bin; /* [bins] of the same width, from 0 to 1; NULL where targets are values */
    int32_t class_reports;
    const fv_class_report *class_report; /* [class_reports]: each class, each output that answers, or none */
    const int64_t *confusion;            /* [classes][classes], row: true class; NULL where targets are values */
    int32_t mistakes;
    const fv_mistake *mistake; /* those of which it is surest first; of values, those that are furthest off */
    int32_t targets;
    const fv_target_report *target; /* [targets] values to come close to */
} fv_report;

typedef struct fv_report_options {
    int32_t bins;     /* of the calibration; 0 means 15 */
    int32_t mistakes; /* at most so many; 0 means 20, negative none */
} fv_report_options;

/* What an evaluation of dataset (fv_evaluate()) says. Owned by the caller, released by fv_report_destroy(); borrows nothing. options may be
 * NULL. FV_ERR_ARGUMENT for an evaluation of another data set or options out of range; FV_ERR_MEMORY. */
FV_API fv_status fv_report_create(fv_report **out, fv_context *context, const fv_dataset *dataset,
                                  const fv_evaluation *evaluation, const fv_report_options *options);
FV_API void fv_report_destroy(fv_report *report);

typedef enum fv_report_format {
    FV_REPORT_TEXT = 0,
    FV_REPORT_JSON,          /* one object: docs/formats.md#reports */
    FV_REPORT_CONFUSION_CSV, /* a row for each true class, a column for each answer, names first */
    FV_REPORT_CONFUSION_SVG  /* the same as a picture: shades by the share of the row */
} fv_report_format;
/* The report as text, the caller's, released by fv_text_release(). The same in every locale. FV_ERR_ARGUMENT for a confusion matrix where there
 * is none. */
FV_API fv_status fv_report_print(const fv_report *report, fv_report_format format, char **text);
/* Writes report.txt, report.json and, of classes, confusion.csv and confusion.svg into a folder that exists; each whole or not at all. */
FV_API fv_status fv_report_write(const fv_report *report, const char *folder);

typedef struct fv_run_report_options {
    const char *folder; /* required: where it is written; must exist */
    const char *best;   /* model file or checkpoint of the best epoch, or NULL: only its record is told */
    const char *split;  /* what the trainer measures on: "validation"; NULL means "test" */
    bool model_is_best; /* the run's model is the best epoch's (patience): that is told in full, else the last */
    fv_report_options report;
} fv_run_report_options;
/* The report of a run that is over, or of what there is of it: the trainer's params, and the best epoch's beside them, on the test images, or on the
 * training images where there are none. Writes what fv_report_write() does, with the records of both epochs. Errors: those of
 * measuring, reading and writing, told by the trainer. */
FV_API fv_status fv_trainer_report(fv_trainer *trainer, const fv_run_report_options *options);

#ifdef __cplusplus
}
#endif

#endif
