/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_read.c - fv_onnx_read(): the steps from a file to a model, and the values of its parameters.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "graph/graph_internal.h"
#include "interchange/onnx/onnx_file.h"
#include "interchange/preprocess_json.h"

/* No number of bytes in protobuf's encoding exceeds 31 bits. */
#define MOST_BYTES ((size_t)INT32_MAX)
enum { ARENA_BLOCK = 1 << 16, SHARE = 16 };

static fv_status fill_one(fvi_onnx *onnx, fv_params *params, const fvi_onnx_values *fill, bool *filled)
{
    char name[512];
    snprintf(name, sizeof name, "%s.%s", fv_graph_node(onnx->graph, fill->node).name, fill->suffix);
    const int32_t index = fv_params_find(params, name);
    const fv_param_info info = fv_params_info(params, index);
    if (index < 0 || info.elements != fill->count)
        return fvi_onnx_fail_file(onnx, FV_ERR_SHAPE, "'%s' takes %lld values, the file gives %lld", name,
                                  (long long)info.elements, (long long)fill->count);
    memcpy(fv_params_values(params, index), fill->values, (size_t)fill->count * sizeof *fill->values);
    filled[index] = true;
    return FV_OK;
}

static fv_status fill_params(fvi_onnx *onnx, fv_params *params)
{
    const size_t count = (size_t)fv_params_count(params);
    bool *filled = fvi_allocate_zeroed(onnx->context, count + 1, sizeof *filled);
    fv_status status = filled != NULL ? FV_OK : fvi_out_of_memory(onnx->context, "a list of parameters", count);
    for (size_t i = 0; status == FV_OK && i < onnx->fill_count; i++)
        status = fill_one(onnx, params, &onnx->fills[i], filled);
    for (size_t i = 0; status == FV_OK && i < count; i++)
        if (!filled[i])
            status = fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "nothing in the file gives the values of '%s'",
                                        fv_params_info(params, (int32_t)i).name);
    fvi_release(onnx->context, filled);
    return status;
}

static const char *metadata(const fvi_onnx *onnx, const char *key)
{
    for (size_t i = 0; i < onnx->model->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *entry = onnx->model->metadata_props[i];
        if (entry->key != NULL && entry->value != NULL && strcmp(entry->key, key) == 0)
            return entry->value;
    }
    return NULL;
}

/* What the metadata say, or pixels divided by 255 and a warning: a network that was trained on other inputs gives other answers. */
static fv_status read_preprocess(fvi_onnx *onnx, fv_preprocess *preprocess, fv_augmentation **transforms)
{
    const fv_image_shape input = fv_graph_node(onnx->graph, fv_graph_input(onnx->graph)).output,
                         output = fv_graph_node(onnx->graph, fv_graph_output(onnx->graph)).output;
    const char *text = metadata(onnx, "fovea.preprocess");
    if (text != NULL) {
        FV_TRY(fvi_preprocess_read(preprocess, transforms, onnx->context, onnx->arena, "fovea.preprocess", text));
        if (preprocess->input.c != input.c || preprocess->input.h != input.h || preprocess->input.w != input.w)
            return fvi_onnx_fail_file(
                onnx, FV_ERR_FORMAT, "its fovea.preprocess yields %dx%dx%d, its network takes %dx%dx%d",
                preprocess->input.c, preprocess->input.h, preprocess->input.w, input.c, input.h, input.w);
        return FV_OK;
    }
    *preprocess = (fv_preprocess){ .input = input, .classes = output.h == 1 && output.w == 1 ? output.c : 0 };
    fvi_log_message(onnx->context, FV_LOG_WARNING,
                    "'%s' does not say how images become its input; pixels are divided by 255, and not normalised",
                    onnx->path);
    return FV_OK;
}

/* The steps up to a graph; then the file's memory is what parameters are filled from. */
static fv_status read_graph(fvi_onnx *onnx, const unsigned char *bytes, size_t size)
{
    onnx->names = json_object();
    onnx->functions = json_object();
    onnx->taken = json_object();
    onnx->external = json_object();
    if (onnx->names == NULL || onnx->functions == NULL || onnx->taken == NULL || onnx->external == NULL)
        return fvi_out_of_memory(onnx->context, "the names of an ONNX file", 0);
    FV_TRY(fvi_arena_create(&onnx->arena, onnx->context, ARENA_BLOCK));
    onnx->bytes_left = size > (SIZE_MAX >> 1) / SHARE ? SIZE_MAX >> 1 : SHARE * size + (1 << 20);
    FV_TRY(fvi_onnx_unpack(onnx, bytes, size));
    FV_TRY(fvi_onnx_load(onnx));
    FV_TRY(fvi_onnx_check_operators(onnx));
    fvi_onnx_mark_alive(onnx);
    for (size_t i = 0; i < onnx->node_count; i++) {
        bool done = false;
        if (onnx->nodes[i]->alive && strcmp(onnx->nodes[i]->type, "Shape") != 0)
            FV_TRY(fvi_onnx_fold(onnx, onnx->nodes[i], &done));
    }
    FV_TRY(fvi_onnx_match_patterns(onnx));
    return fvi_onnx_map(onnx);
}

static fv_status make_model(fv_model **out, fvi_onnx *onnx)
{
    fv_preprocess preprocess = { 0 };
    fv_augmentation *transforms = NULL;
    fv_params *params = NULL;
    FV_TRY(fv_params_create(&params, onnx->graph, FV_F32));
    fv_status status = fill_params(onnx, params);
    if (status == FV_OK)
        status = read_preprocess(onnx, &preprocess, &transforms);
    if (status == FV_OK) {
        status = fv_model_create(out, onnx->context, onnx->graph, params, &preprocess, NULL);
        onnx->graph = NULL; /* the model's, or gone */
        params = NULL;
    }
    fv_params_destroy(params);
    fv_augmentation_destroy(transforms);
    return status;
}

static void release(fvi_onnx *onnx)
{
    fv_graph_destroy(onnx->graph);
    if (onnx->model != NULL)
        onnx__model_proto__free_unpacked(onnx->model, NULL);
    json_decref(onnx->names);
    json_decref(onnx->functions);
    json_decref(onnx->taken);
    json_decref(onnx->external);
    fvi_release(onnx->context, onnx->values);
    fvi_release(onnx->context, onnx->nodes);
    fvi_release(onnx->context, onnx->fills);
    if (onnx->arena != NULL)
        fvi_arena_destroy(onnx->arena);
}

fv_status fvi_onnx_read_bytes(fv_model **out, fv_context *context, const char *path, const char *folder,
                              const unsigned char *bytes, size_t size, const fv_onnx_read_options *options)
{
    const fv_onnx_read_options none = { 0 };
    fvi_onnx onnx = {
        .context = context, .path = path, .folder = folder, .options = options != NULL ? options : &none
    };
    *out = NULL;
    fv_status status = read_graph(&onnx, bytes, size);
    if (status == FV_OK)
        status = make_model(out, &onnx);
    release(&onnx);
    return status;
}

fv_status fv_onnx_read(fv_model **out, fv_context *context, const char *path, const fv_onnx_read_options *options)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    *out = NULL;
    FV_TRY(fvi_file_read(context, path, MOST_BYTES, &bytes, &size));
    const char *end = strrchr(path, '/');
    char *folder = fvi_duplicate_text(context, path);
    fv_status status = FV_ERR_MEMORY;
    if (folder == NULL) {
        status = fvi_out_of_memory(context, "a path", strlen(path));
    } else {
        folder[end != NULL ? end - path + 1 : 0] = '\0';
        status = fvi_onnx_read_bytes(out, context, path, folder, bytes, size, options);
    }
    fvi_release(context, folder);
    fvi_release(context, bytes);
    return status;
}
