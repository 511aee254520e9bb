/* SPDX-License-Identifier: Apache-2.0
 *
 * prelu_net.c - model A of He, Zhang, Ren, Sun 2015 (arXiv:1502.01852), table 3: 19 layers with PReLU, a slope per channel. Pooling
 * halves the image; the last one is spatial pyramid pooling (He et al. 2014, arXiv:1406.4729): maxima over 7x7, 3x3, 2x2
 * and 1x1 bins, with windows of ceil(size/bins) every floor(size/bins) cells.
 */
#include "zoo/blocks.h"

enum { STAGES = 3, CONVS = 5, LEVELS = 4 };

static fv_status prelu(fvi_zoo_net *net, fv_value *x, const char *name)
{
    return fv_graph_add_prelu(net->graph, *x, &(fv_prelu_options){ .name = name }, x);
}

/* Maxima over bins x bins cells, as a vector. */
static fv_status pyramid_level(fvi_zoo_net *net, fv_value *x, int32_t bins)
{
    const fv_image_shape shape = fv_graph_node(net->graph, *x).output;
    const fvi_zoo_name pool = fvi_zoo_name_of("spp%d", bins);
    if (shape.h < bins || shape.w < bins)
        return fvi_fail(fv_graph_context(net->graph), FV_ERR_SHAPE,
                        "network '%s': %dx%d cells before its pyramid pooling, which needs %dx%d; use a larger input",
                        net->entry->name, shape.h, shape.w, bins, bins);
    const fv_pool2d_options options = { .name = pool.text,
                                        .kernel = { (shape.h + bins - 1) / bins, (shape.w + bins - 1) / bins },
                                        .stride = { shape.h / bins, shape.w / bins } };
    FV_TRY(fv_graph_add_max_pool2d(net->graph, *x, &options, x));
    return fvi_zoo_plain(net, x, "flatten", "spp%d.flatten", bins);
}

static fv_status pyramid(fvi_zoo_net *net, fv_value *x)
{
    static const int32_t bins[LEVELS] = { 7, 3, 2, 1 };
    fv_value parts[LEVELS];
    for (int32_t i = 0; i < LEVELS; i++) {
        parts[i] = *x;
        FV_TRY(pyramid_level(net, &parts[i], bins[i]));
    }
    return fvi_zoo_concat(net, parts, LEVELS, x, "spp");
}

static fv_status prelu_net_a(fvi_zoo_net *net, fv_value *output)
{
    static const int32_t filters[STAGES] = { 256, 512, 512 };
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(
        fvi_zoo_conv(net, &x, &(fvi_zoo_conv_options){ .filters = 96, .kernel = 7, .stride = 2, .pad = 3 }, "conv1"));
    FV_TRY(prelu(net, &x, "prelu1"));
    for (int32_t stage = 0; stage < STAGES; stage++) {
        FV_TRY(fvi_zoo_max_pool(net, &x, 2, 2, 0, "pool%d", stage + 1));
        for (int32_t i = 0; i < CONVS; i++) {
            const fvi_zoo_conv_options conv = { .filters = filters[stage], .kernel = 3, .same = true };
            FV_TRY(fvi_zoo_conv(net, &x, &conv, "conv%d_%d", stage + 2, i + 1));
            FV_TRY(prelu(net, &x, fvi_zoo_name_of("prelu%d_%d", stage + 2, i + 1).text));
        }
    }
    FV_TRY(pyramid(net, &x));
    for (int32_t i = 1; i <= 2; i++) {
        FV_TRY(fvi_zoo_dense(net, &x, 4096, "fc%d", i));
        FV_TRY(prelu(net, &x, fvi_zoo_name_of("fc%d.prelu", i).text));
        FV_TRY(fvi_zoo_dropout(net, &x, 0.5, "fc%d.drop", i));
    }
    FV_TRY(fvi_zoo_classifier(net, &x, "fc3"));
    *output = x;
    return FV_OK;
}

const fvi_zoo_network fvi_zoo_prelu[] = {
    { { .name = "prelu-net-a",
        .title = "Model A with PReLU, 19 layers",
        .paper = "He, Zhang, Ren, Sun 2015: Delving deep into rectifiers",
        .year = 2015,
        .input = { 3, 224, 224 },
        .classes = 1000,
        .data = { 3, 224, 224 },
        .published = { { .top1 = 22.97,
                         .top5 = 6.28,
                         .crops = 0,
                         .models = 1,
                         .source = "He et al. 2015, table 4, over several scales, ImageNet validation" } } },
      prelu_net_a,
      NULL },
    { .build = NULL },
};
