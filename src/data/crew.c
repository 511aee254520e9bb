/* SPDX-License-Identifier: Apache-2.0
 *
 * crew.c - worker threads over a ring of batches. Work is handed out sample by sample in the order of the epoch, so which worker
 * fetches what depends on chance, but not what is fetched. All state is guarded by one mutex; fetching happens outside of it.
 * Batch b (from the epoch's start) lies in slot b modulo their number; workers run at most so many batches ahead of the one
 * that the caller holds. The watchdog is the waiting caller: it looks how long each worker has been at its sample.
 */
#include "data/crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/checked.h"
#include "base/clock.h"
#include "data/dataset_internal.h"

enum { AHEAD = 2, MOST_AHEAD = 1024, PATIENCE = 60, MOST_WORKERS = 256 };

typedef struct crew_worker {
    fvi_crew *crew;
    pthread_t thread;
    fvi_fetcher fetcher;
    int32_t number;
    bool started, busy;
    double since;  /* when it began with its sample */
    int64_t index; /* which */
} crew_worker;

struct fvi_crew {
    fv_context *context; /* of its own: it may outlive the loader's */
    atomic_int references;
    fvi_recipe recipe;
    int32_t *order;
    fvi_slot *slots;
    int32_t *done; /* [slots]: samples fetched */
    crew_worker *workers;
    int32_t slot_count, worker_count;
    double patience;
    pthread_mutex_t mutex;
    pthread_cond_t work, ready;
    /* Guarded by the mutex. */
    bool stopping;
    int32_t busy;
    int64_t epoch, first, next,
        end;          /* sample positions: of batch 0, of the next sample handed out, behind the last one */
    int64_t released; /* batches that the caller has given back */
};

fv_status fvi_slot_allocate(fvi_slot *slot, fv_context *context, const fvi_recipe *recipe)
{
    const fv_image_shape input = recipe->options.preprocess.input;
    const size_t batch = (size_t)recipe->options.batch, targets = (size_t)fv_dataset_target_count(recipe->dataset);
    size_t bytes = 0;
    *slot = (fvi_slot){ .images = NULL };
    if (!fvi_size_multiply(batch, recipe->elements, &bytes) || !fvi_size_multiply(bytes, sizeof(float), &bytes))
        return fvi_fail(context, FV_ERR_SHAPE, "loader: a batch of %d images of %dx%dx%d overflows",
                        recipe->options.batch, input.c, input.h, input.w);
    slot->images = fvi_allocate(context, bytes);
    slot->classes = fvi_allocate(context, batch * sizeof *slot->classes);
    slot->samples = fvi_allocate(context, batch * sizeof *slot->samples);
    slot->failed = fvi_allocate_zeroed(context, batch, sizeof *slot->failed);
    if (targets > 0)
        slot->targets = fvi_allocate(context, batch * targets * sizeof *slot->targets);
    if (slot->images == NULL || slot->classes == NULL || slot->samples == NULL || slot->failed == NULL ||
        (targets > 0 && slot->targets == NULL))
        return fvi_out_of_memory(context, "a batch of a loader", bytes);
    return FV_OK;
}

void fvi_slot_release(fvi_slot *slot, fv_context *context)
{
    fvi_release(context, slot->images);
    fvi_release(context, slot->targets);
    fvi_release(context, slot->classes);
    fvi_release(context, slot->samples);
    fvi_release(context, slot->failed);
}

void fvi_slot_fill(fvi_slot *slot, const fvi_recipe *recipe, fvi_fetcher *fetcher, int64_t epoch, int64_t number,
                   int32_t i)
{
    const int64_t index = fvi_recipe_index(recipe, number);
    const size_t targets = (size_t)fv_dataset_target_count(recipe->dataset);
    float *image = slot->images + (size_t)i * recipe->elements;
    slot->classes[i] = fv_dataset_label(recipe->dataset, index);
    slot->samples[i] = (uint64_t)number;
    if (targets > 0)
        memcpy(slot->targets + (size_t)i * targets, fv_dataset_targets(recipe->dataset, index),
               targets * sizeof *slot->targets);
    slot->failed[i] = FV_OK;
    if (recipe->direct)
        fvi_fetch_direct(recipe, epoch, number, image);
    else
        slot->failed[i] = fvi_fetch(fetcher, recipe, epoch, number, image);
}

/* The last one out frees everything. */
static void release_crew(fvi_crew *crew)
{
    if (atomic_fetch_sub(&crew->references, 1) != 1)
        return;
    fv_context *context = crew->context;
    for (int32_t i = 0; crew->workers != NULL && i < crew->worker_count; i++)
        fvi_fetcher_close(&crew->workers[i].fetcher);
    for (int32_t i = 0; crew->slots != NULL && i < crew->slot_count; i++)
        fvi_slot_release(&crew->slots[i], context);
    fvi_release(context, crew->workers);
    fvi_release(context, crew->slots);
    fvi_release(context, crew->done);
    fvi_release(context, crew->order);
    pthread_mutex_destroy(&crew->mutex);
    pthread_cond_destroy(&crew->work);
    pthread_cond_destroy(&crew->ready);
    fvi_dataset_release(crew->recipe.dataset);
    fvi_release(context, crew);
    fv_context_destroy(context);
}

/* With the mutex held: whether there is a sample to fetch whose slot is free. */
static bool has_work(const fvi_crew *crew)
{
    if (crew->next >= crew->end)
        return false;
    return (crew->next - crew->first) / crew->recipe.options.batch < crew->released + crew->slot_count;
}

/* With the mutex held, which is given up while the sample is fetched. */
static void fetch_one(fvi_crew *crew, crew_worker *worker)
{
    const int32_t batch = crew->recipe.options.batch;
    const int64_t position = crew->next++, epoch = crew->epoch;
    const int64_t number = (position - crew->first) / batch;
    const int32_t i = (int32_t)((position - crew->first) % batch), at = (int32_t)(number % crew->slot_count);
    worker->index = crew->order[position];
    worker->since = fvi_seconds();
    worker->busy = true;
    crew->busy++;
    pthread_mutex_unlock(&crew->mutex);
    fvi_slot_fill(&crew->slots[at], &crew->recipe, &worker->fetcher, epoch,
                  crew->recipe.drawn != NULL ? position : worker->index, i);
    pthread_mutex_lock(&crew->mutex);
    worker->busy = false;
    crew->busy--;
    crew->done[at]++;
    /* News for the caller: the batch is whole, or (while it stops an epoch) nobody is at work. */
    const int64_t size = crew->end - (crew->first + number * batch); /* of the last one */
    if (crew->done[at] == batch || crew->done[at] >= size || crew->busy == 0)
        pthread_cond_broadcast(&crew->ready);
}

static void *run_worker(void *argument)
{
    crew_worker *worker = argument;
    fvi_crew *crew = worker->crew;
    pthread_mutex_lock(&crew->mutex);
    while (!crew->stopping)
        if (has_work(crew))
            fetch_one(crew, worker);
        else
            pthread_cond_wait(&crew->work, &crew->mutex);
    pthread_mutex_unlock(&crew->mutex);
    release_crew(crew);
    return NULL;
}

static fv_status start_worker(fvi_crew *crew, crew_worker *worker)
{
    sigset_t all, before;
    if (!crew->recipe.direct)
        FV_TRY(fvi_fetcher_open(&worker->fetcher, crew->context, crew->recipe.dataset));
    atomic_fetch_add(&crew->references, 1);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&worker->thread, NULL, run_worker, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    worker->started = error == 0;
    if (worker->started)
        return FV_OK;
    atomic_fetch_sub(&crew->references, 1);
    return fvi_fail(crew->context, FV_ERR_MEMORY, "loader: worker %d of %d could not be started: %s",
                    worker->number + 1, crew->worker_count, strerror(error));
}

static void make_conditions(fvi_crew *crew)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&crew->mutex, NULL);
    pthread_cond_init(&crew->work, NULL);
    pthread_cond_init(&crew->ready, &attributes);
    pthread_condattr_destroy(&attributes);
}

static fv_status fill_crew(fvi_crew *crew)
{
    const size_t count = (size_t)fv_dataset_count(crew->recipe.dataset);
    crew->order = fvi_allocate(crew->context, count * sizeof *crew->order);
    crew->slots = fvi_allocate_zeroed(crew->context, (size_t)crew->slot_count, sizeof *crew->slots);
    crew->done = fvi_allocate_zeroed(crew->context, (size_t)crew->slot_count, sizeof *crew->done);
    crew->workers = fvi_allocate_zeroed(crew->context, (size_t)crew->worker_count, sizeof *crew->workers);
    if (crew->order == NULL || crew->slots == NULL || crew->done == NULL || crew->workers == NULL)
        return fvi_out_of_memory(crew->context, "a loader's workers", count * sizeof *crew->order);
    if (crew->recipe.options.sample_weights != NULL)
        crew->recipe.drawn = crew->order;
    for (int32_t i = 0; i < crew->slot_count; i++)
        FV_TRY(fvi_slot_allocate(&crew->slots[i], crew->context, &crew->recipe));
    for (int32_t i = 0; i < crew->worker_count; i++) {
        crew->workers[i].crew = crew;
        crew->workers[i].number = i;
        FV_TRY(start_worker(crew, &crew->workers[i]));
    }
    return FV_OK;
}

fv_status fvi_crew_create(fvi_crew **out, fv_context *context, const fvi_recipe *recipe)
{
    const fv_loader_options *options = &recipe->options;
    fv_context *own = NULL;
    *out = NULL;
    if (options->workers > MOST_WORKERS || options->ahead < 0 || options->ahead > MOST_AHEAD || options->patience < 0)
        return fvi_fail(
            context, FV_ERR_ARGUMENT,
            "loader: %d workers, %d batches ahead, a patience of %g seconds; there may be 0 to %d workers, 0 "
            "to %d batches, and no less than 0 seconds",
            options->workers, options->ahead, options->patience, MOST_WORKERS, MOST_AHEAD);
    if (fvi_context_create_beside(&own, context) != FV_OK)
        return fvi_out_of_memory(context, "a loader's workers", 0);
    fvi_crew *crew = fvi_allocate_zeroed(own, 1, sizeof *crew);
    if (crew == NULL) {
        fv_context_destroy(own);
        return fvi_out_of_memory(context, "a loader's workers", sizeof *crew);
    }
    crew->context = own;
    atomic_init(&crew->references, 1);
    crew->recipe = *recipe;
    fvi_dataset_retain(recipe->dataset);
    crew->worker_count = options->workers;
    crew->slot_count = (options->ahead > 0 ? options->ahead : AHEAD) + 1;
    crew->patience = options->patience > 0 ? options->patience : PATIENCE;
    make_conditions(crew);
    const fv_status status = fill_crew(crew);
    if (status != FV_OK) {
        fvi_fail(context, status, "%s", fv_context_message(own));
        fvi_crew_destroy(crew);
        return status;
    }
    *out = crew;
    return FV_OK;
}

int32_t *fvi_crew_order(fvi_crew *crew)
{
    return crew->order;
}

/* With the mutex held: the worker that has been at one sample for longer than it may, or NULL. */
static const crew_worker *find_hung(const fvi_crew *crew)
{
    const double now = fvi_seconds();
    for (int32_t i = 0; i < crew->worker_count; i++)
        if (crew->workers[i].busy && now - crew->workers[i].since > crew->patience)
            return &crew->workers[i];
    return NULL;
}

/* With the mutex held: waits for news, a fraction of the patience at most. */
static void wait_a_while(fvi_crew *crew)
{
    struct timespec until;
    const double seconds = crew->patience < 4 ? crew->patience / 4 : 1;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const long nanoseconds = until.tv_nsec + (long)(seconds * 1e9);
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    pthread_cond_timedwait(&crew->ready, &crew->mutex, &until);
}

static fv_status tell_hung(const fvi_crew *crew, const crew_worker *worker, fvi_message *message)
{
    char name[512];
    fv_dataset_sample_name(crew->recipe.dataset, worker->index, name, sizeof name);
    return fvi_fail_in(message, FV_ERR_IO,
                       "worker %d of %d has been reading '%s' for %.0f seconds; is its disk or network there?",
                       worker->number + 1, crew->worker_count, name, fvi_seconds() - worker->since);
}

bool fvi_crew_stop_epoch(fvi_crew *crew, fvi_message *message)
{
    const crew_worker *hung = NULL;
    pthread_mutex_lock(&crew->mutex);
    crew->next = crew->end = 0;
    while (crew->busy > 0 && hung == NULL) {
        hung = find_hung(crew);
        if (hung == NULL)
            wait_a_while(crew);
    }
    if (hung != NULL)
        tell_hung(crew, hung, message);
    pthread_mutex_unlock(&crew->mutex);
    return hung == NULL;
}

void fvi_crew_destroy(fvi_crew *crew)
{
    fvi_message message;
    if (crew == NULL)
        return;
    const bool idle = fvi_crew_stop_epoch(crew, &message);
    pthread_mutex_lock(&crew->mutex);
    crew->stopping = true;
    pthread_cond_broadcast(&crew->work);
    pthread_mutex_unlock(&crew->mutex);
    /* A worker that hangs is left to itself, with what it touches; it frees that should it ever come back. */
    for (int32_t i = 0; crew->workers != NULL && i < crew->worker_count; i++) {
        if (!crew->workers[i].started)
            continue;
        if (idle)
            pthread_join(crew->workers[i].thread, NULL);
        else
            pthread_detach(crew->workers[i].thread);
    }
    release_crew(crew);
}

void fvi_crew_start(fvi_crew *crew, int64_t epoch, int64_t position, int64_t count)
{
    pthread_mutex_lock(&crew->mutex);
    crew->epoch = epoch;
    crew->first = crew->next = position;
    crew->end = count;
    crew->released = 0;
    memset(crew->done, 0, (size_t)crew->slot_count * sizeof *crew->done);
    pthread_cond_broadcast(&crew->work);
    pthread_mutex_unlock(&crew->mutex);
}

fv_status fvi_crew_take(fvi_crew *crew, int64_t position, int32_t n, fvi_slot **slot, fvi_message *message)
{
    const int64_t number = (position - crew->first) / crew->recipe.options.batch;
    const int32_t at = (int32_t)(number % crew->slot_count);
    fv_status status = FV_OK;
    pthread_mutex_lock(&crew->mutex);
    if (number > 0) { /* the one before */
        crew->done[(number - 1) % crew->slot_count] = 0;
        crew->released = number;
        pthread_cond_broadcast(&crew->work);
    }
    while (status == FV_OK && crew->done[at] < n) {
        const crew_worker *hung = find_hung(crew);
        if (hung != NULL)
            status = tell_hung(crew, hung, message);
        else
            wait_a_while(crew);
    }
    pthread_mutex_unlock(&crew->mutex);
    *slot = &crew->slots[at];
    return status;
}
