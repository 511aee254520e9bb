/* SPDX-License-Identifier: Apache-2.0
 *
 * export_model.c - fovea export --to model: a model of fovea in the form that inference needs.
 */
#include "export.h"

int cli_export_model(const cli_export *export)
{
    const fv_inference_form_options options = { .keep_batch_norm = export->given->keep_batch_norm };
    const int32_t before = fv_graph_node_count(fv_model_graph(export->model));
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    char count[32];
    fv_status status = fv_inference_form(&graph, &params, fv_model_params(export->model), &options);
    if (status == FV_OK)
        status = fv_model_write(export->context, export->given->out, params, fv_model_preprocess(export->model), NULL);
    if (status == FV_OK)
        printf("wrote %s: %s, %d of %d layers, %s values\n", export->given->out, fv_graph_name(graph),
               (int)fv_graph_node_count(graph), (int)before,
               cli_grouped(fv_graph_parameters(graph), count, sizeof count));
    else
        cli_fail(export->call->command, "%s", fv_context_message(export->context));
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    return status == FV_OK ? cli_finish_output(export->call->command) : CLI_FAILED;
}
