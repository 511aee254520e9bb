/* SPDX-License-Identifier: Apache-2.0
 *
 * orthogonal.c - orthogonal initial values: Saxe, McClelland & Ganguli 2014 (arXiv:1312.6120).
 * Gaussian rows (or columns) are made orthogonal by Gram and Schmidt's method, twice for each (Giraud et al. 2005: "twice is
 * enough"). The result is distributed as U V^T of the Gaussian matrix's singular value decomposition is: evenly over all orthogonal
 * matrices. Sums run in one order in double, so the bits are the same for any threads and instruction set.
 */
#include <math.h>

#include "graph/params_internal.h"

enum { BLOCK = 64, PIECE = 1024, ALONE = 65536 }; /* ALONE: products that are not worth waking threads */

/* Vectors of one length within a matrix: element e of vector v at v*apart + e*step. */
typedef struct vectors {
    fv_dtype dtype;
    void *values;
    size_t count, length, apart, step;
    /* The running pass: vector `at` loses its parts along `some` vectors from `first` on. */
    size_t at, first, some;
    double part[BLOCK];
} vectors;

static double get(const vectors *v, size_t vector, size_t element)
{
    const size_t i = vector * v->apart + element * v->step;
    return v->dtype == FV_F64 ? ((const double *)v->values)[i] : (double)((const float *)v->values)[i];
}

static void set(const vectors *v, size_t vector, size_t element, double value)
{
    const size_t i = vector * v->apart + element * v->step;
    if (v->dtype == FV_F64)
        ((double *)v->values)[i] = (double)(float)value;
    else
        ((float *)v->values)[i] = (float)value;
}

static double product(const vectors *v, size_t a, size_t b)
{
    double sum = 0;
    for (size_t i = 0; i < v->length; i++)
        sum += get(v, a, i) * get(v, b, i);
    return sum;
}

static void find_part(void *argument, size_t index, int32_t worker)
{
    vectors *v = argument;
    (void)worker;
    v->part[index] = product(v, v->at, v->first + index);
}

static void take_off(void *argument, size_t index, int32_t worker)
{
    const vectors *v = argument;
    const size_t end = (index + 1) * PIECE < v->length ? (index + 1) * PIECE : v->length;
    (void)worker;
    for (size_t i = index * PIECE; i < end; i++) {
        double value = get(v, v->at, i);
        for (size_t j = 0; j < v->some; j++)
            value -= v->part[j] * get(v, v->first + j, i);
        set(v, v->at, i, value);
    }
}

static void run(fv_context *context, size_t count, fvi_task_fn *task, vectors *v)
{
    if (v->some * v->length >= ALONE)
        fvi_parallel(context, count, task, v);
    for (size_t i = 0; i < count && v->some * v->length < ALONE; i++)
        task(v, i, 0);
}

static void scale(const vectors *v, size_t vector, double factor)
{
    for (size_t i = 0; i < v->length; i++)
        set(v, vector, i, factor * get(v, vector, i));
}

static void orthogonalize_vector(fv_context *context, vectors *v)
{
    for (int32_t pass = 0; pass < 2; pass++) {
        for (v->first = 0; v->first < v->at; v->first += BLOCK) {
            v->some = v->at - v->first < BLOCK ? v->at - v->first : BLOCK;
            run(context, v->some, find_part, v);
            run(context, (v->length + PIECE - 1) / PIECE, take_off, v);
        }
        const double squares = product(v, v->at, v->at);
        if (squares > 0)
            scale(v, v->at, 1 / sqrt(squares));
    }
}

void fvi_orthogonalize(fv_context *context, const fv_param_info *info, fv_dtype dtype, void *values)
{
    const size_t rows = (size_t)info->shape.size[0], columns = (size_t)info->elements / rows;
    const double gain = info->initializer->value != 0 ? info->initializer->value : 1;
    vectors v = { .dtype = dtype, .values = values, .count = rows, .length = columns, .apart = columns, .step = 1 };
    if (rows > columns)
        v = (vectors){
            .dtype = dtype, .values = values, .count = columns, .length = rows, .apart = 1, .step = columns
        };
    for (v.at = 0; v.at < v.count; v.at++)
        orthogonalize_vector(context, &v);
    for (size_t i = 0; i < v.count && gain != 1; i++)
        scale(&v, i, gain);
}
