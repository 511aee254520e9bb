/* SPDX-License-Identifier: Apache-2.0
 *
 * numbers.c - see numbers.h.
 * A decimal of up to 15 digits and an exponent of up to 22 is a whole number times or divided by a power of ten, both exact in
 * double, so it is rounded once, as strtod() does; others may be off by some units in the last place.
 */
#include "optim/numbers.h"

#include <stddef.h>

double fvi_power(double base, int64_t exponent)
{
    double power = 1;
    for (; exponent > 0; exponent /= 2, base *= base)
        if (exponent % 2 != 0)
            power *= base;
    return power;
}

/* Digits of a decimal: mantissa * 10^exponent. */
typedef struct decimal {
    double mantissa;
    int digits, exponent;
} decimal;

static const char *read_digits(const char *at, decimal *number, bool fraction)
{
    for (; *at >= '0' && *at <= '9'; at++) {
        number->mantissa = number->mantissa * 10 + (*at - '0');
        number->digits++;
        number->exponent -= fraction;
    }
    return at;
}

/* The text behind an exponent, or `at` when there is none. */
static const char *read_exponent(const char *at, int *exponent)
{
    const char *digit = at + 1;
    int value = 0;
    if (*at != 'e' && *at != 'E')
        return at;
    const bool negative = *digit == '-';
    digit += *digit == '-' || *digit == '+';
    if (*digit < '0' || *digit > '9')
        return at;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        value = value < 1000 ? value * 10 + (*digit - '0') : value;
    *exponent += negative ? -value : value;
    return digit;
}

bool fvi_read_number(const char **text, double *value)
{
    decimal number = { 0 };
    const char *at = read_digits(*text, &number, false);
    if (*at == '.')
        at = read_digits(at + 1, &number, true);
    if (number.digits == 0)
        return false;
    at = read_exponent(at, &number.exponent);
    const double scale = fvi_power(10, number.exponent < 0 ? -number.exponent : number.exponent);
    const double result = number.exponent < 0 ? number.mantissa / scale : number.mantissa * scale;
    if (result - result != 0)
        return false;
    *value = result;
    *text = at;
    return true;
}
