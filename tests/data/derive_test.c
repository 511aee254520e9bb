/* SPDX-License-Identifier: Apache-2.0
 *
 * derive_test.c - parts of a data set, noisy labels, shuffled pixels: which samples, which labels, which bytes.
 */
#include <string.h>

#include "fovea/fovea.h"
#include "support/allocator.h"
#include "support/test.h"

enum { COUNT = 1000, CLASSES = 4, CHANNELS = 2, SIDE = 5, PLANE = SIDE * SIDE, BYTES = CHANNELS * PLANE };

/* Class of sample i: 0 for half of them, else 1 to 3. Pixel p of channel c: p and the channel, so that a place can be told. */
static int32_t label_of(int64_t i)
{
    return i % 2 == 0 ? 0 : 1 + (int32_t)(i / 2 % 3);
}

static fv_dataset *make_dataset(fv_context *context)
{
    static const char *const names[] = { "ant", "bee", "cat", "dog" };
    uint8_t *images = malloc((size_t)COUNT * BYTES);
    int32_t labels[COUNT];
    fv_dataset *dataset = NULL;
    for (size_t i = 0; i < COUNT; i++) {
        labels[i] = label_of((int64_t)i);
        for (size_t b = 0; b < BYTES; b++)
            images[i * BYTES + b] = (uint8_t)(b % PLANE + 100 * (b / PLANE));
        images[i * BYTES] = (uint8_t)(i % 251 == 0 ? 0 : 255); /* so that statistics of a part differ */
    }
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, images, labels, COUNT,
                                            (fv_image_shape){ CHANNELS, SIDE, SIDE }, CLASSES, names),
                     FV_OK);
    free(images);
    return dataset;
}

typedef struct fixture {
    test_allocator allocator;
    fv_context *context;
    fv_dataset *base, *set;
} fixture;

static void begin(fixture *f, const fv_derive_options *options)
{
    test_allocator_reset(&f->allocator);
    const fv_context_options context = { .threads = 1, .allocator = test_allocator_callbacks(&f->allocator) };
    assert_int_equal(fv_context_create(&f->context, &context), FV_OK);
    f->base = make_dataset(f->context);
    f->set = NULL;
    if (fv_dataset_derive(&f->set, f->context, f->base, options) != FV_OK)
        fail_msg("%s", fv_context_message(f->context));
}

static void end(fixture *f)
{
    fv_dataset_destroy(f->base);
    fv_dataset_destroy(f->set);
    fv_context_destroy(f->context);
    assert_int_equal(f->allocator.live, 0);
}

static void count_classes(const fv_dataset *set, int64_t counts[CLASSES])
{
    memset(counts, 0, CLASSES * sizeof *counts);
    for (int64_t i = 0; i < fv_dataset_count(set); i++)
        counts[fv_dataset_label(set, i)]++;
}

FV_TEST(derive, the_first_of_each_class)
{
    fixture f;
    begin(&f, &(fv_derive_options){ .per_class = 10 });
    int64_t counts[CLASSES];
    count_classes(f.set, counts);
    assert_int_equal(fv_dataset_count(f.set), 40);
    for (int32_t k = 0; k < CLASSES; k++)
        assert_int_equal(counts[k], 10);
    char name[64];
    fv_dataset_sample_name(f.set, 0, name, sizeof name);
    assert_string_equal(name, "arrays, sample 0");
    fv_dataset_sample_name(f.set, 39, name, sizeof name); /* the tenth of class 3: 5 + 6 * 9 */
    assert_string_equal(name, "arrays, sample 59");
    assert_string_equal(fv_dataset_class_name(f.set, 3), "dog");
    end(&f);
}

/* More than there are is all that there are: the same samples, the same bytes, which are not copied. */
FV_TEST(derive, all_of_them)
{
    fixture f;
    begin(&f, &(fv_derive_options){ .per_class = COUNT });
    assert_int_equal(fv_dataset_count(f.set), COUNT);
    assert_ptr_equal(fv_dataset_image(f.set, 7), fv_dataset_image(f.base, 7));
    fv_dataset_destroy(f.base); /* is kept alive */
    f.base = NULL;
    assert_int_equal(fv_dataset_image(f.set, 1)[0], 255);
    end(&f);
}

/* Half of each class; another seed, others; a smaller part lies within a larger one; order is kept. */
FV_TEST(derive, a_fraction)
{
    fixture f, g, h;
    begin(&f, &(fv_derive_options){ .fraction = 0.5, .seed = 3 });
    begin(&g, &(fv_derive_options){ .fraction = 0.1, .seed = 3 });
    begin(&h, &(fv_derive_options){ .fraction = 0.5, .seed = 4 });
    int64_t counts[CLASSES], base[CLASSES], last = -1;
    count_classes(f.base, base);
    count_classes(f.set, counts);
    for (int32_t k = 0; k < CLASSES; k++)
        assert_true(counts[k] == base[k] / 2 || counts[k] == (base[k] + 1) / 2);
    bool in[COUNT] = { false };
    int same = 0;
    for (int64_t i = 0; i < fv_dataset_count(f.set); i++) {
        char name[64], other[64];
        fv_dataset_sample_name(f.set, i, name, sizeof name);
        const long long index = strtoll(name + strlen("arrays, sample "), NULL, 10);
        assert_true(index > last);
        last = index;
        in[index] = true;
        assert_int_equal(fv_dataset_label(f.set, i), label_of(index));
        fv_dataset_sample_name(h.set, i, other, sizeof other);
        same += strcmp(name, other) == 0;
    }
    assert_true(same < 100);
    for (int64_t i = 0; i < fv_dataset_count(g.set); i++) {
        char name[64];
        fv_dataset_sample_name(g.set, i, name, sizeof name);
        assert_true(in[strtoll(name + strlen("arrays, sample "), NULL, 10)]);
    }
    end(&f);
    end(&g);
    end(&h);
}

/* Binomial: of 1000 labels with p = 0.8 and four classes 600 are wrong, with a deviation of sqrt(1000 * 0.6 * 0.4) = 15.5; six of them. */
FV_TEST(derive, noisy_labels)
{
    fixture f, part;
    begin(&f, &(fv_derive_options){ .label_noise = 0.8, .seed = 1 });
    begin(&part, &(fv_derive_options){ .label_noise = 0.8, .seed = 1, .per_class = 50 });
    int wrong = 0;
    for (int64_t i = 0; i < COUNT; i++)
        wrong += fv_dataset_label(f.set, i) != label_of(i);
    assert_in_range(wrong, 600 - 93, 600 + 93);
    for (int64_t i = 0; i < fv_dataset_count(part.set); i++) { /* a part has the labels of the whole */
        char name[64];
        fv_dataset_sample_name(part.set, i, name, sizeof name);
        const long long index = strtoll(name + strlen("arrays, sample "), NULL, 10);
        assert_int_equal(fv_dataset_label(part.set, i), fv_dataset_label(f.set, index));
    }
    end(&f);
    end(&part);
    begin(&f, &(fv_derive_options){ .label_noise = 1, .seed = 1 });
    int64_t counts[CLASSES];
    count_classes(f.set, counts);
    for (int32_t k = 0; k < CLASSES; k++) /* 250 each, deviation 13.7 */
        assert_in_range(counts[k], 250 - 83, 250 + 83);
    end(&f);
}

static int moved(const uint8_t *image)
{
    int count = 0;
    for (int p = 1; p < PLANE; p++)
        count += image[p] != p;
    return count;
}

/* All channels of a pixel go to one place, the same in all images or another in each; nothing is lost. */
static void check_pixels(fv_pixel_order order)
{
    fixture f;
    begin(&f, &(fv_derive_options){ .pixels = order, .seed = 1 });
    const uint8_t *first = fv_dataset_image(f.set, 1), *second = fv_dataset_image(f.set, 2);
    assert_true(moved(first) > PLANE / 2);
    for (int i = 1; i < 4; i++) {
        const uint8_t *image = fv_dataset_image(f.set, i);
        int seen[PLANE] = { 0 };
        for (int p = 0; p < PLANE; p++) {
            const int from = image[p] == 255 ? 0 : image[p];
            seen[from]++;
            assert_int_equal(image[PLANE + p], 100 + from);
        }
        for (int p = 0; p < PLANE; p++)
            assert_int_equal(seen[p], 1);
    }
    if (order == FV_PIXELS_SHUFFLED)
        assert_memory_equal(first, second, BYTES);
    else
        assert_memory_not_equal(first, second, BYTES);
    end(&f);
}

FV_TEST(derive, shuffled_pixels)
{
    check_pixels(FV_PIXELS_SHUFFLED);
    check_pixels(FV_PIXELS_SHUFFLED_EACH);
}

/* Sets that are read sample by sample, with values as targets. */
FV_TEST(derive, of_a_computed_set)
{
    fv_context *context = NULL;
    fv_dataset *base = NULL, *set = NULL;
    fv_reader *of_base = NULL, *of_set = NULL;
    fv_sample one, other;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    assert_int_equal(fv_dataset_open(&base, context, "polynomial:count=40", FV_SPLIT_TRAIN), FV_OK);
    assert_int_equal(fv_dataset_derive(&set, context, base, &(fv_derive_options){ .fraction = 0.25 }), FV_OK);
    assert_int_equal(fv_dataset_count(set), 10);
    assert_int_equal(fv_dataset_target_count(set), 1);
    assert_int_equal(fv_reader_create(&of_base, context, base), FV_OK);
    assert_int_equal(fv_reader_create(&of_set, context, set), FV_OK);
    char name[64], whole[64];
    for (int64_t i = 0, j = 0; i < 10; i++, j++) {
        fv_dataset_sample_name(set, i, name, sizeof name);
        for (; j < 40; j++) {
            fv_dataset_sample_name(base, j, whole, sizeof whole);
            if (strcmp(name, whole) == 0)
                break;
        }
        assert_true(j < 40);
        assert_int_equal(fv_reader_read(of_base, j, 0, &one), FV_OK);
        assert_int_equal(fv_reader_read(of_set, i, 0, &other), FV_OK);
        assert_true(one.values[0] == other.values[0]);
        assert_true(fv_dataset_targets(base, j)[0] == fv_dataset_targets(set, i)[0]);
    }
    fv_reader_destroy(of_set);
    fv_reader_destroy(of_base);
    const fv_derive_options refused[] = { { .per_class = 3 },
                                          { .label_noise = 0.5 },
                                          { .pixels = FV_PIXELS_SHUFFLED } };
    fv_dataset *none = NULL;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fv_dataset_derive(&none, context, base, &refused[i]),
                         i < 2 ? FV_ERR_ARGUMENT : FV_ERR_UNSUPPORTED);
    fv_dataset_destroy(set);
    fv_dataset_destroy(base);
    fv_context_destroy(context);
}

FV_TEST(derive, refuses_what_makes_no_sense)
{
    fixture f;
    fv_dataset *none = NULL;
    begin(&f, &(fv_derive_options){ 0 });
    const fv_derive_options wrong[] = {
        { .per_class = -1 },    { .fraction = 1.5 }, { .fraction = -0.1 },
        { .label_noise = 1.1 }, { .pixels = 3 },     { .per_class = 3, .fraction = 0.5 }
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(fv_dataset_derive(&none, f.context, f.base, &wrong[i]), FV_ERR_ARGUMENT);
        assert_null(none);
    }
    end(&f);
}

FV_TEST(derive, without_memory)
{
    for (long long k = 0;; k++) {
        fixture f;
        fv_dataset *set = NULL;
        begin(&f, &(fv_derive_options){ 0 });
        test_allocator_fail_after(&f.allocator, k);
        const fv_status status = fv_dataset_derive(
            &set, f.context, f.base, &(fv_derive_options){ .fraction = 0.5, .pixels = FV_PIXELS_SHUFFLED });
        test_allocator_succeed(&f.allocator);
        fv_dataset_destroy(set);
        end(&f);
        if (status == FV_OK)
            break;
        assert_int_equal(status, FV_ERR_MEMORY);
        assert_true(k < 100);
    }
}

FV_TESTS(derive, the_first_of_each_class, all_of_them, a_fraction, noisy_labels, shuffled_pixels, of_a_computed_set,
         refuses_what_makes_no_sense, without_memory)
