/* SPDX-License-Identifier: Apache-2.0
 *
 * precision.c - the option --precision.
 */
#include "precision.h"

const char *const cli_precisions[] = { "auto", "f32", "bf16", "bf16-emulated", "int8", NULL };

fv_dtype cli_precision_dtype(int64_t precision, const fv_graph *graph)
{
    if (precision == CLI_PRECISION_AUTO)
        return fv_graph_is_quantized(graph) ? FV_I8 : FV_F32;
    return precision == CLI_PRECISION_INT8 ? FV_I8 : precision == CLI_PRECISION_F32 ? FV_F32 : FV_BF16;
}
