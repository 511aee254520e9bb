/* SPDX-License-Identifier: Apache-2.0
 *
 * pool_test.c - fvi_parallel() through a context: every index once, worker numbers as promised, nesting, the host's
 * threads, and the floating-point mode.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/float_mode.h"
#include "support/test.h"

enum { MOST = 1000, MOST_WORKERS = 16 };

typedef struct job {
    fv_context *context;
    atomic_int times[MOST];
    atomic_int busy[MOST_WORKERS]; /* tasks that run now with this worker number */
    atomic_int wrong;
    atomic_int nested;
} job;

static void count_task(void *argument, size_t index, int32_t worker)
{
    job *j = argument;
    if (worker < 0 || worker >= fv_context_threads(j->context)) {
        atomic_fetch_add(&j->wrong, 1);
        return;
    }
    if (atomic_fetch_add(&j->busy[worker], 1) != 0)
        atomic_fetch_add(&j->wrong, 1);
    atomic_fetch_add(&j->times[index], 1);
    if (index % 64 == 0)
        usleep(50); /* lets other workers come in */
    atomic_fetch_sub(&j->busy[worker], 1);
}

static fv_context *context_with(int32_t threads, fv_parallel_for_fn *parallel_for, void *user)
{
    const fv_context_options options = { .threads = threads, .parallel_for = parallel_for, .parallel_for_user = user };
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

static void check_all_once(fv_context *context, size_t count)
{
    static job j; /* too large for a small stack */
    memset(&j, 0, sizeof j);
    j.context = context;
    fvi_parallel(context, count, count_task, &j);
    assert_int_equal(atomic_load(&j.wrong), 0);
    for (size_t i = 0; i < MOST; i++)
        assert_int_equal(atomic_load(&j.times[i]), i < count ? 1 : 0);
}

FV_TEST(pool, runs_every_index_once)
{
    const int32_t threads[] = { 1, 2, 3, 7, 16 };
    const size_t counts[] = { 0, 1, 2, 5, 16, 17, 1000 };
    for (size_t t = 0; t < 5; t++) {
        fv_context *context = context_with(threads[t], NULL, NULL);
        for (size_t c = 0; c < 7; c++)
            check_all_once(context, counts[c]);
        fv_context_destroy(context);
    }
}

FV_TEST(pool, many_small_jobs)
{
    fv_context *context = context_with(3, NULL, NULL);
    for (int i = 0; i < 3000; i++) {
        check_all_once(context, (size_t)(i % 5));
        if (i % 500 == 0)
            usleep(3000); /* long enough for workers to fall asleep */
    }
    fv_context_destroy(context);
}

enum { LEFT = 64, WAITS = 20000 };

/* The first index of the caller's range waits for all others, also those behind it. */
static void waiting_task(void *argument, size_t index, int32_t worker)
{
    job *j = argument;
    (void)worker;
    for (int i = 0; index == 0 && atomic_load(&j->nested) < LEFT - 1; i++) {
        usleep(1000);
        if (i < WAITS)
            continue;
        atomic_fetch_add(&j->wrong, 1);
        return;
    }
    atomic_fetch_add(&j->nested, 1);
}

FV_TEST(pool, workers_take_what_others_have_left)
{
    static job j;
    for (int32_t threads = 2; threads <= 5; threads++) {
        fv_context *context = context_with(threads, NULL, NULL);
        memset(&j, 0, sizeof j);
        fvi_parallel(context, LEFT, waiting_task, &j);
        assert_int_equal(atomic_load(&j.wrong), 0);
        assert_int_equal(atomic_load(&j.nested), LEFT);
        fv_context_destroy(context);
    }
}

static void inner_task(void *argument, size_t index, int32_t worker)
{
    int32_t *seen = argument;
    seen[index] = worker;
}

static void outer_task(void *argument, size_t index, int32_t worker)
{
    job *j = argument;
    int32_t seen[5];
    (void)index;
    fvi_parallel(j->context, 5, inner_task, seen);
    for (int i = 0; i < 5; i++)
        if (seen[i] != worker)
            atomic_fetch_add(&j->wrong, 1);
    atomic_fetch_add(&j->nested, 1);
}

static void check_nesting(fv_context *context)
{
    static job j;
    memset(&j, 0, sizeof j);
    j.context = context;
    fvi_parallel(context, 100, outer_task, &j);
    fvi_parallel(context, 1, outer_task, &j);
    assert_int_equal(atomic_load(&j.wrong), 0);
    assert_int_equal(atomic_load(&j.nested), 101);
}

FV_TEST(pool, nested_calls_run_in_the_calling_worker)
{
    for (int32_t threads = 1; threads <= 4; threads++) {
        fv_context *context = context_with(threads, NULL, NULL);
        check_nesting(context);
        fv_context_destroy(context);
    }
}

typedef struct host_share {
    fv_task_fn *task;
    void *argument;
    size_t index;
} host_share;

static void *host_thread(void *argument)
{
    const host_share *share = argument;
    share->task(share->argument, share->index);
    return NULL;
}

/* A host that starts a thread for each task; *user counts its calls. */
static void host_parallel_for(void *user, size_t count, fv_task_fn *task, void *argument)
{
    pthread_t thread[MOST_WORKERS];
    host_share share[MOST_WORKERS];
    ++*(int *)user;
    assert_true(count <= MOST_WORKERS);
    for (size_t i = 0; i < count; i++) {
        share[i] = (host_share){ task, argument, i };
        pthread_create(&thread[i], NULL, host_thread, &share[i]);
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
}

/* A host without threads. */
static void host_serial_for(void *user, size_t count, fv_task_fn *task, void *argument)
{
    ++*(int *)user;
    for (size_t i = count; i-- > 0;)
        task(argument, i);
}

FV_TEST(pool, the_host_runs_the_tasks)
{
    fv_parallel_for_fn *const hosts[] = { host_parallel_for, host_serial_for };
    for (size_t i = 0; i < 2; i++) {
        int calls = 0;
        fv_context *context = context_with(4, hosts[i], &calls);
        check_all_once(context, 1000);
        check_all_once(context, 3);
        check_nesting(context);
        assert_int_equal(calls, 3);
        fv_context_destroy(context);
    }
}

static void *call_from_another_thread(void *argument)
{
    int32_t seen[MOST];
    for (int i = 0; i < 200; i++) {
        memset(seen, -1, sizeof seen);
        fvi_parallel(argument, MOST, inner_task, seen);
        for (int k = 0; k < MOST; k++)
            if (seen[k] < 0)
                return argument;
    }
    return NULL;
}

FV_TEST(pool, callers_wait_for_each_other)
{
    fv_context *context = context_with(2, NULL, NULL);
    pthread_t thread[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&thread[i], NULL, call_from_another_thread, context);
    for (int i = 0; i < 3; i++) {
        void *wrong = NULL;
        pthread_join(thread[i], &wrong);
        assert_null(wrong);
    }
    fv_context_destroy(context);
}

#if defined(__x86_64__) || defined(__aarch64__)
/* Half of the smallest normal number, through memory so that nothing is folded at compile time. */
static float half_of_smallest(void)
{
    volatile float smallest = 0x1p-126f, half = 0.5f;
    return smallest * half;
}

static void subnormal_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    ((float *)argument)[index] = half_of_smallest();
}

FV_TEST(pool, subnormals_are_zero_in_tasks_and_as_before_after)
{
    for (int32_t threads = 1; threads <= 3; threads++) {
        int calls = 0;
        for (int host = 0; host < 2; host++) {
            fv_context *context = context_with(threads, host == 1 ? host_parallel_for : NULL, &calls);
            float result[100];
            assert_true(half_of_smallest() > 0.0f);
            fvi_parallel(context, 100, subnormal_task, result);
            for (int i = 0; i < 100; i++)
                assert_true(result[i] == 0.0f);
            assert_true(half_of_smallest() > 0.0f);
            fv_context_destroy(context);
        }
    }
}
#else
FV_TEST(pool, subnormals_are_zero_in_tasks_and_as_before_after)
{
    test_skip("subnormals can be flushed on x86-64 and aarch64 only");
}
#endif

FV_TESTS(pool, runs_every_index_once, many_small_jobs, workers_take_what_others_have_left,
         nested_calls_run_in_the_calling_worker, the_host_runs_the_tasks, callers_wait_for_each_other,
         subnormals_are_zero_in_tasks_and_as_before_after)
