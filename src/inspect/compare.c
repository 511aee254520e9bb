/* SPDX-License-Identifier: Apache-2.0
 *
 * compare.c - two models on the same images. For each batch the first model runs and its layers' values are kept, then the second runs
 * and each of its values is compared with that of its partner (match.h) as soon as it is there.
 */
#include "fovea/compare.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "exec/look.h"
#include "fovea/loader.h"
#include "fovea/quantize.h"
#include "fovea/self_test.h"
#include "inspect/match.h"
#include "train/train_internal.h"

enum { USUAL_IMAGES = 64, MOST_BATCH = 16 };
static const size_t most_bytes = (size_t)256 << 20;
static const double usual_tolerance = 1e-4;

/* One of the two models. */
typedef struct side {
    fv_model *model;
    const fv_graph *graph;
    fv_plan *plan;
    fv_session *session;
    fv_loader *loader; /* NULL: made-up images */
    float *images;     /* [batch], made up */
    fv_batch batch;    /* the current one */
    bool *seen;        /* of each node: it was computed, not passed on as it is */
    float *output;     /* [batch][classes], of the current batch, at last probabilities */
} side;

/* What is known of one node of b. */
typedef struct sums {
    double largest_difference, largest, difference, total; /* max |a - b|, max |b|, their sums */
    int64_t image;
    bool not_a_number;
} sums;

typedef struct comparing {
    fv_context *context;
    const fv_compare_options *options;
    fv_comparison *out;
    side a, b;
    int32_t batch;
    int64_t first;     /* image of the set that the current batch begins with */
    fv_value *partner; /* of each node of b */
    size_t *place;     /* of each node of a: where its values lie in kept, for one image; kept for a batch */
    float *kept, *room;
    sums *sums;       /* of each node of b */
    fv_status status; /* of what failed while looking */
} comparing;

static size_t values_of(const fv_graph *graph, fv_value node)
{
    const fv_image_shape shape = fv_graph_node(graph, node).output;
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

static fv_status take(fv_context *context, size_t count, size_t size, void *out)
{
    void *memory = fvi_allocate_zeroed(context, count, size);
    memcpy(out, &memory, sizeof memory);
    return memory != NULL ? FV_OK : fvi_out_of_memory(context, "a comparison", count * size);
}

/* Where the values of a's nodes lie, how many images fit at once, and the memory for that. */
static fv_status lay_out(comparing *c)
{
    const int32_t count_a = fv_graph_node_count(c->a.graph), count_b = fv_graph_node_count(c->b.graph);
    size_t used = 0, largest = 0;
    FV_TRY(take(c->context, (size_t)count_b, sizeof *c->partner, &c->partner));
    FV_TRY(take(c->context, (size_t)count_b, sizeof *c->sums, &c->sums));
    FV_TRY(take(c->context, (size_t)count_a, sizeof *c->place, &c->place));
    FV_TRY(take(c->context, (size_t)count_a, sizeof *c->a.seen, &c->a.seen));
    FV_TRY(take(c->context, (size_t)count_b, sizeof *c->b.seen, &c->b.seen));
    FV_TRY(fvi_match_graphs(c->a.graph, c->b.graph, c->partner));
    for (fv_value i = 0; i < count_a; i++)
        c->place[i] = SIZE_MAX;
    for (fv_value j = 0; j < count_b; j++)
        if (c->partner[j] != FV_NO_VALUE) {
            const size_t values = values_of(c->b.graph, j);
            c->place[c->partner[j]] = used;
            used += values;
            largest = values > largest ? values : largest;
        }
    const size_t fit = most_bytes / sizeof(float) / used;
    c->batch = fit < 1 ? 1 : fit > MOST_BATCH ? MOST_BATCH : (int32_t)fit;
    const size_t classes = values_of(c->b.graph, fv_graph_output(c->b.graph));
    FV_TRY(take(c->context, (size_t)c->batch * used, sizeof *c->kept, &c->kept));
    FV_TRY(take(c->context, (size_t)c->batch * largest, sizeof *c->room, &c->room));
    FV_TRY(take(c->context, (size_t)c->batch * classes, sizeof *c->a.output, &c->a.output));
    return take(c->context, (size_t)c->batch * classes, sizeof *c->b.output, &c->b.output);
}

static fv_status open_images(const comparing *c, side *s, const fv_dataset *dataset)
{
    const fv_preprocess *preprocess = fv_model_preprocess(s->model);
    const fv_image_shape input = preprocess->input;
    if (dataset == NULL)
        return take(c->context, (size_t)c->batch * (size_t)input.c * (size_t)input.h * (size_t)input.w,
                    sizeof *s->images, &s->images);
    FV_TRY(fvi_check_data(s->graph, dataset, preprocess));
    const fv_loader_options options = { .batch = c->batch, .preprocess = *preprocess };
    FV_TRY(fv_loader_create(&s->loader, c->context, dataset, &options));
    fv_loader_start(s->loader, 0, 0);
    return FV_OK;
}

static fv_status open_side(const comparing *c, side *s, const fv_dataset *dataset, bool reference)
{
    const fv_plan_options options = { .batch = c->batch,
                                      .mode = FV_PREDICT,
                                      .dtype = fv_graph_is_quantized(s->graph) && !reference ? FV_I8 : FV_F32,
                                      .reference = reference,
                                      .no_fusion = true };
    FV_TRY(fv_plan_create(&s->plan, s->graph, &options));
    FV_TRY(fv_session_create(&s->session, s->plan, fv_model_params(s->model)));
    return open_images(c, s, dataset);
}

/* The next batch of at most n images. */
static fv_status next_batch(const comparing *c, side *s, int32_t n)
{
    const fv_preprocess *preprocess = fv_model_preprocess(s->model);
    const fv_image_shape input = preprocess->input;
    const size_t values = (size_t)input.c * (size_t)input.h * (size_t)input.w;
    if (s->loader != NULL) {
        const fv_status status = fv_loader_next(s->loader, &s->batch);
        s->batch.n = s->batch.n < n ? s->batch.n : n;
        return status == FV_OK ? FV_OK : fvi_fail(c->context, status, "%s", fv_loader_message(s->loader));
    }
    for (int32_t k = 0; k < n; k++)
        fv_self_test_input(preprocess, (uint64_t)(c->first + k + 1), s->images + (size_t)k * values);
    s->batch = (fv_batch){ .n = n, .images = s->images, .order = FV_NHWC };
    return FV_OK;
}

static void read_value(comparing *c, const side *s, fv_value value, float *out)
{
    const size_t elements = (size_t)s->batch.n * values_of(s->graph, value);
    if (c->status == FV_OK)
        c->status = fv_session_read(s->session, value, out, elements);
    if (c->status != FV_OK)
        fvi_fail(c->context, c->status, "%s", fv_session_message(s->session));
}

static bool look_at_a(void *user, fv_value value)
{
    comparing *c = user;
    c->a.seen[value] = true;
    if (c->place[value] != SIZE_MAX)
        read_value(c, &c->a, value, c->kept + (size_t)c->batch * c->place[value]);
    return false;
}

static void compare_image(sums *s, const float *a, const float *b, size_t count, int64_t image)
{
    for (size_t i = 0; i < count; i++) {
        const double difference = fabs((double)a[i] - (double)b[i]), size = fabs((double)b[i]);
        if (difference > s->largest_difference) {
            s->largest_difference = difference;
            s->image = image;
        }
        s->largest = fmax(s->largest, size);
        s->difference += difference;
        s->total += size;
        if (!isfinite(difference)) {
            s->image = s->not_a_number ? s->image : image;
            s->not_a_number = true;
        }
    }
}

static bool look_at_b(void *user, fv_value value)
{
    comparing *c = user;
    const fv_value other = c->partner[value];
    const size_t values = values_of(c->b.graph, value);
    c->b.seen[value] = true;
    if (other == FV_NO_VALUE || !c->a.seen[other])
        return false;
    read_value(c, &c->b, value, c->room);
    const float *kept = c->kept + (size_t)c->batch * c->place[other];
    for (int32_t k = 0; c->status == FV_OK && k < c->b.batch.n; k++)
        compare_image(&c->sums[value], kept + (size_t)k * values, c->room + (size_t)k * values, values, c->first + k);
    return false;
}

/* Runs one model; what no step computes, its input, is looked at behind the others. */
static fv_status run_side(comparing *c, side *s, fvi_look_fn *look)
{
    const fv_status status = fvi_session_forward_looked_at(s->session, &s->batch, look, c);
    if (status != FV_OK)
        return fvi_fail(c->context, status, "%s", fv_session_message(s->session));
    look(c, fv_graph_input(s->graph));
    read_value(c, s, fv_graph_output(s->graph), s->output);
    return c->status;
}

static void note_answers(comparing *c, int32_t k, int32_t label)
{
    fv_comparison *out = c->out;
    const int64_t classes = out->classes;
    float *a = c->a.output + k * classes, *b = c->b.output + k * classes;
    const int32_t class_a = fvi_largest(a, classes), class_b = fvi_largest(b, classes);
    out->images++;
    out->same_class += class_a == class_b;
    out->labelled += label >= 0;
    out->correct_a += label >= 0 && class_a == label;
    out->correct_b += label >= 0 && class_b == label;
    if (class_a == class_b || out->answers == FV_COMPARISON_ANSWERS)
        return;
    if (!fvi_graph_gives_probabilities(c->a.graph))
        fvi_scores_to_probabilities(1, classes, a);
    if (!fvi_graph_gives_probabilities(c->b.graph))
        fvi_scores_to_probabilities(1, classes, b);
    out->answer[out->answers++] = (fv_compared_answer){ .image = c->first + k,
                                                        .a = class_a,
                                                        .b = class_b,
                                                        .label = label,
                                                        .probability_a = (double)a[class_a],
                                                        .probability_b = (double)b[class_b] };
}

static fv_status run_batches(comparing *c, int64_t images)
{
    while (c->first < images) {
        const int64_t left = images - c->first;
        const int32_t n = left < c->batch ? (int32_t)left : c->batch;
        FV_TRY(next_batch(c, &c->a, n));
        FV_TRY(next_batch(c, &c->b, n));
        FV_TRY(run_side(c, &c->a, look_at_a));
        FV_TRY(run_side(c, &c->b, look_at_b));
        for (int32_t k = 0; k < n; k++)
            note_answers(c, k, c->a.batch.classes != NULL ? c->a.batch.classes[k] : -1);
        c->first += n;
    }
    return FV_OK;
}

static fv_compared_layer layer_of(const comparing *c, fv_value node)
{
    const sums *s = &c->sums[node];
    const fv_node_info info = fv_graph_node(c->b.graph, node);
    return (fv_compared_layer){
        .a = fv_graph_node(c->a.graph, c->partner[node]).name,
        .b = info.name,
        .type = info.type,
        .shape = info.output,
        .difference = s->not_a_number             ? (double)NAN
                      : s->largest_difference > 0 ? s->largest_difference / s->largest
                                                  : 0,
        .mean = s->not_a_number     ? (double)NAN
                : s->difference > 0 ? s->difference / s->total
                                    : 0,
        .largest = s->largest,
        .image = s->image,
    };
}

static fv_status list_alone(const comparing *c, const side *s, const fv_value *partner, const char ***names,
                            int32_t *count)
{
    const int32_t nodes = fv_graph_node_count(s->graph);
    FV_TRY(take(c->context, (size_t)nodes, sizeof **names, names));
    for (fv_value i = 0; i < nodes; i++)
        if (s->seen[i] && (partner != NULL ? partner[i] == FV_NO_VALUE : c->place[i] == SIZE_MAX))
            (*names)[(*count)++] = fv_graph_node(s->graph, i).name;
    return FV_OK;
}

static fv_status report(comparing *c)
{
    fv_comparison *out = c->out;
    const int32_t nodes = fv_graph_node_count(c->b.graph);
    const fv_value output = fv_graph_output(c->b.graph);
    const double tolerance = c->options->tolerance > 0 ? c->options->tolerance : usual_tolerance;
    FV_TRY(take(c->context, (size_t)nodes, sizeof *out->layer, &out->layer));
    out->parts = -1;
    for (fv_value j = 0; j < nodes; j++) {
        if (c->partner[j] == FV_NO_VALUE || !c->b.seen[j] || !c->a.seen[c->partner[j]])
            continue;
        const fv_compared_layer layer = layer_of(c, j);
        if (out->parts < 0 && !(layer.difference <= tolerance))
            out->parts = out->layers;
        out->layer[out->layers++] = layer;
    }
    out->difference = layer_of(c, output).difference;
    out->largest = c->sums[output].largest_difference;
    FV_TRY(list_alone(c, &c->a, NULL, &out->alone_a, &out->only_a));
    return list_alone(c, &c->b, c->partner, &out->alone_b, &out->only_b);
}

static fv_status compare(comparing *c, const fv_dataset *dataset)
{
    const fv_image_shape a = fv_graph_node(c->a.graph, fv_graph_output(c->a.graph)).output,
                         b = fv_graph_node(c->b.graph, fv_graph_output(c->b.graph)).output;
    int64_t images = c->options->images > 0 ? c->options->images : USUAL_IMAGES;
    if (a.c != b.c || a.h != b.h || a.w != b.w)
        return fvi_fail(c->context, FV_ERR_SHAPE, "'%s' gives %dx%dx%d, '%s' %dx%dx%d: outputs cannot be compared",
                        fv_graph_name(c->a.graph), a.c, a.h, a.w, fv_graph_name(c->b.graph), b.c, b.h, b.w);
    if (dataset != NULL && images > fv_dataset_count(dataset))
        images = fv_dataset_count(dataset);
    c->out->classes = (int32_t)fvi_graph_classes(c->b.graph);
    FV_TRY(take(c->context, FV_COMPARISON_ANSWERS, sizeof *c->out->answer, &c->out->answer));
    FV_TRY(lay_out(c));
    FV_TRY(open_side(c, &c->a, dataset, c->options->reference_a));
    FV_TRY(open_side(c, &c->b, dataset, c->options->reference_b));
    FV_TRY(run_batches(c, images));
    return report(c);
}

static void close_side(fv_context *context, side *s)
{
    fv_session_destroy(s->session);
    fv_plan_destroy(s->plan);
    fv_loader_destroy(s->loader);
    fvi_release(context, s->images);
    fvi_release(context, s->seen);
    fvi_release(context, s->output);
}

fv_status fv_compare(fv_comparison *out, fv_context *context, fv_model *a, fv_model *b, const fv_dataset *dataset,
                     const fv_compare_options *options)
{
    const fv_compare_options usual = { 0 };
    comparing c = { .context = context,
                    .options = options != NULL ? options : &usual,
                    .out = out,
                    .a = { .model = a, .graph = fv_model_graph(a) },
                    .b = { .model = b, .graph = fv_model_graph(b) } };
    *out = (fv_comparison){ 0 };
    const fv_status status = compare(&c, dataset);
    close_side(context, &c.a);
    close_side(context, &c.b);
    fvi_release(context, c.partner);
    fvi_release(context, c.place);
    fvi_release(context, c.sums);
    fvi_release(context, c.kept);
    fvi_release(context, c.room);
    if (status != FV_OK)
        fv_comparison_release(context, out);
    return status;
}

void fv_comparison_release(fv_context *context, fv_comparison *comparison)
{
    fvi_release(context, comparison->layer);
    fvi_release(context, comparison->answer);
    fvi_release(context, comparison->alone_a);
    fvi_release(context, comparison->alone_b);
    *comparison = (fv_comparison){ 0 };
}
