/* SPDX-License-Identifier: Apache-2.0
 *
 * rules.h - what an update rule is: one descriptor in one file; rule_table.c has the only list. Formulas: docs/optimizers.md.
 */
#ifndef FVI_RULES_H
#define FVI_RULES_H

#include "fovea/optimizer.h"
#include "fovea/schedule.h"
#include "optim/numbers.h"
#include "optim/update_kernels.h"

/* Options that a rule has of its own; any other of these that is set is refused. */
enum {
    FVI_HAS_MOMENTUM = 1,
    FVI_HAS_NESTEROV = 2,
    FVI_HAS_VELOCITY = 4, /* lr_in_velocity */
    FVI_HAS_BETAS = 8,
    FVI_HAS_SMOOTHING = 16,
    FVI_HAS_EPSILON = 32,
    FVI_HAS_INSIDE = 64, /* epsilon_inside_root */
    FVI_HAS_SIMPLIFIED = 128,
    FVI_HAS_CENTERED = 256,
    FVI_HAS_TRUST = 512,
    FVI_HAS_MATCH = 1024,
    FVI_HAS_DECOUPLED = 2048
};

/* What groups say of one parameter. */
typedef struct fvi_group {
    double rate, decay, l1; /* rate: a factor */
    bool frozen, plain;
} fvi_group;

typedef struct fvi_rule {
    const char *name;
    double rate; /* to begin with */
    uint32_t has;
    double momentum, beta1, beta2, smoothing, epsilon; /* what 0 means */
    bool decouples;                                    /* weight decay is decoupled always */
    /* Names of the slots with these options, and how many. */
    int32_t (*slots)(const fv_optimizer_options *options, const char *names[FVI_UPDATE_SLOTS]);
    /* Which formula step `step` (from 1) of a parameter takes, and what it wants in numbers that is not there already: outer is the
     * rate, inner 1 (exchanged with lr_in_velocity), betas and epsilons the options', corrections 1. */
    fvi_update (*begin)(const fv_optimizer_options *options, bool plain, int64_t step, fvi_update_numbers *numbers);
    /* A rule that scales the steps of a whole parameter: the factor of its step, from the norms of its weights and of its gradient or,
     * with directs, of its direction. NULL: none. */
    double (*trust)(const fv_optimizer_options *options, double decay, double weights, double other);
    bool directs; /* the first half is `direction`, its result the `other` of trust */
    fvi_direction direction;
    bool orthogonal; /* weights that are not plain are updated as matrices: muon.h */
} fvi_rule;

/* NULL when there is none. */
const fvi_rule *fvi_rule_of(fv_optimizer_kind kind);
/* Checks options, fills in what 0 means. FV_ERR_ARGUMENT names the option, in *at too: the field's name, static; NULL: all else. */
fv_status fvi_optimizer_options_check(fv_context *context, fv_optimizer_options *options, const char **at);
/* The same without *at. */
fv_status fvi_optimizer_options_fill(fv_context *context, fv_optimizer_options *options);
/* fv_schedule_check() with the name of the field at fault in *at; NULL: all else. */
fv_status fvi_schedule_check(fv_context *context, const fv_schedule_options *options, int32_t epochs, const char **at);
/* Slots of an optimizer with these options (filled or not), the slow copy of lookahead among them. */
int32_t fvi_optimizer_slots(const fv_optimizer_options *options);
/* Bytes that an optimizer of float32 takes besides its slots, nearly. */
size_t fvi_optimizer_scratch(const fv_context *context);
/* Bytes of the matrices of an optimizer of float32 whose rule has some, else 0. Errors: those of groups. muon.c */
fv_status fvi_muon_bytes(const fv_graph *graph, const fv_optimizer_options *options, size_t *bytes);
/* group[fv_params_count()]: what options and their groups say of each parameter. */
fv_status fvi_groups_read(const fv_params *params, const fv_optimizer_options *options, fvi_group *group);

extern const fvi_rule fvi_rule_sgd, fvi_rule_adagrad, fvi_rule_adadelta, fvi_rule_rmsprop, fvi_rule_adam,
    fvi_rule_adamw, fvi_rule_lars, fvi_rule_lamb, fvi_rule_muon;

#endif
