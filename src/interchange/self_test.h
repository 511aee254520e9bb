/* SPDX-License-Identifier: Apache-2.0
 *
 * self_test.h - the self-test in the metadata of a model file.
 */
#ifndef FVI_SELF_TEST_H
#define FVI_SELF_TEST_H

#include "fovea/self_test.h"

/* The key of the metadata. */
#define FVI_SELF_TEST "self_test"
/* The seed that files are written with; a reader takes any. */
enum { FVI_SELF_TEST_SEED = 1 };

/* What fv_model_write() stores: a new text (fv_text_release()), or NULL where there can be none. Short memory and a network that
 * cannot be run are no failure, only a warning: values that were trained for days are written all the same. */
char *fvi_self_test_text(fv_params *params, const fv_preprocess *preprocess);
/* The text in the model's file, or "". */
const char *fvi_model_self_test(const fv_model *model);

#endif
