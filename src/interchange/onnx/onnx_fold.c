/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_fold.c - operators on constants, by one table: those that move elements here, arithmetic in onnx_fold_arithmetic.c. A node
 * is computed once all its inputs are known; Shape already when its input's shape is.
 */
#include "interchange/onnx/onnx_fold.h"

#include <math.h>
#include <string.h>

fv_status fvi_onnx_make(fvi_onnx_folding *f, bool integer, int32_t rank, const int64_t *size)
{
    void *memory = NULL;
    char text[128];
    const int64_t count = rank <= FVI_ONNX_AXES ? fvi_onnx_elements(rank, size) : -1;
    if (count < 0)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "a constant of shape %s",
                                  fvi_onnx_shape_text(rank, size, text, sizeof text));
    FV_TRY(fvi_onnx_reserve(f->onnx, count, integer ? sizeof(int64_t) : sizeof(float), &memory));
    f->out = fvi_arena_allocate(f->onnx->arena, sizeof *f->out);
    if (f->out == NULL)
        return fvi_out_of_memory(f->onnx->context, "a constant", sizeof *f->out);
    *f->out = (fvi_onnx_constant){ .integer = integer, .rank = rank, .count = count };
    memcpy(f->out->size, size, (size_t)rank * sizeof *size);
    f->out->whole = integer ? memory : NULL;
    f->out->real = integer ? NULL : memory;
    return FV_OK;
}

fv_status fvi_onnx_want(const fvi_onnx_folding *f, int32_t index, bool integer)
{
    if (f->in[index] == NULL)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "its input %d is missing", index + 1);
    if (integer && !f->in[index]->integer)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "its input %d is not of whole numbers", index + 1);
    return FV_OK;
}

void fvi_onnx_copy(fvi_onnx_constant *out, int64_t i, const fvi_onnx_constant *from, int64_t at)
{
    if (out->integer)
        out->whole[i] = from->whole[at];
    else
        out->real[i] = from->real[at];
}

/* The same values under another shape. */
static fv_status relabel(fvi_onnx_folding *f, int32_t rank, const int64_t *size)
{
    const fvi_onnx_constant *x = f->in[0];
    if (rank > FVI_ONNX_AXES || fvi_onnx_elements(rank, size) != x->count)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_SHAPE, "%lld constant values do not fit the new shape",
                                  (long long)x->count);
    f->out = fvi_arena_allocate(f->onnx->arena, sizeof *f->out);
    if (f->out == NULL)
        return fvi_out_of_memory(f->onnx->context, "a constant", sizeof *f->out);
    *f->out = *x;
    f->out->rank = rank;
    memcpy(f->out->size, size, (size_t)rank * sizeof *size);
    return FV_OK;
}

static fv_status fold_identity(fvi_onnx_folding *f)
{
    FV_TRY(fvi_onnx_want(f, 0, false));
    return relabel(f, f->in[0]->rank, f->in[0]->size);
}

/* Constant with a list or a number; a tensor is known without folding. */
static fv_status fold_constant(fvi_onnx_folding *f)
{
    const Onnx__AttributeProto *one = fvi_onnx_attribute(f->node, "value_float"), *many;
    const int64_t *list = NULL;
    int32_t count = 0;
    int64_t size = 1, number = 0;
    if (one != NULL) {
        FV_TRY(fvi_onnx_make(f, false, 0, &size));
        *f->out->real = one->f;
        return FV_OK;
    }
    many = fvi_onnx_attribute(f->node, "value_floats");
    if (many != NULL) {
        size = (int64_t)many->n_floats;
        FV_TRY(fvi_onnx_make(f, false, 1, &size));
        for (int64_t i = 0; i < size; i++)
            f->out->real[i] = many->floats[i];
        return FV_OK;
    }
    if (fvi_onnx_attribute(f->node, "value_int") != NULL) {
        FV_TRY(fvi_onnx_int(f->onnx, f->node, "value_int", 0, &number));
        FV_TRY(fvi_onnx_make(f, true, 0, &size));
        *f->out->whole = number;
        return FV_OK;
    }
    if (fvi_onnx_attribute(f->node, "value_ints") == NULL)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_UNSUPPORTED,
                                  "a constant that is neither numbers nor a tensor");
    FV_TRY(fvi_onnx_list(f->onnx, f->node, "value_ints", &list, &count));
    size = count;
    FV_TRY(fvi_onnx_make(f, true, 1, &size));
    for (int64_t i = 0; i < size; i++)
        f->out->whole[i] = list[i];
    return FV_OK;
}

static fv_status fold_shape(fvi_onnx_folding *f)
{
    const fvi_onnx_value *x = f->node->input[0];
    const fvi_onnx_constant *known = f->in[0];
    const int32_t rank = known != NULL ? known->rank : x->rank;
    int64_t start = 0, end = 0;
    FV_TRY(fvi_onnx_int(f->onnx, f->node, "start", 0, &start));
    FV_TRY(fvi_onnx_int(f->onnx, f->node, "end", rank, &end));
    start += start < 0 ? rank : 0;
    end += end < 0 ? rank : 0;
    start = start < 0 ? 0 : start;
    end = end > rank ? rank : end;
    const int64_t count = end > start ? end - start : 0;
    FV_TRY(fvi_onnx_make(f, true, 1, &count));
    for (int64_t i = 0; i < count; i++)
        f->out->whole[i] = known != NULL ? known->size[start + i] : x->size[start + i];
    return FV_OK;
}

static fv_status fold_size(fvi_onnx_folding *f)
{
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(fvi_onnx_make(f, true, 0, f->in[0]->size));
    *f->out->whole = f->in[0]->count;
    return FV_OK;
}

static fv_status fold_cast(fvi_onnx_folding *f)
{
    const fvi_onnx_constant *x = f->in[0];
    int64_t to = 0;
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(fvi_onnx_int(f->onnx, f->node, "to", 0, &to));
    const bool integer = !(to == 1 || to == 10 || to == 11 || to == 16);
    if (integer == x->integer && to != 9)
        return relabel(f, x->rank, x->size);
    FV_TRY(fvi_onnx_make(f, integer, x->rank, x->size));
    for (int64_t i = 0; i < x->count; i++) {
        const double value = fvi_onnx_at(x, i);
        if (!integer)
            f->out->real[i] = (float)value;
        else if (to == 9)
            f->out->whole[i] = value != 0;
        else if (!(fabs(value) < 0x1p62))
            return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "%g is no whole number", value);
        else
            f->out->whole[i] = (int64_t)value;
    }
    return FV_OK;
}

static fv_status fold_gather(fvi_onnx_folding *f)
{
    const fvi_onnx_constant *x = f->in[0], *index = f->in[1];
    int64_t given = 0, size[2 * FVI_ONNX_AXES];
    int32_t axis = 0, rank = 0;
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(fvi_onnx_want(f, 1, true));
    FV_TRY(fvi_onnx_int(f->onnx, f->node, "axis", 0, &given));
    FV_TRY(fvi_onnx_axis(f->onnx, f->node, given, x->rank, &axis));
    for (int32_t i = 0; i < axis; i++)
        size[rank++] = x->size[i];
    for (int32_t i = 0; i < index->rank; i++)
        size[rank++] = index->size[i];
    for (int32_t i = axis + 1; i < x->rank; i++)
        size[rank++] = x->size[i];
    const int64_t inner = fvi_onnx_elements(x->rank - axis - 1, x->size + axis + 1), along = x->size[axis];
    FV_TRY(fvi_onnx_make(f, x->integer, rank, size));
    for (int64_t i = 0; i < f->out->count; i++) {
        const int64_t part = i / inner, chosen = index->whole[part % index->count],
                      at = chosen < 0 ? chosen + along : chosen;
        if (at < 0 || at >= along)
            return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "index %lld of %lld", (long long)chosen,
                                      (long long)along);
        fvi_onnx_copy(f->out, i, x, (part / index->count * along + at) * inner + i % inner);
    }
    return FV_OK;
}

/* Of a list only: shapes are lists. */
static fv_status fold_slice(fvi_onnx_folding *f)
{
    const int64_t *starts = NULL, *ends = NULL, *axes = NULL, *steps = NULL;
    int32_t start_count = 0, end_count = 0, axis_count = 0, step_count = 0, axis = 0;
    const fvi_onnx_constant *x = f->in[0];
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(fvi_onnx_ints_or_input(f->onnx, f->node, "starts", 1, &starts, &start_count));
    FV_TRY(fvi_onnx_ints_or_input(f->onnx, f->node, "ends", 2, &ends, &end_count));
    FV_TRY(fvi_onnx_ints_or_input(f->onnx, f->node, "axes", 3, &axes, &axis_count));
    FV_TRY(fvi_onnx_ints_or_input(f->onnx, f->node, "steps", 4, &steps, &step_count));
    if (start_count != 1 || end_count != 1 || axis_count > 1 || step_count > 1 || x->rank != 1 ||
        (step_count == 1 && steps[0] != 1 && steps[0] != -1))
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_UNSUPPORTED, "of a constant that is not a list");
    FV_TRY(fvi_onnx_axis(f->onnx, f->node, axis_count == 1 ? axes[0] : 0, 1, &axis));
    const int64_t n = x->size[0], step = step_count == 1 ? steps[0] : 1;
    int64_t start = starts[0] < 0 ? starts[0] + n : starts[0],
            end = ends[0] < 0 && ends[0] >= -n ? ends[0] + n : ends[0];
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    start = start < 0 ? 0 : start > high ? high : start;
    end = end < low ? low : end > high ? high : end;
    int64_t count = step > 0 ? end - start : start - end;
    count = count < 0 ? 0 : count;
    FV_TRY(fvi_onnx_make(f, x->integer, 1, &count));
    for (int64_t i = 0; i < count; i++)
        fvi_onnx_copy(f->out, i, x, start + i * step);
    return FV_OK;
}

static fv_status fold_concat(fvi_onnx_folding *f)
{
    int64_t given = 0, size[FVI_ONNX_AXES];
    int32_t axis = 0;
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(fvi_onnx_int(f->onnx, f->node, "axis", 0, &given));
    FV_TRY(fvi_onnx_axis(f->onnx, f->node, given, f->in[0]->rank, &axis));
    memcpy(size, f->in[0]->size, sizeof size);
    size[axis] = 0;
    for (int32_t k = 0; k < f->node->input_count; k++) {
        FV_TRY(fvi_onnx_want(f, k, f->in[0]->integer));
        for (int32_t i = 0; i < f->in[0]->rank; i++)
            if (f->in[k]->rank != f->in[0]->rank || f->in[k]->integer != f->in[0]->integer ||
                (i != axis && f->in[k]->size[i] != size[i]))
                return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_SHAPE, "its input %d does not fit the first", k + 1);
        if (__builtin_add_overflow(size[axis], f->in[k]->size[axis], &size[axis]))
            return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "its inputs are too long together");
    }
    FV_TRY(fvi_onnx_make(f, f->in[0]->integer, f->in[0]->rank, size));
    const int64_t inner = fvi_onnx_elements(f->out->rank - axis - 1, size + axis + 1);
    for (int64_t i = 0; i < f->out->count; i++) {
        int64_t along = i / inner % size[axis];
        int32_t k = 0;
        while (along >= f->in[k]->size[axis])
            along -= f->in[k++]->size[axis];
        fvi_onnx_copy(f->out, i, f->in[k], (i / inner / size[axis] * f->in[k]->size[axis] + along) * inner + i % inner);
    }
    return FV_OK;
}

static fv_status fold_unsqueeze(fvi_onnx_folding *f)
{
    const int64_t *axes = NULL;
    int64_t size[FVI_ONNX_AXES] = { 0 };
    int32_t count = 0, from = 0;
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(fvi_onnx_ints_or_input(f->onnx, f->node, "axes", 1, &axes, &count));
    const int32_t rank = f->in[0]->rank + count;
    if (count > FVI_ONNX_AXES || rank > FVI_ONNX_AXES)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_UNSUPPORTED, "more than %d axes", FVI_ONNX_AXES);
    for (int32_t i = 0; i < count; i++) {
        int32_t axis = 0;
        FV_TRY(fvi_onnx_axis(f->onnx, f->node, axes[i], rank, &axis));
        size[axis] = -1;
    }
    for (int32_t i = 0; i < rank; i++) {
        if (size[i] == 0 && from >= f->in[0]->rank)
            return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "an axis comes twice");
        size[i] = size[i] == -1 ? 1 : f->in[0]->size[from++];
    }
    return relabel(f, rank, size);
}

static fv_status fold_squeeze(fvi_onnx_folding *f)
{
    const int64_t *axes = NULL;
    int64_t size[FVI_ONNX_AXES];
    bool drop[FVI_ONNX_AXES] = { false };
    int32_t count = 0, rank = 0;
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(fvi_onnx_ints_or_input(f->onnx, f->node, "axes", 1, &axes, &count));
    for (int32_t i = 0; i < count; i++) {
        int32_t axis = 0;
        FV_TRY(fvi_onnx_axis(f->onnx, f->node, axes[i], f->in[0]->rank, &axis));
        drop[axis] = true;
    }
    for (int32_t i = 0; i < f->in[0]->rank; i++)
        if (!drop[i] && !(axes == NULL && f->in[0]->size[i] == 1))
            size[rank++] = f->in[0]->size[i];
    return relabel(f, rank, size);
}

static fv_status fold_reshape(fvi_onnx_folding *f)
{
    const fvi_onnx_constant *shape = f->in[1];
    int64_t size[FVI_ONNX_AXES], known = 1;
    int32_t open = -1;
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(fvi_onnx_want(f, 1, true));
    if (shape->count > FVI_ONNX_AXES)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_UNSUPPORTED, "more than %d axes", FVI_ONNX_AXES);
    const int32_t rank = (int32_t)shape->count;
    for (int32_t i = 0; i < rank; i++) {
        size[i] = shape->whole[i] == 0 && i < f->in[0]->rank ? f->in[0]->size[i] : shape->whole[i];
        if (size[i] == -1)
            open = i;
        else if (size[i] < 0 || __builtin_mul_overflow(known, size[i], &known))
            return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "a shape with the size %lld",
                                      (long long)size[i]);
    }
    if (open >= 0)
        size[open] = known > 0 ? f->in[0]->count / known : 0;
    return relabel(f, rank, size);
}

static fv_status fold_transpose(fvi_onnx_folding *f)
{
    const fvi_onnx_constant *x = f->in[0];
    const int64_t *order = NULL;
    int64_t size[FVI_ONNX_AXES], step[FVI_ONNX_AXES];
    int32_t count = 0;
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(fvi_onnx_list(f->onnx, f->node, "perm", &order, &count));
    if (order != NULL && count != x->rank)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "an order of %d axes for %d", count, x->rank);
    for (int32_t i = 0; i < x->rank; i++) {
        int32_t axis = x->rank - 1 - i;
        if (order != NULL)
            FV_TRY(fvi_onnx_axis(f->onnx, f->node, order[i], x->rank, &axis));
        size[i] = x->size[axis];
        step[i] = fvi_onnx_elements(x->rank - axis - 1, x->size + axis + 1);
    }
    FV_TRY(fvi_onnx_make(f, x->integer, x->rank, size));
    if (f->out->count != x->count)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "an axis comes twice in its order");
    for (int64_t i = 0; i < x->count; i++) {
        int64_t rest = i, at = 0;
        for (int32_t axis = x->rank - 1; axis >= 0; rest /= size[axis], axis--)
            at += rest % size[axis] * step[axis];
        if (at >= x->count)
            return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "an axis comes twice in its order");
        fvi_onnx_copy(f->out, i, x, at);
    }
    return FV_OK;
}

static fv_status fold_range(fvi_onnx_folding *f)
{
    for (int32_t i = 0; i < 3; i++)
        FV_TRY(fvi_onnx_want(f, i, f->in[0] != NULL && f->in[0]->integer));
    if (f->in[0]->count != 1 || f->in[1]->count != 1 || f->in[2]->count != 1)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "its bounds are not single numbers");
    const double start = fvi_onnx_at(f->in[0], 0), step = fvi_onnx_at(f->in[2], 0),
                 steps = ceil((fvi_onnx_at(f->in[1], 0) - start) / step);
    if (!(fabs(steps) < 0x1p40))
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "a range without an end");
    const int64_t count = steps > 0 ? (int64_t)steps : 0;
    FV_TRY(fvi_onnx_make(f, f->in[0]->integer, 1, &count));
    for (int64_t i = 0; i < count; i++)
        if (f->out->integer)
            f->out->whole[i] = (int64_t)(start + (double)i * step);
        else
            f->out->real[i] = (float)(start + (double)i * step);
    return FV_OK;
}

/* The shape of a list of whole numbers. */
static fv_status shape_of(const fvi_onnx_folding *f, int32_t index, int32_t *rank, int64_t size[FVI_ONNX_AXES])
{
    FV_TRY(fvi_onnx_want(f, index, true));
    if (f->in[index]->count > FVI_ONNX_AXES)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_UNSUPPORTED, "more than %d axes", FVI_ONNX_AXES);
    *rank = (int32_t)f->in[index]->count;
    memcpy(size, f->in[index]->whole, (size_t)*rank * sizeof *size);
    return FV_OK;
}

static fv_status fold_constant_of_shape(fvi_onnx_folding *f)
{
    const Onnx__AttributeProto *value = fvi_onnx_attribute(f->node, "value");
    const fvi_onnx_constant *filler = NULL;
    int64_t size[FVI_ONNX_AXES];
    int32_t rank = 0;
    FV_TRY(shape_of(f, 0, &rank, size));
    if (value != NULL && value->t != NULL)
        FV_TRY(fvi_onnx_decode(f->onnx, value->t, &filler));
    FV_TRY(fvi_onnx_make(f, filler != NULL && filler->integer, rank, size));
    for (int64_t i = 0; filler != NULL && filler->count == 1 && i < f->out->count; i++)
        fvi_onnx_copy(f->out, i, filler, 0);
    return FV_OK;
}

static fv_status fold_expand(fvi_onnx_folding *f)
{
    int64_t size[FVI_ONNX_AXES];
    int32_t rank = 0;
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(shape_of(f, 1, &rank, size));
    if (f->in[0]->count != 1 || rank < f->in[0]->rank)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_UNSUPPORTED, "of a constant that is not a single number");
    FV_TRY(fvi_onnx_make(f, f->in[0]->integer, rank, size));
    for (int64_t i = 0; i < f->out->count; i++)
        fvi_onnx_copy(f->out, i, f->in[0], 0);
    return FV_OK;
}

static const struct {
    const char *type;
    fv_status (*fold)(fvi_onnx_folding *folding);
} table[] = {
    { "Abs", fvi_onnx_fold_unary },
    { "Add", fvi_onnx_fold_binary },
    { "And", fvi_onnx_fold_binary },
    { "Cast", fold_cast },
    { "Ceil", fvi_onnx_fold_unary },
    { "Concat", fold_concat },
    { "Constant", fold_constant },
    { "ConstantOfShape", fold_constant_of_shape },
    { "Div", fvi_onnx_fold_binary },
    { "Equal", fvi_onnx_fold_binary },
    { "Exp", fvi_onnx_fold_unary },
    { "Expand", fold_expand },
    { "Floor", fvi_onnx_fold_unary },
    { "Gather", fold_gather },
    { "Greater", fvi_onnx_fold_binary },
    { "Identity", fold_identity },
    { "Less", fvi_onnx_fold_binary },
    { "Log", fvi_onnx_fold_unary },
    { "Max", fvi_onnx_fold_binary },
    { "Min", fvi_onnx_fold_binary },
    { "Mod", fvi_onnx_fold_binary },
    { "Mul", fvi_onnx_fold_binary },
    { "Neg", fvi_onnx_fold_unary },
    { "Not", fvi_onnx_fold_unary },
    { "Or", fvi_onnx_fold_binary },
    { "Pow", fvi_onnx_fold_binary },
    { "Range", fold_range },
    { "Reciprocal", fvi_onnx_fold_unary },
    { "ReduceMax", fvi_onnx_fold_reduce },
    { "ReduceMin", fvi_onnx_fold_reduce },
    { "ReduceProd", fvi_onnx_fold_reduce },
    { "ReduceSum", fvi_onnx_fold_reduce },
    { "Reshape", fold_reshape },
    { "Shape", fold_shape },
    { "Size", fold_size },
    { "Slice", fold_slice },
    { "Sqrt", fvi_onnx_fold_unary },
    { "Squeeze", fold_squeeze },
    { "Sub", fvi_onnx_fold_binary },
    { "Transpose", fold_transpose },
    { "Unsqueeze", fold_unsqueeze },
    { "Where", fvi_onnx_fold_where },
};

enum { TABLE = sizeof table / sizeof table[0], MOST_INPUTS = 8 };

static int32_t find(const char *type)
{
    for (int32_t i = 0; i < TABLE; i++)
        if (strcmp(table[i].type, type) == 0)
            return i;
    return -1;
}

bool fvi_onnx_folds(const char *type)
{
    return find(type) >= 0;
}

fv_status fvi_onnx_fold(fvi_onnx *onnx, fvi_onnx_node *node, bool *done)
{
    const int32_t index = node->domain[0] == '\0' ? find(node->type) : -1;
    const bool is_shape = strcmp(node->type, "Shape") == 0;
    fvi_onnx_folding folding = { .onnx = onnx, .node = node };
    *done = false;
    if (index < 0 || node->input_count > MOST_INPUTS || node->output_count != 1 || node->output[0] == NULL)
        return FV_OK;
    if (is_shape && (node->input_count != 1 || node->input[0] == NULL))
        return FV_OK;
    for (int32_t i = 0; i < node->input_count; i++) {
        const bool known = node->input[i] == NULL || fvi_onnx_is_constant(node->input[i]);
        if (!known && !(is_shape && node->input[i]->value != FV_NO_VALUE))
            return FV_OK;
    }
    for (int32_t i = 0; i < node->input_count; i++)
        FV_TRY(fvi_onnx_constant_of(onnx, node->input[i], &folding.in[i]));
    if (!fvi_onnx_is_constant(node->output[0])) {
        FV_TRY(table[index].fold(&folding));
        node->output[0]->constant = folding.out;
    }
    node->became = "a constant";
    *done = true;
    return FV_OK;
}
