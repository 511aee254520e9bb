/* SPDX-License-Identifier: Apache-2.0
 *
 * combine_test.c - differences, quotients, products and weighted sums: each vector table against the reference, bit by bit, at every length around
 * the lane counts and with nothing written behind the end; and the reference against its formula.
 */
#include <math.h>
#include <string.h>

#include "kernel/kernels.h"
#include "support/tables.h"
#include "support/test.h"
#include "support/values.h"

enum { MOST = 40, GUARD = 16, SIZE = MOST + GUARD };

static const double weights[4] = { 0.3, 0.1, 0.45, 0.15 };

static void fill(float values[SIZE], uint64_t seed)
{
    double draws[SIZE];
    test_fill(draws, SIZE, seed, -3.0, 3.0);
    for (size_t i = 0; i < SIZE; i++)
        values[i] = (float)draws[i];
    values[5] = NAN;
    values[6] = INFINITY;
    values[7] = -0.0f;
}

typedef struct results {
    float difference[SIZE], quotient[SIZE], product[SIZE], product_sum[SIZE], scaled_sum[SIZE], blend[SIZE];
} results;

static void run(const fvi_kernels *kernels, size_t count, results *y)
{
    float x[4][SIZE];
    for (uint64_t i = 0; i < 4; i++)
        fill(x[i], 10 + i);
    fill(y->difference, 18);
    fill(y->quotient, 19);
    fill(y->product, 20);
    fill(y->product_sum, 21);
    fill(y->scaled_sum, 22);
    fill(y->blend, 23);
    kernels->subtract(count, x[0], x[1], y->difference);
    kernels->divide(count, x[0], x[1], y->quotient);
    kernels->multiply(count, x[0], x[1], y->product);
    kernels->multiply_add(count, x[0], x[1], y->product_sum);
    kernels->scale_add(count, 0.7, x[2], y->scaled_sum);
    kernels->blend(count, weights, (const void *const[]){ x[0], x[1], x[2], x[3] }, y->blend);
}

FV_TEST(combine, every_table_gives_the_bits_of_the_reference)
{
    const fvi_kernels *tables[TEST_TABLES], *reference = fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const size_t table_count = test_tables(tables);
    assert_true(table_count >= 1);
    for (size_t t = 0; t < table_count; t++)
        for (size_t count = 0; count <= MOST; count++) {
            results got, wanted;
            const float *a = (const float *)(const void *)&got, *b = (const float *)(const void *)&wanted;
            run(reference, count, &wanted);
            run(tables[t], count, &got);
            for (size_t i = 0; i < sizeof got / sizeof *a; i++)
                if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i])))
                    fail_msg("%s: %zu elements: result %zu [%zu] is %.9g, the reference gives %.9g", tables[t]->name,
                             count, i / SIZE, i % SIZE, (double)a[i], (double)b[i]);
        }
}

FV_TEST(combine, the_reference_is_the_formula)
{
    const fvi_kernels *reference = fvi_kernels_for(FV_F64, FVI_ISA_BASELINE, true);
    const double a[2] = { 3, -4 }, b[2] = { 5, 0.5 }, c[2] = { 7, 2 }, d[2] = { -1, 8 };
    const double eighths[4] = { 0.125, 0.25, 0.5, 2 };
    double y[2] = { 100, 200 };
    reference->multiply_add(2, a, b, y);
    assert_true(y[0] == 115 && y[1] == 198);
    reference->scale_add(2, -0.5, c, y);
    assert_true(y[0] == 111.5 && y[1] == 197);
    reference->multiply(2, a, b, y);
    assert_true(y[0] == 15 && y[1] == -2);
    reference->blend(2, eighths, (const void *const[]){ a, b, c, d }, y);
    assert_true(y[0] == 0.375 + 1.25 + 3.5 - 2 && y[1] == -0.5 + 0.125 + 1 + 16);
}

FV_TESTS(combine, every_table_gives_the_bits_of_the_reference, the_reference_is_the_formula)
