/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/facts.h"
#include "tests/lib/check.h"

static const struct facts_cgroup *parse(struct arena *arena, const char *cgroup,
					const char *mountinfo)
{
	struct facts_cgroup *ret = arena_new(arena, struct facts_cgroup);

	facts_cgroup_parse(arena, cgroup, mountinfo, ret);
	return ret;
}

static void check_one(const struct facts_cgroup *cgroup, size_t i, const char *controllers,
		      const char *mount, const char *own)
{
	CHECK(i < cgroup->n);
	if (i >= cgroup->n)
		return;
	CHECK_STR(cgroup->v[i].controllers, controllers);
	CHECK_STR(cgroup->v[i].mount, mount);
	CHECK_STR(cgroup->v[i].own, own);
}

TEST(unified)
{
	struct arena arena = { 0 };
	const struct facts_cgroup *c = parse(
		&arena, "0::/user.slice/user-1000.slice/a:b\n",
		"22 1 8:1 / / rw - ext4 /dev/sda rw\n"
		"30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");

	CHECK_INT(c->n, 1);
	check_one(c, 0, "", "/sys/fs/cgroup", "/user.slice/user-1000.slice/a:b");
	arena_free(&arena);
}

TEST(hybrid_with_combined_controllers)
{
	struct arena arena = { 0 };
	const struct facts_cgroup *c =
		parse(&arena,
		      "0::/x\n"
		      "3:cpu,cpuacct:/user\n"
		      "2:name=systemd:/user/1\n"
		      "9:rdma:/\n"
		      "nonsense\n"
		      "8:memory:\n",
		      "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
		      "32 31 0:29 / /sys/fs/cgroup/unified rw shared:1 master:2 - cgroup2 c rw\n"
		      "33 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup c rw,xattr,name=systemd\n"
		      "34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup c rw,cpuacct,cpu\n"
		      "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup c rw,memory\n"
		      "36 31 0:33 / /sys/fs/cgroup/cpuset rw - cgroup c rw,cpuset\n"
		      "bad line\n");

	CHECK_INT(c->n, 3);
	check_one(c, 0, "cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/user");
	check_one(c, 1, "name=systemd", "/sys/fs/cgroup/systemd", "/user/1");
	check_one(c, 2, "", "/sys/fs/cgroup/unified", "/x");
	arena_free(&arena);
}

TEST(bind_of_a_group)
{
	struct arena arena = { 0 };
	const struct facts_cgroup *c = parse(
		&arena, "4:memory:/docker/abc/inner\n3:pids:/docker/abc\n2:cpu:/docker/abcd\n",
		"40 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup c rw,memory\n"
		"41 31 0:33 /docker/abc /sys/fs/cgroup/pids ro - cgroup c rw,pids\n"
		"42 31 0:34 /docker/abc /sys/fs/cgroup/cpu ro - cgroup c rw,cpu\n");

	check_one(c, 0, "memory", "/sys/fs/cgroup/memory", "/inner");
	check_one(c, 1, "pids", "/sys/fs/cgroup/pids", "/");
	check_one(c, 2, "cpu", "/sys/fs/cgroup/cpu", "/"); /* not shown there */
	arena_free(&arena);
}

TEST(outside_of_the_cgroup_namespace)
{
	struct arena arena = { 0 };
	const struct facts_cgroup *c =
		parse(&arena, "0::/../../other\n",
		      "30 22 0:26 /../.. /sys/fs/cgroup rw - cgroup2 c rw\n");

	check_one(c, 0, "", "/sys/fs/cgroup", "/");
	arena_free(&arena);
}

TEST(prefers_the_mount_that_shows_the_own_group)
{
	struct arena arena = { 0 };
	const struct facts_cgroup *c =
		parse(&arena, "4:memory:/a/b\n3:pids:/a\n",
		      "40 31 0:32 /z /sys/fs/cgroup/memory rw - cgroup c rw,memory\n"
		      "41 31 0:32 / /mnt/memory rw - cgroup c rw,memory\n"
		      "42 31 0:33 / /mnt/pids rw - cgroup c rw,pids\n"
		      "43 31 0:33 / /sys/fs/cgroup/pids rw - cgroup c rw,pids\n");

	check_one(c, 0, "memory", "/mnt/memory", "/a/b");
	check_one(c, 1, "pids", "/sys/fs/cgroup/pids", "/a");
	arena_free(&arena);
}

TEST(hidden_mounts)
{
	struct arena arena = { 0 };
	const struct facts_cgroup *c =
		parse(&arena, "4:memory:/\n3:pids:/\n2:cpu:/\n0::/\n",
		      "22 1 8:1 / / rw - ext4 /dev/sda rw\n"
		      "31 22 0:28 / /sys/fs/cgroup rw - tmpfs t rw\n"
		      "40 31 0:32 / /sys/fs/cgroup/memory rw - cgroup c rw,memory\n"
		      "41 31 0:33 / /sys/fs/cgroup/pids rw - cgroup c rw,pids\n"
		      /* a new tmpfs over all of it, with pids in it, and a file system over that */
		      "50 31 0:50 / /sys/fs/cgroup rw - tmpfs t rw\n"
		      "51 50 0:33 / /sys/fs/cgroup/pids rw - cgroup c rw,pids\n"
		      "52 50 0:34 / /sys/fs/cgroup/cpu rw - cgroup c rw,cpu\n"
		      "53 52 0:60 / /sys/fs/cgroup/cpu rw - tmpfs t rw\n"
		      /* below a directory that something else covers */
		      "60 22 0:26 / /mnt/deep/unified rw - cgroup2 c rw\n"
		      "61 22 0:61 / /mnt/deep rw - tmpfs t rw\n");

	CHECK_INT(c->n, 1);
	check_one(c, 0, "pids", "/sys/fs/cgroup/pids", "/");
	arena_free(&arena);
}

TEST(stacked_on_itself)
{
	struct arena arena = { 0 };
	const struct facts_cgroup *c = parse(&arena, "0::/a/b\n",
					     "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 c rw\n"
					     "31 30 0:26 /a /sys/fs/cgroup rw - cgroup2 c rw\n");

	CHECK_INT(c->n, 1);
	check_one(c, 0, "", "/sys/fs/cgroup", "/b");
	arena_free(&arena);
}

TEST(escaped_names)
{
	struct arena arena = { 0 };
	const struct facts_cgroup *c =
		parse(&arena, "2:name=n:/x\n",
		      "33 31 0:30 / /mnt/my\\040own\\134\\011\\04 rw - cgroup c rw,name=n\n");

	CHECK_INT(c->n, 1);
	check_one(c, 0, "name=n", "/mnt/my own\\\t\\04", "/x");
	arena_free(&arena);
}

TEST(nothing)
{
	struct arena arena = { 0 };

	CHECK_INT(parse(&arena, "", "")->n, 0);
	CHECK_INT(parse(&arena, "1:cpu:/\n0::/\n", "")->n, 0);
	CHECK_INT(parse(&arena, "", "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 c rw\n")->n, 0);
	arena_free(&arena);
}
