/* SPDX-License-Identifier: Apache-2.0
 *
 * manifest.c - data sets from CSV files with a header row. A column "path" (or file, image, filename) makes it a manifest of images,
 * beside the CSV file or where absolute paths say; without one every column is a number of the sample. The target is a column "label"
 * (or class), a column "labels" (several, apart by ';' or '|': 0 or 1 for each), or columns that begin with "target" (numbers; of
 * a manifest every other column). A column "split" says train, test or val of each row. A folder has a file for each split.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"
#include "base/number.h"
#include "data/sets/csv.h"
#include "data/sets/files.h"
#include "data/sets/table.h"

typedef enum role { ROLE_NUMBER, ROLE_PATH, ROLE_LABEL, ROLE_LABELS, ROLE_TARGET, ROLE_SPLIT } role;

enum { MOST_CLASSES = 1 << 20 };

static const char *const split_words[3][3] = { { "train", "training", NULL },
                                               { "test", "testing", NULL },
                                               { "val", "validation", NULL } };

/* What one file says; of all its rows, or of those of the wanted split. */
typedef struct rows {
    fv_context *context;
    char folder[FVI_PATH_BYTES]; /* of relative paths */
    role *roles;                 /* [columns] */
    char **names;                /* [columns]: the header, copied */
    int32_t columns, label, path, split, numbers, targets;
    /* Words of the label column, sorted once all are read. */
    char **words;
    size_t word_capacity;
    int32_t word_count;
    /* Samples. */
    fvi_files files;
    float *values, *target;
    int32_t *labels;
    char **marks; /* [count]: labels as written, until words are sorted */
    size_t value_capacity, target_capacity, mark_capacity;
    int64_t count;
} rows;

static void release_texts(fv_context *context, char **texts, int64_t count)
{
    for (int64_t i = 0; texts != NULL && i < count; i++)
        fvi_release(context, texts[i]);
    fvi_release(context, texts);
}

static void release_rows(rows *r)
{
    release_texts(r->context, r->names, r->columns);
    release_texts(r->context, r->words, r->word_count);
    release_texts(r->context, r->marks, r->marks != NULL ? r->count : 0);
    fvi_release(r->context, r->roles);
    fvi_release(r->context, r->values);
    fvi_release(r->context, r->target);
    fvi_release(r->context, r->labels);
    fvi_files_release(&r->files);
}

static role role_of(const char *name)
{
    static const struct {
        const char *name;
        role role;
    } known[] = { { "path", ROLE_PATH },     { "file", ROLE_PATH },      { "filename", ROLE_PATH },
                  { "image", ROLE_PATH },    { "label", ROLE_LABEL },    { "class", ROLE_LABEL },
                  { "labels", ROLE_LABELS }, { "classes", ROLE_LABELS }, { "split", ROLE_SPLIT } };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(name, known[i].name) == 0)
            return known[i].role;
    return strncasecmp(name, "target", 6) == 0 ? ROLE_TARGET : ROLE_NUMBER;
}

/* Counts what the columns are, and that they make sense together. */
static fv_status check_roles(rows *r, const fvi_csv *csv)
{
    int32_t paths = 0, labels = 0, splits = 0;
    for (int32_t i = 0; i < r->columns; i++) {
        const role is = r->roles[i];
        r->path = is == ROLE_PATH ? i : r->path;
        r->label = is == ROLE_LABEL || is == ROLE_LABELS ? i : r->label;
        r->split = is == ROLE_SPLIT ? i : r->split;
        paths += is == ROLE_PATH;
        labels += is == ROLE_LABEL || is == ROLE_LABELS;
        splits += is == ROLE_SPLIT;
    }
    for (int32_t i = 0; i < r->columns; i++) {
        if (paths > 0 && labels == 0 && r->roles[i] == ROLE_NUMBER)
            r->roles[i] = ROLE_TARGET;
        r->numbers += r->roles[i] == ROLE_NUMBER;
        r->targets += r->roles[i] == ROLE_TARGET;
    }
    if (paths > 1 || labels > 1 || splits > 1)
        return fvi_fail(r->context, FV_ERR_FORMAT, "'%s': two columns of the header are the %s", csv->path,
                        paths > 1    ? "path"
                        : labels > 1 ? "label"
                                     : "split");
    if (labels == 0 && r->targets == 0)
        return fvi_fail(r->context, FV_ERR_FORMAT,
                        "'%s', line 1: the header names no target; it needs a column 'label', 'labels', or some that "
                        "begin with 'target' (and 'path' for images; others are the sample's numbers)",
                        csv->path);
    if (labels > 0 && r->targets > 0)
        return fvi_fail(r->context, FV_ERR_FORMAT, "'%s', line 1: the header names both a label and targets",
                        csv->path);
    if (paths == 0 && r->numbers == 0)
        return fvi_fail(r->context, FV_ERR_FORMAT, "'%s', line 1: the header names neither a path nor numbers",
                        csv->path);
    return FV_OK;
}

static fv_status read_header(rows *r, fvi_csv *csv)
{
    FV_TRY(fvi_csv_next(csv));
    if (csv->count == 0)
        return fvi_fail(r->context, FV_ERR_FORMAT, "'%s' is empty", csv->path);
    r->path = r->label = r->split = -1;
    r->roles = fvi_allocate_zeroed(r->context, (size_t)csv->count, sizeof *r->roles);
    r->names = fvi_allocate_zeroed(r->context, (size_t)csv->count, sizeof *r->names);
    if (r->roles == NULL || r->names == NULL)
        return fvi_out_of_memory(r->context, csv->path, (size_t)csv->count * sizeof *r->names);
    r->columns = csv->count;
    for (int32_t i = 0; i < r->columns; i++) {
        r->names[i] = fvi_duplicate_text(r->context, csv->field[i]);
        if (r->names[i] == NULL)
            return fvi_out_of_memory(r->context, csv->path, strlen(csv->field[i]));
        r->roles[i] = role_of(r->names[i]);
    }
    return check_roles(r, csv);
}

/* Which split a row is of; -1: none that is known. Without a column: that of the file. */
static int split_of_row(const rows *r, const fvi_csv *csv, fv_split file)
{
    if (r->split < 0)
        return (int)file;
    for (int s = 0; s < 3; s++)
        for (int i = 0; split_words[s][i] != NULL; i++)
            if (strcasecmp(csv->field[r->split], split_words[s][i]) == 0)
                return s;
    return -1;
}

static fv_status keep_text(rows *r, char ***texts, size_t *capacity, size_t count, const char *text, size_t length)
{
    void *memory = *texts;
    FV_TRY(fvi_grow(r->context, &memory, capacity, count, count + 1, sizeof **texts));
    *texts = memory;
    char *copy = fvi_allocate(r->context, length + 1);
    (*texts)[count] = copy;
    if (copy == NULL)
        return fvi_out_of_memory(r->context, "a label", length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return FV_OK;
}

/* Each label of the field becomes a word; they are sorted, and made unique, now and then. */
static int by_number_or_text(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    int64_t x = 0, y = 0;
    if (fvi_read_integer(a, &x) && fvi_read_integer(b, &y) && x != y)
        return x < y ? -1 : 1;
    return strcmp(a, b);
}

static void sort_words(rows *r)
{
    int32_t kept = 0;
    if (r->word_count > 0)
        qsort(r->words, (size_t)r->word_count, sizeof *r->words, by_number_or_text);
    for (int32_t i = 0; i < r->word_count; i++)
        if (kept > 0 && strcmp(r->words[kept - 1], r->words[i]) == 0)
            fvi_release(r->context, r->words[i]);
        else
            r->words[kept++] = r->words[i];
    r->word_count = kept;
}

static int32_t find_word(const rows *r, const char *text, size_t length)
{
    for (int32_t i = 0; i < r->word_count; i++)
        if (strlen(r->words[i]) == length && memcmp(r->words[i], text, length) == 0)
            return i;
    return -1;
}

static fv_status add_word(rows *r, const fvi_csv *csv, const char *text, size_t length)
{
    if (length == 0)
        return fvi_fail(r->context, FV_ERR_FORMAT, "'%s', line %lld, column %d (%s): a label is empty", csv->path,
                        (long long)csv->line, r->label + 1, r->names[r->label]);
    if (find_word(r, text, length) >= 0)
        return FV_OK;
    if (r->word_count == MOST_CLASSES)
        return fvi_fail(r->context, FV_ERR_FORMAT, "'%s': more than %d different labels", csv->path, MOST_CLASSES);
    FV_TRY(keep_text(r, &r->words, &r->word_capacity, (size_t)r->word_count, text, length));
    r->word_count++;
    return FV_OK;
}

/* Calls add_word for each label of the row; an empty field of `labels` is none. */
static fv_status add_words(rows *r, const fvi_csv *csv)
{
    const char *text = csv->field[r->label];
    if (r->roles[r->label] == ROLE_LABEL)
        return add_word(r, csv, text, strlen(text));
    for (;; text++) {
        const size_t length = strcspn(text, ";|");
        if (length > 0)
            FV_TRY(add_word(r, csv, text, length));
        text += length;
        if (*text == '\0')
            return FV_OK;
    }
}

static fv_status add_numbers(rows *r, const fvi_csv *csv, role of, int32_t each, float **values, size_t *capacity)
{
    const size_t used = (size_t)r->count * (size_t)each;
    void *memory = *values;
    size_t at = used;
    FV_TRY(fvi_grow(r->context, &memory, capacity, used, used + (size_t)each, sizeof **values));
    *values = memory;
    for (int32_t i = 0; i < r->columns; i++)
        if (r->roles[i] == of)
            FV_TRY(fvi_csv_number(csv, i, r->names[i], &(*values)[at++]));
    return FV_OK;
}

static fv_status add_path(rows *r, const fvi_csv *csv)
{
    const char *given = csv->field[r->path];
    char path[FVI_PATH_BYTES];
    if (*given == '\0')
        return fvi_fail(r->context, FV_ERR_FORMAT, "'%s', line %lld: the path is empty", csv->path,
                        (long long)csv->line);
    if (*given == '/' ? snprintf(path, sizeof path, "%s", given) >= (int)sizeof path
                      : !fvi_path_join(path, r->folder, given))
        return fvi_fail(r->context, FV_ERR_FORMAT, "'%s', line %lld: the path is too long", csv->path,
                        (long long)csv->line);
    return fvi_files_add(&r->files, path, 0);
}

static fv_status add_row(rows *r, const fvi_csv *csv)
{
    if (r->path >= 0)
        FV_TRY(add_path(r, csv));
    else
        FV_TRY(add_numbers(r, csv, ROLE_NUMBER, r->numbers, &r->values, &r->value_capacity));
    if (r->targets > 0)
        FV_TRY(add_numbers(r, csv, ROLE_TARGET, r->targets, &r->target, &r->target_capacity));
    if (r->label >= 0)
        FV_TRY(keep_text(r, &r->marks, &r->mark_capacity, (size_t)r->count, csv->field[r->label],
                         strlen(csv->field[r->label])));
    r->count++;
    return FV_OK;
}

/* All rows: those of the split become samples; the labels of rows that count for the classes become words. */
static fv_status read_rows(rows *r, fvi_csv *csv, fv_split file, fv_split wanted, bool samples, bool words)
{
    for (;;) {
        FV_TRY(fvi_csv_next(csv));
        if (csv->count == 0)
            return FV_OK;
        if (csv->count != r->columns)
            return fvi_fail(r->context, FV_ERR_FORMAT, "'%s', line %lld: %d fields, the header has %d", csv->path,
                            (long long)csv->line, csv->count, r->columns);
        const int split = split_of_row(r, csv, file);
        if (split < 0)
            return fvi_fail(r->context, FV_ERR_FORMAT,
                            "'%s', line %lld, column %d (%s): '%s' is no split; there are train, test and val",
                            csv->path, (long long)csv->line, r->split + 1, r->names[r->split], csv->field[r->split]);
        if (words && r->label >= 0)
            FV_TRY(add_words(r, csv));
        if (samples && split == (int)wanted)
            FV_TRY(add_row(r, csv));
    }
}

/* From marks to labels, or to one 0 or 1 for each word. */
static fv_status set_labels(rows *r, const char *path)
{
    const bool several = r->roles[r->label] == ROLE_LABELS;
    size_t bytes = 0;
    if (!fvi_size_multiply((size_t)r->count, several ? (size_t)r->word_count * sizeof(float) : sizeof(int32_t), &bytes))
        return fvi_out_of_memory(r->context, "labels", SIZE_MAX);
    void *memory = fvi_allocate_zeroed(r->context, 1, bytes);
    if (memory == NULL)
        return fvi_out_of_memory(r->context, "labels", bytes);
    r->target = several ? memory : NULL;
    r->labels = several ? NULL : memory;
    for (int64_t i = 0; i < r->count; i++) {
        for (const char *text = r->marks[i];; text++) {
            const size_t length = several ? strcspn(text, ";|") : strlen(text);
            const int32_t word = length > 0 ? find_word(r, text, length) : -1;
            if (length > 0 && word < 0)
                return fvi_fail(r->context, FV_ERR_FORMAT, "'%s': label '%.*s' does not occur in the training data",
                                path, (int)(length < 64 ? length : 64), text);
            if (several && word >= 0)
                r->target[(size_t)i * (size_t)r->word_count + (size_t)word] = 1;
            else if (!several)
                r->labels[i] = word;
            text += length;
            if (*text == '\0')
                break;
        }
    }
    return FV_OK;
}

/* Hands everything over; what is left in r is released by the caller. */
static fv_status make_set(fv_dataset **out, rows *r, const char *where)
{
    fvi_dataset_parts parts = { .classes = 0 };
    if (r->label >= 0 && r->roles[r->label] == ROLE_LABEL) {
        parts.classes = r->word_count;
        parts.names = r->words;
        parts.labels = r->labels;
        r->words = NULL;
        r->labels = NULL;
    } else {
        parts.target_count = r->label >= 0 ? r->word_count : r->targets;
        parts.targets = r->target;
        r->target = NULL;
    }
    if (r->path < 0) {
        float *values = r->values;
        r->values = NULL;
        return fvi_numbers_make(out, r->context, where, values, r->count, r->numbers, &parts);
    }
    if (parts.labels != NULL) { /* the list's own */
        memcpy(r->files.label, parts.labels, (size_t)r->count * sizeof *parts.labels);
        fvi_release(r->context, parts.labels);
        parts.labels = NULL;
    }
    return fvi_files_make(out, where, &r->files, &parts);
}

/* Reads one file into r, whose header must be the same when it is not the first. */
static fv_status read_file(rows *r, const char *path, fv_split file, fv_split wanted, bool samples, bool words)
{
    fvi_csv csv;
    rows header = { .context = r->context };
    FV_TRY(fvi_csv_open(&csv, r->context, path));
    fv_status status = read_header(r->columns == 0 ? r : &header, &csv);
    if (status == FV_OK && r->columns > 0 && header.columns > 0) {
        bool same = header.columns == r->columns;
        for (int32_t i = 0; same && i < r->columns; i++)
            same = strcmp(header.names[i], r->names[i]) == 0;
        if (!same)
            status =
                fvi_fail(r->context, FV_ERR_FORMAT, "'%s': its header differs from that of the training data", path);
    }
    if (status == FV_OK)
        status = read_rows(r, &csv, file, wanted, samples, words);
    release_rows(&header);
    fvi_csv_close(&csv);
    return status;
}

static bool file_of_split(char path[FVI_PATH_BYTES], const char *folder, fv_split split)
{
    char name[32];
    for (int i = 0; split_words[split][i] != NULL; i++) {
        snprintf(name, sizeof name, "%s.csv", split_words[split][i]);
        if (fvi_path_join(path, folder, name) && fvi_is_file(path))
            return true;
    }
    return false;
}

bool fvi_csv_folder_present(const char *folder)
{
    char path[FVI_PATH_BYTES];
    return file_of_split(path, folder, FV_SPLIT_TRAIN);
}

/* One file: its split column parts it. Classes are those of all rows. */
static fv_status read_single(rows *r, const char *path, fv_split split)
{
    const char *slash = strrchr(path, '/');
    snprintf(r->folder, sizeof r->folder, "%.*s", slash != NULL ? (int)(slash - path) : 1, slash != NULL ? path : ".");
    FV_TRY(read_file(r, path, FV_SPLIT_TRAIN, split, true, true));
    if (r->count == 0)
        return fvi_fail(r->context, split == FV_SPLIT_TRAIN ? FV_ERR_FORMAT : FV_ERR_NOT_FOUND,
                        "'%s' has no rows of the split %s%s", path, split_words[split][0],
                        r->split < 0 && split != FV_SPLIT_TRAIN ? "; a column 'split' would say which they are" : "");
    return FV_OK;
}

/* A file for each split. Classes are those of the training file. */
static fv_status read_folder(rows *r, const char *folder, fv_split split)
{
    char train[FVI_PATH_BYTES], path[FVI_PATH_BYTES];
    snprintf(r->folder, sizeof r->folder, "%s", folder);
    if (!file_of_split(train, folder, FV_SPLIT_TRAIN) || !file_of_split(path, folder, split))
        return fvi_fail(r->context, FV_ERR_NOT_FOUND, "folder '%s' has no %s.csv", folder, split_words[split][0]);
    FV_TRY(read_file(r, train, FV_SPLIT_TRAIN, split, split == FV_SPLIT_TRAIN, true));
    if (split != FV_SPLIT_TRAIN)
        FV_TRY(read_file(r, path, split, split, true, false));
    if (r->count == 0)
        return fvi_fail(r->context, FV_ERR_FORMAT, "'%s' has no rows", path);
    return FV_OK;
}

fv_status fvi_csv_dataset_open(fv_dataset **out, fv_context *context, const char *where, const char *path,
                               fv_split split)
{
    *out = NULL;
    rows *r = fvi_allocate_zeroed(context, 1, sizeof *r);
    if (r == NULL)
        return fvi_out_of_memory(context, "a table", sizeof *r);
    r->context = context;
    r->files.context = context;
    fv_status status = fvi_is_folder(path) ? read_folder(r, path, split) : read_single(r, path, split);
    if (status == FV_OK) {
        sort_words(r);
        status = r->label >= 0 ? set_labels(r, path) : FV_OK;
    }
    if (status == FV_OK)
        status = make_set(out, r, where);
    release_rows(r);
    fvi_release(context, r);
    return status;
}
