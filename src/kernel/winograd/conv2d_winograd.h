/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_winograd.h - what the files of the Winograd algorithm share: tiles and windows of a convolution in its views, and
 * the order of transformed values in memory (docs/kernel-contract.md#winograd).
 */
#ifndef FVI_CONV2D_WINOGRAD_H
#define FVI_CONV2D_WINOGRAD_H

#include "kernel/conv/conv2d_direct.h"
#include "kernel/winograd/winograd.h"

/* A convolution as forward and backward by data see it: windows of `in` to tiles of `out`, group by group. Tile t covers
 * rows [4i, 4i+4) and columns [4j, 4j+4) of an image of `out` (4: form->out); its window begins at row 4i - top, column 4j - left
 * of `in`. */
typedef struct fvi_winograd_map {
    const fvi_brgemm *gemm;
    const fvi_winograd_form *form;
    const fvi_view *in, *out;
    int32_t in_h, in_w, out_h, out_w; /* of the shape */
    int32_t top, left;
    int32_t tile_rows, tile_columns;
    int64_t tiles;                    /* of all images */
    int32_t groups, reduced, outputs; /* channels of in and out per group */
} fvi_winograd_map;

/* The map of a pass, for n images. Backward by weights: that of forward. Views are left NULL. */
fvi_winograd_map fvi_winograd_map_of(const fvi_conv2d_plan *plan, fvi_pass pass, int32_t n);

/* Where a tile lies: image, row of tiles, tile in the row. */
typedef struct fvi_winograd_place {
    int32_t n, row, column;
} fvi_winograd_place;

static inline fvi_winograd_place fvi_winograd_place_of(const fvi_winograd_map *map, int64_t tile)
{
    const int64_t row = tile / map->tile_columns;
    return (fvi_winograd_place){ .n = (int32_t)(row / map->tile_rows),
                                 .row = (int32_t)(row % map->tile_rows),
                                 .column = (int32_t)(tile % map->tile_columns) };
}

/* To the next tile. */
static inline void fvi_winograd_advance(const fvi_winograd_map *map, fvi_winograd_place *place)
{
    if (++place->column < map->tile_columns)
        return;
    place->column = 0;
    if (++place->row < map->tile_rows)
        return;
    place->row = 0;
    place->n++;
}

/* Floats from component to component when each is `floats` long: an odd number of cache lines, so that the places
 * of one tile fall into different sets. */
static inline ptrdiff_t fvi_winograd_component(int64_t floats)
{
    return (ptrdiff_t)((((floats + 15) / 16) | 1) * 16);
}

/* Packed weights of one block of outputs: from component to component, and all of it. */
static inline ptrdiff_t fvi_winograd_packed_component(const fvi_winograd_map *map, int32_t width)
{
    return fvi_winograd_component((int64_t)map->reduced * width);
}

/* Floats of the packed weights of this many blocks: all but the last of a group are of full width, and so is its place. */
static inline size_t fvi_winograd_packed_before(const fvi_winograd_map *map, int32_t block)
{
    const int32_t width = FVI_BRGEMM_MAX_VECTORS * map->gemm->lanes;
    return (size_t)block * (size_t)map->form->parts * (size_t)fvi_winograd_packed_component(map, width);
}

static inline int32_t fvi_winograd_padded(const fvi_winograd_map *map, int32_t channels)
{
    return (int32_t)fvi_conv2d_packed_width(map->gemm, channels);
}

/* Transforms channels [channel, channel + channels) of `count` windows from tile `first` on: component e, tile t, channel c
 * to to[e*component + t*padded + c], padded = fvi_winograd_padded(channels). */
void fvi_winograd_input_tiles(const fvi_winograd_map *map, int32_t channel, int32_t channels, int64_t first,
                              int32_t count, float *to, ptrdiff_t component);

const char *fvi_conv2d_winograd_accept_weights(fvi_conv2d_plan *plan);

#endif
