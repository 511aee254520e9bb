/* SPDX-License-Identifier: Apache-2.0
 *
 * data_splits.c - all splits that a data set has.
 */
#include "data/data_splits.h"

#include <string.h>

/* Names of samples in memory, ", sample 3", do not tell splits apart; but there a validation split never stands in. */
static bool is_stand_in(const fv_dataset *test, const fv_dataset *validation)
{
    char one[4096], other[4096];
    if (test == NULL || validation == NULL)
        return false;
    fv_dataset_sample_name(test, 0, one, sizeof one);
    fv_dataset_sample_name(validation, 0, other, sizeof other);
    return strstr(one, ", sample ") == NULL && strcmp(one, other) == 0;
}

fv_status fvi_data_splits_open(fv_dataset *splits[FVI_SPLITS], fv_context *context, const char *where)
{
    for (int s = 0; s < FVI_SPLITS; s++)
        splits[s] = NULL;
    for (int s = 0; s < FVI_SPLITS; s++) {
        const fv_status status = fv_dataset_open(&splits[s], context, where, (fv_split)s);
        if (status == FV_OK || (s != FV_SPLIT_TRAIN && status == FV_ERR_NOT_FOUND))
            continue;
        fvi_data_splits_close(splits);
        return status;
    }
    if (is_stand_in(splits[FV_SPLIT_TEST], splits[FV_SPLIT_VALIDATION])) {
        fv_dataset_destroy(splits[FV_SPLIT_TEST]);
        splits[FV_SPLIT_TEST] = NULL;
    }
    return FV_OK;
}

void fvi_data_splits_close(fv_dataset *splits[FVI_SPLITS])
{
    for (int s = 0; s < FVI_SPLITS; s++) {
        fv_dataset_destroy(splits[s]);
        splits[s] = NULL;
    }
}
