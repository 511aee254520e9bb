/* SPDX-License-Identifier: Apache-2.0
 *
 * offsets_test.c - where storages lie: nothing that is alive at the same time overlaps, and the arena is hardly larger than what is
 * alive at one step.
 */
#include "fovea/zoo.h"
#include "plan/plan_internal.h"
#include "support/graphs.h"
#include "support/test.h"

static bool live_together(const fvi_storage *a, const fvi_storage *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static void check_apart(const char *name, const fv_plan *plan)
{
    for (int32_t i = 0; i < plan->storage_count; i++) {
        const fvi_storage *a = &plan->storage[i];
        if (a->first <= a->last && a->offset + a->bytes > plan->bytes.arena)
            fail_msg("%s: storage %d ends behind the arena", name, (int)i);
        for (int32_t j = 0; j < i; j++) {
            const fvi_storage *b = &plan->storage[j];
            if (live_together(a, b) && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes)
                fail_msg("%s: storages %d and %d share memory while both live", name, (int)j, (int)i);
        }
    }
}

/* With sizes and lifetimes as theirs, the best of ten orders leaves arenas up to 18% above what is alive. */
FV_TEST(offsets, arena_is_little_more_than_what_is_alive)
{
    static const char *const names[] = { "vgg-a", "alexnet", "resnet-18", "googlenet-bn", "airbench94" };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fv_graph *graph = NULL;
        fv_plan *plan = NULL;
        size_t *alive = NULL, most = 0;
        assert_int_equal(fv_zoo_build(&graph, context, names[i]), FV_OK);
        assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = 32, .hand_over = true }), FV_OK);
        check_apart(names[i], plan);
        assert_int_equal(fvi_plan_alive(plan, &alive), FV_OK);
        for (int32_t step = 0; step <= plan->step_count; step++)
            most = alive[step] > most ? alive[step] : most;
        if (plan->bytes.arena < most || plan->bytes.arena > most + most / 16)
            fail_msg("%s: an arena of %zu bytes for %zu alive", names[i], plan->bytes.arena, most);
        fv_plan_destroy(plan);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
}

FV_TESTS(offsets, arena_is_little_more_than_what_is_alive)
