/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml_write_test.c - every network of the zoo, written as YAML, reads back to the same nodes; what reading supplies is not written.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/zoo.h"
#include "graph/graph_internal.h"
#include "interchange/yaml_case.h"
#include "support/locale.h"

/* What an unset number stands for, as far as its default is a number. */
static double effective(const fvi_attribute *attribute, double value)
{
    return value == 0.0 && attribute->fallback != NULL ? strtod(attribute->fallback, NULL) : value;
}

/* Two attributes' values, byte for byte, but for numbers that are unset on one side and say the default on the other. */
static bool same_attribute(const fvi_attribute *attribute, const void *left, const void *right)
{
    left = (const char *)left + attribute->offset;
    right = (const char *)right + attribute->offset;
    bool same = true;
    switch (attribute->type) {
    case FVI_ATTRIBUTE_INT:
        for (int32_t i = 0; i < attribute->count; i++)
            same = same && effective(attribute, ((const int32_t *)left)[i]) ==
                               effective(attribute, ((const int32_t *)right)[i]);
        return same;
    case FVI_ATTRIBUTE_REAL:
        return effective(attribute, *(const double *)left) == effective(attribute, *(const double *)right);
    case FVI_ATTRIBUTE_BOOL:
        return *(const bool *)left == *(const bool *)right;
    case FVI_ATTRIBUTE_ENUM:
        return memcmp(left, right, sizeof(int)) == 0;
    case FVI_ATTRIBUTE_INIT: {
        const fv_initializer *a = left, *b = right;
        return a->kind == b->kind && a->value == b->value && a->uniform == b->uniform;
    }
    case FVI_ATTRIBUTE_INTS: {
        const fv_int_list *a = left, *b = right;
        return a->count == b->count &&
               (a->count == 0 || memcmp(a->values, b->values, (size_t)a->count * sizeof *a->values) == 0);
    }
    case FVI_ATTRIBUTE_REALS: {
        const fv_real_list *a = left, *b = right;
        return a->count == b->count &&
               (a->count == 0 || memcmp(a->values, b->values, (size_t)a->count * sizeof *a->values) == 0);
    }
    }
    return false;
}

/* Name, type, inputs, attributes, shape and parameters of every node, and the output. */
static void expect_same(const fv_graph *graph, const fv_graph *other)
{
    int32_t count = 0, other_count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count), *others = fvi_graph_nodes(other, &other_count);
    assert_string_equal(fv_graph_name(graph), fv_graph_name(other));
    assert_int_equal(count, other_count);
    assert_int_equal(fv_graph_output(graph), fv_graph_output(other));
    for (int32_t i = 0; i < count; i++) {
        assert_string_equal(nodes[i].name, others[i].name);
        assert_ptr_equal(nodes[i].layer, others[i].layer);
        assert_int_equal(nodes[i].input_count, others[i].input_count);
        for (int32_t j = 0; j < nodes[i].input_count; j++)
            assert_int_equal(nodes[i].inputs[j], others[i].inputs[j]);
        for (const fvi_attribute *attribute = nodes[i].layer->attributes; attribute != NULL && attribute->name != NULL;
             attribute++)
            if (!same_attribute(attribute, nodes[i].options, others[i].options))
                fail_msg("%s: %s '%s' has another %s", fv_graph_name(graph), nodes[i].layer->name, nodes[i].name,
                         attribute->name);
        assert_memory_equal(&nodes[i].out, &others[i].out, sizeof nodes[i].out);
        assert_int_equal(fv_graph_node(graph, i).parameters, fv_graph_node(other, i).parameters);
    }
}

static void expect_round_trip(const fv_graph *graph)
{
    char *yaml = NULL;
    if (fv_graph_to_yaml(graph, &yaml) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    fv_graph *back = read_yaml(yaml);
    expect_same(graph, back);
    fv_graph_destroy(back);
    fv_text_release(context, yaml);
}

static void every_network_of_the_zoo_reads_back(void **state)
{
    (void)state;
    assert_true(fv_zoo_count() > 0);
    for (int32_t i = 0; i < fv_zoo_count(); i++) {
        fv_graph *graph = NULL;
        assert_int_equal(fv_zoo_build(&graph, context, fv_zoo_get(i)->name), FV_OK);
        expect_round_trip(graph);
        fv_graph_destroy(graph);
    }
}

static void expect_written(const char *yaml, const char *expected)
{
    char *written = NULL;
    fv_graph *graph = read_yaml(yaml);
    assert_int_equal(fv_graph_to_yaml(graph, &written), FV_OK);
    assert_string_equal(written, expected);
    fv_text_release(context, written);
    fv_graph_destroy(graph);
}

/* yaml is as the writer writes it: it must come back letter by letter. */
static void expect_text(const char *yaml)
{
    expect_written(yaml, yaml);
}

static void what_reading_supplies_is_left_out(void **state)
{
    (void)state;
    expect_written("input: [1, 8, 8]\n"
                   "layers:\n"
                   "  - conv2d: {name: conv2d1, from: input, filters: 1, kernel: 1, stride: [1, 1], groups: 1}\n"
                   "  - leaky_relu: {slope: 0.01}\n"
                   "  - dense: {units: 1}\n"
                   "output: dense1\n"
                   "loss: softmax_cross_entropy\n",
                   "name: net\n"
                   "input: [1, 8, 8]\n"
                   "layers:\n"
                   "  - conv2d: {filters: 1}\n"
                   "  - leaky_relu\n"
                   "  - dense: {units: 1}\n");
    expect_text("name: net\n"
                "input: [1, 8, 8]\n"
                "layers:\n"
                "  - conv2d: {filters: 6, kernel: 3, padding: same}\n"
                "  - relu\n"
                "  - conv2d: {name: left, filters: 6, kernel: [3, 5], stride: 2, pad: [1, 2]}\n"
                "  - conv2d: {from: relu1, filters: 6, kernel: 3, stride: 2, pad: [1, 0, 1, 2], no_bias: true,\n"
                "      weight_init: {kind: he, uniform: true}}\n"
                "  - add: {from: [left, conv2d2]}\n"
                "  - leaky_relu: {slope: 0.1}\n"
                "  - dense: {units: 10, weight_init: {kind: gaussian, value: 1e-5}}\n");
}

/* The reader lets a convolution go without bias where batch_norm follows; the writer must say what it cannot know. */
static void biases_before_batch_norm_are_told(void **state)
{
    (void)state;
    expect_text("name: net\n"
                "input: [1, 4, 4]\n"
                "layers:\n"
                "  - conv2d: {filters: 2}\n"
                "  - batch_norm\n"
                "  - conv2d: {filters: 2, no_bias: false}\n"
                "  - batch_norm\n"
                "  - conv2d: {filters: 2, no_bias: true}\n"
                "  - relu\n"
                "  - conv2d: {filters: 2}\n"
                "  - relu\n"
                "  - batch_norm: {from: conv2d4}\n"
                "  - add: {from: [relu2, batch_norm3]}\n"
                "loss: none\n");
}

static void odd_names_are_quoted(void **state)
{
    (void)state;
    expect_text("name: \"7\"\n"
                "input: {name: \"a b\", shape: [1, 2, 2]}\n"
                "layers:\n"
                "  - relu: {name: \"no\"}\n"
                "  - relu: {name: \"x, {{1}} 'y' \\\"z\\\" \\\\\"}\n"
                "  - relu: {name: \"true\"}\n"
                "  - relu: {name: \"-5\"}\n"
                "  - relu: {name: layer1.0/relu-2}\n"
                "  - relu: {name: \"caf\xc3\xa9 \\x85 \\u2028\\uFEFF\"}\n"
                "  - add: {from: [\"x, {{1}} 'y' \\\"z\\\" \\\\\", \"caf\xc3\xa9 \\x85 \\u2028\\uFEFF\"]}\n"
                "loss: none\n");
}

static void heads_outputs_and_losses_are_kept(void **state)
{
    (void)state;
    expect_text("name: net\n"
                "input: [1, 2, 2]\n"
                "layers:\n"
                "  - relu\n"
                "  - dense: {name: side, units: 3}\n"
                "  - softmax_cross_entropy: {name: side_loss, weight: 0.3}\n"
                "  - dense: {from: relu1, units: 3}\n"
                "loss: softmax_cross_entropy\n");
    expect_text("name: net\n"
                "input: [1, 2, 2]\n"
                "layers:\n"
                "  - dense: {units: 3}\n"
                "  - softmax\n"
                "  - dense: {name: side, from: dense1, units: 3}\n"
                "  - euclidean_loss: {name: side_loss}\n"
                "output: softmax1\n"
                "loss: {euclidean_loss: {half: true}}\n");
    expect_text("name: net\n"
                "input: [1, 2, 2]\n"
                "layers:\n"
                "  - dense: {units: 3}\n"
                "  - softmax\n");
    expect_text("name: net\n"
                "input: [1, 2, 2]\n"
                "layers:\n"
                "  - dense: {units: 3}\n"
                "  - softmax_cross_entropy: {name: loss}\n"
                "  - dense: {units: 3}\n"
                "loss: {softmax_cross_entropy: {name: last}}\n");
}

static void no_locale_changes_what_is_written(void **state)
{
    (void)state;
    test_use_decimal_comma();
    expect_text("name: net\n"
                "input: [1, 2, 2]\n"
                "layers:\n"
                "  - leaky_relu: {slope: 0.25}\n"
                "loss: none\n");
    setlocale(LC_ALL, "C");
}

static void an_unfinished_graph_is_refused(void **state)
{
    (void)state;
    fv_graph *graph = NULL;
    char *text = (char *)"";
    assert_int_equal(fv_graph_create(&graph, context, "g"), FV_OK);
    assert_int_equal(fv_graph_to_yaml(graph, &text), FV_ERR_STATE);
    assert_null(text);
    fv_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        YAML_TEST(every_network_of_the_zoo_reads_back),   YAML_TEST(what_reading_supplies_is_left_out),
        YAML_TEST(biases_before_batch_norm_are_told),     YAML_TEST(odd_names_are_quoted),
        YAML_TEST(heads_outputs_and_losses_are_kept),     YAML_TEST(no_locale_changes_what_is_written),
        cmocka_unit_test(an_unfinished_graph_is_refused),
    };
    return YAML_RUN(tests);
}
