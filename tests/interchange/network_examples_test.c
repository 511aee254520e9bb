/* SPDX-License-Identifier: Apache-2.0
 *
 * network_examples_test.c - the networks in examples/networks and the blocks of YAML in docs/network-description.md are read; those that the
 * zoo has too are the same networks.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/zoo.h"
#include "interchange/yaml_case.h"

#define EXAMPLES FVI_TEST_SOURCE "/../examples/networks/"

typedef struct example {
    const char *name;
    int64_t parameters; /* counted by hand from the layers, see below */
    int32_t convolutions, joins;
} example;

/* lenet5: as the zoo's. small-vgg: 896 + 9,248 + 18,496 + 36,928 + 73,856 + 2 * 147,584 convolved, 524,544 + 2,570 dense.
 * small-googlenet: stem 1,792, modules 37,688, 97,344, 94,200 and 112,452, 2,570 dense (without the head). cifar-resnet-20: as published,
 * with batch_norm counted (He et al. 2016 round to 0.27M). small-densenet: with c channels before it a layer has 2c + 48c + 96 +
 * 5,184, a transition 2c + c * c / 2. */
static const example examples[] = {
    { "lenet5", 61706, 2, 0 },
    { "small-vgg", 961706, 7, 0 },
    { "small-googlenet", 346046, 26, 4 },
    { "cifar-resnet-20", 269722, 19, 9 },
    { "small-densenet", 176122, 39, 18 },
    { "resnet-50", 25557032, 53, 16 },
    { "densenet-121", 7978856, 120, 58 },
};

enum { EXAMPLES_COUNT = sizeof examples / sizeof examples[0] };

static int32_t count_type(const fv_graph *graph, const char *type)
{
    int32_t count = 0;
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++)
        count += strcmp(fv_graph_node(graph, i).type, type) == 0;
    return count;
}

/* Of the initial values: parameters with the same names, shapes, order and initialisers give the same. */
static void hash_parameters(const fv_graph *graph, char hash[17])
{
    fv_params *params = NULL;
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    fv_params_hash(params, hash);
    fv_params_destroy(params);
}

/* The same network in arithmetic and parameters; layers without any may have other names. */
static void expect_zoo(const fv_graph *graph, const char *name)
{
    fv_graph *built = NULL;
    assert_int_equal(fv_zoo_build(&built, context, name), FV_OK);
    assert_int_equal(fv_graph_parameters(graph), fv_graph_parameters(built));
    assert_int_equal(fv_graph_multiply_adds(graph), fv_graph_multiply_adds(built));
    char hash[17], hash_built[17];
    hash_parameters(graph, hash);
    hash_parameters(built, hash_built);
    assert_string_equal(hash, hash_built);
    fv_graph_destroy(built);
}

static void each_example_is_read(void **state)
{
    (void)state;
    for (int i = 0; i < EXAMPLES_COUNT; i++) {
        char file[TEST_PATH];
        fv_graph *graph = NULL;
        snprintf(file, sizeof file, EXAMPLES "%s.yaml", examples[i].name);
        if (fv_graph_read_yaml(&graph, context, file) != FV_OK)
            fail_msg("%s", fv_context_message(context));
        assert_string_equal(fv_graph_name(graph), examples[i].name);
        assert_int_equal(fv_graph_parameters(graph), examples[i].parameters);
        assert_int_equal(count_type(graph, "conv2d"), examples[i].convolutions);
        assert_int_equal(count_type(graph, "add") + count_type(graph, "concat"), examples[i].joins);
        if (fv_zoo_find(examples[i].name) != NULL)
            expect_zoo(graph, examples[i].name);
        fv_graph_destroy(graph);
    }
}

static void every_file_is_in_the_table(void **state)
{
    (void)state;
    DIR *directory = opendir(EXAMPLES);
    assert_non_null(directory);
    int found = 0;
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || strcmp(dot, ".yaml") != 0)
            continue;
        bool known = false;
        for (int i = 0; i < EXAMPLES_COUNT; i++)
            known = known || strncmp(entry->d_name, examples[i].name, (size_t)(dot - entry->d_name)) == 0;
        if (!known)
            fail_msg("examples/networks/%s is not in this test's table", entry->d_name);
        found++;
    }
    closedir(directory);
    assert_int_equal(found, EXAMPLES_COUNT);
}

static char *read_page(const char *name)
{
    FILE *file = fopen(name, "rb");
    char *text = calloc(1, 1 << 16);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

/* A block that shows a whole network has `input:` and `layers:`; the others show parts. */
static void whole_networks_on_the_page_are_read(void **state)
{
    (void)state;
    char *page = read_page(FVI_TEST_SOURCE "/../docs/network-description.md"), *next = page;
    int found = 0;
    while ((next = strstr(next, "```yaml\n")) != NULL) {
        char *block = next + 8, *end = strstr(block, "```");
        assert_non_null(end);
        *end = '\0';
        next = end + 1;
        if (strstr(block, "input:") == NULL || strstr(block, "layers:") == NULL)
            continue;
        fv_graph_destroy(read_yaml(block));
        found++;
    }
    assert_true(found >= 3);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_example_is_read),
        cmocka_unit_test(every_file_is_in_the_table),
        YAML_TEST(whole_networks_on_the_page_are_read),
    };
    return YAML_RUN(tests);
}
