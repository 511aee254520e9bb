/* SPDX-License-Identifier: Apache-2.0
 *
 * match.h - which node of one graph stands for which of another.
 */
#ifndef FVI_MATCH_H
#define FVI_MATCH_H

#include "fovea/graph.h"

/* partner[i], for each node i of b: the node of a whose value should be the same, or FV_NO_VALUE. The outputs are partners of each other, so
 * their shapes must be the same. */
fv_status fvi_match_graphs(const fv_graph *a, const fv_graph *b, fv_value *partner);
/* Whether the output of the graph depends on the node, so that inference computes it. */
bool fvi_match_counts(const fv_graph *graph, fv_value node);

#endif
