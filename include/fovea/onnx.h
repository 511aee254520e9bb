/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx.h - models in the ONNX format, in and out. Which operators and versions, and what is refused: docs/onnx.md.
 * Builds without libprotobuf-c and the schema of ONNX (fv_libraries() does not name "onnx") answer FV_ERR_UNSUPPORTED.
 */
#ifndef FOVEA_ONNX_H
#define FOVEA_ONNX_H

#include "fovea/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An operator that a file uses. Texts are valid during the call that gives it. */
typedef struct fv_onnx_operator {
    const char *domain; /* "" is ONNX's own */
    const char *name;   /* "Conv" */
    int64_t opset;      /* the version of the domain's operators that the file asks for */
    int32_t count;      /* nodes */
    const char *why;    /* NULL: supported. Else why not */
} fv_onnx_operator;

/* What became of a node. Texts are valid during the call that gives it. */
typedef struct fv_onnx_node {
    const char *name, *operator_name; /* in the file */
    const char *became;               /* "conv2d 'layer1.conv'", "folded into 'layer1.conv'", "a constant", ... */
} fv_onnx_node;

/* Zeros: the file decides, and nothing is told. */
typedef struct fv_onnx_read_options {
    fv_image_shape
        input; /* channels, rows, columns where the file leaves them open; a fixed size of the file must agree */
    /* Called once, before anything is refused, with all operators of the file in the order of their names. */
    void (*operators)(void *user, const fv_onnx_operator *operators, int32_t count);
    void (*node)(void *user, const fv_onnx_node *node); /* called for each node, in the order of the graph */
    void *user;
} fv_onnx_read_options;

/* Reads an ONNX model (opsets 7 to 21) as a graph with its values, and with the preprocessing of its metadata
 * (`fovea.preprocess`; none: pixels divided by 255 and a warning in the log). Its one input is n x c x h x w (or n x c), n of any
 * size; of its outputs the first is taken. options may be NULL. The model is owned by the caller, released by fv_model_destroy(). Weights
 * in other files lie in the model's folder. Every size is checked before memory is taken for it. On failure *out is NULL, and the
 * context's message names node, tensor and shape: FV_ERR_IO, FV_ERR_FORMAT (not ONNX, broken, out of bounds), FV_ERR_UNSUPPORTED (an
 * operator, an opset, or a build without ONNX), FV_ERR_SHAPE, FV_ERR_MEMORY. */
FV_API fv_status fv_onnx_read(fv_model **out, fv_context *context, const char *path,
                              const fv_onnx_read_options *options);

/* An operator that fv_onnx_read() knows. Static. */
typedef struct fv_onnx_entry {
    const char *name;    /* "Conv" */
    int32_t since;       /* the first opset in which it is understood */
    const char *becomes; /* "conv2d": what fovea makes of it */
} fv_onnx_entry;
/* The table of operators, in the order of their names; NULL out of range. */
FV_API const fv_onnx_entry *fv_onnx_table(int32_t index);

/* Zeros mean: opset 17, folded, scores as the output. */
typedef struct fv_onnx_write_options {
    int32_t opset; /* version of the operators, 7 to 21; 0 means 17 */
    bool
        keep_batch_norm; /* batch normalisation stays; false: it is folded into the layer before it where that can be */
    bool softmax;        /* the output is the softmax of the network's scores over the channels */
    /* Called once, when the file is in place, with the operators in it in the order of their names. */
    void (*operators)(void *user, const fv_onnx_operator *operators, int32_t count);
    void *user;
} fv_onnx_write_options;

/* Writes the model's inference form (inference_form.h) as ONNX to a temporary file beside path that is then renamed. Its one input is
 * N x c x h x w (a vector: N x c), its output N x c x h x w (N x c where the answer is a vector), N any number of images. Nodes and
 * tensors bear the names of layers, weights those of parameters; where a layer takes several operators, the last one does, and the others
 * are "<layer>/<part>". The preprocessing is in the metadata (`fovea.preprocess`). docs/onnx.md tells what each layer becomes. options may be
 * NULL. FV_ERR_ARGUMENT: an opset out of range; FV_ERR_UNSUPPORTED names the layer that the opset has no operators for, or a build
 * without ONNX, or a model above 2 GiB; FV_ERR_IO, FV_ERR_MEMORY. */
FV_API fv_status fv_onnx_write(fv_context *context, const char *path, fv_model *model,
                               const fv_onnx_write_options *options);

#ifdef __cplusplus
}
#endif

#endif
