/* SPDX-License-Identifier: Apache-2.0
 *
 * reshape.c - the same elements, in the order c, h, w, as an image of another shape. In memory images are h, w, c, so data
 * moves, unless what reads the result flattens it anyway (dense).
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/split.h"

enum { BLOCK = 1024 }; /* elements of an item: finding the first of them costs divisions */

static const fvi_attribute attributes[] = {
    { .name = "shape",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_reshape_options, shape),
      .count = 3,
      .low = 0,
      .high = 16777216,
      .required = true,
      .help = "channels, rows, columns; one of them may be 0: what is left for it" },
    { 0 },
};

static fv_status refuse(fvi_infer *node, const char *reason)
{
    const int32_t *shape = ((const fv_reshape_options *)node->options)->shape;
    return fvi_fail(node->context, FV_ERR_SHAPE, "reshape '%s': an input of %dx%dx%d cannot become %dx%dx%d: %s",
                    node->name, node->in[0].c, node->in[0].h, node->in[0].w, shape[0], shape[1], shape[2], reason);
}

static fv_status infer(fvi_infer *node)
{
    const fv_image_shape in = node->in[0];
    int32_t shape[3], open = -1;
    int64_t elements = 0, rest = 0;
    if (__builtin_mul_overflow((int64_t)in.c * in.h, (int64_t)in.w, &elements))
        return refuse(node, "it has too many elements");
    rest = elements;
    for (int32_t i = 0; i < 3; i++) {
        shape[i] = ((const fv_reshape_options *)node->options)->shape[i];
        if (shape[i] == 0 && open >= 0)
            return refuse(node, "only one size may be 0");
        if (shape[i] == 0)
            open = i;
        else if (rest % shape[i] != 0)
            return refuse(node, "the number of elements differs");
        else
            rest /= shape[i];
    }
    if (open >= 0 && rest <= INT32_MAX)
        shape[open] = (int32_t)rest;
    else if (rest != 1)
        return refuse(node, "the number of elements differs");
    node->out = (fv_image_shape){ shape[0], shape[1], shape[2] };
    node->reach.whole = true;
    return FV_OK;
}

/* Where an element lies in a view, kept while counting in the order c, h, w. */
typedef struct cursor {
    const fvi_view *view;
    char *image; /* element 0 of the image */
    int32_t c, h, w;
} cursor;

static cursor cursor_at(const fvi_view *view, fv_dtype dtype, int32_t n, size_t element)
{
    const size_t h = (size_t)view->h, w = (size_t)view->w;
    const cursor at = { .view = view,
                        .image = fvi_view_at(view, dtype, n, 0, 0),
                        .c = (int32_t)(element / (h * w)),
                        .h = (int32_t)(element / w % h),
                        .w = (int32_t)(element % w) };
    return at;
}

static ptrdiff_t offset_of(const cursor *at)
{
    return at->h * at->view->row_stride + at->w * at->view->pixel_stride + at->c;
}

/* `count` elements further, at most to the end of the row. */
static void advance(cursor *at, size_t count)
{
    at->w += (int32_t)count;
    if (at->w < at->view->w)
        return;
    at->w = 0;
    if (++at->h < at->view->h)
        return;
    at->h = 0;
    at->c++;
}

typedef struct reshape_pass {
    fv_dtype dtype;
    const fvi_view *from, *to;
    size_t elements, blocks; /* of one image */
} reshape_pass;

static void move_run(fv_dtype dtype, const cursor *from, const cursor *to, size_t count)
{
    const ptrdiff_t step = from->view->pixel_stride, to_step = to->view->pixel_stride;
    if (dtype == FV_F64) {
        const double *x = (const double *)(const void *)from->image + offset_of(from);
        double *y = (double *)(void *)to->image + offset_of(to);
        for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i++)
            y[i * to_step] = x[i * step];
    } else {
        const float *x = (const float *)(const void *)from->image + offset_of(from);
        float *y = (float *)(void *)to->image + offset_of(to);
        for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i++)
            y[i * to_step] = x[i * step];
    }
}

static void move_block(const reshape_pass *pass, int32_t n, size_t first, size_t count)
{
    cursor from = cursor_at(pass->from, pass->dtype, n, first), to = cursor_at(pass->to, pass->dtype, n, first);
    while (count > 0) {
        const size_t left = (size_t)(from.view->w - from.w), room = (size_t)(to.view->w - to.w);
        const size_t both = left < room ? left : room, run = both < count ? both : count;
        move_run(pass->dtype, &from, &to, run);
        advance(&from, run);
        advance(&to, run);
        count -= run;
    }
}

static void move_blocks(const void *argument, size_t first, size_t count)
{
    const reshape_pass *pass = argument;
    for (size_t item = first; item < first + count; item++) {
        const size_t start = item % pass->blocks * BLOCK, left = pass->elements - start;
        move_block(pass, (int32_t)(item / pass->blocks), start, left < BLOCK ? left : BLOCK);
    }
}

static void move(const fvi_call *call, const fvi_view *from, const fvi_view *to)
{
    const size_t elements = (size_t)from->h * (size_t)from->w * (size_t)from->c;
    const reshape_pass pass = {
        .dtype = call->dtype, .from = from, .to = to, .elements = elements, .blocks = (elements + BLOCK - 1) / BLOCK
    };
    fvi_split_items(call->context, (size_t)call->n * pass.blocks, BLOCK, move_blocks, &pass);
}

static fv_status forward(fvi_call *call)
{
    move(call, &call->x[0], &call->y);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        move(call, &call->dy, &call->dx[0]);
    return FV_OK;
}

const fvi_layer fvi_layer_reshape = {
    .name = "reshape",
    .onnx_op = "Reshape",
    .formula = "y[c,i,j] = x[c',i',j'] with (c*H + i)*W + j = (c'*H' + i')*W' + j'",
    .options_size = sizeof(fv_reshape_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .is_view = true,
    .infer = infer,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
