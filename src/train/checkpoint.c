/* SPDX-License-Identifier: Apache-2.0
 *
 * checkpoint.c - the state of a run in one file, and back. Random draws need no place in it: they are keyed by (seed, epoch, sample),
 * not drawn from a sequence. Restoring checks everything before it changes anything: the header and its own checksum, the network,
 * options and data of the run, the tensors' names and shapes, the checksum over all of them; only then are values read into place.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "data/identity.h"
#include "interchange/learned.h"
#include "interchange/model_format.h"
#include "interchange/tuning_json.h"
#include "train/trainer_internal.h"

enum { MOST_SETS = 16, RECORD_NUMBERS = 11, NAME_BYTES = 400, MOST_EPOCHS = 1 << 30 };

static const char history_name[] = "history:records", hashes_name[] = "history:hashes";

/* Values in the layout of the parameters that training changes beside them: "velocity:conv1.weight" in the file. */
typedef struct value_set {
    const char *name;
    fv_params *values;
} value_set;

static int32_t value_sets(const fv_trainer *trainer, value_set sets[MOST_SETS])
{
    int32_t count = 0;
    const int32_t slots = fv_optimizer_slot_count(trainer->optimizer);
    for (int32_t i = 0; i < slots && count < MOST_SETS; i++)
        sets[count++] =
            (value_set){ fv_optimizer_slot_name(trainer->optimizer, i), fv_optimizer_slot(trainer->optimizer, i) };
    if (trainer->weights != NULL && count < MOST_SETS)
        sets[count++] = (value_set){ "weights", trainer->weights };
    return count;
}

/* The tensors of a checkpoint, in the order of the file. Names and the history are its own. */
typedef struct tensor_list {
    fv_context *context;
    fvi_tensor_source *source;
    char (*name)[NAME_BYTES]; /* of those that are no parameters */
    double *history;          /* [epochs][RECORD_NUMBERS] */
    uint64_t *hashes;         /* [epochs] */
    int32_t count;
} tensor_list;

static void release_list(tensor_list *list)
{
    fvi_release(list->context, list->source);
    fvi_release(list->context, list->name);
    fvi_release(list->context, list->history);
    fvi_release(list->context, list->hashes);
}

static void add_history(tensor_list *list, int32_t epochs)
{
    const fvi_tensor_source history = { history_name, "F64", { 2, { epochs, RECORD_NUMBERS } }, list->history },
                            hashes = { hashes_name, "U64", { 1, { epochs } }, list->hashes };
    list->source[list->count++] = history;
    list->source[list->count++] = hashes;
}

/* What a checkpoint with so many records of epochs holds; the history is room to be filled. */
static fv_status make_list(tensor_list *list, const fv_trainer *trainer, int32_t epochs, int32_t more)
{
    value_set sets[MOST_SETS];
    const int32_t params = fv_params_count(trainer->params), count = value_sets(trainer, sets);
    const size_t others = (size_t)params * (size_t)count;
    *list = (tensor_list){ .context = trainer->context };
    list->source = fvi_allocate_zeroed(list->context, (size_t)params + others + 2 + (size_t)more, sizeof *list->source);
    list->name = fvi_allocate_zeroed(list->context, others + 1, sizeof *list->name);
    list->history = fvi_allocate_zeroed(list->context, (size_t)epochs + 1, RECORD_NUMBERS * sizeof *list->history);
    list->hashes = fvi_allocate_zeroed(list->context, (size_t)epochs + 1, sizeof *list->hashes);
    if (list->source == NULL || list->name == NULL || list->history == NULL || list->hashes == NULL) {
        release_list(list);
        return fvi_out_of_memory(list->context, "a list of tensors", others * sizeof *list->name);
    }
    for (int32_t i = 0; i < params; i++)
        list->source[list->count++] = fvi_model_tensor(trainer->params, i);
    for (int32_t s = 0, other = 0; s < count; s++)
        for (int32_t i = 0; i < params; i++, other++) {
            fvi_tensor_source source = fvi_model_tensor(sets[s].values, i);
            snprintf(list->name[other], NAME_BYTES, "%s:%s", sets[s].name, source.name);
            source.name = list->name[other];
            list->source[list->count++] = source;
        }
    if (epochs > 0)
        add_history(list, epochs);
    return FV_OK;
}

static void fill_history(tensor_list *list, const fv_trainer *trainer)
{
    for (int32_t i = 0; i < trainer->epoch; i++) {
        const fv_epoch_record *r = &trainer->records[i];
        const double numbers[RECORD_NUMBERS] = { r->train_loss,    r->train_accuracy,        r->test_loss,
                                                 r->test_accuracy, r->images_per_second,     r->seconds,
                                                 r->skipped,       r->gradient_norm,         r->largest_gradient_norm,
                                                 r->rate,          (double)r->skipped_images };
        memcpy(list->history + (size_t)i * RECORD_NUMBERS, numbers, sizeof numbers);
        list->hashes[i] = strtoull(r->weights_hash, NULL, 16);
    }
}

/* A number that JSON can hold: infinities and NaN become texts. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_string(isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

/* Numbers and texts that say which data these are. The hash is computed once. */
static json_t *write_identity(const fv_dataset *dataset, char hash[17])
{
    const fv_image_shape shape = fv_dataset_shape(dataset);
    if (hash[0] == '\0')
        fvi_dataset_hash(dataset, hash);
    return json_pack("{s:s, s:I, s:i, s:[i,i,i], s:s}", "name", fv_dataset_name(dataset), "count",
                     (json_int_t)fv_dataset_count(dataset), "classes", (int)fv_dataset_classes(dataset), "shape",
                     (int)shape.c, (int)shape.h, (int)shape.w, "hash", hash);
}

/* The options that a run's weights depend on, apart from the number of epochs. */
enum { WHOLE, REAL, FLAG, TEXT };
#define OPTION(member, type)                                                                                           \
    {                                                                                                                  \
#member, offsetof(fv_train_options, member), type                                                              \
    }
static const struct {
    const char *name;
    size_t offset;
    int type;
} described[] = {
    OPTION(batch, WHOLE),
    OPTION(blocks, WHOLE),
    OPTION(population_statistics, FLAG),
    OPTION(skip_bad, FLAG),
    OPTION(optimizer.kind, WHOLE),
    OPTION(optimizer.momentum, REAL),
    OPTION(optimizer.nesterov, FLAG),
    OPTION(optimizer.lr_in_velocity, FLAG),
    OPTION(optimizer.beta1, REAL),
    OPTION(optimizer.beta2, REAL),
    OPTION(optimizer.smoothing, REAL),
    OPTION(optimizer.epsilon, REAL),
    OPTION(optimizer.epsilon_inside_root, FLAG),
    OPTION(optimizer.simplified, FLAG),
    OPTION(optimizer.centered, FLAG),
    OPTION(optimizer.trust, REAL),
    OPTION(optimizer.match_adam, FLAG),
    OPTION(optimizer.weight_decay, REAL),
    OPTION(optimizer.decoupled, FLAG),
    OPTION(optimizer.l1, REAL),
    OPTION(optimizer.decay_all, FLAG),
    OPTION(optimizer.clip_value, REAL),
    OPTION(optimizer.clip_norm, REAL),
    OPTION(optimizer.lookahead, WHOLE),
    OPTION(optimizer.average, WHOLE),
    OPTION(optimizer.average_decay, REAL),
    OPTION(optimizer.average_start, WHOLE),
    OPTION(optimizer.average_every, WHOLE),
    OPTION(optimizer.lookahead_part, REAL),
    OPTION(optimizer.groups, TEXT),
    OPTION(optimizer.given, WHOLE),
    OPTION(schedule.kind, WHOLE),
    OPTION(schedule.rate, REAL),
    OPTION(schedule.warmup, REAL),
    OPTION(schedule.warmup_start, REAL),
    OPTION(schedule.per_epoch, FLAG),
    OPTION(schedule.final, REAL),
    OPTION(schedule.gamma, REAL),
    OPTION(schedule.every, REAL),
    OPTION(schedule.power, REAL),
    OPTION(schedule.peak, REAL),
    OPTION(schedule.divisor, REAL),
    OPTION(schedule.growth, REAL),
    OPTION(schedule.points, TEXT),
    OPTION(schedule.linear, FLAG),
    OPTION(schedule.patience, WHOLE),
    OPTION(schedule.threshold, REAL),
    OPTION(schedule.cooldown, WHOLE),
    OPTION(schedule.least, REAL),
    OPTION(schedule.given, WHOLE),
    OPTION(preprocess.resize, WHOLE),
    OPTION(augment.shift, WHOLE),
    OPTION(augment.random_crop, FLAG),
    OPTION(augment.flip, FLAG),
    OPTION(transforms, TEXT),
    OPTION(class_weights, TEXT),
    OPTION(sampling, TEXT),
};

static json_t *describe(const fv_train_options *options, size_t index)
{
    const char *member = (const char *)options + described[index].offset;
    int32_t whole = 0;
    double real = 0;
    const char *text = NULL;
    switch (described[index].type) {
    case WHOLE: /* enumerations too */
        memcpy(&whole, member, sizeof whole);
        return json_integer(whole);
    case REAL:
        memcpy(&real, member, sizeof real);
        return number(real);
    case FLAG:
        return json_boolean(*(const bool *)member);
    default:
        memcpy(&text, member, sizeof text);
        return json_string(text != NULL ? text : "");
    }
}

static json_t *numbers(const double *values, int32_t count)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < count && i < FV_MAX_CHANNELS; i++)
        json_array_append_new(list, number(values[i]));
    return list;
}

fv_status fvi_trainer_describe(fv_trainer *trainer)
{
    const fv_train_options *options = &trainer->options;
    const fv_preprocess *prepare = &options->preprocess;
    json_t *object = json_object();
    bool good = json_object_set_new(object, "seed", json_integer((json_int_t)options->seed)) == 0;
    good = json_object_set_new(object, "dtype", json_string(fv_dtype_name(options->dtype))) == 0 && good;
    for (size_t i = 0; i < sizeof described / sizeof described[0]; i++)
        good = json_object_set_new(object, described[i].name, describe(options, i)) == 0 && good;
    good = json_object_set_new(object, "preprocess.mean", numbers(prepare->mean, prepare->input.c)) == 0 && good;
    good =
        json_object_set_new(object, "preprocess.deviation", numbers(prepare->deviation, prepare->input.c)) == 0 && good;
    if (prepare->decode_whole)
        good = json_object_set_new(object, "preprocess.decode_whole", json_true()) == 0 && good;
    if (prepare->transforms != NULL)
        good = json_object_set_new(object, "preprocess.transforms",
                                   json_string(fv_augmentation_text(prepare->transforms))) == 0 &&
               good;
    trainer->described = object;
    return good ? FV_OK
                : fvi_fail(trainer->context, FV_ERR_ARGUMENT,
                           "trainer: groups or points are not UTF-8, or memory is short");
}

static json_t *write_sets(const fv_trainer *trainer)
{
    value_set sets[MOST_SETS];
    const int32_t count = value_sets(trainer, sets);
    json_t *list = json_array();
    for (int32_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(sets[i].name));
    return list;
}

static json_t *write_state(fv_trainer *trainer)
{
    const fvi_epoch_sums *sums = &trainer->sums;
    json_t *state = json_pack(
        "{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:i, s:i, s:o, s:o, s:o, s:i, s:i, s:s}", "epoch",
        (int)trainer->epoch, "steps", (json_int_t)fvi_trainer_steps(trainer), "position", (json_int_t)sums->position,
        "samples", (json_int_t)trainer->samples, "steps_per_epoch", (json_int_t)trainer->steps_per_epoch, "epochs",
        (json_int_t)trainer->options.epochs, "optimizer_steps", (json_int_t)fv_optimizer_steps(trainer->optimizer),
        "loss", number(sums->loss), "weight", number(sums->weight), "correct", (json_int_t)sums->correct, "counted",
        (json_int_t)sums->counted, "skipped", (int)sums->skipped, "skipped_in_row", (int)trainer->skipped_in_row,
        "seconds", number(fvi_trainer_epoch_seconds(trainer)), "seconds_before", number(trainer->seconds_before),
        "rate_scale", number(trainer->rate_scale), "rolled_back", (int)trainer->rolled_back, "best", (int)trainer->best,
        "isa", fv_context_isa(trainer->context));
    const fv_plateau *plateau = &trainer->plateau;
    bool good = json_object_set_new(state, "sets", write_sets(trainer)) == 0;
    good = json_object_set_new(state, "averaged", json_boolean(trainer->averaged)) == 0 && good;
    good = json_object_set_new(state, "norm_steps", json_integer(sums->steps)) == 0 && good;
    good = json_object_set_new(state, "skipped_images", json_integer(sums->skipped_images)) == 0 && good;
    good = json_object_set_new(state, "rolled_to", json_integer(trainer->rolled_to)) == 0 && good;
    good = json_object_set_new(state, "norms", number(sums->norms)) == 0 && good;
    good = json_object_set_new(state, "largest_norm", number(sums->largest_norm)) == 0 && good;
    good = json_object_set_new(state, "plateau_best", number(plateau->best)) == 0 && good;
    good = json_object_set_new(state, "plateau",
                               json_pack("[i,i,i,i]", (int)plateau->seen, (int)plateau->bad, (int)plateau->cooling,
                                         (int)plateau->falls)) == 0 &&
           good;
    good = json_object_set_new(state, "options", json_incref(trainer->described)) == 0 && good;
    good = json_object_set_new(state, "train", write_identity(trainer->train, trainer->train_hash)) == 0 && good;
    if (trainer->test != NULL)
        good = json_object_set_new(state, "test", write_identity(trainer->test, trainer->test_hash)) == 0 && good;
    if (good)
        return state;
    json_decref(state);
    return NULL;
}

/* The choices of a tuning, which are part of what makes the bits. */
static bool set_tuning(const fv_trainer *trainer, json_t *metadata)
{
    char *text = NULL;
    const fv_tuning *tuning = (const fv_tuning *)(const void *)fvi_context_tuner(trainer->context);
    if (tuning == NULL)
        return true;
    const bool good = fvi_tuning_text(tuning, &text) == FV_OK &&
                      json_object_set_new(metadata, FVI_MODEL_TUNING, json_string(text)) == 0;
    free(text);
    return good;
}

static bool set_state(fv_trainer *trainer, json_t *metadata, const fvi_state_extras *extras)
{
    json_t *state = write_state(trainer);
    char *text = state != NULL ? json_dumps(state, JSON_COMPACT) : NULL;
    bool good = text != NULL && json_object_set_new(metadata, FVI_MODEL_STATE, json_string(text)) == 0;
    free(text);
    json_decref(state);
    good = set_tuning(trainer, metadata) && good;
    if (extras != NULL && extras->key != NULL)
        good = json_object_set_new(metadata, extras->key, json_string(extras->text)) == 0 && good;
    return good;
}

fv_status fvi_trainer_write(fv_trainer *trainer, const char *path, const char *extra, const fvi_state_extras *extras)
{
    fv_context *context = trainer->context;
    tensor_list list;
    fvi_learned_tensors learned; /* last: going on learns the same again, and does not look at them */
    json_t *metadata = NULL;
    FV_TRY(fvi_learned_list(&learned, context, path, trainer->options.preprocess.transforms));
    FV_TRY(make_list(&list, trainer, trainer->epoch, (extras != NULL ? extras->count : 0) + learned.count));
    fill_history(&list, trainer);
    for (int32_t i = 0; extras != NULL && i < extras->count; i++)
        list.source[list.count++] = extras->tensors[i];
    for (int32_t i = 0; i < learned.count; i++)
        list.source[list.count++] = learned.source[i];
    fv_status status =
        fvi_model_metadata(&metadata, context, path, trainer->params, &trainer->options.preprocess, extra);
    if (status == FV_OK && !set_state(trainer, metadata, extras))
        status = fvi_out_of_memory(context, "the state of a run", 0);
    if (status == FV_OK)
        status = fvi_safetensors_write(context, path, metadata, list.source, list.count);
    json_decref(metadata);
    release_list(&list);
    return status;
}

static fv_status keep_message(fv_trainer *trainer, fv_status status)
{
    return status == FV_OK ? FV_OK : fvi_fail_in(&trainer->message, status, "%s", fv_context_message(trainer->context));
}

fv_status fv_trainer_save(fv_trainer *trainer, const char *path, const char *extra)
{
    return keep_message(trainer, fvi_trainer_write(trainer, path, extra, NULL));
}

/* One reading: the open file, its state, and what will be put into the trainer. */
typedef struct restoring {
    fv_trainer *trainer;
    const fvi_safetensors *file;
    json_t *state;
    fvi_epoch_sums sums;
    int32_t epoch, rolled_back, skipped_in_row;
    double seconds_before, rate_scale;
    int64_t optimizer_steps, rolled_to;
    fv_plateau plateau;
} restoring;

static fv_status differs(const restoring *r, fv_status status, const char *what, const char *stored, const char *here)
{
    return fvi_fail(r->trainer->context, status, "checkpoint '%s' is of a run with %s %s; this one has %s",
                    r->file->path, what, stored, here);
}

static fv_status compare_values(const restoring *r, const char *what, const char *key, const json_t *stored,
                                const json_t *here)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s%s", what, what[0] != '\0' ? " " : "", key);
    if (stored != NULL && json_equal(stored, here))
        return FV_OK;
    char *one = stored != NULL ? json_dumps(stored, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL,
         *other = json_dumps(here, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
    const fv_status status =
        differs(r, FV_ERR_ARGUMENT, name, one != NULL ? one : "(not told)", other != NULL ? other : "another");
    free(one);
    free(other);
    return status;
}

/* Every member of `here` must be in `stored`, and be the same. Takes here. name, "" or "training data", is for the message. */
static fv_status compare(const restoring *r, const char *what, const char *key, json_t *here,
                         const char *free_to_differ)
{
    const json_t *stored = json_object_get(r->state, key);
    const char *member = NULL;
    json_t *value = NULL;
    fv_status status = here != NULL ? FV_OK : fvi_out_of_memory(r->trainer->context, "what a run is made of", 0);
    json_object_foreach(here, member, value)
    {
        if (status == FV_OK && (free_to_differ == NULL || strcmp(member, free_to_differ) != 0))
            status = compare_values(r, what, member, json_object_get(stored, member), value);
    }
    json_decref(here);
    return status;
}

static fv_status compare_graph(const restoring *r)
{
    fv_context *context = r->trainer->context;
    char *text = NULL;
    const char *stored = fvi_safetensors_text(r->file, "graph");
    FV_TRY(fv_graph_to_json(r->trainer->graph, &text));
    json_t *one = stored != NULL ? json_loads(stored, 0, NULL) : NULL, *other = json_loads(text, 0, NULL);
    json_t *called = json_incref(json_object_get(one, "name"));
    json_object_del(one, "name"); /* a file that was moved calls the same network otherwise */
    json_object_del(other, "name");
    const bool same = one != NULL && other != NULL && json_equal(one, other);
    const char *name = json_string_value(called);
    fv_status status = FV_OK;
    if (!same)
        status = fvi_fail(context, FV_ERR_SHAPE,
                          "checkpoint '%s' is of another network, '%.100s'; this one, '%.100s', has other layers or "
                          "attributes",
                          r->file->path, name != NULL ? name : "?", fv_graph_name(r->trainer->graph));
    json_decref(called);
    json_decref(one);
    json_decref(other);
    fv_text_release(context, text);
    return status;
}

static fv_status compare_run(const restoring *r)
{
    fv_trainer *trainer = r->trainer;
    FV_TRY(compare_graph(r));
    FV_TRY(compare(r, "", "options", json_incref(trainer->described), NULL));
    FV_TRY(compare(r, "training data", "train", write_identity(trainer->train, trainer->train_hash), "name"));
    if (trainer->test == NULL && json_object_get(r->state, "test") != NULL)
        return differs(r, FV_ERR_ARGUMENT, "a test set", "that was measured", "none");
    if (trainer->test != NULL)
        FV_TRY(compare(r, "test data", "test", write_identity(trainer->test, trainer->test_hash), "name"));
    json_t *sets = write_sets(trainer);
    const fv_status status = compare_values(r, "", "sets of values", json_object_get(r->state, "sets"), sets);
    json_decref(sets);
    return status;
}

static fv_status bad_state(const restoring *r, const char *key)
{
    return fvi_fail(r->trainer->context, FV_ERR_FORMAT, "'%s': '%s' of its state is missing or impossible",
                    r->file->path, key);
}

static fv_status read_whole(const restoring *r, const char *key, int64_t low, int64_t high, int64_t *value)
{
    const json_t *found = json_object_get(r->state, key);
    *value = json_integer_value(found);
    return json_is_integer(found) && *value >= low && *value <= high ? FV_OK : bad_state(r, key);
}

static fv_status read_small(const restoring *r, const char *key, int32_t low, int32_t high, int32_t *value)
{
    int64_t whole = 0;
    FV_TRY(read_whole(r, key, low, high, &whole));
    *value = (int32_t)whole;
    return FV_OK;
}

static fv_status read_number(const restoring *r, const char *key, double *value)
{
    const json_t *found = json_object_get(r->state, key);
    const char *text = json_string_value(found);
    if (text != NULL && (strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0 || strcmp(text, "nan") == 0))
        *value = text[0] == 'n' ? (double)NAN : text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    else if (json_is_number(found))
        *value = json_number_value(found);
    else
        return bad_state(r, key);
    return FV_OK;
}

static fv_status read_plateau(restoring *r)
{
    int32_t *const places[] = { &r->plateau.seen, &r->plateau.bad, &r->plateau.cooling, &r->plateau.falls };
    const json_t *list = json_object_get(r->state, "plateau");
    for (size_t i = 0; i < 4; i++) {
        const json_int_t value = json_integer_value(json_array_get(list, i));
        if (json_array_size(list) != 4 || value < 0 || value > MOST_EPOCHS)
            return bad_state(r, "plateau");
        *places[i] = (int32_t)value;
    }
    return read_number(r, "plateau_best", &r->plateau.best);
}

static fv_status read_state(restoring *r)
{
    const fv_trainer *trainer = r->trainer;
    int64_t ignored = 0;
    FV_TRY(read_small(r, "epoch", 0, MOST_EPOCHS, &r->epoch));
    FV_TRY(read_whole(r, "samples", trainer->samples, trainer->samples, &ignored));
    FV_TRY(read_whole(r, "position", 0, trainer->samples, &r->sums.position));
    FV_TRY(read_whole(r, "correct", 0, trainer->samples, &r->sums.correct));
    FV_TRY(read_whole(r, "counted", 0, r->sums.position, &r->sums.counted));
    FV_TRY(read_small(r, "skipped", 0, MOST_EPOCHS, &r->sums.skipped));
    FV_TRY(read_whole(r, "skipped_images", 0, r->sums.position, &r->sums.skipped_images));
    FV_TRY(read_small(r, "skipped_in_row", 0, MOST_EPOCHS, &r->skipped_in_row));
    FV_TRY(read_small(r, "rolled_back", 0, MOST_EPOCHS, &r->rolled_back));
    FV_TRY(read_number(r, "loss", &r->sums.loss));
    FV_TRY(read_small(r, "norm_steps", 0, MOST_EPOCHS, &r->sums.steps));
    FV_TRY(read_number(r, "norms", &r->sums.norms));
    FV_TRY(read_number(r, "largest_norm", &r->sums.largest_norm));
    FV_TRY(read_number(r, "weight", &r->sums.weight));
    FV_TRY(read_number(r, "seconds", &r->sums.seconds));
    FV_TRY(read_number(r, "seconds_before", &r->seconds_before));
    FV_TRY(read_number(r, "rate_scale", &r->rate_scale));
    FV_TRY(read_whole(r, "optimizer_steps", 0, INT64_MAX, &r->optimizer_steps));
    if (json_object_get(r->state, "rolled_to") != NULL) /* those of version 0.1.0's first weeks do not tell */
        FV_TRY(read_whole(r, "rolled_to", 0, INT64_MAX, &r->rolled_to));
    FV_TRY(read_plateau(r));
    if (r->sums.position != trainer->samples && r->sums.position % trainer->options.batch != 0)
        return bad_state(r, "position");
    return r->rate_scale > 0 && r->rate_scale <= 1 ? FV_OK : bad_state(r, "rate_scale");
}

static bool same_shape(const fv_shape *a, const fv_shape *b)
{
    bool same = a->rank == b->rank;
    for (int32_t i = 0; i < a->rank && same; i++)
        same = a->size[i] == b->size[i];
    return same;
}

/* The file's tensors lie in the order in which they were written, so that the list is compared one by one. */
static fv_status match_list(const restoring *r, const tensor_list *list)
{
    const fvi_safetensors *file = r->file;
    for (int32_t i = 0; i < list->count; i++) {
        const fvi_tensor_source *source = &list->source[i];
        const fvi_stored_tensor *stored = &file->tensors[i];
        if (i >= file->count || strcmp(stored->name, source->name) != 0 || strcmp(stored->dtype, source->dtype) != 0 ||
            !same_shape(&stored->shape, &source->shape))
            return fvi_fail(r->trainer->context, FV_ERR_FORMAT,
                            "'%s': tensor '%.100s' is missing or not what this run needs", file->path, source->name);
    }
    return FV_OK;
}

static fv_status read_tensor(const restoring *r, int32_t index, const fvi_tensor_source *source)
{
    const fvi_stored_tensor *stored = &r->file->tensors[index];
    const size_t bytes = (size_t)(stored->end - stored->begin), size = fvi_safetensors_dtype_bytes(stored->dtype);
    /* The list was made from what the trainer owns, and is const only for writing. */
    void *values = (void *)(uintptr_t)source->values;
    FV_TRY(fvi_safetensors_read(r->file, stored->begin, values, bytes));
    fvi_little_endian(values, bytes / size, size);
    return FV_OK;
}

/* Cannot fail: there is room. */
static void adopt_history(fv_trainer *trainer, const tensor_list *list, int32_t epochs)
{
    trainer->epoch = 0;
    trainer->best = -1;
    for (int32_t i = 0; i < epochs; i++) {
        const double *numbers = list->history + (size_t)i * RECORD_NUMBERS;
        fv_epoch_record record = { .epoch = i + 1,
                                   .train_loss = numbers[0],
                                   .train_accuracy = numbers[1],
                                   .test_loss = numbers[2],
                                   .test_accuracy = numbers[3],
                                   .images_per_second = numbers[4],
                                   .seconds = numbers[5],
                                   .skipped = numbers[6] > 0 && numbers[6] < MOST_EPOCHS ? (int32_t)numbers[6] : 0,
                                   .gradient_norm = numbers[7],
                                   .largest_gradient_norm = numbers[8],
                                   .rate = numbers[9],
                                   .skipped_images = numbers[10] > 0 && numbers[10] < 9e15 ? (int64_t)numbers[10] : 0 };
        snprintf(record.weights_hash, sizeof record.weights_hash, "%016llx", (unsigned long long)list->hashes[i]);
        (void)fvi_trainer_add_record(trainer, &record);
    }
}

static void adopt_state(const restoring *r)
{
    fv_trainer *trainer = r->trainer;
    trainer->restored = true;
    trainer->sums = r->sums;
    trainer->rolled_back = r->rolled_back;
    trainer->rolled_to = r->rolled_to;
    trainer->skipped_in_row = r->skipped_in_row;
    trainer->seconds_before = r->seconds_before;
    trainer->rate_scale = r->rate_scale;
    trainer->averaged = trainer->weights != NULL && json_is_true(json_object_get(r->state, "averaged"));
    trainer->plateau = r->plateau;
    fv_optimizer_set_steps(trainer->optimizer, r->optimizer_steps);
    trainer->started = fvi_seconds(); /* where the rest of an epoch is rolled back to */
    fv_session_params_changed(trainer->session);
}

static fv_status read_all(const restoring *r, tensor_list *list)
{
    FV_TRY(match_list(r, list));
    FV_TRY(fvi_safetensors_check(r->file));
    FV_TRY(fvi_trainer_reserve(r->trainer, r->epoch));
    for (int32_t i = 0; i < list->count; i++)
        FV_TRY(read_tensor(r, i, &list->source[i]));
    adopt_history(r->trainer, list, r->epoch);
    adopt_state(r);
    return FV_OK;
}

static void warn_of_other_bits(const restoring *r)
{
    const char *isa = json_string_value(json_object_get(r->state, "isa")),
               *version = fvi_safetensors_text(r->file, "version");
    fv_context *context = r->trainer->context;
    if (isa != NULL && strcmp(isa, fv_context_isa(context)) != 0)
        fvi_log_message(context, FV_LOG_WARNING,
                        "'%s' was computed with %.30s, this goes on with %s: sums are rounded differently",
                        r->file->path, isa, fv_context_isa(context));
    if (version != NULL && strcmp(version, fv_version()) != 0)
        fvi_log_message(context, FV_LOG_WARNING, "'%s' was written by version %.30s, this is %s: bits may differ",
                        r->file->path, version, fv_version());
}

static fv_status restore_from(restoring *r)
{
    tensor_list list;
    const char *text = fvi_safetensors_text(r->file, FVI_MODEL_STATE);
    FV_TRY(fvi_model_check_format(r->file));
    FV_TRY(fvi_safetensors_check_header(r->file)); /* or a bit that turned would pass for another run's option */
    if (text == NULL || fvi_safetensors_text(r->file, FVI_MODEL_CRASH) != NULL)
        return fvi_fail(r->trainer->context, FV_ERR_FORMAT, "'%s' is a %s, not a checkpoint that a run can go on from",
                        r->file->path, text == NULL ? "model" : "crash bundle");
    r->state = json_loads(text, 0, NULL);
    if (!json_is_object(r->state))
        return bad_state(r, FVI_MODEL_STATE);
    FV_TRY(compare_run(r));
    FV_TRY(read_state(r));
    if ((uint64_t)r->epoch > r->file->data_bytes / (RECORD_NUMBERS * sizeof(double)))
        return bad_state(r, "epoch"); /* before memory is taken for its history */
    FV_TRY(make_list(&list, r->trainer, r->epoch, 0));
    const fv_status status = read_all(r, &list);
    release_list(&list);
    if (status == FV_OK)
        warn_of_other_bits(r);
    return status;
}

fv_status fv_trainer_restore(fv_trainer *trainer, const char *path)
{
    fvi_safetensors file;
    restoring r = { .trainer = trainer, .file = &file };
    FV_TRY(keep_message(trainer, fvi_safetensors_open(&file, trainer->context, path)));
    const fv_status status = restore_from(&r);
    json_decref(r.state);
    fvi_safetensors_close(&file);
    return keep_message(trainer, status);
}
