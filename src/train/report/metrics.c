/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics.c - scores to probabilities, and whether a network and a data set fit together.
 */
#include <float.h>
#include <string.h>

#include "base/math.h"
#include "data/augment/transform.h"
#include "data/dataset_internal.h"
#include "graph/graph_internal.h"
#include "train/train_internal.h"

int64_t fvi_graph_classes(const fv_graph *graph)
{
    const fv_image_shape shape = fv_graph_node(graph, fv_graph_output(graph)).output;
    return (int64_t)shape.c * shape.h * shape.w;
}

bool fvi_graph_gives_probabilities(const fv_graph *graph)
{
    const char *type = fv_graph_node(graph, fv_graph_output(graph)).type;
    return type != NULL && strcmp(type, "softmax") == 0;
}

bool fvi_graph_has_loss(const fv_graph *graph)
{
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++)
        if (fv_graph_node(graph, i).loss)
            return true;
    return false;
}

bool fvi_graph_has_statistics(const fv_graph *graph)
{
    int32_t count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count);
    for (int32_t i = 0; i < count; i++)
        for (int32_t p = 0; p < nodes[i].param_count; p++)
            if (nodes[i].param[p].momentum > 0)
                return true;
    return false;
}

/* Images of the smallest block that has any, of a batch of n: see block_of() in blocks.c. */
static int64_t smallest_block(int64_t n, int32_t blocks)
{
    return n < blocks ? 1 : n / blocks;
}

/* The node that needs most images in a call that trains; how many. */
static const fvi_node *neediest(const fv_graph *graph, int32_t *images)
{
    int32_t count = 0;
    const fvi_node *nodes = fvi_graph_nodes(graph, &count), *found = NULL;
    *images = 1;
    for (int32_t i = 0; i < count; i++) {
        const fvi_layer *layer = nodes[i].layer;
        const int32_t needs = layer->least_images != NULL ? layer->least_images(nodes[i].options, nodes[i].in[0]) : 1;
        if (needs > *images) {
            *images = needs;
            found = &nodes[i];
        }
    }
    return found;
}

fv_status fvi_images_of_epoch(const fv_graph *graph, int32_t batch, int32_t blocks, int64_t images, int64_t *out)
{
    int32_t least = 1;
    const fvi_node *node = neediest(graph, &least);
    const int64_t whole = images < batch ? images : batch, rest = images % batch;
    *out = images;
    if (node != NULL && smallest_block(whole, blocks) < least) {
        const long long had = least == INT32_MAX ? 1 : (long long)smallest_block(whole, blocks);
        return fvi_fail(fv_graph_context(graph), FV_ERR_ARGUMENT,
                        "trainer: %s '%s' cannot train on %lld image%s at a time (a batch of %lld in %d block%s); take "
                        "larger batches, fewer blocks or larger ghost batches",
                        node->layer->name, node->name, had, had == 1 ? "" : "s", (long long)whole, blocks,
                        blocks == 1 ? "" : "s");
    }
    if (node != NULL && rest > 0 && smallest_block(rest, blocks) < least && whole < images)
        *out = images - rest;
    return FV_OK;
}

/* Padding to more than twice the size, or keeping less than half of it, is never what somebody meant. */
static bool size_fits(int32_t image, int32_t input)
{
    return input <= 2 * image && image <= 2 * input;
}

/* To which shorter side images of files are resized: for inputs of 96 pixels and more, 8/7 of the input's (256 for 224, the
 * custom since Krizhevsky 2012); smaller ones keep the grid of the first image where that only has to be cropped or padded. */
static int32_t choose_resize(const fv_graph *graph, const fv_dataset *dataset, fv_image_shape input)
{
    const int32_t shorter = input.h < input.w ? input.h : input.w, longer = input.h < input.w ? input.w : input.h;
    int32_t resize = longer >= 96 ? (longer * 8 + 3) / 7 : longer;
    fv_reader *reader = NULL;
    fv_sample sample;
    if (longer >= 96 || fv_reader_create(&reader, fv_graph_context(graph), dataset) != FV_OK)
        return resize;
    if (fv_reader_read(reader, 0, 0, &sample) == FV_OK) {
        const int32_t small = sample.shape.h < sample.shape.w ? sample.shape.h : sample.shape.w;
        if (size_fits(small, shorter))
            resize = small;
    }
    fv_reader_destroy(reader);
    return resize;
}

fv_preprocess fv_preprocess_fit(const fv_graph *graph, const fv_dataset *dataset)
{
    fv_preprocess preprocess = { .input = fv_graph_node(graph, fv_graph_input(graph)).output,
                                 .classes = fv_dataset_classes(dataset) };
    fv_dataset_statistics(dataset, preprocess.mean, preprocess.deviation);
    if (fv_dataset_shape(dataset).c == 0)
        preprocess.resize = choose_resize(graph, dataset, preprocess.input);
    return preprocess;
}

/* What the network's output must be to learn the data's targets. */
static fv_status check_targets(const fv_graph *graph, const fv_dataset *dataset)
{
    const int64_t outputs = fvi_graph_classes(graph);
    const int32_t classes = fv_dataset_classes(dataset), values = fv_dataset_target_count(dataset);
    if (values > 0 && outputs != values)
        return fvi_fail(fv_graph_context(graph), FV_ERR_SHAPE,
                        "network '%s' gives %lld values, the targets of '%s' have %d", fv_graph_name(graph),
                        (long long)outputs, fv_dataset_name(dataset), values);
    if (values == 0 && outputs != classes)
        return fvi_fail(fv_graph_context(graph), FV_ERR_SHAPE, "network '%s' tells %lld classes apart, '%s' has %d",
                        fv_graph_name(graph), (long long)outputs, fv_dataset_name(dataset), classes);
    return FV_OK;
}

fv_status fvi_check_data(const fv_graph *graph, const fv_dataset *dataset, const fv_preprocess *preprocess)
{
    fv_context *context = fv_graph_context(graph);
    const fv_image_shape input = fv_graph_node(graph, fv_graph_input(graph)).output;
    const fv_image_shape image = fv_dataset_shape(dataset);
    const fv_image_shape prepared = preprocess->input;
    if (prepared.c != input.c || prepared.h != input.h || prepared.w != input.w)
        return fvi_fail(context, FV_ERR_SHAPE, "the preprocessing makes %dx%dx%d images, network '%s' takes %dx%dx%d",
                        prepared.c, prepared.h, prepared.w, fv_graph_name(graph), input.c, input.h, input.w);
    if (fvi_dataset_numeric(dataset)) {
        if ((int64_t)input.c * input.h * input.w != image.w)
            return fvi_fail(context, FV_ERR_SHAPE, "network '%s' takes %lld numbers (%dx%dx%d), '%s' has rows of %d",
                            fv_graph_name(graph), (long long)input.c * input.h * input.w, input.c, input.h, input.w,
                            fv_dataset_name(dataset), image.w);
        return check_targets(graph, dataset);
    }
    if (image.c == 0) /* decoded: each is converted and resized */
        return check_targets(graph, dataset);
    if (image.c != input.c)
        return fvi_fail(
            context, FV_ERR_SHAPE,
            "network '%s' takes images of %d channel%s, those of '%s' have %d; choose other data or another network",
            fv_graph_name(graph), input.c, input.c == 1 ? "" : "s", fv_dataset_name(dataset), image.c);
    if (preprocess->resize == 0 && !fvi_augmentation_resizes(preprocess->transforms) &&
        (!size_fits(image.h, input.h) || !size_fits(image.w, input.w)))
        return fvi_fail(
            context, FV_ERR_SHAPE,
            "network '%s' takes images of %dx%d pixels, those of '%s' have %dx%d: too far apart to crop or pad; a "
            "list of transforms with resize (--augment resize) brings them there",
            fv_graph_name(graph), input.h, input.w, fv_dataset_name(dataset), image.h, image.w);
    return check_targets(graph, dataset);
}

void fvi_scores_to_probabilities(int64_t rows, int64_t classes, float *scores)
{
    for (int64_t row = 0; row < rows; row++, scores += classes) {
        const double top = (double)scores[fvi_largest(scores, classes)];
        double sum = 0;
        for (int64_t i = 0; i < classes; i++)
            sum += fvi_exp((double)scores[i] - top);
        for (int64_t i = 0; i < classes; i++)
            scores[i] = (float)(fvi_exp((double)scores[i] - top) / sum);
    }
}

int32_t fvi_largest(const float *values, int64_t count)
{
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (values[i] > values[best])
            best = i;
    return (int32_t)best;
}

double fvi_cross_entropy(float probability)
{
    return -fvi_log(probability > FLT_MIN ? (double)probability : (double)FLT_MIN);
}
