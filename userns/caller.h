/* SPDX-License-Identifier: Apache-2.0 */
/* The calling user. Only here and in src/host does code ask for the process's ids. */
#pragma once

#include "userns/idmap.h"

struct caller {
	uint32_t uid, gid;      /* effective, as seen in the caller's user namespace */
	const char *name;       /* from /etc/passwd, without NSS; or NULL */
	const uint32_t *groups; /* supplementary */
	size_t n_groups;
	bool initial_userns;    /* in the initial user namespace */
	bool owns_mounts;       /* the mount namespace is owned by the caller's user namespace */
	bool setgroups_allowed; /* from /proc/self/setgroups; a denial is inherited */
	bool no_new_privs;
	uint64_t caps_effective; /* bit n: capability n */
	uint64_t caps_bounding;
	uint64_t signals_ignored;      /* bit n - 1: signal n; inherited across clone and exec */
	struct idmap uid_map, gid_map; /* of the caller's user namespace; empty unless asked for */
};

/* Takes four system calls: a read of /proc/self/status answers all questions but one (the bounding
 * set alone would take 41 calls), and a stat identifies the user namespace. Outside the initial
 * one, five more find out what it denies. Leaves the maps empty and name NULL. Fails if /proc is
 * not mounted. */
int caller_gather(struct arena *arena, struct caller *ret, struct err *err) MUST_CHECK;

/* Adds the maps, which creating a user namespace needs. Reads nothing in the initial user
 * namespace, where they are known. */
int caller_gather_userns(struct arena *arena, struct caller *caller, struct err *err) MUST_CHECK;

/* A map of /proc/PID. */
int caller_read_map(struct arena *arena, const char *path, struct idmap *ret,
		    struct err *err) MUST_CHECK;

/* Whether the caller may map every id that it has (CAP_SETUID and CAP_SETGID). */
bool caller_may_map(const struct caller *caller);

/* The name of a uid in /etc/passwd, or NULL. */
const char *caller_name_of(struct arena *arena, uint32_t uid);
