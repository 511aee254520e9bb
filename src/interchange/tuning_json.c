/* SPDX-License-Identifier: Apache-2.0
 *
 * tuning_json.c - the choices of a tuning as a file (docs/formats.md):
 *   {"format": "fovea tuning 1", "machine", "choices": [{"problem", "pass", "algorithm", "ms": {name: milliseconds}}]}
 */
#include "interchange/tuning_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "interchange/model_format.h"
#include "interchange/tree.h"
#include "plan/tuning.h"

static const char format[] = "fovea tuning 1";

static json_t *write_choice(const fvi_choice *choice)
{
    json_t *times = json_object();
    for (int32_t i = 0; i < choice->count; i++)
        if (choice->candidate[i].seconds > 0)
            json_object_set_new(times, choice->candidate[i].name, json_real(1e3 * choice->candidate[i].seconds));
    return json_pack("{s:s,s:s,s:s,s:o}", "problem", choice->problem, "pass", fvi_conv2d_pass_name(choice->pass),
                     "algorithm", choice->candidate[0].name, "ms", times);
}

fv_status fvi_tuning_text(const fv_tuning *tuning, char **text)
{
    char machine[192];
    json_t *choices = json_array();
    bool good = choices != NULL;
    for (size_t i = 0; i < tuning->count; i++)
        good = json_array_append_new(choices, write_choice(&tuning->choices[i])) == 0 && good;
    fv_tuning_machine(tuning->context, machine, sizeof machine);
    json_t *root = json_pack("{s:s,s:s,s:o}", "format", format, "machine", machine, "choices", choices);
    *text = good && root != NULL ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(5)) : NULL;
    json_decref(root);
    return *text != NULL ? FV_OK : fvi_out_of_memory(tuning->context, "a tuning file", tuning->count);
}

fv_status fv_tuning_write(const fv_tuning *tuning, const char *path)
{
    char *text = NULL;
    fvi_writer writer;
    FV_TRY(fvi_tuning_text(tuning, &text));
    fv_status status = fvi_writer_open(&writer, tuning->context, path);
    if (status == FV_OK)
        status = fvi_writer_append(&writer, text, strlen(text));
    if (status == FV_OK)
        status = fvi_writer_append(&writer, "\n", 1);
    if (status == FV_OK)
        status = fvi_writer_commit(&writer);
    else
        fvi_writer_discard(&writer);
    free(text);
    return status;
}

/* The text under key, or a failure that says what is missing. */
static fv_status read_text(const fvi_tree *tree, const fvi_item *map, const char *key, const char **text)
{
    const fvi_item *item = fvi_tree_find(map, key);
    if (item == NULL)
        return fvi_tree_fail(tree, map, FV_ERR_FORMAT, "'%s' is missing", key);
    FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_TEXT, key));
    *text = item->text;
    return FV_OK;
}

static fv_status read_pass(const fvi_tree *tree, const fvi_item *item, fvi_pass *pass)
{
    const char *text = NULL;
    FV_TRY(read_text(tree, item, "pass", &text));
    for (int32_t i = 0; i < FVI_PASSES; i++)
        if (strcmp(fvi_conv2d_pass_name((fvi_pass)i), text) == 0) {
            *pass = (fvi_pass)i;
            return FV_OK;
        }
    return fvi_tree_fail(tree, item, FV_ERR_FORMAT, "pass '%s' is not forward, backward_data or backward_weights",
                         text);
}

/* The times of the algorithms that there are, behind the chosen one. */
static fv_status read_times(const fvi_tree *tree, const fv_tuning *tuning, const fvi_item *item, fvi_choice *choice)
{
    const fvi_item *times = fvi_tree_find(item, "ms");
    if (times == NULL)
        return FV_OK;
    FV_TRY(fvi_tree_expect(tree, times, FVI_ITEM_MAP, "the times"));
    for (const fvi_item *time = times->first; time != NULL; time = time->next) {
        const char *name = fvi_tuning_algorithm(tuning, time->key);
        if ((time->type != FVI_ITEM_REAL && time->type != FVI_ITEM_INTEGER) || !(time->real > 0))
            return fvi_tree_fail(tree, time, FV_ERR_FORMAT, "a time in milliseconds must be a number above 0");
        if (name == choice->candidate[0].name)
            choice->candidate[0].seconds = 1e-3 * time->real;
        else if (name != NULL && choice->count < FVI_TUNING_CANDIDATES)
            choice->candidate[choice->count++] = (fvi_candidate){ .name = name, .seconds = 1e-3 * time->real };
    }
    return FV_OK;
}

static fv_status read_choice(const fvi_tree *tree, fv_tuning *tuning, const fvi_item *item)
{
    fvi_choice choice = { .count = 1 };
    const char *problem = NULL, *algorithm = NULL;
    FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_MAP, "a choice"));
    FV_TRY(read_text(tree, item, "problem", &problem));
    FV_TRY(read_text(tree, item, "algorithm", &algorithm));
    FV_TRY(read_pass(tree, item, &choice.pass));
    const char *wrong = fvi_conv2d_parse(problem, &choice.shape);
    if (wrong != NULL)
        return fvi_tree_fail(tree, item, FV_ERR_FORMAT, "problem '%s': %s", problem, wrong);
    choice.candidate[0].name = fvi_tuning_algorithm(tuning, algorithm);
    if (choice.candidate[0].name == NULL)
        return FV_OK; /* of another build or instruction set */
    FV_TRY(read_times(tree, tuning, item, &choice));
    return fvi_tuning_add(tuning, &choice);
}

static fv_status read_all(const fvi_tree *tree, fv_tuning *tuning, bool any_machine)
{
    char machine[192];
    const char *text = NULL;
    const fvi_item *root = tree->root;
    FV_TRY(fvi_tree_expect(tree, root, FVI_ITEM_MAP, "a tuning file"));
    FV_TRY(read_text(tree, root, "format", &text));
    if (strcmp(text, format) != 0)
        return fvi_tree_fail(tree, root, FV_ERR_FORMAT, "its format is '%s', not '%s'", text, format);
    FV_TRY(read_text(tree, root, "machine", &text));
    fv_tuning_machine(tuning->context, machine, sizeof machine);
    if (!any_machine && strcmp(text, machine) != 0)
        return fvi_tree_fail(tree, root, FV_ERR_FORMAT, "it was measured on '%s', and this is '%s'", text, machine);
    const fvi_item *choices = fvi_tree_find(root, "choices");
    if (choices == NULL)
        return fvi_tree_fail(tree, root, FV_ERR_FORMAT, "'choices' is missing");
    FV_TRY(fvi_tree_expect(tree, choices, FVI_ITEM_LIST, "choices"));
    for (const fvi_item *item = choices->first; item != NULL; item = item->next)
        FV_TRY(read_choice(tree, tuning, item));
    return FV_OK;
}

/* A checkpoint (a safetensors file: the length of its header, then its '{') keeps the text in its metadata. */
static fv_status read_checkpoint(fv_context *context, const char *path, char **text)
{
    fvi_safetensors file;
    FV_TRY(fvi_safetensors_open(&file, context, path));
    const char *kept = fvi_safetensors_text(&file, FVI_MODEL_TUNING);
    fv_status status = fvi_safetensors_check_header(&file);
    if (status == FV_OK && kept == NULL)
        status = fvi_fail(context, FV_ERR_NOT_FOUND, "'%s' holds no choices of algorithms", path);
    if (status == FV_OK) {
        *text = fvi_duplicate_text(context, kept);
        status = *text != NULL ? FV_OK : fvi_out_of_memory(context, "choices of algorithms", strlen(kept));
    }
    fvi_safetensors_close(&file);
    return status;
}

static bool is_checkpoint(const char *path)
{
    unsigned char start[9] = { 0 };
    FILE *file = fopen(path, "rb");
    const bool is =
        file != NULL && fread(start, 1, sizeof start, file) == sizeof start && start[0] != '{' && start[8] == '{';
    if (file != NULL)
        fclose(file);
    return is;
}

static fv_status read_file(fv_context *context, const char *path, char **text)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    FV_TRY(fvi_file_read(context, path, FVI_TREE_TEXT_BYTES, &bytes, &size));
    *text = (char *)bytes;
    if (strlen(*text) == size)
        return FV_OK;
    fvi_release(context, bytes);
    *text = NULL;
    return fvi_fail(context, FV_ERR_FORMAT, "%s: a NUL byte inside: not JSON", path);
}

fv_status fv_tuning_read(fv_tuning *tuning, const char *path, bool any_machine)
{
    char *text = NULL;
    fvi_tree tree;
    FV_TRY(is_checkpoint(path) ? read_checkpoint(tuning->context, path, &text)
                               : read_file(tuning->context, path, &text));
    fv_status status = fvi_tree_start(&tree, tuning->context, path);
    if (status == FV_OK) {
        status = fvi_tree_read_json(&tree, text);
        if (status == FV_OK)
            status = read_all(&tree, tuning, any_machine);
        fvi_tree_release(&tree);
    }
    fvi_release(tuning->context, text);
    return status == FV_ERR_ARGUMENT ? FV_ERR_FORMAT : status; /* to the tree a wrong type is a wrong argument */
}
