/* SPDX-License-Identifier: Apache-2.0
 *
 * schedule.c - the learning rate of a step, a function of the step's number alone, so that a run can be picked up anywhere.
 * Sources: cosine and restarts, Loshchilov & Hutter 2017 (arXiv:1608.03983), equation 5; one-cycle, Smith & Topin 2018
 * (arXiv:1708.07120), with PyTorch's two halves of a cosine; warm-up, Goyal et al. 2017 (arXiv:1706.02677), 2.2: the first
 * steps from random weights have the largest gradients.
 */
#include "fovea/schedule.h"

#include <math.h>

#include "base/base.h"
#include "base/math.h"
#include "optim/numbers.h"
#include "optim/rules.h"

static const char *const names[] = { "cosine",   "constant", "step",      "exponential", "polynomial",
                                     "onecycle", "restarts", "piecewise", "plateau" };

const char *fv_schedule_kind_name(fv_schedule_kind kind)
{
    return (int)kind >= 0 && (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : NULL;
}

static double or_default(double value, double otherwise)
{
    return value != 0 ? value : otherwise;
}

/* From `from` (part 0) to `to` (part 1). */
static double half_cosine(double from, double to, double part)
{
    const double at = part < 0 ? 0 : part > 1 ? 1 : part;
    return to + 0.5 * (from - to) * (1 + fvi_cos_turns(0.5 * at));
}

static double power_of(double base, double exponent)
{
    const double whole = floor(exponent);
    if (!(base > 0))
        return exponent > 0 ? 0 : 1;
    return exponent == whole && exponent >= 0 && exponent < 1e9 ? fvi_power(base, (int64_t)whole)
                                                                : fvi_exp(exponent * fvi_log(base));
}

static double one_cycle(const fv_schedule_options *o, double part)
{
    const double peak = or_default(o->peak, 0.3);
    const double low = 1 / or_default(o->divisor, 25);
    const double last = (o->given & FV_GIVEN_FINAL) != 0 ? o->final : or_default(o->final, 4e-6);
    return part < peak ? half_cosine(low, 1, part / peak) : half_cosine(1, last, (part - peak) / (1 - peak));
}

static double restarts(const fv_schedule_options *o, double epoch)
{
    const double growth = or_default(o->growth, 1);
    double length = or_default(o->every, 10);
    if (growth == 1)
        epoch -= floor(epoch / length) * length;
    for (; growth > 1 && epoch >= length; length *= growth)
        epoch -= length;
    return half_cosine(1, o->final, epoch / length);
}

/* The next "epoch:factor"; false at the end, or where there is none, *text then stays. */
static bool next_point(const char **text, double *epoch, double *factor)
{
    const char *at = *text;
    while (*at == ' ' || *at == ',')
        at++;
    if (!fvi_read_number(&at, epoch) || *at != ':')
        return false;
    at++;
    if (!fvi_read_number(&at, factor) || (*at != '\0' && *at != ' ' && *at != ','))
        return false;
    *text = at;
    return true;
}

static double piecewise(const fv_schedule_options *o, double epoch)
{
    const char *text = o->points;
    double from = 0, factor = 1, to = 0, next = 1;
    if (!next_point(&text, &from, &factor))
        return 1;
    while (next_point(&text, &to, &next)) {
        if (epoch < to)
            return o->linear && epoch > from ? factor + (next - factor) * ((epoch - from) / (to - from)) : factor;
        from = to;
        factor = next;
    }
    return factor;
}

/* epoch: since the warm-up; part: of what the run has left then. */
static double factor_at(const fv_schedule_options *o, double epoch, double part)
{
    switch (o->kind) {
    case FV_SCHEDULE_COSINE:
        return half_cosine(1, o->final, part);
    case FV_SCHEDULE_STEP:
        return power_of(or_default(o->gamma, 0.1), floor(epoch / or_default(o->every, 30)));
    case FV_SCHEDULE_EXPONENTIAL:
        return power_of(or_default(o->gamma, 0.95), epoch / or_default(o->every, 1));
    case FV_SCHEDULE_POLYNOMIAL:
        return o->final + (1 - o->final) * power_of(1 - part, or_default(o->power, 1));
    case FV_SCHEDULE_ONE_CYCLE:
        return one_cycle(o, part);
    case FV_SCHEDULE_RESTARTS:
        return restarts(o, epoch);
    case FV_SCHEDULE_PIECEWISE:
        return piecewise(o, epoch);
    case FV_SCHEDULE_CONSTANT:
    case FV_SCHEDULE_PLATEAU:
        break;
    }
    return 1;
}

double fv_schedule_rate(const fv_schedule_options *options, int32_t epochs, int64_t steps_per_epoch, int64_t step)
{
    const double per_epoch = (double)steps_per_epoch;
    const double all = (double)epochs * per_epoch, warm = options->warmup * per_epoch;
    if ((double)step + 1 <= warm) {
        const double start = options->warmup_start;
        return options->rate * (start + (1 - start) * (((double)step + 1) / warm));
    }
    double at = (double)step;
    if (options->per_epoch)
        at = fmax(floor(at / per_epoch) * per_epoch, warm);
    return options->rate * factor_at(options, (at - warm) / per_epoch, all > warm ? (at - warm) / (all - warm) : 0);
}

/* A number with its legal range; ends included. */
typedef struct range {
    const char *name;
    double value, low, high;
} range;

static fv_status check_points(fv_context *context, const char *points)
{
    const char *text = points != NULL ? points : "";
    double epoch = 0, factor = 0, last = -1;
    while (next_point(&text, &epoch, &factor)) {
        if (last < 0 && epoch > 0)
            return fvi_fail(context, FV_ERR_ARGUMENT, "schedule: points '%s' begin at epoch %g, not at 0", points,
                            epoch);
        if (epoch <= last || factor > 1e6)
            return fvi_fail(context, FV_ERR_ARGUMENT,
                            "schedule: points '%s': %g:%g is not behind epoch %g, or above 1e6", points, epoch, factor,
                            last);
        last = epoch;
    }
    while (*text == ' ' || *text == ',')
        text++;
    if (*text != '\0' || last < 0)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "schedule: points '%s' are not \"epoch:factor ...\", as in \"0:1 30:0.1 60:0.01\", at '%s'",
                        points != NULL ? points : "", text);
    return FV_OK;
}

fv_status fvi_schedule_check(fv_context *context, const fv_schedule_options *o, int32_t epochs, const char **at)
{
    const range ranges[] = {
        { "rate", o->rate, 1e-300, 1e6 },
        { "warmup", o->warmup, 0, epochs },
        { "warmup_start", o->warmup_start, 0, 1 },
        { "final", o->final, 0, 1 },
        { "gamma", o->gamma, 0, 1 },
        { "every", o->every, 0, 1e9 },
        { "power", o->power, 0, 100 },
        { "peak", o->peak, 0, 0.999 },
        { "divisor", o->divisor, 0, 1e12 },
        { "growth", or_default(o->growth, 1), 1, 1e6 },
        { "patience", o->patience, 0, 1e9 },
        { "threshold", o->threshold, 0, 1 },
        { "cooldown", o->cooldown, 0, 1e9 },
        { "least", o->least, 0, 1 },
    };
    *at = NULL;
    if (fv_schedule_kind_name(o->kind) == NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "schedule: there is no kind %d", (int)o->kind);
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        *at = ranges[i].name;
        if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high))
            return fvi_fail(context, FV_ERR_ARGUMENT, "schedule: %s is %g, but must be from %g to %g", ranges[i].name,
                            ranges[i].value, ranges[i].low, ranges[i].high);
    }
    *at = "points";
    return o->kind == FV_SCHEDULE_PIECEWISE ? check_points(context, o->points) : FV_OK;
}

fv_status fv_schedule_check(fv_context *context, const fv_schedule_options *options, int32_t epochs)
{
    const char *at = NULL;
    return fvi_schedule_check(context, options, epochs, &at);
}

void fv_plateau_observe(fv_plateau *plateau, const fv_schedule_options *options, double loss)
{
    const double threshold =
        (options->given & FV_GIVEN_THRESHOLD) != 0 ? options->threshold : or_default(options->threshold, 1e-4);
    const int32_t patience =
        options->patience > 0 || (options->given & FV_GIVEN_PATIENCE) != 0 ? options->patience : 10;
    if (options->kind != FV_SCHEDULE_PLATEAU)
        return;
    const bool lower = loss < plateau->best * (1 - threshold) || (plateau->seen == 0 && loss - loss == 0);
    if (lower) {
        plateau->best = loss;
        plateau->bad = 0;
        plateau->seen++;
    } else {
        plateau->bad++;
    }
    if (plateau->cooling > 0) {
        plateau->cooling--;
        plateau->bad = 0;
    }
    if (plateau->bad > patience) {
        plateau->falls++;
        plateau->bad = 0;
        plateau->cooling = options->cooldown;
    }
}

double fv_plateau_factor(const fv_plateau *plateau, const fv_schedule_options *options)
{
    if (options->kind != FV_SCHEDULE_PLATEAU)
        return 1;
    const double factor = fvi_power(or_default(options->gamma, 0.1), plateau->falls);
    return factor > options->least ? factor : options->least;
}
