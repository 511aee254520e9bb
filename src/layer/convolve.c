/* SPDX-License-Identifier: Apache-2.0
 *
 * convolve.c - between the contract of a layer and that of a convolution (kernel/conv/conv2d.h). An inference batch
 * normalisation behind it (fvi_fused.affine) is folded into weights and bias when they are packed.
 */
#include "layer/convolve.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "kernel/bf16/conv2d_bf16.h"
#include "kernel/int8/conv2d_int8.h"
#include "layer/tuner.h"

enum { FEWEST_CHANNELS = 16 };

typedef struct convolve_prepared {
    fvi_conv2d_plan plan;
    fvi_conv2d_bf16 bf16; /* the passes of fvi_setup.takes_bf16 are its */
    uint32_t takes_bf16;
    fvi_conv2d_int8 int8;          /* forward's, with weights of quantized */
    const fv_quantized *quantized; /* NULL: forward is float32's */
    bool no_bias;
    const fvi_connections *connections; /* or NULL */
    size_t dense;  /* with connections: offset in scratch of the dense weight while it is packed, and of its gradient */
    size_t scaled; /* with an affine map: offset in scratch of the scaled weights while they are packed */
    size_t bias, factors; /* with an affine map: offsets in packed of the folded bias, of its a and b */
    size_t kept; /* offset in packed of weights that only this step has and that are read where they lie; 0: none */
} convolve_prepared;

static void widen_border(int32_t border[4], const int32_t wanted[4])
{
    for (int side = 0; side < 4; side++)
        border[side] = wanted[side] > border[side] ? wanted[side] : border[side];
}

/* The text of fvi_conv2d_explain() in the plan's arena. */
static fv_status explain(fvi_setup *node, const fvi_conv2d_plan *plan, fvi_pass pass, const char **text)
{
    const size_t length = fvi_conv2d_explain(plan, pass, NULL, 0);
    char *copy = fvi_arena_allocate(node->arena, length + 1);
    if (!copy)
        return fvi_out_of_memory(node->context, "reasons of refused algorithms", length + 1);
    fvi_conv2d_explain(plan, pass, copy, length + 1);
    *text = copy;
    return FV_OK;
}

/* What one pass asks of the planner. */
static fv_status add_pass(fvi_setup *node, const fvi_conv2d_plan *plan, fvi_pass pass)
{
    const size_t scratch = plan->pass[pass].scratch_bytes;
    node->scratch_bytes = scratch > node->scratch_bytes ? scratch : node->scratch_bytes;
    node->pass_scratch_bytes[pass] = scratch > 0 ? scratch : 1;
    node->algorithm[pass] = plan->pass[pass].algorithm;
    widen_border(pass == FVI_BACKWARD_DATA ? node->gradient_border : node->input_border, plan->pass[pass].border);
    return explain(node, plan, pass, &node->refused[pass]);
}

/* Memory for dense weights and gradients behind what the passes want. */
static void add_dense(fvi_setup *node, convolve_prepared *prepared)
{
    const size_t bytes = fvi_connections_dense(prepared->connections) * fv_dtype_size(node->dtype);
    prepared->dense = fvi_round_up(node->scratch_bytes, 64);
    node->scratch_bytes = prepared->dense + bytes;
}

/* Why a pass is left to float32 copies, or NULL. */
static const char *bf16_refused(const fvi_setup *node, const convolve_prepared *prepared, fvi_pass pass)
{
    const fvi_conv2d_shape *shape = &prepared->bf16.shape;
    const char *algorithm = prepared->plan.pass[pass].algorithm;
    if (node->reference)
        return "the plan asks for reference kernels";
    if (prepared->connections)
        return "connection tables are for the float32 kernels";
    if (shape->c < FEWEST_CHANNELS && shape->h * shape->w > 1)
        return "few input channels: the float32 kernels need not gather them";
    if (node->backward && pass != FVI_BACKWARD_WEIGHTS && strncmp(algorithm, "dense", strlen("dense")) == 0)
        return "the float32 kernels read such weights where they lie; each step would have to round and pack them";
    if (shape->oh * shape->ow > 1 && strncmp(algorithm, "winograd", strlen("winograd")) == 0)
        return "Winograd on float32 copies does less arithmetic";
    return fvi_conv2d_bf16_refused(shape, pass);
}

/* "name: reason\n" before those of the float32 algorithms. */
static fv_status tell_refused(fvi_setup *node, const char *name, const char *reason, const char **refused)
{
    const char *others = *refused != NULL ? *refused : "";
    const size_t length = strlen(name) + strlen(reason) + strlen(others) + 4;
    char *text = fvi_arena_allocate(node->arena, length);
    if (!text)
        return fvi_out_of_memory(node->context, "reasons of refused algorithms", length);
    snprintf(text, length, "%s: %s\n%s", name, reason, others);
    *refused = text;
    return FV_OK;
}

/* In mixed precision the passes that pay run on the stored values; their answers take the place of the float32 algorithm's. */
static fv_status add_bf16(fvi_setup *node, convolve_prepared *prepared, uint32_t passes)
{
    fvi_conv2d_shape shape = prepared->plan.shape;
    shape.n = node->images;
    prepared->takes_bf16 = 0;
    if (FVI_INFERS_ONLY || !node->mixed)
        return FV_OK;
    fvi_conv2d_bf16_plan(&prepared->bf16, &shape, fvi_context_isa(node->context), fv_context_threads(node->context));
    for (int pass = 0; pass < FVI_PASSES; pass++) {
        if ((passes & 1u << pass) == 0)
            continue;
        const char *reason = bf16_refused(node, prepared, (fvi_pass)pass);
        if (reason != NULL) {
            FV_TRY(tell_refused(node, prepared->bf16.dot->name, reason, &node->refused[pass]));
            continue;
        }
        const size_t scratch = prepared->bf16.scratch_bytes[pass];
        prepared->takes_bf16 |= 1u << pass;
        node->algorithm[pass] = prepared->bf16.dot->name;
        node->refused[pass] = NULL;
        node->timed[pass] = NULL;
        node->scratch_bytes = scratch > node->scratch_bytes ? scratch : node->scratch_bytes;
    }
    if ((prepared->takes_bf16 & 1u << FVI_FORWARD) != 0)
        node->packed_bytes = prepared->bf16.packed_bytes[FVI_FORWARD];
    if ((prepared->takes_bf16 & 1u << FVI_BACKWARD_DATA) != 0)
        node->packed_backward_bytes = prepared->bf16.packed_bytes[FVI_BACKWARD_DATA];
    node->takes_bf16 = prepared->takes_bf16;
    return FV_OK;
}

static bool is_bf16(const convolve_prepared *prepared, fvi_pass pass)
{
    return !FVI_INFERS_ONLY && (prepared->takes_bf16 & 1u << pass) != 0;
}

/* Why weights in 8 bits are computed with in float32 all the same, or NULL. */
static const char *int8_refused(const fvi_setup *node, const convolve_prepared *prepared)
{
    if (node->reference)
        return "the plan asks for reference kernels";
    if (prepared->connections)
        return "connection tables are for the float32 kernels";
    if (node->fused && node->fused->affine)
        return "a normalisation behind it is not folded into its weights";
    return fvi_conv2d_int8_refused(&prepared->plan.shape);
}

/* Forward on bytes. */
static fv_status add_int8(fvi_setup *node, convolve_prepared *prepared)
{
    fvi_conv2d_shape shape = prepared->plan.shape;
    if (FVI_INFERS_ONLY || node->quantized == NULL)
        return FV_OK;
    shape.n = node->images;
    fvi_conv2d_int8_plan(&prepared->int8, &shape, fvi_int8_kernels_of(node->context),
                         fv_context_threads(node->context));
    const char *reason = int8_refused(node, prepared), *name = prepared->int8.kernels->name;
    if (reason != NULL)
        return tell_refused(node, name, reason, &node->refused[FVI_FORWARD]);
    prepared->quantized = node->quantized;
    node->takes_u8 = true;
    node->algorithm[FVI_FORWARD] = name;
    node->refused[FVI_FORWARD] = node->timed[FVI_FORWARD] = NULL;
    node->scratch_bytes = prepared->int8.scratch_bytes;
    node->pass_scratch_bytes[FVI_FORWARD] = 0;
    node->packed_bytes = prepared->int8.packed_bytes;
    memset(node->input_border, 0, sizeof node->input_border);
    return FV_OK;
}

static bool is_int8(const convolve_prepared *prepared)
{
    return !FVI_INFERS_ONLY && prepared->quantized != NULL;
}

static size_t weight_count(const fvi_conv2d_shape *shape)
{
    return (size_t)shape->k * (size_t)(shape->c / shape->groups) * (size_t)shape->r * (size_t)shape->s;
}

/* Memory for folding: the bias lasts; scaled weights are in scratch while they are being packed. */
static void add_affine(fvi_setup *node, convolve_prepared *prepared)
{
    const size_t size = fv_dtype_size(node->dtype), outputs = (size_t)prepared->plan.shape.k;
    const size_t weights = weight_count(&prepared->plan.shape) * size;
    prepared->bias = fvi_round_up(node->packed_bytes, 64);
    prepared->factors = prepared->bias + fvi_round_up(outputs * size, 64);
    node->packed_bytes = prepared->factors + 2 * outputs * size;
    prepared->scaled = fvi_round_up(prepared->connections ? node->scratch_bytes : 0, 64);
    const size_t scratch = prepared->scaled + weights;
    node->scratch_bytes = scratch > node->scratch_bytes ? scratch : node->scratch_bytes;
}

/* An algorithm that packs less than the weights reads them where they are: those made in scratch need memory that lasts. */
static void add_kept(fvi_setup *node, convolve_prepared *prepared)
{
    const size_t weights = weight_count(&prepared->plan.shape) * fv_dtype_size(node->dtype);
    const bool made = prepared->connections || (node->fused && node->fused->affine);
    if (!made || is_bf16(prepared, FVI_FORWARD) || prepared->quantized != NULL ||
        prepared->plan.pass[FVI_FORWARD].packed_bytes >= weights)
        return;
    prepared->kept = fvi_round_up(node->packed_bytes, 64);
    node->packed_bytes = prepared->kept + weights;
}

static fv_status add_backward(fvi_setup *node, convolve_prepared *prepared)
{
    FV_TRY(add_pass(node, &prepared->plan, FVI_BACKWARD_WEIGHTS));
    if (!node->wants_dx)
        return FV_OK;
    FV_TRY(add_pass(node, &prepared->plan, FVI_BACKWARD_DATA));
    node->packed_backward_bytes = prepared->plan.pass[FVI_BACKWARD_DATA].packed_bytes;
    return FV_OK;
}

fv_status fvi_convolve_choose(fvi_setup *node, const fvi_conv2d_shape *shape, uint32_t passes, fvi_conv2d_plan *plan,
                              const char *timed[FVI_PASSES])
{
    fvi_tuner *tuner = node->reference || node->dtype != FV_F32 ? NULL : fvi_context_tuner(node->context);
    const char *name[FVI_PASSES] = { NULL };
    for (int pass = 0; pass < FVI_PASSES; pass++)
        timed[pass] = NULL;
    if (tuner != NULL)
        FV_TRY(tuner->choose(tuner, shape, passes, name, timed));
    for (int pass = 0; pass < FVI_PASSES; pass++)
        if (timed[pass] != NULL && (timed[pass] = fvi_arena_text(node->arena, timed[pass])) == NULL)
            return fvi_out_of_memory(node->context, "times of algorithms", 0);
    fvi_conv2d_choose_each(plan, shape, node->dtype, fvi_context_isa(node->context), fv_context_threads(node->context),
                           node->reference, name);
    return FV_OK;
}

/* The passes that this node's plan runs. */
static uint32_t passes_of(const fvi_setup *node)
{
    const uint32_t backward = node->backward ? 1u << FVI_BACKWARD_WEIGHTS : 0;
    const uint32_t data = node->backward && node->wants_dx ? 1u << FVI_BACKWARD_DATA : 0;
    return 1u << FVI_FORWARD | backward | data;
}

fv_status fvi_convolve_setup(fvi_setup *node, const fvi_conv2d_shape *shape, const fvi_connections *connections,
                             bool no_bias)
{
    convolve_prepared *prepared = fvi_arena_allocate(node->arena, sizeof *prepared);
    if (!prepared)
        return fvi_out_of_memory(node->context, "a convolution's plan", sizeof *prepared);
    FV_TRY(fvi_convolve_choose(node, shape, passes_of(node), &prepared->plan, node->timed));
    node->prepared = prepared;
    FV_TRY(add_pass(node, &prepared->plan, FVI_FORWARD));
    node->packed_bytes = prepared->plan.pass[FVI_FORWARD].packed_bytes;
    if (node->backward)
        FV_TRY(add_backward(node, prepared));
    prepared->connections = connections;
    prepared->no_bias = no_bias;
    FV_TRY(add_bf16(node, prepared, passes_of(node)));
    for (int pass = 0; pass < FVI_PASSES && (connections || (node->fused && node->fused->affine)); pass++)
        node->pass_scratch_bytes[pass] = 0; /* there is more in it than the passes want */
    /* The dense algorithm sums each weight's gradient by itself, whatever the number of outputs. */
    node->weights_by_rows =
        node->backward && !connections && strncmp(prepared->plan.pass[FVI_BACKWARD_WEIGHTS].algorithm, "dense", 5) == 0;
    if (connections)
        add_dense(node, prepared);
    if (node->fused && node->fused->affine)
        add_affine(node, prepared);
    FV_TRY(add_int8(node, prepared));
    add_kept(node, prepared);
    return FV_OK;
}

/* What folding works on. Weights of output k are one run of `count`. */
typedef struct fold_job {
    fv_dtype dtype;
    size_t count;
    const void *w, *ab;
    void *scaled;
} fold_job;

static void scale_output(void *argument, size_t k, int32_t worker)
{
    const fold_job *job = argument;
    (void)worker;
    for (size_t i = k * job->count; i < (k + 1) * job->count; i++) {
        if (job->dtype == FV_F64)
            ((double *)job->scaled)[i] = ((const double *)job->w)[i] * ((const double *)job->ab)[k];
        else
            ((float *)job->scaled)[i] = ((const float *)job->w)[i] * ((const float *)job->ab)[k];
    }
}

/* (w*x + bias) * a + b = (a*w)*x + (a*bias + b). Returns the scaled weights. */
static const void *fold(const fvi_call *call, const convolve_prepared *prepared, const void *weight)
{
    const size_t outputs = (size_t)prepared->plan.shape.k;
    char *packed = call->packed;
    void *ab = packed + prepared->factors, *bias = packed + prepared->bias;
    const fold_job job = { .dtype = call->dtype,
                           .count = weight_count(&prepared->plan.shape) / outputs,
                           .w = weight,
                           .ab = ab,
                           .scaled = (char *)call->scratch + prepared->scaled };
    call->fused->affine->affine(call->fused->affine_options, call->dtype, outputs, call->affine_param, ab);
    fvi_parallel(call->context, outputs, scale_output, (void *)&job);
    for (size_t k = 0; k < outputs; k++) {
        if (call->dtype == FV_F64) {
            const double *a = ab, own = prepared->no_bias ? 0 : ((const double *)call->param[1])[k];
            ((double *)bias)[k] = own * a[k] + a[outputs + k];
        } else {
            const float *a = ab, own = prepared->no_bias ? 0 : ((const float *)call->param[1])[k];
            ((float *)bias)[k] = own * a[k] + a[outputs + k];
        }
    }
    return job.scaled;
}

/* The weight as a convolution reads it: of a connection table with zeros where no kernel is. */
static const void *dense_weight(const fvi_call *call, const convolve_prepared *prepared)
{
    if (!prepared->connections)
        return call->param[0];
    void *dense = (char *)call->scratch + prepared->dense;
    fvi_connections_spread(prepared->connections, call->dtype, call->param[0], dense);
    return dense;
}

void fvi_convolve_pack(const fvi_call *call)
{
    const convolve_prepared *prepared = call->prepared;
    if (is_int8(prepared)) {
        const fvi_int8_weights weights = { .w = call->param[0],
                                           .weight_scale = prepared->quantized->weight_scale,
                                           .bias = prepared->no_bias ? NULL : call->param[1],
                                           .x_scale = call->x[0].scale,
                                           .x_zero = call->x[0].zero_point };
        fvi_conv2d_int8_pack(&prepared->int8, call->context, &weights, call->packed);
        return;
    }
    const void *weight = dense_weight(call, prepared);
    if (call->fused && call->fused->affine)
        weight = fold(call, prepared, weight);
    if (prepared->kept > 0)
        weight = memcpy((char *)call->packed + prepared->kept, weight,
                        weight_count(&prepared->plan.shape) * fv_dtype_size(call->dtype));
    if (is_bf16(prepared, FVI_FORWARD))
        fvi_conv2d_bf16_pack(&prepared->bf16, call->context, FVI_FORWARD, weight, call->packed);
    else
        fvi_conv2d_pack(&prepared->plan, call->context, FVI_FORWARD, weight, call->packed);
}

void fvi_convolve_pack_backward(const fvi_call *call)
{
    const convolve_prepared *prepared = call->prepared;
    if (call->dx[0].data == NULL)
        return;
    if (is_bf16(prepared, FVI_BACKWARD_DATA))
        fvi_conv2d_bf16_pack(&prepared->bf16, call->context, FVI_BACKWARD_DATA, call->param[0], call->packed);
    else
        fvi_conv2d_pack(&prepared->plan, call->context, FVI_BACKWARD_DATA, dense_weight(call, prepared), call->packed);
}

const fvi_conv2d_plan *fvi_convolve_plan(const void *prepared)
{
    const convolve_prepared *convolution = prepared;
    const bool alone = convolution->connections == NULL && convolution->takes_bf16 == 0 &&
                       convolution->quantized == NULL && convolution->kept == 0;
    return alone && convolution->plan.dtype == FV_F32 ? &convolution->plan : NULL;
}

const void *fvi_convolve_bias(const fvi_call *call)
{
    const convolve_prepared *prepared = call->prepared;
    if (call->fused != NULL && call->fused->affine != NULL)
        return (const char *)call->packed + prepared->bias;
    return prepared->no_bias ? NULL : call->param[1];
}

fv_status fvi_convolve_forward(fvi_call *call)
{
    const convolve_prepared *prepared = call->prepared;
    const fvi_fused nothing = { 0 }, *fused = call->fused ? call->fused : &nothing;
    const fvi_conv2d_epilogue epilogue = { .kernels = call->kernels,
                                           .activation = fused->activation,
                                           .summand = fused->summand > 0 ? &call->x[fused->summand] : NULL,
                                           .watch = call->watch };
    const void *bias = fvi_convolve_bias(call);
    const fvi_conv2d_epilogue *behind = epilogue.activation || epilogue.summand || epilogue.watch ? &epilogue : NULL;
    if (is_int8(prepared))
        fvi_conv2d_int8_forward(&prepared->int8, call->context, &call->x[0], call->packed, behind, &call->y,
                                call->scratch);
    else if (is_bf16(prepared, FVI_FORWARD))
        fvi_conv2d_bf16_forward(&prepared->bf16, call->context, &call->x[0], call->packed, bias, behind, &call->y,
                                call->scratch);
    else
        fvi_conv2d_forward(&prepared->plan, call->context, &call->x[0], call->packed, bias, behind, &call->y,
                           call->scratch);
    return FV_OK;
}

/* Some outputs alone: a smaller convolution. */
static void backward_weight_rows(const fvi_call *call, const convolve_prepared *prepared)
{
    const size_t first = (size_t)call->first_row * fv_dtype_size(call->dtype);
    fvi_conv2d_plan part = prepared->plan;
    fvi_view dy = call->dy;
    part.shape.k = call->rows;
    part.continues = call->first_row > 0;
    dy.c = call->rows;
    dy.data = (char *)dy.data + first;
    fvi_conv2d_backward_weights(&part, call->context, &call->x[0], &dy, call->dparam[0],
                                prepared->no_bias ? NULL : (char *)call->dparam[1] + first, call->scratch);
}

fv_status fvi_convolve_backward_weights(fvi_call *call)
{
    const convolve_prepared *prepared = call->prepared;
    const bool connected = prepared->connections != NULL;
    if (call->rows > 0) {
        backward_weight_rows(call, prepared);
        return FV_OK;
    }
    void *gradient = connected ? (char *)call->scratch + prepared->dense : call->dparam[0];
    if (is_bf16(prepared, FVI_BACKWARD_WEIGHTS)) {
        fvi_conv2d_bf16_backward_weights(&prepared->bf16, call->context, &call->x[0], &call->dy, gradient,
                                         prepared->no_bias ? NULL : call->dparam[1], call->scratch);
        return FV_OK;
    }
    fvi_conv2d_backward_weights(&prepared->plan, call->context, &call->x[0], &call->dy, gradient,
                                prepared->no_bias ? NULL : call->dparam[1], call->scratch);
    if (connected)
        fvi_connections_gather(prepared->connections, call->dtype, gradient, call->dparam[0]);
    return FV_OK;
}

fv_status fvi_convolve_backward_data(fvi_call *call)
{
    const convolve_prepared *prepared = call->prepared;
    const fvi_conv2d_epilogue epilogue = { .kernels = call->kernels, .summand = &call->plus };
    const fvi_conv2d_epilogue *behind = call->plus.data ? &epilogue : NULL;
    if (call->dx[0].data == NULL)
        return FV_OK;
    if (is_bf16(prepared, FVI_BACKWARD_DATA))
        fvi_conv2d_bf16_backward_data(&prepared->bf16, call->context, &call->dy, call->packed, &call->dx[0],
                                      call->scratch);
    else
        fvi_conv2d_backward_data(&prepared->plan, call->context, &call->dy, call->packed, behind, &call->dx[0],
                                 call->scratch);
    return FV_OK;
}

void fvi_convolve_declare(fvi_infer *node, const fv_shape *weight, int32_t filters, int64_t fan_in, int64_t fan_out,
                          const fv_initializer *weight_init, const fv_initializer *bias_init, bool no_bias)
{
    const fv_initializer he = { .kind = FV_INIT_HE }, zero = { .kind = FV_INIT_CONSTANT };
    node->param[0] = (fvi_declared_param){
        .suffix = "weight",
        .shape = *weight,
        .fan_in = fan_in,
        .fan_out = fan_out,
        .initializer = weight_init->kind == FV_INIT_DEFAULT ? he : *weight_init,
        .decayed = true,
        .trained = true,
    };
    node->param_count = 1;
    if (no_bias)
        return;
    node->param[1] = (fvi_declared_param){
        .suffix = "bias",
        .shape = { .rank = 1, .size = { filters } },
        .fan_in = fan_in,
        .fan_out = fan_out,
        .initializer = bias_init->kind == FV_INIT_DEFAULT ? zero : *bias_init,
        .trained = true,
    };
    node->param_count = 2;
}
