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

/* Without a limit: sessions of so many bytes or more are made smaller by what takes no more than this share of a step's time, and gives so many
 * times the share of memory that it takes of the time. */
enum { MUCH = 512 << 20, CHEAP = 5 };
static const double share_of_time = 0.015;

/* A guess for the order of candidates; only the ratio counts. */
static const double operations_per_second = 1.5e11, bytes_per_second = 1e10;

typedef struct candidate {
    int32_t storage;
    size_t bytes;
    double seconds; /* of computing it once more */
} candidate;

typedef struct candidates {
    fv_plan *plan;
    bool *useless;    /* [limited_count] */
    candidate *found; /* room for limited_count */
} candidates;

/* By bytes for a second. */
static int by_worth(const void *left, const void *right)
{
    const candidate *a = left, *b = right;
    const double worth = (double)a->bytes / a->seconds, other = (double)b->bytes / b->seconds;
    if (worth > other || worth < other)
        return worth > other ? -1 : 1;
    return a->storage - b->storage;
}

/* The first step at which most is alive; *bytes: how much. */
static fv_status find_peak(fv_plan *plan, int32_t *peak, size_t *bytes)
{
    size_t *alive = NULL;
    FV_TRY(fvi_plan_alive(plan, &alive));
    *peak = 0;
    for (int32_t i = 1; i < plan->step_count; i++)
        *peak = alive[i] > alive[*peak] ? i : *peak;
    *bytes = alive[*peak];
    return FV_OK;
}

static bool touches(const fv_plan *plan, const fvi_step *step, int32_t storage)
{
    bool found = step->y != FVI_NONE && plan->tensor[step->y].storage == storage;
    for (int32_t j = 0; j < step->input_count; j++)
        found |= step->x[j] != FVI_NONE && plan->tensor[step->x[j]].storage == storage;
    return found;
}

static bool has_copy(const fv_plan *plan, int32_t storage)
{
    for (int32_t s = 0; s < plan->storage_count; s++)
        if (plan->storage[s].copy_of == storage)
            return true;
    return false;
}

/* Whether a summand has to be written again only for what is computed from it: no backward step reads it. */
static bool is_only_summand(const fv_plan *plan, int32_t storage)
{
    return plan->storage[storage].last < plan->forward_count && !has_copy(plan, storage);
}

/* Seconds to write a storage once more; 0: something writes it that cannot be repeated. */
static double seconds_of(const fv_plan *plan, int32_t storage, bool with_summands)
{
    double seconds = 0;
    for (int32_t i = 0; i < plan->forward_count; i++) {
        const fvi_step *step = &plan->step[i];
        if (step->y == FVI_NONE || plan->tensor[step->y].storage != storage)
            continue;
        if (step->kind != FVI_STEP_FORWARD)
            return 0;
        double bytes = (double)plan->storage[storage].bytes;
        for (int32_t j = 0; j < step->input_count; j++) {
            const int32_t x = plan->tensor[step->x[j]].storage;
            bytes += (double)plan->storage[x].bytes;
            if (with_summands && j > 0 && x != storage && is_only_summand(plan, x))
                seconds += seconds_of(plan, x, false);
        }
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

/* worth: those that give at least so many bytes for a second. */
static int32_t find_candidates(const candidates *search, int32_t peak, double worth)
{
    const fv_plan *plan = search->plan;
    int32_t count = 0;
    for (int32_t s = 0; s < plan->limited_count; s++) {
        if (search->useless[s] || plan->recompute[s] || !waits_at(plan, s, peak))
            continue;
        const double seconds = seconds_of(plan, s, true), bytes = (double)plan->storage[s].bytes;
        if (seconds > 0 && bytes >= worth * seconds)
            search->found[count++] = (candidate){ s, plan->storage[s].bytes, seconds };
    }
    qsort(search->found, (size_t)count, sizeof *search->found, by_worth);
    return count;
}

/* How many of the first candidates seem to give so many bytes. */
static int32_t enough(const candidate *found, int32_t count, size_t bytes)
{
    int32_t taken = 0;
    for (size_t sum = 0; taken < count && sum < bytes; taken++)
        sum += found[taken].bytes;
    return taken;
}

/* Computes the first `take` candidates again; *helped: nothing needs more than before, and something less. */
static fv_status try_candidates(fv_plan *plan, const candidate *found, int32_t take, bool *helped)
{
    size_t before = 0, after = 0;
    int32_t peak = 0;
    FV_TRY(find_peak(plan, &peak, &before));
    for (int32_t i = 0; i < take; i++)
        plan->recompute[found[i].storage] = true;
    FV_TRY(fvi_plan_lay_out(plan));
    FV_TRY(find_peak(plan, &peak, &after));
    *helped = after < before || (after == before && has_copy(plan, found[0].storage));
    for (int32_t i = 0; i < take && !*helped; i++)
        plan->recompute[found[i].storage] = false;
    return *helped ? FV_OK : fvi_plan_lay_out(plan);
}

static fv_status refuse(const fv_plan *plan, size_t least)
{
    return fvi_fail(plan->context, FV_ERR_MEMORY,
                    "plan of graph '%s' at batch %d: the limit is %zu bytes, but %zu are the least that was reached by "
                    "computing values again; take a smaller batch",
                    fv_graph_name(plan->graph), plan->options.batch, plan->options.memory_limit, least);
}

static fv_status start_search(candidates *search, fv_plan *plan)
{
    const size_t room = (size_t)plan->storage_count;
    search->plan = plan;
    plan->limited_count = plan->storage_count;
    FV_TRY(fvi_plan_allocate_kept(plan, room, sizeof *plan->recompute, (void **)&plan->recompute));
    FV_TRY(fvi_plan_allocate_kept(plan, room, sizeof *search->useless, (void **)&search->useless));
    return fvi_plan_allocate_kept(plan, room, sizeof *search->found, (void **)&search->found);
}

/* Of the first `take` candidates as many as help; *taken: how many that is, or 0. One that does not help alone never will. */
static fv_status take_some(candidates *search, int32_t take, int32_t *taken)
{
    bool helped = false;
    for (*taken = take; *taken > 0; *taken /= 2) {
        FV_TRY(try_candidates(search->plan, search->found, *taken, &helped));
        if (helped)
            return FV_OK;
        search->useless[search->found[0].storage] |= *taken == 1;
    }
    return FV_OK;
}

/* A guess of a step's seconds by the same reckoning. */
static double step_seconds(const fv_plan *plan)
{
    double seconds = 0;
    for (int32_t i = 0; i < plan->step_count; i++) {
        const fv_step_info step = fv_plan_step(plan, i);
        seconds += (double)step.bytes_moved / bytes_per_second +
                   2.0 * (double)step.multiply_adds * plan->options.batch / operations_per_second;
    }
    return seconds;
}

/* Without being asked: what gives much memory for little time, where memory is much. */
static fv_status save_cheaply(candidates *search)
{
    fv_plan *plan = search->plan;
    const double all = step_seconds(plan);
    double left = all * share_of_time;
    while (left > 0) {
        int32_t peak = 0, take = 0, taken = 0;
        size_t alive = 0;
        double seconds = 0;
        FV_TRY(find_peak(plan, &peak, &alive));
        const int32_t count = find_candidates(search, peak, CHEAP * (double)plan->bytes.total / all);
        const int32_t wanted = enough(search->found, count, alive / AT_A_TIME);
        for (; take < wanted && seconds + search->found[take].seconds <= left; take++)
            seconds += search->found[take].seconds;
        if (take == 0)
            return FV_OK;
        FV_TRY(take_some(search, take, &taken));
        for (int32_t i = 0; i < taken; i++)
            left -= search->found[i].seconds;
    }
    return FV_OK;
}

fv_status fvi_plan_limit(fv_plan *plan)
{
    const size_t limit = plan->options.memory_limit;
    const bool may = fvi_plan_trains(plan) && !plan->options.no_repeat && !plan->options.reference;
    const bool much = plan->bytes.total >= (size_t)MUCH;
    candidates search = { 0 };
    size_t least = plan->bytes.total;
    if (may && (much || (limit > 0 && least > limit)))
        FV_TRY(start_search(&search, plan));
    if (may && much)
        FV_TRY(save_cheaply(&search));
    FV_TRY(fvi_plan_place_well(plan));
    while (limit > 0 && plan->bytes.total > limit) {
        int32_t peak = 0, taken = 0;
        size_t alive = 0;
        least = plan->bytes.total < least ? plan->bytes.total : least;
        FV_TRY(find_peak(plan, &peak, &alive));
        const int32_t count = may ? find_candidates(&search, peak, 0) : 0;
        if (count == 0)
            return refuse(plan, least);
        FV_TRY(take_some(&search, enough(search.found, count, alive / AT_A_TIME), &taken));
    }
    return FV_OK;
}
