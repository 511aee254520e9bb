/* SPDX-License-Identifier: Apache-2.0
 *
 * c_conv.c - convolution, transposed convolution and dense layers.
 *
 * A convolution adds up its output row by row: the inner loop multiplies a row of the input by one weight, without a branch, and becomes
 * vector instructions. Where the kernel is one pixel and nothing is skipped, the whole plane is one row. Weights of a dense layer are
 * stored [input][unit] for the same reason.
 */
#include <math.h>
#include <string.h>

#include "interchange/c/c_internal.h"
#include "interchange/c/c_weights.h"
#include "layer/connections.h"

static int32_t or_one(int32_t value)
{
    return value == 0 ? 1 : value;
}

fv_status fvi_c_conv2d_weights(fvi_c_program *program, const fvi_c_step *step, const float **weights)
{
    const fvi_node *node = fvi_c_node(program, step);
    const fv_conv2d_options *options = node->options;
    *weights = fvi_c_param(program, node, "weight");
    if (!fvi_connections_given(options))
        return FV_OK;
    const fvi_connections *connections = NULL;
    FV_TRY(fvi_connections_create(&connections, program->context, program->arena, options, node->in[0].c));
    fvi_connections given = *connections;
    given.area = or_one(options->kernel[0]) * or_one(options->kernel[1]);
    void *dense = NULL;
    FV_TRY(fvi_c_allocate(program, (int64_t)fvi_connections_dense(&given), sizeof(float), &dense));
    fvi_connections_spread(&given, FV_F32, *weights, dense);
    *weights = dense;
    return FV_OK;
}

fvi_c_geometry fvi_c_conv2d_geometry(fv_context *context, const fvi_node *node)
{
    const fv_conv2d_options *options = node->options;
    fvi_window window = {
        .kernel = { or_one(options->kernel[0]), or_one(options->kernel[1]) },
        .stride = { or_one(options->stride[0]), or_one(options->stride[1]) },
        .dilation = { or_one(options->dilation[0]), or_one(options->dilation[1]) },
        .padding = options->padding,
        .pad = { options->pad[0], options->pad[1], options->pad[2], options->pad[3] },
        .in = { node->in[0].h, node->in[0].w },
    };
    (void)fvi_window_resolve(context, "conv2d", node->name, &window); /* resolved before, when the node was added */
    return (fvi_c_geometry){ .window = window,
                             .groups = or_one(options->groups),
                             .inputs = node->in[0].c / or_one(options->groups),
                             .filters = node->out.c };
}

/* Whether windows along an axis hang over the edge of the image. */
bool fvi_c_hangs_over(const fvi_window *window, int axis)
{
    const int64_t reach = (int64_t)(window->out[axis] - 1) * window->stride[axis] +
                          (int64_t)(window->kernel[axis] - 1) * window->dilation[axis] - window->pad[axis];
    return window->pad[axis] > 0 || reach >= window->in[axis];
}

void fvi_c_set_window(fvi_c_words *words, const fvi_window *window)
{
    fvi_c_set(words, "kernel_rows", window->kernel[0]);
    fvi_c_set(words, "kernel_columns", window->kernel[1]);
    fvi_c_set(words, "stride_rows", window->stride[0]);
    fvi_c_set(words, "stride_columns", window->stride[1]);
    fvi_c_set(words, "dilation_rows", window->dilation[0]);
    fvi_c_set(words, "dilation_columns", window->dilation[1]);
    fvi_c_set(words, "top", window->pad[0]);
    fvi_c_set(words, "left", window->pad[1]);
    fvi_c_set(words, "checks_rows", fvi_c_hangs_over(window, 0));
    fvi_c_set(words, "checks_columns", fvi_c_hangs_over(window, 1));
}

/* A kernel of one pixel that visits all pixels: the plane becomes one row. */
static void flatten_planes(fvi_c_geometry *geometry)
{
    fvi_window *window = &geometry->window;
    for (int axis = 0; axis < 2; axis++)
        if (window->kernel[axis] != 1 || window->stride[axis] != 1 || window->in[axis] != window->out[axis])
            return;
    const int32_t pixels = window->in[0] * window->in[1];
    *window = (fvi_window){
        .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 }, .in = { 1, pixels }, .out = { 1, pixels }
    };
}

/* The largest weight of each filter becomes 127. */
fv_status fvi_c_quantize(fvi_c_program *program, const fvi_c_weights *table, int8_t **quantized, float **scales)
{
    FV_TRY(fvi_c_allocate(program, table->filters * table->each, 1, (void **)quantized));
    FV_TRY(fvi_c_allocate(program, table->filters, sizeof(float), (void **)scales));
    for (int64_t k = 0; k < table->filters; k++) {
        const float *weights = table->values + k * table->each;
        int8_t *rounded = *quantized + k * table->each;
        float largest = 0;
        for (int64_t i = 0; i < table->each; i++)
            largest = fmaxf(largest, fabsf(weights[i]));
        if (!isfinite(largest))
            return fvi_fail(program->context, FV_ERR_NUMERIC, "weights of filter %lld are not finite", (long long)k);
        const float scale = largest > 0 ? largest / 127 : 1;
        for (int64_t i = 0; i < table->each; i++)
            rounded[i] = (int8_t)lrintf(weights[i] / scale);
        (*scales)[k] = scale;
    }
    return FV_OK;
}

/* Which filter weight i belongs to, as the library stores them: of a transposed convolution [channels][filters / groups][area], with a
 * connection table [connections][area], else [filters][each]. */
static int64_t filter_of(const fvi_node *node, const fvi_connections *connections, int64_t i)
{
    const fv_shape *shape = &node->param[0].shape;
    if (connections != NULL)
        return connections->position[i / (shape->size[1] * shape->size[2])] / connections->channels;
    if (strcmp(node->layer->name, "conv2d_transpose") != 0)
        return i / (fv_shape_elements(shape) / shape->size[0]);
    const int64_t row = i / (shape->size[2] * shape->size[3]), each = shape->size[1];
    const int64_t channels_of_group = shape->size[0] * each / node->out.c;
    return row / each / channels_of_group * each + row % each;
}

fv_status fvi_c_round_weights(fvi_c_program *program, const fvi_node *node)
{
    float *weights = fv_params_values(program->params, node->first_param);
    const int64_t count = fv_shape_elements(&node->param[0].shape);
    const fvi_connections *connections = NULL;
    void *made = NULL;
    FV_TRY(fvi_c_allocate(program, node->out.c, sizeof(float), &made));
    float *largest = made;
    if (strcmp(node->layer->name, "conv2d") == 0 && fvi_connections_given(node->options))
        FV_TRY(fvi_connections_create(&connections, program->context, program->arena, node->options, node->in[0].c));
    for (int64_t i = 0; i < count; i++) {
        const int64_t k = filter_of(node, connections, i);
        largest[k] = fmaxf(largest[k], fabsf(weights[i]));
    }
    for (int64_t i = 0; i < count; i++) {
        const float scale = largest[filter_of(node, connections, i)] / 127;
        weights[i] = scale > 0 && isfinite(scale) ? rintf(weights[i] / scale) * scale : weights[i];
    }
    return FV_OK;
}

/* [filters][each] becomes [each][filters]. */
static fv_status transpose(fvi_c_program *program, const fvi_c_weights *table, size_t size, const void **values)
{
    const char *from = *values;
    void *turned = NULL;
    FV_TRY(fvi_c_allocate(program, table->filters * table->each, size, &turned));
    for (int64_t k = 0; k < table->filters; k++)
        for (int64_t i = 0; i < table->each; i++)
            memcpy((char *)turned + (size_t)(i * table->filters + k) * size,
                   from + (size_t)(k * table->each + i) * size, size);
    *values = turned;
    return FV_OK;
}

/* Adds weights [filters][each], or their transpose, as the arithmetic stores them, and scales and bias. Words: @weight, @weight_type, @begins (sums
 * begin with the bias), @finishes and @finish (what becomes of `sum`, of the filter that the template calls `filter`), @cell (the
 * weight at `cell` as a float). */
static fv_status set_weights(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words,
                             const fvi_c_weights *table, const char *sum, const char *filter, const char *cell)
{
    const float *bias = fvi_c_param(program, fvi_c_node(program, step), "bias");
    const bool scaled = program->options->arithmetic == FV_C_INT8_WEIGHTS;
    const int64_t count = table->filters * table->each;
    const void *values = table->values;
    if (scaled) {
        int8_t *bytes = NULL;
        float *scales = NULL;
        FV_TRY(fvi_c_quantize(program, table, &bytes, &scales));
        FV_TRY(fvi_c_add_constant(program, step, words, "scale", FVI_C_REAL, table->filters, scales));
        values = bytes;
    }
    if (table->transposed)
        FV_TRY(transpose(program, table, scaled ? 1 : sizeof(float), &values));
    FV_TRY(fvi_c_add_constant(program, step, words, "weight", scaled ? FVI_C_I8 : FVI_C_REAL, count, values));
    if (bias != NULL)
        FV_TRY(fvi_c_add_constant(program, step, words, "bias", FVI_C_REAL, table->filters, bias));
    fvi_c_set_text(words, "weight_type", scaled ? "int8_t" : "float");
    fvi_c_set_text(words, "cell", scaled ? "(float)weight[%s]" : "weight[%s]", cell);
    fvi_c_set(words, "begins", bias != NULL && !scaled);
    fvi_c_set_text(words, "scaling", "%s", "");
    fvi_c_set_text(words, "adding", "%s", "");
    if (scaled)
        fvi_c_set_text(words, "scaling", " * %s[%s]", fvi_c_word(words, "scale"), filter);
    if (scaled && bias != NULL)
        fvi_c_set_text(words, "adding", " + %s[%s]", fvi_c_word(words, "bias"), filter);
    fvi_c_set_activation(program, step, words);
    fvi_c_set(words, "finishes", scaled || step->activation != FV_NO_VALUE);
    fvi_c_set_text(words, "finish", "%s%s%s%s%s", fvi_c_word(words, "act"), sum, fvi_c_word(words, "scaling"),
                   fvi_c_word(words, "adding"), fvi_c_word(words, "end"));
    return FV_OK;
}

static const char convolution[] =
    "{\n"
    "    for (int k = 0; k < @filters; k++) {\n"
    "?grouped:        const float *const group = x + k / @group_filters * @group_size;\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "            float *const row = y + (k * @oh + i) * @ow;\n"
    "            for (int j = 0; j < @ow; j++)\n"
    "?begins:                row[j] = @bias[k];\n"
    "!begins:                row[j] = 0.0f;\n"
    "            for (int c = 0; c < @inputs; c++) {\n"
    "                for (int r = 0; r < @kernel_rows; r++) {\n"
    "                    const int h = i * @stride_rows + r * @dilation_rows - @top;\n"
    "?checks_rows:                    if (h < 0 || h >= @h)\n"
    "?checks_rows:                        continue;\n"
    "                    const @weight_type *const weight = @weight + ((k * @inputs + c) * @kernel_rows + r) * "
    "@kernel_columns;\n"
    "                    for (int s = 0; s < @kernel_columns; s++) {\n"
    "                        const float factor = @cell;\n"
    "                        const int at = (c * @h + h) * @w + s * @dilation_columns - @left;\n"
    "?checks_columns:                        const int first = first_cell(@left - s * @dilation_columns, "
    "@stride_columns);\n"
    "?checks_columns:                        const int last = last_cell(@w + @left - s * @dilation_columns, "
    "@stride_columns, @ow);\n"
    "?checks_columns:                        for (int j = first; j < last; j++)\n"
    "!checks_columns:                        for (int j = 0; j < @ow; j++)\n"
    "                            row[j] += factor * @group[at + j * @stride_columns];\n"
    "                    }\n"
    "                }\n"
    "            }\n"
    "?finishes:            for (int j = 0; j < @ow; j++)\n"
    "?finishes:                row[j] = @finish;\n"
    "        }\n"
    "    }\n"
    "}\n";

static void set_groups(fvi_c_words *words, const fvi_c_geometry *geometry)
{
    fvi_c_set(words, "grouped", geometry->groups > 1);
    fvi_c_set_text(words, "group", geometry->groups > 1 ? "group" : "x");
    fvi_c_set(words, "group_filters", geometry->filters / geometry->groups);
    fvi_c_set(words, "group_size", (int64_t)geometry->inputs * geometry->window.in[0] * geometry->window.in[1]);
    fvi_c_set(words, "inputs", geometry->inputs);
    fvi_c_set(words, "h", geometry->window.in[0]);
    fvi_c_set(words, "w", geometry->window.in[1]);
    fvi_c_set(words, "oh", geometry->window.out[0]);
    fvi_c_set(words, "ow", geometry->window.out[1]);
}

fv_status fvi_c_conv2d(fvi_c_program *program, const fvi_c_step *step)
{
    fvi_c_geometry geometry = fvi_c_conv2d_geometry(program->context, fvi_c_node(program, step));
    fvi_c_weights table = { .filters = geometry.filters,
                            .each = (int64_t)geometry.inputs * geometry.window.kernel[0] * geometry.window.kernel[1] };
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_conv2d_weights(program, step, &table.values));
    FV_TRY(set_weights(program, step, &words, &table, "row[j]", "k", "s"));
    flatten_planes(&geometry);
    fvi_c_set_window(&words, &geometry.window);
    set_groups(&words, &geometry);
    if (fvi_c_hangs_over(&geometry.window, 1)) {
        fvi_c_need(program, FVI_C_FIRST_CELL);
        fvi_c_need(program, FVI_C_LAST_CELL);
    }
    return fvi_c_end(program, step, &words, convolution);
}

/* Gathers: output row i is reached from input row (i + top - r * dilation) / stride, where that is a whole number. */
static const char transposed[] =
    "{\n"
    "    for (int k = 0; k < @filters; k++) {\n"
    "        const int group = k / @group_filters;\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "            float *const row = y + (k * @oh + i) * @ow;\n"
    "            for (int j = 0; j < @ow; j++)\n"
    "?begins:                row[j] = @bias[k];\n"
    "!begins:                row[j] = 0.0f;\n"
    "            for (int c = 0; c < @inputs; c++) {\n"
    "                for (int r = 0; r < @kernel_rows; r++) {\n"
    "                    const int h = i + @top - r * @dilation_rows;\n"
    "                    if (h < 0 || h % @stride_rows != 0 || h / @stride_rows >= @h)\n"
    "                        continue;\n"
    "                    const float *const from = x + ((group * @inputs + c) * @h + h / @stride_rows) * @w;\n"
    "                    const @weight_type *const weight = @weight + ((k * @inputs + c) * @kernel_rows + r) * "
    "@kernel_columns;\n"
    "                    for (int s = 0; s < @kernel_columns; s++) {\n"
    "                        const float factor = @cell;\n"
    "                        const int at = s * @dilation_columns - @left;\n"
    "                        const int first = first_cell(-at, @stride_columns);\n"
    "                        const int last = last_cell(@ow - at, @stride_columns, @w);\n"
    "                        for (int j = first; j < last; j++)\n"
    "                            row[at + j * @stride_columns] += factor * from[j];\n"
    "                    }\n"
    "                }\n"
    "            }\n"
    "?finishes:            for (int j = 0; j < @ow; j++)\n"
    "?finishes:                row[j] = @finish;\n"
    "        }\n"
    "    }\n"
    "}\n";

/* The library's weights are [channels][filters / groups][area]; sums of one filter want them [filters][channels / groups][area]. */
fv_status fvi_c_transpose_weights(fvi_c_program *program, const fvi_c_step *step, const fvi_c_geometry *geometry,
                                  const float **weights)
{
    const float *given = fvi_c_param(program, fvi_c_node(program, step), "weight");
    const int64_t area = (int64_t)geometry->window.kernel[0] * geometry->window.kernel[1];
    const int64_t inputs = geometry->inputs, each = geometry->filters / geometry->groups;
    void *turned = NULL;
    FV_TRY(fvi_c_allocate(program, geometry->filters * inputs * area, sizeof(float), &turned));
    for (int64_t k = 0; k < geometry->filters; k++)
        for (int64_t c = 0; c < inputs; c++)
            memcpy((float *)turned + (k * inputs + c) * area,
                   given + ((k / each * inputs + c) * each + k % each) * area, (size_t)area * sizeof(float));
    *weights = turned;
    return FV_OK;
}

fvi_c_geometry fvi_c_conv2d_transpose_geometry(const fvi_node *node)
{
    const fv_conv2d_transpose_options *options = node->options;
    const fvi_window window = {
        .kernel = { or_one(options->kernel[0]), or_one(options->kernel[1]) },
        .stride = { or_one(options->stride[0]), or_one(options->stride[1]) },
        .dilation = { or_one(options->dilation[0]), or_one(options->dilation[1]) },
        .pad = { options->pad[0], options->pad[1], options->pad[2], options->pad[3] },
        .in = { node->in[0].h, node->in[0].w },
        .out = { node->out.h, node->out.w },
    };
    return (fvi_c_geometry){ .window = window,
                             .groups = or_one(options->groups),
                             .inputs = node->in[0].c / or_one(options->groups),
                             .filters = node->out.c };
}

fv_status fvi_c_conv2d_transpose(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_c_geometry geometry = fvi_c_conv2d_transpose_geometry(fvi_c_node(program, step));
    fvi_c_weights table = { .filters = geometry.filters,
                            .each = (int64_t)geometry.inputs * geometry.window.kernel[0] * geometry.window.kernel[1] };
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(fvi_c_transpose_weights(program, step, &geometry, &table.values));
    FV_TRY(set_weights(program, step, &words, &table, "row[j]", "k", "s"));
    fvi_c_set_window(&words, &geometry.window);
    set_groups(&words, &geometry);
    fvi_c_need(program, FVI_C_FIRST_CELL);
    fvi_c_need(program, FVI_C_LAST_CELL);
    return fvi_c_end(program, step, &words, transposed);
}

static const char dense[] = "{\n"
                            "    for (int u = 0; u < @filters; u++)\n"
                            "?begins:        y[u] = @bias[u];\n"
                            "!begins:        y[u] = 0.0f;\n"
                            "    for (int i = 0; i < @size; i++) {\n"
                            "        const @weight_type *const weight = @weight + i * @filters;\n"
                            "        for (int u = 0; u < @filters; u++)\n"
                            "            y[u] += x[i] * @cell;\n"
                            "    }\n"
                            "?finishes:    for (int u = 0; u < @filters; u++)\n"
                            "?finishes:        y[u] = @finish;\n"
                            "}\n";

fv_status fvi_c_dense(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const fvi_c_weights table = { .filters = node->out.c,
                                  .each = fvi_c_elements(node->in[0]),
                                  .values = fvi_c_param(program, node, "weight"),
                                  .transposed = true };
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    FV_TRY(set_weights(program, step, &words, &table, "y[u]", "u", "u"));
    return fvi_c_end(program, step, &words, dense);
}
