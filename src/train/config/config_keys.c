/* SPDX-License-Identifier: Apache-2.0
 *
 * config_keys.c - the table of keys (include/fovea/config.h): the only list of what an experiment can say. A line here gives the key
 * in files and --set, the command's option, its help, manual and completion, and config.yaml. What reads the value is
 * fv_config_train_options() (config_options.c) or whoever the key is for.
 * Keys stand in the order of help, section by section.
 */
#include <stddef.h>

#include "train/config/config_internal.h"

static const char *const initials[] = { "network", "lsuv", NULL };
/* In the order of fv_weights_layout. */
static const char *const layouts[] = { "auto", "torch", "keras", NULL };
/* In the order of fv_optimizer_kind and fv_schedule_kind. */
static const char *const optimizers[] = { "sgd",   "adagrad", "adadelta", "rmsprop", "adam",
                                          "adamw", "lars",    "lamb",     "muon",    NULL };
static const char *const averages[] = { "none", "exponential", "equal", NULL };
static const char *const schedules[] = { "cosine",   "constant", "step",      "exponential", "polynomial",
                                         "onecycle", "restarts", "piecewise", "plateau",     NULL };
static const char *const bad_samples[] = { "stop", "skip", NULL };
static const char *const pixel_orders[] = { "kept", "shuffled", "shuffled-each", NULL };
static const char *const precisions[] = { "f32", "bf16", "bf16-emulated", NULL };
static const char *const decodings[] = { "scaled", "whole", NULL };
static const char *const metrics[] = { "default", "test-accuracy", "test-loss", "train-loss", NULL };
static const char *const on_nan[] = { "stop", "skip", "rollback", NULL };
static const char *const tensorboard[] = { "all", "scalars", "off", NULL };
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

    { "model.initial", "initial", FV_CONFIG_CHOICE, "HOW", 0, 0, "network", initials, false,
      "initial weights: as the network says, or lsuv: orthogonal, and scaled by a batch of images so that layers give "
      "a "
      "variance of 1" },
    { "model.initial_bias", NULL, FV_CONFIG_REAL, "X", -1e6, 1e6, "(the network's)", NULL, false,
      "initial biases of convolutions and dense layers, as 0.1" },
    { "model.pretrained", "pretrained", FV_CONFIG_FILE, "FILE", 0, 0, NULL, NULL, false,
      "begin with the weights of a file: safetensors of torchvision, timm or Keras, .npz, or a model of fovea; a "
      "classifier for other classes begins anew" },
    { "model.head", "head", FV_CONFIG_INTEGER, "N", 1, 1000000, NULL, NULL, false,
      "a new last layer, for so many classes; with --pretrained, by default, the classes of the data" },
    { "model.freeze", "freeze", FV_CONFIG_TEXT, "PATTERNS", 0, 0, NULL, NULL, false,
      "parameters that are not trained, by their names: 'layer[1-3].*'; '*,!fc' is all but fc; frozen batch norm keeps "
      "its statistics" },
    { "model.layout", NULL, FV_CONFIG_CHOICE, "WHOSE", 0, 0, "auto", layouts, false,
      "order of axes in the file of pretrained: told by its names, or torch or keras" },
    { "model.partial", NULL, FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "take from the file of pretrained what fits, whatever is missing, misshaped or unexpected" },

    /* data */
    { "data.source", "data", FV_CONFIG_DATA, "WHERE", 0, 0, FV_CONFIG_REQUIRED, NULL, false,
      "what to learn from: mnist-12k, mnist, cifar-10, cifar-100 or a path" },
    { "data.workers", "workers", FV_CONFIG_INTEGER, "N", 0, 256, "0", NULL, true,
      "threads that read training images ahead, beside those that compute; the result does not depend on them" },
    { "data.ahead", "ahead", FV_CONFIG_INTEGER, "N", 1, 1024, "2", NULL, true, "batches that workers keep ready" },
    { "data.bad", "bad", FV_CONFIG_CHOICE, "WHAT", 0, 0, "stop", bad_samples, false,
      "when an image cannot be read: stop the run, or skip it with a warning" },
    { "data.decode", NULL, FV_CONFIG_CHOICE, "HOW", 0, 0, "scaled", decodings, false,
      "JPEG: right away 2, 4 or 8 times smaller where that is enough for what becomes of it, or always whole" },

    { "data.sampling", "sampling", FV_CONFIG_WEIGHTS, "WEIGHTS", 0, 0, "none", NULL, false,
      "draw training images with replacement, by weights of their classes (auto: each class as often); none: each "
      "image "
      "once an epoch" },
    { "data.per_class", NULL, FV_CONFIG_INTEGER, "N", 0, 2e9, "0", NULL, false,
      "train on the first so many images of each class; 0: all" },
    { "data.fraction", NULL, FV_CONFIG_REAL, "X", 1e-9, 1, "1", NULL, false,
      "train on so large a part of each class, drawn at random" },
    { "data.label_noise", NULL, FV_CONFIG_REAL, "P", 0, 1, "0", NULL, false,
      "with this probability a training image has a random label, the same in all epochs" },
    { "data.pixels", NULL, FV_CONFIG_CHOICE, "ORDER", 0, 0, "kept", pixel_orders, false,
      "shuffle the pixels of training and test images: all by one permutation, or each by its own" },
    { "data.seed", NULL, FV_CONFIG_INTEGER, "N", 0, 9e15, "1", NULL, false,
      "of fraction, label_noise and pixels; train.seed does not change the data" },

    /* augment */
    { "augment.shift", "shift", FV_CONFIG_INTEGER, "PIXELS", 0, 64, "0", NULL, false,
      "move each training image at random by up to so much" },
    { "augment.flip", "flip", FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "mirror training images left to right at random" },
    { "augment.crop", "crop", FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "where images are larger than the input: a random place, not the centre" },
    { "augment.transforms", "augment", FV_CONFIG_TRANSFORMS, "LIST", 0, 0, "(none)", NULL, false,
      "transforms of training images, after the three above: \"elastic(alpha=20) cutout(size=8)\"; those that draw "
      "nothing, as resize and normalise, are for all images and kept with the model; fovea data preview --list tells "
      "them" },

    /* optimizer */
    { "optimizer.kind", "optimizer", FV_CONFIG_CHOICE, "KIND", 0, 0, "sgd", optimizers, false,
      "the update rule; docs/optimizers.md has their formulas" },
    { "optimizer.lr", "lr", FV_CONFIG_REAL, "X", 1e-12, 1e6, "0.02", NULL, false,
      "learning rate; of other optimizers than sgd, by default, their usual one" },
    { "optimizer.momentum", "momentum", FV_CONFIG_REAL, "X", 0, 0.9999, "0.9", NULL, false,
      "momentum of sgd and lars; by default none of rmsprop, 0.95 of muon" },
    { "optimizer.decay", "decay", FV_CONFIG_REAL, "X", 0, 10, "0.0001", NULL, false,
      "weight decay, on weights and not on biases" },
    { "optimizer.decoupled", NULL, FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "weight decay apart from the gradient, as adamw and muon have it always" },
    { "optimizer.decay_all", NULL, FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "weight decay and l1 on biases and normalisation too" },
    { "optimizer.l1", NULL, FV_CONFIG_REAL, "X", 0, 10, "0", NULL, false,
      "adds so much times the sign of a weight to its gradient" },
    { "optimizer.nesterov", "nesterov", FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "Nesterov's momentum: sgd, lars, muon" },
    { "optimizer.lr_in_velocity", NULL, FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "the rate within the momentum, as in the papers: sgd, rmsprop, lars" },
    { "optimizer.beta1", NULL, FV_CONFIG_REAL, "X", 0, 0.999999, "(0.9)", NULL, false,
      "share of the old mean: adam, adamw, lamb, muon" },
    { "optimizer.beta2", NULL, FV_CONFIG_REAL, "X", 0, 0.99999999, "(0.999)", NULL, false,
      "share of the old mean square: adam, adamw, lamb, muon" },
    { "optimizer.smoothing", NULL, FV_CONFIG_REAL, "X", 0, 0.99999999, "(0.99; adadelta 0.9)", NULL, false,
      "share of the old mean square: rmsprop, adadelta" },
    { "optimizer.epsilon", NULL, FV_CONFIG_REAL, "X", 1e-300, 1, "(the optimizer's)", NULL, false,
      "keeps the divisor away from 0: all but sgd and lars" },
    { "optimizer.epsilon_inside_root", NULL, FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "epsilon added before the root is taken" },
    { "optimizer.simplified", NULL, FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "adam, adamw, lamb: without correction of the first steps' bias" },
    { "optimizer.centered", NULL, FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false, "rmsprop: divides by the deviation" },
    { "optimizer.trust", NULL, FV_CONFIG_REAL, "X", 1e-12, 1000, "(0.001)", NULL, false,
      "lars: the trust coefficient" },
    { "optimizer.match_adam", NULL, FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "muon: steps as large as adamw's, for its rates" },
    { "optimizer.clip_norm", "clip-norm", FV_CONFIG_REAL, "X", 0, 1e30, "0", NULL, false,
      "scale the gradient down to this norm; 0: leave it" },
    { "optimizer.clip_value", NULL, FV_CONFIG_REAL, "X", 0, 1e30, "0", NULL, false,
      "bring each element of the gradient to between -X and X; 0: leave it" },
    { "optimizer.lookahead", NULL, FV_CONFIG_INTEGER, "STEPS", 0, 1000000, "0", NULL, false,
      "go back to a slow copy of the weights every so many steps; 0: never" },
    { "optimizer.lookahead_part", NULL, FV_CONFIG_REAL, "X", 1e-12, 1, "(0.5)", NULL, false,
      "how much of the way to the weights the slow copy moves then" },
    { "optimizer.average", "average", FV_CONFIG_CHOICE, "KIND", 0, 0, "none", averages, false,
      "end with a mean of the weights of all steps: exponential, or of equal parts (stochastic weight averaging)" },
    { "optimizer.average_decay", NULL, FV_CONFIG_REAL, "X", 0, 0.99999999, "(0.999)", NULL, false,
      "exponential average: share of the old mean" },
    { "optimizer.average_start", NULL, FV_CONFIG_INTEGER, "STEPS", 0, 2e9, "0", NULL, false,
      "steps before the average begins" },
    { "optimizer.average_every", NULL, FV_CONFIG_INTEGER, "STEPS", 1, 2e9, "1", NULL, false,
      "the average takes in the weights of every so many steps" },
    { "optimizer.groups", "groups", FV_CONFIG_TEXT, "TEXT", 0, 0, NULL, NULL, false,
      "rate, decay or freezing by name: \"conv1.*(frozen) *.bias(rate=2, decay=0)\"" },

    /* schedule */
    { "schedule.kind", "schedule", FV_CONFIG_CHOICE, "KIND", 0, 0, "cosine", schedules, false,
      "how the rate goes from its start to the end" },
    { "schedule.warmup", "warmup", FV_CONFIG_REAL, "EPOCHS", 0, 100000, "0", NULL, false,
      "let the rate first rise from 0 over so many epochs" },
    { "schedule.warmup_start", NULL, FV_CONFIG_REAL, "X", 0, 1, "0", NULL, false,
      "where the warm-up begins, times the rate" },
    { "schedule.per_epoch", NULL, FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false,
      "the rate changes between epochs only" },
    { "schedule.final", NULL, FV_CONFIG_REAL, "X", 0, 1, "(0; onecycle 4e-6)", NULL, false,
      "cosine, polynomial, onecycle, restarts: the last rate, times the rate" },
    { "schedule.gamma", NULL, FV_CONFIG_REAL, "X", 1e-12, 1, "(0.1; exponential 0.95)", NULL, false,
      "step, exponential, plateau: what the rate is multiplied by" },
    { "schedule.every", NULL, FV_CONFIG_REAL, "EPOCHS", 1e-9, 1e6, "(30; exponential 1; restarts 10)", NULL, false,
      "step, exponential, restarts: how often" },
    { "schedule.power", NULL, FV_CONFIG_REAL, "X", 1e-9, 100, "(1)", NULL, false, "polynomial: its exponent" },
    { "schedule.peak", NULL, FV_CONFIG_REAL, "X", 1e-9, 0.999, "(0.3)", NULL, false,
      "onecycle: the part of the run in which the rate rises" },
    { "schedule.divisor", NULL, FV_CONFIG_REAL, "X", 1, 1e12, "(25)", NULL, false,
      "onecycle: how many times smaller the first rate is" },
    { "schedule.growth", NULL, FV_CONFIG_REAL, "X", 1, 1000, "(1)", NULL, false,
      "restarts: how many times longer each round is" },
    { "schedule.points", NULL, FV_CONFIG_TEXT, "TEXT", 0, 0, NULL, NULL, false,
      "piecewise: epoch:factor, as in \"0:1 30:0.1 60:0.01\"" },
    { "schedule.linear", NULL, FV_CONFIG_FLAG, NULL, 0, 0, NULL, NULL, false, "piecewise: lines between the points" },
    { "schedule.patience", NULL, FV_CONFIG_INTEGER, "EPOCHS", 0, 1000000, "(10)", NULL, false,
      "plateau: how long the loss may stay before the rate falls" },
    { "schedule.threshold", NULL, FV_CONFIG_REAL, "X", 0, 1, "(0.0001)", NULL, false,
      "plateau: a loss is lower when it is by this part" },
    { "schedule.cooldown", NULL, FV_CONFIG_INTEGER, "EPOCHS", 0, 1000000, "0", NULL, false,
      "plateau: how long losses do not count after a fall" },
    { "schedule.least", NULL, FV_CONFIG_REAL, "X", 0, 1, "0", NULL, false,
      "plateau: the smallest rate, times the rate" },

    /* train */
    { "train.out", "out", FV_CONFIG_FOLDER, "RUN", 0, 0, "(runs/NAME)", NULL, true,
      "folder to write: log.jsonl, config.yaml, model.safetensors, checkpoints, event files" },
    { "train.epochs", "epochs", FV_CONFIG_INTEGER, "N", 1, 100000, "10", NULL, true,
      "passes over the training images" },
    { "train.batch", "batch", FV_CONFIG_INTEGER, "N", 1, 65536, "64", NULL, false, "images of a step" },
    { "train.blocks", "blocks", FV_CONFIG_INTEGER, "N", 1, 65536, "1", NULL, false,
      "sample blocks of a batch, summed along a fixed tree" },
    { "train.accumulate", "accumulate", FV_CONFIG_INTEGER, "N", 1, 65536, "1", NULL, false,
      "update after so many batches, by the sum of their gradients: one step of N times --batch in the memory of one" },
    { "train.class_weights", "class-weights", FV_CONFIG_WEIGHTS, "WEIGHTS", 0, 0, "none", NULL, false,
      "how much the loss of an image counts by its class; auto: so that classes count alike" },
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
    { "train.memory_limit", "memory-limit", FV_CONFIG_BYTES, "LIMIT", 1e6, 9e15, "0", NULL, true,
      "most that the session of a training step may take, as 800M, computing values again instead of keeping them; "
      "0: no limit" },
    { "train.precision", "precision", FV_CONFIG_CHOICE, "P", 0, 0, "f32", precisions, false,
      "bf16 stores values between steps in bfloat16 and needs AVX-512 BF16; bf16-emulated: the same, slowly" },
    { "train.patience", "patience", FV_CONFIG_INTEGER, "EPOCHS", 0, 100000, "0", NULL, true,
      "end when so many epochs in a row were not better than the best; model.safetensors is then the best; 0: never" },
    { "train.metric", "metric", FV_CONFIG_CHOICE, "WHAT", 0, 0, "default", metrics, true,
      "by what an epoch is the best; default: test accuracy; of values to come close to test loss; where "
      "nothing is measured training loss" },
    { "train.on_nan", "on-nan", FV_CONFIG_CHOICE, "WHAT", 0, 0, "stop", on_nan, true,
      "when a step gives NaN or infinity: stop, skip its batch, or go back to the last checkpoint with half of the "
      "rate" },
    { "train.checkpoint_minutes", "checkpoint-minutes", FV_CONFIG_REAL, "M", 0, 1e6, "10", NULL, true,
      "save the run so often, besides after each epoch; 0: not" },
    { "train.checkpoint_steps", "checkpoint-steps", FV_CONFIG_INTEGER, "N", 0, 1e12, "0", NULL, true,
      "save the run after every so many steps; 0: not" },
    { "train.keep_checkpoints", "keep-checkpoints", FV_CONFIG_INTEGER, "N", 1, 1e6, "2", NULL, true,
      "how many are kept, besides the best" },
    { "train.tensorboard", "tensorboard", FV_CONFIG_CHOICE, "WHAT", 0, 0, "all", tensorboard, true,
      "event file in the run's folder for TensorBoard: figures, histograms and images, figures alone, or none" },
    { "train.tensorboard_steps", NULL, FV_CONFIG_INTEGER, "N", 1, 1e9, "10", NULL, true,
      "figures of a step go to the event file after every so many" },
    { "train.tune", "tune", FV_CONFIG_CHOICE, "LEVEL", 0, 0, "off", tuning_levels, false,
      "time the algorithms of each convolution on this machine, fast or full, instead of estimating" },
    { "train.choices", "choices", FV_CONFIG_FILE, "FILE", 0, 0, NULL, NULL, false,
      "keep to the algorithms of an earlier run: its tuning.json" },
};

const int32_t fvi_config_key_count = (int32_t)(sizeof fvi_config_keys / sizeof fvi_config_keys[0]);
