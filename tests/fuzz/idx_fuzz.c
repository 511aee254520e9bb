/* SPDX-License-Identifier: Apache-2.0
 *
 * idx_fuzz.c - a pair of IDX files, plain or gzip: the first two bytes say where the labels begin.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

/* In memory where there is a file system for it. */
static void make_folder(char folder[64])
{
    snprintf(folder, 64, "/dev/shm/fovea-fuzz-XXXXXX");
    if (mkdtemp(folder) != NULL)
        return;
    snprintf(folder, 64, "/tmp/fovea-fuzz-XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
}

static void write_file(const char *folder, const char *name, const uint8_t *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    static char folder[64];
    fv_dataset *dataset = NULL;
    if (folder[0] == 0)
        make_folder(folder);
    const size_t head = size < 2 ? size : 2, rest = size - head;
    const size_t cut = head < 2 ? rest : ((size_t)bytes[0] << 8 | bytes[1]) % (rest + 1);
    write_file(folder, "train-images-idx3-ubyte", bytes + head, cut);
    write_file(folder, "train-labels-idx1-ubyte", bytes + head + cut, rest - cut);
    const fv_status status = fv_dataset_open(&dataset, context, folder, FV_SPLIT_TRAIN);
    fuzz_check(context, status, dataset);
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
    return 0;
}
