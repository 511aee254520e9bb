/* SPDX-License-Identifier: Apache-2.0
 *
 * download.h - one file from one address, through libcurl, into a file that may hold its beginning already. libcurl brings two
 * dozen other libraries: it is loaded at the first download, by name.
 */
#ifndef FVI_DOWNLOAD_H
#define FVI_DOWNLOAD_H

#include "base/base.h"

/* How a transfer ended. What has arrived stays in the file, except as noted. */
typedef enum fvi_download_end {
    FVI_DOWNLOAD_WHOLE,      /* as far as the server says: a checksum decides */
    FVI_DOWNLOAD_CUT,        /* some bytes came, then nothing more: worth another try */
    FVI_DOWNLOAD_NO_RESUME,  /* the address cannot go on from what is there: worth another try from nothing */
    FVI_DOWNLOAD_REFUSED,    /* nothing came that could be the file: another address may do */
    FVI_DOWNLOAD_DISK,       /* the file could not be written */
    FVI_DOWNLOAD_STOPPED,    /* by progress */
    FVI_DOWNLOAD_UNSUPPORTED /* no libcurl in this build or on this machine */
} fvi_download_end;

typedef struct fvi_download fvi_download;

/* done and total (0: unknown) bytes of the file, those that were there before included; rate in bytes a second. False stops it. */
typedef bool fvi_download_progress(void *user, uint64_t done, uint64_t total, double rate);

/* Appends to the open file at `descriptor`, which holds the first *have bytes (0: nothing), what the address has behind them; a server without
 * ranges gives all, which then replaces them. *have is then what the file holds, *received what came. An HTML page is refused, and what was there stays.
 * http, https, ftp and file. message says why it ended otherwise than whole. */
fvi_download_end fvi_download_run(int descriptor, const char *address, uint64_t *have, uint64_t *received,
                                  fvi_download_progress *progress, void *user, fvi_message *message);

#endif
