/* SPDX-License-Identifier: Apache-2.0
 *
 * local.isa.c - the kernels of local.h in float32, a vector of channels at a time. Across channels, a tile of a pixel's
 * channels is copied with zeros around it, so that a window is 2*half + 1 loads side by side. The bits of local.real.c.
 */
#include "base/simd_math.h"
#include "kernel/vector.h"

enum { LANES = FVI_ISA_LANES, TILE = 256, ROOM = TILE + 4 * FVI_LOCAL_HALF + LANES };

FVI_INLINE fvi_vf power(const fvi_local_norm *norm, fvi_vf s)
{
    if (norm->beta == 0.75) {
        const fvi_vf root = fvi_vf_sqrt(s);
        return 1.0f / (root * fvi_vf_sqrt(root));
    }
    return fvi_vf_exp(fvi_vf_splat(-(float)norm->beta) * fvi_vf_log(s));
}

FVI_INLINE fvi_vf load(const float *from, size_t left)
{
    return left < LANES ? fvi_vf_load_first(from, left) : fvi_vf_load(from);
}

FVI_INLINE void store(float *to, size_t left, fvi_vf v)
{
    if (left < LANES)
        fvi_vf_store_first(to, v, left);
    else
        fvi_vf_store(to, v);
}

/* s of a vector whose window begins at `squares`. */
FVI_INLINE fvi_vf sum_window(const fvi_local_norm *norm, const float *squares)
{
    fvi_vf sum = fvi_vf_load(squares);
    for (size_t d = 1; d <= 2 * norm->half; d++)
        sum += fvi_vf_load(squares + d);
    return fvi_vf_splat((float)norm->k) + fvi_vf_splat((float)norm->alpha) * sum;
}

/* to[0 .. count + 2*around) = from[first - around .. first + count + around), zero outside [0, channels) and up to `room`. */
static void copy_around(size_t channels, size_t first, size_t count, size_t around, const float *from, float *to,
                        size_t room)
{
    const size_t low = first < around ? around - first : 0;
    const size_t begin = first < around ? 0 : first - around;
    const size_t end = first + count + around < channels ? first + count + around : channels;
    memset(to, 0, low * sizeof *to);
    memcpy(to + low, from + begin, (end - begin) * sizeof *to);
    memset(to + low + (end - begin), 0, (room - low - (end - begin)) * sizeof *to);
}

static void square(float *values, size_t room)
{
    for (size_t i = 0; i < room; i++)
        values[i] *= values[i];
}

void FVI_ISA_NAME(fvi_local_across_f32)(const fvi_local_norm *norm, size_t channels, const void *x, void *y)
{
    const float *in = x;
    float *out = y, squares[ROOM];
    for (size_t first = 0; first < channels; first += TILE) {
        const size_t count = channels - first < TILE ? channels - first : TILE;
        const size_t room = count + 2 * norm->half + LANES;
        copy_around(channels, first, count, norm->half, in, squares, room);
        square(squares, room);
        for (size_t i = 0; i < count; i += LANES)
            store(out + first + i, count - i,
                  load(in + first + i, count - i) * power(norm, sum_window(norm, squares + i)));
    }
}

void FVI_ISA_NAME(fvi_local_across_backward_f32)(const fvi_local_norm *norm, size_t channels, const void *x,
                                                 const void *dy, void *dx)
{
    const size_t half = norm->half;
    const float *in = x, *up = dy;
    const fvi_vf twice = fvi_vf_splat((float)(2 * norm->alpha * norm->beta));
    float *down = dx, squares[ROOM], values[ROOM], gradients[ROOM], terms[ROOM], powers[ROOM];
    for (size_t first = 0; first < channels; first += TILE) {
        const size_t count = channels - first < TILE ? channels - first : TILE;
        const size_t room = count + 4 * half + LANES;
        copy_around(channels, first, count, 2 * half, in, squares, room);
        square(squares, room);
        copy_around(channels, first, count, half, in, values, room);
        copy_around(channels, first, count, half, up, gradients, room);
        for (size_t i = 0; i < count + 2 * half; i += LANES) {
            const fvi_vf s = sum_window(norm, squares + i), p = power(norm, s);
            fvi_vf_store(powers + i, p);
            fvi_vf_store(terms + i, fvi_vf_load(gradients + i) * fvi_vf_load(values + i) * p / s);
        }
        for (size_t i = 0; i < count; i += LANES) {
            fvi_vf sum = fvi_vf_load(terms + i);
            for (size_t d = 1; d <= 2 * half; d++)
                sum += fvi_vf_load(terms + i + d);
            const fvi_vf own = fvi_vf_load(gradients + half + i) * fvi_vf_load(powers + half + i);
            store(down + first + i, count - i, own - twice * fvi_vf_load(values + half + i) * sum);
        }
    }
}

void FVI_ISA_NAME(fvi_local_within_f32)(const fvi_local_norm *norm, const fvi_local_window *window, const void *cells,
                                        const void *x, void *y, void *s)
{
    for (size_t c = 0; c < window->channels; c += LANES) {
        const size_t left = window->channels - c;
        fvi_vf sum = { 0 };
        for (size_t i = 0; i < window->rows; i++)
            for (size_t j = 0; j < window->columns; j++) {
                const fvi_vf v =
                    load((const float *)cells + (ptrdiff_t)i * window->row + (ptrdiff_t)j * window->pixel + c, left);
                sum += v * v;
            }
        sum = fvi_vf_splat((float)norm->k) + fvi_vf_splat((float)norm->alpha) * sum;
        store((float *)y + c, left, load((const float *)x + c, left) * power(norm, sum));
        if (s != NULL)
            store((float *)s + c, left, sum);
    }
}

void FVI_ISA_NAME(fvi_local_terms_f32)(const fvi_local_norm *norm, size_t count, const void *x, const void *dy,
                                       const void *s, void *t)
{
    const fvi_vf one = fvi_vf_splat(1.0f);
    for (size_t i = 0; i < count; i += LANES) {
        const size_t left = count - i;
        fvi_vf sum = load((const float *)s + i, left);
        if (left < LANES)
            sum = fvi_vf_select(sum > 0.0f, sum, one); /* lanes beyond the end */
        const fvi_vf product = load((const float *)dy + i, left) * load((const float *)x + i, left);
        store((float *)t + i, left, product * power(norm, sum) / sum);
    }
}

void FVI_ISA_NAME(fvi_local_within_backward_f32)(const fvi_local_norm *norm, const fvi_local_window *window,
                                                 const void *cells, const void *x, const void *dy, const void *s,
                                                 void *dx)
{
    const fvi_vf twice = fvi_vf_splat((float)(2 * norm->alpha * norm->beta));
    for (size_t c = 0; c < window->channels; c += LANES) {
        const size_t left = window->channels - c;
        fvi_vf sum = { 0 };
        for (size_t i = 0; i < window->rows; i++)
            for (size_t j = 0; j < window->columns; j++)
                sum += load((const float *)cells + (ptrdiff_t)i * window->row + (ptrdiff_t)j * window->pixel + c, left);
        const fvi_vf own = load((const float *)dy + c, left) * power(norm, load((const float *)s + c, left));
        store((float *)dx + c, left, own - twice * load((const float *)x + c, left) * sum);
    }
}
