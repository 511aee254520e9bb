/* SPDX-License-Identifier: Apache-2.0
 *
 * model_fuzz.c - model files.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_modest_context(size);
    fv_model *model = NULL;
    const fv_status status = fv_model_read(&model, context, fuzz_file(bytes, size));
    fuzz_check(context, status, model);
    fv_model_destroy(model);
    fv_context_destroy(context);
    return 0;
}
