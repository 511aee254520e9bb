/* SPDX-License-Identifier: Apache-2.0
 *
 * c_files.h - what is outside the steps: header, preprocessing, self-test, blob.
 */
#ifndef FVI_C_FILES_H
#define FVI_C_FILES_H

#include "interchange/c/c_internal.h"

/* The blob's header: magic number, bytes behind the header, checksum over them; 32 bits each, little endian, then zeros. */
enum { FVI_C_BLOB_HEADER = 16 };
#define FVI_C_BLOB_MAGIC 0x31425646u /* "FVB1" */

/* Writes <path>.h, <path>.c and, with options.blob, <path>.bin. *source_bytes: of <path>.c. */
fv_status fvi_c_write_files(fvi_c_program *program, const char *path, size_t *source_bytes);

/* "conv1: conv2d 1x28x28 -> 6x28x28, then relu" */
void fvi_c_describe(const fvi_c_program *program, const fvi_c_step *step, fvi_text_buffer *out);

/* c_interface.c: the parts of the files that are written once. */
void fvi_c_write_header(const fvi_c_program *program, fvi_text_buffer *out);
void fvi_c_write_predict(const fvi_c_program *program, fvi_text_buffer *out);
void fvi_c_write_self_test(const fvi_c_program *program, fvi_text_buffer *out);
void fvi_c_write_preprocess(const fvi_c_program *program, fvi_text_buffer *out);
void fvi_c_write_class_names(const fvi_c_program *program, fvi_text_buffer *out);

/* c_self_test.c: the image of the self-test, [c][h][w], as the network takes it: what preprocessing makes of random bytes. */
void fvi_c_test_image(const fvi_c_program *program, float *image);

#endif
