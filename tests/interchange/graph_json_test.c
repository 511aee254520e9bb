/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_json_test.c - networks to JSON and back, and texts that are not networks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/model.h"
#include "fovea/zoo.h"
#include "support/test.h"

static fv_context *context;

static char *to_json(const fv_graph *graph)
{
    char *text = NULL;
    if (fv_graph_to_json(graph, &text) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    return text;
}

static fv_graph *from_json(const char *text)
{
    fv_graph *graph = NULL;
    if (fv_graph_from_json(&graph, context, text) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    return graph;
}

static void every_network_of_the_zoo_comes_back(void **state)
{
    (void)state;
    for (int32_t i = 0; i < fv_zoo_count(); i++) {
        fv_graph *graph = NULL;
        assert_int_equal(fv_zoo_build(&graph, context, fv_zoo_get(i)->name), FV_OK);
        char *text = to_json(graph);
        fv_graph *again = from_json(text);
        char *same = to_json(again);
        assert_string_equal(text, same);
        assert_int_equal(fv_graph_parameters(again), fv_graph_parameters(graph));
        assert_int_equal(fv_graph_multiply_adds(again), fv_graph_multiply_adds(graph));
        assert_int_equal(fv_graph_output(again), fv_graph_output(graph));
        fv_text_release(context, text);
        fv_text_release(context, same);
        fv_graph_destroy(graph);
        fv_graph_destroy(again);
    }
}

/* Every kind of attribute off its default, joins, two readers of one value. */
static const char everything[] =
    "{\"name\":\"all\",\"output\":\"d\",\"nodes\":["
    "{\"name\":\"in\",\"type\":\"input\",\"inputs\":[],\"shape\":[3,9,8]},"
    "{\"name\":\"a\",\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":6,\"kernel\":[3,5],\"stride\":[2,0],"
    "\"padding\":\"same\","
    "\"dilation\":[1,1],\"groups\":3,\"no_bias\":true,\"weight_init\":{\"kind\":\"gaussian\",\"value\":0.125,"
    "\"uniform\":true}},"
    "{\"name\":\"b\",\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":6,\"kernel\":[2,1],\"stride\":[2,1],\"pad\":["
    "0,0,1,0]},"
    "{\"name\":\"j\",\"type\":\"add\",\"inputs\":[\"a\",\"b\"]},"
    "{\"name\":\"l\",\"type\":\"leaky_relu\",\"inputs\":[\"j\"],\"slope\":0.30000000000000004},"
    "{\"name\":\"p\",\"type\":\"average_pool2d\",\"inputs\":[\"l\"],\"count_padding\":true,\"kernel\":[2,2],\"ceil\":"
    "true},"
    "{\"name\":\"d\",\"type\":\"dense\",\"inputs\":[\"p\"],\"units\":4},"
    "{\"name\":\"loss\",\"type\":\"euclidean_loss\",\"inputs\":[\"d\"],\"weight\":0.5,\"half\":true},"
    "{\"name\":\"s\",\"type\":\"softmax_cross_entropy\",\"inputs\":[\"d\"],\"label_smoothing\":0.10000000000000001,"
    "\"class_weights\":[1.0,0.0,0.30000000000000004,2.5]}]}";

static void every_attribute_comes_back(void **state)
{
    (void)state;
    fv_graph *graph = from_json(everything);
    char *text = to_json(graph);
    assert_string_equal(text, everything);
    fv_text_release(context, text);
    fv_graph_destroy(graph);
}

static void expect_failure(const char *text, const char *words)
{
    fv_graph *graph = NULL;
    const fv_status status = fv_graph_from_json(&graph, context, text);
    assert_null(graph);
    if (status == FV_OK || strstr(fv_context_message(context), words) == NULL)
        fail_msg("status %s, message '%s'; expected '%s'", fv_status_name(status), fv_context_message(context), words);
}

#define NET(nodes) "{\"name\":\"n\",\"output\":\"x\",\"nodes\":[" nodes "]}"
#define INPUT "{\"name\":\"in\",\"type\":\"input\",\"inputs\":[],\"shape\":[1,4,4]},"
#define NODE(rest) NET(INPUT "{\"name\":\"x\"," rest "}")

static void bad_texts_are_told(void **state)
{
    (void)state;
    expect_failure("", "invalid JSON");
    expect_failure("{", "graph:1:1: invalid JSON");
    expect_failure("[]", "a graph must be a map, not a list");
    expect_failure("{\"name\":\"n\"}", "'output' is missing");
    expect_failure("{\"nome\":\"n\"}", "did you mean 'name'?");
    expect_failure("{\"name\":\"n\",\"name\":\"n\"}", "duplicate");
    expect_failure(NET("7"), "nodes[0]: a node must be a map");
    expect_failure(NODE("\"type\":\"convd2\",\"inputs\":[\"in\"]"),
                   "nodes[1].type: unknown layer type 'convd2'; did you mean 'conv2d'?");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"im\"],\"filters\":2"), "did you mean 'in'?");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"x\"],\"filters\":2"), "nodes[1].inputs[0]: unknown layer");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"]"), "nodes[1]: conv2d needs 'filters'");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":0"),
                   "nodes[1].filters: filters is 0, must be 1 to");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":2.5"), "must be a whole number");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":99999999999"), "must be 1 to");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":2,\"kernel\":[1,2,3]"),
                   "kernel has 3 values, takes 2");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":2,\"kernel\":[]"),
                   "kernel has 0 values, takes 2");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":2,\"kernel\":[-1,1]"),
                   "nodes[1].kernel[0]: kernel is -1");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":2,\"kernel\":9"), "conv2d 'x'");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":2,\"padding\":\"sane\""),
                   "did you mean 'same'?");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":2,\"no_bias\":1"),
                   "no_bias must be true or false");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":2,\"weight_init\":{\"value\":1}"),
                   "needs a kind");
    expect_failure(NODE("\"type\":\"conv2d\",\"inputs\":[\"in\"],\"filters\":2,\"filter\":2"),
                   "nodes[1].filter: unknown key of conv2d 'filter'; did you mean 'filters'?");
    expect_failure(NODE("\"type\":\"add\",\"inputs\":[]"), "nodes[1]");
    expect_failure(NODE("\"type\":\"softmax_cross_entropy\",\"inputs\":[\"in\"],\"class_weights\":[1,-2]"),
                   "nodes[1].class_weights[1]: class_weights is -2, must be 0 to 1e+09");
    expect_failure(NODE("\"type\":\"softmax_cross_entropy\",\"inputs\":[\"in\"],\"class_weights\":[1,[2]]"),
                   "nodes[1].class_weights[1]: class_weights must be");
    expect_failure(NODE("\"type\":\"softmax_cross_entropy\",\"inputs\":[\"in\"],\"class_weights\":\"all\""),
                   "nodes[1].class_weights: class_weights must be");
    expect_failure(NET("{\"name\":\"x\",\"type\":\"input\",\"inputs\":[],\"shape\":[1,4]}"),
                   "shape has 2 values, takes 3");
    expect_failure(NET(""), "unknown layer");
    expect_failure(NODE("\"type\":\"relu\",\"inputs\":[\"in\"],\"name\":\"in\""), "duplicate");
    expect_failure(NET(INPUT "{\"name\":\"in\",\"type\":\"relu\",\"inputs\":[\"in\"]}"), "unique");
}

static void deep_and_long_texts_are_bounded(void **state)
{
    (void)state;
    char text[4096];
    memset(text, '[', sizeof text);
    text[100] = '\0';
    for (int i = 0; i < 100; i++)
        text[100 + i] = ']';
    text[200] = '\0';
    expect_failure(text, "nested deeper");
    memset(text, '[', sizeof text); /* deeper than the parser itself goes */
    text[sizeof text - 1] = '\0';
    expect_failure(text, "invalid JSON");
    memset(text, 'x', 400);
    memcpy(text, "{\"name\":\"", 9);
    memcpy(text + 400, "\"}", 3);
    expect_failure(text, "a text of 391 bytes");
}

static void any_changed_byte_gives_a_status(void **state)
{
    (void)state;
    char text[sizeof everything];
    for (size_t i = 0; i < sizeof everything - 1; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            fv_graph *graph = NULL;
            memcpy(text, everything, sizeof text);
            text[i] = (char)(text[i] ^ 1 << bit);
            const fv_status status = fv_graph_from_json(&graph, context, text);
            assert_true((status == FV_OK) == (graph != NULL));
            if (status != FV_OK)
                assert_true(fv_context_message(context)[0] != '\0');
            fv_graph_destroy(graph);
        }
    for (size_t length = 0; length < sizeof everything - 1; length++) {
        memcpy(text, everything, length);
        text[length] = '\0';
        expect_failure(text, "invalid JSON");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_network_of_the_zoo_comes_back),
        cmocka_unit_test(every_attribute_comes_back),
        cmocka_unit_test(bad_texts_are_told),
        cmocka_unit_test(deep_and_long_texts_are_bounded),
        cmocka_unit_test(any_changed_byte_gives_a_status),
    };
    if (fv_context_create(&context, &(fv_context_options){ .threads = 1 }) != FV_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    return failed;
}
