/* SPDX-License-Identifier: Apache-2.0
 *
 * window_test.c - output sizes of convolution and pooling, padding modes, and what is refused, through infer().
 */
#include <string.h>

#include "layer/window.h"
#include "support/layer_case.h"
#include "support/test.h"

typedef struct size_case {
    const char *problem;
    int32_t c, h, w;
} size_case;

static const size_case sizes[] = {
    { "conv2d c3h32w32k6r5s5", 6, 28, 28 },           /* the textbook's first layer */
    { "conv2d c3h224w224k96r11s11u4p2", 96, 55, 55 }, /* AlexNet's */
    { "conv2d c3h227w227k96r11s11u4m1", 96, 55, 55 },
    { "conv2d c1h28w28k6r5p2", 6, 28, 28 }, /* LeNet-5's on 28x28 */
    { "conv2d c2h7w5k1r3m2", 1, 7, 5 },     /* same */
    { "conv2d c2h7w5k1r3u2m2", 1, 4, 3 },   /* same: ceil(size / stride) */
    { "conv2d c2h7w5k1r2m2", 1, 7, 5 },
    { "conv2d c2h7w5k1r3m3", 1, 9, 7 },   /* full: size + kernel - 1 */
    { "conv2d c2h9w9k1r3d3", 1, 3, 3 },   /* dilation 3 spreads 3 over 7 */
    { "conv2d c2h1w1k1r3p1", 1, 1, 1 },   /* a window wider than the image */
    { "conv2d c3h1w9k4r1s3", 4, 1, 7 },   /* one-dimensional */
    { "conv2d c3h9w9k4r7s1m2", 4, 9, 9 }, /* a column kernel */
    { "conv2d_transpose c3h4w5k2r3u2p1", 2, 7, 9 },
    { "conv2d_transpose c3h4w5k2r3u2p1o1", 2, 8, 10 }, /* what a convolution with stride 2 halves */
    { "conv2d_transpose c3h1w1k2r4", 2, 4, 4 },
    { "conv2d_transpose c3h3w3k2r3d2", 2, 7, 7 },
    { "subsample c6h28w28", 6, 14, 14 },
    { "max_pool2d c4h28w28r2", 4, 14, 14 }, /* stride defaults to the kernel */
    { "max_pool2d c4h7w7r2", 4, 3, 3 },
    { "max_pool2d c4h7w7r2e1", 4, 4, 4 }, /* rounded up */
    { "max_pool2d c4h6w6r2e1", 4, 3, 3 }, /* nothing to round */
    { "max_pool2d c4h112w112r3u2p1", 4, 56, 56 },
    { "max_pool2d c4h5w5r2u2p1e1", 4, 3, 3 }, /* a fourth window would start outside: 2*3 - 1 = 5 */
    { "average_pool2d c4h7w7r7", 4, 1, 1 },
    { "average_pool2d c4h7w7r3u1m2", 4, 7, 7 },
    { "max_pool2d c96h55w55r3u2", 96, 27, 27 }, /* AlexNet's overlapping ones */
    { "max_pool2d c256h13w13r3u2", 256, 6, 6 },
    { "max_pool2d c64h112w112r3u2e1", 64, 56, 56 }, /* GoogLeNet's, rounded up */
    { "max_pool2d c4h1w9r1s3u1v2", 4, 1, 4 },       /* along one axis: a sequence of 9 */
    { "global_average_pool c512h7w7", 512, 1, 1 },
    { "global_max_pool c3h5w9", 3, 1, 1 },
    { "adaptive_average_pool c256h13w13r6s6", 256, 6, 6 },
    { "adaptive_average_pool c2h1w1r7s7", 2, 7, 7 },
    { "channel_max_pool c10h3w4r2", 5, 3, 4 },
    { "channel_average_pool c7h3w4r3u2p1", 4, 3, 4 },
    { "pad c3h4w5p1r2s3u4j5l6", 14, 8, 11 },
    { "crop c3h9w9p1r2s3u4", 3, 5, 3 },
    { "slice c9h3w4r4k5", 5, 3, 4 },
    { "reshape c6h4w5k5r8s3", 5, 8, 3 },
    { "reshape c6h4w5k0r4s5", 6, 4, 5 },
    { "multiply c3h4w5i2", 3, 4, 5 },
    { "multiply c3h4w5i2j1", 3, 4, 5 },
    { "upsample c3h4w5r2s3", 3, 8, 15 },
    { "dense c3h4w5k10", 10, 1, 1 },
    { "flatten c3h4w5", 60, 1, 1 },
    { "concat c3h4w5i3", 12, 4, 5 },
    { "softmax_cross_entropy c10t1", 1, 1, 1 },
};

static fv_context *make_context(void)
{
    fv_context *context = NULL;
    const fv_context_options options = { .threads = 1 };
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

FV_TEST(window, output_sizes)
{
    fv_context *context = make_context();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const layer_case problem = layer_case_parse(sizes[i].problem);
        fvi_infer node;
        if (layer_case_infer(&problem, context, &node) != FV_OK)
            fail_msg("%s: %s", sizes[i].problem, fv_context_message(context));
        if (node.out.c != sizes[i].c || node.out.h != sizes[i].h || node.out.w != sizes[i].w)
            fail_msg("%s: output %dx%dx%d, not %dx%dx%d", sizes[i].problem, node.out.c, node.out.h, node.out.w,
                     sizes[i].c, sizes[i].h, sizes[i].w);
    }
    fv_context_destroy(context);
}

FV_TEST(window, same_padding_puts_the_odd_pixel_at_the_end)
{
    fv_context *context = make_context();
    fvi_window window = {
        .kernel = { 2, 4 }, .stride = { 1, 1 }, .dilation = { 1, 1 }, .padding = FV_PAD_SAME, .in = { 5, 5 }
    };
    const int32_t wanted[4] = { 0, 1, 1, 2 };
    assert_int_equal(fvi_window_resolve(context, "conv2d", "a", &window), FV_OK);
    assert_memory_equal(window.pad, wanted, sizeof wanted);
    fv_context_destroy(context);
}

FV_TEST(window, sizes_at_the_limit_do_not_overflow)
{
    fv_context *context = make_context();
    fvi_window window = { .kernel = { INT32_MAX, 1 },
                          .stride = { INT32_MAX, INT32_MAX },
                          .dilation = { INT32_MAX, 1 },
                          .padding = FV_PAD_SAME,
                          .in = { INT32_MAX, INT32_MAX } };
    assert_int_equal(fvi_window_resolve(context, "conv2d", "a", &window), FV_ERR_SHAPE);
    assert_non_null(strstr(fv_context_message(context), "too much"));
    fv_context_destroy(context);
}

typedef struct refusal {
    const char *problem;
    fv_status status;
    const char *says[3];
} refusal;

static const refusal refusals[] = {
    { "conv2d c2h4w4k3r5s5", FV_ERR_SHAPE, { "conv2d 'node1'", "kernel 5x5", "padded input 4x4" } },
    { "conv2d c2h4w6k3r5s5", FV_ERR_SHAPE, { "kernel 5x5", "padded input 4x6", "more padding" } },
    { "conv2d c2h4w4k3r3d2", FV_ERR_SHAPE, { "kernel 3x3", "dilation 2x2 spreads over 5x5", "4x4" } },
    { "conv2d c2h1w1k3r3d9p8", FV_ERR_SHAPE, { "spreads over 19x19", "17x17", "dilation" } },
    { "max_pool2d c2h1w4r2", FV_ERR_SHAPE, { "max_pool2d 'node1'", "kernel 2x2", "1x4" } },
    { "conv2d c3h4w4k4r1g2", FV_ERR_SHAPE, { "3 input channels", "2 groups", "" } },
    { "conv2d c4h4w4k3r1g2", FV_ERR_SHAPE, { "3 filters", "2 groups", "" } },
    { "conv2d c2h4w4k0r1", FV_ERR_ARGUMENT, { "filters 0", "is not in 1 to", "" } },
    { "conv2d c2h4w4k-3r1", FV_ERR_ARGUMENT, { "filters -3", "is not in 1 to", "" } },
    { "conv2d c2h4w4k3r-1", FV_ERR_ARGUMENT, { "kernel -1", "", "" } },
    { "conv2d c2h4w4k3r1u-1", FV_ERR_ARGUMENT, { "stride -1", "", "" } },
    { "conv2d c2h4w4k3r1p-1", FV_ERR_ARGUMENT, { "pad -1", "", "" } },
    { "conv2d c2h4w4k3r1m9", FV_ERR_ARGUMENT, { "padding 9", "", "" } },
    { "conv2d c2h4w4k3r3p1m2", FV_ERR_ARGUMENT, { "pad is given", "leave one", "" } },
    { "conv2d c65535h1w1k16777216r1", FV_ERR_SHAPE, { "conv2d 'node1'", "", "" } },
    { "conv2d_transpose c2h4w4k3r3u2o2", FV_ERR_ARGUMENT, { "output_pad 2 of the rows", "the stride 2", "" } },
    { "conv2d_transpose c2h1w1k3r3p2", FV_ERR_SHAPE, { "conv2d_transpose 'node1'", "pad 4 in all", "-1 output rows" } },
    { "conv2d_transpose c3h4w4k4r1g2", FV_ERR_SHAPE, { "3 input channels", "2 groups", "" } },
    { "conv2d_transpose c4h4w4k3r1g2", FV_ERR_SHAPE, { "3 filters", "2 groups", "" } },
    { "conv2d_transpose c2h4w4k0", FV_ERR_ARGUMENT, { "filters 0", "is not in 1 to", "" } },
    { "conv2d_transpose c2h65535w1k1r1u65535", FV_ERR_SHAPE, { "output rows", "", "" } },
    { "subsample c2h1w4", FV_ERR_SHAPE, { "subsample 'node1'", "kernel 2x2", "1x4" } },
    { "subsample c2h4w4r-1", FV_ERR_ARGUMENT, { "kernel -1", "", "" } },
    { "rbf c80", FV_ERR_SHAPE, { "7x12 = 84 pixels", "80x1x1", "dense layer of 84" } },
    { "rbf c84k11", FV_ERR_ARGUMENT, { "units 11", "1 to 10", "" } },
    { "map_loss c3h2w2t1", FV_ERR_SHAPE, { "3x2x2", "rbf", "" } },
    { "map_loss c3t1q-100", FV_ERR_ARGUMENT, { "j -1", "", "" } },
    { "max_pool2d c2h4w4r0", FV_ERR_ARGUMENT, { "kernel 0", "", "" } },
    { "max_pool2d c2h4w4r2p2", FV_ERR_ARGUMENT, { "padding 2 is not smaller than the kernel's size 2", "", "" } },
    { "global_max_pool c1h300w300", FV_ERR_UNSUPPORTED, { "global_max_pool 'node1'", "300x300", "65536" } },
    { "adaptive_average_pool c2h4w4", FV_ERR_ARGUMENT, { "size 0", "", "" } },
    { "adaptive_average_pool c2h4w4r-3s1", FV_ERR_ARGUMENT, { "size -3", "", "" } },
    { "channel_max_pool c2h4w4r3", FV_ERR_SHAPE, { "channel_max_pool 'node1'", "kernel 1x3", "input 4x2" } },
    { "channel_max_pool c9r0", FV_ERR_ARGUMENT, { "size 0", "", "" } },
    { "channel_average_pool c9r3p3", FV_ERR_ARGUMENT, { "padding 3 is not smaller", "", "" } },
    { "channel_average_pool c9r3u-1", FV_ERR_ARGUMENT, { "stride -1", "", "" } },
    { "pad c2h4w4p-1", FV_ERR_ARGUMENT, { "pad -1", "", "" } },
    { "pad c2h4w4j-1", FV_ERR_ARGUMENT, { "channels -1", "", "" } },
    { "pad c16777216h16w16p1", FV_ERR_SHAPE, { "larger than", "", "" } },
    { "crop c2h4w4p2s2", FV_ERR_SHAPE, { "crop 'node1'", "4 rows and 0 columns", "4x4" } },
    { "crop c2h4w4r3u9", FV_ERR_SHAPE, { "0 rows and 12 columns", "", "" } },
    { "crop c2h4w4u-1", FV_ERR_ARGUMENT, { "crop -1", "", "" } },
    { "slice c5h2w2r2k4", FV_ERR_SHAPE, { "slice 'node1'", "channels 2 to 5", "channels 0 to 4" } },
    { "slice c5h2w2r-1k1", FV_ERR_ARGUMENT, { "first -1", "", "" } },
    { "reshape c6h4w5k5r8s4", FV_ERR_SHAPE, { "6x4x5 cannot become 5x8x4", "number of elements", "" } },
    { "reshape c6h4w5k7r0s1", FV_ERR_SHAPE, { "6x4x5 cannot become 7x0x1", "number of elements", "" } },
    { "reshape c6h4w5k0r0s1", FV_ERR_SHAPE, { "only one size may be 0", "", "" } },
    { "reshape c6h4w5k-6r4s5", FV_ERR_ARGUMENT, { "shape -6", "", "" } },
    { "multiply c3h4w5", FV_ERR_ARGUMENT, { "takes 2 inputs, got 1", "", "" } },
    { "upsample c3h4w5r2", FV_ERR_ARGUMENT, { "factor 0", "", "" } },
    { "upsample c3h65535w1r65535s1", FV_ERR_SHAPE, { "65535x1 pixels times 65535x1", "too many", "" } },
    { "max_pool2d c1h300w300r300", FV_ERR_UNSUPPORTED, { "300x300", "65536", "" } },
    { "dense c65535h256w2k16777216", FV_ERR_SHAPE, { "dense 'node1'", "weights", "" } },
    { "dense c2k0", FV_ERR_ARGUMENT, { "units 0", "", "" } },
    { "flatten c65535h65535w2", FV_ERR_SHAPE, { "flatten 'node1'", "", "" } },
    { "softmax_cross_entropy c3h2w2t1", FV_ERR_SHAPE, { "3x2x2", "dense", "" } },
    { "leaky_relu c2a-50", FV_ERR_ARGUMENT, { "slope -0.5", "", "" } },
    { "elu c2a-50", FV_ERR_ARGUMENT, { "alpha -0.5", "", "" } },
    { "input c0h4w4", FV_ERR_ARGUMENT, { "shape 0", "is not in 1 to", "" } },
    { "input c1h0w4", FV_ERR_ARGUMENT, { "shape 0", "", "" } },
    { "input c65535h65535w9", FV_ERR_SHAPE, { "65535x65535x9", "larger", "" } },
};

FV_TEST(window, what_cannot_be_is_refused_with_a_reason)
{
    fv_context *context = make_context();
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const layer_case problem = layer_case_parse(refusals[i].problem);
        fvi_infer node;
        const fv_status status = layer_case_infer(&problem, context, &node);
        if (status != refusals[i].status)
            fail_msg("%s: status %d, not %d", refusals[i].problem, status, refusals[i].status);
        for (size_t k = 0; k < 3 && refusals[i].says[k]; k++)
            if (status != FV_OK && !strstr(fv_context_message(context), refusals[i].says[k]))
                fail_msg("%s: \"%s\" does not say \"%s\"", refusals[i].problem, fv_context_message(context),
                         refusals[i].says[k]);
    }
    fv_context_destroy(context);
}

FV_TEST(window, zero_sizes_are_refused)
{
    fv_context *context = make_context();
    for (size_t i = 0; fvi_layers[i]; i++) {
        if (fvi_layers[i]->is_input)
            continue;
        for (int axis = 0; axis < 3; axis++) {
            layer_case problem = {
                .problem = fvi_layers[i]->name, .layer = fvi_layers[i], .n = 1, .input_count = fvi_layers[i]->min_inputs
            };
            problem.in[0] = problem.in[1] = (fv_image_shape){ axis != 0, axis != 1, axis != 2 };
            fvi_infer node;
            assert_int_equal(layer_case_infer(&problem, context, &node), FV_ERR_SHAPE);
            assert_non_null(strstr(fv_context_message(context), "must be at least 1"));
        }
    }
    fv_context_destroy(context);
}

FV_TESTS(window, output_sizes, same_padding_puts_the_odd_pixel_at_the_end, sizes_at_the_limit_do_not_overflow,
         what_cannot_be_is_refused_with_a_reason, zero_sizes_are_refused)
