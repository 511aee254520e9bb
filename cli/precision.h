/* SPDX-License-Identifier: Apache-2.0
 *
 * precision.h - the option --precision, the same wherever a plan is made.
 */
#ifndef CLI_PRECISION_H
#define CLI_PRECISION_H

#include "command.h"

enum { CLI_PRECISION_AUTO, CLI_PRECISION_F32, CLI_PRECISION_BF16, CLI_PRECISION_BF16_EMULATED, CLI_PRECISION_INT8 };
extern const char *const cli_precisions[];

/* A line of an option table: member `precision` (int64_t) of struct `values`. */
#define CLI_PRECISION_OPTION(values, key)                                                                              \
    {                                                                                                                  \
        "precision", key, CLI_CHOICE, "P", offsetof(values, precision), 0, 0, "auto", cli_precisions,                  \
            CLI_COMPLETE_NONE,                                                                                         \
            "auto: int8 of a model in 8 bits, else f32; bf16 stores values between steps in bfloat16 and needs "       \
            "AVX-512 "                                                                                                 \
            "BF16; bf16-emulated: the same, slowly"                                                                    \
    }

/* Of plans of this network. */
fv_dtype cli_precision_dtype(int64_t precision, const fv_graph *graph);
/* cli_open_context() for plans of this precision. */
int cli_open_context_in(const cli_command *command, fv_context **out, int64_t threads, int64_t precision);

#endif
