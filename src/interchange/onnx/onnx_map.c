/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_map.c - the walk over the nodes: constants are computed, everything else goes through the table; then the graph is
 * finished, with a loss to train by.
 */
#include "interchange/onnx/onnx_map.h"

#include <stdio.h>
#include <string.h>

const fvi_onnx_operator *fvi_onnx_find_operator(const char *domain, const char *type)
{
    for (const fvi_onnx_operator *at = fvi_onnx_operators; at->entry.name != NULL; at++)
        if (strcmp(at->entry.name, type) == 0 && strcmp(at->domain, domain) == 0)
            return at;
    return NULL;
}

fv_status fvi_onnx_became(fvi_onnx *onnx, fvi_onnx_node *node, const char *format, ...)
{
    fvi_message text;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text.text, sizeof text.text, format, arguments);
    va_end(arguments);
    node->became = fvi_arena_text(onnx->arena, text.text);
    return node->became != NULL ? FV_OK : fvi_out_of_memory(onnx->context, "a text", sizeof text);
}

static fv_status map_node(fvi_onnx *onnx, fvi_onnx_node *node)
{
    bool done = false;
    const fvi_onnx_operator *known = fvi_onnx_find_operator(node->domain, node->type);
    FV_TRY(fvi_onnx_fold(onnx, node, &done));
    if (done)
        return FV_OK;
    if (known == NULL)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "there is no layer for this operator");
    if (known->map == NULL)
        return fvi_onnx_fail_node(onnx, node, FV_ERR_UNSUPPORTED, "understood as %s, which this one is not",
                                  known->entry.becomes);
    return known->map(onnx, node);
}

static void tell(const fvi_onnx *onnx, const fvi_onnx_node *node)
{
    const fv_onnx_node told = { .name = node->name,
                                .operator_name = node->type,
                                .became = !node->alive           ? "left out: the output does not depend on it"
                                          : node->became != NULL ? node->became
                                                                 : "nothing to compute" };
    if (onnx->options->node != NULL)
        onnx->options->node(onnx->options->user, &told);
}

/* What the file leaves open of its input's shape comes from the options. A last axis of 1, 3 or 4 that is transposed at once is channels. */
static bool channels_last(const fvi_onnx *onnx)
{
    const int64_t *order = NULL;
    int32_t count = 0;
    bool seen = false;
    for (size_t i = 0; onnx->input->rank == 4 && i < onnx->node_count; i++) {
        const fvi_onnx_node *node = onnx->nodes[i];
        if (!node->alive || node->input_count < 1 || node->input[0] != onnx->input)
            continue;
        if (strcmp(node->type, "Transpose") != 0 || fvi_onnx_list(onnx, node, "perm", &order, &count) != FV_OK ||
            count != 4 || order[0] != 0 || order[1] != 3 || order[2] != 1 || order[3] != 2)
            return false;
        seen = true;
    }
    return seen;
}

static fv_status input_shape(fvi_onnx *onnx, fv_image_shape *shape)
{
    fvi_onnx_value *input = onnx->input;
    const fv_image_shape given = onnx->options->input;
    char text[128];
    if (channels_last(onnx)) {
        input->axis[1] = 2;
        input->axis[2] = 3;
        input->axis[3] = 1;
    }
    const int32_t wanted[3] = { given.c, given.h, given.w };
    int64_t size[3] = { 1, 1, 1 };
    for (int32_t i = 1; i < input->rank; i++) {
        const int32_t base = input->axis[i], place = input->rank == 3 && base == 2 ? 2 : base - 1;
        if (input->size[i] == 0)
            input->size[i] = wanted[place];
        if (wanted[place] != 0 && input->size[i] != wanted[place])
            return fvi_onnx_fail_file(onnx, FV_ERR_SHAPE, "its input has the shape %s; another, %dx%dx%d, is wanted",
                                      fvi_onnx_shape_text(input->rank, input->size, text, sizeof text), given.c,
                                      given.h, given.w);
        size[place] = input->size[i];
    }
    if (fvi_onnx_elements(3, size) <= 0 || size[0] > 65535 || size[1] > 65535 || size[2] > 65535)
        return fvi_onnx_fail_file(
            onnx, FV_ERR_SHAPE,
            "its input '%.60s' has the shape %s, with sizes that are open (0); say which: --input CxHxW, or "
            "fv_onnx_read_options.input",
            input->name, fvi_onnx_shape_text(input->rank, input->size, text, sizeof text));
    *shape = (fv_image_shape){ (int32_t)size[0], (int32_t)size[1], (int32_t)size[2] };
    return FV_OK;
}

static fv_status map_input(fvi_onnx *onnx)
{
    fv_image_shape shape = { 0 };
    FV_TRY(input_shape(onnx, &shape));
    const fv_input_options options = { .name = onnx->input->name, .shape = { shape.c, shape.h, shape.w } };
    if (json_object_set_new_nocheck(onnx->taken, onnx->input->name, json_true()) != 0)
        return fvi_out_of_memory(onnx->context, "names of layers", 0);
    return fv_graph_add_input(onnx->graph, &options, &onnx->input->value);
}

/* Classifiers end in scores, one for each class: a loss on these, so that the network can be trained further. */
static fv_status add_loss(fvi_onnx *onnx, fv_value output)
{
    const fv_value logits = onnx->logits != FV_NO_VALUE ? onnx->logits : output;
    const fv_image_shape shape = fv_graph_node(onnx->graph, logits).output;
    fv_value loss = FV_NO_VALUE;
    if (shape.h != 1 || shape.w != 1 || shape.c < 2)
        return FV_OK;
    return fv_graph_add_softmax_cross_entropy(onnx->graph, logits, NULL, &loss);
}

static fv_status finish(fvi_onnx *onnx)
{
    const fvi_onnx_value *output = onnx->output;
    if (output->value == FV_NO_VALUE || fvi_onnx_is_constant(output))
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "its output '%.100s' does not depend on its input",
                                  output->name);
    fv_value value = output->value;
    if (!fvi_onnx_in_order(output))
        return fvi_onnx_fail_file(onnx, FV_ERR_UNSUPPORTED, "its output '%.100s' is transposed at the end",
                                  output->name);
    if (output->rank == 2) { /* a vector, whatever shape it was computed in */
        const fv_image_shape shape = { (int32_t)output->size[1], 1, 1 };
        fvi_onnx_node last = { .name = output->name, .type = "output", .domain = FVI_ONNX_OWN };
        FV_TRY(fvi_onnx_reshaped(onnx, &last, value, shape, &value));
    }
    if (value == onnx->input->value)
        return fvi_onnx_fail_file(onnx, FV_ERR_UNSUPPORTED, "its output is its input: nothing is computed");
    FV_TRY(add_loss(onnx, value));
    return fv_graph_finish(onnx->graph, value);
}

fv_status fvi_onnx_map(fvi_onnx *onnx)
{
    const char *name = onnx->model->graph->name;
    FV_TRY(fv_graph_create(&onnx->graph, onnx->context, name != NULL && name[0] != '\0' ? name : "onnx"));
    onnx->logits = FV_NO_VALUE;
    FV_TRY(map_input(onnx));
    for (size_t i = 0; i < onnx->node_count; i++) {
        if (onnx->nodes[i]->alive)
            FV_TRY(map_node(onnx, onnx->nodes[i]));
        tell(onnx, onnx->nodes[i]);
    }
    return finish(onnx);
}
