/* SPDX-License-Identifier: Apache-2.0
 *
 * c_fixed_layers.c - fixed point: layers whose arithmetic differs from that of floats by more than its types.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "interchange/c/c_fixed.h"
#include "interchange/c/c_weights.h"

/* y = sum * factor + bias of each channel: @factor, @shift, @bias in units of the result, @value of `sum` in channel c. */
static fv_status set_affine(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words, const float *weight,
                            const float *bias)
{
    const int32_t channels = fvi_c_node(program, step)->in[0].c;
    double *factors = NULL;
    void *terms = NULL;
    int32_t exponent = 0;
    FV_TRY(fvi_c_set_fixed_activation(program, step, words, &exponent));
    FV_TRY(fvi_c_allocate(program, channels, sizeof *factors, (void **)&factors));
    FV_TRY(fvi_c_allocate(program, channels, sizeof(int32_t), &terms));
    for (int32_t c = 0; c < channels; c++) {
        factors[c] = ldexp((double)weight[c], exponent - fvi_c_input_exponent(program, step, 0));
        ((int32_t *)terms)[c] = (int32_t)lrint(fmax(-1e9, fmin(1e9, ldexp((double)bias[c], exponent))));
    }
    FV_TRY(fvi_c_add_scales(program, step, words, channels, factors));
    FV_TRY(fvi_c_add_constant(program, step, words, "bias", FVI_C_I32, channels, terms));
    fvi_c_set_text(words, "value", "%ssaturate(rescale((int64_t)sum * %s[c], %s[c]) + %s[c])%s",
                   fvi_c_word(words, "act"), fvi_c_word(words, "factor"), fvi_c_word(words, "shift"),
                   fvi_c_word(words, "bias"), fvi_c_word(words, "end"));
    return FV_OK;
}

static const char subsample[] =
    "{\n"
    "    for (int c = 0; c < @channels; c++) {\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "            for (int j = 0; j < @ow; j++) {\n"
    "                int32_t sum = 0;\n"
    "                for (int r = 0; r < @kernel_rows; r++)\n"
    "                    for (int s = 0; s < @kernel_columns; s++)\n"
    "                        sum += x[(c * @h + i * @stride_rows + r) * @w + j * @stride_columns + s];\n"
    "                y[(c * @oh + i) * @ow + j] = @value;\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_fixed_subsample(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const fvi_window window = fvi_c_subsample_geometry(node);
    const float *factors = NULL;
    fvi_c_words words;
    FV_TRY(fvi_c_subsample_factors(program, step, &factors));
    fvi_c_begin(program, step, &words);
    fvi_c_set_window(&words, &window);
    FV_TRY(set_affine(program, step, &words, factors, fvi_c_param(program, node, "bias")));
    return fvi_c_end(program, step, &words, subsample);
}

static const char batch_norm[] = "{\n"
                                 "    for (int c = 0; c < @channels; c++) {\n"
                                 "        for (int p = 0; p < @plane; p++) {\n"
                                 "            const int32_t sum = @x[c * @plane + p];\n"
                                 "            y[c * @plane + p] = @value;\n"
                                 "        }\n"
                                 "    }\n"
                                 "}\n";

fv_status fvi_c_fixed_batch_norm(fvi_c_program *program, const fvi_c_step *step)
{
    const float *factors = NULL;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_affine(program, step, &factors));
    FV_TRY(set_affine(program, step, &words, factors, factors + fvi_c_node(program, step)->in[0].c));
    return fvi_c_end(program, step, &words, batch_norm);
}

static const char prelu[] = "{\n"
                            "    for (int c = 0; c < @channels; c++) {\n"
                            "        for (int p = 0; p < @plane; p++) {\n"
                            "            const int32_t v = @x[c * @plane + p];\n"
                            "            y[c * @plane + p] = saturate(v > 0 ? rescale(v, @exponents) : rescale(v * "
                            "@factor[@channel], @shift[@channel]));\n"
                            "        }\n"
                            "    }\n"
                            "}\n";

fv_status fvi_c_fixed_prelu(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const bool shared = ((const fv_prelu_options *)node->options)->shared;
    const float *slopes = fvi_c_param(program, node, "weight");
    const int32_t count = shared ? 1 : node->in[0].c;
    const int32_t exponents = fvi_c_input_exponent(program, step, 0) - fvi_c_exponent_of(program, step);
    double *numbers = NULL;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_allocate(program, count, sizeof *numbers, (void **)&numbers));
    for (int32_t i = 0; i < count; i++)
        numbers[i] = ldexp((double)slopes[i], -exponents);
    FV_TRY(fvi_c_add_scales(program, step, &words, count, numbers));
    fvi_c_set(&words, "exponents", exponents);
    fvi_c_set_text(&words, "channel", shared ? "0" : "c");
    return fvi_c_end(program, step, &words, prelu);
}

static const char rbf[] = "{\n"
                          "    for (int k = 0; k < @filters; k++) {\n"
                          "        int64_t sum = 0;\n"
                          "        for (int i = 0; i < @size; i++) {\n"
                          "            const int64_t difference = x[i] - (int64_t)@code[k * @size + i] * @one;\n"
                          "            sum += difference * difference;\n"
                          "        }\n"
                          "        y[k] = saturate(-rescale(sum, @exponents));\n"
                          "    }\n"
                          "}\n";

fv_status fvi_c_fixed_rbf(fvi_c_program *program, const fvi_c_step *step)
{
    const int32_t exponent = fvi_c_input_exponent(program, step, 0);
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_add_codes(program, step, &words));
    fvi_c_need(program, FVI_C_SATURATE);
    fvi_c_need(program, FVI_C_RESCALE);
    fvi_c_set(&words, "one", lrint(ldexp(1, exponent)));
    fvi_c_set(&words, "exponents", 2 * exponent - fvi_c_exponent_of(program, step));
    return fvi_c_end(program, step, &words, rbf);
}

/* As the last step it changes no order of the scores, so they are the answer themselves; elsewhere its numbers are needed. */
fv_status fvi_c_fixed_softmax(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    char from[FVI_C_WORD], to[FVI_C_WORD];
    if (step->node != fv_graph_output(program->graph))
        return fvi_fail(program->context, FV_ERR_UNSUPPORTED,
                        "%s '%s': inside a network it has no form in fixed point; export with float or int8 "
                        "weights",
                        node->layer->name, node->name);
    fvi_c_pointer(program, node->inputs[0], from);
    fvi_c_pointer(program, step->result, to);
    fvi_text_format(&program->calls, "    copy(%lld, %s, %s); /* scores: softmax would not change their order */\n",
                    (long long)fvi_c_elements(node->out), from, to);
    fvi_c_need(program, FVI_C_COPY);
    return FV_OK;
}

fv_status fvi_c_fixed_scale(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    if (((const fv_scale_options *)node->options)->per == FV_PER_CHANNEL)
        return fvi_c_fixed_batch_norm(program, step);
    return fvi_fail(program->context, FV_ERR_UNSUPPORTED,
                    "scale '%s': for each element it has no form in fixed point; export with float or int8 weights",
                    node->name);
}

static const char combine[] = "{\n"
                              "    for (int c = 0; c < @filters; c++)\n"
                              "        for (int i = 0; i < @oh; i++)\n"
                              "            for (int j = 0; j < @ow; j++)\n"
                              "                y[(c * @oh + i) * @ow + j] = @value;\n"
                              "}\n";

/* @value: the terms, which stand for numbers by `from`, as a value that stands for them by `to`. */
static fv_status end_combined(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words, const char *terms,
                              int32_t shift)
{
    fvi_c_set_text(words, "value", "%ssaturate(rescale(%s, %d))%s", fvi_c_word(words, "act"), terms, shift,
                   fvi_c_word(words, "end"));
    fvi_c_need(program, FVI_C_SATURATE);
    fvi_c_need(program, FVI_C_RESCALE);
    return fvi_c_end(program, step, words, combine);
}

/* add and subtract: inputs by the finest exponent among them. */
fv_status fvi_c_fixed_add(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const char *const sign = strcmp(node->layer->name, "subtract") == 0 ? " - " : " + ";
    int32_t finest = fvi_c_input_exponent(program, step, 0), exponent = 0;
    char sum[FVI_C_WORD / 2] = "", operand[FVI_C_NAME];
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_set_fixed_activation(program, step, &words, &exponent));
    for (int32_t i = 1; i < node->input_count; i++)
        if (fvi_c_input_exponent(program, step, i) > finest)
            finest = fvi_c_input_exponent(program, step, i);
    for (int32_t i = 0, used = 0; i < node->input_count; i++) {
        fvi_c_operand(program, step, i, operand);
        if ((size_t)used + FVI_C_NAME > sizeof sum)
            return fvi_fail(program->context, FV_ERR_UNSUPPORTED,
                            "%s '%s': C source in fixed point cannot take %d inputs", node->layer->name, node->name,
                            node->input_count);
        used += snprintf(sum + used, sizeof sum - (size_t)used, "%s%lldLL * %s", i > 0 ? sign : "",
                         1LL << (finest - fvi_c_input_exponent(program, step, i)), operand);
    }
    return end_combined(program, step, &words, sum, finest - exponent);
}

fv_status fvi_c_fixed_multiply(fvi_c_program *program, const fvi_c_step *step)
{
    char first[FVI_C_NAME], second[FVI_C_NAME], product[2 * FVI_C_NAME + 16];
    int32_t exponent = 0;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_set_fixed_activation(program, step, &words, &exponent));
    fvi_c_operand(program, step, 0, first);
    fvi_c_operand(program, step, 1, second);
    snprintf(product, sizeof product, "(int32_t)%s * %s", first, second);
    return end_combined(program, step, &words, product,
                        fvi_c_input_exponent(program, step, 0) + fvi_c_input_exponent(program, step, 1) - exponent);
}

fv_status fvi_c_fixed_concat(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    char source[FVI_C_WORD], target[FVI_C_WORD];
    int64_t at = 0;
    fvi_c_pointer(program, step->result, target);
    for (int32_t i = 0; i < node->input_count; i++) {
        fvi_c_pointer(program, node->inputs[i], source);
        fvi_text_format(&program->calls, "    adapt(%lld, %s, %d, %s + %lld); /* %s */\n",
                        (long long)fvi_c_elements(node->in[i]), source,
                        fvi_c_input_exponent(program, step, i) - fvi_c_exponent_of(program, step), target,
                        (long long)at, program->names[step->node]);
        at += fvi_c_elements(node->in[i]);
    }
    fvi_c_need(program, FVI_C_SATURATE);
    fvi_c_need(program, FVI_C_RESCALE);
    fvi_c_need(program, FVI_C_ADAPT);
    return FV_OK;
}

/* Weights of the four pixels around a position are whole numbers of 1 / (2 * rows * 2 * columns). */
static const char bilinear[] =
    "{\n"
    "    for (int i = 0; i < @oh; i++) {\n"
    "        const int v = 2 * i + 1 < @rows ? 0 : 2 * i + 1 - @rows;\n"
    "        const int top = v / (2 * @rows), bottom = top + 1 < @h ? top + 1 : top;\n"
    "        const int64_t down = v % (2 * @rows), up = 2 * @rows - down;\n"
    "        for (int j = 0; j < @ow; j++) {\n"
    "            const int u = 2 * j + 1 < @columns ? 0 : 2 * j + 1 - @columns;\n"
    "            const int left = u / (2 * @columns), right = left + 1 < @w ? left + 1 : left;\n"
    "            const int64_t across = u % (2 * @columns), back = 2 * @columns - across;\n"
    "            for (int c = 0; c < @channels; c++) {\n"
    "                const int16_t *const above = x + (c * @h + top) * @w, *const below = x + (c * @h + bottom) * @w;\n"
    "                const int64_t sum = up * (back * above[left] + across * above[right])\n"
    "                    + down * (back * below[left] + across * below[right]);\n"
    "                y[(c * @oh + i) * @ow + j] = (int16_t)((sum < 0 ? sum - @half : sum + @half) / (2 * @half));\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_fixed_upsample(fvi_c_program *program, const fvi_c_step *step)
{
    const fv_upsample_options *options = fvi_c_node(program, step)->options;
    if (!options->bilinear)
        return fvi_c_upsample(program, step);
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set(&words, "rows", options->factor[0]);
    fvi_c_set(&words, "columns", options->factor[1]);
    fvi_c_set(&words, "half", 2 * (int64_t)options->factor[0] * options->factor[1]);
    return fvi_c_end(program, step, &words, bilinear);
}
