/* SPDX-License-Identifier: Apache-2.0
 *
 * identity.c - a hash of a data set's samples in their order. Of very large sets some images stand for all: the aim is to notice
 * another set, another order or changed labels, not a forger.
 */
#include "data/identity.h"

#include <stdio.h>
#include <string.h>

#include "base/xxh64.h"

#define MOST_BYTES ((int64_t)1 << 28)

static void add_number(fvi_xxh64 *hash, uint32_t number)
{
    const unsigned char digits[4] = { (unsigned char)number, (unsigned char)(number >> 8),
                                      (unsigned char)(number >> 16), (unsigned char)(number >> 24) };
    fvi_xxh64_update(hash, digits, sizeof digits);
}

/* A file by its name alone: the set may have been moved to another folder. */
static void add_name(fvi_xxh64 *hash, const fv_dataset *dataset, int64_t index)
{
    char name[4096];
    fv_dataset_sample_name(dataset, index, name, sizeof name);
    const char *slash = strrchr(name, '/');
    const char *last = slash != NULL ? slash + 1 : name;
    fvi_xxh64_update(hash, last, strlen(last) + 1);
}

void fvi_dataset_hash(const fv_dataset *dataset, char text[17])
{
    const int64_t count = fv_dataset_count(dataset);
    const fv_image_shape shape = fv_dataset_shape(dataset);
    const int64_t bytes = (int64_t)shape.c * shape.h * shape.w;
    const int64_t apart = 1 + count * bytes / MOST_BYTES;
    fvi_xxh64 hash = fvi_xxh64_start(0);
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *image = i % apart == 0 ? fv_dataset_image(dataset, i) : NULL;
        const float *targets = fv_dataset_targets(dataset, i);
        add_number(&hash, (uint32_t)fv_dataset_label(dataset, i));
        for (int32_t t = 0; targets != NULL && t < fv_dataset_target_count(dataset); t++) {
            uint32_t bits = 0;
            memcpy(&bits, &targets[t], sizeof bits);
            add_number(&hash, bits);
        }
        if (image != NULL)
            fvi_xxh64_update(&hash, image, (size_t)bytes);
        else if (i % apart == 0)
            add_name(&hash, dataset, i);
    }
    snprintf(text, 17, "%016llx", (unsigned long long)fvi_xxh64_finish(&hash));
}
