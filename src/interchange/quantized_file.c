/* SPDX-License-Identifier: Apache-2.0
 *
 * quantized_file.c - see quantized_file.h. Everything that comes from a file is checked here for its form, and by
 * fv_graph_set_quantized() for its values.
 */
#include "interchange/quantized_file.h"

#include <stdio.h>
#include <string.h>

#include "interchange/learned.h"
#include "kernel/int8/conv2d_int8.h"

enum { FIRST_MARK = -2 - FVI_LEARNED_TENSORS }; /* of fvi_stored_tensor.parameter: below those of learned.c */

json_t *fvi_quantized_json(const fv_graph *graph)
{
    json_t *all = json_object();
    bool good = all != NULL;
    for (fv_value i = 0; good && i < fv_graph_node_count(graph); i++) {
        const fv_quantized quantized = fv_graph_quantized(graph, i);
        if (quantized.scale == 0 && quantized.weight_scale == NULL)
            continue;
        json_t *one = json_object();
        if (quantized.scale > 0) {
            good = json_object_set_new(one, "scale", json_real((double)quantized.scale)) == 0;
            good = json_object_set_new(one, "zero_point", json_integer(quantized.zero_point)) == 0 && good;
        }
        if (quantized.weight_scale != NULL)
            good = json_object_set_new(one, "weights", json_true()) == 0 && good;
        good = json_object_set_new(all, fv_graph_node(graph, i).name, one) == 0 && good;
    }
    if (good)
        return all;
    json_decref(all);
    return NULL;
}

static fv_status list_weights(fvi_quantized_tensors *out, fv_params *params, const fvi_node *node,
                              const fv_quantized *quantized)
{
    struct fvi_quantized_weights *one = &out->list[out->count];
    const fv_param_info info = fv_params_info(params, node->first_param);
    const float *values = fv_params_values(params, node->first_param);
    const int64_t each = info.elements / quantized->outputs;
    one->parameter = node->first_param;
    one->bytes = fvi_allocate(out->context, (size_t)info.elements);
    if (one->bytes == NULL)
        return fvi_out_of_memory(out->context, "weights in bytes", (size_t)info.elements);
    out->count++;
    for (int64_t i = 0; i < info.elements; i++)
        one->bytes[i] = fvi_int8_of_weight(values[i], quantized->weight_scale[i / each]);
    snprintf(one->scale_name, sizeof one->scale_name, "%s.weight_scale", node->name);
    one->weight = (fvi_tensor_source){ .name = info.name, .dtype = "I8", .shape = info.shape, .values = one->bytes };
    one->scale = (fvi_tensor_source){ .name = one->scale_name,
                                      .dtype = "F32",
                                      .shape = { .rank = 1, .size = { quantized->outputs } },
                                      .values = quantized->weight_scale };
    return FV_OK;
}

fv_status fvi_quantized_list(fvi_quantized_tensors *out, fv_params *params)
{
    const fv_graph *graph = fv_params_graph(params);
    int32_t count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count);
    *out = (fvi_quantized_tensors){ .context = fv_graph_context(graph) };
    if (!fv_graph_is_quantized(graph))
        return FV_OK;
    out->list = fvi_allocate_zeroed(out->context, (size_t)count, sizeof *out->list);
    if (out->list == NULL)
        return fvi_out_of_memory(out->context, "a list of weights", (size_t)count * sizeof *out->list);
    for (fv_value i = 0; i < count; i++) {
        const fv_quantized quantized = fv_graph_quantized(graph, i);
        const fv_status status =
            quantized.weight_scale != NULL ? list_weights(out, params, &nodes[i], &quantized) : FV_OK;
        if (status != FV_OK) {
            fvi_quantized_release(out);
            return status;
        }
    }
    return FV_OK;
}

void fvi_quantized_release(fvi_quantized_tensors *tensors)
{
    for (int32_t i = 0; i < tensors->count; i++)
        fvi_release(tensors->context, tensors->list[i].bytes);
    fvi_release(tensors->context, tensors->list);
    *tensors = (fvi_quantized_tensors){ 0 };
}

static fv_status allocate(fvi_quantized_file *quantized)
{
    fv_context *context = quantized->file->context;
    const size_t count = (size_t)quantized->count;
    quantized->node = fvi_allocate_zeroed(context, count, sizeof *quantized->node);
    quantized->scales = fvi_allocate_zeroed(context, count, sizeof *quantized->scales);
    quantized->weights = fvi_allocate_zeroed(context, count, sizeof *quantized->weights);
    if (quantized->node == NULL || quantized->scales == NULL || quantized->weights == NULL)
        return fvi_out_of_memory(context, "scales of a network", count * sizeof *quantized->node);
    return FV_OK;
}

/* {"scale": s, "zero_point": z, "weights": true}, each but one of the first two may be missing with the other. */
static fv_status read_node(fvi_quantized_file *quantized, fv_value i, const json_t *one)
{
    const fvi_node *node = &quantized->nodes[i];
    const json_t *scale = json_object_get(one, "scale"), *zero = json_object_get(one, "zero_point"),
                 *weights = json_object_get(one, "weights");
    const size_t known = (scale != NULL ? 1u : 0u) + (zero != NULL ? 1u : 0u) + (weights != NULL ? 1u : 0u);
    const bool value = scale != NULL && json_is_number(scale) && zero != NULL && json_is_integer(zero) &&
                       json_integer_value(zero) >= 0 && json_integer_value(zero) <= 255;
    if (!json_is_object(one) || json_object_size(one) != known || (!value && (scale != NULL || zero != NULL)) ||
        (weights != NULL && !json_is_true(weights)))
        return fvi_fail(quantized->file->context, FV_ERR_FORMAT,
                        "'%s': quantization of '%s' is not {\"scale\": number, \"zero_point\": 0 to 255, \"weights\": "
                        "true}",
                        quantized->file->path, node->name);
    if (weights != NULL && (!node->layer->takes_int8 || node->param_count < 1))
        return fvi_fail(quantized->file->context, FV_ERR_FORMAT, "'%s': %s '%s' has no weights in 8 bits",
                        quantized->file->path, node->layer->name, node->name);
    quantized->weights[i] = weights != NULL;
    quantized->node[i].scale = value ? (float)json_number_value(scale) : 0;
    quantized->node[i].zero_point = value ? (int32_t)json_integer_value(zero) : 0;
    if (value && !(quantized->node[i].scale > 0))
        return fvi_fail(quantized->file->context, FV_ERR_FORMAT, "'%s': the scale %g of '%s' is not above 0",
                        quantized->file->path, json_number_value(scale), node->name);
    return FV_OK;
}

static fv_status read_nodes(fvi_quantized_file *quantized, const json_t *all)
{
    size_t found = 0;
    for (fv_value i = 0; i < quantized->count; i++) {
        const json_t *one = json_object_get(all, quantized->nodes[i].name);
        if (one == NULL)
            continue;
        found++;
        FV_TRY(read_node(quantized, i, one));
    }
    if (!json_is_object(all) || found != json_object_size(all))
        return fvi_fail(quantized->file->context, FV_ERR_FORMAT,
                        "'%s': quantization is no object of the graph's nodes: %zu names of %zu are nodes",
                        quantized->file->path, found, json_object_size(all));
    return FV_OK;
}

fv_status fvi_quantized_open(fvi_quantized_file *quantized, const fvi_safetensors *file, const fv_graph *graph)
{
    const char *text = fvi_safetensors_text(file, FVI_MODEL_QUANTIZATION);
    json_error_t error;
    *quantized = (fvi_quantized_file){ .file = file };
    quantized->nodes = fvi_graph_nodes(graph, &quantized->count);
    if (text == NULL)
        return FV_OK;
    FV_TRY(allocate(quantized));
    json_t *all = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    const fv_status status = read_nodes(quantized, all);
    json_decref(all);
    return status;
}

void fvi_quantized_close(fvi_quantized_file *quantized)
{
    fv_context *context = quantized->file->context;
    for (int32_t i = 0; quantized->scales != NULL && i < quantized->count; i++)
        fvi_release(context, quantized->scales[i]);
    fvi_release(context, quantized->scales);
    fvi_release(context, quantized->weights);
    fvi_release(context, quantized->node);
}

bool fvi_quantized_has_bytes(const fvi_quantized_file *quantized, fv_value node)
{
    return quantized->weights != NULL && quantized->weights[node];
}

fv_status fvi_quantized_match(fvi_quantized_file *quantized, const json_t *stored)
{
    const fvi_safetensors *file = quantized->file;
    for (fv_value i = 0; i < quantized->count; i++) {
        if (!fvi_quantized_has_bytes(quantized, i))
            continue;
        char name[512];
        const fvi_node *node = &quantized->nodes[i];
        const int64_t outputs = node->param[0].shape.size[0];
        snprintf(name, sizeof name, "%s.weight_scale", node->name);
        const json_t *found = json_object_get(stored, name);
        fvi_stored_tensor *tensor = found != NULL ? &file->tensors[json_integer_value(found)] : NULL;
        if (tensor == NULL || strcmp(tensor->dtype, "F32") != 0 || tensor->shape.rank != 1 ||
            tensor->shape.size[0] != outputs)
            return fvi_fail(file->context, FV_ERR_FORMAT, "'%s': %s '%s': F32 of shape [%lld] is needed", file->path,
                            tensor == NULL ? "no tensor" : "wrong tensor", name, (long long)outputs);
        quantized->scales[i] = fvi_allocate_zeroed(file->context, (size_t)outputs, sizeof *quantized->scales[i]);
        if (quantized->scales[i] == NULL)
            return fvi_out_of_memory(file->context, "scales of weights", (size_t)outputs * sizeof(float));
        tensor->parameter = FIRST_MARK - i;
    }
    return FV_OK;
}

float *fvi_quantized_values(const fvi_quantized_file *quantized, const fvi_stored_tensor *tensor)
{
    return quantized->scales != NULL && tensor->parameter <= FIRST_MARK
               ? quantized->scales[FIRST_MARK - tensor->parameter]
               : NULL;
}

/* Weights that are read as numbers of bytes. */
static fv_status scale_weights(const fvi_quantized_file *quantized, fv_value i, fv_params *params)
{
    const fv_param_info info = fv_params_info(params, quantized->nodes[i].first_param);
    float *values = fv_params_values(params, quantized->nodes[i].first_param);
    const int64_t each = info.elements / info.shape.size[0];
    for (int64_t j = 0; j < info.elements; j++) {
        if (values[j] < -127)
            return fvi_fail(quantized->file->context, FV_ERR_FORMAT,
                            "'%s': '%s' holds a byte of -128; -127 to 127 are possible", quantized->file->path,
                            info.name);
        values[j] *= quantized->scales[i][j / each];
    }
    return FV_OK;
}

fv_status fvi_quantized_finish(const fvi_quantized_file *quantized, fv_graph *graph, fv_params *params)
{
    for (fv_value i = 0; quantized->node != NULL && i < quantized->count; i++) {
        fv_quantized node = quantized->node[i];
        if (quantized->weights[i]) {
            node.weight_scale = quantized->scales[i];
            node.outputs = (int32_t)quantized->nodes[i].param[0].shape.size[0];
            FV_TRY(scale_weights(quantized, i, params));
        }
        if (node.scale == 0 && node.weight_scale == NULL)
            continue;
        if (fv_graph_set_quantized(graph, i, &node) != FV_OK) {
            fvi_message said;
            snprintf(said.text, sizeof said.text, "%s", fv_context_message(quantized->file->context));
            return fvi_fail(quantized->file->context, FV_ERR_FORMAT, "'%s': %.800s", quantized->file->path, said.text);
        }
    }
    return FV_OK;
}
