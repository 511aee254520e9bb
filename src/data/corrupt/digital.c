/* SPDX-License-Identifier: Apache-2.0
 *
 * digital.c - contrast, elastic stretching, and too few pixels.
 */
#include <math.h>

#include "data/corrupt/corrupt.h"

fv_status fvi_corrupt_contrast(fvi_transform_call *call, int32_t level)
{
    static const double table[2][5] = { { 0.4, 0.3, 0.2, 0.1, 0.05 }, { 0.75, 0.5, 0.4, 0.3, 0.15 } };
    fvi_picture *image = &call->room->image;
    const double kept = table[fvi_corrupt_small(image)][level];
    const size_t plane = (size_t)image->h * (size_t)image->w, channels = (size_t)image->c;
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t i = 0; i < plane; i++)
            sum += (double)image->pixels[i * channels + c];
        const double mean = sum / (double)plane;
        for (size_t i = 0; i < plane; i++)
            image->pixels[i * channels + c] =
                fvi_clip((float)(mean + kept * ((double)image->pixels[i * channels + c] - mean)));
    }
    return FV_OK;
}

/* As the transform elastic, its strength such that displacements have this mean square root, as parts of the side. */
fv_status fvi_corrupt_elastic(fvi_transform_call *call, int32_t level)
{
    static const double moved[] = { 0.012, 0.018, 0.022, 0.028, 0.036 }, width[] = { 0.1, 0.08, 0.05, 0.05, 0.05 };
    const fvi_picture *image = &call->room->image;
    const double side = image->h < image->w ? image->h : image->w;
    const double sigma = width[level] * side < 1 ? 1 : width[level] * side;
    float weights[FVI_GAUSSIAN_RADIUS + 1];
    const int32_t radius = fvi_gaussian_kernel(sigma, weights);
    double squares = 0;
    for (int32_t k = -radius; k <= radius; k++)
        squares += (double)weights[k < 0 ? -k : k] * (double)weights[k < 0 ? -k : k];
    return fvi_elastic_warp(call, moved[level] * side * sqrt(3.0) / squares, sigma, FVI_FILL_REFLECT);
}

/* The mean of the box of the image that one of rows by columns blocks covers, whole pixels. */
static void block_mean(const fvi_picture *image, int32_t top, int32_t bottom, int32_t left, int32_t right, float *mean)
{
    for (int32_t c = 0; c < image->c; c++) {
        double sum = 0;
        for (int32_t y = top; y < bottom; y++)
            for (int32_t x = left; x < right; x++)
                sum += (double)image->pixels[((size_t)y * (size_t)image->w + (size_t)x) * (size_t)image->c + (size_t)c];
        mean[c] = (float)(sum / ((double)(bottom - top) * (right - left)));
    }
}

fv_status fvi_corrupt_pixelate(fvi_transform_call *call, int32_t level)
{
    static const double table[2][5] = { { 0.6, 0.5, 0.4, 0.3, 0.25 }, { 0.9, 0.8, 0.7, 0.6, 0.5 } };
    fvi_picture *image = &call->room->image;
    const double part = table[fvi_corrupt_small(image)][level];
    const int32_t rows = image->h * part < 1 ? 1 : (int32_t)(image->h * part);
    const int32_t columns = image->w * part < 1 ? 1 : (int32_t)(image->w * part);
    float mean[FVI_TRANSFORM_CHANNELS];
    for (int32_t i = 0; i < rows; i++)
        for (int32_t j = 0; j < columns; j++) {
            const int32_t top = (int32_t)((int64_t)i * image->h / rows),
                          left = (int32_t)((int64_t)j * image->w / columns);
            const int32_t bottom = (int32_t)((int64_t)(i + 1) * image->h / rows);
            const int32_t right = (int32_t)((int64_t)(j + 1) * image->w / columns);
            block_mean(image, top, bottom, left, right, mean);
            for (int32_t y = top; y < bottom; y++)
                for (int32_t x = left; x < right; x++)
                    for (int32_t c = 0; c < image->c; c++)
                        image->pixels[((size_t)y * (size_t)image->w + (size_t)x) * (size_t)image->c + (size_t)c] =
                            mean[c];
        }
    return FV_OK;
}
