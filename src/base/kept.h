/* SPDX-License-Identifier: Apache-2.0
 *
 * kept.h - what a program lends a context until fv_context_destroy(): its own layer types (src/layer/custom.c).
 */
#ifndef FVI_KEPT_H
#define FVI_KEPT_H

#include "base/base.h"

typedef struct fvi_kept {
    struct fvi_kept *next;
    void (*release)(fv_context *context, struct fvi_kept *kept);
} fvi_kept;

/* The context takes kept, and calls its release when it is destroyed. */
void fvi_context_keep(fv_context *context, fvi_kept *kept);
/* The newest; NULL: nothing. */
const fvi_kept *fvi_context_kept(const fv_context *context);

#endif
