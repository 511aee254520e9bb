/* SPDX-License-Identifier: Apache-2.0
 *
 * gradient.c - see gradient.h.
 */
#include "support/gradient.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "support/values.h"

/* Where the derivatives of activations jump. */
typedef struct known_kinks {
    const char *layer;
    int count;
    double at[4];
} known_kinks;

static const known_kinks kinks[] = {
    { "relu", 1, { 0 } },
    { "leaky_relu", 1, { 0 } },
    { "elu", 1, { 0 } },
    { "prelu", 1, { 0 } },
    { "relu6", 2, { 0, 6 } },
    { "hard_sigmoid", 4, { -3, 3, -0.5, 1.5 } },
    { "hard_swish", 2, { -3, 3 } },
    { "selu", 1, { 0 } },
    { "absolute", 1, { 0 } },
    { "clip", 3, { -0.5, 1.5, 0 } },
};

static bool near_kink(const fvi_layer *layer, double x, double distance)
{
    for (size_t i = 0; i < sizeof kinks / sizeof kinks[0]; i++)
        for (int k = 0; k < kinks[i].count; k++)
            if (strcmp(kinks[i].layer, layer->name) == 0 && fabs(x - kinks[i].at[k]) < distance)
                return true;
    return false;
}

static double objective(layer_run *run)
{
    assert_int_equal(layer_run_forward(run), FV_OK);
    return layer_run_objective(run);
}

/* The step h = 2^-12 is exact in these values. The error of a central difference is h^2/6 |f'''| + eps |f| / h, below
 * 1e-8 |f'''| + 1e-12 |f|; third derivatives here are of the order of the gradients, at most tens of times. */
static const double step = 0x1p-12, tolerance = 1e-6;

typedef struct gradient_check {
    layer_run *run;
    const char *what;
    double largest; /* of the gradients of this tensor */
    size_t checked;
} gradient_check;

static void compare(gradient_check *check, size_t element, double plus, double minus, double gradient)
{
    const double numeric = (plus - minus) / (2 * step);
    if (!(fabs(numeric - gradient) <= tolerance * fmax(1.0, check->largest)))
        fail_msg("%s: d/d%s[%zu] is %.12g, but central differences give %.12g", check->run->problem->problem,
                 check->what, element, gradient, numeric);
    check->checked++;
}

static double largest_of(const double *values, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(values[i]));
    return largest;
}

static void check_input(layer_run *run, int32_t input, double *x, const double *dx)
{
    const fvi_view *view = &run->x[input].view;
    const size_t count = layer_view_count(view);
    gradient_check check = { .run = run,
                             .what = input == 0 ? "x" : "x (a later one)",
                             .largest = largest_of(dx, count) };
    for (size_t i = 0; i < count; i++) {
        const double kept = x[i];
        if (near_kink(run->problem->layer, kept, 2 * step))
            continue;
        x[i] = kept + step;
        layer_view_set(run, view, x);
        const double plus = objective(run);
        x[i] = kept - step;
        layer_view_set(run, view, x);
        const double minus = objective(run);
        x[i] = kept;
        compare(&check, i, plus, minus, dx[i]);
    }
    layer_view_set(run, view, x);
    assert_true(check.checked * 10 >= count * 9);
}

static void check_param(layer_run *run, int32_t index, double *values, const double *gradient)
{
    const size_t count = layer_param_count(run, index);
    gradient_check check = { .run = run,
                             .what = run->infer.param[index].suffix,
                             .largest = largest_of(gradient, count) };
    for (size_t i = 0; i < count; i++) {
        const double kept = values[i];
        values[i] = kept + step;
        layer_param_set(run, index, values);
        const double plus = objective(run);
        values[i] = kept - step;
        layer_param_set(run, index, values);
        const double minus = objective(run);
        values[i] = kept;
        compare(&check, i, plus, minus, gradient[i]);
    }
    layer_param_set(run, index, values);
}

void test_layer_gradients(const layer_case *problem, fv_context *context)
{
    layer_run *run = layer_run_create(problem, context, (layer_run_options){ .dtype = FV_F64, .reference = true });
    double *x[LAYER_CASE_INPUTS] = { NULL };
    for (int32_t i = 0; i < problem->input_count; i++) {
        x[i] = test_doubles(layer_view_count(&run->x[i].view));
        layer_view_get(run, &run->x[i].view, x[i]);
    }
    assert_int_equal(layer_run_forward(run), FV_OK);
    assert_int_equal(layer_run_backward(run), FV_OK);
    for (int32_t i = 0; i < problem->input_count; i++) /* backward hid what it must not read */
        layer_view_set(run, &run->x[i].view, x[i]);
    for (int32_t i = 0; i < problem->input_count; i++) {
        double *dx = test_doubles(layer_view_count(&run->dx[i].view));
        layer_view_get(run, &run->dx[i].view, dx);
        check_input(run, i, x[i], dx);
        free(dx);
    }
    for (int32_t i = 0; i < run->infer.param_count; i++) {
        if (!run->infer.param[i].trained)
            continue;
        double *values = test_doubles(layer_param_count(run, i)), *gradient = test_doubles(layer_param_count(run, i));
        layer_param_get(run, i, run->param[i], values);
        layer_param_get(run, i, run->dparam[i], gradient);
        check_param(run, i, values, gradient);
        free(values);
        free(gradient);
    }
    for (int32_t i = 0; i < problem->input_count; i++)
        free(x[i]);
    layer_run_destroy(run);
}
