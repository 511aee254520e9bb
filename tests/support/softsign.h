/* SPDX-License-Identifier: Apache-2.0
 *
 * softsign.h - the options and the descriptor of the layer that docs/adding-a-layer.md adds.
 */
#ifndef FVI_TEST_SOFTSIGN_H
#define FVI_TEST_SOFTSIGN_H

#include "layer/layer.h"

typedef struct softsign_options {
    const char *name; /* first in every options struct */
    double scale;     /* 0 means 1 */
} softsign_options;

extern const fvi_layer fvi_layer_softsign;

#endif
