/* SPDX-License-Identifier: Apache-2.0
 *
 * tile_end.h - what a micro-kernel does to a tile of outputs before it stores it, while it is in registers: y = f(y + plus) for those f
 * that clamp. The same bits as a pass over y behind it (channel_finish in kernel/norm/channel.h) would give.
 */
#ifndef FVI_TILE_END_H
#define FVI_TILE_END_H

#include <stdbool.h>
#include <stddef.h>

/* All zero: nothing. */
typedef struct fvi_tile_end {
    const float *plus; /* its channels as y's, NULL: none */
    ptrdiff_t plus_point;
    bool clamps; /* y = min(high, max(low, y)); a NaN stays */
    float low, high;
} fvi_tile_end;

#endif
