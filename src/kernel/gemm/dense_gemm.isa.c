/* SPDX-License-Identifier: Apache-2.0
 *
 * dense_gemm.isa.c - tiles of 3 images x 4 rows of weights, and of 4 rows x 3 vectors: twelve accumulators in registers either
 * way, which hide the latency of an FMA on two units.
 */
#include "kernel/gemm/dense_gemm.h"

#include "base/simd.h"

#define LANES FVI_ISA_LANES
#define ROWS FVI_DENSE_ROWS
#define VECTORS FVI_DENSE_VECTORS

/* Rows beyond the last read the last again, so that one kernel serves every number of rows. */
FVI_INLINE void sums(const fvi_dense_sums *a, const int points)
{
    fvi_vf acc[FVI_DENSE_POINTS * ROWS] = { { 0 } };
    const float *row[ROWS], *point[FVI_DENSE_POINTS];
    for (int r = 0; r < ROWS; r++)
        row[r] = a->w + (r < a->rows ? r : a->rows - 1) * a->w_row;
    for (int p = 0; p < points; p++)
        point[p] = a->x + p * a->x_point;
    const size_t whole = a->count / LANES * LANES;
    for (size_t q = 0; q < whole; q += LANES) {
        fvi_vf x[FVI_DENSE_POINTS];
#pragma GCC unroll 3
        for (int p = 0; p < points; p++)
            x[p] = fvi_vf_load(point[p] + q);
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) {
            const fvi_vf w = fvi_vf_load(row[r] + q);
#pragma GCC unroll 3
            for (int p = 0; p < points; p++)
                acc[r * points + p] = fvi_vf_fma(x[p], w, acc[r * points + p]);
        }
    }
    for (int r = 0; r < a->rows; r++)
        for (int p = 0; p < points; p++) {
            float sum = fvi_vf_sum(acc[r * points + p]);
            for (size_t q = whole; q < a->count; q++)
                sum += point[p][q] * row[r][q];
            a->sum[p * a->sum_point + r] += sum;
        }
}

static void sums_1(const fvi_dense_sums *arguments)
{
    sums(arguments, 1);
}

static void sums_2(const fvi_dense_sums *arguments)
{
    sums(arguments, 2);
}

static void sums_3(const fvi_dense_sums *arguments)
{
    sums(arguments, 3);
}

FVI_INLINE void multiply(const fvi_dense_product *a, fvi_vf *acc)
{
    const float *left = a->a, *right = a->b;
    for (size_t q = 0; q < a->count; q++) {
        fvi_vf b[VECTORS];
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; v++)
            b[v] = fvi_vf_load(right + v * LANES);
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) {
            const fvi_vf x = fvi_vf_splat(left[r]);
#pragma GCC unroll 3
            for (int v = 0; v < VECTORS; v++)
                acc[r * VECTORS + v] = fvi_vf_fma(x, b[v], acc[r * VECTORS + v]);
        }
        left += ROWS;
        right += VECTORS * LANES;
    }
}

/* A whole tile: y is read and written by vectors. */
static void product_whole(const fvi_dense_product *a)
{
    fvi_vf acc[ROWS * VECTORS] = { { 0 } };
    if (a->add) {
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 3
            for (int v = 0; v < VECTORS; v++)
                acc[r * VECTORS + v] = fvi_vf_load(a->y + r * a->y_row + v * LANES);
    }
    multiply(a, acc);
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; v++)
            fvi_vf_store(a->y + r * a->y_row + v * LANES, acc[r * VECTORS + v]);
}

static void product(const fvi_dense_product *a)
{
    if (a->rows == ROWS && a->columns == VECTORS * LANES) {
        product_whole(a);
        return;
    }
    float tile[ROWS * VECTORS * LANES] __attribute__((aligned(64))) = { 0 };
    const size_t bytes = (size_t)a->columns * sizeof(float);
    fvi_dense_product inner = *a;
    inner.y = tile;
    inner.y_row = VECTORS * LANES;
    for (int r = 0; a->add && r < a->rows; r++)
        memcpy(tile + r * VECTORS * LANES, a->y + r * a->y_row, bytes);
    product_whole(&inner);
    for (int r = 0; r < a->rows; r++)
        memcpy(a->y + r * a->y_row, tile + r * VECTORS * LANES, bytes);
}

static void spread(const fvi_dense_spread *a)
{
    const ptrdiff_t width = VECTORS * LANES, panel = a->rows * width;
    const int32_t whole = a->last == width ? a->panels : a->panels - 1;
    for (int32_t q = 0; q < a->rows; q++) {
        const float *from = a->from + q * a->from_row;
        float *to = a->to + q * width;
        for (int32_t p = 0; p < whole; p++, from += width, to += panel)
#pragma GCC unroll 3
            for (int v = 0; v < VECTORS; v++)
                fvi_vf_store(to + v * LANES, fvi_vf_load(from + v * LANES));
        if (whole == a->panels)
            continue;
        memcpy(to, from, (size_t)a->last * sizeof(float));
        memset(to + a->last, 0, (size_t)(width - a->last) * sizeof(float));
    }
}

#define TEXT(x) #x
#define TEXT_EXPANDED(x) TEXT(x)

const fvi_dense_gemm FVI_ISA_NAME(fvi_dense_gemm) = {
    .name = TEXT_EXPANDED(FVI_ISA_SUFFIX),
    .lanes = LANES,
    .sums = { sums_1, sums_2, sums_3 },
    .product = product,
    .spread = spread,
};
