/* SPDX-License-Identifier: Apache-2.0
 *
 * model_write.c - writing model files: the metadata of a model, and its tensors in canonical order. See docs/formats.md.
 */
#include <stdlib.h>
#include <string.h>

#include "interchange/learned.h"
#include "interchange/model_format.h"
#include "interchange/preprocess_json.h"
#include "interchange/quantized_file.h"
#include "interchange/self_test.h"

static bool set_dumped(json_t *object, const char *key, json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    const bool good = text != NULL && json_object_set_new(object, key, json_string(text)) == 0;
    free(text);
    json_decref(value);
    return good;
}

static json_t *make_metadata(const fv_preprocess *preprocess, const fv_graph *network, const char *graph,
                             const char *extra)
{
    const bool quantized = fv_graph_is_quantized(network);
    const char *version = quantized ? FVI_MODEL_VERSION_QUANTIZED : FVI_MODEL_VERSION;
    json_t *metadata = json_object();
    bool good = json_object_set_new(metadata, "format", json_string(FVI_MODEL_FORMAT)) == 0;
    good = json_object_set_new(metadata, "format_version", json_string(version)) == 0 && good;
    good = json_object_set_new(metadata, "version", json_string(fv_version())) == 0 && good;
    good = json_object_set_new(metadata, "graph", json_string(graph)) == 0 && good;
    good = set_dumped(metadata, "preprocess", fvi_preprocess_write(preprocess)) && good;
    if (quantized)
        good = set_dumped(metadata, FVI_MODEL_QUANTIZATION, fvi_quantized_json(network)) && good;
    if (extra != NULL)
        good = json_object_set_new(metadata, "extra", json_string(extra)) == 0 && good;
    if (good)
        return metadata;
    json_decref(metadata);
    return NULL;
}

fv_status fvi_model_check(fv_context *context, const char *path, const fv_params *params,
                          const fv_preprocess *preprocess, const char *extra)
{
    const fv_graph *graph = fv_params_graph(params);
    const fv_image_shape takes = fv_graph_node(graph, fv_graph_input(graph)).output, given = preprocess->input;
    if (fv_params_dtype(params) != FV_F32)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "model '%s': values are %s; copy them to f32 first (fv_params_copy())", path,
                        fv_dtype_name(fv_params_dtype(params)));
    if (takes.c != given.c || takes.h != given.h || takes.w != given.w || given.c > FV_MAX_CHANNELS)
        return fvi_fail(context, FV_ERR_SHAPE,
                        "model '%s': the network takes %dx%dx%d, the preprocessing gives %dx%dx%d", path, takes.c,
                        takes.h, takes.w, given.c, given.h, given.w);
    if (extra == NULL)
        return FV_OK;
    json_error_t error;
    json_t *parsed = json_loads(extra, JSON_REJECT_DUPLICATES, &error);
    const bool object = json_is_object(parsed);
    json_decref(parsed);
    return object ? FV_OK : fvi_fail(context, FV_ERR_ARGUMENT, "model '%s': extra is not a JSON object", path);
}

fv_status fvi_model_metadata(json_t **out, fv_context *context, const char *path, fv_params *params,
                             const fv_preprocess *preprocess, const char *extra)
{
    char *graph = NULL;
    *out = NULL;
    FV_TRY(fvi_model_check(context, path, params, preprocess, extra));
    FV_TRY(fv_graph_to_json(fv_params_graph(params), &graph));
    *out = make_metadata(preprocess, fv_params_graph(params), graph, extra);
    fv_text_release(context, graph);
    if (*out == NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "model '%s': a name or the extra metadata is not UTF-8, or memory is short", path);
    return FV_OK;
}

fvi_tensor_source fvi_model_tensor(fv_params *params, int32_t index)
{
    const fv_param_info info = fv_params_info(params, index);
    return (fvi_tensor_source){ .name = info.name,
                                .dtype = fv_params_dtype(params) == FV_F64 ? "F64" : "F32",
                                .shape = info.shape,
                                .values = fv_params_values(params, index) };
}

static bool set_self_test(fv_context *context, json_t *metadata, fv_params *params, const fv_preprocess *preprocess)
{
    char *text = fvi_self_test_text(params, preprocess);
    const bool good = text == NULL || json_object_set_new(metadata, FVI_SELF_TEST, json_string(text)) == 0;
    fv_text_release(context, text);
    return good;
}

/* Parameters, in bytes where the network is in 8 bits, then their scales, then what transforms have learned. */
static int32_t list_sources(fv_params *params, const fvi_quantized_tensors *quantized,
                            const fvi_learned_tensors *learned, fvi_tensor_source *sources)
{
    int32_t count = fv_params_count(params);
    for (int32_t i = 0; i < count; i++)
        sources[i] = fvi_model_tensor(params, i);
    for (int32_t i = 0; i < quantized->count; i++) {
        sources[quantized->list[i].parameter] = quantized->list[i].weight;
        sources[count + i] = quantized->list[i].scale;
    }
    count += quantized->count;
    for (int32_t i = 0; i < learned->count; i++)
        sources[count + i] = learned->source[i];
    return count + learned->count;
}

static fv_status write_sources(fv_context *context, const char *path, json_t *metadata, fv_params *params,
                               const fvi_quantized_tensors *quantized, const fvi_learned_tensors *learned)
{
    const size_t most = (size_t)fv_params_count(params) + (size_t)quantized->count + (size_t)learned->count + 1;
    fvi_tensor_source *sources = fvi_allocate_zeroed(context, most, sizeof *sources);
    if (sources == NULL)
        return fvi_out_of_memory(context, "a list of tensors", most * sizeof *sources);
    const int32_t count = list_sources(params, quantized, learned, sources);
    const fv_status status = fvi_safetensors_write(context, path, metadata, sources, count);
    fvi_release(context, sources);
    return status;
}

fv_status fv_model_write(fv_context *context, const char *path, fv_params *params, const fv_preprocess *preprocess,
                         const char *extra)
{
    json_t *metadata = NULL;
    fvi_learned_tensors learned;
    fvi_quantized_tensors quantized = { 0 };
    FV_TRY(fvi_learned_list(&learned, context, path, preprocess->transforms));
    FV_TRY(fvi_model_metadata(&metadata, context, path, params, preprocess, extra));
    fv_status status = set_self_test(context, metadata, params, preprocess)
                           ? fvi_quantized_list(&quantized, params)
                           : fvi_out_of_memory(context, "a self-test", 0);
    if (status == FV_OK)
        status = write_sources(context, path, metadata, params, &quantized, &learned);
    fvi_quantized_release(&quantized);
    json_decref(metadata);
    return status;
}
