/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_round_trip_test.c - what fovea writes as ONNX it reads back as a network that computes the same bits on reference kernels: small
 * networks of the zoo, and each case of tests/golden/layers.
 */
#include <math.h>
#include <string.h>

#include "fovea/fovea.h"
#include "interchange/onnx/onnx_write.h"
#include "support/files.h"
#include "support/graphs.h"
#include "support/test.h"
#include "support/values.h"

#ifdef FVI_HAVE_ONNX

#include "support/layer_case.h"

enum { IMAGES = 2, LONGEST_LINE = 200, PARAM_STREAM = 700, INPUT_STREAM = 800 };

static size_t elements_of(fv_image_shape shape)
{
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

static size_t output_count(const fv_graph *graph)
{
    return IMAGES * elements_of(fv_graph_node(graph, fv_graph_output(graph)).output);
}

/* The reference plan's output for positive values (some layers take logarithms); free() it. */
static float *run(fv_params *params)
{
    const fv_graph *graph = fv_params_graph(params);
    const size_t count = IMAGES * elements_of(fv_graph_node(graph, fv_graph_input(graph)).output);
    const fv_plan_options options = { .batch = IMAGES, .mode = FV_PREDICT, .reference = true };
    float *images = malloc(count * sizeof *images), *values = malloc(output_count(graph) * sizeof *values);
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    assert_non_null(images);
    assert_non_null(values);
    for (uint32_t i = 0; i < count; i++)
        images[i] = (float)(0.75 + test_hashed(i, INPUT_STREAM));
    assert_int_equal(fv_plan_create(&plan, graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&session, plan, params), FV_OK);
    assert_int_equal(fv_session_forward(session, &(fv_batch){ .n = IMAGES, .images = images }, NULL), FV_OK);
    assert_int_equal(fv_session_read(session, fv_graph_output(graph), values, output_count(graph)), FV_OK);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    free(images);
    return values;
}

static fv_params *make_params(const fv_graph *graph)
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

/* Layers that are written as several operators, or with numbers of float32 where fovea has doubles: read back, the error is at most 1e-6
 * of the largest value. */
typedef struct composed {
    const char *problem; /* how it begins */
    bool may_be_refused; /* the reader may have no layer for a part of the formula */
} composed;

static const composed exceptions[] = {
    { "softplus n2c3h2w3a250", false },
    { "hard_sigmoid n2c3h2w3", false }, /* 1/6 */
    { "power n2c3h2w3a270", false },
    { "local_response_norm n2c3h5w4r3a100q75o1", true },
    { "adaptive_average_pool n1c3h13w7r6s4", true },
    { "adaptive_average_pool n1c3h2w3r7s7", true },
    { "pad n1c3h4w5p1r2s", true }, /* by reflection and edge */
    { "scale n2c4h3w2b2", true },
    { "permute", true },
    { "expand", true },
    { "resize", true },
    { "upsample", true },
    { "dropout", true }, /* nothing is computed */
    { "identity", true },
    { NULL, false },
};

static const composed *exception_of(const char *problem)
{
    for (const composed *e = exceptions; e->problem != NULL; e++)
        if (strncmp(problem, e->problem, strlen(e->problem)) == 0)
            return e;
    return NULL;
}

static void compare(const char *what, const float *got, const float *wanted, size_t count, bool roughly)
{
    double apart = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        apart = fmax(apart, fabs((double)got[i] - (double)wanted[i]));
        largest = fmax(largest, fabs((double)wanted[i]));
    }
    if (roughly ? !(apart <= 1e-6 * largest) : memcmp(got, wanted, count * sizeof *got) != 0)
        fail_msg("%s: read back, it computes something that differs by %.3g of the largest value", what,
                 apart / largest);
}

static void check_file(fv_context *context, const char *path, const char *what, fv_params *params,
                       const composed *exception)
{
    fv_model *model = NULL;
    const fv_status status = fv_onnx_read(&model, context, path, NULL);
    if (status == FV_ERR_UNSUPPORTED && exception != NULL && exception->may_be_refused)
        return;
    if (status != FV_OK)
        fail_msg("%s: %s", what, fv_context_message(context));
    float *wanted = run(params), *got = run(fv_model_params(model));
    assert_int_equal(output_count(fv_model_graph(model)), output_count(fv_params_graph(params)));
    compare(what, got, wanted, output_count(fv_params_graph(params)), exception != NULL);
    free(wanted);
    free(got);
    fv_model_destroy(model);
}

FV_TEST(onnx_round_trip, networks_give_the_same_bits)
{
    static const char *const names[] = { "lenet5", "convnetjs-mnist", "bn-mlp-3x100", "linear-mnist",
                                         "cifar-resnet-20" };
    test_allocator allocator = { 0 };
    fv_context *context = test_context(&allocator, test_threads(2));
    char folder[TEST_PATH], path[TEST_PATH];
    test_folder_make(folder);
    test_path(path, folder, "net.onnx");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fv_graph *graph = NULL;
        assert_int_equal(fv_zoo_build(&graph, context, names[i]), FV_OK);
        fv_params *params = make_params(graph);
        const fv_preprocess preprocess = { .input = fv_graph_node(graph, fv_graph_input(graph)).output, .classes = 10 };
        const fvi_onnx_source source = { .params = params, .preprocess = &preprocess };
        const fv_onnx_write_options options = { .opset = i % 2 == 0 ? 17 : 7, .keep_batch_norm = true };
        assert_int_equal(fvi_onnx_write(context, path, &source, &options), FV_OK);
        check_file(context, path, names[i], params, NULL);
        fv_params_destroy(params);
        fv_graph_destroy(graph);
    }
    test_folder_remove(folder);
    fv_context_destroy(context);
}

static void check_case(fv_context *context, const char *path, const char *line)
{
    const layer_case problem = layer_case_parse(line);
    fv_value input = FV_NO_VALUE;
    if (problem.layer->is_loss || problem.input_count > 1 || problem.in[0].c > FV_MAX_CHANNELS)
        return;
    fv_graph *graph = test_graph_start(context, problem.in[0], &input);
    const fv_value output = test_add(graph, problem.layer->name, &input, 1, &problem.options);
    assert_int_equal(fv_graph_finish(graph, output), FV_OK);
    fv_params *params = make_params(graph);
    const fvi_onnx_source source = { .params = params };
    if (fvi_onnx_write(context, path, &source, &(fv_onnx_write_options){ .keep_batch_norm = true }) != FV_OK)
        fail_msg("%s: %s", line, fv_context_message(context));
    check_file(context, path, line, params, exception_of(line));
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

FV_TEST(onnx_round_trip, layers_give_the_same_bits)
{
    static const char *const families[] = { "activations", "convolution", "lenet", "norm", "pooling", "shapes" };
    test_allocator allocator = { 0 };
    fv_context *context = test_context(&allocator, 1);
    char folder[TEST_PATH], path[TEST_PATH], list[TEST_PATH], line[LONGEST_LINE];
    test_folder_make(folder);
    test_path(path, folder, "net.onnx");
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        snprintf(list, sizeof list, FVI_TEST_SOURCE "/golden/layers/%s.txt", families[i]);
        FILE *file = fopen(list, "r");
        assert_non_null(file);
        while (fgets(line, sizeof line, file) != NULL)
            if (strncmp(line, "case ", 5) == 0) {
                line[strcspn(line, "\n")] = '\0';
                check_case(context, path, line + 5);
            }
        fclose(file);
    }
    test_folder_remove(folder);
    fv_context_destroy(context);
}

FV_TESTS(onnx_round_trip, networks_give_the_same_bits, layers_give_the_same_bits)

#else

FV_TEST(onnx_round_trip, needs_onnx)
{
    test_skip("this build has no ONNX");
}

FV_TESTS(onnx_round_trip, needs_onnx)

#endif
