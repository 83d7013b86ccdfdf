/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of `events` parse these members, and rely on which of them are omitted when 0. */
#include "src/cmd/events_json.h"

#include "src/base/parse.h"
#include "src/base/str.h"

#include <stdio.h>
#include <string.h>

enum { NS_PER_TICK = 10000000 };

static const char *text_of(const struct events_source *s, const char *controller, const char *file)
{
	const char *text = s->read(s, controller, file);

	return text ? text : "";
}

uint64_t events_json_value(const char *text)
{
	char digits[24];
	uint64_t value;

	if (str_starts(text, "max"))
		return UINT64_MAX;
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)strspn(text, "0123456789"), text);
	return parse_u64(digits, &value) < 0 ? 0 : value;
}

/* 0 if there is no such file. */
static uint64_t number(const struct events_source *source, const char *controller, const char *file)
{
	return events_json_value(text_of(source, controller, file));
}

uint64_t events_json_field(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strncmp(at, name, len) == 0 && at[len] == ' ')
			return events_json_value(at + len + 1);
	return 0;
}

static void uint_unless_0(struct json_write *w, const char *key, uint64_t value)
{
	if (value)
		json_write_uint(w, key, value);
}

/* Every step-th number of a text, starting with the first-th. */
static void numbers(struct json_write *w, const char *key, const char *text, unsigned int first,
		    unsigned int step)
{
	unsigned int i = 0;

	if (!text[strspn(text, " \n")])
		return;
	json_write_array(w, key);
	for (const char *at = text + strspn(text, " \n"); *at; i++) {
		if (i >= first && (i - first) % step == 0)
			json_write_uint(w, NULL, events_json_value(at));
		at += strcspn(at, " \n");
		at += strspn(at, " \n");
	}
	json_write_end(w);
}

/* "some avg10=0.00 avg60=1.50 avg300=0.10 total=4242": a name and its value each. */
static void pressure_line(struct json_write *w, const struct events_source *s, const char *line)
{
	const char *at = line + strcspn(line, " \n");

	json_write_object(w, arena_strndup(s->arena, line, (size_t)(at - line)));
	while (*at == ' ') {
		size_t name = strcspn(++at, "= \n");

		if (at[name] == '=')
			json_write_decimal(w, arena_strndup(s->arena, at, name), at + name + 1);
		at += strcspn(at, " \n");
	}
	json_write_end(w);
}

/* Pressure, the time lost waiting for a resource: on v2 only, and if the kernel counts it. */
static void pressure(struct json_write *w, const struct events_source *s, const char *controller)
{
	const char *text =
		s->v2 ? text_of(s, controller, arena_strf(s->arena, "%s.pressure", controller))
		      : "";

	if (!*text)
		return;
	json_write_object(w, "psi");
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		pressure_line(w, s, at);
	json_write_end(w);
}

static void cpu_usage_v1(struct json_write *w, const struct events_source *s)
{
	const char *all = text_of(s, "cpuacct", "cpuacct.usage_all");
	const char *stat = text_of(s, "cpuacct", "cpuacct.stat");

	all += strcspn(all, "\n"); /* the heading: cpu user system */
	uint_unless_0(w, "total", number(s, "cpuacct", "cpuacct.usage"));
	numbers(w, "percpu", text_of(s, "cpuacct", "cpuacct.usage_percpu"), 0, 1);
	numbers(w, "percpu_kernel", all, 2, 3);
	numbers(w, "percpu_user", all, 1, 3);
	json_write_uint(w, "kernel", events_json_field(stat, "system") * NS_PER_TICK);
	json_write_uint(w, "user", events_json_field(stat, "user") * NS_PER_TICK);
}

static void cpu(struct json_write *w, const struct events_source *s)
{
	const char *stat = text_of(s, "cpu", "cpu.stat");
	uint64_t throttled = s->v2 ? events_json_field(stat, "throttled_usec") * 1000
				   : events_json_field(stat, "throttled_time");

	json_write_object(w, "cpu");
	json_write_object(w, "usage");
	if (s->v2) {
		uint_unless_0(w, "total", events_json_field(stat, "usage_usec") * 1000);
		json_write_uint(w, "kernel", events_json_field(stat, "system_usec") * 1000);
		json_write_uint(w, "user", events_json_field(stat, "user_usec") * 1000);
	} else {
		cpu_usage_v1(w, s);
	}
	json_write_end(w);
	json_write_object(w, "throttling");
	uint_unless_0(w, "periods", events_json_field(stat, "nr_periods"));
	uint_unless_0(w, "throttledPeriods", events_json_field(stat, "nr_throttled"));
	uint_unless_0(w, "throttledTime", throttled);
	json_write_end(w);
	pressure(w, s, "cpu");
	json_write_end(w);
}

/* "0-2,5" as [0,1,2,5]. */
static void list(struct json_write *w, const char *key, const char *text)
{
	if (!*text)
		return;
	json_write_array(w, key);
	for (const char *at = text; *at;) {
		uint64_t from = events_json_value(at), to;

		at += strspn(at, "0123456789");
		to = *at == '-' ? events_json_value(at + 1) : from;
		for (; from <= to && to < 1 << 16; from++)
			json_write_uint(w, NULL, from);
		at += strcspn(at, ",");
		at += *at == ',';
	}
	json_write_end(w);
}

static void cpuset(struct json_write *w, const struct events_source *s)
{
	static const char names[][20] = { "mem_hardwall",       "mem_exclusive",
					  "memory_migrate",     "memory_spread_page",
					  "memory_spread_slab", "memory_pressure",
					  "sched_load_balance" };
	const char *level = s->v2 ? "" : text_of(s, "cpuset", "cpuset.sched_relax_domain_level");
	int64_t domain = 0;

	json_write_object(w, "cpuset");
	list(w, "cpus", s->v2 ? "" : text_of(s, "cpuset", "cpuset.cpus"));
	json_write_uint(w, "cpu_exclusive",
			s->v2 ? 0 : number(s, "cpuset", "cpuset.cpu_exclusive"));
	list(w, "mems", s->v2 ? "" : text_of(s, "cpuset", "cpuset.mems"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_write_uint(
			w, names[i],
			s->v2 ? 0
			      : number(s, "cpuset", arena_strf(s->arena, "cpuset.%s", names[i])));
	json_write_int(w, "sched_relax_domain_level", parse_i64(level, &domain) < 0 ? 0 : domain);
	json_write_end(w);
}

static void memory_entry(struct json_write *w, const struct events_source *s, const char *key,
			 const char *prefix)
{
	json_write_object(w, key);
	json_write_uint(w, "limit",
			number(s, "memory", arena_strf(s->arena, "%s.limit_in_bytes", prefix)));
	uint_unless_0(w, "usage",
		      number(s, "memory", arena_strf(s->arena, "%s.usage_in_bytes", prefix)));
	uint_unless_0(w, "max",
		      number(s, "memory", arena_strf(s->arena, "%s.max_usage_in_bytes", prefix)));
	json_write_uint(w, "failcnt",
			number(s, "memory", arena_strf(s->arena, "%s.failcnt", prefix)));
	json_write_end(w);
}

static void plain_entry(struct json_write *w, const char *key, uint64_t limit, uint64_t usage,
			uint64_t max)
{
	json_write_object(w, key);
	json_write_uint(w, "limit", limit);
	uint_unless_0(w, "usage", usage);
	uint_unless_0(w, "max", max);
	json_write_uint(w, "failcnt", 0);
	json_write_end(w);
}

/* Swap includes memory, as in v1. */
static void memory_v2(struct json_write *w, const struct events_source *s)
{
	uint64_t limit = number(s, "memory", "memory.max"),
		 usage = number(s, "memory", "memory.current"),
		 swap = number(s, "memory", "memory.swap.max");

	plain_entry(w, "usage", limit, usage, number(s, "memory", "memory.peak"));
	plain_entry(w, "swap",
		    swap == UINT64_MAX || limit == UINT64_MAX ? UINT64_MAX : limit + swap,
		    usage + number(s, "memory", "memory.swap.current"), 0);
	plain_entry(w, "kernel", 0, 0, 0);
	plain_entry(w, "kernelTCP", 0, 0, 0);
}

static void memory(struct json_write *w, const struct events_source *s)
{
	const char *stat = text_of(s, "memory", "memory.stat");

	json_write_object(w, "memory");
	uint_unless_0(w, "cache", events_json_field(stat, s->v2 ? "file" : "cache"));
	if (s->v2) {
		memory_v2(w, s);
	} else {
		memory_entry(w, s, "usage", "memory");
		memory_entry(w, s, "swap", "memory.memsw");
		memory_entry(w, s, "kernel", "memory.kmem");
		memory_entry(w, s, "kernelTCP", "memory.kmem.tcp");
	}
	if (*stat)
		json_write_object(w, "raw");
	for (const char *at = stat; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		size_t name = strcspn(at, " \n");

		if (at[name] == ' ')
			json_write_uint(w, arena_strndup(s->arena, at, name),
					events_json_value(at + name + 1));
	}
	if (*stat)
		json_write_end(w);
	pressure(w, s, "memory");
	json_write_end(w);
}

static void block_entry(struct json_write *w, uint64_t major, uint64_t minor, const char *op,
			uint64_t value)
{
	json_write_object(w, NULL);
	uint_unless_0(w, "major", major);
	uint_unless_0(w, "minor", minor);
	json_write_string(w, "op", op);
	uint_unless_0(w, "value", value);
	json_write_end(w);
}

/* v1: "8:0 Read 4096"; v2: "8:0 rbytes=4096 wbytes=0 rios=1 …", of which the names with the suffix
 * count. */
static void block_line(struct json_write *w, const struct events_source *s, const char *line,
		       const char *suffix)
{
	uint64_t major = events_json_value(line),
		 minor = events_json_value(line + strcspn(line, ":") + 1);
	const char *at = line + strcspn(line, " \n");

	while (*at == ' ') {
		size_t name = strcspn(++at, "= \n"), len = strlen(suffix);

		if (!s->v2) {
			block_entry(w, major, minor, arena_strndup(s->arena, at, name),
				    at[name] ? events_json_value(at + name + 1) : 0);
			return;
		}
		if (at[name] == '=' && name == len + 1 && strncmp(at + 1, suffix, len) == 0)
			block_entry(w, major, minor,
				    *at == 'r'   ? "Read"
				    : *at == 'w' ? "Write"
						 : "Discard",
				    events_json_value(at + name + 1));
		at += strcspn(at, " \n");
	}
}

static void block(struct json_write *w, const struct events_source *s, const char *key,
		  const char *v1, const char *v2_suffix)
{
	const char *text = s->v2 ? text_of(s, "io", "io.stat") : "";

	if (!s->v2)
		text = text_of(s, "blkio", arena_strf(s->arena, "blkio.bfq.%s", v1));
	if (!s->v2 && !strchr(text, ':'))
		text = text_of(s, "blkio", arena_strf(s->arena, "blkio.throttle.%s", v1));
	if (!strchr(text, ':'))
		return;
	json_write_array(w, key);
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strcspn(at, ":") < strcspn(at, "\n")) /* not "Total 4096" */
			block_line(w, s, at, v2_suffix);
	json_write_end(w);
}

static void hugetlb(struct json_write *w, const struct events_source *s)
{
	static const char sizes[][8] = { "64KB", "1MB", "2MB", "16MB", "32MB", "512MB", "1GB" };

	json_write_object(w, "hugetlb");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const char *base = arena_strf(s->arena, "hugetlb.%s.", sizes[i]);
		const char *file =
			arena_strf(s->arena, "%s%s", base, s->v2 ? "current" : "usage_in_bytes");
		const char *usage = s->read(s, "hugetlb", file);
		uint64_t failed;

		if (!usage)
			continue;
		failed = s->v2 ? events_json_field(text_of(s, "hugetlb",
							   arena_strf(s->arena, "%sevents", base)),
						   "max")
			       : number(s, "hugetlb", arena_strf(s->arena, "%sfailcnt", base));
		json_write_object(w, sizes[i]);
		uint_unless_0(w, "usage", events_json_value(usage));
		if (!s->v2)
			uint_unless_0(w, "max",
				      number(s, "hugetlb",
					     arena_strf(s->arena, "%smax_usage_in_bytes", base)));
		json_write_uint(w, "failcnt", failed);
		json_write_end(w);
	}
	json_write_end(w);
}

static void pids(struct json_write *w, const struct events_source *s)
{
	uint64_t limit = number(s, "pids", "pids.max");

	json_write_object(w, "pids");
	uint_unless_0(w, "current", number(s, "pids", "pids.current"));
	uint_unless_0(w, "limit", limit == UINT64_MAX ? 0 : limit);
	json_write_end(w);
}

void events_json_stats(struct json_write *w, const char *id, const struct events_source *source)
{
	json_write_object(w, NULL);
	json_write_string(w, "type", "stats");
	json_write_string(w, "id", id);
	json_write_object(w, "data");
	cpu(w, source);
	cpuset(w, source);
	memory(w, source);
	pids(w, source);
	json_write_object(w, "blkio");
	block(w, source, "ioServiceBytesRecursive", "io_service_bytes_recursive", "bytes");
	block(w, source, "ioServicedRecursive", "io_serviced_recursive", "ios");
	pressure(w, source, "io");
	json_write_end(w);
	hugetlb(w, source);
	json_write_object(w, "intel_rdt");
	json_write_end(w);
	json_write_null(w, "network_interfaces");
	json_write_end(w);
	json_write_end(w);
}

void events_json_oom(struct json_write *w, const char *id)
{
	json_write_object(w, NULL);
	json_write_string(w, "type", "oom");
	json_write_string(w, "id", id);
	json_write_end(w);
}

int events_json_duration(const char *text, int64_t *ret)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	int64_t sum = 0;

	if (!*text)
		return -EINVAL;
	while (*text) {
		size_t digits = strspn(text, "0123456789"), i = 0;
		uint64_t value = events_json_value(text);

		text += digits;
		while (i < 4 &&
		       (!str_starts(text, units[i].name) || (str_starts(text, "ms") && i != 0)))
			i++;
		if (!digits || digits > 9 || i == 4)
			return -EINVAL;
		sum += (int64_t)value * units[i].ms;
		if (sum > INT32_MAX)
			return -ERANGE;
		text += strlen(units[i].name);
	}
	*ret = sum;
	return 0;
}
