/* SPDX-License-Identifier: Apache-2.0
 *
 * quantize.c - post-training quantisation: which layers compute in 8 bits, which values are stored in bytes, and their ranges, found on
 * images of a data set. Weights: symmetric, a scale for each output. Values: one scale, with the zero inside their range (Jacob et
 * al. 2018, arXiv:1712.05877; Krishnamoorthi 2018, arXiv:1806.08342; clipping by entropy as Migacz, "8-bit inference with
 * TensorRT", GTC 2017).
 *
 * Values that share a scale make a *set*: what a layer only moves (views, maximum pooling, parts and joins of channels) keeps its bytes. A set is stored
 * in bytes where some layer computes on one of its values in 8 bits. Two passes over the images: the range of each set, then
 * a histogram of its magnitudes; exact zeros are left out, since a byte is exact for them and after a ReLU they are most.
 */
#include <math.h>
#include <string.h>

#include "exec/look.h"
#include "graph/graph_internal.h"
#include "kernel/int8/conv2d_int8.h"
#include "train/quantize_internal.h"
#include "train/train_internal.h"

enum { BINS = 2048, USUAL_IMAGES = 512, USUAL_BATCH = 32 };

/* What is seen of the values of one set. */
typedef struct value_range {
    float low, high; /* 0 is inside */
    int64_t *bins; /* [BINS] magnitudes from 0 to the larger one, of values that are not 0; NULL: not a set in bytes */
    int64_t count; /* in bins */
} value_range;

typedef struct calibration {
    fv_context *context;
    fv_params *params;
    const fvi_node *nodes;
    int32_t node_count;
    fv_value *set;      /* [node_count] the first value of each value's set */
    bool *computes;     /* [node_count] in 8 bits */
    value_range *range; /* [node_count], by a set's first value */
    bool counts;        /* the second pass */
    fv_quantize_options options;
    fv_loader *loader;
    fv_plan *plan;
    fv_session *session;
    float *values; /* of the largest value of a batch */
    size_t capacity;
    int32_t samples;  /* of the batch */
    fv_status status; /* of look() */
} calibration;

bool fvi_computes_in_int8(const fvi_node *node)
{
    const fv_shape *weight = &node->param[0].shape;
    int64_t reduced = 1;
    if (!node->layer->takes_int8 || node->param_count < 1 || (weight->rank != 4 && weight->rank != 2))
        return false; /* rank 3: a connection table */
    for (int32_t i = 1; i < weight->rank; i++)
        reduced *= weight->size[i];
    return reduced <= FVI_INT8_TERMS_MOST;
}

static fv_value first_of(const calibration *c, fv_value value)
{
    while (c->set[value] != value)
        value = c->set[value];
    return value;
}

static void join(calibration *c, fv_value a, fv_value b)
{
    const fv_value first = first_of(c, a), second = first_of(c, b);
    c->set[first > second ? first : second] = first < second ? first : second;
}

/* Layers that only move values. */
static bool moves(const fvi_layer *layer)
{
    return layer->is_view || layer->selects || layer->joins || layer->slices;
}

static fv_status find_sets(calibration *c)
{
    int32_t computing = 0;
    for (fv_value i = 0; i < c->node_count; i++)
        c->set[i] = i;
    for (fv_value i = 0; i < c->node_count; i++)
        for (int32_t j = 0; moves(c->nodes[i].layer) && j < c->nodes[i].input_count; j++)
            join(c, i, c->nodes[i].inputs[j]);
    for (fv_value i = 0; i < c->node_count; i++) {
        c->computes[i] = !c->nodes[i].auxiliary && fvi_computes_in_int8(&c->nodes[i]);
        if (!c->computes[i])
            continue;
        value_range *range = &c->range[first_of(c, c->nodes[i].inputs[0])];
        if (range->bins == NULL)
            range->bins = fvi_allocate_zeroed(c->context, BINS, sizeof *range->bins);
        if (range->bins == NULL)
            return fvi_out_of_memory(c->context, "a histogram", BINS * sizeof *range->bins);
        computing++;
    }
    if (computing == 0)
        return fvi_fail(c->context, FV_ERR_ARGUMENT,
                        "graph '%s': nothing to compute in 8 bits: it has no convolution or dense layer of at most %d "
                        "products in a sum",
                        fv_graph_name(fv_params_graph(c->params)), (int)FVI_INT8_TERMS_MOST);
    return FV_OK;
}

static fv_status see_range(calibration *c, fv_value node, value_range *range, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float value = c->values[i];
        if (!isfinite(value))
            return fvi_fail(c->context, FV_ERR_NUMERIC, "%s '%s': a NaN or an infinity among its values",
                            c->nodes[node].layer->name, c->nodes[node].name);
        range->low = value < range->low ? value : range->low;
        range->high = value > range->high ? value : range->high;
    }
    return FV_OK;
}

static float largest_of(const value_range *range)
{
    return -range->low > range->high ? -range->low : range->high;
}

static void see_magnitudes(const calibration *c, value_range *range, size_t count)
{
    const float largest = largest_of(range), bins = largest > 0 ? BINS / largest : 0;
    for (size_t i = 0; i < count; i++) {
        const float magnitude = fabsf(c->values[i]);
        const int32_t bin = (int32_t)(magnitude * bins);
        if (magnitude > 0) {
            range->bins[bin < BINS ? bin : BINS - 1]++;
            range->count++;
        }
    }
}

static bool look(void *user, fv_value node)
{
    calibration *c = user;
    value_range *range = &c->range[first_of(c, node)];
    const fv_image_shape shape = c->nodes[node].out;
    const size_t count = (size_t)c->samples * (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    if (c->status != FV_OK || range->bins == NULL || c->nodes[node].layer->is_loss)
        return false;
    c->status = fv_session_read(c->session, node, c->values, c->capacity);
    if (c->status != FV_OK)
        c->status = fvi_fail(c->context, c->status, "%s", fv_session_message(c->session));
    else if (c->counts)
        see_magnitudes(c, range, count);
    else
        c->status = see_range(c, node, range, count);
    return false;
}

static fv_status see_images(calibration *c)
{
    int64_t left = c->options.images;
    fv_batch batch;
    fv_loader_start(c->loader, 0, 0);
    while (left > 0) {
        if (fv_loader_next(c->loader, &batch) != FV_OK)
            return fvi_fail(c->context, FV_ERR_IO, "%s", fv_loader_message(c->loader));
        if (batch.n == 0)
            break;
        batch.n = batch.n < left ? batch.n : (int32_t)left;
        batch.classes = NULL;
        batch.values = NULL;
        c->samples = batch.n;
        const fv_status status = fvi_session_forward_looked_at(c->session, &batch, look, c);
        if (status != FV_OK)
            return fvi_fail(c->context, status, "%s", fv_session_message(c->session));
        FV_TRY(c->status);
        left -= batch.n;
    }
    if (left == c->options.images)
        return fvi_fail(c->context, FV_ERR_ARGUMENT, "quantise: the data set has no image to calibrate by");
    return FV_OK;
}

/* The magnitude below which this share of the values that are not 0 lies. */
static double percentile_of(const value_range *range, double percent)
{
    const double wanted = percent / 100 * (double)range->count;
    int64_t below = 0;
    for (int32_t i = 0; i < BINS; i++) {
        below += range->bins[i];
        if ((double)below >= wanted)
            return (double)(i + 1) / BINS * (double)largest_of(range);
    }
    return (double)largest_of(range);
}

/* Kullback-Leibler divergence of what `levels` steps up to bin `end` make of the magnitudes, from the magnitudes with those beyond put into
 * the last bin. Each level stands for the mean of its bins that are not empty. */
static double divergence(const value_range *range, int32_t end, int32_t levels)
{
    const double smallest = 1e-4; /* of a value: where clipped values stand in a bin that was empty */
    int64_t inside = 0;
    for (int32_t i = 0; i < end; i++)
        inside += range->bins[i];
    double sum = 0;
    for (int32_t level = 0; level < levels; level++) {
        const int32_t first = (int32_t)((int64_t)level * end / levels);
        const int32_t last = (int32_t)((int64_t)(level + 1) * end / levels);
        int64_t values = 0, filled = 0;
        for (int32_t i = first; i < last; i++) {
            values += range->bins[i];
            filled += range->bins[i] > 0;
        }
        for (int32_t i = first; i < last; i++) {
            const double beyond = i == end - 1 ? (double)(range->count - inside) : 0;
            const double p = ((double)range->bins[i] + beyond) / (double)range->count;
            const double mean = range->bins[i] > 0 ? (double)values / (double)filled : smallest;
            if (p > 0)
                sum += p * log(p / (mean / (double)inside));
        }
    }
    return sum;
}

static double least_divergence(const value_range *range)
{
    enum { STEP = 8 };
    const int32_t levels = range->low < 0 ? 128 : 256; /* of magnitudes: of either sign half */
    double least = INFINITY;
    int32_t best = BINS;
    for (int32_t end = levels; end <= BINS; end += STEP) {
        const double found = divergence(range, end, levels);
        if (found < least) {
            least = found;
            best = end;
        }
    }
    return (double)best / BINS * (double)largest_of(range);
}

/* The bytes of values in the range, clipped by the method. */
static fv_quantized quantized_range(const calibration *c, const value_range *range)
{
    double clip = (double)largest_of(range);
    if (range->count > 0 && c->options.method == FV_QUANTIZE_PERCENTILE)
        clip = percentile_of(range, c->options.percentile);
    else if (range->count > 0 && c->options.method == FV_QUANTIZE_ENTROPY)
        clip = least_divergence(range);
    const double low = fmax((double)range->low, -clip), high = fmin((double)range->high, clip);
    const float scale = (float)((high - low) / 255);
    if (!(scale >= 1e-30f))
        return (fv_quantized){ .scale = 1 }; /* all are 0 */
    const double zero = rint(-low / (double)scale);
    return (fv_quantized){ .scale = scale, .zero_point = (int32_t)fmin(zero, 255) };
}

/* Scales of a node's weights into scales[outputs], and the weights rounded to what their bytes stand for. */
static void round_weights(const calibration *c, fv_value node, float *scales)
{
    const fv_param_info info = fv_params_info(c->params, c->nodes[node].first_param);
    float *w = fv_params_values(c->params, c->nodes[node].first_param), all = 0;
    const int64_t outputs = info.shape.size[0], each = info.elements / outputs;
    for (int64_t k = 0; k < outputs; k++) {
        float largest = 0;
        for (int64_t i = 0; i < each; i++)
            largest = fabsf(w[k * each + i]) > largest ? fabsf(w[k * each + i]) : largest;
        scales[k] = largest;
        all = largest > all ? largest : all;
    }
    for (int64_t k = 0; k < outputs; k++) {
        scales[k] = (c->options.per_tensor ? all : scales[k]) / 127;
        if (!(scales[k] >= 1e-30f)) /* all weights are 0, or as good as */
            scales[k] = 1;
        for (int64_t i = 0; i < each; i++)
            w[k * each + i] = (float)fvi_int8_of_weight(w[k * each + i], scales[k]) * scales[k];
    }
}

static fv_status check_weights(const calibration *c)
{
    for (int32_t p = 0; p < fv_params_count(c->params); p++) {
        const fv_param_info info = fv_params_info(c->params, p);
        const float *values = fv_params_values(c->params, p);
        for (int64_t i = 0; i < info.elements; i++)
            if (!isfinite(values[i]))
                return fvi_fail(c->context, FV_ERR_NUMERIC, "'%s': a NaN or an infinity among its values", info.name);
    }
    return FV_OK;
}

static fv_status set_node(calibration *c, fv_value node)
{
    const value_range *range = &c->range[first_of(c, node)];
    fv_quantized quantized = { 0 };
    float *scales = NULL;
    if (range->bins != NULL && node != fv_graph_output(fv_params_graph(c->params)))
        quantized = quantized_range(c, range);
    if (c->computes[node]) {
        quantized.outputs = (int32_t)c->nodes[node].param[0].shape.size[0];
        scales = fvi_allocate_zeroed(c->context, (size_t)quantized.outputs, sizeof *scales);
        if (scales == NULL)
            return fvi_out_of_memory(c->context, "scales of weights", (size_t)quantized.outputs * sizeof *scales);
        round_weights(c, node, scales);
        quantized.weight_scale = scales;
    }
    fv_status status = FV_OK;
    if (quantized.scale > 0 || scales != NULL) /* the graph is params', which the caller may change */
        status = fv_graph_set_quantized((fv_graph *)(uintptr_t)fv_params_graph(c->params), node, &quantized);
    fvi_release(c->context, scales);
    return status;
}

static size_t largest_value(const calibration *c)
{
    size_t largest = 1;
    for (int32_t i = 0; i < c->node_count; i++) {
        const fv_image_shape out = c->nodes[i].out;
        const size_t elements = (size_t)out.c * (size_t)out.h * (size_t)out.w;
        largest = elements > largest ? elements : largest;
    }
    return largest * (size_t)c->options.batch;
}

static fv_status allocate(calibration *c)
{
    c->nodes = fvi_graph_nodes(fv_params_graph(c->params), &c->node_count);
    const size_t count = (size_t)c->node_count;
    c->capacity = largest_value(c);
    c->set = fvi_allocate_zeroed(c->context, count, sizeof *c->set);
    c->computes = fvi_allocate_zeroed(c->context, count, sizeof *c->computes);
    c->range = fvi_allocate_zeroed(c->context, count, sizeof *c->range);
    c->values = fvi_allocate_zeroed(c->context, c->capacity, sizeof *c->values);
    if (c->set == NULL || c->computes == NULL || c->range == NULL || c->values == NULL)
        return fvi_out_of_memory(c->context, "calibration", c->capacity * sizeof *c->values);
    return FV_OK;
}

static fv_status calibrate(calibration *c, const fv_dataset *dataset, const fv_preprocess *preprocess)
{
    const fv_graph *graph = fv_params_graph(c->params);
    const fv_plan_options plan = { .batch = c->options.batch, .mode = FV_PREDICT, .no_fusion = true };
    const fv_loader_options loader = {
        .batch = c->options.batch, .preprocess = *preprocess, .shuffle = true, .seed = c->options.seed
    };
    FV_TRY(allocate(c));
    FV_TRY(find_sets(c));
    FV_TRY(check_weights(c));
    FV_TRY(fv_loader_create(&c->loader, c->context, dataset, &loader));
    FV_TRY(fv_plan_create(&c->plan, graph, &plan));
    FV_TRY(fv_session_create(&c->session, c->plan, c->params));
    FV_TRY(see_images(c));
    c->counts = true;
    FV_TRY(see_images(c));
    for (fv_value i = 0; i < c->node_count; i++)
        FV_TRY(set_node(c, i));
    return FV_OK;
}

static void discard(calibration *c)
{
    for (int32_t i = 0; c->range != NULL && i < c->node_count; i++)
        fvi_release(c->context, c->range[i].bins);
    fvi_release(c->context, c->range);
    fvi_release(c->context, c->values);
    fvi_release(c->context, c->computes);
    fvi_release(c->context, c->set);
    fv_session_destroy(c->session);
    fv_plan_destroy(c->plan);
    fv_loader_destroy(c->loader);
}

fv_status fv_quantize(fv_params *params, const fv_dataset *dataset, const fv_preprocess *preprocess,
                      const fv_quantize_options *options)
{
    const fv_graph *graph = fv_params_graph(params);
    fv_context *context = fv_graph_context(graph);
    calibration c = { .context = context, .params = params };
    if (options != NULL)
        c.options = *options;
    c.options.percentile = c.options.percentile == 0 ? 99.99 : c.options.percentile;
    c.options.images = c.options.images == 0 ? USUAL_IMAGES : c.options.images;
    c.options.batch = c.options.batch == 0 ? USUAL_BATCH : c.options.batch;
    if (fv_params_dtype(params) != FV_F32)
        return fvi_fail(context, FV_ERR_ARGUMENT, "quantise: the values are %s, f32 is needed",
                        fv_dtype_name(fv_params_dtype(params)));
    if (!(c.options.percentile >= 50 && c.options.percentile <= 100) || c.options.images < 1 || c.options.batch < 1 ||
        c.options.batch > 65536 || (int)c.options.method < 0 || c.options.method > FV_QUANTIZE_MIN_MAX)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "quantise: percentile %g must be from 50 to 100, %d images and a batch of %d at least 1",
                        c.options.percentile, c.options.images, c.options.batch);
    FV_TRY(fvi_check_data(graph, dataset, preprocess));
    const fv_status status = calibrate(&c, dataset, preprocess);
    discard(&c);
    return status;
}
