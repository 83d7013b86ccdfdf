/* SPDX-License-Identifier: Apache-2.0 */
/* Parses mounts[].options, word by word, into the typed fields of a mount entry. */
#include "src/plan/plan_parts.h"

#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/oci/mount_options.h"

#include <linux/mount.h>
#include <string.h>

/* The kernel refuses a mount with uid= or gid= of an unmapped id, such as a devpts with gid=5 (tty)
 * in a container with a single id. Without the option the mount belongs to root. */
static bool drop_unmapped_owner(struct plan_build *b, const struct mount_entry *m, const char *word)
{
	bool uid = str_starts(word, "uid="), gid = str_starts(word, "gid=");
	uint32_t id;

	if ((!uid && !gid) || parse_u32(word + 4, &id) < 0)
		return false;
	if (uid ? plan_parts_uid_mapped(b->plan, id) : plan_parts_gid_mapped(b->plan, id))
		return false;
	plan_parts_warn(b, "mounts[%ld] (%s): \"%s\" is dropped: the container has no such id",
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

/* "async" cancels an earlier "sync", and otherwise does nothing. */
static void take_back(struct mount_entry *m, struct mount_super *list, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n_super; i++)
		if (!str_equal(list[i].key, key))
			list[kept++] = list[i];
	m->n_super = kept;
}

/* mount(2) ignores the data of a bind mount. A word with a value is meant for a file system, so it
 * is ignored with a warning; a bare word may be a mistyped "ro", so it is refused. */
static int data_word(struct plan_build *b, struct mount_entry *m, struct mount_super *list,
		     const char *word, struct err *err)
{
	/* For a scratch mount this is the size of its layer. */
	if (m->kind != MOUNT_BIND || (m->extensions & MOUNT_EXT_SCRATCH)) {
		if (!drop_unmapped_owner(b, m, word))
			add_super(b, m, list, word);
		return 0;
	}
	if (strchr(word, '=')) {
		plan_parts_warn(b,
				"mounts[%ld] (%s): \"%s\" has no meaning for a bind mount, and is "
				"ignored",
				m->config_index, m->target, word);
		return 0;
	}
	return err_set(err, EINVAL,
		       ERR_AT "mounts[%ld].options: bind mounts cannot have any "
			      "filesystem-specific options applied, got \"%s\"",
		       m->config_index, word);
}

static void apply_attr(const struct mount_option *option, uint64_t *set, uint64_t *clear)
{
	/* A later word overrides an earlier one. */
	*clear = (*clear & ~option->set) | option->clear;
	*set = (*set & ~option->clear) | option->set;
}

/* Each word acts on what the words before it have made, as in mount(8): what has become a slave or
 * private leaves its peers on the host, and becomes shared with new ones only. */
static void add_propagation(struct mount_entry *m, unsigned long word)
{
	if (m->propagation & (MS_PRIVATE | MS_UNBINDABLE))
		m->leaves = MS_PRIVATE | (m->leaves & MS_REC);
	else if ((m->propagation & MS_SLAVE) && !(m->leaves & MS_PRIVATE))
		m->leaves = MS_SLAVE | (m->leaves & MS_REC);
	if (m->leaves)
		m->leaves |= m->propagation & MS_REC;
	m->propagation = word;
}

/* "rro" differs from "ro" only if there may be mounts below. */
static bool is_tree(const struct mount_entry *m)
{
	return (m->kind == MOUNT_BIND && m->recursive) || m->kind == MOUNT_REMOUNT;
}

static int apply_word(struct plan_build *b, struct mount_entry *m, struct mount_super *list,
		      const char *word, struct err *err)
{
	const struct mount_option *option = mount_options_find(word);

	if (!*word) /* podman sends an empty one for containers that run systemd */
		return 0;
	if (!option)
		return data_word(b, m, list, word, err);
	switch (option->kind) {
	case MOUNT_OPTION_ATTR:
	case MOUNT_OPTION_ATTR_RECURSIVE:
		if (option->kind == MOUNT_OPTION_ATTR_RECURSIVE && is_tree(m))
			apply_attr(option, &m->rattr_set, &m->rattr_clear);
		else
			apply_attr(option, &m->attr_set, &m->attr_clear);
		return 0;
	case MOUNT_OPTION_PROPAGATION:
		add_propagation(m, option->value);
		return 0;
	case MOUNT_OPTION_SUPER:
		if (option->value_off)
			take_back(m, list, option->value_name);
		else if (m->kind != MOUNT_BIND)
			add_super(b, m, list, option->value_name);
		return 0;
	case MOUNT_OPTION_EXTENSION:
		m->extensions |= (unsigned int)option->value;
		return 0;
	case MOUNT_OPTION_BIND: /* read before, because they decide what other words mean */
	case MOUNT_OPTION_REMOUNT:
	case MOUNT_OPTION_IGNORED:
		return 0;
	}
	return 0;
}

void plan_mount_options_shape(const struct oci_mount *mount, struct plan_mount_shape *ret)
{
	*ret = (struct plan_mount_shape){ .recursive = str_equal(mount->type, "rbind") };
	for (size_t i = 0; i < mount->options.n; i++) {
		const struct mount_option *option = mount_options_find(mount->options.v[i]);

		if (!option)
			continue;
		ret->bind |= option->kind == MOUNT_OPTION_BIND;
		ret->recursive |= option->kind == MOUNT_OPTION_BIND && option->value;
		ret->remount |= option->kind == MOUNT_OPTION_REMOUNT;
	}
}

static void set_readonly(struct plan_build *b, struct mount_entry *m, struct mount_super *super)
{
	if (!(m->attr_set & MOUNT_ATTR_RDONLY))
		return;
	if (str_equal(m->fs, "tmpfs")) { /* mount points inside still have to be created */
		m->attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
		m->readonly_late = true;
	} else if (m->source && *m->source == '/') { /* a medium that may not be writable */
		add_super(b, m, super, "ro");
	}
}

static bool has_super(const struct mount_entry *m, const char *key)
{
	for (size_t i = 0; i < m->n_super; i++)
		if (str_equal(m->super[i].key, key))
			return true;
	return false;
}

/* An overlay in a user namespace cannot set trusted.* attributes. Without this option the mount
 * succeeds, but removing a directory of a lower layer fails with EIO. */
static void add_userxattr(struct plan_build *b, struct mount_entry *m, struct mount_super *super)
{
	if (!str_equal(m->fs, "overlay") || !plan_parts_in_userns(b->plan) ||
	    has_super(m, "userxattr") || has_super(m, "metacopy") || has_super(m, "redirect_dir"))
		return;
	add_super(b, m, super, "userxattr");
	plan_parts_warn(b,
			"mounts[%ld] (%s): \"userxattr\" is added: an overlay needs it in a user "
			"namespace",
			m->config_index, m->target);
}

/* As in crun and runc, a bind mount with any of these flags drops its source's others, and one
 * without keeps the source's. In a user namespace the kernel does not allow dropping them. */
static void drop_flags_of_source(const struct plan_build *b, const struct oci_mount *mount,
				 struct mount_entry *m)
{
	const uint64_t flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			       MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;

	if (m->kind != MOUNT_BIND || plan_parts_in_userns(b->plan))
		return;
	for (size_t i = 0; i < mount->options.n; i++) {
		const struct mount_option *option = mount_options_find(mount->options.v[i]);

		if (option && option->kind == MOUNT_OPTION_ATTR)
			m->attr_clear |= flags & ~m->attr_set;
	}
}

bool plan_mount_options_label(const struct plan *plan, struct mount_super *ret)
{
	const struct oci_config *config = plan->config;
	const char *label = config->linux_ ? config->linux_->mount_label : NULL;
	const char *kind = annotations_find(config->annotations.v, config->annotations.n,
					    ANNOTATIONS_MOUNT_CONTEXT);

	if (!label || !str_equal(plan->facts->lsm, "selinux"))
		return false;
	*ret = (struct mount_super){ .key = kind ? kind : "context", .value = label };
	return true;
}

/* The SELinux context of files on new file systems. Bind mounts have their own; proc and sysfs
 * cannot have one, and mqueue takes one only when it is mounted. */
static void add_label(struct plan_build *b, struct mount_entry *m, struct mount_super *super)
{
	struct mount_super label;

	if (!plan_mount_options_label(b->plan, &label))
		return;
	if (m->kind == MOUNT_MQUEUE)
		m->label = label.value;
	else if (m->kind == MOUNT_FS)
		super[m->n_super++] = label;
}

int plan_mount_options_apply(struct plan_build *b, const struct oci_mount *mount,
			     struct mount_entry *m, struct err *err)
{
	/* Three more may be added below. */
	struct mount_super *super = arena_array(b->arena, mount->options.n + 3, sizeof(*super));

	m->super = super;
	for (size_t word = 0; word < mount->options.n; word++) {
		int r = apply_word(b, m, super, mount->options.v[word], err);

		if (r < 0)
			return r;
	}
	drop_flags_of_source(b, mount, m);
	if (m->kind == MOUNT_FS) {
		set_readonly(b, m, super);
		add_userxattr(b, m, super);
	}
	add_label(b, m, super);
	return 0;
}
