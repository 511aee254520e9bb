/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.h - how a network is run: the steps, the algorithm of each, the place of each buffer. Decided once.
 */
#ifndef FOVEA_PLAN_H
#define FOVEA_PLAN_H

#include "fovea/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled graph. Immutable after fv_plan_create(): any number of threads may share one, each with a session of its own. */
typedef struct fv_plan fv_plan;

typedef enum fv_mode {
    FV_TRAIN = 0, /* forward, loss, backward */
    FV_EVALUATE,  /* forward and loss */
    FV_PREDICT    /* forward to the output only */
} fv_mode;

typedef struct fv_plan_options {
    int32_t batch; /* the largest n of a call; 0 means 1 */
    fv_mode mode;
    fv_dtype
        dtype; /* FV_F32; FV_F64 (always reference kernels); FV_BF16: mixed precision, that is values between steps and
                          * their gradients in bfloat16, parameters and all else in float32; FV_I8: what the
                          * graph has scales for in bytes (fv_graph_set_quantized()), all else in float32; not to train. FV_ERR_UNSUPPORTED where the CPU
                          * has no AVX-512 BF16 and fv_context_options.emulate_bf16 is not set */
    bool reference;      /* reference kernels in float32 too */
    bool input_gradient; /* also compute the gradient by the input */
    bool
        keep_packed; /* training: pack weights once after each update, not in each step that uses them; more memory, for many
                          * steps between updates. Other plans always do */
    bool
        hand_over; /* training: gradients of parameters are handed to fv_session_on_gradients() in the backward pass, each as soon as
                     * nothing reads the parameter any more, and their memory is used again. The session keeps none */
    size_t
        memory_limit; /* bytes that fv_plan_memory.total may not exceed, 0: none; in training values are computed again instead of being
                          * kept until that fits, else FV_ERR_MEMORY, and the message tells the least that was reached */
    bool no_repeat; /* keep all that backward reads, and compute nothing again; always so with `reference` */
    bool no_fusion; /* each node a step of its own, so that any value can be read; always so with `reference` */
} fv_plan_options;

/* Creates a plan owned by the caller, released by fv_plan_destroy(). Borrows graph (finished), which must outlive it.
 * options may be NULL (defaults). On failure *out is NULL and the context's message says why. */
FV_API fv_status fv_plan_create(fv_plan **out, const fv_graph *graph, const fv_plan_options *options);
FV_API void fv_plan_destroy(fv_plan *plan);
/* Bytes that a session of this plan will allocate: total is exact, with the session's own tables. Known before anything runs. */
typedef struct fv_plan_memory {
    size_t arena;     /* activations, their gradients, and what steps need for themselves, each at its time */
    size_t packed;    /* weights packed ahead: none where each step packs its own */
    size_t scratch;   /* the most of the arena that one step needs for itself: scratch, the weights that it packs */
    size_t gradients; /* of the parameters */
    size_t total;
} fv_plan_memory;
FV_API fv_plan_memory fv_plan_memory_bytes(const fv_plan *plan);
FV_API const fv_graph *fv_plan_graph(const fv_plan *plan);
FV_API fv_plan_options fv_plan_get_options(const fv_plan *plan);

/* One step as `fovea explain` and the profile show it. Texts are borrowed from the plan. */
typedef struct fv_step_info {
    const char *layer, *type;
    const char *fused;     /* names of the nodes that the step computes behind the layer, with commas between, or "" */
    const char *pass;      /* "forward", "backward_data", "backward_weights", "backward", "reorder", "accumulate";
                            * "repeat": forward once more before backward reads it, instead of keeping it */
    const char *algorithm; /* "direct_avx2", ... */
    const char *refused;   /* "name: reason\n" for each algorithm asked before it, or "" */
    const char *timed;     /* "name: 1.234 ms\n" for each that a tuning timed, the fastest first, or "" */
    int32_t
        widened; /* plans of bf16: the step computes on float32 copies of so many images at a time; 0: on values as stored */
    int64_t multiply_adds; /* one image; 0 for element-wise steps */
    size_t bytes_moved;    /* of the tensors and parameters that it reads and writes, each once, at the largest batch */
    size_t bytes_saved;    /* kept from forward for backward, at the largest batch */
    size_t bytes_again;    /* of a repeated step: what it writes, which need not be kept from forward */
    int32_t updates;       /* hand_over: so many parameters' gradients are handed over behind the step */
    int32_t rows; /* hand_over: so many rows of the weights' gradient at a time are computed and handed over; 0: all */
} fv_step_info;
FV_API int32_t fv_plan_step_count(const fv_plan *plan);
FV_API fv_step_info fv_plan_step(const fv_plan *plan, int32_t index); /* zeros when out of range */
FV_API int32_t fv_plan_reorder_count(const fv_plan *plan); /* layout changes that remain, the input's included */

#ifdef __cplusplus
}
#endif

#endif
