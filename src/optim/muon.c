/* SPDX-License-Identifier: Apache-2.0
 *
 * muon.c - Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks": the momentum of a weight matrix (filters by
 * what each reads) is brought near the orthogonal matrix of its singular vectors by five Newton-Schulz iterations, x = a x + (b g + c g g) x
 * with g = x x^T and the authors' coefficients. Weight decay is decoupled, all else is AdamW, as in PyTorch (whose iterations
 * round to bfloat16; these do not). Products are summed in one order, so threads and instruction sets give the same bits.
 */
#include <math.h>

#include "base/checked.h"
#include "optim/adam.h"
#include "optim/optimizer_internal.h"

enum { ITERATIONS = 5, ROWS = 16 }; /* ROWS: of one task */

static const double coefficient[3] = { 3.4445, -4.7750, 2.0315 };
static const double least_norm = 1e-7;

/* The slots of AdamW, of which matrices use the first as their momentum. */
static fvi_update begin(const fv_optimizer_options *options, bool plain, int64_t step, fvi_update_numbers *numbers)
{
    if (plain) {
        fvi_adam_correct(options, step, numbers);
        return FVI_UPDATE_ADAM;
    }
    numbers->rest1 = 1 - options->momentum;
    return FVI_UPDATE_DESCENT;
}

const fvi_rule fvi_rule_muon = {
    .name = "muon",
    .rate = 0.02,
    .has = FVI_HAS_MOMENTUM | FVI_HAS_NESTEROV | FVI_HAS_BETAS | FVI_HAS_EPSILON | FVI_HAS_INSIDE | FVI_HAS_SIMPLIFIED |
           FVI_HAS_MATCH | FVI_HAS_DECOUPLED,
    .decouples = true,
    .momentum = 0.95,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-8,
    .slots = fvi_adam_slots,
    .begin = begin,
    .orthogonal = true,
};

static size_t rows_of(const fv_param_info *info)
{
    return (size_t)info->shape.size[0];
}

/* A matrix is turned so that its rows are the shorter side: g is small then. */
static size_t short_side(const fv_param_info *info)
{
    const size_t rows = rows_of(info), columns = (size_t)info->elements / rows;
    return rows < columns ? rows : columns;
}

/* Elements of the largest matrix, and of the largest square of a shorter side; 0: there are no matrices. */
static void measure(const fv_params *params, const fvi_group *group, size_t *elements, size_t *square)
{
    *elements = *square = 0;
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        const fv_param_info info = fv_params_info(params, i);
        const size_t side = short_side(&info);
        if (!info.trained || group[i].plain || group[i].frozen)
            continue;
        *elements = (size_t)info.elements > *elements ? (size_t)info.elements : *elements;
        *square = side * side > *square ? side * side : *square;
    }
}

fv_status fvi_muon_bytes(const fv_graph *graph, const fv_optimizer_options *options, size_t *bytes)
{
    fv_context *context = fv_graph_context(graph);
    const fvi_rule *rule = fvi_rule_of(options->kind);
    fv_params *params = NULL;
    size_t elements = 0, square = 0;
    *bytes = 0;
    if (rule == NULL || !rule->orthogonal)
        return FV_OK;
    FV_TRY(fv_params_create(&params, graph, FV_F32)); /* for names and shapes: no value is touched */
    const size_t count = (size_t)fv_params_count(params);
    fvi_group *group = fvi_allocate_zeroed(context, count, sizeof *group);
    const fv_status status = group != NULL ? fvi_groups_read(params, options, group)
                                           : fvi_out_of_memory(context, "groups", count * sizeof *group);
    if (status == FV_OK)
        measure(params, group, &elements, &square);
    *bytes = (3 * elements + 2 * square) * sizeof(float);
    fvi_release(context, group);
    fv_params_destroy(params);
    return status;
}

fv_status fvi_muon_create(fv_optimizer *o)
{
    const size_t size = fv_dtype_size(fv_params_dtype(o->params));
    size_t elements = 0, square = 0;
    if (o->rule->orthogonal)
        measure(o->params, o->group, &elements, &square);
    if (elements == 0)
        return FV_OK;
    void **const large[] = { &o->muon.x, &o->muon.y, &o->muon.transposed },
                 **const small[] = { &o->muon.gram, &o->muon.polynomial };
    bool made = true;
    for (size_t i = 0; i < 3; i++)
        made = (*large[i] = fvi_allocate_zeroed(o->context, elements, size)) != NULL && made;
    for (size_t i = 0; i < 2; i++)
        made = (*small[i] = fvi_allocate_zeroed(o->context, square, size)) != NULL && made;
    return made ? FV_OK : fvi_out_of_memory(o->context, "matrices of muon", (3 * elements + 2 * square) * size);
}

void fvi_muon_destroy(fv_optimizer *o)
{
    void *const all[] = { o->muon.x, o->muon.y, o->muon.transposed, o->muon.gram, o->muon.polynomial };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        fvi_release(o->context, all[i]);
}

/* One pass over the rows of a matrix. */
typedef struct matrix_pass {
    const fv_optimizer *optimizer;
    fvi_product product;
    size_t rows;
    double scale;
} matrix_pass;

static size_t row_end(const matrix_pass *pass, size_t index)
{
    return (index + 1) * ROWS < pass->rows ? (index + 1) * ROWS : pass->rows;
}

static void multiply_rows(void *argument, size_t index, int32_t worker)
{
    const matrix_pass *pass = argument;
    (void)worker;
    pass->optimizer->kernels->product(&pass->product, index * ROWS, row_end(pass, index));
}

/* out[columns][rows] = scale * a[rows][columns] */
static void transpose_rows(void *argument, size_t index, int32_t worker)
{
    const matrix_pass *pass = argument;
    const size_t columns = pass->product.columns, rows = pass->rows;
    (void)worker;
    for (size_t i = index * ROWS; i < row_end(pass, index); i++)
        for (size_t j = 0; j < columns; j++) {
            if (fv_params_dtype(pass->optimizer->params) == FV_F64)
                ((double *)pass->product.out)[j * rows + i] =
                    pass->scale * ((const double *)pass->product.a)[i * columns + j];
            else
                ((float *)pass->product.out)[j * rows + i] =
                    (float)pass->scale * ((const float *)pass->product.a)[i * columns + j];
        }
}

static void run_rows(const fv_optimizer *o, fvi_task_fn *task, size_t rows, double scale, const fvi_product *product)
{
    matrix_pass pass = { .optimizer = o, .product = *product, .rows = rows, .scale = scale };
    fvi_parallel(o->context, (rows + ROWS - 1) / ROWS, task, &pass);
}

static void transpose(const fv_optimizer *o, size_t rows, size_t columns, double scale, const void *a, void *out)
{
    run_rows(o, transpose_rows, rows, scale, &(fvi_product){ .columns = columns, .a = a, .out = out });
}

static void scale_all(const fv_optimizer *o, size_t count, double scale)
{
    for (size_t i = 0; i < count; i++) {
        if (fv_params_dtype(o->params) == FV_F64)
            ((double *)o->muon.x)[i] *= scale;
        else
            ((float *)o->muon.x)[i] *= (float)scale;
    }
}

static void swap_x(fvi_muon *m)
{
    void *kept = m->x;
    m->x = m->y;
    m->y = kept;
}

static void iterate(fv_optimizer *o, size_t rows, size_t columns)
{
    fvi_muon *m = &o->muon;
    transpose(o, rows, columns, 1, m->x, m->transposed);
    run_rows(
        o, multiply_rows, rows, 1,
        &(fvi_product){ .inner = columns, .columns = rows, .alpha = 1, .a = m->x, .b = m->transposed, .out = m->gram });
    run_rows(o, multiply_rows, rows, 1,
             &(fvi_product){ .inner = rows,
                             .columns = rows,
                             .alpha = coefficient[2],
                             .beta = coefficient[1],
                             .a = m->gram,
                             .b = m->gram,
                             .c = m->gram,
                             .out = m->polynomial });
    run_rows(o, multiply_rows, rows, 1,
             &(fvi_product){ .inner = rows,
                             .columns = columns,
                             .alpha = 1,
                             .beta = coefficient[0],
                             .a = m->polynomial,
                             .b = m->x,
                             .c = m->x,
                             .out = m->y });
    swap_x(m);
}

double fvi_muon_orthogonalize(fv_optimizer *o, int32_t param, double squares)
{
    const fv_param_info info = fv_params_info(o->params, param);
    const size_t rows = rows_of(&info), columns = (size_t)info.elements / rows, side = short_side(&info);
    const bool turned = rows > columns;
    const double norm = sqrt(squares), scale = 1 / (norm > least_norm ? norm : least_norm);
    const double longest = (double)(rows > columns ? rows : columns);
    if (turned) {
        transpose(o, rows, columns, scale, o->muon.x, o->muon.y);
        swap_x(&o->muon);
    } else {
        scale_all(o, rows * columns, scale);
    }
    for (int32_t i = 0; i < ITERATIONS; i++)
        iterate(o, side, rows * columns / side);
    if (turned) {
        transpose(o, columns, rows, 1, o->muon.x, o->muon.y);
        swap_x(&o->muon);
    }
    return o->options.match_adam ? 0.2 * sqrt(longest) : fmax(1, sqrt((double)rows / (double)columns));
}
