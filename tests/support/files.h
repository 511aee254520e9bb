/* SPDX-License-Identifier: Apache-2.0
 *
 * files.h - files for tests: in a folder of the test's own, which goes away with it.
 */
#ifndef FOVEA_TEST_FILES_H
#define FOVEA_TEST_FILES_H

#include <stdbool.h>
#include <stddef.h>

enum { TEST_PATH = 512 };

/* Makes an empty folder; path has room for TEST_PATH bytes. */
void test_folder_make(char *path);
/* Removes it with what is in it. */
void test_folder_remove(const char *path);
/* path = folder/name. */
void test_path(char *path, const char *folder, const char *name);
void test_file_write(const char *folder, const char *name, const void *bytes, size_t size);
/* The whole file; free() it. */
unsigned char *test_file_read(const char *folder, const char *name, size_t *size);
/* Files in the folder. */
int test_file_count(const char *folder);

#endif
