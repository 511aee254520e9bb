/* SPDX-License-Identifier: Apache-2.0
 *
 * corrupt.c - the table of corruptions, and one applied to one image.
 */
#include "data/corrupt/corrupt.h"

#include <string.h>

const fvi_corruption fvi_corruptions[] = {
    { "gaussian_noise", "a sensor in little light: normal noise", fvi_corrupt_gaussian_noise },
    { "shot_noise", "few photons: Poisson noise", fvi_corrupt_shot_noise },
    { "impulse_noise", "broken pixels: black or white", fvi_corrupt_impulse_noise },
    { "defocus_blur", "a lens out of focus: each point a disc", fvi_corrupt_defocus_blur },
    { "glass_blur", "frosted glass: pixels change places nearby", fvi_corrupt_glass_blur },
    { "motion_blur", "the camera moves: each point a line", fvi_corrupt_motion_blur },
    { "zoom_blur", "the camera comes near: an average of enlargements", fvi_corrupt_zoom_blur },
    { "snow", "flakes that fall, in a greyer picture", fvi_corrupt_snow },
    { "frost", "ice crystals on the lens", fvi_corrupt_frost },
    { "fog", "light scattered by clouds of all sizes", fvi_corrupt_fog },
    { "brightness", "too much light", fvi_corrupt_brightness },
    { "contrast", "values near their mean", fvi_corrupt_contrast },
    { "elastic", "stretched and squeezed here and there", fvi_corrupt_elastic },
    { "pixelate", "enlarged from few pixels", fvi_corrupt_pixelate },
    { "jpeg", "blocks and colours of a file too small", fvi_corrupt_jpeg },
    { 0 },
};

enum { KINDS = sizeof fvi_corruptions / sizeof fvi_corruptions[0] - 1, SMALL = 64 };

const char *fv_corruption_name(int32_t kind)
{
    return kind >= 0 && kind < KINDS ? fvi_corruptions[kind].name : NULL;
}

const char *fv_corruption_text(int32_t kind)
{
    return kind >= 0 && kind < KINDS ? fvi_corruptions[kind].text : NULL;
}

int fvi_corrupt_small(const fvi_picture *image)
{
    return (image->h < image->w ? image->h : image->w) < SMALL;
}

double fvi_corrupt_unit(const fvi_picture *image)
{
    return fvi_corrupt_small(image) ? 1.0 : (image->h < image->w ? image->h : image->w) / 224.0;
}

fv_status fv_corruption_apply(fv_context *context, int32_t kind, int32_t severity, const fv_augment_key *key,
                              const float *image, fv_image_shape shape, float *out)
{
    fvi_augment_room room = { .scratch = NULL };
    const size_t bytes = (size_t)shape.h * (size_t)shape.w * (size_t)shape.c * sizeof(float);
    if (fv_corruption_name(kind) == NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "corruption %d: must be 0 to %d", kind, KINDS - 1);
    if (severity < 1 || severity > FV_CORRUPTION_SEVERITIES)
        return fvi_fail(context, FV_ERR_ARGUMENT, "corruption %s: severity is %d, must be 1 to %d",
                        fvi_corruptions[kind].name, severity, FV_CORRUPTION_SEVERITIES);
    if ((shape.c != 1 && shape.c != 3) || shape.h < 1 || shape.w < 1)
        return fvi_fail(context, FV_ERR_SHAPE, "corruption %s: an image of %dx%dx%d; channels must be 1 or 3",
                        fvi_corruptions[kind].name, shape.c, shape.h, shape.w);
    FV_TRY(fvi_picture_reserve(context, &room.image, shape.h, shape.w, shape.c));
    memcpy(room.image.pixels, image, bytes);
    fvi_transform_call call = { .context = context,
                                .name = fvi_corruptions[kind].name,
                                .key = key,
                                .random = fvi_random_start(key->seed, FVI_PURPOSE_CORRUPT, key->sample),
                                .room = &room };
    call.random.position = (uint64_t)kind << 48;
    const fv_status status = fvi_corruptions[kind].apply(&call, severity - 1);
    if (status == FV_OK)
        memcpy(out, room.image.pixels, bytes);
    fvi_augment_room_release(&room, context);
    return status;
}
