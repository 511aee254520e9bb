/* SPDX-License-Identifier: Apache-2.0
 *
 * blocks.c - the gradients of a batch as a sum over sample blocks along a fixed binary tree.
 * Blocks are added like a binary counter counts: pending[b] holds the sum of the last complete run of 2^b blocks, so that
 * block i is added to its neighbour i-1, pairs to pairs, and so on. Whoever computes an aligned run of 2^b blocks
 * holds one inner node of that tree, which is why any split into such runs gives the same bits (docs/numerics.md).
 */
#include <string.h>

#include "train/train_internal.h"

enum { LEVELS = 17, MAX_BLOCKS = 1 << (LEVELS - 1), CHUNK = 1 << 14 };

struct fv_blocks {
    fv_context *context;
    fv_session *session;
    int32_t blocks, levels;
    size_t image_elements, value_elements; /* of one sample: images, float targets */
    fv_params *pending[LEVELS];
    fv_step_result result[LEVELS];
};

/* Elements of one sample's float targets: the input of the first loss. */
static size_t target_elements(const fv_graph *graph)
{
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        if (node.loss && node.input_count > 0) {
            const fv_image_shape shape = fv_graph_node(graph, node.inputs[0]).output;
            return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
        }
    }
    return 0;
}

static fv_status blocks_fill(fv_blocks *blocks, const fv_params *gradients)
{
    const fv_graph *graph = fv_params_graph(gradients);
    const fv_image_shape input = fv_graph_node(graph, fv_graph_input(graph)).output;
    blocks->image_elements = (size_t)input.c * (size_t)input.h * (size_t)input.w;
    blocks->value_elements = target_elements(graph);
    for (blocks->levels = 1; (1 << (blocks->levels - 1)) < blocks->blocks;)
        blocks->levels++;
    for (int32_t level = 0; level < blocks->levels; level++)
        FV_TRY(fv_params_create(&blocks->pending[level], graph, fv_params_dtype(gradients)));
    return FV_OK;
}

fv_status fv_blocks_create(fv_blocks **out, fv_session *session, int32_t count)
{
    const fv_params *gradients = fv_session_gradients(session);
    *out = NULL;
    if (gradients == NULL)
        return FV_ERR_STATE;
    fv_context *context = fv_graph_context(fv_params_graph(gradients));
    if (count < 1 || count > MAX_BLOCKS)
        return fvi_fail(context, FV_ERR_ARGUMENT, "sample blocks: %d is not in 1 to %d", count, (int)MAX_BLOCKS);
    fv_blocks *blocks = fvi_allocate_zeroed(context, 1, sizeof *blocks);
    if (blocks == NULL)
        return fvi_out_of_memory(context, "sample blocks", sizeof *blocks);
    blocks->context = context;
    blocks->session = session;
    blocks->blocks = count;
    const fv_status status = blocks_fill(blocks, gradients);
    if (status != FV_OK) {
        fv_blocks_destroy(blocks);
        return status;
    }
    *out = blocks;
    return FV_OK;
}

void fv_blocks_destroy(fv_blocks *blocks)
{
    if (blocks == NULL)
        return;
    for (int32_t level = 0; level < LEVELS; level++)
        fv_params_destroy(blocks->pending[level]);
    fvi_release(blocks->context, blocks);
}

typedef struct sum_task {
    fv_dtype dtype;
    size_t elements;
    void *sum;
    const void *x;
} sum_task;

static void add_chunk(void *argument, size_t index, int32_t worker)
{
    const sum_task *task = argument;
    const size_t first = index * CHUNK;
    const size_t last = first + CHUNK < task->elements ? first + CHUNK : task->elements;
    (void)worker;
    if (task->dtype == FV_F64) {
        double *sum = task->sum;
        const double *x = task->x;
        for (size_t i = first; i < last; i++)
            sum[i] += x[i];
    } else {
        float *sum = task->sum;
        const float *x = task->x;
        for (size_t i = first; i < last; i++)
            sum[i] += x[i];
    }
}

fv_status fv_gradients_add(fv_params *sum, fv_params *x)
{
    fv_context *context = fv_graph_context(fv_params_graph(sum));
    if (fv_params_block_elements(sum) != fv_params_block_elements(x) || fv_params_dtype(sum) != fv_params_dtype(x))
        return fvi_fail(context, FV_ERR_SHAPE,
                        "gradients of different networks or dtypes cannot be added: %zu %s and %zu %s",
                        fv_params_block_elements(sum), fv_dtype_name(fv_params_dtype(sum)), fv_params_block_elements(x),
                        fv_dtype_name(fv_params_dtype(x)));
    sum_task task = { fv_params_dtype(sum), fv_params_block_elements(sum), fv_params_data(sum), fv_params_data(x) };
    fvi_parallel(context, (task.elements + CHUNK - 1) / CHUNK, add_chunk, &task);
    return FV_OK;
}

static void add_result(fv_step_result *sum, const fv_step_result *x)
{
    sum->loss += x->loss;
    sum->weight += x->weight;
    sum->correct += x->correct;
}

/* The samples of block `index`, borrowed from batch. */
static fv_batch block_of(const fv_blocks *blocks, const fv_batch *batch, int32_t index)
{
    const int64_t first = (int64_t)batch->n * index / blocks->blocks;
    const int64_t last = (int64_t)batch->n * (index + 1) / blocks->blocks;
    fv_batch part = *batch;
    part.n = (int32_t)(last - first);
    part.images = (const char *)batch->images + (size_t)first * blocks->image_elements * fv_dtype_size(batch->dtype);
    part.classes = batch->classes != NULL ? batch->classes + first : NULL;
    part.values = batch->values != NULL ? batch->values + (size_t)first * blocks->value_elements : NULL;
    part.weights = batch->weights != NULL ? batch->weights + first : NULL;
    part.samples = batch->samples != NULL ? batch->samples + first : NULL;
    part.first_sample = batch->first_sample + (uint64_t)first;
    part.share = (batch->share == 0 ? 1 : batch->share) * (double)part.n / (double)batch->n;
    return part;
}

/* Computes one block into `into`. A block without samples (a short last batch) counts as zeros. */
static fv_status compute_block(fv_blocks *blocks, const fv_batch *part, double divisor, fv_params *into,
                               fv_step_result *result)
{
    *result = (fv_step_result){ 0 };
    if (part->n == 0) {
        fv_params_zero(into);
        return FV_OK;
    }
    FV_TRY(fv_session_forward(blocks->session, part, result));
    FV_TRY(fv_session_backward(blocks->session, divisor));
    return fv_params_copy(into, fv_session_gradients(blocks->session));
}

static void swap(fv_params **a, fv_params **b)
{
    fv_params *kept = *a;
    *a = *b;
    *b = kept;
}

fv_status fv_blocks_gradients(fv_blocks *blocks, const fv_batch *batch, int32_t first, int32_t count, double divisor,
                              fv_params *gradients, fv_step_result *result)
{
    if (first < 0 || count < 1 || count > blocks->blocks || first > blocks->blocks - count)
        return fvi_fail(blocks->context, FV_ERR_ARGUMENT,
                        "sample blocks: %d blocks from %d on are not within the %d of a batch", count, first,
                        blocks->blocks);
    for (int32_t i = 0; i < count; i++) {
        const fv_batch part = block_of(blocks, batch, first + i);
        /* `gradients` holds what is carried upwards until its level is free. */
        fv_step_result carried;
        FV_TRY(compute_block(blocks, &part, divisor, gradients, &carried));
        int32_t level = 0;
        for (; (i >> level & 1) != 0; level++) {
            FV_TRY(fv_gradients_add(blocks->pending[level], gradients));
            add_result(&blocks->result[level], &carried);
            FV_TRY(fv_params_copy(gradients, blocks->pending[level]));
            carried = blocks->result[level];
        }
        FV_TRY(fv_params_copy(blocks->pending[level], gradients));
        blocks->result[level] = carried;
    }
    /* What is left, one pending sum per bit of count, is added from the shortest run to the longest. */
    int32_t lowest = 0;
    while ((count >> lowest & 1) == 0)
        lowest++;
    for (int32_t level = lowest + 1; level < blocks->levels; level++) {
        if ((count >> level & 1) == 0)
            continue;
        FV_TRY(fv_gradients_add(blocks->pending[level], blocks->pending[lowest]));
        add_result(&blocks->result[level], &blocks->result[lowest]);
        swap(&blocks->pending[level], &blocks->pending[lowest]);
        blocks->result[lowest] = blocks->result[level];
    }
    if (result != NULL)
        *result = blocks->result[lowest];
    return fv_params_copy(gradients, blocks->pending[lowest]);
}
