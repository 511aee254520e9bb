/* SPDX-License-Identifier: Apache-2.0
 *
 * transforms_test.c - lists of transforms in a run: the short forms and the list are one, threads do not matter, mistakes are told.
 */
#include <string.h>

#include "support/files.h"
#include "train/small_run.h"

/* One epoch; the hash of the weights, or "" where the trainer was refused with `refused` in its message. */
static void run(int32_t threads, int32_t shift, const char *transforms, const char *refused, char hash[17])
{
    fv_context *context = small_context(threads);
    fv_graph *graph = small_graph(context, true);
    fv_params *params = small_params(graph, FV_F32);
    fv_dataset *data = small_dataset(context, 83, 1, SMALL_CLASSES, 1);
    const fv_train_options options = { .epochs = 1,
                                       .batch = 20,
                                       .schedule = { .rate = 0.1 },
                                       .seed = 9,
                                       .preprocess = fv_preprocess_fit(graph, data),
                                       .augment = { .shift = shift },
                                       .transforms = transforms };
    fv_trainer *trainer = NULL;
    const fv_status status = fv_trainer_create(&trainer, graph, params, data, NULL, &options);
    hash[0] = '\0';
    if (refused != NULL) {
        assert_int_equal(status, FV_ERR_ARGUMENT);
        assert_non_null(strstr(fv_context_message(context), refused));
    } else {
        assert_int_equal(status, FV_OK);
        assert_int_equal(fv_trainer_epoch(trainer, NULL), FV_OK);
        assert_true((fv_trainer_transforms(trainer) != NULL) == (transforms != NULL && transforms[0] != '\0'));
        fv_params_hash(params, hash);
    }
    fv_trainer_destroy(trainer);
    fv_dataset_destroy(data);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(transforms, a_list_of_moves_is_the_short_form)
{
    char one[17], other[17];
    run(2, 1, NULL, NULL, one);
    run(1, 0, "shift(1)", NULL, other);
    assert_string_equal(one, other);
    run(1, 1, "horizontal_flip", NULL, one);
    run(2, 0, "shift(1) flip(p=0.5)", NULL, other);
    assert_string_equal(one, other);
    run(1, 1, "", NULL, other);
    assert_string_not_equal(one, other);
}

FV_TEST(transforms, weights_do_not_depend_on_threads)
{
    static const char *const lists[] = { "rotate(10) elastic(alpha=4, sigma=2) gaussian_noise",
                                         "whiten(samples=40) shift(1)", "shift(1) mixup(alpha=1) cutmix(p=0.5)" };
    char one[17], other[17];
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        run(1, 0, lists[i], NULL, one);
        run(3, 0, lists[i], NULL, other);
        assert_string_equal(one, other);
    }
}

FV_TEST(transforms, mistakes_are_told)
{
    char hash[17];
    run(1, 0, "shift(1) rotat", "there is no transform 'rotat'; did you mean 'rotate'?", hash);
    run(1, 2, "mixup flip", "horizontal_flip, number 3 of the list, comes after mixup", hash);
}

/* A run of one epoch with a test set, whose model goes to a file. */
typedef struct kept_run {
    fv_context *context;
    fv_graph *graph;
    fv_params *params;
    fv_dataset *data, *test;
    fv_trainer *trainer;
    fv_epoch_record record;
} kept_run;

static void start_run(kept_run *r, const char *transforms, const fv_preprocess *preprocess)
{
    r->context = small_context(2);
    r->graph = small_graph(r->context, true);
    r->params = small_params(r->graph, FV_F32);
    r->data = small_dataset(r->context, 83, 1, SMALL_CLASSES, 1);
    r->test = small_dataset(r->context, 37, 1, SMALL_CLASSES, 2);
    const fv_train_options options = { .epochs = 1,
                                       .batch = 20,
                                       .schedule = { .rate = 0.1 },
                                       .seed = 9,
                                       .preprocess =
                                           preprocess != NULL ? *preprocess : fv_preprocess_fit(r->graph, r->data),
                                       .transforms = transforms };
    if (fv_trainer_create(&r->trainer, r->graph, r->params, r->data, r->test, &options) != FV_OK)
        fail_msg("%s: %s", transforms, fv_context_message(r->context));
    assert_int_equal(fv_trainer_epoch(r->trainer, &r->record), FV_OK);
}

static void end_run(kept_run *r)
{
    fv_trainer_destroy(r->trainer);
    fv_dataset_destroy(r->test);
    fv_dataset_destroy(r->data);
    fv_params_destroy(r->params);
    fv_graph_destroy(r->graph);
    fv_context_destroy(r->context);
}

/* The model in the file measures and prepares as the run did. */
static void check_file(const kept_run *r, const char *path)
{
    enum { VALUES = SMALL_SIZE * SMALL_SIZE };
    fv_context *other = small_context(1);
    fv_model *model = NULL;
    fv_evaluation evaluation;
    float here[VALUES], there[VALUES];
    if (fv_model_read(&model, other, path) != FV_OK)
        fail_msg("%s", fv_context_message(other));
    const fv_preprocess *mine = fv_trainer_preprocess(r->trainer), *stored = fv_model_preprocess(model);
    assert_int_equal(fv_evaluate(other, fv_model_params(model), r->test, stored, 20, FV_F32, &evaluation), FV_OK);
    assert_true(evaluation.loss == r->record.test_loss && evaluation.accuracy == r->record.test_accuracy);
    fv_evaluation_release(other, &evaluation);
    for (int64_t i = 0; i < fv_dataset_count(r->test); i++) {
        const uint8_t *image = fv_dataset_image(r->test, i);
        assert_int_equal(fv_preprocess_image(r->context, mine, image, fv_dataset_shape(r->test), here), FV_OK);
        assert_int_equal(fv_preprocess_image(other, stored, image, fv_dataset_shape(r->test), there), FV_OK);
        assert_memory_equal(here, there, sizeof here);
    }
    fv_model_destroy(model);
    fv_context_destroy(other);
}

FV_TEST(transforms, a_model_keeps_what_every_image_passes)
{
    static const char *const lists[] = {
        "resize(20) centre_crop(10) shift(1) normalise(mean=0.3, deviation=0.2)",
        "flip sobel standardise",
        "random_crop(1) whiten(samples=40)",
        "resize(12) random_crop(size=6) gaussian_noise whiten(kind=pca, samples=30) mixup",
        "rotate(5)",
    };
    char folder[TEST_PATH], path[TEST_PATH];
    test_folder_make(folder);
    test_path(path, folder, "model.safetensors");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        kept_run r = { 0 };
        start_run(&r, lists[i], NULL);
        assert_true((fv_trainer_preprocess(r.trainer)->transforms == NULL) == (strcmp(lists[i], "rotate(5)") == 0));
        if (fv_model_write(r.context, path, r.params, fv_trainer_preprocess(r.trainer), NULL) != FV_OK)
            fail_msg("%s", fv_context_message(r.context));
        check_file(&r, path);
        assert_int_equal(fv_trainer_save(r.trainer, path, NULL), FV_OK);
        check_file(&r, path);                             /* a checkpoint is a model too, */
        if (fv_trainer_restore(r.trainer, path) != FV_OK) /* and a run goes on from it */
            fail_msg("%s", fv_trainer_message(r.trainer));
        end_run(&r);
    }
    test_folder_remove(folder);
}

/* Training a model further: random transforms go into its list, a list with fixed ones replaces it. */
FV_TEST(transforms, a_model_trained_further_keeps_its_list)
{
    kept_run first = { 0 }, second = { 0 };
    start_run(&first, "resize(10) whiten(samples=50)", NULL);
    const fv_preprocess *kept = fv_trainer_preprocess(first.trainer);
    assert_true(kept->mean[0] == 0 && kept->deviation[0] == 1 && kept->resize == 0);
    start_run(&second, "rotate(5)", kept);
    assert_non_null(
        strstr(fv_trainer_transforms(second.trainer), "shorter=0) rotate(degrees=5, fill=zero, p=1) whiten("));
    assert_string_equal(fv_augmentation_text(fv_trainer_preprocess(second.trainer)->transforms),
                        fv_augmentation_text(kept->transforms));
    end_run(&second);
    start_run(&second, NULL, kept);
    assert_string_equal(fv_trainer_transforms(second.trainer), fv_augmentation_text(kept->transforms));
    end_run(&second);
    start_run(&second, "sobel flip", kept);
    assert_string_equal(fv_augmentation_text(fv_trainer_preprocess(second.trainer)->transforms),
                        "sobel(part=magnitude, p=1)");
    end_run(&second);
    end_run(&first);
}

FV_TESTS(transforms, a_list_of_moves_is_the_short_form, weights_do_not_depend_on_threads, mistakes_are_told,
         a_model_keeps_what_every_image_passes, a_model_trained_further_keeps_its_list)
