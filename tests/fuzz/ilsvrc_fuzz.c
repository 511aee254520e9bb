/* SPDX-License-Identifier: Apache-2.0
 *
 * ilsvrc_fuzz.c - the text files that tell the classes of ILSVRC-2012's flat validation folder; the first byte says which.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { PATH = 256, FILES = 5 };

static const char *const names[FILES] = { "LOC_val_solution.csv", "val.txt", "ILSVRC2012_validation_ground_truth.txt",
                                          "synsets.txt", "LOC_synset_mapping.txt" };

static void put(const char *folder, const char *name, const char *text)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

/* Two synsets, three validation images. Once a process, and left in /tmp. */
static const char *make_folder(void)
{
    static char folder[64];
    if (folder[0] != '\0')
        return folder;
    static const char *const folders[] = { "", "/train", "/train/n01440764", "/train/n01443537", "/val" };
    snprintf(folder, sizeof folder, "/tmp/fovea-fuzz-%ld", (long)getpid());
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[PATH];
        snprintf(path, sizeof path, "%s%s", folder, folders[i]);
        mkdir(path, 0700);
    }
    put(folder, "train/n01440764/a.JPEG", "x");
    put(folder, "train/n01443537/b.JPEG", "x");
    for (int i = 1; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "val/ILSVRC2012_val_0000000%d.JPEG", i);
        put(folder, name, "x");
    }
    return folder;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *folder = make_folder();
    char path[PATH], other[PATH];
    if (size < 1)
        return 0;
    const int which = bytes[0] % FILES;
    snprintf(path, sizeof path, "%s/%s", folder, names[which]);
    snprintf(other, sizeof other, "%s/%s", folder, names[which == 3 ? 2 : which == 4 ? 1 : 3]);
    if (which == 2)
        put(folder, "synsets.txt", "n01443537\nn01440764\n");
    if (which == 3)
        put(folder, names[2], "1\n2\n1\n");
    if (which == 4)
        put(folder, names[1],
            "ILSVRC2012_val_00000001.JPEG 0\nILSVRC2012_val_00000002.JPEG 1\nILSVRC2012_val_00000003.JPEG 0\n");
    unlink(path);
    if (symlink(fuzz_file(bytes + 1, size - 1), path) != 0)
        abort();
    fv_context *context = fuzz_context();
    fv_dataset *dataset = NULL;
    const fv_status status = fv_dataset_open(&dataset, context, folder, FV_SPLIT_VALIDATION);
    fuzz_check(context, status, dataset);
    for (int64_t i = 0; dataset != NULL && i < fv_dataset_count(dataset); i++)
        if (fv_dataset_label(dataset, i) < 0 || fv_dataset_label(dataset, i) >= fv_dataset_classes(dataset))
            abort();
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
    unlink(path);
    unlink(other);
    return 0;
}
