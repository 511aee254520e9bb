/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_algorithms_test.c - every algorithm of every instruction set that this machine has, on one table of problems:
 * the right values, nothing written outside, the same bits for any number of threads and any neighbours in memory.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/conv/conv2d_depthwise.h"
#include "kernel/conv/conv2d_pixels.h"
#include "kernel/winograd/winograd.h"
#include "support/conv2d_case.h"
#include "support/test.h"

static const char *const problems[] = {
    "n1c1h1k1r1",       /* smallest legal */
    "n1c3h5k1r5",       /* one output */
    "n3c3h7w5k4r3p1",   /* every size odd */
    "n2c1h12k6r5p2",    /* LeNet's first */
    "n3c6h14k16r5",     /* its second */
    "n5c16h5k120r5",    /* its third: the kernel is the image, pixels are images */
    "n9c120h1k84r1",    /* dense */
    "n70c21h1k10r1",    /* dense, more images than a tile */
    "n1c64h1k40r1",     /* dense, one image */
    "n7c1100h1k70r1",   /* dense, several pieces of a sum */
    "n5c23h7w5k33r7s5", /* on an image */
    "n33c31h1k300r1",   /* several tasks of rows of weights */
    "n2c8h9w11k24r3p1", /* one vector behind a pair */
    "n2c16h8k20r5p2",   /* ConvNetJS */
    "n1c20h8k20r5p2",
    "n2c3h33k64r7u2p3", /* ResNet's first */
    "n1c3h35k96r11u4",  /* AlexNet's first, no padding */
    "n1c3h19k33r11u4p2",
    "n2c5h9w7k7r3u2p1",      /* parity classes of unequal size */
    "n1c4h8k9r1u2",          /* stride without a tap: zeros in dx */
    "n1c4h9k5r2u3",          /* stride larger than the kernel */
    "n2c3h9w12k5r3s2u2v3p1", /* strides that differ */
    "n1c6h11k8r3p2d2",       /* dilation */
    "n1c6h13w12k8r3u2p2d2",  /* dilation and stride with a common divisor */
    "n1c5h14k6r3u2p3d3",     /* and without one */
    "n1c4h12k6r4u4p6d6",
    "n2c4h7k6r3pt0pl2pb1pr3", /* padding uneven */
    "n1c3h4k5r3p4",           /* padding wider than the kernel reaches */
    "n1c2h5k3r1p2",           /* padding on a 1x1 kernel */
    "n2c12h6k18r3p1g3",       /* groups */
    "n1c32h9k32r3p1g32",      /* depthwise */
    "n2c10h7k20r3u2p1g10",    /* depthwise, two filters a channel */
    "n2c37h11w9k37r3p1g37",   /* depthwise with tails of lanes and of tiles */
    "n3c19h14k19r3u2p1g19",   /* stride 2 */
    "n2c24h9w13k24r5p2g24",
    "n1c21h12k21r5u2p2g21",
    "n1c9h9w30k9r3p2d2g9",    /* dilation */
    "n2c16h1w29k16r1s7p3g16", /* one row, seven taps */
    "n1c33h7k33r1g33",        /* 1x1 */
    "n2c12h8k12r8g12",        /* the kernel is the image */
    "n1c20h7k40r3p1g20",      /* two, three and eight filters a channel */
    "n1c10h7k30r3u2p1g10",
    "n1c6h9k48r3p1g6",
    "n2c26h9w7k26r3p1g13", /* groups of two, four and eight channels */
    "n2c36h9k36r3u2p1g9",
    "n2c40h8w11k40r3p1g5",
    "n1c28h7k56r3p1g14", /* groups of two and four outputs */
    "n1c48h6k24r5p2g12",
    "n16c20h17k20r3p1g20",     /* several parts of a sum */
    "n2c40h6k72r1",            /* 1x1 */
    "n2c40h6k34r1u2",          /* 1x1 with stride */
    "n5c67h7k33r1",            /* 1x1, bands beyond an image */
    "n2c653h5w3k140r1",        /* 1x1, accumulators in slices of channels */
    "n2c17h13w9k19r1s3pl1pr1", /* a row kernel */
    "n2c17h9w13k19r3s1pt1pb1", /* a column kernel */
    "n4c13h30w31k37r3p1",      /* several units, bands and parts */
    "n2c2h3w600k5r2s3p1",      /* rows longer than a band */
    "n16c7h16k11r3p1",         /* several parts of a sum */
    "n2c40h20w21k70r3p1",      /* chunks of x copied for several taps and blocks */
    "n1c24h33k20r3u2p1",       /* copied with stride */
    "n3c72h13k72r3u2p1",       /* rows of 7: from copies, by data too; two pieces and more, a narrow last block */
    "n2c300h14k83r1u2",        /* the same, one tap */
    "n1c53h20k17r3p2d2",       /* shared, with dilation */
    "n1c51h20k18r3s5p1g3",     /* shared, with groups */
    "n3c1h9w17k6r5p2",         /* lanes of pixels: a vector and a little */
    "n2c3h19w23k7r3s5p1",
    "n2c1h37k1r7p3",      /* one channel on both sides: tiles of several rows */
    "n1c1h70w90k6r5",     /* several units of an image */
    "n2c5h12w33k3r3u2p1", /* parities of rows and columns */
    "n2c2h40w37k9r3u3v2p2",
    "n2c1h30w50k5r3p2d2",
    "n5c1h26w28k11r4s2",
    "n2c4h18w19k1r3pt0pl3pb1", /* one output; padding uneven */
    "n3c2h20w16k13r1",
    "n1c8h4k8r3p1",   /* minimal filtering: one tile */
    "n2c16h7k24r3p1", /* tiles over every edge */
    "n1c9h1w9k17r3p1",
    "n2c33h13w6k49r3", /* no padding */
    "n1c20h9w10k18r3pt2pl0pb1pr3",
    "n1c8h5w6k9r3p4", /* padding beyond what backward by data reads */
    "n3c24h14k40r3p1g2",
    "n9c18h28w30k21r3p1", /* several blocks of tiles */
    "n2c200h9w5k35r3p1",  /* stage by stage */
    "n1c8h4k8r5p2",       /* minimal filtering of 5x5: one tile */
    "n2c19h7w9k24r5p2",   /* tiles over every edge */
    "n1c9h2w11k17r5p2",
    "n2c33h13w7k20r5", /* no padding */
    "n1c12h9w10k18r5pt4pl0pb1pr3",
    "n1c8h5w6k9r5p6", /* padding beyond what backward by data reads */
    "n3c24h14k40r5p2g2",
    "n5c18h27w30k21r5p2", /* several blocks of tiles */
    "n2c200h9w5k35r5p2",  /* stage by stage */
};
#define PROBLEMS (sizeof problems / sizeof problems[0])

/* An emulator, which has one thread, does every third problem: the whole table takes it more than five minutes. */
static size_t problem_step(void)
{
    return test_threads(2) == 1 ? 3 : 1;
}

/* Problem `index`, kept for the tests behind, because the answers in float64 take longer than all algorithms. */
static conv2d_case *case_of(fv_context *context, size_t index)
{
    static conv2d_case kept[PROBLEMS];
    if (kept[index].x == NULL)
        kept[index] = conv2d_case_make(context, problems[index], 0);
    kept[index].context = context;
    return &kept[index];
}

static fv_context *context_with(int32_t threads)
{
    fv_context *context = NULL;
    const fv_context_options options = { .threads = test_threads(threads) };
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

/* The instruction sets to try: those whose instructions this machine has. */
static size_t list_isas(fv_context *context, fvi_isa isas[4])
{
    const fvi_isa best = fvi_context_isa(context);
    size_t count = 0;
    if (best == FVI_ISA_NEON) {
        isas[count++] = FVI_ISA_NEON;
        return count;
    }
    isas[count++] = FVI_ISA_BASELINE;
    if (best >= FVI_ISA_AVX2)
        isas[count++] = FVI_ISA_AVX2;
    if (best >= FVI_ISA_AVX512)
        isas[count++] = FVI_ISA_AVX512;
    return count;
}

static void check_algorithm(conv2d_case *conv, const fvi_conv2d_plan *plan, const char *problem)
{
    char label[160];
    snprintf(label, sizeof label, "%s by %s, n %d", problem, plan->pass[FVI_FORWARD].algorithm, (int)conv->n);
    conv2d_result dense = conv2d_case_run(conv, plan, conv->context, 0);
    conv2d_case_check(conv, &dense, label);
    conv2d_result slice = conv2d_case_run(conv, plan, conv->context, 5);
    if (!conv2d_result_same_bits(conv, &dense, &slice))
        fail_msg("%s: other bits as a slice of a wider tensor", label);
    conv2d_result_free(&dense);
    conv2d_result_free(&slice);
}

static bool runs_anywhere(const fvi_conv2d_plan *plan, const char *algorithm)
{
    bool runs = false;
    for (int pass = 0; pass < FVI_PASSES; pass++)
        runs = runs || strcmp(plan->pass[pass].algorithm, algorithm) == 0;
    return runs;
}

/* Every algorithm that takes some pass of the problem; the others' passes go to whoever takes them.
 * ran: of each instruction set, a bit for each algorithm that ran. */
static void check_problem(conv2d_case *conv, const char *problem, uint32_t ran[4])
{
    fvi_isa isas[4];
    fv_context *context = conv->context;
    const size_t isa_count = list_isas(context, isas);
    for (size_t i = 0; i < isa_count; i++) {
        size_t count = 0;
        const fvi_conv2d_algorithm *table = fvi_conv2d_algorithms(isas[i], FV_F32, &count);
        for (size_t a = 0; a < count; a++) {
            fvi_conv2d_plan plan;
            if (i > 0 && strcmp(table[a].name, "reference") == 0) { /* the same in every table: seen in the first */
                ran[i] |= 1u << a;
                continue;
            }
            fvi_conv2d_choose(&plan, &conv->shape, FV_F32, isas[i], fv_context_threads(context), false, table[a].name);
            if (!runs_anywhere(&plan, table[a].name))
                continue;
            check_algorithm(conv, &plan, problem);
            ran[i] |= 1u << a;
        }
    }
}

FV_TEST(conv2d_algorithms, all_match_float64_on_every_problem)
{
    uint32_t ran[4] = { 0 };
    fv_context *context = context_with(2);
    for (size_t i = 0; i < PROBLEMS; i += problem_step())
        check_problem(case_of(context, i), problems[i], ran);
    fvi_isa isas[4];
    const size_t isa_count = list_isas(context, isas);
    for (size_t i = 0; i < isa_count && problem_step() == 1; i++) { /* the whole table has something for everyone */
        size_t count = 0;
        fvi_conv2d_algorithms(isas[i], FV_F32, &count);
        assert_int_equal(ran[i], (1u << count) - 1);
    }
    fv_context_destroy(context);
}

FV_TEST(conv2d_algorithms, a_call_may_have_fewer_images_than_the_plan)
{
    static const struct {
        const char *problem;
        int32_t n;
    } calls[] = { { "n16c7h16k11r3p1", 1 }, { "n16c7h16k11r3p1", 11 }, { "n70c21h1k10r1", 3 }, { "n64c5h4k6r2", 7 } };
    uint32_t ran[4] = { 0 };
    fv_context *context = context_with(2);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        conv2d_case conv = conv2d_case_make(context, calls[i].problem, calls[i].n);
        check_problem(&conv, calls[i].problem, ran);
        conv2d_case_free(&conv);
    }
    fv_context_destroy(context);
}

FV_TEST(conv2d_algorithms, threads_never_show_in_the_bits)
{
    if (test_threads(2) == 1)
        test_skip("one thread alone can be started: no other number to compare it with");
    fv_context *contexts[4];
    for (int32_t t = 0; t < 4; t++)
        contexts[t] = context_with(t + 1);
    for (size_t i = 0; i < PROBLEMS; i += problem_step()) {
        conv2d_case *conv = case_of(contexts[0], i);
        conv2d_result first;
        for (int32_t t = 0; t < 4; t++) {
            fvi_conv2d_plan plan;
            fvi_conv2d_choose(&plan, &conv->shape, FV_F32, fvi_context_isa(contexts[t]), t + 1, false, NULL);
            conv2d_result result = conv2d_case_run(conv, &plan, contexts[t], 0);
            if (t == 0) {
                first = result;
                continue;
            }
            if (!conv2d_result_same_bits(conv, &first, &result))
                fail_msg("%s: %d threads give other bits than one", problems[i], (int)t + 1);
            conv2d_result_free(&result);
        }
        conv2d_result_free(&first);
    }
    for (int32_t t = 0; t < 4; t++)
        fv_context_destroy(contexts[t]);
}

/* A sum over images must not depend on the largest batch that the plan was made for. */
FV_TEST(conv2d_algorithms, the_plans_batch_never_shows_in_the_bits)
{
    fv_context *context = context_with(2);
    conv2d_case small = conv2d_case_make(context, "n8c5h16k11r3p1", 0);
    fvi_conv2d_shape large = small.shape;
    large.n = 64;
    fvi_conv2d_plan plan;
    fvi_conv2d_choose(&plan, &small.shape, FV_F32, fvi_context_isa(context), 2, false, NULL);
    conv2d_result a = conv2d_case_run(&small, &plan, context, 0);
    fvi_conv2d_choose(&plan, &large, FV_F32, fvi_context_isa(context), 2, false, NULL);
    conv2d_result b = conv2d_case_run(&small, &plan, context, 0);
    assert_true(conv2d_result_same_bits(&small, &a, &b));
    conv2d_result_free(&a);
    conv2d_result_free(&b);
    conv2d_case_free(&small);
    fv_context_destroy(context);
}

/* Does `plan` run an algorithm of this family ("pixels", "direct") in a pass? */
static bool runs(const fvi_conv2d_plan *plan, fvi_pass pass, const char *family)
{
    return strncmp(plan->pass[pass].algorithm, family, strlen(family)) == 0;
}

/* The family's member in the table of an instruction set. */
static const char *name_in_table(fvi_isa isa, const char *family)
{
    size_t count = 0;
    const fvi_conv2d_algorithm *table = fvi_conv2d_algorithms(isa, FV_F32, &count);
    for (size_t i = 0; i < count; i++)
        if (strncmp(table[i].name, family, strlen(family)) == 0)
            return table[i].name;
    fail_msg("no %s algorithm in the table", family);
    return NULL;
}

/* Both sum in the same order, so a shape on which one is faster may change hands without changing a model's outputs. Dense
 * layers, which go to neither, are left out. */
FV_TEST(conv2d_algorithms, lanes_of_pixels_and_of_channels_give_the_same_bits)
{
    fv_context *context = context_with(2);
    const fvi_isa isa = fvi_context_isa(context);
    size_t compared = 0;
    const char *const pixels_name = name_in_table(isa, "pixels"), *const direct_name = name_in_table(isa, "direct");
    for (size_t i = 0; i < PROBLEMS; i += problem_step()) {
        conv2d_case *conv = case_of(context, i);
        fvi_conv2d_plan pixels, direct;
        fvi_conv2d_choose(&pixels, &conv->shape, FV_F32, isa, 2, false, pixels_name);
        fvi_conv2d_choose(&direct, &conv->shape, FV_F32, isa, 2, false, direct_name);
        if (runs(&pixels, FVI_FORWARD, "dense"))
            continue;
        conv2d_result a = conv2d_case_run(conv, &pixels, context, 0);
        conv2d_result b = conv2d_case_run(conv, &direct, context, 0);
        const bool y = runs(&pixels, FVI_FORWARD, "pixels"), dx = runs(&pixels, FVI_BACKWARD_DATA, "pixels");
        if ((y && memcmp(a.y, b.y, conv->y_count * sizeof *a.y) != 0) ||
            (dx && memcmp(a.dx, b.dx, conv->x_count * sizeof *a.dx) != 0))
            fail_msg("%s: %s and %s give different bits", problems[i], pixels_name, direct_name);
        compared += y && dx;
        conv2d_result_free(&a);
        conv2d_result_free(&b);
    }
    assert_true(compared >= 10);
    fv_context_destroy(context);
}

#if defined(__x86_64__)
/* The rule between the two: a first layer with few filters goes to lanes of pixels, a layer whose channels fill vectors
 * does not. */
FV_TEST(conv2d_algorithms, few_channels_go_to_lanes_of_pixels)
{
    static const struct {
        const char *problem;
        bool pixels[FVI_PASSES];
    } rules[] = {
        { "n64c1h28k6r5p2", { true, true, true } }, /* LeNet's first */
        { "n64c3h32k6r5p2", { true, true, true } },         { "n16c64h56k64r3p1", { false, false, false } },
        { "n64c6h14k16r5", { false, false, false } }, /* its second: rows of 10 pixels */
        { "n16c32h28k32r3p1g32", { false, false, false } },
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        fvi_conv2d_shape shape;
        assert_null(fvi_conv2d_parse(rules[i].problem, &shape));
        for (shape.n = 1; shape.n <= 64; shape.n *= 4) { /* whatever the batch: it must not show in the bits */
            fvi_conv2d_plan plan;
            fvi_conv2d_choose(&plan, &shape, FV_F32, FVI_ISA_AVX2, 2, false, NULL);
            for (int pass = 0; pass < FVI_PASSES; pass++)
                if (runs(&plan, (fvi_pass)pass, "pixels") != rules[i].pixels[pass])
                    fail_msg("%s, n %d: pass %d by %s", rules[i].problem, (int)shape.n, pass,
                             plan.pass[pass].algorithm);
        }
    }
}
#else
FV_TEST(conv2d_algorithms, few_channels_go_to_lanes_of_pixels)
{
    test_skip("the table names tiles of AVX2");
}
#endif

#if defined(FVI_TEST_WIDE)
extern const fvi_brgemm fvi_brgemm_wide;
extern const fvi_depthwise fvi_depthwise_wide;
extern const fvi_pixel_gemm fvi_pixel_gemm_wide;
extern const fvi_winograd fvi_winograd_wide;

static bool cpu_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}

/* With a plan that runs a variant with 16 lanes wherever it accepts, and the direct one for AVX2 elsewhere. */
static void check_wide(conv2d_case *conv, const char *problem, const char *name, const void *kernel,
                       const char *(*accept)(fvi_conv2d_plan *plan, fvi_pass pass))
{
    fvi_conv2d_plan plan, wide;
    bool accepted = false;
    fvi_conv2d_choose(&plan, &conv->shape, FV_F32, FVI_ISA_AVX2, 2, false, "direct_avx2");
    fvi_conv2d_choose(&wide, &conv->shape, FV_F32, FVI_ISA_AVX2, 2, false, name);
    wide.asked_for = true;
    for (int pass = 0; pass < FVI_PASSES; pass++) {
        memset(&wide.pass[pass].border, 0, sizeof wide.pass[pass].border);
        wide.pass[pass].kernel = kernel;
        if (strcmp(wide.pass[pass].algorithm, name) == 0 && accept(&wide, (fvi_pass)pass) == NULL) {
            plan.pass[pass] = wide.pass[pass];
            accepted = true;
        }
    }
    if (accepted)
        check_algorithm(conv, &plan, problem);
}

/* The logic of AVX-512's tiles on a CPU with AVX2. */
FV_TEST(conv2d_algorithms, sixteen_lanes_on_avx2_match_float64)
{
    if (!cpu_has_avx2())
        test_skip("this CPU has no AVX2");
    fv_context *context = context_with(2);
    for (size_t i = 0; i < PROBLEMS; i += problem_step()) {
        conv2d_case *conv = case_of(context, i);
        check_wide(conv, problems[i], "direct_avx2", &fvi_brgemm_wide, fvi_conv2d_direct_accept);
        check_wide(conv, problems[i], "pixels_avx2", &fvi_pixel_gemm_wide, fvi_conv2d_pixels_accept);
        check_wide(conv, problems[i], "winograd_avx2", &fvi_winograd_wide, fvi_conv2d_winograd_accept);
        check_wide(conv, problems[i], "depthwise_avx2", &fvi_depthwise_wide, fvi_conv2d_depthwise_accept);
    }
    fv_context_destroy(context);
}
#else
FV_TEST(conv2d_algorithms, sixteen_lanes_on_avx2_match_float64)
{
    test_skip("sixteen lanes are lowered on x86-64 only");
}
#endif

FV_TESTS(conv2d_algorithms, all_match_float64_on_every_problem, a_call_may_have_fewer_images_than_the_plan,
         threads_never_show_in_the_bits, the_plans_batch_never_shows_in_the_bits,
         lanes_of_pixels_and_of_channels_give_the_same_bits, few_channels_go_to_lanes_of_pixels,
         sixteen_lanes_on_avx2_match_float64)
