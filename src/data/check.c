/* SPDX-License-Identifier: Apache-2.0
 *
 * check.c - one pass over all splits of a data set. Samples are compared by a hash of shape and decoded pixels, so that two files
 * of one image are found however they are stored, as long as they decode to the same pixels. Sums of pixels are integers: exact, and the
 * same for any number of threads.
 */
#include "fovea/data_check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/file.h"
#include "base/xxh64.h"
#include "data/data_splits.h"
#include "fovea/loader.h"

enum { SMALLEST_SIDE = 8, LONGEST_RATIO = 8, CHUNK = 16, ROUND = 512, TEXT = 1200 };

typedef struct pixel_sums {
    uint64_t sum[3], squares[3], pixels;
} pixel_sums;

/* One pass over one split. */
typedef struct pass {
    fv_data_check *check;
    int split;
    int64_t first, count; /* of this round */
    fv_reader **readers;  /* [threads] */
    pixel_sums *sums;     /* [threads] */
    bool *flat;           /* [samples]: one colour only */
} pass;

const char *fv_data_problem_name(fv_data_problem problem)
{
    static const char *const names[FV_DATA_PROBLEMS] = { "unreadable", "leaked", "duplicate", "contradicted", "odd" };
    return problem >= 0 && problem < FV_DATA_PROBLEMS ? names[problem] : "";
}

static void add_pixels(pixel_sums *sums, const fv_sample *sample)
{
    const size_t count = (size_t)sample->shape.h * (size_t)sample->shape.w, channels = (size_t)sample->shape.c;
    const size_t next = sample->order == FV_NHWC ? channels : 1, plane = sample->order == FV_NHWC ? 1 : count;
    for (size_t c = 0; c < 3; c++) {
        const uint8_t *pixel = sample->pixels + (channels == 3 ? c * plane : 0);
        uint64_t sum = 0, squares = 0;
        for (size_t p = 0; p < count; p++, pixel += next) {
            sum += *pixel;
            squares += (uint64_t)*pixel * *pixel;
        }
        sums->sum[c] += sum;
        sums->squares[c] += squares;
    }
    sums->pixels += count;
}

/* Pixels are hashed plane by plane, whatever their order in memory. */
static uint64_t hash_sample(const fv_sample *sample)
{
    const int32_t shape[3] = { sample->shape.c, sample->shape.h, sample->shape.w };
    const size_t count = (size_t)shape[1] * (size_t)shape[2], channels = (size_t)shape[0];
    fvi_xxh64 state = fvi_xxh64_start(0);
    fvi_xxh64_update(&state, shape, sizeof shape);
    if (sample->values != NULL) {
        fvi_xxh64_update(&state, sample->values, count * channels * sizeof *sample->values);
    } else if (sample->order == FV_NCHW || channels == 1) {
        fvi_xxh64_update(&state, sample->pixels, count * channels);
    } else {
        uint8_t block[1024];
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < count;) {
                size_t n = 0;
                for (; n < sizeof block && p < count; n++, p++)
                    block[n] = sample->pixels[p * channels + c];
                fvi_xxh64_update(&state, block, n);
            }
    }
    const uint64_t hash = fvi_xxh64_finish(&state);
    return hash != 0 ? hash : 1;
}

static bool is_flat(const fv_sample *sample)
{
    const size_t count = (size_t)sample->shape.h * (size_t)sample->shape.w, channels = (size_t)sample->shape.c;
    for (size_t c = 0; c < channels; c++)
        for (size_t p = 1; p < count; p++) {
            const size_t at = sample->order == FV_NHWC ? p * channels + c : c * count + p;
            if (sample->pixels[at] != sample->pixels[sample->order == FV_NHWC ? c : c * count])
                return false;
        }
    return true;
}

static void read_chunk(void *argument, size_t task, int32_t worker)
{
    pass *p = argument;
    const int64_t end = (int64_t)(task + 1) * CHUNK < p->count ? (int64_t)(task + 1) * CHUNK : p->count;
    for (int64_t i = (int64_t)task * CHUNK; i < end; i++) {
        const int64_t index = p->first + i;
        fv_sample sample;
        if (fv_reader_read(p->readers[worker], index, 0, &sample) != FV_OK)
            continue;
        p->check->hash[p->split][index] = hash_sample(&sample);
        p->check->shape[p->split][index] = sample.shape;
        if (sample.pixels == NULL)
            continue;
        p->flat[index] = is_flat(&sample);
        add_pixels(&p->sums[worker], &sample);
    }
}

static fv_status add_finding(fv_data_check *check, size_t *capacity, const fv_data_finding *finding, const char *text)
{
    void *memory = check->findings;
    const size_t count = (size_t)check->finding_count;
    const fv_status status = fvi_grow(check->context, &memory, capacity, count, count + 1, sizeof *check->findings);
    check->findings = memory;
    if (status != FV_OK)
        return status;
    check->findings[count] = *finding;
    check->findings[count].text = fvi_duplicate_text(check->context, text);
    if (check->findings[count].text == NULL)
        return fvi_out_of_memory(check->context, "a finding", strlen(text) + 1);
    check->finding_count++;
    check->count[finding->problem]++;
    return FV_OK;
}

/* What can be told of a sample by itself. */
static fv_status judge_sample(pass *p, int64_t index, size_t *capacity)
{
    fv_data_check *check = p->check;
    const fv_image_shape shape = check->shape[p->split][index];
    const fv_data_finding at = { .split = (fv_split)p->split, .sample = index };
    fv_data_finding finding = at;
    char name[512], text[TEXT];
    fv_sample sample;
    if (check->hash[p->split][index] == 0) { /* once more, for the message */
        if (fv_reader_read(p->readers[0], index, 0, &sample) == FV_OK)
            return FV_OK;
        finding.problem = FV_DATA_UNREADABLE;
        return add_finding(check, capacity, &finding, fv_reader_message(p->readers[0]));
    }
    const int32_t small = shape.h < shape.w ? shape.h : shape.w, large = shape.h < shape.w ? shape.w : shape.h;
    const bool numeric =
        fv_dataset_image(check->split[p->split], 0) == NULL && fv_dataset_shape(check->split[p->split]).c != 0;
    if (numeric || (small >= SMALLEST_SIDE && large < LONGEST_RATIO * small && !p->flat[index]))
        return FV_OK;
    fv_dataset_sample_name(check->split[p->split], index, name, sizeof name);
    snprintf(text, sizeof text, "'%s' has %dx%d pixels%s", name, shape.h, shape.w,
             p->flat[index] ? ", all of one colour" : "");
    finding.problem = FV_DATA_ODD;
    return add_finding(check, capacity, &finding, text);
}

static void widen(fv_data_check *check, fv_image_shape shape)
{
    if (shape.c == 0)
        return;
    if (check->smallest.c == 0)
        check->smallest = check->largest = shape;
    check->smallest.c = shape.c < check->smallest.c ? shape.c : check->smallest.c;
    check->smallest.h = shape.h < check->smallest.h ? shape.h : check->smallest.h;
    check->smallest.w = shape.w < check->smallest.w ? shape.w : check->smallest.w;
    check->largest.c = shape.c > check->largest.c ? shape.c : check->largest.c;
    check->largest.h = shape.h > check->largest.h ? shape.h : check->largest.h;
    check->largest.w = shape.w > check->largest.w ? shape.w : check->largest.w;
}

static void finish_sums(fv_data_check *check, const pixel_sums *sums, int32_t threads)
{
    pixel_sums all = { .pixels = 0 };
    for (int32_t i = 0; i < threads; i++) {
        all.pixels += sums[i].pixels;
        for (int c = 0; c < 3; c++) {
            all.sum[c] += sums[i].sum[c];
            all.squares[c] += sums[i].squares[c];
        }
    }
    for (int c = 0; c < 3 && all.pixels > 0; c++) {
        const double mean = (double)all.sum[c] / (double)all.pixels;
        const double variance = (double)all.squares[c] / (double)all.pixels - mean * mean;
        check->mean[c] = mean / 255;
        check->deviation[c] = variance > 0 ? sqrt(variance) / 255 : 0;
    }
}

static fv_status read_split(pass *p, size_t *capacity, void (*progress)(void *user, int64_t done, int64_t total),
                            void *user)
{
    fv_data_check *check = p->check;
    const int64_t samples = check->samples[p->split];
    for (p->first = 0; p->first < samples; p->first += ROUND) {
        p->count = samples - p->first < ROUND ? samples - p->first : ROUND;
        fvi_parallel(check->context, ((size_t)p->count + CHUNK - 1) / CHUNK, read_chunk, p);
        for (int64_t i = p->first; i < p->first + p->count; i++) {
            FV_TRY(judge_sample(p, i, capacity));
            widen(check, check->shape[p->split][i]);
            const int32_t label = fv_dataset_label(check->split[p->split], i);
            if (label >= 0)
                check->histogram[p->split][label]++;
        }
        if (progress != NULL)
            progress(user, p->first + p->count, samples);
    }
    if (p->split == FV_SPLIT_TRAIN)
        finish_sums(check, p->sums, fv_context_threads(check->context));
    return FV_OK;
}

static fv_status pass_split(fv_data_check *check, int split, size_t *capacity,
                            void (*progress)(void *user, int64_t done, int64_t total), void *user)
{
    fv_context *context = check->context;
    const size_t threads = (size_t)fv_context_threads(context), samples = (size_t)check->samples[split];
    pass p = { .check = check, .split = split };
    fv_status status = FV_OK;
    p.readers = fvi_allocate_zeroed(context, threads, sizeof *p.readers);
    p.sums = fvi_allocate_zeroed(context, threads, sizeof *p.sums);
    p.flat = fvi_allocate_zeroed(context, samples, sizeof *p.flat);
    check->hash[split] = fvi_allocate_zeroed(context, samples, sizeof *check->hash[split]);
    check->shape[split] = fvi_allocate_zeroed(context, samples, sizeof *check->shape[split]);
    check->histogram[split] = fvi_allocate_zeroed(context, (size_t)check->classes + 1, sizeof(int64_t));
    if (p.readers == NULL || p.sums == NULL || p.flat == NULL || check->hash[split] == NULL ||
        check->shape[split] == NULL || check->histogram[split] == NULL)
        status = fvi_out_of_memory(context, "the check of a data set", samples * sizeof *check->shape[split]);
    for (size_t i = 0; status == FV_OK && i < threads; i++)
        status = fv_reader_create(&p.readers[i], context, check->split[split]);
    if (status == FV_OK)
        status = read_split(&p, capacity, progress, user);
    for (size_t i = 0; p.readers != NULL && i < threads; i++)
        fv_reader_destroy(p.readers[i]);
    fvi_release(context, p.readers);
    fvi_release(context, p.sums);
    fvi_release(context, p.flat);
    return status;
}

/* A sample of any split, for finding equals. */
typedef struct entry {
    uint64_t hash;
    int32_t split;
    int64_t sample;
} entry;

static int by_hash(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->split != b->split)
        return a->split < b->split ? -1 : 1;
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

/* b has the pixels of a, which comes first. */
static fv_status tell_equal(fv_data_check *check, size_t *capacity, const entry *a, const entry *b)
{
    static const char *const splits[FV_DATA_SPLITS] = { "train", "test", "val" };
    const int32_t label = fv_dataset_label(check->split[a->split], a->sample);
    const int32_t other = fv_dataset_label(check->split[b->split], b->sample);
    fv_data_finding finding = { .problem = FV_DATA_DUPLICATE,
                                .split = (fv_split)b->split,
                                .sample = b->sample,
                                .other_split = (fv_split)a->split,
                                .other_sample = a->sample };
    char first[512], second[512], text[TEXT];
    if (a->split != b->split)
        finding.problem = FV_DATA_LEAKED;
    else if (label != other)
        finding.problem = FV_DATA_CONTRADICTED;
    fv_dataset_sample_name(check->split[a->split], a->sample, first, sizeof first);
    fv_dataset_sample_name(check->split[b->split], b->sample, second, sizeof second);
    snprintf(text, sizeof text, "'%.480s' (%s) is the same as '%.480s' (%s)%s", second, splits[b->split], first,
             splits[a->split], label != other ? ", with another label" : "");
    return add_finding(check, capacity, &finding, text);
}

static fv_status find_equal(fv_data_check *check, size_t *capacity)
{
    const int64_t most = check->samples[0] + check->samples[1] + check->samples[2];
    int64_t count = 0;
    fv_status status = FV_OK;
    entry *entries = fvi_allocate(check->context, (size_t)most * sizeof *entries);
    if (entries == NULL)
        return fvi_out_of_memory(check->context, "the check of a data set", (size_t)most * sizeof *entries);
    for (int32_t s = 0; s < FV_DATA_SPLITS; s++)
        for (int64_t i = 0; i < check->samples[s]; i++)
            if (check->hash[s][i] != 0)
                entries[count++] = (entry){ check->hash[s][i], s, i };
    qsort(entries, (size_t)count, sizeof *entries, by_hash);
    for (int64_t i = 1, first = 0; status == FV_OK && i < count; i++)
        if (entries[i].hash != entries[first].hash)
            first = i;
        else
            status = tell_equal(check, capacity, &entries[first], &entries[i]);
    fvi_release(check->context, entries);
    return status;
}

static int by_place(const void *left, const void *right)
{
    const fv_data_finding *a = left, *b = right;
    if (a->split != b->split)
        return a->split < b->split ? -1 : 1;
    if (a->sample != b->sample)
        return a->sample < b->sample ? -1 : 1;
    return (int)a->problem - (int)b->problem;
}

static fv_status open_splits(fv_data_check *check, const char *where)
{
    FV_TRY(fvi_data_splits_open(check->split, check->context, where));
    check->classes = fv_dataset_classes(check->split[FV_SPLIT_TRAIN]);
    for (int s = 0; s < FV_DATA_SPLITS; s++)
        check->samples[s] = check->split[s] != NULL ? fv_dataset_count(check->split[s]) : 0;
    return FV_OK;
}

fv_status fv_data_check_run(fv_context *context, const char *where,
                            void (*progress)(void *user, int64_t done, int64_t total), void *user, fv_data_check *out)
{
    size_t capacity = 0;
    *out = (fv_data_check){ .context = context };
    fv_status status = open_splits(out, where);
    for (int s = 0; status == FV_OK && s < FV_DATA_SPLITS; s++)
        if (out->split[s] != NULL)
            status = pass_split(out, s, &capacity, progress, user);
    if (status == FV_OK)
        status = find_equal(out, &capacity);
    if (status != FV_OK) {
        fv_data_check_release(out);
        return status;
    }
    if (out->finding_count > 0)
        qsort(out->findings, (size_t)out->finding_count, sizeof *out->findings, by_place);
    return FV_OK;
}

void fv_data_check_release(fv_data_check *check)
{
    if (check->context == NULL)
        return;
    for (int64_t i = 0; i < check->finding_count; i++)
        fvi_release(check->context, check->findings[i].text);
    fvi_release(check->context, check->findings);
    for (int s = 0; s < FV_DATA_SPLITS; s++) {
        fvi_release(check->context, check->histogram[s]);
        fvi_release(check->context, check->hash[s]);
        fvi_release(check->context, check->shape[s]);
        fv_dataset_destroy(check->split[s]);
    }
    *check = (fv_data_check){ .context = NULL };
}

/* text as a field of CSV in quotes, with a comma, at line[at]; where it ends. */
static size_t put_field(char *line, size_t at, const char *text)
{
    line[at++] = '"';
    for (; *text != '\0'; text++) {
        line[at++] = *text;
        if (*text == '"')
            line[at++] = '"';
    }
    line[at++] = '"';
    line[at++] = ',';
    return at;
}

static fv_status write_sample(const fv_data_check *check, fvi_writer *writer, int split, int64_t index)
{
    static const char *const words[FV_DATA_SPLITS] = { "train", "test", "val" };
    enum { NAME = 4096, REST = 96 };
    const fv_dataset *dataset = check->split[split];
    const fv_image_shape shape = check->shape[split][index];
    const char *label = fv_dataset_class_name(dataset, fv_dataset_label(dataset, index));
    char name[NAME], line[4 * NAME + REST];
    fv_dataset_sample_name(dataset, index, name, sizeof name);
    char *whole = realpath(name, NULL); /* at most as long */
    size_t at = put_field(line, 0, whole != NULL && strlen(whole) < NAME ? whole : name);
    free(whole);
    snprintf(name, sizeof name, "%s", label != NULL ? label : "");
    at = put_field(line, at, name);
    at += (size_t)snprintf(line + at, REST, "%s,%d,%d,%d,%016" PRIx64 "\n", words[split], shape.h, shape.w, shape.c,
                           check->hash[split][index]);
    return fvi_writer_append(writer, line, at);
}

fv_status fv_data_check_write_manifest(const fv_data_check *check, const char *path)
{
    static const char head[] = "path,label,split,rows,columns,channels,hash\n";
    fvi_writer writer;
    FV_TRY(fvi_writer_open(&writer, check->context, path));
    fv_status status = fvi_writer_append(&writer, head, sizeof head - 1);
    for (int s = 0; s < FV_DATA_SPLITS; s++)
        for (int64_t i = 0; status == FV_OK && i < check->samples[s]; i++)
            if (check->hash[s][i] != 0)
                status = write_sample(check, &writer, s, i);
    if (status == FV_OK)
        status = fvi_writer_commit(&writer);
    fvi_writer_discard(&writer);
    return status;
}
