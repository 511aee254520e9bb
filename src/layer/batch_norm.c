/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm.c - batch normalisation, Ioffe & Szegedy 2015 (arXiv:1502.03167), algorithms 1 and 2: over the batch for vectors,
 * over batch and positions for each channel of images. Ghost batches: Hoffer et al. 2017 (arXiv:1705.08741), algorithm 1.
 * Here are its options, parameters and memory; its passes are in norm_forward.c and norm_backward.c.
 */
#include "base/checked.h"
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/norm_pass.h"

static const fvi_attribute attributes[] = {
    { .name = "momentum",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_batch_norm_options, momentum),
      .count = 1,
      .low = 1e-6,
      .high = 1,
      .fallback = "0.1",
      .help = "running = (1 - momentum) * running + momentum * the batch's" },
    { .name = "epsilon",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_batch_norm_options, epsilon),
      .count = 1,
      .low = 1e-12,
      .high = 1,
      .fallback = "1e-5",
      .help = "added to the variance" },
    { .name = "ghost",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_batch_norm_options, ghost),
      .count = 1,
      .low = 1,
      .high = 1 << 20,
      .fallback = "the whole batch",
      .help = "statistics over groups of so many images, or a few more where the batch is no multiple" },
    { .name = "no_scale",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_batch_norm_options, no_scale),
      .count = 1,
      .fallback = "false",
      .help = "weight is 1, and not a parameter" },
    { .name = "no_shift",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_batch_norm_options, no_shift),
      .count = 1,
      .fallback = "false",
      .help = "bias is 0, and not a parameter" },
    { .name = "scale_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_batch_norm_options, scale_init),
      .count = 1,
      .fallback = "constant 1",
      .help = "how weights start" },
    { .name = "shift_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_batch_norm_options, shift_init),
      .count = 1,
      .fallback = "constant 0",
      .help = "how biases start" },
    { 0 },
};

static fvi_declared_param vector_of(const fvi_infer *node, const char *suffix, const fv_initializer *given,
                                    double otherwise)
{
    const fv_initializer constant = { .kind = FV_INIT_CONSTANT, .value = otherwise };
    return (fvi_declared_param){
        .suffix = suffix,
        .shape = { .rank = 1, .size = { node->in[0].c } },
        .fan_in = 1,
        .fan_out = 1,
        .initializer = given != NULL && given->kind != FV_INIT_DEFAULT ? *given : constant,
    };
}

static fv_status infer(fvi_infer *node)
{
    const fv_batch_norm_options *options = node->options;
    const double momentum = options->momentum == 0 ? 0.1 : options->momentum;
    node->out = node->in[0];
    node->param_count = 0;
    if (!options->no_scale)
        node->param[node->param_count++] = vector_of(node, "weight", &options->scale_init, 1);
    if (!options->no_shift)
        node->param[node->param_count++] = vector_of(node, "bias", &options->shift_init, 0);
    for (int32_t i = 0; i < node->param_count; i++)
        node->param[i].trained = true;
    node->param[node->param_count] = vector_of(node, "running_mean", NULL, 0);
    node->param[node->param_count++].momentum = momentum;
    node->param[node->param_count] = vector_of(node, "running_var", NULL, 1);
    node->param[node->param_count++].momentum = momentum;
    return FV_OK;
}

/* A group that has but one value for each channel has no variance. */
static int32_t least_images(const void *options, fv_image_shape in)
{
    if (in.h > 1 || in.w > 1)
        return 1;
    return ((const fv_batch_norm_options *)options)->ghost == 1 ? INT32_MAX : 2;
}

static fv_status setup_own(fvi_setup *node)
{
    const fv_batch_norm_options *options = node->options;
    const size_t size = fv_dtype_size(node->dtype), channels = (size_t)node->in[0].c;
    const size_t batch = (size_t)node->batch, groups = fvi_norm_groups_of(options, batch);
    node->packed_bytes = 2 * channels * size;
    if (!node->backward)
        return FV_OK;
    /* No group has more than 2*ghost - 1 images, whatever the batch. */
    size_t most = options->ghost == 0 ? batch : 2 * (size_t)options->ghost - 1;
    most = most < batch ? most : batch;
    const fvi_norm_shape shape = fvi_norm_shape_of(most, 1, node->in[0]);
    const size_t gates = fvi_norm_undoes_by_input(node->fused) ? groups * FVI_NORM_GATES * channels * size : 0;
    size_t sums = 0, factors = 0, saved = 0;
    if (!fvi_size_multiply(groups, FVI_NORM_FACTORS * channels * size, &factors) ||
        !fvi_size_multiply(groups * shape.chunks, FVI_NORM_FORWARD_SUMS * channels * size, &sums) ||
        !fvi_size_add(sums, factors, &node->scratch_bytes) ||
        !fvi_size_add(node->scratch_bytes, gates, &node->scratch_bytes) ||
        !fvi_size_add(factors, 2 * channels * sizeof(double), &saved))
        return fvi_fail(node->context, FV_ERR_SHAPE, "batch_norm '%s': batch %d of %dx%dx%d overflows", node->name,
                        node->batch, node->in[0].c, node->in[0].h, node->in[0].w);
    node->saved_bytes = saved;
    node->gathered_bytes = fvi_norm_gathered_header(groups * shape.chunks) + node->scratch_bytes;
    if (fvi_norm_undoes_by_input(node->fused))
        node->backward_reads &= ~(uint32_t)FVI_READS_OUTPUT;
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    FV_TRY(setup_own(node));
    if (!node->mixed)
        return FV_OK;
    const fvi_norm_shape shape = fvi_norm_shape_of((size_t)node->images, 1, node->in[0]);
    fvi_norm_prepared *prepared = fvi_arena_allocate(node->arena, sizeof *prepared);
    if (prepared == NULL)
        return fvi_out_of_memory(node->context, "batch_norm's plan", sizeof *prepared);
    prepared->elements = fvi_round_up(shape.chunk_rows * shape.columns * shape.channels, 16);
    prepared->copies = fvi_round_up(node->scratch_bytes, 64);
    node->scratch_bytes = prepared->copies + (size_t)fv_context_threads(node->context) * FVI_NORM_COPIES *
                                                 prepared->elements * sizeof(float);
    node->prepared = prepared;
    node->takes_bf16 = 1u << 0 | 1u << 1;
    return FV_OK;
}

/* y = x * a[c] + b[c] by the running statistics. The parameters are in the order of infer(). */
static void affine(const void *given, fv_dtype dtype, size_t channels, void *const *param, void *ab)
{
    const fv_batch_norm_options *options = given;
    int32_t next = 0;
    const void *scale = options->no_scale ? NULL : param[next++], *shift = options->no_shift ? NULL : param[next++];
    (dtype == FV_F64 ? fvi_norm_fold_f64 : fvi_norm_fold_f32)(channels, fvi_norm_epsilon(options), param[next],
                                                              param[next + 1], scale, shift, ab);
}

static void pack(const fvi_call *call)
{
    affine(call->options, call->dtype, (size_t)call->x[0].c, call->param, call->packed);
}

static const fvi_stage stages[] = {
    { "mean", "m[c]: of the batch, or the running mean", "x" },
    { "variance", "v[c]: of the batch, or the running variance", "x mean" },
    { "normalised", "n[c] = (x[c] - m[c]) / sqrt(v[c] + epsilon)", "x mean variance" },
    { "scaled", "y[c] = weight[c] * n[c] + bias[c]", "normalised" },
    { 0 },
};

const fvi_layer fvi_layer_batch_norm = {
    .name = "batch_norm",
    .onnx_op = "BatchNormalization",
    .formula = "y[c] = weight[c] * (x[c] - mean[c]) / sqrt(variance[c] + epsilon) + bias[c]",
    .inside = stages,
    .options_size = sizeof(fv_batch_norm_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .fuses = FVI_FUSES_SUM | FVI_FUSES_ACTIVATION,
    .fuses_training = FVI_FUSES_SUM | FVI_FUSES_ACTIVATION | FVI_FUSES_BY_INPUT,
    .dx_over_dy = true,
    .whole_batch = true,
    .adds_dx = true,
    .affine = affine,
    .backward_reads = FVI_READS_INPUT | FVI_READS_SAVED,
    .infer = infer,
    .setup = setup,
    .least_images = least_images,
    .pack = pack,
    .forward = fvi_norm_forward,
    .backward = FVI_TRAINS(fvi_norm_backward),
    .repeat = FVI_TRAINS(fvi_norm_repeat),
    .gather = FVI_TRAINS(fvi_norm_gather),
    .observe = FVI_TRAINS(fvi_norm_observe),
};
