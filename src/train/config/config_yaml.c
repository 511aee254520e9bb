/* SPDX-License-Identifier: Apache-2.0
 *
 * config_yaml.c - reads an experiment file into a config: sections of keys, by the table. Everything that is wrong is told
 * with file, line and column, before anything that the file names is touched.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "base/text_buffer.h"
#include "data/dataset_internal.h"
#include "fovea/text.h"
#include "fovea/zoo.h"
#include "interchange/tree.h"
#include "train/config/config_internal.h"

enum { NAME_BYTES = 2 * FVI_TREE_WORD_BYTES + 2, MOST_WORDS = 256 };

typedef struct reader {
    fvi_tree tree;
    fv_config *config;
    const char *path;
    char folder[FVI_PATH_BYTES]; /* of the path, with its last '/'; "" for the present one */
    const char *recipe;          /* NULL: an experiment file */
} reader;

bool fvi_config_is_name(fv_config_type type, const char *text)
{
    if (type == FV_CONFIG_NETWORK)
        return fv_zoo_find(text) != NULL;
    return type == FV_CONFIG_DATA && fvi_dataset_is_name(text);
}

static bool is_path(fv_config_type type, const char *text)
{
    const bool may_be =
        type == FV_CONFIG_FILE || type == FV_CONFIG_FOLDER || type == FV_CONFIG_NETWORK || type == FV_CONFIG_DATA;
    return may_be && !fvi_config_is_name(type, text);
}

static bool is_scalar(const fvi_item *item)
{
    return item->type != FVI_ITEM_LIST && item->type != FVI_ITEM_MAP && item->type != FVI_ITEM_NULL;
}

/* A scalar as --set takes it: 0x10 as 16. */
static void append_scalar(fvi_text_buffer *out, const fvi_item *item)
{
    if (item->type == FVI_ITEM_INTEGER)
        fvi_text_format(out, "%" PRId64, item->integer);
    else if (item->type == FVI_ITEM_BOOL)
        fvi_text_append(out, item->boolean ? "true" : "false");
    else
        fvi_text_append(out, item->text);
}

static fv_status append_list(const reader *r, const fvi_item *list, const char *separator, const char *what,
                             fvi_text_buffer *out)
{
    for (const fvi_item *item = list->first; item != NULL; item = item->next) {
        if (!is_scalar(item))
            return fvi_tree_fail(&r->tree, item, FV_ERR_ARGUMENT, "%s: a list of single values is meant, not of %s",
                                 what, fvi_item_type_name(item->type));
        fvi_text_append(out, item == list->first ? "" : separator);
        append_scalar(out, item);
    }
    return FV_OK;
}

/* {random_crop: {padding: 4, fill: reflect}} as random_crop(padding=4, fill=reflect) */
static fv_status append_transform(const reader *r, const fvi_item *map, const char *what, fvi_text_buffer *out)
{
    const fvi_item *transform = map->first;
    if (map->count != 1)
        return fvi_tree_fail(&r->tree, map, FV_ERR_ARGUMENT,
                             "%s: {name: {option: value}} with one name is meant; this map has %d", what, map->count);
    fvi_text_append(out, transform->key);
    if (transform->type == FVI_ITEM_NULL)
        return FV_OK;
    if (transform->type != FVI_ITEM_MAP)
        return fvi_tree_fail(&r->tree, transform, FV_ERR_ARGUMENT, "%s: the options of '%s' must be a map, not %s",
                             what, transform->key, fvi_item_type_name(transform->type));
    for (const fvi_item *option = transform->first; option != NULL; option = option->next) {
        fvi_text_format(out, "%s%s=", option == transform->first ? "(" : ", ", option->key);
        if (option->type == FVI_ITEM_LIST) {
            fvi_text_append(out, "[");
            FV_TRY(append_list(r, option, ", ", option->key, out));
            fvi_text_append(out, "]");
        } else if (is_scalar(option))
            append_scalar(out, option);
        else
            return fvi_tree_fail(&r->tree, option, FV_ERR_ARGUMENT, "%s: '%s' needs a value, not %s", transform->key,
                                 option->key, fvi_item_type_name(option->type));
    }
    fvi_text_append(out, transform->first != NULL ? ")" : "");
    return FV_OK;
}

static fv_status append_transforms(const reader *r, const fvi_item *list, const char *what, fvi_text_buffer *out)
{
    for (const fvi_item *item = list->first; item != NULL; item = item->next) {
        fvi_text_append(out, item == list->first ? "" : " ");
        if (item->type == FVI_ITEM_TEXT)
            fvi_text_append(out, item->text);
        else if (item->type == FVI_ITEM_MAP)
            FV_TRY(append_transform(r, item, what, out));
        else
            return fvi_tree_fail(&r->tree, item, FV_ERR_ARGUMENT,
                                 "%s: a name or {name: {option: value}} is meant, not %s", what,
                                 fvi_item_type_name(item->type));
    }
    return FV_OK;
}

/* {cat: 2, maine coon: 0.5} as cat=2, "maine coon"=0.5 */
static fv_status append_weights(const reader *r, const fvi_item *map, const char *what, fvi_text_buffer *out)
{
    for (const fvi_item *item = map->first; item != NULL; item = item->next) {
        const char *quote = strpbrk(item->key, " ,=\t") != NULL ? "\"" : "";
        if (item->type != FVI_ITEM_INTEGER && item->type != FVI_ITEM_REAL)
            return fvi_tree_fail(&r->tree, item, FV_ERR_ARGUMENT, "%s: the weight of '%s' must be a number, not %s",
                                 what, item->key, fvi_item_type_name(item->type));
        fvi_text_format(out, "%s%s%s%s=", item == map->first ? "" : ", ", quote, item->key, quote);
        append_scalar(out, item);
    }
    return FV_OK;
}

/* The text that --set would take for what the item says. */
static fv_status append_value(const reader *r, const fv_config_key *key, const fvi_item *item, fvi_text_buffer *out)
{
    if (item->type == FVI_ITEM_LIST && key->type == FV_CONFIG_TRANSFORMS)
        return append_transforms(r, item, key->key, out);
    if (item->type == FVI_ITEM_MAP && key->type == FV_CONFIG_WEIGHTS)
        return append_weights(r, item, key->key, out);
    if (item->type == FVI_ITEM_LIST && key->type == FV_CONFIG_SHAPE)
        return append_list(r, item, "x", key->key, out);
    if (item->type == FVI_ITEM_LIST && key->type == FV_CONFIG_TEXT)
        return append_list(r, item, ",", key->key, out);
    if (!is_scalar(item))
        return fvi_tree_fail(&r->tree, item, FV_ERR_ARGUMENT, "%s: a single value is meant, not %s", key->key,
                             fvi_item_type_name(item->type));
    if (is_path(key->type, item->text) && item->text[0] != '/' && item->text[0] != '\0')
        fvi_text_append(out, r->folder);
    append_scalar(out, item);
    return FV_OK;
}

/* "20" in quotes is a text, and a number is meant. */
static bool needs_plain(const fv_config_key *key, const fvi_item *item)
{
    return item->type == FVI_ITEM_TEXT &&
           (key->type == FV_CONFIG_FLAG || key->type == FV_CONFIG_INTEGER || key->type == FV_CONFIG_REAL);
}

static fv_status keep(const reader *r, int32_t index, const fvi_item *item, const char *text)
{
    char why[FVI_CONFIG_WHY], where[FVI_CONFIG_WHY];
    const fv_config_key *key = &fvi_config_keys[index];
    fvi_config_value value = { .origin = r->recipe != NULL ? FV_FROM_RECIPE : FV_FROM_FILE };
    if (!fvi_config_read_value(key, text, &value, why))
        return fvi_tree_fail(&r->tree, item, FV_ERR_ARGUMENT, "%s: %s", key->key, why);
    if (needs_plain(key, item))
        return fvi_tree_fail(&r->tree, item, FV_ERR_ARGUMENT, "%s: \"%s\" in quotes is a text; write %s", key->key,
                             text, text);
    if (r->recipe != NULL)
        snprintf(where, sizeof where, "recipe %s", r->recipe);
    else
        snprintf(where, sizeof where, "%s:%d:%d", r->path, item->line, item->column);
    return fvi_config_keep(r->config, index, text, value, where);
}

static fv_status read_item(const reader *r, int32_t index, const fvi_item *item)
{
    char *text = NULL;
    fvi_text_buffer buffer = { .context = r->config->context };
    if (item->type == FVI_ITEM_NULL)
        return FV_OK; /* as if it were not there */
    fv_status status = append_value(r, &fvi_config_keys[index], item, &buffer);
    fvi_text_append(&buffer, "");
    const fv_status finished = fvi_text_finish(&buffer, &text);
    if (status == FV_OK)
        status = finished;
    if (status == FV_OK)
        status = keep(r, index, item, text != NULL ? text : "");
    fvi_release(r->config->context, text);
    return status;
}

/* Whether keys begin with "<name>.". */
static bool is_prefix(const char *name)
{
    const size_t length = strlen(name);
    for (int32_t i = 0; i < fvi_config_key_count; i++)
        if (strncmp(fvi_config_keys[i].key, name, length) == 0 && fvi_config_keys[i].key[length] == '.')
            return true;
    return false;
}

static fv_status unknown_key(const reader *r, const fvi_item *item, const char *prefix, const char *name)
{
    const char *words[MOST_WORDS];
    char hint[FVI_CONFIG_HINT];
    const size_t length = strlen(prefix);
    int32_t count = 0;
    for (int32_t i = 0; i < fvi_config_key_count && count < MOST_WORDS; i++)
        if (strncmp(fvi_config_keys[i].key, prefix, length) == 0 && fvi_config_keys[i].key[length] == '.')
            words[count++] = fvi_config_keys[i].key + length + 1;
    if (fv_nearest_word(item->key, words, count) == NULL && fvi_config_hint(name, hint)[0] != '\0')
        return fvi_tree_fail_key(&r->tree, item, FV_ERR_ARGUMENT, "unknown key '%s'%s", name, hint);
    return fvi_tree_fail_unknown(&r->tree, item, true, "key", item->key, words, count);
}

static fv_status read_map(const reader *r, const fvi_item *map, const char *prefix, int32_t depth)
{
    char name[NAME_BYTES];
    for (const fvi_item *item = map->first; item != NULL; item = item->next) {
        const int length = snprintf(name, sizeof name, "%s.%s", prefix, item->key);
        const int32_t index = fvi_config_index(name);
        if (index >= 0)
            FV_TRY(read_item(r, index, item));
        else if (length < (int)sizeof name && item->type == FVI_ITEM_MAP && depth < FVI_TREE_DEPTH && is_prefix(name))
            FV_TRY(read_map(r, item, name, depth + 1));
        else
            return unknown_key(r, item, prefix, name);
    }
    return FV_OK;
}

static fv_status unknown_section(const reader *r, const fvi_item *item)
{
    const char *words[FVI_CONFIG_SECTIONS];
    char hint[FVI_CONFIG_HINT];
    for (int32_t i = 0; i < FVI_CONFIG_SECTIONS; i++)
        words[i] = fvi_config_sections[i].name;
    if (fv_nearest_word(item->key, words, FVI_CONFIG_SECTIONS) == NULL && fvi_config_hint(item->key, hint)[0] != '\0')
        return fvi_tree_fail_key(&r->tree, item, FV_ERR_ARGUMENT,
                                 "unknown section '%s'%s Keys stand inside their section", item->key, hint);
    return fvi_tree_fail_unknown(&r->tree, item, true, "section", item->key, words, FVI_CONFIG_SECTIONS);
}

static fv_status read_section(const reader *r, const fvi_item *item)
{
    for (int32_t i = 0; i < FVI_CONFIG_SECTIONS; i++) {
        const fvi_config_section *section = &fvi_config_sections[i];
        if (strcmp(section->name, item->key) != 0)
            continue;
        if (item->type == FVI_ITEM_MAP)
            return read_map(r, item, section->name, 0);
        const int32_t main_key = section->main_key != NULL ? fvi_config_index(section->main_key) : -1;
        if (item->type == FVI_ITEM_NULL)
            return FV_OK;
        if (main_key >= 0)
            return read_item(r, main_key, item);
        return fvi_tree_fail(&r->tree, item, FV_ERR_ARGUMENT, "section '%s' must be a map of keys, not %s", item->key,
                             fvi_item_type_name(item->type));
    }
    return unknown_section(r, item);
}

static fv_status open_tree(fvi_tree *tree, fv_context *context, const char *path)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    FV_TRY(fvi_file_read(context, path, FVI_TREE_TEXT_BYTES, &bytes, &size));
    fv_status status = fvi_tree_start(tree, context, path);
    if (status == FV_OK) {
        tree->longest = FVI_TREE_LONG_BYTES;
        status = fvi_tree_read_yaml(tree, bytes, size);
        if (status != FV_OK)
            fvi_tree_release(tree);
    }
    fvi_release(context, bytes);
    return status;
}

static fv_status read_sections(const reader *r)
{
    FV_TRY(fvi_tree_expect(&r->tree, r->tree.root, FVI_ITEM_MAP, "an experiment"));
    for (const fvi_item *item = r->tree.root->first; item != NULL; item = item->next)
        FV_TRY(read_section(r, item));
    return FV_OK;
}

static fv_status read_file(fv_config *config, const char *path, const char *recipe)
{
    reader r = { .config = config, .path = path, .recipe = recipe };
    const char *slash = strrchr(path, '/');
    const size_t folder = slash != NULL ? (size_t)(slash + 1 - path) : 0;
    if (folder >= sizeof r.folder)
        return fvi_fail(config->context, FV_ERR_ARGUMENT, "a path of %zu bytes is too long", strlen(path));
    memcpy(r.folder, path, folder);
    FV_TRY(open_tree(&r.tree, config->context, path));
    const fv_status status = read_sections(&r);
    fvi_tree_release(&r.tree);
    return status;
}

fv_status fv_config_read_yaml(fv_config *config, const char *path)
{
    return read_file(config, path, NULL);
}

fv_status fvi_config_read_recipe_file(fv_config *config, const char *path, const char *name)
{
    return read_file(config, path, name);
}

/* Whether a map has the section of an experiment; those of nothing at all have none. */
static bool has_section(const fvi_item *root)
{
    for (int32_t i = 0; i < FVI_CONFIG_SECTIONS; i++)
        if (fvi_tree_find(root, fvi_config_sections[i].name) != NULL)
            return true;
    return false;
}

/* A list, a lone value, or a map of other things. One with a key that is nearly a section, or a setting's name, is an experiment with a
 * mistake, whose reader says more. */
static fv_status refuse_other(const fvi_tree *tree)
{
    char hint[FVI_CONFIG_HINT];
    const char *words[FVI_CONFIG_SECTIONS];
    const fvi_item *root = tree->root;
    for (int32_t i = 0; i < FVI_CONFIG_SECTIONS; i++)
        words[i] = fvi_config_sections[i].name;
    for (const fvi_item *item = root->type == FVI_ITEM_MAP ? root->first : NULL; item != NULL; item = item->next)
        if (fv_nearest_word(item->key, words, FVI_CONFIG_SECTIONS) != NULL ||
            fvi_config_hint(item->key, hint)[0] != '\0')
            return FV_OK;
    return fvi_tree_fail(
        tree, root, FV_ERR_ARGUMENT,
        "this is %s%s, neither an experiment, which has sections 'model' and 'data', nor a network, which "
        "has 'input' and 'layers'",
        fvi_item_type_name(root->type),
        root->type == FVI_ITEM_MAP ? (root->first != NULL ? " of other keys" : " without a key") : "");
}

fv_status fv_config_is_experiment(fv_context *context, const char *path, bool *is)
{
    fvi_tree tree;
    *is = false;
    FV_TRY(open_tree(&tree, context, path));
    const bool network = fvi_tree_find(tree.root, "layers") != NULL || fvi_tree_find(tree.root, "input") != NULL;
    const fv_status status = network || has_section(tree.root) ? FV_OK : refuse_other(&tree);
    *is = status == FV_OK && !network;
    fvi_tree_release(&tree);
    return status;
}
