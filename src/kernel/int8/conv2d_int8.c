/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_int8.c - see conv2d_int8.h for the method.
 */
#include "kernel/int8/conv2d_int8.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"

enum {
    PIXELS = 48,
    STEPS_BLOCK = 512,
    SLACK = 64
}; /* of a task, about; of a dense layer; bytes that kernels may read beyond */

static bool is_whole(const fvi_conv2d_shape *shape)
{
    return shape->oh == 1 && shape->ow == 1 && shape->r == shape->h && shape->s == shape->w && shape->pad[0] == 0 &&
           shape->pad[1] == 0 && shape->groups == 1;
}

static bool is_depthwise(const fvi_conv2d_shape *shape)
{
    return shape->groups > 1 && shape->c == shape->groups && shape->k == shape->groups;
}

const char *fvi_conv2d_int8_refused(const fvi_conv2d_shape *shape)
{
    const int64_t reduced = (int64_t)shape->c / shape->groups * shape->r * shape->s;
    if (reduced > FVI_INT8_TERMS_MOST)
        return "sums of more than 65536 products may not fit into 32 bits";
    return NULL;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t blocks_of(const fvi_conv2d_int8 *plan)
{
    return (plan->outputs + plan->kernels->outputs - 1) / plan->kernels->outputs;
}

/* Pixels that a task has at most. */
static size_t pixels_of(const fvi_conv2d_int8 *plan)
{
    return plan->whole ? (size_t)plan->shape.n : plan->rows * (size_t)plan->shape.ow;
}

/* Bytes of one spread pixel, and from pixel to pixel of y. */
static size_t pixel_bytes(const fvi_conv2d_int8 *plan)
{
    const size_t bytes = plan->depthwise ? 1 : plan->kernels->element_bytes;
    return (plan->gathers ? plan->reduced : (size_t)plan->shape.c) * bytes;
}

static size_t step_bytes(const fvi_conv2d_int8 *plan)
{
    return pixel_bytes(plan) * (plan->gathers ? 1 : (size_t)plan->shape.stride[1]);
}

/* Of one spread row; of what a row of y reads; of all that a task reads. */
static size_t row_bytes(const fvi_conv2d_int8 *plan)
{
    return plan->whole ? 4 * plan->steps : plan->columns * pixel_bytes(plan);
}

static size_t spread_bytes(const fvi_conv2d_int8 *plan)
{
    const size_t rows = plan->whole ? (size_t)plan->shape.n : plan->rows * (size_t)plan->shape.r;
    return fvi_round_up(rows * row_bytes(plan) + SLACK, 64);
}

/* Of sums, or summands. */
static size_t sums_bytes(const fvi_conv2d_int8 *plan)
{
    const size_t channels = plan->depthwise ? (size_t)plan->shape.k : plan->kernels->outputs;
    return fvi_round_up(pixels_of(plan) * channels * sizeof(float) + SLACK, 64);
}

/* Of the addresses of taps. */
static size_t taps_bytes(const fvi_conv2d_int8 *plan)
{
    const size_t taps = (size_t)plan->shape.r * (size_t)plan->shape.s;
    return plan->depthwise ? fvi_round_up(taps * sizeof(uint8_t *), 64) : 0;
}

static size_t task_bytes(const fvi_conv2d_int8 *plan)
{
    return (plan->whole ? 0 : spread_bytes(plan)) + 2 * sums_bytes(plan) + taps_bytes(plan);
}

static void plan_runs(fvi_conv2d_int8 *plan)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    const size_t r = (size_t)shape->r, s = (size_t)shape->s, c = (size_t)(shape->c / shape->groups);
    plan->whole = is_whole(shape);
    plan->depthwise = is_depthwise(shape);
    plan->gathers = !plan->whole && !plan->depthwise && (shape->groups > 1 || shape->dilation[1] > 1);
    plan->outputs = plan->depthwise ? 1 : (size_t)(shape->k / shape->groups);
    plan->reduced = plan->whole ? r * s * c : s * c;
    plan->segments = plan->whole ? 1 : r;
    plan->steps = (plan->reduced + plan->kernels->group - 1) / plan->kernels->group;
    plan->columns = plan->gathers
                        ? (size_t)shape->ow
                        : (size_t)(shape->ow - 1) * (size_t)shape->stride[1] + (s - 1) * (size_t)shape->dilation[1] + 1;
    const size_t rows = (PIXELS + (size_t)shape->ow - 1) / (size_t)shape->ow;
    plan->rows = plan->depthwise ? 1 : smaller(rows, (size_t)shape->n * (size_t)shape->oh);
}

void fvi_conv2d_int8_plan(fvi_conv2d_int8 *plan, const fvi_conv2d_shape *shape, const fvi_int8_kernels *kernels,
                          int32_t threads)
{
    *plan = (fvi_conv2d_int8){ .shape = *shape, .kernels = kernels, .threads = threads };
    plan_runs(plan);
    const size_t groups = (size_t)shape->groups, taps = (size_t)shape->r * (size_t)shape->s;
    const size_t padded = plan->depthwise ? 1 : blocks_of(plan) * kernels->outputs;
    const size_t weights = plan->depthwise ? (taps + 1) / 2 * groups : groups * padded * plan->segments * plan->steps;
    plan->ends = fvi_round_up(weights * sizeof(int32_t) + SLACK, 64);
    plan->packed_bytes = plan->ends + 3 * groups * padded * sizeof(float) + SLACK;
    plan->scratch_bytes = (plan->whole ? spread_bytes(plan) : 0) + (size_t)threads * task_bytes(plan);
}

/* What stands behind the packed weights: for each output, padded to whole blocks, the factor and what is added, and where its sum
 * starts. */
typedef struct output_ends {
    float *factor, *bias;
    int32_t *start;
    size_t padded; /* outputs of a group of channels */
} output_ends;

static output_ends ends_of(const fvi_conv2d_int8 *plan, const void *packed)
{
    const size_t padded = plan->depthwise ? 1 : blocks_of(plan) * plan->kernels->outputs;
    const size_t room = (size_t)plan->shape.groups * padded;
    float *factor = (float *)(void *)((char *)(uintptr_t)packed + plan->ends);
    return (output_ends){
        .factor = factor, .bias = factor + room, .start = (int32_t *)(void *)(factor + 2 * room), .padded = padded
    };
}

int8_t fvi_int8_of_weight(float w, float scale)
{
    const float q = rintf(w / scale);
    return (int8_t)(q > 127 ? 127 : q > -127 ? q : -127); /* a NaN: -127 */
}

typedef struct pack_job {
    const fvi_conv2d_int8 *plan;
    const fvi_int8_weights *weights;
    int32_t *packed;
    output_ends ends;
} pack_job;

/* The weight of output k, of all groups, that meets product e of run `segment`: a row of the kernel, columns, then channels; of a dense
 * layer, whose only run are all rows, e counts those too. */
static int8_t weight_at(const pack_job *job, size_t k, size_t segment, size_t e)
{
    const fvi_conv2d_shape *shape = &job->plan->shape;
    const size_t c = (size_t)(shape->c / shape->groups), area = (size_t)shape->r * (size_t)shape->s;
    const size_t tap = segment * (size_t)shape->s + e / c;
    return fvi_int8_of_weight(job->weights->w[(k * c + e % c) * area + tap], job->weights->weight_scale[k]);
}

/* The sum begins with what the zero of x and the offset of spread() bring into it. */
static void pack_ends(const pack_job *job, size_t k, size_t place, int64_t weights)
{
    const fvi_int8_weights *given = job->weights;
    const int32_t offset = job->plan->depthwise ? 0 : job->plan->kernels->x_offset;
    job->ends.factor[place] = given->x_scale * given->weight_scale[k];
    job->ends.bias[place] = given->bias != NULL ? given->bias[k] : 0;
    job->ends.start[place] = (int32_t)(-(int64_t)(given->x_zero - offset) * weights);
}

/* One run of a block's weights. Adds them up. */
static void pack_run(const pack_job *job, size_t first, size_t count, size_t segment, int32_t *to, int64_t *sum)
{
    const fvi_conv2d_int8 *plan = job->plan;
    const size_t block = plan->kernels->outputs, group = plan->kernels->group;
    for (size_t e = 0; e < plan->steps * group; e += group, to += block) {
        int8_t w[4][FVI_INT8_OUTPUTS_MOST] = { { 0 } };
        const int8_t *const rows[4] = { w[0], w[1], w[2], w[3] };
        for (size_t j = 0; j < group && e + j < plan->reduced; j++)
            for (size_t k = 0; k < count; k++) {
                w[j][k] = weight_at(job, first + k, segment, e + j);
                sum[k] += w[j][k];
            }
        plan->kernels->pack(block, rows, to);
    }
}

static void pack_block(void *argument, size_t index, int32_t worker)
{
    const pack_job *job = argument;
    const fvi_conv2d_int8 *plan = job->plan;
    const size_t block = plan->kernels->outputs, blocks = blocks_of(plan), run = plan->steps * block;
    const size_t g = index / blocks, first = index % blocks * block, count = smaller(block, plan->outputs - first);
    int64_t sum[FVI_INT8_OUTPUTS_MOST] = { 0 };
    (void)worker;
    for (size_t segment = 0; segment < plan->segments; segment++)
        pack_run(job, g * plan->outputs + first, count, segment, job->packed + (index * plan->segments + segment) * run,
                 sum);
    for (size_t k = 0; k < block; k++) {
        const size_t place = g * job->ends.padded + first + k;
        if (k < count) {
            pack_ends(job, g * plan->outputs + first + k, place, sum[k]);
            continue;
        }
        job->ends.factor[place] = job->ends.bias[place] = 0;
        job->ends.start[place] = 0;
    }
}

static void pack_channel(void *argument, size_t k, int32_t worker)
{
    const pack_job *job = argument;
    const fvi_conv2d_shape *shape = &job->plan->shape;
    const size_t channels = (size_t)shape->k, taps = (size_t)shape->r * (size_t)shape->s;
    const float scale = job->weights->weight_scale[k], *w = job->weights->w + k * taps;
    int64_t sum = 0;
    (void)worker;
    for (size_t t = 0; t < taps; t += 2) {
        const int32_t low = fvi_int8_of_weight(w[t], scale);
        const int32_t high = t + 1 < taps ? fvi_int8_of_weight(w[t + 1], scale) : 0;
        job->packed[t / 2 * channels + k] = (int32_t)(((uint32_t)low & 0xffff) | (uint32_t)high << 16);
        sum += low + high;
    }
    pack_ends(job, k, k, sum);
}

void fvi_conv2d_int8_pack(const fvi_conv2d_int8 *plan, fv_context *context, const fvi_int8_weights *weights,
                          void *packed)
{
    pack_job job = { .plan = plan, .weights = weights, .packed = packed, .ends = ends_of(plan, packed) };
    if (plan->depthwise)
        fvi_parallel(context, (size_t)plan->shape.k, pack_channel, &job);
    else
        fvi_parallel(context, (size_t)plan->shape.groups * blocks_of(plan), pack_block, &job);
}

/* One call. */
typedef struct product {
    const fvi_conv2d_int8 *plan;
    const fvi_view *x, *y;
    const int32_t *packed;
    output_ends ends;
    const fvi_conv2d_epilogue *epilogue;
    char *scratch;
    size_t total; /* rows of y; of a dense layer images */
    size_t tasks; /* of a group of channels */
} product;

/* Pixels [first, first + count) of row h of an image, or its zero where they are outside. */
static void spread_pixels(const product *p, int32_t n, int32_t h, int32_t first, size_t count, char *to)
{
    const fvi_int8_kernels *kernels = p->plan->kernels;
    const size_t c = (size_t)p->x->c, bytes = c * kernels->element_bytes;
    const int32_t last = first + (int32_t)count, begin = first < 0 ? 0 : first, end = last < p->x->w ? last : p->x->w;
    const uint8_t zero = (uint8_t)p->x->zero_point;
    if (h < 0 || h >= p->x->h || begin >= end) {
        kernels->spread_value(count * c, zero, to);
        return;
    }
    const uint8_t *from = fvi_view_at(p->x, FV_U8, n, h, begin);
    const size_t before = (size_t)(begin - first), inside = (size_t)(end - begin);
    kernels->spread_value(before * c, zero, to);
    to += before * bytes;
    if (p->x->pixel_stride == p->x->c)
        kernels->spread(inside * c, from, to);
    else
        for (size_t w = 0; w < inside; w++)
            kernels->spread(c, from + (ptrdiff_t)w * p->x->pixel_stride, to + w * bytes);
    kernels->spread_value((count - before - inside) * c, zero, to + inside * bytes);
}

/* The taps of channel group g in row h that each pixel of a row of y reads. */
static void gather_pixels(const product *p, int32_t n, int32_t h, size_t g, char *to)
{
    const fvi_conv2d_shape *shape = &p->plan->shape;
    const fvi_int8_kernels *kernels = p->plan->kernels;
    const size_t c = (size_t)(shape->c / shape->groups), bytes = c * kernels->element_bytes;
    for (int32_t j = 0; j < shape->ow; j++)
        for (int32_t s = 0; s < shape->s; s++, to += bytes) {
            const int32_t w = j * shape->stride[1] + s * shape->dilation[1] - shape->pad[1];
            const bool inside = h >= 0 && h < p->x->h && w >= 0 && w < p->x->w;
            const uint8_t *from = inside ? fvi_view_at(p->x, FV_U8, n, h, w) : NULL;
            if (inside)
                kernels->spread(c, from + g * c, to);
            else
                kernels->spread_value(c, (uint8_t)p->x->zero_point, to);
        }
}

/* What row `row` of y, counted over all images, reads. */
static void spread_rows(const product *p, size_t row, size_t g, char *to)
{
    const fvi_conv2d_shape *shape = &p->plan->shape;
    const int32_t n = (int32_t)(row / (size_t)shape->oh), i = (int32_t)(row % (size_t)shape->oh);
    for (int32_t r = 0; r < shape->r; r++, to += row_bytes(p->plan)) {
        const int32_t h = i * shape->stride[0] + r * shape->dilation[0] - shape->pad[0];
        if (p->plan->gathers)
            gather_pixels(p, n, h, g, to);
        else
            spread_pixels(p, n, h, -shape->pad[1], p->plan->columns, to);
    }
}

static void *place_of(const fvi_view *view, size_t q, size_t channel)
{
    const size_t columns = (size_t)view->w, area = columns * (size_t)view->h;
    const fv_dtype dtype = view->is_u8 ? FV_U8 : FV_F32;
    char *pixel = fvi_view_at(view, dtype, (int32_t)(q / area), (int32_t)(q % area / columns), (int32_t)(q % columns));
    return pixel + channel * fv_dtype_size(dtype);
}

/* So many pixels from q on lie a pixel's stride apart. */
static size_t run_of(const fvi_view *view, size_t q, size_t count)
{
    const size_t columns = (size_t)view->w;
    const bool rows = view->row_stride == view->w * view->pixel_stride;
    const bool images = rows && view->image_stride == view->h * view->row_stride;
    const size_t line = rows ? columns * (size_t)view->h : columns;
    return images ? count : smaller(count, line - q % line);
}

/* To float32, with what fusing put behind, and from there to where it belongs. `sums` takes the float32 values. */
static void finish_wide(const product *p, const fvi_int8_run *run, const fvi_int8_ends *ends, size_t q, size_t channel,
                        int32_t *sums, float *summands)
{
    const fvi_conv2d_epilogue *epilogue = p->epilogue;
    const fvi_int8_kernels *kernels = p->plan->kernels;
    const fvi_view *summand = epilogue != NULL ? epilogue->summand : NULL;
    float *values = (float *)(void *)sums;
    kernels->scale(run, ends, sums, values);
    for (size_t i = 0; summand != NULL && i < run->pixels; i++) {
        const void *from = place_of(summand, q + i, channel);
        if (summand->is_u8)
            kernels->dequantize(run->channels, summand->scale, summand->zero_point, from, summands + i * run->row);
        else
            memcpy(summands + i * run->row, from, run->channels * sizeof *summands);
    }
    const fvi_pixels pixels = {
        .count = run->pixels, .channels = run->channels, .x = (ptrdiff_t)run->row, .y = (ptrdiff_t)run->row
    };
    if (epilogue != NULL)
        epilogue->kernels->channel_finish(&pixels, epilogue->activation, summand != NULL ? summands : NULL, values);
    for (size_t i = 0; i < run->pixels; i++) {
        void *to = place_of(p->y, q + i, channel);
        if (p->y->is_u8)
            kernels->quantize(run->channels, ends->inverse, ends->zero, values + i * run->row, to);
        else
            memcpy(to, values + i * run->row, run->channels * sizeof *values);
    }
}

/* Sums of `channels` outputs, from place `place` of the ends and channel `channel` of y on, of pixels [q, q + pixels). */
static void finish(const product *p, size_t q, size_t pixels, size_t place, size_t channel, size_t channels,
                   int32_t *sums, float *summands)
{
    const fvi_conv2d_epilogue *epilogue = p->epilogue;
    const fvi_activation *f = epilogue != NULL ? epilogue->activation : NULL;
    const bool gates = f != NULL && f->kind == FVI_RELU;
    const size_t row = p->plan->depthwise ? channels : p->plan->kernels->outputs;
    const fvi_int8_ends ends = { .factor = p->ends.factor + place,
                                 .bias = p->ends.bias + place,
                                 .inverse = p->y->is_u8 ? 1 / p->y->scale : 0,
                                 .zero = p->y->zero_point,
                                 .lowest = gates ? p->y->zero_point : 0 };
    if (!p->y->is_u8 || (f != NULL && !gates) || (epilogue != NULL && epilogue->summand != NULL)) {
        const fvi_int8_run all = { .pixels = pixels, .channels = channels, .row = row };
        finish_wide(p, &all, &ends, q, channel, sums, summands);
        return;
    }
    for (size_t done = 0, part = 0; done < pixels; done += part) {
        part = run_of(p->y, q + done, pixels - done);
        const fvi_int8_run run = { .pixels = part, .channels = channels, .row = row, .y_step = p->y->pixel_stride };
        p->plan->kernels->ends(&run, &ends, sums + done * row, place_of(p->y, q + done, channel));
    }
}

/* Block b of the outputs of channel group g, of `rows` rows of y from `row` on, which were spread. */
static void compute_block(const product *p, size_t g, size_t b, size_t row, size_t rows, const char *spread,
                          int32_t *sums, float *summands)
{
    const fvi_conv2d_int8 *plan = p->plan;
    const size_t block = plan->kernels->outputs, first = b * block, ow = (size_t)plan->shape.ow;
    const size_t place = g * p->ends.padded + first;
    for (size_t i = 0; i < rows; i++) {
        const fvi_int8_rows arguments = {
            .x = spread + i * plan->segments * row_bytes(plan),
            .w = p->packed + (g * blocks_of(plan) + b) * plan->segments * plan->steps * block,
            .init = p->ends.start + place,
            .y = sums + i * ow * block,
            .x_row = step_bytes(plan),
            .x_segment = row_bytes(plan),
            .y_row = block,
            .segments = plan->segments,
            .steps = plan->steps,
            .rows = ow,
        };
        plan->kernels->rows(&arguments);
    }
    finish(p, row * ow, rows * ow, place, g * plan->outputs + first, smaller(block, plan->outputs - first), sums,
           summands);
}

/* Some rows of y and a group of channels, all its outputs. */
static void rows_task(void *argument, size_t index, int32_t worker)
{
    const product *p = argument;
    const fvi_conv2d_int8 *plan = p->plan;
    char *spread = p->scratch + (size_t)worker * task_bytes(plan), *sums = spread + spread_bytes(plan);
    const size_t g = index / p->tasks, row = index % p->tasks * plan->rows, rows = smaller(plan->rows, p->total - row);
    for (size_t i = 0; i < rows; i++)
        spread_rows(p, row + i, g, spread + i * plan->segments * row_bytes(plan));
    for (size_t b = 0; b < blocks_of(plan); b++)
        compute_block(p, g, b, row, rows, spread, (int32_t *)(void *)sums, (float *)(void *)(sums + sums_bytes(plan)));
}

/* Dense layers: first all images, */
static void spread_image(void *argument, size_t n, int32_t worker)
{
    const product *p = argument;
    const fvi_conv2d_int8 *plan = p->plan;
    const size_t line = (size_t)p->x->w * (size_t)p->x->c * plan->kernels->element_bytes;
    char *to = p->scratch + n * row_bytes(plan), *end = to + row_bytes(plan);
    (void)worker;
    for (int32_t h = 0; h < p->x->h; h++, to += line)
        spread_pixels(p, (int32_t)n, h, 0, (size_t)p->x->w, to);
    memset(to, 0, (size_t)(end - to)); /* meets weights of 0 */
}

/* then one block of outputs each. */
static void block_task(void *argument, size_t b, int32_t worker)
{
    const product *p = argument;
    const fvi_conv2d_int8 *plan = p->plan;
    const size_t block = plan->kernels->outputs, first = b * block;
    char *own = p->scratch + spread_bytes(plan) + (size_t)worker * task_bytes(plan);
    int32_t *sums = (int32_t *)(void *)own;
    for (size_t done = 0; done < plan->steps; done += STEPS_BLOCK) {
        const fvi_int8_rows arguments = {
            .x = p->scratch + 4 * done,
            .w = p->packed + (b * plan->steps + done) * block,
            .init = done == 0 ? p->ends.start + first : NULL,
            .y = sums,
            .x_row = row_bytes(plan),
            .y_row = block,
            .segments = 1,
            .steps = smaller(STEPS_BLOCK, plan->steps - done),
            .rows = p->total,
        };
        plan->kernels->rows(&arguments);
    }
    finish(p, 0, p->total, first, first, smaller(block, plan->outputs - first), sums,
           (float *)(void *)(own + sums_bytes(plan)));
}

/* Bytes, which depthwise kernels read as they are. */
static void copy_rows(const product *p, size_t row, uint8_t *to)
{
    const fvi_conv2d_shape *shape = &p->plan->shape;
    const size_t columns = p->plan->columns, c = (size_t)shape->c;
    const int32_t n = (int32_t)(row / (size_t)shape->oh), i = (int32_t)(row % (size_t)shape->oh);
    const size_t left = smaller((size_t)shape->pad[1], columns);
    const size_t inside = smaller(columns - left, (size_t)shape->w);
    for (int32_t r = 0; r < shape->r; r++, to += columns * c) {
        const int32_t h = i * shape->stride[0] + r * shape->dilation[0] - shape->pad[0];
        memset(to, p->x->zero_point, columns * c);
        if (h < 0 || h >= shape->h)
            continue;
        const uint8_t *from = fvi_view_at(p->x, FV_U8, n, h, 0);
        if (p->x->pixel_stride == shape->c)
            memcpy(to + left * c, from, inside * c);
        else
            for (size_t w = 0; w < inside; w++)
                memcpy(to + (left + w) * c, from + (ptrdiff_t)w * p->x->pixel_stride, c);
    }
}

static void depthwise_task(void *argument, size_t row, int32_t worker)
{
    const product *p = argument;
    const fvi_conv2d_shape *shape = &p->plan->shape;
    const size_t columns = p->plan->columns, c = (size_t)shape->c, ow = (size_t)shape->ow;
    char *own = p->scratch + (size_t)worker * task_bytes(p->plan), *sums = own + spread_bytes(p->plan);
    const uint8_t **taps = (const uint8_t **)(void *)(sums + 2 * sums_bytes(p->plan));
    copy_rows(p, row, (uint8_t *)own);
    for (int32_t r = 0; r < shape->r; r++)
        for (int32_t s = 0; s < shape->s; s++)
            taps[r * shape->s + s] = (uint8_t *)own + ((size_t)r * columns + (size_t)(s * shape->dilation[1])) * c;
    const fvi_int8_deep arguments = {
        .x = taps,
        .w = p->packed,
        .init = p->ends.start,
        .y = (int32_t *)(void *)sums,
        .x_step = (ptrdiff_t)((size_t)shape->stride[1] * c),
        .taps = (size_t)shape->r * (size_t)shape->s,
        .pixels = ow,
        .channels = c,
    };
    p->plan->kernels->depthwise(&arguments);
    finish(p, row * ow, ow, 0, 0, c, (int32_t *)(void *)sums, (float *)(void *)(sums + sums_bytes(p->plan)));
}

void fvi_conv2d_int8_forward(const fvi_conv2d_int8 *plan, fv_context *context, const fvi_view *x, const void *packed,
                             const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch)
{
    product p = {
        .plan = plan,
        .x = x,
        .y = y,
        .packed = packed,
        .ends = ends_of(plan, packed),
        .epilogue = epilogue,
        .scratch = scratch,
        .total = plan->whole ? (size_t)y->n : (size_t)y->n * (size_t)plan->shape.oh,
    };
    p.tasks = (p.total + plan->rows - 1) / plan->rows;
    if (plan->depthwise) {
        fvi_parallel(context, p.total, depthwise_task, &p);
    } else if (plan->whole) {
        fvi_parallel(context, p.total, spread_image, &p);
        fvi_parallel(context, blocks_of(plan), block_task, &p);
    } else {
        fvi_parallel(context, p.tasks * (size_t)plan->shape.groups, rows_task, &p);
    }
}
