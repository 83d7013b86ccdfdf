/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/decode.h"
#include "src/plan/plan_resources.h"
#include "tests/lib/check.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;

static char *build(const char *json, bool v2)
{
	const struct oci_resources *resources;
	const struct cgroup_write *writes;
	char *out = arena_strdup(&arena, "");
	struct err err = { 0 };
	size_t n;

	if (decode_resources(&arena, "test", json, strlen(json), &resources, &err) < 0 ||
	    plan_resources_build(&arena, resources, v2, &writes, &n, &err) < 0)
		return arena_strf(&arena, "error: %s", err.text);
	for (size_t i = 0; i < n; i++)
		out = arena_strf(&arena, "%s%s=%s%s;", out, writes[i].file, writes[i].value,
				 writes[i].may_miss ? "?" : "");
	return out;
}

/* ceil(10^((l^2 + 125 l) / 612 - 7/34)) with l = log2(shares), computed elsewhere. */
TEST(weights_follow_the_formula)
{
	static const struct {
		uint64_t shares, weight;
	} cases[] = { { 0, 1 },      { 2, 1 },      { 100, 17 },       { 512, 59 },
		      { 1024, 100 }, { 2048, 174 }, { 262144, 10000 }, { 999999, 10000 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_INT(plan_resources_weight(cases[i].shares), cases[i].weight);
	for (uint64_t shares = 3; shares < 262144; shares += 97)
		CHECK(plan_resources_weight(shares) >= plan_resources_weight(shares - 1));
}

TEST(memory_and_swap)
{
	CHECK_STR(build("{\"memory\":{\"limit\":100,\"swap\":150}}", true),
		  "memory.max=100;memory.swap.max=50;");
	CHECK_STR(build("{\"memory\":{\"limit\":100,\"swap\":150}}", false),
		  "memory.limit_in_bytes=100;memory.memsw.limit_in_bytes=150;");
	CHECK_STR(build("{\"memory\":{\"limit\":-1}}", true),
		  "memory.max=max;memory.swap.max=max?;");
	CHECK_STR(build("{\"memory\":{\"limit\":0,\"swap\":0}}", true), "");
	CHECK(strstr(build("{\"memory\":{\"limit\":100,\"swap\":50}}", true),
		     "cannot be less than memory.limit") != NULL);
	CHECK(strstr(build("{\"memory\":{\"swap\":50}}", true), "needs a memory.limit") != NULL);
}

TEST(only_what_a_kernel_without_the_file_does_may_miss)
{
	CHECK_STR(build("{\"cpu\":{\"burst\":0,\"idle\":0}}", true),
		  "cpu.max.burst=0?;cpu.idle=0?;");
	CHECK_STR(build("{\"cpu\":{\"burst\":5,\"cpus\":\"0\",\"mems\":\"0\"}}", true),
		  "cpu.max.burst=5;cpuset.cpus=0;cpuset.mems=0;");
	CHECK_STR(build("{\"memory\":{\"swappiness\":0}}", false), "memory.swappiness=0;");
}

TEST(cpu_and_pids)
{
	CHECK_STR(build("{\"cpu\":{\"shares\":1024,\"quota\":50000,\"period\":200000}}", true),
		  "cpu.weight=100;cpu.max=50000 200000;");
	CHECK_STR(build("{\"cpu\":{\"quota\":-1}}", true), "cpu.max=max 100000;");
	CHECK_STR(build("{\"cpu\":{\"shares\":512,\"quota\":-1}}", false),
		  "cpu.shares=512;cpu.cfs_quota_us=-1;");
	CHECK_STR(build("{\"pids\":{\"limit\":0}}", true), "pids.max=0;");
	CHECK_STR(build("{\"pids\":{\"limit\":-1}}", false), "pids.max=max;");
}

TEST(unified_and_what_is_refused)
{
	CHECK_STR(build("{\"unified\":{\"memory.high\":\"5\"}}", true), "memory.high=5;");
	CHECK(strstr(build("{\"unified\":{\"memory.high\":\"5\"}}", false),
		     "cgroup v1 has no such") != NULL);
	CHECK(strstr(build("{\"unified\":{\"../cgroup.procs\":\"1\"}}", true), "not the name") !=
	      NULL);
}

TEST(weights_and_throttles)
{
	const char *throttle = "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,"
			       "\"rate\":600}]}}";

	CHECK_STR(build("{\"blockIO\":{\"weight\":100}}", true), "io.bfq.weight=100;");
	CHECK_STR(build("{\"blockIO\":{\"weight\":100}}", false), "blkio.weight=100;");
	CHECK_STR(build(throttle, true), "io.max=8:0 rbps=600;");
	CHECK_STR(build(throttle, false), "blkio.throttle.read_bps_device=8:0 600;");
	CHECK(strstr(build("{\"blockIO\":{\"leafWeight\":100}}", true), "blockIO.leafWeight") !=
	      NULL);
}
