/* SPDX-License-Identifier: Apache-2.0
 *
 * norm_pass.h - batch normalisation at work: a pass over the input, cut into groups (ghost batches) and chunks of rows
 * (kernel/norm/batch_norm.h), and what forward and backward share. The layer itself: batch_norm.c.
 */
#ifndef FVI_LAYER_NORM_PASS_H
#define FVI_LAYER_NORM_PASS_H

#include "kernel/norm/batch_norm.h"
#include "layer/layer.h"
#include "layer/split.h"

/* Vectors of channels in scratch: sums of a chunk forward and backward, factors of a group, factors for undoes_by_input(). */
enum { FVI_NORM_FORWARD_SUMS = 3, FVI_NORM_BACKWARD_SUMS = 2, FVI_NORM_FACTORS = 3, FVI_NORM_GATES = 2 };

typedef struct fvi_norm_pass {
    fvi_call *call;
    const fvi_view *out; /* y, or dx */
    fvi_norm_shape shape;
    fvi_norm_saved saved;
    size_t size;                 /* of an element */
    char *sums, *factors;        /* scratch: sums of chunks; ab or abk of groups */
    char *gates;                 /* scratch, backward: ab of groups once more; NULL: not fvi_norm_undoes_by_input() */
    const void *scale, *shift;   /* parameters, or NULL */
    const void *mean, *variance; /* running */
    void *dscale, *dshift;       /* or NULL */
    void *observed_mean, *observed_variance;
} fvi_norm_pass;

/* A run of pixels: of one image row, or (vectors) of several images. */
typedef struct fvi_norm_run {
    fvi_pixels pixels;
    int32_t image, row;
} fvi_norm_run;

typedef void fvi_norm_run_fn(const fvi_norm_pass *pass, const fvi_norm_run *run, size_t group, char *sums);

/* Mixed precision: float32 copies of a chunk, for each worker. */
enum { FVI_NORM_COPIES = 3 /* views that one pass looks at */ };
typedef struct fvi_norm_prepared {
    size_t copies;   /* their offset in scratch */
    size_t elements; /* of one copy */
} fvi_norm_prepared;

/* What a pass reads and writes, for the copies. */
enum { FVI_NORM_X = 1, FVI_NORM_SUMMAND = 2, FVI_NORM_Y = 4, FVI_NORM_DY = 8, FVI_NORM_DX = 16 };

double fvi_norm_epsilon(const void *options);
size_t fvi_norm_groups_of(const fv_batch_norm_options *options, size_t images);
fvi_norm_shape fvi_norm_shape_of(size_t images, size_t groups, fv_image_shape image);
/* Whether backward computes what f was given anew, from x. Of frozen statistics the input of f is rounded otherwise than in forward, which
 * shows where it is as good as 0. */
bool fvi_norm_undoes_by_input(const fvi_fused *fused);
bool fvi_norm_is_gated(const fvi_fused *fused); /* and lets dy through, or not, on the way: a ReLU alone */
/* Bytes before the sums where they are gathered: what gathers them, and how much of each chunk is written. */
size_t fvi_norm_gathered_header(size_t chunks);

fvi_norm_pass fvi_norm_pass_of(fvi_call *call, const fvi_view *out);
void fvi_norm_each_run(const fvi_norm_pass *pass, size_t group, size_t first, size_t rows, char *sums,
                       fvi_norm_run_fn *work);
/* The chunks in parallel; reads and writes: FVI_NORM_X | ... */
void fvi_norm_each_chunk(fvi_norm_pass *pass, fvi_task_fn *work, uint32_t reads, uint32_t writes);
void fvi_norm_each_channels(fvi_norm_pass *pass, fvi_task_fn *work); /* tasks of neighbouring channels, in parallel */
void fvi_norm_task_channels(const fvi_norm_pass *pass, size_t index, size_t *first, size_t *end); /* of such a task */
/* Where a run begins in a view; vectors of channels at `base`. */
void *fvi_norm_row(const fvi_norm_pass *pass, const fvi_view *view, const fvi_norm_run *run);
char *fvi_norm_part(const fvi_norm_pass *pass, char *base, size_t index);

/* norm_forward.c */
fv_status fvi_norm_forward(fvi_call *call);
fv_status fvi_norm_repeat(fvi_call *call);
const fvi_watch *fvi_norm_gather(fvi_call *call);
/* norm_backward.c */
fv_status fvi_norm_backward(fvi_call *call);
void fvi_norm_observe(const fvi_call *call);

#endif
