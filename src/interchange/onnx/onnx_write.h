/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write.h - a file of ONNX under construction: operators are added one behind the other, and the layer types write theirs with it.
 *
 * A layer type has a function that adds its operators (onnx_write_table.c lists them). It asks for its inputs in the form that it needs, adds
 * operators, and ends with one that bears the layer's name and gives the layer's output:
 *
 *     const char *x = fvi_onnx_take(out, 0, FVI_ONNX_IMAGE);
 *     fvi_onnx_op *op = fvi_onnx_last(out, "Conv", FVI_ONNX_IMAGE);
 *     fvi_onnx_input(out, op, x);
 *     fvi_onnx_input(out, op, fvi_onnx_param(out, "weight"));
 *     fvi_onnx_set_ints(out, op, "strides", 2, strides);
 *
 * Operators stand in the file in the order in which they were added, so what one reads is taken before it is added.
 * A failure is kept in `status` and later calls do nothing but return what may be passed on, so that one check at the end is enough.
 * All memory is the arena's.
 */
#ifndef FVI_ONNX_WRITE_H
#define FVI_ONNX_WRITE_H

#include "fovea/onnx.h"

#ifdef FVI_HAVE_ONNX

#include <jansson.h>
#include <onnx.pb-c.h>

#include "base/arena.h"
#include "graph/graph_internal.h"

enum {
    FVI_ONNX_OLDEST = 7,  /* numpy's broadcasting begins there */
    FVI_ONNX_NEWEST = 21, /* what docs/onnx.md says and tools/test-onnx.sh runs */
    FVI_ONNX_OPSET = 17,  /* unless told otherwise */
    FVI_ONNX_RANK = 4
};

typedef Onnx__NodeProto fvi_onnx_op;

/* How a tensor of fovea, c x h x w for each image, stands in the file. */
typedef enum fvi_onnx_form {
    FVI_ONNX_IMAGE, /* [N, c, h, w] */
    FVI_ONNX_VECTOR /* [N, c*h*w]; as a layer's output only where h = w = 1 */
} fvi_onnx_form;

typedef struct fvi_onnx_value {
    const char *name[2]; /* by form; NULL: not made yet */
    fv_value same;       /* the value whose tensor this is: itself, or another's for layers that do nothing */
} fvi_onnx_value;

/* Pointers that grow in the arena. */
typedef struct fvi_onnx_list {
    void **item;
    size_t count, capacity;
} fvi_onnx_list;

typedef struct fvi_onnx_out {
    fv_context *context;
    fvi_arena *arena;
    const char *path;
    const fv_graph *graph;
    fv_params *params;
    int32_t opset;
    const fvi_node *node;  /* the layer that is written */
    fv_value at;           /* its index */
    fvi_onnx_value *value; /* [nodes of the graph] */
    fvi_onnx_list op, initializer, shapes;
    json_t *names; /* those that are taken; a set */
    fvi_onnx_op nowhere;
    fv_status status;
} fvi_onnx_out;

typedef void fvi_onnx_layer_fn(fvi_onnx_out *out, const fvi_node *node);

typedef struct fvi_onnx_layer {
    const char *type; /* of layer_table.c */
    fvi_onnx_layer_fn *write;
    const char *refused; /* why there is no `write`; losses never come here, since the inference form leaves them out */
} fvi_onnx_layer;

/* NULL: the type is not in the table. */
const fvi_onnx_layer *fvi_onnx_layer_find(const char *type);

/* Keeps the first failure; the message names the layer that is written. */
void fvi_onnx_fail(fvi_onnx_out *out, fv_status status, const char *format, ...) FVI_PRINTF(3, 4);
/* From the arena, zeroed; NULL after a failure. */
void *fvi_onnx_memory(fvi_onnx_out *out, size_t count, size_t size);

/* Adds an operator that bears the layer's name; its output is the layer's, in that form. */
fvi_onnx_op *fvi_onnx_last(fvi_onnx_out *out, const char *op_type, fvi_onnx_form form);
/* Adds one before it, "<layer>/<part>". */
fvi_onnx_op *fvi_onnx_part(fvi_onnx_out *out, const char *op_type, const char *part);
/* The name of an operator's (only) output. */
const char *fvi_onnx_output(const fvi_onnx_op *op);
/* The layer's output is its first input. */
void fvi_onnx_same(fvi_onnx_out *out);

/* Adds an input to an operator. A name of NULL adds nothing. */
void fvi_onnx_input(fvi_onnx_out *out, fvi_onnx_op *op, const char *name);
/* Input `index` of the layer in that form; a Reshape or Flatten is added once where it stands in the other. */
const char *fvi_onnx_take(fvi_onnx_out *out, int32_t index, fvi_onnx_form form);
/* The same for a value by its number in the graph. */
const char *fvi_onnx_take_value(fvi_onnx_out *out, fv_value value, fvi_onnx_form form);
/* The form in which all inputs of the layer can be had at least cost. */
fvi_onnx_form fvi_onnx_common_form(const fvi_onnx_out *out);

/* The layer's parameter of that suffix as an initialiser of its own shape; NULL where the layer has none. */
const char *fvi_onnx_param(fvi_onnx_out *out, const char *suffix);
/* The same in another shape with as many elements. */
const char *fvi_onnx_param_as(fvi_onnx_out *out, const char *suffix, int32_t rank, const int64_t *shape);
/* The values of that parameter; NULL where the layer has none. */
const float *fvi_onnx_param_values(fvi_onnx_out *out, const char *suffix);
/* Initialisers "<layer>/<part>"; values are borrowed until the file is written (ints: copied). rank 0: a scalar. */
const char *fvi_onnx_floats(fvi_onnx_out *out, const char *part, int32_t rank, const int64_t *shape,
                            const float *values);
const char *fvi_onnx_ints(fvi_onnx_out *out, const char *part, int32_t count, const int64_t *values);
const char *fvi_onnx_scalar(fvi_onnx_out *out, const char *part, double value);
const char *fvi_onnx_filled(fvi_onnx_out *out, const char *part, int32_t count, float value);
/* The layer's parameter, or where it has none fvi_onnx_filled() of that name. */
const char *fvi_onnx_param_or(fvi_onnx_out *out, const char *suffix, int32_t count, float value);
/* Likewise of another type, `size` bytes an element. */
const char *fvi_onnx_typed(fvi_onnx_out *out, const char *part, Onnx__TensorProto__DataType type, size_t size,
                           int32_t rank, const int64_t *shape, const void *values);

/* Networks in 8 bits: the layer's weight and bias, in bytes and sums where the graph says so, to be asked for before the operator that reads
 * them is added; and what stands behind a layer whose value is stored in bytes. */
const char *fvi_onnx_write_weight(fvi_onnx_out *out);
const char *fvi_onnx_write_bias(fvi_onnx_out *out);
void fvi_onnx_write_stored(fvi_onnx_out *out);

/* Attributes of an operator; values are copied. */
void fvi_onnx_set_int(fvi_onnx_out *out, fvi_onnx_op *op, const char *name, int64_t value);
void fvi_onnx_set_float(fvi_onnx_out *out, fvi_onnx_op *op, const char *name, double value);
void fvi_onnx_set_text(fvi_onnx_out *out, fvi_onnx_op *op, const char *name, const char *value);
void fvi_onnx_set_ints(fvi_onnx_out *out, fvi_onnx_op *op, const char *name, int32_t count, const int64_t *values);
void fvi_onnx_set_floats(fvi_onnx_out *out, fvi_onnx_op *op, const char *name, int32_t count, const float *values);

/* What several layer types need, one operator each. `part` NULL: fvi_onnx_last() in `form`, which is ignored otherwise. All return the
 * output's name. */
const char *fvi_onnx_binary(fvi_onnx_out *out, const char *op_type, const char *part, fvi_onnx_form form, const char *a,
                            const char *b);
const char *fvi_onnx_unary(fvi_onnx_out *out, const char *op_type, const char *part, fvi_onnx_form form, const char *x);
/* shape: without the batch, which stays. */
const char *fvi_onnx_reshape(fvi_onnx_out *out, const char *part, fvi_onnx_form form, const char *x, int32_t rank,
                             const int64_t *shape);
/* The mean over these axes, which get size 1. */
const char *fvi_onnx_mean(fvi_onnx_out *out, const char *part, fvi_onnx_form form, const char *x, int32_t count,
                          const int64_t *axes);
const char *fvi_onnx_transpose(fvi_onnx_out *out, const char *part, fvi_onnx_form form, const char *x,
                               const int64_t permutation[FVI_ONNX_RANK]);

/* A value's shape for the file; NULL after a failure. */
Onnx__ValueInfoProto *fvi_onnx_value_info(fvi_onnx_out *out, const char *name, fv_image_shape shape,
                                          fvi_onnx_form form);
/* A name that is not taken yet: `name`, or with a number behind it. */
const char *fvi_onnx_unique(fvi_onnx_out *out, const char *name);
void fvi_onnx_append(fvi_onnx_out *out, fvi_onnx_list *list, void *item);

/* The groups of onnx_write_table.c. */
fvi_onnx_layer_fn fvi_onnx_conv2d, fvi_onnx_conv2d_transpose, fvi_onnx_subsample, fvi_onnx_dense, fvi_onnx_batch_norm,
    fvi_onnx_rbf, fvi_onnx_local_response_norm, fvi_onnx_scale, fvi_onnx_group_norm, fvi_onnx_layer_norm;
fvi_onnx_layer_fn fvi_onnx_max_pool, fvi_onnx_average_pool, fvi_onnx_global_average_pool, fvi_onnx_global_max_pool,
    fvi_onnx_adaptive_average_pool, fvi_onnx_channel_max_pool, fvi_onnx_channel_average_pool, fvi_onnx_maxout,
    fvi_onnx_upsample, fvi_onnx_resize, fvi_onnx_reduce_mean;
fvi_onnx_layer_fn fvi_onnx_input_layer, fvi_onnx_pad, fvi_onnx_crop, fvi_onnx_slice, fvi_onnx_reshape_layer,
    fvi_onnx_flatten, fvi_onnx_identity, fvi_onnx_concat, fvi_onnx_add, fvi_onnx_multiply, fvi_onnx_dropout,
    fvi_onnx_subtract, fvi_onnx_divide, fvi_onnx_permute, fvi_onnx_channel_shuffle, fvi_onnx_expand;
fvi_onnx_layer_fn fvi_onnx_relu, fvi_onnx_relu6, fvi_onnx_leaky_relu, fvi_onnx_prelu, fvi_onnx_elu, fvi_onnx_gelu,
    fvi_onnx_silu, fvi_onnx_hard_swish, fvi_onnx_softplus, fvi_onnx_sigmoid, fvi_onnx_hard_sigmoid, fvi_onnx_tanh,
    fvi_onnx_scaled_tanh, fvi_onnx_softmax, fvi_onnx_selu, fvi_onnx_clip, fvi_onnx_linear, fvi_onnx_power, fvi_onnx_exp,
    fvi_onnx_log, fvi_onnx_absolute, fvi_onnx_log_softmax;

/* Pixels around an image, and channels before and behind. */
typedef struct fvi_onnx_edges {
    int32_t pad[4];      /* top, left, bottom, right */
    int32_t channels[2]; /* before, behind */
    const char *mode;    /* "constant", "reflect", "edge" */
    double value;        /* of a constant */
} fvi_onnx_edges;
const char *fvi_onnx_pad_of(fvi_onnx_out *out, const char *part, const char *x, const fvi_onnx_edges *edges);
/* Softmax or LogSoftmax over the channels of a tensor of that shape, as fvi_onnx_unary(). */
const char *fvi_onnx_softmax_of(fvi_onnx_out *out, const char *op_type, const char *part, fvi_onnx_form form,
                                const char *x, fv_image_shape shape);

/* What a file is made of. */
typedef struct fvi_onnx_source {
    fv_params *params;
    const fv_preprocess *preprocess; /* NULL: the file tells none */
    const char *self_test;           /* JSON; NULL: none */
} fvi_onnx_source;

/* fv_onnx_write() of that. options may be NULL. */
fv_status fvi_onnx_write(fv_context *context, const char *path, const fvi_onnx_source *source,
                         const fv_onnx_write_options *options);

#endif

#endif
