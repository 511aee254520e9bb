/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_test.c - files of ONNX, read back with protobuf-c: each case of tests/golden/layers as a network of one layer, names, shapes,
 * metadata, what is refused. Whether they compute what fovea computes is a question for ONNX Runtime: with $FOVEA_ONNX_CASES, a folder, the
 * files stay there, with inputs and outputs beside them and with the networks of the zoo up to $FOVEA_ONNX_MOST million multiply-adds
 * (or one, $FOVEA_ONNX_NETWORK); tools/test-onnx.sh asks for that and runs them.
 */
#include <string.h>

#include "fovea/fovea.h"
#include "interchange/onnx/onnx_write.h"
#include "support/files.h"
#include "support/graphs.h"
#include "support/layer_case.h"
#include "support/test.h"
#include "support/values.h"

#ifdef FVI_HAVE_ONNX

enum { LONGEST_LINE = 200, IMAGES = 3, PARAM_STREAM = 500, INPUT_STREAM = 600 };

static const char *const families[] = { "activations", "convolution", "lenet", "norm", "pooling", "shapes" };

/* Reading back. */

typedef struct onnx_file {
    Onnx__ModelProto *model;
    Onnx__GraphProto *graph;
} onnx_file;

static onnx_file read_back(const char *folder, const char *name)
{
    size_t size = 0;
    unsigned char *bytes = test_file_read(folder, name, &size);
    onnx_file file = { .model = onnx__model_proto__unpack(NULL, size, bytes) };
    free(bytes);
    assert_non_null(file.model);
    assert_non_null(file.model->graph);
    file.graph = file.model->graph;
    return file;
}

static void close_file(onnx_file *file)
{
    onnx__model_proto__free_unpacked(file->model, NULL);
    *file = (onnx_file){ 0 };
}

static const Onnx__NodeProto *find_op(const onnx_file *file, const char *name)
{
    for (size_t i = 0; i < file->graph->n_node; i++)
        if (strcmp(file->graph->node[i]->name, name) == 0)
            return file->graph->node[i];
    fail_msg("there is no operator '%s'", name);
    return NULL;
}

static const Onnx__TensorProto *find_initializer(const onnx_file *file, const char *name)
{
    for (size_t i = 0; i < file->graph->n_initializer; i++)
        if (strcmp(file->graph->initializer[i]->name, name) == 0)
            return file->graph->initializer[i];
    return NULL;
}

static const Onnx__AttributeProto *find_attribute(const Onnx__NodeProto *op, const char *name)
{
    for (size_t i = 0; i < op->n_attribute; i++)
        if (strcmp(op->attribute[i]->name, name) == 0)
            return op->attribute[i];
    return NULL;
}

static bool is_known(const onnx_file *file, const char *name, size_t ops)
{
    if (name[0] == '\0' || strcmp(name, file->graph->input[0]->name) == 0 || find_initializer(file, name) != NULL)
        return true;
    for (size_t i = 0; i < ops; i++)
        if (strcmp(file->graph->node[i]->output[0], name) == 0)
            return true;
    return false;
}

/* What holds of every file: operators come behind what they read, no name twice, tensors as long as their shapes say. */
static void check_whole(const onnx_file *file, int32_t opset)
{
    const Onnx__GraphProto *graph = file->graph;
    assert_int_equal(file->model->n_opset_import, 1);
    assert_int_equal(file->model->opset_import[0]->version, opset);
    assert_string_equal(file->model->producer_name, "fovea");
    assert_int_equal(graph->n_input, 1);
    assert_int_equal(graph->n_output, 1);
    assert_string_equal(graph->input[0]->type->tensor_type->shape->dim[0]->dim_param, "N");
    assert_string_equal(graph->output[0]->type->tensor_type->shape->dim[0]->dim_param, "N");
    for (size_t i = 0; i < graph->n_node; i++) {
        assert_false(is_known(file, graph->node[i]->output[0], i));
        for (size_t j = 0; j < graph->node[i]->n_input; j++)
            assert_true(is_known(file, graph->node[i]->input[j], i));
    }
    assert_true(is_known(file, graph->output[0]->name, graph->n_node));
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const Onnx__TensorProto *tensor = graph->initializer[i];
        size_t bytes = tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ? sizeof(float) : sizeof(int64_t);
        for (size_t j = 0; j < tensor->n_dims; j++)
            bytes *= (size_t)tensor->dims[j];
        assert_int_equal(tensor->raw_data.len, bytes);
        assert_ptr_equal(find_initializer(file, tensor->name), tensor);
    }
}

/* Networks of one layer. */

/* Another input of the layer, from the network's only one. */
static fv_value make_input(fv_graph *graph, fv_value image, fv_image_shape from, fv_image_shape to)
{
    if (from.c == to.c && to.h == 1 && to.w == 1)
        return test_add(graph, "global_average_pool", &image, 1, NULL);
    return test_add(graph, "conv2d", &image, 1, &(fv_conv2d_options){ .filters = to.c });
}

static fv_graph *make_graph(fv_context *context, const layer_case *problem)
{
    fv_value inputs[LAYER_CASE_INPUTS] = { FV_NO_VALUE };
    fv_graph *graph = test_graph_start(context, problem->in[0], &inputs[0]);
    for (int32_t i = 1; i < problem->input_count; i++)
        inputs[i] = make_input(graph, inputs[0], problem->in[0], problem->in[i]);
    const fv_value output = test_add(graph, problem->layer->name, inputs, problem->input_count, &problem->options);
    assert_int_equal(fv_graph_finish(graph, output), FV_OK);
    return graph;
}

/* Initial values, and what begins at one number for all channels is moved apart. */
static fv_params *make_params(fv_graph *graph)
{
    fv_params *params = NULL;
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        const fv_param_info info = fv_params_info(params, i);
        float *values = fv_params_values(params, i);
        for (uint32_t j = 0; info.shape.rank == 1 && j < info.elements; j++)
            values[j] += 0.5f * (float)test_hashed(j, PARAM_STREAM + (uint32_t)i);
    }
    return params;
}

/* Cases for ONNX Runtime. */

typedef struct case_folder {
    const char *path; /* NULL: none are asked for */
    char own[TEST_PATH];
    FILE *list;
    int32_t count;
} case_folder;

static case_folder open_cases(void)
{
    case_folder cases = { .path = getenv("FOVEA_ONNX_CASES") };
    char path[TEST_PATH];
    if (cases.path == NULL) {
        test_folder_make(cases.own);
        return cases;
    }
    test_path(path, cases.path, "cases.txt");
    cases.list = fopen(path, "a");
    assert_non_null(cases.list);
    return cases;
}

static void close_cases(case_folder *cases)
{
    if (cases->list != NULL)
        fclose(cases->list);
    else
        test_folder_remove(cases->own);
}

static const char *folder_of(const case_folder *cases)
{
    return cases->path != NULL ? cases->path : cases->own;
}

static size_t elements_of(fv_image_shape shape)
{
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

static void write_output(const case_folder *cases, const char *base, fv_params *params, const float *images,
                         bool reference)
{
    const fv_graph *graph = fv_params_graph(params);
    const fv_plan_options options = { .batch = IMAGES, .mode = FV_PREDICT, .reference = reference };
    const size_t count = IMAGES * elements_of(fv_graph_node(graph, fv_graph_output(graph)).output);
    float *values = malloc(count * sizeof *values);
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    char name[TEST_PATH];
    assert_non_null(values);
    assert_int_equal(fv_plan_create(&plan, graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&session, plan, params), FV_OK);
    assert_int_equal(fv_session_forward(session, &(fv_batch){ .n = IMAGES, .images = images }, NULL), FV_OK);
    assert_int_equal(fv_session_read(session, fv_graph_output(graph), values, count), FV_OK);
    snprintf(name, sizeof name, "%.400s.%s", base, reference ? "reference" : "fast");
    test_file_write(cases->path, name, values, count * sizeof *values);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    free(values);
}

/* Inputs in [low, high) and what fovea makes of them. */
static void write_values(const case_folder *cases, const char *base, fv_params *params, double low, double high)
{
    const fv_graph *graph = fv_params_graph(params);
    const size_t count = IMAGES * elements_of(fv_graph_node(graph, fv_graph_input(graph)).output);
    float *images = malloc(count * sizeof *images);
    char name[TEST_PATH];
    assert_non_null(images);
    for (uint32_t i = 0; i < count; i++)
        images[i] = (float)(low + (high - low) * (test_hashed(i, INPUT_STREAM) + 0.5));
    snprintf(name, sizeof name, "%.400s.input", base);
    test_file_write(cases->path, name, images, count * sizeof *images);
    write_output(cases, base, params, images, true);
    write_output(cases, base, params, images, false);
    free(images);
}

/* Each line of a golden file that begins a case, without losses, which no file of ONNX has. */
static bool next_case(FILE *file, char line[LONGEST_LINE])
{
    while (fgets(line, LONGEST_LINE, file) != NULL)
        if (strncmp(line, "case ", 5) == 0) {
            line[strcspn(line, "\n")] = '\0';
            memmove(line, line + 5, strlen(line + 5) + 1);
            return true;
        }
    return false;
}

static bool is_seen(const char *type, char seen[][LONGEST_LINE], int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (strcmp(seen[i], type) == 0)
            return true;
    return false;
}

static bool opset_can(const layer_case *problem, int32_t opset)
{
    return strcmp(problem->layer->name, "gelu") != 0 || problem->options.gelu.tanh_form || opset >= 9;
}

static void write_case(case_folder *cases, fv_context *context, const char *line)
{
    static const int32_t opsets[] = { 7, 11, 17, 9, 10, 13, 20, 21 };
    const int32_t tried = cases->list != NULL ? (int32_t)(sizeof opsets / sizeof opsets[0]) : 3;
    const layer_case problem = layer_case_parse(line);
    const bool positive = layer_case_positive(&problem, 0);
    fv_graph *graph = make_graph(context, &problem);
    fv_params *params = make_params(graph);
    char name[TEST_PATH], path[TEST_PATH], base[64];
    snprintf(base, sizeof base, "layer%03d", (int)cases->count++);
    for (int32_t i = 0; i < tried; i++) {
        if (!opset_can(&problem, opsets[i]))
            continue;
        snprintf(name, sizeof name, "%s-%d.onnx", base, (int)opsets[i]);
        test_path(path, folder_of(cases), name);
        const fv_onnx_write_options options = { .opset = opsets[i], .keep_batch_norm = true };
        if (fvi_onnx_write(context, path, &(fvi_onnx_source){ .params = params }, &options) != FV_OK)
            fail_msg("%s, opset %d: %s", line, (int)opsets[i], fv_context_message(context));
        onnx_file file = read_back(folder_of(cases), name);
        check_whole(&file, opsets[i]);
        close_file(&file);
        if (cases->list != NULL)
            fprintf(cases->list, "%s\t%s\t%d\t0\t%s\n", name, base, (int)opsets[i], line);
    }
    if (cases->list != NULL)
        write_values(cases, base, params, positive ? 0.5 : -4, positive ? 2 : 4);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

FV_TEST(onnx_write, every_layer)
{
    test_allocator allocator = { 0 };
    fv_context *context = test_context(&allocator, test_threads(1));
    case_folder cases = open_cases();
    char line[LONGEST_LINE], seen[200][LONGEST_LINE];
    int32_t types = 0;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        snprintf(line, sizeof line, "%s.txt", families[i]);
        char path[TEST_PATH];
        test_path(path, FVI_TEST_SOURCE "/golden/layers", line);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        while (next_case(file, line)) {
            const layer_case problem = layer_case_parse(line);
            if (problem.layer->is_loss)
                continue;
            write_case(&cases, context, line);
            if (!is_seen(problem.layer->name, seen, types))
                snprintf(seen[types++], LONGEST_LINE, "%s", problem.layer->name);
        }
        fclose(file);
    }
    close_cases(&cases);
    /* A type without a golden case would not be tried. */
    for (size_t i = 0; fvi_layers[i] != NULL; i++)
        if (!fvi_layers[i]->is_loss && !fvi_layers[i]->is_input && !is_seen(fvi_layers[i]->name, seen, types))
            fail_msg("%s: no case of tests/golden/layers", fvi_layers[i]->name);
    fv_context_destroy(context);
}

FV_TEST(onnx_write, every_type_has_a_line)
{
    for (size_t i = 0; fvi_layers[i] != NULL; i++) {
        const fvi_onnx_layer *line = fvi_onnx_layer_find(fvi_layers[i]->name);
        if (line == NULL)
            fail_msg("%s is not in src/interchange/onnx/onnx_write_table.c", fvi_layers[i]->name);
        assert_int_equal(line->write == NULL, line->refused != NULL);
        assert_int_equal(line->write == NULL, fvi_layers[i]->is_loss);
    }
    assert_null(fvi_onnx_layer_find("nothing"));
}

/* Networks of the zoo for ONNX Runtime, with the bound of their self-test: docs/numerics.md#self-test. */

static double rounding_bound(fv_context *context, const char *path, fv_params *params, const fv_preprocess *preprocess)
{
    fv_model *model = NULL;
    fv_self_test_result result;
    assert_int_equal(fv_model_write(context, path, params, preprocess, NULL), FV_OK);
    assert_int_equal(fv_model_read(&model, context, path), FV_OK);
    assert_int_equal(fv_self_test_run(&result, model), FV_OK);
    fv_model_destroy(model);
    return result.bound;
}

static void write_network(case_folder *cases, fv_context *context, const char *name)
{
    static const struct {
        const char *name;
        int32_t opset;
        bool keep_batch_norm;
    } forms[] = { { "folded", 17, false }, { "whole", 17, true }, { "7", 7, true },
                  { "11", 11, false },     { "13", 13, false },   { "21", 21, true } };
    fv_graph *graph = NULL;
    fv_model *model = NULL;
    char file[TEST_PATH], path[TEST_PATH];
    assert_int_equal(fv_zoo_build(&graph, context, name), FV_OK);
    const fv_image_shape answer = fv_graph_node(graph, fv_graph_output(graph)).output;
    const fv_preprocess preprocess = { .input = fv_graph_node(graph, fv_graph_input(graph)).output,
                                       .mean = { 0.5, 0.5, 0.5, 0.5 },
                                       .deviation = { 0.25, 0.25, 0.25, 0.25 },
                                       .classes = (int32_t)elements_of(answer) };
    assert_int_equal(fv_model_create(&model, context, graph, make_params(graph), &preprocess, NULL), FV_OK);
    snprintf(file, sizeof file, "%s.safetensors", name);
    test_path(path, cases->path, file);
    const double bound = rounding_bound(context, path, fv_model_params(model), &preprocess);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        snprintf(file, sizeof file, "%s-%s.onnx", name, forms[i].name);
        test_path(path, cases->path, file);
        const fv_onnx_write_options options = { .opset = forms[i].opset, .keep_batch_norm = forms[i].keep_batch_norm };
        const fv_status status = fv_onnx_write(context, path, model, &options);
        if (status == FV_ERR_UNSUPPORTED && options.opset < 9)
            continue; /* gelu */
        if (status != FV_OK)
            fail_msg("%s: %s", name, fv_context_message(context));
        fprintf(cases->list, "%s\t%s\t%d\t%.9g\t%s\n", file, name, (int)forms[i].opset, bound, forms[i].name);
    }
    write_values(cases, name, fv_model_params(model), -2, 2);
    fv_model_destroy(model);
}

FV_TEST(onnx_write, networks)
{
    const char *most = getenv("FOVEA_ONNX_MOST"), *only = getenv("FOVEA_ONNX_NETWORK");
    if (getenv("FOVEA_ONNX_CASES") == NULL) {
        test_skip("networks of the zoo are for make test-onnx");
        return;
    }
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    const bool has_most = most != NULL && most[0] != '\0', has_only = only != NULL && only[0] != '\0';
    case_folder cases = open_cases();
    for (int32_t i = 0; i < fv_zoo_count(); i++) {
        const char *name = fv_zoo_get(i)->name;
        fv_graph *graph = NULL;
        assert_int_equal(fv_zoo_build(&graph, context, name), FV_OK);
        const double millions = (double)fv_graph_multiply_adds(graph) / 1e6;
        fv_graph_destroy(graph);
        if (has_only ? strcmp(only, name) == 0 : millions <= (has_most ? atof(most) : 100))
            write_network(&cases, context, name);
    }
    close_cases(&cases);
    fv_context_destroy(context);
}

/* One file in detail. */

static void check_ints(const Onnx__NodeProto *op, const char *name, size_t count, const int64_t *wanted)
{
    const Onnx__AttributeProto *attribute = find_attribute(op, name);
    assert_non_null(attribute);
    assert_int_equal(attribute->n_ints, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(attribute->ints[i], wanted[i]);
}

FV_TEST(onnx_write, names_shapes_and_weights)
{
    test_allocator allocator = { 0 };
    fv_context *context = test_context(&allocator, 1);
    fv_value x = FV_NO_VALUE;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 2, 5, 5 }, &x);
    const fv_conv2d_options conv = {
        .name = "first", .filters = 3, .kernel = { 3, 2 }, .stride = { 1, 2 }, .padding = FV_PAD_SAME
    };
    x = test_add(graph, "conv2d", &x, 1, &conv);
    x = test_add(graph, "batch_norm", &x, 1, &(fv_batch_norm_options){ .name = "norm" });
    x = test_add(graph, "dropout", &x, 1, &(fv_dropout_options){ .name = "drop", .drop = 0.5 });
    /* A name that the helper of the next layer would have. */
    x = test_add(graph, "relu", &x, 1, &(fv_plain_options){ .name = "act/flatten" });
    x = test_add(graph, "relu", &x, 1, &(fv_plain_options){ .name = "act" });
    x = test_add(graph, "dense", &x, 1, &(fv_dense_options){ .name = "fc", .units = 4, .no_bias = true });
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    fv_params *params = make_params(graph);
    const char *const classes[] = { "zero", "one", "two", "three" };
    const fv_preprocess preprocess = { .input = { 2, 5, 5 }, .classes = 4, .class_names = classes };
    const fvi_onnx_source source = { .params = params, .preprocess = &preprocess };
    char folder[TEST_PATH], path[TEST_PATH];
    test_folder_make(folder);
    test_path(path, folder, "net.onnx");
    assert_int_equal(fvi_onnx_write(context, path, &source, &(fv_onnx_write_options){ .opset = 9 }), FV_OK);
    onnx_file file = read_back(folder, "net.onnx");
    check_whole(&file, 9);
    assert_int_equal(file.model->ir_version, 4);
    const Onnx__NodeProto *op = find_op(&file, "first");
    assert_string_equal(op->op_type, "Conv");
    assert_string_equal(op->input[0], "image");
    assert_string_equal(op->input[1], "first.weight");
    assert_string_equal(op->input[2], "first.bias"); /* from the normalisation that was folded into it */
    assert_string_equal(op->output[0], "first");
    check_ints(op, "kernel_shape", 2, (const int64_t[]){ 3, 2 });
    check_ints(op, "strides", 2, (const int64_t[]){ 1, 2 });
    check_ints(op, "pads", 4, (const int64_t[]){ 1, 0, 1, 1 });
    assert_int_equal(find_initializer(&file, "first.weight")->raw_data.len, 3 * 2 * 3 * 2 * sizeof(float));
    assert_string_equal(find_op(&file, "act")->input[0], "act/flatten");
    assert_string_equal(find_op(&file, "act/flatten_2")->op_type, "Flatten");
    op = find_op(&file, "fc");
    assert_string_equal(op->op_type, "Gemm");
    assert_int_equal(op->n_input, 3); /* before opset 11 a bias is no optional input */
    assert_int_equal(find_attribute(op, "transB")->i, 1);
    const Onnx__TensorProto *weight = find_initializer(&file, "fc.weight");
    assert_memory_equal(weight->raw_data.data, fv_params_values(params, fv_params_find(params, "fc.weight")),
                        weight->raw_data.len);
    assert_string_equal(file.graph->output[0]->name, "fc");
    assert_int_equal(file.graph->output[0]->type->tensor_type->shape->n_dim, 2);
    assert_int_equal(file.model->n_metadata_props, 2);
    assert_string_equal(file.model->metadata_props[0]->key, "fovea.preprocess");
    assert_string_equal(file.model->metadata_props[1]->value, "[\"zero\",\"one\",\"two\",\"three\"]");
    close_file(&file);
    test_folder_remove(folder);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(onnx_write, refusals_name_what_to_do)
{
    test_allocator allocator = { 0 };
    fv_context *context = test_context(&allocator, 1);
    fv_value x = FV_NO_VALUE;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 1, 2, 2 }, &x);
    x = test_add(graph, "gelu", &x, 1, &(fv_gelu_options){ .name = "smooth" });
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    fv_params *params = make_params(graph);
    const fvi_onnx_source source = { .params = params };
    char folder[TEST_PATH], path[TEST_PATH];
    test_folder_make(folder);
    test_path(path, folder, "net.onnx");
    assert_int_equal(fvi_onnx_write(context, path, &source, &(fv_onnx_write_options){ .opset = 8 }),
                     FV_ERR_UNSUPPORTED);
    assert_non_null(strstr(fv_context_message(context), "gelu 'smooth': opset 8 of ONNX has no operator Erf"));
    assert_int_equal(fvi_onnx_write(context, path, &source, &(fv_onnx_write_options){ .opset = 22 }), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "opset 22 of ONNX; fovea writes 7 to 21"));
    assert_int_equal(test_file_count(folder), 0);
    assert_int_equal(fvi_onnx_write(context, folder, &source, NULL), FV_ERR_IO);
    test_folder_remove(folder);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Each allocation in turn fails: an error, no crash, no file. */
FV_TEST(onnx_write, short_memory)
{
    test_allocator allocator = { 0 };
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = NULL;
    assert_int_equal(fv_zoo_build(&graph, context, "lenet5-1998"), FV_OK);
    fv_params *params = make_params(graph);
    const fvi_onnx_source source = { .params = params };
    char folder[TEST_PATH], path[TEST_PATH];
    test_folder_make(folder);
    test_path(path, folder, "net.onnx");
    fv_status status = FV_ERR_MEMORY;
    for (long long left = 0; status != FV_OK; left++) {
        test_allocator_fail_after(&allocator, left);
        status = fvi_onnx_write(context, path, &source, NULL);
        assert_true(status == FV_OK || status == FV_ERR_MEMORY);
        assert_int_equal(test_file_count(folder), status == FV_OK ? 1 : 0);
    }
    test_allocator_succeed(&allocator);
    test_folder_remove(folder);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(onnx_write, every_type_has_a_line, every_layer, networks, names_shapes_and_weights, refusals_name_what_to_do,
         short_memory)

#else

FV_TEST(onnx_write, says_what_is_missing)
{
    test_allocator allocator = { 0 };
    fv_context *context = test_context(&allocator, 1);
    assert_int_equal(fv_onnx_write(context, "net.onnx", NULL, NULL), FV_ERR_UNSUPPORTED);
    assert_non_null(strstr(fv_context_message(context), "libonnx-dev"));
    fv_context_destroy(context);
}

FV_TESTS(onnx_write, says_what_is_missing)

#endif
