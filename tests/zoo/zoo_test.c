/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo_test.c - the named networks have the sizes that their sources state.
 */
#include <string.h>

#include "fovea/fovea.h"
#include "support/test.h"

static fv_context *context;

static fv_graph *build(const char *name)
{
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    fv_graph *graph = NULL;
    assert_int_equal(fv_zoo_build(&graph, context, name), FV_OK);
    return graph;
}

static void discard(fv_graph *graph)
{
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(zoo, parameter_counts_are_those_published)
{
    static const struct {
        const char *name;
        int64_t parameters;
    } networks[] = {
        { "lenet5", 61706 }, { "lenet5-1998", 60000 }, { "convnetjs-mnist", 5994 }, { "convnetjs-cifar10", 22466 }
    };
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        fv_graph *graph = build(networks[i].name);
        assert_int_equal(fv_graph_parameters(graph), networks[i].parameters);
        discard(graph);
    }
}

FV_TEST(zoo, lenet_has_the_shapes_of_the_paper)
{
    fv_graph *graph = build("lenet5");
    static const struct {
        const char *name;
        fv_image_shape shape;
    } nodes[] = {
        { "image", { 1, 28, 28 } }, { "conv1", { 6, 28, 28 } },  { "relu1", { 6, 28, 28 } },
        { "pool1", { 6, 14, 14 } }, { "conv2", { 16, 10, 10 } }, { "relu2", { 16, 10, 10 } },
        { "pool2", { 16, 5, 5 } },  { "fc1", { 120, 1, 1 } },    { "relu3", { 120, 1, 1 } },
        { "fc2", { 84, 1, 1 } },    { "relu4", { 84, 1, 1 } },   { "fc3", { 10, 1, 1 } },
        { "loss", { 1, 1, 1 } },
    };
    assert_int_equal(fv_graph_node_count(graph), sizeof nodes / sizeof nodes[0]);
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        assert_string_equal(fv_graph_node(graph, i).name, nodes[i].name);
        const fv_image_shape shape = fv_graph_node(graph, i).output;
        assert_memory_equal(&shape, &nodes[i].shape, sizeof shape);
    }
    assert_string_equal(fv_graph_node(graph, fv_graph_output(graph)).name, "fc3");
    assert_true(fv_graph_node(graph, 12).loss);
    /* 28*28*6*25 + 10*10*16*150 + 400*120 + 120*84 + 84*10 */
    assert_int_equal(fv_graph_multiply_adds(graph), 117600 + 240000 + 48000 + 10080 + 840);
    discard(graph);
}

/* LeCun et al. 1998, section II.B: each layer's size and trained values, which the paper gives one by one. */
FV_TEST(zoo, lenet_of_1998_has_the_layers_of_the_paper)
{
    static const struct {
        const char *name, *type;
        fv_image_shape shape;
        int64_t parameters;
    } nodes[] = {
        { "c1", "conv2d", { 6, 28, 28 }, 156 },   { "s2", "subsample", { 6, 14, 14 }, 12 },
        { "c3", "conv2d", { 16, 10, 10 }, 1516 }, { "s4", "subsample", { 16, 5, 5 }, 32 },
        { "c5", "conv2d", { 120, 1, 1 }, 48120 }, { "f6", "dense", { 84, 1, 1 }, 10164 },
        { "output", "rbf", { 10, 1, 1 }, 0 },
    };
    fv_graph *graph = build("lenet5-1998");
    int32_t at = 1; /* behind the input */
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        const fv_node_info node = fv_graph_node(graph, at++);
        assert_string_equal(node.name, nodes[i].name);
        assert_string_equal(node.type, nodes[i].type);
        assert_memory_equal(&node.output, &nodes[i].shape, sizeof node.output);
        assert_int_equal(node.parameters, nodes[i].parameters);
        if (node.parameters > 0) /* each is squashed */
            assert_string_equal(fv_graph_node(graph, at++).type, "scaled_tanh");
    }
    assert_string_equal(fv_graph_node(graph, at).type, "map_loss");
    assert_int_equal(fv_graph_node_count(graph), at + 1);
    assert_int_equal(fv_graph_parameters(graph), 60000);
    assert_string_equal(fv_graph_node(graph, fv_graph_output(graph)).name, "output");
    discard(graph);
}

FV_TEST(zoo, entries_agree_with_graphs)
{
    assert_null(fv_zoo_get(-1));
    assert_null(fv_zoo_get(fv_zoo_count()));
    for (int32_t i = 0; i < fv_zoo_count(); i++) {
        const fv_zoo_entry *entry = fv_zoo_get(i);
        assert_ptr_equal(fv_zoo_find(entry->name), entry);
        fv_graph *graph = build(entry->name);
        const fv_image_shape in = fv_graph_node(graph, fv_graph_input(graph)).output;
        assert_memory_equal(&in, &entry->input, sizeof in);
        assert_int_equal(fv_graph_node(graph, fv_graph_output(graph)).output.c, entry->classes);
        discard(graph);
    }
}

FV_TEST(zoo, classes_and_input_can_be_others)
{
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    fv_graph *graph = NULL;
    const fv_zoo_options options = { .classes = 7, .input = { 3, 32, 0 } };
    assert_int_equal(fv_zoo_build_with(&graph, context, "lenet5", &options), FV_OK);
    const fv_image_shape in = fv_graph_node(graph, fv_graph_input(graph)).output;
    assert_true(in.c == 3 && in.h == 32 && in.w == 28);
    /* 3*6*25+6, 6*16*25+16, 16*6*5*120+120, 120*84+84, 84*7+7 */
    assert_int_equal(fv_graph_parameters(graph), 456 + 2416 + 57720 + 10164 + 595);
    discard(graph);
}

/* Larger than its own, rows and columns of different sizes, one of them odd: no branch ends a cell short of another. */
FV_TEST(zoo, every_network_takes_larger_images)
{
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    for (int32_t i = 0; i < fv_zoo_count(); i++)
        for (int32_t more = 1; more < 36; more += 8) {
            const fv_zoo_entry *entry = fv_zoo_get(i);
            const fv_zoo_options options = {
                .classes = 7, .input = { entry->input.c, entry->input.h + more, entry->input.w + 2 * more }
            };
            fv_graph *graph = NULL;
            if (fv_zoo_build_with(&graph, context, entry->name, &options) != FV_OK)
                fail_msg("%s, %d rows more: %s", entry->name, more, fv_context_message(context));
            assert_int_equal(fv_graph_node(graph, fv_graph_output(graph)).output.c, 7);
            fv_graph_destroy(graph);
        }
    fv_context_destroy(context);
}

FV_TEST(zoo, what_a_network_cannot_be_is_refused)
{
    static const struct {
        fv_zoo_options options;
        fv_status status;
        const char *words;
    } cases[] = {
        { { .input = { 1, 4, 4 } }, FV_ERR_SHAPE, "'conv2'" },
        { { .classes = -1 }, FV_ERR_ARGUMENT, "-1 classes" },
        { { .input = { 1, -2, 4 } }, FV_ERR_ARGUMENT, "1x-2x4" },
        { { .flags = "no-such" }, FV_ERR_ARGUMENT, "'no-such'" },
    };
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_graph *graph = NULL;
        assert_int_equal(fv_zoo_build_with(&graph, context, "lenet5", &cases[i].options), cases[i].status);
        assert_null(graph);
        assert_non_null(strstr(fv_context_message(context), cases[i].words));
    }
    fv_context_destroy(context);
}

FV_TEST(zoo, a_misspelt_name_gets_a_suggestion)
{
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    fv_graph *graph = NULL;
    assert_int_equal(fv_zoo_build(&graph, context, "lenet-5"), FV_ERR_NOT_FOUND);
    assert_null(graph);
    assert_non_null(strstr(fv_context_message(context), "'lenet5'"));
    assert_null(fv_zoo_find("lenet-5"));
    fv_context_destroy(context);
}

FV_TESTS(zoo, parameter_counts_are_those_published, lenet_has_the_shapes_of_the_paper,
         lenet_of_1998_has_the_layers_of_the_paper, entries_agree_with_graphs, classes_and_input_can_be_others,
         every_network_takes_larger_images, what_a_network_cannot_be_is_refused, a_misspelt_name_gets_a_suggestion)
