/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml_case.h - what tests of YAML descriptions share: a context, a folder for each test, reading a text, and mistakes that are
 * told with their place. One program each, so the state is the file's.
 */
#ifndef YAML_CASE_H
#define YAML_CASE_H

#include <stdio.h>
#include <string.h>

#include "fovea/model.h"
#include "support/files.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH], path[TEST_PATH]; /* path: of net.yaml in it */

static inline int make_folder(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_path(path, folder, "net.yaml");
    return 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

/* Owned by the caller. Fails the test when the text is no network. */
static inline fv_graph *read_yaml(const char *yaml)
{
    fv_graph *graph = NULL;
    test_file_write(folder, "net.yaml", yaml, strlen(yaml));
    if (fv_graph_read_yaml(&graph, context, path) != FV_OK)
        fail_msg("%s in:\n%.2000s", fv_context_message(context), yaml);
    return graph;
}

/* The network as JSON; released by fv_text_release(). */
static inline char *read_as_json(const char *yaml)
{
    fv_graph *graph = read_yaml(yaml);
    char *text = NULL;
    assert_int_equal(fv_graph_to_json(graph, &text), FV_OK);
    fv_graph_destroy(graph);
    return text;
}

/* words: part of the message, which names the file, too. */
static inline void expect_failure(const char *yaml, const char *words)
{
    fv_graph *graph = NULL;
    test_file_write(folder, "net.yaml", yaml, strlen(yaml));
    const fv_status status = fv_graph_read_yaml(&graph, context, path);
    assert_null(graph);
    if (status == FV_OK || strstr(fv_context_message(context), words) == NULL ||
        strstr(fv_context_message(context), path) == NULL)
        fail_msg("status %s, message '%s'; expected '%s'", fv_status_name(status), fv_context_message(context), words);
}

static inline int open_context(void **state)
{
    (void)state;
    return fv_context_create(&context, &(fv_context_options){ .threads = 1 }) == FV_OK ? 0 : -1;
}

static inline int close_context(void **state)
{
    (void)state;
    fv_context_destroy(context);
    return 0;
}

/* A test in a folder of its own. */
#define YAML_TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)
/* The program's status. */
#ifdef FVI_HAVE_YAML
#define YAML_RUN(tests) cmocka_run_group_tests(tests, open_context, close_context)
#else
#define YAML_RUN(tests) ((void)(tests), puts("skipped: built without libyaml") < 0)
#endif

#endif
