/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_winograd_pack.c - weights from OIHW to G g G^T in the order in which the products read them:
 * [group][block of outputs][component][channel][lane], lanes that do not exist zero. Backward by data: the kernel turned,
 * outputs are the input channels.
 */
#include "kernel/winograd/conv2d_winograd.h"

#define PAST_CACHES_BYTES (8 * 1024 * 1024) /* packed weights that a cache would not keep anyway */

typedef struct pack_call {
    fvi_winograd_map map;
    const float *w;
    float *packed;
    bool turned, past_caches;
} pack_call;

/* Task index: group, then block of outputs. */
static void pack_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const pack_call *call = argument;
    const fvi_winograd_map *map = &call->map;
    const fvi_brgemm *gemm = map->gemm;
    const size_t blocks = (size_t)fvi_conv2d_block_count(gemm, map->outputs);
    const size_t group = index / blocks;
    const fvi_conv2d_block block = fvi_conv2d_block_at(gemm, map->outputs, (int32_t)(index % blocks));
    const ptrdiff_t input_stride = (ptrdiff_t)map->form->taps * map->form->taps;
    const ptrdiff_t output_stride = input_stride * (call->turned ? map->outputs : map->reduced);
    const size_t group_w = (size_t)input_stride * (size_t)map->outputs * (size_t)map->reduced;
    fvi_winograd_weights weights = { .lane_stride = call->turned ? input_stride : output_stride,
                                     .channel_stride = call->turned ? output_stride : input_stride,
                                     .channels = map->reduced,
                                     .count = block.count,
                                     .turned = call->turned,
                                     .past_caches = call->past_caches,
                                     .component = fvi_winograd_packed_component(map, block.width) };
    weights.w = call->w + group * group_w + block.first * weights.lane_stride;
    weights.packed = call->packed + fvi_winograd_packed_before(map, (int32_t)index);
    map->form->weights(&weights);
}

void fvi_conv2d_winograd_pack(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w,
                              void *packed)
{
    pack_call call = {
        .map = fvi_winograd_map_of(plan, pass, 1), .w = w, .packed = packed, .turned = pass == FVI_BACKWARD_DATA
    };
    call.past_caches = plan->pass[pass].packed_bytes > PAST_CACHES_BYTES;
    const size_t blocks = (size_t)fvi_conv2d_block_count(call.map.gemm, call.map.outputs);
    fvi_parallel(context, blocks * (size_t)call.map.groups, pack_task, &call);
}
