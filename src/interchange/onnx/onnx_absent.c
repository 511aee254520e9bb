/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_absent.c - instead of all else in this folder, in builds without libprotobuf-c or ONNX's schema.
 */
#include "base/base.h"
#include "fovea/onnx.h"

fv_status fv_onnx_read(fv_model **out, fv_context *context, const char *path, const fv_onnx_read_options *options)
{
    (void)options;
    *out = NULL;
    return fvi_fail(
        context, FV_ERR_UNSUPPORTED,
        "'%s': this build cannot read ONNX; it needs libprotobuf-c-dev, protobuf-c-compiler and libonnx-dev", path);
}

const fv_onnx_entry *fv_onnx_table(int32_t index)
{
    (void)index;
    return NULL;
}
