/* SPDX-License-Identifier: Apache-2.0
 *
 * optimizer_internal.h - the inside of an optimizer, for the files of src/optim/ that share a step's work.
 */
#ifndef FVI_OPTIMIZER_INTERNAL_H
#define FVI_OPTIMIZER_INTERNAL_H

#include "graph/params_internal.h"
#include "optim/max_norm.h"
#include "optim/rules.h"

/* A range of one parameter, and where its gradient is in the running step. */
typedef struct update_chunk {
    size_t first, count; /* first: in the block */
    const void *gradient;
    double squares, weight_squares; /* sums: of the gradient, or what a rule measures; of the weights */
    int32_t param;
    bool statistic, finite;
} update_chunk;

/* What the running step does to one parameter. */
typedef struct step_of_param {
    fvi_update update;
    fvi_update_numbers numbers;
    int64_t came; /* elements whose gradients have come in this step */
} step_of_param;

/* Matrices of muon.c, each as large as the largest parameter needs. */
typedef struct fvi_muon {
    void *x, *y, *transposed, *gram, *polynomial;
} fvi_muon;

struct fv_optimizer {
    fv_context *context;
    fv_params *params;
    const fvi_rule *rule;
    const fvi_update_kernels *kernels;
    fv_optimizer_options options; /* filled */
    fv_params *slot[FVI_UPDATE_SLOTS + 2];
    const char *slot_name[FVI_UPDATE_SLOTS + 2];
    int32_t slot_count, rule_slots; /* rule_slots: without the slow copy, which is next */
    fv_params *average;             /* the last slot; NULL: none */
    fvi_group *group;               /* [parameters] */
    step_of_param *of;              /* [parameters] */
    fv_gradient *whole;             /* [parameters] */
    update_chunk *chunk;            /* of the running call; room for those of all parameters */
    size_t chunk_count;
    fvi_muon muon;          /* NULLs, where the rule has no matrices */
    void *scratch;          /* a chunk's elements for each worker */
    int64_t steps;          /* that are over */
    int64_t came, expected; /* elements of the running step, of any */
    double squares, norm;   /* of the running step's gradients so far; of the last step's */
};

/* muon.c: room for the matrices; FV_OK and nothing where the rule has none. */
fv_status fvi_muon_create(fv_optimizer *optimizer);
void fvi_muon_destroy(fv_optimizer *optimizer);
/* From the direction in muon.x, row by row as the parameter is, with this sum of squares, to the step, in muon.x too; returns its
 * factor. */
double fvi_muon_orthogonalize(fv_optimizer *optimizer, int32_t param, double squares);

#endif
