/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_attribute.c - what a node's attributes say, by name and type, and lists that later opsets moved from attributes to inputs.
 */
#include <string.h>

#include "interchange/onnx/onnx_file.h"

const Onnx__AttributeProto *fvi_onnx_attribute(const fvi_onnx_node *node, const char *name)
{
    for (int32_t i = 0; i < node->attribute_count; i++)
        if (strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    return NULL;
}

static fv_status wrong_type(const fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, const char *expected)
{
    return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "its attribute '%s' is not %s", name, expected);
}

fv_status fvi_onnx_int(const fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, int64_t fallback,
                       int64_t *out)
{
    const Onnx__AttributeProto *found = fvi_onnx_attribute(node, name);
    *out = found != NULL ? found->i : fallback;
    return found == NULL || found->has_i ? FV_OK : wrong_type(onnx, node, name, "a whole number");
}

fv_status fvi_onnx_real(const fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, double fallback, double *out)
{
    const Onnx__AttributeProto *found = fvi_onnx_attribute(node, name);
    *out = found != NULL ? (double)found->f : fallback;
    return found == NULL || found->has_f ? FV_OK : wrong_type(onnx, node, name, "a number");
}

fv_status fvi_onnx_list(const fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, const int64_t **out,
                        int32_t *count)
{
    const Onnx__AttributeProto *found = fvi_onnx_attribute(node, name);
    *out = NULL;
    *count = 0;
    if (found == NULL)
        return FV_OK;
    if (found->n_ints > INT32_MAX || found->has_i || found->has_f || found->n_floats > 0)
        return wrong_type(onnx, node, name, "a list of whole numbers");
    *out = found->ints;
    *count = (int32_t)found->n_ints;
    return FV_OK;
}

fv_status fvi_onnx_text(fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, const char *fallback,
                        const char **out)
{
    const Onnx__AttributeProto *found = fvi_onnx_attribute(node, name);
    *out = fallback;
    if (found == NULL)
        return FV_OK;
    if (!found->has_s)
        return wrong_type(onnx, node, name, "a text");
    char *text = fvi_arena_allocate(onnx->arena, found->s.len + 1);
    if (text == NULL)
        return fvi_out_of_memory(onnx->context, "an attribute", found->s.len);
    if (found->s.len > 0)
        memcpy(text, found->s.data, found->s.len);
    *out = text;
    return FV_OK;
}

fv_status fvi_onnx_ints_or_input(fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, int32_t index,
                                 const int64_t **out, int32_t *count)
{
    const fvi_onnx_constant *constant = NULL;
    FV_TRY(fvi_onnx_list(onnx, node, name, out, count));
    if (*out != NULL || index >= node->input_count || node->input[index] == NULL)
        return FV_OK;
    FV_TRY(fvi_onnx_constant_of(onnx, node->input[index], &constant));
    if (constant == NULL)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "its %s '%.100s' depends on the images", name,
                                  node->input[index]->name);
    if (!constant->integer || constant->rank > 1 || constant->count > INT32_MAX)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "its %s '%.100s' is not a list of whole numbers", name,
                                  node->input[index]->name);
    *out = constant->whole;
    *count = (int32_t)constant->count;
    return FV_OK;
}

fv_status fvi_onnx_axis(const fvi_onnx *onnx, const fvi_onnx_node *node, int64_t axis, int32_t rank, int32_t *out)
{
    if (axis < -rank || axis >= rank)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "axis %lld of a tensor with %d", (long long)axis, rank);
    *out = (int32_t)(axis < 0 ? axis + rank : axis);
    return FV_OK;
}
