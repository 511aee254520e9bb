/* SPDX-License-Identifier: Apache-2.0
 *
 * config.h - what a run is to be: every setting by a key such as train.epochs, checked when it is given and kept with where
 * it came from. One table of keys drives experiment files, --set, the command line, help and the config.yaml of a run.
 * Experiment files: docs/experiments.md.
 */
#ifndef FOVEA_CONFIG_H
#define FOVEA_CONFIG_H

#include "fovea/derive.h"
#include "fovea/trainer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_config_type {
    FV_CONFIG_FLAG,       /* true or false */
    FV_CONFIG_INTEGER,    /* a whole number */
    FV_CONFIG_REAL,       /* a finite number */
    FV_CONFIG_CHOICE,     /* one of words */
    FV_CONFIG_BYTES,      /* an amount of memory: 2G, 512M, 1.5GiB, 4096 */
    FV_CONFIG_SHAPE,      /* CHANNELSxROWSxCOLUMNS; in a file also a list of three */
    FV_CONFIG_TEXT,       /* any text; in a file also a list, joined by commas */
    FV_CONFIG_TRANSFORMS, /* "flip crop(size=24)"; in a file also a list of names and of {name: {option: value}} */
    FV_CONFIG_WEIGHTS,    /* "none", "auto", "cat=2, dog=0.5"; in a file also {cat: 2, dog: 0.5} */
    FV_CONFIG_FILE,       /* a path; in a file relative to it, as are the next three */
    FV_CONFIG_FOLDER,     /* a path */
    FV_CONFIG_NETWORK,    /* a network of the zoo, or a path */
    FV_CONFIG_DATA        /* a data set's name, or a path */
} fv_config_type;

/* Where a value came from. A later one of the list goes before an earlier; the last two are equals, and the last word counts. */
typedef enum fv_config_origin {
    FV_FROM_DEFAULT, /* of the table */
    FV_FROM_NETWORK, /* as the network has it */
    FV_FROM_RECIPE,  /* a recipe of the network */
    FV_FROM_FILE,    /* an experiment file */
    FV_FROM_OPTION,  /* an option of the command line */
    FV_FROM_SETTING  /* "key=value" */
} fv_config_origin;

/* A fallback that says: there is none, it must be given. */
#define FV_CONFIG_REQUIRED "(required)"

/* A line of the table. Static. */
typedef struct fv_config_key {
    const char *key;    /* "train.epochs": section and name */
    const char *option; /* "epochs" for the command's --epochs; NULL: none */
    fv_config_type type;
    const char *value; /* how help calls the value: "N"; NULL for a FLAG */
    double low, high;  /* INTEGER, REAL, BYTES: legal range, ends included */
    const char *
        fallback; /* the default, read like any value; NULL: unset (a FLAG: false). "(words)": unset, and what help says */
    const char *const *words; /* CHOICE: NULL-terminated */
    bool
        may_change; /* a run that goes on may have another value: it decides when to stop or how fast, not what is computed */
    const char *help; /* one line */
} fv_config_key;

/* The table, in the order of help; NULL out of range. */
FV_API int32_t fv_config_key_count(void);
FV_API const fv_config_key *fv_config_key_at(int32_t index);
FV_API const fv_config_key *fv_config_key_find(const char *key); /* NULL: none */

/* Values for all keys. One thread at a time. */
typedef struct fv_config fv_config;

/* Everything at its default. Owned by the caller, released by fv_config_destroy(). Messages of what fails later are the context's:
 * fv_context_message(). */
FV_API fv_status fv_config_create(fv_config **out, fv_context *context);
FV_API void fv_config_destroy(fv_config *config);

/* Sets one key, unless what it has comes from a place that goes before `origin`; the value is checked in both cases.
 * FV_ERR_ARGUMENT: an unknown key (the nearest is named), a wrong type, out of range. */
FV_API fv_status fv_config_put(fv_config *config, const char *key, const char *value, fv_config_origin origin);
/* "train.epochs=20", as FV_FROM_SETTING. */
FV_API fv_status fv_config_set(fv_config *config, const char *setting);
/* Reads an experiment file: sections of keys. Every mistake is told with file, line and column (FV_ERR_ARGUMENT, FV_ERR_FORMAT),
 * and then the config is to be thrown away. Paths are relative to the file's folder. FV_ERR_NOT_FOUND, FV_ERR_IO,
 * FV_ERR_UNSUPPORTED where a build without libyaml meets more than sections of plain "key: value" lines. */
FV_API fv_status fv_config_read_yaml(fv_config *config, const char *path);
/* The same for a recipe of a network, which comes with fovea: it goes before defaults alone. "none" is none, and "default" need not be
 * there. FV_ERR_NOT_FOUND tells which there are. */
FV_API fv_status fv_config_read_recipe(fv_config *config, const char *network, const char *name);
/* The recipes of a network, separated by commas; released by fv_text_release(). */
FV_API fv_status fv_recipe_names(fv_context *context, const char *network, char **text);
/* *is: whether the file is an experiment, by its sections, and not the description of a network. Errors: those of reading;
 * FV_ERR_ARGUMENT for what is neither. */
FV_API fv_status fv_config_is_experiment(fv_context *context, const char *path, bool *is);
/* What no single value shows: something required is missing, two values exclude each other. FV_ERR_ARGUMENT. */
FV_API fv_status fv_config_check(const fv_config *config);
/* Writes all values with their origins as comments; what is written reads back as an experiment file, from any folder: paths are
 * made absolute. Written to a temporary file and renamed. */
FV_API fv_status fv_config_write(const fv_config *config, const char *path);
/* The same as text, released by fv_text_release(). */
FV_API fv_status fv_config_to_yaml(const fv_config *config, char **text);

/* A value by its key. The type is the key's; what is unset, or no key, is 0, false or NULL. Texts are the config's. */
FV_API bool fv_config_flag(const fv_config *config, const char *key);
FV_API int64_t fv_config_integer(const fv_config *config,
                                 const char *key);                      /* also BYTES, and CHOICE: the index in words */
FV_API double fv_config_real(const fv_config *config, const char *key); /* also INTEGER and BYTES */
FV_API fv_image_shape fv_config_shape(const fv_config *config, const char *key);
FV_API const char *fv_config_text(const fv_config *config, const char *key); /* of any type: as --set takes it */
FV_API fv_config_origin fv_config_origin_of(const fv_config *config, const char *key);
/* "default", "runs.yaml:3:11", "command line", "--set", ...: the config's. */
FV_API const char *fv_config_origin_text(const fv_config *config, const char *key);

/* Once all sources have been read: where optimizer.kind is another than sgd, a rate and a momentum that nobody gave for it become its
 * own; where augment.transforms is the user's, the shift, flip and crop of a recipe are left out. */
FV_API void fv_config_settle(fv_config *config);
/* What a run learns from (training) or is measured on, as fv_dataset_derive() makes it of data.source. */
FV_API fv_derive_options fv_config_derive_options(const fv_config *config, bool training);
/* The options of a trainer, all but the preprocessing. Texts are the config's. */
FV_API fv_train_options fv_config_train_options(const fv_config *config);

#ifdef __cplusplus
}
#endif

#endif
