/* SPDX-License-Identifier: Apache-2.0
 *
 * binary.c - the four operations on two values, element by element. Where both have one shape that is one pass in the longest runs; a value
 * that is repeated is taken pixel by pixel, one number for all channels as the line y = a*x + b. Its gradient is a sum: layer/reduce.h.
 */
#include "layer/binary.h"

#include "layer/reduce.h"
#include "layer/split.h"

static bool same_shape(const fvi_view *a, const fvi_view *b)
{
    return a->c == b->c && a->h == b->h && a->w == b->w;
}

typedef struct binary_pass {
    const fvi_call *call;
    fvi_binary op;
    const fvi_view *a, *b, *y;
} binary_pass;

static void combine(const binary_pass *pass, size_t count, const void *a, const void *b, void *y)
{
    const fvi_kernels *kernels = pass->call->kernels;
    switch (pass->op) {
    case FVI_BINARY_ADD:
        return kernels->add(count, a, b, y);
    case FVI_BINARY_SUBTRACT:
        return kernels->subtract(count, a, b, y);
    case FVI_BINARY_MULTIPLY:
        return kernels->multiply(count, a, b, y);
    case FVI_BINARY_DIVIDE:
        return kernels->divide(count, a, b, y);
    }
}

/* One number for a whole pixel. */
static void combine_number(const binary_pass *pass, size_t count, const void *a, const void *b, void *y)
{
    const double number = pass->call->dtype == FV_F64 ? *(const double *)b : (double)*(const float *)b;
    fvi_activation line = { .kind = FVI_LINEAR, .a = 1 };
    if (pass->op == FVI_BINARY_ADD || pass->op == FVI_BINARY_SUBTRACT)
        line.b = pass->op == FVI_BINARY_ADD ? number : -number;
    else
        line.a = pass->op == FVI_BINARY_MULTIPLY ? number : 1 / number;
    pass->call->kernels->activation(&line, count, a, y);
}

static void run(const void *argument, size_t count, void *const *at)
{
    combine(argument, count, at[0], at[1], at[2]);
}

static void rows(const void *argument, size_t first, size_t count)
{
    const binary_pass *pass = argument;
    const fvi_view *a = pass->a, *b = pass->b;
    const fv_dtype dtype = pass->call->dtype;
    const size_t channels = (size_t)a->c;
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)a->h), h = (int32_t)(row % (size_t)a->h);
        for (int32_t w = 0; w < a->w; w++) {
            const void *left = fvi_view_at(a, dtype, n, h, w);
            const void *right = fvi_view_at(b, dtype, n, b->h == 1 ? 0 : h, b->w == 1 ? 0 : w);
            void *to = fvi_view_at(pass->y, dtype, n, h, w);
            (b->c == a->c ? combine : combine_number)(pass, channels, left, right, to);
        }
    }
}

void fvi_binary_forward(const fvi_call *call, fvi_binary op, const fvi_view *a, const fvi_view *b, const fvi_view *y)
{
    const fvi_view *const views[] = { a, b, y };
    const binary_pass pass = { .call = call, .op = op, .a = a, .b = b, .y = y };
    if (same_shape(a, b))
        fvi_split_runs(call->context, call->dtype, views, 3, run, &pass);
    else
        fvi_split_items(call->context, (size_t)call->n * (size_t)a->h, (size_t)a->w * (size_t)a->c, rows, &pass);
}

fv_status fvi_binary_setup(const fvi_setup *node, fv_image_shape b, size_t *bytes)
{
    const fv_image_shape a = node->in[0];
    *bytes = 0;
    if (!node->backward || (a.c == b.c && a.h == b.h && a.w == b.w))
        return FV_OK;
    return fvi_reduce_setup(node, a, b, bytes);
}

void fvi_binary_backward_a(const fvi_call *call, fvi_binary op, const fvi_view *b, const fvi_view *da)
{
    if (op == FVI_BINARY_ADD || op == FVI_BINARY_SUBTRACT)
        fvi_split_copy(call->context, call->dtype, &call->dy, da);
    else
        fvi_binary_forward(call, op, &call->dy, b, da);
}

/* db = -db / b / b, where db is the sum of dy * a. */
static void quotient_run(const void *argument, size_t count, void *const *at)
{
    const fvi_call *call = argument;
    const fvi_activation negative = { .kind = FVI_LINEAR, .a = -1 };
    call->kernels->divide(count, at[1], at[0], at[1]);
    call->kernels->divide(count, at[1], at[0], at[1]);
    call->kernels->activation(&negative, count, at[1], at[1]);
}

static void negative_run(const void *argument, size_t count, void *const *at)
{
    const fvi_call *call = argument;
    const fvi_activation negative = { .kind = FVI_LINEAR, .a = -1 };
    call->kernels->activation(&negative, count, at[0], at[1]);
}

static void same_backward_b(const fvi_call *call, fvi_binary op, const fvi_view *a, const fvi_view *db)
{
    const fvi_view *const views[] = { &call->dy, db };
    if (op == FVI_BINARY_ADD)
        fvi_split_copy(call->context, call->dtype, &call->dy, db);
    else if (op == FVI_BINARY_SUBTRACT)
        fvi_split_runs(call->context, call->dtype, views, 2, negative_run, call);
    else
        fvi_binary_forward(call, FVI_BINARY_MULTIPLY, &call->dy, a, db);
}

void fvi_binary_backward_b(const fvi_call *call, fvi_binary op, const fvi_view *a, const fvi_view *b,
                           const fvi_view *db)
{
    const bool products = op == FVI_BINARY_MULTIPLY || op == FVI_BINARY_DIVIDE;
    if (same_shape(&call->dy, db))
        same_backward_b(call, op, a, db);
    else
        fvi_reduce(call, products ? a : &call->dy, products ? &call->dy : NULL, op == FVI_BINARY_SUBTRACT ? -1 : 1, db,
                   call->scratch);
    const fvi_view *const views[] = { b, db };
    if (op == FVI_BINARY_DIVIDE)
        fvi_split_runs(call->context, call->dtype, views, 2, quotient_run, call);
}
