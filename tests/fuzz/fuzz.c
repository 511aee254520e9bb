/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz.c - a context, and files that never reach a disk.
 */
#include "fuzz.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

fv_context *fuzz_context(void)
{
    fv_context *context = NULL;
    if (fv_context_create(&context, &(fv_context_options){ .threads = 1 }) != FV_OK)
        abort();
    return context;
}

/* What is held, and what may be. */
typedef struct account {
    size_t held, most;
} account;

static void *account_allocate(void *user, size_t bytes, size_t alignment)
{
    account *a = user;
    void *memory = bytes > a->most ? NULL : aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
    if (memory == NULL)
        abort();
    a->held += malloc_usable_size(memory);
    if (a->held > a->most)
        abort();
    return memory;
}

static void account_release(void *user, void *memory)
{
    account *a = user;
    a->held -= malloc_usable_size(memory);
    free(memory);
}

fv_context *fuzz_modest_context(size_t size)
{
    static account one;
    fv_context *context = NULL;
    one = (account){ .most = ((size_t)2 << 20) + 1024 * size };
    const fv_context_options options = {
        .threads = 1, .allocator = { .allocate = account_allocate, .release = account_release, .user = &one }
    };
    if (fv_context_create(&context, &options) != FV_OK)
        abort();
    return context;
}

const char *fuzz_file(const uint8_t *bytes, size_t size)
{
    static char path[64];
    static int descriptor = -1;
    if (descriptor < 0)
        descriptor = memfd_create("fuzz", MFD_CLOEXEC);
    if (descriptor < 0 || ftruncate(descriptor, 0) != 0 || pwrite(descriptor, bytes, size, 0) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    return path;
}

const char *fuzz_named(const char *path, const char *ending)
{
    static char name[64];
    if (name[0] == '\0')
        snprintf(name, sizeof name, "/tmp/fovea-fuzz-%ld%s", (long)getpid(), ending);
    unlink(name);
    if (symlink(path, name) != 0)
        abort();
    return name;
}

void fuzz_open(fv_context *context, const char *path)
{
    fv_dataset *dataset = NULL;
    fv_reader *reader = NULL;
    const fv_status status = fv_dataset_open(&dataset, context, path, FV_SPLIT_TRAIN);
    fuzz_check(context, status, dataset);
    if (status == FV_OK && fv_reader_create(&reader, context, dataset) != FV_OK)
        abort();
    for (int64_t i = 0; reader != NULL && i < fv_dataset_count(dataset) && i < 64; i++) {
        fv_sample sample;
        uint64_t sum = 0;
        size_t bytes = 0;
        if (fv_reader_read(reader, i, 0, &sample) == FV_OK && sample.pixels != NULL)
            for (; bytes < (size_t)sample.shape.c * (size_t)sample.shape.h * (size_t)sample.shape.w; bytes++)
                sum += sample.pixels[bytes]; /* all of them are read */
        if (sum > 255 * bytes)
            abort();
        if (fv_dataset_classes(dataset) > 0 && fv_dataset_label(dataset, i) >= fv_dataset_classes(dataset))
            abort();
    }
    fv_reader_destroy(reader);
    fv_dataset_destroy(dataset);
}

void fuzz_check(const fv_context *context, fv_status status, const void *result)
{
    if ((status == FV_OK) != (result != NULL) || (status != FV_OK && fv_context_message(context)[0] == '\0'))
        abort();
}
