/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_bf16_test.c - convolutions in bfloat16, all three passes, against the reference in float64 on the same rounded numbers:
 * what is left is the rounding of sums in float32. With every instruction set that this CPU has, and 16 lanes lowered to AVX2.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/bf16/conv2d_bf16.h"
#include "kernel/conv/conv2d.h"
#include "support/test.h"
#include "support/values.h"

#if defined(FVI_TEST_WIDE)
extern const fvi_bf16_dot fvi_bf16_dot_wide;
#endif

static const char *const problems[] = {
    "n1c1h1k1r1",             /* smallest: half of the only pair is zero */
    "n2c16h7w5k40r1",         /* 1x1; two blocks of outputs, the second not full */
    "n3c17h9w8k33r3p1",       /* odd channels, padding */
    "n2c20h9w9k24r3u2p1",     /* strides: no backward by data */
    "n2c18h8w9k20r3d2p2",     /* dilation */
    "n2c16h9w5k17r1s5u1v2p2", /* a row kernel; no backward by data */
    "n1c300h3w3k70r2p1",      /* more than one piece of channels, more outputs than inputs */
    "n5c16h5w5k21r5",         /* dense on an image */
    "n70c33h1k65r1",          /* dense on vectors */
    "n3c1200h1k9r1",          /* more pairs than a block */
    "n9c24h13w11k16r1",       /* several groups of pixels, ranges of images */
};
enum { PROBLEMS = sizeof problems / sizeof problems[0] };

/* Tensors of one problem: as bf16, as float64, and the gradients and results. */
typedef struct tensors {
    fvi_conv2d_shape shape;
    size_t x, y, w; /* elements */
    uint16_t *x16, *dy16, *dx16, *y16;
    double *x64, *dy64, *w64, *b64, *y64, *dx64, *dw64, *db64;
    float *w32, *b32, *y32, *dx32, *dw32, *db32;
} tensors;

static void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count + 16, size);
    assert_non_null(memory);
    return memory;
}

/* Random bf16 numbers in [-1, 1], three ways. */
static void fill(size_t count, uint64_t seed, uint16_t *as16, float *as32, double *as64)
{
    test_fill(as64, count, seed, -1, 1);
    for (size_t i = 0; i < count; i++) {
        const uint16_t rounded = fvi_bf16_from_float((float)as64[i]);
        as64[i] = (double)fvi_bf16_to_float(rounded);
        if (as16 != NULL)
            as16[i] = rounded;
        if (as32 != NULL)
            as32[i] = (float)as64[i];
    }
}

static tensors make(const char *problem)
{
    tensors t = { 0 };
    const char *wrong = fvi_conv2d_parse(problem, &t.shape);
    if (wrong != NULL)
        fail_msg("%s: %s", problem, wrong);
    const fvi_conv2d_shape *s = &t.shape;
    t.x = (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
    t.y = (size_t)s->n * (size_t)s->oh * (size_t)s->ow * (size_t)s->k;
    t.w = (size_t)s->k * (size_t)s->c * (size_t)s->r * (size_t)s->s;
    uint16_t **const halves[] = { &t.x16, &t.dx16, &t.y16, &t.dy16 };
    float **const singles[] = { &t.w32, &t.b32, &t.y32, &t.dx32, &t.dw32, &t.db32 };
    double **const doubles[] = { &t.x64, &t.dy64, &t.w64, &t.b64, &t.y64, &t.dx64, &t.dw64, &t.db64 };
    const size_t most = t.x + t.y + t.w + (size_t)s->k;
    for (size_t i = 0; i < 4; i++)
        *halves[i] = zeros(most, sizeof(uint16_t));
    for (size_t i = 0; i < 6; i++)
        *singles[i] = zeros(most, sizeof(float));
    for (size_t i = 0; i < 8; i++)
        *doubles[i] = zeros(most, sizeof(double));
    fill(t.x, 1, t.x16, NULL, t.x64);
    fill(t.y, 2, t.dy16, NULL, t.dy64);
    fill(t.w, 3, NULL, t.w32, t.w64);
    fill((size_t)s->k, 4, NULL, t.b32, t.b64);
    return t;
}

static void release(const tensors *t)
{
    void *const all[] = { t->x16,  t->dx16, t->y16,  t->dy16, t->w32, t->b32, t->y32,  t->dx32, t->dw32,
                          t->db32, t->x64,  t->dy64, t->w64,  t->b64, t->y64, t->dx64, t->dw64, t->db64 };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static fvi_view input(const tensors *t, void *data, bool is_bf16)
{
    fvi_view view = fvi_view_dense(data, t->shape.n, t->shape.h, t->shape.w, t->shape.c);
    view.is_bf16 = is_bf16;
    return view;
}

static fvi_view output(const tensors *t, void *data, bool is_bf16)
{
    fvi_view view = fvi_view_dense(data, t->shape.n, t->shape.oh, t->shape.ow, t->shape.k);
    view.is_bf16 = is_bf16;
    return view;
}

static void reference(fv_context *context, const tensors *t)
{
    fvi_conv2d_plan plan;
    fvi_conv2d_choose(&plan, &t->shape, FV_F64, FVI_ISA_BASELINE, 1, true, NULL);
    void *packed = zeros(plan.pass[0].packed_bytes + plan.pass[1].packed_bytes, 1), *scratch = zeros(1 << 20, 1);
    const fvi_view x = input(t, t->x64, false), y = output(t, t->y64, false);
    const fvi_view dx = input(t, t->dx64, false), dy = output(t, t->dy64, false);
    for (int pass = 0; pass < FVI_PASSES; pass++)
        assert_true(plan.pass[pass].scratch_bytes <= 1 << 20);
    fvi_conv2d_pack(&plan, context, FVI_FORWARD, t->w64, packed);
    fvi_conv2d_forward(&plan, context, &x, packed, t->b64, NULL, &y, scratch);
    fvi_conv2d_pack(&plan, context, FVI_BACKWARD_DATA, t->w64, packed);
    fvi_conv2d_backward_data(&plan, context, &dy, packed, NULL, &dx, scratch);
    fvi_conv2d_backward_weights(&plan, context, &x, &dy, t->dw64, t->db64, scratch);
    free(packed);
    free(scratch);
}

/* A sum of m products of numbers in [-1, 1) is about sqrt(m)/3, its parts too and rarely more than four times that; each of m
 * additions errs by at most 2^-24 of such a part, and errors of either sign add up to sqrt(m) of them: m/3 * 2^-24 at four
 * deviations of both, rounded up to 4 m 2^-24. */
static void check(const char *problem, const char *kernels, const char *what, size_t count, const float *found,
                  const double *exact, size_t terms)
{
    const double bound = 4 * (double)terms * pow(2, -24);
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)found[i] - exact[i]) <= bound))
            fail_msg("%s, %s: %s[%zu] is %.9g, not %.9g: off by %g, bound %g", problem, kernels, what, i, found[i],
                     exact[i], (double)found[i] - exact[i], bound);
}

static void check_rounded(const char *problem, const char *kernels, size_t count, const uint16_t *found,
                          const float *whole)
{
    for (size_t i = 0; i < count; i++)
        if (found[i] != fvi_bf16_from_float(whole[i]))
            fail_msg("%s, %s: result %zu is %04x, but %.9g rounds to %04x", problem, kernels, i, found[i], whole[i],
                     fvi_bf16_from_float(whole[i]));
}

static void run_passes(fv_context *context, const fvi_conv2d_bf16 *plan, const char *problem, const tensors *t)
{
    const fvi_conv2d_shape *s = &t->shape;
    const size_t bytes = plan->scratch_bytes[0] + plan->scratch_bytes[1] + plan->scratch_bytes[2];
    void *packed = zeros(plan->packed_bytes[0] + plan->packed_bytes[1], 1),
         *scratch = aligned_alloc(64, bytes + 64 - bytes % 64);
    const fvi_view x = input(t, t->x16, true), y = output(t, t->y32, false), y16 = output(t, t->y16, true);
    const fvi_view dx = input(t, t->dx32, false), dx16 = input(t, t->dx16, true), dy = output(t, t->dy16, true);
    assert_non_null(scratch);
    memset(scratch, 0xff, bytes); /* NaN */
    fvi_conv2d_bf16_pack(plan, context, FVI_FORWARD, t->w32, packed);
    fvi_conv2d_bf16_forward(plan, context, &x, packed, t->b32, NULL, &y, scratch);
    fvi_conv2d_bf16_forward(plan, context, &x, packed, t->b32, NULL, &y16, scratch);
    const size_t area = (size_t)s->r * (size_t)s->s;
    check(problem, plan->dot->name, "y", t->y, t->y32, t->y64, area * (size_t)s->c + 1);
    check_rounded(problem, plan->dot->name, t->y, t->y16, t->y32);
    if (fvi_conv2d_bf16_refused(s, FVI_BACKWARD_DATA) == NULL) {
        fvi_conv2d_bf16_pack(plan, context, FVI_BACKWARD_DATA, t->w32, packed);
        fvi_conv2d_bf16_backward_data(plan, context, &dy, packed, &dx, scratch);
        fvi_conv2d_bf16_backward_data(plan, context, &dy, packed, &dx16, scratch);
        check(problem, plan->dot->name, "dx", t->x, t->dx32, t->dx64, area * (size_t)s->k);
        check_rounded(problem, plan->dot->name, t->x, t->dx16, t->dx32);
    }
    memset(scratch, 0xff, bytes);
    fvi_conv2d_bf16_backward_weights(plan, context, &x, &dy, t->dw32, t->db32, scratch);
    const size_t pixels = (size_t)s->n * (size_t)s->oh * (size_t)s->ow;
    check(problem, plan->dot->name, "dw", t->w, t->dw32, t->dw64, pixels);
    check(problem, plan->dot->name, "db", (size_t)s->k, t->db32, t->db64, pixels);
    free(packed);
    free(scratch);
}

FV_TEST(conv2d_bf16, passes_match_the_reference)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = test_threads(3) }), FV_OK);
    for (size_t p = 0; p < PROBLEMS; p++) {
        const tensors t = make(problems[p]);
        fvi_conv2d_bf16 plan;
        reference(context, &t);
        for (int isa = FVI_ISA_BASELINE; isa <= FVI_ISA_NEON; isa++) {
            if (!fvi_isa_runs((fvi_isa)isa, fvi_cpu_features()))
                continue;
            fvi_conv2d_bf16_plan(&plan, &t.shape, (fvi_isa)isa, fv_context_threads(context));
            run_passes(context, &plan, problems[p], &t);
        }
        release(&t);
    }
    fv_context_destroy(context);
}

#if defined(FVI_TEST_WIDE)
/* The plan of AVX-512 with its kernels lowered to AVX2. */
FV_TEST(conv2d_bf16, sixteen_lanes_match_the_reference)
{
    fv_context *context = NULL;
    if (!fvi_isa_runs(FVI_ISA_AVX2, fvi_cpu_features()))
        test_skip("this CPU has no AVX2");
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = test_threads(2) }), FV_OK);
    for (size_t p = 0; p < PROBLEMS; p++) {
        const tensors t = make(problems[p]);
        fvi_conv2d_bf16 plan;
        reference(context, &t);
        fvi_conv2d_bf16_plan(&plan, &t.shape, FVI_ISA_AVX512, fv_context_threads(context));
        plan.dot = &fvi_bf16_dot_wide;
        plan.convert = fvi_bf16_kernels_for(FVI_ISA_AVX2);
        run_passes(context, &plan, problems[p], &t);
        release(&t);
    }
    fv_context_destroy(context);
}
#endif

/* Results do not depend on threads; a call may have fewer images than the plan. */
FV_TEST(conv2d_bf16, threads_do_not_change_a_bit)
{
    const tensors t = make("n9c24h13w11k16r3p1");
    float *first = zeros(t.w, sizeof(float)), *second = zeros(t.w, sizeof(float));
    for (int32_t threads = 1; threads <= 3; threads++) {
        fv_context *context = NULL;
        fvi_conv2d_bf16 plan;
        assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = test_threads(threads) }), FV_OK);
        fvi_conv2d_bf16_plan(&plan, &t.shape, fvi_context_isa(context), fv_context_threads(context));
        void *scratch = aligned_alloc(64, (plan.scratch_bytes[2] + 63) / 64 * 64);
        const fvi_view x = fvi_view_first(input(&t, t.x16, true), 7), dy = fvi_view_first(output(&t, t.dy16, true), 7);
        assert_non_null(scratch);
        fvi_conv2d_bf16_backward_weights(&plan, context, &x, &dy, threads == 1 ? first : second, NULL, scratch);
        if (threads > 1)
            assert_memory_equal(first, second, t.w * sizeof(float));
        free(scratch);
        fv_context_destroy(context);
    }
    free(first);
    free(second);
    release(&t);
}

/* In each row of a tile the order of additions is written down: high halves before low ones. */
FV_TEST(conv2d_bf16, the_second_of_a_pair_is_added_first)
{
    float y[64];
    uint16_t x[2] = { fvi_bf16_from_float(1), fvi_bf16_from_float(1) };
    int32_t w[64];
    fvi_conv2d_shape shape;
    fvi_conv2d_bf16 plan;
    assert_null(fvi_conv2d_parse("n1c2h1k1r1", &shape));
    const uint32_t tiny = fvi_bf16_from_float(0x1p-24f), large = fvi_bf16_from_float(1);
    for (int isa = FVI_ISA_BASELINE; isa <= FVI_ISA_NEON; isa++) {
        if (!fvi_isa_runs((fvi_isa)isa, fvi_cpu_features()))
            continue;
        fvi_conv2d_bf16_plan(&plan, &shape, (fvi_isa)isa, 1);
        for (size_t i = 0; i < plan.dot->outputs; i++)
            w[i] = (int32_t)(tiny << 16 | large);
        for (size_t i = 0; i < plan.dot->outputs; i++)
            y[i] = 0x1p-24f; /* + 2^-24 is 2^-23, + 1 is 1 + 2^-23; the other way round 1 swallows both */
        const fvi_bf16_rows rows = { .x = x, .w = w, .y = y, .x_row = 2, .y_row = 64, .pairs = 1, .rows = 1 };
        plan.dot->rows(&rows);
        assert_true(y[0] == 1 + 0x1p-23f);
    }
}

#if defined(FVI_TEST_WIDE)
FV_TESTS(conv2d_bf16, passes_match_the_reference, sixteen_lanes_match_the_reference, threads_do_not_change_a_bit,
         the_second_of_a_pair_is_added_first)
#else
FV_TESTS(conv2d_bf16, passes_match_the_reference, threads_do_not_change_a_bit, the_second_of_a_pair_is_added_first)
#endif
