/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/facts.h"
#include "tests/lib/check.h"

#include <string.h>

static char *to_text(struct arena *arena, const struct facts *facts)
{
	struct json_write *w = json_write_new(true);
	struct err err = { 0 };
	const char *text;
	char *copy;

	facts_json_write(w, facts);
	text = json_write_text(w, NULL, &err);
	CHECK(text != NULL);
	copy = arena_strdup(arena, text ? text : "");
	json_write_free(w);
	return copy;
}

static int from_text(struct arena *arena, const char *text, struct facts *ret, struct err *err)
{
	return facts_json_read(arena, "facts.json", text, strlen(text), ret, err);
}

static void check_subid(const struct subid *a, const struct subid *b)
{
	CHECK_INT(a->n, b->n);
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		CHECK_INT(a->v[i].outside, b->v[i].outside);
		CHECK_INT(a->v[i].count, b->v[i].count);
	}
	CHECK_STR(a->source, b->source);
	CHECK_STR(a->missing, b->missing);
	CHECK_INT(a->unmapped, b->unmapped);
	CHECK_INT(a->unused, b->unused);
}

static void check_caller(const struct caller *a, const struct caller *b)
{
	CHECK_INT(a->uid, b->uid);
	CHECK_INT(a->gid, b->gid);
	CHECK_STR(a->name, b->name);
	CHECK_INT(a->n_groups, b->n_groups);
	for (size_t i = 0; i < a->n_groups && i < b->n_groups; i++)
		CHECK_INT(a->groups[i], b->groups[i]);
	CHECK_INT(a->initial_userns, b->initial_userns);
	CHECK_INT(a->owns_mounts, b->owns_mounts);
	CHECK_INT(a->setgroups_allowed, b->setgroups_allowed);
	CHECK_INT(a->no_new_privs, b->no_new_privs);
	CHECK(a->caps_effective == b->caps_effective);
	CHECK(a->caps_bounding == b->caps_bounding);
	CHECK(idmap_equal(&a->uid_map, &b->uid_map));
	CHECK(idmap_equal(&a->gid_map, &b->gid_map));
}

static void check_cgroup(const struct facts_cgroup *a, const struct facts_cgroup *b)
{
	CHECK_INT(a->mode, b->mode);
	CHECK_INT(a->own_writable, b->own_writable);
	CHECK_INT(a->own_delegated, b->own_delegated);
	CHECK_INT(a->own_shared, b->own_shared);
	CHECK_INT(a->parent_writable, b->parent_writable);
	CHECK_STR(a->controllers, b->controllers);
	CHECK_INT(a->n, b->n);
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		CHECK_STR(a->v[i].controllers, b->v[i].controllers);
		CHECK_STR(a->v[i].mount, b->v[i].mount);
		CHECK_STR(a->v[i].own, b->v[i].own);
	}
}

static void check_facts(const struct facts *a, const struct facts *b)
{
	CHECK_INT(a->parts, b->parts);
	check_caller(&a->caller, &b->caller);
	check_subid(&a->subuid, &b->subuid);
	check_subid(&a->subgid, &b->subgid);
	CHECK_INT(a->newuidmap.state, b->newuidmap.state);
	CHECK_STR(a->newuidmap.path, b->newuidmap.path);
	CHECK_INT(a->newgidmap.state, b->newgidmap.state);
	CHECK_STR(a->newgidmap.path, b->newgidmap.path);
	check_cgroup(&a->cgroup, &b->cgroup);
	CHECK_STR(a->kernel_release, b->kernel_release);
	CHECK_STR(a->lsm, b->lsm);
	CHECK_STR(a->runtime_dir, b->runtime_dir);
}

/* Written and read back, every field is what it was. */
static void check_round_trip(const struct facts *facts)
{
	struct arena arena = { 0 };
	struct facts again = { 0 };
	struct err err = { 0 };

	CHECK_INT(from_text(&arena, to_text(&arena, facts), &again, &err), 0);
	check_facts(&again, facts);
	arena_free(&arena);
}

static uint32_t some_groups[] = { 4, 27, 4294967294U };
static struct idmap_range some_uids[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
static struct idmap_range some_gids[] = { { 0, 0, UINT32_MAX } };
static struct idmap_range some_subids[] = { { 0, 165536, 65536 }, { 0, 4294967294U, 1 } };
static struct facts_hierarchy some_hierarchies[] = {
	{ .controllers = "cpu,cpuacct", .mount = "/sys/fs/cgroup/cpu,cpuacct", .own = "/" },
	{ .controllers = "name=systemd",
	  .mount = "/sys/fs/cgroup/systemd",
	  .own = "/user.slice/a b" },
	{ .controllers = "", .mount = "/sys/fs/cgroup/unified", .own = "/\xc3\xa4\"\\" },
};

static const struct facts everything = {
	.parts = FACTS_ALL,
	.caller = { .uid = 1000,
		    .gid = 100,
		    .name = "dev",
		    .groups = some_groups,
		    .n_groups = 3,
		    .initial_userns = true,
		    .owns_mounts = true,
		    .setgroups_allowed = true,
		    .no_new_privs = true,
		    .caps_effective = UINT64_MAX,
		    .caps_bounding = 0x1fffeffffffULL,
		    .uid_map = { .v = some_uids, .n = 2 },
		    .gid_map = { .v = some_gids, .n = 1 } },
	.subuid = { .v = some_subids, .n = 2, .source = "/etc/subuid", .unused = 231072 },
	.subgid = { .source = "getsubids",
		    .unmapped = true,
		    .missing = "no line for dev (1000) in /etc/subgid" },
	.newuidmap = { .state = PROBE_HELPER_NOSUID, .path = "/usr/bin/newuidmap" },
	.newgidmap = { .state = PROBE_HELPER_MISSING },
	.cgroup = { .mode = FACTS_CGROUP_HYBRID,
		    .v = some_hierarchies,
		    .n = 3,
		    .controllers = "cpu memory pids",
		    .own_writable = true,
		    .own_delegated = true,
		    .own_shared = true,
		    .parent_writable = true },
	.kernel_release = "6.18.0",
	.lsm = "apparmor",
	.runtime_dir = "/run/user/1000",
};

TEST(round_trip_of_everything)
{
	check_round_trip(&everything);
}

TEST(round_trip_of_every_part)
{
	const struct facts least = { .parts = FACTS_CALLER,
				     .caller = { .uid = UINT32_MAX - 1 },
				     .newuidmap = { .state = PROBE_HELPER_UNKNOWN },
				     .newgidmap = { .state = PROBE_HELPER_UNKNOWN } };
	struct facts facts = least;

	check_round_trip(&facts);
	facts.parts = FACTS_CALLER | FACTS_CGROUP | FACTS_UNIFIED;
	facts.cgroup = everything.cgroup;
	check_round_trip(&facts);
	facts = least;
	facts.parts = FACTS_CALLER | FACTS_KERNEL;
	facts.lsm = "";
	check_round_trip(&facts);
	facts = least;
	facts.parts = FACTS_CALLER | FACTS_USERNS;
	facts.subuid = everything.subgid;
	check_round_trip(&facts);
}

TEST(round_trip_of_every_name)
{
	struct facts facts = everything;

	for (int state = PROBE_HELPER_OK; state <= PROBE_HELPER_UNKNOWN; state++) {
		facts.newgidmap.state = (enum probe_helper)state;
		check_round_trip(&facts);
	}
	for (int mode = FACTS_CGROUP_NONE; mode <= FACTS_CGROUP_HYBRID; mode++) {
		facts.cgroup.mode = (enum facts_cgroup_mode)mode;
		check_round_trip(&facts);
	}
}

TEST(round_trip_of_this_host)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct facts facts;

	CHECK_INT(facts_gather(&arena, FACTS_ALL, &facts, &err), 0);
	check_round_trip(&facts);
	arena_free(&arena);
}

#define HEAD "{\"usrunFacts\": 1, "
#define CALLER                                                                                     \
	"\"caller\": {\"uid\": 1, \"gid\": 2, \"initialUserns\": true, \"ownsMounts\": true, "     \
	"\"setgroupsAllowed\": true, "                                                             \
	"\"capEffective\": \"0\", \"capBounding\": \"1ff\"}"

TEST(reads_the_least_and_skips_what_it_does_not_know)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct facts facts = { 0 };

	CHECK_INT(from_text(&arena, HEAD CALLER ", \"later\": {\"a\": [1, {}]}}", &facts, &err), 0);
	CHECK_INT(facts.parts, FACTS_CALLER);
	CHECK_INT(facts.caller.uid, 1);
	CHECK_INT(facts.caller.gid, 2);
	CHECK_INT(facts.caller.caps_bounding, 0x1ff);
	CHECK_INT(facts.newuidmap.state, PROBE_HELPER_UNKNOWN);
	arena_free(&arena);
}

static void check_refused(const char *text, const char *why)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct facts facts;
	int r = from_text(&arena, text, &facts, &err);

	CHECK_ERR(r, &err, why);
	CHECK_ERR(r, &err, "facts.json");
	arena_free(&arena);
}

TEST(refuses_other_documents)
{
	check_refused("", "");
	check_refused("{}", "usrunFacts");
	check_refused("{\"ociVersion\": \"1.2.0\"}", "usrunFacts");
	check_refused("{\"usrunFacts\": 2, " CALLER "}", "usrunFacts");
	check_refused(HEAD "\"x\": 1}", "caller");
	check_refused(HEAD "\"caller\": {\"uid\": 4294967296}}", "caller.uid");
	check_refused(HEAD "\"caller\": {\"uid\": 1, \"gid\": 2, \"initialUserns\": true, "
			   "\"ownsMounts\": true, \"setgroupsAllowed\": true, "
			   "\"capEffective\": \"0x1\", \"capBounding\": \"\"}}",
		      "caller.capEffective: expected up to 16 hexadecimal digits, got \"0x1\"");
	check_refused(HEAD CALLER ", \"cgroup\": {\"mode\": \"v3\"}}", "cgroup.mode");
	check_refused(HEAD CALLER ", \"userns\": {}}", "userns");
}

TEST(refuses_maps_that_no_kernel_has)
{
	check_refused(HEAD CALLER
		      ", \"userns\": {\"uidMap\": ["
		      "{\"inside\": 0, \"outside\": 0, \"count\": 5}, "
		      "{\"inside\": 4, \"outside\": 9, \"count\": 1}], \"gidMap\": [], "
		      "\"subuid\": {}, \"subgid\": {}, \"newuidmap\": {\"state\": \"ok\"}, "
		      "\"newgidmap\": {\"state\": \"ok\"}}}",
		      "userns.uidMap[0] and userns.uidMap[1] overlap");
}
