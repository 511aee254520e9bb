/* SPDX-License-Identifier: Apache-2.0
 *
 * kernel_bench.c - times the three passes of convolutions by problem string, each beside the peak measured in the same
 * round, and prints milliseconds (median and least), GFLOP/s and the share of the peak (medians; in brackets the best
 * over the best). For developers: method and figures in docs/performance.md.
 *     kernel_bench [-t threads] [-r rounds] [-a algorithm] [-p f|d|w] [-c] PROBLEM...       (none: the targets' table)
 * -c counts processor time instead of wall time, divided by the threads: for a machine that others use as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel/conv/conv2d.h"
#include "kernel/peak.h"

#define ROUNDS_MAX 101

static const char *const targets[] = {
    "n16c64h56k64r3p1", "n16c128h28k128r3p1", "n16c256h14k256r3p1", "n16c1024h14k256r1",
    "n16c256h56k64r1",  "n16c3h224k64r7u2p3", "n16c3h227k96r11u4",
};

typedef struct bench {
    fv_context *context;
    fvi_conv2d_plan plan;
    fvi_view x, y; /* also dx and dy */
    float *w, *b, *packed[2], *scratch;
    int rounds;
    clockid_t clock;
} bench;

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *random_floats(size_t count)
{
    float *values = aligned_alloc(64, (count * sizeof(float) + 127) / 64 * 64);
    if (values == NULL) {
        fprintf(stderr, "kernel_bench: out of memory\n");
        exit(1);
    }
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) * 0x1p-23f - 1.0f;
    }
    return values;
}

static fvi_view make_view(int32_t n, int32_t h, int32_t w, int32_t c, const int32_t *one, const int32_t *two)
{
    fvi_view view = { .n = n, .h = h, .w = w, .c = c };
    for (int side = 0; side < 4; side++)
        view.border[side] = one[side] > two[side] ? one[side] : two[side];
    view.pixel_stride = c;
    view.row_stride = (ptrdiff_t)c * (w + view.border[1] + view.border[3]);
    view.image_stride = view.row_stride * (h + view.border[0] + view.border[2]);
    float *data = random_floats((size_t)view.image_stride * (size_t)n);
    view.data = data + view.border[0] * view.row_stride + view.border[1] * view.pixel_stride;
    fvi_view_clear_border(&view, FV_F32, 0, n);
    return view;
}

static void run(const bench *b, fvi_pass pass)
{
    if (pass == FVI_FORWARD)
        fvi_conv2d_forward(&b->plan, b->context, &b->x, b->packed[0], b->b, NULL, &b->y, b->scratch);
    else if (pass == FVI_BACKWARD_DATA)
        fvi_conv2d_backward_data(&b->plan, b->context, &b->y, b->packed[1], NULL, &b->x, b->scratch);
    else
        fvi_conv2d_backward_weights(&b->plan, b->context, &b->x, &b->y, b->w, b->b, b->scratch);
}

static int by_value(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void prepare(bench *b)
{
    const fvi_conv2d_shape *shape = &b->plan.shape;
    const int32_t none[4] = { 0 };
    b->x = make_view(shape->n, shape->h, shape->w, shape->c, b->plan.pass[FVI_FORWARD].border,
                     b->plan.pass[FVI_BACKWARD_WEIGHTS].border);
    b->y = make_view(shape->n, shape->oh, shape->ow, shape->k, b->plan.pass[FVI_BACKWARD_DATA].border, none);
    b->w = random_floats((size_t)shape->k * (size_t)(shape->c / shape->groups) * (size_t)(shape->r * shape->s));
    b->b = random_floats((size_t)shape->k);
    size_t scratch = 0;
    for (int pass = 0; pass < FVI_PASSES; pass++)
        if (b->plan.pass[pass].scratch_bytes > scratch)
            scratch = b->plan.pass[pass].scratch_bytes;
    b->scratch = random_floats(scratch / sizeof(float));
    for (int pass = 0; pass < 2; pass++) {
        b->packed[pass] = random_floats(b->plan.pass[pass].packed_bytes / sizeof(float));
        double least = 1e9;
        for (int round = 0; round < b->rounds; round++) {
            const double start = now(b->clock);
            fvi_conv2d_pack(&b->plan, b->context, (fvi_pass)pass, b->w, b->packed[pass]);
            least = now(b->clock) - start < least ? now(b->clock) - start : least;
        }
        printf("%s %.3f ms", pass == 0 ? "  packing: forward" : ", backward", least * 1e3);
    }
    printf("\n");
}

static void release(bench *b)
{
    free((float *)b->x.data - b->x.border[0] * b->x.row_stride - b->x.border[1] * b->x.pixel_stride);
    free((float *)b->y.data - b->y.border[0] * b->y.row_stride - b->y.border[1] * b->y.pixel_stride);
    free(b->w);
    free(b->b);
    free(b->packed[0]);
    free(b->packed[1]);
    free(b->scratch);
}

/* Times the passes in turn, each round after a measurement of the peak. */
static void time_passes(const bench *b, const char *passes)
{
    static const char *const names[FVI_PASSES] = { "forward", "backward data", "backward weights" };
    static const char letters[FVI_PASSES] = { 'f', 'd', 'w' };
    double seconds[FVI_PASSES][ROUNDS_MAX], peak[ROUNDS_MAX];
    const double share = b->clock == CLOCK_MONOTONIC ? 1.0 : fv_context_threads(b->context);
    const fvi_conv2d_shape *shape = &b->plan.shape;
    const double operations =
        2.0 * shape->n * shape->oh * shape->ow * shape->k * (shape->c / shape->groups) * shape->r * shape->s;
    for (int round = 0; round < b->rounds; round++) {
        peak[round] = fvi_peak_gflops(b->context);
        for (int pass = 0; pass < FVI_PASSES; pass++) {
            if (strchr(passes, letters[pass]) == NULL)
                continue;
            run(b, (fvi_pass)pass); /* warm */
            int repeats = 0;
            const double start = now(b->clock);
            do {
                run(b, (fvi_pass)pass);
                repeats++;
            } while (now(b->clock) - start < 0.01);
            seconds[pass][round] = (now(b->clock) - start) / repeats / share;
        }
    }
    qsort(peak, (size_t)b->rounds, sizeof peak[0], by_value);
    const double usual = peak[b->rounds / 2], best = peak[b->rounds - 1];
    for (int pass = 0; pass < FVI_PASSES; pass++) {
        if (strchr(passes, letters[pass]) == NULL)
            continue;
        qsort(seconds[pass], (size_t)b->rounds, sizeof seconds[pass][0], by_value);
        const double median = seconds[pass][b->rounds / 2], least = seconds[pass][0];
        printf("  %-16s %-12s %9.3f ms (%9.3f)  %6.1f GFLOP/s  %5.1f%% of %5.1f (%5.1f%%)\n", names[pass],
               b->plan.pass[pass].algorithm, median * 1e3, least * 1e3, operations / median * 1e-9,
               100 * operations / median * 1e-9 / usual, usual, 100 * operations / least * 1e-9 / best);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    fv_context_options options = { .threads = 2 };
    bench b = { .rounds = 5, .clock = CLOCK_MONOTONIC };
    const char *only = NULL, *passes = "fdw";
    for (int option; (option = getopt(argc, argv, "t:r:a:p:c")) != -1;) {
        if (option == 't')
            options.threads = atoi(optarg);
        else if (option == 'r')
            b.rounds = atoi(optarg) < ROUNDS_MAX ? atoi(optarg) : ROUNDS_MAX;
        else if (option == 'a')
            only = optarg;
        else if (option == 'p')
            passes = optarg;
        else if (option == 'c')
            b.clock = CLOCK_PROCESS_CPUTIME_ID;
        else
            return 2;
    }
    if (fv_context_create(&b.context, &options) != FV_OK || b.rounds < 1)
        return 1;
    const int given = argc - optind;
    const int count = given > 0 ? given : (int)(sizeof targets / sizeof targets[0]);
    for (int i = 0; i < count; i++) {
        const char *problem = given > 0 ? argv[optind + i] : targets[i];
        fvi_conv2d_shape shape;
        const char *wrong = fvi_conv2d_parse(problem, &shape);
        if (wrong != NULL) {
            fprintf(stderr, "kernel_bench: %s: %s\n", problem, wrong);
            return 2;
        }
        printf("%s ", problem);
        fvi_conv2d_choose(&b.plan, &shape, FV_F32, fvi_context_isa(b.context), fv_context_threads(b.context), false,
                          only);
        prepare(&b);
        time_passes(&b, passes);
        release(&b);
    }
    fv_context_destroy(b.context);
    return 0;
}
