/* SPDX-License-Identifier: Apache-2.0
 *
 * synthetic.c - data sets that are computed: two dimensions to tell classes apart in, one to fit a curve to. Every number derives
 * from (seed, split): train, validation and test have draws of their own, and the same text always means the same data.
 *   spirals     class k of `classes`: radius t, angle turns*t + k/classes of a turn, t uniform in [0, 1)
 *   circles     class k: radius (k + 1) / classes, any angle
 *   polynomial  y = sum of a_i x^i for i = 0 ... degree, a_i uniform in [-1, 1) from the seed, x uniform in [-1, 1)
 * Each coordinate (of a polynomial y) is off by N(0, noise^2).
 */
#include <stdio.h>
#include <string.h>

#include "base/math.h"
#include "base/number.h"
#include "base/random.h"
#include "data/sets/table.h"
#include "fovea/text.h"

typedef struct setting {
    const char *name;
    double low, high, fallback;
    bool whole;
} setting;

enum { COUNT, NOISE, SEED, CLASSES, TURNS, DEGREE, SETTINGS, MOST_DEGREE = 16 };
static const setting settings[SETTINGS] = {
    { "count", 1, 1e7, 1000, true }, { "noise", 0, 10, 0.05, false }, { "seed", 0, 4294967295.0, 1, true },
    { "classes", 2, 100, 2, true },  { "turns", 0, 10, 1, false },    { "degree", 0, MOST_DEGREE, 3, true },
};

typedef enum kind { SPIRALS, CIRCLES, POLYNOMIAL, KINDS } kind;
static const char *const kinds[KINDS] = { "spirals", "circles", "polynomial" };

static kind kind_of(const char *where)
{
    const size_t length = strcspn(where, ":");
    for (int i = 0; i < KINDS; i++)
        if (strlen(kinds[i]) == length && strncmp(where, kinds[i], length) == 0)
            return (kind)i;
    return KINDS;
}

bool fvi_synthetic_named(const char *where)
{
    return kind_of(where) != KINDS;
}

static fv_status read_setting(fv_context *context, const char *where, const char *text, double values[SETTINGS])
{
    char name[64];
    const char *names[SETTINGS];
    double value = 0;
    const size_t length = strcspn(text, "=,");
    for (int i = 0; i < SETTINGS; i++)
        names[i] = settings[i].name;
    snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), text);
    for (int i = 0; i < SETTINGS; i++) {
        char number[64];
        if (strcmp(name, settings[i].name) != 0)
            continue;
        const char *at = text + length + (text[length] == '=');
        snprintf(number, sizeof number, "%.*s", (int)strcspn(at, ",") < 63 ? (int)strcspn(at, ",") : 63, at);
        if (!fvi_read_real(number, &value) || value < settings[i].low || value > settings[i].high ||
            (settings[i].whole && value != (double)(int64_t)value))
            return fvi_fail(context, FV_ERR_ARGUMENT, "data '%s': %s is '%s', must be a%s number of %g to %g", where,
                            name, number, settings[i].whole ? " whole" : "", settings[i].low, settings[i].high);
        values[i] = value;
        return FV_OK;
    }
    const char *nearest = fv_nearest_word(name, names, SETTINGS);
    return fvi_fail(context, FV_ERR_ARGUMENT,
                    "data '%s': no setting '%s'%s%s%s; there are count, noise, seed, classes, "
                    "turns and degree",
                    where, name, nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                    nearest != NULL ? "'?" : "");
}

static fv_status read_settings(fv_context *context, const char *where, double values[SETTINGS])
{
    for (int i = 0; i < SETTINGS; i++)
        values[i] = settings[i].fallback;
    const char *at = strchr(where, ':');
    for (; at != NULL && at[1] != '\0'; at = strchr(at + 1, ','))
        FV_TRY(read_setting(context, where, at + 1, values));
    return FV_OK;
}

/* Sample i: its two coordinates. */
static void place_point(kind which, const double *values, int32_t label, fvi_random *random, float point[2])
{
    const double t = fvi_random_uniform(random), share = label / values[CLASSES];
    const double radius = which == SPIRALS ? t : (label + 1) / values[CLASSES];
    double turns = which == SPIRALS ? values[TURNS] * t + share : t;
    turns -= (double)(int64_t)turns;
    point[0] = (float)(radius * fvi_cos_turns(turns) + values[NOISE] * fvi_random_gaussian(random));
    point[1] = (float)(radius * fvi_sin_turns(turns) + values[NOISE] * fvi_random_gaussian(random));
}

static void place_curve(const double *values, fvi_random *random, float *x, float *y)
{
    fvi_random coefficients = fvi_random_start((uint64_t)values[SEED], FVI_PURPOSE_SYNTHETIC, 3);
    double sum = 0, power = 1;
    const double at = 2 * fvi_random_uniform(random) - 1;
    for (int i = 0; i <= (int)values[DEGREE]; i++, power *= at)
        sum += (2 * fvi_random_uniform(&coefficients) - 1) * power;
    *x = (float)at;
    *y = (float)(sum + values[NOISE] * fvi_random_gaussian(random));
}

static fv_status fill_points(fv_context *context, kind which, const double *settings_given, fv_split split,
                             float *values, fvi_dataset_parts *parts)
{
    const int64_t count = (int64_t)settings_given[COUNT];
    fvi_random random = fvi_random_start((uint64_t)settings_given[SEED], FVI_PURPOSE_SYNTHETIC, (uint64_t)split);
    if (which == POLYNOMIAL) {
        parts->target_count = 1;
        parts->targets = fvi_allocate(context, (size_t)count * sizeof *parts->targets);
    } else {
        parts->classes = (int32_t)settings_given[CLASSES];
        parts->labels = fvi_allocate(context, (size_t)count * sizeof *parts->labels);
    }
    if (values == NULL || (parts->targets == NULL && parts->labels == NULL))
        return fvi_out_of_memory(context, "a computed data set", (size_t)count * sizeof *values);
    for (int64_t i = 0; i < count; i++) {
        if (which == POLYNOMIAL) {
            place_curve(settings_given, &random, &values[i], &parts->targets[i]);
            continue;
        }
        parts->labels[i] = (int32_t)(i % parts->classes);
        place_point(which, settings_given, parts->labels[i], &random, values + 2 * i);
    }
    return FV_OK;
}

fv_status fvi_synthetic_open(fv_dataset **out, fv_context *context, const char *where, fv_split split)
{
    const kind which = kind_of(where);
    const int32_t columns = which == POLYNOMIAL ? 1 : 2;
    double given[SETTINGS];
    fvi_dataset_parts parts = { .classes = 0 };
    *out = NULL;
    FV_TRY(read_settings(context, where, given));
    float *values = fvi_allocate(context, (size_t)given[COUNT] * (size_t)columns * sizeof *values);
    const fv_status status = fill_points(context, which, given, split, values, &parts);
    if (status == FV_OK)
        return fvi_numbers_make(out, context, where, values, (int64_t)given[COUNT], columns, &parts);
    fvi_release(context, values);
    fvi_release(context, parts.labels);
    fvi_release(context, parts.targets);
    return status;
}
