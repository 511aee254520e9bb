/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_shape.c - layers that move, cut and join tensors, as operators of ONNX.
 */
#include "interchange/onnx/onnx_write.h"

#ifdef FVI_HAVE_ONNX

#include <stdio.h>
#include <string.h>

void fvi_onnx_input_layer(fvi_onnx_out *out, const fvi_node *node)
{
    const bool vector = node->out.h == 1 && node->out.w == 1;
    out->value[out->at].name[vector ? FVI_ONNX_VECTOR : FVI_ONNX_IMAGE] = node->name;
}

const char *fvi_onnx_pad_of(fvi_onnx_out *out, const char *part, const char *x, const fvi_onnx_edges *edges)
{
    enum { PADS_INPUT_SINCE = 11 };
    const int64_t pads[] = { 0, edges->channels[0], edges->pad[0], edges->pad[1],
                             0, edges->channels[1], edges->pad[2], edges->pad[3] };
    fvi_onnx_op *op = part == NULL ? fvi_onnx_last(out, "Pad", FVI_ONNX_IMAGE) : fvi_onnx_part(out, "Pad", part);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_text(out, op, "mode", edges->mode);
    if (out->opset < PADS_INPUT_SINCE) {
        fvi_onnx_set_ints(out, op, "pads", 8, pads);
        fvi_onnx_set_float(out, op, "value", edges->value);
    } else {
        fvi_onnx_input(out, op, fvi_onnx_ints(out, "pads", 8, pads));
        fvi_onnx_input(out, op, fvi_onnx_scalar(out, "value", edges->value));
    }
    return fvi_onnx_output(op);
}

void fvi_onnx_pad(fvi_onnx_out *out, const fvi_node *node)
{
    static const char *const modes[] = { "constant", "reflect", "edge" };
    const fv_pad_options *options = node->options;
    fvi_onnx_edges edges = { .mode = modes[options->mode], .value = options->value };
    memcpy(edges.pad, options->pad, sizeof edges.pad);
    memcpy(edges.channels, options->channels, sizeof edges.channels);
    fvi_onnx_pad_of(out, NULL, fvi_onnx_take(out, 0, FVI_ONNX_IMAGE), &edges);
}

/* What is taken of one axis. */
typedef struct axis_part {
    int64_t axis, size, first, count, step;
} axis_part;

/* One operator for all axes. */
static void write_slice(fvi_onnx_out *out, fvi_onnx_form form, const axis_part *part, int32_t count)
{
    int64_t axes[3], starts[3], ends[3], steps[3];
    bool stepped = false;
    for (int32_t i = 0; i < count; i++) {
        const int64_t end = part[i].first + part[i].count * part[i].step;
        axes[i] = part[i].axis;
        starts[i] = part[i].first;
        ends[i] = end < 0 ? -part[i].size - 1 : end; /* below the first: -1 is the last */
        steps[i] = part[i].step;
        stepped = stepped || part[i].step != 1;
    }
    const char *x = fvi_onnx_take(out, 0, form);
    fvi_onnx_op *op = fvi_onnx_last(out, "Slice", form);
    fvi_onnx_input(out, op, x);
    if (out->opset < 10) {
        fvi_onnx_set_ints(out, op, "starts", count, starts);
        fvi_onnx_set_ints(out, op, "ends", count, ends);
        fvi_onnx_set_ints(out, op, "axes", count, axes);
        return;
    }
    fvi_onnx_input(out, op, fvi_onnx_ints(out, "starts", count, starts));
    fvi_onnx_input(out, op, fvi_onnx_ints(out, "ends", count, ends));
    fvi_onnx_input(out, op, fvi_onnx_ints(out, "axes", count, axes));
    if (stepped)
        fvi_onnx_input(out, op, fvi_onnx_ints(out, "steps", count, steps));
}

/* Before opset 10 Slice has no steps: an axis at a time by a list of its indices. */
static void write_gathers(fvi_onnx_out *out, fvi_onnx_form form, const axis_part *part, int32_t count)
{
    const char *x = fvi_onnx_take(out, 0, form);
    for (int32_t i = 0; i < count; i++) {
        char name[32];
        int64_t *index = fvi_onnx_memory(out, (size_t)part[i].count, sizeof *index);
        if (index == NULL)
            return;
        for (int64_t j = 0; j < part[i].count; j++)
            index[j] = part[i].first + j * part[i].step;
        snprintf(name, sizeof name, "axis%d", (int)part[i].axis);
        fvi_onnx_op *op = i == count - 1 ? fvi_onnx_last(out, "Gather", form) : fvi_onnx_part(out, "Gather", name);
        fvi_onnx_input(out, op, x);
        snprintf(name, sizeof name, "axis%d_indices", (int)part[i].axis);
        fvi_onnx_input(out, op, fvi_onnx_ints(out, name, (int32_t)part[i].count, index));
        fvi_onnx_set_int(out, op, "axis", part[i].axis);
        x = fvi_onnx_output(op);
    }
}

/* Of channels, rows and columns; axes that are taken whole are left out. */
static void write_parts(fvi_onnx_out *out, const axis_part part[3])
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    axis_part kept[3];
    int32_t count = 0;
    bool stepped = false;
    for (int32_t i = 0; i < 3; i++) {
        kept[count] = part[i];
        if (part[i].count == 1)
            kept[count].step = 1;
        if (part[i].first == 0 && part[i].count == part[i].size && kept[count].step == 1)
            continue;
        stepped = stepped || kept[count].step != 1;
        count++;
    }
    if (count == 0)
        fvi_onnx_same(out);
    else if (stepped && out->opset < 10)
        write_gathers(out, form, kept, count);
    else
        write_slice(out, form, kept, count);
}

void fvi_onnx_crop(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_crop_options *options = node->options;
    const fv_image_shape in = node->in[0];
    const axis_part part[] = { { 1, in.c, 0, in.c, 1 },
                               { 2, in.h, options->crop[0], node->out.h, 1 },
                               { 3, in.w, options->crop[1], node->out.w, 1 } };
    write_parts(out, part);
}

void fvi_onnx_slice(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_slice_options *options = node->options;
    const fv_image_shape in = node->in[0];
    const int32_t *rows = options->rows, *columns = options->columns;
    const axis_part part[] = { { 1, in.c, options->first, node->out.c, options->step == 0 ? 1 : options->step },
                               { 2, in.h, rows[0], node->out.h, rows[2] == 0 ? 1 : rows[2] },
                               { 3, in.w, columns[0], node->out.w, columns[2] == 0 ? 1 : columns[2] } };
    write_parts(out, part);
}

void fvi_onnx_permute(fvi_onnx_out *out, const fvi_node *node)
{
    const int32_t *order = ((const fv_permute_options *)node->options)->order;
    const int64_t permutation[] = { 0, order[0] + 1, order[1] + 1, order[2] + 1 };
    fvi_onnx_transpose(out, NULL, FVI_ONNX_IMAGE, fvi_onnx_take(out, 0, FVI_ONNX_IMAGE), permutation);
}

void fvi_onnx_channel_shuffle(fvi_onnx_out *out, const fvi_node *node)
{
    static const int64_t swapped[] = { 0, 2, 1, 3 };
    const int32_t groups = ((const fv_channel_shuffle_options *)node->options)->groups;
    const int64_t table[] = { groups, node->out.c / groups, (int64_t)node->out.h * node->out.w };
    const int64_t back[] = { node->out.c, node->out.h, node->out.w };
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    x = fvi_onnx_reshape(out, "groups", FVI_ONNX_IMAGE, x, 3, table);
    x = fvi_onnx_transpose(out, "shuffled", FVI_ONNX_IMAGE, x, swapped);
    fvi_onnx_reshape(out, NULL, FVI_ONNX_IMAGE, x, 3, back);
}

/* Expand, since opset 8; before it Tile. */
void fvi_onnx_expand(fvi_onnx_out *out, const fvi_node *node)
{
    enum { EXPAND_SINCE = 8 };
    const fv_image_shape in = node->in[0], to = node->out;
    const int64_t shape[] = { 1, to.c, to.h, to.w }, times[] = { 1, to.c / in.c, to.h / in.h, to.w / in.w };
    const bool tile = out->opset < EXPAND_SINCE;
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    fvi_onnx_binary(out, tile ? "Tile" : "Expand", NULL, FVI_ONNX_IMAGE, x,
                    fvi_onnx_ints(out, "shape", FVI_ONNX_RANK, tile ? times : shape));
}

void fvi_onnx_reshape_layer(fvi_onnx_out *out, const fvi_node *node)
{
    const int64_t shape[] = { node->out.c, node->out.h, node->out.w };
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    fvi_onnx_reshape(out, NULL, FVI_ONNX_IMAGE, fvi_onnx_take(out, 0, form), 3, shape);
}

void fvi_onnx_flatten(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    if (fvi_onnx_common_form(out) == FVI_ONNX_VECTOR) {
        fvi_onnx_same(out);
        return;
    }
    const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
    fvi_onnx_op *op = fvi_onnx_last(out, "Flatten", FVI_ONNX_VECTOR);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_int(out, op, "axis", 1);
}

void fvi_onnx_identity(fvi_onnx_out *out, const fvi_node *node)
{
    (void)node;
    fvi_onnx_same(out);
}

void fvi_onnx_dropout(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_dropout_options *options = node->options;
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    if (!options->classic || options->drop == 0) {
        fvi_onnx_same(out);
        return;
    }
    fvi_onnx_binary(out, "Mul", NULL, form, fvi_onnx_take(out, 0, form),
                    fvi_onnx_scalar(out, "keep", 1 - options->drop));
}

static fvi_onnx_op *join(fvi_onnx_out *out, const fvi_node *node, const char *op_type)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    for (int32_t i = 0; i < node->input_count; i++) /* all, before the operator that reads them */
        fvi_onnx_take(out, i, form);
    fvi_onnx_op *op = fvi_onnx_last(out, op_type, form);
    for (int32_t i = 0; i < node->input_count; i++)
        fvi_onnx_input(out, op, fvi_onnx_take(out, i, form));
    return op;
}

void fvi_onnx_concat(fvi_onnx_out *out, const fvi_node *node)
{
    fvi_onnx_set_int(out, join(out, node, "Concat"), "axis", 1);
}

static bool same_shapes(const fvi_node *node)
{
    for (int32_t i = 1; i < node->input_count; i++)
        if (memcmp(&node->in[i], &node->in[0], sizeof node->in[0]) != 0)
            return false;
    return true;
}

/* Sum repeats nothing before opset 8: one Add behind the other. */
static void write_adds(fvi_onnx_out *out, const fvi_node *node)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const char *sum = fvi_onnx_take(out, 0, form);
    for (int32_t i = 1; i < node->input_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "sum%d", (int)i);
        sum = fvi_onnx_binary(out, "Add", i == node->input_count - 1 ? NULL : name, form, sum,
                              fvi_onnx_take(out, i, form));
    }
}

void fvi_onnx_add(fvi_onnx_out *out, const fvi_node *node)
{
    enum { SUM_REPEATS_SINCE = 8 };
    if (node->input_count == 1)
        fvi_onnx_same(out);
    else if (node->input_count == 2 || same_shapes(node) || out->opset >= SUM_REPEATS_SINCE)
        join(out, node, node->input_count == 2 ? "Add" : "Sum");
    else
        write_adds(out, node);
}

void fvi_onnx_multiply(fvi_onnx_out *out, const fvi_node *node)
{
    join(out, node, "Mul");
}

void fvi_onnx_subtract(fvi_onnx_out *out, const fvi_node *node)
{
    join(out, node, "Sub");
}

void fvi_onnx_divide(fvi_onnx_out *out, const fvi_node *node)
{
    join(out, node, "Div");
}

#endif
