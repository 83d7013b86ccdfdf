/* SPDX-License-Identifier: Apache-2.0 */
/* Which ids the container gets, and who may write its maps. */
#include "src/plan/plan_parts.h"

#include "src/base/str.h"

struct idmap plan_idmap_ranges(struct arena *arena, const oci_id_mappings *list)
{
	struct idmap_range *ranges = arena_array(arena, list->n, sizeof(*ranges));

	for (size_t i = 0; i < list->n; i++)
		ranges[i] = (struct idmap_range){ .inside = (uint32_t)list->v[i].container_id.v,
						  .outside = (uint32_t)list->v[i].host_id.v,
						  .count = (uint32_t)list->v[i].size.v };
	return (struct idmap){ .v = ranges, .n = list->n };
}

/* Maps of a config for newuidmap stay as they are, because it checks them itself. */
int plan_idmap_split(struct plan_build *b, struct idmap_write *write, struct err *err)
{
	const struct caller *caller = &b->plan->facts->caller;
	int r = 0;

	/* The kernel refuses a range that spans two of the parent namespace. */
	if (!caller->initial_userns)
		r = idmap_split(b->arena, &write->uid, &caller->uid_map, &write->uid, err);
	if (r == 0 && !caller->initial_userns)
		r = idmap_split(b->arena, &write->gid, &caller->gid_map, &write->gid, err);
	return r;
}

static void set_single(struct arena *arena, const struct caller *caller, struct idmap_write *write)
{
	write->writer = IDMAP_WRITER_SINGLE;
	(void)idmap_build_default(arena, caller->uid, NULL, 0, &write->uid);
	(void)idmap_build_default(arena, caller->gid, NULL, 0, &write->gid);
}

static const char *add_option(struct arena *arena, const char *option, uint32_t first)
{
	return arena_strf(arena, " %s %u-%u", option, first, first + SUBID_USUAL_COUNT - 1);
}

/* Whether the user has subordinate ids that are not mapped where usrun runs. */
static bool are_unmapped(const struct facts *facts)
{
	return (facts->subuid.unmapped && !facts->subuid.n) ||
	       (facts->subgid.unmapped && !facts->subgid.n);
}

/* The command that gives a user ids: a range that nobody has, if one is known. */
static const char *add_ranges_advice(struct plan_build *b)
{
	const struct facts *facts = b->plan->facts;
	const char *name = facts->caller.name;
	uint32_t uids = facts->subuid.unused ? facts->subuid.unused : SUBID_FIRST;
	uint32_t gids = facts->subgid.unused ? facts->subgid.unused : SUBID_FIRST;

	if (are_unmapped(facts))
		return "start usrun where they are mapped (systemd: PrivateUsers=no; podman, "
		       "docker: a container with more ids), or use one id only: --map=single, "
		       "without linux.uidMappings";
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
		*ret_advice = probe_helper_advice(b->arena, helpers[i].result);
		return probe_helper_why(b->arena, helpers[i].name, helpers[i].result);
	}
	*ret_advice = add_ranges_advice(b);
	return arena_strf(b->arena, "no subordinate ids: %s",
			  facts->subuid.n == 0 && facts->subuid.missing ? facts->subuid.missing
			  : facts->subgid.missing                       ? facts->subgid.missing
									: "none given");
}

/* --map=keep: maps the caller to itself, so that it owns the files that the process writes. */
static void keep_own(struct plan_build *b, struct idmap_write *write)
{
	const struct oci_process *process = b->plan->config->process;
	const struct oci_user *user = process ? process->user : NULL;

	if (!user || !str_equal(b->plan->options->map, "keep"))
		return;
	write->uid = idmap_move_own(b->arena, &write->uid, (uint32_t)user->uid.v);
	write->gid = idmap_move_own(b->arena, &write->gid, (uint32_t)user->gid.v);
}

/* Nobody chose these ranges, so those that the kernel has no room for are no error. */
static void set_subordinate(struct plan_build *b, struct idmap_write *write)
{
	const struct facts *facts = b->plan->facts;

	write->writer = IDMAP_WRITER_HELPER;
	if (!idmap_build_default(b->arena, facts->caller.uid, facts->subuid.v, facts->subuid.n,
				 &write->uid))
		plan_parts_warn(b, "only the first %zu ranges of subordinate uids fit into one map",
				write->uid.n - 1);
	if (!idmap_build_default(b->arena, facts->caller.gid, facts->subgid.v, facts->subgid.n,
				 &write->gid))
		plan_parts_warn(b, "only the first %zu ranges of subordinate gids fit into one map",
				write->gid.n - 1);
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
		set_subordinate(b, write);
		keep_own(b, write);
		return plan_idmap_split(b, write, err);
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

/* Maps the caller's ids unchanged, if it may write such a map and names no other. */
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
	if (!b->plan->options->sandbox) /* do asks for this on purpose */
		plan_parts_warn(b, "linux.uidMappings is absent: the ids of the caller are mapped "
				   "unchanged");
	return 0;
}

/* Checked early: newuidmap would refuse the map, too, but only when half of the container
 * exists. */
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
		r = plan_idmap_split(b, write, err);
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
	write->uid = plan_idmap_ranges(b->arena, &linux_->uid_mappings);
	write->gid = plan_idmap_ranges(b->arena, &linux_->gid_mappings);
	r = idmap_check(&write->uid, "uid", "range", err);
	if (r < 0)
		return err_prefix(err, ERR_AT "linux.uidMappings");
	r = idmap_check(&write->gid, "gid", "range", err);
	if (r < 0)
		return err_prefix(err, ERR_AT "linux.gidMappings");
	return choose_writer(b, err);
}
