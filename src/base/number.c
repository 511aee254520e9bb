/* SPDX-License-Identifier: Apache-2.0
 *
 * number.c - strtod and snprintf in a C locale of their own: the host's may write 0,5 for a half.
 */
#include "base/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char decimal[] = "0123456789";

bool fvi_read_integer(const char *text, int64_t *value)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (*digits == '\0' || digits[strspn(digits, decimal)] != '\0')
        return false;
    errno = 0;
    const long long number = strtoll(text, NULL, 10);
    if (errno != 0)
        return false;
    *value = number;
    return true;
}

static bool is_real(const char *text)
{
    const char *digits = text + (*text == '-' || *text == '+');
    const size_t before = strspn(digits, decimal);
    const size_t point = digits[before] == '.';
    const size_t after = point != 0 ? strspn(digits + before + 1, decimal) : 0;
    const char *rest = digits + before + point + after;
    if (before + after == 0)
        return false;
    if (*rest != 'e' && *rest != 'E')
        return *rest == '\0';
    rest += 1 + (rest[1] == '-' || rest[1] == '+');
    return *rest != '\0' && rest[strspn(rest, decimal)] == '\0';
}

bool fvi_read_real(const char *text, double *value)
{
    if (!is_real(text))
        return false;
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return false;
    const double number = strtod_l(text, NULL, c);
    freelocale(c);
    if (!isfinite(number))
        return false;
    *value = number;
    return true;
}

const char *fvi_write_real(double value, char text[FVI_REAL_TEXT])
{
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t before = c != (locale_t)0 ? uselocale(c) : (locale_t)0;
    const bool whole = fabs(value) < 1e15 && value == floor(value);
    if (whole) /* 10, not 1e+01 */
        snprintf(text, FVI_REAL_TEXT, "%.0f", value);
    for (int digits = 1; digits <= 17 && !whole; digits++) {
        snprintf(text, FVI_REAL_TEXT, "%.*g", digits, value);
        if (!isfinite(value) || strtod(text, NULL) == value)
            break;
    }
    if (c != (locale_t)0) {
        uselocale(before);
        freelocale(c);
    }
    return text;
}
