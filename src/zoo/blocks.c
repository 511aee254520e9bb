/* SPDX-License-Identifier: Apache-2.0
 *
 * blocks.c - the pieces that the builders of the zoo share (blocks.h).
 */
#include "zoo/blocks.h"

#include <stdio.h>

static fvi_zoo_name format_name(const char *format, va_list arguments)
{
    fvi_zoo_name name;
    vsnprintf(name.text, sizeof name.text, format, arguments);
    return name;
}

fvi_zoo_name fvi_zoo_name_of(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const fvi_zoo_name name = format_name(format, arguments);
    va_end(arguments);
    return name;
}

fv_status fvi_zoo_input(fvi_zoo_net *net, fv_value *x)
{
    const fv_image_shape shape = net->input;
    return fv_graph_add_input(net->graph,
                              &(fv_input_options){ .name = "image", .shape = { shape.c, shape.h, shape.w } }, x);
}

static fv_status add_conv(fvi_zoo_net *net, fv_value *x, const fvi_zoo_conv_options *options, const char *name)
{
    const int32_t rows = options->kernel, columns = options->columns > 0 ? options->columns : options->kernel;
    const int32_t pad_rows = options->same ? (rows - 1) / 2 : options->pad;
    const int32_t pad_columns = options->same ? (columns - 1) / 2 : options->pad;
    return fv_graph_add_conv2d(net->graph, *x,
                               &(fv_conv2d_options){
                                   .name = name,
                                   .filters = options->filters,
                                   .kernel = { rows, columns },
                                   .stride = { options->stride, options->stride },
                                   .pad = { pad_rows, pad_columns, pad_rows, pad_columns },
                                   .groups = options->groups,
                                   .no_bias = options->no_bias,
                                   .weight_init = options->weight_init,
                                   .bias_init = options->bias_init,
                               },
                               x);
}

static fv_status add_plain(fvi_zoo_net *net, const char *type, const fv_value *inputs, int32_t count, fv_value *x,
                           const char *name)
{
    fv_value out = FV_NO_VALUE; /* x may be one of the inputs */
    FV_TRY(fv_graph_add(net->graph, type, inputs, count, &(fv_plain_options){ .name = name }, &out));
    *x = out;
    return FV_OK;
}

fv_status fvi_zoo_conv(fvi_zoo_net *net, fv_value *x, const fvi_zoo_conv_options *options, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    return add_conv(net, x, options, made.text);
}

fv_status fvi_zoo_conv_relu(fvi_zoo_net *net, fv_value *x, const fvi_zoo_conv_options *options, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    FV_TRY(fvi_zoo_conv(net, x, options, "%s.conv", made.text));
    return fvi_zoo_relu(net, x, "%s.relu", made.text);
}

fv_status fvi_zoo_conv_bn(fvi_zoo_net *net, fv_value *x, const fvi_zoo_conv_options *options, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    fvi_zoo_conv_options conv = *options;
    conv.no_bias = true;
    FV_TRY(fvi_zoo_conv(net, x, &conv, "%s.conv", made.text));
    return fvi_zoo_batch_norm(net, x, options->epsilon, "%s.bn", made.text);
}

fv_status fvi_zoo_conv_bn_relu(fvi_zoo_net *net, fv_value *x, const fvi_zoo_conv_options *options, const char *name,
                               ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    FV_TRY(fvi_zoo_conv_bn(net, x, options, "%s", made.text));
    return fvi_zoo_relu(net, x, "%s.relu", made.text);
}

fv_status fvi_zoo_batch_norm(fvi_zoo_net *net, fv_value *x, double epsilon, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    return fv_graph_add_batch_norm(net->graph, *x, &(fv_batch_norm_options){ .name = made.text, .epsilon = epsilon },
                                   x);
}

fv_status fvi_zoo_dropout(fvi_zoo_net *net, fv_value *x, double drop, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    return fv_graph_add_dropout(net->graph, *x, &(fv_dropout_options){ .name = made.text, .drop = drop }, x);
}

fv_status fvi_zoo_dense(fvi_zoo_net *net, fv_value *x, int32_t units, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    return fv_graph_add_dense(net->graph, *x, &(fv_dense_options){ .name = made.text, .units = units }, x);
}

fv_status fvi_zoo_relu(fvi_zoo_net *net, fv_value *x, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    return add_plain(net, "relu", x, 1, x, made.text);
}

fv_status fvi_zoo_plain(fvi_zoo_net *net, fv_value *x, const char *type, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    return add_plain(net, type, x, 1, x, made.text);
}

static fv_pool2d_options pool_options(int32_t size, int32_t stride, int32_t pad, const char *name)
{
    return (fv_pool2d_options){
        .name = name, .kernel = { size, size }, .stride = { stride, stride }, .pad = { pad, pad, pad, pad }
    };
}

fv_status fvi_zoo_max_pool(fvi_zoo_net *net, fv_value *x, int32_t size, int32_t stride, int32_t pad, const char *name,
                           ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    const fv_pool2d_options options = pool_options(size, stride, pad, made.text);
    return fv_graph_add_max_pool2d(net->graph, *x, &options, x);
}

fv_status fvi_zoo_max_pool_ceil(fvi_zoo_net *net, fv_value *x, int32_t size, int32_t stride, int32_t pad,
                                const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    fv_pool2d_options options = pool_options(size, stride, pad, made.text);
    options.ceil = true;
    return fv_graph_add_max_pool2d(net->graph, *x, &options, x);
}

fv_status fvi_zoo_average_pool(fvi_zoo_net *net, fv_value *x, int32_t size, int32_t stride, int32_t pad,
                               const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    fv_pool2d_options options = pool_options(size, stride, pad, made.text);
    options.count_padding = true;
    return fv_graph_add_average_pool2d(net->graph, *x, &options, x);
}

fv_status fvi_zoo_global_average_pool(fvi_zoo_net *net, fv_value *x, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    return add_plain(net, "global_average_pool", x, 1, x, made.text);
}

fv_status fvi_zoo_shrink(fvi_zoo_net *net, fv_value *x, int32_t size, const char *name, ...)
{
    const fv_image_shape shape = fv_graph_node(net->graph, *x).output;
    if (shape.h <= size && shape.w <= size)
        return FV_OK;
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    const int32_t h = shape.h < size ? shape.h : size, w = shape.w < size ? shape.w : size;
    return fv_graph_add_adaptive_average_pool(
        net->graph, *x, &(fv_adaptive_average_pool_options){ .name = made.text, .size = { h, w } }, x);
}

fv_status fvi_zoo_concat(fvi_zoo_net *net, const fv_value *parts, int32_t count, fv_value *x, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    return add_plain(net, "concat", parts, count, x, made.text);
}

fv_status fvi_zoo_add(fvi_zoo_net *net, const fv_value *parts, int32_t count, fv_value *x, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    return add_plain(net, "add", parts, count, x, made.text);
}

fv_status fvi_zoo_classifier(fvi_zoo_net *net, fv_value *x, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    FV_TRY(fvi_zoo_dense(net, x, net->classes, "%s", made.text));
    return fvi_zoo_loss(net, *x);
}

fv_status fvi_zoo_weighted_loss(fvi_zoo_net *net, fv_value scores, double weight, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    const fvi_zoo_name made = format_name(name, arguments);
    va_end(arguments);
    fv_value loss = FV_NO_VALUE;
    const fv_softmax_cross_entropy_options options = { .name = made.text, .weight = weight };
    return fv_graph_add_softmax_cross_entropy(net->graph, scores, &options, &loss);
}

fv_status fvi_zoo_loss(fvi_zoo_net *net, fv_value scores)
{
    return fvi_zoo_weighted_loss(net, scores, 1, "loss");
}
