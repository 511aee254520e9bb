/* SPDX-License-Identifier: Apache-2.0
 *
 * jpeg.c - what JPEG at a low quality does to an image, without the file: YCbCr, colours at half the resolution, cosine transform of blocks of 8 by 8,
 * division by the tables of ITU-T T.81 annex K scaled as the Independent JPEG Group does, rounding, and back.
 */
#include <math.h>
#include <string.h>

#include "base/math.h"
#include "data/corrupt/corrupt.h"

enum { SIDE = 8 };

static const uint8_t luma_table[SIDE * SIDE] = {
    16, 11,  10,  16, 24, 40, 51, 61, 12,  12,  14,  19,  26, 58, 60, 55,  14,  13,  16,  24, 40, 57,
    69, 56,  14,  17, 22, 29, 51, 87, 80,  62,  18,  22,  37, 56, 68, 109, 103, 77,  24,  35, 55, 64,
    81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98,  112, 100, 103, 99,
};
static const uint8_t colour_table[SIDE * SIDE] = {
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99,
    99, 99, 47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
};

typedef struct coder {
    float basis[SIDE][SIDE]; /* [frequency][place] */
    float step[2][SIDE * SIDE];
} coder;

static void fill_coder(coder *with, int32_t quality)
{
    const int32_t scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    for (int u = 0; u < SIDE; u++)
        for (int x = 0; x < SIDE; x++) {
            const double turns = (2 * x + 1) * u / 32.0;
            with->basis[u][x] = (float)(fvi_cos_turns(turns - floor(turns)) * (u == 0 ? sqrt(0.125) : 0.5));
        }
    for (int table = 0; table < 2; table++)
        for (int i = 0; i < SIDE * SIDE; i++) {
            const int32_t step = ((table == 0 ? luma_table : colour_table)[i] * scale + 50) / 100;
            with->step[table][i] = (float)(step < 1 ? 1 : step > 255 ? 255 : step);
        }
}

/* out = a * b * a' (or a' * b * a when back). */
static void both_ways(const coder *with, bool back, const float *in, float *out)
{
    float middle[SIDE * SIDE];
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            float sum = 0;
            for (int k = 0; k < SIDE; k++)
                sum += (back ? with->basis[k][i] : with->basis[i][k]) * in[k * SIDE + j];
            middle[i * SIDE + j] = sum;
        }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            float sum = 0;
            for (int k = 0; k < SIDE; k++)
                sum += middle[i * SIDE + k] * (back ? with->basis[k][j] : with->basis[j][k]);
            out[i * SIDE + j] = sum;
        }
}

static void code_block(const coder *with, int table, float *block)
{
    float frequency[SIDE * SIDE];
    both_ways(with, false, block, frequency);
    for (int i = 0; i < SIDE * SIDE; i++)
        frequency[i] = floorf(frequency[i] / with->step[table][i] + 0.5f) * with->step[table][i];
    both_ways(with, true, frequency, block);
}

/* plane [h][w] of bytes' range about 0, blocks beyond the border filled with its last pixels. */
static void code_plane(const coder *with, int table, int32_t h, int32_t w, float *plane)
{
    float block[SIDE * SIDE];
    for (int32_t top = 0; top < h; top += SIDE)
        for (int32_t left = 0; left < w; left += SIDE) {
            for (int i = 0; i < SIDE * SIDE; i++) {
                const int32_t y = fvi_fill_index((int64_t)top + i / SIDE, h, FVI_FILL_EDGE);
                const int32_t x = fvi_fill_index((int64_t)left + i % SIDE, w, FVI_FILL_EDGE);
                block[i] = plane[(size_t)y * (size_t)w + (size_t)x];
            }
            code_block(with, table, block);
            for (int i = 0; i < SIDE * SIDE; i++)
                if (top + i / SIDE < h && left + i % SIDE < w)
                    plane[(size_t)(top + i / SIDE) * (size_t)w + (size_t)(left + i % SIDE)] = block[i];
        }
}

/* Each 2 by 2 pixels of full [h][w] averaged into small [(h+1)/2][(w+1)/2], and back by repetition. */
static void halve(const float *full, int32_t h, int32_t w, float *small)
{
    for (int32_t y = 0; y < (h + 1) / 2; y++)
        for (int32_t x = 0; x < (w + 1) / 2; x++) {
            const int32_t bottom = 2 * y + 1 < h ? 2 * y + 1 : 2 * y, right = 2 * x + 1 < w ? 2 * x + 1 : 2 * x;
            const float *above = full + (size_t)(2 * y) * (size_t)w, *below = full + (size_t)bottom * (size_t)w;
            *small++ = 0.25f * (above[2 * x] + above[right] + below[2 * x] + below[right]);
        }
}

static void double_again(const float *small, int32_t h, int32_t w, float *full)
{
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++)
            full[(size_t)y * (size_t)w + (size_t)x] = small[(size_t)(y / 2) * (size_t)((w + 1) / 2) + (size_t)(x / 2)];
}

static void to_ycbcr(const fvi_picture *image, float *planes)
{
    const size_t plane = (size_t)image->h * (size_t)image->w;
    for (size_t i = 0; i < plane; i++) {
        const float *rgb = image->pixels + 3 * i;
        const float r = 255 * rgb[0], g = 255 * rgb[1], b = 255 * rgb[2];
        planes[i] = 0.299f * r + 0.587f * g + 0.114f * b - 128;
        planes[plane + i] = -0.168736f * r - 0.331264f * g + 0.5f * b;
        planes[2 * plane + i] = 0.5f * r - 0.418688f * g - 0.081312f * b;
    }
}

static void from_ycbcr(const float *planes, fvi_picture *image)
{
    const size_t plane = (size_t)image->h * (size_t)image->w;
    for (size_t i = 0; i < plane; i++) {
        float *rgb = image->pixels + 3 * i;
        const float y = planes[i] + 128, cb = planes[plane + i], cr = planes[2 * plane + i];
        rgb[0] = fvi_clip((y + 1.402f * cr) / 255);
        rgb[1] = fvi_clip((y - 0.344136f * cb - 0.714136f * cr) / 255);
        rgb[2] = fvi_clip((y + 1.772f * cb) / 255);
    }
}

fv_status fvi_corrupt_jpeg(fvi_transform_call *call, int32_t level)
{
    static const int32_t quality[2][5] = { { 25, 18, 15, 10, 7 }, { 80, 65, 58, 50, 40 } };
    fvi_picture *image = &call->room->image;
    const int32_t h = image->h, w = image->w;
    const size_t plane = (size_t)h * (size_t)w, half = (size_t)((h + 1) / 2) * (size_t)((w + 1) / 2);
    float *planes = NULL;
    coder with;
    fill_coder(&with, quality[fvi_corrupt_small(image)][level]);
    FV_TRY(fvi_transform_scratch(call, 3 * plane + half, &planes));
    if (image->c == 1) {
        for (size_t i = 0; i < plane; i++)
            planes[i] = 255 * image->pixels[i] - 128;
        code_plane(&with, 0, h, w, planes);
        for (size_t i = 0; i < plane; i++)
            image->pixels[i] = fvi_clip((planes[i] + 128) / 255);
        return FV_OK;
    }
    to_ycbcr(image, planes);
    code_plane(&with, 0, h, w, planes);
    for (size_t colour = 1; colour < 3; colour++) {
        float *small = planes + 3 * plane;
        halve(planes + colour * plane, h, w, small);
        code_plane(&with, 1, (h + 1) / 2, (w + 1) / 2, small);
        double_again(small, h, w, planes + colour * plane);
    }
    from_ycbcr(planes, image);
    return FV_OK;
}
