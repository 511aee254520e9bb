/* SPDX-License-Identifier: Apache-2.0
 *
 * sgd_test.c - the update rule against its formula, and that a bad gradient changes nothing. Against PyTorch:
 * tests/golden.
 */
#include <math.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"

typedef struct fixture {
    test_allocator allocator;
    fv_context *context;
    fv_graph *graph;
    fv_params *params, *gradients, *expected, *velocity;
    fv_optimizer *optimizer;
} fixture;

static void fill(fv_params *params, double scale)
{
    for (int32_t p = 0; p < fv_params_count(params); p++)
        for (int64_t i = 0; i < fv_params_info(params, p).elements; i++) {
            const double value = scale * sin(1 + (double)i * 0.7 + p);
            if (fv_params_dtype(params) == FV_F64)
                ((double *)fv_params_values(params, p))[i] = value;
            else
                ((float *)fv_params_values(params, p))[i] = (float)value;
        }
}

static void start(fixture *f, fv_dtype dtype, fv_optimizer_options options)
{
    f->context = test_context(&f->allocator, 2);
    assert_int_equal(fv_zoo_build(&f->graph, f->context, "lenet5"), FV_OK);
    assert_int_equal(fv_params_create(&f->params, f->graph, dtype), FV_OK);
    assert_int_equal(fv_params_create(&f->gradients, f->graph, dtype), FV_OK);
    assert_int_equal(fv_params_create(&f->expected, f->graph, FV_F64), FV_OK);
    assert_int_equal(fv_params_create(&f->velocity, f->graph, FV_F64), FV_OK);
    fill(f->params, 1);
    fill(f->gradients, 0.1);
    assert_int_equal(fv_params_copy(f->expected, f->params), FV_OK);
    assert_int_equal(fv_optimizer_create(&f->optimizer, f->params, &options), FV_OK);
}

static void end(fixture *f)
{
    fv_optimizer_destroy(f->optimizer);
    fv_params_destroy(f->params);
    fv_params_destroy(f->gradients);
    fv_params_destroy(f->expected);
    fv_params_destroy(f->velocity);
    fv_graph_destroy(f->graph);
    fv_context_destroy(f->context);
    assert_int_equal(f->allocator.live, 0);
}

/* The formula of optimizer.h, on everything, in double. */
static void expect_step(fixture *f, fv_optimizer_options options, double rate)
{
    for (int32_t p = 0; p < fv_params_count(f->params); p++) {
        const fv_param_info info = fv_params_info(f->params, p);
        double *w = fv_params_values(f->expected, p), *v = fv_params_values(f->velocity, p);
        for (int64_t i = 0; i < info.elements; i++) {
            const double gradient = fv_params_dtype(f->gradients) == FV_F64
                                        ? ((const double *)fv_params_values(f->gradients, p))[i]
                                        : (double)((const float *)fv_params_values(f->gradients, p))[i];
            const double g = gradient + (info.decayed ? options.weight_decay * w[i] : 0);
            v[i] = options.momentum * v[i] + g;
            w[i] -= rate * v[i];
        }
    }
}

static void check_formula(fv_dtype dtype, double eps)
{
    const fv_optimizer_options options = { .momentum = 0.9, .weight_decay = 0.02 };
    fixture f = { 0 };
    start(&f, dtype, options);
    for (int32_t step = 0; step < 3; step++) {
        expect_step(&f, options, 0.1);
        assert_int_equal(fv_optimizer_update(f.optimizer, f.gradients, 0.1), FV_OK);
        assert_true(test_params_error(f.params, f.expected) <= 6 * (step + 1) * eps); /* six operations a step */
        assert_true(test_params_error(fv_optimizer_slot(f.optimizer, 0), f.velocity) <= 6 * (step + 1) * eps);
    }
    const size_t last = fv_params_block_elements(f.params) - 1; /* a gap: biases of fc3 are ten */
    assert_true(dtype == FV_F64 ? ((double *)fv_params_data(f.params))[last] == 0
                                : ((float *)fv_params_data(f.params))[last] == 0);
    end(&f);
}

FV_TEST(sgd, follows_its_formula)
{
    check_formula(FV_F64, 1.2e-16);
    check_formula(FV_F32, 6.0e-8);
}

FV_TEST(sgd, a_gradient_that_is_not_finite_changes_nothing)
{
    static const double bad[] = { NAN, INFINITY, -INFINITY };
    for (size_t i = 0; i < 3; i++) {
        fixture f = { 0 };
        start(&f, FV_F32, (fv_optimizer_options){ .momentum = 0.9 });
        assert_int_equal(fv_optimizer_update(f.optimizer, f.gradients, 0.1), FV_OK);
        char weights[17], velocity[17], after[17];
        fv_params_hash(f.params, weights);
        fv_params_hash(fv_optimizer_slot(f.optimizer, 0), velocity);
        ((float *)fv_params_values(f.gradients, fv_params_find(f.gradients, "fc1.weight")))[40000 + i] = (float)bad[i];
        assert_int_equal(fv_optimizer_update(f.optimizer, f.gradients, 0.1), FV_ERR_NUMERIC);
        assert_non_null(strstr(fv_context_message(f.context), "'fc1.weight'"));
        fv_params_hash(f.params, after);
        assert_string_equal(weights, after);
        fv_params_hash(fv_optimizer_slot(f.optimizer, 0), after);
        assert_string_equal(velocity, after);
        end(&f);
    }
}

/* Squares of 1e30 overflow in float32; the gradient itself is finite and so is the step. */
FV_TEST(sgd, a_large_gradient_is_no_error)
{
    fixture f = { 0 };
    start(&f, FV_F32, (fv_optimizer_options){ 0 });
    ((float *)fv_params_values(f.gradients, 0))[3] = 1e30f;
    assert_int_equal(fv_optimizer_update(f.optimizer, f.gradients, 1e-30), FV_OK);
    assert_true(fabs((double)((float *)fv_params_values(f.params, 0))[3] - (sin(1 + 3 * 0.7) - 1)) < 1e-6);
    end(&f);
}

FV_TEST(sgd, bad_options_are_named)
{
    fixture f = { 0 };
    start(&f, FV_F32, (fv_optimizer_options){ 0 });
    static const fv_optimizer_options bad[] = {
        { .momentum = 1 },      { .momentum = -0.1 },         { .momentum = NAN },
        { .weight_decay = -1 }, { .weight_decay = INFINITY },
    };
    for (size_t i = 0; i < 5; i++) {
        fv_optimizer *optimizer = f.optimizer;
        assert_int_equal(fv_optimizer_create(&optimizer, f.params, &bad[i]), FV_ERR_ARGUMENT);
        assert_null(optimizer);
        assert_non_null(strstr(fv_context_message(f.context), i < 3 ? "momentum" : "weight_decay"));
    }
    assert_int_equal(fv_optimizer_update(f.optimizer, f.gradients, NAN), FV_ERR_ARGUMENT);
    assert_int_equal(fv_optimizer_update(f.optimizer, f.velocity, 0.1), FV_ERR_SHAPE); /* float64 */
    end(&f);
}

FV_TESTS(sgd, follows_its_formula, a_gradient_that_is_not_finite_changes_nothing, a_large_gradient_is_no_error,
         bad_options_are_named)
