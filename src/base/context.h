/* SPDX-License-Identifier: Apache-2.0
 *
 * context.h - what a context consists of; only src/base/ may look inside.
 */
#ifndef FVI_CONTEXT_H
#define FVI_CONTEXT_H

#include "base/base.h"
#include "base/kept.h"
#include "base/pool.h"

struct fv_context {
    fv_allocator allocator; /* both functions set */
    fv_log_fn *log;         /* NULL: silent */
    void *log_user;
    fvi_isa isa;
    uint32_t features;
    bool emulates_bf16;
    fvi_pool *pool;
    struct fvi_tuner *tuner;
    fvi_kept *kept;
    fvi_message message;
};

#endif
