/* SPDX-License-Identifier: Apache-2.0
 *
 * winograd.isa.c - the transforms of F(4x4, 3x3), one dimension after the other, on vectors whose lanes are channels.
 * The points come in pairs p, -p: their rows share an even and an odd part, so that a row costs about two FMAs.
 * Between the two dimensions 24 or 36 vectors lie in an array on the stack, since no instruction set has registers for them.
 */
#include "kernel/winograd/winograd.h"
#include "base/simd.h"

#define LANES FVI_ISA_LANES
#define WINDOW FVI_WINOGRAD_WINDOW
#define OUT FVI_WINOGRAD_OUT
#define TAPS 3

/* Points and what follows from them. All but the scales of G are exact. */
#define PA 0.625f
#define PB 1.5f
#define PA2 (PA * PA)
#define PB2 (PB * PB)
#define PA3 (PA2 * PA)
#define PB3 (PB2 * PB)
/* 1 / product of the differences to the other points: rows 0, +-a, +-b of G. */
#define SCALE_0 ((float)(1.0 / ((double)PA2 * PB2)))
#define SCALE_A ((float)(1.0 / (2.0 * PA2 * ((double)PA2 - PB2))))
#define SCALE_B ((float)(1.0 / (2.0 * PB2 * ((double)PB2 - PA2))))

FVI_INLINE fvi_vf madd(float a, fvi_vf b, fvi_vf c)
{
    return fvi_vf_fma(fvi_vf_splat(a), b, c);
}

FVI_INLINE fvi_vf times(float a, fvi_vf b)
{
    return fvi_vf_splat(a) * b;
}

/* v = B^T d. */
FVI_INLINE void input_line(const fvi_vf *d, fvi_vf *v)
{
    const fvi_vf even_a = madd(-PB2, d[2], d[4]), odd_a = madd(-PB2, d[1], d[3]);
    const fvi_vf even_b = madd(-PA2, d[2], d[4]), odd_b = madd(-PA2, d[1], d[3]);
    v[0] = madd(PA2 * PB2, d[0], madd(-(PA2 + PB2), d[2], d[4]));
    v[1] = madd(PA, odd_a, even_a);
    v[2] = madd(-PA, odd_a, even_a);
    v[3] = madd(PB, odd_b, even_b);
    v[4] = madd(-PB, odd_b, even_b);
    v[5] = madd(PA2 * PB2, d[1], madd(-(PA2 + PB2), d[3], d[5]));
}

/* y = A^T m. */
FVI_INLINE void output_line(const fvi_vf *m, fvi_vf *y)
{
    const fvi_vf even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = madd(PA, odd_a, times(PB, odd_b));
    y[2] = madd(PA2, even_a, times(PB2, even_b));
    y[3] = madd(PA3, odd_a, madd(PB3, odd_b, m[5]));
}

/* z = A y. */
FVI_INLINE void gradient_line(const fvi_vf *y, fvi_vf *z)
{
    const fvi_vf even_a = madd(PA2, y[2], y[0]), odd_a = madd(PA2, y[3], y[1]);
    const fvi_vf even_b = madd(PB2, y[2], y[0]), odd_b = madd(PB2, y[3], y[1]);
    z[0] = y[0];
    z[1] = madd(PA, odd_a, even_a);
    z[2] = madd(-PA, odd_a, even_a);
    z[3] = madd(PB, odd_b, even_b);
    z[4] = madd(-PB, odd_b, even_b);
    z[5] = y[3];
}

/* u = G g. */
FVI_INLINE void weights_line(const fvi_vf *g, fvi_vf *u)
{
    const fvi_vf even_a = times(SCALE_A, madd(PA2, g[2], g[0])), odd_a = times(SCALE_A * PA, g[1]);
    const fvi_vf even_b = times(SCALE_B, madd(PB2, g[2], g[0])), odd_b = times(SCALE_B * PB, g[1]);
    u[0] = times(SCALE_0, g[0]);
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
}

/* g = G^T m. */
FVI_INLINE void weights_gradient_line(const fvi_vf *m, fvi_vf *g)
{
    const fvi_vf even_a = times(SCALE_A, m[1] + m[2]), even_b = times(SCALE_B, m[3] + m[4]);
    g[0] = madd(SCALE_0, m[0], even_a + even_b);
    g[1] = madd(SCALE_A * PA, m[1] - m[2], times(SCALE_B * PB, m[3] - m[4]));
    g[2] = madd(PA2, even_a, madd(PB2, even_b, m[5]));
}

/* whole: the window lies inside. One vector of channels at x. */
FVI_INLINE void input_vector(const fvi_winograd_input *a, const float *x, float *to, const bool whole,
                             const bool masked, fvi_vmask mask)
{
    fvi_vf half[WINDOW][WINDOW]; /* [column][row]: B^T d, transposed */
    /* The next window lies a tile to the right: its new pixels, a cache line of channels at a time. */
    for (int j = 2; j < WINDOW && ((size_t)(x - a->x) % 16) == 0; j++)
        for (int i = 0; i < WINDOW; i++)
            __builtin_prefetch(x + (j + OUT) * a->pixel + i * a->row, 0, 3);
    for (int j = 0; j < WINDOW; j++) {
        fvi_vf d[WINDOW];
        const bool column = whole || (j >= a->column_begin && j < a->column_end);
        const float *from = x + j * a->pixel;
#pragma GCC unroll 6
        for (int i = 0; i < WINDOW; i++) {
            d[i] = fvi_vf_splat(0.0f);
            if (whole || (column && i >= a->row_begin && i < a->row_end))
                d[i] = masked ? fvi_vf_load_masked(from + i * a->row, mask) : fvi_vf_load(from + i * a->row);
        }
        input_line(d, half[j]);
    }
    for (int i = 0; i < WINDOW; i++) {
        fvi_vf d[WINDOW], v[WINDOW];
#pragma GCC unroll 6
        for (int j = 0; j < WINDOW; j++)
            d[j] = half[j][i];
        input_line(d, v);
#pragma GCC unroll 6
        for (int j = 0; j < WINDOW; j++)
            fvi_vf_store(to + (WINDOW * i + j) * a->component, v[j]);
    }
}

FVI_INLINE void input_tile(const fvi_winograd_input *a, const bool whole)
{
    const int32_t rest = a->channels % LANES, even = a->channels - rest;
    const fvi_vmask mask = fvi_vmask_first((size_t)rest);
    for (int32_t c = 0; c < even; c += LANES)
        input_vector(a, a->x + c, a->to + c, whole, false, mask);
    if (rest > 0)
        input_vector(a, a->x + even, a->to + even, whole, true, mask);
}

static void input(const fvi_winograd_input *arguments)
{
    const fvi_winograd_input *a = arguments;
    if (a->row_begin == 0 && a->row_end == WINDOW && a->column_begin == 0 && a->column_end == WINDOW)
        input_tile(a, true);
    else
        input_tile(a, false);
}

FVI_INLINE void output_vector(const fvi_winograd_output *a, int32_t k, const bool whole)
{
    const int32_t left = a->count - k < LANES ? a->count - k : LANES;
    const float *from = a->from + k;
    float *y = a->y + k;
    fvi_vf bias = fvi_vf_splat(0.0f);
    if (a->bias != NULL)
        bias = left == LANES ? fvi_vf_load(a->bias + k) : fvi_vf_load_first(a->bias + k, (size_t)left);
    fvi_vf half[WINDOW][OUT]; /* [column][row]: A^T m, transposed */
    for (int j = 0; j < WINDOW; j++) {
        fvi_vf m[WINDOW];
#pragma GCC unroll 6
        for (int i = 0; i < WINDOW; i++)
            m[i] = fvi_vf_load(from + (WINDOW * i + j) * a->component);
        output_line(m, half[j]);
    }
    const int32_t rows = whole ? OUT : a->rows;
    /* The next tile lies to the right. */
    for (int32_t i = 0; i < rows && k % 16 == 0; i++)
        for (int j = OUT; j < 2 * OUT; j++)
            __builtin_prefetch(y + i * a->row + j * a->pixel, 1, 3);
    for (int32_t i = 0; i < rows; i++) {
        fvi_vf m[WINDOW], out[OUT];
#pragma GCC unroll 6
        for (int j = 0; j < WINDOW; j++)
            m[j] = half[j][i];
        output_line(m, out);
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++) {
            if (!whole && j >= a->columns)
                break;
            float *to = y + i * a->row + j * a->pixel;
            if (left == LANES)
                fvi_vf_store(to, out[j] + bias);
            else
                fvi_vf_store_pieces(to, out[j] + bias, left);
        }
    }
}

static void output(const fvi_winograd_output *a)
{
    if (a->rows == OUT && a->columns == OUT)
        for (int32_t k = 0; k < a->count; k += LANES)
            output_vector(a, k, true);
    else
        for (int32_t k = 0; k < a->count; k += LANES)
            output_vector(a, k, false);
}

FVI_INLINE void gradient_vector(const fvi_winograd_gradient *a, int32_t k, const bool whole, fvi_vmask mask)
{
    const bool masked = a->count - k < LANES;
    const float *dy = a->dy + k;
    float *to = a->to + k;
    for (int32_t i = 0; i < a->rows && k % 16 == 0; i++) /* the next tile lies to the right */
        for (int j = OUT; j < 2 * OUT; j++)
            __builtin_prefetch(dy + i * a->row + j * a->pixel, 0, 3);
    fvi_vf half[OUT][WINDOW], sum = fvi_vf_splat(0.0f); /* [column][row]: A dY, transposed */
    for (int j = 0; j < OUT; j++) {
        fvi_vf y[OUT];
        const float *from = dy + j * a->pixel;
#pragma GCC unroll 4
        for (int i = 0; i < OUT; i++) {
            y[i] = fvi_vf_splat(0.0f);
            if (whole || (i < a->rows && j < a->columns))
                y[i] = masked ? fvi_vf_load_masked(from + i * a->row, mask) : fvi_vf_load(from + i * a->row);
        }
        sum += (y[0] + y[1]) + (y[2] + y[3]);
        gradient_line(y, half[j]);
    }
    for (int i = 0; i < WINDOW; i++) {
        fvi_vf y[OUT], z[WINDOW];
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++)
            y[j] = half[j][i];
        gradient_line(y, z);
#pragma GCC unroll 6
        for (int j = 0; j < WINDOW; j++)
            fvi_vf_store(to + (WINDOW * i + j) * a->component, z[j]);
    }
    fvi_vf_store(to + FVI_WINOGRAD_PARTS * a->component, sum);
}

static void gradient(const fvi_winograd_gradient *a)
{
    const fvi_vmask mask = fvi_vmask_first((size_t)(a->count % LANES));
    if (a->rows == OUT && a->columns == OUT)
        for (int32_t k = 0; k < a->count; k += LANES)
            gradient_vector(a, k, true, mask);
    else
        for (int32_t k = 0; k < a->count; k += LANES)
            gradient_vector(a, k, false, mask);
}

static void weights(const fvi_winograd_weights *a)
{
    const int32_t vectors = (a->count + LANES - 1) / LANES, width = vectors * LANES;
    float taps[TAPS * TAPS][FVI_BRGEMM_MAX_WIDTH] __attribute__((aligned(64))) = { { 0 } };
    for (int32_t c = 0; c < a->channels; c++) {
        for (int32_t lane = 0; lane < a->count; lane++) {
            const float *from = a->w + lane * a->lane_stride + c * a->channel_stride;
            for (int tap = 0; tap < TAPS * TAPS; tap++)
                taps[a->turned ? TAPS * TAPS - 1 - tap : tap][lane] = from[tap];
        }
        fvi_vf all[FVI_WINOGRAD_PARTS][FVI_BRGEMM_MAX_VECTORS]; /* stored at once: whole cache lines in 36 places */
        for (int32_t v = 0; v < vectors; v++) {
            fvi_vf half[TAPS][WINDOW];
            for (int s = 0; s < TAPS; s++) {
                fvi_vf g[TAPS];
#pragma GCC unroll 3
                for (int r = 0; r < TAPS; r++)
                    g[r] = fvi_vf_load(&taps[TAPS * r + s][v * LANES]);
                weights_line(g, half[s]);
            }
            for (int i = 0; i < WINDOW; i++) {
                fvi_vf u[WINDOW];
                const fvi_vf g[TAPS] = { half[0][i], half[1][i], half[2][i] };
                weights_line(g, u);
#pragma GCC unroll 6
                for (int j = 0; j < WINDOW; j++)
                    all[WINDOW * i + j][v] = u[j];
            }
        }
        float *to = a->packed + (ptrdiff_t)c * width;
        for (int e = 0; e < FVI_WINOGRAD_PARTS; e++, to += a->component)
            for (int32_t v = 0; v < vectors; v++)
                fvi_vf_store(to + v * LANES, all[e][v]);
    }
}

static void weights_gradient(const fvi_winograd_weights *a)
{
    const int32_t vectors = (a->count + LANES - 1) / LANES, width = vectors * LANES;
    float taps[TAPS * TAPS][FVI_BRGEMM_MAX_WIDTH] __attribute__((aligned(64)));
    for (int32_t c = 0; c < a->channels; c++) {
        for (int32_t v = 0; v < vectors; v++) {
            const float *from = a->packed + (ptrdiff_t)c * width + v * LANES;
            fvi_vf half[WINDOW][TAPS];
            for (int j = 0; j < WINDOW; j++) {
                fvi_vf m[WINDOW];
#pragma GCC unroll 6
                for (int i = 0; i < WINDOW; i++)
                    m[i] = fvi_vf_load(from + (WINDOW * i + j) * a->component);
                weights_gradient_line(m, half[j]);
            }
            for (int r = 0; r < TAPS; r++) {
                fvi_vf m[WINDOW], g[TAPS];
#pragma GCC unroll 6
                for (int j = 0; j < WINDOW; j++)
                    m[j] = half[j][r];
                weights_gradient_line(m, g);
#pragma GCC unroll 3
                for (int s = 0; s < TAPS; s++)
                    fvi_vf_store(&taps[TAPS * r + s][v * LANES], g[s]);
            }
        }
        for (int32_t lane = 0; lane < a->count; lane++) {
            float *to = a->dw + lane * a->lane_stride + c * a->channel_stride;
            for (int tap = 0; tap < TAPS * TAPS; tap++)
                to[tap] = taps[tap][lane];
        }
    }
}

extern const fvi_brgemm FVI_ISA_NAME(fvi_brgemm);

const fvi_winograd FVI_ISA_NAME(fvi_winograd) = {
    .gemm = &FVI_ISA_NAME(fvi_brgemm),
    .input = input,
    .output = output,
    .gradient = gradient,
    .weights = weights,
    .weights_gradient = weights_gradient,
};
