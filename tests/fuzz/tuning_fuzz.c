/* SPDX-License-Identifier: Apache-2.0
 *
 * tuning_fuzz.c - choices of algorithms; what was read can be written and read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static void check_round_trip(const fv_tuning *tuning)
{
    char path[64];
    fv_context *context = fuzz_context();
    fv_tuning *back = NULL;
    snprintf(path, sizeof path, "/dev/shm/fovea-tuning-fuzz-%ld", (long)getpid());
    if (fv_tuning_write(tuning, path) != FV_OK || fv_tuning_create(&back, context, NULL) != FV_OK ||
        fv_tuning_read(back, path, true) != FV_OK || fv_tuning_count(back) != fv_tuning_count(tuning))
        abort();
    for (int32_t i = 0; i < fv_tuning_count(back); i++)
        if (strcmp(fv_tuning_get(back, i).problem, fv_tuning_get(tuning, i).problem) != 0 ||
            strcmp(fv_tuning_get(back, i).algorithm, fv_tuning_get(tuning, i).algorithm) != 0)
            abort();
    remove(path);
    fv_tuning_destroy(back);
    fv_context_destroy(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_modest_context(size);
    fv_tuning *tuning = NULL;
    if (fv_tuning_create(&tuning, context, NULL) != FV_OK)
        abort();
    const fv_status status = fv_tuning_read(tuning, fuzz_file(bytes, size), true);
    fuzz_check(context, status, status == FV_OK ? tuning : NULL);
    if (status == FV_OK)
        check_round_trip(tuning);
    fv_tuning_destroy(tuning);
    fv_context_destroy(context);
    return 0;
}
