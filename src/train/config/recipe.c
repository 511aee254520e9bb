/* SPDX-License-Identifier: Apache-2.0
 *
 * recipe.c - what suits a network: experiment files recipes/NETWORK/NAME.yaml, found as the embedded data are. "default" is
 * taken unless told otherwise.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text_buffer.h"
#include "data/dataset_internal.h"
#include "fovea/text.h"
#include "fovea/zoo.h"
#include "train/config/config_internal.h"

enum { MOST_RECIPES = 64, NAME_BYTES = 64 };

typedef struct recipe_names {
    char name[MOST_RECIPES][NAME_BYTES];
    int32_t count;
} recipe_names;

static int compare_names(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* The names in recipes/NETWORK. False: there is no such folder. */
static bool list_names(const char *network, recipe_names *names)
{
    char below[FVI_PATH_BYTES], folder[FVI_PATH_BYTES];
    names->count = 0;
    if (!fvi_path_join(below, "recipes", network) || !fvi_find_shipped(below, folder))
        return false;
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return false;
    for (const struct dirent *entry = readdir(entries); entry != NULL && names->count < MOST_RECIPES;
         entry = readdir(entries)) {
        const size_t length = strlen(entry->d_name);
        if (length <= 5 || length >= NAME_BYTES || strcmp(entry->d_name + length - 5, ".yaml") != 0)
            continue;
        memcpy(names->name[names->count], entry->d_name, length - 5);
        names->name[names->count++][length - 5] = '\0';
    }
    closedir(entries);
    qsort(names->name, (size_t)names->count, NAME_BYTES, compare_names);
    return true;
}

fv_status fv_recipe_names(fv_context *context, const char *network, char **text)
{
    recipe_names names;
    fvi_text_buffer out = { .context = context };
    list_names(network, &names);
    fvi_text_append(&out, "");
    for (int32_t i = 0; i < names.count; i++)
        fvi_text_format(&out, "%s%s", i > 0 ? "," : "", names.name[i]);
    return fvi_text_finish(&out, text);
}

static fv_status no_such_recipe(fv_context *context, const char *network, const char *name)
{
    recipe_names names;
    const char *words[MOST_RECIPES];
    char known[512] = "";
    size_t used = 0;
    list_names(network, &names);
    for (int32_t i = 0; i < names.count && used < sizeof known; i++) {
        words[i] = names.name[i];
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "; there are: ", words[i]);
    }
    const char *nearest = fv_nearest_word(name, words, names.count);
    return fvi_fail(context, FV_ERR_NOT_FOUND, "network '%s' has no recipe '%s'%s%s%s%s", network, name,
                    nearest != NULL ? "; did you mean '" : known, nearest != NULL ? nearest : "",
                    nearest != NULL ? "'?" : "", names.count == 0 ? "; it has none" : "");
}

/* A name of a file in the folder of recipes, and of nothing elsewhere. */
static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

/* A command that was copied without its data would train otherwise than the documentation says: that is told. */
static fv_status without_recipes(fv_config *config, const char *network)
{
    char folder[FVI_PATH_BYTES];
    if (fv_zoo_find(network) != NULL && !fvi_find_shipped("recipes", folder))
        fvi_log_message(config->context, FV_LOG_WARNING,
                        "the recipes that come with fovea were not found; %s is trained with the defaults of the keys",
                        network);
    return FV_OK;
}

fv_status fv_config_read_recipe(fv_config *config, const char *network, const char *name)
{
    char below[FVI_PATH_BYTES], path[FVI_PATH_BYTES], called[FVI_PATH_BYTES];
    const bool by_default = strcmp(name, "default") == 0;
    if (strcmp(name, "none") == 0)
        return FV_OK;
    snprintf(below, sizeof below, "recipes/%.200s/%.200s.yaml", network, name);
    if (!is_plain_name(network) || !is_plain_name(name) || !fvi_find_shipped(below, path))
        return by_default ? without_recipes(config, network) : no_such_recipe(config->context, network, name);
    snprintf(called, sizeof called, "%.200s/%.200s", network, name);
    const fv_status status = fvi_config_read_recipe_file(config, path, called);
    fvi_config_drop_foreign(config);
    if (status != FV_ERR_UNSUPPORTED || !by_default)
        return status;
    fvi_log_message(config->context, FV_LOG_WARNING, "%s; the recipe of %s is left out",
                    fv_context_message(config->context), network);
    return FV_OK;
}
