/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_external.c - tensors whose bytes lie in files beside the model's. Such a file is named relative to the model's folder and stays
 * inside it: no "..", no link on the way, a regular file. Bytes that several tensors share are counted, so that a small file
 * cannot become many large tensors.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interchange/onnx/onnx_file.h"

enum { SHARED = 2 /* tensors that may share a byte */ };

typedef struct place {
    const char *location;
    uint64_t offset, length; /* length 0: not told */
} place;

static fv_status read_number(const fvi_onnx *onnx, const Onnx__TensorProto *tensor, const char *key, const char *text,
                             uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "tensor '%.100s': external data with the %s '%.40s'",
                                  tensor->name, key, text);
    *number = value;
    return FV_OK;
}

static fv_status find_place(const fvi_onnx *onnx, const Onnx__TensorProto *tensor, place *out)
{
    *out = (place){ 0 };
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const char *key = tensor->external_data[i]->key, *value = tensor->external_data[i]->value;
        if (key == NULL || value == NULL)
            continue;
        if (strcmp(key, "location") == 0)
            out->location = value;
        else if (strcmp(key, "offset") == 0)
            FV_TRY(read_number(onnx, tensor, key, value, &out->offset));
        else if (strcmp(key, "length") == 0)
            FV_TRY(read_number(onnx, tensor, key, value, &out->length));
    }
    if (out->location == NULL || out->location[0] == '\0')
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "tensor '%.100s': external data without a location",
                                  tensor->name);
    return FV_OK;
}

/* A step of a path: its length; 0 where it may not be one. */
static size_t step_length(const char *path)
{
    const size_t length = strcspn(path, "/");
    if (length > 255 || (length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.'))
        return 0;
    return length;
}

/* Opens the file step by step from the model's folder, following no link. */
static fv_status open_inside(const fvi_onnx *onnx, const char *location, int *out)
{
    int folder = open(onnx->folder[0] != '\0' ? onnx->folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *at = location;
    while (folder >= 0) {
        char step[256];
        const size_t length = step_length(at);
        if (length == 0) {
            close(folder);
            return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT,
                                      "external data in '%.200s': they must lie in the model's folder, by a plain name",
                                      location);
        }
        memcpy(step, at, length);
        step[length] = '\0';
        const bool last = at[length] == '\0';
        const int next = openat(folder, step, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (last ? O_NONBLOCK : O_DIRECTORY));
        const int failure = errno;
        close(folder);
        errno = failure;
        folder = next;
        if (last)
            break;
        at += length + 1;
    }
    if (folder < 0 && errno == ELOOP)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "external data in '%.200s': it is a link; only files are read",
                                  location);
    if (folder < 0)
        return fvi_onnx_fail_file(onnx, errno == ENOENT ? FV_ERR_NOT_FOUND : FV_ERR_IO,
                                  "external data in '%.200s', beside the model: %s", location, strerror(errno));
    *out = folder;
    return FV_OK;
}

static fv_status check_file(const fvi_onnx *onnx, const Onnx__TensorProto *tensor, const place *at, size_t needed,
                            int descriptor)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode))
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "external data in '%.200s': it is not a regular file",
                                  at->location);
    const uint64_t size = (uint64_t)info.st_size;
    if (at->length != 0 && at->length != needed)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT,
                                  "tensor '%.100s': its shape needs %zu bytes, its external data have %llu",
                                  tensor->name, needed, (unsigned long long)at->length);
    if (at->offset > size || needed > size - at->offset)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT,
                                  "tensor '%.100s': %zu bytes from byte %llu of '%.200s', which has %llu", tensor->name,
                                  needed, (unsigned long long)at->offset, at->location, (unsigned long long)size);
    const json_int_t used = json_integer_value(json_object_get(onnx->external, at->location));
    if ((uint64_t)used + needed > SHARED * size)
        return fvi_onnx_fail_file(
            onnx, FV_ERR_FORMAT,
            "tensor '%.100s': the tensors in '%.200s' overlap: together they have more than twice its "
            "bytes",
            tensor->name, at->location);
    return FV_OK;
}

static fv_status read_all(const fvi_onnx *onnx, const place *at, size_t needed, unsigned char *bytes, int descriptor)
{
    for (size_t done = 0; done < needed;) {
        const ssize_t got = pread(descriptor, bytes + done, needed - done, (off_t)(at->offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fvi_onnx_fail_file(onnx, FV_ERR_IO, "external data in '%.200s': %s", at->location,
                                      got < 0 ? strerror(errno) : "the file has become shorter");
        done += (size_t)got;
    }
    const json_int_t used = json_integer_value(json_object_get(onnx->external, at->location));
    if (json_object_set_new_nocheck(onnx->external, at->location, json_integer(used + (json_int_t)needed)) != 0)
        return fvi_out_of_memory(onnx->context, "the names of external data", strlen(at->location));
    return FV_OK;
}

fv_status fvi_onnx_read_external(fvi_onnx *onnx, const Onnx__TensorProto *tensor, size_t needed, void *bytes)
{
    place at;
    int descriptor = -1;
    FV_TRY(find_place(onnx, tensor, &at));
    if (onnx->folder == NULL)
        return fvi_onnx_fail_file(onnx, FV_ERR_UNSUPPORTED,
                                  "tensor '%.100s' lies in '%.200s': a model in memory has no files beside it",
                                  tensor->name, at.location);
    FV_TRY(open_inside(onnx, at.location, &descriptor));
    fv_status status = check_file(onnx, tensor, &at, needed, descriptor);
    if (status == FV_OK && bytes != NULL)
        status = read_all(onnx, &at, needed, bytes, descriptor);
    close(descriptor);
    return status;
}
