/* SPDX-License-Identifier: Apache-2.0
 *
 * convert.c - see convert.h. binary16: IEEE 754-2019, 3.4: 1 sign, 5 bits of exponent (bias 15), 10 of significand.
 */
#include "base/convert.h"

#include <string.h>

#include "base/bf16.h"

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [FVI_NUMBER_NONE] = { "", 0 },   [FVI_NUMBER_F16] = { "F16", 2 },   [FVI_NUMBER_BF16] = { "BF16", 2 },
    [FVI_NUMBER_F32] = { "F32", 4 }, [FVI_NUMBER_F64] = { "F64", 8 },   [FVI_NUMBER_I8] = { "I8", 1 },
    [FVI_NUMBER_U8] = { "U8", 1 },   [FVI_NUMBER_I16] = { "I16", 2 },   [FVI_NUMBER_U16] = { "U16", 2 },
    [FVI_NUMBER_I32] = { "I32", 4 }, [FVI_NUMBER_U32] = { "U32", 4 },   [FVI_NUMBER_I64] = { "I64", 8 },
    [FVI_NUMBER_U64] = { "U64", 8 }, [FVI_NUMBER_BOOL] = { "BOOL", 1 },
};

enum { TYPES = sizeof types / sizeof types[0] };

fvi_number fvi_number_of(const char *name)
{
    for (int i = 1; i < TYPES; i++)
        if (strcmp(types[i].name, name) == 0)
            return (fvi_number)i;
    return FVI_NUMBER_NONE;
}

const char *fvi_number_name(fvi_number type)
{
    return types[type].name;
}

size_t fvi_number_bytes(fvi_number type)
{
    return types[type].bytes;
}

float fvi_f16_to_float(uint16_t x)
{
    const uint32_t sign = (uint32_t)(x & 0x8000u) << 16, exponent = x >> 10 & 0x1fu, fraction = x & 0x3ffu;
    float value;
    if (exponent == 0) { /* zero or subnormal: fraction * 2^-24, exact in float32 */
        value = (float)fraction * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    const uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The bits of a number of so many bytes, lowest first in value. */
static uint64_t bits_of(const unsigned char *bytes, size_t size, bool swapped)
{
    unsigned char ordered[8] = { 0 };
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    for (size_t i = 0; i < size; i++)
        ordered[i] = bytes[swapped ? size - 1 - i : i];
    switch (size) {
    case 1:
        return ordered[0];
    case 2:
        memcpy(&two, ordered, sizeof two);
        return two;
    case 4:
        memcpy(&four, ordered, sizeof four);
        return four;
    default:
        memcpy(&eight, ordered, sizeof eight);
        return eight;
    }
}

static float as_float(fvi_number type, uint64_t bits)
{
    const uint32_t low = (uint32_t)bits;
    float single;
    double real;
    switch (type) {
    case FVI_NUMBER_F16:
        return fvi_f16_to_float((uint16_t)bits);
    case FVI_NUMBER_BF16:
        return fvi_bf16_to_float((uint16_t)bits);
    case FVI_NUMBER_F32:
        memcpy(&single, &low, sizeof single);
        return single;
    case FVI_NUMBER_F64:
        memcpy(&real, &bits, sizeof real);
        return (float)real;
    case FVI_NUMBER_I8:
        return (float)(int8_t)bits;
    case FVI_NUMBER_I16:
        return (float)(int16_t)bits;
    case FVI_NUMBER_I32:
        return (float)(int32_t)bits;
    case FVI_NUMBER_I64:
        return (float)(int64_t)bits;
    case FVI_NUMBER_BOOL:
        return bits != 0 ? 1.0f : 0.0f;
    case FVI_NUMBER_NONE:
        return 0;
    default: /* without sign */
        return (float)bits;
    }
}

void fvi_numbers_to_float(fvi_number type, bool swapped, const void *bytes, size_t count, float *values)
{
    const size_t size = types[type].bytes;
    const unsigned char *next = bytes;
    if (type == FVI_NUMBER_F32 && !swapped) {
        memcpy(values, bytes, count * sizeof *values);
        return;
    }
    for (size_t i = 0; i < count; i++, next += size)
        values[i] = as_float(type, bits_of(next, size, swapped));
}
