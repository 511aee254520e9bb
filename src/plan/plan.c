/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.c - makes a plan, stage by stage (plan_internal.h lists them), and takes it apart.
 */
#include "base/checked.h"
#include "graph/params_internal.h"
#include "plan/session_layout.h"

enum { ARENA_BLOCK = 16384, MAX_BATCH = 1 << 20 };

bool fvi_plan_trains(const fv_plan *plan)
{
    return plan->options.mode == FV_TRAIN;
}

static fv_status allocate_in(fv_plan *plan, fvi_arena *memory, size_t count, size_t size, void **out)
{
    size_t bytes = 0;
    *out = fvi_size_multiply(count, size, &bytes) ? fvi_arena_allocate(memory, bytes + (bytes == 0)) : NULL;
    return *out != NULL ? FV_OK : fvi_out_of_memory(plan->context, "plan", bytes);
}

fv_status fvi_plan_allocate(fv_plan *plan, size_t count, size_t size, void **out)
{
    return allocate_in(plan, plan->layout != NULL ? plan->layout : plan->memory, count, size, out);
}

fv_status fvi_plan_allocate_kept(fv_plan *plan, size_t count, size_t size, void **out)
{
    return allocate_in(plan, plan->memory, count, size, out);
}

static fv_status check_options(const fv_graph *graph, const fv_plan_options *options)
{
    fv_context *context = fv_graph_context(graph);
    if (!fvi_graph_finished(graph))
        return fvi_fail(context, FV_ERR_STATE, "plan of graph '%s': call fv_graph_finish() first",
                        fv_graph_name(graph));
    if (options->batch < 1 || options->batch > MAX_BATCH)
        return fvi_fail(context, FV_ERR_ARGUMENT, "plan of graph '%s': batch is %d, but must be from 1 to %d",
                        fv_graph_name(graph), options->batch, (int)MAX_BATCH);
    if (options->dtype != FV_F32 && options->dtype != FV_F64 && options->dtype != FV_BF16 && options->dtype != FV_I8)
        return fvi_fail(context, FV_ERR_ARGUMENT, "plan of graph '%s': dtype is %s, but must be f32, bf16, i8 or f64",
                        fv_graph_name(graph), fv_dtype_name(options->dtype));
    if (FVI_INFERS_ONLY && (options->mode != FV_PREDICT || options->dtype != FV_F32))
        return fvi_fail(
            context, FV_ERR_UNSUPPORTED,
            "plan of graph '%s': this build of fovea is for inference only (FOVEA_MINIMAL): the mode must be "
            "FV_PREDICT, in f32",
            fv_graph_name(graph));
    if (options->dtype == FV_BF16 && fvi_bf16_refused(context) != NULL)
        return fvi_fail(context, FV_ERR_UNSUPPORTED, "plan of graph '%s': bf16 %s", fv_graph_name(graph),
                        fvi_bf16_refused(context));
    if (options->mode == FV_TRAIN && (options->dtype == FV_I8 || fv_graph_is_quantized(graph)))
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "plan of graph '%s': networks in 8 bits do not learn: train the model that it was made from",
                        fv_graph_name(graph));
    if (options->dtype == FV_I8 && !fv_graph_is_quantized(graph))
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "plan of graph '%s': it is not quantised, so there is nothing to compute in 8 bits",
                        fv_graph_name(graph));
    if ((int)options->mode < FV_TRAIN || (int)options->mode > FV_PREDICT)
        return fvi_fail(context, FV_ERR_ARGUMENT, "plan of graph '%s': mode %d does not exist", fv_graph_name(graph),
                        (int)options->mode);
    return FV_OK;
}

/* Checks that training has something to do: a loss, and a parameter (or the input's gradient) before it. */
static fv_status check_training(const fv_plan *plan)
{
    if (!fvi_plan_trains(plan))
        return FV_OK;
    for (int32_t i = 0; i < plan->node_count; i++)
        if (plan->nodes[i].layer->is_loss)
            return FV_OK;
    return fvi_fail(plan->context, FV_ERR_ARGUMENT,
                    "plan of graph '%s': it has no loss to train by; add one, or plan for prediction",
                    fv_graph_name(plan->graph));
}

static fv_status plan_allocate(fv_plan **out, const fv_graph *graph, const fv_plan_options *options)
{
    fv_context *context = fv_graph_context(graph);
    fv_plan *plan = fvi_allocate_zeroed(context, 1, sizeof *plan);
    if (plan == NULL)
        return fvi_out_of_memory(context, "plan", sizeof *plan);
    *plan = (fv_plan){ .context = context, .graph = graph, .options = *options };
    const fv_status status = fvi_arena_create(&plan->memory, context, ARENA_BLOCK);
    if (status != FV_OK) {
        fv_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return FV_OK;
}

static fv_status start_nodes(fv_plan *plan)
{
    plan->nodes = fvi_graph_nodes(plan->graph, &plan->node_count);
    FV_TRY(fvi_plan_allocate(plan, (size_t)plan->node_count, sizeof *plan->node, (void **)&plan->node));
    for (int32_t i = 0; i < plan->node_count; i++) {
        fvi_plan_node *node = &plan->node[i];
        node->root = i;
        node->last = i;
        node->into = node->slice_of = node->affine = node->undone_for = node->within = FV_NO_VALUE;
        node->tensor = node->gradient = node->saved = FVI_NONE;
    }
    return FV_OK;
}

static fv_status sum_memory(fv_plan *plan)
{
    if (fvi_plan_trains(plan) && !plan->options.hand_over)
        FV_TRY(fvi_params_bytes(plan->graph, fvi_plan_arithmetic(plan), &(size_t){ 0 }, &plan->bytes.gradients));
    fvi_session_layout layout = { 0 };
    FV_TRY(fvi_session_lay_out(plan, &layout));
    plan->bytes.total = layout.total;
    return FV_OK;
}

static fv_status forget_layout(fv_plan *plan)
{
    fvi_arena_destroy(plan->layout);
    plan->layout = NULL;
    plan->storage_count = plan->tensor_count = plan->step_count = plan->forward_count = 0;
    plan->handed_count = plan->reorders = 0;
    plan->gradient_storage = plan->handed = NULL;
    plan->bytes = (fv_plan_memory){ 0 };
    for (int32_t i = 0; i < plan->node_count; i++)
        plan->node[i].tensor = plan->node[i].gradient = plan->node[i].saved = FVI_NONE;
    return fvi_arena_create(&plan->layout, plan->context, ARENA_BLOCK);
}

fv_status fvi_plan_lay_out(fv_plan *plan)
{
    FV_TRY(forget_layout(plan));
    FV_TRY(fvi_plan_steps(plan));
    FV_TRY(fvi_plan_chain(plan));
    FV_TRY(fvi_plan_repeat(plan));
    FV_TRY(fvi_plan_hand_over(plan));
    FV_TRY(fvi_plan_stage(plan));
    FV_TRY(fvi_plan_step_memory(plan));
    FV_TRY(fvi_plan_watch(plan));
    FV_TRY(fvi_plan_assign_memory(plan));
    return sum_memory(plan);
}

fv_status fvi_plan_place_well(fv_plan *plan)
{
    plan->places_well = true;
    FV_TRY(fvi_plan_assign_memory(plan));
    return sum_memory(plan);
}

static fv_status plan_fill(fv_plan *plan)
{
    const fv_plan_options *options = &plan->options;
    const bool reference = options->reference || options->dtype == FV_F64;
    plan->fuses = !options->reference && !options->no_fusion;
    plan->options.reference = reference;
    plan->packs_in_steps = fvi_plan_trains(plan) && !options->keep_packed;
    plan->kernels = fvi_kernels_for(fvi_plan_arithmetic(plan), fvi_context_isa(plan->context), reference);
    plan->bf16 = fvi_bf16_kernels_for(fvi_context_isa(plan->context));
    plan->int8 = fvi_int8_kernels_of(plan->context);
    FV_TRY(start_nodes(plan));
    FV_TRY(check_training(plan));
    FV_TRY(fvi_plan_rewrite(plan));
    FV_TRY(fvi_plan_fuse(plan));
    if (fvi_plan_trains(plan))
        fvi_plan_find_gradients(plan);
    FV_TRY(fvi_plan_choose(plan));
    fvi_plan_place(plan);
    FV_TRY(fvi_plan_lay_out(plan));
    return fvi_plan_limit(plan);
}

fv_status fv_plan_create(fv_plan **out, const fv_graph *graph, const fv_plan_options *options)
{
    *out = NULL;
    fv_plan_options given = options != NULL ? *options : (fv_plan_options){ 0 };
    given.batch = given.batch == 0 ? 1 : given.batch;
    FV_TRY(check_options(graph, &given));
    fv_plan *plan = NULL;
    FV_TRY(plan_allocate(&plan, graph, &given));
    const fv_status status = plan_fill(plan);
    if (status != FV_OK) {
        fv_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return FV_OK;
}

void fv_plan_destroy(fv_plan *plan)
{
    if (plan == NULL)
        return;
    fvi_arena_destroy(plan->layout);
    fvi_arena_destroy(plan->memory);
    fvi_release(plan->context, plan);
}
