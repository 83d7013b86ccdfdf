/* SPDX-License-Identifier: Apache-2.0 */
/* What this host and this caller are like. Gathered once, only as far as a config needs it; const
 * afterwards. `usrun facts` prints them; `explain --facts FILE` and the tests load them. */
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
	FACTS_SYSTEMD = 1 << 4,     /* which manager answers: only for those who want one */
	FACTS_UNIFIED = 1 << 5,     /* hybrid: controllers of the v2 tree */
	FACTS_LIMITS = 0xffff << 8, /* all resource limits; for one, use facts_limit() */
	FACTS_ALL = FACTS_CALLER | FACTS_USERNS | FACTS_CGROUP | FACTS_KERNEL | FACTS_SYSTEMD |
		    FACTS_UNIFIED | FACTS_LIMITS,
};
enum { FACTS_N_LIMITS = 16 };

/* The part for one of the caller's limits, RLIMIT_*. */
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
				  * directory; "/" if the mount does not show it */
};

struct facts_cgroup {
	enum facts_cgroup_mode mode;
	struct facts_hierarchy *v; /* v2: one entry; v1: one per hierarchy; hybrid: v2 tree last */
	size_t n;
	const char *controllers; /* v2: words of the caller's cgroup.controllers; hybrid: those in
				  * the v2 tree (FACTS_UNIFIED) */
	bool own_writable;       /* the caller may create cgroups in its own one (delegated); v1: in
				  * every hierarchy with a controller */
	bool own_delegated;      /* v2: in a unit that systemd has marked as delegated; or, if the
				  * cgroup would be the caller's alone, in one that the user's
				  * systemd calls delegated */
	bool own_shared;      /* v2: other processes than usrun are in the caller's cgroup; checked
			       * where a user may write, and where it is delegated */
	bool parent_writable; /* v2: a user may create cgroups beside its own, and move processes
			       * there; checked if it cannot just use those below */
};

struct facts_rlimit {
	uint64_t soft, hard;
};

struct facts_systemd {
	bool system;          /* the system's manager answers, and accepts the caller */
	const char *user_dir; /* runtime directory of the user's manager if that answers, or NULL */
	const char *why;      /* a listener there that does not answer like a manager; or NULL */
};

struct facts {
	unsigned int parts; /* mask of the facts_part gathered */
	struct caller caller;
	struct subid subuid, subgid;
	struct probe_helper_result newuidmap, newgidmap;
	struct facts_cgroup cgroup;
	struct facts_systemd systemd;
	struct facts_rlimit limits[FACTS_N_LIMITS]; /* by RLIMIT_*, if in parts */
	const char *kernel_release;
	const char *lsm;         /* "apparmor", "selinux", or "" */
	const char *runtime_dir; /* $XDG_RUNTIME_DIR, NULL when unset or empty */
};

/* Gathers the given parts (and always FACTS_CALLER, with four system calls). Subordinate ids,
 * helpers and the name are looked up only for a caller that may not write maps itself; the name
 * also for documents (FACTS_KERNEL). */
int facts_gather(struct arena *arena, unsigned int parts, struct facts *ret,
		 struct err *err) MUST_CHECK;

/* Adds parts to facts already gathered, which are not looked up again. */
int facts_gather_more(struct arena *arena, unsigned int parts, struct facts *facts,
		      struct err *err) MUST_CHECK;

/* The security module that applies labels from a config, as the host's mount namespace shows it:
 * "apparmor", "selinux" or "". */
const char *facts_lsm(void);

/* Only the cgroup mode (one or two statfs calls), or -errno. */
int facts_cgroup_mode(void);

/* facts_cgroup.c: where the cgroups are, and the caller's place in them. */

/* Gathers this part. A machine without cgroups is no error: mode is FACTS_CGROUP_NONE. */
int facts_cgroup_gather(struct arena *arena, const struct caller *caller, struct facts_cgroup *ret,
			struct err *err) MUST_CHECK;

/* Adds FACTS_UNIFIED to this part. */
void facts_cgroup_add_unified(struct arena *arena, struct facts_cgroup *cgroup);

/* Pure: reads from /proc/self/cgroup and /proc/self/mountinfo the hierarchies that are mounted, and
 * not hidden by another mount. v1: those of version 1, then the v2 tree (hybrid); v2: that alone.
 * own is relative to the mount, so that mount + own is the caller's directory; "/" if the mount
 * does not show it. Fills only v and n. */
void facts_cgroup_parse(struct arena *arena, const char *cgroup, const char *mountinfo,
			struct facts_cgroup *ret);

/* facts_unit.c: whether the user's systemd has delegated the caller's own cgroup, as it does for
 * services with Delegate=. false also if nobody answers. */
bool facts_unit_delegates(const char *runtime_dir, const char *own) MUST_CHECK;

/* facts_json.c, facts_json_read.c: the facts document, usrun-facts(5). */

/* Writes everything that was gathered as one object. */
void facts_json_write(struct json_write *w, const struct facts *facts);

/* Reads a document written by facts_json_write(). */
int facts_json_read(struct arena *arena, const char *file, const char *text, size_t len,
		    struct facts *ret, struct err *err) MUST_CHECK;
