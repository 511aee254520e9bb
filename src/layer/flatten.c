/* SPDX-License-Identifier: Apache-2.0
 *
 * flatten.c - an image as a vector, in the order c, h, w, as files and other frameworks have it. In memory images are h, w, c, so
 * this is a transposition; before a dense layer the planner drops it and gives dense the image instead.
 */
#include <string.h>

#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/split.h"

static fv_status infer(fvi_infer *node)
{
    const fv_image_shape in = node->in[0];
    const int64_t elements = (int64_t)in.c * in.h;
    if (elements > INT32_MAX / in.w)
        return fvi_fail(node->context, FV_ERR_SHAPE, "flatten '%s': an input of %dx%dx%d is more than %d elements",
                        node->name, in.c, in.h, in.w, INT32_MAX);
    node->out = (fv_image_shape){ (int32_t)(elements * in.w), 1, 1 };
    node->reach.whole = true;
    return FV_OK;
}

typedef struct flatten_pass {
    fv_dtype dtype;
    const fvi_view *image, *vector;
    bool to_vector;
} flatten_pass;

static void move_f32(float *pixel, float *vector, int32_t channels, size_t plane, bool to_vector)
{
    for (int32_t c = 0; c < channels; c++, vector += plane)
        if (to_vector)
            *vector = pixel[c];
        else
            pixel[c] = *vector;
}

static void move_f64(double *pixel, double *vector, int32_t channels, size_t plane, bool to_vector)
{
    for (int32_t c = 0; c < channels; c++, vector += plane)
        if (to_vector)
            *vector = pixel[c];
        else
            pixel[c] = *vector;
}

/* Row `item % h` of image `item / h`. */
static void move_rows(const void *argument, size_t first, size_t count)
{
    const flatten_pass *pass = argument;
    const fvi_view *image = pass->image;
    const size_t plane = (size_t)image->h * (size_t)image->w;
    for (size_t item = first; item < first + count; item++) {
        const int32_t n = (int32_t)(item / (size_t)image->h), h = (int32_t)(item % (size_t)image->h);
        char *vector = fvi_view_at(pass->vector, pass->dtype, n, 0, 0);
        for (int32_t w = 0; w < image->w; w++) {
            void *pixel = fvi_view_at(image, pass->dtype, n, h, w);
            void *to = vector + ((size_t)h * (size_t)image->w + (size_t)w) * fv_dtype_size(pass->dtype);
            if (pass->dtype == FV_F64)
                move_f64(pixel, to, image->c, plane, pass->to_vector);
            else
                move_f32(pixel, to, image->c, plane, pass->to_vector);
        }
    }
}

static void run(const fvi_call *call, const fvi_view *image, const fvi_view *vector, bool to_vector)
{
    const flatten_pass pass = { .dtype = call->dtype, .image = image, .vector = vector, .to_vector = to_vector };
    const size_t row = (size_t)image->w * (size_t)image->c;
    fvi_split_items(call->context, (size_t)call->n * (size_t)image->h, row, move_rows, &pass);
}

static fv_status forward(fvi_call *call)
{
    const fvi_view *x = &call->x[0];
    if (x->data != call->y.data)
        run(call, x, &call->y, true);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    const fvi_view *dx = &call->dx[0];
    if (dx->data && dx->data != call->dy.data)
        run(call, dx, &call->dy, false);
    return FV_OK;
}

const fvi_layer fvi_layer_flatten = {
    .name = "flatten",
    .onnx_op = "Flatten",
    .formula = "y[(c*H + h)*W + w] = x[c,h,w]",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .is_view = true,
    .infer = infer,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
