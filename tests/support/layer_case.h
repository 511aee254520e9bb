/* SPDX-License-Identifier: Apache-2.0
 *
 * layer_case.h - one layer on its own: a problem string becomes options and shapes, then infer, setup, pack, forward and
 * backward run with memory that the case provides, as a session would.
 *
 * A problem is a layer type and letters with numbers: "conv2d n2c3h7w5k4r3s3p1".
 *   n samples, c h w input shape (1 unless given)         i number of inputs (concat: each has one channel more)
 *   k filters or units    r s kernel    u v stride        d dilation    g groups    p pad on every side
 *   m padding mode (1 valid, 2 same, 3 full)              b1 no bias    e1 ceil     o1 count padding
 *   conv2d: l1 LeNet-5's table, l2 a table of its own
 *   conv2d_transpose: o output_pad                        subsample: o1 average
 *   a first number of the options (slope, alpha, amplitude, low, scale, exponent, weight of a loss) in hundredths, q the second
 *   adaptive_average_pool, upsample: r s the size or factor, e1 bilinear     channel pooling: r the size
 *   pad, crop: p top, r left, s bottom, u right, j l channels before and after, m mode
 *   slice: r first, k count, d step; p q u of the rows, j l v of the columns     permute: k the order, three digits
 *   channel_shuffle: g groups     expand: k r s the shape     reduce_mean: o over
 *   resize: r s the size or a1 factors of 2.5 and 1.6, e1 bilinear, o coordinates, f nearest
 *   group_norm, layer_norm: g groups, b1 no scale, b2 no shift, b3 neither
 *   reshape: k r s the shape
 *   add, subtract, multiply, divide: later inputs have the sizes of j1 c x 1 x 1, j2 1 x h x w, j3 1 x 1 x 1, j4 1 x h x 1, j5 c x 1 x w
 *   scale: b1 no scale, b2 no shift, b3 neither, o1 for each element
 *   l1 each position of an image   y1 class weights   f1 also tanh form, shared slope, squared hinge
 *   batch_norm: g ghost, b1 no scale, b2 no shift, b3 neither                x1 inference mode
 *   dropout: a drop, f1 classic, o1 channels
 *   local_response_norm: r size, a alpha, q beta, o1 within the channel, f1 alpha for each element
 *   t targets: 1 classes, 2 soft labels, 3 values         z1 sample weights         f1 half
 */
#ifndef FVI_TEST_LAYER_CASE_H
#define FVI_TEST_LAYER_CASE_H

#include "fovea/graph.h"
#include "layer/layer.h"

enum { LAYER_CASE_INPUTS = 4 };

typedef union layer_options {
    fv_plain_options plain;
    fv_input_options input;
    fv_conv2d_options conv2d;
    fv_conv2d_transpose_options conv2d_transpose;
    fv_subsample_options subsample;
    fv_rbf_options rbf;
    fv_map_loss_options map_loss;
    fv_pool2d_options pool2d;
    fv_adaptive_average_pool_options adaptive;
    fv_channel_pool_options channel_pool;
    fv_pad_options pad;
    fv_crop_options crop;
    fv_slice_options slice;
    fv_permute_options permute;
    fv_channel_shuffle_options channel_shuffle;
    fv_expand_options expand;
    fv_reduce_mean_options reduce_mean;
    fv_resize_options resize;
    fv_reshape_options reshape;
    fv_upsample_options upsample;
    fv_dense_options dense;
    fv_batch_norm_options batch_norm;
    fv_group_norm_options group_norm;
    fv_layer_norm_options layer_norm;
    fv_scale_options scale;
    fv_dropout_options dropout;
    fv_local_response_norm_options local_response_norm;
    fv_leaky_relu_options leaky_relu;
    fv_elu_options elu;
    fv_scaled_tanh_options scaled_tanh;
    fv_softplus_options softplus;
    fv_gelu_options gelu;
    fv_prelu_options prelu;
    fv_hard_sigmoid_options hard_sigmoid;
    fv_clip_options clip;
    fv_linear_options linear;
    fv_power_options power;
    fv_maxout_options maxout;
    fv_softmax_cross_entropy_options softmax_cross_entropy;
    fv_binary_cross_entropy_options binary_cross_entropy;
    fv_hinge_loss_options hinge_loss;
    fv_euclidean_loss_options euclidean_loss;
} layer_options;

typedef enum layer_targets { TARGETS_NONE, TARGETS_CLASSES, TARGETS_SOFT, TARGETS_VALUES } layer_targets;

typedef struct layer_case {
    const char *problem;
    const fvi_layer *layer;
    layer_options options;
    int32_t n;
    fv_image_shape in[LAYER_CASE_INPUTS];
    int32_t input_count;
    layer_targets targets;
    bool sample_weights;
    bool infer; /* passes run as at inference */
} layer_case;

typedef struct layer_run_options {
    fv_dtype dtype;
    bool reference;
    bool in_place; /* y in x[0]'s memory, dx[0] in dy's */
    int32_t
        extra; /* channels of neighbours beside each view's in every pixel: they hold NaN and must keep their bits */
    int32_t border; /* rows and columns around every view beyond what setup asks for */
    int32_t batch;  /* largest n of the setup, if above the case's */
    bool infer;     /* inference, not training */
} layer_run_options;

/* Memory behind a view, with a copy from before the pass to see what was touched outside the view. */
typedef struct layer_tensor {
    fvi_view view;
    void *memory, *before;
    size_t bytes;
} layer_tensor;

/* Values are doubles in the order n, c, h, w (parameters: canonical), whatever the dtype. */
typedef struct layer_run {
    const layer_case *problem;
    layer_run_options options;
    fv_context *context;
    fvi_arena *arena;
    fvi_infer infer;
    fvi_setup setup;
    fvi_message message;
    fv_batch batch;
    int32_t *classes;
    float *values, *weights;
    layer_tensor x[LAYER_CASE_INPUTS], dx[LAYER_CASE_INPUTS], y, dy;
    void *param[FVI_LAYER_PARAMS], *dparam[FVI_LAYER_PARAMS];
    void *packed, *saved, *scratch;
    double scale, loss;
} layer_run;

/* Parses; fails the test when the string is wrong. */
layer_case layer_case_parse(const char *problem);
/* Whether the values of this input are to be above 0: of log and power, and divisors. */
bool layer_case_positive(const layer_case *problem, int32_t input);
/* infer() of a case into *node. */
fv_status layer_case_infer(const layer_case *problem, fv_context *context, fvi_infer *node);

/* Infers, sets up and allocates. Inputs and parameters are random, the same for every dtype and thread count (values are
 * floats); every max pooling gets distinct ones. Fails the test on any error. */
layer_run *layer_run_create(const layer_case *problem, fv_context *context, layer_run_options options);
void layer_run_destroy(layer_run *run);

size_t layer_view_count(const fvi_view *view);
void layer_view_set(const layer_run *run, const fvi_view *view, const double *nchw);
void layer_view_get(const layer_run *run, const fvi_view *view, double *nchw);
size_t layer_param_count(const layer_run *run, int32_t index);
void layer_param_set(layer_run *run, int32_t index, const double *values);
/* which: run->param[index] or run->dparam[index]. */
void layer_param_get(const layer_run *run, int32_t index, const void *which, double *values);

/* pack and forward; returns the status of forward. run->loss is the call's. */
fv_status layer_run_forward(layer_run *run);
/* backward, after filling with NaN whatever the descriptor says that backward does not read. Then checks that nothing outside
 * the views was written, neither by this nor by forward. */
fv_status layer_run_backward(layer_run *run);
/* sum of dy*y, or scale * loss: what backward differentiates. */
double layer_run_objective(const layer_run *run);

#endif
