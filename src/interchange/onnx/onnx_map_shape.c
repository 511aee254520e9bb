/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_map_shape.c - what only renames elements: Reshape, Flatten, Squeeze, Unsqueeze and Transpose add no layer until one needs
 * another order (fvi_onnx_value).
 */
#include <string.h>

#include "interchange/onnx/onnx_map.h"

/* One size of a reshape that is the images': told by its value, or by what is left when the others make up an image. */
static bool is_batch(int64_t size, int64_t others, int64_t elements)
{
    return size == FVI_ONNX_BATCH || size == 0 || ((size == -1 || size == 1) && others == elements);
}

/* The sizes behind the first: -1 is what is left, 0 as it was. */
static fv_status resolve(fvi_onnx *onnx, const fvi_onnx_node *node, const fvi_onnx_value *x, bool keeps_zero,
                         const int64_t *given, int32_t count, int64_t size[FVI_ONNX_AXES])
{
    const int64_t elements = fvi_onnx_elements(x->rank - 1, x->size + 1);
    int64_t known = 1;
    int32_t open = -1;
    char text[128], from[128];
    bool fits = count >= 2 && count <= FVI_ONNX_AXES;
    for (int32_t i = 1; fits && i < count; i++) {
        size[i] = given[i] == 0 && !keeps_zero && i < x->rank ? x->size[i] : given[i];
        if (size[i] == -1 && open < 0)
            open = i;
        else
            fits = size[i] > 0 && size[i] % FVI_ONNX_BATCH != 0 && !__builtin_mul_overflow(known, size[i], &known);
    }
    if (fits && open >= 0) {
        fits = given[0] != -1 && elements % known == 0;
        size[open] = fits ? elements / known : 0;
        known = elements;
    }
    if (fits && known == elements && is_batch(given[0], known, elements))
        return FV_OK;
    return fvi_onnx_fail_node(
        onnx, node, FV_ERR_UNSUPPORTED,
        "from %s to %s: the first size must stay the number of images, the others an image's",
        fvi_onnx_shape_text(x->rank, x->size, from, sizeof from),
        fvi_onnx_shape_text(count < FVI_ONNX_AXES ? count : FVI_ONNX_AXES, given, text, sizeof text));
}

fv_status fvi_onnx_map_reshape(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const int64_t *given = NULL;
    int64_t size[FVI_ONNX_AXES], keeps_zero = 0;
    int32_t count = 0;
    fvi_onnx_value x;
    FV_TRY(fvi_onnx_settled(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_int(onnx, node, "allowzero", 0, &keeps_zero));
    FV_TRY(fvi_onnx_ints_or_input(onnx, node, "shape", 1, &given, &count));
    if (given == NULL)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "its shape is missing");
    FV_TRY(resolve(onnx, node, &x, keeps_zero != 0, given, count, size));
    return fvi_onnx_emit(onnx, node, x.value, count, size + 1);
}

fv_status fvi_onnx_map_flatten(fvi_onnx *onnx, fvi_onnx_node *node)
{
    int64_t given = 1;
    int32_t axis = 0;
    fvi_onnx_value x;
    FV_TRY(fvi_onnx_settled(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_int(onnx, node, "axis", 1, &given));
    FV_TRY(fvi_onnx_axis(onnx, node, given, x.rank, &axis));
    if (axis != 1)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "at axis %d: it would mix images", axis);
    const int64_t size = fvi_onnx_elements(x.rank - 1, x.size + 1);
    return fvi_onnx_emit(onnx, node, x.value, 2, &size);
}

fv_status fvi_onnx_map_transpose(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_value *x = NULL;
    const int64_t *order = NULL;
    int32_t count = 0;
    bool seen[FVI_ONNX_AXES] = { false };
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_list(onnx, node, "perm", &order, &count));
    if (order == NULL || count != x->rank || order[0] != 0)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "the first axis, the images, must stay the first");
    FV_TRY(fvi_onnx_emit(onnx, node, x->value, x->rank, x->size + 1));
    for (int32_t i = 0; i < count; i++) {
        if (order[i] < 0 || order[i] >= count || seen[order[i]])
            return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "its order is not one of %d axes", count);
        seen[order[i]] = true;
        node->output[0]->size[i] = x->size[order[i]];
        node->output[0]->axis[i] = x->axis[order[i]];
    }
    return FV_OK;
}

fv_status fvi_onnx_map_squeeze(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const int64_t *axes = NULL;
    int64_t size[FVI_ONNX_AXES];
    int32_t count = 0, rank = 0;
    bool drop[FVI_ONNX_AXES] = { false };
    fvi_onnx_value x;
    FV_TRY(fvi_onnx_settled(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_ints_or_input(onnx, node, "axes", 1, &axes, &count));
    for (int32_t i = 0; i < count; i++) {
        int32_t axis = 0;
        FV_TRY(fvi_onnx_axis(onnx, node, axes[i], x.rank, &axis));
        if (axis == 0 || x.size[axis] != 1)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE, "axis %d is not of size 1", axis);
        drop[axis] = true;
    }
    for (int32_t i = 1; i < x.rank; i++)
        if (!drop[i] && !(axes == NULL && x.size[i] == 1))
            size[rank++] = x.size[i];
    return fvi_onnx_emit(onnx, node, x.value, rank + 1, size);
}

fv_status fvi_onnx_map_unsqueeze(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const int64_t *axes = NULL;
    int64_t size[FVI_ONNX_AXES];
    int32_t count = 0, from = 1;
    bool added[FVI_ONNX_AXES] = { false };
    fvi_onnx_value x;
    FV_TRY(fvi_onnx_settled(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_ints_or_input(onnx, node, "axes", 1, &axes, &count));
    if (count > FVI_ONNX_AXES || x.rank + count > FVI_ONNX_AXES)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "more than %d axes", FVI_ONNX_AXES);
    const int32_t rank = x.rank + count;
    for (int32_t i = 0; i < count; i++) {
        int32_t axis = 0;
        FV_TRY(fvi_onnx_axis(onnx, node, axes[i], rank, &axis));
        if (axis == 0 || added[axis])
            return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "an axis before the images, or one twice");
        added[axis] = true;
    }
    for (int32_t i = 1; i < rank; i++)
        size[i - 1] = added[i] ? 1 : x.size[from++];
    return fvi_onnx_emit(onnx, node, x.value, rank, size);
}

/* Axes that stay neighbours in both orders are one. *order: the place of each merged axis in the value's own order; sizes likewise. */
static int32_t merged_axes(const fvi_onnx_value *value, int32_t order[FVI_ONNX_AXES], int64_t size[FVI_ONNX_AXES])
{
    int32_t axis[FVI_ONNX_AXES], count = 0;
    int64_t merged[FVI_ONNX_AXES];
    for (int32_t i = 1; i < value->rank; i++) {
        if (value->size[i] == 1)
            continue;
        int32_t gap = count > 0 ? axis[count - 1] + 1 : value->axis[i] + 1; /* sizes of 1 between them do not count */
        while (gap < value->axis[i] && fvi_onnx_base_size(value, gap) == 1)
            gap++;
        if (count > 0 && gap == value->axis[i]) {
            merged[count - 1] *= value->size[i];
            axis[count - 1] = value->axis[i];
        } else {
            merged[count] = value->size[i];
            axis[count++] = value->axis[i];
        }
    }
    for (int32_t i = 0; i < count; i++) {
        order[i] = 0;
        for (int32_t j = 0; j < count; j++)
            order[i] += axis[j] < axis[i];
        size[order[i]] = merged[i];
    }
    return count;
}

/* Two groups of channels exchanged in front of what stays is a channel shuffle; any other order of up to three axes a permutation. */
fv_status fvi_onnx_permuted(fvi_onnx *onnx, fvi_onnx_node *node, const fvi_onnx_value *value, fv_value *out)
{
    int32_t order[FVI_ONNX_AXES];
    int64_t size[FVI_ONNX_AXES] = { 1, 1, 1 };
    char text[128];
    const int32_t count = merged_axes(value, order, size);
    const fv_image_shape shape = fv_graph_node(onnx->graph, value->value).output;
    fv_value x = value->value;
    if (count >= 2 && count <= 3 && order[0] == 1 && order[1] == 0 && size[0] * size[1] == shape.c) {
        fv_channel_shuffle_options options = { .groups = (int32_t)size[0] };
        return fvi_onnx_add_layer(onnx, node, "channel_shuffle", &x, 1, &options, out);
    }
    if (count < 2 || count > 3 || fvi_onnx_base_size(value, 0) != FVI_ONNX_BATCH || value->axis[0] != 0)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED,
                                  "'%.60s', of the shape %s, is transposed in a way that there is no layer for",
                                  value->name, fvi_onnx_shape_text(value->rank, value->size, text, sizeof text));
    fv_permute_options options = { .order = { order[0], order[1], count == 3 ? order[2] : 2 } };
    const fv_image_shape whole = { (int32_t)size[0], (int32_t)size[1], (int32_t)size[2] };
    FV_TRY(fvi_onnx_reshaped(onnx, node, x, whole, &x));
    return fvi_onnx_add_layer(onnx, node, "permute", &x, 1, &options, out);
}
