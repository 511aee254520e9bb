/* SPDX-License-Identifier: Apache-2.0
 *
 * load_test.c - files of other programs into networks: names, axes, dtypes, what is missing, and files that are broken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/weights.h"
#include "fovea/zoo.h"
#include "support/files.h"
#include "support/test.h"

enum { MOST_TENSORS = 600, NAME = 160 };

static fv_context *context;
static char folder[TEST_PATH], path[TEST_PATH];

static int make_folder(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_path(path, folder, "weights.safetensors");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

/* A file under construction: its header as text, its tensors' bytes. */
typedef struct file_maker {
    char header[MOST_TENSORS * (NAME + 120)];
    unsigned char *bytes;
    size_t used;
} file_maker;

static file_maker maker;

static void begin(void)
{
    free(maker.bytes);
    maker = (file_maker){ .header = "{\"__metadata__\":{\"format\":\"pt\"}" };
}

/* Adds a tensor of `count` elements of `size` bytes. */
static void add(const char *name, const char *dtype, const char *shape, const void *values, size_t bytes)
{
    const size_t length = strlen(maker.header);
    snprintf(maker.header + length, sizeof maker.header - length,
             ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", name, dtype, shape, maker.used,
             maker.used + bytes);
    maker.bytes = realloc(maker.bytes, maker.used + bytes + 1);
    assert_non_null(maker.bytes);
    if (bytes > 0)
        memcpy(maker.bytes + maker.used, values, bytes);
    maker.used += bytes;
}

static void end(void)
{
    FILE *file = fopen(path, "wb");
    strcat(maker.header, "}");
    const size_t length = strlen(maker.header);
    assert_non_null(file);
    for (int i = 0; i < 8; i++)
        fputc((int)(length >> (8 * i) & 0xff), file);
    fwrite(maker.header, 1, length, file);
    fwrite(maker.bytes, 1, maker.used, file);
    fclose(file);
}

/* conv [3,2,2,2] - batch norm - flatten 3x2x2 - dense 4. */
static fv_graph *make_graph(void)
{
    fv_graph *graph = NULL;
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&graph, context, "small"), FV_OK);
    fv_graph_add_input(graph, &(fv_input_options){ .name = "image", .shape = { 2, 3, 3 } }, &x);
    fv_graph_add_conv2d(graph, x, &(fv_conv2d_options){ .name = "conv", .filters = 3, .kernel = { 2, 2 } }, &x);
    fv_graph_add_batch_norm(graph, x, &(fv_batch_norm_options){ .name = "norm" }, &x);
    fv_graph_add_flatten(graph, x, &x);
    fv_graph_add_dense(graph, x, &(fv_dense_options){ .name = "fc", .units = 4 }, &x);
    fv_graph_add_softmax_cross_entropy(graph, x, NULL, &loss);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    return graph;
}

typedef struct network {
    fv_graph *graph;
    fv_params *params;
} network;

static network open_network(void)
{
    network n = { .graph = make_graph() };
    assert_int_equal(fv_params_create(&n.params, n.graph, FV_F32), FV_OK);
    fv_params_initialize(n.params, 3);
    return n;
}

static void close_network(network *n)
{
    fv_params_destroy(n->params);
    fv_graph_destroy(n->graph);
}

static float *values_of(const network *n, const char *name)
{
    const int32_t index = fv_params_find(n->params, name);
    assert_true(index >= 0);
    return fv_params_values(n->params, index);
}

static fv_status load(const network *n, const fv_weights_options *options, fv_weights_report *report)
{
    fv_weights *weights = NULL;
    fv_status status = fv_weights_open(&weights, context, path);
    if (status == FV_OK)
        status = fv_weights_load(n->params, weights, options);
    if (report != NULL && weights != NULL) {
        *report = fv_weights_report_of(weights);
        report->items = NULL; /* they go with the weights */
    }
    fv_weights_close(weights);
    return status;
}

/* 0, 1, 2, ... from first on. */
static const float *counting(float first, size_t count)
{
    static float values[256];
    for (size_t i = 0; i < count; i++)
        values[i] = first + (float)i;
    return values;
}

static void add_vectors(const char *const names[4])
{
    for (int i = 0; i < 4; i++)
        add(names[i], "F32", "3", counting(100.0f * (float)(i + 1), 3), 12);
}

static const char *const torch_norm[] = { "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var" };
static const char *const keras_norm[] = { "net/norm/gamma:0", "net/norm/beta:0", "net/norm/moving_mean:0",
                                          "net/norm/moving_variance:0" };

static void make_torch_file(const char *prefix)
{
    char name[NAME];
    const int64_t batches = 7;
    begin();
    snprintf(name, sizeof name, "%sconv.weight", prefix);
    add(name, "F32", "3,2,2,2", counting(0, 24), 96);
    snprintf(name, sizeof name, "%sconv.bias", prefix);
    add(name, "F32", "3", counting(50, 3), 12);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, torch_norm[i]);
        add(name, "F32", "3", counting(100.0f * (float)(i + 1), 3), 12);
    }
    snprintf(name, sizeof name, "%snorm.num_batches_tracked", prefix);
    add(name, "I64", "", &batches, 8);
    snprintf(name, sizeof name, "%sfc.weight", prefix);
    add(name, "F32", "4,12", counting(0, 48), 192);
    snprintf(name, sizeof name, "%sfc.bias", prefix);
    add(name, "F32", "4", counting(60, 4), 16);
}

static void files_of_pytorch_load(void **state)
{
    (void)state;
    static const char *const prefixes[] = { "", "module.", "state_dict.model." };
    for (size_t i = 0; i < 3; i++) {
        network n = open_network();
        fv_weights_report report;
        make_torch_file(prefixes[i]);
        end();
        if (load(&n, NULL, &report) != FV_OK)
            fail_msg("%s", fv_context_message(context));
        assert_int_equal(report.counts[FV_WEIGHT_LOADED], 8);
        assert_int_equal(report.counts[FV_WEIGHT_IGNORED], 1);
        assert_int_equal(report.values, 24 + 3 + 12 + 48 + 4);
        assert_int_equal(report.renamed, i > 0);
        assert_true(report.layout == FV_LAYOUT_TORCH);
        assert_true(values_of(&n, "conv.weight")[23] == 23);
        assert_true(values_of(&n, "norm.running_var")[2] == 402);
        assert_true(values_of(&n, "fc.weight")[47] == 47);
        close_network(&n);
    }
}

/* Every number lands where the formula of its layer reads it. */
static void axes_of_keras_are_turned(void **state)
{
    (void)state;
    network n = open_network();
    fv_weights_report report;
    begin();
    add("net/conv/kernel:0", "F32", "2,2,2,3", counting(0, 24), 96); /* [r,s,c,k] */
    add("net/conv/bias:0", "F32", "3", counting(50, 3), 12);
    add_vectors(keras_norm);
    add("net/fc/kernel:0", "F32", "12,4", counting(0, 48), 192); /* [h*w*c, units] */
    add("net/fc/bias:0", "F32", "4", counting(60, 4), 16);
    end();
    if (load(&n, NULL, &report) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_true(report.layout == FV_LAYOUT_KERAS && report.renamed);
    const float *conv = values_of(&n, "conv.weight"), *fc = values_of(&n, "fc.weight");
    for (int k = 0; k < 3; k++)
        for (int c = 0; c < 2; c++)
            for (int r = 0; r < 2; r++)
                for (int s = 0; s < 2; s++)
                    assert_true(conv[((k * 2 + c) * 2 + r) * 2 + s] == (float)(((r * 2 + s) * 2 + c) * 3 + k));
    for (int u = 0; u < 4; u++)
        for (int c = 0; c < 3; c++)
            for (int h = 0; h < 2; h++)
                for (int w = 0; w < 2; w++)
                    assert_true(fc[u * 12 + (c * 2 + h) * 2 + w] == (float)(((h * 2 + w) * 3 + c) * 4 + u));
    assert_true(values_of(&n, "norm.weight")[0] == 100 && values_of(&n, "norm.bias")[0] == 200);
    assert_true(values_of(&n, "norm.running_mean")[0] == 300 && values_of(&n, "norm.running_var")[0] == 400);
    close_network(&n);
}

static void halves_and_doubles_are_converted(void **state)
{
    (void)state;
    static const struct {
        const char *dtype;
        size_t bytes;
        uint64_t value; /* 1.5 */
    } types[] = { { "F16", 2, 0x3e00 }, { "BF16", 2, 0x3fc0 }, { "F64", 8, 0x3ff8000000000000 } };
    for (size_t t = 0; t < 3; t++) {
        network n = open_network();
        fv_weights_report report;
        unsigned char values[48 * 8];
        make_torch_file("");
        *strstr(maker.header, ",\"fc.weight\"") = '\0';
        maker.used -= 192 + 16;
        for (size_t i = 0; i < 48; i++)
            for (size_t b = 0; b < types[t].bytes; b++)
                values[i * types[t].bytes + b] = (unsigned char)(types[t].value >> (8 * b));
        add("fc.weight", types[t].dtype, "4,12", values, 48 * types[t].bytes);
        add("fc.bias", "F32", "4", counting(60, 4), 16);
        end();
        if (load(&n, NULL, &report) != FV_OK)
            fail_msg("%s", fv_context_message(context));
        assert_int_equal(report.converted, 1);
        for (int i = 0; i < 48; i++)
            assert_true(values_of(&n, "fc.weight")[i] == 1.5f);
        close_network(&n);
    }
}

static void a_classifier_of_other_classes_begins_anew(void **state)
{
    (void)state;
    network n = open_network();
    fv_weights_report report;
    make_torch_file("");
    *strstr(maker.header, ",\"fc.weight\"") = '\0';
    maker.used -= 192 + 16;
    add("fc.weight", "F32", "2,12", counting(0, 24), 96);
    add("fc.bias", "F32", "2", counting(60, 2), 8);
    end();
    const float before = values_of(&n, "fc.weight")[0];
    assert_int_equal(load(&n, NULL, &report), FV_OK);
    assert_int_equal(report.counts[FV_WEIGHT_HEAD], 2);
    assert_int_equal(report.counts[FV_WEIGHT_LOADED], 6);
    assert_true(values_of(&n, "fc.weight")[0] == before);
    make_torch_file("");
    end();
    assert_int_equal(load(&n, &(fv_weights_options){ .fresh_head = true }, &report), FV_OK);
    assert_int_equal(report.counts[FV_WEIGHT_HEAD], 2);
    assert_true(values_of(&n, "fc.weight")[0] == before);
    assert_int_equal(load(&n, &(fv_weights_options){ .leave = "fc, norm.r*" }, &report), FV_OK);
    assert_int_equal(report.counts[FV_WEIGHT_LEFT], 4);
    assert_true(values_of(&n, "fc.weight")[0] == before);
    close_network(&n);
}

/* Nothing is loaded then, and the message says what is wrong with the file. */
static void what_does_not_fit_is_listed(void **state)
{
    (void)state;
    network n = open_network();
    fv_weights_report report;
    char before[17], after[17];
    make_torch_file("");
    char *name = strstr(maker.header, "norm.bias");
    name[0] = 'N';
    char *shape = strstr(strstr(maker.header, "conv.weight"), "3,2,2,2");
    memcpy(shape, "2,3,2,2", 7);
    end();
    fv_params_hash(n.params, before);
    assert_int_equal(load(&n, NULL, &report), FV_ERR_SHAPE);
    fv_params_hash(n.params, after);
    assert_string_equal(before, after);
    assert_non_null(strstr(fv_context_message(context), "1 missing: norm.bias"));
    assert_non_null(strstr(fv_context_message(context), "1 unexpected: Norm.bias"));
    assert_non_null(strstr(fv_context_message(context), "1 misshaped: conv.weight [3,2,2,2], the file has [2,3,2,2]"));
    assert_int_equal(load(&n, &(fv_weights_options){ .partial = true }, &report), FV_OK);
    assert_int_equal(report.counts[FV_WEIGHT_LOADED], 6);
    close_network(&n);
}

static void another_number_of_classes(void **state)
{
    (void)state;
    network n = open_network();
    fv_graph *other = NULL;
    assert_int_equal(fv_graph_with_head(&other, n.graph, 7), FV_OK);
    assert_int_equal(fv_graph_node(other, fv_graph_output(other)).output.c, 7);
    assert_int_equal(fv_graph_node_count(other), fv_graph_node_count(n.graph));
    fv_graph_destroy(other);
    assert_int_equal(fv_graph_with_head(&other, n.graph, 0), FV_ERR_ARGUMENT);
    assert_null(other);
    close_network(&n);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
        fv_status status;
        const char *says;
    } files[] = {
        { "PK\3\4archive/data.pkl", 19, FV_ERR_UNSUPPORTED, "save_file" },
        { "\x89HDF\r\n\x1a\n", 8, FV_ERR_UNSUPPORTED, "numpy.savez" },
        { "", 0, FV_ERR_FORMAT, "truncated" },
        { "\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10, FV_ERR_FORMAT, "header length" },
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        fv_weights *weights = NULL;
        FILE *file = fopen(path, "wb");
        fwrite(files[i].bytes, 1, files[i].count, file);
        fclose(file);
        assert_int_equal(fv_weights_open(&weights, context, path), files[i].status);
        assert_null(weights);
        assert_non_null(strstr(fv_context_message(context), files[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_of_pytorch_load, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(axes_of_keras_are_turned, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(halves_and_doubles_are_converted, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_classifier_of_other_classes_begins_anew, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_listed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(another_number_of_classes, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(other_files_are_refused, make_folder, remove_folder),
    };
    if (fv_context_create(&context, &(fv_context_options){ .threads = 1 }) != FV_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    free(maker.bytes);
    return failed;
}
