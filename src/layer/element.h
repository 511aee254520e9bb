/* SPDX-License-Identifier: Apache-2.0
 *
 * element.h - single numbers of either type, for what is done once for each channel; not for loops over images.
 */
#ifndef FVI_ELEMENT_H
#define FVI_ELEMENT_H

#include <stddef.h>

#include "fovea/tensor.h"

static inline double fvi_element_get(fv_dtype dtype, const void *values, size_t index)
{
    return dtype == FV_F64 ? ((const double *)values)[index] : (double)((const float *)values)[index];
}

static inline void fvi_element_set(fv_dtype dtype, void *values, size_t index, double value)
{
    if (dtype == FV_F64)
        ((double *)values)[index] = value;
    else
        ((float *)values)[index] = (float)value;
}

#endif
