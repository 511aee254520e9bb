/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_yaml.c - a network as people write it (docs/network-description.md):
 *
 *     name: my-net
 *     parameters: {width: 6}
 *     input: [1, 28, 28]
 *     layers:
 *       - conv2d: {name: conv1, filters: width, kernel: 5, padding: same}
 *       - relu
 *       - residual: [conv2d: {filters: width, kernel: 3, padding: same}, relu]
 *     output: fc          # default: the last layer
 *     loss: softmax_cross_entropy
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "fovea/model.h"
#include "interchange/expand.h"

enum { LONGEST_NAME = 100, MOST_PARAMETERS = 256 };

/* Each may name those before it. classes: 0, or what the one of that name becomes. */
static fv_status read_parameters(fvi_tree *tree, const fvi_item *map, int32_t classes, const fvi_scope **innermost)
{
    *innermost = NULL;
    if (classes > 0 && fvi_tree_find(map, "classes") == NULL)
        return fvi_tree_fail(tree, map != NULL ? map : tree->root, FV_ERR_ARGUMENT,
                             "the number of classes can be given to a description that has a parameter of that name "
                             "(parameters: {classes: 10}) and uses it");
    if (map == NULL || map->type == FVI_ITEM_NULL)
        return FV_OK;
    FV_TRY(fvi_tree_expect(tree, map, FVI_ITEM_MAP, "parameters"));
    if (map->count > MOST_PARAMETERS)
        return fvi_tree_fail(tree, map, FV_ERR_FORMAT, "%d parameters; at most %d", map->count, MOST_PARAMETERS);
    for (const fvi_item *item = map->first; item != NULL; item = item->next) {
        const fvi_names names = { .scope = *innermost };
        fvi_scope *made = fvi_arena_allocate(tree->arena, sizeof *made);
        if (made == NULL)
            return fvi_out_of_memory(tree->context, "parameters", sizeof *made);
        if (!fvi_is_name(item->key))
            return fvi_tree_fail_key(tree, item, FV_ERR_ARGUMENT,
                                     "'%s' cannot be used in expressions; a name is letters, digits and '_'",
                                     item->key);
        *made = (fvi_scope){ .outer = *innermost, .name = item->key };
        FV_TRY(fvi_expression_value(tree, item, item->key, &names, &made->value));
        if (classes > 0 && strcmp(item->key, "classes") == 0)
            made->value = fvi_number_whole(classes);
        *innermost = made;
    }
    return FV_OK;
}

/* Puts sizes in the place of those of a list of three. */
static void replace_sizes(const fvi_item *list, fv_image_shape sizes)
{
    const int32_t values[] = { sizes.c, sizes.h, sizes.w };
    if (list == NULL || list->type != FVI_ITEM_LIST || list->count != 3)
        return; /* an error, which reading tells */
    fvi_item *item = list->first;
    for (int i = 0; i < 3; i++, item = item->next) {
        item->type = FVI_ITEM_INTEGER;
        item->integer = values[i];
        item->real = values[i];
    }
}

/* [c, h, w], or {name: ..., shape: [c, h, w]}. sizes: zeros, or what to take instead. */
static fv_status read_input(const fvi_expander *expander, const fvi_place *place, fvi_item *item, fv_image_shape sizes,
                            fv_value *value)
{
    fvi_graph_reader *reader = expander->reader;
    const fvi_names names = { .scope = expander->parameters };
    static const char *const keys[] = { "name", NULL };
    const fvi_layer *layer = fvi_layer_find("input");
    char name[FVI_EXPAND_NAME];
    bool named = false;
    fvi_item map = {
        .type = FVI_ITEM_MAP, .line = item->line, .column = item->column, .first = item, .last = item, .count = 1
    };
    const fvi_item *given = item;
    if (item->type == FVI_ITEM_LIST) { /* the map that it abbreviates */
        item->key = "shape";
        item->next = NULL;
        given = &map;
    }
    FV_TRY(fvi_expand_name(expander, place, given, &names, name, &named));
    FV_TRY(fvi_expand_attributes(expander, layer, given, &names));
    if (sizes.c > 0)
        replace_sizes(fvi_tree_find(given, "shape"), sizes);
    return fvi_graph_reader_add(reader, layer, named ? name : "input", NULL, 0, item, given, keys, value);
}

/* softmax_cross_entropy reads class scores: where the output is a softmax of them, what goes into that. */
static fv_value scores_of(const fv_graph *graph, const fvi_layer *loss, fv_value output)
{
    const fv_node_info node = fv_graph_node(graph, output);
    if (strcmp(loss->name, "softmax_cross_entropy") == 0 && strcmp(node.type, "softmax") == 0)
        return node.inputs[0];
    return output;
}

/* Whether some layer of the list is a loss already that reads the output, or the scores of which the output is a softmax. */
static bool has_loss(const fv_graph *graph, fv_value output)
{
    const fv_node_info answer = fv_graph_node(graph, output);
    const fv_value scores = strcmp(answer.type, "softmax") == 0 ? answer.inputs[0] : output;
    for (fv_value i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        if (node.loss && (node.inputs[0] == output || node.inputs[0] == scores))
            return true;
    }
    return false;
}

static fv_status read_loss(const fvi_expander *expander, const fvi_place *place, const fvi_item *item,
                           const fvi_item *at, fv_value output)
{
    static const char *const keys[] = { "name", NULL };
    fvi_graph_reader *reader = expander->reader;
    const fvi_layer *layer = fvi_layer_find("softmax_cross_entropy");
    fvi_entry given = { .word = layer->name };
    fv_image_shape shape;
    fv_value loss = FV_NO_VALUE;
    if (item != NULL && item->type == FVI_ITEM_TEXT && strcmp(item->text, "none") == 0)
        return FV_OK;
    if (item == NULL && has_loss(reader->graph, output))
        return FV_OK;
    if (item != NULL) {
        FV_TRY(fvi_entry_read(reader->tree, item, &given));
        FV_TRY(fvi_entry_type(expander, &given, &layer));
    }
    if (!layer->is_loss)
        return fvi_tree_fail(reader->tree, item, FV_ERR_ARGUMENT, "'%s' is a layer, not a loss", layer->name);
    char name[FVI_EXPAND_NAME];
    bool named = false;
    const fv_value scores = scores_of(reader->graph, layer, output);
    const fvi_names names = fvi_expand_names(expander, place, scores, &shape);
    FV_TRY(fvi_expand_name(expander, place, given.value, &names, name, &named));
    FV_TRY(fvi_expand_attributes(expander, layer, given.value, &names));
    return fvi_graph_reader_add(reader, layer, named ? name : "loss", &scores, 1, item != NULL ? item : at, given.value,
                                keys, &loss);
}

static fv_status read_layers(fvi_expander *expander, const fvi_place *place, const fvi_item *root, fv_image_shape sizes,
                             fv_value *last)
{
    const fvi_tree *tree = expander->tree;
    fvi_item *input = (fvi_item *)fvi_tree_find(root, "input"); /* the tree is ours */
    const fvi_item *layers = fvi_tree_find(root, "layers");
    if (input == NULL)
        return fvi_tree_fail(tree, root, FV_ERR_ARGUMENT, "'input: [channels, rows, columns]' is missing");
    if (layers == NULL)
        return fvi_tree_fail(tree, root, FV_ERR_ARGUMENT, "'layers:' is missing");
    FV_TRY(fvi_tree_expect(tree, layers, FVI_ITEM_LIST, "layers"));
    if (layers->count == 0)
        return fvi_tree_fail(tree, layers, FV_ERR_ARGUMENT, "layers is empty; a network has at least one");
    FV_TRY(read_input(expander, place, input, sizes, last));
    return fvi_expand_list(expander, place, layers, last);
}

static fv_status read_network(fvi_tree *tree, fvi_graph_reader *reader, const char *default_name,
                              const fv_yaml_options *options, fv_graph **out)
{
    static const char *const keys[] = { "name", "parameters", "define", "input", "layers", "output", "loss", NULL };
    const fvi_item *root = tree->root;
    fv_value output = FV_NO_VALUE;
    FV_TRY(fvi_tree_expect(tree, root, FVI_ITEM_MAP, "a network"));
    FV_TRY(fvi_tree_check_keys(tree, root, keys));
    const fvi_item *name = fvi_tree_find(root, "name");
    if (name != NULL)
        FV_TRY(fvi_tree_expect(tree, name, FVI_ITEM_TEXT, "name"));
    const fvi_item *answer = fvi_tree_find(root, "output"), *loss = fvi_tree_find(root, "loss");
    fvi_expander expander = { .tree = tree, .reader = reader, .define = fvi_tree_find(root, "define") };
    FV_TRY(read_parameters(tree, fvi_tree_find(root, "parameters"), options->classes, &expander.parameters));
    if (expander.define != NULL)
        FV_TRY(fvi_define_check(tree, expander.define));
    const fvi_place place = { .scope = expander.parameters, .prefix = "" };
    const fvi_names names = { .scope = expander.parameters };
    FV_TRY(fvi_graph_reader_start(reader, tree, name != NULL ? name->text : default_name));
    FV_TRY(read_layers(&expander, &place, root, options->input, &output));
    if (answer != NULL)
        FV_TRY(fvi_expand_reference(&expander, &place, answer, &names, &output));
    FV_TRY(read_loss(&expander, &place, loss, root, output));
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

static fv_status check_options(fv_context *context, const char *path, const fv_yaml_options *options)
{
    const fv_image_shape in = options->input;
    const bool given = in.c != 0 || in.h != 0 || in.w != 0;
    if (given && (in.c < 1 || in.h < 1 || in.w < 1))
        return fvi_fail(context, FV_ERR_ARGUMENT, "%s: the input %dx%dx%d has a size below 1", path, in.c, in.h, in.w);
    if (options->classes < 0)
        return fvi_fail(context, FV_ERR_ARGUMENT, "%s: %d classes is not at least 1", path, options->classes);
    return FV_OK;
}

fv_status fv_graph_read_yaml(fv_graph **out, fv_context *context, const char *path)
{
    return fv_graph_read_yaml_with(out, context, path, &(fv_yaml_options){ .classes = 0 });
}

fv_status fv_graph_read_yaml_with(fv_graph **out, fv_context *context, const char *path, const fv_yaml_options *options)
{
    fvi_tree tree;
    fvi_graph_reader reader = { .tree = NULL };
    unsigned char *text = NULL;
    size_t size = 0;
    char name[LONGEST_NAME + 1];
    *out = NULL;
    FV_TRY(check_options(context, path, options));
    name_after_file(name, path);
    FV_TRY(fvi_file_read(context, path, FVI_TREE_TEXT_BYTES, &text, &size));
    fv_status status = fvi_tree_start(&tree, context, path);
    if (status == FV_OK)
        status = fvi_tree_read_yaml(&tree, text, size);
    if (status == FV_OK)
        status = read_network(&tree, &reader, name, options, out);
    fvi_graph_reader_release(&reader);
    fvi_tree_release(&tree);
    fvi_release(context, text);
    return status;
}
