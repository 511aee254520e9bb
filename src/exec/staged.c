/* SPDX-License-Identifier: Apache-2.0
 *
 * staged.c - steps of mixed precision: of each piece of the batch the tensors in bf16, or bytes, that the layer reads are widened to float32 in
 * scratch, the layer runs on them, and what it wrote is narrowed. Parameter gradients of pieces are added up, from the first
 * piece to the last. Pieces depend on the problem alone (src/plan/precision.c), so results do not depend on threads.
 */
#include "base/checked.h"
#include "exec/exec_internal.h"
#include "layer/split.h"

/* Rows of the images of a piece, from storage to scratch or back. */
typedef struct convert_job {
    const fv_plan *plan; /* whose kernels convert */
    fv_dtype dtype;      /* as stored: bf16 or bytes */
    fvi_view stored, staged;
    bool narrow;
} convert_job;

static void convert_run(const convert_job *job, size_t count, const void *from, void *to)
{
    if (job->dtype == FV_U8 && job->narrow)
        job->plan->int8->quantize(count, 1 / job->stored.scale, job->stored.zero_point, from, to);
    else if (job->dtype == FV_U8)
        job->plan->int8->dequantize(count, job->stored.scale, job->stored.zero_point, from, to);
    else if (job->narrow)
        job->plan->bf16->narrow(count, from, to);
    else
        job->plan->bf16->widen(count, from, to);
}

static void convert_rows(const void *argument, size_t first, size_t count)
{
    const convert_job *job = argument;
    const fvi_view *stored = &job->stored, *staged = &job->staged;
    const bool whole = stored->pixel_stride == stored->c && staged->pixel_stride == staged->c;
    const int32_t steps = whole ? 1 : stored->w;
    const size_t run = (size_t)stored->c * (size_t)(whole ? stored->w : 1);
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)stored->h), h = (int32_t)(row % (size_t)stored->h);
        for (int32_t w = 0; w < steps; w++) {
            void *narrow = fvi_view_at(stored, job->dtype, n, h, w), *wide = fvi_view_at(staged, FV_F32, n, h, w);
            convert_run(job, run, job->narrow ? wide : narrow, job->narrow ? narrow : wide);
        }
    }
}

static void convert(fv_context *context, const convert_job *job)
{
    const fvi_view *view = &job->stored;
    fvi_split_items(context, (size_t)view->n * (size_t)view->h, (size_t)view->w * (size_t)view->c, convert_rows, job);
}

/* What one step's pieces share. */
typedef struct staged_step {
    const fv_plan *plan;
    const fvi_step *step;
    const fvi_staging *staging;
    fvi_call *call;   /* on the tensors as they are stored */
    fvi_view *x, *dx; /* [inputs] of the layer's call */
    char *arena;
} staged_step;

/* Images [first, first + n) of a view. */
static fvi_view images_of(fvi_view view, fv_dtype dtype, int32_t first, int32_t n)
{
    if (view.data != NULL)
        view.data = fvi_view_at(&view, dtype, first, 0, 0);
    view.n = n;
    return view;
}

static fv_dtype stored_dtype(const staged_step *step, int32_t tensor)
{
    return tensor == FVI_NONE ? FV_F32 : step->plan->storage[step->plan->tensor[tensor].storage].dtype;
}

/* The view that the layer gets for a stored one: its copy in scratch, or itself where it is float32. */
static fvi_view layer_view(const staged_step *step, int32_t tensor, const fvi_view *stored, int32_t first, int32_t n)
{
    const fv_dtype dtype = stored_dtype(step, tensor);
    for (int32_t i = 0; stored->data != NULL && dtype != FV_F32 && i < step->staging->count; i++) {
        const fvi_staged *staged = &step->staging->tensor[i];
        const fvi_tensor *a = &step->plan->tensor[tensor], *b = &step->plan->tensor[staged->tensor];
        if (a->storage == b->storage && a->channel == b->channel && a->c == b->c)
            return fvi_plan_staged_view(step->plan, staged, step->call->scratch, n);
    }
    return images_of(*stored, dtype, first, n);
}

/* Brings the piece in (before the layer runs), or takes it out. */
static void convert_piece(const staged_step *step, int32_t first, int32_t n, bool narrow)
{
    fv_context *context = step->call->context;
    for (int32_t i = 0; i < step->staging->count; i++) {
        const fvi_staged *staged = &step->staging->tensor[i];
        const fvi_view stored = fvi_plan_view(step->plan, staged->tensor, step->arena, first + n);
        const fv_dtype dtype = stored_dtype(step, staged->tensor);
        const convert_job job = {
            .plan = step->plan,
            .dtype = dtype,
            .stored = images_of(stored, dtype, first, n),
            .staged = fvi_plan_staged_view(step->plan, staged, step->call->scratch, n),
            .narrow = narrow,
        };
        if (!narrow)
            fvi_view_clear_border(&job.staged, FV_F32, 0, n);
        if (narrow ? staged->written : staged->read)
            convert(context, &job);
    }
}

/* The batch from sample `first` on. images and values are read by steps that have the whole batch. */
static fv_batch batch_from(const fv_batch *batch, int32_t first, int32_t n)
{
    fv_batch part = *batch;
    part.n = n;
    part.classes = batch->classes != NULL ? batch->classes + first : NULL;
    part.weights = batch->weights != NULL ? batch->weights + first : NULL;
    part.samples = batch->samples != NULL ? batch->samples + first : NULL;
    part.first_sample += (uint64_t)first;
    return part;
}

static void add_run(const void *argument, size_t first, size_t count)
{
    float *const *sum = argument;
    for (size_t i = first; i < first + count; i++)
        sum[0][i] += sum[1][i];
}

/* Parameter gradients of later pieces go to scratch and from there to the sum; `gradient` has room for their addresses. */
static void place_gradients(const staged_step *step, void *gradient[FVI_LAYER_PARAMS])
{
    const fvi_node *node = &step->plan->nodes[step->step->node];
    char *at = (char *)step->call->scratch + step->staging->sums;
    for (int32_t j = 0; j < node->param_count; j++) {
        gradient[j] = at;
        at += fvi_round_up((size_t)fv_shape_elements(&node->param[j].shape) * sizeof(float), 64);
    }
}

static void add_gradients(const staged_step *step, void *const gradient[FVI_LAYER_PARAMS])
{
    const fvi_node *node = &step->plan->nodes[step->step->node];
    for (int32_t j = 0; j < node->param_count; j++) {
        float *const sum[] = { step->call->dparam[j], gradient[j] };
        if (node->param[j].trained)
            fvi_split_items(step->call->context, (size_t)fv_shape_elements(&node->param[j].shape), 1, add_run, sum);
    }
}

/* The layer's call on images [first, first + n). */
static fvi_call call_of(const staged_step *step, int32_t first, int32_t n)
{
    const fvi_call *whole = step->call;
    const fvi_plan_node *node = &step->plan->node[step->step->node];
    fvi_call call = *whole;
    for (int32_t j = 0; j < call.input_count; j++) {
        step->x[j] = layer_view(step, step->step->x[j], &whole->x[j], first, n);
        step->dx[j] = layer_view(step, step->step->dx[j], &whole->dx[j], first, n);
    }
    call.n = n;
    call.x = step->x;
    call.dx = step->dx;
    call.y = layer_view(step, step->step->y, &whole->y, first, n);
    call.dy = layer_view(step, step->step->dy, &whole->dy, first, n);
    if (call.saved != NULL && first > 0)
        call.saved = (char *)call.saved + (size_t)first * (node->setup.saved_bytes / (size_t)step->plan->options.batch);
    return call;
}

static fv_status run_piece(const staged_step *step, int32_t first, int32_t n)
{
    const bool sums = first > 0 && step->step->ready_count > 0;
    void *gradient[FVI_LAYER_PARAMS] = { NULL };
    fvi_call call = call_of(step, first, n);
    const fv_batch batch = batch_from(call.batch, first, n);
    call.batch = &batch;
    if (sums) {
        place_gradients(step, gradient);
        call.dparam = gradient;
    }
    convert_piece(step, first, n, false);
    FV_TRY(step->step->run(&call));
    convert_piece(step, first, n, true);
    if (sums)
        add_gradients(step, gradient);
    step->call->loss = call.loss;
    return FV_OK;
}

fv_status fvi_run_staged(fv_session *session, int32_t index)
{
    const fvi_step *step = &session->plan->step[index];
    fvi_view *views = session->views[index] + 2 * step->input_count;
    const staged_step staged = {
        .plan = session->plan,
        .step = step,
        .staging = step->staging,
        .call = &session->call[index],
        .x = views,
        .dx = views + step->input_count,
        .arena = session->arena,
    };
    const int32_t images = session->call[index].n, piece = step->staging->images;
    for (int32_t first = 0; first < images; first += piece)
        FV_TRY(run_piece(&staged, first, images - first < piece ? images - first : piece));
    return FV_OK;
}

double fvi_element(const void *pixel, fv_dtype dtype, int32_t c)
{
    if (dtype == FV_U8)
        return (double)((const uint8_t *)pixel)[c];
    if (dtype == FV_BF16)
        return (double)fvi_bf16_to_float(((const uint16_t *)pixel)[c]);
    return dtype == FV_F32 ? (double)((const float *)pixel)[c] : ((const double *)pixel)[c];
}

/* What an element stands for. */
static float value_of(const fvi_view *view, double element)
{
    return view->is_u8 ? (float)(element - view->zero_point) * view->scale : (float)element;
}

void fvi_read_tensor(const fv_session *session, int32_t tensor, void *out)
{
    const fv_plan *plan = session->plan;
    const fvi_view view = fvi_plan_view(plan, tensor, session->arena, session->n);
    const fv_dtype dtype = plan->storage[plan->tensor[tensor].storage].dtype;
    float *to = out;
    if (dtype == fvi_plan_arithmetic(plan)) {
        fvi_view_to_nchw(&view, dtype, out);
        return;
    }
    for (int32_t n = 0; n < view.n; n++)
        for (int32_t c = 0; c < view.c; c++)
            for (int32_t h = 0; h < view.h; h++)
                for (int32_t w = 0; w < view.w; w++)
                    *to++ = value_of(&view, fvi_element(fvi_view_at(&view, dtype, n, h, w), dtype, c));
}
