/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that we created, from clone to reaping. No other code signals or waits for them: once a
 * process is reaped its number may be reused, and a process may have children that it never
 * created, inherited from the program that executed it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct clone_request {
	uint64_t flags; /* CLONE_NEW*, CLONE_PARENT */
	int cgroup_fd;  /* >= 0: start the child in this v2 cgroup */
};

struct child {
	pid_t pid; /* 0: no process, or already reaped */
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

/* Forks with clone3(2), or with clone(2) where that is missing. The child starts with default
 * signal handlers. Returns 0 in the child and the pid in the caller, for which *ret is filled; or
 * -errno (no text: the caller knows what it asked for). -ENOSYS: only clone(2) is available, which
 * has neither cgroup_fd nor time namespaces. */
pid_t child_clone(const struct clone_request *request, struct child *ret);

/* _exit(2), even if a filter refuses it. */
void child_exit(int status) __attribute__((noreturn));

/* Adopts a child that another process cloned for us (CLONE_PARENT) and that told us its pid.
 * Accepted only if pid is an unreaped child of this process. 0 or -ECHILD, or -errno. */
int child_adopt(pid_t pid, struct child *ret);

int child_signal(const struct child *child, int signal); /* 0 or -errno */

/* Whether the child is init of a pid namespace and has the default action for the signal, which the
 * kernel then discards. */
bool child_is_deaf(const struct child *child, int signal);

/* Waits until a child that takes signals by sigwaitinfo(2) has handled this one and waits again,
 * for at most timeout_ms. */
void child_await_signal(const struct child *child, int signal, int timeout_ms);

/* Signals the whole process group that the child leads. */
void child_signal_group(const struct child *child, int signal);

/* Continues the process group that the child leads if it has stopped itself. */
void child_continue(const struct child *child);

/* Signals a child that passes signals on to its program: this one, because of what is queued with
 * it, to the whole process group of that. */
enum { CHILD_GROUP = 1 };
void child_signal_group_below(const struct child *child, int signal);

/* Whether the child has ended, and how (as waitpid(2) tells), without reaping it. 1, 0 or
 * -errno. */
int child_has_ended(const struct child *child, int *ret_status);

/* Waits at most timeout_ms for the child to end, and reaps it, which empties the struct. ret_status
 * may be NULL. 0, -ETIMEDOUT or -errno. */
int child_reap(struct child *child, int timeout_ms, int *ret_status);

/* Kills and reaps the child, if there is one. 0, -ETIMEDOUT or -errno. */
int child_end(struct child *child, int timeout_ms);
