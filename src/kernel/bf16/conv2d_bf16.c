/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_bf16.c - forward, and backward by data where that is a forward convolution of dy with the kernel turned round: stride 1,
 * and dense layers. See conv2d_bf16.h for the method.
 * Pixels are gathered in groups that stay in a core's cache together with a block of weights, and each group meets all blocks of
 * outputs; of a dense layer, whose weights are larger than its batch, each block of outputs meets all images instead.
 */
#include "kernel/bf16/conv2d_bf16.h"

#include <string.h>

#include "kernel/bf16/conv2d_bf16_internal.h"

enum { GATHERED_BYTES = 96 * 1024, PIXELS_MOST = 96, PAIRS_BLOCK = 512 };

#if defined(__x86_64__)
extern const fvi_bf16_dot fvi_bf16_dot_baseline, fvi_bf16_dot_avx2, fvi_bf16_dot_avx512, fvi_bf16_dot_avx512_bf16;
#elif defined(__aarch64__)
extern const fvi_bf16_dot fvi_bf16_dot_neon;
#else
extern const fvi_bf16_dot fvi_bf16_dot_baseline;
#endif

static const fvi_bf16_dot *dot_for(fvi_isa isa)
{
#if defined(__x86_64__)
    switch (isa) {
    case FVI_ISA_AVX512_BF16:
        return &fvi_bf16_dot_avx512_bf16;
    case FVI_ISA_AVX512:
        return &fvi_bf16_dot_avx512;
    case FVI_ISA_AVX2:
        return &fvi_bf16_dot_avx2;
    default:
        return &fvi_bf16_dot_baseline;
    }
#elif defined(__aarch64__)
    (void)isa;
    return &fvi_bf16_dot_neon;
#else
    (void)isa;
    return &fvi_bf16_dot_baseline;
#endif
}

static bool is_whole(const fvi_conv2d_shape *shape)
{
    return shape->oh == 1 && shape->ow == 1 && shape->r == shape->h && shape->s == shape->w && shape->pad[0] == 0 &&
           shape->pad[1] == 0;
}

const char *fvi_conv2d_bf16_refused(const fvi_conv2d_shape *shape, fvi_pass pass)
{
    if (shape->groups != 1)
        return "groups are for the float32 kernels";
    if (pass == FVI_BACKWARD_DATA && !is_whole(shape) && (shape->stride[0] != 1 || shape->stride[1] != 1))
        return "a stride leaves gaps in dx";
    return NULL;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Bytes of the gathered pixels, of the sums, and of what a summand is widened to. */
static size_t group_bytes(const fvi_conv2d_bf16 *plan, fvi_pass pass, size_t pixels, size_t outputs)
{
    return fvi_round_up(pixels * fvi_bf16_up(plan->reduced[pass], 2) * sizeof(uint16_t), 64) +
           2 * fvi_round_up(pixels * outputs * sizeof(float), 64);
}

static size_t gathered_bytes(const fvi_conv2d_bf16 *plan, fvi_pass pass)
{
    return fvi_round_up(plan->pixels[pass] * fvi_bf16_up(plan->reduced[pass], 2) * sizeof(uint16_t), 64);
}

void fvi_conv2d_bf16_plan(fvi_conv2d_bf16 *plan, const fvi_conv2d_shape *shape, fvi_isa isa, int32_t threads)
{
    const size_t area = (size_t)shape->r * (size_t)shape->s, c = (size_t)shape->c, k = (size_t)shape->k;
    *plan = (fvi_conv2d_bf16){
        .shape = *shape, .dot = dot_for(isa), .convert = fvi_bf16_kernels_for(isa), .threads = threads
    };
    plan->whole = is_whole(shape);
    plan->reduced[FVI_FORWARD] = area * c;
    plan->outputs[FVI_FORWARD] = k;
    plan->reduced[FVI_BACKWARD_DATA] = plan->whole ? k : area * k;
    plan->outputs[FVI_BACKWARD_DATA] = plan->whole ? area * c : c;
    for (int pass = FVI_FORWARD; pass <= FVI_BACKWARD_DATA; pass++) {
        const size_t pairs = (plan->reduced[pass] + 1) / 2, block = plan->dot->outputs;
        const size_t fit = GATHERED_BYTES / (2 * sizeof(uint16_t) * pairs) / FVI_BF16_ROWS * FVI_BF16_ROWS;
        plan->pixels[pass] = fit < FVI_BF16_ROWS ? FVI_BF16_ROWS : smaller(fit, PIXELS_MOST);
        plan->packed_bytes[pass] = fvi_bf16_up(plan->outputs[pass], block) * pairs * sizeof(int32_t);
        if (plan->whole) { /* gathered once; sums and summands of a block of outputs for each thread */
            plan->pixels[pass] = (size_t)shape->n;
            plan->scratch_bytes[pass] =
                gathered_bytes(plan, (fvi_pass)pass) +
                (size_t)threads * 2 * fvi_round_up((size_t)shape->n * block * sizeof(float), 64);
        } else {
            plan->scratch_bytes[pass] = (size_t)threads * group_bytes(plan, (fvi_pass)pass, plan->pixels[pass], block);
        }
    }
    plan->scratch_bytes[FVI_BACKWARD_WEIGHTS] = fvi_conv2d_bf16_weights_bytes(plan);
}

/* Packing. The weight that meets factor e of a sum for output o lies at start + e % period * step + e / period * turn, plus
 * what output_offset() gives. */
typedef struct pack_job {
    const fvi_conv2d_bf16 *plan;
    fvi_pass pass;
    const float *w;
    size_t period;
    ptrdiff_t start, step, turn;
    int32_t *packed;
} pack_job;

/* One side of the pairs, on its way through the factors of a sum. */
typedef struct factor {
    ptrdiff_t at;
    size_t left; /* of the period */
} factor;

static ptrdiff_t output_offset(const pack_job *job, size_t o)
{
    const fvi_conv2d_shape *shape = &job->plan->shape;
    const size_t c = (size_t)shape->c, area = (size_t)shape->r * (size_t)shape->s;
    if (job->pass == FVI_FORWARD)
        return (ptrdiff_t)(o * c * area);
    return (ptrdiff_t)(job->plan->whole ? o % c * area + o / c : o * area);
}

static void next_factor(const pack_job *job, factor *f)
{
    f->at += job->step;
    if (--f->left > 0)
        return;
    f->at += job->turn - (ptrdiff_t)job->period * job->step;
    f->left = job->period;
}

static void read_factor(const pack_job *job, factor *f, size_t count, const ptrdiff_t *offset, uint16_t *to)
{
    float values[FVI_BF16_OUTPUTS_MOST];
    for (size_t i = 0; i < count; i++)
        values[i] = job->w[f->at + offset[i]];
    job->plan->convert->narrow(count, values, to);
    next_factor(job, f);
}

static void pack_block(void *argument, size_t b, int32_t worker)
{
    const pack_job *job = argument;
    (void)worker;
    const size_t block = job->plan->dot->outputs, reduced = job->plan->reduced[job->pass];
    const size_t left = job->plan->outputs[job->pass] - b * block, count = left < block ? left : block;
    uint16_t half[2][FVI_BF16_OUTPUTS_MOST] = { 0 };
    ptrdiff_t offset[FVI_BF16_OUTPUTS_MOST];
    for (size_t i = 0; i < count; i++)
        offset[i] = output_offset(job, b * block + i);
    factor next = { .at = job->start, .left = job->period };
    int32_t *to = job->packed + b * ((reduced + 1) / 2) * block;
    for (size_t e = 0; e < reduced; e += 2, to += block) {
        read_factor(job, &next, count, offset, half[0]);
        if (e + 1 < reduced)
            read_factor(job, &next, count, offset, half[1]);
        else
            memset(half[1], 0, sizeof half[1]);
        job->plan->dot->pair(block, half[0], half[1], to);
    }
}

void fvi_conv2d_bf16_pack(const fvi_conv2d_bf16 *plan, fv_context *context, fvi_pass pass, const float *w, void *packed)
{
    const size_t c = (size_t)plan->shape.c, k = (size_t)plan->shape.k;
    const size_t area = (size_t)plan->shape.r * (size_t)plan->shape.s;
    pack_job job = { .plan = plan, .pass = pass, .w = w, .packed = packed };
    if (pass == FVI_FORWARD) {
        job.period = c;
        job.step = (ptrdiff_t)area;
        job.turn = 1;
    } else { /* turned round, where there is more than one sum for each kernel */
        job.period = k;
        job.step = (ptrdiff_t)(c * area);
        job.turn = -1;
        job.start = plan->whole ? 0 : (ptrdiff_t)area - 1;
    }
    const size_t blocks = (plan->outputs[pass] + plan->dot->outputs - 1) / plan->dot->outputs;
    fvi_parallel(context, blocks, pack_block, &job);
}

/* Pixels in and out. */
const void *fvi_bf16_cell(const fvi_bf16_window *window, size_t q, int32_t r, int32_t s)
{
    const fvi_view *view = window->view;
    const size_t columns = (size_t)window->columns, area = columns * (size_t)window->rows;
    const int32_t i = (int32_t)(q % area / columns), j = (int32_t)(q % columns);
    const int32_t h = i * window->step[0] + r * window->apart[0] - window->before[0];
    const int32_t w = j * window->step[1] + s * window->apart[1] - window->before[1];
    if (h < 0 || h >= view->h || w < 0 || w >= view->w)
        return NULL;
    return fvi_view_at(view, view->is_bf16 ? FV_BF16 : FV_F32, (int32_t)(q / area), h, w);
}

void fvi_bf16_read(const fvi_bf16_kernels *convert, bool is_bf16, const void *cell, size_t count, uint16_t *to)
{
    if (cell == NULL)
        memset(to, 0, count * sizeof *to);
    else if (is_bf16)
        memcpy(to, cell, count * sizeof *to);
    else
        convert->narrow(count, cell, to);
}

fvi_bf16_window fvi_bf16_forward_window(const fvi_conv2d_bf16 *plan, const fvi_view *x)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    return (fvi_bf16_window){
        .view = x,
        .taps = { shape->r, shape->s },
        .step = { shape->stride[0], shape->stride[1] },
        .apart = { shape->dilation[0], shape->dilation[1] },
        .before = { shape->pad[0], shape->pad[1] },
        .rows = shape->oh,
        .columns = shape->ow,
    };
}

static fvi_bf16_window backward_window(const fvi_conv2d_bf16 *plan, const fvi_view *dy)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    fvi_bf16_window window = { .view = dy, .taps = { 1, 1 }, .step = { 1, 1 }, .rows = 1, .columns = 1 };
    if (plan->whole)
        return window;
    for (int axis = 0; axis < 2; axis++) {
        const int32_t taps = axis == 0 ? shape->r : shape->s;
        window.taps[axis] = taps;
        window.apart[axis] = shape->dilation[axis];
        window.before[axis] = (taps - 1) * shape->dilation[axis] - shape->pad[axis];
    }
    window.rows = shape->h;
    window.columns = shape->w;
    return window;
}

/* One call of forward or backward by data. */
typedef struct product {
    const fvi_conv2d_bf16 *plan;
    fvi_pass pass;
    fvi_bf16_window window;
    const fvi_view *y; /* or dx */
    const int32_t *packed;
    const float *bias; /* or NULL */
    const fvi_conv2d_epilogue *epilogue;
    char *scratch;
    size_t total;    /* pixels of the call */
    size_t channels; /* that lie side by side in y, of a pixel's outputs */
} product;

static void gather(const product *p, size_t q, uint16_t *to)
{
    const fvi_view *view = p->window.view;
    const size_t c = (size_t)view->c;
    for (int32_t r = 0; r < p->window.taps[0]; r++)
        for (int32_t s = 0; s < p->window.taps[1]; s++, to += c)
            fvi_bf16_read(p->plan->convert, view->is_bf16, fvi_bf16_cell(&p->window, q, r, s), c, to);
    if (p->plan->reduced[p->pass] % 2 != 0)
        *to = 0;
}

/* Where output o of pixel q lies, in y or (of the same shape) a summand. */
static void *place_of(const product *p, const fvi_view *view, size_t q, size_t o)
{
    const size_t columns = (size_t)view->w, cell = o / p->channels, channel = o % p->channels;
    const size_t area = (size_t)p->window.rows * (size_t)p->window.columns;
    const fv_dtype dtype = view->is_bf16 ? FV_BF16 : FV_F32;
    const int32_t n = (int32_t)(q / area);
    const size_t at = p->plan->whole ? cell : q % area;
    char *pixel = fvi_view_at(view, dtype, n, (int32_t)(at / columns), (int32_t)(at % columns));
    return pixel + channel * fv_dtype_size(dtype);
}

/* The epilogue on sums of `count` outputs from `first` on, of pixels [q, q + pixels); rows of the buffers are a block long. */
static void finish(const product *p, size_t q, size_t pixels, size_t first, size_t count, float *sums, float *summands)
{
    const fvi_conv2d_epilogue *epilogue = p->epilogue;
    const size_t block = p->plan->dot->outputs;
    if (epilogue == NULL)
        return;
    const fvi_view *summand = epilogue->summand;
    for (size_t i = 0; summand != NULL && i < pixels; i++) {
        const void *from = place_of(p, summand, q + i, first);
        if (summand->is_bf16)
            p->plan->convert->widen(count, from, summands + i * block);
        else
            memcpy(summands + i * block, from, count * sizeof *summands);
    }
    const fvi_pixels run = { .count = pixels, .channels = count, .x = (ptrdiff_t)block, .y = (ptrdiff_t)block };
    epilogue->kernels->channel_finish(&run, epilogue->activation, summand != NULL ? summands : NULL, sums);
}

static void store(const product *p, size_t q, size_t first, size_t count, const float *sums)
{
    for (size_t done = 0, part = 0; done < count; done += part) {
        const size_t o = first + done;
        part = smaller(count - done, p->channels - o % p->channels);
        void *to = place_of(p, p->y, q, o);
        if (p->y->is_bf16)
            p->plan->convert->narrow(part, sums + done, to);
        else
            memcpy(to, sums + done, part * sizeof *sums);
    }
}

/* Outputs [b*block, ...) of gathered pixels [q, q + pixels). */
static void compute_block(const product *p, size_t b, size_t q, size_t pixels, const uint16_t *gathered, float *sums,
                          float *summands)
{
    enum { LARGEST_BLOCK = 32 };
    const fvi_bf16_dot *dot = p->plan->dot;
    const size_t block = dot->outputs, outputs = p->plan->outputs[p->pass];
    const size_t pairs = (p->plan->reduced[p->pass] + 1) / 2;
    const size_t first = b * block, count = smaller(block, outputs - first);
    float init[LARGEST_BLOCK] = { 0 };
    if (p->bias != NULL)
        memcpy(init, p->bias + first, count * sizeof *init);
    for (size_t done = 0; done < pairs; done += PAIRS_BLOCK) {
        const fvi_bf16_rows arguments = {
            .x = gathered + 2 * done,
            .w = p->packed + (b * pairs + done) * block,
            .init = done == 0 ? init : NULL,
            .y = sums,
            .x_row = 2 * (ptrdiff_t)pairs,
            .y_row = (ptrdiff_t)block,
            .pairs = smaller(PAIRS_BLOCK, pairs - done),
            .rows = pixels,
        };
        dot->rows(&arguments);
    }
    finish(p, q, pixels, first, count, sums, summands);
    for (size_t i = 0; i < pixels; i++)
        store(p, q + i, first, count, sums + i * block);
}

/* A group of pixels, all outputs. */
static void group_task(void *argument, size_t index, int32_t worker)
{
    const product *p = argument;
    const size_t most = p->plan->pixels[p->pass], block = p->plan->dot->outputs;
    const size_t row = fvi_bf16_up(p->plan->reduced[p->pass], 2);
    char *scratch = p->scratch + (size_t)worker * group_bytes(p->plan, p->pass, most, block);
    uint16_t *gathered = (uint16_t *)(void *)scratch;
    float *sums = (float *)(void *)(scratch + gathered_bytes(p->plan, p->pass));
    float *summands = sums + fvi_round_up(most * block * sizeof(float), 64) / sizeof(float);
    const size_t q = index * most, pixels = smaller(most, p->total - q);
    for (size_t i = 0; i < pixels; i++)
        gather(p, q + i, gathered + i * row);
    for (size_t b = 0; b * block < p->plan->outputs[p->pass]; b++)
        compute_block(p, b, q, pixels, gathered, sums, summands);
}

/* Dense layers: first all images, */
static void gather_image(void *argument, size_t q, int32_t worker)
{
    const product *p = argument;
    (void)worker;
    gather(p, q, (uint16_t *)(void *)p->scratch + q * fvi_bf16_up(p->plan->reduced[p->pass], 2));
}

/* then one block of outputs each. */
static void block_task(void *argument, size_t index, int32_t worker)
{
    const product *p = argument;
    const size_t bytes = fvi_round_up(p->plan->pixels[p->pass] * p->plan->dot->outputs * sizeof(float), 64);
    float *sums = (float *)(void *)(p->scratch + gathered_bytes(p->plan, p->pass) + (size_t)worker * 2 * bytes);
    compute_block(p, index, 0, p->total, (const uint16_t *)(const void *)p->scratch, sums,
                  sums + bytes / sizeof(float));
}

static void run(product *p, fv_context *context)
{
    const size_t block = p->plan->dot->outputs, outputs = p->plan->outputs[p->pass];
    p->total = (size_t)p->y->n * (size_t)p->window.rows * (size_t)p->window.columns;
    p->channels = (size_t)p->y->c;
    if (!p->plan->whole) {
        fvi_parallel(context, (p->total + p->plan->pixels[p->pass] - 1) / p->plan->pixels[p->pass], group_task, p);
        return;
    }
    fvi_parallel(context, p->total, gather_image, p);
    fvi_parallel(context, (outputs + block - 1) / block, block_task, p);
}

void fvi_conv2d_bf16_forward(const fvi_conv2d_bf16 *plan, fv_context *context, const fvi_view *x, const void *packed,
                             const float *bias, const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch)
{
    product p = {
        .plan = plan,
        .pass = FVI_FORWARD,
        .window = fvi_bf16_forward_window(plan, x),
        .y = y,
        .packed = packed,
        .bias = bias,
        .epilogue = epilogue,
        .scratch = scratch,
    };
    run(&p, context);
}

void fvi_conv2d_bf16_backward_data(const fvi_conv2d_bf16 *plan, fv_context *context, const fvi_view *dy,
                                   const void *packed, const fvi_view *dx, void *scratch)
{
    product p = {
        .plan = plan,
        .pass = FVI_BACKWARD_DATA,
        .window = backward_window(plan, dy),
        .y = dx,
        .packed = packed,
        .scratch = scratch,
    };
    run(&p, context);
}
