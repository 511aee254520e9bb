/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_pixels.c - convolution with few output channels: the lanes of a vector are neighbouring pixels of a row, so 1, 3
 * or 6 outputs leave none empty. Forward, and backward by data in the parity classes of conv2d_direct.c.
 * A unit of work copies the rows that a band of outputs reads to planes, one per channel (in place when the image has one
 * channel already), and walks the outputs a row and a register tile of K channels x V vectors at a time. Sums run over
 * taps and channels in the order of conv2d_direct.c, so both give the same bits (docs/kernel-contract.md).
 * Limits: no groups, rows of at least one vector, strides up to 4.
 */
#include "kernel/conv/conv2d_pixels.h"

#include <string.h>

#define STRIDE_MAX 4
#define CLASSES_MAX (STRIDE_MAX * STRIDE_MAX)
#define WINDOW_FLOATS (16 * 1024) /* a band's window, in an L2 beside the weights */
#define WINDOW_FLOATS_MAX (64 * 1024)
#define TERMS_MAX (16 * 1024)
#define OUTPUTS_MAX 64
#define TASKS_PER_THREAD 4
#define TILE_CYCLES 10 /* beginning and ending a tile */
#define STORE_CYCLES 2 /* transposing and storing up to four outputs of a pixel */

/* Planes of a window: columns first ... first+columns-1 of the input, those `phases` apart next to each other, so that the
 * pixels that neighbouring outputs read through one tap are contiguous for any stride.
 * Column first + phase + phases*i of channel c in row a lies at (a*phases + phase)*channels*pitch + c*pitch + i. */
typedef struct planes_layout {
    int32_t first, columns, phases, channels;
    int32_t pitch;      /* floats from plane to plane, whole vectors */
    int32_t row_floats; /* phases * channels * pitch */
} planes_layout;

/* The outputs of one parity class; forward there is one. */
typedef struct pixels_class {
    fvi_conv2d_taps rows, columns;
    int32_t parity[2];
    size_t packed;  /* where its weights begin */
    int32_t offset; /* where its terms begin in the list */
    int32_t row_terms;
} pixels_class;

typedef struct pixels_call {
    const fvi_pixel_gemm *gemm;
    int32_t outputs, reduced; /* channels */
    int32_t tile_outputs, tile_vectors;
    double row_cycles;            /* estimate for a row of outputs of the first class */
    int32_t in_rows;              /* of the input */
    int32_t in_step[2], out_step; /* input pixels from output to output; output pixels within a class */
    int32_t out_step_column;
    int32_t class_count;
    pixels_class class[CLASSES_MAX];
    int32_t rows;         /* outputs of the tallest class */
    planes_layout planes; /* of the input */
    int32_t terms;        /* of all classes, in the list */
    int32_t band_rows;    /* outputs of a class */
    size_t window_floats;
    /* Known when called. */
    const fvi_view *x, *y;
    const float *packed, *bias;
    const fvi_conv2d_epilogue *epilogue; /* or NULL */
    bool in_place;
    ptrdiff_t row_floats; /* of the planes, or of the view in place */
    int32_t *offsets;
    float *windows;
    int32_t bands;
    size_t tasks;
} pixels_call;

/* The lowest and one past the highest input row that outputs [begin, end) of all classes read; false: none. */
static bool rows_read(const pixels_call *call, int32_t begin, int32_t end, int32_t *low, int32_t *high)
{
    bool any = false;
    for (int32_t i = 0; i < call->class_count; i++) {
        const fvi_conv2d_taps *rows = &call->class[i].rows;
        const int32_t last = fvi_conv2d_smaller(end, rows->outputs) - 1;
        if (rows->count == 0 || last < begin)
            continue;
        const int32_t from = rows->offset + begin * call->in_step[0];
        const int32_t to = rows->offset + last * call->in_step[0] + (rows->count - 1) * rows->advance + 1;
        *low = !any || from < *low ? from : *low;
        *high = !any || to > *high ? to : *high;
        any = true;
    }
    return any;
}

static size_t window_floats(const pixels_call *call, int32_t band_rows)
{
    size_t most = 0;
    for (int32_t begin = 0; begin < call->rows; begin += band_rows) {
        int32_t low = 0, high = 0;
        if (rows_read(call, begin, begin + band_rows, &low, &high) && (size_t)(high - low) > most)
            most = (size_t)(high - low);
    }
    return most * (size_t)call->planes.row_floats;
}

static void list_classes(pixels_call *call, const fvi_conv2d_shape *shape, fvi_pass pass)
{
    if (pass == FVI_FORWARD) {
        call->class[0].rows = (fvi_conv2d_taps){
            .count = shape->r, .step = 1, .offset = -shape->pad[0], .advance = shape->dilation[0], .outputs = shape->oh
        };
        call->class[0].columns = (fvi_conv2d_taps){
            .count = shape->s, .step = 1, .offset = -shape->pad[1], .advance = shape->dilation[1], .outputs = shape->ow
        };
        call->class_count = 1;
    }
    for (int32_t a = 0; pass == FVI_BACKWARD_DATA && a < shape->stride[0]; a++) {
        for (int32_t b = 0; b < shape->stride[1]; b++) {
            pixels_class *class = &call->class[call->class_count];
            class->rows = fvi_conv2d_backward_taps(shape, 0, a);
            class->columns = fvi_conv2d_backward_taps(shape, 1, b);
            class->parity[0] = a;
            class->parity[1] = b;
            call->class_count += class->rows.outputs > 0 && class->columns.outputs > 0;
        }
    }
    size_t taps = 0;
    for (int32_t i = 0; i < call->class_count; i++) {
        pixels_class *class = &call->class[i];
        class->row_terms = class->columns.count * call->reduced;
        class->offset = call->terms;
        class->packed = taps * (size_t)call->reduced * (size_t)call->outputs;
        taps += (size_t) class->rows.count * (size_t) class->columns.count;
        /* A tile of several rows reads beyond the taps of the first. */
        call->terms += (class->rows.count + FVI_PIXEL_GEMM_ROWS - 1) * class->row_terms;
        call->rows = class->rows.outputs > call->rows ? class->rows.outputs : call->rows;
    }
}

/* The columns that all classes read, as planes. */
static void lay_planes(pixels_call *call)
{
    int32_t low = 0, high = 0;
    bool any = false;
    for (int32_t i = 0; i < call->class_count; i++) {
        const fvi_conv2d_taps *columns = &call->class[i].columns;
        if (columns->count == 0)
            continue;
        const int32_t to =
            columns->offset + (columns->outputs - 1) * call->in_step[1] + (columns->count - 1) * columns->advance + 1;
        low = !any || columns->offset < low ? columns->offset : low;
        high = !any || to > high ? to : high;
        any = true;
    }
    planes_layout *planes = &call->planes;
    planes->first = low;
    planes->columns = high - low;
    planes->phases = call->in_step[1];
    planes->channels = call->reduced;
    const int32_t lanes = call->gemm->lanes;
    planes->pitch = fvi_conv2d_ceil(fvi_conv2d_ceil(planes->columns, planes->phases), lanes) * lanes;
    planes->row_floats = planes->phases * planes->channels * planes->pitch;
}

/* Chooses the tile with the least estimated cycles for a row of `width` outputs, or returns 0: too narrow. */
static double choose_tile(pixels_call *call, int32_t width)
{
    const fvi_pixel_gemm *gemm = call->gemm;
    double least = 0;
    for (int32_t outputs = 1; outputs <= gemm->outputs && outputs <= call->outputs; outputs++) {
        for (int32_t vectors = 1; vectors <= gemm->vectors[outputs - 1] && vectors * gemm->lanes <= width; vectors++) {
            const bool rows = call->outputs == 1 && call->class[0].rows.count >= FVI_PIXEL_GEMM_ROWS;
            if (rows && vectors > gemm->row_vectors)
                continue;
            const int32_t tiles = fvi_conv2d_ceil(width, vectors * gemm->lanes);
            double sum = 0;
            for (int32_t i = 0; i < fvi_conv2d_ceil(call->outputs, outputs); i++) {
                const int32_t count = fvi_conv2d_even_span(call->outputs, outputs, i).count;
                const double term = rows ? fvi_conv2d_pixel_term_cycles(gemm, FVI_PIXEL_GEMM_ROWS, vectors) / 3
                                         : fvi_conv2d_pixel_term_cycles(gemm, count, vectors);
                const double store = TILE_CYCLES + STORE_CYCLES * vectors * gemm->lanes * fvi_conv2d_ceil(count, 4);
                sum += tiles * (term * call->class[0].rows.count * call->class[0].row_terms + store);
            }
            if (least > 0 && sum > least)
                continue;
            least = sum;
            call->tile_outputs = outputs;
            call->tile_vectors = vectors;
        }
    }
    return least;
}

/* All that does not depend on the data. Returns NULL or why this algorithm cannot do it. */
static const char *lay_out(pixels_call *call, const fvi_conv2d_plan *plan, fvi_pass pass)
{
    const fvi_conv2d_shape shape = pass == FVI_FORWARD ? plan->shape : fvi_conv2d_backward_shape(&plan->shape);
    memset(call, 0, sizeof *call);
    call->gemm = plan->pass[pass].kernel;
    if (shape.groups > 1)
        return "has groups";
    if (shape.stride[0] > STRIDE_MAX || shape.stride[1] > STRIDE_MAX)
        return "a stride is over 4";
    call->outputs = pass == FVI_FORWARD ? shape.k : shape.c;
    call->reduced = pass == FVI_FORWARD ? shape.c : shape.k;
    if (call->outputs > OUTPUTS_MAX)
        return "over 64 outputs: they fill vectors";
    if ((int64_t)call->reduced * (shape.r + FVI_PIXEL_GEMM_ROWS) * shape.s > TERMS_MAX)
        return "sums are long enough for lanes of channels";
    call->in_rows = pass == FVI_FORWARD ? shape.h : shape.oh;
    for (int axis = 0; axis < 2; axis++)
        call->in_step[axis] = pass == FVI_FORWARD ? shape.stride[axis] : 1;
    call->out_step = pass == FVI_FORWARD ? 1 : shape.stride[0];
    call->out_step_column = pass == FVI_FORWARD ? 1 : shape.stride[1];
    list_classes(call, &shape, pass);
    int32_t narrowest = call->class[0].columns.outputs;
    for (int32_t i = 1; i < call->class_count; i++)
        narrowest = fvi_conv2d_smaller(narrowest, call->class[i].columns.outputs);
    call->row_cycles = choose_tile(call, narrowest);
    if (call->row_cycles <= 0)
        return "rows are shorter than a vector";
    lay_planes(call);
    if ((int64_t)call->planes.row_floats * 2 > WINDOW_FLOATS_MAX || window_floats(call, 1) > WINDOW_FLOATS_MAX)
        return "rows are too long to copy";
    call->band_rows = call->rows;
    while (call->band_rows > 1 && window_floats(call, call->band_rows) > WINDOW_FLOATS)
        call->band_rows = fvi_conv2d_ceil(call->band_rows, 2);
    call->window_floats = window_floats(call, call->band_rows);
    return NULL;
}

static const char *refuse_cost(const pixels_call *call)
{
    const pixels_class *class = &call->class[0];
    fvi_conv2d_cost cost = { .pixels = call->row_cycles };
    const bool copied = call->reduced > 1 || call->planes.phases > 1;
    if (copied)
        cost.pixels += fvi_conv2d_copy_cycles((int64_t)call->window_floats / call->band_rows / call->class_count);
    cost.channels = fvi_conv2d_channel_row_cycles(call->gemm->channels, call->outputs, class->columns.outputs,
                                                  class->rows.count, class->row_terms);
    return fvi_conv2d_refuse_cost(cost);
}

static size_t list_bytes(const pixels_call *call)
{
    return ((size_t)call->terms * sizeof(int32_t) + 63) / 64 * 64;
}

const char *fvi_conv2d_pixels_accept(fvi_conv2d_plan *plan, fvi_pass pass)
{
    if (pass == FVI_BACKWARD_WEIGHTS)
        return fvi_conv2d_pixels_accept_weights(plan);
    pixels_call call;
    const char *reason = lay_out(&call, plan, pass);
    if (reason == NULL && !plan->asked_for)
        reason = refuse_cost(&call);
    if (reason != NULL)
        return reason;
    const fvi_conv2d_shape *shape = &plan->shape;
    plan->pass[pass].packed_bytes =
        (size_t)shape->k * (size_t)shape->c * (size_t)shape->r * (size_t)shape->s * sizeof(float);
    plan->pass[pass].scratch_bytes = list_bytes(&call) + (size_t)plan->threads * call.window_floats * sizeof(float);
    fvi_conv2d_direct_border(plan, pass);
    return NULL;
}

void fvi_conv2d_pixels_pack(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w,
                            void *packed)
{
    (void)context;
    const fvi_conv2d_shape *shape = &plan->shape;
    pixels_call call;
    if (lay_out(&call, plan, pass) != NULL)
        return;
    const size_t taps = (size_t)shape->r * (size_t)shape->s;
    const size_t output_stride = pass == FVI_FORWARD ? (size_t)shape->c * taps : taps;
    const size_t reduced_stride = pass == FVI_FORWARD ? taps : (size_t)shape->c * taps;
    float *to = packed;
    for (int32_t i = 0; i < call.class_count; i++) {
        const pixels_class *class = &call.class[i];
        for (int32_t b = 0; b < fvi_conv2d_ceil(call.outputs, call.tile_outputs); b++) {
            const fvi_conv2d_span block = fvi_conv2d_even_span(call.outputs, call.tile_outputs, b);
            for (int32_t t = 0; t < class->rows.count * class->row_terms; t++) {
                const int32_t c = t % call.reduced, column = t / call.reduced % class->columns.count;
                const int32_t r = class->rows.first + t / class->row_terms * class->rows.step;
                const int32_t s = class->columns.first + column * class->columns.step;
                const float *from = (const float *)w + (size_t)block.first * output_stride +
                                    (size_t)c * reduced_stride + r * shape->s + s;
                for (int32_t k = 0; k < block.count; k++)
                    *to++ = from[(size_t)k * output_stride];
            }
        }
    }
}

/* Copies `rows` rows of an image from channels last to planes, beginning with row `row`. */
static void copy_window(const pixels_call *call, int32_t n, int32_t row, int32_t rows, float *to)
{
    const planes_layout *planes = &call->planes;
    const fvi_view *from = call->x;
    fvi_pixel_gemm_copy copy = { .from_row = from->row_stride,
                                 .from_pixel = planes->phases * from->pixel_stride,
                                 .to = to,
                                 .to_row = planes->row_floats,
                                 .to_channel = planes->pitch,
                                 .rows = rows,
                                 .channels = planes->channels };
    for (int32_t phase = 0; phase < planes->phases; phase++) {
        copy.from = fvi_conv2d_pixel(from, n, row, planes->first + phase);
        copy.pixels = fvi_conv2d_ceil(planes->columns - phase, planes->phases);
        call->gemm->copy(&copy);
        copy.to += planes->channels * planes->pitch;
    }
}

/* Where the pixel of output column 0 under a tap at `column` (relative to `first`) lies in a row of planes. */
static int32_t plane_at(const planes_layout *planes, int32_t column)
{
    return column % planes->phases * planes->channels * planes->pitch + column / planes->phases;
}

/* The terms of each class, relative to its first pixel of a row of outputs. */
static void list_terms(const pixels_call *call)
{
    for (int32_t i = 0; i < call->class_count; i++) {
        const pixels_class *class = &call->class[i];
        int32_t *to = call->offsets + class->offset;
        for (int32_t r = 0; r < class->rows.count + FVI_PIXEL_GEMM_ROWS - 1; r++)
            for (int32_t s = 0; s < class->columns.count; s++)
                for (int32_t c = 0; c < call->reduced; c++) {
                    const int32_t column = class->columns.offset - call->planes.first + s * class->columns.advance;
                    *to++ = (int32_t)(r * class->rows.advance * call->row_floats) + c * call->planes.pitch +
                            plane_at(&call->planes, column);
                }
    }
}

/* How many rows of taps lie in the image for output row q, and which is the first: the others would multiply zeros. */
static int32_t taps_inside(const pixels_call *call, const fvi_conv2d_taps *rows, int32_t q, int32_t *first)
{
    const int32_t top = rows->offset + q * call->in_step[0];
    const int32_t begin = top < 0 ? fvi_conv2d_ceil(-top, rows->advance) : 0;
    const int32_t end = top < call->in_rows ? fvi_conv2d_ceil(call->in_rows - top, rows->advance) : 0;
    const int32_t last = fvi_conv2d_smaller(end, rows->count);
    *first = fvi_conv2d_smaller(begin, last);
    return last - *first;
}

/* Can output rows q ... q+2 be one tile? Each must read all its rows of taps, and they must follow each other. */
static bool are_rows_tile(const pixels_call *call, const pixels_class *class, int32_t q, int32_t end)
{
    int32_t first = 0;
    return q + FVI_PIXEL_GEMM_ROWS <= end && class->row_terms > 0 && class->rows.count >= FVI_PIXEL_GEMM_ROWS &&
           class->rows.advance == call->in_step[0] && call->gemm->rows[call->tile_vectors - 1] != NULL &&
           taps_inside(call, &class->rows, q, &first) == class->rows.count &&
           taps_inside(call, &class->rows, q + FVI_PIXEL_GEMM_ROWS - 1, &first) == class->rows.count;
}

static const float zeros[FVI_PIXEL_GEMM_OUTPUTS];

/* Rows [begin, end) of one class and block of outputs. window: the input's row `low`, column planes.first. */
static void run_block(const pixels_call *call, const pixels_class *class, fvi_conv2d_span block, int32_t n,
                      int32_t begin, int32_t end, const float *window, int32_t low)
{
    const fvi_view *y = call->y;
    const int32_t terms = class->rows.count * class->row_terms;
    const float *w = call->packed + class->packed + (size_t)block.first * (size_t)terms;
    fvi_pixel_gemm_forward args = { .init = call->bias != NULL ? call->bias + block.first : zeros,
                                    .y_pixel = call->out_step_column * y->pixel_stride,
                                    .y_row = call->out_step * y->row_stride,
                                    .row_terms = class->row_terms,
                                    .pixels = class->columns.outputs };
    for (int32_t q = begin; q < end; q++) {
        int32_t first = 0;
        const int32_t inside = taps_inside(call, &class->rows, q, &first);
        args.offset = call->offsets + class->offset + first * class->row_terms;
        args.w = w + (size_t)(first * class->row_terms) * (size_t)block.count;
        args.terms = inside * class->row_terms;
        args.x = window + (class->rows.offset + q * call->in_step[0] - low) * call->row_floats;
        args.y = (float *)y->data + n * y->image_stride +
                 ((ptrdiff_t)q * call->out_step + class->parity[0]) * y->row_stride +
                 class->parity[1] * y->pixel_stride + block.first;
        if (block.count == 1 && are_rows_tile(call, class, q, end)) {
            call->gemm->rows[call->tile_vectors - 1](&args);
            q += FVI_PIXEL_GEMM_ROWS - 1;
        } else {
            call->gemm->forward[block.count - 1][call->tile_vectors - 1](&args);
        }
    }
}

static void run_unit(const pixels_call *call, int32_t n, int32_t band, float *window)
{
    const int32_t begin = band * call->band_rows;
    const int32_t end = fvi_conv2d_smaller((int64_t)begin + call->band_rows, call->rows);
    int32_t low = 0, high = 0;
    const float *from = window;
    if (rows_read(call, begin, end, &low, &high)) {
        if (call->in_place)
            from = fvi_conv2d_pixel(call->x, n, low, call->planes.first);
        else
            copy_window(call, n, low, high - low, window);
    }
    const int32_t blocks = fvi_conv2d_ceil(call->outputs, call->tile_outputs);
    for (int32_t i = 0; i < call->class_count; i++) {
        const pixels_class *class = &call->class[i];
        const int32_t last = fvi_conv2d_smaller(end, class->rows.outputs);
        for (int32_t b = 0; b < blocks; b++)
            run_block(call, class, fvi_conv2d_even_span(call->outputs, call->tile_outputs, b), n, begin, last, from,
                      low);
    }
    if (call->epilogue != NULL) /* of the forward pass: one class, all pixels of its rows */
        fvi_conv2d_finish(call->epilogue, call->y,
                          ((size_t)n * (size_t)call->y->h + (size_t)begin) * (size_t)call->y->w,
                          (size_t)(end - begin) * (size_t)call->y->w, 0, call->outputs);
}

/* Task index: a range of (image, band) units. */
static void run_task(void *argument, size_t index, int32_t worker)
{
    const pixels_call *call = argument;
    const size_t units = (size_t)call->x->n * (size_t)call->bands;
    for (size_t unit = units * index / call->tasks; unit < units * (index + 1) / call->tasks; unit++)
        run_unit(call, (int32_t)(unit / (size_t)call->bands), (int32_t)(unit % (size_t)call->bands),
                 call->windows + (size_t)worker * call->window_floats);
}

static void run(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const fvi_view *x, const void *packed,
                const void *bias, const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch)
{
    pixels_call call;
    if (lay_out(&call, plan, pass) != NULL)
        return;
    call.x = x;
    call.y = y;
    call.epilogue = epilogue;
    call.packed = packed;
    call.bias = bias;
    call.offsets = scratch;
    call.windows = (float *)((char *)scratch + list_bytes(&call));
    call.in_place = call.reduced == 1 && call.planes.phases == 1 && x->pixel_stride == 1;
    call.row_floats = call.in_place ? x->row_stride : call.planes.row_floats;
    const int32_t wanted = plan->threads == 1 ? 1 : TASKS_PER_THREAD * plan->threads;
    const int32_t images = x->n < wanted ? fvi_conv2d_ceil(wanted, x->n) : 1;
    call.band_rows = fvi_conv2d_smaller(call.band_rows, fvi_conv2d_ceil(call.rows, images));
    call.bands = fvi_conv2d_ceil(call.rows, call.band_rows);
    list_terms(&call);
    const int64_t units = (int64_t)x->n * call.bands;
    call.tasks = (size_t)fvi_conv2d_smaller(units, wanted);
    fvi_parallel(context, call.tasks, run_task, &call);
}

void fvi_conv2d_pixels_forward(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x, const void *packed,
                               const void *bias, const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch)
{
    run(plan, context, FVI_FORWARD, x, packed, bias, epilogue, y, scratch);
}

void fvi_conv2d_pixels_backward_data(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy,
                                     const void *packed, const fvi_conv2d_epilogue *epilogue, const fvi_view *dx,
                                     void *scratch)
{
    run(plan, context, FVI_BACKWARD_DATA, dy, packed, NULL, NULL, dx, scratch);
    fvi_conv2d_finish_all(epilogue, context, dx);
}
