/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_wire.c - a look at a file's bytes before they are unpacked: that every length lies within what holds it, that messages are
 * not nested without end (unpacking recurses), and that what unpacking takes stands in proportion to the file. An empty message
 * costs two bytes in a file and hundreds in memory.
 * The encoding: https://protobuf.dev/programming-guides/encoding/. Which fields are messages the schema's descriptors say.
 */
#include <string.h>

#include "interchange/onnx/onnx_file.h"

enum { DEEPEST = 48, FIELD_COST = 64, GROWTH = 64, FLOOR = 1 << 20, WIDEST = 64 };

typedef struct scan {
    const fvi_onnx *onnx;
    const unsigned char *start;
    size_t limit, cost; /* bytes of memory */
} scan;

static fv_status broken(const scan *s, const unsigned char *at, const char *what)
{
    return fvi_onnx_fail_file(s->onnx, FV_ERR_FORMAT, "byte %zu: %s; the file is damaged, or not ONNX",
                              (size_t)(at - s->start), what);
}

static fv_status charge(scan *s, const unsigned char *at, size_t bytes)
{
    if (bytes > s->limit - s->cost)
        return broken(s, at, "to unpack what is before it would take far more memory than the file is large");
    s->cost += bytes;
    return FV_OK;
}

/* At most ten bytes, seven bits each, the lowest first. */
static fv_status read_varint(const scan *s, const unsigned char **at, const unsigned char *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70 && *at < end; shift += 7) {
        const unsigned char byte = *(*at)++;
        if (shift < 64)
            *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return FV_OK;
    }
    return broken(s, *at, "a number without an end");
}

static fv_status scan_message(scan *s, const ProtobufCMessageDescriptor *type, const unsigned char *at,
                              const unsigned char *end, int32_t depth);

/* A field with a length: text, bytes, packed numbers or a message. */
static fv_status scan_content(scan *s, const ProtobufCFieldDescriptor *field, const unsigned char *at, size_t length,
                              int32_t depth)
{
    if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessageDescriptor *inner = field->descriptor;
        return scan_message(s, inner, at, at + length, depth + 1);
    }
    /* A packed number takes a byte in the file and up to eight in memory; fixed ones as many as in the file. */
    const bool is_packed_varint = field != NULL && field->label == PROTOBUF_C_LABEL_REPEATED &&
                                  (field->type == PROTOBUF_C_TYPE_INT32 || field->type == PROTOBUF_C_TYPE_INT64 ||
                                   field->type == PROTOBUF_C_TYPE_UINT64 || field->type == PROTOBUF_C_TYPE_ENUM);
    return charge(s, at, is_packed_varint ? length * sizeof(uint64_t) : length + 1);
}

/* Merging a message that comes twice copies its lists each time: quadratic, and no writer does it. */
static fv_status check_once(const scan *s, const ProtobufCMessageDescriptor *type,
                            const ProtobufCFieldDescriptor *field, const unsigned char *at, uint64_t *seen)
{
    if (field == NULL || field->label == PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return FV_OK;
    const ptrdiff_t index = field - type->fields;
    if (index >= WIDEST || (*seen >> index & 1) != 0)
        return broken(s, at, "a part that may come once comes twice");
    *seen |= UINT64_C(1) << index;
    return FV_OK;
}

static fv_status scan_field(scan *s, const ProtobufCFieldDescriptor *field, unsigned wire, const unsigned char **at,
                            const unsigned char *end, int32_t depth)
{
    uint64_t value = 0;
    FV_TRY(charge(s, *at, FIELD_COST));
    switch (wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return read_varint(s, at, end, &value);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
    case PROTOBUF_C_WIRE_TYPE_32BIT: {
        const size_t width = wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
        if ((size_t)(end - *at) < width)
            return broken(s, *at, "it ends inside a number");
        *at += width;
        return FV_OK;
    }
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        FV_TRY(read_varint(s, at, end, &value));
        if (value > (uint64_t)(end - *at))
            return broken(s, *at, "a length reaches beyond what holds it");
        FV_TRY(scan_content(s, field, *at, (size_t)value, depth));
        *at += value;
        return FV_OK;
    default:
        return broken(s, *at, "a kind of field that does not exist");
    }
}

static fv_status scan_message(scan *s, const ProtobufCMessageDescriptor *type, const unsigned char *at,
                              const unsigned char *end, int32_t depth)
{
    uint64_t seen = 0;
    if (depth > DEEPEST)
        return broken(s, at, "messages nested more than 48 deep");
    FV_TRY(charge(s, at, type->sizeof_message));
    while (at < end) {
        uint64_t tag = 0;
        FV_TRY(read_varint(s, &at, end, &tag));
        if (tag >> 3 == 0 || tag >> 3 > INT32_MAX >> 3)
            return broken(s, at, "a field number that does not exist");
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
        FV_TRY(check_once(s, type, field, at, &seen));
        FV_TRY(scan_field(s, field, (unsigned)(tag & 7), &at, end, depth));
    }
    return FV_OK;
}

fv_status fvi_onnx_unpack(fvi_onnx *onnx, const unsigned char *bytes, size_t size)
{
    scan s = { .onnx = onnx, .start = bytes };
    if (size == 0)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "the file is empty");
    s.limit = size > (SIZE_MAX - FLOOR) / GROWTH ? SIZE_MAX : size * GROWTH + FLOOR;
    FV_TRY(scan_message(&s, &onnx__model_proto__descriptor, bytes, bytes + size, 0));
    onnx->model = onnx__model_proto__unpack(NULL, size, bytes);
    if (onnx->model == NULL)
        return fvi_onnx_fail_file(onnx, FV_ERR_FORMAT, "the file is damaged, not ONNX, or memory is short");
    return FV_OK;
}
