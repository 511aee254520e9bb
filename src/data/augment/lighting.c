/* SPDX-License-Identifier: Apache-2.0
 *
 * lighting.c - the same colour added to all pixels, drawn along the principal components of the data's colours. The paper multiplies by
 * eigenvalues; what it did with them, as published code shows, is to multiply by their roots, the deviations along the components.
 */
#include <math.h>

#include "data/augment/fit.h"

typedef struct lighting_options {
    double p, deviation;
    int32_t from;
} lighting_options;

enum { COLOURS = 3, SAMPLES = 1000, FROM_IMAGENET = 0, FROM_DATA };
static const char *const words[] = { "imagenet", "data", NULL };

static const fvi_transform_option options[] = {
    { .name = "deviation",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(lighting_options, deviation),
      .count = 1,
      .high = 10,
      .fallback = "0.1",
      .help = "of the normal numbers that the components are multiplied by" },
    { .name = "from",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(lighting_options, from),
      .fallback = "imagenet",
      .words = words,
      .help = "whose colours: ImageNet's, or those of the training images" },
    { 0 },
};

/* Deviations along the components, and the components, row by row. */
typedef struct colours {
    double deviation[COLOURS];
    double component[COLOURS][COLOURS];
} colours;

/* ILSVRC-2012, pixels of 0 to 1, as in published training code. */
static const colours imagenet = {
    .deviation = { 0.2175, 0.0188, 0.0045 },
    .component = { { -0.5675, -0.5808, -0.5836 }, { 0.7192, -0.0045, -0.6948 }, { 0.4009, -0.8140, 0.4203 } },
};

static bool lighting_needs_fit(const void *given)
{
    return ((const lighting_options *)given)->from == FROM_DATA;
}

static fv_status lighting_fit(fvi_fit_source *source, const void *given, void **fitted)
{
    fv_context *context = source->augmentation->context;
    fvi_covariance sums;
    (void)given;
    FV_TRY(fvi_covariance_fit(&sums, source, true, SAMPLES, FVI_TRANSFORM_CHANNELS));
    colours *found = fvi_allocate_zeroed(context, 1, sizeof *found);
    for (int32_t i = 0; found != NULL && sums.n == COLOURS && i < COLOURS; i++) {
        found->deviation[i] = sqrt(sums.values[i] > 0 ? sums.values[i] : 0);
        for (int32_t c = 0; c < COLOURS; c++)
            found->component[i][c] = sums.vectors[i * COLOURS + c];
    }
    fvi_covariance_release(&sums, context);
    *fitted = found;
    return found != NULL ? FV_OK : fvi_out_of_memory(context, "colours", sizeof *found);
}

static fv_status lighting_apply(fvi_transform_call *call)
{
    const lighting_options *given = call->options;
    const colours *of = given->from == FROM_DATA ? call->fitted : &imagenet;
    fvi_picture *image = &call->room->image;
    const size_t count = (size_t)image->h * (size_t)image->w;
    double added[COLOURS] = { 0 };
    for (int32_t i = 0; i < COLOURS; i++) {
        const double amount = fvi_random_gaussian(&call->random) * given->deviation * of->deviation[i];
        for (int32_t c = 0; c < COLOURS; c++)
            added[c] += amount * of->component[i][c];
    }
    for (size_t i = 0; image->c == COLOURS && i < count; i++)
        for (size_t c = 0; c < COLOURS; c++)
            image->pixels[i * COLOURS + c] = fvi_clip(image->pixels[i * COLOURS + c] + (float)added[c]);
    return FV_OK;
}

const fvi_transform fvi_transform_lighting = {
    .name = "lighting",
    .formula = "y[c] = x[c] + sum over k of a[k] * s[k] * v[k][c], a of N(0, deviation), s and v the deviations and "
               "directions of the principal components of RGB, cut to 0 ... 1; grey images stay",
    .source = "Krizhevsky, Sutskever & Hinton 2012, section 4.1",
    .options_size = sizeof(lighting_options),
    .options = options,
    .p = "1",
    .needs_unit = true,
    .apply = lighting_apply,
    .needs_fit = lighting_needs_fit,
    .fit = lighting_fit,
};
