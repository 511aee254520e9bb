/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_map_pool.c - poolings: over windows, over the whole image, and means over axes that are one or the other.
 */
#include <string.h>

#include "interchange/onnx/onnx_map.h"

static fv_status add_pool(fvi_onnx *onnx, fvi_onnx_node *node, const char *type, bool count_padding)
{
    fvi_onnx_window window;
    fv_image_shape shape;
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    int64_t ceil = 0;
    FV_TRY(fvi_onnx_image(onnx, node, 0, &x, &shape));
    const int32_t rank = node->input[0]->rank;
    FV_TRY(fvi_onnx_read_window(onnx, node, rank - 2, NULL, shape, &window));
    FV_TRY(fvi_onnx_int(onnx, node, "ceil_mode", 0, &ceil));
    if (window.dilation[0] != 1 || window.dilation[1] != 1)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "a pooling with dilations of %d and %d",
                                  window.dilation[0], window.dilation[1]);
    fv_pool2d_options options = { .kernel = { window.kernel[0], window.kernel[1] },
                                  .stride = { window.stride[0], window.stride[1] },
                                  .padding = window.padding,
                                  .pad = { window.pad[0], window.pad[1], window.pad[2], window.pad[3] },
                                  .ceil = ceil != 0,
                                  .count_padding = count_padding };
    FV_TRY(fvi_onnx_add_layer(onnx, node, type, &x, 1, &options, &y));
    return fvi_onnx_emit_image(onnx, node, y, rank);
}

fv_status fvi_onnx_map_max_pool(fvi_onnx *onnx, fvi_onnx_node *node)
{
    return add_pool(onnx, node, "max_pool2d", false);
}

fv_status fvi_onnx_map_average_pool(fvi_onnx *onnx, fvi_onnx_node *node)
{
    int64_t count_padding = 0;
    FV_TRY(fvi_onnx_int(onnx, node, "count_include_pad", 0, &count_padding));
    return add_pool(onnx, node, "average_pool2d", count_padding != 0);
}

fv_status fvi_onnx_map_global_pool(fvi_onnx *onnx, fvi_onnx_node *node)
{
    fv_image_shape shape;
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    const bool is_mean = strcmp(node->type, "GlobalAveragePool") == 0;
    FV_TRY(fvi_onnx_image(onnx, node, 0, &x, &shape));
    FV_TRY(fvi_onnx_add_layer(onnx, node, is_mean ? "global_average_pool" : "global_max_pool", &x, 1, NULL, &y));
    return fvi_onnx_emit_image(onnx, node, y, node->input[0]->rank);
}

/* Over rows and columns (in whichever order ONNX sees them): global pooling. */
fv_status fvi_onnx_map_reduce_mean(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const int64_t *axes = NULL;
    const fvi_onnx_value *x = NULL;
    fv_image_shape shape;
    fv_value value = FV_NO_VALUE, y = FV_NO_VALUE;
    int64_t keep = 1, size[FVI_ONNX_AXES];
    int32_t count = 0, rank = 0;
    bool reduced[FVI_ONNX_AXES] = { false };
    const bool is_mean = strcmp(node->type, "ReduceMean") == 0;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_ints_or_input(onnx, node, "axes", 1, &axes, &count));
    FV_TRY(fvi_onnx_int(onnx, node, "keepdims", 1, &keep));
    for (int32_t i = 0; i < count; i++) {
        int32_t axis = 0;
        FV_TRY(fvi_onnx_axis(onnx, node, axes[i], x->rank, &axis));
        reduced[axis] = true;
    }
    bool is_spatial = (x->rank == 3 || x->rank == 4) && fvi_onnx_base_image(x, &shape);
    for (int32_t i = 0; i < x->rank; i++)
        is_spatial = is_spatial && reduced[i] == (x->axis[i] >= 2);
    if (!is_spatial)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED,
                                  "over axes that are not the rows and columns of an image");
    for (int32_t i = 1; i < x->rank; i++)
        if (!reduced[i] || keep != 0)
            size[rank++] = reduced[i] ? 1 : x->size[i];
    FV_TRY(fvi_onnx_reshaped(onnx, node, x->value, shape, &value));
    FV_TRY(fvi_onnx_add_layer(onnx, node, is_mean ? "global_average_pool" : "global_max_pool", &value, 1, NULL, &y));
    return fvi_onnx_emit(onnx, node, y, rank + 1, size);
}
