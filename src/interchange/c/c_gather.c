/* SPDX-License-Identifier: Apache-2.0
 *
 * c_gather.c - layers whose results are copies of their input's elements: parts, permutations, repetitions. One template, and where each
 * element comes from, as an expression in c, i, j: channel, row and column of the result.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "interchange/c/c_fixed.h"

static const char gather[] =
    "{\n"
    "    for (int c = 0; c < @filters; c++)\n"
    "        for (int i = 0; i < @oh; i++)\n"
    "            for (int j = 0; j < @ow; j++)\n"
    "                y[(c * @oh + i) * @ow + j] = x[((@channel) * @h + @row) * @w + @column];\n"
    "}\n";

/* "3 + c * 2": the place along an axis that begins at first. */
static void set_place(fvi_c_words *words, const char *word, const char *index, int32_t first, int32_t step)
{
    if (first == 0)
        fvi_c_set_text(words, word, "%s * %d", index, step);
    else
        fvi_c_set_text(words, word, "(%d + %s * %d)", first, index, step);
}

fv_status fvi_c_slice(fvi_c_program *program, const fvi_c_step *step)
{
    const fv_slice_options *o = fvi_c_node(program, step)->options;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    set_place(&words, "channel", "c", o->first, o->step == 0 ? 1 : o->step);
    set_place(&words, "row", "i", o->rows[0], o->rows[2] == 0 ? 1 : o->rows[2]);
    set_place(&words, "column", "j", o->columns[0], o->columns[2] == 0 ? 1 : o->columns[2]);
    return fvi_c_end(program, step, &words, gather);
}

fv_status fvi_c_permute(fvi_c_program *program, const fvi_c_step *step)
{
    static const char *const indices[] = { "c", "i", "j" }, *const places[] = { "channel", "row", "column" };
    const fv_permute_options *options = fvi_c_node(program, step)->options;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    for (int axis = 0; axis < 3; axis++)
        fvi_c_set_text(&words, places[options->order[axis]], "%s", indices[axis]);
    return fvi_c_end(program, step, &words, gather);
}

fv_status fvi_c_channel_shuffle(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    const int32_t groups = ((const fv_channel_shuffle_options *)node->options)->groups;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set_text(&words, "channel", "c %% %d * %d + c / %d", groups, node->in[0].c / groups, groups);
    fvi_c_set_text(&words, "row", "i");
    fvi_c_set_text(&words, "column", "j");
    return fvi_c_end(program, step, &words, gather);
}

fv_status fvi_c_expand_layer(fvi_c_program *program, const fvi_c_step *step)
{
    const fvi_node *node = fvi_c_node(program, step);
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set_text(&words, "channel", node->in[0].c == node->out.c ? "c" : "0");
    fvi_c_set_text(&words, "row", node->in[0].h == node->out.h ? "i" : "0");
    fvi_c_set_text(&words, "column", node->in[0].w == node->out.w ? "j" : "0");
    return fvi_c_end(program, step, &words, gather);
}

static const char pad[] =
    "{\n"
    "    for (int i = 0; i < @out_size; i++)\n"
    "        y[i] = @value;\n"
    "    for (int c = 0; c < @channels; c++)\n"
    "        for (int i = 0; i < @h; i++)\n"
    "            for (int j = 0; j < @w; j++)\n"
    "                y[((c + @before) * @oh + i + @top) * @ow + j + @left] = x[(c * @h + i) * @w + j];\n"
    "}\n";

/* The pixel of the image for one that may lie outside: the nearest, or as in a mirror at the edge. */
static const char pad_by_image[] =
    "{\n"
    "    for (int c = 0; c < @channels; c++) {\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "?edge:            const int h = i < @top ? 0 : i - @top < @h ? i - @top : @h - 1;\n"
    "!edge:            const int h = i < @top ? @top - i : i - @top < @h ? i - @top : 2 * (@h - 1) - (i - @top);\n"
    "            for (int j = 0; j < @ow; j++) {\n"
    "?edge:                const int w = j < @left ? 0 : j - @left < @w ? j - @left : @w - 1;\n"
    "!edge:                const int w = j < @left ? @left - j : j - @left < @w ? j - @left : 2 * (@w - 1) - (j - "
    "@left);\n"
    "                y[(c * @oh + i) * @ow + j] = x[(c * @h + h) * @w + w];\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_pad(fvi_c_program *program, const fvi_c_step *step)
{
    const fv_pad_options *options = fvi_c_node(program, step)->options;
    fvi_c_words words;
    fvi_c_begin(program, step, &words);
    fvi_c_set(&words, "before", options->channels[0]);
    fvi_c_set(&words, "top", options->pad[0]);
    fvi_c_set(&words, "left", options->pad[1]);
    fvi_c_set(&words, "edge", options->mode == FV_PAD_EDGE);
    fvi_c_set_real(&words, "value", options->value);
    if (fvi_c_fixed(program))
        fvi_c_set(&words, "value", fvi_c_to_int16(ldexp(options->value, fvi_c_exponent_of(program, step))));
    return fvi_c_end(program, step, &words, options->mode == FV_PAD_CONSTANT ? pad : pad_by_image);
}

/* Where resize looks: see src/layer/resize.c. */
static double position_of(const fv_resize_options *o, int axis, int32_t i, int32_t in, int32_t out)
{
    const double factor = o->size[axis] != 0 ? (double)out / in : o->factor.values[axis];
    if (o->coordinates == FV_RESIZE_ALIGN_CORNERS)
        return out == 1 ? 0 : (double)i * (in - 1) / (out - 1);
    if (o->coordinates == FV_RESIZE_ASYMMETRIC)
        return i / factor;
    if (o->coordinates == FV_RESIZE_PYTORCH_HALF_PIXEL && out == 1)
        return 0;
    return (i + 0.5) / factor - 0.5;
}

static int32_t inside(double place, int32_t in)
{
    return place < 0 ? 0 : place > in - 1 ? in - 1 : (int32_t)place;
}

/* Three tables along an axis: the pixel before the position (or the nearest), the one behind, and what part the latter counts. */
static fv_status add_taps(fvi_c_program *program, const fvi_c_step *step, fvi_c_words *words, int axis,
                          const char *const names[3])
{
    const fvi_node *node = fvi_c_node(program, step);
    const fv_resize_options *o = node->options;
    const int32_t in = axis == 0 ? node->in[0].h : node->in[0].w, out = axis == 0 ? node->out.h : node->out.w;
    int32_t *first = NULL, *second = NULL;
    float *part = NULL;
    FV_TRY(fvi_c_allocate(program, out, sizeof *first, (void **)&first));
    FV_TRY(fvi_c_allocate(program, out, sizeof *second, (void **)&second));
    FV_TRY(fvi_c_allocate(program, out, sizeof *part, (void **)&part));
    for (int32_t i = 0; i < out; i++) {
        const double at = position_of(o, axis, i, in, out);
        const double nearest = o->nearest == FV_RESIZE_FLOOR ? floor(at) : ceil(at - 0.5);
        first[i] = inside(o->bilinear ? floor(at) : nearest, in);
        second[i] = inside(floor(at) + 1, in);
        part[i] = (float)(at - floor(at));
    }
    FV_TRY(fvi_c_add_constant(program, step, words, names[0], FVI_C_I32, out, first));
    if (!o->bilinear)
        return FV_OK;
    FV_TRY(fvi_c_add_constant(program, step, words, names[1], FVI_C_I32, out, second));
    return fvi_c_add_constant(program, step, words, names[2], FVI_C_REAL, out, part);
}

static const char bilinear[] =
    "{\n"
    "    for (int c = 0; c < @channels; c++) {\n"
    "        for (int i = 0; i < @oh; i++) {\n"
    "            const float *const above = x + (c * @h + @upper[i]) * @w, *const below = x + (c * @h + @lower[i]) * "
    "@w;\n"
    "            const float down = @down[i], up = 1.0f - down;\n"
    "            for (int j = 0; j < @ow; j++) {\n"
    "                const int left = @left[j], right = @right[j];\n"
    "                const float across = @across[j], back = 1.0f - across;\n"
    "                y[(c * @oh + i) * @ow + j] = up * (back * above[left] + across * above[right])\n"
    "                    + down * (back * below[left] + across * below[right]);\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "}\n";

fv_status fvi_c_resize(fvi_c_program *program, const fvi_c_step *step)
{
    static const char *const rows[] = { "upper", "lower", "down" }, *const columns[] = { "left", "right", "across" };
    const fvi_node *node = fvi_c_node(program, step);
    const bool blends = ((const fv_resize_options *)node->options)->bilinear;
    fvi_c_words words;
    if (blends && fvi_c_fixed(program))
        return fvi_fail(program->context, FV_ERR_UNSUPPORTED,
                        "resize '%s': bilinear it has no form in fixed point; export with float or int8 weights",
                        node->name);
    fvi_c_begin(program, step, &words);
    FV_TRY(add_taps(program, step, &words, 0, rows));
    FV_TRY(add_taps(program, step, &words, 1, columns));
    if (blends)
        return fvi_c_end(program, step, &words, bilinear);
    fvi_c_set_text(&words, "channel", "c");
    fvi_c_set_text(&words, "row", "%s[i]", fvi_c_word(&words, "upper"));
    fvi_c_set_text(&words, "column", "%s[j]", fvi_c_word(&words, "left"));
    return fvi_c_end(program, step, &words, gather);
}
