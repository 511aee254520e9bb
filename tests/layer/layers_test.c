/* SPDX-License-Identifier: Apache-2.0
 *
 * layers_test.c - every layer type in the table, from one list of problems: gradients against central differences in float64,
 * the float32 kernels against the float64 reference, in place, in strided and bordered memory, for several threads, and
 * with allocations that fail.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/allocator.h"
#include "support/gradient.h"
#include "support/layer_case.h"
#include "support/test.h"
#include "support/values.h"

static const char *const problems[] = {
    "conv2d n1c1h1w1k1",           /* smallest legal */
    "conv2d n2c3h7w5k4r3s3p1",     /* every size odd: all vector tails run */
    "conv2d n2c2h6w5k3r3s2u2v1p1", /* strides differ */
    "conv2d n2c4h5w5k6r3s3m2g2",   /* same padding, groups */
    "conv2d n1c2h6w6k2r3s3d2p2b1", /* dilation, no bias */
    "conv2d n2c2h3w3k2r2s2m3",     /* full: every overlap */
    "conv2d n1c2h7w7k3r3s3u3m1",   /* valid, stride = kernel */
    "conv2d n2c3h4w4k5r4s4",       /* kernel = image, as dense */
    "conv2d n2c3h1w9k4r1s3p0",     /* one-dimensional */
    "conv2d n2c3h5w4k4r1s3p1",     /* a row kernel */
    "conv2d n2c3h5w4k4r3s1p1u2v1", /* a column kernel, stride down only */
    "conv2d n2c6h5w6k6r3m2g6",     /* depthwise */
    "conv2d n2c4h7w6k12r3u2p1g4",  /* three filters a channel */
    "conv2d n2c6h6w5k16r3l1",      /* connection tables */
    "conv2d n2c4h5w6k5r3u2p1l2",
    "conv2d_transpose n1c1k1",         /* smallest legal */
    "conv2d_transpose n2c3h4w5k4r3p1", /* stride 1 */
    "conv2d_transpose n2c3h3w4k4r3u2p1o1",
    "conv2d_transpose n2c4h3w2k6r4s3u3v2g2",   /* groups, strides differ */
    "conv2d_transpose n1c2h3w4k2r3d2p1u2o1b1", /* dilation, no bias */
    "conv2d_transpose n2c5h1w1k3r4",           /* a pixel becomes an image */
    "conv2d_transpose n1c4h3w3k4r2u3g4",       /* stride beyond the kernel: pixels of bias alone */
    "subsample n2c3h6w4",
    "subsample n2c5h7w7r3s2u2v3o1", /* overlapping and with gaps, mean */
    "subsample n3c17h2w2",
    "rbf n3c84",
    "rbf n2c84k4",
    "map_loss n3c10t1",
    "map_loss n4c7t1z1a50q300",
    "map_loss n2c1t1q1",
    "max_pool2d n2c3h6w6r2",             /* disjoint, tiling */
    "max_pool2d n2c5h7w7r3u2",           /* overlapping */
    "max_pool2d n1c3h5w6r3u2p1e1",       /* padded, rounded up */
    "max_pool2d n1c9h5w5r2u3",           /* gaps between windows; more channels than 8 lanes */
    "max_pool2d n1c1h20w20r17u3",        /* more than 256 cells: two-byte index */
    "average_pool2d n2c3h6w6r2",         /* disjoint, tiling */
    "average_pool2d n2c5h7w7r3u2p1",     /* overlapping, edges divide by fewer */
    "average_pool2d n1c3h5w6r3u2p1e1o1", /* counting padded cells, rounded up */
    "average_pool2d n2c17h3w4r3s4",      /* global; odd tail */
    "average_pool2d n1c3h5w5r3u1m2",     /* same */
    "global_max_pool n2c5h3w7",
    "global_max_pool n1c9h17w16",    /* more than 256 cells: two-byte index */
    "global_max_pool n2c3",          /* one cell */
    "global_average_pool n2c17h7w7", /* odd tail */
    "global_average_pool n3c3h5w4",
    "adaptive_average_pool n2c5h6w4r3s2",  /* sizes divide: disjoint windows */
    "adaptive_average_pool n2c9h7w5r3s4",  /* neighbouring windows overlap */
    "adaptive_average_pool n1c3h2w3r5s7",  /* more outputs than inputs */
    "channel_max_pool n2c7h3w2r3",         /* a channel left over */
    "channel_max_pool n2c9h2w3r3u2p1",     /* overlapping, padded */
    "channel_max_pool n1c300h1w2r280u9",   /* two-byte index */
    "channel_average_pool n2c8h3w3r2",     /* tiling */
    "channel_average_pool n2c9h2w3r4u3p2", /* overlapping, edges divide by fewer */
    "pad n2c3h4w5p1r2s3u4j2l1a150",        /* every side, a value */
    "pad n2c5h3w4j3l2",                    /* channels only */
    "pad n1c9h3w2p1u2",                    /* pixels only */
    "pad n2c3h2w2",                        /* nothing at all */
    "pad n2c3h4w5p1r2s3u4m1",              /* reflected */
    "pad n1c9h3w2p1u1m2",                  /* the edge */
    "pad n2c3h1w2s2m2",
    "pad n2c3h2w2m1",
    "crop n2c5h7w6p1r2s3u1",
    "crop n2c3h2w3",
    "slice n2c9h3w4r2k5",
    "slice n2c9h3w4k9",
    "slice n2c9h5w4r1k2p1q3",      /* rows, too */
    "slice n2c9h5w7p4q3u-2j1l2v3", /* backwards, and with a step */
    "slice n2c19h3w2r17k6d-3",
    "slice n2c3h5w4u2v2", /* all that follow */
    "permute n2c3h4w5k120",
    "permute n2c3h4w5k201",
    "permute n2c17h3w19k21", /* 0, 2, 1 */
    "permute n2c17h3w19k210",
    "permute n2c5h3w2k12", /* as it is */
    "channel_shuffle n2c6h3w2g2",
    "channel_shuffle n2c51h1w2g3",
    "channel_shuffle n1c4g4",
    "expand n2c5h1w1r3s4",
    "expand n2c1h3w4k7",
    "expand n2c9h3w1s5",
    "reduce_mean n2c9h3w4",
    "reduce_mean n2c9h3w4o1",
    "reduce_mean n2c9h3w4o2",
    "reduce_mean n2c9h3w4o3",
    "reduce_mean n2c9h3w4o4",
    "resize n2c5h3w4r6s8",
    "resize n2c5h7w5r3s4f1",
    "resize n2c9h3w4r5s7e1",
    "resize n2c5h7w5r3s4e1o1",
    "resize n2c3h4w5a1e1o2",
    "resize n2c3h4w5a1o2f1",
    "resize n2c3h4w5r1s3e1o3",
    "reshape n2c6h4w5k5r8s3",
    "reshape n2c3h4w5k60r1s1",    /* flatten */
    "reshape n2c12k3r0s2",        /* rows: what is left */
    "reshape n1c3h40w41k3r41s40", /* more than one block */
    "multiply n2c5h3w4i2",
    "multiply n3c9i2",
    "multiply n2c9h3w5i2j1", /* a gate for each channel */
    "multiply n2c9h3w5i2j2", /* for each pixel */
    "multiply n2c9h3w5i2j3", /* for each image */
    "multiply n2c9h3w5i2j4", /* for each row */
    "subtract n2c5h3w4i2",
    "subtract n2c9h3w5i2j1",
    "subtract n2c9h3w5i2j2",
    "divide n2c5h3w4i2",
    "divide n2c9h3w5i2j1",
    "divide n2c9h3w5i2j3",
    "scale n2c5h3w4",
    "scale n3c17b1", /* a shift alone */
    "scale n3c17h2w3b2",
    "scale n2c5h3w4o1", /* for each element */
    "scale n3c4h2w3o1b1",
    "scale n3c4h2w3o1b2",
    "upsample n2c5h3w4r2s3",
    "upsample n2c9h2w3r1s1",
    "upsample n2c5h3w4r2s3e1",
    "upsample n1c9h1w3r4s1e1", /* one row: nothing to interpolate with */
    "dense n3c7k5",            /* vector */
    "dense n2c3h4w2k6b1",      /* image, no bias */
    "batch_norm n5c3",         /* vectors */
    "batch_norm n3c5h3w2",
    "batch_norm n1c1h1w2",   /* the fewest values that have a variance */
    "batch_norm n2c37h5w7",  /* four vectors, one, and a part of one */
    "batch_norm n4c2h60w70", /* several chunks */
    "batch_norm n2000c9",    /* several chunks of vectors */
    "batch_norm n7c3h2w3g2", /* ghost batches of 2, 2 and 3 */
    "batch_norm n5c3h2w1b1",
    "batch_norm n5c3h2w1b2",
    "batch_norm n5c4b3",
    "batch_norm n3c5h3w2x1", /* inference */
    "batch_norm n1c5x1",
    "batch_norm n5c3g2b3x1",
    "group_norm n3c6h3w4g2",
    "group_norm n2c9h5w3g9",  /* instances */
    "group_norm n2c19h3w5g1", /* layers */
    "group_norm n2c8h3w2g4b1",
    "group_norm n2c8h3w2g4b2",
    "group_norm n2c8h3w2g4b3",
    "group_norm n3c12g3", /* vectors */
    "layer_norm n3c5h2w3",
    "layer_norm n2c37h3w2",
    "layer_norm n4c24b1",
    "layer_norm n4c24b2",
    "layer_norm n2c9h2w2b3",
    "dropout n2c3h5w7a50",
    "dropout n3c1000a20",
    "dropout n2c3h5w7a50f1", /* classic */
    "dropout n2c9h3w2a40o1", /* channels */
    "dropout n2c3h5w7",      /* nothing dropped */
    "dropout n2c3h5w7a50x1",
    "dropout n2c3h5w7a50f1x1",
    "local_response_norm n2c9h2w3r5a100q75",     /* across: size, alpha, beta */
    "local_response_norm n1c3h2w2r7a200q50",     /* a window of more channels than there are */
    "local_response_norm n1c300h1w2r5a100q75f1", /* more than one tile; alpha for each element */
    "local_response_norm n2c5h2w2",
    "local_response_norm n2c9h5w4r3a100q75o1", /* within */
    "local_response_norm n1c3h2w3r7a300q125o1f1",
    "flatten n2c3h4w5",
    "flatten n3c6",
    "identity n2c3h4w5",
    "relu n2c3h5w7",
    "relu n3c1000",
    "leaky_relu n2c3h5w7",
    "leaky_relu n2c3h5w7a25",
    "elu n2c3h5w7",
    "elu n2c3h5w7a150",
    "relu6 n2c3h5w7",
    "prelu n2c3h5w7",
    "prelu n2c19h3w5",   /* whole vectors and a tail */
    "prelu n2c19h3w5f1", /* one slope for all channels */
    "prelu n5c33",
    "maxout n2c6h3w5", /* two pieces */
    "maxout n2c15h3w5k5",
    "maxout n3c64k4",
    "maxout n2c3h2w2k1",
    "gelu n2c3h5w7",
    "gelu n2c3h5w7f1", /* by tanh */
    "silu n2c3h5w7",
    "hard_swish n2c3h5w7",
    "softplus n2c3h5w7",
    "softplus n2c3h5w7a250",
    "hard_sigmoid n2c3h5w7",
    "hard_sigmoid n2c3h5w7a50q25",
    "selu n2c3h5w7",
    "clip n2c3h5w7a-50q150",
    "clip n3c1000q150",
    "linear n2c3h5w7a-150q25",
    "linear n3c7q-50",
    "power n2c3h5w7a200",
    "power n2c3h5w7a50",
    "power n2c3h5w7a-100",
    "power n2c3h5w7a-150",
    "power n2c3h5w7a270",
    "power n2c3h5w7a30",
    "exp n2c3h5w7",
    "log n2c3h5w7",
    "absolute n2c3h5w7",
    "sigmoid n2c3h5w7",
    "tanh n2c3h5w7",
    "scaled_tanh n2c3h5w7",
    "scaled_tanh n2c3h5w7a120q50",
    "softmax n3c10",
    "softmax n2c5h3w2",
    "softmax n2c1",
    "log_softmax n3c10",
    "log_softmax n2c19h3w2",
    "softmax_cross_entropy n3c10t1",
    "softmax_cross_entropy n4c7t1z1a50",       /* sample weights and a weight of the loss */
    "softmax_cross_entropy n3c5t2z1",          /* soft labels */
    "softmax_cross_entropy n2c1t1",            /* one class: always certain */
    "softmax_cross_entropy n3c5t1z1q10",       /* label smoothing */
    "softmax_cross_entropy n4c7t1y1",          /* class weights */
    "softmax_cross_entropy n4c7t1z1q25y1a40",  /* all of it */
    "softmax_cross_entropy n3c5t2q15y1",       /* with soft labels */
    "softmax_cross_entropy n2c5h3w2t2z1q10l1", /* each position */
    "binary_cross_entropy n3c7t1z1a150",
    "binary_cross_entropy n2c5h3w2t2z1",
    "hinge_loss n3c7t1",
    "hinge_loss n3c7t1z1q50a150",
    "hinge_loss n4c5t1f1q200", /* squared */
    "hinge_loss n2c1t1",       /* one class: no wrong one */
    "euclidean_loss n2c3h4w2t3",
    "euclidean_loss n3c5t3z1f1a200",
    "add n2c3h4w5i2",
    "add n2c3h4w5i3",
    "add n2c3i1",
    "add n2c9h3w5i2j1",
    "add n2c9h3w5i3j2",
    "add n2c9h3w5i2j5", /* for each column of each channel */
    "concat n2c3h4w5i3",
    "concat n2c3i2",
    "concat n2c4h2w2i1",
    "input n1c1h2w3",
};
enum { PROBLEMS = sizeof problems / sizeof problems[0] };

static fv_context *make_context(int32_t threads, fv_allocator allocator)
{
    fv_context *context = NULL;
    const fv_context_options options = { .threads = threads, .allocator = allocator };
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

static bool has_gradient(const layer_case *problem)
{
    return problem->input_count > 0;
}

FV_TEST(layers, every_type_has_a_problem)
{
    for (size_t i = 0; fvi_layers[i]; i++) {
        bool found = false;
        for (size_t p = 0; p < PROBLEMS; p++)
            found = found || layer_case_parse(problems[p]).layer == fvi_layers[i];
        if (!found)
            fail_msg("layer %s has no problem in layers_test.c", fvi_layers[i]->name);
    }
}

/* Few enough to be checked one by one; longer ones are there for how work is cut. */
static bool is_tiny(const layer_case *problem)
{
    return (int64_t)problem->n * problem->in[0].c * problem->in[0].h * problem->in[0].w <= 4096;
}

FV_TEST(layers, gradients_match_central_differences)
{
    fv_context *context = make_context(1, (fv_allocator){ 0 });
    for (size_t p = 0; p < PROBLEMS; p++) {
        const layer_case problem = layer_case_parse(problems[p]);
        if (has_gradient(&problem) && is_tiny(&problem))
            test_layer_gradients(&problem, context);
    }
    fv_context_destroy(context);
}

/* Results of two runs side by side. */

typedef struct layer_result {
    double *values; /* y, dx of every input, dparam of every parameter, one behind the other */
    size_t count;
    double loss;
} layer_result;

static layer_result run_case(const layer_case *problem, fv_context *context, layer_run_options options)
{
    layer_run *run = layer_run_create(problem, context, options);
    layer_result result = { .count = layer_view_count(&run->y.view) };
    if (layer_run_forward(run) != FV_OK)
        fail_msg("%s: forward: %s", problem->problem, run->message.text);
    for (int32_t i = 0; i < problem->input_count; i++)
        result.count += layer_view_count(&run->dx[i].view);
    for (int32_t i = 0; i < run->infer.param_count; i++)
        result.count += layer_param_count(run, i);
    result.values = test_doubles(result.count);
    double *at = result.values;
    layer_view_get(run, &run->y.view, at);
    at += layer_view_count(&run->y.view);
    assert_int_equal(layer_run_backward(run), FV_OK);
    for (int32_t i = 0; i < problem->input_count; i++) {
        layer_view_get(run, &run->dx[i].view, at);
        at += layer_view_count(&run->dx[i].view);
    }
    for (int32_t i = 0; i < run->infer.param_count; i++) {
        layer_param_get(run, i, run->dparam[i], at);
        at += layer_param_count(run, i);
    }
    result.loss = run->loss;
    layer_run_destroy(run);
    return result;
}

static void check_same_bits(const layer_case *problem, const layer_result *a, const layer_result *b, const char *what)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        if (memcmp(&a->values[i], &b->values[i], sizeof a->values[i]) != 0)
            fail_msg("%s: %s: result %zu is %.9g, not %.9g", problem->problem, what, i, b->values[i], a->values[i]);
    if (memcmp(&a->loss, &b->loss, sizeof a->loss) != 0)
        fail_msg("%s: %s: the loss is %.17g, not %.17g", problem->problem, what, b->loss, a->loss);
}

/* Two runs of every problem that must agree to the bit. */
static void compare_runs(fv_context *first, fv_context *second, layer_run_options a, layer_run_options b,
                         const char *what)
{
    for (size_t p = 0; p < PROBLEMS; p++) {
        const layer_case problem = layer_case_parse(problems[p]);
        if (!has_gradient(&problem) || ((a.in_place || b.in_place) && !problem.layer->in_place))
            continue;
        layer_result left = run_case(&problem, first, a), right = run_case(&problem, second, b);
        check_same_bits(&problem, &left, &right, what);
        free(left.values);
        free(right.values);
    }
}

/* Sums of at most a few hundred products of numbers up to 2, against exact ones: a sum of m terms errs by m*eps times the
 * sum of magnitudes (Higham 2002, 3.1), here at most 200 * 6e-8 relative to the largest result up to cancellation, which
 * these shapes bound by a factor of 10. exp and tanh add a few eps. */
static const double float_error = 200 * 6e-8 * 10;

FV_TEST(layers, float_kernels_match_the_double_reference)
{
    fv_context *context = make_context(1, (fv_allocator){ 0 });
    for (size_t p = 0; p < PROBLEMS; p++) {
        const layer_case problem = layer_case_parse(problems[p]);
        if (!has_gradient(&problem))
            continue;
        layer_result exact = run_case(&problem, context, (layer_run_options){ .dtype = FV_F64, .reference = true });
        layer_result fast = run_case(&problem, context, (layer_run_options){ .dtype = FV_F32 });
        const double error = test_values_error(fast.values, exact.values, exact.count);
        if (!(error <= float_error))
            fail_msg("%s: float32 differs from float64 by %g of the largest value", problem.problem, error);
        if (!(fabs(fast.loss - exact.loss) <= float_error * fmax(1.0, fabs(exact.loss))))
            fail_msg("%s: the loss is %.9g, not %.9g", problem.problem, fast.loss, exact.loss);
        free(exact.values);
        free(fast.values);
    }
    fv_context_destroy(context);
}

FV_TEST(layers, strided_and_bordered_views_give_the_same_bits)
{
    fv_context *context = make_context(1, (fv_allocator){ 0 });
    const layer_run_options dense = { .dtype = FV_F32 };
    const layer_run_options shapes[] = { { .dtype = FV_F32, .extra = 3 },
                                         { .dtype = FV_F32, .border = 2 },
                                         { .dtype = FV_F32, .extra = 5, .border = 1 } };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        compare_runs(context, context, dense, shapes[i], "in strided memory");
    fv_context_destroy(context);
}

FV_TEST(layers, in_place_gives_the_same_bits)
{
    fv_context *context = make_context(1, (fv_allocator){ 0 });
    compare_runs(context, context, (layer_run_options){ .dtype = FV_F32 },
                 (layer_run_options){ .dtype = FV_F32, .in_place = true }, "in place");
    fv_context_destroy(context);
}

FV_TEST(layers, threads_do_not_change_a_bit)
{
    fv_context *one = make_context(1, (fv_allocator){ 0 });
    for (int32_t threads = 2; threads <= 4; threads++) {
        fv_context *many = make_context(threads, (fv_allocator){ 0 });
        compare_runs(one, many, (layer_run_options){ .dtype = FV_F32 }, (layer_run_options){ .dtype = FV_F32 },
                     "with more threads");
        fv_context_destroy(many);
    }
    fv_context_destroy(one);
}

FV_TEST(layers, a_call_may_have_fewer_images_than_the_setup)
{
    fv_context *context = make_context(2, (fv_allocator){ 0 });
    compare_runs(context, context, (layer_run_options){ .dtype = FV_F64, .reference = true },
                 (layer_run_options){ .dtype = FV_F64, .reference = true, .batch = 9 }, "set up for 9 images");
    fv_context_destroy(context);
}

/* Allocation. */

/* Infers and sets up as a plan does, for training or for inference; the arena's memory is the context's. saved: bytes kept
 * for backward. */
static fv_status plan_alone(const layer_case *problem, fv_context *context, bool trains, size_t *saved)
{
    fvi_arena *arena = NULL;
    fvi_infer infer;
    FV_TRY(layer_case_infer(problem, context, &infer));
    FV_TRY(fvi_arena_create(&arena, context, 64));
    fvi_setup setup = { .context = context,
                        .arena = arena,
                        .layer = problem->layer,
                        .name = "node1",
                        .options = &problem->options,
                        .in = problem->in,
                        .input_count = problem->input_count,
                        .out = infer.out,
                        .dtype = FV_F32,
                        .backward = trains,
                        .wants_dx = trains,
                        .batch = problem->n };
    const fv_status status = problem->layer->setup ? problem->layer->setup(&setup) : FV_OK;
    *saved = setup.saved_bytes;
    fvi_arena_destroy(arena);
    return status;
}

FV_TEST(layers, setup_survives_every_failing_allocation)
{
    test_allocator allocator;
    test_allocator_reset(&allocator);
    fv_context *context = make_context(1, test_allocator_callbacks(&allocator));
    const long long before = atomic_load(&allocator.live);
    for (size_t p = 0; p < PROBLEMS; p++) {
        const layer_case problem = layer_case_parse(problems[p]);
        fv_status status = FV_ERR_MEMORY;
        for (long long allowed = 0; status != FV_OK; allowed++) {
            assert_true(allowed < 1000);
            test_allocator_fail_after(&allocator, allowed);
            status = plan_alone(&problem, context, true, &(size_t){ 0 });
            test_allocator_succeed(&allocator);
            if (status != FV_OK && status != FV_ERR_MEMORY)
                fail_msg("%s: status %d with %lld allocations", problem.problem, status, allowed);
            if (status == FV_ERR_MEMORY && !strstr(fv_context_message(context), "memory"))
                fail_msg("%s: \"%s\" does not speak of memory", problem.problem, fv_context_message(context));
            assert_int_equal(atomic_load(&allocator.live), before);
        }
    }
    fv_context_destroy(context);
    assert_int_equal(atomic_load(&allocator.live), 0);
}

FV_TEST(layers, inference_keeps_nothing_for_backward)
{
    fv_context *context = make_context(1, (fv_allocator){ 0 });
    for (size_t p = 0; p < PROBLEMS; p++) {
        const layer_case problem = layer_case_parse(problems[p]);
        size_t saved = 0;
        assert_int_equal(plan_alone(&problem, context, false, &saved), FV_OK);
        if (saved != 0)
            fail_msg("%s: inference keeps %zu bytes", problem.problem, saved);
    }
    fv_context_destroy(context);
}

FV_TEST(layers, passes_do_not_allocate)
{
    test_allocator allocator;
    test_allocator_reset(&allocator);
    fv_context *context = make_context(2, test_allocator_callbacks(&allocator));
    for (size_t p = 0; p < PROBLEMS; p++) {
        const layer_case problem = layer_case_parse(problems[p]);
        if (!has_gradient(&problem))
            continue;
        layer_run *run = layer_run_create(&problem, context, (layer_run_options){ .dtype = FV_F32 });
        const long long made = atomic_load(&allocator.made);
        assert_int_equal(layer_run_forward(run), FV_OK);
        assert_int_equal(layer_run_backward(run), FV_OK);
        if (atomic_load(&allocator.made) != made)
            fail_msg("%s: allocated while running", problem.problem);
        layer_run_destroy(run);
    }
    fv_context_destroy(context);
}

FV_TESTS(layers, every_type_has_a_problem, gradients_match_central_differences,
         float_kernels_match_the_double_reference, strided_and_bordered_views_give_the_same_bits,
         in_place_gives_the_same_bits, threads_do_not_change_a_bit, a_call_may_have_fewer_images_than_the_setup,
         setup_survives_every_failing_allocation, inference_keeps_nothing_for_backward, passes_do_not_allocate)
