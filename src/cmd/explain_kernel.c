/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what a config requires and this kernel lacks, or denies to the caller. */
#include "src/cmd/explain_missing.h"

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/host/node.h"
#include "src/oci/rdt.h"
#include "src/oci/sysctl.h"
#include "src/plan/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

struct look {
	struct arena *arena;
	const struct plan *plan;
	const struct explain_missing *out;
};

/* Lines "nodev<tab>NAME" or "<tab>NAME". */
static bool is_known(const char *list, const char *name)
{
	const char *line;
	size_t len;

	while (text_line(&list, &line, &len)) {
		const char *tab = memchr(line, '\t', len);

		if (tab && text_is(tab + 1, len - (size_t)(tab + 1 - line), name))
			return true;
	}
	return false;
}

/* The kernel loads it on demand. */
static bool is_module(const struct look *look, const char *name)
{
	struct utsname own;
	char *aliases;

	if (uname(&own) < 0 ||
	    text_read(look->arena,
		      arena_strf(look->arena, "/lib/modules/%s/modules.alias", own.release),
		      &aliases) < 0)
		return false;
	return strstr(aliases, arena_strf(look->arena, "alias fs-%s ", name));
}

static void look_at_types(const struct look *look)
{
	const struct rootfs_plan *rootfs = &look->plan->rootfs;
	char *list;

	if (text_read(look->arena, "/proc/filesystems", &list) < 0)
		return;
	for (size_t i = 0; i < rootfs->n_mounts; i++) {
		const struct mount_entry *m = &rootfs->mounts[i];
		const char *fs = m->kind == MOUNT_FS ? m->fs : NULL;

		if (fs) /* "fuse.sshfs" */
			fs = arena_strndup(look->arena, fs, strcspn(fs, "."));
		if (fs && !is_known(list, fs) && !is_module(look, fs))
			look->out->tell(
				look->out->data,
				arena_strf(look->arena, "mounts[%ld].type", m->config_index),
				arena_strf(look->arena, "file system type: the kernel has no %s",
					   fs));
	}
}

/* The sysctls of a network interface appear with it, in a new network namespace, too. */
static void look_at_sysctls(const struct look *look)
{
	for (size_t i = 0; i < look->plan->n_sysctl; i++) {
		const char *key = look->plan->sysctl[i].key;
		char path[SYSCTL_PATH_MAX];

		if (sysctl_path(key, path) < 0 || strstr(path, "/conf/") ||
		    strstr(path, "/neigh/") ||
		    access(arena_strf(look->arena, "/proc/sys/%s", path), F_OK) == 0 ||
		    errno != ENOENT)
			continue;
		look->out->tell(look->out->data,
				arena_strf(look->arena, "linux.sysctl[\"%s\"]", key),
				arena_strf(look->arena, "sysctl: the kernel has no %s", key));
	}
}

static void look_at_rdt(const struct look *look)
{
	if (look->plan->rdt.group && access(RDT_ROOT "/tasks", F_OK) < 0)
		look->out->tell(look->out->data, "linux.intelRdt", "no resctrl on " RDT_ROOT);
}

/* If nodes cannot be made, the host's are bound. */
static void look_at_devices(const struct look *look)
{
	const struct devices_plan *devices = &look->plan->devices;
	const struct oci_linux *lin = look->plan->config->linux_;

	for (size_t i = 0; devices->bind && i < devices->n; i++) {
		const struct device_plan *d = &devices->v[i];
		size_t k = 0;

		if (!d->from_config || S_ISFIFO(d->mode) ||
		    node_find(look->arena, d->path, d->mode, d->major, d->minor))
			continue;
		while (lin && k < lin->devices.n && !str_equal(lin->devices.v[k].path, d->path))
			k++;
		look->out->tell(look->out->data, arena_strf(look->arena, "linux.devices[%zu]", k),
				arena_strf(look->arena,
					   "device %s: the host has no device %u:%u to bind",
					   d->path, d->major, d->minor));
	}
}

/* The permissions of the deepest existing directory decide whether the others can be created. */
static bool look_at_cgroup(const struct look *look, const struct cgroup_dir *dir)
{
	const char *whole = arena_strf(look->arena, "%s%s", dir->mount, dir->path);
	char *path = arena_strdup(look->arena, whole), *slash;

	while (access(path, F_OK) < 0 && errno == ENOENT && (slash = strrchr(path, '/')) != path)
		*slash = '\0';
	if (str_equal(path, whole) || access(path, W_OK | X_OK) == 0 || errno == ENOENT)
		return false;
	look->out->tell(look->out->data, "linux.cgroupsPath",
			arena_strf(look->arena, "cgroup %s: the caller may not make it in %s",
				   whole, path));
	return true;
}

static void look_at_cgroups(const struct look *look)
{
	const struct cgroup_plan *cgroup = &look->plan->cgroup;
	const struct oci_linux *lin = look->plan->config->linux_;

	if (!lin || !lin->cgroups_path || cgroup->unit || !cgroup_place_is_group(&cgroup->place))
		return;
	for (size_t i = 0; i < cgroup->place.dirs.n; i++)
		if (look_at_cgroup(look, &cgroup->place.dirs.v[i]))
			return; /* one hierarchy stands for all */
}

void explain_kernel(struct arena *arena, const struct plan *plan, const struct explain_missing *out)
{
	const struct look look = { arena, plan, out };

	look_at_types(&look);
	look_at_sysctls(&look);
	look_at_rdt(&look);
	look_at_devices(&look);
	look_at_cgroups(&look);
}
