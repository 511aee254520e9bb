/* SPDX-License-Identifier: Apache-2.0
 *
 * c_join.c - layers of several inputs: sums, products and the like, concat.
 */
#include <stdio.h>
#include <string.h>

#include "interchange/c/c_internal.h"

void fvi_c_operand(const fvi_c_program *program, const fvi_c_step *step, int32_t input, char text[FVI_C_NAME])
{
    const fv_image_shape in = fvi_c_node(program, step)->in[input];
    const bool own = input == 0 && fvi_c_overwrites(program, step);
    int used = own ? snprintf(text, FVI_C_NAME, "y[") : snprintf(text, FVI_C_NAME, "x%d[", input + 1);
    const int begin = used;
    if (in.c > 1)
        used += snprintf(text + used, (size_t)(FVI_C_NAME - used), "c * %d", in.h * in.w);
    if (in.h > 1)
        used += snprintf(text + used, (size_t)(FVI_C_NAME - used), "%si * %d", used > begin ? " + " : "", in.w);
    if (in.w > 1)
        used += snprintf(text + used, (size_t)(FVI_C_NAME - used), "%sj", used > begin ? " + " : "");
    snprintf(text + used, (size_t)(FVI_C_NAME - used), used > begin ? "]" : "0]");
}

static const char combine[] = "{\n"
                              "    for (int c = 0; c < @filters; c++)\n"
                              "        for (int i = 0; i < @oh; i++)\n"
                              "            for (int j = 0; j < @ow; j++)\n"
                              "                y[(c * @oh + i) * @ow + j] = @act@terms@end;\n"
                              "}\n";

/* add, subtract, multiply, divide: one expression of all inputs. */
fv_status fvi_c_combine(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const char *const type = node->layer->name;
    const char *const sign = strcmp(type, "add") == 0        ? "+"
                             : strcmp(type, "subtract") == 0 ? "-"
                             : strcmp(type, "multiply") == 0 ? "*"
                                                             : "/";
    char terms[FVI_C_WORD] = "", operand[FVI_C_NAME];
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    for (int32_t i = 0, used = 0; i < node->input_count; i++) {
        fvi_c_operand(program, step, i, operand);
        if ((size_t)used + FVI_C_NAME > sizeof terms)
            return fvi_fail(program->context, FV_ERR_UNSUPPORTED, "%s '%s': C source cannot take %d inputs", type,
                            node->name, node->input_count);
        used += snprintf(terms + used, sizeof terms - (size_t)used, i == 0 ? "%s%s" : " %s %s", i == 0 ? "" : sign,
                         operand);
    }
    fvi_c_set_text(&words, "terms", "%s", terms);
    fvi_c_set_activation(program, step, &words);
    return fvi_c_end(program, step, &words, combine);
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
