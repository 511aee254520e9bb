/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_dense.c - convolutions whose kernel is the whole image: dense layers. Weights are read as they are, [k][c*h*w], so a step
 * neither packs them nor keeps two copies; each pass reads or writes them once, which is what bounds small batches. An image
 * is first turned to the order of the weights, c, h, w. "Packed" memory holds the address of the weights.
 *   forward           tasks of rows of w; each tile sums along the inputs, piece by piece
 *   backward by data  tasks of columns of w; a block of rows is copied to panels in cache, then multiplied
 *   backward weights  panels of x and dy, multiplied straight into dw
 */
#include <string.h>

#include "kernel/conv/conv2d_direct.h"
#include "kernel/conv/conv2d_internal.h"
#include "kernel/gemm/dense_gemm.h"

enum {
    PIECE = 1024, /* inputs of a tile of sums: 3 images and 4 rows of them lie in L1 */
    FORWARD_ROWS = 64,
    BLOCK_ROWS = 32, /* of w, whose panels a task of backward by data holds: long rows, so that memory streams */
    BLOCK_PANELS = 40,
    SMALL_WEIGHTS = 1 << 16, /* packing fewer takes less than packed ones save */
    LINE = 16,               /* floats of a cache line */
    WEIGHT_ROWS = 256,       /* of dw in a task */
    HELD_FLOATS = 32768,     /* of panels of x that stay in a cache while rows of dy pass */
    TASKS_A_THREAD = 8       /* at least, where there are panels for them */
};

typedef struct dense_call {
    const fvi_dense_gemm *gemm;
    fv_context *context;
    int32_t n, k;
    size_t inputs;  /* c*h*w */
    int32_t width;  /* of a panel */
    int32_t panels; /* of the inputs */
    const float *w;
    float *image; /* x or dx as [n][image_stride], in the order c, h, w */
    ptrdiff_t image_stride;
    const fvi_view *view; /* the same as an image */
    const fvi_view *y;    /* y or dy */
    const float *bias;
    const fvi_conv2d_epilogue *epilogue;
    float *dw;
    float *left, *right; /* panels */
    int32_t task_rows, task_panels;
} dense_call;

static size_t inputs_of(const fvi_conv2d_shape *shape)
{
    return (size_t)shape->c * (size_t)shape->h * (size_t)shape->w;
}

static bool is_vector(const fvi_conv2d_shape *shape)
{
    return shape->h == 1 && shape->w == 1;
}

/* Floats of x or dx in the order of the weights; none when it is in that order already. */
static size_t image_floats(const fvi_conv2d_shape *shape)
{
    const size_t floats = is_vector(shape) ? 0 : (size_t)shape->n * inputs_of(shape);
    return (floats + 15) / 16 * 16;
}

static size_t left_floats(int32_t rows, int32_t count)
{
    const size_t floats = (size_t)fvi_conv2d_ceil(rows, FVI_DENSE_ROWS) * FVI_DENSE_ROWS * (size_t)count;
    return (floats + 15) / 16 * 16;
}

const char *fvi_conv2d_dense_accept(fvi_conv2d_plan *plan, fvi_pass pass)
{
    const fvi_conv2d_shape *s = &plan->shape;
    const fvi_dense_gemm *gemm = plan->pass[pass].kernel;
    if (s->groups != 1 || s->r != s->h || s->s != s->w || s->dilation[0] != 1 || s->dilation[1] != 1 ||
        s->pad[0] + s->pad[1] + s->pad[2] + s->pad[3] != 0)
        return "for kernels that are the whole image";
    if (pass != FVI_BACKWARD_WEIGHTS && !plan->asked_for && inputs_of(s) * (size_t)s->k < SMALL_WEIGHTS)
        return "the weights are few: packing them pays";
    const size_t width = (size_t)(FVI_DENSE_VECTORS * gemm->lanes), panels = (inputs_of(s) + width - 1) / width;
    size_t floats = image_floats(s);
    if (pass == FVI_BACKWARD_WEIGHTS)
        floats += left_floats(s->k, s->n) + panels * width * (size_t)s->n;
    else if (pass == FVI_BACKWARD_DATA)
        floats += left_floats(s->n, s->k) + (size_t)plan->threads * BLOCK_ROWS * BLOCK_PANELS * width;
    plan->pass[pass].scratch_bytes = floats * sizeof(float);
    plan->pass[pass].packed_bytes = pass == FVI_BACKWARD_WEIGHTS ? 0 : sizeof(const float *);
    return NULL;
}

void fvi_conv2d_dense_pack(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w, void *packed)
{
    (void)plan;
    (void)context;
    (void)pass;
    memcpy(packed, &w, sizeof w);
}

/* view: x or dx. The image's memory lies first in scratch, panels behind it. */
static dense_call prepare(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const fvi_view *view,
                          const fvi_view *y, void *scratch)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    dense_call call = { .gemm = plan->pass[pass].kernel, .context = context, .view = view, .y = y };
    call.n = view->n;
    call.k = shape->k;
    call.inputs = inputs_of(shape);
    call.width = FVI_DENSE_VECTORS * call.gemm->lanes;
    call.panels = (int32_t)((call.inputs + (size_t)call.width - 1) / (size_t)call.width);
    call.image = is_vector(shape) ? view->data : scratch;
    call.image_stride = is_vector(shape) ? view->image_stride : (ptrdiff_t)call.inputs;
    call.left = (float *)scratch + image_floats(shape);
    return call;
}

static const float *weights_of(const void *packed)
{
    const float *w;
    memcpy(&w, packed, sizeof w);
    return w;
}

static void turn_image(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const dense_call *call = argument;
    fvi_view one = fvi_view_first(*call->view, 1);
    one.data = fvi_view_at(call->view, FV_F32, (int32_t)index, 0, 0);
    fvi_view_to_nchw(&one, FV_F32, call->image + (ptrdiff_t)index * call->image_stride);
}

static void turn_back(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const dense_call *call = argument;
    fvi_view one = fvi_view_first(*call->view, 1);
    one.data = fvi_view_at(call->view, FV_F32, (int32_t)index, 0, 0);
    fvi_view_from_nchw(&one, FV_F32, call->image + (ptrdiff_t)index * call->image_stride);
}

static float *output(const dense_call *call, int32_t n)
{
    return (float *)call->y->data + n * call->y->image_stride;
}

/* A block of weights that is fetched into the cache little by little while another is computed with. */
typedef struct fetch_plan {
    const float *from;
    ptrdiff_t stride;
    int32_t rows, lines; /* lines of a row */
    int32_t row, line;   /* the next */
} fetch_plan;

static void fetch(fetch_plan *plan, int32_t lines)
{
    for (int32_t i = 0; i < lines && plan->row < plan->rows; i++) {
        __builtin_prefetch(plan->from + plan->row * plan->stride + plan->line * LINE, 0, 2);
        if (++plan->line == plan->lines) {
            plan->line = 0;
            plan->row++;
        }
    }
}

static int32_t lines_of(size_t floats)
{
    return (int32_t)((floats + LINE - 1) / LINE);
}

/* Inputs [from, from + count) of rows [first, first + rows), for all images; meanwhile `next` is fetched. */
static void add_piece(const dense_call *call, int32_t first, int32_t rows, size_t from, size_t count, fetch_plan next)
{
    const int32_t tiles = fvi_conv2d_ceil(call->n, FVI_DENSE_POINTS);
    const int32_t share = fvi_conv2d_ceil(next.rows * next.lines, tiles);
    fvi_dense_sums arguments = { .w = call->w + (size_t)first * call->inputs + from,
                                 .x_point = call->image_stride,
                                 .w_row = (ptrdiff_t)call->inputs,
                                 .sum_point = call->y->image_stride,
                                 .count = count,
                                 .rows = rows };
    for (int32_t n = 0; n < call->n; n += FVI_DENSE_POINTS) {
        const int32_t points = call->n - n < FVI_DENSE_POINTS ? call->n - n : FVI_DENSE_POINTS;
        arguments.x = call->image + n * call->image_stride + (ptrdiff_t)from;
        arguments.sum = output(call, n) + first;
        fetch(&next, share);
        call->gemm->sums[points - 1](&arguments);
    }
}

static void forward_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const dense_call *call = argument;
    const int32_t first = (int32_t)index * call->task_rows;
    const int32_t rows = call->k - first < call->task_rows ? call->k - first : call->task_rows;
    for (int32_t n = 0; n < call->n; n++)
        for (int32_t r = 0; r < rows; r++)
            output(call, n)[first + r] = call->bias != NULL ? call->bias[first + r] : 0.0f;
    for (size_t from = 0; from < call->inputs; from += PIECE) {
        const size_t count = call->inputs - from < PIECE ? call->inputs - from : PIECE;
        for (int32_t r = 0; r < rows; r += FVI_DENSE_ROWS) {
            const int32_t left = rows - r - FVI_DENSE_ROWS;
            const fetch_plan next = { .from = call->w + (size_t)(first + r + FVI_DENSE_ROWS) * call->inputs + from,
                                      .stride = (ptrdiff_t)call->inputs,
                                      .rows = left < 0                ? 0
                                              : left < FVI_DENSE_ROWS ? left
                                                                      : FVI_DENSE_ROWS,
                                      .lines = lines_of(count) };
            add_piece(call, first + r, rows - r < FVI_DENSE_ROWS ? rows - r : FVI_DENSE_ROWS, from, count, next);
        }
    }
    for (int32_t n = 0; n < call->n; n++)
        fvi_conv2d_finish(call->epilogue, call->y, (size_t)n, 1, first, rows);
}

void fvi_conv2d_dense_forward(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x, const void *packed,
                              const void *bias, const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch)
{
    dense_call call = prepare(plan, context, FVI_FORWARD, x, y, scratch);
    call.w = weights_of(packed);
    call.bias = bias;
    call.epilogue = epilogue;
    /* sixteen tasks or more where there are rows enough, whole tiles, and lines of y that no two tasks share */
    const int32_t rows = fvi_conv2d_ceil(call.k, 16 * 16) * 16;
    call.task_rows = rows < FORWARD_ROWS ? rows : FORWARD_ROWS;
    if (call.image != x->data)
        fvi_parallel(context, (size_t)call.n, turn_image, &call);
    fvi_parallel(context, (size_t)fvi_conv2d_ceil(call.k, call.task_rows), forward_task, &call);
}

/* Columns of a matrix as panels of FVI_DENSE_ROWS, [panel][count][4], zeros behind the last. transposed: `from` is [count][columns],
 * else [columns][count], rows `stride` floats apart. */
static void make_left(const float *from, ptrdiff_t stride, int32_t columns, int32_t count, bool transposed, float *to)
{
    for (int32_t first = 0; first < columns; first += FVI_DENSE_ROWS)
        for (int32_t q = 0; q < count; q++)
            for (int32_t r = first; r < first + FVI_DENSE_ROWS; r++)
                *to++ = r >= columns ? 0.0f : transposed ? from[q * stride + r] : from[r * stride + q];
}

/* `rows` rows of `columns` floats as a panel [rows][width]. */
static void make_right(const float *from, ptrdiff_t stride, int32_t rows, int32_t columns, int32_t width, float *to)
{
    for (int32_t q = 0; q < rows; q++, from += stride, to += width) {
        memcpy(to, from, (size_t)columns * sizeof(float));
        for (int32_t j = columns; j < width; j++)
            to[j] = 0.0f;
    }
}

static int32_t columns_of(const dense_call *call, int32_t panel)
{
    const size_t left = call->inputs - (size_t)panel * (size_t)call->width;
    return left < (size_t)call->width ? (int32_t)left : call->width;
}

/* dx of some panels += (add) rows [first, first + rows) of w times dy; meanwhile `next` is fetched. */
static void multiply_block(const dense_call *call, int32_t first, int32_t rows, int32_t panel, int32_t panels,
                           const float *right, fetch_plan next)
{
    const int32_t share = fvi_conv2d_ceil(next.rows * next.lines, panels * fvi_conv2d_ceil(call->n, FVI_DENSE_ROWS));
    for (int32_t p = 0; p < panels; p++) {
        fvi_dense_product arguments = { .b = right + (size_t)p * (size_t)rows * (size_t)call->width,
                                        .y_row = call->image_stride,
                                        .count = (size_t)rows,
                                        .columns = columns_of(call, panel + p),
                                        .add = first > 0 };
        for (int32_t n = 0; n < call->n; n += FVI_DENSE_ROWS) {
            fetch(&next, share);
            arguments.a = call->left + ((size_t)n * (size_t)call->k + (size_t)first * FVI_DENSE_ROWS);
            arguments.y = call->image + n * call->image_stride + (ptrdiff_t)(panel + p) * call->width;
            arguments.rows = call->n - n < FVI_DENSE_ROWS ? call->n - n : FVI_DENSE_ROWS;
            call->gemm->product(&arguments);
        }
    }
}

static void data_task(void *argument, size_t index, int32_t worker)
{
    const dense_call *call = argument;
    const int32_t panel = (int32_t)index * call->task_panels;
    const int32_t panels = call->panels - panel < call->task_panels ? call->panels - panel : call->task_panels;
    float *const right = call->right + (size_t)worker * BLOCK_ROWS * BLOCK_PANELS * (size_t)call->width;
    for (int32_t first = 0; first < call->k; first += BLOCK_ROWS) {
        const int32_t rows = call->k - first < BLOCK_ROWS ? call->k - first : BLOCK_ROWS;
        const float *w = call->w + (size_t)first * call->inputs + (size_t)panel * (size_t)call->width;
        const fvi_dense_spread spread = { .from = w,
                                          .to = right,
                                          .from_row = (ptrdiff_t)call->inputs,
                                          .rows = rows,
                                          .panels = panels,
                                          .last = columns_of(call, panel + panels - 1) };
        call->gemm->spread(&spread);
        const int32_t left = call->k - first - rows;
        const fetch_plan next = { .from = w + (size_t)rows * call->inputs,
                                  .stride = (ptrdiff_t)call->inputs,
                                  .rows = left < BLOCK_ROWS ? left : BLOCK_ROWS,
                                  .lines = lines_of((size_t)(panels - 1) * (size_t)call->width + (size_t)spread.last) };
        multiply_block(call, first, rows, panel, panels, right, next);
    }
}

void fvi_conv2d_dense_backward_data(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy,
                                    const void *packed, const fvi_conv2d_epilogue *epilogue, const fvi_view *dx,
                                    void *scratch)
{
    dense_call call = prepare(plan, context, FVI_BACKWARD_DATA, dx, dy, scratch);
    call.w = weights_of(packed);
    call.right = call.left + left_floats(plan->shape.n, call.k);
    const int32_t panels = fvi_conv2d_ceil(call.panels, 16);
    call.task_panels = panels < BLOCK_PANELS ? panels : BLOCK_PANELS;
    make_left(dy->data, dy->image_stride, call.n, call.k, false, call.left);
    fvi_parallel(context, (size_t)fvi_conv2d_ceil(call.panels, call.task_panels), data_task, &call);
    if (call.image != dx->data)
        fvi_parallel(context, (size_t)call.n, turn_back, &call);
    fvi_conv2d_finish_all(epilogue, context, dx);
}

static void panel_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const dense_call *call = argument;
    const int32_t panel = (int32_t)index;
    make_right(call->image + (ptrdiff_t)panel * call->width, call->image_stride, call->n, columns_of(call, panel),
               call->width, call->right + (size_t)panel * (size_t)call->n * (size_t)call->width);
}

/* Rows and panels of dw; row by row within the task, so that whole lines are written. */
static void weights_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const dense_call *call = argument;
    const int32_t row_tasks = fvi_conv2d_ceil(call->k, WEIGHT_ROWS);
    const int32_t first = (int32_t)(index % (size_t)row_tasks) * WEIGHT_ROWS;
    const int32_t panel = (int32_t)(index / (size_t)row_tasks) * call->task_panels;
    const int32_t end = call->k - first < WEIGHT_ROWS ? call->k : first + WEIGHT_ROWS;
    const int32_t last = call->panels - panel < call->task_panels ? call->panels : panel + call->task_panels;
    for (int32_t k = first; k < end; k += FVI_DENSE_ROWS)
        for (int32_t p = panel; p < last; p++) {
            const fvi_dense_product arguments = {
                .a = call->left + (size_t)k * (size_t)call->n,
                .b = call->right + (size_t)p * (size_t)call->n * (size_t)call->width,
                .y = call->dw + (size_t)k * call->inputs + (size_t)p * (size_t)call->width,
                .y_row = (ptrdiff_t)call->inputs,
                .count = (size_t)call->n,
                .rows = end - k < FVI_DENSE_ROWS ? end - k : FVI_DENSE_ROWS,
                .columns = columns_of(call, p),
            };
            call->gemm->product(&arguments);
        }
}

static void sum_bias(const dense_call *call, float *db)
{
    for (int32_t k = 0; k < call->k; k++)
        db[k] = 0.0f;
    for (int32_t n = 0; n < call->n; n++)
        for (int32_t k = 0; k < call->k; k++)
            db[k] += output(call, n)[k];
}

/* Panels of a task of weights_task(). */
static int32_t panels_of_a_task(const dense_call *call, size_t row_tasks, int32_t threads)
{
    const int32_t held = HELD_FLOATS / (call->n * call->width);
    const int32_t tasks = fvi_conv2d_ceil(TASKS_A_THREAD * threads, (int32_t)row_tasks);
    const int32_t share = fvi_conv2d_ceil(call->panels, tasks), least = held < share ? held : share;
    return least < 1 ? 1 : least;
}

/* scratch: x in order, its panels, panels of dy. */
void fvi_conv2d_dense_backward_weights(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,
                                       const fvi_view *dy, void *dw, void *db, void *scratch)
{
    dense_call call = prepare(plan, context, FVI_BACKWARD_WEIGHTS, x, dy, scratch);
    const size_t row_tasks = (size_t)fvi_conv2d_ceil(call.k, WEIGHT_ROWS);
    call.dw = dw;
    call.right = call.left;
    call.left = call.right + (size_t)call.panels * (size_t)call.width * (size_t)plan->shape.n;
    call.task_panels = panels_of_a_task(&call, row_tasks, plan->threads);
    if (!plan->continues) {
        if (call.image != x->data)
            fvi_parallel(context, (size_t)call.n, turn_image, &call);
        fvi_parallel(context, (size_t)call.panels, panel_task, &call);
    }
    make_left(dy->data, dy->image_stride, call.k, call.n, true, call.left);
    fvi_parallel(context, row_tasks * (size_t)fvi_conv2d_ceil(call.panels, call.task_panels), weights_task, &call);
    if (db != NULL)
        sum_bias(&call, db);
}
