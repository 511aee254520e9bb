/* SPDX-License-Identifier: Apache-2.0
 *
 * context.h - what a program lends the library: threads, memory, a log, and the choice of instruction set.
 * There is no global state: everything hangs on a context, and two contexts know nothing of each other.
 */
#ifndef FOVEA_CONTEXT_H
#define FOVEA_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Threads, memory, log and instruction set. Building calls (graph, params, plan, data, model files) that use one
 * context must come from one thread at a time. Sessions of one context may run in several threads: where the context has
 * one thread they run at the same time, else one step after another, each step on all threads. Results do not depend on the number of threads. */
typedef struct fv_context fv_context;

typedef enum fv_log_level { FV_LOG_DEBUG, FV_LOG_INFO, FV_LOG_WARNING } fv_log_level;
typedef void fv_log_fn(void *user, fv_log_level level, const char *message);

/* allocate returns bytes aligned to `alignment` (a power of two) or NULL; release takes what allocate gave, or NULL. */
typedef struct fv_allocator {
    void *(*allocate)(void *user, size_t bytes, size_t alignment);
    void (*release)(void *user, void *memory);
    void *user;
} fv_allocator;

/* Runs task(argument, 0) ... task(argument, count - 1), in any order and in parallel, and returns when all are done. */
typedef void fv_task_fn(void *argument, size_t index);
typedef void fv_parallel_for_fn(void *user, size_t count, fv_task_fn *task, void *argument);

typedef struct fv_context_options {
    int32_t threads;        /* 0: processors this process may use (affinity and cgroup quota); at most 1024 */
    const char *isa;        /* NULL: $FOVEA_ISA, else the best the CPU has; names as in fv_isa_name() */
    bool emulate_bf16;      /* plans of bf16 also where the CPU has no AVX-512 BF16: the same roundings, slowly */
    fv_allocator allocator; /* zeros: aligned_alloc and free */
    fv_parallel_for_fn *parallel_for; /* NULL: a pool of the context's own; `threads` then says how many run at once */
    void *parallel_for_user;
    fv_log_fn *log; /* NULL: silent */
    void *log_user;
} fv_context_options;

/* Creates a context owned by the caller, released by fv_context_destroy() after everything made with it.
 * options may be NULL (defaults). On failure *out is NULL: FV_ERR_MEMORY, FV_ERR_ARGUMENT (threads out of range, an
 * isa that does not exist) or FV_ERR_UNSUPPORTED (an isa that this CPU has not). */
FV_API fv_status fv_context_create(fv_context **out, const fv_context_options *options);
FV_API void fv_context_destroy(fv_context *context);

/* The message of the last call on this context that failed, or "". Valid until the next failing call. */
FV_API const char *fv_context_message(const fv_context *context);
FV_API int32_t fv_context_threads(const fv_context *context);
/* "baseline", "avx2", "avx512", "avx512_bf16" or "neon": what kernels run. A static string. */
FV_API const char *fv_context_isa(const fv_context *context);

/* The CPU's features that fovea knows, space-separated, written to text (size bytes, cut if too short). */
FV_API void fv_cpu_features(char *text, size_t size);
/* "0.1.0": a static string. */
FV_API const char *fv_version(void);
/* The libraries that this build uses, space-separated: "jansson", and of "libyaml zlib libarchive libcurl libpng libjpeg libexif onnx"
 * those that were there. A static string. */
FV_API const char *fv_libraries(void);

#ifdef __cplusplus
}
#endif

#endif
