/* SPDX-License-Identifier: Apache-2.0 */
/* What this host and this caller are. Gathered once, only as far as a config needs it; const
 * afterwards. `usrun facts` prints them, `explain --facts FILE` and the tests load them. */
#pragma once

#include "src/base/json_write.h"
#include "userns/caller.h"
#include "userns/probe.h"
#include "userns/subid.h"

enum facts_part {
	FACTS_CALLER = 1 << 0, /* always */
	FACTS_USERNS = 1 << 1, /* maps, groups, subordinate ids, helpers */
	FACTS_CGROUP = 1 << 2,
	FACTS_KERNEL = 1 << 3,      /* release, LSMs: only for documents */
	FACTS_SYSTEMD = 1 << 4,     /* which manager answers: asked only by who wants one */
	FACTS_UNIFIED = 1 << 5,     /* hybrid: the controllers of the v2 tree */
	FACTS_LIMITS = 0xffff << 8, /* all resource limits; one: facts_limit() */
	FACTS_ALL = FACTS_CALLER | FACTS_USERNS | FACTS_CGROUP | FACTS_KERNEL | FACTS_SYSTEMD |
		    FACTS_UNIFIED | FACTS_LIMITS,
};
enum { FACTS_N_LIMITS = 16 };

/* The part for one limit of the caller, RLIMIT_*. */
static inline unsigned int facts_limit(int resource)
{
	return 1u << (8 + resource);
}

enum facts_cgroup_mode {
	FACTS_CGROUP_NONE,   /* nothing usable is mounted */
	FACTS_CGROUP_V2,     /* /sys/fs/cgroup is cgroup2 */
	FACTS_CGROUP_V1,     /* hierarchies below a tmpfs */
	FACTS_CGROUP_HYBRID, /* v1 hierarchies, and a v2 tree at .../unified */
};

struct facts_hierarchy {
	const char *controllers; /* "cpu,cpuacct", "name=systemd"; "" for v2 */
	const char *mount;       /* "/sys/fs/cgroup/memory" */
	const char *own;         /* the caller's cgroup in it, "/user.slice/…": mount + own is its
				  * directory; "/" where the mount does not show it */
};

struct facts_cgroup {
	enum facts_cgroup_mode mode;
	struct facts_hierarchy *v; /* v2: one entry; v1: one each; hybrid: v2 tree last */
	size_t n;
	const char *controllers; /* v2: words of cgroup.controllers of the own cgroup; hybrid: of
				  * that in the v2 tree (FACTS_UNIFIED) */
	bool own_writable;       /* the caller may make groups in its own cgroup (delegated); v1: in
				  * that of every hierarchy that has a controller */
	bool own_delegated;      /* v2: a unit that systemd has marked as delegated; or, where it
				  * would be the caller's alone, of which the user's says so */
	bool own_shared;      /* v2: others than usrun are in the own cgroup; asked where a user may
				  * write, and where it is delegated */
	bool parent_writable; /* v2: a user may make groups beside its own, and move processes
				  * there; asked where it cannot go below alone */
};

struct facts_rlimit {
	uint64_t soft, hard;
};

struct facts_systemd {
	bool system;          /* the system's manager answers, and lets the caller in */
	const char *user_dir; /* runtime directory in which the user's manager answers, or NULL */
	const char *why;      /* a listener there that does not answer as a manager; or NULL */
};

struct facts {
	unsigned int parts; /* mask of facts_part that was gathered */
	struct caller caller;
	struct subid subuid, subgid;
	struct probe_helper_result newuidmap, newgidmap;
	struct facts_cgroup cgroup;
	struct facts_systemd systemd;
	struct facts_rlimit limits[FACTS_N_LIMITS]; /* by RLIMIT_*, where parts has it */
	const char *kernel_release;
	const char *lsm;         /* "apparmor", "selinux", or "" */
	const char *runtime_dir; /* $XDG_RUNTIME_DIR, NULL when unset or empty */
};

/* parts: what is needed (FACTS_CALLER is always gathered, by four system calls). Subordinate ids,
 * helpers and the name are looked up only for a caller that may not write maps itself; the name
 * also for documents (FACTS_KERNEL). */
int facts_gather(struct arena *arena, unsigned int parts, struct facts *ret,
		 struct err *err) MUST_CHECK;

/* Adds parts to facts already gathered; existing ones are not looked up again. */
int facts_gather_more(struct arena *arena, unsigned int parts, struct facts *facts,
		      struct err *err) MUST_CHECK;

/* The security module that takes labels from a config, asked in the host's mount namespace:
 * "apparmor", "selinux" or "". */
const char *facts_lsm(void);

/* Only the cgroup mode, for commands that need nothing else (one statfs or two). */
enum facts_cgroup_mode facts_cgroup_mode(void);

/* facts_cgroup.c: where the control groups are, and where the caller is in them. */

/* Fills the part. A machine without control groups is no error: mode is FACTS_CGROUP_NONE. */
int facts_cgroup_gather(struct arena *arena, const struct caller *caller, struct facts_cgroup *ret,
			struct err *err) MUST_CHECK;

/* Adds FACTS_UNIFIED to it. */
void facts_cgroup_add_unified(struct arena *arena, struct facts_cgroup *cgroup);

/* Pure: the hierarchies out of the texts of /proc/self/cgroup and /proc/self/mountinfo that are
 * mounted and not hidden by another mount. v1: those of version 1, the v2 tree last (hybrid); v2:
 * that alone. own is relative to the mount, so that mount + own is the caller's directory; "/"
 * where the mount does not show it. Fills v and n only. */
void facts_cgroup_parse(struct arena *arena, const char *cgroup, const char *mountinfo,
			struct facts_cgroup *ret);

/* facts_unit.c: whether the user's systemd has delegated the caller's own cgroup, as it does a
 * service's. false also if nobody answers. */
bool facts_unit_delegates(const char *runtime_dir, const char *own) MUST_CHECK;

/* facts_json.c, facts_json_read.c: the facts document, usrun-facts(5). */

/* Writes everything gathered as one object. */
void facts_json_write(struct json_write *w, const struct facts *facts);

/* Reads a document written by facts_json_write(). */
int facts_json_read(struct arena *arena, const char *file, const char *text, size_t len,
		    struct facts *ret, struct err *err) MUST_CHECK;
