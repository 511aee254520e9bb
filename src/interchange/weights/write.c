/* SPDX-License-Identifier: Apache-2.0
 *
 * write.c - values for other programs: safetensors as PyTorch loads them, and .npz.
 */
#include <stdio.h>
#include <string.h>

#include "graph/graph_internal.h"
#include "interchange/weights/npz_write.h"
#include "interchange/weights/weights_internal.h"

typedef struct sources {
    fvi_tensor_source *list;
    int32_t count;
} sources;

/* PyTorch's batch normalisation counts its batches, behind its statistics. */
static bool counts_batches(const fv_param_info *info)
{
    const size_t length = strlen(info->name), tail = strlen(".running_var");
    return length > tail && strcmp(info->name + length - tail, ".running_var") == 0;
}

static fv_status list_sources(fv_params *params, bool torch, fvi_arena *arena, sources *out)
{
    static const int64_t none = 0;
    fv_context *context = fv_graph_context(fv_params_graph(params));
    const int32_t count = fv_params_count(params);
    out->list = fvi_arena_allocate(arena, 2 * (size_t)count * sizeof *out->list + 1);
    if (out->list == NULL)
        return fvi_out_of_memory(context, "a list of tensors", 2 * (size_t)count * sizeof *out->list);
    for (int32_t i = 0; i < count; i++) {
        const fv_param_info info = fv_params_info(params, i);
        out->list[out->count++] = (fvi_tensor_source){
            .name = info.name, .dtype = "F32", .shape = info.shape, .values = fv_params_values(params, i)
        };
        if (!torch || !counts_batches(&info))
            continue;
        char name[FVI_WEIGHTS_NAME];
        snprintf(name, sizeof name, "%.*s.num_batches_tracked", (int)(strlen(info.name) - strlen(".running_var")),
                 info.name);
        const char *kept = fvi_arena_text(arena, name);
        if (kept == NULL)
            return fvi_out_of_memory(context, "a name", strlen(name));
        out->list[out->count++] = (fvi_tensor_source){ .name = kept, .dtype = "I64", .values = &none };
    }
    return FV_OK;
}

static fv_status write_safetensors(fv_context *context, const char *path, const sources *all)
{
    json_t *metadata = json_pack("{s:s}", "format", "pt");
    if (metadata == NULL)
        return fvi_out_of_memory(context, "metadata", 0);
    const fv_status status = fvi_safetensors_write(context, path, metadata, all->list, all->count);
    json_decref(metadata);
    return status;
}

fv_status fv_weights_write(fv_params *params, const char *path, fv_weights_format format)
{
    enum { ARENA_BLOCK = 1 << 14 };
    fv_context *context = fv_graph_context(fv_params_graph(params));
    sources all = { .list = NULL };
    fvi_arena *arena = NULL;
    if (fv_params_dtype(params) != FV_F32 || format == FV_WEIGHTS_MODEL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "weights of '%s': %s", fv_graph_name(fv_params_graph(params)),
                        format == FV_WEIGHTS_MODEL ? "a model is written by fv_model_write()"
                                                   : "float32 values are written, not float64");
    FV_TRY(fvi_arena_create(&arena, context, ARENA_BLOCK));
    fv_status status = list_sources(params, format == FV_WEIGHTS_SAFETENSORS, arena, &all);
    if (status == FV_OK)
        status = format == FV_WEIGHTS_NUMPY ? fvi_npz_write(context, path, all.list, all.count)
                                            : write_safetensors(context, path, &all);
    fvi_arena_destroy(arena);
    return status;
}
