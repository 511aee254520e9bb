/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.h - elapsed time.
 */
#ifndef FVI_CLOCK_H
#define FVI_CLOCK_H

/* Seconds on a clock that only runs forward, from an arbitrary start. */
double fvi_seconds(void);

#endif
