/* SPDX-License-Identifier: Apache-2.0
 *
 * tables.c - see tables.h. A context can be created for exactly the instruction sets that the machine has.
 */
#include "support/tables.h"

#include <string.h>

#if FVI_TEST_WIDE
extern const fvi_kernels fvi_kernels_f32_wide;
#endif

size_t test_tables(const fvi_kernels *tables[TEST_TABLES])
{
    static const char *const names[] = { "baseline", "avx2", "avx512", "neon" };
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fv_context *context = NULL;
        const fv_context_options options = { .threads = 1, .isa = names[i] };
        if (fv_context_create(&context, &options) == FV_OK) {
            tables[count++] = fvi_kernels_for(FV_F32, fvi_context_isa(context), false);
#if FVI_TEST_WIDE
            if (strcmp(names[i], "avx2") == 0)
                tables[count++] = &fvi_kernels_f32_wide;
#endif
        }
        fv_context_destroy(context);
    }
    return count;
}
