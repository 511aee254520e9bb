/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_map_resize.c - Resize and the older Upsample: an image with other numbers of rows and columns, by factors or sizes that are
 * constants.
 */
#include <string.h>

#include "interchange/onnx/onnx_map.h"

/* Index of text in a NULL-terminated list, or -1. */
static int32_t index_of(const char *text, const char *const *words)
{
    for (int32_t i = 0; words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    return -1;
}

static fv_status read_modes(fvi_onnx *onnx, const fvi_onnx_node *node, fv_resize_options *out)
{
    static const char *const modes[] = { "nearest", "linear", NULL },
                             *const places[] = { "half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel",
                                                 NULL },
                             *const nearest[] = { "round_prefer_floor", "floor", NULL };
    const bool is_old = strcmp(node->type, "Upsample") == 0 || node->opset < 11;
    const char *mode = NULL, *place = NULL, *pixel = NULL;
    int64_t antialias = 0;
    FV_TRY(fvi_onnx_text(onnx, node, "mode", "nearest", &mode));
    FV_TRY(fvi_onnx_text(onnx, node, "coordinate_transformation_mode", is_old ? "asymmetric" : "half_pixel", &place));
    FV_TRY(fvi_onnx_text(onnx, node, "nearest_mode", is_old ? "floor" : "round_prefer_floor", &pixel));
    FV_TRY(fvi_onnx_int(onnx, node, "antialias", 0, &antialias));
    const int32_t m = index_of(mode, modes), p = index_of(place, places), n = index_of(pixel, nearest);
    if (m < 0 || p < 0 || (m == 0 && n < 0) || antialias != 0)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "in the mode '%.30s', '%.30s', '%.30s'%s", mode,
                                  place, pixel, antialias != 0 ? " with antialias" : "");
    out->bilinear = m == 1;
    out->coordinates = (fv_resize_coordinates)p;
    out->nearest = m == 1 ? FV_RESIZE_ROUND_PREFER_FLOOR : (fv_resize_nearest)n;
    return FV_OK;
}

/* Input `index` as a list with a number for each of four axes, the first two of which stay as they are. */
static fv_status read_four(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t index, const fvi_onnx_constant **out)
{
    *out = NULL;
    if (index >= node->input_count || node->input[index] == NULL)
        return FV_OK;
    FV_TRY(fvi_onnx_constant_of(onnx, node->input[index], out));
    if (*out != NULL && (*out)->count == 0) /* left out, as opset 11 does it */
        *out = NULL;
    else if (*out == NULL || (*out)->count != 4)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED,
                                  "its input '%.60s' is not four numbers that are known", node->input[index]->name);
    return FV_OK;
}

fv_status fvi_onnx_map_resize(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const bool is_old = strcmp(node->type, "Upsample") == 0 || node->opset < 11;
    const Onnx__AttributeProto *list = fvi_onnx_attribute(node, "scales");
    const fvi_onnx_constant *factors = NULL, *sizes = NULL;
    fv_resize_options options = { 0 };
    fv_image_shape shape;
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    double factor[4] = { 1, 1, 1, 1 };
    FV_TRY(fvi_onnx_image(onnx, node, 0, &x, &shape));
    FV_TRY(read_modes(onnx, node, &options));
    FV_TRY(read_four(onnx, node, is_old ? 1 : 2, &factors));
    FV_TRY(read_four(onnx, node, 3, &sizes));
    if (node->input[0]->rank != 4 || fvi_onnx_attribute(node, "axes") != NULL || (sizes != NULL && !sizes->integer) ||
        (sizes != NULL && (sizes->whole[0] != FVI_ONNX_BATCH || sizes->whole[1] != shape.c || sizes->whole[2] < 1 ||
                           sizes->whole[3] < 1 || sizes->whole[2] > 65535 || sizes->whole[3] > 65535)))
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "of other axes than rows and columns");
    for (int32_t i = 0; i < 4 && (factors != NULL || (list != NULL && list->n_floats == 4)); i++)
        factor[i] = list != NULL       ? (double)list->floats[i]
                    : factors->integer ? (double)factors->whole[i]
                                       : (double)factors->real[i];
    if (factor[0] < 1 || factor[0] > 1 || factor[1] < 1 || factor[1] > 1)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "of other axes than rows and columns");
    if (sizes != NULL) {
        options.size[0] = (int32_t)sizes->whole[2];
        options.size[1] = (int32_t)sizes->whole[3];
    } else {
        options.factor = (fv_real_list){ .values = factor + 2, .count = 2 };
    }
    FV_TRY(fvi_onnx_add_layer(onnx, node, "resize", &x, 1, &options, &y));
    return fvi_onnx_emit_image(onnx, node, y, 4);
}
