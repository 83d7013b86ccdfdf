/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/decode.h"
#include "src/plan/plan_cgroup.h"
#include "tests/lib/check.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;

/* "?": may miss its file; "!": not required; "^": of the v2 tree beside v1. */
static char *build_for(const char *json, struct plan_layout layout)
{
	const struct oci_resources *resources;
	const struct cgroup_write *writes;
	char *out = arena_strdup(&arena, "");
	struct err err = { 0 };
	size_t n;

	if (decode_resources(&arena, "test", json, strlen(json), &resources, &err) < 0 ||
	    plan_resources_build(&arena, resources, layout, &writes, &n, &err) < 0)
		return arena_strf(&arena, "error: %s", check_said(&err));
	for (size_t i = 0; i < n; i++)
		out = arena_strf(&arena, "%s%s=%s%s%s%s;", out, writes[i].file, writes[i].value,
				 writes[i].may_miss ? "?" : "", writes[i].required ? "" : "!",
				 writes[i].unified ? "^" : "");
	return out;
}

static char *build(const char *json, bool v2)
{
	return build_for(json, (struct plan_layout){ v2, NULL });
}

TEST(a_controller_of_the_tree_beside_v1)
{
	static const char *const json =
		"{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304}]}";

	CHECK_STR(build_for("{\"rdma\":{\"m\":{\"hcaHandles\":3}}}",
			    (struct plan_layout){ false, "hugetlb rdma" }),
		  "rdma.max=m hca_handle=3^;");
	CHECK_STR(build_for("{\"rdma\":{\"m\":{\"hcaHandles\":3}}}",
			    (struct plan_layout){ false, "hugetlb" }),
		  "rdma.max=m hca_handle=3;");
	CHECK_STR(build_for(json, (struct plan_layout){ false, "hugetlb misc" }),
		  "hugetlb.2MB.max=4194304^;hugetlb.2MB.rsvd.max=4194304?^;");
	CHECK_STR(build_for(json, (struct plan_layout){ false, "misc" }),
		  "hugetlb.2MB.limit_in_bytes=4194304;"
		  "hugetlb.2MB.rsvd.limit_in_bytes=4194304?;");
}

/* ceil(10^((l^2 + 125 l) / 612 - 7/34)) with l = log2(shares), computed elsewhere. */
TEST(weights_follow_the_formula)
{
	static const struct {
		uint64_t shares, weight;
	} cases[] = { { 0, 1 },      { 2, 1 },      { 100, 17 },       { 512, 59 },
		      { 1024, 100 }, { 2048, 174 }, { 262144, 10000 }, { 999999, 10000 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_INT(plan_writes_weight(cases[i].shares), cases[i].weight);
	for (uint64_t shares = 3; shares < 262144; shares += 97)
		CHECK(plan_writes_weight(shares) >= plan_writes_weight(shares - 1));
}

TEST(memory_and_swap)
{
	CHECK_STR(build("{\"memory\":{\"limit\":100,\"swap\":150}}", true),
		  "memory.max=100;memory.swap.max=50;");
	CHECK_STR(build("{\"memory\":{\"limit\":100,\"swap\":150}}", false),
		  "memory.limit_in_bytes=100;memory.memsw.limit_in_bytes=150;");
	CHECK_STR(build("{\"memory\":{\"limit\":-1}}", true),
		  "memory.max=max?;memory.swap.max=max?;");
	CHECK_STR(build("{\"memory\":{\"limit\":0,\"swap\":0}}", true), "memory.swap.max=0?;");
	CHECK_STR(build("{\"memory\":{\"limit\":0,\"swap\":0}}", false), "");
	CHECK_STR(build("{\"memory\":{\"limit\":100,\"swap\":0}}", true),
		  "memory.max=100;memory.swap.max=0?;");
	CHECK_STR(build("{\"memory\":{\"limit\":-1,\"swap\":150}}", true),
		  "memory.max=max?;memory.swap.max=150;");
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

TEST(memory_in_all_its_parts)
{
	const char *v1 = "{\"memory\":{\"reservation\":7,\"swappiness\":0,\"disableOOMKiller\":"
			 "true,\"useHierarchy\":true}}";

	CHECK_STR(build(v1, false), "memory.soft_limit_in_bytes=7;memory.swappiness=0;"
				    "memory.oom_control=1;memory.use_hierarchy=1;");
	CHECK_STR(build("{\"memory\":{\"reservation\":7,\"useHierarchy\":true}}", true),
		  "memory.low=7;");
	CHECK_STR(build("{\"memory\":{\"reservation\":-1}}", true), "memory.low=max?;");
	CHECK(strstr(build("{\"memory\":{\"swappiness\":5}}", true), "memory.swappiness") != NULL);
	CHECK(strstr(build("{\"memory\":{\"disableOOMKiller\":true}}", true),
		     "memory.disableOOMKiller") != NULL);
	/* kernel memory is no longer counted apart, but for that of sockets */
	CHECK_STR(build("{\"memory\":{\"kernel\":5,\"kernelTCP\":6}}", false),
		  "memory.kmem.tcp.limit_in_bytes=6!;");
	CHECK_STR(build("{\"memory\":{\"kernel\":5,\"kernelTCP\":6}}", true), "");
}

TEST(cpu_and_pids)
{
	CHECK_STR(build("{\"cpu\":{\"shares\":1024,\"quota\":50000,\"period\":200000}}", true),
		  "cpu.weight=100;cpu.max=50000 200000;");
	CHECK_STR(build("{\"cpu\":{\"quota\":-1}}", true), "cpu.max=max 100000?;");
	CHECK_STR(build("{\"cpu\":{\"shares\":512,\"quota\":-1}}", false),
		  "cpu.shares=512;cpu.cfs_quota_us=-1?;");
	CHECK_STR(build("{\"cpu\":{\"realtimePeriod\":9,\"realtimeRuntime\":8,\"idle\":1,"
			"\"burst\":3,\"cpus\":\"0-1\",\"mems\":\"0\"}}",
			false),
		  "cpu.cfs_burst_us=3;cpu.rt_period_us=9;cpu.rt_runtime_us=8;cpu.idle=1;"
		  "cpuset.cpus=0-1;cpuset.mems=0;");
	CHECK_STR(build("{\"cpu\":{\"idle\":1,\"burst\":3,\"cpus\":\"0-1\",\"mems\":\"0\"}}", true),
		  "cpu.max.burst=3;cpu.idle=1;cpuset.cpus=0-1;cpuset.mems=0;");
	CHECK(strstr(build("{\"cpu\":{\"realtimeRuntime\":8}}", true), "cpu.realtimeRuntime") !=
	      NULL);
	CHECK_STR(build("{\"pids\":{\"limit\":0}}", true), "pids.max=max?;");
	CHECK_STR(build("{\"pids\":{\"limit\":-1}}", false), "pids.max=max?;");
}

TEST(unified_and_what_is_refused)
{
	CHECK_STR(build("{\"unified\":{\"memory.high\":\"5\"}}", true), "memory.high=5;");
	CHECK_STR(build("{\"unified\":{\"io.max\":\"8:0 rbps=1\\n8:16 rbps=2\\n\"}}", true),
		  "io.max=8:0 rbps=1;io.max=8:16 rbps=2;");
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

TEST(throttles_of_every_kind)
{
	const char *all = "{\"blockIO\":{"
			  "\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1}],"
			  "\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":1,\"rate\":2}],"
			  "\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":2,\"rate\":3}],"
			  "\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":3,\"rate\":0}],"
			  "\"weightDevice\":[{\"major\":8,\"minor\":4,\"weight\":50}]}}";
	const char *leaf = "{\"blockIO\":{\"leafWeight\":60,\"weightDevice\":[{\"major\":8,"
			   "\"minor\":5,\"leafWeight\":70}]}}";

	CHECK_STR(build(all, false),
		  "blkio.weight_device=8:4 50;blkio.throttle.read_bps_device=8:0 1;"
		  "blkio.throttle.write_bps_device=8:1 2;blkio.throttle.read_iops_device=8:2 3;"
		  "blkio.throttle.write_iops_device=8:3 0;");
	CHECK_STR(build(all, true), "io.bfq.weight=8:4 50;io.max=8:0 rbps=1;io.max=8:1 wbps=2;"
				    "io.max=8:2 riops=3;io.max=8:3 wiops=max;");
	CHECK_STR(build(leaf, false), "blkio.leaf_weight=60;blkio.leaf_weight_device=8:5 70;");
}

TEST(pages_networks_and_rdma)
{
	const char *network =
		"{\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\","
		"\"priority\":5},{\"name\":\"eth1\",\"priority\":0}]}}";
	const char *rdma = "{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":10000},"
			   "\"mlx4_0\":{\"hcaObjects\":0}}}";
	const char *pages = "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":9}]}";

	CHECK_STR(build(network, false), "net_cls.classid=1048577;net_prio.ifpriomap=eth0 5;"
					 "net_prio.ifpriomap=eth1 0;");
	CHECK(strstr(build(network, true), "network.classID: cgroup v2 has no equivalent") != NULL);
	CHECK_STR(build(rdma, true), "rdma.max=mlx5_1 hca_handle=3 hca_object=10000;"
				     "rdma.max=mlx4_0 hca_object=0;");
	CHECK_STR(build(rdma, false), build(rdma, true));
	CHECK_STR(build(pages, false),
		  "hugetlb.2MB.limit_in_bytes=9;hugetlb.2MB.rsvd.limit_in_bytes=9?;");
	CHECK_STR(build(pages, true), "hugetlb.2MB.max=9;hugetlb.2MB.rsvd.max=9?;");
}

/* Of two that depend on each other the kernel takes one order for values that grow and the other
 * for those that shrink: driver_apply() repeats what is refused, but only inside of a section, so
 * these stand side by side. What is repeated must not be ahead of what it waits for in another
 * section. */
static const char everything[] =
	"{\"unified\":{\"memory.max\":\"5\"},\"pids\":{\"limit\":9},"
	"\"cpu\":{\"mems\":\"0\",\"cpus\":\"1\",\"idle\":0,\"realtimeRuntime\":8,"
	"\"realtimePeriod\":9,\"burst\":3,\"quota\":5000,\"period\":10000,\"shares\":1024},"
	"\"memory\":{\"reservation\":7,\"swap\":150,\"limit\":100}}";

TEST(order_of_v2)
{
	/* realtime is of v1 */
	const char *at = strstr(everything, "\"realtimeRuntime"),
		   *end = strstr(everything, "\"burst");
	char *json = arena_strf(&arena, "%.*s%s", (int)(at - everything), everything, end);

	CHECK_STR(build(json, true),
		  "memory.max=100;memory.swap.max=50;memory.low=7;"
		  "cpu.weight=100;cpu.max=5000 10000;cpu.max.burst=3;cpu.idle=0?;"
		  "cpuset.cpus=1;cpuset.mems=0;pids.max=9;memory.max=5;");
	CHECK_STR(build("{\"unified\":{\"pids.max\":\"7\"},\"hugepageLimits\":[{\"pageSize\":"
			"\"2MB\",\"limit\":9}],\"blockIO\":{\"weight\":100},\"pids\":{\"limit\":5},"
			"\"rdma\":{\"m\":{\"hcaHandles\":3}}}",
			true),
		  "io.bfq.weight=100;hugetlb.2MB.max=9;hugetlb.2MB.rsvd.max=9?;"
		  "rdma.max=m hca_handle=3;pids.max=5;pids.max=7;");
}

TEST(order_of_v1)
{
	const char *json = strchr(strchr(everything, '}'), '"');

	CHECK_STR(build(arena_strf(&arena, "{%s", json), false),
		  "memory.limit_in_bytes=100;memory.memsw.limit_in_bytes=150;"
		  "memory.soft_limit_in_bytes=7;"
		  "cpu.shares=1024;cpu.cfs_period_us=10000;cpu.cfs_quota_us=5000;"
		  "cpu.cfs_burst_us=3;cpu.rt_period_us=9;cpu.rt_runtime_us=8;cpu.idle=0?;"
		  "cpuset.cpus=1;cpuset.mems=0;pids.max=9;");
}
