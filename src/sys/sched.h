/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling, I/O priority, personality, affinity and memory policy. pid 0: the calling process. 0
 * or -errno. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sched_request {
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

int sched_set(pid_t pid, const struct sched_request *request);
int sched_set_io_priority(pid_t pid, int io_class, int priority);
int sched_set_personality(unsigned long domain);

/* Sets the affinity of process pid (0: this one) to a CPU list such as "0-3,7". -EINVAL for a bad
 * list. */
int sched_set_affinity(pid_t pid, const char *list);

/* Lets this process run on all CPUs that its cpuset allows. */
int sched_free_affinity(void);

/* On how many CPUs this process may run; 1 if that is unknown. */
size_t sched_count_cpus(void);

/* Sets the calling process's memory policy: MPOL_* with flags, and a node list. */
int sched_set_memory_policy(int mode, const char *nodes);
