/* SPDX-License-Identifier: Apache-2.0
 *
 * pack_test.c - packs give the samples that they were made from, and the same weights; a changed byte or a missing one is told.
 */
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "data/sets/pack.h"
#include "fovea/data_pack.h"
#include "fovea/fovea.h"
#include "support/allocator.h"
#include "support/files.h"
#include "support/sets.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH], pack[TEST_PATH];

static int set_up(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_path(pack, folder, "set.pack");
    return fv_context_create(&context, &(fv_context_options){ .threads = test_threads(2) }) == FV_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fv_context_destroy(context);
    test_folder_remove(folder);
    return 0;
}

/* A picture of random bytes, P5 or P6. */
static void write_image(const char *set, const char *name, int rows, int columns, int channels, uint64_t stream)
{
    char bytes[4096];
    fvi_random random = fvi_random_start(1, FVI_PURPOSE_TEST, stream);
    int length = snprintf(bytes, sizeof bytes, "P%d %d %d 255\n", channels == 3 ? 6 : 5, columns, rows);
    for (int i = 0; i < rows * columns * channels; i++)
        bytes[length++] = (char)fvi_random_below(&random, 256);
    test_file_write(set, name, bytes, (size_t)length);
}

static void make_folders(char set[TEST_PATH])
{
    static const char *const names[] = { "set",     "set/train",   "set/train/ant", "set/train/bee",
                                         "set/val", "set/val/ant", "set/val/bee" };
    char path[TEST_PATH];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char command[TEST_PATH + 16];
        test_path(path, folder, names[i]);
        snprintf(command, sizeof command, "mkdir '%s'", path);
        assert_int_equal(system(command), 0);
    }
    test_path(set, folder, "set");
}

/* 24 training and 6 validation images; mixed: of several sizes, grey and in colour. */
static void make_set(char set[TEST_PATH], bool mixed)
{
    make_folders(set);
    for (int i = 0; i < 30; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%s/%02d.pgm", i < 24 ? "train" : "val", i % 2 ? "bee" : "ant", i);
        write_image(set, name, mixed ? 20 + i % 5 : 28, mixed ? 30 - i % 3 : 28, mixed && i % 4 == 1 ? 3 : 1,
                    (uint64_t)i);
    }
}

static fv_data_pack_report make_pack(const char *where, const fv_data_pack_options *options)
{
    fv_data_pack_report report;
    if (fv_data_pack(context, where, pack, options, &report) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    return report;
}

static uint8_t pixel_of(const fv_sample *sample, size_t c, size_t p)
{
    const size_t plane = (size_t)sample->shape.h * (size_t)sample->shape.w, channels = (size_t)sample->shape.c;
    return sample->pixels[sample->order == FV_NHWC ? p * channels + c : c * plane + p];
}

static void expect_same_sample(const fv_sample *one, const fv_sample *other)
{
    assert_true(one->shape.c == other->shape.c && one->shape.h == other->shape.h && one->shape.w == other->shape.w);
    const size_t plane = (size_t)one->shape.h * (size_t)one->shape.w;
    assert_int_equal(one->values != NULL, other->values != NULL);
    for (size_t c = 0; c < (size_t)one->shape.c; c++)
        for (size_t p = 0; p < plane; p++)
            if (one->values != NULL)
                assert_memory_equal(&one->values[c * plane + p], &other->values[c * plane + p], sizeof(float));
            else
                assert_int_equal(pixel_of(one, c, p), pixel_of(other, c, p));
}

static void expect_same(const char *where, fv_split split)
{
    fv_dataset *source = test_set_open(context, where, split), *packed = test_set_open(context, pack, split);
    fv_reader *one = NULL, *other = NULL;
    double mean[2][4], deviation[2][4];
    assert_int_equal(fv_dataset_count(source), fv_dataset_count(packed));
    assert_int_equal(fv_dataset_classes(source), fv_dataset_classes(packed));
    assert_int_equal(fv_dataset_target_count(source), fv_dataset_target_count(packed));
    assert_int_equal(fv_dataset_shape(source).h, fv_dataset_shape(packed).h);
    fv_dataset_statistics(source, mean[0], deviation[0]);
    fv_dataset_statistics(packed, mean[1], deviation[1]);
    assert_memory_equal(mean[0], mean[1], sizeof mean[0]);
    assert_memory_equal(deviation[0], deviation[1], sizeof deviation[0]);
    for (int32_t c = 0; c < fv_dataset_classes(source); c++)
        assert_string_equal(fv_dataset_class_name(source, c), fv_dataset_class_name(packed, c));
    assert_int_equal(fv_reader_create(&one, context, source), FV_OK);
    assert_int_equal(fv_reader_create(&other, context, packed), FV_OK);
    for (int64_t i = 0; i < fv_dataset_count(source); i += 1 + fv_dataset_count(source) / 50) {
        fv_sample left, right;
        assert_int_equal(fv_reader_read(one, i, 0, &left), FV_OK);
        assert_int_equal(fv_reader_read(other, i, 0, &right), FV_OK);
        expect_same_sample(&left, &right);
        assert_int_equal(fv_dataset_label(source, i), fv_dataset_label(packed, i));
        for (int32_t t = 0; t < fv_dataset_target_count(source); t++)
            assert_true(fv_dataset_targets(source, i)[t] == fv_dataset_targets(packed, i)[t]);
    }
    fv_reader_destroy(one);
    fv_reader_destroy(other);
    fv_dataset_destroy(source);
    fv_dataset_destroy(packed);
}

/* The weights of lenet5 after an epoch on `where`, resized so. */
static void train(const char *where, int32_t resize, char hash[17])
{
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_trainer *trainer = NULL;
    fv_epoch_record record;
    fv_dataset *data = test_set_open(context, where, FV_SPLIT_TRAIN),
               *test = test_set_open(context, where, FV_SPLIT_TEST);
    const fv_zoo_options two = { .classes = 2 };
    assert_int_equal(fv_zoo_build_with(&graph, context, "lenet5", &two), FV_OK);
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    fv_train_options options = { .epochs = 1, .batch = 8, .seed = 3, .preprocess = fv_preprocess_fit(graph, data) };
    if (resize > 0)
        options.preprocess.resize = resize;
    options.augment = (fv_augment){ .random_crop = true, .flip = true };
    assert_int_equal(fv_trainer_create(&trainer, graph, params, data, test, &options), FV_OK);
    assert_int_equal(fv_trainer_epoch(trainer, &record), FV_OK);
    fv_params_hash(params, hash);
    fv_trainer_destroy(trainer);
    fv_dataset_destroy(data);
    fv_dataset_destroy(test);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

FV_TEST(pack, images_of_one_shape)
{
    const fv_data_pack_report report = make_pack("mnist-12k", NULL);
    assert_true(report.samples[0] == 10000 && report.samples[1] == 2000 && report.samples[2] == 0);
    expect_same("mnist-12k", FV_SPLIT_TRAIN);
    expect_same("mnist-12k", FV_SPLIT_TEST);
    test_set_refused(context, pack, FV_SPLIT_VALIDATION, FV_ERR_NOT_FOUND, "no samples of the split val");
    fv_dataset *packed = test_set_open(context, pack, FV_SPLIT_TRAIN);
    assert_non_null(fv_dataset_image(packed, 0)); /* as fast as any set in memory */
    fv_dataset_destroy(packed);
    assert_true(fv_data_pack_is(pack) && !fv_data_pack_is(folder));
    assert_int_equal(fv_data_pack_verify(context, pack), FV_OK);
}

FV_TEST(pack, images_of_all_shapes)
{
    char set[TEST_PATH];
    make_set(set, true);
    const fv_data_pack_report report = make_pack(set, NULL);
    assert_true(report.samples[0] == 24 && report.samples[1] == 0 &&
                report.samples[2] == 6); /* val once, not as test too */
    expect_same(set, FV_SPLIT_TRAIN);
    expect_same(set, FV_SPLIT_VALIDATION);
    expect_same(set, FV_SPLIT_TEST); /* which is val in both */
}

FV_TEST(pack, the_same_weights)
{
    char set[TEST_PATH], one[17], other[17], third[17];
    make_set(set, true);
    make_pack(set, NULL);
    train(set, 29, one);
    train(pack, 29, other);
    assert_string_equal(one, other);
    make_pack(set, &(fv_data_pack_options){ .resize = 29 }); /* and once resized */
    train(pack, 29, third);
    assert_string_equal(one, third);
}

FV_TEST(pack, numbers_and_targets)
{
    char path[TEST_PATH];
    static const char *const tables[] = { "x,y,label\n1,2.5,cat\n3,-4e-3,dog\n", "x,y,target\n1,2.5,7\n3,-4e-3,0.1\n" };
    test_path(path, folder, "table.csv");
    for (int i = 0; i < 2; i++) {
        test_file_write(folder, "table.csv", tables[i], strlen(tables[i]));
        make_pack(path, NULL);
        expect_same(path, FV_SPLIT_TRAIN);
    }
}

FV_TEST(pack, bad_images_stop_or_are_left_out)
{
    char set[TEST_PATH];
    fv_data_pack_report report;
    make_set(set, true);
    test_file_write(set, "train/ant/02.pgm", "P5 9 9 255\n", 11);
    assert_int_equal(fv_data_pack(context, set, pack, NULL, &report), FV_ERR_FORMAT);
    assert_non_null(strstr(fv_context_message(context), "train/ant/02.pgm"));
    assert_int_equal(access(pack, F_OK), -1);
    assert_int_equal(make_pack(set, &(fv_data_pack_options){ .skip_bad = true }).skipped, 1);
    fv_dataset *packed = test_set_open(context, pack, FV_SPLIT_TRAIN);
    assert_int_equal(fv_dataset_count(packed), 23);
    fv_dataset_destroy(packed);
    assert_int_equal(fv_data_pack(context, pack, pack, NULL, &report), FV_ERR_ARGUMENT);
}

/* One small image a split. */
static unsigned char *small_pack(bool mixed, size_t *size)
{
    static const uint8_t images[2][4] = { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } };
    const int32_t labels[2] = { 1, 0 };
    fv_dataset *like = NULL;
    fv_pack_writer *writer = NULL;
    assert_int_equal(fv_dataset_from_arrays(&like, context, images[0], labels, 2, (fv_image_shape){ 1, 2, 2 }, 2, NULL),
                     FV_OK);
    assert_int_equal(fv_pack_writer_open(&writer, context, pack, like), FV_OK);
    for (int s = 0; s < 2; s++) {
        fv_sample sample = { .shape = { 1, 2, 2 }, .order = FV_NCHW, .pixels = images[s] };
        if (mixed)
            sample.shape = (fv_image_shape){ 1, 1, 4 - s };
        assert_int_equal(fv_pack_writer_begin(writer, (fv_split)s, NULL), FV_OK);
        assert_int_equal(fv_pack_writer_add(writer, &sample, labels[s], NULL), FV_OK);
        assert_int_equal(fv_pack_writer_add(writer, &sample, 2, NULL), FV_ERR_ARGUMENT);
    }
    assert_int_equal(fv_pack_writer_close(writer, true, NULL), FV_OK);
    fv_dataset_destroy(like);
    return test_file_read(folder, "set.pack", size);
}

FV_TEST(pack, every_changed_byte_is_told)
{
    for (int mixed = 0; mixed < 2; mixed++) {
        size_t size = 0;
        unsigned char *bytes = small_pack(mixed != 0, &size);
        assert_int_equal(fv_data_pack_verify(context, pack), FV_OK);
        for (size_t i = 0; i < size; i++) {
            bytes[i] ^= 0x41;
            test_file_write(folder, "set.pack", bytes, size);
            if (i >= 8) /* without its magic it is no pack */
                test_set_refused(context, pack, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "set.pack");
            assert_int_equal(fv_data_pack_verify(context, pack), FV_ERR_FORMAT);
            bytes[i] ^= 0x41;
        }
        for (size_t cut = 8; cut < size; cut += 7) {
            test_file_write(folder, "set.pack", bytes, cut);
            test_set_refused(context, pack, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "set.pack");
        }
        free(bytes);
    }
}

/* Headers whose checksum is right and whose places are not. */
FV_TEST(pack, places_are_checked_before_they_are_used)
{
    for (int mixed = 0; mixed < 2; mixed++)
        for (int field = 0; field < 60; field++) {
            size_t size = 0;
            fvi_pack_header header;
            unsigned char *bytes = small_pack(mixed != 0, &size);
            for (int value = 0; value < 4; value++) {
                static const uint64_t values[] = { 0, UINT64_MAX, (uint64_t)1 << 40, 600 };
                unsigned char changed[FVI_PACK_HEADER];
                memcpy(changed, bytes, sizeof changed);
                fvi_pack_put(changed + 12 + 4 * field, values[value], 4);
                fvi_pack_put(changed + 16 + 4 * field, values[value] >> 32, 4);
                (void)fvi_pack_decode(changed, &header);
                fvi_pack_encode(&header, changed);
                test_file_write(folder, "set.pack", bytes, size);
                FILE *file = fopen(pack, "r+b");
                assert_non_null(file);
                assert_int_equal(fwrite(changed, 1, sizeof changed, file), sizeof changed);
                fclose(file);
                fv_dataset *dataset = NULL;
                if (fv_dataset_open(&dataset, context, pack, FV_SPLIT_TRAIN) ==
                    FV_OK) { /* it must be one to read, then */
                    fv_reader *reader = NULL;
                    fv_sample sample;
                    assert_int_equal(fv_reader_create(&reader, context, dataset), FV_OK);
                    for (int64_t i = 0; i < fv_dataset_count(dataset); i++)
                        if (fv_reader_read(reader, i, 0, &sample) == FV_OK && sample.pixels != NULL)
                            assert_in_range(pixel_of(&sample, 0, 0), 0, 255);
                    fv_reader_destroy(reader);
                }
                fv_dataset_destroy(dataset);
            }
            free(bytes);
        }
}

/* Every allocation fails once: an error, nothing lost, no file left behind. */
FV_TEST(pack, memory_runs_out)
{
    char set[TEST_PATH];
    test_allocator allocator;
    fv_context *little = NULL;
    fv_dataset *dataset = NULL;
    fv_data_pack_report report;
    make_set(set, true);
    test_allocator_reset(&allocator);
    const fv_context_options options = { .threads = 1, .allocator = test_allocator_callbacks(&allocator) };
    assert_int_equal(fv_context_create(&little, &options), FV_OK);
    const long long before = atomic_load(&allocator.live);
    fv_status status = FV_ERR_MEMORY;
    for (long long k = 0; status != FV_OK; k++) {
        test_allocator_fail_after(&allocator, k);
        status = fv_data_pack(little, set, pack, &(fv_data_pack_options){ .resize = 25 }, &report);
        test_allocator_succeed(&allocator);
        assert_int_equal(atomic_load(&allocator.live), before);
        assert_int_equal(access(pack, F_OK), status == FV_OK ? 0 : -1);
        assert_true(k < 100000);
    }
    for (long long k = 0; dataset == NULL; k++) {
        test_allocator_fail_after(&allocator, k);
        status = fv_dataset_open(&dataset, little, pack, FV_SPLIT_TRAIN);
        test_allocator_succeed(&allocator);
        assert_int_equal(status == FV_OK, dataset != NULL);
        if (status != FV_OK)
            assert_int_equal(atomic_load(&allocator.live), before);
    }
    fv_dataset_destroy(dataset);
    assert_int_equal(atomic_load(&allocator.live), before);
    fv_context_destroy(little);
}

int main(void)
{
#define PACK_TEST(name) cmocka_unit_test_setup_teardown(pack_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PACK_TEST(images_of_one_shape),
        PACK_TEST(images_of_all_shapes),
        PACK_TEST(the_same_weights),
        PACK_TEST(numbers_and_targets),
        PACK_TEST(bad_images_stop_or_are_left_out),
        PACK_TEST(every_changed_byte_is_told),
        PACK_TEST(places_are_checked_before_they_are_used),
        PACK_TEST(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
