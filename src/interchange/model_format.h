/* SPDX-License-Identifier: Apache-2.0
 *
 * model_format.h - what the writer and the reader of model files must agree on.
 */
#ifndef FVI_MODEL_FORMAT_H
#define FVI_MODEL_FORMAT_H

#include "fovea/model.h"
#include "interchange/safetensors.h"

#define FVI_MODEL_FORMAT "fovea"
#define FVI_MODEL_VERSION "1"
#define FVI_MODEL_VERSION_QUANTIZED "2" /* of a network in 8 bits, which readers of "1" would not understand */
/* The key of the metadata that makes a model file a checkpoint, and the one that makes it a crash bundle. */
#define FVI_MODEL_STATE "training"
#define FVI_MODEL_CRASH "crash"
/* Of a checkpoint: the choices of algorithms, as a tuning file has them. */
#define FVI_MODEL_TUNING "tuning"

/* FV_OK when these can be a model: values float32, the preprocessing yields what the graph takes, extra is an object. name: for messages. */
fv_status fvi_model_check(fv_context *context, const char *name, const fv_params *params,
                          const fv_preprocess *preprocess, const char *extra);
/* The metadata of a model: format, version, graph, preprocessing, extra (NULL: none). *out is the caller's: json_decref(). */
fv_status fvi_model_metadata(json_t **out, fv_context *context, const char *path, fv_params *params,
                             const fv_preprocess *preprocess, const char *extra);
/* Parameter `index` as it lies in a file. */
fvi_tensor_source fvi_model_tensor(fv_params *params, int32_t index);
/* FV_OK when the file is a model of fovea in a version that this one reads. */
fv_status fvi_model_check_format(const fvi_safetensors *file);

#endif
