/* SPDX-License-Identifier: Apache-2.0
 *
 * tuning.h - the choices of a tuning, as those who read and write files of them see it. Read include/fovea/tuning.h first.
 */
#ifndef FVI_TUNING_H
#define FVI_TUNING_H

#include "base/arena.h"
#include "fovea/tuning.h"
#include "layer/tuner.h"

enum { FVI_TUNING_CANDIDATES = 8 };

typedef struct fvi_candidate {
    const char *name; /* static, of the table of algorithms */
    double seconds;   /* least of all rounds */
} fvi_candidate;

typedef struct fvi_choice {
    fvi_conv2d_shape shape; /* what was timed: perhaps on fewer images than the plan's batch */
    fvi_pass pass;
    int32_t count;
    fvi_candidate
        candidate[FVI_TUNING_CANDIDATES]; /* the chosen one first, then by their times; 0 seconds: not timed */
    bool measured;
    const char *problem, *timed; /* texts of shape and candidates */
} fvi_choice;

struct fv_tuning {
    fvi_tuner tuner; /* first, so that the one is the other */
    fv_context *context;
    fv_tuning_options options;
    fvi_arena *texts;
    fvi_choice *choices;
    size_t count, capacity;
    double spent; /* seconds of measuring */
    int32_t unmeasured;
    void (*made)(void *user, const fv_tuning_choice *choice);
    void *made_user;
};

/* Adds a choice, copied; problem and timed are made here. Nothing happens when there is one for this shape and pass. */
fv_status fvi_tuning_add(fv_tuning *tuning, const fvi_choice *choice);
/* The name of an algorithm of this instruction set as the table has it, or NULL. */
const char *fvi_tuning_algorithm(const fv_tuning *tuning, const char *name);

#endif
