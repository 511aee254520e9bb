/* SPDX-License-Identifier: Apache-2.0
 *
 * blocks.h - what blocks.c and define.c share.
 */
#ifndef FVI_BLOCKS_H
#define FVI_BLOCKS_H

#include "interchange/expand.h"

enum { FVI_BLOCK_ARGUMENTS = 32 };

/* A block that is being walked. */
typedef struct fvi_block {
    const char *word;     /* "residual" */
    const fvi_item *at;   /* where it stands */
    const fvi_item *map;  /* its keys; NULL: the short form, a list or a name */
    const fvi_item *body; /* the list under its main key */
    fv_value input;       /* `from`, or the flow */
    bool named;
    char name[FVI_EXPAND_NAME];   /* with the prefix of its place */
    char prefix[FVI_EXPAND_NAME]; /* of names inside */
    fvi_place inside;
} fvi_block;

/* Fails unless item is a list. */
fv_status fvi_block_list(const fvi_tree *tree, const fvi_item *item, const char *what);
/* Makes block->inside, a place within `place`; names there get `name` and a dot before them (NULL: nothing). */
fv_status fvi_block_enter(const fvi_expander *expander, fvi_block *block, const fvi_place *place, const char *name);
/* Adds to a failure's message where in the description it came about, once: what is nearest to the mistake says most. */
fv_status fvi_block_tell(fvi_expander *expander, fv_status status, const char *where);

fvi_expand_block fvi_expand_use;

#endif
