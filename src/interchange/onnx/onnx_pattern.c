/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_pattern.c - what exporters took apart, put together again: activations that are products (x * sigmoid(x)), a bias added behind
 * a layer, zeros padded before a convolution. The last node of a pattern becomes the operator; the others die where nothing else
 * reads them.
 */
#include <math.h>
#include <string.h>

#include "interchange/onnx/onnx_file.h"

enum { FACTORS = 4, DEEP = 4 };

/* A product: a constant times values. */
typedef struct product {
    double constant;
    fvi_onnx_value *factor[FACTORS];
    int32_t count;
} product;

void fvi_onnx_mark_alive(fvi_onnx *onnx)
{
    for (size_t i = 0; i < onnx->value_count; i++)
        onnx->values[i]->readers = 0;
    onnx->output->readers = 1;
    for (size_t i = onnx->node_count; i-- > 0;) {
        fvi_onnx_node *node = onnx->nodes[i];
        node->alive = false;
        for (int32_t j = 0; j < node->output_count; j++)
            node->alive = node->alive || (node->output[j] != NULL && node->output[j]->readers > 0);
        for (int32_t j = 0; node->alive && j < node->input_count; j++)
            if (node->input[j] != NULL)
                node->input[j]->readers++;
    }
}

static bool is_op(const fvi_onnx_node *node, const char *type)
{
    return node != NULL && node->domain[0] == '\0' && strcmp(node->type, type) == 0;
}

static bool has_inputs(const fvi_onnx_node *node, int32_t count)
{
    bool all = node->input_count >= count;
    for (int32_t i = 0; all && i < count; i++)
        all = node->input[i] != NULL;
    return all;
}

/* A single number that is known. */
static fv_status number_of(fvi_onnx *onnx, fvi_onnx_value *value, bool *is_number, double *number)
{
    const fvi_onnx_constant *constant = NULL;
    *is_number = false;
    if (!fvi_onnx_is_constant(value))
        return FV_OK;
    FV_TRY(fvi_onnx_constant_of(onnx, value, &constant));
    if (constant == NULL || constant->count != 1)
        return FV_OK;
    *is_number = true;
    *number = constant->integer ? (double)constant->whole[0] : (double)constant->real[0];
    return FV_OK;
}

/* Numbers as exporters write them: in float32, rounded or computed. */
static bool near(double value, double expected)
{
    return fabs(value - expected) <= 1e-5 * fabs(expected);
}

/* Collects the factors of value into p, through products and divisions by numbers. */
static fv_status factors_of(fvi_onnx *onnx, fvi_onnx_value *value, int32_t depth, product *p)
{
    const fvi_onnx_node *node = value->producer;
    bool is_number = false;
    double number = 0;
    FV_TRY(number_of(onnx, value, &is_number, &number));
    if (is_number) {
        p->constant *= number;
        return FV_OK;
    }
    if (depth < DEEP && is_op(node, "Mul") && has_inputs(node, 2)) {
        FV_TRY(factors_of(onnx, node->input[0], depth + 1, p));
        return factors_of(onnx, node->input[1], depth + 1, p);
    }
    if (depth < DEEP && is_op(node, "Div") && has_inputs(node, 2)) {
        FV_TRY(number_of(onnx, node->input[1], &is_number, &number));
        if (is_number && number != 0) {
            p->constant /= number;
            return factors_of(onnx, node->input[0], depth + 1, p);
        }
    }
    if (p->count < FACTORS)
        p->factor[p->count] = value;
    p->count++;
    return FV_OK;
}

/* value = number + rest. */
static fv_status sum_with(fvi_onnx *onnx, const fvi_onnx_value *value, double expected, fvi_onnx_value **rest)
{
    const fvi_onnx_node *node = value->producer;
    *rest = NULL;
    for (int32_t i = 0; i < 2 && is_op(node, "Add") && has_inputs(node, 2); i++) {
        bool is_number = false;
        double number = 0;
        FV_TRY(number_of(onnx, node->input[i], &is_number, &number));
        if (is_number && near(number, expected))
            *rest = node->input[1 - i];
    }
    return FV_OK;
}

static void become(fvi_onnx_node *node, const char *domain, const char *type, fvi_onnx_value *input)
{
    node->domain = domain;
    node->type = type;
    node->input[0] = input;
    node->input_count = 1;
    node->attribute_count = 0;
}

/* clip(x + 3, 0, 6) in one node or in two. */
static fv_status shifted_clip(fvi_onnx *onnx, const fvi_onnx_value *value, fvi_onnx_value **x)
{
    const fvi_onnx_node *clip = value->producer;
    bool low_is = false, high_is = false;
    double low = 0, high = 0;
    *x = NULL;
    if (!is_op(clip, "Clip") || !has_inputs(clip, 1))
        return FV_OK;
    if (clip->opset < 11) {
        low_is = high_is = true;
        FV_TRY(fvi_onnx_real(onnx, clip, "min", -INFINITY, &low));
        FV_TRY(fvi_onnx_real(onnx, clip, "max", INFINITY, &high));
    } else if (has_inputs(clip, 3)) {
        FV_TRY(number_of(onnx, clip->input[1], &low_is, &low));
        FV_TRY(number_of(onnx, clip->input[2], &high_is, &high));
    }
    if (low_is && high_is && low == 0 && high == 6)
        FV_TRY(sum_with(onnx, clip->input[0], 3, x));
    return FV_OK;
}

/* Is gate 1 + erf(x / sqrt 2), or 1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))? */
static fv_status gelu_gate(fvi_onnx *onnx, const fvi_onnx_value *gate, const fvi_onnx_value *x, bool *exact,
                           bool *tanh_form)
{
    fvi_onnx_value *rest = NULL;
    product p = { .constant = 1 };
    *exact = *tanh_form = false;
    FV_TRY(sum_with(onnx, gate, 1, &rest));
    const fvi_onnx_node *node = rest != NULL ? rest->producer : NULL;
    if (!(is_op(node, "Erf") || is_op(node, "Tanh")) || !has_inputs(node, 1))
        return FV_OK;
    FV_TRY(factors_of(onnx, node->input[0], 0, &p));
    if (p.count != 1)
        return FV_OK;
    if (is_op(node, "Erf")) {
        *exact = p.factor[0] == x && near(p.constant, 0.70710678118654752);
        return FV_OK;
    }
    const fvi_onnx_node *sum = p.factor[0]->producer;
    if (!near(p.constant, 0.79788456080286536) || !is_op(sum, "Add") || !has_inputs(sum, 2))
        return FV_OK;
    for (int32_t i = 0; i < 2; i++) {
        product cube = { .constant = 1 };
        bool is_number = false;
        double power = 0;
        FV_TRY(factors_of(onnx, sum->input[1 - i], 0, &cube));
        if (sum->input[i] != x || !near(cube.constant, 0.044715))
            continue;
        const fvi_onnx_node *pow_node = cube.count == 1 ? cube.factor[0]->producer : NULL;
        if (is_op(pow_node, "Pow") && has_inputs(pow_node, 2) && pow_node->input[0] == x)
            FV_TRY(number_of(onnx, pow_node->input[1], &is_number, &power));
        *tanh_form = *tanh_form || (is_number && power == 3) ||
                     (cube.count == 3 && cube.factor[0] == x && cube.factor[1] == x && cube.factor[2] == x);
    }
    return FV_OK;
}

/* x times a gate computed from x. */
static fv_status match_gated(fvi_onnx *onnx, fvi_onnx_node *node, const product *p)
{
    for (int32_t i = 0; i < 2; i++) {
        fvi_onnx_value *x = p->factor[i], *gate = p->factor[1 - i], *shifted = NULL;
        const fvi_onnx_node *from = gate->producer;
        bool exact = false, tanh_form = false;
        double alpha = 0, beta = 0;
        const bool gated = from != NULL && has_inputs(from, 1) && from->input[0] == x;
        if (gated && is_op(from, "Sigmoid") && near(p->constant, 1)) {
            become(node, FVI_ONNX_OWN, "Silu", x);
            return FV_OK;
        }
        if (gated && is_op(from, "HardSigmoid")) {
            FV_TRY(fvi_onnx_real(onnx, from, "alpha", 0.2, &alpha));
            FV_TRY(fvi_onnx_real(onnx, from, "beta", 0.5, &beta));
        }
        FV_TRY(shifted_clip(onnx, gate, &shifted));
        if ((near(alpha, 1.0 / 6) && near(beta, 0.5) && near(p->constant, 1)) ||
            (shifted == x && near(p->constant, 1.0 / 6))) {
            become(node, "", "HardSwish", x);
            return FV_OK;
        }
        FV_TRY(gelu_gate(onnx, gate, x, &exact, &tanh_form));
        if ((exact || tanh_form) && near(p->constant, 0.5)) {
            become(node, FVI_ONNX_OWN, exact ? "Gelu" : "GeluTanh", x);
            return FV_OK;
        }
    }
    return FV_OK;
}

static fv_status match_product(fvi_onnx *onnx, fvi_onnx_node *node)
{
    product p = { .constant = 1 };
    fvi_onnx_value *x = NULL;
    if (!(is_op(node, "Mul") || is_op(node, "Div")) || !has_inputs(node, 2) || node->output_count != 1 ||
        node->output[0] == NULL)
        return FV_OK;
    FV_TRY(factors_of(onnx, node->output[0], 0, &p));
    if (p.count == 2)
        return match_gated(onnx, node, &p);
    if (p.count != 1 || !near(p.constant, 1.0 / 6))
        return FV_OK;
    FV_TRY(shifted_clip(onnx, p.factor[0], &x));
    if (x != NULL)
        become(node, FVI_ONNX_OWN, "HardSigmoid", x);
    return FV_OK;
}

/* PyTorch's softplus: x itself where x > threshold. From 15 on the two differ by less than float32 can tell. */
static fv_status match_softplus(fvi_onnx *onnx, fvi_onnx_node *node)
{
    bool is_number = false;
    double threshold = 0;
    if (!is_op(node, "Where") || !has_inputs(node, 3))
        return FV_OK;
    fvi_onnx_value *x = node->input[1];
    const fvi_onnx_node *greater = node->input[0]->producer, *softplus = node->input[2]->producer;
    if (!is_op(greater, "Greater") || !has_inputs(greater, 2) || greater->input[0] != x ||
        !is_op(softplus, "Softplus") || !has_inputs(softplus, 1) || softplus->input[0] != x)
        return FV_OK;
    FV_TRY(number_of(onnx, greater->input[1], &is_number, &threshold));
    if (is_number && threshold >= 15)
        become(node, "", "Softplus", x);
    return FV_OK;
}

/* A bias behind a layer that has none: Add of a constant with a value for each filter or unit. */
static fv_status match_bias(fvi_onnx *onnx, fvi_onnx_node *node)
{
    for (int32_t i = 0; i < 2 && is_op(node, "Add") && has_inputs(node, 2); i++) {
        fvi_onnx_node *layer = node->input[i]->producer;
        fvi_onnx_value *bias = node->input[1 - i];
        const fvi_onnx_constant *weight = NULL, *values = NULL;
        const bool is_matrix = is_op(layer, "MatMul");
        if (!(is_matrix || is_op(layer, "Conv")) || layer->input_count != 2 || !has_inputs(layer, 2) ||
            node->input[i]->readers != 1 || !fvi_onnx_is_constant(bias) || !fvi_onnx_is_constant(layer->input[1]))
            continue;
        FV_TRY(fvi_onnx_constant_of(onnx, layer->input[1], &weight));
        FV_TRY(fvi_onnx_constant_of(onnx, bias, &values));
        const int32_t spatial = is_matrix ? 0 : weight->rank - 2;
        if (weight->rank < 2 || (is_matrix && weight->rank != 2) || values->rank < spatial + 1 || values->integer)
            continue;
        const int64_t units = is_matrix ? weight->size[1] : weight->size[0];
        if (values->count != units || values->size[values->rank - 1 - spatial] != units)
            continue;
        fvi_onnx_value **input = fvi_arena_allocate(onnx->arena, 3 * sizeof *input);
        if (input == NULL)
            return fvi_out_of_memory(onnx->context, "a node's inputs", 3 * sizeof *input);
        input[0] = layer->input[0];
        input[1] = layer->input[1];
        input[2] = bias;
        node->input = input;
        node->input_count = 3;
        node->type = layer->type;
        node->name = layer->name;
        node->attribute = layer->attribute;
        node->attribute_count = layer->attribute_count;
        memcpy(node->pad, layer->pad, sizeof node->pad);
        return FV_OK;
    }
    return FV_OK;
}

/* Zeros around the image before a convolution are the convolution's own padding. */
static fv_status match_pad(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const int64_t *pads = NULL;
    int32_t count = 0;
    const char *mode = NULL, *automatic = NULL;
    double value = 0;
    bool is_number = true;
    fvi_onnx_node *pad = is_op(node, "Conv") && has_inputs(node, 2) ? node->input[0]->producer : NULL;
    if (!is_op(pad, "Pad") || !has_inputs(pad, 1) || pad->input_count > 3)
        return FV_OK;
    if (pad->input_count > 1 && !fvi_onnx_is_constant(pad->input[1]))
        return FV_OK;
    FV_TRY(fvi_onnx_text(onnx, pad, "mode", "constant", &mode));
    FV_TRY(fvi_onnx_text(onnx, node, "auto_pad", "NOTSET", &automatic));
    FV_TRY(fvi_onnx_ints_or_input(onnx, pad, "pads", 1, &pads, &count));
    if (pad->opset < 11)
        FV_TRY(fvi_onnx_real(onnx, pad, "value", 0, &value));
    else if (pad->input_count > 2 && pad->input[2] != NULL)
        FV_TRY(number_of(onnx, pad->input[2], &is_number, &value));
    if (strcmp(mode, "constant") != 0 || strcmp(automatic, "NOTSET") != 0 || count != 8 || !is_number || value != 0 ||
        pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0)
        return FV_OK;
    for (int32_t i = 0; i < 4; i++)
        if (pads[i + (i < 2 ? 2 : 4)] < 0 || pads[i + (i < 2 ? 2 : 4)] > 65535)
            return FV_OK;
    for (int32_t i = 0; i < 4; i++)
        node->pad[i] = pads[i + (i < 2 ? 2 : 4)];
    node->input[0] = pad->input[0];
    return FV_OK;
}

fv_status fvi_onnx_match_patterns(fvi_onnx *onnx)
{
    for (size_t i = 0; i < onnx->node_count; i++) {
        fvi_onnx_node *node = onnx->nodes[i];
        if (!node->alive)
            continue;
        FV_TRY(match_product(onnx, node));
        FV_TRY(match_softplus(onnx, node));
        FV_TRY(match_pad(onnx, node));
        FV_TRY(match_bias(onnx, node));
    }
    fvi_onnx_mark_alive(onnx);
    return FV_OK;
}
