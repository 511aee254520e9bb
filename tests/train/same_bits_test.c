/* SPDX-License-Identifier: Apache-2.0
 *
 * same_bits_test.c - an epoch with augmentation, batch normalisation and dropout gives the same weights for 1, 2, 3 and 4 threads with
 * 0 to 4 loader workers each: from images in memory, and from a folder of JPEG and PNG files of several sizes.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "train/stopped_run.h"

#ifdef FVI_HAVE_JPEG
#include <jpeglib.h>
#endif

enum { FILES = 44, MOST_SIDE = 19, THREADS = 4, WORKERS = 4 };

static char folder[TEST_PATH];

/* Whatever this build can decode: JPEG, PNG, and PPM, which needs no library. */
#ifdef FVI_HAVE_JPEG
static bool write_jpeg(const char *path, const uint8_t *pixels, int32_t h, int32_t w)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = (JDIMENSION)w;
    jpeg.image_height = (JDIMENSION)h;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < (JDIMENSION)h) {
        unsigned char *row = (unsigned char *)(uintptr_t)pixels + (size_t)jpeg.next_scanline * (size_t)w * 3;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    assert_int_equal(fclose(file), 0);
    return true;
}
#else
static bool write_jpeg(const char *path, const uint8_t *pixels, int32_t h, int32_t w)
{
    (void)path, (void)pixels, (void)h, (void)w;
    return false;
}
#endif

static void write_ppm(const char *path, const uint8_t *pixels, int32_t h, int32_t w)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fprintf(file, "P6 %d %d 255\n", w, h);
    assert_int_equal(fwrite(pixels, 3, (size_t)(h * w), file), h * w);
    assert_int_equal(fclose(file), 0);
}

/* Bytes [h][w][3] as PNG, where this build writes it. */
static bool write_png(fv_context *context, const char *path, const uint8_t *pixels, int32_t h, int32_t w)
{
    uint8_t planes[3 * MOST_SIDE * MOST_SIDE];
    for (int32_t i = 0; i < h * w; i++)
        for (int32_t c = 0; c < 3; c++)
            planes[c * h * w + i] = pixels[3 * i + c];
    const fv_status status = fv_image_write_png(context, path, planes, (fv_image_shape){ 3, h, w });
    assert_true(status == FV_OK || status == FV_ERR_UNSUPPORTED);
    return status == FV_OK;
}

static void write_image(fv_context *context, int i)
{
    char path[TEST_PATH + 64];
    uint8_t pixels[3 * MOST_SIDE * MOST_SIDE];
    const int32_t h = 10 + i % 7, w = MOST_SIDE - i % 5;
    fvi_random random = fvi_random_start(7, FVI_PURPOSE_TEST, (uint64_t)i);
    for (int32_t p = 0; p < 3 * h * w; p++)
        pixels[p] = (uint8_t)fvi_random_below(&random, 256);
    snprintf(path, sizeof path, "%s/class-%d", folder, i % SMALL_CLASSES);
    (void)mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/class-%d/%02d.%s", folder, i % SMALL_CLASSES, i, i % 2 == 0 ? "jpg" : "png");
    if (!(i % 2 == 0 ? write_jpeg(path, pixels, h, w) : write_png(context, path, pixels, h, w))) {
        snprintf(path, sizeof path, "%s/class-%d/%02d.ppm", folder, i % SMALL_CLASSES, i);
        write_ppm(path, pixels, h, w);
    }
}

/* One epoch over r->data; hash: of the weights. */
static void train(run *r, int32_t threads, int32_t workers, bool of_files, char hash[17])
{
    begin(r, threads, 6);
    r->options.epochs = 1;
    r->options.workers = workers;
    r->options.ahead = 1 + workers % 3;
    if (of_files) {
        fv_dataset_destroy(r->data);
        fv_dataset_destroy(r->test);
        r->test = NULL;
        if (fv_dataset_open(&r->data, r->context, folder, FV_SPLIT_TRAIN) != FV_OK)
            fail_msg("%s", fv_context_message(r->context));
        assert_int_equal(fv_dataset_count(r->data), FILES);
        r->options.preprocess = fv_preprocess_fit(r->graph, r->data);
        r->options.preprocess.resize = SMALL_SIZE + 2;
        r->options.augment.random_crop = true;
        r->options.transforms = "rotate(degrees=20) gaussian_noise(deviation=0.05) cutout(size=3)";
    }
    make_trainer(r);
    if (go(r) != FV_OK)
        fail_msg("%s", fv_trainer_message(r->trainer));
    fv_params_hash(r->params, hash);
    end(r);
}

static void expect_same_bits(bool of_files)
{
    run r;
    char first[17], hash[17];
    train(&r, 1, 0, of_files, first);
    for (int32_t threads = 1; threads <= test_threads(THREADS); threads++)
        for (int32_t workers = 0; workers <= test_threads(WORKERS); workers++) {
            train(&r, threads, workers, of_files, hash);
            if (strcmp(hash, first) != 0)
                fail_msg("%d threads, %d workers: %s, and not %s as of one thread without", threads, workers, hash,
                         first);
        }
}

FV_TEST(same_bits, of_images_in_memory)
{
    expect_same_bits(false);
}

FV_TEST(same_bits, of_files)
{
    run r;
    test_folder_make(folder);
    begin(&r, 1, 6);
    for (int i = 0; i < FILES; i++)
        write_image(r.context, i);
    end(&r);
    expect_same_bits(true);
    test_folder_remove(folder);
}

/* That the hash can differ: other draws give another one. */
FV_TEST(same_bits, of_other_seeds_differ)
{
    run r;
    char one[17], other[17];
    train(&r, 2, 2, false, one);
    begin(&r, 2, 6);
    r.options.epochs = 1;
    r.options.seed++;
    make_trainer(&r);
    assert_int_equal(go(&r), FV_OK);
    fv_params_hash(r.params, other);
    assert_string_not_equal(one, other);
    end(&r);
}

FV_TESTS(same_bits, of_images_in_memory, of_files, of_other_seeds_differ)
