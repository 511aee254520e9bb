/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_reader.h - what the JSON and the YAML reader of networks share: adding nodes by type name, and finding them by name.
 */
#ifndef FVI_GRAPH_READER_H
#define FVI_GRAPH_READER_H

#include <jansson.h>

#include "interchange/attributes.h"

enum { FVI_READER_NODES = 1 << 16, FVI_READER_INPUTS = 1 << 20 };

typedef struct fvi_graph_reader {
    const fvi_tree *tree;
    fv_graph *graph;
    json_t *values;     /* name -> index of the node: jansson's hash table */
    json_t *numbers;    /* prefix and type -> number of the last unnamed node of that type */
    const char *prefix; /* of the names of unnamed nodes; NULL: none */
    int32_t inputs;     /* of all nodes so far */
} fvi_graph_reader;

/* The graph is the caller's once fvi_graph_reader_finish() was called; release it, the reader, in any case. */
fv_status fvi_graph_reader_start(fvi_graph_reader *reader, const fvi_tree *tree, const char *name);
void fvi_graph_reader_release(fvi_graph_reader *reader);

/* The layer type called item->text. */
fv_status fvi_graph_reader_type(const fvi_graph_reader *reader, const fvi_item *item, const char *word,
                                const fvi_layer **layer);
/* The node, or what fvi_graph_reader_call() called so. False: none. */
bool fvi_graph_reader_find(const fvi_graph_reader *reader, const char *name, fv_value *value);
/* Gives a value another name, which no node may have then. */
fv_status fvi_graph_reader_call(fvi_graph_reader *reader, const fvi_item *at, const char *name, fv_value value);
/* The value of an earlier node that item names. */
fv_status fvi_graph_reader_value(const fvi_graph_reader *reader, const fvi_item *item, fv_value *value);
/* Values that item (a text or a list of texts) names, in the tree's arena. */
fv_status fvi_graph_reader_values(const fvi_graph_reader *reader, const fvi_item *item, const fv_value **values,
                                  int32_t *count);
/* Adds a node whose attributes are the keys of map (NULL or a NULL item: none) that are not in others; name NULL: the type and a number.
 * at is where the node stands, for messages. */
fv_status fvi_graph_reader_add(fvi_graph_reader *reader, const fvi_layer *layer, const char *name,
                               const fv_value *inputs, int32_t input_count, const fvi_item *at, const fvi_item *map,
                               const char *const *others, fv_value *value);
fv_status fvi_graph_reader_finish(fvi_graph_reader *reader, const fvi_item *at, fv_value output, fv_graph **out);

#endif
