/* SPDX-License-Identifier: Apache-2.0
 *
 * c_join.c - layers of several inputs: add, multiply, concat.
 */
#include <stdio.h>

#include "interchange/c/c_internal.h"

static const char add[] = "{\n"
                          "    for (int i = 0; i < @out_size; i++)\n"
                          "        y[i] = @act@sum@end;\n"
                          "}\n";

/* Sums of so many inputs are written as one expression; more than that, two at a time, would not be read by anybody. */
enum { MOST_SUMMANDS = 16 };

fv_status fvi_c_add(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    char sum[FVI_C_WORD] = "";
    size_t used = 0;
    fvi_c_words words;
    if (node->input_count > MOST_SUMMANDS)
        return fvi_fail(program->context, FV_ERR_UNSUPPORTED, "add '%s': C source adds at most %d values, not %d",
                        node->name, MOST_SUMMANDS, node->input_count);
    fvi_c_begin(program, step, &words);
    for (int32_t i = 0; i < node->input_count; i++) {
        if (i == 0)
            used += (size_t)snprintf(sum, sizeof sum, "%s[i]", fvi_c_word(&words, "x"));
        else
            used += (size_t)snprintf(sum + used, sizeof sum - used, " + x%d[i]", i + 1);
    }
    fvi_c_set_text(&words, "sum", "%s", sum);
    fvi_c_set_activation(program, step, &words);
    return fvi_c_end(program, step, &words, add);
}

static const char multiply[] = "{\n"
                               "    for (int c = 0; c < @channels; c++)\n"
                               "        for (int p = 0; p < @plane; p++)\n"
                               "            y[c * @plane + p] = @act@x[c * @plane + p] * @gate@end;\n"
                               "}\n";

fv_status fvi_c_multiply(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const bool by_channel = fvi_c_elements(node->in[1]) != fvi_c_elements(node->in[0]);
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set_text(&words, "gate", by_channel ? "x2[c]" : "x2[c * %lld + p]", (long long)node->in[0].h * node->in[0].w);
    fvi_c_set_activation(program, step, &words);
    return fvi_c_end(program, step, &words, multiply);
}

/* A call of copy() for each input that does not lie in its place of the result already. */
fv_status fvi_c_concat(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const fvi_c_place *to = &program->places[step->result];
    char source[FVI_C_WORD], target[FVI_C_WORD];
    int64_t at = 0;
    fvi_c_pointer(program, step->result, target);
    for (int32_t i = 0; i < node->input_count; i++) {
        const fvi_c_place *from = &program->places[node->inputs[i]];
        const int64_t count = fvi_c_elements(node->in[i]);
        if (from->memory != to->memory || from->at != to->at + at) {
            fvi_c_pointer(program, node->inputs[i], source);
            fvi_text_format(&program->calls, "    copy(%lld, %s, %s + %lld); /* %s */\n", (long long)count, source,
                            target, (long long)at, program->names[step->node]);
            fvi_c_need(program, FVI_C_COPY);
        }
        at += count;
    }
    return FV_OK;
}
