/* SPDX-License-Identifier: Apache-2.0
 *
 * linear.c - the same two numbers for every value: y = scale*x + shift. Numbers that are learned, or one for each channel: scale.c.
 * In inference a convolution or dense layer before it takes it up (affine).
 */
#include "layer/activation.h"
#include "layer/split.h"

static const fvi_attribute attributes[] = {
    { .name = "scale",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_linear_options, scale),
      .count = 1,
      .low = -1e30,
      .high = 1e30,
      .fallback = "1",
      .help = "multiplies each value" },
    { .name = "shift",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_linear_options, shift),
      .count = 1,
      .low = -1e30,
      .high = 1e30,
      .fallback = "0",
      .help = "is added to it" },
    { 0 },
};

static double scale_of(const fv_linear_options *options)
{
    return options->scale == 0 ? 1.0 : options->scale;
}

static fvi_activation formula(const void *given)
{
    const fv_linear_options *options = given;
    return (fvi_activation){ .kind = FVI_LINEAR, .a = scale_of(options), .b = options->shift };
}

static void affine(const void *given, fv_dtype dtype, size_t channels, void *const *param, void *ab)
{
    const fv_linear_options *options = given;
    (void)param;
    for (size_t i = 0; i < 2 * channels; i++) {
        const double value = i < channels ? scale_of(options) : options->shift;
        if (dtype == FV_F64)
            ((double *)ab)[i] = value;
        else
            ((float *)ab)[i] = (float)value;
    }
}

/* at: dy, dx. The kernel's values are dy's own, since the slope is the same for all. */
static void backward_run(const void *argument, size_t count, void *const *at)
{
    const fvi_call *call = argument;
    call->kernels->activation_backward(call->prepared, count, at[0], at[0], at[1]);
}

static fv_status backward(fvi_call *call)
{
    const fvi_view *const views[] = { &call->dy, &call->dx[0] };
    if (call->dx[0].data)
        fvi_split_runs(call->context, call->dtype, views, 2, backward_run, call);
    return FV_OK;
}

const fvi_layer fvi_layer_linear = {
    .name = "linear",
    .formula = "y = scale*x + shift",
    .options_size = sizeof(fv_linear_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .activation = formula,
    .affine = affine,
    .infer = fvi_infer_same,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = FVI_TRAINS(backward),
};
