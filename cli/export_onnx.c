/* SPDX-License-Identifier: Apache-2.0
 *
 * export_onnx.c - fovea export --to onnx.
 */
#include <sys/stat.h>

#include "export.h"

static void print_operators(void *user, const fv_onnx_operator *operators, int32_t count)
{
    const cli_export *export = user;
    struct stat info = { 0 };
    int64_t nodes = 0;
    char text[32];
    for (int32_t i = 0; i < count; i++)
        nodes += operators[i].count;
    stat(export->given->out, &info);
    printf("wrote %s: %s, opset %d, %lld operators", export->given->out, fv_graph_name(fv_model_graph(export->model)),
           (int)export->given->opset, (long long)nodes);
    printf(", %s bytes\n", cli_grouped(info.st_size, text, sizeof text));
    for (int32_t i = 0; i < count; i++)
        printf("%6d %s\n", (int)operators[i].count, operators[i].name);
}

int cli_export_onnx(const cli_export *export)
{
    const fv_onnx_write_options options = { .opset = (int32_t) export->given->opset,
                                            .keep_batch_norm = export->given->keep_batch_norm,
                                            .softmax = export->given->softmax,
                                            .operators = print_operators,
                                            .user = (void *)(uintptr_t) export };
    if (fv_onnx_write(export->context, export->given->out, export->model, &options) != FV_OK)
        return cli_fail(export->call->command, "%s", fv_context_message(export->context));
    return cli_finish_output(export->call->command);
}
