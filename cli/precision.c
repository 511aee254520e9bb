/* SPDX-License-Identifier: Apache-2.0
 *
 * precision.c - the option --precision.
 */
#include "precision.h"

const char *const cli_precisions[] = { "f32", "bf16", "bf16-emulated", NULL };

fv_dtype cli_precision_dtype(int64_t precision)
{
    return precision == CLI_PRECISION_F32 ? FV_F32 : FV_BF16;
}
