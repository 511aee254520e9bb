/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_file.c - from an unpacked model to nodes in order and the names between them: opsets, initializers, the one input, the
 * output. Names are defined once, before they are read, as ONNX wants it, so there can be no cycle.
 */
#include "interchange/onnx/onnx_file.h"

#include <stdio.h>
#include <string.h>

enum { MOST_NODES = 1 << 16 };

fv_status fvi_onnx_fail_file(const fvi_onnx *onnx, fv_status status, const char *format, ...)
{
    fvi_message what;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what.text, sizeof what.text, format, arguments);
    va_end(arguments);
    return fvi_fail(onnx->context, status, "'%s': %.900s", onnx->path, what.text);
}

fv_status fvi_onnx_fail_node(const fvi_onnx *onnx, const fvi_onnx_node *node, fv_status status, const char *format, ...)
{
    fvi_message what;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what.text, sizeof what.text, format, arguments);
    va_end(arguments);
    return fvi_fail(onnx->context, status, "'%s': %.60s '%.200s': %.600s", onnx->path, node->type, node->name,
                    what.text);
}

const char *fvi_onnx_shape_text(int32_t rank, const int64_t *size, char *text, size_t bytes)
{
    size_t used = (size_t)snprintf(text, bytes, "[");
    for (int32_t i = 0; i < rank && used < bytes; i++)
        if (size[i] == FVI_ONNX_BATCH)
            used += (size_t)snprintf(text + used, bytes - used, "%sN", i > 0 ? ", " : "");
        else
            used += (size_t)snprintf(text + used, bytes - used, "%s%lld", i > 0 ? ", " : "", (long long)size[i]);
    if (used < bytes)
        snprintf(text + used, bytes - used, "]");
    return text;
}

int64_t fvi_onnx_elements(int32_t rank, const int64_t *size)
{
    int64_t product = 1;
    bool empty = false;
    for (int32_t i = 0; i < rank; i++) {
        if (size[i] < 0)
            return -1;
        empty = empty || size[i] == 0;
        if (!empty && (__builtin_mul_overflow(product, size[i], &product) || product > INT64_C(1) << 40))
            return -1;
    }
    return empty ? 0 : product;
}

fv_status fvi_onnx_reserve(fvi_onnx *onnx, int64_t count, size_t size, void **memory)
{
    *memory = NULL;
    if (count < 0 || (uint64_t)count > onnx->bytes_left / size)
        return fvi_onnx_fail_file(
            onnx, FV_ERR_FORMAT,
            "its constants take more memory than the size of the file justifies (%lld more values)", (long long)count);
    *memory = fvi_arena_allocate(onnx->arena, (size_t)count * size + 1);
    if (*memory == NULL)
        return fvi_out_of_memory(onnx->context, "constants of an ONNX file", (size_t)count * size);
    onnx->bytes_left -= (size_t)count * size;
    return FV_OK;
}

fvi_onnx_value *fvi_onnx_new_value(fvi_onnx *onnx, const char *name)
{
    fvi_onnx_value *value = fvi_arena_allocate(onnx->arena, sizeof *value);
    if (value == NULL)
        return NULL;
    value->name = name;
    value->value = FV_NO_VALUE;
    void *values = onnx->values;
    if (fvi_grow(onnx->context, &values, &onnx->value_capacity, onnx->value_count, onnx->value_count + 1,
                 sizeof *onnx->values) != FV_OK)
        return NULL;
    onnx->values = values;
    value->index = (int32_t)onnx->value_count;
    onnx->values[onnx->value_count++] = value;
    return value;
}

fv_status fvi_onnx_declare(fvi_onnx *onnx, const fvi_onnx_scope *scope, const char *name, fvi_onnx_value *value)
{
    if (json_object_get(scope->names, name) != NULL)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "the name '%.100s' is defined twice%s%s", name,
                                  scope->function != NULL ? " in function " : "",
                                  scope->function != NULL ? scope->function : "");
    if (value == NULL)
        return fvi_out_of_memory(onnx->context, "a name of an ONNX file", sizeof *value);
    if (json_object_set_new_nocheck(scope->names, name, json_integer(value->index)) != 0)
        return fvi_out_of_memory(onnx->context, "the names of an ONNX file", strlen(name));
    return FV_OK;
}

static fvi_onnx_value *find(const fvi_onnx *onnx, const fvi_onnx_scope *scope, const char *name)
{
    const json_t *index = json_object_get(scope->names, name);
    return index != NULL ? onnx->values[json_integer_value(index)] : NULL;
}

/* "" and "ai.onnx" are one. */
static const char *plain_domain(const char *domain)
{
    return domain == NULL || strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

static int64_t imported(Onnx__OperatorSetIdProto *const *imports, size_t count, const char *domain)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(plain_domain(imports[i]->domain), domain) == 0)
            return imports[i]->version;
    return 0;
}

static fv_status check_opset(fvi_onnx *onnx)
{
    onnx->opset = imported(onnx->model->opset_import, onnx->model->n_opset_import, "");
    if (onnx->opset == 0)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "it does not say which version of ONNX's operators it uses");
    if (onnx->opset < FVI_ONNX_OLDEST || onnx->opset > FVI_ONNX_NEWEST)
        return fvi_onnx_fail_file(
            onnx, FV_ERR_UNSUPPORTED,
            "it uses opset %lld; this reader knows %d to %d. Export it again with opset_version=17",
            (long long)onnx->opset, FVI_ONNX_OLDEST, FVI_ONNX_NEWEST);
    return FV_OK;
}

/* The attributes of a node, with references to those of a function's call resolved. */
static fv_status take_attributes(fvi_onnx *onnx, const fvi_onnx_scope *scope, const Onnx__NodeProto *from,
                                 fvi_onnx_node *node)
{
    node->attribute = fvi_arena_allocate(onnx->arena, (from->n_attribute + 1) * sizeof *node->attribute);
    if (node->attribute == NULL)
        return fvi_out_of_memory(onnx->context, "a node's attributes", from->n_attribute * sizeof *node->attribute);
    for (size_t i = 0; i < from->n_attribute; i++) {
        const Onnx__AttributeProto *attribute = from->attribute[i];
        if (attribute->name == NULL)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT, "an attribute without a name");
        if (attribute->ref_attr_name == NULL || attribute->ref_attr_name[0] == '\0') {
            node->attribute[node->attribute_count++] = attribute;
            continue;
        }
        /* A reference has its own name; the call's attribute, if given, the values. */
        for (int32_t j = 0; j < scope->attribute_count; j++)
            if (strcmp(scope->attribute[j]->name, attribute->ref_attr_name) == 0) {
                Onnx__AttributeProto *resolved = fvi_arena_allocate(onnx->arena, sizeof *resolved);
                if (resolved == NULL)
                    return fvi_out_of_memory(onnx->context, "an attribute", sizeof *resolved);
                *resolved = *scope->attribute[j];
                resolved->name = attribute->name;
                node->attribute[node->attribute_count++] = resolved;
                break;
            }
    }
    return FV_OK;
}

static fv_status take_inputs(fvi_onnx *onnx, const fvi_onnx_scope *scope, const Onnx__NodeProto *from,
                             fvi_onnx_node *node)
{
    for (size_t i = 0; i < from->n_input; i++) {
        if (from->input[i] == NULL || from->input[i][0] == '\0')
            continue;
        node->input[i] = find(onnx, scope, from->input[i]);
        if (node->input[i] == NULL)
            return fvi_onnx_fail_node(onnx, node, FV_ERR_FORMAT,
                                      "its input '%.100s' is given by nothing before it: there is no such value, or a "
                                      "cycle, or the nodes are out of order",
                                      from->input[i]);
    }
    return FV_OK;
}

static fv_status take_outputs(fvi_onnx *onnx, const fvi_onnx_scope *scope, const Onnx__NodeProto *from,
                              fvi_onnx_node *node)
{
    for (size_t i = 0; i < from->n_output; i++) {
        if (from->output[i] == NULL || from->output[i][0] == '\0')
            continue;
        FV_TRY(fvi_onnx_declare(onnx, scope, from->output[i],
                                node->output[i] = fvi_onnx_new_value(onnx, from->output[i])));
        node->output[i]->producer = node;
    }
    return FV_OK;
}

/* A Constant node is a tensor with a name. */
static void note_constant(fvi_onnx_node *node)
{
    const Onnx__AttributeProto *value = fvi_onnx_attribute(node, "value");
    if (strcmp(node->type, "Constant") == 0 && node->domain[0] == '\0' && value != NULL && value->t != NULL &&
        node->output_count > 0 && node->output[0] != NULL)
        node->output[0]->tensor = value->t;
}

static fv_status add_node(fvi_onnx *onnx, const fvi_onnx_scope *scope, const Onnx__NodeProto *from)
{
    char name[256];
    fvi_onnx_node *node = fvi_arena_allocate(onnx->arena, sizeof *node);
    if (onnx->node_count >= MOST_NODES)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "more than %d nodes, functions opened", MOST_NODES);
    if (node == NULL)
        return fvi_out_of_memory(onnx->context, "a node", sizeof *node);
    const char *given = from->name != NULL && from->name[0] != '\0'     ? from->name
                        : from->n_output > 0 && from->output[0] != NULL ? from->output[0]
                                                                        : "";
    snprintf(name, sizeof name, "%.80s%s%.160s", scope->call != NULL ? scope->call->name : "",
             scope->call != NULL ? "/" : "", given);
    node->name = fvi_arena_text(onnx->arena, name);
    node->type = from->op_type != NULL ? from->op_type : "";
    node->domain = plain_domain(from->domain);
    node->opset = imported(scope->imports, scope->import_count, node->domain);
    node->input_count = (int32_t)from->n_input;
    node->output_count = (int32_t)from->n_output;
    node->input = fvi_arena_allocate(onnx->arena, (from->n_input + 1) * sizeof *node->input);
    node->output = fvi_arena_allocate(onnx->arena, (from->n_output + 1) * sizeof *node->output);
    if (node->name == NULL || node->input == NULL || node->output == NULL)
        return fvi_out_of_memory(onnx->context, "a node's names", (from->n_input + from->n_output) * sizeof(void *));
    FV_TRY(take_attributes(onnx, scope, from, node));
    FV_TRY(take_inputs(onnx, scope, from, node));
    const Onnx__FunctionProto *function = fvi_onnx_function(onnx, node);
    FV_TRY(take_outputs(onnx, scope, from, node));
    if (function != NULL)
        return fvi_onnx_inline(onnx, scope, node, function);
    note_constant(node);
    void *nodes = onnx->nodes;
    FV_TRY(fvi_grow(onnx->context, &nodes, &onnx->node_capacity, onnx->node_count, onnx->node_count + 1,
                    sizeof(fvi_onnx_node *)));
    onnx->nodes = nodes;
    onnx->nodes[onnx->node_count++] = node;
    return FV_OK;
}

fv_status fvi_onnx_add_nodes(fvi_onnx *onnx, const fvi_onnx_scope *scope, Onnx__NodeProto *const *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        FV_TRY(add_node(onnx, scope, nodes[i]));
    return FV_OK;
}

static fv_status take_initializers(fvi_onnx *onnx, const fvi_onnx_scope *scope, const Onnx__GraphProto *graph)
{
    if (graph->n_sparse_initializer > 0)
        return fvi_onnx_fail_file(onnx, FV_ERR_UNSUPPORTED, "sparse initializers are not read");
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const Onnx__TensorProto *tensor = graph->initializer[i];
        if (tensor->name == NULL || tensor->name[0] == '\0')
            return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "initializer %zu has no name", i);
        fvi_onnx_value *value = fvi_onnx_new_value(onnx, tensor->name);
        FV_TRY(fvi_onnx_declare(onnx, scope, tensor->name, value));
        value->tensor = tensor;
    }
    return FV_OK;
}

/* The shape of the input: [N, ...]; what the file leaves open comes from the options when it is mapped (0 until then). */
static fv_status take_input_shape(fvi_onnx *onnx, const Onnx__ValueInfoProto *info, fvi_onnx_value *value)
{
    const Onnx__TypeProto *type = info->type;
    if (type == NULL || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE || type->tensor_type->shape == NULL)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "its input '%.100s' is not a tensor with a shape", info->name);
    const Onnx__TensorShapeProto *shape = type->tensor_type->shape;
    const int32_t element = type->tensor_type->elem_type;
    if (element != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT && element != ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE &&
        element != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16)
        return fvi_onnx_fail_file(
            onnx, FV_ERR_UNSUPPORTED,
            "its input '%.100s' has elements of ONNX's type %d; networks here take floating point", info->name,
            element);
    if (shape->n_dim < 2 || shape->n_dim > 4)
        return fvi_onnx_fail_file(
            onnx, FV_ERR_UNSUPPORTED,
            "its input '%.100s' has %zu axes; a network here takes images [n, c, h, w], sequences "
            "[n, c, l] or vectors [n, c]",
            info->name, shape->n_dim);
    value->rank = (int32_t)shape->n_dim;
    for (size_t i = 0; i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = shape->dim[i];
        const bool known = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        value->axis[i] = (int32_t)i;
        value->size[i] = i == 0 ? FVI_ONNX_BATCH : known ? dim->dim_value : 0;
        if (known && (dim->dim_value < -1 || dim->dim_value > 1 << 24))
            return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "axis %zu of its input '%.100s' has size %lld", i,
                                      info->name, (long long)dim->dim_value);
        if (value->size[i] < 0)
            value->size[i] = 0;
    }
    return FV_OK;
}

static fv_status take_inputs_of_graph(fvi_onnx *onnx, const fvi_onnx_scope *scope, const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_input; i++) {
        const Onnx__ValueInfoProto *info = graph->input[i];
        if (info->name == NULL)
            return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "input %zu has no name", i);
        if (find(onnx, scope, info->name) != NULL) /* an initializer: older files list them as inputs too */
            continue;
        if (onnx->input != NULL)
            return fvi_onnx_fail_file(onnx, FV_ERR_UNSUPPORTED,
                                      "it has several inputs, '%.100s' and '%.100s'; a network here takes one",
                                      onnx->input->name, info->name);
        onnx->input = fvi_onnx_new_value(onnx, info->name);
        FV_TRY(fvi_onnx_declare(onnx, scope, info->name, onnx->input));
        FV_TRY(take_input_shape(onnx, info, onnx->input));
    }
    if (onnx->input == NULL)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "its graph has no input");
    return FV_OK;
}

fv_status fvi_onnx_load(fvi_onnx *onnx)
{
    const Onnx__GraphProto *graph = onnx->model->graph;
    const fvi_onnx_scope scope = { .names = onnx->names,
                                   .imports = onnx->model->opset_import,
                                   .import_count = onnx->model->n_opset_import };
    if (graph == NULL || graph->n_node == 0)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "there is no graph in it, or not ONNX");
    FV_TRY(check_opset(onnx));
    FV_TRY(fvi_onnx_index_functions(onnx));
    FV_TRY(take_initializers(onnx, &scope, graph));
    FV_TRY(take_inputs_of_graph(onnx, &scope, graph));
    FV_TRY(fvi_onnx_add_nodes(onnx, &scope, graph->node, graph->n_node));
    if (graph->n_output == 0 || graph->output[0]->name == NULL)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "its graph has no output");
    onnx->output = find(onnx, &scope, graph->output[0]->name);
    if (onnx->output == NULL)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "no node gives its output '%.100s'", graph->output[0]->name);
    if (graph->n_output > 1)
        fvi_log_message(onnx->context, FV_LOG_WARNING, "'%s' has %zu outputs; '%s' is taken, the others are left out",
                        onnx->path, graph->n_output, onnx->output->name);
    return FV_OK;
}
