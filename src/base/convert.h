/* SPDX-License-Identifier: Apache-2.0
 *
 * convert.h - numbers of any type, as files hold them, into float32.
 */
#ifndef FVI_CONVERT_H
#define FVI_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum fvi_number {
    FVI_NUMBER_NONE = 0, /* no such type */
    FVI_NUMBER_F16,
    FVI_NUMBER_BF16,
    FVI_NUMBER_F32,
    FVI_NUMBER_F64,
    FVI_NUMBER_I8,
    FVI_NUMBER_U8,
    FVI_NUMBER_I16,
    FVI_NUMBER_U16,
    FVI_NUMBER_I32,
    FVI_NUMBER_U32,
    FVI_NUMBER_I64,
    FVI_NUMBER_U64,
    FVI_NUMBER_BOOL
} fvi_number;

/* By its name in safetensors ("F32"); and back, "" for none. */
fvi_number fvi_number_of(const char *name);
const char *fvi_number_name(fvi_number type);
size_t fvi_number_bytes(fvi_number type); /* 0 for none */

/* values[0 .. count) = the numbers at bytes, which may lie anywhere, in this machine's order of bytes or (swapped) the other, rounded to the nearest
 * float32. F16 (IEEE binary16), BF16 and F32 are exact, NaN and infinities stay. bytes and values may not overlap. */
void fvi_numbers_to_float(fvi_number type, bool swapped, const void *bytes, size_t count, float *values);
/* One binary16. */
float fvi_f16_to_float(uint16_t x);

#endif
