/* SPDX-License-Identifier: Apache-2.0
 *
 * shards_fuzz.c - tar shards: headers, names, classes, and the images that they lead to.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    fuzz_open(context, fuzz_named(fuzz_file(bytes, size), ".tar"));
    fv_context_destroy(context);
    return 0;
}
