/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_fold_arithmetic.c - element by element on constants, in whole numbers or in double rounded to float32.
 */
#include <math.h>
#include <string.h>

#include "interchange/onnx/onnx_fold.h"

/* The shape that a and b have together: sizes from the right, of which one may be 1. */
static fv_status broadcast(const fvi_onnx_folding *f, const fvi_onnx_constant *a, int32_t *rank,
                           int64_t size[FVI_ONNX_AXES])
{
    int64_t both[FVI_ONNX_AXES];
    const int32_t wide = a->rank > *rank ? a->rank : *rank;
    for (int32_t i = 1; i <= wide; i++) {
        const int64_t left = i <= *rank ? size[*rank - i] : 1, right = i <= a->rank ? a->size[a->rank - i] : 1;
        if (left != right && left != 1 && right != 1)
            return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_SHAPE, "its operands' shapes do not fit: %lld and %lld",
                                      (long long)left, (long long)right);
        both[wide - i] = left == 1 ? right : left;
    }
    memcpy(size, both, (size_t)wide * sizeof *size);
    *rank = wide;
    return FV_OK;
}

/* Where element i of `out` lies in an operand that is repeated to its shape. */
static int64_t place_of(const fvi_onnx_constant *out, const fvi_onnx_constant *operand, int64_t i)
{
    int64_t at = 0, step = 1;
    for (int32_t axis = 1; axis <= out->rank; axis++) {
        const int64_t size = out->size[out->rank - axis], index = i % size;
        i /= size;
        if (axis > operand->rank)
            continue;
        const int64_t own = operand->size[operand->rank - axis];
        at += own == 1 ? 0 : index * step;
        step *= own;
    }
    return at;
}

static int64_t wrap(uint64_t bits)
{
    int64_t value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* *is_bad: nothing can be said (division by zero). Sums and products wrap, as they do in ONNX Runtime. */
static int64_t whole(const char *op, int64_t a, int64_t b, bool *is_bad)
{
    if (strcmp(op, "Add") == 0)
        return wrap((uint64_t)a + (uint64_t)b);
    if (strcmp(op, "Sub") == 0)
        return wrap((uint64_t)a - (uint64_t)b);
    if (strcmp(op, "Mul") == 0)
        return wrap((uint64_t)a * (uint64_t)b);
    if (strcmp(op, "Min") == 0)
        return a < b ? a : b;
    if (strcmp(op, "Max") == 0)
        return a > b ? a : b;
    *is_bad = b == 0 || (a == INT64_MIN && b == -1);
    if (*is_bad)
        return 0;
    if (strcmp(op, "Div") == 0)
        return a / b;
    const int64_t rest = a % b; /* Mod: of the divisor's sign */
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static double real(const char *op, double a, double b)
{
    if (strcmp(op, "Add") == 0)
        return a + b;
    if (strcmp(op, "Sub") == 0)
        return a - b;
    if (strcmp(op, "Mul") == 0)
        return a * b;
    if (strcmp(op, "Div") == 0)
        return a / b;
    if (strcmp(op, "Min") == 0)
        return a < b ? a : b;
    if (strcmp(op, "Max") == 0)
        return a > b ? a : b;
    if (strcmp(op, "Pow") == 0)
        return pow(a, b);
    return fmod(a, b);
}

/* Comparisons and logic give 0 or 1. */
static bool compares(const char *op, double a, double b, bool *answer)
{
    if (strcmp(op, "Equal") == 0)
        *answer = a == b;
    else if (strcmp(op, "Less") == 0)
        *answer = a < b;
    else if (strcmp(op, "Greater") == 0)
        *answer = a > b;
    else if (strcmp(op, "And") == 0)
        *answer = a != 0 && b != 0;
    else if (strcmp(op, "Or") == 0)
        *answer = a != 0 || b != 0;
    else
        return false;
    return true;
}

fv_status fvi_onnx_fold_binary(fvi_onnx_folding *f)
{
    const char *op = f->node->type;
    const fvi_onnx_constant *a = f->in[0], *b = f->in[1];
    int64_t size[FVI_ONNX_AXES];
    int32_t rank = 0;
    bool answer = false, is_bad = false;
    FV_TRY(fvi_onnx_want(f, 0, false));
    FV_TRY(fvi_onnx_want(f, 1, false));
    rank = a->rank;
    memcpy(size, a->size, sizeof size);
    FV_TRY(broadcast(f, b, &rank, size));
    const bool is_answer = compares(op, 0, 0, &answer);
    const bool integer = is_answer || (a->integer && b->integer && strcmp(op, "Pow") != 0);
    FV_TRY(fvi_onnx_make(f, integer, rank, size));
    for (int64_t i = 0; i < f->out->count; i++) {
        const int64_t left = place_of(f->out, a, i), right = place_of(f->out, b, i);
        if (is_answer) {
            (void)compares(op, fvi_onnx_at(a, left), fvi_onnx_at(b, right), &answer);
            f->out->whole[i] = answer;
        } else if (integer) {
            f->out->whole[i] = whole(op, a->whole[left], b->whole[right], &is_bad);
        } else {
            f->out->real[i] = (float)real(op, fvi_onnx_at(a, left), fvi_onnx_at(b, right));
        }
        if (is_bad)
            return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "a constant is divided by zero");
    }
    return FV_OK;
}

static double one(const char *op, double x)
{
    if (strcmp(op, "Neg") == 0)
        return -x;
    if (strcmp(op, "Sqrt") == 0)
        return sqrt(x);
    if (strcmp(op, "Floor") == 0)
        return floor(x);
    if (strcmp(op, "Ceil") == 0)
        return ceil(x);
    if (strcmp(op, "Exp") == 0)
        return exp(x);
    if (strcmp(op, "Log") == 0)
        return log(x);
    if (strcmp(op, "Reciprocal") == 0)
        return 1 / x;
    return fabs(x);
}

fv_status fvi_onnx_fold_unary(fvi_onnx_folding *f)
{
    const fvi_onnx_constant *x = f->in[0];
    FV_TRY(fvi_onnx_want(f, 0, false));
    const char *op = f->node->type;
    if (x->integer && strcmp(op, "Neg") != 0 && strcmp(op, "Abs") != 0 && strcmp(op, "Not") != 0)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "of whole numbers");
    FV_TRY(fvi_onnx_make(f, x->integer, x->rank, x->size));
    for (int64_t i = 0; i < x->count; i++)
        if (x->integer && strcmp(op, "Not") == 0)
            f->out->whole[i] = x->whole[i] == 0;
        else if (x->integer)
            f->out->whole[i] =
                strcmp(op, "Neg") == 0 || x->whole[i] < 0 ? wrap(0 - (uint64_t)x->whole[i]) : x->whole[i];
        else
            f->out->real[i] = (float)one(op, (double)x->real[i]);
    return FV_OK;
}

fv_status fvi_onnx_fold_where(fvi_onnx_folding *f)
{
    int64_t size[FVI_ONNX_AXES];
    int32_t rank = 0;
    FV_TRY(fvi_onnx_want(f, 0, true));
    FV_TRY(fvi_onnx_want(f, 1, false));
    FV_TRY(fvi_onnx_want(f, 2, false));
    for (int32_t k = 0; k < 3; k++)
        FV_TRY(broadcast(f, f->in[k], &rank, size));
    if (f->in[1]->integer != f->in[2]->integer)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_FORMAT, "its two choices have different types");
    FV_TRY(fvi_onnx_make(f, f->in[1]->integer, rank, size));
    for (int64_t i = 0; i < f->out->count; i++) {
        const fvi_onnx_constant *chosen = f->in[0]->whole[place_of(f->out, f->in[0], i)] != 0 ? f->in[1] : f->in[2];
        fvi_onnx_copy(f->out, i, chosen, place_of(f->out, chosen, i));
    }
    return FV_OK;
}

/* ReduceProd, ReduceSum, ReduceMax, ReduceMin over all axes, of whole numbers: sizes multiplied. */
fv_status fvi_onnx_fold_reduce(fvi_onnx_folding *f)
{
    static const struct {
        const char *type, *op;
    } pairs[] = { { "ReduceProd", "Mul" }, { "ReduceSum", "Add" }, { "ReduceMax", "Max" }, { "ReduceMin", "Min" } };
    const fvi_onnx_constant *x = f->in[0];
    const int64_t ones[FVI_ONNX_AXES] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    int64_t keep = 1;
    const char *op = "Mul";
    bool is_bad = false;
    FV_TRY(fvi_onnx_want(f, 0, true));
    FV_TRY(fvi_onnx_int(f->onnx, f->node, "keepdims", 1, &keep));
    if (x->rank > 1 || x->count == 0)
        return fvi_onnx_fail_node(f->onnx, f->node, FV_ERR_UNSUPPORTED, "of a constant that is not a list");
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (strcmp(pairs[i].type, f->node->type) == 0)
            op = pairs[i].op;
    FV_TRY(fvi_onnx_make(f, true, keep != 0 ? x->rank : 0, ones));
    int64_t *out = f->out->whole;
    out[0] = x->whole[0];
    for (int64_t i = 1; i < x->count; i++)
        out[0] = whole(op, out[0], x->whole[i], &is_bad);
    return FV_OK;
}
