/* SPDX-License-Identifier: Apache-2.0
 *
 * cifar_fuzz.c - CIFAR as a .tar.gz: what libarchive makes of the bytes, and the records in it.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    fv_dataset *dataset = NULL;
    const fv_status status = fv_dataset_open(&dataset, context, fuzz_file(bytes, size), FV_SPLIT_TEST);
    fuzz_check(context, status, dataset);
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
    return 0;
}
