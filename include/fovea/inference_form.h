/* SPDX-License-Identifier: Apache-2.0
 *
 * inference_form.h - a network as inference needs it, as a graph of its own with its values: what exporters write and what is quantised.
 */
#ifndef FOVEA_INFERENCE_FORM_H
#define FOVEA_INFERENCE_FORM_H

#include "fovea/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zeros: everything below is done. */
typedef struct fv_inference_form_options {
    bool keep_batch_norm; /* batch normalisation stays a node of its own */
} fv_inference_form_options;

/* Makes a new graph that computes what the source's graph computes in inference, and its values, of the source's dtype. Left out: losses, what
 * the output does not depend on (fv_node_info.auxiliary), identity, and dropout that does nothing in inference. A layer that in
 * inference is y = a[c]*x + b[c] (batch normalisation by its running statistics: Ioffe & Szegedy 2015, algorithm 2, line 11) goes into
 * the convolution, transposed convolution or dense layer before it, where nothing else reads that: W'[k] = a[k] W[k],
 * bias'[k] = a[k] bias[k] + b[k], computed in double and rounded once. Nodes keep their names; a folded one is gone. Not for training:
 * statistics, weight decay and bounds of weights had another meaning before.
 * *graph and *params are the caller's (fv_params_destroy(), then fv_graph_destroy()); both NULL on failure. options may be NULL. FV_ERR_STATE: the
 * source's graph is not finished; FV_ERR_MEMORY. The message is the context's. */
FV_API fv_status fv_inference_form(fv_graph **graph, fv_params **params, fv_params *source,
                                   const fv_inference_form_options *options);

#ifdef __cplusplus
}
#endif

#endif
