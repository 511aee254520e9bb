/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_tensor.c - the values of a tensor, in whichever of its fields they lie, as float32 or as whole numbers. The shape says
 * how many there must be; a field with more or fewer is an error. Where raw bytes are float32 already, they are used in place.
 */
#include <string.h>

#include "base/bf16.h"
#include "base/checked.h"
#include "interchange/onnx/onnx_file.h"

typedef enum storage { RAW, FLOATS, INT32S, INT64S, DOUBLES, UINT64S } storage;

/* Types of elements: bytes of one in raw data, and the field for those that are not raw. */
typedef struct element {
    int32_t type;
    const char *name;
    size_t bytes;
    bool integer, is_signed;
    storage field;
} element;

static const element elements[] = {
    { 1, "float", 4, false, true, FLOATS },    { 2, "uint8", 1, true, false, INT32S },
    { 3, "int8", 1, true, true, INT32S },      { 4, "uint16", 2, true, false, INT32S },
    { 5, "int16", 2, true, true, INT32S },     { 6, "int32", 4, true, true, INT32S },
    { 7, "int64", 8, true, true, INT64S },     { 9, "bool", 1, true, false, INT32S },
    { 10, "float16", 2, false, true, INT32S }, { 11, "double", 8, false, true, DOUBLES },
    { 12, "uint32", 4, true, false, UINT64S }, { 13, "uint64", 8, true, false, UINT64S },
    { 16, "bfloat16", 2, false, true, INT32S }
};

static const char *name_of(const Onnx__TensorProto *tensor)
{
    return tensor->name != NULL && tensor->name[0] != '\0' ? tensor->name : "of a Constant";
}

/* IEEE 754 binary16: 1, 5 and 10 bits. */
static float half_to_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = half >> 10 & 31u, fraction = half & 1023u;
    uint32_t bits = sign | (exponent + 112) << 23 | fraction << 13;
    float value;
    if (exponent == 0) { /* zero or subnormal: fraction * 2^-24 */
        value = (float)fraction * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    if (exponent == 31)
        bits = sign | 0x7f800000u | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* `size` bytes, the lowest first, as a whole number. */
static uint64_t read_bits(const unsigned char *at, size_t size)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits |= (uint64_t)at[i] << (8 * i);
    return bits;
}

static float real_of(const element *type, uint64_t bits)
{
    double wide;
    float value;
    const uint32_t low = (uint32_t)bits;
    switch (type->type) {
    case 10:
        return half_to_float((uint16_t)bits);
    case 16:
        return fvi_bf16_to_float((uint16_t)bits);
    case 11:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    default:
        memcpy(&value, &low, sizeof value);
        return value;
    }
}

static int64_t whole_of(const element *type, uint64_t bits)
{
    const unsigned unused = 64 - 8 * (unsigned)type->bytes;
    if (!type->is_signed || unused == 0)
        return (int64_t)bits;
    return (int64_t)(bits << unused) >> unused;
}

static fv_status decode_raw(fvi_onnx *onnx, const element *type, unsigned char *bytes, fvi_onnx_constant *out)
{
    void *memory = NULL;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (type->type == 1 && (uintptr_t)bytes % sizeof(float) == 0) {
        out->real = (float *)(void *)bytes;
        return FV_OK;
    }
#endif
    FV_TRY(fvi_onnx_reserve(onnx, out->count, type->integer ? sizeof(int64_t) : sizeof(float), &memory));
    for (int64_t i = 0; i < out->count; i++) {
        const uint64_t bits = read_bits(bytes + (size_t)i * type->bytes, type->bytes);
        if (type->integer)
            ((int64_t *)memory)[i] = whole_of(type, bits);
        else
            ((float *)memory)[i] = real_of(type, bits);
    }
    out->whole = type->integer ? memory : NULL;
    out->real = type->integer ? NULL : memory;
    return FV_OK;
}

/* Where a tensor is not raw its values lie in a list of numbers of their kind. */
static fv_status decode_lists(fvi_onnx *onnx, const element *type, const Onnx__TensorProto *tensor,
                              fvi_onnx_constant *out)
{
    const size_t given = type->field == FLOATS    ? tensor->n_float_data
                         : type->field == INT32S  ? tensor->n_int32_data
                         : type->field == INT64S  ? tensor->n_int64_data
                         : type->field == DOUBLES ? tensor->n_double_data
                                                  : tensor->n_uint64_data;
    void *memory = NULL;
    if (given != (uint64_t)out->count)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "tensor '%.100s': its shape has %lld elements, the file %zu",
                                  name_of(tensor), (long long)out->count, given);
    FV_TRY(fvi_onnx_reserve(onnx, out->count, type->integer ? sizeof(int64_t) : sizeof(float), &memory));
    float *real = memory;
    int64_t *whole = memory;
    for (size_t i = 0; i < given; i++) {
        if (type->field == FLOATS)
            real[i] = tensor->float_data[i];
        else if (type->field == DOUBLES)
            real[i] = (float)tensor->double_data[i];
        else if (!type->integer)
            real[i] = real_of(type, (uint64_t)(uint32_t)tensor->int32_data[i] & 0xffffu);
        else if (type->field == INT32S)
            whole[i] = tensor->int32_data[i];
        else
            whole[i] = type->field == INT64S ? tensor->int64_data[i] : (int64_t)tensor->uint64_data[i];
    }
    out->whole = type->integer ? whole : NULL;
    out->real = type->integer ? NULL : real;
    return FV_OK;
}

static fv_status check_shape(const fvi_onnx *onnx, const Onnx__TensorProto *tensor, fvi_onnx_constant *out)
{
    if (tensor->n_dims > FVI_ONNX_AXES)
        return fvi_onnx_fail_file(onnx, FV_ERR_UNSUPPORTED, "tensor '%.100s' has %zu axes, more than %d",
                                  name_of(tensor), tensor->n_dims, FVI_ONNX_AXES);
    out->rank = (int32_t)tensor->n_dims;
    for (int32_t i = 0; i < out->rank; i++)
        out->size[i] = tensor->dims[i];
    out->count = fvi_onnx_elements(out->rank, out->size);
    if (out->count < 0)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "tensor '%.100s': a size that is negative or too large",
                                  name_of(tensor));
    return FV_OK;
}

static fv_status decode_external(fvi_onnx *onnx, const element *type, const Onnx__TensorProto *tensor,
                                 fvi_onnx_constant *out)
{
    /* What is outside is not in the file's size: it pays for itself, by the bytes that are there. */
    const size_t bytes = (size_t)out->count * type->bytes;
    unsigned char *memory = NULL;
    FV_TRY(fvi_onnx_read_external(onnx, tensor, bytes, NULL)); /* are there so many? */
    memory = fvi_arena_allocate(onnx->arena, bytes + 1);
    if (memory == NULL)
        return fvi_out_of_memory(onnx->context, "external data of an ONNX file", bytes);
    FV_TRY(fvi_onnx_read_external(onnx, tensor, bytes, memory));
    onnx->bytes_left += 8 * bytes;
    return decode_raw(onnx, type, memory, out);
}

fv_status fvi_onnx_decode(fvi_onnx *onnx, const Onnx__TensorProto *tensor, const fvi_onnx_constant **out)
{
    const element *type = NULL;
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (elements[i].type == tensor->data_type)
            type = &elements[i];
    *out = NULL;
    if (type == NULL)
        return fvi_onnx_fail_file(onnx, FV_ERR_UNSUPPORTED,
                                  "tensor '%.100s' has elements of ONNX's type %d, which is not read", name_of(tensor),
                                  tensor->data_type);
    if (tensor->segment != NULL)
        return fvi_onnx_fail_file(onnx, FV_ERR_UNSUPPORTED, "tensor '%.100s' is a segment of another", name_of(tensor));
    fvi_onnx_constant *made = fvi_arena_allocate(onnx->arena, sizeof *made);
    if (made == NULL)
        return fvi_out_of_memory(onnx->context, "a constant", sizeof *made);
    made->integer = type->integer;
    FV_TRY(check_shape(onnx, tensor, made));
    if (tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        FV_TRY(decode_external(onnx, type, tensor, made));
    else if (!tensor->has_raw_data)
        FV_TRY(decode_lists(onnx, type, tensor, made));
    else if (tensor->raw_data.len != (size_t)made->count * type->bytes)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT,
                                  "tensor '%.100s': its shape has %lld elements of %s, the file %zu bytes",
                                  name_of(tensor), (long long)made->count, type->name, tensor->raw_data.len);
    else
        FV_TRY(decode_raw(onnx, type, tensor->raw_data.data, made));
    *out = made;
    return FV_OK;
}

fv_status fvi_onnx_constant_of(fvi_onnx *onnx, fvi_onnx_value *value, const fvi_onnx_constant **out)
{
    *out = NULL;
    if (value != NULL && value->constant == NULL && value->tensor != NULL)
        FV_TRY(fvi_onnx_decode(onnx, value->tensor, &value->constant));
    if (value != NULL)
        *out = value->constant;
    return FV_OK;
}
