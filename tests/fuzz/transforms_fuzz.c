/* SPDX-License-Identifier: Apache-2.0
 *
 * transforms_fuzz.c - lists of transforms as text. What is read must write and read back to the same, and do no harm to an image.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { SIDE = 12 };

static void apply(fv_augmentation *list)
{
    static const fv_image_shape shape = { 3, SIDE, SIDE };
    float pixels[3 * SIDE * SIDE], *made = NULL;
    fv_image_shape made_shape;
    for (size_t i = 0; i < sizeof pixels / sizeof pixels[0]; i++)
        pixels[i] = (float)(i % 17) / 16;
    const fv_augment_key key = { .seed = 1, .epoch = 2, .sample = 3 };
    if (fv_augmentation_apply(list, &key, pixels, shape, &made, &made_shape) == FV_OK)
        fv_augmentation_release(list, made);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fv_context *context = fuzz_context();
    fv_augmentation *list = NULL, *again = NULL;
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, bytes, size);
    text[size] = '\0';
    fuzz_check(context, fv_augmentation_create(&list, context, text), list);
    if (list != NULL) {
        if (fv_augmentation_create(&again, context, fv_augmentation_text(list)) != FV_OK ||
            strcmp(fv_augmentation_text(list), fv_augmentation_text(again)) != 0)
            abort();
        apply(list);
    }
    fv_augmentation_destroy(again);
    fv_augmentation_destroy(list);
    free(text);
    fv_context_destroy(context);
    return 0;
}
