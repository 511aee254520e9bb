/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm.c - batch normalisation, Ioffe & Szegedy 2015 (arXiv:1502.03167), algorithms 1 and 2: over the batch for vectors,
 * over batch and positions for each channel of images. Ghost batches: Hoffer et al. 2017 (arXiv:1705.08741), algorithm 1.
 * A sum and an activation behind it (fvi_fused) are done to each row while it is in cache, and undone over dy likewise; a
 * ReLU alone is undone on the way, by the sign that its input has when computed again, so that nobody reads y.
 * Forward reads its input from memory once for the statistics (twice from cache) and once to normalise; backward reads input
 * and gradient twice, and recomputes the normalised values. How sums are cut: kernel/norm/batch_norm.h.
 * Where a convolution writes a large input, the sums of the statistics are gathered meanwhile (gather()): chunks are the same, and
 * whoever writes the last value of a chunk sums it up, so that the bits are the same too.
 */
#include <stdatomic.h>
#include <string.h>

#include "base/checked.h"
#include "fovea/graph.h"
#include "kernel/norm/batch_norm.h"
#include "layer/layers.h"
#include "layer/split.h"
#include "layer/stored_rows.h"

enum { CHANNELS_PER_TASK = 16, FORWARD_SUMS = 3, BACKWARD_SUMS = 2, FACTORS = 3, GATES = 2 };

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

static double epsilon_of(const void *options)
{
    const double epsilon = ((const fv_batch_norm_options *)options)->epsilon;
    return epsilon == 0 ? 1e-5 : epsilon;
}

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

static size_t groups_of(const fv_batch_norm_options *options, size_t images)
{
    const size_t groups = options->ghost == 0 ? 1 : images / (size_t)options->ghost;
    return groups == 0 ? 1 : groups;
}

/* A vector is one row of images: then a chunk's pixels are in one run. */
static fvi_norm_shape shape_of(size_t images, size_t groups, fv_image_shape image)
{
    fvi_norm_shape shape = {
        .images = images,
        .groups = groups,
        .rows = (size_t)image.h,
        .columns = (size_t)image.w,
        .channels = (size_t)image.c,
    };
    const size_t most = (images + groups - 1) / groups * shape.rows;
    shape.chunk_rows = FVI_SPLIT_ELEMENTS / (shape.columns * shape.channels);
    shape.chunk_rows = shape.chunk_rows == 0 ? 1 : shape.chunk_rows;
    shape.chunks = (most + shape.chunk_rows - 1) / shape.chunk_rows;
    return shape;
}

/* Whether backward computes f' anew, from x. Of frozen statistics the input of f is rounded otherwise than in forward, which
 * shows where it is as good as 0. */
static bool is_gated(const fvi_fused *fused)
{
    return fused != NULL && fused->activation != NULL && fused->summand == 0 &&
           (fused->activation->kind == FVI_RELU || fused->activation->kind == FVI_RELU6);
}

/* One pass. */
typedef struct norm_pass {
    fvi_call *call;
    const fvi_view *out; /* y, or dx */
    fvi_norm_shape shape;
    fvi_norm_saved saved;
    size_t size;                 /* of an element */
    char *sums, *factors;        /* scratch: sums of chunks; ab or abk of groups */
    char *gates;                 /* scratch, backward: ab of groups once more; NULL: not is_gated() */
    const void *scale, *shift;   /* parameters, or NULL */
    const void *mean, *variance; /* running */
    void *dscale, *dshift;       /* or NULL */
    void *observed_mean, *observed_variance;
} norm_pass;

/* Sums that are gathered while somebody else writes what they are over. */
typedef struct gathering {
    norm_pass pass;
    atomic_size_t *written; /* [groups][chunks] values */
    fvi_watch watch;
} gathering;

/* Bytes before the sums where they are gathered: what gathers them, and how much of each chunk is written. */
static size_t gathered_header(size_t chunks)
{
    return fvi_round_up(sizeof(gathering), 64) + fvi_round_up(chunks * sizeof(atomic_size_t), 64);
}

enum { STAGED_VIEWS = 3 }; /* that one pass looks at */

/* Mixed precision: float32 copies of a chunk, for each worker. */
typedef struct norm_prepared {
    size_t copies;   /* their offset in scratch */
    size_t elements; /* of one copy */
} norm_prepared;

static fv_status setup_own(fvi_setup *node);

static fv_status setup(fvi_setup *node)
{
    FV_TRY(setup_own(node));
    if (!node->mixed)
        return FV_OK;
    const fvi_norm_shape shape = shape_of((size_t)node->images, 1, node->in[0]);
    norm_prepared *prepared = fvi_arena_allocate(node->arena, sizeof *prepared);
    if (prepared == NULL)
        return fvi_out_of_memory(node->context, "batch_norm's plan", sizeof *prepared);
    prepared->elements = fvi_round_up(shape.chunk_rows * shape.columns * shape.channels, 16);
    prepared->copies = fvi_round_up(node->scratch_bytes, 64);
    node->scratch_bytes = prepared->copies +
                          (size_t)fv_context_threads(node->context) * STAGED_VIEWS * prepared->elements * sizeof(float);
    node->prepared = prepared;
    node->takes_bf16 = 1u << 0 | 1u << 1;
    return FV_OK;
}

static fv_status setup_own(fvi_setup *node)
{
    const fv_batch_norm_options *options = node->options;
    const size_t size = fv_dtype_size(node->dtype), channels = (size_t)node->in[0].c;
    const size_t batch = (size_t)node->batch, groups = groups_of(options, batch);
    node->packed_bytes = 2 * channels * size;
    if (!node->backward)
        return FV_OK;
    /* No group has more than 2*ghost - 1 images, whatever the batch. */
    size_t most = options->ghost == 0 ? batch : 2 * (size_t)options->ghost - 1;
    most = most < batch ? most : batch;
    const fvi_norm_shape shape = shape_of(most, 1, node->in[0]);
    const size_t gates = is_gated(node->fused) ? groups * GATES * channels * size : 0;
    size_t sums = 0, factors = 0, saved = 0;
    if (!fvi_size_multiply(groups, FACTORS * channels * size, &factors) ||
        !fvi_size_multiply(groups * shape.chunks, FORWARD_SUMS * channels * size, &sums) ||
        !fvi_size_add(sums, factors, &node->scratch_bytes) ||
        !fvi_size_add(node->scratch_bytes, gates, &node->scratch_bytes) ||
        !fvi_size_add(factors, 2 * channels * sizeof(double), &saved))
        return fvi_fail(node->context, FV_ERR_SHAPE, "batch_norm '%s': batch %d of %dx%dx%d overflows", node->name,
                        node->batch, node->in[0].c, node->in[0].h, node->in[0].w);
    node->saved_bytes = saved;
    node->gathered_bytes = gathered_header(groups * shape.chunks) + node->scratch_bytes;
    if (is_gated(node->fused))
        node->backward_reads &= ~(uint32_t)FVI_READS_OUTPUT;
    return FV_OK;
}

static norm_pass make_pass(fvi_call *call, const fvi_view *out)
{
    const fv_batch_norm_options *options = call->options;
    const fvi_view *x = &call->x[0];
    const size_t images = (size_t)call->n, groups = call->training ? groups_of(options, images) : 1;
    norm_pass pass = {
        .call = call,
        .out = out,
        .shape = shape_of(images, groups, (fv_image_shape){ x->c, x->h, x->w }),
        .size = fv_dtype_size(call->dtype),
    };
    int32_t next = 0;
    const int32_t scale = options->no_scale ? -1 : next++, shift = options->no_shift ? -1 : next++;
    pass.scale = scale < 0 ? NULL : call->param[scale];
    pass.shift = shift < 0 ? NULL : call->param[shift];
    pass.mean = call->param[next];
    pass.variance = call->param[next + 1];
    pass.dscale = scale < 0 ? NULL : call->dparam[scale];
    pass.dshift = shift < 0 ? NULL : call->dparam[shift];
    pass.observed_mean = call->dparam[next];
    pass.observed_variance = call->dparam[next + 1];
    pass.factors = call->scratch;
    if (call->is_gathered)
        pass.factors = (char *)call->gathered + gathered_header(groups * pass.shape.chunks);
    pass.gates = is_gated(call->fused) ? pass.factors + groups * FACTORS * pass.shape.channels * pass.size : NULL;
    pass.sums =
        pass.factors + groups * (size_t)(FACTORS + (pass.gates != NULL ? GATES : 0)) * pass.shape.channels * pass.size;
    if (call->saved != NULL) {
        pass.saved.observed = call->saved;
        pass.saved.mean = pass.saved.observed + 2 * pass.shape.channels;
        pass.saved.rstd = (char *)pass.saved.mean + groups * 2 * pass.shape.channels * pass.size;
    }
    return pass;
}

/* A run of pixels: of one image row, or (vectors) of several images. */
typedef struct pixel_run {
    fvi_pixels pixels;
    int32_t image, row;
} pixel_run;

typedef void run_fn(const norm_pass *pass, const pixel_run *run, size_t group, char *sums);

static void each_run(const norm_pass *pass, size_t group, size_t first, size_t rows, char *sums, run_fn *work)
{
    const fvi_call *call = pass->call;
    const bool vectors = pass->shape.rows == 1 && pass->shape.columns == 1;
    const fvi_view *x = &call->x[0], *dy = &call->dy, *out = pass->out;
    for (size_t r = first; r < first + rows; r += vectors ? rows : 1) {
        const pixel_run run = {
            .pixels = { .count = vectors ? rows : pass->shape.columns,
                        .channels = pass->shape.channels,
                        .x = vectors ? x->image_stride : x->pixel_stride,
                        .y = vectors ? out->image_stride : out->pixel_stride,
                        .dy = vectors ? dy->image_stride : dy->pixel_stride },
            .image = (int32_t)(r / pass->shape.rows),
            .row = (int32_t)(r % pass->shape.rows),
        };
        work(pass, &run, group, sums);
    }
}

static void *row_at(const norm_pass *pass, const fvi_view *view, const pixel_run *run)
{
    return fvi_view_at(view, pass->call->dtype, run->image, run->row, 0);
}

static char *part(const norm_pass *pass, char *base, size_t index)
{
    return base + index * pass->shape.channels * pass->size;
}

/* Forward, training. sums of a chunk: shift, sum, squares. */
static void sum_run(const norm_pass *pass, const pixel_run *run, size_t group, char *sums)
{
    (void)group;
    pass->call->kernels->channel_sum(&run->pixels, row_at(pass, &pass->call->x[0], run), part(pass, sums, 1));
}

static void moments_run(const norm_pass *pass, const pixel_run *run, size_t group, char *sums)
{
    (void)group;
    pass->call->kernels->channel_moments(&run->pixels, row_at(pass, &pass->call->x[0], run), sums, part(pass, sums, 1),
                                         part(pass, sums, 2));
}

static void moments_chunk(void *argument, size_t index, int32_t worker)
{
    const norm_pass *pass = argument;
    const size_t group = index / pass->shape.chunks;
    size_t first = 0;
    const size_t rows = fvi_norm_chunk(&pass->shape, group, index % pass->shape.chunks, &first);
    char *sums = part(pass, pass->sums, FORWARD_SUMS * index);
    (void)worker;
    if (rows == 0)
        return;
    memset(sums, 0, FORWARD_SUMS * pass->shape.channels * pass->size);
    each_run(pass, group, first, rows, sums, sum_run);
    (pass->call->dtype == FV_F64 ? fvi_norm_center_f64 : fvi_norm_center_f32)(pass->shape.channels,
                                                                              rows * pass->shape.columns, sums);
    each_run(pass, group, first, rows, sums, moments_run);
}

static size_t last_channel(const norm_pass *pass, size_t first)
{
    return pass->shape.channels - first < CHANNELS_PER_TASK ? pass->shape.channels : first + CHANNELS_PER_TASK;
}

static void statistics_channels(void *argument, size_t index, int32_t worker)
{
    const norm_pass *pass = argument;
    const size_t first = index * CHANNELS_PER_TASK;
    fvi_norm_statistics_fn *statistics =
        pass->call->dtype == FV_F64 ? fvi_norm_statistics_f64 : fvi_norm_statistics_f32;
    (void)worker;
    statistics(&pass->shape, first, last_channel(pass, first), epsilon_of(pass->call->options), pass->sums, pass->scale,
               pass->shift, &pass->saved, pass->factors);
}

/* Sum and activation behind it. */
static void finish_run(const norm_pass *pass, const pixel_run *run)
{
    const fvi_call *call = pass->call;
    const fvi_fused *fused = call->fused;
    if (fused == NULL)
        return;
    const bool vectors = pass->shape.rows == 1 && pass->shape.columns == 1;
    const fvi_view *summand = fused->summand > 0 ? &call->x[fused->summand] : NULL;
    fvi_pixels pixels = run->pixels;
    if (summand != NULL)
        pixels.x = vectors ? summand->image_stride : summand->pixel_stride;
    call->kernels->channel_finish(&pixels, fused->activation, summand != NULL ? row_at(pass, summand, run) : NULL,
                                  row_at(pass, pass->out, run));
}

static void normalize_run(const norm_pass *pass, const pixel_run *run, size_t group, char *sums)
{
    (void)sums;
    pass->call->kernels->channel_normalize(&run->pixels, row_at(pass, &pass->call->x[0], run),
                                           part(pass, pass->saved.mean, 2 * group),
                                           part(pass, pass->factors, 2 * group), row_at(pass, pass->out, run));
    finish_run(pass, run);
}

static void scale_run(const norm_pass *pass, const pixel_run *run, size_t group, char *sums)
{
    (void)group, (void)sums;
    pass->call->kernels->channel_scale(&run->pixels, row_at(pass, &pass->call->x[0], run), pass->call->packed,
                                       row_at(pass, pass->out, run));
    finish_run(pass, run);
}

static void forward_chunk(void *argument, size_t index, int32_t worker)
{
    const norm_pass *pass = argument;
    const size_t group = index / pass->shape.chunks;
    size_t first = 0;
    const size_t rows = fvi_norm_chunk(&pass->shape, group, index % pass->shape.chunks, &first);
    (void)worker;
    each_run(pass, group, first, rows, NULL, pass->call->training ? normalize_run : scale_run);
}

/* Mixed precision: a chunk's rows are widened into the worker's copies, the pass computes on these, and what it wrote is
 * narrowed. The pass finds the rows in views of its own call. */
enum { STAGE_X = 1, STAGE_SUMMAND = 2, STAGE_Y = 4, STAGE_DY = 8, STAGE_DX = 16 };

typedef struct staged_pass {
    norm_pass *pass;
    fvi_task_fn *work;
    uint32_t reads, writes;
} staged_pass;

static void stage_chunk(void *argument, size_t index, int32_t worker)
{
    const staged_pass *staged = argument;
    const fvi_call *stored = staged->pass->call;
    const norm_prepared *prepared = stored->prepared;
    const fvi_bf16_kernels *kernels = fvi_bf16_kernels_for(fvi_context_isa(stored->context));
    const int32_t summand = stored->fused != NULL ? stored->fused->summand : 0;
    fvi_view x[2] = { stored->x[0], stored->x[summand] }, dx = stored->dx[0];
    fvi_call call = *stored;
    fvi_fused fused = stored->fused != NULL ? *stored->fused : (fvi_fused){ 0 };
    norm_pass pass = *staged->pass;
    fvi_view *const views[] = { &x[0], &x[1], &call.y, &call.dy, &dx };
    const fvi_view *const from[] = { &stored->x[0], &stored->x[summand], &stored->y, &stored->dy, &stored->dx[0] };
    fvi_stored_rows rows[5];
    float *copy = (float *)(void *)((char *)stored->scratch + prepared->copies) +
                  (size_t)worker * STAGED_VIEWS * prepared->elements;
    fused.summand = summand > 0;
    call.x = x;
    call.dx = &dx;
    call.fused = stored->fused != NULL ? &fused : NULL;
    pass.call = &call;
    pass.out = staged->pass->out == &stored->y ? &call.y : &dx;
    for (uint32_t i = 0; i < 5; i++) {
        if (((staged->reads | staged->writes) & 1u << i) == 0 || !from[i]->is_bf16)
            continue;
        rows[i] = (fvi_stored_rows){ .stored = from[i], .buffer = copy };
        rows[i].count =
            fvi_norm_chunk(&pass.shape, index / pass.shape.chunks, index % pass.shape.chunks, &rows[i].first);
        copy += prepared->elements;
        *views[i] = fvi_stored_rows_view(&rows[i]);
        if ((staged->reads & 1u << i) != 0)
            fvi_stored_rows_widen(&rows[i], kernels);
    }
    staged->work(&pass, index, worker);
    for (uint32_t i = 0; i < 5; i++)
        if ((staged->writes & 1u << i) != 0 && from[i]->is_bf16)
            fvi_stored_rows_narrow(&rows[i], kernels);
}

static void moments_chunk(void *argument, size_t index, int32_t worker);
static void forward_chunk(void *argument, size_t index, int32_t worker);
static void products_chunk(void *argument, size_t index, int32_t worker);

/* What a pass reads and writes. */
static staged_pass stage_pass(norm_pass *pass, fvi_task_fn *work)
{
    const fvi_fused *fused = pass->call->fused;
    const bool undoes = fused != NULL && fused->activation != NULL && pass->gates == NULL;
    const uint32_t summand = fused != NULL && fused->summand > 0 ? STAGE_SUMMAND : 0;
    staged_pass staged = { .pass = pass, .work = work, .reads = STAGE_X | STAGE_DY, .writes = STAGE_DX };
    if (work == moments_chunk)
        staged = (staged_pass){ pass, work, STAGE_X, 0 };
    else if (work == forward_chunk)
        staged = (staged_pass){ pass, work, STAGE_X | summand, STAGE_Y };
    else if (work == products_chunk)
        staged = (staged_pass){ pass, work, STAGE_X | STAGE_DY | (undoes ? STAGE_Y : 0), undoes ? STAGE_DY : 0 };
    return staged;
}

static void each_chunk(norm_pass *pass, fvi_task_fn *work)
{
    if (pass->call->prepared != NULL) {
        staged_pass staged = stage_pass(pass, work);
        fvi_parallel(pass->call->context, pass->shape.groups * pass->shape.chunks, stage_chunk, &staged);
        return;
    }
    fvi_parallel(pass->call->context, pass->shape.groups * pass->shape.chunks, work, pass);
}

static void each_channels(norm_pass *pass, fvi_task_fn *work)
{
    fvi_parallel(pass->call->context, (pass->shape.channels + CHANNELS_PER_TASK - 1) / CHANNELS_PER_TASK, work, pass);
}

static fv_status check_values(const norm_pass *pass)
{
    const fvi_call *call = pass->call;
    size_t fewest = SIZE_MAX;
    for (size_t g = 0; g < pass->shape.groups; g++)
        fewest = fvi_norm_pixels(&pass->shape, g) < fewest ? fvi_norm_pixels(&pass->shape, g) : fewest;
    if (fewest > 1)
        return FV_OK;
    return fvi_fail_in(
        call->message, FV_ERR_SHAPE,
        "batch_norm '%s': one value for each channel has no variance to train by (%d image%s of %dx%dx%d, "
        "%zu group%s); take larger batches, fewer blocks or larger ghost batches",
        call->name, call->n, call->n == 1 ? "" : "s", call->x[0].c, call->x[0].h, call->x[0].w, pass->shape.groups,
        pass->shape.groups == 1 ? "" : "s");
}

static fv_status forward(fvi_call *call)
{
    norm_pass pass = make_pass(call, &call->y);
    if (call->training) {
        FV_TRY(check_values(&pass));
        if (!call->is_gathered)
            each_chunk(&pass, moments_chunk);
        each_channels(&pass, statistics_channels);
    } else if (call->saved != NULL) { /* for a backward pass that leaves the statistics alone */
        (call->dtype == FV_F64 ? fvi_norm_running_f64 : fvi_norm_running_f32)(
            pass.shape.channels, epsilon_of(call->options), pass.mean, pass.variance, &pass.saved);
    }
    each_chunk(&pass, forward_chunk);
    call->is_gathered = false;
    return FV_OK;
}

static fv_status repeat(fvi_call *call)
{
    norm_pass pass = make_pass(call, &call->y);
    if (call->training)
        (call->dtype == FV_F64 ? fvi_norm_factors_f64 : fvi_norm_factors_f32)(&pass.shape, pass.scale, pass.shift,
                                                                              &pass.saved, pass.factors);
    each_chunk(&pass, forward_chunk);
    return FV_OK;
}

/* y = x * a[c] + b[c] by the running statistics. The parameters are in the order of infer(). */
static void affine(const void *given, fv_dtype dtype, size_t channels, void *const *param, void *ab)
{
    const fv_batch_norm_options *options = given;
    int32_t next = 0;
    const void *scale = options->no_scale ? NULL : param[next++], *shift = options->no_shift ? NULL : param[next++];
    (dtype == FV_F64 ? fvi_norm_fold_f64 : fvi_norm_fold_f32)(channels, epsilon_of(options), param[next],
                                                              param[next + 1], scale, shift, ab);
}

static void pack(const fvi_call *call)
{
    affine(call->options, call->dtype, (size_t)call->x[0].c, call->param, call->packed);
}

/* dy becomes the gradient of what the activation was given, in its own memory: a summand's gradient is that. */
static void undo_run(const norm_pass *pass, const pixel_run *run)
{
    const fvi_call *call = pass->call;
    if (call->fused == NULL || call->fused->activation == NULL)
        return;
    const bool vectors = pass->shape.rows == 1 && pass->shape.columns == 1;
    const ptrdiff_t y_stride = vectors ? call->y.image_stride : call->y.pixel_stride, dy_stride = run->pixels.dy;
    const ptrdiff_t channels = (ptrdiff_t)pass->shape.channels;
    const size_t joined = y_stride == channels && dy_stride == channels ? run->pixels.count : 1;
    const char *y = row_at(pass, &call->y, run);
    char *dy = row_at(pass, &call->dy, run);
    for (size_t i = 0; i < run->pixels.count; i += joined) {
        char *pixel = dy + (ptrdiff_t)(i * pass->size) * dy_stride;
        call->kernels->activation_backward(call->fused->activation, joined * pass->shape.channels,
                                           y + (ptrdiff_t)(i * pass->size) * y_stride, pixel, pixel);
    }
}

/* Backward. sums of a chunk: dy, dy * (x - mean). */
static void products_run(const norm_pass *pass, const pixel_run *run, size_t group, char *sums)
{
    const fvi_call *call = pass->call;
    if (pass->gates != NULL) {
        call->kernels->channel_gated_products(&run->pixels, call->fused->activation,
                                              part(pass, pass->gates, GATES * group), row_at(pass, &call->x[0], run),
                                              row_at(pass, &call->dy, run), part(pass, pass->saved.mean, 2 * group),
                                              sums, part(pass, sums, 1));
        return;
    }
    undo_run(pass, run);
    call->kernels->channel_products(&run->pixels, row_at(pass, &call->x[0], run), row_at(pass, &call->dy, run),
                                    part(pass, pass->saved.mean, 2 * group), sums, part(pass, sums, 1));
}

static void products_chunk(void *argument, size_t index, int32_t worker)
{
    const norm_pass *pass = argument;
    const size_t group = index / pass->shape.chunks;
    size_t first = 0;
    const size_t rows = fvi_norm_chunk(&pass->shape, group, index % pass->shape.chunks, &first);
    char *sums = part(pass, pass->sums, BACKWARD_SUMS * index);
    (void)worker;
    memset(sums, 0, BACKWARD_SUMS * pass->shape.channels * pass->size);
    each_run(pass, group, first, rows, sums, products_run);
}

static void gradient_channels(void *argument, size_t index, int32_t worker)
{
    const norm_pass *pass = argument;
    const size_t first = index * CHANNELS_PER_TASK;
    (void)worker;
    (pass->call->dtype == FV_F64 ? fvi_norm_backward_f64 : fvi_norm_backward_f32)(
        &pass->shape, first, last_channel(pass, first), !pass->call->training, pass->sums, pass->scale, &pass->saved,
        pass->factors, pass->dscale, pass->dshift);
}

/* dx += plus. */
static void add_run(const norm_pass *pass, const pixel_run *run)
{
    const fvi_view *plus = &pass->call->plus;
    if (plus->data == NULL)
        return;
    const bool vectors = pass->shape.rows == 1 && pass->shape.columns == 1;
    fvi_pixels pixels = run->pixels;
    pixels.x = vectors ? plus->image_stride : plus->pixel_stride;
    pass->call->kernels->channel_finish(&pixels, NULL, row_at(pass, plus, run), row_at(pass, pass->out, run));
}

static void backward_run(const norm_pass *pass, const pixel_run *run, size_t group, char *sums)
{
    const fvi_call *call = pass->call;
    (void)sums;
    if (pass->gates != NULL) {
        call->kernels->channel_gated_backward(&run->pixels, call->fused->activation,
                                              part(pass, pass->gates, GATES * group), row_at(pass, &call->x[0], run),
                                              row_at(pass, &call->dy, run), part(pass, pass->saved.mean, 2 * group),
                                              part(pass, pass->factors, FACTORS * group), row_at(pass, pass->out, run));
    } else {
        call->kernels->channel_normalize_backward(&run->pixels, row_at(pass, &call->x[0], run),
                                                  row_at(pass, &call->dy, run), part(pass, pass->saved.mean, 2 * group),
                                                  part(pass, pass->factors, FACTORS * group),
                                                  row_at(pass, pass->out, run));
    }
    add_run(pass, run);
}

static void backward_chunk(void *argument, size_t index, int32_t worker)
{
    const norm_pass *pass = argument;
    const size_t group = index / pass->shape.chunks;
    size_t first = 0;
    const size_t rows = fvi_norm_chunk(&pass->shape, group, index % pass->shape.chunks, &first);
    (void)worker;
    each_run(pass, group, first, rows, NULL, backward_run);
}

/* What the call observed, weighted by its share of the batch. */
static void write_observed(const norm_pass *pass)
{
    const size_t channels = pass->shape.channels;
    const double share = fvi_call_share(pass->call), *observed = pass->saved.observed;
    for (size_t c = 0; c < channels; c++) {
        const double mean = share * observed[c], variance = share * observed[channels + c];
        if (pass->call->dtype == FV_F64) {
            ((double *)pass->observed_mean)[c] = mean;
            ((double *)pass->observed_variance)[c] = variance;
        } else {
            ((float *)pass->observed_mean)[c] = (float)mean;
            ((float *)pass->observed_variance)[c] = (float)variance;
        }
    }
}

static void observe(const fvi_call *call)
{
    fvi_call copy = *call;
    const norm_pass pass = make_pass(&copy, &call->y);
    write_observed(&pass);
}

static fv_status backward(fvi_call *call)
{
    norm_pass pass = make_pass(call, &call->dx[0]);
    if (pass.gates != NULL)
        (call->dtype == FV_F64 ? fvi_norm_factors_f64 : fvi_norm_factors_f32)(&pass.shape, pass.scale, pass.shift,
                                                                              &pass.saved, pass.gates);
    each_chunk(&pass, products_chunk);
    each_channels(&pass, gradient_channels);
    write_observed(&pass);
    if (call->dx[0].data != NULL)
        each_chunk(&pass, backward_chunk);
    return FV_OK;
}

/* Counts what is written; whoever completes a chunk sums it up. */
static void wrote(void *argument, size_t first, size_t pixels, int32_t channels)
{
    gathering *g = argument;
    const fvi_norm_shape *shape = &g->pass.shape;
    while (pixels > 0) {
        size_t first_row = 0;
        const size_t index = fvi_norm_chunk_of(shape, first / shape->columns);
        const size_t rows = fvi_norm_chunk(shape, index / shape->chunks, index % shape->chunks, &first_row);
        const size_t left = (first_row + rows) * shape->columns - first, count = pixels < left ? pixels : left;
        const size_t values = count * (size_t)channels;
        if (atomic_fetch_add(&g->written[index], values) + values == rows * shape->columns * shape->channels)
            moments_chunk(&g->pass, index, 0);
        first += count;
        pixels -= count;
    }
}

static const fvi_watch *gather(fvi_call *call)
{
    call->is_gathered = call->gathered != NULL && call->training;
    if (!call->is_gathered)
        return NULL;
    gathering *g = call->gathered;
    g->pass = make_pass(call, &call->y);
    g->watch = (fvi_watch){ .wrote = wrote, .argument = g };
    g->written = (atomic_size_t *)(void *)((char *)call->gathered + fvi_round_up(sizeof *g, 64));
    for (size_t i = 0; i < g->pass.shape.groups * g->pass.shape.chunks; i++)
        atomic_init(&g->written[i], 0);
    return &g->watch;
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
    .fuses_training = FVI_FUSES_SUM | FVI_FUSES_ACTIVATION,
    .dx_over_dy = true,
    .whole_batch = true,
    .adds_dx = true,
    .affine = affine,
    .backward_reads = FVI_READS_INPUT | FVI_READS_SAVED,
    .infer = infer,
    .setup = setup,
    .least_images = least_images,
    .pack = pack,
    .forward = forward,
    .backward = backward,
    .repeat = repeat,
    .gather = gather,
    .observe = observe,
};
