/* SPDX-License-Identifier: Apache-2.0
 *
 * dropout.real.c - random masks: drawn in batches, so that the arithmetic on values is a loop that compilers turn into vectors.
 */
#include "base/random.h"
#include "kernel/reference.h"

enum { DRAWS = 256 };

void FVI_REAL_NAME(fvi_dropout_reference)(size_t count, const fvi_random *random, uint64_t position, uint32_t drop,
                                          double scale, const void *x, void *y)
{
    const fvi_real *in = x, factor = (fvi_real)scale;
    fvi_real *out = y;
    uint32_t draw[DRAWS];
    for (size_t done = 0; done < count; done += DRAWS) {
        const size_t part = count - done < DRAWS ? count - done : DRAWS;
        fvi_random_draws(random, position + done, part, draw);
        for (size_t i = 0; i < part; i++)
            out[done + i] = draw[i] < drop ? 0 : in[done + i] * factor;
    }
}

void FVI_REAL_NAME(fvi_dropout_channels_reference)(size_t pixels, size_t channels, const fvi_random *random,
                                                   uint32_t drop, double scale, ptrdiff_t x_stride, const void *x,
                                                   ptrdiff_t y_stride, void *y)
{
    const fvi_real factor = (fvi_real)scale;
    uint32_t draw[DRAWS];
    for (size_t done = 0; done < channels; done += DRAWS) {
        const size_t part = channels - done < DRAWS ? channels - done : DRAWS;
        fvi_random_draws(random, done, part, draw);
        for (size_t i = 0; i < pixels; i++) {
            const fvi_real *in = (const fvi_real *)x + (ptrdiff_t)i * x_stride + (ptrdiff_t)done;
            fvi_real *out = (fvi_real *)y + (ptrdiff_t)i * y_stride + (ptrdiff_t)done;
            for (size_t c = 0; c < part; c++)
                out[c] = draw[c] < drop ? 0 : in[c] * factor;
        }
    }
}
