/* SPDX-License-Identifier: Apache-2.0
 *
 * define.c - blocks that a description defines, and their use:
 *   define: {basic: {arguments: {filters: , stride: 1}, body: [...]}}, or {arguments: [filters], ...}, or {basic: [...]}
 *   use: {block: basic, filters: 64}, or use: basic
 */
#include <stdio.h>
#include <string.h>

#include "interchange/blocks.h"

enum { MOST_DEFINITIONS = 256 };

static const char *const reserved[] = { "block", "name", "from", NULL };

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static const char *argument_name(const fvi_item *argument)
{
    return argument->key != NULL ? argument->key : argument->text;
}

static fv_status check_arguments(const fvi_tree *tree, const fvi_item *arguments)
{
    if (arguments->type != FVI_ITEM_MAP)
        FV_TRY(fvi_tree_expect(tree, arguments, FVI_ITEM_LIST, "arguments"));
    if (arguments->count > FVI_BLOCK_ARGUMENTS)
        return fvi_tree_fail(tree, arguments, FV_ERR_ARGUMENT, "%d arguments; at most %d", arguments->count,
                             FVI_BLOCK_ARGUMENTS);
    for (const fvi_item *argument = arguments->first; argument != NULL; argument = argument->next) {
        if (arguments->type == FVI_ITEM_LIST)
            FV_TRY(fvi_tree_expect(tree, argument, FVI_ITEM_TEXT, "an argument's name"));
        const char *name = argument_name(argument);
        if (!fvi_is_name(name) || is_one_of(name, reserved))
            return fvi_tree_fail(tree, argument, FV_ERR_ARGUMENT,
                                 "an argument cannot be called '%s'; a name is letters, digits and '_', and none of "
                                 "block, name, from",
                                 name);
    }
    return FV_OK;
}

fv_status fvi_define_check(const fvi_tree *tree, const fvi_item *define)
{
    static const char *const keys[] = { "arguments", "body", NULL };
    FV_TRY(fvi_tree_expect(tree, define, FVI_ITEM_MAP, "define"));
    if (define->count > MOST_DEFINITIONS)
        return fvi_tree_fail(tree, define, FV_ERR_FORMAT, "%d blocks are defined; at most %d", define->count,
                             MOST_DEFINITIONS);
    for (const fvi_item *item = define->first; item != NULL; item = item->next) {
        if (fvi_layer_find_in(tree->context, item->key) != NULL || fvi_block_find(item->key) != NULL)
            return fvi_tree_fail_key(tree, item, FV_ERR_ARGUMENT, "'%s' is a layer type; give the block another name",
                                     item->key);
        if (item->type == FVI_ITEM_LIST)
            continue;
        FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_MAP, item->key));
        FV_TRY(fvi_tree_check_keys(tree, item, keys));
        const fvi_item *arguments = fvi_tree_find(item, "arguments"), *body = fvi_tree_find(item, "body");
        if (body == NULL)
            return fvi_tree_fail_key(tree, item, FV_ERR_ARGUMENT, "block '%s' needs 'body: [...]'", item->key);
        FV_TRY(fvi_block_list(tree, body, "body"));
        if (arguments != NULL)
            FV_TRY(check_arguments(tree, arguments));
    }
    return FV_OK;
}

static fv_status find_definition(const fvi_expander *expander, const fvi_place *place, const fvi_item *name,
                                 const fvi_item **definition)
{
    enum { MOST = 256 };
    const char *words[MOST];
    int32_t count = 0;
    FV_TRY(fvi_tree_expect(expander->tree, name, FVI_ITEM_TEXT, "block"));
    *definition = fvi_tree_find(expander->define, name->text);
    if (*definition == NULL && expander->define == NULL)
        return fvi_tree_fail(expander->tree, name, FV_ERR_ARGUMENT,
                             "unknown block '%s'; blocks are written under 'define:'", name->text);
    if (*definition == NULL) {
        for (const fvi_item *item = expander->define->first; item != NULL && count < MOST; item = item->next)
            words[count++] = item->key;
        return fvi_tree_fail_unknown(expander->tree, name, false, "block", name->text, words, count);
    }
    for (const fvi_place *around = place; around != NULL; around = around->outer)
        if (around->block == *definition)
            return fvi_tree_fail(expander->tree, name, FV_ERR_ARGUMENT,
                                 "block '%s' uses itself; a definition cannot be recursive", name->text);
    return FV_OK;
}

/* An argument that the block does not have. */
static fv_status check_given(const fvi_tree *tree, const fvi_item *given, const fvi_item *arguments, const char *block)
{
    const char *words[FVI_BLOCK_ARGUMENTS + 3];
    char what[FVI_TREE_WORD_BYTES + 32];
    int32_t count = 0;
    for (const fvi_item *argument = arguments != NULL ? arguments->first : NULL; argument != NULL;
         argument = argument->next)
        words[count++] = argument_name(argument);
    for (int32_t i = 0; reserved[i] != NULL; i++)
        words[count++] = reserved[i];
    snprintf(what, sizeof what, "argument of block '%s'", block);
    for (const fvi_item *item = given != NULL ? given->first : NULL; item != NULL; item = item->next) {
        bool known = false;
        for (int32_t i = 0; i < count; i++)
            known = known || strcmp(words[i], item->key) == 0;
        if (!known)
            return fvi_tree_fail_unknown(tree, item, true, what, item->key, words, count);
    }
    return FV_OK;
}

/* The values of a block's arguments: as given, else the defaults, which may name arguments before them. */
static fv_status bind_arguments(const fvi_expander *expander, const fvi_block *opened, const fvi_item *arguments,
                                const char *called, const fvi_names *outside, const fvi_scope *parameters,
                                fvi_scope scope[FVI_BLOCK_ARGUMENTS], const fvi_scope **innermost)
{
    int32_t count = 0;
    *innermost = parameters;
    for (const fvi_item *argument = arguments != NULL ? arguments->first : NULL; argument != NULL;
         argument = argument->next) {
        const char *name = argument_name(argument);
        const fvi_item *given = fvi_tree_find(opened->map, name);
        const fvi_names before = { .scope = *innermost, .shape = outside->shape };
        fvi_scope *made = &scope[count++];
        *made = (fvi_scope){ .outer = *innermost, .name = name };
        const bool has_default = argument->key != NULL && argument->type != FVI_ITEM_NULL;
        if (given == NULL && !has_default)
            return fvi_tree_fail(expander->tree, opened->at, FV_ERR_ARGUMENT, "block '%s' needs its argument '%s'",
                                 called, name);
        FV_TRY(fvi_expression_value(expander->tree, given != NULL ? given : argument, name,
                                    given != NULL ? outside : &before, &made->value));
        *innermost = made;
    }
    return FV_OK;
}

static fv_status walk_use(fvi_expander *expander, const fvi_place *place, fvi_block *opened, const fvi_item *definition,
                          fv_value *flow)
{
    fvi_scope scope[FVI_BLOCK_ARGUMENTS];
    fv_image_shape shape;
    const fvi_item *arguments = fvi_tree_find(definition, "arguments");
    const fvi_names names = fvi_expand_names(expander, place, opened->input, &shape);
    FV_TRY(check_given(expander->tree, opened->map, arguments, definition->key));
    FV_TRY(fvi_expand_name(expander, place, opened->map, &names, opened->name, &opened->named));
    FV_TRY(fvi_block_enter(expander, opened, place, opened->named ? opened->name : NULL));
    FV_TRY(bind_arguments(expander, opened, arguments, definition->key, &names, expander->parameters, scope,
                          &opened->inside.scope));
    opened->inside.block = definition;
    opened->body = definition->type == FVI_ITEM_LIST ? definition : fvi_tree_find(definition, "body");
    *flow = opened->input;
    const fv_status status = fvi_expand_list(expander, &opened->inside, opened->body, flow);
    if (status != FV_OK) {
        char where[FVI_TREE_WORD_BYTES + 64];
        snprintf(where, sizeof where, "block '%s' is used at line %d", definition->key, (int)opened->at->line);
        return fvi_block_tell(expander, status, where);
    }
    if (opened->named && *flow != opened->input)
        FV_TRY(fvi_graph_reader_call(expander->reader, opened->at, opened->name, *flow));
    return FV_OK;
}

/* use: name, or use: {block: name, and its arguments}. */
fv_status fvi_expand_use(fvi_expander *expander, const fvi_place *place, const fvi_item *at, const fvi_item *value,
                         fv_value *flow)
{
    const fvi_item *called = value, *definition = NULL;
    fv_image_shape shape;
    fvi_block opened = { .word = "use", .at = at, .input = *flow };
    const fvi_names names = fvi_expand_names(expander, place, *flow, &shape);
    if (value != NULL && value->type == FVI_ITEM_MAP) {
        opened.map = value;
        called = fvi_tree_find(value, "block");
    }
    if (called == NULL)
        return fvi_tree_fail(expander->tree, at, FV_ERR_ARGUMENT, "use needs a name, as 'use: {block: name}'");
    FV_TRY(find_definition(expander, place, called, &definition));
    const fvi_item *from = fvi_tree_find(opened.map, "from");
    if (from != NULL)
        FV_TRY(fvi_expand_reference(expander, place, from, &names, &opened.input));
    return walk_use(expander, place, &opened, definition, flow);
}
