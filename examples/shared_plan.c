/* SPDX-License-Identifier: Apache-2.0
 * Four threads share one plan and one set of weights; each has a session of its own. All get the same answers.
 *   cc shared_plan.c $(pkg-config --cflags --libs fovea) -pthread */
#include "fovea/fovea.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 4, CLASSES = 10, PIXELS = 32 * 32, REQUESTS = 50 };

typedef struct server {
    const fv_plan *plan;
    fv_params *params;
    float scores[CLASSES]; /* of the last request */
    fv_status status;
} server;

static void *serve(void *argument)
{
    server *one = argument;
    float image[PIXELS];
    fv_session *session = NULL;
    one->status = fv_session_create(&session, one->plan, one->params);
    for (int request = 0; request < REQUESTS && one->status == FV_OK; request++) {
        const fv_batch batch = { .n = 1, .images = image };
        for (int i = 0; i < PIXELS; i++)
            image[i] = (float)((i * 7 + request * 13) % 256) / 255.0f;
        one->status = fv_session_forward(session, &batch, NULL);
        if (one->status == FV_OK)
            one->status = fv_session_read(session, fv_graph_output(fv_plan_graph(one->plan)), one->scores, CLASSES);
    }
    fv_session_destroy(session);
    return NULL;
}

int main(void)
{
    const fv_context_options options = { .threads = 1 }; /* the program's threads are enough */
    const fv_plan_options prediction = { .batch = 1, .mode = FV_PREDICT };
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_plan *plan = NULL;
    server servers[THREADS];
    pthread_t threads[THREADS];
    int same = 0, started = 0;
    fv_status status = fv_context_create(&context, &options);
    if (status == FV_OK && (status = fv_zoo_build(&graph, context, "lenet5")) == FV_OK &&
        (status = fv_params_create(&params, graph, FV_F32)) == FV_OK) {
        fv_params_initialize(params, 1); /* or those of a model file */
        status = fv_plan_create(&plan, graph, &prediction);
    }
    for (; status == FV_OK && started < THREADS; started++) {
        servers[started] = (server){ .plan = plan, .params = params };
        if (pthread_create(&threads[started], NULL, serve, &servers[started]) != 0)
            break;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        same +=
            servers[i].status == FV_OK && memcmp(servers[i].scores, servers[0].scores, sizeof servers[0].scores) == 0;
    }
    printf("%d threads, %d requests each, %d of them with the same scores\n", started, REQUESTS, same);
    fv_plan_destroy(plan);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return same != THREADS;
}
