/* SPDX-License-Identifier: Apache-2.0
 *
 * expand.c - walking lists of layers. The tree stays as it is but for computed values, which are written over the items that hold their
 * expressions each time that these are walked.
 */
#include "interchange/expand.h"

#include <stdio.h>
#include <string.h>

enum { MOST_WORDS = 256 };

static const char *const layer_keys[] = { "name", "from", NULL };

fv_status fvi_expand_step(fvi_expander *expander, const fvi_item *at)
{
    if (expander->steps++ >= FVI_EXPAND_STEPS)
        return fvi_tree_fail(expander->tree, at, FV_ERR_FORMAT, "the description expands to more than %d entries",
                             FVI_EXPAND_STEPS);
    return FV_OK;
}

fvi_names fvi_expand_names(const fvi_expander *expander, const fvi_place *place, fv_value value, fv_image_shape *shape)
{
    *shape = fv_graph_node(expander->reader->graph, value).output;
    return (fvi_names){ .scope = place->scope, .shape = value != FV_NO_VALUE ? shape : NULL };
}

fv_status fvi_entry_read(const fvi_tree *tree, const fvi_item *item, fvi_entry *out)
{
    if (item->type == FVI_ITEM_TEXT) {
        *out = (fvi_entry){ .word = item->text, .at = item };
        return FV_OK;
    }
    if (item->type != FVI_ITEM_MAP)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "a layer must be a type, or 'type: {...}', not %s",
                             fvi_item_type_name(item->type));
    if (item->count != 1)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT,
                             "a layer has one type, here are %d keys; write '- type: {key: value, ...}'", item->count);
    *out = (fvi_entry){ .word = item->first->key, .at = item->first };
    if (item->first->type != FVI_ITEM_NULL)
        out->value = item->first;
    return FV_OK;
}

fv_status fvi_entry_type(const fvi_expander *expander, const fvi_entry *given, const fvi_layer **layer)
{
    const fvi_tree *tree = expander->tree;
    const char *words[MOST_WORDS];
    int32_t count = 0;
    *layer = fvi_layer_find_in(tree->context, given->word);
    if (*layer != NULL && given->value != NULL && given->value->type != FVI_ITEM_MAP)
        return fvi_tree_fail(tree, given->value, FV_ERR_ARGUMENT, "%s takes a map, as '%s: {key: value}', not %s",
                             given->word, given->word, fvi_item_type_name(given->value->type));
    if (*layer != NULL)
        return FV_OK;
    const bool at_key = given->at->type != FVI_ITEM_TEXT || given->at->text != given->word;
    if (fvi_tree_find(expander->define, given->word) != NULL)
        return (at_key ? fvi_tree_fail_key : fvi_tree_fail)(tree, given->at, FV_ERR_ARGUMENT,
                                                            "'%s' is a block of 'define:'; write 'use: {block: %s}'",
                                                            given->word, given->word);
    for (int32_t i = 0; fvi_block_words[i] != NULL; i++)
        words[count++] = fvi_block_words[i];
    for (int32_t i = 0; count < MOST_WORDS && fvi_layers[i] != NULL; i++)
        words[count++] = fvi_layers[i]->name;
    return fvi_tree_fail_unknown(tree, given->at, at_key, "layer type", given->word, words, count);
}

/* Computes what a text says and writes it over the item; of lists, each of theirs. */
static fv_status compute(const fvi_tree *tree, fvi_item *item, const char *what, bool truth, const fvi_names *names)
{
    fvi_number value;
    fvi_names all = *names;
    all.truth = truth;
    for (fvi_item *child = item->first; child != NULL; child = child->next)
        FV_TRY(compute(tree, child, what, truth, names));
    if (item->type != FVI_ITEM_TEXT && !item->computed)
        return FV_OK;
    FV_TRY(fvi_expression_value(tree, item, what, &all, &value));
    item->computed = true;
    item->type = FVI_ITEM_REAL;
    item->real = value.real;
    item->integer = value.integer;
    if (!value.whole && value.real >= -0x1p53 && value.real <= 0x1p53 &&
        (double)(int64_t)value.real == value.real) { /* 64 * 0.5 filters */
        value.whole = true;
        item->integer = (int64_t)value.real;
    }
    if (value.whole)
        item->type = FVI_ITEM_INTEGER;
    if (truth) {
        item->type = FVI_ITEM_BOOL;
        item->boolean = value.real != 0.0;
    }
    return FV_OK;
}

static fvi_item *find_item(const fvi_item *map, const char *key)
{
    return (fvi_item *)fvi_tree_find(map, key); /* the tree is ours */
}

fv_status fvi_expand_attributes(const fvi_expander *expander, const fvi_layer *layer, const fvi_item *map,
                                const fvi_names *names)
{
    for (const fvi_attribute *attribute = layer->attributes; attribute != NULL && attribute->name != NULL;
         attribute++) {
        fvi_item *item = find_item(map, attribute->name);
        const bool truth = attribute->type == FVI_ATTRIBUTE_BOOL;
        if (item != NULL && attribute->type == FVI_ATTRIBUTE_INIT)
            item = find_item(item, "value");
        if (item != NULL && attribute->type != FVI_ATTRIBUTE_ENUM && item->type != FVI_ITEM_MAP)
            FV_TRY(compute(expander->tree, item, attribute->name, truth, names));
    }
    return FV_OK;
}

/* Cuts the last part off "a.b.": "a.", then "". False: nothing is left to cut. */
static bool shorten(char *prefix)
{
    size_t length = strlen(prefix);
    if (length == 0)
        return false;
    do
        length--;
    while (length > 0 && prefix[length - 1] != '.');
    prefix[length] = '\0';
    return true;
}

static fv_status unknown_reference(const fvi_expander *expander, const fvi_place *place, const fvi_item *item,
                                   const char *name)
{
    const fv_graph *graph = expander->reader->graph;
    const char *words[MOST_WORDS];
    const size_t length = strlen(place->prefix);
    const int32_t count = fv_graph_node_count(graph), first = count > MOST_WORDS ? count - MOST_WORDS : 0;
    for (int32_t i = first; i < count; i++) {
        const char *word = fv_graph_node(graph, i).name;
        words[i - first] = strncmp(word, place->prefix, length) == 0 ? word + length : word;
    }
    return fvi_tree_fail_unknown(expander->tree, item, false, "layer (it must stand before this one)", name, words,
                                 count - first);
}

fv_status fvi_expand_reference(const fvi_expander *expander, const fvi_place *place, const fvi_item *item,
                               const fvi_names *names, fv_value *value)
{
    char name[FVI_EXPAND_NAME], prefix[FVI_EXPAND_NAME], full[2 * FVI_EXPAND_NAME];
    FV_TRY(fvi_expression_text(expander->tree, item, "a layer's name", names, name, sizeof name));
    snprintf(prefix, sizeof prefix, "%s", place->prefix);
    do {
        snprintf(full, sizeof full, "%s%s", prefix, name);
        if (fvi_graph_reader_find(expander->reader, full, value))
            return FV_OK;
    } while (shorten(prefix));
    return unknown_reference(expander, place, item, name);
}

fv_status fvi_expand_name(const fvi_expander *expander, const fvi_place *place, const fvi_item *map,
                          const fvi_names *names, char out[FVI_EXPAND_NAME], bool *given)
{
    const fvi_item *item = fvi_tree_find(map, "name");
    *given = item != NULL;
    if (item == NULL)
        return FV_OK;
    const size_t used = strlen(place->prefix);
    memcpy(out, place->prefix, used + 1);
    return fvi_expression_text(expander->tree, item, "name", names, out + used, FVI_EXPAND_NAME - used);
}

/* What `from` names, one or a list, else the flow. */
static fv_status read_inputs(const fvi_expander *expander, const fvi_place *place, const fvi_item *map, fv_value flow,
                             const fv_value **inputs, int32_t *count)
{
    const fvi_item *from = fvi_tree_find(map, "from");
    fv_image_shape shape;
    const fvi_names names = fvi_expand_names(expander, place, flow, &shape);
    const bool list = from != NULL && from->type == FVI_ITEM_LIST;
    *count = list ? from->count : 1;
    fv_value *made = fvi_arena_allocate(expander->tree->arena, (size_t)(*count + 1) * sizeof *made);
    if (made == NULL)
        return fvi_out_of_memory(expander->tree->context, "inputs", (size_t)*count * sizeof *made);
    *inputs = made;
    made[0] = flow;
    if (from != NULL && !list)
        return fvi_expand_reference(expander, place, from, &names, &made[0]);
    for (const fvi_item *child = list ? from->first : NULL; child != NULL; child = child->next)
        FV_TRY(fvi_expand_reference(expander, place, child, &names, &made[child->index]));
    return FV_OK;
}

static fv_status expand_layer(fvi_expander *expander, const fvi_place *place, const fvi_item *item,
                              const fvi_entry *given, fv_value *flow)
{
    const fvi_tree *tree = expander->tree;
    const fvi_layer *layer = NULL;
    const fv_value *inputs = NULL;
    fv_image_shape shape;
    char name[FVI_EXPAND_NAME];
    bool named = false;
    int32_t count = 0;
    fv_value value = FV_NO_VALUE;
    FV_TRY(fvi_entry_type(expander, given, &layer));
    if (layer->is_input)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT,
                             "the input is given by 'input: [channels, rows, columns]' above");
    FV_TRY(read_inputs(expander, place, given->value, *flow, &inputs, &count));
    const fvi_names names = fvi_expand_names(expander, place, count > 0 ? inputs[0] : FV_NO_VALUE, &shape);
    FV_TRY(fvi_expand_name(expander, place, given->value, &names, name, &named));
    FV_TRY(fvi_expand_attributes(expander, layer, given->value, &names));
    expander->reader->prefix = place->prefix;
    FV_TRY(fvi_graph_reader_add(expander->reader, layer, named ? name : NULL, inputs, count, item, given->value,
                                layer_keys, &value));
    if (!layer->is_loss)
        *flow = value;
    return FV_OK;
}

/* A convolution that batch_norm follows in the same list needs no bias, which the normalisation would take away again: unless the
 * description says otherwise, `no_bias: true` is added to it. */
static fv_status drop_bias(const fvi_expander *expander, const fvi_entry *given, const fvi_item *next)
{
    const fvi_layer *layer = fvi_layer_find(given->word);
    bool has_bias = false;
    fvi_entry follower;
    if (layer == NULL || strncmp(layer->name, "conv2d", 6) != 0 || next == NULL || given->value == NULL ||
        given->value->type != FVI_ITEM_MAP || fvi_tree_find(given->value, "no_bias") != NULL)
        return FV_OK;
    for (const fvi_attribute *attribute = layer->attributes; attribute->name != NULL; attribute++)
        has_bias = has_bias || strcmp(attribute->name, "no_bias") == 0;
    FV_TRY(fvi_entry_read(expander->tree, next, &follower));
    if (!has_bias || strcmp(follower.word, "batch_norm") != 0 || fvi_tree_find(follower.value, "from") != NULL)
        return FV_OK;
    fvi_item *item = NULL;
    FV_TRY(fvi_tree_add(expander->tree, given->value, "no_bias", FVI_ITEM_BOOL, &item));
    item->boolean = true;
    item->line = item->key_line = given->at->line;
    item->column = item->key_column = given->at->column;
    return FV_OK;
}

static fv_status expand_entry(fvi_expander *expander, const fvi_place *place, const fvi_item *item, fv_value *flow)
{
    fvi_entry given;
    FV_TRY(fvi_expand_step(expander, item));
    FV_TRY(fvi_entry_read(expander->tree, item, &given));
    fvi_expand_block *block = fvi_block_find(given.word);
    if (block != NULL)
        return block(expander, place, item, given.value, flow);
    FV_TRY(drop_bias(expander, &given, item->next));
    return expand_layer(expander, place, item, &given, flow);
}

fv_status fvi_expand_list(fvi_expander *expander, const fvi_place *place, const fvi_item *list, fv_value *flow)
{
    for (const fvi_item *item = list->first; item != NULL; item = item->next)
        FV_TRY(expand_entry(expander, place, item, flow));
    return FV_OK;
}
