/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/stats_text.h"

#include <string.h>

static struct json_uint number(const struct events_source *source, const char *controller,
			       const char *file)
{
	const char *text = source->read(source, controller, file);

	return text ? (struct json_uint){ true, events_json_value(text) } : (struct json_uint){ 0 };
}

static struct json_uint cpu_v2(const struct events_source *source)
{
	const char *stat = source->read(source, "cpu", "cpu.stat");

	return stat ? (struct json_uint){ true, events_json_field(stat, "usage_usec") * 1000 }
		    : (struct json_uint){ 0 };
}

struct stats_sample stats_text_sample(const struct events_source *source, const char *id,
				      uint64_t when, uint64_t since)
{
	struct stats_sample sample = {
		.id = arena_strdup(source->arena, id),
		.when = when,
		.since = since,
		.pids = number(source, "pids", "pids.current"),
	};

	if (source->v2) {
		sample.cpu = cpu_v2(source);
		sample.memory = number(source, "memory", "memory.current");
		sample.limit = number(source, "memory", "memory.max");
	} else {
		sample.cpu = number(source, "cpuacct", "cpuacct.usage");
		sample.memory = number(source, "memory", "memory.usage_in_bytes");
		sample.limit = number(source, "memory", "memory.limit_in_bytes");
	}
	if (sample.limit.v > 1ULL << 60) /* v1 has no word for "none" */
		sample.limit.v = UINT64_MAX;
	return sample;
}

uint64_t stats_text_percent(const struct stats_sample *sample, const struct stats_sample *before,
			    size_t n_before)
{
	uint64_t cpu = sample->cpu.v, time = sample->when - sample->since;

	/* an id may be reused, by a container that has used less */
	for (size_t i = 0; i < n_before; i++)
		if (str_equal(before[i].id, sample->id) && before[i].since == sample->since &&
		    before[i].cpu.set && before[i].cpu.v <= cpu) {
			time = sample->when - before[i].when;
			cpu -= before[i].cpu.v;
			break;
		}
	/* two weeks of a CPU times 10,000 overflow; the last bits do not matter */
	for (; cpu > UINT64_MAX / 10000; cpu /= 2)
		time /= 2;
	return time ? cpu * 10000 / time : 0;
}

/* "--" is docker's and podman's word for what is not counted. */
static void add_size(struct str *out, struct json_uint bytes)
{
	static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;
	uint64_t tenths;

	if (!bytes.set || bytes.v == UINT64_MAX) {
		str_add(out, bytes.set ? "-" : "--");
		return;
	}
	for (tenths = bytes.v * 10; tenths >= 10240 && unit < 4; unit++)
		tenths /= 1024;
	str_addf(out, "%llu.%llu %s", (unsigned long long)tenths / 10,
		 (unsigned long long)tenths % 10, units[unit]);
}

static void add_percent(struct str *out, const struct stats_sample *sample,
			const struct stats_sample *before, size_t n_before)
{
	uint64_t percent = stats_text_percent(sample, before, n_before);

	if (sample->cpu.set)
		str_addf(out, "%llu.%02llu", (unsigned long long)percent / 100,
			 (unsigned long long)percent % 100);
	else
		str_add(out, "--");
}

void stats_text_table(struct str *out, const struct stats_sample *v, size_t n,
		      const struct stats_sample *before, size_t n_before)
{
	size_t width = sizeof("ID") - 1;

	for (size_t i = 0; i < n; i++)
		width = strlen(v[i].id) > width ? strlen(v[i].id) : width;
	str_addf(out, "%-*s  %8s  %10s  %10s  %s\n", (int)width, "ID", "CPU %", "MEMORY", "LIMIT",
		 "PIDS");
	for (size_t i = 0; i < n; i++) {
		_cleanup_str_ struct str percent = { 0 };
		_cleanup_str_ struct str memory = { 0 };
		_cleanup_str_ struct str limit = { 0 };

		add_percent(&percent, &v[i], before, n_before);
		add_size(&memory, v[i].memory);
		add_size(&limit, v[i].limit);
		str_addf(out, "%-*s  %8s  %10s  %10s  ", (int)width, v[i].id, str_text(&percent),
			 str_text(&memory), str_text(&limit));
		if (v[i].pids.set)
			str_addf(out, "%llu\n", (unsigned long long)v[i].pids.v);
		else
			str_add(out, "--\n");
	}
}

static void uint_if_set(struct json_write *w, const char *key, struct json_uint value)
{
	if (value.set)
		json_write_uint(w, key, value.v);
}

void stats_text_json(struct json_write *w, const struct stats_sample *v, size_t n,
		     const struct stats_sample *before, size_t n_before)
{
	json_write_array(w, NULL);
	for (size_t i = 0; i < n; i++) {
		_cleanup_str_ struct str percent = { 0 };

		add_percent(&percent, &v[i], before, n_before);
		json_write_object(w, NULL);
		json_write_string(w, "id", v[i].id);
		str_add(&percent, "%");
		if (v[i].cpu.set)
			json_write_string(w, "cpu_percent", percent.s);
		uint_if_set(w, "cpu_ns", v[i].cpu);
		uint_if_set(w, "memory", v[i].memory);
		if (v[i].limit.v != UINT64_MAX)
			uint_if_set(w, "memory_limit", v[i].limit);
		uint_if_set(w, "pids", v[i].pids);
		json_write_end(w);
	}
	json_write_end(w);
}
