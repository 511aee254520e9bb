/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_case.c - see conv2d_case.h.
 */
#include "support/conv2d_case.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/test.h"
#include "support/winograd_bound.h"

static double *numbers(size_t count)
{
    double *values = calloc(count > 0 ? count : 1, sizeof *values);
    assert_non_null(values);
    return values;
}

/* Values that float32 holds exactly, so that both precisions compute the same problem. */
static double *random_numbers(size_t count, fvi_random *random)
{
    double *values = numbers(count);
    for (size_t i = 0; i < count; i++)
        values[i] = (double)(float)(2.0 * fvi_random_uniform(random) - 1.0);
    return values;
}

static double *magnitudes(const double *values, size_t count)
{
    double *result = numbers(count);
    for (size_t i = 0; i < count; i++)
        result[i] = fabs(values[i]);
    return result;
}

static void reference(const conv2d_case *conv, double *x, double *w, double *b, double *dy, double *const out[4])
{
    const fvi_conv2d_shape *shape = &conv->shape;
    fvi_conv2d_plan plan;
    fvi_conv2d_choose(&plan, shape, FV_F64, FVI_ISA_BASELINE, 1, true, NULL);
    const fvi_view x_view = fvi_view_dense(x, conv->n, shape->h, shape->w, shape->c);
    const fvi_view dy_view = fvi_view_dense(dy, conv->n, shape->oh, shape->ow, shape->k);
    const fvi_view y_view = fvi_view_dense(out[0], conv->n, shape->oh, shape->ow, shape->k);
    const fvi_view dx_view = fvi_view_dense(out[1], conv->n, shape->h, shape->w, shape->c);
    fvi_conv2d_forward(&plan, conv->context, &x_view, w, b, NULL, &y_view, NULL);
    fvi_conv2d_backward_data(&plan, conv->context, &dy_view, w, NULL, &dx_view, NULL);
    fvi_conv2d_backward_weights(&plan, conv->context, &x_view, &dy_view, out[2], out[3], NULL);
}

conv2d_case conv2d_case_make(fv_context *context, const char *problem, int32_t n)
{
    conv2d_case conv = { .context = context };
    const char *wrong = fvi_conv2d_parse(problem, &conv.shape);
    if (wrong != NULL)
        fail_msg("%s: %s", problem, wrong);
    const fvi_conv2d_shape *shape = &conv.shape;
    conv.n = n > 0 && n < shape->n ? n : shape->n;
    conv.x_count = (size_t)conv.n * (size_t)shape->h * (size_t)shape->w * (size_t)shape->c;
    conv.y_count = (size_t)conv.n * (size_t)shape->oh * (size_t)shape->ow * (size_t)shape->k;
    conv.w_count = (size_t)shape->k * (size_t)(shape->c / shape->groups) * (size_t)shape->r * (size_t)shape->s;
    fvi_random random = fvi_random_start(1, FVI_PURPOSE_TEST, fvi_hash_text(problem));
    conv.x = random_numbers(conv.x_count, &random);
    conv.w = random_numbers(conv.w_count, &random);
    conv.b = random_numbers((size_t)shape->k, &random);
    conv.dy = random_numbers(conv.y_count, &random);
    return conv;
}

void conv2d_case_answer(conv2d_case *conv)
{
    const size_t k = (size_t)conv->shape.k;
    double **const answers[4] = { &conv->y, &conv->dx, &conv->dw, &conv->db };
    double **const sums[4] = { &conv->y_sum, &conv->dx_sum, &conv->dw_sum, &conv->db_sum };
    const size_t counts[4] = { conv->y_count, conv->x_count, conv->w_count, k };
    if (conv->y != NULL)
        return;
    for (int i = 0; i < 4; i++) {
        *answers[i] = numbers(counts[i]);
        *sums[i] = numbers(counts[i]);
    }
    reference(conv, conv->x, conv->w, conv->b, conv->dy, (double *const[]){ conv->y, conv->dx, conv->dw, conv->db });
    double *const x = magnitudes(conv->x, conv->x_count), *const w = magnitudes(conv->w, conv->w_count);
    double *const b = magnitudes(conv->b, k), *const dy = magnitudes(conv->dy, conv->y_count);
    reference(conv, x, w, b, dy, (double *const[]){ conv->y_sum, conv->dx_sum, conv->dw_sum, conv->db_sum });
    free(x);
    free(w);
    free(b);
    free(dy);
}

void conv2d_case_free(conv2d_case *conv)
{
    double *const all[] = { conv->x,      conv->w,      conv->b,          conv->dy,          conv->y,
                            conv->dx,     conv->dw,     conv->db,         conv->y_sum,       conv->dx_sum,
                            conv->dw_sum, conv->db_sum, conv->y_winograd, conv->dx_winograd, conv->dw_winograd };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    memset(conv, 0, sizeof *conv);
}

/* A view in memory of its own, whose surroundings are known. */
typedef struct surrounded {
    fvi_view view;
    unsigned char *memory;
    size_t bytes;
} surrounded;

static unsigned char *aligned_bytes(size_t bytes)
{
    unsigned char *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    assert_non_null(memory);
    memset(memory, 0xff, (bytes + 127) / 64 * 64); /* NaN in both precisions */
    return memory;
}

/* n images of h x w pixels with c channels out of c + extra, the border zeroed when `zeroed`, all else NaN. */
static surrounded surround(fv_dtype dtype, const int32_t size[4], const int32_t border[4], int32_t extra, bool zeroed)
{
    const ptrdiff_t pixel = size[3] + extra;
    const ptrdiff_t row = pixel * (size[2] + border[1] + border[3]), image = row * (size[1] + border[0] + border[2]);
    surrounded made = { .bytes = (size_t)(image * size[0]) * fv_dtype_size(dtype) };
    made.memory = aligned_bytes(made.bytes);
    made.view = (fvi_view){ .n = size[0],
                            .h = size[1],
                            .w = size[2],
                            .c = size[3],
                            .image_stride = image,
                            .row_stride = row,
                            .pixel_stride = pixel };
    memcpy(made.view.border, border, sizeof made.view.border);
    made.view.data = made.memory + (size_t)(border[0] * row + border[1] * pixel + extra / 2) * fv_dtype_size(dtype);
    if (zeroed)
        fvi_view_clear_border(&made.view, dtype, 0, size[0]);
    return made;
}

static void put(void *to, fv_dtype dtype, size_t index, double value)
{
    if (dtype == FV_F64)
        ((double *)to)[index] = value;
    else
        ((float *)to)[index] = (float)value;
}

static double get(const void *from, fv_dtype dtype, size_t index)
{
    return dtype == FV_F64 ? ((const double *)from)[index] : (double)((const float *)from)[index];
}

static void fill(const surrounded *to, fv_dtype dtype, const double *values)
{
    for (int32_t n = 0; n < to->view.n; n++)
        for (int32_t h = 0; h < to->view.h; h++)
            for (int32_t w = 0; w < to->view.w; w++)
                for (int32_t c = 0; c < to->view.c; c++)
                    put(fvi_view_at(&to->view, dtype, n, h, w), dtype, (size_t)c, *values++);
}

/* Takes the values out, leaving NaN, and checks that all memory is NaN then: nothing around was written. */
static double *take(surrounded *from, fv_dtype dtype, const char *what)
{
    const fvi_view *view = &from->view;
    double *values = numbers((size_t)view->n * (size_t)view->h * (size_t)view->w * (size_t)view->c);
    double *to = values;
    for (int32_t n = 0; n < view->n; n++)
        for (int32_t h = 0; h < view->h; h++)
            for (int32_t w = 0; w < view->w; w++) {
                void *pixel = fvi_view_at(view, dtype, n, h, w);
                for (int32_t c = 0; c < view->c; c++)
                    *to++ = get(pixel, dtype, (size_t)c);
                memset(pixel, 0xff, (size_t)view->c * fv_dtype_size(dtype));
            }
    for (size_t i = 0; i < from->bytes; i++)
        if (from->memory[i] != 0xff)
            fail_msg("%s: byte %zu outside the view was written", what, i);
    free(from->memory);
    return values;
}

static void *convert(const double *values, size_t count, fv_dtype dtype)
{
    void *to = aligned_bytes(count * fv_dtype_size(dtype));
    for (size_t i = 0; i < count; i++)
        put(to, dtype, i, values[i]);
    return to;
}

static double *widen_and_free(void *from, size_t count, fv_dtype dtype)
{
    double *values = numbers(count);
    for (size_t i = 0; i < count; i++)
        values[i] = get(from, dtype, i);
    free(from);
    return values;
}

/* Of how many values of each pixel the pass told. */
typedef struct watched {
    const fvi_view *view;
    atomic_int *told;
} watched;

static size_t pixels_of(const fvi_view *view)
{
    return (size_t)view->n * (size_t)view->h * (size_t)view->w;
}

static void wrote(void *argument, size_t first, size_t pixels, int32_t channels)
{
    const watched *w = argument;
    for (size_t p = first; p < first + pixels; p++)
        if (p < pixels_of(w->view))
            atomic_fetch_add(&w->told[p], channels);
}

static watched watch_view(const fvi_view *view)
{
    watched w = { .view = view };
    w.told = calloc(pixels_of(view), sizeof *w.told);
    assert_non_null(w.told);
    return w;
}

static void check_told(watched *w, const char *algorithm)
{
    for (size_t p = 0; p < pixels_of(w->view); p++)
        if (atomic_load(&w->told[p]) != w->view->c)
            fail_msg("%s: %d values of pixel %zu were told of, not %d", algorithm, atomic_load(&w->told[p]), p,
                     w->view->c);
    free(w->told);
}

/* A sum behind backward by data gives the bits of the pass, then the sum. */
static void check_data_epilogue(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy,
                                const void *packed, void *scratch, const double *plain)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    const int32_t size[4] = { dy->n, shape->h, shape->w, shape->c };
    const size_t count = (size_t)size[0] * (size_t)size[1] * (size_t)size[2] * (size_t)size[3];
    const fvi_kernels *kernels = fvi_kernels_for(plan->dtype, plan->isa, false);
    double *summand = numbers(count);
    for (size_t i = 0; i < count; i++)
        summand[i] = (double)(float)((double)(i * 2654435761u % 2048) / 1024 - 1);
    surrounded s = surround(plan->dtype, size, (const int32_t[]){ 0, 1, 1, 0 }, 3, false);
    surrounded dx = surround(plan->dtype, size, (const int32_t[]){ 1, 0, 0, 2 }, 0, false);
    fill(&s, plan->dtype, summand);
    watched told = watch_view(&dx.view);
    const fvi_watch watch = { .wrote = wrote, .argument = &told };
    const fvi_conv2d_epilogue epilogue = { .kernels = kernels, .summand = &s.view, .watch = &watch };
    fvi_conv2d_backward_data(plan, context, dy, packed, &epilogue, &dx.view, scratch);
    check_told(&told, plan->pass[FVI_BACKWARD_DATA].algorithm);
    double *got = take(&dx, plan->dtype, "backward by data with an epilogue");
    for (size_t i = 0; i < count; i++) {
        const double wanted =
            plan->dtype == FV_F64 ? plain[i] + summand[i] : (double)((float)plain[i] + (float)summand[i]);
        if (got[i] != wanted)
            fail_msg("%s, epilogue: dx[%zu] is %.9g, not %.9g", plan->pass[FVI_BACKWARD_DATA].algorithm, i, got[i],
                     wanted);
    }
    free(got);
    free(s.memory);
    free(summand);
}

/* Sum and activation behind the pass give the bits of the pass, then the sum, then the activation. */
static void check_epilogue(const fvi_conv2d_plan *plan, fv_context *context, const fvi_activation *f, bool sum,
                           const fvi_view *x, const void *packed, const void *b, void *scratch, const double *plain)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    const int32_t size[4] = { x->n, shape->oh, shape->ow, shape->k };
    const size_t count = (size_t)size[0] * (size_t)size[1] * (size_t)size[2] * (size_t)size[3];
    const fvi_kernels *kernels = fvi_kernels_for(plan->dtype, plan->isa, false);
    double *summand = numbers(count);
    for (size_t i = 0; i < count; i++)
        summand[i] = (double)(float)((double)(i * 2654435761u % 2048) / 1024 - 1);
    surrounded s = surround(plan->dtype, size, (const int32_t[]){ 0, 1, 1, 0 }, 3, false);
    surrounded y = surround(plan->dtype, size, (const int32_t[]){ 1, 0, 0, 2 }, 0, false);
    fill(&s, plan->dtype, summand);
    watched told = watch_view(&y.view);
    const fvi_watch watch = { .wrote = wrote, .argument = &told };
    const fvi_conv2d_epilogue epilogue = {
        .kernels = kernels, .activation = f, .summand = sum ? &s.view : NULL, .watch = &watch
    };
    fvi_conv2d_forward(plan, context, x, packed, b, &epilogue, &y.view, scratch);
    check_told(&told, plan->pass[FVI_FORWARD].algorithm);
    double *got = take(&y, plan->dtype, "forward with an epilogue");
    void *expected = convert(plain, count, plan->dtype), *other = convert(summand, count, plan->dtype);
    if (sum)
        kernels->add(count, expected, other, expected);
    if (f != NULL)
        kernels->activation(f, count, expected, expected);
    double *wanted = widen_and_free(expected, count, plan->dtype);
    for (size_t i = 0; i < count; i++)
        if (got[i] != wanted[i])
            fail_msg("%s, epilogue: y[%zu] is %.9g, not %.9g", plan->pass[FVI_FORWARD].algorithm, i, got[i], wanted[i]);
    free(wanted);
    free(other);
    free(got);
    free(s.memory);
    free(summand);
}

conv2d_result conv2d_case_run(const conv2d_case *conv, const fvi_conv2d_plan *plan, fv_context *context, int32_t extra)
{
    const fvi_conv2d_shape *shape = &conv->shape;
    const fv_dtype dtype = plan->dtype;
    const int32_t x_size[4] = { conv->n, shape->h, shape->w, shape->c };
    const int32_t y_size[4] = { conv->n, shape->oh, shape->ow, shape->k };
    void *const w = convert(conv->w, conv->w_count, dtype), *const b = convert(conv->b, (size_t)shape->k, dtype);
    conv2d_result result;
    for (int pass = 0; pass < FVI_PASSES; pass++)
        result.winograd[pass] = strncmp(plan->pass[pass].algorithm, "winograd", strlen("winograd")) == 0;

    void *packed = aligned_bytes(plan->pass[FVI_FORWARD].packed_bytes);
    void *scratch = aligned_bytes(plan->pass[FVI_FORWARD].scratch_bytes);
    surrounded x = surround(dtype, x_size, plan->pass[FVI_FORWARD].border, extra, true);
    surrounded y = surround(dtype, y_size, (const int32_t[]){ 1, 0, 2, 1 }, extra, false);
    fill(&x, dtype, conv->x);
    fvi_conv2d_pack(plan, context, FVI_FORWARD, w, packed);
    fvi_conv2d_forward(plan, context, &x.view, packed, b, NULL, &y.view, scratch);
    result.y = take(&y, dtype, "forward");
    const fvi_activation relu = { .kind = FVI_RELU }, leaky = { .kind = FVI_LEAKY_RELU, .a = 0.25 };
    if (extra > 0) {
        check_epilogue(plan, context, &relu, true, &x.view, packed, b, scratch, result.y);
        check_epilogue(plan, context, &relu, false, &x.view, packed, b, scratch, result.y);
        check_epilogue(plan, context, &leaky, true, &x.view, packed, b, scratch, result.y);
        check_epilogue(plan, context, NULL, true, &x.view, packed, b, scratch, result.y);
    }
    free(x.memory);
    free(packed);
    free(scratch);

    packed = aligned_bytes(plan->pass[FVI_BACKWARD_DATA].packed_bytes);
    scratch = aligned_bytes(plan->pass[FVI_BACKWARD_DATA].scratch_bytes);
    surrounded dy = surround(dtype, y_size, plan->pass[FVI_BACKWARD_DATA].border, extra, true);
    surrounded dx = surround(dtype, x_size, (const int32_t[]){ 0, 2, 1, 0 }, extra, false);
    fill(&dy, dtype, conv->dy);
    fvi_conv2d_pack(plan, context, FVI_BACKWARD_DATA, w, packed);
    fvi_conv2d_backward_data(plan, context, &dy.view, packed, NULL, &dx.view, scratch);
    result.dx = take(&dx, dtype, "backward by data");
    if (extra > 0)
        check_data_epilogue(plan, context, &dy.view, packed, scratch, result.dx);
    free(dy.memory);
    free(packed);
    free(scratch);

    scratch = aligned_bytes(plan->pass[FVI_BACKWARD_WEIGHTS].scratch_bytes);
    x = surround(dtype, x_size, plan->pass[FVI_BACKWARD_WEIGHTS].border, extra, true);
    dy = surround(dtype, y_size, (const int32_t[4]){ 0 }, extra, false);
    fill(&x, dtype, conv->x);
    fill(&dy, dtype, conv->dy);
    void *const dw = aligned_bytes(conv->w_count * fv_dtype_size(dtype));
    void *const db = aligned_bytes((size_t)shape->k * fv_dtype_size(dtype));
    fvi_conv2d_backward_weights(plan, context, &x.view, &dy.view, dw, db, scratch);
    if (extra > 0) { /* many layers have no bias, and no sum to make */
        const size_t bytes = conv->w_count * fv_dtype_size(dtype);
        void *const alone = aligned_bytes(bytes);
        fvi_conv2d_backward_weights(plan, context, &x.view, &dy.view, alone, NULL, scratch);
        if (memcmp(alone, dw, bytes) != 0)
            fail_msg("%s: other gradients of the weights without a bias", plan->pass[FVI_BACKWARD_WEIGHTS].algorithm);
        free(alone);
    }
    result.dw = widen_and_free(dw, conv->w_count, dtype);
    result.db = widen_and_free(db, (size_t)shape->k, dtype);
    free(x.memory);
    free(dy.memory);
    free(scratch);
    free(w);
    free(b);
    return result;
}

void conv2d_result_free(conv2d_result *result)
{
    free(result->y);
    free(result->dx);
    free(result->dw);
    free(result->db);
    memset(result, 0, sizeof *result);
}

static void check(const double *got, const double *exact, const double *sum, size_t count, double terms,
                  const char *label, const char *what)
{
    const double bound = terms * (double)FLT_EPSILON / (1.0 - terms * (double)FLT_EPSILON);
    for (size_t i = 0; i < count; i++) {
        const double error = fabs(got[i] - exact[i]);
        if (!(error <= bound * sum[i]))
            fail_msg("%s: %s[%zu] is %.9g, not %.9g: off by %.3g, allowed %.3g", label, what, i, got[i], exact[i],
                     error, bound * sum[i]);
    }
}

static void winograd_answer(conv2d_case *conv)
{
    if (conv->y_winograd != NULL)
        return;
    conv->y_winograd = numbers(conv->y_count);
    conv->dx_winograd = numbers(conv->x_count);
    conv->dw_winograd = numbers(conv->w_count);
    winograd_magnitudes(conv, conv->y_winograd, conv->dx_winograd, conv->dw_winograd);
    for (size_t i = 0; i < conv->y_count; i++)
        conv->y_winograd[i] += fabs(conv->b[i % (size_t)conv->shape.k]);
}

/* The passes that minimal filtering did. */
static void check_winograd(conv2d_case *conv, const conv2d_result *result, const char *label)
{
    const fvi_conv2d_shape *shape = &conv->shape;
    const int more = winograd_roundings(shape->r);
    const double tiles = (double)conv->n * ((shape->oh + 3) / 4) * ((shape->ow + 3) / 4);
    winograd_answer(conv);
    if (result->winograd[FVI_FORWARD])
        check(result->y, conv->y, conv->y_winograd, conv->y_count, shape->c / shape->groups + more, label, "y");
    if (result->winograd[FVI_BACKWARD_DATA])
        check(result->dx, conv->dx, conv->dx_winograd, conv->x_count, shape->k / shape->groups + more, label, "dx");
    if (result->winograd[FVI_BACKWARD_WEIGHTS])
        check(result->dw, conv->dw, conv->dw_winograd, conv->w_count, tiles + more, label, "dw");
}

void conv2d_case_check(conv2d_case *conv, const conv2d_result *result, const char *label)
{
    const fvi_conv2d_shape *shape = &conv->shape;
    const double taps = (double)shape->r * shape->s, pixels = (double)conv->n * shape->oh * shape->ow;
    const bool *winograd = result->winograd;
    conv2d_case_answer(conv);
    if (winograd[FVI_FORWARD] || winograd[FVI_BACKWARD_DATA] || winograd[FVI_BACKWARD_WEIGHTS])
        check_winograd(conv, result, label);
    /* One rounding a product and one a sum, with the bias and the storing to spare. */
    const double y_terms = taps * (shape->c / shape->groups) + 2, dx_terms = taps * (shape->k / shape->groups) + 2;
    if (!winograd[FVI_FORWARD])
        check(result->y, conv->y, conv->y_sum, conv->y_count, y_terms, label, "y");
    if (!winograd[FVI_BACKWARD_DATA])
        check(result->dx, conv->dx, conv->dx_sum, conv->x_count, dx_terms, label, "dx");
    if (!winograd[FVI_BACKWARD_WEIGHTS])
        check(result->dw, conv->dw, conv->dw_sum, conv->w_count, pixels + 2, label, "dw");
    check(result->db, conv->db, conv->db_sum, (size_t)shape->k, pixels + 2, label, "db");
}

bool conv2d_result_same_bits(const conv2d_case *conv, const conv2d_result *a, const conv2d_result *b)
{
    return memcmp(a->y, b->y, conv->y_count * sizeof *a->y) == 0 &&
           memcmp(a->dx, b->dx, conv->x_count * sizeof *a->dx) == 0 &&
           memcmp(a->dw, b->dw, conv->w_count * sizeof *a->dw) == 0 &&
           memcmp(a->db, b->db, (size_t)conv->shape.k * sizeof *a->db) == 0;
}
