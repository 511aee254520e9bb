/* SPDX-License-Identifier: Apache-2.0
 *
 * order.c - files whose names say nothing of the network: Keras numbers its layers (conv2d_1, dense), numpy.savez its arrays (arr_0). Then
 * layers of each type are taken in their order, or arrays in that of the parameters. Every shape has to fit all the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph_internal.h"
#include "interchange/weights/weights_internal.h"

enum { RANKS = 5 };

/* A tensor of the file on the way to its place. */
typedef struct placed {
    const char *name; /* borrowed */
    size_t layer;     /* bytes of name that are the layer's */
    int32_t tensor;
} placed;

/* "conv2d_2" before "conv2d_10". */
static int natural(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        const bool digits = *a >= '0' && *a <= '9' && *b >= '0' && *b <= '9';
        if (digits) {
            char *a_end = NULL, *b_end = NULL;
            const unsigned long long x = strtoull(a, &a_end, 10), y = strtoull(b, &b_end, 10);
            if (x != y)
                return x < y ? -1 : 1;
            a = a_end;
            b = b_end;
        } else {
            if (*a != *b)
                return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
            a++;
            b++;
        }
    }
    return (*a != '\0') - (*b != '\0');
}

static int by_nature(const void *a, const void *b)
{
    return natural(((const placed *)a)->name, ((const placed *)b)->name);
}

static size_t layer_bytes(const char *name)
{
    const char *slash = strrchr(name, '/'), *point = strrchr(name, '.'), *last = slash != NULL ? slash : point;
    return last != NULL ? (size_t)(last - name) : 0;
}

/* The tensors that count, layer by layer: in the file's order where that is its writer's (.npz), else in that of their names. */
static int32_t list_tensors(const fvi_matching *m, placed *list)
{
    int32_t count = 0;
    for (int32_t i = 0; i < m->weights->count; i++) {
        const char *name = m->weights->tensors[i].name;
        if (!fvi_names_ignored(&m->names, name))
            list[count++] = (placed){ name, layer_bytes(name), i };
    }
    if (m->weights->format != FV_WEIGHTS_NUMPY)
        qsort(list, (size_t)count, sizeof *list, by_nature);
    return count;
}

static bool same_layer(const placed *a, const placed *b)
{
    return a->layer == b->layer && memcmp(a->name, b->name, a->layer) == 0;
}

/* What kind of layer tensors [first, end) are: the largest rank, 4 for convolutions, 2 for dense layers, 1 for normalisations. */
static int32_t rank_of(const fvi_matching *m, const placed *list, int32_t first, int32_t end)
{
    int32_t rank = 0;
    for (int32_t i = first; i < end; i++) {
        const int32_t own = m->weights->tensors[list[i].tensor].shape.rank;
        rank = own > rank ? own : rank;
    }
    return rank < RANKS ? rank : 0;
}

/* The next node after `from` whose first parameter has this rank. */
static fv_value next_node(const fvi_node *nodes, int32_t count, fv_value from, int32_t rank)
{
    for (fv_value i = from + 1; i < count; i++)
        if (nodes[i].param_count > 0 && nodes[i].param[0].shape.rank == rank)
            return i;
    return FV_NO_VALUE;
}

static void match_layer(fvi_matching *m, const fvi_node *node, const placed *list, int32_t first, int32_t end)
{
    char words[FVI_WEIGHTS_NAME];
    for (int32_t i = first; i < end; i++) {
        if (!fvi_names_of_keras(list[i].name, words))
            continue;
        const char *suffix = strrchr(words, '.') + 1;
        for (int32_t j = 0; j < node->param_count; j++)
            if (strcmp(node->param[j].suffix, suffix) == 0 && m->match[node->first_param + j].tensor < 0) {
                m->match[node->first_param + j].tensor = list[i].tensor;
                m->used[list[i].tensor] = true;
            }
    }
}

/* Layer by layer; a layer that has too many of its kind before it stays unexpected. */
static void match_layers(fvi_matching *m, const placed *list, int32_t count)
{
    int32_t nodes_count = 0;
    const fvi_node *nodes = fvi_graph_nodes(fv_params_graph(m->params), &nodes_count);
    fv_value last[RANKS] = { FV_NO_VALUE, FV_NO_VALUE, FV_NO_VALUE, FV_NO_VALUE, FV_NO_VALUE };
    for (int32_t first = 0, end = 0; first < count; first = end) {
        for (end = first + 1; end < count && same_layer(&list[first], &list[end]);)
            end++;
        const int32_t rank = rank_of(m, list, first, end);
        const fv_value node = next_node(nodes, nodes_count, last[rank], rank);
        if (node == FV_NO_VALUE)
            continue;
        last[rank] = node;
        match_layer(m, &nodes[node], list, first, end);
    }
}

/* arr_0, arr_1, ...: the arrays of model.get_weights(), or of PyTorch's parameters, one for each parameter. */
static void match_arrays(fvi_matching *m, placed *list, int32_t count)
{
    if (count != m->names.count)
        return;
    qsort(list, (size_t)count, sizeof *list, by_nature);
    for (int32_t i = 0; i < count; i++) {
        m->match[i].tensor = list[i].tensor;
        m->used[list[i].tensor] = true;
    }
}

fv_status fvi_weights_match_order(fvi_matching *matching)
{
    const size_t bytes = (size_t)matching->weights->count * sizeof(placed) + 1;
    placed *list = fvi_arena_allocate(matching->arena, bytes);
    if (list == NULL)
        return fvi_out_of_memory(matching->weights->context, "a list of tensors", bytes);
    const int32_t count = list_tensors(matching, list);
    const bool arrays = count > 0 && strncmp(list[0].name, "arr_", 4) == 0;
    if (arrays)
        match_arrays(matching, list, count);
    else if (matching->layout == FV_LAYOUT_KERAS)
        match_layers(matching, list, count);
    for (int32_t i = 0; i < matching->names.count && !matching->by_order; i++)
        matching->by_order = matching->match[i].tensor >= 0;
    return FV_OK;
}
