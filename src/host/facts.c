/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/facts.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/sys/dbus_kept.h"
#include "src/sys/privs.h"
#include "userns/idmap_write.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* For a caller that may map ids itself, or gets no user namespace. */
static const struct subid no_subid = { .missing = "not looked up" };

/* Tries the helpers on a user namespace created for that, with the maps that a container will
 * have. */
static void try_helpers(struct arena *arena, struct facts *facts)
{
	const struct caller *caller = &facts->caller;
	struct idmap_write write = { .writer = IDMAP_WRITER_HELPER,
				     .newuidmap = facts->newuidmap.path,
				     .newgidmap = facts->newgidmap.path };
	_cleanup_close_ int fd = -1;
	struct err err = { 0 };

	if (facts->newuidmap.state != PROBE_HELPER_OK ||
	    facts->newgidmap.state != PROBE_HELPER_OK || !facts->subuid.n || !facts->subgid.n)
		return;
	idmap_build_default(arena, caller->uid, facts->subuid.v, facts->subuid.n, &write.uid);
	idmap_build_default(arena, caller->gid, facts->subgid.v, facts->subgid.n, &write.gid);
	fd = idmap_write_fd(&write, &err);
	if (fd < 0)
		facts->newuidmap.state = facts->newgidmap.state = PROBE_HELPER_BOUNDED;
}

static int gather_userns(struct arena *arena, struct facts *facts, struct err *err)
{
	struct caller *caller = &facts->caller;
	int r = caller_gather_userns(arena, caller, err);

	if (r < 0 || caller_may_map(caller))
		return r;
	caller->name = caller_name_of(arena, caller->uid);
	subid_load(arena, caller->name, caller->uid, &facts->subuid, &facts->subgid);
	subid_keep_mapped(arena, &caller->uid_map, &facts->subuid);
	subid_keep_mapped(arena, &caller->gid_map, &facts->subgid);
	probe_helper_find(arena, "newuidmap", caller, &facts->newuidmap);
	probe_helper_find(arena, "newgidmap", caller, &facts->newgidmap);
	if (probe_helper_is_doubtful(caller))
		try_helpers(arena, facts);
	return 0;
}

/* Not from /sys/kernel/security, which is often missing in containers and on hardened hosts. */
const char *facts_lsm(void)
{
	char text[8];

	/* AppArmor first: if both are present, only one of them can be the one that labels. */
	if (io_read_small(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", text, sizeof(text)) >
		    0 &&
	    text[0] == 'Y')
		return "apparmor";
	return access("/sys/fs/selinux/enforce", F_OK) == 0 ? "selinux" : "";
}

static void gather_kernel(struct arena *arena, struct facts *facts)
{
	struct utsname name;

	facts->kernel_release = uname(&name) == 0 ? arena_strdup(arena, name.release) : "";
	facts->lsm = facts_lsm();
	if (!facts->caller.name)
		facts->caller.name = caller_name_of(arena, facts->caller.uid);
}

static int gather_limits(unsigned int parts, struct facts *facts, struct err *err)
{
	for (int resource = 0; resource < FACTS_N_LIMITS; resource++) {
		struct rlimit now;
		int r;

		if (!(parts & facts_limit(resource)))
			continue;
		r = privs_limit(0, resource, NULL, &now);
		if (r < 0)
			return err_errno(err, -r, "get resource limit %d", resource);
		facts->limits[resource] =
			(struct facts_rlimit){ .soft = now.rlim_cur, .hard = now.rlim_max };
	}
	return 0;
}

/* Whether a manager answers. The socket file proves little: a manager that has exited leaves it
 * behind, one that hangs still listens, and the kernel connects even callers whom the manager
 * rejects. */
static bool answers(struct arena *arena, const char *dir, const char **ret_why)
{
	const char *path = arena_strf(arena, "%s/systemd/private", dir);
	struct err err = { 0 };
	struct dbus bus;
	int r = dbus_kept_open(path, DBUS_CONNECT_MS, &bus, &err);

	if (r == 0)
		dbus_kept_keep(path, &bus);
	else if (r != -ENOENT && r != -ECONNREFUSED)
		*ret_why = arena_strdup(arena, err.text);
	return r == 0;
}

/* Asks the managers that could create a unit for the caller; a silent one costs DBUS_CONNECT_MS. */
static void gather_systemd(struct arena *arena, const struct facts *facts,
			   struct facts_systemd *ret)
{
	const struct caller *caller = &facts->caller;
	const char *dir = facts->runtime_dir, *usual = NULL;

	*ret = (struct facts_systemd){ 0 };
	if (caller->initial_userns && !caller->uid) { /* root's processes belong to the system's */
		ret->system = answers(arena, "/run", &ret->why);
		return;
	}
	if (!dir && caller->initial_userns)
		dir = arena_strf(arena, "/run/user/%u", caller->uid);
	if (dir && answers(arena, dir, &ret->why))
		ret->user_dir = dir;
	else if (!ret->why) /* a system manager that rejects users says nothing about their own */
		ret->system = answers(arena, "/run", &usual);
}

static void ask_for_delegation(struct facts *facts)
{
	struct facts_cgroup *cgroup = &facts->cgroup;

	if (facts->systemd.user_dir && cgroup->mode == FACTS_CGROUP_V2 && cgroup->own_writable &&
	    !cgroup->own_shared && !cgroup->own_delegated)
		cgroup->own_delegated =
			facts_unit_delegates(facts->systemd.user_dir, cgroup->v[0].own);
}

int facts_gather_more(struct arena *arena, unsigned int parts, struct facts *facts, struct err *err)
{
	int r = 0;

	parts &= ~facts->parts;
	if (parts & FACTS_USERNS)
		r = gather_userns(arena, facts, err);
	if (r == 0 && (parts & FACTS_CGROUP))
		r = facts_cgroup_gather(arena, &facts->caller, &facts->cgroup, err);
	if (r == 0 && (parts & FACTS_UNIFIED))
		facts_cgroup_add_unified(arena, &facts->cgroup);
	if (r == 0)
		r = gather_limits(parts, facts, err);
	if (r < 0)
		return r;
	if (parts & FACTS_SYSTEMD) {
		gather_systemd(arena, facts, &facts->systemd);
		ask_for_delegation(facts);
	}
	if (parts & FACTS_KERNEL)
		gather_kernel(arena, facts);
	facts->parts |= parts;
	return 0;
}

int facts_gather(struct arena *arena, unsigned int parts, struct facts *ret, struct err *err)
{
	struct facts facts = { .parts = FACTS_CALLER, .subuid = no_subid, .subgid = no_subid };
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	int r = caller_gather(arena, &facts.caller, err);

	if (runtime_dir && *runtime_dir)
		facts.runtime_dir = arena_strdup(arena, runtime_dir);
	if (r == 0)
		r = facts_gather_more(arena, parts, &facts, err);
	if (r == 0)
		*ret = facts;
	return r;
}
