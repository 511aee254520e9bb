/* SPDX-License-Identifier: Apache-2.0
 *
 * expression.h - arithmetic in descriptions of networks: `filters: width * 2`, `name: "stage{index + 1}"`.
 *   sum     = product (("+" | "-") product)*
 *   product = sign (("*" | "/" | "//" | "%") sign)*
 *   sign    = ("-" | "+") sign | power
 *   power   = value ("**" sign)?
 *   value   = number | name | "(" sum ")"
 * Whole numbers stay whole, in 64 bits, and overflow is an error; "/" of whole numbers is whole where nothing remains. "//" rounds
 * down and "%" has the sign of its divisor, as in Python.
 */
#ifndef FVI_EXPRESSION_H
#define FVI_EXPRESSION_H

#include "fovea/tensor.h"
#include "interchange/tree.h"

typedef struct fvi_number {
    bool whole;
    int64_t integer; /* whole */
    double real;     /* in any case */
} fvi_number;

/* A name and its value; those that it hides are behind it. */
typedef struct fvi_scope {
    const struct fvi_scope *outer;
    const char *name;
    fvi_number value;
} fvi_scope;

/* What an expression may name. */
typedef struct fvi_names {
    const fvi_scope *scope; /* innermost first; NULL: none */
    const fv_image_shape
        *shape; /* "channels", "rows" and "columns" of what the layer reads; NULL: they have no meaning here */
    bool truth; /* true or false is wanted: what an unknown name may have been meant to be */
} fvi_names;

fvi_number fvi_number_whole(int64_t value);
/* [A-Za-z_][A-Za-z0-9_]*: what an expression can name. */
bool fvi_is_name(const char *text);

/* The value of a number, true (1), false (0), or a text that is an expression; `what` is how messages call it. Errors say line and
 * column of the character, and the nearest name for one that is not known. */
fv_status fvi_expression_value(const fvi_tree *tree, const fvi_item *item, const char *what, const fvi_names *names,
                               fvi_number *value);
/* The same, which must be a whole number in [low, high]. */
fv_status fvi_expression_whole(const fvi_tree *tree, const fvi_item *item, const char *what, const fvi_names *names,
                               int64_t low, int64_t high, int64_t *value);
/* A text item in which {expression} stands for its value, a whole number, and {{ and }} for braces; to out[size]. */
fv_status fvi_expression_text(const fvi_tree *tree, const fvi_item *item, const char *what, const fvi_names *names,
                              char *out, size_t size);

#endif
