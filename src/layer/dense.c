/* SPDX-License-Identifier: Apache-2.0
 *
 * dense.c - fully connected layer: a convolution whose kernel is the whole image, so that an image needs no flattening and a
 * vector is a 1x1 convolution. The planner may set it up with the image that a flatten before it saw: weights
 * are [units, c*h*w] with the image's axes in the order c, h, w either way.
 */
#include "fovea/graph.h"
#include "layer/convolve.h"
#include "layer/layers.h"

static const fvi_attribute attributes[] = {
    { .name = "units",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_dense_options, units),
      .count = 1,
      .low = 1,
      .high = 1 << 24,
      .required = true,
      .help = "outputs" },
    { .name = "no_bias",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_dense_options, no_bias),
      .count = 1,
      .fallback = "false",
      .help = "add no bias" },
    { .name = "weight_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_dense_options, weight_init),
      .count = 1,
      .fallback = "he",
      .help = "how weights start" },
    { .name = "bias_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_dense_options, bias_init),
      .count = 1,
      .fallback = "constant 0",
      .help = "how biases start" },
    { .name = "max_norm",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_dense_options, max_norm),
      .count = 1,
      .low = 1e-6,
      .high = 1e6,
      .fallback = "none",
      .help = "after each update, the incoming weights of a unit are scaled down to this Euclidean norm" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const fv_dense_options *options = node->options;
    const fv_image_shape in = node->in[0];
    const fv_shape weight = { .rank = 2, .size = { options->units, (int64_t)in.c * in.h * in.w } };
    const int64_t weights = fv_shape_elements(&weight);
    if (weights < 0 || weights > INT32_MAX)
        return fvi_fail(node->context, FV_ERR_SHAPE,
                        "dense '%s': %d units on an input of %dx%dx%d are more than %d weights", node->name,
                        options->units, in.c, in.h, in.w, INT32_MAX);
    node->out = (fv_image_shape){ options->units, 1, 1 };
    node->reach.whole = true;
    node->multiply_adds = weights;
    fvi_convolve_declare(node, &weight, options->units, weight.size[1], options->units, &options->weight_init,
                         &options->bias_init, options->no_bias);
    node->param[0].max_norm = options->max_norm;
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    const fv_dense_options *options = node->options;
    const fv_image_shape in = node->in[0];
    fvi_conv2d_shape shape = {
        .n = node->batch,
        .c = in.c,
        .h = in.h,
        .w = in.w,
        .k = options->units,
        .r = in.h,
        .s = in.w,
        .stride = { 1, 1 },
        .dilation = { 1, 1 },
        .groups = 1,
    };
    const char *wrong = fvi_conv2d_infer(&shape);
    if (wrong)
        return fvi_fail(node->context, FV_ERR_SHAPE, "dense '%s': input %dx%dx%d, %d units, batch %d: %s", node->name,
                        in.c, in.h, in.w, options->units, node->batch, wrong);
    return fvi_convolve_setup(node, &shape, NULL, options->no_bias);
}

const fvi_layer fvi_layer_dense = {
    .name = "dense",
    .onnx_op = "Gemm",
    .formula = "y[u] = bias[u] + sum of weight[u,i] * x[i], the input flattened in the order c, h, w",
    .options_size = sizeof(fv_dense_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .flattens = true,
    .takes_int8 = true,
    .fuses = FVI_FUSES_AFFINE | FVI_FUSES_SUM | FVI_FUSES_ACTIVATION,
    .fuses_training = FVI_FUSES_ACTIVATION,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .pack = fvi_convolve_pack,
    .pack_backward = FVI_TRAINS(fvi_convolve_pack_backward),
    .forward = fvi_convolve_forward,
    .backward_weights = FVI_TRAINS(fvi_convolve_backward_weights),
    .backward_data = FVI_TRAINS(fvi_convolve_backward_data),
};
