/* SPDX-License-Identifier: Apache-2.0
 *
 * update_rules.h - the formulas of the optimizers, once, for whatever the including file computes in: update_kernels.real.c with one
 * number at a time, update_kernels.isa.c with vectors. It defines before:
 *   lane         the type: fvi_real, or fvi_vf
 *   element      one element of it: fvi_real, or float
 *   LANES        elements of a lane
 *   lane_splat(double), lane_load(p), lane_store(p, x), lane_load_first(p, n), lane_store_first(p, x, n), lane_sqrt(x),
 *   lane_greater(a, b, x, y)   a > b ? x : y, false where a or b is NaN
 *   lane_inline  what makes a function part of its caller
 * Formulas and sources: docs/optimizers.md.
 */
#ifndef FVI_UPDATE_RULES_H
#define FVI_UPDATE_RULES_H

#include "optim/update_kernels.h"

/* fvi_update_numbers in lanes. */
typedef struct lane_numbers {
    lane outer, inner, momentum, decay, keep, beta2, rest1, rest2, correct1, correct2, inside, outside;
} lane_numbers;

/* What a formula reads and writes. d: a direction. */
typedef struct lane_values {
    lane g, w, d, slot[FVI_UPDATE_SLOTS];
} lane_values;

lane_inline lane_numbers splat_numbers(const fvi_update_numbers *from)
{
    return (lane_numbers){
        .outer = lane_splat(from->outer),
        .inner = lane_splat(from->inner),
        .momentum = lane_splat(from->momentum),
        .decay = lane_splat(from->decay),
        .keep = lane_splat(from->keep),
        .beta2 = lane_splat(from->beta2),
        .rest1 = lane_splat(from->rest1),
        .rest2 = lane_splat(from->rest2),
        .correct1 = lane_splat(from->correct1),
        .correct2 = lane_splat(from->correct2),
        .inside = lane_splat(from->inside),
        .outside = lane_splat(from->outside),
    };
}

/* slot: velocity. */
lane_inline void sgd(const lane_numbers *n, lane_values *x, bool nesterov)
{
    const lane g = n->inner * (x->g + n->decay * x->w);
    x->slot[0] = n->momentum * x->slot[0] + g;
    const lane step = nesterov ? g + n->momentum * x->slot[0] : x->slot[0];
    x->w = n->keep * x->w - n->outer * step;
}

/* slot: sum of squares. */
lane_inline void adagrad(const lane_numbers *n, lane_values *x)
{
    const lane g = x->g + n->decay * x->w;
    x->slot[0] = x->slot[0] + g * g;
    x->w = n->keep * x->w - n->outer * (g / (lane_sqrt(x->slot[0] + n->inside) + n->outside));
}

/* slots: mean squares of gradients, of steps. */
lane_inline void adadelta(const lane_numbers *n, lane_values *x)
{
    const lane g = x->g + n->decay * x->w;
    x->slot[0] = n->beta2 * x->slot[0] + n->rest2 * (g * g);
    const lane step = lane_sqrt(x->slot[1] + n->inside) / lane_sqrt(x->slot[0] + n->inside) * g;
    x->slot[1] = n->beta2 * x->slot[1] + n->rest2 * (step * step);
    x->w = n->keep * x->w - n->outer * step;
}

/* slots: mean square; centered: mean; momentum: velocity. */
lane_inline void rmsprop(const lane_numbers *n, lane_values *x, bool centered, bool momentum)
{
    const lane g = x->g + n->decay * x->w;
    lane *velocity = &x->slot[centered ? 2 : 1];
    x->slot[0] = n->beta2 * x->slot[0] + n->rest2 * (g * g);
    lane variance = x->slot[0];
    if (centered) {
        x->slot[1] = x->slot[1] + n->rest2 * (g - x->slot[1]);
        variance = variance - x->slot[1] * x->slot[1];
        variance = lane_greater(variance, lane_splat(0), variance, lane_splat(0)); /* rounding may leave it below 0 */
    }
    lane step = g / (lane_sqrt(variance + n->inside) + n->outside);
    if (momentum) {
        *velocity = n->momentum * *velocity + n->inner * step;
        step = *velocity;
    }
    x->w = n->keep * x->w - n->outer * step;
}

/* slots: mean, mean square. */
lane_inline void adam_means(const lane_numbers *n, lane_values *x, lane g)
{
    x->slot[0] = x->slot[0] + n->rest1 * (g - x->slot[0]);
    x->slot[1] = n->beta2 * x->slot[1] + n->rest2 * (g * g);
}

lane_inline lane adam_step(const lane_numbers *n, const lane_values *x)
{
    return n->correct1 * x->slot[0] / (lane_sqrt(n->correct2 * x->slot[1] + n->inside) + n->outside);
}

lane_inline void apply(fvi_update rule, const lane_numbers *n, lane_values *x)
{
    switch (rule) {
    case FVI_UPDATE_SGD:
    case FVI_UPDATE_NESTEROV:
        sgd(n, x, rule == FVI_UPDATE_NESTEROV);
        break;
    case FVI_UPDATE_ADAGRAD:
        adagrad(n, x);
        break;
    case FVI_UPDATE_ADADELTA:
        adadelta(n, x);
        break;
    case FVI_UPDATE_RMSPROP:
    case FVI_UPDATE_RMSPROP_MOMENTUM:
        rmsprop(n, x, false, rule == FVI_UPDATE_RMSPROP_MOMENTUM);
        break;
    case FVI_UPDATE_RMSPROP_CENTERED:
    case FVI_UPDATE_RMSPROP_CENTERED_MOMENTUM:
        rmsprop(n, x, true, rule == FVI_UPDATE_RMSPROP_CENTERED_MOMENTUM);
        break;
    case FVI_UPDATE_ADAM:
        adam_means(n, x, x->g + n->decay * x->w);
        x->w = n->keep * x->w - n->outer * adam_step(n, x);
        break;
    case FVI_UPDATE_LAMB:
        x->w = x->w - n->outer * (adam_step(n, x) + n->decay * x->w);
        break;
    case FVI_UPDATE_DESCENT:
    case FVI_UPDATES:
        x->w = n->keep * x->w - n->outer * x->g;
        break;
    }
}

lane_inline void direct(fvi_direction rule, const lane_numbers *n, lane_values *x)
{
    if (rule == FVI_DIRECTION_LAMB) {
        adam_means(n, x, x->g);
        x->d = adam_step(n, x) + n->decay * x->w;
        return;
    }
    x->slot[0] = x->slot[0] + n->rest1 * (x->g - x->slot[0]);
    x->d = rule == FVI_DIRECTION_MUON_NESTEROV ? x->g + n->momentum * (x->slot[0] - x->g) : x->slot[0];
}

/* One update over a range; `slots` of them are read, and written. */
lane_inline void update_range(fvi_update rule, int slots, size_t count, const fvi_update_numbers *numbers,
                              const void *g, void *const *slot, void *w)
{
    const lane_numbers n = splat_numbers(numbers);
    const element *gradient = g;
    element *weight = w;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        lane_values x = { .g = lane_load(gradient + i), .w = lane_load(weight + i) };
        for (int s = 0; s < slots; s++)
            x.slot[s] = lane_load((element *)slot[s] + i);
        apply(rule, &n, &x);
        for (int s = 0; s < slots; s++)
            lane_store((element *)slot[s] + i, x.slot[s]);
        lane_store(weight + i, x.w);
    }
    if (i == count)
        return;
    const size_t rest = count - i;
    lane_values x = { .g = lane_load_first(gradient + i, rest), .w = lane_load_first(weight + i, rest) };
    for (int s = 0; s < slots; s++)
        x.slot[s] = lane_load_first((element *)slot[s] + i, rest);
    apply(rule, &n, &x);
    for (int s = 0; s < slots; s++)
        lane_store_first((element *)slot[s] + i, x.slot[s], rest);
    lane_store_first(weight + i, x.w, rest);
}

lane_inline void direction_range(fvi_direction rule, int slots, size_t count, const fvi_update_numbers *numbers,
                                 const void *g, void *const *slot, const void *w, void *direction)
{
    const lane_numbers n = splat_numbers(numbers);
    for (size_t i = 0; i < count; i += LANES) {
        const size_t rest = count - i < LANES ? count - i : LANES;
        lane_values x = { .g = lane_load_first((const element *)g + i, rest),
                          .w = lane_load_first((const element *)w + i, rest) };
        for (int s = 0; s < slots; s++)
            x.slot[s] = lane_load_first((element *)slot[s] + i, rest);
        direct(rule, &n, &x);
        for (int s = 0; s < slots; s++)
            lane_store_first((element *)slot[s] + i, x.slot[s], rest);
        lane_store_first((element *)direction + i, x.d, rest);
    }
}

static void update_descent(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot, void *w)
{
    update_range(FVI_UPDATE_DESCENT, 0, count, numbers, g, slot, w);
}

static void update_sgd(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot, void *w)
{
    update_range(FVI_UPDATE_SGD, 1, count, numbers, g, slot, w);
}

static void update_nesterov(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot, void *w)
{
    update_range(FVI_UPDATE_NESTEROV, 1, count, numbers, g, slot, w);
}

static void update_adagrad(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot, void *w)
{
    update_range(FVI_UPDATE_ADAGRAD, 1, count, numbers, g, slot, w);
}

static void update_adadelta(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot, void *w)
{
    update_range(FVI_UPDATE_ADADELTA, 2, count, numbers, g, slot, w);
}

static void update_rmsprop(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot, void *w)
{
    update_range(FVI_UPDATE_RMSPROP, 1, count, numbers, g, slot, w);
}

static void update_rmsprop_momentum(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot,
                                    void *w)
{
    update_range(FVI_UPDATE_RMSPROP_MOMENTUM, 2, count, numbers, g, slot, w);
}

static void update_rmsprop_centered(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot,
                                    void *w)
{
    update_range(FVI_UPDATE_RMSPROP_CENTERED, 2, count, numbers, g, slot, w);
}

static void update_rmsprop_centered_momentum(size_t count, const fvi_update_numbers *numbers, const void *g,
                                             void *const *slot, void *w)
{
    update_range(FVI_UPDATE_RMSPROP_CENTERED_MOMENTUM, 3, count, numbers, g, slot, w);
}

static void update_adam(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot, void *w)
{
    update_range(FVI_UPDATE_ADAM, 2, count, numbers, g, slot, w);
}

static void update_lamb(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot, void *w)
{
    update_range(FVI_UPDATE_LAMB, 2, count, numbers, g, slot, w);
}

static void direction_lamb(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot,
                           const void *w, void *direction)
{
    direction_range(FVI_DIRECTION_LAMB, 2, count, numbers, g, slot, w, direction);
}

static void direction_muon(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot,
                           const void *w, void *direction)
{
    direction_range(FVI_DIRECTION_MUON, 1, count, numbers, g, slot, w, direction);
}

static void direction_muon_nesterov(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot,
                                    const void *w, void *direction)
{
    direction_range(FVI_DIRECTION_MUON_NESTEROV, 1, count, numbers, g, slot, w, direction);
}

static void prepare(size_t count, const fvi_prepare_numbers *numbers, const void *g, const void *w, void *x)
{
    const lane scale = lane_splat(numbers->scale), limit = lane_splat(numbers->limit), l1 = lane_splat(numbers->l1);
    const lane zero = lane_splat(0);
    for (size_t i = 0; i < count; i += LANES) {
        const size_t rest = count - i < LANES ? count - i : LANES;
        const lane weight = lane_load_first((const element *)w + i, rest);
        lane value = scale * lane_load_first((const element *)g + i, rest);
        value = lane_greater(value, limit, limit, value);
        value = lane_greater(-limit, value, -limit, value);
        value = value + lane_greater(weight, zero, l1, lane_greater(zero, weight, -l1, zero));
        lane_store_first((element *)x + i, value, rest);
    }
}

static void average(size_t count, double part, const void *observed, void *w)
{
    const lane share = lane_splat(part);
    for (size_t i = 0; i < count; i += LANES) {
        const size_t rest = count - i < LANES ? count - i : LANES;
        const lane old = lane_load_first((element *)w + i, rest);
        lane_store_first((element *)w + i, old + share * (lane_load_first((const element *)observed + i, rest) - old),
                         rest);
    }
}

static void meet(size_t count, double part, void *slow, void *w)
{
    const lane share = lane_splat(part);
    for (size_t i = 0; i < count; i += LANES) {
        const size_t rest = count - i < LANES ? count - i : LANES;
        const lane old = lane_load_first((element *)slow + i, rest);
        const lane moved = old + share * (lane_load_first((element *)w + i, rest) - old);
        lane_store_first((element *)slow + i, moved, rest);
        lane_store_first((element *)w + i, moved, rest);
    }
}

/* `rows` (1 or 4) rows of a product, two lanes wide at column j; `rest` of the second lane's elements exist, or of the first's where
 * `narrow`. */
lane_inline void product_tile(size_t rows, bool narrow, size_t rest, const fvi_product *p, size_t i, size_t j)
{
    const element *a = p->a, *b = p->b, *c = p->c;
    const lane alpha = lane_splat(p->alpha), beta = lane_splat(p->beta);
    lane sum[4][2] = { 0 };
    for (size_t k = 0; k < p->inner; k++) {
        const element *row = b + k * p->columns + j;
        const lane b0 = narrow ? lane_load_first(row, rest) : lane_load(row);
        const lane b1 = narrow ? b0 : lane_load_first(row + LANES, rest);
        for (size_t r = 0; r < rows; r++) {
            const lane factor = lane_splat((double)a[(i + r) * p->inner + k]);
            sum[r][0] = sum[r][0] + factor * b0;
            if (!narrow)
                sum[r][1] = sum[r][1] + factor * b1;
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t half = 0; half < (narrow ? 1 : 2); half++) {
            const size_t at = (i + r) * p->columns + j + half * LANES, count = half == 1 || narrow ? rest : LANES;
            lane value = alpha * sum[r][half];
            if (c != NULL)
                value = beta * lane_load_first(c + at, count) + value;
            lane_store_first((element *)p->out + at, value, count);
        }
}

lane_inline void product_rows(size_t rows, const fvi_product *p, size_t i)
{
    size_t j = 0;
    for (; j + 2 * LANES <= p->columns; j += 2 * LANES)
        product_tile(rows, false, LANES, p, i, j);
    for (; j < p->columns; j += LANES)
        product_tile(rows, true, p->columns - j < LANES ? p->columns - j : LANES, p, i, j);
}

static void product(const fvi_product *p, size_t first, size_t end)
{
    for (; first + 4 <= end; first += 4)
        product_rows(4, p, first);
    for (; first < end; first++)
        product_rows(1, p, first);
}

/* What a table holds of this file. */
#define FVI_UPDATE_RULES                                                                                               \
    .prepare = prepare, .average = average, .meet = meet, .product = product,                                          \
    .update = { [FVI_UPDATE_DESCENT] = update_descent,                                                                 \
                [FVI_UPDATE_SGD] = update_sgd,                                                                         \
                [FVI_UPDATE_NESTEROV] = update_nesterov,                                                               \
                [FVI_UPDATE_ADAGRAD] = update_adagrad,                                                                 \
                [FVI_UPDATE_ADADELTA] = update_adadelta,                                                               \
                [FVI_UPDATE_RMSPROP] = update_rmsprop,                                                                 \
                [FVI_UPDATE_RMSPROP_MOMENTUM] = update_rmsprop_momentum,                                               \
                [FVI_UPDATE_RMSPROP_CENTERED] = update_rmsprop_centered,                                               \
                [FVI_UPDATE_RMSPROP_CENTERED_MOMENTUM] = update_rmsprop_centered_momentum,                             \
                [FVI_UPDATE_ADAM] = update_adam,                                                                       \
                [FVI_UPDATE_LAMB] = update_lamb },                                                                     \
    .direction = { [FVI_DIRECTION_LAMB] = direction_lamb,                                                              \
                   [FVI_DIRECTION_MUON] = direction_muon,                                                              \
                   [FVI_DIRECTION_MUON_NESTEROV] = direction_muon_nesterov }

#endif
