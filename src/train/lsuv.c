/* SPDX-License-Identifier: Apache-2.0
 *
 * lsuv.c - layer-sequential unit-variance initial values: Mishkin & Matas 2016 (arXiv:1511.06422), algorithm 1. A convolution or dense layer is
 * linear, so that one division is enough but for its bias and for roundings; sums run in one order in double.
 */
#include "fovea/lsuv.h"

#include <math.h>

#include "exec/look.h"
#include "graph/params_internal.h"
#include "train/train_internal.h"

typedef struct lsuv {
    fv_context *context;
    fv_params *params;
    fv_session *session;
    float *values; /* room for the largest output of a batch */
    size_t room;
    int32_t n, tries, tried;
    double tolerance;
    fv_status status; /* of what failed while looking */
} lsuv;

/* The weights that a node is divided by: its first parameter, if that is trained and has rows. NULL name: none. */
static fv_param_info weights_of(const fv_params *params, fv_value node, int32_t *index)
{
    for (*index = 0; *index < fv_params_count(params); ++*index) {
        const fv_param_info info = fv_params_info(params, *index);
        if (info.node == node)
            return info.trained && info.decayed && info.shape.rank >= 2 ? info : (fv_param_info){ .name = NULL };
    }
    return (fv_param_info){ .name = NULL };
}

static void make_orthogonal(fv_params *params, uint64_t seed)
{
    const fv_initializer orthogonal = { .kind = FV_INIT_ORTHOGONAL };
    for (int32_t node = 0; node < fv_graph_node_count(fv_params_graph(params)); node++) {
        int32_t index = 0;
        fv_param_info info = weights_of(params, node, &index);
        if (info.name == NULL)
            continue;
        float *values = fv_params_values(params, index);
        info.initializer = &orthogonal;
        fvi_initialize(&info, seed, 0, (size_t)info.elements, values);
        fvi_orthogonalize(fv_graph_context(fv_params_graph(params)), &info, FV_F32, values);
    }
}

static double variance_of(const float *values, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i];
    const double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)values[i] - mean) * ((double)values[i] - mean);
    return squares / (double)count;
}

static bool look(void *user, fv_value node)
{
    lsuv *u = user;
    int32_t index = 0;
    const fv_param_info info = weights_of(u->params, node, &index);
    const fv_node_info of_node = fv_graph_node(fv_params_graph(u->params), node);
    const fv_image_shape shape = of_node.output;
    const size_t count = (size_t)u->n * (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    if (info.name == NULL || u->status != FV_OK)
        return false;
    u->status = fv_session_read(u->session, node, u->values, u->room);
    if (u->status != FV_OK) {
        u->status = fvi_fail(u->context, u->status, "LSUV: %s", fv_session_message(u->session));
        return false;
    }
    const double variance = variance_of(u->values, count);
    const bool done = fabs(variance - 1) <= u->tolerance || u->tried >= u->tries;
    if (done || !(variance > 0) || !isfinite(variance)) {
        if (!(fabs(variance - 1) <= u->tolerance))
            fvi_log_message(u->context, FV_LOG_WARNING,
                            "LSUV: the variance of what '%s' gives is %g after %d divisions", of_node.name, variance,
                            u->tried);
        u->tried = 0;
        return false;
    }
    float *weights = fv_params_values(u->params, index);
    const double factor = 1 / sqrt(variance);
    for (int64_t i = 0; i < info.elements; i++)
        weights[i] = (float)((double)weights[i] * factor);
    u->tried++;
    return true;
}

/* Elements of the largest output of a layer with weights. */
static size_t largest_output(const fv_params *params, int32_t n)
{
    size_t largest = 0;
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        const fv_image_shape shape = fv_graph_node(fv_params_graph(params), fv_params_info(params, i).node).output;
        const size_t elements = (size_t)n * (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
        largest = elements > largest ? elements : largest;
    }
    return largest;
}

static fv_status run(lsuv *u, fv_plan **plan, const fv_batch *batch)
{
    const fv_plan_options options = { .batch = batch->n, .mode = FV_PREDICT, .no_fusion = true };
    FV_TRY(fv_plan_create(plan, fv_params_graph(u->params), &options));
    FV_TRY(fv_session_create(&u->session, *plan, u->params));
    u->room = largest_output(u->params, batch->n);
    u->values = fvi_allocate(u->context, (u->room + 1) * sizeof *u->values);
    if (u->values == NULL)
        return fvi_out_of_memory(u->context, "LSUV", u->room * sizeof *u->values);
    const fv_status status = fvi_session_forward_looked_at(u->session, batch, look, u);
    if (status != FV_OK)
        return fvi_fail(u->context, status, "LSUV: %s", fv_session_message(u->session));
    return u->status;
}

fv_status fv_params_lsuv(fv_params *params, const fv_batch *batch, const fv_lsuv_options *options)
{
    const fv_lsuv_options o = options != NULL ? *options : (fv_lsuv_options){ 0 };
    lsuv u = { .context = fv_graph_context(fv_params_graph(params)),
               .params = params,
               .n = batch->n,
               .tries = o.tries > 0 ? o.tries : 10,
               .tolerance = o.tolerance > 0 ? o.tolerance : 0.01 };
    fv_plan *plan = NULL;
    if (fv_params_dtype(params) != FV_F32 || batch->n < 1)
        return fvi_fail(u.context, FV_ERR_ARGUMENT,
                        "LSUV: parameters of %s and a batch of %d; f32 and images are needed",
                        fv_dtype_name(fv_params_dtype(params)), batch->n);
    if (!(o.tolerance >= 0) || o.tries < 0)
        return fvi_fail(u.context, FV_ERR_ARGUMENT, "LSUV: a tolerance of %g and %d tries; both must be at least 0",
                        o.tolerance, o.tries);
    make_orthogonal(params, o.seed);
    const fv_status status = run(&u, &plan, batch);
    fvi_release(u.context, u.values);
    fv_session_destroy(u.session);
    fv_plan_destroy(plan);
    return status;
}
