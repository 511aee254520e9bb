/* SPDX-License-Identifier: Apache-2.0
 *
 * weights.h - values from files of other programs into a network: safetensors of PyTorch (torchvision, timm) and of Keras-like layouts, NumPy's
 * .npz, and fovea's own models. Names, axes and dtypes are brought into those of the network; every tensor and every parameter
 * is accounted for. docs/fine-tuning.md, docs/formats.md#weights.
 *
 *   fv_weights_open(&weights, context, "resnet18.safetensors");
 *   fv_params_initialize(params, seed);           // what the file does not give keeps these values
 *   fv_weights_load(params, weights, NULL);
 *   report = fv_weights_report_of(weights);       // what was loaded, and what was not
 *   fv_weights_close(weights);
 */
#ifndef FOVEA_WEIGHTS_H
#define FOVEA_WEIGHTS_H

#include "fovea/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A file of tensors whose header has been read and checked. One thread at a time. */
typedef struct fv_weights fv_weights;

typedef enum fv_weights_format {
    FV_WEIGHTS_SAFETENSORS = 0, /* of another program */
    FV_WEIGHTS_MODEL,           /* a model or checkpoint of fovea: its values, verified by their checksum */
    FV_WEIGHTS_NUMPY            /* .npz */
} fv_weights_format;

/* Whose order of axes a file has. */
typedef enum fv_weights_layout {
    FV_LAYOUT_AUTO = 0, /* told by the names: kernel, gamma, beta, moving_mean, moving_variance are Keras's */
    FV_LAYOUT_TORCH, /* convolutions [k,c,r,s], dense [units,inputs], images flattened as c,h,w: the order of params.h */
    FV_LAYOUT_KERAS  /* convolutions [r,s,c,k], depthwise [r,s,c,m], dense [inputs,units], images flattened as h,w,c */
} fv_weights_layout;

typedef struct fv_weights_tensor {
    const char *name;  /* as in the file */
    const char *dtype; /* "F32", "F16", ... */
    fv_shape shape;    /* rank 0 to 6 */
} fv_weights_tensor;

/* Opens path, told by its first bytes. Owned by the caller, released by fv_weights_close(). On failure *out is NULL and the context's message
 * says why: FV_ERR_NOT_FOUND, FV_ERR_IO, FV_ERR_FORMAT (truncated, damaged, sizes that do not add up, not such a file),
 * FV_ERR_UNSUPPORTED (a pickle of PyTorch, HDF5; an .npz without libarchive), FV_ERR_MEMORY. */
FV_API fv_status fv_weights_open(fv_weights **out, fv_context *context, const char *path);
FV_API void fv_weights_close(fv_weights *weights);
FV_API const char *fv_weights_path(const fv_weights *weights);
FV_API fv_weights_format fv_weights_format_of(const fv_weights *weights);
FV_API int32_t fv_weights_count(const fv_weights *weights);
FV_API fv_weights_tensor fv_weights_tensor_at(const fv_weights *weights, int32_t index); /* zeros when out of range */
/* The values of a tensor as float32 in the file's order of axes into values[product of its sizes]. Those of F64 and of whole numbers are rounded
 * to the nearest float32; F16 and BF16 are exact. FV_ERR_UNSUPPORTED for a dtype that holds no numbers. */
FV_API fv_status fv_weights_read(fv_weights *weights, int32_t index, float *values);
/* How a model of fovea prepares its images; NULL for other files. Borrowed. */
FV_API const fv_preprocess *fv_weights_preprocess(const fv_weights *weights);

/* What became of a parameter, or of a tensor. */
typedef enum fv_weights_outcome {
    FV_WEIGHT_LOADED = 0,
    FV_WEIGHT_LEFT,    /* a parameter that options.leave names: it keeps its value */
    FV_WEIGHT_HEAD,    /* one of a classifier that the file has for other classes, or not at all: it keeps its value */
    FV_WEIGHT_MISSING, /* a parameter that the file has no tensor for */
    FV_WEIGHT_MISSHAPED,  /* one whose tensor has another shape */
    FV_WEIGHT_UNEXPECTED, /* a tensor that no parameter takes */
    FV_WEIGHT_IGNORED, /* a tensor that is known to be of no use here: num_batches_tracked, a classifier that only trains */
    FV_WEIGHT_OUTCOMES
} fv_weights_outcome;

typedef struct fv_weights_item {
    fv_weights_outcome outcome;
    const char *parameter; /* NULL: of a tensor alone */
    const char *tensor;    /* NULL: there is none */
    fv_shape shape;        /* of the parameter */
    fv_shape stored;       /* of the tensor, as in the file */
} fv_weights_item;

/* Every parameter once, in their order; then every tensor that none took, in the file's order. Borrowed from the weights. */
typedef struct fv_weights_report {
    const fv_weights_item *items;
    int32_t count;
    int32_t counts[FV_WEIGHT_OUTCOMES]; /* of items, by outcome */
    int64_t values;                     /* numbers loaded */
    int32_t converted;                  /* tensors loaded whose dtype was not F32 */
    fv_weights_layout layout;           /* FV_LAYOUT_TORCH or FV_LAYOUT_KERAS */
    bool renamed;                       /* some names were not those of the network */
    bool by_order;                      /* no name told anything: layers of each type were taken in their order */
} fv_weights_report;

/* Zeros: every parameter but those of classifiers must be there. */
typedef struct fv_weights_options {
    const char *leave; /* parameters that keep their values: fv_pattern's (graph.h); NULL: none */
    fv_weights_layout layout;
    bool fresh_head; /* classifiers keep their values whatever the file has */
    bool partial;    /* what is missing, misshaped or unexpected is told by the report, and no failure */
} fv_weights_options;

/* Copies what fits into params. options may be NULL. A tensor is a parameter's when its name is, or becomes that by the tables of names
 * (src/interchange/weights/names.c) or by Keras's words; where no name of a file does, layers of each type are taken in their order. A tensor fits
 * when its shape is the parameter's in the file's layout; a convolution of the size of its input is taken for a dense layer, and the
 * reverse. FV_ERR_SHAPE, with params untouched: something is missing, misshaped or unexpected, and the context's message lists it
 * (the report has all of it); a classifier whose shape alone differs is none of these, it is FV_WEIGHT_HEAD. Errors of fv_weights_read() leave params with some
 * of the file's values. */
FV_API fv_status fv_weights_load(fv_params *params, fv_weights *weights, const fv_weights_options *options);
/* Of the last fv_weights_load() on weights, also where that failed with FV_ERR_SHAPE; zeros before. */
FV_API fv_weights_report fv_weights_report_of(const fv_weights *weights);

/* Writes the values (float32) alone, without graph and preprocessing, for other programs, to a temporary file that then takes path's place. SAFETENSORS: under
 * the names of the network, which are torchvision's for networks that it has, with num_batches_tracked (0) beside the statistics of batch norm: what
 * load_state_dict(strict=True) takes. NUMPY: an .npz, less than 4 GiB. FV_ERR_ARGUMENT for MODEL (fv_model_write()) and float64, FV_ERR_IO, FV_ERR_MEMORY. */
FV_API fv_status fv_weights_write(fv_params *params, const char *path, fv_weights_format format);

/* A finished graph like `graph`, but for its classifiers (the last layers with weights before the output, and before each loss) telling `classes`
 * classes apart. Owned by the caller; borrows graph's context. FV_ERR_ARGUMENT where there is no such layer before the output, or it is
 * neither a dense layer nor a convolution; FV_ERR_SHAPE where what stands behind it does not bear that. On failure *out is NULL. */
FV_API fv_status fv_graph_with_head(fv_graph **out, const fv_graph *graph, int32_t classes);

#ifdef __cplusplus
}
#endif

#endif
