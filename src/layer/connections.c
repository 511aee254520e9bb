/* SPDX-License-Identifier: Apache-2.0
 *
 * connections.c - connection tables. A kernel that is not in the table does not exist: it is not counted, has no gradient and
 * cannot become other than zero. The convolution itself runs on dense weights with zeros in those places.
 */
#include "layer/connections.h"

#include <string.h>

const char *const fvi_connection_words[] = { "all", "lenet5", NULL };

enum { LENET5_CHANNELS = 6, LENET5_FILTERS = 16 };

/* LeCun et al. 1998, table I: six maps read three neighbours, six read four, three read two pairs, the last reads all. */
static const int32_t lenet5[LENET5_FILTERS * LENET5_CHANNELS] = {
    1, 1, 1, 0, 0, 0, /* 0 */
    0, 1, 1, 1, 0, 0, /* 1 */
    0, 0, 1, 1, 1, 0, /* 2 */
    0, 0, 0, 1, 1, 1, /* 3 */
    1, 0, 0, 0, 1, 1, /* 4 */
    1, 1, 0, 0, 0, 1, /* 5 */
    1, 1, 1, 1, 0, 0, /* 6 */
    0, 1, 1, 1, 1, 0, /* 7 */
    0, 0, 1, 1, 1, 1, /* 8 */
    1, 0, 0, 1, 1, 1, /* 9 */
    1, 1, 0, 0, 1, 1, /* 10 */
    1, 1, 1, 0, 0, 1, /* 11 */
    1, 1, 0, 1, 1, 0, /* 12 */
    0, 1, 1, 0, 1, 1, /* 13 */
    1, 0, 1, 1, 0, 1, /* 14 */
    1, 1, 1, 1, 1, 1, /* 15 */
};

static const int32_t *flags_of(const fv_conv2d_options *options)
{
    return options->table == FV_TABLE_LENET5 ? lenet5 : options->connections.values;
}

bool fvi_connections_given(const fv_conv2d_options *options)
{
    return options->table != FV_TABLE_ALL || options->connections.count > 0;
}

static fv_status check_sizes(fv_context *context, const char *name, const fv_conv2d_options *options, int32_t channels)
{
    if (options->table != FV_TABLE_ALL && options->connections.count > 0)
        return fvi_fail(context, FV_ERR_ARGUMENT, "conv2d '%s': both table and connections are given; leave one out",
                        name);
    if (options->groups > 1)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "conv2d '%s': %d groups and a connection table; groups are a table already, leave one out",
                        name, options->groups);
    if (options->table == FV_TABLE_LENET5 && (channels != LENET5_CHANNELS || options->filters != LENET5_FILTERS))
        return fvi_fail(context, FV_ERR_SHAPE,
                        "conv2d '%s': table lenet5 is for %d input channels and %d filters, not %d and %d; give "
                        "connections",
                        name, LENET5_CHANNELS, LENET5_FILTERS, channels, options->filters);
    if (options->table == FV_TABLE_ALL && options->connections.count != (int64_t)options->filters * channels)
        return fvi_fail(
            context, FV_ERR_SHAPE,
            "conv2d '%s': connections has %d values; %d filters on %d input channels need %lld, one row of %d "
            "for each filter",
            name, options->connections.count, options->filters, channels, (long long)options->filters * channels,
            channels);
    return FV_OK;
}

fv_status fvi_connections_check(fv_context *context, const char *name, const fv_conv2d_options *options,
                                int32_t channels, int32_t *count)
{
    FV_TRY(check_sizes(context, name, options, channels));
    const int32_t *flag = flags_of(options);
    *count = 0;
    for (int32_t k = 0; k < options->filters; k++) {
        int32_t read = 0;
        for (int32_t c = 0; c < channels; c++)
            read += *flag++ != 0;
        if (read == 0)
            return fvi_fail(context, FV_ERR_ARGUMENT, "conv2d '%s': connections: filter %d reads no channel", name, k);
        *count += read;
    }
    return FV_OK;
}

fv_status fvi_connections_create(const fvi_connections **out, fv_context *context, fvi_arena *arena,
                                 const fv_conv2d_options *options, int32_t channels)
{
    const int32_t *flag = flags_of(options), all = options->filters * channels;
    int32_t count = 0;
    for (int32_t i = 0; i < all; i++)
        count += flag[i] != 0;
    fvi_connections *made = fvi_arena_allocate(arena, sizeof *made);
    int32_t *position = fvi_arena_allocate(arena, (size_t)count * sizeof *position);
    if (!made || !position)
        return fvi_out_of_memory(context, "a connection table", (size_t)count * sizeof *position);
    const int32_t rows = options->kernel[0] == 0 ? 1 : options->kernel[0];
    const int32_t columns = options->kernel[1] == 0 ? 1 : options->kernel[1];
    *made = (fvi_connections){
        .filters = options->filters, .channels = channels, .area = rows * columns, .count = count, .position = position
    };
    for (int32_t i = 0; i < all; i++)
        if (flag[i] != 0)
            *position++ = i;
    *out = made;
    return FV_OK;
}

size_t fvi_connections_dense(const fvi_connections *connections)
{
    return (size_t)connections->filters * (size_t)connections->channels * (size_t)connections->area;
}

void fvi_connections_spread(const fvi_connections *connections, fv_dtype dtype, const void *kernels, void *dense)
{
    const size_t bytes = (size_t)connections->area * fv_dtype_size(dtype);
    memset(dense, 0, fvi_connections_dense(connections) * fv_dtype_size(dtype));
    for (int32_t i = 0; i < connections->count; i++)
        memcpy((char *)dense + (size_t)connections->position[i] * bytes, (const char *)kernels + (size_t)i * bytes,
               bytes);
}

void fvi_connections_gather(const fvi_connections *connections, fv_dtype dtype, const void *dense, void *kernels)
{
    const size_t bytes = (size_t)connections->area * fv_dtype_size(dtype);
    for (int32_t i = 0; i < connections->count; i++)
        memcpy((char *)kernels + (size_t)i * bytes, (const char *)dense + (size_t)connections->position[i] * bytes,
               bytes);
}
