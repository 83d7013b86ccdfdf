/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/sched.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/types.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sched_attributes { /* struct sched_attr of sched_setattr(2), which libc has only recently */
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

int sched_set(pid_t pid, const struct sched_request *request)
{
	struct sched_attributes attributes = {
		.size = sizeof(attributes),
		.policy = request->policy,
		.flags = request->flags,
		.nice = request->nice,
		.priority = request->priority,
		.runtime = request->runtime,
		.deadline = request->deadline,
		.period = request->period,
	};

	return syscall(SYS_sched_setattr, pid, &attributes, 0) < 0 ? -errno : 0;
}

int sched_set_io_priority(pid_t pid, int io_class, int priority)
{
	int value = io_class << IOPRIO_CLASS_SHIFT | priority;

	return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, value) < 0 ? -errno : 0;
}

int sched_set_personality(unsigned long domain)
{
	return personality(domain) < 0 ? -errno : 0;
}

static int parse_range(const char **text, unsigned long *first, unsigned long *last)
{
	char *end;

	*first = strtoul(*text, &end, 10);
	if (end == *text)
		return -EINVAL;
	*last = *first;
	if (*end == '-') {
		const char *start = end + 1;

		*last = strtoul(start, &end, 10);
		if (end == start || *last < *first)
			return -EINVAL;
	}
	*text = end;
	return 0;
}

enum { MAX_BITS = 8192, WORD = 8 * sizeof(unsigned long) };

/* -EINVAL if it is not a list, or has numbers beyond any kernel's limit. */
static int parse_list(const char *list, unsigned long mask[MAX_BITS / WORD])
{
	while (*list) {
		unsigned long first, last;
		int r;

		list += *list == ' ' || *list == ',';
		if (!*list)
			break;
		r = parse_range(&list, &first, &last);
		if (r < 0 || last >= MAX_BITS)
			return -EINVAL;
		for (unsigned long bit = first; bit <= last; bit++)
			mask[bit / WORD] |= 1UL << bit % WORD;
		if (*list && *list != ',' && *list != ' ')
			return -EINVAL;
	}
	return 0;
}

int sched_set_affinity(pid_t pid, const char *list)
{
	unsigned long mask[MAX_BITS / WORD] = { 0 };
	int r = parse_list(list, mask);

	if (r < 0)
		return r;
	return syscall(SYS_sched_setaffinity, pid, sizeof(mask), mask) < 0 ? -errno : 0;
}

int sched_free_affinity(void)
{
	unsigned long all[MAX_BITS / WORD];

	memset(all, 0xff, sizeof(all));
	return syscall(SYS_sched_setaffinity, 0, sizeof(all), all) < 0 ? -errno : 0;
}

size_t sched_count_cpus(void)
{
	unsigned long mask[MAX_BITS / WORD] = { 0 };
	size_t n = 0;

	if (syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) < 0)
		return 1;
	for (size_t i = 0; i < MAX_BITS / WORD; i++)
		n += (size_t)__builtin_popcountl(mask[i]);
	return n ? n : 1;
}

/* The kernel refuses more bits than fit a page, and ignores the last bit it is given. */
int sched_set_memory_policy(int mode, const char *nodes)
{
	unsigned long mask[MAX_BITS / WORD] = { 0 };
	int r = parse_list(nodes, mask);
	bool none = !nodes[strspn(nodes, " ")];

	if (r < 0)
		return r;
	return syscall(SYS_set_mempolicy, mode, none ? NULL : mask, none ? 0UL : MAX_BITS) < 0
		       ? -errno
		       : 0;
}
