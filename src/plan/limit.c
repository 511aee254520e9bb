/* SPDX-License-Identifier: Apache-2.0
 *
 * limit.c - fits a plan for training into fv_plan_options.memory_limit: values that are kept for backward are computed again
 * instead, by forward steps among the backward ones (repeat.c), until what a session takes is not above the limit. Neighbours that
 * are all computed again are a segment (Chen et al. 2016, arXiv:1604.06174).
 *
 * Greedy: where most is alive, of the values that only wait there for a later step, those that give most bytes for the time that
 * computing them takes go first, a part of what is alive at a time; then everything is laid out anew and looked at again. What
 * did not help is taken back. What is tried does not depend on the limit, so the least that a refusal tells can be
 * reached. The bits of a step do not depend on what is chosen.
 */
#include <stdlib.h>

#include "plan/plan_internal.h"

enum { AT_A_TIME = 16 }; /* this part of what is alive */

/* A guess for the order of candidates; only the ratio counts. */
static const double operations_per_second = 1.5e11, bytes_per_second = 1e10;

typedef struct candidate {
    int32_t storage;
    size_t bytes;
    double worth; /* bytes for a second of computing */
} candidate;

static int by_worth(const void *left, const void *right)
{
    const candidate *a = left, *b = right;
    if (a->worth > b->worth || a->worth < b->worth)
        return a->worth > b->worth ? -1 : 1;
    return a->storage - b->storage;
}

static size_t alive_at(const fv_plan *plan, int32_t step)
{
    size_t bytes = 0;
    for (int32_t s = 0; s < plan->storage_count; s++)
        if (plan->storage[s].first <= step && step <= plan->storage[s].last)
            bytes += plan->storage[s].bytes;
    return bytes;
}

static int32_t find_peak(const fv_plan *plan, size_t *bytes)
{
    int32_t peak = 0;
    *bytes = 0;
    for (int32_t i = 0; i < plan->step_count; i++) {
        const size_t alive = alive_at(plan, i);
        peak = alive > *bytes ? i : peak;
        *bytes = alive > *bytes ? alive : *bytes;
    }
    return peak;
}

static bool touches(const fv_plan *plan, const fvi_step *step, int32_t storage)
{
    bool found = step->y != FVI_NONE && plan->tensor[step->y].storage == storage;
    for (int32_t j = 0; j < step->input_count; j++)
        found |= step->x[j] != FVI_NONE && plan->tensor[step->x[j]].storage == storage;
    return found;
}

/* Seconds to write a storage once more; 0: something writes it that cannot be repeated. */
static double seconds_of(const fv_plan *plan, int32_t storage)
{
    double seconds = 0;
    for (int32_t i = 0; i < plan->forward_count; i++) {
        const fvi_step *step = &plan->step[i];
        if (step->y == FVI_NONE || plan->tensor[step->y].storage != storage)
            continue;
        if (step->kind != FVI_STEP_FORWARD)
            return 0;
        double bytes = (double)plan->storage[storage].bytes;
        for (int32_t j = 0; j < step->input_count; j++)
            bytes += (double)plan->storage[plan->tensor[step->x[j]].storage].bytes;
        seconds += bytes / bytes_per_second +
                   2.0 * (double)plan->nodes[step->node].multiply_adds * plan->options.batch / operations_per_second;
    }
    return seconds;
}

/* Whether a storage is alive at a step though none around it looks at it: written before, and read in the backward pass
 * behind. */
static bool waits_at(const fv_plan *plan, int32_t storage, int32_t step)
{
    const fvi_storage *s = &plan->storage[storage];
    if (s->c == 0 || s->copy_of != FVI_NONE || s->first >= step || s->last <= step || s->last >= plan->step_count)
        return false;
    const int32_t until = step >= plan->forward_count ? step : plan->forward_count - 1;
    for (int32_t i = step; i <= until; i++)
        if (touches(plan, &plan->step[i], storage))
            return false;
    for (int32_t i = plan->forward_count; i < step; i++)
        if (touches(plan, &plan->step[i], storage))
            return false;
    return true;
}

static int32_t find_candidates(const fv_plan *plan, int32_t peak, const bool *useless, candidate *out)
{
    int32_t count = 0;
    for (int32_t s = 0; s < plan->limited_count; s++) {
        if (useless[s] || plan->recompute[s] || !waits_at(plan, s, peak))
            continue;
        const double seconds = seconds_of(plan, s);
        if (seconds > 0)
            out[count++] = (candidate){ s, plan->storage[s].bytes, (double)plan->storage[s].bytes / seconds };
    }
    qsort(out, (size_t)count, sizeof *out, by_worth);
    return count;
}

/* How many of the first candidates seem to give so many bytes. */
static int32_t enough(const candidate *candidates, int32_t count, size_t bytes)
{
    int32_t taken = 0;
    for (size_t sum = 0; taken < count && sum < bytes; taken++)
        sum += candidates[taken].bytes;
    return taken;
}

static bool has_copy(const fv_plan *plan, int32_t storage)
{
    for (int32_t s = 0; s < plan->storage_count; s++)
        if (plan->storage[s].copy_of == storage)
            return true;
    return false;
}

/* Computes the first `take` candidates again; *helped: nothing needs more than before, and something less. */
static fv_status try_candidates(fv_plan *plan, const candidate *candidates, int32_t take, bool *helped)
{
    size_t before = 0, after = 0;
    find_peak(plan, &before);
    for (int32_t i = 0; i < take; i++)
        plan->recompute[candidates[i].storage] = true;
    FV_TRY(fvi_plan_lay_out(plan));
    find_peak(plan, &after);
    *helped = after < before || (after == before && has_copy(plan, candidates[0].storage));
    for (int32_t i = 0; i < take && !*helped; i++)
        plan->recompute[candidates[i].storage] = false;
    return *helped ? FV_OK : fvi_plan_lay_out(plan);
}

static fv_status refuse(const fv_plan *plan, size_t least)
{
    return fvi_fail(plan->context, FV_ERR_MEMORY,
                    "plan of graph '%s' at batch %d: the limit is %zu bytes, but %zu are the least that was reached by "
                    "computing values again; take a smaller batch",
                    fv_graph_name(plan->graph), plan->options.batch, plan->options.memory_limit, least);
}

fv_status fvi_plan_limit(fv_plan *plan)
{
    const size_t limit = plan->options.memory_limit;
    bool *useless = NULL;
    candidate *candidates = NULL;
    size_t least = plan->bytes.total, alive = 0;
    if (limit == 0 || least <= limit)
        return FV_OK;
    if (!fvi_plan_trains(plan) || plan->options.no_repeat || plan->options.reference)
        return refuse(plan, least);
    plan->limited_count = plan->storage_count;
    const size_t room = (size_t)plan->storage_count;
    FV_TRY(fvi_plan_allocate_kept(plan, room, sizeof *plan->recompute, (void **)&plan->recompute));
    FV_TRY(fvi_plan_allocate_kept(plan, room, sizeof *useless, (void **)&useless));
    FV_TRY(fvi_plan_allocate_kept(plan, room, sizeof *candidates, (void **)&candidates));
    while (plan->bytes.total > limit) {
        const int32_t peak = find_peak(plan, &alive);
        const int32_t count = find_candidates(plan, peak, useless, candidates);
        if (count == 0)
            return refuse(plan, least);
        bool helped = false;
        int32_t take = enough(candidates, count, alive / AT_A_TIME);
        for (; take > 0 && !helped; take /= 2) {
            FV_TRY(try_candidates(plan, candidates, take, &helped));
            useless[candidates[0].storage] |= take == 1 && !helped;
        }
        least = plan->bytes.total < least ? plan->bytes.total : least;
    }
    return FV_OK;
}
