/* SPDX-License-Identifier: Apache-2.0
 *
 * gradient.h - a layer's backward pass against central differences of its forward pass, in float64 on reference kernels:
 * every element of every input and parameter, kinks skipped.
 */
#ifndef FVI_TEST_GRADIENT_H
#define FVI_TEST_GRADIENT_H

#include "support/layer_case.h"

/* Fails the test with the problem and the element when they disagree. */
void test_layer_gradients(const layer_case *problem, fv_context *context);

#endif
