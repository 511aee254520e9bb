/* SPDX-License-Identifier: Apache-2.0
 *
 * expand.h - lists of layers and nested blocks, as a YAML description has them, into nodes of a graph (docs/network-description.md).
 * A list is walked with a flow: the value that the next layer reads. Blocks (blocks.c) walk lists of their own.
 */
#ifndef FVI_EXPAND_H
#define FVI_EXPAND_H

#include "interchange/expression.h"
#include "interchange/graph_reader.h"

enum {
    FVI_EXPAND_STEPS = 1 << 20, /* entries walked, empty rounds of a repeat included: what a small text may cost */
    FVI_EXPAND_DEPTH = 64,      /* blocks in one another */
    FVI_EXPAND_NAME = 256       /* bytes of a name with its prefix and NUL; a graph takes fewer */
};

/* Where a list stands. */
typedef struct fvi_place {
    const struct fvi_place *outer;
    const fvi_scope *scope; /* what expressions may name */
    const fvi_item *block;  /* the definition whose body this is, or NULL */
    const char *prefix;     /* of names given here: "stage1.0." */
    int32_t depth;
} fvi_place;

typedef struct fvi_expander {
    fvi_tree *tree;
    fvi_graph_reader *reader;
    const fvi_item *define;      /* the map of definitions, or NULL */
    const fvi_scope *parameters; /* what definitions see besides their arguments */
    int32_t steps;
    bool told; /* the message says already through which `use` it came */
} fvi_expander;

/* An entry of a list: "conv2d", or {conv2d: {...}}. */
typedef struct fvi_entry {
    const char *word;
    const fvi_item *at; /* blamed for the word: the text, or the item whose key it is */
    fvi_item *value;    /* what is behind the word; NULL: nothing */
} fvi_entry;

fv_status fvi_entry_read(const fvi_tree *tree, const fvi_item *item, fvi_entry *entry);
/* The layer type that the entry names, with a map behind it or nothing; an error names the nearest type or block. */
fv_status fvi_entry_type(const fvi_expander *expander, const fvi_entry *entry, const fvi_layer **layer);

/* Walks a list. *flow is what its first layer reads, then the output of the last layer that is not a loss. */
fv_status fvi_expand_list(fvi_expander *expander, const fvi_place *place, const fvi_item *list, fv_value *flow);

/* One block: `at` is where it stands, value what is behind its word (NULL: nothing). */
typedef fv_status fvi_expand_block(fvi_expander *expander, const fvi_place *place, const fvi_item *at,
                                   const fvi_item *value, fv_value *flow);
/* The block called word; NULL: none. blocks.c. */
fvi_expand_block *fvi_block_find(const char *word);
extern const char *const fvi_block_words[]; /* NULL-terminated */
/* Checks every definition, used or not. */
fv_status fvi_define_check(const fvi_tree *tree, const fvi_item *define);

/* For blocks and the network's own entries. */

/* Counts one step. */
fv_status fvi_expand_step(fvi_expander *expander, const fvi_item *at);
/* What expressions may name at a place whose layer reads value; shape is memory for the answer. */
fvi_names fvi_expand_names(const fvi_expander *expander, const fvi_place *place, fv_value value, fv_image_shape *shape);
/* Turns texts among the values of map's attributes into what they compute. */
fv_status fvi_expand_attributes(const fvi_expander *expander, const fvi_layer *layer, const fvi_item *map,
                                const fvi_names *names);
/* The value that item names: a layer or block of this place, else of one around it. */
fv_status fvi_expand_reference(const fvi_expander *expander, const fvi_place *place, const fvi_item *item,
                               const fvi_names *names, fv_value *value);
/* prefix and the name that map gives, to out; *given: whether it gives one. */
fv_status fvi_expand_name(const fvi_expander *expander, const fvi_place *place, const fvi_item *map,
                          const fvi_names *names, char out[FVI_EXPAND_NAME], bool *given);

#endif
