/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_winograd.c - 3x3 and 5x5 convolutions of stride 1 by minimal filtering, F(4x4, 3x3) and F(4x4, 5x5), forward and
 * backward by data. A tile of 4x4 outputs costs 36 multiplications a channel instead of 144, or 64 instead of 400; the transforms
 * around them are in winograd.h, the multiplications are 36 or 64 products of matrices (tiles x channels x outputs) on the
 * batch-reduce GEMM. Two ways through memory:
 *   fused    a task takes a block of tiles whose transformed windows fit an L2, and for each block of outputs multiplies all
 *            components and transforms the products back: for few channels
 *   staged   all tiles of a chunk are transformed, then multiplied component by component, then transformed back, so that
 *            the weights are read once a chunk: for many channels or few tiles
 * Backward by data is the forward pass from dy to dx with the kernel turned, its channels exchanged and padding taps - 1 - pad.
 * Every value is one chain of operations that depends on its tile alone, so neither way nor cut shows in the bits.
 * Less exact than direct convolution: bound and test in docs/numerics.md#winograd.
 */
#include "kernel/winograd/conv2d_winograd.h"

#define FUSED_FLOATS (88 * 1024)        /* of a block's transformed values: most of an L2 */
#define STAGED_FLOATS (4 * 1024 * 1024) /* of a chunk's: part of an L3 */
#define FUSED_CHANNELS_MAX 192          /* more channels: staged */
#define FUSED_WEIGHTS                                                                                                  \
    (48 * 1024)       /* floats, transformed: as few are read by every thread, however few tiles there are */
#define STAGE_TILES 8 /* of a task that transforms */
#define TASKS_A_THREAD 4

static int32_t smaller(int64_t a, int64_t b)
{
    return (int32_t)(a < b ? a : b);
}

/* The form for kernels of taps x taps, or NULL. */
static const fvi_winograd_form *form_for(const fvi_winograd *kernel, int32_t taps)
{
    for (int i = 0; i < FVI_WINOGRAD_FORMS; i++)
        if (kernel->form[i].taps == taps)
            return &kernel->form[i];
    return NULL;
}

fvi_winograd_map fvi_winograd_map_of(const fvi_conv2d_plan *plan, fvi_pass pass, int32_t n)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    const int32_t channels = shape->c / shape->groups, filters = shape->k / shape->groups;
    const bool turned = pass == FVI_BACKWARD_DATA;
    const fvi_winograd *kernel = plan->pass[pass].kernel;
    const int32_t last_tap = shape->r - 1;
    fvi_winograd_map map = { .gemm = kernel->gemm,
                             .form = form_for(kernel, shape->r),
                             .in_h = turned ? shape->oh : shape->h,
                             .in_w = turned ? shape->ow : shape->w,
                             .out_h = turned ? shape->h : shape->oh,
                             .out_w = turned ? shape->w : shape->ow,
                             .top = turned ? last_tap - shape->pad[0] : shape->pad[0],
                             .left = turned ? last_tap - shape->pad[1] : shape->pad[1],
                             .groups = shape->groups,
                             .reduced = turned ? filters : channels,
                             .outputs = turned ? channels : filters };
    map.tile_rows = fvi_conv2d_ceil(map.out_h, map.form->out);
    map.tile_columns = fvi_conv2d_ceil(map.out_w, map.form->out);
    map.tiles = (int64_t)n * map.tile_rows * map.tile_columns;
    return map;
}

/* [begin, end) of a window that starts at `first` and lies in [0, size). */
static void clip(int64_t first, int32_t size, int32_t window, int32_t *begin, int32_t *end)
{
    const int64_t from = first < 0 ? -first : 0, to = size - first;
    *begin = smaller(from, window);
    *end = to < *begin ? *begin : smaller(to, window);
}

void fvi_winograd_input_tiles(const fvi_winograd_map *map, int32_t channel, int32_t channels, int64_t first,
                              int32_t count, float *to, ptrdiff_t component)
{
    const int32_t padded = fvi_winograd_padded(map, channels), out = map->form->out, window = map->form->window;
    fvi_winograd_input input = { .row = map->in->row_stride,
                                 .pixel = map->in->pixel_stride,
                                 .channels = channels,
                                 .to = to,
                                 .component = component };
    fvi_winograd_place place = fvi_winograd_place_of(map, first);
    for (int32_t i = 0; i < count; i++, fvi_winograd_advance(map, &place)) {
        const int64_t row = (int64_t)place.row * out - map->top, column = (int64_t)place.column * out - map->left;
        clip(row, map->in_h, window, &input.row_begin, &input.row_end);
        clip(column, map->in_w, window, &input.column_begin, &input.column_end);
        input.x = (const float *)map->in->data + place.n * map->in->image_stride + row * input.row +
                  column * input.pixel + channel;
        map->form->input(&input);
        input.to += padded;
    }
}

typedef struct gather_call {
    fvi_winograd_map map;
    const float *packed, *bias;
    const fvi_conv2d_epilogue *epilogue; /* or NULL */
    int32_t block;                       /* fused: tiles of a task */
    int32_t chunk;                       /* staged: most tiles of a chunk */
    int32_t parts;                       /* staged: of the blocks of outputs, for one component */
    int32_t stage_tiles;                 /* staged: of a task that transforms */
    size_t packed_group;
    float *scratch;
    size_t worker_floats;
    /* staged, the chunk in work */
    int32_t group, count;
    int64_t first;
} gather_call;

/* Transforms the products of `count` tiles of one row of tiles, which begin at `row` and `column` of image n, back. */
static void output_row(const gather_call *call, fvi_winograd_output *output, int32_t n, int32_t row, int32_t column,
                       int32_t channel, int32_t count, int32_t tile_stride)
{
    const fvi_winograd_map *map = &call->map;
    const fvi_view *out = map->out;
    const int32_t end = smaller((int64_t)column + (int64_t)count * map->form->out, map->out_w);
    output->rows = smaller(map->out_h - row, map->form->out);
    for (int32_t at = column; at < end; at += map->form->out) {
        output->columns = smaller(end - at, map->form->out);
        output->y =
            (float *)out->data + n * out->image_stride + row * out->row_stride + at * out->pixel_stride + channel;
        map->form->output(output);
        output->from += tile_stride;
    }
    for (int32_t i = row; call->epilogue != NULL && i < row + output->rows; i++)
        fvi_conv2d_finish(call->epilogue, out,
                          ((size_t)n * (size_t)out->h + (size_t)i) * (size_t)out->w + (size_t)column,
                          (size_t)(end - column), channel, output->count);
}

/* Transforms the products of `count` tiles for outputs [first_output, first_output + outputs) of a group back. Component
 * e, tile t, output k at from[e*component + t*tile_stride + k]. */
static void output_tiles(const gather_call *call, int32_t group, int64_t first, int32_t count, int32_t first_output,
                         int32_t outputs, const float *from, ptrdiff_t component, int32_t tile_stride)
{
    const fvi_winograd_map *map = &call->map;
    const int32_t channel = group * map->outputs + first_output;
    fvi_winograd_output output = { .from = from,
                                   .component = component,
                                   .bias = call->bias != NULL ? call->bias + channel : NULL,
                                   .row = map->out->row_stride,
                                   .pixel = map->out->pixel_stride,
                                   .count = outputs };
    int32_t in_row = 0;
    for (int64_t tile = first; tile < first + count; tile += in_row) {
        const fvi_winograd_place place = fvi_winograd_place_of(map, tile);
        in_row = smaller(first + count - tile, map->tile_columns - place.column);
        output_row(call, &output, place.n, place.row * map->form->out, place.column * map->form->out, channel, in_row,
                   tile_stride);
    }
}

static const float zeros[FVI_BRGEMM_MAX_WIDTH] __attribute__((aligned(64)));

/* y[t][j] = sum over c of v[t][c] * u[c][j] for `count` tiles: tiles of registers of nearly equal size. */
static void multiply(const fvi_winograd_map *map, int32_t vectors, int32_t count, const float *v, const float *u,
                     float *y, int32_t y_stride)
{
    const fvi_brgemm *gemm = map->gemm;
    fvi_brgemm_forward call = { .x = v,
                                .w = u,
                                .init = zeros,
                                .y = y,
                                .x_point = fvi_winograd_padded(map, map->reduced),
                                .y_point = y_stride,
                                .rows = 1,
                                .segments = 1,
                                .run = map->reduced,
                                .last = gemm->lanes };
    const int32_t tiles = fvi_conv2d_ceil(count, gemm->points[vectors - 1]);
    const int32_t points = count / tiles, larger = count % tiles;
    if (larger > 0) {
        call.tiles = larger;
        gemm->forward[vectors - 1][points](&call);
        call.x += (ptrdiff_t)larger * (points + 1) * call.x_point;
        call.y += (ptrdiff_t)larger * (points + 1) * call.y_point;
    }
    call.tiles = tiles - larger;
    gemm->forward[vectors - 1][points - 1](&call);
}

/* Transformed weights of component e for block `index` of the outputs. */
static const float *packed_component(const gather_call *call, int32_t group, int32_t index, int32_t width, int e)
{
    return call->packed + (size_t)group * call->packed_group + fvi_winograd_packed_before(&call->map, index) +
           e * fvi_winograd_packed_component(&call->map, width);
}

/* Task index: block of tiles, then group. */
static void fused_task(void *argument, size_t index, int32_t worker)
{
    const gather_call *call = argument;
    const fvi_winograd_map *map = &call->map;
    const int32_t group = (int32_t)(index % (size_t)map->groups);
    const int64_t first = (int64_t)(index / (size_t)map->groups) * call->block;
    const int32_t count = smaller(map->tiles - first, call->block);
    const ptrdiff_t in_component =
        fvi_winograd_component((int64_t)call->block * fvi_winograd_padded(map, map->reduced));
    const int32_t width = FVI_BRGEMM_MAX_VECTORS * map->gemm->lanes;
    const ptrdiff_t out_component = fvi_winograd_component((int64_t)call->block * width);
    float *in = call->scratch + (size_t)worker * call->worker_floats, *out = in + map->form->parts * in_component;
    fvi_winograd_input_tiles(map, group * map->reduced, map->reduced, first, count, in, in_component);
    const int32_t blocks = fvi_conv2d_block_count(map->gemm, map->outputs);
    for (int32_t i = 0; i < blocks; i++) {
        const fvi_conv2d_block block = fvi_conv2d_block_at(map->gemm, map->outputs, i);
        for (int32_t e = 0; e < map->form->parts; e++)
            multiply(map, block.vectors, count, in + e * in_component, packed_component(call, group, i, block.width, e),
                     out + e * out_component, block.width);
        output_tiles(call, group, first, count, block.first, block.count, out, out_component, block.width);
    }
}

/* The stages of a chunk. Transformed windows lie before the products. */
static ptrdiff_t in_component_of(const gather_call *call)
{
    return fvi_winograd_component((int64_t)call->chunk * fvi_winograd_padded(&call->map, call->map.reduced));
}

static ptrdiff_t out_component_of(const gather_call *call)
{
    return fvi_winograd_component((int64_t)call->chunk * fvi_winograd_padded(&call->map, call->map.outputs));
}

static void input_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const gather_call *call = argument;
    const int32_t from = (int32_t)index * call->stage_tiles;
    const fvi_winograd_map *map = &call->map;
    fvi_winograd_input_tiles(map, call->group * map->reduced, map->reduced, call->first + from,
                             smaller(call->count - from, call->stage_tiles),
                             call->scratch + (ptrdiff_t)from * fvi_winograd_padded(map, map->reduced),
                             in_component_of(call));
}

/* Task index: component, then part of the outputs. */
static void multiply_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const gather_call *call = argument;
    const fvi_winograd_map *map = &call->map;
    const int32_t e = (int32_t)(index / (size_t)call->parts), part = (int32_t)(index % (size_t)call->parts);
    const float *in = call->scratch + e * in_component_of(call);
    float *out = call->scratch + map->form->parts * in_component_of(call) + e * out_component_of(call);
    const int32_t blocks = fvi_conv2d_block_count(map->gemm, map->outputs);
    const int32_t end = (int32_t)((int64_t)blocks * (part + 1) / call->parts);
    for (int32_t i = (int32_t)((int64_t)blocks * part / call->parts); i < end; i++) {
        const fvi_conv2d_block block = fvi_conv2d_block_at(map->gemm, map->outputs, i);
        multiply(map, block.vectors, call->count, in, packed_component(call, call->group, i, block.width, e),
                 out + block.first, fvi_winograd_padded(map, map->outputs));
    }
}

static void output_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const gather_call *call = argument;
    const fvi_winograd_map *map = &call->map;
    const int32_t from = (int32_t)index * call->stage_tiles, padded = fvi_winograd_padded(map, map->outputs);
    const float *products = call->scratch + map->form->parts * in_component_of(call) + (ptrdiff_t)from * padded;
    output_tiles(call, call->group, call->first + from, smaller(call->count - from, call->stage_tiles), 0, map->outputs,
                 products, out_component_of(call), padded);
}

static void run_staged(gather_call *call, fv_context *context)
{
    for (call->group = 0; call->group < call->map.groups; call->group++) {
        for (call->first = 0; call->first < call->map.tiles; call->first += call->count) {
            call->count = smaller(call->map.tiles - call->first, call->chunk);
            const size_t blocks = (size_t)fvi_conv2d_ceil(call->count, call->stage_tiles);
            fvi_parallel(context, blocks, input_task, call);
            fvi_parallel(context, (size_t)call->map.form->parts * (size_t)call->parts, multiply_task, call);
            fvi_parallel(context, blocks, output_task, call);
        }
    }
}

/* Tiles of a task of the fused way, at most: as many as fit, in whole register tiles, at least two of those. */
static int32_t fused_most(const fvi_winograd_map *map)
{
    const fvi_brgemm *gemm = map->gemm;
    const int32_t padded = fvi_winograd_padded(map, map->reduced), points = gemm->points[FVI_BRGEMM_MAX_VECTORS - 1];
    const int32_t fit = FUSED_FLOATS / (map->form->parts * (padded + FVI_BRGEMM_MAX_VECTORS * gemm->lanes));
    return fit < 2 * points ? 2 * points : fit / points * points;
}

/* Weights are few: however few tiles there are, one job without waits between the stages is fastest. */
static bool always_fused(const fvi_winograd_map *map)
{
    return map->groups > 1 || (int64_t)map->form->parts * map->reduced * map->outputs <= FUSED_WEIGHTS;
}

/* Few tiles: one task a thread. */
static int32_t fused_block(const fvi_winograd_map *map, int32_t threads)
{
    return smaller((map->tiles + threads - 1) / threads, fused_most(map));
}

/* Whether these tiles go the fused way. It never shows in the bits, so images and threads may decide. */
static bool is_fused(const fvi_winograd_map *map, int32_t threads)
{
    return always_fused(map) ||
           (map->reduced <= FUSED_CHANNELS_MAX && map->tiles >= (int64_t)fused_most(map) * threads * TASKS_A_THREAD);
}

/* Tiles of a chunk of the staged way when there are `tiles`: chunks of nearly equal size. Never falls as tiles grow from
 * one chunk, and never exceeds staged_most(). */
static int32_t staged_most(const fvi_winograd_map *map)
{
    const int32_t floats = fvi_winograd_padded(map, map->reduced) + fvi_winograd_padded(map, map->outputs);
    const int32_t most = STAGED_FLOATS / (map->form->parts * floats);
    const int32_t points = map->gemm->points[FVI_BRGEMM_MAX_VECTORS - 1];
    return most < 2 * points ? 2 * points : most;
}

static gather_call cut(const fvi_winograd_map *map, int32_t threads)
{
    const fvi_brgemm *gemm = map->gemm;
    gather_call call = { .map = *map };
    call.packed_group = fvi_winograd_packed_before(map, fvi_conv2d_block_count(gemm, map->outputs));
    if (is_fused(map, threads)) {
        const int32_t width = FVI_BRGEMM_MAX_VECTORS * gemm->lanes;
        call.block = fused_block(map, threads);
        call.worker_floats =
            (size_t)map->form->parts *
            (size_t)(fvi_winograd_component((int64_t)call.block * fvi_winograd_padded(map, map->reduced)) +
                     fvi_winograd_component((int64_t)call.block * width));
        return call;
    }
    const int64_t chunks = (map->tiles + staged_most(map) - 1) / staged_most(map);
    call.chunk = (int32_t)((map->tiles + chunks - 1) / chunks);
    call.stage_tiles = call.chunk < 4 * STAGE_TILES * threads ? 1 : STAGE_TILES;
    const int32_t blocks = fvi_conv2d_block_count(gemm, map->outputs);
    call.parts = smaller(blocks, fvi_conv2d_ceil(TASKS_A_THREAD * threads, map->form->parts));
    return call;
}

/* The most scratch that a call of 1 to n images needs. */
static size_t scratch_floats(const fvi_winograd_map *map, int32_t threads)
{
    const gather_call whole = cut(map, threads);
    const size_t fused = whole.block > 0 ? (size_t)threads * whole.worker_floats : 0;
    gather_call staged = { .map = *map, .chunk = smaller(map->tiles, staged_most(map)) };
    if (always_fused(map))
        return fused;
    /* Fewer images may go the staged way, with fewer tiles than the fused way asks for. */
    if (whole.block > 0)
        staged.chunk = smaller(staged.chunk, (int64_t)whole.block * threads * TASKS_A_THREAD);
    const size_t stages = (size_t)map->form->parts * (size_t)(in_component_of(&staged) + out_component_of(&staged));
    return fused > stages ? fused : stages;
}

static void run(gather_call *call, fv_context *context)
{
    if (call->chunk > 0) {
        run_staged(call, context);
        return;
    }
    const size_t blocks = (size_t)((call->map.tiles + call->block - 1) / call->block);
    fvi_parallel(context, blocks * (size_t)call->map.groups, fused_task, call);
}

void fvi_conv2d_winograd_forward(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,
                                 const void *packed, const void *bias, const fvi_conv2d_epilogue *epilogue,
                                 const fvi_view *y, void *scratch)
{
    fvi_winograd_map map = fvi_winograd_map_of(plan, FVI_FORWARD, x->n);
    map.in = x;
    map.out = y;
    gather_call call = cut(&map, plan->threads);
    call.packed = packed;
    call.bias = bias;
    call.epilogue = epilogue;
    call.scratch = scratch;
    run(&call, context);
}

void fvi_conv2d_winograd_backward_data(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy,
                                       const void *packed, const fvi_conv2d_epilogue *epilogue, const fvi_view *dx,
                                       void *scratch)
{
    fvi_winograd_map map = fvi_winograd_map_of(plan, FVI_BACKWARD_DATA, dy->n);
    map.in = dy;
    map.out = dx;
    gather_call call = cut(&map, plan->threads);
    call.packed = packed;
    call.epilogue = epilogue;
    call.scratch = scratch;
    run(&call, context);
}

/* Estimates in cycles of a core that starts two FMAs in each, for one tile: what decides between this and direct convolution.
 * Constants measured on Zen 3 (docs/performance.md#winograd). Every pass has the same three products of sizes. */
#define TRANSFORM_CYCLES 300.0 /* a vector of channels of 36 components, in or out, with the memory it goes through */
#define TRANSFORM_CYCLES_WEIGHTS 370.0 /* likewise: all of them go through an L3 */
#define WINOGRAD_SHARE 0.85            /* of the peak, in the products */
#define DIRECT_SHARE 0.88
#define LARGE_WEIGHTS (4 * 1024 * 1024) /* floats: transformed, more than stays in a cache beside a network's others */
#define FLOATS_A_CYCLE 0.75             /* of those, from memory, for one of two cores */
#define MARGIN 1.15 /* this must be estimated that much faster: it is less exact and takes more memory */

/* images: of a call, or 0 for so many that reading the weights does not count. */
static bool pays(const fvi_winograd_map *map, fvi_pass pass, int32_t images)
{
    const fvi_winograd_form *form = map->form;
    const int32_t lanes = map->gemm->lanes;
    const double in = fvi_conv2d_ceil(map->reduced, lanes), out = fvi_conv2d_ceil(map->outputs, lanes);
    const double products = (double)map->reduced * out / 2.0, taps = (double)form->taps * form->taps;
    const double tiles = (double)map->tile_rows * map->tile_columns;
    const double transform = pass == FVI_BACKWARD_WEIGHTS ? TRANSFORM_CYCLES_WEIGHTS : TRANSFORM_CYCLES;
    const double weights = (double)map->reduced * map->outputs;
    const bool reads = images > 0 && form->parts * weights > LARGE_WEIGHTS;
    const double reading = reads ? weights / (FLOATS_A_CYCLE * tiles * images) : 0.0;
    const double winograd =
        form->parts * (products / WINOGRAD_SHARE + reading) + transform * form->parts / 36.0 * (in + out);
    const double direct = taps * (map->out_h * (double)map->out_w / tiles * products / DIRECT_SHARE + reading);
    return MARGIN * winograd < direct;
}

/* Refusals depend on the shape of an image, and on whether a plan is for one image: the algorithm shows in the bits. With one
 * image each weight is read for a few products, and 36 of them stand for 9. */
static const char *refuse(const fvi_conv2d_plan *plan, fvi_pass pass)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    if (shape->r != shape->s || form_for(plan->pass[pass].kernel, shape->r) == NULL)
        return "the kernel is neither 3x3 nor 5x5";
    if (shape->stride[0] != 1 || shape->stride[1] != 1)
        return "a stride above 1";
    if (shape->dilation[0] != 1 || shape->dilation[1] != 1)
        return "a dilation above 1";
    const fvi_winograd_map map = fvi_winograd_map_of(plan, pass, 1);
    if (!plan->asked_for && (shape->oh * shape->ow == 1 || shape->h * shape->w == 1))
        return "one pixel in or out: direct multiplies by each weight once";
    const int32_t images = pass == FVI_FORWARD && shape->n == 1 ? 1 : 0;
    return plan->asked_for || pays(&map, pass, images)
               ? NULL
               : "too few channels or pixels: direct is estimated to be as fast";
}

const char *fvi_conv2d_winograd_accept(fvi_conv2d_plan *plan, fvi_pass pass)
{
    const char *reason = refuse(plan, pass);
    if (reason != NULL)
        return reason;
    if (pass == FVI_BACKWARD_WEIGHTS)
        return fvi_conv2d_winograd_accept_weights(plan);
    const fvi_winograd_map map = fvi_winograd_map_of(plan, pass, plan->shape.n);
    const gather_call call = cut(&map, plan->threads);
    plan->pass[pass].packed_bytes = (size_t)map.groups * call.packed_group * sizeof(float);
    plan->pass[pass].scratch_bytes = scratch_floats(&map, plan->threads) * sizeof(float);
    return NULL;
}
