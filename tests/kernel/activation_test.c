/* SPDX-License-Identifier: Apache-2.0
 *
 * activation_test.c - activations: each vector table against the reference, bit by bit, at every length around the lane
 * counts and at every special value; and the reference against its formula, up to scores of 10,000.
 */
#include <math.h>
#include <string.h>

#include "kernel/kernels.h"
#include "support/tables.h"
#include "support/test.h"
#include "support/values.h"

enum { MOST = 70, GUARD = 16, SPECIALS = 26 };

static const float special[SPECIALS] = { 0.0f,       -0.0f,    1.0f,      -1.0f,   0x1p-149f, -0x1p-149f, 0x1p-126f,
                                         -0x1p-126f, 88.5f,    -88.5f,    89.5f,   -103.5f,   1e4f,       -1e4f,
                                         0.625f,     -0.625f,  0.624f,    -0.624f, 3.0f,      -3.0f,      6.0f,
                                         -6.0f,      INFINITY, -INFINITY, 3.4e38f, -3.4e38f };
static const fvi_activation formulas[] = {
    { FVI_RELU, 0, 0 },
    { FVI_RELU6, 0, 0 },
    { FVI_LEAKY_RELU, 0.01, 0 },
    { FVI_ELU, 1.5, 0 },
    { FVI_SOFTPLUS, 1, 0 },
    { FVI_SOFTPLUS, 3.5, 0 },
    { FVI_SIGMOID, 0, 0 },
    { FVI_HARD_SIGMOID, 0, 0 },
    { FVI_TANH, 0, 0 },
    { FVI_GELU, 0, 0 },
    { FVI_SCALED_TANH, 1.7159, 2.0 / 3.0 },
    { FVI_GELU_TANH, 0, 0 },
    { FVI_SILU, 0, 0 },
    { FVI_HARD_SWISH, 0, 0 },
    { FVI_SELU, 1.7580993408473766, 1.0507009873554805 },
    { FVI_CLIP, -0.5, 2 },
    { FVI_CLIPPED_LINE, 0.2, 0.5 },
    { FVI_LINEAR, -1.5, 0.25 },
    { FVI_EXP, 0, 0 },
    { FVI_LOG, 0, 0 },
    { FVI_ABSOLUTE, 0, 0 },
    { FVI_POWER, 2, 0 },
    { FVI_POWER, -1, 0 },
    { FVI_POWER, 0, 0.5 },
    { FVI_POWER, 0, -0.5 },
    { FVI_POWER, 1, 0.25 },
    { FVI_POWER, -2, -0.25 },
};
enum { FORMULAS = sizeof formulas / sizeof formulas[0] };

static void fill(float values[MOST + GUARD], uint64_t seed, double range)
{
    double draws[MOST + GUARD];
    test_fill(draws, MOST + GUARD, seed, -range, range);
    for (size_t i = 0; i < MOST + GUARD; i++)
        values[i] = (float)draws[i];
}

static void check_bits(const char *table, const char *what, int kind, size_t count, const float *x, const float *got,
                       const float *wanted)
{
    for (size_t i = 0; i < MOST + GUARD; i++)
        if (memcmp(&got[i], &wanted[i], sizeof *got) != 0 && !(isnan(got[i]) && isnan(wanted[i])))
            fail_msg("%s: %s %d of %zu elements: at %.9g [%zu] is %.9g, the reference gives %.9g", table, what, kind,
                     count, (double)x[i], i, (double)got[i], (double)wanted[i]);
}

static void check_activation(const fvi_kernels *fast, const fvi_kernels *reference, const fvi_activation *formula,
                             size_t count, const float *x)
{
    float y[MOST + GUARD], dy[MOST + GUARD], got[MOST + GUARD], wanted[MOST + GUARD];
    fill(dy, 5, 2.0);
    memset(got, 0x55, sizeof got);
    memset(wanted, 0x55, sizeof wanted);
    reference->activation(formula, count, x, wanted);
    fast->activation(formula, count, x, got);
    check_bits(fast->name, "activation", (int)formula->kind, count, x, got, wanted);
    memcpy(y, formula->kind < FVI_GELU ? wanted : x, sizeof y);
    memset(got, 0x55, sizeof got);
    memset(wanted, 0x55, sizeof wanted);
    reference->activation_backward(formula, count, y, dy, wanted);
    fast->activation_backward(formula, count, y, dy, got);
    check_bits(fast->name, "backward of activation", (int)formula->kind, count, y, got, wanted);
}

FV_TEST(activation, every_table_gives_the_bits_of_the_reference)
{
    const fvi_kernels *tables[TEST_TABLES], *reference = fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const size_t table_count = test_tables(tables);
    float x[MOST + GUARD], exotic[MOST + GUARD];
    assert_true(table_count >= 1);
    fill(x, 3, 6.0);
    fill(exotic, 4, 100.0);
    memcpy(exotic, special, sizeof special);
    exotic[SPECIALS] = NAN;
    for (size_t t = 0; t < table_count; t++)
        for (size_t f = 0; f < FORMULAS; f++)
            for (size_t count = 0; count <= MOST; count++) {
                check_activation(tables[t], reference, &formulas[f], count, x);
                check_activation(tables[t], reference, &formulas[f], count, exotic);
            }
}

FV_TEST(activation, every_kind_is_tested)
{
    for (int kind = 0; kind < FVI_ACTIVATIONS; kind++) {
        bool found = false;
        for (size_t f = 0; f < FORMULAS; f++)
            found = found || (int)formulas[f].kind == kind;
        assert_true(found);
    }
}

FV_TEST(activation, a_nan_passes_through)
{
    const fvi_kernels *tables[TEST_TABLES];
    const size_t table_count = test_tables(tables);
    for (size_t t = 0; t < table_count; t++)
        for (size_t f = 0; f < FORMULAS; f++) {
            float x[33], y[33];
            for (size_t i = 0; i < 33; i++)
                x[i] = NAN;
            tables[t]->activation(&formulas[f], 33, x, y);
            for (size_t i = 0; i < 33; i++)
                assert_true(isnan(y[i]));
        }
}

/* The formulas once more, with libm. */
static double exact(const fvi_activation *f, double x)
{
    const double gate = fmin(fmax(x + 3, 0), 6) / 6, z = f->a * x;
    switch (f->kind) {
    case FVI_RELU:
        return fmax(x, 0);
    case FVI_RELU6:
        return fmin(fmax(x, 0), 6);
    case FVI_LEAKY_RELU:
        return x > 0 ? x : f->a * x;
    case FVI_ELU:
        return x > 0 ? x : f->a * expm1(x);
    case FVI_SOFTPLUS:
        return (fmax(z, 0) + log1p(exp(-fabs(z)))) / f->a;
    case FVI_SIGMOID:
        return 1 / (1 + exp(-x));
    case FVI_HARD_SIGMOID:
        return gate;
    case FVI_TANH:
        return tanh(x);
    case FVI_SCALED_TANH:
        return f->a * tanh(f->b * x);
    case FVI_GELU:
        return x * 0.5 * (1 + erf(x / sqrt(2.0)));
    case FVI_GELU_TANH:
        return x * 0.5 * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case FVI_SILU:
        return x / (1 + exp(-x));
    case FVI_HARD_SWISH:
        return x * gate;
    case FVI_SELU:
        return x > 0 ? f->b * x : f->a * expm1(x);
    case FVI_CLIP:
        return fmin(fmax(x, f->a), f->b);
    case FVI_CLIPPED_LINE:
        return fmin(fmax(f->a * x + f->b, 0), 1);
    case FVI_LINEAR:
        return f->a * x + f->b;
    case FVI_EXP:
        return exp(x);
    case FVI_LOG:
        return log(x);
    case FVI_ABSOLUTE:
        return fabs(x);
    case FVI_POWER:
        return pow(x, f->a + f->b);
    case FVI_ACTIVATIONS:
        break;
    }
    return (double)NAN;
}

FV_TEST(activation, values_match_their_formulas)
{
    const fvi_kernels *kernels = fvi_kernels_for(FV_F64, FVI_ISA_BASELINE, true);
    const double x[] = { -1e4, -800, -30, -5.5, -3, -0.5, 0, 1e-9, 0.25, 1, 3, 4, 6, 7, 40, 1e4 };
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++)
        for (size_t f = 0; f < FORMULAS; f++) {
            const double wanted = exact(&formulas[f], x[i]);
            double y = 0;
            kernels->activation(&formulas[f], 1, &x[i], &y);
            if (y == wanted || (isnan(y) && isnan(wanted))) /* infinite, or of a number that has no logarithm or root */
                continue;
            /* a few roundings, of y and, where terms cancel, of x */
            if (!(fabs(y - wanted) <= 4 * 2.3e-16 * fmax(1.0, fmax(fabs(wanted), fmin(fabs(x[i]), 10)))))
                fail_msg("activation %d at %g: %.17g, not %.17g", (int)formulas[f].kind, x[i], y, wanted);
        }
}

/* Those that neither end in a straight line nor are meant to be bounded. */
static bool is_elementary(fvi_activation_kind kind)
{
    return kind == FVI_LINEAR || kind == FVI_EXP || kind == FVI_LOG || kind == FVI_ABSOLUTE || kind == FVI_POWER;
}

FV_TEST(activation, derivatives_are_finite_at_ten_thousand)
{
    const fvi_kernels *tables[TEST_TABLES];
    const size_t table_count = test_tables(tables);
    const float x[2] = { -1e4f, 1e4f }, dy[2] = { 1, 1 };
    for (size_t t = 0; t < table_count; t++)
        for (size_t f = 0; f < FORMULAS; f++) {
            const float steepest = formulas[f].kind == FVI_SELU ? (float)formulas[f].b : 1;
            float y[2], dx[2];
            if (is_elementary(formulas[f].kind))
                continue;
            tables[t]->activation(&formulas[f], 2, x, y);
            tables[t]->activation_backward(&formulas[f], 2, formulas[f].kind < FVI_GELU ? y : x, dy, dx);
            for (int i = 0; i < 2; i++)
                assert_true(isfinite(y[i]) && dx[i] >= -1e-6f && dx[i] <= steepest) /* scaled_tanh: 0 up to rounding */;
            if (formulas[f].kind == FVI_SOFTPLUS || formulas[f].kind >= FVI_GELU)
                assert_true(y[0] == 0 && y[1] == 1e4f && dx[0] == 0 && dx[1] == 1);
        }
}

/* The tail of softplus: y = exp(x) there, and so is the derivative, to a few eps relative although 1 - exp(-y) cancels. */
FV_TEST(activation, softplus_keeps_its_tail)
{
    const fvi_kernels *kernels = fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, false);
    const fvi_activation softplus = { FVI_SOFTPLUS, 1, 0 };
    for (float x = -80; x <= -5; x += 2.5f) {
        const float dy = 1;
        const double size = exp((double)x);
        float y, dx;
        kernels->activation(&softplus, 1, &x, &y);
        kernels->activation_backward(&softplus, 1, &y, &dy, &dx);
        assert_true(fabs((double)y - log1p(size)) <= 8 * 6e-8 * size);
        assert_true(fabs((double)dx - size / (1 + size)) <= 16 * 6e-8 * size);
    }
}

FV_TESTS(activation, every_table_gives_the_bits_of_the_reference, every_kind_is_tested, a_nan_passes_through,
         values_match_their_formulas, derivatives_are_finite_at_ten_thousand, softplus_keeps_its_tail)
