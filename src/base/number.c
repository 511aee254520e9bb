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
#include <strings.h>

#include "fovea/text.h"

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

/* What a unit multiplies by; 0: no unit. Powers of 1000 as everywhere in what the command prints, of 1024 where an i says so. */
static double unit_of(const char *unit)
{
    static const char letters[] = "KMGT";
    double factor = 1;
    if (*unit == '\0' || strcasecmp(unit, "B") == 0)
        return 1;
    for (size_t i = 0; letters[i] != '\0'; i++) {
        const bool matches = strncasecmp(unit, &letters[i], 1) == 0;
        factor *= 1000;
        if (matches && (unit[1] == '\0' || strcasecmp(unit + 1, "B") == 0))
            return factor;
        if (matches && (strcasecmp(unit + 1, "i") == 0 || strcasecmp(unit + 1, "iB") == 0))
            return pow(1024, (double)i + 1);
    }
    return 0;
}

bool fv_bytes_read(const char *text, int64_t *bytes)
{
    char number[FVI_REAL_TEXT];
    double value = 0;
    const size_t digits = strspn(text, "0123456789.");
    const double unit = unit_of(text + digits);
    if (digits >= sizeof number || unit == 0)
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (!fvi_read_real(number, &value) || value * unit > 9e15)
        return false;
    *bytes = (int64_t)floor(value * unit);
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
