/* SPDX-License-Identifier: Apache-2.0
 *
 * c_fixed.c - fixed point: scales, and activations on int16.
 */
#include "interchange/c/c_fixed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kernels.h"

enum { MULTIPLIER_BITS = 15, MOST_SHIFT = 62, TABLE = 513, TABLE_STEP = 128 };

fvi_c_scale fvi_c_scale_of(double number)
{
    int power = 0;
    const double part = frexp(number, &power); /* number = part * 2^power, |part| in [1/2, 1) */
    int shift = MULTIPLIER_BITS - power;
    double multiplier = rint(ldexp(part, MULTIPLIER_BITS));
    while (fabs(multiplier) > 32767 || shift > MOST_SHIFT) {
        multiplier = rint(multiplier / 2);
        shift--;
    }
    while (shift < 1) { /* a scale of 2^14 and more: saturates whatever it multiplies */
        multiplier = multiplier < 0 ? -32767 : 32767;
        shift++;
    }
    return (fvi_c_scale){ (int16_t)multiplier, (int8_t)shift };
}

int16_t fvi_c_to_int16(double number)
{
    return (int16_t)lrint(fmax(-32768, fmin(32767, number)));
}

int32_t fvi_c_exponent_of(const fvi_c_program *program, const fvi_c_step *step)
{
    return program->exponents[step->result];
}

int32_t fvi_c_input_exponent(const fvi_c_program *program, const fvi_c_step *step, int32_t input)
{
    return program->exponents[fvi_c_node(program, step)->inputs[input]];
}

fv_status fvi_c_add_scales(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words, int64_t count,
                           const double *numbers)
{
    void *factors = NULL, *shifts = NULL;
    FV_TRY(fvi_c_allocate(program, count, sizeof(int16_t), &factors));
    FV_TRY(fvi_c_allocate(program, count, sizeof(int8_t), &shifts));
    for (int64_t i = 0; i < count; i++) {
        const fvi_c_scale scale = fvi_c_scale_of(numbers[i]);
        ((int16_t *)factors)[i] = scale.multiplier;
        ((int8_t *)shifts)[i] = scale.shift;
    }
    FV_TRY(fvi_c_add_constant(program, step, words, "factor", FVI_C_I16, count, factors));
    FV_TRY(fvi_c_add_constant(program, step, words, "shift", FVI_C_I8, count, shifts));
    fvi_c_need(program, FVI_C_SATURATE);
    fvi_c_need(program, FVI_C_RESCALE);
    return FV_OK;
}

/* Straight lines through 0, or clipped: no table is needed, and the integers before and behind stand for the same numbers. */
static bool is_simple(fvi_activation_kind kind)
{
    return kind == FVI_RELU || kind == FVI_RELU6 || kind == FVI_LEAKY_RELU || kind == FVI_CLIP;
}

static void set_simple(fvi_c_program *program, const fvi_activation *f, int32_t exponent, fvi_c_words *words)
{
    const fvi_c_scale slope = fvi_c_scale_of(f->a);
    fvi_c_set_text(words, "end", "%s", ")");
    switch (f->kind) {
    case FVI_RELU:
        fvi_c_need(program, FVI_C_RELU);
        fvi_c_set_text(words, "act", "relu(");
        break;
    case FVI_LEAKY_RELU:
        fvi_c_need(program, FVI_C_SATURATE);
        fvi_c_need(program, FVI_C_RESCALE);
        fvi_c_need(program, FVI_C_LEAKY_RELU);
        fvi_c_set_text(words, "act", "leaky_relu(");
        fvi_c_set_text(words, "end", ", %d, %d)", slope.multiplier, slope.shift);
        break;
    default:
        fvi_c_need(program, FVI_C_CLIP);
        fvi_c_set_text(words, "act", "clip(");
        fvi_c_set_text(words, "end", ", %d, %d)", fvi_c_to_int16(ldexp(f->kind == FVI_CLIP ? f->a : 0, exponent)),
                       fvi_c_to_int16(ldexp(f->kind == FVI_CLIP ? f->b : 6, exponent)));
    }
}

/* A table of f over all int16, every 128th: its last point is that of 32768. */
static fv_status set_table(fvi_c_program *program, const fvi_c_step *step, const fvi_activation *f, int32_t from,
                           int32_t to, fvi_c_words *words)
{
    const fvi_kernels *const kernels = fvi_kernels_for(FV_F64, FVI_ISA_BASELINE, true);
    void *table = NULL;
    FV_TRY(fvi_c_allocate(program, TABLE, sizeof(int16_t), &table));
    for (int32_t i = 0; i < TABLE; i++) {
        const double x = ldexp((double)(i * TABLE_STEP - 32768), -from);
        double y = 0;
        kernels->activation(f, 1, &x, &y);
        ((int16_t *)table)[i] = fvi_c_to_int16(ldexp(y, to));
    }
    FV_TRY(fvi_c_add_constant(program, step, words, "table", FVI_C_I16, TABLE, table));
    fvi_c_need(program, FVI_C_LOOK_UP);
    fvi_c_set_text(words, "act", "look_up(%s, ", fvi_c_word(words, "table"));
    fvi_c_set_text(words, "end", "%s", ")");
    return FV_OK;
}

static fv_status set_formula(fvi_c_program *program, const fvi_c_step *step, fv_value value, int32_t from,
                             fvi_c_words *words)
{
    const fvi_node *node = &program->nodes[value];
    const fvi_activation f = node->layer->activation(node->options);
    if (f.kind == FVI_LOG || f.kind == FVI_POWER)
        return fvi_fail(program->context, FV_ERR_UNSUPPORTED,
                        "%s '%s': this layer has no form in fixed point; export with float or int8 weights",
                        node->layer->name, node->name);
    if (!is_simple(f.kind))
        return set_table(program, step, &f, from, program->exponents[value], words);
    set_simple(program, &f, program->exponents[value], words);
    return FV_OK;
}

fv_status fvi_c_set_fixed_activation(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words,
                                     int32_t *exponent)
{
    fvi_c_set_text(words, "act", "%s", "");
    fvi_c_set_text(words, "end", "%s", "");
    *exponent = program->exponents[step->result];
    if (step->activation == FV_NO_VALUE)
        return FV_OK;
    const fvi_node *node = &program->nodes[step->activation];
    if (!is_simple(node->layer->activation(node->options).kind))
        *exponent = program->exponents[step->node];
    return set_formula(program, step, step->activation, *exponent, words);
}

static const char elements[] = "{\n"
                               "    for (int i = 0; i < @out_size; i++)\n"
                               "        y[i] = @act@x[i]@end;\n"
                               "}\n";

fv_status fvi_c_fixed_activation(fvi_c_program *program, const fvi_c_step *step)
{
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(set_formula(program, step, step->node, fvi_c_input_exponent(program, step, 0), &words));
    return fvi_c_end(program, step, &words, elements);
}

fv_status fvi_c_fixed_dropout(fvi_c_program *program, const fvi_c_step *step)
{
    const fv_dropout_options *options = fvi_c_node(program, step)->options;
    const fvi_c_scale keep = fvi_c_scale_of(options->classic ? 1 - options->drop : 1);
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_need(program, FVI_C_SATURATE);
    fvi_c_need(program, FVI_C_RESCALE);
    fvi_c_set_text(&words, "act", "saturate(rescale(%d * (int32_t)", keep.multiplier);
    fvi_c_set_text(&words, "end", ", %d))", keep.shift);
    return fvi_c_end(program, step, &words, elements);
}
