/* SPDX-License-Identifier: Apache-2.0
 *
 * pool_pass.c - the passes of every pooling. Forward is cut by output rows, backward by images. Max pooling keeps the winning
 * tap of each output (one byte, two for windows of more than 256 cells), so that backward reads neither input nor output.
 */
#include "layer/pool_pass.h"

#include "base/checked.h"
#include "kernel/int8/int8.h"
#include "layer/split.h"

enum { MAX_TAPS = 65536, MAX_NARROW_TAPS = 256 };

fv_status fvi_pool_check_taps(fvi_infer *node, int64_t rows, int64_t columns)
{
    if (rows * columns <= MAX_TAPS)
        return FV_OK;
    return fvi_fail(node->context, FV_ERR_UNSUPPORTED, "%s '%s': a window of %lldx%lld has more than %d cells",
                    node->layer->name, node->name, (long long)rows, (long long)columns, MAX_TAPS);
}

fv_status fvi_pool_setup(fvi_setup *node, const fvi_pool_plan *plan)
{
    fvi_pool_plan *kept = fvi_arena_allocate(node->arena, sizeof *kept);
    if (!kept)
        return fvi_out_of_memory(node->context, "a pooling's geometry", sizeof *kept);
    *kept = *plan;
    kept->shape.wide_index = (int64_t)plan->shape.kernel[0] * plan->shape.kernel[1] > MAX_NARROW_TAPS;
    node->prepared = kept;
    node->takes_u8 = node->keeps_bytes && node->layer->selects && !plan->channels;
    if (!(node->layer->backward_reads & FVI_READS_SAVED) || !node->backward || !node->wants_dx)
        return FV_OK;
    const size_t outputs = (size_t)node->out.h * (size_t)node->out.w * (size_t)node->out.c; /* at most 2^31 */
    if (!fvi_size_multiply(outputs * (kept->shape.wide_index ? 2 : 1), (size_t)node->batch, &node->saved_bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': batch %d of %zu outputs overflows", node->layer->name,
                        node->name, node->batch, outputs);
    return FV_OK;
}

/* One pass of either pooling. */
typedef struct pool_pass {
    const fvi_call *call;
    fvi_pool_shape shape;
    size_t index_row;      /* bytes of one output row of the index, 0: none is kept */
    size_t images, parts;  /* of the pass; how many of them one image of the call is */
    const fvi_view *x, *y; /* or dx, dy */
} pool_pass;

static pool_pass make_pass(const fvi_call *call, const fvi_view *x, const fvi_view *y)
{
    const fvi_pool_plan *plan = call->prepared;
    pool_pass pass = { .call = call, .shape = plan->shape, .parts = 1, .x = x, .y = y };
    if (plan->channels) {
        pass.parts = (size_t)x->h;
        pass.shape.x_row = x->pixel_stride;
        pass.shape.y_row = y->pixel_stride;
        pass.shape.x_pixel = pass.shape.y_pixel = 1;
    } else {
        pass.shape.x_row = x->row_stride;
        pass.shape.x_pixel = x->pixel_stride;
        pass.shape.y_row = y->row_stride;
        pass.shape.y_pixel = y->pixel_stride;
    }
    pass.images = (size_t)call->n * pass.parts;
    if (call->saved)
        pass.index_row = (size_t)pass.shape.ow * (size_t)pass.shape.c * (pass.shape.wide_index ? 2 : 1);
    return pass;
}

static void *image_of(const pool_pass *pass, const fvi_view *view, size_t image)
{
    return fvi_view_at(view, pass->call->dtype, (int32_t)(image / pass->parts), (int32_t)(image % pass->parts), 0);
}

static void max_rows(const void *argument, size_t first, size_t count)
{
    const pool_pass *pass = argument;
    const fvi_call *call = pass->call;
    const size_t rows = (size_t)pass->shape.oh;
    for (size_t row = first; row < first + count; row++) {
        char *index = pass->index_row ? (char *)call->saved + row * pass->index_row : NULL;
        call->kernels->max_pool_row(&pass->shape, (int32_t)(row % rows), image_of(pass, pass->x, row / rows),
                                    image_of(pass, pass->y, row / rows), index);
    }
}

/* Of bytes the largest stands for the largest value. */
static void max_rows_of_bytes(const void *argument, size_t first, size_t count)
{
    const pool_pass *pass = argument;
    const fvi_pool_shape *shape = &pass->shape;
    const fvi_int8_kernels *kernels = fvi_int8_kernels_of(pass->call->context);
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)shape->oh), i = (int32_t)(row % (size_t)shape->oh);
        const int32_t begin = i * shape->stride[0] - shape->pad[0], end = begin + shape->kernel[0];
        const int32_t top = begin < 0 ? 0 : begin;
        const fvi_int8_pool arguments = {
            .x = fvi_view_at(pass->x, FV_U8, n, top, 0),
            .y = fvi_view_at(pass->y, FV_U8, n, i, 0),
            .x_row = shape->x_row,
            .x_step = shape->x_pixel,
            .y_step = shape->y_pixel,
            .rows = (end < shape->h ? end : shape->h) - top,
            .columns = shape->kernel[1],
            .stride = shape->stride[1],
            .pad = shape->pad[1],
            .width = shape->w,
            .pixels = shape->ow,
            .channels = (size_t)shape->c,
        };
        kernels->max_pool(&arguments);
    }
}

static void average_rows(const void *argument, size_t first, size_t count)
{
    const pool_pass *pass = argument;
    const size_t rows = (size_t)pass->shape.oh;
    for (size_t row = first; row < first + count; row++)
        pass->call->kernels->average_pool_row(&pass->shape, (int32_t)(row % rows), image_of(pass, pass->x, row / rows),
                                              image_of(pass, pass->y, row / rows));
}

static void max_images_backward(const void *argument, size_t first, size_t count)
{
    const pool_pass *pass = argument;
    const fvi_call *call = pass->call;
    for (size_t image = first; image < first + count; image++)
        call->kernels->max_pool_backward(&pass->shape, image_of(pass, pass->y, image),
                                         (const char *)call->saved + image * (size_t)pass->shape.oh * pass->index_row,
                                         image_of(pass, pass->x, image));
}

static void average_images_backward(const void *argument, size_t first, size_t count)
{
    const pool_pass *pass = argument;
    for (size_t image = first; image < first + count; image++)
        pass->call->kernels->average_pool_backward(&pass->shape, image_of(pass, pass->y, image),
                                                   image_of(pass, pass->x, image));
}

static fv_status forward(fvi_call *call, fvi_items_fn *rows)
{
    const pool_pass pass = make_pass(call, &call->x[0], &call->y);
    const size_t elements =
        (size_t)pass.shape.kernel[0] * (size_t)pass.shape.w * (size_t)pass.shape.c; /* behind a row */
    fvi_split_items(call->context, pass.images * (size_t)pass.shape.oh, elements, rows, &pass);
    return FV_OK;
}

static fv_status backward(fvi_call *call, fvi_items_fn *images)
{
    if (!call->dx[0].data)
        return FV_OK;
    const pool_pass pass = make_pass(call, &call->dx[0], &call->dy);
    const size_t elements = (size_t)pass.shape.h * (size_t)pass.shape.w * (size_t)pass.shape.c;
    fvi_split_items(call->context, pass.images, elements, images, &pass);
    return FV_OK;
}

fv_status fvi_pool_max_forward(fvi_call *call)
{
    return forward(call, call->x[0].is_u8 ? max_rows_of_bytes : max_rows);
}

fv_status fvi_pool_max_backward(fvi_call *call)
{
    return backward(call, max_images_backward);
}

fv_status fvi_pool_average_forward(fvi_call *call)
{
    return forward(call, average_rows);
}

fv_status fvi_pool_average_backward(fvi_call *call)
{
    return backward(call, average_images_backward);
}
