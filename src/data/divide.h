/* SPDX-License-Identifier: Apache-2.0
 *
 * divide.h - which sample goes into which part: the arithmetic of fv_data_split().
 */
#ifndef FVI_DIVIDE_H
#define FVI_DIVIDE_H

#include "base/base.h"

enum { FVI_PARTS = 3, FVI_PART_NONE = -1 };

/* A sample that is to be divided. */
typedef struct fvi_divided {
    uint64_t hash; /* of its pixels: equal ones stay together */
    int32_t label; /* -1: none */
    int32_t part;  /* is set */
    int64_t
        order; /* the caller's; decides nothing but which of equal samples is the first, whose label counts for all of them */
} fvi_divided;

/* Sets the part of each sample; samples are reordered. *equal: how many of them were kept with an equal one; *thin: classes that
 * have no sample in some part with a share. */
fv_status fvi_divide(fv_context *context, fvi_divided *samples, int64_t count, const double share[FVI_PARTS],
                     uint64_t seed, int64_t *equal, int32_t *thin);
/* How many of n samples each part shall have: largest remainders (Hamilton), and at least one for the first part with a share. */
void fvi_divide_counts(int64_t n, const double share[FVI_PARTS], int64_t wanted[FVI_PARTS]);

#endif
