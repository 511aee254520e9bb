/* SPDX-License-Identifier: Apache-2.0
 *
 * glob.h - names by patterns, as parameters are chosen: "layer[1-3].*".
 */
#ifndef FVI_GLOB_H
#define FVI_GLOB_H

#include <stdbool.h>

/* Whether pattern matches all of name: * is any text, ? any character, [a-d7] one of these characters, [!a-d7] or [^a-d7] any other; a [ without
 * its ] is itself. No recursion; time grows at most with the product of both lengths. */
bool fvi_glob(const char *pattern, const char *name);
/* Whether pattern matches name, or what stands before one of its points: "layer1" matches "layer1.0.conv1.weight". */
bool fvi_glob_begins(const char *pattern, const char *name);
/* The last word of a list "pattern, pattern, !pattern" (commas or spaces between) that matches as fvi_glob_begins() does decides: true, or false for
 * one behind !. NULL or none: false. */
bool fvi_glob_list(const char *list, const char *name);
/* The next pattern of such a list into word (cut at size - 1), without its !; *list moves behind it. False: there is none. */
bool fvi_glob_next(const char **list, char *word, int size, bool *inverted);

#endif
