/* SPDX-License-Identifier: Apache-2.0
 *
 * json_fuzz.c - networks as JSON; what is read must come back from what is written.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    fv_graph *graph = NULL, *again = NULL;
    char *text = malloc(size + 1), *written = NULL;
    if (text == NULL)
        abort();
    memcpy(text, bytes, size);
    text[size] = 0;
    const fv_status status = fv_graph_from_json(&graph, context, text);
    fuzz_check(context, status, graph);
    if (status == FV_OK &&
        (fv_graph_to_json(graph, &written) != FV_OK || fv_graph_from_json(&again, context, written) != FV_OK))
        abort();
    fv_text_release(context, written);
    fv_graph_destroy(again);
    fv_graph_destroy(graph);
    free(text);
    fv_context_destroy(context);
    return 0;
}
