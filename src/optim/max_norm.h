/* SPDX-License-Identifier: Apache-2.0
 *
 * max_norm.h - the bound on incoming weights that every optimizer applies after its update.
 */
#ifndef FVI_MAX_NORM_H
#define FVI_MAX_NORM_H

#include "fovea/params.h"

/* Each row (an index of the first axis) that a gradient is about, of a parameter with a max_norm is scaled down to that norm where it is longer:
 * Srivastava et al. 2014 (JMLR 15), section 5.1. In parallel over rows; the bits do not depend on the threads. */
void fvi_limit_norm(fv_params *params, const fv_gradient *gradient);

#endif
