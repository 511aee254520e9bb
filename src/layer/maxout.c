/* SPDX-License-Identifier: Apache-2.0
 *
 * maxout.c - the largest of several linear pieces (Goodfellow et al. 2013, arXiv:1302.4389): after a dense layer or a
 * convolution of units*pieces outputs, each unit answers with the largest of its pieces, which are neighbouring channels.
 * The passes are those of pooling along the channels: see channel_pool.c.
 */
#include "layer/activation.h"
#include "layer/pool_pass.h"

static const char type[] = "maxout";

static const fvi_attribute attributes[] = {
    { .name = "pieces",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_maxout_options, pieces),
      .count = 1,
      .low = 1,
      .high = 256,
      .fallback = "2",
      .help = "neighbouring channels that share an output" },
    { 0 },
};

static int32_t pieces_of(const void *options)
{
    const int32_t pieces = ((const fv_maxout_options *)options)->pieces;
    return pieces == 0 ? 2 : pieces;
}

static fv_status infer(fvi_infer *node)
{
    const fv_image_shape in = node->in[0];
    const int32_t pieces = pieces_of(node->options);
    if (in.c % pieces != 0)
        return fvi_fail(node->context, FV_ERR_SHAPE,
                        "%s '%s': %d channels cannot be cut into %d pieces each; make their number a multiple of %d",
                        type, node->name, in.c, pieces, pieces);
    node->out = (fv_image_shape){ in.c / pieces, in.h, in.w };
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    const fv_image_shape in = node->in[0];
    const int32_t pieces = pieces_of(node->options);
    const fvi_pool_plan plan = { .channels = true,
                                 .shape = { .h = in.w,
                                            .w = in.c,
                                            .c = 1,
                                            .oh = in.w,
                                            .ow = in.c / pieces,
                                            .kernel = { 1, pieces },
                                            .stride = { 1, pieces } } };
    return fvi_pool_setup(node, &plan);
}

const fvi_layer fvi_layer_maxout = {
    .name = "maxout",
    .formula =
        "y[k] = the largest of x[k*pieces], ..., x[k*pieces + pieces - 1]; its gradient goes to the first of equals",
    .options_size = sizeof(fv_maxout_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_SAVED,
    .infer = infer,
    .setup = setup,
    .forward = fvi_pool_max_forward,
    .backward = FVI_TRAINS(fvi_pool_max_backward),
};
