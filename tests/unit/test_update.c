/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/update_values.h"
#include "src/plan/plan_cgroup.h"
#include "tests/lib/check.h"

static struct arena arena;

static int64_t size(const char *text)
{
	int64_t value = 0;
	int r = update_values_size(text, &value);

	return r < 0 ? r : value;
}

TEST(sizes)
{
	CHECK_INT(size("4096"), 4096);
	CHECK_INT(size("4096b"), 4096);
	CHECK_INT(size("64k"), 64 << 10);
	CHECK_INT(size("64M"), 64 << 20);
	CHECK_INT(size("1gb"), 1 << 30);
	CHECK_INT(size("2GiB"), 2LL << 30);
	CHECK_INT(size("-1"), -1);
	CHECK_INT(size(""), -EINVAL);
	CHECK_INT(size("m"), -EINVAL);
	CHECK_INT(size("-2"), -EINVAL);
	CHECK_INT(size("1x"), -EINVAL);
	CHECK_INT(size("1ib"), -EINVAL);
	CHECK_INT(size("9000000t"), -ERANGE);
}

static const char *writes(const struct update_texts *texts, bool v2, const char *cpu_max,
			  const char *memory_max)
{
	const struct oci_resources *resources;
	const struct cgroup_write *v;
	const char *out = "";
	struct err err = { 0 };
	size_t n = 0;
	int r = update_values_parse(&arena, texts, &resources, &err);

	if (r == 0)
		resources = update_values_complete(&arena, resources, cpu_max, memory_max);
	if (r == 0)
		r = plan_resources_build(&arena, resources, (struct plan_layout){ v2, NULL }, &v,
					 &n, &err);
	if (r < 0)
		return arena_strdup(&arena, check_said(&err));
	for (size_t i = 0; i < n; i++)
		out = arena_strf(&arena, "%s%s=%s;", out, v[i].file, v[i].value);
	return out;
}

TEST(a_value_given_alone_keeps_its_partner)
{
	struct update_texts quota = { .quota = "20000" }, period = { .period = "50000" };
	struct update_texts swap = { .swap = "96m" };

	CHECK_STR(writes(&quota, true, "max 250000", ""), "cpu.max=20000 250000;");
	CHECK_STR(writes(&period, true, "30000 100000", ""), "cpu.max=30000 50000;");
	CHECK_STR(writes(&period, true, "max 100000", ""), "cpu.max=max 50000;");
	CHECK_STR(writes(&quota, false, "", ""), "cpu.cfs_quota_us=20000;");
	CHECK_STR(writes(&quota, false, "-1 250000", ""),
		  "cpu.cfs_period_us=250000;cpu.cfs_quota_us=20000;");
	CHECK_STR(writes(&period, false, "-1 100000", ""),
		  "cpu.cfs_period_us=50000;cpu.cfs_quota_us=-1;");
	CHECK_STR(writes(&swap, false, "", ""), "memory.memsw.limit_in_bytes=100663296;");
	CHECK_STR(writes(&swap, true, "", "67108864"),
		  "memory.max=67108864;memory.swap.max=33554432;");
	CHECK_STR(writes(&swap, true, "", "max"),
		  "config.json: linux.resources.memory.swap: needs a memory.limit");
}

/* What both need of each other: the limit of memory is there before that of swap is counted from it. */
TEST(order_of_writes)
{
	struct update_texts all = { .memory = "64m",
				    .swap = "96m",
				    .reservation = "32m",
				    .quota = "20000",
				    .period = "40000",
				    .burst = "5000",
				    .cpus = "1",
				    .mems = "0",
				    .pids = "9" };

	CHECK_STR(writes(&all, true, "max 100000", "max"),
		  "memory.max=67108864;memory.swap.max=33554432;memory.low=33554432;"
		  "cpu.max=20000 40000;cpu.max.burst=5000;cpuset.cpus=1;cpuset.mems=0;pids.max=9;");
	CHECK_STR(writes(&all, false, "-1 100000", ""),
		  "memory.limit_in_bytes=67108864;memory.memsw.limit_in_bytes=100663296;"
		  "memory.soft_limit_in_bytes=33554432;cpu.cfs_period_us=40000;"
		  "cpu.cfs_quota_us=20000;cpu.cfs_burst_us=5000;cpuset.cpus=1;cpuset.mems=0;"
		  "pids.max=9;");
}

TEST(nothing_given_is_nothing_written)
{
	struct update_texts none = { 0 }, bad = { .pids = "many" };

	CHECK_STR(writes(&none, true, "max 100000", "max"), "");
	CHECK_STR(writes(&bad, true, "", ""), "--pids-limit: expected a number, got \"many\"");
}

TEST(old_values)
{
	CHECK_STR(plan_writes_old(&arena, "pids.max", "5", "max"), "max");
	CHECK_STR(plan_writes_old(&arena, "cpu.max", "1000 2000", "max 100000"), "max 100000");
	CHECK_STR(plan_writes_old(&arena, "memory.oom_control", "1",
				  "oom_kill_disable 0\nunder_oom 0\noom_kill 0"),
		  "0");
	CHECK_STR(
		plan_writes_old(&arena, "blkio.throttle.read_bps_device", "8:1 5", "8:16 7\n8:1 9"),
		"8:1 9");
	CHECK_STR(plan_writes_old(&arena, "blkio.throttle.read_bps_device", "8:1 5", "8:16 7"),
		  "8:1 0");
	CHECK_STR(plan_writes_old(&arena, "io.max", "8:0 rbps=5", ""),
		  "8:0 rbps=max wbps=max riops=max wiops=max");
	CHECK(plan_writes_old(&arena, "cpuset.cpus", "0", "") == NULL);
}
