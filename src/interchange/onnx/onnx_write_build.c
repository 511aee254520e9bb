/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_build.c - operators, tensors and names of a file of ONNX under construction: protobuf-c's structs in an arena.
 */
#include "interchange/onnx/onnx_write.h"

#ifdef FVI_HAVE_ONNX

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "interchange/safetensors.h"

enum { NAME_BYTES = 512, MESSAGE_BYTES = 600 };

void fvi_onnx_fail(fvi_onnx_out *out, fv_status status, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list arguments;
    if (out->status != FV_OK)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    out->status =
        fvi_fail(out->context, status, "'%s': %s '%s': %s", out->path, out->node->layer->name, out->node->name, text);
}

void *fvi_onnx_memory(fvi_onnx_out *out, size_t count, size_t size)
{
    size_t bytes = 0;
    if (out->status != FV_OK)
        return NULL;
    void *memory =
        fvi_size_multiply(count, size, &bytes) ? fvi_arena_allocate(out->arena, bytes > 0 ? bytes : 1) : NULL;
    if (memory == NULL)
        out->status = fvi_out_of_memory(out->context, "a model of ONNX", bytes);
    return memory;
}

void fvi_onnx_append(fvi_onnx_out *out, fvi_onnx_list *list, void *item)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity > 0 ? 2 * list->capacity : 4;
        void **more = fvi_onnx_memory(out, capacity, sizeof *more);
        if (more == NULL)
            return;
        if (list->count > 0)
            memcpy(more, list->item, list->count * sizeof *more);
        list->item = more;
        list->capacity = capacity;
    }
    if (out->status == FV_OK)
        list->item[list->count++] = item;
}

static char *copy_text(fvi_onnx_out *out, const char *text)
{
    char *copy = fvi_onnx_memory(out, strlen(text) + 1, 1);
    return copy != NULL ? strcpy(copy, text) : NULL;
}

const char *fvi_onnx_unique(fvi_onnx_out *out, const char *name)
{
    char text[NAME_BYTES];
    snprintf(text, sizeof text, "%s", name);
    for (int number = 2; json_object_get(out->names, text) != NULL; number++)
        snprintf(text, sizeof text, "%.480s_%d", name, number);
    if (out->status == FV_OK && json_object_set_new(out->names, text, json_true()) != 0)
        fvi_onnx_fail(out, FV_ERR_ARGUMENT, "the name '%.100s' is not UTF-8, or memory is short", text);
    return copy_text(out, text);
}

/* "<of>/<part>", not taken yet. */
static const char *part_name(fvi_onnx_out *out, const char *of, const char *part)
{
    char text[NAME_BYTES];
    snprintf(text, sizeof text, "%.400s/%.80s", of, part);
    return fvi_onnx_unique(out, text);
}

/* Operators. */

static fvi_onnx_op *add_op(fvi_onnx_out *out, const char *op_type, const char *name)
{
    fvi_onnx_op *op = fvi_onnx_memory(out, 1, sizeof *op);
    char **output = fvi_onnx_memory(out, 1, sizeof *output);
    if (op == NULL || output == NULL || name == NULL)
        return &out->nowhere;
    onnx__node_proto__init(op);
    op->name = output[0] = copy_text(out, name);
    op->op_type = copy_text(out, op_type);
    op->output = output;
    op->n_output = 1;
    fvi_onnx_append(out, &out->op, op);
    return out->status == FV_OK ? op : &out->nowhere;
}

fvi_onnx_op *fvi_onnx_last(fvi_onnx_out *out, const char *op_type, fvi_onnx_form form)
{
    fvi_onnx_op *op = add_op(out, op_type, out->node->name);
    out->value[out->at].name[form] = out->node->name;
    fvi_onnx_append(out, &out->shapes, fvi_onnx_value_info(out, out->node->name, out->node->out, form));
    return op;
}

fvi_onnx_op *fvi_onnx_part(fvi_onnx_out *out, const char *op_type, const char *part)
{
    return add_op(out, op_type, part_name(out, out->node->name, part));
}

const char *fvi_onnx_output(const fvi_onnx_op *op)
{
    return op->n_output > 0 ? op->output[0] : "";
}

void fvi_onnx_same(fvi_onnx_out *out)
{
    out->value[out->at].same = out->value[out->node->inputs[0]].same;
}

void fvi_onnx_input(fvi_onnx_out *out, fvi_onnx_op *op, const char *name)
{
    enum { BLOCK = 4 }; /* more than most operators have */
    if (name == NULL || op == &out->nowhere)
        return;
    if (op->n_input % BLOCK == 0) {
        char **more = fvi_onnx_memory(out, op->n_input + BLOCK, sizeof *more);
        if (more == NULL)
            return;
        if (op->n_input > 0)
            memcpy(more, op->input, op->n_input * sizeof *more);
        op->input = more;
    }
    op->input[op->n_input++] = copy_text(out, name);
}

static const char *add_ints(fvi_onnx_out *out, const char *name, int32_t count, const int64_t *values);

static bool is_vector(fv_image_shape shape)
{
    return shape.h == 1 && shape.w == 1;
}

const char *fvi_onnx_take_value(fvi_onnx_out *out, fv_value value, fvi_onnx_form form)
{
    int32_t count = 0;
    const fv_value same = out->value[value].same;
    const fvi_node *node = &fvi_graph_nodes(out->graph, &count)[same];
    const char **name = out->value[same].name;
    if (name[form] != NULL)
        return name[form];
    if (out->status != FV_OK)
        return "";
    const int64_t shape[] = { 0, node->out.c, node->out.h, node->out.w }; /* 0: as it is */
    fvi_onnx_op *op = NULL;
    if (form == FVI_ONNX_IMAGE) {
        op = add_op(out, "Reshape", part_name(out, node->name, "as_image"));
        fvi_onnx_input(out, op, name[FVI_ONNX_VECTOR]);
        fvi_onnx_input(out, op, add_ints(out, part_name(out, node->name, "image_shape"), FVI_ONNX_RANK, shape));
    } else {
        op = add_op(out, "Flatten", part_name(out, node->name, "flatten"));
        fvi_onnx_input(out, op, name[FVI_ONNX_IMAGE]);
        fvi_onnx_set_int(out, op, "axis", 1);
    }
    name[form] = fvi_onnx_output(op);
    fvi_onnx_append(out, &out->shapes, fvi_onnx_value_info(out, name[form], node->out, form));
    return name[form];
}

const char *fvi_onnx_take(fvi_onnx_out *out, int32_t index, fvi_onnx_form form)
{
    return fvi_onnx_take_value(out, out->node->inputs[index], form);
}

fvi_onnx_form fvi_onnx_common_form(const fvi_onnx_out *out)
{
    for (int32_t i = 0; i < out->node->input_count; i++) {
        const fvi_onnx_value *value = &out->value[out->value[out->node->inputs[i]].same];
        if (!is_vector(out->node->in[i]) || value->name[FVI_ONNX_VECTOR] == NULL)
            return FVI_ONNX_IMAGE;
    }
    return FVI_ONNX_VECTOR;
}

/* Attributes. */

static Onnx__AttributeProto *add_attribute(fvi_onnx_out *out, fvi_onnx_op *op, const char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *attribute = fvi_onnx_memory(out, 1, sizeof *attribute);
    Onnx__AttributeProto **list = fvi_onnx_memory(out, op->n_attribute + 1, sizeof(void *));
    if (attribute == NULL || list == NULL || op == &out->nowhere)
        return NULL;
    onnx__attribute_proto__init(attribute);
    attribute->name = copy_text(out, name);
    attribute->has_type = true;
    attribute->type = type;
    if (op->n_attribute > 0)
        memcpy(list, op->attribute, op->n_attribute * sizeof(void *));
    list[op->n_attribute++] = attribute;
    op->attribute = list;
    return attribute;
}

void fvi_onnx_set_int(fvi_onnx_out *out, fvi_onnx_op *op, const char *name, int64_t value)
{
    Onnx__AttributeProto *attribute = add_attribute(out, op, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (attribute == NULL)
        return;
    attribute->has_i = true;
    attribute->i = value;
}

void fvi_onnx_set_float(fvi_onnx_out *out, fvi_onnx_op *op, const char *name, double value)
{
    Onnx__AttributeProto *attribute = add_attribute(out, op, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (attribute == NULL)
        return;
    attribute->has_f = true;
    attribute->f = (float)value;
}

void fvi_onnx_set_text(fvi_onnx_out *out, fvi_onnx_op *op, const char *name, const char *value)
{
    Onnx__AttributeProto *attribute = add_attribute(out, op, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    if (attribute == NULL)
        return;
    attribute->has_s = true;
    attribute->s.len = strlen(value);
    attribute->s.data = (uint8_t *)copy_text(out, value);
}

void fvi_onnx_set_ints(fvi_onnx_out *out, fvi_onnx_op *op, const char *name, int32_t count, const int64_t *values)
{
    Onnx__AttributeProto *attribute = add_attribute(out, op, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *copy = fvi_onnx_memory(out, (size_t)count, sizeof *copy);
    if (attribute == NULL || copy == NULL)
        return;
    attribute->n_ints = (size_t)count;
    attribute->ints = memcpy(copy, values, (size_t)count * sizeof *copy);
}

void fvi_onnx_set_floats(fvi_onnx_out *out, fvi_onnx_op *op, const char *name, int32_t count, const float *values)
{
    Onnx__AttributeProto *attribute = add_attribute(out, op, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS);
    float *copy = fvi_onnx_memory(out, (size_t)count, sizeof *copy);
    if (attribute == NULL || copy == NULL)
        return;
    attribute->n_floats = (size_t)count;
    attribute->floats = memcpy(copy, values, (size_t)count * sizeof *copy);
}

/* Initialisers. */

/* values in this machine's order of bytes; borrowed where that is the file's. */
static const char *add_initializer(fvi_onnx_out *out, const char *name, Onnx__TensorProto__DataType type, size_t size,
                                   int32_t rank, const int64_t *shape, const void *values)
{
    Onnx__TensorProto *tensor = fvi_onnx_memory(out, 1, sizeof *tensor);
    int64_t *dims = fvi_onnx_memory(out, (size_t)rank, sizeof *dims);
    size_t count = 1;
    if (tensor == NULL || dims == NULL || name == NULL)
        return "";
    onnx__tensor_proto__init(tensor);
    tensor->name = copy_text(out, name);
    tensor->has_data_type = tensor->has_raw_data = true;
    tensor->data_type = (int32_t)type;
    tensor->n_dims = (size_t)rank;
    tensor->dims = dims;
    for (int32_t i = 0; i < rank; i++) {
        dims[i] = shape[i];
        count *= (size_t)shape[i]; /* of values that are in memory */
    }
    tensor->raw_data.len = count * size;
    tensor->raw_data.data = (uint8_t *)(uintptr_t)values;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    tensor->raw_data.data = fvi_onnx_memory(out, count, size);
    if (tensor->raw_data.data == NULL)
        return "";
    memcpy(tensor->raw_data.data, values, count * size);
    fvi_little_endian(tensor->raw_data.data, count, size);
#endif
    fvi_onnx_append(out, &out->initializer, tensor);
    return name;
}

static int32_t find_param(const fvi_onnx_out *out, const char *suffix)
{
    for (int32_t i = 0; i < out->node->param_count; i++)
        if (strcmp(out->node->param[i].suffix, suffix) == 0)
            return out->node->first_param + i;
    return -1;
}

const char *fvi_onnx_param_as(fvi_onnx_out *out, const char *suffix, int32_t rank, const int64_t *shape)
{
    const int32_t index = find_param(out, suffix);
    if (index < 0)
        return NULL;
    return add_initializer(out, fvi_onnx_unique(out, fv_params_info(out->params, index).name),
                           ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, sizeof(float), rank, shape,
                           fv_params_values(out->params, index));
}

const char *fvi_onnx_param(fvi_onnx_out *out, const char *suffix)
{
    const int32_t index = find_param(out, suffix);
    if (index < 0)
        return NULL;
    const fv_shape shape = fv_params_info(out->params, index).shape;
    return fvi_onnx_param_as(out, suffix, shape.rank, shape.size);
}

const float *fvi_onnx_param_values(fvi_onnx_out *out, const char *suffix)
{
    const int32_t index = find_param(out, suffix);
    return index < 0 ? NULL : fv_params_values(out->params, index);
}

const char *fvi_onnx_floats(fvi_onnx_out *out, const char *part, int32_t rank, const int64_t *shape,
                            const float *values)
{
    return add_initializer(out, part_name(out, out->node->name, part), ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
                           sizeof *values, rank, shape, values);
}

const char *fvi_onnx_typed(fvi_onnx_out *out, const char *part, Onnx__TensorProto__DataType type, size_t size,
                           int32_t rank, const int64_t *shape, const void *values)
{
    return add_initializer(out, part_name(out, out->node->name, part), type, size, rank, shape, values);
}

static const char *add_ints(fvi_onnx_out *out, const char *name, int32_t count, const int64_t *values)
{
    const int64_t shape[] = { count };
    int64_t *copy = fvi_onnx_memory(out, (size_t)count, sizeof *copy);
    if (copy == NULL)
        return "";
    memcpy(copy, values, (size_t)count * sizeof *copy);
    return add_initializer(out, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, sizeof *copy, 1, shape, copy);
}

const char *fvi_onnx_ints(fvi_onnx_out *out, const char *part, int32_t count, const int64_t *values)
{
    return add_ints(out, part_name(out, out->node->name, part), count, values);
}

const char *fvi_onnx_scalar(fvi_onnx_out *out, const char *part, double value)
{
    float *copy = fvi_onnx_memory(out, 1, sizeof *copy);
    if (copy == NULL)
        return "";
    *copy = (float)value;
    return fvi_onnx_floats(out, part, 0, NULL, copy);
}

const char *fvi_onnx_filled(fvi_onnx_out *out, const char *part, int32_t count, float value)
{
    const int64_t shape[] = { count };
    float *values = fvi_onnx_memory(out, (size_t)count, sizeof *values);
    for (int32_t i = 0; values != NULL && i < count; i++)
        values[i] = value;
    return values != NULL ? fvi_onnx_floats(out, part, 1, shape, values) : "";
}

const char *fvi_onnx_param_or(fvi_onnx_out *out, const char *suffix, int32_t count, float value)
{
    const char *name = fvi_onnx_param(out, suffix);
    return name != NULL ? name : fvi_onnx_filled(out, suffix, count, value);
}

/* Shapes. */

static Onnx__TensorShapeProto *make_shape(fvi_onnx_out *out, fv_image_shape shape, fvi_onnx_form form)
{
    const int64_t size[FVI_ONNX_RANK] = { 0, form == FVI_ONNX_IMAGE ? shape.c : (int64_t)shape.c * shape.h * shape.w,
                                          shape.h, shape.w };
    const size_t rank = form == FVI_ONNX_IMAGE ? FVI_ONNX_RANK : 2;
    Onnx__TensorShapeProto *made = fvi_onnx_memory(out, 1, sizeof *made);
    Onnx__TensorShapeProto__Dimension **list = fvi_onnx_memory(out, rank, sizeof(void *));
    Onnx__TensorShapeProto__Dimension *dimension = fvi_onnx_memory(out, rank, sizeof *dimension);
    if (made == NULL || list == NULL || dimension == NULL)
        return NULL;
    onnx__tensor_shape_proto__init(made);
    for (size_t i = 0; i < rank; i++) {
        onnx__tensor_shape_proto__dimension__init(&dimension[i]);
        dimension[i].value_case = i == 0 ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                                         : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (i == 0)
            dimension[i].dim_param = copy_text(out, "N");
        else
            dimension[i].dim_value = size[i];
        list[i] = &dimension[i];
    }
    made->n_dim = rank;
    made->dim = list;
    return made;
}

Onnx__ValueInfoProto *fvi_onnx_value_info(fvi_onnx_out *out, const char *name, fv_image_shape shape, fvi_onnx_form form)
{
    Onnx__ValueInfoProto *info = fvi_onnx_memory(out, 1, sizeof *info);
    Onnx__TypeProto *type = fvi_onnx_memory(out, 1, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = fvi_onnx_memory(out, 1, sizeof *tensor);
    if (info == NULL || type == NULL || tensor == NULL)
        return NULL;
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = true;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = make_shape(out, shape, form);
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    info->name = copy_text(out, name);
    info->type = type;
    return info;
}

/* What several layers need. */

static fvi_onnx_op *begin(fvi_onnx_out *out, const char *op_type, const char *part, fvi_onnx_form form)
{
    return part == NULL ? fvi_onnx_last(out, op_type, form) : fvi_onnx_part(out, op_type, part);
}

const char *fvi_onnx_unary(fvi_onnx_out *out, const char *op_type, const char *part, fvi_onnx_form form, const char *x)
{
    fvi_onnx_op *op = begin(out, op_type, part, form);
    fvi_onnx_input(out, op, x);
    return fvi_onnx_output(op);
}

const char *fvi_onnx_binary(fvi_onnx_out *out, const char *op_type, const char *part, fvi_onnx_form form, const char *a,
                            const char *b)
{
    fvi_onnx_op *op = begin(out, op_type, part, form);
    fvi_onnx_input(out, op, a);
    fvi_onnx_input(out, op, b);
    return fvi_onnx_output(op);
}

const char *fvi_onnx_reshape(fvi_onnx_out *out, const char *part, fvi_onnx_form form, const char *x, int32_t rank,
                             const int64_t *shape)
{
    int64_t whole[FVI_ONNX_RANK] = { 0 }; /* 0: as it is */
    char name[NAME_BYTES];
    memcpy(whole + 1, shape, (size_t)rank * sizeof *shape);
    snprintf(name, sizeof name, "%s%sshape", part != NULL ? part : "", part != NULL ? "_" : "");
    return fvi_onnx_binary(out, "Reshape", part, form, x, fvi_onnx_ints(out, name, rank + 1, whole));
}

const char *fvi_onnx_mean(fvi_onnx_out *out, const char *part, fvi_onnx_form form, const char *x, int32_t count,
                          const int64_t *axes)
{
    enum { AXES_INPUT_SINCE = 18 };
    char name[NAME_BYTES];
    fvi_onnx_op *op = begin(out, "ReduceMean", part, form);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_int(out, op, "keepdims", 1);
    snprintf(name, sizeof name, "%s%saxes", part != NULL ? part : "", part != NULL ? "_" : "");
    if (out->opset < AXES_INPUT_SINCE)
        fvi_onnx_set_ints(out, op, "axes", count, axes);
    else
        fvi_onnx_input(out, op, fvi_onnx_ints(out, name, count, axes));
    return fvi_onnx_output(op);
}

const char *fvi_onnx_transpose(fvi_onnx_out *out, const char *part, fvi_onnx_form form, const char *x,
                               const int64_t permutation[FVI_ONNX_RANK])
{
    fvi_onnx_op *op = begin(out, "Transpose", part, form);
    fvi_onnx_input(out, op, x);
    fvi_onnx_set_ints(out, op, "perm", FVI_ONNX_RANK, permutation);
    return fvi_onnx_output(op);
}

#endif
