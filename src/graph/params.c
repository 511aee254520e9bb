/* SPDX-License-Identifier: Apache-2.0
 *
 * params.c - parameter values of one graph in one block of memory.
 * One allocation holds the struct, the table of parameters, their names and the values. Each parameter begins at a
 * multiple of 16 elements; the gaps stay zero, so that loops over the whole block need no table.
 */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/xxh64.h"
#include "graph/graph_internal.h"
#include "graph/params_internal.h"

enum { CHUNK = 16384 }; /* values that one task initialises or copies */

struct fv_params {
    fv_context *context;
    const fv_graph *graph;
    fv_dtype dtype;
    int32_t count;
    fv_param_info *info; /* [count] */
    void *data;
    size_t block_elements;
};

/* Where the parts of the one allocation lie. */
typedef struct params_layout {
    size_t info, names, data; /* offsets in bytes */
    size_t block_elements, total;
} params_layout;

static fv_status too_large(const fv_graph *graph)
{
    return fvi_fail(fv_graph_context(graph), FV_ERR_MEMORY, "parameters of graph '%s': their bytes overflow",
                    fv_graph_name(graph));
}

static size_t name_bytes(const fvi_node *node, int32_t param)
{
    return strlen(node->name) + 1 + strlen(node->param[param].suffix) + 1;
}

static fv_status lay_out(const fv_graph *graph, fv_dtype dtype, params_layout *layout)
{
    int32_t nodes = 0;
    const fvi_node *node = fvi_graph_nodes(graph, &nodes);
    size_t names = 0, elements = 0;
    for (int32_t i = 0; i < nodes; i++) {
        for (int32_t j = 0; j < node[i].param_count; j++) {
            const int64_t values = fv_shape_elements(&node[i].param[j].shape);
            names += name_bytes(&node[i], j);
            if (values < 1 || values > INT64_MAX / 64 || !fvi_size_add(elements, (size_t)values, &elements))
                return too_large(graph);
            elements = fvi_round_up(elements, FVI_PARAM_ALIGNMENT);
        }
    }
    size_t bytes = 0;
    if (elements > SIZE_MAX / 2 || !fvi_size_multiply(elements, fv_dtype_size(dtype), &bytes))
        return too_large(graph);
    layout->info = fvi_round_up(sizeof(fv_params), 64);
    layout->names = layout->info + (size_t)fvi_graph_param_count(graph) * sizeof(fv_param_info);
    layout->data = fvi_round_up(layout->names + names, 64);
    layout->block_elements = elements;
    return fvi_size_add(layout->data, fvi_round_up(bytes, 64), &layout->total) ? FV_OK : too_large(graph);
}

fv_status fvi_params_bytes(const fv_graph *graph, fv_dtype dtype, size_t *bytes, size_t *values_bytes)
{
    params_layout layout = { 0 };
    FV_TRY(lay_out(graph, dtype, &layout));
    *bytes = layout.total;
    if (values_bytes != NULL)
        *values_bytes = layout.block_elements * fv_dtype_size(dtype);
    return FV_OK;
}

static void fill_info(fv_params *params, char *names)
{
    int32_t nodes = 0;
    const fvi_node *node = fvi_graph_nodes(params->graph, &nodes);
    size_t offset = 0;
    fv_param_info *info = params->info;
    for (int32_t i = 0; i < nodes; i++) {
        for (int32_t j = 0; j < node[i].param_count; j++, info++) {
            const fvi_declared_param *param = &node[i].param[j];
            const size_t bytes = name_bytes(&node[i], j);
            snprintf(names, bytes, "%s.%s", node[i].name, param->suffix);
            *info = (fv_param_info){
                .name = names,
                .shape = param->shape,
                .elements = fv_shape_elements(&param->shape),
                .offset = offset,
                .node = i,
                .decayed = param->decayed,
                .trained = param->trained,
                .frozen = param->frozen,
                .momentum = param->trained ? 0 : param->momentum,
                .max_norm = param->max_norm,
                .initializer = &param->initializer,
                .fan_in = param->fan_in,
                .fan_out = param->fan_out,
            };
            names += bytes;
            offset = fvi_round_up(offset + (size_t)info->elements, FVI_PARAM_ALIGNMENT);
        }
    }
}

fv_params *fvi_params_place(void *memory, const fv_graph *graph, fv_dtype dtype)
{
    params_layout layout = { 0 };
    if (lay_out(graph, dtype, &layout) != FV_OK)
        return NULL; /* cannot be: fvi_params_bytes() came first */
    char *base = memory;
    fv_params *params = memory;
    *params = (fv_params){
        .context = fv_graph_context(graph),
        .graph = graph,
        .dtype = dtype,
        .count = fvi_graph_param_count(graph),
        .info = (fv_param_info *)(void *)(base + layout.info),
        .data = base + layout.data,
        .block_elements = layout.block_elements,
    };
    fill_info(params, base + layout.names);
    return params;
}

fv_status fv_params_create(fv_params **out, const fv_graph *graph, fv_dtype dtype)
{
    *out = NULL;
    fv_context *context = fv_graph_context(graph);
    if (dtype != FV_F32 && dtype != FV_F64)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "parameters of graph '%s': dtype %s; only f32 and f64 hold parameters", fv_graph_name(graph),
                        fv_dtype_name(dtype));
    if (!fvi_graph_finished(graph))
        return fvi_fail(context, FV_ERR_STATE, "parameters of graph '%s': call fv_graph_finish() first",
                        fv_graph_name(graph));
    size_t bytes = 0;
    FV_TRY(fvi_params_bytes(graph, dtype, &bytes, NULL));
    void *memory = fvi_allocate_zeroed(context, 1, bytes);
    if (memory == NULL)
        return fvi_out_of_memory(context, "parameters", bytes);
    *out = fvi_params_place(memory, graph, dtype);
    return FV_OK;
}

void fv_params_destroy(fv_params *params)
{
    if (params != NULL)
        fvi_release(params->context, params);
}

/* One call of fv_params_initialize(): tasks are chunks of CHUNK values, counted through all parameters. */
typedef struct initialize_job {
    fv_params *params;
    uint64_t seed;
} initialize_job;

static size_t chunks_of(const fv_param_info *info)
{
    return ((size_t)info->elements + CHUNK - 1) / CHUNK;
}

static void store(fv_params *params, size_t offset, size_t count, const float *values)
{
    if (params->dtype == FV_F32) {
        memcpy((float *)params->data + offset, values, count * sizeof *values);
        return;
    }
    double *to = (double *)params->data + offset;
    for (size_t i = 0; i < count; i++)
        to[i] = (double)values[i];
}

static void initialize_chunk(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const initialize_job *job = argument;
    const fv_param_info *info = job->params->info;
    while (index >= chunks_of(info)) {
        index -= chunks_of(info);
        info++;
    }
    enum { PIECE = 256 };
    float values[PIECE];
    const size_t first = index * CHUNK, elements = (size_t)info->elements;
    const size_t end = first + CHUNK < elements ? first + CHUNK : elements;
    for (size_t i = first; i < end; i += PIECE) {
        const size_t count = end - i < PIECE ? end - i : PIECE;
        fvi_initialize(info, job->seed, i, count, values);
        store(job->params, info->offset + i, count, values);
    }
}

void fv_params_initialize(fv_params *params, uint64_t seed)
{
    initialize_job job = { .params = params, .seed = seed };
    size_t chunks = 0;
    for (int32_t i = 0; i < params->count; i++)
        chunks += chunks_of(&params->info[i]);
    fvi_parallel(params->context, chunks, initialize_chunk, &job);
    for (int32_t i = 0; i < params->count; i++)
        if (params->info[i].initializer->kind == FV_INIT_ORTHOGONAL)
            fvi_orthogonalize(params->context, &params->info[i], params->dtype, fv_params_values(params, i));
}

static bool same_layout(const fv_params *a, const fv_params *b)
{
    bool same = a->count == b->count && a->block_elements == b->block_elements;
    for (int32_t i = 0; same && i < a->count; i++)
        same = a->info[i].elements == b->info[i].elements && strcmp(a->info[i].name, b->info[i].name) == 0;
    return same;
}

fv_status fv_params_copy(fv_params *destination, const fv_params *source)
{
    if (!same_layout(destination, source))
        return fvi_fail(
            destination->context, FV_ERR_SHAPE,
            "parameters of graph '%s' (%d, %zu values) cannot be copied to those of graph '%s' (%d, %zu values)",
            fv_graph_name(source->graph), source->count, source->block_elements, fv_graph_name(destination->graph),
            destination->count, destination->block_elements);
    const size_t count = source->block_elements;
    if (destination->dtype == source->dtype) {
        memmove(destination->data, source->data, count * fv_dtype_size(source->dtype));
    } else if (destination->dtype == FV_F64) {
        store(destination, 0, count, source->data);
    } else {
        const double *from = source->data;
        for (size_t i = 0; i < count; i++)
            ((float *)destination->data)[i] = (float)from[i];
    }
    return FV_OK;
}

void fv_params_zero(fv_params *params)
{
    memset(params->data, 0, params->block_elements * fv_dtype_size(params->dtype));
}

int32_t fv_params_count(const fv_params *params)
{
    return params->count;
}

fv_param_info fv_params_info(const fv_params *params, int32_t index)
{
    return index >= 0 && index < params->count ? params->info[index] : (fv_param_info){ 0 };
}

int32_t fv_params_find(const fv_params *params, const char *name)
{
    for (int32_t i = 0; i < params->count; i++)
        if (strcmp(params->info[i].name, name) == 0)
            return i;
    return -1;
}

void *fv_params_values(fv_params *params, int32_t index)
{
    if (index < 0 || index >= params->count)
        return NULL;
    return (char *)params->data + params->info[index].offset * fv_dtype_size(params->dtype);
}

void *fv_params_data(fv_params *params)
{
    return params->data;
}

const void *fvi_params_read(const fv_params *params)
{
    return params->data;
}

size_t fv_params_block_elements(const fv_params *params)
{
    return params->block_elements;
}

fv_dtype fv_params_dtype(const fv_params *params)
{
    return params->dtype;
}

const fv_graph *fv_params_graph(const fv_params *params)
{
    return params->graph;
}

/* Adds bytes of `size`-byte words to the hash in little-endian order, whatever this machine's is. */
static void hash_words(fvi_xxh64 *state, const void *words, size_t count, size_t size)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    fvi_xxh64_update(state, words, count * size);
#else
    const unsigned char *byte = words;
    for (size_t i = 0; i < count; i++)
        for (size_t j = size; j-- > 0;)
            fvi_xxh64_update(state, &byte[i * size + j], 1);
#endif
}

void fv_params_hash(const fv_params *params, char text[17])
{
    fvi_xxh64 state = fvi_xxh64_start(0);
    const size_t size = fv_dtype_size(params->dtype);
    for (int32_t i = 0; i < params->count; i++) {
        const fv_param_info *info = &params->info[i];
        fvi_xxh64_update(&state, info->name, strlen(info->name) + 1);
        hash_words(&state, info->shape.size, (size_t)info->shape.rank, sizeof info->shape.size[0]);
        hash_words(&state, (const char *)params->data + info->offset * size, (size_t)info->elements, size);
    }
    snprintf(text, 17, "%016llx", (unsigned long long)fvi_xxh64_finish(&state));
}
