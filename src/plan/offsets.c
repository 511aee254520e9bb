/* SPDX-License-Identifier: Apache-2.0
 *
 * offsets.c - where in the arena each storage lies. One after the other, each goes into the smallest gap that fits among the storages
 * alive at the same time (Pisarchyk & Lee 2020, arXiv:2001.03288, "greedy by size"), in several orders. No arena can be
 * smaller than what is alive at one step; while the best one is well above that, its order is changed at random places, by a
 * generator with a fixed seed, and what is no worse is kept. Two storages never share a byte while both live.
 */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "plan/plan_internal.h"

/* A storage in the order of placement: by what, the largest first. */
typedef struct placement {
    double key;
    int32_t storage;
} placement;

/* A storage that has its offset. */
typedef struct span {
    int32_t first, last;
    size_t offset, end;
} span;

typedef struct search {
    fv_plan *plan;
    size_t bound; /* bytes alive at the step where most is: no arena is smaller */
    placement *order, *best_order;
    span *placed;       /* by offset */
    size_t *offset;     /* [storages] of the last placement */
    size_t arena, best; /* bytes of the last and of the best one */
    int32_t top;        /* place in the order of the storage that ends last */
    bool first_fit, best_first_fit;
} search;

static int by_key_descending(const void *left, const void *right)
{
    const placement *a = left, *b = right;
    if (a->key > b->key || a->key < b->key)
        return a->key > b->key ? -1 : 1;
    return a->storage - b->storage; /* a total order: qsort() may not decide */
}

/* Which order leaves the fewest gaps depends on the network: by bytes, by steps alive, by both, by the last step,
 * by the first. */
enum { ORDERS = 5 };

static double key_of(const fvi_storage *storage, int32_t order)
{
    const double bytes = (double)storage->bytes, steps = (double)(storage->last - storage->first + 1);
    const double keys[ORDERS] = { bytes, steps, bytes * steps, storage->last, -storage->first };
    return keys[order];
}

/* placed[count]: by offset. Returns the offset for one more: of the first gap that is large enough, or of the smallest. */
static size_t find_gap(const fvi_storage *storage, const span *placed, int32_t count, bool first_fit)
{
    const size_t need = storage->bytes + fvi_arena_gap();
    const int32_t first = storage->first, last = storage->last;
    size_t end = 0, best = SIZE_MAX, best_room = SIZE_MAX;
    for (int32_t i = 0; i < count; i++) {
        const span *other = &placed[i];
        if (other->first > last || first > other->last)
            continue;
        if (other->offset >= end && other->offset - end >= need && other->offset - end < best_room) {
            best = end;
            best_room = other->offset - end;
            if (first_fit || best_room == need)
                return best;
        }
        end = other->end > end ? other->end : end;
    }
    return best != SIZE_MAX ? best : end;
}

static void insert_by_offset(span *placed, int32_t count, const span *added)
{
    int32_t low = 0, high = count;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (placed[middle].offset <= added->offset)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(placed + low + 1, placed + low, (size_t)(count - low) * sizeof *placed);
    placed[low] = *added;
}

/* Gives every storage an offset, in the order as it is. */
static fv_status place_in_order(search *s)
{
    const fv_plan *plan = s->plan;
    s->arena = 0;
    for (int32_t i = 0; i < plan->storage_count; i++) {
        const int32_t index = s->order[i].storage;
        const fvi_storage *storage = &plan->storage[index];
        const size_t offset = find_gap(storage, s->placed, i, s->first_fit),
                     end = offset + storage->bytes + fvi_arena_gap();
        if (end > SIZE_MAX / 4)
            return fvi_plan_too_large(plan);
        insert_by_offset(s->placed, i, &(span){ storage->first, storage->last, offset, end });
        s->offset[index] = offset;
        if (end > s->arena) {
            s->arena = end;
            s->top = i;
        }
    }
    return FV_OK;
}

/* Keeps the last placement if it is no worse than the best. */
static bool keep(search *s)
{
    const size_t count = (size_t)s->plan->storage_count;
    if (s->arena > s->best)
        return false;
    for (size_t i = 0; i < count && s->arena < s->best; i++)
        s->plan->storage[i].offset = s->offset[i];
    memcpy(s->best_order, s->order, count * sizeof *s->order);
    s->best = s->arena;
    s->best_first_fit = s->first_fit;
    return true;
}

/* What is above the bound by so little is good enough. */
static bool is_good(const search *s)
{
    return s->best <= s->bound + s->bound / 256;
}

static fv_status try_orders(search *s)
{
    const size_t count = (size_t)s->plan->storage_count;
    const int32_t orders = s->plan->places_well ? 2 * ORDERS : 1;
    for (int32_t by = 0; by < orders && !is_good(s); by++) {
        for (size_t i = 0; i < count; i++)
            s->order[i] = (placement){ .key = key_of(&s->plan->storage[i], by % ORDERS), .storage = (int32_t)i };
        qsort(s->order, count, sizeof *s->order, by_key_descending);
        s->first_fit = by >= ORDERS;
        FV_TRY(place_in_order(s));
        keep(s);
    }
    return FV_OK;
}

/* Moves one storage of the order to an earlier place. */
static void move_forward(search *s, int32_t from, int32_t to)
{
    const placement moved = s->order[from];
    memmove(s->order + to + 1, s->order + to, (size_t)(from - to) * sizeof moved);
    s->order[to] = moved;
}

/* Pairs of storages that are looked at in all, some 0.1 s at most; and the bytes from which that is worth it. */
enum { LOOKS = 40 << 20, MOST_TRIES = 2000, WORTH = 16 << 20 };

static fv_status improve(search *s)
{
    const int64_t count = s->plan->storage_count;
    const int64_t tries = count > 1 ? LOOKS / (count * count / 2) : 0;
    fvi_random random = fvi_random_start(1, FVI_PURPOSE_PLACEMENT, 0);
    memcpy(s->order, s->best_order, (size_t)count * sizeof *s->order);
    s->first_fit = s->best_first_fit;
    if (tries > 0 && !is_good(s))
        FV_TRY(place_in_order(s)); /* finds the top */
    for (int64_t i = 0, top = s->top; i < tries && i < MOST_TRIES && !is_good(s); i++) {
        int32_t from = (int32_t)(i % 2 == 0 ? top : (int64_t)fvi_random_below(&random, (uint32_t)count));
        if (from == 0)
            from = 1;
        move_forward(s, from, (int32_t)fvi_random_below(&random, (uint32_t)from));
        FV_TRY(place_in_order(s));
        if (keep(s))
            top = s->top;
        else
            memcpy(s->order, s->best_order, (size_t)count * sizeof *s->order);
    }
    return FV_OK;
}

fv_status fvi_plan_alive(fv_plan *plan, size_t **out)
{
    size_t *alive = NULL;
    FV_TRY(fvi_plan_allocate(plan, (size_t)plan->step_count + 2, sizeof *alive, (void **)&alive));
    for (int32_t i = 0; i < plan->storage_count; i++) {
        const fvi_storage *storage = &plan->storage[i];
        if (storage->first > storage->last)
            continue;
        alive[storage->first] += storage->bytes + fvi_arena_gap();
        alive[storage->last + 1] -= storage->bytes + fvi_arena_gap(); /* may wrap; the sums below do not */
    }
    for (int32_t i = 1; i <= plan->step_count; i++)
        alive[i] += alive[i - 1];
    *out = alive;
    return FV_OK;
}

fv_status fvi_plan_place_storages(fv_plan *plan)
{
    search s = { .plan = plan, .best = SIZE_MAX };
    size_t *alive = NULL;
    const size_t count = (size_t)plan->storage_count;
    FV_TRY(fvi_plan_allocate(plan, count, sizeof *s.order, (void **)&s.order));
    FV_TRY(fvi_plan_allocate(plan, count, sizeof *s.best_order, (void **)&s.best_order));
    FV_TRY(fvi_plan_allocate(plan, count, sizeof *s.placed, (void **)&s.placed));
    FV_TRY(fvi_plan_allocate(plan, count, sizeof *s.offset, (void **)&s.offset));
    FV_TRY(fvi_plan_alive(plan, &alive));
    for (int32_t i = 0; i <= plan->step_count; i++)
        s.bound = alive[i] > s.bound ? alive[i] : s.bound;
    FV_TRY(try_orders(&s));
    if (plan->places_well && s.best >= (size_t)WORTH)
        FV_TRY(improve(&s));
    plan->bytes.arena = s.best;
    return FV_OK;
}
