/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_yaml_write.c - a graph as a YAML description that reads back to the same nodes: names, types, attributes and inputs.
 * Nodes become a flat list in their order. What reading supplies is left out: names that a layer would get anyway, inputs where a
 * layer reads the one before it, attributes that are not set, the bias that batch_norm makes a convolution lose.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_buffer.h"
#include "fovea/model.h"
#include "graph/graph_internal.h"
#include "interchange/attributes.h"

enum { COLUMNS = 120, NUMBER_BYTES = 64 };

typedef struct writer {
    const fv_graph *graph;
    const fvi_node *nodes;
    int32_t count;
    fvi_text_buffer text;
    size_t line;            /* where the last one starts */
    json_t *seen, *numbers; /* names so far, and the last number of each type, as the reader counts */
} writer;

static void put(writer *w, const char *text)
{
    fvi_text_append(&w->text, text);
}

static void start_line(writer *w, const char *text)
{
    put(w, "\n");
    w->line = w->text.used;
    put(w, text);
}

/* A comma, and a new line when the next `length` columns would not fit. */
static void put_comma(writer *w, size_t length)
{
    put(w, ",");
    if (w->text.used - w->line + length + 3 > COLUMNS)
        start_line(w, "      ");
    else
        put(w, " ");
}

/* Letters, digits and some marks that YAML takes for nothing else. */
static bool is_plain(const char *text)
{
    static const char *const others[] = { "true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL",
                                          "yes",  "no",   "on",   "off",   "y",     "n",     "Yes",  "No",   NULL };
    if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || *text == '_'))
        return false;
    for (int i = 0; others[i] != NULL; i++)
        if (strcmp(text, others[i]) == 0)
            return false;
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+")] == '\0';
}

/* Quoted where it must be. is_name: braces are doubled, so that they are not taken for expressions. What is not ASCII is escaped where
 * YAML does not print it: C1 controls (C2 80 to C2 9F), U+2028 and U+2029, U+FEFF. */
static void put_text(writer *w, const char *text, bool is_name)
{
    char escaped[16];
    if (is_plain(text)) {
        put(w, text);
        return;
    }
    put(w, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        const bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
        const bool separator = c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9);
        const bool mark = c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf;
        escaped[0] = (char)c[0];
        escaped[1] = '\0';
        if (*c == '"' || *c == '\\' || (is_name && (*c == '{' || *c == '}')))
            snprintf(escaped, sizeof escaped, "%c%c", *c == '"' ? '\\' : *c, *c);
        else if (c1)
            snprintf(escaped, sizeof escaped, "\\x%02X", (unsigned)c[1]);
        else if (separator || mark)
            snprintf(escaped, sizeof escaped, "\\u%s", mark ? "FEFF" : c[2] == 0xa8 ? "2028" : "2029");
        c += c1 ? 1 : separator || mark ? 2 : 0;
        put(w, escaped);
    }
    put(w, "\"");
}

/* The shortest of 15 to 17 digits that reads back the same; jansson writes a point in every locale. */
static void put_number(writer *w, const json_t *value)
{
    char text[NUMBER_BYTES] = "";
    for (size_t digits = 15; digits <= 17; digits++) {
        const size_t length = json_dumpb(value, text, sizeof text - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
        text[length < sizeof text ? length : 0] = '\0';
        json_t *back = json_loads(text, JSON_DECODE_ANY, NULL);
        const bool same = json_equal(back, value) != 0;
        json_decref(back);
        if (same)
            break;
    }
    put(w, text);
}

static void put_value(writer *w, const json_t *value);

static void put_list(writer *w, const json_t *list, size_t count)
{
    put(w, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put_comma(w, 8);
        put_value(w, json_array_get(list, i));
    }
    put(w, "]");
}

static void put_map(writer *w, const json_t *map)
{
    const char *separator = "";
    const char *key = NULL;
    json_t *value = NULL;
    put(w, "{");
    json_object_foreach((json_t *)(uintptr_t)map, key, value) /* it only looks */
    {
        put(w, separator);
        put(w, key);
        put(w, ": ");
        put_value(w, value);
        separator = ", ";
    }
    put(w, "}");
}

static void put_value(writer *w, const json_t *value)
{
    if (json_is_array(value))
        put_list(w, value, json_array_size(value));
    else if (json_is_object(value))
        put_map(w, value);
    else if (json_is_string(value))
        put_text(w, json_string_value(value), false);
    else if (json_is_boolean(value))
        put(w, json_is_true(value) ? "true" : "false");
    else
        put_number(w, value);
}

static const fvi_attribute *find_attribute(const fvi_layer *layer, const char *name)
{
    for (const fvi_attribute *attribute = layer->attributes; attribute != NULL && attribute->name != NULL; attribute++)
        if (strcmp(attribute->name, name) == 0)
            return attribute;
    return NULL;
}

/* Whether each value is the number that the attribute's default is: a builder may write out what a zero would mean. */
static bool is_written_out_default(const fvi_attribute *attribute, const json_t *value)
{
    if (attribute->fallback == NULL || attribute->required ||
        (attribute->type != FVI_ATTRIBUTE_INT && attribute->type != FVI_ATTRIBUTE_REAL))
        return false;
    json_t *fallback = json_loads(attribute->fallback, JSON_DECODE_ANY, NULL); /* NULL: words, as "the kernel's size" */
    bool same = json_is_number(fallback);
    if (!json_is_array(value))
        same = same && json_number_value(value) == json_number_value(fallback);
    for (size_t i = 0; i < json_array_size(value); i++)
        same = same && json_number_value(json_array_get(value, i)) == json_number_value(fallback);
    json_decref(fallback);
    return same;
}

/* Two that are the same are written as one, four that repeat as two; an initialiser of which only the kind is set, as its word. */
static void put_attribute(writer *w, const fvi_attribute *attribute, const json_t *value)
{
    const json_t *kind = json_object_get(value, "kind");
    size_t written = json_array_size(value);
    if (attribute != NULL && attribute->type == FVI_ATTRIBUTE_INT && (written == 2 || written == 4)) {
        while (written % 2 == 0 && json_equal(json_array_get(value, 0), json_array_get(value, written / 2)) != 0 &&
               json_equal(json_array_get(value, written / 2 - 1), json_array_get(value, written - 1)) != 0)
            written /= 2;
    }
    if (kind != NULL && json_object_size(value) == 1)
        put_text(w, json_string_value(kind), false);
    else if (json_is_array(value) && written == 1 && json_array_size(value) > 1)
        put_value(w, json_array_get(value, 0));
    else if (json_is_array(value))
        put_list(w, value, written);
    else
        put_value(w, value);
}

/* As the reader names an unnamed layer: "<type><number>". */
static bool is_automatic_name(writer *w, const fvi_node *node)
{
    char name[256];
    json_int_t number = json_integer_value(json_object_get(w->numbers, node->layer->name));
    do
        snprintf(name, sizeof name, "%s%lld", node->layer->name, (long long)++number);
    while (json_object_get(w->seen, name) != NULL);
    if (strcmp(name, node->name) != 0)
        return false;
    json_object_set_new(w->numbers, node->layer->name, json_integer(number));
    return true;
}

/* Between two attributes, or before the first of `open`. */
static void put_key(writer *w, const char **open, const char *key, size_t length)
{
    if (**open != '\0')
        put(w, *open);
    else
        put_comma(w, strlen(key) + 2 + length);
    put(w, key);
    put(w, ": ");
    *open = "";
}

static bool follows_with_batch_norm(const writer *w, int32_t index)
{
    const fvi_node *next = index + 1 < w->count ? &w->nodes[index + 1] : NULL;
    return next != NULL && strcmp(next->layer->name, "batch_norm") == 0 && next->input_count == 1 &&
           next->inputs[0] == index;
}

/* The attributes to be written; the reader lets a convolution before batch_norm go without bias. NULL: no memory. */
static json_t *attributes_of(const writer *w, int32_t index)
{
    const fvi_node *node = &w->nodes[index];
    json_t *object = json_object();
    if (object == NULL ||
        fvi_attributes_write(fv_graph_context(w->graph), node->layer, node->options, object) != FV_OK) {
        json_decref(object);
        return NULL;
    }
    for (const fvi_attribute *attribute = node->layer->attributes; attribute != NULL && attribute->name != NULL;
         attribute++) {
        const json_t *value = json_object_get(object, attribute->name);
        if (value != NULL && is_written_out_default(attribute, value))
            json_object_del(object, attribute->name);
    }
    if (strncmp(node->layer->name, "conv2d", 6) == 0 && find_attribute(node->layer, "no_bias") != NULL &&
        follows_with_batch_norm(w, index)) {
        if (json_object_get(object, "no_bias") != NULL)
            json_object_del(object, "no_bias");
        else
            json_object_set_new(object, "no_bias", json_false());
    }
    return object;
}

static void put_inputs(writer *w, const fvi_node *node)
{
    if (node->input_count == 1) {
        put_text(w, w->nodes[node->inputs[0]].name, true);
        return;
    }
    put(w, "[");
    for (int32_t i = 0; i < node->input_count; i++) {
        const char *name = w->nodes[node->inputs[i]].name;
        if (i > 0)
            put_comma(w, strlen(name));
        put_text(w, name, true);
    }
    put(w, "]");
}

/* "type", or "type: {name: ..., from: ..., key: value}", or for what stands in a list "{type: ...}" without braces. default_name is what
 * an unnamed one is called; NULL: a type and a number. flow: what it reads without `from`. */
static void put_layer(writer *w, int32_t index, const char *default_name, fv_value flow)
{
    const fvi_node *node = &w->nodes[index];
    const char *open = ": {";
    const char *key = NULL;
    json_t *value = NULL, *attributes = attributes_of(w, index);
    if (attributes == NULL && w->text.status == FV_OK)
        w->text.status = fvi_out_of_memory(fv_graph_context(w->graph), "YAML", 0);
    put(w, node->layer->name);
    const bool unnamed = default_name != NULL ? strcmp(node->name, default_name) == 0 : is_automatic_name(w, node);
    if (!unnamed) {
        put_key(w, &open, "name", 0);
        put_text(w, node->name, true);
    }
    if (flow != FV_NO_VALUE && (node->input_count != 1 || node->inputs[0] != flow)) {
        put_key(w, &open, "from", 8);
        put_inputs(w, node);
    }
    json_object_foreach(attributes, key, value)
    {
        put_key(w, &open, key, 12);
        put_attribute(w, find_attribute(node->layer, key), value);
    }
    if (*open == '\0')
        put(w, "}");
    json_decref(attributes);
}

/* "input: [1, 28, 28]", or with its name when it is not called input. */
static void put_input(writer *w, int32_t index)
{
    const fvi_node *node = &w->nodes[index];
    char shape[NUMBER_BYTES];
    snprintf(shape, sizeof shape, "[%d, %d, %d]", (int)node->out.c, (int)node->out.h, (int)node->out.w);
    if (strcmp(node->name, "input") == 0) {
        start_line(w, "input: ");
        put(w, shape);
        return;
    }
    start_line(w, "input: {name: ");
    put_text(w, node->name, true);
    put(w, ", shape: ");
    put(w, shape);
    put(w, "}");
}

/* The loss that `loss:` describes: the last node, when it reads the output, or for softmax_cross_entropy what goes into the softmax that is
 * the output. -1: none. */
static int32_t find_main_loss(const writer *w)
{
    const fvi_node *last = &w->nodes[w->count - 1], *output = &w->nodes[fv_graph_output(w->graph)];
    fv_value scores = fv_graph_output(w->graph);
    if (strcmp(last->layer->name, "softmax_cross_entropy") == 0 && strcmp(output->layer->name, "softmax") == 0)
        scores = output->inputs[0];
    return last->layer->is_loss && last->input_count == 1 && last->inputs[0] == scores ? w->count - 1 : -1;
}

/* Called "loss", every attribute at its default. */
static bool is_bare_loss(const writer *w, int32_t index)
{
    json_t *attributes = attributes_of(w, index);
    const bool bare = json_object_size(attributes) == 0 && strcmp(w->nodes[index].name, "loss") == 0;
    json_decref(attributes);
    return bare;
}

/* What the reader adds when `loss` is not given. Beside another loss it must be asked for. */
static bool is_default_loss(const writer *w, int32_t index)
{
    for (int32_t i = 0; i < index; i++)
        if (w->nodes[i].layer->is_loss)
            return false;
    return is_bare_loss(w, index) && strcmp(w->nodes[index].layer->name, "softmax_cross_entropy") == 0;
}

static void put_end(writer *w, fv_value flow, int32_t loss)
{
    const fv_value output = fv_graph_output(w->graph);
    if (output != flow) {
        start_line(w, "output: ");
        put_text(w, w->nodes[output].name, true);
    }
    if (loss < 0) {
        start_line(w, "loss: none");
    } else if (!is_default_loss(w, loss)) {
        const bool bare = is_bare_loss(w, loss);
        start_line(w, bare ? "loss: " : "loss: {");
        put_layer(w, loss, "loss", FV_NO_VALUE);
        put(w, bare ? "" : "}");
    }
    put(w, "\n");
}

static void put_graph(writer *w)
{
    const int32_t loss = find_main_loss(w);
    fv_value flow = FV_NO_VALUE;
    put(w, "name: ");
    put_text(w, fv_graph_name(w->graph), false);
    for (int32_t i = 0; i < w->count; i++) {
        if (w->nodes[i].layer->is_input) {
            put_input(w, i);
            start_line(w, "layers:");
        } else if (i != loss) {
            start_line(w, "  - ");
            put_layer(w, i, NULL, flow);
        }
        if (!w->nodes[i].layer->is_loss)
            flow = i;
        if (json_object_set_new(w->seen, w->nodes[i].name, json_true()) != 0 && w->text.status == FV_OK)
            w->text.status =
                fvi_fail(fv_graph_context(w->graph), FV_ERR_ARGUMENT,
                         "graph '%s' cannot become YAML: the name of node %d is not UTF-8, or memory is short",
                         fv_graph_name(w->graph), i);
    }
    put_end(w, flow, loss);
}

fv_status fv_graph_to_yaml(const fv_graph *graph, char **text)
{
    writer w = { .graph = graph, .text.context = fv_graph_context(graph) };
    *text = NULL;
    if (fv_graph_output(graph) == FV_NO_VALUE)
        return fvi_fail(fv_graph_context(graph), FV_ERR_STATE, "graph '%s' is not finished: it cannot be written",
                        fv_graph_name(graph));
    w.nodes = fvi_graph_nodes(graph, &w.count);
    w.seen = json_object();
    w.numbers = json_object();
    put_graph(&w);
    json_decref(w.seen);
    json_decref(w.numbers);
    return fvi_text_finish(&w.text, text);
}
