/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo_internal.h - one builder per network, and the few shapes of block that they share.
 */
#ifndef FVI_ZOO_INTERNAL_H
#define FVI_ZOO_INTERNAL_H

#include "base/base.h"
#include "fovea/zoo.h"

/* Adds all nodes to an empty graph and says which value is the answer. */
typedef fv_status fvi_zoo_builder(fv_graph *graph, fv_value *output);

typedef struct fvi_zoo_network {
    fv_zoo_entry entry;
    fvi_zoo_builder *build;
} fvi_zoo_network;

/* All networks; the entry after the last has a NULL name. */
extern const fvi_zoo_network fvi_zoo_networks[];

/* Convolution, ReLU and max pooling, in this order, named conv<number>, relu<number>, pool<number>. */
typedef struct fvi_zoo_stage {
    int32_t number, filters, kernel, pad, pool; /* pool: size and stride */
} fvi_zoo_stage;
fv_status fvi_zoo_add_stage(fv_graph *graph, fv_value x, const fvi_zoo_stage *stage, fv_value *out);
/* Input "image", of the entry's shape. */
fv_status fvi_zoo_add_input(fv_graph *graph, fv_image_shape shape, fv_value *out);
fv_status fvi_zoo_add_dense(fv_graph *graph, fv_value x, const char *name, int32_t units, fv_value *out);
fv_status fvi_zoo_add_relu(fv_graph *graph, fv_value x, const char *name, fv_value *out);
/* Softmax and cross-entropy on the scores, named "loss". */
fv_status fvi_zoo_add_loss(fv_graph *graph, fv_value scores);

fvi_zoo_builder fvi_zoo_lenet5, fvi_zoo_convnetjs_mnist, fvi_zoo_convnetjs_cifar10;

#endif
