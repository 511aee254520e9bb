/* SPDX-License-Identifier: Apache-2.0
 *
 * layer_bench.c - times the memory-bound kernels on one thread, each vector table beside the reference: picoseconds of
 * processor time for each element of the larger tensor, least of the rounds. For developers; figures in docs/performance.md.
 *     layer_bench [isa]...       (none: baseline, avx2, avx512, neon, as far as the machine has them)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/kernels.h"

enum { ROUNDS = 15, ELEMENTS = 1 << 18 };

typedef struct pool_problem {
    int32_t size, c, kernel, stride;
} pool_problem;

static const pool_problem pools[] = { { 28, 6, 2, 2 },  { 24, 8, 2, 2 },  { 10, 16, 2, 2 }, { 32, 20, 2, 2 },
                                      { 56, 64, 2, 2 }, { 56, 64, 3, 2 }, { 12, 16, 3, 3 } };
static const char *const activations[FVI_ACTIVATIONS] = { "relu",        "relu6",   "leaky_relu",   "elu",
                                                          "softplus",    "sigmoid", "hard_sigmoid", "tanh",
                                                          "scaled_tanh", "gelu",    "gelu_tanh",    "silu",
                                                          "hard_swish" };

static float *a, *b, *c;
static uint8_t *taps;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef void timed_fn(const fvi_kernels *kernels, int which);

static void time_it(const fvi_kernels *kernels, const char *name, timed_fn *run, int which, double elements)
{
    double least = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        const double start = now();
        run(kernels, which);
        const double seconds = now() - start;
        least = seconds < least ? seconds : least;
    }
    printf("%-10s %-34s %8.0f ps\n", kernels->name, name, least / elements * 1e12);
}

static void run_activation(const fvi_kernels *kernels, int kind)
{
    const fvi_activation formula = { (fvi_activation_kind)kind, 1.5, 0.5 };
    kernels->activation(&formula, ELEMENTS, a, b);
}

static void run_activation_backward(const fvi_kernels *kernels, int kind)
{
    const fvi_activation formula = { (fvi_activation_kind)kind, 1.5, 0.5 };
    kernels->activation_backward(&formula, ELEMENTS, a, b, c);
}

static void run_add(const fvi_kernels *kernels, int which)
{
    (void)which;
    kernels->add(ELEMENTS, a, b, c);
}

static void run_softmax(const fvi_kernels *kernels, int classes)
{
    kernels->softmax((size_t)(ELEMENTS / classes), (size_t)classes, classes, a, classes, b, NULL);
}

static fvi_pool_shape shape_of(const pool_problem *p)
{
    const int32_t out = (p->size - p->kernel) / p->stride + 1;
    const fvi_pool_shape shape = { .h = p->size,
                                   .w = p->size,
                                   .c = p->c,
                                   .oh = out,
                                   .ow = out,
                                   .kernel = { p->kernel, p->kernel },
                                   .stride = { p->stride, p->stride },
                                   .x_row = (ptrdiff_t)p->size * p->c,
                                   .x_pixel = p->c,
                                   .y_row = (ptrdiff_t)out * p->c,
                                   .y_pixel = p->c };
    return shape;
}

static void run_max(const fvi_kernels *kernels, int which)
{
    const fvi_pool_shape shape = shape_of(&pools[which]);
    for (int32_t oy = 0; oy < shape.oh; oy++)
        kernels->max_pool_row(&shape, oy, a, b, taps + (ptrdiff_t)oy * shape.ow * shape.c);
}

static void run_max_backward(const fvi_kernels *kernels, int which)
{
    const fvi_pool_shape shape = shape_of(&pools[which]);
    kernels->max_pool_backward(&shape, b, taps, c);
}

static void run_average(const fvi_kernels *kernels, int which)
{
    const fvi_pool_shape shape = shape_of(&pools[which]);
    for (int32_t oy = 0; oy < shape.oh; oy++)
        kernels->average_pool_row(&shape, oy, a, b);
}

static void run_average_backward(const fvi_kernels *kernels, int which)
{
    const fvi_pool_shape shape = shape_of(&pools[which]);
    kernels->average_pool_backward(&shape, b, c);
}

static void bench_table(const fvi_kernels *kernels)
{
    char name[64];
    for (int kind = 0; kind < FVI_ACTIVATIONS; kind++) {
        time_it(kernels, activations[kind], run_activation, kind, ELEMENTS);
        snprintf(name, sizeof name, "%s backward", activations[kind]);
        time_it(kernels, name, run_activation_backward, kind, ELEMENTS);
    }
    time_it(kernels, "add", run_add, 0, ELEMENTS);
    time_it(kernels, "softmax of 10", run_softmax, 10, ELEMENTS);
    time_it(kernels, "softmax of 1000", run_softmax, 1000, ELEMENTS);
    for (int i = 0; i < (int)(sizeof pools / sizeof pools[0]); i++) {
        const pool_problem *p = &pools[i];
        const double elements = (double)p->size * p->size * p->c;
        char problem[32];
        snprintf(problem, sizeof problem, "c%dh%dr%du%d", p->c, p->size, p->kernel, p->stride);
        snprintf(name, sizeof name, "max_pool %s", problem);
        time_it(kernels, name, run_max, i, elements);
        snprintf(name, sizeof name, "max_pool %s backward", problem);
        time_it(kernels, name, run_max_backward, i, elements);
        snprintf(name, sizeof name, "average_pool %s", problem);
        time_it(kernels, name, run_average, i, elements);
        snprintf(name, sizeof name, "average_pool %s backward", problem);
        time_it(kernels, name, run_average_backward, i, elements);
    }
}

int main(int argc, char **argv)
{
    static const char *const all[] = { "baseline", "avx2", "avx512", "neon" };
    a = aligned_alloc(64, ELEMENTS * sizeof *a);
    b = aligned_alloc(64, ELEMENTS * sizeof *b);
    c = aligned_alloc(64, ELEMENTS * sizeof *c);
    taps = calloc(ELEMENTS, 1);
    if (!a || !b || !c || !taps)
        return 1;
    for (int i = 0; i < ELEMENTS; i++)
        a[i] = b[i] = c[i] = (float)(((uint32_t)i * 2654435761u) >> 8) * 0x1p-23f - 1.0f;
    bench_table(fvi_kernels_for(FV_F32, FVI_ISA_BASELINE, true));
    for (int i = 0; i < (argc > 1 ? argc - 1 : 4); i++) {
        fv_context *context = NULL;
        const fv_context_options options = { .threads = 1, .isa = argc > 1 ? argv[i + 1] : all[i] };
        if (fv_context_create(&context, &options) == FV_OK)
            bench_table(fvi_kernels_for(FV_F32, fvi_context_isa(context), false));
        fv_context_destroy(context);
    }
    free(a);
    free(b);
    free(c);
    free(taps);
    return 0;
}
