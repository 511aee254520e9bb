/* SPDX-License-Identifier: Apache-2.0
 *
 * locale.h - a host program whose locale writes 0,5 for a half.
 */
#ifndef FVI_TEST_LOCALE_H
#define FVI_TEST_LOCALE_H

/* Sets a locale with a decimal comma: one of the system's, or the one that the build made (cmake/tests.cmake). Skips the
 * test where there is none. Undone by setlocale(LC_ALL, "C"). */
void test_use_decimal_comma(void);

#endif
