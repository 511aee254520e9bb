/* SPDX-License-Identifier: Apache-2.0
 *
 * optimizer.c - what every update rule shares: slots, groups, clipping, the step's passes.
 * A step is passes over fixed chunks of the parameters: the first sums squares and so looks for values that are not finite, the last
 * updates; rules that scale whole parameters have one between. Nothing is written before the first is done, so a bad gradient
 * never reaches the weights, nor a bad mean the running statistics. Rows of parameters with a largest norm are shortened behind
 * them. Sums over chunks are taken from the first to the last, so threads change nothing.
 */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "optim/optimizer_internal.h"

enum { CHUNK = 16384 }; /* elements of a task: a multiple of 16 */

static size_t chunks_of(const fv_param_info *info)
{
    return info->trained || info->momentum > 0 ? ((size_t)info->elements + CHUNK - 1) / CHUNK : 0;
}

static fv_status out_of_memory(const fv_optimizer *o, size_t bytes)
{
    return fvi_out_of_memory(o->context, "optimizer", bytes);
}

size_t fvi_optimizer_scratch(const fv_context *context)
{
    return (size_t)fv_context_threads(context) * CHUNK * sizeof(float);
}

static fv_status make_room(fv_optimizer *o)
{
    const size_t params = (size_t)fv_params_count(o->params), size = fv_dtype_size(fv_params_dtype(o->params));
    const size_t threads = (size_t)fv_context_threads(o->context);
    size_t count = 0;
    for (size_t i = 0; i < params; i++) {
        const fv_param_info info = fv_params_info(o->params, (int32_t)i);
        count += chunks_of(&info);
        o->expected += info.trained || info.momentum > 0 ? info.elements : 0;
    }
    o->chunk = fvi_allocate_zeroed(o->context, count, sizeof *o->chunk);
    o->whole = fvi_allocate_zeroed(o->context, params, sizeof *o->whole);
    o->of = fvi_allocate_zeroed(o->context, params, sizeof *o->of);
    o->group = fvi_allocate_zeroed(o->context, params, sizeof *o->group);
    o->scratch = fvi_allocate_zeroed(o->context, threads * CHUNK, size);
    if (o->chunk == NULL || o->whole == NULL || o->of == NULL || o->group == NULL || o->scratch == NULL)
        return out_of_memory(o, count * sizeof *o->chunk + params * (sizeof *o->of + sizeof *o->whole) +
                                    threads * CHUNK * size);
    return FV_OK;
}

static fv_status make_slots(fv_optimizer *o)
{
    o->rule_slots = o->rule->slots(&o->options, o->slot_name);
    o->slot_count = o->rule_slots;
    if (o->options.lookahead > 0)
        o->slot_name[o->slot_count++] = "slow";
    if (o->options.average != FV_AVERAGE_NONE)
        o->slot_name[o->slot_count++] = "average";
    for (int32_t i = 0; i < o->slot_count; i++)
        FV_TRY(fv_params_create(&o->slot[i], fv_params_graph(o->params), fv_params_dtype(o->params)));
    if (o->options.average == FV_AVERAGE_NONE)
        return FV_OK;
    o->average = o->slot[o->slot_count - 1];
    return fv_params_copy(o->average, o->params); /* of what is frozen, for good */
}

static fv_status optimizer_fill(fv_optimizer *o)
{
    FV_TRY(make_slots(o));
    FV_TRY(make_room(o));
    FV_TRY(fvi_groups_read(o->params, &o->options, o->group));
    FV_TRY(fvi_muon_create(o));
    o->options.groups = NULL; /* the caller's */
    return FV_OK;
}

fv_status fv_optimizer_create(fv_optimizer **out, fv_params *params, const fv_optimizer_options *options)
{
    fv_context *context = fv_graph_context(fv_params_graph(params));
    fv_optimizer_options filled = options != NULL ? *options : (fv_optimizer_options){ 0 };
    *out = NULL;
    FV_TRY(fvi_optimizer_options_fill(context, &filled));
    fv_optimizer *o = fvi_allocate_zeroed(context, 1, sizeof *o);
    if (o == NULL)
        return fvi_out_of_memory(context, "optimizer", sizeof *o);
    o->context = context;
    o->params = params;
    o->options = filled;
    o->rule = fvi_rule_of(filled.kind);
    o->kernels = fvi_update_kernels_for(fv_params_dtype(params), fvi_context_isa(context), false);
    const fv_status status = optimizer_fill(o);
    if (status != FV_OK) {
        fv_optimizer_destroy(o);
        return status;
    }
    *out = o;
    return FV_OK;
}

void fv_optimizer_destroy(fv_optimizer *o)
{
    if (o == NULL)
        return;
    for (int32_t i = 0; i < o->slot_count; i++)
        fv_params_destroy(o->slot[i]);
    fvi_muon_destroy(o);
    fvi_release(o->context, o->chunk);
    fvi_release(o->context, o->whole);
    fvi_release(o->context, o->of);
    fvi_release(o->context, o->group);
    fvi_release(o->context, o->scratch);
    fvi_release(o->context, o);
}

/* One pass over all chunks. */
typedef struct update_pass {
    fv_optimizer *optimizer;
    size_t first; /* chunk of task 0 */
    double scale; /* of gradients, by clipping their norm */
    double part;  /* of the way that the mean of the weights goes to them */
} update_pass;

static size_t element_size(const fv_optimizer *o)
{
    return fv_dtype_size(fv_params_dtype(o->params));
}

static void add_chunks(fv_optimizer *o, const fv_gradient *gradient)
{
    const fv_param_info info = fv_params_info(o->params, gradient->parameter);
    const size_t elements = (size_t)(gradient->count > 0 ? gradient->count : info.elements), size = element_size(o);
    if (chunks_of(&info) == 0 || o->group[gradient->parameter].frozen)
        return;
    for (size_t j = 0; j * CHUNK < elements; j++) {
        const size_t first = j * CHUNK, left = elements - first;
        o->chunk[o->chunk_count++] = (update_chunk){ .first = info.offset + (size_t)gradient->first + first,
                                                     .count = left < CHUNK ? left : CHUNK,
                                                     .gradient = (const char *)gradient->values + first * size,
                                                     .param = gradient->parameter,
                                                     .statistic = !info.trained };
    }
}

static void check_chunk(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const update_pass *pass = argument;
    const fvi_update_kernels *kernels = pass->optimizer->kernels;
    update_chunk *chunk = &pass->optimizer->chunk[index];
    chunk->squares = kernels->squares(chunk->count, chunk->gradient);
    chunk->finite = isfinite(chunk->squares) || kernels->finite(chunk->count, chunk->gradient);
}

static fv_status check_finite(const fv_optimizer *o)
{
    for (size_t i = 0; i < o->chunk_count; i++) {
        const update_chunk *chunk = &o->chunk[i];
        if (!chunk->finite)
            return fvi_fail(o->context, FV_ERR_NUMERIC,
                            "the %s of '%s' holds a NaN or an infinity, so it was not updated (a smaller learning rate "
                            "may help)",
                            chunk->statistic ? "new value" : "gradient", fv_params_info(o->params, chunk->param).name);
    }
    return FV_OK;
}

/* What a chunk's rule reads: the gradient, or a worker's copy of it, clipped and with l1. */
static const void *prepared(const update_pass *pass, const update_chunk *chunk, void *scratch)
{
    const fv_optimizer *o = pass->optimizer;
    const fvi_prepare_numbers numbers = {
        .scale = pass->scale,
        .limit = o->options.clip_value > 0 ? o->options.clip_value : INFINITY,
        .l1 = o->group[chunk->param].l1,
    };
    if (numbers.scale == 1 && !(o->options.clip_value > 0) && !(numbers.l1 > 0))
        return chunk->gradient;
    const char *w = (const char *)fvi_params_read(o->params) + chunk->first * element_size(o);
    o->kernels->prepare(chunk->count, &numbers, chunk->gradient, w, scratch);
    return scratch;
}

static void slots_of(const fv_optimizer *o, const update_chunk *chunk, void *slot[FVI_UPDATE_SLOTS])
{
    for (int32_t i = 0; i < o->rule_slots; i++)
        slot[i] = (char *)fv_params_data(o->slot[i]) + chunk->first * element_size(o);
}

static void *scratch_of(const fv_optimizer *o, int32_t worker)
{
    return (char *)o->scratch + (size_t)worker * CHUNK * element_size(o);
}

/* Rules with trust: the norms that it is made of, and the slots where the rule has a direction. */
static void measure_chunk(void *argument, size_t index, int32_t worker)
{
    const update_pass *pass = argument;
    const fv_optimizer *o = pass->optimizer;
    update_chunk *chunk = &pass->optimizer->chunk[index];
    void *slot[FVI_UPDATE_SLOTS] = { NULL }, *scratch = scratch_of(o, worker);
    const void *w = (const char *)fvi_params_read(o->params) + chunk->first * element_size(o);
    if (chunk->statistic)
        return;
    const void *other = prepared(pass, chunk, scratch);
    slots_of(o, chunk, slot);
    if (o->rule->directs) {
        o->kernels->direction[o->rule->direction](chunk->count, &o->of[chunk->param].numbers, other, slot, w, scratch);
        other = scratch;
    }
    chunk->squares = o->kernels->squares(chunk->count, other);
    chunk->weight_squares = o->kernels->squares(chunk->count, w);
}

/* The slow copy of lookahead begins at the first weights. */
static void start_slow(const fv_optimizer *o, const update_chunk *chunk)
{
    const size_t first = chunk->first * element_size(o);
    if (o->options.lookahead > 0 && o->steps == 0)
        memcpy((char *)fv_params_data(o->slot[o->rule_slots]) + first, (char *)fv_params_data(o->params) + first,
               chunk->count * element_size(o));
}

static bool is_matrix(const fv_optimizer *o, const update_chunk *chunk)
{
    return o->rule->orthogonal && !chunk->statistic && !o->group[chunk->param].plain;
}

static void update_chunk_of(void *argument, size_t index, int32_t worker)
{
    const update_pass *pass = argument;
    const fv_optimizer *o = pass->optimizer;
    const update_chunk *chunk = &o->chunk[index];
    const step_of_param *step = &o->of[chunk->param];
    void *slot[FVI_UPDATE_SLOTS] = { NULL };
    char *w = (char *)fv_params_data(o->params) + chunk->first * element_size(o);
    if (chunk->statistic) { /* no learning rate, no decay, no slots */
        o->kernels->average(chunk->count, fv_params_info(o->params, chunk->param).momentum, chunk->gradient, w);
        return;
    }
    if (is_matrix(o, chunk))
        return; /* update_matrices() */
    start_slow(o, chunk);
    slots_of(o, chunk, slot);
    o->kernels->update[step->update](chunk->count, &step->numbers, prepared(pass, chunk, scratch_of(o, worker)), slot,
                                     w);
}

static void meet_chunk(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const update_pass *pass = argument;
    const fv_optimizer *o = pass->optimizer;
    const update_chunk *chunk = &o->chunk[index];
    const size_t first = chunk->first * element_size(o);
    if (!chunk->statistic)
        o->kernels->meet(chunk->count, o->options.lookahead_part,
                         (char *)fv_params_data(o->slot[o->rule_slots]) + first,
                         (char *)fv_params_data(o->params) + first);
}

static void direct_chunk(void *argument, size_t index, int32_t worker)
{
    const update_pass *pass = argument;
    const fv_optimizer *o = pass->optimizer;
    update_chunk *chunk = &pass->optimizer->chunk[pass->first + index];
    void *slot[FVI_UPDATE_SLOTS] = { NULL };
    const void *w = (const char *)fvi_params_read(o->params) + chunk->first * element_size(o);
    char *direction = (char *)o->muon.x + (chunk->first - o->chunk[pass->first].first) * element_size(o);
    slots_of(o, chunk, slot);
    o->kernels->direction[o->options.nesterov ? FVI_DIRECTION_MUON_NESTEROV : FVI_DIRECTION_MUON](
        chunk->count, &o->of[chunk->param].numbers, prepared(pass, chunk, scratch_of(o, worker)), slot, w, direction);
    chunk->squares = o->kernels->squares(chunk->count, direction);
}

static void descend_chunk(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const update_pass *pass = argument;
    const fv_optimizer *o = pass->optimizer;
    const update_chunk *chunk = &o->chunk[pass->first + index];
    start_slow(o, chunk);
    o->kernels->update[FVI_UPDATE_DESCENT](chunk->count, &o->of[chunk->param].numbers,
                                           (const char *)o->muon.x +
                                               (chunk->first - o->chunk[pass->first].first) * element_size(o),
                                           NULL, (char *)fv_params_data(o->params) + chunk->first * element_size(o));
}

/* One matrix after another: each takes all threads. */
static void update_matrices(update_pass *pass)
{
    fv_optimizer *o = pass->optimizer;
    for (size_t i = 0; i < o->chunk_count;) {
        const int32_t param = o->chunk[i].param;
        const bool matrix = is_matrix(o, &o->chunk[i]);
        double squares = 0;
        pass->first = i;
        while (i < o->chunk_count && o->chunk[i].param == param)
            i++;
        if (!matrix)
            continue;
        fvi_parallel(o->context, i - pass->first, direct_chunk, pass);
        for (size_t j = pass->first; j < i; j++)
            squares += o->chunk[j].squares;
        o->of[param].numbers.outer *= fvi_muon_orthogonalize(o, param, squares);
        fvi_parallel(o->context, i - pass->first, descend_chunk, pass);
    }
}

static void average_chunk(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const update_pass *pass = argument;
    const fv_optimizer *o = pass->optimizer;
    const size_t first = o->chunk[index].first * element_size(o);
    if (pass->part == 1) { /* exactly the weights */
        memcpy((char *)fv_params_data(o->average) + first, (char *)fv_params_data(o->params) + first,
               o->chunk[index].count * element_size(o));
        return;
    }
    o->kernels->average(o->chunk[index].count, pass->part, (char *)fv_params_data(o->params) + first,
                        (char *)fv_params_data(o->average) + first);
}

/* How far the mean moves to the weights behind this step: all the way until it begins. */
static double part_of_average(const fv_optimizer *o)
{
    const fv_optimizer_options *options = &o->options;
    const int64_t since = o->steps - options->average_start; /* steps that are in the mean, or could be */
    if (since <= 0)
        return 1;
    if (since % options->average_every != 0)
        return 0;
    return options->average == FV_AVERAGE_EQUAL ? 1 / ((double)(since / options->average_every) + 1)
                                                : 1 - options->average_decay;
}

/* The numbers of this step of one parameter. */
static void begin_param(fv_optimizer *o, int32_t param, double rate)
{
    const fv_optimizer_options *options = &o->options;
    const fvi_group *group = &o->group[param];
    step_of_param *step = &o->of[param];
    const double own_rate = rate * group->rate;
    step->numbers = (fvi_update_numbers){
        .outer = options->lr_in_velocity ? 1 : own_rate,
        .inner = options->lr_in_velocity ? own_rate : 1,
        .momentum = options->momentum,
        .decay = options->decoupled ? 0 : group->decay,
        .keep = options->decoupled ? 1 - own_rate * group->decay : 1,
        .beta1 = options->beta1,
        .beta2 = options->beta2,
        .rest1 = 1 - options->beta1,
        .rest2 = 1 - options->beta2,
        .correct1 = 1,
        .correct2 = 1,
        .inside = options->epsilon_inside_root ? options->epsilon : 0,
        .outside = options->epsilon_inside_root ? 0 : options->epsilon,
    };
    step->update = o->rule->begin(options, group->plain, o->steps + 1, &step->numbers);
}

/* Chunks of one parameter follow each other. */
static void apply_trust(fv_optimizer *o)
{
    for (size_t i = 0; i < o->chunk_count;) {
        const int32_t param = o->chunk[i].param;
        fvi_update_numbers *numbers = &o->of[param].numbers;
        double weights = 0, other = 0;
        for (; i < o->chunk_count && o->chunk[i].param == param; i++) {
            weights += o->chunk[i].weight_squares;
            other += o->chunk[i].squares;
        }
        const double trust =
            o->group[param].plain ? 1 : o->rule->trust(&o->options, numbers->decay, sqrt(weights), sqrt(other));
        if (o->rule->directs)
            numbers->outer *= trust;
        else
            numbers->inner *= trust;
    }
}

static int64_t elements_of(const fv_optimizer *o, const fv_gradient *gradient)
{
    const fv_param_info info = fv_params_info(o->params, gradient->parameter);
    if (!info.trained && !(info.momentum > 0))
        return 0;
    return gradient->count > 0 ? gradient->count : info.elements;
}

static void end_step(fv_optimizer *o)
{
    if (o->came == 0)
        return;
    o->steps++;
    o->norm = sqrt(o->squares);
    o->squares = 0;
    o->came = 0;
    for (int32_t i = 0; i < fv_params_count(o->params); i++)
        o->of[i].came = 0;
}

/* A parameter that comes again belongs to the next step. */
static void end_step_before(fv_optimizer *o, const fv_gradient *gradients, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (o->of[gradients[i].parameter].came + elements_of(o, &gradients[i]) >
            fv_params_info(o->params, gradients[i].parameter).elements) {
            end_step(o);
            return;
        }
}

static void count_in(fv_optimizer *o, const fv_gradient *gradients, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const int64_t elements = elements_of(o, &gradients[i]);
        o->of[gradients[i].parameter].came += elements;
        o->came += elements;
    }
    if (o->came == o->expected)
        end_step(o);
}

/* What has come of the running step does not count: it has failed. */
static void forget_step(fv_optimizer *o)
{
    o->came = 0;
    o->squares = 0;
    for (int32_t i = 0; i < fv_params_count(o->params); i++)
        o->of[i].came = 0;
}

static double sum_squares(const fv_optimizer *o)
{
    double sum = 0;
    for (size_t i = 0; i < o->chunk_count; i++)
        sum += o->chunk[i].statistic ? 0 : o->chunk[i].squares;
    return sum;
}

static fv_status update_gradients(fv_optimizer *o, const fv_gradient *gradients, int32_t count, double rate)
{
    update_pass pass = { .optimizer = o, .scale = 1 };
    o->chunk_count = 0;
    for (int32_t i = 0; i < count; i++)
        add_chunks(o, &gradients[i]);
    fvi_parallel(o->context, o->chunk_count, check_chunk, &pass);
    FV_TRY(check_finite(o));
    const double squares = sum_squares(o);
    /* PyTorch's 1e-6 keeps the factor finite. */
    if (o->options.clip_norm > 0)
        pass.scale = fmin(1, o->options.clip_norm / (sqrt(squares) + 1e-6));
    for (int32_t i = 0; i < count; i++)
        begin_param(o, gradients[i].parameter, rate);
    if (o->rule->trust != NULL) {
        fvi_parallel(o->context, o->chunk_count, measure_chunk, &pass);
        apply_trust(o);
    }
    fvi_parallel(o->context, o->chunk_count, update_chunk_of, &pass);
    if (o->rule->orthogonal)
        update_matrices(&pass);
    for (int32_t i = 0; i < count; i++)
        if (!o->group[gradients[i].parameter].frozen)
            fvi_limit_norm(o->params, &gradients[i]);
    if (o->options.lookahead > 0 && (o->steps + 1) % o->options.lookahead == 0)
        fvi_parallel(o->context, o->chunk_count, meet_chunk, &pass);
    pass.part = o->average != NULL ? part_of_average(o) : 0;
    if (pass.part > 0)
        fvi_parallel(o->context, o->chunk_count, average_chunk, &pass);
    o->squares += squares;
    return FV_OK;
}

static fv_status check_rate(const fv_optimizer *o, double rate)
{
    if (!isfinite(rate))
        return fvi_fail(o->context, FV_ERR_ARGUMENT, "%s: the learning rate is %g", o->rule->name, rate);
    return FV_OK;
}

fv_status fv_optimizer_update_some(fv_optimizer *o, const fv_gradient *gradients, int32_t count, double rate)
{
    FV_TRY(check_rate(o, rate));
    if (fv_optimizer_needs_all(&o->options))
        return fvi_fail(o->context, FV_ERR_STATE,
                        "%s%s: a step needs all gradients at once; use a plan without hand_over", o->rule->name,
                        o->options.clip_norm > 0 ? " with clip_norm" : "");
    end_step_before(o, gradients, count);
    const fv_status status = update_gradients(o, gradients, count, rate);
    if (status == FV_OK)
        count_in(o, gradients, count);
    else
        forget_step(o);
    return status;
}

fv_status fv_optimizer_update(fv_optimizer *o, const fv_params *gradients, double rate)
{
    const int32_t params = fv_params_count(o->params);
    FV_TRY(check_rate(o, rate));
    if (fv_params_dtype(gradients) != fv_params_dtype(o->params) ||
        fv_params_block_elements(gradients) != fv_params_block_elements(o->params))
        return fvi_fail(o->context, FV_ERR_SHAPE, "%s: %zu gradients of %s for %zu parameters of %s", o->rule->name,
                        fv_params_block_elements(gradients), fv_dtype_name(fv_params_dtype(gradients)),
                        fv_params_block_elements(o->params), fv_dtype_name(fv_params_dtype(o->params)));
    for (int32_t i = 0; i < params; i++)
        o->whole[i] = (fv_gradient){ .parameter = i,
                                     .values = (const char *)fvi_params_read(gradients) +
                                               fv_params_info(gradients, i).offset * element_size(o) };
    end_step(o); /* one that was given in part */
    FV_TRY(update_gradients(o, o->whole, params, rate));
    count_in(o, o->whole, params);
    return FV_OK;
}

int32_t fv_optimizer_slot_count(const fv_optimizer *o)
{
    return o->slot_count;
}

const char *fv_optimizer_slot_name(const fv_optimizer *o, int32_t index)
{
    return index >= 0 && index < o->slot_count ? o->slot_name[index] : NULL;
}

fv_params *fv_optimizer_slot(fv_optimizer *o, int32_t index)
{
    return index >= 0 && index < o->slot_count ? o->slot[index] : NULL;
}

int64_t fv_optimizer_steps(const fv_optimizer *o)
{
    return o->steps;
}

void fv_optimizer_set_steps(fv_optimizer *o, int64_t steps)
{
    forget_step(o);
    o->steps = steps > 0 ? steps : 0;
}

double fv_optimizer_gradient_norm(const fv_optimizer *o)
{
    return o->norm;
}

fv_params *fv_optimizer_average(fv_optimizer *o)
{
    return o->average;
}
