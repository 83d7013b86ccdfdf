/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/cgroup/driver.h"
#include "src/cmd/events_json.h"
#include "src/state/store.h"

/* Opens the cgroup of a container to list, signal and freeze its processes. -ENOTSUP if it has none
 * (what_for says what needs it), -ENOENT if it is gone. */
int cgroup_of_open(const struct state *state, const char *what_for, struct cgroup *ret,
		   struct err *err) MUST_CHECK;

/* The same in all hierarchies, to read or write limits. */
int cgroup_of_open_all(const struct state *state, const char *what_for, struct cgroup *ret,
		       struct err *err) MUST_CHECK;

/* Number of processes killed for the memory limit, while the cgroup exists (systemd removes its own
 * once it is empty); 0 without a cgroup. */
uint64_t cgroup_of_oom_kills(const struct state *state);

/* Watches the cgroup of a unit from its start: systemd removes it once it is empty, perhaps before
 * anybody has read its counters. *ret_words is the message for a kill. false: nothing to watch. */
bool cgroup_of_watch_oom(struct arena *arena, const struct state *state, struct driver_oom *ret,
			 const char **ret_words);

/* Reports on standard error that the memory limit has killed a foreground process: the status is
 * that of SIGKILL, and the cgroup counts more kills than before. */
void cgroup_of_tell_oom(struct arena *arena, const struct state *state, int status,
			uint64_t kills_before);

/* The files of a cgroup that is open in all hierarchies, for the documents of events and stats. A
 * document is void if *shortage is not 0 behind it. */
struct events_source cgroup_of_source(const struct cgroup *cgroup, struct arena *arena,
				      int *shortage);
