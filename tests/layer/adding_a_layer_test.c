/* SPDX-License-Identifier: Apache-2.0
 *
 * adding_a_layer_test.c - the layer of docs/adding-a-layer.md works, and its code is the page's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/gradient.h"
#include "support/softsign.h"
#include "support/test.h"

static const char page_path[] = FVI_TEST_SOURCE "/../docs/adding-a-layer.md";

/* The whole file, to be freed. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *text = calloc((size_t)size + 1, 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    return text;
}

/* "<!-- tests/support/softsign.c -->" names the file of the code block behind it. */
static void check_block(const char *mark, size_t index)
{
    char path[512], name[256];
    assert_int_equal(sscanf(mark, "<!-- tests/%250s -->", name), 1);
    snprintf(path, sizeof path, "%s/%s", FVI_TEST_SOURCE, name);
    const char *start = strstr(mark, "```c\n");
    assert_non_null(start);
    start += 5;
    const char *end = strstr(start, "```");
    assert_non_null(end);
    char *block = strndup(start, (size_t)(end - start)), *file = read_file(path);
    if (!strstr(file, block))
        fail_msg("code block %zu of docs/adding-a-layer.md is not in %s:\n%s", index, name, block);
    free(block);
    free(file);
}

FV_TEST(adding_a_layer, the_page_shows_the_code_that_is_tested)
{
    char *page = read_file(page_path);
    size_t blocks = 0, code = 0;
    for (const char *at = strstr(page, "<!-- tests/"); at; at = strstr(at + 1, "<!-- tests/"))
        check_block(at, blocks++);
    for (const char *at = strstr(page, "```c\n"); at; at = strstr(at + 1, "```c\n"))
        code++;
    assert_true(blocks > 0);
    assert_int_equal(blocks, code);
    free(page);
}

static layer_case make_case(double scale)
{
    layer_case problem = { .problem = "softsign", .layer = &fvi_layer_softsign, .n = 2, .input_count = 1 };
    const softsign_options options = { .scale = scale };
    problem.in[0] = (fv_image_shape){ 3, 4, 5 };
    assert_true(sizeof options <= sizeof problem.options);
    memcpy(&problem.options, &options, sizeof options);
    return problem;
}

FV_TEST(adding_a_layer, the_example_has_the_right_gradient)
{
    const fv_context_options options = { .threads = 1 };
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    const double scales[] = { 0, 0.5, 3 };
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        const layer_case problem = make_case(scales[i]);
        test_layer_gradients(&problem, context);
    }
    fv_context_destroy(context);
}

FV_TEST(adding_a_layer, its_options_are_checked)
{
    const fv_context_options options = { .threads = 1 };
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    const layer_case problem = make_case(-1);
    fvi_infer node;
    assert_int_equal(layer_case_infer(&problem, context, &node), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "softsign 'node1': scale -1 is not in 1e-06 to 1e+06"));
    fv_context_destroy(context);
}

FV_TESTS(adding_a_layer, the_page_shows_the_code_that_is_tested, the_example_has_the_right_gradient,
         its_options_are_checked)
