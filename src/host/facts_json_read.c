/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/facts.h"

#include "src/base/json_text.h"
#include "src/host/facts_names.h"
#include "src/oci/names.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct doc_caller {
	struct json_uint uid, gid;
	const char *name, *effective, *bounding, *ignored;
	JSON_LIST(int64_t) groups;
	struct json_bool initial_userns, owns_mounts, setgroups_allowed, no_new_privs;
};

struct doc_range { /* a map has all three; subordinate ids have outside ("start") and count */
	struct json_uint inside, outside, count;
};

struct doc_subid {
	const char *source, *missing;
	struct json_bool unmapped;
	struct json_uint unused;
	JSON_LIST(struct doc_range) ranges;
};

struct doc_userns {
	JSON_LIST(struct doc_range) uid_map;
	JSON_LIST(struct doc_range) gid_map;
	struct doc_subid *subuid, *subgid;
	struct probe_helper_result *newuidmap, *newgidmap;
};

struct doc_cgroup {
	enum facts_cgroup_mode mode;
	struct json_bool own_writable, own_delegated, own_shared, parent_writable;
	const char *controllers;
	JSON_LIST(struct facts_hierarchy) hierarchies;
};

struct doc_systemd {
	struct json_bool system;
	const char *user_dir, *why;
};

struct doc_limit {
	int type;
	struct json_uint soft, hard;
};

struct doc {
	struct json_uint version;
	const char *runtime_dir;
	struct doc_caller *caller;
	struct doc_userns *userns;
	struct doc_cgroup *cgroup;
	struct doc_systemd *systemd;
	struct facts *kernel;
	JSON_LIST(struct doc_limit) limits;
};

#define FIELD(k, what, how, of, member, ...)                                                       \
	{                                                                                          \
		.key = (k), .kind = JSON_##what, .flags = (how),                                   \
		.offset = offsetof(struct of, member), __VA_ARGS__                                 \
	}
#define TYPE(name, of)                                                                             \
	static const struct json_type name##_type = {                                              \
		.size = sizeof(struct of),                                                         \
		.fields = name##_fields,                                                           \
		.n_fields = sizeof(name##_fields) / sizeof(name##_fields[0]),                      \
	}

static const struct json_field caller_fields[] = {
	FIELD("uid", UINT, JSON_REQUIRED, doc_caller, uid, JSON_RANGE(.umax = UINT32_MAX)),
	FIELD("gid", UINT, JSON_REQUIRED, doc_caller, gid, JSON_RANGE(.umax = UINT32_MAX)),
	FIELD("name", STRING, 0, doc_caller, name),
	FIELD("groups", INTS, 0, doc_caller, groups, JSON_RANGE(.imax = UINT32_MAX)),
	FIELD("initialUserns", BOOL, JSON_REQUIRED, doc_caller, initial_userns),
	FIELD("ownsMounts", BOOL, JSON_REQUIRED, doc_caller, owns_mounts),
	FIELD("setgroupsAllowed", BOOL, JSON_REQUIRED, doc_caller, setgroups_allowed),
	FIELD("noNewPrivs", BOOL, 0, doc_caller, no_new_privs),
	FIELD("capEffective", STRING, JSON_REQUIRED, doc_caller, effective),
	FIELD("capBounding", STRING, JSON_REQUIRED, doc_caller, bounding),
	FIELD("signalsIgnored", STRING, 0, doc_caller, ignored),
};
TYPE(caller, doc_caller);

static const struct json_field map_fields[] = {
	FIELD("inside", UINT, JSON_REQUIRED, doc_range, inside, JSON_RANGE(.umax = UINT32_MAX)),
	FIELD("outside", UINT, JSON_REQUIRED, doc_range, outside, JSON_RANGE(.umax = UINT32_MAX)),
	FIELD("count", UINT, JSON_REQUIRED, doc_range, count, JSON_RANGE(.umax = UINT32_MAX)),
};
TYPE(map, doc_range);

static const struct json_field subid_range_fields[] = {
	FIELD("start", UINT, JSON_REQUIRED, doc_range, outside, JSON_RANGE(.umax = UINT32_MAX)),
	FIELD("count", UINT, JSON_REQUIRED, doc_range, count, JSON_RANGE(.umax = UINT32_MAX)),
};
TYPE(subid_range, doc_range);

static const struct json_field subid_fields[] = {
	FIELD("source", STRING, 0, doc_subid, source),
	FIELD("missing", STRING, 0, doc_subid, missing),
	FIELD("unmapped", BOOL, 0, doc_subid, unmapped),
	FIELD("unused", UINT, 0, doc_subid, unused, JSON_RANGE(.umax = UINT32_MAX)),
	FIELD("ranges", OBJECTS, 0, doc_subid, ranges, .type = &subid_range_type),
};
TYPE(subid, doc_subid);

static const struct json_field helper_fields[] = {
	FIELD("state", ENUM, JSON_REQUIRED, probe_helper_result, state,
	      .names = facts_names_helpers),
	FIELD("path", STRING, JSON_ABSOLUTE, probe_helper_result, path),
};
TYPE(helper, probe_helper_result);

static const struct json_field userns_fields[] = {
	FIELD("uidMap", OBJECTS, JSON_REQUIRED, doc_userns, uid_map, .type = &map_type),
	FIELD("gidMap", OBJECTS, JSON_REQUIRED, doc_userns, gid_map, .type = &map_type),
	FIELD("subuid", OBJECT, JSON_REQUIRED, doc_userns, subuid, .type = &subid_type),
	FIELD("subgid", OBJECT, JSON_REQUIRED, doc_userns, subgid, .type = &subid_type),
	FIELD("newuidmap", OBJECT, JSON_REQUIRED, doc_userns, newuidmap, .type = &helper_type),
	FIELD("newgidmap", OBJECT, JSON_REQUIRED, doc_userns, newgidmap, .type = &helper_type),
};
TYPE(userns, doc_userns);

static const struct json_field hierarchy_fields[] = {
	FIELD("controllers", STRING, JSON_REQUIRED, facts_hierarchy, controllers),
	FIELD("mount", STRING, JSON_REQUIRED | JSON_ABSOLUTE, facts_hierarchy, mount),
	FIELD("own", STRING, JSON_REQUIRED | JSON_ABSOLUTE, facts_hierarchy, own),
};
TYPE(hierarchy, facts_hierarchy);

static const struct json_field cgroup_fields[] = {
	FIELD("mode", ENUM, JSON_REQUIRED, doc_cgroup, mode, .names = facts_names_modes),
	FIELD("ownWritable", BOOL, 0, doc_cgroup, own_writable),
	FIELD("ownDelegated", BOOL, 0, doc_cgroup, own_delegated),
	FIELD("ownShared", BOOL, 0, doc_cgroup, own_shared),
	FIELD("parentWritable", BOOL, 0, doc_cgroup, parent_writable),
	FIELD("controllers", STRING, 0, doc_cgroup, controllers),
	FIELD("hierarchies", OBJECTS, 0, doc_cgroup, hierarchies, .type = &hierarchy_type),
};
TYPE(cgroup, doc_cgroup);

static const struct json_field systemd_fields[] = {
	FIELD("system", BOOL, JSON_REQUIRED, doc_systemd, system),
	FIELD("userRuntimeDir", STRING, JSON_ABSOLUTE, doc_systemd, user_dir),
	FIELD("unanswered", STRING, 0, doc_systemd, why),
};
TYPE(systemd, doc_systemd);

static const struct json_field kernel_fields[] = {
	FIELD("release", STRING, 0, facts, kernel_release),
	FIELD("lsm", STRING, 0, facts, lsm),
};
TYPE(kernel, facts);

static const struct json_field limit_fields[] = {
	FIELD("type", ENUM, JSON_REQUIRED, doc_limit, type, .names = names_rlimits),
	FIELD("soft", UINT, JSON_REQUIRED, doc_limit, soft, JSON_RANGE(.umax = UINT64_MAX)),
	FIELD("hard", UINT, JSON_REQUIRED, doc_limit, hard, JSON_RANGE(.umax = UINT64_MAX)),
};
TYPE(limit, doc_limit);

static const struct json_field doc_fields[] = {
	FIELD("usrunFacts", UINT, JSON_REQUIRED, doc, version,
	      JSON_RANGE(.umin = FACTS_NAMES_VERSION, .umax = FACTS_NAMES_VERSION)),
	FIELD("runtimeDir", STRING, 0, doc, runtime_dir),
	FIELD("caller", OBJECT, JSON_REQUIRED, doc, caller, .type = &caller_type),
	FIELD("userns", OBJECT, 0, doc, userns, .type = &userns_type),
	FIELD("cgroup", OBJECT, 0, doc, cgroup, .type = &cgroup_type),
	FIELD("systemd", OBJECT, 0, doc, systemd, .type = &systemd_type),
	FIELD("kernel", OBJECT, 0, doc, kernel, .type = &kernel_type),
	FIELD("limits", OBJECTS, 0, doc, limits, .type = &limit_type),
};
TYPE(doc, doc);

static int parse_mask(const char *text, const char *key, uint64_t *ret, struct err *err)
{
	size_t len = strlen(text);
	char quoted[JSON_TEXT_QUOTE];

	if (len == 0 || len > 16 || strspn(text, "0123456789abcdefABCDEF") != len)
		return err_set(err, EINVAL,
			       "caller.%s: expected up to 16 hexadecimal digits, got %s", key,
			       json_text_quote(quoted, text));
	*ret = strtoull(text, NULL, 16);
	return 0;
}

static int take_caller(struct arena *arena, const struct doc_caller *doc, struct caller *ret,
		       struct err *err)
{
	uint32_t *groups = arena_array(arena, doc->groups.n, sizeof(*groups));
	int r = parse_mask(doc->effective, "capEffective", &ret->caps_effective, err);

	for (size_t i = 0; i < doc->groups.n; i++)
		groups[i] = (uint32_t)doc->groups.v[i];
	ret->uid = (uint32_t)doc->uid.v;
	ret->gid = (uint32_t)doc->gid.v;
	ret->name = doc->name;
	ret->groups = groups;
	ret->n_groups = doc->groups.n;
	ret->initial_userns = doc->initial_userns.v;
	ret->owns_mounts = doc->owns_mounts.v;
	ret->setgroups_allowed = doc->setgroups_allowed.v;
	ret->no_new_privs = doc->no_new_privs.v;
	if (r == 0)
		r = parse_mask(doc->bounding, "capBounding", &ret->caps_bounding, err);
	if (r == 0 && doc->ignored)
		r = parse_mask(doc->ignored, "signalsIgnored", &ret->signals_ignored, err);
	return r;
}

static struct idmap_range *take_ranges(struct arena *arena, const struct doc_range *v, size_t n)
{
	struct idmap_range *ranges = arena_array(arena, n, sizeof(*ranges));

	for (size_t i = 0; i < n; i++) {
		ranges[i] = (struct idmap_range){ .inside = (uint32_t)v[i].inside.v,
						  .outside = (uint32_t)v[i].outside.v,
						  .count = (uint32_t)v[i].count.v };
	}
	return ranges;
}

static struct subid take_subid(struct arena *arena, const struct doc_subid *doc)
{
	return (struct subid){ .v = take_ranges(arena, doc->ranges.v, doc->ranges.n),
			       .n = doc->ranges.n,
			       .source = doc->source,
			       .missing = doc->missing,
			       .unmapped = doc->unmapped.v,
			       .unused = (uint32_t)doc->unused.v };
}

/* Ranges that no kernel would show could mislead the planner. */
static int take_userns(struct arena *arena, const struct doc_userns *doc, struct facts *ret,
		       struct err *err)
{
	struct caller *caller = &ret->caller;
	int r;

	caller->uid_map.v = take_ranges(arena, doc->uid_map.v, doc->uid_map.n);
	caller->uid_map.n = doc->uid_map.n;
	caller->gid_map.v = take_ranges(arena, doc->gid_map.v, doc->gid_map.n);
	caller->gid_map.n = doc->gid_map.n;
	ret->subuid = take_subid(arena, doc->subuid);
	ret->subgid = take_subid(arena, doc->subgid);
	ret->newuidmap = *doc->newuidmap;
	ret->newgidmap = *doc->newgidmap;
	ret->parts |= FACTS_USERNS;
	r = idmap_check(&caller->uid_map, "uid", "userns.uidMap", err);
	return r < 0 ? r : idmap_check(&caller->gid_map, "gid", "userns.gidMap", err);
}

static void take_cgroup(const struct doc_cgroup *doc, struct facts *ret)
{
	ret->cgroup = (struct facts_cgroup){
		.mode = doc->mode,
		.v = doc->hierarchies.v,
		.n = doc->hierarchies.n,
		.controllers = doc->controllers ? doc->controllers : "",
		.own_writable = doc->own_writable.v,
		.own_delegated = doc->own_delegated.v,
		.own_shared = doc->own_shared.v,
		.parent_writable = doc->parent_writable.v,
	};
	ret->parts |= FACTS_CGROUP | FACTS_UNIFIED;
}

static int take_doc(struct arena *arena, const struct doc *doc, struct facts *ret, struct err *err)
{
	int r = take_caller(arena, doc->caller, &ret->caller, err);

	ret->parts = FACTS_CALLER;
	ret->runtime_dir = doc->runtime_dir;
	if (r == 0 && doc->userns)
		r = take_userns(arena, doc->userns, ret, err);
	if (doc->cgroup)
		take_cgroup(doc->cgroup, ret);
	if (doc->systemd) {
		ret->systemd = (struct facts_systemd){ .system = doc->systemd->system.v,
						       .user_dir = doc->systemd->user_dir,
						       .why = doc->systemd->why };
		ret->parts |= FACTS_SYSTEMD;
	}
	for (size_t i = 0; i < doc->limits.n; i++) {
		const struct doc_limit *limit = &doc->limits.v[i];

		ret->limits[limit->type] =
			(struct facts_rlimit){ .soft = limit->soft.v, .hard = limit->hard.v };
		ret->parts |= facts_limit(limit->type);
	}
	if (doc->kernel) {
		ret->kernel_release = doc->kernel->kernel_release;
		ret->lsm = doc->kernel->lsm;
		ret->parts |= FACTS_KERNEL;
	}
	return r;
}

int facts_json_read(struct arena *arena, const char *file, const char *text, size_t len,
		    struct facts *ret, struct err *err)
{
	static const struct json_limits limits = { .depth = 16, .string = 64 << 10 };
	struct facts facts = { 0 };
	struct doc doc = { 0 };
	int r = json_read(arena, file, text, len, &doc_type, &limits, &doc, err);

	if (r < 0)
		return r;
	r = take_doc(arena, &doc, &facts, err);
	if (r < 0)
		return err_prefix(err, "%s", file);
	*ret = facts;
	return 0;
}
