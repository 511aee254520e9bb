/* SPDX-License-Identifier: Apache-2.0
 *
 * csv_fuzz.c - CSV files as data sets: numbers and manifests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

/* A name that ends in .csv, for the file in memory. */
static const char *named(const char *path)
{
    static char name[64];
    if (name[0] == '\0')
        snprintf(name, sizeof name, "/tmp/fovea-fuzz-%ld.csv", (long)getpid());
    unlink(name);
    if (symlink(path, name) != 0)
        abort();
    return name;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    const char *path = named(fuzz_file(bytes, size));
    fv_dataset *dataset = NULL;
    const fv_status status = fv_dataset_open(&dataset, context, path, FV_SPLIT_TRAIN);
    fuzz_check(context, status, dataset);
    fv_dataset_destroy(dataset);
    unlink(path);
    fv_context_destroy(context);
    return 0;
}
