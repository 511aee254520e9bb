/* SPDX-License-Identifier: Apache-2.0
 *
 * tree_json.c - JSON into a tree, through jansson (which reads numbers the C way in every locale and refuses NUL in texts).
 */
#include <jansson.h>
#include <string.h>

#include "interchange/tree.h"

static fv_status convert(fvi_tree *tree, fvi_item *parent, const char *key, json_t *value, int32_t depth);

static fv_status convert_children(fvi_tree *tree, fvi_item *item, json_t *value, int32_t depth)
{
    const char *key = NULL;
    json_t *child = NULL;
    size_t index = 0;
    if (depth >= FVI_TREE_DEPTH)
        return fvi_tree_fail(tree, item, FV_ERR_FORMAT, "nested deeper than %d", FVI_TREE_DEPTH);
    if (json_is_array(value)) {
        json_array_foreach(value, index, child)
        {
            FV_TRY(convert(tree, item, NULL, child, depth + 1));
        }
    } else {
        json_object_foreach(value, key, child)
        {
            FV_TRY(convert(tree, item, key, child, depth + 1));
        }
    }
    return FV_OK;
}

static fvi_item_type type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return FVI_ITEM_MAP;
    case JSON_ARRAY:
        return FVI_ITEM_LIST;
    case JSON_STRING:
        return FVI_ITEM_TEXT;
    case JSON_INTEGER:
        return FVI_ITEM_INTEGER;
    case JSON_REAL:
        return FVI_ITEM_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return FVI_ITEM_BOOL;
    case JSON_NULL:
        break;
    }
    return FVI_ITEM_NULL;
}

static fv_status convert(fvi_tree *tree, fvi_item *parent, const char *key, json_t *value, int32_t depth)
{
    fvi_item *item = NULL;
    if (key != NULL && strlen(key) > FVI_TREE_WORD_BYTES)
        return fvi_tree_fail(tree, parent, FV_ERR_FORMAT, "a key of %zu bytes; at most %d", strlen(key),
                             FVI_TREE_WORD_BYTES);
    FV_TRY(fvi_tree_add(tree, parent, key, type_of(value), &item));
    if (item->type == FVI_ITEM_TEXT && json_string_length(value) > FVI_TREE_WORD_BYTES)
        return fvi_tree_fail(tree, item, FV_ERR_FORMAT, "a text of %zu bytes; at most %d", json_string_length(value),
                             FVI_TREE_WORD_BYTES);
    if (item->type == FVI_ITEM_TEXT) {
        item->text = fvi_arena_text(tree->arena, json_string_value(value));
        if (item->text == NULL)
            return fvi_out_of_memory(tree->context, tree->source, json_string_length(value));
    }
    item->boolean = json_is_true(value);
    item->integer = json_is_integer(value) ? json_integer_value(value) : 0;
    item->real = json_is_number(value) ? json_number_value(value) : 0.0;
    if (item->type == FVI_ITEM_LIST || item->type == FVI_ITEM_MAP)
        return convert_children(tree, item, value, depth);
    return FV_OK;
}

fv_status fvi_tree_read_json(fvi_tree *tree, const char *text)
{
    json_error_t error;
    const size_t size = strlen(text);
    if (size > FVI_TREE_TEXT_BYTES)
        return fvi_fail(tree->context, FV_ERR_FORMAT, "%s: %zu bytes of JSON; at most %d", tree->source, size,
                        FVI_TREE_TEXT_BYTES);
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return fvi_fail(tree->context, FV_ERR_FORMAT, "%s:%d:%d: invalid JSON: %s", tree->source, error.line,
                        error.column, error.text);
    const fv_status status = convert(tree, NULL, NULL, root, 0);
    json_decref(root);
    return status;
}
