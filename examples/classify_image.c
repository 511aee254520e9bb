/* SPDX-License-Identifier: Apache-2.0
 * Classifies an image by a model file that fovea wrote: classify_image MODEL IMAGE
 *   cc classify_image.c $(pkg-config --cflags --libs fovea) */
#include "fovea/fovea.h"
#include <stdio.h>
#include <stdlib.h>

static fv_status classify(fv_context *context, fv_model *model, const char *image)
{
    const fv_preprocess *preprocess = fv_model_preprocess(model);
    const fv_image_shape input = preprocess->input;
    fv_predictor *predictor = NULL;
    fv_status status = fv_predictor_create(&predictor, fv_model_params(model), 1);
    const int32_t classes = status == FV_OK ? fv_predictor_classes(predictor) : 0;
    float *pixels = malloc((size_t)input.c * (size_t)input.h * (size_t)input.w * sizeof *pixels);
    float *probabilities = malloc(((size_t)classes + 1) * sizeof *probabilities);
    if (pixels == NULL || probabilities == NULL)
        status = FV_ERR_MEMORY;
    if (status == FV_OK)
        status = fv_preprocess_file(context, preprocess, image, pixels);
    const fv_batch batch = { .n = 1, .images = pixels, .order = FV_NHWC };
    if (status == FV_OK && (status = fv_predictor_run(predictor, &batch, probabilities)) == FV_OK) {
        int32_t best = 0;
        for (int32_t i = 1; i < classes; i++)
            best = probabilities[i] > probabilities[best] ? i : best;
        const char *name = preprocess->class_names != NULL ? preprocess->class_names[best] : "";
        printf("class %d %s: %.1f%%\n", best, name, 100.0 * (double)probabilities[best]);
    }
    free(probabilities);
    free(pixels);
    fv_predictor_destroy(predictor);
    return status;
}

int main(int argc, char **argv)
{
    fv_context *context = NULL;
    fv_model *model = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: classify_image MODEL IMAGE\n");
        return 2;
    }
    fv_status status = fv_context_create(&context, NULL);
    if (status == FV_OK && (status = fv_model_read(&model, context, argv[1])) == FV_OK)
        status = classify(context, model, argv[2]);
    if (status != FV_OK)
        fprintf(stderr, "%s: %s\n", fv_status_name(status), context ? fv_context_message(context) : "");
    fv_model_destroy(model);
    fv_context_destroy(context);
    return status != FV_OK;
}
