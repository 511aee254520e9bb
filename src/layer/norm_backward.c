/* SPDX-License-Identifier: Apache-2.0
 *
 * norm_backward.c - batch normalisation backward: input and gradient are read twice, and the normalised values computed again. An
 * activation behind it is undone over dy, row by row, by y or by its input, computed again; a ReLU alone is undone on the way, by the
 * sign of that input. So of activations without a summand nobody reads y.
 */
#include <string.h>

#include "layer/norm_pass.h"

/* dy becomes the gradient of what the activation was given, in its own memory: a summand's gradient is that. */
static void undo_run(const fvi_norm_pass *pass, const fvi_norm_run *run, size_t group)
{
    const fvi_call *call = pass->call;
    if (call->fused == NULL || call->fused->activation == NULL)
        return;
    if (pass->gates != NULL) {
        call->kernels->channel_undo(
            &run->pixels, call->fused->activation, fvi_norm_part(pass, pass->gates, FVI_NORM_GATES * group),
            fvi_norm_row(pass, &call->x[0], run), fvi_norm_part(pass, pass->saved.mean, 2 * group),
            fvi_norm_row(pass, &call->dy, run));
        return;
    }
    const bool vectors = pass->shape.rows == 1 && pass->shape.columns == 1;
    const ptrdiff_t y_stride = vectors ? call->y.image_stride : call->y.pixel_stride, dy_stride = run->pixels.dy;
    const ptrdiff_t channels = (ptrdiff_t)pass->shape.channels;
    const size_t joined = y_stride == channels && dy_stride == channels ? run->pixels.count : 1;
    const char *y = fvi_norm_row(pass, &call->y, run);
    char *dy = fvi_norm_row(pass, &call->dy, run);
    for (size_t i = 0; i < run->pixels.count; i += joined) {
        char *pixel = dy + (ptrdiff_t)(i * pass->size) * dy_stride;
        call->kernels->activation_backward(call->fused->activation, joined * pass->shape.channels,
                                           y + (ptrdiff_t)(i * pass->size) * y_stride, pixel, pixel);
    }
}

/* Backward. sums of a chunk: dy, dy * (x - mean). */
static void products_run(const fvi_norm_pass *pass, const fvi_norm_run *run, size_t group, char *sums)
{
    const fvi_call *call = pass->call;
    if (fvi_norm_is_gated(call->fused)) {
        call->kernels->channel_gated_products(
            &run->pixels, call->fused->activation, fvi_norm_part(pass, pass->gates, FVI_NORM_GATES * group),
            fvi_norm_row(pass, &call->x[0], run), fvi_norm_row(pass, &call->dy, run),
            fvi_norm_part(pass, pass->saved.mean, 2 * group), sums, fvi_norm_part(pass, sums, 1));
        return;
    }
    undo_run(pass, run, group);
    call->kernels->channel_products(
        &run->pixels, fvi_norm_row(pass, &call->x[0], run), fvi_norm_row(pass, &call->dy, run),
        fvi_norm_part(pass, pass->saved.mean, 2 * group), sums, fvi_norm_part(pass, sums, 1));
}

static void products_chunk(void *argument, size_t index, int32_t worker)
{
    const fvi_norm_pass *pass = argument;
    const size_t group = index / pass->shape.chunks;
    size_t first = 0;
    const size_t rows = fvi_norm_chunk(&pass->shape, group, index % pass->shape.chunks, &first);
    char *sums = fvi_norm_part(pass, pass->sums, FVI_NORM_BACKWARD_SUMS * index);
    (void)worker;
    memset(sums, 0, FVI_NORM_BACKWARD_SUMS * pass->shape.channels * pass->size);
    fvi_norm_each_run(pass, group, first, rows, sums, products_run);
}

static void gradient_channels(void *argument, size_t index, int32_t worker)
{
    const fvi_norm_pass *pass = argument;
    size_t first = 0, end = 0;
    fvi_norm_task_channels(pass, index, &first, &end);
    (void)worker;
    (pass->call->dtype == FV_F64 ? fvi_norm_backward_f64 : fvi_norm_backward_f32)(
        &pass->shape, first, end, !pass->call->training, pass->sums, pass->scale, &pass->saved, pass->factors,
        pass->dscale, pass->dshift);
}

/* dx += plus. */
static void add_run(const fvi_norm_pass *pass, const fvi_norm_run *run)
{
    const fvi_view *plus = &pass->call->plus;
    if (plus->data == NULL)
        return;
    const bool vectors = pass->shape.rows == 1 && pass->shape.columns == 1;
    fvi_pixels pixels = run->pixels;
    pixels.x = vectors ? plus->image_stride : plus->pixel_stride;
    pass->call->kernels->channel_finish(&pixels, NULL, fvi_norm_row(pass, plus, run),
                                        fvi_norm_row(pass, pass->out, run));
}

static void backward_run(const fvi_norm_pass *pass, const fvi_norm_run *run, size_t group, char *sums)
{
    const fvi_call *call = pass->call;
    (void)sums;
    if (fvi_norm_is_gated(call->fused)) {
        call->kernels->channel_gated_backward(
            &run->pixels, call->fused->activation, fvi_norm_part(pass, pass->gates, FVI_NORM_GATES * group),
            fvi_norm_row(pass, &call->x[0], run), fvi_norm_row(pass, &call->dy, run),
            fvi_norm_part(pass, pass->saved.mean, 2 * group),
            fvi_norm_part(pass, pass->factors, FVI_NORM_FACTORS * group), fvi_norm_row(pass, pass->out, run));
    } else {
        call->kernels->channel_normalize_backward(
            &run->pixels, fvi_norm_row(pass, &call->x[0], run), fvi_norm_row(pass, &call->dy, run),
            fvi_norm_part(pass, pass->saved.mean, 2 * group),
            fvi_norm_part(pass, pass->factors, FVI_NORM_FACTORS * group), fvi_norm_row(pass, pass->out, run));
    }
    add_run(pass, run);
}

static void backward_chunk(void *argument, size_t index, int32_t worker)
{
    const fvi_norm_pass *pass = argument;
    const size_t group = index / pass->shape.chunks;
    size_t first = 0;
    const size_t rows = fvi_norm_chunk(&pass->shape, group, index % pass->shape.chunks, &first);
    (void)worker;
    fvi_norm_each_run(pass, group, first, rows, NULL, backward_run);
}

/* What the call observed, weighted by its share of the batch. */
static void write_observed(const fvi_norm_pass *pass)
{
    const size_t channels = pass->shape.channels;
    const double share = fvi_call_share(pass->call), *observed = pass->saved.observed;
    for (size_t c = 0; c < channels; c++) {
        const double mean = share * observed[c], variance = share * observed[channels + c];
        if (pass->call->dtype == FV_F64) {
            ((double *)pass->observed_mean)[c] = mean;
            ((double *)pass->observed_variance)[c] = variance;
        } else {
            ((float *)pass->observed_mean)[c] = (float)mean;
            ((float *)pass->observed_variance)[c] = (float)variance;
        }
    }
}

void fvi_norm_observe(const fvi_call *call)
{
    fvi_call copy = *call;
    const fvi_norm_pass pass = fvi_norm_pass_of(&copy, &call->y);
    write_observed(&pass);
}

fv_status fvi_norm_backward(fvi_call *call)
{
    fvi_norm_pass pass = fvi_norm_pass_of(call, &call->dx[0]);
    if (pass.gates != NULL)
        (call->dtype == FV_F64 ? fvi_norm_factors_f64 : fvi_norm_factors_f32)(&pass.shape, pass.scale, pass.shift,
                                                                              &pass.saved, pass.gates);
    const bool undoes = call->fused != NULL && call->fused->activation != NULL && !fvi_norm_is_gated(call->fused);
    fvi_norm_each_chunk(&pass, products_chunk,
                        FVI_NORM_X | FVI_NORM_DY | (undoes && pass.gates == NULL ? FVI_NORM_Y : 0),
                        undoes ? FVI_NORM_DY : 0);
    fvi_norm_each_channels(&pass, gradient_channels);
    if (pass.observed_mean != NULL) /* frozen: there is no place for it, nor use */
        write_observed(&pass);
    if (call->dx[0].data != NULL)
        fvi_norm_each_chunk(&pass, backward_chunk, FVI_NORM_X | FVI_NORM_DY, FVI_NORM_DX);
    return FV_OK;
}
