/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_map_norm.c - normalisations.
 */
#include "interchange/onnx/onnx_map.h"

fv_status fvi_onnx_map_batch_norm(fvi_onnx *onnx, fvi_onnx_node *node)
{
    static const char *const suffix[4] = { "weight", "bias", "running_mean", "running_var" }, *const what[4] = {
        "scale", "bias", "mean", "variance"
    };
    const fvi_onnx_constant *values[4];
    fv_batch_norm_options options = { 0 };
    fv_image_shape shape;
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    int64_t training = 0, spatial = 1;
    double momentum = 0.9;
    FV_TRY(fvi_onnx_image(onnx, node, 0, &x, &shape));
    FV_TRY(fvi_onnx_int(onnx, node, "training_mode", 0, &training));
    FV_TRY(fvi_onnx_int(onnx, node, "spatial", 1, &spatial));
    FV_TRY(fvi_onnx_real(onnx, node, "epsilon", 1e-5, &options.epsilon));
    FV_TRY(fvi_onnx_real(onnx, node, "momentum", 0.9, &momentum));
    if (training != 0)
        return fvi_onnx_fail_node(
            onnx, node, FV_ERR_UNSUPPORTED,
            "it was exported for training (training_mode = 1): it would normalise by the images of a "
            "batch. Export the model in evaluation mode");
    if (spatial == 0)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "with statistics for each pixel (spatial = 0)");
    options.momentum = 1 - momentum; /* ONNX's is the part that stays */
    if (options.momentum < 1e-6 || options.momentum > 1)
        options.momentum = 0.1;
    const int64_t channels = shape.c;
    for (int32_t i = 0; i < 4; i++)
        FV_TRY(fvi_onnx_weight(onnx, node, i + 1, what[i], false, 1, &channels, &values[i]));
    FV_TRY(fvi_onnx_add_layer(onnx, node, "batch_norm", &x, 1, &options, &y));
    for (int32_t i = 0; i < 4; i++)
        FV_TRY(fvi_onnx_fill(onnx, y, suffix[i], values[i]->real, values[i]->count));
    return fvi_onnx_emit_image(onnx, node, y, node->input[0]->rank);
}

fv_status fvi_onnx_map_lrn(fvi_onnx *onnx, fvi_onnx_node *node)
{
    fv_local_response_norm_options options = { 0 };
    fv_image_shape shape;
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    int64_t size = 0;
    FV_TRY(fvi_onnx_image(onnx, node, 0, &x, &shape));
    FV_TRY(fvi_onnx_int(onnx, node, "size", 0, &size));
    FV_TRY(fvi_onnx_real(onnx, node, "alpha", 1e-4, &options.alpha));
    FV_TRY(fvi_onnx_real(onnx, node, "beta", 0.75, &options.beta));
    FV_TRY(fvi_onnx_real(onnx, node, "bias", 1, &options.k));
    if (size < 1 || size > 63 || size % 2 == 0)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "over %lld channels; an odd number up to 63 can be",
                                  (long long)size);
    options.size = (int32_t)size;
    FV_TRY(fvi_onnx_add_layer(onnx, node, "local_response_norm", &x, 1, &options, &y));
    return fvi_onnx_emit_image(onnx, node, y, node->input[0]->rank);
}

/* Each channel of an image by itself: a group for each. */
fv_status fvi_onnx_map_instance_norm(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_constant *weight = NULL, *bias = NULL;
    fv_group_norm_options options = { 0 };
    fv_image_shape shape;
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    FV_TRY(fvi_onnx_image(onnx, node, 0, &x, &shape));
    FV_TRY(fvi_onnx_real(onnx, node, "epsilon", 1e-5, &options.epsilon));
    const int64_t channels = shape.c;
    FV_TRY(fvi_onnx_weight(onnx, node, 1, "scale", false, 1, &channels, &weight));
    FV_TRY(fvi_onnx_weight(onnx, node, 2, "bias", false, 1, &channels, &bias));
    options.groups = shape.c;
    FV_TRY(fvi_onnx_add_layer(onnx, node, "group_norm", &x, 1, &options, &y));
    FV_TRY(fvi_onnx_fill(onnx, y, "weight", weight->real, channels));
    FV_TRY(fvi_onnx_fill(onnx, y, "bias", bias->real, channels));
    return fvi_onnx_emit_image(onnx, node, y, node->input[0]->rank);
}

/* Over the last axis that ONNX sees, where that is the channels: of vectors, and of images that are channels last there. */
fv_status fvi_onnx_map_layer_norm(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_constant *weight = NULL, *bias = NULL;
    const fvi_onnx_value *x = NULL;
    fv_layer_norm_options options = { 0 };
    fv_image_shape shape;
    fv_value value = FV_NO_VALUE, y = FV_NO_VALUE;
    int64_t given = -1;
    int32_t axis = 0;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_int(onnx, node, "axis", -1, &given));
    FV_TRY(fvi_onnx_axis(onnx, node, given, x->rank, &axis));
    FV_TRY(fvi_onnx_real(onnx, node, "epsilon", 1e-5, &options.epsilon));
    if (axis != x->rank - 1 || x->axis[axis] != 1 || !fvi_onnx_base_image(x, &shape))
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED,
                                  "over axis %lld, which is not that of the channels alone", (long long)given);
    const int64_t channels = shape.c;
    FV_TRY(fvi_onnx_weight(onnx, node, 1, "scale", false, 1, &channels, &weight));
    FV_TRY(fvi_onnx_weight(onnx, node, 2, "bias", true, 1, &channels, &bias));
    options.no_shift = bias == NULL;
    FV_TRY(fvi_onnx_reshaped(onnx, node, x->value, shape, &value));
    FV_TRY(fvi_onnx_add_layer(onnx, node, "layer_norm", &value, 1, &options, &y));
    FV_TRY(fvi_onnx_fill(onnx, y, "weight", weight->real, channels));
    if (bias != NULL)
        FV_TRY(fvi_onnx_fill(onnx, y, "bias", bias->real, channels));
    return fvi_onnx_emit_like(onnx, node, y, x);
}
