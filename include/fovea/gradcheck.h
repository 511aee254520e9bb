/* SPDX-License-Identifier: Apache-2.0
 *
 * gradcheck.h - compares a network's gradients with differences of its loss, in float64 on reference kernels.
 */
#ifndef FOVEA_GRADCHECK_H
#define FOVEA_GRADCHECK_H

#include "fovea/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fv_gradient_check_options {
    uint64_t seed;    /* of parameters, images and targets */
    int32_t samples;  /* in the batch; 0 means 2 */
    int32_t elements; /* checked of each parameter and of the input, evenly spread; 0 means 32; -1 means all */
    double step;      /* of the differences; 0 means 1e-5 */
} fv_gradient_check_options;

typedef struct fv_gradient_check_result {
    double
        worst; /* largest error of a tensor: max|gradient - difference| / max|difference| over its checked elements, less
                * what rounding a loss above 2 accounts for (docs/numerics.md) */
    char worst_name[256]; /* "<layer>.weight", ..., or the input's name */
    int64_t worst_index;  /* of the element, and its two values */
    double gradient, difference;
    int64_t checked;
    int64_t skipped; /* elements with a kink (of ReLU, of a maximum) within the step: differences say nothing there */
} fv_gradient_check_result;

/* Checks all parameters and the input of a finished graph with a loss by central differences. An element counts as
 * kinked when the differences to both sides, taken at the step and at half of it, cannot come from a function that is
 * smooth there. options may be NULL (defaults). FV_OK also when gradients are wrong: look at result->worst. Errors:
 * those of plan and session, with the context's message. */
FV_API fv_status fv_gradient_check(const fv_graph *graph, const fv_gradient_check_options *options,
                                   fv_gradient_check_result *result);

#ifdef __cplusplus
}
#endif

#endif
