/* SPDX-License-Identifier: Apache-2.0
 *
 * eltwise_test.c - sums and softmax: each vector table against the reference, bit by bit, at every length around the lane
 * counts. Activations: activation_test.c.
 */
#include <math.h>
#include <string.h>

#include "kernel/kernels.h"
#include "support/tables.h"
#include "support/test.h"
#include "support/values.h"

enum { MOST = 70, GUARD = 16 };

static void fill(float values[MOST + GUARD], uint64_t seed, double range)
{
    double draws[MOST + GUARD];
    test_fill(draws, MOST + GUARD, seed, -range, range);
    for (size_t i = 0; i < MOST + GUARD; i++)
        values[i] = (float)draws[i];
}

static void check_bits(const char *table, const char *what, size_t count, const float *got, const float *wanted,
                       size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (memcmp(&got[i], &wanted[i], sizeof *got) != 0 && !(isnan(got[i]) && isnan(wanted[i])))
            fail_msg("%s: %s of %zu elements: [%zu] is %.9g, the reference gives %.9g", table, what, count, i,
                     (double)got[i], (double)wanted[i]);
}

FV_TEST(eltwise, sums_give_the_bits_of_the_reference)
{
    const fvi_kernels *tables[TEST_TABLES];
    const size_t table_count = test_tables(tables);
    float a[MOST + GUARD], b[MOST + GUARD], y[MOST + GUARD];
    fill(a, 1, 2.0);
    fill(b, 2, 2.0);
    for (size_t t = 0; t < table_count; t++)
        for (size_t count = 0; count <= MOST; count++) {
            memset(y, 0x55, sizeof y);
            tables[t]->add(count, a, b, y);
            for (size_t i = 0; i < count; i++)
                assert_true(y[i] == a[i] + b[i]);
            for (size_t i = count; i < MOST + GUARD; i++)
                assert_int_equal(((unsigned char *)&y[i])[0], 0x55);
        }
}

/* Softmax. */
FV_TEST(eltwise, softmax_gives_the_bits_of_the_reference)
{
    const fvi_kernels *tables[TEST_TABLES], *reference = fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const size_t table_count = test_tables(tables);
    const double ranges[] = { 3.0, 200.0, 1e4 };
    for (size_t t = 0; t < table_count; t++)
        for (size_t range = 0; range < 3; range++)
            for (size_t count = 1; count <= MOST / 2; count++) {
                float x[MOST + GUARD], got[MOST + GUARD], wanted[MOST + GUARD];
                double got_log[2], wanted_log[2];
                fill(x, 40 + count, ranges[range]);
                memset(got, 0x55, sizeof got);
                memset(wanted, 0x55, sizeof wanted);
                reference->softmax(2, count, (ptrdiff_t)count, x, (ptrdiff_t)count, wanted, wanted_log);
                tables[t]->softmax(2, count, (ptrdiff_t)count, x, (ptrdiff_t)count, got, got_log);
                check_bits(tables[t]->name, "softmax", count, got, wanted, MOST + GUARD);
                assert_memory_equal(got_log, wanted_log, sizeof got_log);
            }
}

FV_TEST(eltwise, softmax_is_stable_at_ten_thousand)
{
    const fvi_kernels *tables[TEST_TABLES];
    const size_t table_count = test_tables(tables);
    for (size_t t = 0; t < table_count; t++) {
        const float x[3] = { 1e4f, -1e4f, 1e4f };
        float y[3];
        double log_sum = 0;
        tables[t]->softmax(1, 3, 3, x, 3, y, &log_sum);
        assert_true(y[0] == 0.5f && y[1] == 0.0f && y[2] == 0.5f);
        assert_true(fabs(log_sum - (1e4 + log(2.0))) < 1e-11); /* half an ulp of 1e4, twice */
    }
}

FV_TESTS(eltwise, sums_give_the_bits_of_the_reference, softmax_gives_the_bits_of_the_reference,
         softmax_is_stable_at_ten_thousand)
