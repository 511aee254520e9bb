/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo.h - what every family of the zoo is tested for: sizes, shapes of its stages, learning, the same bits in any threads.
 */
#ifndef FVI_TEST_ZOO_H
#define FVI_TEST_ZOO_H

#include "support/graphs.h"

typedef struct test_zoo_size {
    const char *name, *flags;
    int64_t parameters;
    int64_t training_parameters; /* with auxiliary classifiers; 0: none */
} test_zoo_size;

typedef struct test_zoo_stage {
    const char *node;
    int32_t channels, rows, columns;
} test_zoo_stage;

/* Finished, owned by the caller. Fails the test when it cannot. */
fv_graph *test_zoo_build(fv_context *context, const char *name, const fv_zoo_options *options);
/* Each network's parameters; its table entry agrees with the graph. */
void test_zoo_sizes(const test_zoo_size *sizes, size_t count);
/* The outputs of named nodes of a network in its own size, and that they come in this order. */
void test_zoo_stages(const char *name, const char *flags, const test_zoo_stage *stages, size_t count);
/* How many nodes of a type the network has. */
int32_t test_zoo_count(const char *name, const char *type);
/* One step on `batch` random images, once with one thread and once with two: the loss is finite, the step lessens it, the
 * weights are the same bits, and it takes less than 16 GiB. The step is as long as should take off a hundredth of the loss, by its gradient. Of
 * cifar-plain-110 the classifier alone takes it. */
void test_zoo_learns(const char *name, const fv_zoo_options *options, int32_t batch);

#endif
