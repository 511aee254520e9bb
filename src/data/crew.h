/* SPDX-License-Identifier: Apache-2.0
 *
 * crew.h - a loader's worker threads: they fetch the samples of the next batches while the caller computes.
 */
#ifndef FVI_CREW_H
#define FVI_CREW_H

#include "data/fetch.h"

/* One batch. */
typedef struct fvi_slot {
    float *images;     /* [batch][h][w][c] */
    float *targets;    /* [batch][target_count], where targets are values */
    int32_t *classes;  /* [batch] */
    uint64_t *samples; /* [batch]: numbers (fvi_recipe.drawn): indices in the data set, unless samples are drawn */
    fv_status *failed; /* [batch] */
} fvi_slot;

/* All of one batch's memory. FV_ERR_MEMORY or FV_ERR_SHAPE (overflow) into the context's message; release it in any case. */
fv_status fvi_slot_allocate(fvi_slot *slot, fv_context *context, const fvi_recipe *recipe);
void fvi_slot_release(fvi_slot *slot, fv_context *context);
/* Fetches sample `number` as the i-th of the slot. fetcher may be NULL where recipe->direct. */
void fvi_slot_fill(fvi_slot *slot, const fvi_recipe *recipe, fvi_fetcher *fetcher, int64_t epoch, int64_t number,
                   int32_t i);

/* The threads and what they touch, which lives until the last of them has ended: one that hangs is left behind. */
typedef struct fvi_crew fvi_crew;

/* Starts recipe->options.workers threads, which block all signals. order [count] is written by the caller between
 * fvi_crew_stop_epoch() and fvi_crew_start(). On failure *out is NULL. */
fv_status fvi_crew_create(fvi_crew **out, fv_context *context, const fvi_recipe *recipe);
/* Ends the threads. One that hangs is waited for no longer than the patience of the options. */
void fvi_crew_destroy(fvi_crew *crew);
int32_t *fvi_crew_order(fvi_crew *crew);
/* No thread works afterwards; false: one hangs, and the crew is good for nothing but fvi_crew_destroy(). */
bool fvi_crew_stop_epoch(fvi_crew *crew, fvi_message *message);
/* From now on the batches from sample position `position` on are fetched, a few ahead. */
void fvi_crew_start(fvi_crew *crew, int64_t epoch, int64_t position, int64_t count);
/* The batch of n samples at `position`, once it is there; the batch before it is given back to the threads. FV_ERR_IO, with
 * worker and file named, when a worker takes longer for one sample than the options bear. */
fv_status fvi_crew_take(fvi_crew *crew, int64_t position, int32_t n, fvi_slot **slot, fvi_message *message);

#endif
