/* SPDX-License-Identifier: Apache-2.0
 *
 * params.h - the values that training changes: weights by name, in one canonical order (that of the graph's nodes) and
 * orientation (convolutions [k, c/groups, r, s]; dense [units, c*h*w] with the image's axes in the order c, h, w; biases [k]).
 * All values of one object lie in one block of memory, so copying, hashing, averaging and reducing are one loop.
 */
#ifndef FOVEA_PARAMS_H
#define FOVEA_PARAMS_H

#include "fovea/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Values for one graph's parameters. Not synchronised: whoever writes has it alone. */
typedef struct fv_params fv_params;

typedef struct fv_param_info {
    const char *name; /* "<layer>.weight", "<layer>.bias" */
    fv_shape shape;
    int64_t elements;
    size_t offset; /* of its first element from fv_params_data(), in elements; a multiple of 16 */
    fv_value node; /* that declares it */
    bool decayed;  /* weight decay applies: weights, not biases */
    bool trained;  /* false: a statistic, a constant, or frozen */
    bool frozen;   /* by fv_graph_freeze() */
    /* Statistics (batch norm's running mean and variance) have a momentum above 0: their gradient is what the batch showed,
     * and fv_optimizer_update() does value += momentum * (gradient - value), nothing else. */
    double momentum;
    /* 0: none. Else fv_optimizer_update() ends by scaling each of the shape.size[0] rows (a unit's or filter's incoming weights)
     * that is longer than this, in the Euclidean norm, down to it (Srivastava et al. 2014, section 5.1). */
    double max_norm;
    const fv_initializer *initializer; /* resolved, never FV_INIT_DEFAULT */
    int64_t fan_in, fan_out;
} fv_param_info;

/* The gradient of one parameter, or of some of its rows (indices of its first axis), wherever it lies. */
typedef struct fv_gradient {
    int32_t parameter; /* index in fv_params */
    const void *values;
    int64_t first, count; /* elements of the parameter that these are: whole rows; count 0: all */
} fv_gradient;

/* Creates values (dtype FV_F32 or FV_F64), all zero, for a finished graph, which is borrowed and must outlive them.
 * Owned by the caller, released by fv_params_destroy(). */
FV_API fv_status fv_params_create(fv_params **out, const fv_graph *graph, fv_dtype dtype);
FV_API void fv_params_destroy(fv_params *params);
/* Fills every parameter by its initialiser. Values depend on (seed, parameter name) only; float64 values are the
 * float32 values exactly, so that both precisions start at one point. */
FV_API void fv_params_initialize(fv_params *params, uint64_t seed);
/* Copies values between objects of one graph; converts between dtypes. FV_ERR_SHAPE when their layouts differ. */
FV_API fv_status fv_params_copy(fv_params *destination, const fv_params *source);
FV_API void fv_params_zero(fv_params *params);
FV_API int32_t fv_params_count(const fv_params *params);
FV_API fv_param_info fv_params_info(const fv_params *params, int32_t index); /* zeros when out of range */
FV_API int32_t fv_params_find(const fv_params *params, const char *name);    /* index, or -1 */
FV_API void *fv_params_values(fv_params *params, int32_t index);             /* borrowed; NULL when out of range */
FV_API void *fv_params_data(fv_params *params);                              /* the whole block, gaps zero */
FV_API size_t fv_params_block_elements(const fv_params *params);             /* of the whole block, gaps included */
FV_API fv_dtype fv_params_dtype(const fv_params *params);
FV_API const fv_graph *fv_params_graph(const fv_params *params);
/* XXH64 over names, shapes and little-endian values in canonical order, as 16 hexadecimal digits and a NUL. */
FV_API void fv_params_hash(const fv_params *params, char text[17]);

#ifdef __cplusplus
}
#endif

#endif
