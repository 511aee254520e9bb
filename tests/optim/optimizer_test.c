/* SPDX-License-Identifier: Apache-2.0
 *
 * optimizer_test.c - what all rules share: groups by name, state in slots and steps, steps given in parts, threads, norms, frozen
 * parameters, and options that are refused.
 */
#include <math.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"
#include "support/values.h"

typedef struct fixture {
    test_allocator allocator;
    fv_context *context;
    fv_graph *graph;
    fv_params *params, *gradients;
    fv_optimizer *optimizer;
} fixture;

static void open_network(fixture *f, int32_t threads)
{
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    memset(f, 0, sizeof *f);
    f->context = test_context(&f->allocator, threads);
    assert_int_equal(fv_graph_create(&f->graph, f->context, "small"), FV_OK);
    assert_int_equal(fv_graph_add_input(f->graph, &(fv_input_options){ .shape = { 3, 8, 8 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(f->graph, x, &(fv_conv2d_options){ .filters = 5, .kernel = { 3, 3 } }, &x),
                     FV_OK);
    assert_int_equal(fv_graph_add_batch_norm(f->graph, x, &(fv_batch_norm_options){ 0 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(f->graph, x, &(fv_dense_options){ .units = 230 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(f->graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(f->graph, x), FV_OK);
    assert_int_equal(fv_params_create(&f->params, f->graph, FV_F32), FV_OK);
    assert_int_equal(fv_params_create(&f->gradients, f->graph, FV_F32), FV_OK);
    fv_params_initialize(f->params, 1);
}

static void start(fixture *f, int32_t threads, const fv_optimizer_options *options)
{
    open_network(f, threads);
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

static void draw_gradients(const fixture *f, uint32_t step)
{
    for (int32_t p = 0; p < fv_params_count(f->params); p++) {
        float *g = fv_params_values(f->gradients, p);
        for (int64_t i = 0; i < fv_params_info(f->params, p).elements; i++)
            g[i] = (float)test_hashed((uint32_t)i, 100 * step + (uint32_t)p);
    }
}

static void steps(const fixture *f, uint32_t first, uint32_t end_step)
{
    for (uint32_t step = first; step < end_step; step++) {
        draw_gradients(f, step);
        assert_int_equal(fv_optimizer_update(f->optimizer, f->gradients, 0.01), FV_OK);
    }
}

/* One of each rule, with what has state of its own. */
static const fv_optimizer_options rules[] = {
    { .momentum = 0.9, .nesterov = true },
    { .kind = FV_OPTIMIZER_ADAGRAD, .l1 = 0.01, .average = FV_AVERAGE_EXPONENTIAL, .average_decay = 0.8 },
    { .kind = FV_OPTIMIZER_ADADELTA, .clip_norm = 1 },
    { .kind = FV_OPTIMIZER_RMSPROP, .centered = true, .momentum = 0.9 },
    { .kind = FV_OPTIMIZER_ADAM, .lookahead = 3, .clip_value = 0.3 },
    { .kind = FV_OPTIMIZER_ADAMW,
      .weight_decay = 0.1,
      .average = FV_AVERAGE_EQUAL,
      .average_start = 2,
      .average_every = 2 },
    { .kind = FV_OPTIMIZER_LARS, .momentum = 0.9, .weight_decay = 0.1 },
    { .kind = FV_OPTIMIZER_LAMB, .weight_decay = 0.1 },
    { .kind = FV_OPTIMIZER_MUON, .lookahead = 2, .weight_decay = 0.1 },
};
enum { RULES = sizeof rules / sizeof rules[0] };

FV_TEST(optimizer, threads_do_not_change_a_bit)
{
    for (size_t r = 0; r < RULES; r++) {
        char expected[17], hash[17];
        for (int32_t threads = 1; threads <= test_threads(4); threads++) {
            fixture f;
            start(&f, threads, &rules[r]);
            steps(&f, 0, 4);
            fv_params_hash(f.params, threads == 1 ? expected : hash);
            if (threads > 1)
                assert_string_equal(hash, expected);
            end(&f);
        }
    }
}

FV_TEST(optimizer, slots_and_steps_are_all_its_state)
{
    for (size_t r = 0; r < RULES; r++) {
        fixture whole, first, second;
        char expected[17], hash[17];
        start(&whole, 2, &rules[r]);
        start(&first, 2, &rules[r]);
        start(&second, 2, &rules[r]);
        steps(&whole, 0, 7);
        steps(&first, 0, 4);
        assert_int_equal(fv_params_copy(second.params, first.params), FV_OK);
        for (int32_t i = 0; i < fv_optimizer_slot_count(first.optimizer); i++) {
            assert_non_null(fv_optimizer_slot_name(first.optimizer, i));
            assert_int_equal(
                fv_params_copy(fv_optimizer_slot(second.optimizer, i), fv_optimizer_slot(first.optimizer, i)), FV_OK);
        }
        fv_optimizer_set_steps(second.optimizer, fv_optimizer_steps(first.optimizer));
        steps(&second, 4, 7);
        assert_int_equal(fv_optimizer_steps(second.optimizer), 7);
        fv_params_hash(whole.params, expected);
        fv_params_hash(second.params, hash);
        if (strcmp(hash, expected) != 0)
            fail_msg("%s goes on with other bits", fv_optimizer_kind_name(rules[r].kind));
        end(&whole);
        end(&first);
        end(&second);
    }
}

/* In parts: parameter by parameter from the last, the dense layer's by rows in two. */
static void steps_in_parts(const fixture *f, uint32_t end_step)
{
    for (uint32_t step = 0; step < end_step; step++) {
        draw_gradients(f, step);
        for (int32_t p = fv_params_count(f->params) - 1; p >= 0; p--) {
            const fv_param_info info = fv_params_info(f->params, p);
            const int64_t rows = info.shape.size[0], row = info.elements / rows;
            const float *g = fv_params_values(f->gradients, p);
            fv_gradient part = { .parameter = p, .values = g };
            if (rows > 100) {
                part.count = 77 * row;
                assert_int_equal(fv_optimizer_update_some(f->optimizer, &part, 1, 0.01), FV_OK);
                part = (fv_gradient){
                    .parameter = p, .values = g + 77 * row, .first = 77 * row, .count = (rows - 77) * row
                };
            }
            assert_int_equal(fv_optimizer_update_some(f->optimizer, &part, 1, 0.01), FV_OK);
        }
    }
}

FV_TEST(optimizer, parts_of_a_step_give_the_bits_of_the_whole)
{
    for (size_t r = 0; r < RULES; r++) {
        fixture whole, parts;
        char expected[17], hash[17];
        start(&whole, 2, &rules[r]);
        start(&parts, 2, &rules[r]);
        if (fv_optimizer_needs_all(&rules[r])) {
            const fv_gradient one = { .parameter = 0, .values = fv_params_values(parts.gradients, 0) };
            assert_int_equal(fv_optimizer_update_some(parts.optimizer, &one, 1, 0.01), FV_ERR_STATE);
            assert_non_null(strstr(fv_context_message(parts.context), "hand_over"));
        } else {
            steps(&whole, 0, 5);
            steps_in_parts(&parts, 5);
            assert_int_equal(fv_optimizer_steps(parts.optimizer), 5);
            fv_params_hash(whole.params, expected);
            fv_params_hash(parts.params, hash);
            assert_string_equal(hash, expected);
            /* Sums in another order: some 7e4 squares in double. */
            assert_true(fabs(fv_optimizer_gradient_norm(parts.optimizer) / fv_optimizer_gradient_norm(whole.optimizer) -
                             1) < 1e-11);
        }
        end(&whole);
        end(&parts);
    }
    assert_false(fv_optimizer_needs_all(NULL));
}

FV_TEST(optimizer, groups_set_rate_decay_and_what_stays)
{
    const fv_optimizer_options plain = { .weight_decay = 0.5 },
                               grouped = { .weight_decay = 0.5,
                                           .groups = "conv*(frozen), batch_norm?.*(rate=0.25) dense1.weight(decay=0) "
                                                     "*bias( rate=3 , decay=2.5e-1 ) *running_mean(frozen)" };
    fixture a, b;
    start(&a, 2, &plain);
    start(&b, 2, &grouped);
    fv_params *before = NULL;
    assert_int_equal(fv_params_create(&before, b.graph, FV_F32), FV_OK);
    assert_int_equal(fv_params_copy(before, b.params), FV_OK);
    steps(&b, 0, 1);
    for (int32_t p = 0; p < fv_params_count(b.params); p++) {
        const fv_param_info info = fv_params_info(b.params, p);
        const bool frozen = strncmp(info.name, "conv", 4) == 0 || strstr(info.name, "running_mean") != NULL;
        const bool bias = strstr(info.name, "bias") != NULL;
        const float rate = bias ? 0.03f : strncmp(info.name, "batch_norm", 10) == 0 ? 0.0025f : 0.01f;
        for (int64_t i = 0; i < info.elements; i += 7) {
            const float w = ((const float *)fv_params_values(before, p))[i],
                        g = ((const float *)fv_params_values(b.gradients, p))[i],
                        got = ((const float *)fv_params_values(b.params, p))[i];
            if (frozen)
                assert_true(got == w);
            else if (info.trained)
                assert_true(fabsf(got - (w - rate * (g + (bias ? 0.25f : 0) * w))) <= 1e-6f * (1 + fabsf(w)));
        }
    }
    /* Frozen parameters and statistics are not in the norm. */
    double squares = 0;
    for (int32_t p = 0; p < fv_params_count(b.params); p++) {
        const fv_param_info info = fv_params_info(b.params, p);
        for (int64_t i = 0; info.trained && strncmp(info.name, "conv", 4) != 0 && i < info.elements; i++)
            squares += pow((double)((const float *)fv_params_values(b.gradients, p))[i], 2);
    }
    assert_true(fabs(fv_optimizer_gradient_norm(b.optimizer) / sqrt(squares) - 1) < 1e-11);
    fv_params_destroy(before);
    end(&a);
    end(&b);
}

/* Means of the weights behind steps 1 ... 9, against sums in double: ten sums and products of float32. */
FV_TEST(optimizer, averages_are_means_of_weights)
{
    const fv_optimizer_options cases[] = {
        { .average = FV_AVERAGE_EQUAL },
        { .average = FV_AVERAGE_EQUAL, .average_start = 2, .average_every = 3 }, /* steps 3, 6 and 9 */
        { .average = FV_AVERAGE_EXPONENTIAL, .average_start = 1, .average_decay = 0.75, .groups = "conv*(frozen)" },
        { .average = FV_AVERAGE_EXPONENTIAL, .average_start = 20 },
    };
    enum { WATCHED = 5 };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        fixture f;
        start(&f, 2, &cases[c]);
        const int32_t dense = fv_params_find(f.params, "dense1.weight");
        const float *w = fv_params_values(f.params, dense);
        double mean[WATCHED] = { 0 }, largest = 0;
        for (uint32_t step = 1; step <= 9; step++) {
            steps(&f, step, step + 1);
            for (size_t i = 0; i < WATCHED; i++) {
                const double value = (double)w[i];
                largest = fmax(largest, fabs(value));
                if (c == 0)
                    mean[i] += value / 9;
                else if (c == 1)
                    mean[i] += step % 3 == 0 ? value / 3 : 0;
                else if (c == 2)
                    mean[i] = step <= 2 ? value : 0.75 * mean[i] + 0.25 * value;
                else
                    mean[i] = value;
            }
        }
        const float *got = fv_params_values(fv_optimizer_average(f.optimizer), dense);
        for (size_t i = 0; i < WATCHED; i++)
            assert_true(fabs((double)got[i] - mean[i]) <= 20 * 6e-8 * largest);
        assert_true(c != 2 ||
                    memcmp(fv_params_values(fv_optimizer_average(f.optimizer), 0), fv_params_values(f.params, 0),
                           4 * (size_t)fv_params_info(f.params, 0).elements) == 0);
        end(&f);
    }
    fixture f;
    start(&f, 1, NULL);
    assert_null(fv_optimizer_average(f.optimizer));
    end(&f);
}

FV_TEST(optimizer, a_step_that_fails_changes_nothing)
{
    for (size_t r = 0; r < RULES; r++) {
        fixture f;
        char before[17], after[17];
        start(&f, 2, &rules[r]);
        steps(&f, 0, 2);
        fv_params_hash(f.params, before);
        draw_gradients(&f, 2);
        ((float *)fv_params_values(f.gradients, 0))[11] = (float)NAN;
        assert_int_equal(fv_optimizer_update(f.optimizer, f.gradients, 0.01), FV_ERR_NUMERIC);
        assert_non_null(strstr(fv_context_message(f.context), fv_params_info(f.params, 0).name));
        fv_params_hash(f.params, after);
        assert_string_equal(before, after);
        assert_int_equal(fv_optimizer_steps(f.optimizer), 2);
        end(&f);
    }
}

FV_TEST(optimizer, bad_options_are_named)
{
    static const struct {
        fv_optimizer_options options;
        const char *word;
    } cases[] = {
        { { .kind = (fv_optimizer_kind)77 }, "kind 77" },
        { { .momentum = 1 }, "momentum is 1" },
        { { .weight_decay = -1 }, "weight_decay is -1" },
        { { .kind = FV_OPTIMIZER_ADAM, .momentum = 0.9 }, "adam: it has no momentum" },
        { { .kind = FV_OPTIMIZER_ADAM, .nesterov = true }, "no nesterov" },
        { { .beta1 = 0.9 }, "sgd: it has no beta1" },
        { { .kind = FV_OPTIMIZER_ADAM, .beta2 = 1 }, "beta2 is 1" },
        { { .kind = FV_OPTIMIZER_RMSPROP, .smoothing = NAN }, "smoothing" },
        { { .kind = FV_OPTIMIZER_LAMB, .decoupled = true }, "no decoupled" },
        { { .nesterov = true }, "nesterov needs a momentum" },
        { { .clip_norm = 1, .clip_value = 1 }, "only one" },
        { { .clip_norm = -2 }, "clip_norm is -2" },
        { { .l1 = INFINITY }, "l1 is inf" },
        { { .lookahead = -1 }, "lookahead is -1" },
        { { .average = (fv_average_kind)9 }, "kind 9 of average" },
        { { .average_decay = 1 }, "average_decay is 1" },
        { { .lookahead_part = 1.5 }, "lookahead_part is 1.5" },
        { { .groups = "convolution*(frozen)" }, "'convolution*' matches no parameter" },
        { { .groups = "conv*" }, "'(' behind the pattern" },
        { { .groups = "conv*(frosen)" }, "did you mean 'frozen'" },
        { { .groups = "conv*(rate)" }, "'=' and a number" },
        { { .groups = "conv*(rate=fast)" }, "rate of 'conv*' is 'fast'" },
        { { .groups = "conv*(rate=-1)" }, "must be a number of at least 0" },
        { { .groups = "conv*(frozen" }, "',' or ')'" },
        { { .groups = "conv*()" }, "a property is wanted" },
    };
    fixture f;
    open_network(&f, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_optimizer *optimizer = NULL;
        assert_int_equal(fv_optimizer_create(&optimizer, f.params, &cases[i].options), FV_ERR_ARGUMENT);
        assert_null(optimizer);
        if (strstr(fv_context_message(f.context), cases[i].word) == NULL)
            fail_msg("'%s' does not say '%s'", fv_context_message(f.context), cases[i].word);
    }
    end(&f);
}

/* The allocator fails at call 0, 1, 2, ... until nothing fails. */
FV_TEST(optimizer, every_failed_allocation_is_survived)
{
    fixture f;
    open_network(&f, 1);
    const long long live = f.allocator.live;
    for (long long calls = 0;; calls++) {
        fv_optimizer *optimizer = NULL;
        test_allocator_fail_after(&f.allocator, calls);
        const fv_status status = fv_optimizer_create(&optimizer, f.params, &rules[RULES - 1]);
        test_allocator_succeed(&f.allocator);
        if (status == FV_OK) {
            assert_true(calls > 8);
            fv_optimizer_destroy(optimizer);
            break;
        }
        assert_int_equal(status, FV_ERR_MEMORY);
        assert_null(optimizer);
        assert_true(f.allocator.live == live);
    }
    end(&f);
}

static float first_weight_after(const fv_optimizer_options *options)
{
    fixture f;
    start(&f, 1, options);
    steps(&f, 0, 3);
    const float value = ((const float *)fv_params_values(f.params, 0))[0];
    end(&f);
    return value;
}

/* 0 means the usual number, unless it is given: then it is 0. Adam with beta1 = beta2 = 0 steps by the rate, times the gradient's sign (and
 * epsilon, 1e-8 of gradients of about 1). */
FV_TEST(optimizer, zero_can_be_given)
{
    fv_optimizer_options usual = { .kind = FV_OPTIMIZER_ADAM }, same = { .kind = FV_OPTIMIZER_ADAM, .beta1 = 0.9 };
    fv_optimizer_options zero = { .kind = FV_OPTIMIZER_ADAM, .given = FV_GIVEN_BETA1 };
    assert_true(first_weight_after(&usual) == first_weight_after(&same));
    assert_true(first_weight_after(&usual) != first_weight_after(&zero));
    const fv_optimizer_options plain = { .kind = FV_OPTIMIZER_MUON, .given = FV_GIVEN_MOMENTUM },
                               muon = { .kind = FV_OPTIMIZER_MUON };
    assert_true(first_weight_after(&plain) != first_weight_after(&muon));
    fixture f;
    zero.given = FV_GIVEN_BETA1 | FV_GIVEN_BETA2;
    start(&f, 1, &zero);
    const float before = ((const float *)fv_params_values(f.params, 0))[0];
    draw_gradients(&f, 0);
    const float gradient = ((const float *)fv_params_values(f.gradients, 0))[0];
    assert_int_equal(fv_optimizer_update(f.optimizer, f.gradients, 0.01), FV_OK);
    const double step = (double)((const float *)fv_params_values(f.params, 0))[0] - (double)before;
    assert_true(fabs((double)gradient) > 1e-3);
    /* Roundings of the weight, below 1, and of the step; epsilon is 1e-5 of the gradient at most. */
    assert_true(fabs(step + 0.01 * (gradient > 0 ? 1 : -1)) < 0x1p-24 + 0.01 * (1e-5 + 0x1p-20));
    end(&f);
    const fv_optimizer_options rms = { .kind = FV_OPTIMIZER_RMSPROP, .given = FV_GIVEN_SMOOTHING },
                               usual_rms = { .kind = FV_OPTIMIZER_RMSPROP };
    assert_true(first_weight_after(&rms) != first_weight_after(&usual_rms));
    /* An average without memory is the weights. */
    const fv_optimizer_options mean = { .average = FV_AVERAGE_EXPONENTIAL, .given = FV_GIVEN_AVERAGE_DECAY };
    start(&f, 1, &mean);
    steps(&f, 0, 3);
    assert_memory_equal(fv_params_data(fv_optimizer_average(f.optimizer)), fv_params_data(f.params),
                        fv_params_block_elements(f.params) * sizeof(float));
    end(&f);
}

FV_TESTS(optimizer, threads_do_not_change_a_bit, slots_and_steps_are_all_its_state,
         parts_of_a_step_give_the_bits_of_the_whole, groups_set_rate_decay_and_what_stays,
         averages_are_means_of_weights, a_step_that_fails_changes_nothing, bad_options_are_named, zero_can_be_given,
         every_failed_allocation_is_survived)
