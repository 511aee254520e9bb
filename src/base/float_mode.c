/* SPDX-License-Identifier: Apache-2.0
 *
 * float_mode.c - the control registers of floating-point arithmetic, x86-64 (MXCSR) and aarch64 (FPCR).
 * Elsewhere nothing is changed: subnormals are then slow, not wrong.
 */
#include "base/float_mode.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

/* All exceptions masked (0x1f80), flush to zero (bit 15), subnormals are zero (bit 6), round to nearest (0). */
static const uint32_t ours = 0x1f80u | 1u << 15 | 1u << 6;

fvi_float_mode fvi_float_mode_enter(void)
{
    const fvi_float_mode before = { _mm_getcsr() };
    _mm_setcsr(ours);
    return before;
}

void fvi_float_mode_leave(fvi_float_mode before)
{
    _mm_setcsr((uint32_t)before.control);
}

#elif defined(__aarch64__)
fvi_float_mode fvi_float_mode_enter(void)
{
    fvi_float_mode before;
    const uint64_t ours = UINT64_C(1) << 24; /* FZ */
    __asm__ volatile("mrs %0, fpcr" : "=r"(before.control));
    __asm__ volatile("msr fpcr, %0" : : "r"(ours));
    return before;
}

void fvi_float_mode_leave(fvi_float_mode before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before.control));
}

#else
fvi_float_mode fvi_float_mode_enter(void)
{
    return (fvi_float_mode){ 0 };
}

void fvi_float_mode_leave(fvi_float_mode before)
{
    (void)before;
}
#endif
