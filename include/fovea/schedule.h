/* SPDX-License-Identifier: Apache-2.0
 *
 * schedule.h - the learning rate of each step of a run. Formulas and sources: docs/optimizers.md.
 */
#ifndef FOVEA_SCHEDULE_H
#define FOVEA_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "fovea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How the rate goes after the warm-up. e: epochs since then, with fractions; E: those of the run that are left by then. */
typedef enum fv_schedule_kind {
    FV_SCHEDULE_COSINE = 0,  /* from rate to final*rate along half a cosine */
    FV_SCHEDULE_CONSTANT,    /* rate */
    FV_SCHEDULE_STEP,        /* rate * gamma^floor(e / every) */
    FV_SCHEDULE_EXPONENTIAL, /* rate * gamma^(e / every) */
    FV_SCHEDULE_POLYNOMIAL,  /* from rate to final*rate as (1 - e/E)^power */
    FV_SCHEDULE_ONE_CYCLE, /* from rate/divisor up to rate at peak*E, then down to final*rate, both along half a cosine */
    FV_SCHEDULE_RESTARTS, /* cosine from rate to final*rate in `every` epochs, again and again, each time `growth` times as long */
    FV_SCHEDULE_PIECEWISE, /* the factors of `points` */
    FV_SCHEDULE_PLATEAU    /* rate, times gamma whenever the measured loss has not fallen for `patience` epochs */
} fv_schedule_kind;

/* Numbers of fv_schedule_options of which 0 means the usual one, unless fv_schedule_options.given has their bit. */
enum { FV_GIVEN_FINAL = 1, FV_GIVEN_PATIENCE = 2, FV_GIVEN_THRESHOLD = 4 };

/* Zeros: half a cosine from the rate to 0 over the run. */
typedef struct fv_schedule_options {
    fv_schedule_kind kind;
    double rate;         /* the largest, mostly the first; 0: the optimizer's (fv_optimizer_kind_rate()) */
    double warmup;       /* epochs over which the rate first rises, linearly; 0: none */
    double warmup_start; /* where it rises from, as a factor of the rate, in [0, 1) */
    bool per_epoch;      /* the rate of an epoch's first step is that of all its steps, but for the warm-up */
    double final;   /* cosine, polynomial, one-cycle, restarts: factor at the end, in [0, 1]; one-cycle: 0 means 4e-6 */
    double gamma;   /* step, plateau: 0 means 0.1; exponential: 0.95 */
    double every;   /* epochs; step: 0 means 30; exponential: 1; restarts: 10 */
    double power;   /* polynomial: 0 means 1, a line */
    double peak;    /* one-cycle: 0 means 0.3 of the run */
    double divisor; /* one-cycle: 0 means 25 */
    double growth;  /* restarts: 0 means 1 */
    /* piecewise: "epoch:factor" separated by spaces, epochs rising from 0: "0:1 30:0.1 60:0.01" */
    const char *points;
    bool linear;      /* piecewise: lines between the points instead of steps */
    int32_t patience; /* plateau: 0 means 10 epochs */
    double threshold; /* plateau: a loss counts as lower when it is by this part; 0 means 1e-4 */
    int32_t cooldown; /* plateau: epochs after a fall of the rate that do not count; 0: none */
    double least;     /* plateau: the smallest factor */
    uint32_t given;   /* FV_GIVEN_...: these are meant as they stand, 0 too */
} fv_schedule_options;

/* FV_ERR_ARGUMENT, with a message of the context that names the option, unless fv_schedule_rate() can follow these. */
FV_API fv_status fv_schedule_check(fv_context *context, const fv_schedule_options *options, int32_t epochs);
/* The rate of step 0, 1, ... of a run of so many epochs: a function of its arguments alone, so that a run can be picked up anywhere.
 * options.rate must be given and the options checked. A plateau's rate must be multiplied by fv_plateau_factor(). */
FV_API double fv_schedule_rate(const fv_schedule_options *options, int32_t epochs, int64_t steps_per_epoch,
                               int64_t step);
/* "cosine", "constant", ...; NULL when out of range. */
FV_API const char *fv_schedule_kind_name(fv_schedule_kind kind);

/* The state of a plateau schedule; zeros at the start of a run. Checkpoints keep it. */
typedef struct fv_plateau {
    double best;     /* the lowest loss */
    int32_t seen;    /* losses */
    int32_t bad;     /* losses since the best, or since the rate last fell */
    int32_t cooling; /* epochs that still do not count */
    int32_t falls;   /* how often the rate has fallen */
} fv_plateau;

/* After each epoch, with the loss measured (of the test data, or else of the training data). NaN counts as not lower. */
FV_API void fv_plateau_observe(fv_plateau *plateau, const fv_schedule_options *options, double loss);
/* 1 for other kinds. */
FV_API double fv_plateau_factor(const fv_plateau *plateau, const fv_schedule_options *options);

#ifdef __cplusplus
}
#endif

#endif
