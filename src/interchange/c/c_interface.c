/* SPDX-License-Identifier: Apache-2.0
 *
 * c_interface.c - the parts of the source that are written once: the header with its documentation, predict, preprocessing, self-test,
 * names of classes.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fovea/fovea.h"
#include "interchange/c/c_files.h"

static fv_image_shape input_shape(const fvi_c_program *program)
{
    return program->nodes[fv_graph_input(program->graph)].out;
}

static fv_image_shape output_shape(const fvi_c_program *program)
{
    return program->nodes[fv_graph_output(program->graph)].out;
}

static const char *real_name(const fvi_c_program *program)
{
    return fvi_c_fixed(program) ? "int16_t" : "float";
}

/* Whether bytes become the input by a factor and a term for each channel alone. */
static bool takes_pixels(const fvi_c_program *program)
{
    return program->preprocess != NULL && input_shape(program).c <= FV_MAX_CHANNELS;
}

static double deviation_of(const fvi_c_program *program, int32_t channel)
{
    const double deviation = program->preprocess->deviation[channel];
    return deviation == 0 ? 1 : deviation;
}

static bool has_integers(const fvi_c_program *program)
{
    for (size_t i = 0; i < program->constant_count; i++)
        if (program->constants[i].type != FVI_C_REAL)
            return true;
    return false;
}

static void set_words(const fvi_c_program *program, fvi_c_words *words)
{
    const fv_image_shape in = input_shape(program), out = output_shape(program);
    const int64_t elements = program->arena_elements > 0 ? program->arena_elements : 1;
    words->count = 0;
    fvi_c_set_text(words, "name", "%s", program->name);
    fvi_c_set_text(words, "NAME", "%s", program->upper);
    fvi_c_set_text(words, "real", "%s", real_name(program));
    fvi_c_set_text(words, "version", "%s", fv_version());
    fvi_c_set(words, "channels", in.c);
    fvi_c_set(words, "rows", in.h);
    fvi_c_set(words, "columns", in.w);
    fvi_c_set(words, "inputs", fvi_c_elements(in));
    fvi_c_set(words, "outputs", fvi_c_elements(out));
    fvi_c_set(words, "elements", elements);
    fvi_c_set(words, "arena", elements * (int64_t)(fvi_c_fixed(program) ? sizeof(int16_t) : sizeof(float)));
    fvi_c_set(words, "blob", program->options->blob);
    fvi_c_set(words, "pixels", takes_pixels(program));
    fvi_c_set(words, "tests", program->expected != NULL);
    fvi_c_set(words, "fixed", fvi_c_fixed(program));
    fvi_c_set(words, "integers", fvi_c_fixed(program) || program->options->blob || has_integers(program));
    fvi_c_set(words, "named", program->preprocess != NULL && program->preprocess->class_names != NULL);
    fvi_c_set(words, "image_input", in.h > 1 || in.w > 1);
    if (fvi_c_fixed(program)) {
        fvi_c_set(words, "input_exponent", program->exponents[fv_graph_input(program->graph)]);
        fvi_c_set(words, "output_exponent", program->exponents[fv_graph_output(program->graph)]);
    }
}

static const char opening[] = "#ifndef @NAME_H\n"
                              "#define @NAME_H\n"
                              "\n"
                              "?blob:#include <stddef.h>\n"
                              "?integers:#include <stdint.h>\n"
                              "\n"
                              "#ifdef __cplusplus\n"
                              "extern \"C\" {\n"
                              "#endif\n"
                              "\n"
                              "enum {\n"
                              "    @NAME_CHANNELS = @channels,\n"
                              "    @NAME_ROWS = @rows,\n"
                              "    @NAME_COLUMNS = @columns,\n"
                              "    @NAME_INPUTS = @inputs,\n"
                              "    @NAME_OUTPUTS = @outputs,\n"
                              "?blob:    @NAME_BLOB_BYTES = @blob_bytes,\n"
                              "?fixed:    @NAME_INPUT_EXPONENT = @input_exponent,\n"
                              "?fixed:    @NAME_OUTPUT_EXPONENT = @output_exponent,\n"
                              "    @NAME_ARENA_BYTES = @arena\n"
                              "};\n"
                              "\n";

static const char closing[] =
    "typedef @real @name_value; /* of input and output */\n"
    "\n"
    "/* What lies between the layers, and all that changes. @name_predict() has one of its own. */\n"
    "typedef struct @name_memory {\n"
    "?blob:    const unsigned char *blob; /* behind its header */\n"
    "    @real values[@elements];\n"
    "} @name_memory;\n"
    "\n"
    "?blob:/* Says where the weights are: the contents of @name.bin, @blob_bytes bytes, aligned to 4 bytes, which stay "
    "where they are. Before\n"
    "?blob: * anything else. Returns 0, or 1: another size; 2: not aligned; 3: not such a file, or another byte order; "
    "4: damaged. */\n"
    "?blob:int @name_init(const void *blob, size_t size);\n"
    "?blob:int @name_init_with(@name_memory *memory, const void *blob, size_t size);\n"
    "?blob:\n"
    "/* Computes the answer to an image: input [@NAME_INPUTS], output [@NAME_OUTPUTS], which must not overlap. One "
    "call at a time: */\n"
    "void @name_predict(const @real *input, @real *output);\n"
    "/* The same in memory of the caller's: any number of calls at a time, each in its own. Nothing in it lasts from "
    "call to call. */\n"
    "void @name_predict_with(@name_memory *memory, const @real *input, @real *output);\n"
    "\n"
    "?pixels:/* Makes the input of bytes [@NAME_ROWS][@NAME_COLUMNS][@NAME_CHANNELS], pixel after pixel as cameras and "
    "decoders give them. */\n"
    "?pixels:void @name_preprocess(const unsigned char *pixels, @real *input);\n"
    "?pixels:\n"
    "?tests:/* Computes the answer to a fixed image and compares it with what fovea computed. input and output: room "
    "for an image and its\n"
    "?tests: * answer. Returns 0, or 1 + the index of the first output that is wrong. */\n"
    "?tests:int @name_self_test(@real *input, @real *output);\n"
    "?tests:\n"
    "?named:/* The name of a class, from 0 on; \"\" where there is none. */\n"
    "?named:const char *@name_class_name(int index);\n"
    "?named:\n"
    "#ifdef __cplusplus\n"
    "}\n"
    "#endif\n"
    "\n"
    "#endif\n";

static void write_title(const fvi_c_program *program, fvi_text_buffer *out)
{
    static const char *const arithmetic[] = { "float32", "float32 with int8 weights",
                                              "integers only: int8 weights, int16 values" };
    const fv_image_shape in = input_shape(program), answer = output_shape(program);
    fvi_text_format(out, "/* %s.h - a trained network as C99, written by fovea %s.\n *\n", program->name, fv_version());
    fvi_text_format(
        out, " * Arithmetic: %s. %lld multiply-adds for an image, %lld bytes of memory, %zu of constants.\n",
        arithmetic[program->options->arithmetic], (long long)fv_graph_multiply_adds(program->graph),
        (long long)(program->arena_elements * (int64_t)(fvi_c_fixed(program) ? 2 : 4)), program->blob_bytes);
    fvi_text_format(
        out,
        " * Input: %dx%dx%d (channels, rows, columns), in this order: the value of channel c, row i, column j is\n"
        " * input[(c * %d + i) * %d + j]. Output: %dx%dx%d, likewise; the largest is the answer.\n",
        in.c, in.h, in.w, in.h, in.w, answer.c, answer.h, answer.w);
    if (fvi_c_fixed(program))
        fvi_text_format(out, " * Integers stand for numbers: an input q for q / 2^%d, an output q for q / 2^%d.\n",
                        program->exponents[fv_graph_input(program->graph)],
                        program->exponents[fv_graph_output(program->graph)]);
    if (program->preprocess != NULL && (program->preprocess->resize > 0 || program->preprocess->transforms != NULL))
        fvi_text_append(
            out,
            " * The network was trained on images that were resized or transformed first; that is not done here.\n");
    fvi_text_append(out, " */\n");
}

/* Mean and deviation, for those who make the input themselves. */
static void write_numbers(const fvi_c_program *program, fvi_text_buffer *out)
{
    char mean[FVI_C_REAL_TEXT], deviation[FVI_C_REAL_TEXT];
    if (!takes_pixels(program) || fvi_c_fixed(program))
        return;
    fvi_text_append(out, "/* input = (pixel / 255 - mean) / deviation, of each channel */\n");
    for (int32_t c = 0; c < input_shape(program).c; c++) {
        fvi_c_real_text(program->preprocess->mean[c], mean);
        fvi_c_real_text(deviation_of(program, c), deviation);
        fvi_text_format(out, "#define %s_MEAN_%d %s\n#define %s_DEVIATION_%d %s\n", program->upper, c, mean,
                        program->upper, c, deviation);
    }
    fvi_text_append(out, "\n");
}

void fvi_c_write_header(const fvi_c_program *program, fvi_text_buffer *out)
{
    fvi_c_words words;
    set_words(program, &words);
    fvi_c_set(&words, "blob_bytes", (int64_t)program->blob_bytes + FVI_C_BLOB_HEADER);
    write_title(program, out);
    fvi_c_expand(out, opening, &words);
    write_numbers(program, out);
    fvi_c_expand(out, closing, &words);
}

static const char predict_begin[] = "void @name_predict_with(@name_memory *memory, const @real *input, @real *output)\n"
                                    "{\n"
                                    "?uses:    @real *const values = memory->values;\n"
                                    "!uses:!blob:    (void)memory;\n";

static const char predict_end[] = "}\n"
                                  "\n"
                                  "static @name_memory @name_static_memory;\n"
                                  "\n"
                                  "void @name_predict(const @real *input, @real *output)\n"
                                  "{\n"
                                  "    @name_predict_with(&@name_static_memory, input, output);\n"
                                  "}\n"
                                  "\n";

static const char initialize[] = "/* FNV-1a, 32 bits. */\n"
                                 "static uint32_t checksum(const unsigned char *bytes, size_t count)\n"
                                 "{\n"
                                 "    uint32_t sum = 2166136261u;\n"
                                 "    for (size_t i = 0; i < count; i++)\n"
                                 "        sum = (sum ^ bytes[i]) * 16777619u;\n"
                                 "    return sum;\n"
                                 "}\n"
                                 "\n"
                                 "int @name_init_with(@name_memory *memory, const void *blob, size_t size)\n"
                                 "{\n"
                                 "    const uint32_t *const header = blob;\n"
                                 "    if (size != @NAME_BLOB_BYTES)\n"
                                 "        return 1;\n"
                                 "    if ((uintptr_t)blob % 4 != 0)\n"
                                 "        return 2;\n"
                                 "    if (header[0] != @magic || header[1] != @count)\n"
                                 "        return 3;\n"
                                 "    if (header[2] != checksum((const unsigned char *)blob + @header, @count))\n"
                                 "        return 4;\n"
                                 "    memory->blob = (const unsigned char *)blob + @header;\n"
                                 "    return 0;\n"
                                 "}\n"
                                 "\n"
                                 "int @name_init(const void *blob, size_t size)\n"
                                 "{\n"
                                 "    return @name_init_with(&@name_static_memory, blob, size);\n"
                                 "}\n"
                                 "\n";

void fvi_c_write_predict(const fvi_c_program *program, fvi_text_buffer *out)
{
    fvi_c_words words;
    const char *const calls = program->calls.bytes != NULL ? program->calls.bytes : "";
    set_words(program, &words);
    fvi_c_set(&words, "uses", strstr(calls, "values") != NULL);
    fvi_c_expand(out, predict_begin, &words);
    fvi_text_append(out, calls);
    fvi_c_expand(out, predict_end, &words);
    if (!program->options->blob)
        return;
    fvi_c_set_text(&words, "magic", "0x%xu", FVI_C_BLOB_MAGIC);
    fvi_c_set_text(&words, "count", "%zuu", program->blob_bytes);
    fvi_c_set(&words, "header", FVI_C_BLOB_HEADER);
    fvi_c_expand(out, initialize, &words);
}

static const char pixel_float[] = "static float pixel_value(int pixel, int channel)\n"
                                  "{\n"
                                  "    static const float mean[] = { @means };\n"
                                  "    static const float deviation[] = { @deviations };\n"
                                  "    return ((float)pixel / 255.0f - mean[channel]) / deviation[channel];\n"
                                  "}\n"
                                  "\n";

static const char pixel_fixed[] =
    "/* Fixed point with 16 more bits. */\n"
    "static int16_t pixel_value(int pixel, int channel)\n"
    "{\n"
    "    static const int32_t factor[] = { @factors };\n"
    "    static const int32_t term[] = { @terms };\n"
    "    return saturate(rescale((int64_t)pixel * factor[channel] + term[channel], 16));\n"
    "}\n"
    "\n";

static const char preprocess[] = "void @name_preprocess(const unsigned char *pixels, @real *input)\n"
                                 "{\n"
                                 "    for (int p = 0; p < @plane; p++)\n"
                                 "        for (int c = 0; c < @channels; c++)\n"
                                 "            input[c * @plane + p] = pixel_value(pixels[p * @channels + c], c);\n"
                                 "}\n"
                                 "\n";

static void append_item(char *text, const char *item)
{
    const size_t used = strlen(text);
    snprintf(text + used, FVI_C_WORD - used, "%s%s", used > 0 ? ", " : "", item);
}

/* Of float: mean and deviation as the header names them. Of fixed point: pixel * factor + term is the input with 16 more bits. */
static void set_pixel_words(const fvi_c_program *program, fvi_c_words *words)
{
    char first[FVI_C_WORD] = "", second[FVI_C_WORD] = "", item[FVI_C_REAL_TEXT + FVI_C_NAME];
    for (int32_t c = 0; c < input_shape(program).c; c++) {
        if (fvi_c_fixed(program)) {
            const double unit = ldexp(1, program->exponents[fv_graph_input(program->graph)] + 16);
            const double deviation = deviation_of(program, c);
            snprintf(item, sizeof item, "%ld", lrint(unit / (255 * deviation)));
            append_item(first, item);
            snprintf(item, sizeof item, "%ld", lrint(-program->preprocess->mean[c] / deviation * unit));
            append_item(second, item);
        } else {
            snprintf(item, sizeof item, "%s_MEAN_%d", program->upper, c);
            append_item(first, item);
            snprintf(item, sizeof item, "%s_DEVIATION_%d", program->upper, c);
            append_item(second, item);
        }
    }
    fvi_c_set_text(words, fvi_c_fixed(program) ? "factors" : "means", "%s", first);
    fvi_c_set_text(words, fvi_c_fixed(program) ? "terms" : "deviations", "%s", second);
}

void fvi_c_write_preprocess(const fvi_c_program *program, fvi_text_buffer *out)
{
    fvi_c_words words;
    if (!takes_pixels(program))
        return;
    set_words(program, &words);
    set_pixel_words(program, &words);
    fvi_c_set(&words, "plane", (int64_t)input_shape(program).h * input_shape(program).w);
    fvi_c_expand(out, fvi_c_fixed(program) ? pixel_fixed : pixel_float, &words);
    fvi_c_expand(out, preprocess, &words);
}

/* The bytes of the image: a linear congruential generator (Press et al., Numerical Recipes, section 7.1.4), its upper bits. */
void fvi_c_test_image(const fvi_c_program *program, float *image)
{
    const fv_image_shape in = input_shape(program);
    const int64_t plane = (int64_t)in.h * in.w;
    uint32_t state = 1;
    for (int64_t i = 0; i < plane * in.c; i++) {
        state = state * 1664525u + 1013904223u;
        const float pixel = (float)(state >> 24) / 255.0f;
        const int32_t c = (int32_t)(i / plane);
        image[i] = takes_pixels(program)
                       ? (pixel - (float)program->preprocess->mean[c]) / (float)deviation_of(program, c)
                       : pixel;
    }
}

static const char self_test_begin[] = "int @name_self_test(@real *input, @real *output)\n"
                                      "{\n"
                                      "    static const @real expected[] = {\n";

static const char self_test_end[] =
    "    };\n"
    "    unsigned long state = 1;\n"
    "    for (int i = 0; i < @NAME_INPUTS; i++) {\n"
    "        state = (state * 1664525ul + 1013904223ul) & 0xfffffffful;\n"
    "?pixels:        input[i] = pixel_value((int)(state >> 24), i / @plane);\n"
    "!pixels:!fixed:        input[i] = (float)(state >> 24) / 255.0f;\n"
    "!pixels:?fixed:        input[i] = saturate(rescale((int64_t)(state >> 24) * @unit, 16));\n"
    "    }\n"
    "    @name_predict(input, output);\n"
    "    for (int i = 0; i < @NAME_OUTPUTS; i++) {\n"
    "!fixed:        if (!(fabsf(output[i] - expected[i]) <= @tolerance))\n"
    "?fixed:        const int32_t difference = (int32_t)output[i] - expected[i];\n"
    "?fixed:        if (difference > @tolerance || difference < -@tolerance)\n"
    "            return 1 + i;\n"
    "    }\n"
    "    return 0;\n"
    "}\n"
    "\n";

/* The library and the source add up in different orders: of a sum of n terms each may err by n/2 units in the last place of the sum of their
 * sizes, which no answer shows. A ten thousandth of the largest output is far above that and far below any mistake; integers answer
 * within a sixteenth. */
static void write_expected(const fvi_c_program *program, fvi_text_buffer *out, fvi_c_words *words)
{
    const int64_t count = fvi_c_elements(output_shape(program));
    char text[FVI_C_REAL_TEXT];
    float largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(program->expected[i]));
    const double unit = fvi_c_fixed(program) ? ldexp(1, program->exponents[fv_graph_output(program->graph)]) : 1;
    for (int64_t i = 0; i < count; i++) {
        fvi_c_real_text(program->expected[i], text);
        if (fvi_c_fixed(program))
            snprintf(text, sizeof text, "%ld", lrint(fmax(-32768, fmin(32767, (double)program->expected[i] * unit))));
        fvi_text_format(out, "%s%s%s", i % 8 == 0 ? "        " : " ", text,
                        i + 1 == count ? "\n"
                        : i % 8 == 7   ? ",\n"
                                       : ",");
    }
    fvi_c_set_real(words, "tolerance", largest > 0 ? (double)largest * 1e-4 : 1e-30);
    if (fvi_c_fixed(program))
        fvi_c_set(words, "tolerance", lrint((double)largest * unit / 16) + 1);
}

void fvi_c_write_self_test(const fvi_c_program *program, fvi_text_buffer *out)
{
    fvi_c_words words;
    if (program->expected == NULL)
        return;
    set_words(program, &words);
    fvi_c_set(&words, "plane", (int64_t)input_shape(program).h * input_shape(program).w);
    if (fvi_c_fixed(program))
        fvi_c_set(&words, "unit", lrint(ldexp(1, program->exponents[fv_graph_input(program->graph)] + 16) / 255));
    fvi_c_expand(out, self_test_begin, &words);
    write_expected(program, out, &words);
    fvi_c_expand(out, self_test_end, &words);
}

/* A name between quotes: what is not plain ASCII as three octal digits, which no digit behind can lengthen. */
static void append_quoted(fvi_text_buffer *out, const char *name)
{
    fvi_text_append(out, "\"");
    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++) {
        const bool plain = *at >= ' ' && *at < 0x7f && strchr("\"\\?", *at) == NULL;
        fvi_text_format(out, plain ? "%c" : "\\%03o", *at);
    }
    fvi_text_append(out, "\"");
}

static const char class_name[] = "    };\n"
                                 "    return index >= 0 && index < @classes ? names[index] : \"\";\n"
                                 "}\n";

void fvi_c_write_class_names(const fvi_c_program *program, fvi_text_buffer *out)
{
    const fv_preprocess *preprocessing = program->preprocess;
    fvi_c_words words;
    set_words(program, &words);
    if (preprocessing == NULL || preprocessing->class_names == NULL)
        return;
    fvi_text_format(out, "const char *%s_class_name(int index)\n{\n    static const char *const names[] = {\n",
                    program->name);
    for (int32_t i = 0; i < preprocessing->classes; i++) {
        const char *name = preprocessing->class_names[i];
        fvi_text_append(out, "        ");
        append_quoted(out, name != NULL ? name : "");
        fvi_text_append(out, ",\n");
    }
    fvi_c_set(&words, "classes", preprocessing->classes);
    fvi_c_expand(out, class_name, &words);
}
