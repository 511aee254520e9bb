/* SPDX-License-Identifier: Apache-2.0
 *
 * inception_v3.c - Inception-v2 and Inception-v3 (Szegedy et al. 2016, "Rethinking the Inception architecture for computer
 * vision", arXiv:1512.00567). v2 follows table 1 of the paper and its figures 5, 6, 7, 8 and 10; v3 is torchvision's, which
 * is the authors' release (TF-slim), with torchvision's module names.
 * Where the paper leaves a choice: it gives the outputs of v2's stages (table 1), how many modules of which kind there are,
 * and which convolutions a module has (its figures), but says of the widths inside modules that they are in "model.txt that is
 * in the tar-file of this submission" (section 6). Here they are those of the release, which has the same outputs: 35x35x288,
 * 17x17x768, 8x8x1280, 8x8x2048, and likewise the modules between the grids, which the release builds a little differently
 * from figure 10 (table 1 speaks of variations of it). The release has four modules at 17x17, with 128, 160, 160 and 192
 * filters inside; table 1 has five, and the fifth repeats 160. Pooling inside modules is by means, padded cells counted;
 * the figures say "Pool". Table 1 says that only its third convolution is padded, but its last keeps 35x35, so it is too.
 * The auxiliary classifier weighs 0.4 in the loss, as in the release.
 * v2's flags are the steps of table 3: `factorised-7x7` (three 3x3 convolutions at the start where GoogLeNet has one 7x7;
 * table 1 has them, so it is on), `label-smoothing` (0.1 over all classes), `bn-auxiliary` (the auxiliary classifier's dense
 * layer is normalised too). RMSProp, the remaining step, is a matter of the optimizer.
 */
#include "zoo/blocks.h"

/* A convolution of a branch, with batch normalisation and ReLU. Stride 2 takes no padding. */
typedef struct unit {
    const char *name;
    int32_t filters, rows, columns, stride;
} unit;

static fv_status add_unit(fvi_zoo_net *net, fv_value *x, const char *module, const unit *u)
{
    const fvi_zoo_conv_options conv = { .filters = u->filters,
                                        .kernel = u->rows,
                                        .columns = u->columns,
                                        .stride = u->stride,
                                        .same = u->stride != 2,
                                        .epsilon = 1e-3 };
    return fvi_zoo_conv_bn_relu(net, x, &conv, "%s.%s", module, u->name);
}

/* Units one after the other, until one without a name. */
static fv_status add_branch(fvi_zoo_net *net, fv_value *x, const char *module, const unit *units)
{
    for (; units->name != NULL; units++)
        FV_TRY(add_unit(net, x, module, units));
    return FV_OK;
}

static fv_status add_pooled(fvi_zoo_net *net, fv_value *x, const char *module, int32_t filters)
{
    FV_TRY(fvi_zoo_average_pool(net, x, 3, 1, 1, "%s.pool", module));
    return add_unit(net, x, module, &(unit){ "branch_pool", filters, 1, 1, 1 });
}

/* Figure 5, at 35x35: the branch that was 5x5 is `second` (with kernel 5 in v3, 3 in v2), and two 3x3 are the third. */
static fv_status module_35(fvi_zoo_net *net, fv_value *x, const char *name, int32_t kernel, int32_t pooled)
{
    fv_value branch[4] = { *x, *x, *x, *x };
    const bool five = kernel == 5;
    FV_TRY(add_branch(net, &branch[0], name, (const unit[]){ { "branch1x1", 64, 1, 1, 1 }, { 0 } }));
    FV_TRY(add_branch(net, &branch[1], name,
                      (const unit[]){ { five ? "branch5x5_1" : "branch3x3_1", 48, 1, 1, 1 },
                                      { five ? "branch5x5_2" : "branch3x3_2", 64, kernel, kernel, 1 },
                                      { 0 } }));
    FV_TRY(add_branch(net, &branch[2], name,
                      (const unit[]){ { "branch3x3dbl_1", 64, 1, 1, 1 },
                                      { "branch3x3dbl_2", 96, 3, 3, 1 },
                                      { "branch3x3dbl_3", 96, 3, 3, 1 },
                                      { 0 } }));
    FV_TRY(add_pooled(net, &branch[3], name, pooled));
    return fvi_zoo_concat(net, branch, 4, x, "%s", name);
}

/* Figure 10, from 35x35 to 17x17: 480 new channels beside those that were there. */
static fv_status reduce_to_17(fvi_zoo_net *net, fv_value *x, const char *name)
{
    fv_value branch[3] = { *x, *x, *x };
    FV_TRY(add_branch(net, &branch[0], name, (const unit[]){ { "branch3x3", 384, 3, 3, 2 }, { 0 } }));
    FV_TRY(add_branch(net, &branch[1], name,
                      (const unit[]){ { "branch3x3dbl_1", 64, 1, 1, 1 },
                                      { "branch3x3dbl_2", 96, 3, 3, 1 },
                                      { "branch3x3dbl_3", 96, 3, 3, 2 },
                                      { 0 } }));
    FV_TRY(fvi_zoo_max_pool(net, &branch[2], 3, 2, 0, "%s.pool", name));
    return fvi_zoo_concat(net, branch, 3, x, "%s", name);
}

/* Figure 6, at 17x17: 7x7 as 1x7 and 7x1. */
static fv_status module_17(fvi_zoo_net *net, fv_value *x, const char *name, int32_t width)
{
    fv_value branch[4] = { *x, *x, *x, *x };
    FV_TRY(add_branch(net, &branch[0], name, (const unit[]){ { "branch1x1", 192, 1, 1, 1 }, { 0 } }));
    FV_TRY(add_branch(net, &branch[1], name,
                      (const unit[]){ { "branch7x7_1", width, 1, 1, 1 },
                                      { "branch7x7_2", width, 1, 7, 1 },
                                      { "branch7x7_3", 192, 7, 1, 1 },
                                      { 0 } }));
    FV_TRY(add_branch(net, &branch[2], name,
                      (const unit[]){ { "branch7x7dbl_1", width, 1, 1, 1 },
                                      { "branch7x7dbl_2", width, 7, 1, 1 },
                                      { "branch7x7dbl_3", width, 1, 7, 1 },
                                      { "branch7x7dbl_4", width, 7, 1, 1 },
                                      { "branch7x7dbl_5", 192, 1, 7, 1 },
                                      { 0 } }));
    FV_TRY(add_pooled(net, &branch[3], name, 192));
    return fvi_zoo_concat(net, branch, 4, x, "%s", name);
}

/* Figure 10, from 17x17 to 8x8: 512 new channels beside those that were there. */
static fv_status reduce_to_8(fvi_zoo_net *net, fv_value *x, const char *name)
{
    fv_value branch[3] = { *x, *x, *x };
    FV_TRY(add_branch(net, &branch[0], name,
                      (const unit[]){ { "branch3x3_1", 192, 1, 1, 1 }, { "branch3x3_2", 320, 3, 3, 2 }, { 0 } }));
    FV_TRY(add_branch(net, &branch[1], name,
                      (const unit[]){ { "branch7x7x3_1", 192, 1, 1, 1 },
                                      { "branch7x7x3_2", 192, 1, 7, 1 },
                                      { "branch7x7x3_3", 192, 7, 1, 1 },
                                      { "branch7x7x3_4", 192, 3, 3, 2 },
                                      { 0 } }));
    FV_TRY(fvi_zoo_max_pool(net, &branch[2], 3, 2, 0, "%s.pool", name));
    return fvi_zoo_concat(net, branch, 3, x, "%s", name);
}

/* Figure 7, at 8x8: 1x3 and 3x1 side by side, so that the outputs grow wide. */
static fv_status module_8(fvi_zoo_net *net, fv_value *x, const char *name)
{
    fv_value branch[6] = { *x, *x, FV_NO_VALUE, *x, FV_NO_VALUE, *x };
    FV_TRY(add_unit(net, &branch[0], name, &(unit){ "branch1x1", 320, 1, 1, 1 }));
    FV_TRY(add_unit(net, &branch[1], name, &(unit){ "branch3x3_1", 384, 1, 1, 1 }));
    branch[2] = branch[1];
    FV_TRY(add_unit(net, &branch[1], name, &(unit){ "branch3x3_2a", 384, 1, 3, 1 }));
    FV_TRY(add_unit(net, &branch[2], name, &(unit){ "branch3x3_2b", 384, 3, 1, 1 }));
    FV_TRY(add_unit(net, &branch[3], name, &(unit){ "branch3x3dbl_1", 448, 1, 1, 1 }));
    FV_TRY(add_unit(net, &branch[3], name, &(unit){ "branch3x3dbl_2", 384, 3, 3, 1 }));
    branch[4] = branch[3];
    FV_TRY(add_unit(net, &branch[3], name, &(unit){ "branch3x3dbl_3a", 384, 1, 3, 1 }));
    FV_TRY(add_unit(net, &branch[4], name, &(unit){ "branch3x3dbl_3b", 384, 3, 1, 1 }));
    FV_TRY(add_pooled(net, &branch[5], name, 192));
    return fvi_zoo_concat(net, branch, 6, x, "%s", name);
}

/* A convolution of the stem, without padding unless it says so. */
static fv_status stem(fvi_zoo_net *net, fv_value *x, const char *name, int32_t filters, int32_t kernel, int32_t stride,
                      int32_t pad)
{
    const fvi_zoo_conv_options conv = {
        .filters = filters, .kernel = kernel, .stride = stride, .pad = pad, .epsilon = 1e-3
    };
    return fvi_zoo_conv_bn_relu(net, x, &conv, "%s", name);
}

/* From 299x299x3 to 147x147x64: three 3x3 convolutions, or the 7x7 that they stand for. */
static fv_status add_start(fvi_zoo_net *net, fv_value *x, bool factorised)
{
    FV_TRY(fvi_zoo_input(net, x));
    if (!factorised)
        return stem(net, x, "Conv2d_1a_7x7", 64, 7, 2, 0);
    FV_TRY(stem(net, x, "Conv2d_1a_3x3", 32, 3, 2, 0));
    FV_TRY(stem(net, x, "Conv2d_2a_3x3", 32, 3, 1, 0));
    return stem(net, x, "Conv2d_2b_3x3", 64, 3, 1, 1);
}

static const double auxiliary_weight = 0.4;

/* Section 7: with the flag a tenth of each target is spread over all classes. */
static fv_status add_loss_v2(fvi_zoo_net *net, fv_value scores, double weight, const char *name)
{
    fv_value loss = FV_NO_VALUE;
    const fv_softmax_cross_entropy_options options = {
        .name = name, .weight = weight, .label_smoothing = fvi_zoo_flag(net, "label-smoothing") ? 0.1 : 0
    };
    return fv_graph_add_softmax_cross_entropy(net->graph, scores, &options, &loss);
}

/* Figure 8. */
static fv_status add_auxiliary_v2(fvi_zoo_net *net, fv_value x)
{
    if (!net->auxiliary)
        return FV_OK;
    FV_TRY(fvi_zoo_average_pool(net, &x, 5, 3, 0, "AuxLogits.pool"));
    FV_TRY(stem(net, &x, "AuxLogits.conv", 128, 1, 1, 0));
    FV_TRY(fvi_zoo_dense(net, &x, 1024, "AuxLogits.fc1"));
    if (fvi_zoo_flag(net, "bn-auxiliary"))
        FV_TRY(fvi_zoo_batch_norm(net, &x, 1e-3, "AuxLogits.bn"));
    FV_TRY(fvi_zoo_relu(net, &x, "AuxLogits.relu"));
    FV_TRY(fvi_zoo_dense(net, &x, net->classes, "AuxLogits.fc"));
    return add_loss_v2(net, x, auxiliary_weight, "AuxLogits.loss");
}

static fv_status inception_v2(fvi_zoo_net *net, fv_value *output)
{
    static const int32_t widths[] = { 128, 160, 160, 160, 192 };
    fv_value x = FV_NO_VALUE;
    FV_TRY(add_start(net, &x, fvi_zoo_flag(net, "factorised-7x7")));
    FV_TRY(fvi_zoo_max_pool(net, &x, 3, 2, 0, "maxpool1"));
    FV_TRY(stem(net, &x, "Conv2d_3a_3x3", 80, 3, 1, 0));
    FV_TRY(stem(net, &x, "Conv2d_3b_3x3", 192, 3, 2, 0));
    FV_TRY(stem(net, &x, "Conv2d_4a_3x3", 288, 3, 1, 1));
    for (int32_t i = 0; i < 3; i++)
        FV_TRY(module_35(net, &x, fvi_zoo_name_of("Mixed_5%c", 'a' + i).text, 3, 64));
    FV_TRY(reduce_to_17(net, &x, "Mixed_6a"));
    for (int32_t i = 0; i < 5; i++)
        FV_TRY(module_17(net, &x, fvi_zoo_name_of("Mixed_6%c", 'b' + i).text, widths[i]));
    FV_TRY(add_auxiliary_v2(net, x));
    FV_TRY(reduce_to_8(net, &x, "Mixed_7a"));
    FV_TRY(module_8(net, &x, "Mixed_7b"));
    FV_TRY(module_8(net, &x, "Mixed_7c"));
    FV_TRY(fvi_zoo_global_average_pool(net, &x, "avgpool"));
    FV_TRY(fvi_zoo_dense(net, &x, net->classes, "fc"));
    *output = x;
    return add_loss_v2(net, x, 1, "loss");
}

static fv_status add_auxiliary_v3(fvi_zoo_net *net, fv_value x)
{
    if (!net->auxiliary)
        return FV_OK;
    FV_TRY(fvi_zoo_average_pool(net, &x, 5, 3, 0, "AuxLogits.pool"));
    FV_TRY(stem(net, &x, "AuxLogits.conv0", 128, 1, 1, 0));
    FV_TRY(stem(net, &x, "AuxLogits.conv1", 768, 5, 1, 0));
    FV_TRY(fvi_zoo_shrink(net, &x, 1, "AuxLogits.avgpool"));
    FV_TRY(fvi_zoo_dense(net, &x, net->classes, "AuxLogits.fc"));
    return fvi_zoo_weighted_loss(net, x, auxiliary_weight, "AuxLogits.loss");
}

static fv_status inception_v3(fvi_zoo_net *net, fv_value *output)
{
    static const int32_t widths[] = { 128, 160, 160, 192 };
    fv_value x = FV_NO_VALUE;
    FV_TRY(add_start(net, &x, true));
    FV_TRY(fvi_zoo_max_pool(net, &x, 3, 2, 0, "maxpool1"));
    FV_TRY(stem(net, &x, "Conv2d_3b_1x1", 80, 1, 1, 0));
    FV_TRY(stem(net, &x, "Conv2d_4a_3x3", 192, 3, 1, 0));
    FV_TRY(fvi_zoo_max_pool(net, &x, 3, 2, 0, "maxpool2"));
    FV_TRY(module_35(net, &x, "Mixed_5b", 5, 32));
    FV_TRY(module_35(net, &x, "Mixed_5c", 5, 64));
    FV_TRY(module_35(net, &x, "Mixed_5d", 5, 64));
    FV_TRY(reduce_to_17(net, &x, "Mixed_6a"));
    for (int32_t i = 0; i < 4; i++)
        FV_TRY(module_17(net, &x, fvi_zoo_name_of("Mixed_6%c", 'b' + i).text, widths[i]));
    FV_TRY(add_auxiliary_v3(net, x));
    FV_TRY(reduce_to_8(net, &x, "Mixed_7a"));
    FV_TRY(module_8(net, &x, "Mixed_7b"));
    FV_TRY(module_8(net, &x, "Mixed_7c"));
    FV_TRY(fvi_zoo_global_average_pool(net, &x, "avgpool"));
    FV_TRY(fvi_zoo_dropout(net, &x, 0.5, "dropout"));
    FV_TRY(fvi_zoo_classifier(net, &x, "fc"));
    *output = x;
    return FV_OK;
}

static const char paper[] =
    "Szegedy et al. 2016: Rethinking the Inception architecture for computer vision (arXiv:1512.00567)";

/* Section 10. Over all 50,000 images the errors are about 0.2 (top-1) and 0.1 (top-5) larger. */
#define NOT_BLACKLISTED "ILSVRC-2012 validation, the 48,238 images not blacklisted"

const fvi_zoo_network fvi_zoo_inception[] = {
    { { .name = "inception-v2",
        .title = "Inception-v2 by table 1 of its paper",
        .paper = paper,
        .year = 2016,
        .input = { 3, 299, 299 },
        .classes = 1000,
        .data = { 3, 299, 299 },
        .flags = "label-smoothing,factorised-7x7,bn-auxiliary",
        .default_flags = "factorised-7x7",
        .published = { { 23.4, 0, 1, 1, "Szegedy et al. 2016, table 3: no flags, " NOT_BLACKLISTED },
                       { 21.6, 5.8, 1, 1,
                         "Szegedy et al. 2016, table 3: label-smoothing,factorised-7x7, RMSProp, " NOT_BLACKLISTED },
                       { 21.2, 5.6, 1, 1, "Szegedy et al. 2016, table 3: all flags, RMSProp, " NOT_BLACKLISTED } } },
      inception_v2,
      NULL },
    { { .name = "inception-v3",
        .title = "Inception-v3 as in torchvision",
        .paper = paper,
        .year = 2016,
        .input = { 3, 299, 299 },
        .classes = 1000,
        .data = { 3, 299, 299 },
        .published = { { 21.2, 5.6, 1, 1, "Szegedy et al. 2016, table 3, " NOT_BLACKLISTED },
                       { 17.2, 3.46, 144, 4,
                         "Szegedy et al. 2016, table 5 and its note, " NOT_BLACKLISTED "; test: top-5 3.58" },
                       { 22.706, 6.550, 1, 1, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation" } } },
      inception_v3,
      NULL },
    { .build = NULL },
};
