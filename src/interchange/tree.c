/* SPDX-License-Identifier: Apache-2.0
 *
 * tree.c - building the tree, and saying where in the text something is.
 */
#include "interchange/tree.h"

#include <stdio.h>
#include <string.h>

#include "fovea/text.h"

enum { ARENA_BLOCK = 1 << 14, PATH_BYTES = 256 };

fv_status fvi_tree_start(fvi_tree *tree, fv_context *context, const char *source)
{
    *tree = (fvi_tree){ .context = context, .source = source };
    return fvi_arena_create(&tree->arena, context, ARENA_BLOCK);
}

void fvi_tree_release(fvi_tree *tree)
{
    fvi_arena_destroy(tree->arena);
    tree->arena = NULL;
    tree->root = NULL;
}

fv_status fvi_tree_add(fvi_tree *tree, fvi_item *parent, const char *key, fvi_item_type type, fvi_item **item)
{
    if (tree->items >= FVI_TREE_ITEMS)
        return fvi_tree_fail(tree, parent, FV_ERR_FORMAT, "more than %d items", FVI_TREE_ITEMS);
    fvi_item *made = fvi_arena_allocate(tree->arena, sizeof *made);
    const char *copy = made != NULL && key != NULL ? fvi_arena_text(tree->arena, key) : NULL;
    if (made == NULL || (key != NULL && copy == NULL))
        return fvi_out_of_memory(tree->context, tree->source, sizeof *made);
    tree->items++;
    made->type = type;
    made->key = copy;
    made->parent = parent;
    if (parent == NULL) {
        tree->root = made;
    } else {
        made->index = parent->count++;
        if (parent->last != NULL)
            parent->last->next = made;
        else
            parent->first = made;
        parent->last = made;
    }
    *item = made;
    return FV_OK;
}

/* The path from the root, as "nodes[3].stride". */
static void write_path(const fvi_item *item, char path[PATH_BYTES])
{
    const fvi_item *chain[FVI_TREE_DEPTH + 2];
    int32_t length = 0;
    size_t used = 0;
    path[0] = '\0';
    for (; item != NULL && item->parent != NULL && length < FVI_TREE_DEPTH + 2; item = item->parent)
        chain[length++] = item;
    while (length-- > 0 && used < PATH_BYTES - 1) {
        const fvi_item *step = chain[length];
        const int wrote = step->key != NULL
                              ? snprintf(path + used, PATH_BYTES - used, "%s%s", used > 0 ? "." : "", step->key)
                              : snprintf(path + used, PATH_BYTES - used, "[%d]", step->index);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

static fv_status fail_at(const fvi_tree *tree, const fvi_item *item, int32_t line, int32_t column, fv_status status,
                         const char *text)
{
    char path[PATH_BYTES];
    if (line > 0)
        return fvi_fail(tree->context, status, "%s:%d:%d: %s", tree->source, line, column, text);
    write_path(item, path);
    return fvi_fail(tree->context, status, "%s: %s%s%s", tree->source, path, path[0] != '\0' ? ": " : "", text);
}

fv_status fvi_tree_fail(const fvi_tree *tree, const fvi_item *item, fv_status status, const char *format, ...)
{
    fvi_message message;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message.text, sizeof message.text, format, arguments);
    va_end(arguments);
    return fail_at(tree, item, item != NULL ? item->line : 0, item != NULL ? item->column : 0, status, message.text);
}

fv_status fvi_tree_fail_key(const fvi_tree *tree, const fvi_item *item, fv_status status, const char *format, ...)
{
    fvi_message message;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message.text, sizeof message.text, format, arguments);
    va_end(arguments);
    return fail_at(tree, item, item->key_line, item->key_column, status, message.text);
}

fv_status fvi_tree_fail_unknown(const fvi_tree *tree, const fvi_item *item, bool at_key, const char *what,
                                const char *word, const char *const *words, int32_t count)
{
    char hint[512] = "";
    const char *nearest = fv_nearest_word(word, words, count);
    if (nearest != NULL) {
        snprintf(hint, sizeof hint, "did you mean '%s'?", nearest);
    } else {
        size_t used = (size_t)snprintf(hint, sizeof hint, "known:");
        for (int32_t i = 0; i < count && used < sizeof hint; i++)
            used += (size_t)snprintf(hint + used, sizeof hint - used, "%s %s", i > 0 ? "," : "", words[i]);
    }
    if (at_key)
        return fvi_tree_fail_key(tree, item, FV_ERR_ARGUMENT, "unknown %s '%s'; %s", what, word, hint);
    return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "unknown %s '%s'; %s", what, word, hint);
}

const fvi_item *fvi_tree_find(const fvi_item *map, const char *key)
{
    if (map == NULL || map->type != FVI_ITEM_MAP)
        return NULL;
    for (const fvi_item *item = map->first; item != NULL; item = item->next)
        if (strcmp(item->key, key) == 0)
            return item;
    return NULL;
}

const char *fvi_item_type_name(fvi_item_type type)
{
    static const char *const names[] = { "nothing", "true or false", "a whole number", "a number",
                                         "a text",  "a list",        "a map" };
    return names[type];
}

fv_status fvi_tree_expect(const fvi_tree *tree, const fvi_item *item, fvi_item_type type, const char *what)
{
    if (item->type == type)
        return FV_OK;
    return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s must be %s, not %s%s", what, fvi_item_type_name(type),
                         fvi_item_type_name(item->type),
                         type == FVI_ITEM_TEXT && item->line > 0 ? "; put it in quotes" : "");
}

fv_status fvi_tree_check_keys(const fvi_tree *tree, const fvi_item *map, const char *const *keys)
{
    int32_t count = 0;
    while (keys[count] != NULL)
        count++;
    for (const fvi_item *item = map->first; item != NULL; item = item->next) {
        bool known = false;
        for (int32_t i = 0; i < count && !known; i++)
            known = strcmp(item->key, keys[i]) == 0;
        if (!known)
            return fvi_tree_fail_unknown(tree, item, true, "key", item->key, keys, count);
    }
    return FV_OK;
}

fv_status fvi_tree_integer(const fvi_tree *tree, const fvi_item *item, const char *what, int64_t low, int64_t high,
                           int64_t *value)
{
    if (item->type == FVI_ITEM_REAL)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s is %g, must be a whole number%s", what, item->real,
                             item->computed ? "; '//' divides and rounds down" : "");
    FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_INTEGER, what));
    if (item->integer < low || item->integer > high)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s is %lld, must be %lld to %lld", what,
                             (long long)item->integer, (long long)low, (long long)high);
    *value = item->integer;
    return FV_OK;
}

fv_status fvi_tree_real(const fvi_tree *tree, const fvi_item *item, const char *what, double *value)
{
    if (item->type != FVI_ITEM_INTEGER)
        FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_REAL, what));
    if (!(item->real - item->real == 0))
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s is %g, must be finite", what, item->real);
    *value = item->real;
    return FV_OK;
}
