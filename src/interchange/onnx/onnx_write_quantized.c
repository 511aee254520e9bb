/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_quantized.c - networks in 8 bits in the form that is called QDQ: operators stay those of float32, and each value or weight that
 * is stored in bytes passes QuantizeLinear and DequantizeLinear, or DequantizeLinear alone, which a runtime makes one with the operator
 * behind it. Biases are numbers of 32 bits by the scale of the sums where all of them fit, else float32.
 */
#include "interchange/onnx/onnx_write.h"

#ifdef FVI_HAVE_ONNX

#include <math.h>
#include <string.h>

#include "kernel/int8/conv2d_int8.h"

enum { PER_AXIS = 13 /* the opset from which on scales may be one for each output */ };

static fv_quantized quantized(const fvi_onnx_out *out, fv_value value)
{
    return fv_graph_quantized(out->graph, value);
}

static const char *scalar_byte(fvi_onnx_out *out, const char *part, int32_t value)
{
    uint8_t *copy = fvi_onnx_memory(out, 1, 1);
    if (copy == NULL)
        return "";
    *copy = (uint8_t)value;
    return fvi_onnx_typed(out, part, ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 1, 0, NULL, copy);
}

static void pass_bytes(fvi_onnx_out *out, fvi_onnx_form form, const fv_quantized *stored)
{
    const char *scale = fvi_onnx_scalar(out, "scale", (double)stored->scale);
    const char *zero = scalar_byte(out, "zero_point", stored->zero_point);
    fvi_onnx_op *to = fvi_onnx_part(out, "QuantizeLinear", "quantized");
    fvi_onnx_input(out, to, out->value[out->at].name[form]);
    fvi_onnx_input(out, to, scale);
    fvi_onnx_input(out, to, zero);
    fvi_onnx_op *back = fvi_onnx_part(out, "DequantizeLinear", "dequantized");
    fvi_onnx_input(out, back, fvi_onnx_output(to));
    fvi_onnx_input(out, back, scale);
    fvi_onnx_input(out, back, zero);
    out->value[out->at].name[form] = fvi_onnx_output(back);
    fvi_onnx_append(out, &out->shapes, fvi_onnx_value_info(out, fvi_onnx_output(back), out->node->out, form));
}

void fvi_onnx_write_stored(fvi_onnx_out *out)
{
    const fv_quantized stored = quantized(out, out->at);
    if (stored.scale == 0 || out->value[out->at].same != out->at || out->status != FV_OK)
        return;
    const fvi_onnx_form form = out->value[out->at].name[FVI_ONNX_IMAGE] != NULL ? FVI_ONNX_IMAGE : FVI_ONNX_VECTOR;
    pass_bytes(out, form, &stored);
    out->value[out->at].name[form == FVI_ONNX_IMAGE ? FVI_ONNX_VECTOR : FVI_ONNX_IMAGE] =
        NULL; /* made from the bytes */
}

const char *fvi_onnx_write_weight(fvi_onnx_out *out)
{
    const fv_quantized weights = quantized(out, out->at);
    if (weights.weight_scale == NULL)
        return fvi_onnx_param(out, "weight");
    if (out->opset < PER_AXIS)
        fvi_onnx_fail(out, FV_ERR_UNSUPPORTED, "its weights in bytes need opset %d of ONNX, not %d", (int)PER_AXIS,
                      (int)out->opset);
    const fv_shape *shape = &out->node->param[0].shape;
    const int64_t count = fv_shape_elements(shape), each = count / weights.outputs, outputs[] = { weights.outputs };
    const float *values = fvi_onnx_param_values(out, "weight");
    int8_t *bytes = fvi_onnx_memory(out, (size_t)count, 1), *zeros = fvi_onnx_memory(out, (size_t)weights.outputs, 1);
    if (bytes == NULL || zeros == NULL)
        return "";
    for (int64_t i = 0; i < count; i++)
        bytes[i] = fvi_int8_of_weight(values[i], weights.weight_scale[i / each]);
    const char *name =
        fvi_onnx_typed(out, "weight_bytes", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 1, shape->rank, shape->size, bytes);
    const char *scale = fvi_onnx_floats(out, "weight_scale", 1, outputs, weights.weight_scale);
    const char *zero =
        fvi_onnx_typed(out, "weight_zero_point", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 1, 1, outputs, zeros);
    fvi_onnx_op *op = fvi_onnx_part(out, "DequantizeLinear", "weight");
    fvi_onnx_input(out, op, name);
    fvi_onnx_input(out, op, scale);
    fvi_onnx_input(out, op, zero);
    fvi_onnx_set_int(out, op, "axis", 0);
    return fvi_onnx_output(op);
}

const char *fvi_onnx_write_bias(fvi_onnx_out *out)
{
    const fv_quantized weights = quantized(out, out->at), x = quantized(out, out->node->inputs[0]);
    const float *values = fvi_onnx_param_values(out, "bias");
    if (values == NULL || weights.weight_scale == NULL || x.scale == 0)
        return fvi_onnx_param(out, "bias");
    const size_t count = (size_t)weights.outputs;
    const int64_t outputs[] = { weights.outputs };
    int32_t *whole = fvi_onnx_memory(out, count, sizeof *whole), *zeros = fvi_onnx_memory(out, count, sizeof *zeros);
    float *scales = fvi_onnx_memory(out, count, sizeof *scales);
    if (whole == NULL || zeros == NULL || scales == NULL)
        return "";
    for (size_t k = 0; k < count; k++) {
        scales[k] = x.scale * weights.weight_scale[k];
        const double number = rint((double)values[k] / (double)scales[k]);
        if (!(fabs(number) <= INT32_MAX)) /* a scale of next to nothing */
            return fvi_onnx_param(out, "bias");
        whole[k] = (int32_t)number;
    }
    const char *name =
        fvi_onnx_typed(out, "bias_sums", ONNX__TENSOR_PROTO__DATA_TYPE__INT32, sizeof *whole, 1, outputs, whole);
    const char *scale = fvi_onnx_floats(out, "bias_scale", 1, outputs, scales);
    const char *zero =
        fvi_onnx_typed(out, "bias_zero_point", ONNX__TENSOR_PROTO__DATA_TYPE__INT32, sizeof *zeros, 1, outputs, zeros);
    fvi_onnx_op *op = fvi_onnx_part(out, "DequantizeLinear", "bias");
    fvi_onnx_input(out, op, name);
    fvi_onnx_input(out, op, scale);
    fvi_onnx_input(out, op, zero);
    fvi_onnx_set_int(out, op, "axis", 0);
    return fvi_onnx_output(op);
}

#endif
