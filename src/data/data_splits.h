/* SPDX-License-Identifier: Apache-2.0
 *
 * data_splits.h - all splits that a data set has.
 */
#ifndef FVI_DATA_SPLITS_H
#define FVI_DATA_SPLITS_H

#include "fovea/dataset.h"

enum { FVI_SPLITS = 3 };

/* By fv_split; NULL where the set has none, and where the test split is the validation split under another name (fv_dataset_open()). There is a
 * training split, or the call fails, with nothing to close. */
fv_status fvi_data_splits_open(fv_dataset *splits[FVI_SPLITS], fv_context *context, const char *where);
void fvi_data_splits_close(fv_dataset *splits[FVI_SPLITS]);

#endif
