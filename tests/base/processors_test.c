/* SPDX-License-Identifier: Apache-2.0
 *
 * processors_test.c - cgroup quotas, on made-up folders.
 */
#include "base/processors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/test.h"

/* Writes text to folder/name, making the folders on the way. */
static void put(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int32_t quota(const char *folder, const char *membership)
{
    char path[512];
    put(folder, "membership", membership);
    snprintf(path, sizeof path, "%s/membership", folder);
    return fvi_cgroup_processors(path, folder);
}

static void make_folder(char *folder, size_t size)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, size, "%s/fovea_processors_XXXXXX", temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(folder));
}

static void remove_folder(const char *folder)
{
    char command[600];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

FV_TEST(processors, quota_of_version_2)
{
    char folder[400];
    make_folder(folder, sizeof folder);
    assert_int_equal(quota(folder, "0::/\n"), 0);
    put(folder, "a/b/cpu.max", "max 100000\n");
    assert_int_equal(quota(folder, "0::/a/b\n"), 0);
    put(folder, "a/b/cpu.max", "150000 100000\n");
    assert_int_equal(quota(folder, "0::/a/b\n"), 2); /* rounded up */
    put(folder, "a/cpu.max", "100000 100000\n");
    assert_int_equal(quota(folder, "0::/a/b\n"), 1); /* the parent is stricter */
    put(folder, "a/cpu.max", "9900000000 100000\n");
    put(folder, "a/b/cpu.max", "99000000000 100000\n");
    assert_int_equal(quota(folder, "0::/a/b\n"), 1024);
    put(folder, "a/b/cpu.max", "nonsense\n");
    put(folder, "a/cpu.max", "-5 0\n");
    assert_int_equal(quota(folder, "0::/a/b\n"), 0);
    /* In a container the group is not below the mount point, which is the group itself. */
    put(folder, "cpu.max", "300000 100000\n");
    assert_int_equal(quota(folder, "0::/docker/0123\n"), 3);
    remove_folder(folder);
}

FV_TEST(processors, quota_of_version_1)
{
    char folder[400];
    make_folder(folder, sizeof folder);
    put(folder, "cpu/x/cpu.cfs_quota_us", "-1\n");
    put(folder, "cpu/x/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota(folder, "5:cpuset:/x\n4:cpu,cpuacct:/x\n"), 0);
    put(folder, "cpu/x/cpu.cfs_quota_us", "400000\n");
    assert_int_equal(quota(folder, "5:cpuset:/x\n4:cpu,cpuacct:/x\n"), 4);
    assert_int_equal(quota(folder, "5:cpuset:/x\n"), 0); /* another controller */
    assert_int_equal(quota(folder, "garbage\n1:cpu\n"), 0);
    remove_folder(folder);
}

FV_TEST(processors, of_this_process)
{
    assert_in_range(fvi_processors(), 1, 1024);
    assert_int_equal(fvi_cgroup_processors("/nonexistent/file", "/nonexistent"), 0);
}

FV_TESTS(processors, quota_of_version_2, quota_of_version_1, of_this_process)
