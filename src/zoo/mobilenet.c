/* SPDX-License-Identifier: Apache-2.0
 *
 * mobilenet.c - MobileNet v2: Sandler, Howard, Zhu, Zhmoginov, Chen 2018 (arXiv:1801.04381), table 2. An inverted residual widens
 * by a 1x1 convolution, filters each channel on its own (3x3, depthwise) and narrows by a 1x1 convolution without ReLU;
 * the shortcut joins the narrow ends where shapes agree. ReLU6; names are torchvision's.
 */
#include "zoo/blocks.h"

/* A row of table 2: widen t times, c channels out, n blocks, the first with stride s. */
typedef struct row {
    int32_t t, c, n, s;
} row;

static const row rows[] = { { 1, 16, 1, 1 }, { 6, 24, 2, 2 },  { 6, 32, 3, 2 }, { 6, 64, 4, 2 },
                            { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 } };

enum { ROWS = sizeof rows / sizeof rows[0] };

/* Convolution "<name>.0", normalisation "<name>.1", ReLU6 "<name>.2". */
static fv_status conv_bn_relu6(fvi_zoo_net *net, fv_value *x, const fvi_zoo_conv_options *options, const char *name)
{
    FV_TRY(fvi_zoo_conv(net, x, options, "%s.0", name));
    FV_TRY(fvi_zoo_batch_norm(net, x, 0, "%s.1", name));
    return fvi_zoo_plain(net, x, "relu6", "%s.2", name);
}

static fv_status inverted_residual(fvi_zoo_net *net, fv_value *x, int32_t number, const row *shape, int32_t stride)
{
    const int32_t narrow = fv_graph_node(net->graph, *x).output.c, wide = narrow * shape->t;
    const fvi_zoo_conv_options widen = { .filters = wide, .kernel = 1, .no_bias = true };
    const fvi_zoo_conv_options depthwise = {
        .filters = wide, .kernel = 3, .same = true, .stride = stride, .groups = wide, .no_bias = true
    };
    const fvi_zoo_conv_options project = { .filters = shape->c, .kernel = 1, .no_bias = true };
    fv_value parts[2] = { *x, *x };
    int32_t part = 0;
    if (shape->t > 1)
        FV_TRY(conv_bn_relu6(net, &parts[1], &widen, fvi_zoo_name_of("features.%d.conv.%d", number, part++).text));
    FV_TRY(conv_bn_relu6(net, &parts[1], &depthwise, fvi_zoo_name_of("features.%d.conv.%d", number, part++).text));
    FV_TRY(fvi_zoo_conv(net, &parts[1], &project, "features.%d.conv.%d", number, part));
    FV_TRY(fvi_zoo_batch_norm(net, &parts[1], 0, "features.%d.conv.%d", number, part + 1));
    *x = parts[1];
    return stride == 1 && narrow == shape->c ? fvi_zoo_add(net, parts, 2, x, "features.%d.add", number) : FV_OK;
}

static fv_status mobilenet_v2(fvi_zoo_net *net, fv_value *output)
{
    const fvi_zoo_conv_options first = { .filters = 32, .kernel = 3, .same = true, .stride = 2, .no_bias = true };
    const fvi_zoo_conv_options last = { .filters = 1280, .kernel = 1, .no_bias = true };
    fv_value x = FV_NO_VALUE;
    int32_t number = 0;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(conv_bn_relu6(net, &x, &first, fvi_zoo_name_of("features.%d", number++).text));
    for (int32_t i = 0; i < ROWS; i++)
        for (int32_t j = 0; j < rows[i].n; j++)
            FV_TRY(inverted_residual(net, &x, number++, &rows[i], j == 0 ? rows[i].s : 1));
    FV_TRY(conv_bn_relu6(net, &x, &last, fvi_zoo_name_of("features.%d", number).text));
    FV_TRY(fvi_zoo_global_average_pool(net, &x, "avgpool"));
    FV_TRY(fvi_zoo_dropout(net, &x, 0.2, "classifier.0"));
    FV_TRY(fvi_zoo_classifier(net, &x, "classifier.1"));
    *output = x;
    return FV_OK;
}

const fvi_zoo_network fvi_zoo_mobilenet[] = {
    { { .name = "mobilenet-v2",
        .title = "MobileNet v2, width 1",
        .paper = "Sandler, Howard, Zhu, Zhmoginov, Chen 2018: MobileNetV2: inverted residuals and linear bottlenecks",
        .year = 2018,
        .input = { 3, 224, 224 },
        .classes = 1000,
        .data = { 3, 224, 224 },
        .published = { { .top1 = 28.0,
                         .crops = 1,
                         .models = 1,
                         .source = "Sandler et al. 2018, table 4, ImageNet validation" },
                       { 28.122, 9.714, 1, 1, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation" } } },
      mobilenet_v2,
      NULL },
    { .build = NULL },
};
