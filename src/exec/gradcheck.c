/* SPDX-License-Identifier: Apache-2.0
 *
 * gradcheck.c - central differences over parameters and inputs of a whole network.
 *
 * With D(h) = (f(x+h) - 2f(x) + f(x-h)) / h, the disagreement of the two one-sided differences, a smooth f gives
 * D(h) = 2 D(h/2) + O(h^3) and the central differences C(h) = C(h/2) + O(h^2). A kink at distance t < h, where the
 * slope jumps by s, gives D(h) - 2D(h/2) = s(3t-h)/h for t < h/2 and s(h-t)/h beyond, C(h) - C(h/2) = st/(2h) for t <
 * h/2: both are small only if s is, or if t is near h, where C(h/2) is right. So an element is skipped when either is
 * large, and C(h/2) is compared otherwise.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "fovea/gradcheck.h"
#include "fovea/session.h"
#include "graph/graph_internal.h"

enum { DEFAULT_SAMPLES = 2, DEFAULT_ELEMENTS = 32 };

/* Relative to the tensor's largest gradient. Rounding leaves about 8 * eps * |loss| / h = 2e-10 at h = 1e-5 and a loss
 * near 2. */
static const double kink_tolerance = 1e-6;
static const double usual_loss = 2;

typedef struct gradient_check {
    fv_context *context;
    const fv_graph *graph;
    fv_gradient_check_options options;
    fv_gradient_check_result *result;
    fv_plan *plan;
    fv_params *params;
    fv_session *session;
    fv_batch batch;
    double *images, *input_gradient;
    int32_t *classes;
    float *values;
    size_t image_elements;
    double loss, weight;
} gradient_check;

/* One tensor under test. */
typedef struct checked_tensor {
    const char *name;
    double *values;
    const double *gradient;
    size_t elements;
    bool is_param;
    double scale;          /* largest gradient */
    double error, largest; /* so far: max|gradient - difference|, max|difference| */
    size_t worst_index;
    double worst_gradient, worst_difference;
} checked_tensor;

static fv_status session_failed(const gradient_check *check, fv_status status)
{
    return fvi_fail(check->context, status, "gradient check of graph '%s': %s", fv_graph_name(check->graph),
                    fv_session_message(check->session));
}

static size_t elements_of(const fv_graph *graph, fv_value value)
{
    const fv_image_shape shape = fv_graph_node(graph, value).output;
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

/* Room for the float targets of every loss: they share one array. */
static size_t largest_target(const fv_graph *graph)
{
    size_t largest = 1;
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        for (int32_t j = 0; node.loss && j < node.input_count; j++)
            if (elements_of(graph, node.inputs[j]) > largest)
                largest = elements_of(graph, node.inputs[j]);
    }
    return largest;
}

static fv_status make_batch(gradient_check *check)
{
    const size_t samples = (size_t)check->options.samples;
    const size_t targets = largest_target(check->graph),
                 classes = elements_of(check->graph, fv_graph_output(check->graph));
    check->image_elements = elements_of(check->graph, fv_graph_input(check->graph));
    check->images = fvi_allocate_zeroed(check->context, samples * check->image_elements, sizeof *check->images);
    check->input_gradient = fvi_allocate_zeroed(check->context, samples * check->image_elements, sizeof *check->images);
    check->classes = fvi_allocate_zeroed(check->context, samples, sizeof *check->classes);
    check->values = fvi_allocate_zeroed(check->context, samples * targets, sizeof *check->values);
    if (check->images == NULL || check->input_gradient == NULL || check->classes == NULL || check->values == NULL)
        return fvi_out_of_memory(check->context, "gradient check", samples * check->image_elements * sizeof(double));
    fvi_random random = fvi_random_start(check->options.seed, FVI_PURPOSE_TEST, 0);
    for (size_t i = 0; i < samples * check->image_elements; i++)
        check->images[i] = 2 * fvi_random_uniform(&random) - 1;
    for (size_t i = 0; i < samples; i++)
        check->classes[i] = (int32_t)fvi_random_below(&random, (uint32_t)classes);
    for (size_t i = 0; i < samples * targets; i++)
        check->values[i] = (float)fvi_random_uniform(&random);
    check->batch = (fv_batch){
        .n = check->options.samples,
        .images = check->images,
        .dtype = FV_F64,
        .order = FV_NCHW,
        .classes = check->classes,
    };
    return FV_OK;
}

/* Initial values, each moved a little: biases that start at zero would hide errors. */
static fv_status make_params(gradient_check *check)
{
    FV_TRY(fv_params_create(&check->params, check->graph, FV_F64));
    fv_params_initialize(check->params, check->options.seed);
    fvi_random random = fvi_random_start(check->options.seed, FVI_PURPOSE_TEST, 1);
    for (int32_t i = 0; i < fv_params_count(check->params); i++) {
        double *values = fv_params_values(check->params, i);
        for (int64_t j = 0; j < fv_params_info(check->params, i).elements; j++)
            values[j] += 0.1 * (fvi_random_uniform(&random) - 0.5);
    }
    return FV_OK;
}

/* The gradients to be checked. Losses that want float targets refuse classes: then they get those. */
static fv_status first_step(gradient_check *check)
{
    fv_step_result step;
    fv_status status = fv_session_step(check->session, &check->batch, &step);
    if (status == FV_ERR_ARGUMENT) {
        check->batch.classes = NULL;
        check->batch.values = check->values;
        status = fv_session_step(check->session, &check->batch, &step);
    }
    if (status == FV_OK)
        status = fv_session_read_input_gradient(check->session, check->input_gradient,
                                                (size_t)check->batch.n * check->image_elements);
    if (status != FV_OK)
        return session_failed(check, status);
    check->weight = step.weight;
    check->loss = step.loss / step.weight;
    return FV_OK;
}

static fv_status loss_at(gradient_check *check, const checked_tensor *tensor, size_t index, double value, double *loss)
{
    const double before = tensor->values[index];
    tensor->values[index] = value;
    if (tensor->is_param)
        fv_session_params_changed(check->session);
    fv_step_result step;
    const fv_status status = fv_session_forward(check->session, &check->batch, &step);
    tensor->values[index] = before;
    if (tensor->is_param)
        fv_session_params_changed(check->session);
    *loss = step.loss / check->weight;
    return status == FV_OK ? FV_OK : session_failed(check, status);
}

/* Differences of one element at one step size. */
typedef struct differences {
    double central, disagreement;
} differences;

static fv_status differ(gradient_check *check, const checked_tensor *tensor, size_t index, double step,
                        differences *out)
{
    const double x = tensor->values[index], above = x + step, below = x - step;
    double high = 0, low = 0;
    FV_TRY(loss_at(check, tensor, index, above, &high));
    FV_TRY(loss_at(check, tensor, index, below, &low));
    const double up = (high - check->loss) / (above - x), down = (check->loss - low) / (x - below);
    *out = (differences){ .central = (high - low) / (above - below), .disagreement = up - down };
    return FV_OK;
}

/* What rounding a larger loss than the usual one adds to a difference: the bars only cover the usual one. */
static double rounding_beyond(const gradient_check *check)
{
    return 8 * DBL_EPSILON * fmax(fabs(check->loss) - usual_loss, 0) / check->options.step;
}

static fv_status check_element(gradient_check *check, checked_tensor *tensor, size_t index)
{
    const double step = check->options.step;
    differences whole = { 0 }, half = { 0 };
    FV_TRY(differ(check, tensor, index, step, &whole));
    FV_TRY(differ(check, tensor, index, step / 2, &half));
    const double gradient = tensor->gradient[index];
    const double scale = fmax(tensor->scale, fabs(half.central));
    if (fabs(whole.disagreement - 2 * half.disagreement) > kink_tolerance * scale ||
        fabs(whole.central - half.central) > kink_tolerance * scale) {
        check->result->skipped++;
        return FV_OK;
    }
    check->result->checked++;
    tensor->largest = fmax(tensor->largest, fabs(half.central));
    const double error = fmax(fabs(gradient - half.central) - rounding_beyond(check), 0);
    if (error >= tensor->error) {
        tensor->error = error;
        tensor->worst_index = index;
        tensor->worst_gradient = gradient;
        tensor->worst_difference = half.central;
    }
    return FV_OK;
}

static void note_worst(fv_gradient_check_result *result, const checked_tensor *tensor)
{
    /* A tensor whose gradients are all zero has no scale; then the error itself counts. */
    const double scale = tensor->largest > 0 ? tensor->largest : 1;
    const double error = tensor->error / scale;
    if (error < result->worst || (error == result->worst && result->worst_name[0] != '\0'))
        return;
    result->worst = error;
    snprintf(result->worst_name, sizeof result->worst_name, "%s", tensor->name);
    result->worst_index = (int64_t)tensor->worst_index;
    result->gradient = tensor->worst_gradient;
    result->difference = tensor->worst_difference;
}

static fv_status check_tensor(gradient_check *check, checked_tensor *tensor)
{
    for (size_t i = 0; i < tensor->elements; i++)
        tensor->scale = fmax(tensor->scale, fabs(tensor->gradient[i]));
    const size_t wanted = check->options.elements < 0 ? tensor->elements : (size_t)check->options.elements;
    const size_t count = wanted < tensor->elements ? wanted : tensor->elements;
    for (size_t i = 0; i < count; i++)
        FV_TRY(check_element(check, tensor, i * tensor->elements / count));
    note_worst(check->result, tensor);
    return FV_OK;
}

static fv_status check_tensors(gradient_check *check)
{
    fv_params *gradients = fv_session_gradients(check->session);
    for (int32_t i = 0; i < fv_params_count(check->params); i++) {
        const fv_param_info info = fv_params_info(check->params, i);
        checked_tensor tensor = {
            .name = info.name,
            .values = fv_params_values(check->params, i),
            .gradient = fv_params_values(gradients, i),
            .elements = (size_t)info.elements,
            .is_param = true,
        };
        if (info.trained)
            FV_TRY(check_tensor(check, &tensor));
    }
    checked_tensor input = {
        .name = fv_graph_node(check->graph, fv_graph_input(check->graph)).name,
        .values = check->images,
        .gradient = check->input_gradient,
        .elements = (size_t)check->batch.n * check->image_elements,
    };
    return check_tensor(check, &input);
}

static fv_status run_check(gradient_check *check)
{
    const fv_plan_options plan = { .batch = check->options.samples, .dtype = FV_F64, .input_gradient = true };
    FV_TRY(fv_plan_create(&check->plan, check->graph, &plan));
    FV_TRY(make_params(check));
    FV_TRY(make_batch(check));
    FV_TRY(fv_session_create(&check->session, check->plan, check->params));
    FV_TRY(first_step(check));
    return check_tensors(check);
}

static fv_status check_options(const fv_graph *graph, fv_gradient_check_options *options)
{
    options->samples = options->samples == 0 ? DEFAULT_SAMPLES : options->samples;
    options->elements = options->elements == 0 ? DEFAULT_ELEMENTS : options->elements;
    options->step = options->step == 0 ? 1e-5 : options->step;
    if (options->samples < 1 || options->samples > 1024 || !(options->step > 0 && options->step < 1))
        return fvi_fail(fv_graph_context(graph), FV_ERR_ARGUMENT,
                        "gradient check: %d samples, step %g; samples must be from 1 to 1024, the step between 0 and 1",
                        options->samples, options->step);
    return FV_OK;
}

fv_status fv_gradient_check(const fv_graph *graph, const fv_gradient_check_options *options,
                            fv_gradient_check_result *result)
{
    *result = (fv_gradient_check_result){ 0 };
    gradient_check check = { .context = fv_graph_context(graph), .graph = graph, .result = result };
    if (options != NULL)
        check.options = *options;
    FV_TRY(check_options(graph, &check.options));
    const fv_status status = run_check(&check);
    fv_session_destroy(check.session);
    fv_params_destroy(check.params);
    fv_plan_destroy(check.plan);
    fvi_release(check.context, check.images);
    fvi_release(check.context, check.input_gradient);
    fvi_release(check.context, check.classes);
    fvi_release(check.context, check.values);
    return status;
}
