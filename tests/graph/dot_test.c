/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_test.c - drawings: each box and arrow of a small network, letter by letter where it matters.
 */
#include <string.h>

#include "fovea/graph.h"
#include "fovea/model.h"
#include "fovea/zoo.h"
#include "graph/graph_internal.h"
#include "support/test.h"

static fv_context *context;

/* image -> "a \"b\"" (dense) -> softmax, and a loss on the dense layer. */
static fv_graph *small_graph(void)
{
    fv_graph *graph = NULL;
    fv_value x = FV_NO_VALUE, scores = FV_NO_VALUE, loss = FV_NO_VALUE, y = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&graph, context, "small"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .name = "image", .shape = { 1, 4, 4 } }, &x),
                     FV_OK);
    assert_int_equal(fv_graph_add_max_pool2d(
                         graph, x, &(fv_pool2d_options){ .name = "pool", .kernel = { 2, 2 }, .stride = { 2, 2 } }, &x),
                     FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .name = "a \"b\"", .units = 3 }, &scores),
                     FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, scores, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_add_softmax(graph, scores, &y), FV_OK);
    assert_int_equal(fv_graph_finish(graph, y), FV_OK);
    return graph;
}

static void expect_words(const fv_dot_options *options, const char *const *there, const char *const *absent)
{
    fv_graph *graph = small_graph();
    char *text = NULL;
    assert_int_equal(fv_graph_to_dot(graph, options, &text), FV_OK);
    for (; *there != NULL; there++)
        if (strstr(text, *there) == NULL)
            fail_msg("'%s' is not in\n%s", *there, text);
    for (; *absent != NULL; absent++)
        if (strstr(text, *absent) != NULL)
            fail_msg("'%s' is in\n%s", *absent, text);
    fv_text_release(context, text);
    fv_graph_destroy(graph);
}

static void forward_has_boxes_and_arrows(void **state)
{
    (void)state;
    expect_words(NULL,
                 (const char *const[]){ "digraph \"small\" {\n", "label=\"image\\ninput\\n1x4x4\"];",
                                        "label=\"pool\\nmax_pool2d 2x2/2\\n1x2x2\"];",
                                        "label=\"a \\\"b\\\"\\ndense\\n3x1x1\\n15 parameters\"];", "  n0 -> n1;\n",
                                        "  n1 -> n2;\n", "  n2 -> n3;\n", "  n2 -> n4;\n",
                                        "n4 [fillcolor=\"#f3f3f3\", "
                                        "penwidth=2",
                                        NULL },
                 (const char *const[]){ "g0", "g1", "g2", "cluster", "n3 -> n4", NULL });
}

/* Nothing below the dense layer is trained, so no gradient goes to the pooling layer or the image. */
static void backward_has_what_is_computed(void **state)
{
    (void)state;
    expect_words(
        &(fv_dot_options){ .backward = true },
        (const char *const[]){ "  g3 [fillcolor=\"#fff2cc\", label=\"backward of softmax_cross_entropy1\"];",
                               "  g2 [fillcolor=\"#fff2cc\", label=\"backward of a \\\"b\\\"\\nd weight\\nd bias\"];",
                               "  g2 -> g3 [dir=back, ", "  n3 -> g3 [style=dotted", "  n1 -> g2 [style=dotted", NULL },
        (const char *const[]){ "g1 -> g2", "g1 [", "g0 [", "g4", NULL });
}

static void inside_opens_layers(void **state)
{
    (void)state;
    expect_words(&(fv_dot_options){ .inside = true },
                 (const char *const[]){ "subgraph cluster_4 {", "n4s1 [", "n4s2 [", "n4s3 [", "    n4 [",
                                        "  n2 -> n4s1;\n", "  n4s1 -> n4s2;\n", "  n2 -> n4s2;\n", "  n4s2 -> n4;\n",
                                        "  n4s3 -> n4;\n", NULL },
                 (const char *const[]){ "n2 -> n4;", "cluster_2", "n4s4", NULL });
}

/* Stages read stages that stand before them, or x; something reads x, and each stage is read. */
static void stages_of_every_layer_hang_together(void **state)
{
    (void)state;
    int opened = 0;
    for (int32_t i = 0; fvi_layers[i] != NULL; i++) {
        const fvi_stage *stages = fvi_layers[i]->inside;
        opened += stages != NULL;
        for (int32_t j = 0; stages != NULL && stages[j].name != NULL; j++) {
            char words[256], *word = words;
            assert_true(strlen(stages[j].reads) < sizeof words);
            strcpy(words, stages[j].reads);
            for (word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
                bool known = strcmp(word, "x") == 0;
                for (int32_t k = 0; k < j; k++)
                    known = known || strcmp(word, stages[k].name) == 0;
                if (!known)
                    fail_msg("%s: stage %s reads '%s', which is none before it", fvi_layers[i]->name, stages[j].name,
                             word);
            }
            bool read = stages[j + 1].name == NULL;
            for (int32_t k = j + 1; stages[k].name != NULL; k++)
                read = read || strstr(stages[k].reads, stages[j].name) != NULL;
            if (!read)
                fail_msg("%s: nothing reads stage %s", fvi_layers[i]->name, stages[j].name);
        }
    }
    assert_true(opened >= 2);
}

static void every_network_is_drawn(void **state)
{
    (void)state;
    for (int32_t i = 0; i < fv_zoo_count(); i++) {
        fv_graph *graph = NULL;
        char *text = NULL;
        assert_int_equal(fv_zoo_build(&graph, context, fv_zoo_get(i)->name), FV_OK);
        assert_int_equal(fv_graph_to_dot(graph, &(fv_dot_options){ .inside = true, .backward = true }, &text), FV_OK);
        fv_text_release(context, text);
        fv_graph_destroy(graph);
    }
}

static void an_unfinished_graph_is_refused(void **state)
{
    (void)state;
    fv_graph *graph = NULL;
    char *text = (char *)"";
    assert_int_equal(fv_graph_create(&graph, context, "g"), FV_OK);
    assert_int_equal(fv_graph_to_dot(graph, NULL, &text), FV_ERR_STATE);
    assert_null(text);
    fv_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_has_boxes_and_arrows), cmocka_unit_test(backward_has_what_is_computed),
        cmocka_unit_test(inside_opens_layers),          cmocka_unit_test(stages_of_every_layer_hang_together),
        cmocka_unit_test(every_network_is_drawn),       cmocka_unit_test(an_unfinished_graph_is_refused),
    };
    if (fv_context_create(&context, &(fv_context_options){ .threads = 1 }) != FV_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    return failed;
}
