/* SPDX-License-Identifier: Apache-2.0
 *
 * custom_test.c - layer types from outside: the same bits as the library's own layer of that formula, gradients with parameters, model
 * files, and what registering refuses.
 */
#include <math.h>
#include <string.h>

#include "support/files.h"
#include "support/graphs.h"
#include "support/test.h"

static ptrdiff_t place(const fv_custom_tensor *t, int32_t n, int32_t h, int32_t w, int32_t c)
{
    return n * t->image_stride + h * t->row_stride + w * t->pixel_stride + c;
}

static double get(const void *data, fv_dtype dtype, ptrdiff_t at)
{
    return dtype == FV_F64 ? ((const double *)data)[at] : (double)((const float *)data)[at];
}

static void put(void *data, fv_dtype dtype, ptrdiff_t at, double value)
{
    if (dtype == FV_F64)
        ((double *)data)[at] = value;
    else
        ((float *)data)[at] = (float)value;
}

/* y = gain[c] * x where x > 0, bend * gain[c] * x elsewhere; without a parameter gain is 1. */
typedef enum part { FORWARD, DATA, PARAMS } part;

static void walk(const fv_custom_call *call, part what)
{
    const fv_custom_tensor *x = &call->x[0];
    const bool gains = call->user != NULL;
    for (int32_t c = 0; c < x->c; c++) {
        const double gain = gains ? get(call->param[0], call->dtype, c) : 1.0;
        double sum = 0;
        for (int32_t i = 0; i < x->n * x->h * x->w; i++) {
            const int32_t n = i / (x->h * x->w), h = i / x->w % x->h, w = i % x->w;
            const double v = get(x->data, call->dtype, place(x, n, h, w, c)), bend = v > 0 ? 1.0 : call->option[0];
            const double dy = what == FORWARD ? 0 : get(call->dy.data, call->dtype, place(&call->dy, n, h, w, c));
            if (what == FORWARD)
                put(call->y.data, call->dtype, place(&call->y, n, h, w, c), gain * bend * v);
            else if (what == DATA)
                put(call->dx[0].data, call->dtype, place(&call->dx[0], n, h, w, c), gain * bend * dy);
            sum += dy * bend * v;
        }
        if (what == PARAMS)
            put(call->dparam[0], call->dtype, c, sum);
    }
}

static void forward(const fv_custom_call *call)
{
    walk(call, FORWARD);
}

static void backward_data(const fv_custom_call *call)
{
    walk(call, DATA);
}

static void backward_params(const fv_custom_call *call)
{
    walk(call, PARAMS);
}

static fv_status infer_gain(fv_custom_infer *node)
{
    if (node->in[0].c == 13) {
        snprintf(node->problem, sizeof node->problem, "13 channels bring bad luck");
        return FV_ERR_SHAPE;
    }
    node->param_count = 1;
    node->param[0] = (fv_custom_param){ .suffix = "gain",
                                        .shape = { .rank = 1, .size = { node->in[0].c } },
                                        .initializer = { .kind = FV_INIT_CONSTANT, .value = 1.5 } };
    return FV_OK;
}

static const fv_custom_layer bent = {
    .name = "bent",
    .formula = "y = x where x > 0, bend*x elsewhere",
    .option = { { .name = "bend", .fallback = 0.01, .low = 1e-6, .high = 1 } },
    .ignores_output = true,
    .forward = forward,
    .backward_data = backward_data,
};

static fv_custom_layer with_gain(void)
{
    static int gains;
    fv_custom_layer layer = bent;
    layer.name = "bent_gain";
    layer.user = &gains;
    layer.infer = infer_gain;
    layer.backward_params = backward_params;
    return layer;
}

/* image - conv - TYPE - dense - loss. */
static fv_graph *network(fv_context *context, const char *type, const void *options)
{
    const fv_conv2d_options conv = { .name = "conv", .filters = 5, .kernel = { 3, 3 } };
    const fv_dense_options dense = { .name = "fc", .units = 4 };
    fv_value x = FV_NO_VALUE;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 2, 7, 6 }, &x);
    x = test_add(graph, "conv2d", &x, 1, &conv);
    x = test_add(graph, type, &x, 1, options);
    x = test_add(graph, "dense", &x, 1, &dense);
    test_add(graph, "softmax_cross_entropy", &x, 1, NULL);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    return graph;
}

/* One step; gradients stay in the run's session. */
static test_run step(const fv_graph *graph)
{
    fv_step_result result;
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 9 });
    fv_batch batch = test_batch(graph, 9, 3);
    assert_int_equal(fv_session_step(run.session, &batch, &result), FV_OK);
    test_batch_release(&batch);
    return run;
}

/* Each product above is one rounding, as in the library's own kernel. */
FV_TEST(custom, same_bits_as_leaky_relu_for_any_number_of_threads)
{
    for (int32_t threads = 1; threads <= test_threads(3); threads++) {
        test_allocator allocator;
        fv_context *context = test_context(&allocator, threads);
        assert_int_equal(fv_layer_register(context, &bent), FV_OK);
        fv_graph *own = network(context, "leaky_relu", &(fv_leaky_relu_options){ .name = "f", .slope = 0.25 });
        fv_graph *custom = network(context, "bent", &(fv_custom_options){ .name = "f", .value = { 0.25 } });
        test_run a = step(own), b = step(custom);
        assert_true(test_params_error(fv_session_gradients(a.session), fv_session_gradients(b.session)) == 0);
        test_end(&a);
        test_end(&b);
        fv_graph_destroy(own);
        fv_graph_destroy(custom);
        fv_context_destroy(context);
        assert_int_equal(allocator.live, 0);
    }
}

FV_TEST(custom, gradients_of_inputs_and_parameters)
{
    const fv_custom_layer gain = with_gain();
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_gradient_check_result result;
    assert_int_equal(fv_layer_register(context, &gain), FV_OK);
    fv_graph *graph = network(context, "bent_gain", NULL);
    assert_int_equal(fv_graph_parameters(graph), 5 * 2 * 9 + 5 + 5 + 4 * 5 * 5 * 4 + 4);
    assert_int_equal(fv_gradient_check(graph, NULL, &result), FV_OK);
    assert_true(result.worst < 2e-6); /* as in gradcheck_test.c */
    assert_true(result.checked > 60);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(custom, a_model_file_keeps_type_option_and_values)
{
    char folder[TEST_PATH], path[TEST_PATH + 32];
    const fv_custom_layer gain = with_gain();
    const fv_preprocess preprocess = { .input = { 2, 7, 6 }, .classes = 4 };
    test_allocator allocator, other_allocator;
    fv_context *context = test_context(&allocator, 1), *other = test_context(&other_allocator, 1);
    fv_params *params = NULL;
    fv_model *model = NULL;
    char before[17], after[17];
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    assert_int_equal(fv_layer_register(context, &gain), FV_OK);
    fv_graph *graph = network(context, "bent_gain", &(fv_custom_options){ .name = "f", .value = { 0.125 } });
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 4);
    assert_true(((float *)fv_params_values(params, fv_params_find(params, "f.gain")))[2] == 1.5f);
    assert_int_equal(fv_model_write(context, path, params, &preprocess, NULL), FV_OK);

    assert_int_equal(fv_model_read(&model, other, path), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(other), "bent_gain"));
    assert_null(model);
    assert_int_equal(fv_layer_register(other, &gain), FV_OK);
    assert_int_equal(fv_model_read(&model, other, path), FV_OK);
    char *text = NULL;
    assert_int_equal(fv_graph_to_json(fv_model_graph(model), &text), FV_OK);
    assert_non_null(strstr(text, "0.125"));
    fv_text_release(other, text);
    fv_params_hash(params, before);
    fv_params_hash(fv_model_params(model), after);
    assert_string_equal(before, after);
    fv_model_destroy(model);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    fv_context_destroy(other);
    assert_int_equal(other_allocator.live, 0);
    test_folder_remove(folder);
}

FV_TEST(custom, nodes_that_do_not_fit_are_refused)
{
    const fv_custom_layer gain = with_gain();
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    assert_int_equal(fv_layer_register(context, &gain), FV_OK);
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 13, 2, 2 }, &x);
    assert_int_equal(fv_graph_add(graph, "bent_gain", &x, 1, NULL, &y), FV_ERR_SHAPE);
    assert_non_null(strstr(fv_context_message(context), "bad luck"));
    const fv_custom_options steep = { .name = "f", .value = { 2 } };
    assert_int_equal(fv_graph_add(graph, "bent_gain", &x, 1, &steep, &y), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "bend"));
    assert_int_equal(fv_graph_add(graph, "bent", &x, 1, NULL, &y), FV_ERR_ARGUMENT); /* not registered here */
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(custom, a_type_without_backward_predicts_and_does_not_train)
{
    fv_custom_layer forward_only = bent;
    forward_only.backward_data = NULL;
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_plan *plan = NULL;
    assert_int_equal(fv_layer_register(context, &forward_only), FV_OK);
    fv_graph *graph = network(context, "bent", NULL);
    assert_int_equal(fv_plan_create(&plan, graph, NULL), FV_ERR_UNSUPPORTED);
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .mode = FV_PREDICT }), FV_OK);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(custom, registering_refuses_what_makes_no_sense)
{
    static const char *const names[] = { "", "Bent", "relu", "a-b", "2x", NULL };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (int32_t i = 0; i < 6; i++) {
        fv_custom_layer layer = bent;
        layer.name = names[i];
        assert_int_equal(fv_layer_register(context, &layer), FV_ERR_ARGUMENT);
    }
    fv_custom_layer many = bent, deaf = bent, odd = bent, twice = bent;
    many.max_inputs = FV_CUSTOM_INPUTS + 1;
    deaf.forward = NULL;
    odd.option[0].fallback = 2;
    twice.option[1] = twice.option[0];
    assert_int_equal(fv_layer_register(context, &many), FV_ERR_ARGUMENT);
    assert_int_equal(fv_layer_register(context, &deaf), FV_ERR_ARGUMENT);
    assert_int_equal(fv_layer_register(context, &odd), FV_ERR_ARGUMENT);
    assert_int_equal(fv_layer_register(context, &twice), FV_ERR_ARGUMENT);
    assert_int_equal(fv_layer_register(context, &bent), FV_OK);
    assert_int_equal(fv_layer_register(context, &bent), FV_ERR_ARGUMENT); /* taken */
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

FV_TEST(custom, every_allocation_may_fail)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    const long long live = allocator.live;
    fv_status status = FV_ERR_MEMORY;
    for (long long succeed = 0; status == FV_ERR_MEMORY; succeed++) {
        test_allocator_fail_after(&allocator, succeed);
        status = fv_layer_register(context, &bent);
        assert_true(status == FV_OK || allocator.live == live);
    }
    assert_int_equal(status, FV_OK);
    test_allocator_succeed(&allocator);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

FV_TESTS(custom, same_bits_as_leaky_relu_for_any_number_of_threads, gradients_of_inputs_and_parameters,
         a_model_file_keeps_type_option_and_values, nodes_that_do_not_fit_are_refused,
         a_type_without_backward_predicts_and_does_not_train, registering_refuses_what_makes_no_sense,
         every_allocation_may_fail)
