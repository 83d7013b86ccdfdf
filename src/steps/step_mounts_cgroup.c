/* SPDX-License-Identifier: Apache-2.0 */
/* A mount of type cgroup without a plain cgroup2 file system behind it: the host's v2 tree bound, or, on
 * v1 and hybrid hosts, a tmpfs with one mount for each hierarchy, as programs in containers expect. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const struct mount_entry *m, int error, const char *what, struct err *err)
{
	return err_errno(err, error, ERR_AT "mounts[%ld]: mount cgroup %s on %s", m->config_index,
			 what, m->target);
}

/* The hierarchy as seen from the container's cgroup namespace: a new mount of it shows only that part. */
static int mount_hierarchy(const struct facts_hierarchy *h)
{
	bool v2 = !*h->controllers, named = str_starts(h->controllers, "name=");
	_cleanup_close_ int fs = mountfd_fs_open(v2 ? "cgroup2" : "cgroup");
	char words[256];
	int r = fs < 0 ? fs : mountfd_fs_set(fs, "source", "cgroup");

	if (r >= 0 && named) {
		r = mountfd_fs_set(fs, "none", NULL);
		if (r == 0)
			r = mountfd_fs_set(fs, "name", h->controllers + strlen("name="));
	} else if (r >= 0 && !v2) {
		(void)strncpy(words, h->controllers, sizeof(words) - 1);
		words[sizeof(words) - 1] = '\0';
		for (char *save = NULL, *word = strtok_r(words, ",", &save); r == 0 && word;
		     word = strtok_r(NULL, ",", &save))
			r = mountfd_fs_set(fs, word, NULL);
	}
	if (r == 0)
		r = mountfd_fs_create(fs);
	return r < 0 ? r : mountfd_fs_mount(fs, 0);
}

/* Without a cgroup namespace: the container's own directory of the hierarchy. */
static int bind_hierarchy(struct start *start, const struct facts_hierarchy *h)
{
	const char *path = h->own;

	for (size_t i = 0; i < start->cgroup_place.dirs.n; i++)
		if (str_equal(start->cgroup_place.dirs.v[i].mount, h->mount))
			path = start->cgroup_place.dirs.v[i].path;
	return mountfd_clone(AT_FDCWD, arena_strf(start->arena, "%s%s", h->mount, path), false,
			     false);
}

static int add_hierarchy(struct start *start, const struct mount_entry *m, int dir,
			 const struct facts_hierarchy *h, struct err *err)
{
	const char *name = path_base(h->mount);
	_cleanup_close_ int mount = -1, target = -1;
	int r;

	mount = start->plan->flags & PLAN_CGROUPNS ? mount_hierarchy(h) : bind_hierarchy(start, h);
	if (mount < 0 && (start->plan->flags & PLAN_CGROUPNS))
		mount = bind_hierarchy(start, h);
	if (mount < 0)
		return failed(m, -mount, name, err);
	if (mkdirat(dir, name, 0755) < 0)
		return failed(m, errno, name, err);
	target = resolve_beneath(dir, name, O_PATH | O_DIRECTORY);
	if (target < 0)
		return failed(m, -target, name, err);
	r = mountfd_set_attr(mount, m->attr_set, 0, MS_PRIVATE, false);
	if (r == 0)
		r = mountfd_attach(mount, target);
	return r < 0 ? failed(m, -r, name, err) : 0;
}

/* "cpu,cpuacct" is reached as cpu and as cpuacct too. */
static int add_links(int dir, const struct facts_hierarchy *h)
{
	const char *name = path_base(h->mount);
	char words[256];

	if (!strchr(name, ','))
		return 0;
	(void)strncpy(words, name, sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	for (char *save = NULL, *word = strtok_r(words, ",", &save); word;
	     word = strtok_r(NULL, ",", &save))
		if (symlinkat(name, dir, word) < 0 && errno != EEXIST)
			return -errno;
	return 0;
}

static int mount_base(struct start *start, const struct mount_entry *m, struct err *err)
{
	_cleanup_close_ int fs = mountfd_fs_open("tmpfs"), mount = -1;
	int r = fs < 0 ? fs : mountfd_fs_set(fs, "mode", "755");

	if (r == 0)
		r = mountfd_fs_create(fs);
	if (r == 0)
		r = mount = mountfd_fs_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
							 MOUNT_ATTR_NOEXEC);
	if (r < 0)
		return failed(m, -r, "(tmpfs)", err);
	r = step_mounts_attach(start, m, mount, err);
	return r < 0 ? r : fd_take(&mount);
}

static int mount_v1(struct start *start, const struct mount_entry *m, struct err *err)
{
	const struct facts_cgroup *cgroup = &start->plan->facts->cgroup;
	_cleanup_close_ int base = mount_base(start, m, err);
	int r = base;

	for (size_t i = 0; r >= 0 && i < cgroup->n; i++) {
		r = add_hierarchy(start, m, base, &cgroup->v[i], err);
		if (r == 0)
			r = add_links(base, &cgroup->v[i]);
	}
	if (r >= 0 && (m->attr_set & MOUNT_ATTR_RDONLY))
		r = mountfd_set_attr(base, MOUNT_ATTR_RDONLY, 0, 0, false);
	return r < 0 ? (err->code ? r : failed(m, -r, "", err)) : 0;
}

int step_mounts_cgroups(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	const struct facts_cgroup *cgroup = &start->plan->facts->cgroup;
	_cleanup_close_ int mount = -1;
	int r;

	if (cgroup->mode == FACTS_CGROUP_V1 || cgroup->mode == FACTS_CGROUP_HYBRID)
		return mount_v1(start, m, err);
	if (cgroup->mode == FACTS_CGROUP_NONE) {
		start_note(start,
			   "mounts[%ld]: no cgroup file system on the host: %s stays as it is",
			   m->config_index, m->target);
		return 0;
	}
	r = mount = mountfd_clone(AT_FDCWD, cgroup->v[0].mount, true, false);
	if (r >= 0)
		r = mountfd_set_attr(mount, m->attr_set, 0, 0, true);
	if (r == 0)
		r = mountfd_set_attr(mount, 0, 0, MS_PRIVATE, true);
	return r < 0 ? failed(m, -r, "(bind)", err) : step_mounts_attach(start, m, mount, err);
}
