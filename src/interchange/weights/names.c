/* SPDX-License-Identifier: Apache-2.0
 *
 * names.c - what other programs call the parameters of a network. The zoo's networks have torchvision's names, so torchvision needs no
 * table; timm and others do. A new family of names is a few lines of `rules`.
 * In a rule {x} stands for any text to the end, {i} and {j} for whole numbers; {i+4} puts in the number and 4.
 */
#include <stdio.h>
#include <string.h>

#include "base/glob.h"
#include "interchange/weights/weights_internal.h"

typedef struct name_rule {
    const char *from, *to;
} name_rule;

/* One after the other: what one has made may be taken by the next. */
static const name_rule rules[] = {
    /* wrappers of PyTorch: DataParallel, checkpoints of trainers, torch.compile */
    { "module.{x}", "{x}" },
    { "state_dict.{x}", "{x}" },
    { "model.{x}", "{x}" },
    { "_orig_mod.{x}", "{x}" },
    /* torchvision before 0.2: densenet */
    { "features.denseblock{i}.denselayer{j}.norm.{x}", "features.denseblock{i}.denselayer{j}.norm{x}" },
    { "features.denseblock{i}.denselayer{j}.conv.{x}", "features.denseblock{i}.denselayer{j}.conv{x}" },
    /* timm: vgg, whose first two dense layers are convolutions there */
    { "pre_logits.fc1.{x}", "classifier.0.{x}" },
    { "pre_logits.fc2.{x}", "classifier.3.{x}" },
    { "head.fc.{x}", "classifier.6.{x}" },
    /* timm: mobilenet-v2; its stages 1 to 6 begin with blocks 2, 4, 7, 11, 14, 17 */
    { "conv_stem.{x}", "features.0.0.{x}" },
    { "blocks.0.0.conv_dw.{x}", "features.1.conv.0.0.{x}" },
    { "blocks.0.0.bn1.{x}", "features.1.conv.0.1.{x}" },
    { "blocks.0.0.conv_pw.{x}", "features.1.conv.1.{x}" },
    { "blocks.0.0.bn2.{x}", "features.1.conv.2.{x}" },
    { "blocks.1.{i}.{x}", "features.{i+2}.conv.{x}" },
    { "blocks.2.{i}.{x}", "features.{i+4}.conv.{x}" },
    { "blocks.3.{i}.{x}", "features.{i+7}.conv.{x}" },
    { "blocks.4.{i}.{x}", "features.{i+11}.conv.{x}" },
    { "blocks.5.{i}.{x}", "features.{i+14}.conv.{x}" },
    { "blocks.6.{i}.{x}", "features.{i+17}.conv.{x}" },
    { "features.{i}.conv.conv_pw.{x}", "features.{i}.conv.0.0.{x}" },
    { "features.{i}.conv.bn1.{x}", "features.{i}.conv.0.1.{x}" },
    { "features.{i}.conv.conv_dw.{x}", "features.{i}.conv.1.0.{x}" },
    { "features.{i}.conv.bn2.{x}", "features.{i}.conv.1.1.{x}" },
    { "features.{i}.conv.conv_pwl.{x}", "features.{i}.conv.2.{x}" },
    { "features.{i}.conv.bn3.{x}", "features.{i}.conv.3.{x}" },
    { "bn1.{x}", "features.0.1.{x}" },
    { "conv_head.{x}", "features.18.0.{x}" },
    { "bn2.{x}", "features.18.1.{x}" },
    { "classifier.{x}", "classifier.1.{x}" },
};

/* What no network here has a place for: counters of batches, classifiers that only train, where the network was built without them. */
static const char *const ignored[] = {
    "*num_batches_tracked", "aux1.*", "aux2.*", "AuxLogits.*", "iterations", "*/iterations", "optimizer/*",
};

/* The last words of Keras, and ours. */
static const name_rule keras[] = {
    { "kernel", "weight" }, { "depthwise_kernel", "weight" },  { "gamma", "weight" },
    { "beta", "bias" },     { "moving_mean", "running_mean" }, { "moving_variance", "running_var" },
    { "bias", "bias" },
};

enum { NUMBERS = 2 };

/* What the placeholders of a rule stood for. */
typedef struct captures {
    const char *rest;
    long number[NUMBERS];
} captures;

static bool read_digits(const char **text, long *number)
{
    const char *at = *text;
    *number = 0;
    for (; *at >= '0' && *at <= '9' && at - *text < 6; at++)
        *number = 10 * *number + (*at - '0');
    const bool any = at > *text && !(*at >= '0' && *at <= '9');
    *text = at;
    return any;
}

static bool capture(const char *pattern, const char *name, captures *found)
{
    while (*pattern != '\0') {
        if (strcmp(pattern, "{x}") == 0) {
            found->rest = name;
            return *name != '\0';
        }
        if (*pattern == '{') {
            if (!read_digits(&name, &found->number[pattern[1] - 'i']))
                return false;
            pattern += 3;
        } else if (*pattern++ != *name++) {
            return false;
        }
    }
    return *name == '\0';
}

/* Writes what a rule makes. False: it is too long. */
static bool expand(const char *to, const captures *found, char out[FVI_WEIGHTS_NAME])
{
    size_t used = 0;
    while (*to != '\0') {
        int got = 1;
        long plus = 0;
        if (strncmp(to, "{x}", 3) == 0) {
            got = snprintf(out + used, FVI_WEIGHTS_NAME - used, "%s", found->rest);
            to += 3;
        } else if (*to == '{') {
            const long number = found->number[to[1] - 'i'];
            to += 2;
            if (*to == '+') {
                to++;
                read_digits(&to, &plus);
            }
            got = snprintf(out + used, FVI_WEIGHTS_NAME - used, "%ld", number + plus);
            to++;
        } else {
            out[used] = *to++;
        }
        used += (size_t)got;
        if (used >= FVI_WEIGHTS_NAME)
            return false;
    }
    out[used] = '\0';
    return true;
}

bool fvi_names_translate(const fvi_param_names *params, const char *name, char out[FVI_WEIGHTS_NAME])
{
    char made[FVI_WEIGHTS_NAME];
    if (snprintf(out, FVI_WEIGHTS_NAME, "%s", name) >= FVI_WEIGHTS_NAME)
        return false;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        captures found = { .rest = "" };
        if (!capture(rules[i].from, out, &found) || !expand(rules[i].to, &found, made))
            continue;
        memcpy(out, made, sizeof made);
        if (fvi_param_names_find(params, out) >= 0)
            return true;
    }
    return false;
}

bool fvi_names_of_keras(const char *name, char out[FVI_WEIGHTS_NAME])
{
    char text[FVI_WEIGHTS_NAME];
    if (snprintf(text, sizeof text, "%s", name) >= (int)sizeof text)
        return false;
    char *colon = strrchr(text, ':');
    if (colon != NULL && strspn(colon + 1, "0123456789") == strlen(colon + 1))
        *colon = '\0';
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '/' ? '.' : *at;
    char *point = strrchr(text, '.');
    if (point == NULL)
        return false;
    *point = '\0';
    for (size_t i = 0; i < sizeof keras / sizeof keras[0]; i++)
        if (strcmp(point + 1, keras[i].from) == 0)
            return snprintf(out, FVI_WEIGHTS_NAME, "%s.%s", text, keras[i].to) < FVI_WEIGHTS_NAME;
    return false;
}

bool fvi_names_ignored(const fvi_param_names *params, const char *name)
{
    char plain[FVI_WEIGHTS_NAME];
    fvi_names_translate(params, name, plain);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        if (fvi_glob(ignored[i], name) || fvi_glob(ignored[i], plain))
            return true;
    return false;
}
