/* SPDX-License-Identifier: Apache-2.0
 *
 * attributes.c - reading and writing values by table. In options structs zero is the default; in YAML, which people write, a zero that is
 * out of range is refused; in JSON, which programs write, it stands for the default.
 */
#include "interchange/attributes.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_KEYS = 64, MOST_VALUES = 4 };

/* In the order of fv_init_kind. */
static const char *const init_words[] = { "default", "constant", "gaussian",   "uniform",  "xavier",
                                          "glorot",  "he",       "orthogonal", "identity", NULL };

static int32_t count_words(const char *const *words)
{
    int32_t count = 0;
    while (words[count] != NULL)
        count++;
    return count;
}

static fv_status read_word(const fvi_tree *tree, const fvi_item *item, const char *what, const char *const *words,
                           int *value)
{
    const int32_t count = count_words(words);
    FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_TEXT, what));
    for (int i = 0; i < count; i++)
        if (strcmp(item->text, words[i]) == 0) {
            *value = i;
            return FV_OK;
        }
    return fvi_tree_fail_unknown(tree, item, false, what, item->text, words, count);
}

static fv_status read_one_integer(const fvi_tree *tree, const fvi_item *item, const fvi_attribute *attribute,
                                  int32_t *value)
{
    int64_t wide = 0;
    const bool zero_allowed =
        item->type == FVI_ITEM_INTEGER && item->integer == 0 && item->line == 0 && !attribute->required;
    if (!zero_allowed)
        FV_TRY(fvi_tree_integer(tree, item, attribute->name, (int64_t)attribute->low, (int64_t)attribute->high, &wide));
    *value = (int32_t)wide;
    return FV_OK;
}

/* One given value fills all; two fill four as rows, columns, rows, columns (top, left, bottom, right). Three are never filled. */
static fv_status read_integers(const fvi_tree *tree, const fvi_item *item, const fvi_attribute *attribute,
                               int32_t *values)
{
    int32_t given = 0, read[MOST_VALUES] = { 0 };
    if (item->type != FVI_ITEM_LIST) {
        FV_TRY(read_one_integer(tree, item, attribute, &read[given++]));
    } else {
        if (item->count > attribute->count)
            return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s has %d values, takes %d", attribute->name,
                                 item->count, attribute->count);
        for (const fvi_item *child = item->first; child != NULL; child = child->next)
            FV_TRY(read_one_integer(tree, child, attribute, &read[given++]));
    }
    const bool repeats = attribute->count != 3 && (given == 1 || (given == 2 && attribute->count == 4));
    if (given != attribute->count && !repeats)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s has %d value%s, takes %d", attribute->name, given,
                             given == 1 ? "" : "s", attribute->count);
    for (int32_t i = 0; i < attribute->count; i++)
        values[i] = read[i % given];
    return FV_OK;
}

static fv_status check_real(const fvi_tree *tree, const fvi_item *item, const fvi_attribute *attribute, double value)
{
    if (value < attribute->low || value > attribute->high)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s is %g, must be %g to %g", attribute->name, value,
                             attribute->low, attribute->high);
    return FV_OK;
}

static fv_status read_real(const fvi_tree *tree, const fvi_item *item, const fvi_attribute *attribute, double *value)
{
    FV_TRY(fvi_tree_real(tree, item, attribute->name, value));
    if (*value == 0.0 && item->line == 0 && !attribute->required)
        return FV_OK;
    return check_real(tree, item, attribute, *value);
}

/* "he", or {kind: gaussian, value: 0.01, uniform: false}. */
static fv_status read_init(const fvi_tree *tree, const fvi_item *item, const fvi_attribute *attribute,
                           fv_initializer *init)
{
    static const char *const keys[] = { "kind", "value", "uniform", NULL };
    int kind = 0;
    if (item->type == FVI_ITEM_TEXT) {
        FV_TRY(read_word(tree, item, "initialiser", init_words, &kind));
        init->kind = (fv_init_kind)kind;
        return FV_OK;
    }
    FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_MAP, attribute->name));
    FV_TRY(fvi_tree_check_keys(tree, item, keys));
    const fvi_item *kind_item = fvi_tree_find(item, "kind");
    const fvi_item *value = fvi_tree_find(item, "value");
    const fvi_item *uniform = fvi_tree_find(item, "uniform");
    if (kind_item == NULL)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s needs a kind", attribute->name);
    FV_TRY(read_word(tree, kind_item, "initialiser", init_words, &kind));
    init->kind = (fv_init_kind)kind;
    if (value != NULL)
        FV_TRY(fvi_tree_real(tree, value, "value", &init->value));
    if (uniform != NULL)
        FV_TRY(fvi_tree_expect(tree, uniform, FVI_ITEM_BOOL, "uniform"));
    init->uniform = uniform != NULL && uniform->boolean;
    return FV_OK;
}

/* A list of any length; a number alone is a list of one. Zeros are values here, not defaults. */
static fv_status read_list(const fvi_tree *tree, const fvi_item *item, const fvi_attribute *attribute, void *place)
{
    const bool ints = attribute->type == FVI_ATTRIBUTE_INTS, several = item->type == FVI_ITEM_LIST;
    const int32_t count = several ? item->count : 1;
    if (count > FVI_LIST_VALUES)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s has %d values, takes at most %d", attribute->name, count,
                             FVI_LIST_VALUES);
    const size_t bytes = (size_t)count * (ints ? sizeof(int32_t) : sizeof(double));
    void *values = fvi_arena_allocate(tree->arena, bytes + 1); /* + 1: an empty list is legal */
    if (values == NULL)
        return fvi_out_of_memory(tree->context, "list", bytes);
    const fvi_item *child = several ? item->first : item;
    for (int32_t i = 0; i < count; i++, child = child->next)
        if (ints) {
            int64_t wide = 0;
            FV_TRY(fvi_tree_integer(tree, child, attribute->name, (int64_t)attribute->low, (int64_t)attribute->high,
                                    &wide));
            ((int32_t *)values)[i] = (int32_t)wide;
        } else {
            double *value = (double *)values + i;
            FV_TRY(fvi_tree_real(tree, child, attribute->name, value));
            FV_TRY(check_real(tree, child, attribute, *value));
        }
    if (ints)
        *(fv_int_list *)place = (fv_int_list){ values, count };
    else
        *(fv_real_list *)place = (fv_real_list){ values, count };
    return FV_OK;
}

static fv_status read_attribute(const fvi_tree *tree, const fvi_item *item, const fvi_attribute *attribute,
                                void *options)
{
    void *place = (char *)options + attribute->offset;
    switch (attribute->type) {
    case FVI_ATTRIBUTE_INT:
        return read_integers(tree, item, attribute, place);
    case FVI_ATTRIBUTE_REAL:
        return read_real(tree, item, attribute, place);
    case FVI_ATTRIBUTE_BOOL:
        FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_BOOL, attribute->name));
        memcpy(place, &item->boolean, sizeof item->boolean);
        return FV_OK;
    case FVI_ATTRIBUTE_ENUM:
        return read_word(tree, item, attribute->name, attribute->words, place);
    case FVI_ATTRIBUTE_INIT:
        return read_init(tree, item, attribute, place);
    case FVI_ATTRIBUTE_INTS:
    case FVI_ATTRIBUTE_REALS:
        return read_list(tree, item, attribute, place);
    }
    return FV_OK;
}

static const fvi_attribute *find_attribute(const fvi_layer *layer, const char *name)
{
    for (const fvi_attribute *attribute = layer->attributes; attribute != NULL && attribute->name != NULL; attribute++)
        if (strcmp(attribute->name, name) == 0)
            return attribute;
    return NULL;
}

static bool in_list(const char *const *words, const char *word)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static fv_status unknown_key(const fvi_tree *tree, const fvi_layer *layer, const fvi_item *item,
                             const char *const *others)
{
    const char *words[MOST_KEYS];
    int32_t count = 0;
    char what[80];
    for (const fvi_attribute *attribute = layer->attributes;
         attribute != NULL && attribute->name != NULL && count < MOST_KEYS; attribute++)
        words[count++] = attribute->name;
    for (; *others != NULL && count < MOST_KEYS; others++)
        words[count++] = *others;
    snprintf(what, sizeof what, "key of %s", layer->name);
    return fvi_tree_fail_unknown(tree, item, true, what, item->key, words, count);
}

fv_status fvi_attributes_read(const fvi_tree *tree, const fvi_layer *layer, const fvi_item *at, const fvi_item *map,
                              const char *const *others, void *options)
{
    if (map != NULL && map->type != FVI_ITEM_NULL) {
        FV_TRY(fvi_tree_expect(tree, map, FVI_ITEM_MAP, layer->name));
        for (const fvi_item *item = map->first; item != NULL; item = item->next) {
            const fvi_attribute *attribute = find_attribute(layer, item->key);
            if (attribute != NULL)
                FV_TRY(read_attribute(tree, item, attribute, options));
            else if (!in_list(others, item->key))
                return unknown_key(tree, layer, item, others);
        }
    }
    for (const fvi_attribute *attribute = layer->attributes; attribute != NULL && attribute->name != NULL; attribute++)
        if (attribute->required && fvi_tree_find(map, attribute->name) == NULL)
            return fvi_tree_fail(tree, at, FV_ERR_ARGUMENT, "%s needs '%s': %s", layer->name, attribute->name,
                                 attribute->help);
    return FV_OK;
}

static json_t *write_init(const fv_initializer *init)
{
    if (init->kind == FV_INIT_DEFAULT && init->value == 0.0 && !init->uniform)
        return NULL;
    json_t *object = json_object();
    json_object_set_new(object, "kind", json_string(init_words[init->kind]));
    if (init->value != 0.0)
        json_object_set_new(object, "value", json_real(init->value));
    if (init->uniform)
        json_object_set_new(object, "uniform", json_true());
    return object;
}

/* NULL: at its default. */
static json_t *write_integers(const fvi_attribute *attribute, const int32_t *values)
{
    bool zero = true;
    for (int32_t i = 0; i < attribute->count; i++)
        zero = zero && values[i] == 0;
    if (zero)
        return NULL;
    if (attribute->count == 1)
        return json_integer(values[0]);
    json_t *array = json_array();
    for (int32_t i = 0; i < attribute->count; i++)
        json_array_append_new(array, json_integer(values[i]));
    return array;
}

/* NULL: not given. */
static json_t *write_ints(const fv_int_list *list)
{
    json_t *array = list->count > 0 ? json_array() : NULL;
    for (int32_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_integer(list->values[i]));
    return array;
}

static json_t *write_reals(const fv_real_list *list)
{
    json_t *array = list->count > 0 ? json_array() : NULL;
    for (int32_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_real(list->values[i]));
    return array;
}

static json_t *write_attribute(const fvi_attribute *attribute, const void *options)
{
    const void *place = (const char *)options + attribute->offset;
    int word = 0;
    switch (attribute->type) {
    case FVI_ATTRIBUTE_INT:
        return write_integers(attribute, place);
    case FVI_ATTRIBUTE_REAL:
        return *(const double *)place != 0.0 ? json_real(*(const double *)place) : NULL;
    case FVI_ATTRIBUTE_BOOL:
        return *(const bool *)place ? json_true() : NULL;
    case FVI_ATTRIBUTE_ENUM:
        memcpy(&word, place, sizeof word);
        return word != 0 ? json_string(attribute->words[word]) : NULL;
    case FVI_ATTRIBUTE_INIT:
        return write_init(place);
    case FVI_ATTRIBUTE_INTS:
        return write_ints(place);
    case FVI_ATTRIBUTE_REALS:
        return write_reals(place);
    }
    return NULL;
}

fv_status fvi_attributes_write(fv_context *context, const fvi_layer *layer, const void *options, json_t *object)
{
    for (const fvi_attribute *attribute = layer->attributes; attribute != NULL && attribute->name != NULL;
         attribute++) {
        json_t *value = write_attribute(attribute, options);
        if (value != NULL && json_object_set_new(object, attribute->name, value) != 0)
            return fvi_out_of_memory(context, "JSON", 0);
    }
    return FV_OK;
}
