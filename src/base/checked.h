/* SPDX-License-Identifier: Apache-2.0
 *
 * checked.h - arithmetic on sizes that come from outside: true and a result, or false and nothing.
 */
#ifndef FVI_CHECKED_H
#define FVI_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool fvi_size_multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

static inline bool fvi_size_add(size_t a, size_t b, size_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

static inline size_t fvi_round_up(size_t value, size_t multiple) /* multiple a power of two; no overflow check */
{
    return (value + multiple - 1) & ~(multiple - 1);
}

#endif
