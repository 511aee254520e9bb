/* SPDX-License-Identifier: Apache-2.0
 *
 * call.c - what any layer may ask of a call.
 */
#include "layer/layer.h"

fvi_random fvi_call_random(const fvi_call *call, int32_t image)
{
    const fv_batch *batch = call->batch;
    const uint64_t sample = batch->samples != NULL ? batch->samples[image] : batch->first_sample + (uint64_t)image;
    return fvi_random_start(call->seed ^ call->stream, FVI_PURPOSE_DROPOUT, (batch->epoch << 32) + sample);
}

double fvi_call_share(const fvi_call *call)
{
    return call->batch->share == 0 ? 1.0 : call->batch->share;
}
