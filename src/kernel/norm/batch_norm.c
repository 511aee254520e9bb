/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm.c - which images a group has, which rows a chunk.
 */
#include "kernel/norm/batch_norm.h"

static size_t first_image(const fvi_norm_shape *shape, size_t group)
{
    return shape->images * group / shape->groups;
}

size_t fvi_norm_chunk_of(const fvi_norm_shape *shape, size_t row)
{
    const size_t image = row / shape->rows;
    size_t group = image * shape->groups / shape->images;
    while (group + 1 < shape->groups && first_image(shape, group + 1) <= image)
        group++;
    return group * shape->chunks + (row - first_image(shape, group) * shape->rows) / shape->chunk_rows;
}

size_t fvi_norm_chunk(const fvi_norm_shape *shape, size_t group, size_t chunk, size_t *first)
{
    const size_t end = first_image(shape, group + 1) * shape->rows;
    *first = first_image(shape, group) * shape->rows + chunk * shape->chunk_rows;
    if (*first >= end)
        return 0;
    return end - *first < shape->chunk_rows ? end - *first : shape->chunk_rows;
}

size_t fvi_norm_pixels(const fvi_norm_shape *shape, size_t group)
{
    return (first_image(shape, group + 1) - first_image(shape, group)) * shape->rows * shape->columns;
}
