/* SPDX-License-Identifier: Apache-2.0
 *
 * status.h - what every fallible function returns, and the mark of a public symbol.
 * The status says what kind of thing went wrong; the handle that was acted on keeps the message
 * (fv_context_message(), fv_session_message(), ...), which names the object, the place and the value.
 */
#ifndef FOVEA_STATUS_H
#define FOVEA_STATUS_H

#if defined(__GNUC__)
#define FV_API __attribute__((visibility("default")))
#else
#define FV_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_status {
    FV_OK = 0,
    FV_ERR_ARGUMENT,    /* a value outside its documented range, an unknown name */
    FV_ERR_SHAPE,       /* shapes that do not fit together */
    FV_ERR_MEMORY,      /* an allocation failed */
    FV_ERR_IO,          /* a file could not be opened, read, written or synced */
    FV_ERR_FORMAT,      /* a file is not what it should be: wrong magic, truncated, sizes that do not add up */
    FV_ERR_NOT_FOUND,   /* no such file, data set, layer, parameter or network */
    FV_ERR_UNSUPPORTED, /* legal, but this build or this CPU cannot do it */
    FV_ERR_NUMERIC,     /* a NaN or an infinity, caught before it reached the weights */
    FV_ERR_STATE,       /* a call out of order (backward before forward, a graph changed after it was finished) */
    FV_ERR_INTERRUPTED  /* stopped on request, with the state saved */
} fv_status;

/* The name of a status ("ok", "shape error", ...): a static string, never NULL. */
FV_API const char *fv_status_name(fv_status status);

#ifdef __cplusplus
}
#endif

#endif
