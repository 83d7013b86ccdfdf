/* SPDX-License-Identifier: Apache-2.0 */
/* Every mount of the config as a typed entry: options parsed once, methods in the order to try. */
#include "src/plan/plan_parts.h"

#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/oci/mount_options.h"

#include <linux/mount.h>
#include <string.h>

/* Files below /proc that may be covered (lxcfs does so). Anything else there would let an image or a
 * volume stand in for the kernel (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881). */
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

static bool creates(const struct plan *plan, enum plan_ns kind)
{
	return plan->ns.v[kind].action == NS_NEW;
}

static int check_target(const struct mount_entry *m, struct err *err)
{
	if (str_equal(m->target, "/"))
		return err_set(err, EINVAL,
			       "config.json: mounts[%ld].destination: the root itself cannot be "
			       "a mount destination",
			       m->config_index);
	if (!path_is_below(m->target, "/proc") || m->kind == MOUNT_REMOUNT)
		return 0;
	if (str_equal(m->target, "/proc")) {
		if (m->kind == MOUNT_PROC ||
		    (m->kind == MOUNT_BIND && path_is_below(m->source, "/proc")))
			return 0;
		return err_set(err, EINVAL,
			       "config.json: mounts[%ld]: \"/proc\" cannot be mounted because it "
			       "is not of type proc",
			       m->config_index);
	}
	for (size_t i = 0; proc_allowed[i]; i++)
		if (str_equal(m->target, proc_allowed[i]))
			return 0;
	return err_set(err, EINVAL,
		       "config.json: mounts[%ld]: \"%s\" cannot be mounted because it is inside "
		       "/proc",
		       m->config_index, m->target);
}

static void set_methods(struct plan_build *b, struct mount_entry *m)
{
	const struct plan *plan = b->plan;
	bool in_userns = (plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN)) ||
			 !plan->facts->caller.initial_userns;

	m->n_methods = 1;
	m->methods[0] = MOUNT_BY_FSMOUNT;
	switch (m->kind) {
	case MOUNT_BIND:
	case MOUNT_REMOUNT:
		m->methods[0] = MOUNT_BY_BIND;
		return;
	case MOUNT_PROC:
		/* With a pid namespace of its own the host's /proc would show the wrong processes. */
		if (in_userns && !creates(plan, PLAN_NS_PID))
			m->methods[m->n_methods++] = MOUNT_BY_HOST_BIND;
		return;
	case MOUNT_SYSFS:
		/* A new sysfs belongs to the owner of the network namespace. */
		if (in_userns)
			m->methods[m->n_methods++] = MOUNT_BY_HOST_BIND;
		return;
	case MOUNT_MQUEUE:
		if (in_userns && !creates(plan, PLAN_NS_IPC))
			m->methods[m->n_methods++] = MOUNT_BY_HOST_BIND;
		return;
	case MOUNT_CGROUP:
		/* One cgroup2 file system is the whole view only where there is nothing else. */
		if (!creates(plan, PLAN_NS_CGROUP) || plan->facts->cgroup.mode != FACTS_CGROUP_V2)
			m->n_methods = 0;
		m->methods[m->n_methods++] = MOUNT_BY_CGROUP_BIND;
		return;
	case MOUNT_FS:
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

/* uid= and gid= of an id that the container does not have make the kernel refuse the mount: a devpts
 * with gid=5 (tty) in a container with a single id. Left out, the mount belongs to root. */
static bool drop_unmapped_owner(struct plan_build *b, const struct mount_entry *m, const char *word)
{
	bool uid = str_starts(word, "uid="), gid = str_starts(word, "gid=");
	uint32_t id;

	if ((!uid && !gid) || parse_u32(word + 4, &id) < 0)
		return false;
	if (uid ? plan_parts_uid_mapped(b->plan, id) : plan_parts_gid_mapped(b->plan, id))
		return false;
	plan_parts_warn(b, "mounts[%ld] (%s): \"%s\" is left out: the container has no such id",
			m->config_index, m->target, word);
	return true;
}

static void add_super(struct plan_build *b, struct mount_entry *m, struct mount_super *list,
		      const char *word)
{
	const char *equals = strchr(word, '=');

	list[m->n_super++] = (struct mount_super){
		.key = equals ? arena_strndup(b->arena, word, (size_t)(equals - word)) : word,
		.value = equals ? equals + 1 : NULL,
	};
}

static void apply_attr(const struct mount_option *option, uint64_t *set, uint64_t *clear)
{
	/* A later word wins over an earlier one. */
	*clear = (*clear & ~option->set) | option->clear;
	*set = (*set & ~option->clear) | option->set;
}

static int apply_word(struct plan_build *b, struct mount_entry *m, struct mount_super *list,
		      const char *word)
{
	const struct mount_option *option = mount_options_find(word);

	if (!*word) /* podman sends one for containers that run systemd */
		return 0;
	if (!option) {
		if (!drop_unmapped_owner(b, m, word))
			add_super(b, m, list, word);
		return 0;
	}
	switch (option->kind) {
	case MOUNT_OPTION_ATTR:
		apply_attr(option, &m->attr_set, &m->attr_clear);
		return 0;
	case MOUNT_OPTION_ATTR_RECURSIVE:
		apply_attr(option, &m->rattr_set, &m->rattr_clear);
		return 0;
	case MOUNT_OPTION_PROPAGATION:
		m->propagation = option->value;
		return 0;
	case MOUNT_OPTION_SUPER:
		if (!option->value_off && m->kind != MOUNT_BIND)
			add_super(b, m, list, option->value_name);
		return 0;
	case MOUNT_OPTION_BIND:
		m->recursive |= option->value != 0;
		return 0;
	case MOUNT_OPTION_EXTENSION:
		m->extensions |= (unsigned int)option->value;
		return 0;
	case MOUNT_OPTION_REMOUNT:
	case MOUNT_OPTION_IGNORED:
		return 0;
	}
	return 0;
}

static void find_shape(const struct oci_mount *mount, bool *bind, bool *remount)
{
	*bind = *remount = false;
	for (size_t i = 0; i < mount->options.n; i++) {
		const struct mount_option *option = mount_options_find(mount->options.v[i]);

		*bind |= option && option->kind == MOUNT_OPTION_BIND;
		*remount |= option && option->kind == MOUNT_OPTION_REMOUNT;
	}
}

static int check_entry(const struct mount_entry *m, const struct oci_mount *mount, struct err *err)
{
	unsigned int known = MOUNT_EXT_SRC_NOFOLLOW | MOUNT_EXT_DEST_NOFOLLOW | MOUNT_EXT_TMPCOPYUP;

	if (m->kind == MOUNT_BIND && m->n_super)
		return err_set(err, EINVAL,
			       "config.json: mounts[%ld].options: bind mounts cannot have any "
			       "filesystem-specific options applied, got \"%s\"",
			       m->config_index, m->super[0].key);
	if (m->kind == MOUNT_BIND && !mount->source)
		return err_set(err, EINVAL,
			       "config.json: mounts[%ld].source: a bind mount needs one",
			       m->config_index);
	if (m->kind == MOUNT_FS && !mount->type)
		return err_set(err, EINVAL,
			       "config.json: mounts[%ld].type: needed where options say neither "
			       "bind nor rbind",
			       m->config_index);
	if (mount->uid_mappings.n || (m->extensions & ~known))
		return err_set(err, ENOTSUP,
			       "config.json: mounts[%ld]: id-mapped mounts (idmap, ridmap, "
			       "uidMappings) and copy-symlink are not supported",
			       m->config_index);
	if ((m->extensions & MOUNT_EXT_TMPCOPYUP) && !str_equal(m->fs, "tmpfs"))
		return err_set(err, EINVAL,
			       "config.json: mounts[%ld].options: tmpcopyup is for tmpfs only",
			       m->config_index);

	return check_target(m, err);
}

static int build_entry(struct plan_build *b, size_t i, struct mount_entry *m, struct err *err)
{
	const struct oci_mount *mount = &b->plan->config->mounts.v[i];
	struct mount_super *super = arena_array(b->arena, mount->options.n + 2, sizeof(*super));
	bool bind, remount;

	find_shape(mount, &bind, &remount);
	m->config_index = (long)i;
	m->kind = kind_of(mount, bind, remount);
	m->target = path_clean(b->arena, mount->destination);
	m->fs = mount->type;
	m->source = mount->source ? mount->source : mount->type;
	if (m->kind == MOUNT_BIND && mount->source)
		m->source = path_clean(
			b->arena, path_join(b->arena, b->plan->options->bundle, mount->source));
	m->recursive = str_equal(mount->type, "rbind");
	m->super = super;
	for (size_t word = 0; word < mount->options.n; word++) {
		int r = apply_word(b, m, super, mount->options.v[word]);

		if (r < 0)
			return r;
	}
	if (m->kind == MOUNT_FS && str_equal(m->fs, "tmpfs") && (m->attr_set & MOUNT_ATTR_RDONLY)) {
		/* Mount points inside it are still to be made. */
		m->attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
		m->readonly_late = true;
	}
	set_methods(b, m);
	return check_entry(m, mount, err);
}

static int need_mntns(const struct plan *plan, struct err *err)
{
	const struct oci_linux *linux_ = plan->config->linux_;
	const char *what = plan->config->mounts.n               ? "mounts"
			   : linux_ && linux_->masked_paths.n   ? "linux.maskedPaths"
			   : linux_ && linux_->readonly_paths.n ? "linux.readonlyPaths"
			   : plan->config->root->readonly.v     ? "root.readonly"
								: NULL;

	if ((plan->flags & PLAN_MNTNS_NEW) || !what)
		return 0;
	(void)err_set(err, EINVAL,
		      "config.json: %s: needs a new mount namespace, else the caller's own "
		      "mounts would change",
		      what);
	err_hint(err, "add {\"type\": \"mount\"} to linux.namespaces");
	return -EINVAL;
}

int plan_mounts_build(struct plan_build *b, struct err *err)
{
	const struct oci_config *config = b->plan->config;
	const struct oci_linux *linux_ = config->linux_;
	struct rootfs_plan *rootfs = &b->plan->rootfs;
	struct mount_entry *mounts = arena_array(b->arena, config->mounts.n + 1, sizeof(*mounts));
	int r = need_mntns(b->plan, err);

	if (r < 0)
		return r;
	rootfs->path = path_clean(
		b->arena, path_join(b->arena, b->plan->options->bundle, config->root->path));
	rootfs->readonly = config->root->readonly.v;
	rootfs->no_pivot = b->plan->options->no_pivot;
	rootfs->propagation = linux_ ? (unsigned long)linux_->rootfs_propagation : 0;
	for (size_t i = 0; i < config->mounts.n; i++) {
		r = build_entry(b, i, &mounts[i], err);
		if (r < 0)
			return r;
	}
	rootfs->mounts = mounts;
	rootfs->n_mounts = config->mounts.n;
	if (linux_) {
		rootfs->masked = linux_->masked_paths.v;
		rootfs->n_masked = linux_->masked_paths.n;
		rootfs->readonly_paths = linux_->readonly_paths.v;
		rootfs->n_readonly_paths = linux_->readonly_paths.n;
	}
	/* In a user namespace the container's root may not reach what the caller reaches. */
	if ((b->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN)) &&
	    (b->plan->powers & POWER_OPEN_MOUNTS) && (b->plan->flags & PLAN_MNTNS_NEW))
		b->plan->flags |= PLAN_MOUNTS_BY_PARENT;
	return 0;
}
