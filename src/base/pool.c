/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.c - one job at a time over worker threads.
 * The job's indices are cut into one range for each worker, which takes them from an atomic counter of its own, then from what the
 * others have left. So cores do not hand a cache line to each other for every index, which costs half a microsecond where they share
 * no cache, and a worker meets the same part of the data in one job after the other. The caller is worker 0 and takes whatever
 * nobody else does: a job never waits for a worker that has not entered, so a small job costs no wake-up.
 * `state` is the job's number, the workers inside (in steps of 2), and a lowest bit that says that the job is open. Waiting is spinning for a moment, since the next job of a
 * training step comes within microseconds, then offering the processor to others, then sleeping: who waits on a busy
 * machine must not keep from running what it waits for.
 * Nesting is found by comparing thread identities with `owner`, so that no thread-local variable is needed.
 */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "base/float_mode.h"
#include "base/processors.h"

enum { OPEN = 1, INSIDE = 2, PAUSES = 50, SPINS = 400, CACHE_LINE = 64 };

#define JOB_SHIFT 32 /* of the job's number in `state` */
#define INSIDE_MASK (((uint_fast64_t)1 << JOB_SHIFT) - 1)

/* Indices of one worker: next ... end - 1 are left. */
typedef struct range {
    alignas(CACHE_LINE) atomic_size_t next;
    size_t end;
} range;

typedef struct worker {
    fvi_pool *pool;
    int32_t number;
    uint_fast64_t job; /* the last one that it was in: it left nothing to do there */
    pthread_t thread;
} worker;

struct fvi_pool {
    fv_allocator allocator;
    int32_t threads;
    int32_t started; /* workers whose thread runs: numbers 1 ... started */
    int32_t spins;   /* 0 when there are more threads than processors: spinning would take them from the work */
    fv_parallel_for_fn *parallel_for;
    void *parallel_for_user;
    worker *workers;         /* [threads] */
    atomic_uintptr_t *owner; /* [threads]: the thread that is this worker now, or 0 */

    pthread_mutex_t running; /* held by the caller for the length of a job */
    pthread_mutex_t sleep;   /* guards the two conditions */
    pthread_cond_t work, done;
    atomic_int sleepers; /* workers that sleep, or are about to */
    atomic_bool caller_sleeps;
    atomic_bool stop;

    /* The job, in one cache line. All but state is written only while nobody is inside and the job is closed. */
    alignas(CACHE_LINE) atomic_uint_fast64_t state;
    fvi_task_fn *task;
    void *argument;
    range *range;
    size_t ranges;
};

/* One turn of a wait: PAUSES short ones, then whoever else wants this processor comes first. */
static void wait_a_turn(int32_t turn)
{
    if (turn >= PAUSES) {
        sched_yield();
        return;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uintptr_t this_thread(void)
{
    return (uintptr_t)pthread_self();
}

/* Whether a job is open that the worker was not in. */
static bool has_work(fvi_pool *pool, const worker *self)
{
    const uint_fast64_t state = atomic_load(&pool->state);
    return (state & OPEN) != 0 && state >> JOB_SHIFT != self->job;
}

/* Its own range first, then what is left of the others'. */
static void take_indices(fvi_pool *pool, int32_t number)
{
    fvi_task_fn *const task = pool->task;
    void *const argument = pool->argument;
    range *const ranges = pool->range;
    const size_t count = pool->ranges;
    for (size_t i = 0; i < count; i++) {
        range *taken = &ranges[((size_t)number + i) % count];
        while (atomic_load_explicit(&taken->next, memory_order_relaxed) < taken->end) {
            const size_t index = atomic_fetch_add_explicit(&taken->next, 1, memory_order_relaxed);
            if (index < taken->end)
                task(argument, index, number);
        }
    }
}

/* Enters the job if it is open, works, leaves, and wakes the caller if this was the last worker. */
static void join_job(fvi_pool *pool, worker *self)
{
    uint_fast64_t state = atomic_load(&pool->state);
    do {
        if ((state & OPEN) == 0)
            return;
    } while (!atomic_compare_exchange_weak(&pool->state, &state, state + INSIDE));
    self->job = state >> JOB_SHIFT;
    take_indices(pool, self->number);
    if ((atomic_fetch_sub(&pool->state, INSIDE) & INSIDE_MASK) == INSIDE && atomic_load(&pool->caller_sleeps)) {
        pthread_mutex_lock(&pool->sleep);
        pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->sleep);
    }
}

static void wait_for_work(fvi_pool *pool, const worker *self)
{
    for (int32_t i = 0; i < pool->spins; i++) {
        if (has_work(pool, self) || atomic_load_explicit(&pool->stop, memory_order_relaxed))
            return;
        wait_a_turn(i);
    }
    pthread_mutex_lock(&pool->sleep);
    /* Announced before looking again: the caller opens a job first and looks for sleepers second, both sequentially
     * consistent, so at least one of the two sees the other. */
    atomic_fetch_add(&pool->sleepers, 1);
    while (!has_work(pool, self) && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->work, &pool->sleep);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->sleep);
}

static void *worker_main(void *argument)
{
    worker *self = argument;
    fvi_pool *pool = self->pool;
    atomic_store_explicit(&pool->owner[self->number], this_thread(), memory_order_relaxed);
    (void)fvi_float_mode_enter();
    while (!atomic_load(&pool->stop)) {
        wait_for_work(pool, self);
        join_job(pool, self);
    }
    return NULL;
}

static void wait_for_workers(fvi_pool *pool)
{
    for (int32_t i = 0; i < pool->spins; i++) {
        if ((atomic_load(&pool->state) & INSIDE_MASK) == 0)
            return;
        wait_a_turn(i);
    }
    pthread_mutex_lock(&pool->sleep);
    atomic_store(&pool->caller_sleeps, true);
    while ((atomic_load(&pool->state) & INSIDE_MASK) != 0)
        pthread_cond_wait(&pool->done, &pool->sleep);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->sleep);
}

static void set_job(fvi_pool *pool, size_t count, size_t workers, fvi_task_fn *task, void *argument)
{
    const size_t each = count / workers, larger = count % workers;
    size_t first = 0;
    pool->task = task;
    pool->argument = argument;
    pool->ranges = workers;
    for (size_t i = 0; i < workers; i++) {
        atomic_store_explicit(&pool->range[i].next, first, memory_order_relaxed);
        first += each + (i < larger ? 1 : 0);
        pool->range[i].end = first;
    }
}

static void run_on_workers(fvi_pool *pool)
{
    const uint_fast64_t job = (atomic_load_explicit(&pool->state, memory_order_relaxed) >> JOB_SHIFT) + 1;
    atomic_store(&pool->state, job << JOB_SHIFT | OPEN);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->sleep);
        pthread_cond_broadcast(&pool->work);
        pthread_mutex_unlock(&pool->sleep);
    }
    take_indices(pool, 0);
    atomic_fetch_and(&pool->state, ~(uint_fast64_t)OPEN);
    wait_for_workers(pool);
}

/* One of the host's tasks is one worker: it takes indices until there are none. */
static void host_task(void *argument, size_t index)
{
    fvi_pool *pool = argument;
    const int32_t number = (int32_t)index;
    const uintptr_t before = atomic_exchange_explicit(&pool->owner[number], this_thread(), memory_order_relaxed);
    const fvi_float_mode mode = fvi_float_mode_enter();
    take_indices(pool, number);
    fvi_float_mode_leave(mode);
    atomic_store_explicit(&pool->owner[number], before, memory_order_relaxed);
}

/* The worker that the calling thread is, or -1. */
static int32_t worker_of_this_thread(const fvi_pool *pool)
{
    const uintptr_t self = this_thread();
    for (int32_t i = 0; i < pool->threads; i++)
        if (atomic_load_explicit(&pool->owner[i], memory_order_relaxed) == self)
            return i;
    return -1;
}

void fvi_pool_run(fvi_pool *pool, size_t count, fvi_task_fn *task, void *argument)
{
    const int32_t inside = worker_of_this_thread(pool);
    if (inside >= 0) {
        for (size_t index = 0; index < count; index++)
            task(argument, index, inside);
        return;
    }
    if (count == 0)
        return;
    if (pool->threads == 1) { /* callers in several threads need not wait for each other */
        const fvi_float_mode alone = fvi_float_mode_enter();
        for (size_t index = 0; index < count; index++)
            task(argument, index, 0);
        fvi_float_mode_leave(alone);
        return;
    }
    pthread_mutex_lock(&pool->running);
    const size_t workers = count < (size_t)pool->threads ? count : (size_t)pool->threads;
    const fvi_float_mode mode = fvi_float_mode_enter();
    set_job(pool, count, workers, task, argument);
    if (workers > 1 && pool->parallel_for != NULL) {
        pool->parallel_for(pool->parallel_for_user, workers, host_task, pool);
    } else {
        atomic_store_explicit(&pool->owner[0], this_thread(), memory_order_relaxed);
        if (workers > 1)
            run_on_workers(pool);
        else
            take_indices(pool, 0);
        atomic_store_explicit(&pool->owner[0], 0, memory_order_relaxed);
    }
    fvi_float_mode_leave(mode);
    pthread_mutex_unlock(&pool->running);
}

int32_t fvi_pool_threads(const fvi_pool *pool)
{
    return pool->threads;
}

/* Starts the threads with all signals blocked, so that they inherit that. */
static fv_status start_threads(fvi_pool *pool)
{
    sigset_t all, before;
    fv_status status = FV_OK;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int32_t number = 1; number < pool->threads && status == FV_OK; number++) {
        worker *new_worker = &pool->workers[number];
        *new_worker = (worker){ .pool = pool, .number = number };
        if (pthread_create(&new_worker->thread, NULL, worker_main, new_worker) == 0)
            pool->started = number;
        else
            status = FV_ERR_MEMORY;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

static void *allocate_zeroed(const fv_allocator *allocator, size_t bytes)
{
    void *memory = allocator->allocate(allocator->user, bytes, CACHE_LINE);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

fv_status fvi_pool_create(fvi_pool **out, const fv_allocator *allocator, int32_t threads,
                          fv_parallel_for_fn *parallel_for, void *parallel_for_user)
{
    *out = NULL;
    fvi_pool *pool = allocate_zeroed(allocator, sizeof *pool);
    if (pool == NULL)
        return FV_ERR_MEMORY;
    pool->allocator = *allocator;
    pool->threads = threads;
    pool->parallel_for = parallel_for;
    pool->parallel_for_user = parallel_for_user;
    pool->spins = threads <= fvi_processors() ? SPINS : 0;
    pthread_mutex_init(&pool->running, NULL);
    pthread_mutex_init(&pool->sleep, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->workers = allocate_zeroed(allocator, (size_t)threads * sizeof *pool->workers);
    pool->owner = allocate_zeroed(allocator, (size_t)threads * sizeof *pool->owner);
    pool->range = allocate_zeroed(allocator, (size_t)threads * sizeof *pool->range);
    fv_status status = pool->workers != NULL && pool->owner != NULL && pool->range != NULL ? FV_OK : FV_ERR_MEMORY;
    if (status == FV_OK && parallel_for == NULL)
        status = start_threads(pool);
    if (status != FV_OK) {
        fvi_pool_destroy(pool);
        return status;
    }
    *out = pool;
    return FV_OK;
}

void fvi_pool_destroy(fvi_pool *pool)
{
    if (pool == NULL)
        return;
    const fv_allocator allocator = pool->allocator;
    pthread_mutex_lock(&pool->sleep);
    atomic_store(&pool->stop, true);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->sleep);
    for (int32_t number = 1; number <= pool->started; number++)
        pthread_join(pool->workers[number].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->sleep);
    pthread_mutex_destroy(&pool->running);
    if (pool->range != NULL)
        allocator.release(allocator.user, pool->range);
    if (pool->owner != NULL)
        allocator.release(allocator.user, pool->owner);
    if (pool->workers != NULL)
        allocator.release(allocator.user, pool->workers);
    allocator.release(allocator.user, pool);
}
