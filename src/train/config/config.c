/* SPDX-License-Identifier: Apache-2.0
 *
 * config.c - a config: a value for each key of the table, and where it came from.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "fovea/text.h"
#include "train/config/config_internal.h"

enum { ARENA_BLOCK = 1 << 13, MOST_KEYS = 512 };

int32_t fv_config_key_count(void)
{
    return fvi_config_key_count;
}

const fv_config_key *fv_config_key_at(int32_t index)
{
    return index >= 0 && index < fvi_config_key_count ? &fvi_config_keys[index] : NULL;
}

int32_t fvi_config_index(const char *key)
{
    for (int32_t i = 0; i < fvi_config_key_count; i++)
        if (strcmp(fvi_config_keys[i].key, key) == 0)
            return i;
    return -1;
}

const fv_config_key *fv_config_key_find(const char *key)
{
    return fv_config_key_at(fvi_config_index(key));
}

/* "lr" and "training.lr" mean optimizer.lr, however far they are from it letter by letter. */
static const char *same_last_word(const char *key)
{
    const char *dot = strrchr(key, '.');
    const char *word = dot != NULL ? dot + 1 : key;
    for (int32_t i = 0; i < fvi_config_key_count; i++) {
        const char *last = strrchr(fvi_config_keys[i].key, '.') + 1;
        const char *option = fvi_config_keys[i].option;
        if (strcmp(last, word) == 0 || (option != NULL && strcmp(option, word) == 0))
            return fvi_config_keys[i].key;
    }
    return NULL;
}

const char *fvi_config_hint(const char *key, char hint[FVI_CONFIG_HINT])
{
    const char *words[MOST_KEYS];
    assert(fvi_config_key_count <= MOST_KEYS);
    for (int32_t i = 0; i < fvi_config_key_count; i++)
        words[i] = fvi_config_keys[i].key;
    const char *nearest = same_last_word(key);
    if (nearest == NULL)
        nearest = fv_nearest_word(key, words, fvi_config_key_count);
    if (nearest != NULL)
        snprintf(hint, FVI_CONFIG_HINT, "; did you mean '%s'?", nearest);
    else
        hint[0] = '\0';
    return hint;
}

static void set_default(fv_config *config, int32_t index)
{
    char why[FVI_CONFIG_WHY];
    const fv_config_key *key = &fvi_config_keys[index];
    const char *fallback = key->fallback;
    fvi_config_value *value = &config->values[index];
    *value = (fvi_config_value){ 0 };
    if (fallback == NULL && key->type == FV_CONFIG_FLAG)
        fallback = "false";
    if (fallback == NULL || fallback[0] == '(')
        return;
    const bool read = fvi_config_read_value(key, fallback, value, why);
    assert(read);
    (void)read;
    value->text = fallback;
}

void fvi_config_drop_foreign(fv_config *config)
{
    static const char *const keys[] = { "optimizer.nesterov",   "optimizer.lr_in_velocity",      "optimizer.beta1",
                                        "optimizer.beta2",      "optimizer.smoothing",           "optimizer.epsilon",
                                        "optimizer.simplified", "optimizer.epsilon_inside_root", "optimizer.centered",
                                        "optimizer.trust",      "optimizer.match_adam" };
    if (fv_config_integer(config, "optimizer.kind") == config->recipe_optimizer)
        return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (fv_config_origin_of(config, keys[i]) == FV_FROM_RECIPE)
            set_default(config, fvi_config_index(keys[i]));
}

fv_status fv_config_create(fv_config **out, fv_context *context)
{
    *out = NULL;
    fv_config *config = fvi_allocate_zeroed(context, 1, sizeof *config);
    if (config == NULL)
        return fvi_out_of_memory(context, "a config", sizeof *config);
    config->context = context;
    config->values = fvi_allocate_zeroed(context, (size_t)fvi_config_key_count, sizeof *config->values);
    fv_status status = FV_OK;
    if (config->values == NULL)
        status = fvi_out_of_memory(context, "a config", (size_t)fvi_config_key_count * sizeof *config->values);
    if (status == FV_OK)
        status = fvi_arena_create(&config->arena, context, ARENA_BLOCK);
    for (int32_t i = 0; status == FV_OK && i < fvi_config_key_count; i++)
        set_default(config, i);
    if (status != FV_OK) {
        fv_config_destroy(config);
        return status;
    }
    *out = config;
    return FV_OK;
}

void fv_config_destroy(fv_config *config)
{
    if (config == NULL)
        return;
    fvi_arena_destroy(config->arena);
    fvi_release(config->context, config->values);
    fvi_release(config->context, config);
}

/* Options and settings are equals: the last word counts. */
static int rank(fv_config_origin origin)
{
    return origin == FV_FROM_SETTING ? FV_FROM_OPTION : (int)origin;
}

fv_status fvi_config_keep(fv_config *config, int32_t index, const char *text, fvi_config_value value, const char *where)
{
    fvi_config_value *kept = &config->values[index];
    if (value.origin == FV_FROM_RECIPE && strcmp(fvi_config_keys[index].key, "optimizer.kind") == 0)
        config->recipe_optimizer = value.integer;
    if (rank(value.origin) < rank(kept->origin))
        return FV_OK;
    value.text = fvi_arena_text(config->arena, text);
    value.where = where != NULL ? fvi_arena_text(config->arena, where) : NULL;
    if (value.text == NULL || (where != NULL && value.where == NULL))
        return fvi_out_of_memory(config->context, "a config", strlen(text));
    *kept = value;
    return FV_OK;
}

fv_status fv_config_put(fv_config *config, const char *key, const char *value, fv_config_origin origin)
{
    char text[FVI_CONFIG_WHY];
    fvi_config_value read = { .origin = origin };
    const int32_t index = fvi_config_index(key);
    if (index < 0)
        return fvi_fail(config->context, FV_ERR_ARGUMENT, "unknown key '%.100s'%s", key,
                        fvi_config_hint(key, (char[FVI_CONFIG_HINT]){ 0 }));
    const fv_config_key *line = &fvi_config_keys[index];
    if (fvi_config_read_value(line, value, &read, text))
        return fvi_config_keep(config, index, value, read, NULL);
    if (origin == FV_FROM_OPTION && line->option != NULL)
        return fvi_fail(config->context, FV_ERR_ARGUMENT, "--%s: %s", line->option, text);
    return fvi_fail(config->context, FV_ERR_ARGUMENT, "%s: %s", key, text);
}

fv_status fv_config_set(fv_config *config, const char *setting)
{
    char key[128];
    const char *equals = strchr(setting, '=');
    if (equals == NULL)
        return fvi_fail(config->context, FV_ERR_ARGUMENT, "'%.200s' is not of the form key=value", setting);
    snprintf(key, sizeof key, "%.*s", (int)(equals - setting < 120 ? equals - setting : 120), setting);
    return fv_config_put(config, key, equals + 1, FV_FROM_SETTING);
}

const fvi_config_value *fvi_config_value_of(const fv_config *config, const char *key)
{
    const int32_t index = fvi_config_index(key);
    return index >= 0 ? &config->values[index] : NULL;
}

bool fv_config_flag(const fv_config *config, const char *key)
{
    const fvi_config_value *value = fvi_config_value_of(config, key);
    return value != NULL && value->flag;
}

int64_t fv_config_integer(const fv_config *config, const char *key)
{
    const fvi_config_value *value = fvi_config_value_of(config, key);
    return value != NULL ? value->integer : 0;
}

double fv_config_real(const fv_config *config, const char *key)
{
    const fvi_config_value *value = fvi_config_value_of(config, key);
    return value != NULL ? value->real : 0;
}

fv_image_shape fv_config_shape(const fv_config *config, const char *key)
{
    const fvi_config_value *value = fvi_config_value_of(config, key);
    return value != NULL ? value->shape : (fv_image_shape){ 0 };
}

const char *fv_config_text(const fv_config *config, const char *key)
{
    const fvi_config_value *value = fvi_config_value_of(config, key);
    return value != NULL ? value->text : NULL;
}

fv_config_origin fv_config_origin_of(const fv_config *config, const char *key)
{
    const fvi_config_value *value = fvi_config_value_of(config, key);
    return value != NULL ? value->origin : FV_FROM_DEFAULT;
}

fv_status fvi_config_fail_at(const fv_config *config, const char *key, fv_status status, const char *why)
{
    char copy[2 * FVI_CONFIG_WHY];
    const char *origin = fv_config_origin_text(config, key);
    snprintf(copy, sizeof copy, "%s", why);
    return fv_config_origin_of(config, key) == FV_FROM_FILE
               ? fvi_fail(config->context, status, "%s: %s: %s", origin, key, copy)
               : fvi_fail(config->context, status, "%s (%s): %s", key, origin, copy);
}

const char *fv_config_origin_text(const fv_config *config, const char *key)
{
    static const char *const names[] = { "default", "the network's", "recipe", "file", "command line", "--set" };
    const fvi_config_value *value = fvi_config_value_of(config, key);
    if (value == NULL)
        return names[FV_FROM_DEFAULT];
    return value->where != NULL ? value->where : names[value->origin];
}
