/* SPDX-License-Identifier: Apache-2.0
 *
 * events_fuzz.c - event files of a run that is gone on with: they are read, cut where they end, and written behind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

static const char name[] = "events.out.tfevents.1700000000.fovea";

/* The file in a folder of this process. */
static void write_file(const char *folder, const uint8_t *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
}

static void remove_file(const char *folder)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char folder[64];
    fv_context *context = fuzz_modest_context(size);
    fv_events *events = NULL;
    snprintf(folder, sizeof folder, "/dev/shm/fovea-events-fuzz-%ld", (long)getpid());
    mkdir(folder, 0700);
    write_file(folder, bytes, size);
    for (int64_t steps = 0; steps < 3; steps++) {
        const fv_status status = fv_events_open(&events, context, folder, steps);
        fuzz_check(context, status, events);
        if (status == FV_OK && fv_events_scalar(events, "a", steps, 1.0) != FV_OK)
            abort();
        fv_events_close(events);
        events = NULL;
    }
    remove_file(folder);
    fv_context_destroy(context);
    return 0;
}
