/* SPDX-License-Identifier: Apache-2.0
 *
 * norm_test.c - the kernels of normalisation: each vector table against the float32 reference, bit by bit, for channel counts
 * around the lane counts, odd and even numbers of pixels, and strided memory; and the mask kernels against single draws.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernels.h"
#include "support/tables.h"
#include "support/test.h"
#include "support/values.h"

static const size_t channel_counts[] = { 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 131, 300 };
static const size_t pixel_counts[] = { 1, 2, 5, 8 };
enum { MOST_CHANNELS = 300, MOST_PIXELS = 8, EXTRA = 3, ROW = MOST_CHANNELS + EXTRA, FACTORS = 3 * MOST_CHANNELS };

/* Inputs, and two sets of outputs that begin alike. */
typedef struct operands {
    float x[MOST_PIXELS * ROW], dy[MOST_PIXELS * ROW], mean[FACTORS], factors[FACTORS];
    float y[2][MOST_PIXELS * ROW], sum[2][MOST_CHANNELS], products[2][MOST_CHANNELS];
} operands;

static void fill(float *values, size_t count, uint64_t seed)
{
    double *draws = test_doubles(count);
    test_fill(draws, count, seed, -2.0, 2.0);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)draws[i];
    free(draws);
}

static operands *make_operands(void)
{
    operands *o = malloc(sizeof *o);
    assert_non_null(o);
    fill(o->x, MOST_PIXELS * ROW, 1);
    fill(o->dy, MOST_PIXELS * ROW, 2);
    fill(o->mean, FACTORS, 3);
    fill(o->factors, FACTORS, 4);
    for (int i = 0; i < 2; i++) {
        fill(o->y[i], MOST_PIXELS * ROW, 5);
        fill(o->sum[i], MOST_CHANNELS, 6);
        fill(o->products[i], MOST_CHANNELS, 7);
    }
    return o;
}

static void check_same(const operands *o, const char *table, const char *kernel, size_t channels, size_t pixels)
{
    if (memcmp(o->y[0], o->y[1], sizeof o->y[0]) != 0 || memcmp(o->sum[0], o->sum[1], sizeof o->sum[0]) != 0 ||
        memcmp(o->products[0], o->products[1], sizeof o->products[0]) != 0)
        fail_msg("%s: %s of %zu channels, %zu pixels differs from the reference", table, kernel, channels, pixels);
}

static const fvi_activation relu = { .kind = FVI_RELU }, relu6 = { .kind = FVI_RELU6 },
                            elu = { .kind = FVI_ELU, .a = 0.5 }, gelu = { .kind = FVI_GELU };

static void run_channel_kernels(const fvi_kernels *k, const fvi_pixels *p, operands *o, int side, int kernel)
{
    switch (kernel) {
    case 0:
        k->channel_sum(p, o->x, o->sum[side]);
        break;
    case 1:
        k->channel_moments(p, o->x, o->mean, o->sum[side], o->products[side]);
        break;
    case 2:
        k->channel_products(p, o->x, o->dy, o->mean, o->sum[side], o->products[side]);
        break;
    case 3:
        k->channel_scale(p, o->x, o->factors, o->y[side]);
        break;
    case 4:
        k->channel_normalize(p, o->x, o->mean, o->factors, o->y[side]);
        break;
    case 5:
        k->channel_finish(p, &relu, o->x, o->y[side]);
        break;
    case 6:
        k->channel_finish(p, &relu, NULL, o->y[side]);
        break;
    case 7:
        k->channel_finish(p, &elu, o->x, o->y[side]);
        break;
    case 8:
        k->channel_finish(p, NULL, o->x, o->y[side]);
        break;
    case 9:
        k->channel_gated_products(p, &relu, o->factors, o->x, o->dy, o->mean, o->sum[side], o->products[side]);
        break;
    case 10:
        k->channel_gated_products(p, &relu6, o->factors, o->x, o->dy, o->mean, o->sum[side], o->products[side]);
        break;
    case 11:
        k->channel_gated_backward(p, &relu, o->factors, o->x, o->dy, o->mean, o->factors, o->y[side]);
        break;
    case 12:
        k->channel_gated_backward(p, &relu6, o->factors, o->x, o->dy, o->mean, o->factors, o->y[side]);
        break;
    case 13:
        k->channel_undo(p, &gelu, o->factors, o->x, o->mean, o->y[side]);
        break;
    default:
        k->channel_normalize_backward(p, o->x, o->dy, o->mean, o->factors, o->y[side]);
        break;
    }
}

FV_TEST(norm, channel_kernels_match_the_reference)
{
    static const char *const names[] = { "sum",
                                         "moments",
                                         "products",
                                         "scale",
                                         "normalize",
                                         "finish by relu of a sum",
                                         "finish by relu",
                                         "finish by elu of a sum",
                                         "finish by a sum",
                                         "gated products, relu",
                                         "gated products, relu6",
                                         "gated backward, relu",
                                         "gated backward, relu6",
                                         "undo, gelu",
                                         "normalize_backward" };
    const fvi_kernels *tables[TEST_TABLES], *reference = fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const size_t count = test_tables(tables);
    for (size_t t = 0; t < count; t++)
        for (size_t c = 0; c < sizeof channel_counts / sizeof channel_counts[0]; c++)
            for (size_t i = 0; i < sizeof pixel_counts / sizeof pixel_counts[0]; i++)
                for (int kernel = 0; kernel < 15; kernel++) {
                    const ptrdiff_t stride = (ptrdiff_t)channel_counts[c] + (i % 2 == 0 ? EXTRA : 0);
                    const fvi_pixels pixels = { pixel_counts[i], channel_counts[c], stride, stride, stride };
                    operands *o = make_operands();
                    run_channel_kernels(reference, &pixels, o, 0, kernel);
                    run_channel_kernels(tables[t], &pixels, o, 1, kernel);
                    check_same(o, tables[t]->name, names[kernel], channel_counts[c], pixel_counts[i]);
                    free(o);
                }
}

/* A sum over pixels by hand: the reference itself must be right. */
FV_TEST(norm, moments_are_sums_of_differences)
{
    const fvi_kernels *k = fvi_kernels_for(FV_F64, FVI_ISA_BASELINE, true);
    const double x[] = { 1, 10, 2, 20, 4, 40 }, shift[] = { 2, 20 };
    double sum[] = { 100, 200 }, squares[] = { 0, 0 };
    const fvi_pixels pixels = { .count = 3, .channels = 2, .x = 2 };
    k->channel_moments(&pixels, x, shift, sum, squares);
    assert_true(sum[0] == 101 && sum[1] == 210 && squares[0] == 5 && squares[1] == 500);
}

static void run_local_kernels(const fvi_kernels *k, const fvi_local_norm *norm, size_t channels, operands *o, int side,
                              int kernel)
{
    const fvi_local_window window = { 2, 3, channels, 4 * (ptrdiff_t)channels, (ptrdiff_t)channels };
    float s[MOST_CHANNELS];
    for (size_t c = 0; c < MOST_CHANNELS; c++)
        s[c] = 1 + o->mean[c] * o->mean[c];
    switch (kernel) {
    case 0:
        k->local_across(norm, channels, o->x, o->y[side]);
        break;
    case 1:
        k->local_across_backward(norm, channels, o->x, o->dy, o->y[side]);
        break;
    case 2:
        k->local_within(norm, &window, o->x, o->x + channels, o->y[side], o->sum[side]);
        break;
    case 3:
        k->local_terms(norm, channels, o->x, o->dy, s, o->y[side]);
        break;
    default:
        k->local_within_backward(norm, &window, o->x, o->x + channels, o->dy, s, o->y[side]);
        break;
    }
}

FV_TEST(norm, local_kernels_match_the_reference)
{
    static const char *const names[] = { "across", "across_backward", "within", "terms", "within_backward" };
    static const size_t halves[] = { 0, 1, 2, 7, FVI_LOCAL_HALF };
    const fvi_kernels *tables[TEST_TABLES], *reference = fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const size_t count = test_tables(tables);
    for (size_t t = 0; t < count; t++)
        for (size_t c = 0; c < sizeof channel_counts / sizeof channel_counts[0]; c++)
            for (size_t h = 0; h < sizeof halves / sizeof halves[0]; h++)
                for (int kernel = 0; kernel < 5; kernel++) {
                    const fvi_local_norm norm = { halves[h], 0.5, 0.75, 1 };
                    operands *o = make_operands();
                    run_local_kernels(reference, &norm, channel_counts[c], o, 0, kernel);
                    run_local_kernels(tables[t], &norm, channel_counts[c], o, 1, kernel);
                    check_same(o, tables[t]->name, names[kernel], channel_counts[c], halves[h]);
                    free(o);
                }
}

FV_TEST(norm, mask_kernels_match_the_reference)
{
    const fvi_kernels *tables[TEST_TABLES], *reference = fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const size_t count = test_tables(tables);
    const fvi_random random = fvi_random_start(3, FVI_PURPOSE_DROPOUT, UINT64_C(0x123456789ABC));
    const uint64_t positions[] = {
        0, 1, 2, 3, 250, UINT64_C(0x3FFFFFFFF), UINT64_C(0x3FFFFFFF0)
    }; /* blocks beyond 2^32 */
    for (size_t t = 0; t < count; t++)
        for (size_t c = 0; c < sizeof channel_counts / sizeof channel_counts[0]; c++)
            for (size_t p = 0; p < sizeof positions / sizeof positions[0]; p++) {
                const size_t channels = channel_counts[c];
                operands *o = make_operands();
                reference->dropout(channels, &random, positions[p], UINT32_C(3) << 30, 1.7, o->x, o->y[0]);
                tables[t]->dropout(channels, &random, positions[p], UINT32_C(3) << 30, 1.7, o->x, o->y[1]);
                check_same(o, tables[t]->name, "dropout", channels, 1);
                reference->dropout_channels(5, channels, &random, 12345, 1.7, ROW, o->x, ROW, o->y[0]);
                tables[t]->dropout_channels(5, channels, &random, 12345, 1.7, ROW, o->x, ROW, o->y[1]);
                check_same(o, tables[t]->name, "dropout_channels", channels, 5);
                free(o);
            }
}

FV_TEST(norm, masks_are_single_draws)
{
    const uint32_t drop = UINT32_C(1) << 30; /* a quarter */
    const fvi_random random = fvi_random_start(3, FVI_PURPOSE_DROPOUT, 11);
    const fvi_kernels *k = fvi_kernels_for(FV_F64, FVI_ISA_BASELINE, true);
    for (uint64_t position = 0; position < 9; position++) {
        double x[601], y[601];
        fvi_random draws = random;
        draws.position = position;
        test_fill(x, 601, 1, 1, 2);
        k->dropout(601, &random, position, drop, 3, x, y);
        for (size_t i = 0; i < 601; i++)
            assert_true(y[i] == (fvi_random_u32(&draws) < drop ? 0 : 3 * x[i]));
    }
}

FV_TESTS(norm, channel_kernels_match_the_reference, moments_are_sums_of_differences, local_kernels_match_the_reference,
         mask_kernels_match_the_reference, masks_are_single_draws)
