/* SPDX-License-Identifier: Apache-2.0
 *
 * window.c - padding modes and output sizes. All arithmetic in 64 bits: every option is a positive 32-bit number, so no
 * sum or product below can overflow.
 */
#include "layer/window.h"

const char *const fvi_padding_words[] = { "explicit", "valid", "same", "full", NULL };

static int32_t *pad_before(fvi_window *window, int axis)
{
    return &window->pad[axis];
}

static int32_t *pad_after(fvi_window *window, int axis)
{
    return &window->pad[axis + 2];
}

/* Rows or columns that a window covers, gaps of a dilation included. */
static int64_t extent(const fvi_window *window, int axis)
{
    return (int64_t)window->dilation[axis] * (window->kernel[axis] - 1) + 1;
}

static fv_status set_pads(fv_context *context, const char *type, const char *name, fvi_window *window, int axis,
                          int64_t before, int64_t after)
{
    if (before > INT32_MAX || after > INT32_MAX)
        return fvi_fail(context, FV_ERR_SHAPE, "%s '%s': padding of %lld and %lld pixels is too much", type, name,
                        (long long)before, (long long)after);
    *pad_before(window, axis) = (int32_t)before;
    *pad_after(window, axis) = (int32_t)after;
    return FV_OK;
}

static fv_status resolve_pads(fv_context *context, const char *type, const char *name, fvi_window *window, int axis)
{
    const int64_t in = window->in[axis], stride = window->stride[axis], size = extent(window, axis);
    if (window->padding == FV_PAD_EXPLICIT)
        return FV_OK;
    if (*pad_before(window, axis) != 0 || *pad_after(window, axis) != 0)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "%s '%s': pad is given, but the padding mode computes it; leave one of the two out", type,
                        name);
    if (window->padding == FV_PAD_VALID)
        return FV_OK;
    if (window->padding == FV_PAD_FULL)
        return set_pads(context, type, name, window, axis, size - 1, size - 1);
    const int64_t out = (in + stride - 1) / stride;
    const int64_t needed = (out - 1) * stride + size - in;
    const int64_t total = needed < 0 ? 0 : needed;
    return set_pads(context, type, name, window, axis, total / 2, total - total / 2);
}

static fv_status too_large(fv_context *context, const char *type, const char *name, const fvi_window *window)
{
    const long long rows = (long long)window->in[0] + window->pad[0] + window->pad[2];
    const long long columns = (long long)window->in[1] + window->pad[1] + window->pad[3];
    if (window->dilation[0] != 1 || window->dilation[1] != 1)
        return fvi_fail(
            context, FV_ERR_SHAPE,
            "%s '%s': kernel %dx%d, which dilation %dx%d spreads over %lldx%lld, is larger than the padded input "
            "%lldx%lld; use a smaller kernel or dilation, or more padding",
            type, name, window->kernel[0], window->kernel[1], window->dilation[0], window->dilation[1],
            (long long)extent(window, 0), (long long)extent(window, 1), rows, columns);
    return fvi_fail(
        context, FV_ERR_SHAPE,
        "%s '%s': kernel %dx%d is larger than the padded input %lldx%lld; use a smaller kernel or more padding", type,
        name, window->kernel[0], window->kernel[1], rows, columns);
}

static fv_status resolve_size(fv_context *context, const char *type, const char *name, fvi_window *window, int axis)
{
    const int64_t stride = window->stride[axis];
    const int64_t room = (int64_t)window->in[axis] + *pad_before(window, axis) + *pad_after(window, axis);
    const int64_t left = room - extent(window, axis);
    if (left < 0)
        return too_large(context, type, name, window);
    int64_t out = left / stride + 1;
    if (window->ceil && left % stride != 0 && out * stride < (int64_t)window->in[axis] + *pad_before(window, axis))
        out++;
    if (out > INT32_MAX)
        return fvi_fail(context, FV_ERR_SHAPE, "%s '%s': %lld output %s are too many", type, name, (long long)out,
                        axis == 0 ? "rows" : "columns");
    window->out[axis] = (int32_t)out;
    return FV_OK;
}

static fv_status check_pool_pads(fv_context *context, const char *type, const char *name, const fvi_window *window)
{
    for (int side = 0; side < 4; side++)
        if (window->pad[side] >= window->kernel[side % 2])
            return fvi_fail(
                context, FV_ERR_ARGUMENT,
                "%s '%s': padding %d is not smaller than the kernel's size %d there, so some windows would see no "
                "image; use less padding",
                type, name, window->pad[side], window->kernel[side % 2]);
    return FV_OK;
}

fv_status fvi_window_resolve(fv_context *context, const char *type, const char *name, fvi_window *window)
{
    for (int axis = 0; axis < 2; axis++)
        FV_TRY(resolve_pads(context, type, name, window, axis));
    if (window->pooling)
        FV_TRY(check_pool_pads(context, type, name, window));
    for (int axis = 0; axis < 2; axis++)
        FV_TRY(resolve_size(context, type, name, window, axis));
    return FV_OK;
}

fvi_reach fvi_window_reach(const fvi_window *window)
{
    fvi_reach reach = { .whole = false };
    for (int axis = 0; axis < 2; axis++) {
        reach.size[axis] = (double)extent(window, axis);
        reach.step[axis] = window->stride[axis];
        reach.first[axis] = -window->pad[axis];
    }
    return reach;
}
