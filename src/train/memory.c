/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.c - what training or running a network will take, before anything is allocated: plans are made, sessions are not.
 */
#include <string.h>

#include "base/checked.h"
#include "graph/params_internal.h"
#include "optim/rules.h"
#include "train/train_internal.h"

enum { LEVELS_MOST = 17 };

static fv_status session_bytes(const fv_graph *graph, const fv_plan_options *options, size_t *bytes)
{
    fv_plan *plan = NULL;
    FV_TRY(fv_plan_create(&plan, graph, options));
    *bytes = fv_plan_memory_bytes(plan).total;
    fv_plan_destroy(plan);
    return FV_OK;
}

/* A batch of images and what is known of each. The order of the samples is the data set's matter. */
static size_t loader_bytes(const fv_graph *graph, int32_t batch)
{
    const fv_image_shape shape = fv_graph_node(graph, fv_graph_input(graph)).output;
    const size_t image = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w * sizeof(float);
    return (size_t)batch * (image + sizeof(int32_t) + sizeof(uint64_t));
}

static fv_status add_up(const fv_graph *graph, fv_memory *memory)
{
    const size_t parts[] = { memory->parameters, memory->session, memory->optimizer, memory->loader,
                             memory->evaluation };
    memory->total = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!fvi_size_add(memory->total, parts[i], &memory->total))
            return fvi_fail(fv_graph_context(graph), FV_ERR_MEMORY, "network '%s': its memory exceeds what can be told",
                            fv_graph_name(graph));
    return FV_OK;
}

fv_status fv_training_memory(const fv_graph *graph, const fv_train_options *options, fv_memory *out)
{
    const int32_t batch = options->batch > 0 ? options->batch : 64;
    const int32_t blocks = options->blocks > 0 ? options->blocks : 1;
    fv_memory memory = { 0 };
    *out = memory;
    FV_TRY(fvi_params_bytes(graph, FV_F32, &memory.parameters, NULL));
    const int32_t block = (batch + blocks - 1) / blocks;
    const fv_plan_options training = {
        .batch = block,
        .dtype = options->dtype,
        .no_repeat = options->no_repeat,
        .memory_limit = options->memory_limit,
        .hand_over = fvi_hands_over(options),
        .keep_packed = blocks > 1,
    };
    FV_TRY(session_bytes(graph, &training, &memory.session));
    if (blocks > 1) { /* the sum over the blocks, and a pending sum for each level of the tree */
        size_t levels = 1;
        while (levels < LEVELS_MOST && 1 << (levels - 1) < blocks)
            levels++;
        memory.session += (levels + 1) * memory.parameters;
    }
    size_t matrices = 0;
    const bool averages = options->optimizer.average != FV_AVERAGE_NONE; /* then the trainer keeps weights beside it */
    FV_TRY(fvi_muon_bytes(graph, &options->optimizer, &matrices));
    memory.optimizer = memory.parameters * ((size_t)fvi_optimizer_slots(&options->optimizer) + averages) +
                       fvi_optimizer_scratch(fv_graph_context(graph)) + matrices;
    memory.loader = loader_bytes(graph, batch);
    if (options->workers > 0) /* the batches that they fill */
        memory.loader *= (options->ahead > 0 ? (size_t)options->ahead : 2) + 1;
    if ((options->population_statistics || options->optimizer.average == FV_AVERAGE_EQUAL) &&
        fvi_graph_has_statistics(graph))
        memory.loader += loader_bytes(graph, block);
    const fv_plan_options measuring = { .batch = block, .mode = FV_EVALUATE, .dtype = options->dtype };
    FV_TRY(session_bytes(graph, &measuring, &memory.evaluation));
    memory.evaluation += loader_bytes(graph, block);
    FV_TRY(add_up(graph, &memory));
    *out = memory;
    return FV_OK;
}

fv_status fv_inference_memory(const fv_graph *graph, int32_t batch, fv_memory *out)
{
    fv_memory memory = { 0 };
    *out = memory;
    FV_TRY(fvi_params_bytes(graph, FV_F32, &memory.parameters, NULL));
    FV_TRY(session_bytes(graph, &(fv_plan_options){ .batch = batch, .mode = FV_PREDICT }, &memory.session));
    memory.loader = loader_bytes(graph, batch);
    FV_TRY(add_up(graph, &memory));
    *out = memory;
    return FV_OK;
}
