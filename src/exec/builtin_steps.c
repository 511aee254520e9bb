/* SPDX-License-Identifier: Apache-2.0
 *
 * builtin_steps.c - the steps that belong to no layer: bringing a batch's images into the plan's layout, and adding
 * gradients up.
 */
#include <string.h>

#include "layer/split.h"
#include "plan/plan_internal.h"

/* What one call copies: rows of images, one task each. */
typedef struct copy_job {
    const fv_batch *batch;
    fvi_view y;
    fv_dtype dtype;
    const fvi_int8_kernels *int8; /* for y in bytes */
} copy_job;

static double load(const fv_batch *batch, size_t index)
{
    return batch->dtype == FV_F64 ? ((const double *)batch->images)[index]
                                  : (double)((const float *)batch->images)[index];
}

static size_t source_index(const copy_job *job, size_t n, size_t h, size_t w, size_t c)
{
    const size_t rows = (size_t)job->y.h, columns = (size_t)job->y.w, channels = (size_t)job->y.c;
    if (job->batch->order == FV_NHWC)
        return ((n * rows + h) * columns + w) * channels + c;
    return ((n * channels + c) * rows + h) * columns + w;
}

/* The common case: float32 both sides. Elements of one pixel are `step` apart in the batch. */
static void copy_row_f32(const copy_job *job, size_t n, size_t h, float *y)
{
    const size_t columns = (size_t)job->y.w, channels = (size_t)job->y.c;
    const float *x = (const float *)job->batch->images + source_index(job, n, h, 0, 0);
    if (job->batch->order == FV_NHWC && job->y.pixel_stride == job->y.c) {
        memcpy(y, x, columns * channels * sizeof *y);
        return;
    }
    const size_t next_pixel = job->batch->order == FV_NHWC ? channels : 1;
    const size_t next_channel = job->batch->order == FV_NHWC ? 1 : (size_t)job->y.h * columns;
    for (size_t w = 0; w < columns; w++)
        for (size_t c = 0; c < channels; c++)
            y[(ptrdiff_t)w * job->y.pixel_stride + (ptrdiff_t)c] = x[w * next_pixel + c * next_channel];
}

static void copy_row_any(const copy_job *job, size_t n, size_t h, void *y)
{
    for (size_t w = 0; w < (size_t)job->y.w; w++) {
        for (size_t c = 0; c < (size_t)job->y.c; c++) {
            const double value = load(job->batch, source_index(job, n, h, w, c));
            const ptrdiff_t at = (ptrdiff_t)w * job->y.pixel_stride + (ptrdiff_t)c;
            if (job->dtype == FV_F64)
                ((double *)y)[at] = value;
            else if (job->dtype == FV_U8)
                job->int8->quantize(1, 1 / job->y.scale, job->y.zero_point, &(float){ (float)value },
                                    (uint8_t *)y + at);
            else if (job->dtype == FV_BF16)
                ((uint16_t *)y)[at] = fvi_bf16_from_float((float)value);
            else
                ((float *)y)[at] = (float)value;
        }
    }
}

/* Whether a row of y has the batch's order, float32. */
static bool as_it_lies(const copy_job *job)
{
    return job->batch->dtype == FV_F32 && job->y.pixel_stride == job->y.c &&
           (job->batch->order == FV_NHWC || job->y.c == 1);
}

static void copy_image(void *argument, size_t n, int32_t worker)
{
    (void)worker;
    const copy_job *job = argument;
    for (int32_t h = 0; h < job->y.h; h++) {
        void *y = fvi_view_at(&job->y, job->dtype, (int32_t)n, h, 0);
        if (job->dtype == FV_F32 && job->batch->dtype == FV_F32)
            copy_row_f32(job, n, (size_t)h, y);
        else if (job->dtype == FV_U8 && as_it_lies(job))
            job->int8->quantize((size_t)job->y.w * (size_t)job->y.c, 1 / job->y.scale, job->y.zero_point,
                                (const float *)job->batch->images + source_index(job, n, (size_t)h, 0, 0), y);
        else
            copy_row_any(job, n, (size_t)h, y);
    }
}

fv_status fvi_step_input(fvi_call *call)
{
    copy_job job = {
        .batch = call->batch, .y = call->y, .dtype = call->dtype, .int8 = fvi_int8_kernels_of(call->context)
    };
    fvi_parallel(call->context, (size_t)call->n, copy_image, &job);
    return FV_OK;
}

static void add_run(const void *argument, size_t count, void *const *at)
{
    const fvi_kernels *kernels = argument;
    kernels->add(count, at[0], at[1], at[0]);
}

/* Between two bf16 tensors: each sum is rounded. */
static void add_run_bf16(const void *argument, size_t count, void *const *at)
{
    const fvi_bf16_kernels *kernels = argument;
    kernels->add(count, at[0], at[1], at[0]);
}

fv_status fvi_step_accumulate(fvi_call *call)
{
    const fvi_view *const views[] = { &call->y, &call->dy };
    if (call->dtype == FV_BF16) {
        fvi_split_runs(call->context, call->dtype, views, 2, add_run_bf16,
                       fvi_bf16_kernels_for(fvi_context_isa(call->context)));
        return FV_OK;
    }
    fvi_split_runs(call->context, call->dtype, views, 2, add_run, call->kernels);
    return FV_OK;
}
