/* SPDX-License-Identifier: Apache-2.0
 *
 * random_test.c - Philox4x32-10 against the published vectors, and the distributions' moments.
 */
#include "base/random.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/math.h"
#include "support/test.h"

/* The known answers of Random123 (Salmon et al.), file kat_vectors, lines philox4x32 10. */
FV_TEST(random, known_answers)
{
    static const struct {
        uint32_t counter[4], key[2], draw[4];
    } known[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
          { 0xffffffff, 0xffffffff },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < 3; i++) {
        uint32_t draw[4];
        fvi_philox(known[i].counter, known[i].key, draw);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(draw[k], known[i].draw[k]);
    }
}

FV_TEST(random, draws_depend_on_position_alone)
{
    fvi_random in_order = fvi_random_start(1, FVI_PURPOSE_TEST, 42);
    for (uint64_t i = 0; i < 100; i++) {
        fvi_random jumped = fvi_random_start(1, FVI_PURPOSE_TEST, 42);
        jumped.position = i;
        assert_int_equal(fvi_random_u32(&in_order), fvi_random_u32(&jumped));
        assert_int_equal(in_order.position, i + 1);
    }
}

FV_TEST(random, streams_differ)
{
    const fvi_random streams[] = {
        fvi_random_start(1, FVI_PURPOSE_TEST, 0),
        fvi_random_start(2, FVI_PURPOSE_TEST, 0),
        fvi_random_start(1, FVI_PURPOSE_SHUFFLE, 0),
        fvi_random_start(1, FVI_PURPOSE_TEST, 1),
        fvi_random_start(1, FVI_PURPOSE_TEST, UINT64_C(1) << 32),
    };
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++) {
            fvi_random a = streams[i], b = streams[j];
            int same = 0;
            for (int k = 0; k < 64; k++)
                same += fvi_random_u32(&a) == fvi_random_u32(&b);
            assert_true(same < 2);
        }
}

FV_TEST(random, below_is_uniform)
{
    enum { DRAWS = 60000, BOUND = 6 };
    fvi_random random = fvi_random_start(3, FVI_PURPOSE_TEST, 0);
    int count[BOUND] = { 0 };
    for (int i = 0; i < DRAWS; i++) {
        const uint32_t draw = fvi_random_below(&random, BOUND);
        assert_true(draw < BOUND);
        count[draw]++;
    }
    double chi_square = 0.0;
    for (int i = 0; i < BOUND; i++)
        chi_square += (count[i] - DRAWS / 6.0) * (count[i] - DRAWS / 6.0) / (DRAWS / 6.0);
    assert_true(chi_square < 20.5); /* the 99.9% point with 5 degrees of freedom */
    assert_int_equal(fvi_random_below(&random, 1), 0);
    /* A bound just over 2^31, where taking the remainder would favour the lower half twofold: the mean shows it. */
    double mean = 0.0;
    for (int i = 0; i < DRAWS; i++)
        mean += fvi_random_below(&random, 0x80000001u) / (double)DRAWS;
    assert_true(fabs(mean / 0x80000001u - 0.5) < 4 * 0.2887 / sqrt(DRAWS));
}

/* Within four standard errors of the moments of each distribution. */
FV_TEST(random, moments)
{
    enum { DRAWS = 100000 };
    fvi_random random = fvi_random_start(4, FVI_PURPOSE_TEST, 0);
    double sum = 0.0, square = 0.0, gaussian = 0.0, gaussian_square = 0.0, fourth = 0.0;
    for (int i = 0; i < DRAWS; i++) {
        const double u = fvi_random_uniform(&random);
        const double g = fvi_random_gaussian(&random);
        assert_true(u >= 0.0 && u < 1.0);
        sum += u;
        square += u * u;
        gaussian += g;
        gaussian_square += g * g;
        fourth += g * g * g * g;
    }
    const double error = 1.0 / sqrt(DRAWS);
    assert_true(fabs(sum / DRAWS - 0.5) < 4 * 0.2887 * error);
    assert_true(fabs(square / DRAWS - 1.0 / 3.0) < 4 * 0.2981 * error);
    assert_true(fabs(gaussian / DRAWS) < 4 * error);
    assert_true(fabs(gaussian_square / DRAWS - 1.0) < 4 * 1.4142 * error);
    assert_true(fabs(fourth / DRAWS - 3.0) < 4 * 9.798 * error);
    /* Six draws each: two for the uniform, four for the Gaussian. */
    assert_int_equal(random.position, 6 * DRAWS);
}

/* Values of the FNV reference: draft-eastlake-fnv, test vectors for 64-bit FNV-1a. */
FV_TEST(random, text_hash)
{
    assert_true(fvi_hash_text("") == UINT64_C(0xcbf29ce484222325));
    assert_true(fvi_hash_text("a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(fvi_hash_text("foobar") == UINT64_C(0x85944171f73967e8));
}

/* A uniform number is two draws and a normal one four, wherever they begin in a block of four. */
FV_TEST(random, numbers_are_made_of_draws_in_order)
{
    for (uint64_t position = 0; position < 9; position++) {
        fvi_random draws = fvi_random_start(3, FVI_PURPOSE_TEST, 5);
        draws.position = position;
        fvi_random uniform = draws, gaussian = draws;
        const uint64_t high = fvi_random_u32(&draws), low = fvi_random_u32(&draws);
        const double expected = (double)((high << 32 | low) >> 11) * 0x1p-53;
        assert_true(fvi_random_uniform(&uniform) == expected);
        assert_int_equal(uniform.position, position + 2);
        const double turns = fvi_random_uniform(&uniform);
        assert_true(fvi_random_gaussian(&gaussian) == sqrt(-2.0 * fvi_log(1 - expected)) * fvi_cos_turns(turns));
        assert_int_equal(gaussian.position, position + 4);
    }
}

FV_TESTS(random, known_answers, draws_depend_on_position_alone, streams_differ, below_is_uniform, moments, text_hash,
         numbers_are_made_of_draws_in_order)
