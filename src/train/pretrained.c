/* SPDX-License-Identifier: Apache-2.0
 *
 * pretrained.c - how images were prepared for weights that somebody else trained. Files of PyTorch do not say; torchvision and timm do, in
 * their code: torchvision/models (weights IMAGENET1K_V1, "transforms"), timm's default_cfgs.
 */
#include <string.h>

#include "train/train_internal.h"

enum { COLOURS = 3, IMAGENET_CLASSES = 1000 };

typedef struct known_preprocess {
    const char *network; /* the zoo's name */
    double mean[COLOURS], deviation[COLOURS];
    double part; /* of the resized image that the crop is: 224 of 256 */
} known_preprocess;

/* torchvision's googlenet and inception_v3 turn ImageNet's normalisation into this one themselves (transform_input). */
#define HALVES                                                                                                         \
    { 0.5, 0.5, 0.5 },                                                                                                 \
    {                                                                                                                  \
        0.5, 0.5, 0.5                                                                                                  \
    }
/* Means and deviations of ImageNet's training images, in fractions of 255. */
#define IMAGENET                                                                                                       \
    { 0.485, 0.456, 0.406 },                                                                                           \
    {                                                                                                                  \
        0.229, 0.224, 0.225                                                                                            \
    }

static const known_preprocess known[] = {
    { "googlenet-bn", HALVES, 224.0 / 256 },
    { "inception-v3", HALVES, 299.0 / 342 },
    { NULL, IMAGENET, 224.0 / 256 },
};

static const known_preprocess *known_of(const char *network)
{
    const known_preprocess *found = known;
    while (found->network != NULL && strcmp(found->network, network) != 0)
        found++;
    return found;
}

void fvi_pretrained_preprocess(fv_preprocess *preprocess, const fv_weights *weights, const fv_zoo_entry *entry)
{
    const fv_preprocess *own = fv_weights_preprocess(weights);
    if (own != NULL && own->input.c == preprocess->input.c) {
        memcpy(preprocess->mean, own->mean, sizeof own->mean);
        memcpy(preprocess->deviation, own->deviation, sizeof own->deviation);
        preprocess->transforms = own->transforms;
    }
    if (own != NULL || entry == NULL || entry->classes != IMAGENET_CLASSES || preprocess->input.c != COLOURS)
        return;
    const known_preprocess *facts = known_of(entry->name);
    for (int32_t c = 0; c < COLOURS; c++) {
        preprocess->mean[c] = facts->mean[c];
        preprocess->deviation[c] = facts->deviation[c];
    }
    const int32_t side = preprocess->input.h < preprocess->input.w ? preprocess->input.h : preprocess->input.w;
    if (preprocess->resize > 0)
        preprocess->resize = (int32_t)((double)side / facts->part + 0.5);
}
