/* SPDX-License-Identifier: Apache-2.0
 *
 * simd_cases.isa.c - each function of simd.h against the scalar expression that its comment gives, and each of
 * simd_math.h against the float form in math.c, bit by bit.
 */
#include <math.h>
#include <stdbool.h>

#include "base/math.h"
#include "base/simd.h"
#include "base/simd_math.h"
#include "simd_cases.h"

#define LANES ((size_t)FVI_ISA_LANES)
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return #condition;                                                                                         \
    } while (0)

static bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static const char *check_memory(void)
{
    float from[2 * LANES + 1], to[2 * LANES + 1];
    for (size_t count = 0; count <= LANES; count++) {
        for (size_t i = 0; i < 2 * LANES + 1; i++) {
            from[i] = (float)i + 1.0f;
            to[i] = -1.0f;
        }
        const fvi_vf v = fvi_vf_load_first(from + 1, count);
        for (size_t i = 0; i < LANES; i++)
            CHECK(same_bits(v[i], i < count ? (float)i + 2.0f : 0.0f));
        fvi_vf_store_first(to + 1, fvi_vf_load(from + 1), count);
        for (size_t i = 0; i < 2 * LANES; i++)
            CHECK(same_bits(to[i + 1], i < count ? (float)i + 2.0f : -1.0f));
        CHECK(same_bits(to[0], -1.0f));
    }
    fvi_vf_store(to + 1, fvi_vf_load(from + 1));
    CHECK(memcmp(to + 1, from + 1, LANES * sizeof *to) == 0);
    return NULL;
}

static const char *check_selection(void)
{
    const float special[] = { 0.0f, -0.0f, 1.0f, -2.5f, INFINITY, -INFINITY, NAN, 3e-41f };
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < 8; j++) {
            const float a = special[i], b = special[j];
            const fvi_vf va = fvi_vf_splat(a), vb = fvi_vf_splat(b);
            const size_t lane = (i + j) % LANES;
            CHECK(same_bits(va[lane], a));
            CHECK(same_bits(fvi_vf_max(va, vb)[lane], a > b ? a : b));
            CHECK(same_bits(fvi_vf_min(va, vb)[lane], a < b ? a : b));
            CHECK(same_bits(fvi_vf_select(va < vb, va, vb)[lane], a < b ? a : b));
            CHECK(same_bits(fvi_vf_select_greater(va, vb, va, vb)[lane], a > b ? a : b));
            CHECK(fvi_vi_select(va == vb, fvi_vi_splat(7), fvi_vi_splat(9))[lane] == (a == b ? 7 : 9));
        }
    return NULL;
}

static const char *check_picking(void)
{
    float from[LANES];
    int32_t any[LANES], near[LANES];
    for (size_t shift = 0; shift < LANES; shift++) {
        for (size_t i = 0; i < LANES; i++) {
            from[i] = (float)i - 2.5f;
            any[i] = (int32_t)((5 * i + shift) % LANES);
            near[i] = (int32_t)(i / 4 * 4 + (3 * i + shift) % 4);
        }
        const fvi_vf v = fvi_vf_load(from);
        const fvi_vf picked = fvi_vf_pick(v, fvi_vi_load(any)), in_four = fvi_vf_pick_in_four(v, fvi_vi_load(near));
        for (size_t i = 0; i < LANES; i++) {
            CHECK(same_bits(picked[i], from[any[i]]));
            CHECK(same_bits(in_four[i], from[near[i]]));
        }
    }
    return NULL;
}

static const char *check_arithmetic(void)
{
    float x[LANES], tree[LANES];
    for (size_t i = 0; i < LANES; i++)
        tree[i] = x[i] = 1.0f / (float)(3 * i + 1);
    const fvi_vf v = fvi_vf_load(x);
    for (size_t width = LANES / 2; width > 0; width /= 2)
        for (size_t i = 0; i < width; i++)
            tree[i] += tree[i + width];
    CHECK(same_bits(fvi_vf_sum(v), tree[0]));
    CHECK(same_bits(fvi_vf_largest(-v), -x[LANES - 1]));
    const fvi_vf one = fvi_vf_splat(1.0f + 0x1p-23f);
    /* (1 + u)^2 - 1 - 2u is u^2 with one rounding and 0 with two. */
    const float left = fvi_vf_fma(one, one, fvi_vf_splat(-1.0f - 0x1p-22f))[0];
#if defined(__FMA__) || defined(__aarch64__)
    CHECK(same_bits(left, 0x1p-46f));
#else
    CHECK(same_bits(left, 0.0f));
#endif
    CHECK(fvi_vf_truncate(fvi_vf_splat(-2.75f))[LANES - 1] == -2);
    CHECK(same_bits(fvi_vi_to_float(fvi_vi_splat(-3))[LANES - 1], -3.0f));
    CHECK(fvi_vf_bits(fvi_vf_splat(1.0f))[0] == 0x3f800000);
    CHECK(same_bits(fvi_vf_from_bits(fvi_vi_splat(0x40000000))[0], 2.0f));
    return NULL;
}

static bool same_or_both_nan(float a, float b)
{
    return same_bits(a, b) || (isnan(a) && isnan(b));
}

/* Over bit patterns a prime apart, so that all binades, both signs, infinities and NaNs occur. */
static const char *check_functions(void)
{
    for (uint64_t start = 0; start < UINT64_C(1) << 32; start += 40009 * LANES) {
        fvi_vf x = { 0 };
        for (size_t i = 0; i < LANES; i++)
            x[i] = fvi_vf_from_bits(fvi_vi_splat((int32_t)(uint32_t)(start + 40009 * i)))[0];
        const fvi_vf e = fvi_vf_exp(x), l = fvi_vf_log(x), t = fvi_vf_tanh(x);
        const fvi_vf n = fvi_vf_normal(x), g = fvi_vf_gelu_slope(x);
        for (size_t i = 0; i < LANES; i++) {
            CHECK(same_or_both_nan(e[i], fvi_expf(x[i])));
            CHECK(same_or_both_nan(l[i], fvi_logf(x[i])));
            CHECK(same_or_both_nan(t[i], fvi_tanhf(x[i])));
            CHECK(same_or_both_nan(n[i], fvi_normalf(x[i])));
            CHECK(same_or_both_nan(g[i], fvi_gelu_slopef(x[i])));
        }
    }
    return NULL;
}

const char *FVI_ISA_NAME(fvi_simd_cases)(void)
{
    const char *wrong = check_memory();
    if (wrong == NULL)
        wrong = check_selection();
    if (wrong == NULL)
        wrong = check_picking();
    if (wrong == NULL)
        wrong = check_arithmetic();
    return wrong != NULL ? wrong : check_functions();
}
