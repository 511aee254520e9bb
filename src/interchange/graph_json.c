/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_json.c - a network as JSON, the form inside model files (docs/formats.md):
 *   {"name", "output", "nodes": [{"name", "type", "inputs": [names], and each attribute that is not at its default}]}
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/model.h"
#include "graph/graph_internal.h"
#include "interchange/graph_reader.h"

static json_t *write_node(fv_context *context, const fvi_node *nodes, const fvi_node *node)
{
    json_t *object = json_object();
    json_t *inputs = json_array();
    bool good = json_object_set_new(object, "name", json_string(node->name)) == 0;
    good = json_object_set_new(object, "type", json_string(node->layer->name)) == 0 && good;
    good = json_object_set(object, "inputs", inputs) == 0 && good;
    for (int32_t i = 0; i < node->input_count && good; i++)
        good = json_array_append_new(inputs, json_string(nodes[node->inputs[i]].name)) == 0;
    json_decref(inputs);
    if (good && fvi_attributes_write(context, node->layer, node->options, object) == FV_OK)
        return object;
    json_decref(object);
    return NULL;
}

/* jansson's functions take NULL for what they could not make and fail in turn, so one check at the end is enough; what it
 * refuses besides is a name that is not UTF-8. */
static json_t *write_graph(const fv_graph *graph)
{
    int32_t count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count);
    json_t *root = json_object();
    json_t *list = json_array();
    bool good = json_object_set_new(root, "name", json_string(fv_graph_name(graph))) == 0;
    good = json_object_set_new(root, "output", json_string(nodes[fv_graph_output(graph)].name)) == 0 && good;
    good = json_object_set(root, "nodes", list) == 0 && good;
    for (int32_t i = 0; i < count && good; i++)
        good = json_array_append_new(list, write_node(fv_graph_context(graph), nodes, &nodes[i])) == 0;
    json_decref(list);
    if (!good) {
        json_decref(root);
        return NULL;
    }
    return root;
}

fv_status fv_graph_to_json(const fv_graph *graph, char **text)
{
    fv_context *context = fv_graph_context(graph);
    *text = NULL;
    if (fv_graph_output(graph) == FV_NO_VALUE)
        return fvi_fail(context, FV_ERR_STATE, "graph '%s' is not finished: it cannot be written",
                        fv_graph_name(graph));
    json_t *root = write_graph(graph);
    char *dumped = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (dumped == NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "graph '%s' cannot become JSON: a name is not UTF-8, or memory is short", fv_graph_name(graph));
    *text = fvi_duplicate_text(context, dumped);
    free(dumped);
    return *text != NULL ? FV_OK : fvi_out_of_memory(context, "JSON text", 0);
}

static const char *const node_keys[] = { "name", "type", "inputs", NULL };

static fv_status member(const fvi_tree *tree, const fvi_item *map, const char *key, fvi_item_type type,
                        const fvi_item **item)
{
    *item = fvi_tree_find(map, key);
    if (*item == NULL)
        return fvi_tree_fail(tree, map, FV_ERR_ARGUMENT, "'%s' is missing", key);
    return fvi_tree_expect(tree, *item, type, key);
}

static fv_status read_node(fvi_graph_reader *reader, const fvi_item *node)
{
    const fvi_tree *tree = reader->tree;
    const fvi_item *name = NULL, *type = NULL, *inputs = NULL;
    const fvi_layer *layer = NULL;
    const fv_value *values = NULL;
    int32_t count = 0;
    fv_value value = FV_NO_VALUE;
    FV_TRY(fvi_tree_expect(tree, node, FVI_ITEM_MAP, "a node"));
    FV_TRY(member(tree, node, "name", FVI_ITEM_TEXT, &name));
    FV_TRY(member(tree, node, "type", FVI_ITEM_TEXT, &type));
    FV_TRY(member(tree, node, "inputs", FVI_ITEM_LIST, &inputs));
    FV_TRY(fvi_graph_reader_type(reader, type, type->text, &layer));
    FV_TRY(fvi_graph_reader_values(reader, inputs, &values, &count));
    return fvi_graph_reader_add(reader, layer, name->text, values, count, node, node, node_keys, &value);
}

static fv_status read_graph(const fvi_tree *tree, fvi_graph_reader *reader, fv_graph **out)
{
    static const char *const keys[] = { "name", "output", "nodes", NULL };
    const fvi_item *name = NULL, *output = NULL, *nodes = NULL;
    fv_value value = FV_NO_VALUE;
    FV_TRY(fvi_tree_expect(tree, tree->root, FVI_ITEM_MAP, "a graph"));
    FV_TRY(fvi_tree_check_keys(tree, tree->root, keys));
    FV_TRY(member(tree, tree->root, "name", FVI_ITEM_TEXT, &name));
    FV_TRY(member(tree, tree->root, "output", FVI_ITEM_TEXT, &output));
    FV_TRY(member(tree, tree->root, "nodes", FVI_ITEM_LIST, &nodes));
    FV_TRY(fvi_graph_reader_start(reader, tree, name->text));
    for (const fvi_item *node = nodes->first; node != NULL; node = node->next)
        FV_TRY(read_node(reader, node));
    FV_TRY(fvi_graph_reader_value(reader, output, &value));
    return fvi_graph_reader_finish(reader, tree->root, value, out);
}

fv_status fv_graph_from_json(fv_graph **out, fv_context *context, const char *text)
{
    fvi_tree tree;
    fvi_graph_reader reader = { .tree = NULL };
    *out = NULL;
    FV_TRY(fvi_tree_start(&tree, context, "graph"));
    fv_status status = fvi_tree_read_json(&tree, text);
    if (status == FV_OK)
        status = read_graph(&tree, &reader, out);
    fvi_graph_reader_release(&reader);
    fvi_tree_release(&tree);
    return status;
}

void fv_text_release(fv_context *context, char *text)
{
    fvi_release(context, text);
}
