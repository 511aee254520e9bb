/* SPDX-License-Identifier: Apache-2.0
 *
 * docs_test.c - docs/zoo.md has a row for every network with the facts of its entry and graph. A row that is missing is
 * printed, ready to be copied.
 */
#include <stdio.h>
#include <string.h>

#include "support/files.h"
#include "support/test.h"
#include "support/zoo.h"

/* 61706 as "61,706". */
static const char *grouped(int64_t number, char *text)
{
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    int used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

/* "top-1 40.7, top-5 18.2: 10 crops, 1 model (source)", one after the other. */
static void errors_text(const fv_zoo_entry *entry, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < FV_ZOO_MAX_PUBLISHED && entry->published[i].source != NULL; i++) {
        const fv_published_error *error = &entry->published[i];
        char top1[32] = "", crops[32];
        if (error->top1 > 0)
            snprintf(top1, sizeof top1, "top-1 %.5g%s", error->top1, error->top5 > 0 ? ", " : "");
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? "; " : "", top1);
        if (error->top5 > 0)
            used += (size_t)snprintf(text + used, size - used, "top-5 %.5g", error->top5);
        snprintf(crops, sizeof crops, "%d crop%s", error->crops, error->crops == 1 ? "" : "s");
        used += (size_t)snprintf(text + used, size - used, ": %s, %s (%s)", error->crops == 0 ? "dense" : crops,
                                 error->models > 1 ? "ensemble" : "single", error->source);
    }
}

static void row_text(const fv_zoo_entry *entry, const fv_graph *graph, char *text, size_t size)
{
    char parameters[32], training[32], multiply_adds[32], errors[1024], more[64] = "";
    if (fv_graph_training_parameters(graph) != fv_graph_parameters(graph))
        snprintf(more, sizeof more, " (%s while training)", grouped(fv_graph_training_parameters(graph), training));
    errors_text(entry, errors, sizeof errors);
    snprintf(text, size, "| `%s` | %s | %dx%dx%d | %s%s | %s | %s |\n", entry->name, entry->paper, entry->input.c,
             entry->input.h, entry->input.w, grouped(fv_graph_parameters(graph), parameters), more,
             grouped(fv_graph_multiply_adds(graph), multiply_adds), errors);
}

FV_TEST(docs, page_has_every_network)
{
    size_t size = 0;
    int missing = 0;
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    char *page = (char *)test_file_read(FVI_TEST_SOURCE "/../docs", "zoo.md", &size);
    page = realloc(page, size + 1);
    assert_non_null(page);
    page[size] = '\0';
    for (int32_t i = 0; i < fv_zoo_count(); i++) {
        char row[2048];
        fv_graph *graph = test_zoo_build(context, fv_zoo_get(i)->name, NULL);
        row_text(fv_zoo_get(i), graph, row, sizeof row);
        if (strstr(page, row) == NULL) {
            printf("%s", row);
            missing++;
        }
        fv_graph_destroy(graph);
    }
    if (missing > 0)
        fail_msg("docs/zoo.md lacks %d rows, printed above", missing);
    free(page);
    fv_context_destroy(context);
}

FV_TESTS(docs, page_has_every_network)
