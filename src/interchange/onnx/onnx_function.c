/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_function.c - functions that a file defines (IR version 8 and later): each call is replaced by the function's nodes. Inner
 * names live in a scope of their own; formal inputs and outputs are the call's values.
 */
#include <stdio.h>
#include <string.h>

#include "interchange/onnx/onnx_file.h"

enum { DEEPEST_CALL = 32 };

/* "domain:name", cut: the whole is compared again. */
static const char *key_of(const char *domain, const char *name, char key[256])
{
    snprintf(key, 256, "%.120s:%.120s", domain, name);
    return key;
}

fv_status fvi_onnx_index_functions(fvi_onnx *onnx)
{
    char key[256];
    for (size_t i = 0; i < onnx->model->n_functions; i++) {
        const Onnx__FunctionProto *function = onnx->model->functions[i];
        if (function->name == NULL)
            return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "function %zu has no name", i);
        key_of(function->domain != NULL ? function->domain : "", function->name, key);
        if (json_object_get(onnx->functions, key) != NULL)
            return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "the function '%s' is defined twice", key);
        if (json_object_set_new_nocheck(onnx->functions, key, json_integer((json_int_t)i)) != 0)
            return fvi_out_of_memory(onnx->context, "the functions of an ONNX file", sizeof key);
    }
    return FV_OK;
}

const Onnx__FunctionProto *fvi_onnx_function(const fvi_onnx *onnx, const fvi_onnx_node *node)
{
    char key[256];
    const json_t *index = json_object_get(onnx->functions, key_of(node->domain, node->type, key));
    if (index == NULL)
        return NULL;
    const Onnx__FunctionProto *function = onnx->model->functions[json_integer_value(index)];
    const bool same = strcmp(function->name, node->type) == 0 &&
                      strcmp(function->domain != NULL ? function->domain : "", node->domain) == 0;
    return same ? function : NULL;
}

/* Formal inputs are other names for what the call gives; one that it leaves out is left out inside, too. */
static fv_status bind_inputs(fvi_onnx *onnx, const fvi_onnx_scope *scope, const fvi_onnx_node *call,
                             const Onnx__FunctionProto *function)
{
    if ((size_t)call->input_count > function->n_input || (size_t)call->output_count > function->n_output)
        return fvi_onnx_fail_node(onnx, call, FV_ERR_FORMAT, "%d inputs and %d outputs; the function has %zu and %zu",
                                  call->input_count, call->output_count, function->n_input, function->n_output);
    for (int32_t i = 0; i < call->input_count; i++)
        if (call->input[i] != NULL)
            FV_TRY(fvi_onnx_declare(onnx, scope, function->input[i], call->input[i]));
    return FV_OK;
}

/* The call's outputs are what the body has under the formal names: an Identity each. */
static fv_status bind_outputs(fvi_onnx *onnx, const fvi_onnx_scope *scope, const fvi_onnx_node *call,
                              const Onnx__FunctionProto *function)
{
    for (int32_t i = 0; i < call->output_count; i++) {
        const json_t *index = json_object_get(scope->names, function->output[i]);
        if (call->output[i] == NULL)
            continue;
        if (index == NULL)
            return fvi_onnx_fail_node(onnx, call, FV_ERR_FORMAT, "nothing in the function gives its output '%.100s'",
                                      function->output[i]);
        fvi_onnx_node *node = fvi_arena_allocate(onnx->arena, sizeof *node + 2 * sizeof *node->input);
        void *nodes = onnx->nodes;
        if (node == NULL)
            return fvi_out_of_memory(onnx->context, "a node", sizeof *node);
        FV_TRY(fvi_grow(onnx->context, &nodes, &onnx->node_capacity, onnx->node_count, onnx->node_count + 1,
                        sizeof(fvi_onnx_node *)));
        onnx->nodes = nodes;
        *node = (fvi_onnx_node){ .name = call->name, .domain = "", .type = "Identity", .opset = onnx->opset };
        node->input = (fvi_onnx_value **)(node + 1);
        node->output = node->input + 1;
        node->input[0] = onnx->values[json_integer_value(index)];
        node->output[0] = call->output[i];
        node->input_count = node->output_count = 1;
        node->output[0]->producer = node;
        onnx->nodes[onnx->node_count++] = node;
    }
    return FV_OK;
}

fv_status fvi_onnx_inline(fvi_onnx *onnx, const fvi_onnx_scope *outer, const fvi_onnx_node *call,
                          const Onnx__FunctionProto *function)
{
    const fvi_onnx_scope scope = { .names = json_object(),
                                   .function = function->name,
                                   .attribute = call->attribute,
                                   .attribute_count = call->attribute_count,
                                   .call = call,
                                   .imports = function->opset_import,
                                   .import_count = function->n_opset_import,
                                   .depth = outer->depth + 1 };
    if (scope.names == NULL)
        return fvi_out_of_memory(onnx->context, "the names of a function", 0);
    fv_status status = FV_OK;
    if (scope.depth > DEEPEST_CALL)
        status = fvi_onnx_fail_node(onnx, call, FV_ERR_FORMAT,
                                    "functions call each other more than %d deep, or without end", DEEPEST_CALL);
    if (status == FV_OK)
        status = bind_inputs(onnx, &scope, call, function);
    if (status == FV_OK)
        status = fvi_onnx_add_nodes(onnx, &scope, function->node, function->n_node);
    if (status == FV_OK)
        status = bind_outputs(onnx, &scope, call, function);
    json_decref(scope.names);
    return status;
}
