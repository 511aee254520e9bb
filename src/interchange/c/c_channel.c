/* SPDX-License-Identifier: Apache-2.0
 *
 * c_channel.c - layers whose formula goes by channel: normalisations, softmax, pooling over channels, PReLU, the units of LeNet-5.
 */
#include <math.h>
#include <string.h>

#include "interchange/c/c_weights.h"
#include "layer/rbf_codes.h"

static const char channel_pool[] = "{\n"
                                   "    for (int k = 0; k < @filters; k++) {\n"
                                   "        @real *const plane = y + k * @plane;\n"
                                   "?clips:        const int begin = k * @stride - @pad < 0 ? 0 : k * @stride - @pad;\n"
                                   "?clips:        const int end = k * @stride - @pad + @window < @channels ? k * "
                                   "@stride - @pad + @window : @channels;\n"
                                   "!clips:        const int begin = k * @stride, end = begin + @window;\n"
                                   "        for (int p = 0; p < @plane; p++) {\n"
                                   "?average:            @sum_type sum = 0;\n"
                                   "!average:            @real best = x[begin * @plane + p];\n"
                                   "?average:            for (int c = begin; c < end; c++)\n"
                                   "?average:                sum += x[c * @plane + p];\n"
                                   "!average:            for (int c = begin + 1; c < end; c++)\n"
                                   "!average:                best = larger(best, x[c * @plane + p]);\n"
                                   "?average:            plane[p] = @mean;\n"
                                   "!average:            plane[p] = best;\n"
                                   "        }\n"
                                   "    }\n"
                                   "}\n";

fv_status fvi_c_channel_pool(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const bool average = strcmp(node->layer->name, "channel_average_pool") == 0;
    int32_t window = 0, stride = 0, pad = 0;
    if (strcmp(node->layer->name, "maxout") == 0) {
        window = stride = node->in[0].c / node->out.c;
    } else {
        const fv_channel_pool_options *options = node->options;
        window = options->size;
        stride = options->stride == 0 ? window : options->stride;
        pad = options->pad;
    }
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set(&words, "window", window);
    fvi_c_set(&words, "stride", stride);
    fvi_c_set(&words, "pad", pad);
    fvi_c_set(&words, "clips", pad > 0 || (node->out.c - 1) * stride + window > node->in[0].c);
    fvi_c_set(&words, "average", average);
    if (average)
        fvi_c_set_mean(program, &words, "(end - begin)");
    else
        fvi_c_need(program, FVI_C_LARGER);
    return fvi_c_end(program, step, &words, channel_pool);
}

static const char batch_norm[] = "{\n"
                                 "    for (int c = 0; c < @channels; c++)\n"
                                 "        for (int p = 0; p < @plane; p++)\n"
                                 "            y[c * @plane + p] = @act@x[c * @plane + p] * @weight[c] + @bias[c]@end;\n"
                                 "}\n";

fv_status fvi_c_affine(fvi_c_program *program, const fvi_c_step *step, const float **factors)
{
    const fvi_node *node = fvi_c_node(program, step);
    void *param[FVI_LAYER_PARAMS] = { NULL }, *made = NULL;
    FV_TRY(fvi_c_allocate(program, 2 * (int64_t)node->in[0].c, sizeof(float), &made));
    for (int32_t i = 0; i < node->param_count; i++)
        param[i] = fv_params_values(program->params, node->first_param + i);
    node->layer->affine(node->options, FV_F32, (size_t)node->in[0].c, param, made);
    *factors = made;
    return FV_OK;
}

fv_status fvi_c_batch_norm(fvi_c_program *program, const fvi_c_step *step)
{
    const int32_t channels = fvi_c_node(program, step)->in[0].c;
    const float *factors = NULL;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_affine(program, step, &factors));
    FV_TRY(fvi_c_add_constant(program, step, &words, "weight", FVI_C_REAL, channels, factors));
    FV_TRY(fvi_c_add_constant(program, step, &words, "bias", FVI_C_REAL, channels, factors + channels));
    fvi_c_set_activation(program, step, &words);
    return fvi_c_end(program, step, &words, batch_norm);
}

static const char local_across[] =
    "{\n"
    "    for (int c = 0; c < @channels; c++) {\n"
    "        const int begin = c < @half ? 0 : c - @half;\n"
    "        const int end = c + @half + 1 < @channels ? c + @half + 1 : @channels;\n"
    "        for (int p = 0; p < @plane; p++) {\n"
    "            float sum = 0.0f;\n"
    "            for (int k = begin; k < end; k++)\n"
    "                sum += x[k * @plane + p] * x[k * @plane + p];\n"
    "            y[c * @plane + p] = x[c * @plane + p] / powf(@k + @alpha * sum, @beta);\n"
    "        }\n"
    "    }\n"
    "}\n";

static const char local_within[] =
    "{\n"
    "    for (int c = 0; c < @channels; c++) {\n"
    "        for (int i = 0; i < @h; i++) {\n"
    "            for (int j = 0; j < @w; j++) {\n"
    "                float sum = 0.0f;\n"
    "                for (int h = i < @half ? 0 : i - @half; h < i + @half + 1 && h < @h; h++)\n"
    "                    for (int w = j < @half ? 0 : j - @half; w < j + @half + 1 && w < @w; w++)\n"
    "                        sum += x[(c * @h + h) * @w + w] * x[(c * @h + h) * @w + w];\n"
    "                y[(c * @h + i) * @w + j] = x[(c * @h + i) * @w + j] / powf(@k + @alpha * sum, @beta);\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_local_norm(fvi_c_program *program, const fvi_c_step *step)
{
    const fv_local_response_norm_options *options = fvi_c_node(program, step)->options;
    const int32_t size = options->size == 0 ? 5 : options->size;
    const double cells = options->within_channel ? (double)size * size : size;
    const double alpha = options->alpha == 0 ? 1e-4 : options->alpha;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set(&words, "half", size / 2);
    fvi_c_set_real(&words, "alpha", options->alpha_per_element ? alpha : alpha / cells);
    fvi_c_set_real(&words, "beta", options->beta == 0 ? 0.75 : options->beta);
    fvi_c_set_real(&words, "k", options->k == 0 ? 1 : options->k);
    return fvi_c_end(program, step, &words, options->within_channel ? local_within : local_across);
}

static const char log_softmax[] = "{\n"
                                  "    for (int p = 0; p < @plane; p++) {\n"
                                  "        float largest = x[p], sum = 0.0f;\n"
                                  "        for (int c = 1; c < @channels; c++)\n"
                                  "            largest = x[c * @plane + p] > largest ? x[c * @plane + p] : largest;\n"
                                  "        for (int c = 0; c < @channels; c++)\n"
                                  "            sum += expf(x[c * @plane + p] - largest);\n"
                                  "        for (int c = 0; c < @channels; c++)\n"
                                  "            y[c * @plane + p] = x[c * @plane + p] - largest - logf(sum);\n"
                                  "    }\n"
                                  "}\n";

fv_status fvi_c_log_softmax(fvi_c_program *program, const fvi_c_step *step)
{
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    return fvi_c_end(program, step, &words, log_softmax);
}

static const char softmax[] = "{\n"
                              "    for (int p = 0; p < @plane; p++) {\n"
                              "        float largest = x[p], sum = 0.0f;\n"
                              "        for (int c = 1; c < @channels; c++)\n"
                              "            largest = x[c * @plane + p] > largest ? x[c * @plane + p] : largest;\n"
                              "        for (int c = 0; c < @channels; c++) {\n"
                              "            y[c * @plane + p] = expf(x[c * @plane + p] - largest);\n"
                              "            sum += y[c * @plane + p];\n"
                              "        }\n"
                              "        for (int c = 0; c < @channels; c++)\n"
                              "            y[c * @plane + p] /= sum;\n"
                              "    }\n"
                              "}\n";

fv_status fvi_c_softmax(fvi_c_program *program, const fvi_c_step *step)
{
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    return fvi_c_end(program, step, &words, softmax);
}

static const char prelu[] = "{\n"
                            "    for (int c = 0; c < @channels; c++)\n"
                            "        for (int p = 0; p < @plane; p++)\n"
                            "            y[c * @plane + p] = @x[c * @plane + p] > 0 ? @x[c * @plane + p] : @x[c * "
                            "@plane + p] * @slope[@channel];\n"
                            "}\n";

fv_status fvi_c_prelu(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const bool shared = ((const fv_prelu_options *)node->options)->shared;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set_text(&words, "channel", shared ? "0" : "c");
    FV_TRY(fvi_c_add_constant(program, step, &words, "slope", FVI_C_REAL, shared ? 1 : node->in[0].c,
                              fvi_c_param(program, node, "weight")));
    return fvi_c_end(program, step, &words, prelu);
}

static const char rbf[] = "{\n"
                          "    for (int k = 0; k < @filters; k++) {\n"
                          "        float sum = 0.0f;\n"
                          "        for (int i = 0; i < @size; i++) {\n"
                          "            const float difference = x[i] - (float)@code[k * @size + i];\n"
                          "            sum += difference * difference;\n"
                          "        }\n"
                          "        y[k] = -sum;\n"
                          "    }\n"
                          "}\n";

fv_status fvi_c_add_codes(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words)
{
    const int32_t count = fvi_c_node(program, step)->out.c * FVI_RBF_INPUTS;
    void *made = NULL;
    FV_TRY(fvi_c_allocate(program, count, 1, &made));
    for (int32_t i = 0; i < count; i++) {
        const int32_t pixel = i % FVI_RBF_INPUTS;
        const char cell = fvi_rbf_digits[i / FVI_RBF_INPUTS][pixel / FVI_RBF_COLUMNS][pixel % FVI_RBF_COLUMNS];
        ((int8_t *)made)[i] = cell == '#' ? 1 : -1;
    }
    return fvi_c_add_constant(program, step, words, "code", FVI_C_I8, count, made);
}

fv_status fvi_c_rbf(fvi_c_program *program, const fvi_c_step *step)
{
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_add_codes(program, step, &words));
    return fvi_c_end(program, step, &words, rbf);
}
