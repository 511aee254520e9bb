/* SPDX-License-Identifier: Apache-2.0
 *
 * graphs.h - small graphs and batches that several tests need.
 */
#ifndef FVI_TEST_GRAPHS_H
#define FVI_TEST_GRAPHS_H

#include "fovea/fovea.h"
#include "support/allocator.h"

/* A context of `threads` threads over a fresh allocator, which must outlive it. Fails the test when it cannot. */
fv_context *test_context(test_allocator *allocator, int32_t threads);

/* A graph under construction, owned by the caller, with an input called "image", and one node more. Fail the test when they are
 * refused. */
fv_graph *test_graph_start(fv_context *context, fv_image_shape shape, fv_value *image);
fv_value test_add(fv_graph *graph, const char *type, const fv_value *inputs, int32_t count, const void *options);

/* Finished, owned by the caller. 3x9x9 in, 4 classes; values with several readers, a sum, a concatenation, views:
 *
 *   image - a(conv) - ra(relu) -+- b(conv) - tb(tanh) ------------------+
 *                               +- c(conv 1x1) -+- sum(add) - rs(relu) -+- join(concat) - same(identity) -+
 *                               +---------------+                       |                                 |
 *                               +- e(elu) ------------------------------+                                 |
 *                                                   loss - fc(dense) - flatten - pool(average) -----------+
 */
fv_graph *test_branches(fv_context *context);

/* A batch of n samples for a graph with one score per class; every value a function of (seed, index). float64, NCHW.
 * Owned by the caller, released by test_batch_release(). */
fv_batch test_batch(const fv_graph *graph, int32_t n, uint64_t seed);
void test_batch_release(fv_batch *batch);
/* Samples [first, first + n) of a batch, borrowed. */
fv_batch test_batch_part(const fv_graph *graph, const fv_batch *batch, int32_t first, int32_t n);

/* A node by its name; fails the test when there is none. */
fv_value test_node(const fv_graph *graph, const char *name);

/* Plan, parameters and session of one graph. */
typedef struct test_run {
    fv_plan *plan;
    fv_params *params;
    fv_session *session;
} test_run;

/* Parameters are initialised from seed 1, then moved a little so that biases are not zero. Fails the test when it
 * cannot. */
test_run test_start(const fv_graph *graph, const fv_plan_options *options);
void test_end(test_run *run);

/* max|a-b| / max|b| over count values of dtype; b may be of another dtype. */
double test_tensor_error(const void *a, fv_dtype a_dtype, const void *b, fv_dtype b_dtype, size_t count);
/* The same over all parameters. */
double test_params_error(fv_params *a, fv_params *b);

#endif
