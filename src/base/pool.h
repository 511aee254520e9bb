/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.h - threads that run the tasks of fvi_parallel(), of our own or of the host program.
 */
#ifndef FVI_POOL_H
#define FVI_POOL_H

#include "base/base.h"

/* Runs one job at a time; calls from several threads wait for each other, calls from inside a task run in its worker.
 * The threads do not survive fork(): a child makes a context of its own. */
typedef struct fvi_pool fvi_pool;

/* A pool that runs `threads` tasks at once (at least 1), the calling thread among them. parallel_for NULL: threads are
 * started now and block all signals, so that a host's handlers run in the host's threads.
 * On failure *out is NULL: FV_ERR_MEMORY (also when the system refuses a thread). allocator is copied. */
fv_status fvi_pool_create(fvi_pool **out, const fv_allocator *allocator, int32_t threads,
                          fv_parallel_for_fn *parallel_for, void *parallel_for_user);
void fvi_pool_destroy(fvi_pool *pool);
int32_t fvi_pool_threads(const fvi_pool *pool);
/* As fvi_parallel(). */
void fvi_pool_run(fvi_pool *pool, size_t count, fvi_task_fn *task, void *argument);

#endif
