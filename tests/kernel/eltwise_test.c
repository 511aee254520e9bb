/* SPDX-License-Identifier: Apache-2.0
 *
 * eltwise_test.c - activations, sums and softmax: each vector table against the reference, bit by bit, at every length
 * around the lane counts and at every special value; and the reference against its formula.
 */
#include <math.h>
#include <string.h>

#include "kernel/kernels.h"
#include "support/tables.h"
#include "support/test.h"
#include "support/values.h"

enum { MOST = 70, GUARD = 16, SPECIALS = 24 };

static const float special[SPECIALS] = { 0.0f,   -0.0f,   1.0f,  -1.0f,   0x1p-149f, -0x1p-149f, 0x1p-126f, -0x1p-126f,
                                         88.5f,  -88.5f,  89.5f, -103.5f, 1e4f,      -1e4f,      0.625f,    -0.625f,
                                         0.624f, -0.624f, 20.0f, -20.0f,  INFINITY,  -INFINITY,  3.4e38f,   -3.4e38f };
static const double numbers[FVI_ACTIVATIONS][2] = {
    [FVI_LEAKY_RELU] = { 0.01, 0 }, [FVI_ELU] = { 1.5, 0 }, [FVI_SCALED_TANH] = { 1.7159, 2.0 / 3.0 }
};

static void fill(float values[MOST + GUARD], uint64_t seed, double range)
{
    double draws[MOST + GUARD];
    test_fill(draws, MOST + GUARD, seed, -range, range);
    for (size_t i = 0; i < MOST + GUARD; i++)
        values[i] = (float)draws[i];
}

static void check_bits(const char *table, const char *what, int kind, size_t count, const float *got,
                       const float *wanted, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (memcmp(&got[i], &wanted[i], sizeof *got) != 0 && !(isnan(got[i]) && isnan(wanted[i])))
            fail_msg("%s: %s %d of %zu elements: [%zu] is %.9g, the reference gives %.9g", table, what, kind, count, i,
                     (double)got[i], (double)wanted[i]);
}

static void check_activation(const fvi_kernels *fast, const fvi_kernels *reference, int kind, size_t count,
                             const float *x)
{
    float y[MOST + GUARD], dy[MOST + GUARD], got[MOST + GUARD], wanted[MOST + GUARD];
    const double a = numbers[kind][0], b = numbers[kind][1];
    fill(dy, 5, 2.0);
    memset(got, 0x55, sizeof got);
    memset(wanted, 0x55, sizeof wanted);
    reference->activation[kind](count, a, b, x, wanted);
    fast->activation[kind](count, a, b, x, got);
    check_bits(fast->name, "activation", kind, count, got, wanted, MOST + GUARD);
    memcpy(y, wanted, sizeof y);
    memset(got, 0x55, sizeof got);
    memset(wanted, 0x55, sizeof wanted);
    reference->activation_backward[kind](count, a, b, y, dy, wanted);
    fast->activation_backward[kind](count, a, b, y, dy, got);
    check_bits(fast->name, "backward of activation", kind, count, got, wanted, MOST + GUARD);
}

FV_TEST(eltwise, every_table_gives_the_bits_of_the_reference)
{
    const fvi_kernels *tables[TEST_TABLES], *reference = fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const size_t table_count = test_tables(tables);
    float x[MOST + GUARD], exotic[MOST + GUARD];
    assert_true(table_count >= 1);
    fill(x, 3, 6.0);
    fill(exotic, 4, 100.0);
    memcpy(exotic, special, sizeof special);
    exotic[SPECIALS] = NAN;
    for (size_t t = 0; t < table_count; t++)
        for (int kind = 0; kind < FVI_ACTIVATIONS; kind++)
            for (size_t count = 0; count <= MOST; count++) {
                check_activation(tables[t], reference, kind, count, x);
                check_activation(tables[t], reference, kind, count, exotic);
            }
}

FV_TEST(eltwise, a_nan_passes_through_every_activation)
{
    const fvi_kernels *tables[TEST_TABLES];
    const size_t table_count = test_tables(tables);
    for (size_t t = 0; t < table_count; t++)
        for (int kind = 0; kind < FVI_ACTIVATIONS; kind++) {
            float x[33], y[33];
            for (size_t i = 0; i < 33; i++)
                x[i] = NAN;
            tables[t]->activation[kind](33, 1.5, 0.5, x, y);
            for (size_t i = 0; i < 33; i++)
                assert_true(isnan(y[i]));
        }
}

FV_TEST(eltwise, activations_match_their_formulas)
{
    const fvi_kernels *kernels = fvi_kernels_for(FV_F64, FVI_ISA_BASELINE, true);
    double y[6];
    const double x[] = { -3.0, -0.5, 0.0, 0.25, 1.0, 4.0 };
    for (size_t i = 0; i < 6; i++) {
        const double wanted[FVI_ACTIVATIONS] = {
            fmax(x[i], 0), x[i] > 0 ? x[i] : 0.1 * x[i],   x[i] > 0 ? x[i] : 2 * expm1(x[i]), 1 / (1 + exp(-x[i])),
            tanh(x[i]),    1.7159 * tanh(2.0 / 3.0 * x[i])
        };
        const double a[FVI_ACTIVATIONS] = { 0, 0.1, 2, 0, 0, 1.7159 };
        for (int kind = 0; kind < FVI_ACTIVATIONS; kind++) {
            kernels->activation[kind](1, a[kind], 2.0 / 3.0, &x[i], &y[0]);
            assert_true(fabs(y[0] - wanted[kind]) <= 4 * 2.3e-16 * fmax(1.0, fabs(wanted[kind]))); /* a few roundings */
        }
    }
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
                check_bits(tables[t]->name, "softmax", 0, count, got, wanted, MOST + GUARD);
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

FV_TESTS(eltwise, every_table_gives_the_bits_of_the_reference, a_nan_passes_through_every_activation,
         activations_match_their_formulas, sums_give_the_bits_of_the_reference, softmax_gives_the_bits_of_the_reference,
         softmax_is_stable_at_ten_thousand)
