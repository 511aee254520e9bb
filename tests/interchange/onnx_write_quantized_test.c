/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_quantized_test.c - a network in 8 bits as a file of ONNX, read back with protobuf-c: which values pass QuantizeLinear, in which order,
 * and the bytes, scales and sums in the file.
 */
#include <math.h>
#include <string.h>

#include "fovea/fovea.h"
#include "interchange/onnx/onnx_write.h"
#include "support/files.h"
#include "support/graphs.h"
#include "support/test.h"

#ifdef FVI_HAVE_ONNX

static const float scales[3] = { 0.5f, 0.25f, 3e-3f };
static const float bias[3] = { 1, -2, 0.01f };

/* in - fc(dense of 6, weights whole bytes times scales[]) - relu - out(dense); in and relu are bytes, out is not. */
static fv_model *make_model(fv_context *context)
{
    const fv_preprocess preprocess = { .input = { 1, 3, 2 }, .classes = 2 };
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_model *model = NULL;
    fv_value x = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&graph, context, "tiny"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .name = "in", .shape = { 1, 3, 2 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .name = "fc", .units = 3 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_relu(graph, x, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .name = "out", .units = 2 }, &x), FV_OK);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    float *w = fv_params_values(params, 0);
    for (int i = 0; i < 18; i++)
        w[i] = (float)(i == 0 ? -127 : 5 * i - 40) * scales[i / 6];
    memcpy(fv_params_values(params, 1), bias, sizeof bias);
    assert_int_equal(fv_graph_set_quantized(graph, 0, &(fv_quantized){ .scale = 0.01f, .zero_point = 7 }), FV_OK);
    assert_int_equal(fv_graph_set_quantized(graph, 1, &(fv_quantized){ .weight_scale = scales, .outputs = 3 }), FV_OK);
    assert_int_equal(fv_graph_set_quantized(graph, 2, &(fv_quantized){ .scale = 0.5f }), FV_OK);
    assert_int_equal(fv_model_create(&model, context, graph, params, &preprocess, NULL), FV_OK);
    return model;
}

static const Onnx__NodeProto *op_of(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_node; i++)
        if (strcmp(graph->node[i]->name, name) == 0)
            return graph->node[i];
    fail_msg("there is no operator '%s'", name);
    return NULL;
}

static const Onnx__TensorProto *tensor_of(const Onnx__GraphProto *graph, const char *name, int32_t type, size_t bytes)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (strcmp(graph->initializer[i]->name, name) == 0) {
            assert_int_equal(graph->initializer[i]->data_type, type);
            assert_int_equal(graph->initializer[i]->raw_data.len, bytes);
            return graph->initializer[i];
        }
    fail_msg("there is no tensor '%s'", name);
    return NULL;
}

/* Each input is the file's, a tensor, or an output of an operator before. */
static void check_order(const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t j = 0; j < graph->node[i]->n_input; j++) {
            const char *name = graph->node[i]->input[j];
            bool known = strcmp(name, graph->input[0]->name) == 0;
            for (size_t k = 0; k < i; k++)
                known = known || strcmp(graph->node[k]->output[0], name) == 0;
            for (size_t k = 0; k < graph->n_initializer; k++)
                known = known || strcmp(graph->initializer[k]->name, name) == 0;
            if (!known)
                fail_msg("'%s' reads '%s' before it is there", graph->node[i]->name, name);
        }
}

FV_TEST(onnx_write_quantized, values_and_weights_pass_bytes)
{
    char folder[TEST_PATH], path[TEST_PATH];
    size_t size = 0;
    test_folder_make(folder);
    test_path(path, folder, "net.onnx");
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    fv_model *model = make_model(context);
    if (fv_onnx_write(context, path, model, NULL) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    unsigned char *bytes = test_file_read(folder, "net.onnx", &size);
    Onnx__ModelProto *file = onnx__model_proto__unpack(NULL, size, bytes);
    assert_non_null(file);
    const Onnx__GraphProto *graph = file->graph;
    check_order(graph);
    int to = 0, back = 0;
    for (size_t i = 0; i < graph->n_node; i++) {
        to += strcmp(graph->node[i]->op_type, "QuantizeLinear") == 0;
        back += strcmp(graph->node[i]->op_type, "DequantizeLinear") == 0;
    }
    assert_int_equal(to, 2);
    assert_int_equal(back, 4); /* in, relu; the weight and the bias of fc */
    assert_string_equal(op_of(graph, "fc")->input[1], "fc/weight");
    assert_string_equal(op_of(graph, "fc")->input[2], "fc/bias");
    assert_string_equal(op_of(graph, "out")->input[1], "out.weight");
    assert_string_equal(op_of(graph, "out")->input[0], "relu1/dequantized");
    const Onnx__TensorProto *weight = tensor_of(graph, "fc/weight_bytes", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 18);
    for (int i = 0; i < 18; i++)
        assert_int_equal((int8_t)weight->raw_data.data[i], i == 0 ? -127 : 5 * i - 40);
    assert_memory_equal(tensor_of(graph, "fc/weight_scale", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 12)->raw_data.data,
                        scales, sizeof scales);
    const Onnx__TensorProto *sums = tensor_of(graph, "fc/bias_sums", ONNX__TENSOR_PROTO__DATA_TYPE__INT32, 12);
    for (int k = 0; k < 3; k++) {
        int32_t sum;
        memcpy(&sum, sums->raw_data.data + 4 * k, sizeof sum);
        assert_int_equal(sum, lrint((double)bias[k] / (double)(0.01f * scales[k])));
    }
    assert_int_equal(tensor_of(graph, "in/zero_point", ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 1)->raw_data.data[0], 7);
    onnx__model_proto__free_unpacked(file, NULL);
    free(bytes);
    assert_int_equal(fv_onnx_write(context, path, model, &(fv_onnx_write_options){ .opset = 12 }), FV_ERR_UNSUPPORTED);
    assert_non_null(strstr(fv_context_message(context), "dense 'fc': its weights in bytes need opset 13"));
    fv_model_destroy(model);
    fv_context_destroy(context);
    test_folder_remove(folder);
}

FV_TESTS(onnx_write_quantized, values_and_weights_pass_bytes)

#else

FV_TEST(onnx_write_quantized, needs_onnx)
{
    test_skip("built without ONNX");
}

FV_TESTS(onnx_write_quantized, needs_onnx)

#endif
