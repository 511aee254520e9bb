/* SPDX-License-Identifier: Apache-2.0
 *
 * numpy_test.c - .npz: headers of every kind, arrays to a file and back as weights and as data, and files that are broken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/sets/npy.h"
#include "fovea/dataset.h"
#include "fovea/weights.h"
#include "fovea/zoo.h"
#include "interchange/weights/npz_write.h"
#include "support/files.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH], path[TEST_PATH];

static int make_folder(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_path(path, folder, "arrays.npz");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static void headers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        fvi_number type;
        bool swapped, fortran;
        int32_t rank;
        size_t elements;
    } good[] = {
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (64, 3, 7, 7), }\n", FVI_NUMBER_F32, false, false, 4,
          9408 },
        { "{'shape': (3L,), 'fortran_order': True, 'descr': '>f8'}", FVI_NUMBER_F64, true, true, 1, 3 },
        { "{\"descr\": \"|u1\", 'fortran_order': False, 'shape': ()}", FVI_NUMBER_U8, false, false, 0, 1 },
        { "{'descr': '<i8', 'fortran_order': False, 'shape': (0, 5)}", FVI_NUMBER_I64, false, false, 2, 0 },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        fvi_npy header;
        if (fvi_npy_parse(context, "x", good[i].text, &header) != FV_OK)
            fail_msg("%s", fv_context_message(context));
        assert_true(header.type == good[i].type && header.fortran == good[i].fortran);
        assert_int_equal(header.swapped, good[i].swapped == (__BYTE_ORDER__ != __ORDER_BIG_ENDIAN__));
        assert_int_equal(header.shape.rank, good[i].rank);
        assert_int_equal(header.elements, good[i].elements);
        assert_int_equal(header.bytes, good[i].elements * fvi_number_bytes(good[i].type));
    }
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        fv_status status;
    } bad[] = {
        { "", FV_ERR_FORMAT },
        { "{", FV_ERR_FORMAT },
        { "{}", FV_ERR_FORMAT },
        { "{'descr': '<f4', 'fortran_order': False}", FV_ERR_FORMAT },
        { "{'descr': '<f4', 'fortran_order': Maybe, 'shape': ()}", FV_ERR_FORMAT },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (2,)}", FV_ERR_FORMAT },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", FV_ERR_FORMAT },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (3, ", FV_ERR_FORMAT },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1)}", FV_ERR_FORMAT },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", FV_ERR_FORMAT },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4)}", FV_ERR_FORMAT },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,)}", FV_ERR_FORMAT },
        { "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", FV_ERR_UNSUPPORTED },
        { "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", FV_ERR_UNSUPPORTED },
        { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", FV_ERR_UNSUPPORTED },
        { "{'other': 1}", FV_ERR_FORMAT },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fvi_npy header;
        if (fvi_npy_parse(context, "'a.npz': array 'x'", bad[i].text, &header) != bad[i].status)
            fail_msg("%s: %s", bad[i].text, fv_context_message(context));
        assert_non_null(strstr(fv_context_message(context), "'a.npz': array 'x'"));
    }
}

static void fortran_order_is_turned(void **state)
{
    (void)state;
    const fv_shape shape = { .rank = 3, .size = { 2, 3, 4 } };
    float stored[24], ordered[24];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++)
                stored[i + 2 * (j + 3 * k)] = (float)(100 * i + 10 * j + k);
    fvi_npy_from_fortran(&shape, stored, ordered);
    for (int i = 0; i < 24; i++)
        assert_true(ordered[i] == (float)(100 * (i / 12) + 10 * (i / 4 % 3) + i % 4));
}

/* The check value of the CRC catalogue, and the same in two parts. */
static void checksums_are_those_of_zip(void **state)
{
    (void)state;
    assert_int_equal(fvi_crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(fvi_crc32(fvi_crc32(0, "1234", 4), "56789", 5), 0xCBF43926);
}

static void need_archives(void)
{
    if (strstr(fv_libraries(), "libarchive") == NULL)
        test_skip("this build has no libarchive");
}

static fv_params *lenet(fv_graph **graph, uint64_t seed)
{
    fv_params *params = NULL;
    assert_int_equal(fv_zoo_build(graph, context, "lenet5"), FV_OK);
    assert_int_equal(fv_params_create(&params, *graph, FV_F32), FV_OK);
    fv_params_initialize(params, seed);
    return params;
}

static void weights_come_back(void **state)
{
    (void)state;
    static const fv_weights_format formats[] = { FV_WEIGHTS_NUMPY, FV_WEIGHTS_SAFETENSORS };
    char written[17], read[17];
    for (size_t i = 0; i < 2; i++) {
        fv_graph *graph = NULL, *other = NULL;
        fv_params *params = lenet(&graph, 1), *again = lenet(&other, 2);
        fv_weights *weights = NULL;
        if (formats[i] == FV_WEIGHTS_NUMPY)
            need_archives();
        else
            test_path(path, folder, "weights.safetensors");
        assert_int_equal(fv_weights_write(params, path, formats[i]), FV_OK);
        if (fv_weights_open(&weights, context, path) != FV_OK || fv_weights_load(again, weights, NULL) != FV_OK)
            fail_msg("%s", fv_context_message(context));
        assert_true(fv_weights_format_of(weights) == formats[i]);
        fv_params_hash(params, written);
        fv_params_hash(again, read);
        assert_string_equal(written, read);
        fv_weights_close(weights);
        fv_params_destroy(params);
        fv_params_destroy(again);
        fv_graph_destroy(graph);
        fv_graph_destroy(other);
    }
}

/* numpy.savez(*arrays): names that say nothing, and shapes that fit PyTorch's axes alone. */
static void arrays_without_names_come_back(void **state)
{
    (void)state;
    need_archives();
    fv_graph *graph = NULL, *other = NULL;
    fv_params *params = lenet(&graph, 1), *again = lenet(&other, 2);
    fv_weights *weights = NULL;
    fvi_tensor_source sources[10];
    char names[10][16], written[17], read[17];
    for (int32_t i = 0; i < 10; i++) {
        snprintf(names[i], sizeof names[i], "arr_%d", i);
        sources[i] = (fvi_tensor_source){ .name = names[i],
                                          .dtype = "F32",
                                          .shape = fv_params_info(params, i).shape,
                                          .values = fv_params_values(params, i) };
    }
    assert_int_equal(fvi_npz_write(context, path, sources, 10), FV_OK);
    assert_int_equal(fv_weights_open(&weights, context, path), FV_OK);
    if (fv_weights_load(again, weights, NULL) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_true(fv_weights_report_of(weights).by_order);
    fv_params_hash(params, written);
    fv_params_hash(again, read);
    assert_string_equal(written, read);
    fv_weights_close(weights);
    fv_params_destroy(params);
    fv_params_destroy(again);
    fv_graph_destroy(graph);
    fv_graph_destroy(other);
}

/* A file cut short anywhere, or with a byte changed, is told, and never read as something else than its checksums say. */
static void broken_files_are_told(void **state)
{
    (void)state;
    fv_graph *graph = NULL;
    char whole[17], read[17];
    need_archives();
    fv_params *params = lenet(&graph, 1);
    assert_int_equal(fv_weights_write(params, path, FV_WEIGHTS_NUMPY), FV_OK);
    fv_params_hash(params, whole);
    size_t size = 0;
    unsigned char *bytes = test_file_read(folder, "arrays.npz", &size);
    for (size_t cut = 0; cut < size; cut += size / 40 + 1) {
        fv_weights *weights = NULL;
        test_file_write(folder, "arrays.npz", bytes, cut);
        fv_status status = fv_weights_open(&weights, context, path);
        if (status == FV_OK)
            status = fv_weights_load(params, weights, NULL);
        fv_params_hash(params, read); /* with its directory alone cut off, a file may still give all */
        if (status == FV_OK && strcmp(whole, read) != 0)
            fail_msg("%zu of %zu bytes are taken for the whole", cut, size);
        assert_true(status == FV_OK || status == FV_ERR_FORMAT || status == FV_ERR_SHAPE);
        fv_weights_close(weights);
    }
    free(bytes);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

/* Keras's numbers instead of names: convolutions and dense layers in their order. */
static void layers_are_taken_in_their_order(void **state)
{
    (void)state;
    need_archives();
    fv_graph *graph = NULL;
    fv_params *params = lenet(&graph, 1);
    static const char *const layers[] = { "conv2d", "conv2d_1", "dense", "dense_1", "dense_2" };
    char names[10][64];
    fvi_tensor_source sources[10];
    float *memory = calloc(1 << 17, sizeof *memory);
    size_t used = 0;
    for (int32_t i = 0; i < 10; i++) {
        const fv_param_info info = fv_params_info(params, i);
        const int64_t *n = info.shape.size;
        const fv_shape conv = { .rank = 4, .size = { n[2], n[3], n[1], n[0] } },
                       dense = { .rank = 2, .size = { n[1], n[0] } };
        snprintf(names[i], sizeof names[i], "net/%s/%s", layers[i / 2], i % 2 == 0 ? "kernel" : "bias");
        for (int64_t j = 0; j < info.elements; j++)
            memory[used + (size_t)j] = (float)(1000 * i + j % 1000);
        sources[i] = (fvi_tensor_source){ .name = names[i],
                                          .dtype = "F32",
                                          .shape = i % 2 != 0             ? info.shape
                                                   : info.shape.rank == 4 ? conv
                                                                          : dense,
                                          .values = memory + used };
        used += (size_t)info.elements;
    }
    fv_weights *weights = NULL;
    assert_int_equal(fvi_npz_write(context, path, sources, 10), FV_OK);
    assert_int_equal(fv_weights_open(&weights, context, path), FV_OK);
    if (fv_weights_load(params, weights, NULL) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    const fv_weights_report report = fv_weights_report_of(weights);
    assert_true(report.by_order && report.layout == FV_LAYOUT_KERAS);
    assert_int_equal(report.counts[FV_WEIGHT_LOADED], 10);
    for (int32_t i = 0; i < 10; i++)
        assert_true(((const float *)fv_params_values(params, i))[0] == (float)(1000 * i));
    fv_weights_close(weights);
    free(memory);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

static void sets_of_images_are_read(void **state)
{
    (void)state;
    need_archives();
    uint8_t images[2 * 6 * 5 * 3], planar[2 * 3 * 6 * 5];
    const int64_t labels[2] = { 4, 0 }, others[1] = { 6 };
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)i;
    for (size_t n = 0; n < 2; n++)
        for (size_t p = 0; p < 30; p++)
            for (size_t c = 0; c < 3; c++)
                planar[n * 90 + c * 30 + p] = images[n * 90 + p * 3 + c];
    for (int form = 0; form < 2; form++) {
        const fvi_tensor_source sources[] = {
            { "x_train", "U8", form == 0 ? (fv_shape){ 4, { 2, 6, 5, 3 } } : (fv_shape){ 4, { 2, 3, 6, 5 } },
              form == 0 ? images : planar },
            { "y_train", "I64", { 1, { 2 } }, labels },
            { "x_test", "U8", { 4, { 1, 6, 5, 3 } }, images },
            { "y_test", "I64", { 2, { 1, 1 } }, others },
        };
        fv_dataset *set = NULL;
        assert_int_equal(fvi_npz_write(context, path, sources, 4), FV_OK);
        if (fv_dataset_open(&set, context, path, FV_SPLIT_TRAIN) != FV_OK)
            fail_msg("%s", fv_context_message(context));
        const fv_image_shape shape = fv_dataset_shape(set);
        assert_true(shape.c == 3 && shape.h == 6 && shape.w == 5);
        assert_int_equal(fv_dataset_count(set), 2);
        assert_int_equal(fv_dataset_classes(set), 7); /* of both splits */
        assert_int_equal(fv_dataset_label(set, 0), 4);
        assert_memory_equal(fv_dataset_image(set, 1), planar + 90, 90);
        fv_dataset_destroy(set);
        assert_int_equal(fv_dataset_open(&set, context, path, FV_SPLIT_VALIDATION), FV_ERR_NOT_FOUND);
    }
}

static void sets_that_do_not_fit_together_are_refused(void **state)
{
    (void)state;
    need_archives();
    const float numbers[12] = { 0.5f };
    const int32_t labels[3] = { 0, 1, -1 };
    const struct {
        fvi_tensor_source x, y;
        const char *says;
    } sets[] = {
        { { "x", "F32", { 2, { 3, 4 } }, numbers }, { "other", "I32", { 1, { 3 } }, labels }, "no labels" },
        { { "x", "F32", { 2, { 4, 3 } }, numbers }, { "y", "I32", { 1, { 3 } }, labels }, "4 images and 3 labels" },
        { { "x", "F32", { 2, { 3, 4 } }, numbers }, { "y", "I32", { 1, { 3 } }, labels }, "label 2 is -1" },
        { { "x", "F32", { 1, { 3 } }, numbers }, { "y", "I32", { 1, { 3 } }, labels }, "1 axes" },
    };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        const fvi_tensor_source sources[] = { sets[i].x, sets[i].y };
        fv_dataset *set = NULL;
        assert_int_equal(fvi_npz_write(context, path, sources, 2), FV_OK);
        assert_int_equal(fv_dataset_open(&set, context, path, FV_SPLIT_TRAIN), FV_ERR_FORMAT);
        assert_null(set);
        if (strstr(fv_context_message(context), sets[i].says) == NULL)
            fail_msg("%s", fv_context_message(context));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(fortran_order_is_turned),
        cmocka_unit_test(checksums_are_those_of_zip),
        cmocka_unit_test_setup_teardown(weights_come_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(arrays_without_names_come_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(broken_files_are_told, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(layers_are_taken_in_their_order, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(sets_of_images_are_read, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(sets_that_do_not_fit_together_are_refused, make_folder, remove_folder),
    };
    if (fv_context_create(&context, &(fv_context_options){ .threads = 1 }) != FV_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    return failed;
}
