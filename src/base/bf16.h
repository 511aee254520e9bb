/* SPDX-License-Identifier: Apache-2.0
 *
 * bf16.h - one number in bfloat16: the upper half of a float32. Sign, 8 bits of exponent, 7 of mantissa, so that rounding to
 * nearest changes a normal number by at most 2^-9 of itself.
 * The roundings are those of Intel's VCVTNEPS2BF16 (Software Developer's Manual, volume 2): to nearest, ties to even;
 * subnormals become zeros of their sign; a NaN stays one, quiet; what is too large becomes infinite.
 */
#ifndef FVI_BF16_H
#define FVI_BF16_H

#include <stdint.h>
#include <string.h>

static inline float fvi_bf16_to_float(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint16_t fvi_bf16_from_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    if (magnitude < 0x00800000u)
        return (uint16_t)(bits >> 16 & 0x8000u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

#endif
