/* SPDX-License-Identifier: Apache-2.0
 *
 * npy.h - NumPy's arrays: the header of an .npy file (numpy.lib.format, versions 1.0 to 3.0), and the arrays of an .npz, which is a zip
 * file of .npy files.
 */
#ifndef FVI_NPY_H
#define FVI_NPY_H

#include "base/arena.h"
#include "base/convert.h"
#include "fovea/tensor.h"

enum { FVI_NPY_HEADER = 1 << 16, FVI_NPY_NAME = 512, FVI_NPZ_ARRAYS = 1 << 16 };

/* What a header says. */
typedef struct fvi_npy {
    fvi_number type;
    bool swapped;   /* numbers are in the other order of bytes than this machine's */
    bool fortran;   /* the first index runs fastest */
    fv_shape shape; /* rank 0 to 6, sizes of 0 too */
    size_t elements, bytes;
} fvi_npy;

/* Reads the header of an array from the text of its dictionary, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }". FV_ERR_FORMAT, FV_ERR_UNSUPPORTED
 * (objects, records, complex numbers, texts) name `where`. */
fv_status fvi_npy_parse(fv_context *context, const char *where, const char *text, fvi_npy *out);

/* The arrays of an .npz, front to back. */
typedef struct fvi_npz fvi_npz;

/* Borrows path. Errors of fvi_archive_open_zip(). On failure *out is NULL. */
fv_status fvi_npz_open(fvi_npz **out, fv_context *context, const char *path);
void fvi_npz_close(fvi_npz *npz);
/* The next array: *name without ".npy", valid until the next call, NULL behind the last one. */
fv_status fvi_npz_next(fvi_npz *npz, const char **name, fvi_npy *header);
/* Its next `count` elements as float32, in the file's order. FV_ERR_FORMAT where it has fewer. */
fv_status fvi_npz_read(fvi_npz *npz, float *values, size_t count);
/* Its next `bytes` bytes as they are. */
fv_status fvi_npz_read_bytes(fvi_npz *npz, void *memory, size_t bytes);
/* values[elements] of an array in Fortran's order into that of C. */
void fvi_npy_from_fortran(const fv_shape *shape, const float *values, float *ordered);

#endif
