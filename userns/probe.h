/* SPDX-License-Identifier: Apache-2.0 */
/* Why this host, or this caller, may not have user namespaces or id ranges; and what to do. */
#pragma once

#include "userns/caller.h"

/* State of newuidmap or newgidmap. */
enum probe_helper {
	PROBE_HELPER_UNKNOWN, /* not looked up: the caller needs none */
	PROBE_HELPER_OK,
	PROBE_HELPER_MISSING,
	PROBE_HELPER_NOT_PRIVILEGED, /* neither setuid root nor cap_setuid, cap_setgid */
	PROBE_HELPER_NOSUID,         /* on a nosuid mount */
	PROBE_HELPER_NO_NEW_PRIVS,   /* the caller has no_new_privs */
	PROBE_HELPER_BOUNDED,        /* the caller's bounding set lacks what it needs */
	PROBE_HELPER_NOT_EXECUTABLE, /* for the caller: mode 4750 and another group */
};

struct probe_helper_result {
	enum probe_helper state;
	const char *path; /* arena; where it is, or NULL when missing or not looked up */
};

/* Looks the helper up: only in fixed system directories, never in $PATH (whoever may set the
 * environment of a privileged usrun must not choose the program it starts). */
void probe_helper_find(struct arena *arena, const char *name, const struct caller *caller,
		       struct probe_helper_result *ret);

/* Pure: whether the bounding set may leave too little to a helper that gains its rights when it is
 * executed. How much it needs is up to how it was built and installed: only a try tells. */
bool probe_helper_is_doubtful(const struct caller *caller);

/* Pure: "newuidmap (/usr/bin/newuidmap) is on a mount with nosuid", for reports; and what to do
 * about it, or NULL where the helper is well. */
const char *probe_helper_why(struct arena *arena, const char *name,
			     const struct probe_helper_result *result);
const char *probe_helper_advice(struct arena *arena, const struct probe_helper_result *result);

/* After clone3() or unshare() refused CLONE_NEWUSER with error: reads the sysctls
 * (user.max_*_namespaces, kernel.unprivileged_userns_clone,
 * kernel.apparmor_restrict_unprivileged_userns) and fills err with the one that did it and a hint.
 * Returns the negative code. */
int probe_userns_refused(int error, struct err *err);

/* Whether AppArmor leaves new user namespaces without rights (Ubuntu 23.10 and later): the
 * namespace comes into being, and then the kernel refuses its maps and mounts. Adds the hint. */
bool probe_apparmor_restricts(struct err *err);
