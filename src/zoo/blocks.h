/* SPDX-License-Identifier: Apache-2.0
 *
 * blocks.h - the pieces that the builders of the zoo share.
 * Each adds nodes behind *x and leaves *x at the last one, so that a network reads from top to bottom:
 *
 *     fv_value x;
 *     FV_TRY(fvi_zoo_input(net, &x));
 *     FV_TRY(fvi_zoo_conv(net, &x, &(fvi_zoo_conv_options){ .filters = 64, .kernel = 3, .same = true }, "conv%d", 1));
 *     FV_TRY(fvi_zoo_relu(net, &x, "relu%d", 1));
 *     FV_TRY(fvi_zoo_max_pool(net, &x, 2, 2, 0, "pool%d", 1));
 *
 * and a branch starts from a copy of x. Names are printf's: format and values come last.
 */
#ifndef FVI_ZOO_BLOCKS_H
#define FVI_ZOO_BLOCKS_H

#include "zoo/zoo_internal.h"

/* A name in the making, to be handed on as a prefix: fvi_zoo_name_of("layer%d", i).text. What does not fit is cut, and the
 * graph then refuses the second node of a cut name. */
typedef struct fvi_zoo_name {
    char text[128];
} fvi_zoo_name;
fvi_zoo_name fvi_zoo_name_of(const char *format, ...) FVI_PRINTF(1, 2);

typedef struct fvi_zoo_conv_options {
    int32_t filters;
    int32_t kernel;  /* rows, and columns too unless these are given */
    int32_t columns; /* of the kernel: 7 rows of 1, 1 row of 7 */
    int32_t stride;  /* 0 means 1 */
    int32_t pad;     /* pixels on each side, */
    bool same;       /* or (kernel - 1) / 2 on each axis: with stride 1 the size stays */
    int32_t groups;  /* 0 means 1 */
    bool no_bias;
    double epsilon; /* of the batch normalisation behind it, in the forms that have one; 0 means its default */
    fv_initializer weight_init, bias_init;
} fvi_zoo_conv_options;

/* The input "image", in the shape that was asked for. */
fv_status fvi_zoo_input(fvi_zoo_net *net, fv_value *x);
fv_status fvi_zoo_conv(fvi_zoo_net *net, fv_value *x, const fvi_zoo_conv_options *options, const char *name, ...)
    FVI_PRINTF(4, 5);
/* A convolution and a ReLU, "<name>.conv" and "<name>.relu". */
fv_status fvi_zoo_conv_relu(fvi_zoo_net *net, fv_value *x, const fvi_zoo_conv_options *options, const char *name, ...)
    FVI_PRINTF(4, 5);
/* A convolution without bias and batch normalisation, "<name>.conv" and "<name>.bn"; then also ReLU, "<name>.relu". */
fv_status fvi_zoo_conv_bn(fvi_zoo_net *net, fv_value *x, const fvi_zoo_conv_options *options, const char *name, ...)
    FVI_PRINTF(4, 5);
fv_status fvi_zoo_conv_bn_relu(fvi_zoo_net *net, fv_value *x, const fvi_zoo_conv_options *options, const char *name,
                               ...) FVI_PRINTF(4, 5);
/* epsilon 0 means the default. */
fv_status fvi_zoo_batch_norm(fvi_zoo_net *net, fv_value *x, double epsilon, const char *name, ...) FVI_PRINTF(4, 5);
/* Inverted dropout of single values. */
fv_status fvi_zoo_dropout(fvi_zoo_net *net, fv_value *x, double drop, const char *name, ...) FVI_PRINTF(4, 5);
fv_status fvi_zoo_dense(fvi_zoo_net *net, fv_value *x, int32_t units, const char *name, ...) FVI_PRINTF(4, 5);
fv_status fvi_zoo_relu(fvi_zoo_net *net, fv_value *x, const char *name, ...) FVI_PRINTF(3, 4);
/* Another layer without options of its own: "relu6", "sigmoid", "flatten", ... */
fv_status fvi_zoo_plain(fvi_zoo_net *net, fv_value *x, const char *type, const char *name, ...) FVI_PRINTF(4, 5);
/* Windows of size x size every stride pixels, pad on each side. */
fv_status fvi_zoo_max_pool(fvi_zoo_net *net, fv_value *x, int32_t size, int32_t stride, int32_t pad, const char *name,
                           ...) FVI_PRINTF(6, 7);
/* The same, the output's size rounded up, as Caffe pools. */
fv_status fvi_zoo_max_pool_ceil(fvi_zoo_net *net, fv_value *x, int32_t size, int32_t stride, int32_t pad,
                                const char *name, ...) FVI_PRINTF(6, 7);
/* Means over whole windows: padded cells count as zeros. */
fv_status fvi_zoo_average_pool(fvi_zoo_net *net, fv_value *x, int32_t size, int32_t stride, int32_t pad,
                               const char *name, ...) FVI_PRINTF(6, 7);
fv_status fvi_zoo_global_average_pool(fvi_zoo_net *net, fv_value *x, const char *name, ...) FVI_PRINTF(3, 4);
/* Averages images larger than size x size down to that size; smaller ones stay. */
fv_status fvi_zoo_shrink(fvi_zoo_net *net, fv_value *x, int32_t size, const char *name, ...) FVI_PRINTF(4, 5);
/* Puts the channels of count values side by side, or adds the values up. */
fv_status fvi_zoo_concat(fvi_zoo_net *net, const fv_value *parts, int32_t count, fv_value *x, const char *name, ...)
    FVI_PRINTF(5, 6);
fv_status fvi_zoo_add(fvi_zoo_net *net, const fv_value *parts, int32_t count, fv_value *x, const char *name, ...)
    FVI_PRINTF(5, 6);
/* A dense layer with one score per class, and softmax cross-entropy "loss" on it. */
fv_status fvi_zoo_classifier(fvi_zoo_net *net, fv_value *x, const char *name, ...) FVI_PRINTF(3, 4);
/* The same loss with a factor: how auxiliary classifiers train. */
fv_status fvi_zoo_weighted_loss(fvi_zoo_net *net, fv_value scores, double weight, const char *name, ...)
    FVI_PRINTF(4, 5);
/* Softmax cross-entropy "loss" on the scores. */
fv_status fvi_zoo_loss(fvi_zoo_net *net, fv_value scores);

#endif
