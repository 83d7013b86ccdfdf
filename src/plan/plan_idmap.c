/* SPDX-License-Identifier: Apache-2.0 */
/* Which ids the container gets, and who may write that down. */
#include "src/plan/plan_parts.h"

#include "src/base/str.h"
#include "src/oci/mount_options.h"

#include <stdlib.h>
#include <string.h>

/* The ranges of a list of the config. */
static struct idmap ranges_of(struct arena *arena, const oci_id_mappings *list)
{
	struct idmap_range *ranges = arena_array(arena, list->n, sizeof(*ranges));

	for (size_t i = 0; i < list->n; i++)
		ranges[i] = (struct idmap_range){ .inside = (uint32_t)list->v[i].container_id.v,
						  .outside = (uint32_t)list->v[i].host_id.v,
						  .count = (uint32_t)list->v[i].size.v };
	return (struct idmap){ .v = ranges, .n = list->n };
}

/* Maps cut such that the kernel takes them below the caller's namespace. Those of a config that
 * newuidmap is to write are left as they are: it checks them itself. */
static int split(struct plan_build *b, struct idmap_write *write, struct err *err)
{
	const struct caller *caller = &b->plan->facts->caller;
	int r = 0;

	/* The kernel refuses a range that spans two of the enclosing namespace. */
	if (!caller->initial_userns)
		r = idmap_split(b->arena, &write->uid, &caller->uid_map, &write->uid, err);
	if (r == 0 && !caller->initial_userns)
		r = idmap_split(b->arena, &write->gid, &caller->gid_map, &write->gid, err);
	return r;
}

static void set_single(struct arena *arena, const struct caller *caller, struct idmap_write *write)
{
	write->writer = IDMAP_WRITER_SINGLE;
	idmap_build_default(arena, caller->uid, NULL, 0, &write->uid);
	idmap_build_default(arena, caller->gid, NULL, 0, &write->gid);
}

static const char *add_option(struct arena *arena, const char *option, uint32_t first)
{
	return arena_strf(arena, " %s %u-%u", option, first, first + SUBID_USUAL_COUNT - 1);
}

/* The user has ids, and usrun runs where they are not to be had. */
static bool are_unmapped(const struct facts *facts)
{
	return (facts->subuid.unmapped && !facts->subuid.n) ||
	       (facts->subgid.unmapped && !facts->subgid.n);
}

/* The line that gives a user ids: a range that nobody has, where that is known. */
static const char *add_ranges_advice(struct plan_build *b)
{
	const struct facts *facts = b->plan->facts;
	const char *name = facts->caller.name;
	uint32_t uids = facts->subuid.unused ? facts->subuid.unused : SUBID_FIRST;
	uint32_t gids = facts->subgid.unused ? facts->subgid.unused : SUBID_FIRST;

	if (are_unmapped(facts))
		return "start usrun where they are mapped (systemd: PrivateUsers=no; podman, "
		       "docker: a container with more ids), or use one id only: --map=single";
	if (!name)
		return arena_strf(
			b->arena,
			"as root: echo %u:%u:%u >>/etc/subuid; echo %u:%u:%u >>/etc/subgid",
			facts->caller.uid, uids, (uint32_t)SUBID_USUAL_COUNT, facts->caller.uid,
			gids, (uint32_t)SUBID_USUAL_COUNT);
	return arena_strf(b->arena, "as root: usermod%s%s %s",
			  facts->subuid.n ? "" : add_option(b->arena, "--add-subuids", uids),
			  facts->subgid.n ? "" : add_option(b->arena, "--add-subgids", gids), name);
}

/* Why only one id can be mapped, and what to install or add. */
static const char *why_no_ranges(struct plan_build *b, const char **ret_advice)
{
	const struct facts *facts = b->plan->facts;
	const struct {
		const char *name;
		const struct probe_helper_result *result;
	} helpers[] = { { "newuidmap", &facts->newuidmap }, { "newgidmap", &facts->newgidmap } };

	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		if (helpers[i].result->state == PROBE_HELPER_OK || are_unmapped(facts))
			continue;
		*ret_advice = probe_helper_advice(b->arena, helpers[i].name, helpers[i].result);
		return probe_helper_why(b->arena, helpers[i].name, helpers[i].result);
	}
	*ret_advice = add_ranges_advice(b);
	return arena_strf(b->arena, "no subordinate ids: %s",
			  facts->subuid.n == 0 && facts->subuid.missing ? facts->subuid.missing
			  : facts->subgid.missing                       ? facts->subgid.missing
									: "none given");
}

/* --map=keep: what the process writes is the caller's, with its own number inside. */
static void keep_own(struct plan_build *b, struct idmap_write *write)
{
	const struct oci_process *process = b->plan->config->process;
	const struct oci_user *user = process ? process->user : NULL;

	if (!user || !str_equal(b->plan->options->map, "keep"))
		return;
	write->uid = idmap_move_own(b->arena, &write->uid, (uint32_t)user->uid.v);
	write->gid = idmap_move_own(b->arena, &write->gid, (uint32_t)user->gid.v);
}

static int rootless_default(struct plan_build *b, struct err *err)
{
	const char *mode = b->plan->options->map ? b->plan->options->map : "auto";
	const struct facts *facts = b->plan->facts;
	struct idmap_write *write = &b->plan->idmap;
	const char *why, *advice;

	if (str_equal(mode, "single")) {
		set_single(b->arena, &facts->caller, write);
		b->plan->powers &= ~(uint32_t)POWER_SETGROUPS;
		return 0;
	}
	if (b->plan->powers & POWER_MAP_HELPER) {
		write->writer = IDMAP_WRITER_HELPER;
		idmap_build_default(b->arena, facts->caller.uid, facts->subuid.v, facts->subuid.n,
				    &write->uid);
		idmap_build_default(b->arena, facts->caller.gid, facts->subgid.v, facts->subgid.n,
				    &write->gid);
		keep_own(b, write);
		return split(b, write, err);
	}
	why = why_no_ranges(b, &advice);
	if (str_equal(mode, "subid")) {
		(void)err_set(err, EINVAL, "map subordinate ids (--map=subid): %s", why);
		if (advice)
			err_hint(err, "%s", advice);
		return -EINVAL;
	}
	set_single(b->arena, &facts->caller, write);
	keep_own(b, write);
	b->plan->powers &= ~(uint32_t)POWER_SETGROUPS;
	b->plan->why_idmap = why;
	plan_parts_warn(b, "the container has a single id (%u is you): %s%s%s",
			write->uid.v[0].inside, why, advice ? "; " : "", advice ? advice : "");
	return 0;
}

/* A caller with the rights over its ids that names no mapping: the ids it has, unchanged. */
static int identity_default(struct plan_build *b, struct idmap_write *write)
{
	const struct caller *caller = &b->plan->facts->caller;
	const struct idmap *own[2] = { &caller->uid_map, &caller->gid_map };
	struct idmap *maps[2] = { &write->uid, &write->gid };

	for (int which = 0; which < 2; which++) {
		struct idmap_range *ranges = arena_array(b->arena, own[which]->n, sizeof(*ranges));

		for (size_t i = 0; i < own[which]->n; i++)
			ranges[i] = (struct idmap_range){ .inside = own[which]->v[i].inside,
							  .outside = own[which]->v[i].inside,
							  .count = own[which]->v[i].count };
		*maps[which] = (struct idmap){ .v = ranges, .n = own[which]->n };
	}
	write->writer = IDMAP_WRITER_SELF;
	if (!b->plan->options->sandbox) /* whose config says so on purpose */
		plan_parts_warn(b, "linux.uidMappings is absent: the ids of the caller are mapped "
				   "unchanged");
	return 0;
}

/* newuidmap would refuse it too, but only once half of the container is there. */
static int check_ranges(struct plan_build *b, const char *property, const struct idmap *map,
			const struct subid *subid, struct err *err)
{
	bool uid = map == &b->plan->idmap.uid;
	uint32_t own = uid ? b->plan->facts->caller.uid : b->plan->facts->caller.gid, missing;

	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_range *r = &map->v[i];

		if ((r->count == 1 && r->outside == own) ||
		    !idmap_find_missing(subid->v, subid->n, r->outside, r->count, &missing))
			continue;
		(void)err_set(err, EPERM,
			      ERR_AT
			      "linux.%s[%zu]: the host's %s %u is not the caller's to map "
			      "(%u to %u is asked for): it is neither its own, %u, nor in %s",
			      property, i, uid ? "uid" : "gid", missing, r->outside,
			      r->outside + r->count - 1, own,
			      subid->source ? subid->source
			      : uid         ? SUBID_UID_FILE
					    : SUBID_GID_FILE);
		return err_hint(
			err,
			"hostID is an id of the host: `usrun facts` lists the caller's; without "
			"linux.uidMappings and linux.gidMappings usrun maps all of them");
	}
	return 0;
}

static int choose_writer(struct plan_build *b, struct err *err)
{
	const struct caller *caller = &b->plan->facts->caller;
	struct idmap_write *write = &b->plan->idmap;
	const char *why, *advice;
	int r;

	if (b->plan->powers & POWER_MAP_DIRECT) {
		write->writer = IDMAP_WRITER_SELF;
		r = split(b, write, err);
		return r < 0 ? err_prefix(err, ERR_AT "linux.uidMappings, linux.gidMappings") : 0;
	}
	if (idmap_is_single(&write->uid, caller->uid) &&
	    idmap_is_single(&write->gid, caller->gid)) {
		write->writer = IDMAP_WRITER_SINGLE;
		b->plan->powers &= ~(uint32_t)POWER_SETGROUPS;
		return 0;
	}
	if (b->plan->powers & POWER_MAP_HELPER) {
		write->writer = IDMAP_WRITER_HELPER;
		r = check_ranges(b, "uidMappings", &write->uid, &b->plan->facts->subuid, err);
		return r < 0 ? r
			     : check_ranges(b, "gidMappings", &write->gid, &b->plan->facts->subgid,
					    err);
	}
	why = why_no_ranges(b, &advice);
	(void)err_set(err, EINVAL,
		      ERR_AT "linux.uidMappings: more than the caller's own id needs "
			     "newuidmap: %s",
		      why);
	if (advice)
		err_hint(err, "%s", advice);
	return -EINVAL;
}

int plan_idmap_build(struct plan_build *b, struct err *err)
{
	const struct oci_linux *linux_ = b->plan->config->linux_;
	struct idmap_write *write = &b->plan->idmap;
	int r;

	if (!(b->plan->flags & PLAN_USERNS_NEW))
		return 0;
	write->newuidmap = b->plan->facts->newuidmap.path;
	write->newgidmap = b->plan->facts->newgidmap.path;
	if (!linux_ || !linux_->uid_mappings.n)
		return b->plan->powers & POWER_MAP_DIRECT ? identity_default(b, write)
							  : rootless_default(b, err);
	write->uid = ranges_of(b->arena, &linux_->uid_mappings);
	write->gid = ranges_of(b->arena, &linux_->gid_mappings);
	r = idmap_check(&write->uid, "uid", "range", err);
	if (r < 0)
		return err_prefix(err, ERR_AT "linux.uidMappings");
	r = idmap_check(&write->gid, "gid", "range", err);
	if (r < 0)
		return err_prefix(err, ERR_AT "linux.gidMappings");
	return choose_writer(b, err);
}

/* Mounts with mapped ids: through which mapping the owners of a tree are seen. It comes from the
 * mount's own uidMappings and gidMappings, from crun's "idmap=uids=DISK-HOST-COUNT#…;gids=…", or is
 * that of the container's user namespace.
 *
 * The kernel takes mappings as user namespaces, and only from who has CAP_SYS_ADMIN in the user
 * namespace that mounted the file system: usrun itself, before the clone. */

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

static bool is_wanted(const struct oci_mount *mount)
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

/* A range whose host side is given in ids of the container ("@1-3-10"): one range for each part of
 * the container's map that it touches. */
static int add_relative(struct plan_build *b, const struct idmap *container,
			const struct idmap_range *range, struct idmap *ret, struct err *err)
{
	const struct idmap one = { .v = range, .n = 1 };
	struct idmap split, above = { 0 };
	struct idmap_range *v;
	int r = 0;

	if (idmap_is_empty(container)) /* no user namespace: the container's ids are the host's */
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
	return err_hint(
		err, "it is idmap=uids=DISK-HOST-COUNT#…;gids=DISK-HOST-COUNT#…, with @ before a "
		     "range whose HOST is an id of the container");
}

/* "0-1-10#@10-11-10", up to ";" or the end. -EINVAL without a text where it is something else. */
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

/* Ranges of the config, made such that usrun can write them. */
static int fit(struct plan_build *b, const struct mount_entry *m, struct idmap_write *write,
	       struct err *err)
{
	int r = idmap_check(&write->uid, "uid", "uidMappings", err);

	if (r == 0)
		r = idmap_check(&write->gid, "gid", "gidMappings", err);
	if (r == 0)
		r = split(b, write, err);
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
		ret->write.uid = ranges_of(b->arena, &mount->uid_mappings);
		ret->write.gid = ranges_of(b->arena, &mount->gid_mappings);
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

/* What can be known before the kernel is asked. */
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
		      ERR_AT "mounts[%ld]: mapping the ids of %s takes CAP_SYS_ADMIN in the "
			     "user namespace that mounted its file system",
		      m->config_index, m->source);
	return err_hint(err,
			"without an id-mapped mount: give the files to ids of the container, see "
			"\"id mapping\" in `usrun explain`");
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

int plan_idmap_build_mount(struct plan_build *b, const struct oci_mount *mount,
			   struct mount_entry *m, struct err *err)
{
	struct rootfs_plan *rootfs = &b->plan->rootfs;
	struct mount_idmap wanted = { 0 };
	int r;

	if (!is_wanted(mount))
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
