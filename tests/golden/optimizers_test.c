/* SPDX-License-Identifier: Apache-2.0
 *
 * optimizers_test.c - 100 steps of each optimizer in float64. The default forms against PyTorch (tools/golden_optimizers.py made the values);
 * the papers' forms, and what PyTorch does not have, against their formulas written out here. A step is some ten operations, and an
 * error is passed on by w/4 in the gradient, which shrinks it: 1e-12 is 100 steps of 40 roundings.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fovea/fovea.h"
#include "support/graphs.h"
#include "support/test.h"
#include "support/values.h"

enum { STEPS = 100, PARAMS = 4, MOST = 24, LINE = 4096 };

static const double tolerance = 1e-12, decay = 0.05;
static const size_t elements[PARAMS] = { 24, 3, 24, 2 }; /* weights, biases, weights, biases */

typedef struct fixture {
    test_allocator allocator;
    fv_context *context;
    fv_graph *graph;
    fv_params *params, *gradients;
    fv_optimizer *optimizer;
} fixture;

static void fill(fixture *f)
{
    for (uint32_t p = 0; p < PARAMS; p++) {
        assert_int_equal(fv_params_info(f->params, (int32_t)p).elements, elements[p]);
        for (uint32_t i = 0; i < elements[p]; i++)
            ((double *)fv_params_values(f->params, (int32_t)p))[i] = test_hashed(i, p);
    }
}

static void start(fixture *f, const fv_optimizer_options *options)
{
    const fv_conv2d_options conv = { .filters = 3, .kernel = { 2, 2 } };
    const fv_dense_options dense = { .units = 2 };
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    memset(f, 0, sizeof *f);
    f->context = test_context(&f->allocator, 2);
    assert_int_equal(fv_graph_create(&f->graph, f->context, "small"), FV_OK);
    assert_int_equal(fv_graph_add_input(f->graph, &(fv_input_options){ .shape = { 2, 3, 3 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(f->graph, x, &conv, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(f->graph, x, &dense, &x), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(f->graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(f->graph, x), FV_OK);
    assert_int_equal(fv_params_create(&f->params, f->graph, FV_F64), FV_OK);
    assert_int_equal(fv_params_create(&f->gradients, f->graph, FV_F64), FV_OK);
    assert_int_equal(fv_params_count(f->params), PARAMS);
    fill(f);
    if (fv_optimizer_create(&f->optimizer, f->params, options) != FV_OK)
        fail_msg("%s", fv_context_message(f->context));
}

static void end(fixture *f)
{
    fv_optimizer_destroy(f->optimizer);
    fv_params_destroy(f->params);
    fv_params_destroy(f->gradients);
    fv_graph_destroy(f->graph);
    fv_context_destroy(f->context);
    assert_int_equal(f->allocator.live, 0);
}

static double gradient(uint32_t step, uint32_t p, uint32_t i, double w)
{
    return test_hashed(i, 100 + 4 * step + p) + w / 4;
}

static double rate_of(double rate, uint32_t step)
{
    return rate * (1 - step / 200.0);
}

static void run(fixture *f, double rate)
{
    for (uint32_t step = 0; step < STEPS; step++) {
        for (uint32_t p = 0; p < PARAMS; p++) {
            const double *w = fv_params_values(f->params, (int32_t)p);
            double *g = fv_params_values(f->gradients, (int32_t)p);
            for (uint32_t i = 0; i < elements[p]; i++)
                g[i] = gradient(step, p, i, w[i]);
        }
        assert_int_equal(fv_optimizer_update(f->optimizer, f->gradients, rate_of(rate, step)), FV_OK);
    }
    assert_int_equal(fv_optimizer_steps(f->optimizer), STEPS);
}

/* A line of numbers. */
static void read_line(FILE *file, size_t count, double *values)
{
    char line[LINE], *at = line;
    assert_non_null(fgets(line, sizeof line, file));
    for (size_t i = 0; i < count; i++) {
        char *stop = at;
        values[i] = strtod(at, &stop);
        assert_ptr_not_equal(at, stop);
        at = stop;
    }
}

static void compare(fixture *f, const char *name, double expected[PARAMS][MOST])
{
    for (int32_t p = 0; p < PARAMS; p++) {
        const double error = test_values_error(fv_params_values(f->params, p), expected[p], elements[p]);
        if (!(error <= tolerance))
            fail_msg("%s: '%s' is off by %g", name, fv_params_info(f->params, p).name, error);
    }
}

FV_TEST(optimizers, follow_pytorch)
{
    static const struct {
        const char *name;
        double rate;
        fv_optimizer_options options;
    } cases[] = {
        { "sgd", 0.1, { 0 } },
        { "sgd_momentum", 0.02, { .momentum = 0.9 } },
        { "sgd_nesterov", 0.02, { .momentum = 0.9, .nesterov = true } },
        { "sgd_clip_norm", 0.05, { .momentum = 0.5, .clip_norm = 1.5 } },
        { "sgd_clip_value", 0.05, { .momentum = 0.5, .clip_value = 0.25 } },
        { "adagrad", 0.1, { .kind = FV_OPTIMIZER_ADAGRAD } },
        { "adadelta", 1, { .kind = FV_OPTIMIZER_ADADELTA } },
        { "rmsprop", 0.01, { .kind = FV_OPTIMIZER_RMSPROP } },
        { "rmsprop_momentum", 0.002, { .kind = FV_OPTIMIZER_RMSPROP, .momentum = 0.9 } },
        { "rmsprop_centered", 0.01, { .kind = FV_OPTIMIZER_RMSPROP, .centered = true, .smoothing = 0.9 } },
        { "rmsprop_centered_momentum", 0.002, { .kind = FV_OPTIMIZER_RMSPROP, .centered = true, .momentum = 0.8 } },
        { "adam", 0.01, { .kind = FV_OPTIMIZER_ADAM } },
        { "adam_betas", 0.01, { .kind = FV_OPTIMIZER_ADAM, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-4 } },
        { "adamw", 0.01, { .kind = FV_OPTIMIZER_ADAMW } },
        { "muon", 0.02, { .kind = FV_OPTIMIZER_MUON, .nesterov = true } },
        { "muon_plain_momentum", 0.02, { .kind = FV_OPTIMIZER_MUON, .momentum = 0.8 } },
        { "muon_match_adam", 0.02, { .kind = FV_OPTIMIZER_MUON, .nesterov = true, .match_adam = true } },
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        fixture f;
        double expected[PARAMS][MOST];
        char path[512];
        fv_optimizer_options options = cases[c].options;
        options.weight_decay = decay;
        start(&f, &options);
        run(&f, cases[c].rate);
        snprintf(path, sizeof path, "%s/golden/optimizers/%s.txt", FVI_TEST_SOURCE, cases[c].name);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        for (size_t p = 0; p < PARAMS; p++)
            read_line(file, elements[p], expected[p]);
        fclose(file);
        compare(&f, cases[c].name, expected);
        end(&f);
    }
}

/* What a formula sees of one parameter: g has no decay in it. s: slots, zero at the start. */
typedef struct formula_call {
    const fv_optimizer_options *options;
    size_t count;
    bool weights;
    int32_t step; /* from 1 */
    double rate;
    const double *g;
    double *w, (*s)[MOST];
} formula_call;

typedef void formula(const formula_call *c);

static double decayed(const formula_call *c, size_t i)
{
    return c->g[i] + (c->weights ? decay * c->w[i] : 0);
}

static double norm(const double *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* Sutskever et al. 2013, equations 1 and 2. */
static void sgd_paper(const formula_call *c)
{
    for (size_t i = 0; i < c->count; i++) {
        c->s[0][i] = 0.9 * c->s[0][i] - c->rate * decayed(c, i);
        c->w[i] += c->s[0][i];
    }
}

/* The same seen from the point ahead: s[0] is the velocity, w the point theta + 0.9 v at which the gradient was taken. */
static void nesterov_paper(const formula_call *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const double theta = c->w[i] - 0.9 * c->s[0][i];
        c->s[0][i] = 0.9 * c->s[0][i] - c->rate * decayed(c, i);
        c->w[i] = theta + c->s[0][i] + 0.9 * c->s[0][i];
    }
}

static void adagrad_paper(const formula_call *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const double g = decayed(c, i);
        c->s[0][i] += g * g;
        c->w[i] -= c->rate * g / sqrt(c->s[0][i] + 1e-3);
    }
}

/* Graves 2013, equations 38 to 41. */
static void rmsprop_paper(const formula_call *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const double g = decayed(c, i);
        c->s[0][i] = 0.95 * c->s[0][i] + 0.05 * g * g;
        c->s[1][i] = 0.95 * c->s[1][i] + 0.05 * g;
        c->s[2][i] = 0.9 * c->s[2][i] - c->rate * g / sqrt(c->s[0][i] - c->s[1][i] * c->s[1][i] + 1e-4);
        c->w[i] += c->s[2][i];
    }
}

static void adam_simplified(const formula_call *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const double g = decayed(c, i);
        c->s[0][i] = 0.9 * c->s[0][i] + 0.1 * g;
        c->s[1][i] = 0.999 * c->s[1][i] + 0.001 * g * g;
        c->w[i] -= c->rate * c->s[0][i] / (sqrt(c->s[1][i]) + 1e-8);
    }
}

/* With epsilon inside the root, and decay apart. */
static void adam_inside(const formula_call *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const double g = c->g[i];
        c->s[0][i] = 0.9 * c->s[0][i] + 0.1 * g;
        c->s[1][i] = 0.999 * c->s[1][i] + 0.001 * g * g;
        const double m = c->s[0][i] / (1 - pow(0.9, c->step)), v = c->s[1][i] / (1 - pow(0.999, c->step));
        c->w[i] -= c->weights ? c->rate * decay * c->w[i] : 0;
        c->w[i] -= c->rate * m / sqrt(v + 1e-4);
    }
}

/* You, Gitman & Ginsburg 2017, algorithm 1; biases by momentum alone. */
static void lars_paper(const formula_call *c)
{
    const double local =
        c->weights ? 0.02 * norm(c->w, c->count) / (norm(c->g, c->count) + decay * norm(c->w, c->count)) : 1;
    for (size_t i = 0; i < c->count; i++) {
        c->s[0][i] = 0.9 * c->s[0][i] + c->rate * local * decayed(c, i);
        c->w[i] -= c->s[0][i];
    }
}

static void lars_outside(const formula_call *c)
{
    const double local =
        c->weights ? 0.001 * norm(c->w, c->count) / (norm(c->g, c->count) + decay * norm(c->w, c->count)) : 1;
    for (size_t i = 0; i < c->count; i++) {
        c->s[0][i] = 0.9 * c->s[0][i] + local * decayed(c, i);
        c->w[i] -= c->rate * c->s[0][i];
    }
}

/* You et al. 2020, algorithm 2. */
static void lamb_paper(const formula_call *c)
{
    double u[MOST];
    for (size_t i = 0; i < c->count; i++) {
        c->s[0][i] = 0.9 * c->s[0][i] + 0.1 * c->g[i];
        c->s[1][i] = 0.999 * c->s[1][i] + 0.001 * c->g[i] * c->g[i];
        const double m = c->s[0][i] / (1 - pow(0.9, c->step)), v = c->s[1][i] / (1 - pow(0.999, c->step));
        u[i] = m / (sqrt(v) + 1e-6) + (c->weights ? decay * c->w[i] : 0);
    }
    const double ratio = c->weights ? norm(c->w, c->count) / norm(u, c->count) : 1;
    for (size_t i = 0; i < c->count; i++)
        c->w[i] -= c->rate * ratio * u[i];
}

/* Zhang et al. 2019, algorithm 1, with k = 6 and alpha = 0.4 around SGD; s[2] is the slow copy less the first weights. */
static void lookahead_paper(const formula_call *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->step == 1)
            c->s[2][i] = c->w[i];
        c->s[0][i] = 0.9 * c->s[0][i] + decayed(c, i);
        c->w[i] -= c->rate * c->s[0][i];
        if (c->step % 6 == 0)
            c->w[i] = c->s[2][i] = c->s[2][i] + 0.4 * (c->w[i] - c->s[2][i]);
    }
}

static void l1_subgradient(const formula_call *c)
{
    for (size_t i = 0; i < c->count; i++)
        c->w[i] -= c->rate * (decayed(c, i) + (c->weights ? 0.1 * ((c->w[i] > 0) - (c->w[i] < 0)) : 0));
}

static void decoupled_sgd(const formula_call *c)
{
    for (size_t i = 0; i < c->count; i++) {
        c->s[0][i] = 0.9 * c->s[0][i] + c->g[i];
        c->w[i] -= c->rate * c->s[0][i] + (c->weights ? c->rate * decay * c->w[i] : 0);
    }
}

static void follow(formula *rule, const fv_optimizer_options *options, double rate, double expected[PARAMS][MOST])
{
    static double slots[PARAMS][3][MOST];
    memset(slots, 0, sizeof slots);
    for (uint32_t p = 0; p < PARAMS; p++)
        for (uint32_t i = 0; i < elements[p]; i++)
            expected[p][i] = test_hashed(i, p);
    for (uint32_t step = 0; step < STEPS; step++)
        for (uint32_t p = 0; p < PARAMS; p++) {
            double g[MOST];
            for (uint32_t i = 0; i < elements[p]; i++)
                g[i] = gradient(step, p, i, expected[p][i]);
            rule(&(formula_call){ .options = options,
                                  .count = elements[p],
                                  .weights = p % 2 == 0,
                                  .step = (int32_t)step + 1,
                                  .rate = rate_of(rate, step),
                                  .g = g,
                                  .w = expected[p],
                                  .s = slots[p] });
        }
}

FV_TEST(optimizers, follow_their_formulas)
{
    static const struct {
        const char *name;
        formula *rule;
        double rate;
        fv_optimizer_options options;
    } cases[] = {
        { "sgd, lr_in_velocity", sgd_paper, 0.02, { .momentum = 0.9, .lr_in_velocity = true } },
        { "sgd, nesterov", nesterov_paper, 0.02, { .momentum = 0.9, .lr_in_velocity = true, .nesterov = true } },
        { "sgd, decoupled", decoupled_sgd, 0.02, { .momentum = 0.9, .decoupled = true } },
        { "sgd, l1", l1_subgradient, 0.02, { .l1 = 0.1 } },
        { "adagrad",
          adagrad_paper,
          0.1,
          { .kind = FV_OPTIMIZER_ADAGRAD, .epsilon = 1e-3, .epsilon_inside_root = true } },
        { "rmsprop",
          rmsprop_paper,
          0.002,
          { .kind = FV_OPTIMIZER_RMSPROP,
            .smoothing = 0.95,
            .momentum = 0.9,
            .centered = true,
            .epsilon = 1e-4,
            .epsilon_inside_root = true,
            .lr_in_velocity = true } },
        { "adam, simplified", adam_simplified, 0.01, { .kind = FV_OPTIMIZER_ADAM, .simplified = true } },
        { "adam, inside",
          adam_inside,
          0.01,
          { .kind = FV_OPTIMIZER_ADAM, .epsilon = 1e-4, .epsilon_inside_root = true, .decoupled = true } },
        { "lars, paper",
          lars_paper,
          1,
          { .kind = FV_OPTIMIZER_LARS, .momentum = 0.9, .trust = 0.02, .lr_in_velocity = true } },
        { "lars", lars_outside, 0.5, { .kind = FV_OPTIMIZER_LARS, .momentum = 0.9 } },
        { "lamb", lamb_paper, 0.02, { .kind = FV_OPTIMIZER_LAMB } },
        { "lookahead", lookahead_paper, 0.02, { .momentum = 0.9, .lookahead = 6, .lookahead_part = 0.4 } },
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        fixture f;
        double expected[PARAMS][MOST];
        fv_optimizer_options options = cases[c].options;
        options.weight_decay = decay;
        start(&f, &options);
        run(&f, cases[c].rate);
        follow(cases[c].rule, &options, cases[c].rate, expected);
        compare(&f, cases[c].name, expected);
        end(&f);
    }
}

FV_TESTS(optimizers, follow_pytorch, follow_their_formulas)
