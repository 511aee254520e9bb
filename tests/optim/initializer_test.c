/* SPDX-License-Identifier: Apache-2.0
 *
 * initializer_test.c - mean, variance and range of each distribution. With N = 65536 draws the mean of a distribution
 * with deviation s lies within 5s/sqrt(N) of zero and the variance of a Gaussian within 5*sqrt(2/N) of its own, but for
 * one seed in a million.
 */
#include <math.h>

#include "graph/params_internal.h"
#include "support/test.h"

enum { COUNT = 65536, FAN_IN = 50, FAN_OUT = 14 };

typedef struct moments {
    double mean, variance, largest;
} moments;

static moments draw(fv_initializer initializer, const char *name, uint64_t seed)
{
    static float values[COUNT];
    const fv_param_info info = { .name = name, .initializer = &initializer, .fan_in = FAN_IN, .fan_out = FAN_OUT };
    fvi_initialize(&info, seed, 0, COUNT, values);
    moments m = { 0 };
    for (size_t i = 0; i < COUNT; i++)
        m.mean += (double)values[i] / COUNT;
    for (size_t i = 0; i < COUNT; i++) {
        m.variance += pow((double)values[i] - m.mean, 2) / COUNT;
        m.largest = fmax(m.largest, fabs((double)values[i]));
    }
    return m;
}

FV_TEST(initializer, distributions_have_their_moments)
{
    const struct {
        fv_initializer initializer;
        double variance, limit; /* limit: of the absolute value; 0: none */
    } cases[] = {
        { { .kind = FV_INIT_GAUSSIAN, .value = 0.3 }, 0.09, 0 },
        { { .kind = FV_INIT_UNIFORM, .value = 0.3 }, 0.03, 0.3 },
        { { .kind = FV_INIT_XAVIER }, 1.0 / FAN_IN, 0 },
        { { .kind = FV_INIT_XAVIER, .uniform = true }, 1.0 / FAN_IN, sqrt(3.0 / FAN_IN) },
        { { .kind = FV_INIT_GLOROT }, 2.0 / (FAN_IN + FAN_OUT), 0 },
        { { .kind = FV_INIT_GLOROT, .uniform = true }, 2.0 / (FAN_IN + FAN_OUT), sqrt(6.0 / (FAN_IN + FAN_OUT)) },
        { { .kind = FV_INIT_HE }, 2.0 / FAN_IN, 0 },
        { { .kind = FV_INIT_HE, .uniform = true }, 2.0 / FAN_IN, sqrt(6.0 / FAN_IN) },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const moments m = draw(cases[i].initializer, "layer.weight", i);
        assert_true(fabs(m.mean) < 5 * sqrt(cases[i].variance / COUNT));
        assert_true(fabs(m.variance / cases[i].variance - 1) < 5 * sqrt(2.0 / COUNT));
        if (cases[i].limit > 0) {
            assert_true(m.largest <= cases[i].limit * (1 + 1e-7)); /* rounded to float32 */
            assert_true(m.largest > cases[i].limit * 0.999);
        } else {
            assert_true(m.largest > 3.5 * sqrt(cases[i].variance));
        }
    }
}

FV_TEST(initializer, constant_is_exact)
{
    const moments m = draw((fv_initializer){ .kind = FV_INIT_CONSTANT, .value = 0.5 }, "layer.bias", 1);
    assert_true(m.mean == 0.5 && m.variance == 0);
}

FV_TEST(initializer, any_range_gives_the_same_values)
{
    const fv_initializer he = { .kind = FV_INIT_HE };
    const fv_param_info info = { .name = "x.weight", .initializer = &he, .fan_in = 9, .fan_out = 9 };
    float whole[100], part[100];
    fvi_initialize(&info, 4, 0, 100, whole);
    for (size_t first = 0; first < 100; first += 7) {
        const size_t count = first + 7 <= 100 ? 7 : 100 - first;
        fvi_initialize(&info, 4, first, count, part + first);
    }
    assert_memory_equal(whole, part, sizeof whole);
}

FV_TESTS(initializer, distributions_have_their_moments, constant_is_exact, any_range_gives_the_same_values)
