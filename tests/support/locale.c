/* SPDX-License-Identifier: Apache-2.0
 *
 * locale.c - finds a locale with a decimal comma.
 */
#include "support/locale.h"

#include <locale.h>

#include "support/test.h"

void test_use_decimal_comma(void)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8" };
#ifdef FVI_TEST_LOCALES
    setenv("LOCPATH", FVI_TEST_LOCALES, 0); /* read by setlocale() */
#endif
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (setlocale(LC_ALL, names[i]) != NULL) {
            assert_string_equal(localeconv()->decimal_point, ",");
            return;
        }
    test_skip("no locale with a decimal comma, and none could be made (Debian: the package locales)");
}
