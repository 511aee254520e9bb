/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo.c - the families of named networks, finding one and building it.
 */
#include "fovea/zoo.h"

#include <string.h>

#include "fovea/text.h"
#include "zoo/zoo_internal.h"

static const fvi_zoo_network *const families[] = {
    fvi_zoo_lenet,        //
    fvi_zoo_lenet_1998,   //
    fvi_zoo_convnetjs,    //
    fvi_zoo_alexnet,      //
    fvi_zoo_vgg,          //
    fvi_zoo_googlenet,    //
    fvi_zoo_bn_inception, //
    fvi_zoo_inception,    //
    fvi_zoo_resnet,       //
    fvi_zoo_cifar_resnet, //
    fvi_zoo_densenet,     //
    fvi_zoo_mobilenet,    //
    fvi_zoo_mlp,          //
    fvi_zoo_small,        //
    fvi_zoo_allconv,      //
    fvi_zoo_prelu,        //
};

enum { FAMILIES = sizeof families / sizeof families[0] };

static const fvi_zoo_network *network_at(int32_t index)
{
    for (size_t i = 0; index >= 0 && i < FAMILIES; i++)
        for (const fvi_zoo_network *network = families[i]; network->build != NULL; network++)
            if (index-- == 0)
                return network;
    return NULL;
}

static const fvi_zoo_network *find_network(const char *name)
{
    for (size_t i = 0; i < FAMILIES; i++)
        for (const fvi_zoo_network *network = families[i]; network->build != NULL; network++)
            if (strcmp(network->entry.name, name) == 0)
                return network;
    return NULL;
}

int32_t fv_zoo_count(void)
{
    int32_t count = 0;
    for (size_t i = 0; i < FAMILIES; i++)
        for (const fvi_zoo_network *network = families[i]; network->build != NULL; network++)
            count++;
    return count;
}

const fv_zoo_entry *fv_zoo_get(int32_t index)
{
    const fvi_zoo_network *network = network_at(index);
    return network != NULL ? &network->entry : NULL;
}

const fv_zoo_entry *fv_zoo_find(const char *name)
{
    const fvi_zoo_network *network = find_network(name);
    return network != NULL ? &network->entry : NULL;
}

static fv_status not_found(fv_context *context, const char *name)
{
    enum { NAMES = 256 };
    const char *names[NAMES];
    int32_t count = 0;
    for (; count < NAMES && count < fv_zoo_count(); count++)
        names[count] = fv_zoo_get(count)->name;
    const char *nearest = fv_nearest_word(name, names, count);
    if (nearest != NULL)
        return fvi_fail(context, FV_ERR_NOT_FOUND, "no network '%s'; did you mean '%s'?", name, nearest);
    return fvi_fail(context, FV_ERR_NOT_FOUND, "no network '%s'; `fovea zoo` lists them", name);
}

/* Whether list, words separated by commas, has the word of this length. */
static bool lists(const char *list, const char *word, size_t length)
{
    while (list != NULL && *list != '\0') {
        const size_t end = strcspn(list, ",");
        if (end == length && memcmp(list, word, length) == 0)
            return true;
        list += end + (list[end] == ',');
    }
    return false;
}

bool fvi_zoo_flag(const fvi_zoo_net *net, const char *name)
{
    return lists(net->flags, name, strlen(name));
}

static fv_status check_flags(fv_context *context, const fv_zoo_entry *entry, const char *flags)
{
    while (*flags != '\0') {
        const size_t end = strcspn(flags, ",");
        if (!lists(entry->flags, flags, end))
            return fvi_fail(context, FV_ERR_ARGUMENT, "network '%s' has no variant '%.*s'; %s%s", entry->name, (int)end,
                            flags, entry->flags != NULL ? "there are: " : "it has none",
                            entry->flags != NULL ? entry->flags : "");
        flags += end + (flags[end] == ',');
    }
    return FV_OK;
}

static fv_status check_options(fv_context *context, const fv_zoo_entry *entry, const fv_zoo_options *options)
{
    const fv_image_shape shape = options->input;
    if (options->classes < 0)
        return fvi_fail(context, FV_ERR_ARGUMENT, "network '%s': %d classes; give at least 1", entry->name,
                        options->classes);
    if (shape.c < 0 || shape.h < 0 || shape.w < 0)
        return fvi_fail(context, FV_ERR_ARGUMENT, "network '%s': an input of %dx%dx%d; each must be at least 1",
                        entry->name, shape.c, shape.h, shape.w);
    if (options->flags != NULL && strcmp(options->flags, "none") != 0)
        FV_TRY(check_flags(context, entry, options->flags));
    return FV_OK;
}

static int32_t or_default(int32_t given, int32_t fallback)
{
    return given > 0 ? given : fallback;
}

static fv_status build_graph(fv_graph *graph, const fvi_zoo_network *network, const fv_zoo_options *options)
{
    const fv_zoo_entry *entry = &network->entry;
    fvi_zoo_net net = {
        .graph = graph,
        .entry = entry,
        .design = network->design,
        .input = { or_default(options->input.c, entry->input.c), or_default(options->input.h, entry->input.h),
                   or_default(options->input.w, entry->input.w) },
        .classes = or_default(options->classes, entry->classes),
        .auxiliary = !options->no_auxiliary,
        .flags = options->flags != NULL ? options->flags : entry->default_flags,
    };
    fv_value output = FV_NO_VALUE;
    FV_TRY(network->build(&net, &output));
    return fv_graph_finish(graph, output);
}

fv_status fv_zoo_build_with(fv_graph **out, fv_context *context, const char *name, const fv_zoo_options *options)
{
    *out = NULL;
    const fv_zoo_options given = options != NULL ? *options : (fv_zoo_options){ 0 };
    const fvi_zoo_network *network = find_network(name);
    if (network == NULL)
        return not_found(context, name);
    FV_TRY(check_options(context, &network->entry, &given));
    fv_graph *graph = NULL;
    FV_TRY(fv_graph_create(&graph, context, name));
    const fv_status status = build_graph(graph, network, &given);
    if (status != FV_OK) {
        fv_graph_destroy(graph);
        return status;
    }
    *out = graph;
    return FV_OK;
}

fv_status fv_zoo_build(fv_graph **out, fv_context *context, const char *name)
{
    return fv_zoo_build_with(out, context, name, NULL);
}
