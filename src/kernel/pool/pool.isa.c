/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.isa.c - max and average pooling in float32, a vector of channels at a time: the bits of pool.real.c.
 *
 * With at least a vector of channels, the last vector overlaps the one before. With fewer (6, 8, 16), whole vectors are still
 * read and written where the lanes beyond the pixel fall on later pixels of the same row: what is read there does not matter, and
 * what is written there is written again, rightly, when its own turn comes. Masks are left for the end of a row and for
 * slices of wider pixels.
 */
#include "kernel/pool/pool.h"
#include "kernel/vector.h"

enum { LANES = FVI_ISA_LANES };

typedef uint8_t vector_u8 __attribute__((vector_size(FVI_ISA_LANES)));

/* The first `count` lanes of a vector at some channel of a pixel, or all of them. */
typedef struct lanes {
    fvi_vmask mask;
    int32_t count;
} lanes;

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
    memcpy(to, &narrow, whole ? (size_t)LANES : (size_t)part.count);
}

FVI_INLINE fvi_vi load_index(const uint8_t *from, lanes part, bool whole)
{
    vector_u8 narrow = { 0 };
    memcpy(&narrow, from, whole ? (size_t)LANES : (size_t)part.count);
    return __builtin_convertvector(narrow, fvi_vi);
}

/* True when a whole vector at pixel `at` of a row of `pixels` ends inside the row's data. */
static inline bool fits(int32_t at, int32_t pixels, ptrdiff_t pixel_stride, int32_t channels)
{
    return (pixels - 1 - at) * pixel_stride + channels >= LANES;
}

/* The taps of one window inside the image: x is the first of them. */
typedef struct window {
    const fvi_pool_shape *shape;
    const float *x;
    int32_t rows, columns, first_tap;
} window;

FVI_INLINE fvi_vf max_of(const window *at, int32_t channel, int32_t rows, int32_t columns, lanes part, bool whole,
                         fvi_vi *taps)
{
    const float *row = at->x + channel;
    fvi_vf best = load(row, part, whole);
    fvi_vi winner = fvi_vi_splat(at->first_tap);
    for (int32_t r = 0; r < rows; r++, row += at->shape->x_row) {
        for (int32_t s = r == 0; s < columns; s++) {
            const fvi_vf value = load(row + s * at->shape->x_pixel, part, whole);
            /* Greater, or the first NaN. */
            const fvi_vi better = ~(value <= best) & (best == best);
            best = fvi_vf_select(better, value, best);
            winner = fvi_vi_select(better, fvi_vi_splat(at->first_tap + r * at->shape->kernel[1] + s), winner);
        }
    }
    *taps = winner;
    return best;
}

FVI_INLINE void max_vector(const window *at, int32_t channel, lanes part, bool whole, float *y, uint8_t *index)
{
    fvi_vi taps;
    fvi_vf best;
    /* The two commonest windows with their sizes known to the compiler. */
    if (at->rows == 2 && at->columns == 2)
        best = max_of(at, channel, 2, 2, part, whole, &taps);
    else if (at->rows == 3 && at->columns == 3)
        best = max_of(at, channel, 3, 3, part, whole, &taps);
    else
        best = max_of(at, channel, at->rows, at->columns, part, whole, &taps);
    store(y + channel, best, part, whole);
    if (index)
        store_index(index + channel, taps, part, whole);
}

/* Where a window's taps begin, cut at the edges. */
static window window_at(const fvi_pool_shape *shape, const float *x, fvi_pool_span rows, fvi_pool_span columns)
{
    const window at = {
        .shape = shape,
        .x = x + (rows.start + rows.first) * shape->x_row + (columns.start + columns.first) * shape->x_pixel,
        .rows = rows.last - rows.first,
        .columns = columns.last - columns.first,
        .first_tap = rows.first * shape->kernel[1] + columns.first,
    };
    return at;
}

/* Whether whole vectors may be used at output ox, whose window's last column is `last`. */
static bool whole_allowed(const fvi_pool_shape *shape, int32_t ox, int32_t last)
{
    if (shape->c >= LANES)
        return true;
    return shape->y_pixel == shape->c && fits(ox, shape->ow, shape->c, shape->c) &&
           fits(last, shape->w, shape->x_pixel, shape->c);
}

static lanes tail_lanes(const fvi_pool_shape *shape)
{
    const int32_t count = shape->c < LANES ? shape->c : LANES;
    const lanes part = { fvi_vmask_first((size_t)count), count };
    return part;
}

void FVI_ISA_NAME(fvi_max_pool_row_f32)(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y, void *index)
{
    if (index && shape->wide_index) {
        fvi_max_pool_row_reference_f32(shape, oy, x, y, index);
        return;
    }
    const fvi_pool_span rows = fvi_pool_span_of(shape, 0, oy);
    const lanes part = tail_lanes(shape);
    for (int32_t ox = 0; ox < shape->ow; ox++) {
        const fvi_pool_span columns = fvi_pool_span_of(shape, 1, ox);
        const window at = window_at(shape, x, rows, columns);
        float *out = (float *)y + oy * shape->y_row + ox * shape->y_pixel;
        uint8_t *taps = index ? (uint8_t *)index + (ptrdiff_t)ox * shape->c : NULL;
        if (!whole_allowed(shape, ox, columns.start + columns.last - 1)) {
            max_vector(&at, 0, part, false, out, taps);
            continue;
        }
        int32_t c = 0;
        for (; c + LANES <= shape->c; c += LANES)
            max_vector(&at, c, part, true, out, taps);
        if (c < shape->c)
            max_vector(&at, shape->c < LANES ? 0 : shape->c - LANES, part, true, out, taps);
    }
}

FVI_INLINE void average_vector(const window *at, int32_t channel, lanes part, bool whole, float divisor, float *y)
{
    const float *row = at->x + channel;
    fvi_vf sum = { 0 };
    for (int32_t r = 0; r < at->rows; r++, row += at->shape->x_row)
        for (int32_t s = 0; s < at->columns; s++)
            sum += load(row + s * at->shape->x_pixel, part, whole);
    store(y + channel, sum / fvi_vf_splat(divisor), part, whole);
}

static float divisor_of(const fvi_pool_shape *shape, fvi_pool_span rows, fvi_pool_span columns)
{
    return (float)fvi_pool_counted(shape, 0, rows) * (float)fvi_pool_counted(shape, 1, columns);
}

void FVI_ISA_NAME(fvi_average_pool_row_f32)(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y)
{
    const fvi_pool_span rows = fvi_pool_span_of(shape, 0, oy);
    const lanes part = tail_lanes(shape);
    for (int32_t ox = 0; ox < shape->ow; ox++) {
        const fvi_pool_span columns = fvi_pool_span_of(shape, 1, ox);
        const window at = window_at(shape, x, rows, columns);
        const float divisor = divisor_of(shape, rows, columns);
        float *out = (float *)y + oy * shape->y_row + ox * shape->y_pixel;
        if (!whole_allowed(shape, ox, columns.start + columns.last - 1)) {
            average_vector(&at, 0, part, false, divisor, out);
            continue;
        }
        int32_t c = 0;
        for (; c + LANES <= shape->c; c += LANES)
            average_vector(&at, c, part, true, divisor, out);
        if (c < shape->c)
            average_vector(&at, shape->c < LANES ? 0 : shape->c - LANES, part, true, divisor, out);
    }
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

/* Writes or adds one vector of gradient at each tap of a window where winner is the tap (any_tap: at every one). g is zero
 * beyond the part's lanes when it is added. */
FVI_INLINE void spread(const window *at, float *dx, fvi_vf g, fvi_vi winner, bool any_tap, bool add, lanes part, bool whole)
{
    const fvi_vf zero = { 0 };
    for (int32_t r = 0; r < at->rows; r++, dx += at->shape->x_row) {
        for (int32_t s = 0; s < at->columns; s++) {
            float *to = dx + s * at->shape->x_pixel;
            const fvi_vi here = winner == fvi_vi_splat(at->first_tap + r * at->shape->kernel[1] + s);
            const fvi_vf share = any_tap ? g : fvi_vf_select(here, g, zero);
            store(to, (add ? load(to, part, whole) : zero) + share, part, whole);
        }
    }
}

/* One output pixel: gradients dy / divisor (1 for max pooling) to its window at dx. */
FVI_INLINE void spread_pixel(const window *at, const float *dy, const uint8_t *index, float divisor, float *dx, bool add,
                             bool gradient_whole, bool whole)
{
    const int32_t channels = at->shape->c;
    const lanes all = tail_lanes(at->shape);
    int32_t c = 0;
    while (c < channels) {
        /* When adding, the last vector must not overlap, and lanes beyond the pixel must be zero. */
        const int32_t left = channels - c, count = left < LANES ? left : LANES;
        const bool full = count == LANES;
        const bool step_back = !full && channels >= LANES && !add;
        const int32_t from = step_back ? channels - LANES : c;
        const lanes part = full || step_back || channels < LANES ? all : (lanes){ fvi_vmask_first((size_t)count), count };
        const bool g_whole = full || step_back || (!add && gradient_whole);
        const bool to_whole = full || step_back || (channels < LANES && whole);
        fvi_vf g = load(dy + from, part, g_whole);
        fvi_vi winner = { 0 };
        if (index)
            winner = load_index(index + from, part, g_whole);
        else
            g /= fvi_vf_splat(divisor);
        spread(at, dx + from, g, winner, !index, add, part, to_whole);
        c += LANES;
    }
}

static void backward_image(const fvi_pool_shape *shape, const float *dy, const uint8_t *index, bool average, float *dx)
{
    const bool add = !tiles(shape);
    if (add)
        clear_image(shape, dx);
    for (int32_t oy = 0; oy < shape->oh; oy++) {
        const fvi_pool_span rows = fvi_pool_span_of(shape, 0, oy);
        for (int32_t ox = 0; ox < shape->ow; ox++) {
            const fvi_pool_span columns = fvi_pool_span_of(shape, 1, ox);
            const window at = window_at(shape, dx, rows, columns);
            const float *up = dy + oy * shape->y_row + ox * shape->y_pixel;
            const uint8_t *taps = average ? NULL : index + ((ptrdiff_t)oy * shape->ow + ox) * shape->c;
            const float divisor = average ? divisor_of(shape, rows, columns) : 1;
            float *down = dx + (at.x - dx);
            const int32_t last = columns.start + columns.last - 1;
            const bool gradient_whole = shape->y_pixel == shape->c && fits(ox, shape->ow, shape->c, shape->c);
            /* Lanes beyond the pixel fall on later pixels: harmless in dense rows, written later or added zeros. */
            const bool whole = shape->x_pixel == shape->c && fits(last, shape->w, shape->c, shape->c);
            if (add)
                spread_pixel(&at, up, taps, divisor, down, true, gradient_whole, whole);
            else
                spread_pixel(&at, up, taps, divisor, down, false, gradient_whole, whole);
        }
    }
}

void FVI_ISA_NAME(fvi_max_pool_backward_f32)(const fvi_pool_shape *shape, const void *dy, const void *index, void *dx)
{
    if (shape->wide_index)
        fvi_max_pool_backward_reference_f32(shape, dy, index, dx);
    else
        backward_image(shape, dy, index, false, dx);
}

void FVI_ISA_NAME(fvi_average_pool_backward_f32)(const fvi_pool_shape *shape, const void *dy, void *dx)
{
    backward_image(shape, dy, NULL, true, dx);
}
