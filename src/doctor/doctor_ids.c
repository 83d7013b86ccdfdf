/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces and the ids in them. */
#include "src/doctor/doctor_parts.h"

#include "src/base/str.h"
#include "src/base/text.h"
#include "src/plan/powers.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Uses the namespace's capabilities: AppArmor may allow creating it, but give it none. */
static int use_rights(struct doctor *d, const void *data, struct err *err)
{
	(void)d;
	(void)data;
	if (unshare(CLONE_NEWUTS) == 0)
		return 0;
	(void)err_errno(err, errno,
			"use a new user namespace: the process has no capabilities in it");
	(void)probe_apparmor_restricts(err); /* for the hint */
	return -err->code;
}

void doctor_ids_userns(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	struct idmap_write map = { .writer = IDMAP_WRITER_SINGLE };
	const struct doctor_trial trial = { .map = &map, .act = use_rights };
	struct err err = { 0 };

	(void)argument;
	(void)idmap_build_default(d->arena, d->facts.caller.uid, NULL, 0, &map.uid);
	(void)idmap_build_default(d->arena, d->facts.caller.gid, NULL, 0, &map.gid);
	if (doctor_trial_run(d, &trial, &err) == 0) {
		doctor_ok(d, ret, "made one, and used a right in it");
		return;
	}
	d->no_userns = true;
	/* A caller that needs no user namespace has containers without one. */
	doctor_say(d, ret, d->map ? DOCTOR_FAIL : DOCTOR_WARN, &err);
}

static uint64_t count_of(const struct subid *ids)
{
	uint64_t n = 0;

	for (size_t i = 0; i < ids->n; i++)
		n += ids->v[i].count;
	return n;
}

/* Finds somebody else's range that overlaps with one of ours: sharing an id means sharing all its
 * files. */
static const char *find_overlap(struct doctor *d, const char *file, const struct subid *own)
{
	const char *next, *line, *name;
	size_t len, name_len;
	char *text, number[16];

	if (text_read(d->arena, file, &text) < 0)
		return NULL;
	(void)snprintf(number, sizeof(number), "%u", d->facts.caller.uid);
	for (next = text; text_line(&next, &line, &len);) {
		uint64_t start, count;

		if (!text_field(line, len, ':', 0, &name, &name_len) ||
		    !text_field_number(line, len, ':', 1, &start) ||
		    !text_field_number(line, len, ':', 2, &count) ||
		    text_is(name, name_len, number) ||
		    (d->facts.caller.name && text_is(name, name_len, d->facts.caller.name)))
			continue;
		for (size_t i = 0; i < own->n; i++)
			if (start < (uint64_t)own->v[i].outside + own->v[i].count &&
			    own->v[i].outside < start + count)
				return arena_strf(d->arena, "%.*s", (int)len, line);
	}
	return NULL;
}

void doctor_ids_subids(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const struct facts *facts = &d->facts;
	const char *other, *file = SUBID_UID_FILE;
	const struct plan *plan;
	struct err err = { 0 };

	(void)argument;
	if (powers_derive(facts, true) & POWER_MAP_DIRECT) {
		doctor_skip(d, ret, "not needed: this caller may map any ids it has");
		return;
	}
	if (doctor_plan(d, NULL, "subid", &plan, &err) < 0) {
		doctor_say(d, ret, DOCTOR_WARN, &err);
		return;
	}
	other = find_overlap(d, SUBID_UID_FILE, &facts->subuid);
	if (!other) {
		file = SUBID_GID_FILE;
		other = find_overlap(d, file, &facts->subgid);
	}
	if (other)
		doctor_warn(d, ret,
			    arena_strf(d->arena, "as root: give each user ranges of his own in %s",
				       file),
			    "ids are shared with another user, who may change files of containers: "
			    "\"%s\" in %s",
			    other, file);
	else if (facts->subuid.unmapped && count_of(&facts->subuid) < SUBID_USUAL_COUNT - 1)
		doctor_warn(d, ret, "start usrun where all ids of the user are mapped",
			    "%llu ids only: the user namespace that usrun runs in has no more",
			    (unsigned long long)count_of(&facts->subuid));
	else if (count_of(&facts->subuid) < SUBID_USUAL_COUNT - 1)
		doctor_warn(d, ret,
			    arena_strf(d->arena,
				       "as root: usermod --add-subuids %u-%u --add-subgids %u-%u "
				       "%s",
				       facts->subuid.unused, facts->subuid.unused + 65535,
				       facts->subgid.unused, facts->subgid.unused + 65535,
				       facts->caller.name ? facts->caller.name : "USER"),
			    "%llu ids only: images have files of ids up to 65534",
			    (unsigned long long)count_of(&facts->subuid));
	else
		doctor_ok(d, ret, "%llu of them in %s",
			  (unsigned long long)count_of(&facts->subuid), facts->subuid.source);
}

static int nothing(struct doctor *d, const void *data, struct err *err)
{
	(void)d;
	(void)data;
	(void)err;
	return 0;
}

void doctor_ids_map(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const struct doctor_trial trial = { .map = d->plan ? &d->plan->idmap : NULL,
					    .act = nothing };
	struct err err = { 0 };

	(void)argument;
	if (!d->plan) {
		doctor_say(d, ret, DOCTOR_FAIL, &d->plan_failed);
	} else if (!d->map) {
		doctor_skip(d, ret, "containers of this caller need no user namespace");
	} else if (d->no_userns) {
		doctor_skip(d, ret, "needs user-namespace");
	} else if (doctor_trial_run(d, &trial, &err) < 0) {
		doctor_say(d, ret, DOCTOR_FAIL, &err);
	} else {
		d->map = &d->plan->idmap;
		doctor_ok(d, ret, "wrote that of a container: %zu %s of uids%s", d->map->uid.n,
			  d->map->uid.n == 1 ? "range" : "ranges",
			  d->map->writer == IDMAP_WRITER_HELPER ? ", by newuidmap" : "");
	}
}

static bool is_mapped(const struct idmap *map, uint32_t id)
{
	return idmap_to_container(map, id) >= 0;
}

void doctor_ids_groups(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	const struct caller *caller = &d->facts.caller;
	_cleanup_str_ struct str list = { 0 };

	(void)argument;
	for (size_t i = 0; d->map && i < caller->n_groups; i++)
		if (!is_mapped(&d->map->gid, caller->groups[i]))
			str_addf(&list, "%s%u", list.len ? ", " : "", caller->groups[i]);
	if (list.len)
		doctor_ok(d, ret,
			  "%s: not in containers, unless the annotation "
			  "run.oci.keep_original_groups keeps what they let the caller reach",
			  list.s);
	else
		doctor_ok(d, ret, "containers have all that the caller has");
}
