/* SPDX-License-Identifier: Apache-2.0
 *
 * name_index.c - FNV-1a (Fowler, Noll, Vo) and linear probing; at most half of the slots are taken.
 */
#include "graph/name_index.h"

#include <string.h>

static size_t hash(const char *name)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (; *name != '\0'; name++)
        value = (value ^ (unsigned char)*name) * 0x100000001b3u;
    return (size_t)(value ^ value >> 32);
}

int32_t fvi_name_index_find(const fvi_name_index *index, const fvi_node *nodes, const char *name)
{
    if (index->size == 0)
        return -1;
    for (size_t i = hash(name) & (index->size - 1); index->slots[i] != 0; i = (i + 1) & (index->size - 1))
        if (strcmp(nodes[index->slots[i] - 1].name, name) == 0)
            return index->slots[i] - 1;
    return -1;
}

void fvi_name_index_add(fvi_name_index *index, const fvi_node *nodes, int32_t node)
{
    size_t i = hash(nodes[node].name) & (index->size - 1);
    while (index->slots[i] != 0)
        i = (i + 1) & (index->size - 1);
    index->slots[i] = node + 1;
}

fv_status fvi_name_index_reserve(fvi_name_index *index, fv_context *context, const fvi_node *nodes, size_t count)
{
    if (2 * count <= index->size)
        return FV_OK;
    const fvi_name_index old = *index;
    fvi_name_index made = { .size = old.size > 0 ? 2 * old.size : 64 };
    while (made.size < 2 * count)
        made.size *= 2;
    made.slots = fvi_allocate_zeroed(context, made.size, sizeof *made.slots);
    if (made.slots == NULL)
        return fvi_out_of_memory(context, "names of a graph", made.size * sizeof *made.slots);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i] != 0)
            fvi_name_index_add(&made, nodes, old.slots[i] - 1);
    fvi_release(context, old.slots);
    *index = made;
    return FV_OK;
}

void fvi_name_index_release(fvi_name_index *index, fv_context *context)
{
    fvi_release(context, index->slots);
    *index = (fvi_name_index){ 0 };
}
