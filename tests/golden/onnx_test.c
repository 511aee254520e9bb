/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_test.c - ONNX files against those who wrote them: each of tests/golden/onnx/ read, run on two images in float64 by the reference
 * kernels and in float32 by the fast ones, and compared with PyTorch's or ONNX Runtime's answer (tools/golden_onnx.py).
 */
#include <math.h>
#include <string.h>

#include "fovea/fovea.h"
#include "support/test.h"
#include "support/values.h"

enum { IMAGES = 2 };

/* Of the largest value. ONNX Runtime's answers are float32 themselves; the fast kernels round a few hundred times on the way. */
static const double reference_bar = 1e-5, fast_bar = 1e-4;

typedef struct expected {
    double *x, *y;
    size_t x_count, y_count;
} expected;

static double *read_list(FILE *file, size_t *count)
{
    assert_int_equal(fscanf(file, "%zu", count), 1);
    double *values = test_doubles(*count);
    for (size_t i = 0; i < *count; i++)
        assert_int_equal(fscanf(file, "%la", &values[i]), 1);
    return values;
}

/* "plain-legacy" and "plain-dynamo" are one network. */
static expected read_expected(const char *name)
{
    char path[512];
    size_t length = strlen(name);
    if (length > 7 && (strcmp(name + length - 7, "-legacy") == 0 || strcmp(name + length - 7, "-dynamo") == 0))
        length -= 7;
    snprintf(path, sizeof path, FVI_TEST_SOURCE "/golden/onnx/%.*s.txt", (int)length, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    expected e = { 0 };
    e.x = read_list(file, &e.x_count);
    e.y = read_list(file, &e.y_count);
    fclose(file);
    return e;
}

/* What the model answers, in dtype; params are those of the dtype. */
static double *answer_of(fv_context *context, fv_model *model, const expected *e, fv_dtype dtype)
{
    fv_graph *graph = fv_model_graph(model);
    const fv_plan_options options = { .batch = IMAGES, .mode = FV_PREDICT, .dtype = dtype };
    fv_params *params = NULL;
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    double *x = test_doubles(e->x_count), *y = test_doubles(e->y_count);
    memcpy(x, e->x, e->x_count * sizeof *x);
    assert_int_equal(fv_params_create(&params, graph, dtype), FV_OK);
    assert_int_equal(fv_params_copy(params, fv_model_params(model)), FV_OK);
    if (fv_plan_create(&plan, graph, &options) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_int_equal(fv_session_create(&session, plan, params), FV_OK);
    const fv_batch batch = { .n = IMAGES, .images = x, .dtype = FV_F64, .order = FV_NCHW };
    assert_int_equal(fv_session_forward(session, &batch, NULL), FV_OK);
    if (dtype == FV_F64) {
        assert_int_equal(fv_session_read(session, fv_graph_output(graph), y, e->y_count), FV_OK);
    } else {
        float *values = calloc(e->y_count, sizeof *values);
        assert_int_equal(fv_session_read(session, fv_graph_output(graph), values, e->y_count), FV_OK);
        for (size_t i = 0; i < e->y_count; i++)
            y[i] = (double)values[i];
        free(values);
    }
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    fv_params_destroy(params);
    free(x);
    return y;
}

/* The graph's axes are channels first; ONNX has them last in "channels-last". */
static void turn(expected *e, fv_image_shape input)
{
    double *turned = test_doubles(e->x_count);
    const size_t pixels = (size_t)input.h * (size_t)input.w, channels = (size_t)input.c;
    for (size_t i = 0; i < e->x_count; i++) {
        const size_t image = i / (pixels * channels), place = i % (pixels * channels);
        turned[image * pixels * channels + place % channels * pixels + place / channels] = e->x[i];
    }
    free(e->x);
    e->x = turned;
}

static void check(const char *name)
{
    fv_context *context = NULL;
    fv_model *model = NULL;
    char path[512];
    expected e = read_expected(name);
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    snprintf(path, sizeof path, FVI_TEST_SOURCE "/golden/onnx/%s.onnx", name);
    if (fv_onnx_read(&model, context, path, NULL) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    const fv_image_shape input = fv_model_preprocess(model)->input;
    assert_int_equal(e.x_count, (size_t)IMAGES * (size_t)input.c * (size_t)input.h * (size_t)input.w);
    if (strcmp(name, "channels-last") == 0)
        turn(&e, input);
    for (int32_t i = 0; i < 2; i++) {
        double *y = answer_of(context, model, &e, i == 0 ? FV_F64 : FV_F32);
        const double error = test_values_error(y, e.y, e.y_count), bar = i == 0 ? reference_bar : fast_bar;
        if (!(error <= bar))
            fail_msg("%s: in %s the output differs by %.3g of its largest value; allowed is %.3g", name,
                     i == 0 ? "float64" : "float32", error, bar);
        free(y);
    }
    fv_model_destroy(model);
    fv_context_destroy(context);
    free(e.x);
    free(e.y);
}

static bool reads_onnx(void)
{
    if (fv_onnx_table(0) != NULL)
        return true;
    test_skip("built without ONNX");
    return false;
}

FV_TEST(onnx, networks_of_pytorch_answer_as_there)
{
    static const char *const names[] = { "plain-legacy",   "plain-dynamo",   "mobile-legacy",  "mobile-dynamo",
                                         "shuffle-legacy", "shuffle-dynamo", "decoder-legacy", "decoder-dynamo" };
    for (size_t i = 0; reads_onnx() && i < sizeof names / sizeof names[0]; i++)
        check(names[i]);
}

FV_TEST(onnx, operators_answer_as_in_onnx_runtime)
{
    static const char *const names[] = { "opset7", "channels-last", "types", "function", "sequence", "layers" };
    for (size_t i = 0; reads_onnx() && i < sizeof names / sizeof names[0]; i++)
        check(names[i]);
}

FV_TESTS(onnx, networks_of_pytorch_answer_as_there, operators_answer_as_in_onnx_runtime)
