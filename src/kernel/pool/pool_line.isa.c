/* SPDX-License-Identifier: Apache-2.0
 *
 * pool_line.isa.c - pooling in float32 where windows have one row and images one channel: along the channels of a pixel,
 * and along a sequence of one feature. A vector of neighbouring windows at a time; the bits of pool.real.c.
 */
#include "kernel/pool/pool.h"
#include "kernel/vector.h"

enum { LANES = FVI_ISA_LANES };

typedef uint8_t vector_u8 __attribute__((vector_size(FVI_ISA_LANES)));

/* LANES numbers, `step` apart. */
FVI_INLINE fvi_vf gather(const float *from, ptrdiff_t step)
{
    if (step == 1)
        return fvi_vf_load(from);
    fvi_vf v = { 0 };
#pragma GCC unroll 16
    for (int lane = 0; lane < LANES; lane++)
        v[lane] = from[lane * step];
    return v;
}

FVI_INLINE void scatter(float *to, ptrdiff_t step, fvi_vf v)
{
    if (step == 1) {
        fvi_vf_store(to, v);
        return;
    }
#pragma GCC unroll 16
    for (int lane = 0; lane < LANES; lane++)
        to[lane * step] = v[lane];
}

/* Windows [first, last) of a line are not cut by its ends. */
typedef struct uncut {
    int32_t first, last;
} uncut;

static uncut find_uncut(const fvi_pool_shape *shape)
{
    const int32_t stride = shape->stride[1], room = shape->w + shape->pad[1] - shape->kernel[1];
    const int32_t first = (shape->pad[1] + stride - 1) / stride, last = room < 0 ? 0 : room / stride + 1;
    const uncut windows = { first, last < shape->ow ? last : shape->ow };
    return windows;
}

/* LANES windows from ox on. line: pixel 0. */
FVI_INLINE void pool_lanes(const fvi_pool_shape *shape, bool max, int32_t ox, const float *line, float *y,
                           uint8_t *index)
{
    const ptrdiff_t step = shape->stride[1] * shape->x_pixel;
    const float *x = line + ((ptrdiff_t)ox * shape->stride[1] - shape->pad[1]) * shape->x_pixel;
    fvi_vf result = max ? gather(x, step) : (fvi_vf){ 0 };
    fvi_vi winner = { 0 };
    for (int32_t s = max ? 1 : 0; s < shape->kernel[1]; s++) {
        const fvi_vf value = gather(x + s * shape->x_pixel, step);
        if (!max) {
            result += value;
            continue;
        }
        const fvi_vi better = ~(value <= result) & (result == result); /* greater, or the first NaN */
        result = fvi_vf_select(better, value, result);
        winner = fvi_vi_select(better, fvi_vi_splat(s), winner);
    }
    if (!max)
        result /= fvi_vf_splat((float)shape->kernel[1]);
    scatter(y + ox * shape->y_pixel, shape->y_pixel, result);
    if (index) {
        const vector_u8 narrow = __builtin_convertvector(winner, vector_u8);
        memcpy(index + ox, &narrow, sizeof narrow);
    }
}

/* One window, cut or not. */
static void pool_one(const fvi_pool_shape *shape, bool max, int32_t ox, const float *line, float *y, uint8_t *index)
{
    const fvi_pool_span columns = fvi_pool_span_of(shape, 1, ox);
    const float *x = line + columns.start * shape->x_pixel;
    float result = max ? x[columns.first * shape->x_pixel] : 0;
    int32_t winner = columns.first;
    for (int32_t s = columns.first + (max ? 1 : 0); s < columns.last; s++) {
        const float value = x[s * shape->x_pixel];
        if (!max) {
            result += value;
        } else if (!(value <= result) && result == result) {
            result = value;
            winner = s;
        }
    }
    y[ox * shape->y_pixel] = max ? result : result / (float)fvi_pool_counted(shape, 1, columns);
    if (index)
        index[ox] = (uint8_t)winner;
}

FVI_INLINE void pool_line(const fvi_pool_shape *shape, int32_t oy, bool max, const float *x, float *y, uint8_t *index)
{
    const float *line = x + (ptrdiff_t)oy * shape->stride[0] * shape->x_row;
    const uncut windows = find_uncut(shape);
    int32_t ox = 0;
    y += oy * shape->y_row;
    for (; ox < windows.first && ox < shape->ow; ox++)
        pool_one(shape, max, ox, line, y, index);
    for (; ox + LANES <= windows.last; ox += LANES)
        pool_lanes(shape, max, ox, line, y, index);
    for (; ox < shape->ow; ox++)
        pool_one(shape, max, ox, line, y, index);
}

void FVI_ISA_NAME(fvi_max_pool_line_f32)(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y, void *index)
{
    if (index)
        pool_line(shape, oy, true, x, y, index);
    else
        pool_line(shape, oy, true, x, y, NULL);
}

void FVI_ISA_NAME(fvi_average_pool_line_f32)(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y)
{
    pool_line(shape, oy, false, x, y, NULL);
}

/* Backward: one window after the other, which may share cells. */

static void clear(const fvi_pool_shape *shape, float *dx)
{
    for (int32_t h = 0; h < shape->h; h++)
        for (int32_t w = 0; w < shape->w; w++)
            dx[h * shape->x_row + w * shape->x_pixel] = 0;
}

void FVI_ISA_NAME(fvi_max_pool_line_backward_f32)(const fvi_pool_shape *shape, const void *dy, const void *index,
                                                  void *dx)
{
    const uint8_t *taps = index;
    clear(shape, dx);
    for (int32_t oy = 0; oy < shape->oh; oy++, taps += shape->ow) {
        const float *up = (const float *)dy + oy * shape->y_row;
        float *down = (float *)dx + (ptrdiff_t)oy * shape->stride[0] * shape->x_row - shape->pad[1] * shape->x_pixel;
        for (int32_t ox = 0; ox < shape->ow; ox++)
            down[((ptrdiff_t)ox * shape->stride[1] + taps[ox]) * shape->x_pixel] += up[ox * shape->y_pixel];
    }
}

void FVI_ISA_NAME(fvi_average_pool_line_backward_f32)(const fvi_pool_shape *shape, const void *dy, void *dx)
{
    clear(shape, dx);
    for (int32_t oy = 0; oy < shape->oh; oy++) {
        const float *up = (const float *)dy + oy * shape->y_row;
        float *line = (float *)dx + (ptrdiff_t)oy * shape->stride[0] * shape->x_row;
        for (int32_t ox = 0; ox < shape->ow; ox++) {
            const fvi_pool_span columns = fvi_pool_span_of(shape, 1, ox);
            const float share = up[ox * shape->y_pixel] / (float)fvi_pool_counted(shape, 1, columns);
            for (int32_t s = columns.start + columns.first; s < columns.start + columns.last; s++)
                line[s * shape->x_pixel] += share;
        }
    }
}
