/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_yaml.c - a network as people write it (docs/formats.md):
 *
 *     name: my-net
 *     input: [1, 28, 28]
 *     layers:
 *       - conv2d: {name: conv1, filters: 6, kernel: 5, padding: same}
 *       - relu
 *       - add: {from: [conv1, relu1]}
 *     output: fc          # default: the last layer
 *     loss: softmax_cross_entropy
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "fovea/model.h"
#include "interchange/graph_reader.h"

enum { LONGEST_NAME = 100 };

static const char *const layer_keys[] = { "name", "from", NULL };

/* What a list element says: a type alone, or a map of one type to its attributes. */
static fv_status split_layer(const fvi_graph_reader *reader, const fvi_item *item, const fvi_layer **layer,
                             const fvi_item **map)
{
    *map = NULL;
    if (item->type == FVI_ITEM_TEXT)
        return fvi_graph_reader_type(reader, item, item->text, layer);
    if (item->type != FVI_ITEM_MAP)
        return fvi_tree_fail(reader->tree, item, FV_ERR_ARGUMENT, "a layer must be a type, or 'type: {...}', not %s",
                             fvi_item_type_name(item->type));
    if (item->count != 1)
        return fvi_tree_fail(reader->tree, item, FV_ERR_ARGUMENT,
                             "a layer has one type, here are %d keys; write '- type: {key: value, ...}'", item->count);
    FV_TRY(fvi_graph_reader_type(reader, item->first, item->first->key, layer));
    *map = item->first;
    if ((*map)->type != FVI_ITEM_MAP && (*map)->type != FVI_ITEM_NULL)
        return fvi_tree_fail(reader->tree, *map, FV_ERR_ARGUMENT, "%s takes a map, as '%s: {key: value}', not %s",
                             item->first->key, item->first->key, fvi_item_type_name((*map)->type));
    return FV_OK;
}

static fv_status name_of(const fvi_tree *tree, const fvi_item *map, const char **name)
{
    const fvi_item *item = fvi_tree_find(map, "name");
    *name = NULL;
    if (item == NULL)
        return FV_OK;
    FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_TEXT, "name"));
    *name = item->text;
    return FV_OK;
}

static fv_status read_layer(fvi_graph_reader *reader, const fvi_item *item, fv_value *last)
{
    const fvi_layer *layer = NULL;
    const fvi_item *map = NULL;
    const char *name = NULL;
    const fv_value *inputs = last;
    int32_t count = 1;
    FV_TRY(split_layer(reader, item, &layer, &map));
    if (layer->is_input)
        return fvi_tree_fail(reader->tree, item, FV_ERR_ARGUMENT,
                             "the input is given by 'input: [channels, rows, columns]' above");
    if (layer->is_loss)
        return fvi_tree_fail(reader->tree, item, FV_ERR_ARGUMENT, "a loss is given by 'loss: %s' below the layers",
                             layer->name);
    FV_TRY(name_of(reader->tree, map, &name));
    const fvi_item *from = fvi_tree_find(map, "from");
    if (from != NULL)
        FV_TRY(fvi_graph_reader_values(reader, from, &inputs, &count));
    const fv_value previous = *last;
    return fvi_graph_reader_add(reader, layer, name, inputs == last ? &previous : inputs, count, item, map, layer_keys,
                                last);
}

/* [c, h, w], or {name: ..., shape: [c, h, w]}. */
static fv_status read_input(fvi_graph_reader *reader, fvi_item *item, fv_value *value)
{
    static const char *const keys[] = { "name", NULL };
    const fvi_layer *layer = fvi_layer_find("input");
    const char *name = NULL;
    fvi_item map = {
        .type = FVI_ITEM_MAP, .line = item->line, .column = item->column, .first = item, .last = item, .count = 1
    };
    const fvi_item *given = item;
    if (item->type == FVI_ITEM_LIST) { /* the map that it abbreviates */
        item->key = "shape";
        item->next = NULL;
        given = &map;
    }
    FV_TRY(name_of(reader->tree, given, &name));
    return fvi_graph_reader_add(reader, layer, name != NULL ? name : "input", NULL, 0, item, given, keys, value);
}

/* softmax_cross_entropy reads class scores: where the output is a softmax of them, what goes into that. */
static fv_value scores_of(const fv_graph *graph, const fvi_layer *loss, fv_value output)
{
    const fv_node_info node = fv_graph_node(graph, output);
    if (strcmp(loss->name, "softmax_cross_entropy") == 0 && strcmp(node.type, "softmax") == 0)
        return node.inputs[0];
    return output;
}

static fv_status read_loss(fvi_graph_reader *reader, const fvi_item *item, const fvi_item *at, fv_value output)
{
    static const char *const keys[] = { "name", NULL };
    const fvi_layer *layer = fvi_layer_find("softmax_cross_entropy");
    const fvi_item *map = NULL;
    const char *name = NULL;
    fv_value loss = FV_NO_VALUE;
    if (item != NULL && item->type == FVI_ITEM_TEXT && strcmp(item->text, "none") == 0)
        return FV_OK;
    if (item != NULL)
        FV_TRY(split_layer(reader, item, &layer, &map));
    if (!layer->is_loss)
        return fvi_tree_fail(reader->tree, item, FV_ERR_ARGUMENT, "'%s' is a layer, not a loss", layer->name);
    FV_TRY(name_of(reader->tree, map, &name));
    const fv_value scores = scores_of(reader->graph, layer, output);
    return fvi_graph_reader_add(reader, layer, name != NULL ? name : "loss", &scores, 1, item != NULL ? item : at, map,
                                keys, &loss);
}

static fv_status read_layers(fvi_graph_reader *reader, const fvi_item *root, fv_value *last)
{
    const fvi_tree *tree = reader->tree;
    fvi_item *input = (fvi_item *)fvi_tree_find(root, "input"); /* the tree is ours */
    const fvi_item *layers = fvi_tree_find(root, "layers");
    if (input == NULL)
        return fvi_tree_fail(tree, root, FV_ERR_ARGUMENT, "'input: [channels, rows, columns]' is missing");
    if (layers == NULL)
        return fvi_tree_fail(tree, root, FV_ERR_ARGUMENT, "'layers:' is missing");
    FV_TRY(fvi_tree_expect(tree, layers, FVI_ITEM_LIST, "layers"));
    if (layers->count == 0)
        return fvi_tree_fail(tree, layers, FV_ERR_ARGUMENT, "layers is empty; a network has at least one");
    FV_TRY(read_input(reader, input, last));
    for (const fvi_item *layer = layers->first; layer != NULL; layer = layer->next)
        FV_TRY(read_layer(reader, layer, last));
    return FV_OK;
}

static fv_status read_network(const fvi_tree *tree, fvi_graph_reader *reader, const char *default_name, fv_graph **out)
{
    static const char *const keys[] = { "name", "input", "layers", "output", "loss", NULL };
    const fvi_item *root = tree->root;
    const char *name = NULL;
    fv_value output = FV_NO_VALUE;
    FV_TRY(fvi_tree_expect(tree, root, FVI_ITEM_MAP, "a network"));
    FV_TRY(fvi_tree_check_keys(tree, root, keys));
    FV_TRY(name_of(tree, root, &name));
    const fvi_item *answer = fvi_tree_find(root, "output"), *loss = fvi_tree_find(root, "loss");
    FV_TRY(fvi_graph_reader_start(reader, tree, name != NULL ? name : default_name));
    FV_TRY(read_layers(reader, root, &output));
    if (answer != NULL)
        FV_TRY(fvi_graph_reader_value(reader, answer, &output));
    FV_TRY(read_loss(reader, loss, root, output));
    return fvi_graph_reader_finish(reader, answer != NULL ? answer : root, output, out);
}

/* "nets/small.yaml" is called small unless it says otherwise. */
static void name_after_file(char name[LONGEST_NAME + 1], const char *path)
{
    const char *slash = strrchr(path, '/');
    snprintf(name, LONGEST_NAME + 1, "%s", slash != NULL ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot != NULL && dot != name)
        *dot = '\0';
}

fv_status fv_graph_read_yaml(fv_graph **out, fv_context *context, const char *path)
{
    fvi_tree tree;
    fvi_graph_reader reader = { .tree = NULL };
    unsigned char *text = NULL;
    size_t size = 0;
    char name[LONGEST_NAME + 1];
    *out = NULL;
    name_after_file(name, path);
    FV_TRY(fvi_file_read(context, path, FVI_TREE_TEXT_BYTES, &text, &size));
    fv_status status = fvi_tree_start(&tree, context, path);
    if (status == FV_OK)
        status = fvi_tree_read_yaml(&tree, text, size);
    if (status == FV_OK)
        status = read_network(&tree, &reader, name, out);
    fvi_graph_reader_release(&reader);
    fvi_tree_release(&tree);
    fvi_release(context, text);
    return status;
}
