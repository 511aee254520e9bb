/* SPDX-License-Identifier: Apache-2.0
 *
 * prelu_test.c - ReLU with a slope for each channel: each vector table against the reference, bit by bit, for every number
 * of channels around the lane counts, strided, with and without the gradient by the input.
 */
#include <math.h>
#include <string.h>

#include "kernel/kernels.h"
#include "support/tables.h"
#include "support/test.h"
#include "support/values.h"

enum { CHANNELS = 35, PIXELS = 5, GAP = 3, ROOM = PIXELS * (CHANNELS + GAP) + 16 };

static void fill(float values[ROOM], uint64_t seed)
{
    double draws[ROOM];
    test_fill(draws, ROOM, seed, -2.0, 2.0);
    for (size_t i = 0; i < ROOM; i++)
        values[i] = (float)draws[i];
}

static void check(const char *table, const char *what, size_t channels, const float got[ROOM], const float wanted[ROOM])
{
    for (size_t i = 0; i < ROOM; i++)
        if (memcmp(&got[i], &wanted[i], sizeof *got) != 0)
            fail_msg("%s: %s of %zu channels: [%zu] is %.9g, the reference gives %.9g", table, what, channels, i,
                     (double)got[i], (double)wanted[i]);
}

static void check_channels(const fvi_kernels *fast, const fvi_kernels *reference, size_t channels, bool with_dx)
{
    static float x[ROOM], dy[ROOM], slope[ROOM], got[ROOM], wanted[ROOM], got_sums[ROOM], wanted_sums[ROOM];
    const ptrdiff_t stride = (ptrdiff_t)channels + GAP;
    const fvi_prelu_run run = { .pixels = PIXELS, .channels = channels, .x = stride, .y = stride, .dx = stride };
    fill(x, 1);
    fill(dy, 2);
    fill(slope, 3);
    x[1] = 0;
    x[2] = -0.0f;
    memset(got, 0x55, sizeof got);
    memset(wanted, 0x55, sizeof wanted);
    fast->prelu(&run, slope, x, got);
    reference->prelu(&run, slope, x, wanted);
    check(fast->name, "y", channels, got, wanted);
    memset(got_sums, 0x55, sizeof got_sums);
    memset(wanted_sums, 0x55, sizeof wanted_sums);
    fast->prelu_backward(&run, slope, x, dy, with_dx ? got : NULL, got_sums);
    reference->prelu_backward(&run, slope, x, dy, with_dx ? wanted : NULL, wanted_sums);
    check(fast->name, "dx", channels, got, wanted);
    check(fast->name, "sums", channels, got_sums, wanted_sums);
}

FV_TEST(prelu, every_table_gives_the_bits_of_the_reference)
{
    const fvi_kernels *tables[TEST_TABLES], *reference = fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, true);
    const size_t table_count = test_tables(tables);
    for (size_t t = 0; t < table_count; t++)
        for (size_t channels = 1; channels <= CHANNELS; channels++) {
            check_channels(tables[t], reference, channels, true);
            check_channels(tables[t], reference, channels, false);
        }
}

FV_TESTS(prelu, every_table_gives_the_bits_of_the_reference)
