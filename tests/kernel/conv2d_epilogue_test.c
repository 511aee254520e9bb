/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_epilogue_test.c - what becomes of a convolution's output behind it, y = f(y + summand), is what the same convolution without it
 * and one plain loop give, for every algorithm, forward and backward by data: the same bits, as both add and compare the
 * same numbers once.
 */
#include "kernel/conv/conv2d.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/conv/conv2d_direct.h"
#include "support/test.h"

static const char *const problems[] = {
    "n2c19h9w7k45r1",     /* rows continue each other; a last block of one vector, partly filled */
    "n1c40h6w11k23r3p1",  /* rows do not, where a border is read; one vector and a part of another */
    "n3c72h13k72r3u2p1",  /* from copies; by data in parity classes */
    "n2c24h10k24r3p1g2",  /* groups */
    "n7c33h1k50r1",       /* images are pixels */
    "n1c3h21k16r7u2p3",   /* first layer */
    "n2c32h11k32r3p1g32", /* depthwise */
};

/* Memory of a view's own, with room for `border` pixels around and `more` channels beside; values from -1 to 1. */
typedef struct tensor {
    float *memory;
    size_t count;
    fvi_view view;
} tensor;

static tensor make(int32_t n, int32_t h, int32_t w, int32_t c, const int32_t border[4], int32_t more, uint32_t seed)
{
    tensor t = { .view = { .n = n, .h = h, .w = w, .c = c, .pixel_stride = c + more } };
    memcpy(t.view.border, border, sizeof t.view.border);
    t.view.row_stride = t.view.pixel_stride * (w + border[1] + border[3]);
    t.view.image_stride = t.view.row_stride * (h + border[0] + border[2]);
    t.count = (size_t)t.view.image_stride * (size_t)n;
    t.memory = aligned_alloc(64, (t.count * sizeof(float) + 127) / 64 * 64);
    assert_non_null(t.memory);
    for (size_t i = 0; i < t.count; i++) {
        seed = seed * 1664525u + 1013904223u;
        t.memory[i] = (float)(seed >> 8) * 0x1p-23f - 1.0f;
    }
    t.view.data = t.memory + border[0] * t.view.row_stride + border[1] * t.view.pixel_stride;
    fvi_view_clear_border(&t.view, FV_F32, 0, n);
    return t;
}

static float *pixel_of(const fvi_view *view, int32_t n, int32_t i, int32_t j)
{
    return (float *)view->data + n * view->image_stride + i * view->row_stride + j * view->pixel_stride;
}

static void finish_plainly(const fvi_view *y, const fvi_view *summand, const fvi_activation *f)
{
    for (int32_t n = 0; n < y->n; n++)
        for (int32_t i = 0; i < y->h; i++)
            for (int32_t j = 0; j < y->w; j++)
                for (int32_t c = 0; c < y->c; c++) {
                    float *v = pixel_of(y, n, i, j) + c;
                    *v += summand != NULL ? pixel_of(summand, n, i, j)[c] : 0.0f;
                    if (f != NULL)
                        *v = *v < 0.0f ? 0.0f : f->kind == FVI_RELU6 && *v > 6.0f ? 6.0f : *v;
                }
}

static void run(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const fvi_view *from,
                const float *packed, const fvi_conv2d_epilogue *epilogue, const fvi_view *to, float *scratch)
{
    if (pass == FVI_FORWARD)
        fvi_conv2d_forward(plan, context, from, packed, NULL, epilogue, to, scratch);
    else
        fvi_conv2d_backward_data(plan, context, from, packed, epilogue, to, scratch);
}

/* kind: 0 nothing, 1 ReLU, 2 ReLU6; where: of the summand, 0 nowhere, 1 dense, 2 a slice, 3 within a border. */
static void check(fv_context *context, const fvi_conv2d_plan *plan, fvi_pass pass, const char *problem, int32_t kind,
                  int32_t where)
{
    const fvi_conv2d_shape *s = &plan->shape;
    const bool forward = pass == FVI_FORWARD;
    const int32_t none[4] = { 0 }, one[4] = { 1, 1, 1, 1 };
    const int32_t h = forward ? s->oh : s->h, w = forward ? s->ow : s->w, c = forward ? s->k : s->c;
    tensor from = make(s->n, forward ? s->h : s->oh, forward ? s->w : s->ow, forward ? s->c : s->k,
                       plan->pass[pass].border, 0, 1);
    tensor got = make(s->n, h, w, c, none, where == 2 ? 3 : 0, 2),
           wanted = make(s->n, h, w, c, none, where == 2 ? 3 : 0, 2);
    tensor summand = make(s->n, h, w, c, where == 3 ? one : none, where == 2 ? 5 : 0, 3);
    const size_t weights = (size_t)s->k * (size_t)(s->c / s->groups) * (size_t)s->r * (size_t)s->s;
    tensor kernel = make(1, 1, 1, (int32_t)weights, none, 0, 4);
    float *packed = aligned_alloc(64, plan->pass[pass].packed_bytes / 64 * 64 + 64);
    float *scratch = aligned_alloc(64, plan->pass[pass].scratch_bytes / 64 * 64 + 64);
    assert_non_null(packed);
    assert_non_null(scratch);
    fvi_conv2d_pack(plan, context, pass, kernel.memory, packed);
    const fvi_activation f = { .kind = kind == 1 ? FVI_RELU : FVI_RELU6 };
    const fvi_conv2d_epilogue epilogue = { .kernels = fvi_kernels_for(FV_F32, plan->isa, false),
                                           .activation = kind > 0 ? &f : NULL,
                                           .summand = where > 0 ? &summand.view : NULL };
    run(plan, context, pass, &from.view, packed, &epilogue, &got.view, scratch);
    run(plan, context, pass, &from.view, packed, NULL, &wanted.view, scratch);
    finish_plainly(&wanted.view, epilogue.summand, epilogue.activation);
    for (size_t i = 0; i < got.count; i++)
        if (got.memory[i] != wanted.memory[i])
            fail_msg("%s by %s, %s, activation %d, summand %d: float %zu is %g instead of %g", problem,
                     plan->pass[pass].algorithm, fvi_conv2d_pass_name(pass), (int)kind, (int)where, i,
                     (double)got.memory[i], (double)wanted.memory[i]);
    free(packed);
    free(scratch);
    tensor *const all[] = { &from, &got, &wanted, &summand, &kernel };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]->memory);
}

static void check_all(fv_context *context, const fvi_conv2d_plan *plan, const char *algorithm, const char *problem)
{
    for (int32_t pass = FVI_FORWARD; pass <= FVI_BACKWARD_DATA; pass++)
        for (int32_t kind = 0; kind < 3; kind++)
            for (int32_t where = 0; where < 4; where++)
                if ((kind > 0 || where > 0) && strcmp(plan->pass[pass].algorithm, algorithm) == 0)
                    check(context, plan, (fvi_pass)pass, problem, kind, where);
}

static fv_context *two_threads(void)
{
    fv_context *context = NULL;
    const fv_context_options options = { .threads = test_threads(2) };
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

FV_TEST(conv2d_epilogue, is_what_a_pass_behind_the_convolution_gives)
{
    fv_context *context = two_threads();
    const fvi_isa isa = fvi_context_isa(context);
    size_t count = 0;
    const fvi_conv2d_algorithm *table = fvi_conv2d_algorithms(isa, FV_F32, &count);
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        fvi_conv2d_shape shape;
        assert_null(fvi_conv2d_parse(problems[i], &shape));
        for (size_t a = 0; a < count; a++) {
            fvi_conv2d_plan plan;
            fvi_conv2d_choose(&plan, &shape, FV_F32, isa, fv_context_threads(context), false, table[a].name);
            check_all(context, &plan, table[a].name, problems[i]);
        }
    }
    fv_context_destroy(context);
}

#if defined(FVI_TEST_WIDE)
extern const fvi_brgemm fvi_brgemm_wide;

FV_TEST(conv2d_epilogue, of_sixteen_lanes_too)
{
    if (__builtin_cpu_supports("avx2") == 0 || __builtin_cpu_supports("fma") == 0)
        test_skip("this CPU has no AVX2");
    fv_context *context = two_threads();
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        fvi_conv2d_shape shape;
        assert_null(fvi_conv2d_parse(problems[i], &shape));
        fvi_conv2d_plan plan;
        fvi_conv2d_choose(&plan, &shape, FV_F32, FVI_ISA_AVX2, fv_context_threads(context), false, "direct_avx2");
        for (int32_t pass = FVI_FORWARD; pass <= FVI_BACKWARD_DATA; pass++) {
            memset(&plan.pass[pass].border, 0, sizeof plan.pass[pass].border);
            plan.pass[pass].kernel = &fvi_brgemm_wide;
            assert_null(fvi_conv2d_direct_accept(&plan, (fvi_pass)pass));
        }
        check_all(context, &plan, "direct_avx2", problems[i]);
    }
    fv_context_destroy(context);
}
#else
FV_TEST(conv2d_epilogue, of_sixteen_lanes_too)
{
    test_skip("sixteen lanes are lowered on x86-64 only");
}
#endif

FV_TESTS(conv2d_epilogue, is_what_a_pass_behind_the_convolution_gives, of_sixteen_lanes_too)
