/* SPDX-License-Identifier: Apache-2.0
 *
 * export_weights.c - fovea export --to torchvision, --to npz: the values alone, for PyTorch and NumPy.
 */
#include <sys/stat.h>

#include "export.h"

static int write_weights(const cli_export *export, fv_weights_format format, const char *what)
{
    char values[32], bytes[32];
    struct stat info;
    fv_params *params = fv_model_params(export->model);
    const fv_graph *graph = fv_model_graph(export->model);
    if (fv_weights_write(params, export->given->out, format) != FV_OK)
        return cli_fail(export->call->command, "%s", fv_context_message(export->context));
    const size_t size = stat(export->given->out, &info) == 0 ? (size_t)info.st_size : 0;
    printf("%s: the values of %s, %s of them, %s, %s\n", export->given->out, fv_graph_name(graph),
           cli_grouped(fv_graph_training_parameters(graph), values, sizeof values), what,
           cli_bytes(size, bytes, sizeof bytes));
    return cli_finish_output(export->call->command);
}

int cli_export_torchvision(const cli_export *export)
{
    return write_weights(export, FV_WEIGHTS_SAFETENSORS, "as load_state_dict() takes them");
}

int cli_export_npz(const cli_export *export)
{
    return write_weights(export, FV_WEIGHTS_NUMPY, "as numpy.load() opens them");
}
