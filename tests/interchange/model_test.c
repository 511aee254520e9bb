/* SPDX-License-Identifier: Apache-2.0
 *
 * model_test.c - models to files and back, damaged files, and a disk that is full.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fovea/model.h"
#include "fovea/zoo.h"
#include "support/files.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH], path[TEST_PATH];
static size_t in_use, largest; /* by the counting allocator */

static const char *const names[3] = { "a", "b \xC3\xA9", "c" };
static const fv_preprocess preprocess = {
    .input = { 1, 3, 2 }, .mean = { 0.1 }, .deviation = { 0.30000000000000004 }, .classes = 3, .class_names = names
};

/* Small, so that every byte of its file can be tried. */
static fv_params *make_params(fv_graph **graph, float first)
{
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    fv_params *params = NULL;
    assert_int_equal(fv_graph_create(graph, context, "tiny"), FV_OK);
    assert_int_equal(fv_graph_add_input(*graph, &(fv_input_options){ .name = "in", .shape = { 1, 3, 2 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(*graph, x, &(fv_dense_options){ .name = "fc", .units = 3 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(*graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(*graph, x), FV_OK);
    assert_int_equal(fv_params_create(&params, *graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    *(float *)fv_params_values(params, 0) = first;
    return params;
}

static int make_folder(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_path(path, folder, "model.safetensors");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static void write_good(float first, const char *extra)
{
    fv_graph *graph = NULL;
    fv_params *params = make_params(&graph, first);
    if (fv_model_write(context, path, params, &preprocess, extra) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

static void a_model_comes_back(void **state)
{
    (void)state;
    fv_graph *graph = NULL;
    fv_model *model = NULL;
    char written[17], read[17];
    fv_params *params = make_params(&graph, 0.5f);
    write_good(0.5f, "{\"epochs\": 3}");
    if (fv_model_read(&model, context, path) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    fv_params_hash(params, written);
    fv_params_hash(fv_model_params(model), read);
    assert_string_equal(written, read);
    assert_string_equal(fv_graph_name(fv_model_graph(model)), "tiny");
    assert_string_equal(fv_model_extra(model), "{\"epochs\": 3}");
    const fv_preprocess *given = fv_model_preprocess(model);
    assert_memory_equal(&given->input, &preprocess.input, sizeof given->input);
    assert_true(given->mean[0] == preprocess.mean[0] && given->deviation[0] == preprocess.deviation[0]);
    assert_int_equal(given->classes, 3);
    assert_string_equal(given->class_names[1], names[1]);
    assert_int_equal(test_file_count(folder), 1);
    fv_model_destroy(model);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

/* A model of parts owns them, also where it is refused, and shares nothing with the caller's preprocessing. */
static void a_model_is_made_of_parts(void **state)
{
    (void)state;
    const size_t before = in_use;
    fv_graph *graph = NULL;
    fv_model *model = NULL;
    char name[] = "a";
    const char *const changing[3] = { name, "b", "c" };
    fv_preprocess given = preprocess;
    given.class_names = changing;
    fv_params *params = make_params(&graph, 0.5f);
    assert_int_equal(fv_model_create(&model, context, graph, params, &given, "{}"), FV_OK);
    name[0] = 'x';
    assert_string_equal(fv_model_preprocess(model)->class_names[0], "a");
    assert_string_equal(fv_model_extra(model), "{}");
    assert_ptr_equal(fv_model_graph(model), graph);
    fv_model_destroy(model);
    params = make_params(&graph, 0.5f);
    assert_int_equal(fv_model_create(&model, context, graph, params, &preprocess, "[1]"), FV_ERR_ARGUMENT);
    assert_null(model);
    given.input.h = 9;
    params = make_params(&graph, 0.5f);
    assert_int_equal(fv_model_create(&model, context, graph, params, &given, NULL), FV_ERR_SHAPE);
    assert_int_equal(in_use, before);
}

static void the_zoo_comes_back(void **state)
{
    (void)state;
    for (int32_t i = 0; i < fv_zoo_count(); i++) {
        fv_graph *graph = NULL;
        fv_params *params = NULL;
        fv_model *model = NULL;
        char written[17], read[17];
        assert_int_equal(fv_zoo_build(&graph, context, fv_zoo_get(i)->name), FV_OK);
        if (fv_graph_training_parameters(graph) > 2000000) { /* nothing new, but many bytes */
            fv_graph_destroy(graph);
            continue;
        }
        assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
        fv_params_initialize(params, 4);
        const fv_preprocess plain = { .input = fv_zoo_get(i)->input, .classes = fv_zoo_get(i)->classes };
        assert_int_equal(fv_model_write(context, path, params, &plain, NULL), FV_OK);
        assert_int_equal(fv_model_read(&model, context, path), FV_OK);
        fv_params_hash(params, written);
        fv_params_hash(fv_model_params(model), read);
        assert_string_equal(written, read);
        assert_string_equal(fv_model_extra(model), "");
        assert_null(fv_model_preprocess(model)->class_names);
        fv_model_destroy(model);
        fv_params_destroy(params);
        fv_graph_destroy(graph);
    }
}

static void expect_failure(const void *bytes, size_t size, const char *words)
{
    fv_model *model = NULL;
    const size_t before = in_use;
    test_file_write(folder, "model.safetensors", bytes, size);
    const fv_status status = fv_model_read(&model, context, path);
    assert_null(model);
    if (status == FV_OK || strstr(fv_context_message(context), words) == NULL)
        fail_msg("status %s, message '%s'; expected '%s'", fv_status_name(status), fv_context_message(context), words);
    assert_int_equal(in_use, before);
}

static void any_changed_byte_is_noticed(void **state)
{
    (void)state;
    size_t size = 0;
    write_good(0.5f, NULL);
    unsigned char *bytes = test_file_read(folder, "model.safetensors", &size);
    for (size_t cut = 0; cut < size; cut++)
        expect_failure(bytes, cut, path);
    largest = 0;
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            fv_model *model = NULL;
            const size_t before = in_use;
            bytes[i] ^= (unsigned char)(1 << bit);
            test_file_write(folder, "model.safetensors", bytes, size);
            const fv_status status = fv_model_read(&model, context, path);
            assert_true((status == FV_OK) == (model != NULL));
            if (i >= size - 84) /* 18 weights and 3 biases: the checksum sees every bit */
                assert_int_equal(status, FV_ERR_FORMAT);
            fv_model_destroy(model);
            assert_int_equal(in_use, before);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    assert_true(largest < 1 << 20); /* no size of the file is believed: it has about 1 kB */
    free(bytes);
    bytes = NULL;
}

/* Replaces the first occurrence of `from` in the file by `to` of the same length. */
static void expect_replaced(const char *from, const char *to, const char *words)
{
    size_t size = 0;
    write_good(0.5f, NULL);
    unsigned char *bytes = test_file_read(folder, "model.safetensors", &size);
    assert_int_equal(strlen(from), strlen(to));
    unsigned char *at = memmem(bytes, size, from, strlen(from));
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    expect_failure(bytes, size, words);
    free(bytes);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    expect_replaced("\"fc.bias\":{", "\"fc.bios\":{", "missing 'fc.bias'; unexpected 'fc.bios'");
    expect_replaced("\"shape\":[3,6]", "\"shape\":[6,3]", "wrong shape of 'fc.weight'");
    expect_replaced("F32", "I32", "not F32 'fc.weight'");
    expect_replaced("F32", "F64", "its shape and dtype need");
    expect_replaced("F32", "X32", "'dtype'");
    expect_replaced("\"data_offsets\":[72,84]", "\"data_offsets\":[71,83]", "overlapping");
    expect_replaced("\"data_offsets\":[72,84]", "\"data_offsets\":[73,85]", "of a data section of 84");
    expect_replaced("\"data_offsets\":[72,84]", "\"data_offsets\":[84,72]", "of a data section of 84");
    expect_replaced("\"fc.bias\":{\"dtype\":\"F32\",\"shape\":[3]", "\"fc.bias\":{\"dtype\":\"F32\",\"shape\":[4]",
                    "need 16");
    expect_replaced("\"format\":\"fovea\"", "\"format\":\"favor\"", "format 'favor'");
    expect_replaced("\"format_version\":\"1\"", "\"format_version\":\"2\"", "format version '2'");
    expect_replaced("\"graph\"", "\"grahp\"", "no 'graph' in its metadata");
    expect_replaced("dense", "danse", "did you mean 'dense'?");
    expect_replaced("\\\"input\\\":[1,3,2]", "\\\"input\\\":[1,2,3]", "its preprocessing gives 1x2x3");
    expect_replaced("\"__metadata__\"", "\"__matedata__\"", "__matedata__");
    expect_replaced("\\\"units\\\":3", "\\\"units\\\":9", "wrong shape of");
    expect_failure("\x10\0\0\0\0\0\0\0{}", 10, "header length 16 at offset 0, expected 2 to 2");
    expect_failure("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10, "header length 18446744073709551615");
    expect_failure("\x02\0\0\0\0\0\0\0{}", 10, "not a model of fovea");
    expect_failure("\x02\0\0\0\0\0\0\0{}x", 11, "oversized");
    expect_failure("\x02\0\0\0\0\0\0\0[]", 10, "not a JSON object");
    expect_failure("\x13\0\0\0\0\0\0\0{\"a\":null,\"a\":null}", 27, "duplicate");
}

/* A list of transforms with what one has learned comes back, and what is wrong with it is told before memory is taken. */
static void transforms_come_back(void **state)
{
    (void)state;
    const uint8_t images[4 * 6] = {
        0, 250, 9, 8, 70, 1, 99, 200, 30, 4, 5, 60, 7, 80, 90, 100, 120, 3, 2, 1, 0, 9, 8, 7
    };
    const int32_t labels[4] = { 0, 1, 2, 0 };
    const fv_augment_key key = { .rows = 3, .columns = 2 };
    fv_graph *graph = NULL;
    fv_dataset *data = NULL;
    fv_model *model = NULL;
    fv_augmentation *list = NULL;
    fv_params *params = make_params(&graph, 0.5f);
    fv_preprocess with = preprocess;
    float one[6], other[6];
    size_t size = 0;
    assert_int_equal(fv_augmentation_create(&list, context, "standardise whiten"), FV_OK);
    with.transforms = list;
    assert_int_equal(fv_model_write(context, path, params, &with, NULL), FV_ERR_STATE);
    assert_non_null(strstr(fv_context_message(context), "whiten of the preprocessing learns from data"));
    assert_int_equal(fv_dataset_from_arrays(&data, context, images, labels, 4, (fv_image_shape){ 1, 3, 2 }, 3, NULL),
                     FV_OK);
    assert_int_equal(fv_augmentation_fit(list, data, &key), FV_OK);
    assert_int_equal(fv_model_write(context, path, params, &with, NULL), FV_OK);
    if (fv_model_read(&model, context, path) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    const fv_preprocess *stored = fv_model_preprocess(model);
    assert_string_equal(fv_augmentation_text(stored->transforms), fv_augmentation_text(list));
    assert_int_equal(fv_preprocess_image(context, &with, images, (fv_image_shape){ 1, 3, 2 }, one), FV_OK);
    assert_int_equal(fv_preprocess_image(context, stored, images, (fv_image_shape){ 1, 3, 2 }, other), FV_OK);
    assert_memory_equal(one, other, sizeof one);
    fv_model_destroy(model);
    fv_graph *own_graph = NULL;
    fv_params *own = make_params(&own_graph, 0.5f);
    memset(other, 0, sizeof other);
    assert_int_equal(fv_model_create(&model, context, own_graph, own, &with, NULL), FV_OK);
    assert_ptr_not_equal(fv_model_preprocess(model)->transforms, list);
    assert_int_equal(
        fv_preprocess_image(context, fv_model_preprocess(model), images, (fv_image_shape){ 1, 3, 2 }, other), FV_OK);
    assert_memory_equal(one, other, sizeof one);
    fv_model_destroy(model);
    unsigned char *bytes = test_file_read(folder, "model.safetensors", &size);
    static const char *const wrong[][3] = {
        { "\"preprocess:1:mean\"", "\"preprocess:0:mean\"", "transform 2 of its preprocessing: whiten: its tensors" },
        { "\"preprocess:1:map\"", "\"preprocess:1:mop\"", "whiten: its tensors must be mean [n] and map [n, n]" },
        { "\\\"transforms\\\"", "\\\"tranzforms\\\"", "tranzforms" },
        { "standardise(over=image)", "standardice(over=image)", "there is no transform 'standardice'" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        unsigned char *at = memmem(bytes, size, wrong[i][0], strlen(wrong[i][0]));
        assert_non_null(at);
        memcpy(at, wrong[i][1], strlen(wrong[i][1]));
        expect_failure(bytes, size, wrong[i][2]);
        memcpy(at, wrong[i][0], strlen(wrong[i][0]));
    }
    free(bytes);
    fv_augmentation_destroy(list);
    fv_dataset_destroy(data);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

static void bad_arguments_are_told(void **state)
{
    (void)state;
    fv_graph *graph = NULL;
    fv_params *params = make_params(&graph, 0.5f), *wide = NULL;
    fv_preprocess other = preprocess;
    other.input.h = 4;
    assert_int_equal(fv_model_write(context, path, params, &other, NULL), FV_ERR_SHAPE);
    assert_int_equal(fv_model_write(context, path, params, &preprocess, "[1]"), FV_ERR_ARGUMENT);
    assert_int_equal(fv_model_write(context, path, params, &preprocess, "{"), FV_ERR_ARGUMENT);
    assert_int_equal(fv_params_create(&wide, graph, FV_F64), FV_OK);
    assert_int_equal(fv_model_write(context, path, wide, &preprocess, NULL), FV_ERR_ARGUMENT);
    assert_int_equal(fv_model_write(context, "/nowhere/model", params, &preprocess, NULL), FV_ERR_IO);
    assert_non_null(strstr(fv_context_message(context), "/nowhere/model"));
    assert_int_equal(test_file_count(folder), 0);
    fv_model *model = NULL;
    assert_int_equal(fv_model_read(&model, context, path), FV_ERR_NOT_FOUND);
    assert_int_equal(fv_model_read(&model, context, folder), FV_ERR_IO);
    fv_params_destroy(wide);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

/* A file that may not grow beyond a limit fails in write() as on a full disk (EFBIG for ENOSPC), at every length. */
static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    size_t size = 0, after = 0;
    struct rlimit old;
    fv_graph *graph = NULL;
    write_good(0.5f, NULL);
    unsigned char *bytes = test_file_read(folder, "model.safetensors", &size);
    fv_params *params = make_params(&graph, 7.0f);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    for (size_t limit = 0; limit < size; limit += 13) {
        const struct rlimit small = { .rlim_cur = limit, .rlim_max = old.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        const fv_status status = fv_model_write(context, path, params, &preprocess, NULL);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(status, FV_ERR_IO);
        assert_non_null(strstr(fv_context_message(context), "the file that was there is unchanged"));
        assert_int_equal(test_file_count(folder), 1);
        unsigned char *still = test_file_read(folder, "model.safetensors", &after);
        assert_int_equal(after, size);
        assert_memory_equal(still, bytes, size);
        free(still);
    }
    signal(SIGXFSZ, handler);
    assert_int_equal(fv_model_write(context, path, params, &preprocess, NULL), FV_OK);
    free(bytes);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

enum { HEAD = 64 };

static void *count_allocate(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    (void)alignment;
    unsigned char *memory = aligned_alloc(HEAD, (bytes + 2 * HEAD - 1) / HEAD * HEAD);
    if (memory == NULL)
        return NULL;
    memcpy(memory, &bytes, sizeof bytes);
    in_use += bytes;
    largest = bytes > largest ? bytes : largest;
    return memory + HEAD;
}

static void count_release(void *user, void *memory)
{
    size_t bytes = 0;
    (void)user;
    if (memory == NULL)
        return;
    memcpy(&bytes, (unsigned char *)memory - HEAD, sizeof bytes);
    in_use -= bytes;
    free((unsigned char *)memory - HEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_model_comes_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_zoo_comes_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(any_changed_byte_is_noticed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_named, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_model_is_made_of_parts, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(transforms_come_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(bad_arguments_are_told, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_full_disk_loses_nothing, make_folder, remove_folder),
    };
    const fv_context_options options = { .threads = 1,
                                         .allocator = { .allocate = count_allocate, .release = count_release } };
    if (fv_context_create(&context, &options) != FV_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    return failed;
}
