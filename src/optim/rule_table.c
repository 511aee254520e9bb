/* SPDX-License-Identifier: Apache-2.0
 *
 * rule_table.c - the list of update rules, and the check of their options.
 */
#include <math.h>

#include "optim/rules.h"

/* In the order of fv_optimizer_kind. */
static const fvi_rule *const rules[] = {
    &fvi_rule_sgd,   &fvi_rule_adagrad, &fvi_rule_adadelta, &fvi_rule_rmsprop, &fvi_rule_adam,
    &fvi_rule_adamw, &fvi_rule_lars,    &fvi_rule_lamb,     &fvi_rule_muon,
};

const fvi_rule *fvi_rule_of(fv_optimizer_kind kind)
{
    return (int)kind >= 0 && (size_t)kind < sizeof rules / sizeof rules[0] ? rules[kind] : NULL;
}

const char *fv_optimizer_kind_name(fv_optimizer_kind kind)
{
    const fvi_rule *rule = fvi_rule_of(kind);
    return rule != NULL ? rule->name : NULL;
}

double fv_optimizer_kind_rate(fv_optimizer_kind kind)
{
    const fvi_rule *rule = fvi_rule_of(kind);
    return rule != NULL ? rule->rate : 0;
}

bool fv_optimizer_needs_all(const fv_optimizer_options *options)
{
    const fvi_rule *rule = options != NULL ? fvi_rule_of(options->kind) : NULL;
    return rule != NULL && (options->clip_norm > 0 || rule->trust != NULL || rule->orthogonal);
}

int32_t fvi_optimizer_slots(const fv_optimizer_options *options)
{
    const char *names[FVI_UPDATE_SLOTS];
    const fvi_rule *rule = fvi_rule_of(options->kind);
    return rule != NULL ? rule->slots(options, names) + (options->lookahead > 0) + (options->average != FV_AVERAGE_NONE)
                        : 0;
}

/* A number with its legal range; the upper end is not in it. */
typedef struct range {
    const char *name;
    double value, low, high;
    const char *text;
    uint32_t needs; /* of fvi_rule.has; 0: every rule has it */
} range;

static fv_status check_ranges(fv_context *context, const fvi_rule *rule, const fv_optimizer_options *o, const char **at)
{
    const range ranges[] = {
        { "momentum", o->momentum, 0, 1, "at least 0 and below 1", FVI_HAS_MOMENTUM },
        { "beta1", o->beta1, 0, 1, "at least 0 and below 1", FVI_HAS_BETAS },
        { "beta2", o->beta2, 0, 1, "at least 0 and below 1", FVI_HAS_BETAS },
        { "smoothing", o->smoothing, 0, 1, "at least 0 and below 1", FVI_HAS_SMOOTHING },
        { "epsilon", o->epsilon, 0, INFINITY, "at least 0", FVI_HAS_EPSILON },
        { "trust", o->trust, 0, INFINITY, "at least 0", FVI_HAS_TRUST },
        { "weight_decay", o->weight_decay, 0, INFINITY, "at least 0", 0 },
        { "l1", o->l1, 0, INFINITY, "at least 0", 0 },
        { "clip_value", o->clip_value, 0, INFINITY, "at least 0", 0 },
        { "clip_norm", o->clip_norm, 0, INFINITY, "at least 0", 0 },
        { "lookahead", (double)o->lookahead, 0, INFINITY, "at least 0", 0 },
        { "average_decay", o->average_decay, 0, 1, "at least 0 and below 1", 0 },
        { "average_start", (double)o->average_start, 0, INFINITY, "at least 0", 0 },
        { "average_every", (double)o->average_every, 0, INFINITY, "at least 0", 0 },
        { "lookahead_part", o->lookahead_part, 0, 1.0000000000000002, "at least 0 and at most 1", 0 },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const range *r = &ranges[i];
        *at = r->name;
        if (!(r->value >= r->low && r->value < r->high))
            return fvi_fail(context, FV_ERR_ARGUMENT, "%s: %s is %g, but must be %s", rule->name, r->name, r->value,
                            r->text);
        if (r->value > 0 && r->needs != 0 && (rule->has & r->needs) == 0)
            return fvi_fail(context, FV_ERR_ARGUMENT, "%s: it has no %s, but %s is %g", rule->name, r->name, r->name,
                            r->value);
    }
    *at = NULL;
    return FV_OK;
}

static fv_status check_switches(fv_context *context, const fvi_rule *rule, const fv_optimizer_options *o,
                                const char **at)
{
    const struct {
        const char *name;
        bool on;
        uint32_t needs;
    } switches[] = {
        { "nesterov", o->nesterov, FVI_HAS_NESTEROV },
        { "lr_in_velocity", o->lr_in_velocity, FVI_HAS_VELOCITY },
        { "epsilon_inside_root", o->epsilon_inside_root, FVI_HAS_INSIDE },
        { "simplified", o->simplified, FVI_HAS_SIMPLIFIED },
        { "centered", o->centered, FVI_HAS_CENTERED },
        { "match_adam", o->match_adam, FVI_HAS_MATCH },
        { "decoupled", o->decoupled, FVI_HAS_DECOUPLED },
    };
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        *at = switches[i].name;
        if (switches[i].on && (rule->has & switches[i].needs) == 0)
            return fvi_fail(context, FV_ERR_ARGUMENT, "%s: it has no %s, but it is asked for", rule->name,
                            switches[i].name);
    }
    *at = NULL;
    return FV_OK;
}

static double or_default(double value, double otherwise)
{
    return value != 0 ? value : otherwise;
}

/* Every number is given afterwards: what has been filled in once stays. */
static void fill_numbers(const fvi_rule *rule, fv_optimizer_options *o)
{
    const struct {
        double *value, otherwise;
        uint32_t bit;
    } numbers[] = {
        { &o->momentum, rule->momentum, FV_GIVEN_MOMENTUM },  { &o->beta1, rule->beta1, FV_GIVEN_BETA1 },
        { &o->beta2, rule->beta2, FV_GIVEN_BETA2 },           { &o->smoothing, rule->smoothing, FV_GIVEN_SMOOTHING },
        { &o->average_decay, 0.999, FV_GIVEN_AVERAGE_DECAY },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if ((o->given & numbers[i].bit) == 0)
            *numbers[i].value = or_default(*numbers[i].value, numbers[i].otherwise);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        o->given |= numbers[i].bit;
}

/* Options that exclude or need one another. */
static fv_status check_pairs(fv_context *context, const fvi_rule *rule, const fv_optimizer_options *o, const char **at)
{
    *at = "clip_norm";
    if (o->clip_value > 0 && o->clip_norm > 0)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "%s: clip_value is %g and clip_norm %g, but only one of them can clip the gradient", rule->name,
                        o->clip_value, o->clip_norm);
    *at = "nesterov";
    if (o->nesterov && !(o->momentum > 0))
        return fvi_fail(context, FV_ERR_ARGUMENT, "%s: nesterov needs a momentum above 0", rule->name);
    *at = "lr_in_velocity";
    if (o->lr_in_velocity && !(o->momentum > 0))
        return fvi_fail(context, FV_ERR_ARGUMENT, "%s: lr_in_velocity needs a momentum above 0", rule->name);
    *at = NULL;
    return FV_OK;
}

fv_status fvi_optimizer_options_check(fv_context *context, fv_optimizer_options *options, const char **at)
{
    *at = NULL;
    const fvi_rule *rule = fvi_rule_of(options->kind);
    if (rule == NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "optimizer: there is no kind %d", (int)options->kind);
    FV_TRY(check_ranges(context, rule, options, at));
    FV_TRY(check_switches(context, rule, options, at));
    fill_numbers(rule, options);
    options->epsilon = or_default(options->epsilon, rule->epsilon);
    options->trust = or_default(options->trust, rule->trust != NULL && rule->has & FVI_HAS_TRUST ? 0.001 : 0);
    options->lookahead_part = or_default(options->lookahead_part, 0.5);
    options->average_every = options->average_every > 0 ? options->average_every : 1;
    if ((int)options->average < 0 || options->average > FV_AVERAGE_EQUAL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "%s: there is no kind %d of average", rule->name,
                        (int)options->average);
    options->decoupled = options->decoupled || rule->decouples;
    return check_pairs(context, rule, options, at);
}

fv_status fvi_optimizer_options_fill(fv_context *context, fv_optimizer_options *options)
{
    const char *at = NULL;
    return fvi_optimizer_options_check(context, options, &at);
}
