/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_layer.c - what the functions of onnx_map_*.c share: looking at inputs, adding layers with names a reader knows, giving
 * outputs.
 */
#include <stdio.h>
#include <string.h>

#include "graph/graph_internal.h"
#include "interchange/onnx/onnx_map.h"

enum { NAME = 120 };

bool fvi_onnx_in_order(const fvi_onnx_value *value)
{
    int32_t last = -1;
    for (int32_t i = 0; i < value->rank; i++) {
        if (value->size[i] == 1)
            continue;
        if (value->axis[i] < last)
            return false;
        last = value->axis[i];
    }
    return true;
}

int64_t fvi_onnx_base_size(const fvi_onnx_value *value, int32_t axis)
{
    for (int32_t i = 0; i < value->rank; i++)
        if (value->axis[i] == axis)
            return value->size[i];
    return 1;
}

bool fvi_onnx_base_image(const fvi_onnx_value *value, fv_image_shape *shape)
{
    if (value->rank > 4 || value->rank < 1)
        return false;
    *shape = (fv_image_shape){ (int32_t)fvi_onnx_base_size(value, 1),
                               value->rank == 4 ? (int32_t)fvi_onnx_base_size(value, 2) : 1,
                               (int32_t)fvi_onnx_base_size(value, value->rank - 1) };
    if (value->rank < 3)
        shape->w = 1;
    return true;
}

fv_status fvi_onnx_activation(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t index, const fvi_onnx_value **out)
{
    const fvi_onnx_value *value = index < node->input_count ? node->input[index] : NULL;
    if (value == NULL)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "its input %d is missing", index + 1);
    if (value->value == FV_NO_VALUE)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "its input '%.100s' is a constant", value->name);
    *out = value;
    return FV_OK;
}

fv_status fvi_onnx_reshaped(fvi_onnx *onnx, fvi_onnx_node *node, fv_value value, fv_image_shape shape, fv_value *out)
{
    const fv_image_shape has = fv_graph_node(onnx->graph, value).output;
    fv_reshape_options options = { .shape = { shape.c, shape.h, shape.w } };
    *out = value;
    if (has.c == shape.c && has.h == shape.h && has.w == shape.w)
        return FV_OK;
    return shape.h == 1 && shape.w == 1 ? fvi_onnx_add_layer(onnx, node, "flatten", &value, 1, NULL, out)
                                        : fvi_onnx_add_layer(onnx, node, "reshape", &value, 1, &options, out);
}

fv_status fvi_onnx_settled(fvi_onnx *onnx, fvi_onnx_node *node, int32_t index, fvi_onnx_value *out)
{
    const fvi_onnx_value *value = NULL;
    FV_TRY(fvi_onnx_activation(onnx, node, index, &value));
    *out = *value;
    for (int32_t i = 0; i < out->rank; i++)
        out->axis[i] = i;
    if (fvi_onnx_in_order(value))
        return FV_OK;
    return fvi_onnx_permuted(onnx, node, value, &out->value);
}

fv_status fvi_onnx_image(fvi_onnx *onnx, fvi_onnx_node *node, int32_t index, fv_value *x, fv_image_shape *shape)
{
    fvi_onnx_value value;
    char text[128];
    FV_TRY(fvi_onnx_settled(onnx, node, index, &value));
    if (value.rank < 2 || !fvi_onnx_base_image(&value, shape))
        return fvi_onnx_fail_node(
            onnx, node, FV_ERR_UNSUPPORTED,
            "its input '%.60s' has the shape %s; only [N, c, h, w], [N, c, l] and [N, c] are images", value.name,
            fvi_onnx_shape_text(value.rank, value.size, text, sizeof text));
    return fvi_onnx_reshaped(onnx, node, value.value, *shape, x);
}

fv_status fvi_onnx_weight(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t index, const char *what, bool optional,
                          int32_t rank, const int64_t *size, const fvi_onnx_constant **out)
{
    fvi_onnx_value *value = index < node->input_count ? node->input[index] : NULL;
    char has[128], wants[128];
    *out = NULL;
    if (value == NULL && optional)
        return FV_OK;
    if (value == NULL)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "its %s is missing", what);
    FV_TRY(fvi_onnx_constant_of(onnx, value, out));
    if (*out == NULL)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "its %s '%.100s' is computed from the images", what,
                                  value->name);
    bool fits = (*out)->rank == rank && !(*out)->integer && (*out)->count > 0;
    for (int32_t i = 0; fits && i < rank; i++)
        fits = size[i] == -1 || (*out)->size[i] == size[i];
    if (fits)
        return FV_OK;
    return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE, "its %s '%.100s' has the shape %s%s, not %s (-1: any)", what,
                              value->name, fvi_onnx_shape_text((*out)->rank, (*out)->size, has, sizeof has),
                              (*out)->integer ? " of whole numbers" : "",
                              fvi_onnx_shape_text(rank, size, wants, sizeof wants));
}

fv_status fvi_onnx_number(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t index, double fallback, double *out)
{
    const fvi_onnx_constant *constant = NULL;
    *out = fallback;
    if (index >= node->input_count || node->input[index] == NULL)
        return FV_OK;
    FV_TRY(fvi_onnx_constant_of(onnx, node->input[index], &constant));
    if (constant == NULL || constant->count != 1)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "its input '%.100s' is not a constant number",
                                  node->input[index]->name);
    *out = constant->integer ? (double)constant->whole[0] : (double)constant->real[0];
    return FV_OK;
}

/* "layer1.0.conv1.weight" of the weights is the module's name. */
static bool name_of_weights(const fvi_onnx_node *node, char name[NAME])
{
    const char *given =
        node->input_count > 1 && node->input[1] != NULL && node->input[1]->tensor != NULL ? node->input[1]->name : "";
    const size_t length = strlen(given);
    if (length < 8 || length >= NAME || strcmp(given + length - 7, ".weight") != 0 || strstr(given, "::") != NULL)
        return false;
    snprintf(name, NAME, "%.*s", (int)(length - 7), given);
    return true;
}

/* "/layer1/layer1.0/conv1/Conv" are the scopes of modules; one that repeats the one before it goes on from there. */
static void name_of_scopes(const char *given, char name[NAME])
{
    size_t used = 0, scope = 0;
    name[0] = '\0';
    while (*given != '\0') {
        while (*given == '/')
            given++;
        const size_t length = strcspn(given, "/");
        if (length == 0)
            break;
        const size_t before = used - scope;
        const bool repeats =
            used > 0 && length > before && given[before] == '.' && strncmp(given, name + scope, before) == 0;
        if (repeats)
            used = scope;
        else if (used > 0 && used + 1 < NAME)
            name[used++] = '.';
        scope = used;
        for (size_t i = 0; i < length && used + 1 < NAME; i++)
            name[used++] = (unsigned char)given[i] < ' ' || given[i] == 0x7f ? '_' : given[i];
        name[used] = '\0';
        given += length;
    }
}

static fv_status choose_name(fvi_onnx *onnx, const fvi_onnx_node *node, const char *type, char name[NAME + 16])
{
    char plain[NAME];
    const fvi_layer *layer = fvi_layer_find(type);
    const bool has_weights = layer != NULL && name_of_weights(node, plain);
    if (!has_weights)
        name_of_scopes(strncmp(node->name, "node_", 5) == 0 ? node->name + 5 : node->name, plain);
    if (plain[0] == '\0')
        snprintf(plain, sizeof plain, "%.60s", type);
    snprintf(name, NAME + 16, "%s", plain);
    json_int_t number = 1; /* taken counts how often a name was asked for */
    for (; json_object_get(onnx->taken, name) != NULL; snprintf(name, NAME + 16, "%s_%d", plain, (int)number))
        number = json_integer_value(json_object_get(onnx->taken, number == 1 ? plain : name)) + number;
    if (json_object_set_new_nocheck(onnx->taken, plain, json_integer(number)) != 0 ||
        json_object_set_new_nocheck(onnx->taken, name, json_integer(1)) != 0)
        return fvi_out_of_memory(onnx->context, "names of layers", NAME);
    return FV_OK;
}

fv_status fvi_onnx_add_layer(fvi_onnx *onnx, fvi_onnx_node *node, const char *type, const fv_value *inputs,
                             int32_t count, void *options, fv_value *out)
{
    char name[NAME + 16];
    fvi_message said;
    const char *own = name;
    const fvi_layer *layer = fvi_layer_find(type);
    if (layer == NULL)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "it needs a layer '%s', which there is not", type);
    FV_TRY(choose_name(onnx, node, type, name));
    if (options == NULL)
        options = fvi_arena_allocate(onnx->arena, layer->options_size);
    if (options == NULL)
        return fvi_out_of_memory(onnx->context, "options of a layer", layer->options_size);
    memcpy(options, &own, sizeof own); /* every options struct begins with its name */
    const fv_status status = fv_graph_add(onnx->graph, type, inputs, count, options, out);
    if (status == FV_OK)
        return fvi_onnx_became(onnx, node, "%s%s%s '%s'", node->became != NULL ? node->became : "",
                               node->became != NULL ? ", " : "", type, name);
    snprintf(said.text, sizeof said.text, "%s", fv_context_message(onnx->context));
    return fvi_onnx_fail_node(onnx, node, status, "%s", said.text);
}

fv_status fvi_onnx_fill(fvi_onnx *onnx, fv_value layer, const char *suffix, const float *values, int64_t count)
{
    void *fills = onnx->fills;
    FV_TRY(fvi_grow(onnx->context, &fills, &onnx->fill_capacity, onnx->fill_count, onnx->fill_count + 1,
                    sizeof *onnx->fills));
    onnx->fills = fills;
    onnx->fills[onnx->fill_count++] = (fvi_onnx_values){ layer, suffix, values, count };
    return FV_OK;
}

fv_status fvi_onnx_transposed(fvi_onnx *onnx, const float *from, int64_t rows, int64_t columns, double factor,
                              const float **to)
{
    void *memory = NULL;
    FV_TRY(fvi_onnx_reserve(onnx, rows * columns, sizeof(float), &memory));
    float *values = memory;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            values[j * rows + i] = (float)(factor * (double)from[i * columns + j]);
    *to = values;
    return FV_OK;
}

fv_status fvi_onnx_emit_at(fvi_onnx *onnx, fvi_onnx_node *node, int32_t index, fv_value value, int32_t rank,
                           const int64_t *size)
{
    fvi_onnx_value *out = index < node->output_count ? node->output[index] : NULL;
    for (int32_t i = 0; i < node->output_count; i++)
        if (i != index && node->output[i] != NULL && node->output[i]->readers > 0 &&
            node->output[i]->value == FV_NO_VALUE && index == 0 && strcmp(node->type, "Split") != 0)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "its output %d, '%.60s', is used", i + 1,
                                      node->output[i]->name);
    if (out == NULL)
        return FV_OK;
    out->value = value;
    out->rank = rank;
    out->size[0] = FVI_ONNX_BATCH;
    for (int32_t i = 0; i < rank; i++) {
        out->axis[i] = i;
        if (i > 0)
            out->size[i] = size[i - 1];
    }
    return FV_OK;
}

fv_status fvi_onnx_emit(fvi_onnx *onnx, fvi_onnx_node *node, fv_value value, int32_t rank, const int64_t *size)
{
    return fvi_onnx_emit_at(onnx, node, 0, value, rank, size);
}

fv_status fvi_onnx_emit_image(fvi_onnx *onnx, fvi_onnx_node *node, fv_value value, int32_t rank)
{
    const fv_image_shape shape = fv_graph_node(onnx->graph, value).output;
    const int64_t size[3] = { shape.c, rank == 3 ? shape.w : shape.h, shape.w };
    return fvi_onnx_emit(onnx, node, value, rank, size);
}

fv_status fvi_onnx_emit_like(fvi_onnx *onnx, fvi_onnx_node *node, fv_value value, const fvi_onnx_value *like)
{
    FV_TRY(fvi_onnx_emit(onnx, node, value, like->rank, like->size + 1));
    for (int32_t i = 0; i < like->rank; i++)
        node->output[0]->axis[i] = like->axis[i];
    return FV_OK;
}
