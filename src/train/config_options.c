/* SPDX-License-Identifier: Apache-2.0
 *
 * config_options.c - from keys to the options of the library's parts, and what must hold between keys.
 */
#include <inttypes.h>
#include <string.h>

#include "train/config_internal.h"

fv_train_options fv_config_train_options(const fv_config *config)
{
    return (fv_train_options){
        .epochs = (int32_t)fv_config_integer(config, "train.epochs"),
        .batch = (int32_t)fv_config_integer(config, "train.batch"),
        .blocks = (int32_t)fv_config_integer(config, "train.blocks"),
        .population_statistics = fv_config_flag(config, "train.population_statistics"),
        .no_repeat = fv_config_flag(config, "train.keep_activations"),
        .memory_limit = (size_t)fv_config_integer(config, "train.memory_limit") * 1000000,
        .dtype = fv_config_integer(config, "train.precision") == 0 ? FV_F32 : FV_BF16,
        .optimizer = { .momentum = fv_config_real(config, "optimizer.momentum"),
                       .weight_decay = fv_config_real(config, "optimizer.decay") },
        .schedule = { .kind = (fv_schedule_kind)fv_config_integer(config, "schedule.kind"),
                      .rate = fv_config_real(config, "optimizer.lr"),
                      .warmup = fv_config_real(config, "schedule.warmup") },
        .seed = (uint64_t)fv_config_integer(config, "train.seed"),
        .augment = { .shift = (int32_t)fv_config_integer(config, "augment.shift"),
                     .random_crop = fv_config_flag(config, "augment.crop"),
                     .flip = fv_config_flag(config, "augment.flip") },
        .transforms = fv_config_text(config, "augment.transforms"),
    };
}

fv_status fv_config_check(const fv_config *config)
{
    const int64_t batch = fv_config_integer(config, "train.batch"), blocks = fv_config_integer(config, "train.blocks");
    const int64_t epochs = fv_config_integer(config, "train.epochs");
    const double warmup = fv_config_real(config, "schedule.warmup");
    for (int32_t i = 0; i < fvi_config_key_count; i++) {
        const fv_config_key *key = &fvi_config_keys[i];
        if (key->fallback == NULL || strcmp(key->fallback, FV_CONFIG_REQUIRED) != 0 || config->values[i].text != NULL)
            continue;
        if (key->option != NULL)
            return fvi_fail(config->context, FV_ERR_ARGUMENT, "--%s %s is missing (in a file: %s)", key->option,
                            key->value, key->key);
        return fvi_fail(config->context, FV_ERR_ARGUMENT, "%s is missing", key->key);
    }
    if (blocks > batch)
        return fvi_fail(config->context, FV_ERR_ARGUMENT,
                        "train.blocks (%s): a batch of %" PRId64 " cannot be computed as %" PRId64 " blocks",
                        fv_config_origin_text(config, "train.blocks"), batch, blocks);
    if (warmup > (double)epochs)
        return fvi_fail(config->context, FV_ERR_ARGUMENT,
                        "schedule.warmup (%s): %s epochs are more than the %" PRId64 " of the run",
                        fv_config_origin_text(config, "schedule.warmup"), fv_config_text(config, "schedule.warmup"),
                        epochs);
    return FV_OK;
}
