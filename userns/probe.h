/* SPDX-License-Identifier: Apache-2.0 */
/* Why this host or caller cannot use user namespaces or id ranges, and what to do about it. */
#pragma once

#include "userns/caller.h"

/* The state of newuidmap or newgidmap. */
enum probe_helper {
	PROBE_HELPER_UNKNOWN, /* not looked up: the caller does not need it */
	PROBE_HELPER_OK,
	PROBE_HELPER_MISSING,
	PROBE_HELPER_NOT_PRIVILEGED, /* neither setuid root nor cap_setuid, cap_setgid */
	PROBE_HELPER_NOSUID,         /* on a nosuid mount */
	PROBE_HELPER_NO_NEW_PRIVS,   /* the caller has no_new_privs */
	PROBE_HELPER_BOUNDED,        /* the caller's bounding set lacks what it needs */
	PROBE_HELPER_NOT_EXECUTABLE, /* by the caller: mode 4750 and another group */
};

struct probe_helper_result {
	enum probe_helper state;
	const char *path; /* where it is (arena), or NULL when missing or not looked up */
};

/* Looks for the helper in fixed system directories only, never in $PATH: whoever sets the
 * environment of a privileged usrun must not choose the program it runs. */
void probe_helper_find(struct arena *arena, const char *name, const struct caller *caller,
		       struct probe_helper_result *ret);

/* Pure: whether the bounding set may be too small for a helper that gains its privileges on exec.
 * What it needs depends on how it was built and installed, so only a try tells. */
bool probe_helper_is_doubtful(const struct caller *caller);

/* Pure: a state in words, such as "newuidmap (/usr/bin/newuidmap) is on a mount with nosuid"; and
 * what to do about it, or NULL if the helper is fine. */
const char *probe_helper_why(struct arena *arena, const char *name,
			     const struct probe_helper_result *result);
const char *probe_helper_advice(struct arena *arena, const struct probe_helper_result *result);

/* Explains why clone3() or unshare() refused CLONE_NEWUSER with error: reads the sysctls
 * (user.max_*_namespaces, kernel.unprivileged_userns_clone,
 * kernel.apparmor_restrict_unprivileged_userns) and fills err with the one responsible, and a hint.
 * Returns the negative code. */
int probe_userns_refused(int error, struct err *err);

/* Whether AppArmor gives new user namespaces no capabilities (Ubuntu 23.10 and later): the
 * namespace can be created, but then the kernel refuses its maps and mounts. Adds the hint. */
bool probe_apparmor_restricts(struct err *err);
