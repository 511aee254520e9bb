/* SPDX-License-Identifier: Apache-2.0
 *
 * blocks.c - the nested blocks: residual, branch, head, repeat and use.
 */
#include <stdio.h>
#include <string.h>

#include "interchange/blocks.h"

enum { MOST_ROUNDS = 1 << 20, MOST_EACH = 4096 };

fv_status fvi_block_list(const fvi_tree *tree, const fvi_item *item, const char *what)
{
    if (item->type == FVI_ITEM_LIST)
        return FV_OK;
    return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s must be a list of layers, not %s", what,
                         fvi_item_type_name(item->type));
}

/* Names inside get `name` and a dot before them. */
fv_status fvi_block_enter(const fvi_expander *expander, fvi_block *made, const fvi_place *place, const char *name)
{
    made->inside = *place;
    made->inside.outer = place;
    made->inside.depth = place->depth + 1;
    if (made->inside.depth > FVI_EXPAND_DEPTH)
        return fvi_tree_fail(expander->tree, made->at, FV_ERR_FORMAT, "blocks are nested deeper than %d",
                             FVI_EXPAND_DEPTH);
    if (name == NULL)
        return FV_OK;
    if (strlen(name) + 2 > sizeof made->prefix)
        return fvi_tree_fail(expander->tree, made->at, FV_ERR_ARGUMENT, "the name '%s' is too long", name);
    snprintf(made->prefix, sizeof made->prefix, "%s.", name);
    made->inside.prefix = made->prefix;
    return FV_OK;
}

/* What all blocks share: the list of layers, or a map that holds one under main_key besides `from` and `name`. */
static fv_status open_block(const fvi_expander *expander, const fvi_place *place, const char *word,
                            const char *main_key, const char *const *keys, const fvi_item *at, const fvi_item *value,
                            fv_value flow, fvi_block *out)
{
    const fvi_tree *tree = expander->tree;
    fv_image_shape shape;
    const fvi_names names = fvi_expand_names(expander, place, flow, &shape);
    *out = (fvi_block){ .word = word, .at = at, .input = flow };
    if (value == NULL || (value->type != FVI_ITEM_LIST && value->type != FVI_ITEM_MAP))
        return fvi_tree_fail(tree, value != NULL ? value : at, FV_ERR_ARGUMENT,
                             "%s takes a list or a map, as '%s: {%s: [...]}', not %s", word, word, main_key,
                             fvi_item_type_name(value != NULL ? value->type : FVI_ITEM_NULL));
    out->map = value->type == FVI_ITEM_MAP ? value : NULL;
    out->body = out->map != NULL ? fvi_tree_find(value, main_key) : value;
    if (out->map != NULL)
        FV_TRY(fvi_tree_check_keys(tree, value, keys));
    if (out->body == NULL)
        return fvi_tree_fail(tree, at, FV_ERR_ARGUMENT, "%s needs '%s: [...]'", word, main_key);
    FV_TRY(fvi_block_list(tree, out->body, main_key));
    const fvi_item *from = fvi_tree_find(out->map, "from");
    if (from != NULL)
        FV_TRY(fvi_expand_reference(expander, place, from, &names, &out->input));
    FV_TRY(fvi_expand_name(expander, place, out->map, &names, out->name, &out->named));
    return fvi_block_enter(expander, out, place, out->named ? out->name : NULL);
}

/* What joins paths must not end in a loss, which has no output. */
static fv_status walk_path(fvi_expander *expander, const fvi_block *of, const fvi_item *list, fv_value *value)
{
    const fvi_item *last = list->last;
    const char *word = last == NULL ? NULL : last->type == FVI_ITEM_TEXT ? last->text : NULL;
    if (last != NULL && last->type == FVI_ITEM_MAP && last->count == 1)
        word = last->first->key;
    const fvi_layer *layer = word != NULL ? fvi_layer_find(word) : NULL;
    if (layer != NULL && layer->is_loss)
        return fvi_tree_fail(
            expander->tree, last, FV_ERR_ARGUMENT,
            "a path of a %s cannot end in a loss, which has no output to join; write it as 'head: [...]'", of->word);
    *value = of->input;
    return fvi_expand_list(expander, &of->inside, list, value);
}

/* Adds the node that joins values, called as the block is. */
static fv_status join(fvi_expander *expander, const fvi_place *place, const fvi_block *of, const fvi_layer *layer,
                      const fv_value *values, int32_t count, fv_value *flow)
{
    static const char *const none[] = { NULL };
    expander->reader->prefix = place->prefix;
    return fvi_graph_reader_add(expander->reader, layer, of->named ? of->name : NULL, values, count, of->at, NULL, none,
                                flow);
}

/* residual: the body's output plus the shortcut's; without shortcut plus what both read. */
static fv_status expand_residual(fvi_expander *expander, const fvi_place *place, const fvi_item *at,
                                 const fvi_item *value, fv_value *flow)
{
    static const char *const keys[] = { "body", "shortcut", "name", "from", NULL };
    fvi_block opened;
    fv_value joined[2];
    FV_TRY(open_block(expander, place, "residual", "body", keys, at, value, *flow, &opened));
    const fvi_item *shortcut = fvi_tree_find(opened.map, "shortcut");
    if (shortcut != NULL)
        FV_TRY(fvi_block_list(expander->tree, shortcut, "shortcut"));
    FV_TRY(walk_path(expander, &opened, opened.body, &joined[0]));
    joined[1] = opened.input;
    if (shortcut != NULL)
        FV_TRY(walk_path(expander, &opened, shortcut, &joined[1]));
    return join(expander, place, &opened, fvi_layer_find("add"), joined, 2, flow);
}

/* "sum", or any layer type that takes several inputs; concat by default. */
static fv_status join_type(const fvi_tree *tree, const fvi_item *item, const fvi_layer **layer)
{
    enum { MOST = 64 };
    const char *words[MOST] = { "sum" };
    int32_t count = 1;
    *layer = fvi_layer_find("concat");
    if (item == NULL)
        return FV_OK;
    FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_TEXT, "join"));
    *layer = fvi_layer_find(strcmp(item->text, "sum") == 0 ? "add" : item->text);
    if (*layer != NULL && (*layer)->max_inputs != 1 && !(*layer)->is_input)
        return FV_OK;
    for (int32_t i = 0; fvi_layers[i] != NULL && count < MOST; i++)
        if (fvi_layers[i]->max_inputs != 1 && !fvi_layers[i]->is_input)
            words[count++] = fvi_layers[i]->name;
    return fvi_tree_fail_unknown(tree, item, false, "way to join", item->text, words, count);
}

static fv_status expand_branch(fvi_expander *expander, const fvi_place *place, const fvi_item *at,
                               const fvi_item *value, fv_value *flow)
{
    static const char *const keys[] = { "paths", "join", "name", "from", NULL };
    const fvi_tree *tree = expander->tree;
    const fvi_layer *layer = NULL;
    fvi_block opened;
    FV_TRY(open_block(expander, place, "branch", "paths", keys, at, value, *flow, &opened));
    FV_TRY(join_type(tree, fvi_tree_find(opened.map, "join"), &layer));
    const int32_t count = opened.body->count;
    fv_value *joined = fvi_arena_allocate(expander->tree->arena, (size_t)(count + 1) * sizeof *joined);
    if (joined == NULL)
        return fvi_out_of_memory(tree->context, "branch", (size_t)count * sizeof *joined);
    for (const fvi_item *path = opened.body->first; path != NULL; path = path->next) {
        FV_TRY(fvi_block_list(tree, path, "a path of a branch"));
        FV_TRY(walk_path(expander, &opened, path, &joined[path->index]));
    }
    return join(expander, place, &opened, layer, joined, count, flow);
}

/* A side way, mostly to a loss: the flow goes on as if it were not there. */
static fv_status expand_head(fvi_expander *expander, const fvi_place *place, const fvi_item *at, const fvi_item *value,
                             fv_value *flow)
{
    static const char *const keys[] = { "body", "name", "from", NULL };
    fvi_block opened;
    FV_TRY(open_block(expander, place, "head", "body", keys, at, value, *flow, &opened));
    fv_value end = opened.input;
    FV_TRY(fvi_expand_list(expander, &opened.inside, opened.body, &end));
    if (opened.named && end != opened.input)
        FV_TRY(fvi_graph_reader_call(expander->reader, at, opened.name, end));
    return FV_OK;
}

fv_status fvi_block_tell(fvi_expander *expander, fv_status status, const char *where)
{
    fvi_message said;
    if (status == FV_ERR_MEMORY || expander->told)
        return status;
    expander->told = true;
    snprintf(said.text, sizeof said.text, "%s", fv_context_message(expander->tree->context));
    return fvi_fail(expander->tree->context, status, "%.700s (%s)", said.text, where);
}

/* Lists of `each` are as long as one another. */
static fv_status check_each(const fvi_tree *tree, const fvi_item *each, const fvi_item *at)
{
    FV_TRY(fvi_tree_expect(tree, each, FVI_ITEM_MAP, "each"));
    if (each->count == 0 || each->count > FVI_BLOCK_ARGUMENTS - 1)
        return fvi_tree_fail(tree, at, FV_ERR_ARGUMENT, "each has %d lists, takes 1 to %d", each->count,
                             FVI_BLOCK_ARGUMENTS - 1);
    for (const fvi_item *list = each->first; list != NULL; list = list->next) {
        if (!fvi_is_name(list->key))
            return fvi_tree_fail_key(tree, list, FV_ERR_ARGUMENT,
                                     "'%s' cannot be used in expressions; a name is letters, digits and '_'",
                                     list->key);
        if (list->count > MOST_EACH)
            return fvi_tree_fail(tree, list, FV_ERR_FORMAT, "%s has %d values; at most %d", list->key, list->count,
                                 MOST_EACH);
        if (list->type != FVI_ITEM_LIST || list->count != each->first->count)
            return fvi_tree_fail(tree, list, FV_ERR_ARGUMENT, "%s must be a list of %d numbers, as %s is", list->key,
                                 each->first->count, each->first->key);
    }
    return FV_OK;
}

/* How many rounds, and what the index is called. */
static fv_status read_rounds(const fvi_expander *expander, const fvi_block *opened, const fvi_names *names,
                             int64_t *count, const char **index)
{
    const fvi_tree *tree = expander->tree;
    const fvi_item *given = fvi_tree_find(opened->map, "count"), *each = fvi_tree_find(opened->map, "each");
    const fvi_item *index_item = fvi_tree_find(opened->map, "index");
    *index = "index";
    if ((given == NULL) == (each == NULL))
        return fvi_tree_fail(tree, opened->at, FV_ERR_ARGUMENT, "repeat needs 'count: N' or 'each: {name: [...]}'%s",
                             given != NULL ? ", not both" : "");
    if (index_item != NULL) {
        FV_TRY(fvi_tree_expect(tree, index_item, FVI_ITEM_TEXT, "index"));
        if (!fvi_is_name(index_item->text))
            return fvi_tree_fail(tree, index_item, FV_ERR_ARGUMENT,
                                 "'%s' cannot be used in expressions; a name is letters, digits and '_'",
                                 index_item->text);
        *index = index_item->text;
    }
    if (given != NULL)
        return fvi_expression_whole(tree, given, "count", names, 0, MOST_ROUNDS, count);
    FV_TRY(check_each(tree, each, opened->at));
    *count = each->first->count;
    return FV_OK;
}

/* The index and the values of `each` in this round. */
static fv_status round_scope(const fvi_expander *expander, const fvi_block *opened, const char *index, int64_t round,
                             const fvi_names *names, fvi_scope scope[FVI_BLOCK_ARGUMENTS], const fvi_scope **innermost)
{
    const fvi_item *each = fvi_tree_find(opened->map, "each");
    int32_t count = 0;
    scope[count++] = (fvi_scope){ .outer = names->scope, .name = index, .value = fvi_number_whole(round) };
    for (const fvi_item *list = each != NULL ? each->first : NULL; list != NULL; list = list->next) {
        const fvi_item *item = list->first;
        for (int64_t i = 0; i < round; i++)
            item = item->next;
        scope[count] = (fvi_scope){ .outer = &scope[count - 1], .name = list->key };
        FV_TRY(fvi_expression_value(expander->tree, item, list->key, names, &scope[count].value));
        count++;
    }
    *innermost = &scope[count - 1];
    return FV_OK;
}

/* "stage" becomes stage.0, stage.1, ...; a name with an expression is what it says. */
static fv_status round_name(const fvi_expander *expander, const fvi_place *place, const fvi_block *opened,
                            const fvi_names *names, int64_t round, char out[FVI_EXPAND_NAME])
{
    bool given = false;
    FV_TRY(fvi_expand_name(expander, place, opened->map, names, out, &given));
    const fvi_item *item = fvi_tree_find(opened->map, "name");
    const size_t used = strlen(out);
    if (strchr(item->text, '{') == NULL && used + 24 < FVI_EXPAND_NAME)
        snprintf(out + used, FVI_EXPAND_NAME - used, ".%lld", (long long)round);
    return FV_OK;
}

static fv_status walk_round(fvi_expander *expander, const fvi_place *place, const fvi_block *opened, const char *index,
                            int64_t round, fv_value *flow)
{
    fvi_scope scope[FVI_BLOCK_ARGUMENTS];
    fv_image_shape shape;
    char name[FVI_EXPAND_NAME];
    fvi_block inner = *opened;
    const fv_value before = *flow;
    fvi_names names = fvi_expand_names(expander, place, before, &shape);
    FV_TRY(fvi_expand_step(expander, opened->at));
    FV_TRY(round_scope(expander, opened, index, round, &names, scope, &names.scope));
    if (opened->map != NULL && fvi_tree_find(opened->map, "name") != NULL) {
        FV_TRY(round_name(expander, place, opened, &names, round, name));
        FV_TRY(fvi_block_enter(expander, &inner, place, name));
        inner.named = true;
    } else {
        FV_TRY(fvi_block_enter(expander, &inner, place, NULL));
    }
    inner.inside.scope = names.scope;
    FV_TRY(fvi_expand_list(expander, &inner.inside, opened->body, flow));
    if (inner.named && *flow != before)
        FV_TRY(fvi_graph_reader_call(expander->reader, opened->at, name, *flow));
    return FV_OK;
}

static fv_status tell_round(fvi_expander *expander, fv_status status, const char *index, int64_t round,
                            const fvi_item *at)
{
    char where[FVI_TREE_WORD_BYTES + 64];
    if (status == FV_OK)
        return FV_OK;
    snprintf(where, sizeof where, "%s = %lld in the repeat at line %d", index, (long long)round, (int)at->line);
    return fvi_block_tell(expander, status, where);
}

static fv_status expand_repeat(fvi_expander *expander, const fvi_place *place, const fvi_item *at,
                               const fvi_item *value, fv_value *flow)
{
    static const char *const keys[] = { "count", "each", "index", "body", "name", "from", NULL };
    const char *index = NULL;
    fv_image_shape shape;
    int64_t count = 0;
    fvi_block opened = { .word = "repeat", .at = at, .map = value, .input = *flow };
    if (value == NULL || value->type != FVI_ITEM_MAP)
        return fvi_tree_fail(expander->tree, value != NULL ? value : at, FV_ERR_ARGUMENT,
                             "repeat takes a map, as 'repeat: {count: 3, body: [...]}'");
    FV_TRY(fvi_tree_check_keys(expander->tree, value, keys));
    opened.body = fvi_tree_find(value, "body");
    if (opened.body == NULL)
        return fvi_tree_fail(expander->tree, at, FV_ERR_ARGUMENT, "repeat needs 'body: [...]'");
    FV_TRY(fvi_block_list(expander->tree, opened.body, "body"));
    fvi_names names = fvi_expand_names(expander, place, *flow, &shape);
    const fvi_item *from = fvi_tree_find(value, "from");
    if (from != NULL) {
        FV_TRY(fvi_expand_reference(expander, place, from, &names, flow));
        names = fvi_expand_names(expander, place, *flow, &shape);
    }
    FV_TRY(read_rounds(expander, &opened, &names, &count, &index));
    for (int64_t round = 0; round < count; round++)
        FV_TRY(tell_round(expander, walk_round(expander, place, &opened, index, round, flow), index, round, at));
    const fvi_item *name = fvi_tree_find(value, "name");
    if (name == NULL || strchr(name->text, '{') != NULL || count == 0)
        return FV_OK;
    FV_TRY(fvi_expand_name(expander, place, value, &names, opened.name, &opened.named));
    return fvi_graph_reader_call(expander->reader, at, opened.name, *flow);
}

const char *const fvi_block_words[] = { "residual", "branch", "head", "repeat", "use", NULL };

fvi_expand_block *fvi_block_find(const char *word)
{
    static fvi_expand_block *const blocks[] = { expand_residual, expand_branch, expand_head, expand_repeat,
                                                fvi_expand_use };
    for (int32_t i = 0; fvi_block_words[i] != NULL; i++)
        if (strcmp(fvi_block_words[i], word) == 0)
            return blocks[i];
    return NULL;
}
