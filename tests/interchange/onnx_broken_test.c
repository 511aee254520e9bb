/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_broken_test.c - ONNX files that are cut, flipped, absurd or hostile: each is refused with a message that says why, and
 * nothing is made of it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/fovea.h"
#include "support/files.h"
#include "support/test.h"
#include "support/values.h"

#ifdef FVI_HAVE_ONNX

#include "interchange/onnx/onnx_file.h"

enum { MOST = 8 };

static fv_context *make_context(void)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    return context;
}

static fv_status read_bytes(fv_context *context, const unsigned char *bytes, size_t size)
{
    fv_model *model = NULL;
    const fv_status status = fvi_onnx_read_bytes(&model, context, "x.onnx", NULL, bytes, size, NULL);
    if (status == FV_OK)
        fv_model_destroy(model);
    else if (model != NULL || fv_context_message(context)[0] == '\0')
        fail_msg("status %s without a message, or with a model", fv_status_name(status));
    return status;
}

/* Whether reading says `words`. */
static void expect(fv_context *context, const unsigned char *bytes, size_t size, const char *words)
{
    const fv_status status = read_bytes(context, bytes, size);
    if (status == FV_OK || strstr(fv_context_message(context), words) == NULL)
        fail_msg("expected '%s', got %s: %s", words, fv_status_name(status),
                 status == FV_OK ? "" : fv_context_message(context));
}

/* A model under construction: conv of 1x1 over [n, 2, 3, 3]; tests spoil what they want. */
typedef struct made {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__NodeProto node[MOST], *nodes[MOST];
    Onnx__TensorProto weight[MOST], *weights[MOST];
    Onnx__ValueInfoProto input, output, *inputs[1], *outputs[1];
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dim[4], *dims[4];
    char *in[MOST][2], *out[MOST][1];
    int64_t sizes[MOST][4];
    float values[8];
} made;

static void add_node(made *m, const char *type, char *x, char *w, char *y)
{
    const size_t i = m->graph.n_node++;
    onnx__node_proto__init(&m->node[i]);
    m->nodes[i] = &m->node[i];
    m->node[i].op_type = (char *)(uintptr_t)type;
    m->in[i][0] = x;
    m->in[i][1] = w;
    m->out[i][0] = y;
    m->node[i].input = m->in[i];
    m->node[i].n_input = w != NULL ? 2 : 1;
    m->node[i].output = m->out[i];
    m->node[i].n_output = 1;
}

static void add_weight(made *m, char *name, const int64_t size[4], void *bytes, size_t count)
{
    const size_t i = m->graph.n_initializer++;
    onnx__tensor_proto__init(&m->weight[i]);
    m->weights[i] = &m->weight[i];
    m->weight[i].name = name;
    m->weight[i].has_data_type = 1;
    m->weight[i].data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    memcpy(m->sizes[i], size, sizeof m->sizes[i]);
    m->weight[i].dims = m->sizes[i];
    m->weight[i].n_dims = 4;
    m->weight[i].has_raw_data = 1;
    m->weight[i].raw_data = (ProtobufCBinaryData){ .len = count, .data = bytes };
}

static void make(made *m)
{
    memset(m, 0, sizeof *m);
    onnx__model_proto__init(&m->model);
    onnx__graph_proto__init(&m->graph);
    onnx__operator_set_id_proto__init(&m->opset);
    onnx__value_info_proto__init(&m->input);
    onnx__value_info_proto__init(&m->output);
    onnx__type_proto__init(&m->type);
    onnx__type_proto__tensor__init(&m->tensor);
    onnx__tensor_shape_proto__init(&m->shape);
    for (size_t i = 0; i < 4; i++) {
        onnx__tensor_shape_proto__dimension__init(&m->dim[i]);
        m->dim[i].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        m->dim[i].dim_value = i == 1 ? 2 : 3;
        m->dims[i] = &m->dim[i];
    }
    m->opset.has_version = 1;
    m->opset.version = 13;
    m->opsets[0] = &m->opset;
    m->model.opset_import = m->opsets;
    m->model.n_opset_import = 1;
    m->model.graph = &m->graph;
    m->shape.dim = m->dims;
    m->shape.n_dim = 4;
    m->tensor.has_elem_type = 1;
    m->tensor.elem_type = 1;
    m->tensor.shape = &m->shape;
    m->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    m->type.tensor_type = &m->tensor;
    m->input.name = (char *)"x";
    m->input.type = &m->type;
    m->output.name = (char *)"y";
    m->inputs[0] = &m->input;
    m->outputs[0] = &m->output;
    m->graph.node = m->nodes;
    m->graph.initializer = m->weights;
    m->graph.input = m->inputs;
    m->graph.output = m->outputs;
    m->graph.n_input = m->graph.n_output = 1;
    add_weight(m, (char *)"w", (const int64_t[4]){ 4, 2, 1, 1 }, m->values, sizeof m->values);
    add_node(m, "Conv", (char *)"x", (char *)"w", (char *)"y");
}

static void expect_made(fv_context *context, const made *m, const char *words)
{
    const size_t size = onnx__model_proto__get_packed_size(&m->model);
    unsigned char *bytes = malloc(size);
    onnx__model_proto__pack(&m->model, bytes);
    if (words != NULL)
        expect(context, bytes, size, words);
    else if (read_bytes(context, bytes, size) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    free(bytes);
}

FV_TEST(onnx_broken, cut_anywhere)
{
    fv_context *context = make_context();
    size_t size = 0;
    unsigned char *bytes = test_file_read(FVI_TEST_SOURCE "/golden/onnx", "channels-last.onnx", &size);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *part = malloc(cut + 1); /* of its own, so that a sanitizer sees its end */
        memcpy(part, bytes, cut);
        (void)read_bytes(context, part, cut); /* a cut between fields may leave a smaller model */
        free(part);
    }
    assert_int_equal(read_bytes(context, bytes, size), FV_OK);
    free(bytes);
    fv_context_destroy(context);
}

FV_TEST(onnx_broken, a_bit_flipped)
{
    static const char *const names[] = { "channels-last.onnx", "opset7.onnx", "types.onnx", "shuffle-legacy.onnx" };
    fv_context *context = make_context();
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        size_t size = 0;
        unsigned char *bytes = test_file_read(FVI_TEST_SOURCE "/golden/onnx", names[k], &size);
        for (size_t i = 0; i < size; i += 2) {
            const unsigned char flip = (unsigned char)(1u << test_hash((uint32_t)i, 1) % 8);
            bytes[i] ^= flip;
            (void)read_bytes(context, bytes, size);
            bytes[i] ^= flip;
        }
        free(bytes);
    }
    fv_context_destroy(context);
}

/* Messages inside each other: attribute.g of nodes of graphs, so many levels that unpacking would overflow the stack. */
FV_TEST(onnx_broken, nested_without_end)
{
    enum { LEVELS = 20000 };
    /* GraphProto.node, NodeProto.attribute, AttributeProto.g */
    static const unsigned char fields[] = { 0x0a, 0x2a, 0x32 };
    fv_context *context = make_context();
    unsigned char *bytes = malloc(LEVELS * 6);
    size_t start = LEVELS * 6, size = 0;
    for (size_t level = 0; level < LEVELS; level++) { /* from the inside out: a length before, then the field */
        unsigned char length[5];
        size_t count = 0;
        for (size_t rest = size; count == 0 || rest != 0; rest >>= 7)
            length[count++] = (unsigned char)((rest & 0x7f) | (rest >> 7 != 0 ? 0x80 : 0));
        start -= count + 1;
        bytes[start] = level + 1 == LEVELS ? 0x3a : fields[(LEVELS - 2 - level) % 3];
        memcpy(bytes + start + 1, length, count);
        size += count + 1;
    }
    expect(context, bytes + start, size, "nested more than");
    free(bytes);
    fv_context_destroy(context);
}

/* Two bytes for an empty node, hundreds in memory. */
FV_TEST(onnx_broken, small_file_large_memory)
{
    enum { NODES = 1 << 20 };
    fv_context *context = make_context();
    unsigned char *bytes = calloc(NODES + 4, 2);
    bytes[0] = 0x3a; /* ModelProto.graph, 2^21 bytes */
    bytes[1] = bytes[2] = bytes[3] = 0x80;
    bytes[4] = 0x01;
    for (size_t i = 0; i < NODES; i++)
        bytes[5 + 2 * i] = 0x0a;
    expect(context, bytes, 5 + 2 * NODES, "far more memory");
    free(bytes);
    fv_context_destroy(context);
}

FV_TEST(onnx_broken, shapes_that_do_not_fit)
{
    fv_context *context = make_context();
    made m;
    make(&m);
    expect_made(context, &m, NULL);
    m.sizes[0][1] = 3;
    m.weight[0].raw_data.len = 0;
    expect_made(context, &m, "12 elements of float, the file 0 bytes");
    m.sizes[0][0] = INT64_MAX / 2;
    expect_made(context, &m, "negative or too large");
    m.sizes[0][0] = -4;
    expect_made(context, &m, "negative or too large");
    make(&m);
    m.sizes[0][0] = 2;
    m.sizes[0][1] = 4;
    expect_made(context, &m, "its weights 'w' are for 4 channels");
    make(&m);
    m.weight[0].n_dims = 3;
    m.sizes[0][0] = 8;
    m.sizes[0][1] = 1;
    expect_made(context, &m, "has the shape [8, 1, 1], not [-1, -1, -1, -1]");
    make(&m);
    m.dim[2].dim_value = INT64_MAX;
    expect_made(context, &m, "has size 9223372036854775807");
    make(&m);
    m.dim[2].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE__NOT_SET;
    expect_made(context, &m, "with sizes that are open");
    fv_context_destroy(context);
}

FV_TEST(onnx_broken, names_that_do_not_fit)
{
    fv_context *context = make_context();
    made m;
    make(&m);
    add_node(&m, "Relu", (char *)"x", NULL, (char *)"y");
    expect_made(context, &m, "'y' is defined twice");
    make(&m);
    add_weight(&m, (char *)"w", (const int64_t[4]){ 4, 2, 1, 1 }, m.values, sizeof m.values);
    expect_made(context, &m, "'w' is defined twice");
    make(&m);
    m.in[0][0] = (char *)"a"; /* a = Relu(y), y = Conv(a) */
    add_node(&m, "Relu", (char *)"y", NULL, (char *)"a");
    expect_made(context, &m, "'a' is given by nothing before it");
    make(&m);
    m.output.name = (char *)"z";
    expect_made(context, &m, "no node gives its output 'z'");
    make(&m);
    m.node[0].op_type = (char *)"Convolution";
    expect_made(context, &m, "no layer for these of its operators: Convolution");
    make(&m);
    m.opset.version = 6;
    expect_made(context, &m, "it uses opset 6; this reader knows 7 to 21");
    make(&m);
    m.out[0][0] = (char *)"c";
    add_node(&m, "MatMul", (char *)"c", (char *)"x", (char *)"y");
    expect_made(context, &m, "is computed from the images");
    fv_context_destroy(context);
}

/* External data stay beside the model, in regular files. */
FV_TEST(onnx_broken, external_data_elsewhere)
{
    static const struct {
        const char *location, *offset, *words;
    } cases[] = {
        { "../secret", "0", "must lie in the model's folder" },
        { "/etc/passwd", "0", "must lie in the model's folder" },
        { "inner/../../secret", "0", "must lie in the model's folder" },
        { "link", "0", "it is a link" },
        { "inner", "0", "not a regular file" },
        { "absent", "0", "No such file" },
        { "data", "4", "32 bytes from byte 4 of 'data', which has 32" },
        { "data", "18446744073709551615", "which has 32" },
        { "data", "-1", "the offset '-1'" },
        { "data", "0", NULL },
    };
    char folder[TEST_PATH], path[TEST_PATH];
    const float values[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    fv_context *context = make_context();
    test_folder_make(folder);
    test_file_write(folder, "data", values, sizeof values);
    test_path(path, folder, "link");
    assert_int_equal(symlink("data", path), 0);
    test_path(path, folder, "inner");
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        made m;
        Onnx__StringStringEntryProto entry[2], *entries[2] = { &entry[0], &entry[1] };
        make(&m);
        onnx__string_string_entry_proto__init(&entry[0]);
        onnx__string_string_entry_proto__init(&entry[1]);
        entry[0].key = (char *)"location";
        entry[0].value = (char *)(uintptr_t)cases[i].location;
        entry[1].key = (char *)"offset";
        entry[1].value = (char *)(uintptr_t)cases[i].offset;
        m.weight[0].has_raw_data = 0;
        m.weight[0].has_data_location = 1;
        m.weight[0].data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
        m.weight[0].external_data = entries;
        m.weight[0].n_external_data = 2;
        const size_t size = onnx__model_proto__get_packed_size(&m.model);
        unsigned char *bytes = malloc(size);
        onnx__model_proto__pack(&m.model, bytes);
        fv_model *model = NULL;
        const fv_status status = fvi_onnx_read_bytes(&model, context, "x.onnx", folder, bytes, size, NULL);
        if ((status == FV_OK) != (cases[i].words == NULL) ||
            (status != FV_OK && strstr(fv_context_message(context), cases[i].words) == NULL))
            fail_msg("%s: expected '%s', got %s: %s", cases[i].location, cases[i].words, fv_status_name(status),
                     fv_context_message(context));
        if (cases[i].words == NULL)
            assert_memory_equal(fv_params_values(fv_model_params(model), 0), values, sizeof values);
        fv_model_destroy(model);
        free(bytes);
    }
    test_path(path, folder, "inner");
    rmdir(path);
    test_folder_remove(folder);
    fv_context_destroy(context);
}

FV_TESTS(onnx_broken, cut_anywhere, a_bit_flipped, nested_without_end, small_file_large_memory, shapes_that_do_not_fit,
         names_that_do_not_fit, external_data_elsewhere)

#else

FV_TEST(onnx_broken, needs_onnx)
{
    test_skip("built without ONNX");
}

FV_TESTS(onnx_broken, needs_onnx)

#endif
