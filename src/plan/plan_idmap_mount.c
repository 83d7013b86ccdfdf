/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts with mapped ids: the mapping through which the owners of a tree are seen. It comes from
 * the mount's own uidMappings and gidMappings, from crun's "idmap=uids=DISK-HOST-COUNT#…;gids=…",
 * or from the container's user namespace.
 *
 * The kernel takes a mapping as a user namespace, and only from a process with CAP_SYS_ADMIN in the
 * user namespace that mounted the file system: usrun itself, before the clone. */
#include "src/plan/plan_parts.h"

#include "src/base/path.h"
#include "src/base/str.h"
#include "src/oci/mount_options.h"

#include <stdlib.h>
#include <string.h>

enum { MAPPED = MOUNT_EXT_IDMAP | MOUNT_EXT_RIDMAP };

static const char *word_of(const struct oci_mount *mount)
{
	for (size_t i = 0; i < mount->options.n; i++) {
		const struct mount_option *option = mount_options_find(mount->options.v[i]);

		if (option && option->kind == MOUNT_OPTION_EXTENSION && (option->value & MAPPED) &&
		    strchr(mount->options.v[i], '='))
			return mount->options.v[i];
	}
	return NULL;
}

bool plan_idmap_mount_is_wanted(const struct oci_mount *mount)
{
	if (mount->uid_mappings.n)
		return true;
	for (size_t i = 0; i < mount->options.n; i++) {
		const struct mount_option *option = mount_options_find(mount->options.v[i]);

		if (option && option->kind == MOUNT_OPTION_EXTENSION && (option->value & MAPPED))
			return true;
	}
	return false;
}

static bool read_number(const char **at, char end, uint32_t *ret)
{
	char *rest;
	unsigned long long value;

	if (**at < '0' || **at > '9')
		return false;
	value = strtoull(*at, &rest, 10);
	if (value > UINT32_MAX || (end && *rest != end))
		return false;
	*ret = (uint32_t)value;
	*at = rest + (end ? 1 : 0);
	return true;
}

/* Adds a range whose host side consists of container ids ("@1-3-10"): one range for each range of
 * the container's map that it touches. */
static int add_relative(struct plan_build *b, const struct idmap *container,
			const struct idmap_range *range, struct idmap *ret, struct err *err)
{
	const struct idmap one = { .v = range, .n = 1 };
	struct idmap split, above = { 0 };
	struct idmap_range *v;
	int r = 0;

	if (idmap_is_empty(container)) /* no user namespace: container ids are host ids */
		split = above = one;
	else
		r = idmap_split(b->arena, &one, container, &split, err);
	if (r < 0)
		return r;
	v = arena_array(b->arena, ret->n + split.n, sizeof(*v));
	if (ret->n)
		memcpy(v, ret->v, ret->n * sizeof(*v));
	for (size_t i = 0; i < split.n; i++) {
		v[ret->n + i] = split.v[i];
		if (!above.n)
			v[ret->n + i].outside =
				(uint32_t)idmap_to_host(container, split.v[i].outside);
	}
	*ret = (struct idmap){ .v = v, .n = ret->n + split.n };
	return 0;
}

static int bad_word(const struct mount_entry *m, const char *word, struct err *err)
{
	(void)err_set(err, EINVAL, ERR_AT "mounts[%ld].options: cannot read \"%s\"",
		      m->config_index, word);
	return err_hint(err, "the format is idmap=uids=DISK-HOST-COUNT#…;gids=DISK-HOST-COUNT#…, "
			     "with @ before a range whose HOST is an id of the container");
}

/* Reads "0-1-10#@10-11-10", up to ";" or the end. -EINVAL without a text if it is malformed. */
static int read_ranges(struct plan_build *b, const char **at, const struct idmap *container,
		       struct idmap *ret, struct err *err)
{
	static const struct idmap absolute;

	for (;;) {
		struct idmap_range range;
		bool relative = **at == '@';
		int r;

		*at += relative;
		if (!read_number(at, '-', &range.inside) || !read_number(at, '-', &range.outside) ||
		    !read_number(at, '\0', &range.count))
			return -EINVAL;
		r = add_relative(b, relative ? container : &absolute, &range, ret, err);
		if (r < 0)
			return r;
		if (**at != '#')
			return **at == ';' || !**at ? 0 : -EINVAL;
		(*at)++;
	}
}

static int from_word(struct plan_build *b, const struct mount_entry *m, const char *word,
		     struct idmap_write *ret, struct err *err)
{
	const char *at = strchr(word, '=') + 1;

	*err = (struct err){ 0 };
	while (*at) {
		bool uids = str_starts(at, "uids=");
		struct idmap *map = uids ? &ret->uid : &ret->gid;
		const struct idmap *container = uids ? &b->plan->idmap.uid : &b->plan->idmap.gid;
		int r;

		if ((!uids && !str_starts(at, "gids=")) || map->n)
			return bad_word(m, word, err);
		at += strlen("uids=");
		r = read_ranges(b, &at, container, map, err);
		if (r < 0 && err->code)
			return err_prefix(err, ERR_AT "mounts[%ld].options: \"%s\"",
					  m->config_index, word);
		if (r < 0)
			return bad_word(m, word, err);
		at += *at == ';';
	}
	return ret->uid.n && ret->gid.n ? 0 : bad_word(m, word, err);
}

/* Adapts ranges from the config so that usrun can write them. */
static int fit(struct plan_build *b, const struct mount_entry *m, struct idmap_write *write,
	       struct err *err)
{
	int r = idmap_check(&write->uid, "uid", "uidMappings", err);

	if (r == 0)
		r = idmap_check(&write->gid, "gid", "gidMappings", err);
	if (r == 0)
		r = plan_idmap_split(b, write, err);
	return r < 0 ? err_prefix(err, ERR_AT "mounts[%ld]", m->config_index) : 0;
}

static int find(struct plan_build *b, const struct oci_mount *mount, const struct mount_entry *m,
		struct mount_idmap *ret, struct err *err)
{
	const char *word = word_of(mount);
	int r = 0;

	if (mount->uid_mappings.n && word)
		return err_set(err, EINVAL,
			       ERR_AT "mounts[%ld]: two mappings: uidMappings and \"%s\"",
			       m->config_index, word);
	ret->write.writer = IDMAP_WRITER_SELF;
	if (mount->uid_mappings.n) {
		ret->write.uid = plan_idmap_ranges(b->arena, &mount->uid_mappings);
		ret->write.gid = plan_idmap_ranges(b->arena, &mount->gid_mappings);
	} else if (word) {
		r = from_word(b, m, word, &ret->write, err);
	} else if (b->plan->flags & PLAN_USERNS_JOIN) {
		ret->joined = true;
		return 0;
	} else if (b->plan->flags & PLAN_USERNS_NEW) {
		ret->write = b->plan->idmap;
		return 0;
	} else {
		return err_set(err, EINVAL,
			       ERR_AT "mounts[%ld].options: %s needs uidMappings and "
				      "gidMappings: the container has no user namespace",
			       m->config_index,
			       m->extensions & MOUNT_EXT_RIDMAP ? "ridmap" : "idmap");
	}
	return r < 0 ? r : fit(b, m, &ret->write, err);
}

/* Checks what can be known before asking the kernel. */
static int check(const struct plan_build *b, const struct mount_entry *m, struct err *err)
{
	const uint32_t needed = POWER_OPEN_MOUNTS | POWER_MAP_DIRECT;
	const char *why = NULL;

	if (m->kind == MOUNT_REMOUNT)
		why = "the ids of a mount cannot be mapped after it was made";
	else if (m->kind != MOUNT_BIND && (b->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN)))
		why = "a file system that is mounted inside the user namespace has its ids "
		      "already: map those of bind mounts";
	if (why)
		return err_set(err, EINVAL, ERR_AT "mounts[%ld]: %s", m->config_index, why);
	if ((b->plan->powers & needed) == needed)
		return 0;
	(void)err_set(err, EPERM,
		      ERR_AT "mounts[%ld]: mapping the ids of %s needs CAP_SYS_ADMIN in the user "
			     "namespace that mounted its file system",
		      m->config_index, m->source);
	return err_hint(err, "without an ID-mapped mount, chown the files to ids of the container: "
			     "see \"id mapping\" in `usrun explain`");
}

static size_t shared_with(const struct plan_build *b, const struct mount_idmap *wanted)
{
	const struct rootfs_plan *rootfs = &b->plan->rootfs;

	for (size_t i = 0; i < rootfs->n_idmaps; i++)
		if (rootfs->idmaps[i].joined == wanted->joined &&
		    idmap_equal(&rootfs->idmaps[i].write.uid, &wanted->write.uid) &&
		    idmap_equal(&rootfs->idmaps[i].write.gid, &wanted->write.gid))
			return i + 1;
	return 0;
}

int plan_idmap_mount_build(struct plan_build *b, const struct oci_mount *mount,
			   struct mount_entry *m, struct err *err)
{
	struct rootfs_plan *rootfs = &b->plan->rootfs;
	struct mount_idmap wanted = { 0 };
	int r;

	if (!plan_idmap_mount_is_wanted(mount))
		return 0;
	r = find(b, mount, m, &wanted, err);
	if (r == 0)
		r = check(b, m, err);
	if (r < 0)
		return r;
	m->idmap = shared_with(b, &wanted);
	if (m->idmap)
		return 0;
	if (!rootfs->idmaps)
		rootfs->idmaps =
			arena_array(b->arena, b->plan->config->mounts.n, sizeof(*rootfs->idmaps));
	rootfs->idmaps[rootfs->n_idmaps++] = wanted;
	m->idmap = rootfs->n_idmaps;
	return 0;
}

/* The earlier bind mount that shows its whole source at `inside`, with nothing on top of it; or
 * NULL. */
static const struct mount_entry *find_shown(const struct rootfs_plan *rootfs, size_t i,
					    const char *inside)
{
	const struct mount_entry *shown = NULL;

	for (size_t before = 0; before < i; before++) {
		const struct mount_entry *e = &rootfs->mounts[before];
		bool whole = str_equal(e->target, inside) && e->kind == MOUNT_BIND && !e->inside &&
			     !e->idmap && !e->extensions;

		if (whole)
			shown = e;
		else if (path_is_below(inside, e->target) || path_is_below(e->target, inside))
			shown = NULL;
	}
	return shown;
}

static void share_source(const struct mount_entry *shown, struct mount_entry *m)
{
	m->source = shown->source;
	m->inside = NULL;
	m->recursive = m->recursive && shown->recursive;
	m->attr_set |= (shown->attr_set | shown->rattr_set) & ~m->attr_clear;
	m->attr_clear |= (shown->attr_clear | shown->rattr_clear) & ~m->attr_set;
	m->rattr_set |= shown->rattr_set & ~m->rattr_clear;
	m->rattr_clear |= shown->rattr_clear & ~m->rattr_set;
}

/* The mount that is at `inside` before entry i is made, not a bind mount of what another shows; or
 * NULL: the rootfs. */
static const struct mount_entry *find_origin(const struct rootfs_plan *rootfs, size_t i,
					     const char *inside)
{
	const struct mount_entry *origin = NULL;

	for (size_t before = i; before-- > 0 && !origin;)
		if (rootfs->mounts[before].kind != MOUNT_REMOUNT &&
		    path_is_below(inside, rootfs->mounts[before].target))
			origin = &rootfs->mounts[before];
	return origin && origin->inside && !origin->idmap
		       ? find_origin(rootfs, (size_t)(origin - rootfs->mounts), origin->inside)
		       : origin;
}

static bool is_of_the_container(const struct plan_build *b, const struct mount_entry *m)
{
	const struct mount_idmap *map = &b->plan->rootfs.idmaps[m->idmap - 1];

	return map->joined || (idmap_equal(&map->write.uid, &b->plan->idmap.uid) &&
			       idmap_equal(&map->write.gid, &b->plan->idmap.gid));
}

/* The kernel maps the ids of a mount once, for who is privileged over the file system, by a user
 * namespace below his own. Init is that over its own file systems, of which the container's mapping
 * changes nothing; for another it would need a namespace below the container's. */
static int check_origin(const struct plan_build *b, const struct mount_entry *origin,
			struct mount_entry *m, struct err *err)
{
	bool userns = b->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN);
	bool deeper = (m->extensions & ~origin->extensions & (unsigned int)MOUNT_EXT_RIDMAP);

	if (!deeper &&
	    (origin->idmap ? origin->idmap == m->idmap
			   : userns && origin->kind != MOUNT_BIND && is_of_the_container(b, m))) {
		m->idmap = 0;
		return 0;
	}
	if (origin->idmap)
		return err_set(err, EINVAL,
			       ERR_AT
			       "mounts[%ld]: the ids of %s are mapped already, by mounts[%ld], "
			       "and the kernel maps those of a mount once",
			       m->config_index, m->inside, origin->config_index);
	if (!userns)
		return 0;
	if (origin->kind != MOUNT_BIND)
		return err_set(err, EINVAL,
			       ERR_AT
			       "mounts[%ld]: %s is on a file system of the container's user "
			       "namespace (mounts[%ld]), which has the container's ids already",
			       m->config_index, m->inside, origin->config_index);
	(void)err_set(err, EPERM,
		      ERR_AT "mounts[%ld]: the container's user namespace has no rights over the "
			     "file system at %s (mounts[%ld]), so it cannot map the ids there",
		      m->config_index, m->inside, origin->config_index);
	return err_hint(err, "name the directory on the host as the source: it is below %s",
			origin->source);
}

/* Mapping ids requires privileges over the file system, which init lacks in its user namespace: the
 * parent opens the other bind mount's source a second time. */
int plan_idmap_mount_shown(struct plan_build *b, size_t i, struct mount_entry *m, struct err *err)
{
	const struct rootfs_plan *rootfs = &b->plan->rootfs;
	bool userns = b->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN);
	const struct mount_entry *e;

	if (!m->inside || !m->idmap)
		return 0;
	e = userns ? find_shown(rootfs, i, m->inside) : NULL;
	if (e) {
		share_source(e, m);
		return 0;
	}
	e = find_origin(rootfs, i, m->inside);
	return e ? check_origin(b, e, m, err) : 0;
}
