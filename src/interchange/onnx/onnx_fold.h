/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_fold.h - operators on constants: what exporters write to compute shapes, and what they leave of work on weights.
 */
#ifndef FVI_ONNX_FOLD_H
#define FVI_ONNX_FOLD_H

#include "interchange/onnx/onnx_file.h"

/* What one of them is given: a node, and its inputs (NULL: left out, or not known and only looked at for its shape). */
typedef struct fvi_onnx_folding {
    fvi_onnx *onnx;
    const fvi_onnx_node *node;
    const fvi_onnx_constant *in[8];
    fvi_onnx_constant *out; /* made by fvi_onnx_make() */
} fvi_onnx_folding;

/* Memory for the answer: out, with its values still zero. */
fv_status fvi_onnx_make(fvi_onnx_folding *folding, bool integer, int32_t rank, const int64_t *size);
/* FV_ERR_FORMAT unless input `index` is there and whole numbers (integer), or numbers (not). */
fv_status fvi_onnx_want(const fvi_onnx_folding *folding, int32_t index, bool integer);
static inline double fvi_onnx_at(const fvi_onnx_constant *constant, int64_t i)
{
    return constant->integer ? (double)constant->whole[i] : (double)constant->real[i];
}
/* out[i] = from[at]. */
void fvi_onnx_copy(fvi_onnx_constant *out, int64_t i, const fvi_onnx_constant *from, int64_t at);

/* y = a op b, with ONNX's broadcasting; one operand; a ? b : c. By the node's type. */
fv_status fvi_onnx_fold_binary(fvi_onnx_folding *folding);
fv_status fvi_onnx_fold_unary(fvi_onnx_folding *folding);
fv_status fvi_onnx_fold_where(fvi_onnx_folding *folding);
fv_status fvi_onnx_fold_reduce(fvi_onnx_folding *folding);

#endif
