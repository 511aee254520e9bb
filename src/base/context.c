/* SPDX-License-Identifier: Apache-2.0
 *
 * context.c - a context: choosing threads and instruction set, the message of the last failure, the log.
 */
#include "base/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cpu.h"
#include "base/processors.h"

enum { MOST_THREADS = 1024, CACHE_LINE = 64 };

static void *allocate_by_default(void *user, size_t bytes, size_t alignment)
{
    size_t padded = 0;
    (void)user;
    if (!fvi_size_add(bytes, alignment - 1, &padded))
        return NULL;
    return aligned_alloc(alignment, padded & ~(alignment - 1)); /* C wants a multiple of the alignment */
}

static void release_by_default(void *user, void *memory)
{
    (void)user;
    free(memory);
}

/* There is no context yet to keep the message, so it goes to the log. */
static fv_status refuse(const fv_context_options *options, fv_status status, const char *format, ...) FVI_PRINTF(3, 4);

static fv_status refuse(const fv_context_options *options, fv_status status, const char *format, ...)
{
    fvi_message message;
    va_list arguments;
    if (options->log == NULL)
        return status;
    va_start(arguments, format);
    vsnprintf(message.text, sizeof message.text, format, arguments);
    va_end(arguments);
    options->log(options->log_user, FV_LOG_WARNING, message.text);
    return status;
}

static fv_status choose_isa(const fv_context_options *options, fvi_isa *isa)
{
    const uint32_t features = fvi_cpu_features();
    const char *name = options->isa;
    const char *origin = "fv_context_options.isa";
    if (name == NULL) {
        name = getenv("FOVEA_ISA");
        origin = "FOVEA_ISA";
    }
    *isa = fvi_isa_best(features);
    if (name == NULL || *name == '\0')
        return FV_OK;
    if (!fvi_isa_from_name(name, isa))
        return refuse(options, FV_ERR_ARGUMENT,
                      "%s: no instruction set '%s'; there are baseline, avx2, avx512, avx512_bf16 and neon", origin,
                      name);
    if (!fvi_isa_runs(*isa, features))
        return refuse(options, FV_ERR_UNSUPPORTED, "%s: this CPU cannot run '%s'; its best is '%s'", origin, name,
                      fvi_isa_name(fvi_isa_best(features)));
    return FV_OK;
}

static bool asks_for_emulation(void)
{
    const char *bf16 = getenv("FOVEA_BF16");
    return bf16 != NULL && strcmp(bf16, "emulated") == 0;
}

static fv_status choose_threads(const fv_context_options *options, int32_t *threads)
{
    if (options->threads < 0 || options->threads > MOST_THREADS)
        return refuse(options, FV_ERR_ARGUMENT, "fv_context_options.threads is %d; it must be 0 (all processors) to %d",
                      (int)options->threads, MOST_THREADS);
    *threads = options->threads > 0 ? options->threads : fvi_processors();
    return FV_OK;
}

fv_status fv_context_create(fv_context **out, const fv_context_options *options)
{
    static const fv_context_options defaults = { 0 };
    fvi_isa isa = FVI_ISA_BASELINE;
    int32_t threads = 1;
    *out = NULL;
    if (options == NULL)
        options = &defaults;
    fv_allocator allocator = options->allocator;
    if ((allocator.allocate == NULL) != (allocator.release == NULL))
        return refuse(options, FV_ERR_ARGUMENT, "fv_context_options.allocator has only one of allocate and release");
    if (allocator.allocate == NULL)
        allocator = (fv_allocator){ .allocate = allocate_by_default, .release = release_by_default };
    FV_TRY(choose_isa(options, &isa));
    FV_TRY(choose_threads(options, &threads));
    fv_context *context = allocator.allocate(allocator.user, sizeof *context, CACHE_LINE);
    if (context == NULL)
        return refuse(options, FV_ERR_MEMORY, "out of memory: a context, %zu bytes", sizeof *context);
    *context = (fv_context){ .allocator = allocator,
                             .log = options->log,
                             .log_user = options->log_user,
                             .isa = isa,
                             .features = fvi_cpu_features(),
                             .emulates_bf16 = options->emulate_bf16 || asks_for_emulation() };
    const fv_status status =
        fvi_pool_create(&context->pool, &allocator, threads, options->parallel_for, options->parallel_for_user);
    if (status != FV_OK) {
        fv_context_destroy(context);
        return refuse(options, status, "out of memory: %d threads could not be started; ask for fewer", (int)threads);
    }
    *out = context;
    return FV_OK;
}

fv_status fvi_context_create_beside(fv_context **out, const fv_context *context)
{
    const fv_context_options options = { .threads = 1,
                                         .isa = fvi_isa_name(context->isa),
                                         .emulate_bf16 = context->emulates_bf16,
                                         .allocator = context->allocator };
    return fv_context_create(out, &options);
}

void fv_context_destroy(fv_context *context)
{
    if (context == NULL)
        return;
    const fv_allocator allocator = context->allocator;
    while (context->kept != NULL) {
        fvi_kept *kept = context->kept;
        context->kept = kept->next;
        kept->release(context, kept);
    }
    fvi_pool_destroy(context->pool);
    allocator.release(allocator.user, context);
}

const char *fv_context_message(const fv_context *context)
{
    return context->message.text;
}

int32_t fv_context_threads(const fv_context *context)
{
    return fvi_pool_threads(context->pool);
}

const char *fv_context_isa(const fv_context *context)
{
    return fvi_isa_name(context->isa);
}

uint32_t fvi_context_features(const fv_context *context)
{
    return context->features;
}

fvi_isa fvi_context_isa(const fv_context *context)
{
    return context->isa;
}

bool fvi_context_emulates_bf16(const fv_context *context)
{
    return context->emulates_bf16;
}

void fvi_context_keep(fv_context *context, fvi_kept *kept)
{
    kept->next = context->kept;
    context->kept = kept;
}

const fvi_kept *fvi_context_kept(const fv_context *context)
{
    return context->kept;
}

struct fvi_tuner *fvi_context_tuner(const fv_context *context)
{
    return context->tuner;
}

void fvi_context_set_tuner(fv_context *context, struct fvi_tuner *tuner)
{
    context->tuner = tuner;
}

void fvi_parallel(fv_context *context, size_t count, fvi_task_fn *task, void *argument)
{
    fvi_pool_run(context->pool, count, task, argument);
}

static void write_message(fvi_message *message, const char *format, va_list arguments) FVI_PRINTF(2, 0);

static void write_message(fvi_message *message, const char *format, va_list arguments)
{
    /* Through a copy, since an argument may be the old message. */
    fvi_message text = { "" };
    if (vsnprintf(text.text, sizeof text.text, format, arguments) < 0)
        text.text[0] = '\0';
    *message = text;
}

fv_status fvi_fail_in(fvi_message *message, fv_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_message(message, format, arguments);
    va_end(arguments);
    return status;
}

fv_status fvi_fail(fv_context *context, fv_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_message(&context->message, format, arguments);
    va_end(arguments);
    return status;
}

void fvi_log_message(fv_context *context, fv_log_level level, const char *format, ...)
{
    fvi_message message;
    va_list arguments;
    if (context->log == NULL)
        return;
    va_start(arguments, format);
    write_message(&message, format, arguments);
    va_end(arguments);
    context->log(context->log_user, level, message.text);
}
