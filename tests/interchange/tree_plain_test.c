/* SPDX-License-Identifier: Apache-2.0
 *
 * tree_plain_test.c - what builds without libyaml read: every config.yaml that fovea writes, and the recipes, with the items that libyaml gives;
 * all other YAML is refused by line.
 */
#include <math.h>
#include <string.h>

#include "fovea/config.h"
#include "fovea/model.h"
#include "interchange/tree.h"
#include "support/test.h"

static fv_context *context;

static int set_up(void **state)
{
    (void)state;
    return fv_context_create(&context, &(fv_context_options){ .threads = 1 }) == FV_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fv_context_destroy(context);
    return 0;
}

typedef fv_status read_fn(fvi_tree *tree, const unsigned char *text, size_t size);

static void read_tree(fvi_tree *tree, const char *text, read_fn *read)
{
    assert_int_equal(fvi_tree_start(tree, context, "config.yaml"), FV_OK);
    tree->longest = FVI_TREE_LONG_BYTES;
    if (read(tree, (const unsigned char *)text, strlen(text)) != FV_OK)
        fail_msg("%s", fv_context_message(context));
}

static void expect_same_items(const fvi_item *a, const fvi_item *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->count, b->count);
    if (a->key != NULL)
        assert_string_equal(a->key, b->key);
    if (a->parent != NULL && a->type < FVI_ITEM_LIST && a->type != FVI_ITEM_NULL) {
        assert_string_equal(a->text, b->text);
        assert_int_equal(a->line, b->line);
        if (a->parent->type == FVI_ITEM_MAP) /* those of a list have the list's */
            assert_int_equal(a->column, b->column);
        assert_true(a->key_line == b->key_line && a->key_column == b->key_column);
    }
    assert_int_equal(a->boolean, b->boolean);
    assert_int_equal(a->integer, b->integer);
    assert_true(!(a->real < b->real) && !(a->real > b->real));
    const fvi_item *one = a->first, *other = b->first;
    for (; one != NULL && other != NULL; one = one->next, other = other->next)
        expect_same_items(one, other);
    assert_true(one == NULL && other == NULL);
}

static void expect_same(const char *text)
{
    fvi_tree plain, yaml;
    read_tree(&plain, text, fvi_tree_read_plain);
    read_tree(&yaml, text, fvi_tree_read_yaml);
    expect_same_items(plain.root, yaml.root);
    fvi_tree_release(&plain);
    fvi_tree_release(&yaml);
}

static void what_fovea_writes(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "model.network=lenet5",
        "data.source=/some where/with # and: \"quotes\"",
        "optimizer.lr=1e-3",
        "optimizer.groups=conv1.*(frozen) *.bias(rate=2, decay=0)",
        "augment.transforms=random_crop(padding=4, fill=reflect) horizontal_flip cutout(size=8)",
        "schedule.points=0:1 30:0.1",
        "model.input=3x32x32",
        "train.memory=1.5GiB",
        "train.seed=9000000000000000",
        "train.out=runs/\xc3\xa4\\b",
    };
    fv_config *config = NULL;
    char *text = NULL;
    assert_int_equal(fv_config_create(&config, context), FV_OK);
    for (size_t i = 0; i <= sizeof settings / sizeof settings[0]; i++) {
        assert_int_equal(fv_config_to_yaml(config, &text), FV_OK);
        expect_same(text);
        fv_text_release(context, text);
        if (i < sizeof settings / sizeof settings[0])
            assert_int_equal(fv_config_set(config, settings[i]), FV_OK);
    }
    fv_config_destroy(config);
}

static void what_people_write_plainly(void **state)
{
    (void)state;
    expect_same("model: lenet5 # the first\r\ndata: mnist-12k\n\n# more\noptimizer:\n    lr: .5\n    momentum: "
                "0.9\ntrain:\n  epochs:\n  "
                "batch: 1_0\n  x: a:b # c\n  y: a#b\n  z: -1\n  w: 1e3\n  v: ~");
    expect_same("model: [\"a\", \"b, c\"]\ndata: \"\\u00e4 \\\" #\"   # why\n");
}

static void all_else_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "model: {network: lenet5}\n", "config.yaml:1:8: a value of this kind" },
        { "augment:\n  - flip\n", "config.yaml:2:3: no 'key: value'" },
        { "a:\n  b: 'c'\n", "config.yaml:2:6: a value of this kind" },
        { "a: &x 3\n", "config.yaml:1:4: a value of this kind" },
        { "a: b: c\n", "config.yaml:1:4: a map in one line" },
        { "a: [b, c]\n", "config.yaml:1:4: a text or a list that does not end" },
        { "a: [1]\n", "a list of anything but texts in quotes" },
        { "a: \"b\n", "config.yaml:1:4: a text or a list that does not end" },
        { "a: \"b\" c\n", "config.yaml:1:4: a text or a list that does not end" },
        { "  a: b\n", "config.yaml:1:3: a key that is in no section" },
        { "a: b\n  c: d\n", "config.yaml:2:3: a key that is in no section" },
        { "a: |\n  text\n", "config.yaml:1:4: a value of this kind" },
        { "just words\n", "config.yaml:1:1: no 'key: value'" },
        { "a:\n  b: 1\n  b: 2\n", "config.yaml:3:3: key 'b' is given twice" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fvi_tree tree;
        assert_int_equal(fvi_tree_start(&tree, context, "config.yaml"), FV_OK);
        const fv_status status =
            fvi_tree_read_plain(&tree, (const unsigned char *)cases[i].text, strlen(cases[i].text));
        assert_true(status == FV_ERR_UNSUPPORTED || status == FV_ERR_FORMAT);
        if (strstr(fv_context_message(context), cases[i].message) == NULL)
            fail_msg("'%s' is not in: %s", cases[i].message, fv_context_message(context));
        fvi_tree_release(&tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fovea_writes),
        cmocka_unit_test(what_people_write_plainly),
        cmocka_unit_test(all_else_is_refused),
    };
    return cmocka_run_group_tests_name("tree_plain", tests, set_up, tear_down);
}
