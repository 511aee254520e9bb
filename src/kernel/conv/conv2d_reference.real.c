/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_reference.real.c - convolution as its definition reads: the oracle, in float32 and float64. Takes every problem.
 * No borders are asked for: taps outside the image are skipped. Sums run in the order of the loops, in fvi_real.
 */
#include <string.h>

#include "base/real.h"
#include "kernel/conv/conv2d_internal.h"

#define NAME(name) FVI_REAL_NAME(fvi_conv2d_reference_##name)

static size_t weight_count(const fvi_conv2d_shape *shape)
{
    return (size_t)shape->k * (size_t)(shape->c / shape->groups) * (size_t)shape->r * (size_t)shape->s;
}

const char *NAME(accept)(fvi_conv2d_plan *plan, fvi_pass pass)
{
    if (pass != FVI_BACKWARD_WEIGHTS)
        plan->pass[pass].packed_bytes = weight_count(&plan->shape) * sizeof(fvi_real);
    return NULL;
}

/* The weights as they are, OIHW. */
void NAME(pack)(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w, void *packed)
{
    (void)context;
    (void)pass;
    memcpy(packed, w, weight_count(&plan->shape) * sizeof(fvi_real));
}

static inline const fvi_real *at(const fvi_view *view, int32_t n, int32_t h, int32_t w)
{
    return (const fvi_real *)view->data + n * view->image_stride + h * view->row_stride + w * view->pixel_stride;
}

typedef struct reference_call {
    const fvi_conv2d_shape *shape;
    const fvi_view *x, *y; /* or their gradients */
    const fvi_real *w, *bias;
    const fvi_conv2d_epilogue *epilogue; /* or NULL */
    fvi_real *dw, *db;
} reference_call;

static inline fvi_real weight(const reference_call *call, int32_t k, int32_t c, int32_t r, int32_t s)
{
    const fvi_conv2d_shape *p = call->shape;
    const size_t channels = (size_t)(p->c / p->groups);
    return call->w[(((size_t)k * channels + (size_t)c) * (size_t)p->r + (size_t)r) * (size_t)p->s + (size_t)s];
}

/* One output value: bias plus the sum over the taps that lie in the image. */
static fvi_real output_value(const reference_call *call, int32_t n, int32_t i, int32_t j, int32_t k)
{
    const fvi_conv2d_shape *p = call->shape;
    const int32_t channels = p->c / p->groups;
    const int32_t first = k / (p->k / p->groups) * channels;
    fvi_real sum = call->bias != NULL ? call->bias[k] : (fvi_real)0;
    for (int32_t r = 0; r < p->r; r++) {
        const int32_t h = i * p->stride[0] + r * p->dilation[0] - p->pad[0];
        for (int32_t s = 0; s < p->s && h >= 0 && h < p->h; s++) {
            const int32_t w = j * p->stride[1] + s * p->dilation[1] - p->pad[1];
            if (w < 0 || w >= p->w)
                continue;
            const fvi_real *x = at(call->x, n, h, w) + first;
            for (int32_t c = 0; c < channels; c++)
                sum += x[c] * weight(call, k, c, r, s);
        }
    }
    return sum;
}

static void forward_row(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const reference_call *call = argument;
    const fvi_conv2d_shape *p = call->shape;
    const int32_t n = (int32_t)(index / (size_t)p->oh), i = (int32_t)(index % (size_t)p->oh);
    for (int32_t j = 0; j < p->ow; j++) {
        fvi_real *y =
            (fvi_real *)call->y->data + n * call->y->image_stride + i * call->y->row_stride + j * call->y->pixel_stride;
        for (int32_t k = 0; k < p->k; k++)
            y[k] = output_value(call, n, i, j, k);
    }
    fvi_conv2d_finish(call->epilogue, call->y, index * (size_t)p->ow, (size_t)p->ow, 0, p->k);
}

void NAME(forward)(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x, const void *packed,
                   const void *bias, const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch)
{
    (void)scratch;
    reference_call call = { .shape = &plan->shape, .x = x, .y = y, .w = packed, .bias = bias, .epilogue = epilogue };
    fvi_parallel(context, (size_t)x->n * (size_t)plan->shape.oh, forward_row, &call);
}

/* The output index that tap `tap` of input position `position` belongs to, or -1. */
static int32_t output_index(int32_t position, int32_t tap, int32_t dilation, int32_t pad, int32_t stride, int32_t count)
{
    const int32_t numerator = position + pad - tap * dilation;
    return numerator < 0 || numerator % stride != 0 || numerator / stride >= count ? -1 : numerator / stride;
}

static fvi_real input_gradient(const reference_call *call, int32_t n, int32_t h, int32_t w, int32_t c)
{
    const fvi_conv2d_shape *p = call->shape;
    const int32_t channels = p->c / p->groups, filters = p->k / p->groups;
    const int32_t first = c / channels * filters;
    fvi_real sum = 0;
    for (int32_t r = 0; r < p->r; r++) {
        const int32_t i = output_index(h, r, p->dilation[0], p->pad[0], p->stride[0], p->oh);
        for (int32_t s = 0; s < p->s && i >= 0; s++) {
            const int32_t j = output_index(w, s, p->dilation[1], p->pad[1], p->stride[1], p->ow);
            if (j < 0)
                continue;
            const fvi_real *dy = at(call->y, n, i, j);
            for (int32_t k = first; k < first + filters; k++)
                sum += dy[k] * weight(call, k, c % channels, r, s);
        }
    }
    return sum;
}

static void backward_data_row(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const reference_call *call = argument;
    const fvi_conv2d_shape *p = call->shape;
    const int32_t n = (int32_t)(index / (size_t)p->h), h = (int32_t)(index % (size_t)p->h);
    for (int32_t w = 0; w < p->w; w++) {
        fvi_real *dx =
            (fvi_real *)call->x->data + n * call->x->image_stride + h * call->x->row_stride + w * call->x->pixel_stride;
        for (int32_t c = 0; c < p->c; c++)
            dx[c] = input_gradient(call, n, h, w, c);
    }
    fvi_conv2d_finish(call->epilogue, call->x, index * (size_t)p->w, (size_t)p->w, 0, p->c);
}

void NAME(backward_data)(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy, const void *packed,
                         const fvi_conv2d_epilogue *epilogue, const fvi_view *dx, void *scratch)
{
    (void)scratch;
    reference_call call = { .shape = &plan->shape, .x = dx, .y = dy, .w = packed, .epilogue = epilogue };
    fvi_parallel(context, (size_t)dy->n * (size_t)plan->shape.h, backward_data_row, &call);
}

static fvi_real weight_gradient(const reference_call *call, int32_t k, int32_t c, int32_t r, int32_t s)
{
    const fvi_conv2d_shape *p = call->shape;
    const int32_t channel = k / (p->k / p->groups) * (p->c / p->groups) + c;
    fvi_real sum = 0;
    for (int32_t n = 0; n < call->x->n; n++) {
        for (int32_t i = 0; i < p->oh; i++) {
            const int32_t h = i * p->stride[0] + r * p->dilation[0] - p->pad[0];
            for (int32_t j = 0; j < p->ow && h >= 0 && h < p->h; j++) {
                const int32_t w = j * p->stride[1] + s * p->dilation[1] - p->pad[1];
                if (w >= 0 && w < p->w)
                    sum += at(call->y, n, i, j)[k] * at(call->x, n, h, w)[channel];
            }
        }
    }
    return sum;
}

static void backward_weights_filter(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const reference_call *call = argument;
    const fvi_conv2d_shape *p = call->shape;
    const int32_t k = (int32_t)index, channels = p->c / p->groups;
    fvi_real *dw = call->dw + (size_t)k * (size_t)channels * (size_t)p->r * (size_t)p->s;
    for (int32_t c = 0; c < channels; c++)
        for (int32_t r = 0; r < p->r; r++)
            for (int32_t s = 0; s < p->s; s++)
                *dw++ = weight_gradient(call, k, c, r, s);
    if (call->db == NULL)
        return;
    fvi_real sum = 0;
    for (int32_t n = 0; n < call->x->n; n++)
        for (int32_t i = 0; i < p->oh; i++)
            for (int32_t j = 0; j < p->ow; j++)
                sum += at(call->y, n, i, j)[k];
    call->db[k] = sum;
}

void NAME(backward_weights)(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x, const fvi_view *dy,
                            void *dw, void *db, void *scratch)
{
    (void)scratch;
    reference_call call = { .shape = &plan->shape, .x = x, .y = dy, .dw = dw, .db = db };
    fvi_parallel(context, (size_t)plan->shape.k, backward_weights_filter, &call);
}
