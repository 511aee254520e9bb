/* SPDX-License-Identifier: Apache-2.0
 *
 * config_keys.c - the table of keys (include/fovea/config.h): the only list of what an experiment can say. A line here gives the key
 * in files and --set, the command's option, its help, manual and completion, and config.yaml. What reads the value is
 * fv_config_train_options() (config_options.c) or whoever the key is for.
 * Keys stand in the order of help, section by section.
 */
#include <stddef.h>

#include "train/config_internal.h"

static const char *const schedules[] = { "cosine", "constant", NULL };
static const char *const precisions[] = { "f32", "bf16", "bf16-emulated", NULL };
static const char *const tuning_levels[] = { "off", "fast", "full", NULL };

const fvi_config_section fvi_config_sections[FVI_CONFIG_SECTIONS] = {
    { "model", "model.network" },      { "data", "data.source" },       { "augment", "augment.transforms" },
    { "optimizer", "optimizer.kind" }, { "schedule", "schedule.kind" }, { "train", NULL },
};

/* key, option, type, value, low, high, fallback, words, may_change, help */
const fv_config_key fvi_config_keys[] = {
    /* model */
    { "model.network", NULL, FV_CONFIG_NETWORK, "NAME", 0, 0, FV_CONFIG_REQUIRED, NULL, false,
      "a network of the zoo, a description (.yaml) or a model (.safetensors), which is trained on" },
    { "model.classes", "classes", FV_CONFIG_INTEGER, "N", 1, 1000000, "(the network's)", NULL, false,
      "tell so many classes apart" },
    { "model.input", "input", FV_CONFIG_SHAPE, "CxHxW", 0, 0, "(the network's)", NULL, false,
      "channels, rows and columns of the images" },
    { "model.flags", "flags", FV_CONFIG_TEXT, "NAMES", 0, 0, "(the network's)", NULL, false,
      "variants of the network, separated by commas, or none; fovea zoo --json lists them" },
    { "model.recipe", "recipe", FV_CONFIG_TEXT, "NAME", 0, 0, "default", NULL, false,
      "what suits a network of the zoo: a file of keys that goes before their defaults, or none; fovea zoo --recipes "
      "lists them" },

    /* data */
    { "data.source", "data", FV_CONFIG_DATA, "WHERE", 0, 0, FV_CONFIG_REQUIRED, NULL, false,
      "what to learn from: mnist-12k, mnist, cifar-10, cifar-100 or a path" },

    /* augment */
    { "augment.shift", "shift", FV_CONFIG_INTEGER, "PIXELS", 0, 64, "0", NULL, false,
      "move each training image at random by up to so much" },
    { "augment.flip", "flip", FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "mirror training images left to right at random" },
    { "augment.crop", "crop", FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "where images are larger than the input: a random place, not the centre" },
    { "augment.transforms", "augment", FV_CONFIG_TEXT, "LIST", 0, 0, "(none)", NULL, false,
      "transforms of training images, after the three above: \"elastic(alpha=20) cutout(size=8)\"; fovea help data "
      "preview lists them" },

    /* optimizer */
    { "optimizer.lr", "lr", FV_CONFIG_REAL, "X", 1e-12, 1e6, "0.02", NULL, false, "learning rate" },
    { "optimizer.momentum", "momentum", FV_CONFIG_REAL, "X", 0, 0.9999, "0.9", NULL, false,
      "momentum of stochastic gradient descent" },
    { "optimizer.decay", "decay", FV_CONFIG_REAL, "X", 0, 10, "0.0001", NULL, false,
      "weight decay, on weights and not on biases" },

    /* schedule */
    { "schedule.kind", "schedule", FV_CONFIG_CHOICE, "KIND", 0, 0, "cosine", schedules, false,
      "how the rate goes from its start to the end" },
    { "schedule.warmup", "warmup", FV_CONFIG_REAL, "EPOCHS", 0, 100000, "0", NULL, false,
      "let the rate first rise from 0 over so many epochs" },

    /* train */
    { "train.out", "out", FV_CONFIG_FOLDER, "RUN", 0, 0, "(runs/NAME)", NULL, true,
      "folder to write: log.jsonl, config.yaml, model.safetensors" },
    { "train.epochs", "epochs", FV_CONFIG_INTEGER, "N", 1, 100000, "10", NULL, true,
      "passes over the training images" },
    { "train.batch", "batch", FV_CONFIG_INTEGER, "N", 1, 65536, "64", NULL, false, "images of a step" },
    { "train.blocks", "blocks", FV_CONFIG_INTEGER, "N", 1, 65536, "1", NULL, false,
      "sample blocks of a batch, summed along a fixed tree" },
    { "train.population_statistics", "population", FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "batch norm: at the end, take means and variances over all training images" },
    { "train.seed", "seed", FV_CONFIG_INTEGER, "N", 0, 9e15, "1", NULL, false,
      "of initial values, order and augmentation" },
    { "train.threads", "threads", FV_CONFIG_INTEGER, "N", 0, 1024, "(all)", NULL, true,
      "threads; the result does not depend on them" },
    { "train.keep_activations", "keep-activations", FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, true,
      "keep all that backward reads instead of computing cheap parts again: a little faster, with more memory" },
    { "train.memory", "mem", FV_CONFIG_BYTES, "LIMIT", 1, 9e15, NULL, NULL, true,
      "most that the run may take, with its data, as 2G: values are computed again, then batches in blocks; else it "
      "does not start" },
    { "train.memory_limit", "memory-limit", FV_CONFIG_INTEGER, "MB", 0, 1e9, "0", NULL, true,
      "most that the session of a training step may take, computing values again instead of keeping them; 0: no "
      "limit" },
    { "train.precision", "precision", FV_CONFIG_CHOICE, "P", 0, 0, "f32", precisions, false,
      "bf16 stores values between steps in bfloat16 and needs AVX-512 BF16; bf16-emulated: the same, slowly" },
    { "train.tune", "tune", FV_CONFIG_CHOICE, "LEVEL", 0, 0, "off", tuning_levels, false,
      "time the algorithms of each convolution on this machine, fast or full, instead of estimating" },
    { "train.choices", "choices", FV_CONFIG_FILE, "FILE", 0, 0, NULL, NULL, false,
      "keep to the algorithms of an earlier run: its tuning.json" },
};

const int32_t fvi_config_key_count = (int32_t)(sizeof fvi_config_keys / sizeof fvi_config_keys[0]);
