/* SPDX-License-Identifier: Apache-2.0
 *
 * processors.c - the processors of this process: affinity mask and cgroup quota.
 * Containers limit a process by quota, not by mask; more threads than the quota pays for are stopped for milliseconds
 * in every period. Sources: Linux Documentation/admin-guide/cgroup-v2.rst (cpu.max), cgroup-v1/cgroups.rst and
 * scheduler/sched-bwc.rst (cpu.cfs_quota_us, cpu.cfs_period_us).
 */
#include "base/processors.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#endif

enum { MOST_PROCESSORS = 1024, PATH_BYTES = 4096 };

static int64_t rounded_up(int64_t quota, int64_t period)
{
    return quota / period + (quota % period != 0);
}

/* The first line of root/group/name. False when there is none. */
static bool read_line(const char *root, const char *group, const char *name, char *line, int size)
{
    char path[PATH_BYTES];
    const int length = snprintf(path, sizeof path, "%s%s/%s", root, group, name);
    if (length < 0 || length >= (int)sizeof path)
        return false;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    const bool read = fgets(line, size, file) != NULL;
    fclose(file);
    return read;
}

/* Quota of one group in processors; 0: no limit. */
static int64_t quota_version_2(const char *root, const char *group)
{
    char line[128];
    char *end = line;
    if (!read_line(root, group, "cpu.max", line, sizeof line))
        return 0;
    const int64_t quota = strtoll(line, &end, 10); /* "max 100000" where there is no limit */
    if (end == line)
        return 0;
    const int64_t period = strtoll(end, NULL, 10);
    return quota > 0 && period > 0 ? rounded_up(quota, period) : 0;
}

static int64_t quota_version_1(const char *root, const char *group)
{
    char line[128];
    if (!read_line(root, group, "cpu.cfs_quota_us", line, sizeof line))
        return 0;
    const int64_t quota = strtoll(line, NULL, 10); /* -1 where there is no limit */
    if (quota <= 0 || !read_line(root, group, "cpu.cfs_period_us", line, sizeof line))
        return 0;
    const int64_t period = strtoll(line, NULL, 10);
    return period > 0 ? rounded_up(quota, period) : 0;
}

/* The smallest quota from group up to the mount point. A container may see its own group at the mount point. */
static int64_t smallest_quota(const char *root, char *group, int64_t (*quota_of)(const char *, const char *))
{
    int64_t smallest = 0;
    for (;;) {
        const int64_t quota = quota_of(root, group);
        if (quota > 0 && (smallest == 0 || quota < smallest))
            smallest = quota;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return smallest;
        *slash = '\0';
    }
}

/* Whether "cpu" is one of the comma-separated words. */
static bool names_cpu(const char *controllers)
{
    for (const char *word = controllers; *word != '\0';) {
        const size_t length = strcspn(word, ",");
        if (length == 3 && memcmp(word, "cpu", 3) == 0)
            return true;
        word += length + (word[length] == ',');
    }
    return false;
}

/* The limit of one line "number:controllers:/group"; 0: none. */
static int64_t limit_of_line(char *line, const char *root)
{
    char *controllers = strchr(line, ':');
    if (controllers == NULL)
        return 0;
    char *group = strchr(++controllers, ':');
    if (group == NULL)
        return 0;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (*controllers == '\0')
        return smallest_quota(root, group, quota_version_2);
    if (!names_cpu(controllers))
        return 0;
    char mount[PATH_BYTES];
    const int length = snprintf(mount, sizeof mount, "%s/cpu", root);
    return length > 0 && length < (int)sizeof mount ? smallest_quota(mount, group, quota_version_1) : 0;
}

int32_t fvi_cgroup_processors(const char *membership, const char *root)
{
    char line[PATH_BYTES];
    int64_t smallest = 0;
    FILE *file = fopen(membership, "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL) {
        const int64_t limit = limit_of_line(line, root);
        if (limit > 0 && (smallest == 0 || limit < smallest))
            smallest = limit;
    }
    fclose(file);
    return (int32_t)(smallest < MOST_PROCESSORS ? smallest : MOST_PROCESSORS);
}

static int64_t processors_in_mask(void)
{
#if defined(__linux__)
    /* Room for 8192 processors, the most that Linux can be built for; a mask too small would be refused. */
    cpu_set_t mask[8192 / CPU_SETSIZE];
    memset(mask, 0, sizeof mask);
    if (sched_getaffinity(0, sizeof mask, mask) == 0)
        return CPU_COUNT_S(sizeof mask, mask);
#endif
    return sysconf(_SC_NPROCESSORS_ONLN);
}

int32_t fvi_processors(void)
{
    int64_t processors = processors_in_mask();
    const int32_t quota = fvi_cgroup_processors("/proc/self/cgroup", "/sys/fs/cgroup");
    if (quota > 0 && quota < processors)
        processors = quota;
    if (processors < 1)
        return 1;
    return (int32_t)(processors < MOST_PROCESSORS ? processors : MOST_PROCESSORS);
}
