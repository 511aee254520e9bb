/* SPDX-License-Identifier: Apache-2.0
 *
 * config_options.c - from keys to the options of the library's parts, and what must hold between keys.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "fovea/augment.h"
#include "optim/rules.h"
#include "train/config/config_internal.h"

enum { MOST_IMAGES = 65536 }; /* of a step */

/* Whether nobody gave this key a value for the optimizer there is: the table means sgd, a recipe its own optimizer. */
static bool is_open(const fv_config *config, const char *key)
{
    const fv_config_origin origin = fv_config_origin_of(config, key);
    const int64_t kind = fv_config_integer(config, "optimizer.kind");
    if (origin == FV_FROM_RECIPE)
        return kind != config->recipe_optimizer;
    return kind != FV_OPTIMIZER_SGD && (origin == FV_FROM_DEFAULT || origin == FV_FROM_NETWORK);
}

static double rate_of(const fv_config *config)
{
    return is_open(config, "optimizer.lr")
               ? fv_optimizer_kind_rate((fv_optimizer_kind)fv_config_integer(config, "optimizer.kind"))
               : fv_config_real(config, "optimizer.lr");
}

static double momentum_of(const fv_config *config)
{
    const int64_t kind = fv_config_integer(config, "optimizer.kind");
    if (kind == FV_OPTIMIZER_LARS || !is_open(config, "optimizer.momentum"))
        return fv_config_real(config, "optimizer.momentum");
    return kind == FV_OPTIMIZER_SGD ? 0.9 : kind == FV_OPTIMIZER_MUON ? 0.95 : 0;
}

/* Numbers that somebody gave, which may be 0. */
static uint32_t given_of(const fv_config *config)
{
    static const struct {
        const char *key;
        uint32_t bit;
    } numbers[] = {
        { "optimizer.beta1", FV_GIVEN_BETA1 },
        { "optimizer.beta2", FV_GIVEN_BETA2 },
        { "optimizer.smoothing", FV_GIVEN_SMOOTHING },
        { "optimizer.average_decay", FV_GIVEN_AVERAGE_DECAY },
    };
    uint32_t given = FV_GIVEN_MOMENTUM; /* momentum_of() is never left open */
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        given |= fv_config_text(config, numbers[i].key) != NULL ? numbers[i].bit : 0;
    return given;
}

static fv_optimizer_options optimizer_options(const fv_config *config)
{
    return (fv_optimizer_options){
        .kind = (fv_optimizer_kind)fv_config_integer(config, "optimizer.kind"),
        .momentum = momentum_of(config),
        .nesterov = fv_config_flag(config, "optimizer.nesterov"),
        .lr_in_velocity = fv_config_flag(config, "optimizer.lr_in_velocity"),
        .beta1 = fv_config_real(config, "optimizer.beta1"),
        .beta2 = fv_config_real(config, "optimizer.beta2"),
        .smoothing = fv_config_real(config, "optimizer.smoothing"),
        .epsilon = fv_config_real(config, "optimizer.epsilon"),
        .epsilon_inside_root = fv_config_flag(config, "optimizer.epsilon_inside_root"),
        .simplified = fv_config_flag(config, "optimizer.simplified"),
        .centered = fv_config_flag(config, "optimizer.centered"),
        .trust = fv_config_real(config, "optimizer.trust"),
        .match_adam = fv_config_flag(config, "optimizer.match_adam"),
        .weight_decay = fv_config_real(config, "optimizer.decay"),
        .decoupled = fv_config_flag(config, "optimizer.decoupled"),
        .l1 = fv_config_real(config, "optimizer.l1"),
        .decay_all = fv_config_flag(config, "optimizer.decay_all"),
        .clip_value = fv_config_real(config, "optimizer.clip_value"),
        .clip_norm = fv_config_real(config, "optimizer.clip_norm"),
        .lookahead = (int32_t)fv_config_integer(config, "optimizer.lookahead"),
        .lookahead_part = fv_config_real(config, "optimizer.lookahead_part"),
        .average = (fv_average_kind)fv_config_integer(config, "optimizer.average"),
        .average_decay = fv_config_real(config, "optimizer.average_decay"),
        .average_start = (int32_t)fv_config_integer(config, "optimizer.average_start"),
        .average_every = (int32_t)fv_config_integer(config, "optimizer.average_every"),
        .groups = fv_config_text(config, "optimizer.groups"),
        .given = given_of(config),
    };
}

static fv_schedule_options schedule_options(const fv_config *config)
{
    return (fv_schedule_options){
        .kind = (fv_schedule_kind)fv_config_integer(config, "schedule.kind"),
        .rate = rate_of(config),
        .warmup = fv_config_real(config, "schedule.warmup"),
        .warmup_start = fv_config_real(config, "schedule.warmup_start"),
        .per_epoch = fv_config_flag(config, "schedule.per_epoch"),
        .final = fv_config_real(config, "schedule.final"),
        .gamma = fv_config_real(config, "schedule.gamma"),
        .every = fv_config_real(config, "schedule.every"),
        .power = fv_config_real(config, "schedule.power"),
        .peak = fv_config_real(config, "schedule.peak"),
        .divisor = fv_config_real(config, "schedule.divisor"),
        .growth = fv_config_real(config, "schedule.growth"),
        .points = fv_config_text(config, "schedule.points"),
        .linear = fv_config_flag(config, "schedule.linear"),
        .patience = (int32_t)fv_config_integer(config, "schedule.patience"),
        .threshold = fv_config_real(config, "schedule.threshold"),
        .cooldown = (int32_t)fv_config_integer(config, "schedule.cooldown"),
        .least = fv_config_real(config, "schedule.least"),
        .given = (fv_config_text(config, "schedule.final") != NULL ? (uint32_t)FV_GIVEN_FINAL : 0) |
                 (fv_config_text(config, "schedule.patience") != NULL ? (uint32_t)FV_GIVEN_PATIENCE : 0) |
                 (fv_config_text(config, "schedule.threshold") != NULL ? (uint32_t)FV_GIVEN_THRESHOLD : 0),
    };
}

static void settle(fv_config *config, const char *key, double number)
{
    fvi_config_value *value = &config->values[fvi_config_index(key)];
    char *text = fvi_arena_allocate(config->arena, FVI_REAL_TEXT);
    if (text == NULL)
        return; /* fv_config_train_options() knows it all the same */
    fvi_write_real(number, text);
    *value = (fvi_config_value){ .text = text, .real = number, .origin = FV_FROM_DEFAULT };
}

fv_train_options fv_config_train_options(const fv_config *config)
{
    const int32_t accumulate = (int32_t)fv_config_integer(config, "train.accumulate");
    return (fv_train_options){
        .epochs = (int32_t)fv_config_integer(config, "train.epochs"),
        .batch = (int32_t)fv_config_integer(config, "train.batch") * accumulate,
        .blocks = (int32_t)fv_config_integer(config, "train.blocks") * accumulate,
        .population_statistics = fv_config_flag(config, "train.population_statistics"),
        .no_repeat = fv_config_flag(config, "train.keep_activations"),
        .memory_limit = (size_t)fv_config_integer(config, "train.memory_limit"),
        .dtype = fv_config_integer(config, "train.precision") == 0 ? FV_F32 : FV_BF16,
        .optimizer = optimizer_options(config),
        .schedule = schedule_options(config),
        .metric = (fv_metric)fv_config_integer(config, "train.metric"),
        .patience = (int32_t)fv_config_integer(config, "train.patience"),
        .on_nan = (fv_on_nan)fv_config_integer(config, "train.on_nan"),
        .seed = (uint64_t)fv_config_integer(config, "train.seed"),
        .class_weights = fv_config_text(config, "train.class_weights"),
        .sampling = fv_config_text(config, "data.sampling"),
        .workers = (int32_t)fv_config_integer(config, "data.workers"),
        .ahead = (int32_t)fv_config_integer(config, "data.ahead"),
        .skip_bad = fv_config_integer(config, "data.bad") == 1,
        .preprocess = { .decode_whole = fv_config_integer(config, "data.decode") == 1 },
        .augment = { .shift = (int32_t)fv_config_integer(config, "augment.shift"),
                     .random_crop = fv_config_flag(config, "augment.crop"),
                     .flip = fv_config_flag(config, "augment.flip") },
        .transforms = fv_config_text(config, "augment.transforms"),
    };
}

fv_derive_options fv_config_derive_options(const fv_config *config, bool training)
{
    fv_derive_options options = { .pixels = (fv_pixel_order)fv_config_integer(config, "data.pixels"),
                                  .seed = (uint64_t)fv_config_integer(config, "data.seed") };
    if (!training)
        return options;
    options.per_class = fv_config_integer(config, "data.per_class");
    options.fraction = fv_config_real(config, "data.fraction");
    options.label_noise = fv_config_real(config, "data.label_noise");
    return options;
}

static fv_status check_weights(const fv_config *config, const char *key)
{
    char message[FVI_CONFIG_WHY];
    if (fv_class_weights_read(config->context, NULL, fv_config_text(config, key), NULL) == FV_OK)
        return FV_OK;
    snprintf(message, sizeof message, "%s", fv_context_message(config->context));
    return fvi_config_fail_at(config, key, FV_ERR_ARGUMENT, message);
}

/* A list of transforms that is one; *canonical (may be NULL) with every option, in an arena of config's. */
static fv_status check_transforms(const fv_config *config, const char **canonical)
{
    fv_augmentation *augmentation = NULL;
    const char *text = fv_config_text(config, "augment.transforms");
    if (text == NULL)
        return FV_OK;
    const fv_status status = fv_augmentation_create(&augmentation, config->context, text);
    if (status == FV_ERR_ARGUMENT)
        return fvi_config_fail_at(config, "augment.transforms", status, fv_context_message(config->context));
    if (status == FV_OK && canonical != NULL)
        *canonical = fvi_arena_text(config->arena, fv_augmentation_text(augmentation));
    fv_augmentation_destroy(augmentation);
    return status;
}

/* A list of the user's is all that is done to images: what a recipe suggests beside it goes. */
static void drop_suggested_moves(fv_config *config)
{
    static const char *const keys[] = { "augment.shift", "augment.flip", "augment.crop" };
    if (fv_config_text(config, "augment.transforms") == NULL ||
        fv_config_origin_of(config, "augment.transforms") <= FV_FROM_RECIPE)
        return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        fvi_config_value *value = &config->values[fvi_config_index(keys[i])];
        const char *none = fvi_config_keys[fvi_config_index(keys[i])].type == FV_CONFIG_FLAG ? "false" : "0";
        if (value->origin == FV_FROM_RECIPE)
            *value = (fvi_config_value){ .text = none, .origin = FV_FROM_DEFAULT };
    }
}

void fv_config_settle(fv_config *config)
{
    drop_suggested_moves(config);
    if (is_open(config, "optimizer.lr"))
        settle(config, "optimizer.lr", rate_of(config));
    if (is_open(config, "optimizer.momentum"))
        settle(config, "optimizer.momentum", momentum_of(config));
    const char *transforms = NULL;
    if (check_transforms(config, &transforms) == FV_OK && transforms != NULL)
        config->values[fvi_config_index("augment.transforms")].text = transforms;
}

/* The key that a field of fv_optimizer_options or fv_schedule_options is read from. */
static const char *key_of(const char *section, const char *field, char key[64])
{
    const bool rate = strcmp(field, "rate") == 0, decay = strcmp(field, "weight_decay") == 0;
    snprintf(key, 64, "%s.%s", rate || decay ? "optimizer" : section, rate ? "lr" : decay ? "decay" : field);
    return key;
}

/* What the optimizer and the schedule refuse is told where the value stands. */
static fv_status check_rules(const fv_config *config)
{
    char key[64];
    const char *at = NULL, *section = "optimizer";
    fv_optimizer_options optimizer = optimizer_options(config);
    const fv_schedule_options schedule = schedule_options(config);
    fv_status status = fvi_optimizer_options_check(config->context, &optimizer, &at);
    if (status == FV_OK) {
        section = "schedule";
        status =
            fvi_schedule_check(config->context, &schedule, (int32_t)fv_config_integer(config, "train.epochs"), &at);
    }
    if (status != FV_ERR_ARGUMENT)
        return status;
    return fvi_config_fail_at(config, key_of(section, at != NULL ? at : "kind", key), status,
                              fv_context_message(config->context));
}

fv_status fv_config_check(const fv_config *config)
{
    const int64_t batch = fv_config_integer(config, "train.batch"), blocks = fv_config_integer(config, "train.blocks");
    const int64_t epochs = fv_config_integer(config, "train.epochs");
    const int64_t accumulate = fv_config_integer(config, "train.accumulate");
    const double warmup = fv_config_real(config, "schedule.warmup");
    char why[128];
    for (int32_t i = 0; i < fvi_config_key_count; i++) {
        const fv_config_key *key = &fvi_config_keys[i];
        if (key->fallback == NULL || strcmp(key->fallback, FV_CONFIG_REQUIRED) != 0 || config->values[i].text != NULL)
            continue;
        if (key->option != NULL)
            return fvi_fail(config->context, FV_ERR_ARGUMENT, "--%s %s is missing (in a file: %s)", key->option,
                            key->value, key->key);
        return fvi_fail(config->context, FV_ERR_ARGUMENT, "%s is missing", key->key);
    }
    if (blocks > batch) {
        snprintf(why, sizeof why, "a batch of %" PRId64 " cannot be computed as %" PRId64 " blocks", batch, blocks);
        return fvi_config_fail_at(config, "train.blocks", FV_ERR_ARGUMENT, why);
    }
    if (warmup > (double)epochs) {
        snprintf(why, sizeof why, "%.32s epochs are more than the %" PRId64 " of the run",
                 fv_config_text(config, "schedule.warmup"), epochs);
        return fvi_config_fail_at(config, "schedule.warmup", FV_ERR_ARGUMENT, why);
    }
    if (batch * accumulate > MOST_IMAGES) {
        snprintf(why, sizeof why,
                 "%" PRId64 " batches of %" PRId64 " are more than the %d images of a step that there may be",
                 accumulate, batch, (int)MOST_IMAGES);
        return fvi_config_fail_at(config, "train.accumulate", FV_ERR_ARGUMENT, why);
    }
    if (fv_config_integer(config, "data.per_class") > 0 && fv_config_real(config, "data.fraction") < 1)
        return fvi_config_fail_at(config, "data.fraction", FV_ERR_ARGUMENT,
                                  "data.per_class is given too, and only one of them can say which part to train on");
    FV_TRY(check_weights(config, "data.sampling"));
    FV_TRY(check_weights(config, "train.class_weights"));
    FV_TRY(check_transforms(config, NULL));
    return check_rules(config);
}
