/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_winograd_weights.c - backward by weights of a 3x3 convolution of stride 1 by minimal filtering:
 * dw = G^T [ sum over tiles of (A dY A^T) * (B^T x B) ] G, the sums being 36 products of matrices (channels x tiles x outputs) on
 * the outer form of the batch-reduce GEMM. Tiles go chunk by chunk through two stages: windows of x and tiles of dy are
 * transformed, then every component adds its products to its own accumulators, so that each is one chain of FMAs over all
 * tiles in order whoever computes it: the same bits for any number of threads. The sum of dy for the bias gradient
 * goes along as a 37th component.
 */
#include <string.h>

#include "kernel/winograd/conv2d_winograd.h"

#define CHANNEL_BLOCK 48   /* channels of x that lie together: eight register tiles of AVX2, three cache lines */
#define BAND_TILES_MAX 168 /* summed over in one call: with CHANNEL_BLOCK channels they about fit an L1 */
#define CHUNK_TILES_MIN 112
#define STAGED_FLOATS                                                                                                  \
    (768 * 1024)      /* of a chunk's transformed values: a small part of an L3, of which others use the rest */
#define STAGE_TILES 8 /* of a task that transforms */
#define TASKS_A_THREAD 4
#define SUMS FVI_WINOGRAD_PARTS /* the component that holds the sums of dy */

typedef struct weights_call {
    fvi_winograd_map map; /* of forward: x is its in */
    const fvi_view *dy;
    float *dw, *db;
    int32_t chunk; /* most tiles of a chunk */
    int32_t parts; /* of the blocks of outputs, for one component */
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

static weights_call weights_cut(const fvi_winograd_map *map, int32_t threads)
{
    const fvi_brgemm *gemm = map->kernel->gemm;
    weights_call call = { .map = *map };
    const int32_t channels = fvi_winograd_padded(map, map->reduced), filters = fvi_winograd_padded(map, map->outputs);
    const int32_t fit = STAGED_FLOATS / (FVI_WINOGRAD_PARTS * (channels + filters));
    call.chunk = smaller(map->tiles, fit < CHUNK_TILES_MIN ? CHUNK_TILES_MIN : fit);
    call.parts = smaller(fvi_conv2d_block_count(gemm, map->outputs),
                         fvi_conv2d_ceil(TASKS_A_THREAD * threads, FVI_WINOGRAD_PARTS));
    call.x_component = fvi_winograd_component((int64_t)call.chunk * channels);
    call.dy_component = fvi_winograd_component((int64_t)call.chunk * filters);
    return call;
}

static size_t accumulator_floats(const fvi_winograd_map *map)
{
    return (FVI_WINOGRAD_PARTS * (size_t)map->reduced + 1) * fvi_conv2d_packed_width(map->kernel->gemm, map->outputs);
}

/* Accumulators of a block of outputs: [component][channel][lane], then a row of lanes for db. */
static float *block_accumulators(const weights_call *call, fvi_conv2d_block block)
{
    return call->acc + (FVI_WINOGRAD_PARTS * (size_t)call->map.reduced + 1) * (size_t)block.first;
}

const char *fvi_conv2d_winograd_accept_weights(fvi_conv2d_plan *plan)
{
    const fvi_winograd_map map = fvi_winograd_map_of(plan, FVI_BACKWARD_WEIGHTS, plan->shape.n);
    const weights_call call = weights_cut(&map, plan->threads);
    plan->pass[FVI_BACKWARD_WEIGHTS].scratch_bytes =
        (FVI_WINOGRAD_PARTS * (size_t)call.x_component + (SUMS + 1) * (size_t)call.dy_component +
         accumulator_floats(&map)) *
        sizeof(float);
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
    const int32_t image_tiles = map->tile_rows * map->tile_columns;
    const int32_t blocks = fvi_conv2d_block_count(map->kernel->gemm, map->outputs);
    fvi_winograd_gradient gradient = { .row = dy->row_stride,
                                       .pixel = dy->pixel_stride,
                                       .component = call->dy_component };
    for (int32_t t = at; t < at + count; t++) {
        const int64_t tile = call->first + t;
        const int32_t in_image = (int32_t)(tile % image_tiles);
        const int32_t row = in_image / map->tile_columns * FVI_WINOGRAD_OUT;
        const int32_t column = in_image % map->tile_columns * FVI_WINOGRAD_OUT;
        gradient.rows = smaller(map->out_h - row, FVI_WINOGRAD_OUT);
        gradient.columns = smaller(map->out_w - column, FVI_WINOGRAD_OUT);
        const float *pixel =
            fvi_conv2d_pixel(dy, (int32_t)(tile / image_tiles), row, column) + (ptrdiff_t)call->group * map->outputs;
        for (int32_t i = 0; i < blocks; i++) {
            const fvi_conv2d_block block = fvi_conv2d_block_at(map->kernel->gemm, map->outputs, i);
            gradient.dy = pixel + block.first;
            gradient.count = block.count;
            gradient.to = call->d + (ptrdiff_t)call->chunk * block.first + (ptrdiff_t)t * block.width;
            map->kernel->gradient(&gradient);
        }
    }
}

static void transform_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const weights_call *call = argument;
    const int32_t at = (int32_t)index * STAGE_TILES, count = smaller(call->count - at, STAGE_TILES);
    transform_x(call, at, count);
    transform_dy(call, at, count);
}

/* acc += products of `count` consecutive floats of x with a block of d: register tiles of nearly equal size. */
static void run_points(const fvi_brgemm *gemm, fvi_brgemm_outer *outer, int32_t vectors, int32_t count)
{
    const int32_t tiles = fvi_conv2d_ceil(count, gemm->points[vectors - 1]);
    const int32_t points = count / tiles, larger = count % tiles;
    outer->next = outer->x;
    if (larger > 0) {
        outer->tiles = larger;
        gemm->outer[vectors - 1][points](outer);
        outer->x += (ptrdiff_t)larger * (points + 1);
        outer->acc += (ptrdiff_t)larger * (points + 1) * vectors * gemm->lanes;
    }
    outer->tiles = tiles - larger;
    gemm->outer[vectors - 1][points - 1](outer);
}

/* Adds a band's products for component e to the accumulators of outputs' blocks [begin, end). */
static void multiply_band(const weights_call *call, int32_t e, int32_t begin, int32_t end, int32_t band, int32_t count)
{
    const fvi_winograd_map *map = &call->map;
    const fvi_brgemm *gemm = map->kernel->gemm;
    for (int32_t c = 0; c < map->reduced; c += CHANNEL_BLOCK) {
        const int32_t channels = smaller(map->reduced - c, CHANNEL_BLOCK);
        const int32_t padded = fvi_winograd_padded(map, channels);
        for (int32_t i = begin; i < end; i++) {
            const fvi_conv2d_block block = fvi_conv2d_block_at(gemm, map->outputs, i);
            fvi_brgemm_outer outer = { .x_pixel = padded, .rows = 1, .pixels = count };
            outer.x = call->x + e * call->x_component + (ptrdiff_t)call->chunk * c + (ptrdiff_t)band * padded;
            outer.d =
                call->d + e * call->dy_component + (ptrdiff_t)call->chunk * block.first + (ptrdiff_t)band * block.width;
            outer.acc = block_accumulators(call, block) + ((ptrdiff_t)e * map->reduced + c) * block.width;
            run_points(gemm, &outer, block.vectors, channels);
        }
    }
}

/* The sums of dy over the chunk. */
static void add_sums(const weights_call *call, int32_t begin, int32_t end)
{
    const fvi_winograd_map *map = &call->map;
    const float one = 1.0f;
    for (int32_t i = begin; i < end; i++) {
        const fvi_conv2d_block block = fvi_conv2d_block_at(map->kernel->gemm, map->outputs, i);
        fvi_brgemm_outer outer = { .x = &one, .rows = 1, .pixels = call->count };
        outer.d = call->d + SUMS * call->dy_component + (ptrdiff_t)call->chunk * block.first;
        outer.acc = block_accumulators(call, block) + (ptrdiff_t)FVI_WINOGRAD_PARTS * map->reduced * block.width;
        run_points(map->kernel->gemm, &outer, block.vectors, 1);
    }
}

static void clear(const weights_call *call, int32_t e, int32_t begin, int32_t end)
{
    const fvi_winograd_map *map = &call->map;
    const size_t channels = e == SUMS ? 1 : (size_t)map->reduced;
    for (int32_t i = begin; i < end; i++) {
        const fvi_conv2d_block block = fvi_conv2d_block_at(map->kernel->gemm, map->outputs, i);
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
    const int64_t blocks = fvi_conv2d_block_count(call->map.kernel->gemm, call->map.outputs);
    const int32_t begin = (int32_t)(blocks * part / call->parts), end = (int32_t)(blocks * (part + 1) / call->parts);
    if (call->first == 0)
        clear(call, e, begin, end);
    if (e == SUMS) {
        add_sums(call, begin, end);
        return;
    }
    const int32_t bands = fvi_conv2d_ceil(call->count, BAND_TILES_MAX), tiles = fvi_conv2d_ceil(call->count, bands);
    for (int32_t band = 0; band < call->count; band += tiles)
        multiply_band(call, e, begin, end, band, smaller(call->count - band, tiles));
}

static void write_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const weights_call *call = argument;
    const fvi_winograd_map *map = &call->map;
    const fvi_conv2d_block block = fvi_conv2d_block_at(map->kernel->gemm, map->outputs, (int32_t)index);
    const int32_t first = call->group * map->outputs + block.first;
    float *acc = block_accumulators(call, block);
    const fvi_winograd_weights weights = { .dw = call->dw + (size_t)first * (size_t)map->reduced * 9,
                                           .lane_stride = (ptrdiff_t)map->reduced * 9,
                                           .channel_stride = 9,
                                           .channels = map->reduced,
                                           .count = block.count,
                                           .packed = acc,
                                           .component = (ptrdiff_t)map->reduced * block.width };
    map->kernel->weights_gradient(&weights);
    if (call->db != NULL)
        memcpy(call->db + first, acc + FVI_WINOGRAD_PARTS * weights.component, (size_t)block.count * sizeof(float));
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
    call.d = call.x + FVI_WINOGRAD_PARTS * call.x_component;
    call.acc = call.d + (SUMS + 1) * call.dy_component;
    const size_t blocks = (size_t)fvi_conv2d_block_count(map.kernel->gemm, map.outputs);
    for (call.group = 0; call.group < map.groups; call.group++) {
        for (call.first = 0; call.first < map.tiles; call.first += call.count) {
            call.count = smaller(map.tiles - call.first, call.chunk);
            fvi_parallel(context, (size_t)fvi_conv2d_ceil(call.count, STAGE_TILES), transform_task, &call);
            fvi_parallel(context, (SUMS + 1) * (size_t)call.parts, multiply_task, &call);
        }
        fvi_parallel(context, blocks, write_task, &call);
    }
}
