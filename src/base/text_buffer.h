/* SPDX-License-Identifier: Apache-2.0
 *
 * text_buffer.h - text that grows while it is written. A failure is kept and later calls do nothing, so that one check at the end is enough.
 */
#ifndef FVI_TEXT_BUFFER_H
#define FVI_TEXT_BUFFER_H

#include "base/base.h"

typedef struct fvi_text_buffer {
    fv_context *context;
    char *bytes; /* NUL-terminated; NULL before anything was written */
    size_t used, capacity;
    fv_status status;
} fvi_text_buffer;

void fvi_text_append(fvi_text_buffer *buffer, const char *text);
/* At most 1,023 bytes. */
void fvi_text_format(fvi_text_buffer *buffer, const char *format, ...) FVI_PRINTF(2, 3);
/* Hands the text over (released by fvi_release()), or gives the failure and releases it; *text is NULL then. */
fv_status fvi_text_finish(fvi_text_buffer *buffer, char **text);

#endif
