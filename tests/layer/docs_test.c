/* SPDX-License-Identifier: Apache-2.0
 *
 * docs_test.c - docs/layers.md has every layer with its formula and every attribute with its default, range and help, as
 * the table says. A line that is missing is printed, ready to be copied.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer/layer.h"
#include "support/test.h"

static char *read_page(void)
{
    FILE *file = fopen(FVI_TEST_SOURCE "/../docs/layers.md", "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *text = calloc((size_t)size + 1, 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    return text;
}

static void values_of(const fvi_attribute *attribute, char *text, size_t size)
{
    size_t used = 0;
    switch (attribute->type) {
    case FVI_ATTRIBUTE_INT:
        snprintf(text, size, "%s%.0f to %.0f",
                 attribute->count == 1   ? ""
                 : attribute->count == 2 ? "2 of "
                 : attribute->count == 3 ? "3 of "
                                         : "4 of ",
                 attribute->low, attribute->high);
        break;
    case FVI_ATTRIBUTE_REAL:
        snprintf(text, size, "%g to %g", attribute->low, attribute->high);
        break;
    case FVI_ATTRIBUTE_BOOL:
        snprintf(text, size, "true, false");
        break;
    case FVI_ATTRIBUTE_ENUM:
        for (size_t i = 0; attribute->words[i]; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", attribute->words[i]);
        break;
    case FVI_ATTRIBUTE_INIT:
        snprintf(text, size, "an initialiser");
        break;
    case FVI_ATTRIBUTE_INTS:
    case FVI_ATTRIBUTE_REALS:
        snprintf(text, size, "a list of %g to %g", attribute->low, attribute->high);
        break;
    }
}

/* Searches a line in the layer's section; counts and prints it when it is not there. */
static int missing(const char *section, size_t length, const char *line)
{
    char *text = strndup(section, length);
    const int absent = strstr(text, line) == NULL;
    if (absent)
        print_message("%s\n", line);
    free(text);
    return absent;
}

static int check_layer(const fvi_layer *layer, const char *page)
{
    char line[1024], values[256];
    snprintf(line, sizeof line, "\n## %s\n", layer->name);
    const char *section = strstr(page, line);
    int absent = section == NULL;
    if (absent)
        print_message("%s", line);
    const char *body = section ? section + 2 : "";
    const char *end = strstr(body, "\n## ");
    const size_t length = end ? (size_t)(end - body) : strlen(body);
    snprintf(line, sizeof line, "    %s\n", layer->formula);
    absent += missing(body, length, line);
    for (const fvi_attribute *a = layer->attributes; a && a->name; a++) {
        values_of(a, values, sizeof values);
        snprintf(line, sizeof line, "| `%s` | %s | %s | %s |", a->name, values, a->required ? "required" : a->fallback,
                 a->help);
        absent += missing(body, length, line);
    }
    return absent;
}

FV_TEST(docs, layers_md_agrees_with_the_table)
{
    char *page = read_page();
    int absent = 0;
    for (size_t i = 0; fvi_layers[i]; i++)
        absent += check_layer(fvi_layers[i], page);
    free(page);
    if (absent > 0)
        fail_msg("%d lines are missing in docs/layers.md", absent);
}

FV_TESTS(docs, layers_md_agrees_with_the_table)
