/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_int8_test.c - convolutions in 8 bits: the bytes of plain loops over integers, bit for bit, with the kernels of every instruction set
 * that this CPU has, and with 16 lanes that sum four bytes at a time lowered to AVX2.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/int8/conv2d_int8.h"
#include "support/test.h"
#include "support/values.h"

#if defined(FVI_TEST_WIDE)
extern const fvi_int8_kernels fvi_int8_wide;
#endif

static const char *const problems[] = {
    "n1c1h1k1r1",             /* smallest */
    "n2c16h7w5k40r1",         /* 1x1; a second block of outputs, not full */
    "n3c17h9w8k33r3p1",       /* odd channels, padding; several rows of y in a task */
    "n2c3h17w60k10r5p2",      /* wider than a task's pixels; few channels */
    "n2c20h9w9k24r3u2p1",     /* strides */
    "n2c18h8w9k20r3d2p2",     /* dilation: gathered */
    "n2c16h9w5k17r1s5u1v2p2", /* a row kernel */
    "n2c12h7w7k18r3p1g3",     /* groups: gathered */
    "n2c19h9w11k19r3p1g19",   /* depthwise, an odd number of channels */
    "n1c40h9k40r5u2p2g40d2",  /* depthwise, strides, dilation, an odd number of taps */
    "n5c16h5w5k21r5",         /* dense on an image */
    "n7c33h1k65r1",           /* dense on vectors */
    "n3c4200h1k9r1",          /* more steps than a block */
    "n1c2h4k3r7p3",           /* a kernel larger than the image */
};
enum { PROBLEMS = sizeof problems / sizeof problems[0] };

/* One problem: bytes, weights, and what plain loops make of them. */
typedef struct tensors {
    fvi_conv2d_shape shape;
    size_t x, y, w;
    uint8_t *x8, *y8, *summand;
    float *w32, *weight_scale, *bias, *y32, *exact;
} tensors;

enum { X_ZERO = 131, Y_ZERO = 17, SUMMAND_ZERO = 90 };
static const float x_scale = 0.013f, y_scale = 0.71f, summand_scale = 0.3f;

static void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count + 16, size);
    assert_non_null(memory);
    return memory;
}

static void random_bytes(size_t count, uint32_t stream, uint8_t *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (uint8_t)test_hash((uint32_t)i, stream);
}

static tensors make(const char *problem)
{
    tensors t = { 0 };
    const char *wrong = fvi_conv2d_parse(problem, &t.shape);
    if (wrong != NULL)
        fail_msg("%s: %s", problem, wrong);
    const fvi_conv2d_shape *s = &t.shape;
    const size_t k = (size_t)s->k, each = (size_t)(s->c / s->groups) * (size_t)s->r * (size_t)s->s;
    t.x = (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
    t.y = (size_t)s->n * (size_t)s->oh * (size_t)s->ow * k;
    t.w = k * each;
    t.x8 = zeros(t.x, 1);
    t.y8 = zeros(t.y, 1);
    t.summand = zeros(t.y, 1);
    t.w32 = zeros(t.w, sizeof(float));
    t.weight_scale = zeros(k, sizeof(float));
    t.bias = zeros(k, sizeof(float));
    t.y32 = zeros(t.y, sizeof(float));
    t.exact = zeros(t.y, sizeof(float));
    random_bytes(t.x, 1, t.x8);
    random_bytes(t.y, 2, t.summand);
    for (size_t i = 0; i < k; i++) {
        t.weight_scale[i] = (float)(0.01 + 0.005 * test_hashed((uint32_t)i, 3));
        t.bias[i] = (float)(8 * test_hashed((uint32_t)i, 4));
        for (size_t j = 0; j < each; j++) /* the ends of the range too */
            t.w32[i * each + j] =
                (float)((int32_t)(test_hash((uint32_t)(i * each + j), 5) % 255) - 127) * t.weight_scale[i];
    }
    for (size_t i = 0; i < t.x; i += 3) /* the sums that would saturate 16 bits */
        t.x8[i] = 255;
    return t;
}

static void release(const tensors *t)
{
    void *const all[] = { t->x8, t->y8, t->summand, t->w32, t->weight_scale, t->bias, t->y32, t->exact };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

/* sum of (q - zero) * w, by definition. */
static int64_t plain_sum(const tensors *t, int32_t n, int32_t i, int32_t j, int32_t k)
{
    const fvi_conv2d_shape *s = &t->shape;
    const int32_t c = s->c / s->groups, g = k / (s->k / s->groups);
    int64_t sum = 0;
    for (int32_t r = 0; r < s->r; r++)
        for (int32_t q = 0; q < s->s; q++)
            for (int32_t e = 0; e < c; e++) {
                const int32_t h = i * s->stride[0] + r * s->dilation[0] - s->pad[0];
                const int32_t w = j * s->stride[1] + q * s->dilation[1] - s->pad[1];
                const float weight = t->w32[((k * c + e) * s->r + r) * s->s + q];
                if (h >= 0 && h < s->h && w >= 0 && w < s->w)
                    sum += (t->x8[((n * s->h + h) * s->w + w) * s->c + g * c + e] - X_ZERO) *
                           (int32_t)lrintf(weight / t->weight_scale[k]);
            }
    return sum;
}

/* y by definition, in float32: each operation rounded once. */
static void answer(const tensors *t)
{
    const fvi_conv2d_shape *s = &t->shape;
    float *to = t->exact;
    for (int32_t n = 0; n < s->n; n++)
        for (int32_t i = 0; i < s->oh; i++)
            for (int32_t j = 0; j < s->ow; j++)
                for (int32_t k = 0; k < s->k; k++)
                    *to++ = (float)plain_sum(t, n, i, j, k) * (x_scale * t->weight_scale[k]) + t->bias[k];
}

static uint8_t byte_of(float value, float scale, int32_t zero)
{
    const float q = rintf(value * (1 / scale)) + (float)zero;
    return (uint8_t)(q < 0 ? 0 : q > 255 ? 255 : q);
}

static fvi_view bytes_view(const tensors *t, uint8_t *data, bool is_x, float scale, int32_t zero)
{
    const fvi_conv2d_shape *s = &t->shape;
    fvi_view view =
        is_x ? fvi_view_dense(data, s->n, s->h, s->w, s->c) : fvi_view_dense(data, s->n, s->oh, s->ow, s->k);
    view.is_u8 = true;
    view.scale = scale;
    view.zero_point = zero;
    return view;
}

static void check(const char *problem, const fvi_int8_kernels *kernels, const char *what, const tensors *t,
                  const fvi_kernels *floats)
{
    const fvi_activation relu = { .kind = FVI_RELU };
    fv_context *context = NULL;
    fvi_conv2d_int8 plan;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = test_threads(3) }), FV_OK);
    fvi_conv2d_int8_plan(&plan, &t->shape, kernels, fv_context_threads(context));
    void *packed = aligned_alloc(64, (plan.packed_bytes + 63) / 64 * 64),
         *scratch = aligned_alloc(64, (plan.scratch_bytes + 63) / 64 * 64);
    assert_true(packed != NULL && scratch != NULL);
    memset(packed, 0xff, plan.packed_bytes);
    memset(scratch, 0xff, plan.scratch_bytes);
    const fvi_view x = bytes_view(t, t->x8, true, x_scale, X_ZERO), y = bytes_view(t, t->y8, false, y_scale, Y_ZERO),
                   summand = bytes_view(t, t->summand, false, summand_scale, SUMMAND_ZERO),
                   wide = fvi_view_dense(t->y32, t->shape.n, t->shape.oh, t->shape.ow, t->shape.k);
    const fvi_int8_weights weights = {
        .w = t->w32, .weight_scale = t->weight_scale, .bias = t->bias, .x_scale = x_scale, .x_zero = X_ZERO
    };
    const fvi_conv2d_epilogue gated = { .kernels = floats, .activation = &relu },
                              summed = { .kernels = floats, .activation = &relu, .summand = &summand };
    fvi_conv2d_int8_pack(&plan, context, &weights, packed);
    fvi_conv2d_int8_forward(&plan, context, &x, packed, NULL, &wide, scratch);
    for (size_t i = 0; i < t->y; i++)
        if (t->y32[i] != t->exact[i])
            fail_msg("%s, %s: y[%zu] is %.9g, not %.9g", problem, what, i, t->y32[i], t->exact[i]);
    for (int way = 0; way < 3; way++) {
        memset(t->y8, 0xaa, t->y);
        fvi_conv2d_int8_forward(&plan, context, &x, packed, way == 0 ? NULL : way == 1 ? &gated : &summed, &y, scratch);
        for (size_t i = 0; i < t->y; i++) {
            float value = t->exact[i];
            value += way == 2 ? (float)(t->summand[i] - SUMMAND_ZERO) * summand_scale : 0;
            value = way > 0 && value < 0 ? 0 : value;
            if (t->y8[i] != byte_of(value, y_scale, Y_ZERO))
                fail_msg("%s, %s, way %d: byte %zu is %d, but %.9g is %d", problem, what, way, i, t->y8[i], value,
                         byte_of(value, y_scale, Y_ZERO));
        }
    }
    free(packed);
    free(scratch);
    fv_context_destroy(context);
}

FV_TEST(conv2d_int8, bytes_are_those_of_plain_loops)
{
    const uint32_t features = fvi_cpu_features(),
                   dots = (uint32_t)FVI_CPU_AVX512_VNNI | (uint32_t)FVI_CPU_AVX_VNNI | (uint32_t)FVI_CPU_DOTPROD;
    for (size_t p = 0; p < PROBLEMS; p++) {
        const tensors t = make(problems[p]);
        answer(&t);
        for (int isa = FVI_ISA_BASELINE; isa <= FVI_ISA_NEON; isa++)
            for (int with = 0; with < 2; with++) {
                if (!fvi_isa_runs((fvi_isa)isa, features))
                    continue;
                const fvi_int8_kernels *kernels =
                    fvi_int8_kernels_for((fvi_isa)isa, with == 0 ? features & ~dots : features);
                check(problems[p], kernels, kernels->name, &t, fvi_kernels_for(FV_F32, (fvi_isa)isa, false));
            }
        release(&t);
    }
}

#if defined(FVI_TEST_WIDE)
FV_TEST(conv2d_int8, sixteen_lanes_of_four_bytes_give_the_same)
{
    if (!fvi_isa_runs(FVI_ISA_AVX2, fvi_cpu_features()))
        test_skip("this CPU has no AVX2");
    assert_int_equal(fvi_int8_wide.group, 4);
    for (size_t p = 0; p < PROBLEMS; p++) {
        const tensors t = make(problems[p]);
        answer(&t);
        check(problems[p], &fvi_int8_wide, "wide", &t, fvi_kernels_for(FV_F32, FVI_ISA_AVX2, false));
        release(&t);
    }
}
#endif

/* Halves go to even bytes, ends hold, a NaN is no undefined conversion. */
FV_TEST(conv2d_int8, rounding_is_the_same_everywhere)
{
    enum { COUNT = 37 };
    const float special[] = { 0.5f, 1.5f, -0.5f, -1.5f, 2.5f, 300, -300, NAN, INFINITY, -INFINITY, 1e30f, 0.4999999f };
    float x[COUNT], back[COUNT];
    uint8_t q[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        x[i] = special[i % (sizeof special / sizeof *special)];
    for (int isa = FVI_ISA_BASELINE; isa <= FVI_ISA_NEON; isa++) {
        if (!fvi_isa_runs((fvi_isa)isa, fvi_cpu_features()))
            continue;
        const fvi_int8_kernels *kernels = fvi_int8_kernels_for((fvi_isa)isa, fvi_cpu_features());
        const uint8_t expected[] = { 100, 102, 100, 98, 102, 255, 0, 0, 255, 0, 255, 100 };
        kernels->quantize(COUNT, 1, 100, x, q);
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(q[i], expected[i % sizeof expected]);
        kernels->dequantize(COUNT, 0.25f, 100, q, back);
        for (size_t i = 0; i < COUNT; i++)
            assert_true(back[i] == (float)(q[i] - 100) * 0.25f);
    }
}

FV_TEST(conv2d_int8, long_sums_are_refused)
{
    fvi_conv2d_shape shape;
    assert_null(fvi_conv2d_parse("n1c8192h3k1r3", &shape));
    assert_non_null(fvi_conv2d_int8_refused(&shape));
    assert_null(fvi_conv2d_parse("n1c7281h3k1r3", &shape));
    assert_null(fvi_conv2d_int8_refused(&shape));
}

#if defined(FVI_TEST_WIDE)
FV_TESTS(conv2d_int8, bytes_are_those_of_plain_loops, sixteen_lanes_of_four_bytes_give_the_same,
         rounding_is_the_same_everywhere, long_sums_are_refused)
#else
FV_TESTS(conv2d_int8, bytes_are_those_of_plain_loops, rounding_is_the_same_everywhere, long_sums_are_refused)
#endif
