/* SPDX-License-Identifier: Apache-2.0
 *
 * class_weights.c - a number for each class of a data set, from text: "auto", or "cat=2, \"maine coon\"=0.5".
 */
#include <string.h>

#include "base/number.h"
#include "data/dataset_internal.h"
#include "fovea/loader.h"
#include "fovea/text.h"

enum { NAME_BYTES = 256, NUMBER_BYTES = 64 };

static bool is_separator(char c)
{
    return c == ' ' || c == ',' || c == '\t' || c == '\n';
}

static const char *skip_separators(const char *at)
{
    while (is_separator(*at))
        at++;
    return at;
}

/* Characters up to one of `ends`, or up to the closing quote; NULL: none, or too many. */
static const char *take(const char *at, const char *ends, char *word, size_t size)
{
    const bool quoted = *at == '"';
    size_t length = 0;
    at += quoted;
    while (*at != '\0' && strchr(quoted ? "\"" : ends, *at) == NULL) {
        if (length + 1 >= size)
            return NULL;
        word[length++] = *at++;
    }
    word[length] = '\0';
    if (length == 0 || (quoted && *at != '"'))
        return NULL;
    return at + quoted;
}

static fv_status find_class(fv_context *context, const fv_dataset *dataset, const char *name, int32_t *found)
{
    const int32_t classes = fv_dataset_classes(dataset);
    for (*found = 0; *found < classes; ++*found)
        if (strcmp(fv_dataset_class_name(dataset, *found), name) == 0)
            return FV_OK;
    const char **words = fvi_allocate(context, ((size_t)classes + 1) * sizeof *words);
    if (words == NULL)
        return fvi_out_of_memory(context, "class names", (size_t)classes * sizeof *words);
    for (int32_t i = 0; i < classes; i++)
        words[i] = fv_dataset_class_name(dataset, i);
    const char *near = fv_nearest_word(name, words, classes);
    const char *first = classes > 0 ? words[0] : "";
    fvi_release(context, words);
    return fvi_fail(context, FV_ERR_ARGUMENT, "class weights: '%s' has no class '%s'%s%s%s (the first of %d is '%s')",
                    fv_dataset_name(dataset), name, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                    near != NULL ? "'?" : "", (int)classes, first);
}

/* One "name=number"; *at moves behind it. */
static fv_status read_entry(fv_context *context, const fv_dataset *dataset, const char **at, float *weights)
{
    char name[NAME_BYTES], number[NUMBER_BYTES];
    double value = 0;
    int32_t index = 0;
    const char *end = take(*at, "= ,\t\n", name, sizeof name);
    if (end == NULL || *end != '=')
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "class weights: none, auto, or name=number for each class that is not to have 1 is meant, as "
                        "in \"cat=2, dog=0.5\" (names with spaces in quotes), but there is '%.40s'",
                        *at);
    end = take(end + 1, " ,\t\n", number, sizeof number);
    if (end == NULL || !fvi_read_real(number, &value) || !(value >= 1e-6 && value <= 1e6))
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "class weights: '%s' has no number from 1e-6 to 1e6 behind its '=', as in \"%s=2\"", name,
                        name);
    *at = end;
    if (dataset == NULL)
        return FV_OK;
    FV_TRY(find_class(context, dataset, name, &index));
    weights[index] = (float)value;
    return FV_OK;
}

/* Each class counts as much as any other, and the mean over the samples is 1: count / (classes there are * samples of the class). */
static fv_status balance(fv_context *context, const fv_dataset *dataset, float *weights)
{
    const int32_t classes = fv_dataset_classes(dataset);
    int64_t *counts = fvi_allocate_zeroed(context, (size_t)classes + 1, sizeof *counts);
    int32_t there = 0;
    if (counts == NULL)
        return fvi_out_of_memory(context, "a count per class", (size_t)classes * sizeof *counts);
    for (int64_t i = 0; i < fv_dataset_count(dataset); i++)
        counts[fv_dataset_label(dataset, i)]++;
    for (int32_t i = 0; i < classes; i++)
        there += counts[i] > 0;
    for (int32_t i = 0; i < classes; i++)
        weights[i] =
            counts[i] > 0 ? (float)((double)fv_dataset_count(dataset) / ((double)there * (double)counts[i])) : 1.0f;
    fvi_release(context, counts);
    return FV_OK;
}

fv_status fv_class_weights_read(fv_context *context, const fv_dataset *dataset, const char *text, float *weights)
{
    const char *at = skip_separators(text != NULL ? text : "none");
    for (int32_t i = 0; dataset != NULL && i < fv_dataset_classes(dataset); i++)
        weights[i] = 1.0f;
    if (strcmp(at, "none") == 0)
        return FV_OK;
    if (dataset != NULL && fv_dataset_classes(dataset) < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "class weights: '%s' has values to come close to and no classes",
                        fv_dataset_name(dataset));
    if (strcmp(at, "auto") == 0)
        return dataset != NULL ? balance(context, dataset, weights) : FV_OK;
    do {
        FV_TRY(read_entry(context, dataset, &at, weights));
        at = skip_separators(at);
    } while (*at != '\0');
    return FV_OK;
}

bool fv_class_weights_none(const char *text)
{
    return text == NULL || strcmp(skip_separators(text), "none") == 0;
}
