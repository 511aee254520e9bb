/* SPDX-License-Identifier: Apache-2.0
 *
 * network.h - a network by what a user calls it: a name of the zoo, a description or a model file.
 */
#ifndef FOVEA_NETWORK_H
#define FOVEA_NETWORK_H

#include "fovea/model.h"
#include "fovea/zoo.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How the network is to differ from its entry or file; zeros: not at all. */
typedef struct fv_network_options {
    fv_image_shape input;
    int32_t classes;
    const char *flags; /* variants of a network of the zoo, separated by commas, or "none" */
    bool
        new_head; /* for other classes the last layer of a model, or of a description without a parameter for them, is replaced */
} fv_network_options;

typedef struct fv_network {
    const fv_graph *graph;
    const fv_zoo_entry *entry; /* NULL unless from the zoo */
    fv_model *model;           /* NULL unless from a model file: the values and the preprocessing */
    fv_graph *owned;           /* NULL where graph is the model's; with new_head its values may not fit */
} fv_network;

/* Opens NAME, DESCRIPTION (YAML) or MODEL (safetensors), told by its first bytes. A model stays as it is: options that would change it, but for new_head,
 * are refused; a description can have other classes where it has a parameter of that name. Released by fv_network_close(). On
 * failure *out is zeros and the context's message says why: FV_ERR_NOT_FOUND for neither network nor file (the nearest name is
 * told), FV_ERR_IO, FV_ERR_FORMAT, FV_ERR_ARGUMENT, FV_ERR_SHAPE, FV_ERR_UNSUPPORTED, FV_ERR_MEMORY. */
FV_API fv_status fv_network_open(fv_network *out, fv_context *context, const char *name,
                                 const fv_network_options *options);
FV_API void fv_network_close(fv_network *network);

#ifdef __cplusplus
}
#endif

#endif
