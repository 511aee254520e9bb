/* SPDX-License-Identifier: Apache-2.0
 *
 * context_test.c - creating a context with good and bad options, messages, the log, and failing allocators.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/cpu.h"
#include "support/test.h"

typedef struct log_record {
    int calls;
    fv_log_level level;
    char text[1024];
} log_record;

static void record(void *user, fv_log_level level, const char *message)
{
    log_record *log = user;
    log->calls++;
    log->level = level;
    strncpy(log->text, message, sizeof log->text - 1);
}

FV_TEST(context, defaults)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    assert_non_null(context);
    assert_in_range(fv_context_threads(context), 1, 1024);
    assert_string_equal(fv_context_message(context), "");
    assert_string_equal(fv_context_isa(context), fvi_isa_name(fvi_context_isa(context)));
    fv_context_destroy(context);
    fv_context_destroy(NULL);
}

static void check_refused(fv_context_options options, fv_status expected, const char *words)
{
    log_record log = { 0 };
    fv_context *context = (fv_context *)&log; /* must become NULL */
    options.log = record;
    options.log_user = &log;
    assert_int_equal(fv_context_create(&context, &options), expected);
    assert_null(context);
    assert_int_equal(log.calls, 1);
    assert_non_null(strstr(log.text, words));
    options.log = NULL;
    assert_int_equal(fv_context_create(&context, &options), expected);
}

static void *allocate_nothing(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    (void)bytes;
    (void)alignment;
    return NULL;
}

FV_TEST(context, bad_options_are_refused_with_a_reason)
{
    check_refused((fv_context_options){ .threads = -1 }, FV_ERR_ARGUMENT, "threads is -1");
    check_refused((fv_context_options){ .threads = 1025 }, FV_ERR_ARGUMENT, "threads is 1025");
    check_refused((fv_context_options){ .isa = "avx3" }, FV_ERR_ARGUMENT, "no instruction set 'avx3'");
    check_refused((fv_context_options){ .allocator = { .allocate = allocate_nothing } }, FV_ERR_ARGUMENT, "allocator");
#if defined(__x86_64__)
    check_refused((fv_context_options){ .isa = "neon" }, FV_ERR_UNSUPPORTED, "cannot run 'neon'");
#elif defined(__aarch64__)
    check_refused((fv_context_options){ .isa = "avx2" }, FV_ERR_UNSUPPORTED, "cannot run 'avx2'");
#endif
}

FV_TEST(context, isa_comes_from_the_option_then_the_environment)
{
    const char *const worst = fvi_isa_runs(FVI_ISA_BASELINE, 0) ? "baseline" : "neon";
    const char *const found = getenv("FOVEA_ISA");
    char *before = found != NULL ? strdup(found) : NULL;
    fv_context *context = NULL;
    setenv("FOVEA_ISA", worst, 1);
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    assert_string_equal(fv_context_isa(context), worst);
    fv_context_destroy(context);
    setenv("FOVEA_ISA", "nonsense", 1);
    check_refused((fv_context_options){ 0 }, FV_ERR_ARGUMENT, "FOVEA_ISA: no instruction set 'nonsense'");
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .isa = worst }), FV_OK);
    assert_string_equal(fv_context_isa(context), worst);
    fv_context_destroy(context);
    setenv("FOVEA_ISA", "", 1);
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    assert_int_equal(fvi_context_isa(context), fvi_isa_best(fvi_cpu_features()));
    fv_context_destroy(context);
    if (before != NULL)
        setenv("FOVEA_ISA", before, 1);
    else
        unsetenv("FOVEA_ISA");
    free(before);
}

FV_TEST(context, messages_and_log)
{
    log_record log = { 0 };
    fv_context *context = NULL;
    assert_int_equal(
        fv_context_create(&context, &(fv_context_options){ .threads = 1, .log = record, .log_user = &log }), FV_OK);
    assert_int_equal(fvi_fail(context, FV_ERR_SHAPE, "layer '%s': %d", "a", 7), FV_ERR_SHAPE);
    assert_string_equal(fv_context_message(context), "layer 'a': 7");
    /* The old message as an argument of the new one. */
    fvi_fail(context, FV_ERR_IO, "again: %s", fv_context_message(context));
    assert_string_equal(fv_context_message(context), "again: layer 'a': 7");
    char longer[3000];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    fvi_fail(context, FV_ERR_IO, "%s", longer);
    assert_int_equal(strlen(fv_context_message(context)), sizeof(fvi_message) - 1);
    fvi_log_message(context, FV_LOG_WARNING, "%d of %d", 3, 4);
    assert_int_equal(log.calls, 1);
    assert_int_equal(log.level, FV_LOG_WARNING);
    assert_string_equal(log.text, "3 of 4");
    fv_context_destroy(context);
}

/* An allocator that fails at one call and counts what is not given back. */
typedef struct failing {
    int fail_at, calls, held;
} failing;

static void *allocate_until(void *user, size_t bytes, size_t alignment)
{
    failing *f = user;
    if (f->calls++ == f->fail_at)
        return NULL;
    f->held++;
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void release_counted(void *user, void *memory)
{
    failing *f = user;
    if (memory != NULL)
        f->held--;
    free(memory);
}

FV_TEST(context, every_failing_allocation_is_survived)
{
    fv_status status = FV_ERR_MEMORY;
    for (int fail_at = 0; status != FV_OK; fail_at++) {
        failing f = { .fail_at = fail_at };
        fv_context *context = NULL;
        status = fv_context_create(
            &context, &(fv_context_options){ .threads = 3, .allocator = { allocate_until, release_counted, &f } });
        assert_true(status == FV_OK || (status == FV_ERR_MEMORY && context == NULL && f.calls > fail_at));
        fv_context_destroy(context);
        assert_int_equal(f.held, 0);
        assert_true(fail_at < 20);
    }
}

FV_TESTS(context, defaults, bad_options_are_refused_with_a_reason, isa_comes_from_the_option_then_the_environment,
         messages_and_log, every_failing_allocation_is_survived)
