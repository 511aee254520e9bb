/* SPDX-License-Identifier: Apache-2.0
 *
 * layer_case.c - problem strings and single-layer runs; see layer_case.h.
 */
#include "support/layer_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "support/values.h"

/* Problem strings. */
static void parse_numbers(const char *text, const char *problem, int32_t number[26])
{
    while (*text) {
        char *end = NULL;
        const char letter = *text;
        const long value = strtol(text + 1, &end, 10);
        if (letter < 'a' || letter > 'z' || end == text + 1)
            fail_msg("%s: cannot read \"%s\"", problem, text);
        number[letter - 'a'] = (int32_t)value;
        text = end;
    }
}

static int32_t get(const int32_t number[26], char letter)
{
    return number[letter - 'a'];
}

static int32_t get_or(const int32_t number[26], char letter, int32_t otherwise)
{
    return get(number, letter) == 0 ? otherwise : get(number, letter);
}

/* Connections for l2: filter k reads every channel but those with (k + c) % 3 == 0, and always channel 1. */
static void set_connections(fv_conv2d_options *options, const int32_t number[26])
{
    static int32_t flags[8 * 8];
    const int32_t filters = get(number, 'k'), channels = get_or(number, 'c', 1);
    assert_true(filters * channels <= 64);
    for (int32_t i = 0; i < filters * channels; i++)
        flags[i] = (i / channels + i % channels) % 3 != 0 || i % channels == 1;
    options->connections = (fv_int_list){ flags, filters * channels };
}

static void set_conv2d(fv_conv2d_options *options, const int32_t number[26])
{
    const int32_t r = get_or(number, 'r', 1), u = get_or(number, 'u', 1), p = get(number, 'p'), d = get(number, 'd');
    *options = (fv_conv2d_options){
        .filters = get(number, 'k'),
        .kernel = { r, get_or(number, 's', r) },
        .stride = { u, get_or(number, 'v', u) },
        .padding = (fv_padding)get(number, 'm'),
        .pad = { p, p, p, p },
        .dilation = { d, d },
        .groups = get(number, 'g'),
        .no_bias = get(number, 'b') != 0,
    };
    if (get(number, 'l') == 2)
        set_connections(options, number);
    else
        options->table = (fv_connection_table)get(number, 'l');
}

static void set_conv2d_transpose(fv_conv2d_transpose_options *options, const int32_t number[26])
{
    const int32_t r = get_or(number, 'r', 1), u = get_or(number, 'u', 1), p = get(number, 'p'), d = get(number, 'd');
    const int32_t o = get(number, 'o');
    *options = (fv_conv2d_transpose_options){
        .filters = get(number, 'k'),
        .kernel = { r, get_or(number, 's', r) },
        .stride = { u, get_or(number, 'v', u) },
        .pad = { p, p, p, p },
        .output_pad = { o, o },
        .dilation = { d, d },
        .groups = get(number, 'g'),
        .no_bias = get(number, 'b') != 0,
    };
}

static void set_pool2d(fv_pool2d_options *options, const int32_t number[26])
{
    const int32_t r = get(number, 'r'), u = get(number, 'u'), p = get(number, 'p');
    *options = (fv_pool2d_options){
        .kernel = { r, get_or(number, 's', r) },
        .stride = { u, get_or(number, 'v', u) },
        .padding = (fv_padding)get(number, 'm'),
        .pad = { p, p, p, p },
        .ceil = get(number, 'e') != 0,
        .count_padding = get(number, 'o') != 0,
    };
}

static const double resize_factors[2] = { 2.5, 1.6 };

static bool set_order_options(layer_case *problem, const int32_t number[26])
{
    const char *type = problem->layer->name;
    const int32_t k = get(number, 'k'), r = get(number, 'r'), s = get(number, 's');
    layer_options *options = &problem->options;
    if (strcmp(type, "permute") == 0)
        options->permute = (fv_permute_options){ .order = { k / 100, k / 10 % 10, k % 10 } };
    else if (strcmp(type, "channel_shuffle") == 0)
        options->channel_shuffle.groups = get(number, 'g');
    else if (strcmp(type, "expand") == 0)
        options->expand = (fv_expand_options){ .shape = { k, r, s } };
    else if (strcmp(type, "reduce_mean") == 0)
        options->reduce_mean.over = (fv_reduce_over)get(number, 'o');
    else if (strcmp(type, "resize") == 0) {
        options->resize = (fv_resize_options){ .size = { r, s },
                                               .factor = { resize_factors, get(number, 'a') != 0 ? 2 : 0 },
                                               .bilinear = get(number, 'e') != 0,
                                               .coordinates = (fv_resize_coordinates)get(number, 'o'),
                                               .nearest = (fv_resize_nearest)get(number, 'f') };
    } else
        return false;
    return true;
}

static void set_norm_options(layer_case *problem, const int32_t number[26])
{
    const bool no_scale = (get(number, 'b') & 1) != 0, no_shift = (get(number, 'b') & 2) != 0;
    layer_options *options = &problem->options;
    if (strcmp(problem->layer->name, "group_norm") == 0)
        options->group_norm =
            (fv_group_norm_options){ .groups = get(number, 'g'), .no_scale = no_scale, .no_shift = no_shift };
    else
        options->layer_norm = (fv_layer_norm_options){ .no_scale = no_scale, .no_shift = no_shift };
}

/* The layers that move elements or pool without a window of rows and columns; false: another one. */
static bool set_shape_options(layer_case *problem, const int32_t number[26])
{
    const char *type = problem->layer->name;
    const int32_t r = get(number, 'r'), s = get(number, 's'), p = get(number, 'p'), u = get(number, 'u');
    layer_options *options = &problem->options;
    if (strcmp(type, "adaptive_average_pool") == 0)
        options->adaptive = (fv_adaptive_average_pool_options){ .size = { r, s } };
    else if (strncmp(type, "channel_", 8) == 0)
        options->channel_pool = (fv_channel_pool_options){ .size = r, .stride = u, .pad = p };
    else if (strcmp(type, "pad") == 0)
        options->pad = (fv_pad_options){ .pad = { p, r, s, u },
                                         .channels = { get(number, 'j'), get(number, 'l') },
                                         .value = get(number, 'a') / 100.0,
                                         .mode = (fv_pad_mode)get(number, 'm') };
    else if (strcmp(type, "crop") == 0)
        options->crop = (fv_crop_options){ .crop = { p, r, s, u } };
    else if (strcmp(type, "slice") == 0)
        options->slice = (fv_slice_options){ .first = r,
                                             .count = get(number, 'k'),
                                             .step = get(number, 'd'),
                                             .rows = { p, get(number, 'q'), u },
                                             .columns = { get(number, 'j'), get(number, 'l'), get(number, 'v') } };
    else if (strcmp(type, "reshape") == 0)
        options->reshape = (fv_reshape_options){ .shape = { get(number, 'k'), r, s } };
    else if (strcmp(type, "upsample") == 0)
        options->upsample = (fv_upsample_options){ .factor = { r, s }, .bilinear = get(number, 'e') != 0 };
    else
        return false;
    return true;
}

/* Activations and losses, likewise. */
static bool set_activation_options(layer_case *problem, const int32_t number[26])
{
    const char *type = problem->layer->name;
    const double first = get(number, 'a') / 100.0, second = get(number, 'q') / 100.0;
    const bool flag = get(number, 'f') != 0;
    layer_options *options = &problem->options;
    if (strcmp(type, "softplus") == 0)
        options->softplus.beta = first;
    else if (strcmp(type, "gelu") == 0)
        options->gelu.tanh_form = flag;
    else if (strcmp(type, "prelu") == 0)
        options->prelu.shared = flag;
    else if (strcmp(type, "maxout") == 0)
        options->maxout.pieces = get(number, 'k');
    else if (strcmp(type, "leaky_relu") == 0)
        options->leaky_relu.slope = first;
    else if (strcmp(type, "elu") == 0)
        options->elu.alpha = first;
    else if (strcmp(type, "hard_sigmoid") == 0)
        options->hard_sigmoid = (fv_hard_sigmoid_options){ .alpha = first, .beta = second };
    else if (strcmp(type, "clip") == 0)
        options->clip = (fv_clip_options){ .low = first, .high = second };
    else if (strcmp(type, "linear") == 0)
        options->linear = (fv_linear_options){ .scale = first, .shift = second };
    else if (strcmp(type, "power") == 0)
        options->power.exponent = first;
    else if (strcmp(type, "scaled_tanh") == 0)
        options->scaled_tanh = (fv_scaled_tanh_options){ .amplitude = first, .slope = second };
    else
        return false;
    return true;
}

static const double class_weights[] = { 0.5, 1.25, 2, 0, 1, 0.75, 3, 1.5, 0.25, 1 };

static bool set_loss_options(layer_case *problem, const int32_t number[26])
{
    const char *type = problem->layer->name;
    const double first = get(number, 'a') / 100.0, second = get(number, 'q') / 100.0;
    const bool flag = get(number, 'f') != 0;
    layer_options *options = &problem->options;
    if (strcmp(type, "softmax_cross_entropy") == 0)
        options->softmax_cross_entropy =
            (fv_softmax_cross_entropy_options){ .weight = first,
                                                .label_smoothing = second,
                                                .class_weights = { class_weights,
                                                                   get(number, 'y') != 0 ? get_or(number, 'c', 1) : 0 },
                                                .positions = get(number, 'l') != 0 };
    else if (strcmp(type, "binary_cross_entropy") == 0)
        options->binary_cross_entropy.weight = first;
    else if (strcmp(type, "hinge_loss") == 0)
        options->hinge_loss = (fv_hinge_loss_options){ .weight = first, .margin = second, .squared = flag };
    else if (strcmp(type, "euclidean_loss") == 0)
        options->euclidean_loss = (fv_euclidean_loss_options){ .weight = first, .half = flag };
    else if (strcmp(type, "map_loss") == 0)
        options->map_loss = (fv_map_loss_options){ .weight = first, .j = second };
    else
        return false;
    return true;
}

static void set_options(layer_case *problem, const int32_t number[26])
{
    const char *type = problem->layer->name;
    layer_options *options = &problem->options;
    if (set_order_options(problem, number) || set_shape_options(problem, number) ||
        set_activation_options(problem, number) || set_loss_options(problem, number))
        return;
    if (strcmp(type, "conv2d") == 0)
        set_conv2d(&options->conv2d, number);
    else if (strcmp(type, "conv2d_transpose") == 0)
        set_conv2d_transpose(&options->conv2d_transpose, number);
    else if (strcmp(type, "subsample") == 0)
        options->subsample = (fv_subsample_options){ .kernel = { get(number, 'r'), get(number, 's') },
                                                     .stride = { get(number, 'u'), get(number, 'v') },
                                                     .average = get(number, 'o') != 0 };
    else if (strcmp(type, "rbf") == 0)
        options->rbf.units = get(number, 'k');
    else if (strstr(type, "pool2d"))
        set_pool2d(&options->pool2d, number);
    else if (strcmp(type, "dense") == 0)
        options->dense = (fv_dense_options){ .units = get(number, 'k'), .no_bias = get(number, 'b') != 0 };
    else if (strcmp(type, "batch_norm") == 0)
        options->batch_norm = (fv_batch_norm_options){ .ghost = get(number, 'g'),
                                                       .no_scale = (get(number, 'b') & 1) != 0,
                                                       .no_shift = (get(number, 'b') & 2) != 0 };
    else if (strcmp(type, "group_norm") == 0 || strcmp(type, "layer_norm") == 0)
        set_norm_options(problem, number);
    else if (strcmp(type, "scale") == 0)
        options->scale = (fv_scale_options){ .per = get(number, 'o') != 0 ? FV_PER_ELEMENT : FV_PER_CHANNEL,
                                             .no_scale = (get(number, 'b') & 1) != 0,
                                             .no_shift = (get(number, 'b') & 2) != 0 };
    else if (strcmp(type, "local_response_norm") == 0)
        options->local_response_norm = (fv_local_response_norm_options){ .size = get(number, 'r'),
                                                                         .alpha = get(number, 'a') / 100.0,
                                                                         .beta = get(number, 'q') / 100.0,
                                                                         .within_channel = get(number, 'o') != 0,
                                                                         .alpha_per_element = get(number, 'f') != 0 };
    else if (strcmp(type, "dropout") == 0)
        options->dropout = (fv_dropout_options){ .drop = get(number, 'a') / 100.0,
                                                 .classic = get(number, 'f') != 0,
                                                 .channels = get(number, 'o') != 0 };
    else if (problem->layer->is_input)
        options->input = (fv_input_options){ .shape = { get(number, 'c'), get(number, 'h'), get(number, 'w') } };
}

/* The later inputs of add and its like; how: j of the problem. */
static fv_image_shape repeated_shape(fv_image_shape whole, int32_t how)
{
    const bool c = how == 2 || how == 3 || how == 4, h = how == 1 || how == 3 || how == 5,
               w = how == 1 || how == 3 || how == 4;
    return (fv_image_shape){ c ? 1 : whole.c, h ? 1 : whole.h, w ? 1 : whole.w };
}

layer_case layer_case_parse(const char *problem)
{
    char type[64];
    const char *space = strchr(problem, ' ');
    assert_true(space && (size_t)(space - problem) < sizeof type);
    memcpy(type, problem, (size_t)(space - problem));
    type[space - problem] = '\0';
    layer_case parsed = { .problem = problem, .layer = fvi_layer_find(type) };
    if (!parsed.layer)
        fail_msg("%s: there is no layer %s", problem, type);
    int32_t number[26] = { 0 };
    parse_numbers(space + 1, problem, number);
    parsed.n = get_or(number, 'n', 1);
    parsed.input_count = parsed.layer->is_input ? 0 : get_or(number, 'i', 1);
    assert_true(parsed.input_count <= LAYER_CASE_INPUTS);
    const bool widens = strcmp(type, "concat") == 0;
    for (int32_t i = 0; i < parsed.input_count; i++)
        parsed.in[i] = (fv_image_shape){ get_or(number, 'c', 1) + (widens ? i : 0), get_or(number, 'h', 1),
                                         get_or(number, 'w', 1) };
    const bool binary = strcmp(type, "add") == 0 || strcmp(type, "subtract") == 0 || strcmp(type, "multiply") == 0 ||
                        strcmp(type, "divide") == 0;
    for (int32_t i = 1; binary && i < parsed.input_count; i++)
        parsed.in[i] = repeated_shape(parsed.in[i], get(number, 'j'));
    parsed.targets = (layer_targets)get(number, 't');
    parsed.infer = get(number, 'x') != 0;
    parsed.sample_weights = get(number, 'z') != 0;
    set_options(&parsed, number);
    return parsed;
}

bool layer_case_positive(const layer_case *problem, int32_t input)
{
    const char *type = problem->layer->name;
    if (strcmp(type, "divide") == 0)
        return input == 1;
    return input == 0 && (strcmp(type, "log") == 0 || strcmp(type, "power") == 0);
}

fv_status layer_case_infer(const layer_case *problem, fv_context *context, fvi_infer *node)
{
    *node = (fvi_infer){ .context = context,
                         .name = "node1",
                         .options = &problem->options,
                         .in = problem->in,
                         .input_count = problem->input_count };
    return fvi_layer_infer(problem->layer, node);
}

/* Memory. */
static double read_element(fv_dtype dtype, const void *memory, ptrdiff_t at)
{
    return dtype == FV_F64 ? ((const double *)memory)[at] : (double)((const float *)memory)[at];
}

static void write_element(fv_dtype dtype, void *memory, ptrdiff_t at, double value)
{
    if (dtype == FV_F64)
        ((double *)memory)[at] = value;
    else
        ((float *)memory)[at] = (float)value;
}

static void *elements(fv_dtype dtype, size_t count, double value)
{
    void *memory = aligned_alloc(64, (count * fv_dtype_size(dtype) + 127) / 64 * 64);
    assert_non_null(memory);
    for (size_t i = 0; i < count; i++)
        write_element(dtype, memory, (ptrdiff_t)i, value);
    return memory;
}

/* A view of n images inside NaN, its border zero. */
static layer_tensor make_tensor(const layer_run *run, fv_image_shape shape, const int32_t border[4])
{
    const int32_t more = run->options.border;
    layer_tensor tensor = { .view = { .n = run->problem->n, .h = shape.h, .w = shape.w, .c = shape.c } };
    fvi_view *view = &tensor.view;
    for (int side = 0; side < 4; side++)
        view->border[side] = (border ? border[side] : 0) + more;
    const int32_t columns = shape.w + view->border[1] + view->border[3],
                  rows = shape.h + view->border[0] + view->border[2];
    view->pixel_stride = shape.c + run->options.extra;
    view->row_stride = view->pixel_stride * columns;
    view->image_stride = view->row_stride * rows;
    const size_t count = (size_t)view->image_stride * (size_t)view->n;
    tensor.bytes = count * fv_dtype_size(run->options.dtype);
    tensor.memory = elements(run->options.dtype, count, (double)NAN);
    tensor.before = malloc(tensor.bytes);
    assert_non_null(tensor.before);
    const ptrdiff_t inside = view->border[0] * view->row_stride + view->border[1] * view->pixel_stride;
    view->data = (char *)tensor.memory + inside * (ptrdiff_t)fv_dtype_size(run->options.dtype);
    fvi_view_clear_border(view, run->options.dtype, 0, view->n);
    return tensor;
}

static void free_tensor(layer_tensor *tensor)
{
    free(tensor->memory);
    free(tensor->before);
}

static void remember(layer_tensor *tensor)
{
    if (tensor->memory)
        memcpy(tensor->before, tensor->memory, tensor->bytes);
}

static ptrdiff_t offset(const fvi_view *view, int32_t n, int32_t h, int32_t w)
{
    return n * view->image_stride + h * view->row_stride + w * view->pixel_stride;
}

/* Fails when memory outside the view's elements differs from the copy. */
static void check_outside(const layer_run *run, layer_tensor *tensor, const char *what)
{
    const fvi_view *view = &tensor->view;
    const size_t size = fv_dtype_size(run->options.dtype),
                 start = (size_t)((char *)view->data - (char *)tensor->memory);
    if (!tensor->memory)
        return;
    for (int32_t n = 0; n < view->n; n++)
        for (int32_t h = 0; h < view->h; h++)
            for (int32_t w = 0; w < view->w; w++) {
                const size_t at = start + (size_t)offset(view, n, h, w) * size;
                memcpy((char *)tensor->before + at, (char *)tensor->memory + at, (size_t)view->c * size);
            }
    for (size_t i = 0; i < tensor->bytes / size; i++)
        if (memcmp((char *)tensor->before + i * size, (char *)tensor->memory + i * size, size) != 0)
            fail_msg("%s: wrote outside the view of %s, at element %zu of its memory", run->problem->problem, what, i);
}

size_t layer_view_count(const fvi_view *view)
{
    return (size_t)view->n * (size_t)view->h * (size_t)view->w * (size_t)view->c;
}

void layer_view_set(const layer_run *run, const fvi_view *view, const double *nchw)
{
    for (int32_t n = 0; n < view->n; n++)
        for (int32_t c = 0; c < view->c; c++)
            for (int32_t h = 0; h < view->h; h++)
                for (int32_t w = 0; w < view->w; w++)
                    write_element(run->options.dtype, view->data, offset(view, n, h, w) + c, *nchw++);
}

void layer_view_get(const layer_run *run, const fvi_view *view, double *nchw)
{
    for (int32_t n = 0; n < view->n; n++)
        for (int32_t c = 0; c < view->c; c++)
            for (int32_t h = 0; h < view->h; h++)
                for (int32_t w = 0; w < view->w; w++)
                    *nchw++ = read_element(run->options.dtype, view->data, offset(view, n, h, w) + c);
}

size_t layer_param_count(const layer_run *run, int32_t index)
{
    return (size_t)fv_shape_elements(&run->infer.param[index].shape);
}

void layer_param_set(layer_run *run, int32_t index, const double *values)
{
    for (size_t i = 0; i < layer_param_count(run, index); i++)
        write_element(run->options.dtype, run->param[index], (ptrdiff_t)i, values[i]);
}

void layer_param_get(const layer_run *run, int32_t index, const void *which, double *values)
{
    for (size_t i = 0; i < layer_param_count(run, index); i++)
        values[i] = read_element(run->options.dtype, which, (ptrdiff_t)i);
}

/* Data. Values are rounded to float, so that float32 and float64 runs start from the same numbers. */
static void fill_view(const layer_run *run, const fvi_view *view, uint64_t seed, bool positive)
{
    const size_t count = layer_view_count(view);
    double *values = test_doubles(count);
    const char *type = run->problem->layer->name;
    const double range = strcmp(type, "relu6") == 0 || strstr(type, "hard_") ? 8.0 : 2.0; /* all pieces are met */
    if (strstr(type, "max_pool") || strcmp(type, "maxout") == 0)
        test_fill_distinct(values, count, seed, 1.0 / 64);
    else
        test_fill(values, count, seed, -range, range);
    for (size_t i = 0; i < count; i++)
        values[i] = (double)(float)(positive ? fabs(values[i]) + 1 : values[i]);
    layer_view_set(run, view, values);
    free(values);
}

static void make_params(layer_run *run)
{
    for (int32_t i = 0; i < run->infer.param_count; i++) {
        const size_t count = layer_param_count(run, i);
        double *values = test_doubles(count);
        test_fill(values, count, 100 + (uint64_t)i, -1.0, 1.0);
        for (size_t k = 0; k < count; k++)
            values[k] = (double)(float)(run->infer.param[i].momentum > 0 ? fabs(values[k]) + 0.25 : values[k]);
        run->param[i] = elements(run->options.dtype, count, 0);
        run->dparam[i] = elements(run->options.dtype, count, (double)NAN);
        layer_param_set(run, i, values);
        free(values);
    }
}

static void make_soft(const layer_run *run, float *values, size_t count)
{
    const size_t classes = (size_t)run->problem->in[0].c;
    double *draws = test_doubles(count);
    test_fill(draws, count, 7, 0.1, 1.0);
    for (size_t row = 0; row < count; row += classes) {
        double sum = 0;
        for (size_t k = 0; k < classes; k++)
            sum += draws[row + k];
        for (size_t k = 0; k < classes; k++)
            values[row + k] = (float)(draws[row + k] / sum);
    }
    free(draws);
}

static void make_batch(layer_run *run)
{
    const layer_case *problem = run->problem;
    const size_t n = (size_t)problem->n;
    run->batch = (fv_batch){ .n = problem->n };
    if (problem->targets == TARGETS_CLASSES) {
        run->classes = calloc(n, sizeof *run->classes);
        for (size_t i = 0; i < n; i++)
            run->classes[i] = (int32_t)((i * 7 + 2) % (size_t)problem->in[0].c);
        run->batch.classes = run->classes;
    } else if (problem->targets != TARGETS_NONE) {
        const size_t count = layer_view_count(&run->x[0].view);
        double *draws = test_doubles(count);
        run->values = calloc(count, sizeof *run->values);
        test_fill(draws, count, 8, -1.0, 1.0);
        for (size_t i = 0; i < count; i++)
            run->values[i] = (float)draws[i];
        free(draws);
        if (problem->targets == TARGETS_SOFT)
            make_soft(run, run->values, count);
        run->batch.values = run->values;
    }
    if (problem->sample_weights) {
        run->weights = calloc(n, sizeof *run->weights);
        for (size_t i = 0; i < n; i++)
            run->weights[i] = 0.5f + (float)i * 0.25f;
        run->batch.weights = run->weights;
    }
}

static void set_up(layer_run *run)
{
    const layer_case *problem = run->problem;
    assert_int_equal(fvi_arena_create(&run->arena, run->context, 4096), FV_OK);
    run->setup = (fvi_setup){
        .context = run->context,
        .arena = run->arena,
        .layer = problem->layer,
        .name = "node1",
        .options = &problem->options,
        .in = problem->in,
        .input_count = problem->input_count,
        .out = run->infer.out,
        .dtype = run->options.dtype,
        .reference = run->options.reference,
        .backward = true,
        .wants_dx = true,
        .batch = run->options.batch > problem->n ? run->options.batch : problem->n,
    };
    if (problem->layer->setup && problem->layer->setup(&run->setup) != FV_OK)
        fail_msg("%s: setup: %s", problem->problem, fv_context_message(run->context));
    run->saved = run->setup.saved_bytes ? elements(FV_F32, run->setup.saved_bytes / 4 + 1, (double)NAN) : NULL;
    run->scratch = elements(FV_F32, run->setup.scratch_bytes / 4 + 1, (double)NAN);
    const size_t packed = run->setup.packed_bytes > run->setup.packed_backward_bytes ? run->setup.packed_bytes
                                                                                     : run->setup.packed_backward_bytes;
    run->packed = elements(FV_F32, packed / 4 + 1, (double)NAN);
}

layer_run *layer_run_create(const layer_case *problem, fv_context *context, layer_run_options options)
{
    layer_run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->problem = problem;
    run->context = context;
    run->options = options;
    run->scale = 0.375;
    if (layer_case_infer(problem, context, &run->infer) != FV_OK)
        fail_msg("%s: infer: %s", problem->problem, fv_context_message(context));
    set_up(run);
    for (int32_t i = 0; i < problem->input_count; i++) {
        run->x[i] = make_tensor(run, problem->in[i], run->setup.input_border);
        fill_view(run, &run->x[i].view, 10 + (uint64_t)i, layer_case_positive(problem, i));
    }
    run->y = make_tensor(run, run->infer.out, NULL);
    if (!problem->layer->is_loss) {
        run->dy = make_tensor(run, run->infer.out, run->setup.gradient_border);
        fill_view(run, &run->dy.view, 20, false);
    }
    for (int32_t i = 0; i < problem->input_count; i++)
        run->dx[i] = make_tensor(run, problem->in[i], NULL);
    if (options.in_place) {
        free_tensor(&run->y);
        free_tensor(&run->dx[0]);
        run->y = (layer_tensor){ .view = run->x[0].view };
        run->dx[0] = (layer_tensor){ .view = run->dy.view };
    }
    make_params(run);
    make_batch(run);
    return run;
}

void layer_run_destroy(layer_run *run)
{
    for (int32_t i = 0; i < LAYER_CASE_INPUTS; i++) {
        free_tensor(&run->x[i]);
        free_tensor(&run->dx[i]);
    }
    free_tensor(&run->y);
    free_tensor(&run->dy);
    for (int32_t i = 0; i < FVI_LAYER_PARAMS; i++) {
        free(run->param[i]);
        free(run->dparam[i]);
    }
    free(run->packed);
    free(run->saved);
    free(run->scratch);
    free(run->classes);
    free(run->values);
    free(run->weights);
    fvi_arena_destroy(run->arena);
    free(run);
}

/* Passes. */
static fvi_call make_call(layer_run *run, fvi_view x[LAYER_CASE_INPUTS], fvi_view dx[LAYER_CASE_INPUTS])
{
    for (int32_t i = 0; i < LAYER_CASE_INPUTS; i++) {
        x[i] = run->x[i].view;
        dx[i] = run->dx[i].view;
    }
    const fvi_call call = {
        .context = run->context,
        .kernels = fvi_kernels_for(run->options.dtype, fvi_context_isa(run->context), run->options.reference),
        .name = "node1",
        .message = &run->message,
        .options = &run->problem->options,
        .prepared = run->setup.prepared,
        .dtype = run->options.dtype,
        .training = !run->options.infer && !run->problem->infer,
        .seed = 5,
        .stream = fvi_hash_text("node1"),
        .n = run->problem->n,
        .input_count = run->problem->input_count,
        .x = x,
        .y = run->y.view,
        .dy = run->dy.view,
        .dx = dx,
        .param = run->param,
        .dparam = run->dparam,
        .packed = run->packed,
        .saved = run->saved,
        .scratch = run->scratch,
        .batch = &run->batch,
        .scale = run->scale,
    };
    return call;
}

fv_status layer_run_forward(layer_run *run)
{
    fvi_view x[LAYER_CASE_INPUTS], dx[LAYER_CASE_INPUTS];
    fvi_call call = make_call(run, x, dx);
    remember(&run->y);
    if (run->problem->layer->pack)
        run->problem->layer->pack(&call);
    const fv_status status = run->problem->layer->forward(&call);
    run->loss = call.loss;
    check_outside(run, &run->y, "y");
    return status;
}

static void fill_nan(const layer_run *run, const fvi_view *view)
{
    const size_t count = layer_view_count(view);
    double *values = test_doubles(count);
    for (size_t i = 0; i < count; i++)
        values[i] = (double)NAN;
    layer_view_set(run, view, values);
    free(values);
}

static fv_status backward_of(const fvi_layer *layer, fvi_call *call)
{
    if (layer->pack_backward)
        layer->pack_backward(call);
    if (layer->backward)
        return layer->backward(call);
    const fv_status status = layer->backward_weights(call);
    return status == FV_OK ? layer->backward_data(call) : status;
}

fv_status layer_run_backward(layer_run *run)
{
    const fvi_layer *layer = run->problem->layer;
    fvi_view x[LAYER_CASE_INPUTS], dx[LAYER_CASE_INPUTS];
    fvi_call call = make_call(run, x, dx);
    if (!run->options.in_place) {
        for (int32_t i = 0; i < run->problem->input_count && !(layer->backward_reads & FVI_READS_INPUT); i++)
            fill_nan(run, &run->x[i].view);
        if (!(layer->backward_reads & FVI_READS_OUTPUT))
            fill_nan(run, &run->y.view);
    }
    for (int32_t i = 0; i < run->problem->input_count; i++)
        remember(&run->dx[i]);
    const fv_status status = backward_of(layer, &call);
    for (int32_t i = 0; i < run->problem->input_count; i++)
        check_outside(run, &run->dx[i], "dx");
    return status;
}

double layer_run_objective(const layer_run *run)
{
    if (run->problem->layer->is_loss)
        return run->scale * run->loss;
    const size_t count = layer_view_count(&run->y.view);
    double *y = test_doubles(count), *dy = test_doubles(count), sum = 0;
    layer_view_get(run, &run->y.view, y);
    layer_view_get(run, &run->dy.view, dy);
    for (size_t i = 0; i < count; i++)
        sum += y[i] * dy[i];
    free(y);
    free(dy);
    return sum;
}
