/* SPDX-License-Identifier: Apache-2.0
 *
 * identity.h - telling whether a data set is the one that a run began with.
 */
#ifndef FVI_IDENTITY_H
#define FVI_IDENTITY_H

#include "fovea/dataset.h"

/* XXH64 of all labels and targets (32 bits each, little-endian) and, of sets in memory, of the pixels of images spread over the set
 * (all, up to 256 MiB of them), of others of the files' names, as 16 hexadecimal digits and a NUL. */
void fvi_dataset_hash(const fv_dataset *dataset, char text[17]);

#endif
