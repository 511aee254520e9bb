/* SPDX-License-Identifier: Apache-2.0
 *
 * quantize.h - networks in 8 bits: post-training quantisation, and what it says of a graph.
 *
 * A byte q of a value stands for (q - zero_point) * scale, one scale for the whole value; a signed byte of a weight for q * scale, a scale
 * for each output channel. Products are summed exactly in 32 bits (Jacob et al. 2018, arXiv:1712.05877, section 2). What is
 * not named stays in float32. docs/quantization.md.
 */
#ifndef FOVEA_QUANTIZE_H
#define FOVEA_QUANTIZE_H

#include "fovea/dataset.h"
#include "fovea/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a node is stored in 8 bits. */
typedef struct fv_quantized {
    float scale;               /* of its value, above 0; 0: the value is float32 */
    int32_t zero_point;        /* 0 to 255: the byte that stands for 0 */
    const float *weight_scale; /* [outputs] of a conv2d or dense node whose weights are signed bytes; NULL: float32 */
    int32_t outputs;
} fv_quantized;

/* Whether some node of the graph has a scale. */
FV_API bool fv_graph_is_quantized(const fv_graph *graph);
/* Zeros for a node without, and out of range. weight_scale is borrowed from the graph. */
FV_API fv_quantized fv_graph_quantized(const fv_graph *graph, fv_value node);
/* Says how a node of a finished graph is stored, for plans of FV_I8 that are made from now on; weight_scale is copied. Parameters ought to be what the bytes stand for. FV_ERR_ARGUMENT for a scale that is not from 1e-30 to
 * 1e30, a zero_point that is no byte, weights of a node that has none in 8 bits, or the wrong number of outputs. */
FV_API fv_status fv_graph_set_quantized(fv_graph *graph, fv_value node, const fv_quantized *quantized);

typedef enum fv_quantize_method {
    FV_QUANTIZE_PERCENTILE =
        0,               /* clips what `percentile` leaves over (Krishnamoorthi 2018, arXiv:1806.08342, section 3) */
    FV_QUANTIZE_ENTROPY, /* clips where the distribution loses least (Migacz 2017, "8-bit inference with TensorRT") */
    FV_QUANTIZE_MIN_MAX  /* clips nothing that was seen */
} fv_quantize_method;

typedef struct fv_quantize_options {
    fv_quantize_method method;
    double percentile; /* of the magnitudes; 0 means 99.99 */
    int32_t images;    /* to calibrate by, the first of the set's shuffled order; 0 means 512 */
    int32_t batch;     /* 0 means 32 */
    uint64_t seed;     /* of that order */
    bool per_tensor;   /* one scale for all weights of a layer instead of one for each output */
} fv_quantize_options;

/* Finds the ranges of values on images of `dataset`, says in the graph of params how its nodes are stored, and rounds their weights to what
 * the bytes stand for. params: float32, of a graph in inference form (fv_inference_form()), whose values are changed. options
 * may be NULL. FV_ERR_ARGUMENT where no layer can be computed in 8 bits; errors of the data set; FV_ERR_NUMERIC for values that
 * are not finite. */
FV_API fv_status fv_quantize(fv_params *params, const fv_dataset *dataset, const fv_preprocess *preprocess,
                             const fv_quantize_options *options);

/* How one layer fares, between a network and itself in 8 bits. */
typedef struct fv_quantized_layer {
    fv_value node; /* of the quantised graph */
    double
        signal; /* to noise, in decibels: 10 log10 of sum of y^2 over sum of (y - y in 8 bits)^2; of all layers before too */
    size_t bytes[2]; /* of its parameters, before and after */
} fv_quantized_layer;

typedef struct fv_quantize_report {
    int64_t samples;    /* of the validation set */
    double accuracy[2]; /* before, after */
    double loss[2];
    double seconds[2]; /* for an image, in batches of `batch`: the median of runs that alternate */
    int32_t batch;
    size_t bytes[2]; /* of the parameters */
    int32_t layers;
    fv_quantized_layer *layer; /* [layers]: those computed in 8 bits, in their order */
} fv_quantize_report;

typedef struct fv_quantize_measuring {
    int32_t batch;  /* 0 means 32 */
    double seconds; /* about so long speed is measured; 0 means 2, below 0: not at all */
    int32_t images; /* by which signal to noise is taken; 0 means 64 */
} fv_quantize_measuring;

/* Compares `before` (float32) with `after` (quantised), two parameter sets of graphs with the same nodes, on a data set: the validation set, which ought
 * not to be what was calibrated by. *report: fv_quantize_report_release(). */
FV_API fv_status fv_quantize_compare(fv_quantize_report *report, fv_params *before, fv_params *after,
                                     const fv_dataset *dataset, const fv_preprocess *preprocess,
                                     const fv_quantize_measuring *options);
FV_API void fv_quantize_report_release(fv_context *context, fv_quantize_report *report);

#ifdef __cplusplus
}
#endif

#endif
