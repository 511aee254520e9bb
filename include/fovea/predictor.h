/* SPDX-License-Identifier: Apache-2.0
 *
 * predictor.h - class probabilities for images: a plan and a session for those who only want the answer.
 */
#ifndef FOVEA_PREDICTOR_H
#define FOVEA_PREDICTOR_H

#include "fovea/batch.h"
#include "fovea/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A network ready to classify. One thread at a time. */
typedef struct fv_predictor fv_predictor;

/* Owned by the caller, released by fv_predictor_destroy(). Borrows params (float32), which must outlive it. batch: the most
 * images of a call, at least 1. On failure *out is NULL and the message of the graph's context says why. */
FV_API fv_status fv_predictor_create(fv_predictor **out, fv_params *params, int32_t batch);
typedef struct fv_predictor_options {
    int32_t batch;  /* the most images of a call; 0 means 1 */
    fv_dtype dtype; /* FV_F32 or FV_BF16, as fv_plan_options.dtype */
} fv_predictor_options;
/* The same with options; NULL: defaults. */
FV_API fv_status fv_predictor_create_with(fv_predictor **out, fv_params *params, const fv_predictor_options *options);
FV_API void fv_predictor_destroy(fv_predictor *predictor);
FV_API int32_t fv_predictor_classes(const fv_predictor *predictor);
/* probabilities [n][classes] of batch->n images (targets are not read): softmax of the network's scores, or the scores
 * themselves where the network ends in a softmax. FV_ERR_ARGUMENT when n is out of range. */
FV_API fv_status fv_predictor_run(fv_predictor *predictor, const fv_batch *batch, float *probabilities);
FV_API const char *fv_predictor_message(const fv_predictor *predictor);

#ifdef __cplusplus
}
#endif

#endif
