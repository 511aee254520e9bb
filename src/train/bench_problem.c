/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_problem.c - the three passes of one convolution, without a network around it.
 */
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "fovea/bench.h"
#include "kernel/conv/conv2d.h"
#include "train/timing.h"

/* A convolution with everything that its passes read and write. */
typedef struct conv_bench {
    fv_context *context;
    fvi_conv2d_plan plan;
    fvi_view x, dx, y, dy;
    float *x_data, *dx_data, *y_data, *dy_data, *w, *bias, *dw, *db;
    void *packed[FVI_PASSES], *scratch[FVI_PASSES];
} conv_bench;

static const char *const pass_names[FVI_PASSES] = { "forward", "backward_data", "backward_weights" };

static fv_status forward_once(void *argument)
{
    conv_bench *b = argument;
    fvi_conv2d_forward(&b->plan, b->context, &b->x, b->packed[FVI_FORWARD], b->bias, NULL, &b->y,
                       b->scratch[FVI_FORWARD]);
    return FV_OK;
}

static fv_status backward_data_once(void *argument)
{
    conv_bench *b = argument;
    fvi_conv2d_backward_data(&b->plan, b->context, &b->dy, b->packed[FVI_BACKWARD_DATA], &b->dx,
                             b->scratch[FVI_BACKWARD_DATA]);
    return FV_OK;
}

static fv_status backward_weights_once(void *argument)
{
    conv_bench *b = argument;
    fvi_conv2d_backward_weights(&b->plan, b->context, &b->x, &b->dy, b->dw, b->db, b->scratch[FVI_BACKWARD_WEIGHTS]);
    return FV_OK;
}

static fvi_timed_fn *const pass_calls[FVI_PASSES] = { forward_once, backward_data_once, backward_weights_once };

/* count floats, random in [-1, 1), or zero where `zero`. */
static fv_status make_values(conv_bench *b, float **out, size_t count, bool zero)
{
    fvi_random random = fvi_random_start(1, FVI_PURPOSE_TEST, count);
    *out = fvi_allocate_zeroed(b->context, count, sizeof **out);
    if (*out == NULL)
        return fvi_out_of_memory(b->context, "values of a convolution", count * sizeof **out);
    for (size_t i = 0; !zero && i < count; i++)
        (*out)[i] = (float)(2 * fvi_random_uniform(&random) - 1);
    return FV_OK;
}

/* n images of h x w x c inside borders that hold zeros. */
static fv_status make_view(conv_bench *b, fvi_view *view, float **data, int32_t n, int32_t h, int32_t w, int32_t c,
                           const int32_t border[4])
{
    const size_t image = fvi_view_image_elements(h, w, c, border);
    FV_TRY(make_values(b, data, image * (size_t)n, false));
    view->n = n;
    view->h = h;
    view->w = w;
    view->c = c;
    view->pixel_stride = c;
    view->row_stride = (ptrdiff_t)(w + border[1] + border[3]) * c;
    view->image_stride = (ptrdiff_t)image;
    view->data = *data + border[0] * view->row_stride + border[1] * view->pixel_stride;
    memcpy(view->border, border, sizeof view->border);
    fvi_view_clear_border(view, FV_F32, 0, n);
    return FV_OK;
}

static fv_status make_views(conv_bench *b)
{
    const fvi_conv2d_shape *s = &b->plan.shape;
    const int32_t none[4] = { 0, 0, 0, 0 };
    int32_t x_border[4];
    for (int i = 0; i < 4; i++) {
        const int32_t forward = b->plan.pass[FVI_FORWARD].border[i],
                      weights = b->plan.pass[FVI_BACKWARD_WEIGHTS].border[i];
        x_border[i] = forward > weights ? forward : weights;
    }
    const size_t weights = (size_t)s->k * (size_t)(s->c / s->groups) * (size_t)s->r * (size_t)s->s;
    FV_TRY(make_view(b, &b->x, &b->x_data, s->n, s->h, s->w, s->c, x_border));
    FV_TRY(make_view(b, &b->dx, &b->dx_data, s->n, s->h, s->w, s->c, none));
    FV_TRY(make_view(b, &b->y, &b->y_data, s->n, s->oh, s->ow, s->k, none));
    FV_TRY(make_view(b, &b->dy, &b->dy_data, s->n, s->oh, s->ow, s->k, b->plan.pass[FVI_BACKWARD_DATA].border));
    FV_TRY(make_values(b, &b->w, weights, false));
    FV_TRY(make_values(b, &b->bias, (size_t)s->k, false));
    FV_TRY(make_values(b, &b->dw, weights, true));
    return make_values(b, &b->db, (size_t)s->k, true);
}

static fv_status make_memory(conv_bench *b)
{
    for (int pass = 0; pass < FVI_PASSES; pass++) {
        b->packed[pass] = fvi_allocate(b->context, b->plan.pass[pass].packed_bytes);
        b->scratch[pass] = fvi_allocate(b->context, b->plan.pass[pass].scratch_bytes);
        if (b->packed[pass] == NULL || b->scratch[pass] == NULL)
            return fvi_out_of_memory(b->context, "packed weights and scratch", b->plan.pass[pass].packed_bytes);
    }
    fvi_conv2d_pack(&b->plan, b->context, FVI_FORWARD, b->w, b->packed[FVI_FORWARD]);
    fvi_conv2d_pack(&b->plan, b->context, FVI_BACKWARD_DATA, b->w, b->packed[FVI_BACKWARD_DATA]);
    return FV_OK;
}

static fv_status measure_passes(conv_bench *b, double seconds, fv_bench_result *out)
{
    const fvi_conv2d_shape *s = &b->plan.shape;
    const double multiply_adds = (double)s->n * s->k * (s->c / s->groups) * s->r * s->s * s->oh * s->ow;
    out->passes = fvi_allocate_zeroed(b->context, FVI_PASSES, sizeof *out->passes);
    if (out->passes == NULL)
        return fvi_out_of_memory(b->context, "times", FVI_PASSES * sizeof *out->passes);
    for (int i = 0; i < FVI_PASSES; i++) {
        fvi_timing timing;
        fv_bench_pass *pass = &out->passes[out->pass_count++];
        fvi_bench_watch_peak(b->context, out);
        FV_TRY(fvi_time(pass_calls[i], b, seconds, &timing));
        fvi_conv2d_format(s, pass->layer, sizeof pass->layer);
        snprintf(pass->pass, sizeof pass->pass, "%s", pass_names[i]);
        snprintf(pass->algorithm, sizeof pass->algorithm, "%s", b->plan.pass[i].algorithm);
        pass->training = i != FVI_FORWARD;
        pass->seconds = timing.median;
        pass->spread = fvi_timing_spread(&timing);
        pass->gflops = 2e-9 * multiply_adds / timing.median;
    }
    fvi_bench_watch_peak(b->context, out);
    return FV_OK;
}

static void release_all(conv_bench *b)
{
    float *const values[] = { b->x_data, b->dx_data, b->y_data, b->dy_data, b->w, b->bias, b->dw, b->db };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        fvi_release(b->context, values[i]);
    for (int pass = 0; pass < FVI_PASSES; pass++) {
        fvi_release(b->context, b->packed[pass]);
        fvi_release(b->context, b->scratch[pass]);
    }
}

fv_status fv_bench_problem(fv_context *context, const char *problem, const char *algorithm, double seconds,
                           fv_bench_result *out)
{
    conv_bench b = { .context = context };
    fvi_conv2d_shape shape;
    memset(out, 0, sizeof *out);
    if (strncmp(problem, "conv:", 5) != 0)
        return fvi_fail(context, FV_ERR_ARGUMENT, "problem '%s': only conv:... is known, as conv:n16c64h56w56k64r3s3p1",
                        problem);
    const char *wrong = fvi_conv2d_parse(problem + 5, &shape);
    if (wrong != NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "problem '%s': %s", problem, wrong);
    fvi_conv2d_choose(&b.plan, &shape, FV_F32, fvi_context_isa(context), fv_context_threads(context), false, algorithm);
    fv_status status = make_views(&b);
    if (status == FV_OK)
        status = make_memory(&b);
    if (status == FV_OK)
        status = measure_passes(&b, seconds > 0 ? seconds : 1, out);
    release_all(&b);
    if (status != FV_OK)
        fv_bench_release(context, out);
    return status;
}
