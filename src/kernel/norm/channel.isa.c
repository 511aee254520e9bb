/* SPDX-License-Identifier: Apache-2.0
 *
 * channel.isa.c - the kernels of channel.h in float32, a vector of channels at a time, several vectors at once so that the
 * sums of one do not wait for each other. The bits of channel.real.c.
 */
#include "kernel/vector.h"

enum {
    LANES = FVI_ISA_LANES,
    MOST = 4 /* vectors at once */,
    GATED = 2 /* of kernels with more numbers a channel */,
    UNDONE = 1024
};

/* Which channels a block has: `vectors` whole ones, or (vectors 1) the first `rest` lanes of one. */
FVI_INLINE fvi_vf load(const float *from, int vector, size_t rest)
{
    return rest > 0 ? fvi_vf_load_first(from, rest) : fvi_vf_load(from + vector * LANES);
}

FVI_INLINE void store(float *to, int vector, size_t rest, fvi_vf v)
{
    if (rest > 0)
        fvi_vf_store_first(to, v, rest);
    else
        fvi_vf_store(to + vector * LANES, v);
}

/* What a kernel reads and writes. */
typedef struct operands {
    const fvi_pixels *pixels;
    const float *x, *dy, *mean, *factors; /* factors: shift, ab or abk */
    const float *gate;                    /* ab before an activation */
    float *sum, *products, *y;
} operands;

typedef void block_fn(size_t first, int vectors, size_t rest, operands o);

/* All channels: MOST vectors at a time, then one, then a part of one. */
FVI_INLINE void each_block(operands o, block_fn *block)
{
    const size_t channels = o.pixels->channels;
    size_t first = 0;
    for (; first + MOST * LANES <= channels; first += MOST * LANES)
        block(first, MOST, 0, o);
    for (; first + LANES <= channels; first += LANES)
        block(first, 1, 0, o);
    if (first < channels)
        block(first, 1, channels - first, o);
}

FVI_INLINE void sum_block(size_t first, int vectors, size_t rest, operands o)
{
    const fvi_pixels *pixels = o.pixels;
    const float *x = o.x;
    float *sum = o.sum;
    fvi_vf even[MOST] = { { 0 } }, odd[MOST] = { { 0 } };
    size_t i = 0;
    x += first;
    sum += first;
    for (; i + 2 <= pixels->count; i += 2, x += 2 * pixels->x) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            even[v] += load(x, v, rest);
            odd[v] += load(x + pixels->x, v, rest);
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        if (i < pixels->count)
            even[v] += load(x, v, rest);
        store(sum, v, rest, load(sum, v, rest) + (even[v] + odd[v]));
    }
}

void FVI_ISA_NAME(fvi_channel_sum_f32)(const fvi_pixels *pixels, const void *x, void *sum)
{
    const operands o = { .pixels = pixels, .x = x, .sum = sum };
    each_block(o, sum_block);
}

FVI_INLINE void moments_block(size_t first, int vectors, size_t rest, operands o)
{
    const fvi_pixels *pixels = o.pixels;
    const float *x = o.x, *shift = o.factors;
    float *sum = o.sum, *squares = o.products;
    fvi_vf pivot[MOST], part[2][MOST] = { { { 0 } } }, square[2][MOST] = { { { 0 } } };
    size_t i = 0;
    x += first;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
        pivot[v] = load(shift + first, v, rest);
    for (; i + 2 <= pixels->count; i += 2, x += 2 * pixels->x) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            const fvi_vf even = load(x, v, rest) - pivot[v], odd = load(x + pixels->x, v, rest) - pivot[v];
            part[0][v] += even;
            part[1][v] += odd;
            square[0][v] += even * even;
            square[1][v] += odd * odd;
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        if (i < pixels->count) {
            const fvi_vf even = load(x, v, rest) - pivot[v];
            part[0][v] += even;
            square[0][v] += even * even;
        }
        store(sum + first, v, rest, load(sum + first, v, rest) + (part[0][v] + part[1][v]));
        store(squares + first, v, rest, load(squares + first, v, rest) + (square[0][v] + square[1][v]));
    }
}

void FVI_ISA_NAME(fvi_channel_moments_f32)(const fvi_pixels *pixels, const void *x, const void *shift, void *sum,
                                           void *squares)
{
    const operands o = { .pixels = pixels, .x = x, .factors = shift, .sum = sum, .products = squares };
    each_block(o, moments_block);
}

FVI_INLINE void products_block(size_t first, int vectors, size_t rest, operands o)
{
    const fvi_pixels *pixels = o.pixels;
    const float *x = o.x, *dy = o.dy, *mean = o.mean;
    float *sum = o.sum, *products = o.products;
    fvi_vf part[2][MOST] = { { { 0 } } }, product[2][MOST] = { { { 0 } } }, high[MOST], low[MOST];
    size_t i = 0;
    x += first;
    dy += first;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        high[v] = load(mean + first, v, rest);
        low[v] = load(mean + pixels->channels + first, v, rest);
    }
    for (; i + 2 <= pixels->count; i += 2, x += 2 * pixels->x, dy += 2 * pixels->dy) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            const fvi_vf even = load(dy, v, rest), odd = load(dy + pixels->dy, v, rest);
            part[0][v] += even;
            part[1][v] += odd;
            product[0][v] += even * ((load(x, v, rest) - high[v]) - low[v]);
            product[1][v] += odd * ((load(x + pixels->x, v, rest) - high[v]) - low[v]);
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        if (i < pixels->count) {
            const fvi_vf even = load(dy, v, rest);
            part[0][v] += even;
            product[0][v] += even * ((load(x, v, rest) - high[v]) - low[v]);
        }
        store(sum + first, v, rest, load(sum + first, v, rest) + (part[0][v] + part[1][v]));
        store(products + first, v, rest, load(products + first, v, rest) + (product[0][v] + product[1][v]));
    }
}

void FVI_ISA_NAME(fvi_channel_products_f32)(const fvi_pixels *pixels, const void *x, const void *dy, const void *mean,
                                            void *sum, void *products)
{
    const operands o = { .pixels = pixels, .x = x, .dy = dy, .mean = mean, .sum = sum, .products = products };
    each_block(o, products_block);
}

FVI_INLINE fvi_vf same(fvi_vf v)
{
    return v;
}

FVI_INLINE fvi_vf relu(fvi_vf v)
{
    return fvi_vf_max((fvi_vf){ 0 }, v); /* a NaN stays */
}

typedef fvi_vf map_fn(fvi_vf v);

/* One pixel. */
FVI_INLINE void finish_pixel(size_t channels, const float *x, float *y, map_fn *map)
{
    size_t c = 0;
    for (; c + LANES <= channels; c += LANES)
        fvi_vf_store(y + c, map(x != NULL ? fvi_vf_load(y + c) + fvi_vf_load(x + c) : fvi_vf_load(y + c)));
    if (c == channels)
        return;
    const fvi_vmask rest = fvi_vmask_first(channels - c);
    const fvi_vf v = fvi_vf_load_masked(y + c, rest);
    fvi_vf_store_masked(y + c, map(x != NULL ? v + fvi_vf_load_masked(x + c, rest) : v), rest);
}

/* All pixels, as one where they lie side by side. */
FVI_INLINE void finish(const fvi_pixels *pixels, const float *x, float *y, map_fn *map)
{
    const ptrdiff_t channels = (ptrdiff_t)pixels->channels;
    if (pixels->y == channels && (x == NULL || pixels->x == channels)) {
        finish_pixel(pixels->channels * pixels->count, x, y, map);
        return;
    }
    for (size_t i = 0; i < pixels->count; i++, y += pixels->y) {
        finish_pixel(pixels->channels, x, y, map);
        if (x != NULL)
            x += pixels->x;
    }
}

void FVI_ISA_NAME(fvi_channel_finish_f32)(const fvi_pixels *pixels, const fvi_activation *f, const void *x, void *y)
{
    const bool rectifies = f != NULL && f->kind == FVI_RELU;
    if (rectifies && x != NULL)
        finish(pixels, x, y, relu);
    else if (rectifies)
        finish(pixels, NULL, y, relu);
    else if (x != NULL)
        finish(pixels, x, y, same);
    if (f == NULL || rectifies)
        return;
    const size_t joined = pixels->y == (ptrdiff_t)pixels->channels ? pixels->count : 1;
    for (size_t i = 0; i < pixels->count; i += joined) {
        float *pixel = (float *)y + (ptrdiff_t)i * pixels->y;
        FVI_ISA_NAME(fvi_activation_f32)(f, joined * pixels->channels, pixel, pixel);
    }
}

FVI_INLINE void scale_block(size_t first, int vectors, size_t rest, operands o)
{
    const fvi_pixels *pixels = o.pixels;
    const float *x = o.x, *ab = o.factors;
    float *y = o.y;
    fvi_vf a[MOST], b[MOST];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        a[v] = load(ab + first, v, rest);
        b[v] = load(ab + pixels->channels + first, v, rest);
    }
    x += first;
    y += first;
    for (size_t i = 0; i < pixels->count; i++, x += pixels->x, y += pixels->y) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            store(y, v, rest, load(x, v, rest) * a[v] + b[v]);
    }
}

void FVI_ISA_NAME(fvi_channel_scale_f32)(const fvi_pixels *pixels, const void *x, const void *ab, void *y)
{
    const operands o = { .pixels = pixels, .x = x, .factors = ab, .y = y };
    each_block(o, scale_block);
}

FVI_INLINE void normalize_block(size_t first, int vectors, size_t rest, operands o)
{
    const fvi_pixels *pixels = o.pixels;
    const float *x = o.x, *mean = o.mean, *ab = o.factors;
    float *y = o.y;
    fvi_vf high[MOST], low[MOST], a[MOST], b[MOST];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        high[v] = load(mean + first, v, rest);
        low[v] = load(mean + pixels->channels + first, v, rest);
        a[v] = load(ab + first, v, rest);
        b[v] = load(ab + pixels->channels + first, v, rest);
    }
    x += first;
    y += first;
    for (size_t i = 0; i < pixels->count; i++, x += pixels->x, y += pixels->y) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            store(y, v, rest, ((load(x, v, rest) - high[v]) - low[v]) * a[v] + b[v]);
    }
}

void FVI_ISA_NAME(fvi_channel_normalize_f32)(const fvi_pixels *pixels, const void *x, const void *mean, const void *ab,
                                             void *y)
{
    const operands o = { .pixels = pixels, .x = x, .mean = mean, .factors = ab, .y = y };
    each_block(o, normalize_block);
}

FVI_INLINE void backward_block(size_t first, int vectors, size_t rest, operands o)
{
    const fvi_pixels *pixels = o.pixels;
    const float *x = o.x, *dy = o.dy, *mean = o.mean, *abk = o.factors;
    float *dx = o.y;
    const size_t channels = pixels->channels;
    fvi_vf high[MOST], low[MOST], a[MOST], b[MOST], k[MOST];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        high[v] = load(mean + first, v, rest);
        low[v] = load(mean + channels + first, v, rest);
        a[v] = load(abk + first, v, rest);
        b[v] = load(abk + channels + first, v, rest);
        k[v] = load(abk + 2 * channels + first, v, rest);
    }
    x += first;
    dy += first;
    dx += first;
    for (size_t i = 0; i < pixels->count; i++, x += pixels->x, dy += pixels->dy, dx += pixels->y) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            store(dx, v, rest, (load(dy, v, rest) * a[v] + b[v]) + ((load(x, v, rest) - high[v]) - low[v]) * k[v]);
    }
}

void FVI_ISA_NAME(fvi_channel_normalize_backward_f32)(const fvi_pixels *pixels, const void *x, const void *dy,
                                                      const void *mean, const void *abk, void *dx)
{
    const operands o = { .pixels = pixels, .x = x, .dy = dy, .mean = mean, .factors = abk, .y = dx };
    each_block(o, backward_block);
}

FVI_INLINE fvi_vf behind_relu(fvi_vf v, fvi_vf dy)
{
    return fvi_vf_select_greater(v, (fvi_vf){ 0 }, dy, (fvi_vf){ 0 });
}

FVI_INLINE fvi_vf behind_relu6(fvi_vf v, fvi_vf dy)
{
    return fvi_vf_select_greater(fvi_vf_splat(6), v, behind_relu(v, dy), (fvi_vf){ 0 });
}

typedef fvi_vf gate_fn(fvi_vf v, fvi_vf dy);

/* The numbers of one vector of channels. */
typedef struct gate_factors {
    fvi_vf high, low, a, b;
} gate_factors;

FVI_INLINE gate_factors load_gate(const operands *o, size_t first, int vector, size_t rest)
{
    const size_t channels = o->pixels->channels;
    return (gate_factors){ .high = load(o->mean + first, vector, rest),
                           .low = load(o->mean + channels + first, vector, rest),
                           .a = load(o->gate + first, vector, rest),
                           .b = load(o->gate + channels + first, vector, rest) };
}

/* One pixel of one vector: the gated dy, and it times d. */
FVI_INLINE void add_gated(const gate_factors *n, fvi_vf x, fvi_vf dy, gate_fn *gate, fvi_vf *sum, fvi_vf *products)
{
    const fvi_vf d = (x - n->high) - n->low, up = gate(d * n->a + n->b, dy);
    *sum += up;
    *products += up * d;
}

FVI_INLINE void gated_products_block(size_t first, int vectors, size_t rest, operands o, gate_fn *gate)
{
    const fvi_pixels *pixels = o.pixels;
    const float *x = o.x + first, *dy = o.dy + first;
    fvi_vf part[2][GATED] = { { { 0 } } }, product[2][GATED] = { { { 0 } } };
    gate_factors n[GATED];
    size_t i = 0;
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++)
        n[v] = load_gate(&o, first, v, rest);
    for (; i + 2 <= pixels->count; i += 2, x += 2 * pixels->x, dy += 2 * pixels->dy) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            add_gated(&n[v], load(x, v, rest), load(dy, v, rest), gate, &part[0][v], &product[0][v]);
            add_gated(&n[v], load(x + pixels->x, v, rest), load(dy + pixels->dy, v, rest), gate, &part[1][v],
                      &product[1][v]);
        }
    }
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
        if (i < pixels->count)
            add_gated(&n[v], load(x, v, rest), load(dy, v, rest), gate, &part[0][v], &product[0][v]);
        store(o.sum + first, v, rest, load(o.sum + first, v, rest) + (part[0][v] + part[1][v]));
        store(o.products + first, v, rest, load(o.products + first, v, rest) + (product[0][v] + product[1][v]));
    }
}

FVI_INLINE void gated_backward_block(size_t first, int vectors, size_t rest, operands o, gate_fn *gate)
{
    const fvi_pixels *pixels = o.pixels;
    const size_t channels = pixels->channels;
    const float *x = o.x + first, *dy = o.dy + first, *abk = o.factors + first;
    float *dx = o.y + first;
    gate_factors n[GATED];
    fvi_vf a[GATED], b[GATED], k[GATED];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) {
        n[v] = load_gate(&o, first, v, rest);
        a[v] = load(abk, v, rest);
        b[v] = load(abk + channels, v, rest);
        k[v] = load(abk + 2 * channels, v, rest);
    }
    for (size_t i = 0; i < pixels->count; i++, x += pixels->x, dy += pixels->dy, dx += pixels->y) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            const fvi_vf d = (load(x, v, rest) - n[v].high) - n[v].low;
            const fvi_vf up = gate(d * n[v].a + n[v].b, load(dy, v, rest));
            store(dx, v, rest, (up * a[v] + b[v]) + d * k[v]);
        }
    }
}

typedef void gated_fn(size_t first, int vectors, size_t rest, operands o, gate_fn *gate);

FVI_INLINE void each_gated(operands o, gated_fn *block, gate_fn *gate)
{
    const size_t channels = o.pixels->channels;
    size_t first = 0;
    for (; first + GATED * LANES <= channels; first += GATED * LANES)
        block(first, GATED, 0, o, gate);
    for (; first + LANES <= channels; first += LANES)
        block(first, 1, 0, o, gate);
    if (first < channels)
        block(first, 1, channels - first, o, gate);
}

/* Channels [first, first + width) of one pixel: v = ((x - high) - low) * a + b. */
FVI_INLINE void inside_pixel(size_t channels, size_t first, size_t width, const float *x, const float *mean,
                             const float *ab, float *v)
{
    const float *high = mean + first, *low = high + channels, *a = ab + first, *b = a + channels;
    size_t c = 0;
    x += first;
    for (; c + LANES <= width; c += LANES)
        fvi_vf_store(v + c, ((fvi_vf_load(x + c) - fvi_vf_load(high + c)) - fvi_vf_load(low + c)) * fvi_vf_load(a + c) +
                                fvi_vf_load(b + c));
    for (; c < width; c++)
        v[c] = ((x[c] - high[c]) - low[c]) * a[c] + b[c];
}

void FVI_ISA_NAME(fvi_channel_gated_products_f32)(const fvi_pixels *pixels, const fvi_activation *f, const void *ab,
                                                  const void *x, const void *dy, const void *mean, void *sum,
                                                  void *products)
{
    const operands o = {
        .pixels = pixels, .x = x, .dy = dy, .mean = mean, .gate = ab, .sum = sum, .products = products
    };
    if (f->kind == FVI_RELU)
        each_gated(o, gated_products_block, behind_relu);
    else
        each_gated(o, gated_products_block, behind_relu6);
}

/* What f was given is written to a buffer in an L1: as many pixels at once as fit, or a part of one. */
void FVI_ISA_NAME(fvi_channel_undo_f32)(const fvi_pixels *pixels, const fvi_activation *f, const void *ab,
                                        const void *x, const void *mean, void *dy)
{
    float inside[UNDONE];
    const size_t channels = pixels->channels, at_once = channels < UNDONE ? UNDONE / channels : 1;
    const float *middle = mean, *factors = ab, *in = x;
    float *up = dy;
    for (size_t i = 0; i < pixels->count; i += at_once) {
        const size_t count = pixels->count - i < at_once ? pixels->count - i : at_once;
        const float *from = in + (ptrdiff_t)i * pixels->x;
        float *to = up + (ptrdiff_t)i * pixels->dy;
        for (size_t first = 0; first < channels; first += UNDONE) {
            const size_t width = channels - first < UNDONE ? channels - first : UNDONE;
            for (size_t p = 0; p < count; p++)
                inside_pixel(channels, first, width, from + (ptrdiff_t)p * pixels->x, middle, factors,
                             inside + p * width);
            const size_t joined = pixels->dy == (ptrdiff_t)width ? count : 1;
            for (size_t p = 0; p < count; p += joined) {
                float *pixel = to + (ptrdiff_t)p * pixels->dy + first;
                FVI_ISA_NAME(fvi_activation_backward_f32)(f, joined * width, inside + p * width, pixel, pixel);
            }
        }
    }
}

void FVI_ISA_NAME(fvi_channel_gated_backward_f32)(const fvi_pixels *pixels, const fvi_activation *f, const void *ab,
                                                  const void *x, const void *dy, const void *mean, const void *abk,
                                                  void *dx)
{
    const operands o = { .pixels = pixels, .x = x, .dy = dy, .mean = mean, .gate = ab, .factors = abk, .y = dx };
    if (f->kind == FVI_RELU)
        each_gated(o, gated_backward_block, behind_relu);
    else
        each_gated(o, gated_backward_block, behind_relu6);
}
