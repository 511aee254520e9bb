/* SPDX-License-Identifier: Apache-2.0
 *
 * allconv.c - small networks of convolutions alone for 32x32 images.
 * cifar-allconv: Springenberg, Dosovitskiy, Brox, Riedmiller 2015 (arXiv:1412.6806), tables 1 and 2, All-CNN-C: strided
 * convolutions in place of pooling, a fifth of the input and half of the shrunk values dropped. The last 3x3 convolution has
 * no padding: only so are there the 6x6 positions that table 1 averages over. All others keep or halve the size.
 * airbench94: Jordan 2024 (arXiv:2404.00498) and the author's airbench94.py: a 2x2 convolution, three groups of two 3x3
 * convolutions, normalisation with a shift alone, GELU, a linear layer without bias. What differs is the start: there the
 * weights of the first convolution whiten patches of the training set and stay, the other convolutions start as identities
 * on as many channels as they read, and the scores are scaled by 1/9. Here the first weights start and train like others,
 * convolutions start from He's distribution, and the initial weights of the linear layer are scaled.
 */
#include "zoo/blocks.h"

typedef struct allconv_row {
    int32_t filters, kernel, stride, pad;
    double drop; /* behind it */
} allconv_row;

static const allconv_row allconv_rows[] = { { 96, 3, 1, 1, 0 },  { 96, 3, 1, 1, 0 },  { 96, 3, 2, 1, 0.5 },
                                            { 192, 3, 1, 1, 0 }, { 192, 3, 1, 1, 0 }, { 192, 3, 2, 1, 0.5 },
                                            { 192, 3, 1, 0, 0 }, { 192, 1, 1, 0, 0 } };

enum { ALLCONV_ROWS = sizeof allconv_rows / sizeof allconv_rows[0] };

static fv_status allconv(fvi_zoo_net *net, fv_value *output)
{
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(fvi_zoo_dropout(net, &x, 0.2, "drop0"));
    for (int32_t i = 0; i < ALLCONV_ROWS; i++) {
        const allconv_row *row = &allconv_rows[i];
        const fvi_zoo_conv_options conv = {
            .filters = row->filters, .kernel = row->kernel, .stride = row->stride, .pad = row->pad
        };
        FV_TRY(fvi_zoo_conv(net, &x, &conv, "conv%d", i + 1));
        FV_TRY(fvi_zoo_relu(net, &x, "relu%d", i + 1));
        if (row->drop > 0)
            FV_TRY(fvi_zoo_dropout(net, &x, row->drop, "drop%d", i + 1));
    }
    FV_TRY(fvi_zoo_conv(net, &x, &(fvi_zoo_conv_options){ .filters = net->classes, .kernel = 1 }, "conv%d",
                        ALLCONV_ROWS + 1));
    FV_TRY(fvi_zoo_relu(net, &x, "relu%d", ALLCONV_ROWS + 1));
    FV_TRY(fvi_zoo_global_average_pool(net, &x, "avgpool"));
    FV_TRY(fvi_zoo_loss(net, x));
    *output = x;
    return FV_OK;
}

static fv_status airbench_conv(fvi_zoo_net *net, fv_value *x, int32_t filters, bool pool, const char *group,
                               int32_t number)
{
    const fvi_zoo_name norm = fvi_zoo_name_of("%s.norm%d", group, number),
                       gelu = fvi_zoo_name_of("%s.gelu%d", group, number);
    const fvi_zoo_conv_options conv = { .filters = filters, .kernel = 3, .same = true, .no_bias = true };
    FV_TRY(fvi_zoo_conv(net, x, &conv, "%s.conv%d", group, number));
    if (pool)
        FV_TRY(fvi_zoo_max_pool(net, x, 2, 2, 0, "%s.pool", group));
    const fv_batch_norm_options options = { .name = norm.text, .momentum = 0.4, .epsilon = 1e-12, .no_scale = true };
    FV_TRY(fv_graph_add_batch_norm(net->graph, *x, &options, x));
    return fv_graph_add_gelu(net->graph, *x, &(fv_gelu_options){ .name = gelu.text }, x);
}

static fv_status airbench(fvi_zoo_net *net, fv_value *output)
{
    static const int32_t filters[] = { 64, 256, 256 };
    const int32_t patch = net->input.c * 2 * 2;
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(fvi_zoo_conv(net, &x, &(fvi_zoo_conv_options){ .filters = 2 * patch, .kernel = 2 }, "whiten"));
    FV_TRY(fv_graph_add_gelu(net->graph, x, &(fv_gelu_options){ .name = "gelu0" }, &x));
    for (int32_t i = 0; i < 3; i++) {
        const fvi_zoo_name group = fvi_zoo_name_of("group%d", i + 1);
        FV_TRY(airbench_conv(net, &x, filters[i], true, group.text, 1));
        FV_TRY(airbench_conv(net, &x, filters[i], false, group.text, 2));
    }
    FV_TRY(fvi_zoo_max_pool(net, &x, 3, 3, 0, "pool"));
    const fv_dense_options head = { .name = "head",
                                    .units = net->classes,
                                    .no_bias = true,
                                    .weight_init = { .kind = FV_INIT_GAUSSIAN, .value = 1.0 / 9 / 16 } };
    FV_TRY(fv_graph_add_dense(net->graph, x, &head, &x)); /* 16: the root of 256, its inputs */
    FV_TRY(fvi_zoo_loss(net, x));
    *output = x;
    return FV_OK;
}

const fvi_zoo_network fvi_zoo_allconv[] = {
    { { .name = "cifar-allconv",
        .title = "All-CNN-C: strided convolutions instead of pooling",
        .paper = "Springenberg, Dosovitskiy, Brox, Riedmiller 2015: Striving for simplicity: the all convolutional net",
        .year = 2015,
        .input = { 3, 32, 32 },
        .classes = 10,
        .data = { 3, 32, 32 },
        .published = { { .top1 = 9.08,
                         .crops = 1,
                         .models = 1,
                         .source = "Springenberg et al. 2015, table 4, CIFAR-10, not augmented" },
                       { .top1 = 7.25,
                         .crops = 1,
                         .models = 1,
                         .source = "Springenberg et al. 2015, table 4, CIFAR-10, augmented" } } },
      allconv,
      NULL },
    { { .name = "airbench94",
        .title = "The network of airbench94",
        .paper = "Jordan 2024: 94% on CIFAR-10 in 3.29 seconds on a single GPU",
        .year = 2024,
        .input = { 3, 32, 32 },
        .classes = 10,
        .data = { 3, 32, 32 },
        .published = { { .top1 = 5.99,
                         .crops = 6,
                         .models = 1,
                         .source = "Jordan 2024, airbench94.py, CIFAR-10: mean accuracy of 94.01% in 1,000 runs, "
                                   "mirrored and shifted views" } } },
      airbench,
      NULL },
    { .build = NULL },
};
