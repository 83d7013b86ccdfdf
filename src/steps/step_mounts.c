/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts below the rootfs, each by the first of its planned methods that the kernel accepts.
 * Attributes are set on the detached mount, once. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/host/mountinfo.h"
#include "src/sys/compat.h"
#include "src/sys/later.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int (*const methods[])(struct start *start, size_t i, struct err *err) = {
	[MOUNT_BY_FSMOUNT] = step_mounts_fsmount,     [MOUNT_BY_BIND] = step_mounts_bind,
	[MOUNT_BY_SCRATCH] = step_mounts_scratch,     [MOUNT_BY_HOST_BIND] = step_mounts_host_bind,
	[MOUNT_BY_CGROUP_BIND] = step_mounts_cgroups, [MOUNT_BY_MOUNT] = step_mounts_classic,
};

/* An option that the kernel rejects is a mistake in the config, which the host's mount, with other
 * options, must not hide. An overlay may also be refused because of the file systems below it. */
static bool another_may_help(enum mount_method next, int r)
{
	if (r == -EINVAL)
		return next == MOUNT_BY_MOUNT || next == MOUNT_BY_BIND;
	return r == -EPERM || r == -EBUSY || r == -ENODEV || r == -EACCES;
}

static void hint_for_refusal(const struct start *start, const struct mount_entry *m, int r,
			     struct err *err)
{
	const struct ns_plan *ns = &start->plan->ns;

	if (r != -EPERM)
		return;
	if (m->kind == MOUNT_MQUEUE && ns->v[PLAN_NS_IPC].action == NS_JOIN)
		err_hint(err, "the ipc namespace belongs to another user namespace: join that, "
			      "too, or do not mount mqueue");
	else if (m->kind == MOUNT_PROC && ns->v[PLAN_NS_PID].action == NS_JOIN)
		err_hint(err, "the pid namespace belongs to another user namespace: join that, "
			      "too, or do not mount proc");
	else if (m->kind == MOUNT_PROC)
		mountinfo_hint_masks(start->arena, err);
}

static int mount_one(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	struct err later = { 0 };
	int r = -EINVAL;

	for (size_t n = 0; n < m->n_methods; n++) {
		/* The first refusal is the informative one; a last resort has less to say. */
		r = methods[m->methods[n]](start, i, n ? &later : err);
		if (r == 0) {
			if (n && m->methods[0] == MOUNT_BY_SCRATCH)
				start_note(start, "%s is read-only: %s", m->target, err->text);
			*err = (struct err){ 0 };
			return 0;
		}
		if (n + 1 == m->n_methods || !another_may_help(m->methods[n + 1], r))
			break;
		log_debug("%s", n ? later.text : err->text);
	}
	hint_for_refusal(start, m, -err->code, err);
	return -err->code;
}

/* Mounts that already exist below the rootfs get the config's recursive propagation now, so that it
 * does not undo the propagation of mounts to come. The rootfs itself must not be shared before
 * pivot_root(2). */
static int spread_propagation(struct start *start, struct err *err)
{
	unsigned long propagation = start->plan->rootfs.propagation;
	unsigned long kind = propagation & ~(unsigned long)MS_REC;
	int r;

	if (!(propagation & MS_REC) || kind == MS_SLAVE || kind == MS_UNBINDABLE)
		return 0;
	r = mountfd_set_attr(start->rootfs, 0, 0, kind, true);
	if (r == 0)
		r = mountfd_set_attr(start->rootfs, 0, 0, MS_PRIVATE, false);
	return r < 0 ? err_errno(err, -r, ERR_AT "linux.rootfsPropagation") : 0;
}

/* Attaches to the directory that was opened, wherever its path leads by now. If the mount there is
 * shared, ours has become shared too; what is mounted below ours must stay private. */
static int attach_among_others(struct start *start, struct err *err)
{
	int r = mountfd_attach(start->rootfs, start->rootfs_place);

	if (r == 0)
		r = mountfd_set_attr(start->rootfs, 0, 0, MS_PRIVATE, true);
	fd_closep(&start->rootfs_place);
	return r < 0 ? err_errno(err, -r, "mount the rootfs %s in a shared mount namespace",
				 start->plan->rootfs.path)
		     : 0;
}

static int attach_rootfs(struct start *start, struct err *err)
{
	_cleanup_later_ int target =
		openat(AT_FDCWD, start->plan->rootfs.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	/* If the container's root may not reach it, / will do: it is about to be replaced. */
	if (target < 0)
		target = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return err_errno(err, errno, "find a place for the rootfs");
	r = step_mounts_complete(start, err);
	if (r < 0)
		return r;
	r = mountfd_attach(start->rootfs, target);
	if (r < 0)
		return err_errno(err, -r, "mount the rootfs %s", start->plan->rootfs.path);
	return spread_propagation(start, err);
}

/* The caller's mounts stay slaves: until the pivot, mounts of the host still arrive, and none of
 * ours goes back. The trees for bind mounts were opened earlier, so they keep their peers. */
static int place_rootfs(struct start *start, struct err *err)
{
	int r;

	if (!(start->plan->flags & PLAN_MNTNS_NEW))
		return attach_among_others(start, err);
	r = mountfd_isolate();
	if (r < 0) {
		(void)err_errno(err, -r, "make the mounts of the new namespace slave mounts");
		if (r == -EINVAL) /* a root set by chroot(2) to some directory */
			(void)err_hint(err, "usrun runs in a chroot whose root is not a mount "
					    "point: run `mount --bind DIR DIR` before the chroot");
		return r;
	}
	return attach_rootfs(start, err);
}

int step_mounts(struct start *start, struct err *err)
{
	int r;

	start->umask =
		umask(0); /* modes exactly as given; the container's umask is set at the end */
	r = place_rootfs(start, err);
	if (r == 0 && start->plan->rootfs.layer)
		r = step_overlay_mount(start, err);
	for (size_t i = 0; r == 0 && i < start->plan->rootfs.n_mounts; i++)
		r = mount_one(start, i, err);
	if (r == 0 && !mountfd_is_complete())
		start_note(start, "open_tree is refused, by a seccomp filter or a kernel before "
				  "5.2: mount(2) makes bind mounts, and no mount that is made "
				  "inside reaches the host");
	if (r == 0 && compat_is_missing(COMPAT_MOUNT_SETATTR))
		start_note(start, "mount_setattr is refused, by a seccomp filter or a kernel "
				  "before 5.12: mount flags are set by mount(2) after attaching, "
				  "and flags that the host has locked stay");
	return r;
}
