/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: what the kernel says it has, and what it does. */
#include "tests/integration/cgroup_view.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "tests/lib/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct arena arena;

static const char *path_of(const char *end)
{
	return arena_strf(&arena, "/%s%s", cgroup_view_name(), end);
}

static void check_remove(struct cgroup *cgroup, const struct cgroup_plan *plan)
{
	struct err err = { 0 };
	int r;

	driver_close(cgroup);
	r = driver_remove(&plan->place, &err);
	CHECK_STR(r < 0 ? err.text : "", "");
	CHECK_INT(cgroup_view_count(plan), 0);
}

/* Another set of limits on the same group, as `update` would write them. */
static void update(struct cgroup *cgroup, const char *resources, const char *error)
{
	struct cgroup_plan plan;
	struct err err = { 0 };
	int r = cgroup_view_plan(path_of(""), resources, &plan, &err);

	if (r == 0)
		r = driver_apply(cgroup, &plan, &err);
	if (*error)
		CHECK_ERR(r, &err, error);
	else
		CHECK_STR(r < 0 ? err.text : "", "");
}

/* 77: allocated, so the limit did not hold. */
static int hog(void)
{
	size_t size = 96 << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return 1;
	memset(memory, 1, size);
	return 77;
}

static void memory_v1(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(
		path_of(""),
		"{\"memory\":{\"limit\":33554432,\"swap\":33554432,\"reservation\":16777216,"
		"\"swappiness\":0,\"useHierarchy\":true,\"kernel\":-1,\"kernelTCP\":-1}}",
		&plan);

	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.limit_in_bytes"), "33554432");
	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.memsw.limit_in_bytes"), "33554432");
	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.soft_limit_in_bytes"), "16777216");
	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.swappiness"), "0");
	CHECK_INT(cgroup_view_wait(cgroup_view_spawn(&cgroup, hog)), 128 + SIGKILL);
	/* up, both: the kernel takes swap first; down, both: the limit first; 0: as they are */
	update(&cgroup, "{\"memory\":{\"limit\":67108864,\"swap\":134217728}}", "");
	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.limit_in_bytes"), "67108864");
	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.memsw.limit_in_bytes"), "134217728");
	update(&cgroup, "{\"memory\":{\"limit\":16777216,\"swap\":33554432}}", "");
	update(&cgroup, "{\"memory\":{\"limit\":0,\"swap\":0}}", "");
	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.limit_in_bytes"), "16777216");
	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.memsw.limit_in_bytes"), "33554432");
	update(&cgroup, "{\"memory\":{\"limit\":67108864}}",
	       "linux.resources.memory.limit: write \"67108864\" to /sys/fs/cgroup/memory/");
	update(&cgroup, "{\"memory\":{\"limit\":-1}}", "");
	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.limit_in_bytes"),
		  "9223372036854771712");
	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.memsw.limit_in_bytes"),
		  "9223372036854771712");
	CHECK_INT(cgroup_view_wait(cgroup_view_spawn(&cgroup, hog)), 77);
	check_remove(&cgroup, &plan);
}

static int wait_for_end(void)
{
	char *memory = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return memory == MAP_FAILED ? 1 : pause();
}

static void check_before_update_v1(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""), NULL, &plan);
	pid_t pid = cgroup_view_spawn(&cgroup, wait_for_end);

	while (atoll(cgroup_view_read(&cgroup, "memory", "memory.usage_in_bytes")) < 8 << 20)
		(void)usleep(1000);
	update(&cgroup, "{\"memory\":{\"limit\":4194304,\"checkBeforeUpdate\":true}}",
	       "rejecting memory limit 4194304 <= usage");
	update(&cgroup, "{\"memory\":{\"limit\":67108864,\"checkBeforeUpdate\":true}}", "");
	CHECK_STR(cgroup_view_read(&cgroup, "memory", "memory.limit_in_bytes"), "67108864");
	check_remove(&cgroup, &plan);
	CHECK_INT(cgroup_view_wait(pid), 128 + SIGKILL);
}

TEST(memory_of_v1)
{
	cgroup_view_run(VIEW_HOST, memory_v1);
	cgroup_view_run(VIEW_V1, memory_v1);
	cgroup_view_run(VIEW_V1, check_before_update_v1);
}

/* How many children can be forked, up to 20; they end with their parent's group. */
static int count_forks(void)
{
	for (int n = 0; n < 20; n++) {
		pid_t pid = fork();

		if (pid == 0)
			(void)pause();
		if (pid < 0)
			return n;
	}
	return 20;
}

static void pids_v1(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""), "{\"pids\":{\"limit\":8}}", &plan);

	CHECK_STR(cgroup_view_read(&cgroup, "pids", "pids.max"), "8");
	CHECK_INT(cgroup_view_wait(cgroup_view_spawn(&cgroup, count_forks)), 7);
	update(&cgroup, "{\"pids\":{\"limit\":-1}}", "");
	CHECK_STR(cgroup_view_read(&cgroup, "pids", "pids.max"), "max");
	update(&cgroup, "{\"pids\":{\"limit\":8}}", "");
	update(&cgroup, "{\"pids\":{\"limit\":0}}", ""); /* clients' other word for -1 */
	CHECK_STR(cgroup_view_read(&cgroup, "pids", "pids.max"), "max");
	CHECK_INT(cgroup_view_wait(cgroup_view_spawn(&cgroup, count_forks)), 20);
	check_remove(&cgroup, &plan);
}

/* Per cent of a processor that a busy loop gets in a second. */
static int burn(void)
{
	struct timespec start, now, used;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	do
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 1000);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int)(used.tv_sec * 100 + used.tv_nsec / 10000000);
}

static void cpu_v1(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""),
						  "{\"cpu\":{\"shares\":512,\"quota\":20000,"
						  "\"period\":100000,\"burst\":1000,\"idle\":0,"
						  "\"cpus\":\"0\",\"mems\":\"0\"}}",
						  &plan);

	CHECK_STR(cgroup_view_read(&cgroup, "cpu", "cpu.shares"), "512");
	CHECK_STR(cgroup_view_read(&cgroup, "cpu", "cpu.cfs_quota_us"), "20000");
	CHECK_STR(cgroup_view_read(&cgroup, "cpu", "cpu.cfs_burst_us"), "1000");
	CHECK_STR(cgroup_view_read(&cgroup, "cpuset", "cpuset.cpus"), "0");
	CHECK(cgroup_view_wait(cgroup_view_spawn(&cgroup, burn)) <= 25);
	/* the quota goes below the burst that is there: it takes two rounds */
	update(&cgroup, "{\"cpu\":{\"quota\":60000,\"burst\":50000}}", "");
	update(&cgroup, "{\"cpu\":{\"quota\":30000,\"period\":50000,\"burst\":20000}}", "");
	CHECK_STR(cgroup_view_read(&cgroup, "cpu", "cpu.cfs_period_us"), "50000");
	CHECK_STR(cgroup_view_read(&cgroup, "cpu", "cpu.cfs_burst_us"), "20000");
	update(&cgroup, "{\"cpu\":{\"quota\":10}}", "linux.resources.cpu.quota: write \"10\"");
	update(&cgroup, "{\"cpu\":{\"cpus\":\"4000\"}}",
	       "linux.resources.cpu.cpus: write \"4000\"");
	update(&cgroup, "{\"cpu\":{\"quota\":-1}}", "");
	CHECK_STR(cgroup_view_read(&cgroup, "cpu", "cpu.cfs_quota_us"), "-1");
	check_remove(&cgroup, &plan);
}

static void block_io_v1(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup =
		cgroup_view_create(path_of(""), "{\"blockIO\":{\"weight\":200}}", &plan);
	struct stat st;

	/* kernels have the one file or the other */
	CHECK(strstr(cgroup_view_read(&cgroup, "blkio", "blkio.bfq.weight"), "200") ||
	      strstr(cgroup_view_read(&cgroup, "blkio", "blkio.weight"), "200"));
	if (stat("/dev/vda", &st) == 0 && major(st.st_rdev) == 254 && minor(st.st_rdev) == 0) {
		update(&cgroup,
		       "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":254,\"minor\":0,"
		       "\"rate\":1048576}]}}",
		       "");
		CHECK_STR(cgroup_view_read(&cgroup, "blkio", "blkio.throttle.read_bps_device"),
			  "254:0 1048576");
	}
	update(&cgroup,
	       "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":4000,\"minor\":0,\"rate\":1}]}"
	       "}",
	       "linux.resources.blockIO.throttleReadBpsDevice[0]: write \"4000:0 1\"");
	check_remove(&cgroup, &plan);
}

TEST(pids_cpu_and_block_io_of_v1)
{
	cgroup_view_run(VIEW_HOST, pids_v1);
	cgroup_view_run(VIEW_HOST, cpu_v1);
	cgroup_view_run(VIEW_V1, block_io_v1);
}

/* Bits: 1 null read and write, 2 kmsg read, 4 kmsg write, 8 a node made, 16 that node opened. */
static int try_devices(void)
{
	const char *node = arena_strf(&arena, "/tmp/%s.node", cgroup_view_name());
	int found = 0, fd;

	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	found |= fd >= 0 ? 1 : 0;
	fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);
	found |= fd >= 0 ? 2 : 0;
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	found |= fd >= 0 ? 4 : 0;
	found |= mknod(node, S_IFBLK | 0600, makedev(7, 200)) == 0
			 ? 8
			 : 0; /* a loop device that is not there */
	fd = open(node, O_RDONLY | O_CLOEXEC);
	found |= fd >= 0 || errno != EPERM ? 16 : 0;
	(void)unlink(node);
	return found;
}

static void devices(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""), NULL, &plan);

	CHECK_INT(cgroup_view_wait(cgroup_view_spawn(&cgroup, try_devices)), 1 | 8);
	update(&cgroup,
	       "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},"
	       "{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":11,\"access\":\"r\"}]}",
	       "");
	CHECK_INT(cgroup_view_wait(cgroup_view_spawn(&cgroup, try_devices)), 1 | 2 | 8);
	update(&cgroup, "{\"devices\":[{\"allow\":true,\"access\":\"rwm\"}]}", "");
	CHECK_INT(cgroup_view_wait(cgroup_view_spawn(&cgroup, try_devices)), 1 | 2 | 4 | 8 | 16);
	update(&cgroup,
	       "{\"devices\":[{\"allow\":true},{\"allow\":false,\"type\":\"c\",\"major\":1,"
	       "\"minor\":11,"
	       "\"access\":\"w\"}]}",
	       "");
	CHECK_INT(cgroup_view_wait(cgroup_view_spawn(&cgroup, try_devices)), 1 | 2 | 8 | 16);
	check_remove(&cgroup, &plan);
}

/* A hole in an exception: v2 has it, v1 says that it cannot. */
#define HOLE                                                                                       \
	"{\"devices\":[{\"allow\":true,\"type\":\"c\",\"major\":1,\"access\":\"rwm\"},"            \
	"{\"allow\":false,\"type\":\"c\",\"major\":1,\"minor\":11,\"access\":\"w\"}]}"

static void hole_v1(void)
{
	struct cgroup_plan plan;
	struct err err = { 0 };

	CHECK_ERR(cgroup_view_plan(path_of(""), HOLE, &plan, &err), &err,
		  "linux.resources.devices[1]: cgroup v1 cannot deny \"c 1:11 w\" out of \"c 1:* "
		  "rwm\"");
}

static void hole_v2(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup = cgroup_view_create(path_of(""), HOLE, &plan);

	CHECK_INT(cgroup_view_wait(cgroup_view_spawn(&cgroup, try_devices)), 1 | 2 | 8);
	check_remove(&cgroup, &plan);
}

TEST(device_rules)
{
	cgroup_view_run(VIEW_HOST, devices);
	cgroup_view_run(VIEW_V1, devices);
	cgroup_view_run(VIEW_V2, devices);
	cgroup_view_run(VIEW_V1, hole_v1);
	cgroup_view_run(VIEW_V2, hole_v2);
}

static void limits_v2(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup;
	struct err err = { 0 };
	int r = cgroup_view_plan(path_of(""),
				 "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304}],"
				 "\"unified\":{\"hugetlb.1GB.max\":\"1073741824\"}}",
				 &plan, &err);

	CHECK_STR(r < 0 ? err.text : "", "");
	r = driver_create(&plan, DRIVER_ALL, &cgroup, &err);
	if (r == 0)
		r = driver_apply(&cgroup, &plan, &err);
	if (r < 0 && strstr(err.text, "1GB")) /* a machine without such pages */
		r = 0;
	CHECK_STR(r < 0 ? err.text : "", "");
	CHECK_STR(cgroup_view_read(&cgroup, "", "hugetlb.2MB.max"), "4194304");
	CHECK_STR(cgroup_view_read(&cgroup, "", "hugetlb.2MB.rsvd.max"), "4194304");
	update(&cgroup, "{\"unified\":{\"hugetlb.7MB.max\":\"1\"}}",
	       "linux.resources.unified[\"hugetlb.7MB.max\"]: write \"1\"");
	update(&cgroup, "{\"hugepageLimits\":[{\"pageSize\":\"4KB\",\"limit\":4096}]}",
	       "linux.resources.hugepageLimits[0]: write \"4096\"");
	update(&cgroup, "{\"unified\":{\"cgroup.max.depth\":\"3\"}}", "");
	CHECK_STR(cgroup_view_read(&cgroup, "", "cgroup.max.depth"), "3");
	check_remove(&cgroup, &plan);
}

static void missing_controller_v2(void)
{
	struct cgroup_plan plan;
	struct cgroup cgroup;
	struct err err = { 0 };
	int r = cgroup_view_plan(path_of(""), "{\"unified\":{\"nonesuch.max\":\"1\"}}", &plan,
				 &err);

	if (r == 0)
		r = driver_create(&plan, DRIVER_ALL, &cgroup, &err);
	CHECK_ERR(r, &err,
		  "the requested cgroup controller `nonesuch` is not available in the cgroup `/`");
	CHECK_INT(cgroup_view_count(&plan), 0);
}

/* In a group of its own, alone or not, whose controllers are wanted for a group below. */
static int below_own_group(bool alone)
{
	struct cgroup_plan plan;
	struct cgroup cgroup;
	struct err err = { 0 };
	pid_t other = 0;
	int r = io_write_at(AT_FDCWD, "/sys/fs/cgroup/solo/cgroup.procs", "0");

	if (r == 0 && !alone)
		other = fork();
	if (r == 0 && !alone && other == 0)
		return pause();
	if (r == 0)
		r = cgroup_view_plan(
			"/solo/c",
			"{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":2097152}]}", &plan,
			&err);
	if (r == 0)
		r = driver_create(&plan, DRIVER_ALL, &cgroup, &err);
	if (r == 0)
		r = driver_apply(&cgroup, &plan, &err);
	if (other > 0 && kill(other, SIGKILL) == 0)
		(void)cgroup_view_wait(other);
	if (alone)
		CHECK_STR(r < 0 ? err.text : cgroup_view_read(&cgroup, "", "hugetlb.2MB.max"),
			  "2097152");
	else
		CHECK_ERR(r, &err,
			  "enable the cgroup controller `hugetlb` for the cgroups below `solo`");
	CHECK(alone || strstr(err.hint, "with processes in it cannot enable controllers"));
	(void)fflush(stdout);
	return 0;
}

static void steps_aside_v2(void)
{
	struct cgroup_dir dir = { .controllers = "", .mount = "/sys/fs/cgroup", .path = "/solo/c" };
	struct cgroup_place place = { CGROUP_DRIVER_V2, { &dir, 1 } };
	struct err err = { 0 };

	CHECK_INT(io_write_at(AT_FDCWD, "/sys/fs/cgroup/cgroup.subtree_control", "+hugetlb"), 0);
	CHECK(mkdir("/sys/fs/cgroup/solo", 0755) == 0);
	for (int alone = 0; alone < 2; alone++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(below_own_group(alone));
		CHECK_INT(cgroup_view_wait(pid), 0);
	}
	CHECK_INT(driver_remove(&place, &err), 0);
	CHECK(rmdir("/sys/fs/cgroup/solo") == 0);
}

TEST(limits_of_v2)
{
	cgroup_view_run(VIEW_V2, limits_v2);
	cgroup_view_run(VIEW_V2, missing_controller_v2);
	cgroup_view_run(VIEW_V2, steps_aside_v2);
}

TEST(zz_nothing_is_left)
{
	cgroup_view_check_clean();
}
