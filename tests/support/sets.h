/* SPDX-License-Identifier: Apache-2.0
 *
 * sets.h - data sets that can be opened, and those that must not be.
 */
#ifndef FVI_TEST_SETS_H
#define FVI_TEST_SETS_H

#include "fovea/dataset.h"

/* Opens `where`; a failure fails the test with the context's message. fv_dataset_destroy() releases it. */
fv_dataset *test_set_open(fv_context *context, const char *where, fv_split split);
/* Opening must fail with this status, and a message that has these words in it. */
void test_set_refused(fv_context *context, const char *where, fv_split split, fv_status expected, const char *words);

#endif
