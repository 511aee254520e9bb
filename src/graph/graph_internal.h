/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_internal.h - a graph's nodes as plan, interchange and zoo see them.
 */
#ifndef FVI_GRAPH_INTERNAL_H
#define FVI_GRAPH_INTERNAL_H

#include "fovea/graph.h"
#include "fovea/quantize.h"
#include "layer/layer.h"

typedef struct fvi_node {
    const fvi_layer *layer;
    const char *name;    /* unique in the graph */
    const void *options; /* the graph's copy; its name member is `name` */
    const fv_value *inputs;
    int32_t input_count;
    const fv_image_shape *in; /* shapes of the inputs */
    fv_image_shape out;
    int64_t multiply_adds;
    fv_receptive_field field;
    fvi_declared_param *param; /* [param_count]; of a finished graph only freezing changes them */
    int32_t param_count;
    int32_t first_param;           /* index in fv_params of param[0] */
    const fv_quantized *quantized; /* NULL: in float32 */
    bool frozen;                   /* its parameters are, statistics too: it runs as in inference also while training */
    bool auxiliary;                /* set by fv_graph_finish(): the output does not depend on it */
} fvi_node;

const fvi_node *fvi_graph_nodes(const fv_graph *graph, int32_t *count);
/* The same for fv_graph_freeze(), the only one that changes a finished graph. */
fvi_node *fvi_graph_nodes_to_freeze(fv_graph *graph, int32_t *count);
bool fvi_graph_finished(const fv_graph *graph);
int32_t fvi_graph_param_count(const fv_graph *graph); /* of all nodes, statistics included */

/* The field of a node with this reach whose inputs have these shapes and fields; the input's own without any. */
fv_receptive_field fvi_field_of(const fvi_reach *reach, const fv_image_shape *in, const fv_receptive_field *fields,
                                int32_t count);

#endif
