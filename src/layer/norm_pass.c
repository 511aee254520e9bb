/* SPDX-License-Identifier: Apache-2.0
 *
 * norm_pass.c - how a pass of batch normalisation goes over its input: chunks in parallel, rows of a chunk one by one; in mixed
 * precision on float32 copies of a chunk.
 */
#include "layer/norm_pass.h"

#include "layer/stored_rows.h"

enum { CHANNELS_PER_TASK = 16 };

double fvi_norm_epsilon(const void *options)
{
    const double epsilon = ((const fv_batch_norm_options *)options)->epsilon;
    return epsilon == 0 ? 1e-5 : epsilon;
}

size_t fvi_norm_groups_of(const fv_batch_norm_options *options, size_t images)
{
    const size_t groups = options->ghost == 0 ? 1 : images / (size_t)options->ghost;
    return groups == 0 ? 1 : groups;
}

/* A vector is one row of images: then a chunk's pixels are in one run. */
fvi_norm_shape fvi_norm_shape_of(size_t images, size_t groups, fv_image_shape image)
{
    fvi_norm_shape shape = {
        .images = images,
        .groups = groups,
        .rows = (size_t)image.h,
        .columns = (size_t)image.w,
        .channels = (size_t)image.c,
    };
    const size_t most = (images + groups - 1) / groups * shape.rows;
    shape.chunk_rows = FVI_SPLIT_ELEMENTS / (shape.columns * shape.channels);
    shape.chunk_rows = shape.chunk_rows == 0 ? 1 : shape.chunk_rows;
    shape.chunks = (most + shape.chunk_rows - 1) / shape.chunk_rows;
    return shape;
}

bool fvi_norm_is_gated(const fvi_fused *fused)
{
    return fused != NULL && fused->activation != NULL && fused->summand == 0 &&
           (fused->activation->kind == FVI_RELU || fused->activation->kind == FVI_RELU6);
}

bool fvi_norm_undoes_by_input(const fvi_fused *fused)
{
    return fvi_norm_is_gated(fused) ||
           (fused != NULL && fused->activation != NULL && fused->activation->kind >= FVI_GELU);
}

fvi_norm_pass fvi_norm_pass_of(fvi_call *call, const fvi_view *out)
{
    const fv_batch_norm_options *options = call->options;
    const fvi_view *x = &call->x[0];
    const size_t images = (size_t)call->n, groups = call->training ? fvi_norm_groups_of(options, images) : 1;
    fvi_norm_pass pass = {
        .call = call,
        .out = out,
        .shape = fvi_norm_shape_of(images, groups, (fv_image_shape){ x->c, x->h, x->w }),
        .size = fv_dtype_size(call->dtype),
    };
    int32_t next = 0;
    const int32_t scale = options->no_scale ? -1 : next++, shift = options->no_shift ? -1 : next++;
    pass.scale = scale < 0 ? NULL : call->param[scale];
    pass.shift = shift < 0 ? NULL : call->param[shift];
    pass.mean = call->param[next];
    pass.variance = call->param[next + 1];
    pass.dscale = scale < 0 ? NULL : call->dparam[scale];
    pass.dshift = shift < 0 ? NULL : call->dparam[shift];
    pass.observed_mean = call->dparam[next];
    pass.observed_variance = call->dparam[next + 1];
    pass.factors = call->scratch;
    if (call->is_gathered)
        pass.factors = (char *)call->gathered + fvi_norm_gathered_header(groups * pass.shape.chunks);
    pass.gates = fvi_norm_undoes_by_input(call->fused)
                     ? pass.factors + groups * FVI_NORM_FACTORS * pass.shape.channels * pass.size
                     : NULL;
    pass.sums = pass.factors + groups * (size_t)(FVI_NORM_FACTORS + (pass.gates != NULL ? FVI_NORM_GATES : 0)) *
                                   pass.shape.channels * pass.size;
    if (call->saved != NULL) {
        pass.saved.observed = call->saved;
        pass.saved.mean = pass.saved.observed + 2 * pass.shape.channels;
        pass.saved.rstd = (char *)pass.saved.mean + groups * 2 * pass.shape.channels * pass.size;
    }
    return pass;
}

void fvi_norm_each_run(const fvi_norm_pass *pass, size_t group, size_t first, size_t rows, char *sums,
                       fvi_norm_run_fn *work)
{
    const fvi_call *call = pass->call;
    const bool vectors = pass->shape.rows == 1 && pass->shape.columns == 1;
    const fvi_view *x = &call->x[0], *dy = &call->dy, *out = pass->out;
    for (size_t r = first; r < first + rows; r += vectors ? rows : 1) {
        const fvi_norm_run run = {
            .pixels = { .count = vectors ? rows : pass->shape.columns,
                        .channels = pass->shape.channels,
                        .x = vectors ? x->image_stride : x->pixel_stride,
                        .y = vectors ? out->image_stride : out->pixel_stride,
                        .dy = vectors ? dy->image_stride : dy->pixel_stride },
            .image = (int32_t)(r / pass->shape.rows),
            .row = (int32_t)(r % pass->shape.rows),
        };
        work(pass, &run, group, sums);
    }
}

void *fvi_norm_row(const fvi_norm_pass *pass, const fvi_view *view, const fvi_norm_run *run)
{
    return fvi_view_at(view, pass->call->dtype, run->image, run->row, 0);
}

char *fvi_norm_part(const fvi_norm_pass *pass, char *base, size_t index)
{
    return base + index * pass->shape.channels * pass->size;
}

/* Mixed precision: a chunk's rows are widened into the worker's copies, the pass computes on these, and what it wrote is
 * narrowed. The pass finds the rows in views of its own call. */
typedef struct staged_pass {
    fvi_norm_pass *pass;
    fvi_task_fn *work;
    uint32_t reads, writes;
} staged_pass;

static void stage_chunk(void *argument, size_t index, int32_t worker)
{
    const staged_pass *staged = argument;
    const fvi_call *stored = staged->pass->call;
    const fvi_norm_prepared *prepared = stored->prepared;
    const fvi_bf16_kernels *kernels = fvi_bf16_kernels_for(fvi_context_isa(stored->context));
    const int32_t summand = stored->fused != NULL ? stored->fused->summand : 0;
    fvi_view x[2] = { stored->x[0], stored->x[summand] }, dx = stored->dx[0];
    fvi_call call = *stored;
    fvi_fused fused = stored->fused != NULL ? *stored->fused : (fvi_fused){ 0 };
    fvi_norm_pass pass = *staged->pass;
    fvi_view *const views[] = { &x[0], &x[1], &call.y, &call.dy, &dx };
    const fvi_view *const from[] = { &stored->x[0], &stored->x[summand], &stored->y, &stored->dy, &stored->dx[0] };
    fvi_stored_rows rows[5];
    float *copy = (float *)(void *)((char *)stored->scratch + prepared->copies) +
                  (size_t)worker * FVI_NORM_COPIES * prepared->elements;
    fused.summand = summand > 0;
    call.x = x;
    call.dx = &dx;
    call.fused = stored->fused != NULL ? &fused : NULL;
    pass.call = &call;
    pass.out = staged->pass->out == &stored->y ? &call.y : &dx;
    for (uint32_t i = 0; i < 5; i++) {
        if (((staged->reads | staged->writes) & 1u << i) == 0 || !from[i]->is_bf16)
            continue;
        rows[i] = (fvi_stored_rows){ .stored = from[i], .buffer = copy };
        rows[i].count =
            fvi_norm_chunk(&pass.shape, index / pass.shape.chunks, index % pass.shape.chunks, &rows[i].first);
        copy += prepared->elements;
        *views[i] = fvi_stored_rows_view(&rows[i]);
        if ((staged->reads & 1u << i) != 0)
            fvi_stored_rows_widen(&rows[i], kernels);
    }
    staged->work(&pass, index, worker);
    for (uint32_t i = 0; i < 5; i++)
        if ((staged->writes & 1u << i) != 0 && from[i]->is_bf16)
            fvi_stored_rows_narrow(&rows[i], kernels);
}

void fvi_norm_each_chunk(fvi_norm_pass *pass, fvi_task_fn *work, uint32_t reads, uint32_t writes)
{
    staged_pass staged = { .pass = pass, .work = work, .reads = reads, .writes = writes };
    const bool stages = pass->call->prepared != NULL;
    fvi_parallel(pass->call->context, pass->shape.groups * pass->shape.chunks, stages ? stage_chunk : work,
                 stages ? (void *)&staged : (void *)pass);
}

void fvi_norm_each_channels(fvi_norm_pass *pass, fvi_task_fn *work)
{
    fvi_parallel(pass->call->context, (pass->shape.channels + CHANNELS_PER_TASK - 1) / CHANNELS_PER_TASK, work, pass);
}

void fvi_norm_task_channels(const fvi_norm_pass *pass, size_t index, size_t *first, size_t *end)
{
    *first = index * CHANNELS_PER_TASK;
    *end = pass->shape.channels - *first < CHANNELS_PER_TASK ? pass->shape.channels : *first + CHANNELS_PER_TASK;
}
