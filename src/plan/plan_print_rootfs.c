/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted where, and how: `usrun explain`. */
#include "src/oci/mount_options.h"
#include "src/plan/plan_print.h"

#include <linux/mount.h>

static const char *method_name(const struct mount_entry *m, size_t i)
{
	switch (m->methods[i]) {
	case MOUNT_BY_FSMOUNT:
		return "new";
	case MOUNT_BY_BIND:
		return m->kind == MOUNT_REMOUNT ? "remount"
		       : m->recursive           ? "bind with all below"
						: "bind";
	case MOUNT_BY_SCRATCH:
		return m->kind == MOUNT_BIND ? "overlay" : "directory of the layer";
	case MOUNT_BY_HOST_BIND:
		return "bind of the host's";
	case MOUNT_BY_CGROUP_BIND:
		return "its cgroups";
	case MOUNT_BY_MOUNT:
		return "mount(2)";
	}
	return "?";
}

static const char *propagation_name(unsigned long propagation)
{
	for (const struct mount_option *o = mount_options; *o->name; o++)
		if (o->kind == MOUNT_OPTION_PROPAGATION && o->value == propagation)
			return o->name;
	return "?";
}

static void print_mount_idmap(struct str *out, const struct rootfs_plan *rootfs,
			      const struct mount_entry *m)
{
	const struct mount_idmap *map = &rootfs->idmaps[m->idmap - 1];

	if (map->joined) {
		str_add(out, "\n                  ids mapped as in the joined user namespace");
		return;
	}
	str_add(out, "\n                  ids mapped, on disk to host:");
	for (size_t i = 0; i < map->write.uid.n; i++)
		plan_print_addf(out, " uid %u-%u-%u", map->write.uid.v[i].inside,
				map->write.uid.v[i].outside, map->write.uid.v[i].count);
	for (size_t i = 0; i < map->write.gid.n; i++)
		plan_print_addf(out, " gid %u-%u-%u", map->write.gid.v[i].inside,
				map->write.gid.v[i].outside, map->write.gid.v[i].count);
}

static const char *atime_name(uint64_t set, uint64_t clear)
{
	switch (set & MOUNT_ATTR__ATIME) {
	case MOUNT_ATTR_NOATIME:
		return "noatime";
	case MOUNT_ATTR_STRICTATIME:
		return "strictatime";
	default:
		return clear & MOUNT_ATTR__ATIME ? "relatime" : NULL;
	}
}

/* prefix: "r" for attributes that also apply to the mounts below. */
static void print_attrs(struct str *out, const char *prefix, uint64_t set, uint64_t clear)
{
	static const struct {
		uint64_t bit;
		char set[12], clear[12];
	} attrs[] = { { MOUNT_ATTR_RDONLY, "ro", "rw" },
		      { MOUNT_ATTR_NOSUID, "nosuid", "suid" },
		      { MOUNT_ATTR_NODEV, "nodev", "dev" },
		      { MOUNT_ATTR_NOEXEC, "noexec", "exec" },
		      { MOUNT_ATTR_NODIRATIME, "nodiratime", "diratime" },
		      { MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow", "symfollow" } };

	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if ((set | clear) & attrs[i].bit)
			plan_print_addf(out, " %s%s", prefix,
					set & attrs[i].bit ? attrs[i].set : attrs[i].clear);
	if (atime_name(set, clear))
		plan_print_addf(out, " %s%s", prefix, atime_name(set, clear));
}

static void print_mount(struct str *out, const struct rootfs_plan *rootfs,
			const struct mount_entry *m)
{
	unsigned int extensions =
		m->extensions & ~(unsigned int)(MOUNT_EXT_IDMAP | MOUNT_EXT_RIDMAP);
	bool created = m->kind != MOUNT_BIND && m->kind != MOUNT_REMOUNT;

	plan_print_addf(out, "  %-16s %s%s", m->target,
			m->inside   ? m->inside
			: m->source ? m->source
				    : "",
			m->inside ? " of the rootfs" : "");
	for (size_t i = 0; i < m->n_methods; i++)
		plan_print_addf(out, "%s%s", i ? ", else " : "; ", method_name(m, i));
	str_add(out, ";");
	print_attrs(out, "", m->attr_set | (m->readonly_late ? MOUNT_ATTR_RDONLY : 0),
		    created ? 0 : m->attr_clear); /* a new mount has nothing to clear */
	for (size_t i = 0; i < m->n_super; i++)
		plan_print_addf(out, " %s%s%s", m->super[i].key, m->super[i].value ? "=" : "",
				m->super[i].value ? m->super[i].value : "");
	print_attrs(out, "r", m->rattr_set, m->rattr_clear);
	for (const struct mount_option *o = mount_options; *o->name; o++)
		if (o->kind == MOUNT_OPTION_EXTENSION && (extensions & o->value))
			plan_print_addf(out, " %s", o->name);
	if (m->leaves)
		plan_print_addf(out, " %s", propagation_name(m->leaves));
	if (m->propagation)
		plan_print_addf(out, " %s", propagation_name(m->propagation));
	if (m->idmap)
		print_mount_idmap(out, rootfs, m);
	str_add(out, "\n");
}

void plan_print_rootfs(struct str *out, const struct plan *plan)
{
	const struct rootfs_plan *rootfs = &plan->rootfs;

	plan_print_addf(
		out, "rootfs      %s%s%s\n", rootfs->path, rootfs->readonly ? ", read-only" : "",
		plan->flags & PLAN_MOUNTS_BY_PARENT ? "; sources opened by usrun before the clone"
						    : "");
	if (rootfs->layer)
		str_add(out, "  an overlay over it takes what is changed\n");
	if (plan->layer.n)
		plan_print_addf(out, "  overlays keep their changes in %s\n",
				plan->layer.dir ? plan->layer.dir
						: "memory, until the container ends");
	for (size_t i = 0; i < rootfs->n_mounts; i++)
		print_mount(out, rootfs, &rootfs->mounts[i]);
	if (rootfs->propagation)
		plan_print_addf(out, "  propagation %s\n", propagation_name(rootfs->propagation));
	plan_print_addf(out, "  %zu paths masked, %zu read-only\n", rootfs->n_masked,
			rootfs->n_readonly_paths);
	if (rootfs->n_masked && rootfs->mask_label.key)
		plan_print_addf(out, "  masked directories: %s=%s\n", rootfs->mask_label.key,
				rootfs->mask_label.value);
	if (!plan->devices.n)
		return;
	plan_print_addf(out, "devices     %s:",
			plan->devices.by_parent ? "made by usrun, before the clone"
			: plan->devices.bind    ? "bound from the host"
						: "made");
	for (size_t i = 0; i < plan->devices.n; i++)
		plan_print_addf(out, " %s", plan->devices.v[i].path);
	plan_print_why(out, plan->devices.why);
}
