/* SPDX-License-Identifier: Apache-2.0
 *
 * weights-logits.c - what a network of the zoo answers with the weights of a file: weights-logits NETWORK WEIGHTS INPUT OUTPUT N EXPORT
 * INPUT: N images of float32 in the order n, c, h, w; OUTPUT gets N rows of float32, by the reference plan; EXPORT the weights again, for PyTorch.
 * Part of make test-torchvision.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fovea/fovea.h"

typedef struct job {
    fv_context *context;
    fv_graph *graph;
    fv_params *params;
    fv_weights *weights;
    fv_plan *plan;
    fv_session *session;
} job;

static fv_status load(job *j, const char *network, const char *path)
{
    fv_status status = fv_context_create(&j->context, NULL);
    if (status == FV_OK)
        status = fv_zoo_build_with(&j->graph, j->context, network, NULL);
    if (status == FV_OK)
        status = fv_params_create(&j->params, j->graph, FV_F32);
    if (status == FV_OK)
        status = fv_weights_open(&j->weights, j->context, path);
    return status == FV_OK ? fv_weights_load(j->params, j->weights, NULL) : status;
}

static fv_status answer(job *j, int32_t n, const float *images, float *out, size_t count)
{
    const fv_plan_options options = { .batch = n, .mode = FV_PREDICT, .reference = true };
    const fv_batch batch = { .n = n, .images = images };
    fv_status status = fv_plan_create(&j->plan, j->graph, &options);
    if (status == FV_OK)
        status = fv_session_create(&j->session, j->plan, j->params);
    if (status == FV_OK)
        status = fv_session_forward(j->session, &batch, NULL);
    return status == FV_OK ? fv_session_read(j->session, fv_graph_output(j->graph), out, count) : status;
}

static size_t elements_of(const fv_graph *graph, fv_value value)
{
    const fv_image_shape shape = fv_graph_node(graph, value).output;
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

static int run(job *j, char **argv)
{
    const int32_t n = (int32_t)strtol(argv[5], NULL, 10);
    const size_t in = (size_t)n * elements_of(j->graph, fv_graph_input(j->graph)),
                 out = (size_t)n * elements_of(j->graph, fv_graph_output(j->graph));
    float *images = calloc(in, sizeof *images), *scores = calloc(out, sizeof *scores);
    FILE *file = fopen(argv[3], "rb");
    int failed = images == NULL || scores == NULL || file == NULL || fread(images, sizeof *images, in, file) != in;
    if (file != NULL)
        fclose(file);
    failed = failed || answer(j, n, images, scores, out) != FV_OK;
    file = failed ? NULL : fopen(argv[4], "wb");
    failed = file == NULL || fwrite(scores, sizeof *scores, out, file) != out || fclose(file) != 0;
    free(images);
    free(scores);
    return failed;
}

int main(int argc, char **argv)
{
    job j = { 0 };
    if (argc != 7) {
        fprintf(stderr, "usage: weights-logits NETWORK WEIGHTS INPUT OUTPUT N EXPORT\n");
        return 2;
    }
    const int failed = load(&j, argv[1], argv[2]) != FV_OK || run(&j, argv) != 0 ||
                       fv_weights_write(j.params, argv[6], FV_WEIGHTS_SAFETENSORS) != FV_OK;
    if (failed)
        fprintf(stderr, "weights-logits: %s\n", j.context != NULL ? fv_context_message(j.context) : "no context");
    fv_session_destroy(j.session);
    fv_plan_destroy(j.plan);
    fv_weights_close(j.weights);
    fv_params_destroy(j.params);
    fv_graph_destroy(j.graph);
    fv_context_destroy(j.context);
    return failed;
}
