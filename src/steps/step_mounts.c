/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts below the rootfs, each by the first of its planned methods that the kernel takes. Targets are
 * resolved inside the root and used by descriptor; attributes are set on the detached mount, once. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/oci/mount_options.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int step_mounts_target(struct run *run, const struct mount_entry *m, bool want_dir, struct err *err)
{
	int fd;

	/* procfs and sysfs go on a real directory and nowhere else: an image's symbolic link would choose
	 * what stands for the kernel (CVE-2019-19921, CVE-2023-27561). */
	if (m->kind == MOUNT_PROC || m->kind == MOUNT_SYSFS) {
		fd = resolve_beneath(run->rootfs, m->target + 1, O_PATH | O_DIRECTORY);
		if (fd == -ENOENT)
			return resolve_mkdir(run->rootfs, m->target, err);
		if (fd < 0)
			return err_set(
				err, -fd,
				"config.json: mounts[%ld]: filesystem \"%s\" must be mounted on "
				"ordinary directory, which %s in the rootfs is not",
				m->config_index, m->fs, m->target);
		return fd;
	}
	fd = resolve_mount_point(run->rootfs, m->target, want_dir,
				 !(m->extensions & MOUNT_EXT_DEST_NOFOLLOW), err);
	return fd < 0 ? err_prefix(err, "config.json: mounts[%ld].destination", m->config_index)
		      : fd;
}

int step_mounts_attach(struct run *run, const struct mount_entry *m, int mount, struct err *err)
{
	_cleanup_close_ int target = -1;
	struct stat st;
	int r;

	if (fstat(mount, &st) < 0)
		return err_errno(err, errno, "look at the mount for %s", m->target);
	target = step_mounts_target(run, m, S_ISDIR(st.st_mode), err);
	if (target < 0)
		return target;
	r = mountfd_attach(mount, target);
	if (r < 0)
		return err_errno(err, -r, "config.json: mounts[%ld]: mount %s on %s",
				 m->config_index, m->source ? m->source : m->fs, m->target);
	if (m->propagation)
		r = mountfd_set_attr(mount, 0, 0, m->propagation & ~(unsigned long)MS_REC,
				     m->propagation & MS_REC);
	if (r < 0)
		return err_errno(err, -r, "config.json: mounts[%ld]: propagation of %s",
				 m->config_index, m->target);
	return 0;
}

/* The attributes of a tree that exists already. Flags of a mount that came from a more privileged
 * namespace are locked: the kernel refuses to clear them, even when they are not set at all. */
static int set_bind_attrs(struct run *run, const struct mount_entry *m, int mount, struct err *err)
{
	int r = mountfd_set_attr(mount, m->attr_set, m->attr_clear, 0, false);

	if (r == -EPERM && m->attr_clear) {
		r = mountfd_set_attr(mount, m->attr_set & ~(uint64_t)MOUNT_ATTR__ATIME, 0, 0,
				     false);
		if (r == 0)
			run_note(run,
				 "mounts[%ld] (%s): flags of the source that are locked by the "
				 "host are "
				 "kept",
				 m->config_index, m->target);
	}
	if (r == 0)
		r = mountfd_set_attr(mount, m->rattr_set, m->rattr_clear, 0, true);
	if (r < 0)
		return err_errno(err, -r, "config.json: mounts[%ld].options: set attributes of %s",
				 m->config_index, m->target);
	return 0;
}

static int do_bind(struct run *run, size_t i, struct err *err)
{
	const struct mount_entry *m = &run->plan->rootfs.mounts[i];
	_cleanup_close_ int mount = fd_take(&run->mounts[i]);
	int r;

	if (!m->propagation) { /* else the copy would stay a peer of the host's mount */
		r = mountfd_set_attr(mount, 0, 0, MS_PRIVATE, true);
		if (r < 0)
			return err_errno(err, -r, "config.json: mounts[%ld]: make %s private",
					 m->config_index, m->source);
	}
	r = set_bind_attrs(run, m, mount, err);
	return r < 0 ? r : step_mounts_attach(run, m, mount, err);
}

static int do_remount(struct run *run, size_t i, struct err *err)
{
	const struct mount_entry *m = &run->plan->rootfs.mounts[i];
	_cleanup_close_ int target = resolve_open(run->rootfs, m->target, O_PATH);

	if (target < 0)
		return err_errno(err, -target, "config.json: mounts[%ld]: remount %s",
				 m->config_index, m->target);
	return set_bind_attrs(run, m, target, err);
}

/* tmpfs without a mode of its own takes that of the directory it covers. */
static int set_tmpfs_mode(struct run *run, const struct mount_entry *m, int fs)
{
	_cleanup_close_ int covered = resolve_open(run->rootfs, m->target, O_PATH);
	struct stat st;
	char mode[16];

	for (size_t i = 0; i < m->n_super; i++)
		if (str_equal(m->super[i].key, "mode"))
			return 0;
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
	if (words[0])
		return err_set(err, error, "config.json: mounts[%ld]: mount %s on %s: %s",
			       m->config_index, m->fs, m->target,
			       words + (words[1] == ' ' ? 2 : 0));
	return err_errno(err, error, "config.json: mounts[%ld]: mount %s on %s%s%s",
			 m->config_index, m->fs, m->target, key ? ": option " : "", key ? key : "");
}

static int configure(struct run *run, const struct mount_entry *m, int fs, struct err *err)
{
	int r;

	if (m->source) {
		r = mountfd_fs_set(fs, "source", m->source);
		if (r < 0)
			return fs_failed(m, fs, -r, "source", err);
	}
	for (size_t i = 0; i < m->n_super; i++) {
		r = mountfd_fs_set(fs, m->super[i].key, m->super[i].value);
		if (r < 0)
			return fs_failed(m, fs, -r, m->super[i].key, err);
	}
	r = str_equal(m->fs, "tmpfs") ? set_tmpfs_mode(run, m, fs) : 0;
	if (r == 0)
		r = mountfd_fs_create(fs);
	return r < 0 ? fs_failed(m, fs, -r, NULL, err) : 0;
}

static int do_fsmount(struct run *run, size_t i, struct err *err)
{
	const struct mount_entry *m = &run->plan->rootfs.mounts[i];
	const char *type = m->kind == MOUNT_CGROUP ? "cgroup2" : m->fs;
	_cleanup_close_ int fs = mountfd_fs_open(type), mount = -1;
	int r;

	if (fs < 0) {
		(void)err_errno(err, -fs, "config.json: mounts[%ld].type: file system \"%s\"",
				m->config_index, type);
		if (fs == -ENODEV)
			err_hint(
				err,
				"the kernel does not know this file system: cat /proc/filesystems");
		return fs;
	}
	r = configure(run, m, fs, err);
	if (r < 0)
		return r;
	mount = mountfd_fs_mount(fs, m->attr_set);
	if (mount < 0)
		return fs_failed(m, fs, -mount, NULL, err);
	if (m->extensions & MOUNT_EXT_TMPCOPYUP)
		r = step_mounts_copyup(run, m, mount, err);
	if (r == 0)
		r = step_mounts_attach(run, m, mount, err);
	if (r == 0 && m->readonly_late)
		run->mounts[i] = fd_take(&mount);
	return r;
}

/* The host's own file system in place of a new one, which the kernel refuses here. */
static int do_host_bind(struct run *run, size_t i, struct err *err)
{
	const struct mount_entry *m = &run->plan->rootfs.mounts[i];
	const char *from = m->kind == MOUNT_PROC    ? "/proc"
			   : m->kind == MOUNT_SYSFS ? "/sys"
						    : "/dev/mqueue";
	_cleanup_close_ int mount = mountfd_clone(AT_FDCWD, from, true, true);
	int r = mount;

	if (r >= 0)
		r = mountfd_set_attr(mount, 0, 0, MS_PRIVATE, true);
	if (r == 0)
		r = mountfd_set_attr(mount, m->attr_set, 0, 0, true);
	if (r < 0)
		return err_errno(err, -r, "config.json: mounts[%ld]: bind the host's %s",
				 m->config_index, from);
	run_note(
		run,
		"mounts[%ld]: the host's %s is bound on %s: a new %s is refused by the kernel here",
		m->config_index, from, m->target, m->fs);
	return step_mounts_attach(run, m, mount, err);
}

static unsigned long classic_flags(uint64_t attrs)
{
	static const struct {
		uint64_t attr;
		unsigned long flag;
	} table[] = {
		{ MOUNT_ATTR_RDONLY, MS_RDONLY },         { MOUNT_ATTR_NOSUID, MS_NOSUID },
		{ MOUNT_ATTR_NODEV, MS_NODEV },           { MOUNT_ATTR_NOEXEC, MS_NOEXEC },
		{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME },
	};
	unsigned long flags = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (attrs & table[i].attr)
			flags |= table[i].flag;
	if ((attrs & MOUNT_ATTR__ATIME) == MOUNT_ATTR_NOATIME)
		flags |= MS_NOATIME;
	if ((attrs & MOUNT_ATTR__ATIME) == MOUNT_ATTR_STRICTATIME)
		flags |= MS_STRICTATIME;
	return flags;
}

/* mount(2), for file systems whose options are one string that the newer calls cannot pass. */
static int do_mount(struct run *run, size_t i, struct err *err)
{
	const struct mount_entry *m = &run->plan->rootfs.mounts[i];
	_cleanup_close_ int target = step_mounts_target(run, m, true, err);
	_cleanup_str_ struct str data = { 0 };
	struct fd_path path;

	if (target < 0)
		return target;
	for (size_t word = 0; word < m->n_super; word++)
		str_addf(&data, "%s%s%s%s", word ? "," : "", m->super[word].key,
			 m->super[word].value ? "=" : "",
			 m->super[word].value ? m->super[word].value : "");
	path = fd_path(target);
	if (mount(m->source, path.text, m->fs, classic_flags(m->attr_set), str_text(&data)) < 0)
		return err_errno(err, errno, "config.json: mounts[%ld]: mount %s on %s",
				 m->config_index, m->fs, m->target);
	return 0;
}

static int by_bind(struct run *run, size_t i, struct err *err)
{
	return run->plan->rootfs.mounts[i].kind == MOUNT_REMOUNT ? do_remount(run, i, err)
								 : do_bind(run, i, err);
}

static int (*const methods[])(struct run *run, size_t i, struct err *err) = {
	[MOUNT_BY_FSMOUNT] = do_fsmount,     [MOUNT_BY_BIND] = by_bind,
	[MOUNT_BY_HOST_BIND] = do_host_bind, [MOUNT_BY_CGROUP_BIND] = step_mounts_cgroups,
	[MOUNT_BY_MOUNT] = do_mount,
};

static bool another_may_help(int r)
{
	return r == -EPERM || r == -EBUSY || r == -EINVAL || r == -ENODEV || r == -EACCES;
}

static void hint_for_proc(const struct mount_entry *m, int r, struct err *err)
{
	if (m->kind == MOUNT_PROC && r == -EPERM)
		err_hint(err,
			 "an outer container masks parts of /proc: start that one with an unmasked "
			 "/proc, or share its pid namespace");
}

static int mount_one(struct run *run, size_t i, struct err *err)
{
	const struct mount_entry *m = &run->plan->rootfs.mounts[i];
	struct err later;
	int r = -EINVAL;

	for (size_t n = 0; n < m->n_methods; n++) {
		/* The first refusal is the one that tells; a last resort has less to say. */
		r = methods[m->methods[n]](run, i, n ? &later : err);
		if (r == 0)
			return 0;
		if (!another_may_help(r))
			break;
		log_debug("%s", n ? later.text : err->text);
	}
	hint_for_proc(m, -err->code, err);
	return -err->code;
}

static int attach_rootfs(struct run *run, struct err *err)
{
	_cleanup_close_ int target = open(run->plan->rootfs.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	/* Where the container's root may not pass, / serves as well: it is about to go. */
	if (target < 0)
		target = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return err_errno(err, errno, "find a place for the rootfs");
	r = mountfd_attach(run->rootfs, target);
	if (r < 0)
		return err_errno(err, -r, "mount the rootfs %s", run->plan->rootfs.path);
	return 0;
}

int step_mounts(struct run *run, struct err *err)
{
	int r;

	/* The caller's mounts stay slaves: what the host mounts arrives until the pivot, nothing of ours
	 * goes back. The trees of the bind mounts were taken before, so their peers are kept. */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_errno(err, errno, "make the mounts of the new namespace slaves");
	(void)umask(0); /* modes of what we make are as written; the container's comes at the end */
	r = attach_rootfs(run, err);
	for (size_t i = 0; r == 0 && i < run->plan->rootfs.n_mounts; i++)
		r = mount_one(run, i, err);
	return r;
}
