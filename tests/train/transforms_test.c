/* SPDX-License-Identifier: Apache-2.0
 *
 * transforms_test.c - lists of transforms in a run: the short forms and the list are one, threads do not matter, mistakes are told.
 */
#include <string.h>

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

FV_TESTS(transforms, a_list_of_moves_is_the_short_form, weights_do_not_depend_on_threads, mistakes_are_told)
