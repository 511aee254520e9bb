/* SPDX-License-Identifier: Apache-2.0
 *
 * trial.c - memory for one convolution, and running its passes (trial.h).
 */
#include "plan/trial.h"

#include <string.h>

#include "base/random.h"

/* count floats: random in [-1, 1), the same few thousand again and again; or zero. */
static fv_status make_values(fvi_trial *trial, float **out, size_t count, bool zero)
{
    enum { DIFFERENT = 4093 };
    fvi_random random = fvi_random_start(1, FVI_PURPOSE_TEST, count);
    float *values = fvi_allocate_zeroed(trial->context, count, sizeof *values);
    *out = values;
    if (values == NULL)
        return fvi_out_of_memory(trial->context, "values of a convolution", count * sizeof *values);
    for (size_t i = 0; !zero && i < count && i < DIFFERENT; i++)
        values[i] = (float)(2 * fvi_random_uniform(&random) - 1);
    for (size_t i = DIFFERENT; !zero && i < count; i++)
        values[i] = values[i - DIFFERENT];
    return FV_OK;
}

/* n images of h x w x c inside borders that hold zeros. */
static fv_status make_view(fvi_trial *trial, fvi_view *view, float **data, const fvi_view *sizes,
                           const int32_t border[4])
{
    const size_t image = fvi_view_image_elements(sizes->h, sizes->w, sizes->c, border);
    FV_TRY(make_values(trial, data, image * (size_t)sizes->n, false));
    *view = *sizes;
    view->pixel_stride = view->c;
    view->row_stride = (ptrdiff_t)(view->w + border[1] + border[3]) * view->c;
    view->image_stride = (ptrdiff_t)image;
    view->data = *data + border[0] * view->row_stride + border[1] * view->pixel_stride;
    memcpy(view->border, border, sizeof view->border);
    fvi_view_clear_border(view, FV_F32, 0, view->n);
    return FV_OK;
}

static bool has(uint32_t passes, fvi_pass pass)
{
    return (passes & (1u << pass)) != 0;
}

static void widen(int32_t border[4], const int32_t wanted[4])
{
    for (int side = 0; side < 4; side++)
        border[side] = wanted[side] > border[side] ? wanted[side] : border[side];
}

static fv_status make_views(fvi_trial *trial, uint32_t passes)
{
    const fvi_conv2d_plan *plan = &trial->plan;
    const fvi_conv2d_shape *s = &plan->shape;
    const fvi_view input = { .n = s->n, .h = s->h, .w = s->w, .c = s->c };
    const fvi_view output = { .n = s->n, .h = s->oh, .w = s->ow, .c = s->k };
    const int32_t none[4] = { 0 };
    int32_t x_border[4] = { 0 }, dy_border[4] = { 0 };
    for (int pass = 0; pass < FVI_PASSES; pass++)
        if (has(passes, (fvi_pass)pass))
            widen(pass == FVI_BACKWARD_DATA ? dy_border : x_border, plan->pass[pass].border);
    if (has(passes, FVI_FORWARD) || has(passes, FVI_BACKWARD_WEIGHTS))
        FV_TRY(make_view(trial, &trial->x, &trial->x_data, &input, x_border));
    if (has(passes, FVI_FORWARD))
        FV_TRY(make_view(trial, &trial->y, &trial->y_data, &output, none));
    if (has(passes, FVI_BACKWARD_DATA) || has(passes, FVI_BACKWARD_WEIGHTS))
        FV_TRY(make_view(trial, &trial->dy, &trial->dy_data, &output, dy_border));
    if (has(passes, FVI_BACKWARD_DATA))
        FV_TRY(make_view(trial, &trial->dx, &trial->dx_data, &input, none));
    return FV_OK;
}

static fv_status make_weights(fvi_trial *trial, uint32_t passes)
{
    const fvi_conv2d_shape *s = &trial->plan.shape;
    const size_t weights = (size_t)s->k * (size_t)(s->c / s->groups) * (size_t)s->r * (size_t)s->s;
    FV_TRY(make_values(trial, &trial->w, weights, false));
    FV_TRY(make_values(trial, &trial->bias, (size_t)s->k, false));
    if (!has(passes, FVI_BACKWARD_WEIGHTS))
        return FV_OK;
    FV_TRY(make_values(trial, &trial->dw, weights, true));
    return make_values(trial, &trial->db, (size_t)s->k, true);
}

static fv_status make_memory(fvi_trial *trial, uint32_t passes)
{
    for (int pass = 0; pass < FVI_PASSES; pass++) {
        if (!has(passes, (fvi_pass)pass))
            continue;
        trial->packed[pass] = fvi_allocate(trial->context, trial->plan.pass[pass].packed_bytes);
        trial->scratch[pass] = fvi_allocate(trial->context, trial->plan.pass[pass].scratch_bytes);
        if (trial->packed[pass] == NULL || trial->scratch[pass] == NULL)
            return fvi_out_of_memory(trial->context, "packed weights and scratch", trial->plan.pass[pass].packed_bytes);
        if (pass != FVI_BACKWARD_WEIGHTS)
            fvi_conv2d_pack(&trial->plan, trial->context, (fvi_pass)pass, trial->w, trial->packed[pass]);
    }
    return FV_OK;
}

fv_status fvi_trial_open(fvi_trial *trial, fv_context *context, const fvi_conv2d_plan *plan, uint32_t passes)
{
    *trial = (fvi_trial){ .context = context, .plan = *plan };
    fv_status status = make_views(trial, passes);
    if (status == FV_OK)
        status = make_weights(trial, passes);
    if (status == FV_OK)
        status = make_memory(trial, passes);
    if (status != FV_OK)
        fvi_trial_close(trial);
    return status;
}

void fvi_trial_close(fvi_trial *trial)
{
    float *const values[] = { trial->x_data, trial->dx_data, trial->y_data, trial->dy_data,
                              trial->w,      trial->bias,    trial->dw,     trial->db };
    if (trial->context == NULL)
        return;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        fvi_release(trial->context, values[i]);
    for (int pass = 0; pass < FVI_PASSES; pass++) {
        fvi_release(trial->context, trial->packed[pass]);
        fvi_release(trial->context, trial->scratch[pass]);
    }
    *trial = (fvi_trial){ 0 };
}

void fvi_trial_run(fvi_trial *trial, fvi_pass pass)
{
    const fvi_conv2d_plan *plan = &trial->plan;
    if (pass == FVI_FORWARD)
        fvi_conv2d_forward(plan, trial->context, &trial->x, trial->packed[pass], trial->bias, NULL, &trial->y,
                           trial->scratch[pass]);
    else if (pass == FVI_BACKWARD_DATA)
        fvi_conv2d_backward_data(plan, trial->context, &trial->dy, trial->packed[pass], NULL, &trial->dx,
                                 trial->scratch[pass]);
    else
        fvi_conv2d_backward_weights(plan, trial->context, &trial->x, &trial->dy, trial->dw, trial->db,
                                    trial->scratch[pass]);
}
