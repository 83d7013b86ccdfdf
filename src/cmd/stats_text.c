/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/stats_text.h"

#include <stdio.h>
#include <string.h>

struct stats_sample stats_text_sample(const struct events_source *source, const char *id,
				      uint64_t when, uint64_t since)
{
	struct stats_sample sample = {
		.id = arena_strdup(source->arena, id),
		.when = when,
		.since = since,
		.pids = events_json_number(source, "pids", "pids.current"),
	};

	if (source->v2) {
		const char *stat = source->read(source, "cpu", "cpu.stat");

		sample.cpu = events_json_field(stat ? stat : "", "usage_usec") * 1000;
		sample.memory = events_json_number(source, "memory", "memory.current");
		sample.limit = events_json_number(source, "memory", "memory.max");
	} else {
		sample.cpu = events_json_number(source, "cpuacct", "cpuacct.usage");
		sample.memory = events_json_number(source, "memory", "memory.usage_in_bytes");
		sample.limit = events_json_number(source, "memory", "memory.limit_in_bytes");
	}
	if (!sample.limit || sample.limit > 1ULL << 60) /* v1 has no word for "none" */
		sample.limit = UINT64_MAX;
	return sample;
}

uint64_t stats_text_percent(const struct stats_sample *sample, const struct stats_sample *before,
			    size_t n_before)
{
	uint64_t cpu = sample->cpu, time = sample->when - sample->since;

	/* an id may be reused, by a container that has used less */
	for (size_t i = 0; i < n_before; i++)
		if (str_equal(before[i].id, sample->id) && before[i].since == sample->since &&
		    before[i].cpu <= cpu) {
			time = sample->when - before[i].when;
			cpu -= before[i].cpu;
			break;
		}
	/* two weeks of a CPU times 10,000 overflow; the last bits do not matter */
	for (; cpu > UINT64_MAX / 10000; cpu /= 2)
		time /= 2;
	return time ? cpu * 10000 / time : 0;
}

static void add_size(struct str *out, uint64_t bytes)
{
	static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;
	uint64_t tenths;

	if (bytes == UINT64_MAX) {
		str_add(out, "-");
		return;
	}
	for (tenths = bytes * 10; tenths >= 10240 && unit < 4; unit++)
		tenths /= 1024;
	str_addf(out, "%llu.%llu %s", (unsigned long long)tenths / 10,
		 (unsigned long long)tenths % 10, units[unit]);
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
		_cleanup_str_ struct str memory = { 0 };
		_cleanup_str_ struct str limit = { 0 };
		uint64_t percent = stats_text_percent(&v[i], before, n_before);

		add_size(&memory, v[i].memory);
		add_size(&limit, v[i].limit);
		str_addf(out, "%-*s  %5llu.%02llu  %10s  %10s  %llu\n", (int)width, v[i].id,
			 (unsigned long long)percent / 100, (unsigned long long)percent % 100,
			 str_text(&memory), str_text(&limit), (unsigned long long)v[i].pids);
	}
}

void stats_text_json(struct json_write *w, const struct stats_sample *v, size_t n,
		     const struct stats_sample *before, size_t n_before)
{
	json_write_array(w, NULL);
	for (size_t i = 0; i < n; i++) {
		uint64_t percent = stats_text_percent(&v[i], before, n_before);
		char text[32];

		(void)snprintf(text, sizeof(text), "%llu.%02llu%%",
			       (unsigned long long)percent / 100,
			       (unsigned long long)percent % 100);
		json_write_object(w, NULL);
		json_write_string(w, "id", v[i].id);
		json_write_string(w, "cpu_percent", text);
		json_write_uint(w, "cpu_ns", v[i].cpu);
		json_write_uint(w, "memory", v[i].memory);
		if (v[i].limit != UINT64_MAX)
			json_write_uint(w, "memory_limit", v[i].limit);
		json_write_uint(w, "pids", v[i].pids);
		json_write_end(w);
	}
	json_write_end(w);
}
