/* SPDX-License-Identifier: Apache-2.0
 *
 * layer_table.c - the only list of layer types, and what all of them share: finding one by name, and the checks before
 * infer(), which read the attribute table.
 */
#include <string.h>

#include "fovea/graph.h"
#include "fovea/text.h"
#include "layer/layers.h"

const fvi_layer *const fvi_layers[] = {
    &fvi_layer_input,
    &fvi_layer_conv2d,
    &fvi_layer_conv2d_transpose,
    &fvi_layer_subsample,
    &fvi_layer_max_pool2d,
    &fvi_layer_average_pool2d,
    &fvi_layer_global_average_pool,
    &fvi_layer_global_max_pool,
    &fvi_layer_adaptive_average_pool,
    &fvi_layer_channel_max_pool,
    &fvi_layer_channel_average_pool,
    &fvi_layer_pad,
    &fvi_layer_crop,
    &fvi_layer_slice,
    &fvi_layer_permute,
    &fvi_layer_channel_shuffle,
    &fvi_layer_expand,
    &fvi_layer_reduce_mean,
    &fvi_layer_reshape,
    &fvi_layer_upsample,
    &fvi_layer_resize,
    &fvi_layer_subtract,
    &fvi_layer_multiply,
    &fvi_layer_divide,
    &fvi_layer_scale,
    &fvi_layer_dense,
    &fvi_layer_batch_norm,
    &fvi_layer_group_norm,
    &fvi_layer_layer_norm,
    &fvi_layer_dropout,
    &fvi_layer_local_response_norm,
    &fvi_layer_flatten,
    &fvi_layer_identity,
    &fvi_layer_relu,
    &fvi_layer_relu6,
    &fvi_layer_leaky_relu,
    &fvi_layer_prelu,
    &fvi_layer_elu,
    &fvi_layer_selu,
    &fvi_layer_gelu,
    &fvi_layer_silu,
    &fvi_layer_hard_swish,
    &fvi_layer_clip,
    &fvi_layer_softplus,
    &fvi_layer_maxout,
    &fvi_layer_sigmoid,
    &fvi_layer_hard_sigmoid,
    &fvi_layer_tanh,
    &fvi_layer_scaled_tanh,
    &fvi_layer_linear,
    &fvi_layer_power,
    &fvi_layer_exp,
    &fvi_layer_log,
    &fvi_layer_absolute,
    &fvi_layer_softmax,
    &fvi_layer_log_softmax,
    &fvi_layer_softmax_cross_entropy,
    &fvi_layer_binary_cross_entropy,
    &fvi_layer_hinge_loss,
    &fvi_layer_euclidean_loss,
    &fvi_layer_rbf,
    &fvi_layer_map_loss,
    &fvi_layer_add,
    &fvi_layer_concat,
    NULL,
};

enum { LAYER_COUNT = sizeof fvi_layers / sizeof fvi_layers[0] - 1 };

const fvi_layer *fvi_layer_find(const char *name)
{
    for (size_t i = 0; i < LAYER_COUNT; i++)
        if (strcmp(fvi_layers[i]->name, name) == 0)
            return fvi_layers[i];
    return NULL;
}

const fvi_layer *fvi_layer_nearest(const char *name)
{
    const char *words[LAYER_COUNT];
    for (size_t i = 0; i < LAYER_COUNT; i++)
        words[i] = fvi_layers[i]->name;
    const char *nearest = fv_nearest_word(name, words, LAYER_COUNT);
    return nearest ? fvi_layer_find(nearest) : NULL;
}

/* Checks of one attribute's value. */
static fv_status check_int(const fvi_layer *layer, const fvi_infer *node, const fvi_attribute *attribute,
                           const void *value)
{
    const int32_t *values = value;
    for (int32_t i = 0; i < attribute->count; i++) {
        const double v = (double)values[i];
        const bool unset = values[i] == 0 && !attribute->required;
        if (!unset && !(v >= attribute->low && v <= attribute->high))
            return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': %s %d is not in %.0f to %.0f", layer->name,
                            node->name, attribute->name, values[i], attribute->low, attribute->high);
    }
    return FV_OK;
}

static fv_status check_real(const fvi_layer *layer, const fvi_infer *node, const fvi_attribute *attribute,
                            const void *value)
{
    const double v = *(const double *)value;
    const bool unset = v == 0 && !attribute->required;
    if (!unset && !(v >= attribute->low && v <= attribute->high)) /* also for a NaN */
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': %s %g is not in %g to %g", layer->name, node->name,
                        attribute->name, v, attribute->low, attribute->high);
    return FV_OK;
}

static fv_status check_enum(const fvi_layer *layer, const fvi_infer *node, const fvi_attribute *attribute,
                            const void *value)
{
    int chosen = 0, count = 0;
    memcpy(&chosen, value, sizeof chosen);
    while (attribute->words[count])
        count++;
    if (chosen < 0 || chosen >= count)
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': %s %d is not one of its %d values", layer->name,
                        node->name, attribute->name, chosen, count);
    return FV_OK;
}

static fv_status check_init(const fvi_layer *layer, const fvi_infer *node, const fvi_attribute *attribute,
                            const void *value)
{
    const fv_initializer *init = value;
    const bool finite = init->value - init->value == 0;
    const bool spread = init->kind == FV_INIT_GAUSSIAN || init->kind == FV_INIT_UNIFORM;
    if ((int)init->kind < 0 || init->kind > FV_INIT_IDENTITY)
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': %s: there is no kind %d of initialiser", layer->name,
                        node->name, attribute->name, (int)init->kind);
    if (!finite || (spread && init->value < 0))
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': %s: value %g is not %s", layer->name, node->name,
                        attribute->name, init->value, spread ? "a finite number from 0 on" : "finite");
    return FV_OK;
}

/* What fv_int_list and fv_real_list have in common. */
typedef struct any_list {
    const void *values;
    int32_t count;
} any_list;

static any_list get_list(const fvi_attribute *attribute, const void *options)
{
    const char *place = (const char *)options + attribute->offset;
    if (attribute->type == FVI_ATTRIBUTE_INTS) {
        const fv_int_list *list = (const void *)place;
        return (any_list){ list->values, list->count };
    }
    const fv_real_list *list = (const void *)place;
    return (any_list){ list->values, list->count };
}

static fv_status check_list(const fvi_layer *layer, const fvi_infer *node, const fvi_attribute *attribute)
{
    const any_list list = get_list(attribute, node->options);
    if (list.count < (attribute->required ? 1 : 0) || list.count > FVI_LIST_VALUES)
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': %s has %d values; it takes %d to %d", layer->name,
                        node->name, attribute->name, list.count, attribute->required ? 1 : 0, FVI_LIST_VALUES);
    if (list.count > 0 && list.values == NULL)
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': %s has %d values at NULL", layer->name, node->name,
                        attribute->name, list.count);
    for (int32_t i = 0; i < list.count; i++) {
        const double v = attribute->type == FVI_ATTRIBUTE_INTS ? (double)((const int32_t *)list.values)[i]
                                                               : ((const double *)list.values)[i];
        if (!(v >= attribute->low && v <= attribute->high)) /* also for a NaN */
            return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': %s[%d] is %.9g, not in %.9g to %.9g", layer->name,
                            node->name, attribute->name, i, v, attribute->low, attribute->high);
    }
    return FV_OK;
}

fv_status fvi_layer_copy_lists(const fvi_layer *layer, fv_context *context, fvi_arena *arena, void *options)
{
    for (const fvi_attribute *attribute = layer->attributes; attribute && attribute->name; attribute++) {
        const bool ints = attribute->type == FVI_ATTRIBUTE_INTS;
        if (!ints && attribute->type != FVI_ATTRIBUTE_REALS)
            continue;
        const any_list list = get_list(attribute, options);
        const size_t bytes = (size_t)list.count * (ints ? sizeof(int32_t) : sizeof(double));
        void *values = bytes > 0 ? fvi_arena_allocate(arena, bytes) : NULL;
        if (bytes > 0 && values == NULL)
            return fvi_out_of_memory(context, "list of a layer", bytes);
        if (bytes > 0)
            memcpy(values, list.values, bytes);
        void *place = (char *)options + attribute->offset;
        if (ints)
            *(fv_int_list *)place = (fv_int_list){ values, list.count };
        else
            *(fv_real_list *)place = (fv_real_list){ values, list.count };
    }
    return FV_OK;
}

static fv_status check_option(const fvi_layer *layer, const fvi_infer *node, const fvi_attribute *attribute)
{
    const void *value = (const char *)node->options + attribute->offset;
    switch (attribute->type) {
    case FVI_ATTRIBUTE_INT:
        return check_int(layer, node, attribute, value);
    case FVI_ATTRIBUTE_REAL:
        return check_real(layer, node, attribute, value);
    case FVI_ATTRIBUTE_ENUM:
        return check_enum(layer, node, attribute, value);
    case FVI_ATTRIBUTE_INIT:
        return check_init(layer, node, attribute, value);
    case FVI_ATTRIBUTE_INTS:
    case FVI_ATTRIBUTE_REALS:
        return check_list(layer, node, attribute);
    case FVI_ATTRIBUTE_BOOL:
        break;
    }
    return FV_OK;
}

static fv_status check_inputs(const fvi_layer *layer, const fvi_infer *node)
{
    const int32_t count = node->input_count;
    if (count < layer->min_inputs || (layer->max_inputs != 0 && count > layer->max_inputs) ||
        (layer->is_input && count != 0))
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "%s '%s': takes %s%d input%s, got %d", layer->name, node->name,
                        layer->max_inputs == 0 && !layer->is_input ? "at least " : "", layer->min_inputs,
                        layer->min_inputs == 1 ? "" : "s", count);
    for (int32_t i = 0; i < count; i++)
        if (node->in[i].c < 1 || node->in[i].h < 1 || node->in[i].w < 1)
            return fvi_fail(node->context, FV_ERR_SHAPE,
                            "%s '%s': input %d has shape %dx%dx%d; every size must be at least 1", layer->name,
                            node->name, i + 1, node->in[i].c, node->in[i].h, node->in[i].w);
    return FV_OK;
}

fv_status fvi_layer_infer(const fvi_layer *layer, fvi_infer *node)
{
    node->layer = layer;
    FV_TRY(check_inputs(layer, node));
    for (const fvi_attribute *attribute = layer->attributes; attribute && attribute->name; attribute++)
        FV_TRY(check_option(layer, node, attribute));
    FV_TRY(layer->infer(node));
    int64_t elements = 0;
    if (__builtin_mul_overflow((int64_t)node->out.c * node->out.h, (int64_t)node->out.w, &elements) ||
        elements > INT32_MAX)
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': output %dx%dx%d is larger than %d elements", layer->name,
                        node->name, node->out.c, node->out.h, node->out.w, INT32_MAX);
    return FV_OK;
}
