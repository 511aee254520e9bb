/* SPDX-License-Identifier: Apache-2.0
 *
 * layout_bench.c - channels last against channels blocked by 16 ([n][c/16][h][w][16], the last block padded with zeros),
 * forward, on one thread, with the same micro-kernel and the same loops: only the strides differ. Rounds alternate.
 * Evidence for docs/decisions/0001-layout.md.
 *     layout_bench [PROBLEM...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernel/conv/conv2d_direct.h"
#include "kernel/peak.h"

#define ROUNDS 11
#define BLOCK 16

static const char *const shapes[] = {
    "n16c64h56k64r3p1", "n16c256h56k64r1", "n16c128h56k128r3u2p1", "n16c20h16k20r5p2", "n16c12h32k12r3p1",
};

/* One convolution in one layout: everything that the loops below need. */
typedef struct layout {
    const char *name;
    fvi_conv2d_shape shape;
    int32_t outputs; /* channels as stored */
    size_t x_size, y_size, w_size;
    ptrdiff_t x_image, x_row, x_pixel, y_image, y_row, y_pixel, y_block;
    ptrdiff_t outer_step, inner_step; /* of x, for the micro-kernel's rows and segments */
    int32_t rows, segments, run;
} layout;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int32_t padded_rows(const fvi_conv2d_shape *shape)
{
    return shape->h + shape->pad[0] + shape->pad[2];
}

static int32_t padded_columns(const fvi_conv2d_shape *shape)
{
    return shape->w + shape->pad[1] + shape->pad[3];
}

static layout channels_last(const fvi_conv2d_shape *shape, int32_t lanes)
{
    layout l = { .name = "last", .shape = *shape, .outputs = shape->k };
    l.x_pixel = (ptrdiff_t)shape->c * shape->stride[1];
    const ptrdiff_t row = (ptrdiff_t)padded_columns(shape) * shape->c;
    l.x_row = row * shape->stride[0];
    l.x_image = row * padded_rows(shape);
    l.y_pixel = shape->k;
    l.y_row = l.y_pixel * shape->ow;
    l.y_image = l.y_row * shape->oh;
    l.y_block = 2 * lanes;
    l.outer_step = row;
    l.rows = shape->r;
    l.segments = 1;
    l.run = shape->s * shape->c;
    l.w_size = (size_t)(l.rows * l.run) * (size_t)(shape->k + 2 * lanes);
    return l;
}

static layout channels_blocked(const fvi_conv2d_shape *shape, int32_t lanes)
{
    const int32_t in = fvi_conv2d_ceil(shape->c, BLOCK), out = fvi_conv2d_ceil(shape->k, BLOCK);
    layout l = { .name = "blocked", .shape = *shape, .outputs = out * BLOCK };
    l.x_pixel = (ptrdiff_t)BLOCK * shape->stride[1];
    const ptrdiff_t row = (ptrdiff_t)padded_columns(shape) * BLOCK;
    l.x_row = row * shape->stride[0];
    l.outer_step = row * padded_rows(shape);
    l.x_image = l.outer_step * in;
    l.y_pixel = BLOCK;
    l.y_row = l.y_pixel * shape->ow;
    l.y_block = l.y_row * shape->oh * (2 * lanes / BLOCK > 0 ? 2 * lanes / BLOCK : 1);
    l.y_image = l.y_row * shape->oh * out;
    l.inner_step = row;
    l.rows = in;
    l.segments = shape->r;
    l.run = shape->s * BLOCK;
    l.w_size = (size_t)(l.rows * l.segments * l.run) * (size_t)(l.outputs + 2 * lanes);
    return l;
}

static float *zeros_and_ones(size_t count)
{
    const size_t bytes = ((count + 256) * sizeof(float) + 63) / 64 * 64;
    float *values = aligned_alloc(64, bytes);
    if (values == NULL)
        exit(1);
    for (size_t i = 0; i < bytes / sizeof(float); i++)
        values[i] = (float)(i % 3) - 1.0f;
    return values;
}

static void forward(const layout *l, const fvi_brgemm *gemm, const float *x, const float *w, float *y)
{
    static const float init[FVI_BRGEMM_MAX_WIDTH] __attribute__((aligned(64))) = { 0 };
    const int32_t blocks = fvi_conv2d_block_count(gemm, l->outputs);
    for (int32_t n = 0; n < l->shape.n; n++) {
        for (int32_t b = 0; b < blocks; b++) {
            const fvi_conv2d_block block = fvi_conv2d_block_at(gemm, l->outputs, b);
            const int32_t most = gemm->points[block.vectors - 1], tiles = fvi_conv2d_ceil(l->shape.ow, most);
            const int32_t points = l->shape.ow / tiles, larger = l->shape.ow % tiles;
            for (int32_t i = 0; i < l->shape.oh; i++) {
                fvi_brgemm_forward call = { .x = x + n * l->x_image + i * l->x_row,
                                            .init = init,
                                            .w = w + (size_t)block.first * (size_t)(l->rows * l->segments * l->run),
                                            .y = y + n * l->y_image + i * l->y_row + b * l->y_block,
                                            .x_point = l->x_pixel,
                                            .y_point = l->y_pixel,
                                            .x_row = l->outer_step,
                                            .x_segment = l->inner_step,
                                            .rows = l->rows,
                                            .segments = l->segments,
                                            .run = l->run,
                                            .tiles = larger,
                                            .last = block.last };
                if (larger > 0) {
                    gemm->forward[block.vectors - 1][points](&call);
                    call.x += (ptrdiff_t)larger * (points + 1) * call.x_point;
                    call.y += (ptrdiff_t)larger * (points + 1) * call.y_point;
                }
                call.tiles = tiles - larger;
                gemm->forward[block.vectors - 1][points - 1](&call);
            }
        }
    }
}

static int by_value(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void compare(fv_context *context, const fvi_brgemm *gemm, const char *problem, const fvi_conv2d_shape *shape)
{
    const layout layouts[2] = { channels_last(shape, gemm->lanes), channels_blocked(shape, gemm->lanes) };
    const double operations = 2.0 * shape->n * shape->oh * shape->ow * shape->k * shape->c * shape->r * shape->s;
    double seconds[2][ROUNDS];
    float *x[2], *w[2], *y[2];
    for (int i = 0; i < 2; i++) {
        x[i] = zeros_and_ones((size_t)layouts[i].x_image * (size_t)shape->n);
        y[i] = zeros_and_ones((size_t)layouts[i].y_image * (size_t)shape->n);
        w[i] = zeros_and_ones(layouts[i].w_size);
    }
    double peak = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const double measured = fvi_peak_gflops(context);
        peak = measured > peak ? measured : peak;
        for (int i = 0; i < 2; i++) {
            const double start = now();
            forward(&layouts[i], gemm, x[i], w[i], y[i]);
            seconds[i][round] = now() - start;
        }
    }
    printf("%-24s", problem);
    for (int i = 0; i < 2; i++) {
        qsort(seconds[i], ROUNDS, sizeof(double), by_value);
        printf("  %-8s %6.1f GFLOP/s median, %6.1f best (%4.1f%%)", layouts[i].name,
               operations / seconds[i][ROUNDS / 2] * 1e-9, operations / seconds[i][0] * 1e-9,
               100 * operations / seconds[i][0] * 1e-9 / peak);
        free(x[i]);
        free(y[i]);
        free(w[i]);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    fv_context *context = NULL;
    const fv_context_options options = { .threads = 1 };
    if (fv_context_create(&context, &options) != FV_OK)
        return 1;
    size_t entries = 0;
    const fvi_brgemm *gemm = fvi_conv2d_algorithms(fvi_context_isa(context), FV_F32, &entries)[0].kernel;
    const int count = argc > 1 ? argc - 1 : (int)(sizeof shapes / sizeof shapes[0]);
    for (int i = 0; i < count; i++) {
        const char *problem = argc > 1 ? argv[i + 1] : shapes[i];
        fvi_conv2d_shape shape;
        const char *wrong = fvi_conv2d_parse(problem, &shape);
        if (wrong != NULL) {
            fprintf(stderr, "layout_bench: %s: %s\n", problem, wrong);
            return 2;
        }
        compare(context, gemm, problem, &shape);
    }
    fv_context_destroy(context);
    return 0;
}
