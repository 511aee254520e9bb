/* SPDX-License-Identifier: Apache-2.0
 *
 * match.c - partners are nodes of one name and shape; what is left is matched in order between those, by type and shape; last come batch
 * normalisations that the other graph has folded into the layer before them. Graphs have a few thousand nodes at most, so all is by search.
 */
#include "inspect/match.h"

#include <string.h>

#include "base/base.h"

typedef struct matching {
    const fv_graph *a, *b;
    fv_value *of_a, *of_b; /* partners, of each node */
} matching;

bool fvi_match_counts(const fv_graph *graph, fv_value node)
{
    const fv_node_info info = fv_graph_node(graph, node);
    return !info.loss && !info.auxiliary;
}

static bool same_shape(fv_image_shape a, fv_image_shape b)
{
    return a.c == b.c && a.h == b.h && a.w == b.w;
}

static bool may_match(const matching *m, fv_value i, fv_value j)
{
    return m->of_a[i] == FV_NO_VALUE && m->of_b[j] == FV_NO_VALUE && fvi_match_counts(m->a, i) &&
           fvi_match_counts(m->b, j) && same_shape(fv_graph_node(m->a, i).output, fv_graph_node(m->b, j).output);
}

static void join(const matching *m, fv_value i, fv_value j)
{
    m->of_a[i] = j;
    m->of_b[j] = i;
}

static fv_value find(const fv_graph *graph, const char *name)
{
    for (fv_value i = 0; i < fv_graph_node_count(graph); i++)
        if (strcmp(fv_graph_node(graph, i).name, name) == 0)
            return i;
    return FV_NO_VALUE;
}

static void match_names(const matching *m)
{
    for (fv_value j = 0; j < fv_graph_node_count(m->b); j++) {
        const fv_value i = find(m->a, fv_graph_node(m->b, j).name);
        if (i != FV_NO_VALUE && may_match(m, i, j))
            join(m, i, j);
    }
}

/* The first node of a behind `after` and before the next one that has a partner, of the type and shape of node j. */
static fv_value next_alike(const matching *m, fv_value after, fv_value j)
{
    for (fv_value i = after + 1; i < fv_graph_node_count(m->a) && m->of_a[i] == FV_NO_VALUE; i++)
        if (may_match(m, i, j) && strcmp(fv_graph_node(m->a, i).type, fv_graph_node(m->b, j).type) == 0)
            return i;
    return FV_NO_VALUE;
}

static void match_order(const matching *m)
{
    fv_value last = FV_NO_VALUE; /* of a, the partner of the node before */
    for (fv_value j = 0; j < fv_graph_node_count(m->b); j++) {
        if (m->of_b[j] == FV_NO_VALUE) {
            const fv_value i = next_alike(m, last, j);
            if (i != FV_NO_VALUE)
                join(m, i, j);
        }
        last = m->of_b[j] != FV_NO_VALUE ? m->of_b[j] : last;
    }
}

/* The batch normalisation that alone reads a node, or FV_NO_VALUE. */
static fv_value normalised_by(const fv_graph *graph, fv_value node)
{
    fv_value found = FV_NO_VALUE;
    for (fv_value reader = node + 1; reader < fv_graph_node_count(graph); reader++) {
        const fv_node_info info = fv_graph_node(graph, reader);
        for (int32_t k = 0; k < info.input_count; k++)
            if (info.inputs[k] == node) {
                if (found != FV_NO_VALUE || strcmp(info.type, "batch_norm") != 0)
                    return FV_NO_VALUE;
                found = reader;
            }
    }
    return found;
}

/* Where one of two partners is normalised and the other is not, its normalisation is the partner. */
static void unfold(const matching *m)
{
    for (fv_value j = 0; j < fv_graph_node_count(m->b); j++) {
        const fv_value i = m->of_b[j];
        if (i == FV_NO_VALUE)
            continue;
        const fv_value norm_a = normalised_by(m->a, i), norm_b = normalised_by(m->b, j);
        if (norm_a != FV_NO_VALUE && norm_b == FV_NO_VALUE && m->of_a[norm_a] == FV_NO_VALUE) {
            m->of_a[i] = FV_NO_VALUE;
            join(m, norm_a, j);
        } else if (norm_b != FV_NO_VALUE && norm_a == FV_NO_VALUE && m->of_b[norm_b] == FV_NO_VALUE) {
            m->of_b[j] = FV_NO_VALUE;
            join(m, i, norm_b);
        }
    }
}

fv_status fvi_match_graphs(const fv_graph *a, const fv_graph *b, fv_value *partner)
{
    fv_context *context = fv_graph_context(b);
    const int32_t count_a = fv_graph_node_count(a), count_b = fv_graph_node_count(b);
    const matching m = { a, b, fvi_allocate(context, (size_t)count_a * sizeof *m.of_a), partner };
    if (m.of_a == NULL)
        return fvi_out_of_memory(context, "a list of layers", (size_t)count_a * sizeof *m.of_a);
    for (fv_value i = 0; i < count_a; i++)
        m.of_a[i] = FV_NO_VALUE;
    for (fv_value j = 0; j < count_b; j++)
        partner[j] = FV_NO_VALUE;
    join(&m, fv_graph_output(a), fv_graph_output(b));
    if (may_match(&m, fv_graph_input(a), fv_graph_input(b)))
        join(&m, fv_graph_input(a), fv_graph_input(b));
    match_names(&m);
    match_order(&m);
    unfold(&m);
    fvi_release(context, m.of_a);
    return FV_OK;
}
