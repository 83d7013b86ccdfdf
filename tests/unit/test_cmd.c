/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/cgroup/driver.h"
#include "src/cgroup/v1.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/events_json.h"
#include "src/cmd/parts.h"
#include "src/cmd/ps_host.h"
#include "src/cmd/stats_text.h"
#include "src/cmd/update_values.h"
#include "src/plan/plan_cgroup.h"
#include "tests/lib/check.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const pid_t pids[] = { 7, 4242 };

static int filter(const char *text, struct str *out, struct err *err)
{
	char copy[512];

	(void)strcpy(copy, text);
	return ps_host_filter(copy, pids, 2, out, err);
}

TEST(lines_are_picked_by_the_pid_column)
{
	_cleanup_str_ struct str out = { 0 };
	struct err err = { 0 };

	CHECK_INT(filter("UID          PID    PPID CMD\n"
			 "root           1       0 init 7\n"
			 "root           7       1 sh\n"
			 "root           8       7 sh\n"
			 "\n"
			 "u           4242       7 sleep 10\n",
			 &out, &err),
		  0);
	CHECK_STR(out.s, "UID          PID    PPID CMD\n"
			 "root           7       1 sh\n"
			 "u           4242       7 sleep 10\n");
}

TEST(a_column_at_the_edge)
{
	_cleanup_str_ struct str out = { 0 };
	struct err err = { 0 };

	CHECK_INT(filter("  PID\n    7\n   77\n", &out, &err), 0);
	CHECK_STR(out.s, "  PID\n    7\n");
}

TEST(no_column)
{
	_cleanup_str_ struct str out = { 0 };
	struct err err = { 0 };

	CHECK_ERR(filter("PPID CMD\n7 sh\n", &out, &err), &err,
		  "couldn't find PID field in ps output");
	CHECK_ERR(filter("", &out, &err), &err, "couldn't find PID field");
	CHECK_INT(out.len, 0);
}

#define N(number)                                                                                  \
	{                                                                                          \
		true, number                                                                       \
	}

static const struct stats_sample before[] = { { "a", 1000, 0, .cpu = N(100) },
					      { "b", 1000, 0, .cpu = N(900) },
					      { "e", 1000, 0 } };

TEST(percent_of_the_time_between)
{
	struct stats_sample a = { "a", 2000, 0, .cpu = N(350) },
			    c = { "c", 2000, 1900, .cpu = N(50) };
	struct stats_sample again = { "b", 2000, 1980, .cpu = N(10) };
	struct stats_sample no_time = { "d", 5, 5, .cpu = N(10) };
	struct stats_sample counted_since = { "e", 2000, 0, .cpu = N(500) };

	CHECK_INT(stats_text_percent(&a, before, 3), 2500);
	CHECK_INT(stats_text_percent(&c, before, 3), 5000);
	CHECK_INT(stats_text_percent(&again, before, 3), 5000);
	CHECK_INT(stats_text_percent(&no_time, before, 3), 0);
	CHECK_INT(stats_text_percent(&counted_since, before, 3), 2500);
	CHECK_INT(stats_text_percent(&a, NULL, 0), 1750);
}

TEST(table)
{
	static const struct stats_sample v[] = {
		{ "web", 1000, 0, N(20), N(3 << 20), N(64 << 20), N(2) },
		{ "database", 1000, 0, N(2005), N(1536), N(UINT64_MAX), N(31) },
		{ "zero", 1000, 0, N(0), N(0), N(0), N(0) },
		{ "unknown", 1000, 0, .cpu = { 0 } },
	};
	struct json_write *w = json_write_new(false);
	struct str out = { 0 };
	struct err err;

	stats_text_table(&out, v, 4, NULL, 0);
	CHECK_STR(str_text(&out), "ID           CPU %      MEMORY       LIMIT  PIDS\n"
				  "web           2.00     3.0 MiB    64.0 MiB  2\n"
				  "database    200.50     1.5 KiB           -  31\n"
				  "zero          0.00       0.0 B       0.0 B  0\n"
				  "unknown         --          --          --  --\n");
	stats_text_json(w, v + 1, 3, NULL, 0);
	CHECK_STR(json_write_text(w, NULL, &err),
		  "[{\"id\":\"database\",\"cpu_percent\":\"200.50%\",\"cpu_ns\":2005,"
		  "\"memory\":1536,\"pids\":31},"
		  "{\"id\":\"zero\",\"cpu_percent\":\"0.00%\",\"cpu_ns\":0,\"memory\":0,"
		  "\"memory_limit\":0,\"pids\":0},{\"id\":\"unknown\"}]");
	json_write_free(w);
	str_done(&out);
}

static struct arena arena;

static const char *read_fake(const struct events_source *source, const char *controller,
			     const char *file)
{
	const char *const *pairs = source->data;

	(void)controller;
	for (size_t i = 0; pairs[i]; i += 2)
		if (str_equal(pairs[i], file))
			return pairs[i + 1];
	return NULL;
}

static const char *stats(const char *const *pairs, bool v2)
{
	struct events_source source = {
		.v2 = v2, .read = read_fake, .data = pairs, .arena = &arena
	};
	struct json_write *w = json_write_new(false);
	struct err err = { 0 };
	const char *text;

	events_json_stats(w, "c", &source);
	text = json_write_text(w, NULL, &err);
	text = arena_strdup(&arena, text ? text : err.text);
	json_write_free(w);
	return text;
}

#define CPUSET(cpus, load, level)                                                                  \
	"\"cpuset\":{" cpus "\"cpu_exclusive\":0,\"mem_hardwall\":0,\"mem_exclusive\":0,"          \
	"\"memory_migrate\":0,\"memory_spread_page\":0,\"memory_spread_slab\":0,"                  \
	"\"memory_pressure\":0,\"sched_load_balance\":" load                                       \
	",\"sched_relax_domain_level\":" level "}"
#define NO_ENTRY "{\"limit\":0,\"failcnt\":0}"
#define REST "\"intel_rdt\":{},\"network_interfaces\":null}}"

TEST(v1)
{
	static const char *const files[] = {
		"cpuacct.usage",
		"900",
		"cpuacct.usage_percpu",
		"400 500 ",
		"cpuacct.usage_all",
		"cpu user system\n0 1 2\n1 3 4",
		"cpuacct.stat",
		"user 1\nsystem 2",
		"cpu.stat",
		"nr_periods 7\nnr_throttled 3\nthrottled_time 99",
		"cpuset.cpus",
		"0-1,3",
		"cpuset.sched_load_balance",
		"1",
		"cpuset.sched_relax_domain_level",
		"-1",
		"memory.limit_in_bytes",
		"100",
		"memory.usage_in_bytes",
		"60",
		"memory.failcnt",
		"2",
		"memory.stat",
		"cache 5\nrss 6",
		"pids.current",
		"2",
		"pids.max",
		"max",
		"blkio.throttle.io_serviced_recursive",
		"8:16 Read 3\n8:16 Write 0\nTotal 3",
		NULL,
	};

	CHECK_STR(
		stats(files, false),
		"{\"type\":\"stats\",\"id\":\"c\",\"data\":{\"cpu\":{\"usage\":{\"total\":900,"
		"\"percpu\":[400,500],\"percpu_kernel\":[2,4],\"percpu_user\":[1,3],"
		"\"kernel\":20000000,\"user\":10000000},\"throttling\":{\"periods\":7,"
		"\"throttledPeriods\":3,\"throttledTime\":99}}," CPUSET(
			"\"cpus\":[0,1,3],", "1",
			"-1") ",\"memory\":{\"cache\":5,\"usage\":{\"limit\":100,\"usage\":60,"
			      "\"failcnt\":2},\"swap\":" NO_ENTRY ",\"kernel\":" NO_ENTRY
			      ",\"kernelTCP\":" NO_ENTRY ",\"raw\":{\"cache\":5,\"rss\":6}},"
			      "\"pids\":{\"current\":2},\"blkio\":{\"ioServicedRecursive\":["
			      "{\"major\":8,\"minor\":16,\"op\":\"Read\",\"value\":3},"
			      "{\"major\":8,\"minor\":16,\"op\":\"Write\"}]},\"hugetlb\":{}," REST);
}

TEST(v2)
{
	static const char *const files[] = {
		"cpu.stat",
		"usage_usec 9\nuser_usec 4\nsystem_usec 5",
		"memory.max",
		"100",
		"memory.current",
		"60",
		"memory.swap.max",
		"50",
		"memory.swap.current",
		"1",
		"pids.current",
		"2",
		"pids.max",
		"9",
		"io.stat",
		"8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0",
		"hugetlb.2MB.current",
		"0",
		"hugetlb.2MB.events",
		"max 4",
		"cpu.pressure",
		"some avg10=0.00 avg60=12.50 avg300=0.10 total=42\nfull avg10=1.00 avg60=0.00 "
		"avg300=0.00 total=7\n",
		"memory.pressure",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=3\n",
		"io.pressure",
		"",
		NULL,
	};

	CHECK_STR(
		stats(files, true),
		"{\"type\":\"stats\",\"id\":\"c\",\"data\":{\"cpu\":{\"usage\":{\"total\":9000,"
		"\"kernel\":5000,\"user\":4000},\"throttling\":{},\"psi\":{\"some\":{"
		"\"avg10\":0.00,\"avg60\":12.50,\"avg300\":0.10,\"total\":42},\"full\":{"
		"\"avg10\":1.00,\"avg60\":0.00,\"avg300\":0.00,\"total\":7}}}," CPUSET(
			"", "0",
			"0") ",\"memory\":{\"usage\":{\"limit\":100,\"usage\":60,\"failcnt\":0},"
			     "\"swap\":{\"limit\":150,\"usage\":61,\"failcnt\":0},"
			     "\"kernel\":" NO_ENTRY ",\"kernelTCP\":" NO_ENTRY
			     ",\"psi\":{\"some\":{\"avg10\":0.00,\"avg60\":0.00,"
			     "\"avg300\":0.00,\"total\":3}}"
			     "},\"pids\":{\"current\":2,\"limit\":9},"
			     "\"blkio\":{\"ioServiceBytesRecursive\":[{\"major\":8,\"op\":\"Read\","
			     "\"value\":10},{\"major\":8,\"op\":\"Write\",\"value\":20},{\"major\":"
			     "8,"
			     "\"op\":\"Discard\"}],\"ioServicedRecursive\":[{\"major\":8,"
			     "\"op\":\"Read\",\"value\":1},{\"major\":8,\"op\":\"Write\",\"value\":"
			     "2},"
			     "{\"major\":8,\"op\":\"Discard\"}]},\"hugetlb\":{\"2MB\":{\"failcnt\":"
			     "4}}," REST);
}

static int64_t duration(const char *text)
{
	int64_t ms = 0;
	int r = events_json_duration(text, &ms);

	return r < 0 ? r : ms;
}

TEST(durations)
{
	CHECK_INT(duration("5s"), 5000);
	CHECK_INT(duration("1m30s"), 90000);
	CHECK_INT(duration("200ms"), 200);
	CHECK_INT(duration("2h"), 7200000);
	CHECK_INT(duration("0s"), 0);
	CHECK_INT(duration("596h"), 2145600000);
	CHECK_INT(duration("597h"), -ERANGE);
	CHECK_INT(duration("999999999h999999999h"), -ERANGE);
	CHECK_INT(duration("5"), -EINVAL);
	CHECK_INT(duration("s"), -EINVAL);
	CHECK_INT(duration(""), -EINVAL);
	CHECK_INT(duration("1x"), -EINVAL);
}

/* The kernel may tell of a kill up to 10 ms late, after what it has told last. */
TEST(patience_with_a_group_at_its_limit)
{
	struct driver_oom none = { .fd = -1, .events = POLLPRI };
	struct driver_oom v2 = { .events = POLLPRI };
	int turns = 0;

	CHECK_INT(driver_oom_patience(&none, true), -1);
	CHECK_INT(driver_oom_patience(&v2, false), -1);
	CHECK_INT(driver_oom_patience(&v2, true), 1);
	while (driver_oom_patience(&v2, false) == 1)
		turns++;
	CHECK(turns > 10 && turns < 50);
	CHECK_INT(driver_oom_patience(&v2, false), -1);
}

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

/* What both need of each other: the limit of memory is there before that of swap is counted from
 * it. */
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

/* Items, and what goes wrong with one of them. */
struct many {
	pid_t parent;
	size_t bad;
	bool fails_everywhere;
};

static int tell_numbers(void *data, size_t first, size_t end, struct str *text, struct err *err)
{
	const struct many *many = data;

	for (size_t i = first; i < end; i++) {
		if (i == many->bad && many->fails_everywhere)
			return err_set(err, EIO, "number %zu", i);
		if (i == many->bad && getpid() != many->parent)
			_exit(1);
		str_addf(text, "%zu ", i);
	}
	return 0;
}

/* With a line for each of many devices. */
static void write_lines(int dir, const char *name)
{
	_cleanup_str_ struct str text = { 0 };
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	for (int i = 1; i < 2000; i++)
		str_addf(&text, "253:%d rbps=1 wbps=2\n", i);
	CHECK_INT(write(fd, text.s, text.len), (long long)text.len);
	(void)close(fd);
}

/* What the controllers do not count is not 0. */
TEST(samples_of_what_is_counted)
{
	static const char *const v2[] = { "cpu.stat", "usage_usec 5\nuser_usec 3", NULL };
	static const char *const v1[] = { "memory.usage_in_bytes", "4096", "memory.limit_in_bytes",
					  "9223372036854771712", NULL };
	struct events_source source = {
		.v2 = true, .read = read_fake, .data = v2, .arena = &arena
	};
	struct stats_sample sample = stats_text_sample(&source, "c", 2, 1);

	CHECK(sample.cpu.set && sample.cpu.v == 5000);
	CHECK(!sample.memory.set && !sample.limit.set && !sample.pids.set);
	source.v2 = false;
	source.data = v1;
	sample = stats_text_sample(&source, "c", 2, 1);
	CHECK(!sample.cpu.set && !sample.pids.set);
	CHECK(sample.memory.set && sample.memory.v == 4096);
	CHECK(sample.limit.set && sample.limit.v == UINT64_MAX);
}

TEST(files_of_many_lines)
{
	static const struct cgroup_dir dirs[] = { { .controllers = "", .path = "/x" } };
	const struct cgroup_place place = { .kind = CGROUP_DRIVER_V2, .dirs = { dirs, 1 } };
	struct cgroup_write writes[] = {
		{ .file = "io.max", .value = "253:1999 rbps=9 wbps=9", .required = true },
		{ .file = "no.such", .value = "1", .required = true },
	};
	struct cgroup_plan plan = { .writes = writes, .n_writes = 2 };
	const struct driver_before *old;
	struct cgroup cgroup;
	char dir[] = "/tmp/usrun-cmd.XXXXXX";
	struct events_source source;
	const char *text;
	struct err err;
	int shortage;

	CHECK(mkdtemp(dir) != NULL);
	group_init(&cgroup, &place);
	cgroup.fds[0] = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	write_lines(cgroup.fds[0], "io.max");
	source = cgroup_of_source(&cgroup, &arena, &shortage);
	text = source.read(&source, "io", "io.max");
	CHECK(text && str_ends(text, "\n253:1999 rbps=1 wbps=2"));
	for (int i = 0; i < 2; i++)
		writes[i].controller = writes[i].json_path = "linux.resources.blockIO";
	/* what was there is written back */
	CHECK_ERR(driver_update(&cgroup, &plan, &arena, &old, &err), &err, "no.such");
	text = source.read(&source, "io", "io.max");
	CHECK(text && str_starts(text, "253:1999 rbps=1 wbps=2"));
	(void)unlinkat(cgroup.fds[0], "io.max", 0);
	driver_close(&cgroup);
	(void)rmdir(dir);
}

static void put_file(int dir, const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK_INT(write(fd, text, strlen(text)), (long long)strlen(text));
}

TEST(cpusets_of_many_processors)
{
	_cleanup_str_ struct str cpus = { 0 };
	char dir[] = "/tmp/usrun-cmd.XXXXXX", *text;
	int parent, child;

	for (int i = 0; i < 8192; i += 2)
		str_addf(&cpus, "%s%d", i ? "," : "", i);
	CHECK(mkdtemp(dir) != NULL);
	parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(mkdirat(parent, "child", 0700), 0);
	child = openat(parent, "child", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_file(parent, "cpuset.cpus", cpus.s);
	put_file(child, "cpuset.cpus", "");
	put_file(parent, "cpuset.mems", "0-1\n");
	put_file(child, "cpuset.mems", "1\n"); /* was set before */
	CHECK_INT(v1_inherit_cpuset(parent, child), 0);
	CHECK_INT(group_read(child, "cpuset.cpus", &arena, &text), 0);
	CHECK_STR(text, cpus.s);
	CHECK_INT(group_read(child, "cpuset.mems", &arena, &text), 0);
	CHECK_STR(text, "1");
	(void)unlinkat(parent, "cpuset.mems", 0);
	(void)unlinkat(child, "cpuset.mems", 0);
	CHECK_INT(v1_inherit_cpuset(parent, child), 0); /* noprefix */
	(void)unlinkat(parent, "cpuset.cpus", 0);
	(void)unlinkat(child, "cpuset.cpus", 0);
	CHECK_INT(mkdirat(child, "cpuset.cpus", 0700), 0);
	CHECK_INT(v1_inherit_cpuset(parent, child), -EISDIR); /* not "nothing to do" */
	(void)unlinkat(child, "cpuset.cpus", AT_REMOVEDIR);
	(void)unlinkat(parent, "child", AT_REMOVEDIR);
	(void)rmdir(dir);
	(void)close(child);
	(void)close(parent);
}

TEST(parts_are_told_in_order_even_if_a_child_cannot)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 1000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct many many = { .parent = getpid(), .bad = sizes[i] - 1 };
		const struct parts_work work = { .n = sizes[i],
						 .tell = tell_numbers,
						 .data = &many };
		_cleanup_str_ struct str told = { 0 }, expected = { 0 };
		struct err err = { 0 };

		CHECK_INT(tell_numbers(&many, 0, sizes[i], &expected, &err), 0);
		CHECK_INT(parts_tell(&work, &told, &err), 0);
		CHECK_STR(str_text(&told), str_text(&expected));
		CHECK_INT(told.len, expected.len);
	}
}

TEST(an_error_of_a_part_is_told)
{
	struct many many = { .parent = getpid(), .bad = 900, .fails_everywhere = true };
	const struct parts_work work = { .n = 1000, .tell = tell_numbers, .data = &many };
	_cleanup_str_ struct str told = { 0 };
	struct err err = { 0 };

	CHECK_ERR(parts_tell(&work, &told, &err), &err, "number 900");
}
