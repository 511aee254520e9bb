/* SPDX-License-Identifier: Apache-2.0
 *
 * model.h - networks in files: descriptions (YAML, JSON) and models (safetensors with graph and preprocessing inside).
 * Formats: docs/formats.md.
 */
#ifndef FOVEA_MODEL_H
#define FOVEA_MODEL_H

#include "fovea/loader.h"
#include "fovea/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A graph with values and preprocessing, as read from a file. Owns them. */
typedef struct fv_model fv_model;

/* Writes graph, params (float32) and preprocess to path: to a temporary file beside it, synced, renamed, the folder synced. On failure
 * an existing file is as it was. extra: a JSON object as text kept under "extra" in the metadata, or NULL. */
FV_API fv_status fv_model_write(fv_context *context, const char *path, fv_params *params,
                                const fv_preprocess *preprocess, const char *extra);
/* Reads a model. Every size is checked before memory is taken for it; the checksum over the tensors is verified. */
FV_API fv_status fv_model_read(fv_model **out, fv_context *context, const char *path);
/* Makes a model of a finished graph and its values (float32). The model owns both from now on; on failure they are destroyed. Copies preprocess,
 * with the names of its classes and what its transforms have learned, and extra (a JSON object as text, or NULL). FV_ERR_ARGUMENT: params
 * are not float32, or extra is no object; FV_ERR_SHAPE: preprocess yields another shape than the graph takes; FV_ERR_STATE: a
 * transform has not learned yet; FV_ERR_MEMORY. */
FV_API fv_status fv_model_create(fv_model **out, fv_context *context, fv_graph *graph, fv_params *params,
                                 const fv_preprocess *preprocess, const char *extra);
FV_API void fv_model_destroy(fv_model *model);
FV_API fv_graph *fv_model_graph(fv_model *model);
FV_API fv_params *fv_model_params(fv_model *model);
FV_API const fv_preprocess *fv_model_preprocess(const fv_model *model);
FV_API const char *fv_model_extra(const fv_model *model); /* JSON text or "" */

/* The graph of a YAML description (docs/network-description.md); errors give file, line, column and the nearest valid
 * word. FV_ERR_UNSUPPORTED without libyaml. */
FV_API fv_status fv_graph_read_yaml(fv_graph **out, fv_context *context, const char *path);
/* How a description is to differ from its file; zeros: not at all. */
typedef struct fv_yaml_options {
    fv_image_shape input; /* instead of the file's */
    int32_t classes;      /* the value of its parameter `classes`, which it must have */
} fv_yaml_options;
FV_API fv_status fv_graph_read_yaml_with(fv_graph **out, fv_context *context, const char *path,
                                         const fv_yaml_options *options);
/* A description that reads back to the same nodes: a flat list of layers, with what reading supplies left out. *text is
 * released by fv_text_release(). FV_ERR_STATE before fv_graph_finish(), FV_ERR_ARGUMENT for names that are not UTF-8. */
FV_API fv_status fv_graph_to_yaml(const fv_graph *graph, char **text);
/* The graph as JSON text (the form inside model files) and back. *text is released by fv_text_release(). */
FV_API fv_status fv_graph_to_json(const fv_graph *graph, char **text);
FV_API fv_status fv_graph_from_json(fv_graph **out, fv_context *context, const char *text);
FV_API void fv_text_release(fv_context *context, char *text);

#ifdef __cplusplus
}
#endif

#endif
