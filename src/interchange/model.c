/* SPDX-License-Identifier: Apache-2.0
 *
 * model.c - reading model files: graph, preprocessing, values; see docs/formats.md. Values are read once, in the order in which they lie in
 * the file, into their places, while the checksum runs along.
 */
#include "fovea/model.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/xxh64.h"
#include "graph/graph_internal.h"
#include "interchange/learned.h"
#include "interchange/model_format.h"
#include "interchange/preprocess_json.h"
#include "interchange/quantized_file.h"
#include "interchange/safetensors.h"
#include "interchange/self_test.h"

enum { ARENA_BLOCK = 1 << 12, LIST_BYTES = 700, PIECE = 16384 };

struct fv_model {
    fv_context *context;
    fvi_arena *arena; /* class names and extra */
    fv_graph *graph;
    fv_params *params;
    fv_preprocess preprocess;
    fv_augmentation *transforms; /* of preprocess; NULL: none */
    const char *extra;
    const char *self_test; /* as text, or "" */
};

static fv_status required_text(const fvi_safetensors *file, const char *key, const char **text)
{
    *text = fvi_safetensors_text(file, key);
    if (*text != NULL)
        return FV_OK;
    return fvi_fail(file->context, FV_ERR_FORMAT,
                    "'%s' has no '%s' in its metadata: a safetensors file, but not a model of fovea", file->path, key);
}

fv_status fvi_model_check_format(const fvi_safetensors *file)
{
    const char *format = NULL, *version = NULL;
    FV_TRY(required_text(file, "format", &format));
    FV_TRY(required_text(file, "format_version", &version));
    if (strcmp(format, FVI_MODEL_FORMAT) != 0)
        return fvi_fail(file->context, FV_ERR_FORMAT,
                        "'%s': format '%.40s' in its metadata, expected '" FVI_MODEL_FORMAT "'", file->path, format);
    const bool quantized = fvi_safetensors_text(file, FVI_MODEL_QUANTIZATION) != NULL;
    if (strcmp(version, quantized ? FVI_MODEL_VERSION_QUANTIZED : FVI_MODEL_VERSION) != 0)
        return fvi_fail(file->context, FV_ERR_UNSUPPORTED,
                        "'%s': format version '%.40s'%s; this fovea reads '" FVI_MODEL_VERSION
                        "', and '" FVI_MODEL_VERSION_QUANTIZED "' of networks in 8 bits",
                        file->path, version, quantized ? " of a network in 8 bits" : "");
    return FV_OK;
}

/* Puts "'<path>': " before what a reader of metadata said. */
static fv_status blame_file(const fvi_safetensors *file, fv_status status)
{
    fvi_message said;
    snprintf(said.text, sizeof said.text, "%s", fv_context_message(file->context));
    return status == FV_OK ? FV_OK : fvi_fail(file->context, status, "'%s': %.800s", file->path, said.text);
}

/* A list of names for a message: cut, never overrun. */
static void append_name(char list[LIST_BYTES], const char *what, const char *name)
{
    const size_t used = strlen(list);
    snprintf(list + used, LIST_BYTES - used, "%s%s '%s'", used > 0 ? "; " : "", what, name);
}

static bool same_shape(const fv_shape *a, const fv_shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->size[i] != b->size[i])
            return false;
    return true;
}

/* What the graph declares must be what the file holds, before memory is taken for it: the file's size bounds it then. */
static fv_status match_tensors(const fvi_safetensors *file, const fv_graph *graph, const fvi_quantized_file *quantized,
                               json_t *stored)
{
    char wrong[LIST_BYTES] = "";
    int32_t nodes = 0, matched = 0;
    const fvi_node *node = fvi_graph_nodes(graph, &nodes);
    for (int32_t i = 0; i < nodes; i++)
        for (int32_t p = 0; p < node[i].param_count; p++) {
            char name[512];
            snprintf(name, sizeof name, "%s.%s", node[i].name, node[i].param[p].suffix);
            const char *dtype = p == 0 && fvi_quantized_has_bytes(quantized, i) ? "I8" : "F32";
            const json_t *found = json_object_get(stored, name);
            fvi_stored_tensor *tensor = found != NULL ? &file->tensors[json_integer_value(found)] : NULL;
            if (tensor == NULL)
                append_name(wrong, "missing", name);
            else if (strcmp(tensor->dtype, dtype) != 0)
                append_name(wrong, dtype[0] == 'I' ? "not I8" : "not F32", name);
            else if (!same_shape(&tensor->shape, &node[i].param[p].shape))
                append_name(wrong, "wrong shape of", name);
            if (tensor != NULL) {
                tensor->parameter = node[i].first_param + p;
                matched++;
            }
        }
    const bool only_parameters = fvi_safetensors_text(file, FVI_MODEL_STATE) == NULL;
    for (int32_t i = 0; only_parameters && matched < file->count && i < file->count; i++)
        if (file->tensors[i].parameter == -1)
            append_name(wrong, "unexpected", file->tensors[i].name);
    if (wrong[0] != '\0')
        return fvi_fail(file->context, FV_ERR_FORMAT, "'%s' does not fit its own graph: %s", file->path, wrong);
    return FV_OK;
}

static fv_status index_tensors(const fvi_safetensors *file, const fv_graph *graph, fvi_quantized_file *quantized)
{
    json_t *stored = json_object();
    for (int32_t i = 0; stored != NULL && i < file->count; i++)
        if (json_object_set_new(stored, file->tensors[i].name, json_integer(i)) != 0) {
            json_decref(stored);
            stored = NULL;
        }
    if (stored == NULL)
        return fvi_out_of_memory(file->context, "an index of tensors", 0);
    fv_status status = fvi_quantized_match(quantized, stored);
    if (status == FV_OK)
        status = match_tensors(file, graph, quantized, stored);
    json_decref(stored);
    return status;
}

/* The checksum runs along, for tensors that are no parameters (those of a checkpoint) through a buffer. */
static fv_status read_others(const fvi_safetensors *file, const fvi_stored_tensor *tensor, fvi_xxh64 *hash)
{
    char piece[PIECE];
    for (uint64_t at = tensor->begin; at < tensor->end; at += PIECE) {
        const size_t bytes = tensor->end - at < PIECE ? (size_t)(tensor->end - at) : PIECE;
        FV_TRY(fvi_safetensors_read(file, at, piece, bytes));
        fvi_xxh64_update(hash, piece, bytes);
    }
    return FV_OK;
}

/* Signed bytes as numbers. */
static fv_status read_bytes(const fvi_safetensors *file, const fvi_stored_tensor *tensor, float *values,
                            fvi_xxh64 *hash)
{
    int8_t piece[PIECE];
    for (uint64_t at = tensor->begin; at < tensor->end; at += PIECE) {
        const size_t bytes = tensor->end - at < PIECE ? (size_t)(tensor->end - at) : PIECE;
        FV_TRY(fvi_safetensors_read(file, at, piece, bytes));
        fvi_xxh64_update(hash, piece, bytes);
        for (size_t i = 0; i < bytes; i++)
            *values++ = piece[i];
    }
    return FV_OK;
}

/* Where the values of a tensor belong; NULL: nowhere. */
static float *values_of(const fv_model *model, const fvi_quantized_file *quantized, const fvi_stored_tensor *tensor)
{
    if (tensor->parameter >= 0)
        return fv_params_values(model->params, tensor->parameter);
    float *scales = fvi_quantized_values(quantized, tensor);
    return scales != NULL ? scales : fvi_learned_values(model->transforms, tensor);
}

static fv_status read_values(const fvi_safetensors *file, const fv_model *model, const fvi_quantized_file *quantized)
{
    fvi_xxh64 hash = fvi_xxh64_start(0);
    char checksum[17];
    const char *expected = NULL;
    FV_TRY(required_text(file, "checksum", &expected));
    for (int32_t i = 0; i < file->count; i++) {
        const fvi_stored_tensor *tensor = &file->tensors[i];
        const size_t bytes = (size_t)(tensor->end - tensor->begin);
        float *values = values_of(model, quantized, tensor);
        const bool in_bytes = tensor->parameter >= 0 && strcmp(tensor->dtype, "I8") == 0;
        if (values == NULL || in_bytes) {
            FV_TRY(values == NULL ? read_others(file, tensor, &hash) : read_bytes(file, tensor, values, &hash));
            continue;
        }
        FV_TRY(fvi_safetensors_read(file, tensor->begin, values, bytes));
        fvi_xxh64_update(&hash, values, bytes);
        fvi_little_endian(values, bytes / sizeof *values, sizeof *values);
    }
    snprintf(checksum, sizeof checksum, "%016llx", (unsigned long long)fvi_xxh64_finish(&hash));
    if (strcmp(checksum, expected) != 0)
        return fvi_fail(file->context, FV_ERR_FORMAT,
                        "'%s' is damaged: its tensors have checksum %s, its metadata says %.40s; use another copy",
                        file->path, checksum, expected);
    return FV_OK;
}

static fv_status fill_values(fv_model *model, const fvi_safetensors *file, fvi_quantized_file *quantized)
{
    FV_TRY(fvi_quantized_open(quantized, file, model->graph));
    FV_TRY(index_tensors(file, model->graph, quantized));
    FV_TRY(fvi_safetensors_check_header(file));
    FV_TRY(fv_params_create(&model->params, model->graph, FV_F32));
    FV_TRY(read_values(file, model, quantized));
    return fvi_quantized_finish(quantized, model->graph, model->params);
}

static fv_status fill(fv_model *model, const fvi_safetensors *file)
{
    const char *graph = NULL, *preprocess = NULL, *extra = fvi_safetensors_text(file, "extra"),
               *self_test = fvi_safetensors_text(file, FVI_SELF_TEST);
    FV_TRY(fvi_model_check_format(file));
    FV_TRY(required_text(file, "graph", &graph));
    FV_TRY(required_text(file, "preprocess", &preprocess));
    FV_TRY(blame_file(file, fv_graph_from_json(&model->graph, model->context, graph)));
    FV_TRY(blame_file(file, fvi_preprocess_read(&model->preprocess, &model->transforms, model->context, model->arena,
                                                "preprocess", preprocess)));
    const fv_image_shape takes = fv_graph_node(model->graph, fv_graph_input(model->graph)).output,
                         given = model->preprocess.input;
    if (takes.c != given.c || takes.h != given.h || takes.w != given.w)
        return fvi_fail(model->context, FV_ERR_FORMAT,
                        "'%s': its graph takes %dx%dx%d, its preprocessing gives %dx%dx%d", file->path, takes.c,
                        takes.h, takes.w, given.c, given.h, given.w);
    model->extra = fvi_arena_text(model->arena, extra != NULL ? extra : "");
    model->self_test = fvi_arena_text(model->arena, self_test != NULL ? self_test : "");
    if (model->extra == NULL || model->self_test == NULL)
        return fvi_out_of_memory(model->context, "extra metadata", 0);
    FV_TRY(fvi_learned_match(file, model->transforms));
    fvi_quantized_file quantized;
    const fv_status status = fill_values(model, file, &quantized);
    fvi_quantized_close(&quantized);
    return status;
}

fv_status fv_model_read(fv_model **out, fv_context *context, const char *path)
{
    fvi_safetensors file;
    *out = NULL;
    FV_TRY(fvi_safetensors_open(&file, context, path));
    fv_model *model = fvi_allocate_zeroed(context, 1, sizeof *model);
    fv_status status = FV_OK;
    if (model == NULL) {
        status = fvi_out_of_memory(context, "a model", sizeof *model);
    } else {
        model->context = context;
        status = fvi_arena_create(&model->arena, context, ARENA_BLOCK);
        if (status == FV_OK)
            status = fill(model, &file);
    }
    fvi_safetensors_close(&file);
    if (status != FV_OK) {
        fv_model_destroy(model);
        return status;
    }
    *out = model;
    return FV_OK;
}

static fv_status copy_names(fv_model *model, const fv_preprocess *from)
{
    if (from->class_names == NULL || from->classes < 1)
        return FV_OK;
    const size_t bytes = (size_t)from->classes * sizeof(const char *);
    const char **names = fvi_arena_allocate(model->arena, bytes);
    bool good = names != NULL;
    for (int32_t i = 0; good && i < from->classes; i++)
        good = (names[i] = fvi_arena_text(model->arena, from->class_names[i])) != NULL;
    model->preprocess.class_names = names;
    return good ? FV_OK : fvi_out_of_memory(model->context, "names of classes", bytes);
}

static fv_status copy_preprocess(fv_model *model, const fv_preprocess *from)
{
    model->preprocess = *from;
    model->preprocess.class_names = NULL;
    model->preprocess.transforms = NULL;
    FV_TRY(copy_names(model, from));
    if (from->transforms != NULL)
        FV_TRY(fvi_learned_copy(&model->transforms, model->context, from->transforms));
    model->preprocess.transforms = model->transforms;
    return FV_OK;
}

fv_status fv_model_create(fv_model **out, fv_context *context, fv_graph *graph, fv_params *params,
                          const fv_preprocess *preprocess, const char *extra)
{
    *out = NULL;
    fv_model *model = fvi_allocate_zeroed(context, 1, sizeof *model);
    if (model == NULL) {
        fv_params_destroy(params);
        fv_graph_destroy(graph);
        return fvi_out_of_memory(context, "a model", sizeof *model);
    }
    *model = (fv_model){ .context = context, .graph = graph, .params = params };
    fv_status status = fvi_model_check(context, fv_graph_name(graph), params, preprocess, extra);
    if (status == FV_OK)
        status = fvi_arena_create(&model->arena, context, ARENA_BLOCK);
    if (status == FV_OK)
        status = copy_preprocess(model, preprocess);
    if (status == FV_OK && (model->extra = fvi_arena_text(model->arena, extra != NULL ? extra : "")) == NULL)
        status = fvi_out_of_memory(context, "extra metadata", 0);
    if (status != FV_OK) {
        fv_model_destroy(model);
        return status;
    }
    *out = model;
    return FV_OK;
}

void fv_model_destroy(fv_model *model)
{
    if (model == NULL)
        return;
    fv_params_destroy(model->params);
    fv_graph_destroy(model->graph);
    fv_augmentation_destroy(model->transforms);
    if (model->arena != NULL)
        fvi_arena_destroy(model->arena);
    fvi_release(model->context, model);
}

fv_graph *fv_model_graph(fv_model *model)
{
    return model->graph;
}

fv_params *fv_model_params(fv_model *model)
{
    return model->params;
}

const fv_preprocess *fv_model_preprocess(const fv_model *model)
{
    return &model->preprocess;
}

const char *fv_model_extra(const fv_model *model)
{
    return model->extra;
}

const char *fvi_model_self_test(const fv_model *model)
{
    return model->self_test != NULL ? model->self_test : "";
}
