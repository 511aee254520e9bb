/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_direct_pack.c - weights from OIHW to the order in which the micro-kernel eats them:
 * [parity class][group][block of outputs][tap row][tap column][reduced channel][lane], lanes that do not exist zero.
 */
#include "kernel/conv/conv2d_direct.h"

static int32_t greatest_common_divisor(int32_t a, int32_t b)
{
    while (b != 0) {
        const int32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* dx[h] takes dy[i] through tap r where i*stride + r*dilation - pad = h. For h = parity + stride*q the taps with
 * (parity + pad - r*dilation) divisible by stride are every (stride/gcd)-th; i falls by dilation/gcd from one to the
 * next, so they are listed from the last to the first. */
fvi_conv2d_taps fvi_conv2d_backward_taps(const fvi_conv2d_shape *shape, int axis, int32_t parity)
{
    const int32_t size = axis == 0 ? shape->h : shape->w, taps = axis == 0 ? shape->r : shape->s;
    const int32_t stride = shape->stride[axis], dilation = shape->dilation[axis], pad = shape->pad[axis];
    const int32_t divisor = greatest_common_divisor(stride, dilation);
    fvi_conv2d_taps found = { .step = -(stride / divisor),
                              .advance = dilation / divisor,
                              .outputs = size > parity ? (size - parity + stride - 1) / stride : 0 };
    for (int32_t r = taps - 1; r >= 0; r--) {
        const int64_t distance = (int64_t)parity + pad - (int64_t)r * dilation;
        if (distance % stride != 0)
            continue;
        if (found.count == 0) {
            found.first = r;
            found.offset = (int32_t)(distance / stride);
        }
        found.count++;
    }
    return found;
}

#define CLASSES_MAX 4096

fvi_conv2d_shape fvi_conv2d_backward_shape(const fvi_conv2d_shape *shape)
{
    fvi_conv2d_shape turned = *shape;
    if ((int64_t)shape->h * shape->w > CLASSES_MAX)
        return turned;
    if (shape->oh == 1 && shape->r > 1)
        turned.stride[0] = shape->h + shape->pad[0] + shape->r * shape->dilation[0];
    if (shape->ow == 1 && shape->s > 1)
        turned.stride[1] = shape->w + shape->pad[1] + shape->s * shape->dilation[1];
    return turned;
}

size_t fvi_conv2d_taps_before(const fvi_conv2d_shape *shape, int32_t row_parity, int32_t column_parity)
{
    size_t rows_before = 0, columns_before = 0;
    for (int32_t a = 0; a < row_parity; a++)
        rows_before += (size_t)fvi_conv2d_backward_taps(shape, 0, a).count;
    for (int32_t b = 0; b < column_parity; b++)
        columns_before += (size_t)fvi_conv2d_backward_taps(shape, 1, b).count;
    const size_t rows = (size_t)fvi_conv2d_backward_taps(shape, 0, row_parity).count;
    return rows_before * (size_t)shape->s + rows * columns_before;
}

typedef struct pack_call {
    const fvi_conv2d_shape *shape;
    const fvi_brgemm *gemm;
    const float *w;
    float *packed;
    bool turned;                          /* backward by data: outputs are the input channels */
    int32_t blocks;                       /* per group */
    int32_t outputs, reduced;             /* per group */
    size_t output_stride, reduced_stride; /* in w */
} pack_call;

static void pack_block(const pack_call *call, fvi_conv2d_taps rows, fvi_conv2d_taps columns, int32_t group,
                       fvi_conv2d_block block, float *to)
{
    const fvi_conv2d_shape *shape = call->shape;
    const size_t taps = (size_t)shape->r * (size_t)shape->s;
    const size_t group_size = (size_t)call->outputs * (size_t)call->reduced * taps;
    const float *w = call->w + (size_t)group * group_size + (size_t)block.first * call->output_stride;
    for (int32_t r = 0; r < rows.count; r++) {
        for (int32_t s = 0; s < columns.count; s++) {
            const float *from = w + (rows.first + r * rows.step) * shape->s + columns.first + s * columns.step;
            for (int32_t c = 0; c < call->reduced; c++, to += block.width, from += call->reduced_stride) {
                for (int32_t lane = 0; lane < block.count; lane++)
                    to[lane] = from[(size_t)lane * call->output_stride];
                for (int32_t lane = block.count; lane < block.width; lane++)
                    to[lane] = 0.0f;
            }
        }
    }
}

static void pack_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const pack_call *call = argument;
    const fvi_conv2d_shape *shape = call->shape;
    const size_t per_tap = fvi_conv2d_packed_width(call->gemm, call->outputs) * (size_t)call->reduced;
    const int32_t group = (int32_t)(index / (size_t)call->blocks);
    const fvi_conv2d_block block =
        fvi_conv2d_block_at(call->gemm, call->outputs, (int32_t)(index % (size_t)call->blocks));
    const size_t before = (size_t)block.first * (size_t)call->reduced;
    if (!call->turned) {
        const fvi_conv2d_taps rows = { .count = shape->r, .step = 1 }, columns = { .count = shape->s, .step = 1 };
        const size_t taps = (size_t)shape->r * (size_t)shape->s;
        pack_block(call, rows, columns, group, block, call->packed + ((size_t)group * per_tap + before) * taps);
        return;
    }
    const fvi_conv2d_shape turned = fvi_conv2d_backward_shape(shape);
    for (int32_t a = 0; a < turned.stride[0] && a < turned.h; a++) {
        const fvi_conv2d_taps rows = fvi_conv2d_backward_taps(&turned, 0, a);
        for (int32_t b = 0; b < turned.stride[1] && b < turned.w; b++) {
            const fvi_conv2d_taps columns = fvi_conv2d_backward_taps(&turned, 1, b);
            const size_t taps = (size_t)rows.count * (size_t)columns.count;
            const size_t class_at = per_tap * (size_t)shape->groups * fvi_conv2d_taps_before(&turned, a, b);
            pack_block(call, rows, columns, group, block,
                       call->packed + class_at + ((size_t)group * per_tap + before) * taps);
        }
    }
}

void fvi_conv2d_direct_pack(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w,
                            void *packed)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    const fvi_brgemm *gemm = plan->pass[pass].kernel;
    const size_t taps = (size_t)shape->r * (size_t)shape->s;
    pack_call call = { .shape = shape, .gemm = gemm, .w = w, .packed = packed, .turned = pass == FVI_BACKWARD_DATA };
    const int32_t filters = shape->k / shape->groups, channels = shape->c / shape->groups;
    call.outputs = call.turned ? channels : filters;
    call.reduced = call.turned ? filters : channels;
    call.output_stride = call.turned ? taps : (size_t)channels * taps;
    call.reduced_stride = call.turned ? (size_t)channels * taps : taps;
    call.blocks = fvi_conv2d_block_count(gemm, call.outputs);
    fvi_parallel(context, (size_t)call.blocks * (size_t)shape->groups, pack_task, &call);
}
