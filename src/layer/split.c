/* SPDX-License-Identifier: Apache-2.0
 *
 * split.c - cutting passes into tasks. A pass over views is a sequence of equal runs (the whole batch, images, rows or pixels,
 * whichever is contiguous in every view); a task takes several short runs or a part of a long one.
 */
#include "layer/split.h"

#include <string.h>

/* Items. */
typedef struct items_job {
    fvi_items_fn *work;
    const void *argument;
    size_t items, per_task;
} items_job;

static void items_task(void *argument, size_t index, int32_t worker)
{
    const items_job *job = argument;
    const size_t first = index * job->per_task;
    const size_t left = job->items - first;
    (void)worker;
    job->work(job->argument, first, left < job->per_task ? left : job->per_task);
}

void fvi_split_items(fv_context *context, size_t items, size_t elements, fvi_items_fn *work, const void *argument)
{
    const size_t fit = elements == 0 ? items : FVI_SPLIT_ELEMENTS / elements;
    items_job job = { .work = work, .argument = argument, .items = items, .per_task = fit == 0 ? 1 : fit };
    fvi_parallel(context, (items + job.per_task - 1) / job.per_task, items_task, &job);
}

/* Runs. */
typedef enum run_kind { RUN_BATCH, RUN_IMAGE, RUN_ROW, RUN_PIXEL } run_kind;

typedef struct runs_job {
    const fvi_view *const *views;
    int32_t view_count;
    size_t element_bytes;
    run_kind kind;
    size_t length, parts, part_length; /* of a run; how many parts it is cut into, and how long they are */
    fvi_run_fn *run;
    const void *argument;
} runs_job;

/* The longest kind of run that is contiguous in this view. */
static run_kind view_run(const fvi_view *view)
{
    const ptrdiff_t row = (ptrdiff_t)view->w * view->c, image = row * view->h;
    const bool pixels = view->w == 1 || view->pixel_stride == view->c;
    const bool rows = pixels && (view->h == 1 || view->row_stride == row);
    if (rows && (view->n == 1 || view->image_stride == image))
        return RUN_BATCH;
    return rows ? RUN_IMAGE : pixels ? RUN_ROW : RUN_PIXEL;
}

static size_t run_length(const fvi_view *view, run_kind kind)
{
    const size_t n = (size_t)view->n, h = (size_t)view->h, w = (size_t)view->w, c = (size_t)view->c;
    switch (kind) {
    case RUN_BATCH:
        return n * h * w * c;
    case RUN_IMAGE:
        return h * w * c;
    case RUN_ROW:
        return w * c;
    default:
        return c;
    }
}

static size_t run_count(const fvi_view *view, run_kind kind)
{
    const size_t n = (size_t)view->n, h = (size_t)view->h, w = (size_t)view->w;
    switch (kind) {
    case RUN_BATCH:
        return 1;
    case RUN_IMAGE:
        return n;
    case RUN_ROW:
        return n * h;
    default:
        return n * h * w;
    }
}

/* Element offset of run `index`. */
static ptrdiff_t run_offset(const fvi_view *view, run_kind kind, size_t index)
{
    const size_t h = (size_t)view->h, w = (size_t)view->w;
    switch (kind) {
    case RUN_BATCH:
        return 0;
    case RUN_IMAGE:
        return (ptrdiff_t)index * view->image_stride;
    case RUN_ROW:
        return (ptrdiff_t)(index / h) * view->image_stride + (ptrdiff_t)(index % h) * view->row_stride;
    default:
        return (ptrdiff_t)(index / (h * w)) * view->image_stride + (ptrdiff_t)(index / w % h) * view->row_stride +
               (ptrdiff_t)(index % w) * view->pixel_stride;
    }
}

static void runs_items(const void *argument, size_t first, size_t count)
{
    const runs_job *job = argument;
    void *at[FVI_SPLIT_VIEWS] = { NULL };
    for (size_t item = first; item < first + count; item++) {
        const size_t skipped = item % job->parts * job->part_length;
        const size_t left = job->length - skipped;
        for (int32_t i = 0; i < job->view_count; i++) {
            const ptrdiff_t offset = run_offset(job->views[i], job->kind, item / job->parts) + (ptrdiff_t)skipped;
            at[i] = (char *)job->views[i]->data + offset * (ptrdiff_t)job->element_bytes;
        }
        job->run(job->argument, left < job->part_length ? left : job->part_length, at);
    }
}

void fvi_split_runs(fv_context *context, fv_dtype dtype, const fvi_view *const *views, int32_t view_count,
                    fvi_run_fn *run, const void *argument)
{
    runs_job job = { .views = views,
                     .view_count = view_count,
                     .element_bytes = fv_dtype_size(dtype),
                     .kind = RUN_BATCH,
                     .run = run,
                     .argument = argument };
    for (int32_t i = 0; i < view_count; i++) {
        const run_kind kind = view_run(views[i]);
        job.kind = kind > job.kind ? kind : job.kind;
    }
    job.length = run_length(views[0], job.kind);
    job.parts = (job.length + FVI_SPLIT_ELEMENTS - 1) / FVI_SPLIT_ELEMENTS;
    job.parts = job.parts == 0 ? 1 : job.parts;
    job.part_length = job.length < FVI_SPLIT_ELEMENTS ? job.length : FVI_SPLIT_ELEMENTS;
    fvi_split_items(context, run_count(views[0], job.kind) * job.parts, job.part_length, runs_items, &job);
}

/* Copies. */
static void copy_run(const void *argument, size_t count, void *const *at)
{
    const fv_dtype *dtype = argument;
    memcpy(at[1], at[0], count * fv_dtype_size(*dtype));
}

void fvi_split_copy(fv_context *context, fv_dtype dtype, const fvi_view *x, const fvi_view *y)
{
    const fvi_view *const views[] = { x, y };
    if (x->data != y->data)
        fvi_split_runs(context, dtype, views, 2, copy_run, &dtype);
}

/* Filling. */
typedef struct fill_job {
    fv_dtype dtype;
    double value;
} fill_job;

static void fill_run(const void *argument, size_t count, void *const *at)
{
    const fill_job *job = argument;
    if (job->value == 0.0)
        memset(at[0], 0, count * fv_dtype_size(job->dtype));
    else if (job->dtype == FV_F64)
        for (size_t i = 0; i < count; i++)
            ((double *)at[0])[i] = job->value;
    else
        for (size_t i = 0; i < count; i++)
            ((float *)at[0])[i] = (float)job->value;
}

void fvi_split_fill(fv_context *context, fv_dtype dtype, const fvi_view *y, double value)
{
    const fill_job job = { .dtype = dtype, .value = value };
    fvi_split_runs(context, dtype, &y, 1, fill_run, &job);
}
