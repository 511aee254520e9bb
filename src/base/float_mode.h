/* SPDX-License-Identifier: Apache-2.0
 *
 * float_mode.h - the floating-point mode of arithmetic: round to nearest, subnormals read and written as zero
 * (they cost a hundred cycles each), no traps. Whatever the host has set, results are the same bits.
 */
#ifndef FVI_FLOAT_MODE_H
#define FVI_FLOAT_MODE_H

#include <stdint.h>

/* The mode of a thread, to be given back. */
typedef struct fvi_float_mode {
    uint64_t control;
} fvi_float_mode;

/* Sets the mode on the calling thread and returns what was there. fvi_parallel() does it around all its tasks. */
fvi_float_mode fvi_float_mode_enter(void);
/* Gives the thread back what fvi_float_mode_enter() found, exception flags included. */
void fvi_float_mode_leave(fvi_float_mode before);

#endif
