/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_internal.h - what a plan consists of, and the stages that fill it in, in the order of plan.c:
 *
 *   rewrite.c        which nodes run, which are views of their input, through which values gradients flow
 *   fuse.c           which nodes become a part of another's step; the order of the rest
 *   choose.c         asks each layer how it will compute (setup): algorithms, borders, saved and scratch memory
 *   place.c          which values share memory: in place, slices of a concatenation
 *   steps.c          the list of steps, forward and backward, and the tensors that each reads and writes
 *   chain.c          which three steps of an inference plan run as one
 *   repeat.c         which activations are computed again for backward instead of being kept
 *   precision.c      mixed precision: which steps compute in float32 on values stored in bfloat16, or in bytes
 *   hand_over.c      gradients of parameters that are handed over in the backward pass: where they lie, and until when
 *   step_memory.c    what a single step needs for itself: scratch, the weights that it packs
 *   watch.c          which steps gather sums from what the step before them writes, while it is in cache
 *   limit.c          which other activations are computed again, for a limit: then all from steps.c on is done anew
 *   assign_memory.c  lifetimes of the storages, their borders, which have to be cleared
 *   offsets.c        their offsets in the arena
 *   explain.c        the public view of all that
 *
 * Three words. A *value* is a node's output, by the node's index. A *tensor* is a value's activation, or one gradient
 * contribution, as a step sees it: a range of channels of a storage. A *storage* is a piece of the arena with a
 * lifetime.
 */
#ifndef FVI_PLAN_INTERNAL_H
#define FVI_PLAN_INTERNAL_H

#include "fovea/plan.h"
#include "graph/graph_internal.h"
#include "kernel/bf16/bf16.h"
#include "kernel/int8/int8.h"

enum { FVI_NONE = -1 };

typedef struct fvi_storage {
    int32_t h, w, c; /* of one image; 0 for plain bytes (a layer's `saved`) */
    fv_dtype dtype;  /* of its elements: the plan's, or in a plan of bf16 or i8 perhaps float32 */
    float scale;     /* of bytes (FV_U8) */
    int32_t zero_point;
    int32_t border[4]; /* top, left, bottom, right: the largest that any reader wants */
    size_t image_elements;
    size_t bytes;        /* for the largest batch; a multiple of 64 */
    int32_t first, last; /* steps: first write, last read; last is step_count for what is kept until the next call */
    size_t offset;       /* in the arena, bytes */
    int32_t copy_of;     /* the storage whose values repeated steps write here, or FVI_NONE */
    bool shared;         /* other storages use some of its memory at other times */
    bool nowhere;        /* inside of chained steps: no bytes, no border */
} fvi_storage;

typedef struct fvi_tensor {
    int32_t storage;
    int32_t channel, c; /* the range [channel, channel + c) of the storage's channels */
} fvi_tensor;

/* A step that computes in float32 though some of its tensors are bf16, or bytes: these are widened into scratch, piece by piece of so
 * many images, and what it wrote is narrowed. src/plan/precision.c, src/exec/staged.c. */
typedef struct fvi_staged {
    int32_t tensor;
    bool read, written;
    int32_t border[4]; /* of zeros around it in scratch */
    size_t offset;     /* in scratch */
} fvi_staged;

typedef struct fvi_staging {
    int32_t images; /* of a piece; the plan's batch: all at once */
    int32_t count;
    fvi_staged *tensor; /* [count]; a tensor that the step has in two places is once here */
    size_t sums;        /* offset in scratch: parameter gradients of one piece, where there are several */
    size_t end;         /* bytes of scratch in all */
} fvi_staging;

/* What the plan knows of one node. */
typedef struct fvi_plan_node {
    bool runs;        /* some result depends on it */
    bool dropped;     /* a view of its input, or a part of another's step: no step, root is the input's */
    bool joined;      /* a concatenation whose inputs were all written in place: no step */
    fv_value root;    /* the value whose memory holds this one's elements; itself unless dropped */
    fv_value *inputs; /* [input_count] roots; behind the node's own perhaps one that fusing adds */
    int32_t input_count;
    fv_value last;        /* of the chain that its step computes; itself unless it leads one */
    fvi_fused *fused;     /* what the step does behind the layer; NULL: nothing */
    const char *together; /* names of the chain behind it; NULL: none */
    fv_value affine;      /* the node that fused->affine is about */
    fv_value
        undone_for; /* of a layer that selects: the leader whose activation is undone over this one's gradient, or FV_NO_VALUE */
    bool undone_behind; /* somebody does so for this leader */
    bool hidden;        /* its value is nowhere: it is inside of a step */
    fv_value within;    /* of a root inside of chained steps: what the last of them computes; else FV_NO_VALUE */
    int32_t position;   /* in plan->order */
    int32_t consumers;  /* inputs of running, not dropped nodes that read this root */
    bool
        learns; /* parameters that learn, or the input where its gradient is wanted, lie in it or before it; a loss always does */
    bool wants_gradient; /* of its output: parameters or the input lie before it */
    bool has_gradient;   /* and a loss lies behind it */
    fv_value into;       /* root whose storage holds this root as a part (in place: all of it), or FV_NO_VALUE */
    int32_t into_channel;
    fv_value slice_of; /* root in whose memory this root's channels lie (slice: no forward step), or FV_NO_VALUE */
    int32_t tensor;    /* activation of this root, or FVI_NONE */
    int32_t gradient;  /* tensor of the root's whole gradient, or FVI_NONE */
    int32_t saved;     /* storage, or FVI_NONE */
    int32_t piece;     /* images that the layer computes at a time: the plan's batch unless the plan is bf16 */
    size_t packed_offset, packed_backward_offset;
    fvi_setup setup; /* with the layer's answers; in, out: as the layer was told, that is with views dropped */
} fvi_plan_node;

typedef enum fvi_step_kind {
    FVI_STEP_INPUT,
    FVI_STEP_FORWARD,
    FVI_STEP_REPEAT, /* forward once more, among the backward ones */
    FVI_STEP_BACKWARD,
    FVI_STEP_BACKWARD_WEIGHTS,
    FVI_STEP_BACKWARD_DATA,
    FVI_STEP_ACCUMULATE
} fvi_step_kind;

typedef struct fvi_step {
    fvi_step_kind kind;
    fv_value node; /* accumulate: whose gradient it is */
    fv_status (*run)(fvi_call *call);
    void (*pack)(const fvi_call *call); /* writes the packed weights that run reads; NULL: there are none */
    int32_t input_count;
    int32_t *x, *dx;                  /* [input_count] tensors, FVI_NONE where not read or not wanted */
    int32_t y, dy;                    /* accumulate: y += dy */
    int32_t plus;                     /* tensor that the step adds to dx[0], or FVI_NONE */
    int32_t gathered;                 /* storage of sums that are gathered during the step before it, or FVI_NONE */
    int32_t reads_x;                  /* so many of the inputs' data may be looked at, of the others only the shapes */
    bool reads_y;                     /* likewise y */
    int32_t clear_first, clear_count; /* range of plan->clear: storages whose borders are zeroed before this step */
    int32_t ready, ready_count;       /* parameters whose gradients are complete after this step */
    int32_t hand_first, hand_count;   /* range of plan->handed: parameters whose gradients are handed over behind it */
    int32_t rows;               /* of parameter 0 that are computed and handed over at a time; 0: all, as the others */
    int32_t scratch, packed;    /* storages that live for this step alone, or FVI_NONE */
    const fvi_staging *staging; /* NULL: the step computes on its tensors as they are */
    bool chained;               /* one of three that run as one: the first two do nothing */
    void *chain;                /* the last of them: what fvi_layer.chains prepared; else NULL */
    size_t chain_scratch;
} fvi_step;

struct fv_plan {
    fv_context *context;
    const fv_graph *graph;
    fvi_arena *memory; /* of the plan itself */
    fvi_arena *layout; /* of all that fvi_plan_lay_out() makes; NULL before */
    fv_plan_options options;
    const fvi_node *nodes;
    int32_t node_count;
    fvi_plan_node *node;
    fv_value *order; /* [order_count] nodes that may have steps, as forward runs them */
    int32_t order_count;
    bool fuses;
    bool packs_in_steps; /* weights are packed right before each step that reads them, all in the same memory */
    fvi_storage *storage;
    int32_t storage_count, storage_capacity;
    fvi_tensor *tensor;
    int32_t tensor_count, tensor_capacity;
    fvi_step *step;
    int32_t step_count, step_capacity, forward_count; /* steps [0, forward_count) are the forward ones */
    int32_t *clear;                                   /* storages, by the step that writes them first */
    bool *announced; /* [parameters]: some step completes its gradient; the others' gradients stay zero */
    bool *
        recompute; /* [storages of activations] computed again under a memory limit; NULL: none but for what costs little */
    int32_t limited_count;     /* storages that limit.c knows */
    bool places_well;          /* time is spent on a small arena */
    int32_t *gradient_storage; /* [parameters] FVI_NONE: it has none; NULL: the session has memory for all gradients */
    int32_t *handed;           /* [handed_count] parameters in the order in which their gradients are handed over */
    int32_t handed_count;
    int32_t reorders;
    const fvi_kernels *kernels;
    const fvi_bf16_kernels *bf16;
    const fvi_int8_kernels *int8;
    fv_plan_memory bytes;
};

bool fvi_plan_trains(const fv_plan *plan);
/* count items of size, zeroed, living as long as the plan. FV_ERR_MEMORY with the message set. */
fv_status fvi_plan_allocate(fv_plan *plan, size_t count, size_t size, void **out);
/* The same for what outlives the next fvi_plan_lay_out(). */
fv_status fvi_plan_allocate_kept(fv_plan *plan, size_t count, size_t size, void **out);

fv_status fvi_plan_rewrite(fv_plan *plan);
fv_status fvi_plan_fuse(fv_plan *plan);
void fvi_plan_find_gradients(fv_plan *plan);
/* Whether a node has parameters that learn; statistics count: they are observed in the backward pass. */
bool fvi_plan_learns_itself(const fv_plan *plan, fv_value value);
fv_status fvi_plan_choose(fv_plan *plan);
/* Whether backward begins with this node's activation, the last of a chain that its leader cannot undo itself. */
bool fvi_plan_undoes(const fv_plan *plan, fv_value value);
void fvi_plan_place(fv_plan *plan);
/* First channel of input j in a concatenation's output when it was written right there, else FVI_NONE. */
int32_t fvi_plan_joined_channel(const fv_plan *plan, fv_value value, int32_t j);
fv_status fvi_plan_steps(fv_plan *plan);
fv_status fvi_plan_repeat(fv_plan *plan);
fv_status fvi_plan_chain(fv_plan *plan);
/* The first of the steps that run with this one; itself where it runs alone. */
const fvi_step *fvi_plan_chain_first(const fvi_step *step);
/* Makes steps, storages and their places, and adds up their bytes; what an earlier call made is gone. */
fv_status fvi_plan_lay_out(fv_plan *plan);
fv_status fvi_plan_limit(fv_plan *plan);
/* Places storages once more, looking longer for a small arena; from now on fvi_plan_lay_out() does too. */
fv_status fvi_plan_place_well(fv_plan *plan);
fv_status fvi_plan_hand_over(fv_plan *plan);
/* So many rows of a node's parameter 0 have their gradients computed and handed over at a time; 0: all. */
int32_t fvi_plan_rows_at_a_time(const fv_plan *plan, fv_value value);
fv_status fvi_plan_step_memory(fv_plan *plan);
fv_status fvi_plan_watch(fv_plan *plan);
/* The dtype of parameters, of their gradients and of arithmetic: float32 in a plan of bf16 or i8. */
fv_dtype fvi_plan_arithmetic(const fv_plan *plan);
/* Whether tensors may be stored otherwise than layers compute: bf16, i8. */
bool fvi_plan_mixes(const fv_plan *plan);
/* How a plan of i8 stores the value of a root, at the end of its chain: NULL: in float32. */
const fv_quantized *fvi_plan_stored(const fv_plan *plan, fv_value root);
/* Whether two roots' values may lie in one storage. */
bool fvi_plan_stored_alike(const fv_plan *plan, fv_value a, fv_value b);
/* Which of the three answers of setup (algorithm, takes_bf16) is this step's, or -1. */
int32_t fvi_plan_answer(const fvi_step *step);
/* How many images the layer of a node computes at a time. Before its setup. */
int32_t fvi_plan_piece(const fv_plan *plan, fv_value value);
/* Bytes of `saved` for the whole batch, from those that a setup for one piece answered. */
fv_status fvi_plan_saved_bytes(const fv_plan *plan, fv_value value, size_t *bytes);
fv_status fvi_plan_stage(fv_plan *plan);
/* The view of a staged tensor of n images in scratch. */
fvi_view fvi_plan_staged_view(const fv_plan *plan, const fvi_staged *staged, void *scratch, int32_t n);
fv_status fvi_plan_assign_memory(fv_plan *plan);
/* Gives every storage its offset, and plan->bytes.arena its value; sizes and lifetimes are known. */
fv_status fvi_plan_place_storages(fv_plan *plan);
/* (*alive)[i]: bytes of the storages alive at step i, up to and with step_count. Belongs to the plan. */
fv_status fvi_plan_alive(fv_plan *plan, size_t **alive);
/* The first step after its own that writes something else over a root's activation; FVI_NONE when it has none. */
int32_t fvi_plan_clobbered(const fv_plan *plan, fv_value root);
/* FV_ERR_MEMORY, with a message that says what to do. */
fv_status fvi_plan_too_large(const fv_plan *plan);
/* Room for so many more storages. */
fv_status fvi_plan_more_storages(fv_plan *plan, int32_t count);
/* A storage of plain bytes that is alive from step `first` to step `last`, in room that is there. */
int32_t fvi_plan_add_bytes(fv_plan *plan, size_t bytes, int32_t first, int32_t last);

/* Views for n images over a session's arena. Empty (data NULL) for FVI_NONE. */
fvi_view fvi_plan_view(const fv_plan *plan, int32_t tensor, void *arena, int32_t n);
fvi_view fvi_plan_storage_view(const fv_plan *plan, int32_t storage, void *arena, int32_t n);

/* Steps that are no layer's: src/exec/builtin_steps.c. */
fv_status fvi_step_input(fvi_call *call);
fv_status fvi_step_accumulate(fvi_call *call);

#endif
