/* SPDX-License-Identifier: Apache-2.0
 *
 * preprocess_json.c - preprocessing to JSON and back, every value checked.
 */
#include "interchange/preprocess_json.h"

#include <stdio.h>
#include <string.h>

#include "data/augment/transform.h"
#include "interchange/tree.h"

enum { LARGEST_SIDE = 65535, MOST_CLASSES = 1 << 20 };

static json_t *write_reals(const double *values, int32_t count)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < count; i++)
        if (json_array_append_new(list, json_real(values[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *write_names(const fv_preprocess *preprocess)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < preprocess->classes; i++)
        if (json_array_append_new(list, json_string(preprocess->class_names[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *fvi_preprocess_write(const fv_preprocess *preprocess)
{
    const fv_image_shape input = preprocess->input;
    json_t *object = json_object();
    bool good = json_object_set_new(object, "input", json_pack("[i,i,i]", input.c, input.h, input.w)) == 0;
    good = json_object_set_new(object, "mean", write_reals(preprocess->mean, input.c)) == 0 && good;
    good = json_object_set_new(object, "deviation", write_reals(preprocess->deviation, input.c)) == 0 && good;
    if (preprocess->resize > 0)
        good = json_object_set_new(object, "resize", json_integer(preprocess->resize)) == 0 && good;
    if (preprocess->decode_whole)
        good = json_object_set_new(object, "decode", json_string("whole")) == 0 && good;
    if (preprocess->transforms != NULL && fv_augmentation_count(preprocess->transforms) > 0)
        good =
            json_object_set_new(object, "transforms", json_string(fv_augmentation_text(preprocess->transforms))) == 0 &&
            good;
    good = json_object_set_new(object, "classes", json_integer(preprocess->classes)) == 0 && good;
    if (preprocess->class_names != NULL)
        good = json_object_set_new(object, "class_names", write_names(preprocess)) == 0 && good;
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static fv_status member(const fvi_tree *tree, const char *key, fvi_item_type type, const fvi_item **item)
{
    *item = fvi_tree_find(tree->root, key);
    if (*item == NULL)
        return fvi_tree_fail(tree, tree->root, FV_ERR_FORMAT, "'%s' is missing", key);
    return fvi_tree_expect(tree, *item, type, key);
}

static fv_status read_input(const fvi_tree *tree, fv_image_shape *input)
{
    const fvi_item *list = NULL;
    const char *const names[3] = { "channels", "rows", "columns" };
    int64_t size[3] = { 0 };
    FV_TRY(member(tree, "input", FVI_ITEM_LIST, &list));
    if (list->count != 3)
        return fvi_tree_fail(tree, list, FV_ERR_FORMAT, "%d values, expected 3: channels, rows, columns", list->count);
    for (const fvi_item *item = list->first; item != NULL; item = item->next)
        FV_TRY(fvi_tree_integer(tree, item, names[item->index], 1, item->index == 0 ? FV_MAX_CHANNELS : LARGEST_SIDE,
                                &size[item->index]));
    *input = (fv_image_shape){ (int32_t)size[0], (int32_t)size[1], (int32_t)size[2] };
    return FV_OK;
}

static fv_status read_reals(const fvi_tree *tree, const char *key, int32_t count, double *values)
{
    const fvi_item *list = NULL;
    FV_TRY(member(tree, key, FVI_ITEM_LIST, &list));
    if (list->count != count)
        return fvi_tree_fail(tree, list, FV_ERR_FORMAT, "%d values for %d channels", list->count, count);
    for (const fvi_item *item = list->first; item != NULL; item = item->next)
        FV_TRY(fvi_tree_real(tree, item, key, &values[item->index]));
    return FV_OK;
}

static fv_status read_names(const fvi_tree *tree, fvi_arena *arena, fv_preprocess *preprocess)
{
    const fvi_item *list = fvi_tree_find(tree->root, "class_names");
    if (list == NULL)
        return FV_OK;
    FV_TRY(fvi_tree_expect(tree, list, FVI_ITEM_LIST, "class_names"));
    if (list->count != preprocess->classes)
        return fvi_tree_fail(tree, list, FV_ERR_FORMAT, "%d names for %d classes", list->count, preprocess->classes);
    const char **names = fvi_arena_allocate(arena, ((size_t)list->count + 1) * sizeof *names);
    if (names == NULL)
        return fvi_out_of_memory(tree->context, "class names", (size_t)list->count * sizeof *names);
    for (const fvi_item *item = list->first; item != NULL; item = item->next) {
        FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_TEXT, "a class name"));
        names[item->index] = fvi_arena_text(arena, item->text);
        if (names[item->index] == NULL)
            return fvi_out_of_memory(tree->context, "a class name", 0);
    }
    preprocess->class_names = names;
    return FV_OK;
}

static fv_status read_transforms(const fvi_tree *tree, fv_augmentation **transforms)
{
    const fvi_item *item = fvi_tree_find(tree->root, "transforms");
    fvi_message said;
    if (item == NULL)
        return FV_OK;
    FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_TEXT, "transforms"));
    const fv_status status = fv_augmentation_create(transforms, tree->context, item->text);
    snprintf(said.text, sizeof said.text, "%s", fv_context_message(tree->context));
    if (status != FV_OK)
        return fvi_tree_fail(tree, item, status == FV_ERR_MEMORY ? status : FV_ERR_FORMAT, "%s", said.text);
    const fvi_transform *random = fvi_augmentation_random(*transforms);
    return random == NULL ? FV_OK
                          : fvi_tree_fail(tree, item, FV_ERR_FORMAT, "%s is for training images only", random->name);
}

static fv_status read_decoding(const fvi_tree *tree, bool *whole)
{
    const fvi_item *item = fvi_tree_find(tree->root, "decode");
    if (item == NULL)
        return FV_OK;
    FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_TEXT, "decode"));
    *whole = strcmp(item->text, "whole") == 0;
    return *whole || strcmp(item->text, "scaled") == 0
               ? FV_OK
               : fvi_tree_fail(tree, item, FV_ERR_FORMAT, "'%s', must be scaled or whole", item->text);
}

static fv_status read_all(const fvi_tree *tree, fvi_arena *arena, fv_preprocess *preprocess,
                          fv_augmentation **transforms)
{
    static const char *const keys[] = { "input",      "resize",  "mean",        "deviation", "decode",
                                        "transforms", "classes", "class_names", NULL };
    const fvi_item *classes = NULL;
    const fvi_item *resize = fvi_tree_find(tree->root, "resize");
    int64_t count = 0, shorter = 0;
    FV_TRY(fvi_tree_expect(tree, tree->root, FVI_ITEM_MAP, "preprocess"));
    FV_TRY(fvi_tree_check_keys(tree, tree->root, keys));
    FV_TRY(read_input(tree, &preprocess->input));
    if (resize != NULL)
        FV_TRY(fvi_tree_integer(tree, resize, "resize", 0, LARGEST_SIDE, &shorter));
    preprocess->resize = (int32_t)shorter;
    FV_TRY(read_reals(tree, "mean", preprocess->input.c, preprocess->mean));
    FV_TRY(read_reals(tree, "deviation", preprocess->input.c, preprocess->deviation));
    for (int32_t c = 0; c < preprocess->input.c; c++)
        if (preprocess->deviation[c] < 0)
            return fvi_tree_fail(tree, fvi_tree_find(tree->root, "deviation"), FV_ERR_FORMAT, "a deviation is %g",
                                 preprocess->deviation[c]);
    FV_TRY(member(tree, "classes", FVI_ITEM_INTEGER, &classes));
    FV_TRY(fvi_tree_integer(tree, classes, "classes", 0, MOST_CLASSES, &count));
    preprocess->classes = (int32_t)count;
    FV_TRY(read_decoding(tree, &preprocess->decode_whole));
    FV_TRY(read_transforms(tree, transforms));
    preprocess->transforms = *transforms;
    return read_names(tree, arena, preprocess);
}

fv_status fvi_preprocess_read(fv_preprocess *preprocess, fv_augmentation **transforms, fv_context *context,
                              fvi_arena *arena, const char *source, const char *text)
{
    fvi_tree tree;
    *preprocess = (fv_preprocess){ .classes = 0 };
    *transforms = NULL;
    FV_TRY(fvi_tree_start(&tree, context, source));
    fv_status status = fvi_tree_read_json(&tree, text);
    if (status == FV_OK)
        status = read_all(&tree, arena, preprocess, transforms);
    fvi_tree_release(&tree);
    return status;
}
