/* SPDX-License-Identifier: Apache-2.0
 *
 * names_test.c - every network of the zoo that torchvision or timm has takes each of their tensors, and each exactly once, and is written under
 * torchvision's names: against lists of names and shapes (tests/golden/weight_names.txt, made by tools/torchvision-names.py).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/md5.h"
#include "fovea/zoo.h"
#include "graph/graph_internal.h"
#include "interchange/weights/weights_internal.h"
#include "support/test.h"

enum { LINE = 256, MOST_LINES = 4096 };

static fv_context *context;

typedef struct listing {
    char (*line)[LINE];
    int32_t count;
} listing;

static void add_line(listing *list, const char *name, const fv_shape *shape)
{
    assert_true(list->count < MOST_LINES);
    char *line = list->line[list->count++];
    int used = snprintf(line, LINE, "%s [", name);
    for (int32_t i = 0; i < shape->rank; i++)
        used += snprintf(line + used, (size_t)(LINE - used), "%s%lld", i > 0 ? "," : "", (long long)shape->size[i]);
    snprintf(line + used, (size_t)(LINE - used), "]\n");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The tensors that are written of a network, sorted. */
static listing list_network(const fv_graph *graph)
{
    listing list = { .line = calloc(MOST_LINES, LINE) };
    int32_t count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count);
    assert_non_null(list.line);
    for (int32_t i = 0; i < count; i++)
        for (int32_t j = 0; j < nodes[i].param_count; j++) {
            char name[LINE];
            snprintf(name, sizeof name, "%s.%s", nodes[i].name, nodes[i].param[j].suffix);
            add_line(&list, name, &nodes[i].param[j].shape);
            snprintf(name, sizeof name, "%s.num_batches_tracked", nodes[i].name);
            if (strcmp(nodes[i].param[j].suffix, "running_var") == 0)
                add_line(&list, name, &(fv_shape){ .rank = 0 });
        }
    qsort(list.line, (size_t)list.count, LINE, by_text);
    return list;
}

static void check_same(const listing *list, const char *network, int32_t tensors, const char *md5)
{
    char found[33];
    fvi_md5 hash = fvi_md5_start();
    for (int32_t i = 0; i < list->count; i++)
        fvi_md5_update(&hash, list->line[i], strlen(list->line[i]));
    fvi_md5_finish(&hash, found);
    if (list->count != tensors || strcmp(found, md5) != 0)
        fail_msg("%s: %d tensors, %s; expected %d, %s", network, list->count, found, tensors, md5);
}

static fv_shape read_shape(const char *text)
{
    fv_shape shape = { .rank = 0 };
    for (char *at = (char *)strchr(text, '[') + 1; *at != ']'; at += *at == ',') {
        assert_true(shape.rank < 6);
        shape.size[shape.rank++] = strtoll(at, &at, 10);
    }
    return shape;
}

/* A list of other names: through the tables each is a parameter's, of as many values, or of no use. */
static void check_translated(const fv_params *params, const char *network, int32_t tensors, FILE *file)
{
    char line[LINE];
    fv_weights weights = { .context = context, .path = "a list", .count = tensors };
    weights.tensors = calloc((size_t)tensors, sizeof *weights.tensors);
    for (int32_t i = 0; i < tensors; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        char *space = strchr(line, ' ');
        const fv_shape shape = read_shape(line);
        *space = '\0';
        weights.tensors[i] = (fv_weights_tensor){ .name = strdup(line), .dtype = "F32", .shape = shape };
    }
    fvi_arena *arena = NULL;
    fvi_matching m;
    assert_int_equal(fvi_arena_create(&arena, context, 1 << 14), FV_OK);
    assert_int_equal(fvi_weights_match(&m, params, &weights, FV_LAYOUT_AUTO, arena), FV_OK);
    for (int32_t i = 0; i < m.names.count; i++)
        if (!m.match[i].fits)
            fail_msg("%s: nothing fits %s", network, fv_params_info(params, i).name);
    for (int32_t i = 0; i < tensors; i++)
        if (!m.used[i] && !fvi_names_ignored(&m.names, weights.tensors[i].name))
            fail_msg("%s: nobody takes %s", network, weights.tensors[i].name);
    fvi_arena_destroy(arena);
    for (int32_t i = 0; i < tensors; i++)
        free((char *)weights.tensors[i].name);
    free(weights.tensors);
}

static void check_network(const char *network, char sign, int32_t tensors, const char *md5, FILE *file)
{
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    assert_int_equal(fv_zoo_build(&graph, context, network), FV_OK);
    if (sign == '=') {
        const listing list = list_network(graph);
        check_same(&list, network, tensors, md5);
        free(list.line);
    } else {
        assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
        check_translated(params, network, tensors, file);
    }
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

FV_TEST(names, each_tensor_is_one_parameter)
{
    char line[LINE], network[64], source[32], model[64], md5[40];
    char sign = 0;
    int tensors = 0, networks = 0;
    FILE *file = fopen(FVI_TEST_SOURCE "/golden/weight_names.txt", "r");
    assert_non_null(file);
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#')
            continue;
        md5[0] = '\0';
        if (sscanf(line, "%c %63s %31s %63s %d %39s", &sign, network, source, model, &tensors, md5) < 5)
            fail_msg("not a line of the list: %s", line);
        check_network(network, sign, tensors, md5, file);
        networks++;
    }
    assert_int_equal(networks, 34);
    fv_context_destroy(context);
    fclose(file);
}

FV_TEST(names, words_of_keras)
{
    char out[FVI_WEIGHTS_NAME];
    static const char *const same[][2] = {
        { "block1_conv1/kernel:0", "block1_conv1.weight" },
        { "net/bn/moving_variance", "net.bn.running_var" },
        { "bn.gamma", "bn.weight" },
        { "dw/depthwise_kernel:0", "dw.weight" },
        { "dense/bias", "dense.bias" },
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_true(fvi_names_of_keras(same[i][0], out));
        assert_string_equal(out, same[i][1]);
    }
    assert_false(fvi_names_of_keras("kernel", out));
    assert_false(fvi_names_of_keras("conv1.weight", out));
}

FV_TESTS(names, each_tensor_is_one_parameter, words_of_keras)
