/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that we created, from clone to reaping. Nobody else signals or waits for them: once a
 * process is reaped its number may be reused, and a process may have children it never created,
 * inherited from whoever executed it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct clone_request {
	uint64_t flags; /* CLONE_NEW*, CLONE_PARENT */
	int cgroup_fd;  /* >= 0: the child starts in this v2 cgroup */
};

struct child {
	pid_t pid; /* 0: there is none, or not any more */
	int pidfd;
};

#define CHILD_NONE                                                                                 \
	{                                                                                          \
		.pidfd = -1                                                                        \
	}

static inline bool child_is_there(const struct child *child)
{
	return child->pid > 0;
}

/* Forks as asked, by clone3(2), or by clone(2) where that is missing; the child starts with default
 * signal handlers. Returns 0 in the child, and in the caller what *ret has then: its pid; or -errno
 * (no text: the caller knows what it asked for). -ENOSYS: clone(2) has to do, which knows no
 * cgroup_fd and no time namespaces. */
pid_t child_clone(const struct clone_request *request, struct child *ret);

/* _exit(2), also under a filter that refuses it. */
void child_exit(int status) __attribute__((noreturn));

/* A child that somebody else cloned for us (CLONE_PARENT) and that introduced itself. Accepted only
 * if pid is an unreaped child of this process. 0 or -ECHILD, or -errno. */
int child_adopt(pid_t pid, struct child *ret);

int child_signal(const struct child *child, int signal); /* 0 or -errno */

/* Whether it is the first process of a pid namespace and leaves a signal to its default action,
 * which the kernel suppresses for that process. */
bool child_is_deaf(const struct child *child, int signal);

/* Waits until a child that takes signals by sigwaitinfo(2) has handled this one and waits again, at
 * most this long. */
void child_await_signal(const struct child *child, int signal, int timeout_ms);

/* To its whole process group, of which it is the leader. */
void child_signal_group(const struct child *child, int signal);

/* Whether it has ended, and how (as of waitpid(2)); it is not reaped. 1, 0 or -errno. */
int child_has_ended(const struct child *child, int *ret_status);

/* Waits for its end, at most timeout_ms, and reaps it; the struct is then empty. ret_status may be
 * NULL. 0, -ETIMEDOUT or -errno. */
int child_reap(struct child *child, int timeout_ms, int *ret_status);

/* Kills and reaps it, if there is one. 0, -ETIMEDOUT or -errno. */
int child_end(struct child *child, int timeout_ms);
