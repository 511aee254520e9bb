/* SPDX-License-Identifier: Apache-2.0
 *
 * math_float.h - the constants of fvi_expf, fvi_logf, fvi_tanhf, fvi_normalf and fvi_gelu_slopef, shared by the scalar forms
 * (math.c) and the vector forms (simd_math.h), which must give the same bits. Coefficients are Chebyshev fits (quotients: minimax
 * fits), lowest power first, computed with 160 bits and more and rounded to float; docs/numerics.md says of what.
 */
#ifndef FVI_MATH_FLOAT_H
#define FVI_MATH_FLOAT_H

#include <stdint.h>

/* e^x = 2^k e^r, r = x - k ln 2, e^r = 1 + r + r^2 q(r). ln 2 in two parts, the first short, so that k times it is exact. */
static const float fvi_expf_lowest = -105.0f, fvi_expf_highest = 89.0f;
static const float fvi_expf_log2e = 0x1.715476p+0f;
static const float fvi_expf_round = 0x1.8p+23f; /* added and subtracted: rounds to an integer */
static const int32_t fvi_expf_round_bits = 0x4b400000;
static const float fvi_expf_ln2_high = 0x1.62ep-1f, fvi_expf_ln2_low = 0x1.0bfbe8p-15f;
static const float fvi_expf_q[5] = { 0x1p-1f, 0x1.5554dcp-3f, 0x1.55551ap-5f, 0x1.120b6ep-7f, 0x1.6d110ap-10f };

/* log x = k ln 2 + log(1 + f), 1 + f in [sqrt(1/2), sqrt(2)), log(1 + f) = f - f^2/2 + f^3 q(f). */
static const int32_t fvi_logf_sqrt_half_bits = 0x3f3504f3;
static const float fvi_logf_q[9] = { 0x1.555554p-2f,  -0x1.fffffcp-3f, 0x1.999d5ap-3f,  -0x1.555b4ap-3f, 0x1.23d21ap-3f,
                                     -0x1.fcf4c6p-4f, 0x1.dea282p-4f,  -0x1.d635bcp-4f, 0x1.1d8ea6p-4f };

/* |x| < limit: tanh x = x + x^3 q(x^2); else 1 - 2 / (e^(2|x|) + 1), with the sign of x. */
static const float fvi_tanhf_limit = 0.625f;
static const float fvi_tanhf_q[6] = { -0x1.555556p-2f, 0x1.1110eap-3f,  -0x1.ba08c4p-5f,
                                      0x1.64a976p-6f,  -0x1.116a16p-7f, 0x1.2c83cp-9f };

/* Phi(x) = 1/2 + z p(z^2) / q(z^2), z = x cut at +-limit, where the quotient rounds to 1/2 exactly; (x Phi(x))' likewise. */
static const float fvi_normalf_limit = 0x1.60199ap+2f;
static const float fvi_normalf_p[6] = { 0x1.98845p-2f,   0x1.155278p-5f,  0x1.328794p-8f,
                                        0x1.620e76p-13f, 0x1.aa48cep-18f, 0x1.86d484p-26f };
static const float fvi_normalf_q[6] = { 1.0f,           0x1.018f1p-2f,   0x1.d555dep-6f,
                                        0x1.edff9p-10f, 0x1.34e6fcp-14f, 0x1.4173cep-20f };
static const float fvi_gelu_slopef_limit = 0x1.86199ap+2f;
static const float fvi_gelu_slopef_p[8] = { 0x1.988452p-1f,  -0x1.f45e38p-7f, 0x1.b9076cp-7f, 0x1.5fae9ap-12f,
                                            0x1.0c8ba2p-15f, 0x1.5133e2p-20f, 0x1.de8c7p-27f, -0x1.04b502p-35f };
static const float fvi_gelu_slopef_q[7] = { 1.0f,           0x1.41bc3ap-2f,  0x1.7dc316p-5f,
                                            0x1.1949eep-8f, 0x1.1c4318p-12f, 0x1.8089bap-17f,
                                            0x1.addf6cp-22f };

#endif
