/* SPDX-License-Identifier: Apache-2.0
 *
 * processors.h - how many processors this process may use.
 */
#ifndef FVI_PROCESSORS_H
#define FVI_PROCESSORS_H

#include <stdint.h>

/* The processors in this process's affinity mask, but no more than its cgroup's quota (rounded up); 1 to 1024. */
int32_t fvi_processors(void);
/* The smallest quota, in processors rounded up, of the cgroup that the file `membership` (as /proc/self/cgroup) names
 * and of all its parents, below the mount point `root` (as /sys/fs/cgroup), version 2 or 1; 0 when there is none. */
int32_t fvi_cgroup_processors(const char *membership, const char *root);

#endif
