/* SPDX-License-Identifier: Apache-2.0
 *
 * pool_test.c - pooling kernels: each vector table against the reference, bit by bit, for channel counts around the lane
 * counts, dense and strided, disjoint and overlapping windows; ties, NaN, and where a gradient goes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernels.h"
#include "support/tables.h"
#include "support/test.h"
#include "support/values.h"

typedef struct geometry {
    const char *name;
    int32_t h, w, kernel[2], stride[2], pad[4], oh, ow;
    bool count_padding, wide_index;
} geometry;

static const geometry geometries[] = {
    { "2x2/2 tiling", 6, 4, { 2, 2 }, { 2, 2 }, { 0 }, 3, 2, false, false },
    { "2x2/2, a row and a column left over", 5, 7, { 2, 2 }, { 2, 2 }, { 0 }, 2, 3, false, false },
    { "2x2/2, rounded up", 5, 7, { 2, 2 }, { 2, 2 }, { 0 }, 3, 4, true, false },
    { "3x3/2 overlapping, padded", 7, 5, { 3, 3 }, { 2, 2 }, { 1, 1, 1, 1 }, 4, 3, false, false },
    { "3x3/2 overlapping, padded cells counted", 7, 5, { 3, 3 }, { 2, 2 }, { 1, 1, 1, 1 }, 4, 3, true, false },
    { "2x3/3x4 with gaps", 8, 11, { 2, 3 }, { 3, 4 }, { 0 }, 3, 3, false, false },
    { "3x3/3 tiling, padded", 5, 8, { 3, 3 }, { 3, 3 }, { 1, 1, 0, 0 }, 2, 3, false, false },
    { "1x3/2 along a line, padded", 3, 45, { 1, 3 }, { 1, 2 }, { 0, 1, 0, 1 }, 3, 23, false, false },
    { "1x3/1 along a line, padded cells counted", 2, 41, { 1, 3 }, { 1, 1 }, { 0, 1, 0, 1 }, 2, 41, true, false },
    { "1x4/5 along a line, with gaps", 2, 49, { 1, 4 }, { 1, 5 }, { 0 }, 2, 10, false, false },
    { "1x4/3 along a line, rounded up, rows left out", 5, 20, { 1, 4 }, { 2, 3 }, { 0, 2, 0, 1 }, 3, 7, true, false },
    { "1x7/7 one window", 1, 5, { 1, 7 }, { 1, 7 }, { 0, 1, 0, 1 }, 1, 1, false, false },
    { "1x1/1", 3, 3, { 1, 1 }, { 1, 1 }, { 0 }, 3, 3, false, false },
    { "global 17x16", 17, 16, { 17, 16 }, { 17, 16 }, { 0 }, 1, 1, false, true },
};
static const int32_t channel_counts[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 20, 24, 31, 33 };

typedef struct pool_memory {
    fvi_pool_shape shape;
    size_t x_count, y_count, index_count;
    float *x, *dy, *y, *dx; /* y, dx: filled with 0x55 */
    unsigned char *index;
} pool_memory;

static float *floats(size_t count, uint64_t seed)
{
    float *values = malloc(count * sizeof *values);
    double *draws = test_doubles(count);
    assert_non_null(values);
    test_fill(draws, count, seed, -1.0, 1.0);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(round(draws[i] * 8) / 8); /* coarse: many ties */
    free(draws);
    return values;
}

/* extra: channels of neighbours in each pixel. */
static pool_memory make_memory(const geometry *g, int32_t channels, int32_t extra)
{
    const int32_t pixel = channels + extra;
    pool_memory m = { .shape = { .h = g->h,
                                 .w = g->w,
                                 .c = channels,
                                 .oh = g->oh,
                                 .ow = g->ow,
                                 .kernel = { g->kernel[0], g->kernel[1] },
                                 .stride = { g->stride[0], g->stride[1] },
                                 .pad = { g->pad[0], g->pad[1], g->pad[2], g->pad[3] },
                                 .count_padding = g->count_padding,
                                 .wide_index = g->wide_index,
                                 .x_row = (ptrdiff_t)pixel * g->w,
                                 .x_pixel = pixel,
                                 .y_row = (ptrdiff_t)pixel * g->ow,
                                 .y_pixel = pixel } };
    /* To the last element of the last pixel and not further, so that a sanitizer sees an overrun. */
    m.x_count = (size_t)(g->h * g->w * pixel - extra);
    m.y_count = (size_t)(g->oh * g->ow * pixel - extra);
    m.index_count = (size_t)(g->oh * g->ow * channels) * (g->wide_index ? 2 : 1);
    m.x = floats(m.x_count, 1);
    m.dy = floats(m.y_count, 2);
    m.y = malloc(m.y_count * sizeof *m.y);
    m.dx = malloc(m.x_count * sizeof *m.dx);
    m.index = malloc(m.index_count);
    assert_true(m.y && m.dx && m.index);
    memset(m.y, 0x55, m.y_count * sizeof *m.y);
    memset(m.dx, 0x55, m.x_count * sizeof *m.dx);
    memset(m.index, 0x55, m.index_count);
    return m;
}

static void free_memory(pool_memory *m)
{
    free(m->x);
    free(m->dy);
    free(m->y);
    free(m->dx);
    free(m->index);
}

static void run_max(const fvi_kernels *kernels, pool_memory *m)
{
    const size_t row = m->index_count / (size_t)m->shape.oh;
    for (int32_t oy = 0; oy < m->shape.oh; oy++)
        kernels->max_pool_row(&m->shape, oy, m->x, m->y, m->index + (size_t)oy * row);
    kernels->max_pool_backward(&m->shape, m->dy, m->index, m->dx);
}

static void run_average(const fvi_kernels *kernels, pool_memory *m)
{
    for (int32_t oy = 0; oy < m->shape.oh; oy++)
        kernels->average_pool_row(&m->shape, oy, m->x, m->y);
    kernels->average_pool_backward(&m->shape, m->dy, m->dx);
}

static void check(const char *table, const geometry *g, const pool_memory *got, const pool_memory *wanted,
                  const char *what)
{
    for (size_t i = 0; i < got->y_count; i++)
        if (memcmp(&got->y[i], &wanted->y[i], sizeof *got->y) != 0)
            fail_msg("%s: %s %s, %d channels: y[%zu] is %g, the reference gives %g", table, what, g->name, got->shape.c,
                     i, (double)got->y[i], (double)wanted->y[i]);
    for (size_t i = 0; i < got->index_count; i++)
        if (got->index[i] != wanted->index[i])
            fail_msg("%s: %s %s, %d channels: index byte %zu is %d, the reference gives %d", table, what, g->name,
                     got->shape.c, i, got->index[i], wanted->index[i]);
    for (size_t i = 0; i < got->x_count; i++)
        if (memcmp(&got->dx[i], &wanted->dx[i], sizeof *got->dx) != 0)
            fail_msg("%s: %s %s, %d channels: dx[%zu] is %g, the reference gives %g", table, what, g->name,
                     got->shape.c, i, (double)got->dx[i], (double)wanted->dx[i]);
}

static void compare(const fvi_kernels *table, const geometry *g, int32_t channels, int32_t extra, bool max,
                    bool with_nan)
{
    const fvi_kernels *reference = fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    pool_memory got = make_memory(g, channels, extra), wanted = make_memory(g, channels, extra);
    for (size_t i = 0; with_nan && i < got.x_count; i += 5)
        got.x[i] = wanted.x[i] = NAN;
    if (max) {
        run_max(table, &got);
        run_max(reference, &wanted);
    } else {
        run_average(table, &got);
        run_average(reference, &wanted);
    }
    check(table->name, g, &got, &wanted, max ? (with_nan ? "max pooling with NaN" : "max pooling") : "average pooling");
    free_memory(&got);
    free_memory(&wanted);
}

FV_TEST(pool, every_table_gives_the_bits_of_the_reference)
{
    const fvi_kernels *tables[TEST_TABLES];
    const size_t table_count = test_tables(tables);
    assert_true(table_count >= 1);
    for (size_t t = 0; t < table_count; t++)
        for (size_t i = 0; i < sizeof geometries / sizeof geometries[0]; i++)
            for (size_t c = 0; c < sizeof channel_counts / sizeof channel_counts[0]; c++)
                for (int32_t extra = 0; extra <= 3; extra += 3) {
                    compare(tables[t], &geometries[i], channel_counts[c], extra, true, false);
                    compare(tables[t], &geometries[i], channel_counts[c], extra, true, true);
                    compare(tables[t], &geometries[i], channel_counts[c], extra, false, false);
                }
}

/* One 4x4 channel through a 2x2 pooling of stride 2. */
static const fvi_pool_shape textbook = { .h = 4,
                                         .w = 4,
                                         .c = 1,
                                         .oh = 2,
                                         .ow = 2,
                                         .kernel = { 2, 2 },
                                         .stride = { 2, 2 },
                                         .x_row = 4,
                                         .x_pixel = 1,
                                         .y_row = 2,
                                         .y_pixel = 1 };

static void check_values(const float *got, const float *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (got[i] != wanted[i])
            fail_msg("[%zu] is %g, not %g", i, (double)got[i], (double)wanted[i]);
}

FV_TEST(pool, a_maximum_gets_the_gradient_the_first_one_on_ties)
{
    const fvi_kernels *tables[TEST_TABLES];
    const size_t table_count = test_tables(tables);
    const float x[16] = { 1, 3, 2, 2, /**/ 4, 2, 2, 2, /**/ 0, 0, -5, -1, /**/ 0, 7, -1, -2 },
                dy[4] = { 10, 20, 30, 40 };
    const float maxima[4] = { 4, 2, 7, -1 };
    const float routed[16] = { 0, 0, 20, 0, /**/ 10, 0, 0, 0, /**/ 0, 0, 0, 40, /**/ 0, 30, 0, 0 };
    for (size_t t = 0; t < table_count; t++) {
        float y[4], dx[16];
        uint8_t index[4];
        for (int32_t oy = 0; oy < 2; oy++)
            tables[t]->max_pool_row(&textbook, oy, x, y, index + 2 * oy);
        check_values(y, maxima, 4);
        tables[t]->max_pool_backward(&textbook, dy, index, dx);
        check_values(dx, routed, 16);
    }
}

FV_TEST(pool, an_average_spreads_the_gradient_equally)
{
    const fvi_kernels *tables[TEST_TABLES];
    const size_t table_count = test_tables(tables);
    const float x[16] = { 1, 3, 2, 2, /**/ 4, 2, 2, 2, /**/ 0, 0, -5, -1, /**/ 0, 8, -1, -1 },
                dy[4] = { 8, 20, 4, -12 };
    const float means[4] = { 2.5f, 2, 2, -2 };
    const float spread[16] = { 2, 2, 5, 5, /**/ 2, 2, 5, 5, /**/ 1, 1, -3, -3, /**/ 1, 1, -3, -3 };
    for (size_t t = 0; t < table_count; t++) {
        float y[4], dx[16];
        for (int32_t oy = 0; oy < 2; oy++)
            tables[t]->average_pool_row(&textbook, oy, x, y);
        check_values(y, means, 4);
        tables[t]->average_pool_backward(&textbook, dy, dx);
        check_values(dx, spread, 16);
    }
}

FV_TEST(pool, a_nan_wins)
{
    const fvi_kernels *tables[TEST_TABLES];
    const size_t table_count = test_tables(tables);
    const float x[16] = { 1, NAN, 2, 2, /**/ NAN, 2, 2, 2, /**/ NAN, 0, -5, -1, /**/ 0, 7, -1, NAN };
    const uint8_t taps[4] = { 1, 0, 0, 3 };
    for (size_t t = 0; t < table_count; t++) {
        float y[4];
        uint8_t index[4];
        for (int32_t oy = 0; oy < 2; oy++)
            tables[t]->max_pool_row(&textbook, oy, x, y, index + 2 * oy);
        assert_true(isnan(y[0]) && y[1] == 2 && isnan(y[2]) && isnan(y[3]));
        assert_memory_equal(index, taps, sizeof taps);
    }
}

FV_TESTS(pool, every_table_gives_the_bits_of_the_reference, a_maximum_gets_the_gradient_the_first_one_on_ties,
         an_average_spreads_the_gradient_equally, a_nan_wins)
