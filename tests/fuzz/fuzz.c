/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz.c - a context, and files that never reach a disk.
 */
#include "fuzz.h"

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

void fuzz_check(const fv_context *context, fv_status status, const void *result)
{
    if ((status == FV_OK) != (result != NULL) || (status != FV_OK && fv_context_message(context)[0] == '\0'))
        abort();
}
