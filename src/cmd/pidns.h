/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container without a cgroup: those that share the pid namespace of its init. */
#pragma once

#include "src/base/arena.h"
#include "src/state/store.h"

#include <sys/types.h>

/* Whether the container has a pid namespace of its own. */
bool pidns_is_own(const struct state *state);

/* Sorted. Those in pid namespaces below it are not seen, nor those that the caller may not
 * inspect. */
int pidns_pids(struct arena *arena, pid_t init, pid_t **ret, size_t *ret_n,
	       struct err *err) MUST_CHECK;

/* Signals each of them, by pidfd. */
int pidns_signal(struct arena *arena, pid_t init, int signal, struct err *err) MUST_CHECK;
