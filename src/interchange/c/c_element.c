/* SPDX-License-Identifier: Apache-2.0
 *
 * c_element.c - activations, by themselves or behind another layer, and what else treats each element alone.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "interchange/c/c_internal.h"

/* The host program's locale may have another decimal point, of several bytes even. */
static void use_point(char *text)
{
    char *point = text + strspn(text, "+-0123456789e");
    const size_t bytes = strcspn(point, "+-0123456789e");
    if (bytes == 0)
        return;
    memmove(point + 1, point + bytes, strlen(point + bytes) + 1);
    *point = '.';
}

void fvi_c_real_text(double value, char text[FVI_C_REAL_TEXT])
{
    const float rounded = (float)value;
    if (!isfinite(rounded)) { /* a limit that is none; constants are finite */
        snprintf(text, FVI_C_REAL_TEXT, rounded < 0 ? "-INFINITY" : "INFINITY");
        return;
    }
    snprintf(text, FVI_C_REAL_TEXT, "%.9g", (double)rounded);
    use_point(text);
    if (strpbrk(text, ".e") == NULL)
        strcat(text, ".0");
    strcat(text, "f");
}

void fvi_c_set_real(fvi_c_words *words, const char *name, double value)
{
    char text[FVI_C_REAL_TEXT];
    fvi_c_real_text(value, text);
    fvi_c_set_text(words, name, "%s", text);
}

/* How a formula is called, from its kind on; numbers: how many of a and b it takes. */
typedef struct formula {
    const char *function;
    fvi_c_helper helper; /* FVI_C_HELPERS: it is in <math.h> */
    int numbers;
} formula;

static const formula formulas[FVI_ACTIVATIONS] = {
    [FVI_RELU] = { "relu", FVI_C_RELU, 0 },
    [FVI_RELU6] = { "relu6", FVI_C_RELU6, 0 },
    [FVI_LEAKY_RELU] = { "leaky_relu", FVI_C_LEAKY_RELU, 1 },
    [FVI_ELU] = { "elu", FVI_C_ELU, 1 },
    [FVI_SOFTPLUS] = { "softplus", FVI_C_SOFTPLUS, 1 },
    [FVI_SIGMOID] = { "sigmoid", FVI_C_SIGMOID, 0 },
    [FVI_HARD_SIGMOID] = { "hard_sigmoid", FVI_C_HARD_SIGMOID, 0 },
    [FVI_TANH] = { "tanhf", FVI_C_HELPERS, 0 },
    [FVI_SCALED_TANH] = { "scaled_tanh", FVI_C_SCALED_TANH, 2 },
    [FVI_SELU] = { "selu", FVI_C_SELU, 2 },
    [FVI_CLIP] = { "clip", FVI_C_CLIP, 2 },
    [FVI_CLIPPED_LINE] = { "clipped_line", FVI_C_CLIPPED_LINE, 2 },
    [FVI_LINEAR] = { "linear", FVI_C_LINEAR, 2 },
    [FVI_EXP] = { "expf", FVI_C_HELPERS, 0 },
    [FVI_GELU] = { "gelu", FVI_C_GELU, 0 },
    [FVI_GELU_TANH] = { "gelu_tanh", FVI_C_GELU_TANH, 0 },
    [FVI_SILU] = { "silu", FVI_C_SILU, 0 },
    [FVI_HARD_SWISH] = { "hard_swish", FVI_C_HARD_SWISH, 0 },
    [FVI_LOG] = { "logf", FVI_C_HELPERS, 0 },
    [FVI_ABSOLUTE] = { "fabsf", FVI_C_HELPERS, 0 },
    [FVI_POWER] = { "powf", FVI_C_HELPERS, 1 },
};

static void set_formula(fvi_c_program *program, const fvi_node *node, fvi_c_words *words)
{
    const fvi_activation activation = node->layer->activation(node->options);
    const formula *f = &formulas[activation.kind];
    char a[FVI_C_REAL_TEXT], b[FVI_C_REAL_TEXT];
    fvi_c_real_text(activation.kind == FVI_POWER ? activation.a + activation.b : activation.a, a);
    fvi_c_real_text(activation.b, b);
    if (f->helper != FVI_C_HELPERS)
        fvi_c_need(program, f->helper);
    fvi_c_set_text(words, "act", "%s(", f->function);
    if (f->numbers == 2)
        fvi_c_set_text(words, "end", ", %s, %s)", a, b);
    else if (f->numbers == 1)
        fvi_c_set_text(words, "end", ", %s)", a);
    else
        fvi_c_set_text(words, "end", ")");
}

void fvi_c_set_activation(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words)
{
    fvi_c_set_text(words, "act", "%s", "");
    fvi_c_set_text(words, "end", "%s", "");
    if (step->activation != FV_NO_VALUE)
        set_formula(program, &program->nodes[step->activation], words);
}

static const char elements[] = "{\n"
                               "    for (int i = 0; i < @out_size; i++)\n"
                               "        y[i] = @act@x[i]@end;\n"
                               "}\n";

fv_status fvi_c_activation(fvi_c_program *program, const fvi_c_step *step)
{
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    set_formula(program, fvi_c_node(program, step), &words);
    return fvi_c_end(program, step, &words, elements);
}

/* Of the classic form only: the other does nothing at inference, and is gone from the graph. */
fv_status fvi_c_dropout(fvi_c_program *program, const fvi_c_step *step)
{
    const fv_dropout_options *options = fvi_c_node(program, step)->options;
    char keep[FVI_C_REAL_TEXT];
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_real_text(options->classic ? 1 - options->drop : 1, keep);
    fvi_c_set_text(&words, "act", "%s", "");
    fvi_c_set_text(&words, "end", " * %s", keep);
    return fvi_c_end(program, step, &words, elements);
}
