/* SPDX-License-Identifier: Apache-2.0
 *
 * layers_test.c - single layers against PyTorch: every case of tests/golden/layers/<family>.txt, written by
 * tools/golden_layers.py. The output and the gradients by inputs and parameters, in float64, and in float32 by the
 * reference and by the vector kernels.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/layer_case.h"
#include "support/test.h"
#include "support/values.h"

enum { X_STREAM = 10, DY_STREAM = 20, TARGET_STREAM = 30, PARAM_STREAM = 100, LONGEST_NAME = 100 };

static double *hashed(size_t count, uint32_t stream, double scale)
{
    double *values = test_doubles(count);
    for (uint32_t i = 0; i < count; i++)
        values[i] = scale * test_hashed(i, stream);
    return values;
}

typedef struct golden {
    FILE *file;
    const char *family, *problem;
    double scale; /* of the inputs */
    double bar;   /* of the largest value of a tensor */
    double worst;
} golden;

/* One tensor of the file: its name, then as many numbers as it has elements. */
static void check_tensor(golden *g, const char *name, const double *got, size_t count)
{
    char found[LONGEST_NAME] = "";
    double *wanted = test_doubles(count);
    if (fscanf(g->file, "%99s", found) != 1 || strcmp(found, name) != 0)
        fail_msg("%s.txt: %s: '%s' where '%s' should be", g->family, g->problem, found, name);
    for (size_t i = 0; i < count; i++)
        if (fscanf(g->file, "%la", &wanted[i]) != 1)
            fail_msg("%s.txt: %s: %s has %zu numbers, not %zu", g->family, g->problem, name, i, count);
    if (fgetc(g->file) != '\n')
        fail_msg("%s.txt: %s: %s has more than %zu numbers", g->family, g->problem, name, count);
    const double error = test_values_error(got, wanted, count);
    if (!(error <= g->bar))
        fail_msg("%s: %s differs from PyTorch by %.3g of its largest value, allowed is %.3g", g->problem, name, error,
                 g->bar);
    g->worst = fmax(g->worst, error);
    free(wanted);
}

static void set_view(layer_run *run, const fvi_view *view, uint32_t stream, double scale, bool positive)
{
    double *values = hashed(layer_view_count(view), stream, scale);
    for (size_t i = 0; positive && i < layer_view_count(view); i++)
        values[i] = fabs(values[i]) + 1;
    layer_view_set(run, view, values);
    free(values);
}

static void check_view(golden *g, const layer_run *run, const char *name, const fvi_view *view)
{
    double *values = test_doubles(layer_view_count(view));
    layer_view_get(run, view, values);
    check_tensor(g, name, values, layer_view_count(view));
    free(values);
}

/* Values from 0 to 1; classes are as layer_case.c chose them. */
static void set_targets(layer_run *run)
{
    for (uint32_t i = 0; run->values != NULL && i < layer_view_count(&run->x[0].view); i++)
        run->values[i] = (float)(test_hashed(i, TARGET_STREAM) + 0.5);
}

static void run_case(golden *g, fv_context *context, layer_run_options options)
{
    const layer_case problem = layer_case_parse(g->problem);
    layer_run *run = layer_run_create(&problem, context, options);
    char name[LONGEST_NAME];
    for (int32_t i = 0; i < problem.input_count; i++)
        set_view(run, &run->x[i].view, X_STREAM + (uint32_t)i, g->scale, layer_case_positive(&problem, i));
    if (problem.layer->is_loss)
        set_targets(run);
    else
        set_view(run, &run->dy.view, DY_STREAM, 2, false);
    for (int32_t i = 0; i < run->infer.param_count; i++) {
        double *values = hashed(layer_param_count(run, i), PARAM_STREAM + (uint32_t)i, 2);
        for (size_t k = 0; run->infer.param[i].momentum > 0 && k < layer_param_count(run, i); k++)
            values[k] = fabs(values[k]) + 0.25; /* a statistic: a variance is positive */
        layer_param_set(run, i, values);
        free(values);
    }
    assert_int_equal(layer_run_forward(run), FV_OK);
    check_view(g, run, "y", &run->y.view);
    assert_int_equal(layer_run_backward(run), FV_OK);
    for (int32_t i = 0; i < problem.input_count; i++) {
        snprintf(name, sizeof name, "dx%d", i);
        check_view(g, run, name, &run->dx[i].view);
    }
    for (int32_t i = 0; i < run->infer.param_count; i++) {
        double *values = test_doubles(layer_param_count(run, i));
        snprintf(name, sizeof name, "dparam%d", i);
        layer_param_get(run, i, run->dparam[i], values);
        check_tensor(g, name, values, layer_param_count(run, i));
        free(values);
    }
    layer_run_destroy(run);
}

static void run_family(const char *family, double scale, layer_run_options options, double bar)
{
    char path[512], problem[LONGEST_NAME];
    fv_context *context = NULL;
    golden g = { .family = family, .problem = problem, .scale = scale, .bar = bar };
    size_t cases = 0;
    snprintf(path, sizeof path, "%s/golden/layers/%s.txt", FVI_TEST_SOURCE, family);
    g.file = fopen(path, "r");
    assert_non_null(g.file);
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    for (; fscanf(g.file, "case %99[^\n]\n", problem) == 1; cases++)
        run_case(&g, context, options);
    assert_true(feof(g.file) && cases > 0);
    print_message("%s %s%s: %zu cases, worst error %.2g, allowed %.2g\n", family, fv_dtype_name(options.dtype),
                  options.reference ? " reference" : "", cases, g.worst, bar);
    fv_context_destroy(context);
    fclose(g.file);
}

/* A sum of m terms errs by at most m*eps times the sum of magnitudes (Higham 2002, 3.1); here m is at most 200, and
 * cancellation makes the largest result at worst ten times smaller than that sum. */
static void run_all(const char *family, double scale)
{
    run_family(family, scale, (layer_run_options){ .dtype = FV_F64, .reference = true }, 200 * 1.2e-16 * 10);
    run_family(family, scale, (layer_run_options){ .dtype = FV_F32, .reference = true }, 200 * 6e-8 * 10);
    run_family(family, scale, (layer_run_options){ .dtype = FV_F32 }, 200 * 6e-8 * 10);
}

FV_TEST(golden_layers, norm)
{
    run_all("norm", 2);
}

FV_TEST(golden_layers, convolution)
{
    run_all("convolution", 2);
}

FV_TEST(golden_layers, lenet)
{
    run_all("lenet", 2);
}

FV_TEST(golden_layers, pooling)
{
    run_all("pooling", 2);
}

FV_TEST(golden_layers, shapes)
{
    run_all("shapes", 2);
}

/* Inputs as wide as the pieces of the functions. */
FV_TEST(golden_layers, activations)
{
    run_all("activations", 16);
}

FV_TEST(golden_layers, losses)
{
    run_all("losses", 16);
}

/* Whether the file of a family has a case of this type. */
static bool has_case(const char *family, const char *type)
{
    char path[512], problem[LONGEST_NAME], wanted[LONGEST_NAME];
    bool found = false;
    snprintf(path, sizeof path, "%s/golden/layers/%s.txt", FVI_TEST_SOURCE, family);
    snprintf(wanted, sizeof wanted, "case %s ", type);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (!found && fgets(problem, sizeof problem, file) != NULL) /* of a longer line a piece */
        found = strncmp(problem, wanted, strlen(wanted)) == 0;
    fclose(file);
    return found;
}

FV_TEST(golden_layers, every_type_has_a_case)
{
    static const char *const families[] = {
        "convolution", "lenet", "norm", "pooling", "shapes", "activations", "losses"
    };
    for (size_t i = 0; fvi_layers[i] != NULL; i++) {
        bool found = fvi_layers[i]->is_input; /* computes nothing */
        for (size_t k = 0; k < sizeof families / sizeof families[0]; k++)
            found = found || has_case(families[k], fvi_layers[i]->name);
        if (!found)
            fail_msg("layer %s has no golden values: add a case to tools/golden_layers.py", fvi_layers[i]->name);
    }
}

FV_TESTS(golden_layers, every_type_has_a_case, convolution, lenet, norm, pooling, shapes, activations, losses)
