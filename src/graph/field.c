/* SPDX-License-Identifier: Apache-2.0
 *
 * field.c - receptive fields, from node to node.
 */
#include "graph/graph_internal.h"

/* What the cells of one input that `reach` names see, along an axis. */
static void see_through(const fvi_reach *reach, int axis, int32_t cells, const fv_receptive_field *in,
                        fv_receptive_field *out)
{
    const double step = in->stride[axis];
    const double reached = reach->whole ? cells : reach->size[axis];
    out->size[axis] = in->size[axis] + (reached > 0 ? (reached - 1) * step : 0);
    out->stride[axis] = reach->whole ? 0 : reached > 0 ? step * reach->step[axis] : step;
    out->start[axis] = in->start[axis] + (reach->whole || reached == 0 ? 0 : reach->first[axis] * step);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

static void join(fv_receptive_field *all, const fv_receptive_field *one, int axis)
{
    const double start = least(all->start[axis], one->start[axis]);
    const double end = most(all->start[axis] + all->size[axis], one->start[axis] + one->size[axis]);
    all->start[axis] = start;
    all->size[axis] = end - start;
    all->stride[axis] = most(all->stride[axis], one->stride[axis]);
}

fv_receptive_field fvi_field_of(const fvi_reach *reach, const fv_image_shape *in, const fv_receptive_field *fields,
                                int32_t count)
{
    fv_receptive_field all = { .size = { 1, 1 }, .stride = { 1, 1 } };
    for (int32_t i = 0; i < count; i++) {
        fv_receptive_field one;
        for (int axis = 0; axis < 2; axis++) {
            see_through(reach, axis, axis == 0 ? in[i].h : in[i].w, &fields[i], &one);
            if (i > 0)
                join(&all, &one, axis);
        }
        if (i == 0)
            all = one;
    }
    return all;
}
