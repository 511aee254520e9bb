/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo_case.h - what every test of a family of networks asks: counts, shapes, a few steps of training.
 */
#ifndef FVI_TEST_ZOO_CASE_H
#define FVI_TEST_ZOO_CASE_H

#include "fovea/fovea.h"

typedef struct zoo_count {
    const char *name;
    int64_t parameters; /* trainable, without auxiliary classifiers */
} zoo_count;

typedef struct zoo_stage {
    const char *layer;
    int32_t c, h, w;
} zoo_stage;

/* Each network has exactly so many trainable parameters. Ends with a NULL name. */
void zoo_assert_counts(const zoo_count *counts);
/* These layers of the network have these outputs. Ends with a NULL layer. */
void zoo_assert_stages(const char *name, const zoo_stage *stages);
/* Takes four steps of SGD on one batch of noise, adapted by options, with one thread and again with two: the loss is finite and
 * falls, and the weights are the same bits. */
void zoo_assert_learns(const char *name, const fv_zoo_options *options, int32_t batch, double rate);

#endif
