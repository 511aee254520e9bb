/* SPDX-License-Identifier: Apache-2.0
 *
 * score.c - what a step tells besides its loss.
 */
#include <string.h>

#include "exec/exec_internal.h"

double fvi_batch_weight(const fv_batch *batch)
{
    if (batch->weights == NULL)
        return batch->n;
    double sum = 0;
    for (int32_t i = 0; i < batch->n; i++)
        sum += (double)batch->weights[i];
    return sum;
}

static double element(const fvi_view *view, fv_dtype dtype, int32_t n, int32_t h, int32_t w, int32_t c)
{
    return fvi_element(fvi_view_at(view, dtype, n, h, w), dtype, c);
}

/* Index in the order c, h, w, as a reader of the flattened scores counts. */
static int32_t largest(const fvi_view *view, fv_dtype dtype, int32_t n)
{
    int32_t best = 0, index = 0;
    double top = element(view, dtype, n, 0, 0, 0);
    for (int32_t c = 0; c < view->c; c++) {
        for (int32_t h = 0; h < view->h; h++) {
            for (int32_t w = 0; w < view->w; w++, index++) {
                const double value = element(view, dtype, n, h, w, c);
                if (value > top) {
                    top = value;
                    best = index;
                }
            }
        }
    }
    return best;
}

/* Whether the batch's values are soft labels of one vector of scores: then the largest of them stands for the class. */
static bool has_soft_labels(const fv_session *session, const fv_batch *batch, const fvi_view *output)
{
    const fv_graph *graph = session->plan->graph;
    if (batch->values == NULL || output->h != 1 || output->w != 1)
        return false;
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        if (node.loss && strcmp(node.type, "softmax_cross_entropy") == 0)
            return true;
    }
    return false;
}

/* The first of the largest, as largest() has it. */
static int32_t largest_label(const float *labels, int32_t classes)
{
    int32_t best = 0;
    for (int32_t c = 1; c < classes; c++)
        if (labels[c] > labels[best])
            best = c;
    return best;
}

int64_t fvi_count_correct(const fv_session *session, const fv_batch *batch)
{
    const fv_plan *plan = session->plan;
    const fv_value output = plan->node[fv_graph_output(plan->graph)].root;
    const fvi_view view = fvi_plan_view(plan, plan->node[output].tensor, session->arena, batch->n);
    const fv_dtype dtype = plan->storage[plan->tensor[plan->node[output].tensor].storage].dtype;
    int64_t correct = 0;
    const bool soft = batch->classes == NULL && has_soft_labels(session, batch, &view);
    if (batch->classes == NULL && !soft)
        return 0;
    for (int32_t i = 0; i < batch->n; i++) {
        const int32_t target =
            soft ? largest_label(batch->values + (size_t)i * (size_t)view.c, view.c) : batch->classes[i];
        correct += largest(&view, dtype, i) == target;
    }
    return correct;
}
