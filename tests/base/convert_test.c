/* SPDX-License-Identifier: Apache-2.0
 *
 * convert_test.c - numbers of files into float32, against values that are known.
 */
#include <math.h>
#include <string.h>

#include "base/convert.h"
#include "support/test.h"

/* IEEE 754-2019, 3.4: every finite binary16 is (-1)^s * 2^(e-25) * (1024 + f), or 2^-24 * f where e is 0. */
FV_TEST(convert, every_half_is_exact)
{
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        const int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
        const float value = fvi_f16_to_float((uint16_t)bits);
        const double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
        if (exponent == 31 && fraction != 0)
            assert_true(isnan(value));
        else if (exponent == 31)
            assert_true(isinf(value) && (value < 0) == (bits >> 15 != 0));
        else
            assert_true((double)value == (bits >> 15 != 0 ? -magnitude : magnitude));
    }
    assert_true(signbit(fvi_f16_to_float(0x8000)));
}

FV_TEST(convert, types_and_orders_of_bytes)
{
    static const struct {
        const char *type;
        unsigned char bytes[8]; /* little-endian */
        float value;
    } cases[] = {
        { "F16", { 0x00, 0xc0 }, -2 },
        { "BF16", { 0xc0, 0x3f }, 1.5f },
        { "F32", { 0x00, 0x00, 0x20, 0xc1 }, -10 },
        { "F64", { 0, 0, 0, 0, 0, 0, 0xf8, 0x3f }, 1.5f },
        { "I8", { 0xff }, -1 },
        { "U8", { 0xff }, 255 },
        { "I16", { 0xfe, 0xff }, -2 },
        { "U16", { 0xfe, 0xff }, 65534 },
        { "I32", { 0xfd, 0xff, 0xff, 0xff }, -3 },
        { "U32", { 0x00, 0x00, 0x00, 0x80 }, 2147483648.0f },
        { "I64", { 0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, -4 },
        { "U64", { 0, 0, 0, 0, 0, 0, 0, 0x80 }, 9223372036854775808.0f },
        { "BOOL", { 2 }, 1 },
    };
    const bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const fvi_number type = fvi_number_of(cases[i].type);
        const size_t size = fvi_number_bytes(type);
        unsigned char two[17] = { 0 }; /* at an odd address: both orders */
        float values[2];
        assert_string_equal(fvi_number_name(type), cases[i].type);
        for (size_t b = 0; b < size; b++) {
            two[1 + b] = cases[i].bytes[b];
            two[1 + size + size - 1 - b] = cases[i].bytes[b];
        }
        fvi_numbers_to_float(type, big, two + 1, 1, values);
        fvi_numbers_to_float(type, !big, two + 1 + size, 1, values + 1);
        assert_true(values[0] == cases[i].value && values[1] == cases[i].value);
    }
    assert_true(fvi_number_of("F8") == FVI_NUMBER_NONE && fvi_number_bytes(FVI_NUMBER_NONE) == 0);
}

FV_TESTS(convert, every_half_is_exact, types_and_orders_of_bytes)
