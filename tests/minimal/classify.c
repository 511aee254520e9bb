/* SPDX-License-Identifier: Apache-2.0
 *
 * classify.c - reads a model and prints the classes of images that it makes itself, and what they are sure of: linked once with the
 * inference-only library and once with the whole, tools/minimal.sh compares. Refusals of the former are tried too.
 */
#include <stdio.h>

#include "fovea/model.h"
#include "fovea/plan.h"
#include "fovea/predictor.h"

enum { IMAGES = 40, CLASSES = 10, MOST_PIXELS = 32 * 32 };

/* Strokes at places that depend on the number. */
static void draw(int32_t number, fv_image_shape shape, uint8_t *pixels)
{
    for (int32_t y = 0; y < shape.h; y++)
        for (int32_t x = 0; x < shape.w; x++) {
            const int32_t along = (y * (number % 5 + 1) + x * (number % 3 + 1)) % 17, edge = number % 7;
            *pixels++ = along < 4 && y > edge && x > edge && y < 26 && x < 24 ? 230 : 0;
        }
}

static fv_status classify(fv_context *context, fv_model *model)
{
    const fv_preprocess *preprocess = fv_model_preprocess(model);
    const fv_image_shape input = preprocess->input;
    fv_predictor *predictor = NULL;
    fv_status status = fv_predictor_create(&predictor, fv_model_params(model), 1);
    if (status == FV_OK && (input.c * input.h * input.w > MOST_PIXELS || fv_predictor_classes(predictor) != CLASSES))
        status = FV_ERR_SHAPE;
    for (int32_t i = 0; i < IMAGES && status == FV_OK; i++) {
        uint8_t pixels[MOST_PIXELS];
        float values[MOST_PIXELS], probabilities[CLASSES];
        const fv_batch batch = { .n = 1, .images = values, .order = FV_NHWC };
        int32_t best = 0;
        draw(i, input, pixels);
        status = fv_preprocess_image(context, preprocess, pixels, input, values);
        if (status == FV_OK)
            status = fv_predictor_run(predictor, &batch, probabilities);
        for (int32_t k = 1; k < CLASSES && status == FV_OK; k++)
            best = probabilities[k] > probabilities[best] ? k : best;
        if (status == FV_OK)
            printf("image %d: class %d, %.3f\n", i, best, (double)probabilities[best]);
    }
    fv_predictor_destroy(predictor);
    return status;
}

int main(int argc, char **argv)
{
    fv_context *context = NULL;
    fv_model *model = NULL;
    fv_plan *plan = NULL;
    fv_status status = argc == 2 ? fv_context_create(&context, NULL) : FV_ERR_ARGUMENT;
    if (status == FV_OK && (status = fv_model_read(&model, context, argv[1])) == FV_OK &&
        (status = classify(context, model)) == FV_OK) {
        const fv_status trains = fv_plan_create(&plan, fv_model_graph(model), &(fv_plan_options){ .mode = FV_TRAIN });
        fprintf(stderr, "a plan that trains: %s\n", fv_status_name(trains));
    }
    if (status != FV_OK)
        fprintf(stderr, "%s: %s\n", fv_status_name(status), context ? fv_context_message(context) : "");
    fv_plan_destroy(plan);
    fv_model_destroy(model);
    fv_context_destroy(context);
    return status != FV_OK;
}
