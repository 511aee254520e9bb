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

/* What a kernel may write: slots, weights and a direction, with what lies behind them. */
typedef struct buffers {
    float slot[FVI_UPDATE_SLOTS][MOST + GUARD], w[MOST + GUARD], d[MOST + GUARD];
} buffers;

static void start(buffers *s, void *slots[FVI_UPDATE_SLOTS], uint64_t seed)
{
    for (uint64_t i = 0; i < FVI_UPDATE_SLOTS; i++) {
        fill(s->slot[i], seed + 10 * i);
        for (size_t j = 0; j < MOST + GUARD; j++)
            s->slot[i][j] = fabsf(s->slot[i][j]); /* means of squares are not below 0 */
        slots[i] = s->slot[i];
    }
    fill(s->w, seed + 100);
    fill(s->d, seed + 200);
    s->w[0] = 0; /* without a sign for l1 */
}

typedef void one_kernel(const fvi_update_kernels *kernels, size_t index, size_t count, const float *g, buffers *s,
                        void *const *slots);

static const fvi_update_numbers numbers = { .outer = 0.037,
                                            .inner = 0.7,
                                            .momentum = 0.9,
                                            .decay = 5e-4,
                                            .keep = 0.99,
                                            .beta1 = 0.9,
                                            .beta2 = 0.95,
                                            .rest1 = 0.1,
                                            .rest2 = 0.05,
                                            .correct1 = 1.7,
                                            .correct2 = 2.3,
                                            .inside = 1e-3,
                                            .outside = 1e-4 };

static void one_update(const fvi_update_kernels *kernels, size_t index, size_t count, const float *g, buffers *s,
                       void *const *slots)
{
    kernels->update[index](count, &numbers, g, slots, s->w);
}

static void one_direction(const fvi_update_kernels *kernels, size_t index, size_t count, const float *g, buffers *s,
                          void *const *slots)
{
    kernels->direction[index](count, &numbers, g, slots, s->w, s->d);
}

static void one_other(const fvi_update_kernels *kernels, size_t index, size_t count, const float *g, buffers *s,
                      void *const *slots)
{
    (void)slots;
    if (index == 0)
        kernels->average(count, 0.1, g, s->w);
    else if (index == 1)
        kernels->meet(count, 0.3, s->slot[0], s->w);
    else if (index == 2)
        kernels->prepare(count, &(fvi_prepare_numbers){ .scale = 0.8, .limit = 0.9, .l1 = 0.01 }, g, s->w, s->d);
    else
        s->d[MOST] = (float)kernels->squares(count, g) + (float)(kernels->squares(count, g) * 0x1p24);
}

static void expect_bits(const char *what, one_kernel *kernel, size_t kinds)
{
    const fvi_update_kernels *tables[TABLES], *reference = fvi_update_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const size_t table_count = tables_here(tables);
    for (size_t t = 0; t < table_count; t++)
        for (size_t k = 0; k < kinds; k++)
            for (size_t count = 0; count <= MOST; count++) {
                float g[MOST + GUARD];
                static buffers expected, got;
                void *slots[2][FVI_UPDATE_SLOTS];
                fill(g, 1 + count);
                start(&expected, slots[0], count);
                start(&got, slots[1], count);
                kernel(reference, k, count, g, &expected, slots[0]);
                kernel(tables[t], k, count, g, &got, slots[1]);
                if (memcmp(&expected, &got, sizeof got) != 0)
                    fail_msg("%s: %s %zu of %zu elements differs", tables[t]->name, what, k, count);
            }
}

FV_TEST(update_kernels, give_the_bits_of_the_reference)
{
    expect_bits("update", one_update, FVI_UPDATES);
    expect_bits("direction", one_direction, FVI_DIRECTIONS);
    expect_bits("another kernel", one_other, 4);
}

/* Against sums in double: `inner` products of numbers up to 2 and as many sums err by at most inner * eps of the sum of absolute values;
 * and every table gives the same bits. */
FV_TEST(update_kernels, products_are_those_of_matrices)
{
    enum { ROWS = 6, INNER = 9 };
    const fvi_update_kernels *tables[TABLES], *reference = fvi_update_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const size_t table_count = tables_here(tables);
    for (size_t columns = 1; columns <= 40; columns++) {
        double draws[ROWS * INNER + (INNER + ROWS) * 40];
        float all[ROWS * INNER + (INNER + ROWS) * 40], expected[ROWS * 40], got[ROWS * 40 + 1];
        const size_t count = ROWS * INNER + (INNER + ROWS) * columns;
        test_fill(draws, count, columns, -2, 2);
        for (size_t i = 0; i < count; i++)
            all[i] = (float)draws[i];
        fvi_product product = { .inner = INNER,
                                .columns = columns,
                                .alpha = 0.7,
                                .beta = -1.3,
                                .a = all,
                                .b = all + ROWS * INNER,
                                .c = all + ROWS * INNER + INNER * columns,
                                .out = expected };
        reference->product(&product, 0, ROWS);
        for (size_t i = 0; i < ROWS; i++)
            for (size_t j = 0; j < columns; j++) {
                double sum = 0;
                for (size_t k = 0; k < INNER; k++)
                    sum += (double)all[i * INNER + k] * (double)all[ROWS * INNER + k * columns + j];
                const double want = 0.7 * sum - 1.3 * (double)all[ROWS * INNER + INNER * columns + i * columns + j];
                assert_true(fabs((double)expected[i * columns + j] - want) <= (INNER + 3) * 6e-8 * (INNER + 1) * 4);
            }
        product.out = got;
        for (size_t t = 0; t < table_count; t++) {
            got[ROWS * columns] = 7;
            tables[t]->product(&product, 0, 3);
            tables[t]->product(&product, 3, ROWS);
            assert_memory_equal(got, expected, ROWS * columns * sizeof(float));
            assert_true(got[ROWS * columns] == 7);
        }
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

FV_TESTS(update_kernels, give_the_bits_of_the_reference, products_are_those_of_matrices,
         find_what_is_not_finite_wherever_it_is)
