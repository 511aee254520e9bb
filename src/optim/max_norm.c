/* SPDX-License-Identifier: Apache-2.0
 *
 * max_norm.c - see max_norm.h.
 */
#include "optim/max_norm.h"

#include "base/base.h"
#include "optim/update_kernels.h"

enum { VALUES_PER_TASK = 16384 };

/* The rows of one parameter. */
typedef struct row_job {
    fv_dtype dtype;
    void *values;
    double limit;
    size_t rows, length, rows_per_task;
} row_job;

static void limit_rows(void *argument, size_t index, int32_t worker)
{
    const row_job *job = argument;
    const size_t first = index * job->rows_per_task, left = job->rows - first;
    const size_t end = first + (left < job->rows_per_task ? left : job->rows_per_task);
    (void)worker;
    for (size_t row = first; row < end; row++) {
        if (job->dtype == FV_F64)
            fvi_limit_norm_f64(job->length, job->limit, (double *)job->values + row * job->length);
        else
            fvi_limit_norm_f32(job->length, job->limit, (float *)job->values + row * job->length);
    }
}

void fvi_limit_norm(fv_params *params, const fv_gradient *gradient)
{
    const fv_param_info info = fv_params_info(params, gradient->parameter);
    if (!(info.max_norm > 0))
        return;
    const int64_t length = info.elements / info.shape.size[0];
    char *values = fv_params_values(params, gradient->parameter);
    row_job job = {
        .dtype = fv_params_dtype(params),
        .values = values + (size_t)gradient->first * fv_dtype_size(fv_params_dtype(params)),
        .limit = info.max_norm,
        .rows = (size_t)((gradient->count > 0 ? gradient->count : info.elements) / length),
        .length = (size_t)length,
    };
    job.rows_per_task = job.length > VALUES_PER_TASK ? 1 : VALUES_PER_TASK / job.length;
    fvi_parallel(fv_graph_context(fv_params_graph(params)), (job.rows + job.rows_per_task - 1) / job.rows_per_task,
                 limit_rows, &job);
}
