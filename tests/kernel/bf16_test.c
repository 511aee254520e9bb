/* SPDX-License-Identifier: Apache-2.0
 *
 * bf16_test.c - conversion between bfloat16 and float32: every bfloat16 number, ties, what is no number, and that the kernels of
 * every instruction set give the bits of base/bf16.h, which gives those of the formula here.
 */
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/bf16/bf16.h"
#include "support/test.h"
#include "support/values.h"

enum { ALL = 65536, COUNT = 4099 /* every tail of every vector length */ };

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static bool is_subnormal(uint32_t i)
{
    return (i & 0x7f80u) == 0 && (i & 0x7fu) != 0;
}

FV_TEST(bf16, every_number_survives_widening_and_narrowing)
{
    for (uint32_t i = 0; i < ALL; i++) {
        const float x = fvi_bf16_to_float((uint16_t)i);
        const uint16_t back = fvi_bf16_from_float(x);
        assert_int_equal(bits_of(x), i << 16);
        if (is_subnormal(i))
            assert_int_equal(back, i & 0x8000u);
        else if (isnan(x))
            assert_int_equal(back, i | 0x40u); /* quiet */
        else
            assert_int_equal(back, i);
    }
}

/* The two neighbours in bfloat16 of what lies between them, by their distance in double, which is exact. */
FV_TEST(bf16, narrowing_takes_the_nearest_and_of_two_the_even_one)
{
    for (uint32_t high = 0x0080; high < 0x7f7f; high += 37) {
        const double low_value = (double)from_bits(high << 16), high_value = (double)from_bits((high + 1) << 16);
        for (uint32_t low = 0; low <= 0xffff; low += low % 0x4000 == 0 || low % 0x4000 == 0x3fff ? 1 : 0x3ffe) {
            const float x = from_bits(high << 16 | low);
            const double down = (double)x - low_value, up = high_value - (double)x;
            const uint32_t nearest = down < up ? high : down > up ? high + 1 : high + (high & 1u);
            assert_int_equal(fvi_bf16_from_float(x), nearest);
            assert_int_equal(fvi_bf16_from_float(-x), nearest | 0x8000u);
        }
    }
    assert_int_equal(fvi_bf16_from_float(from_bits(0x3f808000u)), 0x3f80); /* 1 + 2^-8: a tie, down to even */
    assert_int_equal(fvi_bf16_from_float(from_bits(0x3f818000u)), 0x3f82); /* up to even */
    assert_int_equal(fvi_bf16_from_float(from_bits(0x3f808001u)), 0x3f81); /* just above it */
}

FV_TEST(bf16, what_is_no_number_stays_so)
{
    assert_int_equal(fvi_bf16_from_float((float)INFINITY), 0x7f80);
    assert_int_equal(fvi_bf16_from_float(-(float)INFINITY), 0xff80);
    assert_int_equal(fvi_bf16_from_float(from_bits(0x7f7fffffu)), 0x7f80); /* too large becomes infinite */
    assert_int_equal(fvi_bf16_from_float(from_bits(0x7f800001u)),
                     0x7fc0); /* a NaN whose upper half alone were infinite */
    assert_int_equal(fvi_bf16_from_float(from_bits(0xffc12345u)), 0xffc1);
    assert_int_equal(fvi_bf16_from_float(from_bits(0x007fffffu)), 0x0000); /* subnormals, even the largest */
    assert_int_equal(fvi_bf16_from_float(from_bits(0x80000001u)), 0x8000);
    assert_int_equal(fvi_bf16_from_float(from_bits(0x00800000u)), 0x0080); /* the smallest normal number */
}

static void check_narrow(const fvi_bf16_kernels *kernels, size_t count, const float *from)
{
    uint16_t to[COUNT + 1];
    to[count] = 0x1234;
    kernels->narrow(count, from, to);
    for (size_t i = 0; i < count; i++)
        if (to[i] != fvi_bf16_from_float(from[i]))
            fail_msg("%s: %08x becomes %04x, not %04x", kernels->name, (unsigned)bits_of(from[i]), to[i],
                     fvi_bf16_from_float(from[i]));
    assert_int_equal(to[count], 0x1234);
}

static void check_widen(const fvi_bf16_kernels *kernels, size_t count, const uint16_t *from)
{
    float to[COUNT + 1];
    to[count] = 5;
    kernels->widen(count, from, to);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(bits_of(to[i]), (uint32_t)from[i] << 16);
    assert_true(to[count] == 5);
}

/* Sums of bf16 numbers in float32, rounded; NaN where both agree that it is one. */
static void check_add(const fvi_bf16_kernels *kernels, size_t count, const uint16_t *a, const uint16_t *b)
{
    uint16_t y[COUNT];
    kernels->add(count, a, b, y);
    for (size_t i = 0; i < count; i++) {
        const float sum = fvi_bf16_to_float(a[i]) + fvi_bf16_to_float(b[i]);
        if (y[i] != fvi_bf16_from_float(sum) && !(isnan(sum) && isnan(fvi_bf16_to_float(y[i]))))
            fail_msg("%s: %04x + %04x is %04x, not %04x", kernels->name, a[i], b[i], y[i], fvi_bf16_from_float(sum));
    }
}

FV_TEST(bf16, kernels_of_every_instruction_set_give_these_bits)
{
    static const uint32_t special[] = { 0,           0x80000000u, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0x7f800001u,
                                        0x007fffffu, 0x00800000u, 0x7f7fffffu, 0x3f808000u, 0x3f818000u, 0x80000001u };
    static float values[COUNT];
    static uint16_t numbers[ALL];
    for (uint32_t i = 0; i < COUNT; i++)
        values[i] = from_bits(i % 29 < 12 ? special[i % 29] : test_hash(i, 1));
    for (uint32_t i = 0; i < ALL; i++)
        numbers[i] = (uint16_t)i;
    for (int isa = FVI_ISA_BASELINE; isa <= FVI_ISA_NEON; isa++) {
        if (!fvi_isa_runs((fvi_isa)isa, fvi_cpu_features()))
            continue;
        const fvi_bf16_kernels *kernels = fvi_bf16_kernels_for((fvi_isa)isa);
        for (size_t count = 0; count <= 70; count++) {
            check_narrow(kernels, count, values + count);
            check_widen(kernels, count, numbers + 0x3f00 + count);
            check_add(kernels, count, numbers + 0x3f00 + count, numbers + 0xbf03);
        }
        check_narrow(kernels, COUNT, values);
        for (size_t i = 0; i + COUNT <= ALL; i += COUNT) {
            check_widen(kernels, COUNT, numbers + i);
            if (!is_subnormal((uint32_t)i) &&
                !is_subnormal((uint32_t)i + COUNT)) /* the kernels run in any float mode here */
                check_add(kernels, COUNT, numbers + i, numbers + 0x3000);
        }
    }
}

FV_TESTS(bf16, every_number_survives_widening_and_narrowing, narrowing_takes_the_nearest_and_of_two_the_even_one,
         what_is_no_number_stays_so, kernels_of_every_instruction_set_give_these_bits)
