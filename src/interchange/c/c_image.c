/* SPDX-License-Identifier: Apache-2.0
 *
 * c_image.c - layers that move pixels: crop, upsample.
 */
#include "interchange/c/c_internal.h"

static const char crop[] = "{\n"
                           "    for (int c = 0; c < @channels; c++)\n"
                           "        for (int i = 0; i < @oh; i++)\n"
                           "            for (int j = 0; j < @ow; j++)\n"
                           "                y[(c * @oh + i) * @ow + j] = x[(c * @h + i + @top) * @w + j + @left];\n"
                           "}\n";

fv_status fvi_c_crop(fvi_c_program *program, const fvi_c_step *step)
{
    const fv_crop_options *options = fvi_c_node(program, step)->options;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set(&words, "top", options->crop[0]);
    fvi_c_set(&words, "left", options->crop[1]);
    return fvi_c_end(program, step, &words, crop);
}

static const char repeat[] =
    "{\n"
    "    for (int c = 0; c < @channels; c++)\n"
    "        for (int i = 0; i < @oh; i++)\n"
    "            for (int j = 0; j < @ow; j++)\n"
    "                y[(c * @oh + i) * @ow + j] = x[(c * @h + i / @rows) * @w + j / @columns];\n"
    "}\n";

/* Positions are in pixels of the input, from the centre of the first on. */
static const char bilinear[] =
    "{\n"
    "    for (int i = 0; i < @oh; i++) {\n"
    "        const float v = 2 * i + 1 < @rows ? 0.0f : ((float)i + 0.5f) / @rows.0f - 0.5f;\n"
    "        const int top = (int)v, bottom = top + 1 < @h ? top + 1 : top;\n"
    "        const float down = v - (float)top;\n"
    "        for (int j = 0; j < @ow; j++) {\n"
    "            const float u = 2 * j + 1 < @columns ? 0.0f : ((float)j + 0.5f) / @columns.0f - 0.5f;\n"
    "            const int left = (int)u, right = left + 1 < @w ? left + 1 : left;\n"
    "            const float across = u - (float)left;\n"
    "            for (int c = 0; c < @channels; c++) {\n"
    "                const float *const above = x + (c * @h + top) * @w, *const below = x + (c * @h + bottom) * @w;\n"
    "                y[(c * @oh + i) * @ow + j] = (1 - down) * (1 - across) * above[left] + (1 - down) * across * "
    "above[right]\n"
    "                    + down * (1 - across) * below[left] + down * across * below[right];\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_upsample(fvi_c_program *program, const fvi_c_step *step)
{
    const fv_upsample_options *options = fvi_c_node(program, step)->options;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set(&words, "rows", options->factor[0]);
    fvi_c_set(&words, "columns", options->factor[1]);
    return fvi_c_end(program, step, &words, options->bilinear ? bilinear : repeat);
}
