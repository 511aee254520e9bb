/* SPDX-License-Identifier: Apache-2.0
 *
 * expand_test.c - nested blocks: a description with them gives the nodes of the flat one beside it, and mistakes inside are told with their
 * place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interchange/yaml_case.h"

static void expect_same(const char *yaml, const char *flat)
{
    char *text = read_as_json(yaml), *expected = read_as_json(flat);
    assert_string_equal(text, expected);
    fv_text_release(context, text);
    fv_text_release(context, expected);
}

#define NET(layers) "input: [4, 8, 8]\nloss: none\nlayers:\n" layers

static void attributes_take_expressions(void **state)
{
    (void)state;
    expect_same(
        "parameters:\n"
        "  width: 3\n"
        "  wide: width * 2\n"
        "  slope: 1 / 8\n"
        "  biased: false\n"
        "input: [width - 2, 2 ** wide / 8, 8]\n"
        "loss: {euclidean_loss: {weight: slope * 2}}\n"
        "layers:\n"
        "  - conv2d: {filters: wide, kernel: [width, \"(width + 2)\"], pad: [1, wide - 4], no_bias: 1 - biased,\n"
        "      weight_init: {kind: gaussian, value: slope / 2}}\n"
        "  - leaky_relu: {slope: slope}\n"
        "  - conv2d: {filters: 0.5 * channels, kernel: rows // 2, stride: columns / 4}\n"
        "  - dense: {units: channels * rows}\n",
        "input: [1, 8, 8]\n"
        "loss: {euclidean_loss: {weight: 0.25}}\n"
        "layers:\n"
        "  - conv2d: {filters: 6, kernel: [3, 5], pad: [1, 2], no_bias: true,\n"
        "      weight_init: {kind: gaussian, value: 0.0625}}\n"
        "  - leaky_relu: {slope: 0.125}\n"
        "  - conv2d: {filters: 3, kernel: 4, stride: 2}\n"
        "  - dense: {units: 9}\n");
}

static void residual_adds_its_shortcut(void **state)
{
    (void)state;
    expect_same(NET("  - residual: [{conv2d: {filters: 4}}, relu]\n"
                    "  - relu\n"),
                NET("  - conv2d: {filters: 4}\n"
                    "  - relu\n"
                    "  - add: {from: [relu1, input]}\n"
                    "  - relu\n"));
    expect_same(NET("  - relu\n"
                    "  - residual:\n"
                    "      name: block\n"
                    "      from: input\n"
                    "      body: [conv2d: {filters: 6}]\n"
                    "      shortcut: [conv2d: {name: side, filters: 6}]\n"
                    "  - add: {from: [block.side, block]}\n"
                    "  - head: [concat: {name: end, from: [relu1, add1]}]\n"
                    "output: end\n"),
                NET("  - relu\n"
                    "  - conv2d: {name: block.conv2d1, from: input, filters: 6}\n"
                    "  - conv2d: {name: block.side, from: input, filters: 6}\n"
                    "  - add: {name: block, from: [block.conv2d1, block.side]}\n"
                    "  - add: {from: [block.side, block]}\n"
                    "  - concat: {name: end, from: [relu1, add1]}\n") "output: end\n");
}

static void branches_are_joined(void **state)
{
    (void)state;
    expect_same(NET("  - branch:\n"
                    "      - []\n"
                    "      - [conv2d: {filters: 2}]\n"
                    "      - - conv2d: {filters: 3}\n"
                    "        - relu\n"
                    "  - branch: {join: sum, name: total, paths: [[relu], [tanh], []]}\n"
                    "  - branch: {join: concat, paths: [[relu], [sigmoid]], from: input}\n"
                    "  - concat: {from: [total, concat2]}\n"),
                NET("  - conv2d: {filters: 2}\n"
                    "  - conv2d: {filters: 3, from: input}\n"
                    "  - relu\n"
                    "  - concat: {from: [input, conv2d1, relu1]}\n"
                    "  - relu: {name: total.relu1}\n"
                    "  - tanh: {name: total.tanh1, from: concat1}\n"
                    "  - add: {name: total, from: [total.relu1, total.tanh1, concat1]}\n"
                    "  - relu: {from: input}\n"
                    "  - sigmoid: {from: input}\n"
                    "  - concat: {from: [relu2, sigmoid1]}\n"
                    "  - concat: {from: [total, concat2]}\n"));
}

static void repeats_count_and_index(void **state)
{
    (void)state;
    expect_same(NET("  - repeat: {count: 3, body: [{conv2d: {filters: 2 + index}}, relu]}\n"
                    "  - repeat: {count: 0, body: [tanh]}\n"
                    "  - repeat:\n"
                    "      count: 2\n"
                    "      index: i\n"
                    "      name: a\n"
                    "      body:\n"
                    "        - repeat:\n"
                    "            each: {k: [1, i + 2], f: [2 * i, 5]}\n"
                    "            name: \"b{index + 1}\"\n"
                    "            body: [conv2d: {name: \"c{i}\", filters: f + 1, kernel: k}]\n"
                    "  - add: {from: [a, a.1, a.1.b2, a.1.b2.c1]}\n"),
                NET("  - conv2d: {filters: 2}\n"
                    "  - relu\n"
                    "  - conv2d: {filters: 3}\n"
                    "  - relu\n"
                    "  - conv2d: {filters: 4}\n"
                    "  - relu\n"
                    "  - conv2d: {name: a.0.b1.c0, filters: 1, kernel: 1}\n"
                    "  - conv2d: {name: a.0.b2.c0, filters: 6, kernel: 2}\n"
                    "  - conv2d: {name: a.1.b1.c1, filters: 3, kernel: 1}\n"
                    "  - conv2d: {name: a.1.b2.c1, filters: 6, kernel: 3}\n"
                    "  - add: {from: [a.1.b2.c1, a.1.b2.c1, a.1.b2.c1, a.1.b2.c1]}\n"));
}

static void defined_blocks_take_arguments(void **state)
{
    (void)state;
    expect_same("parameters: {kernel: 3}\n"
                "define:\n"
                "  plain: [relu]\n"
                "  conv:\n"
                "    arguments: {filters: , size: kernel, pad: (size - 1) // 2}\n"
                "    body:\n"
                "      - conv2d: {filters: filters, kernel: size, pad: pad, name: c}\n"
                "      - use: plain\n"
                "  pair: {arguments: [first, second], body: [{use: {block: conv, name: a, filters: first}},\n"
                "    {use: {block: conv, name: b, filters: second * channels, size: 1}}]}\n" NET(
                    "  - use: {block: pair, name: p, first: channels - 1, second: 2}\n"
                    "  - use: {block: conv, name: q, from: p.a, filters: 1, pad: 1 * 1}\n"
                    "  - concat: {from: [p, p.a.c, p.b, q]}\n"),
                NET("  - conv2d: {name: p.a.c, filters: 3, kernel: 3, pad: 1}\n"
                    "  - relu: {name: p.a.relu1}\n"
                    "  - conv2d: {name: p.b.c, filters: 6, kernel: 1}\n"
                    "  - relu: {name: p.b.relu1}\n"
                    "  - conv2d: {name: q.c, from: p.a.relu1, filters: 1, kernel: 3, pad: 1}\n"
                    "  - relu: {name: q.relu1}\n"
                    "  - concat: {from: [p.b.relu1, p.a.c, p.b.relu1, q.relu1]}\n"));
}

static void references_look_outwards(void **state)
{
    (void)state;
    expect_same(NET("  - relu: {name: r}\n"
                    "  - repeat:\n"
                    "      count: 2\n"
                    "      name: s\n"
                    "      body:\n"
                    "        - tanh: {name: t}\n"
                    "        - add: {from: [t, r]}\n"
                    "  - add: {from: [s.0.t, s.1.t]}\n"
                    "  - head: [add: {name: end, from: [s.1.add1, add1]}]\n"
                    "output: end\n"),
                NET("  - relu: {name: r}\n"
                    "  - tanh: {name: s.0.t}\n"
                    "  - add: {name: s.0.add1, from: [s.0.t, r]}\n"
                    "  - tanh: {name: s.1.t}\n"
                    "  - add: {name: s.1.add1, from: [s.1.t, r]}\n"
                    "  - add: {name: add1, from: [s.0.t, s.1.t]}\n"
                    "  - add: {name: end, from: [s.1.add1, add1]}\n"
                    "output: end\n"));
}

static void heads_leave_the_flow(void **state)
{
    (void)state;
    expect_same("input: [4, 1, 1]\n"
                "layers:\n"
                "  - relu\n"
                "  - head: [{dense: {units: 3}}, {softmax_cross_entropy: {weight: 0.3}}]\n"
                "  - head: {name: second, from: input, body: [{dense: {units: 3}}, euclidean_loss]}\n"
                "  - dense: {units: 2}\n"
                "  - concat: {from: [second.dense1, dense1, second, dense2]}\n",
                "input: [4, 1, 1]\n"
                "layers:\n"
                "  - relu\n"
                "  - dense: {units: 3}\n"
                "  - softmax_cross_entropy: {weight: 0.3}\n"
                "  - dense: {name: second.dense1, units: 3, from: input}\n"
                "  - euclidean_loss: {name: second.euclidean_loss1}\n"
                "  - dense: {units: 2, from: relu1, name: dense2}\n"
                "  - concat: {from: [second.dense1, dense1, second.dense1, dense2]}\n"
                "output: concat1\n");
}

static void a_loss_on_the_output_is_enough(void **state)
{
    (void)state;
    expect_same("input: [4, 1, 1]\nlayers: [{dense: {units: 3}}, {euclidean_loss: {name: e}}]\n",
                "input: [4, 1, 1]\nlayers: [{dense: {units: 3}}]\nloss: {euclidean_loss: {name: e}}\n");
    expect_same("input: [4, 1, 1]\nlayers: [{dense: {units: 3}}, {softmax_cross_entropy: {name: e}}, softmax]\n"
                "output: softmax1\n",
                "input: [4, 1, 1]\nlayers: [{dense: {units: 3}}, {softmax_cross_entropy: {name: e}}, softmax]\n"
                "output: softmax1\nloss: none\n");
}

static void mistakes_in_blocks_have_their_place(void **state)
{
    (void)state;
    expect_failure(NET("  - residul: [relu]\n"), ":4:5: unknown layer type 'residul'; did you mean 'residual'?");
    expect_failure(NET("  - residual\n"), ":4:5: residual takes a list or a map, as 'residual: {body: [...]}'");
    expect_failure(NET("  - residual: {boddy: [relu]}\n"), ":4:16: unknown key 'boddy'; did you mean 'body'?");
    expect_failure(NET("  - residual: {shortcut: [relu]}\n"), ":4:5: residual needs 'body: [...]'");
    expect_failure(NET("  - residual: {body: relu}\n"), ":4:22: body must be a list of layers, not a text");
    expect_failure(NET("  - residual: {body: [relu], shortcut: relu}\n"), ":4:40: shortcut must be a list of layers");
    expect_failure(NET("  - residual: [relu, dense: {units: 3}]\n"), ":4:5: add 'add1'");
    expect_failure(NET("  - residual: [dense: {units: 3}, softmax_cross_entropy]\n"),
                   ":4:35: a path of a residual cannot end in a loss");
    expect_failure(NET("  - branch: [[relu], [dense: {units: 3}, {softmax_cross_entropy: {weight: 1}}]]\n"),
                   "a path of a branch cannot end in a loss");
    expect_failure(NET("  - branch: [relu]\n"), ":4:14: a path of a branch must be a list of layers, not a text");
    expect_failure(NET("  - branch: {paths: [[relu]], join: som}\n"),
                   ":4:37: unknown way to join 'som'; did you mean 'sum'?");
    expect_failure(NET("  - branch: {paths: [[relu]], join: relu}\n"), ":4:37: unknown way to join 'relu'; known: sum");
    expect_failure(NET("  - branch: []\n"), ":4:5: concat 'concat1': takes at least");
    expect_failure(NET("  - repeat: [relu]\n"), ":4:13: repeat takes a map");
    expect_failure(NET("  - repeat: {count: 3}\n"), "repeat needs 'body: [...]'");
    expect_failure(NET("  - repeat: {body: [relu]}\n"), "repeat needs 'count: N' or 'each: {name: [...]}'");
    expect_failure(NET("  - repeat: {count: 1, each: {a: [1]}, body: [relu]}\n"), ", not both");
    expect_failure(NET("  - repeat: {count: -1, body: [relu]}\n"), ":4:21: count is -1, must be 0 to");
    expect_failure(NET("  - repeat: {count: 2.5, body: [relu]}\n"), ":4:21: count is 2.5, must be a whole number");
    expect_failure(NET("  - repeat: {count: n, body: [relu]}\n"), ":4:21: unknown name 'n'");
    expect_failure(NET("  - repeat: {count: 2, index: \"a b\", body: [relu]}\n"),
                   ":4:31: 'a b' cannot be used in expressions");
    expect_failure(NET("  - repeat: {each: {a: [1, 2], b: [1]}, body: [relu]}\n"),
                   ":4:35: b must be a list of 2 numbers, as a is");
    expect_failure(NET("  - repeat: {each: {a: []}, body: []}\n  - rely\n"), ":5:5: unknown layer type 'rely'");
    expect_failure(NET("  - repeat:\n      count: 3\n      body:\n        - conv2d: {filters: 4 // (2 - index)}\n"),
                   ":7:31: division by zero in '4 // (2 - index)' (index = 2 in the repeat at line 4)");
    expect_failure(NET("  - repeat: {count: 2, body: [relu: {name: r}]}\n"),
                   ":4:31: relu 'r': there is a layer or block of that name already; names are unique (index = 1 in");
    expect_failure(NET("  - conv2d: {filters: 3 / 2}\n"),
                   ":4:23: filters is 1.5, must be a whole number; '//' divides and rounds down");
    expect_failure(NET("  - conv2d: {filters: 2 - 2}\n"), ":4:23: filters is 0, must be 1 to");
    expect_failure(NET("  - conv2d: {filters: chanels}\n"), ":4:23: unknown name 'chanels'; did you mean 'channels'?");
    expect_failure(NET("  - conv2d: {filters: 2, no_bias: ture}\n"),
                   ":4:35: unknown name 'ture'; did you mean 'true'?");
    expect_failure(NET("  - conv2d: {filters: \"2 * chanels\"}\n"), ":4:28: unknown name 'chanels'");
    expect_failure(NET("  - relu: {name: \"a{index}\"}\n"), ":4:21: unknown name 'index'");
    expect_failure(NET("  - relu: {name: \"a{1\"}\n"), ":4:20: a brace has no partner");
    expect_failure(NET("  - residual: {name: a, body: [relu: {name: b}]}\n  - relu: {from: a.c}\n"),
                   ":5:18: unknown layer (it must stand before this one) 'a.c'");
    expect_failure(NET("  - head: {name: a, body: [relu: {name: b}]}\n  - relu: {name: a}\n"),
                   ":5:5: relu 'a': there is a layer or block of that name already");
    expect_failure(NET("  - relu: {name: a}\n  - head: {name: a, body: [relu]}\n"),
                   ":5:5: block 'a': there is a layer or block of that name already");
}

/* Only right before it, in the same list, and unless no_bias is written. */
static void a_convolution_before_batch_norm_has_no_bias(void **state)
{
    (void)state;
    expect_same(NET("  - conv2d: {filters: 2}\n"
                    "  - batch_norm\n"
                    "  - repeat: {count: 2, body: [conv2d: {filters: 2}, batch_norm]}\n"
                    "  - conv2d: {filters: 2, no_bias: false}\n"
                    "  - batch_norm\n"
                    "  - conv2d: {filters: 2}\n"
                    "  - relu\n"
                    "  - batch_norm: {from: conv2d5}\n"
                    "  - conv2d: {filters: 2}\n"
                    "  - batch_norm: {from: relu1}\n"
                    "  - add: {from: [batch_norm5, batch_norm6, conv2d6]}\n"
                    "  - branch: [[conv2d: {filters: 2}], []]\n"
                    "  - batch_norm\n"
                    "  - dense: {units: 3}\n"
                    "  - batch_norm\n"),
                NET("  - conv2d: {filters: 2, no_bias: true}\n"
                    "  - batch_norm\n"
                    "  - conv2d: {filters: 2, no_bias: true}\n"
                    "  - batch_norm\n"
                    "  - conv2d: {filters: 2, no_bias: true}\n"
                    "  - batch_norm\n"
                    "  - conv2d: {filters: 2, no_bias: false}\n"
                    "  - batch_norm\n"
                    "  - conv2d: {filters: 2, no_bias: false}\n"
                    "  - relu\n"
                    "  - batch_norm: {from: conv2d5}\n"
                    "  - conv2d: {filters: 2, no_bias: false}\n"
                    "  - batch_norm: {from: relu1}\n"
                    "  - add: {from: [batch_norm5, batch_norm6, conv2d6]}\n"
                    "  - conv2d: {filters: 2, no_bias: false}\n"
                    "  - concat: {from: [conv2d7, add1]}\n"
                    "  - batch_norm\n"
                    "  - dense: {units: 3}\n"
                    "  - batch_norm\n"));
}

#define DEFINE(blocks) "input: [4, 8, 8]\nloss: none\ndefine:\n" blocks

static void mistakes_in_definitions_have_their_place(void **state)
{
    (void)state;
    expect_failure(NET("  - use: a\n"), ":4:10: unknown block 'a'; blocks are written under 'define:'");
    expect_failure(NET("  - use\n"), ":4:5: use needs a name");
    expect_failure(DEFINE("  basic: [relu]\nlayers: [use: basik]\n"),
                   ":5:15: unknown block 'basik'; did you mean 'basic'?");
    expect_failure(DEFINE("  basic: [relu]\nlayers: [basic]\n"),
                   ":5:10: 'basic' is a block of 'define:'; write 'use: {block: basic}'");
    expect_failure(DEFINE("  relu: [tanh]\nlayers: [relu]\n"), ":4:3: 'relu' is a layer type");
    expect_failure(DEFINE("  repeat: [tanh]\nlayers: [relu]\n"), ":4:3: 'repeat' is a layer type");
    expect_failure(DEFINE("  basic: relu\nlayers: [relu]\n"), ":4:10: basic must be a map, not a text");
    expect_failure(DEFINE("  basic: {bodi: [relu]}\nlayers: [relu]\n"), "unknown key 'bodi'; did you mean 'body'?");
    expect_failure(DEFINE("  basic: {arguments: [a]}\nlayers: [relu]\n"), ":4:3: block 'basic' needs 'body: [...]'");
    expect_failure(DEFINE("  basic: {arguments: [block], body: [relu]}\nlayers: [relu]\n"),
                   ":4:23: an argument cannot be called 'block'");
    expect_failure(DEFINE("  basic: {arguments: 5, body: [relu]}\nlayers: [relu]\n"),
                   ":4:22: arguments must be a list, not a whole number");
    expect_failure(DEFINE("  a: {arguments: [n], body: [relu]}\nlayers: [use: a]\n"),
                   ":5:10: block 'a' needs its argument 'n'");
    expect_failure(DEFINE("  a: {arguments: [number], body: [relu]}\nlayers: [use: {block: a, nunber: 3}]\n"),
                   ":5:26: unknown argument of block 'a' 'nunber'; did you mean 'number'?");
    expect_failure(DEFINE("  a: {arguments: [n], body: [conv2d: {filters: m}]}\nlayers:\n  - use: {block: a, n: 3}\n"),
                   ":4:48: unknown name 'm'; did you mean 'n'? (block 'a' is used at line 6)");
    expect_failure(DEFINE("  a: [use: b]\n  b: [repeat: {count: 1, body: [use: a]}]\nlayers: [use: a]\n"),
                   ":5:38: block 'a' uses itself; a definition cannot be recursive");
    expect_failure("parameters: {a b: 1}\ninput: [1, 1, 1]\nlayers: [relu]\n",
                   ":1:14: 'a b' cannot be used in expressions");
    expect_failure("parameters: {a: b, b: 1}\ninput: [1, 1, 1]\nlayers: [relu]\n", ":1:17: unknown name 'b'");
    expect_failure("parameters: {a: [1]}\ninput: [1, 1, 1]\nlayers: [relu]\n", ":1:17: a must be a number, not a list");
}

static void expansion_is_bounded(void **state)
{
    (void)state;
    expect_failure(NET("  - repeat: {count: 70000, body: [relu]}\n"), "more than 65536 layers");
    expect_failure(NET("  - repeat: {count: 2000000, body: [relu]}\n"), "count is 2e+06, must be 0 to 1048576");
    expect_failure(NET("  - repeat: {count: 1000000, body: [repeat: {count: 1000000, body: []}]}\n"),
                   "expands to more than 1048576 entries");
    char text[4096] = "input: [1, 1, 1]\ndefine:\n  b0: []\n";
    for (int i = 1; i <= 40; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "  b%d: [use: b%d, use: b%d]\n", i, i - 1, i - 1);
    snprintf(text + strlen(text), sizeof text - strlen(text), "layers: [use: b40]\n");
    expect_failure(text, "expands to more than 1048576 entries");
    snprintf(text, sizeof text, "input: [1, 1, 1]\ndefine:\n  b0: []\n");
    for (int i = 1; i <= 70; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "  b%d: [use: b%d]\n", i, i - 1);
    snprintf(text + strlen(text), sizeof text - strlen(text), "layers: [use: b70]\n");
    expect_failure(text, "blocks are nested deeper than 64");
}

static void large_networks_are_built_quickly(void **state)
{
    (void)state;
    fv_graph *graph = NULL;
    const char *yaml = NET("  - repeat: {count: 20000, name: r, body: [residual: [relu]]}\n");
    test_file_write(folder, "net.yaml", yaml, strlen(yaml));
    assert_int_equal(fv_graph_read_yaml(&graph, context, path), FV_OK);
    assert_int_equal(fv_graph_node_count(graph), 40001);
    fv_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        YAML_TEST(attributes_take_expressions),
        YAML_TEST(residual_adds_its_shortcut),
        YAML_TEST(branches_are_joined),
        YAML_TEST(repeats_count_and_index),
        YAML_TEST(defined_blocks_take_arguments),
        YAML_TEST(references_look_outwards),
        YAML_TEST(heads_leave_the_flow),
        YAML_TEST(a_loss_on_the_output_is_enough),
        YAML_TEST(a_convolution_before_batch_norm_has_no_bias),
        YAML_TEST(mistakes_in_blocks_have_their_place),
        YAML_TEST(mistakes_in_definitions_have_their_place),
        YAML_TEST(expansion_is_bounded),
        YAML_TEST(large_networks_are_built_quickly),
    };
    return YAML_RUN(tests);
}
