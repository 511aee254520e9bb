/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo_internal.h - how a family of networks is written down: a file of src/zoo/ with a table of its networks and a builder.
 * To add a family, write that file, declare its table here and name it in zoo.c.
 */
#ifndef FVI_ZOO_INTERNAL_H
#define FVI_ZOO_INTERNAL_H

#include "base/base.h"
#include "fovea/zoo.h"

/* What a builder works on: an empty graph, and the options with every default filled in. */
typedef struct fvi_zoo_net {
    fv_graph *graph;
    const fv_zoo_entry *entry;
    const void *design; /* the network's own table, from its fvi_zoo_network */
    fv_image_shape input;
    int32_t classes;
    bool auxiliary;    /* with the classifiers that only train */
    const char *flags; /* variants that are on: ask fvi_zoo_flag() */
} fvi_zoo_net;

/* Adds all nodes and says which value is the answer. */
typedef fv_status fvi_zoo_builder(fvi_zoo_net *net, fv_value *output);

typedef struct fvi_zoo_network {
    fv_zoo_entry entry;
    fvi_zoo_builder *build; /* NULL ends a family's table */
    const void *design;     /* what tells this network from its siblings; the builder knows the type */
} fvi_zoo_network;

/* The members of fv_zoo_entry that networks for ImageNet share: 1,000 classes, 224x224 out of 256x256. */
#define FVI_ZOO_IMAGENET .input = { 3, 224, 224 }, .classes = 1000, .data = { 3, 256, 256 }

/* One table per family, in the order of `fovea zoo`. */
extern const fvi_zoo_network fvi_zoo_lenet[], fvi_zoo_lenet_1998[], fvi_zoo_convnetjs[];
extern const fvi_zoo_network fvi_zoo_resnet[], fvi_zoo_cifar_resnet[], fvi_zoo_densenet[], fvi_zoo_mobilenet[];
extern const fvi_zoo_network fvi_zoo_mlp[], fvi_zoo_small[], fvi_zoo_allconv[], fvi_zoo_prelu[];
extern const fvi_zoo_network fvi_zoo_alexnet[], fvi_zoo_vgg[], fvi_zoo_googlenet[], fvi_zoo_bn_inception[];
extern const fvi_zoo_network fvi_zoo_inception[];

/* Whether the variant of this name is on. */
bool fvi_zoo_flag(const fvi_zoo_net *net, const char *name);

#endif
