/* SPDX-License-Identifier: Apache-2.0
 *
 * params_test.c - names, offsets, initial values, copies and hashes of parameters.
 */
#include <math.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"

static fv_params *make(fv_graph *graph, fv_dtype dtype, uint64_t seed)
{
    fv_params *params = NULL;
    assert_int_equal(fv_params_create(&params, graph, dtype), FV_OK);
    fv_params_initialize(params, seed);
    return params;
}

FV_TEST(params, lie_in_one_block_in_the_order_of_the_nodes)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = NULL;
    assert_int_equal(fv_zoo_build(&graph, context, "lenet5"), FV_OK);
    const long long before = allocator.live;
    fv_params *params = make(graph, FV_F32, 1);
    assert_int_equal(allocator.live, before + 1);
    static const char *const names[] = { "conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight",
                                         "fc1.bias",     "fc2.weight", "fc2.bias",     "fc3.weight", "fc3.bias" };
    assert_int_equal(fv_params_count(params), 10);
    const float *data = fv_params_data(params);
    size_t next = 0;
    for (int32_t i = 0; i < 10; i++) {
        const fv_param_info info = fv_params_info(params, i);
        assert_string_equal(info.name, names[i]);
        assert_int_equal(fv_params_find(params, names[i]), i);
        assert_int_equal(info.offset % 16, 0);
        assert_int_equal(info.offset, next);
        assert_ptr_equal(fv_params_values(params, i), data + info.offset);
        assert_int_equal(info.decayed, i % 2 == 0);
        assert_true(info.trained);
        assert_int_equal(info.initializer->kind, i % 2 == 0 ? FV_INIT_HE : FV_INIT_CONSTANT);
        next = (info.offset + (size_t)info.elements + 15) / 16 * 16;
        for (size_t j = info.offset + (size_t)info.elements; j < next; j++)
            assert_true(data[j] == 0);
    }
    assert_int_equal(fv_params_block_elements(params), next);
    assert_int_equal((uintptr_t)data % 64, 0);
    assert_int_equal(fv_params_find(params, "fc4.weight"), -1);
    assert_null(fv_params_values(params, 10));
    assert_null(fv_params_info(params, -1).name);
    fv_params_destroy(params);
    fv_params_destroy(NULL);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(params, initial_values_depend_on_seed_and_name_only)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 3), *serial = NULL;
    assert_int_equal(fv_context_create(&serial, &(fv_context_options){ .threads = 1 }), FV_OK);
    fv_graph *mnist = NULL, *cifar = NULL, *again = NULL;
    assert_int_equal(fv_zoo_build(&mnist, context, "convnetjs-mnist"), FV_OK);
    assert_int_equal(fv_zoo_build(&cifar, context, "lenet5"), FV_OK);
    assert_int_equal(fv_zoo_build(&again, serial, "convnetjs-mnist"), FV_OK);
    fv_params *a = make(mnist, FV_F32, 7), *b = make(again, FV_F32, 7), *c = make(mnist, FV_F32, 8),
              *d = make(cifar, FV_F32, 7);
    char one[17], two[17], three[17];
    fv_params_hash(a, one);
    fv_params_hash(b, two);
    fv_params_hash(c, three);
    assert_string_equal(one, two);
    assert_string_not_equal(one, three);
    /* Both networks have a conv1.weight over 25 inputs: one stream of draws, cut at different lengths. */
    assert_memory_equal(fv_params_values(a, 0), fv_params_values(d, 0), sizeof(float) * 6 * 25);
    fv_params_destroy(a);
    fv_params_destroy(b);
    fv_params_destroy(c);
    fv_params_destroy(d);
    fv_graph_destroy(mnist);
    fv_graph_destroy(cifar);
    fv_graph_destroy(again);
    fv_context_destroy(context);
    fv_context_destroy(serial);
}

FV_TEST(params, both_precisions_start_at_one_point)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = test_branches(context);
    fv_params *single = make(graph, FV_F32, 3), *doubled = make(graph, FV_F64, 3), *copy = make(graph, FV_F32, 4);
    const float *f = fv_params_data(single);
    const double *d = fv_params_data(doubled);
    for (size_t i = 0; i < fv_params_block_elements(single); i++)
        assert_true((double)f[i] == d[i]);
    char one[17], two[17];
    assert_int_equal(fv_params_copy(copy, doubled), FV_OK);
    fv_params_hash(single, one);
    fv_params_hash(copy, two);
    assert_string_equal(one, two);
    fv_params_zero(copy);
    for (size_t i = 0; i < fv_params_block_elements(copy); i++)
        assert_true(((const float *)fv_params_data(copy))[i] == 0);
    assert_int_equal(fv_params_copy(doubled, copy), FV_OK);
    assert_true(d[0] == 0);
    fv_params_destroy(single);
    fv_params_destroy(doubled);
    fv_params_destroy(copy);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(params, copies_between_different_networks_are_refused)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *a = NULL, *b = test_branches(context);
    fv_params *params = (fv_params *)context;
    assert_int_equal(fv_zoo_build(&a, context, "lenet5"), FV_OK);
    assert_int_equal(fv_params_create(&params, a, FV_BF16), FV_ERR_ARGUMENT);
    assert_null(params);
    fv_params *of_a = make(a, FV_F32, 1), *of_b = make(b, FV_F32, 1);
    assert_int_equal(fv_params_copy(of_a, of_b), FV_ERR_SHAPE);
    assert_non_null(strstr(fv_context_message(context), "'branches'"));
    fv_params_destroy(of_a);
    fv_params_destroy(of_b);
    fv_graph_destroy(a);
    fv_graph_destroy(b);
    fv_context_destroy(context);
}

/* One changed bit, and a sign of zero, change the hash; gaps are not part of it. */
FV_TEST(params, hash_covers_every_value)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context);
    fv_params *params = make(graph, FV_F32, 1);
    char before[17], after[17];
    fv_params_hash(params, before);
    assert_int_equal(strlen(before), 16);
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        float *values = fv_params_values(params, i);
        const size_t last = (size_t)fv_params_info(params, i).elements - 1;
        const float old = values[last];
        values[last] = old == 0 ? -old : nextafterf(old, 10);
        fv_params_hash(params, after);
        assert_string_not_equal(before, after);
        values[last] = old;
    }
    fv_params_hash(params, after);
    assert_string_equal(before, after);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(params, lie_in_one_block_in_the_order_of_the_nodes, initial_values_depend_on_seed_and_name_only,
         both_precisions_start_at_one_point, copies_between_different_networks_are_refused, hash_covers_every_value)
