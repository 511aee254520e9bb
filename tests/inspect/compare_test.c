/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_test.c - who is whose partner, and where models that differ in one known place part.
 */
#include <math.h>
#include <string.h>

#include "fovea/compare.h"
#include "fovea/inference_form.h"
#include "support/test.h"

static fv_context *new_context(void)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = test_threads(2) }), FV_OK);
    return context;
}

/* in -> conv (-> bn) -> relu -> fc, with a suffix to the names that are no outputs. */
static fv_model *make_model(fv_context *context, bool normalised, const char *suffix, int32_t units)
{
    char name[4][32];
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_model *model = NULL;
    fv_value x = FV_NO_VALUE;
    const char *const stems[4] = { "conv", "bn", "relu", "fc" };
    for (int i = 0; i < 4; i++)
        snprintf(name[i], sizeof name[i], "%s%s", stems[i], suffix);
    assert_int_equal(fv_graph_create(&graph, context, "small"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .name = "in", .shape = { 3, 6, 5 } }, &x), FV_OK);
    const fv_conv2d_options conv = { .name = name[0], .filters = 4, .kernel = { 3, 3 } };
    assert_int_equal(fv_graph_add_conv2d(graph, x, &conv, &x), FV_OK);
    if (normalised)
        assert_int_equal(fv_graph_add_batch_norm(graph, x, &(fv_batch_norm_options){ .name = name[1] }, &x), FV_OK);
    assert_int_equal(fv_graph_add_leaky_relu(graph, x, &(fv_leaky_relu_options){ .name = name[2] }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .name = name[3], .units = units }, &x), FV_OK);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 3);
    const fv_preprocess preprocess = { .input = { 3, 6, 5 }, .mean = { 0.5, 0.5, 0.5 }, .classes = units };
    assert_int_equal(fv_model_create(&model, context, graph, params, &preprocess, NULL), FV_OK);
    return model;
}

static void change(fv_model *model, const char *parameter, float factor)
{
    fv_params *params = fv_model_params(model);
    const int32_t index = fv_params_find(params, parameter);
    float *values = fv_params_values(params, index);
    for (int64_t i = 0; i < fv_params_info(params, index).elements; i++)
        values[i] *= factor;
}

FV_TEST(compare, a_model_is_itself)
{
    fv_context *context = new_context();
    fv_comparison found;
    fv_model *a = make_model(context, true, "", 4), *b = make_model(context, true, "", 4);
    assert_int_equal(fv_compare(&found, context, a, b, NULL, &(fv_compare_options){ .images = 37 }), FV_OK);
    assert_int_equal(found.images, 37);
    assert_int_equal(found.layers, 5);
    assert_int_equal(found.only_a + found.only_b + found.answers, 0);
    assert_int_equal(found.same_class, 37);
    assert_int_equal(found.labelled, 0);
    assert_int_equal(found.parts, -1);
    for (int32_t i = 0; i < found.layers; i++) {
        assert_string_equal(found.layer[i].a, found.layer[i].b);
        assert_true(found.layer[i].difference == 0 && found.layer[i].largest > 0);
    }
    fv_comparison_release(context, &found);
    assert_null(found.layer);
    fv_model_destroy(a);
    fv_model_destroy(b);
    fv_context_destroy(context);
}

FV_TEST(compare, parts_where_a_weight_was_changed)
{
    fv_context *context = new_context();
    fv_comparison found;
    fv_model *a = make_model(context, true, "", 4), *b = make_model(context, true, ":0", 4);
    /* Initial values depend on names: take a's. The fields of both lie alike. */
    memcpy(fv_params_data(fv_model_params(b)), fv_params_data(fv_model_params(a)),
           fv_params_block_elements(fv_model_params(a)) * sizeof(float));
    change(b, "fc:0.weight", 1.25f);
    assert_int_equal(fv_compare(&found, context, a, b, NULL, NULL), FV_OK);
    assert_int_equal(found.layers, 5); /* by type and order, where names differ */
    assert_int_equal(found.parts, 4);
    assert_string_equal(found.layer[4].a, "fc");
    assert_string_equal(found.layer[4].b, "fc:0");
    /* Biases are 0: |w - 1.25w| / |1.25w| is 0.2 at the largest output, and in the mean. */
    assert_true(fabs(found.difference - 0.2) < 1e-6 && fabs(found.layer[4].mean - 0.2) < 1e-6);
    assert_int_equal(found.same_class, 64);
    fv_comparison_release(context, &found);
    change(b, "conv:0.weight", NAN);
    assert_int_equal(fv_compare(&found, context, a, b, NULL, NULL), FV_OK);
    assert_int_equal(found.parts, 1);
    assert_true(isnan(found.layer[1].difference));
    fv_comparison_release(context, &found);
    fv_model_destroy(a);
    fv_model_destroy(b);
    fv_context_destroy(context);
}

/* Folded batch normalisation: the convolution's partner is the normalisation, in both directions. */
FV_TEST(compare, folded_normalisations_are_seen_through)
{
    fv_context *context = new_context();
    fv_comparison found;
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_model *a = make_model(context, true, "", 4), *b = NULL;
    change(a, "bn.weight", 3);
    assert_int_equal(fv_inference_form(&graph, &params, fv_model_params(a), NULL), FV_OK);
    assert_int_equal(fv_model_create(&b, context, graph, params, fv_model_preprocess(a), NULL), FV_OK);
    assert_int_equal(fv_compare(&found, context, a, b, NULL, NULL), FV_OK);
    assert_int_equal(found.layers, 4);
    assert_int_equal(found.parts, -1);
    assert_string_equal(found.layer[1].a, "bn");
    assert_string_equal(found.layer[1].b, "conv");
    assert_int_equal(found.only_a, 1);
    assert_string_equal(found.alone_a[0], "conv");
    fv_comparison_release(context, &found);
    assert_int_equal(fv_compare(&found, context, b, a, NULL, &(fv_compare_options){ .reference_b = true }), FV_OK);
    assert_string_equal(found.layer[1].a, "conv");
    assert_string_equal(found.layer[1].b, "bn");
    assert_int_equal(found.parts, -1);
    assert_int_equal(found.only_b, 1);
    fv_comparison_release(context, &found);
    fv_model_destroy(a);
    fv_model_destroy(b);
    fv_context_destroy(context);
}

/* Classes that differ are counted and listed, labels and pixels come from the set. */
FV_TEST(compare, answers_on_a_data_set)
{
    enum { COUNT = 21 };
    static uint8_t pixels[COUNT][3][6][5];
    int32_t labels[COUNT];
    fv_context *context = new_context();
    fv_dataset *set = NULL;
    fv_comparison found;
    fv_model *a = make_model(context, false, "", 4), *b = make_model(context, false, "", 4),
             *other = make_model(context, false, "", 5);
    for (size_t i = 0; i < sizeof pixels; i++)
        (&pixels[0][0][0][0])[i] = (uint8_t)(i * i * 31 + i / 7);
    for (int32_t i = 0; i < COUNT; i++)
        labels[i] = i % 4;
    assert_int_equal(
        fv_dataset_from_arrays(&set, context, &pixels[0][0][0][0], labels, COUNT, (fv_image_shape){ 3, 6, 5 }, 4, NULL),
        FV_OK);
    /* Whatever comes in, a answers 2 and b 1. */
    const float bias_a[4] = { 0, 0, 1e6f, 0 }, bias_b[4] = { 0, 1e6f, 0, 0 };
    memcpy(fv_params_values(fv_model_params(a), fv_params_find(fv_model_params(a), "fc.bias")), bias_a, sizeof bias_a);
    memcpy(fv_params_values(fv_model_params(b), fv_params_find(fv_model_params(b), "fc.bias")), bias_b, sizeof bias_b);
    assert_int_equal(fv_compare(&found, context, a, b, set, NULL), FV_OK);
    assert_int_equal(found.images, COUNT);
    assert_int_equal(found.labelled, COUNT);
    assert_int_equal(found.correct_a, 5);
    assert_int_equal(found.correct_b, 5);
    assert_int_equal(found.same_class, 0);
    assert_int_equal(found.answers, FV_COMPARISON_ANSWERS);
    for (int32_t i = 0; i < found.answers; i++)
        if (found.answer[i].image != i || found.answer[i].a != 2 || found.answer[i].b != 1 ||
            found.answer[i].label != i % 4 || found.answer[i].probability_a != 1)
            fail_msg("answer %d: image %d, %d, %d", i, (int)found.answer[i].image, found.answer[i].a,
                     found.answer[i].b);
    fv_comparison_release(context, &found);
    assert_int_equal(fv_compare(&found, context, a, other, set, NULL), FV_ERR_SHAPE);
    assert_non_null(strstr(fv_context_message(context), "outputs cannot be compared"));
    assert_null(found.answer);
    fv_dataset_destroy(set);
    fv_model_destroy(a);
    fv_model_destroy(b);
    fv_model_destroy(other);
    fv_context_destroy(context);
}

FV_TESTS(compare, a_model_is_itself, parts_where_a_weight_was_changed, folded_normalisations_are_seen_through,
         answers_on_a_data_set)
