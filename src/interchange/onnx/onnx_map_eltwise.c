/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_map_eltwise.c - activations, and sums and products of two values. What is done element by element does not care in which
 * order ONNX sees the axes.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "interchange/onnx/onnx_map.h"

static fv_status add_unary(fvi_onnx *onnx, fvi_onnx_node *node, const char *type, void *options)
{
    const fvi_onnx_value *x = NULL;
    fv_value y = FV_NO_VALUE;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_add_layer(onnx, node, type, &x->value, 1, options, &y));
    return fvi_onnx_emit_like(onnx, node, y, x);
}

/* Activations without options: the table's text is the layer. */
fv_status fvi_onnx_map_plain(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_operator *known = fvi_onnx_find_operator(node->domain, node->type);
    return add_unary(onnx, node, known->entry.becomes, NULL);
}

fv_status fvi_onnx_map_leaky_relu(fvi_onnx *onnx, fvi_onnx_node *node)
{
    fv_leaky_relu_options options = { 0 };
    FV_TRY(fvi_onnx_real(onnx, node, "alpha", 0.01, &options.slope));
    if (options.slope == 0) /* which is fovea's default */
        return add_unary(onnx, node, "relu", NULL);
    return add_unary(onnx, node, "leaky_relu", &options);
}

fv_status fvi_onnx_map_elu(fvi_onnx *onnx, fvi_onnx_node *node)
{
    fv_elu_options options = { 0 };
    FV_TRY(fvi_onnx_real(onnx, node, "alpha", 1, &options.alpha));
    if (options.alpha == 0)
        return add_unary(onnx, node, "relu", NULL);
    return add_unary(onnx, node, "elu", &options);
}

fv_status fvi_onnx_map_selu(fvi_onnx *onnx, fvi_onnx_node *node)
{
    double alpha = 0, gamma = 0;
    FV_TRY(fvi_onnx_real(onnx, node, "alpha", 1.67326324, &alpha));
    FV_TRY(fvi_onnx_real(onnx, node, "gamma", 1.05070099, &gamma));
    if (fabs(alpha - 1.67326324) > 1e-6 || fabs(gamma - 1.05070099) > 1e-6)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "with alpha %g and gamma %g, not the paper's", alpha,
                                  gamma);
    return add_unary(onnx, node, "selu", NULL);
}

/* Slopes: one, or one for each channel ([c, 1, 1]). */
fv_status fvi_onnx_map_prelu(fvi_onnx *onnx, fvi_onnx_node *node)
{
    fvi_onnx_value *given = node->input_count > 1 ? node->input[1] : NULL;
    const fvi_onnx_constant *slope = NULL;
    fv_image_shape shape;
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    FV_TRY(fvi_onnx_image(onnx, node, 0, &x, &shape));
    FV_TRY(fvi_onnx_constant_of(onnx, given, &slope));
    const int32_t spatial = node->input[0]->rank - 2;
    const bool fits = slope != NULL && !slope->integer &&
                      (slope->count == 1 || (slope->count == shape.c && slope->rank > spatial &&
                                             slope->size[slope->rank - 1 - spatial] == shape.c));
    if (!fits)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE,
                                  "its slopes '%.60s' are not one number, nor one for each of %d channels",
                                  given != NULL ? given->name : "", shape.c);
    fv_prelu_options options = { .shared = slope->count == 1 };
    FV_TRY(fvi_onnx_add_layer(onnx, node, "prelu", &x, 1, &options, &y));
    FV_TRY(fvi_onnx_fill(onnx, y, "weight", slope->real, slope->count));
    return fvi_onnx_emit_image(onnx, node, y, node->input[0]->rank);
}

fv_status fvi_onnx_map_clip(fvi_onnx *onnx, fvi_onnx_node *node)
{
    double low = -INFINITY, high = INFINITY;
    if (node->opset < 11) {
        FV_TRY(fvi_onnx_real(onnx, node, "min", -INFINITY, &low));
        FV_TRY(fvi_onnx_real(onnx, node, "max", INFINITY, &high));
    } else {
        FV_TRY(fvi_onnx_number(onnx, node, 1, -INFINITY, &low));
        FV_TRY(fvi_onnx_number(onnx, node, 2, INFINITY, &high));
    }
    if (low == 0 && high == 6)
        return add_unary(onnx, node, "relu6", NULL);
    if (low == 0 && high >= 3.4028234e38)
        return add_unary(onnx, node, "relu", NULL);
    fv_clip_options options = { .low = low < -FLT_MAX ? -4e38 : low, .high = high > FLT_MAX ? 4e38 : high };
    return add_unary(onnx, node, "clip", &options);
}

fv_status fvi_onnx_map_hard_sigmoid(fvi_onnx *onnx, fvi_onnx_node *node)
{
    double alpha = 1.0 / 6, beta = 0.5;
    if (strcmp(node->domain, FVI_ONNX_OWN) != 0) {
        FV_TRY(fvi_onnx_real(onnx, node, "alpha", 0.2, &alpha));
        FV_TRY(fvi_onnx_real(onnx, node, "beta", 0.5, &beta));
    }
    fv_hard_sigmoid_options options = { .alpha = alpha, .beta = beta };
    if (alpha == 0 || beta == 0) /* which mean fovea's defaults */
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "with alpha %g and beta %g", alpha, beta);
    return add_unary(onnx, node, "hard_sigmoid", &options);
}

fv_status fvi_onnx_map_gelu(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const char *form = "none";
    if (strcmp(node->domain, FVI_ONNX_OWN) != 0)
        FV_TRY(fvi_onnx_text(onnx, node, "approximate", "none", &form));
    fv_gelu_options options = { .tanh_form = strcmp(form, "tanh") == 0 || strcmp(node->type, "GeluTanh") == 0 };
    return add_unary(onnx, node, "gelu", &options);
}

/* Over the channels of each pixel, or all elements of a vector. Before opset 13 the axes behind `axis` are one. */
fv_status fvi_onnx_map_softmax(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_operator *known = fvi_onnx_find_operator(node->domain, node->type);
    const fvi_onnx_value *x = NULL;
    fv_image_shape shape;
    fv_value value = FV_NO_VALUE, y = FV_NO_VALUE;
    int64_t given = 0;
    int32_t axis = 0;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_int(onnx, node, "axis", node->opset < 13 ? 1 : -1, &given));
    FV_TRY(fvi_onnx_axis(onnx, node, given, x->rank, &axis));
    bool whole = axis == 1;
    for (int32_t i = 2; i < x->rank; i++) /* nothing behind the channels, or joined with them */
        whole = whole && (node->opset < 13 || x->size[i] == 1);
    if (whole && fvi_onnx_in_order(x)) {
        const int64_t count = fvi_onnx_elements(x->rank - 1, x->size + 1);
        FV_TRY(fvi_onnx_reshaped(onnx, node, x->value, (fv_image_shape){ (int32_t)count, 1, 1 }, &value));
    } else if (node->opset >= 13 && x->axis[axis] == 1 && fvi_onnx_base_image(x, &shape)) {
        FV_TRY(fvi_onnx_reshaped(onnx, node, x->value, shape, &value));
    } else {
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "over axis %lld, which is not that of the channels",
                                  (long long)given);
    }
    FV_TRY(fvi_onnx_add_layer(onnx, node, known->entry.becomes, &value, 1, NULL, &y));
    if (node->output_count > 0 && node->output[0] == onnx->output)
        onnx->logits = value;
    return fvi_onnx_emit_like(onnx, node, y, x);
}

/* Inference does nothing; training drops, so the layer stays. */
fv_status fvi_onnx_map_dropout(fvi_onnx *onnx, fvi_onnx_node *node)
{
    fv_dropout_options options = { 0 };
    double training = 0;
    if (node->opset < 12) {
        FV_TRY(fvi_onnx_real(onnx, node, "ratio", 0.5, &options.drop));
    } else {
        FV_TRY(fvi_onnx_number(onnx, node, 1, 0.5, &options.drop));
        FV_TRY(fvi_onnx_number(onnx, node, 2, 0, &training));
    }
    if (training != 0)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED,
                                  "it was exported for training; export the model in evaluation mode");
    return add_unary(onnx, node, "dropout", &options);
}

fv_status fvi_onnx_map_identity(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_value *x = NULL;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_became(onnx, node, "nothing: its input"));
    return fvi_onnx_emit_like(onnx, node, x->value, x);
}

/* Sees value under the axes of `as`, where that leaves its elements in their order. */
static bool relabelled(const fvi_onnx_value *value, const fvi_onnx_value *as, fvi_onnx_value *out)
{
    *out = *value;
    if (value->rank != as->rank || !fvi_onnx_in_order(value))
        return false;
    memcpy(out->axis, as->axis, sizeof out->axis);
    return fvi_onnx_in_order(out);
}

/* Two operands under common axes, as images in the values' own order. */
static fv_status read_pair(fvi_onnx *onnx, fvi_onnx_node *node, fvi_onnx_value *a, fvi_onnx_value *b, fv_value x[2],
                           fv_image_shape shape[2])
{
    const fvi_onnx_value *left = NULL, *right = NULL;
    char one[96], other[96];
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &left));
    FV_TRY(fvi_onnx_activation(onnx, node, 1, &right));
    *a = *left;
    *b = *right;
    const bool same =
        left->rank == right->rank && memcmp(left->axis, right->axis, (size_t)left->rank * sizeof left->axis[0]) == 0;
    if (!same && !relabelled(right, left, b) && !relabelled(left, right, a)) {
        FV_TRY(fvi_onnx_settled(onnx, node, 0, a));
        FV_TRY(fvi_onnx_settled(onnx, node, 1, b));
    }
    if (a->rank != b->rank || !fvi_onnx_base_image(a, &shape[0]) || !fvi_onnx_base_image(b, &shape[1]))
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "of the shapes %s and %s",
                                  fvi_onnx_shape_text(left->rank, left->size, one, sizeof one),
                                  fvi_onnx_shape_text(right->rank, right->size, other, sizeof other));
    FV_TRY(fvi_onnx_reshaped(onnx, node, a->value, shape[0], &x[0]));
    return fvi_onnx_reshaped(onnx, node, b->value, shape[1], &x[1]);
}

/* The constant's element for element (c, h, w) of an image in the value's own order; its axes are those of ONNX, from the right. */
static int64_t element_of(const fvi_onnx_constant *constant, const fvi_onnx_value *x,
                          const int64_t index[FVI_ONNX_AXES])
{
    int64_t at = 0;
    for (int32_t i = 0; i < constant->rank; i++) {
        const int32_t axis = x->rank - constant->rank + i;
        at = at * constant->size[i] + (constant->size[i] == 1 ? 0 : index[x->axis[axis]]);
    }
    return at;
}

/* Whether a constant can be repeated to an image's shape, and whether it differs along more than the channels. */
static bool spreads(const fvi_onnx_constant *constant, const fvi_onnx_value *x, bool *by_element)
{
    *by_element = false;
    if (constant->rank > x->rank || constant->integer)
        return false;
    for (int32_t i = 0; i < constant->rank; i++) {
        const int32_t axis = x->rank - constant->rank + i;
        if (constant->size[i] != 1 && (x->axis[axis] == 0 || constant->size[i] != x->size[axis]))
            return false;
        *by_element = *by_element || (constant->size[i] != 1 && x->axis[axis] != 1);
    }
    return true;
}

/* Sums and products with a constant that has a number for each channel or element: a layer with these as parameters. */
static fv_status scale(fvi_onnx *onnx, fvi_onnx_node *node, bool first, const fvi_onnx_constant *constant)
{
    const fvi_onnx_value *x = NULL;
    const bool is_sum = strcmp(node->type, "Add") == 0 || strcmp(node->type, "Sub") == 0,
               inverts = strcmp(node->type, "Sub") == 0 || strcmp(node->type, "Div") == 0;
    bool by_element = false;
    fv_image_shape shape;
    fv_value value = FV_NO_VALUE, y = FV_NO_VALUE;
    void *memory = NULL;
    FV_TRY(fvi_onnx_activation(onnx, node, first ? 1 : 0, &x));
    if (!spreads(constant, x, &by_element) || !fvi_onnx_base_image(x, &shape) || (first && inverts))
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED,
                                  "with a constant that is not one number for each channel or element of '%.60s'",
                                  x->name);
    const int64_t pixels = by_element ? (int64_t)shape.h * shape.w : 1, count = shape.c * pixels;
    FV_TRY(fvi_onnx_reserve(onnx, count, sizeof(float), &memory));
    float *values = memory;
    for (int64_t i = 0; i < count; i++) {
        const int64_t row = i % pixels / shape.w, column = i % shape.w,
                      index[FVI_ONNX_AXES] = { 0, i / pixels, x->rank == 4 ? row : column, column };
        const float number = constant->real[element_of(constant, x, index)];
        values[i] = !inverts ? number : is_sum ? -number : 1 / number;
    }
    fv_scale_options options = { .per = by_element ? FV_PER_ELEMENT : FV_PER_CHANNEL,
                                 .no_scale = is_sum,
                                 .no_shift = !is_sum };
    FV_TRY(fvi_onnx_reshaped(onnx, node, x->value, shape, &value));
    FV_TRY(fvi_onnx_add_layer(onnx, node, "scale", &value, 1, &options, &y));
    FV_TRY(fvi_onnx_fill(onnx, y, is_sum ? "bias" : "weight", values, count));
    return fvi_onnx_emit_like(onnx, node, y, x);
}

/* y = scale*x + shift, for an operator with one constant number. *done false: it is none, or has none. */
static fv_status linear(fvi_onnx *onnx, fvi_onnx_node *node, bool *done)
{
    const bool first = node->input_count == 2 && fvi_onnx_is_constant(node->input[0]);
    const fvi_onnx_constant *constant = NULL;
    fv_linear_options options = { .scale = 1 };
    fv_value y = FV_NO_VALUE;
    *done = false;
    if (node->input_count != 2 || !fvi_onnx_is_constant(node->input[first ? 0 : 1]))
        return FV_OK;
    FV_TRY(fvi_onnx_constant_of(onnx, node->input[first ? 0 : 1], &constant));
    if (constant->integer)
        return FV_OK;
    if (constant->count != 1) {
        *done = true;
        return scale(onnx, node, first, constant);
    }
    const double number = (double)constant->real[0];
    const bool is_sum = strcmp(node->type, "Add") == 0, is_difference = strcmp(node->type, "Sub") == 0;
    if (is_sum || is_difference) {
        options.shift = is_sum || first ? number : -number;
        options.scale = is_difference && first ? -1 : 1;
    } else {
        options.scale = strcmp(node->type, "Div") == 0 ? 1 / number : number;
        if (options.scale == 0 || !isfinite(options.scale) || (first && strcmp(node->type, "Div") == 0))
            return FV_OK;
    }
    const fvi_onnx_value *x = NULL;
    FV_TRY(fvi_onnx_activation(onnx, node, first ? 1 : 0, &x));
    FV_TRY(fvi_onnx_add_layer(onnx, node, "linear", &x->value, 1, &options, &y));
    *done = true;
    return fvi_onnx_emit_like(onnx, node, y, x);
}

fv_status fvi_onnx_map_power(fvi_onnx *onnx, fvi_onnx_node *node)
{
    fv_power_options options = { .exponent = strcmp(node->type, "Sqrt") == 0 ? 0.5 : -1 };
    if (strcmp(node->type, "Pow") == 0)
        FV_TRY(fvi_onnx_number(onnx, node, 1, 0, &options.exponent));
    return add_unary(onnx, node, "power", &options);
}

fv_status fvi_onnx_map_negation(fvi_onnx *onnx, fvi_onnx_node *node)
{
    fv_linear_options options = { .scale = -1 };
    return add_unary(onnx, node, "linear", &options);
}

/* Whether b is repeated to a's shape: along each axis it has a's size, or 1. */
static bool repeats(fv_image_shape a, fv_image_shape b)
{
    return (b.c == a.c || b.c == 1) && (b.h == a.h || b.h == 1) && (b.w == a.w || b.w == 1);
}

/* Add, Sub, Mul and Div: with a number linear, with more of them scale, of two values the layer of that name. */
fv_status fvi_onnx_map_binary(fvi_onnx *onnx, fvi_onnx_node *node)
{
    static const struct {
        const char *type, *layer;
    } layers[] = { { "Add", "add" }, { "Sub", "subtract" }, { "Mul", "multiply" }, { "Div", "divide" } };
    fvi_onnx_value a, b;
    fv_image_shape shape[2];
    fv_value x[2], y = FV_NO_VALUE;
    bool done = false;
    int32_t index = 0;
    FV_TRY(linear(onnx, node, &done));
    if (done)
        return FV_OK;
    while (strcmp(layers[index].type, node->type) != 0)
        index++;
    FV_TRY(read_pair(onnx, node, &a, &b, x, shape));
    const bool commutes = index % 2 == 0, swapped = commutes && !repeats(shape[0], shape[1]);
    if (!repeats(shape[swapped], shape[!swapped]))
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED,
                                  "of values with the shapes %dx%dx%d and %dx%dx%d, for which there is no layer",
                                  shape[0].c, shape[0].h, shape[0].w, shape[1].c, shape[1].h, shape[1].w);
    FV_TRY(fvi_onnx_add_layer(onnx, node, layers[index].layer, (const fv_value[]){ x[swapped], x[!swapped] }, 2, NULL,
                              &y));
    return fvi_onnx_emit_like(onnx, node, y, swapped ? &b : &a);
}

/* Of any number of values with one shape. */
fv_status fvi_onnx_map_sum(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_value *first = NULL;
    fv_value y = FV_NO_VALUE;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &first));
    if (node->input_count == 1)
        return fvi_onnx_map_identity(onnx, node);
    fv_value *x = fvi_arena_allocate(onnx->arena, (size_t)node->input_count * sizeof *x);
    if (x == NULL)
        return fvi_out_of_memory(onnx->context, "the inputs of a sum", (size_t)node->input_count * sizeof *x);
    for (int32_t i = 0; i < node->input_count; i++) {
        fv_image_shape shape;
        const fvi_onnx_value *value = NULL;
        FV_TRY(fvi_onnx_activation(onnx, node, i, &value));
        if (value->rank != first->rank || !fvi_onnx_base_image(value, &shape) ||
            memcmp(value->axis, first->axis, sizeof value->axis) != 0 ||
            memcmp(value->size, first->size, sizeof value->size) != 0)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "of values with different shapes");
        FV_TRY(fvi_onnx_reshaped(onnx, node, value->value, shape, &x[i]));
    }
    FV_TRY(fvi_onnx_add_layer(onnx, node, "add", x, node->input_count, NULL, &y));
    return fvi_onnx_emit_like(onnx, node, y, first);
}
