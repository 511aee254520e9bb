/* SPDX-License-Identifier: Apache-2.0
 *
 * colour.c - luma (ITU-R BT.601) and the hue, saturation and value of Smith 1978 ("Color gamut transform pairs").
 */
#include <math.h>

#include "data/augment/transform.h"

float fvi_luma_of(const float *rgb)
{
    return 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
}

void fvi_rgb_to_hsv(const float rgb[3], float hsv[3])
{
    const float r = rgb[0], g = rgb[1], b = rgb[2];
    const float most = r > g ? (r > b ? r : b) : g > b ? g : b;
    const float least = r < g ? (r < b ? r : b) : g < b ? g : b;
    const float range = most - least;
    float hue = 0.0f;
    if (range > 0.0f && most == r)
        hue = (g - b) / range;
    else if (range > 0.0f && most == g)
        hue = 2.0f + (b - r) / range;
    else if (range > 0.0f)
        hue = 4.0f + (r - g) / range;
    hue /= 6.0f;
    hsv[0] = hue < 0.0f ? hue + 1.0f : hue;
    hsv[1] = most > 0.0f ? range / most : 0.0f;
    hsv[2] = most;
}

void fvi_hsv_to_rgb(const float hsv[3], float rgb[3])
{
    const float turned = hsv[0] * 6.0f, sixth = floorf(turned), part = turned - sixth, value = hsv[2];
    const float low = value * (1.0f - hsv[1]), falling = value * (1.0f - hsv[1] * part);
    const float rising = value * (1.0f - hsv[1] * (1.0f - part));
    const float table[6][3] = { { value, rising, low },  { falling, value, low }, { low, value, rising },
                                { low, falling, value }, { rising, low, value },  { value, low, falling } };
    const int index = (int)sixth % 6;
    for (int c = 0; c < 3; c++)
        rgb[c] = table[index < 0 ? 0 : index][c];
}
