/* SPDX-License-Identifier: Apache-2.0
 *
 * network.c - from what a user calls a network to its graph.
 */
#include "fovea/network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fovea/text.h"
#include "fovea/weights.h"
#include "train/train_internal.h"

/* A model file starts with the length of its header (8 bytes) and the header's '{' (docs/formats.md). */
static bool is_model_file(FILE *file)
{
    unsigned char start[9];
    return fread(start, 1, sizeof start, file) == sizeof start && start[8] == '{';
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static fv_status no_such_network(fv_context *context, const char *name)
{
    enum { MOST = 256 };
    const char *words[MOST];
    int32_t count = 0;
    for (; count < fv_zoo_count() && count < MOST; count++)
        words[count] = fv_zoo_get(count)->name;
    const char *nearest = fv_nearest_word(name, words, count);
    return fvi_fail(context, FV_ERR_NOT_FOUND,
                    "'%s' is neither a network of the zoo nor a file%s%s%s (fovea zoo lists the networks)", name,
                    nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                    nearest != NULL ? "'?" : "");
}

/* Whether the graph is what the options ask for, flags apart. */
static bool fits(const fv_graph *graph, const fv_network_options *options)
{
    const fv_image_shape input = fv_graph_node(graph, fv_graph_input(graph)).output;
    const bool same = options->input.c == input.c && options->input.h == input.h && options->input.w == input.w;
    return (options->input.c == 0 || same) && (options->classes == 0 || options->classes == fvi_graph_classes(graph));
}

static fv_status open_model(fv_network *out, fv_context *context, const char *name, const fv_network_options *options)
{
    FV_TRY(fv_model_read(&out->model, context, name));
    out->graph = fv_model_graph(out->model);
    if (fits(out->graph, options) && options->flags == NULL)
        return FV_OK;
    const fv_network_options same_classes = { .input = options->input };
    if (options->new_head && fits(out->graph, &same_classes) && options->flags == NULL) {
        FV_TRY(fv_graph_with_head(&out->owned, out->graph, options->classes));
        out->graph = out->owned;
        return FV_OK;
    }
    return fvi_fail(context, FV_ERR_ARGUMENT,
                    "'%s' is a trained model: --input, --classes and --flags cannot change it", name);
}

static fv_status open_description(fv_network *out, fv_context *context, const char *name,
                                  const fv_network_options *options)
{
    const fv_yaml_options yaml = { .input = options->input, .classes = options->classes };
    if (options->flags != NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "'%s' is a file; --flags are for networks of the zoo", name);
    FV_TRY(fv_graph_read_yaml(&out->owned, context, name));
    if (!fits(out->owned, options)) {
        fv_graph *as_written = out->owned;
        fv_status status = fv_graph_read_yaml_with(&out->owned, context, name, &yaml);
        if (status != FV_OK && options->new_head && options->input.c == 0)
            status = fv_graph_with_head(&out->owned, as_written, options->classes);
        fv_graph_destroy(as_written);
        FV_TRY(status);
    }
    out->graph = out->owned;
    return FV_OK;
}

static fv_status open_file(fv_network *out, fv_context *context, const char *name, const fv_network_options *options)
{
    FILE *file = fopen(name, "rb");
    if (file == NULL && errno == ENOENT)
        return no_such_network(context, name);
    if (file == NULL)
        return fvi_fail(context, FV_ERR_IO, "cannot read '%s': %s", name, strerror(errno));
    const bool is_model = is_model_file(file);
    fclose(file);
    if (is_model || ends_with(name, ".safetensors"))
        return open_model(out, context, name, options);
    return open_description(out, context, name, options);
}

fv_status fv_network_open(fv_network *out, fv_context *context, const char *name, const fv_network_options *options)
{
    const fv_network_options given = options != NULL ? *options : (fv_network_options){ 0 };
    fv_status status = FV_OK;
    *out = (fv_network){ .entry = fv_zoo_find(name) };
    if (out->entry != NULL) {
        const fv_zoo_options zoo = { .classes = given.classes, .input = given.input, .flags = given.flags };
        status = fv_zoo_build_with(&out->owned, context, name, &zoo);
        out->graph = out->owned;
    } else {
        status = open_file(out, context, name, &given);
    }
    if (status != FV_OK)
        fv_network_close(out);
    return status;
}

void fv_network_close(fv_network *network)
{
    fv_graph_destroy(network->owned);
    fv_model_destroy(network->model);
    *network = (fv_network){ 0 };
}
