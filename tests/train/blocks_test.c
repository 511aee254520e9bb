/* SPDX-License-Identifier: Apache-2.0
 *
 * blocks_test.c - the fixed tree: any split into subtrees gives the same bits, and the sum is that of the whole batch.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "train/small_run.h"

enum { BLOCKS = 4, LARGEST = 13, PIXELS = SMALL_SIZE * SMALL_SIZE };

/* A session and a batch of n samples. */
typedef struct fixture {
    fv_context *context;
    fv_graph *graph;
    fv_params *params;
    fv_plan *plan;
    fv_session *session;
    fv_blocks *blocks;
    double images[LARGEST * PIXELS];
    float images_f32[LARGEST * PIXELS];
    int32_t classes[LARGEST];
    fv_batch batch;
} fixture;

static fixture *open_fixture(fv_dtype dtype, int32_t n, int32_t blocks)
{
    fixture *f = calloc(1, sizeof *f);
    fvi_random random = fvi_random_start(5, FVI_PURPOSE_TEST, 0);
    const fv_plan_options options = { .batch = LARGEST, .dtype = dtype };
    f->context = small_context(2);
    f->graph = small_graph(f->context, true);
    f->params = small_params(f->graph, dtype);
    assert_int_equal(fv_plan_create(&f->plan, f->graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&f->session, f->plan, f->params), FV_OK);
    assert_int_equal(fv_blocks_create(&f->blocks, f->session, blocks), FV_OK);
    for (size_t i = 0; i < sizeof f->images / sizeof f->images[0]; i++) {
        f->images_f32[i] = (float)(fvi_random_uniform(&random) - 0.5);
        f->images[i] = (double)f->images_f32[i];
    }
    for (int i = 0; i < LARGEST; i++)
        f->classes[i] = i % SMALL_CLASSES;
    f->batch = (fv_batch){ .n = n,
                           .images = dtype == FV_F64 ? (const void *)f->images : f->images_f32,
                           .dtype = dtype,
                           .order = FV_NHWC,
                           .classes = f->classes };
    return f;
}

static void close_fixture(fixture *f)
{
    fv_blocks_destroy(f->blocks);
    fv_session_destroy(f->session);
    fv_plan_destroy(f->plan);
    fv_params_destroy(f->params);
    fv_graph_destroy(f->graph);
    fv_context_destroy(f->context);
    free(f);
}

static fv_params *new_gradients(const fixture *f)
{
    fv_params *gradients = NULL;
    assert_int_equal(fv_params_create(&gradients, f->graph, fv_params_dtype(f->params)), FV_OK);
    return gradients;
}

/* The gradient of blocks [first, first+count), put together from runs of `run` blocks each along the tree. */
static fv_params *by_runs(fixture *f, int32_t first, int32_t count, int32_t run, fv_step_result *result)
{
    if (count > run) {
        fv_step_result right_result;
        fv_params *left = by_runs(f, first, count / 2, run, result);
        fv_params *right = by_runs(f, first + count / 2, count / 2, run, &right_result);
        assert_int_equal(fv_gradients_add(left, right), FV_OK);
        result->loss += right_result.loss;
        result->weight += right_result.weight;
        result->correct += right_result.correct;
        fv_params_destroy(right);
        return left;
    }
    fv_params *gradients = new_gradients(f);
    assert_int_equal(fv_blocks_gradients(f->blocks, &f->batch, first, count, f->batch.n, gradients, result), FV_OK);
    return gradients;
}

static void check_partial_runs(int32_t n)
{
    fixture *f = open_fixture(FV_F32, n, BLOCKS);
    fv_step_result whole_result, result;
    fv_params *whole = by_runs(f, 0, BLOCKS, BLOCKS, &whole_result);
    const size_t bytes = fv_params_block_elements(whole) * sizeof(float);
    for (int32_t run = 1; run <= BLOCKS / 2; run *= 2) {
        fv_params *parts = by_runs(f, 0, BLOCKS, run, &result);
        assert_memory_equal(fv_params_data(parts), fv_params_data(whole), bytes);
        assert_memory_equal(&result.loss, &whole_result.loss, sizeof result.loss);
        assert_true(result.weight == (double)n && result.correct == whole_result.correct);
        fv_params_destroy(parts);
    }
    fv_params_destroy(whole);
    close_fixture(f);
}

FV_TEST(blocks, partial_runs_give_the_same_bits)
{
    check_partial_runs(12); /* even blocks */
    check_partial_runs(13); /* blocks of 3 and 4 */
    check_partial_runs(3);  /* fewer samples than blocks: one is empty */
    check_partial_runs(1);
}

/* In float64, against backward over the whole batch: both sum the same n <= 13 terms per output position, in another
 * order, so they differ by at most about n * positions * epsilon of the sum of magnitudes; gradients here are below 10. */
static void check_whole(int32_t n, int32_t blocks)
{
    fixture *f = open_fixture(FV_F64, n, blocks);
    fv_params *sum = new_gradients(f);
    fv_step_result sum_result, result;
    assert_int_equal(fv_blocks_gradients(f->blocks, &f->batch, 0, blocks, n, sum, &sum_result), FV_OK);
    assert_int_equal(fv_session_step(f->session, &f->batch, &result), FV_OK);
    const double *a = fv_params_data(sum), *b = fv_params_data(fv_session_gradients(f->session));
    double largest = 0;
    for (size_t i = 0; i < fv_params_block_elements(sum); i++) {
        assert_true(fabs(a[i] - b[i]) <= n * PIXELS * DBL_EPSILON * 10);
        largest = fabs(b[i]) > largest ? fabs(b[i]) : largest;
    }
    assert_true(largest > 1e-3 && largest < 10);
    assert_true(fabs(sum_result.loss - result.loss) <= n * 10 * DBL_EPSILON * fabs(result.loss));
    assert_true(sum_result.correct == result.correct);
    fv_params_destroy(sum);
    close_fixture(f);
}

FV_TEST(blocks, sum_is_that_of_the_whole_batch)
{
    check_whole(13, 1);
    check_whole(13, 2);
    check_whole(13, 4);
    check_whole(13, 5); /* not a power of two */
    check_whole(13, 13);
    check_whole(2, 7); /* most blocks are empty */
}

FV_TEST(blocks, ranges_outside_the_batch_are_refused)
{
    fixture *f = open_fixture(FV_F32, 4, BLOCKS);
    fv_params *gradients = new_gradients(f);
    static const int32_t wrong[][2] = { { -1, 1 }, { 0, 0 }, { 0, 5 }, { 3, 2 }, { 4, 1 }, { INT32_MAX, 1 } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(fv_blocks_gradients(f->blocks, &f->batch, wrong[i][0], wrong[i][1], 4, gradients, NULL),
                         FV_ERR_ARGUMENT);
    fv_blocks *none = f->blocks;
    assert_int_equal(fv_blocks_create(&none, f->session, 0), FV_ERR_ARGUMENT);
    assert_null(none);
    fv_params_destroy(gradients);
    close_fixture(f);
}

FV_TEST(blocks, a_plan_that_does_not_train_is_refused)
{
    fixture *f = open_fixture(FV_F32, 4, BLOCKS);
    const fv_plan_options options = { .batch = 4, .mode = FV_PREDICT };
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    fv_blocks *blocks = f->blocks;
    assert_int_equal(fv_plan_create(&plan, f->graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&session, plan, f->params), FV_OK);
    assert_int_equal(fv_blocks_create(&blocks, session, 2), FV_ERR_STATE);
    assert_null(blocks);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    close_fixture(f);
}

FV_TESTS(blocks, partial_runs_give_the_same_bits, sum_is_that_of_the_whole_batch, ranges_outside_the_batch_are_refused,
         a_plan_that_does_not_train_is_refused)
