/* SPDX-License-Identifier: Apache-2.0
 *
 * graphs.c - see graphs.h.
 */
#include "support/graphs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/test.h"

fv_context *test_context(test_allocator *allocator, int32_t threads)
{
    test_allocator_reset(allocator);
    const fv_context_options options = { .threads = threads, .allocator = test_allocator_callbacks(allocator) };
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

fv_graph *test_graph_start(fv_context *context, fv_image_shape shape, fv_value *image)
{
    fv_graph *graph = NULL;
    const fv_input_options options = { .name = "image", .shape = { shape.c, shape.h, shape.w } };
    assert_int_equal(fv_graph_create(&graph, context, "test"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &options, image), FV_OK);
    return graph;
}

fv_value test_add(fv_graph *graph, const char *type, const fv_value *inputs, int32_t count, const void *options)
{
    fv_value out = FV_NO_VALUE;
    if (fv_graph_add(graph, type, inputs, count, options, &out) != FV_OK)
        fail_msg("%s", fv_context_message(fv_graph_context(graph)));
    return out;
}

static fv_value add(fv_graph *graph, const char *type, const char *name, const fv_value *inputs, int32_t count)
{
    fv_value out = FV_NO_VALUE;
    const fv_plain_options options = { .name = name };
    assert_int_equal(fv_graph_add(graph, type, inputs, count, &options, &out), FV_OK);
    return out;
}

static fv_value convolve(fv_graph *graph, const char *name, fv_value x, int32_t filters, int32_t kernel)
{
    fv_value out = FV_NO_VALUE;
    const fv_conv2d_options options = {
        .name = name, .filters = filters, .kernel = { kernel, kernel }, .padding = FV_PAD_SAME
    };
    assert_int_equal(fv_graph_add_conv2d(graph, x, &options, &out), FV_OK);
    return out;
}

fv_graph *test_branches(fv_context *context)
{
    fv_graph *graph = NULL;
    fv_value image = FV_NO_VALUE, pool = FV_NO_VALUE, fc = FV_NO_VALUE, loss = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&graph, context, "branches"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .name = "image", .shape = { 3, 9, 9 } }, &image),
                     FV_OK);
    const fv_value ra = add(graph, "relu", "ra", (fv_value[]){ convolve(graph, "a", image, 4, 3) }, 1);
    const fv_value tb = add(graph, "tanh", "tb", (fv_value[]){ convolve(graph, "b", ra, 5, 3) }, 1);
    const fv_value c = convolve(graph, "c", ra, 4, 1);
    const fv_value rs = add(graph, "relu", "rs", (fv_value[]){ add(graph, "add", "sum", (fv_value[]){ c, ra }, 2) }, 1);
    fv_value e = FV_NO_VALUE;
    assert_int_equal(fv_graph_add_elu(graph, ra, &(fv_elu_options){ .name = "e" }, &e), FV_OK);
    const fv_value join = add(graph, "concat", "join", (fv_value[]){ tb, rs, e }, 3);
    const fv_value same = add(graph, "identity", "same", &join, 1);
    assert_int_equal(
        fv_graph_add_average_pool2d(graph, same, &(fv_pool2d_options){ .name = "pool", .kernel = { 3, 3 } }, &pool),
        FV_OK);
    const fv_value flat = add(graph, "flatten", "flatten", &pool, 1);
    assert_int_equal(fv_graph_add_dense(graph, flat, &(fv_dense_options){ .name = "fc", .units = 4 }, &fc), FV_OK);
    assert_int_equal(
        fv_graph_add_softmax_cross_entropy(graph, fc, &(fv_softmax_cross_entropy_options){ .name = "loss" }, &loss),
        FV_OK);
    assert_int_equal(fv_graph_finish(graph, fc), FV_OK);
    return graph;
}

static size_t elements_of(const fv_graph *graph, fv_value value)
{
    const fv_image_shape shape = fv_graph_node(graph, value).output;
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

fv_batch test_batch(const fv_graph *graph, int32_t n, uint64_t seed)
{
    const size_t count = (size_t)n * elements_of(graph, fv_graph_input(graph));
    double *images = malloc(count * sizeof *images);
    int32_t *classes = malloc((size_t)n * sizeof *classes);
    assert_true(images != NULL && classes != NULL);
    fvi_random random = fvi_random_start(seed, FVI_PURPOSE_TEST, 9);
    for (size_t i = 0; i < count; i++)
        images[i] = (double)(float)(2 * fvi_random_uniform(&random) - 1);
    for (int32_t i = 0; i < n; i++)
        classes[i] = (int32_t)fvi_random_below(&random, (uint32_t)elements_of(graph, fv_graph_output(graph)));
    return (fv_batch){ .n = n, .images = images, .dtype = FV_F64, .classes = classes };
}

void test_batch_release(fv_batch *batch)
{
    free((void *)(uintptr_t)batch->images);
    free((void *)(uintptr_t)batch->classes);
}

fv_batch test_batch_part(const fv_graph *graph, const fv_batch *batch, int32_t first, int32_t n)
{
    fv_batch part = *batch;
    part.n = n;
    part.images = (const double *)batch->images + (size_t)first * elements_of(graph, fv_graph_input(graph));
    part.classes = batch->classes + first;
    return part;
}

fv_value test_node(const fv_graph *graph, const char *name)
{
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++)
        if (strcmp(fv_graph_node(graph, i).name, name) == 0)
            return i;
    fail_msg("no node '%s'", name);
    return FV_NO_VALUE;
}

static void set(fv_params *params, int32_t index, int64_t element, double value)
{
    if (fv_params_dtype(params) == FV_F64)
        ((double *)fv_params_values(params, index))[element] = value;
    else
        ((float *)fv_params_values(params, index))[element] = (float)value;
}

static double get(const void *values, fv_dtype dtype, size_t index)
{
    return dtype == FV_F64 ? ((const double *)values)[index] : (double)((const float *)values)[index];
}

test_run test_start(const fv_graph *graph, const fv_plan_options *options)
{
    test_run run = { 0 };
    fv_context *context = fv_graph_context(graph);
    if (fv_plan_create(&run.plan, graph, options) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    const fv_dtype dtype = fv_plan_get_options(run.plan).dtype;
    assert_int_equal(fv_params_create(&run.params, graph, dtype == FV_BF16 ? FV_F32 : dtype), FV_OK);
    fv_params_initialize(run.params, 1);
    fvi_random random = fvi_random_start(1, FVI_PURPOSE_TEST, 10);
    for (int32_t i = 0; i < fv_params_count(run.params); i++)
        for (int64_t j = 0; j < fv_params_info(run.params, i).elements; j++) {
            const double old = get(fv_params_values(run.params, i), fv_params_dtype(run.params), (size_t)j);
            set(run.params, i, j, (double)(float)(old + 0.1 * (fvi_random_uniform(&random) - 0.5)));
        }
    if (fv_session_create(&run.session, run.plan, run.params) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    return run;
}

void test_end(test_run *run)
{
    fv_session_destroy(run->session);
    fv_plan_destroy(run->plan);
    fv_params_destroy(run->params);
}

double test_tensor_error(const void *a, fv_dtype a_dtype, const void *b, fv_dtype b_dtype, size_t count)
{
    double error = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = fabs(get(a, a_dtype, i) - get(b, b_dtype, i));
        error = difference <= error ? error : difference; /* a NaN stays */
        largest = fmax(largest, fabs(get(b, b_dtype, i)));
    }
    return largest > 0 ? error / largest : error;
}

double test_params_error(fv_params *a, fv_params *b)
{
    double worst = 0;
    assert_int_equal(fv_params_count(a), fv_params_count(b));
    for (int32_t i = 0; i < fv_params_count(a); i++) {
        const double error = test_tensor_error(fv_params_values(a, i), fv_params_dtype(a), fv_params_values(b, i),
                                               fv_params_dtype(b), (size_t)fv_params_info(a, i).elements);
        worst = error <= worst ? worst : error;
    }
    return worst;
}
