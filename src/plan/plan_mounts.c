/* SPDX-License-Identifier: Apache-2.0 */
/* Turns every mount of the config into a typed entry: options parsed, and methods in the order to
 * try. */
#include "src/plan/plan_parts.h"

#include "src/base/path.h"
#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/oci/mount_options.h"

#include <linux/mount.h>
#include <string.h>

/* Files below /proc that may be covered, as lxcfs does. Anywhere else an image or a volume could
 * impersonate the kernel (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881). */
static const char *const proc_allowed[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/meminfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/loadavg",
	"/proc/slabinfo",
	"/proc/net/dev",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/sys/crypto/fips_enabled",
	NULL,
};

static int check_target(const struct mount_entry *m, struct err *err)
{
	if (str_equal(m->target, "/") && m->kind != MOUNT_BIND && m->kind != MOUNT_FS)
		return err_set(
			err, EINVAL,
			ERR_AT
			"mounts[%ld].destination: / cannot be the target of this kind of mount",
			m->config_index);
	if (!path_is_below(m->target, "/proc") || m->kind == MOUNT_REMOUNT)
		return 0;
	if (str_equal(m->target, "/proc")) {
		if (m->kind == MOUNT_PROC ||
		    m->kind == MOUNT_BIND) /* the step finds out whether it is a directory */
			return 0;
		return err_set(err, EINVAL,
			       ERR_AT "mounts[%ld]: \"/proc\" cannot be mounted because it "
				      "is not of type proc",
			       m->config_index);
	}
	for (size_t i = 0; proc_allowed[i]; i++)
		if (str_equal(m->target, proc_allowed[i]))
			return 0;
	return err_set(err, EINVAL,
		       ERR_AT "mounts[%ld]: \"%s\" cannot be mounted because it is inside "
			      "/proc",
		       m->config_index, m->target);
}

/* fsconfig() takes values shorter than 256 characters (an overlay's lowerdir may be longer), and
 * one option at a time: mount(2), which other runtimes use, takes "lowerdir=/a,upperdir=/b" as
 * two. The comma of linux.mountLabel ("s0:c1,c2") is part of it. */
static bool is_for_mount(const struct plan *plan, const struct mount_entry *m)
{
	const struct oci_linux *linux_ = plan->config->linux_;
	const char *label = linux_ ? linux_->mount_label : NULL;

	for (size_t i = 0; i < m->n_super; i++) {
		const char *value = m->super[i].value;

		if (!m->idmap && value &&
		    (strlen(value) > 255 || (value != label && strchr(value, ','))))
			return true;
	}
	return false;
}

static bool shares(const struct plan *plan, enum plan_ns kind)
{
	return plan->ns.v[kind].action == NS_KEEP;
}

/* In the order in which they are tried: none shows more than the one before it. The host's file
 * system replaces a new one only if the container shares the namespace that a new one would
 * show. */
static void set_methods(struct plan_build *b, struct mount_entry *m)
{
	const struct plan *plan = b->plan;
	bool in_userns = plan_parts_in_userns(plan);

	m->n_methods = 1;
	m->methods[0] = MOUNT_BY_FSMOUNT;
	switch (m->kind) {
	case MOUNT_BIND:
		if (m->extensions & MOUNT_EXT_SCRATCH) {
			m->methods[0] = MOUNT_BY_SCRATCH;
			/* If no copy can be made, the mount is read-only, unless the user asked to
			 * keep the changes: then it fails. */
			if (!plan->layer.dir)
				m->methods[m->n_methods++] = MOUNT_BY_BIND;
			m->rattr_set |= MOUNT_ATTR_RDONLY;
			return;
		}
		m->methods[0] = MOUNT_BY_BIND;
		return;
	case MOUNT_REMOUNT:
		m->methods[0] = MOUNT_BY_BIND;
		return;
	case MOUNT_PROC:
		/* Not with a pid namespace that is new or joined: the host's /proc would show the
		 * wrong processes. */
		if (in_userns && shares(plan, PLAN_NS_PID))
			m->methods[m->n_methods++] = MOUNT_BY_HOST_BIND;
		return;
	case MOUNT_SYSFS:
		/* Only the owner of the network namespace can mount a new sysfs. */
		if (in_userns)
			m->methods[m->n_methods++] = MOUNT_BY_HOST_BIND;
		return;
	case MOUNT_MQUEUE:
		if (in_userns && shares(plan, PLAN_NS_IPC))
			m->methods[m->n_methods++] = MOUNT_BY_HOST_BIND;
		return;
	case MOUNT_CGROUP:
		/* A single cgroup2 file system shows everything only if there are no v1
		 * hierarchies. */
		if (!plan_parts_creates(plan, PLAN_NS_CGROUP) ||
		    plan->facts->cgroup.mode != FACTS_CGROUP_V2)
			m->n_methods = 0;
		m->methods[m->n_methods++] = MOUNT_BY_CGROUP_BIND;
		return;
	case MOUNT_FS:
		if (m->extensions & MOUNT_EXT_SCRATCH) {
			m->methods[0] = MOUNT_BY_SCRATCH;
			return;
		}
		/* Only a detached mount can have its ids mapped. */
		if (is_for_mount(plan, m))
			m->n_methods = 0;
		if (!m->idmap)
			m->methods[m->n_methods++] = MOUNT_BY_MOUNT;
		return;
	}
}

static enum mount_kind kind_of(const struct oci_mount *mount, bool bind, bool remount)
{
	const char *type = mount->type ? mount->type : "";

	if (remount)
		return MOUNT_REMOUNT;
	if (bind || str_equal(type, "bind") || str_equal(type, "rbind"))
		return MOUNT_BIND;
	if (str_equal(type, "proc"))
		return MOUNT_PROC;
	if (str_equal(type, "sysfs"))
		return MOUNT_SYSFS;
	if (str_equal(type, "mqueue"))
		return MOUNT_MQUEUE;
	if (str_equal(type, "cgroup") || str_equal(type, "cgroup2"))
		return MOUNT_CGROUP;
	return MOUNT_FS;
}

/* Later code relies on these. */
static int check_given(const struct mount_entry *m, const struct oci_mount *mount, struct err *err)
{
	if (m->kind == MOUNT_BIND && !mount->source)
		return err_set(err, EINVAL, ERR_AT "mounts[%ld].source: required for a bind mount",
			       m->config_index);
	if (m->kind == MOUNT_FS && !mount->type)
		return err_set(
			err, EINVAL,
			ERR_AT
			"mounts[%ld].type: required unless the options include bind or rbind",
			m->config_index);
	return 0;
}

/* Whether it copies the root, as earlier mounts have composed it, and covers it. */
static bool is_copy_of_root(const struct mount_entry *m)
{
	return (m->extensions & MOUNT_EXT_SQUASH) && str_equal(m->inside, "/") &&
	       str_equal(m->target, "/");
}

static int check_entry(const struct mount_entry *m, struct err *err)
{
	if ((m->extensions & MOUNT_EXT_TMPCOPYUP) && !str_equal(m->fs, "tmpfs"))
		return err_set(err, EINVAL,
			       ERR_AT "mounts[%ld].options: tmpcopyup is for tmpfs only",
			       m->config_index);
	if ((m->extensions & MOUNT_EXT_SCRATCH) &&
	    ((m->kind != MOUNT_BIND && !str_equal(m->fs, "tmpfs")) || m->idmap ||
	     (m->inside && !is_copy_of_root(m))))
		return err_set(err, EINVAL,
			       ERR_AT "mounts[%ld].options: scratch is for tmpfs, and for bind "
				      "mounts of the host's directories without mapped ids",
			       m->config_index);
	if ((m->extensions & MOUNT_EXT_SQUASH) && m->kind != MOUNT_BIND)
		return err_set(err, EINVAL,
			       ERR_AT
			       "mounts[%ld].options: squash is for bind mounts of the host's "
			       "directories",
			       m->config_index);
	return check_target(m, err);
}

static void set_names(struct plan_build *b, const struct oci_mount *mount, struct mount_entry *m)
{
	const char *rootfs = b->plan->rootfs.path;

	m->target = path_clean(b->arena, mount->destination);
	/* Old callers name the path on the host. */
	if (!str_equal(rootfs, "/") && path_is_below(m->target, rootfs)) {
		m->target = path_clean(b->arena, m->target + strlen(rootfs));
		plan_parts_warn(b,
				"mounts[%ld].destination: \"%s\" begins with the path of the "
				"rootfs; using %s inside it",
				m->config_index, mount->destination, m->target);
	}
	if (*mount->destination != '/')
		plan_parts_warn(b,
				"mounts[%ld].destination: \"%s\" is relative, which is deprecated; "
				"using %s",
				m->config_index, mount->destination, m->target);
	m->fs = mount->type;
	m->source = mount->source ? mount->source : mount->type;
	if (m->kind == MOUNT_BIND)
		m->source = path_clean(
			b->arena, path_join(b->arena, b->plan->options->bundle, mount->source));
}

/* Mounts are made in order, so a source inside the rootfs is what an earlier mount has put
 * there. */
static void find_inside(const struct rootfs_plan *rootfs, size_t i, struct mount_entry *m)
{
	const char *inside;

	if (m->kind != MOUNT_BIND || !path_is_below(m->source, rootfs->path))
		return;
	inside = m->source + strlen(rootfs->path);
	for (size_t before = 0; before < i; before++)
		if (path_is_below(inside, rootfs->mounts[before].target))
			m->inside = inside;
}

static int build_entry(struct plan_build *b, size_t i, struct mount_entry *m, struct err *err)
{
	const struct oci_mount *mount = &b->plan->config->mounts.v[i];
	unsigned long all = b->plan->rootfs.propagation;
	struct plan_mount_shape shape;
	int r;

	plan_mount_options_shape(mount, &shape);
	m->config_index = (long)i;
	m->kind = kind_of(mount, shape.bind, shape.remount);
	r = check_given(m, mount, err);
	if (r < 0)
		return r;
	m->recursive = shape.recursive;
	set_names(b, mount, m);
	find_inside(&b->plan->rootfs, i, m);
	r = plan_mount_options_apply(b, mount, m, err);
	/* With a recursive rootfs propagation, every mount without its own gets that. Unbindable
	 * mounts cannot be made partly read-only, so that flag is set at the end. */
	if (!m->propagation && (all & MS_REC) && !(all & MS_UNBINDABLE) && m->kind != MOUNT_REMOUNT)
		m->propagation = all;
	if (r == 0)
		r = plan_idmap_mount_build(b, mount, m, err);
	if (r < 0)
		return r;
	if ((m->extensions & MOUNT_EXT_SQUASH) && str_equal(m->source, b->plan->rootfs.path))
		m->inside = "/";
	r = plan_idmap_mount_shown(b, i, m, err);
	if (r < 0)
		return r;
	set_methods(b, m);
	return check_entry(m, err);
}

/* Whether init may mount in the mount namespace of others that it is in. */
static bool may_mount_there(const struct plan *plan)
{
	if (plan->flags & PLAN_USERNS_NEW)
		return false;
	return plan->ns.v[PLAN_NS_MOUNT].action == NS_JOIN || /* only trying tells */
	       (!(plan->flags & PLAN_USERNS_JOIN) && (plan->powers & POWER_OPEN_MOUNTS));
}

/* Without a new mount namespace: makes the config's mounts in the existing one. */
static int mount_among_others(struct plan_build *b, struct err *err)
{
	struct plan *plan = b->plan;
	const struct oci_linux *linux_ = plan->config->linux_;
	const char *what = plan->config->mounts.n               ? "mounts"
			   : linux_ && linux_->masked_paths.n   ? "linux.maskedPaths"
			   : linux_ && linux_->readonly_paths.n ? "linux.readonlyPaths"
			   : plan->config->root->readonly.v     ? "root.readonly"
								: NULL;
	const char *joined = plan->ns.v[PLAN_NS_MOUNT].path;

	if ((plan->flags & PLAN_MNTNS_NEW) || !what)
		return 0;
	if (!may_mount_there(plan)) {
		(void)err_set(err, EINVAL,
			      ERR_AT "%s: needs a new mount namespace: nobody may mount in %s from "
				     "the container's user namespace",
			      what, joined ? joined : "the caller's");
		return err_hint(
			err, joined ? "remove the path of the mount namespace from linux.namespaces"
				    : "add {\"type\": \"mount\"} to linux.namespaces");
	}
	if (str_equal(plan->rootfs.path, "/"))
		return err_set(err, EINVAL,
			       ERR_AT "root.path: / needs a new mount namespace, or every process "
				      "in the current one would get another root");
	plan->flags |= PLAN_MOUNTS;
	plan_parts_warn(b,
			"linux.namespaces: no new mount namespace: until the container is deleted, "
			"its mounts are visible in %s, below %s; its root is set by chroot, which "
			"a privileged process can escape",
			joined ? joined : "the caller's", plan->rootfs.path);
	return 0;
}

/* K-07: a label is recorded where nothing gives it a meaning; an unknown kind of label is always an
 * error. */
static int check_label(struct plan_build *b, struct err *err)
{
	static const char kinds[][12] = { "context", "fscontext", "defcontext", "rootcontext" };
	const struct oci_config *config = b->plan->config;
	const char *kind = annotations_find(config->annotations.v, config->annotations.n,
					    ANNOTATIONS_MOUNT_CONTEXT);
	bool known = !kind;

	for (size_t i = 0; kind && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		known |= str_equal(kind, kinds[i]);
	if (!known)
		return err_set(err, EINVAL,
			       ERR_AT "annotations[\"%s\"]: expected context, fscontext, "
				      "defcontext or rootcontext, got \"%s\"",
			       ANNOTATIONS_MOUNT_CONTEXT, kind);
	if (config->linux_ && config->linux_->mount_label &&
	    !str_equal(b->plan->facts->lsm, "selinux"))
		plan_parts_warn(b, "linux.mountLabel is ignored: SELinux is not active here");
	return 0;
}

int plan_mounts_build(struct plan_build *b, struct err *err)
{
	const struct oci_config *config = b->plan->config;
	const struct oci_linux *linux_ = config->linux_;
	struct rootfs_plan *rootfs = &b->plan->rootfs;
	struct mount_entry *mounts = arena_array(b->arena, config->mounts.n + 1, sizeof(*mounts));
	int r;

	rootfs->path = path_clean(
		b->arena, path_join(b->arena, b->plan->options->bundle, config->root->path));
	r = mount_among_others(b, err);
	if (r == 0)
		r = check_label(b, err);
	if (r < 0)
		return r;
	rootfs->readonly = config->root->readonly.v;
	r = plan_layer_build(b, err);
	if (r == 0)
		r = plan_layer_build_overlay(b, err);
	if (r < 0)
		return r;
	rootfs->no_pivot = b->plan->options->no_pivot;
	rootfs->propagation = linux_ ? (unsigned long)linux_->rootfs_propagation : 0;
	rootfs->mounts = mounts;
	for (size_t i = 0; i < config->mounts.n; i++) {
		r = build_entry(b, i, &mounts[i], err);
		if (r < 0)
			return r;
		if (mounts[i].extensions & MOUNT_EXT_SCRATCH)
			mounts[i].layer = plan_layer_of(b, &mounts[i]);
	}
	rootfs->n_mounts = config->mounts.n;
	r = plan_layer_check(b, err);
	if (r < 0)
		return r;
	if (linux_) {
		rootfs->masked = linux_->masked_paths.v;
		rootfs->n_masked = linux_->masked_paths.n;
		(void)plan_mount_options_label(b->plan, &rootfs->mask_label);
		rootfs->readonly_paths = linux_->readonly_paths.v;
		rootfs->n_readonly_paths = linux_->readonly_paths.n;
	}
	/* In a user namespace the container's root may not reach what the caller can, and cannot
	 * map ids on the caller's file systems. */
	if (((b->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN)) || rootfs->n_idmaps) &&
	    (b->plan->powers & POWER_OPEN_MOUNTS) && (b->plan->flags & PLAN_MNTNS_NEW))
		b->plan->flags |= PLAN_MOUNTS_BY_PARENT;
	return 0;
}

/* Mounts that depend on init's namespaces, or must be made before init runs, cannot be added from
 * outside. */
static int check_added(const struct mount_entry *m, struct err *err)
{
	const unsigned int names = MOUNT_EXT_SRC_NOFOLLOW | MOUNT_EXT_DEST_NOFOLLOW;

	if (m->kind != MOUNT_BIND && m->kind != MOUNT_FS)
		return err_set(err, EINVAL,
			       ERR_AT "mounts[%ld].type: %s cannot be added to a running "
				      "container, only bind mounts and file systems such as tmpfs",
			       m->config_index, m->kind == MOUNT_REMOUNT ? "a remount" : m->fs);
	if (m->idmap || (m->extensions & ~names))
		return err_set(err, EINVAL,
			       ERR_AT "mounts[%ld].options: mapped ids, tmpcopyup, copy-symlink "
				      "and scratch are for config.json",
			       m->config_index);
	if (str_equal(m->target, "/"))
		return err_set(err, EINVAL, ERR_AT "mounts[%ld].destination: / is taken",
			       m->config_index);
	return 0;
}

void plan_mounts_build_places(struct plan_build *b)
{
	struct rootfs_plan *rootfs = &b->plan->rootfs;
	size_t n = b->plan->config->mounts.n;
	struct mount_entry *v = arena_array(b->arena, n + 1, sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = (struct mount_entry){
			.target = path_clean(b->arena, b->plan->config->mounts.v[i].destination),
			.config_index = (long)i,
		};
	rootfs->mounts = v;
	rootfs->n_mounts = n;
}

int plan_mounts_build_added(struct plan_build *b, struct err *err)
{
	struct rootfs_plan *rootfs = &b->plan->rootfs;
	size_t n = b->plan->config->mounts.n;
	struct mount_entry *v = arena_array(b->arena, n + 1, sizeof(*v));
	int r = 0;

	rootfs->mounts = v;
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = build_entry(b, i, &v[i], err);
		if (r == 0)
			r = check_added(&v[i], err);
	}
	rootfs->n_mounts = n;
	return r;
}
