/* SPDX-License-Identifier: Apache-2.0
 *
 * status_test.c - every status has a name of its own.
 */
#include <string.h>

#include "fovea/context.h"
#include "support/test.h"

FV_TEST(status, names_are_distinct)
{
    for (int i = FV_OK; i <= FV_ERR_INTERRUPTED; i++) {
        assert_string_not_equal(fv_status_name((fv_status)i), "unknown status");
        for (int j = FV_OK; j < i; j++)
            assert_string_not_equal(fv_status_name((fv_status)i), fv_status_name((fv_status)j));
    }
    assert_string_equal(fv_status_name((fv_status)99), "unknown status");
}

FV_TEST(status, version_is_that_of_the_build)
{
    assert_string_equal(fv_version(), FVI_VERSION);
    assert_int_equal(strncmp(fv_libraries(), "jansson", 7), 0);
}

FV_TESTS(status, names_are_distinct, version_is_that_of_the_build)
