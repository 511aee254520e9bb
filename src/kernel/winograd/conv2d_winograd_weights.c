/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_winograd_weights.c - backward by weights of a convolution of stride 1 by minimal filtering:
 * dw = G^T [ sum over tiles of (A dY A^T) * (B^T x B) ] G, the sums being a product of matrices (channels x tiles x outputs) for
 * each component, on the outer form of the batch-reduce GEMM. Two ways through memory:
 *   held     few tiles: all windows of x and tiles of dy are transformed, then a task takes a block of channels and one of
 *            outputs, keeps the sums of all components in an L2 and transforms them back
 *   swept    tiles go chunk by chunk through two stages, transforming and adding each component's products to accumulators
 *            in memory, which are transformed back at the end
 * Each accumulator is one chain of FMAs over all tiles in order, whoever computes it and whichever way: the same bits for any
 * number of threads. The sum of dy for the bias gradient goes along as one more component.
 */
#include <string.h>

#include "kernel/winograd/conv2d_winograd.h"

#define CHANNEL_BLOCK 48   /* channels of x that lie together: eight register tiles of AVX2, three cache lines */
#define BAND_TILES_MAX 168 /* summed over in one call: with CHANNEL_BLOCK channels they about fit an L1 */
#define CHUNK_TILES_MIN 112
#define STAGED_FLOATS                                                                                                  \
    (768 * 1024)      /* of a chunk's transformed values: a small part of an L3, of which others use the rest */
#define STAGE_TILES 8 /* of a task that transforms */
#define HELD_FLOATS (5 * 1024 * 1024) /* of all tiles' transformed values, which many tasks read: part of an L3 */
#define HELD_SUMS (256 * 1024)        /* fewer accumulators stay in a cache anyway */
#define TASKS_A_THREAD 4

typedef struct weights_call {
    fvi_winograd_map map; /* of forward: x is its in */
    const fvi_view *dy;
    float *dw, *db;
    int32_t chunk;       /* most tiles of a chunk */
    int32_t parts;       /* swept: of the blocks of outputs, for one component */
    int32_t stage_tiles; /* of a task that transforms */
    bool held;
    ptrdiff_t x_component, dy_component;
    float *x, *d, *acc; /* scratch */
    /* the chunk in work */
    int32_t group, count;
    int64_t first;
} weights_call;

static int32_t smaller(int64_t a, int64_t b)
{
    return (int32_t)(a < b ? a : b);
}

/* The most tiles that are held; 0: this shape is always swept. */
static int32_t held_most(const fvi_winograd_map *map)
{
    const int64_t channels = fvi_winograd_padded(map, map->reduced), filters = fvi_winograd_padded(map, map->outputs);
    if (map->form->parts * channels * filters < HELD_SUMS)
        return 0;
    return (int32_t)(HELD_FLOATS / (map->form->parts * (channels + filters)));
}

static weights_call weights_cut(const fvi_winograd_map *map, int32_t threads)
{
    const fvi_brgemm *gemm = map->gemm;
    weights_call call = { .map = *map, .held = map->tiles <= held_most(map) };
    const int32_t channels = fvi_winograd_padded(map, map->reduced), filters = fvi_winograd_padded(map, map->outputs);
    const int64_t fit = STAGED_FLOATS / (map->form->parts * ((int64_t)channels + filters));
    call.chunk = (int32_t)map->tiles;
    if (!call.held)
        call.chunk = smaller(map->tiles, fit < CHUNK_TILES_MIN ? CHUNK_TILES_MIN : fit);
    call.stage_tiles = call.chunk < 4 * STAGE_TILES * threads ? 1 : STAGE_TILES;
    call.parts = smaller(fvi_conv2d_block_count(gemm, map->outputs),
                         fvi_conv2d_ceil(TASKS_A_THREAD * threads, map->form->parts));
    call.x_component = fvi_winograd_component((int64_t)call.chunk * channels);
    call.dy_component = fvi_winograd_component((int64_t)call.chunk * filters);
    return call;
}

/* Accumulators of a task of the held way: a block of channels and one of outputs. */
static ptrdiff_t held_component(const fvi_winograd_map *map)
{
    return fvi_winograd_component((int64_t)CHANNEL_BLOCK * FVI_BRGEMM_MAX_VECTORS * map->gemm->lanes);
}

static size_t held_floats(const fvi_winograd_map *map)
{
    return (size_t)held_component(map) * (size_t)map->form->parts + FVI_BRGEMM_MAX_WIDTH;
}

static size_t scratch_floats(const weights_call *call, int32_t threads)
{
    const fvi_winograd_map *map = &call->map;
    const size_t parts = (size_t)map->form->parts;
    const size_t sums = call->held
                            ? (size_t)threads * held_floats(map)
                            : (parts * (size_t)map->reduced + 1) * fvi_conv2d_packed_width(map->gemm, map->outputs);
    return parts * (size_t)call->x_component + (parts + 1) * (size_t)call->dy_component + sums;
}

/* Accumulators of a block of outputs: [component][channel][lane], then a row of lanes for db. */
static float *block_accumulators(const weights_call *call, fvi_conv2d_block block)
{
    return call->acc + ((size_t)call->map.form->parts * (size_t)call->map.reduced + 1) * (size_t)block.first;
}

const char *fvi_conv2d_winograd_accept_weights(fvi_conv2d_plan *plan)
{
    fvi_winograd_map map = fvi_winograd_map_of(plan, FVI_BACKWARD_WEIGHTS, plan->shape.n);
    weights_call call = weights_cut(&map, plan->threads);
    size_t floats = scratch_floats(&call, plan->threads);
    if (!call.held && held_most(&map) > 0) { /* fewer images may be */
        map.tiles = held_most(&map);
        call = weights_cut(&map, plan->threads);
        const size_t held = scratch_floats(&call, plan->threads);
        floats = held > floats ? held : floats;
    }
    plan->pass[FVI_BACKWARD_WEIGHTS].scratch_bytes = floats * sizeof(float);
    return NULL;
}

/* Windows of x: component, block of channels, tile, channel. Tile `at` of the chunk on. */
static void transform_x(const weights_call *call, int32_t at, int32_t count)
{
    const fvi_winograd_map *map = &call->map;
    for (int32_t c = 0; c < map->reduced; c += CHANNEL_BLOCK) {
        const int32_t channels = smaller(map->reduced - c, CHANNEL_BLOCK);
        const int32_t padded = fvi_winograd_padded(map, channels);
        fvi_winograd_input_tiles(map, call->group * map->reduced + c, channels, call->first + at, count,
                                 call->x + (ptrdiff_t)call->chunk * c + (ptrdiff_t)at * padded, call->x_component);
    }
}

/* Tiles of dy: component, block of outputs, tile, lane. */
static void transform_dy(const weights_call *call, int32_t at, int32_t count)
{
    const fvi_winograd_map *map = &call->map;
    const fvi_view *dy = call->dy;
    const int32_t blocks = fvi_conv2d_block_count(map->gemm, map->outputs);
    fvi_winograd_gradient gradient = { .row = dy->row_stride,
                                       .pixel = dy->pixel_stride,
                                       .component = call->dy_component };
    fvi_winograd_place place = fvi_winograd_place_of(map, call->first + at);
    for (int32_t t = at; t < at + count; t++, fvi_winograd_advance(map, &place)) {
        const int32_t row = place.row * map->form->out, column = place.column * map->form->out;
        gradient.rows = smaller(map->out_h - row, map->form->out);
        gradient.columns = smaller(map->out_w - column, map->form->out);
        const float *pixel = fvi_conv2d_pixel(dy, place.n, row, column) + (ptrdiff_t)call->group * map->outputs;
        for (int32_t i = 0; i < blocks; i++) {
            const fvi_conv2d_block block = fvi_conv2d_block_at(map->gemm, map->outputs, i);
            gradient.dy = pixel + block.first;
            gradient.count = block.count;
            gradient.to = call->d + (ptrdiff_t)call->chunk * block.first + (ptrdiff_t)t * block.width;
            map->form->gradient(&gradient);
        }
    }
}

static void transform_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const weights_call *call = argument;
    const int32_t at = (int32_t)index * call->stage_tiles, count = smaller(call->count - at, call->stage_tiles);
    transform_x(call, at, count);
    transform_dy(call, at, count);
}

/* acc += products of `count` consecutive floats of x with a block of d: register tiles of nearly equal size. */
static void run_points(const fvi_brgemm *gemm, fvi_brgemm_outer *outer, int32_t vectors, int32_t count)
{
    const int32_t tiles = fvi_conv2d_ceil(count, gemm->points[vectors - 1]);
    const int32_t points = count / tiles, larger = count % tiles;
    if (larger > 0) {
        outer->tiles = larger;
        gemm->outer[vectors - 1][points](outer);
        outer->x += (ptrdiff_t)larger * (points + 1);
        outer->acc += (ptrdiff_t)larger * (points + 1) * vectors * gemm->lanes;
        outer->fetch[0].at += (ptrdiff_t)larger * outer->fetch[0].items * outer->fetch[0].step;
    }
    outer->tiles = tiles - larger;
    gemm->outer[vectors - 1][points - 1](outer);
}

/* acc += a band's products for component e of the channels from c on, at most CHANNEL_BLOCK, with a block of outputs. What
 * comes `next` floats behind in x is fetched meanwhile. */
static void multiply_block(const weights_call *call, int32_t e, int32_t c, fvi_conv2d_block block, int32_t band,
                           int32_t count, ptrdiff_t next, float *acc)
{
    const int32_t channels = smaller(call->map.reduced - c, CHANNEL_BLOCK);
    const int32_t padded = fvi_winograd_padded(&call->map, channels);
    fvi_brgemm_outer outer = { .x_pixel = padded, .rows = 1, .pixels = count, .acc = acc };
    outer.x = call->x + e * call->x_component + (ptrdiff_t)call->chunk * c + (ptrdiff_t)band * padded;
    outer.d = call->d + e * call->dy_component + (ptrdiff_t)call->chunk * block.first + (ptrdiff_t)band * block.width;
    if (next > 0) {
        const int32_t tiles = fvi_conv2d_ceil(channels, call->map.gemm->points[block.vectors - 1]);
        outer.fetch[0] = (fvi_brgemm_fetch){
            .at = outer.x + next, .step = 16, .lines = 1, .items = fvi_conv2d_ceil(count * padded, 16 * tiles)
        };
    }
    run_points(call->map.gemm, &outer, block.vectors, channels);
}

/* Adds a band's products for component e to the accumulators of outputs' blocks [begin, end). */
static void multiply_band(const weights_call *call, int32_t e, int32_t begin, int32_t end, int32_t band, int32_t count)
{
    const fvi_winograd_map *map = &call->map;
    for (int32_t c = 0; c < map->reduced; c += CHANNEL_BLOCK) {
        for (int32_t i = begin; i < end; i++) {
            const fvi_conv2d_block block = fvi_conv2d_block_at(map->gemm, map->outputs, i);
            multiply_block(call, e, c, block, band, count, 0,
                           block_accumulators(call, block) + ((ptrdiff_t)e * map->reduced + c) * block.width);
        }
    }
}

/* sums += the sums of dy over the chunk, for one block of outputs. */
static void add_sums(const weights_call *call, fvi_conv2d_block block, float *sums)
{
    const fvi_winograd_map *map = &call->map;
    const float one = 1.0f;
    fvi_brgemm_outer outer = { .x = &one, .rows = 1, .pixels = call->count, .acc = sums };
    outer.d = call->d + map->form->parts * call->dy_component + (ptrdiff_t)call->chunk * block.first;
    run_points(map->gemm, &outer, block.vectors, 1);
}

static void clear(const weights_call *call, int32_t e, int32_t begin, int32_t end)
{
    const fvi_winograd_map *map = &call->map;
    const size_t channels = e == map->form->parts ? 1 : (size_t)map->reduced;
    for (int32_t i = begin; i < end; i++) {
        const fvi_conv2d_block block = fvi_conv2d_block_at(map->gemm, map->outputs, i);
        memset(block_accumulators(call, block) + (ptrdiff_t)e * map->reduced * block.width, 0,
               channels * (size_t)block.width * sizeof(float));
    }
}

/* Task index: component, then part of the outputs. */
static void multiply_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const weights_call *call = argument;
    const int32_t e = (int32_t)(index / (size_t)call->parts), part = (int32_t)(index % (size_t)call->parts);
    const int64_t blocks = fvi_conv2d_block_count(call->map.gemm, call->map.outputs);
    const int32_t begin = (int32_t)(blocks * part / call->parts), end = (int32_t)(blocks * (part + 1) / call->parts);
    if (call->first == 0)
        clear(call, e, begin, end);
    if (e == call->map.form->parts) {
        for (int32_t i = begin; i < end; i++) {
            const fvi_conv2d_block block = fvi_conv2d_block_at(call->map.gemm, call->map.outputs, i);
            add_sums(call, block, block_accumulators(call, block) + (ptrdiff_t)e * call->map.reduced * block.width);
        }
        return;
    }
    const int32_t bands = fvi_conv2d_ceil(call->count, BAND_TILES_MAX), tiles = fvi_conv2d_ceil(call->count, bands);
    for (int32_t band = 0; band < call->count; band += tiles)
        multiply_band(call, e, begin, end, band, smaller(call->count - band, tiles));
}

/* Transforms sums of `channels` channels from c on and a block of outputs back, into dw. */
static void write_block(const weights_call *call, fvi_conv2d_block block, int32_t c, int32_t channels, float *acc,
                        ptrdiff_t component)
{
    const fvi_winograd_map *map = &call->map;
    const ptrdiff_t kernel = (ptrdiff_t)map->form->taps * map->form->taps, output = kernel * map->reduced;
    const fvi_winograd_weights weights = { .dw = call->dw + (call->group * map->outputs + block.first) * output +
                                                 c * kernel,
                                           .lane_stride = output,
                                           .channel_stride = kernel,
                                           .channels = channels,
                                           .count = block.count,
                                           .packed = acc,
                                           .component = component };
    map->form->weights_gradient(&weights);
}

static void write_sums(const weights_call *call, fvi_conv2d_block block, const float *sums)
{
    if (call->db != NULL)
        memcpy(call->db + call->group * call->map.outputs + block.first, sums, (size_t)block.count * sizeof(float));
}

/* Task index: block of outputs. */
static void write_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const weights_call *call = argument;
    const fvi_winograd_map *map = &call->map;
    const fvi_conv2d_block block = fvi_conv2d_block_at(map->gemm, map->outputs, (int32_t)index);
    const ptrdiff_t component = (ptrdiff_t)map->reduced * block.width;
    float *acc = block_accumulators(call, block);
    write_block(call, block, 0, map->reduced, acc, component);
    write_sums(call, block, acc + map->form->parts * component);
}

/* Task index: block of outputs, whose tiles of dy so stay in an L2, then block of channels. */
static void held_task(void *argument, size_t index, int32_t worker)
{
    const weights_call *call = argument;
    const fvi_winograd_map *map = &call->map;
    const size_t channel_blocks = (size_t)fvi_conv2d_ceil(map->reduced, CHANNEL_BLOCK);
    const fvi_conv2d_block block = fvi_conv2d_block_at(map->gemm, map->outputs, (int32_t)(index / channel_blocks));
    const int32_t c = (int32_t)(index % channel_blocks) * CHANNEL_BLOCK;
    const ptrdiff_t component = held_component(map);
    float *acc = call->acc + (size_t)worker * held_floats(map), *sums = acc + map->form->parts * component;
    const int32_t bands = fvi_conv2d_ceil(call->count, BAND_TILES_MAX), tiles = fvi_conv2d_ceil(call->count, bands);
    memset(acc, 0, held_floats(map) * sizeof(float));
    for (int32_t e = 0; e < map->form->parts; e++)
        for (int32_t band = 0; band < call->count; band += tiles)
            multiply_block(call, e, c, block, band, smaller(call->count - band, tiles),
                           e + 1 < map->form->parts ? call->x_component : 0, acc + e * component);
    write_block(call, block, c, smaller(map->reduced - c, CHANNEL_BLOCK), acc, component);
    if (c > 0)
        return;
    add_sums(call, block, sums);
    write_sums(call, block, sums);
}

static void run_held(weights_call *call, fv_context *context)
{
    const fvi_winograd_map *map = &call->map;
    const size_t blocks = (size_t)fvi_conv2d_block_count(map->gemm, map->outputs);
    call->count = call->chunk;
    for (call->group = 0; call->group < map->groups; call->group++) {
        fvi_parallel(context, (size_t)fvi_conv2d_ceil(call->count, call->stage_tiles), transform_task, call);
        fvi_parallel(context, blocks * (size_t)fvi_conv2d_ceil(map->reduced, CHANNEL_BLOCK), held_task, call);
    }
}

static void run_swept(weights_call *call, fv_context *context)
{
    const fvi_winograd_map *map = &call->map;
    const size_t blocks = (size_t)fvi_conv2d_block_count(map->gemm, map->outputs);
    for (call->group = 0; call->group < map->groups; call->group++) {
        for (call->first = 0; call->first < map->tiles; call->first += call->count) {
            call->count = smaller(map->tiles - call->first, call->chunk);
            fvi_parallel(context, (size_t)fvi_conv2d_ceil(call->count, call->stage_tiles), transform_task, call);
            fvi_parallel(context, ((size_t)map->form->parts + 1) * (size_t)call->parts, multiply_task, call);
        }
        fvi_parallel(context, blocks, write_task, call);
    }
}

void fvi_conv2d_winograd_backward_weights(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,
                                          const fvi_view *dy, void *dw, void *db, void *scratch)
{
    const fvi_winograd_map map = fvi_winograd_map_of(plan, FVI_BACKWARD_WEIGHTS, dy->n);
    weights_call call = weights_cut(&map, plan->threads);
    call.map.in = x;
    call.dy = dy;
    call.dw = dw;
    call.db = db;
    call.x = scratch;
    call.d = call.x + map.form->parts * call.x_component;
    call.acc = call.d + (map.form->parts + 1) * call.dy_component;
    if (call.held)
        run_held(&call, context);
    else
        run_swept(&call, context);
}
