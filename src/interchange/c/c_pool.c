/* SPDX-License-Identifier: Apache-2.0
 *
 * c_pool.c - pooling of planes.
 */
#include <stdio.h>
#include <string.h>

#include "interchange/c/c_weights.h"

static bool is_global(const fvi_node *node)
{
    return strncmp(node->layer->name, "global_", 7) == 0;
}

fvi_window fvi_c_pool_geometry(fv_context *context, const fvi_node *node)
{
    const fv_image_shape in = node->in[0];
    if (is_global(node))
        return (fvi_window){ .kernel = { in.h, in.w },
                             .stride = { in.h, in.w },
                             .dilation = { 1, 1 },
                             .in = { in.h, in.w },
                             .out = { 1, 1 } };
    const fv_pool2d_options *options = node->options;
    fvi_window window = {
        .kernel = { options->kernel[0], options->kernel[1] },
        .stride = { options->stride[0] ? options->stride[0] : options->kernel[0],
                    options->stride[1] ? options->stride[1] : options->kernel[1] },
        .dilation = { 1, 1 },
        .padding = options->padding,
        .ceil = options->ceil,
        .pooling = true,
        .pad = { options->pad[0], options->pad[1], options->pad[2], options->pad[3] },
        .in = { in.h, in.w },
    };
    (void)fvi_window_resolve(context, node->layer->name, node->name,
                             &window); /* resolved before, when the node was added */
    return window;
}

/* Words: @first_row, @end_row, @first_column, @end_column: the part of a window inside the image, in loops over h and w. */
static void set_bounds(fvi_c_words *words, const fvi_window *window)
{
    const bool rows = fvi_c_hangs_over(window, 0), columns = fvi_c_hangs_over(window, 1);
    fvi_c_set_window(words, window);
    fvi_c_set_text(words, "first_row", rows ? "top < 0 ? 0 : top" : "top");
    fvi_c_set_text(words, "first_column", columns ? "left < 0 ? 0 : left" : "left");
    fvi_c_set_text(words, "end_row", rows ? "top + %d && h < %d" : "top + %d", window->kernel[0], window->in[0]);
    fvi_c_set_text(words, "end_column", columns ? "left + %d && w < %d" : "left + %d", window->kernel[1],
                   window->in[1]);
}

static const char max_pool[] =
    "{\n"
    "    for (int c = 0; c < @channels; c++) {\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "            for (int j = 0; j < @ow; j++) {\n"
    "                const int top = i * @stride_rows - @top, left = j * @stride_columns - @left;\n"
    "                @real best = @least;\n"
    "                for (int h = @first_row; h < @end_row; h++)\n"
    "                    for (int w = @first_column; w < @end_column; w++)\n"
    "                        best = larger(best, x[(c * @h + h) * @w + w]);\n"
    "                y[(c * @oh + i) * @ow + j] = best;\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_max_pool(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_window window = fvi_c_pool_geometry(program->context, fvi_c_node(program, step));
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    set_bounds(&words, &window);
    fvi_c_set_text(&words, "least", fvi_c_fixed(program) ? "-32768" : "-INFINITY");
    fvi_c_need(program, FVI_C_LARGER);
    return fvi_c_end(program, step, &words, max_pool);
}

static const char average_pool[] =
    "{\n"
    "    for (int c = 0; c < @channels; c++) {\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "            for (int j = 0; j < @ow; j++) {\n"
    "                const int top = i * @stride_rows - @top, left = j * @stride_columns - @left;\n"
    "                @sum_type sum = 0;\n"
    "?counts:                int cells = 0;\n"
    "                for (int h = @first_row; h < @end_row; h++) {\n"
    "                    for (int w = @first_column; w < @end_column; w++) {\n"
    "                        sum += x[(c * @h + h) * @w + w];\n"
    "?counts:                        cells++;\n"
    "                    }\n"
    "                }\n"
    "?padded:                const int rows = top + @kernel_rows < @padded_h ? @kernel_rows : @padded_h - top;\n"
    "?padded:                const int columns = left + @kernel_columns < @padded_w ? @kernel_columns : @padded_w - "
    "left;\n"
    "                y[(c * @oh + i) * @ow + j] = @mean;\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_average_pool(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const fvi_window window = fvi_c_pool_geometry(program->context, node);
    const bool hangs = fvi_c_hangs_over(&window, 0) || fvi_c_hangs_over(&window, 1);
    const bool padded = hangs && ((const fv_pool2d_options *)node->options)->count_padding;
    char cells[FVI_C_NAME];
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    set_bounds(&words, &window);
    fvi_c_set(&words, "counts", hangs && !padded);
    fvi_c_set(&words, "padded", padded);
    fvi_c_set(&words, "padded_h", window.in[0] + window.pad[2]);
    fvi_c_set(&words, "padded_w", window.in[1] + window.pad[3]);
    snprintf(cells, sizeof cells, "%d", window.kernel[0] * window.kernel[1]);
    fvi_c_set_mean(program, &words, !hangs ? cells : padded ? "(rows * columns)" : "cells");
    return fvi_c_end(program, step, &words, average_pool);
}

void fvi_c_set_mean(fvi_c_program *program, fvi_c_words *words, const char *cells)
{
    fvi_c_set_text(words, "sum_type", fvi_c_fixed(program) ? "int64_t" : "float");
    if (!fvi_c_fixed(program)) {
        fvi_c_set_text(words, "mean", "sum / (float)%s", cells);
        return;
    }
    fvi_c_set_text(words, "mean", "divide(sum, %s)", cells);
    fvi_c_need(program, FVI_C_DIVIDE);
}

static const char adaptive_pool[] =
    "{\n"
    "    for (int c = 0; c < @channels; c++) {\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "            for (int j = 0; j < @ow; j++) {\n"
    "                const int top = i * @h / @oh, bottom = ((i + 1) * @h + @oh - 1) / @oh;\n"
    "                const int left = j * @w / @ow, right = ((j + 1) * @w + @ow - 1) / @ow;\n"
    "                const int cells = (bottom - top) * (right - left);\n"
    "                @sum_type sum = 0;\n"
    "                for (int h = top; h < bottom; h++)\n"
    "                    for (int w = left; w < right; w++)\n"
    "                        sum += x[(c * @h + h) * @w + w];\n"
    "                y[(c * @oh + i) * @ow + j] = @mean;\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_adaptive_pool(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    if ((int64_t)(node->out.h + 1) * node->in[0].h > INT32_MAX ||
        (int64_t)(node->out.w + 1) * node->in[0].w > INT32_MAX)
        return fvi_fail(program->context, FV_ERR_UNSUPPORTED,
                        "%s '%s': C source cannot count windows from %dx%d to %dx%d", node->layer->name, node->name,
                        node->in[0].h, node->in[0].w, node->out.h, node->out.w);
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set_mean(program, &words, "cells");
    return fvi_c_end(program, step, &words, adaptive_pool);
}

static const char subsample[] =
    "{\n"
    "    for (int c = 0; c < @channels; c++) {\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "            for (int j = 0; j < @ow; j++) {\n"
    "                float sum = 0.0f;\n"
    "                for (int r = 0; r < @kernel_rows; r++)\n"
    "                    for (int s = 0; s < @kernel_columns; s++)\n"
    "                        sum += x[(c * @h + i * @stride_rows + r) * @w + j * @stride_columns + s];\n"
    "                y[(c * @oh + i) * @ow + j] = @act@weight[c] * sum + @bias[c]@end;\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fvi_window fvi_c_subsample_geometry(const fvi_node *node)
{
    const fv_subsample_options *options = node->options;
    fvi_window window = { .dilation = { 1, 1 },
                          .in = { node->in[0].h, node->in[0].w },
                          .out = { node->out.h, node->out.w } };
    for (int axis = 0; axis < 2; axis++) {
        window.kernel[axis] = options->kernel[axis] == 0 ? 2 : options->kernel[axis];
        window.stride[axis] = options->stride[axis] == 0 ? window.kernel[axis] : options->stride[axis];
    }
    return window;
}

fv_status fvi_c_subsample_factors(fvi_c_program *program, const fvi_c_step *step, const float **factors)
{
    const fvi_node *node = fvi_c_node(program, step);
    const fvi_window window = fvi_c_subsample_geometry(node);
    const float *weight = fvi_c_param(program, node, "weight");
    const float cells = (float)(window.kernel[0] * window.kernel[1]);
    void *made = NULL;
    FV_TRY(fvi_c_allocate(program, node->in[0].c, sizeof(float), &made));
    for (int32_t c = 0; c < node->in[0].c; c++)
        ((float *)made)[c] = ((const fv_subsample_options *)node->options)->average ? weight[c] / cells : weight[c];
    *factors = made;
    return FV_OK;
}

fv_status fvi_c_subsample(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const fvi_window window = fvi_c_subsample_geometry(node);
    const float *factors = NULL;
    fvi_c_words words;
    FV_TRY(fvi_c_subsample_factors(program, step, &factors));
    fvi_c_begin(program, step, &words);
    fvi_c_set_window(&words, &window);
    fvi_c_set_activation(program, step, &words);
    FV_TRY(fvi_c_add_constant(program, step, &words, "weight", FVI_C_REAL, node->in[0].c, factors));
    FV_TRY(fvi_c_add_constant(program, step, &words, "bias", FVI_C_REAL, node->in[0].c,
                              fvi_c_param(program, node, "bias")));
    return fvi_c_end(program, step, &words, subsample);
}
