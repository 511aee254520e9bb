/* SPDX-License-Identifier: Apache-2.0
 *
 * inference_form.c - a second graph, of what inference needs of the first: nodes left out, normalisation folded into weights.
 * First every node of the source is given a fate, then the new graph is built in the source's order, then values are copied or folded.
 */
#include "fovea/inference_form.h"

#include <string.h>

#include "base/arena.h"
#include "base/base.h"
#include "graph/graph_internal.h"
#include "layer/layers.h"

typedef enum fate {
    KEPT,
    PASSED,  /* left out: its readers read its first input */
    FOLDED,  /* likewise, and its factors go into the layer before it */
    DROPPED, /* left out with all that reads it */
} fate;

typedef struct place {
    fate fate;
    fv_value made;   /* its value in the new graph */
    fv_value folded; /* the node that is folded into this one, or FV_NO_VALUE */
} place;

typedef struct form {
    fv_context *context;
    const fv_inference_form_options *options;
    const fv_graph *from;
    const fvi_node *node;
    int32_t count;
    place *place; /* [count] */
    fv_graph *graph;
    fv_params *params, *source;
} form;

static bool is_inverted_dropout(const fvi_node *node)
{
    return node->layer == &fvi_layer_dropout && !((const fv_dropout_options *)node->options)->classic;
}

/* The channel that weight `row` (an index of the first axis) and `column` (of the second) write; what folds can be folded into. */
typedef enum weights_kind { NOT_FOLDABLE, ROWS, COLUMNS } weights_kind;

static weights_kind weights_of(const fvi_node *node)
{
    if (node->layer == &fvi_layer_dense)
        return ROWS;
    if (node->layer == &fvi_layer_conv2d_transpose)
        return COLUMNS;
    if (node->layer != &fvi_layer_conv2d)
        return NOT_FOLDABLE;
    /* With a table of connections the weights are those that exist, one after the other. */
    const fv_conv2d_options *options = node->options;
    return options->table == FV_TABLE_ALL && options->connections.count == 0 ? ROWS : NOT_FOLDABLE;
}

static bool is_folded(const form *f, const fvi_node *node, const int32_t *readers)
{
    if (node->layer->affine == NULL || (node->layer->is_affine != NULL && !node->layer->is_affine(node->options)))
        return false;
    if (f->options->keep_batch_norm && node->layer == &fvi_layer_batch_norm)
        return false;
    const fv_value before = node->inputs[0];
    return f->place[before].fate == KEPT && f->place[before].folded == FV_NO_VALUE && readers[before] == 1 &&
           weights_of(&f->node[before]) != NOT_FOLDABLE;
}

static void choose_fates(form *f, int32_t *readers)
{
    const fv_value output = fv_graph_output(f->from);
    for (int32_t i = 0; i < f->count; i++) {
        const fvi_node *node = &f->node[i];
        f->place[i] = (place){ node->auxiliary || node->layer->is_loss ? DROPPED : KEPT, FV_NO_VALUE, FV_NO_VALUE };
        for (int32_t j = 0; f->place[i].fate == KEPT && j < node->input_count; j++)
            readers[node->inputs[j]]++;
    }
    readers[output]++;
    for (int32_t i = 0; i < f->count; i++) {
        const fvi_node *node = &f->node[i];
        if (f->place[i].fate == DROPPED)
            continue;
        if (node->layer == &fvi_layer_identity || is_inverted_dropout(node))
            f->place[i].fate = PASSED;
        else if (is_folded(f, node, readers)) {
            f->place[i].fate = FOLDED;
            f->place[node->inputs[0]].folded = i;
        }
    }
}

/* The options of a node, with a bias where something is folded into it. storage: as large as the options of what can be folded into. */
typedef union foldable_options {
    fv_conv2d_options conv2d;
    fv_conv2d_transpose_options conv2d_transpose;
    fv_dense_options dense;
} foldable_options;

static const void *options_of(const form *f, int32_t i, foldable_options *storage)
{
    const fvi_node *node = &f->node[i];
    if (f->place[i].folded == FV_NO_VALUE)
        return node->options;
    memcpy(storage, node->options, node->layer->options_size);
    if (node->layer == &fvi_layer_conv2d)
        storage->conv2d.no_bias = false;
    else if (node->layer == &fvi_layer_conv2d_transpose)
        storage->conv2d_transpose.no_bias = false;
    else
        storage->dense.no_bias = false;
    return storage;
}

static fv_status add_node(form *f, int32_t i, fv_value *inputs)
{
    const fvi_node *node = &f->node[i];
    foldable_options storage;
    for (int32_t j = 0; j < node->input_count; j++)
        inputs[j] = f->place[node->inputs[j]].made;
    if (f->place[i].fate != KEPT) {
        f->place[i].made = inputs[0];
        return FV_OK;
    }
    return fv_graph_add(f->graph, node->layer->name, inputs, node->input_count, options_of(f, i, &storage),
                        &f->place[i].made);
}

static fv_status build(form *f)
{
    int32_t most = 1;
    for (int32_t i = 0; i < f->count; i++)
        most = f->node[i].input_count > most ? f->node[i].input_count : most;
    fv_value *inputs = fvi_allocate_zeroed(f->context, (size_t)most, sizeof *inputs);
    fv_status status = inputs != NULL ? fv_graph_create(&f->graph, f->context, fv_graph_name(f->from))
                                      : fvi_out_of_memory(f->context, "inputs of a node", 0);
    for (int32_t i = 0; status == FV_OK && i < f->count; i++)
        if (f->place[i].fate != DROPPED)
            status = add_node(f, i, inputs);
    fvi_release(f->context, inputs);
    return status == FV_OK ? fv_graph_finish(f->graph, f->place[fv_graph_output(f->from)].made) : status;
}

/* Values of either dtype, as double. */
static double get(const void *values, fv_dtype dtype, size_t i)
{
    return dtype == FV_F64 ? ((const double *)values)[i] : ((const float *)values)[i];
}

static void set(void *values, fv_dtype dtype, size_t i, double value)
{
    if (dtype == FV_F64)
        ((double *)values)[i] = value;
    else
        ((float *)values)[i] = (float)value;
}

/* ab [2][channels]: the factors and summands of a node that is folded. Its values go through double, so that nothing is rounded twice. */
static fv_status factors(const form *f, const fvi_node *node, fvi_arena *arena, double *ab)
{
    const fv_dtype dtype = fv_params_dtype(f->source);
    void *param[FVI_LAYER_PARAMS] = { 0 };
    for (int32_t p = 0; p < node->param_count; p++) {
        const size_t count = (size_t)fv_shape_elements(&node->param[p].shape);
        const void *values = fv_params_values(f->source, node->first_param + p);
        double *wide = fvi_arena_allocate(arena, count * sizeof *wide);
        if (wide == NULL)
            return fvi_out_of_memory(f->context, "statistics", count * sizeof *wide);
        for (size_t i = 0; i < count; i++)
            wide[i] = get(values, dtype, i);
        param[p] = wide;
    }
    node->layer->affine(node->options, FV_F64, (size_t)node->in[0].c, param, ab);
    return FV_OK;
}

/* The channel that element i of the weights writes. */
static size_t channel_of(const fvi_node *node, size_t i)
{
    const fv_shape *shape = &node->param[0].shape;
    const size_t row = (size_t)(fv_shape_elements(shape) / shape->size[0]);
    if (weights_of(node) == ROWS)
        return i / row;
    /* [input channel][output channel of the group][rows][columns] */
    const fv_conv2d_transpose_options *options = node->options;
    const size_t groups = options->groups > 1 ? (size_t)options->groups : 1, rows = (size_t)shape->size[0],
                 columns = (size_t)shape->size[1];
    return i / row / (rows / groups) * columns + i % row / (row / columns);
}

static fv_status fold_values(const form *f, int32_t i, fvi_arena *arena)
{
    const fvi_node *node = &f->node[i], *norm = &f->node[f->place[i].folded];
    const fv_dtype dtype = fv_params_dtype(f->source);
    const size_t channels = (size_t)norm->in[0].c;
    int32_t count = 0;
    const int32_t first = fvi_graph_nodes(f->graph, &count)[f->place[i].made].first_param;
    const void *weight = fv_params_values(f->source, node->first_param),
               *bias = node->param_count > 1 ? fv_params_values(f->source, node->first_param + 1) : NULL;
    void *new_weight = fv_params_values(f->params, first), *new_bias = fv_params_values(f->params, first + 1);
    double *ab = fvi_arena_allocate(arena, 2 * channels * sizeof *ab);
    if (ab == NULL)
        return fvi_out_of_memory(f->context, "factors of a normalisation", 2 * channels * sizeof *ab);
    FV_TRY(factors(f, norm, arena, ab));
    for (size_t e = 0; e < (size_t)fv_shape_elements(&node->param[0].shape); e++)
        set(new_weight, dtype, e, get(weight, dtype, e) * ab[channel_of(node, e)]);
    for (size_t k = 0; k < channels; k++)
        set(new_bias, dtype, k, (bias != NULL ? get(bias, dtype, k) : 0) * ab[k] + ab[channels + k]);
    return FV_OK;
}

/* A network in 8 bits stays one. */
static fv_status copy_quantized(const form *f, int32_t i)
{
    if (f->node[i].quantized == NULL || f->place[i].folded != FV_NO_VALUE)
        return FV_OK;
    return fv_graph_set_quantized(f->graph, f->place[i].made, f->node[i].quantized);
}

static fv_status copy_values(const form *f)
{
    fvi_arena *arena = NULL;
    FV_TRY(fvi_arena_create(&arena, f->context, 1 << 14));
    fv_status status = FV_OK;
    int32_t count = 0;
    const fvi_node *made = fvi_graph_nodes(f->graph, &count);
    for (int32_t i = 0; status == FV_OK && i < f->count; i++) {
        if (f->place[i].fate == KEPT && f->place[i].folded != FV_NO_VALUE)
            status = fold_values(f, i, arena);
        else if (f->place[i].fate == KEPT)
            for (int32_t p = 0; p < f->node[i].param_count; p++)
                memcpy(fv_params_values(f->params, made[f->place[i].made].first_param + p),
                       fv_params_values(f->source, f->node[i].first_param + p),
                       (size_t)fv_shape_elements(&f->node[i].param[p].shape) *
                           fv_dtype_size(fv_params_dtype(f->source)));
        if (status == FV_OK && f->place[i].fate == KEPT)
            status = copy_quantized(f, i);
    }
    fvi_arena_destroy(arena);
    return status;
}

fv_status fv_inference_form(fv_graph **graph, fv_params **params, fv_params *source,
                            const fv_inference_form_options *options)
{
    const fv_inference_form_options none = { 0 };
    form f = { .options = options != NULL ? options : &none, .from = fv_params_graph(source), .source = source };
    *graph = NULL;
    *params = NULL;
    f.context = fv_graph_context(f.from);
    f.node = fvi_graph_nodes(f.from, &f.count);
    f.place = fvi_allocate_zeroed(f.context, (size_t)f.count, sizeof *f.place);
    int32_t *readers = fvi_allocate_zeroed(f.context, (size_t)f.count, sizeof *readers);
    fv_status status = f.place != NULL && readers != NULL ? FV_OK : fvi_out_of_memory(f.context, "fates of nodes", 0);
    if (status == FV_OK) {
        choose_fates(&f, readers);
        status = build(&f);
    }
    if (status == FV_OK)
        status = fv_params_create(&f.params, f.graph, fv_params_dtype(source));
    if (status == FV_OK)
        status = copy_values(&f);
    fvi_release(f.context, readers);
    fvi_release(f.context, f.place);
    if (status != FV_OK) {
        fv_params_destroy(f.params);
        fv_graph_destroy(f.graph);
        return status;
    }
    *graph = f.graph;
    *params = f.params;
    return FV_OK;
}
