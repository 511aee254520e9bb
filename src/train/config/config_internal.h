/* SPDX-License-Identifier: Apache-2.0
 *
 * config_internal.h - what the files of fv_config share: the table, and how one value is read and kept.
 */
#ifndef FVI_CONFIG_INTERNAL_H
#define FVI_CONFIG_INTERNAL_H

#include "base/arena.h"
#include "fovea/config.h"

/* Sections in which a value may stand for one of their keys: "optimizer: adam" is optimizer.kind. */
typedef struct fvi_config_section {
    const char *name, *main_key; /* NULL: a map only */
} fvi_config_section;

/* config_keys.c */
extern const fv_config_key fvi_config_keys[];
extern const int32_t fvi_config_key_count;
extern const fvi_config_section fvi_config_sections[];
enum { FVI_CONFIG_SECTIONS = 6, FVI_CONFIG_WHY = 512, FVI_CONFIG_HINT = 256 };

typedef struct fvi_config_value {
    const char *text; /* as --set takes it; NULL: unset */
    int64_t integer;
    double real;
    bool flag;
    fv_image_shape shape;
    fv_config_origin origin;
    const char *where; /* FILE: file:line:column; RECIPE: its name */
} fvi_config_value;

struct fv_config {
    fv_context *context;
    fvi_arena *arena;         /* texts */
    fvi_config_value *values; /* one per key */
    int64_t
        recipe_optimizer; /* the kind that a recipe's numbers are for, also where another is asked for; sgd where it names none */
};

/* config_value.c: reads text as a value of the key. False: why says in what way it is none. value->text is left. */
bool fvi_config_read_value(const fv_config_key *key, const char *text, fvi_config_value *value,
                           char why[FVI_CONFIG_WHY]);
/* config.c: "; did you mean 'train.epochs'?" or "". */
const char *fvi_config_hint(const char *key, char hint[FVI_CONFIG_HINT]);
/* Sets key `index` to a value that was read, where origin goes before what there is. where is copied. */
fv_status fvi_config_keep(fv_config *config, int32_t index, const char *text, fvi_config_value value,
                          const char *where);
/* A recipe's numbers for its own optimizer (all but rate, momentum and decay) go where another is asked for. */
void fvi_config_drop_foreign(fv_config *config);
int32_t fvi_config_index(const char *key);                                             /* -1: none */
const fvi_config_value *fvi_config_value_of(const fv_config *config, const char *key); /* NULL: no such key */
/* Fails with what is wrong with the value of a key: "digits.yaml:6:13: optimizer.momentum: why", or "optimizer.momentum (--set): why". why is
 * copied, and may be the context's message. */
fv_status fvi_config_fail_at(const fv_config *config, const char *key, fv_status status, const char *why);
/* Whether a value of a NETWORK or DATA key is a name and not a path. */
bool fvi_config_is_name(fv_config_type type, const char *text);
/* config_yaml.c: an experiment file as the recipe that origins call `name`. */
fv_status fvi_config_read_recipe_file(fv_config *config, const char *path, const char *name);

#endif
