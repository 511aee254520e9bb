/* SPDX-License-Identifier: Apache-2.0
 *
 * evaluate_test.c - the figures of an evaluation agree with each other and with the predictor.
 */
#include <math.h>
#include <string.h>

#include "fovea/predictor.h"
#include "train/small_run.h"

enum { SAMPLES = 45 };

/* Loss and answers, one image at a time. */
static void check_against_predictor(fv_context *context, fv_params *params, const fv_dataset *data,
                                    const fv_preprocess *preprocess, const fv_evaluation *evaluation)
{
    fv_predictor *predictor = NULL;
    float image[SMALL_SIZE * SMALL_SIZE], probabilities[SMALL_CLASSES];
    double loss = 0;
    assert_int_equal(fv_predictor_create(&predictor, params, 1), FV_OK);
    assert_int_equal(fv_predictor_classes(predictor), SMALL_CLASSES);
    for (int64_t i = 0; i < SAMPLES; i++) {
        const fv_batch batch = { .n = 1, .images = image, .order = FV_NHWC };
        assert_int_equal(
            fv_preprocess_image(context, preprocess, fv_dataset_image(data, i), fv_dataset_shape(data), image), FV_OK);
        assert_int_equal(fv_predictor_run(predictor, &batch, probabilities), FV_OK);
        const float confidence = probabilities[evaluation->predicted[i]];
        int32_t before = 0;
        for (int c = 0; c < SMALL_CLASSES; c++) {
            assert_true(probabilities[c] <= confidence);
            before += probabilities[c] > probabilities[fv_dataset_label(data, i)];
        }
        assert_int_equal(evaluation->rank[i], before);
        assert_true(fabs((double)probabilities[fv_dataset_label(data, i)] - (double)evaluation->own[i]) <
                    96 * 1.2e-7 * 10);
        /* One image and a batch may take other paths through the kernels: sums of at most 96 terms of size below 10. */
        assert_true(fabs((double)confidence - (double)evaluation->confidence[i]) < 96 * 1.2e-7 * 10);
        loss -= log((double)probabilities[fv_dataset_label(data, i)]) / SAMPLES;
    }
    assert_true(fabs(loss - evaluation->loss) < 96 * 1.2e-7 * 10);
    fv_predictor_destroy(predictor);
}

static void check(bool with_loss)
{
    fv_context *context = small_context(2);
    fv_graph *graph = small_graph(context, with_loss);
    fv_params *params = small_params(graph, FV_F32);
    fv_dataset *data = small_dataset(context, SAMPLES, 1, SMALL_CLASSES, 4);
    const fv_preprocess preprocess = fv_preprocess_fit(graph, data);
    fv_evaluation evaluation;
    int64_t correct = 0, sum = 0;
    assert_int_equal(fv_evaluate(context, params, data, &preprocess, 8, FV_F32, &evaluation), FV_OK);
    assert_int_equal(evaluation.samples, SAMPLES);
    assert_int_equal(evaluation.classes, SMALL_CLASSES);
    for (int32_t row = 0; row < SMALL_CLASSES; row++) {
        correct += evaluation.confusion[row * SMALL_CLASSES + row];
        for (int32_t column = 0; column < SMALL_CLASSES; column++)
            sum += evaluation.confusion[row * SMALL_CLASSES + column];
    }
    assert_int_equal(sum, SAMPLES);
    assert_true(evaluation.accuracy == (double)correct / SAMPLES);
    check_against_predictor(context, params, data, &preprocess, &evaluation);
    fv_evaluation_release(context, &evaluation);
    assert_null(evaluation.confusion);
    fv_dataset_destroy(data);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(evaluate, agrees_with_the_predictor)
{
    check(true);
}

/* A network without a loss is measured by cross-entropy: the same figures. */
FV_TEST(evaluate, needs_no_loss)
{
    check(false);
}

FV_TEST(evaluate, data_that_do_not_fit_are_refused)
{
    fv_context *context = small_context(1);
    fv_graph *graph = small_graph(context, true);
    fv_params *params = small_params(graph, FV_F32);
    fv_dataset *five = small_dataset(context, 6, 1, 5, 4);
    const fv_preprocess preprocess = fv_preprocess_fit(graph, five);
    fv_evaluation evaluation;
    assert_int_equal(fv_evaluate(context, params, five, &preprocess, 8, FV_F32, &evaluation), FV_ERR_SHAPE);
    assert_non_null(strstr(fv_context_message(context), "classes"));
    assert_null(evaluation.confusion);
    fv_dataset_destroy(five);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(evaluate, agrees_with_the_predictor, needs_no_loss, data_that_do_not_fit_are_refused)
