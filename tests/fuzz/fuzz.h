/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz.h - what the fuzz targets share. Each feeds one reader with bytes that libFuzzer makes up; `make fuzz` runs them.
 * A target fails when a sanitizer does, when a call reports success without a result, or when memory is left behind.
 */
#ifndef FOVEA_FUZZ_H
#define FOVEA_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/fovea.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A context with one thread. */
fv_context *fuzz_context(void);
/* The same, for reading a file of `size` bytes: it aborts when more is held at once than that many bytes justify, which is 2 MiB and 1,024 for
 * each byte (a two-letter item of JSON becomes a node of a network). */
fv_context *fuzz_modest_context(size_t size);
/* Writes the bytes to a file in memory and gives a path to it, valid until the next call. */
const char *fuzz_file(const uint8_t *bytes, size_t size);
/* The same under a name that ends so (".tar"): a link, which the next call moves. */
const char *fuzz_named(const char *path, const char *ending);
/* Opens path as a data set and reads all of its samples. */
void fuzz_open(fv_context *context, const char *path);
/* Aborts unless status is FV_OK exactly when a result was given, and a failure has a message. */
void fuzz_check(const fv_context *context, fv_status status, const void *result);

#endif
