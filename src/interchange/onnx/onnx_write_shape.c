/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_shape.c - layers that move, cut and join tensors, as operators of ONNX.
 */
#include "interchange/onnx/onnx_write.h"

#ifdef FVI_HAVE_ONNX

#include <string.h>

void fvi_onnx_input_layer(fvi_onnx_out *out, const fvi_node *node)
{
    const bool vector = node->out.h == 1 && node->out.w == 1;
    out->value[out->at].name[vector ? FVI_ONNX_VECTOR : FVI_ONNX_IMAGE] = node->name;
}

const char *fvi_onnx_pad_of(fvi_onnx_out *out, const char *part, const char *x, const fvi_onnx_edges *edges,
                            double value)
{
    const int64_t pads[] = { 0, edges->channels[0], edges->pad[0], edges->pad[1],
                             0, edges->channels[1], edges->pad[2], edges->pad[3] };
    fvi_onnx_op *op = part == NULL ? fvi_onnx_last(out, "Pad", FVI_ONNX_IMAGE) : fvi_onnx_part(out, "Pad", part);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_text(out, op, "mode", "constant");
    if (out->opset < 11) {
        fvi_onnx_set_ints(out, op, "pads", 8, pads);
        fvi_onnx_set_float(out, op, "value", value);
    } else {
        fvi_onnx_input(out, op, fvi_onnx_ints(out, "pads", 8, pads));
        fvi_onnx_input(out, op, fvi_onnx_scalar(out, "value", value));
    }
    return fvi_onnx_output(op);
}

void fvi_onnx_pad(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_pad_options *options = node->options;
    fvi_onnx_edges edges;
    memcpy(edges.pad, options->pad, sizeof edges.pad);
    memcpy(edges.channels, options->channels, sizeof edges.channels);
    fvi_onnx_pad_of(out, NULL, fvi_onnx_take(out, 0, FVI_ONNX_IMAGE), &edges, options->value);
}

/* From `starts` to before `ends` along `axes`. */
static void write_slice(fvi_onnx_out *out, int32_t count, const int64_t *axes, const int64_t *starts,
                        const int64_t *ends)
{
    const fvi_onnx_form form = fvi_onnx_common_form(out);
    const char *x = fvi_onnx_take(out, 0, form);
    fvi_onnx_op *op = fvi_onnx_last(out, "Slice", form);
    fvi_onnx_input(out, op, x);
    if (out->opset < 10) {
        fvi_onnx_set_ints(out, op, "starts", count, starts);
        fvi_onnx_set_ints(out, op, "ends", count, ends);
        fvi_onnx_set_ints(out, op, "axes", count, axes);
    } else {
        fvi_onnx_input(out, op, fvi_onnx_ints(out, "starts", count, starts));
        fvi_onnx_input(out, op, fvi_onnx_ints(out, "ends", count, ends));
        fvi_onnx_input(out, op, fvi_onnx_ints(out, "axes", count, axes));
    }
}

void fvi_onnx_crop(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_crop_options *options = node->options;
    const int64_t axes[] = { 2, 3 }, starts[] = { options->crop[0], options->crop[1] };
    const int64_t ends[] = { node->in[0].h - options->crop[2], node->in[0].w - options->crop[3] };
    if (fvi_onnx_common_form(out) == FVI_ONNX_VECTOR)
        fvi_onnx_same(out); /* one pixel, of which nothing can be cut off */
    else
        write_slice(out, 2, axes, starts, ends);
}

void fvi_onnx_slice(fvi_onnx_out *out, const fvi_node *node)
{
    const fv_slice_options *options = node->options;
    const int64_t axes[] = { 1 }, starts[] = { options->first }, ends[] = { options->first + options->count };
    (void)node;
    write_slice(out, 1, axes, starts, ends);
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

void fvi_onnx_add(fvi_onnx_out *out, const fvi_node *node)
{
    if (node->input_count == 1)
        fvi_onnx_same(out);
    else
        join(out, node, node->input_count == 2 ? "Add" : "Sum");
}

void fvi_onnx_multiply(fvi_onnx_out *out, const fvi_node *node)
{
    join(out, node, "Mul");
}

#endif
