/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/str.h"
#include "src/cgroup/driver.h"
#include "src/cmd/events_json.h"
#include "tests/lib/check.h"

#include <poll.h>

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
	CHECK_INT(duration("5"), -EINVAL);
	CHECK_INT(duration("s"), -EINVAL);
	CHECK_INT(duration(""), -EINVAL);
	CHECK_INT(duration("1x"), -EINVAL);
}

/* The kernel may tell of a kill up to 10 ms late, after what it has told last. */
TEST(patience_with_a_group_at_its_limit)
{
	struct driver_oom none = { .fd = -1, .events = POLLPRI }, v1 = { .events = POLLIN };
	struct driver_oom v2 = { .events = POLLPRI };
	int turns = 0;

	CHECK_INT(driver_oom_patience(&none, true), -1);
	CHECK_INT(driver_oom_patience(&v1, true), -1);
	CHECK_INT(driver_oom_patience(&v2, false), -1);
	CHECK_INT(driver_oom_patience(&v2, true), 1);
	while (driver_oom_patience(&v2, false) == 1)
		turns++;
	CHECK(turns > 10 && turns < 50);
	CHECK_INT(driver_oom_patience(&v2, false), -1);
}
