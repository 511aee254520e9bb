/* SPDX-License-Identifier: Apache-2.0
 *
 * update_kernels_test.c - each vector table of updates against the reference, bit by bit, at every length around the lane
 * counts, with nothing touched behind the end.
 */
#include <math.h>
#include <string.h>

#include "fovea/context.h"
#include "optim/update_kernels.h"
#include "support/test.h"
#include "support/values.h"

enum { MOST = 70, GUARD = 16, TABLES = 6 };

#if FVI_TEST_WIDE
extern const fvi_update_kernels fvi_update_kernels_f32_wide;
#endif

/* As support/tables.c. */
static size_t tables_here(const fvi_update_kernels *tables[TABLES])
{
    static const char *const names[] = { "baseline", "avx2", "avx512", "neon" };
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fv_context *context = NULL;
        const fv_context_options options = { .threads = 1, .isa = names[i] };
        if (fv_context_create(&context, &options) == FV_OK) {
            tables[count++] = fvi_update_kernels_for(FV_F32, fvi_context_isa(context), false);
#if FVI_TEST_WIDE
            if (strcmp(names[i], "avx2") == 0)
                tables[count++] = &fvi_update_kernels_f32_wide;
#endif
        }
        fv_context_destroy(context);
    }
    return count;
}

static void fill(float values[MOST + GUARD], uint64_t seed)
{
    double draws[MOST + GUARD];
    test_fill(draws, MOST + GUARD, seed, -2, 2);
    for (size_t i = 0; i < MOST + GUARD; i++)
        values[i] = (float)draws[i];
}

FV_TEST(update_kernels, give_the_bits_of_the_reference)
{
    const fvi_update_kernels *tables[TABLES], *reference = fvi_update_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const fvi_update_numbers rates = { .outer = 0.037, .inner = 1, .keep = 1, .momentum = 0.9, .decay = 5e-4 };
    const size_t table_count = tables_here(tables);
    for (size_t t = 0; t < table_count; t++)
        for (size_t count = 0; count <= MOST; count++) {
            float g[MOST + GUARD], v[2][MOST + GUARD], w[2][MOST + GUARD];
            fill(g, 1 + count);
            for (size_t i = 0; i < 2; i++) {
                fill(v[i], 100 + count);
                fill(w[i], 200 + count);
            }
            void *slots[2] = { v[0], v[1] };
            reference->update[FVI_UPDATE_SGD](count, &rates, g, &slots[0], w[0]);
            tables[t]->update[FVI_UPDATE_SGD](count, &rates, g, &slots[1], w[1]);
            reference->average(count, 0.1, g, w[0]);
            tables[t]->average(count, 0.1, g, w[1]);
            if (memcmp(v[0], v[1], sizeof v[0]) != 0 || memcmp(w[0], w[1], sizeof w[0]) != 0)
                fail_msg("%s: an update of %zu elements differs", tables[t]->name, count);
        }
}

FV_TEST(update_kernels, find_what_is_not_finite_wherever_it_is)
{
    static const double bad[] = { NAN, INFINITY, -INFINITY };
    const fvi_update_kernels *tables[TABLES];
    const size_t table_count = tables_here(tables);
    for (size_t t = 0; t < table_count; t++)
        for (size_t count = 0; count <= MOST; count++)
            for (size_t at = 0; at <= count; at++) {
                float x[MOST + GUARD];
                fill(x, 3);
                x[0] = 3e38f; /* its square is not finite; it is */
                x[at] = (float)bad[at % 3];
                if (tables[t]->finite(count, x) != (at >= count))
                    fail_msg("%s: [%zu] of %zu", tables[t]->name, at, count);
            }
}

FV_TESTS(update_kernels, give_the_bits_of_the_reference, find_what_is_not_finite_wherever_it_is)
