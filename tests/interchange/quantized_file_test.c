/* SPDX-License-Identifier: Apache-2.0
 *
 * quantized_file_test.c - networks in 8 bits to files and back, with the same bytes; files that say something else than they hold.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/quantize.h"
#include "support/files.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH], path[TEST_PATH];

static const fv_preprocess preprocess = { .input = { 1, 3, 2 }, .classes = 3 };
static const float scales[3] = { 0.5f, 0.25f, 3e-3f };

static int make_folder(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_path(path, folder, "model.safetensors");
    return fv_context_create(&context, &(fv_context_options){ .threads = 1 }) == FV_OK ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    fv_context_destroy(context);
    return 0;
}

/* A dense layer of 6 inputs and 3 units whose weights are whole bytes times scales[]. */
static fv_params *make_params(fv_graph **graph)
{
    fv_value x = FV_NO_VALUE;
    fv_params *params = NULL;
    assert_int_equal(fv_graph_create(graph, context, "tiny"), FV_OK);
    assert_int_equal(fv_graph_add_input(*graph, &(fv_input_options){ .name = "in", .shape = { 1, 3, 2 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(*graph, x, &(fv_dense_options){ .name = "fc", .units = 3 }, &x), FV_OK);
    assert_int_equal(fv_graph_finish(*graph, x), FV_OK);
    assert_int_equal(fv_params_create(&params, *graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    float *w = fv_params_values(params, 0);
    for (int i = 0; i < 18; i++)
        w[i] = (float)(i == 0 ? -127 : i == 1 ? 127 : 5 * i - 40) * scales[i / 6];
    assert_int_equal(fv_graph_set_quantized(*graph, 0, &(fv_quantized){ .scale = 0.01f, .zero_point = 7 }), FV_OK);
    assert_int_equal(fv_graph_set_quantized(*graph, 1, &(fv_quantized){ .weight_scale = scales, .outputs = 3 }), FV_OK);
    return params;
}

static void write_good(void)
{
    fv_graph *graph = NULL;
    fv_params *params = make_params(&graph);
    if (fv_model_write(context, path, params, &preprocess, NULL) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

static void the_bytes_come_back(void **state)
{
    (void)state;
    fv_graph *graph = NULL;
    fv_model *model = NULL;
    fv_params *params = make_params(&graph);
    char written[17], read[17];
    write_good();
    if (fv_model_read(&model, context, path) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    fv_params_hash(params, written);
    fv_params_hash(fv_model_params(model), read);
    assert_string_equal(written, read);
    const fv_graph *stored = fv_model_graph(model);
    const fv_quantized in = fv_graph_quantized(stored, 0), fc = fv_graph_quantized(stored, 1);
    assert_true(fv_graph_is_quantized(stored));
    assert_true(in.scale == 0.01f && in.zero_point == 7 && in.weight_scale == NULL);
    assert_true(fc.scale == 0 && fc.outputs == 3);
    assert_memory_equal(fc.weight_scale, scales, sizeof scales);
    fv_model_destroy(model);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

static void write_bytes(const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void expect_failure(const unsigned char *bytes, size_t size, const char *from, const char *words)
{
    fv_model *model = NULL;
    write_bytes(bytes, size);
    const fv_status status = fv_model_read(&model, context, path);
    if (status == FV_OK || strstr(fv_context_message(context), words) == NULL)
        fail_msg("%s: status %d, message \"%s\", expected words \"%s\"", from, (int)status, fv_context_message(context),
                 words);
    assert_null(model);
}

/* Replaces text by as much text in a good file. */
static void expect_replaced(const char *from, const char *to, const char *words)
{
    size_t size = 0;
    assert_int_equal(strlen(from), strlen(to));
    write_good();
    unsigned char *bytes = test_file_read(folder, "model.safetensors", &size);
    unsigned char *at = memmem(bytes, size, from, strlen(from));
    if (at == NULL)
        fail_msg("no %s in the file", from);
    memcpy(at, to, strlen(to));
    expect_failure(bytes, size, from, words);
    free(bytes);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    expect_replaced("\"format_version\":\"2\"", "\"format_version\":\"1\"",
                    "format version '1' of a network in 8 bits");
    expect_replaced("\"quantization\"", "\"quantisation\"", "format version '2'");
    expect_replaced("\\\"zero_point\\\":7", "\\\"zero_point\\\":x", "quantization is no object");
    expect_replaced("\\\"zero_point\\\":7", "\\\"zero_pint\\\":78", "quantization of 'in' is not");
    expect_replaced("\\\"weights\\\":true", "\\\"weights\\\":1234", "quantization of 'fc' is not");
    expect_replaced("{\\\"in\\\":{\\\"scale\\\"", "{\\\"on\\\":{\\\"scale\\\"", "1 names of 2 are nodes");
    expect_replaced("fc.weight_scale\":", "fc.weight_skale\":", "no tensor 'fc.weight_scale'");
    expect_replaced("\"I8\"", "\"U8\"", "not I8 'fc.weight'");
    expect_replaced("\\\"fc\\\":{\\\"weights\\\":true}", "\\\"in\\\":{\\\"weights\\\":true}",
                    "quantization is no object");
}

/* Numbers that have the right form, and no meaning; checksums are left behind by writers of other programs, so these are made right. */
static void numbers_are_checked(void **state)
{
    (void)state;
    const float bad[] = { NAN, 0, -1, INFINITY, 1e-40f };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fv_graph *graph = NULL;
        fv_params *params = make_params(&graph);
        fv_model *model = NULL;
        /* A scale in the graph is what is written: put there behind the check's back. */
        float *stored = (float *)(uintptr_t)fv_graph_quantized(graph, 1).weight_scale;
        stored[1] = bad[i];
        assert_int_equal(fv_model_write(context, path, params, &preprocess, NULL), FV_OK);
        assert_int_equal(fv_model_read(&model, context, path), FV_ERR_FORMAT);
        assert_null(model);
        assert_non_null(strstr(fv_context_message(context), "model.safetensors': dense 'fc': the scale of output 1's"));
        fv_params_destroy(params);
        fv_graph_destroy(graph);
    }
}

/* A damaged file is refused, or, where the damage took away a checksum that a file may lack, gives what was written. */
static void damage_is_noticed_or_changes_nothing(void **state)
{
    (void)state;
    size_t size = 0;
    fv_graph *graph = NULL;
    fv_params *params = make_params(&graph);
    char written[17], read[17];
    int unnoticed = 0;
    write_good();
    unsigned char *bytes = test_file_read(folder, "model.safetensors", &size);
    fv_params_hash(params, written);
    for (size_t i = 0; i < size; i++) {
        fv_model *model = NULL;
        bytes[i] ^= 0x10;
        write_bytes(bytes, size);
        if (fv_model_read(&model, context, path) == FV_OK) {
            fv_params_hash(fv_model_params(model), read);
            assert_string_equal(written, read);
            assert_true(fv_graph_quantized(fv_model_graph(model), 0).scale == 0.01f);
            unnoticed++;
        }
        fv_model_destroy(model);
        bytes[i] ^= 0x10;
    }
    assert_true(unnoticed <= (int)strlen("header_checksum"));
    for (size_t length = 0; length < size; length += 7)
        expect_failure(bytes, length, "a part", "");
    free(bytes);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_bytes_come_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_named, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(numbers_are_checked, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(damage_is_noticed_or_changes_nothing, make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("quantized_file", tests, NULL, NULL);
}
