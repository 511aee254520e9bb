/* SPDX-License-Identifier: Apache-2.0
 *
 * tree.h - what JSON and YAML texts are read into: items that know where they stand, so that whoever reads a network from
 * them need not know the format and can still say "net.yaml:12:7" or "nodes[3].stride".
 */
#ifndef FVI_TREE_H
#define FVI_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* Limits on texts from outside. */
enum {
    FVI_TREE_TEXT_BYTES = 16 << 20, /* the whole text */
    FVI_TREE_DEPTH = 64,            /* lists and maps in one another */
    FVI_TREE_ITEMS = 1 << 20,
    FVI_TREE_KEYS = 1024,      /* of one map in YAML, which looks through them for each */
    FVI_TREE_WORD_BYTES = 255, /* a key or a text value */
    FVI_TREE_LONG_BYTES = 8191 /* a text value where the reader asks for it: paths, lists */
};

typedef enum fvi_item_type {
    FVI_ITEM_NULL,
    FVI_ITEM_BOOL,
    FVI_ITEM_INTEGER,
    FVI_ITEM_REAL,
    FVI_ITEM_TEXT,
    FVI_ITEM_LIST,
    FVI_ITEM_MAP
} fvi_item_type;

typedef struct fvi_item {
    fvi_item_type type;
    const char *key;  /* inside a map, else NULL */
    const char *text; /* TEXT */
    bool boolean;
    int64_t integer;
    double real;                  /* REAL, and INTEGER as a number */
    bool computed;                /* text is an expression, and type and value its last result */
    int32_t line, column;         /* YAML: from 1, else 0 */
    int32_t text_column;          /* of text[0], where the text stands in the file as it is; else 0 */
    int32_t key_line, key_column; /* of the key */
    int32_t index;                /* in its list or map */
    int32_t count;                /* of children */
    struct fvi_item *parent, *first, *last, *next;
} fvi_item;

typedef struct fvi_tree {
    fv_context *context;
    fvi_arena *arena;
    const char *source; /* for messages: the file's name, or what the text is */
    int32_t items;
    size_t longest; /* bytes of a text value; 0: FVI_TREE_WORD_BYTES */
    fvi_item *root;
} fvi_tree;

fv_status fvi_tree_start(fvi_tree *tree, fv_context *context, const char *source);
void fvi_tree_release(fvi_tree *tree);
/* Appends a child to parent (NULL: the root). key may be NULL; copied. */
fv_status fvi_tree_add(fvi_tree *tree, fvi_item *parent, const char *key, fvi_item_type type, fvi_item **item);

/* Reads `text` (NUL-terminated) as JSON: strict, no duplicate keys. */
fv_status fvi_tree_read_json(fvi_tree *tree, const char *text);
/* Reads `size` bytes as YAML 1.1 as libyaml parses it, scalars by the core schema of YAML 1.2. One document; no anchors, aliases or
 * tags. Without libyaml: fvi_tree_read_plain(). */
fv_status fvi_tree_read_yaml(fvi_tree *tree, const unsigned char *text, size_t size);
/* Reads sections of "key: value" lines, as fv_config_write() writes them; FV_ERR_UNSUPPORTED, with the line, for all else. */
fv_status fvi_tree_read_plain(fvi_tree *tree, const unsigned char *text, size_t size);

/* "<source>:<line>:<column>: message" or "<source>: <path>: message". */
fv_status fvi_tree_fail(const fvi_tree *tree, const fvi_item *item, fv_status status, const char *format, ...)
    FVI_PRINTF(4, 5);
/* The same at an item's key. */
fv_status fvi_tree_fail_key(const fvi_tree *tree, const fvi_item *item, fv_status status, const char *format, ...)
    FVI_PRINTF(4, 5);
/* "unknown <what> '<word>'" with the nearest of words[count], at the item's key (or, at_key false, at the item). */
fv_status fvi_tree_fail_unknown(const fvi_tree *tree, const fvi_item *item, bool at_key, const char *what,
                                const char *word, const char *const *words, int32_t count);

const fvi_item *fvi_tree_find(const fvi_item *map, const char *key); /* NULL: none, or not a map */
const char *fvi_item_type_name(fvi_item_type type);
/* Fail unless the item has the type. */
fv_status fvi_tree_expect(const fvi_tree *tree, const fvi_item *item, fvi_item_type type, const char *what);
/* A map that has no key but these (NULL-terminated). */
fv_status fvi_tree_check_keys(const fvi_tree *tree, const fvi_item *map, const char *const *keys);
/* An INTEGER in [low, high]. */
fv_status fvi_tree_integer(const fvi_tree *tree, const fvi_item *item, const char *what, int64_t low, int64_t high,
                           int64_t *value);
/* An INTEGER or finite REAL. */
fv_status fvi_tree_real(const fvi_tree *tree, const fvi_item *item, const char *what, double *value);

#endif
