/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_table.c - the operators that the reader knows, one line each, and the comparison of a file's with them. docs/onnx.md has
 * the same table for people; a test compares the two.
 */
#include <stdlib.h>
#include <string.h>

#include "interchange/onnx/onnx_map.h"

#define ON_CONSTANTS "a constant"
#define OF_SHAPES "constants, as exporters compute shapes"
#define GELU "a part of gelu: x/2 * (1 + erf(x/sqrt 2)) or its form by tanh"

const fvi_onnx_operator fvi_onnx_operators[] = {
    { { "Abs", 7, "absolute" }, "", fvi_onnx_map_plain },
    { { "Add", 7, "add; linear, scale (a constant); the bias of the layer before it" }, "", fvi_onnx_map_binary },
    { { "And", 7, OF_SHAPES }, "", NULL },
    { { "AveragePool", 7, "average_pool2d" }, "", fvi_onnx_map_average_pool },
    { { "BatchNormalization", 7, "batch_norm" }, "", fvi_onnx_map_batch_norm },
    { { "Cast", 7, OF_SHAPES }, "", NULL },
    { { "Ceil", 7, OF_SHAPES }, "", NULL },
    { { "Clip", 7, "clip, relu6, relu" }, "", fvi_onnx_map_clip },
    { { "Concat", 7, "concat" }, "", fvi_onnx_map_concat },
    { { "Constant", 7, ON_CONSTANTS }, "", NULL },
    { { "ConstantOfShape", 9, ON_CONSTANTS }, "", NULL },
    { { "Conv", 7, "conv2d" }, "", fvi_onnx_map_conv },
    { { "ConvTranspose", 7, "conv2d_transpose" }, "", fvi_onnx_map_conv_transpose },
    { { "Div", 7, "divide; linear, scale (by a constant)" }, "", fvi_onnx_map_binary },
    { { "Dropout", 7, "dropout" }, "", fvi_onnx_map_dropout },
    { { "Elu", 7, "elu" }, "", fvi_onnx_map_elu },
    { { "Equal", 7, OF_SHAPES }, "", NULL },
    { { "Erf", 9, GELU }, "", NULL },
    { { "Exp", 7, "exp" }, "", fvi_onnx_map_plain },
    { { "Expand", 8, OF_SHAPES }, "", NULL },
    { { "Flatten", 7, "nothing, or flatten" }, "", fvi_onnx_map_flatten },
    { { "Floor", 7, OF_SHAPES }, "", NULL },
    { { "Gather", 7, OF_SHAPES }, "", NULL },
    { { "Gelu", 20, "gelu" }, "", fvi_onnx_map_gelu },
    { { "Gemm", 7, "dense" }, "", fvi_onnx_map_gemm },
    { { "GlobalAveragePool", 7, "global_average_pool" }, "", fvi_onnx_map_global_pool },
    { { "GlobalMaxPool", 7, "global_max_pool" }, "", fvi_onnx_map_global_pool },
    { { "Greater", 7, OF_SHAPES "; a part of softplus" }, "", NULL },
    { { "HardSigmoid", 7, "hard_sigmoid" }, "", fvi_onnx_map_hard_sigmoid },
    { { "HardSwish", 14, "hard_swish" }, "", fvi_onnx_map_plain },
    { { "Identity", 7, "nothing" }, "", fvi_onnx_map_identity },
    { { "InstanceNormalization", 7, "group_norm" }, "", fvi_onnx_map_instance_norm },
    { { "LRN", 7, "local_response_norm" }, "", fvi_onnx_map_lrn },
    { { "LayerNormalization", 17, "layer_norm" }, "", fvi_onnx_map_layer_norm },
    { { "LeakyRelu", 7, "leaky_relu" }, "", fvi_onnx_map_leaky_relu },
    { { "Less", 7, OF_SHAPES }, "", NULL },
    { { "Log", 7, "log" }, "", fvi_onnx_map_plain },
    { { "LogSoftmax", 7, "log_softmax" }, "", fvi_onnx_map_softmax },
    { { "MatMul", 7, "dense; conv2d of 1x1 on channels that ONNX has last" }, "", fvi_onnx_map_matmul },
    { { "Max", 7, OF_SHAPES }, "", NULL },
    { { "MaxPool", 7, "max_pool2d" }, "", fvi_onnx_map_max_pool },
    { { "Min", 7, OF_SHAPES }, "", NULL },
    { { "Mod", 10, OF_SHAPES }, "", NULL },
    { { "Mul", 7, "multiply; linear, scale (by a constant); silu, hard_swish, gelu where it is a part of one" },
      "",
      fvi_onnx_map_binary },
    { { "Neg", 7, "linear" }, "", fvi_onnx_map_negation },
    { { "Not", 7, OF_SHAPES }, "", NULL },
    { { "Or", 7, OF_SHAPES }, "", NULL },
    { { "PRelu", 7, "prelu" }, "", fvi_onnx_map_prelu },
    { { "Pad", 7, "pad; the padding of the convolution behind it" }, "", fvi_onnx_map_pad },
    { { "Pow", 7, "power" }, "", fvi_onnx_map_power },
    { { "Range", 11, OF_SHAPES }, "", NULL },
    { { "Reciprocal", 7, "power" }, "", fvi_onnx_map_power },
    { { "ReduceMax", 7, "global_max_pool" }, "", fvi_onnx_map_reduce_mean },
    { { "ReduceMean", 7, "global_average_pool" }, "", fvi_onnx_map_reduce_mean },
    { { "ReduceMin", 7, OF_SHAPES }, "", NULL },
    { { "ReduceProd", 7, OF_SHAPES }, "", NULL },
    { { "ReduceSum", 7, OF_SHAPES }, "", NULL },
    { { "Relu", 7, "relu" }, "", fvi_onnx_map_plain },
    { { "Reshape", 7, "nothing, or reshape" }, "", fvi_onnx_map_reshape },
    { { "Resize", 10, "resize" }, "", fvi_onnx_map_resize },
    { { "Selu", 7, "selu" }, "", fvi_onnx_map_selu },
    { { "Shape", 7, ON_CONSTANTS }, "", NULL },
    { { "Sigmoid", 7, "sigmoid" }, "", fvi_onnx_map_plain },
    { { "Size", 7, OF_SHAPES }, "", NULL },
    { { "Slice", 7, "slice, crop" }, "", fvi_onnx_map_slice },
    { { "Softmax", 7, "softmax" }, "", fvi_onnx_map_softmax },
    { { "Softplus", 7, "softplus" }, "", fvi_onnx_map_plain },
    { { "Split", 7, "slice, crop" }, "", fvi_onnx_map_split },
    { { "Sqrt", 7, "power" }, "", fvi_onnx_map_power },
    { { "Squeeze", 7, "nothing, or reshape" }, "", fvi_onnx_map_squeeze },
    { { "Sub", 7, "subtract; linear, scale (a constant)" }, "", fvi_onnx_map_binary },
    { { "Sum", 8, "add" }, "", fvi_onnx_map_sum },
    { { "Tanh", 7, "tanh" }, "", fvi_onnx_map_plain },
    { { "Transpose", 7, "nothing until a layer needs the order" }, "", fvi_onnx_map_transpose },
    { { "Unsqueeze", 7, "nothing, or reshape" }, "", fvi_onnx_map_unsqueeze },
    { { "Upsample", 7, "resize" }, "", fvi_onnx_map_resize },
    { { "Where", 9, OF_SHAPES "; a part of softplus" }, "", NULL },
    { { "Gelu", 0, "gelu" }, FVI_ONNX_OWN, fvi_onnx_map_gelu },
    { { "GeluTanh", 0, "gelu" }, FVI_ONNX_OWN, fvi_onnx_map_gelu },
    { { "HardSigmoid", 0, "hard_sigmoid" }, FVI_ONNX_OWN, fvi_onnx_map_hard_sigmoid },
    { { "Silu", 0, "silu" }, FVI_ONNX_OWN, fvi_onnx_map_plain },
    { { NULL, 0, NULL }, NULL, NULL },
};

const fv_onnx_entry *fv_onnx_table(int32_t index)
{
    for (int32_t i = 0; i <= index; i++)
        if (fvi_onnx_operators[i].entry.name == NULL || fvi_onnx_operators[i].domain[0] != '\0')
            return NULL;
    return index >= 0 ? &fvi_onnx_operators[index].entry : NULL;
}

static const char *why_not(const fv_onnx_operator *used)
{
    const fvi_onnx_operator *known = fvi_onnx_find_operator(used->domain, used->name);
    if (used->domain[0] != '\0')
        return "not an operator of ONNX, nor a function of the file";
    if (known == NULL)
        return "there is no layer for it";
    return used->opset < known->entry.since ? "the operator is newer than the opset that the file asks for" : NULL;
}

static int by_name(const void *left, const void *right)
{
    const fv_onnx_operator *a = left, *b = right;
    const int order = strcmp(a->name, b->name);
    return order != 0 ? order : strcmp(a->domain, b->domain);
}

/* One entry for each kind, counted. */
static int32_t count_kinds(fv_onnx_operator *used, int32_t count)
{
    int32_t kinds = 0;
    qsort(used, (size_t)count, sizeof *used, by_name);
    for (int32_t i = 0; i < count; i++)
        if (kinds > 0 && by_name(&used[kinds - 1], &used[i]) == 0)
            used[kinds - 1].count++;
        else
            used[kinds++] = used[i];
    return kinds;
}

fv_status fvi_onnx_check_operators(fvi_onnx *onnx)
{
    char list[400] = "";
    size_t length = 0;
    fv_onnx_operator *used = fvi_allocate_zeroed(onnx->context, onnx->node_count + 1, sizeof *used);
    if (used == NULL)
        return fvi_out_of_memory(onnx->context, "a list of operators", onnx->node_count * sizeof *used);
    for (size_t i = 0; i < onnx->node_count; i++)
        used[i] = (fv_onnx_operator){
            .domain = onnx->nodes[i]->domain, .name = onnx->nodes[i]->type, .opset = onnx->nodes[i]->opset, .count = 1
        };
    const int32_t kinds = count_kinds(used, (int32_t)onnx->node_count);
    for (int32_t i = 0; i < kinds; i++) {
        used[i].why = why_not(&used[i]);
        if (used[i].why != NULL && length + strlen(used[i].name) + 3 < sizeof list) {
            memcpy(list + length, length > 0 ? ", " : "", length > 0 ? 2 : 0);
            length += length > 0 ? 2 : 0;
            memcpy(list + length, used[i].name, strlen(used[i].name) + 1);
            length += strlen(used[i].name);
        }
    }
    if (onnx->options->operators != NULL)
        onnx->options->operators(onnx->options->user, used, kinds);
    fvi_release(onnx->context, used);
    if (length == 0)
        return FV_OK;
    return fvi_onnx_fail_file(onnx, FV_ERR_UNSUPPORTED, "there is no layer for these of its operators: %s", list);
}
