/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_fuzz.c - ONNX files. What is read can be described.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_modest_context(size);
    fv_model *model = NULL;
    const fv_status status = fv_onnx_read(&model, context, fuzz_file(bytes, size), NULL);
    fuzz_check(context, status, model);
    if (status == FV_OK) {
        char *text = NULL;
        fuzz_check(context, fv_graph_to_json(fv_model_graph(model), &text), text);
        fv_text_release(context, text);
    }
    fv_model_destroy(model);
    fv_context_destroy(context);
    return 0;
}
