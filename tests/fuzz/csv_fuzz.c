/* SPDX-License-Identifier: Apache-2.0
 *
 * csv_fuzz.c - CSV files as data sets: numbers and manifests.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    fuzz_open(context, fuzz_named(fuzz_file(bytes, size), ".csv"));
    fv_context_destroy(context);
    return 0;
}
