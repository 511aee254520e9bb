/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_map_conv.c - Conv, ConvTranspose, Gemm and MatMul: layers with weights. ONNX stores a convolution's weights as fovea does
 * ([k, c/groups, r, s]; transposed ones [c, k/groups, r, s]); a matrix [in, out] is transposed to a dense layer's [out, in].
 */
#include <string.h>

#include "interchange/onnx/onnx_map.h"

enum { MOST = 65535 };

/* Numbers of a window, one or two; images of one row have the first axis of 1. */
static fv_status read_pair(fvi_onnx *onnx, const fvi_onnx_node *node, const char *name, int32_t spatial, int32_t least,
                           int32_t fallback, int32_t pair[2])
{
    const int64_t *given = NULL;
    int32_t count = 0;
    pair[0] = spatial == 1 ? 1 : fallback;
    pair[1] = fallback;
    FV_TRY(fvi_onnx_list(onnx, node, name, &given, &count));
    if (given != NULL && count != spatial)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "%d %s for %d spatial axes", count, name, spatial);
    for (int32_t i = 0; i < count; i++) {
        if (given[i] < least || given[i] > MOST)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "%s of %lld", name, (long long)given[i]);
        pair[2 - spatial + i] = (int32_t)given[i];
    }
    return FV_OK;
}

static fv_status read_pads(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t spatial, fvi_onnx_window *out)
{
    const int64_t *given = NULL;
    int32_t count = 0;
    FV_TRY(fvi_onnx_list(onnx, node, "pads", &given, &count));
    if (given != NULL && count != 2 * spatial)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "%d pads for %d spatial axes", count, spatial);
    for (int32_t i = 0; i < count; i++) {
        if (given[i] < 0 || given[i] > MOST)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "a padding of %lld", (long long)given[i]);
        out->pad[i / spatial * 2 + 2 - spatial + i % spatial] = (int32_t)given[i];
    }
    for (int32_t i = 0; i < 4; i++)
        out->pad[i] += (int32_t)node->pad[i];
    return FV_OK;
}

/* SAME_LOWER: output = input/stride, the odd pixel before the image. */
static void pad_lower(fvi_onnx_window *window, const int32_t size[2])
{
    for (int32_t i = 0; i < 2; i++) {
        const int64_t out = ((int64_t)size[i] + window->stride[i] - 1) / window->stride[i],
                      extent = (int64_t)window->dilation[i] * (window->kernel[i] - 1) + 1,
                      all = (out - 1) * window->stride[i] + extent - size[i];
        const int64_t pads = all > 0 ? all : 0;
        window->pad[i] = (int32_t)(pads - pads / 2);
        window->pad[2 + i] = (int32_t)(pads / 2);
    }
}

fv_status fvi_onnx_read_window(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t spatial, const int64_t *kernel,
                               fv_image_shape image, fvi_onnx_window *out)
{
    const char *automatic = NULL;
    *out = (fvi_onnx_window){ .kernel = { 1, 1 } };
    if (spatial < 1 || spatial > 2)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED,
                                  "over %d spatial axes; there are layers for one and two", spatial);
    FV_TRY(read_pair(onnx, node, "kernel_shape", spatial, 1, 0, out->kernel));
    for (int32_t i = 0; i < spatial; i++) {
        int32_t *own = &out->kernel[2 - spatial + i];
        if (kernel != NULL && *own != 0 && *own != kernel[i])
            return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE, "a kernel_shape of %d where its weights have %lld",
                                      *own, (long long)kernel[i]);
        if (kernel != NULL && kernel[i] > MOST)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE, "a kernel of %lld", (long long)kernel[i]);
        if (kernel != NULL)
            *own = (int32_t)kernel[i];
        if (*own == 0)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "its kernel_shape is missing");
    }
    FV_TRY(read_pair(onnx, node, "strides", spatial, 1, 1, out->stride));
    FV_TRY(read_pair(onnx, node, "dilations", spatial, 1, 1, out->dilation));
    FV_TRY(fvi_onnx_text(onnx, node, "auto_pad", "NOTSET", &automatic));
    if (strcmp(automatic, "SAME_UPPER") == 0)
        out->padding = FV_PAD_SAME;
    else if (strcmp(automatic, "SAME_LOWER") == 0)
        pad_lower(out, (const int32_t[2]){ image.h, image.w });
    else if (strcmp(automatic, "VALID") == 0)
        out->padding = FV_PAD_VALID;
    else if (strcmp(automatic, "NOTSET") == 0)
        FV_TRY(read_pads(onnx, node, spatial, out));
    else
        return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "auto_pad '%.40s'", automatic);
    return FV_OK;
}

/* The weights of a convolution: [a, b, rows, columns], or without rows for a sequence. */
static fv_status conv_weight(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t rank, const fvi_onnx_constant **out)
{
    const int64_t any[4] = { -1, -1, -1, -1 };
    return fvi_onnx_weight(onnx, node, 1, "weights", false, rank, any, out);
}

static fv_status conv_groups(fvi_onnx *onnx, const fvi_onnx_node *node, int32_t channels, int32_t *groups)
{
    int64_t given = 1;
    FV_TRY(fvi_onnx_int(onnx, node, "group", 1, &given));
    if (given < 1 || given > channels || channels % given != 0)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE, "%d channels in %lld groups", channels, (long long)given);
    *groups = (int32_t)given;
    return FV_OK;
}

static fv_status fill_layer(fvi_onnx *onnx, fv_value layer, const fvi_onnx_constant *weight,
                            const fvi_onnx_constant *bias)
{
    FV_TRY(fvi_onnx_fill(onnx, layer, "weight", weight->real, weight->count));
    return bias != NULL ? fvi_onnx_fill(onnx, layer, "bias", bias->real, bias->count) : FV_OK;
}

/* A bias has one value for each filter or unit; match_bias() lets leading and trailing axes of 1 through. */
static fv_status conv_bias(fvi_onnx *onnx, const fvi_onnx_node *node, int64_t units, const fvi_onnx_constant **out)
{
    fvi_onnx_value *value = node->input_count > 2 ? node->input[2] : NULL;
    *out = NULL;
    if (value == NULL)
        return FV_OK;
    FV_TRY(fvi_onnx_constant_of(onnx, value, out));
    if (*out != NULL && !(*out)->integer && (*out)->count == units)
        return FV_OK;
    return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE, "its bias '%.100s' is not %lld numbers", value->name,
                              (long long)units);
}

fv_status fvi_onnx_map_conv(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_constant *weight = NULL, *bias = NULL;
    fv_image_shape shape;
    fvi_onnx_window window;
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    int32_t groups = 1;
    FV_TRY(fvi_onnx_image(onnx, node, 0, &x, &shape));
    const int32_t rank = node->input[0]->rank;
    FV_TRY(conv_weight(onnx, node, rank, &weight));
    FV_TRY(fvi_onnx_read_window(onnx, node, rank - 2, weight->size + 2, shape, &window));
    FV_TRY(conv_groups(onnx, node, shape.c, &groups));
    if (weight->size[1] != shape.c / groups || weight->size[0] > 1 << 24)
        return fvi_onnx_fail_node(
            onnx, node, FV_ERR_SHAPE,
            "its weights '%.100s' are for %lld channels in each of %d groups; its input has %d in all",
            node->input[1]->name, (long long)weight->size[1], groups, shape.c);
    FV_TRY(conv_bias(onnx, node, weight->size[0], &bias));
    fv_conv2d_options options = { .filters = (int32_t)weight->size[0],
                                  .kernel = { window.kernel[0], window.kernel[1] },
                                  .stride = { window.stride[0], window.stride[1] },
                                  .padding = window.padding,
                                  .pad = { window.pad[0], window.pad[1], window.pad[2], window.pad[3] },
                                  .dilation = { window.dilation[0], window.dilation[1] },
                                  .groups = groups,
                                  .no_bias = bias == NULL };
    FV_TRY(fvi_onnx_add_layer(onnx, node, "conv2d", &x, 1, &options, &y));
    FV_TRY(fill_layer(onnx, y, weight, bias));
    return fvi_onnx_emit_image(onnx, node, y, rank);
}

fv_status fvi_onnx_map_conv_transpose(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const fvi_onnx_constant *weight = NULL, *bias = NULL;
    fv_image_shape shape;
    fvi_onnx_window window;
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    int32_t groups = 1, more[2];
    FV_TRY(fvi_onnx_image(onnx, node, 0, &x, &shape));
    const int32_t rank = node->input[0]->rank;
    FV_TRY(conv_weight(onnx, node, rank, &weight));
    FV_TRY(fvi_onnx_read_window(onnx, node, rank - 2, weight->size + 2, shape, &window));
    FV_TRY(conv_groups(onnx, node, shape.c, &groups));
    FV_TRY(read_pair(onnx, node, "output_padding", rank - 2, 0, 0, more));
    more[0] = rank == 3 ? 0 : more[0];
    if (window.padding == FV_PAD_SAME || fvi_onnx_attribute(node, "output_shape") != NULL)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED,
                                  "its size is given by auto_pad or output_shape, not by pads");
    if (weight->size[0] != shape.c || weight->size[1] > (1 << 24) / groups)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE,
                                  "its weights '%.100s' are for %lld channels; its input has %d", node->input[1]->name,
                                  (long long)weight->size[0], shape.c);
    FV_TRY(conv_bias(onnx, node, weight->size[1] * groups, &bias));
    fv_conv2d_transpose_options options = { .filters = (int32_t)weight->size[1] * groups,
                                            .kernel = { window.kernel[0], window.kernel[1] },
                                            .stride = { window.stride[0], window.stride[1] },
                                            .pad = { window.pad[0], window.pad[1], window.pad[2], window.pad[3] },
                                            .output_pad = { more[0], more[1] },
                                            .dilation = { window.dilation[0], window.dilation[1] },
                                            .groups = groups,
                                            .no_bias = bias == NULL };
    FV_TRY(fvi_onnx_add_layer(onnx, node, "conv2d_transpose", &x, 1, &options, &y));
    FV_TRY(fill_layer(onnx, y, weight, bias));
    return fvi_onnx_emit_image(onnx, node, y, rank);
}

/* A dense layer on [N, in]: weights [in][out] (or [out][in] where they are transposed), times factor. */
static fv_status add_dense(fvi_onnx *onnx, fvi_onnx_node *node, fv_value x, const fvi_onnx_constant *weight,
                           bool transposed, double factor, const float *bias)
{
    const int64_t in = weight->size[transposed ? 1 : 0], out = weight->size[transposed ? 0 : 1];
    const float *values = weight->real;
    fv_value y = FV_NO_VALUE;
    void *memory = NULL;
    if (out > 1 << 24)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE, "%lld outputs", (long long)out);
    if (!transposed) {
        FV_TRY(fvi_onnx_transposed(onnx, weight->real, in, out, factor, &values));
    } else if (factor < 1 || factor > 1) {
        FV_TRY(fvi_onnx_reserve(onnx, weight->count, sizeof(float), &memory));
        for (int64_t i = 0; i < weight->count; i++)
            ((float *)memory)[i] = (float)(factor * (double)weight->real[i]);
        values = memory;
    }
    fv_dense_options options = { .units = (int32_t)out, .no_bias = bias == NULL };
    FV_TRY(fvi_onnx_add_layer(onnx, node, "dense", &x, 1, &options, &y));
    FV_TRY(fvi_onnx_fill(onnx, y, "weight", values, weight->count));
    if (bias != NULL)
        FV_TRY(fvi_onnx_fill(onnx, y, "bias", bias, out));
    return fvi_onnx_emit(onnx, node, y, 2, &out);
}

/* C of a Gemm, times beta: one number, [out] or [1, out]. */
static fv_status gemm_bias(fvi_onnx *onnx, const fvi_onnx_node *node, int64_t out, double beta, const float **bias)
{
    fvi_onnx_value *value = node->input_count > 2 ? node->input[2] : NULL;
    const fvi_onnx_constant *given = NULL;
    char text[128];
    void *memory = NULL;
    *bias = NULL;
    if (value == NULL)
        return FV_OK;
    FV_TRY(fvi_onnx_constant_of(onnx, value, &given));
    if (given == NULL || given->integer || (given->count != 1 && given->count != out) ||
        (given->count > 1 && given->size[given->rank - 1] != out))
        return fvi_onnx_fail_node(onnx, node, given == NULL ? FV_ERR_UNSUPPORTED : FV_ERR_SHAPE,
                                  "its bias '%.60s' has the shape %s; %lld numbers are needed", value->name,
                                  given == NULL ? "of what is computed"
                                                : fvi_onnx_shape_text(given->rank, given->size, text, sizeof text),
                                  (long long)out);
    FV_TRY(fvi_onnx_reserve(onnx, out, sizeof(float), &memory));
    for (int64_t i = 0; i < out; i++)
        ((float *)memory)[i] = (float)(beta * (double)given->real[given->count == 1 ? 0 : i]);
    *bias = memory;
    return FV_OK;
}

fv_status fvi_onnx_map_gemm(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const int64_t any[2] = { -1, -1 };
    const fvi_onnx_constant *weight = NULL;
    const float *bias = NULL;
    fvi_onnx_value x;
    int64_t trans_a = 0, trans_b = 0;
    double alpha = 1, beta = 1;
    FV_TRY(fvi_onnx_settled(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_weight(onnx, node, 1, "matrix", false, 2, any, &weight));
    FV_TRY(fvi_onnx_int(onnx, node, "transA", 0, &trans_a));
    FV_TRY(fvi_onnx_int(onnx, node, "transB", 0, &trans_b));
    FV_TRY(fvi_onnx_real(onnx, node, "alpha", 1, &alpha));
    FV_TRY(fvi_onnx_real(onnx, node, "beta", 1, &beta));
    const int64_t in = weight->size[trans_b != 0 ? 1 : 0], out = weight->size[trans_b != 0 ? 0 : 1];
    if (trans_a != 0)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "with transA the images would be columns");
    if (x.rank != 2 || x.size[1] != in)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE, "its matrix '%.60s' takes %lld inputs; '%.60s' has %lld",
                                  node->input[1]->name, (long long)in, x.name, (long long)x.size[1]);
    FV_TRY(gemm_bias(onnx, node, out, beta, &bias));
    return add_dense(onnx, node, x.value, weight, trans_b != 0, alpha, bias);
}

/* [N, h, w, c] times [c, k], where c is the image's channels: a convolution of 1 x 1. */
static fv_status matmul_of_channels(fvi_onnx *onnx, fvi_onnx_node *node, const fvi_onnx_value *x,
                                    const fvi_onnx_constant *weight, const fvi_onnx_constant *bias)
{
    fv_image_shape shape;
    fv_value value = FV_NO_VALUE, y = FV_NO_VALUE;
    const float *values = NULL;
    fv_conv2d_options options = { .filters = (int32_t)weight->size[1], .no_bias = bias == NULL };
    if (!fvi_onnx_base_image(x, &shape) || weight->size[0] != shape.c || weight->size[1] > 1 << 24)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_SHAPE, "its matrix '%.60s' takes %lld channels; '%.60s' has %d",
                                  node->input[1]->name, (long long)weight->size[0], x->name, shape.c);
    FV_TRY(fvi_onnx_transposed(onnx, weight->real, weight->size[0], weight->size[1], 1, &values));
    FV_TRY(fvi_onnx_reshaped(onnx, node, x->value, shape, &value));
    FV_TRY(fvi_onnx_add_layer(onnx, node, "conv2d", &value, 1, &options, &y));
    FV_TRY(fvi_onnx_fill(onnx, y, "weight", values, weight->count));
    if (bias != NULL)
        FV_TRY(fvi_onnx_fill(onnx, y, "bias", bias->real, bias->count));
    FV_TRY(fvi_onnx_emit_like(onnx, node, y, x));
    node->output[0]->size[x->rank - 1] = weight->size[1];
    return FV_OK;
}

fv_status fvi_onnx_map_matmul(fvi_onnx *onnx, fvi_onnx_node *node)
{
    const int64_t any[2] = { -1, -1 };
    const fvi_onnx_constant *weight = NULL, *bias = NULL;
    const fvi_onnx_value *x = NULL;
    fvi_onnx_value settled;
    FV_TRY(fvi_onnx_activation(onnx, node, 0, &x));
    FV_TRY(fvi_onnx_weight(onnx, node, 1, "matrix", false, 2, any, &weight));
    FV_TRY(conv_bias(onnx, node, weight->size[1], &bias));
    if (x->rank > 2 && x->axis[x->rank - 1] == 1)
        return matmul_of_channels(onnx, node, x, weight, bias);
    FV_TRY(fvi_onnx_settled(onnx, node, 0, &settled));
    if (settled.rank != 2 || settled.size[1] != weight->size[0])
        return fvi_onnx_fail_node(onnx, node, settled.rank == 2 ? FV_ERR_SHAPE : FV_ERR_UNSUPPORTED,
                                  "its matrix '%.60s' takes %lld inputs; '%.60s' has %d axes, the last of %lld",
                                  node->input[1]->name, (long long)weight->size[0], x->name, settled.rank,
                                  (long long)settled.size[settled.rank - 1]);
    return add_dense(onnx, node, settled.value, weight, false, 1, bias != NULL ? bias->real : NULL);
}
