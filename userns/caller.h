/* SPDX-License-Identifier: Apache-2.0 */
/* The calling user: with src/host, the only place that asks for ids. */
#pragma once

#include "userns/idmap.h"

struct caller {
	uint32_t uid, gid;      /* effective, as seen in the own user namespace */
	const char *name;       /* from /etc/passwd, or NULL; no NSS */
	const uint32_t *groups; /* supplementary */
	size_t n_groups;
	bool initial_userns;    /* the machine's first user namespace */
	bool owns_mounts;       /* the mount namespace belongs to the own user namespace */
	bool setgroups_allowed; /* /proc/self/setgroups; a denial is inherited */
	bool no_new_privs;
	uint64_t caps_effective; /* bit n: capability n */
	uint64_t caps_bounding;
	uint64_t signals_ignored;      /* bit n - 1: signal n; inherited over clone and exec */
	struct idmap uid_map, gid_map; /* of the own namespace; empty unless asked for */
};

/* Four system calls: one read of /proc/self/status answers all but one question (the bounding set
 * alone would cost 41 calls), one stat identifies the user namespace; in any but the first, five
 * more find what it denies. Maps stay empty, name NULL. Fails if /proc is not mounted. */
int caller_gather(struct arena *arena, struct caller *ret, struct err *err) MUST_CHECK;

/* Adds the maps: what a new user namespace needs to know. Nothing is read in
 * the first user namespace, where they are known. */
int caller_gather_userns(struct arena *arena, struct caller *caller, struct err *err) MUST_CHECK;

/* Whether the caller may write any map of ids it has (CAP_SETUID and CAP_SETGID). */
bool caller_may_map(const struct caller *caller);

/* Name of a uid in /etc/passwd, or NULL. */
const char *caller_name_of(struct arena *arena, uint32_t uid);
