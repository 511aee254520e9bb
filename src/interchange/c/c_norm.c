/* SPDX-License-Identifier: Apache-2.0
 *
 * c_norm.c - means over axes, normalisations by what an image itself contains, factors for each element.
 */
#include <stdio.h>
#include <string.h>

#include "interchange/c/c_weights.h"

static const char reduce_mean[] = "{\n"
                                  "    for (int c = 0; c < @filters; c++) {\n"
                                  "        for (int i = 0; i < @oh; i++) {\n"
                                  "            for (int j = 0; j < @ow; j++) {\n"
                                  "                @sum_type sum = 0;\n"
                                  "                for (int k = @first_channel; k < @end_channel; k++)\n"
                                  "                    for (int h = @first_row; h < @end_row; h++)\n"
                                  "                        for (int w = @first_column; w < @end_column; w++)\n"
                                  "                            sum += x[(k * @h + h) * @w + w];\n"
                                  "                y[(c * @oh + i) * @ow + j] = @mean;\n"
                                  "            }\n"
                                  "        }\n"
                                  "    }\n"
                                  "}\n";

/* An axis that is gone is walked whole, another stays where the result is. */
static int64_t set_walk(fvi_c_words *words, const char *first, const char *end, const char *index, int32_t in,
                        int32_t out)
{
    const bool gone = in != out;
    if (gone)
        fvi_c_set(words, end, in);
    else
        fvi_c_set_text(words, end, "%s + 1", index);
    fvi_c_set_text(words, first, "%s", gone ? "0" : index);
    return gone ? in : 1;
}

fv_status fvi_c_reduce_mean(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    char cells[FVI_C_REAL_TEXT];
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    const int64_t count = set_walk(&words, "first_channel", "end_channel", "c", node->in[0].c, node->out.c) *
                          set_walk(&words, "first_row", "end_row", "i", node->in[0].h, node->out.h) *
                          set_walk(&words, "first_column", "end_column", "j", node->in[0].w, node->out.w);
    snprintf(cells, sizeof cells, "%lld", (long long)count);
    fvi_c_set_mean(program, &words, cells);
    return fvi_c_end(program, step, &words, reduce_mean);
}

/* Group g of @groups has @each values, which lie at first(g) + n * @stride. */
static const char normalize[] =
    "{\n"
    "    for (int g = 0; g < @groups; g++) {\n"
    "        float mean = 0.0f, variance = 0.0f;\n"
    "        for (int n = 0; n < @each; n++)\n"
    "            mean += x[g * @first + n * @stride];\n"
    "        mean /= @each.0f;\n"
    "        for (int n = 0; n < @each; n++) {\n"
    "            const float difference = x[g * @first + n * @stride] - mean;\n"
    "            variance += difference * difference;\n"
    "        }\n"
    "        const float scale = 1.0f / sqrtf(variance / @each.0f + @epsilon);\n"
    "        for (int n = 0; n < @each; n++) {\n"
    "?affine:            const int c = @channel;\n"
    "            y[g * @first + n * @stride] = (x[g * @first + n * @stride] - mean) * scale@scaling@adding;\n"
    "        }\n"
    "    }\n"
    "}\n";

/* Words @affine, @scaling and @adding, by the parameters that the layer has; index: of its element. */
static fv_status set_factors(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words, int64_t count,
                             const char *index)
{
    const fvi_node *node = fvi_c_node(program, step);
    const float *weight = fvi_c_param(program, node, "weight"), *bias = fvi_c_param(program, node, "bias");
    fvi_c_set(words, "affine", weight != NULL || bias != NULL);
    fvi_c_set_text(words, "scaling", "%s", "");
    fvi_c_set_text(words, "adding", "%s", "");
    if (weight != NULL) {
        FV_TRY(fvi_c_add_constant(program, step, words, "weight", FVI_C_REAL, count, weight));
        fvi_c_set_text(words, "scaling", " * %s[%s]", fvi_c_word(words, "weight"), index);
    }
    if (bias != NULL) {
        FV_TRY(fvi_c_add_constant(program, step, words, "bias", FVI_C_REAL, count, bias));
        fvi_c_set_text(words, "adding", " + %s[%s]", fvi_c_word(words, "bias"), index);
    }
    return FV_OK;
}

static double or_default(double epsilon)
{
    return epsilon == 0 ? 1e-5 : epsilon;
}

fv_status fvi_c_group_norm(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const fv_group_norm_options *options = node->options;
    const int32_t plane = node->in[0].h * node->in[0].w, channels = node->in[0].c / options->groups;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set(&words, "groups", options->groups);
    fvi_c_set(&words, "each", (int64_t)channels * plane);
    fvi_c_set(&words, "first", (int64_t)channels * plane);
    fvi_c_set(&words, "stride", 1);
    fvi_c_set_real(&words, "epsilon", or_default(options->epsilon));
    fvi_c_set_text(&words, "channel", "g * %d + n / %d", channels, plane);
    FV_TRY(set_factors(program, step, &words, node->in[0].c, "c"));
    return fvi_c_end(program, step, &words, normalize);
}

/* A pixel is a group of its channels. */
fv_status fvi_c_layer_norm(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const fv_layer_norm_options *options = node->options;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set(&words, "groups", (int64_t)node->in[0].h * node->in[0].w);
    fvi_c_set(&words, "each", node->in[0].c);
    fvi_c_set(&words, "first", 1);
    fvi_c_set(&words, "stride", (int64_t)node->in[0].h * node->in[0].w);
    fvi_c_set_real(&words, "epsilon", or_default(options->epsilon));
    fvi_c_set_text(&words, "channel", "n");
    FV_TRY(set_factors(program, step, &words, node->in[0].c, "c"));
    return fvi_c_end(program, step, &words, normalize);
}

static const char elements[] = "{\n"
                               "    for (int i = 0; i < @out_size; i++)\n"
                               "        y[i] = @x[i]@scaling@adding;\n"
                               "}\n";

fv_status fvi_c_scale_layer(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    if (((const fv_scale_options *)node->options)->per == FV_PER_CHANNEL)
        return fvi_c_batch_norm(program, step);
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(set_factors(program, step, &words, fvi_c_elements(node->in[0]), "i"));
    return fvi_c_end(program, step, &words, elements);
}
