/* SPDX-License-Identifier: Apache-2.0
 *
 * freeze.c - layers that do not learn: their parameters become constants, which plan, optimizer and layers know how to leave alone.
 */
#include <stdio.h>
#include <string.h>

#include "base/glob.h"
#include "graph/graph_internal.h"

enum { NAME_BYTES = 512 };

bool fv_pattern_matches(const char *patterns, const char *name)
{
    return fvi_glob_list(patterns, name);
}

static const char *name_of(const fvi_node *node, int32_t param, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%s.%s", node->name, node->param[param].suffix);
    return name;
}

static fv_status no_such_parameter(const fv_graph *graph, const char *word)
{
    char name[NAME_BYTES] = "";
    int32_t count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count);
    for (int32_t i = 0; i < count && name[0] == '\0'; i++)
        if (nodes[i].param_count > 0)
            name_of(&nodes[i], 0, name);
    return fvi_fail(
        fv_graph_context(graph), FV_ERR_ARGUMENT,
        "freezing: '%s' matches no parameter of network '%s'; they are called like '%s', and the pattern has to "
        "match a name whole or up to one of its points",
        word, fv_graph_name(graph), name);
}

/* Every word says something. */
static fv_status check_words(const fv_graph *graph, const char *patterns)
{
    char word[NAME_BYTES], name[NAME_BYTES];
    bool inverted = false;
    int32_t count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count);
    while (fvi_glob_next(&patterns, word, sizeof word, &inverted)) {
        bool found = false;
        for (int32_t i = 0; i < count && !found; i++)
            for (int32_t j = 0; j < nodes[i].param_count && !found; j++)
                found = fvi_glob_begins(word, name_of(&nodes[i], j, name));
        if (!found)
            return no_such_parameter(graph, word);
    }
    return FV_OK;
}

/* Whether all that learns in a node matches. */
static bool freezes(const fvi_node *node, const char *patterns)
{
    char name[NAME_BYTES];
    bool any_trained = false, all = node->param_count > 0;
    for (int32_t i = 0; i < node->param_count; i++)
        any_trained = any_trained || node->param[i].trained;
    for (int32_t i = 0; i < node->param_count; i++)
        if (node->param[i].trained || (!any_trained && node->param[i].momentum > 0))
            all = all && fvi_glob_list(patterns, name_of(node, i, name));
    return all;
}

fv_status fv_graph_freeze(fv_graph *graph, const char *patterns)
{
    int32_t count = 0;
    fvi_node *nodes = fvi_graph_nodes_to_freeze(graph, &count);
    if (!fvi_graph_finished(graph))
        return fvi_fail(fv_graph_context(graph), FV_ERR_STATE,
                        "graph '%s' is not finished: its layers cannot be frozen", fv_graph_name(graph));
    FV_TRY(check_words(graph, patterns));
    for (int32_t i = 0; i < count; i++) {
        if (!freezes(&nodes[i], patterns))
            continue;
        nodes[i].frozen = true;
        for (int32_t j = 0; j < nodes[i].param_count; j++) {
            fvi_declared_param *param = &nodes[i].param[j];
            param->frozen = param->frozen || param->trained;
            param->trained = false;
            param->momentum = 0;
        }
    }
    return FV_OK;
}
