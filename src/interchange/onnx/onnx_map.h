/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_map.h - from operators to layers. Supporting another operator takes a function (onnx_map_*.c) and a line in
 * onnx_table.c. A function looks at its inputs (fvi_onnx_image(), fvi_onnx_activation(), fvi_onnx_weight()), adds layers
 * (fvi_onnx_add_layer()), says what their parameters are (fvi_onnx_fill()) and gives its output (fvi_onnx_emit...()).
 */
#ifndef FVI_ONNX_MAP_H
#define FVI_ONNX_MAP_H

#include "interchange/onnx/onnx_file.h"

typedef fv_status fvi_onnx_map_fn(fvi_onnx *onnx, fvi_onnx_node *node);

/* A line of the table. map NULL: on constants only, or as a part of a pattern. */
typedef struct fvi_onnx_operator {
    fv_onnx_entry entry;
    const char *domain;
    fvi_onnx_map_fn *map;
} fvi_onnx_operator;
extern const fvi_onnx_operator fvi_onnx_operators[]; /* ends with a name of NULL */
const fvi_onnx_operator *fvi_onnx_find_operator(const char *domain, const char *type);

/* Inputs. FV_ERR_FORMAT where input `index` is missing, FV_ERR_UNSUPPORTED where it is a constant. */
fv_status fvi_onnx_activation(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t index, const fvi_onnx_value **out);
/* The same with the elements in the order of what ONNX sees: permuted where a transposition is pending. */
fv_status fvi_onnx_settled(fvi_onnx *onnx, fvi_onnx_node *node, int32_t index, fvi_onnx_value *out);
/* The same as an image in the shape that ONNX sees: [N, c, h, w], [N, c, l] (h = 1) or [N, c] (h = w = 1). */
fv_status fvi_onnx_image(fvi_onnx *onnx, fvi_onnx_node *node, int32_t index, fv_value *x, fv_image_shape *shape);
/* A constant of real numbers with this shape (-1: any size). *out NULL where it is left out and optional. */
fv_status fvi_onnx_weight(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t index, const char *what, bool optional,
                          int32_t rank, const int64_t *size, const fvi_onnx_constant **out);
/* A constant that is a single number; fallback where it is left out. */
fv_status fvi_onnx_number(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t index, double fallback, double *out);
/* A new value whose elements are in ONNX's order. */
fv_status fvi_onnx_permuted(fvi_onnx *onnx, fvi_onnx_node *node, const fvi_onnx_value *value, fv_value *out);
/* Whether the axes in ONNX's order are in the value's order, sizes of 1 apart. */
bool fvi_onnx_in_order(const fvi_onnx_value *value);
/* The size of axis `axis` of the value's own order; 1 where it has fewer. */
int64_t fvi_onnx_base_size(const fvi_onnx_value *value, int32_t axis);
/* The shape of a value in its own order, as an image; false: more than four axes. */
bool fvi_onnx_base_image(const fvi_onnx_value *value, fv_image_shape *shape);
/* The value reshaped, unless it has that shape. */
fv_status fvi_onnx_reshaped(fvi_onnx *onnx, fvi_onnx_node *node, fv_value value, fv_image_shape shape, fv_value *out);

/* Adds a layer, named after the node or its weights: options' first member is set (options NULL: all at their defaults). Tells what became of
 * the node. */
fv_status fvi_onnx_add_layer(fvi_onnx *onnx, fvi_onnx_node *node, const char *type, const fv_value *inputs,
                             int32_t count, void *options, fv_value *out);
/* The parameter `suffix` of the layer has these values, which are borrowed. */
fv_status fvi_onnx_fill(fvi_onnx *onnx, fv_value layer, const char *suffix, const float *values, int64_t count);
/* A column-major copy: to[j][i] = factor * from[i][j]. */
fv_status fvi_onnx_transposed(fvi_onnx *onnx, const float *from, int64_t rows, int64_t columns, double factor,
                              const float **to);

/* Output 0 is value, an image with as many axes as rank says; as `like`; with these sizes (of one image, without its batch). */
fv_status fvi_onnx_emit_image(fvi_onnx *onnx, fvi_onnx_node *node, fv_value value, int32_t rank);
fv_status fvi_onnx_emit_like(fvi_onnx *onnx, fvi_onnx_node *node, fv_value value, const fvi_onnx_value *like);
fv_status fvi_onnx_emit(fvi_onnx *onnx, fvi_onnx_node *node, fv_value value, int32_t rank, const int64_t *size);
fv_status fvi_onnx_emit_at(fvi_onnx *onnx, fvi_onnx_node *node, int32_t index, fv_value value, int32_t rank,
                           const int64_t *size);
/* What became of the node, as printf. */
fv_status fvi_onnx_became(fvi_onnx *onnx, fvi_onnx_node *node, const char *format, ...) FVI_PRINTF(3, 4);

/* Windows: kernel_shape, strides, pads, dilations, auto_pad of convolutions and poolings; images of one row for sequences. */
typedef struct fvi_onnx_window {
    int32_t kernel[2], stride[2], dilation[2], pad[4];
    fv_padding padding;
} fvi_onnx_window;
/* kernel: what the weights say, or NULL. image: the input's shape, for SAME_LOWER. */
fv_status fvi_onnx_read_window(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t spatial, const int64_t *kernel,
                               fv_image_shape image, fvi_onnx_window *out);

fvi_onnx_map_fn fvi_onnx_map_conv, fvi_onnx_map_conv_transpose, fvi_onnx_map_gemm, fvi_onnx_map_matmul;
fvi_onnx_map_fn fvi_onnx_map_max_pool, fvi_onnx_map_average_pool, fvi_onnx_map_global_pool, fvi_onnx_map_reduce_mean;
fvi_onnx_map_fn fvi_onnx_map_plain, fvi_onnx_map_leaky_relu, fvi_onnx_map_elu, fvi_onnx_map_selu, fvi_onnx_map_prelu,
    fvi_onnx_map_clip, fvi_onnx_map_hard_sigmoid, fvi_onnx_map_gelu, fvi_onnx_map_softmax, fvi_onnx_map_dropout,
    fvi_onnx_map_identity;
fvi_onnx_map_fn fvi_onnx_map_batch_norm, fvi_onnx_map_lrn, fvi_onnx_map_instance_norm, fvi_onnx_map_layer_norm,
    fvi_onnx_map_resize;
fvi_onnx_map_fn fvi_onnx_map_binary, fvi_onnx_map_sum, fvi_onnx_map_power, fvi_onnx_map_negation;
fvi_onnx_map_fn fvi_onnx_map_reshape, fvi_onnx_map_flatten, fvi_onnx_map_transpose, fvi_onnx_map_squeeze,
    fvi_onnx_map_unsqueeze, fvi_onnx_map_concat, fvi_onnx_map_split, fvi_onnx_map_slice, fvi_onnx_map_pad;

#endif
