/* SPDX-License-Identifier: Apache-2.0
 *
 * c_source_test.c - exported C source compiled and run: every layer type against the library, in one graph whose branches each hold one
 * layer; names, blobs, what is refused.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/fovea.h"
#include "layer/layer.h"
#include "support/files.h"
#include "support/layer_case.h"
#include "support/test.h"

static const fv_image_shape image = { 3, 6, 5 };
enum { BRANCHES = 140, IMAGES = 3 };

/* Layers that behind something else are a part of its function are there twice: "+" puts a layer behind a convolution. */
static const char *const problems[] = {
    "conv2d n1c3h6w5k4r3s3p1",
    "conv2d n1c2h6w5k3r3s2u2v1p1",
    "conv2d n1c4h5w5k6r3s3m2g2",
    "conv2d n1c2h6w6k2r3s3d2p2b1",
    "conv2d n1c2h3w3k2r2s2m3",
    "conv2d n1c2h7w7k3r3s3u3m1",
    "conv2d n1c3h4w4k5r1",
    "conv2d n1c6h6w5k16r3l1",
    "conv2d n1c6h5w6k6r3m2g6",
    "+conv2d n1c3h6w5k4r3p1b1",
    "conv2d_transpose n1c3h3w4k4r3u2p1o1",
    "conv2d_transpose n1c4h3w2k6r4s3u3v2g2",
    "conv2d_transpose n1c2h3w4k2r3d2p1u2o1b1",
    "conv2d_transpose n1c4h3w3k4r2u3g4",
    "subsample n1c3h6w4",
    "subsample n1c5h7w7r3s2u2v3o1",
    "rbf n1c84",
    "max_pool2d n1c3h6w6r2",
    "max_pool2d n1c3h5w6r3u2p1e1",
    "average_pool2d n1c3h6w6r2",
    "average_pool2d n1c5h7w7r3u2p1",
    "average_pool2d n1c3h5w6r3u2p1e1o1",
    "average_pool2d n1c3h5w5r3u1m2",
    "global_max_pool n1c5h3w7",
    "global_average_pool n1c3h5w4",
    "adaptive_average_pool n1c9h7w5r3s4",
    "adaptive_average_pool n1c3h2w3r5s7",
    "channel_max_pool n1c9h2w3r3u2p1",
    "channel_average_pool n1c9h2w3r4u3p2",
    "channel_average_pool n1c8h3w3r2",
    "pad n1c3h4w5p1r2s3u4j2l1a150",
    "crop n1c5h7w6p1r2s3u1",
    "slice n1c9h3w4r2k5",
    "reshape n1c6h4w5k5r8s3",
    "multiply n1c5h3w4i2",
    "multiply n1c9h3w5i2j1",
    "upsample n1c5h3w4r2s3",
    "upsample n1c5h3w4r2s3e1",
    "dense n1c3h4w2k6b1",
    "dense n1c7k5",
    "batch_norm n1c5h3w2x1",
    "batch_norm n1c5b3x1",
    "dropout n1c3h5w7a50f1",
    "dropout n1c3h5w7a50",
    "local_response_norm n1c9h2w3r5a100q75",
    "local_response_norm n1c9h5w4r3a100q75o1",
    "flatten n1c3h4w5",
    "identity n1c3h4w5",
    "relu n1c3h5w7",
    "+relu n1c3h6w5",
    "leaky_relu n1c3h5w7a25",
    "+leaky_relu n1c3h6w5",
    "elu n1c3h5w7a150",
    "+elu n1c3h6w5",
    "relu6 n1c3h5w7",
    "+relu6 n1c3h6w5",
    "prelu n1c9h3w5",
    "prelu n1c9h3w5f1",
    "maxout n1c15h3w5k5",
    "gelu n1c3h5w7",
    "gelu n1c3h5w7f1",
    "+gelu n1c3h6w5",
    "silu n1c3h5w7",
    "hard_swish n1c3h5w7",
    "softplus n1c3h5w7a250",
    "hard_sigmoid n1c3h5w7",
    "hard_sigmoid n1c3h5w7a50q25",
    "selu n1c3h5w7",
    "clip n1c3h5w7a-50q150",
    "+clip n1c3h6w5a-50q150",
    "linear n1c3h5w7a-150q25",
    "power n1c3h5w7a200",
    "power n1c3h5w7a-150",
    "exp n1c3h5w7",
    "log n1c3h5w7",
    "absolute n1c3h5w7",
    "sigmoid n1c3h5w7",
    "tanh n1c3h5w7",
    "+tanh n1c3h6w5",
    "scaled_tanh n1c3h5w7a120q50",
    "softmax n1c5h3w2",
    "softmax n1c10",
    "pad n1c3h4w5p1r2s3u4m1",
    "pad n1c9h3w2p1u1m2",
    "slice n1c9h5w4r1k2p1q3",
    "slice n1c9h5w7p4q3u-2j1l2v3",
    "slice n1c19h3w2r17k6d-3",
    "permute n1c3h4w5k120",
    "permute n1c3h4w5k201",
    "channel_shuffle n1c6h3w2g2",
    "expand n1c5h1w1r3s4",
    "expand n1c1h3w4k7",
    "reduce_mean n1c9h3w4",
    "reduce_mean n1c9h3w4o1",
    "reduce_mean n1c9h3w4o2",
    "reduce_mean n1c9h3w4o4",
    "resize n1c5h3w4r6s8",
    "resize n1c5h7w5r3s4f1",
    "resize n1c9h3w4r5s7e1",
    "resize n1c5h7w5r3s4e1o1",
    "multiply n1c9h3w5i2j2",
    "multiply n1c9h3w5i2j4",
    "subtract n1c5h3w4i2",
    "subtract n1c9h3w5i2j1",
    "divide n1c9h3w5i2j1",
    "scale n1c5h3w4",
    "scale n1c17b1",
    "scale n1c5h3w4o1",
    "scale n1c4h2w3o1b1",
    "group_norm n1c6h3w4g2",
    "group_norm n1c8h3w2g4b3",
    "layer_norm n1c5h2w3",
    "layer_norm n1c24b1",
    "log_softmax n1c10",
    "log_softmax n1c19h3w2",
    "add n1c9h3w5i2j1",
    "add n1c9h3w5i3j2",
    "add n1c3h4w5i3",
    "concat n1c3h4w5i3",
};
enum { PROBLEMS = sizeof problems / sizeof problems[0] };
_Static_assert((int)PROBLEMS <= (int)BRANCHES, "room for every problem");

/* How problems begin that fixed point refuses. */
static const char *const not_fixed[] = { "local_response_norm",
                                         "softmax",
                                         "log",
                                         "power",
                                         "divide",
                                         "group_norm",
                                         "layer_norm",
                                         "resize n1c9h3w4r5s7e1",
                                         "resize n1c5h7w5r3s4e1o1",
                                         "scale n1c5h3w4o1",
                                         "scale n1c4h2w3o1b1" };

static fv_context *context;
static char folder[TEST_PATH];
static fv_graph *graph;
static fv_model *model;
static int64_t first_output[BRANCHES + 1]; /* of each branch in the network's output */
static int32_t branch_count;
static const char *branch_problem[BRANCHES];

static fv_value add(const char *type, const fv_value *inputs, int32_t count, const void *options)
{
    fv_value value = FV_NO_VALUE;
    if (fv_graph_add(graph, type, inputs, count, options, &value) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    return value;
}

/* A value of the given shape, made from the image: channels by a convolution, rows and columns by pooling. */
static fv_value make_input(fv_value x, fv_image_shape shape, bool positive)
{
    x = add("conv2d", &x, 1, &(fv_conv2d_options){ .filters = shape.c, .kernel = { 1, 1 } });
    if (shape.h != image.h || shape.w != image.w)
        x = add("adaptive_average_pool", &x, 1, &(fv_adaptive_average_pool_options){ .size = { shape.h, shape.w } });
    return positive ? add("sigmoid", &x, 1, NULL) : x;
}

static bool is_refused(const char *problem)
{
    for (size_t i = 0; i < sizeof not_fixed / sizeof not_fixed[0]; i++)
        if (strncmp(problem, not_fixed[i], strlen(not_fixed[i])) == 0)
            return true;
    return false;
}

static fv_value add_branch(fv_value x, const char *problem)
{
    const layer_case layer = layer_case_parse(problem + (problem[0] == '+'));
    fv_value inputs[LAYER_CASE_INPUTS];
    for (int32_t i = 0; i < layer.input_count; i++)
        inputs[i] = make_input(x, layer.in[i], layer_case_positive(&layer, i));
    fv_value y = add(layer.layer->name, inputs, layer.input_count, &layer.options);
    if (strcmp(problem, "+conv2d n1c3h6w5k4r3p1b1") == 0)
        y = add("tanh", &y, 1, NULL);
    if (layer.layer == fvi_layer_find("rbf") || layer.layer == fvi_layer_find("exp"))
        y = add("linear", &y, 1,
                &(fv_linear_options){ .scale = 1.0 / 512 }); /* int16 stands for all outputs by one exponent */
    return add("flatten", &y, 1, NULL);
}

/* Normalisations get statistics and factors that are not 0 and 1. */
static void stir(fv_params *params)
{
    fv_params_initialize(params, 7);
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        const fv_param_info info = fv_params_info(params, i);
        float *values = fv_params_values(params, i);
        for (int64_t j = 0; j < info.elements; j++)
            values[j] += info.momentum > 0 ? 0.3f + 0.1f * (float)(j % 3) : 0.05f * (float)(j % 5) - 0.1f;
    }
}

/* One graph, all branches side by side in its output. */
static void make_model(bool fixed)
{
    fv_value x = FV_NO_VALUE, heads[BRANCHES], output = FV_NO_VALUE;
    fv_params *params = NULL;
    branch_count = 0;
    assert_int_equal(fv_graph_create(&graph, context,
                                     "branches */ ?"
                                     "?/"),
                     FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { image.c, image.h, image.w } }, &x),
                     FV_OK);
    first_output[0] = 0;
    for (int32_t i = 0; i < PROBLEMS; i++) {
        if (fixed && is_refused(problems[i]))
            continue;
        branch_problem[branch_count] = problems[i];
        heads[branch_count] = add_branch(x, problems[i]);
        first_output[branch_count + 1] =
            first_output[branch_count] + fv_graph_node(graph, heads[branch_count]).output.c;
        branch_count++;
    }
    output = add("concat", heads, branch_count, NULL);
    assert_int_equal(fv_graph_finish(graph, output), FV_OK);
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    stir(params);
    const fv_preprocess preprocess = { .input = image, .mean = { 0.5, 0.4, 0.6 }, .deviation = { 0.25, 0.3, 0 } };
    assert_int_equal(fv_model_create(&model, context, graph, params, &preprocess, NULL), FV_OK);
}

static uint8_t *make_pixels(int32_t count)
{
    const size_t size = (size_t)count * (size_t)(image.c * image.h * image.w);
    uint8_t *pixels = malloc(size);
    for (size_t i = 0; i < size; i++)
        pixels[i] = (uint8_t)(i * 7919 % 251);
    return pixels;
}

/* A program that takes IMAGES images of bytes, pixel after pixel, from "pixels" and writes to "answers", after its self-test, what 1
 * of an output stands for, or 0 of floats, and the source's answers, as doubles. */
static const char harness[] =
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "#ifdef FIXED\n"
    "#define REAL int16_t\n"
    "#define UNIT (double)(1 << T_OUTPUT_EXPONENT)\n"
    "#else\n"
    "#define REAL float\n"
    "#define UNIT 1.0\n"
    "#endif\n"
    "int main(void)\n"
    "{\n"
    "    static REAL input[T_INPUTS], output[T_OUTPUTS];\n"
    "    static unsigned char pixels[T_INPUTS];\n"
    "    FILE *from = fopen(\"pixels\", \"rb\"), *to = fopen(\"answers\", \"wb\");\n"
    "#ifdef BLOB\n"
    "    static unsigned int blob[(T_BLOB_BYTES + 3) / 4];\n"
    "    FILE *weights = fopen(\"t.bin\", \"rb\");\n"
    "    if (fread(blob, 1, T_BLOB_BYTES, weights) != T_BLOB_BYTES || t_init(blob, T_BLOB_BYTES - 1) != 1)\n"
    "        return 2;\n"
    "    blob[100] ^= 4;\n"
    "    if (t_init(blob, T_BLOB_BYTES) != 4)\n"
    "        return 3;\n"
    "    blob[100] ^= 4;\n"
    "    blob[0] ^= 1;\n"
    "    if (t_init(blob, T_BLOB_BYTES) != 3)\n"
    "        return 4;\n"
    "    blob[0] ^= 1;\n"
    "    if (t_init((char *)blob + 1, T_BLOB_BYTES) != 2 || t_init(blob, T_BLOB_BYTES) != 0)\n"
    "        return 5;\n"
    "#endif\n"
    "    const int wrong = t_self_test(input, output);\n"
    "    if (wrong != 0) {\n"
    "        fprintf(stderr, \"self-test: output %d is %g\\n\", wrong - 1, (double)output[wrong - 1]);\n"
    "        return 10;\n"
    "    }\n"
    "    const double step = sizeof(REAL) == 2 ? 1 / UNIT : 0;\n"
    "    fwrite(&step, sizeof step, 1, to);\n"
    "    while (fread(pixels, 1, sizeof pixels, from) == sizeof pixels) {\n"
    "        t_preprocess(pixels, input);\n"
    "        t_predict(input, output);\n"
    "        for (int i = 0; i < T_OUTPUTS; i++) {\n"
    "            const double value = output[i] / UNIT;\n"
    "            fwrite(&value, sizeof value, 1, to);\n"
    "        }\n"
    "    }\n"
    "    return fclose(to);\n"
    "}\n";

/* Compiles t.c as the most careful would, runs it; its answers. */
static double *run_source(const char *defines)
{
    char command[3 * TEST_PATH], text[sizeof harness + 256];
    size_t size = 0;
    snprintf(text, sizeof text, "%s#include \"t.h\"\n%s", defines, harness);
    test_file_write(folder, "main.c", text, strlen(text));
    uint8_t *pixels = make_pixels(IMAGES);
    test_file_write(folder, "pixels", pixels, (size_t)(IMAGES * image.c * image.h * image.w));
    free(pixels);
    snprintf(command, sizeof command,
             "cd '%s' && cc -std=c99 -Wall -Wextra -Wconversion -pedantic -Werror -c t.c && cc main.c t.o -lm "
             "-o t && ./t",
             folder);
    const int status = system(command);
    if (status != 0)
        fail_msg("the source failed: status %d; see what it said above", status);
    double *answers = (double *)(void *)test_file_read(folder, "answers", &size);
    assert_int_equal(size, (1 + (size_t)IMAGES * (size_t)first_output[branch_count]) * sizeof *answers);
    return answers;
}

/* The library's answers to the same images, by reference kernels. */
static float *run_library(void)
{
    const int64_t outputs = first_output[branch_count];
    const size_t elements = (size_t)(image.c * image.h * image.w);
    const fv_plan_options options = { .batch = IMAGES, .mode = FV_PREDICT, .reference = true };
    float *answers = calloc((size_t)(IMAGES * outputs), sizeof *answers);
    float *input = calloc(IMAGES * elements, sizeof *input);
    uint8_t *pixels = make_pixels(IMAGES);
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    for (size_t i = 0; i < IMAGES * elements; i++) { /* [h][w][c] */
        const fv_preprocess *p = fv_model_preprocess(model);
        const double deviation = p->deviation[i % 3] == 0 ? 1 : p->deviation[i % 3];
        input[i] = (float)((pixels[i] / 255.0 - p->mean[i % 3]) / deviation);
    }
    const fv_batch batch = { .n = IMAGES, .images = input, .dtype = FV_F32, .order = FV_NHWC };
    assert_int_equal(fv_plan_create(&plan, graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&session, plan, fv_model_params(model)), FV_OK);
    assert_int_equal(fv_session_forward(session, &batch, NULL), FV_OK);
    assert_int_equal(fv_session_read(session, fv_graph_output(graph), answers, (size_t)(IMAGES * outputs)), FV_OK);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    free(pixels);
    free(input);
    return answers;
}

/* Branch by branch: |difference| <= bound * (largest of the branch) + step. */
static void compare(const double *got, const float *wanted, double bound, double step)
{
    const int64_t outputs = first_output[branch_count];
    for (int32_t b = 0; b < branch_count; b++) {
        double largest = 0, worst = 0;
        for (int64_t n = 0; n < IMAGES; n++)
            for (int64_t i = n * outputs + first_output[b]; i < n * outputs + first_output[b + 1]; i++) {
                largest = fmax(largest, fabs((double)wanted[i]));
                worst = fmax(worst, fabs(got[i] - (double)wanted[i]));
            }
        if (!(worst <= bound * largest + step))
            fail_msg("%s: differs by %g, values up to %g", branch_problem[b], worst, largest);
    }
}

static void write_source(const fv_c_source_options *options, fv_c_source_report *report)
{
    char path[TEST_PATH];
    test_path(path, folder, "t");
    if (fv_c_source_write(context, model, path, options, report) != FV_OK)
        fail_msg("%s", fv_context_message(context));
}

static int start(void **state)
{
    (void)state;
    test_folder_make(folder);
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fv_context_destroy(context);
    test_folder_remove(folder);
    return 0;
}

static void check(const fv_c_source_options *options, const char *defines, double bound)
{
    fv_c_source_report report;
    write_source(options, &report);
    double *got = run_source(defines);
    float *wanted = run_library();
    assert_string_equal(report.name, "t");
    assert_true(report.arena_bytes >= report.least_bytes && report.constant_bytes > 0);
    compare(got + 1, wanted, bound, got[0]);
    free(got);
    free(wanted);
}

/* Rounding: a sum of n terms errs by at most n * 2^-24 of the sum of their sizes, in the library and here. The longest path has 3 + 96 terms,
 * and no branch's answer is less than a tenth of what is added up to it; elementary functions add a few units. */
static const double rounding = 10 * 2 * 100 * 0x1p-24;

FV_TEST(c_source, every_layer_computes_what_the_library_does)
{
    make_model(false);
    check(&(fv_c_source_options){ 0 }, "", rounding);
    check(&(fv_c_source_options){ .blob = true }, "#define BLOB\n", rounding);
    fv_model_destroy(model);
}

/* A weight is off by at most 1/254 of the largest of its filter, two layers in a row: where all errors agree and terms cancel to a fifth,
 * 5 * 2 / 254. The self-test compares with the library's answer by the rounded weights, within rounding. */
FV_TEST(c_source, int8_weights_and_fixed_point_are_near)
{
    uint8_t *pixels = make_pixels(IMAGES);
    const int32_t labels[IMAGES] = { 0 };
    fv_dataset *images = NULL;
    make_model(false);
    check(&(fv_c_source_options){ .arithmetic = FV_C_INT8_WEIGHTS }, "", 10.0 / 254);
    fv_model_destroy(model);
    make_model(true);
    assert_int_equal(fv_dataset_from_arrays(&images, context, pixels, labels, IMAGES, image, 1, NULL), FV_OK);
    const fv_c_source_options fixed = { .arithmetic = FV_C_FIXED_POINT, .calibration = images };
    check(&fixed, "#define FIXED\n", 10.0 / 254);
    fv_dataset_destroy(images);
    fv_model_destroy(model);
    free(pixels);
}

/* Whether a layer type is in the graph of every_layer, or does not belong there. */
FV_TEST(c_source, every_layer_type_is_tested)
{
    for (int32_t i = 0; fvi_layers[i] != NULL; i++) {
        bool found = fvi_layers[i]->is_loss || fvi_layers[i]->is_input;
        for (int32_t j = 0; j < PROBLEMS && !found; j++)
            found = layer_case_parse(problems[j] + (problems[j][0] == '+')).layer == fvi_layers[i];
        if (!found)
            fail_msg("'%s' has no problem here", fvi_layers[i]->name);
    }
}

static fv_status write_as(const char *name, const fv_c_source_options *options)
{
    char path[TEST_PATH];
    test_path(path, folder, name);
    return fv_c_source_write(context, model, path, options, NULL);
}

FV_TEST(c_source, what_cannot_be_written_is_refused)
{
    make_model(false);
    assert_int_equal(write_as("1st", NULL), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "1st"));
    assert_int_equal(write_as("t", &(fv_c_source_options){ .name = "a-b" }), FV_ERR_ARGUMENT);
    assert_int_equal(write_as("t", &(fv_c_source_options){ .name = "" }), FV_ERR_ARGUMENT);
    assert_int_equal(write_as("no/folder", NULL), FV_ERR_IO);
    assert_int_equal(write_as("t", &(fv_c_source_options){ .arithmetic = FV_C_FIXED_POINT }), FV_ERR_UNSUPPORTED);
    assert_non_null(strstr(fv_context_message(context), "local_response_norm"));
    const int32_t weight = fv_params_find(fv_model_params(model), "dense1.weight");
    ((float *)fv_params_values(fv_model_params(model), weight))[3] = INFINITY;
    assert_int_equal(write_as("t", NULL), FV_ERR_NUMERIC);
    assert_non_null(strstr(fv_context_message(context), "dense1"));
    fv_model_destroy(model);
    make_model(true);
    assert_int_equal(write_as("t", &(fv_c_source_options){ .arithmetic = FV_C_FIXED_POINT }), FV_ERR_ARGUMENT);
    fv_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c_source_every_layer_type_is_tested),
        cmocka_unit_test(c_source_every_layer_computes_what_the_library_does),
        cmocka_unit_test(c_source_int8_weights_and_fixed_point_are_near),
        cmocka_unit_test(c_source_what_cannot_be_written_is_refused),
    };
    return cmocka_run_group_tests_name("c_source", tests, start, end);
}
