/* SPDX-License-Identifier: Apache-2.0
 *
 * group_norm.c - normalisation of each image by itself, over groups of channels (Wu & He 2018, arXiv:1803.08494). As many groups as channels:
 * instance normalisation (Ulyanov et al. 2016, arXiv:1607.08022); one group: layer normalisation over c, h and w (Ba et al. 2016,
 * arXiv:1607.06450). With xhat = (x - m) / sqrt(v + epsilon), m and v mean and variance of a group's values:
 *
 *   y = weight[c] * xhat + bias[c]
 *   dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(v + epsilon) with g = dy * weight[c], means over the group
 *   dweight[c] = sum over images and pixels of dy * xhat     dbias[c] = sum of dy
 *
 * Means first, then sums of what is left (the corrected two-pass algorithm, as batch_norm.h has it). Channels are summed row by row by the
 * kernels of batch normalisation; groups, and images in parameter gradients, in double and in order.
 */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "fovea/graph.h"
#include "layer/element.h"
#include "layer/layers.h"
#include "layer/split.h"

static const fvi_attribute attributes[] = {
    { .name = "groups",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_group_norm_options, groups),
      .count = 1,
      .low = 1,
      .high = 16777216,
      .required = true,
      .help = "of neighbouring channels; divides their number" },
    { .name = "epsilon",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_group_norm_options, epsilon),
      .count = 1,
      .low = 1e-12,
      .high = 1,
      .fallback = "1e-5",
      .help = "added to the variance" },
    { .name = "no_scale",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_group_norm_options, no_scale),
      .count = 1,
      .fallback = "false",
      .help = "weight is 1, and not a parameter" },
    { .name = "no_shift",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_group_norm_options, no_shift),
      .count = 1,
      .fallback = "false",
      .help = "bias is 0, and not a parameter" },
    { .name = "scale_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_group_norm_options, scale_init),
      .count = 1,
      .fallback = "constant 1",
      .help = "how weights start" },
    { .name = "shift_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_group_norm_options, shift_init),
      .count = 1,
      .fallback = "constant 0",
      .help = "how biases start" },
    { 0 },
};

static fvi_declared_param vector_of(const fvi_infer *node, const char *suffix, const fv_initializer *start,
                                    double otherwise)
{
    return (fvi_declared_param){
        .suffix = suffix,
        .shape = { .rank = 1, .size = { node->in[0].c } },
        .fan_in = 1,
        .fan_out = 1,
        .initializer =
            start->kind != FV_INIT_DEFAULT ? *start : (fv_initializer){ .kind = FV_INIT_CONSTANT, .value = otherwise },
        .trained = true,
    };
}

static fv_status infer(fvi_infer *node)
{
    const fv_group_norm_options *options = node->options;
    const fv_image_shape in = node->in[0];
    if (in.c % options->groups != 0)
        return fvi_fail(node->context, FV_ERR_SHAPE, "group_norm '%s': %d channels cannot be split into %d groups",
                        node->name, in.c, options->groups);
    node->out = in;
    node->reach.whole = true;
    node->param_count = 0;
    if (!options->no_scale)
        node->param[node->param_count++] = vector_of(node, "weight", &options->scale_init, 1);
    if (!options->no_shift)
        node->param[node->param_count++] = vector_of(node, "bias", &options->shift_init, 0);
    return FV_OK;
}

/* Vectors of c elements that an image has in scratch: mean in two parts, sums, squares, factors in two parts; backward: sums, products,
 * factors in three parts. In front of them 1 / sqrt(v + epsilon) of the groups in double. Saved: these, and mean. */
enum { SCRATCH_VECTORS = 6, SAVED_VECTORS = 2 };

static size_t image_bytes(fv_dtype dtype, size_t channels, size_t groups, size_t vectors)
{
    return groups * sizeof(double) + vectors * channels * fv_dtype_size(dtype);
}

static fv_status setup(fvi_setup *node)
{
    const size_t groups = (size_t)((const fv_group_norm_options *)node->options)->groups;
    const size_t channels = (size_t)node->in[0].c, batch = (size_t)node->batch;
    if (!fvi_size_multiply(batch, image_bytes(node->dtype, channels, groups, SCRATCH_VECTORS), &node->scratch_bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "group_norm '%s': sums of %d channels for batch %d overflow",
                        node->name, node->in[0].c, node->batch);
    if (node->backward)
        node->saved_bytes = batch * image_bytes(node->dtype, channels, groups, SAVED_VECTORS);
    return FV_OK;
}

typedef struct group_pass {
    const fvi_call *call;
    fv_dtype dtype;
    size_t channels, groups, members, vector; /* bytes of c elements */
    double epsilon, values;                   /* of a group */
    const void *weight, *bias;                /* or NULL */
} group_pass;

static group_pass pass_of(const fvi_call *call)
{
    const fv_group_norm_options *options = call->options;
    const fvi_view *x = &call->x[0];
    group_pass pass = { .call = call,
                        .dtype = call->dtype,
                        .channels = (size_t)x->c,
                        .groups = (size_t)options->groups,
                        .epsilon = options->epsilon == 0 ? 1e-5 : options->epsilon };
    int32_t next = 0;
    pass.members = pass.channels / pass.groups;
    pass.vector = pass.channels * fv_dtype_size(call->dtype);
    pass.values = (double)pass.members * (double)x->h * (double)x->w;
    pass.weight = options->no_scale ? NULL : call->param[next++];
    pass.bias = options->no_shift ? NULL : call->param[next];
    return pass;
}

/* Where an image's numbers are. */
typedef struct image_part {
    double *rstd;
    char *mean, *sums, *squares, *factors;
} image_part;

static image_part part_of(const group_pass *pass, size_t image, bool backward_pass)
{
    char *scratch =
        (char *)pass->call->scratch + image * image_bytes(pass->dtype, pass->channels, pass->groups, SCRATCH_VECTORS);
    char *saved =
        pass->call->saved == NULL
            ? NULL
            : (char *)pass->call->saved + image * image_bytes(pass->dtype, pass->channels, pass->groups, SAVED_VECTORS);
    char *vectors = scratch + pass->groups * sizeof(double), *kept = saved != NULL ? saved : scratch;
    return (image_part){ .rstd = (double *)(void *)kept,
                         .mean = kept + pass->groups * sizeof(double),
                         .sums = vectors + (backward_pass ? 0 : 2) * pass->vector,
                         .squares = vectors + (backward_pass ? 1 : 3) * pass->vector,
                         .factors = vectors + (backward_pass ? 2 : 4) * pass->vector };
}

static double weight_of(const group_pass *pass, size_t c)
{
    return pass->weight != NULL ? fvi_element_get(pass->dtype, pass->weight, c) : 1;
}

/* The sum of a group's numbers, each times its weight or not. */
static double total(const group_pass *pass, const void *sums, size_t group, bool weighted)
{
    double sum = 0;
    for (size_t c = group * pass->members; c < (group + 1) * pass->members; c++)
        sum += fvi_element_get(pass->dtype, sums, c) * (weighted ? weight_of(pass, c) : 1);
    return sum;
}

/* The mean of a group in two parts, what its rounding left second. */
static void put_mean(const group_pass *pass, const image_part *part, size_t group, double mean)
{
    for (size_t c = group * pass->members; c < (group + 1) * pass->members; c++) {
        fvi_element_set(pass->dtype, part->mean, c, mean);
        fvi_element_set(pass->dtype, part->mean, pass->channels + c,
                        mean - fvi_element_get(pass->dtype, part->mean, c));
    }
}

static void put_factors(const group_pass *pass, const image_part *part, size_t group)
{
    for (size_t c = group * pass->members; c < (group + 1) * pass->members; c++) {
        const double shift = pass->bias != NULL ? fvi_element_get(pass->dtype, pass->bias, c) : 0;
        fvi_element_set(pass->dtype, part->factors, c, part->rstd[group] * weight_of(pass, c));
        fvi_element_set(pass->dtype, part->factors, pass->channels + c, shift);
    }
}

static void statistics(const group_pass *pass, size_t image)
{
    const fvi_call *call = pass->call;
    const fvi_view *x = &call->x[0];
    const image_part part = part_of(pass, image, false);
    const fvi_pixels row = { .count = (size_t)x->w, .channels = pass->channels, .x = x->pixel_stride };
    memset(part.sums, 0, pass->vector);
    for (int32_t h = 0; h < x->h; h++)
        call->kernels->channel_sum(&row, fvi_view_at(x, pass->dtype, (int32_t)image, h, 0), part.sums);
    for (size_t g = 0; g < pass->groups; g++)
        put_mean(pass, &part, g, total(pass, part.sums, g, false) / pass->values);
    memset(part.sums, 0, 2 * pass->vector); /* and squares */
    for (int32_t h = 0; h < x->h; h++)
        call->kernels->channel_moments(&row, fvi_view_at(x, pass->dtype, (int32_t)image, h, 0), part.mean, part.sums,
                                       part.squares);
    for (size_t g = 0; g < pass->groups; g++) {
        const double shift = fvi_element_get(pass->dtype, part.mean, g * pass->members);
        const double left = total(pass, part.sums, g, false) / pass->values;
        const double variance = total(pass, part.squares, g, false) / pass->values - left * left;
        part.rstd[g] = 1 / sqrt((variance > 0 ? variance : 0) + pass->epsilon);
        put_mean(pass, &part, g, shift + left);
        put_factors(pass, &part, g);
    }
}

static void statistics_images(const void *argument, size_t first, size_t count)
{
    for (size_t image = first; image < first + count; image++)
        statistics(argument, image);
}

static void normalize_rows(const void *argument, size_t first, size_t count)
{
    const group_pass *pass = argument;
    const fvi_call *call = pass->call;
    const fvi_view *x = &call->x[0], *y = &call->y;
    const fvi_pixels pixels = {
        .count = (size_t)x->w, .channels = pass->channels, .x = x->pixel_stride, .y = y->pixel_stride
    };
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)x->h), h = (int32_t)(row % (size_t)x->h);
        const image_part part = part_of(pass, (size_t)n, false);
        call->kernels->channel_normalize(&pixels, fvi_view_at(x, pass->dtype, n, h, 0), part.mean, part.factors,
                                         fvi_view_at(y, pass->dtype, n, h, 0));
    }
}

static fv_status forward(fvi_call *call)
{
    const group_pass pass = pass_of(call);
    const size_t row = (size_t)call->y.w * pass.channels, h = (size_t)call->y.h;
    fvi_split_items(call->context, (size_t)call->n, h * row, statistics_images, &pass);
    fvi_split_items(call->context, (size_t)call->n * h, row, normalize_rows, &pass);
    return FV_OK;
}

/* dx = dy*a + b + (x - mean)*k. */
static void gradient_sums(const group_pass *pass, size_t image)
{
    const fvi_call *call = pass->call;
    const fvi_view *x = &call->x[0];
    const image_part part = part_of(pass, image, true);
    const fvi_pixels row = {
        .count = (size_t)x->w, .channels = pass->channels, .x = x->pixel_stride, .dy = call->dy.pixel_stride
    };
    memset(part.sums, 0, 2 * pass->vector); /* and products */
    for (int32_t h = 0; h < x->h; h++)
        call->kernels->channel_products(&row, fvi_view_at(x, pass->dtype, (int32_t)image, h, 0),
                                        fvi_view_at(&call->dy, pass->dtype, (int32_t)image, h, 0), part.mean, part.sums,
                                        part.squares);
    for (size_t g = 0; g < pass->groups; g++) {
        const double rstd = part.rstd[g];
        const double b = -rstd * total(pass, part.sums, g, true) / pass->values;
        const double k = -rstd * rstd * rstd * total(pass, part.squares, g, true) / pass->values;
        for (size_t c = g * pass->members; c < (g + 1) * pass->members; c++) {
            fvi_element_set(pass->dtype, part.factors, c, rstd * weight_of(pass, c));
            fvi_element_set(pass->dtype, part.factors, pass->channels + c, b);
            fvi_element_set(pass->dtype, part.factors, 2 * pass->channels + c, k);
        }
    }
}

static void gradient_images(const void *argument, size_t first, size_t count)
{
    for (size_t image = first; image < first + count; image++)
        gradient_sums(argument, image);
}

static void gradient_rows(const void *argument, size_t first, size_t count)
{
    const group_pass *pass = argument;
    const fvi_call *call = pass->call;
    const fvi_view *x = &call->x[0], *dx = &call->dx[0];
    const fvi_pixels pixels = { .count = (size_t)x->w,
                                .channels = pass->channels,
                                .x = x->pixel_stride,
                                .dy = call->dy.pixel_stride,
                                .y = dx->pixel_stride };
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)x->h), h = (int32_t)(row % (size_t)x->h);
        const image_part part = part_of(pass, (size_t)n, true);
        call->kernels->channel_normalize_backward(&pixels, fvi_view_at(x, pass->dtype, n, h, 0),
                                                  fvi_view_at(&call->dy, pass->dtype, n, h, 0), part.mean, part.factors,
                                                  fvi_view_at(dx, pass->dtype, n, h, 0));
    }
}

/* dweight (scaled) or dbias from the sums of the images. */
static void total_images(const group_pass *pass, bool scaled, void *gradient)
{
    for (size_t c = 0; c < pass->channels; c++) {
        double sum = 0;
        for (size_t image = 0; image < (size_t)pass->call->n; image++) {
            const image_part part = part_of(pass, image, true);
            const void *sums = scaled ? part.squares : part.sums;
            sum += fvi_element_get(pass->dtype, sums, c) * (scaled ? part.rstd[c / pass->members] : 1);
        }
        fvi_element_set(pass->dtype, gradient, c, sum);
    }
}

static fv_status backward(fvi_call *call)
{
    const group_pass pass = pass_of(call);
    const size_t row = (size_t)call->y.w * pass.channels, h = (size_t)call->y.h;
    fvi_split_items(call->context, (size_t)call->n, h * row, gradient_images, &pass);
    if (call->dx[0].data)
        fvi_split_items(call->context, (size_t)call->n * h, row, gradient_rows, &pass);
    if (pass.weight != NULL)
        total_images(&pass, true, call->dparam[0]);
    if (pass.bias != NULL)
        total_images(&pass, false, call->dparam[pass.weight != NULL ? 1 : 0]);
    return FV_OK;
}

static const fvi_stage stages[] = {
    { "mean", "m: of each group of channels of an image", "x" },
    { "variance", "v: likewise", "x mean" },
    { "normalised", "n[c] = (x[c] - m) / sqrt(v + epsilon)", "x mean variance" },
    { "scaled", "y[c] = weight[c] * n[c] + bias[c]", "normalised" },
    { 0 },
};

const fvi_layer fvi_layer_group_norm = {
    .name = "group_norm",
    .onnx_op = "GroupNormalization",
    .formula = "y = weight[c] * (x - m) / sqrt(v + epsilon) + bias[c], m and v of the values of c's group in the image",
    .inside = stages,
    .options_size = sizeof(fv_group_norm_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .dx_over_dy = true,
    .backward_reads = FVI_READS_INPUT | FVI_READS_SAVED,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
