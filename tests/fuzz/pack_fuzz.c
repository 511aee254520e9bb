/* SPDX-License-Identifier: Apache-2.0
 *
 * pack_fuzz.c - packs. Sums are made right, so that what is behind them is reached; of an odd last byte they are left as they are.
 */
#include <string.h>

#include "base/xxh64.h"
#include "data/sets/pack.h"
#include "fuzz.h"

enum { MOST = 1 << 16, SUM_AT = FVI_PACK_HEADER - 8 };

static uint64_t sum_of(const uint8_t *bytes, size_t size)
{
    fvi_xxh64 sum = fvi_xxh64_start(0);
    fvi_xxh64_update(&sum, bytes, size);
    return fvi_xxh64_finish(&sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t changed[MOST];
    fv_context *context = fuzz_context();
    if (size > MOST)
        size = MOST;
    memcpy(changed, bytes, size);
    if (size >= FVI_PACK_HEADER && changed[size - 1] % 2 == 0) {
        memcpy(changed, fvi_pack_magic, sizeof fvi_pack_magic);
        fvi_pack_put(changed + 8, FVI_PACK_VERSION, 4);
        fvi_pack_put(changed + 40, size, 8);
        fvi_pack_put(changed + 64, sum_of(changed + FVI_PACK_HEADER, size - FVI_PACK_HEADER), 8);
        fvi_pack_put(changed + SUM_AT, sum_of(changed, SUM_AT), 8);
    }
    const char *path = fuzz_file(changed, size);
    if (fv_data_pack_is(path)) {
        const fv_status whole = fv_data_pack_verify(context, path);
        fuzz_check(context, whole, whole == FV_OK ? path : NULL);
        fuzz_open(context, path);
    }
    fv_context_destroy(context);
    return 0;
}
