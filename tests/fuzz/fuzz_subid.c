/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as /etc/subuid, /etc/subgid, nsswitch.conf, passwd, output of getsubids, an id map, and
 * (up to the first empty line, and behind it) as cgroup and mountinfo of /proc/self. What must hold
 * besides "no crash": ranges are ranges, and the map made of them is one that the kernel takes. */
#include "src/base/passwd.h"
#include "src/host/facts.h"
#include "tests/fuzz/expect.h"
#include "userns/caller.h"
#include "userns/subid.h"

#include <string.h>

static void check_subid(struct arena *arena, const struct subid *subid, uint32_t own)
{
	struct err err = { 0 };
	struct idmap map;
	uint32_t missing;

	for (size_t i = 0; i < subid->n; i++) {
		const struct idmap_range *r = &subid->v[i];

		expect(r->inside == 0 && r->count > 0 && r->outside <= UINT32_MAX - r->count);
		expect(!idmap_find_missing(subid->v, subid->n, r->outside, r->count, &missing));
	}
	idmap_build_default(arena, own, subid->v, subid->n, &map);
	expect(map.n > 0 && map.v[0].outside == own && map.v[0].count == 1);
	expect(idmap_check(&map, "uid", "map", &err) == 0);
	expect(!subid->unused || subid->unused >= SUBID_FIRST);
	expect(!subid->unused || !subid->n ||
	       idmap_find_missing(subid->v, subid->n, subid->unused, SUBID_USUAL_COUNT, &missing));
}

static void try_files(struct arena *arena, const char *text)
{
	struct subid subid;
	struct passwd user;

	subid_parse(arena, text, "dev", 1000, &subid);
	expect(subid.n > 0 || subid.missing);
	check_subid(arena, &subid, 1000);
	subid_parse(arena, text, NULL, 0, &subid);
	check_subid(arena, &subid, 100001);
	subid_parse_program(arena, text, &subid);
	check_subid(arena, &subid, 0);
	(void)subid_parse_source(arena, text);
	expect(!passwd_find(arena, text, 1000, &user) || user.name);
}

static void try_map(struct arena *arena, const char *text)
{
	struct idmap map, again, split;
	struct err err = { 0 };

	if (idmap_parse(arena, text, &map, &err) < 0 || idmap_check(&map, "uid", "map", &err) < 0)
		return;
	expect(idmap_parse(arena, idmap_format(arena, &map), &again, &err) == 0);
	expect(idmap_equal(&map, &again));
	if (idmap_split(arena, &map, &map, &split, &err) == 0)
		expect(idmap_check(&split, "uid", "map", &err) == 0);
	for (size_t i = 0; i < map.n; i++)
		expect(idmap_to_host(&map, map.v[i].inside) == map.v[i].outside &&
		       idmap_to_container(&map, map.v[i].outside) == map.v[i].inside);
}

static void try_cgroup(struct arena *arena, const char *text)
{
	const char *empty = strstr(text, "\n\n");
	struct facts_cgroup cgroup = { 0 };

	if (!empty)
		return;
	facts_cgroup_parse(arena, arena_strndup(arena, text, (size_t)(empty - text) + 1), empty + 2,
			   &cgroup);
	for (size_t i = 0; i < cgroup.n; i++) {
		expect(cgroup.v[i].controllers && cgroup.v[i].mount);
		expect(cgroup.v[i].own && cgroup.v[i].own[0] == '/');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	const char *text = arena_strndup(&arena, (const char *)data, size);

	try_files(&arena, text);
	try_map(&arena, text);
	try_cgroup(&arena, text);
	arena_free(&arena);
	return 0;
}
