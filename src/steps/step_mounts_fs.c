/* SPDX-License-Identifier: Apache-2.0 */
/* New file systems, with fsopen() and related calls, or with mount(2) where the options are one
 * string. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/oci/mount_options.h"
#include "src/sys/later.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"
#include "src/sys/stage.h"

#include "userns/caller.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A tmpfs without a mode option takes the mode of the directory that it covers. */
static int set_tmpfs_mode(struct start *start, const struct mount_entry *m, int fs)
{
	_cleanup_later_ int covered = -1;
	struct stat st;
	char mode[16];

	for (size_t i = 0; i < m->n_super; i++)
		if (str_equal(m->super[i].key, "mode"))
			return 0;
	covered = resolve_open(start->rootfs, m->target, O_PATH);
	if (covered < 0 || fstat(covered, &st) < 0)
		return 0;
	(void)snprintf(mode, sizeof(mode), "%o", st.st_mode & 07777);
	return mountfd_fs_set(fs, "mode", mode);
}

static int fs_failed(const struct mount_entry *m, int fs, int error, const char *key,
		     struct err *err)
{
	char words[256];

	mountfd_fs_message(fs, words, sizeof(words));
	words[strcspn(words, "\n")] = '\0';
	if (words[0])
		return err_set(err, error, ERR_AT "mounts[%ld]: mount %s on %s: %s",
			       m->config_index, m->fs, m->target,
			       words + (words[1] == ' ' ? 2 : 0));
	return err_errno(err, error, ERR_AT "mounts[%ld]: mount %s on %s%s%s", m->config_index,
			 m->fs, m->target, key ? ": option " : "", key ? key : "");
}

/* Drops what plan/plan_mount_options.c drops: a joined user namespace shows its ids only inside. */
static bool has_unmapped_owner(struct start *start, const struct mount_entry *m,
			       const struct mount_super *option)
{
	bool uid = str_equal(option->key, "uid"), gid = str_equal(option->key, "gid");
	const char *path = uid ? "/proc/self/uid_map" : "/proc/self/gid_map";
	struct err ignored;
	struct idmap map;
	uint32_t id;

	if (!(start->plan->flags & PLAN_USERNS_JOIN) || (!uid && !gid) || !option->value ||
	    parse_u32(option->value, &id) < 0 ||
	    caller_read_map(start->arena, path, &map, &ignored) < 0 || idmap_to_host(&map, id) >= 0)
		return false;
	start_note(start, "mounts[%ld] (%s): \"%s=%s\" is dropped: the container has no such id",
		   m->config_index, m->target, option->key, option->value);
	return true;
}

static int set_all(struct start *start, const struct mount_entry *m, int fs,
		   const struct mount_super *v, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = has_unmapped_owner(start, m, &v[i])
				? 0
				: mountfd_fs_set(fs, v[i].key, v[i].value);

		if (r < 0)
			return fs_failed(m, fs, -r, v[i].key, err);
	}
	return 0;
}

static int configure(struct start *start, const struct mount_entry *m, int fs, struct err *err)
{
	const struct mount_super source = { "source", m->source };
	int r = set_all(start, m, fs, &source, m->source ? 1 : 0, err);

	if (r == 0)
		r = set_all(start, m, fs, m->super, m->n_super, err);
	if (r < 0)
		return r;
	r = str_equal(m->fs, "tmpfs") ? set_tmpfs_mode(start, m, fs) : 0;
	return r < 0 ? fs_failed(m, fs, -r, "mode", err) : 0;
}

static int open_fs(const struct mount_entry *m, const char *type, struct err *err)
{
	int fs = mountfd_fs_open(type);

	if (fs >= 0)
		return fs;
	(void)err_errno(err, -fs, ERR_AT "mounts[%ld].type: file system \"%s\"", m->config_index,
			type);
	if (fs == -ENODEV)
		err_hint(err, "the kernel does not know this file system: cat /proc/filesystems");
	return fs;
}

/* A process in the joined pid namespace that traced the one asking there may have sent something
 * else in its name. */
static int check_proc(const struct start *start, int mount, struct err *err)
{
	struct statfs fs;

	if (fstatfs(mount, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		return 0;
	return err_set(err, EPERM,
		       ERR_AT "linux.namespaces: ask for a procfs of the joined pid namespace %s: "
			      "the reply is not a procfs",
		       start->plan->ns.v[PLAN_NS_PID].path);
}

int step_mounts_new_fs(struct start *start, const struct mount_entry *m,
		       const struct mount_super *more, size_t n, struct err *err)
{
	const char *type = m->kind == MOUNT_CGROUP ? "cgroup2" : m->fs;
	bool others = m->kind == MOUNT_PROC && (start->plan->flags & PLAN_PIDNS_JOIN);
	_cleanup_later_ int fs = others ? step_pidns_proc(start, err) : open_fs(m, type, err);
	_cleanup_later_ int mount = -1;
	int r = fs;

	if (r >= 0)
		r = configure(start, m, fs, err);
	if (r >= 0)
		r = set_all(start, m, fs, more, n, err);
	if (r < 0)
		return r;
	r = mountfd_fs_create(fs);
	if (r == 0)
		r = mount = mountfd_fs_mount(fs, m->attr_set);
	if (r < 0)
		return fs_failed(m, fs, -r, NULL, err);
	r = others ? check_proc(start, mount, err) : 0;
	return r < 0 ? r : fd_take(&mount);
}

static void label_root(struct start *start, const struct mount_entry *m, int mount)
{
	if (m->label && setxattr(fd_path(mount).text, "security.selinux", m->label,
				 strlen(m->label) + 1, 0) < 0)
		start_note(start, "mounts[%ld] (%s): linux.mountLabel cannot be set: %s",
			   m->config_index, m->target, err_why(errno));
}

int step_mounts_fsmount(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	/* A /dev with nodes was made before the clone. */
	_cleanup_later_ int mount = start->mounts[i] >= 0
					    ? fd_take(&start->mounts[i])
					    : step_mounts_new_fs(start, m, NULL, 0, err);
	int r = mount < 0 ? mount : 0;

	if (r < 0)
		return r;
	label_root(start, m, mount);
	if (m->extensions & MOUNT_EXT_TMPCOPYUP)
		r = step_mounts_copyup(start, m, mount, err);
	if (r == 0 && m->idmap)
		r = step_mounts_map_ids(start, m, mount, err);
	if (r == 0)
		r = step_mounts_attach(start, m, mount, err);
	if (r == 0 && (m->readonly_late || step_mounts_is_new(m)))
		start->mounts[i] = fd_take(&mount);
	return r;
}

/* Superblock flags are not part of mount(2)'s data. */
static int classic_data(struct start *start, const struct mount_entry *m, struct str *data,
			unsigned long *flags, struct err *err)
{
	long page = sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < m->n_super; i++) {
		unsigned long flag = m->super[i].value ? 0 : stage_super_flag(m->super[i].key);

		*flags |= flag;
		if (!flag && !has_unmapped_owner(start, m, &m->super[i]))
			(void)stage_option(data, m->super[i].key, m->super[i].value);
	}
	if (data->len < (size_t)page)
		return 0;
	return err_set(err, E2BIG,
		       ERR_AT "mounts[%ld].options: %zu characters of options for %s, but "
			      "mount(2) takes less than a page (%ld)",
		       m->config_index, data->len, m->fs, page);
}

int step_mounts_classic(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	_cleanup_later_ int target = step_mounts_target(start, m, true, err), made = -1;
	unsigned long flags = mountfd_classic_flags(m->attr_set);
	_cleanup_str_ struct str data = { 0 };
	struct fd_path path;
	int r = target < 0 ? target : classic_data(start, m, &data, &flags, err);

	if (r < 0)
		return r;
	path = fd_path(target);
	if (mount(m->source, path.text, m->fs, flags, str_text(&data)) < 0)
		return err_errno(err, errno, ERR_AT "mounts[%ld]: mount %s on %s", m->config_index,
				 m->fs, m->target);
	if (!m->propagation && !step_mounts_is_new(m))
		return 0;
	made = resolve_open(start->rootfs, m->target, O_PATH);
	if (made >= 0 && step_mounts_is_new(m))
		start->mounts[i] = fcntl(made, F_DUPFD_CLOEXEC, 3);
	if (!m->propagation)
		return 0;
	r = made < 0 ? made : step_mounts_propagate(m, made);
	return r < 0 ? err_errno(err, -r, ERR_AT "mounts[%ld]: propagation of %s", m->config_index,
				 m->target)
		     : 0;
}

/* A mount of type cgroup that is not simply a new cgroup2: the host's v2 tree, bind-mounted, or, on
 * v1 and hybrid hosts, a tmpfs with one mount per hierarchy, as programs in containers expect. */

static int failed(const struct mount_entry *m, int error, const char *what, struct err *err)
{
	return err_errno(err, error, ERR_AT "mounts[%ld]: mount cgroup %s on %s", m->config_index,
			 what, m->target);
}

/* Mounts the hierarchy from within the container's cgroup namespace, which shows only the
 * container's part. */
static int mount_hierarchy(const struct facts_hierarchy *h, uint64_t attrs)
{
	bool v2 = !*h->controllers, named = str_starts(h->controllers, "name=");
	_cleanup_later_ int fs = mountfd_fs_open(v2 ? "cgroup2" : "cgroup");
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
	return r < 0 ? r : mountfd_fs_mount(fs, attrs);
}

/* Without a cgroup namespace: binds the container's own directory of the hierarchy. */
static int bind_hierarchy(struct start *start, const struct facts_hierarchy *h)
{
	const char *path = h->own;

	for (size_t i = 0; i < start->cgroup_place.dirs.n; i++)
		if (str_equal(start->cgroup_place.dirs.v[i].mount, h->mount))
			path = start->cgroup_place.dirs.v[i].path;
	return mountfd_clone(AT_FDCWD, arena_strf(start->arena, "%s%s", h->mount, path), false,
			     false);
}

static int bind_own(struct start *start, const struct mount_entry *m,
		    const struct facts_hierarchy *h)
{
	_cleanup_later_ int mount = bind_hierarchy(start, h);
	int r = mount < 0 ? mount : mountfd_set_attr(mount, m->attr_set, 0, MS_PRIVATE, false);

	return r < 0 ? r : fd_take(&mount);
}

static int add_hierarchy(struct start *start, const struct mount_entry *m, int dir,
			 const struct facts_hierarchy *h, struct err *err)
{
	const char *name = path_base(h->mount);
	_cleanup_later_ int mount = -1;
	bool there;
	int r;

	if (start->plan->flags & PLAN_CGROUPNS)
		mount = mount_hierarchy(h, m->attr_set);
	if (mount < 0)
		mount = bind_own(start, m, h);
	if (mount < 0)
		return failed(m, -mount, name, err);
	if (mkdirat(dir, name, 0755) < 0)
		return failed(m, errno, name, err);
	r = mountfd_attach_at(mount, dir, name, &there);
	return r < 0 ? failed(m, -r, name, err) : 0;
}

/* "cpu,cpuacct" is also available as cpu and as cpuacct. */
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
	_cleanup_later_ int fs = mountfd_fs_open("tmpfs"), mount = -1;
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
	_cleanup_later_ int base = mount_base(start, m, err);
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
	_cleanup_later_ int mount = -1;
	int r;

	if (cgroup->mode == FACTS_CGROUP_V1 || cgroup->mode == FACTS_CGROUP_HYBRID)
		return mount_v1(start, m, err);
	if (cgroup->mode == FACTS_CGROUP_NONE) {
		start_note(
			start,
			"mounts[%ld]: no cgroup file system on the host: nothing is mounted on %s",
			m->config_index, m->target);
		return 0;
	}
	/* In a cgroup namespace, a newly mounted file system would show no more. */
	r = mount = start->plan->flags & PLAN_CGROUPNS
			    ? bind_hierarchy(start, &cgroup->v[0])
			    : mountfd_clone(AT_FDCWD, cgroup->v[0].mount, true, false);
	if (r >= 0)
		r = mountfd_set_attr(mount, m->attr_set, 0, 0, true);
	if (r == 0)
		r = mountfd_set_attr(mount, 0, 0, MS_PRIVATE, true);
	return r < 0 ? failed(m, -r, "(bind)", err) : step_mounts_attach(start, m, mount, err);
}
