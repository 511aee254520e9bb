/* SPDX-License-Identifier: Apache-2.0
 *
 * tuning.h - which algorithm computes each convolution, by measurement on this machine instead of by the cost model.
 *
 *     fv_tuning *tuning = NULL;
 *     fv_tuning_create(&tuning, context, &(fv_tuning_options){ .level = FV_TUNE_FAST });
 *     fv_tuning_read(tuning, "tuning.json");      what is known already, if the file is there
 *     ... fv_plan_create() and all that plans for this context now measures what it does not know ...
 *     fv_tuning_write(tuning, "tuning.json");
 *
 * Choices are part of what makes a run's bits: with the same choices the weights are the same for any number of threads,
 * with others they differ by rounding.
 */
#ifndef FOVEA_TUNING_H
#define FOVEA_TUNING_H

#include "fovea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_tune {
    FV_TUNE_OFF = 0, /* choices that were read are kept to; nothing is measured */
    FV_TUNE_FAST, /* on as few images as show the difference: about a tenth of a second for each convolution and pass */
    FV_TUNE_FULL  /* on the batch itself, as far as 256 MiB hold its images: up to a second each */
} fv_tune;

/* Zeros are the defaults. */
typedef struct fv_tuning_options {
    fv_tune level;
    double seconds; /* measuring ends after so long in all: the rest is the cost model's; 0 means 30, FULL 300 */
} fv_tuning_options;

/* One pass of one convolution. Texts are borrowed until the tuning is destroyed. */
typedef struct fv_tuning_choice {
    const char *problem;   /* as fovea bench --problem takes it, without "conv:" */
    const char *pass;      /* "forward", "backward_data", "backward_weights" */
    const char *algorithm; /* the fastest */
    const char *timed;     /* "name: 1.234 ms\n" for each candidate, the fastest first; "" when read without times */
    bool measured;         /* by this tuning; false: read from a file */
} fv_tuning_choice;

typedef struct fv_tuning fv_tuning;

/* Creates a tuning, owned by the caller, and gives it to context: all plans made from now on with it ask this tuning. One a
 * context: FV_ERR_STATE when it has one. options may be NULL. */
FV_API fv_status fv_tuning_create(fv_tuning **out, fv_context *context, const fv_tuning_options *options);
/* Takes it from its context. Plans made with it live on. */
FV_API void fv_tuning_destroy(fv_tuning *tuning);
/* Called after each measurement with the choice that was made; not during fv_tuning_read(). */
FV_API void fv_tuning_on_choice(fv_tuning *tuning, void (*made)(void *user, const fv_tuning_choice *choice),
                                void *user);
/* Number of choices known, and each in the order in which it became known; zeros when out of range. */
FV_API int32_t fv_tuning_count(const fv_tuning *tuning);
FV_API fv_tuning_choice fv_tuning_get(const fv_tuning *tuning, int32_t index);
/* Convolution passes that were left to the cost model because the time was up. */
FV_API int32_t fv_tuning_unmeasured(const fv_tuning *tuning);

/* Reads choices from a file that fv_tuning_write() wrote, or from a checkpoint (fovea/checkpoint.h) of a tuned run; what is known already stays. Choices that this build or instruction set does
 * not have are left out. FV_ERR_NOT_FOUND when there is no file; FV_ERR_FORMAT when it is not such a file or was measured by
 * another version, CPU, instruction set or number of threads, unless any_machine (a run that is repeated elsewhere). */
FV_API fv_status fv_tuning_read(fv_tuning *tuning, const char *path, bool any_machine);
/* Writes all choices, replacing the file whole. */
FV_API fv_status fv_tuning_write(const fv_tuning *tuning, const char *path);
/* What choices depend on, in a form fit for a file's name: "amd-epyc-7763-avx2-2-threads-0.1.0". Written to text (size
 * bytes, cut if too short). */
FV_API void fv_tuning_machine(const fv_context *context, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
