/* SPDX-License-Identifier: Apache-2.0
 *
 * vgg_test.c - VGG's configuration table line by line, its parameters, and that its forms learn.
 */
#include <string.h>

#include "support/test.h"
#include "support/zoo.h"

/* The -bn forms have two values more per convolution's channel (torchvision's counts). */
FV_TEST(vgg, parameters_are_those_published)
{
    static const test_zoo_size sizes[] = {
        { "vgg-a", NULL, 132863336, 0 },        { "vgg-a-lrn", NULL, 132863336, 0 },
        { "vgg-b", NULL, 133047848, 0 },        { "vgg-c", NULL, 133638952, 0 },
        { "vgg-d", NULL, 138357544, 0 },        { "vgg-e", NULL, 143667240, 0 },
        { "vgg-a-bn", NULL, 132868840, 0 },     { "vgg-b-bn", NULL, 133053736, 0 },
        { "vgg-d-bn", NULL, 138365992, 0 },     { "vgg-e-bn", NULL, 143678248, 0 },
        { "vgg-a-lrn-bn", NULL, 132868840, 0 }, { "vgg-c-bn", NULL, 133638952 + 2 * 4224, 0 },
    };
    test_zoo_sizes(sizes, sizeof sizes / sizeof sizes[0]);
}

/* Simonyan & Zisserman 2015, table 1, from top to bottom: 3064 is conv3-64. */
enum { END, POOL, LRN, LINES = 24 };

static const struct {
    const char *name;
    int32_t layers; /* with weights: the table's head */
    int32_t lines[LINES];
} columns[] = {
    { "vgg-a", 11, { 3064, POOL, 3128, POOL, 3256, 3256, POOL, 3512, 3512, POOL, 3512, 3512, POOL } },
    { "vgg-a-lrn", 11, { 3064, LRN, POOL, 3128, POOL, 3256, 3256, POOL, 3512, 3512, POOL, 3512, 3512, POOL } },
    { "vgg-b", 13, { 3064, 3064, POOL, 3128, 3128, POOL, 3256, 3256, POOL, 3512, 3512, POOL, 3512, 3512, POOL } },
    { "vgg-c",
      16,
      { 3064, 3064, POOL, 3128, 3128, POOL, 3256, 3256, 1256, POOL, 3512, 3512, 1512, POOL, 3512, 3512, 1512, POOL } },
    { "vgg-d",
      16,
      { 3064, 3064, POOL, 3128, 3128, POOL, 3256, 3256, 3256, POOL, 3512, 3512, 3512, POOL, 3512, 3512, 3512, POOL } },
    { "vgg-e", 19, { 3064, 3064, POOL, 3128, 3128, POOL, 3256, 3256, 3256, 3256, POOL,
                     3512, 3512, 3512, 3512, POOL, 3512, 3512, 3512, 3512, POOL } },
};

static const char *type_of(int32_t line)
{
    return line == POOL ? "max_pool2d" : line == LRN ? "local_response_norm" : "conv2d";
}

/* One node of a column: its type, its weights, its output. in becomes the output. */
static void check_line(const char *name, fv_node_info node, int32_t line, fv_image_shape *in)
{
    const bool conv = line > LRN;
    const int32_t kernel = line / 1000, filters = line % 1000, halves = line == POOL ? 2 : 1;
    const fv_image_shape out = { conv ? filters : in->c, in->h / halves, in->w / halves };
    const int64_t weights = conv ? ((int64_t)kernel * kernel * in->c + 1) * filters : 0;
    if (strcmp(node.type, type_of(line)) != 0 || memcmp(&node.output, &out, sizeof out) != 0 ||
        node.parameters != weights)
        fail_msg("%s: %s '%s' gives %dx%dx%d with %lld parameters; the table says %s, %dx%dx%d, %lld", name, node.type,
                 node.name, node.output.c, node.output.h, node.output.w, (long long)node.parameters, type_of(line),
                 out.c, out.h, out.w, (long long)weights);
    *in = out;
}

static void check_column(fv_context *context, const char *name, const int32_t *lines, int32_t layers)
{
    fv_graph *graph = test_zoo_build(context, name, NULL);
    fv_value at = fv_graph_input(graph) + 1;
    fv_image_shape shape = { 3, 224, 224 };
    int32_t weighted = 0;
    for (int32_t i = 0; lines[i] != END; i++) {
        check_line(name, fv_graph_node(graph, at++), lines[i], &shape);
        if (lines[i] > LRN)
            assert_string_equal(fv_graph_node(graph, at++).type, "relu");
        weighted += lines[i] > LRN;
    }
    assert_true(shape.c == 512 && shape.h == 7 && shape.w == 7);
    static const char *const head[] = { "dense", "relu",    "dropout", "dense",
                                        "relu",  "dropout", "dense",   "softmax_cross_entropy" };
    static const int32_t units[] = { 4096, 4096, 4096, 4096, 4096, 4096, 1000, 1 };
    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++, at++) {
        assert_string_equal(fv_graph_node(graph, at).type, head[i]);
        assert_int_equal(fv_graph_node(graph, at).output.c, units[i]);
        weighted += strcmp(head[i], "dense") == 0;
    }
    assert_int_equal(at, fv_graph_node_count(graph));
    assert_int_equal(weighted, layers);
    fv_graph_destroy(graph);
}

FV_TEST(vgg, follows_the_configuration_table_line_by_line)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        check_column(context, columns[i].name, columns[i].lines, columns[i].layers);
    fv_context_destroy(context);
}

FV_TEST(vgg, normalised_forms_have_torchvisions_module_names)
{
    static const test_zoo_stage stages[] = {
        { "features.0", 64, 224, 224 }, { "features.1", 64, 224, 224 }, { "features.2", 64, 224, 224 },
        { "features.6", 64, 112, 112 }, { "features.40", 512, 14, 14 }, { "features.43", 512, 7, 7 },
        { "classifier.0", 4096, 1, 1 }, { "classifier.6", 1000, 1, 1 },
    };
    test_zoo_stages("vgg-d-bn", NULL, stages, sizeof stages / sizeof stages[0]);
    assert_int_equal(test_zoo_count("vgg-d-bn", "batch_norm"), 13);
}

FV_TEST(vgg, learns)
{
    const fv_zoo_options small = { .classes = 10, .input = { 3, 32, 32 } };
    test_zoo_learns("vgg-a-lrn", &small, 2); /* the others: tests/long/zoo_test.c */
}

FV_TESTS(vgg, parameters_are_those_published, follows_the_configuration_table_line_by_line,
         normalised_forms_have_torchvisions_module_names, learns)
