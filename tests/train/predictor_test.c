/* SPDX-License-Identifier: Apache-2.0
 *
 * predictor_test.c - probabilities add up, and calls out of range are refused. Against evaluation: evaluate_test.c.
 */
#include "fovea/predictor.h"

#include <math.h>

#include "train/small_run.h"

enum { BATCH = 3, PIXELS = SMALL_SIZE * SMALL_SIZE };

FV_TEST(predictor, probabilities_add_up_to_one)
{
    fv_context *context = small_context(1);
    fv_graph *graph = small_graph(context, true);
    fv_params *params = small_params(graph, FV_F32);
    fv_predictor *predictor = NULL;
    float images[BATCH * PIXELS] = { 0 }, probabilities[BATCH * SMALL_CLASSES];
    images[PIXELS + 3] = 1e4f; /* scores far apart must not overflow */
    assert_int_equal(fv_predictor_create(&predictor, params, BATCH), FV_OK);
    for (int32_t n = 1; n <= BATCH; n++) {
        const fv_batch batch = { .n = n, .images = images, .order = FV_NHWC };
        assert_int_equal(fv_predictor_run(predictor, &batch, probabilities), FV_OK);
        for (int32_t i = 0; i < n; i++) {
            double sum = 0;
            for (int c = 0; c < SMALL_CLASSES; c++)
                sum += (double)probabilities[i * SMALL_CLASSES + c];
            assert_true(fabs(sum - 1) <= SMALL_CLASSES * 6e-8); /* each rounded to float once */
        }
    }
    const fv_batch too_many = { .n = BATCH + 1, .images = images, .order = FV_NHWC };
    assert_int_equal(fv_predictor_run(predictor, &too_many, probabilities), FV_ERR_ARGUMENT);
    assert_true(fv_predictor_message(predictor)[0] != '\0');
    fv_predictor_destroy(predictor);
    assert_int_equal(fv_predictor_create(&predictor, params, 0), FV_ERR_ARGUMENT);
    assert_null(predictor);
    fv_params_destroy(params);
    params = small_params(graph, FV_F64);
    assert_int_equal(fv_predictor_create(&predictor, params, 1), FV_ERR_ARGUMENT);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* The same network in bfloat16: close, and not the same bits. */
FV_TEST(predictor, computes_in_bf16)
{
    fv_context *context = NULL;
    const fv_context_options emulating = { .threads = 1, .emulate_bf16 = true };
    assert_int_equal(fv_context_create(&context, &emulating), FV_OK);
    fv_graph *graph = small_graph(context, true);
    fv_params *params = small_params(graph, FV_F32);
    float images[PIXELS], probabilities[2][SMALL_CLASSES], worst = 0;
    for (int i = 0; i < PIXELS; i++)
        images[i] = (float)(i * 37 % 101) / 101 - 0.5f;
    for (int bf16 = 0; bf16 < 2; bf16++) {
        fv_predictor *predictor = NULL;
        const fv_predictor_options options = { .dtype = bf16 == 1 ? FV_BF16 : FV_F32 };
        const fv_batch batch = { .n = 1, .images = images, .order = FV_NHWC };
        assert_int_equal(fv_predictor_create_with(&predictor, params, &options), FV_OK);
        assert_int_equal(fv_predictor_run(predictor, &batch, probabilities[bf16]), FV_OK);
        fv_predictor_destroy(predictor);
    }
    for (int c = 0; c < SMALL_CLASSES; c++)
        worst = fmaxf(worst, fabsf(probabilities[0][c] - probabilities[1][c]));
    assert_true(worst > 0 && worst < 0.05f); /* scores of order 1 with 2^-8 of relative error from a few roundings */
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(predictor, probabilities_add_up_to_one, computes_in_bf16)
