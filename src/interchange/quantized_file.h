/* SPDX-License-Identifier: Apache-2.0
 *
 * quantized_file.h - networks in 8 bits in model files: key "quantization" of the metadata, weights as I8, their scales as tensors
 * "<layer>.weight_scale" (docs/formats.md#networks-in-8-bits).
 */
#ifndef FVI_QUANTIZED_FILE_H
#define FVI_QUANTIZED_FILE_H

#include "graph/graph_internal.h"
#include "interchange/safetensors.h"

#define FVI_MODEL_QUANTIZATION "quantization"

/* The text under that key: {"<node>": {"scale": s, "zero_point": z, "weights": true}, ...}. NULL: memory is short. */
json_t *fvi_quantized_json(const fv_graph *graph);

/* The tensors of a quantised graph that take the place of weights in float32, and their scales. */
typedef struct fvi_quantized_tensors {
    fv_context *context;
    int32_t count;
    struct fvi_quantized_weights {
        int32_t parameter; /* what the bytes are of */
        int8_t *bytes;     /* owned */
        char scale_name[256];
        fvi_tensor_source weight, scale;
    } * list; /* [count] */
} fvi_quantized_tensors;

fv_status fvi_quantized_list(fvi_quantized_tensors *out, fv_params *params);
void fvi_quantized_release(fvi_quantized_tensors *tensors);

/* What a file says of its network, on the way in: after fvi_quantized_open() a fvi_quantized_close() must follow. */
typedef struct fvi_quantized_file {
    const fvi_safetensors *file;
    const fvi_node *nodes;
    int32_t count;      /* of nodes */
    fv_quantized *node; /* [count]; NULL: the file says nothing */
    float **scales;     /* [count] of weights; owned */
    bool *weights;      /* [count] bytes */
} fvi_quantized_file;

/* FV_ERR_FORMAT for what is no such text, names no node, or a node that cannot be in 8 bits. */
fv_status fvi_quantized_open(fvi_quantized_file *quantized, const fvi_safetensors *file, const fv_graph *graph);
void fvi_quantized_close(fvi_quantized_file *quantized);
/* Whether parameter 0 of a node must be I8. */
bool fvi_quantized_has_bytes(const fvi_quantized_file *quantized, fv_value node);
/* Marks the tensors of scales and takes memory for them. stored: from names to indices in the file. */
fv_status fvi_quantized_match(fvi_quantized_file *quantized, const json_t *stored);
/* Where the scales of a tensor that was marked belong; NULL: it is another one. */
float *fvi_quantized_values(const fvi_quantized_file *quantized, const fvi_stored_tensor *tensor);
/* All tensors are read, weights as the numbers of their bytes: makes them what they stand for and tells the graph. */
fv_status fvi_quantized_finish(const fvi_quantized_file *quantized, fv_graph *graph, fv_params *params);

#endif
