/* SPDX-License-Identifier: Apache-2.0
 *
 * export.h - what fovea export and its formats share. A format is a function in export_<format>.c and a line in cmd_export.c.
 */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "command.h"

/* The command's options; each format reads its own. */
typedef struct cli_export_values {
    const char *out;
    int64_t to, opset, seed, threads;
    bool keep_batch_norm, softmax;
    /* C */
    const char *name;
    int64_t arithmetic;
    bool blob, no_self_test;
    const char *data;
    int64_t images;
} cli_export_values;

/* A call with its model, which has values. */
typedef struct cli_export {
    const cli_call *call;
    const cli_export_values *given;
    fv_context *context;
    fv_model *model;
} cli_export;

/* Writes the model to given->out and tells what was written; an exit status. */
typedef int cli_export_function(const cli_export *export);

cli_export_function cli_export_model, cli_export_onnx, cli_export_torchvision, cli_export_npz, cli_export_c;

#endif
