/* SPDX-License-Identifier: Apache-2.0
 *
 * get.h - the download of a set whose description is at hand.
 */
#ifndef FVI_GET_H
#define FVI_GET_H

#include "data/get/published.h"
#include "fovea/data_get.h"

/* fv_data_get() of a set that need not be one of the known. */
fv_status fvi_data_get_set(fv_context *context, const fvi_published *set, const fv_data_get_options *options,
                           fv_data_get_report *report);

/* The sum of a file's bytes, or with unpacked of what a gzip file holds; called with the bytes done so far, which may stop it
 * (FV_ERR_INTERRUPTED). FV_ERR_NOT_FOUND, FV_ERR_IO; unpacked: FV_ERR_FORMAT, FV_ERR_UNSUPPORTED. */
fv_status fvi_file_md5(fv_context *context, const char *path, bool unpacked,
                       bool (*progress)(void *user, uint64_t done), void *user, char text[33]);

/* unpack.c: what is taken out of an archive, and the file that says what it was. */
enum { FVI_UNPACK_SUM = 32 };
#define FVI_UNPACK_SUMS "checksums.md5"
/* Writes the set's members of the archive to folder, and FVI_UNPACK_SUMS, as md5sum does, behind them. progress may stop it. */
fv_status fvi_unpack(fv_context *context, const fvi_published *set, const char *archive, const char *folder,
                     bool (*progress)(void *user, const char *member), void *user);
/* FV_OK: all members are in folder and as they were unpacked. FV_ERR_NOT_FOUND: no FVI_UNPACK_SUMS. FV_ERR_FORMAT: something is missing or
 * was changed; FV_ERR_INTERRUPTED. */
fv_status fvi_unpack_check(fv_context *context, const fvi_published *set, const char *folder,
                           bool (*progress)(void *user, const char *member), void *user);

#endif
