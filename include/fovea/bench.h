/* SPDX-License-Identifier: Apache-2.0
 *
 * bench.h - how fast this machine runs a network or one convolution, beside what the machine could do at most.
 * Method: docs/performance.md.
 */
#ifndef FOVEA_BENCH_H
#define FOVEA_BENCH_H

#include "fovea/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Calls per second over the runs that fitted into the time, after a warm-up. Runs of much less than a millisecond are measured
 * several together. */
typedef struct fv_bench_rate {
    double images_per_second; /* median over the runs */
    double spread; /* (third quartile - first quartile) / median: 0.02 means that half of the runs lie within 2% */
    int32_t runs;
    size_t memory_bytes; /* of the session, as its plan told beforehand; training: and values, gradients, velocity */
} fv_bench_rate;

/* One pass of one layer. Texts are borrowed from the result. */
typedef struct fv_bench_pass {
    char layer[64], pass[20], algorithm[32];
    bool training;        /* measured in training; false: in inference */
    double seconds;       /* of one call on the whole batch: networks the mean, problems the median */
    double spread;        /* as above; 0 for networks */
    double gflops;        /* 2 * multiply-adds / seconds / 10^9 */
    double share_of_peak; /* gflops / peak_gflops; 0 for steps without multiply-adds */
} fv_bench_pass;

/* What of a network is measured, and how often. Zeros, but for batch, mean what their comments say. */
typedef struct fv_bench_options {
    int32_t batch;                  /* images of a step; required */
    double seconds;                 /* for each thing that is measured; 0 means 1 */
    bool no_training, no_inference; /* not both */
    fv_dtype dtype;                 /* FV_F32 or FV_BF16: fv_plan_options.dtype */
    bool no_repeat;                 /* fv_plan_options.no_repeat */
    bool no_fusion;                 /* fv_plan_options.no_fusion */
    size_t memory_limit;            /* training: fv_plan_options.memory_limit */
    /* NULL: each rate is measured once. Otherwise called with every rate as soon as it is known; true: measure it again, with
     * everything warm. What it waits for meanwhile is not counted, so that runs can alternate with those of another program. */
    bool (*again)(void *user, const fv_bench_rate *rate);
    void *user; /* passed to again, never read */
} fv_bench_options;

typedef struct fv_bench_result {
    fv_bench_rate train, inference; /* zeros: not measured */
    double peak_gflops;             /* measured in the same call, on all threads of the context */
    int32_t pass_count;
    fv_bench_pass *passes;
} fv_bench_result;

/* What this machine's float32 multiply-adds reach at most, in 10^9 operations a second, on the context's threads and
 * instruction set. Takes about 10 ms. */
FV_API double fv_peak_gflops(fv_context *context);
/* Trains (a graph with a loss and classes) and runs graph on random images, then times each step of its plan. *out belongs to
 * the caller: fv_bench_release(); zeros on failure. */
FV_API fv_status fv_bench_network(const fv_graph *graph, const fv_bench_options *options, fv_bench_result *out);
/* The same for the passes "forward", "backward_data" and "backward_weights" of one problem, such as
 * "conv:n16c64h56w56k64r3s3p1" (docs/formats.md#problems). algorithm: NULL, or the one to force where it can do a pass. */
FV_API fv_status fv_bench_problem(fv_context *context, const char *problem, const char *algorithm, double seconds,
                                  fv_bench_result *out);
FV_API void fv_bench_release(fv_context *context, fv_bench_result *result);

#ifdef __cplusplus
}
#endif

#endif
