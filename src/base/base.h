/* SPDX-License-Identifier: Apache-2.0
 *
 * base.h - the library's inside of a context: failing with a message, allocating, running in parallel.
 * All of src/ may include this. Read include/fovea/context.h first.
 */
#ifndef FVI_BASE_H
#define FVI_BASE_H

#include <stdarg.h>

#include "fovea/context.h"

/* Returns from the caller unless expr is FV_OK: the library's only control-flow macro. */
#define FV_TRY(expr)                                                                                                   \
    do {                                                                                                               \
        const fv_status fv_try_status = (expr);                                                                        \
        if (fv_try_status != FV_OK)                                                                                    \
            return fv_try_status;                                                                                      \
    } while (0)

#if defined(__GNUC__)
#define FVI_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define FVI_PRINTF(format_index, first)
#endif

/* A message as handles keep it: cut, never overrun. */
typedef struct fvi_message {
    char text[1024];
} fvi_message;

/* Writes the message and returns status, so that `return fvi_fail_in(&session->message, ...)` is one line. */
fv_status fvi_fail_in(fvi_message *message, fv_status status, const char *format, ...) FVI_PRINTF(3, 4);
/* The same into the context's own message. */
fv_status fvi_fail(fv_context *context, fv_status status, const char *format, ...) FVI_PRINTF(3, 4);
void fvi_log_message(fv_context *context, fv_log_level level, const char *format, ...) FVI_PRINTF(3, 4);

/* A context with a message of its own for one more thread: the same allocator (which then has to bear several threads) and
 * instruction set, one thread, no log. Owned by the caller. */
fv_status fvi_context_create_beside(fv_context **out, const fv_context *context);

/* bytes (0 is legal) aligned to 64 through the context's allocator, or NULL. Not zeroed. */
void *fvi_allocate(fv_context *context, size_t bytes);
/* count * size bytes zeroed; NULL when the product overflows or memory is short. */
void *fvi_allocate_zeroed(fv_context *context, size_t count, size_t size);
/* Grows or makes an array to hold at least `count` items of `size`, keeping `used` of them: doubles *capacity.
 * *array and *capacity stay as they were on FV_ERR_MEMORY (message set). */
fv_status fvi_grow(fv_context *context, void **array, size_t *capacity, size_t used, size_t count, size_t size);
void fvi_release(fv_context *context, void *memory);             /* NULL is legal */
char *fvi_duplicate_text(fv_context *context, const char *text); /* NULL when memory is short */
/* "out of memory: <what>, <bytes> bytes" into the context's message. */
fv_status fvi_out_of_memory(fv_context *context, const char *what, size_t bytes);

/* task(argument, index, worker) for index 0 ... count-1. worker is in [0, fv_context_threads()) and no two tasks run
 * at the same time with one worker number, so it indexes scratch. Which worker gets which index is not fixed:
 * results must not depend on it. Nested calls run in the calling worker. */
typedef void fvi_task_fn(void *argument, size_t index, int32_t worker);
void fvi_parallel(fv_context *context, size_t count, fvi_task_fn *task, void *argument);

typedef enum fvi_isa { FVI_ISA_BASELINE, FVI_ISA_AVX2, FVI_ISA_AVX512, FVI_ISA_AVX512_BF16, FVI_ISA_NEON } fvi_isa;
fvi_isa fvi_context_isa(const fv_context *context);
/* Whether plans of bf16 are made without the CPU's instructions for it. */
bool fvi_context_emulates_bf16(const fv_context *context);
/* Who chooses the algorithms of convolutions (layer/tuner.h), or NULL. Borrowed. */
struct fvi_tuner *fvi_context_tuner(const fv_context *context);
void fvi_context_set_tuner(fv_context *context, struct fvi_tuner *tuner);

#endif
