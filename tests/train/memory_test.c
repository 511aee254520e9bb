/* SPDX-License-Identifier: Apache-2.0
 *
 * memory_test.c - what is told of a run's memory beforehand is what a counting allocator sees, within 5%.
 */
#include <string.h>

#include "support/allocator.h"
#include "train/small_run.h"

/* Data for the network: noise, ten images. */
static fv_dataset *noise_for(fv_context *context, const fv_graph *graph, int32_t classes)
{
    enum { IMAGES = 10 };
    const fv_image_shape shape = fv_graph_node(graph, fv_graph_input(graph)).output;
    const size_t bytes = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w * IMAGES;
    uint8_t *images = malloc(bytes);
    int32_t labels[IMAGES];
    fv_dataset *dataset = NULL;
    fvi_random random = fvi_random_start(3, FVI_PURPOSE_TEST, 0);
    for (size_t i = 0; i < bytes; i++)
        images[i] = (uint8_t)fvi_random_below(&random, 256);
    for (int32_t i = 0; i < IMAGES; i++)
        labels[i] = i % classes;
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, images, labels, IMAGES, shape, classes, NULL), FV_OK);
    free(images);
    return dataset;
}

static void assert_within_5_percent(const char *what, size_t told, size_t seen)
{
    if ((double)told < 0.95 * (double)seen || (double)told > 1.05 * (double)seen)
        fail_msg("%s: told %zu bytes, seen %zu", what, told, seen);
}

typedef struct trained {
    const char *name;
    fv_zoo_options zoo;
    int32_t batch, blocks;
    bool population;
    fv_optimizer_options optimizer; /* zeros: sgd with momentum */
    double limit;                   /* 0, or fv_train_options.memory_limit as this share of the session without */
} trained;

/* Trains for one epoch of a short batch. */
static void check_training(const trained *what)
{
    test_allocator counter;
    test_allocator_reset(&counter);
    const fv_context_options context_options = { .threads = 2, .allocator = test_allocator_callbacks(&counter) };
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_trainer *trainer = NULL;
    fv_memory memory;
    assert_int_equal(fv_context_create(&context, &context_options), FV_OK);
    assert_int_equal(fv_zoo_build_with(&graph, context, what->name, &what->zoo), FV_OK);
    fv_dataset *data = noise_for(context, graph, 10);
    fv_train_options options = { .epochs = 1,
                                 .batch = what->batch,
                                 .blocks = what->blocks,
                                 .schedule = { .rate = 1e-3 },
                                 .optimizer = { .momentum = 0.9 },
                                 .population_statistics = what->population };
    if (what->optimizer.kind != FV_OPTIMIZER_SGD || what->optimizer.average != FV_AVERAGE_NONE)
        options.optimizer = what->optimizer;
    options.preprocess = fv_preprocess_fit(graph, data);
    const size_t before = atomic_load(&counter.in_use);
    assert_int_equal(fv_training_memory(graph, &options, &memory), FV_OK);
    if (what->limit > 0) {
        const size_t without = memory.session;
        options.memory_limit = (size_t)(what->limit * (double)without);
        assert_int_equal(fv_training_memory(graph, &options, &memory), FV_OK);
        assert_true(memory.session <= options.memory_limit);
    }
    assert_int_equal(atomic_load(&counter.in_use), before);
    atomic_store(&counter.peak, before);
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    assert_int_equal(fv_trainer_create(&trainer, graph, params, data, data, &options), FV_OK);
    assert_int_equal(fv_trainer_epoch(trainer, NULL), FV_OK);
    assert_within_5_percent(what->name, memory.total, atomic_load(&counter.peak) - before);
    fv_trainer_destroy(trainer);
    fv_params_destroy(params);
    fv_dataset_destroy(data);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(memory, training_takes_what_was_told)
{
    check_training(&(trained){ .name = "lenet5", .batch = 64 });
    check_training(&(trained){ .name = "convnetjs-mnist", .batch = 64 });
    check_training(&(trained){ .name = "convnetjs-cifar10", .batch = 32 });
}

/* Batch norm, shortcuts, concatenation; large values and small, and the other way round. */
FV_TEST(memory, of_larger_networks_too)
{
    check_training(&(trained){ .name = "resnet-18", .zoo = { .classes = 10, .input = { 3, 64, 64 } }, .batch = 8 });
    check_training(&(trained){ .name = "mobilenet-v2", .zoo = { .classes = 10, .input = { 3, 32, 32 } }, .batch = 8 });
    check_training(&(trained){ .name = "cifar-densenet-40-12", .zoo = { .input = { 3, 16, 16 } }, .batch = 4 });
}

/* Predicted, so that it is known in a moment; tests/long/zoo_test.c trains both. */
FV_TEST(memory, the_deepest_networks_train_within_16_gib)
{
    static const struct {
        const char *name;
        int32_t batch;
    } networks[] = { { "cifar-resnet-1202", 64 }, { "densenet-161", 32 } };
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        fv_context *context = small_context(1);
        fv_graph *graph = NULL;
        fv_memory memory;
        const fv_train_options options = { .batch = networks[i].batch };
        assert_int_equal(fv_zoo_build(&graph, context, networks[i].name), FV_OK);
        assert_int_equal(fv_training_memory(graph, &options, &memory), FV_OK);
        if (memory.total >= (size_t)16 << 30)
            fail_msg("%s at batch %d takes %zu bytes", networks[i].name, networks[i].batch, memory.total);
        fv_graph_destroy(graph);
        fv_context_destroy(context);
    }
}

FV_TEST(memory, a_limit_is_kept_to)
{
    check_training(&(trained){
        .name = "resnet-18", .zoo = { .classes = 10, .input = { 3, 64, 64 } }, .batch = 16, .limit = 0.95 });
    check_training(&(trained){ .name = "cifar-resnet-20", .batch = 16, .limit = 0.9 });
}

FV_TEST(memory, sums_over_blocks_count)
{
    check_training(&(trained){ .name = "lenet5", .batch = 64, .blocks = 2 });
    check_training(&(trained){ .name = "lenet5", .batch = 64, .blocks = 5 });
}

FV_TEST(memory, population_statistics_take_another_batch)
{
    check_training(&(trained){ .name = "bn-mlp-3x100", .batch = 64, .population = true });
    check_training(&(trained){ .name = "bn-mlp-3x100", .batch = 500, .blocks = 2, .population = true });
    check_training(&(trained){
        .name = "cifar-resnet-20", .zoo = { .input = { 3, 16, 16 } }, .batch = 8, .blocks = 2, .population = true });
}

/* Slots, averages with the weights beside them, Muon's matrices: of a network most of whose memory is its parameters'. */
FV_TEST(memory, everything_of_an_optimizer_counts)
{
    static const fv_optimizer_options optimizers[] = {
        { .kind = FV_OPTIMIZER_ADAMW, .lookahead = 5 },
        { .kind = FV_OPTIMIZER_SGD, .average = FV_AVERAGE_EXPONENTIAL },
        { .kind = FV_OPTIMIZER_SGD, .momentum = 0.9, .average = FV_AVERAGE_EQUAL },
        { .kind = FV_OPTIMIZER_MUON },
        { .kind = FV_OPTIMIZER_MUON, .average = FV_AVERAGE_EXPONENTIAL, .groups = "*.weight(plain)" },
        { .kind = FV_OPTIMIZER_LAMB },
    };
    for (size_t i = 0; i < sizeof optimizers / sizeof optimizers[0]; i++)
        check_training(&(trained){ .name = "bn-mlp-3x100", .batch = 8, .optimizer = optimizers[i] });
    check_training(&(trained){ .name = "lenet5", .batch = 8, .optimizer = optimizers[3] });
}

FV_TEST(memory, inference_takes_what_was_told)
{
    test_allocator counter;
    test_allocator_reset(&counter);
    const fv_context_options context_options = { .threads = 2, .allocator = test_allocator_callbacks(&counter) };
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    fv_memory memory;
    assert_int_equal(fv_context_create(&context, &context_options), FV_OK);
    assert_int_equal(fv_zoo_build(&graph, context, "lenet5"), FV_OK);
    assert_int_equal(fv_inference_memory(graph, 64, &memory), FV_OK);
    assert_int_equal(memory.total, memory.parameters + memory.session + memory.loader);
    const size_t before = atomic_load(&counter.in_use);
    const fv_plan_options options = { .batch = 64, .mode = FV_PREDICT };
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    assert_int_equal(fv_plan_create(&plan, graph, &options), FV_OK);
    assert_int_equal(fv_session_create(&session, plan, params), FV_OK);
    assert_within_5_percent("lenet5", memory.total - memory.loader, atomic_load(&counter.in_use) - before);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(memory, training_takes_what_was_told, of_larger_networks_too, the_deepest_networks_train_within_16_gib,
         a_limit_is_kept_to, sums_over_blocks_count, population_statistics_take_another_batch,
         everything_of_an_optimizer_counts, inference_takes_what_was_told)
