/* SPDX-License-Identifier: Apache-2.0
 *
 * divide.c - stratified parts. Equal samples form groups; the groups of a class are drawn in an order that depends on (seed, hash) only,
 * large ones first, and each goes where most is missing: parts come out as wanted to within the size of a group.
 */
#include "data/divide.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"

typedef struct group {
    int64_t first, size; /* in the samples, sorted by hash */
    uint64_t draw;
    int32_t label;
} group;

static int by_hash(const void *left, const void *right)
{
    const fvi_divided *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static int by_draw(const void *left, const void *right)
{
    const group *a = left, *b = right;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    if (a->draw != b->draw)
        return a->draw < b->draw ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

void fvi_divide_counts(int64_t n, const double share[FVI_PARTS], int64_t wanted[FVI_PARTS])
{
    double sum = 0, rest[FVI_PARTS];
    int64_t given = 0;
    for (int p = 0; p < FVI_PARTS; p++) {
        const double exact = share[p] * (double)n;
        sum += share[p];
        wanted[p] = (int64_t)floor(exact + 1e-9);
        rest[p] = exact - (double)wanted[p];
        given += wanted[p];
    }
    for (int64_t all = (int64_t)floor(sum * (double)n + 0.5); given < all; given++) {
        int best = 0;
        for (int p = 1; p < FVI_PARTS; p++)
            if (rest[p] > rest[best])
                best = p;
        wanted[best]++;
        rest[best] -= 1;
    }
    int first = 0, largest = 0;
    while (first < FVI_PARTS - 1 && share[first] <= 0)
        first++;
    for (int p = 1; p < FVI_PARTS; p++)
        if (wanted[p] > wanted[largest])
            largest = p;
    if (n > 0 && wanted[first] == 0) {
        wanted[largest] -= wanted[largest] > 0;
        wanted[first] = 1;
    }
}

static int64_t make_groups(fvi_divided *samples, int64_t count, uint64_t seed, group *groups)
{
    int64_t made = 0;
    if (count > 0)
        qsort(samples, (size_t)count, sizeof *samples, by_hash);
    for (int64_t i = 0; i < count; i++) {
        if (made > 0 && samples[groups[made - 1].first].hash == samples[i].hash) {
            groups[made - 1].size++;
            continue;
        }
        fvi_random random = fvi_random_start(seed, FVI_PURPOSE_DIVIDE, samples[i].hash);
        const uint64_t high = fvi_random_u32(&random);
        groups[made++] =
            (group){ .first = i, .size = 1, .draw = high << 32 | fvi_random_u32(&random), .label = samples[i].label };
    }
    if (made > 0)
        qsort(groups, (size_t)made, sizeof *groups, by_draw);
    return made;
}

/* The part that misses most; none when all have what they want. */
static int32_t neediest(const int64_t missing[FVI_PARTS])
{
    int32_t best = FVI_PART_NONE;
    for (int32_t p = 0; p < FVI_PARTS; p++)
        if (missing[p] > 0 && (best == FVI_PART_NONE || missing[p] > missing[best]))
            best = p;
    return best;
}

/* The groups of one class. False: some part with a share got none. */
static bool divide_class(fvi_divided *samples, const group *groups, int64_t count, const double share[FVI_PARTS])
{
    int64_t n = 0, missing[FVI_PARTS], got[FVI_PARTS] = { 0 };
    for (int64_t g = 0; g < count; g++)
        n += groups[g].size;
    fvi_divide_counts(n, share, missing);
    for (int64_t g = 0; g < count; g++) {
        const int32_t part = neediest(missing);
        for (int64_t i = 0; i < groups[g].size; i++)
            samples[groups[g].first + i].part = part;
        if (part == FVI_PART_NONE)
            continue;
        missing[part] -= groups[g].size;
        got[part] += groups[g].size;
    }
    bool full = true;
    for (int p = 0; p < FVI_PARTS; p++)
        full = full && (share[p] <= 0 || got[p] > 0);
    return full;
}

fv_status fvi_divide(fv_context *context, fvi_divided *samples, int64_t count, const double share[FVI_PARTS],
                     uint64_t seed, int64_t *equal, int32_t *thin)
{
    group *groups = fvi_allocate(context, ((size_t)count + 1) * sizeof *groups);
    if (groups == NULL)
        return fvi_out_of_memory(context, "the parts of a data set", (size_t)count * sizeof *groups);
    const int64_t made = make_groups(samples, count, seed, groups);
    *equal = count - made;
    *thin = 0;
    for (int64_t first = 0, end = 0; first < made; first = end) {
        while (end < made && groups[end].label == groups[first].label)
            end++;
        *thin += !divide_class(samples, groups + first, end - first, share);
    }
    fvi_release(context, groups);
    return FV_OK;
}
