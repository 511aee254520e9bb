/* SPDX-License-Identifier: Apache-2.0
 *
 * image_fuzz.c - PNG, JPEG, PGM and PPM files.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    uint8_t *pixels = NULL;
    fv_image_shape shape;
    const fv_status status = fv_image_read(context, fuzz_file(bytes, size), &pixels, &shape);
    fuzz_check(context, status, pixels);
    fv_image_release(context, pixels);
    fv_context_destroy(context);
    return 0;
}
