/* SPDX-License-Identifier: Apache-2.0
 *
 * c_helpers.c - small functions that the steps of a program share. Formulas: src/kernel/eltwise/activation.h.
 */
#include "interchange/c/c_internal.h"

static const char *const helpers[FVI_C_HELPERS] = {
    [FVI_C_RELU] = "static inline float relu(float v)\n"
                   "{\n"
                   "    return v < 0.0f ? 0.0f : v;\n"
                   "}\n\n",
    [FVI_C_RELU6] = "static inline float relu6(float v)\n"
                    "{\n"
                    "    return v < 0.0f ? 0.0f : v > 6.0f ? 6.0f : v;\n"
                    "}\n\n",
    [FVI_C_LEAKY_RELU] = "static inline float leaky_relu(float v, float slope)\n"
                         "{\n"
                         "    return v > 0.0f ? v : slope * v;\n"
                         "}\n\n",
    [FVI_C_ELU] = "static inline float elu(float v, float alpha)\n"
                  "{\n"
                  "    return v > 0.0f ? v : alpha * expm1f(v);\n"
                  "}\n\n",
    [FVI_C_SOFTPLUS] = "static inline float softplus(float v, float beta)\n"
                       "{\n"
                       "    return (v > 0.0f ? v : 0.0f) + log1pf(expf(-beta * fabsf(v))) / beta;\n"
                       "}\n\n",
    [FVI_C_SIGMOID] = "static inline float sigmoid(float v)\n"
                      "{\n"
                      "    return 1.0f / (1.0f + expf(-v));\n"
                      "}\n\n",
    [FVI_C_HARD_SIGMOID] = "static inline float hard_sigmoid(float v)\n"
                           "{\n"
                           "    return v < -3.0f ? 0.0f : v > 3.0f ? 1.0f : (v + 3.0f) / 6.0f;\n"
                           "}\n\n",
    [FVI_C_SCALED_TANH] = "static inline float scaled_tanh(float v, float amplitude, float slope)\n"
                          "{\n"
                          "    return amplitude * tanhf(slope * v);\n"
                          "}\n\n",
    [FVI_C_SELU] = "static inline float selu(float v, float alpha, float scale)\n"
                   "{\n"
                   "    return v > 0.0f ? scale * v : alpha * expm1f(v);\n"
                   "}\n\n",
    [FVI_C_CLIP] = "static inline float clip(float v, float low, float high)\n"
                   "{\n"
                   "    return v < low ? low : v > high ? high : v;\n"
                   "}\n\n",
    [FVI_C_CLIPPED_LINE] = "static inline float clipped_line(float v, float slope, float offset)\n"
                           "{\n"
                           "    const float line = slope * v + offset;\n"
                           "    return line < 0.0f ? 0.0f : line > 1.0f ? 1.0f : line;\n"
                           "}\n\n",
    [FVI_C_LINEAR] = "static inline float linear(float v, float scale, float shift)\n"
                     "{\n"
                     "    return scale * v + shift;\n"
                     "}\n\n",
    [FVI_C_GELU] = "static inline float gelu(float v)\n"
                   "{\n"
                   "    return 0.5f * v * erfcf(-0.707106781f * v);\n"
                   "}\n\n",
    [FVI_C_GELU_TANH] = "static inline float gelu_tanh(float v)\n"
                        "{\n"
                        "    return 0.5f * v * (1.0f + tanhf(0.797884561f * (v + 0.044715f * v * v * v)));\n"
                        "}\n\n",
    [FVI_C_SILU] = "static inline float silu(float v)\n"
                   "{\n"
                   "    return v / (1.0f + expf(-v));\n"
                   "}\n\n",
    [FVI_C_HARD_SWISH] = "static inline float hard_swish(float v)\n"
                         "{\n"
                         "    return v < -3.0f ? 0.0f : v > 3.0f ? v : v * (v + 3.0f) / 6.0f;\n"
                         "}\n\n",
    [FVI_C_LARGER] = "/* A value that is not a number wins. */\n"
                     "static inline float larger(float a, float b)\n"
                     "{\n"
                     "    return b > a || b != b ? b : a;\n"
                     "}\n\n",
    [FVI_C_FIRST_CELL] = "/* The first j from 0 on with j * stride >= edge. */\n"
                         "static inline int first_cell(int edge, int stride)\n"
                         "{\n"
                         "    return edge > 0 ? (edge + stride - 1) / stride : 0;\n"
                         "}\n\n",
    [FVI_C_LAST_CELL] = "/* How many j from 0 on, of count, have j * stride < edge. */\n"
                        "static inline int last_cell(int edge, int stride, int count)\n"
                        "{\n"
                        "    const int cells = edge > 0 ? (edge + stride - 1) / stride : 0;\n"
                        "    return cells < count ? cells : count;\n"
                        "}\n\n",
    [FVI_C_COPY] = "static void copy(int count, const float *from, float *to)\n"
                   "{\n"
                   "    for (int i = 0; i < count; i++)\n"
                   "        to[i] = from[i];\n"
                   "}\n\n",
};

/* Those whose text differs in fixed point, and those that only it has. */
static const char *const fixed_helpers[FVI_C_HELPERS] = {
    [FVI_C_SATURATE] = "static inline int16_t saturate(int64_t v)\n"
                       "{\n"
                       "    return (int16_t)(v < -32768 ? -32768 : v > 32767 ? 32767 : v);\n"
                       "}\n\n",
    [FVI_C_RESCALE] =
        "/* v / 2^shift, rounded; shift may be negative. */\n"
        "static inline int64_t rescale(int64_t v, int shift)\n"
        "{\n"
        "    return shift > 0 ? (v + ((int64_t)1 << (shift - 1))) >> shift : v * ((int64_t)1 << -shift);\n"
        "}\n\n",
    [FVI_C_SCALE] = "/* A sum as a value: times factor / 2^shift. */\n"
                    "static inline int16_t to_value(int64_t sum, int16_t factor, int shift)\n"
                    "{\n"
                    "    return saturate(rescale(sum * factor, shift));\n"
                    "}\n\n",
    [FVI_C_RELU] = "static inline int16_t relu(int16_t v)\n"
                   "{\n"
                   "    return v < 0 ? 0 : v;\n"
                   "}\n\n",
    [FVI_C_CLIP] = "static inline int16_t clip(int16_t v, int16_t low, int16_t high)\n"
                   "{\n"
                   "    return v < low ? low : v > high ? high : v;\n"
                   "}\n\n",
    [FVI_C_LEAKY_RELU] = "/* Below 0 times factor / 2^shift. */\n"
                         "static inline int16_t leaky_relu(int16_t v, int16_t factor, int shift)\n"
                         "{\n"
                         "    return v > 0 ? v : saturate(rescale((int32_t)v * factor, shift));\n"
                         "}\n\n",
    [FVI_C_LARGER] = "static inline int16_t larger(int16_t a, int16_t b)\n"
                     "{\n"
                     "    return b > a ? b : a;\n"
                     "}\n\n",
    [FVI_C_LOOK_UP] =
        "/* A function by its values at every 128th integer, straight lines between. */\n"
        "static inline int16_t look_up(const int16_t table[513], int16_t v)\n"
        "{\n"
        "    const int32_t at = (int32_t)v + 32768, first = table[at >> 7], second = table[(at >> 7) + 1];\n"
        "    return (int16_t)(first + (((second - first) * (at & 127) + 64) >> 7));\n"
        "}\n\n",
    [FVI_C_DIVIDE] = "/* v / by, rounded. */\n"
                     "static inline int16_t divide(int64_t v, int32_t by)\n"
                     "{\n"
                     "    return (int16_t)(v < 0 ? -((by / 2 - v) / by) : (v + by / 2) / by);\n"
                     "}\n\n",
    [FVI_C_COPY] = "static void copy(int count, const int16_t *from, int16_t *to)\n"
                   "{\n"
                   "    for (int i = 0; i < count; i++)\n"
                   "        to[i] = from[i];\n"
                   "}\n\n",
    [FVI_C_ADAPT] = "/* A copy whose integers stand for numbers by another power of two. */\n"
                    "static void adapt(int count, const int16_t *from, int shift, int16_t *to)\n"
                    "{\n"
                    "    for (int i = 0; i < count; i++)\n"
                    "        to[i] = saturate(rescale(from[i], shift));\n"
                    "}\n\n",
};

void fvi_c_write_helpers(const fvi_c_program *program, fvi_text_buffer *out)
{
    const char *const *texts = fvi_c_fixed(program) ? fixed_helpers : helpers;
    for (int i = 0; i < FVI_C_HELPERS; i++)
        if ((program->helpers >> i & 1) != 0)
            fvi_text_append(out, texts[i]);
}
