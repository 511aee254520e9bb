/* SPDX-License-Identifier: Apache-2.0
 *
 * convolve_chain.c - three convolutions of an inference plan as one step, where kernel/conv/conv2d_bands.h can.
 */
#include "kernel/conv/conv2d_bands.h"
#include "layer/convolve.h"

typedef struct chain_prepared {
    fvi_conv2d_bands bands;
} chain_prepared;

bool fvi_convolve_chains(const fvi_setup *const node[3], void **prepared, size_t *scratch_bytes, const char **reason)
{
    const fvi_conv2d_plan *plan[3] = { NULL };
    const fvi_activation *activation[3] = { NULL };
    for (int i = 0; i < 3; i++) {
        plan[i] = fvi_convolve_plan(node[i]->prepared);
        activation[i] = node[i]->fused != NULL ? node[i]->fused->activation : NULL;
        *reason = "not float32 convolutions alone";
        if (plan[i] == NULL || (i < 2 && node[i]->fused != NULL && node[i]->fused->summand > 0))
            return false;
    }
    chain_prepared chain = { 0 };
    *reason = fvi_conv2d_bands_accept(&chain.bands, plan, activation);
    chain_prepared *made = *reason == NULL ? fvi_arena_allocate(node[0]->arena, sizeof *made) : NULL;
    if (made == NULL)
        return false;
    *made = chain;
    *prepared = made;
    *scratch_bytes = chain.bands.scratch_bytes;
    return true;
}

fv_status fvi_convolve_forward_chain(const void *prepared, fvi_call *calls)
{
    const chain_prepared *chain = prepared;
    const fvi_fused nothing = { 0 };
    fvi_conv2d_epilogue epilogue[3];
    fvi_conv2d_part part[3];
    for (int i = 0; i < 3; i++) {
        const fvi_call *call = &calls[i];
        const fvi_fused *fused = call->fused != NULL ? call->fused : &nothing;
        epilogue[i] = (fvi_conv2d_epilogue){ .kernels = call->kernels,
                                             .activation = fused->activation,
                                             .summand = fused->summand > 0 ? &call->x[fused->summand] : NULL };
        part[i] = (fvi_conv2d_part){ .plan = fvi_convolve_plan(call->prepared),
                                     .packed = call->packed,
                                     .bias = fvi_convolve_bias(call),
                                     .epilogue = &epilogue[i] };
    }
    fvi_conv2d_bands_forward(&chain->bands, calls[2].context, part, &calls[0].x[0], &calls[2].y, calls[2].scratch);
    return FV_OK;
}
