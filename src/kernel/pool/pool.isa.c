/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.isa.c - max and average pooling in float32, a vector of channels at a time: the bits of pool.real.c.
 *
 * A row of windows is walked in spans: those that the image's left or right edge cuts one by one, the others together, with
 * the commonest sizes (2x2, 3x3) known to the compiler. With at least a vector of channels, the last vector overlaps the
 * one before. With fewer (6, 8, 16), whole vectors are still read and written where the lanes beyond the pixel fall on later
 * pixels of the same row: what is read there does not matter, and what is written there is written again, rightly, when its own
 * turn comes. Masks are left for the end of a row and for slices of wider pixels.
 */
#include "kernel/pool/pool.h"
#include "kernel/vector.h"

enum { LANES = FVI_ISA_LANES };

typedef uint8_t vector_u8 __attribute__((vector_size(FVI_ISA_LANES)));

/* The channels of one vector at some channel of a pixel: all lanes, or the first of them. */
typedef struct lanes {
    fvi_vmask mask;
    int32_t count;
} lanes;

static lanes first_lanes(int32_t channels)
{
    const int32_t count = channels < LANES ? channels : LANES;
    const lanes part = { fvi_vmask_first((size_t)count), count };
    return part;
}

FVI_INLINE fvi_vf load(const float *from, lanes part, bool whole)
{
    return whole ? fvi_vf_load(from) : fvi_vf_load_masked(from, part.mask);
}

FVI_INLINE void store(float *to, fvi_vf v, lanes part, bool whole)
{
    if (whole)
        fvi_vf_store(to, v);
    else
        fvi_vf_store_masked(to, v, part.mask);
}

FVI_INLINE void store_index(uint8_t *to, fvi_vi taps, lanes part, bool whole)
{
    const vector_u8 narrow = __builtin_convertvector(taps, vector_u8);
    if (whole)
        memcpy(to, &narrow, sizeof narrow);
    else
        for (int32_t i = 0; i < part.count; i++)
            to[i] = narrow[i];
}

FVI_INLINE fvi_vi load_index(const uint8_t *from, lanes part, bool whole)
{
    vector_u8 narrow = { 0 };
    if (whole)
        memcpy(&narrow, from, sizeof narrow);
    else
        for (int32_t i = 0; i < part.count; i++)
            narrow[i] = from[i];
    return __builtin_convertvector(narrow, fvi_vi);
}

/* Windows [first, first + count) of one output row that have the same cut: `columns` taps from column `column` of the image
 * in the first of them, the first of them tap `tap` of the kernel. */
typedef struct span {
    int32_t first, count;
    int32_t row, rows; /* of the image, inside it */
    int32_t column, columns;
    int32_t tap;
    float divisor; /* average */
    bool whole;    /* whole vectors may be read and written at every pixel */
} span;

/* True when a whole vector at pixel `at` of a row of `pixels` ends inside the row's data. */
static bool fits(int32_t at, int32_t pixels, ptrdiff_t pixel_stride, int32_t channels)
{
    return (pixels - 1 - at) * pixel_stride + channels >= LANES;
}

/* Whether whole vectors may be used at output ox, whose window's last column is `last`. x is only read in a forward pass; in a
 * backward pass it is written, so its pixels must be dense too. */
static bool whole_allowed(const fvi_pool_shape *shape, int32_t ox, int32_t last, bool writes_x)
{
    if (shape->c >= LANES)
        return true;
    return (writes_x || shape->y_pixel == shape->c) && (!writes_x || shape->x_pixel == shape->c) &&
           fits(ox, shape->ow, shape->y_pixel, shape->c) && fits(last, shape->w, shape->x_pixel, shape->c);
}

/* The span that begins at output ox of row oy. */
static span span_at(const fvi_pool_shape *shape, fvi_pool_span rows, int32_t ox, bool writes_x)
{
    const fvi_pool_span columns = fvi_pool_span_of(shape, 1, ox);
    span at = {
        .first = ox,
        .count = 1,
        .row = rows.start + rows.first,
        .rows = rows.last - rows.first,
        .column = columns.start + columns.first,
        .columns = columns.last - columns.first,
        .tap = rows.first * shape->kernel[1] + columns.first,
        .divisor = (float)fvi_pool_counted(shape, 0, rows) * (float)fvi_pool_counted(shape, 1, columns),
        .whole = whole_allowed(shape, ox, columns.start + columns.last - 1, writes_x),
    };
    if (at.columns != shape->kernel[1])
        return at;
    /* More windows that are not cut, have the same divisor (which padding on the right leaves alone) and the same lanes: whole vectors end
     * to the right. */
    const int32_t uncut = (shape->w - shape->kernel[1] - columns.start) / shape->stride[1] + 1, left = shape->ow - ox;
    at.count = uncut < left ? uncut : left;
    while (at.whole && at.count > 1 &&
           !whole_allowed(shape, ox + at.count - 1,
                          columns.start + (at.count - 1) * shape->stride[1] + shape->kernel[1] - 1, writes_x))
        at.count--;
    return at;
}

/* The largest of rows x columns taps, and which it is. */
FVI_INLINE fvi_vf max_of(const fvi_pool_shape *shape, const float *x, int32_t rows, int32_t columns, int32_t tap,
                         lanes part, bool whole, fvi_vi *taps)
{
    fvi_vf best = load(x, part, whole);
    fvi_vi winner = fvi_vi_splat(tap);
#pragma GCC unroll 3
    for (int32_t r = 0; r < rows; r++) {
#pragma GCC unroll 3
        for (int32_t s = 0; s < columns; s++) {
            if (r == 0 && s == 0)
                continue;
            const fvi_vf value = load(x + r * shape->x_row + s * shape->x_pixel, part, whole);
            /* Greater, or the first NaN. */
            const fvi_vi better = ~(value <= best) & (best == best);
            best = fvi_vf_select(better, value, best);
            const fvi_vi here = fvi_vi_splat(tap + r * shape->kernel[1] + s);
            winner = fvi_vf_bits(fvi_vf_select(better, fvi_vf_from_bits(here), fvi_vf_from_bits(winner)));
        }
    }
    *taps = winner;
    return best;
}

FVI_INLINE fvi_vf sum_of(const fvi_pool_shape *shape, const float *x, int32_t rows, int32_t columns, lanes part,
                         bool whole)
{
    fvi_vf sum = { 0 };
#pragma GCC unroll 3
    for (int32_t r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int32_t s = 0; s < columns; s++)
            sum += load(x + r * shape->x_row + s * shape->x_pixel, part, whole);
    return sum;
}

/* One vector of outputs, max or average. */
FVI_INLINE void pool_vector(const fvi_pool_shape *shape, const span *at, bool max, const float *x, float *y,
                            uint8_t *index, int32_t rows, int32_t columns, lanes part, bool whole)
{
    fvi_vi taps;
    if (!max) {
        const fvi_vf sum = sum_of(shape, x, rows, columns, part, whole);
        store(y, sum / fvi_vf_splat(at->divisor), part, whole);
        return;
    }
    store(y, max_of(shape, x, rows, columns, at->tap, part, whole, &taps), part, whole);
    if (index)
        store_index(index, taps, part, whole);
}

/* The windows of a span, whose size is given again so that it can be a constant. */
FVI_INLINE void pool_span(const fvi_pool_shape *shape, const span *at, bool max, const float *x, float *y,
                          uint8_t *index, int32_t rows, int32_t columns, bool whole)
{
    const lanes part = first_lanes(shape->c);
    const int32_t channels = shape->c, last = channels - LANES;
    const ptrdiff_t step = shape->stride[1] * shape->x_pixel;
    for (int32_t i = 0; i < at->count; i++, x += step, y += shape->y_pixel) {
        int32_t c = 0;
        for (; c <= last; c += LANES)
            pool_vector(shape, at, max, x + c, y + c, index ? index + c : NULL, rows, columns, part, true);
        if (c < channels) {
            c = last < 0 ? 0 : last;
            pool_vector(shape, at, max, x + c, y + c, index ? index + c : NULL, rows, columns, part, whole);
        }
        index = index ? index + channels : NULL;
    }
}

FVI_INLINE void pool_row(const fvi_pool_shape *shape, int32_t oy, bool max, const float *x, float *y, uint8_t *index)
{
    const fvi_pool_span rows = fvi_pool_span_of(shape, 0, oy);
    y += oy * shape->y_row;
    for (int32_t ox = 0; ox < shape->ow;) {
        const span at = span_at(shape, rows, ox, false);
        const float *from = x + at.row * shape->x_row + at.column * shape->x_pixel;
        float *to = y + ox * shape->y_pixel;
        uint8_t *taps = index ? index + (ptrdiff_t)ox * shape->c : NULL;
        if (!at.whole)
            pool_span(shape, &at, max, from, to, taps, at.rows, at.columns, false);
        else if (at.rows == 2 && at.columns == 2)
            pool_span(shape, &at, max, from, to, taps, 2, 2, true);
        else if (at.rows == 3 && at.columns == 3)
            pool_span(shape, &at, max, from, to, taps, 3, 3, true);
        else
            pool_span(shape, &at, max, from, to, taps, at.rows, at.columns, true);
        ox += at.count;
    }
}

/* Windows of one row over one channel, of at most 256 cells, have kernels of their own. */
static bool is_line(const fvi_pool_shape *shape)
{
    return shape->c == 1 && shape->kernel[0] == 1 && !shape->wide_index;
}

void FVI_ISA_NAME(fvi_max_pool_row_f32)(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y, void *index)
{
    if (is_line(shape))
        FVI_ISA_NAME(fvi_max_pool_line_f32)(shape, oy, x, y, index);
    else if (index && shape->wide_index)
        fvi_max_pool_row_reference_f32(shape, oy, x, y, index);
    else if (index)
        pool_row(shape, oy, true, x, y, index);
    else
        pool_row(shape, oy, true, x, y, NULL);
}

void FVI_ISA_NAME(fvi_average_pool_row_f32)(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y)
{
    if (is_line(shape))
        FVI_ISA_NAME(fvi_average_pool_line_f32)(shape, oy, x, y);
    else
        pool_row(shape, oy, false, x, y, NULL);
}

/* Backward. Where windows tile the image, each cell is written once; else the image is cleared and gradients are added. */

static void clear_image(const fvi_pool_shape *shape, float *dx)
{
    for (int32_t h = 0; h < shape->h; h++) {
        float *row = dx + h * shape->x_row;
        if (shape->x_pixel == shape->c) {
            memset(row, 0, (size_t)shape->w * (size_t)shape->c * sizeof *row);
            continue;
        }
        for (int32_t w = 0; w < shape->w; w++)
            memset(row + w * shape->x_pixel, 0, (size_t)shape->c * sizeof *row);
    }
}

/* Every cell of the image is in exactly one window. */
static bool tiles(const fvi_pool_shape *shape)
{
    return shape->stride[0] == shape->kernel[0] && shape->stride[1] == shape->kernel[1] &&
           (int64_t)shape->oh * shape->kernel[0] - shape->pad[0] >= shape->h &&
           (int64_t)shape->ow * shape->kernel[1] - shape->pad[1] >= shape->w;
}

/* What the backward pass of a span does. */
typedef struct spread_kind {
    bool max, add;
} spread_kind;

/* One vector of gradients to its window at dx. dy and index are read with whole_y, dx is written with whole_x. */
FVI_INLINE void spread_vector(const fvi_pool_shape *shape, const span *at, spread_kind kind, const float *dy,
                              const uint8_t *index, float *dx, int32_t rows, int32_t columns, lanes part, bool whole_y,
                              bool whole_x)
{
    const fvi_vf zero = { 0 };
    fvi_vf g = load(dy, part, whole_y);
    fvi_vi winner = { 0 };
    if (kind.max)
        winner = load_index(index, part, whole_y);
    else
        g /= fvi_vf_splat(at->divisor);
    g += zero; /* -0 becomes 0, as in the reference, which adds it to a zero */
#pragma GCC unroll 3
    for (int32_t r = 0; r < rows; r++) {
#pragma GCC unroll 3
        for (int32_t s = 0; s < columns; s++) {
            float *to = dx + r * shape->x_row + s * shape->x_pixel;
            const fvi_vi here = winner == fvi_vi_splat(at->tap + r * shape->kernel[1] + s);
            const fvi_vf share = kind.max ? fvi_vf_from_bits(here & fvi_vf_bits(g)) : g;
            store(to, kind.add ? load(to, part, whole_x) + share : share, part, whole_x);
        }
    }
}

/* The windows of a span. Adding, the last vector of channels may not overlap the one before, and lanes beyond the pixel must
 * carry zeros: it is masked. */
FVI_INLINE void spread_span(const fvi_pool_shape *shape, const span *at, spread_kind kind, const float *dy,
                            const uint8_t *index, float *dx, int32_t rows, int32_t columns, bool whole)
{
    const int32_t channels = shape->c, last = channels - LANES;
    const bool few = last < 0;
    const lanes part = first_lanes(few || !kind.add ? channels : channels % LANES);
    const ptrdiff_t step = shape->stride[1] * shape->x_pixel;
    for (int32_t i = 0; i < at->count; i++, dx += step, dy += shape->y_pixel) {
        int32_t c = 0;
        for (; c <= last; c += LANES)
            spread_vector(shape, at, kind, dy + c, index + (kind.max ? c : 0), dx + c, rows, columns, part, true, true);
        if (c < channels) {
            c = few ? 0 : kind.add ? c : last;
            spread_vector(shape, at, kind, dy + c, index + (kind.max ? c : 0), dx + c, rows, columns, part,
                          whole && !kind.add, whole && (few || !kind.add));
        }
        index += kind.max ? channels : 0;
    }
}

FVI_INLINE void spread_image(const fvi_pool_shape *shape, spread_kind kind, const float *dy, const uint8_t *index,
                             float *dx)
{
    for (int32_t oy = 0; oy < shape->oh; oy++) {
        const fvi_pool_span rows = fvi_pool_span_of(shape, 0, oy);
        for (int32_t ox = 0; ox < shape->ow;) {
            const span at = span_at(shape, rows, ox, true);
            const float *from = dy + oy * shape->y_row + ox * shape->y_pixel;
            const uint8_t *taps = index + (kind.max ? ((ptrdiff_t)oy * shape->ow + ox) * shape->c : 0);
            float *to = dx + at.row * shape->x_row + at.column * shape->x_pixel;
            if (!at.whole)
                spread_span(shape, &at, kind, from, taps, to, at.rows, at.columns, false);
            else if (at.rows == 2 && at.columns == 2)
                spread_span(shape, &at, kind, from, taps, to, 2, 2, true);
            else if (at.rows == 3 && at.columns == 3)
                spread_span(shape, &at, kind, from, taps, to, 3, 3, true);
            else
                spread_span(shape, &at, kind, from, taps, to, at.rows, at.columns, true);
            ox += at.count;
        }
    }
}

void FVI_ISA_NAME(fvi_max_pool_backward_f32)(const fvi_pool_shape *shape, const void *dy, const void *index, void *dx)
{
    if (is_line(shape)) {
        FVI_ISA_NAME(fvi_max_pool_line_backward_f32)(shape, dy, index, dx);
    } else if (shape->wide_index) {
        fvi_max_pool_backward_reference_f32(shape, dy, index, dx);
    } else if (tiles(shape)) {
        spread_image(shape, (spread_kind){ .max = true }, dy, index, dx);
    } else {
        clear_image(shape, dx);
        spread_image(shape, (spread_kind){ .max = true, .add = true }, dy, index, dx);
    }
}

void FVI_ISA_NAME(fvi_average_pool_backward_f32)(const fvi_pool_shape *shape, const void *dy, void *dx)
{
    static const uint8_t none[1] = { 0 };
    if (is_line(shape)) {
        FVI_ISA_NAME(fvi_average_pool_line_backward_f32)(shape, dy, dx);
    } else if (tiles(shape)) {
        spread_image(shape, (spread_kind){ .max = false }, dy, none, dx);
    } else {
        clear_image(shape, dx);
        spread_image(shape, (spread_kind){ .add = true }, dy, none, dx);
    }
}
