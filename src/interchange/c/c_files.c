/* SPDX-License-Identifier: Apache-2.0
 *
 * c_files.c - the files: <path>.h, <path>.c and <path>.bin.
 */
#include "interchange/c/c_files.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

enum { PIECE = 1 << 20 /* text that is written at a time */, SUFFIX = 4 };

/* A file that is written piece by piece. */
typedef struct output {
    fvi_writer writer;
    fvi_text_buffer text;
    size_t written;
} output;

static fv_status flush(output *out)
{
    FV_TRY(out->text.status);
    const size_t bytes = out->text.used;
    out->text.used = 0;
    out->written += bytes;
    return bytes > 0 ? fvi_writer_append(&out->writer, out->text.bytes, bytes) : FV_OK;
}

static fv_status open_output(output *out, fv_context *context, const char *path, const char *suffix)
{
    *out = (output){ .text = { .context = context } };
    const size_t length = strlen(path);
    char *name = fvi_allocate(context, length + SUFFIX + 1);
    if (name == NULL)
        return fvi_out_of_memory(context, "a path", length + SUFFIX + 1);
    snprintf(name, length + SUFFIX + 1, "%s%s", path, suffix);
    const fv_status status = fvi_writer_open(&out->writer, context, name);
    fvi_release(context, name);
    return status;
}

static fv_status close_output(output *out, fv_status status)
{
    if (status == FV_OK)
        status = flush(out);
    if (status == FV_OK)
        status = fvi_writer_commit(&out->writer);
    else
        fvi_writer_discard(&out->writer);
    fvi_release(out->text.context, out->text.bytes);
    return status;
}

static int64_t integer_at(const fvi_c_constant *constant, int64_t i)
{
    switch (constant->type) {
    case FVI_C_I8:
        return ((const int8_t *)constant->values)[i];
    case FVI_C_I16:
        return ((const int16_t *)constant->values)[i];
    case FVI_C_I32:
        return ((const int32_t *)constant->values)[i];
    case FVI_C_REAL:
        break;
    }
    return 0;
}

static fv_status write_constant(const fvi_c_program *program, const fvi_c_constant *constant, output *out)
{
    const int64_t in_line = constant->type == FVI_C_REAL ? 8 : 16;
    char text[FVI_C_REAL_TEXT];
    fvi_text_format(&out->text, "static const %s %s_%s[%lld] = {\n", fvi_c_type_name(constant->type), program->name,
                    constant->name, (long long)constant->count);
    for (int64_t i = 0; i < constant->count; i++) {
        if (constant->type == FVI_C_REAL)
            fvi_c_real_text((double)((const float *)constant->values)[i], text);
        else
            snprintf(text, sizeof text, "%lld", (long long)integer_at(constant, i));
        fvi_text_append(&out->text, i % in_line == 0 ? "    " : " ");
        fvi_text_append(&out->text, text);
        fvi_text_append(&out->text, i + 1 == constant->count || i % in_line == in_line - 1 ? ",\n" : ",");
        if (out->text.used > PIECE)
            FV_TRY(flush(out));
    }
    fvi_text_append(&out->text, "};\n\n");
    return out->text.status;
}

/* The list of steps, and what the compiler has to offer. */
static void write_opening(const fvi_c_program *program, fvi_text_buffer *out)
{
    fvi_text_format(out, "/* %s.c - see %s.h. What an image passes, and where the result lies:\n *\n", program->name,
                    program->name);
    for (int32_t s = 0; s < program->step_count; s++) {
        char place[FVI_C_WORD];
        fvi_c_pointer(program, program->steps[s].result, place);
        fvi_text_append(out, " *   ");
        fvi_c_describe(program, &program->steps[s], out);
        fvi_text_format(out, "; %s\n", place);
    }
    fvi_text_format(out, " */\n#include \"%s.h\"\n\n#include <limits.h>\n", program->name);
    if (!fvi_c_fixed(program))
        fvi_text_append(out, "#include <math.h>\n");
    fvi_text_append(out,
                    "\n#if INT_MAX < 2147483647\n#error \"sizes and positions need an int of 32 bits\"\n#endif\n\n");
}

static fv_status write_source(const fvi_c_program *program, output *out)
{
    write_opening(program, &out->text);
    for (size_t i = 0; i < program->constant_count && !program->options->blob; i++)
        FV_TRY(write_constant(program, &program->constants[i], out));
    fvi_c_write_helpers(program, &out->text);
    if (program->functions.bytes != NULL)
        fvi_text_append(&out->text, program->functions.bytes);
    fvi_c_write_predict(program, &out->text);
    fvi_c_write_preprocess(program, &out->text);
    fvi_c_write_self_test(program, &out->text);
    fvi_c_write_class_names(program, &out->text);
    return out->text.status;
}

static void store32(unsigned char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

/* A constant's bytes, little endian, at `bytes`. */
static void store_constant(const fvi_c_constant *constant, unsigned char *bytes)
{
    const size_t size = fvi_c_type_size(constant->type);
    for (int64_t i = 0; i < constant->count; i++) {
        uint32_t word = (uint32_t)integer_at(constant, i);
        if (constant->type == FVI_C_REAL)
            memcpy(&word, (const float *)constant->values + i, sizeof word);
        for (size_t b = 0; b < size; b++)
            bytes[(size_t)i * size + b] = (unsigned char)(word >> (8 * b));
    }
}

/* FNV-1a, as the source computes it. */
static uint32_t checksum(const unsigned char *bytes, size_t count)
{
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ bytes[i]) * 16777619u;
    return sum;
}

static fv_status write_blob(const fvi_c_program *program, const char *path)
{
    fv_context *context = program->context;
    const size_t size = program->blob_bytes + FVI_C_BLOB_HEADER;
    if (size > INT32_MAX)
        return fvi_fail(context, FV_ERR_UNSUPPORTED, "'%s.bin' would have %zu bytes; more than %d are not supported",
                        path, size, INT32_MAX);
    unsigned char *bytes = fvi_allocate_zeroed(context, size, 1);
    if (bytes == NULL)
        return fvi_out_of_memory(context, "a blob of weights", size);
    for (size_t i = 0; i < program->constant_count; i++)
        store_constant(&program->constants[i], bytes + FVI_C_BLOB_HEADER + program->constants[i].blob_at);
    store32(bytes, FVI_C_BLOB_MAGIC);
    store32(bytes + 4, (uint32_t)program->blob_bytes);
    store32(bytes + 8, checksum(bytes + FVI_C_BLOB_HEADER, program->blob_bytes));
    output out;
    fv_status status = open_output(&out, context, path, ".bin");
    if (status == FV_OK)
        status = close_output(&out, fvi_writer_append(&out.writer, bytes, size));
    fvi_release(context, bytes);
    return status;
}

fv_status fvi_c_write_files(fvi_c_program *program, const char *path, size_t *source_bytes)
{
    output out;
    if (program->options->blob)
        FV_TRY(write_blob(program, path));
    FV_TRY(open_output(&out, program->context, path, ".h"));
    fvi_c_write_header(program, &out.text);
    FV_TRY(close_output(&out, out.text.status));
    FV_TRY(open_output(&out, program->context, path, ".c"));
    const fv_status status = close_output(&out, write_source(program, &out));
    *source_bytes = out.written;
    return status;
}
