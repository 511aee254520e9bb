/* SPDX-License-Identifier: Apache-2.0
 *
 * model_write.c - writing model files. The header is padded with spaces so that the tensors begin at a multiple of 64 bytes;
 * tensors lie in canonical order without gaps.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/xxh64.h"
#include "fovea/model.h"
#include "interchange/model_format.h"
#include "interchange/preprocess_json.h"

enum { LENGTH_BYTES = 8, DATA_ALIGNMENT = 64, CHUNK = 4096 };

typedef fv_status take_fn(void *user, const void *bytes, size_t count);

/* All tensors, as the file's bytes, in pieces. */
static fv_status each_value(fv_params *params, take_fn *take, void *user)
{
    float chunk[CHUNK];
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        const float *values = fv_params_values(params, i);
        const size_t elements = (size_t)fv_params_info(params, i).elements;
        for (size_t at = 0; at < elements; at += CHUNK) {
            const size_t count = elements - at < CHUNK ? elements - at : CHUNK;
            memcpy(chunk, values + at, count * sizeof *chunk);
            fvi_little_endian(chunk, count);
            FV_TRY(take(user, chunk, count * sizeof *chunk));
        }
    }
    return FV_OK;
}

static fv_status take_hash(void *user, const void *bytes, size_t count)
{
    fvi_xxh64_update(user, bytes, count);
    return FV_OK;
}

static fv_status take_write(void *user, const void *bytes, size_t count)
{
    return fvi_writer_append(user, bytes, count);
}

static bool set_dumped(json_t *object, const char *key, json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    const bool good = text != NULL && json_object_set_new(object, key, json_string(text)) == 0;
    free(text);
    json_decref(value);
    return good;
}

static json_t *make_metadata(fv_params *params, const fv_preprocess *preprocess, const char *graph, const char *extra)
{
    char checksum[17];
    fvi_xxh64 hash = fvi_xxh64_start(0);
    (void)each_value(params, take_hash, &hash);
    snprintf(checksum, sizeof checksum, "%016llx", (unsigned long long)fvi_xxh64_finish(&hash));
    json_t *metadata = json_object();
    bool good = json_object_set_new(metadata, "format", json_string(FVI_MODEL_FORMAT)) == 0;
    good = json_object_set_new(metadata, "format_version", json_string(FVI_MODEL_VERSION)) == 0 && good;
    good = json_object_set_new(metadata, "version", json_string(fv_version())) == 0 && good;
    good = json_object_set_new(metadata, "graph", json_string(graph)) == 0 && good;
    good = set_dumped(metadata, "preprocess", fvi_preprocess_write(preprocess)) && good;
    if (extra != NULL)
        good = json_object_set_new(metadata, "extra", json_string(extra)) == 0 && good;
    good = json_object_set_new(metadata, "checksum", json_string(checksum)) == 0 && good;
    if (good)
        return metadata;
    json_decref(metadata);
    return NULL;
}

static json_t *make_entry(const fv_param_info *info, size_t begin, size_t end)
{
    json_t *shape = json_array();
    for (int32_t i = 0; i < info->shape.rank; i++)
        if (json_array_append_new(shape, json_integer(info->shape.size[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F32", "shape", shape, "data_offsets", (json_int_t)begin,
                     (json_int_t)end);
}

static json_t *make_header(fv_params *params, const fv_preprocess *preprocess, const char *graph, const char *extra)
{
    json_t *header = json_object();
    size_t at = 0;
    bool good = json_object_set_new(header, "__metadata__", make_metadata(params, preprocess, graph, extra)) == 0;
    for (int32_t i = 0; i < fv_params_count(params) && good; i++) {
        const fv_param_info info = fv_params_info(params, i);
        const size_t end = at + (size_t)info.elements * sizeof(float);
        good = json_object_set_new(header, info.name, make_entry(&info, at, end)) == 0;
        at = end;
    }
    if (good)
        return header;
    json_decref(header);
    return NULL;
}

static fv_status write_file(fv_context *context, const char *path, fv_params *params, const char *header)
{
    static const char spaces[DATA_ALIGNMENT + 1] = "                                                                ";
    unsigned char length[LENGTH_BYTES];
    const size_t used = strlen(header);
    const size_t padded = fvi_round_up(LENGTH_BYTES + used, DATA_ALIGNMENT) - LENGTH_BYTES;
    fvi_writer writer;
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    FV_TRY(fvi_writer_open(&writer, context, path));
    fv_status status = fvi_writer_append(&writer, length, sizeof length);
    if (status == FV_OK)
        status = fvi_writer_append(&writer, header, used);
    if (status == FV_OK)
        status = fvi_writer_append(&writer, spaces, padded - used);
    if (status == FV_OK)
        status = each_value(params, take_write, &writer);
    if (status == FV_OK)
        status = fvi_writer_commit(&writer);
    fvi_writer_discard(&writer);
    return status;
}

static fv_status check(fv_context *context, const char *path, fv_params *params, const fv_preprocess *preprocess,
                       const char *extra)
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

fv_status fv_model_write(fv_context *context, const char *path, fv_params *params, const fv_preprocess *preprocess,
                         const char *extra)
{
    char *graph = NULL;
    FV_TRY(check(context, path, params, preprocess, extra));
    FV_TRY(fv_graph_to_json(fv_params_graph(params), &graph));
    json_t *header = make_header(params, preprocess, graph, extra);
    fv_text_release(context, graph);
    char *text = header != NULL ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    if (text == NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "model '%s': a name or the extra metadata is not UTF-8, or memory is short", path);
    const fv_status status = write_file(context, path, params, text);
    free(text);
    return status;
}
