/* SPDX-License-Identifier: Apache-2.0
 *
 * weights.c - opening a file of weights by its first bytes, and reading its tensors as float32.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fovea/model.h"
#include "interchange/model_format.h"
#include "interchange/weights/weights_internal.h"

enum { ARENA_BLOCK = 1 << 14, PIECE = 1 << 14 /* bytes; a multiple of 8 */, HEAD = 16 };

static fv_status list_parameters(fv_weights *weights)
{
    fv_params *params = fv_model_params(weights->model);
    weights->count = fv_params_count(params);
    weights->tensors = fvi_arena_allocate(weights->arena, (size_t)weights->count * sizeof *weights->tensors + 1);
    if (weights->tensors == NULL)
        return fvi_out_of_memory(weights->context, "a list of tensors", 0);
    for (int32_t i = 0; i < weights->count; i++) {
        const fv_param_info info = fv_params_info(params, i);
        weights->tensors[i] = (fv_weights_tensor){ .name = info.name, .dtype = "F32", .shape = info.shape };
    }
    return FV_OK;
}

static fv_status list_tensors(fv_weights *weights)
{
    weights->count = weights->file.count;
    weights->tensors = fvi_arena_allocate(weights->arena, (size_t)weights->count * sizeof *weights->tensors + 1);
    if (weights->tensors == NULL)
        return fvi_out_of_memory(weights->context, "a list of tensors", 0);
    for (int32_t i = 0; i < weights->count; i++) {
        const fvi_stored_tensor *stored = &weights->file.tensors[i];
        weights->tensors[i] =
            (fv_weights_tensor){ .name = stored->name, .dtype = stored->dtype, .shape = stored->shape };
    }
    return FV_OK;
}

/* Names and shapes, from front to back. */
static fv_status list_arrays(fv_weights *weights, fvi_npz *npz)
{
    void *tensors = NULL, *arrays = NULL;
    size_t tensor_room = 0, array_room = 0;
    fv_status status = FV_OK;
    for (;;) {
        const char *name = NULL;
        fvi_npy header;
        status = fvi_npz_next(npz, &name, &header);
        if (status != FV_OK || name == NULL)
            break;
        const size_t count = (size_t)weights->count;
        status =
            count < FVI_NPZ_ARRAYS
                ? fvi_grow(weights->context, &tensors, &tensor_room, count, count + 1, sizeof *weights->tensors)
                : fvi_fail(weights->context, FV_ERR_FORMAT, "'%s': more than %d arrays", weights->path, FVI_NPZ_ARRAYS);
        if (status == FV_OK)
            status = fvi_grow(weights->context, &arrays, &array_room, count, count + 1, sizeof header);
        const char *kept = fvi_arena_text(weights->arena, name);
        if (status == FV_OK && kept == NULL)
            status = fvi_out_of_memory(weights->context, "a name", strlen(name));
        if (status != FV_OK)
            break;
        ((fv_weights_tensor *)tensors)[count] =
            (fv_weights_tensor){ .name = kept, .dtype = fvi_number_name(header.type), .shape = header.shape };
        ((fvi_npy *)arrays)[count] = header;
        weights->count++;
    }
    weights->tensors = tensors;
    weights->arrays = arrays;
    return status;
}

static fv_status open_numpy(fv_weights *weights)
{
    fvi_npz *npz = NULL;
    weights->format = FV_WEIGHTS_NUMPY;
    FV_TRY(fvi_npz_open(&npz, weights->context, weights->path));
    const fv_status status = list_arrays(weights, npz);
    fvi_npz_close(npz);
    return status;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static fv_status open_safetensors(fv_weights *weights)
{
    FV_TRY(fvi_safetensors_open(&weights->file, weights->context, weights->path));
    const char *format = fvi_safetensors_text(&weights->file, "format");
    if (format == NULL || strcmp(format, FVI_MODEL_FORMAT) != 0 ||
        fvi_safetensors_text(&weights->file, "graph") == NULL)
        return list_tensors(weights);
    fvi_safetensors_close(&weights->file);
    weights->format = FV_WEIGHTS_MODEL;
    FV_TRY(fv_model_read(&weights->model, weights->context, weights->path));
    return list_parameters(weights);
}

/* What people have at hand and what to do with it. */
static fv_status refuse(const fv_weights *weights, const unsigned char *head, size_t got)
{
    if (got >= 4 && memcmp(head, "PK\3\4", 4) == 0)
        return fvi_fail(weights->context, FV_ERR_UNSUPPORTED,
                        "'%s' is a zip file: PyTorch's pickles can run any program and are not read; in Python: "
                        "safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\")",
                        weights->path);
    if (got >= 4 && memcmp(head, "\x89HDF", 4) == 0)
        return fvi_fail(weights->context, FV_ERR_UNSUPPORTED,
                        "'%s' is HDF5, which is not read; in Python: numpy.savez(\"weights.npz\", **{w.path: w.numpy() "
                        "for w in model.weights})",
                        weights->path);
    return FV_OK;
}

static fv_status open_file(fv_weights *weights)
{
    unsigned char head[HEAD];
    FILE *file = fopen(weights->path, "rb");
    if (file == NULL)
        return fvi_fail(weights->context, errno == ENOENT ? FV_ERR_NOT_FOUND : FV_ERR_IO,
                        "weights '%s' cannot be opened: %s", weights->path, strerror(errno));
    const size_t got = fread(head, 1, sizeof head, file);
    fclose(file);
    if (ends_with(weights->path, ".npz"))
        return open_numpy(weights);
    FV_TRY(refuse(weights, head, got));
    return open_safetensors(weights);
}

fv_status fv_weights_open(fv_weights **out, fv_context *context, const char *path)
{
    *out = NULL;
    fv_weights *weights = fvi_allocate_zeroed(context, 1, sizeof *weights);
    if (weights == NULL)
        return fvi_out_of_memory(context, "weights", sizeof *weights);
    weights->context = context;
    weights->file.descriptor = -1;
    fv_status status = fvi_arena_create(&weights->arena, context, ARENA_BLOCK);
    if (status == FV_OK) {
        weights->path = fvi_arena_text(weights->arena, path);
        status = weights->path != NULL ? open_file(weights) : fvi_out_of_memory(context, "weights", strlen(path));
    }
    if (status != FV_OK) {
        fv_weights_close(weights);
        return status;
    }
    *out = weights;
    return FV_OK;
}

void fv_weights_close(fv_weights *weights)
{
    if (weights == NULL)
        return;
    if (weights->file.descriptor >= 0)
        fvi_safetensors_close(&weights->file);
    fv_model_destroy(weights->model);
    fvi_npz_close(weights->npz);
    if (weights->format == FV_WEIGHTS_NUMPY) {
        fvi_release(weights->context, weights->tensors);
        fvi_release(weights->context, weights->arrays);
    }
    if (weights->report_memory != NULL)
        fvi_arena_destroy(weights->report_memory);
    if (weights->arena != NULL)
        fvi_arena_destroy(weights->arena);
    fvi_release(weights->context, weights);
}

const char *fv_weights_path(const fv_weights *weights)
{
    return weights->path;
}

fv_weights_format fv_weights_format_of(const fv_weights *weights)
{
    return weights->format;
}

int32_t fv_weights_count(const fv_weights *weights)
{
    return weights->count;
}

fv_weights_tensor fv_weights_tensor_at(const fv_weights *weights, int32_t index)
{
    return index >= 0 && index < weights->count ? weights->tensors[index] : (fv_weights_tensor){ 0 };
}

const fv_preprocess *fv_weights_preprocess(const fv_weights *weights)
{
    return weights->model != NULL ? fv_model_preprocess(weights->model) : NULL;
}

static fv_status read_stored(const fv_weights *weights, int32_t index, fvi_number type, size_t count, float *values)
{
    unsigned char piece[PIECE];
    const fvi_stored_tensor *stored = &weights->file.tensors[index];
    const size_t size = fvi_number_bytes(type), most = PIECE / size;
    const bool swapped = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__; /* files are little-endian */
    if (type == FVI_NUMBER_F32 && !swapped)
        return fvi_safetensors_read(&weights->file, stored->begin, values, count * size);
    for (size_t done = 0; done < count;) {
        const size_t now = count - done < most ? count - done : most;
        FV_TRY(fvi_safetensors_read(&weights->file, stored->begin + done * size, piece, now * size));
        fvi_numbers_to_float(type, swapped, piece, now, values + done);
        done += now;
    }
    return FV_OK;
}

/* Goes on from the array that was read last, or begins again from the front. */
static fv_status find_array(fv_weights *weights, int32_t index)
{
    const char *name = NULL;
    fvi_npy header;
    if (weights->npz == NULL || weights->read > index) {
        fvi_npz_close(weights->npz);
        weights->npz = NULL;
        weights->read = 0;
        FV_TRY(fvi_npz_open(&weights->npz, weights->context, weights->path));
    }
    for (; weights->read <= index; weights->read++) {
        FV_TRY(fvi_npz_next(weights->npz, &name, &header));
        if (name == NULL || strcmp(name, weights->tensors[weights->read].name) != 0)
            return fvi_fail(weights->context, FV_ERR_IO, "'%s' has changed since it was opened", weights->path);
    }
    const fvi_npy *known = &weights->arrays[index];
    if (header.type != known->type || header.bytes != known->bytes)
        return fvi_fail(weights->context, FV_ERR_IO, "'%s' has changed since it was opened", weights->path);
    return FV_OK;
}

static fv_status read_array(fv_weights *weights, int32_t index, size_t count, float *values)
{
    const fvi_npy *array = &weights->arrays[index];
    FV_TRY(find_array(weights, index));
    if (!array->fortran || array->shape.rank < 2)
        return fvi_npz_read(weights->npz, values, count);
    float *as_stored = fvi_allocate_zeroed(weights->context, count, sizeof *as_stored);
    if (as_stored == NULL)
        return fvi_out_of_memory(weights->context, "an array", count * sizeof *as_stored);
    const fv_status status = fvi_npz_read(weights->npz, as_stored, count);
    if (status == FV_OK)
        fvi_npy_from_fortran(&array->shape, as_stored, values);
    fvi_release(weights->context, as_stored);
    return status;
}

fv_status fv_weights_read(fv_weights *weights, int32_t index, float *values)
{
    if (index < 0 || index >= weights->count)
        return fvi_fail(weights->context, FV_ERR_ARGUMENT, "'%s' has no tensor %d: there are %d", weights->path, index,
                        weights->count);
    const fv_weights_tensor *tensor = &weights->tensors[index];
    const fvi_number type = fvi_number_of(tensor->dtype);
    size_t count = 1;
    if (type == FVI_NUMBER_NONE)
        return fvi_fail(weights->context, FV_ERR_UNSUPPORTED, "'%s': tensor '%.100s' is of %s, which is not read",
                        weights->path, tensor->name, tensor->dtype);
    for (int32_t i = 0; i < tensor->shape.rank; i++)
        count *= (size_t)tensor->shape.size[i]; /* the file has that many: checked when it was opened */
    if (weights->model != NULL) {
        memcpy(values, fv_params_values(fv_model_params(weights->model), index), count * sizeof *values);
        return FV_OK;
    }
    return weights->format == FV_WEIGHTS_NUMPY ? read_array(weights, index, count, values)
                                               : read_stored(weights, index, type, count, values);
}
