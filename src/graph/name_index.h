/* SPDX-License-Identifier: Apache-2.0
 *
 * name_index.h - which node has a name: a hash table with open addressing, so that a graph of tens of thousands of nodes is built in linear
 * time.
 */
#ifndef FVI_NAME_INDEX_H
#define FVI_NAME_INDEX_H

#include "base/base.h"
#include "graph/graph_internal.h"

typedef struct fvi_name_index {
    int32_t *slots; /* index of a node + 1; 0: free */
    size_t size;    /* a power of two, or 0 */
} fvi_name_index;

/* The node among nodes[0 .. count-1] of this name, all of which were added; -1: none. */
int32_t fvi_name_index_find(const fvi_name_index *index, const fvi_node *nodes, const char *name);
/* Makes room for count names; on failure everything is as before. */
fv_status fvi_name_index_reserve(fvi_name_index *index, fv_context *context, const fvi_node *nodes, size_t count);
/* Adds nodes[node], whose name is new. There must be room. */
void fvi_name_index_add(fvi_name_index *index, const fvi_node *nodes, int32_t node);
void fvi_name_index_release(fvi_name_index *index, fv_context *context);

#endif
