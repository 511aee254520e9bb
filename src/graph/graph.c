/* SPDX-License-Identifier: Apache-2.0
 *
 * graph.c - building a graph node by node, and looking at it.
 * Nodes are checked and their shapes inferred when they are added; fv_graph_finish() makes the checks that need the
 * whole. A node that is refused leaves nothing behind: everything is checked on temporaries before the graph is
 * touched.
 */
#include <stdio.h>
#include <string.h>

#include "graph/graph_internal.h"
#include "graph/name_index.h"

enum { MAX_NAME = 200, INPUTS_ON_STACK = 16, ARENA_BLOCK = 16384 };

struct fv_graph {
    fv_context *context;
    fvi_arena *arena; /* names, options, inputs and shapes of nodes */
    const char *name;
    fvi_node *nodes;
    fvi_name_index names;
    size_t capacity;
    int32_t count, param_count;
    int64_t parameters, multiply_adds; /* of all nodes; once finished without the auxiliary ones */
    int64_t training_parameters;       /* of all nodes */
    fv_value input, output;
    bool finished, quantized;
};

/* A node that is being checked: nothing of it is in the graph yet. */
typedef struct candidate {
    const fvi_layer *layer;
    char name[MAX_NAME + 1];
    const fv_value *inputs;
    int32_t input_count;
    const void *options; /* the caller's, or zeros */
    void *zeros;         /* owned */
    fv_image_shape *in;  /* [input_count]: on_stack or owned */
    fv_image_shape on_stack[INPUTS_ON_STACK];
    fv_receptive_field *fields, fields_on_stack[INPUTS_ON_STACK]; /* likewise */
    fvi_infer infer;
} candidate;

fv_status fv_graph_create(fv_graph **out, fv_context *context, const char *name)
{
    *out = NULL;
    fv_graph *graph = fvi_allocate_zeroed(context, 1, sizeof *graph);
    if (graph == NULL)
        return fvi_out_of_memory(context, "graph", sizeof *graph);
    graph->context = context;
    graph->input = graph->output = FV_NO_VALUE;
    fv_status status = fvi_arena_create(&graph->arena, context, ARENA_BLOCK);
    if (status == FV_OK) {
        graph->name = fvi_arena_text(graph->arena, name != NULL ? name : "graph");
        if (graph->name == NULL)
            status = fvi_out_of_memory(context, "name of a graph", strlen(name != NULL ? name : "graph") + 1);
    }
    if (status != FV_OK) {
        fv_graph_destroy(graph);
        return status;
    }
    *out = graph;
    return FV_OK;
}

void fv_graph_destroy(fv_graph *graph)
{
    if (graph == NULL)
        return;
    fvi_arena_destroy(graph->arena);
    fvi_name_index_release(&graph->names, graph->context);
    fvi_release(graph->context, graph->nodes);
    fvi_release(graph->context, graph);
}

static bool name_taken(const fv_graph *graph, const char *name)
{
    return fvi_name_index_find(&graph->names, graph->nodes, name) >= 0;
}

static fv_status check_name(const fv_graph *graph, const fvi_layer *layer, const char *name)
{
    const size_t length = strlen(name);
    if (length == 0 || length > MAX_NAME)
        return fvi_fail(graph->context, FV_ERR_ARGUMENT, "%s: a name of %zu bytes; give it 1 to %d", layer->name,
                        length, MAX_NAME);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return fvi_fail(graph->context, FV_ERR_ARGUMENT, "%s: byte %zu of its name is a control character (0x%02x)",
                            layer->name, i, (unsigned)(unsigned char)name[i]);
    if (name_taken(graph, name))
        return fvi_fail(graph->context, FV_ERR_ARGUMENT,
                        "%s '%s': graph '%s' has a node of that name already; names are unique", layer->name, name,
                        graph->name);
    return FV_OK;
}

/* "<type><number>": the smallest number from 1 on that is free. */
static void default_name(const fv_graph *graph, const fvi_layer *layer, char *name)
{
    int32_t number = 1;
    for (int32_t i = 0; i < graph->count; i++)
        number += graph->nodes[i].layer == layer;
    do
        snprintf(name, MAX_NAME + 1, "%s%d", layer->name, number++);
    while (name_taken(graph, name));
}

static fv_status find_layer(const fv_graph *graph, const char *type, const fvi_layer **layer)
{
    *layer = fvi_layer_find_in(graph->context, type);
    if (*layer != NULL)
        return FV_OK;
    const fvi_layer *nearest = fvi_layer_nearest(type);
    if (nearest != NULL)
        return fvi_fail(graph->context, FV_ERR_ARGUMENT, "no layer type '%s'; did you mean '%s'?", type, nearest->name);
    return fvi_fail(graph->context, FV_ERR_ARGUMENT, "no layer type '%s'; fv_layer_type_name() lists them", type);
}

static fv_status choose_name(const fv_graph *graph, candidate *node)
{
    const char *given = NULL; /* every options struct begins with its name */
    memcpy(&given, node->options, sizeof given);
    if (given == NULL) {
        default_name(graph, node->layer, node->name);
        return FV_OK;
    }
    FV_TRY(check_name(graph, node->layer, given));
    snprintf(node->name, sizeof node->name, "%s", given);
    return FV_OK;
}

static fv_status check_inputs(const fv_graph *graph, candidate *node)
{
    const fvi_layer *layer = node->layer;
    for (int32_t i = 0; i < node->input_count; i++) {
        const fv_value value = node->inputs[i];
        if (value < 0 || value >= graph->count)
            return fvi_fail(graph->context, FV_ERR_ARGUMENT,
                            "%s '%s': input %d is value %d, but graph '%s' has values 0 to %d", layer->name, node->name,
                            i, value, graph->name, graph->count - 1);
        if (graph->nodes[value].layer->is_loss)
            return fvi_fail(graph->context, FV_ERR_ARGUMENT,
                            "%s '%s': input %d is the loss '%s', which has no output to read", layer->name, node->name,
                            i, graph->nodes[value].name);
        node->in[i] = graph->nodes[value].out;
        node->fields[i] = graph->nodes[value].field;
    }
    return FV_OK;
}

static fv_status infer_node(const fv_graph *graph, candidate *node)
{
    node->infer = (fvi_infer){
        .context = graph->context,
        .name = node->name,
        .options = node->options,
        .in = node->in,
        .input_count = node->input_count,
    };
    return fvi_layer_infer(node->layer, &node->infer);
}

static fv_status check_candidate(const fv_graph *graph, candidate *node)
{
    FV_TRY(choose_name(graph, node));
    FV_TRY(check_inputs(graph, node));
    return infer_node(graph, node);
}

static int64_t trainable_values(const fvi_node *node)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < node->param_count; i++)
        if (node->param[i].trained || node->param[i].frozen)
            sum += fv_shape_elements(&node->param[i].shape);
    return sum;
}

/* Copies a checked candidate into the graph. The node counts only once everything of it is there. */
static fv_status commit(fv_graph *graph, const candidate *node)
{
    const size_t count = (size_t)node->input_count, params = (size_t)node->infer.param_count;
    const size_t bytes = node->layer->options_size + count * (sizeof(fv_value) + sizeof(fv_image_shape));
    FV_TRY(fvi_grow(graph->context, (void **)&graph->nodes, &graph->capacity, (size_t)graph->count,
                    (size_t)graph->count + 1, sizeof *graph->nodes));
    FV_TRY(fvi_name_index_reserve(&graph->names, graph->context, graph->nodes, (size_t)graph->count + 1));
    char *name = fvi_arena_text(graph->arena, node->name);
    char *options = fvi_arena_allocate(graph->arena, node->layer->options_size);
    fv_value *inputs = fvi_arena_allocate(graph->arena, count * sizeof *inputs + 1); /* + 1: none is legal */
    fv_image_shape *in = fvi_arena_allocate(graph->arena, count * sizeof *in + 1);
    fvi_declared_param *param = fvi_arena_allocate(graph->arena, params * sizeof *param + 1);
    if (name == NULL || options == NULL || inputs == NULL || in == NULL || param == NULL)
        return fvi_out_of_memory(graph->context, "graph node", bytes);
    memcpy(options, node->options, node->layer->options_size);
    memcpy(options, &name, sizeof name);
    FV_TRY(fvi_layer_copy_lists(node->layer, graph->context, graph->arena, options));
    if (count > 0) {
        memcpy(inputs, node->inputs, count * sizeof *inputs);
        memcpy(in, node->in, count * sizeof *in);
    }
    if (params > 0)
        memcpy(param, node->infer.param, params * sizeof *param);
    graph->nodes[graph->count] = (fvi_node){
        .layer = node->layer,
        .name = name,
        .options = options,
        .inputs = inputs,
        .input_count = node->input_count,
        .in = in,
        .out = node->infer.out,
        .multiply_adds = node->infer.multiply_adds,
        .field = fvi_field_of(&node->infer.reach, node->in, node->fields, node->input_count),
        .param = param,
        .param_count = node->infer.param_count,
        .first_param = graph->param_count,
    };
    fvi_name_index_add(&graph->names, graph->nodes, graph->count);
    graph->count++;
    graph->param_count += node->infer.param_count;
    graph->multiply_adds += node->infer.multiply_adds;
    graph->parameters += trainable_values(&graph->nodes[graph->count - 1]);
    graph->training_parameters = graph->parameters;
    return FV_OK;
}

/* Memory for a candidate whose inputs or options do not fit into it. */
static fv_status prepare_candidate(const fv_graph *graph, candidate *node, const void *options)
{
    node->in = node->on_stack;
    node->fields = node->fields_on_stack;
    if (node->input_count > INPUTS_ON_STACK) {
        node->in = fvi_allocate_zeroed(graph->context, (size_t)node->input_count, sizeof *node->in);
        node->fields = fvi_allocate_zeroed(graph->context, (size_t)node->input_count, sizeof *node->fields);
    }
    node->options = options;
    if (options == NULL)
        node->options = node->zeros = fvi_allocate_zeroed(graph->context, 1, node->layer->options_size);
    if (node->in == NULL || node->fields == NULL || node->options == NULL)
        return fvi_out_of_memory(graph->context, "graph node", node->layer->options_size);
    return FV_OK;
}

static void discard_candidate(const fv_graph *graph, candidate *node)
{
    fvi_release(graph->context, node->zeros);
    if (node->in != node->on_stack)
        fvi_release(graph->context, node->in);
    if (node->fields != node->fields_on_stack)
        fvi_release(graph->context, node->fields);
}

fv_status fv_graph_add(fv_graph *graph, const char *type, const fv_value *inputs, int32_t input_count,
                       const void *options, fv_value *out)
{
    *out = FV_NO_VALUE;
    if (graph->finished)
        return fvi_fail(graph->context, FV_ERR_STATE, "graph '%s' is finished: a %s cannot be added", graph->name,
                        type);
    candidate node = { .inputs = inputs, .input_count = input_count };
    FV_TRY(find_layer(graph, type, &node.layer));
    if (input_count < 0)
        return fvi_fail(graph->context, FV_ERR_ARGUMENT, "%s: %d inputs", type, input_count);
    fv_status status = prepare_candidate(graph, &node, options);
    if (status == FV_OK)
        status = check_candidate(graph, &node);
    if (status == FV_OK)
        status = commit(graph, &node);
    discard_candidate(graph, &node);
    if (status == FV_OK)
        *out = graph->count - 1;
    return status;
}

static fv_status check_finished_input(fv_graph *graph)
{
    graph->input = FV_NO_VALUE;
    for (int32_t i = 0; i < graph->count; i++) {
        if (!graph->nodes[i].layer->is_input)
            continue;
        if (graph->input != FV_NO_VALUE)
            return fvi_fail(graph->context, FV_ERR_ARGUMENT, "graph '%s' has two inputs, '%s' and '%s'; it takes one",
                            graph->name, graph->nodes[graph->input].name, graph->nodes[i].name);
        graph->input = i;
    }
    if (graph->input == FV_NO_VALUE)
        return fvi_fail(graph->context, FV_ERR_ARGUMENT, "graph '%s' has no input", graph->name);
    return FV_OK;
}

static fv_status check_consumers(const fv_graph *graph, fv_value output)
{
    bool *used = fvi_allocate_zeroed(graph->context, (size_t)graph->count, sizeof *used);
    if (used == NULL)
        return fvi_out_of_memory(graph->context, "marks of values", (size_t)graph->count * sizeof *used);
    fv_value unread = FV_NO_VALUE;
    for (int32_t i = 0; i < graph->count; i++)
        for (int32_t j = 0; j < graph->nodes[i].input_count; j++)
            used[graph->nodes[i].inputs[j]] = true;
    for (fv_value value = graph->count - 1; value >= 0; value--)
        if (!used[value] && value != output && !graph->nodes[value].layer->is_loss)
            unread = value;
    fvi_release(graph->context, used);
    if (unread == FV_NO_VALUE)
        return FV_OK;
    return fvi_fail(graph->context, FV_ERR_ARGUMENT,
                    "graph '%s': nothing reads %s '%s', and it is neither the output nor a loss", graph->name,
                    graph->nodes[unread].layer->name, graph->nodes[unread].name);
}

/* A node is auxiliary when the output does not depend on it; a loss, when it reads such a node. */
static void mark_auxiliary(fv_graph *graph, fv_value output)
{
    for (fv_value value = 0; value < graph->count; value++)
        graph->nodes[value].auxiliary = value != output;
    for (fv_value value = output; value >= 0; value--)
        for (int32_t j = 0; !graph->nodes[value].auxiliary && j < graph->nodes[value].input_count; j++)
            graph->nodes[graph->nodes[value].inputs[j]].auxiliary = false;
    for (fv_value value = 0; value < graph->count; value++) {
        fvi_node *node = &graph->nodes[value];
        if (node->layer->is_loss) {
            node->auxiliary = false;
            for (int32_t j = 0; j < node->input_count; j++)
                node->auxiliary = node->auxiliary || graph->nodes[node->inputs[j]].auxiliary;
        }
        if (node->auxiliary) {
            graph->parameters -= trainable_values(node);
            graph->multiply_adds -= node->multiply_adds;
        }
    }
}

fv_status fv_graph_finish(fv_graph *graph, fv_value output)
{
    if (graph->finished)
        return fvi_fail(graph->context, FV_ERR_STATE, "graph '%s' is finished already", graph->name);
    FV_TRY(check_finished_input(graph));
    if (output < 0 || output >= graph->count || graph->nodes[output].layer->is_loss)
        return fvi_fail(graph->context, FV_ERR_ARGUMENT, "graph '%s': its output is value %d, which is %s", graph->name,
                        output,
                        output < 0 || output >= graph->count ? "none of its values" : "a loss; give the class scores");
    FV_TRY(check_consumers(graph, output));
    mark_auxiliary(graph, output);
    graph->output = output;
    graph->finished = true;
    return FV_OK;
}

const fvi_node *fvi_graph_nodes(const fv_graph *graph, int32_t *count)
{
    *count = graph->count;
    return graph->nodes;
}

fvi_node *fvi_graph_nodes_to_freeze(fv_graph *graph, int32_t *count)
{
    *count = graph->count;
    return graph->nodes;
}

bool fvi_graph_finished(const fv_graph *graph)
{
    return graph->finished;
}

int32_t fvi_graph_param_count(const fv_graph *graph)
{
    return graph->param_count;
}

fv_node_info fv_graph_node(const fv_graph *graph, fv_value node)
{
    if (node < 0 || node >= graph->count)
        return (fv_node_info){ 0 };
    const fvi_node *found = &graph->nodes[node];
    const fv_node_info info = {
        .name = found->name,
        .type = found->layer->name,
        .output = found->out,
        .inputs = found->inputs,
        .input_count = found->input_count,
        .multiply_adds = found->multiply_adds,
        .parameters = trainable_values(found),
        .field = found->field,
        .loss = found->layer->is_loss,
        .auxiliary = found->auxiliary,
    };
    return info;
}

const char *fv_graph_name(const fv_graph *graph)
{
    return graph->name;
}

int32_t fv_graph_node_count(const fv_graph *graph)
{
    return graph->count;
}

fv_value fv_graph_output(const fv_graph *graph)
{
    return graph->output;
}

fv_value fv_graph_input(const fv_graph *graph)
{
    return graph->input;
}

int64_t fv_graph_parameters(const fv_graph *graph)
{
    return graph->parameters;
}

int64_t fv_graph_training_parameters(const fv_graph *graph)
{
    return graph->training_parameters;
}

int64_t fv_graph_multiply_adds(const fv_graph *graph)
{
    return graph->multiply_adds;
}

fv_context *fv_graph_context(const fv_graph *graph)
{
    return graph->context;
}

int32_t fv_layer_type_count(void)
{
    int32_t count = 0;
    while (fvi_layers[count] != NULL)
        count++;
    return count;
}

const char *fv_layer_type_name(int32_t index)
{
    return index >= 0 && index < fv_layer_type_count() ? fvi_layers[index]->name : NULL;
}

bool fv_graph_is_quantized(const fv_graph *graph)
{
    return graph->quantized;
}

fv_quantized fv_graph_quantized(const fv_graph *graph, fv_value node)
{
    const bool known = node >= 0 && node < graph->count && graph->nodes[node].quantized != NULL;
    return known ? *graph->nodes[node].quantized : (fv_quantized){ 0 };
}

static bool is_scale(float scale)
{
    return scale >= 1e-30f && scale <= 1e30f;
}

static fv_status check_weight_scales(const fv_graph *graph, const fvi_node *node, const fv_quantized *quantized)
{
    if (!node->layer->takes_int8 || node->param_count < 1 || node->param[0].shape.size[0] != quantized->outputs)
        return fvi_fail(graph->context, FV_ERR_ARGUMENT, "%s '%s': scales of %d outputs' weights, where %s has %lld",
                        node->layer->name, node->name, quantized->outputs,
                        node->layer->takes_int8 ? "it" : "a layer without weights in 8 bits",
                        node->param_count > 0 ? (long long)node->param[0].shape.size[0] : 0);
    for (int32_t k = 0; k < quantized->outputs; k++)
        if (!is_scale(quantized->weight_scale[k]))
            return fvi_fail(graph->context, FV_ERR_ARGUMENT,
                            "%s '%s': the scale of output %d's weights is %g, not from 1e-30 to 1e30",
                            node->layer->name, node->name, k, (double)quantized->weight_scale[k]);
    return FV_OK;
}

static fv_status check_quantized(const fv_graph *graph, fv_value value, const fv_quantized *quantized)
{
    if (!graph->finished || value < 0 || value >= graph->count)
        return fvi_fail(graph->context, FV_ERR_ARGUMENT, "graph '%s': value %d of %d, %s, cannot be quantised",
                        graph->name, value, graph->count, graph->finished ? "which does not exist" : "not finished");
    const fvi_node *node = &graph->nodes[value];
    const float scale = quantized->scale;
    if (scale != 0 && (!is_scale(scale) || quantized->zero_point < 0 || quantized->zero_point > 255))
        return fvi_fail(graph->context, FV_ERR_ARGUMENT,
                        "%s '%s': scale %g must be from 1e-30 to 1e30, zero point %d from 0 to 255", node->layer->name,
                        node->name, (double)scale, quantized->zero_point);
    return quantized->weight_scale != NULL ? check_weight_scales(graph, node, quantized) : FV_OK;
}

fv_status fv_graph_set_quantized(fv_graph *graph, fv_value node, const fv_quantized *quantized)
{
    FV_TRY(check_quantized(graph, node, quantized));
    const size_t outputs = quantized->weight_scale != NULL ? (size_t)quantized->outputs : 0;
    fv_quantized *kept = fvi_arena_allocate(graph->arena, sizeof *kept);
    float *scales = fvi_arena_allocate(graph->arena, outputs * sizeof *scales + 1);
    if (kept == NULL || scales == NULL)
        return fvi_out_of_memory(graph->context, "scales of a node", outputs * sizeof *scales);
    *kept = *quantized;
    kept->outputs = (int32_t)outputs;
    kept->weight_scale = outputs > 0 ? memcpy(scales, quantized->weight_scale, outputs * sizeof *scales) : NULL;
    graph->nodes[node].quantized = kept;
    graph->quantized = true;
    return FV_OK;
}
