/* SPDX-License-Identifier: Apache-2.0
 *
 * quantize_internal.h - what quantising and comparing share.
 */
#ifndef FVI_QUANTIZE_INTERNAL_H
#define FVI_QUANTIZE_INTERNAL_H

#include "graph/graph_internal.h"

/* Whether a node's sums can be made of bytes. */
bool fvi_computes_in_int8(const fvi_node *node);

#endif
