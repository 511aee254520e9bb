/* SPDX-License-Identifier: Apache-2.0
 *
 * sets.c - see sets.h.
 */
#include "support/sets.h"

#include <string.h>

#include "support/test.h"

fv_dataset *test_set_open(fv_context *context, const char *where, fv_split split)
{
    fv_dataset *dataset = NULL;
    if (fv_dataset_open(&dataset, context, where, split) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    return dataset;
}

void test_set_refused(fv_context *context, const char *where, fv_split split, fv_status expected, const char *words)
{
    fv_dataset *dataset = NULL;
    const fv_status status = fv_dataset_open(&dataset, context, where, split);
    assert_null(dataset);
    if (status != expected || strstr(fv_context_message(context), words) == NULL)
        fail_msg("status %s, message '%s'; expected '%s'", fv_status_name(status), fv_context_message(context), words);
}
