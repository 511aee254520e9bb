/* SPDX-License-Identifier: Apache-2.0
 *
 * event_file.h - what trainers need of an event file beside fovea/events.h.
 */
#ifndef FVI_EVENT_FILE_H
#define FVI_EVENT_FILE_H

#include "fovea/events.h"
#include "interchange/histogram.h"

/* fv_events_open() that also forgets, of step `steps`, records from the first on that begins with the tag `behind`; NULL: none. */
fv_status fvi_events_open(fv_events **out, fv_context *context, const char *folder, int64_t steps, const char *behind);
/* As fv_events_histogram(), of values that were counted before; an empty one is left out. */
fv_status fvi_events_histogram(fv_events *events, const char *tag, int64_t step, const fvi_histogram *histogram);

#endif
