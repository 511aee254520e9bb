/* SPDX-License-Identifier: Apache-2.0
 *
 * graph.h - what a network is: nodes (layers), the values between them, and the parameters they declare.
 * Built in C here, from YAML or from a model file. Immutable once finished. Any acyclic graph: one value may feed many
 * nodes, a node may join many values.
 */
#ifndef FOVEA_GRAPH_H
#define FOVEA_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "fovea/context.h"
#include "fovea/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A network under construction or finished. Immutable after fv_graph_finish(): any number of plans, in any threads, may
 * share it. */
typedef struct fv_graph fv_graph;

/* The output of a node, by its index in the graph. FV_NO_VALUE: none. */
typedef int32_t fv_value;
#define FV_NO_VALUE (-1)

typedef enum fv_padding {
    FV_PAD_EXPLICIT = 0, /* options.pad, each side */
    FV_PAD_VALID,        /* none */
    FV_PAD_SAME,         /* output size = ceil(input size / stride); the odd pixel at the bottom and right */
    FV_PAD_FULL          /* kernel - 1 on each side: every overlap, as true convolution in textbooks */
} fv_padding;

typedef enum fv_init_kind {
    FV_INIT_DEFAULT = 0, /* the layer's own: weights He, biases constant 0 */
    FV_INIT_CONSTANT,    /* value */
    FV_INIT_GAUSSIAN,    /* N(0, value^2) */
    FV_INIT_UNIFORM,     /* U(-value, value) */
    FV_INIT_XAVIER,      /* variance 1/fan_in (Glorot & Bengio 2010 as Caffe simplified it) */
    FV_INIT_GLOROT,      /* variance 2/(fan_in + fan_out): Glorot & Bengio 2010, equation 16 */
    FV_INIT_HE,          /* variance 2/fan_in: He et al. 2015 (arXiv:1502.01852), equation 10 */
    FV_INIT_ORTHOGONAL, /* rows (or columns, if there are more rows) of length value, 0 means 1, at right angles: Saxe et al. 2014
                          * (arXiv:1312.6120); a row is all that one unit reads */
    FV_INIT_IDENTITY /* unit i passes on input i times value, 0 means 1, at the middle of the window; else 0 */
} fv_init_kind;

typedef struct fv_initializer {
    fv_init_kind kind;
    double value;
    bool uniform; /* Xavier, Glorot, He: uniform with that variance instead of Gaussian */
} fv_initializer;

/* Lists in options: copied with the options when a node is added. count 0: not given, and values is not read. */
typedef struct fv_int_list {
    const int32_t *values;
    int32_t count;
} fv_int_list;

typedef struct fv_real_list {
    const double *values;
    int32_t count;
} fv_real_list;

/* Options of the layers. Zero means the default that the comment gives. name: NULL gives "<type><number>". */
typedef struct fv_input_options {
    const char *name;
    int32_t shape[3]; /* channels, rows, columns; required, each at least 1 */
} fv_input_options;

/* Which input channels each filter reads. */
typedef enum fv_connection_table {
    FV_TABLE_ALL = 0, /* every filter reads every channel of its group, unless connections says otherwise */
    FV_TABLE_LENET5   /* C3 of LeNet-5: 16 filters on 6 channels, 60 of 96 kernels exist (LeCun et al. 1998, table I) */
} fv_connection_table;

typedef struct fv_conv2d_options {
    const char *name;
    int32_t filters;     /* output channels; required */
    int32_t kernel[2];   /* rows, columns; 0 means 1 */
    int32_t stride[2];   /* rows, columns; 0 means 1 */
    fv_padding padding;  /* 0: pad */
    int32_t pad[4];      /* top, left, bottom, right, in pixels */
    int32_t dilation[2]; /* rows, columns; 0 means 1 */
    int32_t groups;      /* 0 means 1 */
    bool no_bias;
    fv_connection_table table;
    fv_int_list
        connections; /* [filters][input channels] of 0 and 1: filter k reads channel c. Kernels without a 1 do not exist */
    fv_initializer weight_init, bias_init;
    double max_norm; /* of each filter's weights, after every update (fv_param_info); 0 means no bound */
} fv_conv2d_options;

typedef struct fv_conv2d_transpose_options {
    const char *name;
    int32_t filters;       /* output channels; required */
    int32_t kernel[2];     /* rows, columns; 0 means 1 */
    int32_t stride[2];     /* rows, columns; 0 means 1 */
    int32_t pad[4];        /* pixels cut off the output: top, left, bottom, right */
    int32_t output_pad[2]; /* pixels added at the bottom and right, fewer than the stride */
    int32_t dilation[2];   /* rows, columns; 0 means 1 */
    int32_t groups;        /* 0 means 1 */
    bool no_bias;
    fv_initializer weight_init, bias_init;
} fv_conv2d_transpose_options;

typedef struct fv_subsample_options {
    const char *name;
    int32_t kernel[2]; /* rows, columns; 0 means 2 */
    int32_t stride[2]; /* 0 means the kernel's size */
    bool average;      /* the coefficient multiplies the mean of the window's cells; false: their sum */
    fv_initializer weight_init, bias_init;
} fv_subsample_options;

typedef struct fv_rbf_options {
    const char *name;
    int32_t units; /* classes, the digits from 0 on; 0 means 10 */
} fv_rbf_options;

typedef struct fv_pool2d_options { /* max_pool2d and average_pool2d */
    const char *name;
    int32_t kernel[2]; /* rows, columns; required */
    int32_t stride[2]; /* 0 means the kernel's size */
    fv_padding padding;
    int32_t pad[4];     /* top, left, bottom, right; each smaller than the kernel */
    bool ceil;          /* round the output size up: the last window may hang over the edge, but must start inside */
    bool count_padding; /* average: divide by the whole window; false: by the cells inside the image */
} fv_pool2d_options;

typedef struct fv_adaptive_average_pool_options {
    const char *name;
    int32_t size[2]; /* output rows, columns; required */
} fv_adaptive_average_pool_options;

typedef struct fv_channel_pool_options { /* channel_max_pool and channel_average_pool */
    const char *name;
    int32_t size;   /* channels of a window; required */
    int32_t stride; /* channels from one window to the next; 0 means size */
    int32_t pad;    /* channels before the first and behind the last; smaller than size */
} fv_channel_pool_options;

typedef enum fv_pad_mode {
    FV_PAD_CONSTANT = 0, /* value */
    FV_PAD_REFLECT,      /* the image mirrored, its edge pixels once; fewer rows and columns than the image has */
    FV_PAD_EDGE          /* the nearest pixel of the image */
} fv_pad_mode;

typedef struct fv_pad_options {
    const char *name;
    int32_t pad[4];      /* rows and columns added: top, left, bottom, right */
    int32_t channels[2]; /* channels added: before, after; by a constant only */
    double value;        /* of what is added */
    fv_pad_mode mode;
} fv_pad_options;

typedef struct fv_crop_options {
    const char *name;
    int32_t crop[4]; /* rows and columns removed: top, left, bottom, right */
} fv_crop_options;

typedef struct fv_slice_options {
    const char *name;
    int32_t first;      /* channel, from 0 */
    int32_t count;      /* channels; 0 means as many as there are */
    int32_t step;       /* from one channel to the next, below 0 backwards; 0 means 1 */
    int32_t rows[3];    /* first, count, step of the rows, likewise */
    int32_t columns[3]; /* and of the columns */
} fv_slice_options;

typedef struct fv_permute_options {
    const char *name;
    int32_t order
        [3]; /* axis i of the output is axis order[i] of the input: 0 channels, 1 rows, 2 columns; each once; required */
} fv_permute_options;

typedef struct fv_channel_shuffle_options {
    const char *name;
    int32_t groups; /* divides the channels; required */
} fv_channel_shuffle_options;

typedef struct fv_expand_options {
    const char *name;
    int32_t shape[3]; /* channels, rows, columns; 0: as the input, whose size must be this or 1 */
} fv_expand_options;

typedef enum fv_reduce_over {
    FV_OVER_PIXELS = 0,
    FV_OVER_CHANNELS,
    FV_OVER_ALL,
    FV_OVER_ROWS,
    FV_OVER_COLUMNS
} fv_reduce_over;

typedef struct fv_reduce_mean_options {
    const char *name;
    fv_reduce_over over; /* these axes become 1 */
} fv_reduce_mean_options;

typedef struct fv_reshape_options {
    const char *name;
    int32_t shape[3]; /* channels, rows, columns; required; one of them may be 0: what is left for it */
} fv_reshape_options;

typedef struct fv_upsample_options {
    const char *name;
    int32_t factor[2]; /* rows, columns; required */
    bool bilinear;     /* false: each pixel is repeated */
} fv_upsample_options;

/* Which place of the input pixel i of the output looks at, with s = factor: */
typedef enum fv_resize_coordinates {
    FV_RESIZE_HALF_PIXEL = 0,    /* (i + 1/2)/s - 1/2: pixels are areas */
    FV_RESIZE_ALIGN_CORNERS,     /* i * (input - 1)/(output - 1); 0 where the output has one pixel */
    FV_RESIZE_ASYMMETRIC,        /* i/s */
    FV_RESIZE_PYTORCH_HALF_PIXEL /* as half_pixel; 0 where the output has one pixel */
} fv_resize_coordinates;

typedef enum fv_resize_nearest {
    FV_RESIZE_ROUND_PREFER_FLOOR = 0, /* halves are rounded down */
    FV_RESIZE_FLOOR
} fv_resize_nearest;

typedef struct fv_resize_options {
    const char *name;
    int32_t size[2];     /* output rows, columns; or: */
    fv_real_list factor; /* of rows and columns, two numbers: output = input * factor, rounded down */
    bool bilinear;       /* between the four nearest pixels; false: the nearest one */
    fv_resize_coordinates coordinates;
    fv_resize_nearest nearest;
} fv_resize_options;

typedef struct fv_dense_options {
    const char *name;
    int32_t units; /* required */
    bool no_bias;
    fv_initializer weight_init, bias_init;
    double max_norm; /* of each unit's incoming weights, after every update (fv_param_info); 0 means no bound */
} fv_dense_options;

typedef struct fv_batch_norm_options {
    const char *name;
    double momentum; /* running = (1 - momentum) * running + momentum * the batch's; 0 means 0.1 */
    double epsilon;  /* added to the variance; 0 means 1e-5 */
    int32_t ghost; /* statistics over this many images at a time (the last ones may be fewer); 0 means all of a call */
    bool no_scale, no_shift;
    fv_initializer scale_init, shift_init; /* default constant 1, constant 0 */
} fv_batch_norm_options;

typedef struct fv_group_norm_options {
    const char *name;
    int32_t groups; /* of neighbouring channels; divides their number; required */
    double epsilon; /* added to the variance; 0 means 1e-5 */
    bool no_scale, no_shift;
    fv_initializer scale_init, shift_init; /* default constant 1, constant 0 */
} fv_group_norm_options;

typedef struct fv_layer_norm_options {
    const char *name;
    double epsilon; /* added to the variance; 0 means 1e-5 */
    bool no_scale, no_shift;
    fv_initializer scale_init, shift_init; /* default constant 1, constant 0 */
} fv_layer_norm_options;

typedef enum fv_scale_per { FV_PER_CHANNEL = 0, FV_PER_ELEMENT } fv_scale_per;

typedef struct fv_scale_options {
    const char *name;
    fv_scale_per per; /* a number for each channel, or for each element of an image */
    bool no_scale, no_shift;
    fv_initializer scale_init, shift_init; /* default constant 1, constant 0 */
} fv_scale_options;

typedef struct fv_dropout_options {
    const char *name;
    double drop;   /* probability of dropping, in [0, 1); required in descriptions; 0 drops nothing */
    bool classic;  /* scale by 1 - drop at inference (Hinton et al. 2012); false: by 1 / (1 - drop) while training */
    bool channels; /* drop whole channels of an image; false: single values */
} fv_dropout_options;

typedef struct fv_local_response_norm_options {
    const char *name;
    int32_t size;           /* channels, or rows and columns, of a window; odd; 0 means 5 */
    double alpha;           /* 0 means 1e-4 */
    double beta;            /* 0 means 0.75 */
    double k;               /* 0 means 1 */
    bool within_channel;    /* windows of size x size pixels of one channel; false: size channels of one pixel */
    bool alpha_per_element; /* alpha times the sum of squares (Krizhevsky et al. 2012); false: times their mean over the
                               whole window, as Caffe and PyTorch do */
} fv_local_response_norm_options;

/* identity, flatten, relu, relu6, sigmoid, tanh, silu, hard_swish, selu, exp, log, absolute, softmax, log_softmax, add, concat, subtract,
 * multiply, divide, * global_average_pool, global_max_pool */
typedef struct fv_plain_options {
    const char *name;
} fv_plain_options;

typedef struct fv_leaky_relu_options {
    const char *name;
    double slope; /* for x < 0; 0 means 0.01 */
} fv_leaky_relu_options;

typedef struct fv_elu_options {
    const char *name;
    double alpha; /* y = alpha*(exp(x)-1) for x < 0; 0 means 1 */
} fv_elu_options;

typedef struct fv_prelu_options {
    const char *name;
    bool shared;                /* one slope for all channels; false: one for each */
    fv_initializer weight_init; /* of the slopes; default constant 0.25 */
} fv_prelu_options;

typedef struct fv_gelu_options {
    const char *name;
    bool tanh_form; /* the approximation by tanh; false: exact, by erf */
} fv_gelu_options;

typedef struct fv_softplus_options {
    const char *name;
    double beta; /* y = log(1 + exp(beta*x)) / beta; 0 means 1 */
} fv_softplus_options;

typedef struct fv_maxout_options {
    const char *name;
    int32_t pieces; /* neighbouring channels that share an output; divides the channels; 0 means 2 */
} fv_maxout_options;

typedef struct fv_hard_sigmoid_options {
    const char *name;
    double alpha; /* y = min(max(alpha*x + beta, 0), 1); 0 means 1/6 */
    double beta;  /* 0 means 0.5 */
} fv_hard_sigmoid_options;

typedef struct fv_clip_options {
    const char *name;
    double low, high; /* y = min(max(x, low), high); low below high; numbers beyond 3.5e38 are no limit */
} fv_clip_options;

typedef struct fv_linear_options {
    const char *name;
    double scale; /* y = scale*x + shift; 0 means 1 */
    double shift;
} fv_linear_options;

typedef struct fv_power_options {
    const char *name;
    double exponent; /* required, not 0; -64 to 64 */
} fv_power_options;

typedef struct fv_scaled_tanh_options {
    const char *name;
    double amplitude; /* y = amplitude * tanh(slope * x); 0 means 1.7159 (LeCun et al. 1998, appendix A) */
    double slope;     /* 0 means 2/3 */
} fv_scaled_tanh_options;

/* Losses: weight is the loss's factor in the total, 0 means 1. */
typedef struct fv_softmax_cross_entropy_options {
    const char *name;
    double weight;
    double label_smoothing;     /* this part of every target is spread over all classes; 0 to 1 */
    fv_real_list class_weights; /* one for each class, 0 or more; none: ones */
    bool positions; /* classify each position of an image, against soft labels; false: one vector of scores */
} fv_softmax_cross_entropy_options;

typedef struct fv_binary_cross_entropy_options {
    const char *name;
    double weight;
} fv_binary_cross_entropy_options;

typedef struct fv_hinge_loss_options {
    const char *name;
    double weight;
    double margin; /* 0 means 1 */
    bool squared;
} fv_hinge_loss_options;

typedef struct fv_euclidean_loss_options {
    const char *name;
    double weight;
    bool half; /* 1/2 of the sum of squares */
} fv_euclidean_loss_options;

typedef struct fv_map_loss_options {
    const char *name;
    double weight; /* factor in the total loss; 0 means 1 */
    double j;      /* penalty of the rubbish class; 0 means 1 */
} fv_map_loss_options;

/* Creates an empty graph owned by the caller, released by fv_graph_destroy(). name is copied. Borrows the context. */
FV_API fv_status fv_graph_create(fv_graph **out, fv_context *context, const char *name);
FV_API void fv_graph_destroy(fv_graph *graph);

/* Adds a node of any layer type by name ("conv2d", "relu", ...; fv_layer_type_name() lists them). options is that type's
 * struct above, or NULL for all defaults; it and its texts are copied. *out is the node's output. On failure *out is
 * FV_NO_VALUE, the graph is as before, and the context's message names layer, shapes and value: FV_ERR_ARGUMENT,
 * FV_ERR_SHAPE, FV_ERR_MEMORY, FV_ERR_STATE after fv_graph_finish(). */
FV_API fv_status fv_graph_add(fv_graph *graph, const char *type, const fv_value *inputs, int32_t input_count,
                              const void *options, fv_value *out);

/* The same with one function per type; x is the input. Formulas: docs/layers.md. */
FV_API fv_status fv_graph_add_input(fv_graph *graph, const fv_input_options *options, fv_value *out);
FV_API fv_status fv_graph_add_conv2d(fv_graph *graph, fv_value x, const fv_conv2d_options *options, fv_value *out);
FV_API fv_status fv_graph_add_conv2d_transpose(fv_graph *graph, fv_value x, const fv_conv2d_transpose_options *options,
                                               fv_value *out);
FV_API fv_status fv_graph_add_subsample(fv_graph *graph, fv_value x, const fv_subsample_options *options,
                                        fv_value *out);
FV_API fv_status fv_graph_add_rbf(fv_graph *graph, fv_value x, const fv_rbf_options *options, fv_value *out);
FV_API fv_status fv_graph_add_max_pool2d(fv_graph *graph, fv_value x, const fv_pool2d_options *options, fv_value *out);
FV_API fv_status fv_graph_add_average_pool2d(fv_graph *graph, fv_value x, const fv_pool2d_options *options,
                                             fv_value *out);
FV_API fv_status fv_graph_add_global_average_pool(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_global_max_pool(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_adaptive_average_pool(fv_graph *graph, fv_value x,
                                                    const fv_adaptive_average_pool_options *options, fv_value *out);
FV_API fv_status fv_graph_add_channel_max_pool(fv_graph *graph, fv_value x, const fv_channel_pool_options *options,
                                               fv_value *out);
FV_API fv_status fv_graph_add_channel_average_pool(fv_graph *graph, fv_value x, const fv_channel_pool_options *options,
                                                   fv_value *out);
FV_API fv_status fv_graph_add_pad(fv_graph *graph, fv_value x, const fv_pad_options *options, fv_value *out);
FV_API fv_status fv_graph_add_crop(fv_graph *graph, fv_value x, const fv_crop_options *options, fv_value *out);
FV_API fv_status fv_graph_add_slice(fv_graph *graph, fv_value x, const fv_slice_options *options, fv_value *out);
FV_API fv_status fv_graph_add_permute(fv_graph *graph, fv_value x, const fv_permute_options *options, fv_value *out);
FV_API fv_status fv_graph_add_channel_shuffle(fv_graph *graph, fv_value x, const fv_channel_shuffle_options *options,
                                              fv_value *out);
FV_API fv_status fv_graph_add_expand(fv_graph *graph, fv_value x, const fv_expand_options *options, fv_value *out);
FV_API fv_status fv_graph_add_reduce_mean(fv_graph *graph, fv_value x, const fv_reduce_mean_options *options,
                                          fv_value *out);
FV_API fv_status fv_graph_add_reshape(fv_graph *graph, fv_value x, const fv_reshape_options *options, fv_value *out);
FV_API fv_status fv_graph_add_upsample(fv_graph *graph, fv_value x, const fv_upsample_options *options, fv_value *out);
/* x times gate, which has x's shape or one value for each of its channels (c x 1 x 1). */
FV_API fv_status fv_graph_add_multiply(fv_graph *graph, fv_value x, fv_value gate, fv_value *out);
FV_API fv_status fv_graph_add_resize(fv_graph *graph, fv_value x, const fv_resize_options *options, fv_value *out);
FV_API fv_status fv_graph_add_subtract(fv_graph *graph, fv_value x, fv_value subtrahend, fv_value *out);
FV_API fv_status fv_graph_add_divide(fv_graph *graph, fv_value x, fv_value divisor, fv_value *out);
FV_API fv_status fv_graph_add_scale(fv_graph *graph, fv_value x, const fv_scale_options *options, fv_value *out);
FV_API fv_status fv_graph_add_dense(fv_graph *graph, fv_value x, const fv_dense_options *options, fv_value *out);
FV_API fv_status fv_graph_add_batch_norm(fv_graph *graph, fv_value x, const fv_batch_norm_options *options,
                                         fv_value *out);
/* A convolution followed by batch normalisation. The convolution carries no bias, whatever its options say: the mean would
 * take it away again. Descriptions follow the same rule where they join the two. norm may be NULL (defaults); *out is
 * the normalised value. On failure the convolution may have been added. */
FV_API fv_status fv_graph_add_conv2d_batch_norm(fv_graph *graph, fv_value x, const fv_conv2d_options *conv2d,
                                                const fv_batch_norm_options *norm, fv_value *out);
FV_API fv_status fv_graph_add_group_norm(fv_graph *graph, fv_value x, const fv_group_norm_options *options,
                                         fv_value *out);
FV_API fv_status fv_graph_add_layer_norm(fv_graph *graph, fv_value x, const fv_layer_norm_options *options,
                                         fv_value *out);
FV_API fv_status fv_graph_add_dropout(fv_graph *graph, fv_value x, const fv_dropout_options *options, fv_value *out);
FV_API fv_status fv_graph_add_local_response_norm(fv_graph *graph, fv_value x,
                                                  const fv_local_response_norm_options *options, fv_value *out);
FV_API fv_status fv_graph_add_flatten(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_relu(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_leaky_relu(fv_graph *graph, fv_value x, const fv_leaky_relu_options *options,
                                         fv_value *out);
FV_API fv_status fv_graph_add_elu(fv_graph *graph, fv_value x, const fv_elu_options *options, fv_value *out);
FV_API fv_status fv_graph_add_relu6(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_prelu(fv_graph *graph, fv_value x, const fv_prelu_options *options, fv_value *out);
FV_API fv_status fv_graph_add_gelu(fv_graph *graph, fv_value x, const fv_gelu_options *options, fv_value *out);
FV_API fv_status fv_graph_add_silu(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_hard_swish(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_softplus(fv_graph *graph, fv_value x, const fv_softplus_options *options, fv_value *out);
FV_API fv_status fv_graph_add_maxout(fv_graph *graph, fv_value x, const fv_maxout_options *options, fv_value *out);
FV_API fv_status fv_graph_add_sigmoid(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_hard_sigmoid(fv_graph *graph, fv_value x, const fv_hard_sigmoid_options *options,
                                           fv_value *out);
FV_API fv_status fv_graph_add_selu(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_clip(fv_graph *graph, fv_value x, const fv_clip_options *options, fv_value *out);
FV_API fv_status fv_graph_add_linear(fv_graph *graph, fv_value x, const fv_linear_options *options, fv_value *out);
FV_API fv_status fv_graph_add_power(fv_graph *graph, fv_value x, const fv_power_options *options, fv_value *out);
FV_API fv_status fv_graph_add_exp(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_log(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_absolute(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_tanh(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_scaled_tanh(fv_graph *graph, fv_value x, const fv_scaled_tanh_options *options,
                                          fv_value *out);
FV_API fv_status fv_graph_add_softmax(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_log_softmax(fv_graph *graph, fv_value x, fv_value *out);
FV_API fv_status fv_graph_add_add(fv_graph *graph, const fv_value *x, int32_t count, fv_value *out);
FV_API fv_status fv_graph_add_concat(fv_graph *graph, const fv_value *x, int32_t count, fv_value *out);
/* Losses. A graph may have several: they add up, each with its weight. Targets are the batch's (batch.h): on class scores
 * (logits) its classes or, as values, soft labels; hinge_loss: classes; euclidean_loss: values. */
FV_API fv_status fv_graph_add_softmax_cross_entropy(fv_graph *graph, fv_value logits,
                                                    const fv_softmax_cross_entropy_options *options, fv_value *out);
FV_API fv_status fv_graph_add_binary_cross_entropy(fv_graph *graph, fv_value logits,
                                                   const fv_binary_cross_entropy_options *options, fv_value *out);
FV_API fv_status fv_graph_add_hinge_loss(fv_graph *graph, fv_value scores, const fv_hinge_loss_options *options,
                                         fv_value *out);
FV_API fv_status fv_graph_add_map_loss(fv_graph *graph, fv_value scores, const fv_map_loss_options *options,
                                       fv_value *out);
FV_API fv_status fv_graph_add_euclidean_loss(fv_graph *graph, fv_value x, const fv_euclidean_loss_options *options,
                                             fv_value *out);

/* Says which value is the network's answer (class scores), and finishes: every check that needs the whole graph is made
 * (exactly one input, output set, no value without a consumer but outputs and losses), then the graph cannot change. */
FV_API fv_status fv_graph_finish(fv_graph *graph, fv_value output);
/* Freezes layers of a finished graph, of which no plan has been made: their parameters are constants from now on. A layer is frozen when all of its trained
 * parameters (where it has none, its statistics) have names that the patterns match. patterns: words with commas or spaces between, in which * is any text, ? any character,
 * [a-d] and [!a-d] one character that is, or is not, of a set; a word matches a name, or what stands before one of its points ("layer1": "layer1.0.conv1.weight");
 * behind ! it takes names out again, and of several words that match the last counts: "*,!fc". Frozen batch normalisation keeps its running statistics and
 * uses them while training, as it does in inference. No gradient is computed for frozen parameters, nor below the lowest layer that learns.
 * FV_ERR_ARGUMENT for a word that matches no parameter: the message has a name. FV_ERR_STATE before fv_graph_finish(). */
FV_API fv_status fv_graph_freeze(fv_graph *graph, const char *patterns);
/* Whether these patterns match a parameter's name. */
FV_API bool fv_pattern_matches(const char *patterns, const char *name);

/* The receptive field: output cell (i, j) of a node depends on the input's rows start[0] + i*stride[0] and size[0] in all,
 * likewise columns; parts of it may lie in padding, outside the image. Stride 0: every cell sees the same.
 * Araujo, Norris & Sim 2019 (doi:10.23915/distill.00021), equations 2 and 3; where branches join, what any of them sees. */
typedef struct fv_receptive_field {
    double size[2], stride[2], start[2]; /* rows, columns, in pixels of the input */
} fv_receptive_field;

/* Looking at a graph. Texts and structs are borrowed from it. Nodes are in the order they were added (topological). */
typedef struct fv_node_info {
    const char *name, *type;
    fv_image_shape output;
    const fv_value *inputs;
    int32_t input_count;
    int64_t parameters;    /* trainable values */
    int64_t multiply_adds; /* one image, forward */
    fv_receptive_field field;
    bool loss;
    bool auxiliary; /* of a finished graph: the output does not depend on it, it only trains */
} fv_node_info;

/* The name given at creation; how many nodes were added; one of them (zeros when out of range). */
FV_API const char *fv_graph_name(const fv_graph *graph);
FV_API int32_t fv_graph_node_count(const fv_graph *graph);
FV_API fv_node_info fv_graph_node(const fv_graph *graph, fv_value node); /* zeros when out of range */
/* The values given to fv_graph_finish() and found by it; FV_NO_VALUE before. */
FV_API fv_value fv_graph_output(const fv_graph *graph);
FV_API fv_value fv_graph_input(const fv_graph *graph);
/* Sums over the nodes that the output depends on (all of them before fv_graph_finish()): trainable values; multiply-adds
 * of one image, forward. */
FV_API int64_t fv_graph_parameters(const fv_graph *graph);
FV_API int64_t fv_graph_multiply_adds(const fv_graph *graph);
/* Trainable values of all nodes, auxiliary classifiers too. */
FV_API int64_t fv_graph_training_parameters(const fv_graph *graph);
/* The context that the graph borrows. */
FV_API fv_context *fv_graph_context(const fv_graph *graph);

/* How a drawing is made. Zeros mean: the nodes and the values between them. */
typedef struct fv_dot_options {
    bool inside;   /* layers that compute in stages (normalisation, softmax) are opened */
    bool backward; /* the backward pass too, with what it reads of the forward pass */
} fv_dot_options;
/* The graph as a drawing in Graphviz's language ("dot"). options may be NULL. *text is released by fv_text_release().
 * FV_ERR_STATE before fv_graph_finish(). */
FV_API fv_status fv_graph_to_dot(const fv_graph *graph, const fv_dot_options *options, char **text);

/* Layer types. */
FV_API int32_t fv_layer_type_count(void);
FV_API const char *fv_layer_type_name(int32_t index); /* NULL when out of range */

#ifdef __cplusplus
}
#endif

#endif
