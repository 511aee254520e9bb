/* SPDX-License-Identifier: Apache-2.0
 *
 * jpeg_test.c - JPEG files, written here by libjpeg: colours, CMYK, orientation, scaled decoding, damaged files.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/random.h"
#include "data/image/image_internal.h"
#include "fovea/loader.h"
#include "support/files.h"
#include "support/test.h"

#ifdef FVI_HAVE_JPEG

#include <jpeglib.h>

static fv_context *context;

static int set_up(void **state)
{
    (void)state;
    return fv_context_create(&context, &(fv_context_options){ .threads = 1 }) == FV_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fv_context_destroy(context);
    return 0;
}

/* Exif with nothing but an orientation (little endian). */
static void write_orientation(struct jpeg_compress_struct *jpeg, int orientation)
{
    unsigned char exif[] = { 'E',  'x',  'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0,
                             0x12, 0x01, 3,   0,   1, 0, 0,   0,   0,  0, 0, 0, 0, 0, 0, 0 };
    exif[24] = (unsigned char)orientation;
    jpeg_write_marker(jpeg, JPEG_APP0 + 1, exif, sizeof exif);
}

/* pixels [h][w][channels] as JPEG of quality 100; free() it. orientation 0: no Exif. */
static unsigned char *encode(const uint8_t *pixels, unsigned h, unsigned w, int channels, int orientation,
                             bool progressive, size_t *size)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long count = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &count);
    jpeg.image_width = w;
    jpeg.image_height = h;
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    if (progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    if (orientation > 0)
        write_orientation(&jpeg, orientation);
    while (jpeg.next_scanline < h) {
        unsigned char *row = (unsigned char *)pixels + (size_t)jpeg.next_scanline * w * (size_t)channels;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *size = count;
    return bytes;
}

static void fill(uint8_t *pixels, size_t count, const uint8_t *colour, size_t channels)
{
    for (size_t i = 0; i < count * channels; i++)
        pixels[i] = colour[i % channels];
}

/* One colour survives quality 100 but for the rounding of its conversion to YCbCr and back: 2 of 255. */
static void expect_colour(const uint8_t *stored, int channels, const int *expected, int32_t expected_channels)
{
    uint8_t pixels[24 * 16 * 4];
    size_t size = 0;
    fvi_scratch scratch = { .context = context };
    fv_sample sample;
    fill(pixels, 24 * 16, stored, (size_t)channels);
    unsigned char *bytes = encode(pixels, 16, 24, channels, 0, false, &size);
    if (fvi_image_decode(&scratch, "x.jpg", bytes, size, 0, &sample) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_true(sample.shape.c == expected_channels && sample.shape.h == 16 && sample.shape.w == 24);
    assert_int_equal(sample.order, FV_NHWC);
    for (int i = 0; i < 24 * 16 * expected_channels; i++)
        assert_true(abs(sample.pixels[i] - expected[i % expected_channels]) <= 2);
    fvi_release(context, scratch.pixels);
    free(bytes);
}

static void grey_colour_and_inks(void **state)
{
    (void)state;
    expect_colour((const uint8_t[]){ 77 }, 1, (const int[]){ 77 }, 1);
    expect_colour((const uint8_t[]){ 200, 30, 90 }, 3, (const int[]){ 200, 30, 90 }, 3);
    /* libjpeg marks CMYK as Adobe's: inverted. 200 * 128 / 255 = 100, 50 * 128 / 255 = 25, 128. */
    expect_colour((const uint8_t[]){ 200, 50, 255, 128 }, 4, (const int[]){ 100, 25, 128 }, 3);
}

static void images_are_turned_upright(void **state)
{
    (void)state;
#ifndef FVI_HAVE_EXIF
    test_skip("built without libexif");
#else
    enum { H = 16, W = 32 };
    /* Corners above left and right, below left and right, of the image as it is to be seen. */
    static const char *const seen[9] = { "abcd", "abcd", "badc", "dcba", "cdab", "acbd", "cadb", "dbca", "bdac" };
    uint8_t pixels[H * W];
    for (int i = 0; i < H * W; i++)
        pixels[i] = (uint8_t)(60 * (1 + 2 * (i / W >= H / 2) + (i % W >= W / 2)));
    for (int orientation = 0; orientation <= 8; orientation++) {
        size_t size = 0;
        fvi_scratch scratch = { .context = context };
        fv_sample sample;
        unsigned char *bytes = encode(pixels, H, W, 1, orientation, false, &size);
        assert_int_equal(fvi_image_decode(&scratch, "x.jpg", bytes, size, 0, &sample), FV_OK);
        assert_int_equal(sample.shape.h, orientation < 5 ? H : W);
        const int32_t h = sample.shape.h, w = sample.shape.w;
        const int32_t at[4] = { 0, w - 1, (h - 1) * w, h * w - 1 };
        for (int corner = 0; corner < 4; corner++) {
            const int expected = 60 * (1 + seen[orientation][corner] - 'a');
            assert_true(abs(sample.pixels[at[corner]] - expected) <= 2);
        }
        fvi_release(context, scratch.pixels);
        free(bytes);
    }
#endif
}

static void large_images_are_decoded_smaller(void **state)
{
    (void)state;
    enum { H = 96, W = 160 };
    static uint8_t pixels[H * W * 3];
    const struct {
        int32_t shorter, h;
    } cases[] = { { 0, 96 }, { 96, 96 }, { 49, 96 }, { 48, 48 }, { 25, 48 }, { 24, 24 }, { 12, 12 }, { 1, 12 } };
    size_t size = 0;
    for (int i = 0; i < H * W * 3; i++)
        pixels[i] = (uint8_t)(i / 3 % W); /* columns get brighter */
    unsigned char *bytes = encode(pixels, H, W, 3, 6, false, &size);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fvi_scratch scratch = { .context = context };
        fv_sample sample;
        assert_int_equal(fvi_image_decode(&scratch, "x.jpg", bytes, size, cases[i].shorter, &sample), FV_OK);
#ifdef FVI_HAVE_EXIF
        assert_true(sample.shape.w == cases[i].h && sample.whole.w == H && sample.whole.h == W);
        const uint8_t *half = sample.pixels + (size_t)(sample.shape.h / 2) * (size_t)sample.shape.w * 3;
        assert_true(abs(half[0] - W / 2) <= 8); /* turned: rows get brighter; half of the widest pixel and rounding */
#else
        assert_int_equal(sample.shape.h, cases[i].h);
#endif
        fvi_release(context, scratch.pixels);
    }
    free(bytes);
}

static void choose(const void *user, fv_image_shape whole, fvi_region *region)
{
    assert_true(whole.h > 0 && whole.w > 0 && whole.c > 0);
    *region = *(const fvi_region *)user;
}

static fvi_region region_of(int32_t h, int32_t w, uint32_t draw)
{
    fvi_random random = fvi_random_start(draw, FVI_PURPOSE_TEST, 3);
    const int32_t rows = 1 + (int32_t)fvi_random_below(&random, (uint32_t)h);
    const int32_t columns = 1 + (int32_t)fvi_random_below(&random, (uint32_t)w);
    return (fvi_region){ .y = fvi_random_below(&random, (uint32_t)(h - rows) + 1),
                         .x = fvi_random_below(&random, (uint32_t)(w - columns) + 1),
                         .h = rows,
                         .w = columns,
                         .rows = 1 + (int32_t)fvi_random_below(&random, 60),
                         .columns = 1 + (int32_t)fvi_random_below(&random, 60),
                         .full_size = draw % 3 == 0 };
}

/* What is decoded of an image are the pixels of the whole, at the scale that is told; the crop holds the region and is large enough for what
 * it is to become. */
static void check_part(const unsigned char *bytes, size_t size, const fvi_region *region)
{
    const fvi_wish wish = { choose, region };
    fvi_scratch scratch = { .context = context, .wish = &wish }, other = { .context = context };
    fv_sample part, whole;
    assert_int_equal(fvi_image_decode(&scratch, "x.jpg", bytes, size, 0, &part), FV_OK);
    const fvi_part at = scratch.part;
    const double scale = at.eighths / 8.0;
    assert_true(at.eighths == 1 || at.eighths == 2 || at.eighths == 4 || at.eighths == 8);
    assert_true(at.eighths == 8 ||
                (!region->full_size && region->h * scale >= region->rows && region->w * scale >= region->columns));
    /* The whole at the same scale: asked for by its shorter side. */
    const int32_t side = part.whole.h < part.whole.w ? part.whole.h : part.whole.w;
    assert_int_equal(fvi_image_decode(&other, "x.jpg", bytes, size, side * at.eighths / 8, &whole), FV_OK);
    assert_true(at.top >= 0 && at.left >= 0 && at.top + part.shape.h <= whole.shape.h &&
                at.left + part.shape.w <= whole.shape.w);
    assert_true(at.top <= region->y * scale && at.left <= region->x * scale);
    assert_true(at.top + part.shape.h >= (region->y + region->h) * scale &&
                at.left + part.shape.w >= (region->x + region->w) * scale);
    /* A column beside a cut may lack its neighbour's colour: the filter does not reach it. */
    for (int32_t y = at.top > 0; y < part.shape.h - (at.top + part.shape.h < whole.shape.h); y++)
        for (int32_t x = at.left > 0; x < part.shape.w - (at.left + part.shape.w < whole.shape.w); x++)
            assert_memory_equal(
                part.pixels + ((size_t)y * (size_t)part.shape.w + (size_t)x) * 3,
                whole.pixels + ((size_t)(y + at.top) * (size_t)whole.shape.w + (size_t)(x + at.left)) * 3, 3);
    fvi_release(context, scratch.pixels);
    fvi_release(context, other.pixels);
}

static void parts_are_those_of_the_whole(void **state)
{
    (void)state;
#ifndef LIBJPEG_TURBO_VERSION_NUMBER
    test_skip("not libjpeg-turbo: images are decoded whole");
#else
    enum { H = 131, W = 180 };
    static uint8_t pixels[H * W * 3];
    for (int i = 0; i < H * W * 3; i++)
        pixels[i] = (uint8_t)(128 + 60 * sin(i / 3 % W * 0.21 + i % 3) + 60 * cos(i / 3 / W * 0.13));
    for (int progressive = 0; progressive < 2; progressive++) {
        size_t size = 0;
        unsigned char *bytes = encode(pixels, H, W, 3, 0, progressive == 1, &size);
        for (uint32_t i = 0; i < 60; i++) {
            const fvi_region region = region_of(H, W, i);
            check_part(bytes, size, &region);
        }
        /* Cut behind the part: a bad image all the same. */
        const fvi_region top = { .h = 20, .w = 20, .rows = 20, .columns = 20 };
        const fvi_wish wish = { choose, &top };
        fvi_scratch scratch = { .context = context, .wish = &wish };
        fv_sample sample;
        assert_int_equal(fvi_image_decode(&scratch, "x.jpg", bytes, size - size / 5, 0, &sample), FV_ERR_FORMAT);
        fvi_release(context, scratch.pixels);
        free(bytes);
    }
#endif
}

enum { INPUT = 16, VALUES = 3 * INPUT * INPUT, FILES = 12 };

/* A folder of JPEGs, larger than the input by 2 to 16: smooth, no steeper than 18 of 255 from pixel to pixel. */
static fv_dataset *make_folder(const char *folder)
{
    static uint8_t pixels[200 * 250 * 3];
    fv_dataset *data = NULL;
    char path[TEST_PATH], name[32];
    for (int i = 0; i < FILES; i++) {
        const int h = 40 + 12 * i, w = 250 - 15 * i;
        size_t size = 0;
        for (int k = 0; k < h * w * 3; k++)
            pixels[k] = (uint8_t)(128 + 60 * sin(k / 3 % w * 0.25 + i) + 60 * cos(k / 3 / w * 0.15 + k % 3));
        snprintf(name, sizeof name, "c%d", i % 2);
        test_path(path, folder, name);
        mkdir(path, 0777);
        snprintf(name, sizeof name, "c%d/%02d.jpg", i % 2, i);
        unsigned char *bytes = encode(pixels, (unsigned)h, (unsigned)w, 3, i == 3 ? 6 : 0, i == 5, &size);
        test_file_write(folder, name, bytes, size);
        free(bytes);
    }
    if (fv_dataset_open(&data, context, folder, FV_SPLIT_TRAIN) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    return data;
}

static void load(const fv_dataset *data, const fv_preprocess *preprocess, const char *text, int32_t workers, float *out)
{
    fv_augmentation *list = NULL;
    fv_loader *loader = NULL;
    fv_batch batch;
    assert_true(text == NULL || fv_augmentation_create(&list, context, text) == FV_OK);
    const fv_loader_options options = {
        .batch = FILES, .seed = 4, .preprocess = *preprocess, .augmentation = list, .workers = workers
    };
    assert_int_equal(fv_loader_create(&loader, context, data, &options), FV_OK);
    if (fv_loader_next(loader, &batch) != FV_OK)
        fail_msg("%s", fv_loader_message(loader));
    assert_int_equal(batch.n, FILES);
    memcpy(out, batch.images, FILES * VALUES * sizeof *out);
    fv_loader_destroy(loader);
    fv_augmentation_destroy(list);
}

/* Decoding smaller changes pixels a little, the number of workers none. */
static void scaled_crops_are_deterministic_and_close(void **state)
{
    (void)state;
    static const char *const lists[] = { "random_resized_crop(scale=[0.2,1]) horizontal_flip", "resize" };
    static float one[FILES * VALUES], other[FILES * VALUES];
    char folder[TEST_PATH];
    test_folder_make(folder);
    fv_dataset *data = make_folder(folder);
    fv_preprocess scaled = { .input = { 3, INPUT, INPUT } }, whole = scaled;
    whole.decode_whole = true;
    for (int l = 0; l < 2; l++) {
        bool differs = false;
        load(data, &scaled, lists[l], 0, one);
        for (int32_t workers = 1; workers < 4; workers += 2) {
            load(data, &scaled, lists[l], workers, other);
            assert_memory_equal(one, other, sizeof one);
        }
        load(data, &whole, lists[l], 2, other);
        for (int i = 0; i < FILES * VALUES; i++) {
            differs = differs || one[i] != other[i];
            /* A scaled pixel stands for what is at most half of itself away, 4 pixels of the steepest slope at 1/8; colours, stored at half
             * the size, for twice that. */
            assert_true(fabsf(one[i] - other[i]) < 8 * 18 / 255.0f);
        }
        assert_true(differs);
    }
    fv_dataset_destroy(data);
    test_folder_remove(folder);
}

/* A file alone is prepared as in a data set that is measured. */
static void a_file_is_prepared_as_a_loader_does(void **state)
{
    (void)state;
    static float all[FILES * VALUES], alone[VALUES];
    static const char *const lists[] = { NULL, "resize(shorter=20) centre_crop normalise(mean=0.4, deviation=0.3)" };
    char folder[TEST_PATH], path[512];
    test_folder_make(folder);
    fv_dataset *data = make_folder(folder);
    for (int l = 0; l < 2; l++) {
        fv_augmentation *list = NULL;
        assert_true(lists[l] == NULL || fv_augmentation_create(&list, context, lists[l]) == FV_OK);
        const fv_preprocess preprocess = { .input = { 3, INPUT, INPUT }, .resize = 18, .transforms = list };
        load(data, &preprocess, NULL, 0, all);
        for (int64_t i = 0; i < FILES; i++) {
            fv_dataset_sample_name(data, i, path, sizeof path);
            if (fv_preprocess_file(context, &preprocess, path, alone) != FV_OK)
                fail_msg("%s", fv_context_message(context));
            assert_memory_equal(all + i * VALUES, alone, sizeof alone);
        }
        fv_augmentation_destroy(list);
    }
    const fv_preprocess plain = { .input = { 3, INPUT, INPUT } };
    assert_int_equal(fv_preprocess_file(context, &plain, path, alone), FV_ERR_SHAPE);
    assert_non_null(strstr(fv_context_message(context), "resize it first"));
    assert_int_equal(fv_preprocess_file(context, &plain, "/nowhere/x.jpg", alone), FV_ERR_NOT_FOUND);
    fv_dataset_destroy(data);
    test_folder_remove(folder);
}

/* Every cut is an error or (behind the last pixel) an image; every flipped bit one or the other, and no crash. */
static void damaged_files_give_a_status(void **state)
{
    (void)state;
    enum { SIDE = 24 };
    uint8_t pixels[SIDE * SIDE * 3];
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        pixels[i] = (uint8_t)(i * i);
    for (int progressive = 0; progressive < 2; progressive++) {
        size_t size = 0, refused = 0;
        unsigned char *bytes = encode(pixels, SIDE, SIDE, 3, 1, progressive == 1, &size);
        for (size_t cut = 0; cut < size; cut++) {
            fvi_scratch scratch = { .context = context };
            fv_sample sample;
            const fv_status status = fvi_image_decode(&scratch, "cut.jpg", bytes, cut, 0, &sample);
            assert_true(status == FV_ERR_FORMAT || (status == FV_OK && cut + 2 >= size));
            assert_true((status == FV_OK) == (sample.pixels != NULL));
            refused += status == FV_ERR_FORMAT;
            fvi_release(context, scratch.pixels);
        }
        assert_true(refused + 2 >= size);
        for (size_t i = 0; i < size * 8; i++) {
            fvi_scratch scratch = { .context = context };
            fv_sample sample;
            bytes[i / 8] ^= (unsigned char)(1 << i % 8);
            const fv_status status = fvi_image_decode(&scratch, "bit.jpg", bytes, size, 7, &sample);
            assert_true((status == FV_OK && sample.pixels != NULL) ||
                        ((status == FV_ERR_FORMAT || status == FV_ERR_MEMORY) && sample.pixels == NULL));
            fvi_release(context, scratch.pixels);
            bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        }
        free(bytes);
    }
}

/* A header may claim any size: refused before memory is taken for it. */
static void claimed_sizes_are_checked(void **state)
{
    (void)state;
    uint8_t pixels[64] = { 0 };
    size_t size = 0;
    unsigned char *bytes = encode(pixels, 8, 8, 1, 0, false, &size);
    fvi_scratch scratch = { .context = context };
    fv_sample sample;
    for (size_t i = 0; i + 8 < size; i++)
        if (bytes[i] == 0xFF && bytes[i + 1] == 0xC0) {
            bytes[i + 5] = bytes[i + 7] = 0x20; /* 8200 rows and columns */
            assert_int_equal(fvi_image_decode(&scratch, "big.jpg", bytes, size, 0, &sample), FV_ERR_FORMAT);
            assert_non_null(strstr(fv_context_message(context), "more than"));
            bytes[i + 5] = bytes[i + 7] = 0x10; /* 4104 each: within the limits, but not from so few bytes */
            assert_int_equal(fvi_image_decode(&scratch, "big.jpg", bytes, size, 0, &sample), FV_ERR_FORMAT);
            assert_non_null(strstr(fv_context_message(context), "cannot come from"));
            break;
        }
    free(bytes);
    fvi_release(context, scratch.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grey_colour_and_inks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(images_are_turned_upright, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_images_are_decoded_smaller, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parts_are_those_of_the_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scaled_crops_are_deterministic_and_close, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_is_prepared_as_a_loader_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_files_give_a_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(claimed_sizes_are_checked, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    fprintf(stderr, "skipped: built without libjpeg\n");
    return 0;
}

#endif
