/* SPDX-License-Identifier: Apache-2.0
 *
 * connections.h - which input channels each filter of a convolution reads, when not all. Only the kernels that exist are
 * parameters: [connections, rows, columns], filter by filter, channels ascending.
 */
#ifndef FVI_CONNECTIONS_H
#define FVI_CONNECTIONS_H

#include "fovea/graph.h"
#include "layer/layer.h"

/* The names of the tables, in the order of fv_connection_table; NULL-terminated. */
extern const char *const fvi_connection_words[];

typedef struct fvi_connections {
    int32_t filters, channels;
    int32_t area;            /* cells of a kernel */
    int32_t count;           /* kernels that exist */
    const int32_t *position; /* [count], ascending: filter * channels + channel */
} fvi_connections;

/* True when the options name a table or give connections. */
bool fvi_connections_given(const fv_conv2d_options *options);
/* Checks the options against the number of input channels and counts the kernels. FV_ERR_ARGUMENT or FV_ERR_SHAPE with
 * a message that names the layer. Call it only where fvi_connections_given(). */
fv_status fvi_connections_check(fv_context *context, const char *name, const fv_conv2d_options *options,
                                int32_t channels, int32_t *count);
/* The same for options that were checked, in the plan's arena. Fails with FV_ERR_MEMORY only. */
fv_status fvi_connections_create(const fvi_connections **out, fv_context *context, fvi_arena *arena,
                                 const fv_conv2d_options *options, int32_t channels);
/* Elements of the dense weight. */
size_t fvi_connections_dense(const fvi_connections *connections);
/* dense [filters, channels, area]: the kernels that exist, zeros elsewhere. */
void fvi_connections_spread(const fvi_connections *connections, fv_dtype dtype, const void *kernels, void *dense);
/* And back: the kernels that exist. */
void fvi_connections_gather(const fvi_connections *connections, fv_dtype dtype, const void *dense, void *kernels);

#endif
