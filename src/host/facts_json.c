/* SPDX-License-Identifier: Apache-2.0 */
/* Parts not gathered are absent from the document, and so are texts that are NULL. */
#include "src/host/facts.h"

#include "src/host/facts_names.h"
#include "src/oci/names.h"

#include <stdio.h>

static void write_text(struct json_write *w, const char *key, const char *text)
{
	if (text)
		json_write_string(w, key, text);
}

/* As in /proc/PID/status, for `capsh --decode=`. */
static void write_caps(struct json_write *w, const char *key, uint64_t caps)
{
	char text[20];

	(void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)caps);
	json_write_string(w, key, text);
}

static void write_map(struct json_write *w, const char *key, const struct idmap *map)
{
	json_write_array(w, key);
	for (size_t i = 0; i < map->n; i++) {
		json_write_object(w, NULL);
		json_write_uint(w, "inside", map->v[i].inside);
		json_write_uint(w, "outside", map->v[i].outside);
		json_write_uint(w, "count", map->v[i].count);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_caller(struct json_write *w, const struct facts *facts)
{
	const struct caller *caller = &facts->caller;

	json_write_object(w, "caller");
	json_write_uint(w, "uid", caller->uid);
	json_write_uint(w, "gid", caller->gid);
	write_text(w, "name", caller->name);
	json_write_array(w, "groups");
	for (size_t i = 0; i < caller->n_groups; i++)
		json_write_uint(w, NULL, caller->groups[i]);
	json_write_end(w);
	json_write_bool(w, "initialUserns", caller->initial_userns);
	json_write_bool(w, "ownsMounts", caller->owns_mounts);
	json_write_bool(w, "setgroupsAllowed", caller->setgroups_allowed);
	json_write_bool(w, "noNewPrivs", caller->no_new_privs);
	write_caps(w, "capEffective", caller->caps_effective);
	write_caps(w, "capBounding", caller->caps_bounding);
	write_caps(w, "signalsIgnored", caller->signals_ignored);
	json_write_end(w);
}

static void write_subid(struct json_write *w, const char *key, const struct subid *subid)
{
	json_write_object(w, key);
	write_text(w, "source", subid->source);
	write_text(w, "missing", subid->missing);
	if (subid->unmapped)
		json_write_bool(w, "unmapped", true);
	if (subid->unused)
		json_write_uint(w, "unused", subid->unused);
	json_write_array(w, "ranges");
	for (size_t i = 0; i < subid->n; i++) {
		json_write_object(w, NULL);
		json_write_uint(w, "start", subid->v[i].outside);
		json_write_uint(w, "count", subid->v[i].count);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_end(w);
}

static void write_helper(struct json_write *w, const char *key,
			 const struct probe_helper_result *helper)
{
	json_write_object(w, key);
	json_write_string(w, "state", json_read_enum_name(facts_names_helpers, (int)helper->state));
	write_text(w, "path", helper->path);
	json_write_end(w);
}

static void write_userns(struct json_write *w, const struct facts *facts)
{
	json_write_object(w, "userns");
	write_map(w, "uidMap", &facts->caller.uid_map);
	write_map(w, "gidMap", &facts->caller.gid_map);
	write_subid(w, "subuid", &facts->subuid);
	write_subid(w, "subgid", &facts->subgid);
	write_helper(w, "newuidmap", &facts->newuidmap);
	write_helper(w, "newgidmap", &facts->newgidmap);
	json_write_end(w);
}

static void write_cgroup(struct json_write *w, const struct facts_cgroup *cgroup)
{
	json_write_object(w, "cgroup");
	json_write_string(w, "mode", json_read_enum_name(facts_names_modes, (int)cgroup->mode));
	json_write_bool(w, "ownWritable", cgroup->own_writable);
	json_write_bool(w, "ownDelegated", cgroup->own_delegated);
	json_write_bool(w, "ownShared", cgroup->own_shared);
	json_write_bool(w, "parentWritable", cgroup->parent_writable);
	write_text(w, "controllers", cgroup->controllers);
	json_write_array(w, "hierarchies");
	for (size_t i = 0; i < cgroup->n; i++) {
		json_write_object(w, NULL);
		json_write_string(w, "controllers", cgroup->v[i].controllers);
		json_write_string(w, "mount", cgroup->v[i].mount);
		json_write_string(w, "own", cgroup->v[i].own);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_end(w);
}

static void write_systemd(struct json_write *w, const struct facts_systemd *systemd)
{
	json_write_object(w, "systemd");
	json_write_bool(w, "system", systemd->system);
	write_text(w, "userRuntimeDir", systemd->user_dir);
	write_text(w, "unanswered", systemd->why);
	json_write_end(w);
}

static void write_kernel(struct json_write *w, const struct facts *facts)
{
	json_write_object(w, "kernel");
	write_text(w, "release", facts->kernel_release);
	write_text(w, "lsm", facts->lsm);
	json_write_end(w);
}

static void write_limits(struct json_write *w, const struct facts *facts)
{
	json_write_array(w, "limits");
	for (int resource = 0; resource < FACTS_N_LIMITS; resource++) {
		if (!(facts->parts & facts_limit(resource)))
			continue;
		json_write_object(w, NULL);
		json_write_string(w, "type", json_read_enum_name(names_rlimits, resource));
		json_write_uint(w, "soft", facts->limits[resource].soft);
		json_write_uint(w, "hard", facts->limits[resource].hard);
		json_write_end(w);
	}
	json_write_end(w);
}

void facts_json_write(struct json_write *w, const struct facts *facts)
{
	json_write_object(w, NULL);
	json_write_uint(w, "usrunFacts", FACTS_NAMES_VERSION);
	write_text(w, "runtimeDir", facts->runtime_dir);
	write_caller(w, facts);
	if (facts->parts & FACTS_USERNS)
		write_userns(w, facts);
	if (facts->parts & FACTS_CGROUP)
		write_cgroup(w, &facts->cgroup);
	if (facts->parts & FACTS_SYSTEMD)
		write_systemd(w, &facts->systemd);
	if (facts->parts & FACTS_KERNEL)
		write_kernel(w, facts);
	if (facts->parts & FACTS_LIMITS)
		write_limits(w, facts);
	json_write_end(w);
}
