/* SPDX-License-Identifier: Apache-2.0
 *
 * dot.c - a graph as a drawing in Graphviz's language.
 * Forward: a box per node, with its type, attributes' gist, shape and parameters; arrows are values. inside: a layer that computes in stages
 * (fvi_layer.inside) becomes a frame with a box per stage. backward: a box per gradient that a step computes, arrows as gradients
 * flow, and a dotted arrow from what forward keeps for it.
 */
#include <stdio.h>
#include <string.h>

#include "base/text_buffer.h"
#include "graph/graph_internal.h"

enum { MOST_STAGES = 16, BOX_NAME = 32 };

typedef struct drawing {
    const fv_graph *graph;
    const fvi_node *nodes;
    int32_t count;
    fv_dot_options options;
    fvi_text_buffer text;
    bool *differentiated; /* [count]: a loss depends on the node's output, which depends on something that is trained */
} drawing;

/* Inside a quoted text. */
static void put_escaped(drawing *d, const char *text)
{
    for (; *text != '\0'; text++)
        fvi_text_format(&d->text, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
}

static bool opens(const drawing *d, int32_t index)
{
    return d->options.inside && d->nodes[index].layer->inside != NULL;
}

static int32_t count_stages(const fvi_layer *layer)
{
    int32_t count = 0;
    while (count < MOST_STAGES && layer->inside[count].name != NULL)
        count++;
    return count;
}

static const char *color_of(const fvi_node *node)
{
    if (node->layer->is_loss)
        return "#f4cccc";
    if (node->layer->is_input)
        return "#d9ead3";
    return node->param_count > 0 ? "#cfe2f3" : "#f3f3f3";
}

static int64_t parameters_of(const drawing *d, int32_t index)
{
    return fv_graph_node(d->graph, index).parameters;
}

/* The kernel and the stride of what has them, by the attribute table: "5x5", "3x3/2". */
static void put_window(drawing *d, const fvi_node *node)
{
    const int32_t *kernel = NULL, *stride = NULL;
    for (const fvi_attribute *attribute = node->layer->attributes; attribute != NULL && attribute->name != NULL;
         attribute++) {
        const void *place = (const char *)node->options + attribute->offset;
        if (attribute->type == FVI_ATTRIBUTE_INT && attribute->count == 2 && strcmp(attribute->name, "kernel") == 0)
            kernel = place;
        if (attribute->type == FVI_ATTRIBUTE_INT && attribute->count == 2 && strcmp(attribute->name, "stride") == 0)
            stride = place;
    }
    if (kernel != NULL)
        fvi_text_format(&d->text, " %dx%d", kernel[0] > 0 ? (int)kernel[0] : 1, kernel[1] > 0 ? (int)kernel[1] : 1);
    if (stride != NULL && (stride[0] > 1 || stride[1] > 1))
        fvi_text_format(&d->text, stride[0] == stride[1] ? "/%d" : "/%dx%d", (int)stride[0], (int)stride[1]);
}

static void put_label(drawing *d, int32_t index)
{
    const fvi_node *node = &d->nodes[index];
    put_escaped(d, node->name);
    fvi_text_format(&d->text, "\\n%s", node->layer->name);
    put_window(d, node);
    if (!node->layer->is_loss)
        fvi_text_format(&d->text, "\\n%dx%dx%d", (int)node->out.c, (int)node->out.h, (int)node->out.w);
    if (parameters_of(d, index) > 0)
        fvi_text_format(&d->text, "\\n%lld parameters", (long long)parameters_of(d, index));
}

/* n7s1, n7s2, ... and for the last n7, which readers of the node's output refer to. */
static void name_stage(int32_t index, int32_t stage, int32_t count, char name[BOX_NAME])
{
    if (stage + 1 < count)
        snprintf(name, BOX_NAME, "n%ds%d", (int)index, (int)stage + 1);
    else
        snprintf(name, BOX_NAME, "n%d", (int)index);
}

/* A frame with a box per stage; the last one stands for the node's output. */
static void put_stages(drawing *d, int32_t index)
{
    const fvi_node *node = &d->nodes[index];
    const fvi_stage *stages = node->layer->inside;
    const int32_t count = count_stages(node->layer);
    fvi_text_format(&d->text, "  subgraph cluster_%d {\n    style=\"rounded\"; color=\"#999999\"; label=\"",
                    (int)index);
    put_label(d, index);
    fvi_text_append(&d->text, "\";\n");
    for (int32_t i = 0; i < count; i++) {
        char box[BOX_NAME];
        name_stage(index, i, count, box);
        fvi_text_format(&d->text, "    %s [fillcolor=\"%s\", label=\"%s\\n", box, color_of(node), stages[i].name);
        put_escaped(d, stages[i].formula);
        fvi_text_append(&d->text, "\"];\n");
    }
    fvi_text_append(&d->text, "  }\n");
}

static void put_box(drawing *d, int32_t index)
{
    if (opens(d, index)) {
        put_stages(d, index);
        return;
    }
    const fvi_node *node = &d->nodes[index];
    fvi_text_format(&d->text, "  n%d [fillcolor=\"%s\"%s, label=\"", (int)index, color_of(node),
                    node->auxiliary                      ? ", style=\"rounded,filled,dashed\""
                    : index == fv_graph_output(d->graph) ? ", penwidth=2"
                                                         : "");
    put_label(d, index);
    fvi_text_append(&d->text, "\"];\n");
}

static bool reads(const fvi_stage *stage, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = stage->reads; *at != '\0'; at += strspn(at, " ")) {
        const size_t span = strcspn(at, " ");
        if (span == length && memcmp(at, word, length) == 0)
            return true;
        at += span;
    }
    return false;
}

/* Arrows between the stages, and from what the node reads to those that read it. */
static void put_inner_arrows(drawing *d, int32_t index)
{
    const fvi_node *node = &d->nodes[index];
    const fvi_stage *stages = node->layer->inside;
    const int32_t count = count_stages(node->layer);
    for (int32_t i = 0; i < count; i++) {
        char from[BOX_NAME], to[BOX_NAME];
        name_stage(index, i, count, to);
        if (reads(&stages[i], "x"))
            for (int32_t j = 0; j < node->input_count; j++)
                fvi_text_format(&d->text, "  n%d -> %s;\n", (int)node->inputs[j], to);
        for (int32_t j = 0; j < i; j++)
            if (reads(&stages[i], stages[j].name)) {
                name_stage(index, j, count, from);
                fvi_text_format(&d->text, "  %s -> %s;\n", from, to);
            }
    }
}

static void put_arrows(drawing *d, int32_t index)
{
    if (opens(d, index)) {
        put_inner_arrows(d, index);
        return;
    }
    for (int32_t j = 0; j < d->nodes[index].input_count; j++)
        fvi_text_format(&d->text, "  n%d -> n%d;\n", (int)d->nodes[index].inputs[j], (int)index);
}

static bool is_trained(const fvi_node *node)
{
    for (int32_t i = 0; i < node->param_count; i++)
        if (node->param[i].trained)
            return true;
    return false;
}

static fv_status find_differentiated(drawing *d)
{
    d->differentiated = fvi_allocate_zeroed(fv_graph_context(d->graph), (size_t)d->count, sizeof *d->differentiated);
    bool *leads = fvi_allocate_zeroed(fv_graph_context(d->graph), (size_t)d->count, sizeof *leads); /* to a loss */
    if (d->differentiated == NULL || leads == NULL) {
        fvi_release(fv_graph_context(d->graph), leads);
        return fvi_out_of_memory(fv_graph_context(d->graph), "drawing", (size_t)d->count);
    }
    for (int32_t i = d->count - 1; i >= 0; i--)
        for (int32_t j = 0; j < d->nodes[i].input_count; j++)
            if (leads[i] || d->nodes[i].layer->is_loss)
                leads[d->nodes[i].inputs[j]] = true;
    for (int32_t i = 0; i < d->count; i++) {
        bool trained = is_trained(&d->nodes[i]);
        for (int32_t j = 0; j < d->nodes[i].input_count; j++)
            trained = trained || d->differentiated[d->nodes[i].inputs[j]];
        d->differentiated[i] = trained;
    }
    for (int32_t i = 0; i < d->count; i++)
        d->differentiated[i] = d->differentiated[i] && leads[i];
    fvi_release(fv_graph_context(d->graph), leads);
    return FV_OK;
}

/* The step backward through a node: it gets the gradient of its output (a loss: none), and gives those of its inputs and parameters. */
static void put_backward(drawing *d, int32_t index)
{
    const fvi_node *node = &d->nodes[index];
    const char *line = "style=dotted, color=\"#999999\", constraint=false, arrowsize=0.6";
    fvi_text_format(&d->text, "  g%d [fillcolor=\"#fff2cc\", label=\"backward of ", (int)index);
    put_escaped(d, node->name);
    for (int32_t i = 0; i < node->param_count; i++)
        if (node->param[i].trained)
            fvi_text_format(&d->text, "\\nd %s", node->param[i].suffix);
    fvi_text_append(&d->text, "\"];\n");
    for (int32_t j = 0; j < node->input_count; j++) {
        if (d->differentiated[node->inputs[j]]) /* drawn against the arrow, so that it stands beside the forward pass */
            fvi_text_format(&d->text, "  g%d -> g%d [dir=back, color=\"#bf9000\"];\n", (int)node->inputs[j],
                            (int)index);
        if ((node->layer->backward_reads & FVI_READS_INPUT) != 0)
            fvi_text_format(&d->text, "  n%d -> g%d [%s];\n", (int)node->inputs[j], (int)index, line);
    }
    if ((node->layer->backward_reads & (FVI_READS_OUTPUT | FVI_READS_SAVED)) != 0)
        fvi_text_format(&d->text, "  n%d -> g%d [%s];\n", (int)index, (int)index, line);
}

static bool has_backward(const drawing *d, int32_t index)
{
    const fvi_node *node = &d->nodes[index];
    if (!node->layer->is_loss)
        return d->differentiated[index];
    return node->input_count > 0 && d->differentiated[node->inputs[0]];
}

static void put_drawing(drawing *d)
{
    fvi_text_append(&d->text, "digraph \"");
    put_escaped(d, fv_graph_name(d->graph));
    fvi_text_append(&d->text,
                    "\" {\n  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=10];\n"
                    "  edge [color=\"#555555\"];\n  graph [fontname=\"Helvetica\", fontsize=10];\n");
    for (int32_t i = 0; i < d->count; i++)
        put_box(d, i);
    for (int32_t i = 0; i < d->count; i++)
        put_arrows(d, i);
    for (int32_t i = d->count - 1; d->options.backward && i >= 0; i--)
        if (has_backward(d, i))
            put_backward(d, i);
    fvi_text_append(&d->text, "}\n");
}

fv_status fv_graph_to_dot(const fv_graph *graph, const fv_dot_options *options, char **text)
{
    fv_context *context = fv_graph_context(graph);
    drawing d = { .graph = graph, .text.context = context };
    *text = NULL;
    if (fv_graph_output(graph) == FV_NO_VALUE)
        return fvi_fail(context, FV_ERR_STATE, "graph '%s' is not finished: it cannot be drawn", fv_graph_name(graph));
    if (options != NULL)
        d.options = *options;
    d.nodes = fvi_graph_nodes(graph, &d.count);
    const fv_status status = find_differentiated(&d);
    if (status == FV_OK)
        put_drawing(&d);
    fvi_release(context, d.differentiated);
    return status == FV_OK ? fvi_text_finish(&d.text, text) : status;
}
