/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_reader.c - adding nodes that a text describes. Whatever the graph itself refuses is told with the place in the text.
 */
#include "interchange/graph_reader.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"

enum { MOST_WORDS = 256 };

fv_status fvi_graph_reader_start(fvi_graph_reader *reader, const fvi_tree *tree, const char *name)
{
    *reader = (fvi_graph_reader){ .tree = tree };
    reader->values = json_object();
    reader->numbers = json_object();
    if (reader->values == NULL || reader->numbers == NULL)
        return fvi_out_of_memory(tree->context, "a graph reader", 0);
    return fv_graph_create(&reader->graph, tree->context, name);
}

void fvi_graph_reader_release(fvi_graph_reader *reader)
{
    json_decref(reader->values);
    json_decref(reader->numbers);
    fv_graph_destroy(reader->graph);
    *reader = (fvi_graph_reader){ .tree = NULL };
}

fv_status fvi_graph_reader_type(const fvi_graph_reader *reader, const fvi_item *item, const char *word,
                                const fvi_layer **layer)
{
    *layer = fvi_layer_find_in(reader->tree->context, word);
    if (*layer != NULL)
        return FV_OK;
    const char *words[MOST_WORDS];
    int32_t count = 0;
    for (; count < MOST_WORDS && fvi_layers[count] != NULL; count++)
        words[count] = fvi_layers[count]->name;
    return fvi_tree_fail_unknown(reader->tree, item, item->text != word, "layer type", word, words, count);
}

bool fvi_graph_reader_find(const fvi_graph_reader *reader, const char *name, fv_value *value)
{
    const json_t *found = json_object_get(reader->values, name);
    if (found != NULL)
        *value = (fv_value)json_integer_value(found);
    return found != NULL;
}

fv_status fvi_graph_reader_call(fvi_graph_reader *reader, const fvi_item *at, const char *name, fv_value value)
{
    fv_value other = FV_NO_VALUE;
    if (fvi_graph_reader_find(reader, name, &other) && other != value)
        return fvi_tree_fail(reader->tree, at, FV_ERR_ARGUMENT,
                             "block '%s': there is a layer or block of that name already; names are unique", name);
    if (json_object_set_new(reader->values, name, json_integer(value)) != 0)
        return fvi_tree_fail(reader->tree, at, FV_ERR_FORMAT, "the name is not UTF-8");
    return FV_OK;
}

fv_status fvi_graph_reader_value(const fvi_graph_reader *reader, const fvi_item *item, fv_value *value)
{
    FV_TRY(fvi_tree_expect(reader->tree, item, FVI_ITEM_TEXT, "a layer's name"));
    if (fvi_graph_reader_find(reader, item->text, value))
        return FV_OK;
    const char *words[MOST_WORDS];
    int32_t count = fv_graph_node_count(reader->graph), first = count > MOST_WORDS ? count - MOST_WORDS : 0;
    for (int32_t i = first; i < count; i++)
        words[i - first] = fv_graph_node(reader->graph, i).name;
    return fvi_tree_fail_unknown(reader->tree, item, false, "layer (it must stand before this one)", item->text, words,
                                 count - first);
}

fv_status fvi_graph_reader_values(const fvi_graph_reader *reader, const fvi_item *item, const fv_value **values,
                                  int32_t *count)
{
    const int32_t given = item->type == FVI_ITEM_LIST ? item->count : 1;
    if (item->type != FVI_ITEM_TEXT)
        FV_TRY(fvi_tree_expect(reader->tree, item, FVI_ITEM_LIST, "the inputs"));
    fv_value *made = fvi_arena_allocate(reader->tree->arena, (size_t)(given + 1) * sizeof *made);
    if (made == NULL)
        return fvi_out_of_memory(reader->tree->context, "inputs", (size_t)given * sizeof *made);
    if (item->type == FVI_ITEM_TEXT)
        FV_TRY(fvi_graph_reader_value(reader, item, &made[0]));
    for (const fvi_item *child = item->first; child != NULL; child = child->next)
        FV_TRY(fvi_graph_reader_value(reader, child, &made[child->index]));
    *values = made;
    *count = given;
    return FV_OK;
}

/* What the graph said, with the place before it. */
static fv_status blame(const fvi_graph_reader *reader, const fvi_item *at, fv_status status)
{
    fvi_message said;
    snprintf(said.text, sizeof said.text, "%s", fv_context_message(reader->tree->context));
    return fvi_tree_fail(reader->tree, at, status, "%.700s", said.text);
}

/* "<prefix><type><number>" that no node has yet. */
static const char *number_name(fvi_graph_reader *reader, const fvi_layer *layer)
{
    char kind[FVI_TREE_WORD_BYTES + 64], name[FVI_TREE_WORD_BYTES + 96];
    snprintf(kind, sizeof kind, "%s%s", reader->prefix != NULL ? reader->prefix : "", layer->name);
    json_int_t number = json_integer_value(json_object_get(reader->numbers, kind));
    do
        snprintf(name, sizeof name, "%s%lld", kind, (long long)++number);
    while (json_object_get(reader->values, name) != NULL);
    json_object_set_new(reader->numbers, kind, json_integer(number));
    return fvi_arena_text(reader->tree->arena, name);
}

fv_status fvi_graph_reader_add(fvi_graph_reader *reader, const fvi_layer *layer, const char *name,
                               const fv_value *inputs, int32_t input_count, const fvi_item *at, const fvi_item *map,
                               const char *const *others, fv_value *value)
{
    const fvi_tree *tree = reader->tree;
    *value = FV_NO_VALUE;
    reader->inputs += input_count;
    if (fv_graph_node_count(reader->graph) >= FVI_READER_NODES)
        return fvi_tree_fail(tree, at, FV_ERR_FORMAT, "more than %d layers", FVI_READER_NODES);
    if (reader->inputs > FVI_READER_INPUTS)
        return fvi_tree_fail(tree, at, FV_ERR_FORMAT, "more than %d connections", FVI_READER_INPUTS);
    if (name != NULL && json_object_get(reader->values, name) != NULL)
        return fvi_tree_fail(tree, at, FV_ERR_ARGUMENT,
                             "%s '%s': there is a layer or block of that name already; names are unique", layer->name,
                             name);
    if (name == NULL)
        name = number_name(reader, layer);
    const size_t bytes = layer->options_size > sizeof name ? layer->options_size : sizeof name;
    void *options = fvi_arena_allocate(tree->arena, bytes);
    if (name == NULL || options == NULL)
        return fvi_out_of_memory(tree->context, "options", bytes);
    memcpy(options, &name, sizeof name); /* the first member of every options struct */
    FV_TRY(fvi_attributes_read(tree, layer, at, map, others, options));
    const fv_status status = fv_graph_add(reader->graph, layer->name, inputs, input_count, options, value);
    if (status != FV_OK)
        return blame(reader, at, status);
    if (json_object_set_new(reader->values, name, json_integer(*value)) != 0)
        return fvi_tree_fail(tree, at, FV_ERR_FORMAT, "the name is not UTF-8");
    return FV_OK;
}

fv_status fvi_graph_reader_finish(fvi_graph_reader *reader, const fvi_item *at, fv_value output, fv_graph **out)
{
    const fv_status status = fv_graph_finish(reader->graph, output);
    if (status != FV_OK)
        return blame(reader, at, status);
    *out = reader->graph;
    reader->graph = NULL;
    return FV_OK;
}
