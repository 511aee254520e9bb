/* SPDX-License-Identifier: Apache-2.0
 *
 * published.h - data sets that others publish: their files, checksums and addresses.
 */
#ifndef FVI_PUBLISHED_H
#define FVI_PUBLISHED_H

#include <stdbool.h>
#include <stdint.h>

enum { FVI_PUBLISHED_FILES = 5, FVI_PUBLISHED_ADDRESSES = 5, FVI_PUBLISHED_MEMBERS = 9 };

typedef struct fvi_published_file {
    const char *name; /* NULL ends a list */
    const char *md5;
    const char *unpacked_md5; /* of what a .gz holds: other packings of the same bytes are as good; or NULL */
} fvi_published_file;

typedef struct fvi_published {
    const char *name;   /* as for --data */
    const char *folder; /* below a data folder: where the reader looks for it */
    fvi_published_file files[FVI_PUBLISHED_FILES];
    const char
        *addresses[FVI_PUBLISHED_ADDRESSES];    /* in the order in which they are tried; a file's name goes behind */
    const char *members[FVI_PUBLISHED_MEMBERS]; /* where the one file is an archive: what is taken out of it */
    const char *classes; /* their names, one a line, put beside the files as classes.txt; or NULL */
} fvi_published;

extern const fvi_published *const fvi_published_sets[]; /* NULL-terminated */

#endif
