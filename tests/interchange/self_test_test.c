/* SPDX-License-Identifier: Apache-2.0
 *
 * self_test_test.c - the input of a seed is what its header says; files carry self-tests, which tell wrong values from rounding.
 */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "fovea/self_test.h"
#include "fovea/zoo.h"
#include "interchange/model_format.h"
#include "interchange/self_test.h"
#include "support/files.h"
#include "support/test.h"

static fv_context *new_context(void)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = test_threads(2) }), FV_OK);
    return context;
}

static const fv_preprocess preprocess = {
    .input = { 2, 3, 5 }, .mean = { 0.25, 0.5 }, .deviation = { 0.5, 0 }, .classes = 4
};

static fv_params *make_params(fv_context *context, fv_graph **graph)
{
    fv_value x = FV_NO_VALUE;
    fv_params *params = NULL;
    assert_int_equal(fv_graph_create(graph, context, "tiny"), FV_OK);
    assert_int_equal(fv_graph_add_input(*graph, &(fv_input_options){ .shape = { 2, 3, 5 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(*graph, x, &(fv_dense_options){ .units = 4 }, &x), FV_OK);
    assert_int_equal(fv_graph_finish(*graph, x), FV_OK);
    assert_int_equal(fv_params_create(&params, *graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    return params;
}

FV_TEST(self_test, input_is_as_documented)
{
    const uint64_t seed = UINT64_C(0x123456789A);
    const uint32_t key[2] = { 0x3456789A, 0x12 };
    float image[3 * 5 * 2];
    fv_self_test_input(&preprocess, seed, image);
    for (uint32_t i = 0; i < 30; i++) {
        const uint32_t counter[4] = { i / 4 };
        uint32_t draw[4];
        fvi_philox(counter, key, draw);
        const double p = floor(draw[i % 4] / 256.0) / 16777216.0;
        assert_true(image[i] == (float)(i % 2 == 0 ? (p - 0.25) / 0.5 : p - 0.5));
    }
}

FV_TEST(self_test, text_gives_back_the_bits)
{
    fv_context *context = new_context();
    float output[3] = { 1.0f / 3, -1.17549435e-38f, 3.40282347e38f };
    char *text = NULL;
    const fv_self_test test = { .seed = 7, .count = 3, .output = output };
    assert_int_equal(fv_self_test_to_json(&test, context, &text), FV_OK);
    assert_string_equal(text,
                        "{\"seed\":7,\"plan\":\"reference\",\"output\":[0.333333343,-1.17549435e-38,3.40282347e38]}");
    fv_text_release(context, text);
    fv_context_destroy(context);
}

/* A file with this text in its metadata; NULL: none. */
static void write_with(fv_context *context, const char *path, const char *text)
{
    fv_graph *graph = NULL;
    json_t *metadata = NULL;
    fv_params *params = make_params(context, &graph);
    const fvi_tensor_source sources[2] = { fvi_model_tensor(params, 0), fvi_model_tensor(params, 1) };
    assert_int_equal(fvi_model_metadata(&metadata, context, path, params, &preprocess, NULL), FV_OK);
    if (text != NULL)
        json_object_set_new(metadata, FVI_SELF_TEST, json_string(text));
    assert_int_equal(fvi_safetensors_write(context, path, metadata, sources, 2), FV_OK);
    json_decref(metadata);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

static const struct {
    const char *text, *words;
} bad[] = {
    { "", NULL }, /* none */
    { "{", "self_test" },
    { "[1]", "self_test" },
    { "{\"seed\":1}", "'output' is missing" },
    { "{\"output\":[1,2,3,4]}", "'seed' is missing" },
    { "{\"seed\":-1,\"output\":[1,2,3,4]}", "seed" },
    { "{\"seed\":9007199254740992,\"output\":[1,2,3,4]}", "seed" },
    { "{\"seed\":1,\"output\":[1,2,3]}", "3 values, the network has 4 outputs" },
    { "{\"seed\":1,\"output\":[1,2,3,4,5]}", "5 values, the network has 4 outputs" },
    { "{\"seed\":1,\"output\":[1,2,3,1e39]}", "beyond float32" },
    { "{\"seed\":1,\"output\":[1,2,3,\"4\"]}", "output" },
};

FV_TEST(self_test, bad_texts_are_told)
{
    fv_context *context = new_context();
    char folder[TEST_PATH], path[TEST_PATH];
    test_folder_make(folder);
    test_path(path, folder, "model.safetensors");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fv_model *model = NULL;
        fv_self_test_result result;
        write_with(context, path, i == 0 ? NULL : bad[i].text);
        assert_int_equal(fv_model_read(&model, context, path), FV_OK);
        const fv_status status = fv_self_test_run(&result, model);
        assert_int_equal(result.outputs, 0);
        if (status != (i == 0 ? FV_OK : FV_ERR_FORMAT) ||
            (i > 0 && strstr(fv_context_message(context), bad[i].words) == NULL))
            fail_msg("%s: %s, '%s'", bad[i].text, fv_status_name(status), fv_context_message(context));
        fv_model_destroy(model);
    }
    test_folder_remove(folder);
    fv_context_destroy(context);
}

static void write_zoo(fv_context *context, const char *name, const char *path)
{
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    assert_int_equal(fv_zoo_build(&graph, context, name), FV_OK);
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 5);
    const fv_image_shape input = fv_graph_node(graph, fv_graph_input(graph)).output;
    const fv_preprocess plain = { .input = input, .mean = { 0.4, 0.4, 0.4 }, .deviation = { 0.2, 0.2, 0.2 } };
    assert_int_equal(fv_model_write(context, path, params, &plain, NULL), FV_OK);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

/* The two plans differ, by less than the bound; one per cent in one convolution's weights is seen; and the values stay. */
static void check_network(const char *name)
{
    fv_context *context = new_context();
    char folder[TEST_PATH], path[TEST_PATH], before[17], after[17];
    fv_model *model = NULL;
    fv_self_test_result result;
    test_folder_make(folder);
    test_path(path, folder, "model.safetensors");
    write_zoo(context, name, path);
    assert_int_equal(fv_model_read(&model, context, path), FV_OK);
    fv_params *params = fv_model_params(model);
    fv_params_hash(params, before);
    assert_int_equal(fv_self_test_run(&result, model), FV_OK);
    fv_params_hash(params, after);
    assert_string_equal(before, after);
    if (result.outputs != 10 || !result.agrees || !(result.difference > 0) || !(result.bound < 1e-3))
        fail_msg("%s: %d outputs, difference %g, bound %g", name, result.outputs, result.difference, result.bound);
    float *weights = fv_params_values(params, 0);
    for (int64_t i = 0; i < fv_params_info(params, 0).elements; i++)
        weights[i] *= 1.01f;
    assert_int_equal(fv_self_test_run(&result, model), FV_OK);
    if (result.agrees || result.outputs != 10)
        fail_msg("%s: one per cent more is not seen: %g, bound %g", name, result.difference, result.bound);
    fv_model_destroy(model);
    test_folder_remove(folder);
    fv_context_destroy(context);
}

FV_TEST(self_test, plans_agree_and_errors_do_not)
{
    check_network("lenet5");
    check_network("cifar-resnet-20");
    check_network("mlp-mnist");
}

FV_TEST(self_test, not_finite_means_none)
{
    fv_context *context = new_context();
    char folder[TEST_PATH], path[TEST_PATH];
    fv_graph *graph = NULL;
    fv_model *model = NULL;
    fv_self_test test;
    fv_params *params = make_params(context, &graph);
    test_folder_make(folder);
    test_path(path, folder, "model.safetensors");
    *(float *)fv_params_values(params, 1) = INFINITY;
    assert_int_equal(fv_model_write(context, path, params, &preprocess, NULL), FV_OK);
    assert_int_equal(fv_model_read(&model, context, path), FV_OK);
    assert_int_equal(fv_self_test_of_model(&test, model), FV_OK);
    assert_int_equal(test.count, 0);
    fv_model_destroy(model);
    const fv_preprocess other = { .input = { 1, 3, 5 } };
    assert_int_equal(fv_self_test_make(&test, params, &other, 1), FV_ERR_SHAPE);
    assert_int_equal(fv_self_test_make(&test, params, &preprocess, UINT64_C(1) << 53), FV_ERR_ARGUMENT);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    test_folder_remove(folder);
    fv_context_destroy(context);
}

FV_TESTS(self_test, input_is_as_documented, text_gives_back_the_bits, bad_texts_are_told, plans_agree_and_errors_do_not,
         not_finite_means_none)
