/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_epilogue.c - sums and activations behind a convolution, on the part of its output that is in cache, and word of it to whoever
 * reads it next.
 */
#include <math.h>

#include "kernel/conv/conv2d_internal.h"

/* Pixels that continue each other at one stride, from pixel `first` on, `left` at most. */
static size_t run_of(const fvi_view *view, size_t first, size_t left)
{
    const size_t column = first % (size_t)view->w, rest = (size_t)view->w - column;
    const bool rows = view->h == 1 || view->row_stride == view->w * view->pixel_stride;
    const bool images = view->n == 1 || view->image_stride == view->h * view->row_stride;
    return (rows && images) || left < rest ? left : rest;
}

static char *address(const fvi_view *view, fv_dtype dtype, size_t pixel, int32_t channel)
{
    const size_t w = (size_t)view->w, h = (size_t)view->h;
    char *at = fvi_view_at(view, dtype, (int32_t)(pixel / w / h), (int32_t)(pixel / w % h), (int32_t)(pixel % w));
    return at + (size_t)channel * fv_dtype_size(dtype);
}

static void finish(const fvi_conv2d_epilogue *epilogue, const fvi_view *y, size_t first, size_t pixels, int32_t channel,
                   int32_t channels)
{
    const fv_dtype dtype = epilogue->kernels->dtype;
    const fvi_view *summand = epilogue->summand;
    for (size_t done = 0, count = 0; done < pixels; done += count) {
        count = run_of(y, first + done, pixels - done);
        count = summand != NULL ? run_of(summand, first + done, count) : count;
        const fvi_pixels run = { .count = count,
                                 .channels = (size_t)channels,
                                 .x = summand != NULL ? summand->pixel_stride : 0,
                                 .y = y->pixel_stride };
        epilogue->kernels->channel_finish(&run, epilogue->activation,
                                          summand != NULL ? address(summand, dtype, first + done, channel) : NULL,
                                          address(y, dtype, first + done, channel));
    }
}

bool fvi_conv2d_clamp(const fvi_activation *f, fvi_tile_end *end)
{
    end->clamps = f != NULL;
    end->low = 0;
    end->high = f != NULL && f->kind == FVI_RELU6 ? 6.0f : INFINITY;
    return f == NULL || f->kind == FVI_RELU || f->kind == FVI_RELU6;
}

void fvi_conv2d_tell(const fvi_conv2d_epilogue *epilogue, size_t first, size_t pixels, int32_t channels)
{
    if (epilogue->watch != NULL)
        epilogue->watch->wrote(epilogue->watch->argument, first, pixels, channels);
}

void fvi_conv2d_finish(const fvi_conv2d_epilogue *epilogue, const fvi_view *y, size_t first, size_t pixels,
                       int32_t channel, int32_t channels)
{
    if (epilogue == NULL)
        return;
    if (epilogue->activation != NULL || epilogue->summand != NULL)
        finish(epilogue, y, first, pixels, channel, channels);
    fvi_conv2d_tell(epilogue, first, pixels, channels);
}

typedef struct whole {
    const fvi_conv2d_epilogue *epilogue;
    const fvi_view *y;
} whole;

static void finish_row(void *argument, size_t index, int32_t worker)
{
    const whole *job = argument;
    (void)worker;
    fvi_conv2d_finish(job->epilogue, job->y, index * (size_t)job->y->w, (size_t)job->y->w, 0, job->y->c);
}

void fvi_conv2d_finish_all(const fvi_conv2d_epilogue *epilogue, fv_context *context, const fvi_view *y)
{
    whole job = { .epilogue = epilogue, .y = y };
    if (epilogue != NULL)
        fvi_parallel(context, (size_t)y->n * (size_t)y->h, finish_row, &job);
}
