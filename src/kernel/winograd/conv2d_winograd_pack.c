/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_winograd_pack.c - weights from OIHW to G g G^T in the order in which the products read them:
 * [group][block of outputs][component][channel][lane], lanes that do not exist zero. Backward by data: the kernel turned,
 * outputs are the input channels.
 */
#include "kernel/winograd/conv2d_winograd.h"

typedef struct pack_call {
    fvi_winograd_map map;
    const float *w;
    float *packed;
    bool turned;
} pack_call;

/* Task index: group, then block of outputs. */
static void pack_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const pack_call *call = argument;
    const fvi_winograd_map *map = &call->map;
    const fvi_brgemm *gemm = map->kernel->gemm;
    const size_t blocks = (size_t)fvi_conv2d_block_count(gemm, map->outputs);
    const size_t group = index / blocks;
    const fvi_conv2d_block block = fvi_conv2d_block_at(gemm, map->outputs, (int32_t)(index % blocks));
    const size_t group_w = 9 * (size_t)map->outputs * (size_t)map->reduced;
    const ptrdiff_t input_stride = 9, output_stride = 9 * (ptrdiff_t)(call->turned ? map->outputs : map->reduced);
    fvi_winograd_weights weights = { .lane_stride = call->turned ? input_stride : output_stride,
                                     .channel_stride = call->turned ? output_stride : input_stride,
                                     .channels = map->reduced,
                                     .count = block.count,
                                     .turned = call->turned,
                                     .component = fvi_winograd_packed_component(map, block.width) };
    weights.w = call->w + group * group_w + block.first * weights.lane_stride;
    weights.packed = call->packed + fvi_winograd_packed_before(map, (int32_t)index);
    map->kernel->weights(&weights);
}

void fvi_conv2d_winograd_pack(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w,
                              void *packed)
{
    pack_call call = {
        .map = fvi_winograd_map_of(plan, pass, 1), .w = w, .packed = packed, .turned = pass == FVI_BACKWARD_DATA
    };
    const size_t blocks = (size_t)fvi_conv2d_block_count(call.map.kernel->gemm, call.map.outputs);
    fvi_parallel(context, blocks * (size_t)call.map.groups, pack_task, &call);
}
