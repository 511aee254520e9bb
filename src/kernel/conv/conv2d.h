/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d.h - two-dimensional convolution (cross-correlation), its three passes, and the choice of an algorithm for each.
 *
 *   forward           y[n,i,j,k]  = b[k] + sum over r,s,c of w[k,c,r,s] * x[n, i*sh + r*dh - top, j*sw + s*dw - left, c]
 *   backward by data  dx[n,h,w,c] = sum over k,r,s of w[k,c,r,s] * dy[n,i,j,k] where i*sh + r*dh - top = h, likewise j
 *   backward weights  dw[k,c,r,s] = sum over n,i,j of dy[n,i,j,k] * x[n, i*sh + r*dh - top, j*sw + s*dw - left, c]
 *                     db[k]       = sum over n,i,j of dy[n,i,j,k]
 *
 * With groups, c runs over the input channels of k's group and w is [k, c/groups, r, s] (OIHW).
 * A dense layer on an image is a convolution whose kernel is the image (1x1 output); on a vector, a 1x1 convolution.
 *
 * Life: fvi_conv2d_choose() once while planning (no allocation); the caller provides packed and scratch memory of the
 * sizes it tells and views with at least the borders it asks for; then any number of calls, with any n up to shape.n.
 * Results are the same bits for any number of threads: every reduction's order is a function of the problem alone.
 */
#ifndef FVI_CONV2D_H
#define FVI_CONV2D_H

#include "base/base.h"
#include "kernel/kernels.h"
#include "kernel/watch.h"
#include "tensor/view.h"

typedef struct fvi_conv2d_shape {
    int32_t n, c, h, w;  /* largest batch; input channels, rows, columns */
    int32_t k, r, s;     /* output channels; kernel rows, columns */
    int32_t stride[2];   /* rows, columns */
    int32_t pad[4];      /* top, left, bottom, right, in pixels; bottom and right decide only oh and ow */
    int32_t dilation[2]; /* 1: dense */
    int32_t groups;
    int32_t oh, ow; /* (h + top + bottom - dh*(r-1) - 1) / sh + 1, likewise ow; set by fvi_conv2d_infer() */
} fvi_conv2d_shape;

typedef enum fvi_pass { FVI_FORWARD, FVI_BACKWARD_DATA, FVI_BACKWARD_WEIGHTS, FVI_PASSES } fvi_pass;

/* Fills oh and ow. Returns NULL, or a static text saying what is wrong (a size below 1, groups that do not divide,
 * a kernel larger than the padded input, a product of sizes over 2^31). */
const char *fvi_conv2d_infer(fvi_conv2d_shape *shape);

/* A problem string as tests and `fovea bench` use it: n16c64h56w56k64r3s3p1 with optional u (stride, rows and columns; v
 * columns alone), d (dilation, d1 = dense), g (groups), p (padding all sides) or pt pl pb pr. c, h, w, k, r, s as in the
 * shape; n defaults to 1, w to h, s to r, u to 1, p to 0, d to 1, g to 1. Returns NULL or a static text saying what is
 * wrong; calls fvi_conv2d_infer() itself. */
const char *fvi_conv2d_parse(const char *problem, fvi_conv2d_shape *shape);
/* Writes the shape as such a string; returns its length or what it would have been. */
size_t fvi_conv2d_format(const fvi_conv2d_shape *shape, char *text, size_t size);

typedef struct fvi_conv2d_plan fvi_conv2d_plan;

/* What becomes of y, or dx, behind the convolution: y = f(y + summand), part by part while a part is in the cache of the task that
 * computed it. Not a part of the plan: any call may have another, or NULL for none. */
typedef struct fvi_conv2d_epilogue {
    const fvi_kernels *kernels;       /* of the plan's dtype */
    const fvi_activation *activation; /* f; NULL: f(x) = x */
    const fvi_view *summand;          /* of y's sizes, not its memory; NULL: none */
    const fvi_watch *watch;           /* NULL: nobody */
} fvi_conv2d_epilogue;

/* One way to compute. The calls mirror fvi_conv2d_pack() and so on below; NULL for a pass that is not among `passes`. */
typedef struct fvi_conv2d_algorithm {
    const char *name;   /* as fovea explain shows it: "direct_avx2", "small_avx2", "reference", ... */
    const void *kernel; /* the algorithm's own, handed to the plan */
    uint32_t passes;    /* bit (1 << fvi_pass) for each pass it can do */
    /* Refuses with a static text that gives the reason, or returns NULL and fills the plan's part for this pass.
     * plan->pass[pass].kernel is set before. */
    const char *(*accept)(fvi_conv2d_plan *plan, fvi_pass pass);
    void (*pack)(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w, void *packed);
    /* Both call fvi_conv2d_finish() once for each value of y or dx, when it is final. */
    void (*forward)(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x, const void *packed,
                    const void *bias, const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch);
    void (*backward_data)(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy, const void *packed,
                          const fvi_conv2d_epilogue *epilogue, const fvi_view *dx, void *scratch);
    void (*backward_weights)(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x, const fvi_view *dy,
                             void *dw, void *db, void *scratch);
} fvi_conv2d_algorithm;

/* The ordered table of an instruction set, the reference last; *count entries. */
const fvi_conv2d_algorithm *fvi_conv2d_algorithms(fvi_isa isa, fv_dtype dtype, size_t *count);

/* What was decided for one convolution. Plain data: copy it, keep it in a plan. */
struct fvi_conv2d_plan {
    fvi_conv2d_shape shape;
    fv_dtype dtype; /* FV_F32 or FV_F64 */
    fvi_isa isa;
    int32_t threads;
    bool asked_for; /* true while an algorithm is asked by name: it then takes all that it can do */
    bool
        continues; /* backward weights: x and scratch are those of the call before, and what that made of x is still there */
    struct {
        const char *algorithm;
        int32_t index;        /* in the table */
        size_t packed_bytes;  /* weights packed for this pass; 0 for backward weights */
        size_t scratch_bytes; /* for the whole call, all threads together */
        int32_t border[4];    /* forward, backward weights: on x; backward data: on dy. Top, left, bottom, right */
        int32_t tile[6];      /* the algorithm's own blocking */
        const void *kernel;   /* the algorithm's own: a static const descriptor */
    } pass[FVI_PASSES];
};

/* Fills plan for shape. only: NULL, or the name of one algorithm that must do every pass it can (tests, tuning);
 * passes it cannot do fall through the table. reference: the reference for every pass. Cannot fail: the reference takes all. */
void fvi_conv2d_choose(fvi_conv2d_plan *plan, const fvi_conv2d_shape *shape, fv_dtype dtype, fvi_isa isa,
                       int32_t threads, bool reference, const char *only);
/* The same with a name of its own, or NULL, for each pass. */
void fvi_conv2d_choose_each(fvi_conv2d_plan *plan, const fvi_conv2d_shape *shape, fv_dtype dtype, fvi_isa isa,
                            int32_t threads, bool reference, const char *const only[FVI_PASSES]);
/* "forward", "backward_data", "backward_weights". */
const char *fvi_conv2d_pass_name(fvi_pass pass);
/* "name: reason\n" for each algorithm that was asked before the chosen one. Returns the length, or what it would have been. */
size_t fvi_conv2d_explain(const fvi_conv2d_plan *plan, fvi_pass pass, char *text, size_t size);

/* Packs OIHW weights of the plan's dtype for a pass (FVI_FORWARD or FVI_BACKWARD_DATA). In parallel. */
void fvi_conv2d_pack(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w, void *packed);

/* y is overwritten (its border is not touched). bias [k] or NULL. epilogue: NULL for none. scratch: the pass's
 * scratch_bytes, 64-byte aligned, contents free. */
void fvi_conv2d_forward(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x, const void *packed,
                        const void *bias, const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch);
/* dx is overwritten (its border is not touched). */
void fvi_conv2d_backward_data(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy, const void *packed,
                              const fvi_conv2d_epilogue *epilogue, const fvi_view *dx, void *scratch);
/* dw (OIHW) and db ([k] or NULL) are overwritten. */
void fvi_conv2d_backward_weights(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,
                                 const fvi_view *dy, void *dw, void *db, void *scratch);

#endif
