/* SPDX-License-Identifier: Apache-2.0
 *
 * text_buffer.c - appending to a growing text.
 */
#include "base/text_buffer.h"

#include <stdio.h>
#include <string.h>

void fvi_text_append(fvi_text_buffer *buffer, const char *text)
{
    const size_t length = strlen(text);
    if (buffer->status == FV_OK)
        buffer->status = fvi_grow(buffer->context, (void **)&buffer->bytes, &buffer->capacity, buffer->used,
                                  buffer->used + length + 1, 1);
    if (buffer->status != FV_OK)
        return;
    memcpy(buffer->bytes + buffer->used, text, length + 1);
    buffer->used += length;
}

void fvi_text_format(fvi_text_buffer *buffer, const char *format, ...)
{
    fvi_message message;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message.text, sizeof message.text, format, arguments);
    va_end(arguments);
    fvi_text_append(buffer, message.text);
}

fv_status fvi_text_finish(fvi_text_buffer *buffer, char **text)
{
    *text = buffer->bytes;
    if (buffer->status != FV_OK) {
        fvi_release(buffer->context, buffer->bytes);
        *text = NULL;
    }
    buffer->bytes = NULL;
    return buffer->status;
}
