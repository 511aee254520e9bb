/* SPDX-License-Identifier: Apache-2.0
 *
 * params_internal.h - parameters inside memory that somebody else allocates (a session's gradients).
 */
#ifndef FVI_PARAMS_INTERNAL_H
#define FVI_PARAMS_INTERNAL_H

#include "base/base.h"
#include "fovea/params.h"

enum { FVI_PARAM_ALIGNMENT = 16 }; /* elements: one vector of the widest instruction set in float32 */

/* Bytes of one params object: struct, names and values, 64-byte aligned inside. values_bytes (or NULL): of the values
 * alone. FV_ERR_MEMORY when the sum overflows. */
fv_status fvi_params_bytes(const fv_graph *graph, fv_dtype dtype, size_t *bytes, size_t *values_bytes);
/* Makes an object, all zero, in memory of that many bytes, 64-byte aligned and zeroed. Not to be destroyed: it dies
 * with the memory. */
fv_params *fvi_params_place(void *memory, const fv_graph *graph, fv_dtype dtype);

/* The whole block of somebody else's values. */
const void *fvi_params_read(const fv_params *params);

/* Values in [first, first + count) of one parameter by its initialiser; f32 values. src/optim/initializer.c. */
void fvi_initialize(const fv_param_info *info, uint64_t seed, size_t first, size_t count, float *values);
/* Makes the rows, or columns, of a whole parameter that was filled by FV_INIT_ORTHOGONAL orthogonal, in place; values of dtype f32 or
 * f64, those of f64 being float32 numbers. Uses all threads. src/optim/orthogonal.c. */
void fvi_orthogonalize(fv_context *context, const fv_param_info *info, fv_dtype dtype, void *values);

#endif
