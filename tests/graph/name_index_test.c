/* SPDX-License-Identifier: Apache-2.0
 *
 * name_index_test.c - every name of a large graph is found, and no other.
 */
#include "graph/name_index.h"

#include <stdio.h>

#include "support/test.h"

enum { NODES = 20000 };

static void every_name_is_found_and_no_other(void **state)
{
    (void)state;
    static char names[NODES][16];
    static fvi_node nodes[NODES];
    fv_context *context = NULL;
    fvi_name_index index = { 0 };
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    assert_int_equal(fvi_name_index_find(&index, nodes, "node0"), -1);
    for (int32_t i = 0; i < NODES; i++) {
        snprintf(names[i], sizeof names[i], "node%d", (int)i);
        nodes[i].name = names[i];
        assert_int_equal(fvi_name_index_find(&index, nodes, names[i]), -1);
        assert_int_equal(fvi_name_index_reserve(&index, context, nodes, (size_t)i + 1), FV_OK);
        fvi_name_index_add(&index, nodes, i);
    }
    for (int32_t i = 0; i < NODES; i++)
        assert_int_equal(fvi_name_index_find(&index, nodes, names[i]), i);
    assert_int_equal(fvi_name_index_find(&index, nodes, "node20000"), -1);
    assert_int_equal(fvi_name_index_find(&index, nodes, ""), -1);
    fvi_name_index_release(&index, context);
    fv_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_name_is_found_and_no_other) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
