/* SPDX-License-Identifier: Apache-2.0
 *
 * c_fixed_conv.c - fixed point: convolution, transposed convolution, dense layers. One output at a time: its sum stays in a register.
 */
#include <math.h>
#include <stdlib.h>

#include "interchange/c/c_fixed.h"
#include "interchange/c/c_weights.h"

/* What the layer's sums need: integers for the bias, a scale for each filter, and whether 32 bits hold every sum. */
typedef struct sums {
    int8_t *weights;
    float *scales;
    int32_t *bias; /* in units of the sum */
    double *factors;
    bool wide;
} sums;

/* The weights of a filter get smaller integers where its bias would not fit 31 bits in units of the sum. */
static void widen_scale(const fvi_c_weights *table, sums *s, int64_t k, double bias, double unit)
{
    const double least = fabs(bias) / unit / (1 << 30);
    if (least <= (double)s->scales[k])
        return;
    s->scales[k] = (float)least;
    for (int64_t i = 0; i < table->each; i++)
        s->weights[k * table->each + i] = (int8_t)lrint((double)table->values[k * table->each + i] / least);
}

static bool fits_32_bits(const fvi_c_weights *table, const sums *s, int64_t k)
{
    int64_t largest = llabs((long long)s->bias[k]);
    for (int64_t i = 0; i < table->each; i++)
        largest += 32768LL * abs(s->weights[k * table->each + i]);
    return largest <= INT32_MAX;
}

/* unit: what 1 of an input stands for; target: 1 / what 1 of the result stands for. */
static fv_status make_sums(fvi_c_program *program, const fvi_c_weights *table, const float *bias, double unit,
                           double target, sums *s)
{
    FV_TRY(fvi_c_quantize(program, table, &s->weights, &s->scales));
    FV_TRY(fvi_c_allocate(program, table->filters, sizeof *s->bias, (void **)&s->bias));
    FV_TRY(fvi_c_allocate(program, table->filters, sizeof *s->factors, (void **)&s->factors));
    for (int64_t k = 0; k < table->filters; k++) {
        const double b = bias != NULL ? (double)bias[k] : 0;
        widen_scale(table, s, k, b, unit);
        s->bias[k] = (int32_t)lrint(b / ((double)s->scales[k] * unit));
        s->factors[k] = (double)s->scales[k] * unit * target;
        s->wide = s->wide || !fits_32_bits(table, s, k);
    }
    return FV_OK;
}

/* Words: @weight, @bias, @biased, @sum_type, and @value: what becomes of `sum`, of the filter that the template calls `filter`. */
static fv_status set_sums(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words,
                          const fvi_c_weights *table, const char *filter)
{
    const float *bias = fvi_c_param(program, fvi_c_node(program, step), "bias");
    sums s = { 0 };
    int32_t exponent = 0;
    FV_TRY(fvi_c_set_fixed_activation(program, step, words, &exponent));
    FV_TRY(make_sums(program, table, bias, ldexp(1, -fvi_c_input_exponent(program, step, 0)), ldexp(1, exponent), &s));
    FV_TRY(fvi_c_add_constant(program, step, words, "weight", FVI_C_I8, table->filters * table->each, s.weights));
    if (bias != NULL)
        FV_TRY(fvi_c_add_constant(program, step, words, "bias", FVI_C_I32, table->filters, s.bias));
    fvi_c_set(words, "biased", bias != NULL);
    fvi_c_set_text(words, "sum_type", s.wide ? "int64_t" : "int32_t");
    fvi_c_need(program, FVI_C_SCALE);
    FV_TRY(fvi_c_add_scales(program, step, words, table->filters, s.factors));
    fvi_c_set_text(words, "value", "%sto_value(sum, %s[%s], %s[%s])%s", fvi_c_word(words, "act"),
                   fvi_c_word(words, "factor"), filter, fvi_c_word(words, "shift"), filter, fvi_c_word(words, "end"));
    return FV_OK;
}

static void set_geometry(fvi_c_words *words, const fvi_c_geometry *geometry)
{
    fvi_c_set_window(words, &geometry->window);
    fvi_c_set(words, "inputs", geometry->inputs);
    fvi_c_set(words, "grouped", geometry->groups > 1);
    fvi_c_set(words, "group_filters", geometry->filters / geometry->groups);
}

static const char convolution[] =
    "{\n"
    "    for (int k = 0; k < @filters; k++) {\n"
    "        const int8_t *const weight = @weight + k * @each;\n"
    "?grouped:        const int16_t *const from = x + k / @group_filters * @inputs * @plane;\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "            for (int j = 0; j < @ow; j++) {\n"
    "?biased:                @sum_type sum = @bias[k];\n"
    "!biased:                @sum_type sum = 0;\n"
    "                for (int c = 0; c < @inputs; c++) {\n"
    "                    for (int r = 0; r < @kernel_rows; r++) {\n"
    "                        const int h = i * @stride_rows + r * @dilation_rows - @top;\n"
    "?checks_rows:                        if (h < 0 || h >= @h)\n"
    "?checks_rows:                            continue;\n"
    "                        for (int s = 0; s < @kernel_columns; s++) {\n"
    "                            const int w = j * @stride_columns + s * @dilation_columns - @left;\n"
    "?checks_columns:                            if (w < 0 || w >= @w)\n"
    "?checks_columns:                                continue;\n"
    "                            sum += (int32_t)weight[(c * @kernel_rows + r) * @kernel_columns + s] * @from[(c * @h "
    "+ h) * @w + w];\n"
    "                        }\n"
    "                    }\n"
    "                }\n"
    "                y[(k * @oh + i) * @ow + j] = @value;\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_fixed_conv2d(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_c_geometry geometry = fvi_c_conv2d_geometry(program->context, fvi_c_node(program, step));
    fvi_c_weights table = { .filters = geometry.filters,
                            .each = (int64_t)geometry.inputs * geometry.window.kernel[0] * geometry.window.kernel[1] };
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_conv2d_weights(program, step, &table.values));
    FV_TRY(set_sums(program, step, &words, &table, "k"));
    set_geometry(&words, &geometry);
    fvi_c_set(&words, "each", table.each);
    fvi_c_set_text(&words, "from", geometry.groups > 1 ? "from" : "x");
    return fvi_c_end(program, step, &words, convolution);
}

static const char transposed[] =
    "{\n"
    "    for (int k = 0; k < @filters; k++) {\n"
    "        const int8_t *const weight = @weight + k * @each;\n"
    "        const int16_t *const from = x + k / @group_filters * @inputs * @plane;\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "            for (int j = 0; j < @ow; j++) {\n"
    "?biased:                @sum_type sum = @bias[k];\n"
    "!biased:                @sum_type sum = 0;\n"
    "                for (int r = 0; r < @kernel_rows; r++) {\n"
    "                    const int h = i + @top - r * @dilation_rows;\n"
    "                    if (h < 0 || h % @stride_rows != 0 || h / @stride_rows >= @h)\n"
    "                        continue;\n"
    "                    for (int s = 0; s < @kernel_columns; s++) {\n"
    "                        const int w = j + @left - s * @dilation_columns;\n"
    "                        if (w < 0 || w % @stride_columns != 0 || w / @stride_columns >= @w)\n"
    "                            continue;\n"
    "                        for (int c = 0; c < @inputs; c++)\n"
    "                            sum += (int32_t)weight[(c * @kernel_rows + r) * @kernel_columns + s]\n"
    "                                * from[(c * @h + h / @stride_rows) * @w + w / @stride_columns];\n"
    "                    }\n"
    "                }\n"
    "                y[(k * @oh + i) * @ow + j] = @value;\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_fixed_conv2d_transpose(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_c_geometry geometry = fvi_c_conv2d_transpose_geometry(fvi_c_node(program, step));
    fvi_c_weights table = { .filters = geometry.filters,
                            .each = (int64_t)geometry.inputs * geometry.window.kernel[0] * geometry.window.kernel[1] };
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_transpose_weights(program, step, &geometry, &table.values));
    FV_TRY(set_sums(program, step, &words, &table, "k"));
    set_geometry(&words, &geometry);
    fvi_c_set(&words, "each", table.each);
    return fvi_c_end(program, step, &words, transposed);
}

static const char dense[] = "{\n"
                            "    for (int u = 0; u < @filters; u++) {\n"
                            "        const int8_t *const weight = @weight + u * @size;\n"
                            "?biased:        @sum_type sum = @bias[u];\n"
                            "!biased:        @sum_type sum = 0;\n"
                            "        for (int i = 0; i < @size; i++)\n"
                            "            sum += (int32_t)weight[i] * x[i];\n"
                            "        y[u] = @value;\n"
                            "    }\n"
                            "}\n";

fv_status fvi_c_fixed_dense(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const fvi_c_weights table = { .filters = node->out.c,
                                  .each = fvi_c_elements(node->in[0]),
                                  .values = fvi_c_param(program, node, "weight") };
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(set_sums(program, step, &words, &table, "u"));
    return fvi_c_end(program, step, &words, dense);
}
