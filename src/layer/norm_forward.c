/* SPDX-License-Identifier: Apache-2.0
 *
 * norm_forward.c - batch normalisation forward: the input is read from memory once for the statistics (twice from cache) and once to
 * normalise. A sum and an activation behind it (fvi_fused) are done to each row while it is in cache.
 * Where a convolution writes a large input, the sums of the statistics are gathered meanwhile (fvi_norm_gather()): chunks are the
 * same, and whoever writes the last value of a chunk sums it up, so that the bits are the same too.
 */
#include <stdatomic.h>
#include <string.h>

#include "base/checked.h"
#include "layer/norm_pass.h"

/* Forward, training. sums of a chunk: shift, sum, squares. */
static void sum_run(const fvi_norm_pass *pass, const fvi_norm_run *run, size_t group, char *sums)
{
    (void)group;
    pass->call->kernels->channel_sum(&run->pixels, fvi_norm_row(pass, &pass->call->x[0], run),
                                     fvi_norm_part(pass, sums, 1));
}

static void moments_run(const fvi_norm_pass *pass, const fvi_norm_run *run, size_t group, char *sums)
{
    (void)group;
    pass->call->kernels->channel_moments(&run->pixels, fvi_norm_row(pass, &pass->call->x[0], run), sums,
                                         fvi_norm_part(pass, sums, 1), fvi_norm_part(pass, sums, 2));
}

static void moments_chunk(void *argument, size_t index, int32_t worker)
{
    const fvi_norm_pass *pass = argument;
    const size_t group = index / pass->shape.chunks;
    size_t first = 0;
    const size_t rows = fvi_norm_chunk(&pass->shape, group, index % pass->shape.chunks, &first);
    char *sums = fvi_norm_part(pass, pass->sums, FVI_NORM_FORWARD_SUMS * index);
    (void)worker;
    if (rows == 0)
        return;
    memset(sums, 0, FVI_NORM_FORWARD_SUMS * pass->shape.channels * pass->size);
    fvi_norm_each_run(pass, group, first, rows, sums, sum_run);
    (pass->call->dtype == FV_F64 ? fvi_norm_center_f64 : fvi_norm_center_f32)(pass->shape.channels,
                                                                              rows * pass->shape.columns, sums);
    fvi_norm_each_run(pass, group, first, rows, sums, moments_run);
}

static void statistics_channels(void *argument, size_t index, int32_t worker)
{
    const fvi_norm_pass *pass = argument;
    size_t first = 0, end = 0;
    fvi_norm_task_channels(pass, index, &first, &end);
    fvi_norm_statistics_fn *statistics =
        pass->call->dtype == FV_F64 ? fvi_norm_statistics_f64 : fvi_norm_statistics_f32;
    (void)worker;
    statistics(&pass->shape, first, end, fvi_norm_epsilon(pass->call->options), pass->sums, pass->scale, pass->shift,
               &pass->saved, pass->factors);
}

/* Sum and activation behind it. */
static void finish_run(const fvi_norm_pass *pass, const fvi_norm_run *run)
{
    const fvi_call *call = pass->call;
    const fvi_fused *fused = call->fused;
    if (fused == NULL)
        return;
    const bool vectors = pass->shape.rows == 1 && pass->shape.columns == 1;
    const fvi_view *summand = fused->summand > 0 ? &call->x[fused->summand] : NULL;
    fvi_pixels pixels = run->pixels;
    if (summand != NULL)
        pixels.x = vectors ? summand->image_stride : summand->pixel_stride;
    call->kernels->channel_finish(&pixels, fused->activation, summand != NULL ? fvi_norm_row(pass, summand, run) : NULL,
                                  fvi_norm_row(pass, pass->out, run));
}

static void normalize_run(const fvi_norm_pass *pass, const fvi_norm_run *run, size_t group, char *sums)
{
    (void)sums;
    pass->call->kernels->channel_normalize(
        &run->pixels, fvi_norm_row(pass, &pass->call->x[0], run), fvi_norm_part(pass, pass->saved.mean, 2 * group),
        fvi_norm_part(pass, pass->factors, 2 * group), fvi_norm_row(pass, pass->out, run));
    finish_run(pass, run);
}

static void scale_run(const fvi_norm_pass *pass, const fvi_norm_run *run, size_t group, char *sums)
{
    (void)group, (void)sums;
    pass->call->kernels->channel_scale(&run->pixels, fvi_norm_row(pass, &pass->call->x[0], run), pass->call->packed,
                                       fvi_norm_row(pass, pass->out, run));
    finish_run(pass, run);
}

static void forward_chunk(void *argument, size_t index, int32_t worker)
{
    const fvi_norm_pass *pass = argument;
    const size_t group = index / pass->shape.chunks;
    size_t first = 0;
    const size_t rows = fvi_norm_chunk(&pass->shape, group, index % pass->shape.chunks, &first);
    (void)worker;
    fvi_norm_each_run(pass, group, first, rows, NULL, pass->call->training ? normalize_run : scale_run);
}

static fv_status check_values(const fvi_norm_pass *pass)
{
    const fvi_call *call = pass->call;
    size_t fewest = SIZE_MAX;
    for (size_t g = 0; g < pass->shape.groups; g++)
        fewest = fvi_norm_pixels(&pass->shape, g) < fewest ? fvi_norm_pixels(&pass->shape, g) : fewest;
    if (fewest > 1)
        return FV_OK;
    return fvi_fail_in(
        call->message, FV_ERR_SHAPE,
        "batch_norm '%s': one value for each channel has no variance to train by (%d image%s of %dx%dx%d, "
        "%zu group%s); take larger batches, fewer blocks or larger ghost batches",
        call->name, call->n, call->n == 1 ? "" : "s", call->x[0].c, call->x[0].h, call->x[0].w, pass->shape.groups,
        pass->shape.groups == 1 ? "" : "s");
}

static void normalize_chunks(fvi_norm_pass *pass)
{
    const bool adds = pass->call->fused != NULL && pass->call->fused->summand > 0;
    fvi_norm_each_chunk(pass, forward_chunk, FVI_NORM_X | (adds ? FVI_NORM_SUMMAND : 0), FVI_NORM_Y);
}

fv_status fvi_norm_forward(fvi_call *call)
{
    fvi_norm_pass pass = fvi_norm_pass_of(call, &call->y);
    if (call->training) {
        FV_TRY(check_values(&pass));
        if (!call->is_gathered)
            fvi_norm_each_chunk(&pass, moments_chunk, FVI_NORM_X, 0);
        fvi_norm_each_channels(&pass, statistics_channels);
    } else if (call->saved != NULL) { /* for a backward pass that leaves the statistics alone */
        (call->dtype == FV_F64 ? fvi_norm_running_f64 : fvi_norm_running_f32)(
            pass.shape.channels, fvi_norm_epsilon(call->options), pass.mean, pass.variance, &pass.saved);
    }
    normalize_chunks(&pass);
    call->is_gathered = false;
    return FV_OK;
}

fv_status fvi_norm_repeat(fvi_call *call)
{
    fvi_norm_pass pass = fvi_norm_pass_of(call, &call->y);
    if (call->training)
        (call->dtype == FV_F64 ? fvi_norm_factors_f64 : fvi_norm_factors_f32)(&pass.shape, pass.scale, pass.shift,
                                                                              &pass.saved, pass.factors);
    normalize_chunks(&pass);
    return FV_OK;
}

/* Sums that are gathered while somebody else writes what they are over. */
typedef struct gathering {
    fvi_norm_pass pass;
    atomic_size_t *written; /* [groups][chunks] values */
    fvi_watch watch;
} gathering;

size_t fvi_norm_gathered_header(size_t chunks)
{
    return fvi_round_up(sizeof(gathering), 64) + fvi_round_up(chunks * sizeof(atomic_size_t), 64);
}

/* Counts what is written; whoever completes a chunk sums it up. */
static void wrote(void *argument, size_t first, size_t pixels, int32_t channels)
{
    gathering *g = argument;
    const fvi_norm_shape *shape = &g->pass.shape;
    while (pixels > 0) {
        size_t first_row = 0;
        const size_t index = fvi_norm_chunk_of(shape, first / shape->columns);
        const size_t rows = fvi_norm_chunk(shape, index / shape->chunks, index % shape->chunks, &first_row);
        const size_t left = (first_row + rows) * shape->columns - first, count = pixels < left ? pixels : left;
        const size_t values = count * (size_t)channels;
        if (atomic_fetch_add(&g->written[index], values) + values == rows * shape->columns * shape->channels)
            moments_chunk(&g->pass, index, 0);
        first += count;
        pixels -= count;
    }
}

const fvi_watch *fvi_norm_gather(fvi_call *call)
{
    call->is_gathered = call->gathered != NULL && call->training;
    if (!call->is_gathered)
        return NULL;
    gathering *g = call->gathered;
    g->pass = fvi_norm_pass_of(call, &call->y);
    g->watch = (fvi_watch){ .wrote = wrote, .argument = g };
    g->written = (atomic_size_t *)(void *)((char *)call->gathered + fvi_round_up(sizeof *g, 64));
    for (size_t i = 0; i < g->pass.shape.groups * g->pass.shape.chunks; i++)
        atomic_init(&g->written[i], 0);
    return &g->watch;
}
