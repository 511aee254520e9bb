/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml_fuzz.c - networks as YAML, with blocks and arithmetic; what was read, written as YAML, must read back to the same network.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { SMALL = 1000, LONG_NAME = 100 };

/* Large networks take long; a long name with braces, which are doubled, may not fit into a text. */
static bool is_modest(const fv_graph *graph)
{
    const int32_t count = fv_graph_node_count(graph);
    for (int32_t i = 0; i < count && i < SMALL; i++)
        if (strlen(fv_graph_node(graph, i).name) > LONG_NAME)
            return false;
    return count < SMALL;
}

static void check_round_trip(fv_context *context, const fv_graph *graph)
{
    fv_graph *back = NULL;
    char *yaml = NULL, *yaml_back = NULL;
    const fv_status status = fv_graph_to_yaml(graph, &yaml);
    fuzz_check(context, status, yaml);
    if (status != FV_OK ||
        fv_graph_read_yaml(&back, context, fuzz_file((const uint8_t *)yaml, strlen(yaml))) != FV_OK ||
        fv_graph_to_yaml(back, &yaml_back) != FV_OK || strcmp(yaml, yaml_back) != 0 ||
        fv_graph_training_parameters(graph) != fv_graph_training_parameters(back))
        abort();
    fv_text_release(context, yaml);
    fv_text_release(context, yaml_back);
    fv_graph_destroy(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    fv_graph *graph = NULL;
    const fv_status status = fv_graph_read_yaml(&graph, context, fuzz_file(bytes, size));
    fuzz_check(context, status, graph);
    if (graph != NULL && is_modest(graph))
        check_round_trip(context, graph);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return 0;
}
