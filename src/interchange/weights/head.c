/* SPDX-License-Identifier: Apache-2.0
 *
 * head.c - the classifiers of a network: the layers whose size is the number of classes, and the same network for other classes. That is written as JSON, with
 * those sizes changed, and read again, so that every check of a graph is made anew.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/model.h"
#include "graph/graph_internal.h"
#include "interchange/weights/weights_internal.h"

/* The last layer with a matrix of weights before `value`; FV_NO_VALUE where values were joined first, or there is none. */
static fv_value last_weights(const fvi_node *nodes, fv_value value)
{
    for (; value != FV_NO_VALUE; value = nodes[value].input_count == 1 ? nodes[value].inputs[0] : FV_NO_VALUE)
        if (nodes[value].param_count > 0 && nodes[value].param[0].shape.rank >= 2)
            return value;
    return FV_NO_VALUE;
}

void fvi_graph_heads(const fv_graph *graph, bool *is)
{
    int32_t count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count);
    for (int32_t i = 0; i < count; i++)
        is[i] = false;
    for (int32_t i = 0; i < count; i++) {
        const fv_value end = nodes[i].layer->is_loss ? nodes[i].inputs[0] : i;
        const fv_value head =
            nodes[i].layer->is_loss || i == fv_graph_output(graph) ? last_weights(nodes, end) : FV_NO_VALUE;
        if (head != FV_NO_VALUE)
            is[head] = true;
    }
}

/* The attribute of a layer that says how many values it gives; NULL: it has none. */
static const char *size_key(const fvi_layer *layer)
{
    if (strcmp(layer->name, "dense") == 0)
        return "units";
    return strcmp(layer->name, "conv2d") == 0 ? "filters" : NULL;
}

static fv_status check_heads(const fv_graph *graph, const bool *heads)
{
    int32_t count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count);
    const fv_value last = last_weights(nodes, fv_graph_output(graph));
    if (last == FV_NO_VALUE)
        return fvi_fail(fv_graph_context(graph), FV_ERR_ARGUMENT,
                        "network '%s' has no last layer with weights that could be replaced by one for other classes",
                        fv_graph_name(graph));
    for (int32_t i = 0; i < count; i++)
        if (heads[i] && size_key(nodes[i].layer) == NULL)
            return fvi_fail(fv_graph_context(graph), FV_ERR_ARGUMENT,
                            "network '%s': its classifier '%s' is a layer of type %s, which cannot be made for other "
                            "classes; dense and conv2d can",
                            fv_graph_name(graph), nodes[i].name, nodes[i].layer->name);
    return FV_OK;
}

static bool change_sizes(const fv_graph *graph, const bool *heads, int32_t classes, json_t *root)
{
    int32_t count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count);
    json_t *list = json_object_get(root, "nodes");
    bool good = (int32_t)json_array_size(list) == count;
    for (int32_t i = 0; i < count && good; i++)
        if (heads[i])
            good = json_object_set_new(json_array_get(list, (size_t)i), size_key(nodes[i].layer),
                                       json_integer(classes)) == 0;
    return good;
}

static fv_status write_changed(const fv_graph *graph, const bool *heads, int32_t classes, char **changed)
{
    fv_context *context = fv_graph_context(graph);
    char *text = NULL;
    FV_TRY(fv_graph_to_json(graph, &text));
    json_t *root = json_loads(text, 0, NULL);
    fv_text_release(context, text);
    *changed = change_sizes(graph, heads, classes, root) ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return *changed != NULL ? FV_OK : fvi_out_of_memory(context, "a graph as text", 0);
}

fv_status fv_graph_with_head(fv_graph **out, const fv_graph *graph, int32_t classes)
{
    fv_context *context = fv_graph_context(graph);
    const size_t count = (size_t)fv_graph_node_count(graph);
    char *changed = NULL;
    *out = NULL;
    if (classes < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "network '%s': a classifier of %d classes; give at least 1",
                        fv_graph_name(graph), classes);
    bool *heads = fvi_allocate_zeroed(context, count, sizeof *heads);
    if (heads == NULL)
        return fvi_out_of_memory(context, "a list of layers", count);
    fvi_graph_heads(graph, heads);
    fv_status status = check_heads(graph, heads);
    if (status == FV_OK)
        status = write_changed(graph, heads, classes, &changed);
    if (status == FV_OK)
        status = fv_graph_from_json(out, context, changed);
    free(changed);
    fvi_release(context, heads);
    return status;
}
