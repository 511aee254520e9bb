/* SPDX-License-Identifier: Apache-2.0
 *
 * update_kernels.h - loops over a range of one parameter, of any length. Each float32 vector kernel gives the bits of the
 * reference: both are made from the formulas of update_rules.h, the same operations on each element, in the same order, none
 * fused.
 */
#ifndef FVI_UPDATE_KERNELS_H
#define FVI_UPDATE_KERNELS_H

#include <stddef.h>

#include "base/base.h"
#include "fovea/tensor.h"

enum { FVI_UPDATE_SLOTS = 3 }; /* of a rule, at most */

/* Formulas of one update: docs/optimizers.md; which slots each has, in this order: update_rules.h. */
typedef enum fvi_update {
    FVI_UPDATE_DESCENT, /* w = keep*w - outer*g; no slot */
    FVI_UPDATE_SGD,
    FVI_UPDATE_NESTEROV,
    FVI_UPDATE_ADAGRAD,
    FVI_UPDATE_ADADELTA,
    FVI_UPDATE_RMSPROP,
    FVI_UPDATE_RMSPROP_MOMENTUM,
    FVI_UPDATE_RMSPROP_CENTERED,
    FVI_UPDATE_RMSPROP_CENTERED_MOMENTUM,
    FVI_UPDATE_ADAM,
    FVI_UPDATE_LAMB, /* reads the slots that FVI_DIRECTION_LAMB wrote */
    FVI_UPDATES
} fvi_update;

/* First halves of rules that need the whole parameter: they write slots and a direction, not the weights. */
typedef enum fvi_direction {
    FVI_DIRECTION_LAMB,
    FVI_DIRECTION_MUON,
    FVI_DIRECTION_MUON_NESTEROV,
    FVI_DIRECTIONS
} fvi_direction;

/* Numbers of one update; the kernels compute in their own precision. */
typedef struct fvi_update_numbers {
    double outer;              /* times the step */
    double inner;              /* times what goes into the velocity */
    double momentum;           /* share of the old velocity */
    double decay;              /* weight decay within the gradient */
    double keep;               /* share of the weight that decoupled decay leaves; 1: all */
    double beta1, beta2;       /* share of the old mean, of the old mean of squares */
    double rest1, rest2;       /* 1 - beta1, 1 - beta2 */
    double correct1, correct2; /* factors of the means that take out their bias */
    double inside, outside;    /* epsilon, within the root and behind it */
} fvi_update_numbers;

/* Gradients before the rule: clipped, scaled, with l1. */
typedef struct fvi_prepare_numbers {
    double scale, limit, l1; /* limit: infinity for none */
} fvi_prepare_numbers;

/* out = alpha * a*b + beta * c: a [rows][inner], b [inner][columns], c (NULL: none) and out [rows][columns]; sums in the order of
 * inner. out does not overlap the others. */
typedef struct fvi_product {
    size_t inner, columns;
    double alpha, beta;
    const void *a, *b, *c;
    void *out;
} fvi_product;

typedef void fvi_update_fn(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot, void *w);
typedef void fvi_direction_fn(size_t count, const fvi_update_numbers *numbers, const void *g, void *const *slot,
                              const void *w, void *direction);

/* Pointers are to elements of the table's dtype, and do not overlap unless said. */
typedef struct fvi_update_kernels {
    const char *name;                                 /* "reference", "avx2", ... */
    bool (*finite)(size_t count, const void *values); /* none is NaN or infinite */
    /* The sum of the squares in double, in 16 lanes (lane i of every group of 16 first, then the lanes by halves). Of float32 values it is
     * finite exactly where all values are. */
    double (*squares)(size_t count, const void *values);
    /* x = g*scale brought into [-limit, limit], + l1*sign(w). x may be g. */
    void (*prepare)(size_t count, const fvi_prepare_numbers *numbers, const void *g, const void *w, void *x);
    fvi_update_fn *update[FVI_UPDATES];
    fvi_direction_fn *direction[FVI_DIRECTIONS];
    void (*average)(size_t count, double part, const void *observed, void *w); /* w = w + part*(observed - w) */
    /* slow = slow + part*(w - slow); w = slow */
    void (*meet)(size_t count, double part, void *slow, void *w);
    void (*product)(const fvi_product *product, size_t first, size_t end); /* rows [first, end) */
} fvi_update_kernels;

/* Never NULL. reference: the plain loops, also for float32. */
const fvi_update_kernels *fvi_update_kernels_for(fv_dtype dtype, fvi_isa isa, bool reference);

/* Multiplies count values by limit / norm where their Euclidean norm is above limit. The sum of squares is taken in 16
 * lanes, lane i of every group of 16 first, then the lanes in pairs, then what is left: a fixed order. */
void fvi_limit_norm_f32(size_t count, double limit, float *w);
void fvi_limit_norm_f64(size_t count, double limit, double *w);

#endif
