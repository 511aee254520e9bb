/* SPDX-License-Identifier: Apache-2.0
 *
 * winograd.isa.c - the transforms of minimal filtering, one dimension after the other, on vectors whose lanes are channels.
 * One text for all forms: `out` and `taps` are constants where a form is instantiated at the end, and so are the points.
 * These come in pairs p, -p: their rows share an even and an odd part, so that a row costs about two FMAs.
 * Between the two dimensions up to 64 vectors lie in an array on the stack, since no instruction set has registers for them.
 */
#include "kernel/winograd/winograd.h"
#include "base/parts.h"
#include "base/simd.h"

#define LANES FVI_ISA_LANES
#define WINDOW_MAX 8
#define TAPS_MAX 5
#define OUT_MAX 4
#define PAIRS_MAX 3

/* The pairs of points of a window of 2*pairs + 2; all that is computed from them but the scales of G is exact. */
FVI_INLINE float point(const int pairs, const int q)
{
    if (pairs == 2)
        return q == 0 ? 0.625f : 1.5f;
    return q == 0 ? 0.5f : q == 1 ? 1.0f : 2.0f;
}

FVI_INLINE float power(const float p, const int exponent)
{
    return exponent == 0 ? 1.0f : exponent == 1 ? p : exponent == 2 ? p * p : exponent == 3 ? p * p * p : p * p * p * p;
}

/* 1 / product of the differences of a point to the others: the rows of G of pair q, or (q < 0) of the point 0. */
FVI_INLINE float scale(const int pairs, const int q)
{
    const double own = q < 0 ? 0.0 : (double)power(point(pairs, q), 2);
    double product = q < 0 ? 1.0 : 2.0 * own;
#pragma GCC unroll 3
    for (int i = 0; i < pairs; i++)
        if (i != q)
            product *= own - (double)power(point(pairs, i), 2);
    return (float)(1.0 / product);
}

/* The sum of the squares of the points beside pair q, and their product; q < 0: of all. */
FVI_INLINE float squares_sum(const int pairs, const int q)
{
    float sum = 0;
#pragma GCC unroll 3
    for (int i = 0; i < pairs; i++)
        sum += i == q ? 0 : power(point(pairs, i), 2);
    return sum;
}

FVI_INLINE float squares_product(const int pairs, const int q)
{
    float product = 1;
#pragma GCC unroll 3
    for (int i = 0; i < pairs; i++)
        product *= i == q ? 1 : power(point(pairs, i), 2);
    return product;
}

FVI_INLINE fvi_vf madd(float a, fvi_vf b, fvi_vf c)
{
    return fvi_vf_fma(fvi_vf_splat(a), b, c);
}

FVI_INLINE fvi_vf times(float a, fvi_vf b)
{
    return fvi_vf_splat(a) * b;
}

/* Product of (x^2 - o^2) over `factors` pairs beside q, applied to d[0], d[2], ...: the last coefficient is 1. */
FVI_INLINE fvi_vf filter(const int pairs, const int q, const int factors, const fvi_vf *d)
{
    const float sum = squares_sum(pairs, q), product = squares_product(pairs, q);
    if (factors == 1)
        return madd(-product, d[0], d[2]);
    if (factors == 2)
        return madd(product, d[0], madd(-sum, d[2], d[4]));
    /* three: q is none, and the middle coefficient is the sum of products of two */
    const float first = power(point(pairs, 0), 2), second = power(point(pairs, 1), 2),
                third = power(point(pairs, 2), 2);
    const float middle = first * second + first * third + second * third;
    return madd(-product, d[0], madd(middle, d[2], madd(-sum, d[4], d[6])));
}

/* v = B^T d. */
FVI_INLINE void input_line(const int window, const fvi_vf *d, fvi_vf *v)
{
    const int pairs = window / 2 - 1;
    v[0] = filter(pairs, -1, pairs, d);
#pragma GCC unroll 3
    for (int q = 0; q < pairs; q++) {
        const fvi_vf even = filter(pairs, q, pairs - 1, d + 2), odd = filter(pairs, q, pairs - 1, d + 1);
        v[2 * q + 1] = madd(point(pairs, q), odd, even);
        v[2 * q + 2] = madd(point(pairs, q), -odd, even); /* one instruction, and one constant for both */
    }
    v[window - 1] = filter(pairs, -1, pairs, d + 1);
}

/* The sum over pairs of factor[q] * p^exponent * half[q], and start where there is one. */
FVI_INLINE fvi_vf over_pairs(const int pairs, const int exponent, const fvi_vf *half, const fvi_vf *start)
{
    fvi_vf sum = start != NULL ? *start : fvi_vf_splat(0.0f);
#pragma GCC unroll 3
    for (int q = pairs - 1; q >= 0; q--) {
        const float factor = power(point(pairs, q), exponent);
        if (q == pairs - 1 && start == NULL)
            sum = factor == 1.0f ? half[q] : times(factor, half[q]);
        else
            sum = factor == 1.0f ? sum + half[q] : madd(factor, half[q], sum);
    }
    return sum;
}

/* y = A^T m: `out` rows of powers of the points. */
FVI_INLINE void output_line(const int window, const int out, const fvi_vf *m, fvi_vf *y)
{
    const int pairs = window / 2 - 1;
    fvi_vf half[2][PAIRS_MAX];
#pragma GCC unroll 3
    for (int q = 0; q < pairs; q++) {
        half[0][q] = m[2 * q + 1] + m[2 * q + 2];
        half[1][q] = m[2 * q + 1] - m[2 * q + 2];
    }
#pragma GCC unroll 5
    for (int i = 0; i < out; i++)
        y[i] = over_pairs(pairs, i, half[i % 2], i == 0 ? &m[0] : i == out - 1 ? &m[window - 1] : NULL);
}

/* The sum over every second y from `first` on of p^(i - first) * y[i]. */
FVI_INLINE fvi_vf every_second(const float p, const int first, const int count, const fvi_vf *y)
{
    const int last = first + (count - 1 - first) / 2 * 2;
    fvi_vf sum = y[last];
    if (last - 2 >= first)
        sum = madd(p * p, sum, y[last - 2]);
    if (last - 4 >= first)
        sum = madd(p * p, sum, y[last - 4]);
    return sum;
}

/* z = A y, for `count` values of y; with scales z = G y, the points the same. */
FVI_INLINE void spread_line(const int window, const int count, const bool scaled, const fvi_vf *y, fvi_vf *z)
{
    const int pairs = window / 2 - 1;
    z[0] = scaled ? times(scale(pairs, -1), y[0]) : y[0];
#pragma GCC unroll 3
    for (int q = 0; q < pairs; q++) {
        const float p = point(pairs, q);
        fvi_vf even = every_second(p, 0, count, y), odd = every_second(p, 1, count, y);
        if (scaled) {
            even = times(scale(pairs, q), even);
            odd = times(scale(pairs, q) * p, odd);
            z[2 * q + 1] = even + odd;
            z[2 * q + 2] = even - odd;
        } else {
            z[2 * q + 1] = madd(p, odd, even);
            z[2 * q + 2] = madd(p, -odd, even);
        }
    }
    z[window - 1] = y[count - 1];
}

/* g = G^T m. */
FVI_INLINE void weights_gradient_line(const int window, const int taps, const fvi_vf *m, fvi_vf *g)
{
    const int pairs = window / 2 - 1;
    fvi_vf half[2][PAIRS_MAX];
#pragma GCC unroll 3
    for (int q = 0; q < pairs; q++) {
        half[0][q] = times(scale(pairs, q), m[2 * q + 1] + m[2 * q + 2]);
        half[1][q] = times(scale(pairs, q), m[2 * q + 1] - m[2 * q + 2]);
    }
    const fvi_vf zero = times(scale(pairs, -1), m[0]);
#pragma GCC unroll 5
    for (int i = 0; i < taps; i++)
        g[i] = over_pairs(pairs, i, half[i % 2], i == 0 ? &zero : i == taps - 1 ? &m[window - 1] : NULL);
}

static const float zeros[LANES] __attribute__((aligned(64)));

/* Where a window's rows begin, how far it is to the next pixel and to the next vector: rows outside are read from zeros. */
typedef struct window_rows {
    const float *from[WINDOW_MAX];
    ptrdiff_t pixel[WINDOW_MAX], vector[WINDOW_MAX];
} window_rows;

/* One vector of channels at x. rows: NULL when all lie inside. */
FVI_INLINE void input_vector(const fvi_winograd_input *a, const int out, const int window, const float *x, float *to,
                             const window_rows *rows, const bool masked, fvi_vmask mask)
{
    fvi_vf half[WINDOW_MAX][WINDOW_MAX];                                      /* [column][row]: B^T d, transposed */
    const ptrdiff_t row = a->row, pixel = a->pixel, component = a->component; /* no store may change these */
    const int32_t begin = a->column_begin, end = a->column_end;
    const float *next = x + window * pixel; /* the next window lies a tile to the right: its new pixels */
    for (int j = 0; j < out && ((size_t)(x - a->x) % 16) == 0; j++, next += pixel) {
#pragma GCC unroll 8
        for (int i = 0; i < window; i++)
            __builtin_prefetch(next + i * row, 0, 3);
    }
    for (int j = 0; j < window; j++, x += pixel) {
        fvi_vf d[WINDOW_MAX];
        if (j < begin || j >= end) {
            for (int i = 0; i < window; i++)
                half[j][i] = fvi_vf_splat(0.0f);
            continue;
        }
#pragma GCC unroll 8
        for (int i = 0; i < window; i++) {
            const float *at = rows == NULL ? x + i * row : rows->from[i] + j * rows->pixel[i];
            d[i] = masked ? fvi_vf_load_masked(at, mask) : fvi_vf_load(at);
        }
        input_line(window, d, half[j]);
    }
    for (int i = 0; i < window; i++, to += window * component) {
        fvi_vf d[WINDOW_MAX], v[WINDOW_MAX];
#pragma GCC unroll 8
        for (int j = 0; j < window; j++)
            d[j] = half[j][i];
        input_line(window, d, v);
#pragma GCC unroll 8
        for (int j = 0; j < window; j++)
            fvi_vf_store(to + j * component, v[j]);
    }
}

FVI_INLINE void input_tile(const fvi_winograd_input *a, const int out, const int window, window_rows *rows)
{
    const int32_t rest = a->channels % LANES, even = a->channels - rest;
    const fvi_vmask mask = fvi_vmask_first((size_t)rest);
    for (int32_t c = 0; c < even; c += LANES) {
        input_vector(a, out, window, a->x + c, a->to + c, rows, false, mask);
        for (int i = 0; i < window && rows != NULL; i++)
            rows->from[i] += rows->vector[i];
    }
    if (rest > 0)
        input_vector(a, out, window, a->x + even, a->to + even, rows, true, mask);
}

FVI_INLINE void input(const fvi_winograd_input *a, const int out, const int taps)
{
    const int window = out + taps - 1;
    window_rows rows;
    if (a->row_begin == 0 && a->row_end == window) {
        input_tile(a, out, window, NULL);
        return;
    }
    for (int i = 0; i < window; i++) {
        const bool inside = i >= a->row_begin && i < a->row_end;
        rows.from[i] = inside ? a->x + i * a->row : zeros;
        rows.pixel[i] = inside ? a->pixel : 0;
        rows.vector[i] = inside ? LANES : 0;
    }
    input_tile(a, out, window, &rows);
}

FVI_INLINE void output_vector(const fvi_winograd_output *a, const int out, const int window, int32_t k,
                              const bool whole)
{
    const int32_t left = a->count - k < LANES ? a->count - k : LANES;
    const ptrdiff_t row = a->row, pixel = a->pixel, component = a->component;
    const float *from = a->from + k;
    float *y = a->y + k;
    fvi_vf bias = fvi_vf_splat(0.0f);
    if (a->bias != NULL)
        bias = left == LANES ? fvi_vf_load(a->bias + k) : fvi_vf_load_first(a->bias + k, (size_t)left);
    fvi_vf half[WINDOW_MAX][OUT_MAX]; /* [column][row]: A^T m, transposed */
    for (int j = 0; j < window; j++) {
        fvi_vf m[WINDOW_MAX];
#pragma GCC unroll 8
        for (int i = 0; i < window; i++)
            m[i] = fvi_vf_load(from + i * window * component);
        output_line(window, out, m, half[j]);
        from += component;
    }
    const int32_t rows = whole ? out : a->rows;
    /* The next tile lies to the right. */
    for (int32_t i = 0; i < rows && k % 16 == 0; i++)
#pragma GCC unroll 4
        for (int j = out; j < 2 * out; j++)
            __builtin_prefetch(y + i * row + j * pixel, 1, 3);
    for (int32_t i = 0; i < rows; i++) {
        fvi_vf m[WINDOW_MAX], line[OUT_MAX];
#pragma GCC unroll 8
        for (int j = 0; j < window; j++)
            m[j] = half[j][i];
        output_line(window, out, m, line);
#pragma GCC unroll 4
        for (int j = 0; j < out; j++) {
            if (!whole && j >= a->columns)
                break;
            float *to = y + i * row + j * pixel;
            if (left == LANES)
                fvi_vf_store(to, line[j] + bias);
            else
                fvi_vf_store_pieces(to, line[j] + bias, left);
        }
    }
}

FVI_INLINE void output(const fvi_winograd_output *a, const int out, const int taps)
{
    if (a->rows == out && a->columns == out)
        for (int32_t k = 0; k < a->count; k += LANES)
            output_vector(a, out, out + taps - 1, k, true);
    else
        for (int32_t k = 0; k < a->count; k += LANES)
            output_vector(a, out, out + taps - 1, k, false);
}

FVI_INLINE void gradient_vector(const fvi_winograd_gradient *a, const int out, const int window, int32_t k,
                                const bool whole, fvi_vmask mask)
{
    const bool masked = a->count - k < LANES;
    const ptrdiff_t row = a->row, pixel = a->pixel, component = a->component;
    const float *dy = a->dy + k;
    float *to = a->to + k;
    for (int32_t i = 0; i < a->rows && k % 16 == 0; i++) /* the next tile lies to the right */
#pragma GCC unroll 4
        for (int j = out; j < 2 * out; j++)
            __builtin_prefetch(dy + i * row + j * pixel, 0, 3);
    fvi_vf half[OUT_MAX][WINDOW_MAX], sum = fvi_vf_splat(0.0f); /* [column][row]: A dY, transposed */
    for (int j = 0; j < out; j++) {
        fvi_vf y[OUT_MAX];
        const float *from = dy + j * pixel;
#pragma GCC unroll 4
        for (int i = 0; i < out; i++) {
            y[i] = fvi_vf_splat(0.0f);
            if (whole || (i < a->rows && j < a->columns))
                y[i] = masked ? fvi_vf_load_masked(from + i * row, mask) : fvi_vf_load(from + i * row);
        }
        sum += out == 2 ? y[0] + y[1] : (y[0] + y[1]) + (y[2] + y[3]);
        spread_line(window, out, false, y, half[j]);
    }
    for (int i = 0; i < window; i++) {
        fvi_vf y[OUT_MAX], z[WINDOW_MAX];
#pragma GCC unroll 4
        for (int j = 0; j < out; j++)
            y[j] = half[j][i];
        spread_line(window, out, false, y, z);
#pragma GCC unroll 8
        for (int j = 0; j < window; j++)
            fvi_vf_store(to + j * component, z[j]);
        to += window * component;
    }
    fvi_vf_store(to, sum);
}

FVI_INLINE void gradient(const fvi_winograd_gradient *a, const int out, const int taps)
{
    const fvi_vmask mask = fvi_vmask_first((size_t)(a->count % LANES));
    if (a->rows == out && a->columns == out)
        for (int32_t k = 0; k < a->count; k += LANES)
            gradient_vector(a, out, out + taps - 1, k, true, mask);
    else
        for (int32_t k = 0; k < a->count; k += LANES)
            gradient_vector(a, out, out + taps - 1, k, false, mask);
}

FVI_INLINE void weights(const fvi_winograd_weights *a, const int out, const int taps)
{
    const int window = out + taps - 1, square = taps * taps;
    const int32_t vectors = (a->count + LANES - 1) / LANES, width = vectors * LANES;
    float turned[TAPS_MAX * TAPS_MAX][FVI_BRGEMM_MAX_WIDTH] __attribute__((aligned(64))) = { { 0 } };
    for (int32_t c = 0; c < a->channels; c++) {
        for (int32_t lane = 0; lane < a->count; lane++) {
            const float *from = a->w + lane * a->lane_stride + c * a->channel_stride;
            __builtin_prefetch(from + 8 * a->channel_stride, 0, 3);
            for (int tap = 0; tap < square; tap++)
                turned[a->turned ? square - 1 - tap : tap][lane] = from[tap];
        }
        fvi_vf all[WINDOW_MAX * WINDOW_MAX][FVI_BRGEMM_MAX_VECTORS]; /* stored at once: whole cache lines */
        for (int32_t v = 0; v < vectors; v++) {
            fvi_vf half[TAPS_MAX][WINDOW_MAX];
            for (int s = 0; s < taps; s++) {
                fvi_vf g[TAPS_MAX];
#pragma GCC unroll 5
                for (int r = 0; r < taps; r++)
                    g[r] = fvi_vf_load(&turned[taps * r + s][v * LANES]);
                spread_line(window, taps, true, g, half[s]);
            }
            for (int i = 0; i < window; i++) {
                fvi_vf u[WINDOW_MAX], g[TAPS_MAX];
#pragma GCC unroll 5
                for (int s = 0; s < taps; s++)
                    g[s] = half[s][i];
                spread_line(window, taps, true, g, u);
#pragma GCC unroll 8
                for (int j = 0; j < window; j++)
                    all[window * i + j][v] = u[j];
            }
        }
        float *to = a->packed + (ptrdiff_t)c * width;
        for (int e = 0; e < window * window; e++, to += a->component)
            for (int32_t v = 0; v < vectors; v++) {
                if (a->past_caches)
                    fvi_vf_stream(to + v * LANES, all[e][v]);
                else
                    fvi_vf_store(to + v * LANES, all[e][v]);
            }
    }
    fvi_stream_end();
}

FVI_INLINE void weights_gradient(const fvi_winograd_weights *a, const int out, const int taps)
{
    const int window = out + taps - 1, square = taps * taps;
    const int32_t vectors = (a->count + LANES - 1) / LANES, width = vectors * LANES;
    float turned[TAPS_MAX * TAPS_MAX][FVI_BRGEMM_MAX_WIDTH] __attribute__((aligned(64)));
    for (int32_t c = 0; c < a->channels; c++) {
        for (int32_t v = 0; v < vectors; v++) {
            const float *from = a->packed + (ptrdiff_t)c * width + v * LANES;
            fvi_vf half[WINDOW_MAX][TAPS_MAX];
            for (int j = 0; j < window; j++) {
                fvi_vf m[WINDOW_MAX];
#pragma GCC unroll 8
                for (int i = 0; i < window; i++)
                    m[i] = fvi_vf_load(from + (window * i + j) * a->component);
                weights_gradient_line(window, taps, m, half[j]);
            }
            for (int r = 0; r < taps; r++) {
                fvi_vf m[WINDOW_MAX], g[TAPS_MAX];
#pragma GCC unroll 8
                for (int j = 0; j < window; j++)
                    m[j] = half[j][r];
                weights_gradient_line(window, taps, m, g);
#pragma GCC unroll 5
                for (int s = 0; s < taps; s++)
                    fvi_vf_store(&turned[taps * r + s][v * LANES], g[s]);
            }
        }
        for (int32_t lane = 0; lane < a->count; lane++) {
            float *to = a->dw + lane * a->lane_stride + c * a->channel_stride;
            for (int tap = 0; tap < square; tap++)
                to[tap] = turned[tap][lane];
        }
    }
}

/* The five calls of a form, and its entry in the table. */
#define DEFINE_FORM(o, t)                                                                                              \
    static void input_##o##_##t(const fvi_winograd_input *arguments)                                                   \
    {                                                                                                                  \
        input(arguments, o, t);                                                                                        \
    }                                                                                                                  \
    static void output_##o##_##t(const fvi_winograd_output *arguments)                                                 \
    {                                                                                                                  \
        output(arguments, o, t);                                                                                       \
    }                                                                                                                  \
    static void gradient_##o##_##t(const fvi_winograd_gradient *arguments)                                             \
    {                                                                                                                  \
        gradient(arguments, o, t);                                                                                     \
    }                                                                                                                  \
    static void weights_##o##_##t(const fvi_winograd_weights *arguments)                                               \
    {                                                                                                                  \
        weights(arguments, o, t);                                                                                      \
    }                                                                                                                  \
    static void weights_gradient_##o##_##t(const fvi_winograd_weights *arguments)                                      \
    {                                                                                                                  \
        weights_gradient(arguments, o, t);                                                                             \
    }
#define FORM(o, t)                                                                                                     \
    {                                                                                                                  \
        .out = o, .taps = t, .window = o + t - 1, .parts = (o + t - 1) * (o + t - 1), .input = input_##o##_##t,        \
        .output = output_##o##_##t, .gradient = FVI_TRAINS(gradient_##o##_##t), .weights = weights_##o##_##t,          \
        .weights_gradient = FVI_TRAINS(weights_gradient_##o##_##t)                                                     \
    }

DEFINE_FORM(4, 3)
#if FVI_WINOGRAD_FORMS > 1
DEFINE_FORM(4, 5)
#define FORMS FORM(4, 3), FORM(4, 5)
#else
#define FORMS FORM(4, 3)
#endif

extern const fvi_brgemm FVI_ISA_NAME(fvi_brgemm);

const fvi_winograd FVI_ISA_NAME(fvi_winograd) = {
    .gemm = &FVI_ISA_NAME(fvi_brgemm),
    .form = { FORMS },
};
