/* SPDX-License-Identifier: Apache-2.0
 *
 * verify.c - looking a model, a checkpoint or a crash bundle over: everything in it is read once, and its self-test is run.
 */
#include <jansson.h>
#include <string.h>

#include "interchange/model_format.h"
#include "train/trainer_internal.h"

static void read_place(const fvi_safetensors *file, fv_file_info *info)
{
    const char *text = fvi_safetensors_text(file, FVI_MODEL_STATE);
    json_t *state = text != NULL ? json_loads(text, 0, NULL) : NULL;
    info->epoch = (int32_t)json_integer_value(json_object_get(state, "epoch"));
    info->step = json_integer_value(json_object_get(state, "steps"));
    info->position = json_integer_value(json_object_get(state, "position"));
    json_decref(state);
}

static void fill_info(const fvi_safetensors *file, fv_model *model, fv_file_info *info)
{
    const char *version = fvi_safetensors_text(file, "version"), *checksum = fvi_safetensors_text(file, "checksum");
    info->kind = fvi_safetensors_text(file, FVI_MODEL_CRASH) != NULL   ? FV_FILE_CRASH
                 : fvi_safetensors_text(file, FVI_MODEL_STATE) != NULL ? FV_FILE_CHECKPOINT
                                                                       : FV_FILE_MODEL;
    snprintf(info->network, sizeof info->network, "%s", fv_graph_name(fv_model_graph(model)));
    snprintf(info->version, sizeof info->version, "%s", version != NULL ? version : "");
    snprintf(info->checksum, sizeof info->checksum, "%s", checksum != NULL ? checksum : "");
    info->bytes = (int64_t)(file->data_offset + file->data_bytes);
    info->tensors = file->count;
    if (info->kind != FV_FILE_MODEL)
        read_place(file, info);
}

static fv_status test(fv_model *model, const char *path, fv_file_info *info)
{
    fv_context *context = fv_graph_context(fv_model_graph(model));
    const fv_self_test_result *result = &info->self_test;
    fvi_message said;
    const fv_status status = fv_self_test_run(&info->self_test, model);
    snprintf(said.text, sizeof said.text, "%s", fv_context_message(context));
    if (status != FV_OK)
        return fvi_fail(context, status, "'%s': %.800s", path, said.text);
    if (result->outputs == 0 || result->agrees)
        return FV_OK;
    return fvi_fail(
        context, FV_ERR_NUMERIC,
        "'%s' fails its self-test: output %d of %d is %.9g, its file says %.9g: they differ by %.2g of the largest "
        "output, of which rounding explains %.2g",
        path, result->worst, result->outputs, (double)result->got, (double)result->stored, result->difference,
        result->bound);
}

fv_status fv_file_verify(fv_context *context, const char *path, fv_file_info *info)
{
    fvi_safetensors file;
    fv_model *model = NULL;
    memset(info, 0, sizeof *info);
    FV_TRY(fvi_safetensors_open(&file, context, path));
    fv_status status = fvi_safetensors_check_header(&file);
    if (status == FV_OK)
        status = fv_model_read(&model, context, path); /* which compares the checksum over all tensors */
    if (status == FV_OK) {
        fill_info(&file, model, info);
        fv_params_hash(fv_model_params(model), info->weights_hash);
    }
    if (status == FV_OK)
        status = test(model, path, info);
    if (status != FV_OK)
        memset(info, 0, sizeof *info);
    fv_model_destroy(model);
    fvi_safetensors_close(&file);
    return status;
}
