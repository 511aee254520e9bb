/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write.c - a model as a file of ONNX: its inference form node by node, shapes, and the preprocessing in the metadata.
 * Weights are not copied: protobuf-c packs them from the parameters' memory, through a buffer, into the file.
 */
#include "interchange/onnx/onnx_write.h"

#ifndef FVI_HAVE_ONNX

#include "base/base.h"

fv_status fv_onnx_write(fv_context *context, const char *path, fv_model *model, const fv_onnx_write_options *options)
{
    (void)model;
    (void)options;
    return fvi_fail(context, FV_ERR_UNSUPPORTED,
                    "'%s': this fovea was built without ONNX; install libprotobuf-c-dev, protobuf-c-compiler and "
                    "libonnx-dev, and build again",
                    path);
}

#else

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fovea/inference_form.h"
#include "interchange/learned.h"
#include "interchange/preprocess_json.h"
#include "interchange/self_test.h"

enum { ARENA_BLOCK = 1 << 16, BUFFER_BYTES = 1 << 16, PROPERTIES = 8, DOC_BYTES = 400 };

/* The version of the format that has the operators of that set: the table of ONNX's docs/Versioning.md. Not below 4, since
 * before it every weight had to be an input too. */
static int64_t format_version(int32_t opset)
{
    static const struct {
        int32_t opset, version;
    } first[] = { { 21, 10 }, { 19, 9 }, { 15, 8 }, { 12, 7 }, { 11, 6 }, { 10, 5 } };
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        if (opset >= first[i].opset)
            return first[i].version;
    return 4;
}

/* Layers. */

static fv_status reserve_names(fvi_onnx_out *out, const fvi_node *node, int32_t count)
{
    out->names = json_object();
    for (int32_t i = 0; i < count; i++)
        if (json_object_set_new(out->names, node[i].name, json_true()) != 0)
            return fvi_fail(out->context, FV_ERR_ARGUMENT,
                            "'%s': the layer's name '%.100s' is not UTF-8, or memory is short", out->path,
                            node[i].name);
    return out->names != NULL ? FV_OK : fvi_out_of_memory(out->context, "names", 0);
}

static void write_layer(fvi_onnx_out *out, const fvi_node *node)
{
    const fvi_onnx_layer *layer = fvi_onnx_layer_find(node->layer->name);
    if (layer == NULL || layer->write == NULL)
        fvi_onnx_fail(out, FV_ERR_UNSUPPORTED, "ONNX has no operators for this layer: %s",
                      layer != NULL ? layer->refused : "a type from outside the library");
    else
        layer->write(out, node);
}

/* The network's answer as the file gives it: a vector where it is one. */
static const char *write_output(fvi_onnx_out *out, bool softmax, Onnx__ValueInfoProto **info)
{
    const fv_image_shape shape = out->node->out;
    const bool vector = shape.h == 1 && shape.w == 1;
    const fvi_onnx_form form = vector ? FVI_ONNX_VECTOR : FVI_ONNX_IMAGE;
    const char *name = fvi_onnx_take_value(out, out->at, form);
    if (softmax)
        name = fvi_onnx_softmax_of(out, "Softmax", "probabilities", form, name, shape);
    else if (fv_graph_input(out->graph) == out->value[out->at].same)
        name = fvi_onnx_unary(out, "Identity", "output", form, name);
    *info = fvi_onnx_value_info(out, name, shape, form);
    return name;
}

static fv_status write_layers(fvi_onnx_out *out, bool softmax, Onnx__GraphProto *made)
{
    int32_t count = 0;
    const fvi_node *node = fvi_graph_nodes(out->graph, &count);
    const fv_value input = fv_graph_input(out->graph), output = fv_graph_output(out->graph);
    fvi_onnx_form form = FVI_ONNX_IMAGE; /* of the input */
    Onnx__ValueInfoProto **ends = fvi_onnx_memory(out, 2, sizeof *ends);
    out->value = fvi_onnx_memory(out, (size_t)count, sizeof *out->value);
    if (out->status == FV_OK)
        out->status = reserve_names(out, node, count);
    for (int32_t i = 0; out->status == FV_OK && i < count; i++) {
        out->at = i;
        out->node = &node[i];
        out->value[i].same = i;
        write_layer(out, &node[i]);
        if (i == input && out->value[i].name[FVI_ONNX_VECTOR] != NULL)
            form = FVI_ONNX_VECTOR;
        fvi_onnx_write_stored(out);
    }
    if (out->status != FV_OK)
        return out->status;
    out->at = output;
    out->node = &node[output];
    ends[0] = fvi_onnx_value_info(out, node[input].name, node[input].out, form);
    const char *name = write_output(out, softmax, &ends[1]);
    if (out->status != FV_OK)
        return out->status;
    /* Shapes of all values but the output, which has one already. */
    size_t kept = 0;
    for (size_t i = 0; i < out->shapes.count; i++)
        if (strcmp(((Onnx__ValueInfoProto *)out->shapes.item[i])->name, name) != 0)
            out->shapes.item[kept++] = out->shapes.item[i];
    *made = (Onnx__GraphProto)ONNX__GRAPH_PROTO__INIT;
    made->n_node = out->op.count;
    made->node = (Onnx__NodeProto **)out->op.item;
    made->n_initializer = out->initializer.count;
    made->initializer = (Onnx__TensorProto **)out->initializer.item;
    made->n_value_info = kept;
    made->value_info = (Onnx__ValueInfoProto **)out->shapes.item;
    made->n_input = made->n_output = 1;
    made->input = &ends[0];
    made->output = &ends[1];
    return FV_OK;
}

/* Metadata. */

typedef struct properties {
    Onnx__StringStringEntryProto entry[PROPERTIES], *list[PROPERTIES];
    size_t count;
} properties;

static fv_status add_property(fvi_onnx_out *out, properties *all, const char *key, const char *value)
{
    char *text = fvi_onnx_memory(out, strlen(value) + 1, 1);
    if (text == NULL)
        return out->status;
    strcpy(text, value);
    Onnx__StringStringEntryProto *entry = &all->entry[all->count];
    onnx__string_string_entry_proto__init(entry);
    entry->key = (char *)(uintptr_t)key;
    entry->value = text;
    all->list[all->count++] = entry;
    return FV_OK;
}

/* Takes value over. */
static fv_status add_json(fvi_onnx_out *out, properties *all, const char *key, json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    fv_status status = text != NULL ? add_property(out, all, key, text) : FV_ERR_ARGUMENT;
    if (text == NULL)
        status = fvi_fail(out->context, FV_ERR_ARGUMENT, "'%s': %s is not UTF-8, or memory is short", out->path, key);
    free(text);
    json_decref(value);
    return status;
}

static fv_status add_properties(fvi_onnx_out *out, properties *all, const fvi_onnx_source *source)
{
    json_t *described = source->preprocess != NULL ? fvi_preprocess_write(source->preprocess) : NULL;
    json_t *names = json_incref(json_object_get(described, "class_names"));
    fv_status status = source->preprocess != NULL ? add_json(out, all, "fovea.preprocess", described) : FV_OK;
    if (status == FV_OK && names != NULL)
        status = add_json(out, all, "fovea.classes", json_incref(names));
    if (status == FV_OK && source->self_test != NULL)
        status = add_property(out, all, "fovea." FVI_SELF_TEST, source->self_test);
    json_decref(names);
    return status;
}

/* The file. */

typedef struct file_buffer {
    ProtobufCBuffer base; /* first, as protobuf-c wants it */
    fvi_writer writer;
    fv_status status;
    size_t used;
    unsigned char bytes[BUFFER_BYTES];
} file_buffer;

static void flush(file_buffer *buffer)
{
    if (buffer->status == FV_OK)
        buffer->status = fvi_writer_append(&buffer->writer, buffer->bytes, buffer->used);
    buffer->used = 0;
}

static void append_to_file(ProtobufCBuffer *base, size_t count, const uint8_t *bytes)
{
    file_buffer *buffer = (file_buffer *)base;
    if (count > BUFFER_BYTES - buffer->used)
        flush(buffer);
    if (count > BUFFER_BYTES) {
        if (buffer->status == FV_OK)
            buffer->status = fvi_writer_append(&buffer->writer, bytes, count);
        return;
    }
    memcpy(buffer->bytes + buffer->used, bytes, count);
    buffer->used += count;
}

static fv_status write_file(fvi_onnx_out *out, const Onnx__ModelProto *model)
{
    const size_t bytes = onnx__model_proto__get_packed_size(model);
    if (bytes > INT32_MAX)
        return fvi_fail(out->context, FV_ERR_UNSUPPORTED,
                        "'%s': the model takes %zu bytes, but a file of ONNX holds at most %d (2 GiB); export a "
                        "smaller network",
                        out->path, bytes, INT32_MAX);
    file_buffer *buffer = fvi_allocate(out->context, sizeof *buffer);
    if (buffer == NULL)
        return fvi_out_of_memory(out->context, "a buffer", sizeof *buffer);
    buffer->base.append = append_to_file;
    buffer->used = 0;
    buffer->status = fvi_writer_open(&buffer->writer, out->context, out->path);
    if (buffer->status == FV_OK) {
        onnx__model_proto__pack_to_buffer(model, &buffer->base);
        flush(buffer);
        if (buffer->status == FV_OK)
            buffer->status = fvi_writer_commit(&buffer->writer);
        else
            fvi_writer_discard(&buffer->writer);
    }
    const fv_status status = buffer->status;
    fvi_release(out->context, buffer);
    return status;
}

static int compare_operators(const void *a, const void *b)
{
    return strcmp(((const fv_onnx_operator *)a)->name, ((const fv_onnx_operator *)b)->name);
}

/* Counts the operators for the caller, in the order of their names. */
static void tell_operators(fvi_onnx_out *out, const fv_onnx_write_options *options)
{
    fv_onnx_operator *list = fvi_onnx_memory(out, out->op.count + 1, sizeof *list);
    int32_t count = 0;
    for (size_t i = 0; list != NULL && i < out->op.count; i++) {
        const char *name = ((const fvi_onnx_op *)out->op.item[i])->op_type;
        int32_t at = 0;
        while (at < count && strcmp(list[at].name, name) != 0)
            at++;
        if (at == count)
            list[count++] = (fv_onnx_operator){ .domain = "", .name = name, .opset = out->opset };
        list[at].count++;
    }
    if (list == NULL)
        return;
    qsort(list, (size_t)count, sizeof *list, compare_operators);
    options->operators(options->user, list, count);
}

static fv_status write_model(fvi_onnx_out *out, const fv_onnx_write_options *options, const fvi_onnx_source *source,
                             properties *all)
{
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto set = ONNX__OPERATOR_SET_ID_PROTO__INIT, *sets[] = { &set };
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    char doc[DOC_BYTES];
    FV_TRY(write_layers(out, options->softmax, &graph));
    FV_TRY(add_properties(out, all, source));
    snprintf(doc, sizeof doc,
             "%.200s in the form for inference%s. How pixels become the input: metadata, fovea.preprocess.",
             fv_graph_name(out->graph), options->softmax ? ", with probabilities as its output" : "");
    graph.name = (char *)(uintptr_t)(fv_graph_name(out->graph)[0] != '\0' ? fv_graph_name(out->graph) : "network");
    set.has_version = model.has_ir_version = true;
    set.domain = (char *)(uintptr_t) "";
    set.version = out->opset;
    model.ir_version = format_version(out->opset);
    model.n_opset_import = 1;
    model.opset_import = sets;
    model.producer_name = (char *)(uintptr_t) "fovea";
    model.producer_version = (char *)(uintptr_t)fv_version();
    model.doc_string = doc;
    model.graph = &graph;
    model.n_metadata_props = all->count;
    model.metadata_props = all->list;
    FV_TRY(write_file(out, &model));
    if (options->operators != NULL)
        tell_operators(out, options);
    return out->status;
}

static fv_status write_form(fvi_onnx_out *out, const fv_onnx_write_options *options, const fvi_onnx_source *source)
{
    properties all = { .count = 0 };
    onnx__node_proto__init(&out->nowhere);
    FV_TRY(fvi_arena_create(&out->arena, out->context, ARENA_BLOCK));
    const fv_status status = write_model(out, options, source, &all);
    json_decref(out->names);
    fvi_arena_destroy(out->arena);
    return status;
}

fv_status fvi_onnx_write(fv_context *context, const char *path, const fvi_onnx_source *source,
                         const fv_onnx_write_options *given)
{
    const fv_onnx_write_options none = { 0 }, *options = given != NULL ? given : &none;
    const fv_inference_form_options form = { .keep_batch_norm = options->keep_batch_norm };
    const int32_t opset = options->opset == 0 ? FVI_ONNX_OPSET : options->opset;
    fv_graph *graph = NULL;
    fv_params *values = NULL;
    if (opset < FVI_ONNX_OLDEST || opset > FVI_ONNX_NEWEST)
        return fvi_fail(context, FV_ERR_ARGUMENT, "'%s': opset %d of ONNX; fovea writes %d to %d", path, opset,
                        FVI_ONNX_OLDEST, FVI_ONNX_NEWEST);
    if (fv_params_dtype(source->params) != FV_F32)
        return fvi_fail(context, FV_ERR_ARGUMENT, "'%s': values are %s; copy them to f32 first (fv_params_copy())",
                        path, fv_dtype_name(fv_params_dtype(source->params)));
    FV_TRY(fv_inference_form(&graph, &values, source->params, &form));
    fvi_onnx_out out = { .context = context, .path = path, .graph = graph, .params = values, .opset = opset };
    const fv_status status = write_form(&out, options, source);
    fv_params_destroy(values);
    fv_graph_destroy(graph);
    return status;
}

/* The softmax over the channels of the scores of one image, in their place. */
static void make_probabilities(float *scores, fv_image_shape shape)
{
    const size_t pixels = (size_t)shape.h * (size_t)shape.w, count = pixels * (size_t)shape.c;
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        double largest = (double)scores[pixel], sum = 0;
        for (size_t i = pixel; i < count; i += pixels)
            largest = fmax(largest, (double)scores[i]);
        for (size_t i = pixel; i < count; i += pixels)
            sum += exp((double)scores[i] - largest);
        for (size_t i = pixel; i < count; i += pixels)
            scores[i] = (float)(exp((double)scores[i] - largest) / sum);
    }
}

/* What the file's own output must be for the input of a seed: *text is NULL where a network has no such test. */
static fv_status make_self_test(fv_context *context, fv_model *model, bool softmax, char **text)
{
    const fv_graph *graph = fv_model_graph(model);
    if (fv_graph_is_quantized(graph))
        return FV_OK; /* a model's is of its weights in float32, but the file computes on bytes */
    fv_self_test test;
    FV_TRY(fv_self_test_of_model(&test, model));
    if (test.count == 0)
        FV_TRY(fv_self_test_make(&test, fv_model_params(model), fv_model_preprocess(model), FVI_SELF_TEST_SEED));
    if (softmax && test.count > 0)
        make_probabilities(test.output, fv_graph_node(graph, fv_graph_output(graph)).output);
    const fv_status status = test.count > 0 ? fv_self_test_to_json(&test, context, text) : FV_OK;
    fv_self_test_release(context, &test);
    return status;
}

/* Metadata are texts, which numbers by the million are not. */
static fv_status warn_of_learned(fv_context *context, const char *path, const fv_preprocess *preprocess)
{
    fvi_learned_tensors learned;
    FV_TRY(fvi_learned_list(&learned, context, path, preprocess->transforms));
    if (learned.count > 0)
        fvi_log_message(context, FV_LOG_WARNING,
                        "'%s': what the transforms of its preprocessing have learned (%s) is not in the file; keep the "
                        "model",
                        path, fv_augmentation_text(preprocess->transforms));
    return FV_OK;
}

fv_status fv_onnx_write(fv_context *context, const char *path, fv_model *model, const fv_onnx_write_options *options)
{
    fvi_onnx_source source = { .params = fv_model_params(model), .preprocess = fv_model_preprocess(model) };
    char *self_test = NULL;
    FV_TRY(warn_of_learned(context, path, source.preprocess));
    FV_TRY(make_self_test(context, model, options != NULL && options->softmax, &self_test));
    source.self_test = self_test;
    const fv_status status = fvi_onnx_write(context, path, &source, options);
    fv_text_release(context, self_test);
    return status;
}

#endif
