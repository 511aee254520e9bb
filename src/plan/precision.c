/* SPDX-License-Identifier: Apache-2.0
 *
 * precision.c - mixed precision (Micikevicius et al. 2018, arXiv:1710.03740, without its scaled loss: bfloat16 has float32's
 * exponents). In a plan of bf16 the values between steps and their gradients are stored in bfloat16; parameters, their gradients,
 * sums and statistics are float32, and so is arithmetic. What a loss reads, its gradient and the network's output are
 * float32 throughout: they are small, and nothing behind them would average the rounding out.
 *
 * In a plan of i8 values are stored in bytes where the graph gives them a scale (fv_graph_set_quantized()), else in float32.
 *
 * A layer that takes bf16 (layer.h: takes_bf16) is handed the tensors as they are. Any other computes on float32 copies in scratch, which src/exec/staged.c makes. A layer that treats each image by itself gets a
 * piece of the batch at a time, small enough to stay in cache between being widened and being read; layers that need the whole
 * batch at once (layer.h: whole_batch, is_loss) get it all.
 */
#include <string.h>

#include "base/checked.h"
#include "plan/plan_internal.h"

/* What the copies of one piece may take: about a core's share of the last cache, and enough work to hand out to threads. */
enum { PIECE_BYTES = 4 << 20 };

fv_dtype fvi_plan_arithmetic(const fv_plan *plan)
{
    return fvi_plan_mixes(plan) ? FV_F32 : plan->options.dtype;
}

bool fvi_plan_mixes(const fv_plan *plan)
{
    return plan->options.dtype == FV_BF16 || plan->options.dtype == FV_I8;
}

/* The network's output stays in float32: nothing behind it would average its rounding out. */
const fv_quantized *fvi_plan_stored(const fv_plan *plan, fv_value root)
{
    const fv_quantized *quantized = plan->nodes[plan->node[root].last].quantized;
    if (plan->options.dtype != FV_I8 || root == plan->node[fv_graph_output(plan->graph)].root || quantized == NULL)
        return NULL;
    return quantized->scale > 0 ? quantized : NULL;
}

bool fvi_plan_stored_alike(const fv_plan *plan, fv_value a, fv_value b)
{
    const fv_quantized *left = fvi_plan_stored(plan, a), *right = fvi_plan_stored(plan, b);
    if (left == NULL || right == NULL)
        return left == right;
    return left->scale == right->scale && left->zero_point == right->zero_point;
}

static size_t image_bytes(fv_image_shape shape)
{
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w * sizeof(float);
}

int32_t fvi_plan_piece(const fv_plan *plan, fv_value value)
{
    const fvi_layer *layer = plan->nodes[value].layer;
    const int32_t batch = plan->options.batch;
    if (!fvi_plan_mixes(plan) || layer->whole_batch || layer->is_loss || layer->is_input)
        return batch;
    size_t bytes = image_bytes(plan->nodes[value].out);
    for (int32_t j = 0; j < plan->node[value].input_count; j++)
        bytes += image_bytes(plan->nodes[plan->node[value].inputs[j]].out);
    const size_t images = PIECE_BYTES / bytes;
    return images < 1 ? 1 : images < (size_t)batch ? (int32_t)images : batch;
}

/* By the contract of layers that are computed in pieces each image has its own part of `saved`. */
fv_status fvi_plan_saved_bytes(const fv_plan *plan, fv_value value, size_t *bytes)
{
    const size_t piece = (size_t)plan->node[value].piece, batch = (size_t)plan->options.batch;
    if (piece < batch && !fvi_size_multiply(*bytes / piece, batch, bytes))
        return fvi_fail(plan->context, FV_ERR_MEMORY, "%s '%s': what it keeps for backward overflows at batch %zu",
                        plan->nodes[value].layer->name, plan->nodes[value].name, batch);
    return FV_OK;
}

static fv_dtype dtype_of(const fv_plan *plan, int32_t tensor)
{
    return plan->storage[plan->tensor[tensor].storage].dtype;
}

static void keep_exact(const fv_plan *plan, int32_t tensor)
{
    if (tensor != FVI_NONE)
        plan->storage[plan->tensor[tensor].storage].dtype = FV_F32;
}

static void find_exact(const fv_plan *plan)
{
    keep_exact(plan, plan->node[plan->node[fv_graph_output(plan->graph)].root].tensor);
    for (int32_t i = 0; i < plan->step_count; i++) {
        const fvi_step *step = &plan->step[i];
        for (int32_t j = 0;
             step->kind != FVI_STEP_ACCUMULATE && plan->nodes[step->node].layer->is_loss && j < step->input_count;
             j++) {
            keep_exact(plan, step->x[j]);
            keep_exact(plan, step->dx[j]);
        }
    }
    for (int32_t i = 0; i < plan->storage_count; i++)
        if (plan->storage[i].copy_of != FVI_NONE)
            plan->storage[i].dtype = plan->storage[plan->storage[i].copy_of].dtype;
}

static bool same_tensor(const fvi_tensor *a, const fvi_tensor *b)
{
    return a->storage == b->storage && a->channel == b->channel && a->c == b->c;
}

/* Adds a tensor that the step's layer looks at, once. */
static void stage_tensor(const fv_plan *plan, fvi_staging *staging, int32_t tensor, bool read, bool written,
                         const int32_t border[4])
{
    int32_t i = 0;
    if (tensor == FVI_NONE || dtype_of(plan, tensor) == FV_F32)
        return;
    while (i < staging->count && !same_tensor(&plan->tensor[staging->tensor[i].tensor], &plan->tensor[tensor]))
        i++;
    fvi_staged *staged = &staging->tensor[i];
    if (i == staging->count) {
        staging->count++;
        staged->tensor = tensor;
    }
    staged->read |= read;
    staged->written |= written;
    for (int side = 0; side < 4; side++)
        staged->border[side] = border[side] > staged->border[side] ? border[side] : staged->border[side];
}

static void stage_tensors(const fv_plan *plan, const fvi_step *step, fvi_staging *staging)
{
    static const int32_t none[4] = { 0 };
    const fvi_setup *setup = &plan->node[step->node].setup;
    const bool forward = step->kind == FVI_STEP_FORWARD || step->kind == FVI_STEP_REPEAT;
    const bool sum = step->kind == FVI_STEP_ACCUMULATE;
    for (int32_t j = 0; j < step->input_count; j++)
        stage_tensor(plan, staging, j < step->reads_x ? step->x[j] : FVI_NONE, true, false,
                     j < plan->nodes[step->node].input_count ? setup->input_border : none);
    stage_tensor(plan, staging, step->reads_y || sum ? step->y : FVI_NONE, !forward, forward || sum, none);
    stage_tensor(plan, staging, step->dy, true, false, sum ? none : setup->gradient_border);
    for (int32_t j = 0; j < step->input_count; j++)
        stage_tensor(plan, staging, step->dx[j], false, true, none);
}

/* Room in scratch behind what the layer wants; SIZE_MAX when there cannot be so much. */
static size_t add_room(size_t end, size_t elements, size_t times)
{
    size_t bytes = 0;
    if (end > SIZE_MAX / 4 || !fvi_size_multiply(elements, times, &bytes) ||
        !fvi_size_multiply(bytes, sizeof(float), &bytes) || bytes > SIZE_MAX / 4)
        return SIZE_MAX;
    return end + fvi_round_up(bytes, 64);
}

static void lay_out(const fv_plan *plan, const fvi_step *step, fvi_staging *staging)
{
    const fvi_node *node = &plan->nodes[step->node];
    const bool sum = step->kind == FVI_STEP_ACCUMULATE;
    staging->end = sum ? 0 : fvi_round_up(plan->node[step->node].setup.scratch_bytes, 64);
    for (int32_t i = 0; i < staging->count; i++) {
        fvi_staged *staged = &staging->tensor[i];
        const fvi_tensor *tensor = &plan->tensor[staged->tensor];
        const fvi_storage *storage = &plan->storage[tensor->storage];
        staged->offset = staging->end;
        staging->end =
            add_room(staging->end, fvi_view_image_elements(storage->h, storage->w, tensor->c, staged->border),
                     (size_t)staging->images);
    }
    staging->sums = staging->end;
    for (int32_t j = 0; j < node->param_count && step->ready_count > 0 && staging->images < plan->options.batch; j++)
        staging->end = add_room(staging->end, (size_t)fv_shape_elements(&node->param[j].shape), 1);
}

static fv_status stage_step(fv_plan *plan, fvi_step *step)
{
    fvi_staging *staging = NULL;
    const bool sum = step->kind == FVI_STEP_ACCUMULATE;
    const int32_t answer = step->kind == FVI_STEP_REPEAT ? 0 : fvi_plan_answer(step);
    if (answer >= 0 && (plan->node[step->node].setup.takes_bf16 & 1u << answer) != 0)
        return FV_OK;
    if (plan->node[step->node].setup.takes_u8)
        return FV_OK;
    if (step->kind == FVI_STEP_INPUT || (sum && dtype_of(plan, step->y) == dtype_of(plan, step->dy)))
        return FV_OK;
    FV_TRY(fvi_plan_allocate(plan, 1, sizeof *staging, (void **)&staging));
    FV_TRY(
        fvi_plan_allocate(plan, 2 * (size_t)step->input_count + 2, sizeof *staging->tensor, (void **)&staging->tensor));
    staging->images = sum ? plan->options.batch : plan->node[step->node].piece;
    stage_tensors(plan, step, staging);
    lay_out(plan, step, staging);
    step->staging = staging->count > 0 || plan->options.dtype == FV_BF16 ? staging : NULL;
    return FV_OK;
}

fv_status fvi_plan_stage(fv_plan *plan)
{
    if (!fvi_plan_mixes(plan))
        return FV_OK;
    if (plan->options.dtype == FV_BF16)
        find_exact(plan);
    for (int32_t i = 0; i < plan->step_count; i++)
        FV_TRY(stage_step(plan, &plan->step[i]));
    return FV_OK;
}

fvi_view fvi_plan_staged_view(const fv_plan *plan, const fvi_staged *staged, void *scratch, int32_t n)
{
    const fvi_tensor *tensor = &plan->tensor[staged->tensor];
    const fvi_storage *storage = &plan->storage[tensor->storage];
    const int32_t *border = staged->border;
    const ptrdiff_t row = (ptrdiff_t)(storage->w + border[1] + border[3]) * tensor->c;
    return (fvi_view){
        .data =
            (float *)(void *)((char *)scratch + staged->offset) + border[0] * row + (ptrdiff_t)border[1] * tensor->c,
        .n = n,
        .h = storage->h,
        .w = storage->w,
        .c = tensor->c,
        .image_stride = (ptrdiff_t)fvi_view_image_elements(storage->h, storage->w, tensor->c, border),
        .row_stride = row,
        .pixel_stride = tensor->c,
        .border = { border[0], border[1], border[2], border[3] },
    };
}
