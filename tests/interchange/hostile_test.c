/* SPDX-License-Identifier: Apache-2.0
 *
 * hostile_test.c - every seed of the fuzz targets as it is, cut and with flipped bits: a reader takes it or says why not, lets go of all memory, and
 * never holds more than the file's size justifies. What fuzzing finds becomes a seed, and with that a case here.
 */
#include <dirent.h>
#include <string.h>

#include "fovea/fovea.h"
#include "support/allocator.h"
#include "support/files.h"
#include "support/test.h"

static fv_status read_model(fv_context *context, const char *path)
{
    fv_model *model = NULL;
    const fv_status status = fv_model_read(&model, context, path);
    assert_true((status == FV_OK) == (model != NULL));
    fv_model_destroy(model);
    return status;
}

static fv_status read_onnx(fv_context *context, const char *path)
{
    fv_model *model = NULL;
    const fv_status status = fv_onnx_read(&model, context, path, NULL);
    assert_true((status == FV_OK) == (model != NULL));
    fv_model_destroy(model);
    return status;
}

static fv_status read_yaml(fv_context *context, const char *path)
{
    fv_graph *graph = NULL;
    const fv_status status = fv_graph_read_yaml(&graph, context, path);
    assert_true((status == FV_OK) == (graph != NULL));
    fv_graph_destroy(graph);
    return status;
}

static fv_status read_tuning(fv_context *context, const char *path)
{
    fv_tuning *tuning = NULL;
    assert_int_equal(fv_tuning_create(&tuning, context, NULL), FV_OK);
    const fv_status status = fv_tuning_read(tuning, path, true);
    fv_tuning_destroy(tuning);
    return status;
}

static fv_status read_config(fv_context *context, const char *path)
{
    fv_config *config = NULL;
    assert_int_equal(fv_config_create(&config, context), FV_OK);
    const fv_status status = fv_config_read_yaml(config, path);
    fv_config_destroy(config);
    return status;
}

static fv_status read_set(fv_context *context, const char *path)
{
    fv_dataset *set = NULL;
    const fv_status status = fv_dataset_open(&set, context, path, FV_SPLIT_TRAIN);
    assert_true((status == FV_OK) == (set != NULL));
    fv_dataset_destroy(set);
    return status;
}

/* The seeds of a fuzz target, how their file is called, and their reader. */
static const struct reader {
    const char *seeds, *name;
    fv_status (*read)(fv_context *context, const char *path);
} readers[] = {
    { "model", "file", read_model },        { "restore", "file", read_model },
    { "onnx", "file.onnx", read_onnx },     { "yaml", "file.yaml", read_yaml },
    { "tuning", "file.json", read_tuning }, { "config", "file.yaml", read_config },
    { "plain", "file.yaml", read_config },  { "pack", "file.pack", read_set },
    { "csv", "file.csv", read_set },        { "shards", "file.tar", read_set },
    { "cifar", "file.tar", read_set },
};

static char folder[TEST_PATH];

/* Of the context: an empty one holds a little too. */
static void try_bytes(const struct reader *reader, const char *seed, const char *what, const void *bytes, size_t size)
{
    char path[TEST_PATH];
    test_allocator counter;
    fv_context *context = NULL;
    test_allocator_reset(&counter);
    const fv_context_options options = { .threads = 1, .allocator = test_allocator_callbacks(&counter) };
    test_file_write(folder, reader->name, bytes, size);
    test_path(path, folder, reader->name);
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    const long long before = counter.live;
    const fv_status status = reader->read(context, path);
    const size_t peak = counter.peak, most = ((size_t)2 << 20) + 1024 * size;
    if (status != FV_OK && fv_context_message(context)[0] == '\0')
        fail_msg("%s/%s %s: %s without a word", reader->seeds, seed, what, fv_status_name(status));
    if (counter.live != before)
        fail_msg("%s/%s %s: memory is left", reader->seeds, seed, what);
    if (peak > most)
        fail_msg("%s/%s %s: %zu bytes held for a file of %zu", reader->seeds, seed, what, peak, size);
    fv_context_destroy(context);
}

static void try_seed(const struct reader *reader, const char *seeds, const char *seed)
{
    enum { CUTS = 7, FLIPS = 23 };
    size_t size = 0;
    char what[64];
    unsigned char *bytes = test_file_read(seeds, seed, &size);
    try_bytes(reader, seed, "as it is", bytes, size);
    for (size_t i = 0; i < CUTS; i++) {
        const size_t cut = size * i / CUTS;
        snprintf(what, sizeof what, "cut to %zu", cut);
        try_bytes(reader, seed, what, bytes, cut);
    }
    for (size_t i = 0; i < FLIPS && size > 0; i++) {
        const size_t at =
            i < FLIPS / 2 ? i % size : size * (i - FLIPS / 2) / (FLIPS - FLIPS / 2); /* the beginning, and all over */
        const unsigned char old = bytes[at];
        bytes[at] ^= (unsigned char)(i % 2 == 0 ? 0x80 : 0x01 << i % 7);
        snprintf(what, sizeof what, "with byte %zu as %d", at, bytes[at]);
        try_bytes(reader, seed, what, bytes, size);
        bytes[at] = old;
    }
    free(bytes);
}

FV_TEST(hostile, seeds_cut_and_flipped)
{
    test_folder_make(folder);
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        char seeds[TEST_PATH];
        int tried = 0;
        snprintf(seeds, sizeof seeds, "%s/fuzz/seeds/%s", FVI_TEST_SOURCE, readers[i].seeds);
        DIR *directory = opendir(seeds);
        assert_non_null(directory);
        for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
            if (entry->d_name[0] != '.') {
                try_seed(&readers[i], seeds, entry->d_name);
                tried++;
            }
        closedir(directory);
        assert_true(tried > 0);
    }
    test_folder_remove(folder);
}

FV_TESTS(hostile, seeds_cut_and_flipped)
