/* SPDX-License-Identifier: Apache-2.0
 *
 * c_calibrate.c - fixed point: how large each value of the graph becomes, and hence by which power of two int16 stands for it.
 */
#include <math.h>
#include <string.h>

#include "exec/look.h"
#include "fovea/loader.h"
#include "fovea/plan.h"
#include "interchange/c/c_files.h"
#include "interchange/c/c_fixed.h"

enum { BATCH = 16, IMAGES = 512, MOST_EXPONENT = 24, LEAST_EXPONENT = -16 };

typedef struct calibration {
    fvi_c_program *program;
    fv_session *session;
    fv_status status;
    float *values; /* of one node, of a batch */
    size_t room;
    float *largest; /* [node_count] */
    int32_t n;
} calibration;

static void take(calibration *c, fv_value value, const float *values, size_t count)
{
    float largest = c->largest[value];
    for (size_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(values[i]));
    c->largest[value] = largest;
}

static bool look(void *user, fv_value value)
{
    calibration *c = user;
    const size_t count = (size_t)c->n * (size_t)fvi_c_elements(c->program->nodes[value].out);
    if (c->status == FV_OK)
        c->status = fv_session_read(c->session, value, c->values, count);
    if (c->status == FV_OK)
        take(c, value, c->values, count);
    return false;
}

static fv_status run_batch(calibration *c, const fv_batch *batch)
{
    fvi_c_program *program = c->program;
    const fv_value input = fv_graph_input(program->graph);
    c->n = batch->n;
    take(c, input, batch->images, (size_t)batch->n * (size_t)fvi_c_elements(program->nodes[input].out));
    const fv_status status = fvi_session_forward_looked_at(c->session, batch, look, c);
    if (status != FV_OK || c->status != FV_OK)
        return fvi_fail(program->context, status != FV_OK ? status : c->status, "calibration: %s",
                        fv_session_message(c->session));
    return FV_OK;
}

/* The self-test's image too must not saturate. */
static fv_status run_test_image(calibration *c)
{
    fvi_c_program *program = c->program;
    void *image = NULL;
    FV_TRY(fvi_c_allocate(program, fvi_c_elements(program->nodes[fv_graph_input(program->graph)].out), sizeof(float),
                          &image));
    fvi_c_test_image(program, image);
    const fv_batch batch = { .n = 1, .images = image, .dtype = FV_F32, .order = FV_NCHW };
    return run_batch(c, &batch);
}

static fv_status run_batches(calibration *c, fv_loader *loader, int64_t images)
{
    fvi_c_program *program = c->program;
    fv_batch batch = { 0 };
    fv_loader_start(loader, 0, 0);
    for (int64_t seen = 0; seen < images; seen += batch.n) {
        if (fv_loader_next(loader, &batch) != FV_OK)
            return fvi_fail(program->context, FV_ERR_IO, "calibration: %s", fv_loader_message(loader));
        if (batch.n == 0)
            return FV_OK;
        FV_TRY(run_batch(c, &batch));
    }
    return FV_OK;
}

static fv_status run(calibration *c)
{
    fvi_c_program *program = c->program;
    const fv_c_source_options *options = program->options;
    const int64_t images = options->calibration_images > 0 ? options->calibration_images : IMAGES;
    const fv_plan_options planning = { .batch = BATCH, .mode = FV_PREDICT, .no_fusion = true };
    const fv_loader_options loading = { .batch = BATCH, .preprocess = *program->preprocess };
    int64_t room = 0;
    for (int32_t i = 0; i < program->node_count; i++)
        room = fvi_c_elements(program->nodes[i].out) > room ? fvi_c_elements(program->nodes[i].out) : room;
    FV_TRY(fvi_c_allocate(program, room * BATCH, sizeof *c->values, (void **)&c->values));
    fv_loader *loader = NULL;
    fv_plan *plan = NULL;
    fv_status status = fv_loader_create(&loader, program->context, options->calibration, &loading);
    if (status == FV_OK)
        status = fv_plan_create(&plan, program->graph, &planning);
    if (status == FV_OK)
        status = fv_session_create(&c->session, plan, program->params);
    if (status == FV_OK)
        status = run_batches(c, loader, images);
    if (status == FV_OK && !options->no_self_test)
        status = run_test_image(c);
    fv_session_destroy(c->session);
    fv_plan_destroy(plan);
    fv_loader_destroy(loader);
    return status;
}

/* The input's range is known: pixels are 0 to 255. */
static void take_pixel_range(calibration *c)
{
    const fv_preprocess *p = c->program->preprocess;
    const fv_value input = fv_graph_input(c->program->graph);
    for (int32_t i = 0; i < c->program->nodes[input].out.c && i < FV_MAX_CHANNELS; i++) {
        const double deviation = p->deviation[i] == 0 ? 1 : p->deviation[i];
        const float ends[2] = { (float)(-p->mean[i] / deviation), (float)((1 - p->mean[i]) / deviation) };
        take(c, input, ends, 2);
    }
}

/* Layers whose results are some of their inputs' values, or between them: the same integers stand for the same numbers. */
static bool keeps_exponent(const fvi_node *node)
{
    static const char *const types[] = { "max_pool2d",
                                         "global_max_pool",
                                         "average_pool2d",
                                         "global_average_pool",
                                         "adaptive_average_pool",
                                         "channel_max_pool",
                                         "channel_average_pool",
                                         "maxout",
                                         "crop",
                                         "pad",
                                         "upsample",
                                         "relu",
                                         "relu6",
                                         "leaky_relu",
                                         "clip",
                                         "dropout",
                                         "softmax",
                                         "log_softmax",
                                         "slice",
                                         "permute",
                                         "channel_shuffle",
                                         "expand",
                                         "reduce_mean",
                                         "resize" };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i], node->layer->name) == 0)
            return true;
    return fvi_c_is_view(node);
}

/* The largest exponent with which twice the magnitude fits int16: other images than those of calibration may go further. */
static int32_t exponent_for(float largest)
{
    int32_t exponent = MOST_EXPONENT;
    while (exponent > LEAST_EXPONENT && ldexp((double)largest, exponent + 1) > 32767)
        exponent--;
    return exponent;
}

/* A concatenation, whose result no step of the library may have written, takes the coarsest of its inputs' exponents. */
static int32_t coarsest_input(const fvi_c_program *program, const fvi_node *node)
{
    int32_t least = program->exponents[node->inputs[0]];
    for (int32_t i = 1; i < node->input_count; i++)
        if (program->exponents[node->inputs[i]] < least)
            least = program->exponents[node->inputs[i]];
    return least;
}

static bool is_fused(const fvi_c_program *program, fv_value value)
{
    for (int32_t s = 0; s < program->step_count; s++)
        if (program->steps[s].activation == value)
            return true;
    return false;
}

fv_status fvi_c_calibrate(fvi_c_program *program)
{
    calibration c = { .program = program };
    if (program->options->calibration == NULL || program->preprocess == NULL)
        return fvi_fail(program->context, FV_ERR_ARGUMENT,
                        "fixed point needs images that tell how large values become: give a data set for calibration");
    FV_TRY(fvi_c_allocate(program, program->node_count, sizeof *c.largest, (void **)&c.largest));
    FV_TRY(fvi_c_allocate(program, program->node_count, sizeof *program->exponents, (void **)&program->exponents));
    FV_TRY(run(&c));
    take_pixel_range(&c);
    for (int32_t i = 0; i < program->node_count; i++) {
        const fvi_node *node = &program->nodes[i];
        if (!isfinite(c.largest[i]))
            return fvi_fail(program->context, FV_ERR_NUMERIC, "%s '%s': its values are not finite in calibration",
                            node->layer->name, node->name);
        const bool kept = node->input_count > 0 && keeps_exponent(node) && !is_fused(program, i);
        if (kept || strcmp(node->layer->name, "concat") == 0)
            program->exponents[i] = coarsest_input(program, node);
        else
            program->exponents[i] = exponent_for(c.largest[i]);
    }
    return FV_OK;
}
