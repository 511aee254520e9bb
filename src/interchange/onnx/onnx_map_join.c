/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_map_join.c - values put together and taken apart: Concat, Split, Slice, Pad. Along an image's channels, rows or columns, in
 * whichever order ONNX sees them.
 */
#include <string.h>

#include "interchange/onnx/onnx_map.h"

enum { MOST_INPUTS = 4096 };

/* An input that is an image in its own order. *place: which of c, h, w the axis is (0, 1, 2). */
static fv_status read_along(fvi_onnx *onnx, fvi_onnx_node *node, const fvi_onnx_value *value, int64_t given,
                            fv_value *x, fv_image_shape *shape, int32_t *place)
{
    int32_t axis = 0;
    FV_TRY(fvi_onnx_axis(onnx, node, given, value->rank, &axis));
    if (value->axis[axis] == 0 || !fvi_onnx_base_image(value, shape))
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "along axis %d of %d", axis, value->rank);
    *place = value->rank == 3 && value->axis[axis] == 2 ? 2 : value->axis[axis] - 1;
    return fvi_onnx_reshaped(onnx, node, value->value, *shape, x);
}

fv_status fvi_onnx_map_concat(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_value *first = NULL;
    fv_value y = FV_NO_VALUE;
    int64_t given = 1;
    int32_t axis = 0, place = 0;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &first));
    FV_TRY(fvi_onnx_int(onnx, node, "axis", 1, &given));
    FV_TRY(fvi_onnx_axis(onnx, node, given, first->rank, &axis));
    fv_value *x = fvi_arena_allocate(onnx->arena, (size_t)node->input_count * sizeof *x);
    if (x == NULL)
        return fvi_out_of_memory(onnx->context, "the inputs of a concatenation", (size_t)node->input_count * sizeof *x);
    int64_t all = 0;
    for (int32_t i = 0; i < node->input_count; i++) {
        const fvi_onnx_value *value = NULL;
        fv_image_shape shape;
        FV_TRY(fvi_onnx_activation(onnx, node, i, &value));
        const bool same = value->rank == first->rank &&
                          memcmp(value->axis, first->axis, (size_t)first->rank * sizeof first->axis[0]) == 0;
        if (!same)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "of values with their axes in different orders");
        FV_TRY(read_along(onnx, node, value, given, &x[i], &shape, &place));
        all += value->size[axis];
    }
    if (place != 0)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "along axis %lld, which is not that of the channels",
                                  (long long)given);
    if (node->input_count == 1)
        y = x[0];
    else
        FV_TRY(fvi_onnx_add_layer(onnx, node, "concat", x, node->input_count, NULL, &y));
    FV_TRY(fvi_onnx_emit_like(onnx, node, y, first));
    node->output[0]->size[axis] = all;
    return FV_OK;
}

/* Part of x along c, h or w, as output `index`. */
static fv_status take_part(fvi_onnx *onnx, fvi_onnx_node *node, int32_t index, fv_value x, fv_image_shape shape,
                           int32_t place, int64_t first, int64_t count, fv_value *y)
{
    const int32_t sizes[3] = { shape.c, shape.h, shape.w };
    const int64_t rest = sizes[place] - first - count;
    *y = x;
    if (first == 0 && rest == 0)
        return FV_OK;
    if (place == 0) {
        fv_slice_options options = { .first = (int32_t)first, .count = (int32_t)count };
        return fvi_onnx_add_layer(onnx, node, "slice", &x, 1, &options, y);
    }
    (void)index;
    fv_crop_options options = { 0 };
    options.crop[place - 1] = (int32_t)first;
    options.crop[place + 1] = (int32_t)rest;
    return fvi_onnx_add_layer(onnx, node, "crop", &x, 1, &options, y);
}

/* Sizes by an attribute, an input, or (opset 18) their number; equal parts where nothing is said. */
static fv_status split_sizes(fvi_onnx *onnx, fvi_onnx_node *node, int64_t along, const int64_t **sizes, int32_t *count)
{
    int64_t parts = node->output_count, *made = NULL;
    void *memory = NULL;
    FV_TRY(fvi_onnx_ints_or_input(onnx, node, "split", 1, sizes, count));
    if (*sizes == NULL) {
        FV_TRY(fvi_onnx_int(onnx, node, "num_outputs", parts, &parts));
        if (parts < 1 || parts != node->output_count)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "%lld parts for %d outputs", (long long)parts,
                                      node->output_count);
        FV_TRY(fvi_onnx_reserve(onnx, parts, sizeof *made, &memory));
        made = memory;
        const int64_t each = (along + parts - 1) / parts; /* the last may be smaller */
        for (int64_t i = 0; i < parts; i++)
            made[i] = i + 1 < parts ? each : along - each * (parts - 1);
        *sizes = made;
        *count = (int32_t)parts;
    }
    int64_t sum = 0;
    for (int32_t i = 0; i < *count; i++) {
        if ((*sizes)[i] < 1 || (*sizes)[i] > along - sum)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE, "part %d of %lld, of %lld in all", i + 1,
                                      (long long)(*sizes)[i], (long long)along);
        sum += (*sizes)[i];
    }
    if (sum != along || *count != node->output_count)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE,
                                  "%d parts of %lld in all; its input has %lld, the node %d outputs", *count,
                                  (long long)sum, (long long)along, node->output_count);
    return FV_OK;
}

fv_status fvi_onnx_map_split(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_value *value = NULL;
    const int64_t *sizes = NULL;
    fv_image_shape shape;
    fv_value x = FV_NO_VALUE;
    int64_t given = 0, first = 0;
    int32_t place = 0, axis = 0, count = 0;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &value));
    FV_TRY(fvi_onnx_int(onnx, node, "axis", 0, &given));
    FV_TRY(fvi_onnx_axis(onnx, node, given, value->rank, &axis));
    FV_TRY(read_along(onnx, node, value, given, &x, &shape, &place));
    FV_TRY(split_sizes(onnx, node, value->size[axis], &sizes, &count));
    for (int32_t i = 0; i < count; first += sizes[i], i++) {
        fv_value y = FV_NO_VALUE;
        fvi_onnx_value *out = node->output[i];
        if (out == NULL || out->readers == 0)
            continue;
        FV_TRY(take_part(onnx, node, i, x, shape, place, first, sizes[i], &y));
        FV_TRY(fvi_onnx_emit_at(onnx, node, i, y, value->rank, value->size + 1));
        memcpy(out->axis, value->axis, sizeof out->axis);
        out->size[axis] = sizes[i];
    }
    return FV_OK;
}

/* Where a slice with steps of 1 begins and ends: negative numbers count from the end. */
static int64_t bound(int64_t given, int64_t size)
{
    const int64_t from_start = given < 0 ? (given < -size ? 0 : given + size) : given;
    return from_start > size ? size : from_start;
}

fv_status fvi_onnx_map_slice(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_value *value = NULL;
    const int64_t *starts = NULL, *ends = NULL, *axes = NULL, *steps = NULL;
    int32_t count = 0, end_count = 0, axis_count = 0, step_count = 0;
    fvi_onnx_value now;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &value));
    FV_TRY(fvi_onnx_ints_or_input(onnx, node, "starts", 1, &starts, &count));
    FV_TRY(fvi_onnx_ints_or_input(onnx, node, "ends", 2, &ends, &end_count));
    FV_TRY(fvi_onnx_ints_or_input(onnx, node, "axes", 3, &axes, &axis_count));
    FV_TRY(fvi_onnx_ints_or_input(onnx, node, "steps", 4, &steps, &step_count));
    now = *value;
    if (count != end_count || (axes != NULL && axis_count != count) || (steps != NULL && step_count != count))
        return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "its starts, ends, axes and steps are not as many");
    for (int32_t i = 0; i < count; i++) {
        fv_image_shape shape;
        fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
        int32_t axis = 0, place = 0;
        FV_TRY(fvi_onnx_axis(onnx, node, axes != NULL ? axes[i] : i, now.rank, &axis));
        const int64_t size = now.size[axis], first = bound(starts[i], size), last = bound(ends[i], size);
        if (steps != NULL && steps[i] != 1)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "in steps of %lld", (long long)steps[i]);
        if (first == 0 && last == size)
            continue;
        if (axis == 0 || last <= first)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "of %lld to %lld along axis %d",
                                      (long long)starts[i], (long long)ends[i], axis);
        FV_TRY(read_along(onnx, node, &now, axis, &x, &shape, &place));
        FV_TRY(take_part(onnx, node, 0, x, shape, place, first, last - first, &y));
        now.value = y;
        now.size[axis] = last - first;
    }
    return fvi_onnx_emit_like(onnx, node, now.value, &now);
}

/* Rows, columns and channels of a constant around the image. */
fv_status fvi_onnx_map_pad(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_value *value = NULL;
    const int64_t *pads = NULL;
    const char *mode = NULL;
    fv_pad_options options = { 0 };
    fv_image_shape shape;
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    int32_t count = 0;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &value));
    FV_TRY(fvi_onnx_text(onnx, node, "mode", "constant", &mode));
    FV_TRY(fvi_onnx_ints_or_input(onnx, node, "pads", 1, &pads, &count));
    if (node->opset < 11)
        FV_TRY(fvi_onnx_real(onnx, node, "value", 0, &options.value));
    else
        FV_TRY(fvi_onnx_number(onnx, node, 2, 0, &options.value));
    if (strcmp(mode, "reflect") == 0)
        options.mode = FV_PAD_REFLECT;
    else if (strcmp(mode, "edge") == 0)
        options.mode = FV_PAD_EDGE;
    else if (strcmp(mode, "constant") != 0)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "in mode '%.40s'", mode);
    if (count != 2 * value->rank || (node->input_count > 3 && node->input[3] != NULL) ||
        !fvi_onnx_base_image(value, &shape))
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "%d pads for a value with %d axes", count,
                                  value->rank);
    fvi_onnx_value out = *value;
    for (int32_t i = 0; i < value->rank; i++) {
        const int64_t before = pads[i], after = pads[value->rank + i];
        const int32_t base = value->rank == 3 && value->axis[i] == 2 ? 3 : value->axis[i];
        if (before < 0 || after < 0 || before > 65535 || after > 65535 || (base == 0 && before + after > 0))
            return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "%lld before and %lld behind axis %d",
                                      (long long)before, (long long)after, i);
        if (base == 1) {
            options.channels[0] = (int32_t)before;
            options.channels[1] = (int32_t)after;
        } else if (base > 1) {
            options.pad[base - 2] = (int32_t)before;
            options.pad[base] = (int32_t)after;
        }
        if (i > 0)
            out.size[i] += before + after;
    }
    FV_TRY(fvi_onnx_reshaped(onnx, node, value->value, shape, &x));
    FV_TRY(fvi_onnx_add_layer(onnx, node, "pad", &x, 1, &options, &y));
    return fvi_onnx_emit_like(onnx, node, y, &out);
}
