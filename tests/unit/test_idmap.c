/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/check.h"
#include "userns/idmap.h"

#include <string.h>

#define MAP(...)                                                                                   \
	map_of((const struct idmap_range[]){ __VA_ARGS__ },                                        \
	       sizeof((const struct idmap_range[]){ __VA_ARGS__ }) / sizeof(struct idmap_range))

static struct idmap map_of(const struct idmap_range *v, size_t n)
{
	return (struct idmap){ .v = v, .n = n };
}

TEST(translates_both_ways)
{
	struct idmap map = MAP({ 0, 1000, 1 }, { 1, 100000, 65536 });

	CHECK_INT(idmap_to_host(&map, 0), 1000);
	CHECK_INT(idmap_to_host(&map, 1), 100000);
	CHECK_INT(idmap_to_host(&map, 65536), 165535);
	CHECK_INT(idmap_to_host(&map, 65537), -ERANGE);
	CHECK_INT(idmap_to_container(&map, 1000), 0);
	CHECK_INT(idmap_to_container(&map, 165535), 65536);
	CHECK_INT(idmap_to_container(&map, 165536), -ERANGE);
	CHECK_INT(idmap_to_container(&map, 0), -ERANGE);
}

TEST(translates_at_the_edge)
{
	struct idmap all = MAP({ 0, 0, UINT32_MAX }), none = { 0 };

	CHECK_INT(idmap_to_host(&all, UINT32_MAX - 1), UINT32_MAX - 1);
	CHECK_INT(idmap_to_host(&all, UINT32_MAX), -ERANGE);
	CHECK_INT(idmap_to_host(&none, 0), -ERANGE);
	CHECK(idmap_is_empty(&none));
}

TEST(check_accepts)
{
	struct idmap good = MAP({ 0, 1000, 1 }, { 1, 100000, 65536 });
	struct idmap all = MAP({ 0, 0, UINT32_MAX });
	struct idmap last = MAP({ UINT32_MAX - 1, UINT32_MAX - 1, 1 });
	struct err err = { 0 };

	CHECK_INT(idmap_check(&good, "uid", "linux.uidMappings", &err), 0);
	CHECK_INT(idmap_check(&all, "uid", "linux.uidMappings", &err), 0);
	CHECK_INT(idmap_check(&last, "uid", "linux.uidMappings", &err), 0);
}

TEST(check_refuses)
{
	struct idmap empty = MAP({ 0, 1000, 1 }, { 1, 2000, 0 });
	struct idmap inside = MAP({ 0, 1000, 10 }, { 20, 5000, 1 }, { 5, 100000, 10 });
	struct idmap outside = MAP({ 0, 1000, 10 }, { 10, 1009, 10 });
	struct idmap past = MAP({ 1, 0, UINT32_MAX });
	struct idmap past_host = MAP({ 0, UINT32_MAX, 1 });
	struct err err = { 0 };
	int r;

	r = idmap_check(&empty, "uid", "linux.uidMappings", &err);
	CHECK_ERR(r, &err, "linux.uidMappings[1]: the size is 0");
	r = idmap_check(&inside, "gid", "linux.gidMappings", &err);
	CHECK_ERR(r, &err,
		  "linux.gidMappings[0] and linux.gidMappings[2] overlap: both map the "
		  "container gids 5 to 9");
	r = idmap_check(&outside, "uid", "linux.uidMappings", &err);
	CHECK_ERR(r, &err, "both map the host uids 1009 to 1009");
	r = idmap_check(&past, "uid", "linux.uidMappings", &err);
	CHECK_ERR(r, &err, "container uids from 1 on exceed the maximum");
	r = idmap_check(&past_host, "uid", "linux.uidMappings", &err);
	CHECK_ERR(r, &err, "host uids from 4294967295 on exceed the maximum");
}

TEST(check_counts_ranges)
{
	struct idmap_range v[IDMAP_MAX_RANGES + 1];
	struct idmap map = { .v = v, .n = IDMAP_MAX_RANGES };
	struct err err = { 0 };

	for (uint32_t i = 0; i < IDMAP_MAX_RANGES + 1; i++)
		v[i] = (struct idmap_range){ i, i * 2, 1 };
	CHECK_INT(idmap_check(&map, "uid", "m", &err), 0);
	map.n++;
	CHECK_ERR(idmap_check(&map, "uid", "m", &err), &err,
		  "341 ranges, but the kernel takes at most 340");
}

TEST(splits_at_the_ranges_of_the_parent)
{
	struct arena arena = { 0 };
	struct idmap parent = MAP({ 0, 4000, 1 }, { 1, 200000, 65535 });
	struct idmap map = MAP({ 0, 0, 65536 });
	struct idmap expected = MAP({ 0, 0, 1 }, { 1, 1, 65535 });
	struct idmap split;
	struct err err = { 0 };

	CHECK_INT(idmap_split(&arena, &map, &parent, &split, &err), 0);
	CHECK(idmap_equal(&split, &expected));
	arena_free(&arena);
}

TEST(split_names_the_first_missing_id)
{
	struct arena arena = { 0 };
	struct idmap parent = MAP({ 0, 4000, 1 }, { 1, 200000, 9 }, { 20, 300000, 5 });
	struct idmap map = MAP({ 0, 5, 20 });
	struct idmap split;
	struct err err = { 0 };

	CHECK_INT(idmap_split(&arena, &map, &parent, &split, &err), -ERANGE);
	CHECK_ERR(-err.code, &err, "id 10 (of the range 0 5 20) is not mapped");
	arena_free(&arena);
}

TEST(split_of_everything)
{
	struct arena arena = { 0 };
	struct idmap all = MAP({ 0, 0, UINT32_MAX }), split;
	struct err err = { 0 };

	CHECK_INT(idmap_split(&arena, &all, &all, &split, &err), 0);
	CHECK(idmap_equal(&split, &all));
	arena_free(&arena);
}

static void check_default(uint32_t own, struct idmap ranges, struct idmap expected)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct idmap map;

	(void)idmap_build_default(&arena, own, ranges.v, ranges.n, &map);
	CHECK_STR(idmap_format(&arena, &map), idmap_format(&arena, &expected));
	CHECK_INT(idmap_check(&map, "uid", "default", &err), 0);
	arena_free(&arena);
}

TEST(default_map)
{
	struct idmap none = { 0 };

	check_default(1000, none, MAP({ 0, 1000, 1 }));
	check_default(1000, MAP({ 0, 100000, 65536 }), MAP({ 0, 1000, 1 }, { 1, 100000, 65536 }));
	check_default(1000, MAP({ 0, 100000, 10 }, { 0, 300000, 5 }),
		      MAP({ 0, 1000, 1 }, { 1, 100000, 10 }, { 11, 300000, 5 }));
	/* neighbours become one range, but never with the own id */
	check_default(999, MAP({ 0, 1000, 10 }, { 0, 1010, 5 }),
		      MAP({ 0, 999, 1 }, { 1, 1000, 15 }));
}

TEST(default_map_gives_no_id_twice)
{
	/* the same line by name and by number */
	check_default(7, MAP({ 0, 100, 10 }, { 0, 100, 10 }), MAP({ 0, 7, 1 }, { 1, 100, 10 }));
	/* the own id inside a range, at its beginning and at its end */
	check_default(105, MAP({ 0, 100, 10 }), MAP({ 0, 105, 1 }, { 1, 100, 5 }, { 6, 106, 4 }));
	check_default(100, MAP({ 0, 100, 10 }), MAP({ 0, 100, 1 }, { 1, 101, 9 }));
	check_default(109, MAP({ 0, 100, 10 }), MAP({ 0, 109, 1 }, { 1, 100, 9 }));
	/* obstacles side by side */
	check_default(
		7, MAP({ 0, 50, 10 }, { 0, 40, 10 }, { 0, 30, 40 }),
		MAP({ 0, 7, 1 }, { 1, 50, 10 }, { 11, 40, 10 }, { 21, 30, 10 }, { 31, 60, 10 }));
}

TEST(default_map_stops_at_the_limits)
{
	struct idmap_range many[500];
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct idmap map;

	for (uint32_t i = 0; i < 500; i++)
		many[i] = (struct idmap_range){ 0, 1000 + i * 3, 2 };
	CHECK(idmap_build_default(&arena, 1, many, 200, &map));
	CHECK(!idmap_build_default(&arena, 1, many, 500, &map));
	CHECK_INT(map.n, IDMAP_MAX_RANGES);
	CHECK_INT(idmap_check(&map, "uid", "default", &err), 0);
	/* in one write, also with the own id moved between two of a range */
	for (uint32_t i = 0; i < 500; i++)
		many[i].outside = 4000000000 + i * 3;
	CHECK(!idmap_build_default(&arena, 1, many, 300, &map));
	CHECK(map.n > 200 && map.n < IDMAP_MAX_RANGES);
	CHECK(strlen(idmap_format(&arena, &map)) > 4000);
	map = idmap_move_own(&arena, &map, 300);
	CHECK(strlen(idmap_format(&arena, &map)) < 4096);
	arena_free(&arena);
	check_default(0, MAP({ 0, 0, UINT32_MAX }), MAP({ 0, 0, 1 }, { 1, 1, UINT32_MAX - 1 }));
	check_default(5, MAP({ 0, UINT32_MAX - 1, 1000 }),
		      MAP({ 0, 5, 1 }, { 1, UINT32_MAX - 1, 1 }));
}

static void check_moved(struct idmap map, uint32_t inside, struct idmap expected)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct idmap moved = idmap_move_own(&arena, &map, inside);

	CHECK_STR(idmap_format(&arena, &moved), idmap_format(&arena, &expected));
	CHECK_INT(idmap_check(&moved, "uid", "moved", &err), 0);
	arena_free(&arena);
}

TEST(the_own_id_moves_to_another_one)
{
	check_moved(MAP({ 0, 1000, 1 }), 5, MAP({ 5, 1000, 1 }));
	check_moved(MAP({ 0, 1000, 1 }, { 1, 100000, 9 }), 0,
		    MAP({ 0, 1000, 1 }, { 1, 100000, 9 }));
	check_moved(MAP({ 0, 1000, 1 }, { 1, 100000, 9 }), 5,
		    MAP({ 5, 1000, 1 }, { 0, 100000, 5 }, { 6, 100005, 4 }));
	/* as many ids as there are, and a number beyond them */
	check_moved(MAP({ 0, 1000, 1 }, { 1, 100000, 9 }), 9,
		    MAP({ 9, 1000, 1 }, { 0, 100000, 9 }));
	check_moved(MAP({ 0, 1000, 1 }, { 1, 100000, 9 }), 70000,
		    MAP({ 70000, 1000, 1 }, { 0, 100000, 9 }));
	check_moved(MAP({ 0, 7, 1 }, { 1, 100, 5 }, { 6, 300, 5 }), 7,
		    MAP({ 7, 7, 1 }, { 0, 100, 5 }, { 5, 300, 2 }, { 8, 302, 3 }));
}

TEST(parses_what_the_kernel_prints)
{
	struct arena arena = { 0 };
	struct idmap expected = MAP({ 0, 1000, 1 }, { 1, 100000, 65536 }), map;
	struct idmap all = MAP({ 0, 0, UINT32_MAX });
	struct err err = { 0 };

	CHECK_INT(
		idmap_parse(&arena,
			    "         0       1000          1\n         1     100000      65536\n",
			    &map, &err),
		0);
	CHECK(idmap_equal(&map, &expected));
	CHECK_STR(idmap_format(&arena, &map), "0 1000 1\n1 100000 65536\n");
	CHECK_INT(idmap_parse(&arena, "0 0 4294967295", &map, &err), 0);
	CHECK(idmap_equal(&map, &all));
	CHECK(!idmap_equal(&map, &expected));
	CHECK_INT(idmap_parse(&arena, "", &map, &err), 0);
	CHECK(idmap_is_empty(&map));
	CHECK_STR(idmap_format(&arena, &map), "");
	arena_free(&arena);
}

TEST(refuses_other_lines)
{
	static const char *const bad[] = { "0 0",         "0 0 1 2",
					   "a b c",       "0 0 4294967296",
					   "-1 0 1",      "\n",
					   "0 0 1\n\n",   "0 0 99999999999999999",
					   "0 0 1 # all", "0\t0\t1\tx" };
	struct arena arena = { 0 };
	struct idmap map;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = idmap_parse(&arena, bad[i], &map, &err);

		CHECK_ERR(r, &err, "expected \"inside outside count\"");
	}
	arena_free(&arena);
}
