/* SPDX-License-Identifier: Apache-2.0
 *
 * match.c - which tensor of a file is which parameter's, by name, and how its axes become the parameter's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "graph/graph_internal.h"
#include "interchange/weights/weights_internal.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(((const fvi_param_name *)a)->name, ((const fvi_param_name *)b)->name);
}

int32_t fvi_param_names_find(const fvi_param_names *params, const char *name)
{
    const fvi_param_name wanted = { .name = name };
    const fvi_param_name *found =
        bsearch(&wanted, params->sorted, (size_t)params->count, sizeof *params->sorted, by_name);
    return found != NULL ? found->index : -1;
}

/* The words that only Keras's layouts have, at the end of a name. */
static bool is_keras(const char *name)
{
    static const char *const words[] = {
        "kernel", "depthwise_kernel", "gamma", "beta", "moving_mean", "moving_variance"
    };
    const char *slash = strrchr(name, '/'), *point = strrchr(name, '.');
    const char *last = slash != NULL ? slash + 1 : point != NULL ? point + 1 : name;
    const size_t length = strcspn(last, ":");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == length && memcmp(words[i], last, length) == 0)
            return true;
    return false;
}

static fv_weights_layout find_layout(const fv_weights *weights)
{
    for (int32_t i = 0; i < weights->count; i++)
        if (is_keras(weights->tensors[i].name))
            return FV_LAYOUT_KERAS;
    return FV_LAYOUT_TORCH;
}

/* The parameter of a tensor's name in Keras's words, with or without what stands before its first points: "sequential/conv1/kernel". */
static int32_t find_keras(const fvi_matching *m, const char *name)
{
    char words[FVI_WEIGHTS_NAME], other[FVI_WEIGHTS_NAME];
    if (!fvi_names_of_keras(name, words))
        return -1;
    for (const char *at = words; at != NULL; at = strchr(at, '.')) {
        at += *at == '.';
        const int32_t found = fvi_param_names_find(&m->names, at);
        if (found >= 0)
            return found;
    }
    return fvi_names_translate(&m->names, words, other) ? fvi_param_names_find(&m->names, other) : -1;
}

static int32_t find_parameter(fvi_matching *m, const char *name)
{
    char other[FVI_WEIGHTS_NAME];
    const int32_t same = fvi_param_names_find(&m->names, name);
    if (same >= 0)
        return same;
    int32_t found = m->layout == FV_LAYOUT_KERAS ? find_keras(m, name) : -1;
    if (found < 0 && fvi_names_translate(&m->names, name, other))
        found = fvi_param_names_find(&m->names, other);
    m->renamed = m->renamed || found >= 0;
    return found;
}

static bool any_found(const fvi_matching *m)
{
    for (int32_t i = 0; i < m->names.count; i++)
        if (m->match[i].tensor >= 0)
            return true;
    return false;
}

/* Own names go first: "bn1" may be what another program calls "features.0.1". */
static void match_names(fvi_matching *m)
{
    for (int pass = 0; pass < 2; pass++)
        for (int32_t i = 0; i < m->weights->count; i++) {
            const char *name = m->weights->tensors[i].name;
            const int32_t found = m->used[i]  ? -1
                                  : pass == 0 ? fvi_param_names_find(&m->names, name)
                                              : find_parameter(m, name);
            if (found < 0 || m->match[found].tensor >= 0)
                continue;
            m->match[found].tensor = i;
            m->used[i] = true;
        }
}

/* What was flattened before a node that reads vectors: the image of as many elements that its input was; the input itself where it
 * is an image or comes from a layer with weights of its own. */
static fv_image_shape flattened(const fvi_node *nodes, const fvi_node *node)
{
    fv_image_shape shape = node->in[0];
    while (shape.h == 1 && shape.w == 1 && node->input_count == 1) {
        node = &nodes[node->inputs[0]];
        const bool keeps_order = node->param_count == 0 || node->param[0].shape.rank == 1;
        if (node->layer->is_input || !keeps_order || node->input_count != 1)
            break;
        const fv_image_shape before = node->in[0];
        if ((int64_t)before.c * before.h * before.w != (int64_t)shape.c)
            break;
        shape = before;
    }
    return shape;
}

static bool is_size(const fv_shape *shape, int32_t rank, int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t wanted[4] = { a, b, c, d };
    for (int32_t i = 0; i < rank; i++)
        if (shape->rank != rank || shape->size[i] != wanted[i])
            return false;
    return shape->rank == rank;
}

static bool same_shape(const fv_shape *a, const fv_shape *b)
{
    return is_size(a, b->rank, b->size[0], b->size[1], b->size[2], b->size[3]) && b->rank <= 4;
}

/* A dense layer is a convolution of the size of its input: the numbers lie in the same order. */
static bool same_rows(const fv_shape *a, const fv_shape *b)
{
    const bool ranks = (a->rank == 2 && b->rank == 4) || (a->rank == 4 && b->rank == 2);
    return ranks && a->size[0] == b->size[0] && fv_shape_elements(a) == fv_shape_elements(b);
}

static bool fit_keras(fvi_match *match, const fv_shape *param, const fv_shape *stored)
{
    const int64_t *p = param->size;
    const bool image = match->image.h > 1 || match->image.w > 1;
    if (param->rank == 1 && same_shape(param, stored)) {
        match->axes = image ? FVI_AXES_FEATURES : FVI_AXES_SAME;
        return true;
    }
    if (param->rank == 4 && is_size(stored, 4, p[2], p[3], p[1], p[0])) {
        match->axes = FVI_AXES_HWIO;
        return true;
    }
    if (param->rank == 4 && p[1] == 1 && stored->rank == 4 && stored->size[0] == p[2] && stored->size[1] == p[3] &&
        stored->size[2] > 0 && p[0] % stored->size[2] == 0 && stored->size[3] == p[0] / stored->size[2]) {
        match->axes = FVI_AXES_DEPTHWISE;
        return true;
    }
    const bool dense = param->rank == 2 || (param->rank == 4 && p[2] == 1 && p[3] == 1);
    match->axes = FVI_AXES_DENSE;
    return dense && is_size(stored, 2, p[1], p[0], 0, 0);
}

static void fit(fvi_matching *m, int32_t index)
{
    int32_t count = 0;
    fvi_match *match = &m->match[index];
    const fv_param_info info = fv_params_info(m->params, index);
    const fvi_node *nodes = fvi_graph_nodes(fv_params_graph(m->params), &count), *node = &nodes[info.node];
    match->fits = false;
    match->axes = FVI_AXES_SAME;
    if (match->tensor < 0)
        return;
    const fv_shape *stored = &m->weights->tensors[match->tensor].shape;
    /* A bias is one for each unit whatever was flattened; the vectors of a normalisation, and prelu's, go by the input. */
    match->image =
        info.shape.rank == 2 || node->param[0].shape.rank == 1 ? flattened(nodes, node) : (fv_image_shape){ 1, 1, 1 };
    if (info.shape.rank == 1 && (int64_t)match->image.c * match->image.h * match->image.w != info.elements)
        match->image = (fv_image_shape){ 1, 1, 1 };
    match->fits = m->layout == FV_LAYOUT_KERAS ? fit_keras(match, &info.shape, stored)
                                               : same_shape(&info.shape, stored) || same_rows(&info.shape, stored);
}

static bool fit_all(fvi_matching *m)
{
    bool all = true;
    for (int32_t i = 0; i < m->names.count; i++) {
        fit(m, i);
        all = all && (m->match[i].fits || m->match[i].head);
    }
    return all;
}

/* Names like arr_0 do not tell the order of axes: the shapes do, unless they fit both. */
static fv_status choose_layout(fvi_matching *m)
{
    m->layout = FV_LAYOUT_KERAS;
    const bool keras = fit_all(m);
    m->layout = FV_LAYOUT_TORCH;
    if (keras && fit_all(m))
        return fvi_fail(m->weights->context, FV_ERR_ARGUMENT,
                        "'%s': its names do not tell whether its axes are in the order of PyTorch or of Keras, and its "
                        "shapes fit both; say which (model.layout: torch or keras)",
                        m->weights->path);
    m->layout = keras ? FV_LAYOUT_KERAS : FV_LAYOUT_TORCH;
    return FV_OK;
}

static void mark_heads(fvi_matching *m, const bool *heads)
{
    for (int32_t i = 0; i < m->names.count; i++) {
        const fv_value node = fv_params_info(m->params, i).node;
        m->match[i].head = heads[node] || fv_graph_node(fv_params_graph(m->params), node).auxiliary;
    }
}

static fv_status make_room(fvi_matching *m, bool **heads)
{
    const size_t params = (size_t)m->names.count, tensors = (size_t)m->weights->count;
    const size_t nodes = (size_t)fv_graph_node_count(fv_params_graph(m->params));
    m->names.sorted = fvi_arena_allocate(m->arena, params * sizeof *m->names.sorted + 1);
    m->match = fvi_arena_allocate(m->arena, params * sizeof *m->match + 1);
    m->used = fvi_arena_allocate(m->arena, tensors * sizeof *m->used + 1);
    *heads = fvi_arena_allocate(m->arena, nodes * sizeof **heads + 1);
    if (m->names.sorted == NULL || m->match == NULL || m->used == NULL || *heads == NULL)
        return fvi_out_of_memory(m->weights->context, "a list of parameters", 0);
    return FV_OK;
}

fv_status fvi_weights_match(fvi_matching *matching, const fv_params *params, const fv_weights *weights,
                            fv_weights_layout layout, fvi_arena *arena)
{
    fvi_matching *m = matching;
    bool *heads = NULL;
    *m = (fvi_matching){ .params = params,
                         .weights = weights,
                         .arena = arena,
                         .names = { .count = fv_params_count(params) },
                         .layout = layout != FV_LAYOUT_AUTO ? layout : find_layout(weights) };
    FV_TRY(make_room(m, &heads));
    for (int32_t i = 0; i < m->names.count; i++) {
        m->names.sorted[i] = (fvi_param_name){ fv_params_info(params, i).name, i };
        m->match[i] = (fvi_match){ .tensor = -1 };
    }
    qsort(m->names.sorted, (size_t)m->names.count, sizeof *m->names.sorted, by_name);
    fvi_graph_heads(fv_params_graph(params), heads);
    mark_heads(m, heads);
    match_names(m);
    if (!any_found(m))
        FV_TRY(fvi_weights_match_order(m));
    if (m->by_order && layout == FV_LAYOUT_AUTO && m->layout == FV_LAYOUT_TORCH)
        FV_TRY(choose_layout(m));
    fit_all(m);
    return FV_OK;
}
