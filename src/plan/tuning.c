/* SPDX-License-Identifier: Apache-2.0
 *
 * tuning.c - times the algorithms that can compute a convolution, in rounds, each round all of them one after the other,
 * and keeps the least time of each: what other programs take away can only add. The cost model's choice stays where no
 * other is faster by more than measuring errs.
 */
#include "plan/tuning.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/cpu.h"
#include "plan/trial.h"

static const double worth_changing = 0.95; /* of the cost model's time */
static const double hopeless = 3;          /* times the best first run: not timed any further */
static const double shortest_run = 5e-4;   /* seconds */

enum { TEXT_BLOCK = 4096, LEAST_ROUNDS = 3, MOST_ROUNDS = 40 };

/* How carefully a level measures. */
typedef struct care {
    double seconds;        /* for one pass of one convolution */
    double in_all;         /* unless options say otherwise */
    int64_t multiply_adds; /* most in one run; 0: any */
} care;

static care care_of(fv_tune level)
{
    return level == FV_TUNE_FULL ? (care){ .seconds = 1, .in_all = 300 }
                                 : (care){ .seconds = 0.1, .in_all = 30, .multiply_adds = 1 << 29 };
}

/* The shape to time in place of `shape`: as many of its images as are needed. */
static fvi_conv2d_shape shape_to_time(const fvi_conv2d_shape *shape, fv_tune level)
{
    enum { LEAST_IMAGES = 2, MOST_BYTES = 256 << 20 };
    const int64_t most = care_of(level).multiply_adds;
    const int64_t image = (int64_t)shape->k * (shape->c / shape->groups) * shape->r * shape->s * shape->oh * shape->ow;
    const int64_t bytes = 4 * ((int64_t)shape->c * shape->h * shape->w + (int64_t)shape->k * shape->oh * shape->ow);
    int64_t images = shape->n;
    if (most > 0 && images > most / image)
        images = most / image;
    if (images > MOST_BYTES / bytes)
        images = MOST_BYTES / bytes;
    if (images < LEAST_IMAGES)
        images = LEAST_IMAGES;
    fvi_conv2d_shape timed = *shape;
    timed.n = images < shape->n ? (int32_t)images : shape->n;
    return timed;
}

static bool same_shape(const fvi_conv2d_shape *a, const fvi_conv2d_shape *b)
{
    return a->n == b->n && a->c == b->c && a->h == b->h && a->w == b->w && a->k == b->k && a->r == b->r &&
           a->s == b->s && memcmp(a->stride, b->stride, sizeof a->stride) == 0 &&
           memcmp(a->pad, b->pad, sizeof a->pad) == 0 && memcmp(a->dilation, b->dilation, sizeof a->dilation) == 0 &&
           a->groups == b->groups;
}

static const fvi_choice *find(const fv_tuning *tuning, const fvi_conv2d_shape *shape, fvi_pass pass)
{
    for (size_t i = 0; i < tuning->count; i++)
        if (tuning->choices[i].pass == pass && same_shape(&tuning->choices[i].shape, shape))
            return &tuning->choices[i];
    return NULL;
}

/* The choice for a plan's shape: timed on its own batch, or on what a level makes of it. */
static const fvi_choice *find_any(const fv_tuning *tuning, const fvi_conv2d_shape *shape, fvi_pass pass)
{
    const fvi_conv2d_shape full = shape_to_time(shape, FV_TUNE_FULL), fast = shape_to_time(shape, FV_TUNE_FAST);
    const fvi_choice *choice = find(tuning, &full, pass);
    return choice != NULL || tuning->options.level == FV_TUNE_FULL ? choice : find(tuning, &fast, pass);
}

static fv_tuning_choice public_choice(const fvi_choice *choice)
{
    return (fv_tuning_choice){ .problem = choice->problem,
                               .pass = fvi_conv2d_pass_name(choice->pass),
                               .algorithm = choice->candidate[0].name,
                               .timed = choice->timed,
                               .measured = choice->measured };
}

static fv_status make_texts(fv_tuning *tuning, fvi_choice *choice)
{
    char problem[128], timed[FVI_TUNING_CANDIDATES * 64];
    size_t used = 0;
    timed[0] = '\0';
    fvi_conv2d_format(&choice->shape, problem, sizeof problem);
    for (int32_t i = 0; i < choice->count && used < sizeof timed; i++)
        if (choice->candidate[i].seconds > 0)
            used += (size_t)snprintf(timed + used, sizeof timed - used, "%s: %.4g ms\n", choice->candidate[i].name,
                                     1e3 * choice->candidate[i].seconds);
    choice->problem = fvi_arena_text(tuning->texts, problem);
    choice->timed = fvi_arena_text(tuning->texts, timed);
    return choice->problem != NULL && choice->timed != NULL
               ? FV_OK
               : fvi_out_of_memory(tuning->context, "a choice of algorithm", sizeof problem);
}

fv_status fvi_tuning_add(fv_tuning *tuning, const fvi_choice *choice)
{
    if (find(tuning, &choice->shape, choice->pass) != NULL)
        return FV_OK;
    FV_TRY(fvi_grow(tuning->context, (void **)&tuning->choices, &tuning->capacity, tuning->count, tuning->count + 1,
                    sizeof *tuning->choices));
    fvi_choice *added = &tuning->choices[tuning->count];
    *added = *choice;
    FV_TRY(make_texts(tuning, added));
    tuning->count++;
    return FV_OK;
}

const char *fvi_tuning_algorithm(const fv_tuning *tuning, const char *name)
{
    size_t count = 0;
    const fvi_conv2d_algorithm *table = fvi_conv2d_algorithms(fvi_context_isa(tuning->context), FV_F32, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].name;
    return NULL;
}

/* A candidate while it is timed. */
typedef struct contender {
    fvi_trial trial;
    fvi_candidate result;
    int64_t calls; /* in one run; 0: out of the race */
} contender;

typedef struct contest {
    fvi_pass pass;
    contender *contender[FVI_TUNING_CANDIDATES];
    int32_t count;
} contest;

/* A dense layer has a weight for each multiply-add of an image: what a training step spends on packing them decides. */
static bool counts_packing(const fvi_conv2d_shape *shape, fvi_pass pass)
{
    return pass != FVI_BACKWARD_WEIGHTS && shape->oh == 1 && shape->ow == 1 && shape->r == shape->h &&
           shape->s == shape->w;
}

static double time_run(contender *c, fvi_pass pass)
{
    fvi_trial *trial = &c->trial;
    const bool packs = counts_packing(&trial->plan.shape, pass);
    const double start = fvi_seconds();
    for (int64_t i = 0; i < c->calls; i++) {
        if (packs)
            fvi_conv2d_pack(&trial->plan, trial->context, pass, trial->w, trial->packed[pass]);
        fvi_trial_run(trial, pass);
    }
    return (fvi_seconds() - start) / (double)c->calls;
}

static fv_status enter(fv_tuning *tuning, contest *held, const fvi_conv2d_plan *plan)
{
    contender *c = fvi_allocate_zeroed(tuning->context, 1, sizeof *c);
    if (c == NULL)
        return fvi_out_of_memory(tuning->context, "timing a convolution", sizeof *c);
    const fv_status status = fvi_trial_open(&c->trial, tuning->context, plan, 1u << held->pass);
    if (status != FV_OK) {
        fvi_release(tuning->context, c);
        return status;
    }
    c->calls = 1;
    c->result.name = plan->pass[held->pass].algorithm;
    held->contender[held->count++] = c;
    return FV_OK;
}

static void end_contest(fv_tuning *tuning, contest *held)
{
    for (int32_t i = 0; i < held->count; i++) {
        fvi_trial_close(&held->contender[i]->trial);
        fvi_release(tuning->context, held->contender[i]);
    }
}

/* All algorithms that can compute this pass; the reference only where it is alone. */
static fv_status enter_all(fv_tuning *tuning, contest *held, const fvi_conv2d_shape *shape)
{
    const fvi_isa isa = fvi_context_isa(tuning->context);
    size_t count = 0;
    const fvi_conv2d_algorithm *table = fvi_conv2d_algorithms(isa, FV_F32, &count);
    for (size_t i = 0; i + 1 < count && held->count < FVI_TUNING_CANDIDATES; i++) {
        const char *only[FVI_PASSES] = { NULL };
        fvi_conv2d_plan plan;
        only[held->pass] = table[i].name;
        fvi_conv2d_choose_each(&plan, shape, FV_F32, isa, fv_context_threads(tuning->context), false, only);
        if (plan.pass[held->pass].algorithm == table[i].name)
            FV_TRY(enter(tuning, held, &plan));
    }
    return FV_OK;
}

static void run_contest(fv_tuning *tuning, contest *held)
{
    const double start = fvi_seconds();
    double best = 0;
    for (int32_t i = 0; i < held->count; i++) {
        contender *c = held->contender[i];
        time_run(c, held->pass); /* pages are touched, threads woken */
        c->result.seconds = time_run(c, held->pass);
        best = i == 0 || c->result.seconds < best ? c->result.seconds : best;
    }
    int32_t racing = 0;
    for (int32_t i = 0; i < held->count; i++) {
        contender *c = held->contender[i];
        c->calls = best < shortest_run ? (int64_t)(shortest_run / (best + 1e-9)) + 1 : 1;
        if (c->result.seconds > hopeless * best)
            c->calls = 0;
        racing += c->calls > 0;
    }
    for (int32_t round = 0; racing > 1 && round < MOST_ROUNDS; round++) {
        if (round >= LEAST_ROUNDS && fvi_seconds() - start > care_of(tuning->options.level).seconds)
            break;
        for (int32_t i = 0; i < held->count; i++) {
            const double seconds = held->contender[i]->calls > 0 ? time_run(held->contender[i], held->pass) : HUGE_VAL;
            if (seconds < held->contender[i]->result.seconds)
                held->contender[i]->result.seconds = seconds;
        }
    }
}

/* Candidates by their times, and to the front the one to take. */
static void judge(const contest *held, const char *model, fvi_choice *choice)
{
    for (int32_t i = 0; i < held->count; i++) {
        const fvi_candidate result = held->contender[i]->result;
        int32_t at = choice->count++;
        for (; at > 0 && choice->candidate[at - 1].seconds > result.seconds; at--)
            choice->candidate[at] = choice->candidate[at - 1];
        choice->candidate[at] = result;
    }
    for (int32_t i = 1; i < choice->count; i++) {
        const fvi_candidate candidate = choice->candidate[i];
        if (candidate.name != model || choice->candidate[0].seconds < worth_changing * candidate.seconds)
            continue;
        memmove(&choice->candidate[1], &choice->candidate[0], (size_t)i * sizeof candidate);
        choice->candidate[0] = candidate;
    }
}

static fv_status measure(fv_tuning *tuning, const fvi_conv2d_shape *shape, fvi_pass pass, fvi_choice *choice)
{
    contest held = { .pass = pass };
    fvi_conv2d_plan model;
    fvi_conv2d_choose(&model, shape, FV_F32, fvi_context_isa(tuning->context), fv_context_threads(tuning->context),
                      false, NULL);
    *choice = (fvi_choice){ .shape = *shape, .pass = pass, .measured = true };
    const fv_status status = enter_all(tuning, &held, shape);
    if (status == FV_OK && held.count > 1) {
        run_contest(tuning, &held);
        judge(&held, model.pass[pass].algorithm, choice);
    }
    end_contest(tuning, &held);
    return status;
}

static fv_status decide(fv_tuning *tuning, const fvi_conv2d_shape *shape, fvi_pass pass)
{
    const fvi_conv2d_shape timed = shape_to_time(shape, tuning->options.level);
    const double start = fvi_seconds();
    fvi_choice choice;
    const fv_status status = measure(tuning, &timed, pass, &choice);
    tuning->spent += fvi_seconds() - start;
    if (status != FV_OK || choice.count == 0)
        return status;
    FV_TRY(fvi_tuning_add(tuning, &choice));
    const fv_tuning_choice made = public_choice(&tuning->choices[tuning->count - 1]);
    if (tuning->made != NULL)
        tuning->made(tuning->made_user, &made);
    return FV_OK;
}

static fv_status choose(fvi_tuner *tuner, const fvi_conv2d_shape *shape, uint32_t passes, const char *name[FVI_PASSES],
                        const char *timed[FVI_PASSES])
{
    fv_tuning *tuning = (fv_tuning *)tuner;
    for (int32_t pass = 0; pass < FVI_PASSES; pass++) {
        name[pass] = timed[pass] = NULL;
        if ((passes & (1u << pass)) == 0)
            continue;
        if (tuning->options.level != FV_TUNE_OFF && find_any(tuning, shape, (fvi_pass)pass) == NULL) {
            if (tuning->spent < tuning->options.seconds)
                FV_TRY(decide(tuning, shape, (fvi_pass)pass));
            else
                tuning->unmeasured++;
        }
        const fvi_choice *choice = find_any(tuning, shape, (fvi_pass)pass);
        if (choice != NULL) {
            name[pass] = choice->candidate[0].name;
            timed[pass] = choice->timed;
        }
    }
    return FV_OK;
}

fv_status fv_tuning_create(fv_tuning **out, fv_context *context, const fv_tuning_options *options)
{
    *out = NULL;
    if (fvi_context_tuner(context) != NULL)
        return fvi_fail(context, FV_ERR_STATE, "this context has a tuning already; destroy it first");
    fv_tuning *tuning = fvi_allocate_zeroed(context, 1, sizeof *tuning);
    if (tuning == NULL)
        return fvi_out_of_memory(context, "a tuning", sizeof *tuning);
    tuning->tuner.choose = choose;
    tuning->context = context;
    if (options != NULL)
        tuning->options = *options;
    if (!(tuning->options.seconds > 0))
        tuning->options.seconds = care_of(tuning->options.level).in_all;
    const fv_status status = fvi_arena_create(&tuning->texts, context, TEXT_BLOCK);
    if (status != FV_OK) {
        fvi_release(context, tuning);
        return status;
    }
    fvi_context_set_tuner(context, &tuning->tuner);
    *out = tuning;
    return FV_OK;
}

void fv_tuning_destroy(fv_tuning *tuning)
{
    if (tuning == NULL)
        return;
    fvi_context_set_tuner(tuning->context, NULL);
    fvi_arena_destroy(tuning->texts);
    fvi_release(tuning->context, tuning->choices);
    fvi_release(tuning->context, tuning);
}

void fv_tuning_on_choice(fv_tuning *tuning, void (*made)(void *user, const fv_tuning_choice *choice), void *user)
{
    tuning->made = made;
    tuning->made_user = user;
}

int32_t fv_tuning_count(const fv_tuning *tuning)
{
    return (int32_t)tuning->count;
}

fv_tuning_choice fv_tuning_get(const fv_tuning *tuning, int32_t index)
{
    if (index < 0 || (size_t)index >= tuning->count)
        return (fv_tuning_choice){ 0 };
    return public_choice(&tuning->choices[index]);
}

int32_t fv_tuning_unmeasured(const fv_tuning *tuning)
{
    return tuning->unmeasured;
}

/* What a file's name may hold anywhere, in the C locale; capitals become small. 0: something else. */
static char plain(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ? c : '\0';
}

void fv_tuning_machine(const fv_context *context, char *text, size_t size)
{
    char cpu[96], all[192];
    size_t used = 0;
    fvi_cpu_name(cpu, sizeof cpu);
    snprintf(all, sizeof all, "%s-%s-%d-threads-%s", cpu, fv_context_isa(context), (int)fv_context_threads(context),
             fv_version());
    for (const char *at = all; *at != '\0' && used + 1 < size; at++) {
        const char c = plain(*at);
        if (c != '\0' || (used > 0 && text[used - 1] != '-'))
            text[used++] = c != '\0' ? c : '-';
    }
    if (size > 0)
        text[used] = '\0';
}
