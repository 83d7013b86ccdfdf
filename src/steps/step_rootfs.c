/* SPDX-License-Identifier: Apache-2.0 */
/* The rootfs: its tree is opened, filled by step_mounts.c, and made the root. */
#include "src/steps/step_mounts.h"
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/host/mountinfo.h"
#include "src/sys/later.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sends the parent its own descriptor of the tree: the two processes share none. */
int step_rootfs_show(struct start *start, struct err *err)
{
	start->rootfs_shown = fcntl(start->rootfs, F_DUPFD_CLOEXEC, 3);
	return start->rootfs_shown < 0 ? err_errno(err, errno, "keep the tree of the rootfs") : 0;
}

int step_rootfs_record(struct start *start, struct err *err)
{
	struct state_mount *mount = &start->state->mount;
	int joined = start->ns_fds[PLAN_NS_MOUNT];
	struct mountfd_ids ids = { 0 };
	struct stat ns;
	int r = mountfd_ids(start->rootfs_shown, &ids);

	fd_closep(&start->rootfs_shown);
	if (r < 0)
		return err_errno(err, -r, "get the mount id of the rootfs");
	if ((joined < 0 ? stat("/proc/self/ns/mnt", &ns) : fstat(joined, &ns)) < 0)
		return err_errno(err, errno, "stat the mount namespace");
	*mount = (struct state_mount){ .id = { true, ids.id },
				       .unique = { ids.unique != 0, ids.unique },
				       .ns = { true, ns.st_ino },
				       .ns_path = start->plan->ns.v[PLAN_NS_MOUNT].path };
	return store_write(start->state_dir, start->state, err);
}

static int enter(struct start *start, struct err *err)
{
	if (fchdir(start->rootfs) < 0)
		return err_errno(err, errno, "enter the rootfs %s", start->plan->rootfs.path);
	return 0;
}

/* Mounts inherited from an outer user namespace are locked, so they are covered. */
static int hide(const char *target, struct err *err)
{
	if (umount2(target, MNT_DETACH) == 0 || errno == ENOENT)
		return 0;
	if (mount("none", target, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return err_errno(err, errno, "hide the host's %s (--no-pivot)", target);
	return 0;
}

/* pivot_root removes the host's mounts; without it they stay below the root. As long as a complete
 * procfs or sysfs is among them, a process in a new user namespace may mount another one, without
 * our masks. */
static int hide_kernel_views(struct start *start, struct err *err)
{
	struct mountinfo_line mount;
	const char *next;
	char rootfs[PATH_MAX], *text;
	int r = mountinfo_read(start->arena, &text, err);

	if (r < 0)
		return r;
	if (!getcwd(rootfs, sizeof(rootfs)))
		return err_errno(err, errno, "find the path of the rootfs");
	for (next = text; r == 0 && mountinfo_next(&next, &mount);) {
		const char *target = mountinfo_text(start->arena, mount.target);

		if ((mountinfo_is(mount.type, "proc") || mountinfo_is(mount.type, "sysfs")) &&
		    mountinfo_is(mount.root, "/") && !path_is_below(target, rootfs))
			r = hide(target, err);
	}
	return r;
}

static int move_root(struct start *start, struct err *err)
{
	int r = hide_kernel_views(start, err);

	if (r < 0)
		return r;
	r = mountfd_move_cwd_to_root();
	if (r < 0)
		return err_errno(err, -r, "move the rootfs to / (--no-pivot)");
	return chroot(".") < 0 ? err_errno(err, errno, "chroot") : 0;
}

static int change_root(struct start *start, struct err *err)
{
	int r;

	if (!(start->plan->flags & PLAN_MNTNS_NEW))
		return chroot(".") < 0 ? err_errno(err, errno, "chroot") : 0;
	if (start->plan->rootfs.no_pivot)
		return move_root(start, err);
	r = mountfd_pivot_to_cwd();
	if (r < 0) {
		(void)err_errno(err, -r, "pivot_root to %s", start->plan->rootfs.path);
		if (r == -EINVAL)
			err_hint(err, "if / is an initial ramdisk, try --no-pivot");
		return r;
	}
	/* The old root is now stacked on the new one: one call detaches the whole tree. */
	if (umount2(".", MNT_DETACH) < 0)
		return err_errno(err, errno, "detach the old root");
	return 0;
}

int step_pivot_root(struct start *start, struct err *err)
{
	int r = enter(start, err);

	if (r == 0)
		r = change_root(start, err);
	if (r < 0)
		return r;
	if (chdir("/") < 0)
		return err_errno(err, errno, "enter the new root");
	return 0;
}

/* Finishes the mounts that stayed writable for the mount points inside them. */
static int finish_mounts(struct start *start, struct err *err)
{
	for (size_t i = 0; i < start->plan->rootfs.n_mounts; i++) {
		const struct mount_entry *m = &start->plan->rootfs.mounts[i];
		int r = 0;

		if (m->readonly_late && start->mounts[i] >= 0)
			r = mountfd_set_attr(start->mounts[i], MOUNT_ATTR_RDONLY, 0, 0, false);
		if (r < 0)
			return err_errno(err, -r, ERR_AT "mounts[%ld]: make %s read-only",
					 m->config_index, m->target);
		later_closep(&start->mounts[i]);
	}
	return 0;
}

/* Creates a missing working directory where that changes nothing on the host (elsewhere step_cwd()
 * may do it), and never where a link in the image leads. */
static void make_cwd(struct start *start)
{
	const char *missing;
	int fd;

	if (!start->plan->process.args || str_equal(start->plan->process.cwd, "/"))
		return;
	fd = resolve_deepest(start->rootfs, start->plan->process.cwd, &missing);
	if (fd >= 0 && *missing && step_mounts_is_own(start, fd))
		fd = resolve_make_below(fd, missing);
	if (fd < 0) /* step_cwd() reports it if it matters */
		log_debug("create the working directory: %s", err_why(-fd));
	fd_closep(&fd);
}

int step_rootfs_finish(struct start *start, struct err *err)
{
	unsigned long propagation = start->plan->rootfs.propagation;
	unsigned long kind = propagation & ~(unsigned long)MS_REC;
	int r;

	make_cwd(start); /* while the mounts still tell which directories are the container's */
	r = finish_mounts(start, err);
	if (r < 0)
		return r;
	if (kind) { /* mounts below have their own: a bind shared with the host stays shared */
		r = mountfd_set_attr(start->rootfs, 0, 0, kind,
				     kind == MS_UNBINDABLE && (propagation & MS_REC));
		if (r < 0)
			return err_errno(err, -r, ERR_AT "linux.rootfsPropagation");
	}
	if (start->plan->rootfs.readonly) {
		r = mountfd_set_attr(start->rootfs, MOUNT_ATTR_RDONLY, 0, 0, false);
		if (r < 0)
			return err_errno(err, -r, ERR_AT "root.readonly");
	}
	later_closep(&start->rootfs);
	return 0;
}
