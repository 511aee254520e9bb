/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml_fuzz.c - networks as YAML.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    fv_graph *graph = NULL;
    const fv_status status = fv_graph_read_yaml(&graph, context, fuzz_file(bytes, size));
    fuzz_check(context, status, graph);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return 0;
}
