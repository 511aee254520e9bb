/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_test.c - building graphs: names, checks, copies, and that a refused node leaves nothing behind.
 */
#include <string.h>

#include "graph/graph_internal.h"
#include "support/graphs.h"
#include "support/test.h"

typedef struct fixture {
    test_allocator allocator;
    fv_context *context;
    fv_graph *graph;
    fv_value image;
} fixture;

static void start(fixture *f)
{
    f->context = test_context(&f->allocator, 1);
    assert_int_equal(fv_graph_create(&f->graph, f->context, "net"), FV_OK);
    assert_int_equal(
        fv_graph_add_input(f->graph, &(fv_input_options){ .name = "image", .shape = { 3, 8, 6 } }, &f->image), FV_OK);
}

static void end(fixture *f)
{
    fv_graph_destroy(f->graph);
    fv_context_destroy(f->context);
    assert_int_equal(f->allocator.live, 0);
}

static void assert_message(const fixture *f, const char *part)
{
    if (strstr(fv_context_message(f->context), part) == NULL)
        fail_msg("'%s' does not say '%s'", fv_context_message(f->context), part);
}

FV_TEST(graph, nodes_get_names_and_shapes)
{
    fixture f;
    start(&f);
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE, z = FV_NO_VALUE;
    assert_int_equal(fv_graph_add_relu(f.graph, f.image, &x), FV_OK);
    assert_int_equal(
        fv_graph_add_conv2d(f.graph, x, &(fv_conv2d_options){ .name = "relu2", .filters = 5, .kernel = { 3, 3 } }, &y),
        FV_OK);
    assert_int_equal(fv_graph_add_relu(f.graph, y, &z), FV_OK);
    assert_string_equal(fv_graph_node(f.graph, x).name, "relu1");
    assert_string_equal(fv_graph_node(f.graph, z).name, "relu3"); /* relu2 is taken */
    const fv_node_info conv = fv_graph_node(f.graph, y);
    assert_string_equal(conv.type, "conv2d");
    assert_int_equal(conv.input_count, 1);
    assert_int_equal(conv.inputs[0], x);
    assert_int_equal(conv.parameters, 5 * 27 + 5);
    assert_int_equal(conv.multiply_adds, 5 * 6 * 4 * 27);
    assert_true(conv.output.c == 5 && conv.output.h == 6 && conv.output.w == 4);
    assert_null(fv_graph_node(f.graph, 4).name);
    assert_null(fv_graph_node(f.graph, -1).name);
    end(&f);
}

FV_TEST(graph, options_and_texts_are_copied)
{
    fixture f;
    start(&f);
    char name[] = "first";
    fv_dense_options options = { .name = name, .units = 7 };
    fv_value x = FV_NO_VALUE;
    assert_int_equal(fv_graph_add_dense(f.graph, f.image, &options, &x), FV_OK);
    memcpy(name, "xxxxx", 5);
    options.units = 0;
    assert_string_equal(fv_graph_node(f.graph, x).name, "first");
    int32_t count = 0;
    const fvi_node *node = &fvi_graph_nodes(f.graph, &count)[x];
    assert_int_equal(((const fv_dense_options *)node->options)->units, 7);
    assert_ptr_equal(((const fv_dense_options *)node->options)->name, node->name);
    end(&f);
}

FV_TEST(graph, a_refused_node_leaves_the_graph_as_it_was)
{
    fixture f;
    start(&f);
    const fv_plain_options twice = { .name = "image" }, empty = { .name = "" }, control = { .name = "a\nb" };
    const fv_conv2d_options large = { .name = "big", .filters = 1, .kernel = { 9, 9 } }, none = { .name = "none" };
    char too_long[400];
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    const fv_plain_options long_name = { .name = too_long };
    const struct {
        const char *type;
        fv_value input;
        int32_t count;
        const void *options;
        fv_status status;
        const char *says;
    } cases[] = {
        { "rellu", f.image, 1, NULL, FV_ERR_ARGUMENT, "'relu'" },
        { "xyzzy", f.image, 1, NULL, FV_ERR_ARGUMENT, "xyzzy" },
        { "relu", f.image, 1, &twice, FV_ERR_ARGUMENT, "unique" },
        { "relu", f.image, 1, &empty, FV_ERR_ARGUMENT, "0 bytes" },
        { "relu", f.image, 1, &control, FV_ERR_ARGUMENT, "control" },
        { "relu", f.image, 1, &long_name, FV_ERR_ARGUMENT, "399 bytes" },
        { "relu", 5, 1, NULL, FV_ERR_ARGUMENT, "value 5" },
        { "relu", FV_NO_VALUE, 1, NULL, FV_ERR_ARGUMENT, "value -1" },
        { "relu", f.image, 0, NULL, FV_ERR_ARGUMENT, "relu" },
        { "relu", f.image, -1, NULL, FV_ERR_ARGUMENT, "-1 inputs" },
        { "conv2d", f.image, 1, &none, FV_ERR_ARGUMENT, "filters" },
        { "conv2d", f.image, 1, NULL, FV_ERR_ARGUMENT, "filters" },
        { "conv2d", f.image, 1, &large, FV_ERR_SHAPE, "'big'" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_value out = 77;
        assert_int_equal(fv_graph_add(f.graph, cases[i].type, &cases[i].input, cases[i].count, cases[i].options, &out),
                         cases[i].status);
        assert_int_equal(out, FV_NO_VALUE);
        assert_message(&f, cases[i].says);
        assert_int_equal(fv_graph_node_count(f.graph), 1);
        assert_int_equal(fv_graph_parameters(f.graph), 0);
    }
    fv_value x = FV_NO_VALUE;
    assert_int_equal(fv_graph_add_relu(f.graph, f.image, &x), FV_OK);
    assert_string_equal(fv_graph_node(f.graph, x).name, "relu1");
    end(&f);
}

FV_TEST(graph, a_loss_has_no_readers)
{
    fixture f;
    start(&f);
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    assert_int_equal(fv_graph_add_dense(f.graph, f.image, &(fv_dense_options){ .units = 3 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(f.graph, x, NULL, &loss), FV_OK);
    assert_true(fv_graph_node(f.graph, loss).loss);
    assert_int_equal(fv_graph_add_relu(f.graph, loss, &x), FV_ERR_ARGUMENT);
    assert_message(&f, "loss");
    end(&f);
}

FV_TEST(graph, finishing_checks_the_whole)
{
    fixture f;
    start(&f);
    fv_value x = FV_NO_VALUE, loose = FV_NO_VALUE, second = FV_NO_VALUE;
    assert_int_equal(fv_graph_add_relu(f.graph, f.image, &x), FV_OK);
    assert_int_equal(fv_graph_finish(f.graph, 9), FV_ERR_ARGUMENT);
    assert_int_equal(fv_graph_finish(f.graph, FV_NO_VALUE), FV_ERR_ARGUMENT);
    assert_int_equal(fv_graph_add_tanh(f.graph, f.image, &loose), FV_OK);
    assert_int_equal(fv_graph_finish(f.graph, x), FV_ERR_ARGUMENT);
    assert_message(&f, "'tanh1'");
    assert_int_equal(fv_graph_finish(f.graph, loose), FV_ERR_ARGUMENT);
    assert_message(&f, "'relu1'");
    assert_int_equal(fv_graph_add_add(f.graph, (fv_value[]){ x, loose }, 2, &x), FV_OK);
    assert_int_equal(fv_graph_add_input(f.graph, &(fv_input_options){ .shape = { 1, 1, 1 } }, &second), FV_OK);
    assert_int_equal(fv_graph_finish(f.graph, x), FV_ERR_ARGUMENT);
    assert_message(&f, "two inputs");
    end(&f);
}

FV_TEST(graph, a_finished_graph_cannot_change)
{
    fixture f;
    start(&f);
    fv_value x = FV_NO_VALUE;
    fv_params *params = NULL;
    assert_int_equal(fv_graph_add_relu(f.graph, f.image, &x), FV_OK);
    assert_int_equal(fv_params_create(&params, f.graph, FV_F32), FV_ERR_STATE);
    assert_int_equal(fv_graph_finish(f.graph, x), FV_OK);
    assert_int_equal(fv_graph_output(f.graph), x);
    assert_int_equal(fv_graph_input(f.graph), f.image);
    assert_int_equal(fv_graph_add_relu(f.graph, f.image, &x), FV_ERR_STATE);
    assert_int_equal(fv_graph_finish(f.graph, x), FV_ERR_STATE);
    end(&f);
}

FV_TEST(graph, an_empty_graph_has_no_input)
{
    fixture f;
    f.context = test_context(&f.allocator, 1);
    assert_int_equal(fv_graph_create(&f.graph, f.context, NULL), FV_OK);
    assert_string_equal(fv_graph_name(f.graph), "graph");
    assert_int_equal(fv_graph_finish(f.graph, 0), FV_ERR_ARGUMENT);
    assert_message(&f, "no input");
    end(&f);
    fv_graph_destroy(NULL);
}

/* More inputs than a candidate holds itself. */
FV_TEST(graph, what_the_output_does_not_need_is_auxiliary)
{
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_value x, hidden, scores, aside, loss;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    assert_int_equal(fv_graph_create(&graph, context, "two heads"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 4, 1, 1 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .units = 3 }, &hidden), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, hidden, &(fv_dense_options){ .units = 2 }, &aside), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, aside, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, hidden, &(fv_dense_options){ .units = 2 }, &scores), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, scores, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
    static const bool auxiliary[] = { false, false, true, true, false, false };
    for (int32_t i = 0; i < 6; i++)
        assert_int_equal(fv_graph_node(graph, i).auxiliary, auxiliary[i]);
    assert_int_equal(fv_graph_parameters(graph), 15 + 8);
    assert_int_equal(fv_graph_multiply_adds(graph), 12 + 6);
    assert_int_equal(fv_graph_training_parameters(graph), 15 + 8 + 8);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(graph, a_node_may_join_many_values)
{
    fixture f;
    start(&f);
    fv_value many[40], out = FV_NO_VALUE;
    for (size_t i = 0; i < 40; i++)
        many[i] = f.image;
    assert_int_equal(fv_graph_add_concat(f.graph, many, 40, &out), FV_OK);
    assert_int_equal(fv_graph_node(f.graph, out).output.c, 120);
    end(&f);
}

FV_TEST(graph, layer_types_are_listed)
{
    assert_true(fv_layer_type_count() >= 18);
    assert_null(fv_layer_type_name(-1));
    assert_null(fv_layer_type_name(fv_layer_type_count()));
    bool relu = false;
    for (int32_t i = 0; i < fv_layer_type_count(); i++)
        relu = relu || strcmp(fv_layer_type_name(i), "relu") == 0;
    assert_true(relu);
}

FV_TEST(graph, lists_in_options_are_copied)
{
    fixture f;
    start(&f);
    double weights[7] = { 1, 2, 3, 4, 5, 6, 7 };
    fv_value scores = FV_NO_VALUE, loss = FV_NO_VALUE;
    assert_int_equal(fv_graph_add_dense(f.graph, f.image, &(fv_dense_options){ .units = 7 }, &scores), FV_OK);
    const fv_softmax_cross_entropy_options options = { .class_weights = { weights, 7 } };
    assert_int_equal(fv_graph_add_softmax_cross_entropy(f.graph, scores, &options, &loss), FV_OK);
    memset(weights, 0, sizeof weights);
    int32_t count = 0;
    const fv_softmax_cross_entropy_options *copy = fvi_graph_nodes(f.graph, &count)[loss].options;
    assert_int_equal(copy->class_weights.count, 7);
    for (int i = 0; i < 7; i++)
        assert_true(copy->class_weights.values[i] == i + 1);
    end(&f);
}

FV_TESTS(graph, what_the_output_does_not_need_is_auxiliary, nodes_get_names_and_shapes, options_and_texts_are_copied,
         a_refused_node_leaves_the_graph_as_it_was, a_loss_has_no_readers, finishing_checks_the_whole,
         a_finished_graph_cannot_change, an_empty_graph_has_no_input, a_node_may_join_many_values,
         layer_types_are_listed, lists_in_options_are_copied)
