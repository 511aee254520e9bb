/* SPDX-License-Identifier: Apache-2.0
 *
 * data_split.c - from a data set to its parts: everything is read and hashed (check.c), divided (divide.c), and written as manifests where
 * samples are files, else as a pack.
 */
#include "fovea/data_split.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text_buffer.h"
#include "data/dataset_internal.h"
#include "data/divide.h"
#include "data/sets/files.h"
#include "data/sets/pack.h"
#include "fovea/data_check.h"
#include "fovea/data_pack.h"

static const char *const words[FVI_PARTS] = { "train", "test", "val" };

typedef struct splitting {
    fv_context *context;
    const fv_data_split_options *options;
    fv_data_split_report *report;
    const char *to;
    fv_data_check check;
    fvi_divided *samples; /* of the splits with a share */
    int64_t count;
    int32_t *part[FVI_PARTS]; /* [samples] of each split */
} splitting;

static bool is_carried(const splitting *s, int split)
{
    return s->check.split[split] != NULL && s->options->share[split] <= 0;
}

static fv_status check_options(fv_context *context, const fv_data_split_options *options)
{
    double sum = 0;
    for (int p = 0; p < FVI_PARTS; p++) {
        if (!(options->share[p] >= 0 && options->share[p] <= 1))
            return fvi_fail(context, FV_ERR_ARGUMENT, "the share of %s is %g; expected 0 to 1", words[p],
                            options->share[p]);
        sum += options->share[p];
    }
    if (options->share[FV_SPLIT_TRAIN] <= 0)
        return fvi_fail(context, FV_ERR_ARGUMENT, "there is no share to train on: say train=0.8 or so");
    if (sum > 1 + 1e-9)
        return fvi_fail(context, FV_ERR_ARGUMENT, "the shares are %g together; expected at most 1", sum);
    return FV_OK;
}

static bool has_ending(const char *path, const char *ending)
{
    const size_t length = strlen(path), wanted = strlen(ending);
    return length > wanted && strcmp(path + length - wanted, ending) == 0;
}

static fv_status refuse_existing(splitting *s, const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0)
        return fvi_fail(s->context, FV_ERR_IO, "'%s' is there already: give another place", path);
    return FV_OK;
}

/* Nothing may lie where the parts shall be; found out before hours of reading. */
static fv_status check_target(splitting *s)
{
    static const char *const names[] = { "train.csv", "val.csv", "test.csv", FVI_PACK_NAME };
    char path[FVI_PATH_BYTES];
    if (has_ending(s->to, ".pack"))
        return refuse_existing(s, s->to);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!fvi_path_join(path, s->to, names[i]))
            return fvi_fail(s->context, FV_ERR_ARGUMENT, "the path '%s' is too long", s->to);
        FV_TRY(refuse_existing(s, path));
    }
    if (mkdir(s->to, 0777) != 0 && errno != EEXIST)
        return fvi_fail(s->context, FV_ERR_IO, "the folder '%s' cannot be made: %s", s->to, strerror(errno));
    if (!fvi_is_folder(s->to))
        return fvi_fail(s->context, FV_ERR_IO, "'%s' is not a folder; a pack's name ends in .pack", s->to);
    return FV_OK;
}

static int by_number(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* The hashes of all splits that stay as they are, sorted. */
static fv_status carried_hashes(splitting *s, uint64_t **hashes, size_t *count)
{
    size_t all = 0;
    *count = 0;
    for (int p = 0; p < FVI_PARTS; p++)
        all += is_carried(s, p) ? (size_t)s->check.samples[p] : 0;
    *hashes = fvi_allocate(s->context, (all + 1) * sizeof **hashes);
    if (*hashes == NULL)
        return fvi_out_of_memory(s->context, "the parts of a data set", all * sizeof **hashes);
    for (int p = 0; p < FVI_PARTS; p++)
        for (int64_t i = 0; is_carried(s, p) && i < s->check.samples[p]; i++)
            if (s->check.hash[p][i] != 0)
                (*hashes)[(*count)++] = s->check.hash[p][i];
    if (*count > 0)
        qsort(*hashes, *count, sizeof **hashes, by_number);
    return FV_OK;
}

/* Every sample that can be read and is in no split that stays. */
static void collect(splitting *s, const uint64_t *hashes, size_t count)
{
    int64_t order = 0;
    for (int p = 0; p < FVI_PARTS; p++)
        for (int64_t i = 0; s->check.split[p] != NULL && i < s->check.samples[p]; i++, order++) {
            const uint64_t hash = s->check.hash[p][i];
            s->part[p][i] = is_carried(s, p) && hash != 0 ? p : FVI_PART_NONE;
            if (hash == 0)
                s->report->unreadable++;
            else if (is_carried(s, p))
                s->report->carried[p]++;
            else if (count > 0 && bsearch(&hash, hashes, count, sizeof hash, by_number) != NULL)
                s->report->leaked++;
            else
                s->samples[s->count++] = (fvi_divided){
                    .hash = hash, .label = fv_dataset_label(s->check.split[p], i), .part = FVI_PART_NONE, .order = order
                };
        }
}

/* From the order of all samples back to split and index. */
static void place(splitting *s, const fvi_divided *sample)
{
    int64_t index = sample->order;
    for (int p = 0; p < FVI_PARTS; p++) {
        const int64_t samples = s->check.split[p] != NULL ? s->check.samples[p] : 0;
        if (index < samples) {
            s->part[p][index] = sample->part;
            return;
        }
        index -= samples;
    }
}

static fv_status count_parts(splitting *s)
{
    for (int64_t i = 0; i < s->count; i++) {
        place(s, &s->samples[i]);
        if (s->samples[i].part == FVI_PART_NONE)
            s->report->rest++;
        else
            s->report->samples[s->samples[i].part]++;
    }
    for (int p = 0; p < FVI_PARTS; p++) {
        s->report->samples[p] += s->report->carried[p];
        if (s->options->share[p] > 0 && s->report->samples[p] == 0)
            return fvi_fail(s->context, FV_ERR_ARGUMENT,
                            "the part %s would have no sample: %lld samples are too few for a share of %g", words[p],
                            (long long)s->count, s->options->share[p]);
    }
    return FV_OK;
}

static fv_status divide(splitting *s)
{
    int64_t all = 0;
    uint64_t *hashes = NULL;
    size_t count = 0;
    for (int p = 0; p < FVI_PARTS; p++) {
        const int64_t samples = s->check.split[p] != NULL ? s->check.samples[p] : 0;
        s->part[p] = fvi_allocate(s->context, ((size_t)samples + 1) * sizeof *s->part[p]);
        if (s->part[p] == NULL)
            return fvi_out_of_memory(s->context, "the parts of a data set", (size_t)samples * sizeof *s->part[p]);
        all += samples;
    }
    s->samples = fvi_allocate(s->context, ((size_t)all + 1) * sizeof *s->samples);
    if (s->samples == NULL)
        return fvi_out_of_memory(s->context, "the parts of a data set", (size_t)all * sizeof *s->samples);
    fv_status status = carried_hashes(s, &hashes, &count);
    if (status == FV_OK)
        collect(s, hashes, count);
    fvi_release(s->context, hashes);
    if (status == FV_OK)
        status = fvi_divide(s->context, s->samples, s->count, s->options->share, s->options->seed, &s->report->equal,
                            &s->report->thin);
    return status == FV_OK ? count_parts(s) : status;
}

static bool are_files(const splitting *s)
{
    char name[FVI_PATH_BYTES];
    for (int p = 0; p < FVI_PARTS; p++)
        if (s->check.split[p] != NULL) {
            fv_dataset_sample_name(s->check.split[p], 0, name, sizeof name);
            if (!fvi_is_file(name))
                return false;
        }
    return true;
}

/* A field of CSV in quotes. */
static void add_field(fvi_text_buffer *line, const char *text)
{
    fvi_text_append(line, "\"");
    for (; *text != '\0'; text++) {
        const char letter[3] = { *text, *text == '"' ? '"' : '\0', '\0' };
        fvi_text_append(line, letter);
    }
    fvi_text_append(line, "\"");
}

static void add_row(fvi_text_buffer *line, const fv_dataset *dataset, int64_t index)
{
    char name[FVI_PATH_BYTES];
    const float *targets = fv_dataset_targets(dataset, index);
    fv_dataset_sample_name(dataset, index, name, sizeof name);
    char *whole = realpath(name, NULL);
    add_field(line, whole != NULL ? whole : name);
    free(whole);
    if (targets == NULL) {
        fvi_text_append(line, ",");
        add_field(line, fv_dataset_class_name(dataset, fv_dataset_label(dataset, index)));
    }
    for (int32_t t = 0; targets != NULL && t < fv_dataset_target_count(dataset); t++)
        fvi_text_format(line, ",%.9g", (double)targets[t]);
    fvi_text_append(line, "\n");
}

static void add_head(fvi_text_buffer *line, const fv_dataset *dataset)
{
    fvi_text_append(line, fv_dataset_target_count(dataset) > 0 ? "path" : "path,label");
    for (int32_t t = 0; t < fv_dataset_target_count(dataset); t++)
        fvi_text_format(line, ",target%d", (int)t);
    fvi_text_append(line, "\n");
}

static fv_status write_manifest(splitting *s, int part)
{
    char path[FVI_PATH_BYTES], name[16], *text = NULL;
    fvi_writer writer;
    fvi_text_buffer lines = { .context = s->context };
    snprintf(name, sizeof name, "%s.csv", words[part]);
    if (!fvi_path_join(path, s->to, name))
        return fvi_fail(s->context, FV_ERR_ARGUMENT, "the path '%s' is too long", s->to);
    add_head(&lines, s->check.split[FV_SPLIT_TRAIN]);
    for (int p = 0; p < FVI_PARTS; p++)
        for (int64_t i = 0; s->check.split[p] != NULL && i < s->check.samples[p]; i++)
            if (s->part[p][i] == part)
                add_row(&lines, s->check.split[p], i);
    FV_TRY(fvi_text_finish(&lines, &text));
    fv_status status = fvi_writer_open(&writer, s->context, path);
    if (status == FV_OK) {
        status = fvi_writer_append(&writer, text, strlen(text));
        if (status == FV_OK)
            status = fvi_writer_commit(&writer);
        fvi_writer_discard(&writer);
    }
    fvi_release(s->context, text);
    return status;
}

/* Some of the parts are worse than none: they were not there before. */
static void remove_manifests(const splitting *s)
{
    char path[FVI_PATH_BYTES], name[16];
    for (int part = 0; part < FVI_PARTS; part++) {
        snprintf(name, sizeof name, "%s.csv", words[part]);
        if (fvi_path_join(path, s->to, name))
            unlink(path);
    }
}

static fv_status write_samples(splitting *s, fv_pack_writer *writer, int part, int split)
{
    const fv_dataset *dataset = s->check.split[split];
    fv_reader *reader = NULL;
    FV_TRY(fv_reader_create(&reader, s->context, dataset));
    fv_status status = FV_OK;
    for (int64_t i = 0; status == FV_OK && i < s->check.samples[split]; i++) {
        fv_sample sample;
        if (s->part[split][i] != part)
            continue;
        status = fv_reader_read(reader, i, 0, &sample);
        if (status != FV_OK)
            status = fvi_fail(s->context, status, "%s", fv_reader_message(reader));
        else
            status = fv_pack_writer_add(writer, &sample, fv_dataset_label(dataset, i), fv_dataset_targets(dataset, i));
    }
    fv_reader_destroy(reader);
    return status;
}

static fv_status write_pack(splitting *s)
{
    fv_pack_writer *writer = NULL;
    FV_TRY(fv_pack_writer_open(&writer, s->context, s->report->path, s->check.split[FV_SPLIT_TRAIN]));
    fv_status status = FV_OK;
    for (int part = 0; status == FV_OK && part < FVI_PARTS; part++) {
        if (s->report->samples[part] == 0)
            continue;
        status = fv_pack_writer_begin(writer, (fv_split)part, NULL);
        for (int p = 0; status == FV_OK && p < FVI_PARTS; p++)
            if (s->check.split[p] != NULL)
                status = write_samples(s, writer, part, p);
    }
    const fv_status closed = fv_pack_writer_close(writer, status == FV_OK, NULL);
    return status == FV_OK ? closed : status;
}

static fv_status write_parts(splitting *s)
{
    const bool pack = has_ending(s->to, ".pack");
    s->report->manifests = !pack && are_files(s);
    if (pack || s->report->manifests)
        snprintf(s->report->path, sizeof s->report->path, "%s", s->to);
    else if (!fvi_path_join(s->report->path, s->to, FVI_PACK_NAME))
        return fvi_fail(s->context, FV_ERR_ARGUMENT, "the path '%s' is too long", s->to);
    if (!s->report->manifests)
        return write_pack(s);
    fv_status status = FV_OK;
    for (int part = 0; status == FV_OK && part < FVI_PARTS; part++)
        if (s->report->samples[part] > 0)
            status = write_manifest(s, part);
    if (status != FV_OK)
        remove_manifests(s);
    return status;
}

fv_status fv_data_split(fv_context *context, const char *where, const char *to, const fv_data_split_options *options,
                        fv_data_split_report *report)
{
    *report = (fv_data_split_report){ .manifests = false };
    FV_TRY(check_options(context, options));
    splitting *s = fvi_allocate_zeroed(context, 1, sizeof *s);
    if (s == NULL)
        return fvi_out_of_memory(context, "the parts of a data set", sizeof *s);
    s->context = context;
    s->options = options;
    s->report = report;
    s->to = to;
    fv_status status = check_target(s);
    if (status == FV_OK)
        status = fv_data_check_run(context, where, options->progress, options->user, &s->check);
    if (status == FV_OK)
        status = divide(s);
    if (status == FV_OK)
        status = write_parts(s);
    fv_data_check_release(&s->check);
    for (int p = 0; p < FVI_PARTS; p++)
        fvi_release(context, s->part[p]);
    fvi_release(context, s->samples);
    fvi_release(context, s);
    return status;
}
