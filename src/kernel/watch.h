/* SPDX-License-Identifier: Apache-2.0
 *
 * watch.h - how a pass that writes a tensor tells of its parts while they are in cache.
 */
#ifndef FVI_KERNEL_WATCH_H
#define FVI_KERNEL_WATCH_H

#include <stddef.h>
#include <stdint.h>

/* wrote(): channels [channel, channel + channels) of pixels [first, first + pixels), counted row by row through all images, are
 * final. Called by the task that wrote them, once for each value; parts come in any order, from several threads, cut in any
 * way: what is gathered from them must not depend on that. */
typedef struct fvi_watch {
    void (*wrote)(void *argument, size_t first, size_t pixels, int32_t channels);
    void *argument;
} fvi_watch;

#endif
